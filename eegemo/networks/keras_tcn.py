"""keras-tcn's layer, without TensorFlow where Keras computes with something else."""

from __future__ import annotations

import importlib
import sys
from contextlib import nullcontext
from types import ModuleType, SimpleNamespace

from eegemo._keras import keras


def _import_tcn() -> ModuleType:
    """Import keras-tcn; TensorFlow, by whose name it asks for Keras, is imported only where Keras computes with it.

    Of TensorFlow itself its layer takes the name scopes, which Keras 3 does not read, and what turns a sequence round.
    """
    if keras.backend.backend() == "tensorflow" or "tensorflow" in sys.modules:
        return importlib.import_module("tcn")
    by_that_name, stand_in = ModuleType("tensorflow.keras"), ModuleType("tensorflow")
    ops = SimpleNamespace(name_scope=lambda _: nullcontext(), shape=keras.ops.shape, cast=keras.ops.cast)
    vars(by_that_name).update(vars(keras) | {"backend": ops})
    vars(stand_in).update(keras=by_that_name, reverse=keras.ops.flip)
    modules = {"tensorflow": stand_in, "tensorflow.keras": by_that_name, "tensorflow.keras.layers": keras.layers}
    sys.modules.update(modules)
    try:
        return importlib.import_module("tcn")
    finally:
        for name in modules:
            del sys.modules[name]


TCN = _import_tcn().TCN
