"""Exported networks beside the classifier: how near, how large, and how long one window takes.

Each network is fitted for a moment on simulated windows of 128 samples x 32 channels, exported to every format whose
packages are installed, and loaded again; then one window at a time is given to all of them in turn, in one process,
each on one thread. Prints for each network and runtime the largest difference between probabilities, the size on disk,
and the median and fastest milliseconds of ``predict_proba`` for one window.
Costs about a minute on two CPU cores, and two more for ncnn, which PyTorch writes.
"""

from __future__ import annotations

import os
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

import numpy as np
import pandas as pd
import tyro

from eegemo import ConfigError, EEGClassifier, export, load_exported, make_model, quadrants, simulate
from eegemo.deploy import FORMATS
from eegemo.networks import NETWORKS


@dataclass(frozen=True)
class DeploymentBenchmark:
    """Time one window in every runtime."""

    models: tuple[str, ...] = tuple(NETWORKS)
    """Networks by name."""
    formats: tuple[str, ...] = tuple(FORMATS)
    """Formats by name; those whose packages are not installed are left out, and said."""
    rounds: int = 300
    """Windows given to each runtime."""
    epochs: int = 1
    """Of the fits: how long a window takes does not depend on what was learned."""


def run(config: DeploymentBenchmark) -> pd.DataFrame:
    """Export and time everything, and show each network when it is done; return the table."""
    windows = simulate(1).windows()[::16]
    y = quadrants()(windows)
    tables = []
    for name in config.models:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*has collapsed")
            classifier = make_model(name, epochs=config.epochs, random_state=0).fit(windows, y)
        with tempfile.TemporaryDirectory() as folder:
            tables.append(one_network(name, classifier, windows.to_numpy()[:1], Path(folder), config))
        show(tables[-1])
    return pd.concat(tables, ignore_index=True)


def one_network(
    name: str, classifier: EEGClassifier, window: np.ndarray, folder: Path, config: DeploymentBenchmark
) -> pd.DataFrame:
    """Export one network to every format, and time all of them."""
    classifier.save(folder / "model.keras")
    rows = [{"model": name, "runtime": "predict_proba", "difference": 0.0, "kB": size_of(folder / "model.keras")}]
    calls: list[Callable[[], object]] = [lambda: classifier.predict_proba(window)]
    for kind in config.formats:
        try:
            written = export(classifier, folder / kind / f"model{FORMATS[kind].suffix}")
        except ConfigError as error:
            print(f"{name}: {error}")
            continue
        rows.append(
            {"model": name, "runtime": kind, "difference": written.difference, "kB": round(written.n_bytes / 1e3)}
        )
        calls.append(one_call(written.path, window))
    seconds = time_in_turn(calls, config.rounds)
    return pd.DataFrame(rows).assign(
        **{"ms, median": 1e3 * np.median(seconds, axis=1), "ms, fastest": 1e3 * seconds.min(axis=1)}
    )


def one_call(path: Path, window: np.ndarray) -> Callable[[], object]:
    """Load an exported file, and return a function that gives it one window."""
    model = load_exported(path)
    return lambda: model.predict_proba(window)


def size_of(path: Path) -> int:
    """Return the size of a file in kB."""
    return round(path.stat().st_size / 1e3)


def time_in_turn(calls: list[Callable[[], object]], rounds: int) -> np.ndarray:
    """Call each function in each round, so that whatever else the machine does meets all alike.

    Returns
    -------
    seconds : array, shape (n_calls, rounds)
    """
    seconds = np.empty((len(calls), rounds))
    for call in calls:
        call()  # which traces, or allocates
    for number in range(rounds):
        for row, call in enumerate(calls):
            started = time.perf_counter()
            call()
            seconds[row, number] = time.perf_counter() - started
    return seconds


def show(table: pd.DataFrame) -> None:
    """Print the rows of a network, or of all."""
    number = {"difference": "{:.1e}".format, "kB": "{:.0f}".format}
    print(table.to_string(index=False, formatters=number, float_format="{:.3f}".format), flush=True)


if __name__ == "__main__":
    run(tyro.cli(DeploymentBenchmark, description=__doc__))
