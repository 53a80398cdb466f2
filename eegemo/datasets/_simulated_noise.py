"""What simulated signals are made of: noise with a given spectrum within DEAP's pass band, and slow amplitudes."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.fft

from eegemo.datasets import _deap_format as deap

_N_KNOTS = 64  # of an amplitude over a trial: one in about a second
_N_SLOW_KNOTS = 5  # one in a quarter of a minute


@lru_cache(maxsize=1)
def frequencies() -> np.ndarray:
    """Return the frequencies of a trial's spectrum in Hz, shape (4033,)."""
    return np.fft.rfftfreq(deap.N_TIMES, 1 / deap.SFREQ)


@lru_cache(maxsize=1)
def pass_band_gain() -> np.ndarray:
    """Return the gain of the pass band at every frequency: 4-45 Hz with slopes of a Butterworth filter of order 8."""
    low, high = deap.PASS_BAND
    f = np.maximum(frequencies(), 1e-9)
    return 1 / np.sqrt(1 + (low / f) ** 16) / np.sqrt(1 + (f / high) ** 16)


def band_passed(signals: np.ndarray) -> np.ndarray:
    """Limit trials, shape (n, 8064), to the pass band; no frequency is delayed."""
    spectrum = scipy.fft.rfft(signals, axis=1) * pass_band_gain().astype(np.float32)
    return scipy.fft.irfft(spectrum, deap.N_TIMES, axis=1)


@lru_cache(maxsize=64)
def background_spectrum(exponent: float) -> np.ndarray:
    """Return amplitudes whose power falls as a power of the frequency."""
    return _of_unit_variance(np.maximum(frequencies(), 1) ** (-exponent / 2))


@lru_cache(maxsize=1)
def muscle_spectrum() -> np.ndarray:
    """Return amplitudes that rise to 20 Hz, and stay."""
    return _of_unit_variance(1 / (1 + (20 / np.maximum(frequencies(), 1)) ** 2))


@lru_cache(maxsize=256)
def peak_spectrum(centre: float, width: float) -> np.ndarray:
    """Return amplitudes whose power is a bell around a frequency."""
    return _of_unit_variance(np.exp(-0.25 * ((frequencies() - centre) / width) ** 2))


def _of_unit_variance(amplitude: np.ndarray) -> np.ndarray:
    amplitude = amplitude * pass_band_gain()
    return (amplitude / np.sqrt((amplitude**2).mean())).astype(np.float32)


def noise(rng: np.random.Generator, n: int, spectrum: np.ndarray) -> np.ndarray:
    """Return Gaussian noise with this amplitude spectrum, shape (n, 8064), unit variance."""
    white = rng.standard_normal((n, len(spectrum), 2), dtype=np.float32).view(np.complex64)[..., 0]
    return scipy.fft.irfft(white * spectrum, deap.N_TIMES, axis=1) * np.float32(np.sqrt(deap.N_TIMES / 2))


def courses(rng: np.random.Generator, n: int, within_seconds: float, within_trial: float) -> np.ndarray:
    """Return how log-amplitudes wander over a trial: straight lines between random knots, shape (n, 64).

    Parameters
    ----------
    rng : Generator
        Draws them.
    n : int
        How many.
    within_seconds, within_trial : float
        Standard deviation of what changes from second to second, and of what changes over a quarter of a minute.
    """
    slow = rng.normal(0, within_trial, (n, _N_SLOW_KNOTS)) @ _lines(_N_SLOW_KNOTS, _N_KNOTS)
    return rng.normal(0, within_seconds, (n, _N_KNOTS)) + slow


def amplitudes(log_amplitudes: np.ndarray) -> np.ndarray:
    """Turn log-amplitudes at the knots, shape (n, 64), into amplitudes at the samples, shape (n, 8064)."""
    return np.exp(log_amplitudes.astype(np.float32) @ _lines(_N_KNOTS, deap.N_TIMES))


@lru_cache(maxsize=2)
def _lines(n_knots: int, n_times: int) -> np.ndarray:
    """Weights of knots at points between them, shape (knots, points)."""
    points = np.linspace(0, n_knots - 1, n_times)
    return np.maximum(0, 1 - np.abs(points - np.arange(n_knots)[:, None])).astype(np.float32)
