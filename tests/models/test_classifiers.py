"""What every registered classifier does: scikit-learn's tools on 3-D arrays and Windows, training, errors."""

from __future__ import annotations

import copy
import io
import json
import pickle
import random
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import keras
import numpy as np
import pytest
from keras.src.random import seed_generator
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from eegemo import CollapseWarning, ConfigError, EEGClassifier, Trials, Windows, quadrants
from eegemo.features import RMS
from eegemo.models.estimator import NetworkEstimator
from eegemo.networks import CNNGRU, NETWORKS, ChannelNormalization, Network, network_class
from eegemo.training import compiled
from tiny import TINY, tiny, traced

_QUICK: dict[str, Any] = {"epochs": 2, "batch_size": 32, "learning_rate": 0.02, "random_state": 0}
N_TIMES = 16

every_model = pytest.mark.parametrize("name", NETWORKS)


class Endless(Network):
    """A network whose layers keep the samples apart."""

    def layers(self, n_times: int, n_channels: int) -> list[Any]:
        return [keras.layers.Dense(3)]


class Renamed(Network):
    """A network with a layer called as the last one is."""

    def layers(self, n_times: int, n_channels: int) -> list[Any]:
        return [keras.layers.Flatten(name="output")]


def own(n_times: int, n_channels: int, n_outputs: int, *, activation: str = "softmax") -> keras.Model:
    """Somebody's own network: a spectrum-like layer and a decision."""
    inputs = keras.Input((n_times, n_channels))
    x = keras.layers.Conv1D(8, 5, padding="same", activation="relu")(inputs)
    x = keras.layers.Dropout(0.1)(keras.layers.GlobalMaxPooling1D()(x))
    return keras.Model(inputs, keras.layers.Dense(n_outputs, activation=activation)(x))


def make(name: str, **settings: Any) -> EEGClassifier:
    return tiny(name, **{**_QUICK, **settings})


@pytest.fixture(scope="module", autouse=True)
def no_tracing() -> Iterator[None]:
    """Most tests fit a tiny network for a few steps: tracing it takes longer than running it."""
    with traced(False):
        yield


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


def with_signals(trials: Trials, signals: np.ndarray) -> Trials:
    return Trials(signals, trials.table, trials.ch_names, trials.sfreq, dataset="made", simulated=True)


@pytest.fixture(scope="module")
def few_windows(small_trials: Trials) -> Windows:
    """48 windows of six trials: two of the classes have two trials, two have one."""
    return small_trials.select(range(6)).windows(duration=0.5, step=0.5)


@pytest.fixture(scope="module")
def fitted() -> dict[str, EEGClassifier]:
    """Every model, trained for two steps on thirty toy windows."""
    return {name: make(name).fit(*toy(30, 0)) for name in NETWORKS}


@pytest.fixture(scope="module")
def learned() -> dict[str, np.ndarray]:
    """The predictions of every model for new toy data, trained on graphs as a user's networks are."""
    X, y = toy(240, 0)
    with traced(True):
        return {name: make(name, epochs=10).fit(X, y).predict_proba(toy(90, 1)[0]) for name in NETWORKS}


@pytest.fixture(scope="module")
def predicted(fitted: dict[str, EEGClassifier]) -> dict[str, np.ndarray]:
    """The predictions of every model for one window more than a batch holds."""
    return {name: classifier.predict_proba(toy(1025, 2)[0]) for name, classifier in fitted.items()}


class TestScikitLearnTools:
    """On arrays of shape (n, n_channels, n_times), which scikit-learn's own checks never use."""

    @every_model
    def test_classes_may_be_names_and_probabilities_come_in_their_order(
        self, fitted: dict[str, EEGClassifier], name: str
    ) -> None:
        X, y = toy(30, 0)

        classifier = fitted[name]

        assert classifier.classes_.tolist() == ["first", "none", "second"]
        assert classifier.n_features_in_ == 2
        proba = classifier.predict_proba(X)
        assert proba.shape == (30, 3)
        np.testing.assert_array_equal(classifier.predict(X), classifier.classes_[proba.argmax(axis=1)])
        assert classifier.score(X, y) == (classifier.predict(X) == y).mean()

    @every_model
    def test_a_clone_has_the_settings_and_nothing_learned(self, fitted: dict[str, EEGClassifier], name: str) -> None:
        copied = clone(fitted[name])

        assert copied.resolved_params() == fitted[name].resolved_params()
        assert copied.get_params()["learning_rate"] == _QUICK["learning_rate"]
        with pytest.raises(NotFittedError):
            copied.predict_proba(toy(3, 0)[0])

    @every_model
    @pytest.mark.parametrize("way", ["pickle", "joblib", "deepcopy"])
    def test_a_trained_classifier_survives_pickling(
        self, fitted: dict[str, EEGClassifier], name: str, way: str
    ) -> None:
        X, classifier = toy(30, 0)[0], fitted[name]
        buffer = io.BytesIO()

        if way == "pickle":
            again = pickle.loads(pickle.dumps(classifier))
        elif way == "joblib":
            joblib.dump(classifier, buffer)
            again = joblib.load(buffer)
        else:
            again = copy.deepcopy(classifier)

        np.testing.assert_array_equal(again.predict_proba(X), classifier.predict_proba(X))
        np.testing.assert_array_equal(again.predict(X), classifier.predict(X))
        assert again.history_ == classifier.history_
        assert again.model_ is not classifier.model_

    @every_model
    def test_a_transformer_of_3d_arrays_may_come_first_in_a_pipeline(self, name: str) -> None:
        X, y = toy(30, 0)

        pipeline = make_pipeline(FunctionTransformer(np.abs), make(name)).fit(X, y)

        by_hand = make(name).fit(np.abs(X), y)
        np.testing.assert_array_equal(pipeline.predict_proba(X), by_hand.predict_proba(np.abs(X)))

    @every_model
    def test_a_grid_search_finds_the_setting_that_learns(self, name: str) -> None:
        X, y = toy(60, 0)
        grid = {"learning_rate": [1e-6, 0.05]}
        search = GridSearchCV(
            make(name, epochs=6, batch_size=60), grid, cv=2, scoring="neg_log_loss", error_score="raise"
        )

        search.fit(X, y)

        assert search.best_params_ == {"learning_rate": 0.05}
        best = make(name, epochs=6, batch_size=60, learning_rate=0.05).fit(X, y)
        np.testing.assert_array_equal(search.predict_proba(X), best.predict_proba(X))

    @every_model
    def test_cross_validation_takes_windows_and_their_trials_as_groups(self, name: str, few_windows: Windows) -> None:
        y = quadrants()(few_windows)
        folds = GroupKFold(3)
        groups = few_windows.groups

        on_windows = cross_val_score(make(name), few_windows, y, groups=groups, cv=folds, error_score="raise")

        on_array = cross_val_score(make(name), few_windows.to_numpy(), y, groups=groups, cv=folds, error_score="raise")
        assert on_windows.shape == (3,)
        np.testing.assert_array_equal(on_windows, on_array)

    @every_model
    def test_windows_and_their_array_give_the_same_predictions(self, name: str, few_windows: Windows) -> None:
        y = quadrants()(few_windows)
        X = few_windows.to_numpy()
        carving = {"validation_fraction": 1 / 3}

        on_windows = make(name, **carving).fit(few_windows, y)
        on_array = make(name, **carving).fit(X, y, groups=few_windows.groups)

        np.testing.assert_array_equal(on_windows.predict_proba(few_windows), on_array.predict_proba(X))
        np.testing.assert_array_equal(on_windows.predict_proba(X), on_array.predict_proba(few_windows))
        assert on_windows.history_ == on_array.history_
        assert on_windows.n_features_in_ == on_array.n_features_in_ == 2

    @every_model
    def test_rows_of_two_dimensions_are_windows_of_one_channel(self, name: str) -> None:
        X, y = toy(30, 0)

        flat = make(name).fit(X[:, 0], y)

        deep = make(name).fit(X[:, :1], y)
        np.testing.assert_array_equal(flat.predict_proba(X[:, 0]), deep.predict_proba(X[:, :1]))


class TestLearning:
    @every_model
    def test_a_separable_problem_is_learned(self, learned: dict[str, np.ndarray], name: str) -> None:
        classes = np.array(["first", "none", "second"])

        assert (classes[learned[name].argmax(axis=1)] == toy(90, 1)[1]).mean() > 0.9

    def test_the_same_seed_gives_the_same_predictions_in_a_fresh_process(
        self, learned: dict[str, np.ndarray], tmp_path: Path
    ) -> None:
        X, y = toy(240, 0)
        np.savez(tmp_path / "toy.npz", X=X, y=y, new=toy(90, 1)[0])
        settings = {name: {**TINY.get(name, {}), **_QUICK, "epochs": 10} for name in NETWORKS}
        script = (
            "import json, sys; import numpy as np; from eegemo import make_model\n"
            "data = np.load('toy.npz')\n"
            "fitted = {k: make_model(k, **v).fit(data['X'], data['y']) for k, v in json.loads(sys.argv[1]).items()}\n"
            "np.savez('proba.npz', **{k: v.predict_proba(data['new']) for k, v in fitted.items()})\n"
        )

        subprocess.run([sys.executable, "-c", script, json.dumps(settings)], cwd=tmp_path, check=True)

        with np.load(tmp_path / "proba.npz") as fresh:
            for name in NETWORKS:
                np.testing.assert_array_equal(fresh[name], learned[name])

    @every_model
    def test_a_second_fit_starts_anew(self, fitted: dict[str, EEGClassifier], name: str) -> None:
        X, y = toy(30, 0)
        other = np.random.default_rng(3).standard_normal((20, 3, 20))
        classifier = make(name).fit(other, np.arange(20) % 2)

        classifier.fit(X, y)

        np.testing.assert_array_equal(classifier.predict_proba(X), fitted[name].predict_proba(X))
        assert classifier.history_ == fitted[name].history_

    @every_model
    def test_another_seed_gives_other_predictions(self, fitted: dict[str, EEGClassifier], name: str) -> None:
        X, y = toy(30, 0)

        other = make(name, random_state=1).fit(X, y)

        assert np.abs(other.predict_proba(X) - fitted[name].predict_proba(X)).max() > 1e-3

    @every_model
    def test_a_seeded_fit_leaves_the_global_random_numbers_alone(self, name: str) -> None:
        X, y = toy(30, 0)
        random.seed(5)
        np.random.seed(5)  # noqa: NPY002  the global state is what is tested
        expected = random.random(), np.random.random()  # noqa: NPY002
        random.seed(5)
        np.random.seed(5)  # noqa: NPY002

        make(name, validation_fraction=0.2).fit(X, y).predict(X)

        assert (random.random(), np.random.random()) == expected  # noqa: NPY002

    @every_model
    def test_the_normalisation_is_fitted_on_the_training_windows_alone(self, name: str) -> None:
        X, y = toy(30, 0)
        elsewhere = 1000 * X + 500
        classifier = make(name, normalization="zscore").fit(X, y, validation_data=(elsewhere, y))
        classifier.predict(elsewhere)

        shift, scale = classifier.model_.get_layer("normalization").get_weights()

        low, median, high = np.quantile(X.transpose(1, 0, 2).reshape(2, -1), [0.1587, 0.5, 0.8413], axis=1)
        np.testing.assert_allclose(shift, median, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(scale, 2 / (high - low), rtol=1e-4)

    @every_model
    def test_the_normalisation_does_not_see_the_data_carved_out_for_validation(self, name: str) -> None:
        X, y = toy(30, 0)
        X[15:] *= 100
        halves = [X[:15], X[15:]]

        classifier = make(name, normalization="minmax", validation_fraction=0.5).fit(X, y, groups=np.arange(30) // 15)

        _, scale = classifier.model_.get_layer("normalization").get_weights()
        ranges = [np.diff(np.quantile(half, [0.01, 0.99], axis=(0, 2)), axis=0)[0] for half in halves]
        assert any(np.allclose(2 / scale, span, rtol=1e-4) for span in ranges)

    @every_model
    @pytest.mark.parametrize("n", [1, 2, 3, 1024])
    def test_a_prediction_does_not_depend_on_the_windows_beside_it(
        self, fitted: dict[str, EEGClassifier], predicted: dict[str, np.ndarray], name: str, n: int
    ) -> None:
        X = toy(1025, 2)[0]

        assert predicted[name].shape == (1025, 3)
        np.testing.assert_allclose(fitted[name].predict_proba(X[:n]), predicted[name][:n], atol=1e-5)
        np.testing.assert_allclose(fitted[name].predict_proba(X[-n:]), predicted[name][-n:], atol=1e-5)


class TestStopping:
    @every_model
    def test_training_stops_after_the_patience_and_goes_back_to_the_best_epoch(self, name: str) -> None:
        X, y = noise(40)
        X_val, y_val = noise(30, seed=1)
        classifier = make(name, epochs=40, batch_size=20, patience=3, learning_rate=0.05)

        classifier.fit(X, y, validation_data=(X_val, y_val))

        losses = classifier.history_["val_loss"]
        assert len(losses) < 40
        assert len(losses) == classifier.best_epoch_ + 3
        assert classifier.best_epoch_ == np.argmin(losses) + 1
        likelihood = classifier.predict_proba(X_val)[np.arange(30), y_val].astype(float)
        assert -np.log(likelihood).mean() == pytest.approx(min(losses), rel=1e-5)
        accuracy = classifier.history_["val_accuracy"][classifier.best_epoch_ - 1]
        assert classifier.score(X_val, y_val) == pytest.approx(accuracy)
        assert {len(curve) for curve in classifier.history_.values()} == {len(losses)}

    @every_model
    def test_without_validation_data_every_epoch_is_run(self, name: str) -> None:
        classifier = make(name, epochs=5, patience=1, learning_rate=0.5).fit(*noise(20))

        assert {key: len(curve) for key, curve in classifier.history_.items()} == {"loss": 5, "accuracy": 5}
        assert classifier.best_epoch_ == 5

    @every_model
    def test_validation_windows_stop_training_as_their_array_does(self, name: str, few_windows: Windows) -> None:
        y = quadrants()(few_windows)
        kept, aside = few_windows[few_windows.groups < 4], few_windows[few_windows.groups >= 4]
        y_kept, y_aside = y[few_windows.groups < 4], y[few_windows.groups >= 4]

        histories = [
            make(name).fit(kept, y_kept, validation_data=(held_out, y_aside)).history_
            for held_out in (aside, aside.to_numpy())
        ]

        assert histories[0] == histories[1]

    @every_model
    def test_a_column_of_classes_gives_the_same_training_as_a_row(self, name: str) -> None:
        X, y = noise(40)
        X_val, y_val = noise(30, seed=1)

        row = make(name).fit(X, y, validation_data=(X_val, y_val))
        with pytest.warns(UserWarning, match="column-vector y"):
            column = make(name).fit(X, y[:, None], validation_data=(X_val, y_val[:, None]))

        assert column.history_ == row.history_

    @every_model
    def test_callbacks_of_keras_hear_of_every_epoch_and_batch(self, name: str) -> None:
        epochs: list[tuple[int, dict[str, float]]] = []
        batches: list[int] = []
        listener = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: epochs.append((epoch, logs)),
            on_train_batch_end=lambda batch, logs: batches.append(batch),
        )

        classifier = make(name, epochs=3, batch_size=8).fit(*noise(20), callbacks=[listener])

        assert [epoch for epoch, _ in epochs] == [0, 1, 2]
        assert [logs["loss"] for _, logs in epochs] == classifier.history_["loss"]
        assert batches == [0, 1, 2] * 3

    @every_model
    def test_a_callback_may_end_the_training_and_change_the_learning_rate(self, name: str) -> None:
        class Stop(keras.callbacks.Callback):
            def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
                self.model.stop_training = epoch == 1

        schedule = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 if epoch == 0 else 0.0)

        classifier = make(name, epochs=9).fit(*noise(20), callbacks=[Stop()])
        once = make(name, epochs=1, learning_rate=0.1).fit(*noise(20))
        then_none = make(name, epochs=4).fit(*noise(20), callbacks=[schedule])
        after = make(name, epochs=9).fit(*noise(20), callbacks=[Stop()])  # nothing is left of the schedule

        assert len(classifier.history_["loss"]) == classifier.best_epoch_ == 2
        for ours, theirs in zip(then_none.model_.trainable_weights, once.model_.trainable_weights, strict=True):
            np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), atol=1e-6)  # norms are kept at each step
        assert after.history_ == classifier.history_


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


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """Let no network train, but write down what it would have been given."""
    record = Seen()
    monkeypatch.setattr(keras.Sequential, "train_on_batch", lambda model, x, *a, **k: record.train(model, x, *a, **k))
    monkeypatch.setattr(keras.Sequential, "predict_on_batch", lambda model, x: record.predict(model, x))
    # What it has learned of its training data is looked at when training is over.
    monkeypatch.setattr(NetworkEstimator, "_judge", lambda *_: None)
    return record


def numbered(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return windows that hold their own number, and two classes in turn."""
    return np.tile(np.arange(n, dtype=np.float32)[:, None, None], (1, 2, N_TIMES)), np.arange(n) % 2


class TestWhatIsSeen:
    @every_model
    @pytest.mark.parametrize(("n", "batch_size"), [(10, 4), (9, 3), (5, 64), (7, 6)])
    def test_every_window_is_seen_in_every_epoch_in_another_order(
        self, name: str, n: int, batch_size: int, seen: Seen
    ) -> None:
        X, y = numbered(n)

        make(name, epochs=3, batch_size=batch_size, normalization=None).fit(
            X, y, callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=seen.next_epoch)]
        )

        epochs = seen.trained[:3]
        assert [set(epoch) for epoch in epochs] == [set(range(n))] * 3
        assert seen.largest_batch <= batch_size
        assert not epochs[0] == epochs[1] == epochs[2]

    @every_model
    @pytest.mark.parametrize(("fraction", "n_groups_aside"), [(0.25, 2), (0.5, 4), (0.01, 1)])
    def test_validation_data_are_carved_out_in_whole_groups(
        self, name: str, fraction: float, n_groups_aside: int, seen: Seen
    ) -> None:
        X, y = numbered(40)
        groups = np.random.default_rng(0).permutation(np.arange(40) % 8)

        make(name, validation_fraction=fraction, normalization=None).fit(X, y, groups=groups)

        trained = set(seen.trained[0])
        assert trained | seen.predicted == set(range(40))
        assert not set(groups[list(trained)]) & set(groups[list(seen.predicted)])
        assert len(set(groups[list(seen.predicted)])) == n_groups_aside

    @every_model
    def test_windows_are_carved_by_their_trials(self, name: str, seen: Seen, small_trials: Trials) -> None:
        n_samples = len(small_trials.signals)
        signals = np.repeat(np.arange(n_samples, dtype=np.float32)[:, None], 2, axis=1)
        windows = with_signals(small_trials, signals).windows(duration=0.5, step=0.25)

        make(name, validation_fraction=0.25, normalization=None).fit(windows, quadrants()(windows))

        trials_trained, trials_aside = (
            {sample // 144 for sample in samples} for samples in (seen.trained[0], seen.predicted)
        )
        assert len(trials_aside) == 6
        assert trials_trained == set(range(24)) - trials_aside

    @every_model
    def test_nothing_is_carved_out_where_validation_data_are_given(self, name: str, seen: Seen) -> None:
        X, y = numbered(20)

        make(name, validation_fraction=0.25, normalization=None).fit(X, y, validation_data=(X[:4] + 100, y[:4]))

        assert set(seen.trained[0]) == set(range(20))
        assert seen.predicted == {100, 101, 102, 103}

    @every_model
    def test_windows_are_gathered_batch_by_batch(self, name: str, seen: Seen, small_trials: Trials) -> None:
        gathered: list[int] = []

        class Watched(Windows):
            def gather(self, index: np.ndarray | slice = slice(None)) -> np.ndarray:
                batch = super().gather(index)
                gathered.append(len(batch))
                return batch

        some = small_trials.windows(n_times=16, step=1)
        windows = Watched(some.trials, some.n_times, some.starts, some.trial_index)
        y = quadrants()(windows)

        make(name, batch_size=300).fit(windows, y, validation_data=(windows, y)).predict(windows)

        assert len(windows) == 24 * 113
        assert max(gathered) <= 1024


class TestErrors:
    @every_model
    @pytest.mark.parametrize("as_windows", [False, True])
    def test_one_class_only_is_refused(self, name: str, as_windows: bool, few_windows: Windows) -> None:
        X = few_windows if as_windows else few_windows.to_numpy()

        with pytest.raises(ValueError, match="one class only, 'calm'"):
            make(name).fit(X, np.full(len(X), "calm"))

    @every_model
    @pytest.mark.parametrize(
        ("as_windows", "message"),
        [(False, r"inconsistent numbers of samples: \[48, 47\]"), (True, r"each of the 48 windows, got \(47,\)")],
    )
    def test_classes_that_do_not_fit_the_windows_are_refused(
        self, name: str, as_windows: bool, message: str, few_windows: Windows
    ) -> None:
        X = few_windows if as_windows else few_windows.to_numpy()

        with pytest.raises(ValueError, match=message):
            make(name).fit(X, np.arange(47) % 2)

    @every_model
    @pytest.mark.parametrize("value", [np.nan, np.inf])
    @pytest.mark.parametrize("as_windows", [False, True])
    def test_values_that_are_not_finite_are_refused(
        self, fitted: dict[str, EEGClassifier], name: str, as_windows: bool, value: float, few_windows: Windows
    ) -> None:
        signals = few_windows.trials.signals.copy()
        signals[320] = value  # of the third trial, past its baseline
        windows = with_signals(few_windows.trials, signals).windows(duration=0.5, step=0.5)
        X = windows if as_windows else windows.to_numpy()

        with pytest.raises(ValueError, match=r"NaN|infinity|finite"):
            make(name).fit(X, quadrants()(windows))
        with pytest.raises(ValueError, match=r"NaN|infinity|finite"):
            fitted[name].predict(X)

    @every_model
    @pytest.mark.parametrize(
        ("shape", "message"),
        [
            ((3, 2, 20), r"windows of 2 channels x 20 samples, but \w+ was fitted on 2 x 16"),
            ((3, 5, 16), "X has 5 features, but .* is expecting 2 features"),
            ((3, 2, 16, 1), r"shape \(n, n_channels, n_times\), got 4 dimensions"),
            ((0, 2, 16), "0 sample"),
        ],
    )
    def test_windows_of_another_shape_than_the_fitted_ones_are_refused(
        self, fitted: dict[str, EEGClassifier], name: str, shape: tuple[int, ...], message: str
    ) -> None:
        with pytest.raises(ValueError, match=message):
            fitted[name].predict(np.zeros(shape))

    @every_model
    def test_windows_of_another_length_than_the_fitted_ones_are_refused(
        self, fitted: dict[str, EEGClassifier], name: str, small_trials: Trials
    ) -> None:
        with pytest.raises(ValueError, match=r"2 channels x 32 samples, but \w+ was fitted on 2 x 16"):
            fitted[name].predict(small_trials.windows(duration=1.0, step=1.0))

    @every_model
    def test_no_windows_are_refused(self, fitted: dict[str, EEGClassifier], name: str, few_windows: Windows) -> None:
        with pytest.raises(ValueError, match="no windows"):
            make(name).fit(few_windows[:0], np.array([]))
        with pytest.raises(ValueError, match="no windows"):
            fitted[name].predict(few_windows[:0])

    @every_model
    @pytest.mark.parametrize(
        "setting",
        [
            {"epochs": 0},
            {"epochs": 2.5},
            {"epochs": "many"},
            {"batch_size": 0},
            {"batch_size": -32},
            {"patience": 0},
            {"learning_rate": 0},
            {"learning_rate": -0.1},
            {"learning_rate": np.nan},
            {"learning_rate": np.inf},
            {"learning_rate": "fast"},
            {"validation_fraction": 0},
            {"validation_fraction": 1},
            {"validation_fraction": -0.2},
            {"validation_fraction": np.nan},
            {"validation_fraction": "0.2"},
        ],
        ids=str,
    )
    def test_a_setting_of_training_that_cannot_be_carried_out_is_refused(
        self, name: str, setting: dict[str, Any]
    ) -> None:
        ((key, value),) = setting.items()

        with pytest.raises(ConfigError, match=rf"{key}.*{value}"):
            make(name, **setting).fit(*noise(20))

    @pytest.mark.parametrize(
        ("name", "setting"),
        [
            ("cnn-gru", {"filters": 0}),
            ("cnn-gru", {"kernel_size": -1}),
            ("cnn-gru", {"pool_size": 0}),
            ("cnn-gru", {"units": 0}),
            ("cnn-lstm", {"units": -3}),
            ("cnn-lstm", {"dense_units": 0}),
            ("cnn-lstm", {"dropout": 1.5}),
            ("tcn", {"nb_filters": 0}),
            ("tcn", {"dropout": -0.1}),
            ("tcn", {"dilations": ()}),
        ],
        ids=str,
    )
    def test_a_size_that_no_network_can_have_is_refused_by_name(self, name: str, setting: dict[str, Any]) -> None:
        with pytest.raises(ConfigError, match=next(iter(setting))):
            make(name, **setting).fit(*noise(20))

    @every_model
    def test_too_few_groups_to_carve_validation_data_out_of_are_refused(self, name: str) -> None:
        X, y = noise(20)

        with pytest.raises(ConfigError, match="1 groups, too few"):
            make(name, validation_fraction=0.2).fit(X, y, groups=np.zeros(20))

    @every_model
    @pytest.mark.parametrize("n", [19, 21])
    def test_groups_that_do_not_fit_the_windows_are_refused(self, name: str, n: int) -> None:
        X, y = noise(20)

        with pytest.raises(ValueError, match="groups"):
            make(name, validation_fraction=0.2).fit(X, y, groups=np.arange(n) // 4)

    @every_model
    def test_validation_classes_that_the_training_data_lack_are_refused(self, name: str) -> None:
        X, y = toy(30, 0)

        with pytest.raises(ValueError, match=r"classes that the training data lack: \['happy'\]"):
            make(name).fit(X, y, validation_data=(X[:2], np.array(["none", "happy"])))

    @every_model
    @pytest.mark.parametrize("n", [1, 9, 11])
    @pytest.mark.parametrize("as_windows", [False, True])
    def test_validation_classes_that_do_not_fit_their_windows_are_refused(
        self, name: str, n: int, as_windows: bool, few_windows: Windows
    ) -> None:
        y = quadrants()(few_windows)
        held_out = few_windows[:10] if as_windows else few_windows[:10].to_numpy()

        with pytest.raises(ValueError, match=rf"inconsistent numbers of samples: \[10, {n}\]|10 windows, got \({n},\)"):
            make(name).fit(few_windows, y, validation_data=(held_out, y[:n]))

    @every_model
    def test_validation_windows_of_another_shape_are_refused(self, name: str) -> None:
        X, y = noise(20)

        with pytest.raises(ValueError, match=r"2 channels x 12 samples, but \w+ was fitted on 2 x 16"):
            make(name).fit(X, y, validation_data=(X[:, :, :12], y))

    @every_model
    @pytest.mark.parametrize(
        "use",
        [
            lambda classifier: classifier.predict(noise(3)[0]),
            lambda classifier: classifier.predict_proba(noise(3)[0]),
            lambda classifier: classifier.score(*noise(3)),
            lambda classifier: classifier.save("never.keras"),
        ],
        ids=["predict", "predict_proba", "score", "save"],
    )
    def test_a_classifier_that_was_not_fitted_says_so(self, name: str, use: Callable[[EEGClassifier], Any]) -> None:
        with pytest.raises(NotFittedError, match="not fitted yet"):
            use(make(name))


class TestWeights:
    @every_model
    def test_a_whole_weight_is_the_same_as_so_many_copies(self, name: str) -> None:
        X, y = toy(20, 0)
        weight = np.random.default_rng(1).integers(0, 4, 20)

        weighted = make(name).fit(X, y, sample_weight=weight)
        copied = make(name).fit(X.repeat(weight, axis=0), y.repeat(weight))

        assert weighted.history_ == copied.history_
        np.testing.assert_array_equal(weighted.predict_proba(X), copied.predict_proba(X))

    @every_model
    def test_windows_of_no_weight_are_never_seen(self, name: str, seen: Seen) -> None:
        X, y = numbered(20)
        weight = np.where(np.arange(20) < 12, 0.5, 0.0)

        make(name, epochs=5, normalization=None).fit(X, y, sample_weight=weight)

        # All below 1, so relative to the largest: a half is as good as a whole.
        assert sorted(seen.trained[0]) == sorted(list(range(12)) * 5)

    def test_a_fraction_is_the_chance_of_being_seen_in_an_epoch(self, seen: Seen) -> None:
        X, y = numbered(20)
        weight = np.where(np.arange(20) < 10, 1.25, 0.25)

        make("cnn-gru", epochs=400, normalization=None).fit(X, y, sample_weight=weight)

        often = np.bincount(seen.trained[0], minlength=20) / 400
        # The standard error is sqrt(.25 * .75 / 400) = .022, and a batch is filled up by at most one share.
        np.testing.assert_allclose(often, weight, atol=0.1)

    @every_model
    def test_a_rare_class_is_found_where_classes_weigh_the_same(self, name: str) -> None:
        X, y = noise(200)
        y = (np.arange(200) < 20).astype(int)

        plain = make(name, epochs=4, learning_rate=0.01).fit(X, y)
        balanced = make(name, epochs=4, learning_rate=0.01, class_weight="balanced").fit(X, y)

        # A network that has learned nothing but how common the classes are says .1, and .5 where they weigh the same.
        often = [model.predict_proba(noise(200, seed=1)[0])[:, 1].mean() for model in (plain, balanced)]
        assert often[0] < 0.4
        assert often[1] > often[0] + 0.1

    def test_class_weights_and_weights_of_windows_multiply(self, seen: Seen) -> None:
        X, y = numbered(8)  # classes 0 1 0 1 ...
        weight = np.array([1.0, 1, 1, 1, 2, 2, 2, 2])

        make("cnn-gru", epochs=1, normalization=None, class_weight={0: 3, 1: 1}).fit(X, y, sample_weight=weight)

        # Relative to their mean of 2, class 0 weighs 1.5 and class 1 weighs 0.5; times 2, 3 and 1 for the last four.
        assert [seen.trained[0].count(number) for number in range(4, 8)] == [3, 1, 3, 1]

    @pytest.mark.parametrize(
        ("weight", "message"),
        [([1.0] * 19, "shape"), ([-1.0] * 20, "[Nn]egative"), ([0.0] * 20, "zero"), ([np.nan] * 20, "NaN")],
    )
    def test_weights_that_cannot_be_used_are_refused(self, weight: list[float], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            make("cnn-gru").fit(*noise(20), sample_weight=np.array(weight))

    def test_tiny_weights_never_leave_an_epoch_empty(self) -> None:
        X, y = noise(24)
        weight = np.full(24, 1e-3)
        weight[0] = 1.0
        for seed in range(5):
            for settings in ({"class_weight": "balanced"}, {"validation_fraction": 0.3}):
                make("cnn-gru", epochs=1, random_state=seed, **settings).fit(X, y, sample_weight=weight)

    def test_weights_that_make_an_epoch_endless_are_refused(self) -> None:
        with pytest.raises(ConfigError, match=r"sum to 2e\+11 for 20 windows. Divide them by their mean"):
            make("cnn-gru").fit(*noise(20), sample_weight=np.full(20, 1e10))

    @pytest.mark.parametrize("weight", [{0: -1, 1: 2}, {0: 0, 1: 0}], ids=str)
    def test_a_class_weight_below_nothing_is_refused(self, weight: dict[int, float]) -> None:
        with pytest.raises(ConfigError, match="must not be negative, nor all 0"):
            make("cnn-gru", class_weight=weight).fit(*noise(20))

    def test_a_class_weight_of_no_class_is_refused(self) -> None:
        with pytest.raises(ValueError, match="class"):
            make("cnn-gru", class_weight={"happy": 2}).fit(*noise(20))


class TestNetworks:
    """A network by its name, as an object, and anybody's own."""

    def test_a_name_an_object_and_a_grid_searchs_parameter_are_the_same(self) -> None:
        X, y = toy(30, 0)
        by_name = EEGClassifier("cnn-gru", **_QUICK).set_params(network__units=3)
        by_object = EEGClassifier(CNNGRU(units=3), **_QUICK)
        search = GridSearchCV(EEGClassifier("cnn-gru", **_QUICK), {"network__units": [3]}, cv=2, error_score="raise")

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

        search = GridSearchCV(EEGClassifier(**_QUICK), grid, cv=2, error_score="raise").fit(X, y)

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

        first, second = (EEGClassifier(own, **_QUICK | {"epochs": 8}).fit(X, y) for _ in range(2))

        np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
        assert first.score(*toy(90, 1)) > 0.9
        assert isinstance(first.model_.layers[0], ChannelNormalization)

    def test_a_function_keeps_its_model_through_a_pickle(self) -> None:
        X, y = toy(30, 0)
        classifier = EEGClassifier(own, **_QUICK).fit(X, y)

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


class TestNothingIsLeftBehind:
    """A fit leaves nothing to the next one, whoever got hold of the network in between."""

    def test_a_function_that_returns_a_model_again_is_refused(self) -> None:
        """What it learned on one fold's training data, another fold is tested on."""
        X, y = toy(30, 0)
        model = own(N_TIMES, 2, 3)
        classifier = EEGClassifier(lambda *_: model, **_QUICK).fit(X, y)

        with pytest.raises(ConfigError, match="returned layers that it had returned before"):
            clone(classifier).fit(X, y)
        with pytest.raises(ConfigError, match="returned layers that it had returned before"):
            EEGClassifier(lambda *_: keras.Sequential([*model.layers]), **_QUICK).fit(X, y)

    def test_a_frozen_part_may_be_shared(self) -> None:
        X, y = toy(30, 0)
        frozen = keras.layers.Conv1D(4, 3, trainable=False)

        def on_frozen(n_times: int, n_channels: int, n_outputs: int) -> keras.Model:
            rest = [keras.layers.GlobalMaxPooling1D(), keras.layers.Dense(n_outputs, activation="softmax")]
            return keras.Sequential([keras.Input((n_times, n_channels)), frozen, *rest])

        first, second = (EEGClassifier(on_frozen, **_QUICK).fit(X, y) for _ in range(2))

        np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))

    @pytest.mark.parametrize("meddle", ["compile", "optimizer", "freeze"])
    def test_a_callback_that_changes_the_network_changes_no_later_fit(self, meddle: str) -> None:
        X, y = toy(30, 0)

        class Meddler(keras.callbacks.Callback):
            def on_train_begin(self, logs: Any = None) -> None:
                if meddle == "compile":
                    optimizer = keras.optimizers.SGD(0.5, momentum=0.9)
                    self.model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
                elif meddle == "optimizer":
                    self.model.optimizer = keras.optimizers.SGD(0.0)
                    self.model.optimizer.build(self.model.trainable_variables)
                else:
                    self.model.layers[1].trainable = False

        compiled._idle.clear()
        expected = make("cnn-lstm").fit(X, y).predict_proba(X)
        meddler = Meddler()
        meddled = make("cnn-lstm", random_state=1)
        if meddle == "freeze" and keras.backend.backend() == "jax":  # which Keras refuses there
            with pytest.raises(ValueError, match="trainable variables"):
                meddled.fit(X, y, callbacks=meddler)
            np.testing.assert_array_equal(make("cnn-lstm").fit(X, y).predict_proba(X), expected)
            return
        meddled.fit(X, y, callbacks=meddler)
        seen = np.asarray(meddler.model.predict_on_batch(X.transpose(0, 2, 1)))

        np.testing.assert_array_equal(make("cnn-lstm").fit(X, y).predict_proba(X), expected)
        assert meddler.model is meddled.model_
        np.testing.assert_array_equal(seen, np.asarray(meddler.model.predict_on_batch(X.transpose(0, 2, 1))))

    @pytest.mark.parametrize(
        "bad",
        [{"sample_weight": -np.ones(30)}, {"y": np.zeros(30)}, {"validation_data": 0.2}, {"callbacks": [3]}],
        ids=str,
    )
    def test_a_refit_that_fails_leaves_no_old_network_under_new_classes(self, bad: dict[str, Any]) -> None:
        X, y = toy(30, 0)
        classifier = make("cnn-gru").fit(X, y)

        with pytest.raises(ValueError, match=r".+"):
            classifier.fit(X, **{"y": np.where(y == "none", "sad", "happy"), **bad})

        with pytest.raises(NotFittedError):
            classifier.predict(X)

    @pytest.mark.parametrize("restore", [True, False])
    def test_a_callback_that_restores_weights_has_the_last_word(self, restore: bool) -> None:
        X, y = noise(40)
        stop = keras.callbacks.EarlyStopping("loss", min_delta=10, patience=2, restore_best_weights=restore)

        after: list[np.ndarray] = []

        class Watch(keras.callbacks.Callback):
            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                after.append(self.model.predict_on_batch(X.transpose(0, 2, 1)))

        classifier = make("cnn-gru", epochs=6).fit(X, y, callbacks=[stop, Watch()])

        same = [np.allclose(classifier.predict_proba(X), proba, atol=1e-6) for proba in after]
        assert same == (
            [True, False, False] if restore else [False, False, True]
        )  # none is better by 10 than the first

    def test_a_stop_in_a_batch_ends_the_training_there(self) -> None:
        batches: list[int] = []

        class Stop(keras.callbacks.Callback):
            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                batches.append(batch)
                self.model.stop_training = batch == 1

        make("cnn-gru", epochs=5, batch_size=5).fit(*noise(40), callbacks=Stop())

        assert batches == [0, 1]

    @pytest.mark.parametrize("callbacks", [None, (), keras.callbacks.ProgbarLogger()], ids=["None", "empty", "bar"])
    def test_callbacks_may_be_given_as_keras_takes_them(self, callbacks: Any) -> None:
        make("cnn-gru").fit(*noise(20), callbacks=callbacks)

    @pytest.mark.parametrize(
        ("callbacks", "message"),
        [
            ([keras.callbacks.TerminateOnNaN], r"got its class: give TerminateOnNaN\(\)"),
            ([print], "wrap a function in keras.callbacks.LambdaCallback"),
        ],
    )
    def test_what_is_no_callback_is_refused(self, callbacks: Any, message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            make("cnn-gru").fit(*noise(20), callbacks=callbacks)

    def test_a_training_that_diverges_says_so(self) -> None:
        with pytest.warns(UserWarning, match="Training diverged: the loss of EEGClassifier is not finite"):
            make("cnn-gru", learning_rate=1e30, epochs=3).fit(*noise(20))

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"epochs": 5}, r"'epochs' is no parameter of .*fit; it is set before: EEGClassifier\(epochs=\.\.\.\)"),
            ({"validation_split": 0.2}, "Did you mean|Unknown parameter 'validation_split'"),
            ({"validation_data": 0.2}, r"validation_data must be \(X, y\)"),
        ],
    )
    def test_what_keras_takes_in_fit_is_answered(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            make("cnn-gru").fit(*noise(20), **options)


class TestNotWindows:
    @pytest.mark.parametrize("estimator", [EEGClassifier("cnn-gru"), RMS()], ids=["network", "feature"])
    def test_epochs_of_mne_are_refused_by_name(self, estimator: Any, small_trials: Trials) -> None:
        epochs = small_trials.to_epochs()

        with pytest.raises(TypeError, match=r"mne.EpochsArray, which holds volts.*Trials.from_epochs"):
            estimator.fit(epochs, np.zeros(len(epochs)))

    @pytest.mark.parametrize("estimator", [EEGClassifier("cnn-gru"), RMS()], ids=["network", "feature"])
    def test_trials_that_are_not_cut_are_refused(self, estimator: Any, small_trials: Trials) -> None:
        with pytest.raises(TypeError, match=r"X is Trials; cut them into windows first"):
            estimator.fit(small_trials, np.zeros(len(small_trials)))


class TestCollapse:
    """A network that has learned nothing says so; one that has does not."""

    @every_model
    def test_a_network_that_answers_one_class_warns_and_says_so(self, name: str) -> None:
        X = np.zeros((60, 2, N_TIMES))  # all windows are the same

        with pytest.warns(CollapseWarning, match="has collapsed: it answers one class for all of its training data"):
            classifier = make(name).fit(X, np.arange(60) % 3)

        assert classifier.collapse_ == "it answers one class for all of its training data"

    @every_model
    def test_a_network_that_learns_is_silent(self, name: str) -> None:
        X, y = toy(60, 0)

        with warnings.catch_warnings():
            warnings.simplefilter("error", CollapseWarning)
            classifier = make(name, epochs=15, batch_size=20, learning_rate=0.02).fit(X, y)

        assert classifier.collapse_ is None

    def test_weights_of_classes_count_in_what_guessing_reaches(self) -> None:
        # Nine in ten are of one class; with balanced weights a network that learns nothing has a loss of ln 2.
        X, _ = noise(60)
        y = (np.arange(60) % 10 == 0).astype(int)

        with pytest.warns(CollapseWarning):
            classifier = make("cnn-gru", epochs=1, learning_rate=1e-9, class_weight="balanced").fit(X, y)

        assert re.search("one class|0[.]69", str(classifier.collapse_))


class TestMicrovolts:
    def test_volts_are_warned_of_in_training_and_in_prediction(self) -> None:
        X, y = toy(30, 0)
        classifier = make("cnn-gru", epochs=1).fit(10 * X, y)

        with pytest.warns(UserWarning, match="vary by .* as EEG in volts does; microvolts are expected"):
            make("cnn-gru", epochs=1).fit(1e-5 * X, y)
        with pytest.warns(UserWarning, match="multiply by 1e6"):
            classifier.predict(1e-5 * X)

    def test_quiet_and_flat_channels_are_no_volts(self) -> None:
        X, y = toy(30, 0)
        X[:, 0] = 0

        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=".*volts")
            make("cnn-gru", epochs=1).fit(X, y)
            make("cnn-gru", epochs=1).fit(0 * X, y)


class TestAugmentation:
    def test_every_window_is_cut_anew_inside_the_training_windows_of_its_trial(
        self, seen: Seen, small_trials: Trials
    ) -> None:
        n_samples = len(small_trials.signals)
        signals = np.repeat(np.arange(n_samples, dtype=np.float32)[:, None], 2, axis=1)
        windows = with_signals(small_trials, signals).windows(n_times=16)
        kept = windows[windows.trial_index % 2 == 0]

        make("cnn-gru", epochs=20, normalization=None, augment=True).fit(kept, quadrants()(kept))

        first = np.array([start for epoch in seen.trained for start in epoch])
        assert len(np.unique(first % 144)) == 113  # from the first sample after the baseline to the last that fits
        assert set(first // 144) == set(range(0, 24, 2))
        assert ((first % 144 >= 16) & (first % 144 <= 128)).all()

    def test_the_same_seed_cuts_the_same_windows(self, few_windows: Windows) -> None:
        y = quadrants()(few_windows)

        one, other = (make("cnn-gru", augment=True).fit(few_windows, y).predict_proba(few_windows) for _ in range(2))
        plain = make("cnn-gru").fit(few_windows, y).predict_proba(few_windows)

        np.testing.assert_array_equal(one, other)
        assert not np.allclose(one, plain)

    @pytest.mark.parametrize(
        ("augment", "message"), [(True, "an array lacks; give Windows"), ("shift", "True or False")]
    )
    def test_arrays_and_other_answers_are_refused(self, augment: Any, message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            make("cnn-gru", augment=augment).fit(*noise(20))
