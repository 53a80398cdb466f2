"""Permutation tests: what scores are worth when labels are dealt anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
from rich.progress import Progress
from sklearn.base import BaseEstimator

from eegemo._numbers import whole
from eegemo.errors import ConfigError, suggest_keywords, unknown_name
from eegemo.evaluation.blocks import Blocks, blocks_of
from eegemo.evaluation.cross_validation import evaluate
from eegemo.evaluation.metrics import METRICS, check_metric, from_confusions
from eegemo.evaluation.plan import make_plan
from eegemo.evaluation.refits import mean_over_subjects, refits
from eegemo.evaluation.remembering import once_for_each_result
from eegemo.evaluation.results import REFITS, Results
from eegemo.evaluation.scoring import LEVELS, confusions_by_trial
from eegemo.evaluation.splitter import Splitter
from eegemo.labels import LabelScheme
from eegemo.windows import Windows


@dataclass(frozen=True)
class PermutationTest:
    """A score beside those that permuted labels give.

    Parameters
    ----------
    score : float
        With the true labels, one for each trial where only these are permuted (:func:`label_permutation_test`).
    null : array, shape (n_permutations,)
        With permuted ones.
    p : float
        Share of scores at least as high, the true one among them.
    """

    score: float
    null: np.ndarray
    p: float


@suggest_keywords
@once_for_each_result
def label_permutation_test(
    result: Results,
    metric: str = "macro_f1",
    level: str = "window",
    *,
    n_permutations: int = 9999,
    random_state: int = 0,
) -> PermutationTest:
    """Test whether predictions know the labels: these are dealt anew over stimuli, for all people alike.

    Parameters
    ----------
    result : Results
        Of any protocol; under one that leaks, what is known may be the trial rather than the emotion.
    metric : str
        Any but the loss.
    level : "window" | "trial"
        Whether windows or whole trials are scored.
    n_permutations, random_state : int
        How often labels are permuted, and from which seed.

    Returns
    -------
    test : PermutationTest
        Of the score over all people together.

    Raises
    ------
    ConfigError
        If the metric or level is unknown, or trials of one unit have several labels, and no two units of a person
        have as many trials.

    Notes
    -----
    The predictions are kept and nothing is trained again, so it takes a second; the trial is what is exchanged, since
    windows of one trial are no independent observations. Neither are trials of one ``unit``: a unit takes the label of
    another one of that person; where its trials have several, all those of one with as many trials, in their order.
    What people say of one stimulus is no independent observation either: all labels of a stimulus go to one other
    stimulus, as far as people saw the same ones. Where each saw stimuli of their own, or these are not named, each
    person's labels are permuted over that person's trials. Training knew the true labels, so under protocols that know
    the stimuli a small p may be the stimulus recognised; :func:`eegemo.evaluation.permutation.permutation_test`, which
    trains anew for each permutation, asks for more than that.

    A trial has one label here, the class that most of its windows were tested with. Where a rule is fitted in each fold
    and windows of one trial lie in several, as with ``quadrants("median")`` under ``window-random``, a few were tested
    with another class: the score, like those that it is compared with, then counts them with their trial's label, and
    is not quite that of :meth:`Results.confusion`.

    References
    ----------
    Phipson & Smyth 2010, doi:10.2202/1544-6115.1585 (the added one).
    """
    check_metric(metric)
    if metric == "loss":
        raise ConfigError("The loss is not counted from predicted classes; take another metric.")
    n_permutations, random_state = whole("n_permutations", n_permutations, 1), whole("random_state", random_state)
    counts, _, trials = confusions_by_trial(result.folds, level)
    labels = counts.sum(axis=2).argmax(axis=1)
    blocks = blocks_of(result.subject_of(trials), result.unit_of(trials), labels)
    return dealt_labels(counts, blocks, result.stimulus_of(trials), metric, n_permutations, random_state)


def dealt_labels(
    counts: np.ndarray,
    blocks: Blocks,
    stimulus: np.ndarray,
    metric: str,
    n_permutations: int,
    random_state: int,
) -> PermutationTest:
    """Score predictions, and again and again with the labels dealt anew; see :func:`label_permutation_test`.

    Parameters
    ----------
    counts : array, shape (n_trials, n_classes, n_classes)
        Confusion matrices, rows are true classes.
    blocks : Blocks
        The trials whose labels are exchanged together.
    stimulus : array, shape (n_trials,)
        What was shown.
    metric, n_permutations, random_state
        As :func:`label_permutation_test` takes them.

    Returns
    -------
    test : PermutationTest
    """
    predicted, labels = counts.sum(axis=1), counts.sum(axis=2).argmax(axis=1)
    rng = np.random.default_rng(random_state)

    def scored(labels: np.ndarray) -> float:
        matrix = np.zeros(counts.shape[1:])
        np.add.at(matrix, labels, predicted)
        return float(from_confusions(matrix, metric))

    truth = scored(labels)
    null = np.array([scored(labels[rows]) for rows in islice(blocks.dealt_alike(stimulus, rng), n_permutations)])
    return _compare(truth, null)


@suggest_keywords
def permutation_test(
    classifier: BaseEstimator,
    windows: Windows,
    labels: LabelScheme | np.ndarray | pd.Series | Sequence[object],
    protocol: str | Splitter,
    *,
    metric: str = "macro_f1",
    level: str = "window",
    n_permutations: int = 99,
    n_jobs: int | None = None,
    folds_at_once: bool | str = "auto",
    progress: Progress | None = None,
) -> PermutationTest:
    """Evaluate a classifier with the true labels, and again and again with labels dealt anew over stimuli.

    All people's labels of one stimulus go to one other stimulus, so a model that recognises the stimulus scores as
    much with them, and only what it knows beyond that makes p small. Trials of one ``unit`` take the labels of another
    unit together, as in :func:`eegemo.evaluation.controls.permute_labels`.

    Parameters
    ----------
    classifier, windows, labels, protocol
        As :func:`eegemo.evaluate` takes them.
    metric : str
        Averaged over the people; of the loss, less is better, and it is not taken.
    level : "window" | "trial"
        Whether windows or whole trials are scored.
    n_permutations : int
        Each costs as much as an evaluation.
    n_jobs, folds_at_once, progress
        As :func:`eegemo.evaluate` takes them. Folds of several permutations run side by side, or are trained at once,
        128 at a time. Nothing is kept on disk: runs of permuted labels must not be taken for the real task.

    Returns
    -------
    test : PermutationTest

    Raises
    ------
    ConfigError
        If the metric is unknown or the loss, or there are no permutations.

    See Also
    --------
    label_permutation_test : Keeps the predictions, and takes a second.
    evaluate : With ``n_permutations``, keeps the scores beside its results, for the p of tables.

    References
    ----------
    Ojala & Garriga 2010 (JMLR 11:1833-1863), their first test, within people.
    """
    if metric not in METRICS or metric == "loss":
        raise ConfigError(f"metric must be one of {', '.join(m for m in METRICS if m != 'loss')}, got {metric!r}.")
    n_permutations = whole("n_permutations", n_permutations, 1)
    if level not in LEVELS:
        raise unknown_name("level", level, LEVELS)
    how: dict[str, Any] = {"n_jobs": n_jobs, "folds_at_once": folds_at_once, "progress": progress}
    truth = mean_over_subjects(evaluate(classifier, windows, labels, protocol, **how), metric, level)
    plan = make_plan(classifier, windows, labels, protocol)
    null = [mean_over_subjects(one, metric, level) for one in refits(plan, range(n_permutations), **how)]
    return _compare(truth, np.array(null))


def refit_test(result: Results, level: str = "window") -> PermutationTest | None:
    """Return the permutation test of macro-F1 whose scores were kept beside results.

    Parameters
    ----------
    result : Results
        As ``evaluate(..., n_permutations=...)`` gave it.
    level : "window" | "trial"
        Whether windows or whole trials are scored.

    Returns
    -------
    test : PermutationTest | None
        What :func:`permutation_test` gives; None where no permutations were asked for.
    """
    if level not in LEVELS:
        raise unknown_name("level", level, LEVELS)
    if REFITS not in result.provenance:
        return None
    return _compare(mean_over_subjects(result, "macro_f1", level), np.array(result.provenance[REFITS][level]))


def _compare(score: float, null: np.ndarray) -> PermutationTest:
    """Count the true labels among the permuted ones, so that p is never 0; ties count against them."""
    return PermutationTest(score, null, float((1 + (null >= score - 1e-12).sum()) / (1 + len(null))))
