"""Splits that somebody else made, read from files for an audit."""

from __future__ import annotations

import io
import os
from itertools import dropwhile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from eegemo.errors import ConfigError, DataFormatError

#: The columns that name a window; those that are missing are taken as unknown.
IDENTIFIERS = ("subject", "trial", "start")
#: What the parts of a split may be called in a table.
PARTS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}


def read_split(
    windows: str | os.PathLike[str],
    train: str | os.PathLike[str] | None = None,
    test: str | os.PathLike[str] | None = None,
    validation: str | os.PathLike[str] | None = None,
) -> list[tuple[pd.DataFrame, Any, Any, Any]]:
    """Read a split from files.

    Parameters
    ----------
    windows : path-like
        Table (``.csv``, or ``.tsv``) with a row a window: ``subject, trial, stimulus, start, n_times`` as far as they
        are known, and ``unit`` where trials share a rating. Where it has a column ``part`` (train, validation, test),
        and a column ``fold`` for several splits, no other file is needed.
    train, test, validation : path-like | None
        Row numbers counted from 0, or a mask (``.npy``; ``.txt`` with a number a line), or a table of
        identifiers (``.csv``, ``.tsv``).

    Returns
    -------
    splits : list of (windows, train, test, validation)
        As :func:`audit_split` takes them; one a fold.

    Raises
    ------
    DataFormatError
        If a file is not what it should be.
    ConfigError
        If it is not said what is train and what is test.
    """
    table = _read_table(Path(windows))
    if not set(table) & set(IDENTIFIERS):
        raise DataFormatError(
            f"{Path(windows).name}: has none of the columns {', '.join(IDENTIFIERS)}, only "
            f"{', '.join(map(str, table))}; name at least the subject and the trial of each window."
        )
    if table.empty:
        raise DataFormatError(f"{Path(windows).name}: has no rows.")
    if train is not None and test is not None:
        aside = None if validation is None else _read_rows(Path(validation))
        return [(table, _read_rows(Path(train)), _read_rows(Path(test)), aside)]
    if "part" not in table or train is not None or test is not None or validation is not None:
        raise ConfigError(
            "Say what is train and what is test: with --train FILE and --test FILE, or with a column 'part' in "
            f"{Path(windows).name}."
        )
    part = table["part"].astype(str).str.strip().str.lower()
    unknown = sorted(set(part) - set(PARTS), key=str)
    if unknown:
        raise DataFormatError(
            f"{Path(windows).name}: part is {unknown[0]!r} in a row; it must be one of {', '.join(PARTS)}."
        )
    part = part.map(PARTS)
    folds = table["fold"] if "fold" in table else pd.Series(0, index=table.index)
    if folds.isna().any():
        raise DataFormatError(
            f"{Path(windows).name}: the column 'fold' has no value in row {int(folds.isna().argmax())}."
        )
    splits: list[tuple[pd.DataFrame, Any, Any, Any]] = []
    for fold in folds.unique():
        own = (folds == fold).to_numpy()
        rows = table[own].reset_index(drop=True)
        is_train, is_test, is_aside = ((part[own] == name).to_numpy() for name in ("train", "test", "validation"))
        splits.append((rows, is_train, is_test, is_aside if is_aside.any() else None))
    return splits


def _read_table(path: Path) -> pd.DataFrame:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines(keepends=True)
        text = "".join(dropwhile(lambda line: line.startswith("#"), lines))
        return pd.read_csv(io.StringIO(text), sep="\t" if path.suffix == ".tsv" else ",")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise DataFormatError(f"{path.name}: not a table ({error}); a CSV with a header is expected.") from error


def _read_rows(path: Path) -> Any:
    if path.suffix in (".csv", ".tsv"):
        return _read_table(path)
    try:
        return np.load(path, allow_pickle=False) if path.suffix == ".npy" else np.loadtxt(path, dtype=int, ndmin=1)
    except (ValueError, EOFError) as error:
        raise DataFormatError(
            f"{path.name}: not row numbers ({error}); .npy, .txt with one a line, or a .csv of identifiers is expected."
        ) from error
