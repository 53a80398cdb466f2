"""Which arrays are wanted of a file that holds cells and structs."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

#: Where an array stands: names of variables and fields, and numbers of cells and of elements of a struct array, which
#: count from 0 column by column. The single element of a struct has no number.
Place = tuple[str | int, ...]


class Wanted:
    """Which arrays of a file are wanted, and how large each may be.

    Parameters
    ----------
    most_bytes : mapping of str -> int
        From where they stand, such as ``"Data/*/EEG"`` (each part as :mod:`fnmatch` has it), to the most bytes that an
        array may take there, unpacked.
    """

    def __init__(self, most_bytes: Mapping[str, int]) -> None:
        self.most_bytes = {tuple(pattern.split("/")): most for pattern, most in most_bytes.items()}
        #: Names of the variables; a pattern is none, so that a file is read to its end.
        self.names = {pattern[0] for pattern in self.most_bytes}

    def allowed(self, place: Place) -> int:
        """Return the most bytes of an array that stands there; 0 where it is not wanted."""
        return max((most for pattern, most in self.most_bytes.items() if _leads(pattern, place) == 0), default=0)

    def leads_to(self, place: Place) -> bool:
        """Whether something in a cell array or struct that stands there is wanted."""
        return any(_leads(pattern, place) > 0 for pattern in self.most_bytes)


def _leads(pattern: tuple[str, ...], place: Place) -> int:
    """Return how many parts of a pattern are left behind a place; -1 where it leads elsewhere."""
    if len(place) > len(pattern) or not all(map(fnmatchcase, map(str, place), pattern)):
        return -1
    return len(pattern) - len(place)
