"""The normalisation layer: what the network sees of microvolts, saved with the network."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from eegemo._keras import keras
from eegemo.errors import ConfigError

METHODS = ("zscore-minmax", "zscore", "minmax")
#: Quantiles that stand for what one sample could set, over the training data: for a standard deviation below and above
#: the mean, those of a normal distribution; for the minimum and the maximum, a hundredth from either end.
_QUANTILES = {"zscore": (0.1587, 0.5, 0.8413), "minmax": (0.01, 0.5, 0.99)}
#: Where what is normalised is cut off, over the training data: about 11 standard deviations, so that a blink passes.
_LIMITS = {"zscore": 11.0, "minmax": 5.0}
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

    Over the training data the four are quantiles, which no single sample can set: the median, half the distance of the
    15.87th and the 84.13th percentile (both equal mean and standard deviation for normal values), and the 1st and the
    99th percentile. What lies further than 11 such standard deviations from the median, or 5 half ranges from the
    middle, is cut off. With plain minimum and maximum one artefact of 1280 µV beside a standard deviation of 9.6 µV
    leaves all else within a hundredth of the range, where networks learn nothing. Over each window the plain ones are
    taken: an artefact reaches its own window alone.
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
            The training data, or a fair sample of them; held in memory all together.
        """
        for weight, value in zip((self.shift, self.scale), self.fitted(batches), strict=True):
            weight.assign(value)

    def fitted(self, batches: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return what :meth:`adapt` would set shift and scale to, and leave the layer as it is.

        Parameters
        ----------
        batches : iterable of array, shape (n, n_times, n_channels)
            As :meth:`adapt` takes them.

        Returns
        -------
        shift, scale : array, shape (n_channels,)
        """
        if self.over != "training":
            raise ConfigError("A normalisation over each window fits nothing; it has nothing to adapt.")
        samples = np.concatenate([batch.reshape(-1, batch.shape[-1]) for batch in batches])
        low, median, high = np.quantile(samples, _QUANTILES[self._last_step], axis=0)
        spread = (high - low) / 2
        # A channel that mostly stands still has no spread between quantiles, and one all the same.
        spread = np.where(spread > 0, spread, samples.std(axis=0, dtype=np.float64))
        return (median if self._last_step == "zscore" else (low + high) / 2), _safe_inverse(spread)

    @property
    def _last_step(self) -> str:
        """What is left of the two: min-max undoes a z-score before it."""
        return "zscore" if self.method == "zscore" else "minmax"

    def call(self, inputs: Any) -> Any:
        """Normalise a batch."""
        if self.over == "training":
            limit = _LIMITS[self._last_step]
            return keras.ops.clip((inputs - self.shift) * self.scale, -limit, limit)
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
