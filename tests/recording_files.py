"""Recordings in files of every format, a table of their trials, and the samples that the trials must hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
import scipy.io

from eegemo import Preprocessing, Trials, prepare_recordings

EEG = ["Fp1", "Fp2", "F3", "F4", "C3", "C4", "O1", "O2"]
NAMES = [*EEG, "VEOG"]
SFREQ = 128
SECONDS = 10
TYPED = (("VEOG", "eog"),)
#: Trials are then the recorded samples themselves.
NO_STEPS = Preprocessing(
    types=TYPED, sfreq=None, high_pass=None, bad_channels=None, eog=None, band=None, reference=None
)
ALL_STEPS = Preprocessing(types=TYPED, eog_h_freq=None)


def samples(seed: int, n_channels: int = len(NAMES), sfreq: int = SFREQ) -> np.ndarray:
    """Noise of 20 µV, in volts."""
    return np.random.default_rng(seed).normal(0, 20e-6, (n_channels, SECONDS * sfreq))


def write_recording(
    path: Path, data: np.ndarray, names: Sequence[str] = NAMES, sfreq: float = SFREQ, kinds: Any = "eeg"
) -> Path:
    """BDF, EDF or FIF by MNE, BrainVision or SET by hand."""
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = mne.io.RawArray(data, mne.create_info(list(names), sfreq, kinds), verbose="error")
    if path.suffix in (".bdf", ".edf"):
        mne.export.export_raw(path, raw, overwrite=True, verbose="error")
    elif path.suffix == ".fif":
        raw.save(path, overwrite=True, verbose="error")
    elif path.suffix == ".vhdr":
        write_brainvision(path, data, names, sfreq, path.with_suffix(".eeg").name)
    else:
        scipy.io.savemat(path, {"EEG": eeglab_struct(data, names, sfreq)})
    return path


def write_brainvision(path: Path, data: np.ndarray, names: Sequence[str], sfreq: float, eeg: str) -> None:
    path.with_name(eeg).write_bytes((data * 1e6).T.astype("<f4").tobytes())
    markers = path.with_suffix(".vmrk")
    markers.write_text(
        "Brain Vision Data Exchange Marker File, Version 1.0\n\n[Common Infos]\n"
        f"DataFile={eeg}\n\n[Marker Infos]\nMk1=New Segment,,1,1,0,20200101000000000000\n"
    )
    channels = "\n".join(f"Ch{i}={name},,1,µV" for i, name in enumerate(names, 1))
    path.write_text(
        "Brain Vision Data Exchange Header File Version 1.0\n\n[Common Infos]\nCodepage=UTF-8\n"
        f"DataFile={eeg}\nMarkerFile={markers.name}\nDataFormat=BINARY\nDataOrientation=MULTIPLEXED\n"
        f"NumberOfChannels={len(names)}\nSamplingInterval={1e6 / sfreq}\n\n[Binary Infos]\n"
        f"BinaryFormat=IEEE_FLOAT_32\n\n[Channel Infos]\n{channels}\n",
        encoding="utf-8",
    )


def eeglab_struct(data: np.ndarray, names: Sequence[str], sfreq: float) -> dict[str, Any]:
    return {
        "setname": "test",
        "nbchan": len(names),
        "trials": 1,
        "pnts": data.shape[1],
        "srate": float(sfreq),
        "xmin": 0.0,
        "xmax": (data.shape[1] - 1) / sfreq,
        "data": (data * 1e6).astype(np.float32),
        "chanlocs": np.array([(name,) for name in names], dtype=[("labels", object)]),
        "ref": "common",
        **{name: [] for name in ("event", "epoch", "icawinv", "icasphere", "icaweights")},
    }


def microvolts(data: np.ndarray, onset: float, duration: float, sfreq: float = SFREQ) -> np.ndarray:
    """What a trial of the EEG channels must hold, cut by hand."""
    first = round(onset * sfreq)
    return data[: len(EEG), first : first + round(duration * sfreq)] * 1e6


def a_table(**columns: Any) -> pd.DataFrame:
    """Two trials of a_raw.fif; columns can be added or replaced."""
    return pd.DataFrame({"file": "a_raw.fif", "subject": 1, "onset": [1.0, 4.0], "duration": [2.0, 2.0], **columns})


def prepare_as_is(table: Any, laboratory: Path | None = None, **more: Any) -> Trials:
    """The recorded samples themselves."""
    return prepare_recordings(table, NO_STEPS, folder=laboratory, **more)
