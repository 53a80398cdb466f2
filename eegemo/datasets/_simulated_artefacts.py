"""What correcting and filtering leave of the artefacts in DEAP's preprocessed release, simulated; none knows a rating.

* **Blinks**: regression on the EOG takes most of a blink away, and never all of it (Croft & Barry 2000,
  doi:10.1016/S0987-7053(00)00055-1). What is left has the map of the eyes, and is strongest on the forehead.
* **Muscle bursts** near the temples, the forehead and the back of the head (Goncharova et al. 2003,
  doi:10.1016/S1388-2457(03)00093-2), about which nothing was done.
* **Electrode pops**: the potential of one contact jumps and settles within a fraction of a second. Some electrodes of
  a person are looser than others.
* **Movements**: cap and cables sway at many electrodes together; some people are more restless than others.

All of them pass through 4-45 Hz, as the recordings did: most of a blink, a jump and a sway lies below. Rates and sizes
are chosen here, such that the tails of the amplitudes, and how often they are heavy, lie among those of real
recordings prepared alike (``experiments/simulation_realism.py``).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from eegemo.datasets import _deap_format as deap
from eegemo.datasets._head_model import blink_map, electrode_places
from eegemo.datasets._simulated_noise import band_passed, muscle_spectrum, noise

#: Of a person who watches a screen, and of a blink in the vertical EOG.
BLINKS_A_MINUTE, BLINK_MICROVOLTS = 15, 220.0
#: Electrodes with muscles below.
BURST_SITES = ("F7", "F8", "T7", "T8", "Fp1", "Fp2", "O1", "O2")
#: How wide a muscle spreads over the scalp, in metres.
BURST_WIDTH = 0.03

_SECONDS = deap.N_TIMES / deap.SFREQ
_BLINK_LEFT = 0.2  # share that the correction leaves, in the median person
_BLINK_LEFT_SPREAD = 0.5  # its logarithm, between people
_BLINK_SPREAD = 0.5  # log-amplitude, between a person's blinks
_RESTLESSNESS_SPREAD = 0.5  # log-rate of bursts and movements, between people
_BURSTS_A_MINUTE = 2.0
_BURST_MICROVOLTS = 9.0  # standard deviation in its middle, over the muscle
_BURST_SPREAD = 0.7  # log-amplitude, between bursts
_BURST_SECONDS = (0.3, 2.5)
_POPS_A_MINUTE = 1.0
_POP_MICROVOLTS = 50.0  # of the jump
_POP_SPREAD = 0.9  # log-amplitude, between pops
_POP_SECONDS = (0.05, 0.5)  # in which the potential falls to a third
_LOOSENESS_SPREAD = 1.0  # log-rate of pops, between the electrodes of a person
_MOVEMENTS_A_MINUTE = 1.0
_MOVEMENT_MICROVOLTS = 12.0  # of each of the steps of a random walk
_MOVEMENT_SPREAD = 0.8  # log-amplitude, between movements
_MOVEMENT_SECONDS = (0.5, 3.0)
_MOVEMENT_WIDTH = 0.08  # m
_MOVEMENT_UNEVENNESS = 0.5  # log-amplitude, between the electrodes of a movement


class Artefacts:
    """What the preprocessed recordings of one person hold of artefacts.

    Parameters
    ----------
    rng : Generator
        Draws how well their blinks are corrected, how restless they are, and which electrodes are loose.
    ch_names : tuple of str
        Electrodes of the 10-05 system.
    """

    def __init__(self, rng: np.random.Generator, ch_names: tuple[str, ...] = deap.EEG) -> None:
        self.ch_names = ch_names
        self.blink_left = _BLINK_LEFT * rng.lognormal(0, _BLINK_LEFT_SPREAD)
        self.restlessness = rng.lognormal(0, _RESTLESSNESS_SPREAD)
        self.looseness = rng.lognormal(0, _LOOSENESS_SPREAD, len(ch_names))

    def record(self, rng: np.random.Generator) -> np.ndarray:
        """Return 63 s of artefacts within 4-45 Hz, shape (n_channels, 8064), float32, in microvolts."""
        signals = np.outer(blink_map(self.ch_names), self._blinks(rng))
        add_pops(rng, signals, deap.SFREQ, self.looseness)
        self._add_movements(rng, signals)
        self._add_bursts(rng, signals)
        return band_passed(signals.astype(np.float32))

    def _blinks(self, rng: np.random.Generator) -> np.ndarray:
        course, shape = np.zeros(deap.N_TIMES), blink_shape(deap.SFREQ)
        n_blinks = rng.poisson(BLINKS_A_MINUTE * _SECONDS / 60)
        for first in rng.integers(0, deap.N_TIMES - len(shape), n_blinks):
            course[first : first + len(shape)] += rng.lognormal(0, _BLINK_SPREAD) * shape
        return self.blink_left * BLINK_MICROVOLTS * course

    def _add_movements(self, rng: np.random.Generator, signals: np.ndarray) -> None:
        for _ in range(rng.poisson(self.restlessness * _MOVEMENTS_A_MINUTE * _SECONDS / 60)):
            length = int(rng.uniform(*_MOVEMENT_SECONDS) * deap.SFREQ)
            first = rng.integers(0, deap.N_TIMES - length)
            sway = np.cumsum(rng.normal(0, 1, length)) * np.hanning(length)  # slow, for the most part below 4 Hz
            size = _MOVEMENT_MICROVOLTS * rng.lognormal(0, _MOVEMENT_SPREAD)
            spread = nearness(str(rng.choice(self.ch_names)), _MOVEMENT_WIDTH, self.ch_names)
            spread = spread * rng.lognormal(0, _MOVEMENT_UNEVENNESS, len(self.ch_names))
            signals[:, first : first + length] += np.outer(spread, size * sway)

    def _add_bursts(self, rng: np.random.Generator, signals: np.ndarray) -> None:
        n_bursts = rng.poisson(self.restlessness * _BURSTS_A_MINUTE * _SECONDS / 60)
        for course in noise(rng, n_bursts, muscle_spectrum()):
            length = int(rng.uniform(*_BURST_SECONDS) * deap.SFREQ)
            first = rng.integers(0, deap.N_TIMES - length)
            size = _BURST_MICROVOLTS * rng.lognormal(0, _BURST_SPREAD)
            burst = size * np.hanning(length) * course[first : first + length]
            near = nearness(str(rng.choice(BURST_SITES)), BURST_WIDTH, self.ch_names)
            signals[:, first : first + length] += np.outer(near, burst)


def add_pops(rng: np.random.Generator, signals: np.ndarray, sfreq: float, looseness: np.ndarray) -> None:
    """Add electrode pops, in place.

    Parameters
    ----------
    rng : Generator
        Draws them.
    signals : array, shape (n_channels, n_times)
        In microvolts, before any filter.
    sfreq : float
        In Hz.
    looseness : array, shape (n_channels,)
        How often each electrode's contact jumps, relative to the others.
    """
    n_times = signals.shape[1]
    for _ in range(rng.poisson(_POPS_A_MINUTE * n_times / sfreq / 60)):
        channel = rng.choice(len(looseness), p=looseness / looseness.sum())
        first, settles = int(rng.integers(0, n_times)), rng.uniform(*_POP_SECONDS)
        last = min(n_times, first + int(20 * settles * sfreq))  # by then nothing is left of it
        size = rng.choice([-1, 1]) * _POP_MICROVOLTS * rng.lognormal(0, _POP_SPREAD)
        signals[channel, first:last] += size * np.exp(-np.arange(last - first) / (settles * sfreq))


def nearness(site: str, width: float, ch_names: tuple[str, ...] = deap.EEG) -> np.ndarray:
    """Return how near each electrode is to a site, 1 there and a bell around it, shape (n,)."""
    offsets = electrode_places(ch_names) - electrode_places((site,))
    return np.exp(-0.5 * (np.linalg.norm(offsets, axis=1) / width) ** 2)


@lru_cache(maxsize=2)
def blink_shape(sfreq: float) -> np.ndarray:
    """Return a lid that closes within 100 ms and opens within 250 ms; peak 1."""
    closing = np.sin(np.linspace(0, np.pi / 2, round(0.1 * sfreq))) ** 2
    opening = np.cos(np.linspace(0, np.pi / 2, round(0.25 * sfreq))) ** 2
    return np.concatenate([closing, opening]).astype(np.float32)
