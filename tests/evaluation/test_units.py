"""Trials that share a rating stay together: in splits, in what is counted as seen, and when labels are permuted."""

from __future__ import annotations

from collections import Counter
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold

from eegemo import (
    ConfigError,
    Control,
    Results,
    Trials,
    audit_split,
    categories,
    confidence_interval,
    evaluate,
    label_permutation_test,
    leakage_record,
    load_dasps,
    make_splitter,
    permutation_test,
    quadrants,
    read_results,
)
from eegemo.evaluation.blocks import blocks_of
from eegemo.evaluation.controls import controlled, permute_labels
from eegemo.evaluation.split_files import read_split
from eegemo.models.checks import carve
from toy_classifiers import NearestMean, Reader
from toy_trials import make_trials

CLASSES = categories("class", ("0", "1"))


def in_units(
    subject: Any,
    unit: Any,
    y: Any = None,
    *,
    n_times: int = 4,
    stimulus: Any = None,
    signals: np.ndarray | None = None,
) -> Trials:
    """Trials of noise, numbered over all people; ``unit=False`` leaves the column out."""
    n = len(subject)
    columns: dict[str, Any] = {"subject": subject, "class": 0 if y is None else y, "valence": np.arange(n) * 1.0}
    columns["arousal"] = columns["valence"] + 100
    columns |= {} if stimulus is None else {"stimulus": stimulus}
    columns |= {} if unit is False else {"unit": unit}
    if signals is None:
        signals = np.random.default_rng(0).standard_normal((n * n_times, 2))
    return make_trials(columns, signals, n_times=n_times, ch_names=("F3", "F4"))


def in_pairs(n_people: int = 2, n_units: int = 6, **options: Any) -> Trials:
    """People of so many units, numbered from 1 in each of them, of two trials each."""
    unit = np.tile(np.repeat(np.arange(1, n_units + 1), 2), n_people)
    return in_units(np.repeat(np.arange(n_people), 2 * n_units), unit, **options)


def key_of(trials: Trials) -> list[tuple[Any, ...]]:
    """The unit of each trial, written out without pandas: what must never be torn apart."""
    table = trials.table
    names = table["unit"] if "unit" in table else [None] * len(table)
    rows = zip(table["subject"], table["trial"], names, strict=True)
    return [(subject, "trial", trial) if pd.isna(unit) else (subject, "unit", unit) for subject, trial, unit in rows]


# What a unit is


@pytest.mark.parametrize(
    ("subject", "unit", "expected"),
    [
        ([1, 1, 1, 1], [7, 7, 8, 8], [0, 0, 1, 1]),
        ([1, 1, 2, 2], [7, 7, 7, 7], [0, 0, 1, 1]),  # one name in two people
        ([1, 2, 1, 2], ["a", "a", "a", "b"], [0, 1, 0, 2]),
        ([1, 1, 1, 1], [1, None, 1, None], [0, 1, 0, 2]),
        ([1, 1, 1], [None, 0, 2], [0, 1, 2]),  # a trial numbered 0 without a unit is not in unit 0
        ([1, 1, 1], pd.array([3, pd.NA, 3], dtype="Int64"), [0, 1, 0]),
        ([1, 1, 1], [None, None, None], [0, 1, 2]),
        ([1, 1, 1], False, [0, 1, 2]),
    ],
)
def test_units_are_numbered_within_people(subject: list[int], unit: Any, expected: list[int]) -> None:
    trials = in_units(subject, unit)
    assert trials.units.tolist() == expected
    assert trials.units.dtype == np.int32
    with pytest.raises(ValueError, match="read-only"):
        trials.units[0] = 5


def test_units_of_fewer_trials_are_numbered_anew() -> None:
    trials = in_pairs()
    assert trials.select([4, 11, 5, 12]).units.tolist() == [0, 1, 0, 2]


@st.composite
def any_trials(draw: st.DrawFn) -> Trials:
    """One to three people, each of 12 trials or more, some in units of any size, in any order."""
    n_people = draw(st.integers(1, 3))
    names = st.one_of(st.integers(0, 9), st.just(None), st.sampled_from("abcdef"))
    rows: list[tuple[int, Any]] = []
    for person in range(n_people):
        rows += [(person, draw(names)) for _ in range(draw(st.integers(0, 12)))]
        rows += [(person, f"enough {number}") for number in range(6) for _ in range(draw(st.integers(1, 2)))]
    rows = draw(st.permutations(rows))
    y = [draw(st.integers(0, 1)) for _ in rows]
    return in_units([row[0] for row in rows], pd.Series([row[1] for row in rows], dtype=object), y, n_times=8)


@settings(max_examples=60, deadline=None)
@given(any_trials())
def test_two_trials_have_one_number_where_they_have_one_unit(trials: Trials) -> None:
    keys, numbers = key_of(trials), trials.units
    assert len(set(zip(keys, numbers.tolist(), strict=True))) == len(set(keys)) == numbers.max() + 1


# What is kept whole


@pytest.mark.parametrize("n_splits", [None, 3, "leave-one-out"])
@pytest.mark.parametrize("within", ["pooled", "subject"])
@settings(max_examples=15, deadline=None)
@given(trials=any_trials(), validation_size=st.sampled_from([0.0, 0.2]), seed=st.integers(0, 99))
def test_no_unit_is_on_two_sides_under_trial(
    n_splits: Any, within: Any, trials: Trials, validation_size: float, seed: int
) -> None:
    windows = trials.windows(n_times=4, step=2)
    y = CLASSES(windows)
    unit_of = np.array([hash(key) for key in key_of(trials)])[windows.trial_index]
    splitter = make_splitter(
        "trial", n_splits=n_splits, within=within, validation_size=validation_size, random_state=seed
    )
    tested: Counter[int] = Counter()
    for train, validation, test in splitter.triples(windows, y):
        parts = [set(unit_of[part]) for part in (train, validation, test)]
        assert all(not one & other for one, other in ((parts[0], parts[1]), (parts[0], parts[2]), (parts[1], parts[2])))
        assert leakage_record(windows, np.concatenate([train, validation]), test).trial == 0
        tested.update(test.tolist())
    if n_splits is not None:
        assert tested == Counter(range(len(windows)))
    for_sklearn = splitter
    for X, groups in ((windows, None), (np.zeros(len(windows)), windows.table)):
        for train, test in for_sklearn.split(X, y, groups):
            assert not set(unit_of[train]) & set(unit_of[test])


def test_the_units_are_what_is_counted_out_into_folds() -> None:
    windows = in_pairs(2, 6).windows(n_times=2)
    for train, _, test in make_splitter("trial", n_splits=3, validation_size=0).triples(windows):
        assert len(np.unique(windows.groups[test])) == 4
        assert len(np.unique(windows.trial_index[test])) == 8
        assert len(test) == 16 and len(train) == 32
    assert make_splitter("trial", n_splits="leave-one-out").get_n_splits(windows) == 12


def test_too_few_units_are_refused_though_there_are_trials_enough() -> None:
    windows = in_pairs(1, 3).windows(n_times=4)
    with pytest.raises(ConfigError, match=r"more than the 3 trials there are.*Trials of one unit count as one\."):
        list(make_splitter("trial", n_splits=4).triples(windows))


@pytest.mark.parametrize("protocol", ["stimulus", "subject-stimulus"])
def test_a_unit_of_several_stimuli_is_not_torn_by_a_split_of_stimuli(protocol: str) -> None:
    trials = in_pairs(3, 4, stimulus=np.tile(np.arange(8), 3))
    windows = trials.windows(n_times=4)
    splitter = make_splitter(protocol, n_splits=2, validation_size=0)
    message = rf"'{protocol}' would tear unit 1 of subject 0 apart"
    with pytest.raises(ConfigError, match=message):
        list(splitter.triples(windows))
    with pytest.raises(ConfigError, match=message):
        list(splitter.split(np.zeros(len(windows)), groups=windows.table))


@pytest.mark.parametrize("protocol", ["stimulus", "subject-stimulus"])
def test_a_unit_of_one_stimulus_is_split_with_it(protocol: str) -> None:
    windows = in_pairs(3, 4, stimulus=np.tile(np.repeat(np.arange(4), 2), 3)).windows(n_times=4)
    for train, _, test in make_splitter(protocol, n_splits=2, validation_size=0).triples(windows):
        assert leakage_record(windows, train, test).trial == 0


def test_scikit_learn_keeps_units_whole_by_the_groups_of_windows() -> None:
    windows = in_pairs(2, 6).windows(n_times=2)
    assert windows.groups.tolist() == np.repeat(np.arange(12), 4).tolist()
    for train, test in GroupKFold(4).split(windows, groups=windows.groups):
        assert not set(windows.trial_index[train] // 2) & set(windows.trial_index[test] // 2)


@pytest.mark.parametrize("fraction", [0.1, 0.3, 0.5])
def test_validation_data_are_carved_out_in_whole_units(fraction: float) -> None:
    windows = in_pairs(2, 6).windows(n_times=2)
    kept, aside = carve(windows, None, fraction, np.random.default_rng(1))
    assert not set(windows.trial_index[kept] // 2) & set(windows.trial_index[aside] // 2)
    assert len(aside) == 4 * max(1, round(fraction * 12))  # windows of a unit


# What counts as seen


def test_a_window_whose_unit_was_seen_is_counted_as_seen() -> None:
    # Trials 0 1 | 2 3 | 4 | 5, of four windows each; trials 4 and 5 stand alone.
    windows = in_units([1] * 6, ["a", "a", "b", "b", None, None]).windows(n_times=1)
    trial = windows.trial_index
    seen, test = np.flatnonzero(np.isin(trial, [0, 2, 4])), np.flatnonzero(np.isin(trial, [1, 3, 5]))
    assert leakage_record(windows, seen, test).trial == pytest.approx(2 / 3)  # of trial 5 nothing was seen
    apart = in_units([1] * 6, False).windows(n_times=1)
    assert leakage_record(apart, seen, test).trial == 0
    other_person = in_units([1, 2, 1, 2, 1, 2], ["a", "a", "b", "b", None, None]).windows(n_times=1)
    assert leakage_record(other_person, seen, test).trial == 0


def test_an_audit_of_windows_or_of_their_table_counts_units() -> None:
    windows = in_units([1] * 6, ["a", "a", "b", "b", None, None]).windows(n_times=1)
    seen, test = np.flatnonzero(windows.trial_index % 2 == 0), np.flatnonzero(windows.trial_index % 2)
    for given_ in (windows, windows.table):
        audit = audit_split(given_, seen, test, n_times=1)
        assert audit.leakage.trial == pytest.approx(2 / 3)
        assert audit.leakage.shared_samples == 0
        assert audit.closest == "window-random"
        assert audit.verdict.startswith("LEAKS: 67%")
    assert audit_split(windows.table.drop(columns="unit"), seen, test, n_times=1).leakage.trial == 0


@pytest.mark.parametrize(
    ("columns", "share"),
    [
        (["subject", "unit"], 0.5),  # without trials
        (["subject", "trial", "unit"], 0.5),
        (["trial", "start", "unit"], float("nan")),  # units of people who are not known may be two
        (["unit"], float("nan")),
    ],
)
def test_an_audit_counts_units_as_far_as_it_knows_them(columns: list[str], share: float) -> None:
    table = pd.DataFrame({"subject": [1, 1, 2, 2], "trial": [1, 2, 3, 4], "unit": [1, 1, 1, 2]})
    table = table.assign(start=[0, 9, 20, 30])
    audit = audit_split(table[columns], [0, 2], [1, 3], n_times=4)
    np.testing.assert_equal(audit.leakage.trial, share)


def test_an_audit_by_unit_needs_the_trial_of_what_has_none() -> None:
    table = pd.DataFrame({"subject": [1, 1, 1, 1], "unit": [1, None, 1, 2]})
    assert np.isnan(audit_split(table, [0, 1], [2, 3]).leakage.trial)


def test_units_in_a_file_are_audited(tmp_path: Path) -> None:
    path = tmp_path / "windows.csv"
    path.write_text("subject,trial,unit,part\n1,1,1,train\n1,2,1,test\n1,3,,test\n1,4,,train\n")
    ((table, train, test, _),) = read_split(path)
    assert audit_split(table, train, test).leakage.trial == 0.5


# Labels are permuted by units


@pytest.mark.parametrize("sizes", [(2, 2, 2, 2), (1, 2, 2, 1, 3, 3, 3)])
@pytest.mark.parametrize("seed", range(4))
def test_labels_are_permuted_among_units_of_one_size(sizes: tuple[int, ...], seed: int) -> None:
    unit = np.repeat(np.arange(len(sizes)), sizes)
    trials = in_units([1] * len(unit) + [2] * len(unit), np.tile(unit, 2))
    permuted = permute_labels(trials, quadrants(), random_state=seed).table
    source = permuted["valence"].to_numpy(int)  # the row that each rating comes from
    assert (permuted["arousal"] - permuted["valence"] == 100).all()
    assert sorted(source) == list(range(len(trials)))
    for number in range(2 * len(sizes)):
        own = np.flatnonzero(trials.units == number)
        theirs = np.flatnonzero(trials.units == trials.units[source[own[0]]])
        assert source[own].tolist() == theirs.tolist()  # all the ratings of one unit, in their order
        assert (theirs < len(unit)).all() == (own < len(unit)).all()  # of the same person


def test_every_order_of_the_units_comes_up() -> None:
    trials = in_pairs(1, 3)
    orders = {tuple(permute_labels(trials, quadrants(), random_state=s).table["valence"] // 2) for s in range(60)}
    assert orders == {tuple(np.repeat(order, 2)) for order in permutations(range(3))}


def test_a_unit_whose_trials_are_apart_in_the_table_is_moved_whole() -> None:
    trials = in_units([1] * 6, ["a", "b", "c", "b", "c", "a"])
    for seed in range(10):
        source = permute_labels(trials, quadrants(), random_state=seed).table["valence"].astype(int).tolist()
        assert {(source[i], source[j]) for i, j in ((0, 5), (1, 3), (2, 4))} == {(0, 5), (1, 3), (2, 4)}


@pytest.mark.parametrize("unit", [[1, 1, 1, 2, 2, 3], [1] * 6])
def test_units_that_can_take_no_other_ones_labels_are_refused(unit: list[int]) -> None:
    trials = in_units([1] * 6 + [2] * 6, unit * 2)
    with pytest.raises(ConfigError, match="no two units of one subject have as many trials"):
        permute_labels(trials, quadrants())
    with pytest.raises(ConfigError, match="no two units of one subject have as many trials"):
        controlled(Control("permuted-labels"), trials.windows(n_times=4), quadrants(), make_splitter("trial"))


def test_units_of_one_label_are_permuted_whatever_their_sizes() -> None:
    # Three presentations of three, two and one epochs, rated 0, 1 and 2: each takes the rating of any of them.
    trials = in_units([1] * 6, [1, 1, 1, 2, 2, 3]).select([0, 1, 2, 3, 4, 5])
    rating = np.array([0, 0, 0, 1, 1, 2])
    rated = trials._replaced(table=trials.table.assign(valence=rating, arousal=rating))
    found = {tuple(permute_labels(rated, quadrants(), random_state=s).table["valence"]) for s in range(60)}
    assert found == {tuple(np.repeat(order, (3, 2, 1))) for order in permutations(range(3))}


def test_a_unit_without_a_partner_keeps_its_labels() -> None:
    trials = in_units([1] * 7, [1, 1, 2, 2, 3, 3, 3])
    found = {tuple(permute_labels(trials, quadrants(), random_state=s).table["valence"].astype(int)) for s in range(20)}
    assert found == {(0, 1, 2, 3, 4, 5, 6), (2, 3, 0, 1, 4, 5, 6)}


def test_blocks_are_in_the_order_in_which_units_appear() -> None:
    blocks = blocks_of(np.array(["x", "y", "x", "y", "x"]), np.array([9, 4, 9, 2, 7]), np.arange(5))
    assert blocks.subject.tolist() == ["x", "y", "y", "x"]
    assert blocks.size.tolist() == [2, 1, 1, 1]
    assert blocks.members.tolist() == [[0, 2], [1, -1], [3, -1], [4, -1]]
    assert blocks.rows(np.array([3, 0, 1])).tolist() == [4, 0, 2, 1]


def told(y: list[int], predicted: list[int], subject: Any, unit: Any, **options: Any) -> Results:
    """Evaluate a model that predicts these classes, one window a trial, under folds of whole units or trials."""
    proba = np.eye(2)[predicted]
    windows = in_units(subject, unit, y, n_times=1, signals=proba).windows(n_times=1)
    return evaluate(Reader(), windows, CLASSES, make_splitter("trial", n_splits=2, validation_size=0), **options)


PAIRS = np.repeat([1, 2, 3, 4], 2)


@pytest.mark.filterwarnings("ignore:.*is not in training")
def test_what_is_right_by_units_is_no_surprise_among_units() -> None:
    # Two of four units are of class 1, and the model is right: of the 6 ways to choose two, one does as well.
    # Of the 8 trials four are of class 1, and of the 70 ways to choose four, one does as well.
    y = [0, 0, 1, 1, 0, 0, 1, 1]
    of_units = label_permutation_test(told(y, y, [1] * 8, PAIRS), "accuracy", n_permutations=4000)
    of_trials = label_permutation_test(told(y, y, [1] * 8, False), "accuracy", n_permutations=4000)
    assert of_units.score == of_trials.score == 1
    assert of_units.p == pytest.approx(1 / 6, abs=4 * np.sqrt(1 / 6 * 5 / 6 / 4000))
    assert of_trials.p == pytest.approx(1 / 70, abs=4 * np.sqrt(1 / 70 / 4000) + 1 / 4000)


@pytest.mark.filterwarnings("ignore:.*is not in training")
@pytest.mark.parametrize("level", ["window", "trial"])
def test_scores_of_permuted_labels_are_those_of_all_orders_of_the_units(level: str) -> None:
    # Units of two and of one, in two people, and of different classes within a unit.
    subject = [1] * 7 + [2] * 4
    unit = [1, 1, 2, 2, 3, 4, 5, 1, 1, 2, 2]
    y = [0, 1, 1, 1, 0, 1, 0, 0, 0, 1, 0]
    predicted = [0, 1, 1, 0, 0, 1, 1, 1, 0, 1, 0]
    result = told(y, predicted, subject, unit)
    pairs, singles, others = [[0, 1], [2, 3]], [[4], [5], [6]], [[7, 8], [9, 10]]
    expected: Counter[float] = Counter()
    for chosen in product(*(permutations(blocks) for blocks in (pairs, singles, others))):
        permuted = [y[row] for blocks in chosen for block in blocks for row in block]
        expected[np.mean(np.array(permuted) == predicted)] += 1
    found = label_permutation_test(result, "accuracy", level, n_permutations=6000)
    counts = Counter(found.null.tolist())
    assert set(counts) == set(expected)
    total = sum(expected.values())
    for score, number in expected.items():
        share = number / total
        assert counts[score] / 6000 == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 6000) + 1e-9)


@pytest.mark.filterwarnings("ignore:.*is not in training")
@pytest.mark.filterwarnings("ignore:.*has collapsed")
def test_units_of_which_no_two_are_alike_are_refused() -> None:
    result = told([0, 0, 1, 1, 0, 1], [0] * 6, [1] * 6, [1, 1, 1, 2, 2, 3])
    with pytest.raises(ConfigError, match="no two units of one subject have as many trials"):
        label_permutation_test(result)


@pytest.mark.filterwarnings("ignore:.*is not in training")
def test_the_test_that_trains_anew_permutes_units() -> None:
    trials = in_pairs(2, 6, y=np.tile(np.repeat([0, 1, 0, 1, 1, 0], 2), 2))
    windows = trials.windows(n_times=2)
    splitter = make_splitter("trial", n_splits=3, validation_size=0)
    found = permutation_test(NearestMean(), windows, CLASSES, splitter, metric="accuracy", n_permutations=3)
    for seed in range(3):
        permuted = permute_labels(trials, CLASSES, random_state=seed, stimuli_alike=True)
        of_pairs = permuted.table["class"].to_numpy().reshape(12, 2)
        assert (of_pairs[:, 0] == of_pairs[:, 1]).all()
        again = evaluate(NearestMean(), permuted.windows(n_times=2), CLASSES, splitter)
        assert found.null[seed] == pytest.approx(again.of_subjects()["accuracy"].mean())


# Intervals of a single person


@pytest.mark.filterwarnings("ignore:.*is not in training")
@pytest.mark.filterwarnings("ignore:.*has collapsed")
def test_of_a_single_person_whole_units_are_left_out() -> None:
    # Both trials of a unit are right or wrong together: the interval is that of 4 units, not of 8 trials.
    y, predicted = [0, 0, 1, 1, 0, 0, 1, 1], [0, 0, 1, 1, 1, 1, 1, 1]
    of_units = confidence_interval(told(y, predicted, [1] * 8, PAIRS), "accuracy")
    of_four = confidence_interval(told(y[::2], predicted[::2], [1] * 4, False), "accuracy")
    of_trials = confidence_interval(told(y, predicted, [1] * 8, False), "accuracy")
    assert (of_units.n, of_units.unit) == (4, "units")
    assert (of_trials.n, of_trials.unit) == (8, "trials")
    assert (of_units.low, of_units.high) == (of_four.low, of_four.high)
    assert of_units.high - of_units.low > of_trials.high - of_trials.low
    assert of_units.estimate == of_trials.estimate == 0.75


# Where it is written down


def test_units_are_written_down_and_read_again(tmp_path: Path) -> None:
    y = [0, 0, 1, 1, 0, 0, 1, 1, 0, 1]
    unit = pd.Series(["a", "a", "b", "b", "c", "c", "d", "d", None, None], dtype=object)
    result = told(y, y, [1] * 10, unit, folder=tmp_path / "run")
    again = read_results(tmp_path / "run")
    assert list(again.table) == list(result.table) == ["subject", "trial", "stimulus", "unit", "start"]
    assert again.table["unit"].isna().tolist() == [False] * 8 + [True] * 2
    numbers = np.arange(10)
    assert again.unit_of(numbers).tolist() == result.unit_of(numbers).tolist()
    assert len(set(again.unit_of(numbers))) == 6
    assert label_permutation_test(again, n_permutations=50).p == label_permutation_test(result, n_permutations=50).p
    assert again.leakage.trial == 0
    assert "unit" in again.predictions


def test_a_run_without_units_has_no_such_column(tmp_path: Path) -> None:
    y = [0, 1] * 4
    result = told(y, y, [1] * 8, False, folder=tmp_path / "run")
    for some in (result, read_results(tmp_path / "run")):
        assert list(some.table) == ["subject", "trial", "stimulus", "start"]
        assert some.unit_of(np.array([5, 0])).tolist() == [5, 0]
    with np.load(tmp_path / "run" / "windows.npz") as stored:
        assert not [name for name in stored.files if "unit" in name]


# Where nobody shares anything, nothing changes


@pytest.mark.parametrize("protocol", ["window-random", "trial", "subject", "stimulus", "subject-stimulus"])
@pytest.mark.parametrize("unit", ["missing", "alone"])
def test_trials_that_share_nothing_are_split_as_without_the_column(protocol: str, unit: str) -> None:
    subject, stimulus = np.repeat([1, 2, 3], 8), np.tile(np.arange(8), 3)
    y = np.tile([0, 1, 1, 0], 6)
    column = [None] * 24 if unit == "missing" else [f"u{number % 8}" for number in range(24)]
    plain, named = (
        in_units(subject, some, y, stimulus=stimulus).windows(n_times=2, step=1) for some in (False, column)
    )
    np.testing.assert_array_equal(plain.groups, named.groups)
    assert plain.groups is plain.trial_index
    splitter = make_splitter(protocol, n_splits=3 if "subject" in protocol else 2, validation_size=0)
    splits = [list(splitter.triples(windows, y[windows.trial_index])) for windows in (plain, named)]
    for one, other in zip(*splits, strict=True):
        for part, same in zip(one, other, strict=True):
            np.testing.assert_array_equal(part, same)


@pytest.mark.parametrize("seed", range(5))
def test_without_units_labels_are_permuted_as_ever(seed: int) -> None:
    subject = np.array([3, 1, 3, 3, 1, 2, 1, 3, 1])
    trials = in_units(subject, False)
    rng = np.random.default_rng(seed)
    expected = np.arange(9)
    for person in (3, 1, 2):  # in the order in which they come
        own = np.flatnonzero(subject == person)
        expected[own] = rng.permutation(own)
    assert permute_labels(trials, quadrants(), random_state=seed).table["valence"].astype(int).tolist() == (
        expected.tolist()
    )


@pytest.mark.filterwarnings("ignore:.*is not in training")
def test_without_units_the_permutation_test_draws_what_it_always_drew() -> None:
    rng = np.random.default_rng(3)
    y, predicted, subject = rng.integers(0, 2, (3, 20))
    found = label_permutation_test(
        told(y.tolist(), predicted.tolist(), subject, False), "accuracy", n_permutations=30, random_state=4
    )
    rng, expected = np.random.default_rng(4), []
    own = np.argsort(subject, kind="stable")
    for _ in range(30):
        permuted = np.empty_like(y)
        permuted[own] = y[np.lexsort((rng.random(20), subject))]
        expected.append(np.mean(permuted == predicted))
    np.testing.assert_allclose(found.null, expected)


# Real people, whose recitation and recall share a rating


def test_phases_of_one_situation_are_kept_together_on_real_people(real_data: Path) -> None:
    windows = load_dasps(real_data / "dasps", subjects=[1, 2, 3]).windows(duration=5.0)
    for train, validation, test in make_splitter("trial", n_splits=3).triples(windows, quadrants()(windows)):
        record = leakage_record(windows, np.concatenate([train, validation]), test)
        assert (record.trial, record.subject) == (0, 1)
        situations = windows.trials.table["situation"].to_numpy()[windows.trial_index[test]]
        assert set(Counter(zip(windows.table["subject"].iloc[test], situations, strict=True)).values()) == {6}
    torn = windows.trials.table["phase"].to_numpy()[windows.trial_index] == "recall"
    assert leakage_record(windows, np.flatnonzero(torn), np.flatnonzero(~torn)).trial == 1
