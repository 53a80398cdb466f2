"""Trials as MNE's epochs, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import mne
import numpy as np
import pandas as pd

from eegemo.errors import ConfigError, DataFormatError

if TYPE_CHECKING:
    from eegemo.trials import Trials

_MICROVOLTS_PER_VOLT = 1e6
_IN_VOLTS = ("eeg", "eog", "emg")


def info_of(ch_names: Sequence[str], sfreq: float, ch_types: Sequence[str]) -> mne.Info:
    """Describe channels as MNE does, with places where all EEG channels have one in the 10-05 system.

    Parameters
    ----------
    ch_names, ch_types : sequence of str
        Names and MNE's types of the channels.
    sfreq : float
        Sampling rate in Hz.

    Returns
    -------
    info : mne.Info
    """
    info = mne.create_info(list(ch_names), sfreq, list(ch_types))
    montage = mne.channels.make_standard_montage("colin27_1005")
    known = {name.upper() for name in montage.ch_names}
    if all(name.upper() in known for name, kind in zip(ch_names, ch_types, strict=True) if kind == "eeg"):
        info.set_montage(montage, match_case=False, verbose="error")
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
    return mne.EpochsArray(
        data,
        trials.info,
        tmin=-int(shape["n_baseline"].iloc[0]) / trials.sfreq,
        metadata=trials.table.drop(columns=["start", "n_times", "n_baseline"]),
        verbose="error",
    )


def parts_of(epochs: mne.BaseEpochs) -> dict[str, Any]:
    """Return what trials are made of; see :meth:`eegemo.Trials.from_epochs`."""
    if epochs.metadata is None or "subject" not in epochs.metadata:
        raise DataFormatError(
            "The epochs have no 'subject' in their metadata, and without it no protocol can keep people "
            "apart; set epochs.metadata to a table with the columns subject, trial, stimulus and ratings."
        )
    types = tuple(epochs.get_channel_types())
    data = epochs.get_data(copy=False) * units_per_mne_unit(types)[:, None]
    n_epochs, n_channels, n_times = data.shape
    table = epochs.metadata.reset_index(drop=True)
    if "trial" not in table:
        table["trial"] = table.groupby("subject").cumcount() + 1
    if "stimulus" not in table:
        table["stimulus"] = pd.NA
    table["start"] = np.arange(n_epochs, dtype=np.int64) * n_times
    table["n_times"] = n_times
    table["n_baseline"] = int(np.count_nonzero(epochs.times < -0.5 / epochs.info["sfreq"]))
    return {
        "signals": data.transpose(0, 2, 1).reshape(-1, n_channels).astype(np.float32),
        "table": table,
        "ch_names": tuple(epochs.ch_names),
        "ch_types": types,
        "sfreq": epochs.info["sfreq"],
    }


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
