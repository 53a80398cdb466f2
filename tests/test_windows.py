from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GroupKFold, cross_val_score, train_test_split

from eegemo import ConfigError, Trials, Windows


def strip_of(lengths: list[int], baselines: list[int], *, sfreq: float = 10.0, n_channels: int = 2) -> Trials:
    """Trials of one person whose every sample is another number."""
    number = np.arange(1, len(lengths) + 1)
    table = pd.DataFrame(
        {
            "subject": 1,
            "trial": number,
            "stimulus": number,
            "start": np.cumsum([0, *lengths[:-1]]),
            "n_times": lengths,
            "n_baseline": baselines,
        }
    )
    signals = np.arange(sum(lengths) * n_channels, dtype=np.float32).reshape(-1, n_channels)
    return Trials(signals, table, tuple(f"C{i + 1}" for i in range(n_channels)), sfreq, "counting", simulated=True)


@st.composite
def cuts(draw: st.DrawFn) -> tuple[Trials, int, int]:
    """Trials of several lengths with their baselines, and a window that fits into all of them."""
    lengths = draw(st.lists(st.integers(5, 40), min_size=1, max_size=5))
    baselines = [draw(st.integers(0, length - 1)) for length in lengths]
    usable = min(n - b for n, b in zip(lengths, baselines, strict=True))
    length = draw(st.integers(1, usable))
    return strip_of(lengths, baselines), length, draw(st.integers(1, length))


@settings(max_examples=80, deadline=None)
@given(cuts())
def test_windows_are_all_the_whole_slices_after_the_baseline(case: tuple[Trials, int, int]) -> None:
    trials, length, step = case
    windows = trials.windows(n_times=length, step=step)
    expected, owner = [], []
    for row, (start, n_times, n_baseline) in enumerate(
        trials.table[["start", "n_times", "n_baseline"]].to_numpy(int).tolist()
    ):
        first, end = start + n_baseline, start + n_times
        while first + length <= end:
            expected.append(trials.signals[first : first + length])
            owner.append(row)
            first += step
    assert windows.trial_index.tolist() == owner
    assert_array_equal(windows.gather(), expected)
    assert_array_equal(windows.to_numpy(), np.stack(expected).transpose(0, 2, 1))


@settings(max_examples=50, deadline=None)
@given(cuts(), st.integers(1, 30), st.none() | st.integers(0, 5))
def test_batches_cover_each_window_once(case: tuple[Trials, int, int], batch_size: int, seed: int | None) -> None:
    trials, length, step = case
    windows = trials.windows(n_times=length, step=step)
    rng = None if seed is None else np.random.default_rng(seed)
    seen = []
    for numbers, batch in windows.batches(batch_size, random_state=rng):
        assert len(numbers) <= batch_size
        assert_array_equal(batch, [trials.signals[s : s + length] for s in windows.starts[numbers]])
        seen.extend(numbers.tolist())
    assert sorted(seen) == list(range(len(windows)))
    if seed is None:
        assert seen == sorted(seen)


@settings(max_examples=40, deadline=None)
@given(cuts(), st.data())
def test_gathering_some_windows_is_gathering_all_and_taking_them(
    case: tuple[Trials, int, int], data: st.DataObject
) -> None:
    trials, length, step = case
    windows = trials.windows(n_times=length, step=step)
    index = np.array(data.draw(st.lists(st.integers(0, len(windows) - 1), max_size=10)), dtype=int)
    assert_array_equal(windows.gather(index), windows.gather()[index])
    assert_array_equal(windows[index].to_numpy(), windows.to_numpy()[index])


def test_the_same_generator_gives_the_same_order() -> None:
    windows = strip_of([200], [0]).windows(1.0)
    orders = [
        [n.tolist() for n, _ in windows.batches(7, random_state=np.random.default_rng(seed))] for seed in (3, 3, 4)
    ]
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]


@pytest.mark.parametrize("batch_size", [0, -1])
def test_a_batch_that_holds_no_window_is_refused(batch_size: int) -> None:
    with pytest.raises(ConfigError, match="batch_size"):
        list(strip_of([20], [0]).windows(1.0).batches(batch_size))


@pytest.mark.parametrize("step", [1.0, 0.5, 0.1])
def test_a_window_costs_twelve_bytes_whatever_the_overlap(step: float) -> None:
    windows = strip_of([630] * 4, [30] * 4).windows(1.0, step)
    assert len(windows) == 4 * (int(59 / step + 0.5) + 1)
    assert windows.starts.nbytes + windows.trial_index.nbytes == 12 * len(windows)
    assert windows.starts.dtype == np.int64


def test_a_minute_after_three_seconds_of_baseline_is_sixty_windows_of_a_second() -> None:
    windows = strip_of([8064, 8064], [384, 384], sfreq=128.0).windows()
    assert windows.shape == (120, 2, 128)
    assert windows.starts[[0, 1, 59, 60]].tolist() == [384, 512, 384 + 59 * 128, 8064 + 384]


def test_the_last_incomplete_window_is_dropped() -> None:
    assert strip_of([29], [0]).windows(1.0).starts.tolist() == [0, 10]
    assert strip_of([30], [0]).windows(1.0).starts.tolist() == [0, 10, 20]


def test_the_baseline_is_never_windowed_nor_is_a_border_between_trials() -> None:
    windows = strip_of([9, 9], [4, 4]).windows(n_times=2, step=1)
    assert windows.starts.tolist() == [4, 5, 6, 7, 13, 14, 15, 16]


def test_seconds_and_samples_name_the_same_windows() -> None:
    trials = strip_of([60, 60], [10, 0])
    assert trials.windows(0.8, 0.3).starts.tolist() == trials.windows(n_times=8, step=3).starts.tolist()


def test_a_whole_number_of_samples_may_be_a_rounded_number_of_seconds() -> None:
    trials = strip_of([300], [0], sfreq=100.0)
    assert trials.windows(0.29, 0.07).n_times == 29  # 0.29 * 100 is 28.999999999999996


def test_a_window_as_long_as_the_trial_is_one_window() -> None:
    assert len(strip_of([15, 15], [5, 5]).windows(1.0)) == 2


@pytest.mark.parametrize(
    ("cut", "message"),
    [
        ({"duration": 2.0}, "window of 20 samples is longer than trial 2 of subject 1, which has 12 after its"),
        ({"duration": 1.0, "step": 0.0}, "step must be positive"),
        ({"duration": 1.0, "step": -0.5}, "step must be positive"),
        ({"duration": 1.0, "step": 1.1}, "no longer than a window"),
        ({"duration": 0.0, "step": 0.0}, "a sample at least"),
        ({"duration": 0.55, "step": 0.5}, r"whole samples, but duration=0\.55 s at 10 Hz is 5\.5 samples"),
        ({"duration": 1.0, "step": 0.25}, r"step=0\.25 s at 10 Hz is 2\.5 samples"),
        ({"n_times": 4.5}, r"whole samples, but n_times=4\.5"),
        ({"n_times": 4, "step": 0.5}, r"whole samples, but step=0\.5"),
        ({"duration": float("nan")}, "duration must be a number, got nan"),
        ({"duration": float("inf")}, "duration must be a number, got inf"),
        ({"duration": 1.0, "n_times": 10}, "duration, in seconds, or n_times, in samples, not both"),
        ({"step": 1.0, "overlap": 0.0}, "step or overlap, not both"),
        ({"duration": 1.0, "overlap": 1.0}, "step must be positive"),
        ({"duration": 1.0, "overlap": -0.1}, "no longer than a window"),
        ({"length": 1.0}, r"Unknown parameter 'length' of Trials.windows\. Did you mean 'duration'\?"),
        ({"overlapp": 1.0}, r"Did you mean 'overlap'\?"),
    ],
)
def test_windows_that_cannot_be_cut_are_refused(cut: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        strip_of([30, 15], [3, 3]).windows(**cut)


def test_neighbours_follow_each_other_where_no_step_is_given() -> None:
    assert strip_of([60], [0]).windows(2.0).starts.tolist() == [0, 20, 40]
    assert strip_of([60], [0]).windows(n_times=30).starts.tolist() == [0, 30]


def test_an_overlap_is_what_a_step_leaves() -> None:
    trials = strip_of([60, 60], [10, 0])
    assert trials.windows(0.8, overlap=0.5).starts.tolist() == trials.windows(0.8, 0.3).starts.tolist()
    assert trials.windows(n_times=8, overlap=5).starts.tolist() == trials.windows(0.8, 0.3).starts.tolist()


def test_windows_say_what_their_trials_say() -> None:
    windows = strip_of([60], [0]).windows(n_times=7)
    assert (windows.n_times, windows.sfreq, windows.ch_names) == (7, 10.0, ("C1", "C2"))


def test_no_trials_give_no_windows() -> None:
    trials = strip_of([30, 30], [0, 0])
    windows = trials.select([False, False]).windows(1.0)
    assert windows.shape == (0, 2, 10)
    assert windows.to_numpy().shape == (0, 2, 10)
    assert list(windows.batches(4)) == []


def test_trials_in_another_order_than_the_strip_keep_their_own_windows() -> None:
    trials = strip_of([20, 30], [0, 10])
    assert trials.select([1, 0]).windows(1.0).starts.tolist() == [30, 40, 0, 10]


def test_numpy_takes_windows_channel_first() -> None:
    windows = strip_of([4], [0]).windows(n_times=2, step=2)
    expected = [[[0, 2], [1, 3]], [[4, 6], [5, 7]]]
    X = np.asarray(windows)
    assert_array_equal(X, expected)
    assert X.shape == windows.shape
    assert X.dtype == windows.dtype == np.float32
    assert X.flags.c_contiguous
    assert np.asarray(windows, dtype=np.float64).dtype == np.float64
    with pytest.raises(ValueError, match="have to be copied"):
        np.asarray(windows, copy=False)


def test_a_gathered_batch_belongs_to_whoever_asked() -> None:
    windows = strip_of([4], [0]).windows(n_times=2, step=1)
    batch = windows.gather()
    batch[0] = 99
    assert windows.trials.signals[1].tolist() == [2, 3]
    assert batch[1, 0].tolist() == [2, 3]


def test_windows_read_a_strip_that_is_a_view_of_some_channels() -> None:
    whole = strip_of([30], [0], n_channels=4)
    view = Trials(whole.signals[:, ::2], whole.table, ("C1", "C3"), 10.0, "counting", simulated=True)
    assert_array_equal(view.windows(1.0, 0.5).to_numpy(), whole.windows(1.0, 0.5).to_numpy()[:, ::2])


@pytest.mark.parametrize(
    ("key", "numbers"),
    [
        (2, [2]),
        (np.int64(-1), [5]),
        (slice(1, 4), [1, 2, 3]),
        ([4, 0], [4, 0]),
        (np.array([True, False, False, False, False, True]), [0, 5]),
        ((slice(4, None), Ellipsis), [4, 5]),
    ],
)
def test_indexing_gives_fewer_windows(key: Any, numbers: list[int]) -> None:
    windows = strip_of([30, 30], [0, 0]).windows(1.0)
    assert isinstance(windows[key], Windows)
    assert windows[key].starts.tolist() == windows.starts[numbers].tolist()
    assert windows[key].groups.tolist() == windows.groups[numbers].tolist()


@pytest.mark.parametrize("key", [(0, 1), (slice(None), 0, 0)])
def test_channels_and_samples_cannot_be_indexed(key: Any) -> None:
    with pytest.raises(IndexError, match="indexed by window alone"):
        strip_of([30], [0]).windows(1.0)[key]


def test_a_window_that_is_not_there_is_an_index_error() -> None:
    with pytest.raises(IndexError):
        strip_of([30], [0]).windows(1.0)[3]


def test_the_table_has_a_row_a_window() -> None:
    table = strip_of([20, 15], [0, 5]).windows(1.0).table
    assert table.to_dict("list") == {
        "subject": [1, 1, 1],
        "trial": [1, 1, 2],
        "stimulus": [1, 1, 2],
        "start": [0, 10, 25],
    }


def test_windows_are_grouped_by_the_units_of_their_trials() -> None:
    trials = strip_of([20, 15, 10, 10], [0, 5, 0, 0])
    windows = trials.windows(1.0)
    assert windows.groups is windows.trial_index
    shared = trials._replaced(table=trials.table.assign(unit=pd.Series(["a", None, "a", "b"]))).windows(1.0)
    assert shared.trial_index.tolist() == windows.groups.tolist() == [0, 0, 1, 2, 3]
    assert shared.groups.tolist() == [0, 0, 1, 0, 2]
    assert shared[1:].groups.tolist() == [0, 1, 0, 2]
    assert list(shared.table) == ["subject", "trial", "stimulus", "unit", "start"]
    assert shared.table["unit"].dropna().tolist() == ["a", "a", "a", "b"]


def test_every_window_has_the_value_of_its_trial() -> None:
    windows = strip_of([20, 15], [0, 5]).windows(1.0)
    assert windows.expand(np.array(["a", "b"])).tolist() == ["a", "a", "b"]


@pytest.mark.parametrize("n_values", [1, 3])
def test_values_of_other_trials_are_refused(n_values: int) -> None:
    windows = strip_of([20, 20], [0, 0]).windows(1.0)
    with pytest.raises(ValueError, match="2 trials"):
        windows.expand(np.arange(n_values))


class RoundedMean(ClassifierMixin, BaseEstimator):
    """Knows the class of a window whose every sample is its class."""

    def fit(self, X: Windows, y: np.ndarray) -> RoundedMean:
        assert isinstance(X, Windows)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Windows) -> np.ndarray:
        return np.asarray(X).mean(axis=(1, 2)).round().astype(int)


@pytest.fixture
def telling() -> tuple[Windows, np.ndarray]:
    """Windows of six trials whose samples are the trial's class."""
    trials = strip_of([30] * 6, [0] * 6)
    classes = np.array([0, 1, 0, 1, 1, 0])
    signals = np.repeat(classes, 30)[:, None].repeat(2, axis=1).astype(np.float32)
    windows = Trials(signals, trials.table, trials.ch_names, 10.0, "telling", simulated=True).windows(1.0, 0.5)
    return windows, windows.expand(classes)


def test_scikit_learn_splits_windows_like_an_array(telling: tuple[Windows, np.ndarray]) -> None:
    windows, y = telling
    train, test, y_train, y_test = train_test_split(windows, y, test_size=10, stratify=y, random_state=0)
    assert isinstance(train, Windows)
    assert (len(train), len(test)) == (20, 10)
    assert set(train.starts) | set(test.starts) == set(windows.starts)
    assert_array_equal(np.asarray(test).mean(axis=(1, 2)), y_test)
    assert_array_equal(np.asarray(train).mean(axis=(1, 2)), y_train)


def test_scikit_learn_cross_validates_over_windows(telling: tuple[Windows, np.ndarray]) -> None:
    windows, y = telling
    scores = cross_val_score(RoundedMean(), windows, y, cv=GroupKFold(3), groups=windows.groups, error_score="raise")
    assert scores.tolist() == [1, 1, 1]


def test_the_text_of_the_object_says_how_long_a_window_is() -> None:
    windows = strip_of([30], [0]).windows(0.5, 0.5)
    assert repr(windows).startswith("<Windows | 6 of 5 samples (0.5 s) over <Trials | counting")
