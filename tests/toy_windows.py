"""Small windows that a tiny network learns or cannot learn from, classifiers for them, and what a network was shown."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from eegemo import EEGClassifier, Trials
from eegemo.networks import NETWORKS
from tiny import tiny

QUICK: dict[str, Any] = {"epochs": 2, "batch_size": 32, "learning_rate": 0.02, "random_state": 0}
N_TIMES = 16
every_model = pytest.mark.parametrize("name", NETWORKS)


def make(name: str, **settings: Any) -> EEGClassifier:
    return tiny(name, **{**QUICK, **settings})


def toy(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return noise in two channels of which neither, the first or the second oscillates, and which."""
    rng = np.random.default_rng(seed)
    number = np.arange(n) % 3
    phase = rng.uniform(0, 2 * np.pi, (n, 1))
    wave = 30 * np.sin(2 * np.pi * np.arange(N_TIMES) / 8 + phase)
    X = 5 * rng.standard_normal((n, 2, N_TIMES))
    X[number == 1, 0] += wave[number == 1]
    X[number == 2, 1] += wave[number == 2]
    return X.astype(np.float32), np.array(["none", "first", "second"])[number]


def noise(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 2, N_TIMES)).astype(np.float32), rng.permutation(np.arange(n) % 2)


def numbered(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return windows that hold their own number, and two classes in turn."""
    return np.tile(np.arange(n, dtype=np.float32)[:, None, None], (1, 2, N_TIMES)), np.arange(n) % 2


def with_signals(trials: Trials, signals: np.ndarray) -> Trials:
    return Trials(signals, trials.table, trials.ch_names, trials.sfreq, dataset="made", simulated=True)


def own(n_times: int, n_channels: int, n_outputs: int, *, activation: str = "softmax") -> keras.Model:
    """Somebody's own network: a spectrum-like layer and a decision."""
    inputs = keras.Input((n_times, n_channels))
    x = keras.layers.Conv1D(8, 5, padding="same", activation="relu")(inputs)
    x = keras.layers.Dropout(0.1)(keras.layers.GlobalMaxPooling1D()(x))
    return keras.Model(inputs, keras.layers.Dense(n_outputs, activation=activation)(x))


class Seen:
    """The first sample of every window that a network was trained on, epoch by epoch, and that it predicted."""

    def __init__(self) -> None:
        self.trained: list[list[int]] = [[]]
        self.predicted: set[int] = set()
        self.largest_batch = 0

    def next_epoch(self, *_: Any) -> None:
        self.trained.append([])

    def train(self, _: Any, x: np.ndarray, *args: Any, **kwargs: Any) -> list[float]:
        self.trained[-1] += x[:, 0, 0].astype(int).tolist()
        self.largest_batch = max(self.largest_batch, len(x))
        return [0.0, 0.0]

    def predict(self, model: Any, x: np.ndarray) -> np.ndarray:
        self.predicted |= set(x[:, 0, 0].astype(int).tolist())
        return np.full((len(x), model.output_shape[1]), 1 / model.output_shape[1])
