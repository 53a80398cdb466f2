"""DEAP's raw recordings: BDF files at 512 Hz, with every quirk of the release, through the preprocessing stage."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd

from eegemo._paths import as_path
from eegemo.datasets import _deap_format as deap
from eegemo.datasets._deap_ratings import check_ratings, find_ratings, listed, read_sheet, rows_of
from eegemo.datasets._store import prepared, with_warnings
from eegemo.datasets._subjects import subject_files, wanted_files
from eegemo.datasets.deap_triggers import OFF_BY_SECONDS, find_onsets, match_onsets, read_deap_raw
from eegemo.datasets.published import SIMULATED_MARK, Dataset, holds
from eegemo.errors import DataFormatError, suggest_keywords
from eegemo.labels import high_low, quadrants
from eegemo.preprocessing.recording import Recording
from eegemo.preprocessing.stage import Preprocessing, as_settings
from eegemo.trials import Trials

# The peripheral channels of the preprocessed release: their type, and the electrodes that they are made from.
_PERIPHERAL: dict[str, tuple[str, tuple[str, ...]]] = {
    "hEOG": ("eog", ("EXG1", "EXG2")),
    "vEOG": ("eog", ("EXG3", "EXG4")),
    "zEMG": ("emg", ("EXG5", "EXG6")),
    "tEMG": ("emg", ("EXG7", "EXG8")),
    "GSR": ("gsr", ("GSR1",)),
    "Respiration": ("resp", ("Resp",)),
    "Plethysmograph": ("bio", ("Plet",)),
    "Temperature": ("temperature", ("Temp",)),
}
#: DEAP's own steps (its description of the preprocessed data), and what it leaves open: the EOG's method and the
#: filters.
DEAP_PREPROCESSING = Preprocessing(
    channels=deap.EEG,
    rename=tuple((electrodes[0], name) for name, (_, electrodes) in _PERIPHERAL.items() if len(electrodes) == 1),
    types=tuple((name, kind) for name, (kind, electrodes) in _PERIPHERAL.items() if len(electrodes) == 1),
    bipolar=tuple((name, kind, *pair) for name, (kind, pair) in _PERIPHERAL.items() if len(pair) == 2),
    baseline=3.0,
)
VIDEO_SECONDS = 60.0
_EOG = ("hEOG", "vEOG")  # always read: the EOG removal and the search for bad channels need them
_FILE = re.compile(r"s(\d+)\.bdf", re.IGNORECASE)


@suggest_keywords
def load_deap_raw(
    folder: str | os.PathLike[str],
    *,
    subjects: Iterable[int] | None = None,
    channels: str | Iterable[str] = "eeg",
    preprocessing: Preprocessing = DEAP_PREPROCESSING,
    ratings: str | os.PathLike[str] | None = None,
    cache: str | os.PathLike[str] | None = None,
    n_jobs: int = 1,
    on_prepared: Callable[[int], object] | None = None,
) -> Trials:
    """Load DEAP's raw recordings: preprocess each, cut its 40 trials, and put them in the order of the videos.

    The first call prepares a store, as :func:`eegemo.load_deap` does; the result has the same layout. One recording is
    in memory at a time, at the reduced rate, for each of the ``n_jobs``.

    Parameters
    ----------
    folder : path-like
        ``data_original`` (``s01.bdf`` ...), or the folder that holds it.
    subjects : iterable of int | None
        Which people; all that are there by default.
    channels : "eeg" | "emotiv14" | iterable of str
        As in :func:`eegemo.load_deap`. All 32 EEG channels take part in the preprocessing.
    preprocessing : Preprocessing
        The steps; change one with ``dataclasses.replace(DEAP_PREPROCESSING, eog="ica")``.
    ratings : path-like | None
        ``participant_ratings.csv``; looked for beside the recordings, and in ``metadata_csv``, by default.
    cache : path-like | None
        Where the store lies; the platform's cache folder, or ``EEGEMO_CACHE``, by default.
    n_jobs : int
        People prepared at a time, by joblib.
    on_prepared : callable | None
        Called with the number of each person that is prepared; not called for those found in the store.

    Returns
    -------
    trials : Trials
        As of the preprocessed release: 3 s baseline and 60 s of video at 128 Hz with the default settings.
        ``provenance["recordings"]`` tells for each person what every step did and removed, the trials that are missing
        and why, and the warnings, which are also given as such.

    Raises
    ------
    DataFormatError
        If a recording or the ratings are not what DEAP's release holds: no trigger channel, no onsets, onsets that
        cannot be matched to trials, a row missing or double, ratings that were altered.
    ConfigError
        If a setting cannot be used, or the cache folder cannot be written.

    Notes
    -----
    The steps are those that DEAP's authors give: 128 Hz, EOG removed, 4-45 Hz, average reference, order of channels as
    in Geneva, 3 s + 60 s, order of videos. Their EOG method and filters are not published, so the samples are not those
    of the preprocessed release. GSR is in the unit of Geneva: Twente's values are turned by 1e9 / x.

    References
    ----------
    Koelstra et al. 2012, doi:10.1109/T-AFFC.2011.15.
    """
    names, columns = deap.LAYOUT.resolve(channels)
    tasks = _tasks(as_path(folder, "folder"), subjects, names, preprocessing, ratings)
    place = tasks[0].path.parent
    simulated = (place / SIMULATED_MARK).exists()

    def blocks() -> Iterator[tuple[np.ndarray, pd.DataFrame, dict[str, Any]]]:
        prepare = joblib.delayed(_Task.prepare)
        for block in joblib.Parallel(n_jobs=n_jobs, return_as="generator")(prepare(task) for task in tasks):
            yield block
            if on_prepared:
                on_prepared(block[2]["subject"])

    trials = prepared(
        [*(task.path for task in tasks), find_ratings(place, ratings)],
        blocks,
        description={
            "ch_names": list(names),
            "ch_types": deap.LAYOUT.types_of(columns),
            "sfreq": preprocessing.sfreq or _common_rate([task.path for task in tasks]),
            "dataset": "simulated raw DEAP files" if simulated else "DEAP, raw",
            "simulated": simulated,
            "provenance": {
                "source": "raw recordings",
                "subjects": [task.subject for task in tasks],
                "preprocessing": preprocessing.as_json,
                "pass_band": list(preprocessing.pass_band),
            },
        },
        cache=cache,
    )
    return with_warnings(trials)


def raw_subjects(folder: str | os.PathLike[str]) -> list[int]:
    """List the people whose raw recordings a folder, or its ``data_original``, holds.

    Parameters
    ----------
    folder : path-like
        Any folder.

    Returns
    -------
    subjects : list of int
        Empty where there is none.
    """
    return list(_raw_files(as_path(folder, "folder")))


def deap_recordings(
    folder: str | os.PathLike[str],
    *,
    subjects: Iterable[int] | None = None,
    preprocessing: Preprocessing = DEAP_PREPROCESSING,
    ratings: str | os.PathLike[str] | None = None,
) -> Iterator[Recording]:
    """Open one recording after another, with its trials in the order of the videos.

    Parameters
    ----------
    folder, subjects, preprocessing, ratings
        As in :func:`load_deap_raw`.

    Yields
    ------
    recording : Recording
    """
    for task in _tasks(as_path(folder, "folder"), subjects, deap.EEG, preprocessing, ratings):
        yield task.open()


@dataclass(frozen=True)
class _Task:
    """One person's recording, and what is wanted of it; small, so that it can be sent to another process."""

    subject: int
    path: Path
    sheet: pd.DataFrame
    names: tuple[str, ...]
    preprocessing: Preprocessing

    def open(self) -> Recording:
        raw = read_deap_raw(self.path)
        wanted = {name for name, (_, electrodes) in _PERIPHERAL.items() if name in (*self.names, *_EOG)}
        electrodes = [*deap.EEG, *(e for name in _PERIPHERAL if name in wanted for e in _PERIPHERAL[name][1])]
        missing = [electrode for electrode in electrodes if electrode not in raw.ch_names]
        if missing:
            raise DataFormatError(
                f"{self.path.name}: channels {', '.join(missing)} are missing; is this a recording of DEAP?"
            )
        onsets, start_times = find_onsets(raw), self.sheet["Start_time"].to_numpy(float) / 1e6
        try:
            presented = match_onsets(onsets, start_times)
        except DataFormatError as error:
            raise DataFormatError(f"{self.path.name}: {error}") from error
        check_ratings(self.path, self.sheet)
        lost = sorted(set(self.sheet["Experiment_id"]) - set(self.sheet["Experiment_id"].iloc[presented]))
        messages = []
        off = np.ptp(onsets - start_times[presented])
        if off > OFF_BY_SECONDS:
            messages.append(
                f"The gaps between the {len(onsets)} video starts differ from those of the sheet's Start_time by up to "
                f"{off:.0f} s; if one start is missing and another one false, the trials have wrong labels. Check them."
            )
        if lost:
            messages.append(
                f"{len(lost)} of {len(self.sheet)} video starts are missing; left out: trials {listed(lost)}."
            )
        rows = self.sheet.iloc[presented].assign(onset=onsets).sort_values("Experiment_id")
        video = rows["Experiment_id"].to_numpy()
        table = pd.DataFrame({"subject": self.subject, "trial": video, "stimulus": video})
        for rating in deap.RATINGS:
            table[rating] = rows[rating.capitalize()].to_numpy(float)
        return Recording(
            name=self.path.name,
            raw=raw.pick(electrodes, verbose="error"),
            onsets=rows["onset"].to_numpy(),
            durations=np.full(len(rows), VIDEO_SECONDS),
            table=table,
            preprocessing=_settings(self.preprocessing, wanted),
            messages=tuple(messages),
        )

    def prepare(self) -> tuple[np.ndarray, pd.DataFrame, dict[str, Any]]:
        recording = self.open()
        in_microvolts = {name for name, unit in recording.raw._orig_units.items() if unit in ("µV", "uV")}
        signals, table, record = recording.prepare(self.names)
        for column, name in enumerate(self.names):
            kind, electrodes = _PERIPHERAL.get(name, ("eeg", ()))
            if kind in ("eeg", "eog", "emg"):
                continue
            if electrodes[0] in in_microvolts:  # as the file's header has it; MNE made volts of them
                signals[:, column] *= 1e6
            if name == "GSR" and self.subject <= deap.LAST_IN_TWENTE:
                positive = signals[:, column] > 1  # nanosiemens; digital 0 of a 24-bit range is not quite 0
                signals[:, column] = np.divide(
                    1e9, signals[:, column], out=np.zeros(len(signals), np.float32), where=positive
                )
                if not positive.all():
                    record["messages"].append(f"GSR is 0 in {(~positive).sum()} samples, where none was recorded.")
        return signals, table, record


def _tasks(
    folder: Path,
    subjects: Iterable[int] | None,
    names: tuple[str, ...],
    preprocessing: Preprocessing,
    ratings: str | os.PathLike[str] | None,
) -> list[_Task]:
    as_settings(preprocessing)
    files = _find_files(folder, subjects)
    place = next(iter(files.values())).parent
    path = find_ratings(place, ratings)
    sheet = read_sheet(path)
    n_trials = None if (place / SIMULATED_MARK).exists() else deap.N_TRIALS
    return [
        _Task(subject, file, rows_of(sheet, subject, n_trials, path), names, preprocessing)
        for subject, file in files.items()
    ]


def _common_rate(paths: Sequence[Path]) -> float:
    rates = {path.name: float(read_deap_raw(path).info["sfreq"]) for path in paths}
    first, rate = next(iter(rates.items()))
    for name, other in rates.items():
        if other != rate:
            raise DataFormatError(f"{name}: {other:.7g} samples a second, {first} has {rate:.7g}; set sfreq.")
    return rate


def _settings(preprocessing: Preprocessing, wanted: set[str]) -> Preprocessing:
    """Leave out the settings of peripheral channels that are not read."""
    unused = set(_PERIPHERAL) - wanted
    recorded = {electrode for name in unused for electrode in _PERIPHERAL[name][1]}
    return replace(
        preprocessing,
        rename=tuple(pair for pair in preprocessing.rename if pair[0] not in recorded),
        types=tuple(pair for pair in preprocessing.types if pair[0] not in unused),
        bipolar=tuple(row for row in preprocessing.bipolar if row[0] not in unused),
    )


def _raw_files(folder: Path) -> dict[int, Path]:
    return subject_files(folder, _FILE) or subject_files(folder / "data_original", _FILE)


def _find_files(folder: Path, subjects: Iterable[int] | None) -> dict[int, Path]:
    if not folder.is_dir():
        kind = ", which is a file" if folder.exists() else ""
        raise DataFormatError(f"There is no folder {str(folder)!r}{kind}; give the path of DEAP's data_original.")
    found = _raw_files(folder)
    if not found:
        raise DataFormatError(f"{str(folder)!r} holds no s01.bdf ... s32.bdf; are these DEAP's raw recordings?")
    return wanted_files(found, subjects, next(iter(found.values())).parent)


DEAP_RAW = Dataset(
    name="DEAP, raw",
    files="s01.bdf ... s32.bdf",
    recognised=lambda folder: holds(folder, _FILE) or holds(folder / "data_original", _FILE),
    load=load_deap_raw,
    ch_names=deap.EEG,
    sfreq=512.0,
    pass_band=(None, None),
    labels="valence, arousal, dominance and liking of 40 music videos, each from 1 to 9",
    schemes=(quadrants(), high_low("valence"), high_low("arousal")),
    licence="on request, for academic use, by a signed agreement",
    source="Koelstra et al. 2012, doi:10.1109/T-AFFC.2011.15",
)
