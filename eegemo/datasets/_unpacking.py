"""The bytes of a file, as they lie there or unpacked as far as they are asked for."""

from __future__ import annotations

import zlib
from typing import BinaryIO

import numpy as np

Content = bytes | np.ndarray
_CHUNK = 1 << 18


def exactly(file: BinaryIO, n_bytes: int) -> bytes:
    """Read so many bytes.

    Parameters
    ----------
    file : file
        Open for reading.
    n_bytes : int
        How many.

    Returns
    -------
    content : bytes

    Raises
    ------
    EOFError
        If there are fewer.
    """
    content = file.read(n_bytes)
    if len(content) < n_bytes:
        raise EOFError(f"{n_bytes} bytes are announced where {len(content)} are left")
    return content


class Plain:
    """Bytes as they lie in the file."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def take(self, n_bytes: int) -> Content:
        return exactly(self.file, n_bytes)

    def skip(self, n_bytes: int) -> None:
        self.file.seek(n_bytes, 1)


class TooShortError(EOFError):
    """What was packed is not as long as it says."""


class Unpacking:
    """Bytes that zlib packed, unpacked as far as they are asked for."""

    def __init__(self, file: BinaryIO, n_bytes: int) -> None:
        self.file = file
        self.packed_left = n_bytes
        self.unpacking = zlib.decompressobj()
        self.ready = b""

    def take(self, n_bytes: int) -> Content:
        if n_bytes <= len(self.ready):
            taken, self.ready = self.ready[:n_bytes], self.ready[n_bytes:]
            return taken
        content, filled = np.empty(n_bytes, np.uint8), 0
        while filled < n_bytes:
            some = self._some()[: n_bytes - filled]
            self.ready = self.ready[len(some) :]
            if not some:
                raise TooShortError(f"{n_bytes} bytes are announced where {filled} are left")
            content[filled : filled + len(some)] = np.frombuffer(some, np.uint8)
            filled += len(some)
        return content

    def skip(self, n_bytes: int) -> None:
        while n_bytes:
            some = self._some()[:n_bytes]
            self.ready = self.ready[len(some) :]
            if not some:
                raise TooShortError(f"{n_bytes} bytes are announced where none is left")
            n_bytes -= len(some)

    def end(self) -> None:
        """Check that nothing follows, and the checksum."""
        if self._some() or not self.unpacking.eof or self.unpacking.unused_data or self.packed_left:
            raise TooShortError("more follows, or the checksum is missing")

    def _some(self) -> bytes:
        """Return what is ready, unpacking more where nothing is; none at the end."""
        while not self.ready:
            packed = self.unpacking.unconsumed_tail
            if not packed and not self.unpacking.eof:
                packed = exactly(self.file, min(_CHUNK, self.packed_left))
                self.packed_left -= len(packed)
            self.ready = self.unpacking.decompress(packed, _CHUNK)
            if not self.ready and (self.unpacking.eof or not packed):
                break
        return self.ready
