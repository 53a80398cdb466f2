"""EOG removal: several EOG channels, recordings with pauses, and what else a recording may hold."""

from __future__ import annotations

import json
from pathlib import Path

import mne
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from eegemo import ConfigError, DataFormatError
from eegemo.preprocessing import average_reference, eog_correlation, high_pass, remove_eog, steps_done

NAMES = ["Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2"]
SFREQ = 128
WEIGHTS = np.stack([np.linspace(0.9, 0.0, 10), np.tile([0.3, -0.3], 5)], axis=1)


def eyes(n_times: int, noise: float = 1e-7) -> np.ndarray:
    """Blinks of 300 µV and gaze of 100 µV, shape (2, n_times)."""
    rng = np.random.default_rng(5)
    blinks, gaze = np.zeros((2, n_times))
    for start in range(200, n_times - 60, 384):
        blinks[start : start + 51] += 300e-6 * np.hanning(51)
    for start in range(300, n_times, 250):
        gaze[start:] = 100e-6 * rng.standard_normal()
    gaze = mne.filter.filter_data(gaze, SFREQ, 0.5, 30, verbose="error")
    return np.stack([blinks, gaze]) + noise * rng.standard_normal((2, n_times))


def recording(eog: np.ndarray, weights: np.ndarray = WEIGHTS) -> tuple[mne.io.RawArray, np.ndarray]:
    """White EEG of 10 µV that sees the EOG with the weights, and the EEG alone."""
    brain = 1e-5 * np.random.default_rng(0).standard_normal((10, eog.shape[1]))
    types = ["eeg"] * 10 + ["eog"] * len(eog)
    info = mne.create_info([*NAMES, *(f"EOG{i}" for i in range(len(eog)))], SFREQ, types)
    return mne.io.RawArray(np.vstack([brain + weights @ eog, eog]), info, verbose="error"), brain


def centred(samples: np.ndarray) -> np.ndarray:
    return np.asarray(samples - samples.mean(axis=-1, keepdims=True))


def projector(description: str) -> mne.Projection:
    vector = {"col_names": NAMES, "row_names": None, "data": np.ones((1, 10)) / np.sqrt(10), "nrow": 1, "ncol": 10}
    return mne.Projection(data=vector, active=False, kind=1, desc=description)


# Weights


@pytest.mark.parametrize("h_freq", [None, 6.0])
def test_blinks_and_gaze_are_told_apart(h_freq: float | None) -> None:
    eog = eyes(60 * SFREQ)
    raw, brain = recording(eog)
    got = remove_eog(raw, eog_h_freq=h_freq)
    weights = np.array(steps_done(got)[-1]["weights"])
    assert_allclose(weights, WEIGHTS, atol=0.03)  # white noise of 10 µV moves a weight by 0.005
    left = centred(got.get_data(picks="eeg") - brain)
    assert left.std() < 0.1 * brain.std() < 0.1 * (WEIGHTS @ eog).std()


def test_the_weights_are_those_of_numpy_in_the_order_of_the_channels_named() -> None:
    raw, _ = recording(eyes(60 * SFREQ))
    step = steps_done(remove_eog(raw, eog_channels=["EOG1", "EOG0"], eog_h_freq=None))[-1]
    data = centred(raw.get_data())
    expected = np.linalg.lstsq(data[[11, 10]].T, data[:10].T)[0].T
    assert step["eog_channels"] == ["EOG1", "EOG0"]
    assert_allclose(step["weights"], expected, atol=1e-3)


def test_a_channel_of_another_type_can_serve_as_eog() -> None:
    raw, _ = recording(eyes(60 * SFREQ))
    expected = remove_eog(raw).get_data()
    raw.set_channel_types({"EOG0": "misc", "EOG1": "misc"}, on_unit_change="ignore", verbose="error")
    assert_allclose(remove_eog(raw, eog_channels=["EOG0", "EOG1"]).get_data(), expected, rtol=0, atol=1e-12)


def test_the_unit_of_the_eog_does_not_matter() -> None:
    raw, _ = recording(eyes(60 * SFREQ))
    expected = remove_eog(raw).get_data(picks="eeg")
    raw._data[10] *= -1e3
    assert_allclose(remove_eog(raw).get_data(picks="eeg"), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("h_freq", [None, 6.0])
def test_the_same_eog_twice_counts_once_or_is_refused_in_words(h_freq: float | None) -> None:
    eog = eyes(60 * SFREQ)[:1]
    raw, _ = recording(eog, WEIGHTS[:, :1])
    expected = remove_eog(raw, eog_h_freq=h_freq).get_data(picks="eeg")
    twice, _ = recording(np.repeat(eog, 2, axis=0), WEIGHTS[:, :1] * [[1, 0]])
    try:
        got = remove_eog(twice, eog_h_freq=h_freq)
    except (ConfigError, DataFormatError) as error:
        assert "EOG0, EOG1" in str(error)  # either outcome is sound
    else:
        assert_allclose(got.get_data(picks="eeg"), expected, rtol=0, atol=1e-9)


# What is fast in the EOG


def quick_blinks(n_times: int) -> np.ndarray:
    """Blinks of 300 µV and 0.2 s, of which much lies above 6 Hz; shape (1, n_times)."""
    course = np.zeros((1, n_times))
    for start in range(200, n_times - 60, 384):
        course[0, start : start + 26] = 300e-6 * np.hanning(26)
    return course


def test_a_blink_between_perfect_silence_is_removed_wholly() -> None:
    raw, brain = recording(centred(quick_blinks(60 * SFREQ)), WEIGHTS[:, :1])
    left = centred(remove_eog(raw).get_data(picks="Fp1") - brain[:1])
    assert np.abs(left).max() < 5e-6  # of 270 µV


def test_a_pause_in_the_recording_does_not_leave_blinks_in() -> None:
    eog = quick_blinks(60 * SFREQ) + 1e-6 * np.random.default_rng(0).standard_normal(60 * SFREQ)
    eog -= eog.mean()
    eog[:, 20 * SFREQ : 30 * SFREQ] = 0
    raw, brain = recording(eog, WEIGHTS[:, :1])
    raw.set_annotations(mne.Annotations([20.0], [10.0], ["BAD_ACQ_SKIP"]))
    left = centred(remove_eog(raw).get_data(picks="Fp1") - brain[:1])
    assert np.abs(left).max() < 10e-6  # of 270 µV


def test_the_fast_part_of_the_eog_enters_during_eye_movements_alone() -> None:
    """30 Hz throughout the EOG, from the brain: between blinks nothing of it gets into the EEG."""
    eog = eyes(60 * SFREQ)[:1]
    wave = 10e-6 * np.sin(2 * np.pi * 30 * np.arange(eog.shape[1]) / SFREQ)
    raw, _ = recording(eog, WEIGHTS[:, :1])
    raw._data[10] += wave
    brain = raw.get_data(picks="eeg") - WEIGHTS[:, :1] * eog
    between = np.abs(mne.filter.filter_data(eog[0], SFREQ, None, 5, verbose="error")) < 1e-6
    assert 0.2 < between.mean() < 0.9
    added = (remove_eog(raw).get_data(picks="Fp1")[0] - brain[0])[between]
    assert added.std() < 0.1 * 0.9 * wave.std()
    all_of_it = (remove_eog(raw, eog_h_freq=None).get_data(picks="Fp1")[0] - brain[0])[between]
    assert all_of_it.std() > 0.5 * 0.9 * wave.std()


# What else is in the recording


def test_bad_channels_are_neither_corrected_nor_used() -> None:
    eog = eyes(60 * SFREQ)
    raw, _ = recording(eog)
    raw.info["bads"] = ["C3", "EOG1"]
    got = remove_eog(raw)
    step = steps_done(got)[-1]
    assert step["eog_channels"] == ["EOG0"]
    assert step["channels"] == [name for name in NAMES if name != "C3"]
    assert_array_equal(got.get_data(picks=["C3", "EOG0", "EOG1"]), raw.get_data(picks=["C3", "EOG0", "EOG1"]))
    assert got.info["bads"] == ["C3", "EOG1"]


def test_an_eeg_channel_that_is_flat_has_nothing_to_explain() -> None:
    raw, _ = recording(eyes(60 * SFREQ))
    raw._data[4] = 0
    step = steps_done(remove_eog(raw))[-1]
    assert (step["variance_explained"][4], step["r_before"][4], step["r_after"][4]) == (0, 0, 0)
    assert np.isfinite(np.array(step["weights"])).all()


@pytest.mark.parametrize("method", ["regression", "ica"])
@pytest.mark.parametrize("custom", [False, True])
def test_what_the_recording_says_of_its_reference_stays(custom: bool, method: str) -> None:
    raw, _ = recording(eyes(40 * SFREQ))
    if custom:
        raw = average_reference(raw)
    got = remove_eog(raw, method)  # type: ignore[arg-type]
    assert bool(got.info["custom_ref_applied"]) is custom
    assert bool(raw.info["custom_ref_applied"]) is custom
    assert (got.info["lowpass"], got.info["highpass"]) == (raw.info["lowpass"], raw.info["highpass"])


def test_the_recordings_own_projectors_stay() -> None:
    raw, _ = recording(eyes(40 * SFREQ))
    raw.set_eeg_reference(projection=True, verbose="error").apply_proj(verbose="error")
    assert [p["desc"] for p in remove_eog(raw).info["projs"]] == ["Average EEG reference"]


def test_an_active_projector_of_another_kind_is_no_removal_of_eog() -> None:
    raw, _ = recording(eyes(40 * SFREQ))
    raw.add_proj(projector("ECG-eeg-PCA-01"), verbose="error").apply_proj(verbose="error")
    assert steps_done(remove_eog(raw))[-1]["step"] == "remove_eog"


def test_a_projector_that_was_not_applied_is_named_in_our_words() -> None:
    raw, _ = recording(eyes(40 * SFREQ))
    raw.add_proj(projector("EOG-eeg-PCA-01"), verbose="error")
    with pytest.raises(ConfigError, match=r"EOG-eeg-PCA-01.*(apply_proj|del_proj)"):
        remove_eog(raw)


@pytest.mark.parametrize("second", ["regression", "ica"])
@pytest.mark.parametrize("first", ["regression", "ica"])
def test_a_second_removal_is_refused_whatever_the_methods(first: str, second: str) -> None:
    raw, _ = recording(eyes(40 * SFREQ))
    done = average_reference(remove_eog(raw, first))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=rf"removed already \(by {first}\).*start from the original"):
        remove_eog(done, second)  # type: ignore[arg-type]


def test_copy_false_corrects_in_place() -> None:
    raw, _ = recording(eyes(40 * SFREQ))
    expected = remove_eog(raw).get_data()
    assert remove_eog(raw, copy=False) is raw
    assert_array_equal(raw.get_data(), expected)


def test_a_recording_on_disk_stays_there(tmp_path: Path) -> None:
    recording(eyes(40 * SFREQ))[0].save(tmp_path / "eyes_raw.fif", verbose="error")
    raw = mne.io.read_raw(tmp_path / "eyes_raw.fif", verbose="error")
    assert remove_eog(raw).preload
    assert not raw.preload


# Notes


def test_the_record_survives_saving_beside_what_the_user_wrote(tmp_path: Path) -> None:
    raw, _ = recording(eyes(40 * SFREQ))
    raw.info["description"] = 'Jürgen\'s µV,\nsecond run ["x"]'
    done = remove_eog(high_pass(raw))
    done.save(tmp_path / "done_raw.fif", verbose="error")
    again = mne.io.read_raw(tmp_path / "done_raw.fif", verbose="error")
    assert steps_done(again) == steps_done(done)
    assert [step["step"] for step in steps_done(again)] == ["high_pass", "remove_eog"]
    assert again.info["description"].startswith('Jürgen\'s µV,\nsecond run ["x"]\n')
    assert json.loads(json.dumps(steps_done(again), allow_nan=False)) == steps_done(done)


def test_what_a_user_adds_to_the_description_afterwards_does_no_harm() -> None:
    raw = high_pass(recording(eyes(40 * SFREQ))[0])
    raw.info["description"] += "\nchecked by Anna"
    assert [step["step"] for step in steps_done(raw)] == ["high_pass"]
    done = remove_eog(raw)
    assert [step["step"] for step in steps_done(done)] == ["high_pass", "remove_eog"]
    assert "checked by Anna" in done.info["description"]


def test_the_correlation_is_numpys_with_the_eog_that_fits_best() -> None:
    raw, _ = recording(eyes(40 * SFREQ))
    data = raw.get_data()
    r = np.abs(np.corrcoef(data)[:10, 10:])
    assert_allclose(list(eog_correlation(raw).values()), r.max(axis=1), atol=1e-3)
    assert_allclose(list(eog_correlation(raw, ["EOG1"]).values()), r[:, 1], atol=1e-3)
    assert eog_correlation(raw.copy().drop_channels(["EOG0", "EOG1"])) == {}


# ICA


def independent(seconds: int = 60) -> tuple[mne.io.RawArray, np.ndarray]:
    """Nine Laplacian sources, mixed, and blinks; the EEG without blinks."""
    rng = np.random.default_rng(3)
    brain = rng.standard_normal((10, 9)) @ (5e-6 * rng.laplace(size=(9, seconds * SFREQ)))
    blinks = eyes(seconds * SFREQ)[:1]
    types = ["eeg"] * 10 + ["eog"]
    data = np.vstack([brain + WEIGHTS[:, :1] * blinks, blinks])
    return mne.io.RawArray(data, mne.create_info([*NAMES, "EOG0"], SFREQ, types), verbose="error"), brain


def test_ica_takes_the_blinks_and_leaves_the_rest() -> None:
    raw, brain = independent()
    got = remove_eog(raw, "ica")
    step = steps_done(got)[-1]
    assert (step["n_components"], step["n_removed"]) == (10, 1)
    assert centred(got.get_data(picks="eeg") - brain).std() < 0.1 * brain.std()
    assert_array_equal(got.get_data(picks="EOG0"), raw.get_data(picks="EOG0"))
    map_ = np.array(step["weights"])[:, 0]
    assert abs(np.corrcoef(map_, WEIGHTS[:, 0])[0, 1]) > 0.99


def test_ica_gives_the_same_from_the_same_start() -> None:
    raw, _ = independent(30)
    one, two = (remove_eog(raw, "ica", random_state=4).get_data() for _ in range(2))
    assert_array_equal(one, two)


def test_a_single_channel_has_no_independent_components() -> None:
    raw, _ = recording(eyes(40 * SFREQ))
    with pytest.raises(ConfigError, match=r"(?i)ica|independent"):
        remove_eog(raw.pick(["Fp1", "EOG0"]), "ica")


def test_an_unknown_eog_channel_is_named_whatever_asks_for_it() -> None:
    raw, _ = recording(eyes(40 * SFREQ))
    with pytest.raises(ConfigError, match="'EOG7'"):
        remove_eog(raw, "ica", eog_channels=["EOG0", "EOG7"])
    with pytest.raises(ConfigError, match="EOG7"):
        eog_correlation(raw, ["EOG7"])
