"""Airline passengers: next month's number from a year of months and numbers.

International airline passengers, monthly totals in thousands, 1949 to 1960: series G of Box & Jenkins 1976, "Time
Series Analysis, Forecasting and Control". A window of twelve months, each its number in the year and its passengers, is
the input, the passengers of the month after it the answer, by :class:`eegemo.EEGRegressor`: a plain recurrent cell
stepped by hand, a recurrent layer, and a TCN. Trained on the first eight years, tested on the last four, a month ahead
each time. Beside them what needs no network: the same month a year ago, and that times the growth of the last month
over its own month a year ago.

Expected: the networks fit the training years well, and the test years, whose numbers are larger than any before, worse.
Costs about 1 minute on two CPU cores.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import Progress
from sklearn.compose import TransformedTargetRegressor
from sklearn.preprocessing import StandardScaler

from eegemo import EEGRegressor
from eegemo.networks import RNN, TCN, Network
from sequence_tasks import COLOURS, SteppedRNN, TaskOptions, main, write_task

#: Thousands of passengers, a row a year from 1949 on.
PASSENGERS = np.array(
    [
        [112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118],
        [115, 126, 141, 135, 125, 149, 170, 170, 158, 133, 114, 140],
        [145, 150, 178, 163, 172, 178, 199, 199, 184, 162, 146, 166],
        [171, 180, 193, 181, 183, 218, 230, 242, 209, 191, 172, 194],
        [196, 196, 236, 235, 229, 243, 264, 272, 237, 211, 180, 201],
        [204, 188, 235, 227, 234, 264, 302, 293, 259, 229, 203, 229],
        [242, 233, 267, 269, 270, 315, 364, 347, 312, 274, 237, 278],
        [284, 277, 317, 313, 318, 374, 413, 405, 355, 306, 271, 306],
        [315, 301, 356, 348, 355, 422, 465, 467, 404, 347, 305, 336],
        [340, 318, 362, 348, 363, 435, 491, 505, 404, 359, 310, 337],
        [360, 342, 406, 396, 420, 472, 548, 559, 463, 407, 362, 405],
        [417, 391, 419, 461, 472, 535, 622, 606, 508, 461, 390, 432],
    ],
    dtype=float,
).ravel()
FIRST_YEAR, YEAR = 1949, 12
NETWORKS: dict[str, Network] = {
    "RNN, stepped by hand": SteppedRNN(units=32),
    "RNN, a layer": RNN(units=32),
    "TCN": TCN(nb_filters=16, kernel_size=3, head="last", dropout=0.0),
}
DRAWN = dict(zip(NETWORKS, (COLOURS["rnn"], COLOURS["gru"], COLOURS["tcn"]), strict=True))


@dataclass(frozen=True)
class Passengers(TaskOptions):
    """Train networks to say next month's airline passengers."""

    train_years: int = 8
    """Years to learn from; the others are the test."""
    epochs: int = 200
    """Over the training months."""
    batch_size: int = 16
    """Months in a batch."""
    learning_rate: float = 3e-3
    """Of Adam, at its highest."""
    out: Path = Path("results/sequences/passengers")
    """Where the page goes."""


def run(config: Passengers, console: Console | None = None) -> pd.DataFrame:
    """Train every network; return the table."""
    console, started = console or Console(), time.perf_counter()
    X, y = windows()
    n_train = YEAR * (config.train_years - 1)  # the first year has no year before it
    answers = {}
    with Progress(transient=True) as bar:
        task = bar.add_task("networks", total=len(NETWORKS))
        for name, network in NETWORKS.items():
            regressor = EEGRegressor(
                network,
                epochs=1 if config.smoke else config.epochs,
                batch_size=config.batch_size,
                learning_rate=config.learning_rate,
                random_state=config.seed,
            )
            scaled = TransformedTargetRegressor(regressor, transformer=StandardScaler())
            answers[name] = scaled.fit(X[:n_train], y[:n_train]).predict(X)
            bar.advance(task)
    answers["the same month a year ago"] = X[:, 1, 0]
    # The month before the window is needed too; the first month that has one is the second.
    growth = np.r_[np.nan, X[1:, 1, -1] / X[:-1, 1, 0]]
    answers["that, times last month's growth over a year"] = X[:, 1, 0] * growth
    table = pd.DataFrame(
        [
            {
                "what answers": name,
                "training years": f"{error(given[:n_train], y[:n_train]):.1f}",
                "test years": f"{error(given[n_train:], y[n_train:]):.1f}",
            }
            for name, given in answers.items()
        ]
    )
    last = FIRST_YEAR + config.train_years - 1
    best = min(NETWORKS, key=lambda name: error(answers[name][n_train:], y[n_train:]))
    of_best, of_year = (error(answers[name][n_train:], y[n_train:]) for name in (best, "the same month a year ago"))
    write_task(
        run,
        config,
        title="Airline passengers, a month ahead",
        question="Do networks that fit eight years of airline passengers forecast the next four?",
        answer=f"Root mean squared error on the test years: {of_best:.1f} thousand ({best}, the best of them), on the "
        f"training years {error(answers[best][:n_train], y[:n_train]):.1f}; the same month a year ago {of_year:.1f}.",
        text=f"The test years reach {y[n_train:].max():.0f} thousand a month, the training years "
        f"{y[:n_train].max():.0f}: what a network has never seen the like of it answers too low. A growth that is "
        "written down goes on; one that was learned does not. The cell stepped by hand and the layer are one "
        "network, and begin with the same weights.",
        note=f"REAL numbers, no EEG. Trained on {FIRST_YEAR + 1}-{last}, tested on {last + 1}-1960, a month ahead each "
        "time, from the true months before it. One series, one split: no interval.",
        tables=[("errors", "Root mean squared error in thousands of passengers", table)],
        figure=("fit", "passengers and answers", draw(config, answers, y, n_train)),
        seconds=time.perf_counter() - started,
    )
    console.print(table.to_string(index=False))
    return table


def windows() -> tuple[np.ndarray, np.ndarray]:
    """Cut twelve months each, months and passengers, shape (132, 2, 12), and the month after them."""
    month = np.tile(np.arange(1.0, YEAR + 1), len(PASSENGERS) // YEAR)
    both = np.stack([month, PASSENGERS])
    X = np.lib.stride_tricks.sliding_window_view(both[:, :-1], YEAR, axis=1).transpose(1, 0, 2)
    return X.copy(), PASSENGERS[YEAR:]


def error(answers: np.ndarray, truth: np.ndarray) -> float:
    """Return the root mean squared error where there is an answer."""
    return float(np.sqrt(np.nanmean((answers - truth) ** 2)))


def draw(config: Passengers, answers: dict[str, np.ndarray], y: np.ndarray, n_train: int) -> Figure:
    """Draw the passengers and what the networks answer."""
    figure = Figure(figsize=(8.4, 3.2), layout="constrained")
    ax = figure.subplots()
    years = FIRST_YEAR + (YEAR + np.arange(len(y))) / YEAR
    ax.plot(years, y, color="#BBBBBB", linewidth=4, label="passengers")
    for (name, colour), width in zip(DRAWN.items(), (2.5, 1, 1), strict=True):  # the first two lie on each other
        ax.plot(years, answers[name], color=colour, linewidth=width, label=name)
    ax.axvline(years[n_train], color="#444444", linestyle=":", linewidth=1)
    ax.text(years[n_train] + 0.1, y.min(), "test", fontsize=9)
    ax.set(xlabel="year", ylabel="thousands a month")
    ax.legend(frameon=False, fontsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    return figure


if __name__ == "__main__":
    main(Passengers, run)
