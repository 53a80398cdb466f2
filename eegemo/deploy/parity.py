"""Whether an exported file computes what the classifier computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from eegemo.windows import Windows

#: How far probabilities may lie apart.
TOLERANCE = 1e-5
#: The number of windows must be free.
BATCH_SIZES = (1, 2, 7)
_SPREAD = 10.0  # µV, of the EEG that is made up


def windows_to_compare(n_channels: int, n_times: int) -> np.ndarray:
    """Make up windows: noise, what looks like EEG, and what no EEG does.

    Parameters
    ----------
    n_channels, n_times : int
        Of a window.

    Returns
    -------
    X : array, shape (21, n_channels, n_times), float32
        In microvolts. Seven of white noise; seven of noise whose power falls with the frequency, with a rhythm and
        with a blink that all channels share; and seven extreme ones: flat, an offset, volts, a drift, one sample that
        sticks out, a channel at an amplifier's limit, and noise of a hundred millivolts.
    """
    rng = np.random.default_rng(0)
    shape = (7, n_channels, n_times)
    white = _SPREAD * rng.standard_normal(shape)
    return np.concatenate([white, _like_eeg(rng, shape), _extreme(rng, shape)]).astype(np.float32)


def _like_eeg(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    n, n_channels, n_times = shape
    frequency = np.fft.rfftfreq(n_times)
    falling = np.fft.rfft(rng.standard_normal(shape)) / np.sqrt(np.maximum(frequency, 1 / n_times))
    noise = np.fft.irfft(falling, n_times)
    noise *= _SPREAD / noise.std()
    time = np.linspace(0, 1, n_times)
    rhythm = np.sin(2 * np.pi * (10 * time + rng.random((n, n_channels, 1))))
    blink = np.exp(-(((time - 0.5) / 0.1) ** 2)) * rng.uniform(0, 100, (n, 1, 1)) * rng.random((n, n_channels, 1))
    return noise + _SPREAD * rhythm + blink


def _extreme(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    flat, offset, volts, drift, spike, limit, loud = _SPREAD * rng.standard_normal(shape)
    flat[:] = 0
    offset[:] = 50
    volts *= 1e-6
    drift += np.linspace(-1e4, 1e4, shape[2])
    spike[:, shape[2] // 2] = 1e5
    limit[0] = 3276.7
    loud *= 1e4
    return np.stack([flat, offset, volts, drift, spike, limit, loud])


def largest_difference(expected: np.ndarray, X: Windows | np.ndarray, found: Callable[[Any], np.ndarray]) -> float:
    """Compare probabilities with a function of windows, whatever the number of windows that it is given at a time.

    Parameters
    ----------
    expected : array, shape (n, n_classes)
        The probabilities.
    X : Windows | array, shape (n, n_channels, n_times)
        Their windows, all of which are compared for each of :data:`BATCH_SIZES`.
    found : callable
        From windows to probabilities.

    Returns
    -------
    difference : float
        The largest of any probability; infinity where the shapes differ, or one is no number.
    """
    largest = 0.0
    for size in BATCH_SIZES:
        for numbers in _batches(len(X), size):
            outputs = np.asarray(found(X[numbers]))
            if outputs.shape != expected[numbers].shape or not np.isfinite(outputs).all():
                return np.inf
            largest = max(largest, float(np.abs(outputs.astype(float) - expected[numbers]).max()))
    return largest


def _batches(n: int, size: int) -> Iterator[slice]:
    for first in range(0, n, size):
        yield slice(first, first + size)
