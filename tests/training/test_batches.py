"""Which windows make up an epoch, and in which batches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eegemo import DataFormatError, Trials, Windows
from eegemo.training import ArraySource, ShiftedWindows, Subset, WindowSource, draws
from eegemo.training.batches import even_batches


@given(n=st.integers(1, 50), batch_size=st.integers(1, 60), seed=st.integers(0, 5))
def test_batches_of_an_epoch_have_one_size_and_hold_every_number(n: int, batch_size: int, seed: int) -> None:
    batches = list(even_batches(np.arange(n) + 7, batch_size, np.random.default_rng(seed)))

    assert {len(batch) for batch in batches} == {min(n, batch_size)}
    seen = np.concatenate(batches)
    assert set(seen) == set(range(7, n + 7))
    assert len(seen) - n < min(n, batch_size)  # less than a batch is filled up


@given(weights=st.lists(st.integers(0, 5), min_size=1, max_size=30), seed=st.integers(0, 5))
def test_whole_weights_are_so_many_draws_and_leave_the_generator_alone(weights: list[int], seed: int) -> None:
    rng, untouched = np.random.default_rng(seed), np.random.default_rng(seed)

    drawn = draws(np.array(weights, float), rng)

    np.testing.assert_array_equal(drawn, np.repeat(np.arange(len(weights)), weights))
    assert rng.random() == untouched.random()


@given(weights=st.lists(st.floats(0, 4), min_size=1, max_size=30), seed=st.integers(0, 5))
def test_a_fraction_is_one_draw_more_or_none(weights: list[float], seed: int) -> None:
    counts = np.bincount(draws(np.array(weights), np.random.default_rng(seed)), minlength=len(weights))

    assert (counts >= np.floor(weights)).all()
    assert (counts <= np.ceil(weights)).all()


def test_sources_gather_time_major_and_a_subset_by_its_own_numbers(small_trials: Trials) -> None:
    windows = small_trials.windows(n_times=16)
    X = windows.to_numpy()
    index = np.array([5, 0, 5])

    for source in (WindowSource(windows), ArraySource(X)):
        np.testing.assert_array_equal(source.gather(index), X[index].transpose(0, 2, 1))
        some = Subset(source, np.array([9, 3, 3]))
        assert len(some) == 3
        np.testing.assert_array_equal(some.gather(np.array([2, 0])), X[[3, 9]].transpose(0, 2, 1))


def test_a_value_that_is_not_finite_is_refused_by_its_trial(small_trials: Trials) -> None:
    signals = small_trials.signals.copy()
    signals[144 * 9 + 20] = np.nan  # the tenth trial is the second of subject 2
    trials = Trials(signals, small_trials.table, ("F3", "F4"), 32.0, dataset="broken", simulated=True)

    with pytest.raises(DataFormatError, match="NaN or infinity in trial 2 of subject 2"):
        WindowSource(trials.windows(n_times=16)).gather(np.arange(100))


def spans(windows: Windows) -> list[set[int]]:
    """The samples of each trial that some windows hold."""
    return [
        {s for start in windows.starts[windows.trial_index == t] for s in range(start, start + windows.n_times)}
        for t in range(len(windows.trials))
    ]


@given(seed=st.integers(0, 1000), step=st.sampled_from([4, 8, 16]), share=st.floats(0.1, 1.0))
def test_windows_cut_anew_hold_no_sample_that_the_training_windows_do_not_hold(
    small_trials: Trials, seed: int, step: int, share: float
) -> None:
    rng = np.random.default_rng(seed)
    every = small_trials.windows(n_times=16, step=step)
    windows = every[rng.permutation(len(every))[: max(1, int(share * len(every)))]]
    held = spans(windows)

    source = ShiftedWindows(windows, windows.trial_index, np.random.default_rng(seed))
    index = rng.integers(0, len(windows), 40)
    starts = source.low[index] + ((source.high - source.low)[index] * rng.random(40)).astype(int)

    for number, start in zip(index, starts, strict=True):
        assert set(range(start, start + 16)) <= held[windows.trial_index[number]]
    strip = [small_trials.signals[start : start + 16].tobytes() for start in range(len(small_trials.signals) - 15)]
    for number, window in zip(index, source.gather(index), strict=True):
        assert source.low[number] <= strip.index(window.tobytes()) <= source.high[number]


def test_windows_of_whole_trials_are_cut_anew_at_any_sample_of_their_own(small_trials: Trials) -> None:
    windows = small_trials.windows(n_times=16)

    source = ShiftedWindows(windows, windows.trial_index, np.random.default_rng(0))

    # A trial is 16 samples of baseline, then 128: its windows start at sample 16 to 128 of it.
    first = 144 * windows.trial_index.astype(int) + 16
    np.testing.assert_array_equal(source.low, first)
    np.testing.assert_array_equal(source.high, first + 112)


def test_a_window_is_not_moved_into_a_neighbour_of_another_target_or_that_is_not_there(small_trials: Trials) -> None:
    windows = small_trials.windows(n_times=16)[[0, 1, 3, 4, 5]]  # starts 16, 32, 64, 80, 96 of the first trial

    source = ShiftedWindows(windows, np.array([0, 0, 0, 1, 1]), np.random.default_rng(0))

    np.testing.assert_array_equal(source.low, [16, 16, 64, 80, 80])
    np.testing.assert_array_equal(source.high, [32, 32, 64, 96, 96])


def test_batches_in_order_leave_the_generator_alone() -> None:
    rng, untouched = np.random.default_rng(0), np.random.default_rng(0)

    batches = list(even_batches(np.arange(7), 3, rng, shuffle=False))

    np.testing.assert_array_equal(batches, [[0, 1, 2], [3, 4, 5], [6, 0, 1]])
    assert rng.random() == untouched.random()
