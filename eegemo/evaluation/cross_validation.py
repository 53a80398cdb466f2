"""Run a classifier under a protocol: a fresh fit on each fold, and a record of how each number came about."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd
from rich.progress import Progress
from sklearn.base import BaseEstimator

from eegemo._json import as_json
from eegemo._warnings import warn_caller
from eegemo.errors import suggest_keywords
from eegemo.evaluation.controls import Control
from eegemo.evaluation.execution import FailedFold, run_folds
from eegemo.evaluation.folds import Failure, Fold
from eegemo.evaluation.plan import Plan, make_plan
from eegemo.evaluation.provenance import commit, environment
from eegemo.evaluation.results import Results
from eegemo.evaluation.run_folder import read_card, read_results, run_folder
from eegemo.evaluation.splitter import Splitter, make_splitter
from eegemo.labels import LabelScheme
from eegemo.windows import Windows


@suggest_keywords
def evaluate(
    classifier: BaseEstimator,
    windows: Windows,
    labels: LabelScheme | np.ndarray | pd.Series | Sequence[object],
    protocol: str | Splitter,
    *,
    model: str | None = None,
    control: str | Control | None = None,
    n_jobs: int | None = None,
    folder: str | os.PathLike[str] | None = None,
    runs: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    smoke: bool = False,
) -> Results:
    """Fit and test a classifier on every fold of a protocol.

    Parameters
    ----------
    classifier : estimator
        Cloned for each fold. It gets the validation data where its ``fit``, or that of a Pipeline's last step, takes
        ``validation_data``; otherwise they are only scored. One whose ``random_state`` is None gets the splitter's, so
        that a run can be repeated. One without ``predict_proba`` is scored by its decisions, and has no loss (NaN).
    windows : Windows
        What is split, fitted on and tested on.
    labels : LabelScheme | array-like, shape (n_windows,) | (n_trials,)
        A rule that gives the classes, or a class for each window or each trial.
    protocol : str | Splitter
        A protocol by name, with the settings that :func:`make_splitter` has by default, or what that made.
    model : str | None
        A name for the tables; a network's name, or the classifier's class, by default.
    control : str | Control | None
        A control to run in place of the real task, on the very splits that the real task has; by its name
        (:data:`eegemo.evaluation.controls.CONTROLS`), it has the splitter's seed.
    n_jobs : int | None
        Folds at a time, as in scikit-learn; inside ``joblib.parallel_config(backend="dask")`` they run on a cluster.
        Each fold runs on one thread, wherever it runs, so the numbers are the same.
    folder : path-like | None
        Where each fold is written when it ends. A run that was interrupted goes on with the folds that are missing; a
        run of another configuration is refused.
    runs : path-like | None
        Instead of ``folder``: where a folder for this very configuration is made, or found.
    progress : rich.progress.Progress | None
        Shows bars over folds and epochs.
    smoke : bool
        Marks the provenance of a run that only shows that everything works.

    Returns
    -------
    results : Results
        With the baselines that saw no EEG, on the same folds. A fold that failed is in ``results.failures``, with a
        warning; it is tried again when the run is.

    Raises
    ------
    ConfigError
        If there are too few units for the splits, the folder is another run's, or a fold's predictions are not finite.
    DataFormatError
        If a window holds NaN, or a trial cannot be labelled.

    See Also
    --------
    benchmark : Several models, protocols and controls.
    make_splitter : Makes protocols with other settings.
    eegemo.confidence_interval : How far a mean over people can be trusted.
    eegemo.compare_models : Whether one model is better.

    Notes
    -----
    Where every fold fails, the first one's exception is raised. Features at the beginning of a Pipeline
    (:class:`eegemo.features.base.WindowFeatures`) learn nothing, and are computed once for all folds.

    Examples
    --------
    >>> from eegemo import evaluate, make_model, quadrants, simulate
    >>> windows = simulate(subjects=2, channels=["F3", "F4"]).windows(duration=4.0)
    >>> results = evaluate(make_model("logistic-regression", random_state=0), windows, quadrants(), "trial")
    >>> len(results.folds), results.leakage.trial
    (5, 0.0)
    """
    started = time.perf_counter()
    commit()  # remembered from here on, whatever is edited during the run
    plan = make_plan(classifier, windows, labels, protocol, model=model, control=control, smoke=smoke)
    place = run_folder(plan, folder, runs)
    with ExitStack() as stack:
        done: dict[int, Fold] = {}
        failed: list[FailedFold] = []
        if place is not None:
            stack.enter_context(place.locked())
            place.begin(plan)
            done = place.sound_folds(len(plan.splits), plan.fingerprint)
            if len(done) == len(plan.splits) and read_card(place.path)["finished"]:
                found = read_results(place.path)
                return replace(
                    found, model=plan.model, provenance={**found.provenance, "model": plan.model, "smoke": smoke}
                )
        seconds_before = sum(fold.seconds for fold in done.values())
        for outcome in run_folds(plan, tuple(done), n_jobs=n_jobs, progress=progress):
            if isinstance(outcome, FailedFold):
                failed.append(outcome)
                continue
            if place is not None:
                outcome.save(place.fold_path(outcome.number), run=plan.fingerprint)
            done[outcome.number] = outcome
        failed.sort(key=lambda failure: failure.number)
        if not done:
            raise failed[0].exception
        results = _record(plan, done, failed, seconds=time.perf_counter() - started + seconds_before)
        if place is not None:
            place.finish(plan, results)
    for note in results.notes:
        if note.startswith("Fold"):
            warn_caller(f"{plan.title}: {note}")
    return results


@suggest_keywords
def benchmark(
    models: Mapping[str, BaseEstimator],
    windows: Windows,
    labels: LabelScheme | np.ndarray | pd.Series | Sequence[object],
    splitters: Sequence[str | Splitter],
    controls: Sequence[str | Control] = (),
    *,
    controlled: Collection[str] | None = None,
    n_jobs: int | None = None,
    runs: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    smoke: bool = False,
) -> list[Results]:
    """Evaluate every model under every protocol, and the first model on controls.

    Parameters
    ----------
    models : dict of str -> estimator
        By the names that tables have.
    windows, labels
        As :func:`evaluate` takes them.
    splitters : sequence of str | Splitter
        Protocols.
    controls : sequence of str | Control
        Tasks whose answer is known; under a protocol that holds out what a control asks for, it is left out.
    controlled : collection of str | None
        The protocols that controls are run under; all by default.
    n_jobs, runs, progress, smoke
        As :func:`evaluate` takes them.

    Returns
    -------
    results : list of Results
        Of the real task, protocol by protocol; then of the controls.

    See Also
    --------
    evaluate : One model under one protocol.
    eegemo.compare_models : Whether one of them is better.

    Examples
    --------
    >>> from eegemo import benchmark, make_model, quadrants, simulate
    >>> windows = simulate(subjects=2, channels=["F3", "F4"]).windows(duration=4.0)
    >>> models = {name: make_model(name, random_state=0) for name in ("logistic-regression", "extra-trees")}
    >>> results = benchmark(models, windows, quadrants(), ["trial"], controls=["permuted-labels"])
    >>> [(result.model, result.control) for result in results]
    [('logistic-regression', None), ('extra-trees', None), ('logistic-regression', 'permuted-labels')]
    """
    drawn = [make_splitter(one) if isinstance(one, str) else one for one in splitters]
    tasks: list[tuple[str, Splitter, Control | None]] = [(name, one, None) for one in drawn for name in models]
    for splitter in drawn:
        if controlled is not None and splitter.protocol not in controlled:
            continue
        for one in controls:
            control = Control(one, random_state=splitter.random_state) if isinstance(one, str) else one
            if not control.why_not(splitter):
                tasks.append((next(iter(models)), splitter, control))
    bar = None if progress is None else progress.add_task("models x protocols, and controls", total=len(tasks))
    results = []
    for name, splitter, task in tasks:
        options: dict[str, Any] = {"n_jobs": n_jobs, "runs": runs, "progress": progress, "smoke": smoke}
        results.append(evaluate(models[name], windows, labels, splitter, model=name, control=task, **options))
        if progress is not None and bar is not None:
            progress.update(bar, advance=1)
    return results


def _record(plan: Plan, done: dict[int, Fold], failed: Sequence[FailedFold], *, seconds: float) -> Results:
    """Put the folds of a plan together."""
    folds = tuple(done[number] for number in sorted(done))
    spent: dict[str, Any] = {
        "leakage": [{k: None if v != v else as_json(v) for k, v in asdict(fold.leakage).items()} for fold in folds],
        "seconds": round(seconds, 2),
        "seconds_per_fold": [round(fold.seconds, 2) for fold in folds],
        "peak_memory_mb": max((fold.peak_memory_mb for fold in folds if fold.peak_memory_mb), default=None),
    }
    return Results(
        model=plan.model,
        splitter=plan.splitter,
        scheme=plan.scheme,
        table=plan.windows.table,
        y=plan.y,
        folds=folds,
        failures=tuple(Failure(one.number, one.text) for one in failed),
        provenance={**plan.provenance, **spent, **environment()},
    )
