"""Scores of folds: windows or whole trials, all of a part or person by person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from eegemo.errors import unknown_name
from eegemo.evaluation.folds import Fold
from eegemo.evaluation.metrics import losses, score, to_trials

LEVELS = ("window", "trial")


def at_level(fold: Fold, level: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what was predicted for windows, or for whole trials.

    Parameters
    ----------
    fold : Fold
        With its predictions.
    level : "window" | "trial"
        A trial's probabilities are the mean over its windows.

    Returns
    -------
    trial, y : array of int, shape (n,)
        The trial, and the class, of each window or trial.
    proba : array, shape (n, n_classes)
    """
    if level not in LEVELS:
        raise unknown_name("level", level, LEVELS)
    return to_trials(fold.trial, fold.y, fold.proba) if level == "trial" else (fold.trial, fold.y, fold.proba)


def rows_of_fold(fold: Fold, subjects: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """Score a fold: every part as a whole, and the test part person by person too.

    Parameters
    ----------
    fold : Fold
        With its predictions.
    subjects : dict of str -> array, shape (n,)
        At each level, whose each tested window or trial is, in the order of :func:`at_level`.

    Returns
    -------
    rows : list of dict
        ``subject, fold, level, part`` and the scores.
    """
    rows = [{"subject": "all", "fold": fold.number, "level": "window", "part": k, **v} for k, v in fold.seen.items()]
    for level in LEVELS:
        _, y, proba = at_level(fold, level)
        key = {"fold": fold.number, "level": level, "part": "test"}
        rows.append({"subject": "all", **key, **score(y, proba, probabilistic=fold.probabilistic)})
        for tested, scores in by_subject(subjects[level].astype(str), y, proba, fold.probabilistic).items():
            rows.append({"subject": tested, **key, **scores})
    return rows


def by_subject(
    subject: np.ndarray, y: np.ndarray, proba: np.ndarray, probabilistic: bool
) -> dict[Any, dict[str, float]]:
    """Score each person.

    Parameters
    ----------
    subject : array, shape (n,)
        Whose each prediction is.
    y : array of int, shape (n,)
        Classes.
    proba : array, shape (n, n_classes)
        Probabilities.
    probabilistic : bool
        Whether they are; decisions have no loss.

    Returns
    -------
    scores : dict of subject -> dict of str -> float
        In sorted order.
    """
    found = {}
    for tested in np.unique(subject):
        own = subject == tested
        found[tested] = score(y[own], proba[own], probabilistic=probabilistic)
    return found


def score_folds(folds: Sequence[Fold], subject: np.ndarray, level: str) -> pd.DataFrame:
    """Score each person over several folds together.

    Parameters
    ----------
    folds : sequence of Fold
        Of one repetition.
    subject : array, shape (n,)
        Whose each tested window or trial is, fold after fold.
    level : "window" | "trial"
        Whether windows or whole trials are scored.

    Returns
    -------
    table : DataFrame
        A row for each person.
    """
    parts = [at_level(fold, level) for fold in folds]
    _, y, proba = (np.concatenate(part) for part in zip(*parts, strict=True))
    return pd.DataFrame(by_subject(subject, y, proba, all(fold.probabilistic for fold in folds))).T


def confusions_by_trial(folds: Sequence[Fold], level: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count what was predicted for each trial.

    Parameters
    ----------
    folds : sequence of Fold
        Of all repetitions.
    level : "window" | "trial"
        Whether windows or whole trials are counted.

    Returns
    -------
    counts : array, shape (n_trials, n_classes, n_classes)
        Confusion matrices, rows are true classes.
    loss : array, shape (n_trials,)
        Summed; NaN of a classifier that only decides.
    trials : array of int, shape (n_trials,)
        The trials' numbers, ascending.
    """
    parts = [at_level(fold, level) for fold in folds]
    trial, y, proba = (np.concatenate(part) for part in zip(*parts, strict=True))
    trials, index = np.unique(trial, return_inverse=True)
    counts = np.zeros((len(trials), proba.shape[1], proba.shape[1]))
    np.add.at(counts, (index, y, proba.argmax(axis=1)), 1)
    loss = losses(y, proba) if all(fold.probabilistic for fold in folds) else np.full(len(y), np.nan)
    return counts, np.bincount(index, loss), trials
