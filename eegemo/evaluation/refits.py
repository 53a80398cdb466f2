"""Refits: a plan carried out again and again with permuted labels, many permutations as one computation."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
from rich.markup import escape
from rich.progress import Progress
from sklearn.base import BaseEstimator

from eegemo._numbers import whole
from eegemo._warnings import warn_caller
from eegemo.errors import ConfigError
from eegemo.evaluation.at_once import FOLDS_IN_HAND, can_be_at_once, check_at_once
from eegemo.evaluation.controls import permuted_windows
from eegemo.evaluation.execution import run_folds
from eegemo.evaluation.folds import FailedFold, Failure, Fold
from eegemo.evaluation.plan import Plan, make_plan
from eegemo.evaluation.results import REFITS, Results
from eegemo.evaluation.run_folder import RunFolder
from eegemo.evaluation.scoring import LEVELS
from eegemo.evaluation.workers import stopped_by_sigterm

#: What ``n_permutations="auto"`` is on an accelerator; with the true labels, 200 scores.
N_PERMUTATIONS = 199


def number_of_refits(n_permutations: int | str, classifier: BaseEstimator, folds_at_once: bool | str) -> int:
    """Return how often a classifier is to be trained anew.

    Parameters
    ----------
    n_permutations : int | "auto"
        ``"auto"`` is 199 of a network whose folds are trained at once on an accelerator, and otherwise none.
    classifier : estimator
        Of the evaluation.
    folds_at_once : "auto" | bool
        As :func:`eegemo.evaluate` takes it.

    Returns
    -------
    n : int

    Raises
    ------
    ConfigError
        If it is neither "auto" nor a number.
    """
    if n_permutations != "auto":
        if isinstance(n_permutations, str):
            raise ConfigError(f"n_permutations must be a whole number or 'auto', got {n_permutations!r}.")
        return whole("n_permutations", n_permutations, 0, instead=", or 'auto'")
    at_once = folds_at_once is not False and check_at_once("auto") and can_be_at_once(classifier)
    return N_PERMUTATIONS if at_once else 0


def refits(
    plan: Plan,
    seeds: Sequence[int],
    *,
    n_jobs: int | None = None,
    folds_at_once: bool | str = "auto",
    progress: Progress | None = None,
) -> Iterator[Results]:
    """Carry a plan out with permuted labels; as many permutations side by side as make a full group of folds.

    Parameters
    ----------
    plan : Plan
        Of the real task.
    seeds : sequence of int
        One a permutation. All people's labels of one stimulus go to one other stimulus.
    n_jobs, folds_at_once
        As :func:`eegemo.evaluate` takes them.
    progress : rich.progress.Progress | None
        Shows a bar over permutations beside those over folds and epochs.

    Yields
    ------
    results : Results
        Of each permutation, in their order, without provenance. Folds that failed are missing, with a warning.
    """
    most = max(1, FOLDS_IN_HAND // len(plan.splits))
    n_groups = max(1, math.ceil(len(seeds) / most))
    n_side_by_side = max(1, math.ceil(len(seeds) / n_groups))  # groups of one size are compiled once
    with ExitStack() as stack:
        stack.enter_context(stopped_by_sigterm())
        bar = None
        if progress is not None:
            bar = progress.add_task(f"{escape(plan.title)} · permutations", total=len(seeds))
            stack.callback(progress.update, bar, visible=False)
        for first in range(0, len(seeds), n_side_by_side):
            plans = [_permuted(plan, seed) for seed in seeds[first : first + n_side_by_side]]
            ended: dict[int, list[Fold | FailedFold]] = defaultdict(list)
            todo = [(one, ()) for one in plans]
            for one, outcome in run_folds(todo, n_jobs=n_jobs, folds_at_once=folds_at_once, progress=progress):
                ended[id(one)].append(outcome)
            for one in plans:
                yield _collect(one, ended[id(one)])
                if progress is not None and bar is not None:
                    progress.update(bar, advance=1)


def with_refits(
    plan: Plan,
    place: RunFolder | None,
    results: Results,
    n_permutations: int,
    *,
    n_jobs: int | None,
    folds_at_once: bool | str,
    progress: Progress | None,
) -> Results:
    """Note in results what macro-F1 is after training anew with permuted labels, in their folder too.

    Parameters
    ----------
    plan : Plan
        Of the real task.
    place : RunFolder | None
        Where its run is kept; an interrupted one goes on with the permutations that are missing.
    results : Results
        With the true labels.
    n_permutations : int
        How many there are to be.
    n_jobs, folds_at_once, progress
        As :func:`eegemo.evaluate` takes them.

    Returns
    -------
    results : Results
    """
    known: dict[str, list[float]] = results.provenance.get(REFITS, {level: [] for level in LEVELS})
    missing = range(len(known[LEVELS[0]]), n_permutations)
    if not missing:
        return results
    with ExitStack() as stack:
        if place is not None:
            stack.enter_context(place.locked())
        for permuted in refits(plan, missing, n_jobs=n_jobs, folds_at_once=folds_at_once, progress=progress):
            known = {level: [*known[level], mean_over_subjects(permuted, "macro_f1", level)] for level in LEVELS}
            results = replace(results, provenance={**results.provenance, REFITS: known})
            if place is not None:
                place.finish(plan, results)
    return results


def mean_over_subjects(result: Results, metric: str, level: str) -> float:
    """Return what is compared: the mean of a score over the people."""
    return float(result.of_subjects(level)[metric].mean())


def _permuted(plan: Plan, seed: int) -> Plan:
    """Permute the labels of a plan, and draw its splits anew, since they spread the classes evenly."""
    windows = permuted_windows(plan.windows, plan.scheme, random_state=seed, stimuli_alike=True)
    permuted = make_plan(plan.estimator, windows, plan.scheme, plan.splitter, model=plan.model)
    same = len(plan.splits) == len(permuted.splits) and all(
        np.array_equal(part, drawn)
        for parts in zip(plan.splits, permuted.splits, strict=True)
        for part, drawn in zip(*parts, strict=True)
    )
    # Those of whole people are the same, and are in memory once; what sees no EEG would take longer than all else here.
    return replace(permuted, splits=plan.splits if same else permuted.splits, with_baselines=False)


def _collect(plan: Plan, ended: Sequence[Fold | FailedFold]) -> Results:
    folds = sorted((one for one in ended if isinstance(one, Fold)), key=lambda fold: fold.number)
    failed = sorted((one for one in ended if isinstance(one, FailedFold)), key=lambda fold: fold.number)
    if not folds:
        raise failed[0].exception
    for one in failed:
        warn_caller(f"{plan.title}, labels permuted: fold {one.number} failed: {one.text}")
    return Results(
        model=plan.model,
        splitter=plan.splitter,
        scheme=plan.scheme,
        table=plan.windows.table,
        y=plan.y,
        folds=tuple(folds),
        failures=tuple(Failure(one.number, one.text) for one in failed),
        provenance={},
    )
