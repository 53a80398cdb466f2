"""How much of the EOG each EEG channel records: fitted to one stretch, applied to it or to any later one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import mne
import numpy as np
import scipy.ndimage
from mne.preprocessing import EOGRegression

from eegemo.errors import DataFormatError

TRANSITION = 2.0  # Hz
EVENT_SECONDS = 0.2  # a window for the size of the fast EOG, and a margin around eye movements
EVENT_RATIO = 5.0


@dataclass(frozen=True, eq=False)
class EOGWeights:
    """What a regression on the EOG has learned of one person; made by :meth:`fit`.

    Parameters
    ----------
    ch_names, eog_names : tuple of str
        EEG and EOG channels.
    weights : array, shape (n_channels, n_eog)
        What each EEG channel records of each EOG channel.
    h_freq : float | None
        Outside eye movements the EOG counts up to so many Hz; None: all of it throughout.
    usual : array, shape (n_eog,)
        Usual size of the EOG above ``h_freq``, in volts; in an eye movement it is 5 times as large. 0 where ``h_freq``
        is None.
    """

    ch_names: tuple[str, ...]
    eog_names: tuple[str, ...]
    weights: np.ndarray
    h_freq: float | None
    usual: np.ndarray

    @classmethod
    def fit(cls, raw: mne.io.BaseRaw, ch_names: list[str], eog_names: list[str], h_freq: float | None = 6.0) -> Self:
        """Fit the weights to a recording.

        Parameters
        ----------
        raw : mne.io.BaseRaw
            In memory, high-passed, its reference declared (``set_eeg_reference``): regression and re-referencing
            commute, so any will do.
        ch_names, eog_names : list of str
            EEG and EOG channels.
        h_freq : float | None
            As in :func:`eegemo.preprocessing.remove_eog`.

        Returns
        -------
        weights : EOGWeights

        Raises
        ------
        DataFormatError
            If two EOG channels are the same.
        """
        rows = [raw.ch_names.index(name) for name in eog_names]
        recorded, slow = raw.get_data(picks=rows), _slow_part(raw, rows, h_freq)
        usual = np.median(_size(recorded - slow, raw.info["sfreq"]), axis=1) if h_freq else np.zeros(len(rows))
        raw[rows] = slow + _during_events(recorded - slow, usual, raw.info["sfreq"])
        try:
            with mne.use_log_level("error"):
                model = EOGRegression(picks=ch_names, picks_artifact=eog_names).fit(raw)
        except np.linalg.LinAlgError:
            raise DataFormatError(
                f"The EOG channels {', '.join(eog_names)} say the same thing; name one of them in eog_channels."
            ) from None
        finally:
            raw[rows] = recorded
        return cls(tuple(ch_names), tuple(eog_names), model.coef_, h_freq, usual)

    def apply(self, raw: mne.io.BaseRaw) -> mne.io.BaseRaw:
        """Subtract from each EEG channel what it records of the EOG, in place.

        Parameters
        ----------
        raw : mne.io.BaseRaw
            In memory, prepared as the one that the weights were fitted to; it need not be the same.

        Returns
        -------
        raw : mne.io.BaseRaw
            The same object.
        """
        rows = [raw.ch_names.index(name) for name in self.eog_names]
        recorded, slow = raw.get_data(picks=rows), _slow_part(raw, rows, self.h_freq)
        eog = slow + _during_events(recorded - slow, self.usual, raw.info["sfreq"])
        eog -= eog.mean(axis=1, keepdims=True)
        for name, of_channel in zip(self.ch_names, self.weights, strict=True):  # one at a time: no second copy
            pick = raw.ch_names.index(name)
            raw[pick] = raw.get_data(picks=[pick])[0] - of_channel @ eog
        return raw


def _slow_part(raw: mne.io.BaseRaw, rows: list[int], h_freq: float | None) -> np.ndarray:
    """Return EOG channels below a frequency; all of them where it is None."""
    recorded = raw.get_data(picks=rows)
    if h_freq is None:
        return recorded
    raw.filter(None, h_freq, picks=rows, h_trans_bandwidth=TRANSITION, verbose="error")
    slow = raw.get_data(picks=rows)
    raw[rows] = recorded
    return slow


def _size(fast: np.ndarray, sfreq: float) -> np.ndarray:
    power = scipy.ndimage.uniform_filter1d(fast**2, round(EVENT_SECONDS * sfreq), axis=1)
    return np.sqrt(np.maximum(power, 0))  # a running sum ends a little below 0 where the EOG is silent


def _during_events(fast: np.ndarray, usual: np.ndarray, sfreq: float) -> np.ndarray:
    """Keep the fast part of the EOG, shape (n_eog, n_times), where it is far larger than usual: blinks and saccades."""
    event = (_size(fast, sfreq) > EVENT_RATIO * usual[:, None]).astype(float)
    event = scipy.ndimage.maximum_filter1d(event, round(EVENT_SECONDS * sfreq), axis=1)
    return fast * scipy.ndimage.uniform_filter1d(event, round(EVENT_SECONDS * sfreq), axis=1)
