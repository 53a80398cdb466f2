"""Trials as MNE's epochs, and back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import mne
import numpy as np
import pandas as pd

from eegemo._epochs_record import RECORD, EpochsRecord, pass_band_of, read_record, write_record
from eegemo._origins import FIRST_SAMPLE, MADE_COLUMNS, RECORDING
from eegemo._trial_parts import RUN, SESSION, TRIALS_NOT_KNOWN, UNIT, pick_channels, picked_names
from eegemo._warnings import warn_caller
from eegemo.errors import ConfigError, DataFormatError

if TYPE_CHECKING:
    from eegemo.trials import Trials

_MICROVOLTS_PER_VOLT = 1e6
_IN_VOLTS = ("eeg", "eog", "emg")
_TRIGGER = re.compile("STI|STATUS|TRIG|MARKER|EVENT", re.IGNORECASE)  # of type EEG by mistake


def info_of(ch_names: Sequence[str], sfreq: float, ch_types: Sequence[str]) -> mne.Info:
    """Describe channels as MNE does, with the places of the EEG channels that have one in the 10-05 system.

    Parameters
    ----------
    ch_names, ch_types : sequence of str
        Names and MNE's types of the channels.
    sfreq : float
        Sampling rate in Hz.

    Returns
    -------
    info : mne.Info
        Any other channel has NaN for a place, by which MNE knows that it has none.
    """
    info = mne.create_info(list(ch_names), sfreq, list(ch_types))
    montage = mne.channels.make_standard_montage("colin27_1005")
    spelling = {name.upper(): name for name in montage.ch_names}
    eeg = [name for name, kind in zip(ch_names, ch_types, strict=True) if kind == "eeg"]
    placed = {spelling[name.upper()]: name for name in eeg if name.upper() in spelling}
    if placed:
        # Not match_case=False, which refuses channels whose names differ in nothing but case.
        info.set_montage(montage.rename_channels(placed), on_missing="ignore", verbose="error")
    return info


def epochs_of(trials: Trials) -> mne.EpochsArray:
    """Convert trials to epochs; see :meth:`eegemo.Trials.to_epochs`."""
    shape = trials.table[["n_times", "n_baseline"]].drop_duplicates()
    if len(shape) != 1:
        raise ConfigError(
            f"Epochs need trials of one length, got {len(shape)} different ones; "
            "keep those of one length with trials.select(...)."
        )
    scale = units_per_mne_unit(trials.ch_types)[:, None]
    data = np.stack([trials.trial_data(i, baseline=True) / scale for i in range(len(trials))])
    unknown = ["trial"] if trials.provenance.get(TRIALS_NOT_KNOWN) else []
    info, metadata = trials.info, trials.table.drop(columns=["start", "n_times", "n_baseline", *unknown])
    n_baseline = int(shape["n_baseline"].iloc[0])
    write_record(trials, n_baseline, info, metadata)
    return mne.EpochsArray(data, info, tmin=-n_baseline / trials.sfreq, metadata=metadata, verbose="error")


def parts_of(
    epochs: mne.BaseEpochs, *, picks: str | Sequence[str], dataset: str | None, simulated: bool | None
) -> dict[str, Any]:
    """Return what trials are made of; see :meth:`eegemo.Trials.from_epochs`."""
    if not isinstance(epochs, mne.BaseEpochs):
        raise ConfigError(
            f"MNE's epochs were expected, got {type(epochs).__name__}; cut them with mne.Epochs(raw, ...)."
        )
    if simulated not in (None, True, False):
        raise ConfigError(f"simulated must be True or False, got {simulated!r}.")
    if epochs.metadata is None or "subject" not in epochs.metadata:
        raise DataFormatError(
            "The epochs have no 'subject' in their metadata, and without it no protocol can keep people "
            "apart; set epochs.metadata to a table with the columns subject, trial, stimulus and ratings."
        )
    names = _picked(epochs.info, picks)
    types = tuple(epochs.get_channel_types(picks=names))
    data = epochs.get_data(picks=names, copy=False) * units_per_mne_unit(types)[:, None]
    if len(data) == 0:
        raise DataFormatError("There are no epochs; epochs.drop_log says why each one was dropped.")
    record = read_record(epochs)
    if record is not None and record.simulated and simulated is False:
        raise ConfigError("The epochs were made of simulated trials; leave simulated=False out, it is known.")
    n_epochs, n_channels, n_times = data.shape
    table = epochs.metadata.reset_index(drop=True).drop(columns=RECORD, errors="ignore")
    _refuse_made_columns(table, () if record is None else (RECORDING, FIRST_SAMPLE))
    provenance = pass_band_of(epochs.info) if record is None else record.provenance
    if "trial" not in table:
        provenance = {**provenance, TRIALS_NOT_KNOWN: True}
        warn_caller(
            "The metadata have no column 'trial', so it is not known which epochs belong to one trial, nor whether "
            "a split keeps trials whole; add one: a number for each trial, which its epochs share."
        )
    table = _with_trials(table)
    table["start"] = np.arange(n_epochs, dtype=np.int64) * n_times
    table["n_times"] = n_times
    table["n_baseline"] = int(np.count_nonzero(epochs.times < -0.5 / epochs.info["sfreq"]))
    return {
        "signals": data.transpose(0, 2, 1).reshape(-1, n_channels).astype(np.float32),
        "table": _with_origins(table, epochs, record),
        "ch_names": names,
        "ch_types": types,
        "sfreq": epochs.info["sfreq"],
        "dataset": dataset or ("epochs" if record is None else record.dataset),
        "simulated": bool(simulated) or (record is not None and record.simulated),
        "provenance": provenance,
    }


def _picked(info: mne.Info, picks: str | Sequence[str]) -> tuple[str, ...]:
    """Return the names of the channels that are meant, without bad ones and triggers unless they are named."""
    if picks is None or not np.iterable(picks):
        raise ConfigError(f"picks must be names or types of channels, such as 'eeg' or 'all', got {picks!r}.")
    types, wanted = info.get_channel_types(), [picks] if isinstance(picks, str) else list(picks)
    if wanted == ["eeg"] and "eeg" not in types:
        raise ConfigError(
            f"The epochs have no EEG channels, but {', '.join(dict.fromkeys(types))}; set their types with "
            "epochs.set_channel_types(...), or name the channels in picks."
        )
    names = tuple(info.ch_names) if wanted == ["all"] else picked_names(picks, info.ch_names, types)
    triggers = [name for name, kind in zip(info.ch_names, types, strict=True) if kind == "eeg" and _TRIGGER.match(name)]
    bads = [name for name in names if name in {*info["bads"], *triggers} and name not in wanted]
    if bads:
        warn_caller(
            f"Left out, since epochs.info['bads'] names them or they have the names of triggers: {', '.join(bads)}; to "
            "keep them, interpolate them first, or name them in picks."
        )
    pick_channels(names, info.ch_names)
    names = tuple(name for name in names if name not in bads)
    if not names:
        raise ConfigError(f"All channels that picks={picks!r} means are bad, or triggers: {', '.join(bads)}.")
    return names


def _refuse_made_columns(table: pd.DataFrame, own: Sequence[str]) -> None:
    made = [name for name in MADE_COLUMNS if name in table and name not in own]
    if made:
        raise DataFormatError(
            f"The metadata have columns that are made here: {', '.join(made)}; call yours otherwise. What tells the "
            "recordings of a subject apart may be called session, run or file."
        )


def _with_trials(table: pd.DataFrame) -> pd.DataFrame:
    """Give each epoch a number of its own within its subject; where it has none, ``unit`` says what trial it is of."""
    if "stimulus" not in table:
        table["stimulus"] = pd.NA
    numbers = table.groupby("subject").cumcount() + 1
    if "trial" not in table:
        return table.assign(trial=numbers)
    if table["trial"].isna().any() or not table.duplicated(["subject", "trial"]).any():
        return table
    parts = [column for column in (SESSION, RUN, "trial") if column in table]
    names = _in_words(table[parts])
    unit = table.get(UNIT, pd.Series(None, table.index, object))
    of_trial = unit.groupby([table["subject"], pd.Series(names)])
    if (of_trial.transform("nunique") > 1).any():
        row = int((of_trial.transform("nunique") > 1).argmax())
        raise DataFormatError(f"Epochs of subject {table['subject'][row]}, {names[row]}, are of several units.")
    return table.assign(trial=numbers, unit=of_trial.transform("first").fillna(pd.Series(names)))


def _with_origins(table: pd.DataFrame, epochs: mne.BaseEpochs, record: EpochsRecord | None) -> pd.DataFrame:
    """Add where each epoch was cut; epochs that were made of trials without it are as far apart as these were."""
    rate: float | np.ndarray
    if record is None:
        parts = [column for column in ("subject", SESSION, RUN, "file") if column in table]
        table[RECORDING] = _in_words(table[parts])
        rate = np.ravel(epochs._raw_sfreq)[0]
        zero = epochs.events[:, 0].astype(float)
        if _events_only_count(epochs):
            zero[:] = np.nan
        elif isinstance(epochs, mne.EpochsArray):
            zero[_put_together(epochs, table[RECORDING])] = np.nan
    elif {RECORDING, FIRST_SAMPLE} <= set(table):
        rate, zero = record.sfreq, table[FIRST_SAMPLE].to_numpy(float) + record.n_baseline
    elif record.apart:
        return table.drop(columns=[RECORDING, FIRST_SAMPLE], errors="ignore")
    else:  # trials that overlapped, whose places were taken out of the metadata
        return table.assign(recording=record.dataset, first_sample=np.nan)
    first = np.floor((zero + np.round(epochs.times[0] * rate)) * epochs.info["sfreq"] / rate + 1e-6)
    table[FIRST_SAMPLE] = first if np.isnan(first).any() else first.astype(np.int64)
    return table


def _in_words(names: pd.DataFrame) -> list[str]:
    return [
        ", ".join(f"{column} {name}" for column, name in zip(names, row, strict=True))
        for row in names.itertuples(index=False)
    ]


def _events_only_count(epochs: mne.BaseEpochs) -> bool:
    """Whether the events are numbers of epochs, as MNE gives them to arrays, or places in epochs laid end to end."""
    if type(epochs).__name__ == "EpochsEEGLAB":
        return True
    steps, of_selection = np.diff(epochs.events[:, 0]), np.diff(epochs.selection)
    return bool(2 * np.count_nonzero(steps == of_selection) >= len(steps))


def _put_together(epochs: mne.EpochsArray, recording: pd.Series) -> np.ndarray:
    """Find recordings whose epochs may have been put together of parts, so that those overlap unseen.

    :func:`mne.concatenate_epochs` moves the events of each part at least 10 s and ``tmax`` behind those before.
    """
    apart = int((10 + epochs.tmax) * epochs.info["sfreq"])
    widest = pd.Series(epochs.events[:, 0]).groupby(recording).transform(lambda zero: zero.sort_values().diff().max())
    return (widest >= apart).to_numpy()


def units_per_mne_unit(ch_types: Sequence[str]) -> np.ndarray:
    """Return what MNE's values are multiplied by to become those of trials: microvolts of EEG, EOG and EMG.

    Parameters
    ----------
    ch_types : sequence of str
        MNE's channel types.

    Returns
    -------
    scale : array, shape (n_channels,)
        1e6 for those that MNE has in volts and trials in microvolts, 1 for all others.
    """
    return np.array([_MICROVOLTS_PER_VOLT if kind in _IN_VOLTS else 1.0 for kind in ch_types])
