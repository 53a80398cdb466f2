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
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from eegemo._atomic import replacing
from eegemo._numbers import finite, whole
from eegemo._paths import as_path
from eegemo.datasets import _deap_format as deap
from eegemo.datasets._head_model import SITES
from eegemo.datasets._simulated_subject import RHYTHMS, SimulatedSubject, emotion_weights, sites_of
from eegemo.datasets._subjects import whole_numbers
from eegemo.datasets.published import SIMULATED_MARK
from eegemo.errors import ConfigError, suggest_keywords
from eegemo.trials import Trials

#: Change of a rhythm's log-amplitude when a rating rises by one standard deviation (2 points); with it classical models
#: on differential entropy score under ``trial`` in the middle of what is published for DEAP.
DEFAULT_EFFECT = 0.12
#: Of the seeds 0 to 39 the one whose first four people come nearest to DEAP in the shares of the classes, of each
#: person's commonest class, and of trials rated like most others rate the video; chosen by the ratings alone.
DEFAULT_SEED = 16


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
    names, columns = deap.LAYOUT.resolve(channels)
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
        ch_types=deap.LAYOUT.types_of(columns),
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
    index = pd.MultiIndex.from_product([("valence", "arousal"), RHYTHMS], names=["rating", "band"])
    table = pd.DataFrame(0.0, index=index, columns=list(deap.EEG))
    for band in RHYTHMS:
        sites = [SITES[number] for number in sites_of(band)]
        for column, rating in enumerate(("valence", "arousal")):
            table.loc[(rating, band), sites] = effect * emotion_weights(band)[:, column]
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
    with replacing(target / SIMULATED_MARK) as partial:
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


def subject_numbers(subjects: int | Sequence[int], first: int = 1) -> list[int]:
    """Return the numbers of a count or a choice of people, who are counted from the first."""
    counted = isinstance(subjects, (int, np.integer)) and not isinstance(subjects, bool)
    numbers = whole_numbers(range(first, subjects + first) if counted else subjects)  # type: ignore[operator, arg-type]
    if not numbers or min(numbers) < first:
        raise ConfigError(f"subjects must be a positive count or different numbers from {first}, got {subjects!r}.")
    return numbers


def refuse_to_mix(folder: Path, target: Path, written: set[str]) -> None:
    """Refuse a folder with recordings of people, or with simulated ones that would stay beside the new ones."""
    for place in (*folder.glob("data_preprocessed_*"), *folder.glob("data_original*")):
        if any(place.iterdir()) and not (place / SIMULATED_MARK).exists():
            raise ConfigError(f"{str(place)!r} holds files that were not simulated; name another folder.")
    if (folder / "participant_ratings.csv").exists() and not list(folder.glob(f"*/{SIMULATED_MARK}")):
        raise ConfigError(f"{str(folder)!r} holds ratings that were not simulated; name another folder.")
    others = sorted({path.name for path in target.glob("s??.*")} - written)
    if others:
        raise ConfigError(
            f"{str(target)!r} holds other simulated people ({', '.join(others)}), maybe of another seed; remove "
            "them or name another folder."
        )


def check_settings(effect: float, seed: int) -> None:
    """Refuse an effect or a seed that cannot be used."""
    whole("random_state", seed)
    if not 0 <= finite("effect", effect) <= 2:
        raise ConfigError(f"effect must lie between 0 (none) and 2, got {effect!r}.")
