"""From the files of people to a store: what every loader of a published dataset does alike."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from eegemo._warnings import warn_caller
from eegemo.datasets._layout import Layout
from eegemo.datasets._store import Block, prepared
from eegemo.datasets.published import simulated_mark
from eegemo.errors import DataFormatError
from eegemo.trials import Trials


@dataclass(frozen=True)
class Recorded:
    """What one file holds of one person.

    Parameters
    ----------
    file : str
        Its name, for messages.
    signals : list of array, each of shape (n_times, n_channels)
        Of every trial, in all channels of the files, and in microvolts. The list is emptied.
    table : DataFrame
        A row a trial, as :class:`eegemo.Trials` has it but for ``start`` and ``n_times``; ``n_baseline`` is 0 where it
        is not there.
    left_out : mapping of str -> list of int
        From a reason to the numbers of the trials of the file that are not among these for it.
    """

    file: str
    signals: list[np.ndarray]
    table: pd.DataFrame
    left_out: Mapping[str, list[int]] = field(default_factory=dict)


def load_people(
    layout: Layout,
    folder: Path,
    files: Sequence[Path],
    read: Callable[[], Iterator[Recorded]],
    *,
    channels: str | Iterable[str],
    cache: str | os.PathLike[str] | None,
    provenance: dict[str, Any],
) -> Trials:
    """Open the store of a dataset's files, making it first where it is missing, one file in memory at a time.

    Parameters
    ----------
    layout : Layout
        Of the files.
    folder : Path
        That was given.
    files : sequence of Path
        All that samples or labels come from.
    read : callable
        Reads them; only called where the store has to be made.
    channels : "eeg" | "emotiv14" | iterable of str
        Which of them.
    cache : path-like | None
        Where the store lies.
    provenance : dict
        What else is known of them.

    Returns
    -------
    trials : Trials
        Trials that were left out are named in a warning and in ``provenance["recordings"]``.

    Raises
    ------
    DataFormatError
        If a sample is not finite, or no trial is left.
    ConfigError
        If a channel is unknown, or some files were simulated and others not.
    """
    names, columns = layout.resolve(channels)
    all_of_them = columns == list(range(len(layout.ch_names)))

    def blocks() -> Iterator[Block]:
        any_left, left_out = False, []
        for recorded in read():
            record = {"file": recorded.file, "left_out": dict(recorded.left_out)} if recorded.left_out else {}
            left_out += [record] if record else []
            any_left |= bool(recorded.signals)
            n_times = np.array([len(signals) for signals in recorded.signals], dtype=np.int64)
            table = recorded.table.assign(start=np.cumsum(n_times) - n_times, n_times=n_times)
            pieces = _taken(recorded, names, columns, all_of_them)
            yield pieces, table if "n_baseline" in table else table.assign(n_baseline=0), record
            del pieces, recorded  # before the next file is read
        if not any_left:
            raise DataFormatError(
                f"{str(folder)!r}: no trial is left. {_in_words(left_out) if left_out else ''}".strip()
            )

    nobody = simulated_mark(files, folder)
    trials = prepared(
        files,
        blocks,
        description={
            "ch_names": list(names),
            "ch_types": layout.types_of(columns),
            "sfreq": layout.sfreq,
            "dataset": f"simulated {layout.name} files" if nobody else layout.name,
            "simulated": nobody,
            "provenance": {**provenance, "pass_band": list(layout.pass_band)},
        },
        cache=cache,
    )
    if left_out := trials.provenance.get("recordings"):
        warn_caller(_in_words(left_out))
    return trials


def _in_words(left_out: Sequence[Mapping[str, Any]]) -> str:
    n_trials = sum(len(trials) for record in left_out for trials in record["left_out"].values())
    of_files = [
        f"{record['file']}: trial{'s' * (len(trials) > 1)} {', '.join(map(str, trials))} ({reason})"
        for record in left_out
        for reason, trials in record["left_out"].items()
    ]
    return f"{n_trials} trial{'s are' if n_trials > 1 else ' is'} left out. {'; '.join(of_files)}."


def _taken(recorded: Recorded, names: Sequence[str], columns: list[int], all_of_them: bool) -> Iterator[np.ndarray]:
    """Yield the wanted channels of each trial, float32, and forget its samples; refuse some that are no numbers."""
    for number in range(len(recorded.signals)):
        signals, recorded.signals[number] = recorded.signals[number], np.empty((0, 0))
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused with its place
            taken = np.ascontiguousarray(signals if all_of_them else signals[:, columns], np.float32)
            del signals
        finite = np.isfinite(taken).all()
        if not finite:
            sample, channel = np.argwhere(~np.isfinite(taken))[0]
            raise DataFormatError(
                f"{recorded.file}: channel {names[channel]} of trial {number + 1} is {taken[sample, channel]} at "
                f"sample {sample}, expected finite values; the file is damaged - fetch it again."
            )
        yield taken
        del taken
