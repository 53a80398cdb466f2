"""The normalisation layer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras.ops import convert_to_numpy as as_numpy

from eegemo.errors import ConfigError
from eegemo.networks.normalization import METHODS, OVER, ChannelNormalization


def numpy_normalised(x: np.ndarray, method: str, axes: tuple[int, ...], like: np.ndarray | None = None) -> np.ndarray:
    """Normalise ``x`` by the statistics of ``like``, one channel (last axis) at a time, in float64, to -1 .. 1."""
    x = x.astype(np.float64)
    like = x if like is None else like.astype(np.float64)
    if "zscore" in method:
        mean, sd = like.mean(axis=axes, keepdims=True), like.std(axis=axes, keepdims=True)
        x, like = (x - mean) / sd, (like - mean) / sd
    if "minmax" in method:
        low, high = like.min(axis=axes, keepdims=True), like.max(axis=axes, keepdims=True)
        x = -1 + 2 * (x - low) / (high - low)
    return x


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

    np.testing.assert_allclose(result, numpy_normalised(x, method, (1,)), atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_over_the_training_data_each_channel_is_normalised_by_all_training_samples(method: str) -> None:
    training, new = windows(11), 3 * windows(4, seed=1) + 7

    layer = adapted(method, [training[:2], training[2:3], training[3:]])

    np.testing.assert_allclose(as_numpy(layer(training)), numpy_normalised(training, method, (0, 1)), atol=1e-5)
    np.testing.assert_allclose(
        as_numpy(layer(new)), numpy_normalised(new, method, (0, 1), like=training), rtol=1e-5, atol=1e-4
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("over", OVER)
def test_a_large_offset_costs_no_accuracy(method: str, over: str) -> None:
    x = windows(20, offset=1e4)[..., :1]
    layer = adapted(method, [x[:7], x[7:]]) if over == "training" else ChannelNormalization(method, over)

    result = as_numpy(layer(x))

    # float32 at 1e4 has steps of 1e-3, a thousandth of this channel's standard deviation
    expected = numpy_normalised(x, method, (0, 1) if over == "training" else (1,))
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
