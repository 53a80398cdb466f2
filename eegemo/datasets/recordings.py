"""Any recordings that MNE reads, with a table of trials or BIDS events: a laboratory's own study."""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd

from eegemo._json import as_json
from eegemo._origins import MADE_COLUMNS, RECORDING, warn_of_overlap
from eegemo.datasets import _deap_format as deap
from eegemo.datasets._store import prepared, table_as_text, with_warnings
from eegemo.errors import ConfigError, DataFormatError, suggest_keywords
from eegemo.preprocessing.reading import SUFFIXES, companions, read_recording
from eegemo.preprocessing.recording import Recording
from eegemo.preprocessing.stage import Preprocessing
from eegemo.trials import Trials

_REQUIRED = ("file", "subject", "onset", "duration")
_NOT_RAW = {"derivatives", "sourcedata", "code"}  # folders of a BIDS study
_SHORTEST_SECONDS = 0.1


@suggest_keywords
def prepare_recordings(
    table: str | os.PathLike[str] | pd.DataFrame,
    preprocessing: Preprocessing | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    channels: Sequence[str] | None = None,
    dataset: str = "recordings",
    cache: str | os.PathLike[str] | None = None,
    n_jobs: int = 1,
    on_prepared: Callable[[str], object] | None = None,
) -> Trials:
    """Preprocess recordings and cut their trials, as a table lists them.

    Parameters
    ----------
    table : path-like | DataFrame
        A row a trial: ``file``, ``subject``, ``onset`` and ``duration`` (seconds from the recording's first sample),
        and where there are any ``trial``, ``stimulus``, ratings, or a category such as ``task``; further columns are
        kept. Or the path of such a table (``.csv``, ``.tsv``); or of a BIDS events file (``*_events.tsv``), or of a
        folder of them (:func:`read_bids_events`).
    preprocessing : Preprocessing | None
        The steps. By default EOG is removed by regression, which needs a channel of type ``eog``.
    folder : path-like | None
        What relative names of files start from: the table's own folder by default.
    channels : sequence of str | None
        Channels of the trials, by their names after preprocessing; all EEG channels by default.
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
    tasks = _tasks(table, folder, preprocessing or Preprocessing())
    names, types, sfreq = _common_outcome(tasks, channels)
    files = [task.path for task in tasks]
    # Files of one name may lie in several folders, and one file may be listed under several names.
    depth = next(n for n in itertools.count(2) if len({path.parts[-n:] for path in files}) == len(set(files)))
    simulated = {(path.parent / deap.SIMULATED_MARK).exists() for path in files}
    if len(simulated) == 2:
        raise ConfigError("Some of the files were simulated and some not; a table of both has no meaning.")

    def blocks() -> Iterator[tuple[np.ndarray, pd.DataFrame, dict[str, Any]]]:
        prepare = joblib.delayed(_Task.prepare)
        blocks = joblib.Parallel(n_jobs=n_jobs, return_as="generator")(prepare(task, names) for task in tasks)
        for path, (signals, rows, record) in zip(files, blocks, strict=True):
            yield signals, rows.assign(**{RECORDING: "/".join(path.parts[-depth:])}), record
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
    for task in _tasks(table, folder, preprocessing or Preprocessing()):
        yield task.open()


@suggest_keywords
def read_bids_events(path: str | os.PathLike[str], *, trial_types: Sequence[str] = ()) -> pd.DataFrame:
    """Read BIDS events as a table of trials.

    Parameters
    ----------
    path : path-like
        ``sub-01_task-music_events.tsv``, or a folder with such files anywhere below it.
    trial_types : sequence of str
        Values of ``trial_type`` that are trials; all by default.

    Returns
    -------
    table : DataFrame
        A row an event that lasts, for :func:`prepare_recordings`: ``file`` is the recording beside the events file,
        ``subject`` the label behind ``sub-``, ``stimulus`` the column ``stim_file`` or else ``trial_type``. The file's
        other columns are kept; one named ``trial`` counts within a run and becomes ``trial_in_run``. Events of less
        than 0.1 s are marks, not trials.

    Raises
    ------
    DataFormatError
        If there is no events file, none of its events lasts, or no recording lies beside it.
    ConfigError
        If no event is of one of the ``trial_types``.

    References
    ----------
    Pernet et al. 2019, "EEG-BIDS", doi:10.1038/s41597-019-0104-8.
    """
    if isinstance(trial_types, str):
        raise ConfigError(f"trial_types must be a list of values of trial_type, got {trial_types!r}.")
    given, kinds = Path(path), set[str]()
    found = [given] if given.is_file() else sorted(given.rglob("*_events.tsv"))
    files = [file for file in found if not set(file.relative_to(given).parts) & _NOT_RAW]
    if not files:
        raise DataFormatError(f"{str(given)!r} holds no BIDS events (sub-..._events.tsv).")
    tables = []
    for file in files:
        events = _read_table(file, missing="n/a")
        entities = dict(part.split("-", 1) for part in file.stem.split("_") if "-" in part)
        if "sub" not in entities or not {"onset", "duration"} <= set(events):
            raise DataFormatError(
                f"{file.name}: no BIDS events: the name must begin with sub-..., the columns onset and duration must "
                f"be there; it has {', '.join(map(str, events))}."
            )
        clash = [column for column in ("file", "subject") if column in events]
        if clash:
            raise DataFormatError(f"{file.name}: columns {', '.join(clash)} are made here; call yours otherwise.")
        lasting = events[pd.to_numeric(events["duration"], errors="coerce") >= _SHORTEST_SECONDS].copy()
        if trial_types:
            if "trial_type" not in lasting:
                raise ConfigError(f"{file.name}: there is no column trial_type to choose {', '.join(trial_types)} by.")
            kinds |= set(lasting["trial_type"].dropna())
            lasting = lasting[lasting["trial_type"].isin(trial_types)]
        lasting = lasting.rename(columns={"trial": "trial_in_run"})
        stem = file.name.removesuffix("_events.tsv")
        beside = [path for suffix in SUFFIXES if (path := file.with_name(f"{stem}_eeg{suffix}")).is_file()]
        if not beside and given.is_dir() and file.parent.name != "eeg":
            continue  # of another modality
        if not beside:
            raise DataFormatError(f"{file.name}: there is no recording {stem}_eeg.* ({', '.join(SUFFIXES)}) beside it.")
        lasting.insert(0, "file", str(beside[0].resolve()))
        lasting.insert(1, "subject", entities["sub"])
        if "stimulus" not in lasting:
            source = next((column for column in ("stim_file", "trial_type") if column in lasting), None)
            if source:
                lasting["stimulus"] = lasting[source]
        tables.append(lasting)
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    unknown = sorted(set(trial_types) - kinds)
    if unknown:
        raise ConfigError(f"No event is of trial_type {', '.join(unknown)}; there are {', '.join(sorted(kinds))}.")
    if table.empty:
        raise DataFormatError(f"None of the events in {str(given)!r} lasts; trials need a duration of 0.1 s.")
    return table


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
        return Recording(
            name=self.path.name,
            raw=raw,
            onsets=self.rows["onset"].to_numpy(float),
            durations=self.rows["duration"].to_numpy(float),
            table=trials[[*first, *(column for column in trials if column not in first)]],
            preprocessing=self.preprocessing,
            messages=tuple(str(warning.message) for warning in caught if issubclass(warning.category, UserWarning)),
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
        if sfreq > recorded:
            raise ConfigError(
                f"{self.path.name}: recorded with {recorded:g} samples a second, below the {sfreq:g} asked for; set "
                f"sfreq to {recorded:g} or less."
            )
        short = self.rows["duration"].astype(float) * sfreq < 0.5
        if short.any():
            raise DataFormatError(
                f"{self.path.name}: a duration of {self.rows['duration'][short].iloc[0]:g} s is less than a sample."
            )
        raw.crop(0, min(1.0, raw.times[-1]))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # given when the recording is prepared
            try:
                raw = steps.name_channels(raw)
            except (ConfigError, DataFormatError) as error:
                raise type(error)(f"{self.path.name}: {error}") from error
        kinds = dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))
        names = [name for name, kind in kinds.items() if kind == "eeg"] if channels is None else list(channels)
        missing = [name for name in names if name not in kinds]
        if missing or not names:
            raise DataFormatError(
                f"{self.path.name}: channels {', '.join(missing) or '(any EEG)'} are missing; after renaming it has "
                f"{', '.join(kinds)}."
            )
        return names, [kinds[name] for name in names], float(sfreq)


def _common_outcome(tasks: Sequence[_Task], channels: Sequence[str] | None) -> tuple[list[str], list[str], float]:
    """Return the channels and the rate of all recordings, before any of them is worked on."""
    names, types, sfreq = tasks[0].outcome(channels)
    if len(set(names)) < len(names):
        raise ConfigError(f"A channel is named twice: {', '.join(names)}.")
    for task in tasks[1:]:
        theirs, kinds, rate = task.outcome(channels)
        if rate != sfreq:
            raise DataFormatError(
                f"{task.path.name}: {rate:g} samples a second, {tasks[0].path.name} has {sfreq:g}; set sfreq in the "
                "preprocessing."
            )
        if set(theirs) != set(names):
            raise DataFormatError(
                f"{task.path.name}: its EEG channels differ from those of {tasks[0].path.name} in "
                f"{', '.join(sorted(set(theirs) ^ set(names)))}; name those wanted with Preprocessing(channels=...)."
            )
        differ = [name for name, kind in zip(theirs, kinds, strict=True) if types[names.index(name)] != kind]
        if differ:
            raise DataFormatError(
                f"{task.path.name}: {', '.join(differ)} is of type {kinds[theirs.index(differ[0])]}, and in "
                f"{tasks[0].path.name} of {types[names.index(differ[0])]}; set types in the preprocessing."
            )
    return names, types, sfreq


def _tasks(
    table: str | os.PathLike[str] | pd.DataFrame,
    folder: str | os.PathLike[str] | None,
    preprocessing: Preprocessing,
) -> list[_Task]:
    if isinstance(table, pd.DataFrame):
        trials, place = table.reset_index(drop=True), Path(folder or ".")
    else:
        path = Path(table)
        bids = path.is_dir() or path.name.endswith("_events.tsv")
        trials = read_bids_events(path) if bids else _read_table(path)
        place = Path(folder) if folder is not None else path.parent
    _check_table(trials)
    trials = trials.copy()
    if "trial" not in trials:
        trials = trials.assign(trial=trials.groupby("subject", sort=False).cumcount() + 1)
    if "stimulus" not in trials:
        trials["stimulus"] = pd.NA
    twice = trials[trials.duplicated(["subject", "trial"])]
    if len(twice):
        raise DataFormatError(
            f"Subject {twice['subject'].iloc[0]} has two trials numbered {twice['trial'].iloc[0]} in the table; number "
            "them through all of a subject's files, or leave the column out."
        )
    for file in trials["file"]:
        if "\0" in str(file):
            raise DataFormatError(f"A recording {str(file)!r} is named in the table, and no file can be named so.")
    return [
        _Task((place / str(file)).resolve(), rows.reset_index(drop=True), preprocessing)
        for file, rows in trials.groupby("file", sort=False)
    ]


def _read_table(path: Path, missing: str | None = None) -> pd.DataFrame:
    """Read a table; what stands for a missing value is said, or is whatever pandas takes for one."""
    if not path.is_file():
        raise DataFormatError(f"There is no table {str(path)!r}; it lists a trial a row: {', '.join(_REQUIRED)}.")
    try:
        separator = "\t" if path.suffix.lower() == ".tsv" else ","
        return pd.read_csv(path, sep=separator, na_values=[missing or "n/a"], keep_default_na=missing is None)
    except Exception as error:
        if isinstance(error, OSError):
            raise
        raise DataFormatError(f"{path.name}: cannot be read as a table ({error}).") from error


def _check_table(trials: pd.DataFrame) -> None:
    missing = [column for column in _REQUIRED if column not in trials]
    if missing:
        raise DataFormatError(
            f"The table of trials lacks {', '.join(missing)}; it needs {', '.join(_REQUIRED)} and has "
            f"{', '.join(map(str, trials.columns))}."
        )
    if trials.empty:
        raise DataFormatError("The table of trials has no rows.")
    twice = trials.columns[trials.columns.duplicated()]
    if len(twice):
        raise DataFormatError(f"The table of trials has the column {twice[0]!r} twice.")
    for column in trials.columns.drop("file"):
        values = trials[column].dropna()
        if not values.map(lambda value: isinstance(value, (str, bool, int, float, np.generic))).all() or (
            values.dtype.kind in "mM"
        ):
            raise ConfigError(
                f"Column {column!r} of the table of trials holds {values.dtype} ({values.iloc[0]!r}); make numbers or "
                "text of it."
            )
    made = [column for column in MADE_COLUMNS if column in trials]
    if made:
        raise ConfigError(f"Columns {', '.join(made)} are made when trials are cut; call yours otherwise.")
    for column in (*_REQUIRED, *({"trial"} & set(trials))):
        values = trials[column]
        if column in ("onset", "duration"):
            values = pd.to_numeric(values, errors="coerce")
            values = values.where(np.isfinite(values) & (values >= 0) & ((values > 0) | (column == "onset")))
        if values.isna().any():
            row = int(values.isna().argmax())
            raise DataFormatError(
                f"{column} is {as_json(trials[column].iloc[row])!r} in row {row + 1} of the table of trials."
            )
