"""A reviewer's tool: the leakage record of a split that somebody else made, and a verdict in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from eegemo._trial_parts import SESSION, UNIT, number_units
from eegemo.errors import ConfigError, suggest_keywords
from eegemo.evaluation.leakage import Leakage, shared_samples, verdict
from eegemo.evaluation.split_files import IDENTIFIERS
from eegemo.trials import FITTED_ON_ALL
from eegemo.windows import Windows

_EMPTY = np.empty(0, int)


@dataclass(frozen=True)
class Audit:
    """What a split shares between its sides.

    Parameters
    ----------
    leakage : Leakage
        What test shares with the rest.
    n_train, n_validation, n_test : int
        Windows in each part.
    closest : str
        The protocol of eegemo that the split comes nearest to.
    """

    leakage: Leakage
    n_train: int
    n_validation: int
    n_test: int

    @property
    def closest(self) -> str | None:
        """The protocol that keeps whole what this split keeps whole; None where trials are not known."""
        leakage = self.leakage
        if np.isnan(leakage.trial):
            return None
        if leakage.trial > 0 or leakage.shared_samples > 0:
            return "window-random"
        kept = [name for name in ("subject", "stimulus") if getattr(leakage, name) == 0]
        if not kept and leakage.session == 0:
            return "session"
        return {(): "trial", ("subject",): "subject", ("stimulus",): "stimulus"}.get(tuple(kept), "subject-stimulus")

    @property
    def verdict(self) -> str:
        """What a score under this split can mean, in a few sentences."""
        return verdict(self.leakage)

    def __str__(self) -> str:
        parts = f"{self.n_train} windows to train on, {self.n_validation} to validate on, {self.n_test} to test on"
        nearest = f"Comes nearest to protocol {self.closest!r}.\n" if self.closest else ""
        return f"{self.verdict}\n\n{parts}.\n{nearest}Test windows share with training: {self.leakage}."


@suggest_keywords
def audit_split(
    windows: Windows | pd.DataFrame,
    train: Any,
    test: Any,
    validation: Any = None,
    *,
    n_times: int | None = None,
    fitted_on_test: Sequence[str] | None = None,
    chosen_by_test: Sequence[str] | None = None,
) -> Audit:
    """Find out what the two sides of a split share.

    Parameters
    ----------
    windows : Windows | DataFrame
        What was split: Windows, or a table with a row a window and the columns ``subject, trial, stimulus,
        start`` as far as they are known, ``session`` where there were several, and ``unit`` where trials of a subject
        share a rating: those count as one trial. ``start`` is the window's first sample, counted from any point that
        is the same for all windows of its trial.
    train, test, validation : array of int | mask | DataFrame
        Row numbers, a mask over the windows, or a table of identifiers (``subject, trial, start``, as far as
        ``windows`` has them; without ``start`` all windows of the trials are meant).
    n_times : int | None
        Samples in a window of a table; without it and a column ``n_times``, only windows that are the same share
        samples.
    fitted_on_test, chosen_by_test : sequence of str | None
        What is known to have been fitted on, or chosen by, test data; None where it is not known. Windows that are in
        both validation and test are found.

    Returns
    -------
    audit : Audit
        ``print(audit)`` gives the verdict.

    Raises
    ------
    ConfigError
        If a part is empty, or names windows that are not there.

    Examples
    --------
    >>> import numpy as np
    >>> from eegemo import audit_split, simulate
    >>> from sklearn.model_selection import train_test_split
    >>> windows = simulate(2, channels=["Cz"]).windows(duration=1.0, step=0.5)
    >>> train, test = train_test_split(np.arange(len(windows)), random_state=0)
    >>> audit_split(windows, train, test).closest
    'window-random'
    """
    table = windows.table if isinstance(windows, Windows) else windows.reset_index(drop=True)
    n = len(table)
    train, test = (_numbers(rows, table, name) for rows, name in ((train, "train"), (test, "test")))
    aside = _EMPTY if validation is None else _numbers(validation, table, "validation")
    for numbers, name in ((train, "train"), (test, "test")):
        if len(numbers) == 0:
            raise ConfigError(f"There are no windows in {name}; both sides of a split need some of the {n} windows.")
    seen = np.union1d(train, np.setdiff1d(aside, test))  # what is in both chose the model, and trained nothing
    fitted = None if fitted_on_test is None else tuple(fitted_on_test)
    if isinstance(windows, Windows):
        fitted = (*windows.trials.provenance.get(FITTED_ON_ALL, ()), *(fitted or ())) or fitted
    chosen = None if chosen_by_test is None else tuple(chosen_by_test)
    if np.isin(test, aside).any():
        chosen = (*(chosen or ()), "whatever validation decides (its windows are tested on)")
    subject = _share(_column(table, "subject"), seen, test)
    trials = _trial_numbers(table)
    trial = 0.0 if subject == 0 else _share(trials, seen, test)
    if trial > 0 and np.isnan(subject) and not _one_trial_a_number(table):
        trials, trial = None, math.nan
    if UNIT in table:
        shared = 0.0 if subject == 0 else _share(_unit_numbers(table), seen, test)
        # Units of people who are not known may have one name, and be two.
        trial = math.nan if np.isnan(subject) and shared != trial else shared
    leakage = Leakage(
        shared_samples=_samples(windows, table, trials, seen, test, n_times),
        trial=trial,
        subject=subject,
        stimulus=_share(_column(table, "stimulus"), seen, test),
        session=_share(_session_numbers(table), seen, test),
        fitted_on_test=fitted,
        chosen_by_test=chosen,
    )
    return Audit(leakage, len(train), len(aside), len(test))


def _numbers(rows: Any, table: pd.DataFrame, name: str) -> np.ndarray:
    """Return the numbers of the windows that are meant."""
    if isinstance(rows, pd.DataFrame):
        return _found(rows, table, name)
    numbers = np.asarray(rows)
    if numbers.dtype == bool:
        if numbers.shape != (len(table),):
            raise ConfigError(f"{name}: a mask over {len(table)} windows was expected, got {numbers.shape}.")
        return np.flatnonzero(numbers)
    if numbers.size == 0:
        return _EMPTY
    if numbers.ndim != 1 or not np.issubdtype(numbers.dtype, np.integer):
        raise ConfigError(f"{name}: row numbers of windows were expected, got {numbers.dtype} {numbers.shape}.")
    if numbers.shape == (len(table),) and len(table) > 2 and np.isin(numbers, (0, 1)).all():
        return np.flatnonzero(numbers)  # a mask in ones and zeros
    if numbers.min() < 0 or numbers.max() >= len(table):
        wrong = numbers[(numbers < 0) | (numbers >= len(table))][0]
        raise ConfigError(f"{name}: window {wrong} is none of the {len(table)} there are, counted from 0.")
    return np.unique(numbers)


def _found(rows: pd.DataFrame, table: pd.DataFrame, name: str) -> np.ndarray:
    keys = [column for column in IDENTIFIERS if column in rows and column in table]
    if not keys:
        raise ConfigError(
            f"{name}: its columns {list(rows.columns)} and those of the windows {list(table.columns)} have none of "
            f"{', '.join(IDENTIFIERS)} in common."
        )
    lacking = [column for column in IDENTIFIERS if column in rows and column not in table]
    if lacking:
        raise ConfigError(f"{name}: names windows by {lacking[0]!r}, which the windows do not have.")
    finest = max(IDENTIFIERS.index(key) for key in keys)
    unnamed = [column for column in IDENTIFIERS[:finest] if column in table and column not in rows]
    if unnamed and len(table[unnamed[0]].unique()) > 1:
        raise ConfigError(f"{name}: has no column {unnamed[0]!r}, so its {keys[-1]} may be that of several; add it.")
    wanted = pd.MultiIndex.from_frame(rows[keys].astype(str))
    there = pd.MultiIndex.from_frame(table[keys].astype(str))
    absent = ~wanted.isin(there)
    if absent.any():
        first = ", ".join(f"{key} {value}" for key, value in zip(keys, wanted[int(absent.argmax())], strict=True))
        raise ConfigError(
            f"{name}: {absent.sum()} of its {len(rows)} windows are not among the windows: {first} first."
        )
    return np.flatnonzero(there.isin(wanted))


def _column(table: pd.DataFrame, column: str) -> pd.Series | None:
    return None if column not in table or table[column].isna().any() else table[column]


def _trial_numbers(table: pd.DataFrame) -> pd.Series | None:
    """Give each trial a number; those of two people are two, whatever they are called."""
    if _column(table, "trial") is None:
        return None
    keys = ["subject", "trial"] if _column(table, "subject") is not None else ["trial"]
    return table.groupby(keys, sort=False).ngroup()


def _session_numbers(table: pd.DataFrame) -> pd.Series | None:
    """Give each session of each person a number; None where it is not known who was recorded when."""
    if _column(table, SESSION) is None or _column(table, "subject") is None:
        return None
    return table.groupby(["subject", SESSION], sort=False).ngroup()


def _unit_numbers(table: pd.DataFrame) -> pd.Series | None:
    """Give each unit a number, and each trial without one; None where it is not known what a window belongs to."""
    trials = _trial_numbers(table)
    if trials is None and table[UNIT].isna().any():
        return None
    subject = table["subject"] if _column(table, "subject") is not None else 0
    known = pd.DataFrame({"subject": subject, "trial": 0 if trials is None else trials, UNIT: table[UNIT]})
    return pd.Series(number_units(known), table.index)


def _one_trial_a_number(table: pd.DataFrame) -> bool:
    """Whether trials without people have numbers of their own: then no two windows of one number begin together."""
    return _column(table, "start") is not None and not table.duplicated(["trial", "start"]).any()


def _share(values: pd.Series | None, seen: np.ndarray, test: np.ndarray) -> float:
    return math.nan if values is None else float(values.iloc[test].isin(values.iloc[seen].unique()).mean())


def _samples(
    windows: Windows | pd.DataFrame,
    table: pd.DataFrame,
    trial: pd.Series | None,
    seen: np.ndarray,
    test: np.ndarray,
    n_times: int | None,
) -> float:
    if isinstance(windows, Windows):
        return shared_samples(windows.starts[seen], windows.starts[test], windows.n_times)
    starts = _column(table, "start")
    if n_times is None and _column(table, "n_times") is not None:
        lengths = table["n_times"].unique()
        if len(lengths) > 1:
            raise ConfigError(f"Windows of one length were expected, got {', '.join(map(str, lengths[:3]))} ...")
        n_times = lengths[0]
    if trial is None or starts is None or n_times is None:
        same = np.isin(test, seen).mean()
        return float(same) if same else math.nan
    whole = isinstance(n_times, int | float | np.number) and float(n_times).is_integer() and n_times >= 1
    if not whole or not pd.api.types.is_integer_dtype(starts):
        raise ConfigError(f"start and n_times must be whole samples, got {starts.dtype} and {n_times}.")
    n_times = int(n_times)
    # A strip of the trials end to end, far enough apart that windows of two trials cannot overlap.
    within = starts.to_numpy(np.int64) - int(starts.min())
    strip = trial.to_numpy() * (within.max() + n_times) + within
    return shared_samples(strip[seen], strip[test], n_times)
