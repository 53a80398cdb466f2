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
from eegemo.evaluation.protocols import PROTOCOLS
from eegemo.evaluation.splitter import NSplits, Split

LEAVE_ONE_OUT: NSplits = "leave-one-out"
HONEST = [protocol for protocol in PROTOCOLS if protocol != "window-random"]
PEOPLE_ARE_KEPT = ("subject", "subject-stimulus")
NOT_ONE_BY_ONE = ("window-random", "subject-stimulus")
SETTINGS = [
    (protocol, n_splits, within)
    for protocol, n_splits, within in product(PROTOCOLS, (None, 2, 4, LEAVE_ONE_OUT), ("pooled", "subject"))
    if not (within == "subject" and protocol in PEOPLE_ARE_KEPT)
    and not (n_splits == LEAVE_ONE_OUT and protocol in NOT_ONE_BY_ONE)
]
ONE_BY_ONE = [setting for setting in SETTINGS if setting[1] == LEAVE_ONE_OUT]
FOLDS = [setting for setting in SETTINGS if setting[1] is not None]
KFOLDS = [setting for setting in FOLDS if setting[1] != LEAVE_ONE_OUT and setting[0] != "subject-stimulus"]


def parametrized(cases: list[Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("protocol", "n_splits", "within"), cases)


few = settings(max_examples=6, deadline=None)


def make_windows(
    people: list[list[tuple[int, int]]],
    *,
    step: int = 4,
    stimuli: list[list[int]] | None = None,
    sessions: int | None = None,
) -> tuple[Windows, np.ndarray]:
    """Cut windows of 4 samples; ``people`` holds a (class, n_times) for each trial, by default a session."""
    rows = [(person, trial, *what) for person, trials in enumerate(people) for trial, what in enumerate(trials)]
    table = pd.DataFrame(rows, columns=["subject", "trial", "class", "n_times"])
    table = table.assign(
        subject="s" + table["subject"].astype(str),
        stimulus=table["trial"] if stimuli is None else [f"v{video}" for own in stimuli for video in own],
        n_baseline=0,
        start=table["n_times"].cumsum() - table["n_times"],
    )
    table = table.assign(session=table["trial"] % sessions if sessions else table["trial"])
    strip = np.zeros((int(table["n_times"].sum()), 1), np.float32)
    windows = Trials(strip, table, ("Cz",), 1.0, dataset="zeros", simulated=True).windows(n_times=4, step=step)
    return windows, windows.expand(table["class"].to_numpy())


def equal_people(n_people: int, classes: list[int], n_windows: int = 1) -> tuple[Windows, np.ndarray]:
    return make_windows([[(number, 4 * n_windows) for number in classes]] * n_people)


def seen_by(stimuli: list[list[int]]) -> Windows:
    """Give each person one window for each of the stimuli they saw."""
    return make_windows([[(0, 4)] * len(own) for own in stimuli], stimuli=stimuli)[0]


@st.composite
def windowed_trials(draw: st.DrawFn, protocol: str) -> tuple[Windows, np.ndarray]:
    """Four to six people; classes may be rare, or missing in a person; windows may overlap, in any order.

    Everybody saw every stimulus, in an order of their own, where the protocol needs that. Elsewhere people saw
    different stimuli, and some of them twice.
    """
    n_people, n_stimuli = draw(st.integers(4, 6)), draw(st.integers(4, 6))
    people, stimuli = [], []
    for _ in range(n_people):
        classes = draw(st.sampled_from([(0,), (0, 0, 0, 1), (2, 3), (0, 1, 2, 3)]))
        own = list(draw(st.permutations(range(n_stimuli))))
        if protocol != "subject-stimulus":
            own = own[: draw(st.integers(4, n_stimuli))] + draw(st.lists(st.sampled_from(own), max_size=2))
        trial = st.tuples(st.sampled_from(classes), st.integers(4, 11))
        people.append(draw(st.lists(trial, min_size=len(own), max_size=len(own))))
        stimuli.append(own)
    sessions = 4 if protocol == "session" else None
    windows, y = make_windows(people, step=draw(st.sampled_from([1, 2, 4])), stimuli=stimuli, sessions=sessions)
    if draw(st.booleans()):
        order = np.random.default_rng(0).permutation(len(windows))
        windows, y = windows[order], y[order]
    return windows, y


def subjects_of(windows: Windows) -> np.ndarray:
    return windows.table["subject"].to_numpy()


def units_of(protocol: str, windows: Windows) -> list[np.ndarray]:
    """Give each window the units that its protocol promises to keep whole."""
    table = windows.table
    units: dict[str, list[np.ndarray]] = {
        "window-random": [np.arange(len(windows))],
        "trial": [(table["subject"] + "/" + table["trial"].astype(str)).to_numpy()],
        "session": [(table["subject"] + "/" + table["session"].astype(str)).to_numpy()],
        "subject": [table["subject"].to_numpy()],
        "stimulus": [table["stimulus"].to_numpy()],
        "subject-stimulus": [table["subject"].to_numpy(), table["stimulus"].to_numpy()],
    }
    return units[protocol]


def samples_of(windows: Windows, numbers: np.ndarray) -> set[int]:
    return {sample for start in windows.starts[numbers].tolist() for sample in range(start, start + windows.n_times)}


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


def unit_numbers(splits: list[Split], units: np.ndarray) -> list[list[int]]:
    return [[len(np.unique(units[part])) for part in split] for split in splits]


def class_counts(splits: list[Split], y: np.ndarray) -> list[list[int]]:
    return [np.bincount(y[test], minlength=y.max() + 1).tolist() for _, _, test in splits]


def as_lists(splits: list[Split]) -> list[list[list[int]]]:
    return [[part.tolist() for part in split] for split in splits]


def assert_each_is_tested_once(splits: list[Split], n_windows: int) -> None:
    np.testing.assert_array_equal(np.sort(np.concatenate([test for _, _, test in splits])), np.arange(n_windows))


@parametrized([setting for setting in SETTINGS if setting[0] != "subject-stimulus"])
@few
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
@few
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
@few
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
@few
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
            assert not train & validation
            assert not validation & test


@parametrized([setting for setting in SETTINGS if setting[0] in HONEST])
@few
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
    windows, _ = make_windows([[(0, 8)] * 4], step=1)
    for train, _, test in make_splitter("window-random", n_splits=4).triples(windows):
        assert samples_of(windows, train) & samples_of(windows, test)


@parametrized(ONE_BY_ONE)
@few
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


def test_a_fold_without_training_data_is_refused() -> None:
    """To be tested on with stimulus 0, the first person would need training on the second with stimulus 1."""
    windows = seen_by([[0, 1], [0]])
    with pytest.raises(ConfigError, match=r"'subject-stimulus': in one fold .* train on, .* saw none of the stimuli"):
        list(make_splitter("subject-stimulus", n_splits=2, validation_size=0).triples(windows))


def test_a_hold_out_of_people_who_saw_none_of_its_stimuli_is_refused() -> None:
    windows = seen_by([[0], [1]])
    refused = 0
    for seed in range(12):
        splitter = make_splitter("subject-stimulus", n_splits=None, test_size=0.5, validation_size=0, random_state=seed)
        try:
            ((train, _, test),) = splitter.triples(windows)
        except ConfigError as error:
            assert "the people drawn for the test saw none of the stimuli drawn for it; take a larger" in str(error)
            refused += 1
        else:
            assert sorted([*train, *test]) == [0, 1]
    assert 0 < refused < 12


@parametrized(KFOLDS)
@few
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
@few
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


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_class_with_a_single_trial_is_tested_once(protocol: str) -> None:
    windows, y = make_windows([[(0, 4)] * 5 + [(1, 4)], *[[(0, 4)] * 6] * 4])
    splits = list(make_splitter(protocol, n_splits=5).triples(windows, y))
    ones = [n_ones for _, n_ones in class_counts(splits, y)]
    assert sorted(ones) == [0] * (len(splits) - 1) + [1]


@parametrized(SETTINGS)
def test_a_class_that_a_person_never_has_is_no_reason_to_stop(protocol: str, n_splits: NSplits, within: Any) -> None:
    everything, only_zero = [(0, 4), (1, 4), (2, 4)] * 2, [(0, 4)] * 6
    windows, y = make_windows([everything, only_zero, everything, only_zero])
    splits = list(make_splitter(protocol, n_splits=n_splits, within=within).triples(windows, y))
    assert all(len(part) for split in splits for part in split)
    if n_splits is not None:
        assert_each_is_tested_once(splits, 24)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("protocol", ["subject", "stimulus"])
def test_people_and_stimuli_are_spread_by_their_commonest_class(protocol: str, seed: int) -> None:
    """Of 8 units, 4 are mostly of class 0 and 4 mostly of class 1: 4 folds of one each."""
    mostly = [[0, 0, 0, 1] if unit < 4 else [1, 1, 0, 1] for unit in range(8)]
    if protocol == "stimulus":
        mostly = [list(column) for column in zip(*mostly, strict=True)]
    windows, y = make_windows([[(number, 4) for number in own] for own in mostly])
    (units,) = units_of(protocol, windows)
    numbers = np.unique(units, return_inverse=True)[1]
    for _, _, test in make_splitter(protocol, n_splits=4, random_state=seed).triples(windows, y):
        low, high = np.unique(numbers[test])
        assert low < 4 <= high


@few
@given(
    n_trials=st.lists(st.integers(1, 12), min_size=3, max_size=8),
    test_size=st.sampled_from([0.1, 0.25, 0.4]),
    seed=st.integers(0, 1000),
)
def test_a_hold_out_takes_of_everybody_their_share_to_within_one_trial(
    n_trials: list[int], test_size: float, seed: int
) -> None:
    windows, y = make_windows([[(0, 4)] * n for n in [*n_trials, 12]])
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


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "subjects",
            r"Unknown protocol 'subjects'\. Did you mean 'subject'\? "
            r"Known: window-random, trial, subject, video, subject-stimulus\.$",
        ),
        ("stimulis", r"Unknown protocol 'stimulis'\. Did you mean 'stimulus'\?"),
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
        ({"n_repeats": 0}, "n_repeats must be at least 1, got 0"),
        ({"n_splits": "leave-one-in"}, "Unknown n_splits 'leave-one-in'. Did you mean 'leave-one-out'"),
        ({"n_splits": LEAVE_ONE_OUT, "n_repeats": 2}, "There is one way to leave each one out"),
    ],
)
def test_a_setting_that_cannot_be_carried_out_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_splitter("trial", **options)


@pytest.mark.parametrize("protocol", PEOPLE_ARE_KEPT)
def test_people_cannot_be_held_out_within_a_person(protocol: str) -> None:
    with pytest.raises(ConfigError, match=f"'{protocol}' holds out whole people; it cannot be run within a subject"):
        make_splitter(protocol, within="subject")


@pytest.mark.parametrize("protocol", NOT_ONE_BY_ONE)
def test_windows_and_pairs_are_not_left_out_one_by_one(protocol: str) -> None:
    with pytest.raises(ConfigError, match=f"'{protocol}' would have a fold for each window or pair"):
        make_splitter(protocol, n_splits=LEAVE_ONE_OUT)


@pytest.mark.parametrize(
    ("protocol", "n_splits", "n_people", "message"),
    [
        ("window-random", 40, 2, "needs more than the 32 windows"),
        ("trial", 17, 2, "needs more than the 16 trials"),
        ("subject", 4, 3, "needs more than the 3 subjects"),
        ("subject", None, 2, "needs more than the 2 subjects"),
        ("subject", LEAVE_ONE_OUT, 2, "needs more than the 2 subjects"),
        ("stimulus", 9, 2, "needs more than the 8 stimuli"),
        ("subject-stimulus", 9, 9, "needs more than the 8 stimuli"),
        ("subject-stimulus", 8, 7, "needs more than the 7 subjects"),
    ],
)
def test_fewer_units_than_parts_are_refused(protocol: str, n_splits: NSplits, n_people: int, message: str) -> None:
    windows, y = equal_people(n_people, [0, 1, 2, 3] * 2, n_windows=2)
    with pytest.raises(ConfigError, match=f"Protocol '{protocol}' with n_splits={n_splits} .* {message}"):
        list(make_splitter(protocol, n_splits=n_splits).triples(windows, y))


@pytest.mark.parametrize("protocol", PEOPLE_ARE_KEPT)
@pytest.mark.parametrize("n_splits", [None, 2])
def test_one_person_alone_cannot_be_held_out_and_is_told_what_can_be_asked(protocol: str, n_splits: NSplits) -> None:
    windows, y = equal_people(1, [0, 1, 2, 3])
    with pytest.raises(ConfigError, match=r"more than one subject; .* With one person, protocol 'trial' is what can"):
        list(make_splitter(protocol, n_splits=n_splits).triples(windows, y))


def test_one_person_alone_cannot_be_left_out() -> None:
    windows, y = equal_people(1, [0, 1, 2, 3])
    with pytest.raises(ConfigError, match="more than one subject"):
        list(make_splitter("subject", n_splits=LEAVE_ONE_OUT, validation_size=0).triples(windows, y))


@pytest.mark.parametrize("protocol", ["stimulus", "subject-stimulus"])
@pytest.mark.parametrize(("missing", "n_missing"), [(slice(None), 40), (slice(2, 5), 6)])
def test_trials_without_a_stimulus_cannot_be_kept_apart_by_it(protocol: str, missing: slice, n_missing: int) -> None:
    windows, y = equal_people(5, [0, 1, 2, 3], n_windows=2)
    table = windows.trials.table.astype({"stimulus": object})
    table.loc[table.index[missing], "stimulus"] = np.nan
    trials = Trials(windows.trials.signals, table, ("Cz",), 1.0, dataset="zeros", simulated=True)
    message = rf"'{protocol}' needs the stimulus of every window; {n_missing} of 40 have none\. .*dropna\('stimulus'\)"
    with pytest.raises(ConfigError, match=message):
        list(make_splitter(protocol, n_splits=2).triples(trials.windows(n_times=4, step=4), y))


@pytest.mark.parametrize("protocol", ["window-random", "trial", "subject"])
def test_protocols_that_do_not_look_at_stimuli_do_without_them(protocol: str) -> None:
    windows, y = equal_people(5, [0, 1, 2, 3])
    table = windows.trials.table.assign(stimulus=np.nan)
    trials = Trials(windows.trials.signals, table, ("Cz",), 1.0, dataset="zeros", simulated=True)
    splits = list(make_splitter(protocol).triples(trials.windows(n_times=4, step=4), y))
    assert as_lists(splits) == as_lists(list(make_splitter(protocol).triples(windows, y)))


def test_a_person_with_too_few_trials_to_be_split_alone_is_refused() -> None:
    windows, y = make_windows([[(0, 4)] * 10, [(0, 4)] * 4])
    with pytest.raises(ConfigError, match="needs more than the 4 trials"):
        list(make_splitter("trial", n_splits=5, within="subject").triples(windows, y))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_windows_are_refused(protocol: str) -> None:
    windows, y = equal_people(4, [0, 1, 2, 3])
    none = np.array([], int)
    with pytest.raises(ConfigError, match=r"\b0 |[Nn]o windows"):
        list(make_splitter(protocol).triples(windows[none], y[none]))


@pytest.mark.parametrize("n_windows", [1, 3], ids=["too few", "too many"])
def test_classes_that_are_not_one_for_each_window_are_refused(n_windows: int) -> None:
    windows, _ = equal_people(4, [0, 1, 2, 3], n_windows=2)
    _, y = equal_people(4, [0, 1, 2, 3], n_windows=n_windows)
    with pytest.raises(ValueError, match=f"32 windows.*{len(y)}"):
        list(make_splitter("trial").triples(windows, y))
