"""People who never lived: simulated EEG and ratings with DEAP's layout, and with its traps.

No result on these data is a result about people. They exist so that everything can be run, checked and
timed without DEAP's licence, and so that a protocol's answer can be compared with a truth that is known.

What is modelled, and from where
--------------------------------
* **Volume conduction**: dipoles under 24 scalp sites in MNE's four-shell spherical head model, 32 electrodes
  of the 10-10 system (`mne.make_sphere_model`, `mne.make_forward_solution`; Berg & Scherg 1994,
  doi:10.1016/0013-4694(94)90113-9).
* **Sources**: a background whose power falls with the frequency, each person's with an exponent of their own, and
  theta, alpha, beta and gamma rhythms above it where they are found on the scalp (Niedermeyer & Lopes da Silva,
  *Electroencephalography*; Donoghue et al. 2020, doi:10.1038/s41593-020-00744-x). Noise of the muscles near the
  electrodes and of the contacts is added, more at the edge of the cap, where the muscles are (Goncharova et al. 2003,
  doi:10.1016/S1388-2457(03)00093-2).
* **Amplitudes wander**: that of every rhythm, of the background and of the muscles changes from person to person, from
  trial to trial, and from second to second, each time in part for all places together. EEG is thereby Gaussian noise
  of a wandering variance, whose tails are heavier than a Gaussian's (Freyer et al. 2009, J. Neurosci. 29:8512-8524,
  of alpha and beta), and no channel is as loud as another.
* **Artefacts**: what is left of blinks, muscle bursts, electrode pops and movements; see
  ``eegemo.datasets._simulated_artefacts``. The same for every rating.
* **People**: each has their own dipole orientations, contacts, rhythm frequencies and amplitudes (individual alpha
  frequency: Klimesch 1999, doi:10.1016/S0165-0173(98)00056-3).
* **Trials**: each has its own state, the part of the amplitudes that all its windows share, and other regions whose
  backgrounds go together (coherence tells recordings apart: La Rocca et al. 2014, doi:10.1109/TBME.2014.2317881). Such
  a fingerprint is what a model learns when windows are split at random: White & Power 2023 (Sensors 23:6077) show it
  for trials, Brookshire et al. 2024 (doi:10.3389/fnins.2024.1373515) for people. The covariance of the channels holds
  most of it, here as in real recordings.
* **Emotion**: frontal and central alpha is weaker on the left and stronger on the right with higher valence
  (frontal: Davidson 1992, doi:10.1016/0278-2626(92)90065-T; Coan & Allen 2004,
  doi:10.1016/j.biopsycho.2004.03.002); with higher arousal posterior alpha is weaker (De Cesarei & Codispoti 2011,
  doi:10.1111/j.1469-8986.2011.01204.x) and gamma is stronger (Keil et al. 2001,
  doi:10.1016/S1388-2457(01)00654-X). That beta goes with gamma is chosen here; studies disagree on it. Its size
  is ``effect``.
* **Ratings**: ten videos a quadrant, each with its own mean valence and arousal; each person has a bias and
  noise. The spreads are set such that the class counts and the scores of the majority baselines come out near
  those of DEAP (Koelstra et al. 2012).

Not in any source, and chosen here: the sizes of all spreads and artefacts, such that amplitudes, spectra, the shares
of people, trials and seconds in the variance of band power, and the scores of classical models lie among those of real
recordings prepared alike (``experiments/simulation_realism.py`` puts them side by side); and the peripheral channels,
which are plausible and nothing more.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from eegemo._atomic import replacing
from eegemo._paths import as_path
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
from eegemo.datasets._subjects import whole_numbers
from eegemo.errors import ConfigError, suggest_keywords
from eegemo.trials import Trials

#: Change of a rhythm's log-amplitude when a rating rises by one standard deviation (2 points); with it classical models
#: on differential entropy score under ``trial`` in the middle of what is published for DEAP.
DEFAULT_EFFECT = 0.12
#: Of the seeds 0 to 39 the one whose first four people come nearest to DEAP in the shares of the classes, of each
#: person's commonest class, and of trials rated like most others rate the video; chosen by the ratings alone.
DEFAULT_SEED = 16

# Rhythm: centre (Hz), width (Hz), spread of the centre between people (Hz), amplitude over the background, sites.
_RHYTHMS: dict[str, tuple[float, float, float, float, tuple[str, ...]]] = {
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


@suggest_keywords
def simulate(
    subjects: int | Sequence[int] = 4,
    *,
    effect: float = DEFAULT_EFFECT,
    channels: str | Sequence[str] = "eeg",
    random_state: int = DEFAULT_SEED,
) -> Trials:
    """Simulate DEAP's preprocessed recordings: 40 trials of 3 s + 60 s a person at 128 Hz.

    Parameters
    ----------
    subjects : int | sequence of int
        How many people, or the numbers of those wanted; a person is the same in every selection.
    effect : float
        How much a rating of one standard deviation (2 points) above the middle changes the log-amplitude
        of the rhythms that go with it. 0 is the null: the EEG knows nothing of the ratings. The default is
        calibrated to the scores published for DEAP; 0.6 is a large effect, which ``trial`` clearly finds.
    channels : "eeg" | "emotiv14" | sequence of str
        Which channels; those of the set or named, in the order given.
    random_state : int
        The same seed gives the same bytes, on one machine with one version of the libraries.

    Returns
    -------
    trials : Trials
        ``simulated=True``, EEG in microvolts, ratings valence, arousal, dominance and liking.

    Raises
    ------
    ConfigError
        If ``subjects``, ``effect`` or ``channels`` cannot be used.

    See Also
    --------
    write_simulated : Writes them as DEAP's files.
    eegemo.load_deap : Loads DEAP itself.

    Examples
    --------
    >>> from eegemo import simulate
    >>> simulate(subjects=[2], channels=["F3", "F4"]).signals.shape
    (322560, 2)
    """
    numbers = subject_numbers(subjects)
    check_settings(effect, random_state)
    names = deap.resolve_channels(channels)
    columns = deap.columns_of(names)
    strip = np.empty((len(numbers) * deap.N_TRIALS * deap.N_TIMES, len(names)), np.float32)
    tables = []
    for i, subject in enumerate(numbers):
        simulated = SimulatedSubject(subject, effect, random_state)
        tables.append(simulated.ratings.assign(subject=subject))
        first = i * deap.N_TRIALS * deap.N_TIMES
        for trial in range(deap.N_TRIALS):
            start = first + trial * deap.N_TIMES
            strip[start : start + deap.N_TIMES] = simulated.record(trial)[columns].T
    table = deap.trial_table(pd.concat(tables, ignore_index=True))
    return Trials(
        strip,
        table,
        names,
        deap.SFREQ,
        dataset="simulated",
        simulated=True,
        ch_types=deap.types_of(names),
        provenance={
            "source": "eegemo.simulate",
            "subjects": numbers,
            "effect": effect,
            "random_state": random_state,
            "pass_band": list(deap.PASS_BAND),
        },
    )


def emotion_topography(effect: float = DEFAULT_EFFECT) -> pd.DataFrame:
    """Tell where the simulation puts emotion: the truth to compare a map of the scalp with.

    Parameters
    ----------
    effect : float
        As in :func:`simulate`.

    Returns
    -------
    table : DataFrame, index ``(rating, band)``, columns the 32 EEG channels
        By how much the log-amplitude of the source under an electrode rises with a rating that rises by one standard
        deviation (2 points), in nats; 0 where there is no such source.
    """
    index = pd.MultiIndex.from_product([("valence", "arousal"), _RHYTHMS], names=["rating", "band"])
    table = pd.DataFrame(0.0, index=index, columns=list(deap.EEG))
    for band in _RHYTHMS:
        sites = [SITES[number] for number in _sites(band)]
        for column, rating in enumerate(("valence", "arousal")):
            table.loc[(rating, band), sites] = effect * _emotion_weights(band)[:, column]
    return table


@suggest_keywords
def write_simulated(
    folder: str | os.PathLike[str],
    subjects: int | Sequence[int] = 4,
    *,
    format: Literal["python", "matlab"] = "python",
    effect: float = DEFAULT_EFFECT,
    random_state: int = DEFAULT_SEED,
    on_written: Callable[[Path], object] | None = None,
) -> list[Path]:
    """Write simulated people as DEAP's preprocessed release: about 100 MB each.

    Parameters
    ----------
    folder : path-like
        Where ``data_preprocessed_python`` or ``data_preprocessed_matlab`` and ``participant_ratings.csv``
        go; made where it does not exist.
    subjects, effect, random_state
        As in :func:`simulate`.
    format : "python" | "matlab"
        ``s01.dat`` as Python 2 pickled it, or ``s01.mat``.
    on_written : callable | None
        Called with the path of each file when it is complete.

    Returns
    -------
    paths : list of Path
        The files written. A ``SIMULATED.txt`` beside them lets :func:`load_deap` say what they are.

    Raises
    ------
    ConfigError
        If a setting cannot be used, or the folder holds recordings that were not simulated, or other simulated
        people.
    """
    numbers = subject_numbers(subjects)
    check_settings(effect, random_state)
    writers = {"python": (deap.write_dat, ".dat"), "matlab": (deap.write_mat, ".mat")}
    if format not in writers:
        raise ConfigError(f"format must be 'python' or 'matlab', got {format!r}.")
    write, suffix = writers[format]
    if max(numbers) > 99:
        raise ConfigError(f"Files are named s01 to s99, got subject {max(numbers)}.")
    place = as_path(folder, "folder")
    target = place / f"data_preprocessed_{format}"
    refuse_to_mix(place, target, {f"s{subject:02d}{suffix}" for subject in numbers})
    with replacing(target / deap.SIMULATED_MARK) as partial:
        partial.write_text("The files in this folder were simulated by eegemo: nobody was recorded.\n")
    paths, sheets = [], []
    for subject in numbers:
        simulated = SimulatedSubject(subject, effect, random_state)
        data = np.stack([simulated.record(trial) for trial in range(deap.N_TRIALS)]).astype(np.float64)
        path = target / f"s{subject:02d}{suffix}"
        with replacing(path) as partial:
            write(partial, data, simulated.ratings[list(deap.RATINGS)].to_numpy())
        sheets.append(simulated.rating_sheet())
        paths.append(path)
        if on_written:
            on_written(path)
    path = place / "participant_ratings.csv"
    with replacing(path) as partial:
        pd.concat(sheets).to_csv(partial, index=False, lineterminator="\n")
    return [*paths, path]


class SimulatedSubject:
    """One simulated person: a head, habits of rhythm, and forty ratings."""

    def __init__(self, subject: int, effect: float, seed: int) -> None:
        self.subject, self.effect, self.seed = subject, effect, seed
        rng = np.random.default_rng([seed, subject])
        self.ratings = _ratings(rng, seed)
        self.order = rng.permutation(deap.N_TRIALS)
        self.moments = _moments(rng)
        contacts = rng.lognormal(0, _CONTACT_SPREAD, len(deap.EEG))
        self.leadfield = np.einsum("c,csx,sx->cs", contacts, site_field(), self.moments).astype(np.float32)
        self.centres = [rng.normal(centre, spread) for centre, _, spread, _, _ in _RHYTHMS.values()]
        self.habits = [_log_amplitudes(rng, len(_sites(name)), _PERSON_COMMON, _PERSON_SPREAD) for name in _RHYTHMS]
        self.background_habit = _log_amplitudes(rng, len(SITES), _PERSON_COMMON, _PERSON_SPREAD)
        self.tone = _log_amplitudes(rng, len(deap.EEG), _PERSON_COMMON, _TONE_PERSON_SPREAD)
        self.tone += _MUSCLE_AT_EDGE * np.isin(deap.EEG, _EDGE)
        self.exponent = float(rng.normal(_EXPONENT, _EXPONENT_SPREAD))
        self.artefacts = Artefacts(rng)

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

    def activity(self, rng: np.random.Generator, emotion: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return 63 s of the sources, shape (sites, 8064), and of the channels' own noise, shape (32, 8064)."""
        everywhere = courses(rng, 1, _SECONDS_COMMON, _DRIFT_SPREAD)

        def wandering(habit: np.ndarray, spread: float) -> np.ndarray:
            """Amplitudes over a trial, shape (n, 8064): habit, state of the trial, and what changes within it."""
            state = habit + _log_amplitudes(rng, len(habit), _STATE_COMMON, spread)
            common = courses(rng, 1, _SECONDS_COMMON, _DRIFT_SPREAD)
            own = courses(rng, len(habit), _SECONDS_SPREAD, _DRIFT_SPREAD)
            return amplitudes(state[:, None] + everywhere + common + own)

        sources = _couplings(rng) @ noise(rng, len(SITES), background_spectrum(self.exponent))
        sources *= wandering(self.background_habit, _STATE_SPREAD)
        for name, centre, habit in zip(_RHYTHMS, self.centres, self.habits, strict=True):
            _, width, _, amplitude, _ = _RHYTHMS[name]
            sites = _sites(name)
            rhythm = noise(rng, len(sites), peak_spectrum(centre, width)) * wandering(habit, _STATE_SPREAD)
            shift = np.exp(self.effect * _emotion_weights(name) @ emotion).astype(np.float32)
            rhythm[:, deap.N_BASELINE :] *= shift[:, None]
            sources[sites] += np.float32(amplitude) * rhythm
        muscles = noise(rng, len(deap.EEG), muscle_spectrum()) * wandering(self.tone, _TONE_SPREAD)
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


def subject_numbers(subjects: int | Sequence[int]) -> list[int]:
    """Return the numbers of a count or a choice of people."""
    counted = isinstance(subjects, (int, np.integer)) and not isinstance(subjects, bool)
    numbers = whole_numbers(range(1, subjects + 1) if counted else subjects)  # type: ignore[operator, arg-type]
    if not numbers or min(numbers) < 1:
        raise ConfigError(f"subjects must be a positive count or different numbers from 1, got {subjects!r}.")
    return numbers


def refuse_to_mix(folder: Path, target: Path, written: set[str]) -> None:
    """Refuse a folder with recordings of people, or with simulated ones that would stay beside the new ones."""
    for place in (*folder.glob("data_preprocessed_*"), *folder.glob("data_original*")):
        if any(place.iterdir()) and not (place / deap.SIMULATED_MARK).exists():
            raise ConfigError(f"{str(place)!r} holds files that were not simulated; name another folder.")
    if (folder / "participant_ratings.csv").exists() and not list(folder.glob(f"*/{deap.SIMULATED_MARK}")):
        raise ConfigError(f"{str(folder)!r} holds ratings that were not simulated; name another folder.")
    others = sorted({path.name for path in target.glob("s??.*")} - written)
    if others:
        raise ConfigError(
            f"{str(target)!r} holds other simulated people ({', '.join(others)}), maybe of another seed; remove "
            "them or name another folder."
        )


def check_settings(effect: float, seed: int) -> None:
    """Refuse an effect or a seed that cannot be used."""
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ConfigError(f"random_state must be 0 or more, and whole, got {seed!r}.")
    if not isinstance(effect, (int, float, np.number)) or not 0 <= effect <= 2:
        raise ConfigError(f"effect must lie between 0 (none) and 2, got {effect!r}.")


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


def _sites(rhythm: str) -> list[int]:
    return [i for i, site in enumerate(SITES) if _region(site) in _RHYTHMS[rhythm][4]]


@lru_cache(maxsize=len(_RHYTHMS))
def _emotion_weights(rhythm: str) -> np.ndarray:
    """Signs of the change with valence and arousal at the sites of a rhythm, shape (sites, 2)."""
    weights = np.zeros((len(_sites(rhythm)), 2))
    for row, number in enumerate(_sites(rhythm)):
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
