"""Trials: what every dataset becomes, one strip of samples and a table of trials."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from eegemo._html import trials_html
from eegemo._origins import FIRST_SAMPLE, RECORDING, Origins, origins_of, warn_of_overlap
from eegemo._trial_parts import FITTED_ON_ALL as FITTED_ON_ALL
from eegemo._trial_parts import TRIALS_NOT_KNOWN, UNIT, check_parts, number_units, of_one_kind
from eegemo._trial_selection import TrialSelection
from eegemo.errors import suggest_keywords

if TYPE_CHECKING:
    import mne

    from eegemo.windows import Windows


class Trials(TrialSelection):
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
        as a value) where a trial stands by itself: what keeps trials whole keeps units whole. Subjects and stimuli
        of which some are numbers and some text become text. ``recording`` names the recording that a trial was cut
        from, and ``first_sample`` is its first sample in it, baseline included, counted at ``sfreq`` and missing where
        it is not known: by these the leakage record finds raw samples that two trials have in common. Without the two
        columns trials are taken to be as far apart as they lie in the strip.
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
        table = of_one_kind(table.reset_index(drop=True))
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
        """SHA-256 over the samples of these trials, their table, channels and sampling rate.

        Where trials were cut counts where they overlap there, or may: otherwise nothing depends on it.
        """
        digest = hashlib.sha256()
        digest.update(repr((self.ch_names, self.ch_types, self.sfreq)).encode())
        apart = self.origins is not None and self.origins.apart
        left_out = ["start", RECORDING, FIRST_SAMPLE] if apart else ["start"]
        digest.update(self._table.drop(columns=left_out).to_csv(index=False).encode())
        if self.provenance.get(TRIALS_NOT_KNOWN):
            digest.update(TRIALS_NOT_KNOWN.encode())
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

    @cached_property
    def origins(self) -> Origins | None:
        """Where each trial was cut, and which of them overlap there; None where the table does not say it."""
        return origins_of(self._table)

    @property
    def info(self) -> mne.Info:
        """MNE's description of the channels: names, types, sampling rate, and places in the 10-05 system."""
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
            With the places of the EEG channels that are in the standard 10-05 montage; MNE's maps are drawn when the
            others are dropped. What must not be forgotten on the way back, such as whether anybody was recorded, stands
            in ``epochs.info["description"]`` and in a column ``eegemo`` of the metadata, so that it outlives files,
            selections and concatenation.

        Raises
        ------
        ConfigError
            If the trials differ in length or baseline; select those of one length first.
        """
        from eegemo._mne import epochs_of

        return epochs_of(self)

    @classmethod
    @suggest_keywords
    def from_epochs(
        cls,
        epochs: mne.BaseEpochs,
        *,
        picks: str | Sequence[str] = "eeg",
        dataset: str | None = None,
        simulated: bool | None = None,
    ) -> Trials:
        """Take MNE's epochs, from any source, as trials.

        Parameters
        ----------
        epochs : mne.BaseEpochs
            Their metadata give the table: ``subject``, ``trial``, ``session`` and ``run`` where there were several, and
            the ratings or category. Epochs of one subject, session, run and ``trial`` are windows of that trial: they
            become rows with one ``unit``, so that what keeps trials whole keeps them together. Without a column
            ``trial`` it is not known which epochs belong to one trial, and the leakage record says so. ``stimulus`` is
            missing where there is no such column.
        picks : str | sequence of str
            Channels: names, a type or several, or ``"all"``. A trigger channel may hold the class: those that pass for
            EEG, and channels in ``epochs.info["bads"]``, are left out unless they are named.
        dataset : str | None
            A name for what it is; by default that of the trials that the epochs were made of, or ``"epochs"``.
        simulated : bool | None
            Whether nobody was recorded; by default as the trials that the epochs were made of, or False.

        Returns
        -------
        trials : Trials
            In microvolts; what lies before time 0 is the baseline. The pass band is that of ``epochs.info``.
            ``recording`` is told by the columns ``subject, session, run, file`` of the metadata, and ``first_sample``
            by ``epochs.events``; it is missing where these only count the epochs, as in an array without events.

        Raises
        ------
        DataFormatError
            If there are no metadata, or none that say whose epochs these are, or they have columns that are made here.
        ConfigError
            If no such channel is there, or ``simulated`` denies what the epochs were made of.

        Notes
        -----
        :func:`mne.concatenate_epochs` moves the events of all but the first epochs, so that parts of one recording no
        longer show where they overlap: where those of an :class:`mne.EpochsArray` may have been moved, it is not known
        what they share. Put parts together with ``add_offset=False``, or before they are cut.
        """
        from eegemo._mne import parts_of

        trials = cls(**parts_of(epochs, picks=picks, dataset=dataset, simulated=simulated))
        warn_of_overlap(trials)
        return trials
