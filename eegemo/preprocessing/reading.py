"""Opening a recording, whatever its format, with what BIDS says of its channels."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import mne

from eegemo._paths import as_path
from eegemo._text_tables import read_text_table
from eegemo._warnings import warn_caller
from eegemo.errors import DataFormatError
from eegemo.preprocessing.pauses import mark_pauses

#: Formats of continuous recordings, by the suffix of the file to name.
SUFFIXES = (".bdf", ".edf", ".fif", ".set", ".vhdr", ".gdf")
_COMPANIONS = {".vhdr": (".vmrk",), ".set": (".fdt",)}  # beside those that MNE names
#: BIDS's types as MNE's; what is not here is no signal that any step uses.
_TYPES = {
    **{kind.upper(): kind for kind in ("eeg", "eog", "ecg", "emg", "gsr", "resp", "misc", "seeg", "ecog", "dbs")},
    **{"VEOG": "eog", "HEOG": "eog", "TRIG": "stim", "TEMP": "temperature"},
    **dict.fromkeys("AUDIO EYEGAZE PUPIL MISC PPG REF SYSCLOCK OTHER N/A".split(), "misc"),
}


def read_recording(path: str | os.PathLike[str], **options: Any) -> mne.io.BaseRaw:
    """Open a continuous recording without loading its samples.

    Parameters
    ----------
    path : path-like
        BDF, EDF, FIF, SET, GDF or BrainVision (``.vhdr``). Where a BIDS ``*_channels.tsv`` lies beside it, the types
        and the bad channels that it gives are taken.
    **options
        For MNE's reader of the format, such as ``encoding`` of the annotations in EDF and BDF: those that are not in
        UTF-8 are read as Latin-1, with a warning, where it is not given.

    Returns
    -------
    raw : mne.io.BaseRaw
        As recorded. Pauses of an EDF+D or BDF+D are annotated as ``BAD boundary``, with a warning;
        :func:`cut_trials` knows by them where onsets by the clock lie among the samples.

    Raises
    ------
    DataFormatError
        If the file is missing, of another format, damaged or cut short.
    ConfigError
        If ``path`` is none.
    """
    path = as_path(path)
    if not path.is_file():
        raise DataFormatError(f"There is no recording {str(path)!r}; check its name and its folder.")
    if path.suffix.lower() not in SUFFIXES:
        raise DataFormatError(f"{path.name}: recordings end in {', '.join(SUFFIXES)}; convert this one with MNE.")
    if path.stat().st_size == 0:
        raise DataFormatError(f"{path.name}: the file is empty; fetch it again.")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            raw = _read_raw(path, options)
    except Exception as error:
        if isinstance(error, OSError) and not isinstance(error, FileNotFoundError) and error.errno is not None:
            raise  # of the file system, not of the format
        kind, reason = path.suffix[1:].upper(), str(error) or type(error).__name__
        raise DataFormatError(
            f"{path.name}: cannot be read as {kind} ({reason}); it may be damaged - fetch it again - or hold "
            "epochs, which enter by Trials.from_epochs."
        ) from error
    paused = mark_pauses(raw, path)
    if paused:
        warn_caller(
            f"The recording pauses, for {paused:g} s together (EDF+D): onsets are by the clock, and trials across "
            "a pause are left out."
        )
    for warning in caught:
        message = str(warning.message)
        if "Invalid tag" in message or ("file size" in message and _declares_its_length(path)):
            raise DataFormatError(f"{path.name}: the file is cut short ({message}); fetch it again.")
        harmless = any(words in message for words in ("naming conventions", "names are not unique"))
        harmless |= bool(paused) and "outside" in message and "annotation" in message  # by the clock, where it goes on
        if not harmless and issubclass(warning.category, (UserWarning, RuntimeWarning)):
            warnings.warn(message, UserWarning, stacklevel=2)
    _apply_bids(raw, path)
    return raw


def _read_raw(path: Path, options: dict[str, Any]) -> mne.io.BaseRaw:
    try:
        return mne.io.read_raw(path, preload=False, verbose="warning", **options)
    except Exception as error:
        if "encoding" in options or "encoding='latin1'" not in str(error):  # MNE's own advice
            raise
    raw = mne.io.read_raw(path, preload=False, verbose="warning", **options, encoding="latin1")
    odd = next((text for text in raw.annotations.description if not text.isascii()), "")
    warnings.warn(
        f"The annotations are not in UTF-8 and were read as Latin-1, for example {str(odd)!r}; if that is "
        "not what they say, read_recording(path, encoding=...) takes another encoding.",
        UserWarning,
        stacklevel=2,
    )
    return raw


def _declares_its_length(path: Path) -> bool:
    """Tell whether a BDF or EDF says how long it is: one that was not closed has -1 there, and may be complete."""
    with path.open("rb") as file:
        file.seek(236)
        return file.read(8).strip() != b"-1"


def companions(path: Path) -> list[Path]:
    """List the other files that a recording consists of.

    Parameters
    ----------
    path : Path
        The recording.

    Returns
    -------
    paths : list of Path
        Those that are there: samples and markers of BrainVision, samples of SET, further parts of FIF, BIDS' list of
        channels.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # given when the recording is prepared
        beside = [Path(str(name)) for name in read_recording(path).filenames]
    beside += [path.with_suffix(suffix) for suffix in _COMPANIONS.get(path.suffix.lower(), ())]
    others = dict.fromkeys([*beside, _bids_channels(path)])
    return [other for other in others if other.is_file() and other.resolve() != path.resolve()]


def _bids_channels(path: Path) -> Path:
    return path.with_name(path.stem.rpartition("_")[0] + "_channels.tsv")


def _apply_bids(raw: mne.io.BaseRaw, path: Path) -> None:
    listed = _bids_channels(path)
    if not listed.is_file():
        return
    channels = read_text_table(listed, dtype=str, keep_default_na=False)
    if not {"name", "type"} <= set(channels):
        raise DataFormatError(
            f"{listed.name}: columns name and type are expected, got {', '.join(map(str, channels))}."
        )
    rows = channels[channels["name"].isin(raw.ch_names)]
    unknown = [kind for kind in rows["type"] if kind.strip().upper() not in _TYPES]
    if unknown:
        raise DataFormatError(f"{listed.name}: a type is not known to BIDS: {unknown[0].lower()!r}.")
    types = {name: _TYPES[kind.strip().upper()] for name, kind in zip(rows["name"], rows["type"], strict=True)}
    raw.set_channel_types(types, on_unit_change="ignore", verbose="error")
    if "status" in rows:
        raw.info["bads"] = rows["name"][rows["status"].str.lower() == "bad"].tolist()
