"""Filters that go on where the last chunk ended: down-sampling, sections with state, eye movements.

What each of them has seen is in its state, so a signal gives the same in chunks of any length as at once.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import scipy.signal

from eegemo.errors import ConfigError
from eegemo.preprocessing.eog_weights import EVENT_RATIO
from eegemo.preprocessing.filters import anti_aliasing

_PASS_DB, _STOP_DB = 0.5, 40.0
_BAND_STOP_DB = 50.0  # at the upper edge, where the mains is
_TRANSITION = 4.0  # Hz at the upper edge, as of the zero-phase band-pass
_NOTCH_QUALITY = 30.0  # centre over width at -3 dB: 1.7 Hz at 50 Hz
_ONSET_SECONDS = 0.05  # a window for the size of the fast EOG: a quarter of the zero-phase one's, which sees both sides
_HOLD_SECONDS = 0.2  # after an eye movement
_SETTLED = 0.01  # of a step, so much is left when a filter has settled


def high_pass_sections(l_freq: float, sfreq: float) -> np.ndarray:
    """Design a causal high-pass: what the zero-phase one keeps, and not what it attenuates.

    Parameters
    ----------
    l_freq, sfreq : float
        The pass band's edge and the sampling rate in Hz.

    Returns
    -------
    sos : array, shape (n_sections, 6)
        Chebyshev's of type II: within 0.5 dB from ``l_freq`` on, and 40 dB down where MNE's transition ends, or at a
        tenth of ``l_freq`` where that is 0.
    """
    stop = max(l_freq - min(max(l_freq / 4, 2.0), l_freq), l_freq / 10)
    return _designed(l_freq, stop, _STOP_DB, sfreq)


def low_pass_sections(h_freq: float, sfreq: float) -> np.ndarray:
    """Design a causal low-pass: what the zero-phase one keeps, and not what it attenuates.

    Parameters
    ----------
    h_freq, sfreq : float
        The pass band's edge and the sampling rate in Hz.

    Returns
    -------
    sos : array, shape (n_sections, 6)
        Chebyshev's of type II: within 0.5 dB up to ``h_freq``, and 50 dB down from 4 Hz above it on, so that of
        45 Hz neither mains is left; narrower where the Nyquist frequency is near.
    """
    stop = min(h_freq + _TRANSITION, h_freq + 0.95 * (sfreq / 2 - h_freq))
    return _designed(h_freq, stop, _BAND_STOP_DB, sfreq)


def _designed(edge: float, stop: float, stop_db: float, sfreq: float) -> np.ndarray:
    if not 0 < edge < sfreq / 2:
        raise ConfigError(f"An edge of {edge:g} Hz is impossible at {sfreq:g} samples a second: change one of them.")
    sos = scipy.signal.iirdesign(edge, stop, _PASS_DB, stop_db, ftype="cheby2", output="sos", fs=sfreq)
    return np.asarray(sos)


def notch_sections(freqs: tuple[float, ...], sfreq: float) -> np.ndarray:
    """Design a notch for each frequency, 1.7 Hz wide at 50 Hz.

    Parameters
    ----------
    freqs : tuple of float
        In Hz.
    sfreq : float
        Sampling rate in Hz.

    Returns
    -------
    sos : array, shape (n_freqs, 6)

    Raises
    ------
    ConfigError
        If one is not below half the sampling rate.
    """
    for freq in freqs:
        if not 0 < freq < sfreq / 2:
            raise ConfigError(
                f"A notch at {freq:g} Hz is impossible at {sfreq:g} samples a second, where nothing is left of it; "
                "leave it out."
            )
    notches = [scipy.signal.iirnotch(freq, _NOTCH_QUALITY, fs=sfreq) for freq in freqs]
    return np.array([np.concatenate(notch) for notch in notches]).reshape(-1, 6)


def settling_seconds(sos: np.ndarray, sfreq: float) -> float:
    """Return when less than a hundredth of a step is left of what a filter makes of it.

    Parameters
    ----------
    sos : array, shape (n_sections, 6)
        Of a high-pass or band-pass: none of the step stays.
    sfreq : float
        Sampling rate in Hz.

    Returns
    -------
    seconds : float
        60 at most.
    """
    if not len(sos):
        return 0.0
    left = np.abs(scipy.signal.sosfilt(sos, np.ones(int(60 * sfreq))))
    return float(np.flatnonzero(left > _SETTLED)[-1] + 1) / sfreq


class Sections:
    """Second-order sections with their state, for samples (n_times, n_channels)."""

    def __init__(self, sos: np.ndarray, n_channels: int) -> None:
        self.sos = np.ascontiguousarray(sos, float)
        self._state = np.zeros((len(sos), 2, n_channels))

    def process(self, samples: np.ndarray) -> np.ndarray:
        """Filter the next samples, shape (n_times, n_channels)."""
        if not len(self.sos) or not len(samples):
            return samples
        filtered, self._state = scipy.signal.sosfilt(self.sos, samples, axis=0, zi=self._state)
        return np.asarray(filtered)


class Decimator:
    """Down-sampling by a ratio of whole numbers: a polyphase filter that keeps what its next samples need.

    The filter has the magnitude of the zero-phase one (:func:`eegemo.preprocessing.downsample`), in its minimum-phase
    form: that delays by 16 ms at 128 Hz where the linear-phase one would by 98 ms.
    """

    def __init__(self, ratio: Fraction, n_channels: int) -> None:
        self.up, self.down = ratio.numerator, ratio.denominator
        self.taps = np.ones(1)
        if ratio != 1:
            linear = anti_aliasing(ratio)
            n_fft = 1 << (len(linear).bit_length() + 6)  # fine enough for the stop band
            self.taps = scipy.signal.minimum_phase(linear, half=False, n_fft=n_fft)
            self.taps /= self.taps.sum()
        self._reach = -(-len(self.taps) // self.up)
        # Before the first sample lies silence. The first kept sample has a number that down divides, where a sample of
        # both rates lies.
        self._first = -self.down * -(-self._reach // self.down)
        self._kept = np.zeros((-self._first, n_channels))
        self._n_out = 0

    def process(self, samples: np.ndarray) -> np.ndarray:
        """Return the samples at the new rate that the next ones, shape (n_times, n_channels), allow."""
        if self.up == self.down or not len(samples):
            return samples
        known = np.concatenate([self._kept, samples])
        stop = (self._first + len(known) - 1) * self.up // self.down + 1
        filtered = scipy.signal.upfirdn(self.up * self.taps, known, self.up, self.down, axis=0)
        before = self._first * self.up // self.down
        made = filtered[self._n_out - before : stop - before]
        self._n_out = stop
        first = (stop * self.down // self.up - self._reach) // self.down * self.down
        self._kept = known[first - self._first :].copy()
        self._first = first
        return made

    def inputs_behind(self, n_after: int) -> int:
        """Return how many samples came after the last one that the output ``n_after`` before the last rests on."""
        if self.up == self.down:
            return n_after
        newest = self._first + len(self._kept) - 1
        return newest - (self._n_out - 1 - n_after) * self.down // self.up


class EyeMovements:
    """The part of the EOG that a regression subtracts: up to a frequency always, all of it in eye movements.

    Zero-phase, an eye movement is known before it begins; here from when the fast part of the EOG, over the last 50 ms,
    is 5 times as large as usual, until 0.2 s after.
    """

    def __init__(self, h_freq: float | None, usual: np.ndarray, sfreq: float) -> None:
        n_eog = len(usual)
        self._limit = EVENT_RATIO * usual
        self._low = None if h_freq is None else Sections(slow_sections(h_freq, sfreq), n_eog)
        n_onset = max(1, round(_ONSET_SECONDS * sfreq))
        self._mean = np.full(n_onset, 1 / n_onset)
        self._power = np.zeros((n_onset - 1, n_eog))
        self._events = np.zeros((round(_HOLD_SECONDS * sfreq), n_eog), bool)

    def process(self, eog: np.ndarray) -> np.ndarray:
        """Return what is to be subtracted of the next samples, shape (n_times, n_eog)."""
        if self._low is None or not len(eog):
            return eog
        slow = self._low.process(eog)
        fast = eog - slow
        power, self._power = scipy.signal.lfilter(self._mean, 1, fast**2, axis=0, zi=self._power)
        events = np.concatenate([self._events, np.sqrt(power) > self._limit])
        self._events = events[len(eog) :]
        # A count of events: whoever has had one within the hold is in one.
        count = np.cumsum(np.concatenate([np.zeros((1, eog.shape[1]), int), events]), axis=0)
        hold = len(self._events)
        return slow + fast * (count[hold + 1 :] > count[: -hold - 1])

    @staticmethod
    def usual_size(eog: np.ndarray, h_freq: float, sfreq: float) -> np.ndarray:
        """Return the median size of the fast part of a whole stretch, shape (n_times, n_eog), of each EOG channel."""
        fast = eog - scipy.signal.sosfilt(slow_sections(h_freq, sfreq), eog, axis=0)
        n_onset = max(1, round(_ONSET_SECONDS * sfreq))
        power = scipy.signal.lfilter(np.full(n_onset, 1 / n_onset), 1, fast**2, axis=0)
        return np.asarray(np.median(np.sqrt(power), axis=0))


def slow_sections(h_freq: float, sfreq: float) -> np.ndarray:
    """Design the low-pass for the slow part of the EOG: Butterworth's of order 2, which hardly delays.

    Parameters
    ----------
    h_freq, sfreq : float
        Its edge and the sampling rate in Hz.

    Returns
    -------
    sos : array, shape (1, 6)
    """
    return np.asarray(scipy.signal.butter(2, h_freq, fs=sfreq, output="sos"))
