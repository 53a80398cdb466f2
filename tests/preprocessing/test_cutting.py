"""Cutting trials out of a recording."""

from __future__ import annotations

import mne
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from eegemo import ConfigError
from eegemo.preprocessing import cut_trials

SFREQ = 10.0


def recording() -> mne.io.RawArray:
    """100 samples whose values are their numbers: microvolts of two EEG channels, and a temperature."""
    ramp = np.arange(100.0)
    data = np.stack([ramp * 1e-6, -ramp * 1e-6, ramp])
    return mne.io.RawArray(
        data, mne.create_info(["A", "B", "T"], SFREQ, ["eeg", "eeg", "temperature"]), verbose="error"
    )


def test_trials_are_the_samples_around_their_onsets_in_the_order_given() -> None:
    cut = cut_trials(recording(), [5.0, 2.0], [1.0, 0.5], baseline=0.3)
    assert cut.n_baseline == 3
    assert cut.n_times.tolist() == [13, 8]
    assert cut.signals.dtype == np.float32
    assert cut.signals.flags.c_contiguous
    assert_allclose(cut.signals[:, 0], [*range(47, 60), *range(17, 25)], rtol=1e-6)
    assert_allclose(cut.signals[:, 1], -cut.signals[:, 0])
    assert cut.kept.tolist() == [0, 1]


@pytest.mark.parametrize(("onset", "first"), [(2.04, 20), (2.06, 21), (2.0, 20)])
def test_an_onset_falls_on_the_nearest_sample(onset: float, first: int) -> None:
    assert_allclose(cut_trials(recording(), [onset], 0.5).signals[0, 0], first, rtol=1e-6)


def test_channels_come_in_the_order_wanted_each_in_its_unit() -> None:
    cut = cut_trials(recording(), [1.0], 0.2, picks=["T", "B"])
    assert_allclose(cut.signals, [[10, -10], [11, -11]], rtol=1e-6)


def test_what_reaches_beyond_the_recording_is_left_out_and_said() -> None:
    cut = cut_trials(recording(), [0.1, 4.0, 9.5, 9.0], 1.0, baseline=0.2)
    assert cut.outside.tolist() == [0, 2]
    assert cut.kept.tolist() == [1, 3]  # 9 s + 1 s ends exactly with the recording
    assert np.isnan(cut.peak_to_peak[[0, 2]]).all()
    assert_allclose(cut.peak_to_peak[[1, 3]], 11, rtol=1e-6)


def test_the_limit_is_on_eeg_alone_and_the_amplitude_is_known_all_the_same() -> None:
    raw = recording()
    raw._data[1, 45] = 100e-6
    cut = cut_trials(raw, [1.0, 4.0, 6.0], 1.0, reject=50.0, picks=["A", "B", "T"])
    assert cut.rejected.tolist() == [1]
    assert cut.kept.tolist() == [0, 2]
    assert_allclose(cut.peak_to_peak[1], [9, 149, 9], rtol=1e-5)
    only_first = cut_trials(raw, [4.0], 1.0, reject=50.0, picks=["A", "T"])
    assert only_first.rejected.tolist() == []


def test_no_trial_left_is_an_empty_strip() -> None:
    cut = cut_trials(recording(), [50.0], 1.0)
    assert cut.signals.shape == (0, 2)
    assert_array_equal(cut.n_times, np.empty(0, int))


@pytest.mark.parametrize(
    ("onsets", "durations", "settings"),
    [
        ([np.nan], 1.0, {}),
        ([1.0], 0.0, {}),
        ([1.0, 2.0], [1.0, -1.0], {}),
        ([1.0], 1.0, {"baseline": -1.0}),
        ([1.0], 1.0, {"reject": 0.0}),
    ],
)
def test_impossible_settings_are_refused(
    onsets: list[float], durations: float | list[float], settings: dict[str, float]
) -> None:
    with pytest.raises(ConfigError, match="finite onsets, durations above 0"):
        cut_trials(recording(), onsets, durations, **settings)  # type: ignore[arg-type]


def test_an_unknown_channel_is_named() -> None:
    with pytest.raises(ConfigError, match="Channels C are not in the recording"):
        cut_trials(recording(), [1.0], 1.0, picks=["A", "C"])


def test_trials_over_stretches_called_bad_are_left_out_as_in_mne() -> None:
    raw = recording()
    raw.set_annotations(mne.Annotations([2.5, 6.0], [0.2, 1.0], ["BAD_cable", "music"]), verbose="error")
    cut = cut_trials(raw, [1.0, 2.0, 2.7, 6.0], 1.0)
    assert cut.annotated.tolist() == [1]
    assert cut.kept.tolist() == [0, 2, 3]  # the one that begins where the stretch ends is sound
    events = np.array([[10, 0, 1], [20, 0, 1], [27, 0, 1], [60, 0, 1]])
    theirs = mne.Epochs(raw, events, tmin=0, tmax=0.9, baseline=None, preload=True, verbose="error")
    assert_allclose(cut.signals[:, 0], theirs.get_data(picks="A").ravel() * 1e6, rtol=1e-6)
