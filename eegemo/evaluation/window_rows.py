"""Which windows of a table are meant by row numbers, a mask, or a table of identifiers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from eegemo.errors import ConfigError
from eegemo.evaluation.identifiers import as_names
from eegemo.evaluation.split_files import IDENTIFIERS

_EXACT = 1 << 53  # beyond it not every whole number is a float


def row_numbers(rows: Any, table: pd.DataFrame, part: str) -> np.ndarray:
    """Return the numbers of the windows that are meant.

    Parameters
    ----------
    rows : array of int | mask | DataFrame
        Row numbers (3.0 is 3), a mask in truth values or in ones and zeros, or identifiers.
    table : DataFrame
        A row a window.
    part : str
        What they are, for messages.

    Returns
    -------
    numbers : array of int
        Ascending, each once.

    Raises
    ------
    ConfigError
        If they mean no windows, or windows that are not there.
    """
    if isinstance(rows, pd.DataFrame):
        return _rows_named(rows, table, part)
    numbers = np.asarray(rows)
    if numbers.dtype == object and numbers.ndim == 1 and not pd.isna(numbers).any():
        numbers = np.array(numbers.tolist())  # pandas' own integers and truth values
    if numbers.dtype == bool:
        if numbers.shape != (len(table),):
            raise ConfigError(f"{part}: a mask over {len(table)} windows was expected, got {numbers.shape}.")
        return np.flatnonzero(numbers)
    if numbers.size == 0:
        return np.empty(0, int)
    if numbers.dtype.kind == "f" and (np.mod(numbers, 1) == 0).all() and (np.abs(numbers) < _EXACT).all():
        numbers = numbers.astype(np.int64)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        raise ConfigError(f"{part}: row numbers of windows were expected, got {numbers.dtype} {numbers.shape}.")
    if numbers.shape == (len(table),) and len(table) > 2 and np.isin(numbers, (0, 1)).all():
        return np.flatnonzero(numbers)  # a mask in ones and zeros
    if numbers.min() < 0 or numbers.max() >= len(table):
        wrong = numbers[(numbers < 0) | (numbers >= len(table))][0]
        from_one = "; take 1 off, if yours count from 1" if numbers.min() > 0 and numbers.max() == len(table) else ""
        raise ConfigError(f"{part}: window {wrong} is none of the {len(table)} there are, counted from 0{from_one}.")
    return np.unique(numbers).astype(np.int64)


def _rows_named(rows: pd.DataFrame, table: pd.DataFrame, part: str) -> np.ndarray:
    keys = [column for column in IDENTIFIERS if column in rows and column in table]
    if not keys:
        raise ConfigError(
            f"{part}: its columns {list(rows.columns)} and those of the windows {list(table.columns)} have none of "
            "subject, trial, start in common."
        )
    lacking = [column for column in IDENTIFIERS if column in rows and column not in table]
    if lacking:
        raise ConfigError(f"{part}: names windows by {lacking[0]!r}, which the windows do not have.")
    named, there = as_names(rows[keys]), as_names(table)
    wanted, found = (pd.MultiIndex.from_frame(names[keys].fillna("nan")) for names in (named, there))
    absent = ~wanted.isin(found)
    if absent.any():
        first = ", ".join(f"{key} {value}" for key, value in zip(keys, wanted[int(absent.argmax())], strict=True))
        raise ConfigError(
            f"{part}: {absent.sum()} of its {len(rows)} windows are not among the windows: {first} first."
        )
    numbers = np.flatnonzero(found.isin(wanted))
    _check_unambiguous(there.iloc[numbers], keys, part)
    return numbers


def _check_unambiguous(names: pd.DataFrame, keys: list[str], part: str) -> None:
    """Refuse a trial or a start that may be that of several subjects or sessions, which are not named."""
    finest = max(IDENTIFIERS.index(key) for key in keys)
    for column in IDENTIFIERS[:finest]:
        if column not in names or column in keys:
            continue
        if names.drop_duplicates([*keys, column]).duplicated(keys).any():
            raise ConfigError(f"{part}: has no column {column!r}, so its {keys[-1]} may be that of several; add it.")
