"""The audit of somebody else's split: what is counted, what is said, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold, KFold, train_test_split

from eegemo import ConfigError, Windows, audit_split, leakage_record, make_splitter
from eegemo import zscore_subjects as zscored
from eegemo.evaluation.protocols import PROTOCOLS
from toy_trials import CLEAN, make_trials, overlapping_windows, where


def in_trial(windows: Windows) -> pd.DataFrame:
    """Count the starts of windows from the first sample of their trial, as most people do."""
    first = windows.trials.table["start"].to_numpy()[windows.trial_index]
    return windows.table.assign(start=windows.starts - first)


def rest(windows: Windows, *parts: np.ndarray) -> np.ndarray:
    return np.setdiff1d(np.arange(len(windows)), np.concatenate(parts))


# What is counted


@st.composite
def splits(draw: st.DrawFn) -> tuple[Windows, np.ndarray, np.ndarray, np.ndarray]:
    """Any windows on any side; validation and test have none in common."""
    windows = overlapping_windows(step=draw(st.integers(1, 4)), n_people=draw(st.integers(1, 3)), n_trials=3)
    train, validation, test = (
        np.array(draw(st.lists(st.integers(0, len(windows) - 1), min_size=n, max_size=12)), int) for n in (1, 0, 1)
    )
    return windows, train, np.setdiff1d(validation, test), np.unique(test)


@settings(max_examples=30, deadline=None)
@given(splits())
def test_any_split_gets_the_record_that_a_fold_gets(
    split: tuple[Windows, np.ndarray, np.ndarray, np.ndarray],
) -> None:
    windows, train, validation, test = split
    expected = leakage_record(windows, np.append(train, validation), test)
    masks = [np.isin(np.arange(len(windows)), part) for part in (train, test, validation)]
    for table in (windows.table, in_trial(windows)):
        identifiers = [table.iloc[part][["subject", "trial", "start"]] for part in (train, test, validation)]
        for parts in ([train, test, validation], masks, identifiers):
            assert audit_split(table, *parts, n_times=4, **CLEAN).leakage == expected
    for parts in ([train, test, validation], masks, [windows.table.iloc[part] for part in (train, test, validation)]):
        assert audit_split(windows, *parts, **CLEAN).leakage == expected


@pytest.mark.parametrize("protocol", [name for name in PROTOCOLS if name not in ("session", "dataset")])
@pytest.mark.parametrize("n_splits", [None, 2])
def test_the_folds_of_a_protocol_come_nearest_to_it(protocol: str, n_splits: int | None, overlapping: Windows) -> None:
    for train, validation, test in make_splitter(protocol, n_splits=n_splits).triples(overlapping):
        audit = audit_split(overlapping, train, test, validation, **CLEAN)
        assert audit.closest == protocol
        assert audit.verdict.startswith("LEAKS" if protocol == "window-random" else "No test window shares its trial")
        assert (audit.n_train, audit.n_validation, audit.n_test) == (len(train), len(validation), len(test))


def test_what_train_test_split_does_to_overlapping_windows_leaks_samples_and_trials(overlapping: Windows) -> None:
    train, test = train_test_split(np.arange(len(overlapping)), test_size=0.2, random_state=0)
    audit = audit_split(overlapping, train, test)
    assert audit.leakage.trial == 1
    assert audit.leakage.shared_samples > 0.5
    assert "hold raw samples" in audit.verdict


def test_folds_of_windows_in_their_order_leak_where_they_cut_a_trial_in_two(overlapping: Windows) -> None:
    """The second of 3 folds, windows 27 to 53, begins and ends amid a trial of windows 25-29 and 50-54."""
    train, test = list(KFold(3).split(np.arange(80)))[1]
    assert (test.min(), test.max()) == (27, 53)
    leakage = audit_split(overlapping, train, test).leakage
    assert leakage.trial == pytest.approx((3 + 4) / 27)
    assert leakage.shared_samples == pytest.approx((1 + 1) / 27)


def test_groups_of_people_are_new_people(overlapping: Windows) -> None:
    for train, test in GroupKFold(4).split(overlapping, groups=overlapping.table["subject"]):
        assert audit_split(overlapping, train, test).closest == "subject"


def test_equal_trial_numbers_of_two_people_are_two_trials(overlapping: Windows) -> None:
    train, test = where(overlapping, subject=[0, 1, 2]), where(overlapping, subject=3)
    for table in (overlapping, overlapping.table, in_trial(overlapping)):
        audit = audit_split(table, train, test, n_times=4)
        assert (audit.leakage.trial, audit.leakage.subject, audit.leakage.shared_samples) == (0, 0, 0)
        assert audit.closest == "subject"


@pytest.mark.parametrize("n_times", [4, None])
def test_the_length_of_windows_may_stand_in_a_column(overlapping: Windows, n_times: int | None) -> None:
    table = in_trial(overlapping).assign(n_times=4)
    assert audit_split(table, [0], [1, 2, 5], n_times=n_times).leakage.shared_samples == pytest.approx(1 / 3)


def test_without_a_length_only_windows_on_both_sides_are_known_to_share_samples(overlapping: Windows) -> None:
    table = in_trial(overlapping)
    assert math.isnan(audit_split(table, [0], [1, 2]).leakage.shared_samples)
    assert audit_split(table, [0, 1], [1, 2]).leakage.shared_samples == 0.5


@pytest.mark.parametrize("column", ["subject", "trial", "stimulus"])
@pytest.mark.parametrize("how", ["no column", "one missing"])
def test_what_a_table_does_not_tell_is_unknown_and_not_zero(overlapping: Windows, column: str, how: str) -> None:
    table = overlapping.table.astype({column: object})
    if how == "no column":
        table = table.drop(columns=column)
    else:
        table.loc[79, column] = np.nan
    leakage = audit_split(table, where(overlapping, trial=[1, 2]), where(overlapping, trial=[3, 4])).leakage
    assert math.isnan(leakage.shares[column])
    expected = {"subject": 1, "trial": 0, "stimulus": 0}
    for other in {"subject", "trial", "stimulus"} - {column}:
        if (column, other) != ("subject", "trial"):
            assert leakage.shares[other] == expected[other]


def test_trials_whose_numbers_differ_are_different_whoever_they_belong_to(overlapping: Windows) -> None:
    table = overlapping.table.drop(columns="subject")
    assert audit_split(table, where(overlapping, trial=[1, 2]), where(overlapping, trial=[3, 4])).leakage.trial == 0


def test_without_subjects_equal_trial_numbers_may_be_those_of_two_people(overlapping: Windows) -> None:
    """Windows with equal trial and start are two trials, so a number on both sides proves nothing."""
    table = in_trial(overlapping).drop(columns="subject")
    audit = audit_split(table, where(overlapping, subject=[0, 1]), where(overlapping, subject=[2, 3]), n_times=4)
    assert math.isnan(audit.leakage.trial)


def test_new_people_have_new_trials_whatever_they_are_called(overlapping: Windows) -> None:
    table = overlapping.table.drop(columns="trial")
    audit = audit_split(table, where(overlapping, subject=[0, 1]), where(overlapping, subject=[2, 3]))
    assert audit.leakage.trial == 0
    assert audit.closest == "subject"


def test_validation_counts_as_seen(overlapping: Windows) -> None:
    train, test = where(overlapping, subject=0), where(overlapping, subject=3, trial=1)
    assert audit_split(overlapping, train, test).leakage.subject == 0
    assert audit_split(overlapping, train, test, where(overlapping, subject=3, trial=2)).leakage.subject == 1


@pytest.mark.parametrize("share", [1, 5])
def test_validation_windows_that_are_tested_on_choose_the_model(overlapping: Windows, share: int) -> None:
    train, test = where(overlapping, subject=[0, 1, 2]), where(overlapping, subject=3, trial=1)
    audit = audit_split(overlapping, train, test, test[:share], fitted_on_test=(), chosen_by_test=["the seed"])
    assert audit.leakage.chosen_by_test is not None
    assert audit.leakage.chosen_by_test[0] == "the seed"
    assert "validation" in audit.leakage.chosen_by_test[1]
    assert "LEAKS" in audit.verdict


def test_testing_on_validation_data_is_not_taken_for_training_on_them(overlapping: Windows) -> None:
    """Early stopping on the test set: no test window was trained on, the model was chosen by them."""
    train, test = where(overlapping, subject=[0, 1, 2]), where(overlapping, subject=3)
    audit = audit_split(overlapping, train, test, test, fitted_on_test=())
    assert audit.verdict.startswith("LEAKS: the model was chosen by the data it is tested on")
    assert "trained on" not in audit.verdict
    assert audit.closest == "subject"


@pytest.mark.parametrize("part", ["train", "test"])
def test_rows_that_are_named_twice_count_once(overlapping: Windows, part: str) -> None:
    parts: dict[str, Any] = {"train": where(overlapping, trial=1), "test": where(overlapping, trial=2)}
    audit = audit_split(overlapping, **{**parts, part: np.repeat(parts[part], 3)})
    assert (audit.n_train, audit.n_validation, audit.n_test) == (20, 0, 20)
    assert audit == audit_split(overlapping, **parts)


def test_without_starts_all_windows_of_the_trials_are_meant(overlapping: Windows) -> None:
    train = pd.DataFrame({"subject": [0, 0, 1], "trial": [1, 2, 1]})
    test = pd.DataFrame({"trial": [4], "subject": [2]})
    audit = audit_split(overlapping, train, test)
    assert (audit.n_train, audit.n_test) == (15, 5)
    numbers = np.append(where(overlapping, subject=0, trial=[1, 2]), where(overlapping, subject=1, trial=1))
    assert audit == audit_split(overlapping, numbers, where(overlapping, subject=2, trial=4))


def test_subjects_alone_mean_all_of_their_windows(overlapping: Windows) -> None:
    audit = audit_split(overlapping, pd.DataFrame({"subject": [0, 1, 2]}), pd.DataFrame({"subject": [3]}))
    assert (audit.n_train, audit.n_test, audit.closest) == (60, 20, "subject")


def test_windows_named_by_what_the_table_lacks_are_refused(overlapping: Windows) -> None:
    """Subject 0, trial 1 cannot be found among windows without trials; all of subject 0 is not what was meant."""
    table = overlapping.table.drop(columns="trial")
    rows = pd.DataFrame({"subject": [0], "trial": [1]})
    with pytest.raises(ConfigError, match="trial"):
        audit_split(table, rows, rows.assign(trial=2))


def test_rows_are_counted_by_position_whatever_the_index(overlapping: Windows) -> None:
    table = overlapping.table.set_index(np.random.default_rng(0).permutation(len(overlapping)))
    train, test = where(overlapping, trial=[1, 2]), where(overlapping, trial=3)
    expected = audit_split(overlapping.table, train, test, n_times=4)
    mask = pd.Series(np.isin(np.arange(80), train), index=table.index)
    assert audit_split(table, train, test, n_times=4) == expected
    assert audit_split(table, mask, test, n_times=4) == expected


def test_names_of_people_and_trials_may_be_words(overlapping: Windows) -> None:
    words = overlapping.table.assign(
        subject=lambda t: "sub-0" + t["subject"].astype(str), trial=lambda t: t["trial"] + 0.5
    )
    train, test = where(overlapping, trial=[1, 2]), where(overlapping, trial=3)
    expected = audit_split(overlapping.table, train, test, n_times=4)
    assert audit_split(words, words.iloc[train], words.iloc[test], n_times=4) == expected


def test_what_the_windows_say_was_fitted_on_all_of_them_is_in_the_audit() -> None:
    rng = np.random.default_rng(0)
    windows = overlapping_windows()
    noise = rng.standard_normal(windows.trials.signals.shape).astype(np.float32)
    trials = make_trials(windows.trials.table, noise)
    audit = audit_split(zscored(trials).windows(n_times=4, step=4), [0], [5])
    assert "TRANSDUCTIVE" in audit.verdict


@pytest.mark.filterwarnings("ignore:overflow")
def test_small_whole_numbers_do_not_overflow() -> None:
    """Two trials of each of two people; windows of 5000 samples that begin at 0 and at 30000, in 16 bits."""
    table = pd.DataFrame({"subject": [1, 1, 1, 1, 2, 2, 2, 2], "trial": [1, 1, 2, 2] * 2, "start": [0, 30000] * 4})
    narrow = table.astype({"start": np.int16})
    for starts in (table, narrow):
        assert audit_split(starts, [0, 2, 4], [1, 3, 6], n_times=5000).leakage.shared_samples == 0


def test_a_mask_of_ones_and_zeros_is_not_taken_for_row_numbers(overlapping: Windows) -> None:
    train = np.isin(np.arange(80), where(overlapping, subject=0)).astype(int)
    test = np.isin(np.arange(80), where(overlapping, subject=1)).astype(int)
    try:
        audit = audit_split(overlapping, train, test)
    except ConfigError:
        return
    assert audit == audit_split(overlapping, train.astype(bool), test.astype(bool))


# What is said


def test_the_printed_audit_holds_verdict_sizes_protocol_and_record(overlapping: Windows) -> None:
    test, aside = where(overlapping, subject=3), where(overlapping, subject=2)
    audit = audit_split(
        overlapping, rest(overlapping, test, aside), test, aside, fitted_on_test=["a PCA"], chosen_by_test=()
    )
    first, *others = str(audit).split("\n")
    assert first == audit.verdict
    assert others == [
        "",
        "40 windows to train on, 20 to validate on, 20 to test on.",
        "Comes nearest to protocol 'subject'.",
        "Test windows share with training: shared samples 0%, trial 0%, subject 0%, stimulus 100%; "
        "fitted on test data: a PCA, nothing chosen by test data.",
    ]


@pytest.mark.parametrize(
    ("test", "whom"),
    [
        ({"trial": 4, "subject": 3}, "new trials of people whom training knew, with stimuli that training knew"),
        ({"subject": 3}, "new trials of new people, with stimuli that training knew"),
        ({"trial": 4}, "new trials of people whom training knew, with new stimuli"),
    ],
    ids=["trial", "subject", "stimulus"],
)
def test_the_verdict_says_whom_a_clean_split_tests(overlapping: Windows, test: dict[str, int], whom: str) -> None:
    numbers = where(overlapping, **test)
    audit = audit_split(overlapping, rest(overlapping, numbers), numbers)
    assert audit.verdict.startswith(f"No test window shares its trial with training: it tests {whom}.")


def test_the_verdict_on_new_people_with_new_stimuli_has_no_baseline_to_name(overlapping: Windows) -> None:
    audit = audit_split(
        overlapping, where(overlapping, subject=[0, 1], trial=[1, 2]), where(overlapping, subject=3, trial=4)
    )
    assert audit.closest == "subject-stimulus"
    assert "new trials of new people, with new stimuli" in audit.verdict
    assert "majority" not in audit.verdict


def test_it_is_asked_for_what_a_split_cannot_show(overlapping: Windows) -> None:
    parts = where(overlapping, subject=0), where(overlapping, subject=1)
    asked = "The split alone does not show whether normalisation, feature selection or the choice of the epoch saw"
    assert asked in audit_split(overlapping, *parts).verdict
    assert asked in audit_split(overlapping, *parts, fitted_on_test=()).verdict
    assert asked not in audit_split(overlapping, *parts, **CLEAN).verdict


def test_what_is_known_to_have_seen_test_data_is_named(overlapping: Windows) -> None:
    parts = where(overlapping, subject=0), where(overlapping, subject=1)
    text = audit_split(overlapping, *parts, fitted_on_test=["a scaler over everything"], chosen_by_test=()).verdict
    assert "TRANSDUCTIVE: a scaler over everything" in text
    text = audit_split(overlapping, *parts, fitted_on_test=(), chosen_by_test=["the best epoch"]).verdict
    assert text.startswith("LEAKS: the model was chosen by the data it is tested on")


@pytest.mark.parametrize("known", ["subject", "subject, stimulus, start"])
def test_where_trials_are_not_known_no_protocol_is_named(overlapping: Windows, known: str) -> None:
    audit = audit_split(overlapping.table[known.split(", ")], np.arange(0, 80, 2), np.arange(1, 80, 2))
    assert audit.closest is None
    assert audit.verdict.startswith("NOT KNOWN")
    assert "nearest" not in str(audit)


# What is refused


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([80], r"train: window 80 is none of the 80 there are, counted from 0"),
        ([0, -1], r"train: window -1 is none of the 80"),
        ([0.0, 1.5], r"train: row numbers of windows were expected, got float64 \(2,\)"),
        ([math.nan], r"train: row numbers .* got float64"),
        (["0", "1"], r"train: row numbers .* got <U1"),
        ([[0, 1]], r"train: row numbers .* got int64 \(1, 2\)"),
        (3, r"train: row numbers .* got int64 \(\)"),
        ({0, 1}, r"train: row numbers .* got object \(\)"),
        ([None], r"train: row numbers .* got object"),
        ([], r"There are no windows in train; both sides of a split need some of the 80 windows"),
        (np.zeros(80, bool), r"There are no windows in train"),
        (np.ones(79, bool), r"train: a mask over 80 windows was expected, got \(79,\)"),
        (np.ones((80, 1), bool), r"train: a mask over 80 windows was expected, got \(80, 1\)"),
    ],
)
def test_rows_that_name_no_windows_are_refused(overlapping: Windows, rows: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        audit_split(overlapping, rows, [1])
    with pytest.raises(ConfigError, match=message.replace("train", "test")):
        audit_split(overlapping.table, [1], rows)
    if "no windows in" not in message:
        with pytest.raises(ConfigError, match=message.replace("train", "validation")):
            audit_split(overlapping, [1], [2], rows)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            pd.DataFrame({"subject": [0, 0, 9], "trial": [1, 77, 1]}),
            "train: 2 of its 3 windows are not among the windows: subject 0, trial 77 first",
        ),
        (pd.DataFrame({"subject": [0], "trial": [1], "start": [1]}), "train: 1 of its 1 .* start 1 first"),
        (pd.DataFrame({"subject": [np.nan]}), "subject nan first"),
        (
            pd.DataFrame({"person": [0]}),
            r"train: its columns \['person'\] and those .* have none of subject, trial, start in common",
        ),
        (pd.DataFrame({"subject": [], "trial": []}), "There are no windows in train"),
    ],
)
def test_identifiers_of_windows_that_are_not_there_are_refused(
    overlapping: Windows, rows: pd.DataFrame, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        audit_split(overlapping, rows, [1])


@pytest.mark.parametrize("n_times", [0, -4])
def test_a_window_without_samples_is_refused(overlapping: Windows, n_times: int) -> None:
    with pytest.raises(ConfigError, match=f"start and n_times must be whole samples, got int64 and {n_times}"):
        audit_split(overlapping.table, [0], [5], n_times=n_times)


@pytest.mark.parametrize("starts", [0.5, "zero", math.inf])
def test_starts_in_seconds_or_words_are_refused(overlapping: Windows, starts: Any) -> None:
    with pytest.raises(ConfigError, match="start and n_times must be whole samples"):
        audit_split(overlapping.table.assign(start=starts), [0], [5], n_times=4)


@pytest.mark.parametrize("as_column", [True, False])
def test_a_length_that_is_not_whole_samples_is_refused(overlapping: Windows, as_column: bool) -> None:
    table = overlapping.table.assign(n_times=2.5) if as_column else overlapping.table
    with pytest.raises(ConfigError, match="whole samples"):
        audit_split(table, [0], [5], n_times=None if as_column else 2.5)  # type: ignore[arg-type]


def test_a_length_that_is_no_number_is_refused(overlapping: Windows) -> None:
    with pytest.raises(ConfigError, match="whole samples"):
        audit_split(overlapping.table.assign(n_times="long"), [0], [5])


def test_windows_of_two_lengths_are_refused(overlapping: Windows) -> None:
    table = overlapping.table.assign(n_times=[4] * 79 + [5])
    with pytest.raises(ConfigError, match="Windows of one length were expected, got 4, 5"):
        audit_split(table, [0], [5])
