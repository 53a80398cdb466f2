"""Keras, imported when it is first needed."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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

        _bind_threads()
    else:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        with _silenced():
            import keras

            _bind_threads()
            keras.ops.zeros(1)  # the first operation looks for a GPU, and says so
        # A network made anew for each fold is traced anew; TensorFlow calls that a mistake.
        logging.getLogger("tensorflow").addFilter(lambda record: "tf.function retracing" not in record.getMessage())
    if to_load:
        import tcn  # noqa: F401

        from eegemo.models import layers  # noqa: F401

    return keras


def _bind_threads() -> None:
    """Let TensorFlow compute on one thread, unless ``TF_NUM_INTRAOP_THREADS`` says otherwise.

    The sums of several threads differ in their last digits from those of one, so that a number would depend on the
    machine, and on how many folds run side by side; networks of this size gain nothing from more.
    """
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None or "TF_NUM_INTRAOP_THREADS" in os.environ:
        return
    with suppress(RuntimeError):  # it computed before, on the threads it has
        tensorflow.config.threading.set_intra_op_parallelism_threads(1)


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
