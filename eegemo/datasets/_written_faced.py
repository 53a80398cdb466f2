"""Simulated people in the files of FACED."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from eegemo._atomic import replacing
from eegemo.datasets import faced
from eegemo.datasets._simulated_people import SimulatedPerson

#: Valence and arousal that the videos of each emotion are made for.
_MEANT = {
    "anger": (-1, 1),
    "disgust": (-1, 0.5),
    "fear": (-1, 1),
    "sadness": (-1, -0.5),
    "neutral": (0, -0.5),
    "amusement": (1, 0.5),
    "inspiration": (0.5, 0.5),
    "joy": (1, 1),
    "tenderness": (1, -0.5),
}
_NEAREST = ("T8", "T7")  # of the scalp's electrodes to A2 and A1
# Python 3 with NumPy 1 names them so; newer versions of NumPy say numpy._core.
_PREFIX, _PREFIX_OF_NUMPY_1 = b"\x80\x03cnumpy._core.multiarray\n", b"\x80\x03cnumpy.core.multiarray\n"


def write(folder: Path, subjects: list[int], make_person: Callable[[int], SimulatedPerson]) -> Iterator[Path]:
    """Write the file of each person.

    Parameters
    ----------
    folder : Path
        That is to hold ``Processed_data``.
    subjects : list of int
        Their numbers, which the files have too.
    make_person : callable
        Makes a person from their number.

    Yields
    ------
    path : Path
        Of a file that is complete.
    """
    for subject in subjects:
        path = folder / "Processed_data" / f"sub{subject:03d}.pkl"
        with replacing(path) as partial:
            partial.write_bytes(_pickled(_record(make_person(subject))))
        yield path


def _record(person: SimulatedPerson) -> np.ndarray:
    """Return what a file holds, shape (28, 32, 7500)."""
    meant = [_MEANT[name] for name, (n_videos, _) in faced.EMOTIONS.items() for _ in range(n_videos)]
    nearest = [faced.EEG.index(name) for name in _NEAREST]
    videos = np.empty((len(meant), len(faced.CH_NAMES), faced.N_TIMES))
    for number, emotion in enumerate(person.felt(np.array(meant))):
        eeg = person.record(number + 1, faced.N_TIMES, tuple(emotion)).T
        videos[number] = np.concatenate([eeg, eeg[nearest] / 2])
    return videos


def _pickled(array: np.ndarray) -> bytes:
    """Pickle an array in protocol 3, as Python 3 wrote it while there was NumPy 1."""
    content = pickle.dumps(array, protocol=3)
    return _PREFIX_OF_NUMPY_1 + content.removeprefix(_PREFIX) if content.startswith(_PREFIX) else content
