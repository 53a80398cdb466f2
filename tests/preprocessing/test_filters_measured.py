"""Down-sampling and filters, measured: dense grids of sines, impulse responses, files that are not in memory."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import mne
import numpy as np
import pytest
import scipy.signal
from edfio import Bdf, BdfSignal

from eegemo import ConfigError, DataFormatError
from eegemo.preprocessing import band_pass, downsample, high_pass, steps_done


def recording(data: np.ndarray, sfreq: float, types: list[str] | None = None) -> mne.io.RawArray:
    """One channel a row, in volts; EEG unless said otherwise."""
    types = types or ["eeg"] * len(data)
    names = [f"{kind.upper()}{i}" for i, kind in enumerate(types)]
    return mne.io.RawArray(data, mne.create_info(names, sfreq, types), verbose="error")


def noise(n_channels: int, n_times: int) -> np.ndarray:
    """EEG-sized white noise on offsets of millivolts, as BioSemi records it."""
    rng = np.random.default_rng(n_times)
    return 1e-5 * rng.standard_normal((n_channels, n_times)) + 1e-3 * rng.standard_normal((n_channels, 1))


def whole_at_once(data: np.ndarray, recorded: int) -> np.ndarray:
    """Resample to 128 Hz with scipy in one go, by the filter that the docstring states: 80 dB, 0.8 to 1.2 of 64 Hz."""
    ratio = Fraction(128, recorded)
    common_nyquist = 128 * ratio.denominator / 2
    n_taps, beta = scipy.signal.kaiserord(80, (1.2 - 0.8) * 64 / common_nyquist)
    taps = scipy.signal.firwin(n_taps | 1, 64 / common_nyquist, window=("kaiser", beta))
    up_and_down = ratio.numerator, ratio.denominator
    return scipy.signal.resample_poly(data, *up_and_down, axis=1, window=taps, padtype="edge")


# Down-sampling: the samples


@pytest.mark.parametrize("preloaded", [True, False])
@pytest.mark.parametrize("recorded", [512, 500, 160])
def test_blocks_join_as_if_resampled_at_once(recorded: int, preloaded: bool, tmp_path: Path) -> None:
    raw = recording(noise(2, 65 * recorded + 37), recorded)  # blocks are 30 s long
    if not preloaded:
        raw.save(tmp_path / "noise_raw.fif", verbose="error")
        raw = mne.io.read_raw(tmp_path / "noise_raw.fif", verbose="error")
    resampled = downsample(raw)
    expected = whole_at_once(raw.get_data(), recorded)
    assert resampled.info["sfreq"] == 128
    assert resampled.n_times == expected.shape[1] == int(np.ceil((65 * recorded + 37) * 128 / recorded))
    np.testing.assert_allclose(resampled.get_data(), expected, rtol=0, atol=1e-15)
    assert raw.preload is preloaded


@pytest.mark.parametrize("n_times", [1, 5, 500, 30 * 500, 30 * 500 + 1, 31 * 500 - 1])
def test_no_length_is_special(n_times: int) -> None:
    raw = recording(noise(1, n_times), 500)
    np.testing.assert_allclose(downsample(raw).get_data(), whole_at_once(raw.get_data(), 500), rtol=0, atol=1e-15)


def test_a_bdf_is_resampled_without_being_loaded(tmp_path: Path) -> None:
    microvolts = 20 * np.random.default_rng(0).standard_normal((2, 62 * 512))
    signals = [
        BdfSignal(row, 512, label=name, physical_dimension="uV") for row, name in zip(microvolts, "AB", strict=True)
    ]
    Bdf(signals).write(tmp_path / "two.bdf")
    raw = mne.io.read_raw_bdf(tmp_path / "two.bdf", verbose="error")
    expected = whole_at_once(1e-6 * microvolts, 512)
    np.testing.assert_allclose(downsample(raw).get_data(), expected, rtol=0, atol=1e-10)  # 24 bits: 0.01 nV a step
    assert not raw.preload


def test_at_its_own_rate_a_recording_is_copied() -> None:
    raw = recording(noise(2, 1280), 128)
    same = downsample(raw, 128)
    np.testing.assert_array_equal(same.get_data(), raw.get_data())
    same._data += 1
    assert raw.get_data().max() < 0.1


# Down-sampling: what passes


@pytest.mark.parametrize("recorded", [512, 500, 160])
def test_frequencies_below_08_nyquist_pass_unchanged_and_undelayed(recorded: int) -> None:
    hertz = np.array([0.5, 4.0, 28.0, 45.0, 51.2])[:, None]
    old, new = np.arange(20 * recorded) / recorded, np.arange(20 * 128) / 128
    resampled = downsample(recording(np.sin(2 * np.pi * hertz * old), recorded)).get_data()
    middle = slice(2 * 128, 18 * 128)
    error = np.abs(resampled - np.sin(2 * np.pi * hertz * new))[:, middle].max(axis=1)
    assert error.max() < 10 ** (0.001 / 20) - 1  # 0.001 dB of amplitude, or as much of phase


@pytest.mark.parametrize(("recorded", "highest"), [(512, 255), (500, 249), (160, 79)])
def test_nothing_between_the_band_and_nyquist_folds_into_it(recorded: int, highest: float) -> None:
    hertz = np.linspace(76.8, highest, 40)[:, None]
    t = np.arange(10 * recorded) / recorded
    resampled = downsample(recording(np.sin(2 * np.pi * hertz * t), recorded)).get_data()
    gain = np.sqrt(2) * resampled[:, 2 * 128 : 8 * 128].std(axis=1)
    assert 20 * np.log10(gain.max()) < -78.5  # Kaiser's formula for the length misses its 80 dB by up to 1.2


# Down-sampling: what belongs to the recording


@pytest.mark.parametrize("dated", [True, False])
def test_annotations_stay_with_their_samples(dated: bool) -> None:
    raw = recording(noise(1, 20 * 512), 512)
    if dated:
        raw.set_meas_date(datetime.datetime(2010, 1, 1, tzinfo=datetime.UTC))
    raw.crop(5.0, 15.0)
    raw.set_annotations(mne.Annotations([1.0, 3.25], [0.5, 0.0], ["a", "b"]))
    resampled = downsample(raw)
    assert resampled.first_samp == 5 * 128
    events, ids = mne.events_from_annotations(resampled, verbose="error")
    assert (events[:, 0] - resampled.first_samp).tolist() == [128, 3 * 128 + 32]
    assert list(ids) == ["a", "b"]
    assert resampled.annotations.duration.tolist() == [0.5, 0.0]
    assert resampled.info["meas_date"] == raw.info["meas_date"]


def test_annotations_stay_within_half_a_sample_where_the_start_is_off_the_grid() -> None:
    raw = recording(noise(1, 20 * 512), 512)
    raw.set_meas_date(0)
    raw.crop(3 + 3 / 512, None)
    raw.set_annotations(mne.Annotations([2.0], [1.0], ["a"]))
    resampled = downsample(raw)
    since_first_sample = resampled.annotations.onset[0] - resampled.first_time
    assert since_first_sample == pytest.approx(2.0, abs=0.5 / 128 + 1e-5)


@pytest.mark.parametrize("recorded", [512, 500])
def test_no_trigger_code_is_lost(recorded: int, tmp_path: Path) -> None:
    """A code of one sample, codes on both sides of the 30 s at which blocks join, and one up to the end."""
    codes = np.zeros(62 * recorded, np.int32)
    onsets = np.array([701, 20 * recorded + 3, 30 * recorded - 2, 30 * recorded + 11, 62 * recorded - 3])
    for onset, code, length in zip(onsets, (4, 0x58FF04, 255, 1, 7), (1, 25, 4, 1, 3), strict=True):
        codes[onset : onset + length] = code
    signals = [BdfSignal(np.arange(62 * recorded) % 100.0, recorded, label="Cz", physical_dimension="uV")]
    signals.append(BdfSignal.from_digital(codes, recorded, label="Status", physical_dimension="Boolean"))
    Bdf(signals).write(tmp_path / "codes.bdf")
    raw = mne.io.read_raw_bdf(tmp_path / "codes.bdf", verbose="error")
    resampled = downsample(raw)
    recorded_events = mne.find_events(raw, shortest_event=1, verbose="error")
    events = mne.find_events(resampled, shortest_event=1, verbose="error")
    assert recorded_events[:, 0].tolist() == onsets.tolist()
    assert np.abs(events[:, 0] / 128 - onsets / recorded).max() < 1 / 128  # within the new sample that covers it
    assert events[:, 2].tolist() == recorded_events[:, 2].tolist()


def test_names_types_and_bad_channels_survive() -> None:
    raw = recording(noise(4, 5120), 512, ["eeg", "eog", "misc", "stim"])
    raw.info["bads"] = ["EEG0"]
    before = raw.get_data().copy()
    resampled = downsample(raw)
    assert resampled.ch_names == raw.ch_names
    assert resampled.get_channel_types() == ["eeg", "eog", "misc", "stim"]
    assert resampled.info["bads"] == ["EEG0"]
    assert (resampled.info["lowpass"], raw.info["lowpass"]) == (64, 256)
    assert (raw.info["sfreq"], raw.first_samp) == (512, 0)
    np.testing.assert_array_equal(raw.get_data(), before)
    assert steps_done(raw) == []
    assert steps_done(resampled) == [{"step": "downsample", "recorded": 512.0, "sfreq": 128.0}]


# Down-sampling: what is refused


@pytest.mark.parametrize("sfreq", [128.0001, 100 * np.sqrt(2), 1e-9])
def test_a_rate_that_is_no_ratio_of_whole_numbers_is_refused(sfreq: float) -> None:
    with pytest.raises(ConfigError, match="not a ratio of whole numbers of the recording's 500 Hz; choose another"):
        downsample(recording(noise(1, 1000), 500), sfreq)


@pytest.mark.parametrize("recorded", [512, 128])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_not_finite_is_refused_by_channel(value: float, recorded: int) -> None:
    data = noise(3, 40 * recorded)
    data[1, 35 * recorded] = value
    with pytest.raises(DataFormatError, match=r"EEG1 has values that are not finite.*raw\.crop"):
        downsample(recording(data, recorded))


# Filters: the response


def impulse_response(step: Callable[[mne.io.BaseRaw], mne.io.BaseRaw], sfreq: int) -> np.ndarray:
    """Return what one unit sample in the middle of 40 s becomes."""
    impulse = np.zeros((1, 40 * sfreq + 1))
    impulse[0, 20 * sfreq] = 1
    return step(recording(impulse, sfreq)).get_data()[0]


def decibels(response: np.ndarray, sfreq: int, hertz: np.ndarray) -> np.ndarray:
    waves = np.exp(-2j * np.pi * hertz[:, None] * np.arange(len(response)) / sfreq)
    return 20 * np.log10(np.maximum(np.abs(waves @ response), 1e-15))


@pytest.mark.parametrize("sfreq", [128, 512])
def test_the_band_pass_keeps_6_to_40_hz_and_drops_drifts_and_mains(sfreq: int) -> None:
    response = impulse_response(band_pass, sfreq)
    assert np.abs(decibels(response, sfreq, np.linspace(6, 40, 341))).max() < 0.05
    assert np.abs(decibels(response, sfreq, np.array([4.0, 45.0]))).max() < 0.1
    assert decibels(response, sfreq, np.linspace(49, 64, 151)).max() < -50  # the mains at 50 and 60 Hz among them
    assert decibels(response, sfreq, np.linspace(0.9, 1.1, 21)).max() < -50
    assert decibels(response, sfreq, np.linspace(0, 2, 201)).max() < -44


@pytest.mark.parametrize("sfreq", [128, 512])
def test_the_high_pass_drops_offsets_and_keeps_1_hz(sfreq: int) -> None:
    response = impulse_response(high_pass, sfreq)
    assert decibels(response, sfreq, np.array([0.0, 0.01])).max() < -50
    assert decibels(response, sfreq, np.array([0.5]))[0] == pytest.approx(-6, abs=0.5)
    assert np.abs(decibels(response, sfreq, np.linspace(1, 60, 591))).max() < 0.1


@pytest.mark.parametrize(("step", "reach"), [(band_pass, 0.84), (high_pass, 1.66)])
def test_impulse_responses_are_symmetric_and_as_long_as_stated(
    step: Callable[[mne.io.BaseRaw], mne.io.BaseRaw], reach: float
) -> None:
    response = impulse_response(step, 128)
    np.testing.assert_allclose(response, response[::-1], rtol=0, atol=1e-12)  # no delay at any frequency
    assert np.argmax(np.abs(response)) == 20 * 128
    far = np.abs(np.arange(len(response)) - 20 * 128) > reach * 128
    assert np.abs(response[far]).max() < 1e-12


@pytest.mark.parametrize("step", [band_pass, high_pass])
def test_noise_correlates_with_its_filtered_self_at_lag_0(
    step: Callable[[mne.io.BaseRaw], mne.io.BaseRaw],
) -> None:
    data = noise(1, 30 * 128)
    lags = scipy.signal.correlation_lags(data.shape[1], data.shape[1])
    filtered = step(recording(data, 128)).get_data()[0]
    assert lags[np.argmax(scipy.signal.correlate(filtered, data[0] - data[0].mean()))] == 0


# Filters: what they touch


@pytest.mark.parametrize("step", [band_pass, high_pass])
def test_filters_touch_eeg_and_eog_alone_bad_channels_included(
    step: Callable[[mne.io.BaseRaw], mne.io.BaseRaw],
) -> None:
    raw = recording(noise(5, 20 * 128), 128, ["eeg", "eeg", "eog", "misc", "stim"])
    raw.info["bads"] = ["EEG1"]
    before = raw.get_data().copy()
    filtered = step(raw).get_data()
    assert np.abs(filtered[:3].mean(axis=1)).max() < 0.01 * np.abs(before[:3].mean(axis=1)).min()
    np.testing.assert_array_equal(filtered[3:], before[3:])
    np.testing.assert_array_equal(raw.get_data(), before)
    assert steps_done(raw) == []


def test_a_recording_on_disk_stays_there(tmp_path: Path) -> None:
    recording(noise(1, 20 * 128), 128).save(tmp_path / "noise_raw.fif", verbose="error")
    raw = mne.io.read_raw(tmp_path / "noise_raw.fif", verbose="error")
    assert band_pass(raw).preload
    assert not raw.preload


def test_filters_note_their_edges_and_length() -> None:
    raw = band_pass(high_pass(recording(noise(1, 20 * 128), 128), 2.0))
    assert [step["step"] for step in steps_done(raw)] == ["high_pass", "band_pass"]
    assert [(step["l_freq"], step["h_freq"]) for step in steps_done(raw)] == [(2.0, None), (4.0, 45.0)]
    assert steps_done(raw)[1]["seconds"] == pytest.approx(1.65, abs=0.02)
    assert (raw.info["highpass"], raw.info["lowpass"]) == (4.0, 45.0)


# Filters: what is refused


@pytest.mark.parametrize(("l_freq", "h_freq"), [(4, 4), (np.nan, 45), (4, np.nan), (4, np.inf)])
def test_band_edges_out_of_order_or_beyond_nyquist_are_refused(l_freq: float, h_freq: float) -> None:
    asked = rf"band_pass from {l_freq:g} to {h_freq:g} Hz is impossible at 128 samples.*between 0 and 64 Hz; change"
    with pytest.raises(ConfigError, match=asked):
        band_pass(recording(noise(1, 20 * 128), 128), l_freq, h_freq)


@pytest.mark.parametrize("l_freq", [0, -1, 64, np.nan, np.inf])
def test_a_high_pass_at_0_or_beyond_nyquist_is_refused(l_freq: float) -> None:
    with pytest.raises(ConfigError, match=rf"high_pass above {l_freq:g} Hz is impossible at 128 .*between 0 and 64 Hz"):
        high_pass(recording(noise(1, 20 * 128), 128), l_freq)


@pytest.mark.parametrize("step", [band_pass, high_pass])
def test_a_recording_without_eeg_is_refused_in_words(step: Callable[[mne.io.BaseRaw], mne.io.BaseRaw]) -> None:
    with pytest.raises((ConfigError, DataFormatError), match="EEG"):
        step(recording(noise(1, 20 * 128), 128, ["misc"]))
