from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.signal
import scipy.stats
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import cohen_kappa_score

from eegemo import ConfigError, Trials, load_deap, quadrants, simulate, write_simulated
from eegemo.datasets import _deap_format as deap
from eegemo.datasets import _head_model
from eegemo.datasets._simulated_artefacts import Artefacts, add_pops
from eegemo.datasets._simulated_subject import SimulatedSubject
from eegemo.datasets.simulated import DEFAULT_EFFECT, DEFAULT_SEED

FOUR = ["F3", "F4", "O1", "O2"]
N_TIMES, N_BASELINE = 8064, 384


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Person 2 alone, written as both releases."""
    folder = tmp_path_factory.mktemp("simulated")
    for format in ("python", "matlab"):
        write_simulated(folder, [2], format=format)
    return folder


@lru_cache(maxsize=2)
def people_with(effect: float) -> Trials:
    return simulate(3, effect=effect, channels=FOUR)


def videos(trials: Trials) -> np.ndarray:
    """Samples after the baseline, shape (n_trials, n_channels, n_times)."""
    return trials.signals.reshape(-1, N_TIMES, len(trials.ch_names))[:, N_BASELINE:].transpose(0, 2, 1)


def log_power(trials: Trials, low: float, high: float) -> np.ndarray:
    """Log band power of every trial and channel, shape (n_trials, n_channels)."""
    freqs, psd = scipy.signal.welch(videos(trials), 128, nperseg=256)
    return np.log(psd[..., (freqs >= low) & (freqs <= high)].sum(axis=-1))


def test_simulated_people_have_deaps_layout(two_subjects: Trials) -> None:
    assert two_subjects.signals.shape == (2 * 40 * N_TIMES, 4)
    assert two_subjects.signals.dtype == np.float32
    assert np.isfinite(two_subjects.signals).all()
    assert two_subjects.sfreq == 128
    assert two_subjects.simulated
    table = two_subjects.table
    assert table["subject"].tolist() == [1] * 40 + [2] * 40
    assert table["trial"].tolist() == table["stimulus"].tolist() == list(range(1, 41)) * 2
    assert set(table["n_baseline"]) == {N_BASELINE}
    ratings = table[["valence", "arousal", "dominance", "liking"]].to_numpy()
    assert ((ratings >= 1) & (ratings <= 9)).all()
    assert_array_equal(ratings, ratings.round(2))


def test_amplitudes_are_microvolts_of_eeg(two_subjects: Trials) -> None:
    spread = two_subjects.signals.std(axis=0)
    assert np.all((spread > 3) & (spread < 40))


@pytest.mark.parametrize(
    ("place", "suffix"), [("data_preprocessed_python", "dat"), ("data_preprocessed_matlab", "mat")]
)
def test_the_files_read_back_are_the_person_simulated_beside_another(
    release: Path, two_subjects: Trials, place: str, suffix: str
) -> None:
    assert (release / place / f"s02.{suffix}").stat().st_size > 40 * 40 * N_TIMES * 8
    trials = load_deap(release / place, channels=FOUR)
    second = two_subjects.select(two_subjects.table["subject"] == 2)
    assert trials.fingerprint == second.fingerprint
    pd.testing.assert_frame_equal(
        trials.table.drop(columns="start"), second.table.drop(columns="start"), check_exact=True
    )


def test_files_that_nobody_recorded_are_read_as_simulated(release: Path) -> None:
    trials = load_deap(release, channels=["F3"])
    assert trials.simulated
    assert "simulated" in trials.dataset


@pytest.mark.parametrize(("format", "suffix"), [("python", "dat"), ("matlab", "mat")])
def test_the_same_seed_gives_the_same_bytes(release: Path, tmp_path: Path, format: Any, suffix: str) -> None:
    paths = write_simulated(tmp_path, [2], format=format)
    name = f"data_preprocessed_{format}/s02.{suffix}"
    assert paths == [tmp_path / name, tmp_path / "participant_ratings.csv"]
    for written in (name, "participant_ratings.csv"):
        digests = [hashlib.sha256((folder / written).read_bytes()).hexdigest() for folder in (release, tmp_path)]
        assert digests[0] == digests[1]


def test_another_seed_gives_other_people(two_subjects: Trials) -> None:
    other = simulate([1], channels=["F3"], random_state=1)
    assert not np.isin(other.table["valence"].to_numpy(), two_subjects.table["valence"].to_numpy()[:40]).all()
    assert abs(np.corrcoef(other.signals[:, 0], two_subjects.signals[: 40 * N_TIMES, 0])[0, 1]) < 0.02


def test_two_subjects_are_two_subjects(two_subjects: Trials) -> None:
    first, second = np.split(two_subjects.signals[:, 0], 2)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.02
    valence = two_subjects.table["valence"].to_numpy()
    assert not np.array_equal(valence[:40], valence[40:])


def test_all_channels_are_average_referenced_and_named(release: Path) -> None:
    trials = load_deap(release, channels="eeg")
    assert len(trials.ch_names) == 32
    assert np.abs(trials.signals.mean(axis=1)).max() < 1e-4
    assert trials.signals.std(axis=0).min() > 1


def test_peripheral_channels_carry_something(release: Path) -> None:
    names = ["hEOG", "vEOG", "zEMG", "tEMG", "GSR", "Respiration", "Plethysmograph", "Temperature"]
    trials = load_deap(release, channels=names)
    assert trials.ch_types == ("eog", "eog", "emg", "emg", "gsr", "resp", "bio", "temperature")
    assert (trials.signals.std(axis=0) > 0).all()
    pulse = trials.signals[:N_TIMES, 6]
    freqs, psd = scipy.signal.welch(pulse - pulse.mean(), 128, nperseg=4096)
    assert 0.9 <= freqs[psd.argmax()] <= 1.5  # heart beats a second


def test_the_eeg_lies_between_4_and_45_hz(two_subjects: Trials) -> None:
    freqs, psd = scipy.signal.welch(videos(two_subjects), 128, nperseg=512)
    share = (psd / psd.sum(axis=-1, keepdims=True)).mean(axis=0)
    assert share[:, freqs < 3].sum(axis=-1).max() < 0.01
    assert share[:, freqs > 55].sum(axis=-1).max() < 0.01
    assert share[:, (freqs >= 4) & (freqs <= 45)].sum(axis=-1).min() > 0.95


def test_the_rhythms_peak_where_people_have_them(two_subjects: Trials) -> None:
    freqs, psd = scipy.signal.welch(videos(two_subjects), 128, nperseg=512)
    for simulated in np.split(psd, 2):
        mean = np.exp(np.log(simulated).mean(axis=0))
        back = mean[2:].mean(axis=0)
        alpha = freqs[back.argmax()]
        assert 7.5 <= alpha <= 13
        beside = [back[np.abs(freqs - f).argmin()] for f in (alpha - 4, alpha + 5)]
        assert back.max() > 2 * max(beside)
        theta = mean[:2, (freqs >= 4.5) & (freqs <= 7.5)].max()
        assert theta > mean[:2, (freqs >= 14) & (freqs <= 16)].max()


def test_the_baseline_knows_nothing_of_the_emotion() -> None:
    none, large = people_with(0), people_with(1.0)
    shape = (-1, N_TIMES, 4)
    assert_array_equal(none.signals.reshape(shape)[:, :N_BASELINE], large.signals.reshape(shape)[:, :N_BASELINE])
    assert not np.array_equal(none.signals, large.signals)


def test_the_ratings_do_not_depend_on_the_effect() -> None:
    pd.testing.assert_frame_equal(people_with(0).table, people_with(1.0).table)


def asymmetry(trials: Trials) -> np.ndarray:
    """Right minus left log alpha power over the frontal lobe."""
    power = log_power(trials, 8, 12)
    return power[:, 1] - power[:, 0]


def test_valence_shifts_frontal_alpha_to_the_right() -> None:
    none, large = people_with(0), people_with(1.0)
    change = asymmetry(large) - asymmetry(none)
    valence = large.table["valence"].to_numpy() - 5
    assert scipy.stats.spearmanr(change, valence).statistic > 0.4
    clear = np.abs(valence) > 1
    assert (np.sign(change[clear]) == np.sign(valence[clear])).mean() > 0.6


def test_arousal_weakens_posterior_alpha_and_strengthens_beta() -> None:
    none, large = people_with(0), people_with(1.0)
    arousal = large.table["arousal"].to_numpy()
    alpha = (log_power(large, 8, 12) - log_power(none, 8, 12))[:, 2:].mean(axis=1)
    beta = (log_power(large, 17, 28) - log_power(none, 17, 28))[:, :2].mean(axis=1)
    # Alpha of other sites, which goes with valence, reaches the same electrodes.
    assert scipy.stats.spearmanr(alpha, arousal).statistic < -0.6
    assert scipy.stats.spearmanr(beta, arousal).statistic > 0.8


def test_without_an_effect_the_eeg_is_independent_of_the_ratings() -> None:
    def p_values(trials: Trials) -> list[float]:
        table = trials.table
        alpha, beta = log_power(trials, 8, 12), log_power(trials, 17, 28)
        pairs = [
            (asymmetry(trials), table["valence"]),
            (alpha[:, 2:].mean(axis=1), table["arousal"]),
            (beta[:, :2].mean(axis=1), table["arousal"]),
        ]
        return [scipy.stats.pearsonr(feature, rating.to_numpy()).pvalue for feature, rating in pairs]

    assert min(p_values(people_with(0))) > 0.05 / 3
    assert max(p_values(people_with(1.0))) < 1e-3  # the same look finds an effect that is there


def classes_of_32_subjects(seed: int) -> np.ndarray:
    """Quadrant of every person and video, shape (32, 40); the ratings alone, without the signals."""
    simulated = [SimulatedSubject(subject, 0, seed).ratings for subject in range(1, 33)]
    low = np.stack([[1 - (p["valence"] > 5), 1 - (p["arousal"] > 5)] for p in simulated])
    return 2 * low[:, 0] + low[:, 1]


def same_video_accuracy(classes: np.ndarray) -> float:
    """How often the majority class of a video over the other people is the class of this one."""
    right = 0
    for simulated in range(len(classes)):
        others = np.delete(classes, simulated, axis=0)
        guess = [np.bincount(video, minlength=4).argmax() for video in others.T]
        right += int((classes[simulated] == guess).sum())
    return right / classes.size


def test_quadrants_and_majority_baselines_are_near_deaps() -> None:
    deap = [0.343, 0.210, 0.233, 0.214]  # 439, 269, 298 and 274 of 1280
    seeds = [classes_of_32_subjects(seed) for seed in range(8)]
    shares = [np.bincount(classes.ravel(), minlength=4) / classes.size for classes in seeds]
    accuracies = [same_video_accuracy(classes) for classes in seeds]
    assert_allclose(shares[0], deap, atol=0.035)
    assert_allclose(accuracies[0], 0.538, atol=0.03)
    assert_allclose(np.mean(shares, axis=0), deap, atol=0.03)
    assert_allclose(np.mean(accuracies), 0.538, atol=0.03)


def test_the_ratings_worked_out_alone_are_those_of_the_trials(two_subjects: Trials) -> None:
    assert_array_equal(quadrants()(two_subjects).reshape(2, 40), classes_of_32_subjects(DEFAULT_SEED)[:2])


def test_the_rating_sheet_joins_with_the_labels_in_the_files(release: Path) -> None:
    sheet = pd.read_csv(release / "participant_ratings.csv")
    assert list(sheet.columns) == (
        "Participant_id Trial Experiment_id Start_time Valence Arousal Dominance Liking Familiarity".split()
    )
    assert sheet["Trial"].tolist() == list(range(1, 41))
    assert sorted(sheet["Experiment_id"]) == list(range(1, 41))
    assert sheet["Experiment_id"].tolist() != list(range(1, 41))  # shown in an order of their own
    assert sheet["Start_time"].is_monotonic_increasing
    assert sheet["Familiarity"].between(1, 5).all()
    labels = load_deap(release, channels=["F3"]).table
    joined = labels.merge(
        sheet, left_on=["subject", "stimulus"], right_on=["Participant_id", "Experiment_id"], validate="1:1"
    )
    assert len(joined) == 40
    for rating in ("valence", "arousal", "dominance", "liking"):
        assert joined[rating].tolist() == joined[rating.capitalize()].tolist()


def test_recordings_that_are_not_ours_are_never_overwritten(tmp_path: Path) -> None:
    recorded = tmp_path / "data_preprocessed_python" / "s01.dat"
    recorded.parent.mkdir()
    recorded.write_bytes(b"somebody's recording")
    with pytest.raises(ConfigError, match=r"data_preprocessed_python|s01\.dat"):
        write_simulated(tmp_path, [1])
    assert recorded.read_bytes() == b"somebody's recording"
    assert list(tmp_path.rglob("*.*")) == [recorded]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"subjects": 0}, "subjects must be a positive count or different numbers from 1, got 0"),
        ({"subjects": -1}, "subjects must be"),
        ({"subjects": []}, "subjects must be"),
        ({"subjects": [0]}, "subjects must be"),
        ({"subjects": [2, 2]}, "subjects must be"),
        ({"effect": -0.1}, "effect must lie between 0 .* got -0.1"),
        ({"effect": 2.5}, "effect must lie between"),
        ({"effect": float("nan")}, "effect must be a number, got nan"),
        ({"channels": ["F3", "F33"]}, r"Unknown channel 'F33'\. Did you mean 'F3'\?"),
        ({"channels": "all"}, "Unknown channel set 'all'"),
        ({"random_state": -1}, "random_state"),
    ],
)
def test_settings_that_cannot_be_simulated_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        simulate(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"format": "npz"}, "format must be 'python' or 'matlab', got 'npz'"),
        ({"subjects": []}, "subjects must be"),
        ({"effect": 3}, "effect must lie"),
        ({"subjects": [100]}, "99"),  # s100.dat is no name that the loader finds
    ],
)
def test_settings_that_cannot_be_written_are_refused_and_write_nothing(
    tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        write_simulated(tmp_path / "out", **settings)
    assert not (tmp_path / "out").exists()


def test_ratings_of_people_are_not_replaced(tmp_path: Path) -> None:
    sheet = tmp_path / "participant_ratings.csv"
    sheet.write_text("Participant_id\n1\n")
    with pytest.raises(ConfigError, match="ratings that were not simulated"):
        write_simulated(tmp_path, [1])
    assert sheet.read_text() == "Participant_id\n1\n"


def test_people_of_an_earlier_run_do_not_stay_beside_new_ones(tmp_path: Path) -> None:
    target = tmp_path / "data_preprocessed_python"
    target.mkdir()
    (target / "SIMULATED.txt").write_text("")
    (target / "s01.dat").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"other simulated people \(s01\.dat\)"):
        write_simulated(tmp_path, [2])


def test_each_dipole_lies_under_its_electrode() -> None:
    field = np.einsum("csx,sx->cs", _head_model.site_field(), _head_model.radial_directions())
    strongest = [deap.EEG[i] for i in field.argmax(axis=0)]
    assert strongest == list(_head_model.SITES)  # a radial dipole is strongest above itself


# --- as real recordings are -------------------------------------------------------------------------------------------
# Bounds are what DASPS, eegmat, eegmmidb and a BioSemi recording give at 4-45 Hz with an average reference
# (results/simulation_realism), lowest and highest of them.


@pytest.fixture(scope="module")
def pieces() -> list[np.ndarray]:
    """Six people, the first 15 s of eight trials each, 32 channels: arrays (32, 8 * 1920)."""
    people = [SimulatedSubject(number, DEFAULT_EFFECT, DEFAULT_SEED) for number in range(1, 7)]
    return [np.concatenate([p.record(trial)[:32, 384 : 384 + 1920] for trial in range(0, 40, 5)], 1) for p in people]


def test_amplitudes_have_the_tails_of_real_recordings(pieces: list[np.ndarray]) -> None:
    kurtosis = np.concatenate([scipy.stats.kurtosis(person, axis=1) for person in pieces])
    assert 0.5 < np.median(kurtosis) < 5.6  # 0 of a Gaussian
    assert np.quantile(kurtosis, 0.9) > 1.8
    largest = np.concatenate([np.abs(person).max(axis=1) / person.std(axis=1) for person in pieces])
    assert 4.7 < np.median(largest) < 10.3
    assert (largest > 8).mean() > 0.1  # and 26 in a tenth of DASPS's channels


def test_channels_are_uneven_as_real_ones(pieces: list[np.ndarray]) -> None:
    spread = [np.log(person.std(axis=1)).std() for person in pieces]
    assert 0.21 < np.mean(spread) < 0.37


def test_power_falls_with_the_frequency_as_in_real_recordings(pieces: list[np.ndarray]) -> None:
    slopes = []
    for person in pieces:
        freqs, psd = scipy.signal.welch(person, 128, nperseg=256)
        line = (freqs >= 5) & (freqs <= 40) & ~((freqs > 7) & (freqs < 14))
        slopes += [scipy.stats.linregress(np.log(freqs[line]), np.log(channel[line])).slope for channel in psd]
    assert -2.0 < np.median(slopes) < -1.0


def test_artefacts_are_those_of_muscles_eyes_and_contacts_within_the_pass_band() -> None:
    rng = np.random.default_rng(0)
    trials = np.stack([Artefacts(rng).record(rng) for _ in range(40)])
    assert trials.dtype == np.float32
    freqs, psd = scipy.signal.welch(trials, 128, nperseg=512)
    share = psd.mean(axis=(0, 1)) / psd.mean(axis=(0, 1)).sum()
    assert share[freqs < 3].sum() < 0.01
    assert share[freqs > 55].sum() < 0.01
    median = dict(zip(deap.EEG, np.median(trials.std(axis=2), axis=0), strict=True))
    assert min(median["Fp1"], median["Fp2"]) > 2 * max(median["Cz"], median["CP1"])  # blinks


def test_a_pop_jumps_at_one_electrode_and_settles() -> None:
    signals = np.zeros((4, 60 * 60 * 128), np.float32)
    add_pops(np.random.default_rng(1), signals, 128, np.array([0.0, 1.0, 3.0, 0.0]))
    assert not signals[[0, 3]].any()  # electrodes that are not loose
    jumps = [np.flatnonzero(np.abs(np.diff(channel)) > 5) for channel in signals[1:3]]
    n_pops = [1 + (np.diff(at) > 64).sum() for at in jumps]
    assert 30 < sum(n_pops) < 90  # 60 in an hour
    assert n_pops[1] > 1.5 * n_pops[0]
    assert np.median(np.abs(signals[2])) < 0.01  # for the most part nothing is there


def test_artefacts_do_not_know_the_ratings() -> None:
    none, large = (SimulatedSubject(1, effect, DEFAULT_SEED) for effect in (0.0, 1.0))
    for trial in (0, 39):
        artefacts = [subject.record(trial)[:32] - subject.brain(trial) for subject in (none, large)]
        assert_allclose(artefacts[0], artefacts[1], atol=1e-3)
        assert np.abs(artefacts[0]).max() > 5


@lru_cache(maxsize=1)
def differential_entropy(effect: float, channels: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log variance of four bands in windows of 1 s of four people, the class of each window, and its trial."""
    trials = simulate(4, effect=effect, channels=channels)
    samples = videos(trials)
    bands = [
        scipy.signal.butter(4, edges, "bandpass", fs=128, output="sos")
        for edges in ((4, 8), (8, 12), (12, 30), (30, 44))
    ]
    passed = np.stack([scipy.signal.sosfiltfilt(sos, samples) for sos in bands], axis=1)
    variance = passed.reshape(*passed.shape[:3], 60, 128).var(axis=-1)
    features = np.log(variance).transpose(0, 3, 1, 2).reshape(60 * len(samples), -1)
    trial = np.repeat(np.arange(len(samples)), 60)
    return (features - features.mean(axis=0)) / features.std(axis=0), quadrants()(trials)[trial], trial


def test_windows_give_their_trial_away_no_more_than_real_ones() -> None:
    features, y, _ = differential_entropy(DEFAULT_EFFECT, "eeg")
    fold = np.random.default_rng(0).integers(0, 5, len(y))
    train, test = fold > 0, fold == 0
    neighbour = cdist(features[test], features[train], "sqeuclidean").argmin(axis=1)
    assert 0.85 < (y[train][neighbour] == y[test]).mean() < 0.97  # eegmat .96, DASPS .92
    trees = ExtraTreesClassifier(100, random_state=0).fit(features[train], y[train])
    assert 0.7 < trees.score(features[test], y[test]) < 0.94  # eegmat .94, DASPS .87
    linear = LogisticRegression(max_iter=100, tol=1e-3).fit(features[train], y[train])
    assert 0.55 < linear.score(features[test], y[test]) < 0.8  # eegmat .80, DASPS .64


@pytest.mark.parametrize(
    ("effect", "lowest", "highest"), [(DEFAULT_EFFECT, 0.02, 0.25), (0.0, -0.1, 0.1), (0.6, 0.45, 0.85)]
)
def test_new_trials_are_recognised_as_far_as_the_effect_goes(effect: float, lowest: float, highest: float) -> None:
    features, y, trial = (part[::2] for part in differential_entropy(effect, "emotiv14"))
    subject = trial // 40
    fold = trial % 5  # classes follow each other in tens of videos: every fold has all of them
    guess = np.empty_like(y)
    for number in range(5):
        model = LogisticRegression(max_iter=100, tol=1e-3).fit(features[fold != number], y[fold != number])
        guess[fold == number] = model.predict(features[fold == number])
    kappa = np.mean([cohen_kappa_score(y[subject == s], guess[subject == s]) for s in range(4)])
    assert lowest < kappa < highest
