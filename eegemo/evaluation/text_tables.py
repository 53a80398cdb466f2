"""Tables of text as people save them: with commas, semicolons or tabs, in any usual encoding."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from itertools import dropwhile
from pathlib import Path

import pandas as pd

from eegemo._text_tables import decoded
from eegemo.errors import DataFormatError

_SEPARATORS = ("\t", ";", ",", "|")
_WORKBOOKS = (".xlsx", ".xls", ".ods")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_DECIMAL_COMMA = r"(-?\d+),(\d+)"
_MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "<NA>", "NaT")


def read_text(path: Path) -> str:
    r"""Read a file of text, whatever program wrote it.

    Parameters
    ----------
    path : Path
        In UTF-8, in UTF-16 with a byte-order mark, or in Windows-1252, which is said in a warning.

    Returns
    -------
    text : str
        Its lines end with ``\n``; comments (``#``) and empty lines before the first other one are left out.

    Raises
    ------
    DataFormatError
        If it is no text.
    """
    if path.suffix.lower() in _WORKBOOKS:
        raise DataFormatError(f"{path.name}: not a text file but a workbook; save the sheet as CSV.")
    try:
        text = decoded(path)
    except UnicodeDecodeError as error:
        raise DataFormatError(f"{path.name}: not a text file ({error}); save it as CSV in UTF-8.") from error
    control = _CONTROL.search(text)
    if control:
        what = f"it holds the character {control[0]!r}"
        raise DataFormatError(f"{path.name}: not a text file ({what}); save it as CSV in UTF-8.")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").splitlines(keepends=True)
    return "".join(dropwhile(lambda line: line.startswith("#") or not line.strip(), lines))


def read_table(path: Path, columns: Mapping[str, str]) -> pd.DataFrame:
    """Read a table of text.

    Parameters
    ----------
    path : Path
        Its first line names the columns. What separates them is found out by these names.
    columns : dict of str to str
        Names that are known, in small letters, and what they are called here.

    Returns
    -------
    table : DataFrame
        A column of numbers where all of its values are numbers; a comma may be their decimal sign unless commas
        separate the columns.

    Raises
    ------
    DataFormatError
        If it is no table: its rows differ in length, or a column is named twice.
    """
    text = read_text(path)
    separator = _separator(text.partition("\n")[0], columns)
    if separator is None:
        text, separator = "\n".join("\t".join(line.split()) for line in text.split("\n")), "\t"
    try:
        reader = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=separator != "\t")
        lines = [[field.strip() for field in row] for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        raise DataFormatError(f"{path.name}: not a table ({error}).") from error
    if not lines:
        raise DataFormatError(f"{path.name}: not a table (it is empty); a first line that names the columns is needed.")
    header = [columns.get(field.casefold(), field) for field in lines[0]]
    twice = [name for name in header if name and header.count(name) > 1]
    if twice:
        raise DataFormatError(f"{path.name}: has two columns {twice[0]!r}; leave one out.")
    rows = [_fitting(row, len(header), f"{path.name}: not a table (row {n}") for n, row in enumerate(lines[1:], 1)]
    values = {name: [row[place] for row in rows] for place, name in enumerate(header)}
    return pd.DataFrame({name: _typed(pd.Series(texts, dtype=object), separator) for name, texts in values.items()})


def _separator(header: str, columns: Mapping[str, str]) -> str | None:
    """Return what splits the header into most known names, and then into most; None for spaces."""

    def fit(separator: str | None) -> tuple[int, int]:
        fields = [field.strip().strip('"').strip() for field in header.split(separator)]
        return sum(field.casefold() in columns for field in fields), len(fields)

    best = max(_SEPARATORS, key=fit)
    return None if fit(None)[0] > fit(best)[0] else best


def _fitting(row: list[str], width: int, place: str) -> list[str]:
    """Return a row of as many fields as the header has; a separator too many at its end adds none."""
    if any("\n" in field for field in row):
        raise DataFormatError(f"{place}: a quotation mark is not closed).")
    while len(row) > width and not row[-1]:
        row = row[:-1]
    if len(row) != width:
        more = "; are these decimal commas, or names of rows without a header?" if len(row) > width else ""
        raise DataFormatError(f"{place} has {len(row)} fields, the header {width}{more or '; is it cut short?'}).")
    return row


def _typed(texts: pd.Series, separator: str) -> pd.Series:
    texts = texts.where(~texts.isin(_MISSING), None)
    plain = texts if separator == "," else texts.str.replace(f"^{_DECIMAL_COMMA}$", r"\1.\2", regex=True)
    numbers = pd.to_numeric(plain, errors="coerce")
    return texts if (numbers.isna() & texts.notna()).any() or texts.isna().all() else numbers
