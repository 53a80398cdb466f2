"""Removal of ocular artefacts: by one EOG channel and several, by ICA, and what else a recording may hold."""

from __future__ import annotations

import json
from pathlib import Path

import mne
import numpy as np
import pytest
import scipy.signal
from numpy.testing import assert_allclose, assert_array_equal

from eegemo import ConfigError, DataFormatError, Preprocessing, preprocess
from eegemo.preprocessing import average_reference, eog_correlation, high_pass, remove_eog, steps_done

NAMES = ["Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2"]
SFREQ = 128
#: At each EEG channel: of the blinks of ``mixture``, and of blinks and gaze of ``eyes``.
BLINK_WEIGHTS = np.array([0.5, 0.48, 0.3, 0.28, 0.1, 0.1, 0.04, 0.04, 0.01, 0.0])
WEIGHTS = np.stack([np.linspace(0.9, 0.0, 10), np.tile([0.3, -0.3], 5)], axis=1)


def blinks(n: int) -> np.ndarray:
    """A blink of 300 µV and 0.4 s every three seconds."""
    course = np.zeros(n)
    for start in range(200, n - 100, 384):
        course[start : start + 51] += 300e-6 * np.hanning(51)
    return course - course.mean()


def mixture(seconds: int = 120, *, brain_in_eog: float = 0.0) -> tuple[mne.io.RawArray, np.ndarray]:
    """EEG with known weights of the blinks, and the EEG without them. Alpha of 10 µV everywhere, one course."""
    rng = np.random.default_rng(0)
    n = int(seconds * SFREQ)
    alpha = 10e-6 * np.sin(2 * np.pi * 10 * np.arange(n) / SFREQ)
    clean = 5e-6 * rng.standard_normal((len(NAMES), n)) + alpha
    course = blinks(n)
    eog = course + brain_in_eog * alpha + 1e-7 * rng.standard_normal(n)
    data = np.vstack([clean + BLINK_WEIGHTS[:, None] * course, eog])
    raw = mne.io.RawArray(data, mne.create_info([*NAMES, "vEOG"], SFREQ, ["eeg"] * 10 + ["eog"]), verbose="error")
    return raw.set_montage("colin27_1005", on_missing="ignore", verbose="error"), clean


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


def alpha_power(samples: np.ndarray) -> np.ndarray:
    f, power = scipy.signal.welch(samples, SFREQ, nperseg=256)
    return np.asarray(power[..., (f >= 9) & (f <= 11)].sum(axis=-1))


# Weights


@pytest.mark.parametrize("h_freq", [6.0, None])
def test_the_regression_finds_the_weights_and_restores_the_eeg(h_freq: float | None) -> None:
    raw, clean = mixture()
    got = remove_eog(raw, eog_h_freq=h_freq)
    weights = np.array(steps_done(got)[-1]["weights"])[:, 0]
    assert_allclose(weights, BLINK_WEIGHTS, atol=0.01)
    left = got.get_data(picks="eeg") - clean
    assert left.std(axis=1).max() < 0.05 * (BLINK_WEIGHTS.max() * blinks(raw.n_times)).std()


@pytest.mark.parametrize("h_freq", [None, 6.0])
def test_blinks_and_gaze_are_told_apart(h_freq: float | None) -> None:
    eog = eyes(60 * SFREQ)
    raw, brain = recording(eog)
    got = remove_eog(raw, eog_h_freq=h_freq)
    weights = np.array(steps_done(got)[-1]["weights"])
    assert_allclose(weights, WEIGHTS, atol=0.03)  # white noise of 10 µV moves a weight by 0.005
    left = centred(got.get_data(picks="eeg") - brain)
    assert left.std() < 0.1 * brain.std() < 0.1 * (WEIGHTS @ eog).std()


def test_on_all_frequencies_it_is_mnes_and_numpys_regression() -> None:
    raw, _ = mixture()
    got = remove_eog(raw, eog_h_freq=None).get_data(picks="eeg")
    data = raw.get_data()
    centred = data - data.mean(axis=1, keepdims=True)
    solved = np.linalg.lstsq(centred[10:].T, centred[:10].T)[0].T
    assert_allclose(got, data[:10] - solved @ centred[10:], atol=1e-12)
    declared = raw.copy().set_eeg_reference([], verbose="error")
    theirs = mne.preprocessing.EOGRegression().fit(declared).apply(declared)
    assert_allclose(got, theirs.get_data(picks="eeg"), atol=1e-12)


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


def test_the_regression_commutes_with_the_average_reference() -> None:
    raw, _ = mixture()
    one = average_reference(remove_eog(raw)).get_data(picks="eeg")
    other = remove_eog(average_reference(raw)).get_data(picks="eeg")
    assert_allclose(one, other, atol=1e-12)


# What is fast in the EOG


def test_alpha_that_the_eog_records_is_spared() -> None:
    raw, clean = mixture(brain_in_eog=0.8)
    spared = alpha_power(remove_eog(raw).get_data(picks="eeg")) / alpha_power(clean)
    taken = alpha_power(remove_eog(raw, eog_h_freq=None).get_data(picks="eeg")) / alpha_power(clean)
    assert np.abs(spared - 1).max() < 0.05
    assert taken[0] < 0.8  # what it is spared from: 0.5 x 0.8 of its amplitude goes with the EOG


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


def test_eog_and_other_channels_stay_as_they_were() -> None:
    raw, _ = mixture()
    before = raw.get_data()
    got = remove_eog(raw)
    assert_array_equal(got.get_data(picks="vEOG"), before[10:])
    assert_array_equal(raw.get_data(), before)
    assert steps_done(raw) == []
    assert got.info["custom_ref_applied"] == raw.info["custom_ref_applied"]


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


def test_flat_eog_is_not_used() -> None:
    raw, _ = mixture(20)
    flat = mne.io.RawArray(np.zeros((1, raw.n_times)), mne.create_info(["hEOG"], SFREQ, "eog"), verbose="error")
    both = raw.copy().add_channels([flat], force_update_info=True)
    with pytest.warns(UserWarning, match="EOG channels hEOG are flat and were not used"):
        assert steps_done(remove_eog(both))[-1]["eog_channels"] == ["vEOG"]
    both.drop_channels(["vEOG"])
    with pytest.raises(DataFormatError, match="EOG channels hEOG are flat"):
        remove_eog(both)


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


# A second removal


def test_a_second_removal_is_refused_even_after_saving(tmp_path: Path) -> None:
    raw, _ = mixture(20)
    raw.info["description"] = "Anna's recording"
    done = remove_eog(raw)
    done.save(tmp_path / "done_raw.fif", verbose="error")
    again = mne.io.read_raw_fif(tmp_path / "done_raw.fif", verbose="error")
    assert again.info["description"].startswith("Anna's recording\n")
    with pytest.raises(ConfigError, match=r"removed already \(by regression\).*Set eog=None"):
        remove_eog(again)
    with pytest.raises(ConfigError, match="removed already"):
        preprocess(again)
    preprocess(again, Preprocessing(eog=None))


@pytest.mark.parametrize("second", ["regression", "ica"])
@pytest.mark.parametrize("first", ["regression", "ica"])
def test_a_second_removal_is_refused_whatever_the_methods(first: str, second: str) -> None:
    raw, _ = recording(eyes(40 * SFREQ))
    done = average_reference(remove_eog(raw, first))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=rf"removed already \(by {first}\).*start from the original"):
        remove_eog(done, second)  # type: ignore[arg-type]


def test_an_active_eog_projector_is_a_removal() -> None:
    raw, _ = mixture(20)
    raw.add_proj(projector("EOG-eeg--0.200-0.200-PCA-01"), verbose="error").apply_proj(verbose="error")
    with pytest.raises(ConfigError, match="by the projector EOG-eeg"):
        remove_eog(raw)


def test_an_active_projector_of_another_kind_is_no_removal_of_eog() -> None:
    raw, _ = recording(eyes(40 * SFREQ))
    raw.add_proj(projector("ECG-eeg-PCA-01"), verbose="error").apply_proj(verbose="error")
    assert steps_done(remove_eog(raw))[-1]["step"] == "remove_eog"


def test_a_projector_that_was_not_applied_is_named_in_our_words() -> None:
    raw, _ = recording(eyes(40 * SFREQ))
    raw.add_proj(projector("EOG-eeg-PCA-01"), verbose="error")
    with pytest.raises(ConfigError, match=r"EOG-eeg-PCA-01.*(apply_proj|del_proj)"):
        remove_eog(raw)


# Notes


def test_the_record_says_how_much_was_removed() -> None:
    raw, clean = mixture()
    step = steps_done(remove_eog(raw))[-1]
    data = raw.get_data()
    assert step["channels"] == NAMES
    assert step["eog_channels"] == ["vEOG"]
    r = np.abs(np.corrcoef(data)[10, :10])
    assert_allclose(step["r_before"], r, atol=1e-4)
    assert max(step["r_after"]) < 0.1 < max(step["r_before"])
    assert_allclose(step["variance_explained"], 1 - clean.var(axis=1) / data[:10].var(axis=1), atol=0.02)
    assert_allclose(list(eog_correlation(raw).values()), r, atol=1e-4)


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


def test_ica_removes_the_component_of_the_blinks() -> None:
    rng = np.random.default_rng(1)
    n = int(120 * SFREQ)
    sources = rng.laplace(size=(9, n)) * 5e-6
    mixing = rng.standard_normal((10, 9))
    course = blinks(n)
    clean = mixing @ sources
    data = np.vstack([clean + BLINK_WEIGHTS[:, None] * course, course + 1e-6 * rng.standard_normal(n)])
    raw = mne.io.RawArray(data, mne.create_info([*NAMES, "vEOG"], SFREQ, ["eeg"] * 10 + ["eog"]), verbose="error")
    got = remove_eog(raw, "ica")
    step = steps_done(got)[-1]
    assert step["n_removed"] == 1
    before = np.abs(np.corrcoef(data)[10, :10])
    after = np.abs(np.corrcoef(np.vstack([got.get_data(picks="eeg"), data[10:]]))[10, :10])
    assert before[0] > 0.5
    assert after.max() < 0.05
    assert np.corrcoef(got.get_data(picks="Fp1")[0], clean[0])[0, 1] > 0.99


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


def test_no_ocular_component_is_a_warning_and_nothing_is_changed() -> None:
    rng = np.random.default_rng(2)
    data = 1e-5 * rng.laplace(size=(11, 4000))
    raw = mne.io.RawArray(data, mne.create_info([*NAMES, "vEOG"], SFREQ, ["eeg"] * 10 + ["eog"]), verbose="error")
    with pytest.warns(UserWarning, match=r"No ocular component was found: none of 10 goes with vEOG.*left as they are"):
        got = remove_eog(raw, "ica")
    assert_array_equal(got.get_data(), data)
    assert steps_done(got)[-1]["n_removed"] == 0


def test_frontal_channels_stand_in_for_eog_with_ica_alone() -> None:
    raw, _ = mixture()
    raw.drop_channels(["vEOG"])
    with pytest.raises(ConfigError, match=r"Fp1 are EEG channels: a regression.*Use method 'ica'"):
        remove_eog(raw, eog_channels=["Fp1"])
    assert steps_done(remove_eog(raw, "ica", eog_channels=["Fp1"]))[-1]["n_removed"] >= 1


def test_a_single_channel_has_no_independent_components() -> None:
    raw, _ = recording(eyes(40 * SFREQ))
    with pytest.raises(ConfigError, match=r"(?i)ica|independent"):
        remove_eog(raw.pick(["Fp1", "EOG0"]), "ica")


# Requests that cannot be met


def test_without_eog_the_message_offers_what_can_be_done() -> None:
    raw, _ = mixture(20)
    raw.drop_channels(["vEOG"])
    with pytest.raises(ConfigError) as caught:
        remove_eog(raw)
    for words in ("no EOG to remove by", "Fp1, Fp2", "types", "bipolar", "'ica'", "eog None"):
        assert words in str(caught.value)
    with pytest.raises(ConfigError, match="EOG channel 'hEOG' is not among"):
        remove_eog(raw, eog_channels=["hEOG"])


def test_an_unknown_eog_channel_is_named_whatever_asks_for_it() -> None:
    raw, _ = recording(eyes(40 * SFREQ))
    with pytest.raises(ConfigError, match="'EOG7'"):
        remove_eog(raw, "ica", eog_channels=["EOG0", "EOG7"])
    with pytest.raises(ConfigError, match="EOG7"):
        eog_correlation(raw, ["EOG7"])


def test_impossible_settings_are_refused() -> None:
    raw, _ = mixture(20)
    with pytest.raises(ConfigError, match="'regression' or 'ica', got 'magic'"):
        remove_eog(raw, "magic")  # type: ignore[arg-type]
    for h_freq in (0.0, -1.0, 63.0):
        with pytest.raises(ConfigError, match="eog_h_freq must lie between 0 and 62 Hz"):
            remove_eog(raw, eog_h_freq=h_freq)


# Real recordings


@pytest.mark.parametrize(("method", "limit"), [("regression", 0.2), ("ica", 0.3)])
def test_real_blinks_are_removed(real_data: Path, method: str, limit: float) -> None:
    with np.load(real_data / "eog_biosemi" / "ica_ocular_128hz.npz") as stored:
        info = mne.create_info([str(name) for name in stored["ch_names"]], 128.0, "eeg")
        raw = mne.io.RawArray(stored["X"] * 1e-6, info, verbose="error")
    vertical = raw.get_data(picks="TE")[0] - raw.get_data(picks="BE")[0]
    eog = mne.filter.filter_data(vertical, 128.0, 4, 45, verbose="error")
    steps = Preprocessing(
        types=(("LM", "misc"), ("RM", "misc"), ("UnknownChannel1", "misc"), ("UnknownChannel2", "misc")),
        bipolar=(("hEOG", "eog", "LC", "RC"), ("vEOG", "eog", "TE", "BE")),
        eog=method,  # type: ignore[arg-type]
    )
    before = mne.filter.filter_data(raw.get_data(picks="Fp1")[0], 128.0, 4, 45, verbose="error")
    after = preprocess(raw, steps).get_data(picks="Fp1")[0]
    assert abs(np.corrcoef(before, eog)[0, 1]) > 0.95
    assert abs(np.corrcoef(after, eog)[0, 1]) < limit
