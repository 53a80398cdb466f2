"""What the parts of Trials must be, so that they fit each other."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd

from eegemo._categories import as_text
from eegemo._electrodes import found_as
from eegemo._origins import FIRST_SAMPLE, RECORDING
from eegemo.errors import ConfigError, DataFormatError, unknown_name

REQUIRED_COLUMNS = ("subject", "trial", "stimulus", "start", "n_times", "n_baseline")
#: The column of trials that share one rating or one presentation; it may be missing.
UNIT = "unit"
#: The column of the visit on which a trial was recorded; it may be missing.
SESSION = "session"
#: The column of the dataset that a trial is of, where several were put together.
DATASET = "dataset"
#: The column of the file of a visit, where there were several; it may be missing.
RUN = "run"

#: Key of the provenance under which steps stand that were fitted on all trials, whatever is tested on included.
FITTED_ON_ALL = "fitted_on_all"
#: Key of the provenance that is true where nobody said which rows of the table belong to one trial.
TRIALS_NOT_KNOWN = "trials_not_known"


def pick_channels(wanted: Sequence[str], available: Sequence[str]) -> list[int]:
    """Return the positions of channels by name.

    Parameters
    ----------
    wanted, available : sequence of str
        Channel names.

    Returns
    -------
    positions : list of int
        Where each wanted channel stands in ``available``, under this name or the other one of its place (T3, T7).

    Raises
    ------
    ConfigError
        If a channel is unknown or named twice, or none is wanted.
    """
    if not len(wanted) or isinstance(wanted, str):
        raise ConfigError(f"A list of channel names was expected, got {wanted!r}.")
    if len(set(wanted)) != len(wanted):
        raise ConfigError(f"A channel is named twice: {', '.join(wanted)}.")
    position, found = {name: i for i, name in enumerate(available)}, found_as(wanted, available)
    for name in wanted:
        if name not in found:
            raise unknown_name("channel", name, available)
    return [position[found[name]] for name in wanted]


def picked_names(picks: str | Sequence[str], ch_names: Sequence[str], ch_types: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the channels that are meant, by name or by type.

    Parameters
    ----------
    picks : str | sequence of str
        Names, or types.
    ch_names, ch_types : sequence of str
        Of all channels.

    Returns
    -------
    names : tuple of str
        As they were given; of types, in the order of the channels.

    Raises
    ------
    ConfigError
        If a single word is neither a name nor a type.
    """
    wanted = (picks,) if isinstance(picks, str) else picks
    if not np.iterable(wanted):
        raise ConfigError(f"Channel names, or types such as 'eeg', were expected, got {picks!r}.")
    if isinstance(picks, str) and picks not in {*ch_types, *ch_names}:
        raise unknown_name("channel or type", picks, dict.fromkeys((*ch_names, *ch_types)))
    names = tuple(str(name) for name in wanted)
    if names and set(names) <= set(ch_types):
        names = tuple(n for n, kind in zip(ch_names, ch_types, strict=True) if kind in names)
    return names


def matching_rows(table: pd.DataFrame, query: str) -> np.ndarray:
    """Find the trials that a query is true of.

    Parameters
    ----------
    table : DataFrame
        A row a trial.
    query : str
        As :meth:`pandas.DataFrame.query` takes it.

    Returns
    -------
    mask : array of bool, shape (n_trials,)

    Raises
    ------
    ConfigError
        If it cannot be carried out, or is not true or false of each trial.
    """
    try:
        mask = np.asarray(table.eval(query, level=2))  # of whoever called select(), for @names
    except Exception as error:  # pandas has many ways to dislike a query
        raise ConfigError(
            f"The query {query!r} cannot be carried out ({error}); the table has the columns "
            f"{', '.join(map(str, table.columns))}."
        ) from error
    if mask.dtype != bool or mask.shape != (len(table),):
        raise ConfigError(f"The query {query!r} must be true or false of each trial, such as 'subject == 1'.")
    return mask


def number_units(table: pd.DataFrame) -> np.ndarray:
    """Give a number to each unit: the trials of one subject with one value of ``unit``, or a trial by itself.

    Parameters
    ----------
    table : DataFrame
        A row a trial, or a window: ``subject, trial``, and ``unit`` where trials share something.

    Returns
    -------
    units : array of int, shape (n_rows,)
        Counted from 0 in the order in which units first appear.
    """
    keys = {"subject": table["subject"], "trial": table["trial"]}
    if UNIT in table:
        alone = table[UNIT].isna()
        # A trial numbered 1 without a unit is not in unit 1.
        keys = {"subject": table["subject"], "alone": alone}
        keys["which"] = table[UNIT].astype(object).where(~alone, table["trial"].astype(object))
    return pd.DataFrame(keys).groupby(list(keys), sort=False).ngroup().to_numpy()


def check_parts(
    signals: np.ndarray, table: pd.DataFrame, names: tuple[str, ...], types: tuple[str, ...], sfreq: float
) -> None:
    """Refuse parts that do not fit each other.

    Parameters
    ----------
    signals : array, shape (n_samples, n_channels), float32
        The strip.
    table : DataFrame
        A row a trial, with :data:`REQUIRED_COLUMNS`.
    names, types : tuple of str, length n_channels
        Of the channels.
    sfreq : float
        Sampling rate in Hz.

    Raises
    ------
    DataFormatError
        With the first part that does not fit, and what was got.

    Notes
    -----
    Units need no check across subjects: the same value in two of them names two units.
    """
    if signals.ndim != 2 or signals.dtype != np.float32:
        raise DataFormatError(
            f"signals must be float32 of shape (n_samples, n_channels), got {signals.dtype} {signals.shape}."
        )
    if not signals.shape[1] == len(names) == len(types):
        raise DataFormatError(
            f"signals has {signals.shape[1]} channels, but there are {len(names)} names and {len(types)} types."
        )
    if len(set(names)) != len(names):
        raise DataFormatError(f"Channel names must be unique, got {names}.")
    missing = [column for column in REQUIRED_COLUMNS if column not in table]
    if missing:
        raise DataFormatError(f"The table of trials lacks {missing}; it has {list(table.columns)}.")
    if not 0 < sfreq < np.inf:
        raise DataFormatError(f"sfreq must be positive, got {sfreq}.")
    for column in ("subject", "trial"):
        if table[column].isna().any():
            raise DataFormatError(f"The column {column!r} has no value in row {int(table[column].isna().argmax())}.")
    for column in ("start", "n_times", "n_baseline"):
        if len(table) and not pd.api.types.is_integer_dtype(table[column]):
            raise DataFormatError(f"The column {column!r} must hold whole samples, got {table[column].dtype}.")
    if {RECORDING, FIRST_SAMPLE} <= set(table):
        if not pd.api.types.is_numeric_dtype(table[FIRST_SAMPLE]) or table[RECORDING].isna().any():
            raise DataFormatError(
                f"The column {RECORDING!r} must name a recording in each row, and {FIRST_SAMPLE!r} hold samples, got "
                f"{table[RECORDING].isna().sum()} rows without a recording, and {table[FIRST_SAMPLE].dtype}."
            )
    if UNIT in table:
        for number, value in enumerate(table[UNIT]):
            if not isinstance(value, Hashable):
                raise DataFormatError(f"The column 'unit' must hold names or numbers, got {value!r} in row {number}.")
    ends = table["start"] + table["n_times"]
    inside = (table["start"] >= 0) & (ends <= len(signals)) & table["n_baseline"].between(0, table["n_times"])
    if not inside.all():
        number = int(np.flatnonzero(~inside)[0])
        raise DataFormatError(
            f"Trial in row {number} spans samples {table['start'][number]} to {ends[number]} with a baseline of "
            f"{table['n_baseline'][number]}, outside a strip of {len(signals)} samples."
        )
    repeated = table[table.duplicated(["subject", "trial"])]
    if len(repeated):
        raise DataFormatError(
            f"Subject {repeated['subject'].iloc[0]} has two trials numbered {repeated['trial'].iloc[0]}."
        )


def of_one_kind(table: pd.DataFrame) -> pd.DataFrame:
    """Make text of subjects and stimuli where numbers stand beside text, which have no order and 1 and "1" apart.

    Parameters
    ----------
    table : DataFrame
        A row a trial.

    Returns
    -------
    table : DataFrame
        With the columns ``subject`` and ``stimulus``, where it has them, of one kind each.
    """
    for column in table.columns.intersection(["subject", "stimulus"]):
        if len({isinstance(value, str) for value in table[column].dropna().unique()}) == 2:
            table = table.assign(**{column: table[column].map(as_text, na_action="ignore")})
    return table
