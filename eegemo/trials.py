"""Trials: what every dataset becomes, one strip of samples and a table of trials."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from eegemo._html import html_table
from eegemo.errors import ConfigError, DataFormatError, suggest_keywords, unknown_name

if TYPE_CHECKING:
    import mne

    from eegemo.windows import Windows

REQUIRED_COLUMNS = ("subject", "trial", "stimulus", "start", "n_times", "n_baseline")
#: Key of the provenance under which steps stand that were fitted on all trials, whatever is tested on included.
FITTED_ON_ALL = "fitted_on_all"
_MICROVOLTS_PER_VOLT = 1e6
_IN_VOLTS = ("eeg", "eog", "emg")


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
        the stimulus), and the ratings or the category that the dataset has.
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
        _check_parts(strip, table, names, types, sfreq)
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
        table = self._table
        seconds = np.unique((table["n_times"] - table["n_baseline"]) / self.sfreq)
        low, high = self.pass_band
        known = f"{low or 0:g} to {high or self.sfreq / 2:g} Hz"
        rows = {
            "trials": f"{len(self)} of {table['subject'].nunique()} subjects, {table['stimulus'].nunique()} stimuli",
            "length": " to ".join(dict.fromkeys(f"{length:g} s" for length in (*seconds[:1], *seconds[-1:]))),
            "channels": f"{len(self.ch_names)}: {', '.join(self.ch_names[:6])}{', ...' * (len(self.ch_names) > 6)}",
            "sampling rate": f"{self.sfreq:g} Hz",
            "pass band": "not known" if low is None and high is None else known,
            "columns": ", ".join(map(str, table.columns)),
        }
        return html_table(f"Trials: {self.dataset}{', simulated' * self.simulated}", rows)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the samples of these trials, their table, channels and sampling rate."""
        digest = hashlib.sha256()
        digest.update(repr((self.ch_names, self.ch_types, self.sfreq)).encode())
        digest.update(self.table.drop(columns="start").to_csv(index=False).encode())
        for start, n_times in zip(self.table["start"], self.table["n_times"], strict=True):
            digest.update(np.ascontiguousarray(self.signals[start : start + n_times]).data)
        return digest.hexdigest()

    @property
    def info(self) -> mne.Info:
        """MNE's description of the channels: names, types, sampling rate, places where all EEG channels have one."""
        import mne

        info = mne.create_info(list(self.ch_names), self.sfreq, list(self.ch_types))
        montage = mne.channels.make_standard_montage("colin27_1005")
        known = {name.upper() for name in montage.ch_names}
        if all(n.upper() in known for n, t in zip(self.ch_names, self.ch_types, strict=True) if t == "eeg"):
            info.set_montage(montage, match_case=False, verbose="error")
        return info

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
            rows = self._matching(rows)
        numbers = np.asarray(rows) if len(rows) else np.zeros(0, np.int64)
        if numbers.dtype == bool and numbers.shape != (len(self),):
            raise ConfigError(f"A mask over {len(self)} trials was expected, got {numbers.shape}.")
        return self._replaced(table=self._table.iloc[numbers])

    def _matching(self, query: str) -> np.ndarray:
        try:
            chosen = self._table.eval(query)
        except Exception as error:  # pandas has many ways to dislike a query
            raise ConfigError(
                f"The query {query!r} cannot be carried out ({error}); the table has the columns "
                f"{', '.join(map(str, self._table.columns))}."
            ) from error
        mask = np.asarray(chosen)
        if mask.dtype != bool or mask.shape != (len(self),):
            raise ConfigError(f"The query {query!r} must be true or false of each trial, such as 'subject == 1'.")
        return mask

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
        wanted = (picks,) if isinstance(picks, str) and picks in {*self.ch_types, *self.ch_names} else picks
        if isinstance(wanted, str):
            raise ConfigError(
                f"A list of channel names was expected, or a type that the trials have "
                f"({', '.join(dict.fromkeys(self.ch_types))}), got {picks!r}."
            )
        names = tuple(str(name) for name in wanted)
        if names and set(names) <= set(self.ch_types):
            names = tuple(n for n, kind in zip(self.ch_names, self.ch_types, strict=True) if kind in names)
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
        from eegemo.windows import cut, whole_samples

        if duration is not None and n_times is not None:
            raise ConfigError("Give duration, in seconds, or n_times, in samples, not both.")
        if step is not None and overlap is not None:
            raise ConfigError("Give step or overlap, not both.")
        unit = None if n_times is not None else self.sfreq
        if n_times is None:
            n_times = whole_samples("duration", 1.0 if duration is None else duration, unit)
        else:
            n_times = whole_samples("n_times", n_times, unit)
        if overlap is not None:
            return cut(self, n_times, n_times - whole_samples("overlap", overlap, unit))
        return cut(self, n_times, n_times if step is None else whole_samples("step", step, unit))

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
        import mne

        shape = self.table[["n_times", "n_baseline"]].drop_duplicates()
        if len(shape) != 1:
            raise ConfigError(
                f"Epochs need trials of one length, got {len(shape)} different ones; "
                "keep those of one length with trials.select(...)."
            )
        scale = units_per_mne_unit(self.ch_types)[:, None]
        data = np.stack([self.trial_data(i, baseline=True) / scale for i in range(len(self))])
        return mne.EpochsArray(
            data,
            self.info,
            tmin=-int(shape["n_baseline"].iloc[0]) / self.sfreq,
            metadata=self.table.drop(columns=["start", "n_times", "n_baseline"]),
            verbose="error",
        )

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
        if epochs.metadata is None or "subject" not in epochs.metadata:
            raise DataFormatError(
                "The epochs have no 'subject' in their metadata, and without it no protocol can keep people "
                "apart; set epochs.metadata to a table with the columns subject, trial, stimulus and ratings."
            )
        types = tuple(epochs.get_channel_types())
        data = epochs.get_data(copy=False) * units_per_mne_unit(types)[:, None]
        n_epochs, n_channels, n_times = data.shape
        table = epochs.metadata.reset_index(drop=True)
        if "trial" not in table:
            table["trial"] = table.groupby("subject").cumcount() + 1
        if "stimulus" not in table:
            table["stimulus"] = pd.NA
        table["start"] = np.arange(n_epochs, dtype=np.int64) * n_times
        table["n_times"] = n_times
        table["n_baseline"] = int(np.count_nonzero(epochs.times < -0.5 / epochs.info["sfreq"]))
        return cls(
            signals=data.transpose(0, 2, 1).reshape(-1, n_channels).astype(np.float32),
            table=table,
            ch_names=tuple(epochs.ch_names),
            ch_types=types,
            sfreq=epochs.info["sfreq"],
            dataset=dataset,
            simulated=simulated,
        )


def units_per_mne_unit(ch_types: Sequence[str]) -> np.ndarray:
    """Return what MNE's values are multiplied by to become those of trials: microvolts of EEG, EOG and EMG.

    Parameters
    ----------
    ch_types : sequence of str
        MNE's channel types.

    Returns
    -------
    scale : array, shape (n_channels,)
        1e6 for those that MNE has in volts and trials in microvolts, 1 for all others.
    """
    return np.array([_MICROVOLTS_PER_VOLT if kind in _IN_VOLTS else 1.0 for kind in ch_types])


def pick_channels(wanted: Sequence[str], available: Sequence[str]) -> list[int]:
    """Return the positions of channels by name.

    Parameters
    ----------
    wanted, available : sequence of str
        Channel names.

    Returns
    -------
    positions : list of int
        Where each wanted channel stands in ``available``.

    Raises
    ------
    ConfigError
        If a channel is unknown or named twice, or none is wanted.
    """
    if not len(wanted) or isinstance(wanted, str):
        raise ConfigError(f"A list of channel names was expected, got {wanted!r}.")
    if len(set(wanted)) != len(wanted):
        raise ConfigError(f"A channel is named twice: {', '.join(wanted)}.")
    position = {name: i for i, name in enumerate(available)}
    for name in wanted:
        if name not in position:
            raise unknown_name("channel", name, available)
    return [position[name] for name in wanted]


def _check_parts(
    signals: np.ndarray, table: pd.DataFrame, names: tuple[str, ...], types: tuple[str, ...], sfreq: float
) -> None:
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
