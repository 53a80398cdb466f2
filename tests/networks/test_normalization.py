"""The normalisation layer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras.ops import convert_to_numpy as as_numpy

from eegemo.errors import ConfigError
from eegemo.networks.normalization import METHODS, OVER, ChannelNormalization


def numpy_normalised(x: np.ndarray, method: str) -> np.ndarray:
    """Normalise each window and channel in float64, to -1 .. 1 by min-max."""
    x = x.astype(np.float64)
    if "zscore" in method:
        x = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
    if "minmax" in method:
        low, high = x.min(axis=1, keepdims=True), x.max(axis=1, keepdims=True)
        x = -1 + 2 * (x - low) / (high - low)
    return x


def normalised_by_sorting(x: np.ndarray, method: str, like: np.ndarray) -> np.ndarray:
    """Normalise ``x`` by sorted samples of ``like``, all but the last axis together; 10,001 hit the quantiles."""
    ordered = np.sort(like.reshape(-1, like.shape[-1]).astype(np.float64), axis=0)
    assert len(ordered) == 10_001
    if method == "zscore":
        return ((x - ordered[5000]) / ((ordered[8413] - ordered[1587]) / 2)).clip(-11, 11)
    low, high = ordered[100], ordered[9900]
    return (-1 + 2 * (x - low) / (high - low)).clip(-5, 5)


def windows(n: int, *, offset: float = 0.0, seed: int = 0) -> np.ndarray:
    """Return windows of 50 samples and three channels of different scales."""
    noise = np.random.default_rng(seed).standard_normal((n, 50, 3))
    return (offset + noise * [1.0, 20.0, 300.0]).astype(np.float32)


def adapted(method: str, batches: list[np.ndarray]) -> ChannelNormalization:
    layer = ChannelNormalization(method, "training")
    layer.build((None, *batches[0].shape[1:]))
    layer.adapt(batches)
    return layer


@pytest.mark.parametrize("method", METHODS)
def test_over_a_window_each_channel_of_each_window_is_normalised_by_itself(method: str) -> None:
    x = windows(5)

    result = as_numpy(ChannelNormalization(method, "window")(x))

    np.testing.assert_allclose(result, numpy_normalised(x, method), atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_over_the_training_data_each_channel_is_normalised_by_quantiles_of_all_training_samples(method: str) -> None:
    training = np.random.default_rng(0).standard_normal((73, 137, 3)).astype(np.float32) * [1.0, 20.0, 300.0]
    new = 3 * windows(4, seed=1) + 7

    layer = adapted(method, [training[:2], training[2:3], training[3:]])

    np.testing.assert_allclose(as_numpy(layer(training)), normalised_by_sorting(training, method, training), atol=1e-5)
    np.testing.assert_allclose(as_numpy(layer(new)), normalised_by_sorting(new, method, training), rtol=1e-5, atol=1e-4)


def test_for_normal_values_the_robust_zscore_is_the_zscore() -> None:
    x = np.random.default_rng(0).normal(5, 3, (500, 128, 2)).astype(np.float32)

    np.testing.assert_allclose(as_numpy(adapted("zscore", [x])(x)), (x - 5) / 3, atol=0.04)


@pytest.mark.parametrize("method", METHODS)
def test_one_artefact_moves_the_rest_by_next_to_nothing_and_is_cut_off(method: str) -> None:
    x = np.random.default_rng(0).standard_normal((100, 50, 2)).astype(np.float32)
    clean = as_numpy(adapted(method, [x])(x))
    popped = x.copy()
    popped[7, 3, 0] = 5000.0

    result = as_numpy(adapted(method, [popped])(popped))

    assert result[7, 3, 0] == {"zscore": 11, "minmax": 5, "zscore-minmax": 5}[method]
    result[7, 3, 0] = clean[7, 3, 0]
    np.testing.assert_allclose(result, clean, atol=5e-3)


@pytest.mark.parametrize("method", METHODS)
def test_a_channel_that_seldom_moves_is_scaled_by_its_standard_deviation(method: str) -> None:
    x = np.zeros((100, 50, 1), np.float32)
    x[0, :8] = 3.0  # 8 of 5000 samples: both quantiles are 0
    sd = 3 * np.sqrt(0.0016 * 0.9984)

    np.testing.assert_allclose(
        as_numpy(adapted(method, [x])(x)), np.minimum(x / sd, 11 if method == "zscore" else 5), rtol=1e-5
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("over", OVER)
def test_a_large_offset_costs_no_accuracy(method: str, over: str) -> None:
    x = windows(20, offset=1e4)[..., :1]
    layer = adapted(method, [x[:7], x[7:]]) if over == "training" else ChannelNormalization(method, over)

    result = as_numpy(layer(x))

    # float32 at 1e4 has steps of 1e-3, a thousandth of this channel's standard deviation
    if over == "training":
        flat = x[..., 0].ravel().astype(np.float64)
        low, middle, high = np.quantile(flat, (0.1587, 0.5, 0.8413) if method == "zscore" else (0.01, 0.5, 0.99))
        expected = (x - (middle if method == "zscore" else (low + high) / 2)) / ((high - low) / 2)
    else:
        expected = numpy_normalised(x, method)
    np.testing.assert_allclose(result, expected, atol=2e-3)


@given(
    offset=st.floats(-100, 100, width=32),
    scale=st.floats(0.5, 100, width=32),
    seed=st.integers(0, 10),
)
@settings(max_examples=25, deadline=None)
def test_minmax_over_a_window_ignores_shift_and_scale_and_so_a_zscore_before_it(
    offset: float, scale: float, seed: int
) -> None:
    x = windows(2, seed=seed)
    plain = as_numpy(ChannelNormalization("minmax", "window")(x))

    np.testing.assert_allclose(plain.min(axis=1), -1, atol=1e-5)
    np.testing.assert_allclose(plain.max(axis=1), 1, atol=1e-5)
    for method in ("minmax", "zscore-minmax"):
        moved = as_numpy(ChannelNormalization(method, "window")(x * np.float32(scale) + np.float32(offset)))
        np.testing.assert_allclose(moved, plain, atol=2e-3 if abs(offset) > 10 * scale else 2e-4)


def test_zscore_minmax_equals_minmax_over_the_training_data() -> None:
    x = windows(6, offset=40.0)

    both, one = (as_numpy(adapted(method, [x])(x)) for method in ("zscore-minmax", "minmax"))

    np.testing.assert_allclose(both, one, atol=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, -3.3, 12345.678, 1e-20])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("over", OVER)
def test_a_channel_that_does_not_vary_becomes_zero(over: str, method: str, value: float) -> None:
    x = windows(7)
    x[..., 1] = value
    layer = adapted(method, [x[:3], x[3:]]) if over == "training" else ChannelNormalization(method, over)

    result = as_numpy(layer(x))

    assert np.isfinite(result).all()
    np.testing.assert_array_equal(result[..., 1], 0)
    assert (result[..., [0, 2]].std(axis=1) > 0.1).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("over", OVER)
def test_a_normalisation_is_made_again_from_its_configuration(method: str, over: str) -> None:
    config = ChannelNormalization(method, over, name="first").get_config()

    again = ChannelNormalization.from_config(config)

    assert (again.method, again.over, again.name) == (method, over, "first")
    assert again.get_config() == config


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "z-score"}, "Allowed normalisations are .*'zscore-minmax'.* but got 'z-score'"),
        ({"over": "test"}, "over 'window' or 'training', but got 'test'"),
    ],
)
def test_an_unknown_normalisation_is_refused(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ChannelNormalization(**arguments)
