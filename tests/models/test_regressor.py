"""A network that predicts ratings as numbers."""

from __future__ import annotations

import pickle
from pathlib import Path

import keras
import numpy as np
import pytest

from eegemo import ConfigError, EEGRegressor, Trials, read_classifier
from eegemo.networks import CNNGRU, NETWORKS, network_class
from tiny import TINY, traced

pytestmark = pytest.mark.usefixtures("no_tracing")


def loudness(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return sines in two channels, and how loud each is, from 1 to 9."""
    rng = np.random.default_rng(seed)
    rating = rng.uniform(1, 9, (n, 2))
    phase = rng.uniform(0, 2 * np.pi, (n, 2, 1))
    X = 5 * rating[..., None] * np.sin(2 * np.pi * np.arange(32) / 8 + phase)
    return X.astype(np.float32), rating


@pytest.mark.parametrize("name", NETWORKS)
def test_ratings_that_the_windows_hold_are_learned(name: str) -> None:
    X, y = loudness(200, 0)
    network = network_class(name)(**{**TINY.get(name, {}), "dropout": 0.0})
    regressor = EEGRegressor(network, epochs=25, batch_size=25, learning_rate=0.02, random_state=0)

    with traced(True):
        regressor.fit(X, y[:, 0])

    new, truth = loudness(100, 1)
    assert regressor.predict(new).shape == (100,)
    assert regressor.score(new, truth[:, 0]) > 0.6


def test_several_numbers_are_predicted_together() -> None:
    X, y = loudness(200, 0)

    regressor = EEGRegressor(CNNGRU(dropout=0.0), epochs=20, learning_rate=0.01, random_state=0).fit(X, y)

    new, truth = loudness(100, 1)
    predicted = regressor.predict(new)
    assert predicted.shape == (100, 2)
    for number in (0, 1):
        assert np.corrcoef(predicted[:, number], truth[:, number])[0, 1] > 0.8


def test_training_stops_on_the_squared_error_of_the_validation_data() -> None:
    X, y = loudness(60, 0)
    X_val, y_val = loudness(30, 1)
    regressor = EEGRegressor(CNNGRU(units=4), epochs=30, patience=2, learning_rate=0.1, random_state=0)

    regressor.fit(X, y[:, 0], validation_data=(X_val, y_val[:, 0]))

    assert regressor.best_epoch_ == np.argmin(regressor.history_["val_loss"]) + 1
    error = regressor.predict(X_val) - y_val[:, 0]
    assert (error**2).mean() == pytest.approx(min(regressor.history_["val_loss"]), rel=1e-4)
    assert set(regressor.history_) == {"loss", "mean_absolute_error", "val_loss", "val_mean_absolute_error"}


def test_ratings_of_windows_are_those_of_their_trials(small_trials: Trials) -> None:
    windows = small_trials.windows(n_times=16)
    y = windows.expand(small_trials.table["valence"])

    regressor = EEGRegressor("cnn-gru", epochs=1, random_state=0).fit(windows, y)

    np.testing.assert_array_equal(regressor.predict(windows), regressor.predict(windows.to_numpy()))


def test_a_regressor_survives_a_file_and_a_pickle(tmp_path: Path) -> None:
    X, y = loudness(30, 0)
    regressor = EEGRegressor(CNNGRU(units=3), epochs=1, random_state=0).fit(X, y)

    regressor.save(tmp_path / "valence.keras")

    for again in (read_classifier(tmp_path / "valence.keras"), pickle.loads(pickle.dumps(regressor))):
        assert isinstance(again, EEGRegressor)
        np.testing.assert_array_equal(again.predict(X), regressor.predict(X))
        assert again.resolved_params() == regressor.resolved_params()


@pytest.mark.parametrize(
    ("y", "message"),
    [([np.nan] * 30, "NaN"), (["high"] * 30, "could not convert|float"), (np.zeros(29), "inconsistent|29")],
)
def test_ratings_that_are_no_numbers_are_refused(y: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EEGRegressor("cnn-gru", epochs=1).fit(loudness(30, 0)[0], np.asarray(y))


def test_validation_data_of_another_width_are_refused() -> None:
    X, y = loudness(30, 0)
    with pytest.raises(ValueError, match="validation data have 1 numbers a window, the training data 2"):
        EEGRegressor("cnn-gru", epochs=1).fit(X, y, validation_data=(X, y[:, 0]))


def test_a_function_that_ends_in_a_softmax_predicts_no_numbers() -> None:
    def ends_in_softmax(n_times: int, n_channels: int, n_outputs: int) -> keras.Model:
        layers = [keras.layers.Flatten(), keras.layers.Dense(n_outputs, activation="softmax")]
        return keras.Sequential([keras.Input((n_times, n_channels)), *layers])

    with pytest.raises(ConfigError, match="are probabilities, which sum to 1"):
        EEGRegressor(ends_in_softmax, epochs=1).fit(loudness(30, 0)[0], np.arange(30.0))
