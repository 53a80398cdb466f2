"""Bad channels: where the limits lie, and what else a recording may hold."""

from __future__ import annotations

import mne
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from eegemo import ConfigError, DataFormatError
from eegemo.preprocessing import find_bad_channels, interpolate_bad_channels, remove_eog, steps_done

NAMES = ["Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2"]
SFREQ = 100
SECONDS = 30


def recording(microvolts: list[float] | None = None, n_eog: int = 0) -> mne.io.RawArray:
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


def test_noisy_begins_above_three_times_the_median() -> None:
    # The median of ten channels is taken out of each, which changes their amplitudes by a few hundredths.
    assert find_bad_channels(recording([10.0] * 9 + [28.0])) == {}
    assert list(find_bad_channels(recording([10.0] * 9 + [32.0]))) == ["O2"]


def test_where_channels_differ_much_noisy_begins_at_five_robust_deviations() -> None:
    # Sorted: 1.35 2.23 3.68 6.07 10 16.5 27.2 44.8 73.9 and the tenth: median 13.24. The absolute deviations' median is
    # between 11.01 and 11.89: 11.45 / 0.6745 = 17.0 is the robust standard deviation, 13.2 + 5 x 17.0 = 98 the limit.
    nine = list(10 * np.exp([0, 0.5, -0.5, 1, -1, 1.5, -1.5, 2, -2]))
    assert find_bad_channels(recording([*nine, 75.0])) == {}
    assert list(find_bad_channels(recording([*nine, 130.0]))) == ["O2"]


def test_flat_begins_below_a_tenth_of_a_microvolt() -> None:
    assert find_bad_channels(recording([10.0] * 9 + [0.101])) == {}
    assert find_bad_channels(recording([10.0] * 9 + [0.094])) == {"O2": "flat (0.09 µV)"}


def test_an_offset_of_millivolts_is_flat() -> None:
    raw = recording()
    raw._data[3] = 5e-3
    assert find_bad_channels(raw) == {"F4": "flat (0.00 µV)"}


def test_bursts_count_from_half_of_the_seconds() -> None:
    raw = recording()
    raw._data[6, : 13 * SFREQ] *= 20  # the filter carries a burst into the next second
    assert find_bad_channels(raw) == {}
    raw._data[6, 13 * SFREQ : 17 * SFREQ] *= 20
    assert list(find_bad_channels(raw)) == ["P3"]


def test_a_flat_channel_is_found_among_three_a_noisy_one_among_four() -> None:
    assert list(find_bad_channels(recording([10.0, 10.0, 0.0]))) == ["F3"]
    assert find_bad_channels(recording([10.0, 10.0, 500.0])) == {}
    assert list(find_bad_channels(recording([10.0, 10.0, 10.0, 500.0]))) == ["F4"]


def test_channels_bad_already_are_no_measure_for_the_others() -> None:
    raw = recording([300.0] * 4 + [10.0] * 5 + [100.0])
    assert find_bad_channels(raw) == {}  # the four of them hide the tenth
    raw.info["bads"] = NAMES[:4]
    bads = find_bad_channels(raw)
    assert set(bads) == {*NAMES[:4], "O2"}
    assert bads["Fp1"] == "marked in the file"


def test_flat_eog_does_no_harm() -> None:
    raw = recording(n_eog=2)
    raw._data[-1] = 0
    assert find_bad_channels(raw) == {}
    raw._data[-2:] = 0
    assert find_bad_channels(raw) == {}


def test_a_recording_without_eeg_is_refused() -> None:
    raw = recording().set_channel_types(dict.fromkeys(NAMES, "misc"), verbose="error")
    with pytest.raises(DataFormatError, match="Bad channels need EEG of a second at least, got 0 channels"):
        find_bad_channels(raw)


def test_half_of_the_channels_may_be_bad() -> None:
    with pytest.warns(UserWarning, match=r"interpolated: Fp1: flat \(0\.00 µV\), Fp2: flat .* C3: flat"):
        got = interpolate_bad_channels(recording([0.0] * 5 + [10.0] * 5))
    assert find_bad_channels(got) == {}


def test_copy_false_interpolates_in_place() -> None:
    raw = recording([10.0] * 9 + [0.0])
    with pytest.warns(UserWarning, match="O2"):
        expected = interpolate_bad_channels(raw).get_data()
    assert raw.get_data(picks="O2").std() < 1e-12
    with pytest.warns(UserWarning, match="O2"):
        assert interpolate_bad_channels(raw, copy=False) is raw
    assert_array_equal(raw.get_data(), expected)


def test_the_file_s_own_bads_are_interpolated_and_forgotten() -> None:
    raw = recording()
    raw.info["bads"] = ["C4"]
    with pytest.warns(UserWarning, match="C4: marked in the file"):
        got = interpolate_bad_channels(raw)
    assert got.info["bads"] == []
    assert raw.info["bads"] == ["C4"]
    assert steps_done(got)[-1]["bads"] == {"C4": "marked in the file"}


def test_a_bad_eog_channel_stays_bad_and_is_not_regressed_on() -> None:
    raw = recording(n_eog=2)
    raw.info["bads"] = ["EOG1"]
    assert interpolate_bad_channels(raw).info["bads"] == ["EOG1"]
    raw.info["bads"] = ["C4", "EOG1"]
    with pytest.warns(UserWarning, match="C4: marked in the file"):
        got = interpolate_bad_channels(raw)
    assert got.info["bads"] == ["EOG1"]
    assert steps_done(remove_eog(got))[-1]["eog_channels"] == ["EOG0"]


def test_a_good_channel_without_a_place_is_named_where_its_place_is_needed() -> None:
    raw = recording([10.0] * 9 + [0.0])
    raw.info["chs"][4]["loc"][:] = np.nan
    with pytest.raises(ConfigError, match=r"C3.*place.*montage|place.*C3.*montage"):
        interpolate_bad_channels(raw)
