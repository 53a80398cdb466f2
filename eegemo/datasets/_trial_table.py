"""The table of trials that a laboratory gives: read, checked, and completed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from eegemo._json import as_json
from eegemo._origins import MADE_COLUMNS
from eegemo._text_tables import read_text_table
from eegemo._trial_parts import of_one_kind
from eegemo.errors import ConfigError, DataFormatError

_REQUIRED = ("file", "subject", "onset", "duration")
SHORTEST_SECONDS = 0.1  # of a trial; what is shorter is a mark
_NUMBERS = {"onset": "seconds, 0 or more", "duration": "seconds, above 0"}


def read_trial_table(path: Path, missing: str | None = None, text: Sequence[str] = ()) -> pd.DataFrame:
    """Read a table of trials, or of events.

    Parameters
    ----------
    path : Path
        A ``.csv`` or ``.tsv``.
    missing : str | None
        What stands for a missing value; whatever pandas takes for one by default.
    text : sequence of str
        Columns that are text, whatever they look like.

    Returns
    -------
    table : DataFrame

    Raises
    ------
    DataFormatError
        If it is not there, or is no table.
    """
    if not path.is_file():
        raise DataFormatError(f"There is no table {str(path)!r}; it lists a trial a row: {', '.join(_REQUIRED)}.")
    return read_text_table(
        path, na_values=[missing or "n/a"], keep_default_na=missing is None, dtype=dict.fromkeys(text, "str")
    )


def complete_trial_table(trials: pd.DataFrame) -> pd.DataFrame:
    """Check a table of trials, and number its trials where it does not.

    Parameters
    ----------
    trials : DataFrame
        A row a trial.

    Returns
    -------
    trials : DataFrame
        With the columns ``trial`` and ``stimulus``; onsets and durations are numbers, subjects of one kind.

    Raises
    ------
    DataFormatError
        If a column is missing or double, a value cannot be used, or a subject's trial comes twice.
    ConfigError
        If a column holds what is neither number nor text, or has a name that is made here.
    """
    trials = trials.reset_index(drop=True)
    if "subject" in trials and trials.columns.is_unique and isinstance(trials["subject"].dtype, pd.CategoricalDtype):
        trials = trials.astype({"subject": object})
    _check_table(trials)
    trials = of_one_kind(trials).assign(**{column: pd.to_numeric(trials[column]) for column in ("onset", "duration")})
    if "trial" not in trials:
        trials = trials.assign(trial=trials.groupby("subject", sort=False).cumcount() + 1)
    if "stimulus" not in trials:
        trials["stimulus"] = pd.NA
    twice = trials[trials.duplicated(["subject", "trial"])]
    if len(twice):
        raise DataFormatError(
            f"Subject {twice['subject'].iloc[0]} has two trials numbered {twice['trial'].iloc[0]} in the table; number "
            "them through all of a subject's files, or leave the column out."
        )
    return trials


def _check_table(trials: pd.DataFrame) -> None:
    missing = [column for column in _REQUIRED if column not in trials]
    if missing:
        raise DataFormatError(
            f"The table of trials lacks {', '.join(missing)}; it needs {', '.join(_REQUIRED)} and has "
            f"{', '.join(map(str, trials.columns))}."
        )
    if trials.empty:
        raise DataFormatError("The table of trials has no rows.")
    twice = trials.columns[trials.columns.duplicated()]
    if len(twice):
        raise DataFormatError(f"The table of trials has the column {twice[0]!r} twice.")
    for column in trials.columns.drop("file"):
        values = trials[column].dropna()
        if not values.map(lambda value: isinstance(value, (str, bool, int, float, np.generic))).all() or (
            values.dtype.kind in "mM"
        ):
            raise ConfigError(
                f"Column {column!r} of the table of trials holds {values.dtype} ({values.iloc[0]!r}); make numbers or "
                "text of it."
            )
    made = [column for column in MADE_COLUMNS if column in trials]
    if made:
        raise ConfigError(f"Columns {', '.join(made)} are made when trials are cut; call yours otherwise.")
    for file in trials["file"]:
        if "\0" in str(file):
            raise DataFormatError(f"A recording {str(file)!r} is named in the table, and no file can be named so.")
    for column in (*_REQUIRED, *({"trial"} & set(trials))):
        values = trials[column]
        if column in ("onset", "duration"):
            values = pd.to_numeric(values, errors="coerce")
            values = values.where(np.isfinite(values) & (values >= 0) & ((values > 0) | (column == "onset")))
        if values.isna().any():
            row = int(values.isna().argmax())
            due = _NUMBERS.get(column, "a value in each row")
            raise DataFormatError(
                f"{column} is {as_json(trials[column].iloc[row])!r} in row {row + 1} of the table of trials; it needs "
                f"{due}."
            )
