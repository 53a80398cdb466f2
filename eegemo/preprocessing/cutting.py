"""Cutting trials out of a continuous recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mne
import numpy as np

from eegemo._electrodes import found_as
from eegemo._mne import units_per_mne_unit
from eegemo.errors import ConfigError
from eegemo.preprocessing.pauses import interrupted, sample_seconds


@dataclass(frozen=True)
class Cut:
    """Trials of one recording, end to end.

    Parameters
    ----------
    signals : array, shape (n_samples, n_channels), float32
        EEG, EOG and EMG in microvolts.
    kept : array of int, shape (n_kept,)
        Which of the trials are in it, in the order in which they were given.
    n_times : array of int, shape (n_kept,)
        Their lengths in samples, the baseline included.
    n_baseline : int
        Samples of each before its onset.
    first : array of int, shape (n_kept,)
        First sample of each in the recording, its baseline included.
    peak_to_peak : array, shape (n_trials, n_channels)
        Largest less smallest value of each channel in each trial, kept or not; NaN for a trial that the
        recording does not hold.
    outside : array of int
        Trials that reach beyond the recording.
    rejected : array of int
        Trials in which an EEG channel exceeds the limit.
    annotated : array of int
        Trials that overlap an annotation whose description begins with "bad", as in ``mne.Epochs``.
    interrupted : array of int
        Trials that lie across, or in, a pause of the recording, or across the joint of two recordings.
    """

    signals: np.ndarray
    kept: np.ndarray
    n_times: np.ndarray
    n_baseline: int
    first: np.ndarray
    peak_to_peak: np.ndarray
    outside: np.ndarray
    rejected: np.ndarray
    annotated: np.ndarray
    interrupted: np.ndarray


def cut_trials(
    raw: mne.io.BaseRaw,
    onsets: Sequence[float] | np.ndarray,
    durations: float | Sequence[float] | np.ndarray,
    *,
    baseline: float = 0.0,
    reject: float | None = None,
    picks: Sequence[str] | None = None,
) -> Cut:
    """Cut ``[onset - baseline, onset + duration)`` around each onset, after everything else was done.

    A filter that ran over trials instead of the recording would start anew at each trial's edge.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The preprocessed recording.
    onsets : sequence of float
        Seconds from the recording's first sample, whatever MNE's ``first_samp`` is, in the order in which the trials
        are wanted. Pauses of an EDF+D count, as by its clock. An onset falls on the nearest sample: at 128 Hz it moves
        by 3.9 ms at most.
    durations : float | sequence of float
        Seconds; one for all trials, or one each.
    baseline : float
        Seconds kept before each onset.
    reject : float | None
        Leave out trials in which an EEG channel's peak-to-peak amplitude exceeds so many microvolts.
    picks : sequence of str | None
        Channels; all EEG channels by default. T7 is found as T3, and the other way round, and so on.

    Returns
    -------
    cut : Cut
        The trials, and which of them could not be had.

    Raises
    ------
    ConfigError
        If a duration or the limit is not positive, the baseline is negative, or a channel is unknown.
    """
    starts_at, lasts, sfreq = np.asarray(onsets, float), np.asarray(durations, float), raw.info["sfreq"]
    sound = (
        starts_at.ndim == 1
        and lasts.shape in ((), starts_at.shape)
        and np.isfinite(starts_at).all()
        and ((lasts * sfreq >= 0.5) & np.isfinite(lasts)).all()
        and 0 <= baseline < np.inf
    )
    if not sound or (reject is not None and not reject > 0):
        raise ConfigError(
            "Trials need finite onsets, durations above 0 (a sample at least, one for all or one each), a baseline of "
            f"0 s or more and a limit above 0, got onsets {starts_at.tolist()}, durations {lasts.tolist()}, baseline "
            f"{baseline:g}, reject {reject}."
        )
    lasts = np.broadcast_to(lasts, starts_at.shape)
    eeg = [raw.ch_names[pick] for pick in mne.pick_types(raw.info, meg=False, eeg=True)]
    wanted = eeg if picks is None else list(picks)
    found = found_as(wanted, raw.ch_names)
    names, missing = list(found.values()), [name for name in wanted if name not in found]
    if not wanted:
        raise ConfigError("No channels were asked for, or the recording has no EEG; name some in picks.")
    if missing:
        raise ConfigError(
            f"Channels {', '.join(missing)} are not in the recording, which has {', '.join(raw.ch_names)}."
        )
    kinds = [raw.get_channel_types(picks=[name])[0] for name in names]
    scale = units_per_mne_unit(kinds)[:, None]
    is_eeg = np.array([kind == "eeg" for kind in kinds])
    n_baseline = round(baseline * sfreq)
    torn = interrupted(raw, starts_at - baseline, starts_at + lasts)
    first = np.round(sample_seconds(raw, starts_at) * sfreq).astype(int) - n_baseline
    last = first + n_baseline + np.round(lasts * sfreq).astype(int)
    peak_to_peak = np.full((len(starts_at), len(names)), np.nan)
    outside = np.flatnonzero((first < 0) | (last > raw.n_times))
    broken = np.setdiff1d(np.flatnonzero(torn), outside)
    annotated = np.setdiff1d(_annotated_as_bad(raw, first / sfreq, last / sfreq), [*outside, *broken])
    kept, rejected, pieces = [], [], []
    for trial in np.setdiff1d(np.arange(len(starts_at)), [*outside, *broken, *annotated]):
        samples = raw.get_data(picks=names, start=first[trial], stop=last[trial]) * scale
        peak_to_peak[trial] = np.ptp(samples, axis=1)
        if reject is not None and (peak_to_peak[trial, is_eeg] > reject).any():
            rejected.append(trial)
            continue
        kept.append(trial)
        pieces.append(np.ascontiguousarray(samples.T, np.float32))
    return Cut(
        signals=np.concatenate(pieces) if pieces else np.empty((0, len(names)), np.float32),
        kept=np.array(kept, int),
        n_times=np.array([len(piece) for piece in pieces], int),
        n_baseline=n_baseline,
        first=first[np.array(kept, int)],
        peak_to_peak=peak_to_peak,
        outside=outside,
        rejected=np.array(rejected, int),
        annotated=annotated,
        interrupted=broken,
    )


def _annotated_as_bad(raw: mne.io.BaseRaw, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Return the trials, given by their seconds, that overlap an annotation of a bad stretch."""
    bad = np.array([text.lower().startswith("bad") for text in raw.annotations.description], bool)
    starts = (raw.annotations.onset - raw.first_time)[bad]
    ends = starts + raw.annotations.duration[bad]
    return np.flatnonzero(((starts < last[:, None]) & (ends > first[:, None])).any(axis=1))
