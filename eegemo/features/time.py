"""Features of the samples themselves: amplitude, zero crossings, moments, Hjorth's parameters."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import maximum_filter1d

from eegemo.features.base import WindowFeatures, window_sums


class AmplitudeEnvelope(WindowFeatures):
    """Amplitude envelope: the largest absolute value of a window, in microvolts.

    References
    ----------
    Lerch 2012, An Introduction to Audio Content Analysis, doi:10.1002/9781118393550 (peak envelope of a frame).
    """

    def _feature_names(self) -> list[str]:
        return ["envelope"]

    def _compute(self, signals: np.ndarray, starts: np.ndarray, n_times: int) -> np.ndarray:
        # The filter's window lies around a sample; half a length on it is the one that begins here.
        largest = maximum_filter1d(np.abs(signals), n_times, axis=-1, mode="nearest")
        return largest[..., starts + n_times // 2].swapaxes(1, 2)[..., None]


class RMS(WindowFeatures):
    """RMS energy: the root of the mean square of a window, in microvolts.

    References
    ----------
    Lerch 2012, doi:10.1002/9781118393550.
    """

    def _feature_names(self) -> list[str]:
        return ["rms"]

    def _compute(self, signals: np.ndarray, starts: np.ndarray, n_times: int) -> np.ndarray:
        mean_square = window_sums(signals**2, starts, n_times) / n_times
        return np.sqrt(np.maximum(mean_square, 0)).swapaxes(1, 2)[..., None]


class ZeroCrossingRate(WindowFeatures):
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

    def _compute(self, signals: np.ndarray, starts: np.ndarray, n_times: int) -> np.ndarray:
        crossed = np.diff(signals < 0, axis=-1)
        return (window_sums(crossed, starts, n_times - 1) / n_times).swapaxes(1, 2)[..., None]


class Hjorth(WindowFeatures):
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

    def _feature_names(self) -> list[str]:
        return ["activity", "mobility", "complexity"]

    def _compute(self, signals: np.ndarray, starts: np.ndarray, n_times: int) -> np.ndarray:
        activity = window_variance(signals, starts, n_times)
        first = window_variance(np.diff(signals), starts, n_times - 1)
        second = window_variance(np.diff(signals, n=2), starts, n_times - 2)
        mobility = np.sqrt(_ratio(first, activity))
        complexity = _ratio(np.sqrt(_ratio(second, first)), mobility)
        return np.stack([activity, mobility, complexity], axis=-1).swapaxes(1, 2)


class Statistics(WindowFeatures):
    """Mean, standard deviation, skewness, excess kurtosis, and mean absolute first and second difference.

    Means, deviation and differences are in microvolts, the others have no unit. Skewness and kurtosis are the biased
    ones of :mod:`scipy.stats`, and 0 where a window is constant.

    References
    ----------
    Picard, Vyzas & Healey 2001, doi:10.1109/34.954607 (mean, deviation and differences).
    """

    def _feature_names(self) -> list[str]:
        return ["mean", "std", "skewness", "kurtosis", "abs_diff1", "abs_diff2"]

    def _compute(self, signals: np.ndarray, starts: np.ndarray, n_times: int) -> np.ndarray:
        offset = signals.mean(axis=-1, keepdims=True)
        centred = signals - offset
        m1, m2, m3, m4 = (window_sums(centred**power, starts, n_times) / n_times for power in (1, 2, 3, 4))
        variance = np.maximum(m2 - m1**2, 0)
        variance[variance < _rounding(centred)] = 0
        skewness = _ratio(m3 - 3 * m1 * m2 + 2 * m1**3, variance**1.5)
        fourth = m4 - 4 * m1 * m3 + 6 * m1**2 * m2 - 3 * m1**4
        kurtosis = np.where(variance > 0, _ratio(fourth, variance**2) - 3, 0)
        steps = [
            window_sums(np.abs(np.diff(signals, n=order)), starts, n_times - order) / max(n_times - order, 1)
            for order in (1, 2)
        ]
        return np.stack([offset + m1, np.sqrt(variance), skewness, kurtosis, *steps], axis=-1).swapaxes(1, 2)


def window_variance(signals: np.ndarray, starts: np.ndarray, n_times: int) -> np.ndarray:
    """Compute the variance of windows from running sums.

    Parameters
    ----------
    signals : array, shape (..., n_times)
        Along their last axis.
    starts : array of int, shape (n_starts,)
        First sample of each window.
    n_times : int
        Samples in a window.

    Returns
    -------
    variance : array, shape (..., n_starts)
        Not below 0; what is no more than rounding of the running sums is 0, and so is that of no sample.
    """
    if n_times < 1:
        return np.zeros((*signals.shape[:-1], len(starts)))
    centred = signals - signals.mean(axis=-1, keepdims=True)
    mean = window_sums(centred, starts, n_times) / n_times
    variance = window_sums(centred**2, starts, n_times) / n_times - mean**2
    variance[variance < _rounding(centred)] = 0
    return variance


def _rounding(centred: np.ndarray) -> np.ndarray:
    """Return a bound on the rounding of a running sum of squares, for each signal."""
    return np.finfo(float).eps * np.sqrt(centred.shape[-1]) * np.square(centred).sum(axis=-1, keepdims=True)


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Divide; 0 where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
