"""The leakage record: how much of what is tested on was seen in training."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from eegemo.windows import Windows


@dataclass(frozen=True)
class Leakage:
    """What the test windows of one fold share with its training and validation windows.

    Parameters
    ----------
    shared_samples, trial, subject, stimulus : float
        Share of the test windows, from 0 to 1, that have raw samples, their trial, their subject or their
        stimulus in common with training or validation; NaN where the dataset names no stimuli.
    """

    shared_samples: float
    trial: float
    subject: float
    stimulus: float

    def __str__(self) -> str:
        return ", ".join(f"{name.replace('_', ' ')} {percent(share)}" for name, share in asdict(self).items())


def percent(share: float) -> str:
    """Write a share in percent, so that neither a small leak nor a small rest is rounded away.

    Parameters
    ----------
    share : float
        From 0 to 1, or NaN.

    Returns
    -------
    text : str
        ``0%``, ``<1%``, ``1%`` ... ``99%``, ``>99%``, ``100%``, or ``unknown``.
    """
    if np.isnan(share):
        return "unknown"
    if 0 < share < 0.01:
        return "<1%"
    return ">99%" if 0.99 < share < 1 else f"{share:.0%}"


def leakage_record(windows: Windows, seen: np.ndarray, test: np.ndarray) -> Leakage:
    """Count what the test windows share with the windows that training saw.

    Parameters
    ----------
    windows : Windows
        All windows.
    seen : array of int
        Numbers of the windows in training *and* validation: early stopping sees both.
    test : array of int
        Numbers of the windows tested on.

    Returns
    -------
    leakage : Leakage
    """
    table = windows.trials.table
    seen_trials, test_trials = windows.trial_index[seen], windows.trial_index[test]

    def shared(column: str) -> float:
        values = table[column]
        if values.isna().any():
            return float("nan")
        return float(np.isin(values.to_numpy()[test_trials], values.to_numpy()[np.unique(seen_trials)]).mean())

    return Leakage(
        shared_samples=_overlapping(windows.starts[seen], windows.starts[test], windows.length),
        trial=float(np.isin(test_trials, seen_trials).mean()),
        subject=shared("subject"),
        stimulus=shared("stimulus"),
    )


def mean_leakage(records: Iterable[Leakage]) -> Leakage:
    """Average the records of several folds."""
    means = pd.DataFrame([asdict(record) for record in records]).mean()
    return Leakage(**{str(name): share for name, share in means.items()})


def _overlapping(seen: np.ndarray, test: np.ndarray, length: int) -> float:
    """Share of test windows that overlap the nearest seen window before or after them; windows never cross trials."""
    seen = np.sort(seen)
    after = np.searchsorted(seen, test)
    following = np.append(seen, np.iinfo(np.int64).max)[after]
    preceding = np.append(np.iinfo(np.int64).min // 2, seen)[after]
    return float(((following - test < length) | (test - preceding < length)).mean())
