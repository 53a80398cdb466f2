"""Read numeric arrays from a MATLAB 5 file, every number of it checked before it is relied on.

SciPy's reader trusts the numbers of a file: one wrong bit in the type of an array's samples makes it read outside of
its own tables, and the interpreter dies. Here an array is read only where all that is said of it fits together.
"""

from __future__ import annotations

import io
import math
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from eegemo.errors import DataFormatError

_HEADER = 128  # bytes
_ORDERS = {b"IM": "<", b"MI": ">"}
_MATRIX, _COMPRESSED = 14, 15
_INT8, _INT32, _UINT32 = 1, 5, 6
#: Types of numbers as they are stored; a class (double) may be stored as a smaller one, where that holds the values.
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_NUMERIC = range(6, 16)
_OTHER_KINDS = {1: "a cell array", 2: "a struct", 3: "an object", 4: "text", 5: "a sparse array"}
_OPAQUE = 17  # objects of newer kinds, which have no shape before their name
_COMPLEX = 0x0800
_MOST_DIMENSIONS = 32
_LONGEST_NAME = 2048  # letters; MATLAB's own longest is shorter
_BEFORE_THE_NUMBERS = 16 + 8 + 4 * _MOST_DIMENSIONS + 8 + _LONGEST_NAME + 8  # bytes at most: flags, shape, name, tag


def load_matlab(path: Path, names: tuple[str, ...], most_bytes: int) -> dict[str, np.ndarray]:
    """Load numeric arrays of a MATLAB 5 file by their names.

    Parameters
    ----------
    path : Path
        The file, compressed or not. Its other variables, of whatever kind, are passed over.
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
    with path.open("rb") as file:
        try:
            return _read_file(file, path.stat().st_size, names, most_bytes)
        except (DataFormatError, EOFError, zlib.error) as error:
            raise DataFormatError(
                f"{path.name}: cannot be read as a MATLAB file ({error}); it may be cut short or damaged - fetch it "
                "again."
            ) from error


def _read_file(file: BinaryIO, size: int, names: tuple[str, ...], most_bytes: int) -> dict[str, np.ndarray]:
    header = file.read(_HEADER)
    order = _ORDERS.get(header[126:])
    if order is None:
        raise DataFormatError("it does not begin as one of version 5")
    version = int.from_bytes(header[124:126], "little" if order == "<" else "big")
    if version == 0x0200:
        raise DataFormatError("it is of version 7.3, and version 5 is expected")
    if version != 0x0100:
        raise DataFormatError(f"it is of version {version:#06x}, and version 5 is expected")
    arrays: dict[str, np.ndarray] = {}
    while file.tell() < size and len(arrays) < len(names):
        kind, n_bytes = np.frombuffer(_exactly(file, 8), order + "u4").tolist()
        end = file.tell() + n_bytes
        if end > size:
            raise EOFError(f"a variable of {n_bytes} bytes is announced where {size - file.tell()} are left")
        if kind == _MATRIX:
            name, array = _Variable(file, n_bytes, order).read(names, most_bytes)
        elif kind == _COMPRESSED:
            name, array = _read_compressed(file.read(n_bytes), order, names, most_bytes)
        else:
            raise DataFormatError(f"a variable of type {kind} is announced, which there is not")
        if array is not None:
            if name in arrays:
                raise DataFormatError(f"it holds {name!r} twice")
            arrays[name] = array
        file.seek(end)
    return arrays


def _read_compressed(
    content: bytes, order: str, names: tuple[str, ...], most_bytes: int
) -> tuple[str, np.ndarray | None]:
    """Unpack a variable as far as its name, and the rest of it where it is wanted."""
    begin = zlib.decompressobj().decompress(content, 8 + _BEFORE_THE_NUMBERS)
    kind, n_bytes = np.frombuffer(_exactly(io.BytesIO(begin), 8), order + "u4").tolist()
    if kind != _MATRIX:
        raise DataFormatError(f"a compressed variable is of type {kind}, which there is not")
    name, _ = _Variable(io.BytesIO(begin[8:]), n_bytes, order).read((), most_bytes)
    if name not in names:
        return name, None
    if n_bytes > _BEFORE_THE_NUMBERS + most_bytes:
        raise DataFormatError(f"{name!r} takes {n_bytes} bytes, expected at most {most_bytes}")
    unpacking = zlib.decompressobj()
    unpacked = unpacking.decompress(content, 8 + n_bytes)
    if len(unpacked) < 8 + n_bytes or unpacking.decompress(unpacking.unconsumed_tail, 1) or not unpacking.eof:
        raise DataFormatError(f"{name!r} does not unpack to the {n_bytes} bytes that it announces")
    stream = io.BytesIO(unpacked)
    stream.seek(8)
    return _Variable(stream, n_bytes, order).read(names, most_bytes)


class _Variable:
    """What one variable holds: flags, shape, name and numbers, each after a tag with its type and its size in bytes."""

    def __init__(self, file: BinaryIO, n_bytes: int, order: str) -> None:
        self.file = file
        self.left = n_bytes
        self.order = order

    def read(self, names: tuple[str, ...], most_bytes: int) -> tuple[str, np.ndarray | None]:
        """Return its name, and its numbers where they are wanted."""
        flags = self._numbers(_UINT32, 8).tolist()
        kind = flags[0] & 0xFF if len(flags) == 2 else 0
        if kind == _OPAQUE:
            return "", None
        shape = self._numbers(_INT32, 4 * _MOST_DIMENSIONS)
        name = self._numbers(_INT8, _LONGEST_NAME).tobytes().decode("latin1")
        if name not in names:
            return name, None
        if kind not in _NUMERIC:
            raise DataFormatError(f"{name!r} is {_OTHER_KINDS.get(kind, 'of an unknown kind')}, expected numbers")
        if flags[0] & _COMPLEX:
            raise DataFormatError(f"{name!r} holds complex numbers, expected real ones")
        if len(shape) < 2 or (shape < 0).any():
            raise DataFormatError(f"{name!r} has shape {tuple(shape.tolist())}, which no array has")
        numbers = self._numbers(None, most_bytes)
        if numbers.size != math.prod(shape.tolist()):
            raise DataFormatError(f"{name!r} has shape {tuple(shape.tolist())}, and {numbers.size} numbers follow")
        return name, numbers.reshape(shape, order="F")

    def _numbers(self, expected: int | None, most_bytes: int) -> np.ndarray:
        """Read one element; a short one has its tag and its content in the same eight bytes."""
        first = int(np.frombuffer(self._take(4), self.order + "u4")[0])
        if first >> 16:
            kind, n_bytes = first & 0xFFFF, first >> 16
            room = 4
        else:
            kind, n_bytes = first, int(np.frombuffer(self._take(4), self.order + "u4")[0])
            room = n_bytes + -n_bytes % 8
        if kind not in _STORED or (expected is not None and kind != expected):
            raise DataFormatError(f"numbers of type {kind} are announced where there can be none")
        dtype = np.dtype(self.order + _STORED[kind])
        if n_bytes > min(room, most_bytes) or n_bytes % dtype.itemsize:
            raise DataFormatError(f"{n_bytes} bytes of {dtype} are announced, of at most {min(room, most_bytes)}")
        numbers = np.frombuffer(self._take(n_bytes), dtype)
        self._take(min(room - n_bytes, self.left))
        return numbers.astype(dtype.newbyteorder("="), copy=False)

    def _take(self, n_bytes: int) -> bytes:
        self.left -= n_bytes
        if self.left < 0:
            raise EOFError("an array is longer than its variable")
        return _exactly(self.file, n_bytes)


def _exactly(file: BinaryIO, n_bytes: int) -> bytes:
    content = file.read(n_bytes)
    if len(content) < n_bytes:
        raise EOFError(f"{n_bytes} bytes are announced where {len(content)} are left")
    return content
