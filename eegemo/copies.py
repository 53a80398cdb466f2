"""Recordings that are there twice: trials that hold the same signal, whatever they are called."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import fft
from threadpoolctl import threadpool_limits

from eegemo._origins import FIRST_SAMPLE, RECORDING

if TYPE_CHECKING:
    from eegemo.trials import Trials

_BAND = (1.0, 20.0)  # Hz; where EEG has most of its power, so that little noise hides a copy
_NARROWEST_BAND = 4.0  # Hz
_STRETCH, _SHORTEST = 10.0, 4.0  # seconds
_MOST_CHANNELS = 8
_LARGEST_SHIFT, _SHIFT_STEP = 0.1, 0.02  # seconds
_PHASES_AGREE, _SIGNALS_AGREE = 0.4, 0.8
_BY_CHANCE = 6.5  # standard deviations of the agreement of unlike phases; among 10^7 comparisons some reach 5.3
_BINS_OF_ONE = 1.5  # frequency bins that a Hann window makes of an independent one
_REPEATS_ITSELF = {"exact": 0.99, "near": 0.95}  # autocorrelation; noise of any size makes equal samples no chance
_NO_MAINS = 45.0  # Hz
_FINER = 32  # lags in a sample, so that a period is met
_MOST_TRIED = 5  # for each trial; where all begin alike and go on differently, each would be correlated with all
_BEGINNING = 64  # samples
_FEW = 200  # trials
_BLOCK = 1024  # trials that are compared with all others at once
_NOTHING = 1e-4  # of an amplitude: what is left by rounding
_COLUMNS = ("row", "twin", "subject", "trial", "twin_subject", "twin_trial", "kind", "r", "shift")


def find_copies(trials: Trials) -> pd.DataFrame:
    """Find the trials that hold the signal of another one: exactly, or scaled, noisy, filtered or a little shifted.

    Equal samples are found by their hash. Near copies are found in the first 10 s after the baseline: the phases from
    1 to 20 Hz of up to 8 average-referenced channels are compared between all trials at once, at shifts of up to 0.1 s.
    Where they agree, the signals are correlated over the whole trial.

    Parameters
    ----------
    trials : Trials
        Of any lengths. Those of less than 4 s are searched for equal samples alone: so few independent values of two
        trials may agree by chance.

    Returns
    -------
    copies : DataFrame
        A row for each trial that is a copy of an earlier one: ``row, twin`` (rows in ``trials.table`` of the trial and
        of the first that it is a copy of), ``subject, trial, twin_subject, twin_trial``, ``kind`` (``"exact"`` or
        ``"near"``), ``r`` (median over channels of the correlation; 1 where samples are equal) and ``shift`` (sample t
        of the trial is sample t + shift of its twin). It is empty where there are no copies.

    Notes
    -----
    Phases count each frequency alike, so that one strong rhythm that two trials have in common (alpha, an SSVEP) makes
    no copy. A signal that repeats itself (a sine, silence) does not show where it was cut, and is left out.
    Largest agreement of phases, and correlation, of trials that are no copies: 0.16 and 0.5 in DASPS (192 trials, 14
    channels, 15 s), 0.13 and 0.1 in eegmat (24, 19 channels, 60 s), 0.17 and 0.1 in simulated people (80, 32 channels;
    0.31 and 0.2 in one channel). Trials are copies above 0.4 (in stretches of less than 10 s more: 6.5 standard
    deviations of the agreement by chance) and 0.8. Copies of trials of these sets with white noise of a tenth of their
    power have 0.66 and 0.91 or more, re-referenced, rescaled or shifted ones 0.84 and 1. Samples after the first 10 s
    are read only of trials that are candidates, so memory maps stay on disk. 1280 trials of 60 s and 32 channels take
    less than 6 s on two busy cores.

    Examples
    --------
    >>> from eegemo import find_copies, simulate
    >>> find_copies(simulate(subjects=1, channels=["F3", "F4"])).empty
    True
    """
    signals = _Signals(trials)
    twins = {row: (twin, "exact", 1.0, 0) for row, twin in _equal(signals)}
    alone = np.array([row for row in range(len(trials)) if row not in twins], int)
    tried: dict[int, set[int]] = defaultdict(set)
    for row, candidate in _alike(signals, alone):
        # A copy of a copy is one of the first.
        twin = twins[candidate][0] if candidate in twins else candidate
        if row in twins or twin in tried[row] or len(tried[row]) == _MOST_TRIED or signals.repeats_itself(row, "near"):
            continue
        tried[row].add(twin)
        r, shift = signals.correlation(row, twin)
        if r >= _SIGNALS_AGREE:
            twins[row] = (twin, "near", r, shift)
    table, rows = trials.table, sorted(twins)
    of = [twins[row][0] for row in rows]
    named = {
        f"{prefix}{column}": table[column].iloc[which].to_numpy()
        for prefix, which in (("", rows), ("twin_", of))
        for column in ("subject", "trial")
    }
    found = pd.DataFrame([twins[row] for row in rows], columns=["twin", "kind", "r", "shift"])
    return found.assign(row=rows, **named)[list(_COLUMNS)]


def with_places_of_twins(table: pd.DataFrame, copies: Sequence[Mapping[Any, Any]]) -> pd.DataFrame:
    """Say of each copied trial that it was cut where its twin was, so that what both hold counts as shared.

    Parameters
    ----------
    table : DataFrame
        A row a trial.
    copies : sequence of dict
        The rows that :func:`find_copies` found in these trials.

    Returns
    -------
    table : DataFrame
        With the columns ``recording`` and ``first_sample``, which are those in the strip where there were none.
    """
    if not copies:
        return table
    if not {RECORDING, FIRST_SAMPLE} <= set(table):
        table = table.assign(recording="store", first_sample=table["start"])
    recording, first = table[RECORDING].to_numpy(copy=True), table[FIRST_SAMPLE].to_numpy(copy=True)
    baseline = table["n_baseline"].to_numpy()
    for copy in copies:  # shifts count from the first sample after the baseline
        row, twin = copy["row"], copy["twin"]
        recording[row] = recording[twin]
        first[row] = first[twin] + baseline[twin] + copy["shift"] - baseline[row]
    return table.assign(recording=recording, first_sample=first)


def in_words(copies: Sequence[Mapping[Any, Any]]) -> str:
    """Name the trials that are copies, and say what to do.

    Parameters
    ----------
    copies : list of dict
        The rows that :func:`find_copies` found; one at least.

    Returns
    -------
    sentences : str
    """
    pairs = [
        f"subject {copy['subject']}, trial {copy['trial']} that of subject {copy['twin_subject']}, trial "
        f"{copy['twin_trial']} (r = {copy['r']:.2f})"
        for copy in copies
    ]
    more = f" and {len(pairs) - 5} more" if len(pairs) > 5 else ""
    return (
        f"{len(pairs)} of the trials hold the signal of another one: {'; '.join(pairs[:5])}{more}. A model that is "
        "tested on one of them may have seen it in training. Ask where the recordings come from, and leave the copies "
        "out: trials.select(~trials.table.index.isin(eegemo.find_copies(trials)['row']))."
    )


class _Signals:
    """The signals of trials without their baselines, as they are compared."""

    def __init__(self, trials: Trials) -> None:
        table = trials.table
        self.strip, self.sfreq = trials.signals, trials.sfreq
        self.first = (table["start"] + table["n_baseline"]).to_numpy(np.int64)
        self.n_times = (table["n_times"] - table["n_baseline"]).to_numpy(np.int64)
        eeg = [number for number, kind in enumerate(trials.ch_types) if kind == "eeg"]
        self.channels = np.array(eeg or range(len(trials.ch_types)))
        low, high = trials.pass_band
        self.band = max(_BAND[0], low or 0), min(_BAND[1], high or np.inf, 0.45 * self.sfreq)
        self.periodicity = cache(self._periodicity)

    def raw(self, trial: int) -> np.ndarray:
        """Return all samples, shape (n_times, n_channels)."""
        return self.strip[self.first[trial] : self.first[trial] + self.n_times[trial]]

    def spectrum(self, trial: int, n_times: int, band: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
        """Return the frequencies in a band, and the spectrum (n_freqs, n_channels) of the first samples of a trial.

        Channels that hold nothing are 0.
        """
        start = self.first[trial]
        samples = np.nan_to_num(self.strip[start : start + n_times][:, self.channels].astype(np.float64))
        samples -= samples.mean(axis=0)
        few = np.linspace(0, len(self.channels) - 1, min(_MOST_CHANNELS, len(self.channels))).astype(int)
        amplitude, picked = samples.std(), samples[:, few]
        if len(self.channels) > 3:
            picked = picked - samples.mean(axis=1, keepdims=True)
        freqs = fft.rfftfreq(n_times, 1 / self.sfreq)
        within = (freqs >= band[0]) & (freqs <= band[1])
        spectrum = fft.rfft(picked * np.hanning(n_times)[:, np.newaxis], axis=0)[within]
        rms = np.sqrt((np.abs(spectrum) ** 2).sum(axis=0)) / n_times
        return freqs[within], spectrum * (rms > _NOTHING * amplitude)

    def correlation(self, trial: int, twin: int) -> tuple[float, int]:
        """Return the median over channels of the correlation of two trials, and the shift at which it is largest."""
        n_times = int(min(self.n_times[trial], self.n_times[twin]))
        freqs, own = self.spectrum(trial, n_times, self.band)
        _, other = self.spectrum(twin, n_times, self.band)
        power = np.sqrt((np.abs(own) ** 2).sum(axis=0) * (np.abs(other) ** 2).sum(axis=0))
        alive = power > 0
        if not alive.any():
            return 0.0, 0
        furthest = round(_LARGEST_SHIFT * self.sfreq)
        shifts = np.arange(-furthest, furthest + 1)
        turned = np.exp(-2j * np.pi * np.outer(shifts / self.sfreq, freqs))
        r = (turned @ (own * other.conj())[:, alive]).real / power[alive]
        best = int(r.mean(axis=1).argmax())
        return float(np.median(r[best])), int(shifts[best])

    def repeats_itself(self, trial: int, kind: str) -> bool:
        """Whether a trial holds nothing, or the same again and again: then it does not show where it was cut."""
        return self.periodicity(trial) > _REPEATS_ITSELF[kind]

    def _periodicity(self, trial: int) -> float:
        """Return the largest autocorrelation of a stretch after a second or more; 1 where there is nothing."""
        n_times = int(min(self.n_times[trial], _STRETCH * self.sfreq))
        freqs, spectrum = self.spectrum(trial, n_times, (_BAND[0], min(_NO_MAINS, 0.45 * self.sfreq)))
        if not spectrum.any():
            return 1.0
        power = np.zeros(n_times // 2 + 1)
        power[np.rint(freqs * n_times / self.sfreq).astype(int)] = (np.abs(spectrum) ** 2).sum(axis=1)
        windowed = np.abs(fft.rfft(np.hanning(n_times))) ** 2
        own, of_window = (fft.irfft(x, _FINER * n_times) for x in (power, windowed))
        first, last = _FINER * min(self.sfreq, n_times / 8), _FINER * n_times / 4
        lags = np.arange(round(first), round(last))
        autocorrelation = own[lags] / own[0] / (of_window[lags] / of_window[0])
        return float(autocorrelation.max(initial=0))


def _equal(signals: _Signals) -> Iterator[tuple[int, int]]:
    """Yield the trials whose samples are those of an earlier one, with the first of these.

    Only trials that begin alike are read as a whole.
    """
    begin_alike: dict[bytes, list[int]] = defaultdict(list)
    for trial in range(len(signals.first)):
        begin_alike[signals.raw(trial)[:_BEGINNING].tobytes()].append(trial)
    for trials in begin_alike.values():
        seen: dict[bytes, int] = {}
        for trial in trials if len(trials) > 1 else ():
            samples = signals.raw(trial)
            twin = seen.setdefault(hashlib.blake2b(np.ascontiguousarray(samples).data).digest(), trial)
            if twin != trial and samples.size and not signals.repeats_itself(trial, "exact"):
                yield trial, twin


def _alike(signals: _Signals, trials: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield the trials in whose first seconds most phases are those of an earlier one, with each of these."""
    lengths = np.minimum(signals.n_times[trials], round(_STRETCH * signals.sfreq))
    if signals.band[1] - signals.band[0] < _NARROWEST_BAND:
        return
    for n_times in np.unique(lengths):
        own = trials[lengths == n_times]
        if n_times >= _SHORTEST * signals.sfreq and len(own) > 1:
            for row, twin in _phases_agree(signals, own, int(n_times)):
                yield int(own[row]), int(own[twin])


def _phases_agree(signals: _Signals, trials: np.ndarray, n_times: int) -> np.ndarray:
    """Return pairs of positions, the later one first, shape (n_pairs, 2), in the order of both."""
    freqs, first = signals.spectrum(int(trials[0]), n_times, signals.band)
    phases = np.empty((len(trials), *first.shape), np.complex64)
    for place, trial in enumerate(trials):
        _, spectrum = signals.spectrum(int(trial), n_times, signals.band)
        size = np.abs(spectrum)
        phases[place] = np.divide(spectrum, size, where=size > _NOTHING * size.max(), out=np.zeros_like(spectrum))
    alive = phases.any(axis=1).sum(axis=1)
    phases /= np.sqrt(np.maximum(alive, 1) * len(freqs))[:, np.newaxis, np.newaxis]
    flat = phases.reshape(len(trials), -1).view(np.float32)
    # As if there were one channel: how many independent ones there are is not known.
    enough = max(_PHASES_AGREE, _BY_CHANCE / np.sqrt(2 * len(freqs) / _BINS_OF_ONE))
    pairs = []
    # Between few trials these products are so small that threads would only wait for one another.
    with threadpool_limits(1 if len(trials) <= _FEW else None, user_api="blas"):
        for shift in np.arange(0, _LARGEST_SHIFT + _SHIFT_STEP / 2, _SHIFT_STEP):
            turn = np.exp(2j * np.pi * freqs * shift).astype(np.complex64)[:, np.newaxis]
            for begin in range(0, len(trials), _BLOCK):
                turned = (phases[begin : begin + _BLOCK] * turn).reshape(-1, flat.shape[1] // 2).view(np.float32)
                found = np.argwhere(turned @ flat.T > enough) + np.array([begin, 0])
                pairs.append(np.sort(found[found[:, 0] != found[:, 1]], axis=1)[:, ::-1])
    return np.unique(np.concatenate(pairs), axis=0)
