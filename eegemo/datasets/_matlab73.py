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
_MOST_ELEMENTS = 100_000  # cells, or elements of a struct array
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
            for name in file:
                if name not in _OF_THE_FILE:
                    yield from _walk(file, file, name, (name,), wanted)
    except DataFormatError:
        raise
    except Exception as error:  # damage ends in exceptions of many kinds
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the file system
        raise DataFormatError(str(error)[:300] or type(error).__name__) from error


def _walk(
    file: h5py.File, parent: h5py.Group, key: str | h5py.Reference, place: Place, wanted: Wanted
) -> Iterator[tuple[Place, np.ndarray]]:
    most, name = wanted.allowed(place), "/".join(map(str, place))
    if not most and not wanted.leads_to(place):
        return
    if len(place) > _DEEPEST:
        raise DataFormatError(f"{name!r} lies {len(place)} deep, which is far too much")
    if isinstance(key, str) and not isinstance(parent.get(key, getlink=True), h5py.HardLink):
        raise DataFormatError(f"{name!r} leads to another file")
    item = parent[key] if isinstance(key, str) else file[key]
    if isinstance(item, h5py.Dataset) and h5py.check_ref_dtype(item.dtype) is None:
        if most:
            yield place, _array(item, name, most)
    elif most:
        kind = "a struct" if isinstance(item, h5py.Group) else "a cell array"
        raise DataFormatError(f"{name!r} is {kind}, expected numbers")
    elif isinstance(item, h5py.Dataset):
        for number, reference in enumerate(_references(item, name)):
            yield from _walk(file, parent, reference, (*place, number), wanted)
    elif fields := _fields_of_an_array(item):
        references = {field: _references(item[field], name) for field in fields}
        for number in range(min(map(len, references.values()))):
            for field in fields:
                yield from _walk(file, parent, references[field][number], (*place, number, field), wanted)
    else:
        for field in item:
            yield from _walk(file, item, field, (*place, field), wanted)


def _fields_of_an_array(group: h5py.Group) -> list[str]:
    """Return the fields of a struct of several elements, each of which refers to its values; none of a single one."""
    items = [(field, group.get(field)) for field in group]
    for _, item in items:
        refers = isinstance(item, h5py.Dataset) and h5py.check_ref_dtype(item.dtype) is not None
        if not refers or "MATLAB_class" in item.attrs:
            return []
    return [field for field, _ in items]


def _references(dataset: h5py.Dataset, name: str) -> list[h5py.Reference]:
    if (dataset.size or 0) > _MOST_ELEMENTS:
        raise DataFormatError(f"{name!r} has {dataset.size} elements, which is far too much")
    check_dataset(dataset, references=True)
    return list(np.ravel(dataset[()]))


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
