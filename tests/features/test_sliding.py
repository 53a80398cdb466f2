"""Sums and largest values over windows, and both runs of a filter, against a second way to compute them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from eegemo.features import sliding
from eegemo.features.sliding import pieces, window_maxima, window_mean_products, window_means, window_sums, window_views
from eegemo.features.zero_phase import filter_both_ways


def direct(values: np.ndarray, starts: np.ndarray, n_times: int) -> np.ndarray:
    """Cut each window out by itself; shape (..., n_starts, n_times)."""
    return np.stack([values[..., start : start + n_times] for start in starts], axis=-2)


def laid_out(values: np.ndarray, layout: str) -> np.ndarray:
    """Return the same signals, with samples of one channel or of one time as neighbours in memory."""
    return values if layout == "channels" else np.ascontiguousarray(values.T).T


@given(
    seed=st.integers(0, 1000),
    n_times=st.integers(1, 300),
    step=st.sampled_from([1, 3, 4, 8, 16, 24, 128, 200, 300]),
    n_starts=st.integers(1, 12),
    layout=st.sampled_from(["channels", "times"]),
)
@settings(max_examples=150, deadline=None)
def test_windows_are_combined_as_one_by_one(seed: int, n_times: int, step: int, n_starts: int, layout: str) -> None:
    rng = np.random.default_rng(seed)
    first = int(rng.integers(0, 20))
    starts = first + step * np.arange(n_starts)
    values = laid_out(rng.standard_normal((3, starts[-1] + n_times + int(rng.integers(0, 20)))), layout)
    windows = direct(values, starts, n_times)
    np.testing.assert_allclose(window_sums(values, starts, n_times), windows.sum(axis=-1), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(window_means(values, starts, n_times), windows.mean(axis=-1), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(window_maxima(values, starts, n_times), windows.max(axis=-1))
    products = (windows * direct(2 - values, starts, n_times)).mean(axis=-1)
    found = window_mean_products(values, 2 - values, starts, n_times)
    np.testing.assert_allclose(found, products, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(window_views(values[None], starts, n_times)[0].swapaxes(0, 1), windows)


@pytest.mark.parametrize("layout", ["channels", "times"])
def test_a_sum_does_not_depend_on_which_other_windows_there_are(layout: str) -> None:
    rng = np.random.default_rng(0)
    values = laid_out(rng.standard_normal((2, 2000)), layout)
    starts = np.arange(1800)
    for n_times in (127, 128, 200):
        every = window_sums(values, starts, n_times)
        for some in (starts[5::8], starts[384::128], np.sort(rng.choice(starts, 20)), starts[[7]]):
            np.testing.assert_array_equal(window_sums(values, some, n_times), every[:, some])


def test_what_lies_outside_a_window_does_not_matter_to_its_sum() -> None:
    """A running sum would keep the rounding of an artefact for ever."""
    values = np.ones((1, 4000))
    values[:, :1000] = 1e20
    assert window_sums(values, np.arange(1000, 3800, 8), 128).tolist() == [[128.0] * 350]


def test_a_window_of_no_samples_has_a_sum_of_0() -> None:
    for function in (window_sums, window_means):
        assert function(np.ones((2, 5)), np.arange(3), 0).tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize("step", [8, 128, 5000])
def test_pieces_hold_each_window_once(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sliding, "TOGETHER", 3 * 1000)
    signals = np.arange(3 * 20_000.0).reshape(1, 3, -1)
    starts = np.r_[np.arange(384, 15_000, step), 15_003, 19_000]
    found = list(pieces(signals, starts, 128))
    assert max(piece.shape[-1] for piece, _ in found) <= 1000 + 128
    together = np.concatenate([window_views(piece, places, 128) for piece, places in found], axis=1)
    np.testing.assert_array_equal(together, window_views(signals, starts, 128))


# Filters

FILTERS = {
    "theta": signal.butter(4, (4, 8), "bandpass", fs=128, output="sos"),
    "gamma": signal.butter(4, (30, 45), "bandpass", fs=128, output="sos"),
    "low": signal.butter(3, 30, "lowpass", fs=128, output="sos"),
    "high": signal.butter(2, 20, "highpass", fs=128, output="sos"),
    "first order": signal.butter(1, 20, "highpass", fs=128, output="sos"),
    "third order": signal.butter(3, (4, 30), "bandpass", fs=128, output="sos"),
    "narrow": signal.cheby1(2, 1, (9, 10), "bandpass", fs=128, output="sos"),
    "no memory": np.array([[0.25, 0.5, 0.25, 1.0, 0.0, 0.0]]),
}


@pytest.mark.parametrize("n_times", [1, 20, 128, 1600, 3000])
def test_both_runs_are_scipys_edges_included(n_times: int) -> None:
    rng = np.random.default_rng(n_times)
    signals = 20 + np.cumsum(rng.standard_normal((2, 3, n_times)), axis=-1)
    for (name, sections), passed in zip(
        FILTERS.items(), filter_both_ways(list(FILTERS.values()), signals), strict=True
    ):
        try:
            expected = signal.sosfiltfilt(sections, signals, axis=-1)
        except ValueError:  # the signal is too short for scipy's own run-up
            expected = signal.sosfiltfilt(sections, signals, axis=-1, padlen=n_times - 1)
        np.testing.assert_allclose(passed, expected, rtol=0, atol=1e-11 * np.abs(signals).max(), err_msg=name)


def test_long_signals_are_not_filtered_sample_by_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(signal, "sosfiltfilt", refuse)
    assert len(list(filter_both_ways(list(FILTERS.values())[:4], np.ones((1, 8064))))) == 4
    with pytest.raises(AssertionError):
        list(filter_both_ways([FILTERS["narrow"]], np.ones((1, 300))))


def test_a_constant_passes_as_the_filter_says() -> None:
    signals = np.full((1, 4000), 7.5)
    low, high = filter_both_ways([FILTERS["low"], FILTERS["high"]], signals)
    np.testing.assert_allclose(low, 7.5, rtol=1e-12)
    np.testing.assert_allclose(high, 0, atol=1e-12)
