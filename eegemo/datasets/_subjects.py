"""The files of the people that are wanted."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import numpy as np

from eegemo._warnings import warn_caller
from eegemo.errors import ConfigError, DataFormatError

Files = TypeVar("Files")  # of a person: a path, or several


def subject_files(place: Path, pattern: re.Pattern[str], *, digits: int = 2) -> dict[int, Path]:
    """Find the file of each person in a folder.

    Parameters
    ----------
    place : Path
        The folder; what is none holds no files.
    pattern : re.Pattern
        Matches the whole name of a file; its first group is the person's number. A file whose number has more or fewer
        digits than it should is left out with a warning.
    digits : int
        Of the number.

    Returns
    -------
    files : dict
        From the number to the file, ascending.

    Raises
    ------
    DataFormatError
        If there are two files of a person.
    """
    found: dict[int, Path] = {}
    for path in sorted(place.iterdir()) if place.is_dir() else []:
        if not (match := pattern.fullmatch(path.name)) or not path.is_file():
            continue
        subject = int(match[1])
        if len(match[1]) != digits:
            due = f"{path.name[: match.start(1)]}{subject:0{digits}d}{path.name[match.end(1) :]}"
            warn_caller(f"{path.name} is not read; the releases name it {due}: rename it, if it is that.")
            continue
        if subject in found:
            raise DataFormatError(
                f"{str(place)!r} holds two files of subject {subject}, {found[subject].name} and {path.name}; take one "
                "of them away."
            )
        found[subject] = path
    return dict(sorted(found.items()))


def wanted_files(found: dict[int, Files], subjects: Iterable[int] | None, place: Path) -> dict[int, Files]:
    """Choose the files of the wanted people.

    Parameters
    ----------
    found : dict
        The file, or files, of each person that is there.
    subjects : iterable of int | None
        Numbers of people; all by default.
    place : Path
        The folder, for messages.

    Returns
    -------
    files : dict
        In the order wanted.

    Raises
    ------
    ConfigError
        If these are no numbers, or one of them comes twice.
    DataFormatError
        If there is no file of one of them, or none is wanted.
    """
    if subjects is None:
        return found
    numbers = whole_numbers(subjects)
    missing = [number for number in numbers if number not in found]
    if missing or not numbers:
        raise DataFormatError(
            f"{str(place)!r} has no file of subject {missing[0] if missing else '(none wanted)'}; it holds subjects "
            f"{', '.join(map(str, found))}."
        )
    return {number: found[number] for number in numbers}


def whole_numbers(subjects: Iterable[int]) -> list[int]:
    """Take people's numbers as a user gives them.

    Parameters
    ----------
    subjects : iterable of int
        In any order.

    Returns
    -------
    numbers : list of int

    Raises
    ------
    ConfigError
        If it is no list, or one of them is no whole number, or comes twice.
    """
    if isinstance(subjects, (str, bytes)) or not isinstance(subjects, Iterable):
        raise ConfigError(f"subjects must be a list of people's numbers, such as [1, 2], got {subjects!r}.")
    given = list(subjects)
    try:
        if any(isinstance(number, (bool, np.bool_)) for number in given):
            raise TypeError
        numbers = [operator.index(number) for number in given]
    except TypeError:
        raise ConfigError(f"subjects must be whole numbers, such as [1, 2] for s01 and s02, got {given!r}.") from None
    if len(set(numbers)) < len(numbers):
        raise ConfigError(f"subjects must be different numbers, got {numbers}.")
    return numbers
