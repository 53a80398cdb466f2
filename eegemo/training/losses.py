"""What training lowers, and the figure that is read beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_LEARNED = 0.99  # of the loss of guessing: what a network that has learned anything stays below


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
    guess : callable
        ``guess(target)`` returns the loss of the best answer that is always the same.
    """

    name: str
    metric: str
    measure: Callable[[np.ndarray, np.ndarray], tuple[float, float]]
    guess: Callable[[np.ndarray], float]

    def collapse(self, outputs: np.ndarray, target: np.ndarray) -> str | None:
        """Say in words how a network has learned nothing of its own training data, if it has not.

        Parameters
        ----------
        outputs, target : array, shape (n, ...)
            Of training data.

        Returns
        -------
        text : str | None
            None where its answers differ and its loss is below that of guessing.
        """
        guess = self.guess(target)
        if not guess or not np.isfinite(outputs).all():  # there is one answer; or training diverged, which is said
            return None
        if self is CROSS_ENTROPY and len(np.unique(outputs.argmax(axis=-1))) == 1:
            return "it answers one class for all of its training data"
        loss, _ = self.measure(outputs, target)
        if loss > _LEARNED * guess:
            return f"its loss on its training data, {loss:.4g}, is that of the best constant answer, {guess:.4g}"
        return None


def _cross_entropy(proba: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    likelihood = np.take_along_axis(proba, target[..., None], axis=-1)[..., 0].astype(np.float64)
    loss = -np.log(np.maximum(likelihood, 1e-7)).mean()
    return float(loss), float((proba.argmax(axis=-1) == target).mean())


def _squared_error(outputs: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    difference = outputs.astype(np.float64) - target
    return float((difference**2).mean()), float(np.abs(difference).mean())


def _entropy(target: np.ndarray) -> float:
    share = np.unique(target, return_counts=True)[1] / target.size
    return float(-(share * np.log(share)).sum())


def _variance(target: np.ndarray) -> float:
    return float(np.var(target, axis=0).mean())


#: Of probabilities and class numbers, shapes (n, n_classes) and (n,); accuracy beside it.
CROSS_ENTROPY = Loss("sparse_categorical_crossentropy", "accuracy", _cross_entropy, _entropy)
#: Of numbers and numbers, both (n, n_outputs); the mean absolute error beside it.
SQUARED_ERROR = Loss("mean_squared_error", "mean_absolute_error", _squared_error, _variance)
