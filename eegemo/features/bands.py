"""Power and differential entropy in frequency bands."""

from __future__ import annotations

import numbers
from collections.abc import Iterator, Mapping
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import signal

from eegemo.errors import ConfigError
from eegemo.features.base import WindowFeatures
from eegemo.features.sliding import TOGETHER, Starts, window_copies
from eegemo.features.spectral import DECIMALS, band_limits, band_members, hann, one_sided
from eegemo.features.time import window_variance
from eegemo.features.zero_phase import filter_both_ways

#: The bands in use on DEAP, in Hz; delta lies below its pass band.
BANDS = {"theta": (4.0, 8.0), "alpha": (8.0, 12.0), "beta": (12.0, 30.0), "gamma": (30.0, 45.0)}
#: The smallest variance, in µV²: a flat channel has a logarithm too. Not in any source.
SMALLEST_VARIANCE = 1e-12

Bands = Mapping[str, tuple[float, float]]


class BandPower(WindowFeatures):
    """Power in frequency bands, in microvolts squared: the integral of Welch's power spectral density.

    Parameters
    ----------
    bands : mapping of str -> (float, float) | None
        Name, and lower and upper edge in Hz; :data:`BANDS` by default. A frequency at the upper edge is not counted.
    sfreq : float | None
        Sampling rate in Hz of arrays; Windows bring theirs.
    segment : float | None
        Seconds of Welch's segments, which overlap by half; the whole window by default. Frequencies are its inverse
        apart.
    log : bool
        Give the natural logarithm.
    dtype : "float64" | "float32"
        Of the table; see :class:`WindowFeatures`.

    References
    ----------
    Welch 1967, doi:10.1109/TAU.1967.1161901.
    """

    needs_sfreq = True
    window_by_window = True

    def __init__(
        self,
        *,
        bands: Bands | None = None,
        sfreq: float | None = None,
        segment: float | None = None,
        log: bool = False,
        dtype: str = "float64",
    ) -> None:
        super().__init__(dtype=dtype)
        self.bands = bands
        self.sfreq = sfreq
        self.segment = segment
        self.log = log

    def _feature_names(self) -> list[str]:
        return [f"{name}_{'log_power' if self.log else 'power'}" for name in bands_or_default(self.bands)]

    def _check_settings(self, pass_band: tuple[float | None, float | None]) -> None:
        check_bands(self.bands, self.sfreq_, pass_band)
        n_frame = self._n_per_segment(self.n_times_)
        check_band_limits(bands_or_default(self.bands), float(self.sfreq_ or 1), n_frame)

    def _n_per_segment(self, n_times: int) -> int:
        if self.segment is None:
            return n_times
        if not isinstance(self.segment, numbers.Real) or not 0 < self.segment:
            raise ConfigError(f"segment must be a positive number of seconds, got {self.segment!r}.")
        return min(n_times, max(1, round(self.segment * float(self.sfreq_ or 1))))

    def _compute(self, signals: np.ndarray, starts: Starts, n_times: int) -> np.ndarray:
        n_frame, sfreq = self._n_per_segment(n_times), float(self.sfreq_ or 1)
        frames = window_copies(signals, starts, n_times)
        if n_frame < n_times:
            frames = sliding_window_view(frames, n_frame, axis=-1)[..., :: n_frame - n_frame // 2, :]
        taper = hann(n_frame)
        frames = frames - (frames @ np.full(n_frame, 1 / n_frame))[..., None]
        frames *= taper
        spectrum = np.fft.rfft(frames)
        wanted = band_limits(bands_or_default(self.bands).values(), sfreq, n_frame)
        first, last = int(np.min(wanted)), int(np.max(wanted))
        density = np.square(np.abs(spectrum[..., first:last])) * one_sided(n_frame)[first:last]
        if n_frame < n_times:
            density = density.mean(axis=-2)
        power = density @ band_members(wanted, first, last)
        power /= n_frame * np.square(taper).sum()
        return np.log(np.maximum(power, SMALLEST_VARIANCE)) if self.log else power


class DifferentialEntropy(WindowFeatures):
    """Differential entropy of the band-passed signal, in nats: that of a normal distribution with its variance.

    Parameters
    ----------
    bands : mapping of str -> (float, float) | None
        Name, and lower and upper edge in Hz; :data:`BANDS` by default.
    sfreq : float | None
        Sampling rate in Hz of arrays; Windows bring theirs.
    order : int
        Of the Butterworth band-pass, which runs forwards and backwards; not in the source.
    filter_over : "trial" | "window"
        Filter Windows trial by trial, or each window by itself, as those of an array always are. A classifier that is
        to be exported or to be live is fitted and evaluated with ``"window"``: there are no trials there.
    dtype : "float64" | "float32"
        Of the table; see :class:`WindowFeatures`.

    Notes
    -----
    ``0.5 ln(2 pi e v)``, v in microvolts squared and not below 1e-12. One unit more is a band ``e`` times as large.
    Over a trial the sums behind the variances are shared, so overlap costs little. Windows that are filtered one by one
    differ at their edges, the shorter they are the more.

    References
    ----------
    Shi, Jiao & Lu 2013, doi:10.1109/EMBC.2013.6611075; Duan, Zhu & Lu 2013, doi:10.1109/NER.2013.6695876.
    """

    needs_sfreq = True

    def __init__(
        self,
        *,
        bands: Bands | None = None,
        sfreq: float | None = None,
        order: int = 4,
        filter_over: str = "trial",
        dtype: str = "float64",
    ) -> None:
        super().__init__(dtype=dtype)
        self.bands = bands
        self.sfreq = sfreq
        self.order = order
        self.filter_over = filter_over

    def _feature_names(self) -> list[str]:
        return [f"{name}_de" for name in bands_or_default(self.bands)]

    def _check_settings(self, pass_band: tuple[float | None, float | None]) -> None:
        check_bands(self.bands, self.sfreq_, pass_band)
        if not isinstance(self.order, numbers.Integral) or self.order < 1:
            raise ConfigError(f"order must be a positive whole number, got {self.order!r}.")
        if self.filter_over not in ("trial", "window"):
            raise ConfigError(f"filter_over must be 'trial' or 'window', got {self.filter_over!r}.")

    def _filters_trials(self) -> bool:
        return self.filter_over == "trial"

    def _compute(self, signals: np.ndarray, starts: Starts, n_times: int) -> np.ndarray:
        if self._filters_trials() or signals.shape[2] == n_times:
            return self._entropies(signals, starts, n_times)
        together, found = max(1, self._n_together() // len(signals)), []
        for some in (starts[at : at + together] for at in range(0, len(starts), together)):
            windows = window_copies(signals, some, n_times)
            alone = self._entropies(windows.reshape(-1, *windows.shape[2:]), range(1), n_times)
            found.append(alone.reshape(*windows.shape[:3], -1))
        return np.concatenate(found, axis=1)

    def _entropies(self, signals: np.ndarray, starts: Starts, n_times: int) -> np.ndarray:
        filters = [
            design_band_pass(float(self.sfreq_ or 1), (float(low), float(high)), self.order)
            for low, high in bands_or_default(self.bands).values()
        ]
        n_signals, n_channels, length = signals.shape
        variance = np.empty((n_signals, len(starts), n_channels, len(filters)))
        together = max(1, TOGETHER // (4 * n_signals * length))  # a signal and its spectra
        for channels in (slice(first, first + together) for first in range(0, n_channels, together)):
            some = np.ascontiguousarray(signals[:, channels], np.float64)
            for band, passed in enumerate(_pass_bands(filters, some)):
                variance[:, :, channels, band] = window_variance(passed, starts, n_times).swapaxes(1, 2)
        return 0.5 * np.log(2 * np.pi * np.e * np.maximum(variance, SMALLEST_VARIANCE))


def band_power(psd: np.ndarray, freqs: np.ndarray, band: tuple[float, float]) -> np.ndarray:
    """Integrate a power spectral density over one frequency band.

    Parameters
    ----------
    psd : array, shape (..., n_freqs)
        One-sided power spectral density in µV²/Hz.
    freqs : array, shape (n_freqs,)
        The frequencies of ``psd`` in Hz, ascending and evenly spaced.
    band : (float, float)
        Lower and upper edge in Hz. A frequency at the upper edge belongs to the next band, so that bands side by side
        add up.

    Returns
    -------
    power : array, shape (...)
        In µV².

    Raises
    ------
    ConfigError
        If no frequency lies in the band.
    """
    spacing = freqs[1] - freqs[0] if len(freqs) > 1 else 1.0
    above_low, above_high = (np.round((freqs - edge) / spacing, DECIMALS) >= 0 for edge in band)
    inside = above_low & ~above_high
    if not inside.any():
        raise ConfigError(f"No frequency lies in the band {band[0]:g}-{band[1]:g} Hz; take a longer window.")
    return psd[..., inside].sum(axis=-1) * spacing


def band_pass(signals: np.ndarray, sfreq: float, band: tuple[float, float], order: int) -> np.ndarray:
    """Band-pass signals forwards and backwards, so that nothing is delayed.

    Parameters
    ----------
    signals : array, shape (..., n_times)
        In microvolts.
    sfreq : float
        In Hz.
    band : (float, float)
        In Hz. From 0 it is a low-pass, up to half the sampling rate a high-pass.
    order : int
        Of the Butterworth filter, which runs twice.

    Returns
    -------
    passed : array, shape (..., n_times)
    """
    (passed,) = _pass_bands([design_band_pass(sfreq, tuple(band), order)], signals)
    return passed


@lru_cache(maxsize=64)
def design_band_pass(sfreq: float, band: tuple[float, float], order: int) -> np.ndarray | None:
    """Design the Butterworth filter of a band.

    Parameters
    ----------
    sfreq, band, order
        As in :func:`band_pass`.

    Returns
    -------
    sections : array, shape (n_sections, 6) | None
        None where the band is all that there is.
    """
    low, high = band
    if low == 0 and high >= sfreq / 2:
        return None
    edges: tuple[str, float | tuple[float, float]] = ("bandpass", band)
    if low == 0:
        edges = "lowpass", high
    elif high >= sfreq / 2:
        edges = "highpass", low
    sections = signal.butter(order, edges[1], edges[0], fs=sfreq, output="sos")
    sections.flags.writeable = False
    return sections


def _pass_bands(filters: list[np.ndarray | None], signals: np.ndarray) -> Iterator[np.ndarray]:
    """Filter signals by one filter after the other; leave them as they are where there is none."""
    passed = filter_both_ways([sections for sections in filters if sections is not None], signals)
    for sections in filters:
        yield signals if sections is None else next(passed)


def bands_or_default(bands: Bands | None) -> Bands:
    """Return the bands, or :data:`BANDS` where there are none."""
    return BANDS if bands is None else bands


def check_bands(bands: Bands | None, sfreq: float | None, pass_band: tuple[float | None, float | None]) -> None:
    """Refuse bands that are none, or that the recording does not hold.

    Parameters
    ----------
    bands : mapping of str -> (float, float) | None
        Name, and lower and upper edge in Hz; the default bands where None.
    sfreq : float | None
        In Hz.
    pass_band : (float | None, float | None)
        Of the recording in Hz; None where it is not known, or has no limit.

    Raises
    ------
    ConfigError
        If a band is empty, reaches beyond half the sampling rate, or lies outside the pass band in part.
    """
    wanted = bands_or_default(bands)
    if not isinstance(wanted, Mapping) or not wanted:
        raise ConfigError(f"bands must map names to edges, such as {{'alpha': (8, 12)}}, got {bands!r}.")
    lowest, highest = pass_band
    for name, edges in wanted.items():
        try:
            low, high = (float(edge) for edge in edges)
        except (TypeError, ValueError):
            low, high = 1.0, 0.0
        if not 0 <= low < high < np.inf:
            raise ConfigError(f"Band {name!r} must have a lower and a higher edge in Hz, got {edges!r}.")
        if sfreq is not None and high > sfreq / 2:
            raise ConfigError(
                f"Band {name!r} ({low:g}-{high:g} Hz) reaches above {sfreq / 2:g} Hz, half the sampling rate, where "
                "nothing was recorded; lower its edge."
            )
        below, above = lowest is not None and low < lowest, highest is not None and high > highest
        if below or above:
            limits = " to ".join("no limit" if edge is None else f"{edge:g} Hz" for edge in pass_band)
            raise ConfigError(
                f"Band {name!r} ({low:g}-{high:g} Hz) reaches {'below' if below else 'above'} the recordings' pass "
                f"band ({limits}): what is left there is the slope of a filter, no EEG. Leave it out, or prepare the "
                "recordings with a wider band."
            )


def check_band_limits(bands: Bands, sfreq: float, n_times: int) -> None:
    """Refuse bands between two frequencies.

    Parameters
    ----------
    bands : mapping of str -> (float, float)
        Name, and lower and upper edge in Hz.
    sfreq : float
        In Hz.
    n_times : int
        Samples that are transformed.

    Raises
    ------
    ConfigError
        If a band holds no frequency of the transform.
    """
    for (name, edges), (first, end) in zip(bands.items(), band_limits(bands.values(), sfreq, n_times), strict=True):
        if first == end:
            raise ConfigError(
                f"Band {name!r} ({edges[0]:g}-{edges[1]:g} Hz) holds none of the frequencies, which are "
                f"{sfreq / n_times:g} Hz apart; take a longer window or segment."
            )
