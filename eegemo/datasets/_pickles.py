"""Read arrays from a pickle that somebody else made, without running anything in it.

A pickle is a program. This reader gives it NumPy arrays and the builtin containers to work with, and even
those arrays are stand-ins that only remember what they were told; they become real ones after it has ended.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from eegemo.errors import DataFormatError


class _Dtype:
    """Remembers the arguments of a ``numpy.dtype``."""

    def __init__(self, code: bytes | str, *_: Any) -> None:
        self.code = _text(code)
        self.byte_order = "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.byte_order = _text(state[1])

    def real(self) -> np.dtype:
        if self.code[:1] not in "fiub":
            raise DataFormatError(f"arrays of dtype {self.code!r} are not read, only numbers")
        prefix = self.byte_order if self.byte_order in "<>" else "="
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
        if not isinstance(dtype, _Dtype) or not isinstance(payload, (bytes, bytearray)):
            raise DataFormatError("an array's content is not a run of bytes")
        order = "F" if fortran else "C"
        return np.frombuffer(payload, dtype.real()).reshape(shape, order=order)  # type: ignore[call-overload]


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
    if not isinstance(payload, (bytes, bytearray)):
        raise DataFormatError("an array's content is not a run of bytes")
    array = _Array()
    array.state = (1, shape, dtype, order == "F", bytes(payload))
    return array


def _encode(text: str, encoding: str) -> bytes:
    if _text(encoding) not in ("latin1", "latin-1"):
        raise DataFormatError(f"asks for the encoding {encoding!r}")
    return text.encode("latin1")


_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _Function(_encode),  # how Python 3 writes bytes in protocol 2
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _Function(_reconstruct) for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _Function(_frombuffer) for core in ("core", "_core")},
}


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise DataFormatError(
                f"asks for {module}.{name}, which a file of arrays has no need of; it was not run - do not trust "
                "this file"
            ) from None

    def persistent_load(self, pid: Any) -> Any:
        raise DataFormatError(f"asks for the outside object {pid!r}; it was not loaded - do not trust this file")


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Load a pickled dict of numeric arrays, written by Python 2 or 3.

    Parameters
    ----------
    path : Path
        The pickle.

    Returns
    -------
    arrays : dict of str -> array
        Read-only arrays that share the file's bytes; entries that are no arrays are left out.

    Raises
    ------
    DataFormatError
        If the pickle asks for anything but arrays and builtin containers, or cannot be read.
    """
    with path.open("rb") as file:
        try:
            # Python 2's byte strings stay bytes: decoding 100 MB to text and back is what latin1 would do.
            loaded = _ArraysOnly(file, encoding="bytes").load()
            if not isinstance(loaded, dict):
                raise DataFormatError(f"holds a {type(loaded).__name__}, expected a dict of arrays")
            return {_text(k): v.real() for k, v in loaded.items() if isinstance(v, _Array)}
        except DataFormatError as error:
            raise DataFormatError(f"{path.name}: {error}.") from None
        except OSError:
            raise
        except Exception as error:
            raise DataFormatError(
                f"{path.name}: cannot be read as a pickle ({error or type(error).__name__}); the file may be cut "
                "short - fetch it again."
            ) from error


def _text(value: bytes | str) -> str:
    return value.decode("latin1") if isinstance(value, bytes) else str(value)
