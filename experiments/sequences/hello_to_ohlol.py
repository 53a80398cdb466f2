"""From ``hello`` to ``ohlol``: the smallest task that a recurrent network learns, letter by letter.

The letters e, h, l, o are shown as ones and zeros, and a hidden state of four numbers is read as the letter to answer:
softmax of the state, nothing after it. As the tutorials have it: a cell that is stepped by hand, 100 epochs of Adam at
.01, and a recurrent layer, 20 epochs at .05, both with one learning rate from beginning to end.

Whether so few steps are enough depends on the weights that training begins with, so each begins five times.

Expected: both predict ``ohlol`` from most beginnings.
Costs half a minute on a CPU.
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

from eegemo._keras import keras
from eegemo.networks import RNN
from eegemo.training import CROSS_ENTROPY
from sequence_tasks import PLAIN_ADAM, Fit, Sequences, SteppedRNN, TaskOptions, fit, main, short, write_task

LETTERS, QUESTION, ANSWER = "ehlo", "hello", "ohlol"


class _StateAsAnswer:
    """The state itself is the answer: as many units as letters, and no layer after them."""

    def output(self, n_outputs: int, activation: str) -> keras.layers.Layer:
        """Return the last layer."""
        return keras.layers.Activation(activation, name="output")


class Cell(_StateAsAnswer, SteppedRNN):
    """A cell stepped by hand."""


class Layer(_StateAsAnswer, RNN):
    """A recurrent layer."""


#: Network, learning rate, epochs.
WAYS = {"a cell stepped by hand": (Cell(units=4), 0.01, 100), "a recurrent layer": (Layer(units=4), 0.05, 20)}


@dataclass(frozen=True)
class HelloToOhlol(TaskOptions):
    """Train a cell and a layer to answer ohlol to hello."""

    n_beginnings: int = 5
    """Random weights to begin with, each with a seed of its own."""
    out: Path = Path("results/sequences/hello_to_ohlol")
    """Where the page goes."""


def run(config: HelloToOhlol, console: Console | None = None) -> pd.DataFrame:
    """Train both; return the table."""
    console, started = console or Console(), time.perf_counter()
    data = Sequences(np.eye(4, dtype=np.float32)[numbers(QUESTION)][None], numbers(ANSWER)[None])
    fits, rows = {}, []
    for name, (network, learning_rate, epochs) in WAYS.items():
        several = [
            fit(
                f"{name}, beginning {number + 1}",
                partial(network.build_sequence, len(QUESTION), len(LETTERS), len(LETTERS)),
                data,
                loss=CROSS_ENTROPY,
                epochs=2 if config.smoke else epochs,
                batch_size=1,
                learning_rate=learning_rate,
                seed=config.seed + number,
                recipe=PLAIN_ADAM,
            )
            for number in range(config.n_beginnings)
        ]
        answers = ["".join(LETTERS[n] for n in fitted.outputs(data)[0].argmax(axis=-1)) for fitted in several]
        fits[name] = several
        rows.append(
            {
                "network": name,
                "right": f"{answers.count(ANSWER)} of {len(answers)}",
                "answers": ", ".join(answers),
                "loss": ", ".join(short(fitted.test(data)[0]) for fitted in several),
                "epochs": len(several[0].curves["loss"]),
                "learning rate": f"{learning_rate:g}",
            }
        )
    table = pd.DataFrame(rows)
    right = ", ".join(f"{row['network']} from {row['right']} beginnings" for row in rows)
    least = -np.log(np.exp(1) / (np.exp(1) + 3 * np.exp(-1)))
    write_task(
        run,
        config,
        title="From hello to ohlol",
        question=f"Does a recurrent network of four units learn to answer `{ANSWER}` to `{QUESTION}`?",
        answer=f"{right[0].upper()}{right[1:]}.",
        text=f"States lie between -1 and 1, so that the loss cannot fall below {least:.3f}.",
        note="One word and its answer; nobody was recorded. There is no test: the word is learned by heart.",
        tables=[("answers", f"Answers to `{QUESTION}` after training", table)],
        figure=("curves", "loss by epoch", draw(fits)),
        seconds=time.perf_counter() - started,
    )
    console.print(table.to_string(index=False))
    return table


def numbers(word: str) -> np.ndarray:
    """Return the numbers of a word's letters."""
    return np.array([LETTERS.index(letter) for letter in word])


def draw(fits: dict[str, list[Fit]]) -> Figure:
    """Draw the loss over the epochs."""
    figure = Figure(figsize=(6, 2.8), layout="constrained")
    ax = figure.subplots()
    for (name, several), colour in zip(fits.items(), ("#0072B2", "#D55E00"), strict=True):
        for fitted in several:
            label = name if fitted is several[0] else None
            ax.plot(range(1, len(fitted.curves["loss"]) + 1), fitted.curves["loss"], color=colour, label=label)
    ax.set(xlabel="epoch", ylabel="loss")
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return figure


if __name__ == "__main__":
    main(HelloToOhlol, run)
