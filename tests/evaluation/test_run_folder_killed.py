"""Runs in processes of their own: killed at any moment and taken up, or started by another run's classifier."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from eegemo import read_results
from toy_results import assert_same_predictions, python

# Stands in a process of its own, which starts runs and kills them. A line a fit goes to a file before it begins.
KILLED = """
import os, random, signal, sys, time
from pathlib import Path
import numpy as np, pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from eegemo import Trials, evaluate, make_splitter, quadrants

HERE = Path(__file__).parent

class Slow(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        with (HERE / "fits.txt").open("a") as log:
            log.write(",".join(map(str, X.starts)) + "\\n")
        time.sleep(0.05)
        self.classes_ = np.unique(y)
        self.means_ = np.stack([np.asarray(X)[y == k].mean(axis=0).ravel() for k in self.classes_])
        return self

    def predict_proba(self, X):
        far = np.linalg.norm(np.asarray(X).reshape(len(X), 1, -1) - self.means_, axis=2)
        return np.exp(-far) / np.exp(-far).sum(axis=1, keepdims=True)

def windows():
    n, n_times = 24, 128
    table = pd.DataFrame({"subject": np.repeat([1, 2, 3], 8), "trial": np.tile(np.arange(8), 3)})
    table = table.assign(stimulus=table["trial"], start=np.arange(n) * n_times, n_times=n_times, n_baseline=0)
    table = table.assign(valence=np.tile([8.0, 7, 3, 2], 6), arousal=np.tile([8.0, 2, 7, 3], 6))
    strip = np.random.default_rng(0).standard_normal((n * n_times, 2)).astype(np.float32)
    return Trials(strip, table, ("F3", "F4"), 32.0, dataset="noise", simulated=True).windows()

def start(name, n_jobs=1):
    evaluate(Slow(), windows(), quadrants(), make_splitter("trial", n_splits=8), n_jobs=n_jobs, folder=HERE / name)

def folds(name):
    return sorted(int(path.stem[5:]) for path in (HERE / name).glob("fold-*.npz"))

def lines_of_fits():
    file = HERE / "fits.txt"
    return file.read_text().splitlines() if file.exists() else []

def n_begun():
    return len(lines_of_fits())

def fits():
    lines = lines_of_fits()
    (HERE / "fits.txt").unlink(missing_ok=True)
    seen = [tuple(map(int, line.split(","))) for line in lines]
    data = windows()
    splits = make_splitter("trial", n_splits=8).triples(data, quadrants()(data))
    number = {tuple(data.starts[train]): fold for fold, (train, _, _) in enumerate(splits)}
    return [number[starts] for starts in seen]
"""


KILLED_AT_RANDOM = """
if __name__ == "__main__":
    start("whole")
    print([], fits())
    for begun in [*random.sample([0, 1, 2, 2, 3], 5), None]:
        there = folds("killed")
        child = os.fork()
        if child == 0:
            start("killed")
            os._exit(0)
        if begun is not None:
            while n_begun() < begun and n_begun() + len(there) < 8:
                time.sleep(0.001)
            time.sleep(random.uniform(0, 0.08))  # during a fit, between two, or while a file is written
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        print(there, fits())
"""


KILLED_WITH_WORKERS = """
if __name__ == "__main__":
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        start("killed", n_jobs=2)
    while not folds("killed"):
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    start("killed")
    os.killpg(child, signal.SIGKILL)  # the workers, which do not know yet
    start("whole")
"""


def in_a_process_of_its_own(folder: Path, code: str) -> list[Any]:
    (folder / "killed.py").write_text(KILLED + code)
    done = python(str(folder / "killed.py"), timeout=180)
    assert done.returncode == 0, done.stderr
    return [json.loads(f"[{line.replace('] [', '], [')}]") for line in done.stdout.splitlines()]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_run_killed_at_random_moments_ends_with_the_very_same_predictions(tmp_path: Path) -> None:
    whole, *attempts = in_a_process_of_its_own(tmp_path, KILLED_AT_RANDOM)
    assert whole == [[], list(range(8))]
    for there, fitted in attempts:
        missing = [fold for fold in range(8) if fold not in there]
        assert fitted == missing[: len(fitted)]
    there, fitted = attempts[-1]
    assert sorted([*there, *fitted]) == list(range(8))
    assert any(0 < len(there) < 8 for there, _ in attempts)
    # Each fold that was begun and is not there was the one in hand when the process was killed.
    assert sum(len(fitted) for _, fitted in attempts) <= 8 + 5
    uninterrupted, taken_up = (read_results(tmp_path / name) for name in ("whole", "killed"))
    assert_same_predictions(uninterrupted, taken_up)
    assert [path.name for path in (tmp_path / "killed").glob(".*.npz")] == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_run_killed_with_its_workers_at_work_can_be_taken_up_at_once(tmp_path: Path) -> None:
    in_a_process_of_its_own(tmp_path, KILLED_WITH_WORKERS)
    assert_same_predictions(read_results(tmp_path / "whole"), read_results(tmp_path / "killed"))


NESTED = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from killed import *

class Nested(Slow):
    def fit(self, X, y):
        self.inner_ = evaluate(Slow(), X, quadrants(), make_splitter("trial", n_splits=2))
        return super().fit(X, y)

print(len(evaluate(Nested(), windows(), quadrants(), make_splitter("trial", n_splits=2)).folds))
"""


def test_a_classifier_may_evaluate_others_in_its_fit(tmp_path: Path) -> None:
    (tmp_path / "killed.py").write_text(KILLED)
    try:
        done = python("-c", NESTED, str(tmp_path), timeout=120)
    except subprocess.TimeoutExpired:
        pytest.fail("It waits for itself.")
    assert done.stdout.strip() == "2", done.stderr
