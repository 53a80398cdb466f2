"""Names in other people's tables: which are one, which look alike, and what is not known for want of them."""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from eegemo import Audit, ConfigError, Windows, audit_split
from toy_trials import with_columns


def audited(table: pd.DataFrame, is_train: Any, **settings: Any) -> Audit:
    mask = np.asarray(is_train, bool)
    return audit_split(table, mask, ~mask, fitted_on_test=(), chosen_by_test=(), **settings)


def visits(*names: str, n_trials: int = 3, n_windows: int = 4) -> pd.DataFrame:
    """One person with two of each name, in each of which trials are numbered from 1 and starts from 0."""
    rows = product(*([1, 2] for _ in names), range(1, n_trials + 1), range(n_windows))
    table = pd.DataFrame(list(rows), columns=[*names, "trial", "window"])
    return table.assign(subject=1, start=table["window"] * 200, n_times=200).drop(columns="window")


# Trials that are numbered anew


@pytest.mark.parametrize("column", ["session", "run", "recording"])
def test_trials_that_are_numbered_anew_in_each_session_are_others(column: str) -> None:
    table = visits(column)
    leakage = audited(table, table[column] == 1).leakage
    assert (leakage.trial, leakage.shared_samples, leakage.subject) == (0, 0, 1)
    within = audited(table, np.arange(len(table)) % 2 == 0).leakage
    assert within.trial == 1


def test_runs_within_sessions_are_part_of_the_name_too() -> None:
    table = visits("session", "run")
    for column in ("session", "run"):
        assert audited(table, table[column] == 1).leakage.trial == 0
    one_trial_torn = (table["session"] == 1) | (table["start"] == 0)
    assert audited(table, one_trial_torn).leakage.trial == 1


def test_without_the_column_it_is_not_known_whether_trials_of_one_name_are_one() -> None:
    table = visits("session")
    audit = audited(table.drop(columns="session"), table["session"] == 1)
    assert math.isnan(audit.leakage.trial)
    assert math.isnan(audit.leakage.shared_samples)
    assert audit.verdict.startswith("NOT KNOWN")
    assert "24 windows have the name of another one (subject 1, trial 1, start 0 first)" in audit.verdict
    assert "column of that name" in audit.verdict


def test_a_window_that_is_listed_twice_makes_no_leak_of_others_unknown() -> None:
    """Trial 1 is torn for certain, whatever trial 2, which is listed twice, is."""
    table = pd.DataFrame({"subject": 1, "trial": [1, 1, 2, 2, 2], "start": [0, 1, 0, 0, 1]})
    assert audited(table, [True, False, True, True, False]).leakage.trial == 1
    assert math.isnan(audited(table[2:], [True, True, False]).leakage.trial)


def test_a_session_that_is_missing_somewhere_is_not_taken_for_one() -> None:
    table = visits("session").astype({"session": float})
    split = table["session"] == 1
    table.loc[23, "session"] = np.nan
    audit = audited(table, split)
    assert math.isnan(audit.leakage.trial)
    assert "session has no value in 1 of 24 rows (row 24 first)" in audit.verdict


def test_files_of_several_windows_leave_it_open_whether_trials_are_one() -> None:
    """The file may be a visit whose trials are numbered from 1, or the part of the split; files of a window are not."""
    table = pd.DataFrame({"subject": 1, "trial": [1, 1, 2, 2] * 2, "file": ["a"] * 4 + ["b"] * 4})
    assert math.isnan(audited(table, table["file"] == "a").leakage.trial)
    assert audited(table.assign(file=[f"{n}.npy" for n in range(8)]), table["file"] == "a").leakage.trial == 1
    numbered = table.assign(start=range(8))
    assert audited(numbered, table["file"] == "a").leakage.trial == 1


# One name in several forms


FORMS: dict[str, tuple[Any, Any]] = {
    "text": (1, "1"),
    "a whole float": (1, 1.0),
    "text of a float": (1, "1.0"),
    "float and text": (1.0, "1"),
    "NumPy's integer": (1, np.int16(1)),
    "NumPy's float": ("1", np.float32(1)),
    "NumPy's text": ("s1", np.str_("s1")),
    "bytes": ("s1", b"s1"),
    "half": (0.5, "0.50"),
    "a decimal": (2.5, Decimal("2.50")),
    "large": (10**16, 1e16),
    "zero": (0, "-0"),
    "a list": ([1, 2], "[1, 2]"),
}


@pytest.mark.parametrize("column", ["subject", "trial", "stimulus", "session", "run", "recording"])
@pytest.mark.parametrize("form", FORMS)
def test_a_name_in_two_forms_is_one(form: str, column: str) -> None:
    """Two windows of one trial, one on each side."""
    table = pd.DataFrame({"subject": 1, "trial": [1, 1], "stimulus": 1, "session": 1, "run": 1, "recording": 1})
    table = table.assign(**{column: pd.Series(FORMS[form], dtype=object)})
    audit = audited(table, [True, False])
    assert (audit.leakage.trial, audit.leakage.subject, audit.leakage.stimulus, audit.leakage.session) == (1, 1, 1, 1)
    assert audit.notes == ()


@pytest.mark.parametrize("dtype", ["category", "string", "Int64", "Float64", "object", "int8", "float32"])
def test_a_subject_is_one_in_whatever_type_pandas_keeps_it(dtype: str) -> None:
    numbers = pd.DataFrame({"subject": [1, 1, 2, 2], "trial": [1, 2, 1, 2], "start": 0})
    typed = numbers.astype({"subject": str} if dtype == "string" else {}).astype({"subject": dtype})
    both = pd.concat([numbers, typed.assign(start=128)], ignore_index=True)
    audit = audited(both, np.arange(8) < 4, n_times=128)
    assert (audit.leakage.trial, audit.leakage.subject, audit.leakage.shared_samples) == (1, 1, 0)


def test_starts_and_lengths_may_be_whole_floats_or_text() -> None:
    table = pd.DataFrame({"subject": 1, "trial": 1, "start": [0, 64.0, "128"], "n_times": ["128", 128, 128.0]})
    assert audited(table, [True, False, False]).leakage.shared_samples == 0.5


def test_windows_are_found_by_names_of_another_form() -> None:
    table = pd.DataFrame({"subject": ["1", "1", "2"], "trial": [1.0, 2.0, 1.0]})
    rows = pd.DataFrame({"subject": [1], "trial": [2]}, dtype=object)
    assert audit_split(table, rows, [0]).n_train == 1


def test_windows_are_found_by_their_session() -> None:
    table = visits("session")
    first, second = ({"subject": [1], "session": [session], "trial": [1]} for session in (1, 2))
    audit = audit_split(table, pd.DataFrame(first), pd.DataFrame(second))
    assert (audit.n_train, audit.n_test, audit.leakage.trial) == (4, 4, 0)
    with pytest.raises(ConfigError, match="train: has no column 'session', so its trial may be that of several"):
        audit_split(table, pd.DataFrame({"subject": [1], "trial": [1]}), [0])
    of_subject = audit_split(table.assign(subject=table["session"]), pd.DataFrame({"subject": [1]}), [23])
    assert of_subject.n_train == 12


# Names that look alike


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("s1", "s01"),
        ("S01", "S01 "),
        ("s01", "sub-01"),
        ("1", "01"),
        (1, "s1"),
        ("Anna", "anna"),
        ("sub_2", "subject 2"),
    ],
)
def test_subjects_that_look_alike_are_pointed_out_and_not_counted_as_new(name: Any, other: Any) -> None:
    table = pd.DataFrame({"subject": pd.Series([name, other, "else"], dtype=object), "trial": [1, 1, 3]})
    audit = audited(table, [True, False, False])
    assert math.isnan(audit.leakage.subject)
    assert math.isnan(audit.leakage.trial)
    assert audit.verdict.startswith("NOT KNOWN")
    assert "LOOK ALIKE: subject" in audit.verdict
    assert repr(str(name)) in audit.verdict
    assert repr(str(other)) in audit.verdict


@pytest.mark.parametrize(
    "names", [("s1", "s11"), ("P01", "C01"), ("a", "b"), (1.5, 15), (-1, 1), ("day1-2", "day12"), ("S10", "S1")]
)
def test_other_names_do_not_look_alike(names: tuple[Any, Any]) -> None:
    table = pd.DataFrame({"subject": pd.Series(names, dtype=object), "trial": [1, 1]})
    audit = audited(table, [True, False])
    assert audit.leakage.subject == 0
    assert audit.notes == ()


def test_a_leak_that_is_certain_stays_one_where_names_look_alike() -> None:
    table = pd.DataFrame({"subject": ["s1", "s1", "s2", "s02"], "trial": [1, 1, 5, 6]})
    audit = audited(table, [True, False, True, False])
    assert audit.leakage.trial == 0.5
    assert audit.verdict.startswith("LEAKS")
    assert "LOOK ALIKE: subject 's02', 's2'." in audit.verdict


# What is missing


@pytest.mark.parametrize("missing", [None, math.nan, pd.NA, pd.NaT, "", "nan", "None", "<NA>"])
def test_a_subject_that_is_missing_is_not_known(missing: Any) -> None:
    table = pd.DataFrame({"subject": pd.Series([1, missing, 2], dtype=object), "trial": [1, 1, 2]})
    audit = audited(table, [True, False, False])
    assert math.isnan(audit.leakage.subject)
    assert math.isnan(audit.leakage.trial)
    assert "subject has no value in 1 of 3 rows (row 2 first)" in audit.verdict


# Seconds


@pytest.mark.parametrize(
    ("settings", "columns"),
    [
        ({"duration": 1.0}, {}),
        ({"sfreq": 128, "n_times": 128}, {}),
        ({"sfreq": 128.0}, {"n_times": 128}),
        ({}, {"duration": 1.0}),
        ({}, {"length": "1"}),
    ],
)
def test_starts_in_seconds_compare_with_a_length_in_seconds(settings: dict[str, Any], columns: dict[str, Any]) -> None:
    """Windows of a second at 0, 0.5, 1 and (rounded) 1.333 s; tested on are those at 0.5, 1 and 2.333."""
    table = pd.DataFrame({"subject": 1, "trial": 1, "start": [0, 1.333, 0.5, 1.0, 2.333]}).assign(**columns)
    leakage = audited(table, [True, True, False, False, False], **settings).leakage
    assert leakage.shared_samples == pytest.approx(2 / 3)


def test_seconds_without_a_length_in_seconds_are_refused() -> None:
    table = pd.DataFrame({"subject": 1, "trial": 1, "start": [0, 0.5], "n_times": 128})
    with pytest.raises(ConfigError, match=r"whole samples.* with starts in seconds give sfreq, or the duration"):
        audited(table, [True, False])
    for length in (0, -1, math.nan):
        with pytest.raises(ConfigError, match="duration must be a positive number"):
            audited(table, [True, False], duration=length)
    with pytest.raises(ConfigError, match="not both"):
        audited(table, [True, False], duration=1, n_times=128)


# Row numbers and tables


@pytest.mark.parametrize(
    "rows",
    [
        [0.0, 1.0],
        np.array([1.0, 0.0, 1.0, 1.0], np.float32)[[1, 0]],
        pd.Series([0, 1], dtype="Int64"),
        pd.Index([1, 0]),
        range(2),
        [1, 0, 1, 0],
        pd.array([True, True, False, False, False], dtype="boolean"),
        [1.0, 1.0, 0.0, 0.0, 0.0],
    ],
)
def test_rows_are_numbers_or_a_mask_in_any_type(rows: Any) -> None:
    table = pd.DataFrame({"subject": 1, "trial": [1, 1, 2, 3, 4]})
    expected = audit_split(table, [0, 1], [3])
    assert audit_split(table, rows, [3]) == expected


def test_numbers_that_count_from_one_are_pointed_out() -> None:
    table = pd.DataFrame({"subject": 1, "trial": [1, 1, 2]})
    with pytest.raises(ConfigError, match="window 3 is none of the 3 there are, counted from 0; take 1 off"):
        audit_split(table, [1, 2], [3])


@pytest.mark.parametrize("windows", [np.zeros((3, 2)), {"subject": [1]}, None, "windows.csv"])
def test_what_is_no_table_is_refused(windows: Any) -> None:
    with pytest.raises(ConfigError, match="Windows or a table"):
        audit_split(windows, [0], [1])


def test_a_table_with_two_columns_of_one_name_is_refused() -> None:
    table = pd.DataFrame([[1, 1, 1], [1, 2, 2]], columns=["subject", "trial", "trial"])
    with pytest.raises(ConfigError, match="two columns 'trial'"):
        audit_split(table, [0], [1])


def test_windows_whose_subject_is_kept_in_two_types_are_of_a_person_that_training_knew(overlapping: Windows) -> None:
    trials = overlapping.trials
    mixed = trials.table.astype({"subject": object}).assign(trial=range(16))
    mixed.loc[8:, "subject"] = ["0", "0", "0", "0", "1", "1", "1", "1"]
    windows = with_columns(trials, **mixed).windows(n_times=4)
    first = windows.trial_index < 8
    audit = audit_split(windows, first, ~first)
    assert (audit.leakage.subject, audit.leakage.trial, audit.leakage.shared_samples) == (1, 0, 0)


def test_a_column_without_any_value_is_as_good_as_none(overlapping: Windows) -> None:
    empty = with_columns(overlapping.trials, stimulus=pd.NA, session=np.nan).windows(n_times=4)
    for windows in (empty, empty.table.assign(recording=None)):
        audit = audit_split(windows, np.arange(0, 30), np.arange(30, len(empty)))
        assert audit.leakage.trial == 0
        assert math.isnan(audit.leakage.stimulus)
        assert audit.notes == ()


def test_a_table_without_a_known_column_says_which_it_has() -> None:
    table = pd.DataFrame({"participant": [1, 1, 2, 2], "clip": [1, 2, 1, 2]})
    audit = audit_split(table, [0, 1], [2, 3])
    assert audit.closest is None
    assert "no column subject, trial or stimulus, but participant, clip" in audit.verdict
