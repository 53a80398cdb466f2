"""The stage as the sum of its steps, on files, on real recordings, and where it has to refuse."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
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

NAMES = ["FP1", "FP2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2"]
EYES = Preprocessing(bipolar=(("vEOG", "eog", "UP", "DOWN"),))


def recording(sfreq: float = 512.0, seconds: int = 20) -> mne.io.RawArray:
    """Noise on offsets, blinks at the front and between two electrodes around the eye, a trigger."""
    rng = np.random.default_rng(0)
    n_times = round(sfreq * seconds)
    blink = 300e-6 * (np.arange(n_times) % round(3 * sfreq) < 0.3 * sfreq)
    weights = np.array([0.8, 0.8, *[0.2] * 8, 0.7, -0.3])[:, None]
    data = 1e-5 * rng.standard_normal((12, n_times)) + weights * blink + 1e-3 * rng.standard_normal((12, 1))
    trigger = np.zeros((1, n_times))
    trigger[0, n_times // 2 : n_times // 2 + 20] = 4
    info = mne.create_info([*NAMES, "UP", "DOWN", "STI"], sfreq, ["eeg"] * 12 + ["stim"])
    return mne.io.RawArray(np.vstack([data, trigger]), info, verbose="error")


@pytest.mark.parametrize("method", ["regression", "ica"])
def test_the_stage_is_its_steps_one_after_the_other(method: str) -> None:
    raw = recording()
    raw._data[6] = 0
    with pytest.warns(UserWarning, match="P3: flat"):
        clean = preprocess(raw, replace(EYES, eog=method, random_state=3))  # type: ignore[arg-type]
    by_hand = high_pass(name_channels(downsample(raw), bipolar=EYES.bipolar))
    with pytest.warns(UserWarning, match="P3: flat"):
        by_hand = interpolate_bad_channels(by_hand)
    by_hand = remove_eog(by_hand, method, random_state=3)  # type: ignore[arg-type]
    by_hand = average_reference(band_pass(by_hand))
    assert_array_equal(clean.get_data(), by_hand.get_data())
    assert clean.ch_names == by_hand.ch_names
    assert steps_done(clean)[:-1] == steps_done(by_hand)


@pytest.mark.parametrize("sfreq", [128.0, None])
def test_a_recording_that_needs_no_resampling_is_not_changed(sfreq: float | None) -> None:
    raw = recording(128.0)
    before = raw.get_data()
    preprocess(raw, replace(EYES, sfreq=sfreq))
    assert_array_equal(raw.get_data(), before)
    assert raw.ch_names == [*NAMES, "UP", "DOWN", "STI"]
    assert raw.info["description"] is None


def test_a_file_is_not_loaded_and_gives_the_same(tmp_path: Path) -> None:
    recording().save(tmp_path / "one_raw.fif", verbose="error")
    raw = mne.io.read_raw(tmp_path / "one_raw.fif", verbose="error")
    expected = preprocess(mne.io.read_raw(tmp_path / "one_raw.fif", preload=True, verbose="error"), EYES)
    assert_array_equal(preprocess(raw, EYES).get_data(), expected.get_data())
    assert not raw.preload


def test_triggers_are_found_after_the_stage_where_they_were() -> None:
    clean = preprocess(recording(), EYES)
    assert mne.find_events(clean, verbose="error").tolist() == [[10 * 128, 0, 4]]


def test_the_result_can_be_saved_read_and_filtered_further(tmp_path: Path) -> None:
    clean = preprocess(recording(), EYES)
    clean.save(tmp_path / "clean_raw.fif", verbose="error")
    again = mne.io.read_raw(tmp_path / "clean_raw.fif", verbose="error")
    assert steps_done(again) == steps_done(clean)
    further = preprocess(again, Preprocessing(eog=None, sfreq=None, band=(8.0, 13.0)))
    assert len(steps_done(further)) > len(steps_done(clean))
    with pytest.raises(ConfigError, match="removed already"):
        preprocess(again, Preprocessing())


def test_channels_are_kept_in_the_order_asked_for() -> None:
    clean = preprocess(recording(), replace(EYES, channels=("O2", "Fp1", "C3")))
    assert clean.ch_names == ["O2", "Fp1", "C3", "vEOG", "STI"]
    np.testing.assert_allclose(clean.get_data(picks="eeg").mean(axis=0), 0, atol=1e-18)  # the mean of these three


def test_one_channel_goes_without_a_reference_alone() -> None:
    with pytest.raises(ConfigError, match="set reference=None"):
        preprocess(recording(), replace(EYES, channels=("C3",)))
    clean = preprocess(recording(), replace(EYES, channels=("C3",), reference=None))
    assert clean.ch_names == ["C3", "vEOG", "STI"]


@pytest.mark.parametrize("settings", [{"baseline": np.nan}, {"baseline": np.inf}, {"reject": np.nan}])
def test_settings_that_are_no_numbers_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="baseline must be 0 s or more and reject above 0"):
        Preprocessing(**settings)  # type: ignore[arg-type]


def test_settings_go_through_json() -> None:
    settings = Preprocessing(rename=(("a", "Cz"),), bipolar=(("e", "eog", "x", "y"),), channels=("Cz",), reject=100.0)
    stored = json.loads(json.dumps(settings.as_json, allow_nan=False))
    assert stored == settings.as_json
    back = {name: _tuples(value) for name, value in stored.items()}
    assert Preprocessing(**back) == settings  # type: ignore[arg-type]


def _tuples(value: object) -> object:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def test_a_recording_without_eeg_is_refused_in_words() -> None:
    raw = recording().set_channel_types(dict.fromkeys([*NAMES, "UP", "DOWN"], "misc"), verbose="error")
    with pytest.raises((ConfigError, DataFormatError), match="EEG"):
        preprocess(raw, Preprocessing(eog=None))
    with pytest.raises((ConfigError, DataFormatError), match=r"E[EO]G"):
        preprocess(raw, Preprocessing())


# Real recordings


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


# Sessions


def test_a_session_keeps_the_type_of_the_error_and_names_the_file() -> None:
    table = pd.DataFrame({"subject": [1], "trial": [1], "stimulus": [1]})
    raw = recording()
    raw._data[0, 100] = np.nan
    session = Recording("s01.bdf", raw, np.array([5.0]), np.array([2.0]), table, EYES)
    with pytest.raises(DataFormatError, match=r"^s01\.bdf: Channel FP1 has values that are not finite"):
        session.prepare()
    with pytest.raises(ConfigError, match=r"^s01\.bdf: Channels Cz are not in the recording"):
        replace(session, raw=recording()).prepare(picks=["Cz"])


def test_a_session_with_eog_among_its_channels() -> None:
    table = pd.DataFrame({"subject": [1, 1], "trial": [1, 2], "stimulus": [7, 8]})
    session = Recording("s01.bdf", recording(), np.array([5.0, 5.0]), np.array([2.0, 3.0]), table, EYES, ("odd",))
    signals, trials, record = session.prepare(picks=["vEOG", "Fp1"])
    assert signals.shape == (5 * 128, 2)
    assert trials["n_times"].tolist() == [256, 384]
    np.testing.assert_array_equal(signals[:256], signals[256:512])
    assert record["messages"] == ["odd"]
    json.dumps(record, allow_nan=False)
