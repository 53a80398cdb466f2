"""A reviewer's tool: the leakage record of a split that somebody else made, and a verdict in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from eegemo._trial_parts import UNIT
from eegemo.copies import find_copies, in_words, with_places_of_twins
from eegemo.errors import ConfigError, suggest_keywords
from eegemo.evaluation.identifiers import TRIAL_NAME, as_names, look_alikes
from eegemo.evaluation.leakage import Leakage, leakage_record, verdict
from eegemo.evaluation.shares import is_known, name_shares, repeated_windows, sample_share, trial_numbers
from eegemo.evaluation.window_rows import row_numbers
from eegemo.trials import FITTED_ON_ALL
from eegemo.windows import Windows

_EMPTY = np.empty(0, int)


@dataclass(frozen=True)
class Audit:
    """What a split shares between its sides.

    Parameters
    ----------
    leakage : Leakage
        What test shares with the rest.
    n_train, n_validation, n_test : int
        Windows in each part.
    notes : tuple of str
        What in the table keeps something from being known, or should be looked at: names that look alike, values that
        are missing, windows of one name.
    """

    leakage: Leakage
    n_train: int
    n_validation: int
    n_test: int
    notes: tuple[str, ...] = ()

    @property
    def closest(self) -> str | None:
        """The protocol that keeps whole what this split keeps whole; None where trials are not known."""
        leakage = self.leakage
        if np.isnan(leakage.trial):
            return None
        if leakage.trial > 0 or leakage.shared_samples > 0:
            return "window-random"
        kept = [name for name in ("subject", "stimulus") if getattr(leakage, name) == 0]
        if not kept and leakage.session == 0:
            return "session"
        return {(): "trial", ("subject",): "subject", ("stimulus",): "stimulus"}.get(tuple(kept), "subject-stimulus")

    @property
    def verdict(self) -> str:
        """What a score under this split can mean, in a few sentences."""
        return " ".join((verdict(self.leakage), *self.notes))

    def __str__(self) -> str:
        parts = f"{self.n_train} windows to train on, {self.n_validation} to validate on, {self.n_test} to test on"
        nearest = f"Comes nearest to protocol {self.closest!r}.\n" if self.closest else ""
        return f"{self.verdict}\n\n{parts}.\n{nearest}Test windows share with training: {self.leakage}."


@suggest_keywords
def audit_split(
    windows: Windows | pd.DataFrame,
    train: Any,
    test: Any,
    validation: Any = None,
    *,
    n_times: int | None = None,
    duration: float | None = None,
    sfreq: float | None = None,
    fitted_on_test: Sequence[str] | None = None,
    chosen_by_test: Sequence[str] | None = None,
) -> Audit:
    """Find out what the two sides of a split share.

    Parameters
    ----------
    windows : Windows | DataFrame
        What was split: Windows, whose trials are searched for copies of each other, or a table with a row a window and
        the columns ``subject, trial, stimulus, start`` as far as they are known. Where there were several, ``session``,
        ``run`` and ``recording`` are part of a trial's name. Trials of a subject that share a rating have one value of
        ``unit``, through all sessions, and count as one trial. ``start`` is the window's first sample, counted from any
        point that is the same for all windows of its trial. Names are compared as text: 1, 1.0 and ``"1"`` are one.
    train, test, validation : array of int | mask | DataFrame
        Row numbers, a mask over the windows, or a table of identifiers (``subject, session, trial, start``, as far as
        ``windows`` has them; without ``start`` all windows of the trials are meant).
    n_times : int | None
        Samples in a window of a table; without it and ``duration``, or a column of one of these names, only windows
        that are the same share samples.
    duration : float | None
        Seconds in a window of a table, where ``start`` is in seconds; instead of ``n_times``.
    sfreq : float | None
        Sampling rate in Hz of a table with ``start`` in seconds and ``n_times`` in samples.
    fitted_on_test, chosen_by_test : sequence of str | None
        What is known to have been fitted on, or chosen by, test data; None where it is not known. Windows that are in
        both validation and test are found.

    Returns
    -------
    audit : Audit
        ``print(audit)`` gives the verdict.

    Raises
    ------
    ConfigError
        If a part is empty, or names windows that are not there; if starts and lengths are not in one unit.

    Examples
    --------
    >>> import numpy as np
    >>> from eegemo import audit_split, simulate
    >>> from sklearn.model_selection import train_test_split
    >>> windows = simulate(2, channels=["Cz"]).windows(duration=1.0, step=0.5)
    >>> train, test = train_test_split(np.arange(len(windows)), random_state=0)
    >>> audit_split(windows, train, test).closest
    'window-random'
    """
    table = _table_of(windows)
    n = len(table)
    train, test = (row_numbers(rows, table, name) for rows, name in ((train, "train"), (test, "test")))
    aside = _EMPTY if validation is None else row_numbers(validation, table, "validation")
    for numbers, name in ((train, "train"), (test, "test")):
        if len(numbers) == 0:
            raise ConfigError(f"There are no windows in {name}; both sides of a split need some of the {n} windows.")
    seen = np.union1d(train, np.setdiff1d(aside, test))  # what is in both chose the model, and trained nothing
    fitted = None if fitted_on_test is None else _several(fitted_on_test)
    if isinstance(windows, Windows):
        fitted = (*windows.trials.provenance.get(FITTED_ON_ALL, ()), *(fitted or ())) or fitted
    chosen = None if chosen_by_test is None else _several(chosen_by_test)
    if np.isin(test, aside).any():
        chosen = (*(chosen or ()), "whatever validation decides (its windows are tested on)")
    names, copies = as_names(table).dropna(axis=1, how="all"), list[Any]()
    if isinstance(windows, Windows):
        # Whose trials are known by number, and their samples by where they lie.
        names = names.drop(columns=["trial", "start", UNIT], errors="ignore")
        copies = find_copies(windows.trials).to_dict("records")
        placed = windows.trials._replaced(table=with_places_of_twins(windows.trials.table, copies))
        record = leakage_record(Windows(placed, windows.n_times, windows.starts, windows.trial_index), seen, test)
        shares, samples = name_shares(names, seen, test) | {"trial": record.trial}, record.shared_samples
    else:
        shares = name_shares(names, seen, test)
        trials = None if np.isnan(shares["trial"]) or not is_known(names, "trial") else trial_numbers(names)
        samples = sample_share(table, trials, seen, test, n_times, duration, sfreq)
    leakage = Leakage(shared_samples=samples, **shares, fitted_on_test=fitted, chosen_by_test=chosen)
    alike = look_alikes(names.iloc[np.union1d(seen, test)])
    said = [in_words(copies)] if copies else []
    if not set(names) & {"subject", "trial", "stimulus"}:
        said.append(
            f"The table has no column subject, trial or stimulus, but {', '.join(map(str, table.columns)) or 'none'}; "
            "rename those that name them."
        )
    return Audit(
        leakage, len(train), len(aside), len(test), (*said, *_missing_values(names), *_repeated(names, leakage), *alike)
    )


def _table_of(windows: Windows | pd.DataFrame) -> pd.DataFrame:
    if isinstance(windows, Windows):
        return windows.table
    if not isinstance(windows, pd.DataFrame):
        raise ConfigError(f"Windows or a table (DataFrame) of them were expected, got {type(windows).__name__}.")
    twice = windows.columns[windows.columns.duplicated()]
    if len(twice):
        raise ConfigError(f"The table of windows has two columns {twice[0]!r}; leave one out.")
    return windows.reset_index(drop=True)


def _missing_values(names: pd.DataFrame) -> list[str]:
    missing = {column: names[column].isna() for column in names if column not in (UNIT, "file")}
    return [
        f"{column} has no value in {rows.sum()} of {len(rows)} rows (row {int(rows.argmax()) + 1} first), so that what "
        "depends on it is not known."
        for column, rows in missing.items()
        if rows.any()
    ]


def _repeated(names: pd.DataFrame, leakage: Leakage) -> list[str]:
    """Say why trials are not known where several windows of one trial begin at one place."""
    repeated = repeated_windows(names)
    if not np.isnan(leakage.trial) or not repeated.any():
        return []
    first = names.iloc[int(repeated.to_numpy().argmax())]
    of = ", ".join(f"{column} {first[column]}" for column in (*TRIAL_NAME, "start") if column in names)
    return [
        f"{repeated.sum()} windows have the name of another one ({of} first): either trials are numbered anew in each "
        "session, run or recording, which a column of that name should say, or windows are listed twice, which leaks "
        "where they are on both sides."
    ]


def _several(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)
