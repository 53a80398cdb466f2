"""Simulated people with the electrodes, the rate and the lengths of any dataset."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import scipy.signal

from eegemo.datasets import _deap_format as deap
from eegemo.datasets._simulated_subject import SimulatedSubject

# As of people who rate DEAP's videos, in standard deviations (2 of DEAP's points).
_MEANT, _BIAS, _NOISE = 0.725, 0.4, 1.0
_FADE = 64  # samples in which one piece of a trial goes over into the next
_PIECE = deap.N_TIMES - _FADE


class SimulatedPerson:
    """One person of a simulated dataset, recorded for as long as wanted.

    Parameters
    ----------
    dataset : str
        Its name; people of the same number in two datasets are two people.
    subject : int
        Their number, from 0.
    ch_names : tuple of str
        EEG channels, by their names in the 10-05 system, and CB1 and CB2.
    sfreq : float
        In Hz.
    effect : float
        As in :func:`eegemo.simulate`.
    seed : int
        The same seed gives the same bytes.
    """

    def __init__(
        self, dataset: str, subject: int, ch_names: tuple[str, ...], sfreq: float, effect: float, seed: int
    ) -> None:
        self.key = [seed, zlib.crc32(dataset.encode()), subject]
        self.sfreq = sfreq
        self.rng = np.random.default_rng(self.key)
        number = int(self.rng.integers(1 << 31))
        self.person = SimulatedSubject(number, effect, seed, ch_names)

    def felt(self, meant: np.ndarray) -> np.ndarray:
        """Draw what a person feels, who is shown what is meant for an emotion.

        Parameters
        ----------
        meant : array, shape (n, 2)
            Valence and arousal that each stimulus is made for, -1 to 1.

        Returns
        -------
        felt : array, shape (n, 2)
            In standard deviations from the middle of the scale; another call draws anew.
        """
        bias = self.rng.normal(0, _BIAS, 2)
        return _MEANT * np.asarray(meant) + bias + self.rng.normal(0, _NOISE, np.shape(meant))

    def record(self, recording: int, n_times: int, emotion: Sequence[float] = (0.0, 0.0)) -> np.ndarray:
        """Record EEG within 4-45 Hz, with artefacts and average reference.

        Parameters
        ----------
        recording : int
            Its number; the same gives the same samples.
        n_times : int
            Samples at the person's rate.
        emotion : (float, float)
            Valence and arousal, in standard deviations from the middle of the scale.

        Returns
        -------
        signals : array, shape (n_times, n_channels), float32
            In microvolts. States of the brain last for a minute; longer recordings go from one to the next.
        """
        ratio = Fraction(self.sfreq / deap.SFREQ).limit_denominator(1000)
        needed = -(-n_times * ratio.denominator // ratio.numerator) + 1
        joined = np.zeros((needed + deap.N_TIMES, len(self.person.ch_names)), np.float32)
        rising = np.sin(np.linspace(0, np.pi / 2, _FADE, dtype=np.float32))[:, None]
        for number, first in enumerate(range(0, needed, _PIECE)):
            piece = self._piece(np.random.default_rng([*self.key, recording, number]), emotion)
            if number:
                piece[:_FADE] *= rising
            piece[-_FADE:] *= rising[::-1]
            joined[first : first + deap.N_TIMES] += piece
        if ratio != 1:
            joined = scipy.signal.resample_poly(joined[:needed], ratio.numerator, ratio.denominator, axis=0)
        return np.ascontiguousarray(joined[:n_times], np.float32)

    def _piece(self, rng: np.random.Generator, emotion: Sequence[float]) -> np.ndarray:
        """Return 63 s, shape (8064, n_channels)."""
        sources, channels = self.person.activity(rng, np.asarray(emotion, float), first=0)
        eeg = self.person.leadfield @ sources + channels + self.person.artefacts.record(rng)
        return (eeg - eeg.mean(axis=0)).T
