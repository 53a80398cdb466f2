"""Read arrays from a pickle that somebody else made, without running anything in it.

A pickle is a program. This reader gives it NumPy arrays and the builtin containers to work with, and even
those arrays are stand-ins that only remember what they were told; they become real ones after it has ended.
"""

from __future__ import annotations

import math
import os
import pickle
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, TypeVar

import numpy as np

from eegemo.errors import DataFormatError

_MOST_READS = 100_000  # of an instruction or its argument; a file of DEAP takes a hundred
_NUMBER = re.compile(r"[fiub]\d{1,2}")
_Made = TypeVar("_Made")


class _Dtype:
    """Remembers the arguments of a ``numpy.dtype``."""

    def __init__(self, code: bytes | str, *_: Any) -> None:
        self.code = _text(code)
        self.byte_order = "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.byte_order = _text(state[1])

    def real(self) -> np.dtype:
        if not _NUMBER.fullmatch(self.code):
            raise DataFormatError(f"arrays of dtype {_shown(self.code)} are not read, only numbers")
        prefix = self.byte_order if self.byte_order in ("<", ">") else "="
        return np.dtype(prefix + self.code)


class _Array:
    """Remembers the state of a ``numpy.ndarray``."""

    state: tuple[Any, ...] | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.state = state

    def real(self) -> np.ndarray:
        if self.state is None:
            raise DataFormatError("an array has no content")
        _, shape, dtype, fortran, payload = self.state
        if not isinstance(dtype, _Dtype) or not isinstance(payload, bytes):
            raise DataFormatError("an array's content is not a run of bytes")
        if not isinstance(shape, tuple) or len(shape) > 32 or not all(type(n) is int and n >= 0 for n in shape):
            raise DataFormatError("an array's shape is no tuple of numbers")
        n_bytes = math.prod(shape) * dtype.real().itemsize
        if len(payload) != n_bytes:
            raise DataFormatError(f"an array has {len(payload)} bytes, and its shape and dtype ask for {n_bytes:.8g}")
        return np.frombuffer(payload, dtype.real()).reshape(shape, order="F" if fortran else "C")


class _Dict(dict[Any, Any]):
    """A dict under text: to hash a tuple of tuples may take for ever, or all of the stack."""

    __slots__ = ()

    def __setitem__(self, key: Any, value: Any) -> None:
        if not isinstance(key, (str, bytes)):
            raise DataFormatError(f"holds something under a {type(key).__name__}, expected a name")
        super().__setitem__(key, value)


class _Function:
    """Calls a function for the pickle, and cannot be altered by it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise DataFormatError(f"alters {self.function.__name__}; it was not done - do not trust this file")


def _reconstruct(*_: Any) -> _Array:
    return _Array()


def _frombuffer(payload: bytes, dtype: _Dtype, shape: tuple[int, ...], order: str) -> _Array:
    array = _Array()
    array.state = (1, shape, dtype, _text(order) == "F", payload)
    return array


_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _Function(_reconstruct) for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _Function(_frombuffer) for core in ("core", "_core")},
}


class _Measured:
    """A file that gives what it holds, in not too many pieces: each may become an object of a hundred bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.size = self.left = os.fstat(file.fileno()).st_size
        self.n_reads = 0

    def read(self, n_bytes: int) -> bytes:
        if n_bytes > self.left:
            raise EOFError(f"{n_bytes} bytes are announced where {self.left} are left")
        return self._counted(self.file.read(n_bytes))

    def readline(self) -> bytes:
        line = self._counted(self.file.readline())
        if not line.endswith(b"\n"):
            raise EOFError("a line has no end")
        return line

    def _counted(self, content: bytes) -> bytes:
        self.left -= len(content)
        self.n_reads += 1
        if self.n_reads > _MOST_READS:
            raise DataFormatError("holds far more than a few arrays; it was not read to its end")
        return content


class _ArraysOnly(pickle._Unpickler):
    """The standard library's unpickler as it is written in Python, with the instructions that arrays have need of.

    The one in C keeps what it is to remember in an array, which a number in the file makes as long as it likes.
    """

    read: Callable[[int], bytes]
    readline: Callable[[], bytes]
    pop_mark: Callable[[], list[Any]]
    append: Callable[[Any], None]
    stack: list[Any]
    memo: dict[int, Any]

    def __init__(self, file: _Measured) -> None:
        # Python 2's byte strings stay bytes: decoding 100 MB to text and back is what latin1 would do.
        super().__init__(file, encoding="bytes")
        self._encodable = file.size  # bytes; the same text encoded again and again would grow beyond all measure

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("_codecs", "encode"):  # how Python 3 writes bytes in protocol 2
            return _Function(self._encode)
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise DataFormatError(
                f"asks for {module[:100]}.{name[:100]}, which a file of arrays has no need of; it was not run - do not "
                "trust this file"
            ) from None

    def persistent_load(self, pid: Any) -> Any:
        raise DataFormatError(f"asks for the outside object {_shown(pid)}; it was not loaded - do not trust this file")

    def _encode(self, text: str, encoding: str) -> bytes:
        if _text(encoding) not in ("latin1", "latin-1"):
            raise DataFormatError(f"asks for the encoding {_shown(encoding)}")
        self._encodable -= len(text)
        if self._encodable < 0:
            raise DataFormatError("encodes more text than it holds")
        return text.encode("latin1")

    def _skip_frame(self) -> None:
        self.read(8)  # it says how much to read ahead

    def _load_bytearray(self) -> None:
        self.append(self.read(*struct.unpack("<Q", self.read(8))))

    def _load_empty_dict(self) -> None:
        self.append(_Dict())

    def _load_dict(self) -> None:
        items = self.pop_mark()
        self._load_empty_dict()
        for key, value in zip(items[::2], items[1::2], strict=True):
            self.stack[-1][key] = value

    def _load_put(self) -> None:
        number = self.readline()[:-1]
        if len(number) > 10:
            raise DataFormatError("remembers something under a number of many digits")
        self.memo[int(number)] = self.stack[-1]

    def _refuse(self) -> None:
        raise DataFormatError("holds a set, or an object of a registered kind, which a file of arrays has no need of")

    dispatch: ClassVar[Any] = {
        **pickle._Unpickler.dispatch,
        pickle.FRAME[0]: _skip_frame,
        pickle.BYTEARRAY8[0]: _load_bytearray,
        pickle.EMPTY_DICT[0]: _load_empty_dict,
        pickle.DICT[0]: _load_dict,
        pickle.PUT[0]: _load_put,
        **dict.fromkeys(
            b"".join((pickle.EMPTY_SET, pickle.ADDITEMS, pickle.FROZENSET, pickle.EXT1, pickle.EXT2, pickle.EXT4)),
            _refuse,
        ),
    }


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Load a pickled dict of numeric arrays, written by Python 2 or 3.

    Parameters
    ----------
    path : Path
        The pickle. What it makes takes little more memory than the file has bytes.

    Returns
    -------
    arrays : dict of str -> array
        Read-only arrays that share the file's bytes; entries that are no arrays are left out.

    Raises
    ------
    DataFormatError
        If the pickle asks for anything but arrays and builtin containers, or cannot be read.
    """
    return _loaded(path, _arrays_of)


def load_array(path: Path) -> np.ndarray:
    """Load a pickled numeric array.

    Parameters
    ----------
    path : Path
        As in :func:`load_arrays`.

    Returns
    -------
    array : array
        Read-only, and shares the file's bytes.

    Raises
    ------
    DataFormatError
        As in :func:`load_arrays`.
    """
    return _loaded(path, _array_of)


def _loaded(path: Path, made_of: Callable[[Any], _Made]) -> _Made:
    """Load a pickle and make of it what is wanted; whatever goes wrong is an error that names the file."""
    with path.open("rb") as file:
        try:
            return made_of(_ArraysOnly(_Measured(file)).load())
        except DataFormatError as error:
            raise DataFormatError(f"{path.name}: {error}.") from None
        except OSError:
            raise
        except Exception as error:
            what = f"{type(error).__name__} {str(error)[:200]}".strip()
            raise DataFormatError(
                f"{path.name}: cannot be read as a pickle ({what}); the file may be cut short - fetch it again."
            ) from error


def _arrays_of(loaded: Any) -> dict[str, np.ndarray]:
    if not isinstance(loaded, dict):
        raise DataFormatError(f"holds {_kind(loaded)}, expected a dict of arrays")
    return {_text(k): v.real() for k, v in loaded.items() if isinstance(v, _Array)}


def _array_of(loaded: Any) -> np.ndarray:
    if not isinstance(loaded, _Array):
        raise DataFormatError(f"holds {_kind(loaded)}, expected an array")
    return loaded.real()


def _kind(loaded: Any) -> str:
    known = {_Array: "an array", _Dict: "a dict"}
    return known.get(type(loaded), f"a {type(loaded).__name__}")


def _text(value: bytes | str) -> str:
    if not isinstance(value, (bytes, str)):
        raise DataFormatError(f"holds a {type(value).__name__}, expected a text")
    return value.decode("latin1") if isinstance(value, bytes) else value


def _shown(value: Any) -> str:
    """Write a value of a file out: never a container, which may hold itself, or another a billion times."""
    return repr(value[:100]) if isinstance(value, (bytes, str)) else f"({type(value).__name__})"
