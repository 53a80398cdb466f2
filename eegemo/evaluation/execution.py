"""The execution of a plan: its folds over processes or a cluster, one thread each."""

from __future__ import annotations

import os
import pickle
import threading
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import joblib
import numpy as np
from joblib.externals.loky.process_executor import TerminatedWorkerError
from joblib.parallel import get_active_backend
from rich.markup import escape
from rich.progress import Progress
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from eegemo.errors import ConfigError
from eegemo.evaluation.at_once import Key, can_be_at_once, check_at_once, run_at_once
from eegemo.evaluation.fitting import FoldTask, fit_fold
from eegemo.evaluation.folds import FailedFold, Fold
from eegemo.evaluation.plan import Plan
from eegemo.evaluation.provenance import keras_settings, set_keras
from eegemo.evaluation.splitter import Split
from eegemo.evaluation.workers import end_with
from eegemo.features.base import WindowFeatures
from eegemo.models.estimator import NetworkEstimator
from eegemo.windows import Windows

_ONE_AT_A_TIME = threading.RLock()  # folds on threads of one process would share Keras's state
_ONE_WORKER: dict[str, Any] = {"n_jobs": 2, "pre_dispatch": 1, "batch_size": 1, "backend": "loky"}
_SECONDS_TO_ANSWER = 10


def run_folds(
    todo: Sequence[tuple[Plan, Collection[int]]],
    *,
    n_jobs: int | None = None,
    folds_at_once: bool | str = "auto",
    progress: Progress | None = None,
) -> Iterator[tuple[Plan, Fold | FailedFold]]:
    """Run the folds of plans, side by side whichever plan they are of, and give each one when it ends.

    Parameters
    ----------
    todo : sequence of (Plan, collection of int)
        What to fit and test, and the numbers of the folds to leave out.
    n_jobs : int | None
        Folds at a time, as in scikit-learn.
    folds_at_once : "auto" | bool
        Whether the folds of networks are trained as one computation; see :func:`eegemo.evaluate`.
    progress : rich.progress.Progress | None
        Shows bars over folds and epochs.

    Yields
    ------
    plan : Plan
        Of the fold.
    outcome : Fold | FailedFold
        In the order in which they end.
    """
    left = [
        (position, number)
        for position, (plan, done) in enumerate(todo)
        for number in range(len(plan.splits))
        if number not in done
    ]
    n_folds = sum(len(plan.splits) for plan, _ in todo)
    plans = [plan for plan, _ in todo]
    together = [key for key in left if can_be_at_once(plans[key[0]].estimator)] if check_at_once(folds_at_once) else []
    if together:
        network = plans[together[0][0]].estimator
        with _bars(todo, network, n_folds, len(left), progress) as (on_fold_end, on_epoch_end):
            for key, outcome in run_at_once(plans, together, demanded=folds_at_once is True, on_epoch_end=on_epoch_end):
                if outcome is not None:
                    left.remove(key)
                    yield plans[key[0]], outcome
                    on_fold_end()
    if left:
        yield from _run_one_by_one(todo, left, n_folds, n_jobs, progress)


def _run_one_by_one(
    todo: Sequence[tuple[Plan, Collection[int]]],
    left: Sequence[Key],
    n_folds: int,
    n_jobs: int | None,
    progress: Progress | None,
) -> Iterator[tuple[Plan, Fold | FailedFold]]:
    """Run folds each by itself, on one thread, several of them side by side."""
    n_wanted = joblib.effective_n_jobs(n_jobs)
    n_workers = min(n_wanted, len(left))
    backend = type(get_active_backend()[0]).__name__
    on_cluster = "Dask" in backend  # a bar cannot travel
    # In a process whose networks compute on several threads already, a worker process runs the folds, one at a time;
    # and so it does the last fold that a run on several workers left, which may have taken its worker with it.
    bound = on_cluster or n_workers > 1 or all(_on_one_thread(plan.estimator) for plan, _ in todo)
    left_over = n_wanted > 1 and len(left) == 1 < n_folds and "Loky" in backend
    in_this_process = n_workers == 1 and not on_cluster and bound and not left_over
    side_by_side: dict[str, Any] = {"n_jobs": n_workers}
    if not bound or left_over:
        side_by_side = _ONE_WORKER
    elif "Loky" in backend:  # no fold waits behind another one that may take its worker with it
        side_by_side |= {"pre_dispatch": "n_jobs", "batch_size": 1}
    network = todo[0][0].estimator if len(todo) == 1 and in_this_process else None
    with _bars(todo, network, n_folds, len(left), progress) as (on_fold_end, on_epoch_end):
        in_worker = not in_this_process and ("Loky" in backend or side_by_side is _ONE_WORKER)
        jobs = _Jobs(todo, on_epoch_end, os.getpid() if in_worker else None)
        for (position, _), outcome in _each_outcome(jobs, left, side_by_side):
            yield todo[position][0], outcome
            on_fold_end()


class _Jobs:
    """What joblib is given, a job for each fold; features are computed when a plan's turn comes, for all its folds."""

    def __init__(
        self,
        todo: Sequence[tuple[Plan, Collection[int]]],
        on_epoch_end: Callable[[int], None] | None,
        parent: int | None,
    ) -> None:
        self.todo, self.on_epoch_end, self.parent = todo, on_epoch_end, parent
        self.in_hand: set[Key] = set()
        self._task: tuple[int, FoldTask] | None = None

    def of(self, keys: Sequence[Key]) -> Iterator[Any]:
        """Give the jobs of some folds, and note which are in hand."""
        for position, number in keys:
            plan = self.todo[position][0]
            if self._task is None or self._task[0] != position:
                estimator, X = _computed_once(plan.estimator, plan.windows)
                self._task = (
                    position,
                    FoldTask(estimator, X, plan.y, plan.windows, plan.scheme.classes, plan.baselines),
                )
            self.in_hand.add((position, number))
            task = replace(self._task[1], y=plan.y_of(number)) if plan.scheme.is_fitted else self._task[1]
            yield joblib.delayed(_run_fold)(
                (position, number), task, plan.splits[number], keras_settings(), self.on_epoch_end, self.parent
            )


def _each_outcome(
    jobs: _Jobs, left: Sequence[Key], side_by_side: dict[str, Any]
) -> Iterator[tuple[Key, Fold | FailedFold]]:
    """Run folds; where a worker dies, run what was in hand again, one after another, and go on with the others.

    The death of one worker ends all of them, so that nobody can say whose fold it was until each has run alone.
    """
    waiting, suspects = list(left), list[Key]()
    while waiting or suspects:
        turn, settings = (suspects, _ONE_WORKER) if suspects else (waiting, side_by_side)
        jobs.in_hand.clear()
        with warnings.catch_warnings():
            # TensorFlow keeps some memory of every network; joblib renews a worker that has grown, and says so.
            warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given")
            workers = joblib.Parallel(return_as="generator_unordered", **settings)
            try:
                for key, outcome in workers(jobs.of(turn[:1] if turn is suspects else turn[:])):
                    jobs.in_hand.discard(key)
                    turn.remove(key)
                    yield key, outcome
            except TerminatedWorkerError as error:
                if turn is suspects:
                    key = suspects.pop(0)
                    yield key, _died(key[1], error)
                else:
                    suspects = [key for key in waiting if key in jobs.in_hand]
                    waiting = [key for key in waiting if key not in jobs.in_hand]


def _died(number: int, error: TerminatedWorkerError) -> FailedFold:
    """Say of a fold that its worker died, twice, and what of."""
    codes = str(error).partition("exit codes of the workers are ")[2].partition("\n")[0]
    text = (
        f"the process that ran it died twice, the second time with no other beside it{f' ({codes})' if codes else ''}; "
        "it crashed in native code, or was killed because memory ran out: take smaller batches or fewer windows, or "
        "run it alone with n_jobs=1 to see where"
    )
    return FailedFold(number, f"ChildProcessError: {text}", ChildProcessError(f"Fold {number}: {text}."))


@contextmanager
def cluster(address: str | None) -> Iterator[None]:
    """Run the folds of every ``evaluate`` inside on a Dask cluster.

    Parameters
    ----------
    address : str | None
        Of the scheduler, such as ``tcp://host:8786``; None changes nothing. Its workers need this package, and one
        thread each: folds on threads of one worker wait for each other.

    Raises
    ------
    ConfigError
        If Dask is not installed, or the scheduler does not answer.
    """
    if address is None:
        yield
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise ConfigError("A Dask cluster needs the package distributed: pip install 'eegemo[dask]'.") from error

    class ClosedWhereItFails(Client):
        """Otherwise the garbage collector closes it, on any thread, and can wait for a lock of that very thread."""

        def start(self, **options: object) -> None:
            try:
                super().start(**options)
            except BaseException:
                self.close()
                raise

    try:
        client = ClosedWhereItFails(address, timeout=_SECONDS_TO_ANSWER)
    except (OSError, TimeoutError, ValueError, AssertionError) as error:
        raise ConfigError(f"No Dask scheduler answers at {address!r} ({error}); look whether it runs.") from error
    with client, joblib.parallel_config(backend="dask"):
        yield


def _run_fold(
    key: Key,
    task: FoldTask,
    split: Split,
    settings: dict[str, str],
    on_epoch_end: Callable[[int], None] | None,
    parent: int | None,
) -> tuple[Key, Fold | FailedFold]:
    """Fit and test one fold on one thread; a failure is a result too, so that it takes no other fold with it."""
    number = key[1]
    in_worker = parent is not None and parent != os.getpid()
    if parent is not None and in_worker:
        end_with(parent)
    try:
        set_keras(settings)
        _on_one_thread(task.estimator)
        with _ONE_AT_A_TIME, threadpool_limits(1):
            return key, fit_fold(number, task, split, on_epoch_end)
    except (Exception, SystemExit) as error:
        if isinstance(error, SystemExit) and not in_worker:  # somebody ends this process
            raise
        text = f"{type(error).__name__}: {error}"
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:  # it could not travel back from another process
            return key, FailedFold(number, text, RuntimeError(text))
        return key, FailedFold(number, text, error if isinstance(error, Exception) else RuntimeError(text))


def _computed_once(estimator: BaseEstimator, windows: Windows) -> tuple[BaseEstimator, Windows | np.ndarray]:
    """Take features, which learn nothing from other windows, out of the folds; return what is left, and its input."""
    if isinstance(estimator, Pipeline) and len(estimator) > 1 and isinstance(estimator[0], WindowFeatures):
        features = clone(estimator[0]).fit_transform(windows)
        if isinstance(features, np.ndarray):  # and no table, whose columns the next step may ask for
            return (estimator[1] if len(estimator) == 2 else estimator[1:]), features
    return estimator, windows


def _on_one_thread(estimator: BaseEstimator) -> bool:
    """Let the networks in an estimator compute on one thread; return whether they do."""
    if not any(isinstance(one, NetworkEstimator) for one in (estimator, *estimator.get_params().values())):
        return True
    from eegemo._keras import on_one_thread

    return on_one_thread()


@contextmanager
def _bars(
    todo: Sequence[tuple[Plan, Collection[int]]],
    network: BaseEstimator | None,
    n_folds: int,
    n_missing: int,
    progress: Progress | None,
) -> Iterator[tuple[Callable[[], None], Callable[[int], None] | None]]:
    """Show a bar over folds, and one over the epochs of a network; give what moves them on."""
    if progress is None:
        yield lambda: None, None
        return
    title = escape(todo[0][0].title if len(todo) == 1 else f"{len(todo)} evaluations")  # rich's markup has brackets
    bar = progress.add_task(f"{title} · folds", total=n_folds, completed=n_folds - n_missing)
    shown = [bar]
    n_epochs = network.resolved_params()["epochs"] if isinstance(network, NetworkEstimator) else None
    if n_epochs:
        shown.append(progress.add_task(f"{title} · epochs", total=n_epochs))

    def on_epoch_end(done: int) -> None:
        progress.update(shown[-1], completed=done)

    try:
        yield (lambda: progress.update(bar, advance=1)), (on_epoch_end if n_epochs else None)
    finally:
        for each in shown:
            progress.update(each, visible=False)
