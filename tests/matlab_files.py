"""MATLAB files for the tests, of version 5 by SciPy and of version 7.3 as MATLAB writes them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io

_number = itertools.count()
_CLASSES = {"f8": "double", "f4": "single", "i2": "int16", "u1": "uint8", "i4": "int32", "u2": "uint16"}


def cells(*items: Any, shape: tuple[int, int] | None = None) -> np.ndarray:
    """A cell array of one row, or of a shape that is filled row after row."""
    array = np.empty(len(items), object)
    for number, item in enumerate(items):
        array[number] = item
    return array.reshape(shape or (1, -1))


def structs(elements: Iterable[Mapping[str, Any]], shape: tuple[int, int]) -> np.ndarray:
    """A struct array."""
    given = list(elements)
    array = np.empty(len(given), [(name, object) for name in given[0]])
    for number, element in enumerate(given):
        for name, value in element.items():
            array[number][name] = value
    return array.reshape(shape)


def write_5(path: Path, variables: Mapping[str, Any], compressed: bool = True) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(path, dict(variables), do_compression=compressed)
    return path


def write_73(path: Path, variables: Mapping[str, Any], **options: Any) -> Path:
    """HDF5 behind 512 bytes that say so; cells refer to what lies in ``#refs#``; arrays are transposed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in variables.items():
            _put(file, file, name, value, options)
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, Platform: PCWIN64".ljust(124) + b"\x00\x02IM")
    return path


def _put(file: h5py.File, group: h5py.Group, name: str, value: Any, options: dict[str, Any]) -> h5py.HLObject:
    if isinstance(value, Mapping):
        item = group.create_group(name)
        for field, content in value.items():
            _put(file, item, field, content, options)
        return _of_class(item, "struct")
    if isinstance(value, str):
        letters = np.array([[ord(letter)] for letter in value], np.uint16)
        if not value:
            return _empty(group, name, (0, 0), "char")
        item = group.create_dataset(name, data=letters)
        item.attrs["MATLAB_int_decode"] = np.int32(2)
        return _of_class(item, "char")
    array = np.asarray(value)
    if array.dtype.names:
        item = group.create_group(name)
        for field in array.dtype.names:
            item.create_dataset(field, data=_references(file, array[field], options))
        return _of_class(item, "struct")
    if array.dtype == object:
        return _of_class(group.create_dataset(name, data=_references(file, array, options)), "cell")
    array = np.atleast_2d(array)
    kind = _CLASSES[array.dtype.str[1:]]
    if not array.size:
        return _empty(group, name, array.shape, kind)
    return _of_class(group.create_dataset(name, data=array.T, **options), kind)


def _references(file: h5py.File, array: np.ndarray, options: dict[str, Any]) -> np.ndarray:
    place = file.require_group("#refs#")
    references = np.empty(array.shape, h5py.ref_dtype)
    for number, content in np.ndenumerate(array):
        references[number] = _put(file, place, f"r{next(_number)}", content, options).ref
    return references.T


def _empty(group: h5py.Group, name: str, shape: tuple[int, ...], kind: str) -> h5py.Dataset:
    item = group.create_dataset(name, data=np.array(shape, np.uint64))  # MATLAB stores the shape alone
    item.attrs["MATLAB_empty"] = np.uint8(1)
    return _of_class(item, kind)


def _of_class(item: h5py.HLObject, kind: str) -> h5py.HLObject:
    item.attrs["MATLAB_class"] = np.bytes_(kind)
    return item
