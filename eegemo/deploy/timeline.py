"""Where the samples of a stream belong, by their time stamps: on time, after a gap, or too late."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np

from eegemo.errors import DataFormatError

_ROUNDING = 1e-3  # of a sample, by which stamps in seconds since 1970 are rounded
_DRIFT_SECONDS = 10.0  # by which a clock that runs a little faster or slower is followed
_RESTART_SECONDS = 10.0  # stamps that go back further are those of a clock that was set anew
_KEPT_GAPS = 64  # of which it is known that what comes late was missing


class Piece(NamedTuple):
    """What is to be done with the samples ``start`` to ``stop`` of a chunk, or before them."""

    kind: Literal["next", "gap", "pause", "late", "duplicate", "clock"]
    start: int
    stop: int
    #: Samples that are missing before them, of a gap and of a pause.
    n_missing: int = 0


class Timeline:
    """Follows the stamps of one stream; made anew when it is begun anew.

    Parameters
    ----------
    sfreq : float
        The stream's rate in Hz.
    tolerance : float
        Seconds by which stamps may stray beyond half a sample.
    longest_gap : float
        Seconds beyond which a gap is a pause.
    """

    def __init__(self, sfreq: float, tolerance: float, longest_gap: float) -> None:
        self._sfreq = sfreq
        self._limit = 0.5 + tolerance * sfreq + _ROUNDING
        self._longest = longest_gap * sfreq
        self._origin: float | None = None
        self._n = 0
        self._gaps: deque[tuple[float, float]] = deque(maxlen=_KEPT_GAPS)

    def begin_anew(self) -> None:
        """Take the next stamp as the first one; what was missing before stays known."""
        self._origin, self._n = None, 0

    def time_of(self, back: int) -> float:
        """Return the time of the sample that lies ``back`` before the last one, in seconds of the stream's clock."""
        return (self._origin or 0.0) + (self._n - 1 - back) / self._sfreq

    def advance(self, n_times: int) -> None:
        """Let samples without stamps follow those that were."""
        self._origin = 0.0 if self._origin is None else self._origin
        self._n += n_times

    def place(self, stamps: np.ndarray) -> Iterator[Piece]:
        """Say what is to be done with the samples of a chunk.

        Parameters
        ----------
        stamps : array, shape (n_times,)
            In seconds.

        Yields
        ------
        piece : Piece
            In order; every sample is in one that is ``next``, ``late`` or ``duplicate``. A ``gap`` says how many
            are missing before the next ones, a ``pause`` that too many are, and ``clock`` that the stamps went back.
            :meth:`time_of` counts from the samples of the one that was given last.

        Raises
        ------
        DataFormatError
            If a stamp is not finite.
        """
        if not np.isfinite(stamps).all():
            raise DataFormatError("Time stamps must be finite numbers of seconds; leave them out if there are none.")
        start = 0
        while start < len(stamps):
            if self._origin is None:
                self._origin = float(stamps[start])
            rest = (stamps[start:] - self._origin) * self._sfreq - self._n  # in samples, from the one that is due
            off = rest - np.arange(len(rest))
            on_time = np.abs(off) <= self._limit
            n_next = len(off) if on_time.all() else int(on_time.argmin())
            if n_next:
                self._n += n_next
                followed = min(1.0, n_next / (_DRIFT_SECONDS * self._sfreq))
                self._origin += followed * float(off[:n_next].mean()) / self._sfreq
                yield Piece("next", start, start + n_next)
                start += n_next
            elif off[0] > 0:
                yield self._behind_a_gap(start, float(stamps[start]), round(float(off[0])))
            elif off[0] < -_RESTART_SECONDS * self._sfreq:
                self._gaps.clear()
                self.begin_anew()
                yield Piece("clock", start, start)
            else:
                before = rest < -self._limit
                stop = start + (len(rest) if before.all() else int(before.argmin()))
                yield from self._behind_time(stamps, start, stop)
                start = stop

    def _behind_a_gap(self, start: int, stamp: float, n_missing: int) -> Piece:
        due = (self._origin or 0.0) + self._n / self._sfreq
        self._gaps.append((due - 0.5 / self._sfreq, stamp - 0.5 / self._sfreq))
        if n_missing > self._longest:
            self.begin_anew()
            return Piece("pause", start, start, n_missing)
        self._n += n_missing
        return Piece("gap", start, start, n_missing)

    def _behind_time(self, stamps: np.ndarray, start: int, stop: int) -> list[Piece]:
        """Tell samples that were missing until now from those that were there already."""
        pieces: list[Piece] = []
        for number in range(start, stop):
            missing = any(first <= stamps[number] < last for first, last in self._gaps)
            kind: Literal["late", "duplicate"] = "late" if missing else "duplicate"
            if pieces and pieces[-1].kind == kind:
                pieces[-1] = pieces[-1]._replace(stop=number + 1)
            else:
                pieces.append(Piece(kind, number, number + 1))
        return pieces
