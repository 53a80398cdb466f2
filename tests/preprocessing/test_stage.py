"""The whole stage: the sum of its steps, on files, on real recordings and in a session; and where it has to refuse."""

from __future__ import annotations

import json
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
from eegemo.preprocessing import (
    average_reference,
    band_pass,
    downsample,
    high_pass,
    interpolate_bad_channels,
    name_channels,
    remove_eog,
    steps_done,
)
from eegemo.preprocessing.recording import Recording

NAMES = ["Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2"]
EYES = Preprocessing(types=(("VEOG", "eog"),))
AS_RECORDED = ["FP1", "FP2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2"]
AROUND_THE_EYE = Preprocessing(bipolar=(("vEOG", "eog", "UP", "DOWN"),))


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


def recording_with_trigger(sfreq: float = 512.0, seconds: int = 20) -> mne.io.RawArray:
    """Noise on offsets, blinks at the front and between two electrodes around the eye, a trigger."""
    rng = np.random.default_rng(0)
    n_times = round(sfreq * seconds)
    blink = 300e-6 * (np.arange(n_times) % round(3 * sfreq) < 0.3 * sfreq)
    weights = np.array([0.8, 0.8, *[0.2] * 8, 0.7, -0.3])[:, None]
    data = 1e-5 * rng.standard_normal((12, n_times)) + weights * blink + 1e-3 * rng.standard_normal((12, 1))
    trigger = np.zeros((1, n_times))
    trigger[0, n_times // 2 : n_times // 2 + 20] = 4
    info = mne.create_info([*AS_RECORDED, "UP", "DOWN", "STI"], sfreq, ["eeg"] * 12 + ["stim"])
    return mne.io.RawArray(np.vstack([data, trigger]), info, verbose="error")


# Steps


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


@pytest.mark.parametrize("method", ["regression", "ica"])
def test_the_stage_is_its_steps_one_after_the_other(method: str) -> None:
    raw = recording_with_trigger()
    raw._data[6] = 0
    with pytest.warns(UserWarning, match="P3: flat"):
        clean = preprocess(raw, replace(AROUND_THE_EYE, eog=method, random_state=3))  # type: ignore[arg-type]
    by_hand = high_pass(name_channels(downsample(raw), bipolar=AROUND_THE_EYE.bipolar))
    with pytest.warns(UserWarning, match="P3: flat"):
        by_hand = interpolate_bad_channels(by_hand)
    by_hand = remove_eog(by_hand, method, random_state=3)  # type: ignore[arg-type]
    by_hand = average_reference(band_pass(by_hand))
    assert_array_equal(clean.get_data(), by_hand.get_data())
    assert clean.ch_names == by_hand.ch_names
    assert steps_done(clean)[:-1] == steps_done(by_hand)


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


@pytest.mark.parametrize("sfreq", [128.0, None])
def test_a_recording_that_needs_no_resampling_is_not_changed(sfreq: float | None) -> None:
    raw = recording_with_trigger(128.0)
    before = raw.get_data()
    preprocess(raw, replace(AROUND_THE_EYE, sfreq=sfreq))
    assert_array_equal(raw.get_data(), before)
    assert raw.ch_names == [*AS_RECORDED, "UP", "DOWN", "STI"]
    assert raw.info["description"] is None


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


def test_channels_are_kept_in_the_order_asked_for() -> None:
    clean = preprocess(recording_with_trigger(), replace(AROUND_THE_EYE, channels=("O2", "Fp1", "C3")))
    assert clean.ch_names == ["O2", "Fp1", "C3", "vEOG", "STI"]
    np.testing.assert_allclose(clean.get_data(picks="eeg").mean(axis=0), 0, atol=1e-18)  # the mean of these three


def test_one_channel_goes_without_a_reference_alone() -> None:
    with pytest.raises(ConfigError, match="set reference=None"):
        preprocess(recording_with_trigger(), replace(AROUND_THE_EYE, channels=("C3",)))
    clean = preprocess(recording_with_trigger(), replace(AROUND_THE_EYE, channels=("C3",), reference=None))
    assert clean.ch_names == ["C3", "vEOG", "STI"]


def test_triggers_are_found_after_the_stage_where_they_were() -> None:
    clean = preprocess(recording_with_trigger(), AROUND_THE_EYE)
    assert mne.find_events(clean, verbose="error").tolist() == [[10 * 128, 0, 4]]


# Files


def test_a_file_is_not_loaded_and_gives_the_same(tmp_path: Path) -> None:
    recording_with_trigger().save(tmp_path / "one_raw.fif", verbose="error")
    raw = mne.io.read_raw(tmp_path / "one_raw.fif", verbose="error")
    expected = preprocess(mne.io.read_raw(tmp_path / "one_raw.fif", preload=True, verbose="error"), AROUND_THE_EYE)
    assert_array_equal(preprocess(raw, AROUND_THE_EYE).get_data(), expected.get_data())
    assert not raw.preload


def test_the_result_can_be_saved_read_and_filtered_further(tmp_path: Path) -> None:
    clean = preprocess(recording_with_trigger(), AROUND_THE_EYE)
    clean.save(tmp_path / "clean_raw.fif", verbose="error")
    again = mne.io.read_raw(tmp_path / "clean_raw.fif", verbose="error")
    assert steps_done(again) == steps_done(clean)
    further = preprocess(again, Preprocessing(eog=None, sfreq=None, band=(8.0, 13.0)))
    assert len(steps_done(further)) > len(steps_done(clean))
    with pytest.raises(ConfigError, match="removed already"):
        preprocess(again, Preprocessing())


# Settings


def test_settings_go_through_json() -> None:
    settings = Preprocessing(rename=(("a", "Cz"),), bipolar=(("e", "eog", "x", "y"),), channels=("Cz",), reject=100.0)
    stored = json.loads(json.dumps(settings.as_json, allow_nan=False))
    assert stored == settings.as_json
    back = {name: _tuples(value) for name, value in stored.items()}
    assert Preprocessing(**back) == settings  # type: ignore[arg-type]


def _tuples(value: object) -> object:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


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


@pytest.mark.parametrize("settings", [{"baseline": np.nan}, {"baseline": np.inf}, {"reject": np.nan}])
def test_settings_that_are_no_numbers_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="baseline must be 0 s or more and reject above 0"):
        Preprocessing(**settings)  # type: ignore[arg-type]


# Recordings that are refused


def test_a_recording_of_a_second_is_refused() -> None:
    with pytest.raises(DataFormatError, match="less than the high_pass filter"):
        preprocess(recording(seconds=1), EYES)


def test_a_recording_without_eeg_is_refused_in_words() -> None:
    raw = recording_with_trigger().set_channel_types(
        dict.fromkeys([*AS_RECORDED, "UP", "DOWN"], "misc"), verbose="error"
    )
    with pytest.raises((ConfigError, DataFormatError), match="EEG"):
        preprocess(raw, Preprocessing(eog=None))
    with pytest.raises((ConfigError, DataFormatError), match=r"E[EO]G"):
        preprocess(raw, Preprocessing())


# Sessions


def session(onsets: list[float], **changes: object) -> Recording:
    table = pd.DataFrame({"subject": "anna", "trial": [7, 8, 9][: len(onsets)], "stimulus": "x", "task": "rest"})
    steps = replace(EYES, baseline=1.0, **changes)  # type: ignore[arg-type]
    return Recording("a.fif", recording(seconds=20), np.array(onsets), np.full(len(onsets), 4.0), table, steps)


def test_a_session_gives_a_strip_its_table_and_a_record() -> None:
    signals, table, record = session([10.0, 2.0]).prepare()
    assert signals.shape == (2 * 5 * 128, 10)
    made = ["start", "n_times", "n_baseline", "recording", "first_sample"]
    assert list(table) == ["subject", "trial", "stimulus", *made, "task"]
    assert table["recording"].tolist() == ["a.fif", "a.fif"]
    assert table["first_sample"].tolist() == [9 * 128, 128]
    assert table["trial"].tolist() == [7, 8]
    assert table["start"].tolist() == [0, 640]
    assert table["n_times"].tolist() == [640, 640]
    assert table["n_baseline"].tolist() == [128, 128]
    assert (record["subject"], record["file"], record["trials"]) == ("anna", "a.fif", 2)
    one = preprocess(recording(seconds=20), EYES).get_data(picks="eeg")[:, 9 * 128 : 14 * 128] * 1e6
    np.testing.assert_allclose(signals[:640].T, one, atol=1e-4)


def test_a_session_with_eog_among_its_channels() -> None:
    table = pd.DataFrame({"subject": [1, 1], "trial": [1, 2], "stimulus": [7, 8]})
    session = Recording(
        "s01.bdf", recording_with_trigger(), np.array([5.0, 5.0]), np.array([2.0, 3.0]), table, AROUND_THE_EYE, ("odd",)
    )
    signals, trials, record = session.prepare(picks=["vEOG", "Fp1"])
    assert signals.shape == (5 * 128, 2)
    assert trials["n_times"].tolist() == [256, 384]
    np.testing.assert_array_equal(signals[:256], signals[256:512])
    assert record["messages"] == ["odd"]
    json.dumps(record, allow_nan=False)


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


def test_a_session_keeps_the_type_of_the_error_and_names_the_file() -> None:
    table = pd.DataFrame({"subject": [1], "trial": [1], "stimulus": [1]})
    raw = recording_with_trigger()
    raw._data[0, 100] = np.nan
    session = Recording("s01.bdf", raw, np.array([5.0]), np.array([2.0]), table, AROUND_THE_EYE)
    with pytest.raises(DataFormatError, match=r"^s01\.bdf: Channel FP1 has values that are not finite"):
        session.prepare()
    with pytest.raises(ConfigError, match=r"^s01\.bdf: Channels Cz are not in the recording"):
        replace(session, raw=recording_with_trigger()).prepare(picks=["Cz"])


# Real recordings


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


def test_a_real_recording_at_500_hz_is_resampled_as_mne_does_by_polyphase(real_data: Path) -> None:
    raw = mne.io.read_raw_edf(real_data / "eegmat_edf" / "Subject01_2.edf", verbose="error")
    raw.crop(0, 40, include_tmax=False)
    ours = downsample(raw).get_data(picks=range(19))
    # Not MNE's default: its FFT over a padded length that 125/32 does not divide drifts by half a sample in 40 s.
    theirs = raw.copy().load_data(verbose="error").resample(128, method="polyphase", verbose="error")
    theirs = theirs.get_data(picks=range(19))
    assert ours.shape == theirs.shape
    a, b = (mne.filter.filter_data(x, 128, 6, 40, verbose="error")[:, 256:-256] for x in (ours, theirs))
    assert (a - b).std() < 1e-3 * b.std()


def test_the_names_of_a_real_recording_without_eog(real_data: Path) -> None:
    raw = mne.io.read_raw_edf(real_data / "eegmat_edf" / "Subject00_2.edf", verbose="error")
    with pytest.warns(UserWarning, match="EEG A2-A1, ECG ECG are not in the montage"):
        clean = preprocess(raw, Preprocessing(eog=None))
    assert clean.copy().pick("eeg").ch_names == ("Fp1 Fp2 F3 F4 F7 F8 T3 T4 C3 C4 T5 T6 P3 P4 O1 O2 Fz Cz Pz".split())
    ecg = clean.get_data(picks="ECG ECG")[0]
    np.testing.assert_array_equal(ecg, downsample(raw).get_data(picks="ECG ECG")[0])  # no EEG: left as it was
    typed = Preprocessing(eog=None, types=(("ECG ECG", "ecg"), ("EEG A2-A1", "misc")))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "ecg" in preprocess(raw, typed).get_channel_types()


def test_real_events_keep_their_times(real_data: Path) -> None:
    raw = mne.io.read_raw_edf(real_data / "eegmmidb" / "S001R03.edf", verbose="error")
    clean = preprocess(raw, Preprocessing(eog=None))
    assert clean.ch_names[:4] == ["FC5", "FC3", "FC1", "FCz"]
    events, ids = mne.events_from_annotations(raw, verbose="error")
    got, _ = mne.events_from_annotations(clean, event_id=ids, verbose="error")
    assert len(got) == 30
    assert np.abs(got[:, 0] / 128 - events[:, 0] / 160).max() < 1 / 128
    assert_array_equal(got[:, 2], events[:, 2])
