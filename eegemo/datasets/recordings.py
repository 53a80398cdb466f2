"""Any recordings that MNE reads, with a table of trials or BIDS events: a laboratory's own study."""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pandas as pd

from eegemo._electrodes import found_as, wanted_channels
from eegemo._origins import RECORDING, warn_of_overlap
from eegemo._paths import as_path
from eegemo.datasets._store import content_hash, prepared, table_as_text, with_warnings
from eegemo.datasets._trial_table import complete_trial_table, read_trial_table
from eegemo.datasets.bids import read_bids_events
from eegemo.datasets.published import SIMULATED_MARK
from eegemo.errors import ConfigError, DataFormatError, naming, suggest_keywords
from eegemo.preprocessing.filters import nominal_rate
from eegemo.preprocessing.reading import companions, read_recording
from eegemo.preprocessing.recording import Recording
from eegemo.preprocessing.stage import Preprocessing, as_settings
from eegemo.trials import Trials

if TYPE_CHECKING:
    import mne

_SAME_SECONDS = 1e-3
_FROM_ACQUISITION = (
    "The onsets are those of raw.annotations, which count from the start of the acquisition; here they are taken from "
    "the file's first sample, {:g} s later, so the trials are cut that much too late. trials_from_annotations gives "
    "onsets that fit."
)


@suggest_keywords
def prepare_recordings(
    table: str | os.PathLike[str] | pd.DataFrame,
    preprocessing: Preprocessing | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    channels: str | Iterable[str] | None = None,
    dataset: str = "recordings",
    cache: str | os.PathLike[str] | None = None,
    n_jobs: int = 1,
    on_prepared: Callable[[str], object] | None = None,
) -> Trials:
    """Preprocess recordings and cut their trials, as a table lists them.

    Parameters
    ----------
    table : path-like | DataFrame
        A row a trial: ``file``, ``subject``, ``onset`` and ``duration`` (seconds, from the recording's first sample
        whatever MNE's ``first_samp`` is), and where there are any ``trial``, ``stimulus``, ratings, or a category such
        as ``task``; further columns are kept. Or the path of such a table (``.csv``, ``.tsv``); or of a BIDS events
        file (``*_events.tsv``), or of a folder of them (:func:`read_bids_events`). :func:`trials_from_annotations`
        makes one of annotations.
    preprocessing : Preprocessing | None
        The steps. By default EOG is removed by regression, which needs a channel of type ``eog``.
    folder : path-like | None
        What relative names of files start from: the table's own folder by default.
    channels : "eeg" | "emotiv14" | iterable of str | None
        Channels of the trials, by their names after preprocessing; all EEG channels by default. T7 is found as T3, and
        the other way round, and so are T8 (T4), P7 (T5) and P8 (T6); the trials have the name that is asked for.
    dataset : str
        A name for titles and provenance.
    cache, n_jobs
        As in :func:`eegemo.load_deap_raw`.
    on_prepared : callable | None
        Called with the name of each file that is prepared.

    Returns
    -------
    trials : Trials
        In the order of the table's files, each in the order of its rows. ``trial`` is numbered from 1 within a subject,
        and ``stimulus`` is missing, where the table has no such column. ``provenance["recordings"]`` tells what was
        done to each file.

    Raises
    ------
    DataFormatError
        If the table or a recording cannot be read, or the recordings differ in channels or rate.
    ConfigError
        If a setting cannot be used.
    """
    wanted = wanted_channels(channels)
    tasks = _tasks(table, folder, as_settings(preprocessing))
    names, types, sfreq = _common_outcome(tasks, wanted)
    files = [task.path for task in tasks]
    # Files of one name may lie in several folders, and one file may be listed under several names.
    depth = next(n for n in itertools.count(2) if len({path.parts[-n:] for path in files}) == len(set(files)))
    simulated = {(path.parent / SIMULATED_MARK).exists() for path in files}
    if len(simulated) == 2:
        raise ConfigError("Some of the files were simulated and some not; a table of both has no meaning.")

    def blocks() -> Iterator[tuple[np.ndarray, pd.DataFrame, dict[str, Any]]]:
        prepare, first = joblib.delayed(_Task.prepare), _first_of_the_same_content(files)
        blocks = joblib.Parallel(n_jobs=n_jobs, return_as="generator")(prepare(task, names) for task in tasks)
        for path, (signals, rows, record) in zip(files, blocks, strict=True):
            yield signals, rows.assign(**{RECORDING: "/".join(first[path].parts[-depth:])}), record
            if on_prepared:
                on_prepared(record["file"])

    trials = prepared(
        [*files, *(extra for path in files for extra in companions(path))],
        blocks,
        description={
            "ch_names": names,
            "ch_types": types,
            "sfreq": sfreq,
            "dataset": dataset,
            "simulated": simulated.pop(),
            "provenance": {
                "source": "a table of recordings",
                "trials": [table_as_text(task.rows.drop(columns="file")) for task in tasks],
                "preprocessing": tasks[0].preprocessing.as_json,
                "pass_band": list(tasks[0].preprocessing.pass_band),
            },
        },
        cache=cache,
    )
    warn_of_overlap(with_warnings(trials))
    return trials


def _first_of_the_same_content(files: Sequence[Path]) -> dict[Path, Path]:
    """Map each file to the first that holds the same bytes: a recording that was copied under another name is one."""
    of_size: dict[int, list[Path]] = {}
    for path in files:
        of_size.setdefault(path.stat().st_size, []).append(path)
    first: dict[Path, Path] = {}
    for alike in of_size.values():
        seen: dict[str, Path] = {}
        for path in alike:
            first[path] = seen.setdefault(content_hash(path), path) if len(alike) > 1 else path
    return first


def listed_files(table: str | os.PathLike[str] | pd.DataFrame) -> list[Path]:
    """List the recordings of a table of trials, in its order.

    Parameters
    ----------
    table : path-like | DataFrame
        As in :func:`prepare_recordings`.

    Returns
    -------
    files : list of Path
    """
    return [task.path for task in _tasks(table, None, Preprocessing())]


def listed_recordings(
    table: str | os.PathLike[str] | pd.DataFrame,
    preprocessing: Preprocessing | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
) -> Iterator[Recording]:
    """Open one recording of the table after another, with its trials.

    Parameters
    ----------
    table, preprocessing, folder
        As in :func:`prepare_recordings`.

    Yields
    ------
    recording : Recording
    """
    for task in _tasks(table, folder, as_settings(preprocessing)):
        yield task.open()


@dataclass(frozen=True)
class _Task:
    """One file and its rows of the table; small, so that it can be sent to another process."""

    path: Path
    rows: pd.DataFrame
    preprocessing: Preprocessing

    def open(self) -> Recording:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            raw = read_recording(self.path)
        trials = self.rows.drop(columns=["file", "onset", "duration"]).reset_index(drop=True)
        first = ["subject", "trial", "stimulus"]
        late = [_FROM_ACQUISITION.format(raw.first_time)] if _from_acquisition(raw, self.rows["onset"]) else []
        return Recording(
            name=self.path.name,
            raw=raw,
            onsets=self.rows["onset"].to_numpy(float),
            durations=self.rows["duration"].to_numpy(float),
            table=trials[[*first, *(column for column in trials if column not in first)]],
            preprocessing=self.preprocessing,
            messages=(*(str(note.message) for note in caught if issubclass(note.category, UserWarning)), *late),
        )

    def prepare(self, names: list[str]) -> tuple[np.ndarray, pd.DataFrame, dict[str, Any]]:
        return self.open().prepare(names)

    def outcome(self, channels: Sequence[str] | None) -> tuple[list[str], list[str], float]:
        """Return names and types of the channels that the trials will have, and their rate, from a second of them."""
        steps = self.preprocessing
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # given when the recording is prepared
            raw = read_recording(self.path)
        recorded = float(raw.info["sfreq"])
        sfreq = steps.sfreq or recorded
        nominal = nominal_rate(recorded, sfreq)
        if sfreq > nominal:
            raise ConfigError(
                f"{self.path.name}: recorded with {recorded:g} samples a second, below the {sfreq:g} asked for; set "
                f"sfreq to {nominal:g} or less."
            )
        short = self.rows["duration"].astype(float) * sfreq < 0.5
        if short.any():
            raise DataFormatError(
                f"{self.path.name}: a duration of {self.rows['duration'][short].iloc[0]:g} s is less than a sample."
            )
        raw.crop(0, min(1.0, raw.times[-1]))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # given when the recording is prepared
            with naming(self.path.name):
                raw = steps.name_channels(raw)
        kinds = dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))
        names = [name for name, kind in kinds.items() if kind == "eeg"] if channels is None else list(channels)
        found = found_as(names, kinds)
        missing = [name for name in names if name not in found]
        if missing or not names:
            raise DataFormatError(
                f"{self.path.name}: channels {', '.join(missing) or '(any EEG)'} are missing; after renaming it has "
                f"{', '.join(kinds)}."
            )
        return names, [kinds[found[name]] for name in names], float(sfreq)


def _from_acquisition(raw: mne.io.BaseRaw, onsets: pd.Series) -> bool:
    """Tell whether onsets are all those of annotations as MNE counts them, and not as from the first sample."""
    notes = raw.annotations.onset
    if not raw.first_samp or not len(notes):
        return False
    as_counted, from_first = (
        (np.abs(onsets.to_numpy(float)[:, None] - times) < _SAME_SECONDS).any(axis=1).all()
        for times in (notes, notes - raw.first_time)
    )
    return bool(as_counted and not from_first)


def _common_outcome(tasks: Sequence[_Task], channels: Sequence[str] | None) -> tuple[list[str], list[str], float]:
    """Return the channels and the rate of all recordings, before any of them is worked on."""
    names, types, sfreq = tasks[0].outcome(channels)
    if len(set(names)) < len(names):
        raise ConfigError(f"A channel is named twice: {', '.join(names)}.")
    for task in tasks[1:]:
        theirs, kinds, rate = task.outcome(channels)
        if rate != sfreq:
            raise DataFormatError(
                f"{task.path.name}: {rate:.7g} samples a second, {tasks[0].path.name} has {sfreq:.7g}; set sfreq in "
                "the preprocessing."
            )
        found = found_as(names, theirs)
        if set(found.values()) != set(theirs) or len(found) < len(names):
            raise DataFormatError(
                f"{task.path.name}: its EEG channels differ from those of {tasks[0].path.name} in "
                f"{', '.join(sorted(set(theirs) ^ set(names)))}; name those wanted with Preprocessing(channels=...)."
            )
        for name, kind in zip(names, types, strict=True):
            other = kinds[theirs.index(found[name])]
            if other != kind:
                raise DataFormatError(
                    f"{task.path.name}: {found[name]} is of type {other}, and in {tasks[0].path.name} of {kind}; set "
                    "types in the preprocessing."
                )
    return names, types, sfreq


def _tasks(
    table: str | os.PathLike[str] | pd.DataFrame,
    folder: str | os.PathLike[str] | None,
    preprocessing: Preprocessing,
) -> list[_Task]:
    place = None if folder is None else as_path(folder, "folder")
    if isinstance(table, pd.DataFrame):
        trials, place = complete_trial_table(table), place or Path()
    else:
        path = as_path(table, "table")
        bids = path.is_dir() or path.name.endswith("_events.tsv")
        with naming(path.name):
            trials = complete_trial_table(read_bids_events(path) if bids else read_trial_table(path))
        place = place or path.parent
    return [
        _Task((place / Path(str(file)).expanduser()).resolve(), rows.reset_index(drop=True), preprocessing)
        for file, rows in trials.groupby("file", sort=False)
    ]
