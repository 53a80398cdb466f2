"""Pauses of a recording: EDF+D and BDF+D whose data records do not follow each other, and files that were joined.

A recording's samples lie end to end, whatever time passed between them; onsets are by the clock. What MNE marks where
it joins recordings, ``BAD boundary`` and ``EDGE boundary``, marks a pause here too, so that MNE's filters stop at it,
and the former holds in its ``extras`` for how many seconds nothing was recorded.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import mne
import numpy as np

from eegemo.errors import DataFormatError

_ROUNDING = 1e-6  # seconds, by which moments that were computed miss each other
_SECONDS = "pause"  # key of an annotation's extras
_BOUNDARY, _EDGE = "BAD boundary", "EDGE boundary"
_KINDS = {b"EDF+D": (2, b"EDF Annotations"), b"BDF+D": (3, b"BDF Annotations")}  # bytes a sample, name of the list
_BEFORE_SAMPLES = 216  # bytes a signal in the header, before the number of its samples in a record


def mark_pauses(raw: mne.io.BaseRaw, path: Path) -> float:
    """Annotate the pauses of an EDF+D or BDF+D, and move its own annotations from the clock to their samples.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        As MNE opens it, which takes the data records to follow each other; its annotations are changed in place.
    path : Path
        The file.

    Returns
    -------
    seconds : float
        How long the pauses last together; 0 for any other file.

    Raises
    ------
    DataFormatError
        If the list of times is damaged, or the data records go back in time.
    """
    lists = _lists_of_records(path)
    if lists is None:
        return 0.0
    lasts, texts = lists
    try:
        begins = np.array([float(text.partition(b"\x14")[0]) for text in texts])
        onsets, ends, words = _annotations(texts)
    except ValueError as error:
        raise DataFormatError(f"{path.name}: its list of times is damaged ({error}); fetch it again.") from error
    gaps = np.diff(begins) - lasts
    tolerance = 1 / raw.info["sfreq"]
    if (gaps < -tolerance).any():
        record = int(np.argmin(gaps)) + 1
        raise DataFormatError(
            f"{path.name}: data record {record + 1} begins at {begins[record]:g} s, before the end of the one before "
            "it; the file is damaged."
        )
    after = np.flatnonzero(gaps > tolerance) + 1
    if not len(after):
        return 0.0
    at, pauses = after * lasts, gaps[after - 1]
    starts, stops = (_passed_samples(times - begins[0], at, pauses) for times in (onsets, ends))
    marks = [mne.Annotations(at, 0.0, _BOUNDARY, extras=[{_SECONDS: float(pause)} for pause in pauses])]
    marks += [mne.Annotations(at, 0.0, _EDGE), mne.Annotations(starts, stops - starts, words)]
    raw.set_annotations(marks[0] + marks[1] + marks[2], verbose="error")
    return float(pauses.sum())


def pauses_last(raw: mne.io.BaseRaw) -> float:
    """Return for how many seconds a recording pauses.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording.

    Returns
    -------
    seconds : float
    """
    return float(_pauses(raw)[1].sum())


def sample_seconds(raw: mne.io.BaseRaw, seconds: np.ndarray) -> np.ndarray:
    """Turn seconds by the recorder's clock into seconds of samples.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        A recording that :func:`eegemo.preprocessing.read_recording` opened, preprocessed or not.
    seconds : array, shape (n,)
        From its first sample, pauses included.

    Returns
    -------
    seconds : array, shape (n,)
        Without the pauses; a moment within one becomes its beginning.
    """
    return _passed_samples(seconds, *_pauses(raw))


def clock_seconds(raw: mne.io.BaseRaw, seconds: np.ndarray) -> np.ndarray:
    """Turn seconds of samples into seconds by the recorder's clock; the reverse of :func:`sample_seconds`.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording.
    seconds : array, shape (n,)
        From its first sample, as MNE counts them.

    Returns
    -------
    seconds : array, shape (n,)
    """
    at, pauses = _pauses(raw)
    return seconds + ((seconds[:, None] >= at - _ROUNDING) * pauses).sum(axis=1)


def interrupted(raw: mne.io.BaseRaw, begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Find stretches that a recording does not hold in one piece.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording.
    begins, ends : array, shape (n,)
        Seconds by the clock.

    Returns
    -------
    mask : array of bool, shape (n,)
        Where a pause, or the joint of two recordings, lies within.
    """
    at, pauses = _pauses(raw)
    since = at + np.cumsum(pauses) - pauses
    within = (begins[:, None] < since + pauses - _ROUNDING) & (ends[:, None] > since + _ROUNDING)
    return np.asarray(within.any(axis=1))


def stretches(raw: mne.io.BaseRaw) -> list[tuple[int, int]]:
    """Find what was recorded in one piece.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording.

    Returns
    -------
    stretches : list of (int, int)
        First sample of each, and the one behind its last.
    """
    firsts = np.ceil((_pauses(raw)[0] - _ROUNDING) * raw.info["sfreq"]).astype(int)
    edges = np.unique([0, *firsts[(firsts > 0) & (firsts < raw.n_times)], raw.n_times])
    return [(int(first), int(last)) for first, last in pairwise(edges)]


def _pauses(raw: mne.io.BaseRaw) -> tuple[np.ndarray, np.ndarray]:
    """Return when pauses are, in seconds of samples, and their seconds, which are 0 where recordings were joined."""
    notes = raw.annotations
    marks = np.flatnonzero(notes.description == _BOUNDARY)
    pauses = [float((notes.extras[mark] or {}).get(_SECONDS, 0.0)) for mark in marks]
    return notes.onset[marks] - raw.first_time, np.array(pauses)


def _passed_samples(seconds: np.ndarray, at: np.ndarray, pauses: np.ndarray) -> np.ndarray:
    since = at + np.cumsum(pauses) - pauses  # by the clock
    return seconds - np.clip(seconds[:, None] - since, 0, pauses).sum(axis=1)


def _lists_of_records(path: Path) -> tuple[float, list[bytes]] | None:
    """Return the seconds of a data record and the list of annotations in each, or None where there can be no pause."""
    if path.suffix.lower() not in (".edf", ".bdf"):
        return None
    with path.open("rb") as file:
        head = file.read(256)
        if (kind := _KINDS.get(head[192:197])) is None:
            return None
        width, label = kind
        n_signals, lasts = int(head[252:256]), float(head[244:252])
        signals = file.read(256 * n_signals)
    labels = [signals[16 * i : 16 * i + 16].strip() for i in range(n_signals)]
    first = _BEFORE_SAMPLES * n_signals
    sizes = [width * int(signals[first + 8 * i : first + 8 * i + 8]) for i in range(n_signals)]
    if label not in labels:
        raise DataFormatError(f"{path.name}: an {head[192:197].decode()} without its list of times; fetch it again.")
    position = labels.index(label)
    begin, end = sum(sizes[:position]), sum(sizes[: position + 1])
    content = np.memmap(path, np.uint8, "r", offset=256 * (n_signals + 1))
    records = content[: len(content) // sum(sizes) * sum(sizes)].reshape(-1, sum(sizes))
    return lasts, [record.tobytes() for record in records[:, begin:end]]


def _annotations(texts: list[bytes]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return when annotations begin and end, by the clock, and their words (EDF+ specification, 2.2.4)."""
    found = []
    for entry in b"\0".join(texts).split(b"\0"):
        when, *words = entry.split(b"\x14")
        onset, _, lasts = when.partition(b"\x15")
        found += [(float(onset), float(lasts or 0), _text(word)) for word in words if word]
    onsets, durations = (np.array([entry[part] for entry in found], float) for part in (0, 1))
    return onsets, onsets + durations, [text for _, _, text in found]


def _text(word: bytes) -> str:
    try:
        return word.decode()
    except UnicodeDecodeError:
        return word.decode("latin1")
