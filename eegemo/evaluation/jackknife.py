"""The jackknife: how far a mean over people would move with other people, and other stimuli where these are new."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from eegemo._trial_parts import UNIT
from eegemo.evaluation.metrics import from_confusions
from eegemo.evaluation.remembering import once_for_each_result
from eegemo.evaluation.results import Results
from eegemo.evaluation.scoring import confusions_by_trial

_OVER_CLASSES = ("macro_f1", "balanced_accuracy", "kappa")  # of those that a person has


@dataclass(frozen=True)
class Jackknife:
    """A mean over people, and what it is without one person, or without one stimulus or trial.

    Parameters
    ----------
    estimate : float
        The score.
    without : mapping of str -> array, shape (n,)
        The score without each of the ``"subjects"``, if there are several, and without each of the ``"stimuli"`` where
        the protocol tests new ones, else of the ``"trials"`` (or ``"units"`` of trials).

    Notes
    -----
    The variance is the sum of the jackknife's variances, with Satterthwaite's degrees of freedom. Where stimuli are
    new, other people would have been shown others, and both make the mean move. Where they are known, they are taken
    as fixed. What varies from one trial to the next is in each of the two and so counted twice: once because it is
    tested, and once because the models were trained on just such trials, which moves the mean of everybody. Cameron,
    Gelbach and Miller take one of the two off again, for models that are not trained.
    ``experiments/interval_coverage.py`` shows how often each interval holds the true mean.

    A trial that is all that a person has of a class cannot be left out of a mean over classes, which would be one over
    other classes: the score is taken to stay.

    References
    ----------
    Efron & Stein 1981, doi:10.1214/aos/1176345462 (jackknife); Cameron, Gelbach & Miller 2011,
    doi:10.1198/jbes.2010.07136, and Owen 2007, doi:10.1214/07-AOAS122 (two ways of clustering); Judd, Westfall & Kenny
    2012, doi:10.1037/a0028347 (stimuli that vary); Satterthwaite 1946, doi:10.2307/3002019.
    """

    estimate: float
    without: Mapping[str, np.ndarray]

    def __sub__(self, other: Jackknife) -> Jackknife:
        """Subtract the scores of another model on the same people and stimuli."""
        return Jackknife(
            self.estimate - other.estimate,
            {unit: own - other.without[unit] for unit, own in self.without.items()},
        )

    @property
    def unit(self) -> str:
        """What is taken to vary, such as ``"subjects and stimuli"``; of a single person, ``"trials"``."""
        return " and ".join(self.without)

    @property
    def n(self) -> int:
        """How many people there are; of a single one, how many trials, units or stimuli."""
        return len(next(iter(self.without.values())))

    @property
    def variance(self) -> float:
        """Of the estimate."""
        return sum(_variance(scores) for scores in self.without.values())

    @property
    def df(self) -> float:
        """Degrees of freedom of the variance."""
        parts = [(_variance(scores), len(scores) - 1) for scores in self.without.values()]
        spread = sum(variance**2 / df for variance, df in parts)
        return self.variance**2 / spread if spread else float(min(df for _, df in parts))

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the ends of the interval of Student's t.

        Parameters
        ----------
        confidence : float
            From 0 to 1.

        Returns
        -------
        low, high : float
        """
        half = float(stats.t.ppf(0.5 + confidence / 2, self.df)) * np.sqrt(self.variance)
        return float(self.estimate - half), float(self.estimate + half)

    @property
    def p(self) -> float:
        """Two-sided p of Student's t-test of whether the estimate is 0; 1 where nothing varies and it is."""
        if self.variance == 0:
            return float(self.estimate == 0)
        return float(2 * stats.t.sf(abs(self.estimate) / np.sqrt(self.variance), self.df))


@once_for_each_result
def jackknife(result: Results, metric: str, level: str) -> Jackknife:
    """Leave out each person in turn, and each stimulus where the protocol tests new ones, else each trial.

    Parameters
    ----------
    result : Results
        Of any protocol.
    metric : str
        One of :data:`eegemo.evaluation.metrics.METRICS`.
    level : "window" | "trial"
        Whether windows or whole trials are scored.

    Returns
    -------
    jackknife : Jackknife
        Of the mean of the people's scores, each over all folds, and over the repetitions. Of a single person, of the
        score of all trials.
    """
    counted = [confusions_by_trial(folds, level) for folds in result.repetitions()]
    counts, loss, trials = (np.concatenate(parts) for parts in zip(*counted, strict=True))
    repetition = np.repeat(np.arange(len(counted)), [len(part[2]) for part in counted])
    subject = result.subject_of(trials)
    if result.splitter.rule.holds_out_stimuli:
        name, unit = "stimuli", result.stimulus_of(trials)
    else:  # trials that share a rating are no independent observations
        name, unit = ("units" if UNIT in result.table else "trials"), result.unit_of(trials)
    return leave_each_out(counts, loss, subject, unit, metric, name=name, repetition=repetition)


def leave_each_out(
    counts: np.ndarray,
    loss: np.ndarray,
    subject: np.ndarray,
    unit: np.ndarray,
    metric: str,
    *,
    name: str,
    repetition: np.ndarray | None = None,
) -> Jackknife:
    """Leave out each person in turn, and each stimulus or trial, from counted predictions.

    Parameters
    ----------
    counts : array, shape (n, n_classes, n_classes)
        Confusion matrices, rows are true classes.
    loss : array, shape (n,)
        Summed over what was counted.
    subject, unit : array, shape (n,)
        Whose each is, and which stimulus, trial or unit.
    metric : str
        One of :data:`eegemo.evaluation.metrics.METRICS`.
    name : str
        What the units are, in the plural.
    repetition : array of int, shape (n,) | None
        Of the folds; a person's score is the mean over them.

    Returns
    -------
    jackknife : Jackknife
    """
    person, number = pd.factorize(subject)[0], pd.factorize(unit)[0]
    again = np.zeros(len(person), int) if repetition is None else repetition
    n_people, n_again, n_units = (int(numbers.max()) + 1 for numbers in (person, again, number))
    group = again * n_people + person
    total, total_loss = _summed(counts, group, n_again * n_people), _summed(loss, group, n_again * n_people)
    scores = _scores(total, total_loss, metric)
    cells, cell = np.unique(group * n_units + number, return_inverse=True)
    owner, left_out = cells // n_units, cells % n_units
    fewer, less = total[owner] - _summed(counts, cell, len(cells)), total_loss[owner] - _summed(loss, cell, len(cells))
    varied, moved = np.tile(scores, (n_units, 1)), _scores(fewer, less, metric)
    if n_people > 1 and metric in _OVER_CLASSES:
        torn = ((total[owner].sum(axis=2) > 0) & (fewer.sum(axis=2) == 0)).any(axis=1) & ~np.isnan(moved)
        moved[torn] = scores[owner[torn]]
    varied[left_out, owner] = moved
    of_people = _mean(scores.reshape(n_again, n_people), axis=0)
    others = {"subjects": (of_people.sum() - of_people) / (n_people - 1)} if n_people > 1 else {}
    without = _mean(_mean(varied.reshape(n_units, n_again, n_people), axis=1), axis=1)
    return Jackknife(float(of_people.mean()), {**others, name: without})


def _scores(counts: np.ndarray, loss: np.ndarray, metric: str) -> np.ndarray:
    """Score confusion matrices; NaN where nothing was counted."""
    n = counts.sum(axis=(-2, -1))
    some = np.maximum(n, 1)
    scores = loss / some if metric == "loss" else from_confusions(np.where(n[:, None, None] > 0, counts, 1), metric)
    return np.where(n > 0, scores, np.nan)


def _mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Average what is there; NaN where nothing is."""
    there = ~np.isnan(values)
    n = there.sum(axis)
    return np.where(n > 0, values.sum(axis, where=there) / np.maximum(n, 1), np.nan)


def _summed(values: np.ndarray, numbers: np.ndarray, n: int) -> np.ndarray:
    """Sum over the first axis what has one number."""
    total = np.zeros((n, *values.shape[1:]))
    np.add.at(total, numbers, values)
    return total


def _variance(without: np.ndarray) -> float:
    """Tukey's variance from what is left without each."""
    n = len(without)
    return float((n - 1) / n * ((without - without.mean()) ** 2).sum())
