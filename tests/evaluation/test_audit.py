"""The audit of somebody else's split: what is counted, what is said, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold, KFold, train_test_split

from eegemo import ConfigError, DataFormatError, Trials, Windows, audit_split, leakage_record, make_splitter
from eegemo import zscore_subjects as zscored
from eegemo.evaluation.audit import Audit
from eegemo.evaluation.protocols import PROTOCOLS
from eegemo.evaluation.split_files import read_split

CLEAN: dict[str, Any] = {"fitted_on_test": (), "chosen_by_test": ()}


def make_windows(*, step: int = 2, n_people: int = 4, n_trials: int = 4) -> Windows:
    """Cut windows of 4 samples out of trials of 12, whose numbers begin with 1 in every person."""
    n = n_people * n_trials
    table = pd.DataFrame({"subject": np.arange(n) // n_trials, "trial": np.arange(n) % n_trials + 1})
    table = table.assign(stimulus=10 * table["trial"], start=12 * np.arange(n), n_times=12, n_baseline=0)
    strip = np.zeros((12 * n, 1), np.float32)
    return Trials(strip, table, ("Cz",), 1.0, dataset="zeros", simulated=True).windows(n_times=4, step=step)


def in_trial(windows: Windows) -> pd.DataFrame:
    """Count the starts of windows from the first sample of their trial, as most people do."""
    first = windows.trials.table["start"].to_numpy()[windows.trial_index]
    return windows.table.assign(start=windows.starts - first)


def where(windows: Windows, **values: Any) -> np.ndarray:
    """Give the numbers of the windows with one of the values in each of the columns."""
    table = windows.table
    chosen = np.all([table[column].isin(np.atleast_1d(value)) for column, value in values.items()], axis=0)
    return np.flatnonzero(chosen)


def rest(windows: Windows, *parts: np.ndarray) -> np.ndarray:
    return np.setdiff1d(np.arange(len(windows)), np.concatenate(parts))


@pytest.fixture
def windows() -> Windows:
    """4 people x 4 trials x 5 windows that overlap by half."""
    return make_windows()


# What is counted


@st.composite
def splits(draw: st.DrawFn) -> tuple[Windows, np.ndarray, np.ndarray, np.ndarray]:
    """Any windows on any side; validation and test have none in common."""
    windows = make_windows(step=draw(st.integers(1, 4)), n_people=draw(st.integers(1, 3)), n_trials=3)
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


@pytest.mark.parametrize("protocol", [name for name in PROTOCOLS if name != "session"])
@pytest.mark.parametrize("n_splits", [None, 2])
def test_the_folds_of_a_protocol_come_nearest_to_it(protocol: str, n_splits: int | None, windows: Windows) -> None:
    for train, validation, test in make_splitter(protocol, n_splits=n_splits).triples(windows):
        audit = audit_split(windows, train, test, validation, **CLEAN)
        assert audit.closest == protocol
        assert audit.verdict.startswith("LEAKS" if protocol == "window-random" else "No test window shares its trial")
        assert (audit.n_train, audit.n_validation, audit.n_test) == (len(train), len(validation), len(test))


def test_what_train_test_split_does_to_overlapping_windows_leaks_samples_and_trials(windows: Windows) -> None:
    train, test = train_test_split(np.arange(len(windows)), test_size=0.2, random_state=0)
    audit = audit_split(windows, train, test)
    assert audit.leakage.trial == 1
    assert audit.leakage.shared_samples > 0.5
    assert "hold raw samples" in audit.verdict


def test_folds_of_windows_in_their_order_leak_where_they_cut_a_trial_in_two(windows: Windows) -> None:
    """The second of 3 folds, windows 27 to 53, begins and ends amid a trial of windows 25-29 and 50-54."""
    train, test = list(KFold(3).split(np.arange(80)))[1]
    assert (test.min(), test.max()) == (27, 53)
    leakage = audit_split(windows, train, test).leakage
    assert leakage.trial == pytest.approx((3 + 4) / 27)
    assert leakage.shared_samples == pytest.approx((1 + 1) / 27)


def test_groups_of_people_are_new_people(windows: Windows) -> None:
    for train, test in GroupKFold(4).split(windows, groups=windows.table["subject"]):
        assert audit_split(windows, train, test).closest == "subject"


def test_equal_trial_numbers_of_two_people_are_two_trials(windows: Windows) -> None:
    train, test = where(windows, subject=[0, 1, 2]), where(windows, subject=3)
    for table in (windows, windows.table, in_trial(windows)):
        audit = audit_split(table, train, test, n_times=4)
        assert (audit.leakage.trial, audit.leakage.subject, audit.leakage.shared_samples) == (0, 0, 0)
        assert audit.closest == "subject"


@pytest.mark.parametrize("n_times", [4, None])
def test_the_length_of_windows_may_stand_in_a_column(windows: Windows, n_times: int | None) -> None:
    table = in_trial(windows).assign(n_times=4)
    assert audit_split(table, [0], [1, 2, 5], n_times=n_times).leakage.shared_samples == pytest.approx(1 / 3)


def test_without_a_length_only_windows_on_both_sides_are_known_to_share_samples(windows: Windows) -> None:
    table = in_trial(windows)
    assert math.isnan(audit_split(table, [0], [1, 2]).leakage.shared_samples)
    assert audit_split(table, [0, 1], [1, 2]).leakage.shared_samples == 0.5


@pytest.mark.parametrize("column", ["subject", "trial", "stimulus"])
@pytest.mark.parametrize("how", ["no column", "one missing"])
def test_what_a_table_does_not_tell_is_unknown_and_not_zero(windows: Windows, column: str, how: str) -> None:
    table = windows.table.astype({column: object})
    if how == "no column":
        table = table.drop(columns=column)
    else:
        table.loc[79, column] = np.nan
    leakage = audit_split(table, where(windows, trial=[1, 2]), where(windows, trial=[3, 4])).leakage
    assert math.isnan(leakage.shares[column])
    expected = {"subject": 1, "trial": 0, "stimulus": 0}
    for other in {"subject", "trial", "stimulus"} - {column}:
        if (column, other) != ("subject", "trial"):
            assert leakage.shares[other] == expected[other]


def test_trials_whose_numbers_differ_are_different_whoever_they_belong_to(windows: Windows) -> None:
    table = windows.table.drop(columns="subject")
    assert audit_split(table, where(windows, trial=[1, 2]), where(windows, trial=[3, 4])).leakage.trial == 0


def test_without_subjects_equal_trial_numbers_may_be_those_of_two_people(windows: Windows) -> None:
    """Windows with equal trial and start are two trials, so a number on both sides proves nothing."""
    table = in_trial(windows).drop(columns="subject")
    audit = audit_split(table, where(windows, subject=[0, 1]), where(windows, subject=[2, 3]), n_times=4)
    assert math.isnan(audit.leakage.trial)


def test_new_people_have_new_trials_whatever_they_are_called(windows: Windows) -> None:
    table = windows.table.drop(columns="trial")
    audit = audit_split(table, where(windows, subject=[0, 1]), where(windows, subject=[2, 3]))
    assert audit.leakage.trial == 0
    assert audit.closest == "subject"


def test_validation_counts_as_seen(windows: Windows) -> None:
    train, test = where(windows, subject=0), where(windows, subject=3, trial=1)
    assert audit_split(windows, train, test).leakage.subject == 0
    assert audit_split(windows, train, test, where(windows, subject=3, trial=2)).leakage.subject == 1


@pytest.mark.parametrize("share", [1, 5])
def test_validation_windows_that_are_tested_on_choose_the_model(windows: Windows, share: int) -> None:
    train, test = where(windows, subject=[0, 1, 2]), where(windows, subject=3, trial=1)
    audit = audit_split(windows, train, test, test[:share], fitted_on_test=(), chosen_by_test=["the seed"])
    assert audit.leakage.chosen_by_test is not None
    assert audit.leakage.chosen_by_test[0] == "the seed"
    assert "validation" in audit.leakage.chosen_by_test[1]
    assert "LEAKS" in audit.verdict


def test_testing_on_validation_data_is_not_taken_for_training_on_them(windows: Windows) -> None:
    """Early stopping on the test set: no test window was trained on, the model was chosen by them."""
    train, test = where(windows, subject=[0, 1, 2]), where(windows, subject=3)
    audit = audit_split(windows, train, test, test, fitted_on_test=())
    assert audit.verdict.startswith("LEAKS: the model was chosen by the data it is tested on")
    assert "trained on" not in audit.verdict
    assert audit.closest == "subject"


@pytest.mark.parametrize("part", ["train", "test"])
def test_rows_that_are_named_twice_count_once(windows: Windows, part: str) -> None:
    parts: dict[str, Any] = {"train": where(windows, trial=1), "test": where(windows, trial=2)}
    audit = audit_split(windows, **{**parts, part: np.repeat(parts[part], 3)})
    assert (audit.n_train, audit.n_validation, audit.n_test) == (20, 0, 20)
    assert audit == audit_split(windows, **parts)


def test_without_starts_all_windows_of_the_trials_are_meant(windows: Windows) -> None:
    train = pd.DataFrame({"subject": [0, 0, 1], "trial": [1, 2, 1]})
    test = pd.DataFrame({"trial": [4], "subject": [2]})
    audit = audit_split(windows, train, test)
    assert (audit.n_train, audit.n_test) == (15, 5)
    numbers = np.append(where(windows, subject=0, trial=[1, 2]), where(windows, subject=1, trial=1))
    assert audit == audit_split(windows, numbers, where(windows, subject=2, trial=4))


def test_subjects_alone_mean_all_of_their_windows(windows: Windows) -> None:
    audit = audit_split(windows, pd.DataFrame({"subject": [0, 1, 2]}), pd.DataFrame({"subject": [3]}))
    assert (audit.n_train, audit.n_test, audit.closest) == (60, 20, "subject")


def test_windows_named_by_what_the_table_lacks_are_refused(windows: Windows) -> None:
    """Subject 0, trial 1 cannot be found among windows without trials; all of subject 0 is not what was meant."""
    table = windows.table.drop(columns="trial")
    rows = pd.DataFrame({"subject": [0], "trial": [1]})
    with pytest.raises(ConfigError, match="trial"):
        audit_split(table, rows, rows.assign(trial=2))


def test_rows_are_counted_by_position_whatever_the_index(windows: Windows) -> None:
    table = windows.table.set_index(np.random.default_rng(0).permutation(len(windows)))
    train, test = where(windows, trial=[1, 2]), where(windows, trial=3)
    expected = audit_split(windows.table, train, test, n_times=4)
    mask = pd.Series(np.isin(np.arange(80), train), index=table.index)
    assert audit_split(table, train, test, n_times=4) == expected
    assert audit_split(table, mask, test, n_times=4) == expected


def test_names_of_people_and_trials_may_be_words(windows: Windows) -> None:
    words = windows.table.assign(subject=lambda t: "sub-0" + t["subject"].astype(str), trial=lambda t: t["trial"] + 0.5)
    train, test = where(windows, trial=[1, 2]), where(windows, trial=3)
    expected = audit_split(windows.table, train, test, n_times=4)
    assert audit_split(words, words.iloc[train], words.iloc[test], n_times=4) == expected


def test_what_the_windows_say_was_fitted_on_all_of_them_is_in_the_audit() -> None:
    rng = np.random.default_rng(0)
    windows = make_windows()
    noise = rng.standard_normal(windows.trials.signals.shape).astype(np.float32)
    trials = Trials(noise, windows.trials.table, ("Cz",), 1.0, dataset="noise", simulated=True)
    audit = audit_split(zscored(trials).windows(n_times=4, step=4), [0], [5])
    assert "TRANSDUCTIVE" in audit.verdict


@pytest.mark.filterwarnings("ignore:overflow")
def test_small_whole_numbers_do_not_overflow() -> None:
    """Two trials of each of two people; windows of 5000 samples that begin at 0 and at 30000, in 16 bits."""
    table = pd.DataFrame({"subject": [1, 1, 1, 1, 2, 2, 2, 2], "trial": [1, 1, 2, 2] * 2, "start": [0, 30000] * 4})
    narrow = table.astype({"start": np.int16})
    for starts in (table, narrow):
        assert audit_split(starts, [0, 2, 4], [1, 3, 6], n_times=5000).leakage.shared_samples == 0


# What is said


def test_the_printed_audit_holds_verdict_sizes_protocol_and_record(windows: Windows) -> None:
    test, aside = where(windows, subject=3), where(windows, subject=2)
    audit = audit_split(windows, rest(windows, test, aside), test, aside, fitted_on_test=["a PCA"], chosen_by_test=())
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
def test_the_verdict_says_whom_a_clean_split_tests(windows: Windows, test: dict[str, int], whom: str) -> None:
    numbers = where(windows, **test)
    audit = audit_split(windows, rest(windows, numbers), numbers)
    assert audit.verdict.startswith(f"No test window shares its trial with training: it tests {whom}.")


def test_the_verdict_on_new_people_with_new_stimuli_has_no_baseline_to_name(windows: Windows) -> None:
    audit = audit_split(windows, where(windows, subject=[0, 1], trial=[1, 2]), where(windows, subject=3, trial=4))
    assert audit.closest == "subject-stimulus"
    assert "new trials of new people, with new stimuli" in audit.verdict
    assert "majority" not in audit.verdict


def test_it_is_asked_for_what_a_split_cannot_show(windows: Windows) -> None:
    parts = where(windows, subject=0), where(windows, subject=1)
    asked = "The split alone does not show whether normalisation, feature selection or the choice of the epoch saw"
    assert asked in audit_split(windows, *parts).verdict
    assert asked in audit_split(windows, *parts, fitted_on_test=()).verdict
    assert asked not in audit_split(windows, *parts, **CLEAN).verdict


def test_what_is_known_to_have_seen_test_data_is_named(windows: Windows) -> None:
    parts = where(windows, subject=0), where(windows, subject=1)
    text = audit_split(windows, *parts, fitted_on_test=["a scaler over everything"], chosen_by_test=()).verdict
    assert "TRANSDUCTIVE: a scaler over everything" in text
    text = audit_split(windows, *parts, fitted_on_test=(), chosen_by_test=["the best epoch"]).verdict
    assert text.startswith("LEAKS: the model was chosen by the data it is tested on")


@pytest.mark.parametrize("known", ["subject", "subject, stimulus, start"])
def test_where_trials_are_not_known_no_protocol_is_named(windows: Windows, known: str) -> None:
    audit = audit_split(windows.table[known.split(", ")], np.arange(0, 80, 2), np.arange(1, 80, 2))
    assert audit.closest is None
    assert audit.verdict.startswith("NOT KNOWN")
    assert "nearest" not in str(audit)


# What is refused


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([80], r"train: window 80 is none of the 80 there are, counted from 0"),
        ([0, -1], r"train: window -1 is none of the 80"),
        ([0.0, 1.0], r"train: row numbers of windows were expected, got float64 \(2,\)"),
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
def test_rows_that_name_no_windows_are_refused(windows: Windows, rows: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        audit_split(windows, rows, [1])
    with pytest.raises(ConfigError, match=message.replace("train", "test")):
        audit_split(windows.table, [1], rows)
    if "no windows in" not in message:
        with pytest.raises(ConfigError, match=message.replace("train", "validation")):
            audit_split(windows, [1], [2], rows)


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
    windows: Windows, rows: pd.DataFrame, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        audit_split(windows, rows, [1])


@pytest.mark.parametrize("n_times", [0, -4])
def test_a_window_without_samples_is_refused(windows: Windows, n_times: int) -> None:
    with pytest.raises(ConfigError, match=f"start and n_times must be whole samples, got int64 and {n_times}"):
        audit_split(windows.table, [0], [5], n_times=n_times)


@pytest.mark.parametrize("starts", [0.5, "0"])
def test_starts_in_seconds_or_words_are_refused(windows: Windows, starts: Any) -> None:
    with pytest.raises(ConfigError, match="start and n_times must be whole samples"):
        audit_split(windows.table.assign(start=starts), [0], [5], n_times=4)


@pytest.mark.parametrize("as_column", [True, False])
def test_a_length_that_is_not_whole_samples_is_refused(windows: Windows, as_column: bool) -> None:
    table = windows.table.assign(n_times=2.5) if as_column else windows.table
    with pytest.raises(ConfigError, match="whole samples"):
        audit_split(table, [0], [5], n_times=None if as_column else 2.5)  # type: ignore[arg-type]


def test_a_length_that_is_no_number_is_refused(windows: Windows) -> None:
    with pytest.raises(ConfigError, match="whole samples"):
        audit_split(windows.table.assign(n_times="long"), [0], [5])


def test_windows_of_two_lengths_are_refused(windows: Windows) -> None:
    table = windows.table.assign(n_times=[4] * 79 + [5])
    with pytest.raises(ConfigError, match="Windows of one length were expected, got 4, 5"):
        audit_split(table, [0], [5])


# From files


@pytest.fixture
def table_file(windows: Windows, tmp_path: Path) -> Path:
    path = tmp_path / "windows.csv"
    windows.table.assign(n_times=4).to_csv(path, index=False)
    return path


def npy(path: Path, rows: np.ndarray, _: pd.DataFrame) -> Path:
    np.save(path.with_suffix(".npy"), rows)
    return path.with_suffix(".npy")


def npy_mask(path: Path, rows: np.ndarray, table: pd.DataFrame) -> Path:
    return npy(path, np.isin(np.arange(len(table)), rows), table)


def txt(path: Path, rows: np.ndarray, _: pd.DataFrame) -> Path:
    np.savetxt(path.with_suffix(".txt"), rows, fmt="%d")
    return path.with_suffix(".txt")


def txt_mask(path: Path, rows: np.ndarray, table: pd.DataFrame) -> Path:
    return txt(path, np.isin(np.arange(len(table)), rows), table)


def csv(path: Path, rows: np.ndarray, table: pd.DataFrame) -> Path:
    table.iloc[rows].to_csv(path.with_suffix(".csv"), index=False)
    return path.with_suffix(".csv")


def tsv(path: Path, rows: np.ndarray, table: pd.DataFrame) -> Path:
    table.iloc[rows].to_csv(path.with_suffix(".tsv"), index=False, sep="\t")
    return path.with_suffix(".tsv")


@pytest.mark.parametrize(
    "write",
    [
        npy,
        npy_mask,
        txt,
        txt_mask,
        csv,
        tsv,
    ],
)
def test_a_split_is_read_from_files(
    write: Callable[[Path, np.ndarray, pd.DataFrame], Path], windows: Windows, table_file: Path, tmp_path: Path
) -> None:
    parts: dict[str, Any] = {
        "train": where(windows, subject=[0, 1]),
        "test": where(windows, subject=3),
        "validation": np.arange(40, 45),
    }
    paths = {name: write(tmp_path / name, rows, windows.table) for name, rows in parts.items()}
    ((table, train, test, validation),) = read_split(table_file, **paths)
    assert audit_split(table, train, test, validation, **CLEAN) == audit_split(windows, **parts, **CLEAN)
    ((table, train, test, validation),) = read_split(table_file, paths["train"], paths["test"])
    expected = audit_split(windows, parts["train"], parts["test"])
    assert audit_split(table, train, test, validation) == expected


def test_a_mask_of_ones_and_zeros_is_not_taken_for_row_numbers(windows: Windows) -> None:
    train = np.isin(np.arange(80), where(windows, subject=0)).astype(int)
    test = np.isin(np.arange(80), where(windows, subject=1)).astype(int)
    try:
        audit = audit_split(windows, train, test)
    except ConfigError:
        return
    assert audit == audit_split(windows, train.astype(bool), test.astype(bool))


def test_a_column_says_the_part_of_each_window(windows: Windows, tmp_path: Path) -> None:
    part = np.where(windows.table["subject"] == 3, "Test", np.where(windows.table["subject"] == 2, "val", " train "))
    windows.table.assign(part=part, n_times=4).to_csv(tmp_path / "windows.tsv", index=False, sep="\t")
    ((table, train, test, validation),) = read_split(tmp_path / "windows.tsv")
    parts = where(windows, subject=[0, 1]), where(windows, subject=3), where(windows, subject=2)
    assert audit_split(table, train, test, validation) == audit_split(windows, *parts)


def test_a_column_of_folds_makes_a_split_of_each(windows: Windows, tmp_path: Path) -> None:
    folds = []
    for subject in range(4):
        part = np.where(windows.table["subject"] == subject, "test", "train")
        folds.append(windows.table.assign(part=part, fold=f"without {subject}", n_times=4))
    pd.concat(folds).sample(frac=1, random_state=0).to_csv(tmp_path / "folds.csv", index=False)
    audits = [audit_split(*split) for split in read_split(tmp_path / "folds.csv")]
    assert [audit.closest for audit in audits] == ["subject"] * 4
    assert [(audit.n_train, audit.n_validation, audit.n_test) for audit in audits] == [(60, 0, 20)] * 4
    assert all(audit.leakage.shared_samples == 0 for audit in audits)


def read_and_audit(*paths: Path) -> list[Audit]:
    return [audit_split(*split) for split in read_split(*paths)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"windows\.csv: not a table \(No columns to parse"),
        ("subject,trial\n1,2\n1,2,3,4\n", r"windows\.csv: not a table \(Error tokenizing"),
        ("person,number\n1,2\n", r"windows\.csv: has none of the columns subject, trial, start, only person, number"),
        ("subject,trial,part\n1,2,train\n1,3,tests\n", r"part is 'tests' in a row; it must be one of train, training"),
        ("subject,trial,part\n1,2,train\n1,3,\n", "part is '?nan'? in a row"),
    ],
)
def test_a_broken_table_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "windows.csv"
    path.write_text(text)
    with pytest.raises(DataFormatError, match=message):
        read_and_audit(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("subject,trial\n1,2\n", r"with --train FILE and --test FILE, or with a column 'part' in windows\.csv"),
        ("subject,trial,part\n1,2,train\n1,3,train\n", "There are no windows in test"),
        ("subject,trial,part\n1,2,test\n1,3,validation\n", "There are no windows in train"),
    ],
)
def test_a_table_that_does_not_say_both_sides_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "windows.csv"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_and_audit(path)


@pytest.mark.parametrize(
    "text", ["subject,trial,part\n", "subject,trial,part,fold\n1,2,train,1\n1,3,test,1\n2,3,test,\n"]
)
def test_a_table_without_rows_or_with_a_fold_without_a_name_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "windows.csv"
    path.write_text(text)
    with pytest.raises(DataFormatError, match=r"windows\.csv"):
        read_and_audit(path)


def test_a_number_sign_in_a_name_is_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "windows.csv"
    path.write_text("subject,trial,part\nS#1,2,train\nS#2,3,test\n")
    (audit,) = read_and_audit(path)
    assert audit.leakage.subject == 0


@pytest.mark.parametrize("given", [(True, False, False), (False, True, False), (False, False, True)])
def test_half_a_split_is_refused(given: tuple[bool, ...], table_file: Path, tmp_path: Path) -> None:
    table = pd.read_csv(table_file).assign(part=["train"] * 40 + ["test"] * 40)
    table.to_csv(table_file, index=False)
    rows = txt(tmp_path / "rows", np.arange(3), table)
    with pytest.raises(ConfigError, match="Say what is train and what is test"):
        read_split(table_file, *(rows if one else None for one in given))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.txt", b"0\n1.5\n"),
        ("rows.txt", b"zero\n"),
        ("rows.txt", bytes(range(128, 256))),
        ("rows.npy", b""),
        ("rows.npy", b"\x93NUMPY cut"),
        ("rows.npy", b"\x80\x04\x95garbage"),
        ("rows.csv", b""),
        ("rows.csv", b"subject,trial\n\xff\xfe,1\n"),
    ],
)
def test_broken_row_numbers_are_refused(name: str, content: bytes, table_file: Path, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    test = txt(tmp_path / "test", np.arange(3), pd.DataFrame())
    with pytest.raises(DataFormatError, match=f"^{name}: not "):
        read_split(table_file, tmp_path / name, test)


class Hostile:
    """A pickle that would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_a_pickle_among_row_numbers_is_not_opened(table_file: Path, tmp_path: Path) -> None:
    trap = np.array([Hostile(tmp_path / "trapped")], dtype=object)
    np.save(tmp_path / "rows.npy", trap, allow_pickle=True)
    with pytest.raises(DataFormatError, match="Object arrays cannot be loaded"):
        read_split(table_file, tmp_path / "rows.npy", tmp_path / "rows.npy")
    assert not (tmp_path / "trapped").exists()
    np.load(tmp_path / "rows.npy", allow_pickle=True)
    assert (tmp_path / "trapped").exists()


def test_an_archive_is_not_taken_for_row_numbers(table_file: Path, tmp_path: Path) -> None:
    with (tmp_path / "rows.npy").open("wb") as file:
        np.savez(file, rows=np.arange(3))
    with pytest.raises(ValueError, match=r"row numbers"):
        read_and_audit(table_file, tmp_path / "rows.npy", tmp_path / "rows.npy")


def test_a_file_that_is_not_there_is_named(table_file: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing\.csv"):
        read_split(tmp_path / "missing.csv")
    with pytest.raises(FileNotFoundError, match=r"missing\.txt"):
        read_split(table_file, tmp_path / "missing.txt", tmp_path / "missing.txt")
