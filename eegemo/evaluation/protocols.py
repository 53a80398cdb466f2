"""Protocols: what is kept whole when windows are split, and what each one answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from eegemo._trial_parts import DATASET, SESSION, UNIT, number_units
from eegemo.errors import ConfigError
from eegemo.evaluation.dealing import numbered
from eegemo.windows import Windows

_PLURAL = {"stimulus": "stimuli"}


@dataclass(frozen=True)
class Protocol:
    """A way to split windows.

    Parameters
    ----------
    name : str
        As tables have it.
    answers : str
        The question that a score under it answers.
    kept : tuple of str
        The columns of the window table whose values are kept whole; trials of one unit count as one trial. Where there
        are two, both are split, and every group of the one is tested on every group of the other.
    """

    name: str
    answers: str
    kept: tuple[str, ...]

    @property
    def crossed(self) -> bool:
        """Whether two things are held out at once."""
        return len(self.kept) > 1

    @property
    def holds_out_people(self) -> bool:
        """Whether training knows nobody who is tested."""
        return not {"subject", DATASET}.isdisjoint(self.kept)

    @property
    def holds_out_stimuli(self) -> bool:
        """Whether training knows no stimulus that is tested."""
        return not {"stimulus", DATASET}.isdisjoint(self.kept)

    @property
    def has_units(self) -> bool:
        """Whether there are units few enough for one to be left out in each fold."""
        return len(self.kept) == 1

    @property
    def unit(self) -> str:
        """What one unit is called: a window, where nothing is kept whole."""
        return " and ".join(self.kept) or "window"

    def within_people(self, column: str) -> bool:
        """Whether units of a column are spread evenly over the parts for each person: a trial or session is one's own.

        Parameters
        ----------
        column : str
            One of ``kept``.
        """
        return column in ("trial", SESSION)


#: The protocols by name.
PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "window-random", "how well windows are recognised whose neighbours were seen (it leaks; the paper's)", ()
        ),
        Protocol("trial", "a known person, new trials", ("trial",)),
        Protocol("session", "a known person on another day", (SESSION,)),
        Protocol("subject", "a new person, known stimuli", ("subject",)),
        Protocol("stimulus", "known people, a new stimulus", ("stimulus",)),
        Protocol("subject-stimulus", "a new person and a new stimulus", ("subject", "stimulus")),
        Protocol("dataset", "people of another laboratory, and what they were shown", (DATASET,)),
    )
}


def plural(unit: str) -> str:
    """Return the plural of what a unit is called."""
    return _PLURAL.get(unit, f"{unit}s")


def units_of_windows(windows: Windows, protocol: Protocol) -> pd.DataFrame:
    """Give numbers to what each window belongs to: unit (as its trial), subject, and what a protocol keeps whole.

    Parameters
    ----------
    windows : Windows
        What is to be split.
    protocol : Protocol
        What is to be kept whole.

    Returns
    -------
    units : DataFrame
        A row a window; numbers from 0.

    Raises
    ------
    ConfigError
        If what is to be kept whole is not known of each window, or a unit would be torn.
    """
    table = windows.table.assign(trial=windows.groups)
    return numbered_units(
        table, ("trial", "subject", *(c for c in protocol.kept if c in ("stimulus", SESSION, DATASET))), protocol
    )


def units_of_groups(
    groups: np.ndarray | pd.DataFrame | None, n: int, protocol: Protocol, *, within_subject: bool
) -> pd.DataFrame:
    """Give numbers to what each row belongs to, from what scikit-learn calls groups.

    Parameters
    ----------
    groups : DataFrame | array, shape (n,) | None
        ``windows.table``, or as much of it as is needed; of a protocol that keeps one thing whole also an array of it.
    n : int
        How many rows there are.
    protocol : Protocol
        What is to be kept whole.
    within_subject : bool
        Whether each subject is split alone.

    Returns
    -------
    units : DataFrame
        As :func:`units_of_windows` gives it.

    Raises
    ------
    ConfigError
        If something is missing.
    """
    needs_people = within_subject or not {SESSION, DATASET}.isdisjoint(protocol.kept)
    needed = protocol.kept + (("subject",) if needs_people else ())
    if groups is not None and len(groups) != n:
        raise ConfigError(f"groups must hold a row for each of the {n} rows of X, got {len(groups)}.")
    if isinstance(groups, pd.DataFrame):
        missing = [column for column in needed if column not in groups]
        if missing:
            raise ConfigError(f"groups lacks the column {missing[0]!r}; it has {list(groups.columns)}.")
        if {"subject", "trial"} <= set(groups):
            groups, needed = groups.assign(trial=number_units(groups)), ("trial", "subject", *needed)
        return numbered_units(groups, tuple(dict.fromkeys(needed)), protocol)
    if groups is None and needed:
        raise ConfigError(
            f"Protocol {protocol.name!r} needs to know the {' and '.join(needed)} of each row: give "
            "groups=windows.table, or Windows as X."
        )
    if len(needed) > 1:
        raise ConfigError(
            f"Protocol {protocol.name!r} needs groups with the columns {', '.join(needed)}, such as "
            "windows.table; an array can hold only one of them."
        )
    return numbered_units(
        pd.DataFrame({needed[0]: np.asarray(groups)} if needed else {}, index=range(n)), needed, protocol
    )


def numbered_units(table: pd.DataFrame, needed: tuple[str, ...], protocol: Protocol) -> pd.DataFrame:
    """Give numbers to the values of the columns that are needed, and refuse what cannot be split.

    Parameters
    ----------
    table : DataFrame
        A row a window.
    needed : tuple of str
        Its columns.
    protocol : Protocol
        Named in errors.

    Returns
    -------
    units : DataFrame
        With a column ``subject`` in any case, all 0 where it is not needed.

    Raises
    ------
    ConfigError
        If a value is missing, or a unit would be torn.
    """
    if SESSION in needed and SESSION not in table:
        raise ConfigError(
            f"Protocol {protocol.name!r} needs a column {SESSION!r}, which says on which visit each trial was "
            "recorded; these recordings have none. Take 'trial' for known people and new trials."
        )
    if DATASET in needed and DATASET not in table:
        raise ConfigError(
            f"Protocol {protocol.name!r} needs a column {DATASET!r}, which says what each trial is of; these "
            "recordings are of one dataset. Put several together with combine_datasets(...)."
        )
    for column in needed:
        missing = pd.isna(table[column])
        if missing.any():
            raise ConfigError(
                f"Protocol {protocol.name!r} needs the {column} of every window; {missing.sum()} of {len(table)} have "
                f"none. Drop those trials with trials.dropna({column!r}), or take a protocol that does without."
            )
    units = pd.DataFrame({column: numbered(table[column].to_numpy()) for column in needed}, index=range(len(table)))
    if SESSION in units:  # the second visit of two people is two sessions
        units[SESSION] = units.groupby(["subject", SESSION]).ngroup()
    if UNIT in table and "trial" in units:
        for column in {"stimulus", SESSION} & set(units):
            torn = (units.groupby("trial")[column].transform("nunique") > 1).to_numpy()
            if torn.any():
                row = table.iloc[int(torn.argmax())]
                raise ConfigError(
                    f"Protocol {protocol.name!r} would tear unit {row[UNIT]} of subject {row['subject']} apart, whose "
                    f"trials have several {plural(column)}; take a protocol that does not split {plural(column)}, such "
                    "as 'trial' or 'subject'."
                )
    return units if "subject" in units else units.assign(subject=0)
