"""Tables that people and their programs write as text, in whatever encoding."""

from __future__ import annotations

import codecs
import io
from pathlib import Path
from typing import Any

import pandas as pd

from eegemo._warnings import warn_caller
from eegemo.errors import DataFormatError

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text_table(path: Path, **options: Any) -> pd.DataFrame:
    """Read a table of text: UTF-8, UTF-16 as spreadsheets mark it, or else Windows-1252, with a warning.

    Parameters
    ----------
    path : Path
        With tabs between the columns if it ends in ``.tsv``, else with commas.
    **options
        For :func:`pandas.read_csv`.

    Returns
    -------
    table : DataFrame

    Raises
    ------
    DataFormatError
        If it is no table, or no text.
    """
    try:
        text = decoded(path)
        return pd.read_csv(io.StringIO(text), sep="\t" if path.suffix.lower() == ".tsv" else ",", **options)
    except ValueError as error:  # pandas' own and Unicode's are ValueErrors
        raise DataFormatError(f"{path.name}: cannot be read as a table ({error}).") from error


def decoded(path: Path) -> str:
    """Read text: UTF-8, UTF-16 with a byte-order mark, or else Windows-1252, with a warning.

    Parameters
    ----------
    path : Path
        Its file.

    Returns
    -------
    text : str

    Raises
    ------
    UnicodeDecodeError
        If it is no text.
    """
    content = path.read_bytes()
    if content.startswith(_UTF16):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        if b"\0" in content or content.startswith(b"PK\x03\x04"):  # a workbook of Excel is such an archive
            raise
        text = content.decode("cp1252")
    odd = next(word for word in text.split() if not word.isascii())
    warn_caller(
        f"{path.name} is not in UTF-8 and was read as Windows-1252 (Latin-1), for example {odd!r}; if that is not what "
        "it says, save it as UTF-8."
    )
    return text
