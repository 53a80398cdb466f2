"""Read arrays from a MATLAB 7.3 file, which is one of HDF5: what MATLAB 5 calls cells and structs, too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from eegemo._hdf5 import check_dataset
from eegemo.datasets._wanted import Place, Wanted
from eegemo.errors import DataFormatError

_OF_THE_FILE = ("#refs#", "#subsystem#")  # what cells refer to, and objects
_MOST_ELEMENTS = 100_000  # of all cells, and elements of struct arrays, that are walked through
_DEEPEST = 12  # cells in cells


def walk_hdf5(path: Path, wanted: Wanted) -> Iterator[tuple[Place, np.ndarray]]:
    """Read arrays one after another, out of cells and structs too.

    Parameters
    ----------
    path : Path
        The file.
    wanted : Wanted
        What of it.

    Yields
    ------
    place, array
        As :func:`eegemo.datasets._matlab.walk_matlab` does; fields come in the order of their names.

    Raises
    ------
    DataFormatError
        If something wanted is no real numbers and no text, lies in another file, or is larger than allowed.
    """
    try:
        with h5py.File(path) as file:
            walk = _Walk(file, wanted)
            for name in file:
                if name not in _OF_THE_FILE:
                    yield from walk.through(file, name, (name,))
    except DataFormatError:
        raise
    except Exception as error:  # damage ends in exceptions of many kinds
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the file system
        raise DataFormatError(str(error)[:300] or type(error).__name__) from error


class _Walk:
    """One way through a file; references may lead to the same place again and again, so they are counted."""

    def __init__(self, file: h5py.File, wanted: Wanted) -> None:
        self.file = file
        self.wanted = wanted
        self.n_elements = 0

    def through(
        self, parent: h5py.Group, key: str | h5py.Reference, place: Place
    ) -> Iterator[tuple[Place, np.ndarray]]:
        """Yield what is wanted of an item, or in it."""
        most, name = self.wanted.allowed(place), "/".join(map(str, place))
        if not most and not self.wanted.leads_to(place):
            return
        if len(place) > _DEEPEST:
            raise DataFormatError(f"{name!r} lies {len(place)} deep, which is far too much")
        if isinstance(key, str) and not _lies_here(parent, key):
            raise DataFormatError(f"{name!r} leads to another file")
        item = parent[key] if isinstance(key, str) else self.file[key]
        if isinstance(item, h5py.Dataset) and h5py.check_ref_dtype(item.dtype) is None:
            if most:
                yield place, _array(item, name, most)
        elif most:
            kind = "a struct" if isinstance(item, h5py.Group) else "a cell array"
            raise DataFormatError(f"{name!r} is {kind}, expected numbers")
        elif isinstance(item, h5py.Dataset):
            for number, reference in enumerate(self._references(item, name)):
                yield from self.through(self.file, reference, (*place, number))
        elif fields := _fields_of_an_array(item):
            references = {field: self._references(item[field], name) for field in fields}
            for number in range(min(map(len, references.values()))):
                for field in fields:
                    yield from self.through(self.file, references[field][number], (*place, number, field))
        else:
            for field in item:
                yield from self.through(item, field, (*place, field))

    def _references(self, dataset: h5py.Dataset, name: str) -> list[h5py.Reference]:
        self.n_elements += dataset.size or 0
        if self.n_elements > _MOST_ELEMENTS:
            raise DataFormatError(f"{name!r} has {dataset.size} elements, which is far too much")
        check_dataset(dataset, references=True)
        return list(np.ravel(dataset[()]))


def _lies_here(group: h5py.Group, name: str) -> bool:
    return isinstance(group.get(name, getlink=True), h5py.HardLink)


def _fields_of_an_array(group: h5py.Group) -> list[str]:
    """Return the fields of a struct of several elements, each of which refers to its values; none of a single one."""
    for field in group:
        item = group[field] if _lies_here(group, field) else None
        refers = isinstance(item, h5py.Dataset) and h5py.check_ref_dtype(item.dtype) is not None
        if item is None or not refers or "MATLAB_class" in item.attrs:
            return []
    return list(group)


def _array(dataset: h5py.Dataset, name: str, most_bytes: int) -> np.ndarray:
    n_bytes = (dataset.size or 0) * dataset.dtype.itemsize
    if n_bytes > most_bytes:
        raise DataFormatError(f"{name!r} takes {n_bytes} bytes, expected at most {most_bytes}")
    check_dataset(dataset)
    if dataset.attrs.get("MATLAB_empty"):
        return np.empty((0, 0))
    numbers = np.asarray(dataset[()]).T  # MATLAB counts columns first
    if dataset.attrs.get("MATLAB_class") == b"char":
        return np.array("".join(map(chr, numbers.ravel(order="F").tolist())))
    return numbers
