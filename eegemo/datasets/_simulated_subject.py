"""One simulated person: a head, habits of rhythm, ratings, and what is recorded of them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from eegemo.datasets import _deap_format as deap
from eegemo.datasets._head_model import SITES, radial_directions, site_field
from eegemo.datasets._simulated_artefacts import Artefacts
from eegemo.datasets._simulated_noise import (
    amplitudes,
    background_spectrum,
    courses,
    muscle_spectrum,
    noise,
    peak_spectrum,
)

# Rhythm: centre (Hz), width (Hz), spread of the centre between people (Hz), amplitude over the background, sites.
RHYTHMS: dict[str, tuple[float, float, float, float, tuple[str, ...]]] = {
    "theta": (6.0, 0.8, 0.4, 0.5, ("AF", "F", "C")),
    "alpha": (10.3, 0.75, 0.9, 0.83, ("AF", "F", "C", "P", "O")),
    "beta": (20.0, 3.0, 1.5, 0.4, ("AF", "F", "FC", "C", "CP")),
    "gamma": (37.0, 4.0, 1.5, 0.2, ("F", "FC", "T", "P")),
}
_POSTERIOR = ("P", "O")
_EXPONENT, _EXPONENT_SPREAD = 1.9, 0.2  # of the background's power, and between people; noise and rhythms flatten it
_SOURCE_MICROVOLTS = 4.5  # at the electrodes, of a background source with a gain of 1
_MUSCLE_MICROVOLTS = 0.8  # of a channel, between 20 and 45 Hz
_MUSCLE_AT_EDGE = 0.5  # log-amplitude, over that in the middle of the cap
_EDGE = ("Fp1", "Fp2", "AF3", "AF4", "F7", "F8", "T7", "T8", "P7", "P8", "O1", "O2")
# Spreads of log-amplitudes: what all places have in common, and what each has besides. Those of people and trials are
# large where much is common, and small where a channel would give away who it is, or which trial.
_PERSON_COMMON, _PERSON_SPREAD = 0.4, 0.1  # of a rhythm and of the background, at a source, between people
_TONE_PERSON_SPREAD = 0.1  # of the noise at a channel, besides what is common, between people
_GAIN_SPREAD, _CONTACT_SPREAD = 0.1, 0.07  # of a source in all bands, and of a channel, between people
_STATE_COMMON, _STATE_SPREAD = 0.22, 0.25  # of a rhythm and of the background, at a source, between a person's trials
_N_COUPLINGS, _COUPLING = 60, 0.9  # pairs of sources whose backgrounds go together in a trial, and their correlation
_TONE_SPREAD = 0.2  # of the noise at a channel, besides what is common, between a person's trials
_SECONDS_COMMON, _SECONDS_SPREAD = 0.21, 0.18  # of all of them, from second to second; what all bands share as well
_DRIFT_SPREAD = 0.04  # of all of them, over a quarter of a minute
_VIDEO_DISTANCE = 1.45  # of a quadrant's videos from the middle of the scale, in points of rating
_VIDEO_SPREAD = 0.5
_PERSON_BIAS = 0.8
_RATING_NOISE = 2.0
_RATING_NOISE_SHARED = 0.3  # share of that noise's variance that valence and arousal have in common
_RATING_MEAN = (5.4, 5.5)  # of valence and arousal
_FIRST_ONSET = 30.0  # seconds from the start of the experiment
_SLIDER_LEFT_ALONE = 0.0125  # share of ratings that are exactly 5: 32 of DEAP's 1280 trials have one


class SimulatedSubject:
    """One simulated person: a head, habits of rhythm, and forty ratings.

    Parameters
    ----------
    subject : int
        Their number.
    effect : float
        As in :func:`eegemo.simulate`.
    seed : int
        Of everybody.
    ch_names : tuple of str
        Electrodes of the 10-05 system; DEAP's by default.
    """

    def __init__(self, subject: int, effect: float, seed: int, ch_names: tuple[str, ...] = deap.EEG) -> None:
        self.subject, self.effect, self.seed, self.ch_names = subject, effect, seed, ch_names
        rng = np.random.default_rng([seed, subject])
        self.ratings = _ratings(rng, seed)
        self.order = rng.permutation(deap.N_TRIALS)
        self.moments = _moments(rng)
        contacts = rng.lognormal(0, _CONTACT_SPREAD, len(ch_names))
        self.leadfield = np.einsum("c,csx,sx->cs", contacts, site_field(ch_names), self.moments).astype(np.float32)
        self.centres = [rng.normal(centre, spread) for centre, _, spread, _, _ in RHYTHMS.values()]
        self.habits = [_log_amplitudes(rng, len(sites_of(name)), _PERSON_COMMON, _PERSON_SPREAD) for name in RHYTHMS]
        self.background_habit = _log_amplitudes(rng, len(SITES), _PERSON_COMMON, _PERSON_SPREAD)
        self.tone = _log_amplitudes(rng, len(ch_names), _PERSON_COMMON, _TONE_PERSON_SPREAD)
        self.tone += _MUSCLE_AT_EDGE * np.isin(ch_names, _EDGE)
        self.exponent = float(rng.normal(_EXPONENT, _EXPONENT_SPREAD))
        self.artefacts = Artefacts(rng, ch_names)

    def record(self, trial: int) -> np.ndarray:
        """Return one trial's samples, shape (40, 8064), float32: 32 EEG channels and 8 others."""
        rng, eeg = self._without_artefacts(trial)
        eeg = eeg + self.artefacts.record(rng)
        eeg -= eeg.mean(axis=0)
        return np.concatenate([eeg, _peripheral(rng)]).astype(np.float32)

    def brain(self, trial: int) -> np.ndarray:
        """Return one trial's 32 EEG channels without artefacts, shape (32, 8064): what the raw release holds, too."""
        _, eeg = self._without_artefacts(trial)
        return eeg - eeg.mean(axis=0)

    def _without_artefacts(self, trial: int) -> tuple[np.random.Generator, np.ndarray]:
        rng = np.random.default_rng([self.seed, self.subject, trial + 1])  # a last 0 would be no other stream
        sources, channels = self.activity(rng, self.emotion(trial))
        return rng, self.leadfield @ sources + channels

    def emotion(self, trial: int) -> np.ndarray:
        """Return valence and arousal of a trial in standard deviations from the middle of the scale."""
        return (self.ratings.iloc[trial][["valence", "arousal"]].to_numpy(float) - 5) / 2

    def activity(
        self, rng: np.random.Generator, emotion: np.ndarray, first: int = deap.N_BASELINE
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return 63 s of the sources, (sites, 8064), and of the channels' own noise, (n_channels, 8064).

        What is felt shows from the sample ``first``.
        """
        everywhere = courses(rng, 1, _SECONDS_COMMON, _DRIFT_SPREAD)

        def wandering(habit: np.ndarray, spread: float) -> np.ndarray:
            """Amplitudes over a trial, shape (n, 8064): habit, state of the trial, and what changes within it."""
            state = habit + _log_amplitudes(rng, len(habit), _STATE_COMMON, spread)
            common = courses(rng, 1, _SECONDS_COMMON, _DRIFT_SPREAD)
            own = courses(rng, len(habit), _SECONDS_SPREAD, _DRIFT_SPREAD)
            return amplitudes(state[:, None] + everywhere + common + own)

        sources = _couplings(rng) @ noise(rng, len(SITES), background_spectrum(self.exponent))
        sources *= wandering(self.background_habit, _STATE_SPREAD)
        for name, centre, habit in zip(RHYTHMS, self.centres, self.habits, strict=True):
            _, width, _, amplitude, _ = RHYTHMS[name]
            sites = sites_of(name)
            rhythm = noise(rng, len(sites), peak_spectrum(centre, width)) * wandering(habit, _STATE_SPREAD)
            shift = np.exp(self.effect * emotion_weights(name) @ emotion).astype(np.float32)
            rhythm[:, first:] *= shift[:, None]
            sources[sites] += np.float32(amplitude) * rhythm
        muscles = noise(rng, len(self.ch_names), muscle_spectrum()) * wandering(self.tone, _TONE_SPREAD)
        return sources, np.float32(_MUSCLE_MICROVOLTS) * muscles

    def onsets(self) -> np.ndarray:
        """Return when the videos start, in the order of presentation, in seconds; people rate at their own pace."""
        rng = np.random.default_rng([self.seed, self.subject, deap.N_TRIALS + 1])
        between = 60 + 3 + rng.uniform(8, 22, deap.N_TRIALS) + 2 + 5  # video, fixation, rating, progress, fixation
        return _FIRST_ONSET + np.concatenate([[0], np.cumsum(between)[:-1]])

    def rating_sheet(self) -> pd.DataFrame:
        """Return the person's rows of ``participant_ratings.csv``, in the order of presentation."""
        videos = self.order
        start = (1_000_000 * self.onsets()).round().astype(int)
        sheet = pd.DataFrame({"Participant_id": self.subject, "Trial": np.arange(1, deap.N_TRIALS + 1)})
        sheet = sheet.assign(Experiment_id=videos + 1, Start_time=start)
        for rating in deap.RATINGS:
            sheet[rating.capitalize()] = self.ratings[rating].to_numpy()[videos]
        return sheet.assign(Familiarity=self.ratings["familiarity"].to_numpy()[videos])


def _ratings(rng: np.random.Generator, seed: int) -> pd.DataFrame:
    """Forty ratings of one person, in the order of the videos."""
    stimuli = np.random.default_rng([seed, 0])
    quadrant = np.arange(deap.N_TRIALS) // 10
    corner = np.stack([np.where(quadrant < 2, 1, -1), np.where(quadrant % 2 == 0, 1, -1)], axis=1)
    videos = _RATING_MEAN + _VIDEO_DISTANCE * corner + stimuli.normal(0, _VIDEO_SPREAD, corner.shape)
    shared, own = rng.normal(0, 1, (deap.N_TRIALS, 1)), rng.normal(0, 1, videos.shape)
    mood = np.sqrt(_RATING_NOISE_SHARED) * shared + np.sqrt(1 - _RATING_NOISE_SHARED) * own
    felt = videos + rng.normal(0, _PERSON_BIAS, 2) + _RATING_NOISE * mood
    dominance = 5.2 + 0.4 * (felt[:, 0] - 5) + rng.normal(0, 1.7, deap.N_TRIALS)
    liking = 5.5 + 0.7 * (felt[:, 0] - 5) + rng.normal(0, 1.6, deap.N_TRIALS)
    ratings = np.column_stack([felt, dominance, liking]).clip(1, 9).round(2)
    ratings[rng.random(ratings.shape) < _SLIDER_LEFT_ALONE] = 5.0
    table = pd.DataFrame(ratings, columns=list(deap.RATINGS))
    return table.assign(familiarity=rng.integers(1, 6, deap.N_TRIALS))


def _moments(rng: np.random.Generator) -> np.ndarray:
    """One person's dipoles, shape (sites, 3): each points its own way, and has its own gain."""
    direction = radial_directions()
    direction = direction + rng.normal(0, 0.35, direction.shape)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    gain = np.exp(rng.normal(0, _GAIN_SPREAD, len(SITES)))
    return direction * gain[:, None] * _SOURCE_MICROVOLTS


def _log_amplitudes(rng: np.random.Generator, n: int, common: float, spread: float) -> np.ndarray:
    """Log-amplitudes of n places that have a part in common, shape (n,)."""
    return rng.normal(rng.normal(0, common), spread, n)


def _couplings(rng: np.random.Generator) -> np.ndarray:
    """Draw which sources go together in a trial, shape (sites, sites): rows of norm 1, so no source gets louder."""
    mixing = np.eye(len(SITES), dtype=np.float32)
    for _ in range(_N_COUPLINGS):
        one, other = rng.choice(len(SITES), 2, replace=False)
        mixed = rng.choice([-_COUPLING, _COUPLING]) * mixing[one] + np.sqrt(1 - _COUPLING**2) * mixing[other]
        mixing[other] = mixed / np.linalg.norm(mixed)
    return mixing


def _region(site: str) -> str:
    return site.rstrip("z0123456789")


def sites_of(rhythm: str) -> list[int]:
    """Return the numbers of the sites that have a rhythm."""
    return [i for i, site in enumerate(SITES) if _region(site) in RHYTHMS[rhythm][4]]


@lru_cache(maxsize=len(RHYTHMS))
def emotion_weights(rhythm: str) -> np.ndarray:
    """Return the signs of the change with valence and arousal at the sites of a rhythm, shape (sites, 2)."""
    weights = np.zeros((len(sites_of(rhythm)), 2))
    for row, number in enumerate(sites_of(rhythm)):
        site = SITES[number]
        if rhythm == "alpha" and _region(site) in _POSTERIOR:
            weights[row, 1] = -1
        elif rhythm == "alpha" and site[-1].isdigit():
            weights[row, 0] = -1 if int(site[-1]) % 2 else 1
        elif rhythm in ("beta", "gamma"):
            weights[row, 1] = 1
    return weights


def _peripheral(rng: np.random.Generator) -> np.ndarray:
    """Eight channels that look like EOG, EMG, GSR, respiration, pulse and temperature, shape (8, 8064)."""
    t = np.arange(deap.N_TIMES) / deap.SFREQ
    blinks = sum(np.exp(-0.5 * ((t - at) / 0.08) ** 2) for at in rng.uniform(0, t[-1], rng.poisson(18)))
    saccades = np.repeat(rng.normal(0, 30, 63), 128)
    emg = rng.normal(0, np.exp(rng.normal(1.5, 0.4, (2, 1))), (2, len(t)))
    skin = 1000 * np.cumsum(rng.normal(0, 0.02, len(t)))
    breath, heart = rng.uniform(0.2, 0.35), rng.uniform(0.9, 1.4)
    phase = rng.uniform(0, 2 * np.pi, 2)
    return np.stack(
        [
            saccades + rng.normal(0, 3, len(t)),
            150 * blinks + rng.normal(0, 4, len(t)),
            *emg,
            skin,
            800 * np.sin(2 * np.pi * breath * t + phase[0]),
            600 * np.exp(np.cos(2 * np.pi * heart * t + phase[1])),
            rng.normal(0, 1) + np.cumsum(rng.normal(0, 2e-3, len(t))),
        ]
    )
