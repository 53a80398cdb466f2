"""The adding problem: two numbers of a long sequence are marked, and the answer is their sum.

Hochreiter & Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735, as Bai, Kolter & Koltun 2018, arXiv:1803.01271, have it:
at each of T steps a number from 0 to 1 and a mark, which is 1 at two random steps and 0 elsewhere. Guessing 1 each time
has a mean squared error of 1/6, the variance of the sum. Published at T = 600, networks of 70,000 parameters: LSTM
.164, GRU 5.3e-5, TCN 5.8e-5; README of keras-tcn: 3.7e-4.

Expected here at T = 200: TCN below 1e-3, in less than five minutes.
Costs about 5 minutes on two CPU cores, ``--networks tcn`` 1.5, ``--n-times 600`` three times as much.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from rich.console import Console

from eegemo.networks import GRU, LSTM, TCN, Network
from eegemo.training import SQUARED_ERROR
from sequence_tasks import Fit, Sequences, TaskOptions, draw_curves, fit, main, short, write_task

NETWORKS: dict[str, Network] = {
    "tcn": TCN(nb_filters=24, kernel_size=6, head="last", dropout=0.0),
    "gru": GRU(units=64),
    "lstm": LSTM(units=64),
}
PUBLISHED = {"tcn": 5.8e-5, "gru": 5.3e-5, "lstm": 0.164}
KERAS_TCN = 3.7e-4
GUESS = 1 / 6


@dataclass(frozen=True)
class AddingProblem(TaskOptions):
    """Train networks to add the two numbers of a sequence that are marked."""

    n_times: int = 200
    """Steps of a sequence, T; 600 in the source."""
    networks: tuple[str, ...] = tuple(NETWORKS)
    """tcn, gru, lstm."""
    n_train: int = 20_000
    """Sequences to learn from; 50,000 in the source."""
    n_test: int = 1000
    """Sequences to test on, as in the source; as many others choose the epoch."""
    epochs: int = 12
    """Over the training sequences."""
    batch_size: int = 64
    """Sequences in a batch."""
    learning_rate: float = 4e-3
    """Of Adam, at its highest."""
    out: Path = Path("results/sequences/adding_problem")
    """Where the page goes."""


def run(config: AddingProblem, console: Console | None = None) -> pd.DataFrame:
    """Train every network; return the table."""
    console, started = console or Console(), time.perf_counter()
    n_train, n_test, epochs = (64, 32, 1) if config.smoke else (config.n_train, config.n_test, config.epochs)
    rng = np.random.default_rng(config.seed)
    data, validation, test = (sequences(n, config.n_times, rng) for n in (n_train, n_test, n_test))
    fits = {
        name: fit(
            name,
            partial(NETWORKS[name].build, config.n_times, 2, 1, activation="linear"),
            data,
            validation,
            loss=SQUARED_ERROR,
            epochs=epochs,
            batch_size=config.batch_size,
            learning_rate=config.learning_rate,
            seed=config.seed,
        )
        for name in config.networks
    }
    errors = {name: fitted.test(test)[0] for name, fitted in fits.items()}
    table = pd.DataFrame(
        [
            {
                "network": name.upper(),
                f"ours, T = {config.n_times}": short(errors[name]),
                "published, T = 600": short(PUBLISHED[name]) + f"; keras-tcn {short(KERAS_TCN)}" * (name == "tcn"),
                "parameters": fitted.model.count_params(),
                "batches": epochs * -(-n_train // config.batch_size),
                "seconds": round(fitted.seconds),
            }
            for name, fitted in fits.items()
        ]
    )
    write(config, fits, errors, test, table, time.perf_counter() - started)
    console.print(table.to_string(index=False))
    return table


def sequences(n: int, n_times: int, rng: np.random.Generator) -> Sequences:
    """Draw numbers and marks, shape (n, n_times, 2), and the sums of the marked ones, (n, 1)."""
    X = np.zeros((n, n_times, 2), np.float32)
    X[..., 0] = rng.random((n, n_times))
    marked = np.argsort(rng.random((n, n_times)), axis=1)[:, :2]
    X[np.arange(n)[:, None], marked, 1] = 1
    return Sequences(X, (X[..., 0] * X[..., 1]).sum(axis=1, keepdims=True))


def write(
    config: AddingProblem,
    fits: dict[str, Fit],
    errors: dict[str, float],
    test: Sequences,
    table: pd.DataFrame,
    seconds: float,
) -> None:
    """Write the page."""
    ours = ", ".join(f"{name.upper()} {short(error)}" for name, error in errors.items())
    times = ", ".join(f"{name.upper()} {error / PUBLISHED[name]:.2g}" for name, error in errors.items())
    write_task(
        run,
        config,
        title=f"The adding problem, T = {config.n_times}",
        question="Do the networks find two marked numbers in a long sequence, and add them?",
        answer=f"Mean squared error: {ours}; guessing {GUESS:.3f}.",
        text=f"As a multiple of the published error: {times}. Each network here is smaller, and trained on fewer "
        "sequences and batches, than in the source. The epoch is chosen by other sequences than those of the test. "
        "With `--n-times 600` the sequences have the source's length.",
        note="Numbers drawn at random; nobody was recorded. Trained and tested on different sequences.",
        tables=[("errors", "Mean squared error on test sequences", table)],
        figure=("errors", "validation error by epoch, and sums beside their answers", draw(fits, errors, test)),
        seconds=seconds,
    )


def draw(fits: dict[str, Fit], errors: dict[str, float], test: Sequences) -> Figure:
    """Draw the validation error over the epochs, and the answers of the best network beside the truth."""
    figure = Figure(figsize=(8.4, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_curves(left, fits, "val_loss", guess=GUESS)
    left.set(yscale="log", ylabel="mean squared error")
    best = min(errors, key=errors.__getitem__)
    right.plot([0, 2], [0, 2], color="#BBBBBB", linewidth=0.8)
    right.plot(test.y[:300, 0], fits[best].outputs(test[:300])[:, 0], ".", color="#444444", markersize=2.5)
    right.set(xlabel="sum of the marked numbers", ylabel=f"answer of the {best.upper()}")
    right.spines[["top", "right"]].set_visible(False)
    return figure


if __name__ == "__main__":
    main(AddingProblem, run)
