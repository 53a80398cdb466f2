"""What the runner costs: ``evaluate`` beside a bare loop of the same fits, two folds at a time beside one, and kills.

The loop clones the classifier, fits it and predicts training, validation and test, as anyone would who writes the
table by hand; ``evaluate`` does the same, and draws splits, records leakage, scores, hashes and writes every fold.
Both are run in turn, several times; ratios are medians over the rounds. Then a run is killed (SIGKILL) at random
moments and started again until it is complete, and its predictions are compared with an uninterrupted run's.
Costs about 8 minutes on two CPU cores; wants a machine that does nothing else.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from sklearn.base import clone

from eegemo import EEGClassifier, Results, Windows, evaluate, make_splitter, quadrants, read_results, simulate
from eegemo.evaluation.splitter import Split


@dataclass(frozen=True)
class EvaluationBenchmark:
    """Time the runner, and interrupt it."""

    epochs: int = 4
    """Of each network."""
    n_splits: int = 8
    """Folds."""
    rounds: int = 3
    """How often loop and runner are timed in turn."""
    kills: int = 20
    """How often a run is killed."""
    complete: Path | None = None
    """For this script's own use: write the run that is killed into this folder."""


def windows_of_two() -> Windows:
    """Cut two simulated people's trials."""
    return simulate(2).windows()


def bare_loop(classifier: EEGClassifier, windows: Windows, y: np.ndarray, splits: list[Split]) -> float:
    """Fit and predict every fold without any record; return the seconds."""
    started = time.perf_counter()
    for train, validation, test in splits:
        fitted = clone(classifier).fit(windows[train], y[train], validation_data=(windows[validation], y[validation]))
        for part in (train, validation, test):
            fitted.predict_proba(windows[part])
    return time.perf_counter() - started


def timed(classifier: EEGClassifier, windows: Windows, n_splits: int, n_jobs: int) -> float:
    """Run ``evaluate`` into a fresh folder; return the seconds."""
    splitter = make_splitter("trial", n_splits=n_splits)
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        evaluate(classifier, windows, quadrants(), splitter, n_jobs=n_jobs, folder=folder)
        return time.perf_counter() - started


def run(config: EvaluationBenchmark) -> None:
    """Time and interrupt, and print what came out."""
    windows = windows_of_two()
    y = quadrants()(windows)
    classifier = EEGClassifier("cnn-gru", epochs=config.epochs, random_state=0)
    splits = list(make_splitter("trial", n_splits=config.n_splits).triples(windows, y))
    timed(classifier, windows, 2, 1)  # imports, and the first tracing
    timed(classifier, windows, 2, 2)
    rounds = []
    for _ in range(config.rounds):
        loop, one = bare_loop(classifier, windows, y, splits), timed(classifier, windows, config.n_splits, 1)
        two = timed(classifier, windows, config.n_splits, 2)
        rounds.append((loop, one, two))
        print(f"bare loop {loop:.1f} s, evaluate {one:.1f} s, n_jobs=2 {two:.1f} s", flush=True)
    loops, ones, twos = np.array(rounds).T
    print(f"evaluate / bare loop over {config.n_splits} folds: {np.median(ones / loops):.3f}")
    print(f"n_jobs=1 / n_jobs=2: {np.median(ones / twos):.2f}")
    interrupt(config.kills)


def interrupt(kills: int) -> None:
    """Kill a run at random moments and compare what comes out in the end."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        whole, killed = Path(folder) / "whole", Path(folder) / "killed"
        started = time.perf_counter()
        subprocess.run(command(whole), check=True)
        seconds = time.perf_counter() - started
        done = 0
        while done < kills:
            process = subprocess.Popen(command(killed))
            try:
                process.wait(timeout=rng.uniform(0.2, 1.0) * seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                done += 1
                continue
            for fold in sorted(killed.glob("fold-*.npz"))[1:]:  # complete: undo all folds but one and go on killing
                fold.unlink()
        subprocess.run(command(killed), check=True)
        same = predictions(read_results(whole)) == predictions(read_results(killed))
    print(f"killed {kills} times, started again: predictions {'byte for byte the same' if same else 'DIFFER'}")
    if not same:
        sys.exit(1)


def command(folder: Path) -> list[str]:
    """Return the command that completes the run in a folder."""
    return [sys.executable, __file__, "--complete", str(folder)]


def complete(folder: Path) -> None:
    """Run a small network over six folds into a folder, or go on with it."""
    windows = simulate(1, channels=["F3", "O1"]).windows()
    splitter = make_splitter("trial", n_splits=6)
    evaluate(EEGClassifier("cnn-gru", epochs=2, random_state=0), windows, quadrants(), splitter, folder=folder)


def predictions(results: Results) -> str:
    """Return a hash of all predictions."""
    return hashlib.sha256(b"".join(fold.proba.tobytes() for fold in results.folds)).hexdigest()


if __name__ == "__main__":
    settings = tyro.cli(EvaluationBenchmark, description=__doc__)
    if settings.complete is None:
        run(settings)
    else:
        complete(settings.complete)
