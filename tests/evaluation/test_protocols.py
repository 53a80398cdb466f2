"""The protocols: what stays whole, what is tested how often, and what decides the splits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eegemo import ConfigError, Windows, make_splitter
from eegemo.evaluation.protocols import PROTOCOLS
from eegemo.evaluation.splitter import NSplits
from toy_trials import (
    FOLDS,
    LEAVE_ONE_OUT,
    SETTINGS,
    as_lists,
    assert_each_is_tested_once,
    equal_people,
    parametrized,
    seen_by,
    six_examples,
    subjects_of,
    unit_numbers,
    units_of,
    windowed_trials,
    windows_of_people,
    with_columns,
)

HONEST = [protocol for protocol in PROTOCOLS if protocol != "window-random"]


ONE_BY_ONE = [setting for setting in SETTINGS if setting[1] == LEAVE_ONE_OUT]


def samples_of(windows: Windows, numbers: np.ndarray) -> set[int]:
    return {sample for start in windows.starts[numbers].tolist() for sample in range(start, start + windows.n_times)}


@parametrized([setting for setting in SETTINGS if setting[0] != "subject-stimulus"])
@six_examples
@given(data=st.data(), seed=st.integers(0, 1000))
def test_every_window_in_scope_is_in_exactly_one_part(
    protocol: str, n_splits: NSplits, within: Any, data: st.DataObject, seed: int
) -> None:
    windows, y = data.draw(windowed_trials(protocol))
    subjects = subjects_of(windows)
    for split in make_splitter(protocol, n_splits=n_splits, within=within, random_state=seed).triples(windows, y):
        assert all(len(part) for part in split)
        assert all((np.diff(part) > 0).all() for part in split)
        scope = np.arange(len(windows))
        if within == "subject":
            scope = np.flatnonzero(subjects == subjects[split[2][0]])
        np.testing.assert_array_equal(np.sort(np.concatenate(split)), scope)


@pytest.mark.parametrize("n_splits", [None, 2, 4])
@six_examples
@given(data=windowed_trials("subject-stimulus"), seed=st.integers(0, 1000))
def test_a_window_of_a_person_and_a_stimulus_in_different_parts_is_left_out_and_no_other(
    n_splits: int | None, data: tuple[Windows, np.ndarray], seed: int
) -> None:
    windows, y = data
    people, stimuli = units_of("subject-stimulus", windows)
    for split in make_splitter("subject-stimulus", n_splits=n_splits, random_state=seed).triples(windows, y):
        part_of = [{unit: part for part in range(3) for unit in units[split[part]]} for units in (people, stimuli)]
        expected: list[list[int]] = [[], [], []]
        for number, (person, stimulus) in enumerate(zip(people, stimuli, strict=True)):
            if part_of[0][person] == part_of[1][stimulus]:
                expected[part_of[0][person]].append(number)
        assert as_lists([split]) == [expected]
        assert all(expected)


@parametrized(FOLDS)
@six_examples
@given(data=st.data(), seed=st.integers(0, 1000))
def test_every_window_is_tested_once_over_the_folds_of_each_repetition(
    protocol: str, n_splits: NSplits, within: Any, data: st.DataObject, seed: int
) -> None:
    windows, y = data.draw(windowed_trials(protocol))
    n_repeats = 1 if n_splits == LEAVE_ONE_OUT else data.draw(st.integers(1, 3))
    splitter = make_splitter(protocol, n_splits=n_splits, within=within, n_repeats=n_repeats, random_state=seed)
    splits = list(splitter.triples(windows, y))
    n_folds = len(splits) // n_repeats
    if isinstance(n_splits, int):
        n_scopes = len(np.unique(subjects_of(windows))) if within == "subject" else 1
        assert len(splits) == n_repeats * n_scopes * n_splits ** len(units_of(protocol, windows))
    for first in range(0, len(splits), n_folds):
        assert_each_is_tested_once(splits[first : first + n_folds], len(windows))


@parametrized(SETTINGS)
@six_examples
@given(data=st.data(), seed=st.integers(0, 1000))
def test_no_unit_lies_on_two_sides(
    protocol: str, n_splits: NSplits, within: Any, data: st.DataObject, seed: int
) -> None:
    windows, y = data.draw(windowed_trials(protocol))
    kept_whole = units_of(protocol, windows)
    for split in make_splitter(protocol, n_splits=n_splits, within=within, random_state=seed).triples(windows, y):
        for units in kept_whole:
            train, validation, test = (set(units[part]) for part in split)
            assert not train & test
            assert not validation & test
            if protocol == "dataset":  # validation is by people
                units = subjects_of(windows)
                train, validation = set(units[split[0]]), set(units[split[1]])
            assert not train & validation


@parametrized([setting for setting in SETTINGS if setting[0] in HONEST])
@six_examples
@given(data=st.data(), seed=st.integers(0, 1000))
def test_no_two_sides_of_an_honest_protocol_share_a_sample(
    protocol: str, n_splits: NSplits, within: Any, data: st.DataObject, seed: int
) -> None:
    windows, y = data.draw(windowed_trials(protocol))
    for split in make_splitter(protocol, n_splits=n_splits, within=within, random_state=seed).triples(windows, y):
        train, validation, test = (samples_of(windows, part) for part in split)
        assert not train & test
        assert not train & validation
        assert not validation & test


def test_windows_at_random_share_samples_where_they_overlap() -> None:
    windows, _ = windows_of_people([[(0, 8)] * 4], step=1)
    for train, _, test in make_splitter("window-random", n_splits=4).triples(windows):
        assert samples_of(windows, train) & samples_of(windows, test)


@parametrized(ONE_BY_ONE)
@six_examples
@given(data=st.data(), seed=st.integers(0, 1000))
def test_leave_one_out_tests_one_unit_a_fold_and_each_one_once(
    protocol: str, n_splits: NSplits, within: Any, data: st.DataObject, seed: int
) -> None:
    windows, y = data.draw(windowed_trials(protocol))
    (units,) = units_of(protocol, windows)
    if within == "subject":
        units = (subjects_of(windows) + "|").astype(object) + units
    splits = list(make_splitter(protocol, n_splits=n_splits, within=within, random_state=seed).triples(windows, y))
    tested = [set(units[test]) for _, _, test in splits]
    assert [len(one) for one in tested] == [1] * len(set(units))
    assert set().union(*tested) == set(units)


@given(
    seen=st.lists(st.sets(st.integers(0, 5), min_size=1).map(sorted), min_size=4, max_size=7),
    n_splits=st.sampled_from([2, 3, 4]),
    validation_size=st.sampled_from([0, 0.1]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=100, deadline=None)
def test_where_people_saw_different_stimuli_each_window_is_still_tested_once_or_the_split_is_refused(
    seen: list[list[int]], n_splits: int, validation_size: float, seed: int
) -> None:
    windows = seen_by(seen)
    people, stimuli = units_of("subject-stimulus", windows)
    splitter = make_splitter("subject-stimulus", n_splits=n_splits, validation_size=validation_size, random_state=seed)
    try:
        splits = list(splitter.triples(windows))
    except ConfigError as error:
        assert "saw none of the stimuli" in str(error) or "needs more than" in str(error)
        return
    assert_each_is_tested_once(splits, len(windows))
    for train, validation, test in splits:
        assert len(train)
        assert len(validation) or not validation_size
        for units in (people, stimuli):
            assert not set(units[np.append(train, validation)]) & set(units[test])


def test_pairs_that_nobody_saw_make_no_fold() -> None:
    windows = seen_by([[0], [1], [2], [3]])
    splits = list(make_splitter("subject-stimulus", n_splits=4, validation_size=0).triples(windows))
    assert sorted((test.tolist(), train.tolist()) for train, _, test in splits) == [
        ([0], [1, 2, 3]),
        ([1], [0, 2, 3]),
        ([2], [0, 1, 3]),
        ([3], [0, 1, 2]),
    ]


@pytest.mark.parametrize("n_splits", [6, LEAVE_ONE_OUT])
def test_one_person_can_be_left_out_at_a_time(n_splits: NSplits) -> None:
    windows, y = equal_people(6, [0, 1])
    splits = list(make_splitter("subject", n_splits=n_splits).triples(windows, y))
    assert unit_numbers(splits, subjects_of(windows)) == [[4, 1, 1]] * 6


def test_within_subject_every_person_is_split_alone() -> None:
    windows, y = equal_people(3, [0, 1] * 5)
    splits = list(make_splitter("trial", n_splits=5, within="subject").triples(windows, y))
    people = [set(subjects_of(windows)[np.concatenate(split)]) for split in splits]
    assert people == [{"s0"}] * 5 + [{"s1"}] * 5 + [{"s2"}] * 5
    assert unit_numbers(splits, windows.trial_index) == [[7, 1, 2]] * 15


@parametrized(SETTINGS)
@pytest.mark.parametrize("n_repeats", [1, 2])
def test_the_seed_alone_decides_the_splits(protocol: str, n_splits: NSplits, within: Any, n_repeats: int) -> None:
    if n_splits == LEAVE_ONE_OUT:
        n_repeats = 1
    options: dict[str, Any] = {"n_splits": n_splits, "within": within, "n_repeats": n_repeats}
    windows, y = equal_people(9, [0, 1, 2, 3, 0, 1])
    splitter = make_splitter(protocol, random_state=3, **options)
    splits = as_lists(list(splitter.triples(windows, y)))
    again = make_splitter(protocol, random_state=3, **options)
    other = make_splitter(protocol, random_state=4, **options)
    assert as_lists(list(splitter.triples(windows, y))) == splits
    assert as_lists(list(again.triples(windows, y))) == splits
    assert as_lists(list(other.triples(windows, y))) != splits


@parametrized([setting for setting in SETTINGS if setting[1] != LEAVE_ONE_OUT])
def test_each_repetition_is_drawn_anew(protocol: str, n_splits: NSplits, within: Any) -> None:
    windows, y = equal_people(9, [0, 1, 2, 3, 0, 1, 2, 3])
    splitter = make_splitter(protocol, n_splits=n_splits, within=within, n_repeats=6)
    splits = as_lists(list(splitter.triples(windows, y)))
    n_folds = len(splits) // 6
    drawn = [splits[first : first + n_folds] for first in range(0, len(splits), n_folds)]
    assert len(drawn) == 6
    assert sum(one not in drawn[:number] for number, one in enumerate(drawn)) >= 3  # some may be alike by chance


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_classes_need_not_be_known(protocol: str) -> None:
    windows, _ = equal_people(4, [0, 1, 2, 3])
    assert_each_is_tested_once(list(make_splitter(protocol, n_splits=4).triples(windows)), 16)


@parametrized(SETTINGS)
def test_a_class_that_a_person_never_has_is_no_reason_to_stop(protocol: str, n_splits: NSplits, within: Any) -> None:
    everything, only_zero = [(0, 4), (1, 4), (2, 4)] * 2, [(0, 4)] * 6
    windows, y = windows_of_people([everything, only_zero, everything, only_zero])
    splits = list(make_splitter(protocol, n_splits=n_splits, within=within).triples(windows, y))
    assert all(len(part) for split in splits for part in split)
    if n_splits is not None:
        assert_each_is_tested_once(splits, 24)


@pytest.mark.parametrize("protocol", ["window-random", "trial", "subject"])
def test_protocols_that_do_not_look_at_stimuli_do_without_them(protocol: str) -> None:
    windows, y = equal_people(5, [0, 1, 2, 3])
    trials = with_columns(windows.trials, stimulus=np.nan)
    splits = list(make_splitter(protocol).triples(trials.windows(n_times=4, step=4), y))
    assert as_lists(splits) == as_lists(list(make_splitter(protocol).triples(windows, y)))
