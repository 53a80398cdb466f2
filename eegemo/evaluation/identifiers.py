"""Names of subjects, trials and stimuli in other people's tables: which are the same, and which only look alike."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import numpy as np
import pandas as pd

#: What the name of a trial is made of: films are numbered anew in each session, and events in each run.
TRIAL_NAME = ("subject", "session", "run", "recording", "trial")
#: The columns that hold names.
NAMES = (*TRIAL_NAME, "start", "stimulus", "unit", "file")

_MISSING = {"", "nan", "None", "<NA>", "NaT"}  # what becomes of a missing value that is made text
_NUMBER = re.compile(r"(-?(?:0|[1-9]\d*))(?:\.(\d+))?")


def as_names(table: pd.DataFrame) -> pd.DataFrame:
    """Give what identifies a window as text, so that one name has one form.

    Parameters
    ----------
    table : DataFrame
        With some of the columns :data:`NAMES`.

    Returns
    -------
    names : DataFrame
        These columns alone, as text: 1, 1.0, ``"1"`` and ``"1.0"`` are ``"1"``; what is missing is None.
    """
    names = {column: _named(table[column]) for column in NAMES if column in table}
    return pd.DataFrame(names, index=table.index, dtype=object)


def looser_names(names: pd.DataFrame) -> pd.DataFrame:
    """Give names that only look alike one form: ``s1``, ``S01``, ``sub-01``, ``" 1"`` and ``01`` are ``1``.

    Parameters
    ----------
    names : DataFrame
        As :func:`as_names` gives them.

    Returns
    -------
    looser : DataFrame
        Of the same shape.
    """
    return pd.DataFrame({column: names[column].map(_forms(names[column])) for column in names}, dtype=object)


def look_alikes(names: pd.DataFrame) -> list[str]:
    """Say which names of a column look alike without being the same.

    Parameters
    ----------
    names : DataFrame
        As :func:`as_names` gives them.

    Returns
    -------
    sentences : list of str
        One a column that has such names.
    """
    sentences = []
    for column in names:
        groups: dict[str, list[str]] = {}
        for name, form in _forms(names[column]).items():
            groups.setdefault(form, []).append(name)
        alike = [sorted(group) for group in groups.values() if len(group) > 1]
        if alike:
            shown = "; ".join(", ".join(map(repr, group)) for group in alike[:3])
            more = f" and {len(alike) - 3} more" if len(alike) > 3 else ""
            sentences.append(
                f"LOOK ALIKE: {column} {shown}{more}. They are counted as different, and where it would be a leak if "
                "they were the same, as not known; give each one name."
            )
    return sentences


def _named(values: pd.Series) -> np.ndarray:
    try:
        numbers, different = pd.factorize(values)
    except TypeError:  # of lists, say, which are named by their text too
        return _named(values.map(str))
    return np.array([*(_name(value) for value in different), None], object)[numbers]  # a missing value has number -1


def _name(value: Any) -> str | None:
    if np.ndim(value) == 0 and pd.isna(value):
        return None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    text = str(value)
    number = _NUMBER.fullmatch(text)
    if number:
        decimals = (number[2] or "").rstrip("0")
        text = f"{number[1]}.{decimals}" if decimals else "0" if number[1] == "-0" else number[1]
    return None if text in _MISSING else text


def _forms(names: pd.Series) -> dict[str, str]:
    return {name: _looser(name, str(names.name)) for name in names.dropna().unique()}


def _looser(name: str, column: str) -> str:
    text = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    if _NUMBER.fullmatch(text):
        return text
    text = re.sub(r"(?<=[^\W\d_])[\s_-]+(?=\d)", "", text)
    text = re.sub(r"(?<![\d.])0+(?=\d)", "", text)
    word = re.match(r"[^\W\d_]+(?=\d)", text)
    return text[word.end() :] if word and (column.startswith(word[0]) or word[0] == "participant") else text
