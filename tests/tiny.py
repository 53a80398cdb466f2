"""Networks small enough to be trained in tests, and how to run them without tracing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from eegemo import EEGClassifier, make_model

_CNN_RNN = {"filters": 8, "kernel_size": 3, "pool_size": 4, "units": 4, "dense_units": 8}
#: Sizes of every registered network.
TINY: dict[str, dict[str, Any]] = {
    "cnn-gru": _CNN_RNN,
    "cnn-lstm": _CNN_RNN,
    "tcn": {"nb_filters": 8, "kernel_size": 4},
    "eegnet": {"F1": 2, "D": 2, "F2": 4, "kernel_length": 8, "dropout": 0.0},
    "resnet1d": {"filters": (8,), "kernel_size": 5, "dropout": 0.0},
}


def tiny(name: str, **settings: Any) -> EEGClassifier:
    """Make a classifier around a tiny network; the sizes may be named too."""
    classifier = make_model(name, **{**TINY.get(name, {}), "random_state": 0, **settings})
    assert isinstance(classifier, EEGClassifier)
    return classifier


@contextmanager
def traced(wanted: bool) -> Iterator[None]:
    """Trace networks or not, where the backend can be told: a few steps of a tiny one take less than its tracing."""
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(not wanted)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)
