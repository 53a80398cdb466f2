"""Run a classifier under a protocol: a fresh fit on each fold, and a record of how each number came about."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from rich.progress import Progress
from sklearn.base import BaseEstimator

from eegemo._json import as_json
from eegemo._warnings import warn_caller
from eegemo.errors import suggest_keywords
from eegemo.evaluation.at_once import check_at_once
from eegemo.evaluation.controls import Control
from eegemo.evaluation.execution import run_folds
from eegemo.evaluation.folds import FailedFold, Failure, Fold
from eegemo.evaluation.plan import Plan, make_plan
from eegemo.evaluation.provenance import commit, environment
from eegemo.evaluation.refits import number_of_refits, with_refits
from eegemo.evaluation.results import Results
from eegemo.evaluation.run_folder import RunFolder, read_card, read_results, run_folder
from eegemo.evaluation.splitter import Splitter, make_splitter
from eegemo.evaluation.workers import stopped_by_sigterm
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
    n_permutations: int | str = 0,
    n_jobs: int | None = None,
    folds_at_once: bool | str = "auto",
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
    n_permutations : int | "auto"
        How often the labels are permuted and the classifier is trained anew (:func:`eegemo.permutation_test`), so that
        tables have their p from that, where it is otherwise of predictions that are kept; each costs as much as the
        evaluation. ``"auto"`` is 199 of a network whose folds are trained at once on an accelerator, else none. Not of
        a control.
    n_jobs : int | None
        Folds at a time, as in scikit-learn; inside ``joblib.parallel_config(backend="dask")`` they run on a cluster.
        Each fold runs on one thread, wherever it runs, so the numbers are the same.
    folds_at_once : "auto" | bool
        Whether the folds of a network (:class:`eegemo.EEGClassifier`) are trained as one computation, which fills a GPU
        where a single network leaves it idle; ``"auto"`` where Keras computes with JAX (``KERAS_BACKEND=jax``) and JAX
        has an accelerator. What is computed is the same but for the rounding of sums, which training amplifies: a few
        steps agree to five digits or more, hundreds on a GPU as little as the same fold trained twice there. Folds end
        in groups, of as many as the device's memory holds. Other classifiers' folds run as ``n_jobs`` says.
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
    n_refits = number_of_refits(n_permutations, classifier, folds_at_once) if control is None else 0
    plan = make_plan(classifier, windows, labels, protocol, model=model, control=control, smoke=smoke)
    run = _Run(plan, run_folder(plan, folder, runs))
    how: dict[str, Any] = {"n_jobs": n_jobs, "folds_at_once": folds_at_once, "progress": progress}
    (results,) = _carry_out([run], **how)
    return with_refits(plan, run.place, results, n_refits, **how)


@suggest_keywords
def benchmark(
    models: Mapping[str, BaseEstimator],
    windows: Windows,
    labels: LabelScheme | np.ndarray | pd.Series | Sequence[object],
    splitters: Sequence[str | Splitter],
    controls: Sequence[str | Control] = (),
    *,
    controlled: Collection[str] | None = None,
    n_permutations: int | str = 0,
    n_jobs: int | None = None,
    folds_at_once: bool | str = "auto",
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
    n_permutations, n_jobs, folds_at_once, runs, progress, smoke
        As :func:`evaluate` takes them; labels are permuted once every model has been evaluated with the true ones.

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
    n_refits = {name: number_of_refits(n_permutations, one, folds_at_once) for name, one in models.items()}
    how: dict[str, Any] = {"n_jobs": n_jobs, "folds_at_once": folds_at_once, "progress": progress}
    found: dict[int, Results] = {}
    for kind in dict.fromkeys(task for *_, task in tasks):  # one after another, since a control may copy all samples
        numbers = [number for number, (*_, task) in enumerate(tasks) if task == kind]
        plans = [
            make_plan(models[name], windows, labels, splitter, model=name, control=task, smoke=smoke)
            for name, splitter, task in (tasks[number] for number in numbers)
        ]
        runs_of_kind = [_Run(plan, run_folder(plan, None, runs)) for plan in plans]
        results = _carry_out(runs_of_kind, **how)
        found |= zip(numbers, results, strict=True)
        for number, run in zip(numbers, runs_of_kind, strict=True):
            if kind is None:
                found[number] = with_refits(run.plan, run.place, found[number], n_refits[tasks[number][0]], **how)
    return [found[number] for number in range(len(tasks))]


@dataclass(eq=False)
class _Run:
    """A plan on its way to being a record: where it is kept, which folds are done, and which failed."""

    plan: Plan
    place: RunFolder | None
    done: dict[int, Fold] = field(default_factory=dict)
    failed: list[FailedFold] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return len(self.done) + len(self.failed) == len(self.plan.splits)


def _carry_out(
    runs: Sequence[_Run], *, n_jobs: int | None, folds_at_once: bool | str, progress: Progress | None
) -> list[Results]:
    """Take up what is there, run the folds that are missing, and write down each run when its last fold ends."""
    check_at_once(folds_at_once)  # before anything is written
    began = time.perf_counter()
    commit()  # remembered from here on, whatever is edited during the run
    found: dict[int, Results] = {}
    with ExitStack() as stack:
        stack.enter_context(stopped_by_sigterm())
        for number, run in enumerate(runs):
            if run.place is None:
                continue
            stack.enter_context(run.place.locked())
            run.place.begin(run.plan)
            run.done = run.place.sound_folds(run.plan)
            if run.complete and read_card(run.place.path)["finished"]:
                named = {"model": run.plan.model, "smoke": run.plan.smoke}
                there = read_results(run.place.path)
                found[number] = replace(there, model=run.plan.model, provenance=there.provenance | named)
        spent_before = {number: sum(fold.seconds for fold in run.done.values()) for number, run in enumerate(runs)}
        numbers = {id(run.plan): number for number, run in enumerate(runs)}

        def finish(number: int) -> None:
            nonlocal began
            run, ended = runs[number], time.perf_counter()
            if not run.done:
                raise min(run.failed, key=lambda failure: failure.number).exception
            # What has passed since the run before this one ended: of all runs together, the time that they took.
            found[number] = _record(run, seconds=ended - began + spent_before[number])
            began = ended
            if run.place is not None:
                run.place.finish(run.plan, found[number])

        for number, run in enumerate(runs):
            if run.complete and number not in found:  # killed before it could say so
                finish(number)
        todo = [(run.plan, tuple(run.done)) for number, run in enumerate(runs) if number not in found]
        for plan, outcome in run_folds(todo, n_jobs=n_jobs, folds_at_once=folds_at_once, progress=progress):
            run = runs[numbers[id(plan)]]
            if isinstance(outcome, FailedFold):
                run.failed.append(outcome)
            else:
                if run.place is not None:
                    outcome.save(run.place.fold_path(outcome.number), run=plan.fingerprint)
                run.done[outcome.number] = outcome
            if run.complete:
                finish(numbers[id(plan)])
    results = [found[number] for number in range(len(runs))]
    for run, result in zip(runs, results, strict=True):
        for note in result.notes:
            if note.startswith("Fold"):
                warn_caller(f"{run.plan.title}: {note}")
    return results


def _record(run: _Run, *, seconds: float) -> Results:
    """Put the folds of a run together."""
    plan = run.plan
    folds = tuple(run.done[number] for number in sorted(run.done))
    failures = sorted(run.failed, key=lambda failure: failure.number)
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
        failures=tuple(Failure(one.number, one.text) for one in failures),
        provenance={**plan.provenance, **spent, **environment()},
    )
