"""Batches of windows for a network: where they are gathered from, and in which order."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

import numpy as np

from eegemo.errors import DataFormatError
from eegemo.windows import Windows

_SAMPLES_OF_A_PIECE = 2**20


class Source(Protocol):
    """Where batches come from: anything with a length that gathers inputs by their numbers."""

    def __len__(self) -> int: ...

    def gather(self, index: np.ndarray, /) -> np.ndarray:
        """Return inputs, shape (len(index), ...), as the network takes them."""


class WindowSource:
    """Windows that refuse to gather non-finite values.

    Parameters
    ----------
    windows : Windows
        Gathered time-major, (n, n_times, n_channels).
    """

    def __init__(self, windows: Windows) -> None:
        self.windows = windows

    def __len__(self) -> int:
        return len(self.windows)

    def places(self, index: np.ndarray) -> np.ndarray:
        """Return the first samples of some windows in the strip."""
        return self.windows.starts[index]

    def gather(self, index: np.ndarray) -> np.ndarray:
        """Copy some windows out of the strip; ``DataFormatError`` names the trial of a non-finite value."""
        moved = replace(self.windows, starts=self.places(index))
        return _finite(moved.gather(), self.windows.trial_index[index], self.windows)


def place_of_strip(windows: Windows) -> tuple[object, ...]:
    """Return where in memory the samples of windows lie: the same for windows over the same samples.

    Parameters
    ----------
    windows : Windows
        Whose trials may be another selection or have other ratings.

    Returns
    -------
    place : tuple
        Address, shape and strides.
    """
    strip = windows.trials.signals
    return strip.ctypes.data, strip.shape, strip.strides


class ShiftedWindows(WindowSource):
    """Windows that are cut anew each time they are gathered, at any sample of the data they stand for.

    A window moves within the stretch that it and its neighbours cover without a gap, in one trial and of one target: in
    a trial that is all training data, anywhere; where neighbours are tested on, nowhere into them. So whatever the
    protocol, no sample is seen that the windows themselves do not hold.

    Parameters
    ----------
    windows : Windows
        The training windows.
    target : array, shape (n, ...)
        What each is trained to.
    rng : Generator
        Draws the places.
    """

    def __init__(self, windows: Windows, target: np.ndarray, rng: np.random.Generator) -> None:
        super().__init__(windows)
        self.rng = rng
        order = np.lexsort((windows.starts, windows.trial_index))
        starts, trial, own = windows.starts[order], windows.trial_index[order], target[order].reshape(len(order), -1)
        gap = (np.diff(starts) > windows.n_times) | (np.diff(trial) != 0) | (own[1:] != own[:-1]).any(axis=1)
        stretch = np.concatenate([[0], np.cumsum(gap)])
        first = np.searchsorted(stretch, stretch, side="left")
        last = np.searchsorted(stretch, stretch, side="right") - 1
        self.low, self.high = np.empty_like(starts), np.empty_like(starts)
        self.low[order], self.high[order] = starts[first], starts[last]

    def places(self, index: np.ndarray) -> np.ndarray:
        """Draw first samples, each somewhere in the stretch of its window."""
        return self.rng.integers(self.low[index], self.high[index] + 1)


class ArraySource:
    """An array that gathers batches as Windows do.

    Parameters
    ----------
    X : array, shape (n, n_channels, n_times)
        Finite; gathered time-major, (n, n_times, n_channels).
    """

    def __init__(self, X: np.ndarray) -> None:
        self.X = X

    def __len__(self) -> int:
        return len(self.X)

    def gather(self, index: np.ndarray) -> np.ndarray:
        """Copy some rows, time-major."""
        return np.ascontiguousarray(self.X[index].transpose(0, 2, 1))


def non_finite_samples(strip: np.ndarray) -> np.ndarray:
    """Return the numbers of the samples that are not finite on some channel.

    Parameters
    ----------
    strip : array, shape (n_samples, n_channels)
        Looked through piece by piece, since it may lie on a disk.

    Returns
    -------
    numbers : array of int
        Ascending; of sound recordings none.
    """
    pieces = range(0, len(strip), _SAMPLES_OF_A_PIECE)
    found = [
        first + np.flatnonzero(~np.isfinite(strip[first : first + _SAMPLES_OF_A_PIECE]).all(1)) for first in pieces
    ]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def refuse_non_finite(windows: Windows, bad: np.ndarray) -> None:
    """Refuse windows with a non-finite value, before any is gathered.

    Parameters
    ----------
    windows : Windows
        Of which one may reach over such a sample.
    bad : array of int
        What :func:`non_finite_samples` returned.

    Raises
    ------
    DataFormatError
        It names the trial of the first one.
    """
    first, last = (np.searchsorted(bad, windows.starts + shift) for shift in (0, windows.n_times))
    hit = np.flatnonzero(last > first)[:1]
    if len(hit):
        _finite(windows.gather(hit), windows.trial_index[hit], windows)


def _finite(batch: np.ndarray, trial_index: np.ndarray, windows: Windows) -> np.ndarray:
    """Return a batch as it is, or name the trial of the first non-finite value."""
    if not np.isfinite(batch).all():
        first = np.flatnonzero(~np.isfinite(batch).all(axis=(1, 2)))[0]
        row = windows.trials.table[["subject", "trial"]].iloc[trial_index[first]]
        raise DataFormatError(
            f"X contains NaN or infinity in trial {row['trial']} of subject {row['subject']}; repair or drop it."
        )
    return batch


class Subset:
    """Some inputs of a source, an input several times where its number stands several times.

    Parameters
    ----------
    source : Source
        All inputs.
    chosen : array of int
        Their numbers in the source.
    """

    def __init__(self, source: Source, chosen: np.ndarray) -> None:
        self.source, self.chosen = source, chosen

    def __len__(self) -> int:
        return len(self.chosen)

    def gather(self, index: np.ndarray) -> np.ndarray:
        """Gather from the source by its own numbers."""
        return self.source.gather(self.chosen[index])


def take(source: Source, chosen: np.ndarray) -> Source:
    """Keep some inputs of a source, an input several times where its number stands several times.

    Parameters
    ----------
    source : Source
        All inputs.
    chosen : array of int
        Their numbers in the source.

    Returns
    -------
    source : Source
        Windows stay windows; of an array nothing is copied.
    """
    return WindowSource(source.windows[chosen]) if type(source) is WindowSource else Subset(source, chosen)


def draws(sample_weight: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw the numbers that make up an epoch, each as often as its weight says.

    Parameters
    ----------
    sample_weight : array, shape (n,)
        Not negative. The whole part of a weight is how often a number is there for certain, the rest the chance of
        once more; so a whole weight is the same as so many copies, in every layer of a network, batch normalisation
        included, which weights in the loss alone would not be.
    rng : Generator
        Decides over the fractions.

    Returns
    -------
    numbers : array of int
        Ascending.
    """
    whole = np.floor(sample_weight)
    rest = sample_weight - whole
    # Whole weights leave the generator alone, so that what follows is drawn as it is for so many copies.
    once_more = rng.random(len(rest)) < rest if rest.any() else np.zeros(len(rest), bool)
    return np.repeat(np.arange(len(sample_weight)), whole.astype(np.int64) + once_more)


def even_batches(
    numbers: np.ndarray, batch_size: int, rng: np.random.Generator, *, shuffle: bool = True
) -> Iterator[np.ndarray]:
    """Go through numbers, in random order by default; the last batch is filled up from the beginning of that order.

    Parameters
    ----------
    numbers : array of int
        What makes up an epoch.
    batch_size : int
        Numbers in a batch; all of them where there are fewer.
    rng : Generator
        Shuffles them.
    shuffle : bool
        Whether it does.

    Yields
    ------
    batch : array of int, shape (min(len(numbers), batch_size),)
    """
    size = min(len(numbers), batch_size)
    order = rng.permutation(numbers) if shuffle else numbers
    filled = np.resize(order, math.ceil(len(numbers) / size) * size)
    yield from filled.reshape(-1, size)
