"""Features of the samples themselves: amplitude, zero crossings, moments, Hjorth's parameters."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from eegemo.features.base import WindowFeatures
from eegemo.features.sliding import (
    TOGETHER,
    Starts,
    moved,
    pieces,
    taken,
    window_maxima,
    window_mean_products,
    window_means,
    window_sums,
)

#: A window whose mean is more of its deviations than this from what is counted from is counted from its own mean: the
#: fourth power of this, in units of rounding, is what kurtosis errs by below it.
_FAR = 10


class SampleFeatures(WindowFeatures):
    """Base of the features that sums, or largest values, over windows say."""

    #: Whether it counts from about where each signal lies: squares of what is near 0 round less.
    is_centred: ClassVar[bool] = False

    def _compute(self, signals: np.ndarray, starts: Starts, n_times: int) -> np.ndarray:
        offset: np.ndarray | float = 0.0
        if self.is_centred:
            offset = signals[..., ::64].mean(axis=-1, keepdims=True, dtype=np.float64)
        found = [self._compute_piece(*piece, n_times, offset) for piece in pieces(signals, starts, n_times)]
        return np.concatenate(found, axis=1) if len(found) > 1 else found[0]

    @abstractmethod
    def _compute_piece(
        self, signals: np.ndarray, starts: Starts, n_times: int, offset: np.ndarray | float
    ) -> np.ndarray:
        """Compute a piece, as ``_compute`` does all; ``offset`` is what it counts from."""


class AmplitudeEnvelope(SampleFeatures):
    """Amplitude envelope: the largest absolute value of a window, in microvolts.

    References
    ----------
    Lerch 2012, An Introduction to Audio Content Analysis, doi:10.1002/9781118393550 (peak envelope of a frame).
    """

    shows_non_finite = True

    def _feature_names(self) -> list[str]:
        return ["envelope"]

    def _compute_piece(
        self, signals: np.ndarray, starts: Starts, n_times: int, offset: np.ndarray | float
    ) -> np.ndarray:
        return _beside(window_maxima(np.abs(signals), starts, n_times))


class RMS(SampleFeatures):
    """RMS energy: the root of the mean square of a window, in microvolts.

    References
    ----------
    Lerch 2012, doi:10.1002/9781118393550.
    """

    shows_non_finite = True

    def _feature_names(self) -> list[str]:
        return ["rms"]

    def _compute_piece(
        self, signals: np.ndarray, starts: Starts, n_times: int, offset: np.ndarray | float
    ) -> np.ndarray:
        samples = signals.astype(np.float64)
        return _beside(np.sqrt(window_mean_products(samples, samples, starts, n_times)))


class ZeroCrossingRate(SampleFeatures):
    """Zero-crossing rate: changes of sign between neighbouring samples of a window, over its samples; from 0 to 1.

    Notes
    -----
    Zero counts as positive. Times the sampling rate it is crossings a second, for a window that is not short.

    References
    ----------
    Kedem 1986, doi:10.1109/PROC.1986.13663.
    """

    def _feature_names(self) -> list[str]:
        return ["zcr"]

    def _compute_piece(
        self, signals: np.ndarray, starts: Starts, n_times: int, offset: np.ndarray | float
    ) -> np.ndarray:
        negative = signals < 0
        crossed = np.zeros_like(negative)
        np.not_equal(negative[..., 1:], negative[..., :-1], out=crossed[..., :-1])
        numbers = crossed.view(np.uint8) if n_times < 256 else crossed.astype(np.uint32)
        last = taken(numbers, moved(starts, n_times - 1))  # leads out of the window
        return _beside((window_sums(numbers, starts, n_times) - last) / n_times)


class Hjorth(SampleFeatures):
    """Hjorth's parameters: activity (variance, µV²), mobility (per sample) and complexity (no unit).

    Notes
    -----
    With the variances of the samples, of their first and of their second differences, ``v0, v1, v2``: activity v0,
    mobility ``sqrt(v1 / v0)``, complexity ``sqrt(v2 / v1) / mobility``. Mobility times the sampling rate is in
    radians a second, for rhythms much slower than that. Both are 0 where a window is constant, or has too few samples.

    References
    ----------
    Hjorth 1970, doi:10.1016/0013-4694(70)90143-4.
    """

    is_centred = True

    def _feature_names(self) -> list[str]:
        return ["activity", "mobility", "complexity"]

    def _compute_piece(
        self, signals: np.ndarray, starts: Starts, n_times: int, offset: np.ndarray | float
    ) -> np.ndarray:
        signals = signals - offset
        variances = [window_variance(signals, starts, n_times)]
        for n in (n_times - 1, n_times - 2):
            if n < 1:
                variances.append(np.zeros_like(variances[0]))
                continue
            # The sum of differences is that of the last and first value.
            mean = (taken(signals, moved(starts, n)) - taken(signals, starts)) / n
            signals = np.diff(signals)
            variances.append(_variance(mean, window_mean_products(signals, signals, starts, n), n))
        activity = variances[0]
        mobility = np.sqrt(_ratio(variances[1], activity))
        complexity = _ratio(np.sqrt(_ratio(variances[2], variances[1])), mobility)
        return _beside(activity, mobility, complexity)


class Statistics(SampleFeatures):
    """Mean, standard deviation, skewness, excess kurtosis, and mean absolute first and second difference.

    Means, deviation and differences are in microvolts, the others have no unit. Skewness and kurtosis are the biased
    ones of :mod:`scipy.stats`, and 0 where a window is constant.

    References
    ----------
    Picard, Vyzas & Healey 2001, doi:10.1109/34.954607 (mean, deviation and differences).
    """

    is_centred = True

    def _feature_names(self) -> list[str]:
        return ["mean", "std", "skewness", "kurtosis", "abs_diff1", "abs_diff2"]

    def _compute_piece(
        self, signals: np.ndarray, starts: Starts, n_times: int, offset: np.ndarray | float
    ) -> np.ndarray:
        centred = signals - offset
        square = np.square(centred)
        m1, m2 = (window_means(values, starts, n_times) for values in (centred, square))
        m3, m4 = (window_mean_products(square, values, starts, n_times) for values in (centred, square))
        variance, third, fourth = _central_moments(m1, m2, m3, m4, n_times)
        for place, windows in _recentred(centred, starts, n_times, m1, variance):
            squares = np.square(windows)
            own_1, own_2 = windows.mean(axis=-1), squares.mean(axis=-1)
            own_3, own_4 = (np.vecdot(squares, values) / n_times for values in (windows, squares))
            variance[place], third[place], fourth[place] = _central_moments(own_1, own_2, own_3, own_4, n_times)
        deviation = np.sqrt(variance)
        kurtosis = np.where(variance > 0, _ratio(fourth, np.square(variance)) - 3, 0)
        steps, values = [], centred
        for n in (n_times - 1, n_times - 2):
            values = np.diff(values)
            size = np.abs(values, out=square[..., : values.shape[-1]])
            steps.append(window_means(size, starts, n))
        return _beside(offset + m1, deviation, _ratio(third, variance * deviation), kurtosis, *steps)


def window_variance(signals: np.ndarray, starts: Starts, n_times: int) -> np.ndarray:
    """Compute the variance of windows from sums that overlapping windows share.

    Parameters
    ----------
    signals : array, shape (..., n_times)
        Along their last axis, near 0: their squares are added up.
    starts : array of int, shape (n_starts,) | range
        First sample of each window.
    n_times : int
        Samples in a window, 1 or more.

    Returns
    -------
    variance : array, shape (..., n_starts)
        Not below 0; what is no more than rounding is 0.
    """
    mean = window_means(signals, starts, n_times)
    variance = _variance(mean, window_mean_products(signals, signals, starts, n_times), n_times)
    for place, windows in _recentred(signals, starts, n_times, mean, variance):
        variance[place] = _variance(windows.mean(axis=-1), np.vecdot(windows, windows) / n_times, n_times)
    return variance


def _variance(mean: np.ndarray, mean_square: np.ndarray, n_times: int) -> np.ndarray:
    """Return the variance of windows of ``n_times`` samples; 0 where it is no more than rounding."""
    variance = mean_square - np.square(mean)
    rounding = np.finfo(float).eps * (8 + np.log2(n_times)) * mean_square
    return np.where(variance > rounding, variance, 0)


def _central_moments(
    m1: np.ndarray, m2: np.ndarray, m3: np.ndarray, m4: np.ndarray, n_times: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the second, third and fourth moment of windows about their mean, from those about 0."""
    square = np.square(m1)
    third = m3 + m1 * (2 * square - 3 * m2)
    fourth = m4 - 4 * m1 * m3 + 3 * square * (2 * m2 - square)
    return _variance(m1, m2, n_times), third, fourth


def _recentred(
    signals: np.ndarray, starts: Starts, n_times: int, mean: np.ndarray, variance: np.ndarray
) -> Iterator[tuple[tuple[np.ndarray, ...], np.ndarray]]:
    """Find windows that lie so far from 0 that differences of moments round; give their places, and them about 0."""
    far = np.nonzero(np.square(mean) > _FAR**2 * variance)
    from_each_sample = sliding_window_view(signals, n_times, axis=-1)
    together = max(1, TOGETHER // (8 * n_times))
    for first in range(0, len(far[0]), together):
        place = tuple(index[first : first + together] for index in far)
        *signal, window = place
        windows = from_each_sample[(*signal, np.asarray(starts)[window])]
        windows -= windows.mean(axis=-1, keepdims=True)
        yield place, windows


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Divide; 0 where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def _beside(*features: np.ndarray) -> np.ndarray:
    """Lay features (n_signals, n_channels, n_starts) side by side: (n_signals, n_starts, n_channels, n_features)."""
    if len(features) == 1:
        return features[0].swapaxes(1, 2)[..., None]
    return np.stack([values.swapaxes(1, 2) for values in features], axis=-1)
