"""The leakage record against counts over all pairs of windows."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eegemo import Leakage, Trials, Windows, leakage_record, make_splitter
from eegemo.evaluation.leakage import mean_leakage


def make_windows(table: pd.DataFrame, *, step: int) -> Windows:
    strip = np.zeros((int((table["start"] + table["n_times"]).max()), 1), np.float32)
    return Trials(strip, table, ("Cz",), 1.0, dataset="zeros", simulated=True).windows(4, step, unit="samples")


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


@settings(max_examples=150, deadline=None)
@given(seen_and_tested())
def test_the_record_is_the_count_over_all_pairs(data: tuple[Windows, np.ndarray, np.ndarray]) -> None:
    windows, seen, test = data
    table = windows.trials.table.iloc[windows.trial_index].reset_index(drop=True)
    samples = [set(range(start, start + windows.length)) for start in windows.starts]
    expected = {
        "shared_samples": np.mean([any(samples[t] & samples[s] for s in seen) for t in test]),
        "trial": np.mean([any(windows.trial_index[t] == windows.trial_index[s] for s in seen) for t in test]),
        "subject": np.mean([any(table["subject"][t] == table["subject"][s] for s in seen) for t in test]),
        "stimulus": np.mean([any(table["stimulus"][t] == table["stimulus"][s] for s in seen) for t in test]),
    }
    assert asdict(leakage_record(windows, seen, test)) == pytest.approx(expected)


def test_windows_that_touch_share_no_samples() -> None:
    windows = make_windows(trial_table(1), step=2)
    np.testing.assert_array_equal(windows.starts, [0, 2, 4, 6, 8])
    assert leakage_record(windows, np.array([0]), np.array([1, 2, 4])).shared_samples == pytest.approx(1 / 3)
    assert leakage_record(windows, np.array([4]), np.array([0, 2, 3])).shared_samples == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("protocol", "shares_samples", "trial", "subject", "stimulus"),
    [("window-random", True, 1, 1, 1), ("trial", False, 0, 1, 1), ("subject", False, 0, 0, 1)],
)
def test_what_leaks_under_a_protocol_when_windows_overlap_by_half(
    protocol: str, shares_samples: bool, trial: float, subject: float, stimulus: float
) -> None:
    table = trial_table(40, n_times=44, n_people=4, trial=np.arange(40) // 4, stimulus=np.arange(40) // 4)
    windows = make_windows(table, step=2)
    for train, validation, test in make_splitter(protocol, n_splits=4).split(windows):
        record = leakage_record(windows, np.append(train, validation), test)
        assert (record.shared_samples > 0.5) if shares_samples else (record.shared_samples == 0)
        assert (record.trial, record.subject, record.stimulus) == (trial, subject, stimulus)


def test_windows_at_random_leak_trials_even_where_they_do_not_overlap() -> None:
    windows = make_windows(trial_table(10, n_times=40), step=4)
    (split,) = make_splitter("window-random", n_splits=None).split(windows)
    record = leakage_record(windows, np.append(split[0], split[1]), split[2])
    assert (record.shared_samples, record.trial) == (0, 1)


@pytest.mark.parametrize("stimulus", [np.nan, pd.NA, [1.0, np.nan]], ids=["nan", "NA", "one missing"])
def test_stimuli_without_a_name_are_unknown_and_not_zero(stimulus: Any) -> None:
    windows = make_windows(trial_table(2, stimulus=stimulus), step=4)
    record = leakage_record(windows, np.array([0, 1, 2]), np.array([3, 4, 5]))
    assert math.isnan(record.stimulus)
    assert (record.shared_samples, record.trial, record.subject) == (0, 0, 1)


def test_a_record_reads_as_percentages() -> None:
    assert str(Leakage(0.25, 1.0, 0.0, math.nan)) == "shared samples 25%, trial 100%, subject 0%, stimulus unknown"


def test_a_small_leak_does_not_read_as_none() -> None:
    assert "trial 0%" not in str(Leakage(0.0, 0.001, 0.0, 0.0))


def test_the_mean_record_averages_each_share() -> None:
    mean = mean_leakage([Leakage(0.0, 0.5, 1.0, math.nan), Leakage(0.5, 1.0, 1.0, math.nan)])
    assert (mean.shared_samples, mean.trial, mean.subject) == (0.25, 0.75, 1.0)
    assert math.isnan(mean.stimulus)
