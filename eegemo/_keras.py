"""Keras, started quietly: its import, its threads, its global settings and its random numbers."""

from __future__ import annotations

import logging
import os
import random
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache

from eegemo._quiet import silenced as silenced

_THREADS = "TF_NUM_INTRAOP_THREADS"
_one_at_a_time = threading.RLock()  # Keras's settings and random numbers belong to the whole process


if "keras" in sys.modules:
    import keras as keras
else:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with silenced():
        import keras as keras
# A network made anew for each fold is traced anew; TensorFlow calls that a mistake.
logging.getLogger("tensorflow").addFilter(lambda record: "tf.function retracing" not in record.getMessage())


@cache
def start() -> None:
    """Run the backend's first operation, which looks for a GPU and says so, out of sight."""
    with silenced():
        keras.ops.zeros(1)


def on_one_thread() -> bool:
    """Let TensorFlow compute on one thread from its first operation on, and say whether it does.

    The sums of several threads differ in their last digits from those of one, so that a number would depend on the
    machine, and on how many folds run side by side. A network that is fitted on its own uses all cores.

    Returns
    -------
    bound : bool
        False where TensorFlow has computed on several threads before, which cannot be changed in this process. What
        ``TF_NUM_INTRAOP_THREADS`` says is left as it is.
    """
    if keras.backend.backend() != "tensorflow" or _THREADS in os.environ:
        return True
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
    except RuntimeError:
        return False
    return True


@contextmanager
def standard_settings() -> Iterator[None]:
    """Make and run a network in single precision and channels last, whatever a user's Keras is set to globally.

    One thread at a time: the settings, and the seeds that :func:`seeded` gives inside, are the process's.
    """
    config = keras.config
    with _one_at_a_time, ExitStack() as stack:
        stack.callback(
            _restore_settings, config.dtype_policy(), config.floatx(), config.image_data_format(), config.epsilon()
        )
        config.set_floatx("float32")
        config.set_dtype_policy("float32")
        config.set_image_data_format("channels_last")
        config.set_epsilon(1e-7)
        if keras.backend.backend() == "jax":
            import jax

            # On a GPU, products of float32 are otherwise rounded to 10 bits.
            stack.enter_context(jax.default_matmul_precision("float32"))
        yield


def _restore_settings(policy: object, floatx: str, data_format: str, epsilon: float) -> None:
    config = keras.config
    config.set_floatx(floatx)
    config.set_dtype_policy(policy)
    config.set_image_data_format(data_format)
    config.set_epsilon(epsilon)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let Keras draw its seeds from ``seed``, and leave everybody else's random numbers alone.

    Keras draws from Python's shared generator, as other threads may in between: those of a Dask worker do. Under
    PyTorch, dropout draws from PyTorch's own.
    """
    from keras.src.random import seed_generator

    shared = seed_generator.python_random
    seed_generator.python_random = random.Random(seed)
    with ExitStack() as stack:
        stack.callback(setattr, seed_generator, "python_random", shared)
        if keras.backend.backend() == "torch":
            import torch

            stack.enter_context(torch.random.fork_rng())
            torch.manual_seed(seed)
        yield
