"""What a network is trained on: windows, what is set aside to stop on, and how often each counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_consistent_length

from eegemo.errors import ConfigError
from eegemo.models.checks import carve, draws_in_an_epoch, warn_of_volts
from eegemo.windows import Windows

if TYPE_CHECKING:
    from eegemo.training.batches import Source
    from eegemo.training.losses import Loss


@dataclass(frozen=True)
class TrainingData:
    """Windows and targets of one fit.

    Parameters
    ----------
    source : Source
        The training windows as they are.
    seen : Source
        The same as training sees them: cut anew each time, where they are augmented.
    target : array, shape (n, ...)
        What each is trained to.
    weight : array, shape (n,) | None
        How often each is seen in an epoch.
    held_out : (Source, array) | None
        What training stops on.
    """

    source: Source
    seen: Source
    target: np.ndarray
    weight: np.ndarray | None
    held_out: tuple[Source, np.ndarray] | None

    @property
    def n_windows(self) -> float:
        """How many windows an epoch has; on average, where weights leave some to chance."""
        return len(self.source) if self.weight is None else float(self.weight.sum())


@dataclass(frozen=True)
class BegunFit:
    """All of a fit that comes before its network is made.

    Parameters
    ----------
    data : TrainingData
        What it is trained on.
    fair : array of int
        Numbers of training windows that stand for all; the normalisation is fitted on them.
    loss : Loss
        What is lowered.
    how : dict
        ``epochs, batch_size, learning_rate, patience``, as :func:`eegemo.training.train` takes them.
    seed : int
        Of the network's weights and dropout.
    rng : Generator
        Of what is drawn in training.
    """

    data: TrainingData
    fair: np.ndarray
    loss: Loss
    how: dict[str, Any]
    seed: int
    rng: np.random.Generator


def training_data(
    X: Windows | np.ndarray,
    y: np.ndarray,
    *,
    validation_data: tuple[Windows | np.ndarray, np.ndarray] | None,
    validation_fraction: float | None,
    groups: np.ndarray | None,
    sample_weight: np.ndarray | None,
    augment: bool,
    rng: np.random.Generator,
) -> TrainingData:
    """Take what a fit was given, and set validation data aside where there are none.

    Parameters
    ----------
    X : Windows | array, shape (n, n_channels, n_times)
        Checked.
    y : array, shape (n, ...)
        As the loss takes it.
    validation_data : (X, y) | None
        Checked, too.
    validation_fraction, groups, sample_weight, augment
        As :class:`eegemo.EEGClassifier` and its ``fit`` take them.
    rng : Generator
        Draws what is set aside.

    Returns
    -------
    data : TrainingData

    Raises
    ------
    ConfigError
        If an array is to be cut anew, or the weights or the fraction cannot be used.
    """
    from eegemo.training.batches import ShiftedWindows, take

    warn_of_volts(X, stacklevel=6)  # whoever called fit, which is behind a decorator
    source, held_out, kept = as_source(X), None, np.arange(len(X))
    if validation_data is not None:
        warn_of_volts(validation_data[0], stacklevel=6)
        held_out = as_source(validation_data[0]), validation_data[1]
        check_consistent_length(*held_out)
    elif validation_fraction is not None:
        kept, aside = carve(X, groups, validation_fraction, rng)
        held_out = take(source, aside), y[aside]
        source, y = take(source, kept), y[kept]
        sample_weight = None if sample_weight is None else sample_weight[kept]
    seen = source
    if augment:
        if not isinstance(X, Windows):
            raise ConfigError("augment=True cuts windows anew inside their trials, which an array lacks; give Windows.")
        seen = ShiftedWindows(X[kept], y, rng.spawn(1)[0])
    weight = None if sample_weight is None else draws_in_an_epoch(sample_weight)
    return TrainingData(source, seen, y, weight, held_out)


def as_source(X: Windows | np.ndarray) -> Source:
    """Let batches be gathered from windows or an array.

    Parameters
    ----------
    X : Windows | array, shape (n, n_channels, n_times)
        Finite, if it is an array.

    Returns
    -------
    source : Source
    """
    from eegemo.training.batches import ArraySource, WindowSource

    return WindowSource(X) if isinstance(X, Windows) else ArraySource(X)
