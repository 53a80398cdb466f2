"""The layers that networks are saved with, made known to Keras as soon as Keras is imported."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import wrapt

#: What Keras calls them in a file, and where they are; each registers itself under its name when it is imported.
_LAYERS = {
    "eegemo>ChannelNormalization": ("eegemo.networks.normalization", "ChannelNormalization"),
    "eegemo>ChosenSteps": ("eegemo.networks.tcn", "ChosenSteps"),
    "eegemo>ResidualBlock": ("eegemo.networks.resnet1d", "ResidualBlock"),
    "eegemo>LastStepTCN": ("eegemo.networks.tcn", "LastStepTCN"),
    "Custom>TCN": ("eegemo.networks.keras_tcn", "TCN"),
}


def register_layers_with_keras() -> None:
    """Let plain ``keras.models.load_model`` read what eegemo saved; Keras need not be imported yet."""
    wrapt.when_imported("keras")(_register_layers)


def _register_layers(keras: ModuleType) -> None:
    for registered, (module, name) in _LAYERS.items():
        keras.saving.get_custom_objects().setdefault(registered, _stand_in(keras, module, name))


def _stand_in(keras: ModuleType, module: str, name: str) -> Any:
    """Make a class that imports the layer when a file has one; keras-tcn would import TensorFlow for nothing."""

    def from_config(config: dict[str, Any]) -> Any:
        return getattr(importlib.import_module(module), name).from_config(config)

    return type(name, (keras.layers.Layer,), {"from_config": staticmethod(from_config)})
