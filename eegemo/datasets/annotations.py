"""Annotations or stimulus events of recordings as a table of trials."""

from __future__ import annotations

import numbers
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import mne
import numpy as np
import pandas as pd

from eegemo.datasets._trial_table import SHORTEST_SECONDS
from eegemo.errors import ConfigError, DataFormatError, suggest_keywords
from eegemo.preprocessing.pauses import clock_seconds, pauses_last
from eegemo.preprocessing.reading import read_recording

_NO_TRIALS = ("bad", "edge")  # how MNE's descriptions of bad stretches and of joints begin


@suggest_keywords
def trials_from_annotations(
    recordings: mne.io.BaseRaw | str | os.PathLike[str] | Iterable[mne.io.BaseRaw | str | os.PathLike[str]],
    *,
    subjects: object = None,
    descriptions: Iterable[str] = (),
    event_id: Mapping[str, int] | None = None,
    duration: float | None = None,
) -> pd.DataFrame:
    """Read the annotations of recordings, or the events of their stimulus channels, as a table of trials.

    Onsets are what :func:`prepare_recordings` expects: seconds from the *file's* first sample. The onsets of
    ``raw.annotations`` and the samples of ``mne.find_events`` count from when the acquisition began, which in a FIF
    file that was cropped, or comes from an Elekta system, lies ``raw.first_samp`` samples earlier.

    Parameters
    ----------
    recordings : mne.io.BaseRaw | path-like | iterable of them
        Files, or recordings that MNE has read from files, of which the annotations may have been changed since.
    subjects : object | sequence of object
        Who was recorded: one for all recordings, or one for each. By default the label behind ``sub-`` in the name of
        the file, as BIDS has it.
    descriptions : iterable of str
        Descriptions of annotations that are trials; by default all but those that begin with ``bad`` or ``edge``.
    event_id : mapping | None
        Take events of the stimulus channels instead: the value of each description, as in :class:`mne.Epochs`.
    duration : float | None
        Seconds of every trial; by default those of the annotations, of which events have none. Annotations of less than
        0.1 s are marks, and no trials without it.

    Returns
    -------
    table : DataFrame
        A row a trial, in the order of recordings and onsets: ``file, subject, onset, duration, description``, and
        ``stimulus``, which is the description.

    Raises
    ------
    ConfigError
        If a setting cannot be used, no subject is known, or nothing has one of the ``descriptions`` or values.
    DataFormatError
        If a recording cannot be read, has no file, or holds no trials.

    See Also
    --------
    read_bids_events : Trials from BIDS events.
    mne.events_from_annotations : Events from annotations.

    Examples
    --------
    >>> from eegemo import prepare_recordings, trials_from_annotations
    >>> table = trials_from_annotations("s01_raw.fif", subjects=1, descriptions=["music"])  # doctest: +SKIP
    >>> trials = prepare_recordings(table)  # doctest: +SKIP
    """
    if isinstance(descriptions, str) or not isinstance(descriptions, Iterable):
        raise ConfigError(f"descriptions must be a list of annotations' descriptions, got {descriptions!r}.")
    wanted = list(descriptions)
    if duration is not None and not (isinstance(duration, numbers.Real) and 0 < duration < np.inf):
        raise ConfigError(f"duration must be seconds, above 0, got {duration!r}.")
    if event_id is not None and (wanted or duration is None or not isinstance(event_id, Mapping)):
        raise ConfigError(
            "Events of a stimulus channel need event_id={description: value, ...} and a duration in seconds, and no "
            f"descriptions; got event_id={event_id!r}, duration={duration!r}, descriptions={wanted!r}."
        )
    if isinstance(recordings, (str, os.PathLike, mne.io.BaseRaw)):
        recordings = [recordings]
    if not isinstance(recordings, Iterable):
        raise ConfigError(f"Recordings, or the names of their files, were expected, got {recordings!r}.")
    given = list(recordings)
    opened = [(raw, _recorded(raw)) for raw in given]
    files = [Path(str(recorded.filenames[0])) for _, recorded in opened]
    tables, kinds = [], dict[str, None]()
    for (raw, recorded), file, subject in zip(opened, files, _subjects(subjects, files), strict=True):
        source = raw if isinstance(raw, mne.io.BaseRaw) else recorded
        rows = _annotated(source) if event_id is None else _events(source, event_id, file)
        kinds |= dict.fromkeys(rows["description"])
        rows["onset"] = clock_seconds(recorded, rows["onset"].to_numpy(float) - recorded.first_time)
        if duration is not None:
            rows["duration"] = float(duration)
        rows.insert(0, "file", str(file))
        rows.insert(1, "subject", [subject] * len(rows))
        chosen = rows["description"].isin(wanted) if wanted else rows["description"].notna()
        tables.append(rows[chosen & (rows["duration"] >= SHORTEST_SECONDS)].sort_values("onset", kind="stable"))
    unknown = [name for name in (event_id or wanted) if name not in kinds]
    if unknown:
        missing, known = ", ".join(map(repr, unknown)), ", ".join(kinds) or "no annotations"
        raise ConfigError(f"Nothing is described as {missing}; there are {known}.")
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    if table.empty:
        read = ", ".join(file.name for file in files) or "no recording"
        raise DataFormatError(f"No annotation of {read} lasts 0.1 s or more; give the trials' duration in seconds.")
    return table.assign(stimulus=table["description"])


def _recorded(recording: mne.io.BaseRaw | str | os.PathLike[str]) -> mne.io.BaseRaw:
    """Return a recording as it lies in its file."""
    if not isinstance(recording, mne.io.BaseRaw):
        return read_recording(recording)
    names = [str(name) for name in recording.filenames if name is not None]
    if not names:
        raise DataFormatError(
            "A recording has no file, from which its trials could be cut; save it, and give the file."
        )
    recorded = read_recording(names[0])
    if [str(name) for name in recorded.filenames] != names or pauses_last(recorded):
        raise DataFormatError(
            f"{Path(names[0]).name}: the recording was joined from several files, or pauses; save it, or give the name "
            "of the file."
        )
    return recorded


def _annotated(raw: mne.io.BaseRaw) -> pd.DataFrame:
    """Return the annotations that can be trials, their onsets as MNE has them."""
    notes = raw.annotations
    rows = pd.DataFrame(
        {"onset": notes.onset, "duration": notes.duration, "description": notes.description.astype(object)}
    )
    return rows[[not text.lower().startswith(_NO_TRIALS) for text in rows["description"]]].copy()


def _events(raw: mne.io.BaseRaw, event_id: Mapping[str, int], file: Path) -> pd.DataFrame:
    """Return the events of the stimulus channels that are named, their onsets as those of annotations."""
    try:
        events = mne.find_events(raw, shortest_event=1, verbose="error")
    except ValueError as error:
        raise ConfigError(f"{file.name}: no events can be read ({error}); its channels are {raw.ch_names}.") from error
    names = {value: name for name, value in event_id.items()}
    found = events[np.isin(events[:, 2], list(names))]
    if not len(found):
        values = ", ".join(map(str, np.unique(events[:, 2]).tolist()))
        raise ConfigError(
            f"{file.name}: no event has a value of event_id={dict(event_id)!r}; there are {values or 'none'}."
        )
    return pd.DataFrame(
        {
            "onset": found[:, 0] / raw.info["sfreq"],
            "duration": 0.0,
            "description": [names[value] for value in found[:, 2].tolist()],
        }
    )


def _subjects(subjects: object, files: Sequence[Path]) -> list[object]:
    """Return the subject of each file."""
    if subjects is None:
        labels = [re.match(r"sub-([^_.]+)", file.name) for file in files]
        unnamed = [file.name for file, label in zip(files, labels, strict=True) if label is None]
        if unnamed:
            raise ConfigError(
                f"Whose recording is {unnamed[0]}? Name the subject of each recording with subjects=[...]."
            )
        return [label[1] for label in labels if label]
    if isinstance(subjects, str) or not isinstance(subjects, Iterable):
        return [subjects] * len(files)
    each = list(subjects)
    if len(each) != len(files):
        raise ConfigError(f"subjects must be one for all recordings, or one for each of {len(files)}, got {each!r}.")
    return each
