"""The leakage record against counts over all pairs of windows."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eegemo import Leakage, Trials, Windows, leakage_record, make_splitter
from eegemo.evaluation.leakage import mean_leakage, percent, verdict
from eegemo.evaluation.protocols import PROTOCOLS
from eegemo.trials import FITTED_ON_ALL
from toy_trials import make_trials


def make_windows(table: pd.DataFrame, *, step: int) -> Windows:
    return make_trials(table).windows(n_times=4, step=step)


def trial_table(n_trials: int, *, n_times: int = 12, n_people: int = 1, **columns: Any) -> pd.DataFrame:
    number = np.arange(n_trials)
    table = pd.DataFrame({"subject": number % n_people, "trial": number, "stimulus": number, "start": number * n_times})
    return table.assign(**{"n_times": n_times, "n_baseline": 0, **columns})


@st.composite
def seen_and_tested(draw: st.DrawFn) -> tuple[Windows, np.ndarray, np.ndarray]:
    """Any windows on either side, over trials that may even overlap in the strip."""
    n = draw(st.integers(1, 6))
    few = st.lists(st.integers(0, 3), min_size=n, max_size=n)
    table = trial_table(n, n_times=draw(st.integers(4, 12)), subject=draw(few), stimulus=draw(few))
    table["start"] = draw(st.lists(st.integers(0, 40), min_size=n, max_size=n))
    windows = make_windows(table, step=draw(st.integers(1, 4)))
    numbers = st.integers(0, len(windows) - 1)
    return windows, np.array(draw(st.lists(numbers)), int), np.array(draw(st.lists(numbers, min_size=1)), int)


def counted(windows: Windows, seen: np.ndarray, test: np.ndarray) -> dict[str, float]:
    """Count what test windows share with seen ones, pair by pair and sample by sample."""
    table = windows.trials.table.iloc[windows.trial_index].reset_index(drop=True)
    samples = [set(range(start, start + windows.n_times)) for start in windows.starts]

    def share(key: list[Any]) -> float:
        return float(np.mean([any(key[t] == key[s] for s in seen) for t in test]))

    sessions = (
        {"session": share(list(zip(table["subject"], table["session"], strict=True)))} if "session" in table else {}
    )
    return sessions | {
        "shared_samples": float(np.mean([any(samples[t] & samples[s] for s in seen) for t in test])),
        "trial": share(list(zip(table["subject"], table["trial"], strict=True))),
        "subject": share(table["subject"].tolist()),
        "stimulus": share(table["stimulus"].tolist()),
    }


@settings(max_examples=150, deadline=None)
@given(seen_and_tested())
def test_the_record_is_the_count_over_all_pairs(data: tuple[Windows, np.ndarray, np.ndarray]) -> None:
    windows, seen, test = data
    record = leakage_record(windows, seen, test)
    assert record.shares == pytest.approx(counted(windows, seen, test))
    assert (record.fitted_on_test, record.chosen_by_test) == ((), ())


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("n_splits", [None, 2])
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_the_record_of_a_fold_is_the_count_over_all_pairs(
    protocol: str, n_splits: int | None, data: st.DataObject
) -> None:
    """Four people, five stimuli; under the protocols that allow it some of them repeated or not seen."""
    table = pd.DataFrame(list(product(range(4), range(5))), columns=["subject", "trial"])
    table = table.assign(stimulus=table["trial"], n_baseline=data.draw(st.integers(0, 3)), start=0)
    if protocol == "session":
        table["session"] = table["trial"] % 4
    if protocol == "dataset":
        table["dataset"] = table["subject"] % 2
    if protocol in ("window-random", "trial", "subject"):
        table["stimulus"] = data.draw(st.lists(st.integers(0, 6), min_size=20, max_size=20))
    table["n_times"] = np.array(data.draw(st.lists(st.integers(4, 9), min_size=20, max_size=20))) + table["n_baseline"]
    table["start"] = table["n_times"].cumsum() - table["n_times"]
    windows = make_windows(table, step=data.draw(st.integers(1, 4)))
    splitter = make_splitter(protocol, n_splits=n_splits, random_state=data.draw(st.integers(0, 99)))
    for train, validation, test in splitter.triples(windows):
        seen = np.append(train, validation)
        record = leakage_record(windows, seen, test)
        assert record.shares == pytest.approx(counted(windows, seen, test))


def test_windows_that_touch_share_no_samples() -> None:
    windows = make_windows(trial_table(1), step=2)
    np.testing.assert_array_equal(windows.starts, [0, 2, 4, 6, 8])
    assert leakage_record(windows, np.array([0]), np.array([1, 2, 4])).shared_samples == pytest.approx(1 / 3)
    assert leakage_record(windows, np.array([4]), np.array([0, 2, 3])).shared_samples == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("protocol", "shares_samples", "trial", "subject", "stimulus"),
    [
        ("window-random", True, 1, 1, 1),
        ("trial", False, 0, 1, 1),
        ("subject", False, 0, 0, 1),
        ("stimulus", False, 0, 1, 0),
        ("subject-stimulus", False, 0, 0, 0),
    ],
)
def test_what_leaks_under_a_protocol_when_windows_overlap_by_half(
    protocol: str, shares_samples: bool, trial: float, subject: float, stimulus: float
) -> None:
    table = trial_table(40, n_times=44, n_people=4, trial=np.arange(40) // 4, stimulus=np.arange(40) // 4)
    windows = make_windows(table, step=2)
    for train, validation, test in make_splitter(protocol, n_splits=4).triples(windows):
        record = leakage_record(windows, np.append(train, validation), test)
        assert (record.shared_samples > 0.5) if shares_samples else (record.shared_samples == 0)
        assert (record.trial, record.subject, record.stimulus) == (trial, subject, stimulus)


def test_windows_at_random_leak_trials_even_where_they_do_not_overlap() -> None:
    windows = make_windows(trial_table(10, n_times=40), step=4)
    (split,) = make_splitter("window-random", n_splits=None).triples(windows)
    record = leakage_record(windows, np.append(split[0], split[1]), split[2])
    assert (record.shared_samples, record.trial) == (0, 1)


@pytest.mark.parametrize("stimulus", [np.nan, pd.NA, [1.0, np.nan]], ids=["nan", "NA", "one missing"])
def test_stimuli_without_a_name_are_unknown_and_not_zero(stimulus: Any) -> None:
    windows = make_windows(trial_table(2, stimulus=stimulus), step=4)
    record = leakage_record(windows, np.array([0, 1, 2]), np.array([3, 4, 5]))
    assert math.isnan(record.stimulus)
    assert (record.shared_samples, record.trial, record.subject) == (0, 0, 1)


def test_trials_of_a_strip_that_overlap_share_samples_though_no_trial_is_shared() -> None:
    """The second trial begins two samples before the first one ends."""
    windows = make_windows(trial_table(2, n_times=8, start=[0, 6]), step=4)
    np.testing.assert_array_equal(windows.starts, [0, 4, 6, 10])
    record = leakage_record(windows, np.array([0, 1]), np.array([2, 3]))
    assert (record.shared_samples, record.trial) == (0.5, 0)


def test_what_the_provenance_calls_fitted_on_all_trials_is_in_the_record() -> None:
    plain = trial_table(2)
    trials = Trials(
        np.zeros((24, 1), np.float32),
        plain,
        ("Cz",),
        1.0,
        dataset="zeros",
        simulated=True,
        provenance={FITTED_ON_ALL: ["a PCA", "a scaler"]},
    )
    windows = trials.select([0, 1]).windows(n_times=4, step=4)
    record = leakage_record(windows, np.array([0]), np.array([4]))
    assert (record.fitted_on_test, record.chosen_by_test) == (("a PCA", "a scaler"), ())


def test_a_stimulus_that_is_missing_outside_the_split_does_not_matter() -> None:
    windows = make_windows(trial_table(3, stimulus=[1.0, 2.0, np.nan]), step=4)
    assert leakage_record(windows, np.array([0, 1, 2]), np.array([3, 4, 5])).stimulus == 0


# What a record says


def test_a_record_reads_as_percentages() -> None:
    assert str(Leakage(0.25, 1.0, 0.0, math.nan)) == (
        "shared samples 25%, trial 100%, subject 0%, stimulus unknown; nothing fitted on test data or chosen by them"
    )


@pytest.mark.parametrize(
    ("fitted", "chosen", "expected"),
    [
        ((), (), "nothing fitted on test data or chosen by them"),
        (("PCA", "scaler"), (), "fitted on test data: PCA, scaler, nothing chosen by test data"),
        ((), ("the epoch",), "nothing fitted on test data, chosen by test data: the epoch"),
        (None, None, "not known what was fitted on test data, not known what was chosen by test data"),
        (("PCA",), None, "fitted on test data: PCA, not known what was chosen by test data"),
    ],
)
def test_a_record_tells_what_test_data_were_used_for(
    fitted: tuple[str, ...] | None, chosen: tuple[str, ...] | None, expected: str
) -> None:
    record = Leakage(0, 0, 0, 0, fitted, chosen)
    assert record.use_of_test_data == expected
    assert str(record).endswith(f"; {expected}")


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0%"),
        (1e-9, "<1%"),
        (0.0099, "<1%"),
        (0.01, "1%"),
        (0.374, "37%"),
        (0.99, "99%"),
        (0.9901, ">99%"),
        (1 - 1e-9, ">99%"),
        (1, "100%"),
        (math.nan, "unknown"),
    ],
)
def test_neither_a_small_leak_nor_a_small_rest_is_rounded_away(share: float, text: str) -> None:
    assert percent(share) == text


def test_a_small_leak_does_not_read_as_none() -> None:
    assert "trial 0%" not in str(Leakage(0.0, 0.001, 0.0, 0.0))


def test_the_mean_record_averages_each_share() -> None:
    mean = mean_leakage([Leakage(0.0, 0.5, 1.0, math.nan), Leakage(0.5, 1.0, 1.0, math.nan)])
    assert (mean.shared_samples, mean.trial, mean.subject) == (0.25, 0.75, 1.0)
    assert math.isnan(mean.stimulus)


def test_a_share_that_is_not_known_in_one_fold_is_not_known_in_the_mean() -> None:
    assert math.isnan(mean_leakage([Leakage(0, 0, 0, 0), Leakage(0, math.nan, 0, 0)]).trial)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [((), (), ()), (("PCA",), (), ("PCA",)), (("PCA", "a"), ("a", "b"), ("PCA", "a", "b")), (("PCA",), None, None)],
)
def test_the_mean_record_names_once_whatever_was_done_in_any_fold(
    first: tuple[str, ...], second: tuple[str, ...] | None, expected: tuple[str, ...] | None
) -> None:
    fitted = mean_leakage([Leakage(0, 0, 0, 0, fitted_on_test=first), Leakage(0, 0, 0, 0, fitted_on_test=second)])
    assert (fitted.fitted_on_test, fitted.chosen_by_test) == (expected, ())
    chosen = mean_leakage([Leakage(0, 0, 0, 0, chosen_by_test=first), Leakage(0, 0, 0, 0, chosen_by_test=second)])
    assert (chosen.fitted_on_test, chosen.chosen_by_test) == ((), expected)


# The verdict

NAN = math.nan
STIMULUS = "a model that recognises the stimulus"
PERSON = "compare with the majority of the subject"
NOT_SHOWN = "The split alone does not show whether"


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (Leakage(0, 0, 1, 1), "it tests new trials of people whom training knew, with stimuli that training knew."),
        (Leakage(0, 0, 0, 1), "it tests new trials of new people, with stimuli that training knew."),
        (Leakage(0, 0, 1, 0), "it tests new trials of people whom training knew, with new stimuli."),
        (Leakage(0, 0, 0, 0), "it tests new trials of new people, with new stimuli."),
        (Leakage(0, 0, 0.5, 0.01), "new trials of people some of whom training knew, with stimuli some of which"),
        (Leakage(NAN, 0, NAN, NAN), "of whom it is not known whether training knew them, with stimuli of which it is"),
    ],
)
def test_where_no_trial_is_shared_the_verdict_says_who_and_what_is_new(record: Leakage, expected: str) -> None:
    text = verdict(record)
    assert text.startswith("No test window shares its trial with training: ")
    assert expected in text
    assert "LEAKS" not in text
    assert "TRANSDUCTIVE" not in text
    assert NOT_SHOWN not in text


@pytest.mark.parametrize(("subject", "stimulus"), list(product((0, 0.2, 1, NAN), repeat=2)))
def test_a_known_stimulus_or_person_is_set_against_its_baseline(subject: float, stimulus: float) -> None:
    text = verdict(Leakage(0, 0, subject, stimulus))
    assert (STIMULUS in text) == (stimulus > 0)
    assert (PERSON in text) == (subject > 0)
    assert ("20% of the test windows show a stimulus" in text) == (stimulus == 0.2)
    assert ("20% come from a person" in text) == (subject == 0.2)


@pytest.mark.parametrize("trial", [0.3, 1.0])
def test_a_shared_trial_leaks_and_nothing_else_is_said_to_be_tested(trial: float) -> None:
    text = verdict(Leakage(0, trial, 1, 1))
    assert text.startswith(f"LEAKS: {trial:.0%} of the test windows come from a trial that training")
    assert "raw samples" not in text
    assert "it tests" not in text


def test_shared_samples_are_named_beside_the_shared_trial() -> None:
    text = verdict(Leakage(0.25, 1, 1, 1))
    assert text.startswith("LEAKS: 100% of the test windows come from a trial")
    assert "25% of the test windows hold raw samples" in text


def test_shared_samples_of_different_trials_leak_too() -> None:
    text = verdict(Leakage(0.5, 0, 0, 0))
    assert text.startswith(
        "LEAKS: test windows share raw samples with training, though their trials are called others."
    )
    assert "50% of the test windows hold raw samples" in text


def test_of_trials_that_are_not_known_it_is_not_said_that_they_are_others() -> None:
    text = verdict(Leakage(0.5, NAN, 1, 1))
    assert text.startswith("LEAKS:")
    assert "called others" not in text


def test_a_model_that_was_chosen_by_test_data_leaks_under_any_split() -> None:
    text = verdict(Leakage(0, 0, 0, 0, chosen_by_test=("the epoch",)))
    assert text.startswith("LEAKS: the model was chosen by the data it is tested on")
    leaky = verdict(Leakage(0, 1, 1, 1, chosen_by_test=("the epoch",)))
    assert leaky.startswith("LEAKS: 100% of the test windows come from a trial")
    assert leaky.endswith("Chosen by test data: the epoch.")


def test_what_was_chosen_by_test_data_is_named() -> None:
    assert "the epoch" in verdict(Leakage(0, 0, 0, 0, chosen_by_test=("the epoch",)))


def test_unknown_trials_are_not_taken_for_new_ones() -> None:
    text = verdict(Leakage(NAN, NAN, 1, 1))
    assert text.startswith("NOT KNOWN: the split does not say which windows belong to one trial")
    assert "it tests" not in text


def test_a_step_that_saw_test_data_is_called_transductive_under_its_name() -> None:
    text = verdict(Leakage(0, 0, 0, 1, fitted_on_test=("a z-score",)))
    assert text.startswith("No test window shares its trial")
    assert "TRANSDUCTIVE: a z-score was fitted on test data" in text


def test_a_step_that_may_have_seen_labels_is_not_said_to_have_seen_none() -> None:
    text = verdict(Leakage(0, 0, 0, 0, fitted_on_test=("selection of features by their class",)))
    assert "(no labels)" not in text


@pytest.mark.parametrize(("fitted", "chosen"), [(None, ()), ((), None), (None, None)])
def test_what_a_split_does_not_show_is_asked_for(
    fitted: tuple[str, ...] | None, chosen: tuple[str, ...] | None
) -> None:
    assert NOT_SHOWN in verdict(Leakage(0, 0, 0, 0, fitted, chosen))
