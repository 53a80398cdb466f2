"""The residual blocks of ResNet1D: their sizes, their arithmetic, their shortcuts."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy as as_numpy

from eegemo import ConfigError
from eegemo.networks import ResNet1D
from eegemo.networks.resnet1d import ResidualBlock


def test_a_default_resnet1d_has_the_size_worked_out_by_hand() -> None:
    """Convolutions without biases, two numbers a filter for each normalisation, shortcuts of one sample."""
    model = ResNet1D().build(n_times=128, n_channels=32, n_outputs=4)

    blocks = {
        "block1": 7 * 32 * 32 + 7 * 32 * 32 + 32 * 32 + 3 * 2 * 32,
        "block2": 7 * 32 * 64 + 7 * 64 * 64 + 32 * 64 + 3 * 2 * 64,
        "block3": 7 * 64 * 64 + 7 * 64 * 64 + 64 * 64 + 3 * 2 * 64,
    }
    found = {layer.name: sum(int(np.prod(w.shape)) for w in layer.trainable_weights) for layer in model.layers}
    assert {name: found[name] for name in blocks} == blocks
    assert found["output"] == 64 * 4 + 4
    assert [layer.output.shape[1] for layer in model.layers[:3]] == [64, 32, 16]  # each stride of 2 halves 128 steps


def by_hand(x: np.ndarray, block: Any) -> np.ndarray:
    """A block on fresh moving statistics (mean 0, variance 1), strides of 1 and kernels of 3."""

    def convolve(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        around = np.pad(x, ((0, 0), (len(kernel) // 2, len(kernel) // 2), (0, 0)))
        frames = np.lib.stride_tricks.sliding_window_view(around, len(kernel), axis=1)
        return np.einsum("btck,kcf->btf", frames, kernel) / np.sqrt(1 + 1e-3)  # Keras's epsilon

    inside = np.maximum(convolve(x, as_numpy(block.first.kernel)), 0)
    passed = x if block.shortcut is None else convolve(x, as_numpy(block.shortcut.kernel))
    return np.maximum(convolve(inside, as_numpy(block.second.kernel)) + passed, 0)


@pytest.mark.parametrize(("n_features", "has_shortcut"), [(4, False), (3, True)])
def test_a_block_adds_what_came_in_and_convolves_it_where_the_shape_changes(
    n_features: int, has_shortcut: bool
) -> None:
    block = ResidualBlock(4, kernel_size=3)
    x = np.random.default_rng(0).standard_normal((2, 10, n_features)).astype(np.float32)

    outputs = as_numpy(block(x, training=False))

    assert (block.shortcut is not None) is has_shortcut
    np.testing.assert_allclose(outputs, by_hand(x, block), atol=1e-5)


@pytest.mark.parametrize(("n_times", "strides", "expected"), [(9, 2, 5), (8, 2, 4), (7, 3, 3), (1, 2, 1)])
def test_a_block_says_the_shape_that_it_gives(n_times: int, strides: int, expected: int) -> None:
    block = ResidualBlock(4, 3, strides)

    outputs = block(np.zeros((2, n_times, 4), np.float32))

    assert tuple(outputs.shape) == tuple(block.compute_output_shape((2, n_times, 4))) == (2, expected, 4)


def test_a_block_is_made_again_from_its_configuration() -> None:
    block = ResidualBlock(4, 3, 2, name="mine")

    again = keras.layers.deserialize(keras.layers.serialize(block))

    assert (again.filters, again.kernel_size, again.strides, again.name) == (4, 3, 2, "mine")


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"filters": ()}, r"filters must hold a number for each block, got \(\)"),
        ({"filters": 32}, "filters must hold a number for each block, got 32"),
        ({"filters": (8, 0)}, "positive whole number. Received: filters=0"),
        ({"strides": 0.5}, "positive whole number. Received: strides=0.5"),
        ({"dropout": 1.0}, "share from 0 to below 1. Received: dropout=1.0"),
    ],
)
def test_sizes_that_cannot_be_used_are_refused(sizes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ResNet1D(**sizes).build(16, 2, 2)
