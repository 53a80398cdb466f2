"""What training lowers, and the figure that is read beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Loss:
    """A loss, as Keras computes it in training and NumPy afterwards.

    Parameters
    ----------
    name : str
        Keras's name of the loss.
    metric : str
        Keras's name of the figure beside it; also its name in the history.
    measure : callable
        ``measure(outputs, target)`` returns loss and figure of arrays, shapes (n, ...), as floats.
    """

    name: str
    metric: str
    measure: Callable[[np.ndarray, np.ndarray], tuple[float, float]]


def _cross_entropy(proba: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    likelihood = np.take_along_axis(proba, target[..., None], axis=-1)[..., 0].astype(np.float64)
    loss = -np.log(np.maximum(likelihood, 1e-7)).mean()
    return float(loss), float((proba.argmax(axis=-1) == target).mean())


def _squared_error(outputs: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    difference = outputs.astype(np.float64) - target
    return float((difference**2).mean()), float(np.abs(difference).mean())


#: Of probabilities and class numbers, shapes (n, n_classes) and (n,); accuracy beside it.
CROSS_ENTROPY = Loss("sparse_categorical_crossentropy", "accuracy", _cross_entropy)
#: Of numbers and numbers, both (n, n_outputs); the mean absolute error beside it.
SQUARED_ERROR = Loss("mean_squared_error", "mean_absolute_error", _squared_error)
