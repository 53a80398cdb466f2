"""The recordings of SEED and SEED-IV on disk: a MATLAB file a person and session, in which each trial is an array."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from eegemo.datasets._matlab import walk_matlab
from eegemo.datasets._people import Recorded
from eegemo.datasets.published import holds
from eegemo.errors import DataFormatError

SFREQ = 200.0
N_SESSIONS = 3
#: In the order of the files, which do not name theirs; CB1 and CB2 lie beside the inion, below O1 and O2.
CH_NAMES = (
    *"Fp1 Fpz Fp2 AF3 AF4 F7 F5 F3 F1 Fz F2 F4 F6 F8".split(),
    *"FT7 FC5 FC3 FC1 FCz FC2 FC4 FC6 FT8 T7 C5 C3 C1 Cz C2 C4 C6 T8".split(),
    *"TP7 CP5 CP3 CP1 CPz CP2 CP4 CP6 TP8 P7 P5 P3 P1 Pz P2 P4 P6 P8".split(),
    *"PO7 PO5 PO3 POz PO4 PO6 PO8 CB1 O1 Oz O2 CB2".split(),
)
#: ``<person>_<yyyymmdd>.mat``; files of features have the same names in other folders.
FILE = re.compile(r"(\d{1,2})_(\d{8})\.mat")
_TRIAL = re.compile(r"(.*)_eeg(\d{1,9})", re.DOTALL)  # behind the person's initials
_MOST_SECONDS = 600  # the longest film takes 265
_MOST_BYTES = 8 * len(CH_NAMES) * int(_MOST_SECONDS * SFREQ)


def dated_files(place: Path) -> dict[int, dict[str, Path]]:
    """Find the files of each person in a folder.

    Parameters
    ----------
    place : Path
        What is no folder holds none.

    Returns
    -------
    files : dict
        From the person's number, ascending, to the file of each date, ascending.

    Raises
    ------
    DataFormatError
        If there are two files of a person and a date.
    """
    found: dict[int, dict[str, Path]] = {}
    for path in sorted(place.iterdir()) if place.is_dir() else []:
        if not (match := FILE.fullmatch(path.name)) or not path.is_file():
            continue
        own = found.setdefault(int(match[1]), {})
        if match[2] in own:
            raise DataFormatError(
                f"{str(place)!r} holds two files of subject {int(match[1])} and one date, {own[match[2]].name} and "
                f"{path.name}; take one of them away."
            )
        own[match[2]] = path
    return {subject: dict(sorted(found[subject].items())) for subject in sorted(found)}


def is_session(place: Path) -> bool:
    """Tell whether a folder is that of one session of SEED-IV, whose files are named as those of SEED.

    Parameters
    ----------
    place : Path
        A folder.

    Returns
    -------
    is_session : bool
        It is called ``1``, ``2`` or ``3``, and lies in ``eeg_raw_data`` or beside another one.
    """
    numbers, absolute = [str(number + 1) for number in range(N_SESSIONS)], place.absolute()
    others = [absolute.parent / number for number in numbers if number != absolute.name]
    return (
        absolute.name in numbers
        and holds(absolute, FILE)
        and (absolute.parent.name == "eeg_raw_data" or any(holds(other, FILE) for other in others))
    )


def read_session(path: Path, dataset: str, table: pd.DataFrame) -> Recorded:
    """Read one person's trials of one session.

    Parameters
    ----------
    path : Path
        The file. Its arrays may be in any order: the number in their names counts.
    dataset : str
        Its name, for messages.
    table : DataFrame
        A row for each of its trials, in the order of their numbers.

    Returns
    -------
    recorded : Recorded
        Trials of shape (n_times, 62), float32.

    Raises
    ------
    DataFormatError
        If a trial is missing, is there twice or is beyond those of the table, or an array is none of 62 channels.
    """
    n_trials = len(table)
    signals: dict[int, np.ndarray] = {}
    names: dict[int, str] = {}
    for (name, *_), array in walk_matlab(path, {"*_eeg[0-9]*": _MOST_BYTES}):
        match = _TRIAL.fullmatch(str(name))
        if match is None:
            continue
        number = int(match[2])
        if not 1 <= number <= n_trials:
            raise DataFormatError(
                f"{path.name}: {name!r} is none of the {n_trials} trials of a session of {dataset}; is it a file of "
                "another dataset?"
            )
        if number in names:
            raise DataFormatError(
                f"{path.name}: trial {number} is there twice, as {names[number]!r} and {name!r}; fetch it again."
            )
        signals[number], names[number] = _checked(path, str(name), array), str(name)
    if not names:
        raise DataFormatError(
            f"{path.name}: there is no array of a trial, named as 'djc_eeg1' is; files of features have the same name "
            f"as those of recordings - give the folder of {dataset}'s recordings."
        )
    for number in range(1, n_trials + 1):
        if number not in names:
            known = min(names)
            due = f"{names[known].rpartition('_eeg')[0]}_eeg{number}"
            raise DataFormatError(
                f"{path.name}: there is no {due!r}, and only {len(names)} of the {n_trials} trials of a session of "
                f"{dataset}; it may be cut short - fetch it again."
            )
    return Recorded(path.name, [signals[number] for number in sorted(signals)], table)


def _checked(path: Path, name: str, array: np.ndarray) -> np.ndarray:
    """Return a trial as it is stored here, shape (n_times, 62), in half the memory of its file's."""
    if array.dtype.kind not in "fiu":
        raise DataFormatError(f"{path.name}: {name!r} holds text, expected numbers.")
    if array.ndim != 2 or array.shape[0] != len(CH_NAMES) or array.shape[1] == 0:
        raise DataFormatError(
            f"{path.name}: {name!r} has shape {array.shape}, expected ({len(CH_NAMES)}, n_times): channels by samples; "
            "it was altered or is of another dataset - fetch it again."
        )
    with np.errstate(over="ignore"):  # becomes infinite, and is refused with its place
        return np.ascontiguousarray(array.T, np.float32)


def session_table(subject: int, session: int, stimuli: range, trials: range, emotions: Sequence[str]) -> pd.DataFrame:
    """Make the rows of one person's session.

    Parameters
    ----------
    subject, session : int
        Their numbers.
    stimuli, trials : range
        Number of the film, and of the trial among all of the person.
    emotions : sequence of str
        What each film was chosen to evoke.

    Returns
    -------
    table : DataFrame
    """
    return pd.DataFrame(
        {
            "subject": subject,
            "trial": list(trials),
            "stimulus": list(stimuli),
            "session": session,
            "emotion": list(emotions),
        }
    )
