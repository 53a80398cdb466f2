"""Scores from probabilities, at the level of windows and of trials."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.metrics import cohen_kappa_score, confusion_matrix, precision_recall_fscore_support

from eegemo.errors import unknown_name

#: The scores of a prediction, in the order of the tables.
METRICS = ("accuracy", "loss", "balanced_accuracy", "macro_f1", "weighted_f1", "kappa")
_SMALLEST = 1e-7
#: The scores that are read first; macro-F1 leads.
LEADING_METRICS = ("macro_f1", "balanced_accuracy", "accuracy", "kappa")


def metric_name(metric: str) -> str:
    """Return a metric's name in words: ``macro_f1`` is macro-F1.

    Parameters
    ----------
    metric : str
        One of :data:`METRICS`.

    Returns
    -------
    name : str
    """
    return metric.replace("_f1", "-F1").replace("_", " ")


def losses(y: np.ndarray, proba: np.ndarray) -> np.ndarray:
    """Return the negative log-likelihood of each true class, bounded where its probability is 0.

    Parameters
    ----------
    y : array of int, shape (n,)
        True classes.
    proba : array, shape (n, n_classes)
        A probability for each class.

    Returns
    -------
    losses : array, shape (n,)
        In nats.
    """
    return -np.log(np.maximum(proba[np.arange(len(y)), y].astype(np.float64), _SMALLEST))


def score(y: np.ndarray, proba: np.ndarray, *, probabilistic: bool = True) -> dict[str, float]:
    """Score predicted probabilities.

    Parameters
    ----------
    y : array of int, shape (n,)
        True class numbers.
    proba : array, shape (n, n_classes)
        Probabilities, a column for each class number.
    probabilistic : bool
        Whether they are; decisions, which are 0 and 1, have no loss.

    Returns
    -------
    scores : dict of str -> float
        ``accuracy``; ``loss``, the mean negative natural logarithm of the true class's probability (not below
        1e-7), NaN of decisions; ``balanced_accuracy`` and ``macro_f1``, the mean recall and the mean F1 of the classes
        that occur in ``y``, so that who lacks a class can be told right too; ``weighted_f1``; Cohen's ``kappa``, 0
        where only one class occurs.
    """
    y = np.asarray(y)
    predicted = proba.argmax(axis=1)
    matrix = confusion(y, predicted, proba.shape[1])
    support = matrix.sum(axis=1)
    f1 = per_class(matrix)["f1"].to_numpy()
    agreed_by_one_class = len(np.unique(np.append(y, predicted))) == 1
    return {
        "accuracy": float(np.trace(matrix) / len(y)),
        "loss": float(losses(y, proba).mean()) if probabilistic else float("nan"),
        "balanced_accuracy": float((np.diag(matrix)[support > 0] / support[support > 0]).mean()),
        "macro_f1": float(f1[support > 0].mean()),
        "weighted_f1": float(f1 @ support / len(y)),
        "kappa": 0.0 if agreed_by_one_class else float(cohen_kappa_score(y, predicted)),
    }


def confusion(y: np.ndarray, predicted: np.ndarray, n_classes: int) -> np.ndarray:
    """Count predictions, in the fixed order of the class numbers.

    Parameters
    ----------
    y, predicted : array of int, shape (n,)
        True and predicted class numbers.
    n_classes : int
        How many classes there are.

    Returns
    -------
    matrix : array of int, shape (n_classes, n_classes)
        Rows are true classes.
    """
    return confusion_matrix(y, predicted, labels=np.arange(n_classes))


def per_class(matrix: np.ndarray) -> pd.DataFrame:
    """Precision, recall and F1 of each class.

    Parameters
    ----------
    matrix : array of int, shape (n_classes, n_classes)
        Confusion matrix, rows are true classes.

    Returns
    -------
    table : DataFrame
        Columns ``precision, recall, f1, support``, a row for each class; 0 where nothing can be divided.
    """
    n = len(matrix)
    true, predicted = (axis.ravel() for axis in np.indices(matrix.shape))
    columns = precision_recall_fscore_support(
        true, predicted, sample_weight=matrix.ravel(), labels=np.arange(n), zero_division=0.0
    )
    return pd.DataFrame(dict(zip(("precision", "recall", "f1"), columns[:3], strict=True))).assign(
        support=matrix.sum(axis=1)
    )


def from_confusions(matrices: np.ndarray, metric: str) -> np.ndarray:
    """Compute a score from many confusion matrices at once, as :func:`score` does from one prediction.

    Parameters
    ----------
    matrices : array, shape (..., n_classes, n_classes)
        Rows are true classes; each holds something.
    metric : str
        Any of ``METRICS`` but the loss.

    Returns
    -------
    scores : array, shape (...)
    """
    matrices = np.asarray(matrices, float)
    right = np.diagonal(matrices, axis1=-2, axis2=-1)
    support, called = matrices.sum(axis=-1), matrices.sum(axis=-2)
    n = support.sum(axis=-1)
    if metric == "accuracy":
        return right.sum(axis=-1) / n
    if metric == "balanced_accuracy":
        return (right / np.maximum(support, 1)).sum(axis=-1) / (support > 0).sum(axis=-1)
    if metric == "kappa":
        expected = (support * called).sum(axis=-1) / n
        possible = n - expected
        return np.where(possible > 0, (right.sum(axis=-1) - expected) / np.where(possible > 0, possible, 1), 0.0)
    f1 = 2 * right / np.maximum(support + called, 1)
    if metric == "macro_f1":
        return f1.sum(axis=-1, where=support > 0) / (support > 0).sum(axis=-1)
    if metric == "weighted_f1":
        return (f1 * support).sum(axis=-1) / n
    raise unknown_name("metric", metric, [name for name in METRICS if name != "loss"])


def to_trials(trial: np.ndarray, y: np.ndarray, proba: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Average the probabilities of each trial's windows.

    Parameters
    ----------
    trial : array of int, shape (n,)
        The trial of each window.
    y : array of int, shape (n,)
        The class of each window; the same for all windows of a trial.
    proba : array, shape (n, n_classes)
        A probability for each class.

    Returns
    -------
    trials : array of int, shape (n_trials,)
        Ascending.
    y : array of int, shape (n_trials,)
    proba : array, shape (n_trials, n_classes)
    """
    trials, first, inverse, counts = np.unique(trial, return_index=True, return_inverse=True, return_counts=True)
    total = np.zeros((len(trials), proba.shape[1]))
    np.add.at(total, inverse, proba)
    return trials, np.asarray(y)[first], total / counts[:, None]


def bounds(metric: str) -> tuple[float, float]:
    """Return the least and the greatest value that a metric can have.

    Parameters
    ----------
    metric : str
        One of :data:`METRICS`.

    Returns
    -------
    least, greatest : float
    """
    return {"loss": (0.0, np.inf), "kappa": (-1.0, 1.0)}.get(metric, (0.0, 1.0))


def check_metric(metric: str) -> None:
    """Refuse a metric that there is not.

    Parameters
    ----------
    metric : str
        One of :data:`METRICS`.

    Raises
    ------
    ConfigError
        If it is none.
    """
    if metric not in METRICS:
        raise unknown_name("metric", metric, METRICS)
