"""The causal steps while they run: chunks of a stream in, clean chunks out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import mne
import numpy as np
import scipy.signal

from eegemo._numbers import finite
from eegemo.errors import ConfigError, DataFormatError
from eegemo.preprocessing.causal_filters import (
    Decimator,
    EyeMovements,
    Sections,
    high_pass_sections,
    low_pass_sections,
    notch_sections,
    settling_seconds,
)
from eegemo.preprocessing.filters import nominal_rate, rate_ratio

if TYPE_CHECKING:
    from eegemo.preprocessing.causal import CausalPreprocessing
    from eegemo.preprocessing.stage import Preprocessing


class CausalChain:
    """The steps of :class:`CausalPreprocessing` with their state, for one stream; made by its ``chain``.

    Parameters
    ----------
    fitted : CausalPreprocessing
        What is done.
    anodes, cathodes : array of int, shape (n_channels,)
        Of each EEG channel, and behind them of each EOG channel, the channel of the stream that it is, and the one that
        is subtracted from it; -1 for none.
    n_inputs : int
        Channels of the stream.
    sfreq : float
        The stream's rate in Hz.

    Attributes
    ----------
    ch_names : tuple of str
        EEG channels that come out, in their order.
    sfreq : float
        Rate at which they come out, in Hz.
    settling : float
        Seconds from the first sample until less than a hundredth of a step is left of what was before it.

    Raises
    ------
    ConfigError
        If the rate cannot be had of the stream's.
    """

    def __init__(
        self, fitted: CausalPreprocessing, anodes: np.ndarray, cathodes: np.ndarray, n_inputs: int, sfreq: float
    ) -> None:
        settings = fitted.settings
        self.fitted, self.ch_names, self.n_inputs = fitted, fitted.ch_names, n_inputs
        self.anodes, self.cathodes, self._bipolar = anodes, cathodes, np.flatnonzero(cathodes >= 0)
        self._ratio = _rate_ratio(sfreq, settings.sfreq)
        self._recorded = nominal_rate(sfreq, settings.sfreq or sfreq)
        self.sfreq = settings.sfreq or sfreq
        early = [high_pass_sections(settings.high_pass, self.sfreq)] if settings.high_pass else []
        self._early = np.concatenate([*early, notch_sections(fitted.notch, self.sfreq)])
        low, high = settings.band or (None, None)
        self._late = np.empty((0, 6))
        if low is not None and high is not None:
            self._late = np.concatenate([high_pass_sections(low, self.sfreq), low_pass_sections(high, self.sfreq)])
        self._without_offset = bool(settings.high_pass or low)
        sections = np.concatenate([self._early, self._late]) if self._without_offset else np.empty((0, 6))
        self.settling = settling_seconds(sections, self.sfreq)
        self.reset()

    def reset(self) -> None:
        """Forget what was seen: the next chunk is the first of a stream."""
        fitted, n_eeg = self.fitted, len(self.ch_names)
        self._offset: np.ndarray | None = None
        self._decimator = Decimator(self._ratio, len(self.anodes))
        self._first = Sections(self._early, len(self.anodes))
        self._eyes = EyeMovements(fitted.settings.eog_h_freq, fitted.usual, self.sfreq) if fitted.eog_names else None
        self._last = Sections(self._late, n_eeg)

    def process(self, chunk: np.ndarray) -> np.ndarray:
        """Clean the next samples.

        Parameters
        ----------
        chunk : array, shape (n_times, n_inputs)
            In microvolts, in the order of the stream's channels; any number of samples, 0 too.

        Returns
        -------
        clean : array, shape (n_kept, n_channels)
            Of the EEG channels, in microvolts: the samples at the lower rate that these and the earlier ones allow. In
            chunks of any lengths they are the same as at once.

        Raises
        ------
        DataFormatError
            If it has another shape, or a channel that is used has values that are not finite: a filter would keep
            them for ever.
        """
        chunk = np.asarray(chunk, float)
        if chunk.ndim != 2 or chunk.shape[1] != self.n_inputs:
            raise DataFormatError(
                f"A chunk has the shape (n_times, {self.n_inputs}), got {chunk.shape}; give the channels that the "
                "stream was begun with."
            )
        samples = chunk[:, self.anodes]
        samples[:, self._bipolar] -= chunk[:, self.cathodes[self._bipolar]]
        if not len(samples):
            return np.empty((0, len(self.ch_names)))
        if not np.isfinite(samples).all():
            raise DataFormatError("A chunk has values that are not finite; leave them out, or fill them, and say so.")
        if self._offset is None:  # of an electrode: millivolts, which would ring through every filter
            self._offset = samples[0].copy() if self._without_offset else np.zeros(samples.shape[1])
        samples = self._first.process(self._decimator.process(samples - self._offset))
        n_eeg = len(self.ch_names)
        eeg, eog = samples[:, :n_eeg], samples[:, n_eeg:]
        if self.fitted.interpolation is not None:
            eeg = eeg @ self.fitted.interpolation.T
        if self._eyes is not None:
            eeg = eeg - self._eyes.process(eog) @ self.fitted.weights.T
        eeg = self._last.process(eeg)
        if self.fitted.settings.reference is not None:
            eeg = eeg - eeg.mean(axis=1, keepdims=True)
        return eeg

    def inputs_behind(self, n_after: int) -> int:
        """Tell when a sample that came out was recorded.

        Parameters
        ----------
        n_after : int
            How many have come out after it.

        Returns
        -------
        n_behind : int
            How many samples of the stream came after the last one that it rests on.
        """
        return self._decimator.inputs_behind(n_after)

    def delay(self, freqs: np.ndarray | float) -> np.ndarray:
        """Return by how much the envelope of a rhythm comes later: the group delay of all filters together.

        Parameters
        ----------
        freqs : array, shape (n_freqs,) | float
            In Hz, above 0 and below half of ``sfreq``; in the pass band.

        Returns
        -------
        delay : array, shape (n_freqs,)
            In milliseconds.

        Raises
        ------
        ConfigError
            If a frequency lies outside.
        """
        freqs = np.atleast_1d(np.asarray(freqs, float))
        if not ((freqs > 0) & (freqs < self.sfreq / 2)).all():
            raise ConfigError(f"Frequencies must lie between 0 and {self.sfreq / 2:g} Hz, got {freqs.tolist()}.")
        fast = self._recorded * self._decimator.up
        parts = [((self._decimator.taps, np.ones(1)), fast)]
        parts += [((section[:3], section[3:]), self.sfreq) for section in np.concatenate([self._early, self._late])]
        total = np.zeros(len(freqs))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # at a zero of the stop band there is no delay to speak of
            for system, rate in parts:
                total += scipy.signal.group_delay(system, w=freqs, fs=rate)[1] / rate
        return 1000 * total


def named_channels(
    settings: Preprocessing, ch_names: Sequence[str], sfreq: float, ch_types: Sequence[str] | None = None
) -> mne.io.BaseRaw:
    """Show what the channels of a stream become by settings: names, types, derivations and order are linear.

    Parameters
    ----------
    settings : Preprocessing
        What names them.
    ch_names, ch_types : sequence of str
        Of the stream; of type EEG where that is not given.
    sfreq : float
        Its rate in Hz.

    Returns
    -------
    raw : mne.io.BaseRaw
        The channels that they become, as many samples long as the stream has channels: each is 1 in the sample of the
        channel that it is, and -1 in that of the one that is subtracted.

    Raises
    ------
    ConfigError, DataFormatError
        As :func:`eegemo.preprocessing.name_channels`.
    """
    names, rate = list(ch_names), finite("sfreq", sfreq)
    try:
        info = mne.create_info(names, rate, "eeg" if ch_types is None else list(ch_types))
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigError(f"These are no channels of a stream: {error}") from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of channels that are no EEG
        return settings.name_channels(mne.io.RawArray(np.eye(len(names)), info, verbose="error"))


def _rate_ratio(recorded: float, wanted: float | None) -> Fraction:
    """Return the rate that is wanted over the stream's."""
    nominal = nominal_rate(recorded, wanted or recorded)
    ratio = rate_ratio(wanted or recorded, nominal)
    if ratio is None or ratio > 1:
        raise ConfigError(
            f"{wanted:g} Hz cannot be had of a stream of {recorded:g} Hz; set sfreq to a rate that is a ratio of whole "
            "numbers of it, and not above it."
        )
    return ratio
