"""Intervals: how far a mean over people can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from eegemo._numbers import between
from eegemo.errors import ConfigError, suggest_keywords
from eegemo.evaluation.jackknife import jackknife
from eegemo.evaluation.metrics import bounds, check_metric
from eegemo.evaluation.results import Results


@dataclass(frozen=True)
class Interval:
    """A score and its confidence interval.

    Parameters
    ----------
    estimate, low, high : float
        The score, and the ends of its interval.
    n : int
        How many people there are; of a single one, how many trials, units or stimuli.
    unit : str
        What is taken to vary: ``"subjects and stimuli"`` where the protocol tests new stimuli, ``"subjects and
        trials"`` (or units of them) where it knows them; of a single person the second alone.
    """

    estimate: float
    low: float
    high: float
    n: int
    unit: str

    def __str__(self) -> str:
        return f"{self.estimate:.3f} [{self.low:.3f}, {self.high:.3f}]"


@suggest_keywords
def confidence_interval(
    result: Results, metric: str = "macro_f1", level: str = "window", *, confidence: float = 0.95
) -> Interval:
    """Say how far a mean over people would move with other people, and with other stimuli where these are new.

    Parameters
    ----------
    result : Results
        Of any protocol.
    metric : str
        One of :data:`eegemo.evaluation.metrics.METRICS`.
    level : "window" | "trial"
        Whether windows or whole trials are scored.
    confidence : float
        From 0 to 1.

    Returns
    -------
    interval : Interval
        Of the mean of the people's scores, each over all folds. Of a single person, of the score of all trials. It
        ends where the metric does.

    Raises
    ------
    ConfigError
        If the metric or level is unknown, or there is one trial, unit or stimulus only.

    Notes
    -----
    Student's t over the variance of :class:`eegemo.evaluation.jackknife.Jackknife`, whose notes say what varies. Under
    protocols that know the stimuli these are taken as fixed: the interval is of other people who are shown the same.
    Where four people or so are trained on, or accuracy and macro-F1 follow what class the models lean to, the true mean
    lies outside more often than it should; ``results/interval_coverage`` counts how often.
    """
    check_metric(metric)
    confidence = between("confidence", confidence, 0, 1)
    spread = jackknife(result, metric, level)
    if min(len(scores) for scores in spread.without.values()) < 2:
        raise ConfigError(f"An interval needs several {spread.unit}, got one.")
    ends = np.clip(spread.interval(confidence), *bounds(metric))
    return Interval(spread.estimate, float(ends[0]), float(ends[1]), spread.n, spread.unit)


def remarks(result: Results) -> list[str]:
    """Return what a reader must know of a result: its notes, and what a kappa below 0 is.

    Parameters
    ----------
    result : Results
        Of any protocol.

    Returns
    -------
    remarks : list of str
        Sentences.

    Notes
    -----
    What the test part has little of, training has more of, so a model that learns nothing but how common the classes
    are leans the wrong way. The mean over worlds without any effect is .01 to .03 below 0 under ``stimulus``
    (``results/interval_coverage``).

    References
    ----------
    Kohavi 1995 (IJCAI 14:1137-1143), on leave-one-out of random labels.
    """
    kappa = float(result.of_subjects()["kappa"].mean()) if result.folds else 0.0
    if kappa >= 0 or result.asks == "subject":
        return list(result.notes)
    return [
        *result.notes,
        f"{result.model} under {result.protocol_label}: kappa is {kappa:.3f}, below chance. What a test part has "
        "little of, training has more of, so models that know nothing score a little below 0; no effect is turned "
        "round.",
    ]


def mean_interval(values: np.ndarray, confidence: float = 0.95) -> Interval:
    """Return a mean over people with the interval of Student's t.

    Parameters
    ----------
    values : array, shape (n_subjects,)
        A score for each person.
    confidence : float
        From 0 to 1.

    Returns
    -------
    interval : Interval
    """
    mean, n = float(np.mean(values)), len(values)
    half = float(stats.sem(values) * stats.t.ppf(0.5 + confidence / 2, n - 1))
    return Interval(mean, mean - half, mean + half, n, "subjects")
