"""Archives of arrays (``.npz``) that carry a checksum, and are looked over before anything large is read."""

from __future__ import annotations

import hashlib
import math
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

#: What reading a file of other bytes than were written may end in; a nesting too deep is a RuntimeError.
DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RuntimeError,
    ArithmeticError,
    zipfile.BadZipFile,
    zlib.error,
)
_CHECKSUM = "checksum"
_DEFLATED = 1032  # bytes that one compressed byte can stand for at most
_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays with a checksum of them all, compressed.

    Parameters
    ----------
    path : Path
        Its name ends in ``.npz``.
    arrays : mapping of str -> array
        Without objects.
    """
    np.savez_compressed(path, **arrays, **{_CHECKSUM: np.array(_checksum(arrays))})  # type: ignore[arg-type]


def read_arrays(path: Path, *, most_rows: int | None = None) -> dict[str, np.ndarray]:
    """Read arrays that were written with :func:`save_arrays`, or by an earlier version without a checksum.

    Parameters
    ----------
    path : Path
        The archive.
    most_rows : int | None
        How long the first axis of an array may be.

    Returns
    -------
    arrays : dict of str -> array
        All but the checksum.

    Raises
    ------
    ValueError
        If an array is larger than its part of the file or holds objects, or the checksum is another one; and whatever
        else is in ``DAMAGE``, where the file is no archive.
    """
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            _refuse_wrong_size(archive, member, path.stat().st_size, most_rows)
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    checksum = arrays.pop(_CHECKSUM, None)
    if checksum is not None and str(checksum) != _checksum(arrays):
        raise ValueError("its content is not what was written: another checksum")
    return arrays


def _refuse_wrong_size(archive: zipfile.ZipFile, member: zipfile.ZipInfo, n_bytes: int, most_rows: int | None) -> None:
    """Compare what an array's header promises with the room that it has, before memory is taken for it."""
    with archive.open(member) as file:
        shape, _, dtype = _READERS[np.lib.format.read_magic(file)](file)
        promised = file.tell() + math.prod(shape) * dtype.itemsize
    if dtype.hasobject:
        raise ValueError(f"{member.filename} holds objects")
    if promised != member.file_size or member.file_size > _DEFLATED * n_bytes:
        raise ValueError(f"{member.filename} of shape {shape} and type {dtype} does not fit into its file")
    if most_rows is not None and shape and shape[0] > most_rows:
        raise ValueError(f"{member.filename} has {shape[0]} rows, of {most_rows} windows")


def _checksum(arrays: Mapping[str, np.ndarray]) -> str:
    """Return the SHA-256 of arrays with their names, types and shapes."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
