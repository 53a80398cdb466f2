"""Features of a window's spectrum: entropy, centroid, bandwidth, short-time Fourier transform."""

from __future__ import annotations

import numbers

import numpy as np
from scipy import signal

from eegemo.errors import ConfigError
from eegemo.features.base import WindowFeatures, window_views


class SpectralEntropy(WindowFeatures):
    """Spectral entropy: Shannon's entropy of the power spectrum over that of a flat one, from 0 to 1.

    Notes
    -----
    The spectrum is the periodogram of the whole window without its mean; a constant window has 0.

    References
    ----------
    Inouye et al. 1991, doi:10.1016/0013-4694(91)90138-T.
    """

    def _feature_names(self) -> list[str]:
        return ["spectral_entropy"]

    def _compute(self, signals: np.ndarray, starts: np.ndarray, n_times: int) -> np.ndarray:
        _, power = signal.periodogram(window_views(signals, starts, n_times), axis=-1)
        share = _shares(power)
        logarithm = np.log(share, out=np.zeros_like(share), where=share > 0)
        return -(share * logarithm).sum(axis=-1, keepdims=True) / np.log(max(share.shape[-1], 2))


class SpectralCentroid(WindowFeatures):
    """Spectral centroid in Hz: the mean frequency, weighted by amplitude.

    Parameters
    ----------
    sfreq : float | None
        Sampling rate in Hz of arrays; Windows bring theirs.

    Notes
    -----
    ``sum(f S) / sum(S)``, S the magnitude of the Fourier transform of the window times Hann's; 0 where S is 0.

    References
    ----------
    Lerch 2012, doi:10.1002/9781118393550.
    """

    needs_sfreq = True

    def __init__(self, *, sfreq: float | None = None) -> None:
        self.sfreq = sfreq

    def _feature_names(self) -> list[str]:
        return ["centroid"]

    def _compute(self, signals: np.ndarray, starts: np.ndarray, n_times: int) -> np.ndarray:
        share = _shares(_magnitude(window_views(signals, starts, n_times)))
        return (share @ np.fft.rfftfreq(n_times, 1 / float(self.sfreq_ or 1)))[..., None]


class SpectralBandwidth(WindowFeatures):
    """Spectral bandwidth in Hz: how far from the centroid a window's amplitude lies.

    Parameters
    ----------
    p : float
        ``sum(S |f - c|^p)^(1/p)`` with the magnitudes S scaled to a sum of 1; with 2 it is a standard deviation, with
        1 a mean distance.
    sfreq : float | None
        Sampling rate in Hz of arrays; Windows bring theirs.

    References
    ----------
    Klapuri & Davy 2006, doi:10.1007/0-387-32845-9; p as in librosa.
    """

    needs_sfreq = True

    def __init__(self, *, p: float = 2.0, sfreq: float | None = None) -> None:
        self.p = p
        self.sfreq = sfreq

    def _feature_names(self) -> list[str]:
        return ["bandwidth"]

    def _check_settings(self, pass_band: tuple[float | None, float | None]) -> None:
        if not isinstance(self.p, numbers.Real) or not 0 < self.p < np.inf:
            raise ConfigError(f"p must be a positive number, got {self.p!r}.")

    def _compute(self, signals: np.ndarray, starts: np.ndarray, n_times: int) -> np.ndarray:
        frequencies = np.fft.rfftfreq(n_times, 1 / float(self.sfreq_ or 1))
        share = _shares(_magnitude(window_views(signals, starts, n_times)))
        distance = np.abs(frequencies - (share @ frequencies)[..., None])
        return (share * distance**self.p).sum(axis=-1, keepdims=True) ** (1 / self.p)


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

    Notes
    -----
    Twice the magnitude over the sum of Hann's window, so that a sine at a frame's frequency has its amplitude; once, at
    0 Hz and at half the sampling rate. An incomplete last frame is left out.

    References
    ----------
    Allen 1977, doi:10.1109/TASSP.1977.1162950.
    """

    needs_sfreq = True

    def __init__(self, *, n_fft: int | None = None, hop: int | None = None, sfreq: float | None = None) -> None:
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

    def _compute(self, signals: np.ndarray, starts: np.ndarray, n_times: int) -> np.ndarray:
        n_fft, hop = self._frame()
        windows = window_views(signals, starts, n_times)
        frames = np.lib.stride_tricks.sliding_window_view(windows, n_fft, axis=-1)[..., ::hop, :]
        scale = np.full(n_fft // 2 + 1, 2.0)
        scale[0] = 1.0
        if n_fft % 2 == 0:
            scale[-1] = 1.0
        magnitude = _magnitude(frames) * scale / signal.get_window("hann", n_fft).sum()
        return magnitude.reshape(*magnitude.shape[:-2], -1)


def _magnitude(windows: np.ndarray) -> np.ndarray:
    return np.abs(np.fft.rfft(windows * signal.get_window("hann", windows.shape[-1]), axis=-1))


def _shares(spectrum: np.ndarray) -> np.ndarray:
    """Scale each spectrum to a sum of 1, or leave it where it is 0."""
    total = spectrum.sum(axis=-1, keepdims=True)
    return np.divide(spectrum, total, out=np.zeros_like(spectrum), where=total > 0)
