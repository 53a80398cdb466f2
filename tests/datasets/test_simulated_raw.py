"""Simulated raw recordings: what is in them is what is said to be in them."""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
import scipy.signal
from numpy.testing import assert_allclose, assert_array_equal

from eegemo import ConfigError, write_simulated_raw
from eegemo.datasets import _deap_format as deap
from eegemo.datasets import _head_model, simulated_raw
from eegemo.datasets.deap_raw import find_onsets, read_deap_raw
from eegemo.datasets.simulated import DEFAULT_EFFECT, DEFAULT_SEED, SimulatedSubject

EYES = ("EXG1", "EXG2", "EXG3", "EXG4")


def microvolts(path: Path, picks: list[str]) -> np.ndarray:
    return read_deap_raw(path).get_data(picks=picks) * 1e6


@pytest.fixture(scope="module")
def simulated(raw_release: Path) -> dict[str, np.ndarray]:
    """Person 1: 32 EEG and four EOG electrodes, as recorded and clean, in microvolts."""
    names = [*deap.EEG, *EYES]
    return {
        kind: microvolts(raw_release / folder / "s01.bdf", names)
        for kind, folder in (("raw", "data_original"), ("clean", "data_original_clean"))
    }


def power_at(samples: np.ndarray, frequency: float) -> np.ndarray:
    f, power = scipy.signal.welch(samples, 512, nperseg=2048)
    return np.asarray(power[..., np.abs(f - frequency).argmin()])


@pytest.mark.parametrize(
    ("subject", "trigger", "n_channels", "high"),
    [(1, "Status", 48, {0}), (24, "", 48, {0x18FF00}), (29, "-1", 49, {0x58FF00})],
)
def test_files_have_the_quirks_of_their_site(
    raw_release: Path, subject: int, trigger: str, n_channels: int, high: set[int]
) -> None:
    path = raw_release / "data_original" / f"s{subject:02d}.bdf"
    raw = mne.io.read_raw_bdf(path, stim_channel=-1, verbose="error")
    assert raw.info["sfreq"] == 512
    assert len(raw.ch_names) == n_channels
    assert raw.ch_names[-1] == trigger
    assert tuple(raw.ch_names[:32]) == (deap.TWENTE if subject == 1 else deap.EEG)
    # MNE keeps 17 bits of a trigger; the file itself has 24.
    record = np.fromfile(path, np.uint8, offset=256 * (n_channels + 1))[-3 * 512 :].reshape(-1, 3).astype(int)
    assert set((record @ [1, 256, 65536]) & 0xFFFF00) == high


def test_videos_start_when_the_sheet_says(raw_release: Path) -> None:
    sheet = pd.read_csv(raw_release / "participant_ratings.csv")
    for subject in (1, 24, 29):
        onsets = find_onsets(read_deap_raw(raw_release / "data_original" / f"s{subject:02d}.bdf"))
        assert_allclose(onsets, sheet["Start_time"][sheet["Participant_id"] == subject] / 1e6, atol=1 / 256)
        assert (np.diff(onsets) > 60 + 3 + 8 + 7).all()


def test_the_clean_twin_is_the_brain_of_simulate(raw_release: Path, simulated: dict[str, np.ndarray]) -> None:
    truth = SimulatedSubject(1, DEFAULT_EFFECT, DEFAULT_SEED)
    sheet = pd.read_csv(raw_release / "participant_ratings.csv").query("Participant_id == 1")
    slow = scipy.signal.resample_poly(simulated["clean"][:32], 1, 4, axis=1)
    slow = mne.filter.filter_data(slow.astype(float), 128, 4, 45, h_trans_bandwidth=4, verbose="error")
    slow -= slow.mean(axis=0)
    for start, video in zip(sheet["Start_time"].to_numpy(), sheet["Experiment_id"].to_numpy(), strict=True):
        first = round(start / 1e6 * 128) - 384
        brain = truth.brain(int(video) - 1)
        for got, expected in zip(slow[:, first : first + 8064], brain, strict=True):
            assert np.corrcoef(got, expected)[0, 1] > 0.96  # what is missing lies near 4 and 45 Hz
            assert got.std() == pytest.approx(expected.std(), rel=0.1)


def test_the_brain_goes_on_between_the_trials(simulated: dict[str, np.ndarray]) -> None:
    slow = scipy.signal.resample_poly(simulated["clean"][10], 1, 4)
    seconds = slow[: len(slow) // 128 * 128].reshape(-1, 128).std(axis=1)
    assert seconds.min() > 0.2 * np.median(seconds)
    jumps = np.abs(np.diff(simulated["clean"][10]))
    assert jumps.max() < 12 * jumps.std()  # nothing is cut off and put together


def test_artefacts_are_in_the_recording_alone(simulated: dict[str, np.ndarray]) -> None:
    raw, clean = simulated["raw"], simulated["clean"]
    assert (power_at(raw[:32], 50) > 100 * power_at(clean[:32], 50)).all()
    assert np.abs(raw[:32].mean(axis=1)).max() > 1000  # offsets of millivolts
    assert np.abs(clean.mean(axis=1)).max() < 1
    eyes = (raw - clean)[34] - (raw - clean)[35]
    blinks = mne.filter.filter_data(eyes.astype(float), 512, 0.5, 15, verbose="error")
    peaks, _ = scipy.signal.find_peaks(blinks, height=80, distance=250)
    minutes = len(blinks) / 512 / 60
    assert 8 < len(peaks) / minutes < 25
    assert 80 < np.median(blinks[peaks]) < 400


def test_the_potential_common_to_all_electrodes_is_common(simulated: dict[str, np.ndarray]) -> None:
    # Mains of each electrode's own are small beside what all have in common.
    assert power_at(simulated["raw"][5] - simulated["raw"][20], 50) < 0.3 * power_at(simulated["raw"][5], 50)


def test_blinks_and_gaze_have_the_maps_of_eyes() -> None:
    maps = dict(zip(("blink", "horizontal", "vertical"), _head_model.eye_maps().T, strict=True))
    at = {name: i for i, name in enumerate([*deap.EEG, *EYES])}
    blink, horizontal = maps["blink"], maps["horizontal"]
    assert {deap.EEG[i] for i in np.argsort(-np.abs(blink[:32]))[:2]} == {"Fp1", "Fp2"}
    assert blink[at["Fp1"]] > blink[at["F3"]] > 3 * abs(blink[at["C3"]])
    for left, right in (("Fp1", "Fp2"), ("F7", "F8"), ("C3", "C4")):
        assert blink[at[left]] == pytest.approx(blink[at[right]], abs=0.05)
        assert horizontal[at[left]] == pytest.approx(-horizontal[at[right]], abs=0.05)
    assert {deap.EEG[i] for i in np.argsort(-np.abs(horizontal[:32]))[:2]} == {"F7", "F8"}
    assert blink[at["EXG3"]] - blink[at["EXG4"]] == pytest.approx(1)
    assert horizontal[at["EXG1"]] - horizontal[at["EXG2"]] == pytest.approx(1)
    assert maps["vertical"][at["EXG3"]] - maps["vertical"][at["EXG4"]] == pytest.approx(1)


def test_eog_electrodes_see_the_brain() -> None:
    field = simulated_raw._eog_leadfield(SimulatedSubject(1, 0.25, 16))
    brain = np.linalg.norm(SimulatedSubject(1, 0.25, 16).leadfield, axis=1)
    assert field.shape == (4, 24)
    assert (np.linalg.norm(field, axis=1) > 0.1 * np.median(brain)).all()


def test_flat_and_noisy_channels_are_so_on_request(tmp_path: Path) -> None:
    write_simulated_raw(tmp_path, [23], n_trials=1, flat=["Pz"], noisy=["F3"])
    flat, noisy, other = microvolts(tmp_path / "data_original" / "s23.bdf", ["Pz", "F3", "C3"])
    assert flat.std() == 0
    fast = [np.diff(channel).std() for channel in (noisy, other)]
    assert fast[0] > 10 * fast[1]
    assert microvolts(tmp_path / "data_original_clean" / "s23.bdf", ["Pz"]).std() > 1


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    def digest(name: str, **settings: object) -> list[str]:
        paths = write_simulated_raw(tmp_path / name, [2], n_trials=1, **settings)  # type: ignore[arg-type]
        return [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]

    once, again, other = digest("a"), digest("b"), digest("c", random_state=1)
    assert once == again
    assert all(a != b for a, b in zip(once, other, strict=True))


def test_people_are_the_same_in_every_selection(raw_release: Path, tmp_path: Path) -> None:
    write_simulated_raw(tmp_path, [24], n_trials=4)
    for folder in ("data_original", "data_original_clean"):
        assert (tmp_path / folder / "s24.bdf").read_bytes() == (raw_release / folder / "s24.bdf").read_bytes()


def test_the_resistance_of_the_skin_is_the_same_in_both_units(raw_release: Path) -> None:
    twente = microvolts(raw_release / "data_original" / "s01.bdf", ["GSR1"])[0]
    geneva = microvolts(raw_release / "data_original" / "s24.bdf", ["GSR1"])[0]
    for ohm in (1e9 / twente, geneva):
        assert 50_000 < ohm.min() < ohm.max() < 250_000


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"subjects": [33]}, "subjects 1 to 32, got 33"),
        ({"subjects": 0}, "positive count"),
        ({"n_trials": 0}, "n_trials must lie between 1 and 40"),
        ({"n_trials": 41}, "n_trials must lie between 1 and 40"),
        ({"n_trials": 3, "lost_onsets": [4]}, "lost_onsets among them"),
        ({"flat": ["T3"]}, "Unknown EEG channel 'T3'"),
        ({"noisy": ["hEOG"]}, "Unknown EEG channel 'hEOG'"),
        ({"effect": -1.0}, "effect must lie between"),
        ({"random_state": -1}, "random_state must be 0 or more"),
    ],
)
def test_wrong_settings_are_refused_and_write_nothing(tmp_path: Path, settings: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        write_simulated_raw(tmp_path, **settings)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_recordings_of_people_are_not_mixed_with_simulated_ones(tmp_path: Path) -> None:
    (tmp_path / "data_original").mkdir()
    (tmp_path / "data_original" / "s01.bdf").write_bytes(b"a person")
    with pytest.raises(ConfigError, match="were not simulated; name another folder"):
        write_simulated_raw(tmp_path, [1], n_trials=1)
    assert (tmp_path / "data_original" / "s01.bdf").read_bytes() == b"a person"


def test_other_simulated_people_do_not_stay_beside_the_new_ones(tmp_path: Path) -> None:
    write_simulated_raw(tmp_path, [1], n_trials=1)
    with pytest.raises(ConfigError, match="holds other simulated people"):
        write_simulated_raw(tmp_path, [2], n_trials=1)


def test_people_rate_at_their_own_pace() -> None:
    between = [np.diff(SimulatedSubject(subject, 0, 16).onsets()) for subject in (1, 2)]
    assert all(78 <= gap <= 92 for gap in itertools.chain(*between))
    assert len(set(np.round(between[0], 3))) == 39
    assert not np.allclose(between[0], between[1])
    assert_array_equal(between[0], np.diff(SimulatedSubject(1, 0.5, 16).onsets()))
