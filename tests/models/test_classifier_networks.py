"""The network of a classifier: by its name, as an object, anybody's own; traced, on threads, under Keras' settings."""

from __future__ import annotations

import pickle
import random
from typing import Any

import joblib
import keras
import numpy as np
import pytest
from keras.src.random import seed_generator
from sklearn.model_selection import GridSearchCV

from eegemo import ConfigError, EEGClassifier
from eegemo.networks import CNNGRU, ChannelNormalization, Network, network_class
from eegemo.training import compiled
from toy_windows import QUICK, every_model, make, noise, own, toy

pytestmark = pytest.mark.usefixtures("no_tracing")


class Endless(Network):
    """A network whose layers keep the samples apart."""

    def layers(self, n_times: int, n_channels: int) -> list[Any]:
        return [keras.layers.Dense(3)]


class Renamed(Network):
    """A network with a layer called as the last one is."""

    def layers(self, n_times: int, n_channels: int) -> list[Any]:
        return [keras.layers.Flatten(name="output")]


class TestNetworks:
    """A network by its name, as an object, and anybody's own."""

    def test_a_name_an_object_and_a_grid_searchs_parameter_are_the_same(self) -> None:
        X, y = toy(30, 0)
        by_name = EEGClassifier("cnn-gru", **QUICK).set_params(network__units=3)
        by_object = EEGClassifier(CNNGRU(units=3), **QUICK)
        search = GridSearchCV(EEGClassifier("cnn-gru", **QUICK), {"network__units": [3]}, cv=2, error_score="raise")

        probas = [model.fit(X, y).predict_proba(X) for model in (by_name, by_object, search)]

        assert repr(by_name) == repr(by_object)
        np.testing.assert_array_equal(probas[0], probas[1])
        np.testing.assert_array_equal(probas[0], probas[2])
        assert search.best_estimator_.network_.units == 3

    @pytest.mark.parametrize(
        ("network", "name"),
        [("tcn", "tcn"), (CNNGRU(units=3), "cnn-gru"), (own, "own"), (Endless(), "Endless")],
        ids=["name", "object", "function", "class"],
    )
    def test_a_network_is_called_in_tables_by_what_it_is_known_by(self, network: Any, name: str) -> None:
        assert EEGClassifier(network).network_name == name

    def test_a_grid_search_goes_over_networks_too(self) -> None:
        X, y = toy(30, 0)
        grid = {"network": ["cnn-lstm", CNNGRU(units=3)]}

        search = GridSearchCV(EEGClassifier(**QUICK), grid, cv=2, error_score="raise").fit(X, y)

        assert len(search.cv_results_["params"]) == 2

    @every_model
    def test_what_is_left_open_is_the_networks_own(self, name: str) -> None:
        params = EEGClassifier(name, epochs=7).resolved_params()

        defaults = network_class(name).defaults
        assert params["epochs"] == 7
        assert params["batch_size"] == defaults.batch_size
        assert params["normalization"] == defaults.normalization
        assert EEGClassifier(name, normalization=None).resolved_params()["normalization"] is None

    def test_a_function_that_returns_a_keras_model_is_trained_and_repeats_itself(self) -> None:
        X, y = toy(240, 0)

        first, second = (EEGClassifier(own, **QUICK | {"epochs": 8}).fit(X, y) for _ in range(2))

        np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
        assert first.score(*toy(90, 1)) > 0.9
        assert isinstance(first.model_.layers[0], ChannelNormalization)

    def test_a_function_keeps_its_model_through_a_pickle(self) -> None:
        X, y = toy(30, 0)
        classifier = EEGClassifier(own, **QUICK).fit(X, y)

        again = pickle.loads(pickle.dumps(classifier))

        np.testing.assert_array_equal(again.predict_proba(X), classifier.predict_proba(X))

    @pytest.mark.parametrize(
        ("network", "message"),
        [
            ("cnn", "Unknown network 'cnn'"),
            (CNNGRU, r"got its class: give CNNGRU\(\)"),
            (3, "network must be a name, a Network such as"),
            (lambda t, c, n: "model", "must return a keras.Model, got str"),
            (lambda t, c: own(t, c, 2), r"must take \(n_times, n_channels, n_outputs\): too many"),
            (keras.Sequential, "A fresh model is needed"),
            (Endless(), r"layers of Endless must end in one row .* shape \(None, 16, 2\)"),
            (Renamed(), "Renamed cannot be built for windows of 2 x 16"),
            (lambda t, c, n: own(t + 1, c, n), r"does not take \(batch, 16, 2\)"),
            (lambda t, c, n: own(t, c, n + 1), r"to \(batch, 2\), got outputs of shape \(batch, 3\)"),
            (lambda t, c, n: own(t, c, n, activation="linear"), "no probabilities, they sum to .*softmax"),
        ],
    )
    def test_what_is_no_network_is_refused(self, network: Any, message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            EEGClassifier(network, epochs=1).fit(*noise(20))

    def test_one_model_for_all_fits_is_refused(self) -> None:
        with pytest.raises(ConfigError, match=r"A fresh model is needed .* builds a new one at each call"):
            EEGClassifier(own(16, 2, 2), epochs=1).fit(*noise(20))

    @every_model
    def test_a_traced_network_is_used_again_and_gives_the_same_numbers(self, name: str) -> None:
        X, y = toy(30, 0)
        compiled._idle.clear()
        first = make(name).fit(X, y)
        proba, weights = first.predict_proba(X), first.model_.get_weights()
        (twin,) = compiled._idle.values()
        make(name, random_state=5, learning_rate=0.5, epochs=3).fit(X, y)

        again = make(name).fit(X, y)

        assert list(compiled._idle.values()) == [twin]
        np.testing.assert_array_equal(again.predict_proba(X), proba)
        assert again.history_ == first.history_
        for now, before in zip(first.model_.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(now, before)  # a later fit changes no earlier classifier

    def test_fits_on_several_threads_do_not_meet(self) -> None:
        X, y = toy(30, 0)
        expected = [make("cnn-gru", random_state=seed).fit(X, y).predict_proba(X) for seed in range(4)]

        found = joblib.Parallel(n_jobs=4, prefer="threads")(
            joblib.delayed(lambda seed: make("cnn-gru", random_state=seed).fit(X, y).predict_proba(X))(seed)
            for seed in range(4)
        )

        for ours, alone in zip(found, expected, strict=True):
            np.testing.assert_array_equal(ours, alone)
        assert seed_generator.python_random is random

    @every_model
    def test_global_settings_of_keras_change_nothing(self, fitted: dict[str, EEGClassifier], name: str) -> None:
        X, y = toy(30, 0)
        keras.config.set_image_data_format("channels_first")
        keras.config.set_dtype_policy("mixed_float16")
        keras.config.set_epsilon(1e-3)
        try:
            changed = make(name).fit(X, y)
            proba = changed.predict_proba(X)
            again = pickle.loads(pickle.dumps(fitted[name])).predict_proba(X)
            settings = keras.config.image_data_format(), keras.config.dtype_policy().name, keras.config.epsilon()
        finally:
            keras.config.set_image_data_format("channels_last")
            keras.config.set_dtype_policy("float32")
            keras.config.set_epsilon(1e-7)

        assert settings == ("channels_first", "mixed_float16", 1e-3)
        np.testing.assert_array_equal(proba, fitted[name].predict_proba(X))
        np.testing.assert_array_equal(again, fitted[name].predict_proba(X))
        assert proba.dtype == np.float32

    def test_a_summary_is_printed(self, fitted: dict[str, EEGClassifier], capsys: pytest.CaptureFixture[str]) -> None:
        fitted["cnn-gru"].summary()

        assert "gru" in capsys.readouterr().out
