"""Choosing some of the trials, or some of their channels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from eegemo._trial_parts import matching_rows, pick_channels, picked_names
from eegemo.errors import ConfigError, unknown_name


class TrialSelection:
    """What makes fewer trials, or fewer channels, of :class:`eegemo.Trials`; it has no state of its own."""

    signals: np.ndarray
    ch_names: tuple[str, ...]
    ch_types: tuple[str, ...]
    _table: pd.DataFrame

    def _replaced(self, **changes: Any) -> Self:
        names = ("signals", "table", "ch_names", "sfreq", "dataset", "simulated", "ch_types", "provenance")
        parts = {name: getattr(self, name) for name in names}
        return type(self)(**{**parts, **changes})

    def select(self, rows: str | Sequence[bool] | Sequence[int] | np.ndarray | pd.Series) -> Self:
        """Keep some of the trials.

        Parameters
        ----------
        rows : str | sequence of bool, length n_trials | sequence of int
            A query of the table as :meth:`pandas.DataFrame.query` takes it, a mask over its rows, or row numbers.

        Returns
        -------
        trials : Trials
            The same strip with a shorter table.

        Raises
        ------
        ConfigError
            If the query cannot be carried out, or the mask is of another length.

        Examples
        --------
        >>> from eegemo import simulate
        >>> trials = simulate(subjects=2, channels=["F3", "F4"])
        >>> len(trials.select("subject == 1 and valence > 5")) < len(trials.select("subject == 1")) == 40
        True
        """
        if isinstance(rows, str):
            rows = matching_rows(self._table, rows)
        if not np.iterable(rows):
            raise ConfigError(
                f"A query, a mask or row numbers were expected, got {rows!r}; one trial is trials[{rows!r}]."
            )
        numbers = np.asarray(rows) if len(rows) else np.zeros(0, np.int64)
        if numbers.dtype.kind not in "biu":
            raise ConfigError(f"Row numbers must be whole, or true or false, got {numbers.dtype}.")
        if numbers.dtype == bool and numbers.shape != (len(self._table),):
            raise ConfigError(f"A mask over {len(self._table)} trials was expected, got {numbers.shape}.")
        return self._replaced(table=self._table.iloc[numbers])

    def copy(self) -> Self:
        """Return trials with a strip of their own in RAM.

        Returns
        -------
        trials : Trials
            The same; nothing is changed in place anyway, so what a copy is for is to close a memory-mapped file.
        """
        return self._replaced(signals=np.array(self.signals))

    def __getitem__(self, key: Any) -> Self:
        if isinstance(key, str):
            raise ConfigError(f"Trials are indexed by row; a column is trials.table[{key!r}].")
        return self.select(np.atleast_1d(np.arange(len(self._table))[key]))

    def __iter__(self) -> Iterator[Self]:
        return (self[number] for number in range(len(self._table)))

    def dropna(self, columns: str | Sequence[str]) -> Self:
        """Drop the trials that have no value in any of these columns, such as a missing rating.

        Parameters
        ----------
        columns : str | sequence of str
            Columns of ``table``.

        Returns
        -------
        trials : Trials
            The trials where every one of the columns has a value.
        """
        wanted = [columns] if isinstance(columns, str) else list(columns)
        for column in wanted:
            if column not in self._table:
                raise unknown_name("column", column, self._table.columns)
        return self.select(self._table[wanted].notna().all(axis=1).to_numpy())

    def pick(self, picks: str | Sequence[str]) -> Self:
        """Keep some channels.

        Parameters
        ----------
        picks : str | sequence of str
            Names, in the order that is wanted; or a type of channel, such as ``"eeg"``, or several.

        Returns
        -------
        trials : Trials
            With a new strip in RAM of the wanted channels alone; the same strip if nothing changes.

        Raises
        ------
        ConfigError
            If a channel is unknown or named twice, or there is none of a type.

        Examples
        --------
        >>> from eegemo import simulate
        >>> simulate(subjects=1).pick(["Cz", "Pz"]).ch_names
        ('Cz', 'Pz')
        """
        names = picked_names(picks, self.ch_names, self.ch_types)
        if names == self.ch_names:
            return self
        columns = pick_channels(names, self.ch_names)
        return self._replaced(
            signals=np.ascontiguousarray(self.signals[:, columns]),
            ch_names=names,
            ch_types=[self.ch_types[column] for column in columns],
        )
