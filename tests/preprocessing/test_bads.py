"""Bad channels."""

from __future__ import annotations

import mne
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from eegemo import ConfigError, DataFormatError
from eegemo.preprocessing import find_bad_channels, interpolate_bad_channels, steps_done

NAMES = ["Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2"]
SFREQ = 100.0


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


def test_a_burst_in_a_tenth_of_the_recording_is_no_reason() -> None:
    raw = recording()
    raw._data[6, :300] *= 100
    assert find_bad_channels(raw) == {}


def test_blinks_do_not_make_frontal_channels_bad() -> None:
    raw = recording(eog=True)
    assert find_bad_channels(raw) == {}
    assert set(find_bad_channels(raw.copy().drop_channels("vEOG"))) == {"Fp1", "Fp2"}  # without EOG nobody can tell


def test_what_the_file_calls_bad_is_bad() -> None:
    raw = recording()
    raw.info["bads"] = ["C4"]
    assert find_bad_channels(raw) == {"C4": "marked in the file"}


def test_three_channels_are_too_few_to_compare() -> None:
    raw = recording().pick(["C3", "C4", "P3"])
    raw._data[0] *= 50
    assert find_bad_channels(raw) == {}


def test_less_than_a_second_tells_nothing() -> None:
    with pytest.raises(DataFormatError, match=r"EEG of a second at least, got 10 channels of 0.5 s"):
        find_bad_channels(recording(seconds=1).crop(0, 0.5))


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


def mains(microvolts: float, n: int) -> np.ndarray:
    return 1e-6 * microvolts * np.sqrt(2) * np.sin(2 * np.pi * 50 * np.arange(n) / 250)


def at_250_hz() -> mne.io.RawArray:
    rng = np.random.default_rng(3)
    raw = mne.io.RawArray(
        10e-6 * rng.standard_normal((len(NAMES), 250 * 20)), mne.create_info(NAMES, 250.0, "eeg"), verbose="error"
    )
    return raw.set_montage("colin27_1005", verbose="error")


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


def test_an_hour_is_looked_at_in_parts_spread_over_it() -> None:
    rng = np.random.default_rng(4)
    data = 1e-5 * rng.standard_normal((5, 100 * 1500))
    data[2, 100 * 700 :] *= 20  # bad from the middle on: in more than half of the seconds
    raw = mne.io.RawArray(data, mne.create_info(NAMES[:5], 100.0, "eeg"), verbose="error")
    assert list(find_bad_channels(raw)) == ["F3"]
