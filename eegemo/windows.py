"""Windows: fixed-length views into trials; nothing is copied until a batch is gathered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from eegemo._html import html_table
from eegemo._numbers import finite, whole
from eegemo._trial_parts import DATASET, SESSION, UNIT
from eegemo.errors import ConfigError

if TYPE_CHECKING:
    from eegemo.trials import Trials


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of one length over the strip of some trials, at 12 bytes a window.

    Indexing with numbers, a slice or a mask gives fewer windows, so scikit-learn can split them like an
    array; ``numpy.asarray(windows)`` is :meth:`to_numpy`. Made by :meth:`eegemo.Trials.windows`.

    Parameters
    ----------
    trials : Trials
        Where the samples lie.
    n_times : int
        Samples in a window.
    starts : array, shape (n_windows,), int64
        First sample of each window in ``trials.signals``.
    trial_index : array, shape (n_windows,), int32
        The row in ``trials.table`` that each window belongs to.
    """

    trials: Trials
    n_times: int
    starts: np.ndarray
    trial_index: np.ndarray

    ndim = 3
    dtype = np.dtype(np.float32)

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(n_windows, n_channels, n_times)``."""
        return len(self.starts), len(self.trials.ch_names), self.n_times

    @property
    def ch_names(self) -> tuple[str, ...]:
        """The names of the channels."""
        return self.trials.ch_names

    @property
    def sfreq(self) -> float:
        """Sampling rate in Hz."""
        return self.trials.sfreq

    @property
    def table(self) -> pd.DataFrame:
        """One row a window: ``subject, trial, stimulus, start``; ``session, dataset, unit`` where trials have them."""
        columns = [
            name for name in ("subject", "trial", "stimulus", SESSION, DATASET, UNIT) if name in self.trials.table
        ]
        table = self.trials.table[columns].iloc[self.trial_index]
        return table.reset_index(drop=True).assign(start=self.starts)

    @property
    def groups(self) -> np.ndarray:
        """What each window must not be torn from, as scikit-learn's splitters take it: the unit of its trial.

        Same as ``trial_index`` where trials share nothing; see :attr:`eegemo.Trials.units`.
        """
        return self.trials.units[self.trial_index] if UNIT in self.trials.table else self.trial_index

    def __len__(self) -> int:
        return len(self.starts)

    def __repr__(self) -> str:
        seconds = self.n_times / self.sfreq
        return f"<Windows | {len(self)} of {self.n_times} samples ({seconds:g} s) over {self.trials!r}>"

    def _repr_html_(self) -> str:
        rows = {
            "windows": f"{len(self)} in {len(np.unique(self.trial_index))} trials",
            "length": f"{self.n_times} samples ({self.n_times / self.sfreq:g} s at {self.sfreq:g} Hz)",
            "channels": len(self.ch_names),
            "as an array": f"{self.shape}, {np.prod(self.shape, dtype=float) * 4 / 1e6:.0f} MB",
            "trials": repr(self.trials),
        }
        return html_table("Windows", rows)

    def __sizeof__(self) -> int:
        return object.__sizeof__(self) + self.starts.nbytes + self.trial_index.nbytes + self.trials.signals.nbytes

    def __getitem__(self, key: Any) -> Windows:
        if isinstance(key, tuple):  # scikit-learn asks for X[key, ...]
            if len(key) != 2 or key[1] is not Ellipsis:
                raise IndexError(f"Windows are indexed by window alone, got {key!r}; pick channels in the trials.")
            key = key[0]
        if isinstance(key, (int, np.integer)):
            key = [key]
        if not isinstance(key, slice) and np.ndim(key) != 1:
            raise IndexError(f"Windows are indexed by numbers, a slice or a mask, got {key!r}.")
        return Windows(self.trials, self.n_times, self.starts[key], self.trial_index[key])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("Windows have to be copied out of the strip to become an array.")
        return self.to_numpy().astype(dtype or self.dtype, copy=False)

    def expand(self, per_trial: np.ndarray | pd.Series) -> np.ndarray:
        """Give every window the value of its trial.

        Parameters
        ----------
        per_trial : array, shape (n_trials, ...)
            One value for each row of ``trials.table``.

        Returns
        -------
        per_window : array, shape (n_windows, ...)
        """
        values = np.asarray(per_trial)
        if len(values) != len(self.trials):
            raise ConfigError(f"One value for each of {len(self.trials)} trials was expected, got {len(values)}.")
        return values[self.trial_index]

    def gather(self, index: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Copy some windows out of the strip, each sample once, time-major as Keras wants them.

        Parameters
        ----------
        index : array of int | slice
            Which windows; all of them by default.

        Returns
        -------
        batch : array, shape (n, n_times, n_channels), float32
            In the order of ``index``.
        """
        strip = self.trials.signals
        starts = self.starts[index]
        # Rows of `n_times` samples that overlap in memory: a window is one contiguous run of the strip.
        n_rows = max(len(strip) - self.n_times + 1, 0)
        rows = np.lib.stride_tricks.as_strided(
            strip,
            (n_rows, self.n_times, strip.shape[1]),
            (strip.strides[0], strip.strides[0], strip.strides[1]),
            writeable=False,
        )
        return rows[starts]

    def to_numpy(self) -> np.ndarray:
        """Copy all windows out of the strip, channels first as MNE and scikit-learn want them.

        Returns
        -------
        X : array, shape (n_windows, n_channels, n_times), float32
        """
        return np.ascontiguousarray(self.gather().transpose(0, 2, 1))

    def batches(
        self, batch_size: int, *, random_state: np.random.Generator | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Go through all windows once, in batches.

        Parameters
        ----------
        batch_size : int
            Windows in a batch; the last one may be smaller.
        random_state : Generator | None
            Shuffles the order; without it the order is kept.

        Yields
        ------
        numbers : array, shape (n,)
            Which windows are in the batch.
        batch : array, shape (n, n_times, n_channels), float32
        """
        for numbers in batch_numbers(len(self), batch_size, random_state):
            yield numbers, self.gather(numbers)


def batch_numbers(n: int, batch_size: int, random_state: np.random.Generator | None = None) -> Iterator[np.ndarray]:
    """Cut the numbers ``0 .. n-1``, shuffled where a generator is given, into batches.

    Parameters
    ----------
    n, batch_size : int
        How many numbers, and how many in a batch.
    random_state : Generator | None
        Shuffles them.

    Yields
    ------
    numbers : array of int
    """
    batch_size = whole("batch_size", batch_size, 1)
    order = np.arange(n) if random_state is None else random_state.permutation(n)
    for first in range(0, n, batch_size):
        yield order[first : first + batch_size]


def cut(
    trials: Trials,
    duration: float | None = None,
    step: float | None = None,
    *,
    overlap: float | None = None,
    n_times: int | None = None,
) -> Windows:
    """Cut trials into windows; see :meth:`eegemo.Trials.windows`."""
    if duration is not None and n_times is not None:
        raise ConfigError("Give duration, in seconds, or n_times, in samples, not both.")
    if step is not None and overlap is not None:
        raise ConfigError("Give step or overlap, not both.")
    sfreq = None if n_times is not None else trials.sfreq
    if n_times is None:
        length = whole_samples("duration", 1.0 if duration is None else duration, sfreq)
    else:
        length = whole_samples("n_times", n_times, sfreq)
    if overlap is not None:
        return _cut(trials, length, length - whole_samples("overlap", overlap, sfreq))
    return _cut(trials, length, length if step is None else whole_samples("step", step, sfreq))


def _cut(trials: Trials, n_times: int, step: int) -> Windows:
    if n_times < 1:
        raise ConfigError(f"A window must have a sample at least, got {n_times}.")
    if not 0 < step <= n_times:
        raise ConfigError(
            f"step must be positive and no longer than a window (0 <= overlap < length), got windows of {n_times} "
            f"samples every {step}."
        )
    table = trials.table
    usable = (table["n_times"] - table["n_baseline"]).to_numpy()
    if len(trials) and n_times > usable.min():
        row = int(usable.argmin())
        raise ConfigError(
            f"A window of {n_times} samples is longer than trial {table['trial'].iloc[row]} of subject "
            f"{table['subject'].iloc[row]}, which has {usable.min()} after its baseline; take shorter windows."
        )
    counts = (usable - n_times) // step + 1
    trial_index = np.repeat(np.arange(len(trials), dtype=np.int32), counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    first = (table["start"] + table["n_baseline"]).to_numpy(np.int64)
    return Windows(trials, n_times, first[trial_index] + within * step, trial_index)


def whole_samples(name: str, value: float, sfreq: float | None) -> int:
    """Count the samples of so many seconds.

    Parameters
    ----------
    name : str
        What it is called.
    value : float
        In seconds.
    sfreq : float | None
        In Hz; without it the value is in samples.

    Returns
    -------
    n_times : int

    Raises
    ------
    ConfigError
        If they are no whole number.
    """
    samples = finite(name, value) * (1.0 if sfreq is None else sfreq)
    if abs(samples - round(samples)) > 1e-6:
        given = f"{name}={value}" if sfreq is None else f"{name}={value} s at {sfreq:g} Hz is {samples:g} samples"
        raise ConfigError(f"Windows are cut in whole samples, but {given}.")
    return round(samples)
