"""Splits that somebody else made, read from files for an audit."""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from eegemo._warnings import warn_caller
from eegemo.errors import ConfigError, DataFormatError
from eegemo.evaluation.text_tables import read_table, read_text

#: The columns that name a window, of which a table needs one at least; those that are missing are taken as unknown.
IDENTIFIERS = ("subject", "session", "run", "recording", "trial", "start")
#: What the parts of a split may be called in a table.
PARTS = {
    **dict.fromkeys(("train", "training", "trn", "tr"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "dev", "development"), "validation"),
    **dict.fromkeys(("test", "testing", "tst", "te", "holdout", "held-out"), "test"),
    **dict.fromkeys(("eval", "evaluation"), "evaluation"),
}
_PART_COLUMNS = ("part", "split", "set", "subset", "partition")
_COLUMNS = {
    **{name: name for name in (*IDENTIFIERS, *_PART_COLUMNS)},
    **{name: name for name in ("stimulus", "unit", "file", "fold", "n_times", "duration", "length")},
    **dict.fromkeys(("subject_id", "participant", "participant_id"), "subject"),
    "trial_id": "trial",
}
_TABLES = (".csv", ".tsv")
_LARGEST = 1 << 30  # bytes of row numbers in an archive, which may be packed very small
_EXACT = 1 << 53  # beyond it not every whole number is a float
_BOOLEANS = {"true": 1.0, "false": 0.0}


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
        Table of text (``.csv``, ``.tsv``; commas, semicolons or tabs) with a row a window: ``subject, session, run,
        trial, stimulus, start, n_times`` (or ``duration``) as far as they are known, and ``unit`` where trials share a
        rating. Where a column ``part`` (``split``, ``set``) says train, validation or test, with a column ``fold`` for
        several splits, no other file is needed; nor where there is a ``fold`` alone: each is tested on in turn.
    train, test, validation : path-like | None
        Row numbers counted from 0, or a mask (``.npy``; ``.npz``, where several arrays are called train, test and
        validation; ``.txt`` with a number a line), or a table of identifiers (``.csv``, ``.tsv``).

    Returns
    -------
    splits : list of (windows, train, test, validation)
        As :func:`audit_split` takes them; one a fold.

    Raises
    ------
    DataFormatError
        If a file is not what it should be; the message names it.
    ConfigError
        If it is not said what is train and what is test.
    """
    path = Path(windows)
    table = read_table(path, _COLUMNS)
    if not set(table) & set(IDENTIFIERS):
        raise DataFormatError(
            f"{path.name}: has none of the columns subject, trial, start, only {', '.join(map(str, table))}; name at "
            "least the subject and the trial of each window."
        )
    if table.empty:
        raise DataFormatError(f"{path.name}: has no rows.")
    if train is not None and test is not None:
        aside = None if validation is None else _read_rows(Path(validation), "validation")
        return [(table, _read_rows(Path(train), "train"), _read_rows(Path(test), "test"), aside)]
    column = _part_column(table)
    if train is not None or test is not None or validation is not None or (column is None and "fold" not in table):
        raise ConfigError(
            "Say what is train and what is test: with --train FILE and --test FILE, or with a column 'part' in "
            f"{path.name}."
        )
    if column is None:
        return _each_fold_in_turn(table, path.name)
    part = _parts(table[column], path.name)
    folds = table["fold"] if "fold" in table and column != "fold" else pd.Series(0, index=table.index)
    _check_complete(folds, "fold", path.name)
    splits: list[tuple[pd.DataFrame, Any, Any, Any]] = []
    for fold in folds.unique():
        own = (folds == fold).to_numpy()
        rows = table[own].reset_index(drop=True)
        is_train, is_test, is_aside = ((part[own] == name).to_numpy() for name in ("train", "test", "validation"))
        splits.append((rows, is_train, is_test, is_aside if is_aside.any() else None))
    return splits


def _part_column(table: pd.DataFrame) -> str | None:
    """Return the column that says the part; ``fold`` too, if it holds words such as train and test."""
    named = next((column for column in _PART_COLUMNS if column in table), None)
    words = "fold" in table and table["fold"].dropna().astype(str).str.casefold().isin(list(PARTS)).any()
    return "fold" if named is None and words else named


def _each_fold_in_turn(table: pd.DataFrame, name: str) -> list[tuple[pd.DataFrame, Any, Any, Any]]:
    folds = table["fold"]
    _check_complete(folds, "fold", name)
    if (folds == folds[0]).all():
        raise DataFormatError(f"{name}: all windows are of fold {folds[0]}; without a column 'part' two are needed.")
    tested = ((folds == fold).to_numpy() for fold in folds.unique())
    return [(table, ~is_test, is_test, None) for is_test in tested]


def _parts(column: pd.Series, name: str) -> pd.Series:
    _check_complete(column, str(column.name), name)
    words = column.astype(str).str.strip().str.casefold().str.removesuffix(".0")
    if set(words) <= {"0", "1"}:
        warn_caller(f"{name}: {column.name} is 0 or 1; 0 is taken for train, 1 for test.")
        return words.map({"0": "train", "1": "test"})
    unknown = words[~words.isin(list(PARTS))]
    if len(unknown):
        row = int(unknown.index[0])
        raise DataFormatError(
            f"{name}: {column.name} is {str(column[row])!r} in row {row + 1}; it must be one of {', '.join(PARTS)}."
        )
    parts = words.map(PARTS)
    return parts.replace("evaluation", "validation" if (parts == "test").any() else "test")


def _check_complete(column: pd.Series, what: str, name: str) -> None:
    if column.isna().any():
        raise DataFormatError(f"{name}: the column {what!r} has no value in row {int(column.isna().argmax()) + 1}.")


def _read_rows(path: Path, part: str) -> Any:
    with path.open("rb") as file:
        magic = file.read(6)
    if magic.startswith(b"PK") or magic == b"\x93NUMPY" or path.suffix.lower() in (".npy", ".npz"):
        return _read_array(path, part)
    lines = read_text(path).splitlines()
    first = [_number(word) for word in _words(lines[0])] if lines else []
    if path.suffix.lower() in _TABLES and (None in first or not first):
        return read_table(path, _COLUMNS)
    if path.suffix.lower() in _TABLES and lines[0].strip() == "0":
        raise DataFormatError(
            f"{path.name}: not clear (its first line is 0, which is row 0, or a header that pandas wrote); save row "
            "numbers as .npy or .txt."
        )
    words = [(number, word) for number, line in enumerate(lines, 1) if line[0:1] != "#" for word in _words(line)]
    values = [_number(word) for _, word in words]
    if None in values or not values:
        line, word = words[values.index(None)] if words else (1, "")
        what = f"{word!r} in line {line}" if words else "it is empty"
        raise DataFormatError(f"{path.name}: not row numbers ({what}); one a line is expected, counted from 0.")
    if all(word.casefold() in _BOOLEANS for _, word in words):
        return np.array(values, bool)
    return np.array(values, int)


def _words(line: str) -> list[str]:
    return [word for word in re.split(r"[\s,;]+", line) if word]


def _number(word: str) -> float | None:
    """Return a whole number, as np.savetxt may have written it, or a truth value; None for anything else."""
    if word.casefold() in _BOOLEANS:
        return _BOOLEANS[word.casefold()]
    whole = re.fullmatch(r"[+-]?\d{1,15}(\.0*)?", word) or re.fullmatch(r"[+-]?\d\.\d+e[+-]\d\d", word)
    return float(word) if whole and float(word).is_integer() and abs(float(word)) < _EXACT else None


def _read_array(path: Path, part: str) -> np.ndarray:
    try:
        array = _array_of(path, part)
    except Exception as error:  # a damaged header or archive has many ways to fail
        if isinstance(error, OSError) and error.filename is not None:
            raise
        raise DataFormatError(
            f"{path.name}: not row numbers ({error}); .npy, .npz, .txt with one a line, or a .csv of identifiers is "
            "expected."
        ) from error
    if array.dtype.kind not in "biuf":
        raise DataFormatError(f"{path.name}: not row numbers (it holds {array.dtype}).")
    return array


def _array_of(path: Path, part: str) -> np.ndarray:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            largest = max((member.file_size for member in archive.infolist()), default=0)
        if largest > _LARGEST:
            raise ValueError(f"an array of {largest / 1e6:.0f} MB")
    loaded = np.load(path, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return loaded
    with loaded:
        names = loaded.files
        own = [name for name in names if PARTS.get(name.casefold().split("_")[0]) == part]
        if len(names) != 1 and len(own) != 1:
            raise ValueError(f"it holds the arrays {', '.join(names) or '(none)'}, of which none is called {part}")
        return np.asarray(loaded[own[0] if len(own) == 1 else names[0]])
