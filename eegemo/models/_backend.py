"""Keras, imported when it is first needed."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


def import_keras(*, to_load: bool = False) -> ModuleType:
    """Import Keras and start its backend, without the start-up messages that TensorFlow writes for its developers.

    Parameters
    ----------
    to_load : bool
        Whether to register eegemo's own layer and keras-tcn's, so that any of our networks can be loaded.

    Returns
    -------
    keras : module
    """
    if "keras" in sys.modules:
        import keras
    else:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        with _silenced():
            import keras

            keras.ops.zeros(1)  # the first operation looks for a GPU, and says so
    if to_load:
        import tcn  # noqa: F401

        from eegemo.models import layers  # noqa: F401

    return keras


@contextmanager
def _silenced() -> Iterator[None]:
    """Keep what is written to the process's standard error, by C++ too, and show it only if the block fails."""
    try:
        terminal = os.dup(2)
    except OSError:  # a program without a standard error, such as one started from an icon
        yield
        return
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(terminal, 2)
            kept.seek(0)
            with open(2, "wb", closefd=False) as shown:
                shutil.copyfileobj(kept, shown)
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
