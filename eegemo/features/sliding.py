"""Sums and largest values over windows, and the windows themselves: what overlapping windows share is added up once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

#: Samples that are worked on at a time: 2 MB in double precision, which a processor's cache holds.
TOGETHER = 1 << 18
_BLOCK = 8  # samples that are added up first

#: First samples of windows, ascending. A range says that they are evenly spaced, which takes no copies.
Starts = np.ndarray | range


def window_sums(values: np.ndarray, starts: Starts, n_times: int) -> np.ndarray:
    """Sum over windows, with few additions for each sample whatever their overlap.

    Parameters
    ----------
    values : array, shape (..., n_times)
        What is summed.
    starts : array of int, shape (n_starts,) | range
        First sample of each window.
    n_times : int
        Samples in a window.

    Returns
    -------
    sums : array, shape (..., n_starts)
        In the precision of ``values``; 0 where ``n_times`` is below 1.

    Notes
    -----
    Samples are added in blocks of 8, blocks in pairs, and pairs in pairs. In signals of one layout in memory the order
    is the same for each window, whatever other windows there are, and so is the sum, to the last digit. Nothing is
    subtracted, so a window's error is a few units in the last place of the sum of its own ``|values|``; what lies
    outside it does not matter.
    """
    if n_times < 1:
        return np.zeros((*values.shape[:-1], len(starts)), values.dtype)
    return _combine(values, as_range(starts), n_times, np.add)


def window_maxima(values: np.ndarray, starts: Starts, n_times: int) -> np.ndarray:
    """Find the largest value of each window.

    Parameters
    ----------
    values : array, shape (..., n_times)
        Among which it is found.
    starts : array of int, shape (n_starts,) | range
        First sample of each window.
    n_times : int
        Samples in a window, 1 or more.

    Returns
    -------
    maxima : array, shape (..., n_starts)
    """
    starts = as_range(starts)
    if _lie_apart(starts, n_times):
        return _cut(values, starts, n_times).max(axis=-1)
    return _combine(values, starts, n_times, np.maximum)


def window_means(values: np.ndarray, starts: Starts, n_times: int) -> np.ndarray:
    """Compute the means of windows: of what overlaps by :func:`window_sums`, of what does not at once.

    Parameters
    ----------
    values : array, shape (..., n_times), float64
        What is averaged.
    starts : array of int, shape (n_starts,) | range
        First sample of each window.
    n_times : int
        Samples in a window.

    Returns
    -------
    means : array, shape (..., n_starts)
        The two ways agree to rounding; 0 where ``n_times`` is below 1.
    """
    starts = as_range(starts)
    if n_times > 0 and _lie_apart(starts, n_times):
        return np.einsum("...t->...", _cut(values, starts, n_times)) / n_times
    return window_sums(values, starts, n_times) / max(n_times, 1)


def window_mean_products(values: np.ndarray, others: np.ndarray, starts: Starts, n_times: int) -> np.ndarray:
    """Compute the mean products of windows: of what overlaps by :func:`window_sums`, of what does not at once.

    Parameters
    ----------
    values, others : array, shape (..., n_times), float64
        What is multiplied.
    starts : array of int, shape (n_starts,) | range
        First sample of each window.
    n_times : int
        Samples in a window, 1 or more.

    Returns
    -------
    means : array, shape (..., n_starts)
        The two ways agree to rounding.
    """
    starts = as_range(starts)
    if _lie_apart(starts, n_times):
        windows = _cut(values, starts, n_times)
        other_windows = windows if others is values else _cut(others, starts, n_times)
        return np.vecdot(windows, other_windows) / n_times
    return window_sums(values * others, starts, n_times) / n_times


def window_views(signals: np.ndarray, starts: Starts, n_times: int) -> np.ndarray:
    """Cut windows out of signals, for what has to be computed window by window.

    Parameters
    ----------
    signals : array, shape (n_signals, n_channels, n_times)
        What windows are cut from.
    starts : array of int, shape (n_starts,) | range
        First sample of each window.
    n_times : int
        Samples in a window.

    Returns
    -------
    windows : array, shape (n_signals, n_starts, n_channels, n_times)
        Views where starts are evenly spaced, not to be written to; copies otherwise.
    """
    return _cut(signals, as_range(starts), n_times).swapaxes(1, 2)


def window_copies(signals: np.ndarray, starts: Starts, n_times: int) -> np.ndarray:
    """Copy windows out of signals.

    Parameters
    ----------
    signals, starts, n_times
        As in :func:`window_views`.

    Returns
    -------
    windows : array, shape (n_signals, n_starts, n_channels, n_times)
        In this order in memory, float64.
    """
    return np.array(window_views(signals, starts, n_times), np.float64, order="C")


def pieces(signals: np.ndarray, starts: Starts, n_times: int) -> Iterator[tuple[np.ndarray, Starts]]:
    """Cut signals into pieces that fit into a cache, and in which whole windows lie.

    Parameters
    ----------
    signals : array, shape (n_signals, n_channels, n_times)
        What windows are cut from.
    starts : array of int, shape (n_starts,) | range
        First sample of each window, ascending.
    n_times : int
        Samples in a window.

    Yields
    ------
    piece : array, shape (n_signals, n_channels, n)
        Samples.
    places : array of int, shape (n_starts_of_the_piece,) | range
        First sample of each window in the piece.
    """
    length = max(1, TOGETHER // (signals.shape[0] * signals.shape[1]))
    starts = as_range(starts)
    if isinstance(starts, range):
        together = -(-length // starts.step)
        ends = [*range(together, len(starts), together), len(starts)]
    else:
        ends = [*(np.flatnonzero(np.diff((starts - starts[0]) // length)) + 1).tolist(), len(starts)]
    for first, end in zip([0, *ends], ends, strict=False):
        begin = int(starts[first])
        yield signals[..., begin : int(starts[end - 1]) + n_times], moved(starts[first:end], -begin)


def as_range(starts: Starts) -> Starts:
    """Write starts that are evenly spaced as a range."""
    if isinstance(starts, range):
        return starts
    first, step = int(starts[0]), int(starts[1] - starts[0]) if len(starts) > 1 else 1
    if step < 1 or (len(starts) > 2 and (np.diff(starts) != step).any()):
        return starts
    return range(first, first + step * len(starts), step)


def moved(starts: Starts, by: int) -> Starts:
    """Move starts by some samples."""
    return range(starts.start + by, starts.stop + by, starts.step) if isinstance(starts, range) else starts + by


def taken(values: np.ndarray, starts: Starts) -> np.ndarray:
    """Take the entries at ``starts`` of the last axis."""
    return values[..., starts.start : starts.stop : starts.step] if isinstance(starts, range) else values[..., starts]


def _combine(values: np.ndarray, starts: Starts, n_times: int, ufunc: np.ufunc) -> np.ndarray:
    """Combine the values of each window; tables of the combined values of 1, 2, 4 ... blocks are made on the way.

    Blocks begin at every sample, or only where windows do: ``grid`` samples apart.
    """
    if isinstance(starts, range):
        first, last, spacing = starts[0], starts[-1], starts.step if len(starts) > 1 else 0
    else:
        first, last = int(starts.min()), int(starts.max())
        spacing = int(np.gcd.reduce(starts - first))
    values, starts = values[..., first : last + n_times], moved(starts, -first)
    n_blocks, n_rest = divmod(n_times, _BLOCK)
    combined = None
    for place in range(n_times - n_rest, n_times):
        sample = taken(values, moved(starts, place))
        combined = sample if combined is None else ufunc(sample, combined)
    if n_blocks:
        grid = 1 if spacing % _BLOCK else _BLOCK
        blocks = _combine_blocks(values, ufunc, apart=grid == _BLOCK)
        length = 1  # blocks that an entry of the table combines
        while True:
            if n_blocks & length:
                before = n_blocks // (2 * length) * 2 * length  # larger parts of a window come first
                part = taken(blocks, _on_grid(moved(starts, before * _BLOCK), grid))
                combined = part if combined is None else ufunc(part, combined)
            if 2 * length > n_blocks:
                break
            if grid == length * _BLOCK and spacing % (2 * grid) == 0:
                even = blocks.shape[-1] // 2 * 2
                blocks, grid = ufunc(blocks[..., 0:even:2], blocks[..., 1:even:2]), 2 * grid
            else:
                shift = length * _BLOCK // grid
                blocks = ufunc(blocks[..., :-shift], blocks[..., shift:])
            length *= 2
    assert combined is not None
    return combined


def _combine_blocks(values: np.ndarray, ufunc: np.ufunc, *, apart: bool) -> np.ndarray:
    """Combine the values of each block: of those that lie end to end, or of those that begin at any sample.

    What is combined with what depends on the layout in memory alone.
    """
    times_are_neighbours = values.strides[-1] == values.itemsize
    if not apart:
        for distance in (1, 2, 4) if times_are_neighbours else (4, 2, 1):
            values = ufunc(values[..., :-distance], values[..., distance:])
        return values
    values = values[..., : values.shape[-1] // _BLOCK * _BLOCK]
    if times_are_neighbours:
        for _ in range(3):
            values = ufunc(values[..., 0::2], values[..., 1::2])
        return values
    values = values.reshape(*values.shape[:-1], -1, _BLOCK)  # halves are long runs of samples of all channels
    for half in (4, 2, 1):
        values = ufunc(values[..., :half], values[..., half:])
    return values[..., 0]


def _on_grid(starts: Starts, grid: int) -> Starts:
    if not isinstance(starts, range):
        return starts // grid
    step = starts.step // grid if len(starts) > 1 else 1
    return range(starts.start // grid, starts.start // grid + step * len(starts), step)


def _lie_apart(starts: Starts, n_times: int) -> bool:
    if isinstance(starts, range):
        return len(starts) == 1 or starts.step >= n_times
    return bool((np.diff(starts) >= n_times).all())


def _cut(values: np.ndarray, starts: Starts, n_times: int) -> np.ndarray:
    """Cut windows, shape (..., n_starts, n_times); without a copy where they are evenly spaced."""
    if not isinstance(starts, range):
        return values[..., np.asarray(starts)[:, None] + np.arange(n_times)]
    values = values[..., starts[0] : starts[-1] + n_times]
    if starts.step == n_times or len(starts) == 1:
        return values.reshape(*values.shape[:-1], len(starts), n_times)  # an axis in two is a view too, and faster
    *outer, inner = values.strides
    shape = (*values.shape[:-1], len(starts), n_times)
    return as_strided(values, shape, (*outer, starts.step * inner, inner), writeable=False)
