"""One training among many that run at once: what it is given, what it draws, and when it has ended."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eegemo.errors import ConfigError
from eegemo.training.batches import WindowSource, draws, even_batches
from eegemo.training.loop import History
from eegemo.training.losses import Loss
from eegemo.training.recipe import Recipe

#: An epoch: first samples of windows and their targets, shape (n_steps, batch, ...), and learning rates, (n_steps,).
Drawn = tuple[np.ndarray, np.ndarray, np.ndarray]


class CannotStackError(ConfigError):
    """A network that cannot be trained many times at once, or trainings that are not alike."""


@dataclass(frozen=True, eq=False)
class Fit:
    """One of many trainings; see :func:`eegemo.training.train`, which does one by itself.

    Parameters
    ----------
    values : sequence of array
        What the network begins with: a value for each of ``model.variables``.
    source : WindowSource
        Training windows.
    target : array, shape (n, ...)
        What the loss compares with the outputs.
    held_out : (WindowSource, array) | None
        Validation windows and targets to stop on.
    epochs, batch_size, learning_rate, patience, rng, sample_weight
        As :func:`eegemo.training.train` takes them.
    predicted : sequence of WindowSource
        What is predicted when training has ended.
    """

    values: Sequence[np.ndarray]
    source: WindowSource
    target: np.ndarray
    held_out: tuple[WindowSource, np.ndarray] | None
    epochs: int
    batch_size: int
    learning_rate: float
    patience: int
    rng: np.random.Generator
    sample_weight: np.ndarray | None = None
    predicted: Sequence[WindowSource] = ()

    @property
    def n_windows(self) -> float:
        """About the most windows of an epoch: exactly, where chance decides over none."""
        if self.sample_weight is None:
            return len(self.source)
        # Three standard deviations of so many chances, each at most a half.
        chances = np.count_nonzero(self.sample_weight % 1)
        return float(self.sample_weight.sum() + 1.5 * np.sqrt(chances))

    @property
    def batch(self) -> int | None:
        """Windows in a batch; see :func:`batch_of`."""
        return batch_of(len(self.source), self.sample_weight, self.batch_size)


def batch_of(n_windows: int, sample_weight: np.ndarray | None, batch_size: int) -> int | None:
    """Return how many windows a batch of a training has.

    Parameters
    ----------
    n_windows, batch_size : int
        Windows to train on, and at most so many in a batch.
    sample_weight : array, shape (n_windows,) | None
        How often each is seen in an epoch; see :func:`eegemo.training.draws`.

    Returns
    -------
    batch : int | None
        None where chance decides in each epoch, which then may have fewer windows than a batch.
    """
    if sample_weight is None:
        return min(n_windows, batch_size)
    least, most = np.floor(sample_weight).sum(), np.ceil(sample_weight).sum()
    return int(min(least, batch_size)) if least >= batch_size or least == most else None


@dataclass(frozen=True)
class Fitted:
    """What a training ended with.

    Parameters
    ----------
    history : History
        What it went through.
    values : list of array
        A value for each of ``model.variables``.
    outputs : list of array, shape (n, ...)
        What was predicted, as :class:`Fit` asked.
    seconds : float
        Its share of those that were trained together.
    """

    history: History
    values: list[np.ndarray]
    outputs: list[np.ndarray]
    seconds: float


class Course:
    """One training on its way: what it draws, what it went through, and whether it has ended."""

    def __init__(self, fit: Fit, loss: Loss, recipe: Recipe) -> None:
        self.fit, self.loss, self.recipe = fit, loss, recipe
        n_seen = len(fit.source) if fit.sample_weight is None else float(fit.sample_weight.sum())
        self.n_updates = math.ceil(n_seen / fit.batch_size) * int(fit.epochs)
        self.curves: dict[str, list[float]] = {name: [] for name in ("loss", loss.metric)}
        if fit.held_out:
            self.curves |= {f"val_{name}": [] for name in ("loss", loss.metric)}
        self.epoch, self.update, self.best_epoch = 0, 0, 0
        self.ended = False

    @property
    def is_last(self) -> bool:
        """Whether no epoch follows the one in hand."""
        return self.ended or self.epoch + 1 >= self.fit.epochs

    @property
    def history(self) -> History:
        """What it went through."""
        return History(self.curves, self.best_epoch)

    def draw(self) -> Drawn:
        """Draw the next epoch: first samples of windows, targets, shape (n_steps, batch, ...), and learning rates."""
        fit = self.fit
        everything = np.arange(len(fit.source))
        numbers = everything if fit.sample_weight is None else draws(fit.sample_weight, fit.rng)
        index = np.stack(list(even_batches(numbers, fit.batch_size, fit.rng)))
        updates = range(self.update, self.update + len(index))
        self.update += len(index)
        rate = [self.recipe.learning_rate(update, self.n_updates, fit.learning_rate) for update in updates]
        return fit.source.places(index).astype(np.int32), fit.target[index], np.array(rate, np.float32)

    def close_epoch(self, figures: Sequence[np.ndarray], outputs: np.ndarray | None) -> bool:
        """Note an epoch, shape (n_steps,) of each figure; return whether its weights are the best so far."""
        fit, self.epoch, better = self.fit, self.epoch + 1, False
        for name, values in zip(("loss", self.loss.metric), figures, strict=True):
            self.curves[name].append(float(np.mean(values, dtype=np.float64)))
        if fit.held_out and outputs is not None:
            for name, value in zip(
                ("loss", self.loss.metric), self.loss.measure(outputs, fit.held_out[1]), strict=True
            ):
                self.curves[f"val_{name}"].append(value)
            losses = self.curves["val_loss"]
            best = losses[self.best_epoch - 1] if self.best_epoch else np.nan
            better = bool(np.isnan(best) or losses[-1] < best)
        if better or not fit.held_out:
            self.best_epoch = self.epoch
        self.ended = self.epoch == fit.epochs or self.epoch - self.best_epoch >= fit.patience
        return better
