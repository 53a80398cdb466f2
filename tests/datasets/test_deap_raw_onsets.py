"""Video starts in DEAP's raw recordings: found in the trigger channel, and matched to the presentations."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from deap_raw_files import (
    GENEVA,
    ORDER,
    STARTS,
    correlation,
    first_samples,
    held,
    load_as_is,
    valence_of,
    write_session,
    write_small,
)
from eegemo import DataFormatError, load_deap_raw
from eegemo.datasets._simulated_subject import SimulatedSubject
from eegemo.datasets.deap_triggers import find_onsets, match_onsets, read_deap_raw
from eegemo.datasets.simulated import DEFAULT_EFFECT, DEFAULT_SEED
from eegemo.datasets.simulated_raw import write_simulated_raw

# Finding the onsets


def with_trigger(codes: np.ndarray) -> mne.io.RawArray:
    info = mne.create_info(["Pz", "Status"], 512.0, ["eeg", "stim"])
    return mne.io.RawArray(np.stack([np.zeros(len(codes)), codes]), info, verbose="error")


@pytest.mark.parametrize("high", [0, 0x18FF00, 0x58FF00, 0x10000, 0xFF00])
@pytest.mark.parametrize(
    ("events", "n_held", "onsets"),
    [
        ([(100, 4), (2000, 4)], 26, [100, 2000]),
        ([(100, 4), (2000, 4)], 1, [100, 2000]),  # a code of one sample
        ([(100, 4), (2000, 4)], 1500, [100, 2000]),  # a code held long
        ([(0, 4), (700, 4)], 26, [0, 700]),  # a code at the first sample
        ([(10, 1), (36, 3), (62, 4), (88, 5)], 26, [62]),  # codes that follow without a pause
        ([(10, 3), (100, 3), (200, 3), (300, 4)], 26, [300]),  # extra fixation marks
        ([(10, 1), (50, 2), (90, 3), (130, 5), (170, 7)], 26, []),
        ([(10, 0x14), (50, 0x24), (90, 0x84), (130, 0x0C), (170, 0x40)], 26, []),  # other codes that hold the bit
        ([(2999, 4)], 26, [2999]),  # cut off by the end
    ],
)
def test_onsets_are_rising_edges_of_code_4_in_the_low_byte(
    high: int, events: list[tuple[int, int]], n_held: int, onsets: list[int]
) -> None:
    codes = held(3000, events, n_held=n_held) | high
    assert_allclose(find_onsets(with_trigger(codes)) * 512, onsets)


def test_high_bits_that_change_while_a_code_is_held_make_no_second_onset() -> None:
    codes = np.zeros(1000, np.int64) + 0x18FF00
    codes[100:110], codes[110:120], codes[120:130] = 0x18FF04, 0x58FF04, 0x08FF04
    assert_array_equal(find_onsets(with_trigger(codes)) * 512, [100])


def test_all_40_onsets_are_found_where_one_full_code_is_found_in_37(session_file: Path) -> None:
    recorded = mne.io.read_raw_bdf(session_file, stim_channel=None, verbose="error").get_data(picks=[-1])[0]
    words = np.round(recorded).astype(np.int64)
    starts = (words == 1638148) & (np.r_[0, words[:-1]] != 1638148)  # what circulating code looks for
    assert starts.sum() == 37
    assert_allclose(find_onsets(read_deap_raw(session_file)), np.round(STARTS * 128) / 128)


# Matching onsets to presentations


HOUR = 30 + np.concatenate([[0], np.cumsum(np.random.default_rng(1).uniform(78, 92, 39))])  # s, by the sheet


def test_onsets_that_are_all_there_belong_to_the_presentations_in_turn() -> None:
    assert match_onsets(HOUR + 12.3, HOUR).tolist() == list(range(40))


@pytest.mark.parametrize("lost", [[0], [39], [17], [0, 1, 2], [37, 38, 39], [0, 20, 39], [9, 10, 25], range(0, 40, 2)])
def test_missing_onsets_are_told_from_the_gaps_whatever_the_clock_says(lost: Sequence[int]) -> None:
    jitter = np.random.default_rng(2).uniform(-1, 1, 40)
    kept = np.setdiff1d(np.arange(40), lost)
    onsets = 1.0005 * HOUR[kept] - 25 + jitter[kept]  # another zero, and 500 parts per million of drift
    assert match_onsets(onsets, HOUR).tolist() == kept.tolist()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), n_lost=st.integers(1, 39), n_trials=st.integers(2, 40))
def test_an_onset_is_given_its_own_presentation_or_none(seed: int, n_lost: int, n_trials: int) -> None:
    rng = np.random.default_rng(seed)
    starts = np.cumsum(rng.uniform(70, 95, n_trials))
    kept = np.sort(rng.choice(n_trials, max(1, n_trials - n_lost), replace=False))
    if len(kept) == n_trials:
        kept = kept[1:]
    onsets = starts[kept] + rng.uniform(-100, 100) + rng.uniform(-0.5, 0.5, len(kept))
    try:
        matched = match_onsets(onsets, starts)
    except DataFormatError:
        return
    assert matched.tolist() == kept.tolist()


@pytest.mark.parametrize(
    ("onsets", "best", "next_best"),
    [
        ([80.0, 160.0], "0.0 s", "0.0 s"),  # the first or the last of three that are 80 s apart
        ([500.0], "0.0 s", "0.0 s"),
        ([0.0, 80.5], "0.5 s", "0.5 s"),
        ([0.0, 86.0], "6.0 s", "6.0 s"),
        ([0.0, 154.0], "6.0 s", "74.0 s"),
    ],
)
def test_gaps_that_fit_in_several_ways_or_in_none_are_refused(onsets: list[float], best: str, next_best: str) -> None:
    words = rf"^{len(onsets)} video starts? .*instead of 3.*off by {best}, .*{next_best}.*subjects=\.\.\."
    with pytest.raises(DataFormatError, match=words):
        match_onsets(np.array(onsets), np.array([0.0, 80.0, 160.0]))


def test_gaps_that_fit_nowhere_are_refused_in_words() -> None:
    with pytest.raises(DataFormatError, match=r"^2 video starts .*instead of 3") as caught:
        match_onsets(np.array([0.0, 3.0]), np.array([0.0, 80.0, 160.0]))
    assert " inf " not in str(caught.value)


def test_of_two_ways_that_fit_the_clearly_better_one_is_taken() -> None:
    starts = np.array([0.0, 80.0, 161.5])  # the gaps differ by 1.5 s
    assert match_onsets(np.array([7.0, 87.1]), starts).tolist() == [0, 1]
    assert match_onsets(np.array([7.0, 88.6]), starts).tolist() == [1, 2]
    with pytest.raises(DataFormatError, match="does not tell which are missing"):
        match_onsets(np.array([7.0, 87.7]), starts)  # off by 0.7 s, or by 0.8 s


def test_a_gap_may_be_off_by_five_seconds_and_no_more() -> None:
    starts = np.array([0.0, 80.0, 250.0])
    assert match_onsets(np.array([10.0, 94.9]), starts).tolist() == [0, 1]
    with pytest.raises(DataFormatError, match=r"off by 5\.1 s"):
        match_onsets(np.array([10.0, 95.1]), starts)


@pytest.mark.parametrize("n_onsets", [0, 4, 41])
def test_more_onsets_than_presentations_and_none_are_refused(n_onsets: int) -> None:
    with pytest.raises(DataFormatError, match=rf"^{n_onsets} video starts \(code 4\).*expected 3, as the ratings have"):
        match_onsets(np.arange(n_onsets, dtype=float), np.array([0.0, 80.0, 165.0]))


def test_no_onsets_at_all_are_refused_by_the_files_name(tmp_path: Path) -> None:
    write_small(tmp_path, events=[(600, 3), (1200, 5)])
    with pytest.raises(
        DataFormatError, match=r"^s07\.bdf: 0 video starts \(code 4\) in the trigger channel, expected 2"
    ):
        load_as_is(tmp_path)


def test_an_onset_too_many_is_refused_by_the_files_name(tmp_path: Path) -> None:
    write_small(tmp_path, events=[(512, 4), (5000, 4), (8960, 4)])
    with pytest.raises(DataFormatError, match=r"^s07\.bdf: 3 video starts .*expected 2"):
        load_as_is(tmp_path)


def test_lost_onsets_of_simulated_people_are_matched_by_the_gaps(tmp_path: Path) -> None:
    write_simulated_raw(tmp_path, [24], n_trials=3, lost_onsets=[2])
    shown = pd.read_csv(tmp_path / "participant_ratings.csv")["Experiment_id"].tolist()
    with pytest.warns(UserWarning, match=rf"s24\.bdf: 1 of 3 video starts .*missing.*: trials? {shown[1]}\."):
        trials = load_deap_raw(tmp_path, channels=["Pz"])
    assert trials.table["stimulus"].tolist() == sorted([shown[0], shown[2]])
    simulated = SimulatedSubject(24, DEFAULT_EFFECT, DEFAULT_SEED)
    for i, video in enumerate(trials.table["stimulus"]):
        assert (
            correlation(trials.trial_data(i, baseline=True)[0], simulated.record(video - 1)[GENEVA.index("Pz")]) > 0.5
        )


def test_lost_onsets_that_could_be_either_are_refused(tmp_path: Path) -> None:
    write_simulated_raw(tmp_path, [3], n_trials=2, lost_onsets=[1])
    with pytest.raises(DataFormatError, match=r"^s03\.bdf: 1 video starts? .*instead of 2.*Leave this person out"):
        load_as_is(tmp_path)


def test_37_onsets_of_40_drop_three_trials_with_a_warning_that_counts_them(session: Path, tmp_path: Path) -> None:
    place = session / "data_original"
    (place / "s25.bdf").unlink()
    write_session(place, lost=[1, 12, 40])
    gone = sorted(ORDER[[0, 11, 39]])
    with pytest.warns(UserWarning, match=rf"s25\.bdf: 3 of 40 .*: trials {gone[0]}, {gone[1]}, {gone[2]}\.") as caught:
        trials = load_as_is(session)
    assert len(caught) == 1
    kept = [video for video in range(1, 41) if video not in gone]
    assert trials.table["stimulus"].tolist() == kept
    started = dict(zip(ORDER, np.round(STARTS * 128).astype(int), strict=True))
    assert first_samples(trials) == [started[video] - 384 for video in kept]
    assert trials.table["valence"].tolist() == [valence_of(video) for video in kept]
    assert trials.provenance["recordings"][0]["trials"] == 37


def test_40_onsets_in_gaps_that_the_sheet_does_not_have_are_not_taken_in_silence(session: Path) -> None:
    # One trigger lost and one false, or another person's recording under this name: the labels would be wrong.
    place = session / "data_original"
    (place / "s25.bdf").unlink()
    write_session(place, lost=[3], extra=[STARTS[30] + 4.0])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            load_as_is(session)
        except DataFormatError as error:
            assert re.search(r"s25\.bdf.*gaps", str(error))
            return
    assert any("s25.bdf" in str(warning.message) for warning in caught), "40 trials were labelled without a word"
