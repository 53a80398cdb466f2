"""The protocols: what stays whole, how evenly it is spread, and what is refused."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eegemo import ConfigError, Trials, Windows, make_splitter
from eegemo.evaluation.protocols import PROTOCOLS, Split

SETTINGS = [
    (protocol, n_splits, within)
    for protocol, n_splits, within in product(PROTOCOLS, (None, 2, 4), ("pooled", "subject"))
    if (protocol, within) != ("subject", "subject")
]
KFOLDS = [setting for setting in SETTINGS if setting[1] is not None]
every_setting = pytest.mark.parametrize(("protocol", "n_splits", "within"), SETTINGS)
every_kfold = pytest.mark.parametrize(("protocol", "n_splits", "within"), KFOLDS)
few = settings(max_examples=12, deadline=None)


def make_windows(people: list[list[tuple[int, int]]], *, step: int = 4) -> tuple[Windows, np.ndarray]:
    """Cut windows of 4 samples; ``people`` holds a (class, n_times) for each trial of each person."""
    rows = [(person, trial, *what) for person, trials in enumerate(people) for trial, what in enumerate(trials)]
    table = pd.DataFrame(rows, columns=["subject", "trial", "class", "n_times"])
    table = table.assign(
        subject="s" + table["subject"].astype(str),
        stimulus=table["trial"],
        n_baseline=0,
        start=table["n_times"].cumsum() - table["n_times"],
    )
    strip = np.zeros((int(table["n_times"].sum()), 1), np.float32)
    windows = Trials(strip, table, ("Cz",), 1.0, dataset="zeros", simulated=True).windows(4, step, unit="samples")
    return windows, windows.expand(table["class"].to_numpy())


def equal_people(n_people: int, classes: list[int], n_windows: int = 1) -> tuple[Windows, np.ndarray]:
    return make_windows([[(number, 4 * n_windows) for number in classes]] * n_people)


@st.composite
def windowed_trials(draw: st.DrawFn) -> tuple[Windows, np.ndarray]:
    """Four to six people with four to nine trials each; classes may be rare, or missing in a person."""
    people = []
    for _ in range(draw(st.integers(4, 6))):
        classes = draw(st.sampled_from([(0,), (0, 0, 0, 1), (2, 3), (0, 1, 2, 3)]))
        trial = st.tuples(st.sampled_from(classes), st.integers(4, 14))
        people.append(draw(st.lists(trial, min_size=4, max_size=9)))
    return make_windows(people, step=draw(st.sampled_from([1, 2, 4])))


def subjects_of(windows: Windows) -> np.ndarray:
    return windows.table["subject"].to_numpy()


def units_of(protocol: str, windows: Windows) -> np.ndarray:
    """Give each window the unit that its protocol promises to keep whole."""
    units = {
        "window-random": np.arange(len(windows)),
        "trial": windows.trial_index,
        "subject": np.unique(subjects_of(windows), return_inverse=True)[1],
    }
    return units[protocol]


def strata_of(protocol: str, windows: Windows, y: np.ndarray) -> list[tuple[Any, ...]]:
    """Give each window the stratum that its protocol spreads over the folds."""
    if protocol == "subject":
        return [()] * len(windows)
    if protocol == "window-random":
        return [(number,) for number in y]
    return list(zip(subjects_of(windows), y, strict=True))


def unit_numbers(splits: list[Split], units: np.ndarray) -> list[list[int]]:
    return [[len(np.unique(units[part])) for part in split] for split in splits]


def class_counts(splits: list[Split], y: np.ndarray) -> list[list[int]]:
    return [np.bincount(y[test], minlength=y.max() + 1).tolist() for _, _, test in splits]


def as_lists(splits: list[Split]) -> list[list[list[int]]]:
    return [[part.tolist() for part in split] for split in splits]


@every_setting
@few
@given(data=windowed_trials(), seed=st.integers(0, 1000))
def test_every_window_in_scope_is_in_exactly_one_part(
    protocol: str, n_splits: int | None, within: Any, data: tuple[Windows, np.ndarray], seed: int
) -> None:
    windows, y = data
    subjects = subjects_of(windows)
    for split in make_splitter(protocol, n_splits=n_splits, within=within, random_state=seed).split(windows, y):
        assert all(len(part) for part in split)
        assert all((np.diff(part) > 0).all() for part in split)
        scope = np.arange(len(windows))
        if within == "subject":
            scope = np.flatnonzero(subjects == subjects[split[2][0]])
        np.testing.assert_array_equal(np.sort(np.concatenate(split)), scope)


@every_kfold
@few
@given(data=windowed_trials(), seed=st.integers(0, 1000))
def test_every_window_is_tested_once_over_the_folds(
    protocol: str, n_splits: int, within: Any, data: tuple[Windows, np.ndarray], seed: int
) -> None:
    windows, y = data
    splits = list(make_splitter(protocol, n_splits=n_splits, within=within, random_state=seed).split(windows, y))
    assert len(splits) == n_splits * (len(np.unique(subjects_of(windows))) if within == "subject" else 1)
    np.testing.assert_array_equal(np.sort(np.concatenate([test for _, _, test in splits])), np.arange(len(windows)))


@every_setting
@few
@given(data=windowed_trials(), seed=st.integers(0, 1000))
def test_no_unit_lies_on_two_sides(
    protocol: str, n_splits: int | None, within: Any, data: tuple[Windows, np.ndarray], seed: int
) -> None:
    windows, y = data
    units = units_of(protocol, windows)
    for split in make_splitter(protocol, n_splits=n_splits, within=within, random_state=seed).split(windows, y):
        train, validation, test = (set(units[part]) for part in split)
        assert not train & test
        assert not train & validation
        assert not validation & test


@every_kfold
@few
@given(data=windowed_trials(), seed=st.integers(0, 1000))
def test_folds_differ_by_one_unit_at_most_in_size_and_in_every_stratum(
    protocol: str, n_splits: int, within: Any, data: tuple[Windows, np.ndarray], seed: int
) -> None:
    windows, y = data
    first = np.unique(units_of(protocol, windows), return_index=True)[1]
    strata = strata_of(protocol, windows, y)
    splits = list(make_splitter(protocol, n_splits=n_splits, within=within, random_state=seed).split(windows, y))
    for scope in range(0, len(splits), n_splits):
        tested = [set(test) & set(first) for _, _, test in splits[scope : scope + n_splits]]
        sizes = [len(units) for units in tested]
        assert max(sizes) - min(sizes) <= 1
        counts = [Counter(strata[unit] for unit in units) for units in tested]
        for stratum in set().union(*counts):
            of_stratum = [count[stratum] for count in counts]
            assert max(of_stratum) - min(of_stratum) <= 1


@pytest.mark.parametrize("n_splits", [2, 4])
@few
@given(data=windowed_trials(), seed=st.integers(0, 1000))
def test_under_trial_everybody_with_enough_trials_is_trained_and_tested_on_in_every_fold(
    n_splits: int, data: tuple[Windows, np.ndarray], seed: int
) -> None:
    windows, y = data
    subjects = subjects_of(windows)
    for train, _, test in make_splitter("trial", n_splits=n_splits, random_state=seed).split(windows, y):
        assert set(subjects[train]) == set(subjects)
        assert set(subjects[test]) == set(subjects)


@pytest.mark.parametrize(("n_splits", "expected"), [(5, (14, 2, 4)), (None, (16, 2, 2))])
def test_under_trial_everybody_gets_their_share_of_every_part(
    n_splits: int | None, expected: tuple[int, int, int]
) -> None:
    windows, y = equal_people(4, [0, 1, 2, 3] * 5)
    subjects = subjects_of(windows)
    for split in make_splitter("trial", n_splits=n_splits).split(windows, y):
        for part, n in zip(split, expected, strict=True):
            assert Counter(subjects[part]) == dict.fromkeys(np.unique(subjects), n)


@pytest.mark.parametrize(("protocol", "n_units"), [("window-random", 200), ("trial", 100), ("subject", 10)])
def test_the_default_hold_out_is_80_10_10(protocol: str, n_units: int) -> None:
    windows, y = equal_people(10, [0, 0, 0, 1, 1, 1, 2, 2, 2, 3], n_windows=2)
    (split,) = make_splitter(protocol, n_splits=None).split(windows, y)
    units = units_of(protocol, windows)
    assert [len(np.unique(units[part])) for part in split] == [0.8 * n_units, 0.1 * n_units, 0.1 * n_units]


def test_sizes_are_shares_of_all_units() -> None:
    windows, y = equal_people(10, [0, 1] * 5)
    hold_out = make_splitter("trial", n_splits=None, test_size=0.3, validation_size=0.2)
    assert unit_numbers(list(hold_out.split(windows, y)), windows.trial_index) == [[50, 20, 30]]
    folds = make_splitter("trial", n_splits=4, validation_size=0.2)
    assert unit_numbers(list(folds.split(windows, y)), windows.trial_index) == [[55, 20, 25]] * 4


def test_without_a_validation_size_nothing_is_set_aside() -> None:
    windows, y = equal_people(3, [0, 1])
    splits = list(make_splitter("subject", n_splits=3, validation_size=0).split(windows, y))
    assert unit_numbers(splits, units_of("subject", windows)) == [[2, 0, 1]] * 3


def test_with_as_many_folds_as_people_one_is_left_out_at_a_time() -> None:
    windows, y = equal_people(6, [0, 1])
    splits = list(make_splitter("subject", n_splits=6).split(windows, y))
    assert unit_numbers(splits, units_of("subject", windows)) == [[4, 1, 1]] * 6


def test_within_subject_every_person_is_split_alone() -> None:
    windows, y = equal_people(3, [0, 1] * 5)
    splits = list(make_splitter("trial", n_splits=5, within="subject").split(windows, y))
    people = [set(subjects_of(windows)[np.concatenate(split)]) for split in splits]
    assert people == [{"s0"}] * 5 + [{"s1"}] * 5 + [{"s2"}] * 5
    assert unit_numbers(splits, windows.trial_index) == [[7, 1, 2]] * 15


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("n_splits", [None, 3])
def test_the_seed_alone_decides_the_splits(protocol: str, n_splits: int | None) -> None:
    windows, y = equal_people(9, [0, 1, 2, 3, 0, 1])
    splitter = make_splitter(protocol, n_splits=n_splits, random_state=3)
    splits = as_lists(list(splitter.split(windows, y)))
    again = make_splitter(protocol, n_splits=n_splits, random_state=3)
    other = make_splitter(protocol, n_splits=n_splits, random_state=4)
    assert as_lists(list(splitter.split(windows, y))) == splits
    assert as_lists(list(again.split(windows, y))) == splits
    assert as_lists(list(other.split(windows, y))) != splits


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_classes_need_not_be_known(protocol: str) -> None:
    windows, _ = equal_people(4, [0, 1, 2, 3])
    splits = list(make_splitter(protocol, n_splits=4).split(windows))
    np.testing.assert_array_equal(np.sort(np.concatenate([test for _, _, test in splits])), np.arange(16))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_class_with_a_single_trial_is_tested_once(protocol: str) -> None:
    windows, y = make_windows([[(0, 4)] * 5 + [(1, 4)], *[[(0, 4)] * 6] * 4])
    splits = list(make_splitter(protocol, n_splits=5).split(windows, y))
    assert sorted(ones for _, ones in class_counts(splits, y)) == [0, 0, 0, 0, 1]


@pytest.mark.parametrize("seed", range(3))
def test_folds_hold_all_classes_where_everybody_has_the_same_trials(seed: int) -> None:
    windows, y = equal_people(4, [0, 0, 1, 1, 2, 2, 3, 3])
    splits = list(make_splitter("trial", n_splits=4, random_state=seed).split(windows, y))
    assert min(min(counts) for counts in class_counts(splits, y)) >= 1


@pytest.mark.parametrize("part", [1, 2], ids=["validation", "test"])
@pytest.mark.parametrize("seed", range(3))
def test_a_hold_out_holds_all_classes_where_everybody_has_the_same_trials(seed: int, part: int) -> None:
    windows, y = equal_people(10, [0] * 5 + [1] * 5)
    (split,) = make_splitter("trial", n_splits=None, random_state=seed).split(windows, y)
    low, high = np.bincount(y[split[part]], minlength=2)
    assert low + high == 10
    assert abs(low - high) <= 2


def test_windows_at_random_spread_each_class_evenly() -> None:
    windows, y = equal_people(2, [0, 0, 0, 1], n_windows=5)
    splits = list(make_splitter("window-random", n_splits=5).split(windows, y))
    assert class_counts(splits, y) == [[6, 2]] * 5


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("subjects", r"Unknown protocol 'subjects'\. Did you mean 'subject'\? Known: window-random, trial, subject"),
        ("xyz", r"Unknown protocol 'xyz'\. Known: "),
    ],
)
def test_an_unknown_protocol_is_refused_by_name(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_splitter(name)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_splits": 1}, "n_splits must be at least 2, or None .* got 1"),
        ({"n_splits": -3}, "n_splits must be at least 2, or None .* got -3"),
        ({"within": "person"}, "within must be 'pooled' or 'subject', got 'person'"),
        ({"test_size": 0.0}, "test_size .* got 0.0"),
        ({"test_size": 1.0}, "test_size .* got 1.0"),
        ({"test_size": float("nan")}, "test_size .* got nan"),
        ({"validation_size": -0.1}, "validation_size .* -0.1"),
        ({"validation_size": 1.0}, "validation_size .* 1.0"),
        ({"n_splits": None, "test_size": 0.5, "validation_size": 0.5}, "test_size"),
        ({"n_splits": 2, "validation_size": 0.5}, "validation_size"),
    ],
)
def test_a_setting_that_leaves_no_training_data_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_splitter("trial", **options)


def test_people_cannot_be_held_out_within_a_person() -> None:
    with pytest.raises(ConfigError, match="'subject' holds out whole people"):
        make_splitter("subject", within="subject")


@pytest.mark.parametrize(
    ("protocol", "n_splits", "n_people", "message"),
    [
        ("window-random", 40, 2, "needs more than the 32 windows"),
        ("trial", 17, 2, "needs more than the 16 trials"),
        ("subject", 4, 3, "needs more than the 3 subjects"),
        ("subject", 2, 1, "needs more than the 1 subjects"),
        ("subject", None, 1, "needs more than the 1 subjects"),
        ("subject", None, 2, "needs more than the 2 subjects"),
    ],
)
def test_fewer_units_than_parts_are_refused(protocol: str, n_splits: int | None, n_people: int, message: str) -> None:
    windows, y = equal_people(n_people, [0, 1, 2, 3] * 2, n_windows=2)
    with pytest.raises(ConfigError, match=f"Protocol '{protocol}' with n_splits={n_splits} .* {message}"):
        list(make_splitter(protocol, n_splits=n_splits).split(windows, y))


def test_a_person_with_too_few_trials_to_be_split_alone_is_refused() -> None:
    windows, y = make_windows([[(0, 4)] * 10, [(0, 4)] * 4])
    with pytest.raises(ConfigError, match="needs more than the 4 trials"):
        list(make_splitter("trial", n_splits=5, within="subject").split(windows, y))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_windows_are_refused(protocol: str) -> None:
    windows, y = equal_people(4, [0, 1, 2, 3])
    none = np.array([], int)
    with pytest.raises(ConfigError, match=r"\b0 |[Nn]o windows"):
        list(make_splitter(protocol).split(windows[none], y[none]))


@pytest.mark.parametrize("n_windows", [1, 3], ids=["too few", "too many"])
def test_classes_that_are_not_one_for_each_window_are_refused(n_windows: int) -> None:
    windows, _ = equal_people(4, [0, 1, 2, 3], n_windows=2)
    _, y = equal_people(4, [0, 1, 2, 3], n_windows=n_windows)
    with pytest.raises(ValueError, match=f"32 windows.*{len(y)}"):
        list(make_splitter("trial").split(windows, y))
