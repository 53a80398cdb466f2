"""The last window of a stream, in memory that does not grow."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


class WindowBuffer:
    """Holds the last samples of a stream, and gives each window when its last sample has come.

    Every sample lies in it twice, a window apart, so that the last window is always one block.

    Parameters
    ----------
    n_times, step : int
        Samples in a window, and from one to the next.
    n_channels : int
        Channels.
    """

    def __init__(self, n_times: int, step: int, n_channels: int) -> None:
        self._n_times, self._step = n_times, step
        self._samples = np.empty((2 * n_times, n_channels), np.float32)
        self.begin_anew(0)

    def begin_anew(self, n_skipped: int, *, n_ringing: int = 0) -> None:
        """Forget all samples, and leave out the next so many, in which filters settle; more may ring in windows."""
        self._n = -n_skipped
        self._last_invalid = n_ringing - 1

    def add(
        self, samples: np.ndarray, *, valid: bool = True, n_ringing: int = 0
    ) -> Iterator[tuple[int, np.ndarray | None]]:
        """Add samples, and give the windows that they complete.

        Parameters
        ----------
        samples : array, shape (n, n_channels)
            The next ones; may be none.
        valid : bool
            Whether they were recorded. Windows that hold others are not given, nor those that hold the sample behind
            them, which rests on them, too.
        n_ringing : int
            Of samples that are not valid: for how many more behind that one it is so, since filters ring in them.

        Yields
        ------
        n_after : int
            How many of these samples come after the window.
        window : array, shape (n_times, n_channels) | None
            A view that the next samples overwrite; None where it holds invalid ones.
        """
        start = 0
        while start < len(samples):
            if self._n < 0:
                n_skipped = min(-self._n, len(samples) - start)
                self._n += n_skipped
                start += n_skipped
                continue
            n = min(self._due() - self._n, len(samples) - start)
            self._write(samples[start : start + n])
            start += n
            self._n += n
            if not valid:
                self._last_invalid = max(self._last_invalid, self._n - 1)
            if self._n >= self._n_times and (self._n - self._n_times) % self._step == 0:
                first = self._n % self._n_times
                sound = self._last_invalid < self._n - self._n_times
                yield len(samples) - start, self._samples[first : first + self._n_times] if sound else None
        if not valid:
            self._last_invalid = max(self._last_invalid, self._n + n_ringing)

    def _due(self) -> int:
        """Return after how many samples the next window is complete."""
        done = self._n - self._n_times
        return self._n_times if done < 0 else self._n_times + (done // self._step + 1) * self._step

    def _write(self, samples: np.ndarray) -> None:
        samples, at = samples[-self._n_times :], self._n + max(0, len(samples) - self._n_times)
        places = (at + np.arange(len(samples))) % self._n_times
        self._samples[places] = samples
        self._samples[places + self._n_times] = samples
