"""How units are dealt to folds and drawn for parts: how many, of whom, and of which classes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eegemo import Windows, make_splitter
from eegemo.evaluation.protocols import PROTOCOLS
from eegemo.evaluation.splitter import Split
from toy_trials import (
    FOLDS,
    LEAVE_ONE_OUT,
    equal_people,
    parametrized,
    six_examples,
    subjects_of,
    unit_numbers,
    units_of,
    windowed_trials,
    windows_of_people,
)

KFOLDS = [setting for setting in FOLDS if setting[1] != LEAVE_ONE_OUT and setting[0] != "subject-stimulus"]


def strata_of(protocol: str, windows: Windows, y: np.ndarray) -> list[tuple[Any, ...]]:
    """Give each window the stratum that its protocol spreads over the folds."""
    if protocol in ("subject", "stimulus"):
        return [()] * len(windows)
    if protocol == "window-random":
        return [(number,) for number in y]
    if protocol == "session":  # whose class is that of most of its windows
        (units,) = units_of(protocol, windows)
        y = np.array([np.bincount(y[units == unit]).argmax() for unit in units])
    return list(zip(subjects_of(windows), y, strict=True))


def class_counts(splits: list[Split], y: np.ndarray) -> list[list[int]]:
    return [np.bincount(y[test], minlength=y.max() + 1).tolist() for _, _, test in splits]


@parametrized(KFOLDS)
@six_examples
@given(data=st.data(), seed=st.integers(0, 1000))
def test_folds_differ_by_one_unit_at_most_in_size_and_in_every_stratum(
    protocol: str, n_splits: int, within: Any, data: st.DataObject, seed: int
) -> None:
    windows, y = data.draw(windowed_trials(protocol))
    (units_whole,) = units_of(protocol, windows)
    subjects = subjects_of(windows)
    strata = strata_of(protocol, windows, y)
    splits = list(make_splitter(protocol, n_splits=n_splits, within=within, random_state=seed).triples(windows, y))
    for scope in range(0, len(splits), n_splits):
        own = np.sort(np.concatenate([test for _, _, test in splits[scope : scope + n_splits]]))
        assert within == "pooled" or len(set(subjects[own])) == 1
        first = own[np.unique(units_whole[own], return_index=True)[1]]
        tested = [set(test) & set(first) for _, _, test in splits[scope : scope + n_splits]]
        sizes = [len(units) for units in tested]
        assert max(sizes) - min(sizes) <= 1
        counts = [Counter(strata[unit] for unit in units) for units in tested]
        for stratum in set().union(*counts):
            of_stratum = [count[stratum] for count in counts]
            assert max(of_stratum) - min(of_stratum) <= 1


@pytest.mark.parametrize("n_splits", [2, 4])
@six_examples
@given(data=windowed_trials("trial"), seed=st.integers(0, 1000))
def test_under_trial_everybody_with_enough_trials_is_trained_and_tested_on_in_every_fold(
    n_splits: int, data: tuple[Windows, np.ndarray], seed: int
) -> None:
    windows, y = data
    subjects = subjects_of(windows)
    for train, _, test in make_splitter("trial", n_splits=n_splits, random_state=seed).triples(windows, y):
        assert set(subjects[train]) == set(subjects)
        assert set(subjects[test]) == set(subjects)


@pytest.mark.parametrize(("n_splits", "expected"), [(5, (14, 2, 4)), (None, (16, 2, 2))])
def test_under_trial_everybody_gets_their_share_of_every_part(
    n_splits: int | None, expected: tuple[int, int, int]
) -> None:
    windows, y = equal_people(4, [0, 1, 2, 3] * 5)
    subjects = subjects_of(windows)
    for split in make_splitter("trial", n_splits=n_splits).triples(windows, y):
        for part, n in zip(split, expected, strict=True):
            assert Counter(subjects[part]) == dict.fromkeys(np.unique(subjects), n)


@pytest.mark.parametrize(
    ("protocol", "n_units"), [("window-random", 200), ("trial", 100), ("subject", 10), ("stimulus", 10)]
)
def test_the_default_hold_out_is_80_10_10(protocol: str, n_units: int) -> None:
    windows, y = equal_people(10, [0, 0, 0, 1, 1, 1, 2, 2, 2, 3], n_windows=2)
    (split,) = make_splitter(protocol, n_splits=None).triples(windows, y)
    (units,) = units_of(protocol, windows)
    assert [len(np.unique(units[part])) for part in split] == [0.8 * n_units, 0.1 * n_units, 0.1 * n_units]


def test_sizes_are_shares_of_all_units() -> None:
    windows, y = equal_people(10, [0, 1] * 5)
    hold_out = make_splitter("trial", n_splits=None, test_size=0.3, validation_size=0.2)
    assert unit_numbers(list(hold_out.triples(windows, y)), windows.trial_index) == [[50, 20, 30]]
    folds = make_splitter("trial", n_splits=4, validation_size=0.2)
    assert unit_numbers(list(folds.triples(windows, y)), windows.trial_index) == [[55, 20, 25]] * 4


def test_without_a_validation_size_nothing_is_set_aside() -> None:
    windows, y = equal_people(3, [0, 1])
    splits = list(make_splitter("subject", n_splits=3, validation_size=0).triples(windows, y))
    assert unit_numbers(splits, subjects_of(windows)) == [[2, 0, 1]] * 3


@pytest.mark.parametrize("protocol", [name for name in PROTOCOLS if name != "dataset"])  # of which there are four
def test_a_class_with_a_single_trial_is_tested_once(protocol: str) -> None:
    windows, y = windows_of_people([[(0, 4)] * 5 + [(1, 4)], *[[(0, 4)] * 6] * 4])
    splits = list(make_splitter(protocol, n_splits=5).triples(windows, y))
    ones = [n_ones for _, n_ones in class_counts(splits, y)]
    assert sorted(ones) == [0] * (len(splits) - 1) + [1]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("protocol", ["subject", "stimulus"])
def test_people_and_stimuli_are_spread_by_their_commonest_class(protocol: str, seed: int) -> None:
    """Of 8 units, 4 are mostly of class 0 and 4 mostly of class 1: 4 folds of one each."""
    mostly = [[0, 0, 0, 1] if unit < 4 else [1, 1, 0, 1] for unit in range(8)]
    if protocol == "stimulus":
        mostly = [list(column) for column in zip(*mostly, strict=True)]
    windows, y = windows_of_people([[(number, 4) for number in own] for own in mostly])
    (units,) = units_of(protocol, windows)
    numbers = np.unique(units, return_inverse=True)[1]
    for _, _, test in make_splitter(protocol, n_splits=4, random_state=seed).triples(windows, y):
        low, high = np.unique(numbers[test])
        assert low < 4 <= high


@six_examples
@given(
    n_trials=st.lists(st.integers(1, 12), min_size=3, max_size=8),
    test_size=st.sampled_from([0.1, 0.25, 0.4]),
    seed=st.integers(0, 1000),
)
def test_a_hold_out_takes_of_everybody_their_share_to_within_one_trial(
    n_trials: list[int], test_size: float, seed: int
) -> None:
    windows, y = windows_of_people([[(0, 4)] * n for n in [*n_trials, 12]])
    subjects = subjects_of(windows)
    splitter = make_splitter("trial", n_splits=None, test_size=test_size, validation_size=0, random_state=seed)
    ((_, _, test),) = splitter.triples(windows, y)
    share = len(test) / len(windows)
    assert abs(len(test) - test_size * len(windows)) <= 0.5 + 1e-9
    for person, n in Counter(subjects).items():
        assert abs(np.count_nonzero(subjects[test] == person) - n * share) < 1


@pytest.mark.parametrize("seed", range(3))
def test_folds_hold_all_classes_where_everybody_has_the_same_trials(seed: int) -> None:
    windows, y = equal_people(4, [0, 0, 1, 1, 2, 2, 3, 3])
    splits = list(make_splitter("trial", n_splits=4, random_state=seed).triples(windows, y))
    assert min(min(counts) for counts in class_counts(splits, y)) >= 1


@pytest.mark.parametrize("part", [1, 2], ids=["validation", "test"])
@pytest.mark.parametrize("seed", range(3))
def test_a_hold_out_holds_all_classes_where_everybody_has_the_same_trials(seed: int, part: int) -> None:
    windows, y = equal_people(10, [0] * 5 + [1] * 5)
    (split,) = make_splitter("trial", n_splits=None, random_state=seed).triples(windows, y)
    low, high = np.bincount(y[split[part]], minlength=2)
    assert low + high == 10
    assert abs(low - high) <= 2


def test_windows_at_random_spread_each_class_evenly() -> None:
    windows, y = equal_people(2, [0, 0, 0, 1], n_windows=5)
    splits = list(make_splitter("window-random", n_splits=5).triples(windows, y))
    assert class_counts(splits, y) == [[6, 2]] * 5
