"""Down-sampling and filters: linear phase, no delay, attenuation stated."""

from __future__ import annotations

from fractions import Fraction

import mne
import numpy as np
import scipy.signal

from eegemo.errors import ConfigError, DataFormatError
from eegemo.preprocessing.steps import note_step

_STOP_BAND_DB = 80.0
_KEPT = 0.8  # of the new Nyquist frequency; the anti-aliasing filter falls from there to 1.2 of it
_LARGEST_FACTOR = 10_000
_SECONDS_AT_A_TIME = 30
_ROUNDING = 1e-3  # by so much of it a device or a clock may miss its nominal rate
_WIDTH, _BETA = 16, 8.0  # samples on either side that an instant between samples is interpolated from; Kaiser's window
_TRANSITION = 4.0  # Hz, of the band-pass at its upper edge: 45 Hz is kept, 49 Hz is gone, and so is the mains' 50 Hz


def downsample(raw: mne.io.BaseRaw, sfreq: float = 128.0) -> mne.io.RawArray:
    """Resample a recording to a lower rate behind an anti-aliasing filter.

    A zero-phase FIR filter (Kaiser window, 79 dB), evaluated only where a sample is kept. It keeps 0 to 0.8 of the new
    Nyquist frequency (51.2 Hz at 128 Hz) within 0.001 dB; whatever would fold into that range is attenuated by 79 dB.
    The recording is read half a minute at a time, so one that is not preloaded is never in memory at its own rate.

    A rate that a device has rounded (7812 µs a sample for 128 Hz) or a clock has measured (249.87 Hz) is decimated as
    the whole number of Hz that it stands for, and then interpolated at the instants of the new rate by the recording's
    own clock, so that nothing drifts; where the drift to its end is below half a sample, it is taken as nominal.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording; left as it is. Of a trigger channel, each new sample is the largest of the samples that it
        covers, so that no code is lost.
    sfreq : float
        The new rate in Hz; at most the recording's own, or the rate that it stands for.

    Returns
    -------
    raw : mne.io.RawArray
        The recording at the new rate, in memory.

    Raises
    ------
    ConfigError
        If ``sfreq`` lies above the recording's rate, or is not a ratio of small numbers of it.
    DataFormatError
        If a sample is not finite.

    References
    ----------
    Crochiere & Rabiner 1981, "Interpolation and Decimation of Digital Signals", doi:10.1109/PROC.1981.11969.
    """
    recorded = float(raw.info["sfreq"])
    nominal = nominal_rate(recorded, sfreq)
    if not 0 < sfreq <= nominal:
        raise ConfigError(
            f"The recording has {recorded:g} samples a second and {sfreq:g} were asked for; more than were recorded "
            f"would add nothing - set sfreq to {nominal:g} or less."
        )
    ratio = rate_ratio(sfreq, nominal)
    if ratio is None:
        raise ConfigError(
            f"{sfreq:.10g} Hz is not a ratio of whole numbers of the recording's {recorded:.10g} Hz; choose another "
            "sfreq."
        )
    try:
        data = _decimated(raw, ratio)
        if abs(recorded / nominal - 1) * data.shape[1] >= 0.5:
            data = _interpolated(data, recorded / nominal, mne.pick_types(raw.info, meg=False, stim=True))
    except (OSError, RuntimeError, ValueError) as error:  # a file that ends too early is noticed here
        raise DataFormatError(f"The samples cannot be read ({error}); the file is damaged or cut short.") from error
    with np.errstate(invalid="ignore"):
        finite = np.isfinite(data.sum(axis=1))
    if not finite.all():
        raise DataFormatError(
            f"Channel {raw.ch_names[int(np.argmin(finite))]} has values that are not finite; the file is damaged, or "
            "the recording was cut - keep its intact part with raw.crop()."
        )
    info = raw.info.copy()
    with info._unlock():  # as mne.io.Raw.resample does: there is no public setter
        info["sfreq"] = float(sfreq)
        info["lowpass"] = min(info["lowpass"], sfreq / 2)
    resampled = mne.io.RawArray(
        data, info, first_samp=round(raw.first_samp * sfreq / recorded), copy=None, verbose="error"
    )
    annotations = raw.annotations.copy()
    if annotations.orig_time is None:  # then MNE adds the time of the first sample once more
        annotations.onset -= raw.first_time
    resampled.set_annotations(annotations, verbose="error")
    stands_for = {"nominal": nominal} if nominal != recorded else {}
    note_step(resampled, "downsample", recorded=recorded, sfreq=float(sfreq), **stands_for)
    return resampled


def nominal_rate(recorded: float, sfreq: float) -> float:
    """Return the rate that a recording's rate stands for, where another rate is wanted of it.

    Parameters
    ----------
    recorded : float
        As the file has it, in Hz.
    sfreq : float
        As it is wanted, in Hz.

    Returns
    -------
    nominal : float
        The nearest whole number of Hz if ``recorded`` is within a thousandth of it and is neither below, nor a ratio of
        small numbers to, what is wanted; ``recorded`` itself otherwise.
    """
    if 0 < sfreq <= recorded and rate_ratio(sfreq, recorded) is not None:
        return recorded
    whole = float(round(recorded))
    return whole if abs(recorded - whole) <= _ROUNDING * recorded else recorded


def rate_ratio(sfreq: float, recorded: float) -> Fraction | None:
    """Return the new rate over the old one.

    Parameters
    ----------
    sfreq, recorded : float
        Both in Hz.

    Returns
    -------
    ratio : Fraction | None
        None where small whole numbers do not express it.
    """
    ratio = Fraction(sfreq / recorded).limit_denominator(_LARGEST_FACTOR)
    return ratio if abs(float(ratio) * recorded / sfreq - 1) <= 1e-9 else None


def _interpolated(data: np.ndarray, step: float, stim: np.ndarray) -> np.ndarray:
    """Return the values at every ``step`` samples, nearly 1, by a windowed sinc; of triggers the largest one passed.

    The error is below -75 dB for what lies below 0.8 of the Nyquist frequency, which is all that decimation has left.
    """
    n_channels, n_times = data.shape
    positions = np.arange(int((n_times - 1) / step) + 1) * step
    result = np.empty((n_channels, len(positions)))
    padded = np.pad(data, ((0, 0), (_WIDTH, _WIDTH)), mode="edge")
    taps = np.arange(1 - _WIDTH, _WIDTH + 1)
    for first in range(0, len(positions), 4096):
        at = positions[first : first + 4096]
        before = at.astype(int)
        away = taps - (at - before)[:, None]
        weights = np.sinc(away) * np.i0(_BETA * np.sqrt(np.maximum(1 - (away / _WIDTH) ** 2, 0))) / np.i0(_BETA)
        near = padded[:, before[:, None] + taps + _WIDTH]
        result[:, first : first + 4096] = np.einsum("cts,ts->ct", near, weights)
    result[stim] = np.maximum.reduceat(data[stim], positions.astype(int), axis=1)
    return result


def _decimated(raw: mne.io.BaseRaw, ratio: Fraction) -> np.ndarray:
    """Filter and decimate block by block; the blocks overlap by the filter's length, so that they join exactly."""
    up, down = ratio.numerator, ratio.denominator
    if ratio == 1:
        return raw.get_data()
    stim = mne.pick_types(raw.info, meg=False, stim=True)
    others = np.setdiff1d(np.arange(len(raw.ch_names)), stim)
    taps = anti_aliasing(ratio)
    block = down * max(1, round(_SECONDS_AT_A_TIME * raw.info["sfreq"] / down))
    pad = down * (len(taps) // (2 * up * down) + 1)
    n_times = raw.n_times
    data = np.empty((len(raw.ch_names), -(-n_times * up // down)))
    for first in range(0, n_times, block):
        start, stop = max(0, first - pad), min(n_times, first + block + pad)
        samples = raw.get_data(start=start, stop=stop)
        begin, end = first // down * up, min(data.shape[1], (first + block) // down * up)
        skip = (first - start) // down * up
        kept = slice(skip, skip + end - begin)
        filtered = scipy.signal.resample_poly(samples[others], up, down, axis=1, window=taps, padtype="edge")
        data[others, begin:end] = filtered[:, kept]
        if len(stim):
            covered = (np.arange(filtered.shape[1]) * down) // up
            data[stim, begin:end] = np.maximum.reduceat(samples[stim], covered, axis=1)[:, kept]
    return data


def anti_aliasing(ratio: Fraction) -> np.ndarray:
    """Design the linear-phase low-pass filter at the common multiple of both rates.

    Parameters
    ----------
    ratio : Fraction
        The new rate over the old one.

    Returns
    -------
    taps : array, shape (n_taps,)
        Its -6 dB point is the new Nyquist frequency.
    """
    cutoff = 1 / max(ratio.numerator, ratio.denominator)  # of that multiple's Nyquist frequency
    n_taps, beta = scipy.signal.kaiserord(_STOP_BAND_DB, 2 * (1 - _KEPT) * cutoff)
    return scipy.signal.firwin(n_taps | 1, cutoff, window=("kaiser", beta))


def high_pass(raw: mne.io.BaseRaw, l_freq: float = 1.0, *, copy: bool = True) -> mne.io.BaseRaw:
    """Take slow drifts out of EEG and EOG, before anything is fitted to them.

    Electrode offsets of millivolts and drifts of minutes would otherwise be what a regression or an ICA explains
    (Winkler et al. 2015, doi:10.1109/EMBC.2015.7319296, recommend 1-2 Hz before an ICA).

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording.
    l_freq : float
        The pass band's edge in Hz; the transition below it is as MNE chooses it (1 Hz wide for 1 Hz).
    copy : bool
        Whether to leave ``raw`` as it is.

    Returns
    -------
    raw : mne.io.BaseRaw
        Filtered by a zero-phase FIR filter (Hamming window, no delay); the transition fills 0 to 1 Hz: -35 dB at
        0.1 Hz, -6 dB at 0.5 Hz.

    Raises
    ------
    ConfigError
        If the edge lies outside 0 to half the sampling rate.
    DataFormatError
        If the recording is shorter than the filter.
    """
    return _filtered(raw, "high_pass", l_freq, None, copy)


def band_pass(raw: mne.io.BaseRaw, l_freq: float = 4.0, h_freq: float = 45.0, *, copy: bool = True) -> mne.io.BaseRaw:
    """Keep one band of EEG and EOG: DEAP's 4-45 Hz by default.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording.
    l_freq, h_freq : float
        Edges of the pass band in Hz. For 4-45 Hz the stop bands begin at 2 Hz and 49 Hz, so that mains at 50 or
        60 Hz is gone; the filter is 1.65 s long.
    copy : bool
        Whether to leave ``raw`` as it is.

    Returns
    -------
    raw : mne.io.BaseRaw
        Filtered by a zero-phase FIR filter (Hamming window, no delay; below 2 Hz at least -44 dB, from 49 Hz on -50
        dB). What lies within 0.83 s of the recording's ends rests on mirrored samples.

    Raises
    ------
    ConfigError
        If the edges are not in order, or lie outside 0 to half the sampling rate.
    DataFormatError
        If the recording is shorter than the filter.

    References
    ----------
    Widmann, Schröger & Maess 2015, "Digital filter design for electrophysiological data",
    doi:10.1016/j.jneumeth.2014.08.002.
    """
    return _filtered(raw, "band_pass", l_freq, h_freq, copy)


def filter_seconds(step: str, l_freq: float, h_freq: float | None, sfreq: float) -> float:
    """Return how long a filter is, which no recording may be shorter than.

    Parameters
    ----------
    step : str
        What it is called, for the message.
    l_freq, h_freq : float, float | None
        Edges of the pass band in Hz; None for a high-pass.
    sfreq : float
        Sampling rate in Hz.

    Returns
    -------
    seconds : float

    Raises
    ------
    ConfigError
        If the edges are not in order, or lie outside 0 to half the sampling rate.
    """
    nyquist = sfreq / 2
    if not 0 < l_freq < (nyquist if h_freq is None else h_freq) or (h_freq is not None and h_freq >= nyquist):
        asked = f"above {l_freq:g} Hz" if h_freq is None else f"from {l_freq:g} to {h_freq:g} Hz"
        raise ConfigError(
            f"{step} {asked} is impossible at {sfreq:g} samples a second: edges must rise, between 0 "
            f"and {nyquist:g} Hz; change them, or the sampling rate."
        )
    taps = mne.filter.create_filter(None, sfreq, l_freq, h_freq, verbose="error", **_transition(h_freq, sfreq))
    return len(taps) / sfreq


def _transition(h_freq: float | None, sfreq: float) -> dict[str, float]:
    return {} if h_freq is None else {"h_trans_bandwidth": min(_TRANSITION, sfreq / 2 - h_freq)}


def _filtered(raw: mne.io.BaseRaw, step: str, l_freq: float, h_freq: float | None, copy: bool) -> mne.io.BaseRaw:
    sfreq = raw.info["sfreq"]
    seconds = filter_seconds(step, l_freq, h_freq, sfreq)
    if round(seconds * sfreq) > raw.n_times:
        raise DataFormatError(
            f"The recording lasts {raw.n_times / sfreq:.2f} s, less than the {step} filter's {seconds:.2f} s; is the "
            "file cut short?"
        )
    picks = mne.pick_types(raw.info, meg=False, eeg=True, eog=True, exclude=())
    if not len(picks):
        raise DataFormatError(f"There is no EEG or EOG to filter among {', '.join(raw.ch_names)}; set types.")
    raw = (raw.copy() if copy else raw).load_data(verbose="error")
    raw.filter(l_freq, h_freq, picks=picks, verbose="error", **_transition(h_freq, sfreq))
    note_step(raw, step, l_freq=l_freq, h_freq=h_freq, seconds=round(seconds, 3))
    return raw
