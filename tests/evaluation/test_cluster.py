"""Folds on two processes, and on a Dask cluster of two workers: the same numbers as on one."""

from __future__ import annotations

import io
import os
import random
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import joblib
import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor
from rich.console import Console
from rich.progress import Progress
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from eegemo import (
    ConfigError,
    EEGClassifier,
    Results,
    Windows,
    cluster,
    evaluate,
    make_splitter,
    quadrants,
    read_results,
)
from eegemo.evaluation.splitter import Splitter
from eegemo.networks import CNNGRU
from toy_classifiers import flattened
from toy_results import assert_same_predictions

distributed = pytest.importorskip("distributed")


def network() -> EEGClassifier:
    return EEGClassifier(CNNGRU(filters=4, units=3, dense_units=4), epochs=1)


def linear() -> BaseEstimator:
    return flattened(StandardScaler(), LogisticRegression())


class Says(ClassifierMixin, BaseEstimator):
    """Says in which process it was fitted."""

    def fit(self, X: Windows, y: np.ndarray) -> Self:
        self.classes_ = np.unique(y)
        self.history_ = {"process": [os.getpid()]}
        return self

    def predict_proba(self, X: Windows) -> np.ndarray:
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


class NeedsTwo(Exception):
    """Cannot be made from its message alone, so that it cannot be unpickled."""

    def __init__(self, what: str, where: str) -> None:
        super().__init__(f"{what} in {where}")


class FailsOnce(Says):
    """Breaks where the first window of all is not trained on."""

    def fit(self, X: Windows, y: np.ndarray) -> Self:
        if X.starts[0] != 16:
            raise NeedsTwo("a fault", "this fold")
        return super().fit(X, y)


CLASSIFIERS: dict[str, tuple[Callable[[], BaseEstimator], Splitter]] = {
    "Keras": (network, make_splitter("trial", n_splits=None, n_repeats=2, random_state=1)),
    "scikit-learn": (linear, make_splitter("trial", n_splits=4)),
}


@pytest.fixture(scope="module", autouse=True)
def new_workers() -> None:
    """End the worker processes of other files: loky replaces those that have grown, as they do by importing Keras."""
    get_reusable_executor().shutdown(wait=True)


@pytest.fixture(scope="module")
def alone(windows: Windows) -> dict[str, Results]:
    """The results of one process."""
    return {name: evaluate(make(), windows, quadrants(), splitter) for name, (make, splitter) in CLASSIFIERS.items()}


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a cluster of two worker processes on this machine."""
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as running:
        yield running.scheduler_address


def assert_same(one: Results, other: Results) -> None:
    assert_same_predictions(one, other)
    assert [fold.number for fold in one.folds] == [fold.number for fold in other.folds]
    assert [fold.seen for fold in one.folds] == [fold.seen for fold in other.folds]
    assert [fold.history for fold in one.folds] == [fold.history for fold in other.folds]
    assert one.provenance["fingerprint"] == other.provenance["fingerprint"]


def within(seconds: float, function: Callable[[], Any]) -> Any:
    """Call a function that could hang; every thread has a joblib configuration of its own."""
    outcome: list[Any] = []

    def call() -> None:
        try:
            outcome.append(function())
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        pytest.fail(f"It did not end in {seconds} s.")
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


# Two processes


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_two_processes_predict_the_very_same(windows: Windows, alone: dict[str, Results], name: str) -> None:
    make, splitter = CLASSIFIERS[name]
    assert_same(evaluate(make(), windows, quadrants(), splitter, n_jobs=2), alone[name])


def test_two_processes_are_two(windows: Windows) -> None:
    results = evaluate(Says(), windows, quadrants(), make_splitter("trial", n_splits=8), n_jobs=2)
    processes = {fold.history["process"][0] for fold in results.folds}
    assert os.getpid() not in processes
    assert len(processes) <= 2


def test_a_fold_that_fails_with_an_exception_that_cannot_travel_loses_no_other(windows: Windows) -> None:
    splitter = make_splitter("trial", n_splits=8)
    with pytest.warns(UserWarning, match=r"failed, .*NeedsTwo: a fault in this fold"):
        here = evaluate(FailsOnce(), windows, quadrants(), splitter)
    with pytest.warns(UserWarning, match=r"failed, .*NeedsTwo: a fault in this fold"):
        there = evaluate(FailsOnce(), windows, quadrants(), splitter, n_jobs=2)
    assert len(here.failures) == 1
    assert here.failures == there.failures
    assert len(there.folds) == 7


def test_other_threads_that_draw_random_numbers_change_nothing(windows: Windows, alone: dict[str, Results]) -> None:
    """The threads of a Dask worker do, from the generator that Keras takes its seeds from."""
    over = threading.Event()

    def draw() -> None:
        while not over.wait(0.0005):
            random.random()

    thread = threading.Thread(target=draw)
    thread.start()
    try:
        make, splitter = CLASSIFIERS["Keras"]
        assert_same(evaluate(make(), windows, quadrants(), splitter), alone["Keras"])
    finally:
        over.set()
        thread.join()


# A cluster


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_cluster_predicts_the_very_same(
    windows: Windows, alone: dict[str, Results], scheduler: str, name: str
) -> None:
    make, splitter = CLASSIFIERS[name]
    with cluster(scheduler):
        assert_same(evaluate(make(), windows, quadrants(), splitter), alone[name])


def test_the_folds_of_a_cluster_are_fitted_by_its_workers(windows: Windows, scheduler: str) -> None:
    with distributed.Client(scheduler, set_as_default=False) as client:
        workers = set(client.run(os.getpid).values())
    with cluster(scheduler):
        results = evaluate(Says(), windows, quadrants(), make_splitter("trial", n_splits=8))
    assert len(workers) == 2
    assert {fold.history["process"][0] for fold in results.folds} <= workers
    assert len(evaluate(Says(), windows, quadrants(), "trial").folds) == 5
    (own,) = {fold.history["process"][0] for fold in evaluate(Says(), windows, quadrants(), "trial").folds}
    assert own == os.getpid()


def test_a_run_begun_by_one_process_is_finished_by_a_cluster(
    windows: Windows, alone: dict[str, Results], scheduler: str, tmp_path: Path
) -> None:
    make, splitter = CLASSIFIERS["scikit-learn"]
    evaluate(make(), windows, quadrants(), splitter, folder=tmp_path)
    for number in (1, 3):
        (tmp_path / f"fold-00{number}.npz").unlink()
    with cluster(scheduler):
        assert_same(evaluate(make(), windows, quadrants(), splitter, folder=tmp_path), alone["scikit-learn"])
    assert_same(read_results(tmp_path), alone["scikit-learn"])


def test_a_single_fold_on_a_cluster_may_have_a_progress_bar(windows: Windows, scheduler: str) -> None:
    def run() -> Results:
        with cluster(scheduler), Progress(console=Console(file=io.StringIO())) as progress:
            splitter = make_splitter("trial", n_splits=None)
            return evaluate(network(), windows, quadrants(), splitter, progress=progress)

    assert len(within(120, run).folds) == 1


def test_a_failing_fold_on_a_cluster_loses_no_other(windows: Windows, scheduler: str) -> None:
    def run() -> Results:
        with cluster(scheduler), pytest.warns(UserWarning, match=r"failed, .*NeedsTwo: a fault in this fold"):
            return evaluate(FailsOnce(), windows, quadrants(), make_splitter("trial", n_splits=8))

    results = within(120, run)
    assert len(results.folds) == 7
    assert [failure.error for failure in results.failures] == ["NeedsTwo: a fault in this fold"]


# What cannot be reached


def test_where_no_scheduler_answers_the_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        address = f"tcp://127.0.0.1:{nobody.getsockname()[1]}"
        monkeypatch.setattr("eegemo.evaluation.execution._SECONDS_TO_ANSWER", 0.5)
        with pytest.raises(ConfigError, match=rf"^No Dask scheduler answers at '{address}' \(.*\); look whether it"):
            with cluster(address):
                pytest.fail("There is nothing to run on.")


@pytest.mark.parametrize("address", ["", "localhost", "nonsense://x:1", "tcp://127.0.0.1"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match=rf"^No Dask scheduler answers at '{address}' \(.*\); look whether it"):
        with cluster(address):
            pytest.fail("There is nothing to run on.")


@pytest.mark.parametrize("address", ["nonsense://x:1", "tcp://127.0.0.1"])
def test_a_client_that_failed_is_closed_at_once(address: str) -> None:
    """Left to the garbage collector it closes on any thread, and hung the tests once."""
    with pytest.raises(ConfigError) as refusal, cluster(address):
        pytest.fail("There is nothing to run on.")
    cause = refusal.value.__cause__
    assert cause is not None
    frames = [frame for frame, _ in traceback.walk_tb(cause.__traceback__)]
    clients = [frame.f_locals["self"] for frame in frames if isinstance(frame.f_locals.get("self"), distributed.Client)]
    assert {client.status for client in clients} == {"closed"}


def test_without_dask_a_cluster_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match=r"needs the package distributed: pip install 'eegemo\[dask\]'"):
        with cluster("tcp://127.0.0.1:8786"):
            pytest.fail("There is nothing to run on.")


def test_without_an_address_nothing_changes() -> None:
    with joblib.parallel_config(backend="threading", n_jobs=3), cluster(None):
        assert joblib.effective_n_jobs(None) == 3
