"""Folds of networks as one computation on a GPU: which can be, and what each of them gave."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator, clone

from eegemo._warnings import warn_caller
from eegemo.errors import ConfigError
from eegemo.evaluation.fitting import FoldTask, Learned, over_all_classes, parts_of, record_fold, stopped_on
from eegemo.evaluation.folds import FailedFold, Fold
from eegemo.evaluation.plan import Plan
from eegemo.evaluation.provenance import backend_name
from eegemo.evaluation.splitter import Split
from eegemo.models.classifier import EEGClassifier

if TYPE_CHECKING:
    from eegemo.models.fits_at_once import FitOutcome

Key = tuple[int, int]  # which plan, and which fold of it
#: Folds whose windows are numbered and predictions kept in memory at a time.
FOLDS_IN_HAND = 128


def check_at_once(folds_at_once: bool | str) -> bool:
    """Say whether the folds of networks are trained as one computation.

    Parameters
    ----------
    folds_at_once : "auto" | bool
        ``"auto"`` where Keras computes with JAX, and JAX has an accelerator.

    Returns
    -------
    at_once : bool

    Raises
    ------
    ConfigError
        If it is none of the three, or it is wanted where Keras computes with something else.
    """
    if folds_at_once not in ("auto", True, False):
        raise ConfigError(f"folds_at_once must be 'auto', True or False, got {folds_at_once!r}.")
    if folds_at_once is False or backend_name() != "jax":
        if folds_at_once is True:
            raise ConfigError(
                f"Folds are trained at once by JAX, and Keras computes with {backend_name()}; set KERAS_BACKEND=jax "
                "before Python starts, and install it: pip install 'eegemo[jax]'."
            )
        return False
    if folds_at_once is True:
        return True
    import jax

    return jax.default_backend() != "cpu"


def can_be_at_once(estimator: BaseEstimator) -> bool:
    """Say whether an estimator's folds can be trained as one computation: a network's, and no subclass's own fit.

    Parameters
    ----------
    estimator : estimator
        Of a plan.

    Returns
    -------
    can : bool
    """
    return type(estimator) is EEGClassifier


def run_at_once(
    plans: Sequence[Plan],
    keys: Sequence[Key],
    *,
    demanded: bool,
    on_epoch_end: Callable[[int], object] | None = None,
) -> Iterator[tuple[Key, Fold | FailedFold | None]]:
    """Train folds as one computation, whichever plan they are of, and give each one when its group ends.

    Parameters
    ----------
    plans : sequence of Plan
        Of networks.
    keys : sequence of (int, int)
        Which plan, and which fold of it.
    demanded : bool
        Whether folds that cannot be trained at once are an error.
    on_epoch_end : callable | None
        Told how many epochs of a group are done.

    Yields
    ------
    key : (int, int)
    outcome : Fold | FailedFold | None
        None for a fold that has to be trained by itself.

    Raises
    ------
    ConfigError
        If that is an error.
    """
    from eegemo.models.fits_at_once import FitRequest, fit_at_once
    from eegemo.training.course import CannotStackError

    for first in range(0, len(keys), FOLDS_IN_HAND):
        now = keys[first : first + FOLDS_IN_HAND]
        tasks = [_task(plans[position], number) for position, number in now]
        splits = [plans[position].splits[number] for position, number in now]
        requests = []
        for task, split in zip(tasks, splits, strict=True):
            usable, X, y = stopped_on(task, split), task.windows, task.y
            held_out = (X[usable], y[usable]) if len(usable) else None
            predicted = [X[numbers] for numbers in parts_of(split).values()]
            requests.append(FitRequest(clone(task.estimator), X[split[0]], y[split[0]], held_out, predicted))
        refusals = set()
        for k, outcome in fit_at_once(requests, on_epoch_end):
            key, number = now[k], now[k][1]
            if isinstance(outcome, CannotStackError):
                if demanded:
                    raise outcome
                refusals.add(f"{outcome} They are trained one after another.")
                yield key, None
                continue
            try:
                if isinstance(outcome, Exception):
                    raise outcome
                yield key, _fold(number, tasks[k], splits[k], requests[k].classifier.classes_, outcome)
            except Exception as error:
                yield key, FailedFold(number, f"{type(error).__name__}: {error}", error)
        for text in refusals:
            warn_caller(text)


def _task(plan: Plan, number: int) -> FoldTask:
    return FoldTask(plan.estimator, plan.windows, plan.y_of(number), plan.windows, plan.scheme.classes, plan.baselines)


def _fold(number: int, task: FoldTask, split: Split, classes: np.ndarray, outcome: FitOutcome) -> Fold:
    """Record what came of a fold."""
    began = time.perf_counter()
    predicted = {
        part: over_all_classes(number, given, classes, len(task.classes))
        for part, given in zip(parts_of(split), outcome.outputs, strict=True)
    }
    history = outcome.history
    learned = Learned(history.curves, history.best_epoch, outcome.n_parameters, outcome.collapse)
    return record_fold(number, task, split, learned, predicted, outcome.seconds + time.perf_counter() - began)
