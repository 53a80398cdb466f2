"""DREAMER's file, with simulated people in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from eegemo.datasets._simulated_people import SimulatedPerson
from eegemo.datasets._written_matlab import cells, save_matlab
from eegemo.datasets.dreamer import LAYOUT, N_FILMS, RATINGS
from eegemo.datasets.simulated_releases import MakePerson

#: Of the films; as long as the shortest and the longest of DREAMER's, and 199 s in the mean, as they are.
FILM_SECONDS = (65, 393, 112, 240, 185, 142, 263, 199, 158, 221, 93, 302, 176, 131, 281, 205, 250, 166)
BASELINE_TIMES = 7808
_ECG_SFREQ = 256
#: Valence and arousal of each film, -1 to 1, from the mean ratings of 23 people (Katsigiannis & Ramzan 2018, table 1).
_MEANT = (
    np.array(
        [
            [
                3.17,
                3.04,
                4.57,
                2.04,
                3.22,
                2.70,
                4.52,
                1.35,
                1.39,
                2.17,
                3.96,
                3.96,
                4.39,
                2.35,
                2.48,
                3.65,
                1.52,
                2.65,
            ],
            [
                2.26,
                3.00,
                3.83,
                4.26,
                3.70,
                3.83,
                3.17,
                3.96,
                3.00,
                3.30,
                1.96,
                2.61,
                3.70,
                2.22,
                3.09,
                3.35,
                3.00,
                3.91,
            ],
        ]
    ).T
    - 3
) / 2
_OFFSET, _STEP = 4200.0, 1 / 1.95  # microvolts: of the headset, and of its 14 bits
_POINTS = 1.2  # of the scale from 1 to 5 in a standard deviation


def write(folder: Path, subjects: list[int], make_person: MakePerson) -> Iterator[Path]:
    """Write ``DREAMER.mat``.

    Parameters
    ----------
    folder : Path
        Where it goes.
    subjects : list of int
        Numbers of people, which are their places in the file; places between them are empty.
    make_person : callable
        Makes one of them.

    Yields
    ------
    path : Path
        Of the file, when it is complete.
    """
    people = [_person(make_person(number)) if number in subjects else np.zeros((0, 0)) for number in _up_to(subjects)]
    content = {
        "Data": cells(people),
        "EEG_SamplingRate": LAYOUT.sfreq,
        "ECG_SamplingRate": float(_ECG_SFREQ),
        "EEG_Electrodes": cells(LAYOUT.ch_names),
        "noOfSubjects": float(len(subjects)),
        "noOfVideoSequences": float(N_FILMS),
        "Disclaimer": "Simulated by eegemo: nobody was recorded.",
        "Provider": "eegemo",
        "Version": "simulated",
        "Acknowledgement": "Katsigiannis & Ramzan 2018, doi:10.1109/JBHI.2017.2688239, whose file this imitates.",
    }
    save_matlab(folder / "DREAMER.mat", {"DREAMER": content})
    yield folder / "DREAMER.mat"


def _up_to(subjects: list[int]) -> range:
    return range(1, max(subjects) + 1)


def _person(person: SimulatedPerson) -> dict[str, Any]:
    felt = person.felt(_MEANT)
    dominance = person.rng.normal(0.3 * felt[:, 0], 1.0)
    recordings: dict[str, list[np.ndarray]] = {"baseline": [], "stimuli": []}
    for film, seconds in enumerate(FILM_SECONDS):
        n_film = round(seconds * LAYOUT.sfreq)
        recordings["baseline"].append(person.record(2 * film, BASELINE_TIMES))
        recordings["stimuli"].append(person.record(2 * film + 1, n_film, felt[film]))
    scores = np.clip(np.round(3 + _POINTS * np.column_stack([felt, dominance])), 1, 5)
    return {
        "Age": str(person.rng.integers(22, 34)),
        "Gender": ("male", "female")[person.rng.integers(2)],
        "EEG": {
            kind: cells((_as_of_the_headset(trial) for trial in trials), (N_FILMS, 1))
            for kind, trials in recordings.items()
        },
        "ECG": {
            kind: cells((_ecg(person.rng, len(trial)) for trial in trials), (N_FILMS, 1))
            for kind, trials in recordings.items()
        },
        **{name: scores[:, [column]] for column, name in enumerate(RATINGS)},
    }


def _as_of_the_headset(microvolts: np.ndarray) -> np.ndarray:
    return np.round((microvolts.astype(float) + _OFFSET) / _STEP) * _STEP


def _ecg(rng: np.random.Generator, n_eeg: int) -> np.ndarray:
    """Return two leads with a beat every 0.85 s or so, plausible and nothing more."""
    n_times = n_eeg * _ECG_SFREQ // int(LAYOUT.sfreq)
    phase = np.cumsum(rng.normal(1 / (0.85 * _ECG_SFREQ), 1e-4, n_times))
    beats = np.exp(-0.5 * ((phase % 1 - 0.5) / 0.02) ** 2)
    return np.round(2048 + 400 * beats[:, None] * [1.0, 0.7] + rng.normal(0, 5, (n_times, 2)))
