"""Cutting trials out of a recording: trials against slices of the samples, units, requests that cannot be met."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mne
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from eegemo import ConfigError
from eegemo.preprocessing import cut_trials

SFREQ = 128.0
N_TIMES = 1280


def ramps() -> mne.io.RawArray:
    """100 samples whose values are their numbers: microvolts of two EEG channels, and a temperature."""
    ramp = np.arange(100.0)
    data = np.stack([ramp * 1e-6, -ramp * 1e-6, ramp])
    return mne.io.RawArray(data, mne.create_info(["A", "B", "T"], 10.0, ["eeg", "eeg", "temperature"]), verbose="error")


def recording(types: tuple[str, ...] = ("eeg", "eeg", "eog", "emg", "misc")) -> mne.io.RawArray:
    data = np.random.default_rng(0).standard_normal((len(types), N_TIMES)) * 1e-5
    names = [f"{kind}{i}" for i, kind in enumerate(types)]
    return mne.io.RawArray(data, mne.create_info(names, SFREQ, list(types)), verbose="error")


RAW = recording()


# Samples


def test_trials_are_the_samples_around_their_onsets_in_the_order_given() -> None:
    cut = cut_trials(ramps(), [5.0, 2.0], [1.0, 0.5], baseline=0.3)
    assert cut.n_baseline == 3
    assert cut.n_times.tolist() == [13, 8]
    assert cut.signals.dtype == np.float32
    assert cut.signals.flags.c_contiguous
    assert_allclose(cut.signals[:, 0], [*range(47, 60), *range(17, 25)], rtol=1e-6)
    assert_allclose(cut.signals[:, 1], -cut.signals[:, 0])
    assert cut.kept.tolist() == [0, 1]


@settings(max_examples=60, deadline=None)
@given(
    trials=st.lists(st.tuples(st.integers(-200, 1400), st.integers(1, 600)), min_size=1, max_size=6),
    n_baseline=st.integers(0, 200),
    jitter=st.floats(-0.45, 0.45),
)
@example(trials=[(0, N_TIMES), (680, 600), (681, 600)], n_baseline=0, jitter=0.0)
def test_every_trial_is_a_slice_or_outside(trials: list[tuple[int, int]], n_baseline: int, jitter: float) -> None:
    """Overlapping, unordered and repeated trials; onsets up to 0.45 samples off the grid."""
    onsets = np.array([(first + jitter) / SFREQ for first, _ in trials])
    durations = np.array([length / SFREQ for _, length in trials])
    cut = cut_trials(RAW, onsets, durations, baseline=n_baseline / SFREQ)
    inside = [i for i, (at, length) in enumerate(trials) if at - n_baseline >= 0 and at + length <= N_TIMES]
    assert cut.kept.tolist() == inside
    assert cut.outside.tolist() == [i for i in range(len(trials)) if i not in inside]
    microvolts = 1e6 * RAW.get_data(picks="eeg")
    expected = [microvolts[:, trials[i][0] - n_baseline : sum(trials[i])] for i in inside]
    assert cut.n_times.tolist() == [piece.shape[1] for piece in expected]
    assert cut.n_baseline == n_baseline
    assert_allclose(cut.signals, np.concatenate([np.empty((2, 0)), *expected], axis=1).T, rtol=1e-6)
    assert_array_equal(np.flatnonzero(np.isnan(cut.peak_to_peak).all(axis=1)), cut.outside)
    for i, piece in zip(inside, expected, strict=True):
        assert_allclose(cut.peak_to_peak[i], piece.max(axis=1) - piece.min(axis=1))


@pytest.mark.parametrize(("onset", "first"), [(2.04, 20), (2.06, 21), (2.0, 20)])
def test_an_onset_falls_on_the_nearest_sample(onset: float, first: int) -> None:
    assert_allclose(cut_trials(ramps(), [onset], 0.5).signals[0, 0], first, rtol=1e-6)


def test_onsets_count_from_the_first_sample_of_a_cropped_recording() -> None:
    raw = RAW.copy().crop(2.0, 8.0)
    assert raw.first_samp == 256
    assert_allclose(cut_trials(raw, [1.0], 1.0).signals, 1e6 * RAW.get_data(picks="eeg")[:, 384:512].T, rtol=1e-6)


def test_a_file_is_cut_without_being_loaded(tmp_path: Path) -> None:
    RAW.save(tmp_path / "noise_raw.fif", verbose="error")
    raw = mne.io.read_raw(tmp_path / "noise_raw.fif", verbose="error")
    assert_allclose(cut_trials(raw, [3.0], 2.0).signals, cut_trials(RAW, [3.0], 2.0).signals, rtol=1e-6)
    assert not raw.preload


# Channels and units


def test_channels_come_in_the_order_wanted_each_in_its_unit() -> None:
    cut = cut_trials(ramps(), [1.0], 0.2, picks=["T", "B"])
    assert_allclose(cut.signals, [[10, -10], [11, -11]], rtol=1e-6)


def test_volts_become_microvolts_and_the_rest_stays() -> None:
    cut = cut_trials(RAW, [1.0], 1.0, picks=["misc4", "emg3", "eog2", "eeg0"])
    expected = RAW.get_data(picks=["misc4", "emg3", "eog2", "eeg0"])[:, 128:256].T * [1, 1e6, 1e6, 1e6]
    assert_allclose(cut.signals, expected, rtol=1e-6)


def test_bad_channels_are_cut_where_they_are_asked_for_alone() -> None:
    raw = RAW.copy()
    raw.info["bads"] = ["eeg0"]
    assert cut_trials(raw, [1.0], 1.0).signals.shape == (128, 1)
    assert cut_trials(raw, [1.0], 1.0, picks=["eeg0", "eeg1"]).signals.shape == (128, 2)


# Trials that are left out


def test_what_reaches_beyond_the_recording_is_left_out_and_said() -> None:
    cut = cut_trials(ramps(), [0.1, 4.0, 9.5, 9.0], 1.0, baseline=0.2)
    assert cut.outside.tolist() == [0, 2]
    assert cut.kept.tolist() == [1, 3]  # 9 s + 1 s ends exactly with the ramps
    assert np.isnan(cut.peak_to_peak[[0, 2]]).all()
    assert_allclose(cut.peak_to_peak[[1, 3]], 11, rtol=1e-6)


def test_the_limit_is_on_eeg_alone_and_the_amplitude_is_known_all_the_same() -> None:
    raw = ramps()
    raw._data[1, 45] = 100e-6
    cut = cut_trials(raw, [1.0, 4.0, 6.0], 1.0, reject=50.0, picks=["A", "B", "T"])
    assert cut.rejected.tolist() == [1]
    assert cut.kept.tolist() == [0, 2]
    assert_allclose(cut.peak_to_peak[1], [9, 149, 9], rtol=1e-5)
    only_first = cut_trials(raw, [4.0], 1.0, reject=50.0, picks=["A", "T"])
    assert only_first.rejected.tolist() == []


def test_exactly_the_limit_is_kept() -> None:
    raw = recording(("eeg",))
    raw._data[:] = 0
    raw._data[0, 10] = 2.0**-13  # a power of two, so that the microvolts are the same everywhere
    limit = 2.0**-13 * 1e6
    assert cut_trials(raw, [0.0], 1.0, reject=limit).kept.tolist() == [0]
    assert cut_trials(raw, [0.0], 1.0, reject=np.nextafter(limit, 0)).rejected.tolist() == [0]


def test_a_baseline_counts_towards_the_limit() -> None:
    raw = recording(("eeg",))
    raw._data[:] = 0
    raw._data[0, 120] = 200e-6
    assert cut_trials(raw, [1.0], 1.0, reject=100).kept.tolist() == [0]
    assert cut_trials(raw, [1.0], 1.0, reject=100, baseline=0.1).rejected.tolist() == [0]


def test_trials_over_stretches_called_bad_are_left_out_as_in_mne() -> None:
    raw = ramps()
    raw.set_annotations(mne.Annotations([2.5, 6.0], [0.2, 1.0], ["BAD_cable", "music"]), verbose="error")
    cut = cut_trials(raw, [1.0, 2.0, 2.7, 6.0], 1.0)
    assert cut.annotated.tolist() == [1]
    assert cut.kept.tolist() == [0, 2, 3]  # the one that begins where the stretch ends is sound
    events = np.array([[10, 0, 1], [20, 0, 1], [27, 0, 1], [60, 0, 1]])
    theirs = mne.Epochs(raw, events, tmin=0, tmax=0.9, baseline=None, preload=True, verbose="error")
    assert_allclose(cut.signals[:, 0], theirs.get_data(picks="A").ravel() * 1e6, rtol=1e-6)


def test_no_trial_left_is_an_empty_strip() -> None:
    cut = cut_trials(ramps(), [50.0], 1.0)
    assert cut.signals.shape == (0, 2)
    assert_array_equal(cut.n_times, np.empty(0, int))


def test_no_trials_are_no_error() -> None:
    cut = cut_trials(RAW, [], 1.0)
    assert cut.signals.shape == (0, 2)
    assert cut.peak_to_peak.shape == (0, 2)
    assert [len(part) for part in (cut.kept, cut.n_times, cut.outside, cut.rejected)] == [0, 0, 0, 0]


# Requests that cannot be met


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
        cut_trials(ramps(), onsets, durations, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"onsets": [1.0, np.inf]}, "finite onsets"),
        ({"durations": np.nan}, "durations"),
        ({"durations": np.inf}, "durations.*inf"),
        ({"durations": 0.003}, "durations.*0.003"),  # less than half a sample
        ({"durations": [1.0, 2.0, 3.0]}, r"durations.*\[1.0, 2.0, 3.0\]"),
        ({"onsets": 1.0}, "onsets"),
        ({"baseline": np.nan}, "baseline"),
        ({"baseline": np.inf}, "baseline"),
        ({"reject": np.nan}, "reject nan"),
        ({"reject": -5.0}, "reject -5"),
        ({"picks": []}, "[Cc]hannels?"),
    ],
)
def test_what_cannot_be_cut_is_refused_in_words(wanted: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        cut_trials(RAW, **{"onsets": [1.0, 2.0], "durations": 1.0, **wanted})


def test_an_unknown_channel_is_named() -> None:
    with pytest.raises(ConfigError, match="Channels C are not in the recording"):
        cut_trials(ramps(), [1.0], 1.0, picks=["A", "C"])
