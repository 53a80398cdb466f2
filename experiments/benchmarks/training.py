"""Training speed of each model, the input pipeline's share of it, and our loop beside ``keras.Model.fit``.

Measured on simulated windows of 128 samples x 32 channels at batch 256, all in one process. Prints windows
a second (medians over epochs), the share of a training step that gathering its batch takes, the ratio of an epoch
of ``Model.fit`` on the same windows as one NumPy array to an epoch of ours, and the seconds of a fit of a single batch:
the first of its shape, which is traced, and the next one, which is not.
Costs about 3 minutes on two CPU cores.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd
import tyro

from eegemo import Windows, quadrants, simulate
from eegemo.models import make_model
from eegemo.training import CROSS_ENTROPY
from eegemo.training.compiled import compile_network


@dataclass(frozen=True)
class TrainingBenchmark:
    """Time training of each model."""

    models: tuple[str, ...] = ("cnn-gru", "cnn-lstm", "tcn")
    """Models by name."""
    batch_size: int = 256
    """Windows in a batch."""
    n_windows: int = 4096
    """Windows in an epoch."""
    epochs: int = 6
    """Epochs; the first one, which compiles, is left out."""


def run(config: TrainingBenchmark) -> pd.DataFrame:
    """Time everything; return the table."""
    windows = simulate(2).windows()[: config.n_windows]
    y = quadrants()(windows)
    gather = seconds_to_gather(windows, config.batch_size)
    rows = []
    for name in config.models:
        first, later = (seconds_of_a_batch(name, windows[::64], y[::64]) for _ in range(2))
        ours, keras_fit = seconds_an_epoch(name, windows, y, config)
        rows.append(
            {
                "model": name,
                "windows a second": len(windows) / ours,
                "gathering / step": gather / ours,
                "Model.fit / ours": keras_fit / ours,
                "first fit of a batch": first,
                "next fit": later,
            }
        )
    return pd.DataFrame(rows)


def seconds_to_gather(windows: Windows, batch_size: int) -> float:
    """Gather all windows in shuffled batches; the median of some passes."""
    passes = []
    for seed in range(7):
        started = time.perf_counter()
        for _, batch in windows.batches(batch_size, random_state=np.random.default_rng(seed)):
            np.isfinite(batch).all()  # as training does
        passes.append(time.perf_counter() - started)
    return float(np.median(passes))


def seconds_of_a_batch(name: str, windows: Windows, y: np.ndarray) -> float:
    """Fit a fresh classifier for one step."""
    started = time.perf_counter()
    make_model(name, epochs=1, batch_size=len(windows), random_state=0).fit(windows, y)
    return time.perf_counter() - started


def seconds_an_epoch(name: str, windows: Windows, y: np.ndarray, config: TrainingBenchmark) -> tuple[float, float]:
    """Train our way and Keras's way, in turn; medians over epochs."""
    ticks: list[float] = []
    classifier = make_model(name, epochs=config.epochs, batch_size=config.batch_size, random_state=0)
    tick = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: ticks.append(time.perf_counter()))
    classifier.fit(windows, y, callbacks=[tick])
    model = keras.models.clone_model(classifier.model_)
    compile_network(model, CROSS_ENTROPY, learning_rate=1e-3)
    X = windows.gather()
    theirs = []
    for _ in range(config.epochs):
        started = time.perf_counter()
        model.fit(X, y, batch_size=config.batch_size, epochs=1, verbose=0)
        theirs.append(time.perf_counter() - started)
    return float(np.median(np.diff(ticks))), float(np.median(theirs[1:]))


if __name__ == "__main__":
    print(run(tyro.cli(TrainingBenchmark, description=__doc__)).round(3).to_string(index=False))
