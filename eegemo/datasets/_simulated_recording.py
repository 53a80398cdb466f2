"""An hour with one simulated person: when what happens, and what the electrodes record of brain, eyes and muscles."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import scipy.fft
import scipy.ndimage
import scipy.signal

from eegemo.datasets import _deap_format as deap
from eegemo.datasets._head_model import EOG_PLACES, dipole_field, eog_electrodes, eye_maps, site_positions
from eegemo.datasets._simulated_artefacts import (
    BLINK_MICROVOLTS,
    BLINKS_A_MINUTE,
    BURST_SITES,
    BURST_WIDTH,
    add_pops,
    blink_shape,
    nearness,
)
from eegemo.datasets._simulated_subject import SimulatedSubject

SFREQ = 512
_UP = SFREQ // int(deap.SFREQ)
_BEFORE, _VIDEO, _AFTER = 3.0, 60.0, 8.0  # s: fixation kept as the baseline, the video, and what follows the last one
_CROSSFADE = 64  # samples at 128 Hz, outside the trials
_GAZE_MICROVOLTS = 16.0  # a degree, in the horizontal EOG
_GAZE_DEGREES = (5.0, 2.5)  # spread of the gaze, horizontal and vertical
_BURSTS_A_MINUTE = 1.0
_BURST_MICROVOLTS = 15.0
_MAINS_MICROVOLTS = 3.0
_COMMON_MICROVOLTS = 30.0
_DRIFT_MICROVOLTS = 4.0  # a second of a random walk
_OFFSET_MICROVOLTS = 8000.0
_NOISE_MICROVOLTS = 0.3


class SimulatedRecording:
    """An hour with one person: when what happens, and what the electrodes record; microvolts, 512 Hz."""

    def __init__(self, simulated: SimulatedSubject, n_trials: int, lost_onsets: Sequence[int]) -> None:
        self.simulated, self.subject = simulated, simulated.subject
        self.lost = set(lost_onsets)
        self.onsets = simulated.onsets()[:n_trials]
        # Onsets on the grid of 128 Hz: the trials' samples are then those of simulate().
        self.starts = np.round(self.onsets * deap.SFREQ).astype(int)
        seconds = int(np.ceil(self.starts[-1] / deap.SFREQ + _VIDEO + _AFTER))
        self.n_slow, self.n_times = seconds * int(deap.SFREQ), seconds * SFREQ
        self.rng = np.random.default_rng([simulated.seed, simulated.subject, deap.N_TRIALS + 2])

    def clean(self) -> np.ndarray:
        """Return what the brain and the sensors give, shape (36, n_times): 32 EEG and four EOG electrodes."""
        field = np.concatenate([self.simulated.leadfield, eog_leadfield(self.simulated)])
        slow = np.zeros((len(field), self.n_slow), np.float32)
        weight = np.zeros(self.n_slow, np.float32)
        for start, extended in zip(self.starts - deap.N_BASELINE, self._trials(field), strict=True):
            first, last = max(0, start - _CROSSFADE), min(self.n_slow, start + deap.N_TIMES + _CROSSFADE)
            inside = slice(first - start + _CROSSFADE, last - start + _CROSSFADE)
            slow[:, first:last] += extended[:, inside] * _ramp()[inside]
            weight[first:last] += _ramp()[inside] ** 2
        at_rest = np.sqrt(np.maximum(0, 1 - weight))
        for first, rest in self._rests(field):
            last = min(self.n_slow, first + rest.shape[1])
            slow[:, first:last] += rest[:, : last - first] * at_rest[first:last]
        fast = scipy.signal.resample_poly(slow, _UP, 1, axis=1)
        del slow
        fast += field @ self._out_of_band(field.shape[1])
        fast += self.rng.standard_normal(fast.shape, dtype=np.float32) * np.float32(_NOISE_MICROVOLTS)
        return fast

    def _trials(self, field: np.ndarray) -> list[np.ndarray]:
        """Every trial's samples, continued around its circle on both sides: the noise is periodic."""
        trials = []
        for video in self.simulated.order[: len(self.starts)]:
            rng = np.random.default_rng([self.simulated.seed, self.subject, video + 1])
            samples = self._at_electrodes(field, *self.simulated.activity(rng, self.simulated.emotion(video)))
            trials.append(np.concatenate([samples[:, -_CROSSFADE:], samples, samples[:, :_CROSSFADE]], axis=1))
        return trials

    def _rests(self, field: np.ndarray) -> list[tuple[int, np.ndarray]]:
        """Activity without emotion for everything between the trials."""
        edges = np.concatenate([[0], self.starts + deap.N_TIMES - deap.N_BASELINE - _CROSSFADE])
        ends = [*edges[1:], self.n_slow]  # a rest of 63 s ends in the next trial, which has all the weight there
        return [
            (
                int(first),
                self._at_electrodes(field, *self.simulated.activity(self.rng, np.zeros(2)))[:, : end - first],
            )
            for first, end in zip(edges, ends, strict=True)
        ]

    @staticmethod
    def _at_electrodes(field: np.ndarray, sources: np.ndarray, noise: np.ndarray) -> np.ndarray:
        samples = field @ sources
        samples[: len(deap.EEG)] += noise
        return samples

    def _out_of_band(self, n_sources: int) -> np.ndarray:
        """Return sources below and above the band of the trials, 1/f, shape (n_sources, n_times)."""
        n = scipy.fft.next_fast_len(self.n_times, real=True)
        f = np.fft.rfftfreq(n, 1 / SFREQ)
        below, above = 1 / (1 + (f / 3) ** 16), 1 / (1 + (50 / np.maximum(f, 1e-9)) ** 16)
        amplitude = (below + above) * (f > 0.2) / np.sqrt(np.maximum(f, 1))
        amplitude = (amplitude / np.sqrt((amplitude**2).mean())).astype(np.float32)
        out = np.empty((n_sources, self.n_times), np.float32)
        for row in out:
            white = self.rng.standard_normal((len(f), 2), dtype=np.float32).view(np.complex64)[:, 0]
            row[:] = scipy.fft.irfft(white * amplitude, n)[: self.n_times] * np.float32(np.sqrt(n / 2))
        return out

    def add_artefacts(self, samples: np.ndarray, flat: Sequence[str], noisy: Sequence[str]) -> None:
        """Add eyes, muscles, mains, drifts, offsets and the common potential to the electrodes, in place."""
        rng, n_electrodes = self.rng, len(samples)
        for row, gain in zip(samples, rng.lognormal(0, 0.6, n_electrodes), strict=True):
            row += gain * _MAINS_MICROVOLTS * _mains(self.n_times)
            knots = np.cumsum(rng.normal(0, _DRIFT_MICROVOLTS, self.n_times // SFREQ + 2))
            row += rng.normal(0, _OFFSET_MICROVOLTS) + np.interp(
                np.arange(self.n_times) / SFREQ, np.arange(len(knots)), knots
            )
        common = rng.normal(0, _COMMON_MICROVOLTS, self.n_times // SFREQ + 2)
        samples += np.interp(np.arange(self.n_times) / SFREQ, np.arange(len(common)), common).astype(np.float32)
        samples += np.float32(20.0) * _mains(self.n_times)
        for map_, course in zip(eye_maps().T, self._eye_courses(), strict=True):
            samples += map_[:, None].astype(np.float32) * course
        self._add_bursts(samples)
        add_pops(rng, samples[: len(deap.EEG)], SFREQ, self.simulated.artefacts.looseness)
        for name in noisy:
            samples[deap.EEG.index(name)] += 20 * rng.normal(0, 15.0, self.n_times)
        for name in flat:
            samples[deap.EEG.index(name)] = 0

    def _eye_courses(self) -> list[np.ndarray]:
        """Time courses of blinks, horizontal and vertical gaze, each (n_times,), in microvolts of their EOG."""
        rng, seconds = self.rng, self.n_times / SFREQ
        blinks = np.zeros(self.n_times, np.float32)
        shape = blink_shape(SFREQ)
        apart = 0.6 + rng.exponential(60 / BLINKS_A_MINUTE - 0.6, int(seconds * BLINKS_A_MINUTE / 30))
        for at in np.cumsum(apart):
            first = int(at * SFREQ)
            if first + len(shape) < self.n_times:
                size = BLINK_MICROVOLTS * np.clip(rng.lognormal(0, 0.25), 0.45, 1.8)
                blinks[first : first + len(shape)] += size * shape
        moves = np.cumsum(rng.exponential(1.0, int(2 * seconds)) + 0.2)
        moves = moves[moves < seconds]
        fixation = np.searchsorted(moves, np.arange(self.n_times) / SFREQ)
        courses = [blinks]
        for spread in _GAZE_DEGREES:
            gaze = _GAZE_MICROVOLTS * rng.normal(0, spread, len(moves) + 1)[fixation]
            courses.append(scipy.ndimage.uniform_filter1d(gaze, SFREQ // 25).astype(np.float32))  # a saccade of 40 ms
        return courses

    def _add_bursts(self, samples: np.ndarray) -> None:
        rng = self.rng
        sos = scipy.signal.butter(2, (20, 150), "bandpass", fs=SFREQ, output="sos")
        for _ in range(rng.poisson(_BURSTS_A_MINUTE * self.n_times / SFREQ / 60)):
            spread = nearness(str(rng.choice(BURST_SITES)), BURST_WIDTH).astype(np.float32)
            length = int(rng.uniform(0.3, 2.0) * SFREQ)
            first = int(rng.integers(0, self.n_times - length))
            course = scipy.signal.sosfilt(sos, rng.normal(0, 1, length)) * np.hanning(length)
            size = _BURST_MICROVOLTS * rng.lognormal(0, 0.5) / 0.7
            samples[: len(deap.EEG), first : first + length] += spread[:, None] * (size * course).astype(np.float32)

    def layout(self, electrodes: np.ndarray) -> dict[str, np.ndarray]:
        """Return all channels but the trigger in the file's order, by their labels."""
        order = deap.TWENTE if self.subject <= deap.LAST_IN_TWENTE else deap.EEG
        rng = np.random.default_rng([self.simulated.seed, self.subject, deap.N_TRIALS + 3])
        t = np.arange(self.n_times) / SFREQ
        channels = {name: electrodes[deap.EEG.index(name)] for name in order}
        channels |= {name: electrodes[len(deap.EEG) + i] for i, name in enumerate(EOG_PLACES)}
        channels |= {f"EXG{i}": rng.normal(0, 4, self.n_times) for i in (5, 6, 7, 8)}
        wander = np.interp(t, np.arange(0, t[-1] + 10, 10), np.cumsum(rng.normal(0, 0.01, int(t[-1] / 10) + 2)))
        ohm = 120_000 * np.exp(np.clip(wander, -0.5, 0.5))
        skin = 1e9 / ohm if self.subject <= deap.LAST_IN_TWENTE else ohm
        unused = np.zeros(self.n_times)
        breath, heart = rng.uniform(0.2, 0.35), rng.uniform(0.9, 1.4)
        channels |= {"GSR1": skin, "GSR2": unused, "Erg1": unused, "Erg2": unused}
        channels["Resp"] = 800 * np.sin(2 * np.pi * breath * t)
        channels["Plet"] = 600 * np.exp(np.cos(2 * np.pi * heart * t))
        channels["Temp"] = 30 + wander
        return channels

    def codes(self) -> np.ndarray:
        """Return the trigger channel, int32, shape (n_times,): codes held for 50 ms, with the site's high bits."""
        high = {True: (0x18FF00, 0x58FF00)[self.subject % 2], False: 0}[self.subject >= 24]
        codes = np.full(self.n_times, high, np.int32)
        events = [(2.0, 1)]
        for number, start in enumerate(self.starts / deap.SFREQ, start=1):
            events += [(start - 7, 2), (start - 5, 3), (start + _VIDEO, 5), (start + _VIDEO + 3, 1)]
            if number % 10 == 0:
                events.append((start - 6, 3))  # an extra fixation mark, as the release has them
            if number not in self.lost:
                events.append((start, 4))
        events.append((self.n_times / SFREQ - 1, 7))
        for at, code in events:
            first = round(at * SFREQ)
            codes[first : first + SFREQ // 20] = high | code
        return codes


@lru_cache(maxsize=1)
def _ramp() -> np.ndarray:
    """Return the weight of a trial's continued samples: 1 in the trial, a quarter of a cosine on both sides."""
    fall = np.cos(np.linspace(0, np.pi / 2, _CROSSFADE + 2)[1:-1])
    return np.concatenate([fall[::-1], np.ones(deap.N_TIMES), fall]).astype(np.float32)


def _mains(n_times: int) -> np.ndarray:
    t = np.arange(n_times) / SFREQ
    wave = np.sin(2 * np.pi * 50 * t) + 0.3 * np.sin(2 * np.pi * 100 * t) + 0.3 * np.sin(2 * np.pi * 150 * t)
    return wave.astype(np.float32)


def eog_leadfield(simulated: SimulatedSubject) -> np.ndarray:
    """Return what the EOG electrodes see of a person's brain, shape (4, sites)."""
    field = dipole_field(eog_electrodes(), site_positions())
    return np.einsum("csx,sx->cs", field, simulated.moments).astype(np.float32)
