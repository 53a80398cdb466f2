"""Features of a window's spectrum: entropy, centroid, bandwidth, short-time Fourier transform."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from scipy import signal

from eegemo.errors import ConfigError
from eegemo.features.base import WindowFeatures
from eegemo.features.sliding import Starts, window_copies

#: Of a frequency's number among those of a transform: what is left of its distance from a band's edge then is rounding.
DECIMALS = 9


class SpectralEntropy(WindowFeatures):
    """Spectral entropy: Shannon's entropy of the power spectrum over that of a flat one, so from 0 to 1 (no unit).

    Notes
    -----
    The spectrum is the one-sided periodogram of the whole window without its mean. An impulse, whose magnitudes are all
    the same, has 1. Half the sampling rate counts half there, so only what has more power there than an impulse can
    exceed 1: by 0.06 % of 128 samples, where all frequencies count the same, by 9 % of 4. A constant window has 0, and
    so has one of 2 or 3 samples, whose spectrum is a single frequency.

    References
    ----------
    Inouye et al. 1991, doi:10.1016/0013-4694(91)90138-T.
    """

    window_by_window = True

    def _feature_names(self) -> list[str]:
        return ["spectral_entropy"]

    def _compute(self, signals: np.ndarray, starts: Starts, n_times: int) -> np.ndarray:
        power = np.square(np.abs(np.fft.rfft(window_copies(signals, starts, n_times))))
        constant = power[..., 0].copy()
        weights = one_sided(n_times)
        weights[0] = 0  # without the mean
        power *= weights
        total = power @ np.ones(power.shape[-1])
        some = total > n_times * np.square(np.finfo(float).eps * 4 * np.log2(n_times + 1)) * constant  # not rounding
        total[~some] = 1
        logarithm = np.log(np.maximum(power, np.finfo(float).tiny))  # of no power, whose product is 0
        # That of p / total is that of p less that of total.
        entropy = np.where(some, np.log(total) - np.vecdot(power, logarithm) / total, 0)
        share = weights[1:] / max(weights.sum(), 1)  # of a flat one
        of_flat = -np.vecdot(share, np.log(share))
        return entropy[..., None] / (of_flat if len(share) > 1 else 1)


class SpectralCentroid(WindowFeatures):
    """Spectral centroid in Hz: the mean frequency, weighted by amplitude.

    Parameters
    ----------
    sfreq : float | None
        Sampling rate in Hz of arrays; Windows bring theirs.
    dtype : "float64" | "float32"
        Of the table; see :class:`WindowFeatures`.

    Notes
    -----
    ``sum(f S) / sum(S)``, S the magnitude of the Fourier transform of the window times Hann's; 0 where S is 0.

    References
    ----------
    Lerch 2012, doi:10.1002/9781118393550.
    """

    needs_sfreq = True
    window_by_window = True

    def __init__(self, *, sfreq: float | None = None, dtype: str = "float64") -> None:
        super().__init__(dtype=dtype)
        self.sfreq = sfreq

    def _feature_names(self) -> list[str]:
        return ["centroid"]

    def _compute(self, signals: np.ndarray, starts: Starts, n_times: int) -> np.ndarray:
        _, centroid, _ = self._weigh(signals, starts, n_times)
        return centroid[..., None]

    def _weigh(self, signals: np.ndarray, starts: Starts, n_times: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the magnitudes, their mean frequency, and their sum or 1 where it is 0."""
        magnitude = _magnitude(window_copies(signals, starts, n_times), hann(n_times))
        total = magnitude @ np.ones(magnitude.shape[-1])
        total[total == 0] = 1
        return magnitude, magnitude @ np.fft.rfftfreq(n_times, 1 / float(self.sfreq_ or 1)) / total, total


class SpectralBandwidth(SpectralCentroid):
    """Spectral bandwidth in Hz: how far from the centroid a window's amplitude lies.

    Parameters
    ----------
    p : float
        ``sum(S |f - c|^p)^(1/p)`` with the magnitudes S scaled to a sum of 1; with 2 it is a standard deviation, with
        1 a mean distance.
    sfreq : float | None
        Sampling rate in Hz of arrays; Windows bring theirs.
    dtype : "float64" | "float32"
        Of the table; see :class:`WindowFeatures`.

    References
    ----------
    Klapuri & Davy 2006, doi:10.1007/0-387-32845-9; p as in librosa.
    """

    def __init__(self, *, p: float = 2.0, sfreq: float | None = None, dtype: str = "float64") -> None:
        super().__init__(sfreq=sfreq, dtype=dtype)
        self.p = p

    def _feature_names(self) -> list[str]:
        return ["bandwidth"]

    def _check_settings(self, pass_band: tuple[float | None, float | None]) -> None:
        if not isinstance(self.p, numbers.Real) or not 0 < self.p < np.inf:
            raise ConfigError(f"p must be a positive number, got {self.p!r}.")

    def _compute(self, signals: np.ndarray, starts: Starts, n_times: int) -> np.ndarray:
        magnitude, centroid, total = self._weigh(signals, starts, n_times)
        distance = np.abs(np.fft.rfftfreq(n_times, 1 / float(self.sfreq_ or 1)) - centroid[..., None])
        moment = np.vecdot(magnitude, distance**self.p) / total
        return moment[..., None] ** (1 / self.p)


class ShortTimeFourier(WindowFeatures):
    """Short-time Fourier transform: magnitudes of the frames of a window, times Hann's window, in microvolts.

    Parameters
    ----------
    n_fft : int | None
        Samples in a frame; half a window by default.
    hop : int | None
        Samples between the starts of two frames; half a frame by default.
    sfreq : float | None
        Sampling rate in Hz of arrays; Windows bring theirs.
    dtype : "float64" | "float32"
        Of the table; see :class:`WindowFeatures`.

    Notes
    -----
    Twice the magnitude over the sum of Hann's window, so that a sine at a frame's frequency has its amplitude; once, at
    0 Hz and at half the sampling rate. An incomplete last frame is left out.

    References
    ----------
    Allen 1977, doi:10.1109/TASSP.1977.1162950.
    """

    needs_sfreq = True
    window_by_window = True

    def __init__(
        self,
        *,
        n_fft: int | None = None,
        hop: int | None = None,
        sfreq: float | None = None,
        dtype: str = "float64",
    ) -> None:
        super().__init__(dtype=dtype)
        self.n_fft = n_fft
        self.hop = hop
        self.sfreq = sfreq

    def _feature_names(self) -> list[str]:
        n_fft, hop = self._frame()
        frequencies = np.fft.rfftfreq(n_fft, 1 / float(self.sfreq_ or 1))
        n_frames = (self.n_times_ - n_fft) // hop + 1
        return [f"{frequency:g}Hz_stft{frame}" for frame in range(n_frames) for frequency in frequencies]

    def _check_settings(self, pass_band: tuple[float | None, float | None]) -> None:
        for name in ("n_fft", "hop"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, numbers.Integral) or value < 1):
                raise ConfigError(f"{name} must be a positive whole number of samples, got {value!r}.")
        if self._frame()[0] > self.n_times_:
            raise ConfigError(f"A frame of n_fft={self.n_fft} samples is longer than the window of {self.n_times_}.")

    def _frame(self) -> tuple[int, int]:
        n_fft = int(self.n_fft or max(self.n_times_ // 2, 1))
        return n_fft, int(self.hop or max(n_fft // 2, 1))

    def _compute(self, signals: np.ndarray, starts: Starts, n_times: int) -> np.ndarray:
        n_fft, hop = self._frame()
        begin = np.arange(0, n_times - n_fft + 1, hop)
        places, frame_of = np.unique(np.asarray(starts)[:, None] + begin, return_inverse=True)  # windows share frames
        taper = hann(n_fft)
        magnitude = _magnitude(window_copies(signals, places, n_fft), taper * (2 / taper.sum()))
        magnitude *= one_sided(n_fft) / 2
        frame_of = frame_of.reshape(len(starts), -1)
        of_windows = np.empty((*magnitude.shape[:1], len(starts), magnitude.shape[2], len(begin), magnitude.shape[3]))
        for number, frames in enumerate(frame_of.T):
            of_windows[:, :, :, number] = magnitude[:, frames]
        return of_windows.reshape(*of_windows.shape[:3], -1)


@lru_cache(maxsize=16)
def hann(n_times: int) -> np.ndarray:
    """Return Hann's window, periodic.

    Parameters
    ----------
    n_times : int
        Samples.

    Returns
    -------
    taper : array, shape (n_times,)
        Read-only.
    """
    taper = signal.get_window("hann", n_times)
    taper.flags.writeable = False
    return taper


def one_sided(n_times: int) -> np.ndarray:
    """Return how many frequencies each one of a real signal's transform stands for: itself, and its mirror image.

    Parameters
    ----------
    n_times : int
        Samples that were transformed.

    Returns
    -------
    weights : array, shape (n_times // 2 + 1,)
        2, and 1 at 0 Hz and at half the sampling rate.
    """
    weights = np.full(n_times // 2 + 1, 2.0)
    weights[0] = 1.0
    if n_times % 2 == 0:
        weights[-1] = 1.0
    return weights


def band_limits(bands: Iterable[tuple[float, float]], sfreq: float, n_times: int) -> list[list[int]]:
    """Find which frequencies of a transform lie in bands, lower edges included and upper ones not.

    Parameters
    ----------
    bands : iterable of (float, float)
        Lower and upper edge of each in Hz.
    sfreq : float
        In Hz.
    n_times : int
        Samples that are transformed.

    Returns
    -------
    limits : list of [int, int]
        First frequency of each band, and the one after its last; the same number of a band that holds none.
    """
    edges = [[edge * n_times / sfreq for edge in band] for band in bands]
    return [[math.ceil(round(edge, DECIMALS)) for edge in band] for band in edges]


def band_members(bands: Sequence[Sequence[int]], first: int, last: int) -> np.ndarray:
    """Return the matrix that adds up the frequencies of each band.

    Parameters
    ----------
    bands : sequence of (int, int)
        First frequency of each band, and the one after its last.
    first, last : int
        The same of the spectra that it will be multiplied with.

    Returns
    -------
    members : array, shape (last - first, n_bands)
    """
    members = np.zeros((last - first, len(bands)))
    for band, (low, high) in enumerate(bands):
        members[low - first : high - first, band] = 1
    return members


def _magnitude(windows: np.ndarray, taper: np.ndarray) -> np.ndarray:
    windows *= taper
    return np.abs(np.fft.rfft(windows))
