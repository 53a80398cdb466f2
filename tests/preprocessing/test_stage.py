"""The whole stage, and a session of it."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
import scipy.signal
from numpy.testing import assert_array_equal

from eegemo import ConfigError, DataFormatError, Preprocessing, preprocess
from eegemo.preprocessing import steps_done
from eegemo.preprocessing.recording import Recording

NAMES = ["Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2"]
EYES = Preprocessing(types=(("VEOG", "eog"),))


def recording(sfreq: float = 512.0, seconds: int = 40) -> mne.io.RawArray:
    """Noise of 10 µV with offsets and mains at ten EEG channels, which see a blinking VEOG by known weights."""
    rng = np.random.default_rng(0)
    n = int(seconds * sfreq)
    t = np.arange(n) / sfreq
    eye = 300e-6 * (np.sin(2 * np.pi * 0.3 * t) > 0.97) + 2e-6 * rng.standard_normal(n)
    weights = np.linspace(0.5, 0, 10)[:, None]
    eeg = 10e-6 * rng.standard_normal((10, n)) + weights * eye + 20e-6 * np.sin(2 * np.pi * 50 * t)
    eeg += 1e-3 * rng.standard_normal((10, 1))
    return mne.io.RawArray(np.vstack([eeg, eye]), mne.create_info([*NAMES, "VEOG"], sfreq, "eeg"), verbose="error")


def test_every_step_is_taken_once_in_the_documented_order() -> None:
    raw = recording()
    before = raw.get_data()
    clean = preprocess(raw, EYES)
    assert [step["step"] for step in steps_done(clean)] == [
        "downsample",
        "name_channels",
        "high_pass",
        "interpolate_bad_channels",
        "remove_eog",
        "band_pass",
        "average_reference",
        "preprocess",
    ]
    assert clean.info["sfreq"] == 128
    assert_array_equal(raw.get_data(), before)
    assert raw.get_channel_types() == ["eeg"] * 11
    assert steps_done(raw) == []


@pytest.mark.parametrize(
    ("field", "step"),
    [
        ("high_pass", "high_pass"),
        ("bad_channels", "interpolate_bad_channels"),
        ("eog", "remove_eog"),
        ("band", "band_pass"),
        ("reference", "average_reference"),
    ],
)
def test_none_leaves_a_step_out(field: str, step: str) -> None:
    without = replace(EYES, **{field: None})  # type: ignore[arg-type]
    done = {entry["step"] for entry in steps_done(preprocess(recording(seconds=12), without))}
    assert step not in done
    assert len(done) == 7


def test_no_sampling_rate_keeps_the_recordings_own() -> None:
    assert preprocess(recording(seconds=12), replace(EYES, sfreq=None)).info["sfreq"] == 512


def test_it_is_what_the_plain_script_gives_between_6_and_40_hz() -> None:
    raw = recording(seconds=60)
    ours = preprocess(raw, replace(EYES, bad_channels=None, eog_h_freq=None)).get_data(picks="eeg")
    script = raw.copy().set_channel_types({"VEOG": "eog"}, verbose="error").resample(128, verbose="error")
    script.filter(1, None, picks=["eeg", "eog"], verbose="error").set_eeg_reference("average", verbose="error")
    script = mne.preprocessing.EOGRegression().fit(script).apply(script).filter(4, 45, verbose="error")
    theirs = script.get_data(picks="eeg")
    sos = scipy.signal.butter(6, (6, 40), "bandpass", fs=128, output="sos")
    a, b = (scipy.signal.sosfiltfilt(sos, data, axis=1)[:, 256:-256] for data in (ours, theirs))
    assert np.sqrt(((a - b) ** 2).mean() / (b**2).mean()) < 0.005


def test_the_last_entry_holds_the_correlation_in_the_final_band() -> None:
    clean = preprocess(recording(), EYES)
    data = clean.get_data(picks=[*NAMES, "VEOG"])
    expected = np.abs(np.corrcoef(data)[10, :10])
    got = steps_done(clean)[-1]["eog_correlation"]
    assert list(got) == NAMES
    np.testing.assert_allclose(list(got.values()), expected, atol=1e-3)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"eog": "subtract"}, "eog must be 'regression', 'ica' or None, got 'subtract'"),
        ({"bad_channels": "drop"}, "bad_channels must be 'interpolate' or None"),
        ({"reference": "Cz"}, "reference must be 'average' or None"),
        ({"high_pass": None, "band": None}, "not removed from data with their offsets"),
        ({"baseline": -1.0}, "baseline must be 0 s or more"),
        ({"reject": 0.0}, "reject above 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Preprocessing(**settings)  # type: ignore[arg-type]


def session(onsets: list[float], **changes: object) -> Recording:
    table = pd.DataFrame({"subject": "anna", "trial": [7, 8, 9][: len(onsets)], "stimulus": "x", "task": "rest"})
    steps = replace(EYES, baseline=1.0, **changes)  # type: ignore[arg-type]
    return Recording("a.fif", recording(seconds=20), np.array(onsets), np.full(len(onsets), 4.0), table, steps)


def test_a_session_gives_a_strip_its_table_and_a_record() -> None:
    signals, table, record = session([10.0, 2.0]).prepare()
    assert signals.shape == (2 * 5 * 128, 10)
    assert list(table) == ["subject", "trial", "stimulus", "start", "n_times", "n_baseline", "task"]
    assert table["trial"].tolist() == [7, 8]
    assert table["start"].tolist() == [0, 640]
    assert table["n_times"].tolist() == [640, 640]
    assert table["n_baseline"].tolist() == [128, 128]
    assert (record["subject"], record["file"], record["trials"]) == ("anna", "a.fif", 2)
    one = preprocess(recording(seconds=20), EYES).get_data(picks="eeg")[:, 9 * 128 : 14 * 128] * 1e6
    np.testing.assert_allclose(signals[:640].T, one, atol=1e-4)


def test_trials_left_out_are_named_by_their_own_number() -> None:
    _, table, record = session([0.5, 5.0, 18.0]).prepare()
    assert table["trial"].tolist() == [8]
    assert record["messages"] == ["Left out, since they reach beyond the recording: trials 7, 9."]
    _, table, record = session([5.0], reject=0.5).prepare()
    assert len(table) == 0
    assert record["messages"] == ["Left out, since an amplitude exceeds 0.5 µV: trials 7."]


def test_warnings_on_the_way_are_messages_and_errors_name_the_file() -> None:
    odd = session([5.0])
    odd.raw.rename_channels({"O2": "X9"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, _, record = odd.prepare()
    assert "X9 are not in the montage" in record["messages"][0]
    with pytest.raises(ConfigError, match=r"^a.fif: Unknown channel 'VEOG'"):
        Recording(
            "a.fif", recording().drop_channels("VEOG"), np.array([5.0]), np.array([1.0]), odd.table, EYES
        ).prepare()


@pytest.mark.parametrize(("name", "n_eeg"), [("eegmat_edf/Subject00_2.edf", 19), ("eegmmidb/S001R03.edf", 64)])
def test_real_files_are_named_placed_resampled_and_filtered(real_data: Path, name: str, n_eeg: int) -> None:
    raw = mne.io.read_raw_edf(real_data / name, verbose="error")
    with pytest.raises(ConfigError, match="no EOG to remove by"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        preprocess(raw)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clean = preprocess(raw, Preprocessing(eog=None))
    picks = mne.pick_types(clean.info, meg=False, eeg=True)
    assert len(picks) == n_eeg
    assert clean.info["sfreq"] == 128
    assert clean.n_times == -(-raw.n_times * 128 // round(raw.info["sfreq"]))
    known = mne.channels.make_standard_montage("colin27_1005").ch_names
    assert all(clean.ch_names[pick] in known for pick in picks)
    assert all(np.isfinite(clean.info["chs"][pick]["loc"][:3]).all() for pick in picks)
    f, power = scipy.signal.welch(clean.get_data(picks=picks), 128, nperseg=512)
    inside, outside = power[:, (f >= 6) & (f <= 40)].mean(), power[:, (f < 1.5) | (f > 50)].mean()
    assert outside < 1e-3 * inside
    assert np.abs(clean.get_data(picks=picks).mean(axis=0)).max() < 1e-12


def test_a_recording_of_a_second_is_refused() -> None:
    with pytest.raises(DataFormatError, match="less than the high_pass filter"):
        preprocess(recording(seconds=1), EYES)
