"""What the test windows of a table share with those that were seen, by their names and their first samples."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from eegemo._trial_parts import SESSION, UNIT, number_units
from eegemo.errors import ConfigError
from eegemo.evaluation.identifiers import TRIAL_NAME, looser_names
from eegemo.evaluation.leakage import shared_samples

_ROUNDING = 1e-3  # seconds; windows that have less than that in common follow each other, in rounded numbers
_TICKS = 10**6  # a second, where starts are in seconds


def name_shares(names: pd.DataFrame, seen: np.ndarray, test: np.ndarray) -> dict[str, float]:
    """Share of the test windows whose trial, subject, stimulus and session were seen; NaN where it is not known.

    Parameters
    ----------
    names : DataFrame
        A row a window, as :func:`as_names` gives them.
    seen, test : array of int
        Row numbers.

    Returns
    -------
    shares : dict of str to float
        Where names that look alike would make a leak of what is none, it is not known.
    """
    exact, looser = (_shares(form, seen, test) for form in (names, looser_names(names)))
    return {what: math.nan if share == 0 and looser[what] != 0 else share for what, share in exact.items()}


def is_known(table: pd.DataFrame, column: str) -> bool:
    """Whether a table has a column, with a value in each row."""
    return column in table and not bool(table[column].isna().any())


def trial_numbers(names: pd.DataFrame) -> pd.Series:
    """Give each trial a number: those of two subjects, sessions, runs or recordings are two, whatever they are called.

    Parameters
    ----------
    names : DataFrame
        A row a window, with a column ``trial``.

    Returns
    -------
    numbers : Series of int
    """
    keys = [column for column in TRIAL_NAME if is_known(names, column)]
    return names.groupby(keys, sort=False).ngroup() if keys else pd.Series(0, names.index)


def repeated_windows(names: pd.DataFrame) -> pd.Series:
    """Find the windows that begin where another one of the same trial begins.

    Parameters
    ----------
    names : DataFrame
        A row a window.

    Returns
    -------
    mask : Series of bool
        Such trials are several of one name, or windows that are listed twice.
    """
    if not is_known(names, "trial") or not is_known(names, "start"):
        return pd.Series(False, names.index)
    return pd.DataFrame({"trial": trial_numbers(names), "start": names["start"]}).duplicated(keep=False)


def sample_share(
    table: pd.DataFrame,
    trials: pd.Series | None,
    seen: np.ndarray,
    test: np.ndarray,
    n_times: int | float | None = None,
    duration: float | None = None,
    sfreq: float | None = None,
) -> float:
    """Share of the test windows of a table that have raw samples in common with seen ones.

    Parameters
    ----------
    table : DataFrame
        A row a window, with ``start``, and ``n_times``, ``duration`` or ``length`` where it is not given.
    trials : Series of int | None
        The number of the trial of each window; None where it is not known.
    seen, test : array of int
        Row numbers.
    n_times, duration, sfreq
        As in :func:`audit_split`.

    Returns
    -------
    share : float
        NaN where it is not known.

    Raises
    ------
    ConfigError
        If starts and lengths are no numbers, or not in one unit.
    """
    if n_times is not None and duration is not None:
        raise ConfigError("Give n_times, in samples, or duration, in seconds, not both.")
    seconds = duration is not None or sfreq is not None
    if n_times is None and duration is None:
        column = next((name for name in ("n_times", "duration", "length") if is_known(table, name)), None)
        seconds = seconds or column in ("duration", "length")
        n_times = None if column is None else _one_length(table[column])
        duration, n_times = (n_times, None) if column in ("duration", "length") else (None, n_times)
    length = duration if duration is not None else n_times
    if trials is None or length is None or not is_known(table, "start"):
        same = np.isin(test, seen).mean()
        return float(same) if same else math.nan
    if duration is None and sfreq is not None:
        length = _positive(length, "n_times") / _positive(sfreq, "sfreq")
    starts = pd.to_numeric(table["start"], errors="coerce").to_numpy()
    if not np.isfinite(starts).all():
        wrong = table["start"].iloc[int((~np.isfinite(starts)).argmax())]
        raise ConfigError(f"start and n_times must be whole samples, got a start of {wrong!r}.")
    if seconds:
        length = _positive(length, "duration")
        rounding = min(_ROUNDING, length / 2)
        starts, length = np.round(starts * _TICKS), max(round((length - rounding) * _TICKS), 1)
    if not _is_whole(length) or length < 1 or not _is_whole(starts):
        raise ConfigError(
            f"start and n_times must be whole samples, got {table['start'].dtype} and {length}; with starts in seconds "
            "give sfreq, or the duration of a window in seconds in place of n_times."
        )
    # A strip of the trials end to end, far enough apart that windows of two trials cannot overlap.
    length, within = int(length), starts.astype(np.int64) - int(starts.min())
    apart = int(within.max()) + length
    if apart * (int(trials.max()) + 1) >= 1 << 62:
        raise ConfigError(f"Starts from {starts.min():g} to {starts.max():g} are too far apart to be those of windows.")
    strip = trials.to_numpy(np.int64) * apart + within
    return shared_samples(strip[seen], strip[test], length)


def _shares(names: pd.DataFrame, seen: np.ndarray, test: np.ndarray) -> dict[str, float]:
    subject = _share(_values(names, "subject"), seen, test)
    visits = None
    if is_known(names, SESSION) and is_known(names, "subject"):
        visits = names.groupby(["subject", SESSION], sort=False).ngroup()
    return {
        "trial": 0.0 if subject == 0 else _unit_share(names, seen, test, subject),
        "subject": subject,
        "stimulus": _share(_values(names, "stimulus"), seen, test),
        "session": _share(visits, seen, test),
    }


def _unit_share(names: pd.DataFrame, seen: np.ndarray, test: np.ndarray, subject: float) -> float:
    """Share of test windows whose trial was seen; trials of a unit count as one."""
    by_trial = _trial_share(names, seen, test)
    if UNIT not in names:
        return by_trial
    named = is_known(names, "trial")
    if not named and names[UNIT].isna().any():
        return math.nan
    trials = trial_numbers(names) if named else 0
    people = names["subject"] if is_known(names, "subject") else 0
    units = number_units(pd.DataFrame({"subject": people, "trial": trials, UNIT: names[UNIT]}))
    by_unit = _share(pd.Series(units, names.index), seen, test)
    # Units of people who are not known may have one name, and be two.
    unsure = (np.isnan(subject) and by_unit != by_trial) or (named and np.isnan(by_trial) and by_unit > 0)
    return math.nan if unsure else by_unit


def _trial_share(names: pd.DataFrame, seen: np.ndarray, test: np.ndarray) -> float:
    if not is_known(names, "trial"):
        return math.nan
    numbers = trial_numbers(names)
    shared = numbers.iloc[test].isin(numbers.iloc[seen].unique()).to_numpy()
    if not shared.any():
        return 0.0
    repeated = repeated_windows(names)
    # Trials without people have numbers of their own if no two windows of one number begin together.
    alone = "subject" not in names and is_known(names, "start") and not repeated.any()
    unsure = not is_known(names, "subject") and not alone
    unsure = unsure or any(column in names and not is_known(names, column) for column in TRIAL_NAME)
    if unsure or repeated.groupby(numbers).transform("any").to_numpy()[test][shared].all():
        return math.nan
    if is_known(names, "file") and not is_known(names, "start"):
        own = names.assign(number=numbers).groupby(["number", "file"], sort=False).ngroup()
        # A file of many windows may be a recording whose trials are numbered from 1, or a part of the split.
        if own.duplicated().any() and not _share(own, seen, test):
            return math.nan
    return float(shared.mean())


def _values(names: pd.DataFrame, column: str) -> pd.Series | None:
    return names[column] if is_known(names, column) else None


def _share(values: pd.Series | None, seen: np.ndarray, test: np.ndarray) -> float:
    return math.nan if values is None else float(values.iloc[test].isin(values.iloc[seen].unique()).mean())


def _one_length(lengths: pd.Series) -> float:
    numbers = pd.to_numeric(lengths, errors="coerce").unique()
    if len(numbers) > 1:
        raise ConfigError(f"Windows of one length were expected, got {', '.join(f'{n:g}' for n in numbers[:3])} ...")
    return float(numbers[0])


def _positive(value: float, name: str) -> float:
    if not isinstance(value, int | float | np.number) or not 0 < value < math.inf:
        raise ConfigError(f"{name} must be a positive number, got {value!r}.")
    return float(value)


def _is_whole(values: np.ndarray | float) -> bool:
    numbers = np.asarray(values)
    return numbers.dtype.kind in "iuf" and bool(np.isfinite(numbers).all() and (np.mod(numbers, 1) == 0).all())
