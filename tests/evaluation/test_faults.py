"""What ends a run before its time loses nothing: a worker that dies, a signal, a full disk, a second process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import psutil
import pytest

import eegemo
from eegemo import ConfigError, Windows, read_results
from toy_classifiers import NearestMean
from toy_results import N_FOLDS, assert_same_predictions, assert_same_results, run, starts_of

resource = pytest.importorskip("resource", reason="needs signals and limits of POSIX")
GUILTY = 2


class Deadly(NearestMean):
    """Ends the process that fits one fold; every fit writes down its fold before it begins."""

    def fit(self, X: Windows, y: np.ndarray) -> Self:
        folder, how, guilty = self.option
        number = guilty.index(tuple(X.starts))
        with (Path(folder) / "fits.txt").open("a") as log:
            log.write(f"{number}\n")
        n_fits = (Path(folder) / "fits.txt").read_text().split().count(str(number))
        if number == GUILTY:
            if how == "exit" or (how == "exit once" and n_fits == 1):
                os._exit(3)
            if how == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            if how == "sys.exit":
                sys.exit(4)
        return super().fit(X, y)


def deadly(windows: Windows, folder: Path, how: str) -> Deadly:
    return Deadly(option=(str(folder), how, starts_of(windows, *range(N_FOLDS))))


def fits(folder: Path) -> list[int]:
    numbers = list(map(int, (folder / "fits.txt").read_text().split()))
    (folder / "fits.txt").unlink()
    return numbers


# A worker that dies


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("exit", r"ChildProcessError: the process that ran it died twice.*EXIT\(3\)"),
        ("killed", r"ChildProcessError: the process that ran it died twice.*SIGKILL.*memory ran out"),
        ("sys.exit", "SystemExit: 4"),
    ],
)
def test_a_fold_that_kills_its_worker_is_a_failure_and_loses_no_other(
    windows: Windows, tmp_path: Path, how: str, said: str
) -> None:
    with pytest.warns(UserWarning, match=f"Fold {GUILTY} failed, .*{said}"):
        results = run(windows, deadly(windows, tmp_path, how), folder=tmp_path / "run", n_jobs=2)
    assert [failure.number for failure in results.failures] == [GUILTY]
    assert [fold.number for fold in results.folds] == [0, 1, 3]
    undisturbed = {fold.number: fold.proba for fold in run(windows).folds}
    for fold in results.folds:
        np.testing.assert_array_equal(fold.proba, undisturbed[fold.number])
    assert_same_results(read_results(tmp_path / "run"), results)
    begun = fits(tmp_path)
    assert begun.count(GUILTY) == (1 if how == "sys.exit" else 2)
    # Beside the guilty one, no more than one was in hand when its worker died.
    assert len(begun) <= N_FOLDS + 2

    # Tried again as the only one that is left, it does not take this very process with it.
    with pytest.warns(UserWarning, match=f"Fold {GUILTY} failed, .*{said}"):
        run(windows, deadly(windows, tmp_path, how), folder=tmp_path / "run", n_jobs=2)
    assert set(fits(tmp_path)) == {GUILTY}


def test_a_worker_that_dies_once_costs_nothing_but_time(windows: Windows, tmp_path: Path) -> None:
    results = run(windows, deadly(windows, tmp_path, "exit once"), folder=tmp_path / "run", n_jobs=2)
    assert results.failures == ()
    assert_same_predictions(results, run(windows))


# A parent that is ended


LONG = """
import os, sys, time
from pathlib import Path
from toy_classifiers import NearestMean
from toy_results import run
from toy_trials import make_trials
import numpy as np

class Long(NearestMean):
    def fit(self, X, y):
        super().fit(X, y)
        (HERE / f"{os.getpid()}.pid").touch()
        if (HERE / "long").exists() and ticket() >= 2:
            time.sleep(600)
        return self

def ticket():
    for number in range(100):
        try:
            (HERE / f"{number}.ticket").touch(exist_ok=False)
            return number
        except FileExistsError:
            pass

HERE = Path(sys.argv[1])
trials = make_trials({"subject": np.repeat([1, 2], 8), "valence": np.tile([8.0, 7, 3, 2], 4),
                      "arousal": np.tile([8.0, 2, 7, 3], 4)},
                     np.random.default_rng(0).standard_normal((64, 2)), n_times=4, ch_names=("F3", "F4"))

if __name__ == "__main__":
    run(trials.windows(n_times=2, step=2), Long(), folder=HERE / sys.argv[2], n_jobs=int(sys.argv[3]))
"""


@contextmanager
def started(folder: Path, name: str, n_jobs: int) -> Iterator[subprocess.Popen[str]]:
    (folder / "long.py").write_text(LONG)
    roots = [Path(eegemo.__file__).parents[1], Path(__file__).parents[1]]
    process = subprocess.Popen(
        [sys.executable, str(folder / "long.py"), str(folder), name, str(n_jobs)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, roots)), "LOKY_MAX_CPU_COUNT": "2"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_until(condition: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "It did not come to that."
        time.sleep(0.02)


def is_at_work(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for_two_folds_and_the_next(folder: Path, n_jobs: int) -> None:
    n_begun = 2 + n_jobs
    wait_until(lambda: len(list(folder.glob("run/fold-*.npz"))) == 2 and len(list(folder.glob("*.ticket"))) == n_begun)


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGKILL, -9, ""), (signal.SIGTERM, 143, "terminated; folds that had ended are kept")],
)
def test_a_parent_that_is_ended_takes_its_workers_along_and_the_run_goes_on(
    tmp_path: Path, number: signal.Signals, code: int, said: str, n_jobs: int
) -> None:
    (tmp_path / "long").touch()
    with started(tmp_path, "run", n_jobs) as process:
        wait_for_two_folds_and_the_next(tmp_path, n_jobs)
        process.send_signal(number)
        assert process.wait(timeout=30) == code
        assert process.stderr is not None and said in process.stderr.read()
    pids = [int(path.stem) for path in tmp_path.glob("*.pid")]
    wait_until(lambda: not any(map(is_at_work, pids)), seconds=10)
    there = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "run").glob("*fold-*.npz")}
    assert len(there) == 2
    (tmp_path / "long").unlink()
    for name in ("run", "whole"):
        with started(tmp_path, name, 1) as process:
            assert process.wait(timeout=60) == 0, process.stderr and process.stderr.read()
    assert {name: (tmp_path / "run" / name).stat().st_mtime_ns for name in there} == there
    assert_same_predictions(read_results(tmp_path / "run"), read_results(tmp_path / "whole"))


# Two processes


def test_a_second_process_on_the_same_folder_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    (tmp_path / "long").touch()
    with started(tmp_path, "run", 1) as first:
        wait_for_two_folds_and_the_next(tmp_path, 1)
        with started(tmp_path, "run", 1) as second:
            assert second.wait(timeout=60) == 1
            assert second.stderr is not None and "another run is writing here; wait for it" in second.stderr.read()
        assert first.poll() is None
        with pytest.raises(ConfigError, match="interrupted, or is still running, after 2 folds"):
            read_results(tmp_path / "run")
        assert first.stderr is not None
        first.stderr.close()  # nobody hears what it says when it is terminated
        first.terminate()
        assert first.wait(timeout=30) == 143


# A disk that is full


class Fills(NearestMean):
    """Lets no file grow beyond a few bytes once it has been fitted so often."""

    n_left: ClassVar[int] = 0

    def fit(self, X: Windows, y: np.ndarray) -> Self:
        Fills.n_left -= 1
        if Fills.n_left == 0:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        return super().fit(X, y)


@contextmanager
def full_after(n_fits: int) -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    Fills.n_left = n_fits
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_fold_that_finds_no_room_leaves_those_before_it_and_the_run_goes_on(
    windows: Windows, tmp_path: Path, fitted_on: list[tuple[int, ...]]
) -> None:
    said = r"^The largest size that a file may have is reached: fold-002\.npz did not fit into .*nothing of it was kept"
    with full_after(3), pytest.raises(ConfigError, match=said):
        run(windows, Fills(), folder=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != ".lock") == [
        "fold-000.npz",
        "fold-001.npz",
        "run.json",
        "windows.npz",
    ]
    fitted_on.clear()
    results = run(windows, Fills(), folder=tmp_path)
    assert fitted_on == starts_of(windows, 2, 3)
    assert_same_predictions(results, run(windows))
