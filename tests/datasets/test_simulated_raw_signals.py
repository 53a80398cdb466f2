"""Signals of simulated raw recordings: the clean twin is the brain of simulate, artefacts are as in people."""

from __future__ import annotations

from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
import scipy.signal
from numpy.testing import assert_allclose

from deap_raw_files import GENEVA, OTHERS, correlation, path_of
from eegemo import load_deap_raw, write_simulated_raw
from eegemo.datasets import _deap_format as deap
from eegemo.datasets import _head_model
from eegemo.datasets._head_model import dipole_field, head_model, site_positions
from eegemo.datasets._simulated_recording import eog_leadfield
from eegemo.datasets._simulated_subject import SimulatedSubject
from eegemo.datasets.deap_triggers import read_deap_raw
from eegemo.datasets.simulated import DEFAULT_EFFECT, DEFAULT_SEED

EYES = ("EXG1", "EXG2", "EXG3", "EXG4")


FS = 512


def microvolts_of(path: Path, picks: list[str]) -> np.ndarray:
    return read_deap_raw(path).get_data(picks=picks) * 1e6


def every_channel(path: Path) -> dict[str, np.ndarray]:
    """Every channel but the trigger, as float32, by its name."""
    raw = mne.io.read_raw_bdf(path, stim_channel=-1, verbose="error")
    names = [*GENEVA, *OTHERS]
    data = raw.get_data(picks=names, units={"eeg": "uV"}).astype(np.float32)
    return dict(zip(names, data, strict=True))


@pytest.fixture(scope="module")
def simulated(raw_release: Path) -> dict[str, np.ndarray]:
    """Person 1: 32 EEG and four EOG electrodes, as recorded and clean, in microvolts_of."""
    names = [*deap.EEG, *EYES]
    return {
        kind: microvolts_of(raw_release / folder / "s01.bdf", names)
        for kind, folder in (("raw", "data_original"), ("clean", "data_original_clean"))
    }


@pytest.fixture(scope="module")
def recorded(raw_release: Path) -> dict[str, np.ndarray]:
    return every_channel(path_of(raw_release, 1))


@pytest.fixture(scope="module")
def clean(raw_release: Path) -> dict[str, np.ndarray]:
    return every_channel(path_of(raw_release, 1, "data_original_clean"))


@pytest.fixture(scope="module")
def artefacts(recorded: dict[str, np.ndarray], clean: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: recorded[name] - clean[name] for name in recorded}


def power_at(samples: np.ndarray, frequency: float) -> np.ndarray:
    f, power = scipy.signal.welch(samples, 512, nperseg=2048)
    return np.asarray(power[..., np.abs(f - frequency).argmin()])


def in_band(samples: np.ndarray, low: float, high: float, sfreq: float) -> np.ndarray:
    """Take everything else out of the spectrum: no filter of the package."""
    spectrum = np.fft.rfft(samples, axis=-1)
    f = np.fft.rfftfreq(samples.shape[-1], 1 / sfreq)
    spectrum[..., (f < low) | (f > high)] = 0
    return np.asarray(np.fft.irfft(spectrum, samples.shape[-1], axis=-1))


def slow(samples: np.ndarray) -> np.ndarray:
    """Below 8 Hz: blinks and gaze without mains and muscles."""
    return np.asarray(scipy.signal.sosfiltfilt(scipy.signal.butter(2, 8, fs=FS, output="sos"), samples))


# The clean twin


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


@pytest.mark.parametrize("subject", [1, 24, 29])
def test_the_twins_trials_are_the_brains_of_simulate_but_for_the_sensors_noise(raw_release: Path, subject: int) -> None:
    channels = every_channel(path_of(raw_release, subject, "data_original_clean"))
    eeg = np.stack([channels[name] for name in GENEVA]).astype(float)
    eeg -= eeg.mean(axis=0)
    simulated = SimulatedSubject(subject, DEFAULT_EFFECT, DEFAULT_SEED)
    for number in (0, 3):
        first = 4 * round(simulated.onsets()[number] * 128) - 3 * FS
        ours = in_band(eeg[:, first : first + 63 * FS], 5, 42, FS)[:, ::4]
        theirs = in_band(simulated.brain(int(simulated.order[number])), 5, 42, 128)
        inside = slice(256, -256)  # the ends of a piece that is cut out jump
        for x, y in zip(ours[:, inside], theirs[:, inside], strict=True):
            assert correlation(x, y) > 0.995  # of sensors 0.3 µV up to 256 Hz, so 0.11 µV in this band
            assert x @ y / (y @ y) == pytest.approx(1, abs=0.005)
        assert (
            np.abs(ours - theirs)[:, inside].max() < 1
        )  # 0.3 every_channel of noise in 0 to 256 Hz, a seventh of it here


def test_the_brain_goes_on_between_the_trials(simulated: dict[str, np.ndarray]) -> None:
    slow = scipy.signal.resample_poly(simulated["clean"][10], 1, 4)
    seconds = slow[: len(slow) // 128 * 128].reshape(-1, 128).std(axis=1)
    assert seconds.min() > 0.2 * np.median(seconds)
    jumps = np.abs(np.diff(simulated["clean"][10]))
    assert jumps.max() < 12 * jumps.std()  # nothing is cut off and put together


def test_only_the_electrodes_differ_between_a_recording_and_its_twin(
    recorded: dict[str, np.ndarray], clean: dict[str, np.ndarray]
) -> None:
    same = {name for name in recorded if np.array_equal(recorded[name], clean[name])}
    assert same == set(OTHERS) - {"EXG1", "EXG2", "EXG3", "EXG4"}


# Artefacts


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


def test_artefacts_know_nothing_of_the_brain(clean: dict[str, np.ndarray], artefacts: dict[str, np.ndarray]) -> None:
    assert max(abs(correlation(np.diff(artefacts[name]), np.diff(clean[name]))) for name in GENEVA) < 0.05


def test_the_potential_common_to_all_electrodes_is_common(simulated: dict[str, np.ndarray]) -> None:
    # Mains of each electrode's own are small beside what all have in common.
    assert power_at(simulated["raw"][5] - simulated["raw"][20], 50) < 0.3 * power_at(simulated["raw"][5], 50)


def test_blinks_come_15_times_a_minute_with_100_to_400_microvolts(artefacts: dict[str, np.ndarray]) -> None:
    eye = slow(artefacts["EXG3"] - artefacts["EXG4"])
    peaks, found = scipy.signal.find_peaks(eye, prominence=90, width=(None, FS))
    minutes = len(eye) / FS / 60
    assert 10 < len(peaks) / minutes < 20
    smallest, middle, largest = np.percentile(found["prominences"], [10, 50, 90])
    assert smallest > 90
    assert 180 < middle < 280
    assert largest < 450  # with a move of the gaze below some of them


def test_blinks_are_strongest_on_the_forehead_and_alike_on_both_sides(artefacts: dict[str, np.ndarray]) -> None:
    eye = slow(artefacts["EXG3"] - artefacts["EXG4"])
    peaks, _ = scipy.signal.find_peaks(eye[FS:-FS], prominence=120, width=(None, FS))
    peaks += FS

    def height(name: str) -> float:
        course = slow(artefacts[name])
        return float(np.mean(course[peaks] - (course[peaks - 100] + course[peaks + 180]) / 2))

    heights = {name: height(name) for name in GENEVA}
    assert set(sorted(heights, key=lambda name: -abs(heights[name]))[:2]) == {"Fp1", "Fp2"}
    for left, right in (("Fp1", "Fp2"), ("AF3", "AF4"), ("F3", "F4")):
        assert heights[left] == pytest.approx(heights[right], rel=0.15)
    assert heights["Fp1"] > heights["AF3"] > heights["F3"] > heights["FC1"] > heights["C3"]
    assert heights["Fp1"] > 80
    assert height("EXG3") > 0 > height("EXG4")  # a blink is positive above the eye


def test_gaze_to_one_side_is_the_reverse_of_gaze_to_the_other(artefacts: dict[str, np.ndarray]) -> None:
    def step(samples: np.ndarray) -> np.ndarray:
        low = slow(samples)
        return np.asarray(low[51:] - low[:-51])  # in a tenth of a second

    eye = step(artefacts["EXG1"] - artefacts["EXG2"])
    moves = np.abs(eye) > 40
    assert moves.any()

    def weight(name: str) -> float:
        return float(step(artefacts[name])[moves] @ eye[moves] / (eye[moves] @ eye[moves]))

    assert weight("F7") > 0.2
    for left, right in (("F7", "F8"), ("FC5", "FC6"), ("T7", "T8")):
        assert weight(left) == pytest.approx(-weight(right), abs=0.05)
    assert abs(weight("Cz")) < 0.05


def test_muscles_burst_near_temples_neck_and_forehead(raw_release: Path) -> None:
    band = scipy.signal.butter(4, (57, 93), "bandpass", fs=FS, output="sos")  # between the mains' harmonics
    for subject in (1, 24):
        theirs, twins = (
            every_channel(path_of(raw_release, subject, f)) for f in ("data_original", "data_original_clean")
        )
        fast = scipy.signal.sosfiltfilt(band, np.stack([theirs[name] - twins[name] for name in GENEVA]))
        size = fast[:, : fast.shape[1] // 64 * 64].reshape(32, -1, 64).std(axis=2)
        assert size.max() > 5 * np.median(size)
        assert GENEVA[int(size.max(axis=1).argmax())] in {"F7", "F8", "T7", "T8", "Fp1", "Fp2", "O1", "O2"}


def test_flat_and_noisy_channels_are_so_on_request(tmp_path: Path) -> None:
    write_simulated_raw(tmp_path, [23], n_trials=1, flat=["Pz"], noisy=["F3"])
    flat, noisy, other = microvolts_of(tmp_path / "data_original" / "s23.bdf", ["Pz", "F3", "C3"])
    assert flat.std() == 0
    fast = [np.diff(channel).std() for channel in (noisy, other)]
    assert fast[0] > 10 * fast[1]
    assert microvolts_of(tmp_path / "data_original_clean" / "s23.bdf", ["Pz"]).std() > 1


def test_a_noisy_channel_has_300_microvolts_and_a_flat_one_none_and_the_stage_says_so(tmp_path: Path) -> None:
    path, _ = write_simulated_raw(tmp_path, [2], n_trials=1, flat=["Pz", "O2"], noisy=["F3"])
    ours, twins = every_channel(path), every_channel(path_of(tmp_path, 2, "data_original_clean"))
    assert ours["Pz"].std() == ours["O2"].std() == 0
    assert np.diff(ours["F3"] - twins["F3"]).std() / np.sqrt(2) == pytest.approx(300, rel=0.05)
    assert np.diff(ours["F4"] - twins["F4"]).std() < 30
    assert min(twins[name].std() for name in ("Pz", "O2", "F3")) > 1
    with pytest.warns(UserWarning, match=r"s02\.bdf: .*interpolated: (?=.*Pz: flat)(?=.*O2: flat)(?=.*F3: noisy)"):
        load_deap_raw(tmp_path, channels=["Fp1"])


def test_the_resistance_of_the_skin_is_the_same_in_both_units(raw_release: Path) -> None:
    twente = microvolts_of(raw_release / "data_original" / "s01.bdf", ["GSR1"])[0]
    geneva = microvolts_of(raw_release / "data_original" / "s24.bdf", ["GSR1"])[0]
    for ohm in (1e9 / twente, geneva):
        assert 50_000 < ohm.min() < ohm.max() < 250_000


# The head


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
    field = eog_leadfield(SimulatedSubject(1, 0.25, 16))
    brain = np.linalg.norm(SimulatedSubject(1, 0.25, 16).leadfield, axis=1)
    assert field.shape == (4, 24)
    assert (np.linalg.norm(field, axis=1) > 0.1 * np.median(brain)).all()


def test_electrodes_lie_on_the_sphere_in_the_order_of_geneva() -> None:
    info, sphere = head_model()
    assert info["ch_names"] == GENEVA
    places = np.array([channel["loc"][:3] for channel in info["chs"]])
    far = np.linalg.norm(places - sphere["r0"], axis=1)
    assert_allclose(far, sphere.radius, rtol=0.12)
    at = dict(zip(GENEVA, places, strict=True))
    assert at["T7"][0] < at["C3"][0] < at["Cz"][0] < at["C4"][0] < at["T8"][0]  # x to the right
    assert at["Oz"][1] < at["Pz"][1] < at["Cz"][1] < at["Fz"][1] < at["Fp1"][1]  # y to the front
    assert (np.linalg.norm(site_positions() - sphere["r0"], axis=1) < sphere["layers"][0]["rad"]).all()


def test_the_field_of_a_dipole_is_that_of_each_electrode_alone_and_linear() -> None:
    info, sphere = head_model()
    positions = sphere["r0"] + np.array([[0.0, 0.03, 0.05], [0.04, 0.0, 0.04]])
    field = dipole_field(info, positions)
    assert field.shape == (32, 2, 3)
    few = mne.pick_info(info, [5, 20])
    assert_allclose(dipole_field(few, positions), field[[5, 20]], rtol=1e-6)  # no reference among the electrodes
    assert_allclose(dipole_field(info, positions[[1]])[:, 0], field[:, 1], rtol=1e-6)
    sites = dipole_field(info, site_positions())
    assert np.linalg.norm(sites, axis=(0, 2)).mean() == pytest.approx(1)


def test_the_field_of_a_dipole_in_the_centre_is_the_cosine_over_the_squared_distance() -> None:
    info, sphere = head_model()
    up = dipole_field(info, sphere["r0"][None] + [[0, 0, 1e-4]])[:, 0, 2]
    offsets = np.array([channel["loc"][:3] for channel in info["chs"]]) - sphere["r0"]
    expected = offsets[:, 2] / np.linalg.norm(offsets, axis=1) ** 3  # layers around the centre only scale it
    assert_allclose(up / up.max(), expected / expected.max(), atol=0.02)
