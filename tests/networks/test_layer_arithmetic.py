"""The arithmetic of convolution and pooling as tutorials work it out by hand, on the layers of CNN-GRU."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from keras.ops import convert_to_numpy as as_numpy

from eegemo.networks import CNNGRU


def layers(n_times: int, n_channels: int, **sizes: int) -> dict[str, Any]:
    return {layer.name: layer for layer in CNNGRU(filters=1, **sizes).layers(n_times, n_channels)}


def convolve(x: np.ndarray, kernel: list[list[float]]) -> np.ndarray:
    """Convolve (n_channels, n_times) with a kernel for each channel; keep the steps where all of it lies inside."""
    width = len(kernel[0])
    conv = layers(x.shape[1], len(x), kernel_size=width)["conv"]
    conv.build((None, x.shape[1], len(x)))
    conv.set_weights([np.transpose(kernel)[..., None], np.zeros(1)])
    before = (width - 1) // 2  # "same" puts the odd zero behind
    return as_numpy(conv(x.T[None]))[0, before : x.shape[1] - (width - 1 - before), 0]


def test_the_length_after_a_convolution() -> None:
    """(129 + 2*2 - (4 - 1) - 1) / 1 + 1 = 130."""
    padded = np.pad(np.arange(1.0, 130.0), 2)[None]

    assert len(convolve(padded, [[1.0] * 4])) == 130


def test_the_convolution_of_one_channel() -> None:
    outputs = convolve(np.arange(16.0)[None], [[0.1, 0.2, 0.3]])

    assert outputs[:2] == pytest.approx([0.8, 1.4])  # .1*0 + .2*1 + .3*2, .1*1 + .2*2 + .3*3
    assert len(outputs) == 14


def test_the_convolution_of_two_channels_is_the_sum_of_both() -> None:
    """Of .8 and 8 + 9 + 10, of 1.4 and 9 + 10 + 11."""
    outputs = convolve(np.arange(16.0).reshape(2, 8), [[0.1, 0.2, 0.3], [1.0, 1.0, 1.0]])

    assert outputs[:2] == pytest.approx([27.8, 31.4])


def test_the_largest_of_each_two() -> None:
    pooling = layers(16, 1, pool_size=2)["max_pooling"]

    assert as_numpy(pooling(np.arange(16.0)[None, :, None])).ravel().tolist() == [1, 3, 5, 7, 9, 11, 13, 15]
