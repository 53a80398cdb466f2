"""Simulated people in the files of SEED and of SEED-IV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import scipy.io

from eegemo._atomic import replacing
from eegemo.datasets import seed, seed_iv
from eegemo.datasets._seed_files import N_SESSIONS

if TYPE_CHECKING:
    from eegemo.datasets._simulated_people import SimulatedPerson
    from eegemo.datasets.simulated_releases import MakePerson

#: Samples of the trials of a session of SEED.
SEED_N_TIMES = (
    *(47001, 46601, 41201, 47601, 37001, 39001, 47401, 43201),
    *(53001, 47401, 47001, 46601, 47001, 47601, 41201),
)
#: Whole stretches of 4 s in the trials of each session of SEED-IV.
_SEED_IV_STRETCHES = (
    (42, 23, 49, 32, 22, 40, 38, 52, 36, 42, 12, 27, 54, 42, 64, 35, 17, 44, 35, 12, 28, 28, 43, 34),
    (55, 25, 34, 36, 53, 27, 34, 46, 34, 20, 60, 12, 36, 27, 44, 15, 46, 49, 45, 10, 37, 44, 24, 19),
    (42, 32, 23, 45, 48, 26, 64, 23, 26, 16, 51, 41, 39, 19, 28, 44, 14, 17, 45, 22, 39, 38, 41, 39),
)
SEED_IV_N_TIMES = tuple(tuple(800 * n + 1 for n in session) for session in _SEED_IV_STRETCHES)
#: Valence and arousal that a film of each class is made for, -1 to 1.
_MEANT = {
    **{"negative": (-1.0, 0.5), "neutral": (0.0, -0.5), "positive": (1.0, 0.5)},
    **{"sad": (-1.0, -0.5), "fear": (-0.8, 1.0), "happy": (1.0, 0.5)},
}
_FIRST_DAY = {"seed": date(2013, 10, 27), "seed-iv": date(2016, 5, 18)}
_WEEK = timedelta(days=7)


def write_seed(folder: Path, subjects: list[int], make_person: MakePerson) -> Iterator[Path]:
    """Write SEED's recordings: ``Preprocessed_EEG`` with ``label.mat`` and three files a person.

    Parameters
    ----------
    folder : Path
        Where the release goes.
    subjects : list of int
        People's numbers.
    make_person : callable
        Makes the one of a number.

    Yields
    ------
    path : Path
        Of each file when it is complete.
    """
    place = folder / "Preprocessed_EEG"
    yield _write(place / "label.mat", {"label": np.array([seed.LABELS], np.float64)})
    emotions = [seed.EMOTIONS[label + 1] for label in seed.LABELS]
    for subject in subjects:
        person = make_person(subject)
        for session in range(N_SESSIONS):
            path = place / f"{subject}_{_FIRST_DAY['seed'] + session * _WEEK:%Y%m%d}.mat"
            yield _write(path, _record(person, subject, session, SEED_N_TIMES, emotions))


def write_seed_iv(folder: Path, subjects: list[int], make_person: MakePerson) -> Iterator[Path]:
    """Write SEED-IV's recordings: ``eeg_raw_data`` with a folder a session.

    Parameters
    ----------
    folder, subjects, make_person
        As :func:`write_seed` takes them.

    Yields
    ------
    path : Path
        Of each file when it is complete.
    """
    for subject in subjects:
        person = make_person(subject)
        for session, (n_times, labels) in enumerate(zip(SEED_IV_N_TIMES, seed_iv.LABELS, strict=True)):
            place = folder / "eeg_raw_data" / str(session + 1)
            path = place / f"{subject}_{_FIRST_DAY['seed-iv'] + session * _WEEK:%Y%m%d}.mat"
            yield _write(
                path, _record(person, subject, session, n_times, [seed_iv.EMOTIONS[label] for label in labels])
            )


def _record(
    person: SimulatedPerson, subject: int, session: int, n_times: Sequence[int], emotions: Sequence[str]
) -> dict[str, np.ndarray]:
    """Return the arrays of a session, each of shape (62, n_times)."""
    initials = "".join(chr(ord("a") + letter) for letter in divmod(subject % 26**2, 26))
    felt = person.felt(np.array([_MEANT[emotion] for emotion in emotions]))
    return {
        f"{initials}_eeg{trial + 1}": person.record(len(n_times) * session + trial, length, felt[trial]).T.astype(float)
        for trial, length in enumerate(n_times)
    }


def _write(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    """Write a MATLAB file of version 5, compressed as MATLAB does it; the same arrays give the same bytes."""
    with replacing(path) as partial:
        scipy.io.savemat(partial, arrays, do_compression=True)
        with partial.open("r+b") as file:  # the header holds the time of writing
            file.write(b"MATLAB 5.0 MAT-file, written by eegemo".ljust(116))
    return path
