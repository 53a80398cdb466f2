"""Intervals: how far a mean over people can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from eegemo._trial_parts import UNIT
from eegemo.errors import ConfigError, suggest_keywords
from eegemo.evaluation.metrics import check_metric, from_confusions
from eegemo.evaluation.remembering import once_for_each_result
from eegemo.evaluation.results import Results
from eegemo.evaluation.scoring import confusions_by_trial

#: With fewer people than this, no interval from resampling them can hold the mean in 95 of 100 cases.
FEWEST_SUBJECTS = 6


@dataclass(frozen=True)
class Interval:
    """A score and its confidence interval.

    Parameters
    ----------
    estimate, low, high : float
        The score, and the ends of its interval.
    n : int
        How many people, trials or units were resampled.
    unit : "subjects" | "trials" | "units"
        What was resampled: of a single person, the units where trials have them.
    """

    estimate: float
    low: float
    high: float
    n: int
    unit: str

    def __str__(self) -> str:
        return f"{self.estimate:.3f} [{self.low:.3f}, {self.high:.3f}]"


@suggest_keywords
@once_for_each_result
def confidence_interval(
    result: Results,
    metric: str = "macro_f1",
    level: str = "window",
    *,
    confidence: float = 0.95,
    n_resamples: int = 9999,
    random_state: int = 0,
) -> Interval:
    """Bootstrap a score over people, or over the trials (or units) of a single person; never over windows.

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
    n_resamples, random_state : int
        How often people are resampled, and from which seed.

    Returns
    -------
    interval : Interval
        Of the mean of the people's scores, each over all folds. Of a single person, of the score of all trials.

    Raises
    ------
    ConfigError
        If the metric or level is unknown, or there is one trial, or unit, only.

    Notes
    -----
    Percentiles of :func:`scipy.stats.bootstrap`, set as much wider as Student's t and the divisor n - 1 ask for with
    few people (Hesterberg 2015). The folds' models share training data, so the interval is of people, with the models
    as they came out. With fewer than 6 people it is too short: all of them lie on one side of the mean too often.

    References
    ----------
    Hesterberg 2015, doi:10.1080/00031305.2015.1089789.
    """
    check_metric(metric)
    if not 0 < confidence < 1:
        raise ConfigError(f"confidence must lie between 0 and 1, got {confidence}.")
    scores = result.of_subjects(level)[metric].to_numpy()
    if len(scores) > 1:
        unit, n, estimate = "subjects", len(scores), float(scores.mean())

        def statistic(index: np.ndarray, axis: int = -1) -> np.ndarray:
            return scores[index].mean(axis=axis)
    else:
        counts, loss, trials = confusions_by_trial(result.folds, level)
        unit = "trials"
        if UNIT in result.table:  # trials that share a rating are no independent observations
            unit, numbers = "units", np.unique(result.unit_of(trials), return_inverse=True)[1]
            counts, loss = _summed(counts, numbers), _summed(loss, numbers)
        n = len(counts)
        if n < 2:
            raise ConfigError(f"An interval needs several {unit} to resample, got one.")

        def statistic(index: np.ndarray, axis: int = -1) -> np.ndarray:
            total = counts[index].sum(axis=np.ndim(index) - 1 if axis == -1 else axis)
            if metric == "loss":
                summed = loss[index].sum(axis=axis)
                return summed / total.sum(axis=(-2, -1))
            return from_confusions(total, metric)

        estimate = float(statistic(np.arange(n)))
    if np.isnan(estimate):  # a classifier that only decides has no loss
        return Interval(estimate, estimate, estimate, n, unit)
    widened = stats.norm.cdf(-np.sqrt(n / (n - 1)) * stats.t.ppf(0.5 + confidence / 2, n - 1))
    found = stats.bootstrap(
        (np.arange(n),),
        statistic,
        confidence_level=1 - 2 * widened,
        n_resamples=n_resamples,
        method="percentile",
        vectorized=True,
        batch=1000,
        rng=np.random.default_rng(random_state),
    ).confidence_interval
    return Interval(estimate, float(found.low), float(found.high), n, unit)


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


def _summed(values: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Sum over the first axis what has one number."""
    total = np.zeros((numbers.max() + 1, *values.shape[1:]), values.dtype)
    np.add.at(total, numbers, values)
    return total
