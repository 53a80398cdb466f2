"""Down-sampling and filters."""

from __future__ import annotations

from pathlib import Path

import mne
import numpy as np
import pytest
import scipy.signal
from numpy.testing import assert_allclose, assert_array_equal

from eegemo import ConfigError, DataFormatError
from eegemo.preprocessing import band_pass, downsample, high_pass, steps_done


def recording(data: np.ndarray, sfreq: float, types: str | list[str] = "eeg") -> mne.io.RawArray:
    """A recording in volts, with any names."""
    names = [f"C{i}" for i in range(len(data))]
    return mne.io.RawArray(data, mne.create_info(names, sfreq, types), verbose="error")


def sine(frequency: float, sfreq: float, seconds: float = 20.0) -> np.ndarray:
    return 1e-5 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * sfreq)) / sfreq)


def gain(before: np.ndarray, after: np.ndarray) -> float:
    """Ratio of amplitudes in decibels, over the middle half."""
    middle = after[len(after) // 4 : -len(after) // 4]
    return float(20 * np.log10(max(middle.std(), 1e-20) / before.std()))


@pytest.mark.parametrize(("recorded", "wanted"), [(512, 128), (500, 128), (160, 128), (256, 128), (512, 512)])
def test_the_blocks_join_exactly(recorded: int, wanted: int) -> None:
    rng = np.random.default_rng(0)
    data = 1e-5 * rng.standard_normal((2, recorded * 71 + 17)) + 5e-3
    got = downsample(recording(data, recorded), wanted)
    assert got.info["sfreq"] == wanted
    assert got.n_times == -(-data.shape[1] * wanted // recorded)
    if recorded == wanted:
        assert_array_equal(got.get_data(), data)
        return
    # The same filter at once, over all of it; designed here by the window method from the documented figures.
    divisor = np.gcd(recorded, wanted)
    up, down = wanted // divisor, recorded // divisor
    cutoff = 1 / max(up, down)
    n_taps, beta = scipy.signal.kaiserord(80, 0.4 * cutoff)
    taps = scipy.signal.firwin(n_taps | 1, cutoff, window=("kaiser", beta))
    expected = scipy.signal.resample_poly(data, up, down, axis=1, window=taps, padtype="edge")
    assert_allclose(got.get_data(), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("frequency", [1.0, 10.0, 40.0, 51.0])
def test_what_lies_in_the_pass_band_is_kept(frequency: float) -> None:
    before = sine(frequency, 512)
    after = downsample(recording(before[None], 512), 128).get_data()[0]
    assert abs(gain(before, after)) < 0.005
    expected = 1e-5 * np.sin(2 * np.pi * frequency * np.arange(len(after)) / 128)
    assert_allclose(after[200:-200], expected[200:-200], atol=1e-8)  # no delay


@pytest.mark.parametrize("frequency", [77.0, 100.0, 150.0, 200.0, 250.0])
def test_nothing_folds_into_the_pass_band(frequency: float) -> None:
    before = sine(frequency, 512)
    assert gain(before, downsample(recording(before[None], 512), 128).get_data()[0]) < -80


def test_a_file_is_read_in_blocks_and_gives_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    raw = recording(1e-5 * rng.standard_normal((3, 256 * 65)), 256)
    raw.save(tmp_path / "a_raw.fif", verbose="error")
    lazy = mne.io.read_raw_fif(tmp_path / "a_raw.fif", preload=False, verbose="error")
    got = downsample(lazy, 128)
    assert not lazy.preload
    assert_allclose(got.get_data(), downsample(raw, 128).get_data(), atol=1e-10)  # FIF holds single precision


def test_annotations_and_the_first_sample_stay_where_they_were() -> None:
    raw = mne.io.RawArray(np.ones((1, 5120)), mne.create_info(["C0"], 512.0, "eeg"), first_samp=1024, verbose="error")
    raw.set_annotations(mne.Annotations([3.0], [1.5], ["music"]), verbose="error")
    got = downsample(raw, 128)
    assert got.first_samp == 256
    assert_allclose(got.annotations.onset, raw.annotations.onset)
    assert got.annotations.description.tolist() == ["music"]


def test_no_trigger_is_lost() -> None:
    codes = np.zeros(512 * 40)
    at = np.array([100, 5001, 5002, 15_361, 20_000])  # single samples, one of them in the second block
    codes[at] = [3, 4, 4, 7, 5]
    raw = recording(np.stack([np.zeros_like(codes), codes]), 512, ["eeg", "stim"])
    got = downsample(raw, 128).get_data()[1]
    assert_array_equal(np.flatnonzero(got), np.unique(at // 4))
    assert_array_equal(got[np.unique(at // 4)], [3, 4, 7, 5])


@pytest.mark.parametrize("sfreq", [1024.0, 0.0, -128.0])
def test_more_than_was_recorded_is_refused(sfreq: float) -> None:
    with pytest.raises(ConfigError, match=r"100 samples a second.* set sfreq to 100 or less"):
        downsample(recording(np.zeros((1, 500)), 100), sfreq)


def test_a_rate_that_is_no_ratio_is_refused() -> None:
    with pytest.raises(ConfigError, match="not a ratio of whole numbers"):
        downsample(recording(np.zeros((1, 500)), 512), 100 * np.pi / 3)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_sample_that_is_not_finite_is_named(value: float) -> None:
    data = np.zeros((3, 2000))
    data[1, 900] = value
    with pytest.raises(DataFormatError, match="Channel C1 has values that are not finite"):
        downsample(recording(data, 512), 128)


@pytest.mark.parametrize(("frequency", "low", "high"), [(0.1, -300, -30), (1.0, -0.2, 0.1), (20.0, -0.05, 0.05)])
def test_the_high_pass(frequency: float, low: float, high: float) -> None:
    before = sine(frequency, 128, 80)
    assert low < gain(before, high_pass(recording(before[None], 128), 1.0).get_data()[0]) < high


@pytest.mark.parametrize("frequency", [6.0, 10.0, 25.0, 40.0])
def test_the_band_is_kept_within_a_tenth_of_a_decibel(frequency: float) -> None:
    before = sine(frequency, 128)
    after = band_pass(recording(before[None], 128)).get_data()[0]
    assert abs(gain(before, after)) < 0.1
    assert_allclose(after[300:-300], before[300:-300], atol=1.2e-7)  # no delay


@pytest.mark.parametrize("frequency", [1.0, 49.5, 50.0, 60.0])
def test_drifts_and_mains_are_gone(frequency: float) -> None:
    before = sine(frequency, 128)
    assert gain(before, band_pass(recording(before[None], 128)).get_data()[0]) < -50


def test_an_impulse_stays_where_it_is_and_is_symmetric() -> None:
    data = np.zeros((1, 1281))
    data[0, 640] = 1e-5
    after = band_pass(recording(data, 128)).get_data()[0]
    assert after.argmax() == 640
    assert_allclose(after, after[::-1], atol=1e-15)


def test_only_eeg_and_eog_are_filtered_and_the_input_is_left_as_it_is() -> None:
    data = np.ones((4, 2560))
    raw = recording(data, 128, ["eeg", "eog", "emg", "resp"])
    after = band_pass(raw).get_data()
    assert np.abs(after[:2]).max() < 0.01
    assert_array_equal(after[2:], data[2:])
    assert_array_equal(raw.get_data(), data)
    assert steps_done(raw) == []
    assert band_pass(raw, copy=False) is raw
    assert [step["step"] for step in steps_done(raw)] == ["band_pass"]


@pytest.mark.parametrize(("low", "high"), [(45.0, 4.0), (4.0, 64.0), (4.0, 70.0), (0.0, 45.0), (-1.0, 45.0)])
def test_impossible_edges_are_refused(low: float, high: float) -> None:
    with pytest.raises(ConfigError, match=r"impossible at 128 samples a second.*0 and 64 Hz"):
        band_pass(recording(np.zeros((1, 2560)), 128), low, high)


def test_a_recording_shorter_than_the_filter_is_refused() -> None:
    with pytest.raises(DataFormatError, match=r"lasts 1.00 s, less than the band_pass filter's 1.66 s"):
        band_pass(recording(np.zeros((1, 128)), 128))
    with pytest.raises(DataFormatError, match="less than the high_pass filter"):
        high_pass(recording(np.zeros((1, 256)), 128))


@pytest.mark.parametrize(
    ("recorded", "wanted"), [(249.87, 128.0), (249.87, 250.0), (1e6 / 7812, 128.0), (127.93, 128.0), (500.3, 250.0)]
)
def test_a_rate_that_was_rounded_or_measured_does_not_drift(recorded: float, wanted: float) -> None:
    """A sine by the recorder's clock is the same sine by the new one's, to the end."""
    times = np.arange(int(recorded * 300)) / recorded
    resampled = downsample(recording(np.sin(2 * np.pi * 10 * times)[None], recorded), wanted)
    assert resampled.info["sfreq"] == wanted
    assert abs(resampled.times[-1] - times[-1]) < 2 / wanted
    inner = slice(200, -200)
    assert_allclose(resampled.get_data()[0][inner], np.sin(2 * np.pi * 10 * resampled.times)[inner], rtol=0, atol=1e-3)


def test_a_rate_that_is_off_by_less_than_half_a_sample_in_all_is_nominal() -> None:
    data = np.random.default_rng(0).standard_normal((1, 128 * 40))
    resampled = downsample(recording(data, 128.0003), 128.0)
    assert resampled.info["sfreq"] == 128.0
    np.testing.assert_array_equal(resampled.get_data(), data)


def test_no_trigger_is_lost_where_a_rate_was_measured() -> None:
    codes = np.zeros((1, 25_000))
    codes[0, 100::101] = 4
    raw = mne.io.RawArray(codes, mne.create_info(["Status"], 249.87, "stim"), verbose="error")
    got = downsample(raw, 250.0).get_data()[0]
    assert (np.diff(got) > 0).sum() == (np.diff(codes[0]) > 0).sum()
