"""What the sequence tasks share: options, how a network is trained, a cell stepped by hand, their page."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.progress import Progress

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script's own folder is this one; options.py lies above

from options import Output
from options import main as main

from eegemo._keras import keras, seeded, standard_settings
from eegemo.networks import Network
from eegemo.networks.base import check_sizes
from eegemo.reporting.experiment_page import write_page
from eegemo.reporting.page import page_of
from eegemo.training import RECIPE, Loss, Recipe, predict, train

COLOURS = {"tcn": "#D55E00", "gru": "#0072B2", "lstm": "#009E73", "rnn": "#CC79A7", "truth": "#666666"}
#: Adam as the tutorials have it: one learning rate from beginning to end, no gradient clipped.
PLAIN_ADAM = Recipe(warm_up=1, falls=False, clip_norm=None)


@dataclass(frozen=True)
class TaskOptions(Output):
    """What can be set in every task."""

    seed: int = 0
    """Of the data and the networks."""
    smoke: bool = False
    """A quick run on next to nothing, to see that everything works; its numbers mean nothing."""


@dataclass(frozen=True)
class Sequences:
    """Inputs (n, n_times, n_channels) that batches are gathered from, and what a network is to answer."""

    X: np.ndarray
    y: np.ndarray

    def __len__(self) -> int:
        return len(self.X)

    def __getitem__(self, rows: Any) -> Sequences:
        return Sequences(self.X[rows], self.y[rows])

    def gather(self, index: np.ndarray, /) -> np.ndarray:
        """Copy some inputs."""
        return self.X[index]


@dataclass(frozen=True)
class Fit:
    """A trained network, what it was trained to lower, its learning curves, and how long they took."""

    model: keras.Model
    loss: Loss
    curves: dict[str, list[float]]
    best_epoch: int
    seconds: float

    def outputs(self, data: Sequences) -> np.ndarray:
        """Run the network."""
        with standard_settings():
            return predict(self.model, data)

    def test(self, data: Sequences) -> tuple[float, float]:
        """Return the loss and the figure beside it on data that training did not see."""
        return self.loss.measure(self.outputs(data), data.y)


def fit(
    name: str,
    build: Callable[[], keras.Model],
    data: Sequences,
    held_out: Sequences | None = None,
    *,
    loss: Loss,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    recipe: Recipe = RECIPE,
    shuffle: bool = True,
) -> Fit:
    """Train a fresh network by the package's own loop, with a bar, to the end; the best epoch's weights are kept."""
    started = time.perf_counter()
    with standard_settings(), seeded(seed), Progress(transient=True) as bar:
        task = bar.add_task(name, total=epochs * -(-len(data) // batch_size))
        model = build()
        history = train(
            model,
            data,
            data.y,
            None if held_out is None else (held_out, held_out.y),
            loss=loss,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            patience=epochs,
            rng=np.random.default_rng(seed),
            shuffle=shuffle,
            callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=lambda step, logs: bar.advance(task))],
            recipe=recipe,
        )
    return Fit(model, loss, history.curves, history.best_epoch, time.perf_counter() - started)


@keras.saving.register_keras_serializable("sequences")
class SteppedCell(keras.layers.Layer):
    """A plain recurrent cell, stepped by hand through a sequence: ``h[t] = tanh(W x[t] + U h[t-1] + b)``."""

    def __init__(self, units: int, every_step: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units, self.every_step = units, every_step
        self.cell = keras.layers.SimpleRNNCell(units)

    def build(self, input_shape: Any) -> None:
        """Build the cell."""
        self.cell.build((input_shape[0], input_shape[-1]))

    def call(self, inputs: Any) -> Any:
        """Step."""
        state, steps = keras.ops.zeros((keras.ops.shape(inputs)[0], self.units)), []
        for t in range(inputs.shape[1]):
            state, _ = self.cell(inputs[:, t], [state])
            steps.append(state[:, None])
        return keras.ops.concatenate(steps, axis=1) if self.every_step else state

    def get_config(self) -> dict[str, Any]:
        """Return what makes the layer again."""
        return {**super().get_config(), "units": self.units, "every_step": self.every_step}


class SteppedRNN(Network):
    """A network of one cell that is stepped by hand."""

    def __init__(self, *, units: int = 64) -> None:
        self.units = units

    def layers(self, n_times: int, n_channels: int) -> list[keras.layers.Layer]:
        """Return the cell, of which the last step is the answer."""
        return self._cell(every_step=False)

    def sequence_layers(self, n_times: int, n_channels: int, *, stateful: bool = False) -> list[keras.layers.Layer]:
        """Return the cell with all of its steps."""
        return self._cell(every_step=True)

    def _cell(self, *, every_step: bool) -> list[keras.layers.Layer]:
        check_sizes(units=self.units)
        return [SteppedCell(int(self.units), every_step, name="cell")]


def draw_curves(ax: Axes, fits: dict[str, Fit], name: str, *, guess: float | None = None) -> None:
    """Draw a figure of the held-out data over the epochs of every network, and what guessing gives."""
    for network, fitted in fits.items():
        curve = fitted.curves[name]
        ax.plot(range(1, len(curve) + 1), curve, color=COLOURS[network], label=network.upper(), linewidth=1.2)
    if guess is not None:
        ax.axhline(guess, color=COLOURS["truth"], linestyle=":", linewidth=1, label="guessing")
    ax.set(xlabel="epoch")
    ax.legend(frameon=False, fontsize=8)
    ax.spines[["top", "right"]].set_visible(False)


def write_task(
    run: Callable[..., Any],
    config: TaskOptions,
    *,
    note: str,
    tables: Sequence[tuple[str, str, pd.DataFrame]],
    figure: tuple[str, str, Figure],
    **of_page: Any,
) -> None:
    """Write the page of a task: nobody was recorded for it, so its numbers are neither simulated nor real people's."""
    page = page_of(run, config, tables=tables, figures=[figure], **of_page)
    write_page(page, note, {"simulated": None, "smoke": config.smoke})


def short(value: float) -> str:
    """Write a number in three digits, small ones with their exponent."""
    return f"{value:.3g}" if value == 0 or abs(value) >= 1e-3 else f"{value:.1e}"
