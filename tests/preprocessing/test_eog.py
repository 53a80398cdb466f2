"""Removal of ocular artefacts."""

from __future__ import annotations

from pathlib import Path

import mne
import numpy as np
import pytest
import scipy.signal
from numpy.testing import assert_allclose, assert_array_equal

from eegemo import ConfigError, DataFormatError, Preprocessing, preprocess
from eegemo.preprocessing import average_reference, eog_correlation, remove_eog, steps_done

NAMES = ["Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2"]
SFREQ = 128.0
WEIGHTS = np.array([0.5, 0.48, 0.3, 0.28, 0.1, 0.1, 0.04, 0.04, 0.01, 0.0])


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
    data = np.vstack([clean + WEIGHTS[:, None] * course, eog])
    raw = mne.io.RawArray(data, mne.create_info([*NAMES, "vEOG"], SFREQ, ["eeg"] * 10 + ["eog"]), verbose="error")
    return raw.set_montage("colin27_1005", on_missing="ignore", verbose="error"), clean


def alpha_power(samples: np.ndarray) -> np.ndarray:
    f, power = scipy.signal.welch(samples, SFREQ, nperseg=256)
    return np.asarray(power[..., (f >= 9) & (f <= 11)].sum(axis=-1))


@pytest.mark.parametrize("h_freq", [6.0, None])
def test_the_regression_finds_the_weights_and_restores_the_eeg(h_freq: float | None) -> None:
    raw, clean = mixture()
    got = remove_eog(raw, eog_h_freq=h_freq)
    weights = np.array(steps_done(got)[-1]["weights"])[:, 0]
    assert_allclose(weights, WEIGHTS, atol=0.01)
    left = got.get_data(picks="eeg") - clean
    assert left.std(axis=1).max() < 0.05 * (WEIGHTS.max() * blinks(raw.n_times)).std()


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


def test_alpha_that_the_eog_records_is_spared() -> None:
    raw, clean = mixture(brain_in_eog=0.8)
    spared = alpha_power(remove_eog(raw).get_data(picks="eeg")) / alpha_power(clean)
    taken = alpha_power(remove_eog(raw, eog_h_freq=None).get_data(picks="eeg")) / alpha_power(clean)
    assert np.abs(spared - 1).max() < 0.05
    assert taken[0] < 0.8  # what it is spared from: 0.5 x 0.8 of its amplitude goes with the EOG


def test_eog_and_other_channels_stay_as_they_were() -> None:
    raw, _ = mixture()
    before = raw.get_data()
    got = remove_eog(raw)
    assert_array_equal(got.get_data(picks="vEOG"), before[10:])
    assert_array_equal(raw.get_data(), before)
    assert steps_done(raw) == []
    assert got.info["custom_ref_applied"] == raw.info["custom_ref_applied"]


def test_the_regression_commutes_with_the_average_reference() -> None:
    raw, _ = mixture()
    one = average_reference(remove_eog(raw)).get_data(picks="eeg")
    other = remove_eog(average_reference(raw)).get_data(picks="eeg")
    assert_allclose(one, other, atol=1e-12)


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


def test_ica_removes_the_component_of_the_blinks() -> None:
    rng = np.random.default_rng(1)
    n = int(120 * SFREQ)
    sources = rng.laplace(size=(9, n)) * 5e-6
    mixing = rng.standard_normal((10, 9))
    course = blinks(n)
    clean = mixing @ sources
    data = np.vstack([clean + WEIGHTS[:, None] * course, course + 1e-6 * rng.standard_normal(n)])
    raw = mne.io.RawArray(data, mne.create_info([*NAMES, "vEOG"], SFREQ, ["eeg"] * 10 + ["eog"]), verbose="error")
    got = remove_eog(raw, "ica")
    step = steps_done(got)[-1]
    assert step["n_removed"] == 1
    before = np.abs(np.corrcoef(data)[10, :10])
    after = np.abs(np.corrcoef(np.vstack([got.get_data(picks="eeg"), data[10:]]))[10, :10])
    assert before[0] > 0.5
    assert after.max() < 0.05
    assert np.corrcoef(got.get_data(picks="Fp1")[0], clean[0])[0, 1] > 0.99


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


def test_an_active_eog_projector_is_a_removal() -> None:
    raw, _ = mixture(20)
    vector = {"col_names": NAMES, "row_names": None, "data": np.ones((1, 10)) / np.sqrt(10), "nrow": 1, "ncol": 10}
    projector = mne.Projection(data=vector, active=False, kind=1, desc="EOG-eeg--0.200-0.200-PCA-01")
    raw.add_proj(projector, verbose="error")
    raw.apply_proj(verbose="error")
    with pytest.raises(ConfigError, match="by the projector EOG-eeg"):
        remove_eog(raw)


def test_without_eog_the_message_offers_what_can_be_done() -> None:
    raw, _ = mixture(20)
    raw.drop_channels(["vEOG"])
    with pytest.raises(ConfigError) as caught:
        remove_eog(raw)
    for words in ("no EOG to remove by", "Fp1, Fp2", "types", "bipolar", "'ica'", "eog None"):
        assert words in str(caught.value)
    with pytest.raises(ConfigError, match="EOG channel 'hEOG' is not among"):
        remove_eog(raw, eog_channels=["hEOG"])


def test_flat_eog_is_not_used() -> None:
    raw, _ = mixture(20)
    flat = mne.io.RawArray(np.zeros((1, raw.n_times)), mne.create_info(["hEOG"], SFREQ, "eog"), verbose="error")
    both = raw.copy().add_channels([flat], force_update_info=True)
    with pytest.warns(UserWarning, match="EOG channels hEOG are flat and were not used"):
        assert steps_done(remove_eog(both))[-1]["eog_channels"] == ["vEOG"]
    both.drop_channels(["vEOG"])
    with pytest.raises(DataFormatError, match="EOG channels hEOG are flat"):
        remove_eog(both)


def test_impossible_settings_are_refused() -> None:
    raw, _ = mixture(20)
    with pytest.raises(ConfigError, match="'regression' or 'ica', got 'magic'"):
        remove_eog(raw, "magic")  # type: ignore[arg-type]
    for h_freq in (0.0, -1.0, 63.0):
        with pytest.raises(ConfigError, match="eog_h_freq must lie between 0 and 62 Hz"):
            remove_eog(raw, eog_h_freq=h_freq)


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
