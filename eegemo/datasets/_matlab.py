"""Read arrays from a MATLAB file, every number of it checked before it is relied on.

SciPy's reader trusts the numbers of a file: one wrong bit in the type of an array's samples makes it read outside of
its own tables, and the interpreter dies. Here an array is read only where all that is said of it fits together. Cells
and structs are walked through as they lie in the file, so that of a large one only what is wanted is in memory.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import h5py
import numpy as np

from eegemo.datasets._matlab73 import walk_hdf5
from eegemo.datasets._unpacking import Content, Plain, TooShortError, Unpacking, exactly
from eegemo.datasets._wanted import Place, Wanted
from eegemo.errors import DataFormatError

_HEADER = 128  # bytes
_ORDERS = {b"IM": "<", b"MI": ">"}
_MATRIX, _COMPRESSED = 14, 15
_INT8, _INT32, _UINT32 = 1, 5, 6
#: Types of numbers as they are stored; a class (double) may be stored as a smaller one, where that holds the values.
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_LETTERS = {1: "latin1", 2: "latin1", 4: "utf-16-{order}", 16: "utf-8", 17: "utf-16-{order}"}
_CELL, _STRUCT, _TEXT = 1, 2, 4
_NUMERIC = range(6, 16)
_OTHER_KINDS = {_CELL: "a cell array", _STRUCT: "a struct", 3: "an object", _TEXT: "text", 5: "a sparse array"}
_OPAQUE = 17  # objects of newer kinds, which have no shape before their name
_COMPLEX = 0x0800
_MOST_DIMENSIONS = 32
_LONGEST_NAME = 2048  # letters; MATLAB's own longest is shorter
_MOST_FIELDS, _LONGEST_FIELD = 256, 64  # of a struct
_MOST_ELEMENTS = 100_000  # cells, or elements of a struct array
_DEEPEST = 12  # cells in cells
_BEFORE_THE_NUMBERS = 16 + 8 + 4 * _MOST_DIMENSIONS + 8 + _LONGEST_NAME + 8  # bytes at most: flags, shape, name, tag


def load_matlab(path: Path, names: tuple[str, ...], most_bytes: int) -> dict[str, np.ndarray]:
    """Load numeric arrays of a MATLAB file by their names.

    Parameters
    ----------
    path : Path
        The file, of version 5 (compressed or not) or 7.3. Its other variables, of whatever kind, are passed over.
    names : tuple of str
        The arrays wanted.
    most_bytes : int
        The most that one of them may take, unpacked.

    Returns
    -------
    arrays : dict of str -> array
        Those that are there, in the type in which they are stored.

    Raises
    ------
    DataFormatError
        If it is no such file, an array that is wanted is none of real numbers, or a number in it cannot be right.

    References
    ----------
    MathWorks, "MAT-File Format", version 5.
    """
    arrays = {str(place[0]): array for place, array in walk_matlab(path, dict.fromkeys(names, most_bytes))}
    for name, array in arrays.items():
        if array.dtype.kind == "U":
            raise cannot_be_read(path, f"{name!r} is text, expected numbers")
    return arrays


def walk_matlab(path: Path, most_bytes: Mapping[str, int]) -> Iterator[tuple[Place, np.ndarray]]:
    """Read arrays of a MATLAB file one after another, out of cells and structs too.

    Parameters
    ----------
    path : Path
        The file, of version 5 (compressed or not) or 7.3. What is not wanted is passed over, of whatever kind it is.
    most_bytes : mapping of str -> int
        What is wanted, as :class:`Wanted` has it.

    Yields
    ------
    place : tuple of str and int
        Where it stands.
    array : array
        In the type in which it is stored, in MATLAB's shape; text as one NumPy string.

    Raises
    ------
    DataFormatError
        As in :func:`load_matlab`.
    """
    wanted = Wanted(most_bytes)
    try:
        if h5py.is_hdf5(path):
            yield from walk_hdf5(path, wanted)
            return
        with path.open("rb") as file:
            yield from _variables(file, path.stat().st_size, wanted)
    except (DataFormatError, EOFError, zlib.error) as error:
        raise cannot_be_read(path, error) from error


def cannot_be_read(path: Path, reason: object) -> DataFormatError:
    """Make the error for a MATLAB file that is not what it should be.

    Parameters
    ----------
    path : Path
        The file.
    reason : object
        What is wrong.

    Returns
    -------
    error : DataFormatError
        To be raised by the caller.
    """
    return DataFormatError(
        f"{path.name}: cannot be read as a MATLAB file ({reason}); it may be cut short or damaged - fetch it again."
    )


def _variables(file: BinaryIO, size: int, wanted: Wanted) -> Iterator[tuple[Place, np.ndarray]]:
    header = file.read(_HEADER)
    order = _ORDERS.get(header[126:])
    if order is None:
        raise DataFormatError("it does not begin as one of version 5")
    version = int.from_bytes(header[124:126], "little" if order == "<" else "big")
    if version == 0x0200:
        raise DataFormatError("it is of version 7.3, and its HDF5 is damaged")
    if version != 0x0100:
        raise DataFormatError(f"it is of version {version:#06x}, and version 5 is expected")
    found: set[str] = set()
    while file.tell() < size and not wanted.names <= found:
        kind, n_bytes = np.frombuffer(exactly(file, 8), order + "u4").tolist()
        end = file.tell() + n_bytes
        if end > size:
            raise EOFError(f"a variable of {n_bytes} bytes is announced where {size - file.tell()} are left")
        if kind == _MATRIX:
            variable = _Matrix(Plain(file), n_bytes, order)
            name = variable.begin()
            inside = variable.walk((name,), wanted)
        elif kind == _COMPRESSED:
            name, inside = _unpacked(Unpacking(file, n_bytes), order, wanted)
        else:
            raise DataFormatError(f"a variable of type {kind} is announced, which there is not")
        if wanted.allowed((name,)) or wanted.leads_to((name,)):
            if name in found:
                raise DataFormatError(f"it holds {name!r} twice")
            found.add(name)
            yield from inside
        file.seek(end)


def _unpacked(unpacking: Unpacking, order: str, wanted: Wanted) -> tuple[str, Iterator[tuple[Place, np.ndarray]]]:
    """Unpack a variable as far as its name, and the rest of it where that is asked for."""
    kind, n_bytes = np.frombuffer(unpacking.take(8), order + "u4").tolist()
    if kind != _MATRIX:
        raise DataFormatError(f"a compressed variable is of type {kind}, which there is not")
    variable = _Matrix(unpacking, n_bytes, order)
    name = variable.begin()

    def inside() -> Iterator[tuple[Place, np.ndarray]]:
        most = wanted.allowed((name,))
        if most and n_bytes > _BEFORE_THE_NUMBERS + most:
            raise DataFormatError(f"{name!r} takes {n_bytes} bytes, expected at most {most}")
        try:
            yield from variable.walk((name,), wanted)
            variable.skip_rest()
            unpacking.end()
        except TooShortError as error:
            raise DataFormatError(f"{name!r} does not unpack to the {n_bytes} bytes that it announces") from error

    return name, inside()


class _Matrix:
    """One array: flags, shape, name and content, each after a tag with its type and its size in bytes."""

    def __init__(self, source: Plain | Unpacking, n_bytes: int, order: str) -> None:
        self.source = source
        self.left = n_bytes
        self.order = order
        self.kind = self.flags = 0
        self.shape: tuple[int, ...] = ()

    def begin(self) -> str:
        """Read as far as the name, and return it."""
        flags = self._numbers(_UINT32, 8).tolist()
        self.flags = flags[0] if len(flags) == 2 else 0
        self.kind = self.flags & 0xFF
        if self.kind == _OPAQUE:
            return ""
        self.shape = tuple(self._numbers(_INT32, 4 * _MOST_DIMENSIONS).tolist())
        return self._numbers(_INT8, _LONGEST_NAME).tobytes().decode("latin1")

    def walk(self, place: Place, wanted: Wanted) -> Iterator[tuple[Place, np.ndarray]]:
        """Yield what is wanted of it, or in it."""
        most, name = wanted.allowed(place), "/".join(map(str, place))
        if not most and (self.kind not in (_CELL, _STRUCT) or not wanted.leads_to(place)):
            return
        if most and self.kind not in _NUMERIC and self.kind != _TEXT:
            raise DataFormatError(f"{name!r} is {_OTHER_KINDS.get(self.kind, 'of an unknown kind')}, expected numbers")
        if self.flags & _COMPLEX:
            raise DataFormatError(f"{name!r} holds complex numbers, expected real ones")
        if len(self.shape) < 2 or min(self.shape) < 0:
            raise DataFormatError(f"{name!r} has shape {self.shape}, which no array has")
        if not most:
            yield from self._walk_in(place, name, wanted)
        elif self.kind == _TEXT:
            yield place, np.array(self._letters(most))
        else:
            numbers = self._numbers(None, most)
            if numbers.size != math.prod(self.shape):
                raise DataFormatError(f"{name!r} has shape {self.shape}, and {numbers.size} numbers follow")
            yield place, numbers.reshape(self.shape, order="F")

    def skip_rest(self) -> None:
        """Go to its end."""
        self.source.skip(self.left)
        self.left = 0

    def _walk_in(self, place: Place, name: str, wanted: Wanted) -> Iterator[tuple[Place, np.ndarray]]:
        """Walk through the cells of a cell array, or the fields of each element of a struct array."""
        n_elements = math.prod(self.shape)
        fields: list[Place] = [()]
        if self.kind == _STRUCT:
            (length,) = self._numbers(_INT32, 4).tolist() or (0,)
            names = self._numbers(_INT8, _MOST_FIELDS * _LONGEST_FIELD).tobytes()
            if not 0 < length <= _LONGEST_FIELD or len(names) % length:
                raise DataFormatError(f"{name!r} has fields whose names have no length")
            fields = [
                (names[first : first + length].split(b"\0")[0].decode("latin1"),)
                for first in range(0, len(names), length)
            ]
        if n_elements > _MOST_ELEMENTS or len(place) > _DEEPEST:
            raise DataFormatError(f"{name!r} has {n_elements} elements, {len(place)} deep, which is far too much")
        numbered = self.kind == _CELL or n_elements > 1
        for number in range(n_elements):
            for field in fields:
                yield from self._element((*place, *((number,) if numbered else ()), *field), wanted)

    def _element(self, place: Place, wanted: Wanted) -> Iterator[tuple[Place, np.ndarray]]:
        """Walk through a cell, or a field."""
        kind, n_bytes = np.frombuffer(self._take(8), self.order + "u4").tolist()
        name = "/".join(map(str, place))
        if kind != _MATRIX:
            raise DataFormatError(f"{name!r} is of type {kind}, which no cell and no field is")
        if n_bytes > self.left:
            raise EOFError(f"{name!r} is longer than what it is in")
        self.left -= n_bytes
        if n_bytes == 0:  # MATLAB writes [] so
            if wanted.allowed(place):
                yield place, np.empty((0, 0))
            return
        element = _Matrix(self.source, n_bytes, self.order)
        if wanted.allowed(place) or wanted.leads_to(place):
            element.begin()
            yield from element.walk(place, wanted)
        element.skip_rest()

    def _numbers(self, expected: int | None, most_bytes: int) -> np.ndarray:
        """Read one element of numbers; a name is one of small ones."""
        kind, content, room = self._content()
        if kind not in _STORED or (expected is not None and kind != expected):
            raise DataFormatError(f"numbers of type {kind} are announced where there can be none")
        dtype = np.dtype(self.order + _STORED[kind])
        if content > min(room, most_bytes) or content % dtype.itemsize:
            raise DataFormatError(f"{content} bytes of {dtype} are announced, of at most {min(room, most_bytes)}")
        numbers = np.frombuffer(self._take(content), dtype)
        self._take(min(room - content, self.left))
        return numbers.astype(dtype.newbyteorder("="), copy=False)

    def _letters(self, most_bytes: int) -> str:
        """Read one element of text."""
        kind, content, room = self._content()
        if kind not in _LETTERS or content > min(room, most_bytes):
            raise DataFormatError(f"{content} bytes of letters of type {kind} are announced")
        letters = bytes(self._take(content))
        self._take(min(room - content, self.left))
        order = "le" if self.order == "<" else "be"
        return letters.decode(_LETTERS[kind].format(order=order), errors="replace")

    def _content(self) -> tuple[int, int, int]:
        """Read a tag: type, size, and the room that is taken; a short one has its content in the same eight bytes."""
        first = int(np.frombuffer(self._take(4), self.order + "u4")[0])
        if first >> 16:
            return first & 0xFFFF, first >> 16, 4
        n_bytes = int(np.frombuffer(self._take(4), self.order + "u4")[0])
        return first, n_bytes, n_bytes + -n_bytes % 8

    def _take(self, n_bytes: int) -> Content:
        self.left -= n_bytes
        if self.left < 0:
            raise EOFError("an array is longer than its variable")
        return self.source.take(n_bytes)
