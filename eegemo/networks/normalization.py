"""The normalisation layer: what the network sees of microvolts, saved with the network."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from eegemo._keras import keras
from eegemo.errors import ConfigError

METHODS = ("zscore-minmax", "zscore", "minmax")
OVER = ("window", "training")


@keras.saving.register_keras_serializable("eegemo")
class ChannelNormalization(keras.layers.Layer):
    """Normalise every channel by its mean and standard deviation, its minimum and maximum, or both in turn.

    Parameters
    ----------
    method : "zscore-minmax" | "zscore" | "minmax"
        ``(x - mean) / sd``; ``2 (x - min) / (max - min) - 1``, so that the range becomes -1 to 1; or the second
        applied to the first. Min-max undoes any shift and scale before it, so the last equals ``"minmax"``
        up to rounding; it has a name because the paper does both.
    over : "window" | "training"
        Where mean, sd, minimum and maximum are taken: in each window by itself, which fits nothing, or once
        over the data given to :meth:`adapt`.

    Notes
    -----
    Input and output have shape (batch, n_times, n_channels). A channel that does not vary becomes 0.
    """

    def __init__(self, method: str = "zscore-minmax", over: str = "window", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if method not in METHODS:
            raise ConfigError(f"Allowed normalisations are {METHODS} and None, but got {method!r} instead.")
        if over not in OVER:
            raise ConfigError(f"Normalisation is over {' or '.join(map(repr, OVER))}, but got {over!r} instead.")
        self.method, self.over = method, over

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the two weights that hold what was fitted; none over a window."""
        if self.over == "training":
            n_channels = input_shape[-1]
            self.shift = self.add_weight(shape=(n_channels,), initializer="zeros", trainable=False, name="shift")
            self.scale = self.add_weight(shape=(n_channels,), initializer="ones", trainable=False, name="scale")

    def adapt(self, batches: Iterable[np.ndarray]) -> None:
        """Fit shift and scale to the training data; over each window there is nothing to fit.

        Parameters
        ----------
        batches : iterable of array, shape (n, n_times, n_channels)
            The training data, in one pass; sums are taken in float64.
        """
        if self.over != "training":
            raise ConfigError("A normalisation over each window fits nothing; it has nothing to adapt.")
        n, low, high = 0, np.inf, -np.inf
        total: Any = 0.0
        squares: Any = 0.0
        origin: np.ndarray | None = None
        for batch in batches:
            samples = batch.reshape(-1, batch.shape[-1])
            low, high = np.minimum(low, samples.min(axis=0)), np.maximum(high, samples.max(axis=0))
            if self.method == "zscore":
                origin = samples.mean(axis=0, dtype=np.float64) if origin is None else origin
                centred = samples - origin  # a large offset would cancel in the difference of squares
                n += len(samples)
                total, squares = total + centred.sum(axis=0), squares + (centred**2).sum(axis=0)
        if self.method == "zscore":
            shift, spread = origin + total / n, np.sqrt(squares / n - (total / n) ** 2)
        else:
            shift, spread = (low + high) / 2, (high - low) / 2
        self.shift.assign(shift)
        self.scale.assign(_safe_inverse(spread))

    def call(self, inputs: Any) -> Any:
        """Normalise a batch."""
        if self.over == "training":
            return (inputs - self.shift) * self.scale
        x = inputs
        if "zscore" in self.method:
            x = x - keras.ops.mean(x, axis=1, keepdims=True)
            x = _divide(x, keras.ops.std(x, axis=1, keepdims=True))
        if "minmax" in self.method:
            low, high = keras.ops.min(x, axis=1, keepdims=True), keras.ops.max(x, axis=1, keepdims=True)
            x = _divide(2 * x - (low + high), high - low)
        return x

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return what makes the layer again."""
        return {**super().get_config(), "method": self.method, "over": self.over}


def _safe_inverse(spread: np.ndarray) -> np.ndarray:
    return np.divide(1.0, spread, out=np.zeros_like(spread, dtype=np.float64), where=spread > 0)


def _divide(x: Any, spread: Any) -> Any:
    return keras.ops.divide_no_nan(x, spread)
