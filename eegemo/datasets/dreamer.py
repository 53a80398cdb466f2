"""DREAMER: EEG of a wireless headset while people watch 18 films, with valence, arousal and dominance."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from eegemo._numbers import finite
from eegemo._paths import as_path
from eegemo.datasets._layout import Layout
from eegemo.datasets._matlab import walk_matlab
from eegemo.datasets._people import Recorded, load_people
from eegemo.datasets._subjects import whole_numbers
from eegemo.datasets._wanted import Place
from eegemo.datasets.published import Dataset, credit, holds
from eegemo.errors import ConfigError, DataFormatError, suggest_keywords
from eegemo.labels import high_low, quadrants
from eegemo.trials import Trials

LAYOUT = Layout(
    name="DREAMER",
    ch_names=tuple("AF3 F7 F3 FC5 T7 P7 O1 O2 P8 T8 FC6 F4 F8 AF4".split()),
    sfreq=128.0,
    pass_band=(None, None),
    other_types={},
)
N_FILMS = 18
#: What each film was chosen to elicit, in the order of their numbers.
TARGET_EMOTIONS = tuple(
    "calmness surprise amusement fear excitement disgust happiness anger sadness "
    "disgust calmness amusement happiness anger fear excitement sadness surprise".split()
)
RATINGS = {"ScoreValence": "valence", "ScoreArousal": "arousal", "ScoreDominance": "dominance"}
_LOWEST, _HIGHEST = 1, 5
_FILE = re.compile(r"DREAMER\.mat", re.IGNORECASE)
_MOST_BYTES = 20 * 60 * int(LAYOUT.sfreq) * len(LAYOUT.ch_names) * 8  # of a film; the longest lasts 393 s
_FEW_BYTES = 1000  # of scores, or of a name


@suggest_keywords
def load_dreamer(
    folder: str | os.PathLike[str],
    *,
    subjects: Iterable[int] | None = None,
    channels: str | Iterable[str] = "eeg",
    seconds: float | None = 60.0,
    cache: str | os.PathLike[str] | None = None,
) -> Trials:
    """Load DREAMER: 18 trials a person, 14 channels of an Emotiv EPOC at 128 Hz.

    The first call prepares a store of float32 samples, one person in memory at a time; later calls map it.

    Parameters
    ----------
    folder : path-like
        The folder of ``DREAMER.mat``.
    subjects : iterable of int | None
        Which people, by their place in the file, from 1; all that are there by default.
    channels : "eeg" | "emotiv14" | iterable of str
        All 14 channels, or names. The order of the columns is the one that the file gives.
    seconds : float | None
        The last so many seconds of each film, which last from 65 to 393 s; the authors use the last 60. None keeps
        whole films, so that trials differ in length.
    cache
        As in :func:`eegemo.load`.

    Returns
    -------
    trials : Trials
        In the order of the file. ``trial`` and ``stimulus`` are the number of the film, 1 to 18, ``target_emotion`` is
        what it was chosen to elicit. ``valence``, ``arousal`` and ``dominance`` are whole numbers from 1 to 5, of
        which those above 3 are high. The 61 s of a neutral film that were recorded before each film are its baseline,
        and are never windowed; where the film is cut, baseline and film do not follow each other.

    Raises
    ------
    DataFormatError
        If the file is missing, or is not what DREAMER holds.
    ConfigError
        If the path, a subject, a channel or ``seconds`` is none.

    Notes
    -----
    The signals are as the headset gives them, in microvolts: with an offset near 4200, and no band-pass. So
    ``trials.pass_band`` is ``(None, None)``; the authors' features are of 4-30 Hz. The electrocardiogram, at 256 Hz, is
    not read.

    References
    ----------
    Katsigiannis & Ramzan 2018, "DREAMER: A Database for Emotion Recognition Through EEG and ECG Signals from Wireless
    Low-cost Off-the-Shelf Devices", doi:10.1109/JBHI.2017.2688239. Films: Gabert-Quillen et al. 2015,
    doi:10.3758/s13428-014-0500-0.
    """
    path = _find_file(as_path(folder, "folder"))
    wanted = None if subjects is None else sorted(whole_numbers(subjects))
    if seconds is not None and finite("seconds", seconds) < 1 / LAYOUT.sfreq:
        raise ConfigError(f"seconds must be above 0, or None for whole films, got {seconds!r}.")

    def trials_by(columns: list[int]) -> Trials:
        return load_people(
            LAYOUT,
            path.parent,
            [path],
            lambda: _read(path, wanted, seconds, columns),
            channels=channels,
            cache=cache,
            provenance={
                "source": path.name,
                "subjects": wanted,
                "seconds": None if seconds is None else float(seconds),
                **credit(DREAMER),
            },
        )

    try:
        trials = trials_by(list(range(len(LAYOUT.ch_names))))
    except _OtherOrderError as other:
        trials = trials_by(other.columns)
    there = [int(subject) for subject in trials.table["subject"].unique()]
    return trials._replaced(provenance={**trials.provenance, "subjects": there})


def _find_file(folder: Path) -> Path:
    if not folder.is_dir():
        kind = ", which is a file" if folder.exists() else ""
        raise DataFormatError(f"There is no folder {str(folder)!r}{kind}; give the folder of DREAMER.mat.")
    found = sorted(path for path in folder.iterdir() if _FILE.fullmatch(path.name) and path.is_file())
    if len(found) != 1:
        kind = f"several of them ({', '.join(path.name for path in found)})" if found else "none"
        raise DataFormatError(
            f"{str(folder)!r} should hold one DREAMER.mat and holds {kind}; is this DREAMER, unpacked?"
        )
    return found[0]


class _OtherOrderError(Exception):
    """The electrodes, whose names stand behind all samples, are not in the order in which they were taken to be."""

    def __init__(self, columns: list[int]) -> None:
        super().__init__(columns)
        self.columns = columns


def _read(path: Path, subjects: list[int] | None, seconds: float | None, columns: list[int]) -> Iterator[Recorded]:
    """Read one person after another, in one way through the file; ``columns`` are where the channels stand."""
    places = "*" if subjects is None else [number - 1 for number in subjects]
    few = ("EEG_Electrodes/*", "EEG_SamplingRate", *(f"Data/*/{name}" for name in RATINGS))
    samples = (f"Data/{place}/EEG/{kind}/*" for kind in _Signals.kinds for place in places)
    wanted = dict.fromkeys((f"DREAMER/{name}" for name in few), _FEW_BYTES)
    wanted |= dict.fromkeys((f"DREAMER/{name}" for name in samples), _MOST_BYTES)
    electrodes: dict[int, str] = {}
    scores: dict[int, dict[str, np.ndarray]] = {}
    read: list[int] = []
    for number, found in groupby(walk_matlab(path, wanted), key=lambda item: _number_in(item[0])):
        signals = _Signals(path.name, number, seconds)
        for place, array in found:
            if place[1] == "EEG_Electrodes":
                electrodes[int(place[2])] = str(array)
            elif place[1] == "EEG_SamplingRate":
                _check_rate(path.name, array)
            elif (name := str(place[3])) in RATINGS:
                scores.setdefault(number, {})[RATINGS[name]] = _scores(path.name, number, RATINGS[name], array)
            else:
                signals.add(str(place[4]), int(place[5]), array)
        if signals.there:
            read.append(number)
            yield _recorded(signals, scores.get(number, {}), columns)
    _check_people(path.name, list(scores) if subjects is None else subjects, list(scores), read)
    if (order := _columns(path.name, [electrodes[number] for number in sorted(electrodes)])) != columns:
        raise _OtherOrderError(order)


def _number_in(place: Place) -> int:
    """Return the number of the person of whom something is, from 1; 0 where it is of none."""
    return int(place[2]) + 1 if place[1] == "Data" else 0


def _check_rate(file: str, rate: np.ndarray) -> None:
    if rate.tolist() != [[LAYOUT.sfreq]]:
        raise DataFormatError(f"{file}: EEG_SamplingRate is {rate.tolist()}, expected {LAYOUT.sfreq:g}.")


def _check_people(file: str, wanted: list[int], there: list[int], read: list[int]) -> None:
    """Refuse a file without people, or without those that are wanted."""
    if not there:
        raise DataFormatError(f"{file}: there is no person in DREAMER.Data; is this DREAMER's file?")
    missing = sorted(set(wanted) - set(there))
    if missing or not wanted:
        raise DataFormatError(
            f"{file} has no subject {missing[0] if missing else '(none wanted)'}; it holds subjects "
            f"{', '.join(map(str, there))}."
        )
    without = sorted(set(wanted) - set(read))
    if without:
        raise DataFormatError(f"{file}: subject {without[0]} has no EEG; fetch the file again.")


def _columns(file: str, electrodes: list[str]) -> list[int]:
    names = [name.strip() for name in electrodes]
    if sorted(names) != sorted(LAYOUT.ch_names):
        raise DataFormatError(
            f"{file}: EEG_Electrodes names {', '.join(names) or 'none'}, expected {', '.join(LAYOUT.ch_names)}, in "
            "any order."
        )
    return [names.index(name) for name in LAYOUT.ch_names]


def _scores(file: str, number: int, name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "fiu" or array.size != N_FILMS:
        raise DataFormatError(
            f"{file}: subject {number} has {array.size} scores of {name} ({array.dtype}), expected {N_FILMS} numbers."
        )
    scores = array.ravel(order="F").astype(float)
    wrong = ~((scores >= _LOWEST) & (scores <= _HIGHEST) & (scores == np.round(scores)))
    if wrong.any():
        film = int(wrong.argmax())
        raise DataFormatError(
            f"{file}: {name} of film {film + 1} of subject {number} is {scores[film]:g}, expected a whole number from "
            f"{_LOWEST} to {_HIGHEST}."
        )
    return scores


class _Signals:
    """The samples of one person, as far as they were read."""

    kinds = ("stimuli", "baseline")

    def __init__(self, file: str, subject: int, seconds: float | None) -> None:
        self.file = f"{file}, subject {subject}"
        self.subject = subject
        self.n_times = None if seconds is None else round(seconds * LAYOUT.sfreq)
        self.arrays: dict[str, dict[int, np.ndarray]] = {kind: {} for kind in self.kinds}

    @property
    def there(self) -> bool:
        """Whether there is any."""
        return any(self.arrays.values())

    def add(self, kind: str, film: int, array: np.ndarray) -> None:
        """Keep a film or its baseline, as far as it is wanted."""
        name = f"{self.file}: {kind} of film {film + 1}"
        if film >= N_FILMS:
            raise DataFormatError(f"{name}, expected {N_FILMS} films.")
        if array.dtype.kind not in "fiu" or array.ndim != 2 or array.shape[1] != len(LAYOUT.ch_names) or not len(array):
            raise DataFormatError(
                f"{name} has shape {array.shape} ({array.dtype}), expected (n_times, {len(LAYOUT.ch_names)}) and "
                "numbers; fetch it again."
            )
        if kind == "stimuli" and self.n_times is not None:
            if len(array) < self.n_times:
                raise ConfigError(
                    f"{name} lasts {len(array) / LAYOUT.sfreq:g} s; seconds must be at most that, or None for whole "
                    f"films, got {self.n_times / LAYOUT.sfreq:g}."
                )
            array = array[-self.n_times :]
        with np.errstate(over="ignore"):  # an infinity is refused with its place
            self.arrays[kind][film] = np.array(array, np.float32)

    def join(self) -> tuple[list[np.ndarray], list[int]]:
        """Return the films in order, each behind its baseline, and the lengths of the baselines."""
        films, baselines = (self.arrays[kind] for kind in self.kinds)
        for kind, found in ((self.kinds[0], films), *([(self.kinds[1], baselines)] if baselines else [])):
            if len(found) < N_FILMS:
                missing = min(set(range(N_FILMS)) - set(found))
                raise DataFormatError(f"{self.file}: film {missing + 1} has no {kind}; fetch the file again.")
        n_baseline = [len(baselines.get(film, ())) for film in range(N_FILMS)]
        none = np.empty((0, len(LAYOUT.ch_names)), np.float32)
        joined = [np.concatenate([baselines.pop(film, none), films.pop(film)]) for film in range(N_FILMS)]
        return joined, n_baseline


def _recorded(signals: _Signals, scores: dict[str, np.ndarray], columns: list[int]) -> Recorded:
    missing = [name for name in RATINGS.values() if name not in scores]
    if missing:
        raise DataFormatError(f"{signals.file} has no scores of {missing[0]}; fetch the file again.")
    joined, n_baseline = signals.join()
    if columns != sorted(columns):
        joined = [trial[:, columns] for trial in joined]
    films = np.arange(1, N_FILMS + 1)
    table: dict[str, Any] = {
        "subject": signals.subject,
        "trial": films,
        "stimulus": films,
        "n_baseline": n_baseline,
        **{name: scores[name] for name in RATINGS.values()},
        "target_emotion": TARGET_EMOTIONS,
    }
    return Recorded(signals.file, joined, pd.DataFrame(table))


DREAMER = Dataset(
    name="DREAMER",
    files="DREAMER.mat",
    recognised=lambda folder: holds(folder, _FILE),
    load=load_dreamer,
    ch_names=LAYOUT.ch_names,
    sfreq=LAYOUT.sfreq,
    pass_band=LAYOUT.pass_band,
    labels="valence, arousal and dominance of 18 films, each a whole number from 1 to 5",
    schemes=(quadrants(3), *(high_low(rating, 3) for rating in RATINGS.values())),
    licence="on request (Zenodo, doi:10.5281/zenodo.546113); see the agreement of the release",
    source="Katsigiannis & Ramzan 2018, doi:10.1109/JBHI.2017.2688239",
    caution="the signals are as the headset gives them, with an offset near 4200 microvolts and no band-pass",
)
