"""Trials: what every dataset becomes, one strip of samples and a table of trials."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from eegemo._html import trials_html
from eegemo._trial_parts import UNIT, check_parts, matching_rows, number_units, pick_channels, picked_names
from eegemo.errors import ConfigError, suggest_keywords, unknown_name

if TYPE_CHECKING:
    import mne

    from eegemo.windows import Windows

#: Key of the provenance under which steps stand that were fitted on all trials, whatever is tested on included.
FITTED_ON_ALL = "fitted_on_all"


class Trials:
    """Recorded trials of one dataset, all in one time-major strip of samples.

    Every method returns a new object; nothing is changed in place, and the strip is shared.

    Parameters
    ----------
    signals : array, shape (n_samples, n_channels), float32
        All trials end to end, in RAM or a memory map. EEG, EOG and EMG are in microvolts.
    table : DataFrame
        One row a trial: ``subject, trial, stimulus``, ``start`` (first sample in the strip, baseline
        included), ``n_times`` (samples, baseline included), ``n_baseline`` (how many of them lie before
        the stimulus), and the ratings or the category that the dataset has. Trials of one subject that share one
        rating, or one presentation, have the same value in a column ``unit``, which is missing (as a column, or
        as a value) where a trial stands by itself: what keeps trials whole keeps units whole.
    ch_names : sequence of str, length n_channels
        The names of the channels.
    sfreq : float
        Sampling rate in Hz.
    dataset : str
        The name of the dataset, for titles and provenance.
    simulated : bool
        Whether nobody was recorded.
    ch_types : sequence of str | None
        MNE's channel types; all ``"eeg"`` where not given.
    provenance : dict
        How the trials came to be; JSON-compatible.

    Raises
    ------
    DataFormatError
        If the parts do not fit each other.

    See Also
    --------
    eegemo.load_deap : Loads DEAP; each dataset has a loader.
    eegemo.prepare_recordings : Makes trials of recordings of one's own.
    Trials.windows : Cuts them into windows.

    Examples
    --------
    >>> from eegemo import simulate
    >>> trials = simulate(subjects=1)
    >>> len(trials), trials.sfreq
    (40, 128.0)
    """

    signals: np.ndarray
    ch_names: tuple[str, ...]
    sfreq: float
    dataset: str
    simulated: bool
    ch_types: tuple[str, ...]
    provenance: dict[str, Any]
    _table: pd.DataFrame

    def __init__(
        self,
        signals: np.ndarray,
        table: pd.DataFrame,
        ch_names: Sequence[str],
        sfreq: float,
        dataset: str,
        simulated: bool,
        ch_types: Sequence[str] | None = None,
        provenance: dict[str, Any] | None = None,
    ) -> None:
        names = tuple(str(name) for name in ch_names)
        types = ("eeg",) * len(names) if ch_types is None else tuple(ch_types)
        strip = signals.view()
        strip.flags.writeable = False
        table = table.reset_index(drop=True)
        check_parts(strip, table, names, types, sfreq)
        vars(self).update(
            signals=strip,
            _table=table,
            ch_names=names,
            sfreq=float(sfreq),
            dataset=dataset,
            simulated=simulated,
            ch_types=types,
            provenance=dict(provenance or {}),
        )

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Trials are not changed in place; make new ones, got {name!r} to set.")

    @property
    def table(self) -> pd.DataFrame:
        """One row a trial; a copy, so that whoever edits it edits their own."""
        return self._table.copy(deep=False)  # pandas copies a column when it is written to

    def _replaced(self, **changes: Any) -> Trials:
        names = ("signals", "table", "ch_names", "sfreq", "dataset", "simulated", "ch_types", "provenance")
        return Trials(**{name: changes.get(name, getattr(self, name)) for name in names})

    def __len__(self) -> int:
        return len(self._table)

    def __repr__(self) -> str:
        n_subjects = self.table["subject"].nunique()
        kind = ", simulated" if self.simulated else ""
        return (
            f"<Trials | {self.dataset}{kind}: {len(self)} trials, {n_subjects} subjects, "
            f"{len(self.ch_names)} channels, {self.sfreq:g} Hz>"
        )

    def _repr_html_(self) -> str:
        return trials_html(self)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the samples of these trials, their table, channels and sampling rate."""
        digest = hashlib.sha256()
        digest.update(repr((self.ch_names, self.ch_types, self.sfreq)).encode())
        digest.update(self.table.drop(columns="start").to_csv(index=False).encode())
        for start, n_times in zip(self.table["start"], self.table["n_times"], strict=True):
            digest.update(np.ascontiguousarray(self.signals[start : start + n_times]).data)
        return digest.hexdigest()

    @cached_property
    def units(self) -> np.ndarray:
        """The number of each trial's unit, shape (n_trials,), int32: its row where the table has no column ``unit``.

        Trials of one subject with one value of ``unit`` have one number; any other trial has its own.
        """
        numbers = np.arange(len(self)) if UNIT not in self._table else number_units(self._table)
        units = numbers.astype(np.int32)
        units.flags.writeable = False
        return units

    @property
    def info(self) -> mne.Info:
        """MNE's description of the channels: names, types, sampling rate, places where all EEG channels have one."""
        from eegemo._mne import info_of

        return info_of(self.ch_names, self.sfreq, self.ch_types)

    @property
    def pass_band(self) -> tuple[float | None, float | None]:
        """Lower and upper edge in Hz of what the recordings hold, None where it is not known or has no limit."""
        low, high = self.provenance.get("pass_band", (None, None))
        return low, high

    def trial_data(self, number: int, *, baseline: bool = False) -> np.ndarray:
        """Return the samples of one trial.

        Parameters
        ----------
        number : int
            Row of the trial in ``table``.
        baseline : bool
            Whether the samples before the stimulus are wanted too.

        Returns
        -------
        data : array, shape (n_channels, n_times)
            A read-only view, in the unit of ``signals``.
        """
        start, n_times, n_baseline = (
            int(self._table[name].iloc[number]) for name in ("start", "n_times", "n_baseline")
        )
        return self.signals[start + (0 if baseline else n_baseline) : start + n_times].T

    def select(self, rows: str | Sequence[bool] | Sequence[int] | np.ndarray | pd.Series) -> Trials:
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
        if numbers.dtype == bool and numbers.shape != (len(self),):
            raise ConfigError(f"A mask over {len(self)} trials was expected, got {numbers.shape}.")
        return self._replaced(table=self._table.iloc[numbers])

    def copy(self) -> Trials:
        """Return trials with a strip of their own in RAM.

        Returns
        -------
        trials : Trials
            The same; nothing is changed in place anyway, so what a copy is for is to close a memory-mapped file.
        """
        return self._replaced(signals=np.array(self.signals))

    def __getitem__(self, key: Any) -> Trials:
        if isinstance(key, str):
            raise ConfigError(f"Trials are indexed by row; a column is trials.table[{key!r}].")
        return self.select(np.atleast_1d(np.arange(len(self))[key]))

    def __iter__(self) -> Iterator[Trials]:
        return (self[number] for number in range(len(self)))

    def dropna(self, columns: str | Sequence[str]) -> Trials:
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
            if column not in self.table:
                raise unknown_name("column", column, self.table.columns)
        return self.select(self.table[wanted].notna().all(axis=1).to_numpy())

    def pick(self, picks: str | Sequence[str]) -> Trials:
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

    @suggest_keywords
    def windows(
        self,
        duration: float | None = None,
        step: float | None = None,
        *,
        overlap: float | None = None,
        n_times: int | None = None,
    ) -> Windows:
        """Cut every trial into windows; nothing is copied.

        Parameters
        ----------
        duration : float | None
            Length of a window in seconds; 1 by default.
        step : float | None
            From the start of a window to the next one's, in seconds; by default windows follow each other without
            overlap.
        overlap : float | None
            Of two neighbours, in seconds, as MNE has it; in place of ``step``.
        n_times : int | None
            Length of a window in samples, in place of ``duration``; ``step`` or ``overlap`` are then samples too.

        Returns
        -------
        windows : Windows
            In the order of the trials. The baseline is never windowed; an incomplete last window is
            dropped.

        Raises
        ------
        ConfigError
            If the window is longer than a trial, is no whole number of samples, or not ``0 <= overlap < duration``.

        Examples
        --------
        >>> from eegemo import simulate
        >>> trials = simulate(subjects=1, channels=["F3", "F4"])
        >>> trials.windows(duration=4.0, overlap=2.0).shape
        (1160, 2, 512)
        """
        from eegemo.windows import cut

        return cut(self, duration, step, overlap=overlap, n_times=n_times)

    def to_epochs(self) -> mne.EpochsArray:
        """Convert to MNE's epochs: volts, the table as metadata, time 0 at the stimulus.

        Returns
        -------
        epochs : mne.EpochsArray
            With the standard 10-05 montage where all EEG channels are in it.

        Raises
        ------
        ConfigError
            If the trials differ in length or baseline; select those of one length first.
        """
        from eegemo._mne import epochs_of

        return epochs_of(self)

    @classmethod
    @suggest_keywords
    def from_epochs(cls, epochs: mne.BaseEpochs, *, dataset: str = "epochs", simulated: bool = False) -> Trials:
        """Take MNE's epochs, from any source, as trials.

        Parameters
        ----------
        epochs : mne.BaseEpochs
            Their metadata give the table: ``subject`` and the ratings or category. ``trial`` and
            ``stimulus`` are numbered from 1 within each subject, and missing, where there is no such
            column.
        dataset : str
            A name for what it is.
        simulated : bool
            Whether nobody was recorded.

        Returns
        -------
        trials : Trials
            In microvolts; what lies before time 0 is the baseline.

        Raises
        ------
        DataFormatError
            If there are no metadata, or none that say whose epochs these are.
        """
        from eegemo._mne import parts_of

        return cls(**parts_of(epochs), dataset=dataset, simulated=simulated)
