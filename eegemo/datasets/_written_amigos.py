"""AMIGOS's preprocessed files, with simulated people in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from eegemo.datasets._simulated_people import SimulatedPerson
from eegemo.datasets._written_matlab import cells, save_matlab
from eegemo.datasets.amigos import CELLS, EMOTIONS, LAYOUT, N_BASELINE
from eegemo.datasets.simulated_releases import MakePerson

#: In the order of the files.
VIDEOS = tuple("4 5 9 10 13 18 19 20 23 30 31 34 36 58 80 138 N1 P1 B1 U1".split())
#: Of each video; as many stretches of 20 s as AMIGOS has annotations for.
VIDEO_SECONDS = (90, 110, 70, 90, 50, 70, 130, 70, 110, 70, 150, 70, 70, 50, 90, 110, 1410, 1130, 1410, 850)
#: Who saw no long video.
SHORT_ALONE = (8, 24, 28)
#: Valence and arousal of each video; which video is of which quadrant is chosen here.
_MEANT = np.array([(1, 1), (1, -1), (-1, 1), (-1, -1)] * 5)
_EXTERNAL = 20  # seconds of a video that three people annotated at a time


def write(folder: Path, subjects: list[int], make_person: MakePerson) -> Iterator[Path]:
    """Write ``Data_Preprocessed_P01.mat`` and so on, with the long videos of all but subjects 8, 24 and 28.

    Parameters
    ----------
    folder : Path
        Where they go.
    subjects : list of int
        Numbers of people.
    make_person : callable
        Makes one of them.

    Yields
    ------
    path : Path
        Of a file, when it is complete.
    """
    for subject in subjects:
        path = folder / f"Data_Preprocessed_P{subject:02d}.mat"
        save_matlab(path, _variables(make_person(subject), CELLS["short" if subject in SHORT_ALONE else "all"]))
        yield path


def _variables(person: SimulatedPerson, seen: range) -> dict[str, np.ndarray]:
    felt = person.felt(_MEANT)
    recordings, external, answers = [], [], []
    for cell, seconds in enumerate(VIDEO_SECONDS):
        there = cell in seen
        recordings.append(_recording(person, cell, seconds, felt[cell].tolist()) if there else np.zeros((0, 0)))
        external.append(_annotations(person.rng, seconds, felt[cell]) if there else np.zeros((0, 3)))
        answers.append(_answers(person.rng, felt[cell]) if there else np.zeros((1, 0)))
    return {
        "VideoIDs": cells(VIDEOS),
        "joined_data": cells(recordings),
        "labels_ext_annotation": cells(external),
        "labels_selfassessment": cells(answers),
    }


def _recording(person: SimulatedPerson, cell: int, seconds: float, felt: list[float]) -> np.ndarray:
    """Return the channels of EEG, two of ECG and skin conductance; those but EEG are plausible and nothing more."""
    n_times = N_BASELINE + round(seconds * LAYOUT.sfreq)
    eeg = person.record(cell, n_times, felt)
    phase = np.cumsum(person.rng.normal(1 / (0.85 * LAYOUT.sfreq), 1e-4, n_times))
    ecg = np.exp(-0.5 * ((phase % 1 - 0.5) / 0.02) ** 2)[:, None] * [400.0, 300.0]
    gsr = 1e5 + np.cumsum(person.rng.normal(0, 5, (n_times, 1)), axis=0)
    return np.concatenate([eeg, ecg, gsr], axis=1).astype(float)


def _annotations(rng: np.random.Generator, seconds: float, felt: np.ndarray) -> np.ndarray:
    """Return the number, valence and arousal of each annotated stretch."""
    number = np.arange(1, seconds // _EXTERNAL + 2)
    return np.column_stack([number, np.clip(rng.normal(felt, 0.3, (len(number), 2)) / 3, -1, 1)])


def _answers(rng: np.random.Generator, felt: np.ndarray) -> np.ndarray:
    valence, arousal = felt
    others = rng.normal([0.3 * valence, 0.6 * valence, 0.0], 1.0)
    ratings = np.clip(5 + 2 * np.array([arousal, valence, *others]), 1, 9)
    emotions = (rng.random(len(EMOTIONS)) < 0.2).astype(float)
    return np.concatenate([ratings, emotions])[None]
