"""One recording with its trials: what the stage is run over, whoever the recording comes from."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mne
import numpy as np
import pandas as pd

from eegemo._json import as_json
from eegemo._origins import FIRST_SAMPLE, RECORDING
from eegemo.errors import ConfigError, DataFormatError
from eegemo.preprocessing.cutting import Cut, cut_trials
from eegemo.preprocessing.stage import Preprocessing, preprocess
from eegemo.preprocessing.steps import steps_done


@dataclass(frozen=True)
class Recording:
    """A continuous recording, when its trials are, and what is known of them.

    Parameters
    ----------
    name : str
        Of the file, for messages.
    raw : mne.io.BaseRaw
        As recorded; it need not be in memory.
    onsets, durations : array, shape (n_trials,)
        Seconds from the recording's first sample, by the clock, in the order in which the trials are wanted.
    table : DataFrame
        One row a trial: ``subject, trial, stimulus`` and ratings or category.
    preprocessing : Preprocessing
        The settings.
    messages : tuple of str
        What its user should know of the recording.
    """

    name: str
    raw: mne.io.BaseRaw
    onsets: np.ndarray
    durations: np.ndarray
    table: pd.DataFrame
    preprocessing: Preprocessing
    messages: tuple[str, ...] = ()

    def run(self, picks: Sequence[str] | None = None) -> tuple[mne.io.BaseRaw, Cut, list[str]]:
        """Preprocess the recording and cut its trials.

        Parameters
        ----------
        picks : sequence of str | None
            Channels of the trials; all EEG channels by default.

        Returns
        -------
        clean : mne.io.BaseRaw
            The preprocessed recording.
        cut : Cut
            Its trials.
        messages : list of str
            Warnings on the way, and which trials are left out.

        Raises
        ------
        ConfigError, DataFormatError
            As :func:`preprocess` and :func:`cut_trials`; the message names the recording.
        """
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for kind in (DeprecationWarning, FutureWarning, ResourceWarning):
                warnings.simplefilter("ignore", kind)
            try:
                clean = preprocess(self.raw, self.preprocessing)
                cut = cut_trials(
                    clean,
                    self.onsets,
                    self.durations,
                    baseline=self.preprocessing.baseline,
                    reject=self.preprocessing.reject,
                    picks=picks,
                )
            except (ConfigError, DataFormatError) as error:
                raise type(error)(f"{self.name}: {error}") from error
        messages = [*self.messages, *(str(warning.message) for warning in caught)]
        trials = self.table["trial"].to_numpy()
        for numbers, why in (
            (trials[cut.outside], "they reach beyond the recording"),
            (trials[cut.interrupted], "the recording was interrupted in them"),
            (trials[cut.annotated], "the recording's annotations call a part of them bad"),
            (trials[cut.rejected], f"an amplitude exceeds {self.preprocessing.reject} µV"),
        ):
            if len(numbers):
                messages.append(f"Left out, since {why}: trials {', '.join(map(str, numbers))}.")
        return clean, cut, messages

    def prepare(self, picks: Sequence[str] | None = None) -> tuple[np.ndarray, pd.DataFrame, dict[str, Any]]:
        """Run the stage and return what a store of trials keeps.

        Parameters
        ----------
        picks : sequence of str | None
            As in :meth:`run`.

        Returns
        -------
        signals : array, shape (n_samples, n_channels), float32
            All trials end to end; EEG, EOG and EMG in microvolts.
        table : DataFrame
            As :class:`eegemo.Trials` wants it, of the trials that are kept.
        record : dict
            The file, what every step did, and the messages.
        """
        clean, cut, messages = self.run(picks)
        table = self.table.iloc[cut.kept].reset_index(drop=True)
        starts = np.cumsum(cut.n_times) - cut.n_times
        table.insert(3, "start", starts.astype(np.int64))
        table.insert(4, "n_times", cut.n_times.astype(np.int64))
        table.insert(5, "n_baseline", np.full(len(table), cut.n_baseline))
        table.insert(6, RECORDING, self.name)
        table.insert(7, FIRST_SAMPLE, cut.first.astype(np.int64))
        record = {
            "subject": as_json(self.table["subject"].iloc[0]),
            "file": self.name,
            "trials": len(table),
            "messages": messages,
            "steps": steps_done(clean),
        }
        return cut.signals, table, record
