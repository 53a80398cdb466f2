"""Run recursive filters forwards and backwards over long signals by Fourier transforms, edges included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import fft, signal

#: A filter's memory that has decayed to this share of itself counts as gone.
_GONE = 1e-18


def filter_both_ways(filters: Sequence[np.ndarray], signals: np.ndarray) -> Iterator[np.ndarray]:
    """Filter forwards and backwards, so that nothing is delayed: the numbers of :func:`scipy.signal.sosfiltfilt`.

    Parameters
    ----------
    filters : sequence of array, shape (n_sections, 6)
        Stable ones, as scipy designs them.
    signals : array, shape (..., n_times)
        Along their last axis.

    Yields
    ------
    passed : array, shape (..., n_times), float64
        By one filter after the other.

    Notes
    -----
    As scipy does, signals are continued at both ends by their own reflection, and each of the two runs begins as if
    the first value had always been there. Both runs over an endless signal are one multiplication of its spectrum, for
    which all filters share one transform. That the second run begins at the last sample, and not behind it, is put
    right by what the filter remembers there, which dies away. Where the memory is longer than the signal, scipy filters
    it.

    References
    ----------
    Gustafsson 1996, doi:10.1109/78.492552.
    """
    n_times = signals.shape[-1]
    run_ups = [min(_run_up(sections), n_times - 1) for sections in filters]  # short windows have less than scipy's
    keys = [np.ascontiguousarray(sections, float).tobytes() for sections in filters]
    memories = [_memory(key) for key in keys]
    short = [memory for memory in memories if memory < n_times]
    n_fft = fft.next_fast_len(n_times + 2 * max(run_ups) + max(short), real=True) if short else 0
    spectra: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    for sections, key, run_up, memory in zip(filters, keys, run_ups, memories, strict=True):
        if memory >= n_times:
            yield signal.sosfiltfilt(np.array(sections), signals, axis=-1, padlen=run_up)
            continue
        if run_up not in spectra:
            reflected = _reflect(signals, run_up)
            spectra[run_up] = reflected, fft.rfft(reflected - reflected[..., :1], n_fft)
        passed = _both_runs(key, memory, n_fft).run(*spectra[run_up])
        yield passed[..., run_up : run_up + n_times]


def _run_up(sections: np.ndarray) -> int:
    """Return by how many samples scipy continues signals: an odd order's half section counts once."""
    n_taps = 2 * len(sections) + 1 - min((sections[:, 2] == 0).sum(), (sections[:, 5] == 0).sum())
    return 3 * int(n_taps)


def _reflect(signals: np.ndarray, n: int) -> np.ndarray:
    """Continue signals at both ends by their reflection in the last value."""
    n_times = signals.shape[-1]
    reflected = np.empty((*signals.shape[:-1], n_times + 2 * n))
    reflected[..., n : n + n_times] = signals
    reflected[..., :n] = 2 * signals[..., :1] - signals[..., n:0:-1]
    reflected[..., n + n_times :] = 2 * signals[..., -1:] - signals[..., -2 : -n - 2 : -1]
    return reflected


@dataclass(frozen=True)
class _BothRuns:
    """What two runs of one filter need."""

    n_fft: int
    power: np.ndarray
    """Of the response at the frequencies of the transform; shape (n_freqs,)."""
    of_constant: float
    """What two runs make of a constant 1."""
    direct: float
    """What a sample adds to the output at once."""
    remembered: np.ndarray
    """The memory that a unit leaves, just after it and after more and more samples; shape (n_memory, n_states)."""
    released: np.ndarray
    """What each part of the memory puts out by itself, sample after sample; shape (n_states, n_memory)."""
    returned: np.ndarray
    """The memory of a run backwards over that; shape (n_states, n_states)."""
    settled: np.ndarray
    """The memory of a constant 1; shape (n_states,)."""

    def run(self, signals: np.ndarray, spectrum: np.ndarray) -> np.ndarray:
        """Filter signals, continued at both ends, whose spectrum without their first value is known."""
        n_times, n_memory = signals.shape[-1], len(self.remembered)
        first = signals[..., :1]
        passed = fft.irfft(spectrum * self.power, self.n_fft)[..., :n_times]
        latest = signals[..., : -n_memory - 2 : -1] - first
        before, after = (latest[..., at : at + n_memory] @ self.remembered for at in (1, 0))
        last = self.direct * latest[..., :1] + before @ self.released[:, :1]
        # The endless run came with a memory of what lies behind the end; it should have come with that of a constant.
        memory = last * self.settled - after @ self.returned
        passed[..., -n_memory:] += (memory @ self.released)[..., ::-1]
        return passed + self.of_constant * first


@lru_cache(maxsize=64)
def _memory(key: bytes) -> int:
    """Return after how many samples a filter's memory has decayed."""
    sections = np.frombuffer(bytearray(key)).reshape(-1, 6)
    slowest = max(np.abs(np.roots(section[3:])).max(initial=0) for section in sections)
    return int(np.ceil(np.log(_GONE) / np.log(slowest))) if slowest > 0 else 1


@lru_cache(maxsize=64)
def _both_runs(key: bytes, n_memory: int, n_fft: int) -> _BothRuns:
    """Try a filter on units and on each part of its memory."""
    sections = np.frombuffer(bytearray(key)).reshape(-1, 6)
    n_states, nothing = 2 * len(sections), np.zeros((len(sections), 2))

    def from_each_state(inputs: np.ndarray, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        memory = np.ascontiguousarray(states.reshape(n_states, -1, 2).swapaxes(0, 1))
        outputs, memory = signal.sosfilt(sections, inputs, zi=memory)
        return outputs, memory.swapaxes(0, 1).reshape(n_states, n_states)

    each, none = np.eye(n_states), np.zeros((n_states, n_states))
    released, _ = from_each_state(np.zeros((n_states, n_memory)), each)
    _, next_memory = from_each_state(np.zeros((n_states, 1)), each)
    _, returned = from_each_state(released[:, ::-1], none)
    (direct,), memory = signal.sosfilt(sections, [1.0], zi=nothing)
    remembered = np.empty((n_memory, n_states))
    remembered[0] = memory.ravel()
    for sample in range(1, n_memory):
        remembered[sample] = remembered[sample - 1] @ next_memory
    _, response = signal.sosfreqz(sections, 2 * np.pi * np.arange(n_fft // 2 + 1) / n_fft)
    return _BothRuns(
        n_fft=n_fft,
        power=np.abs(response) ** 2,
        of_constant=float((sections[:, :3].sum(axis=1) / sections[:, 3:].sum(axis=1)).prod() ** 2),
        direct=float(direct),
        remembered=remembered,
        released=released,
        returned=returned,
        settled=signal.sosfilt_zi(sections).ravel(),
    )
