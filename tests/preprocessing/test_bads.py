"""Bad channels: which are found and where the limits lie, and what is put in their place."""

from __future__ import annotations

import mne
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from eegemo import ConfigError, DataFormatError
from eegemo.preprocessing import find_bad_channels, interpolate_bad_channels, remove_eog, steps_done

NAMES = ["Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2"]
SFREQ = 100
SECONDS = 30


def recording(*, eog: bool = False, seconds: int = 30, spread: float = 10e-6) -> mne.io.RawArray:
    """White noise of 10 µV at ten placed channels, and an EOG channel with a blink of 300 µV in every second."""
    rng = np.random.default_rng(0)
    n = int(seconds * SFREQ)
    data = spread * rng.standard_normal((len(NAMES), n))
    names, types = list(NAMES), ["eeg"] * len(NAMES)
    if eog:
        blinks = np.tile(np.hanning(50), (seconds, 1))
        course = 300e-6 * np.pad(blinks, ((0, 0), (25, 25))).ravel()
        data[:2] += 0.9 * course
        data = np.vstack([data, course + 3e-6 * rng.standard_normal(n)])
        names, types = [*NAMES, "vEOG"], [*types, "eog"]
    raw = mne.io.RawArray(data, mne.create_info(names, SFREQ, types), verbose="error")
    return raw.set_montage("colin27_1005", on_missing="ignore", verbose="error")


def noise_of(microvolts: list[float] | None = None, n_eog: int = 0) -> mne.io.RawArray:
    """White noise whose standard deviation is exactly so many microvolts in every second, on offsets."""
    rng = np.random.default_rng(0)
    microvolts = microvolts or [10.0] * len(NAMES)
    seconds = rng.standard_normal((len(microvolts) + n_eog, SECONDS, SFREQ))
    seconds = (seconds - seconds.mean(axis=2, keepdims=True)) / seconds.std(axis=2, keepdims=True)
    data = seconds.reshape(len(seconds), -1) * np.array([*microvolts, *[10.0] * n_eog])[:, None] * 1e-6 + 1e-3
    names = [*NAMES[: len(microvolts)], *(f"EOG{i}" for i in range(n_eog))]
    info = mne.create_info(names, SFREQ, ["eeg"] * len(microvolts) + ["eog"] * n_eog)
    raw = mne.io.RawArray(data, info, verbose="error")
    return raw.set_montage("colin27_1005", on_missing="ignore", verbose="error")


def mains(microvolts: float, n: int) -> np.ndarray:
    return 1e-6 * microvolts * np.sqrt(2) * np.sin(2 * np.pi * 50 * np.arange(n) / 250)


def at_250_hz() -> mne.io.RawArray:
    rng = np.random.default_rng(3)
    raw = mne.io.RawArray(
        10e-6 * rng.standard_normal((len(NAMES), 250 * 20)), mne.create_info(NAMES, 250.0, "eeg"), verbose="error"
    )
    return raw.set_montage("colin27_1005", verbose="error")


# Flat and noisy channels


def test_a_good_recording_has_none() -> None:
    assert find_bad_channels(recording()) == {}


def test_flat_and_noisy_channels_are_named_with_the_reason() -> None:
    raw = recording()
    raw._data[3] = 0
    raw._data[6] *= 20
    bads = find_bad_channels(raw)
    assert list(bads) == ["F4", "P3"]
    assert bads["F4"] == "flat (0.00 µV)"
    assert 180 < float(bads["P3"].removeprefix("noisy (").split()[0]) < 200  # a tenth of white noise lies above 45 Hz
    assert "the median is" in bads["P3"]


def test_twice_the_amplitude_is_no_reason() -> None:
    raw = recording()
    raw._data[6] *= 2
    assert find_bad_channels(raw) == {}


def test_noisy_begins_above_three_times_the_median() -> None:
    # The median of ten channels is taken out of each, which changes their amplitudes by a few hundredths.
    assert find_bad_channels(noise_of([10.0] * 9 + [28.0])) == {}
    assert list(find_bad_channels(noise_of([10.0] * 9 + [32.0]))) == ["O2"]


def test_where_channels_differ_much_noisy_begins_at_five_robust_deviations() -> None:
    # Sorted: 1.35 2.23 3.68 6.07 10 16.5 27.2 44.8 73.9 and the tenth: median 13.24. The absolute deviations' median is
    # between 11.01 and 11.89: 11.45 / 0.6745 = 17.0 is the robust standard deviation, 13.2 + 5 x 17.0 = 98 the limit.
    nine = list(10 * np.exp([0, 0.5, -0.5, 1, -1, 1.5, -1.5, 2, -2]))
    assert find_bad_channels(noise_of([*nine, 75.0])) == {}
    assert list(find_bad_channels(noise_of([*nine, 130.0]))) == ["O2"]


def test_flat_begins_below_a_tenth_of_a_microvolt() -> None:
    assert find_bad_channels(noise_of([10.0] * 9 + [0.101])) == {}
    assert find_bad_channels(noise_of([10.0] * 9 + [0.094])) == {"O2": "flat (0.09 µV)"}


def test_an_offset_of_millivolts_is_flat() -> None:
    raw = noise_of()
    raw._data[3] = 5e-3
    assert find_bad_channels(raw) == {"F4": "flat (0.00 µV)"}


def test_a_burst_in_a_tenth_of_the_recording_is_no_reason() -> None:
    raw = recording()
    raw._data[6, :300] *= 100
    assert find_bad_channels(raw) == {}


def test_bursts_count_from_half_of_the_seconds() -> None:
    raw = noise_of()
    raw._data[6, : 13 * SFREQ] *= 20  # the filter carries a burst into the next second
    assert find_bad_channels(raw) == {}
    raw._data[6, 13 * SFREQ : 17 * SFREQ] *= 20
    assert list(find_bad_channels(raw)) == ["P3"]


def test_an_hour_is_looked_at_in_parts_spread_over_it() -> None:
    rng = np.random.default_rng(4)
    data = 1e-5 * rng.standard_normal((5, 100 * 1500))
    data[2, 100 * 700 :] *= 20  # bad from the middle on: in more than half of the seconds
    raw = mne.io.RawArray(data, mne.create_info(NAMES[:5], 100.0, "eeg"), verbose="error")
    assert list(find_bad_channels(raw)) == ["F3"]


# Mains


def test_mains_common_to_all_electrodes_hide_no_noisy_one() -> None:
    raw = at_250_hz()
    raw._data[4] *= 10
    assert list(find_bad_channels(raw)) == ["C3"]
    raw._data += mains(150, raw.n_times)
    assert list(find_bad_channels(raw)) == ["C3"]


def test_mains_that_the_band_pass_takes_make_no_channel_bad() -> None:
    raw = at_250_hz()
    raw._data[4] += mains(60, raw.n_times)
    assert find_bad_channels(raw) == {}


def test_a_potential_common_to_all_electrodes_makes_no_channel_alive() -> None:
    raw = at_250_hz()
    raw._data[4] = 0
    raw._data[[i for i in range(len(NAMES)) if i != 4]] += mains(150, raw.n_times)
    assert find_bad_channels(raw) == {"C3": "flat (0.00 µV)"}


# EOG, and what the file calls bad


def test_blinks_do_not_make_frontal_channels_bad() -> None:
    raw = recording(eog=True)
    assert find_bad_channels(raw) == {}
    assert set(find_bad_channels(raw.copy().drop_channels("vEOG"))) == {"Fp1", "Fp2"}  # without EOG nobody can tell


def test_flat_eog_does_no_harm() -> None:
    raw = noise_of(n_eog=2)
    raw._data[-1] = 0
    assert find_bad_channels(raw) == {}
    raw._data[-2:] = 0
    assert find_bad_channels(raw) == {}


def test_what_the_file_calls_bad_is_bad() -> None:
    raw = recording()
    raw.info["bads"] = ["C4"]
    assert find_bad_channels(raw) == {"C4": "marked in the file"}


def test_channels_bad_already_are_no_measure_for_the_others() -> None:
    raw = noise_of([300.0] * 4 + [10.0] * 5 + [100.0])
    assert find_bad_channels(raw) == {}  # the four of them hide the tenth
    raw.info["bads"] = NAMES[:4]
    bads = find_bad_channels(raw)
    assert set(bads) == {*NAMES[:4], "O2"}
    assert bads["Fp1"] == "marked in the file"


# Too little to tell


def test_three_channels_are_too_few_to_compare() -> None:
    raw = recording().pick(["C3", "C4", "P3"])
    raw._data[0] *= 50
    assert find_bad_channels(raw) == {}


def test_a_flat_channel_is_found_among_three_a_noisy_one_among_four() -> None:
    assert list(find_bad_channels(noise_of([10.0, 10.0, 0.0]))) == ["F3"]
    assert find_bad_channels(noise_of([10.0, 10.0, 500.0])) == {}
    assert list(find_bad_channels(noise_of([10.0, 10.0, 10.0, 500.0]))) == ["F4"]


def test_less_than_a_second_tells_nothing() -> None:
    with pytest.raises(DataFormatError, match=r"EEG of a second at least, got 10 channels of 0.5 s"):
        find_bad_channels(recording(seconds=1).crop(0, 0.5))


def test_a_recording_without_eeg_is_refused() -> None:
    raw = noise_of().set_channel_types(dict.fromkeys(NAMES, "misc"), verbose="error")
    with pytest.raises(DataFormatError, match="Bad channels need EEG of a second at least, got 0 channels"):
        find_bad_channels(raw)


# Interpolation


def test_a_bad_channel_becomes_what_the_others_say_with_a_warning() -> None:
    raw = recording()
    smooth = np.sin(np.arange(raw.n_times) / 20) * 20e-6
    raw._data[:] = raw._data * 0.05 + smooth  # one field over the whole head
    raw._data[4] = 0
    with pytest.warns(UserWarning, match=r"Bad channels were interpolated: C3: flat \(0.00 µV\)"):
        got = interpolate_bad_channels(raw)
    assert np.corrcoef(got.get_data(picks="C3")[0], smooth)[0, 1] > 0.99
    assert got.info["bads"] == []
    others = [name for name in NAMES if name != "C3"]
    assert_array_equal(got.get_data(picks=others), raw.get_data(picks=others))
    assert_allclose(raw.get_data(picks="C3"), 0)
    assert steps_done(got)[-1]["bads"] == {"C3": "flat (0.00 µV)"}
    reference = raw.copy()
    reference.info["bads"] = ["C3"]
    expected = reference.interpolate_bads(verbose="error").get_data(picks="C3")
    assert_allclose(got.get_data(picks="C3"), expected)


def test_nothing_bad_leaves_everything_and_says_so() -> None:
    raw = recording()
    got = interpolate_bad_channels(raw)
    assert_array_equal(got.get_data(), raw.get_data())
    assert steps_done(got)[-1] == {"step": "interpolate_bad_channels", "bads": {}}


def test_copy_false_interpolates_in_place() -> None:
    raw = noise_of([10.0] * 9 + [0.0])
    with pytest.warns(UserWarning, match="O2"):
        expected = interpolate_bad_channels(raw).get_data()
    assert raw.get_data(picks="O2").std() < 1e-12
    with pytest.warns(UserWarning, match="O2"):
        assert interpolate_bad_channels(raw, copy=False) is raw
    assert_array_equal(raw.get_data(), expected)


def test_the_file_s_own_bads_are_interpolated_and_forgotten() -> None:
    raw = noise_of()
    raw.info["bads"] = ["C4"]
    with pytest.warns(UserWarning, match="C4: marked in the file"):
        got = interpolate_bad_channels(raw)
    assert got.info["bads"] == []
    assert raw.info["bads"] == ["C4"]
    assert steps_done(got)[-1]["bads"] == {"C4": "marked in the file"}


def test_a_bad_eog_channel_stays_bad_and_is_not_regressed_on() -> None:
    raw = noise_of(n_eog=2)
    raw.info["bads"] = ["EOG1"]
    assert interpolate_bad_channels(raw).info["bads"] == ["EOG1"]
    raw.info["bads"] = ["C4", "EOG1"]
    with pytest.warns(UserWarning, match="C4: marked in the file"):
        got = interpolate_bad_channels(raw)
    assert got.info["bads"] == ["EOG1"]
    assert steps_done(remove_eog(got))[-1]["eog_channels"] == ["EOG0"]


def test_half_of_the_channels_may_be_bad() -> None:
    with pytest.warns(UserWarning, match=r"interpolated: Fp1: flat \(0\.00 µV\), Fp2: flat .* C3: flat"):
        got = interpolate_bad_channels(noise_of([0.0] * 5 + [10.0] * 5))
    assert find_bad_channels(got) == {}


def test_more_than_half_bad_is_refused() -> None:
    raw = recording()
    raw._data[:6] = 0
    with pytest.raises(DataFormatError, match=r"6 of 10 EEG channels are bad \(Fp1: flat.*leave channels or the whole"):
        interpolate_bad_channels(raw)


def test_a_bad_channel_without_a_place_is_refused() -> None:
    raw = recording().rename_channels({"C3": "X1"})
    raw.info["chs"][4]["loc"][:] = np.nan
    raw._data[4] = 0
    with pytest.raises(ConfigError, match=r"X1 have no place, .*X1: flat.*set a montage"):
        interpolate_bad_channels(raw)


def test_a_good_channel_without_a_place_is_named_where_its_place_is_needed() -> None:
    raw = noise_of([10.0] * 9 + [0.0])
    raw.info["chs"][4]["loc"][:] = np.nan
    with pytest.raises(ConfigError, match=r"C3.*place.*montage|place.*C3.*montage"):
        interpolate_bad_channels(raw)
