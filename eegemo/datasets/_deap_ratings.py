"""DEAP's ``participant_ratings.csv``: read, checked, and compared with the ratings of the preprocessed release."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from eegemo._paths import as_path
from eegemo.datasets import _deap_format as deap
from eegemo.errors import DataFormatError

_SHEET = "participant_ratings.csv"
_COLUMNS = ("Participant_id", "Trial", "Experiment_id", "Start_time", "Valence", "Arousal", "Dominance", "Liking")
_SAME_RATING = 0.011  # the sheet and the preprocessed files round to two digits


def find_ratings(place: Path, given: str | os.PathLike[str] | None) -> Path:
    """Find the sheet of ratings.

    Parameters
    ----------
    place : Path
        The folder of the recordings.
    given : path-like | None
        What the user named.

    Returns
    -------
    path : Path

    Raises
    ------
    DataFormatError
        If there is none.
    """
    if given is not None:
        path = as_path(given, "ratings")
        if not path.is_file():
            raise DataFormatError(f"There is no file {str(path)!r}; name DEAP's {_SHEET}.")
        return path
    near = [folder / part for folder in (place, place.parent) for part in (_SHEET, f"metadata_csv/{_SHEET}")]
    for path in near:
        if path.is_file():
            return path
    raise DataFormatError(
        f"There is no {_SHEET} beside {str(place)!r} (nor in metadata_csv there): without it nobody knows which trial "
        "is which video. Fetch DEAP's metadata_csv, or name the file with ratings=..."
    )


def read_sheet(path: Path) -> pd.DataFrame:
    """Read the sheet; an error names the line that cannot be right."""
    try:
        sheet = pd.read_csv(path)
    except Exception as error:
        raise DataFormatError(f"{path.name}: cannot be read as a table ({error}); fetch it again.") from error
    missing = [column for column in _COLUMNS if column not in sheet]
    if missing:
        raise DataFormatError(
            f"{path.name}: columns {', '.join(missing)} are missing; it has {', '.join(map(str, sheet))}."
        )
    if sheet.empty:
        raise DataFormatError(f"{path.name}: there are no rows below the names of the columns; fetch it again.")
    for column in _COLUMNS:
        if not pd.api.types.is_numeric_dtype(sheet[column]) or sheet[column].isna().any():
            row = int(pd.to_numeric(sheet[column], errors="coerce").isna().argmax())
            raise DataFormatError(
                f"{path.name}: {column} is {sheet[column].iloc[row]} in line {row + 2}, expected a number."
            )
    for rating in deap.RATINGS:
        values = sheet[rating.capitalize()]
        wrong = ~values.between(1, 9)
        if wrong.any():
            row = int(wrong.argmax())
            altered = rating in ("valence", "arousal") and values.between(0, 8).all()
            hint = (
                "these are 9 minus the ratings, as in an altered copy" if altered else "expected a rating from 1 to 9"
            )
            raise DataFormatError(
                f"{path.name}: {rating} of participant {sheet['Participant_id'][row]} is {values[row]:g} in line "
                f"{row + 2}; {hint} - fetch the file from DEAP itself."
            )
    return sheet


def rows_of(sheet: pd.DataFrame, subject: int, n_trials: int | None, path: Path) -> pd.DataFrame:
    """Return one person's rows in the order of presentation, each trial and each video once."""
    rows = sheet[sheet["Participant_id"] == subject].sort_values("Trial").reset_index(drop=True)
    if rows.empty:
        raise DataFormatError(f"{path.name}: participant {subject} is not in it; fetch it again.")
    for column in ("Trial", "Experiment_id"):
        twice = rows[column][rows[column].duplicated()]
        if len(twice):
            raise DataFormatError(
                f"{path.name}: participant {subject} has {column} {twice.iloc[0]} twice; is the participant listed "
                "twice?"
            )
    wanted = set(range(1, (n_trials or len(rows)) + 1))
    missing = sorted(wanted - set(rows["Trial"]))
    if missing:
        raise DataFormatError(
            f"{path.name}: participant {subject} has no row for trial {listed(missing)}; without it the order of the "
            "videos is not known - fetch the file again."
        )
    beyond = sorted({*rows["Trial"]} - wanted | {*rows["Experiment_id"]} - set(range(1, deap.N_TRIALS + 1)))
    if beyond:
        raise DataFormatError(f"{path.name}: participant {subject} has trial or video {listed(beyond)}, of 40.")
    return rows


def check_ratings(recording: Path, sheet: pd.DataFrame) -> None:
    """Compare the sheet with the ratings of the preprocessed release, where it lies beside the recordings."""
    for release in ("python", "matlab"):
        suffix = ".dat" if release == "python" else ".mat"
        path = recording.parent.parent / f"data_preprocessed_{release}" / f"{recording.stem.lower()}{suffix}"
        if not path.is_file():
            continue
        _, labels = deap.read_file(path)
        theirs = labels[sheet["Experiment_id"].to_numpy() - 1]
        ours = sheet[[rating.capitalize() for rating in deap.RATINGS]].to_numpy(float)
        same = (np.abs(theirs - ours) <= _SAME_RATING).all(axis=0)
        if same.all():
            return
        turned = (np.abs(9 - theirs - ours) <= _SAME_RATING).all(axis=0)
        differ = [rating for rating, equal in zip(deap.RATINGS, same, strict=True) if not equal]
        what = "are 9 minus those of" if turned[~same].all() else "differ from those of"
        raise DataFormatError(
            f"{recording.name}: {' and '.join(differ)} in {_SHEET} {what} {path.name}"
            f"{', while dominance and liking agree' if same[2:].all() else ''}: the sheet was altered, or belongs to "
            "other data - fetch it from DEAP itself."
        )


def listed(numbers: Sequence[int]) -> str:
    """Write numbers one after another."""
    return ", ".join(str(number) for number in numbers)
