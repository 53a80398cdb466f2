"""Where trials were cut from their recordings, and which of them overlap there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from eegemo._warnings import warn_caller

if TYPE_CHECKING:
    from eegemo.trials import Trials

#: The columns of the recording that a trial was cut from, and of the trial's first sample in it.
RECORDING, FIRST_SAMPLE = "recording", "first_sample"
#: The columns that cutting makes, whatever a table of trials has beside them.
MADE_COLUMNS = ("start", "n_times", "n_baseline", RECORDING, FIRST_SAMPLE)
#: Trials that follow each other may have one sample in common, which is not counted: MNE's epochs end with the sample
#: at tmax, where the next one begins, and onsets fall on the nearest sample.
FENCEPOST = 1


@dataclass(frozen=True, eq=False)
class Origins:
    """Where each trial was cut, with all recordings on one axis.

    Parameters
    ----------
    recording : array of int, shape (n_trials,)
        The number of its recording; -1 where that is not known.
    first : array of int64, shape (n_trials,)
        First sample, baseline included; trials of two recordings are so far apart that they cannot overlap.
    known : array of bool, shape (n_trials,)
        Whether the first sample is known; it is 0 where it is not.
    overlapping : array of bool, shape (n_trials,)
        Whether the trial, without its baseline, has samples in common with another one; False where it is not known.
    """

    recording: np.ndarray
    first: np.ndarray
    known: np.ndarray
    overlapping: np.ndarray

    @property
    def apart(self) -> bool:
        """Whether all trials are known to have no samples in common."""
        return bool(self.known.all() and not self.overlapping.any())


def origins_of(table: pd.DataFrame) -> Origins | None:
    """Find where trials were cut.

    Parameters
    ----------
    table : DataFrame
        A row a trial.

    Returns
    -------
    origins : Origins | None
        None where the table has no such columns: then trials have in common what they have in common in the strip.
    """
    if not {RECORDING, FIRST_SAMPLE} <= set(table):
        return None
    known = table[[RECORDING, FIRST_SAMPLE]].notna().all(axis=1).to_numpy()
    recording = pd.factorize(table[RECORDING])[0]
    within = np.zeros(len(table), np.int64)
    within[known] = table[FIRST_SAMPLE][known].to_numpy(np.int64)
    within[known] -= within[known].min(initial=np.iinfo(np.int64).max)
    longest = within.max(initial=0) + table["n_times"].max()
    first = np.where(known, recording * longest + within, 0)
    overlapping = known.copy()
    overlapping[known] = _n_overlapping(table[known], first[known]) > 0
    return Origins(recording, first, known, overlapping)


def warn_of_overlap(trials: Trials) -> None:
    """Warn where trials have samples in common with trials of another unit, so that no split by trial is safe.

    Parameters
    ----------
    trials : Trials
        As they were made.
    """
    origins = trials.origins
    if origins is None or not origins.overlapping.any():
        return
    copied = [copy["row"] for copy in trials.provenance.get("copies", ())]  # of which others warn
    rows = np.setdiff1d(np.flatnonzero(origins.overlapping), copied)
    table, first = trials.table.iloc[rows], origins.first[rows]
    of_units = first + trials.units[rows] * (first.max() + table["n_times"].max())
    others = rows[_n_overlapping(table, first) > _n_overlapping(table, of_units)]
    if len(others):
        row = trials.table.iloc[others[0]]
        warn_caller(
            f"{len(others)} of {len(trials)} trials have raw samples in common with others (trial {row['trial']} of "
            f"subject {row['subject']} first), so that a test can hold what training saw: leave out trials that lie in "
            "others, or give those that overlap one value in a column 'unit', or epochs one 'trial' in their metadata; "
            "where they come from several recordings of one subject, name these in a column 'session', 'run' or 'file'."
        )


def _n_overlapping(table: pd.DataFrame, first: np.ndarray) -> np.ndarray:
    """Count the other trials that each trial, without its baseline, has samples in common with."""
    begin, end = first + table["n_baseline"].to_numpy(), first + table["n_times"].to_numpy() - FENCEPOST
    filled = end > begin
    begun = np.searchsorted(np.sort(begin[filled]), end, side="left")
    ended = np.searchsorted(np.sort(end[filled]), begin, side="right")
    return np.where(filled, begun - ended - 1, 0)
