"""What every registered classifier does: scikit-learn's tools on 3-D arrays and Windows, training, errors."""

from __future__ import annotations

import copy
import io
import json
import pickle
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib
import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from eegemo import CNNGRUClassifier, ConfigError, Trials, Windows, quadrants
from eegemo.models import NETWORKS, model_class
from eegemo.models.base import WindowClassifier

_CNN_RNN = {"filters": 8, "kernel_size": 3, "pool_size": 4, "units": 4, "dense_units": 8}
_TINY: dict[str, dict[str, Any]] = {
    "cnn-gru": _CNN_RNN,
    "cnn-lstm": _CNN_RNN,
    "tcn": {"nb_filters": 8, "kernel_size": 4},
    "eegnet": {"F1": 2, "D": 2, "F2": 4, "kernel_length": 8, "dropout": 0.0},
}
_QUICK: dict[str, Any] = {"epochs": 2, "batch_size": 32, "learning_rate": 0.02, "random_state": 0}
N_TIMES = 16

every_model = pytest.mark.parametrize("name", NETWORKS)


def make(name: str, **settings: Any) -> WindowClassifier:
    return model_class(name)(**{**_TINY.get(name, {}), **_QUICK, **settings})


@contextmanager
def tracing(wanted: bool) -> Iterator[None]:
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(not wanted)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


@pytest.fixture(scope="module", autouse=True)
def no_tracing() -> Iterator[None]:
    """Most tests fit a tiny network for a few steps: tracing it takes longer than running it."""
    with tracing(False):
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
    return small_trials.select(range(6)).windows(length=0.5, step=0.5)


@pytest.fixture(scope="module")
def fitted() -> dict[str, WindowClassifier]:
    """Every model, trained for two steps on thirty toy windows."""
    return {name: make(name).fit(*toy(30, 0)) for name in NETWORKS}


@pytest.fixture(scope="module")
def learned() -> dict[str, np.ndarray]:
    """The predictions of every model for new toy data, trained on graphs as a user's networks are."""
    X, y = toy(240, 0)
    with tracing(True):
        return {name: make(name, epochs=10).fit(X, y).predict_proba(toy(90, 1)[0]) for name in NETWORKS}


@pytest.fixture(scope="module")
def predicted(fitted: dict[str, WindowClassifier]) -> dict[str, np.ndarray]:
    """The predictions of every model for one window more than a batch holds."""
    return {name: classifier.predict_proba(toy(1025, 2)[0]) for name, classifier in fitted.items()}


class TestScikitLearnTools:
    """On arrays of shape (n, n_channels, n_times), which scikit-learn's own checks never use."""

    @every_model
    def test_classes_may_be_names_and_probabilities_come_in_their_order(
        self, fitted: dict[str, WindowClassifier], name: str
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
    def test_a_clone_has_the_settings_and_nothing_learned(self, fitted: dict[str, WindowClassifier], name: str) -> None:
        copied = clone(fitted[name])

        assert copied.get_params() == fitted[name].get_params()
        assert copied.get_params()["learning_rate"] == _QUICK["learning_rate"]
        with pytest.raises(NotFittedError):
            copied.predict_proba(toy(3, 0)[0])

    @every_model
    @pytest.mark.parametrize("way", ["pickle", "joblib", "deepcopy"])
    def test_a_trained_classifier_survives_pickling(
        self, fitted: dict[str, WindowClassifier], name: str, way: str
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
            make(name, epochs=3, batch_size=60), grid, cv=2, scoring="neg_log_loss", error_score="raise"
        )

        search.fit(X, y)

        assert search.best_params_ == {"learning_rate": 0.05}
        best = make(name, epochs=3, batch_size=60, learning_rate=0.05).fit(X, y)
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
        settings = {name: {**_TINY.get(name, {}), **_QUICK, "epochs": 10} for name in NETWORKS}
        script = (
            "import json, sys; import numpy as np; from eegemo.models import model_class\n"
            "data = np.load('toy.npz')\n"
            "fitted = {k: model_class(k)(**v).fit(data['X'], data['y']) for k, v in json.loads(sys.argv[1]).items()}\n"
            "np.savez('proba.npz', **{k: v.predict_proba(data['new']) for k, v in fitted.items()})\n"
        )

        subprocess.run([sys.executable, "-c", script, json.dumps(settings)], cwd=tmp_path, check=True)

        with np.load(tmp_path / "proba.npz") as fresh:
            for name in NETWORKS:
                np.testing.assert_array_equal(fresh[name], learned[name])

    @every_model
    def test_a_second_fit_starts_anew(self, fitted: dict[str, WindowClassifier], name: str) -> None:
        X, y = toy(30, 0)
        other = np.random.default_rng(3).standard_normal((20, 3, 20))
        classifier = make(name).fit(other, np.arange(20) % 2)

        classifier.fit(X, y)

        np.testing.assert_array_equal(classifier.predict_proba(X), fitted[name].predict_proba(X))
        assert classifier.history_ == fitted[name].history_

    @every_model
    def test_another_seed_gives_other_predictions(self, fitted: dict[str, WindowClassifier], name: str) -> None:
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

        np.testing.assert_allclose(shift, X.mean(axis=(0, 2)), rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(scale, 1 / X.std(axis=(0, 2)), rtol=1e-4)

    @every_model
    def test_the_normalisation_does_not_see_the_data_carved_out_for_validation(self, name: str) -> None:
        X, y = toy(30, 0)
        X[15:] *= 100
        halves = [X[:15], X[15:]]

        classifier = make(name, normalization="minmax", validation_fraction=0.5).fit(X, y, groups=np.arange(30) // 15)

        _, scale = classifier.model_.get_layer("normalization").get_weights()
        ranges = [np.ptp(half, axis=(0, 2)) for half in halves]
        assert any(np.allclose(2 / scale, span, rtol=1e-4) for span in ranges)

    @every_model
    @pytest.mark.parametrize("n", [1, 2, 3, 1024])
    def test_a_prediction_does_not_depend_on_the_windows_beside_it(
        self, fitted: dict[str, WindowClassifier], predicted: dict[str, np.ndarray], name: str, n: int
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
    def test_a_listener_hears_of_every_epoch(self, name: str) -> None:
        heard: list[tuple[int, dict[str, int]]] = []

        make(name, epochs=3).fit(
            *noise(20), on_epoch_end=lambda done, history: heard.append((done, {k: len(v) for k, v in history.items()}))
        )

        assert heard == [(n, {"loss": n, "accuracy": n}) for n in (1, 2, 3)]


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

        make(name, epochs=3, batch_size=batch_size, normalization=None).fit(X, y, on_epoch_end=seen.next_epoch)

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
        windows = with_signals(small_trials, signals).windows(length=0.5, step=0.25)

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

        some = small_trials.windows(length=16, step=1, unit="samples")
        windows = Watched(some.trials, some.length, some.starts, some.trial_index)
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
        self, fitted: dict[str, WindowClassifier], name: str, as_windows: bool, value: float, few_windows: Windows
    ) -> None:
        signals = few_windows.trials.signals.copy()
        signals[320] = value  # of the third trial, past its baseline
        windows = with_signals(few_windows.trials, signals).windows(length=0.5, step=0.5)
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
        self, fitted: dict[str, WindowClassifier], name: str, shape: tuple[int, ...], message: str
    ) -> None:
        with pytest.raises(ValueError, match=message):
            fitted[name].predict(np.zeros(shape))

    @every_model
    def test_windows_of_another_length_than_the_fitted_ones_are_refused(
        self, fitted: dict[str, WindowClassifier], name: str, small_trials: Trials
    ) -> None:
        with pytest.raises(ValueError, match=r"2 channels x 32 samples, but \w+ was fitted on 2 x 16"):
            fitted[name].predict(small_trials.windows(length=1.0, step=1.0))

    @every_model
    def test_no_windows_are_refused(self, fitted: dict[str, WindowClassifier], name: str, few_windows: Windows) -> None:
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
            {"patience": None},
            {"learning_rate": 0},
            {"learning_rate": -0.1},
            {"learning_rate": np.nan},
            {"learning_rate": np.inf},
            {"learning_rate": "fast"},
            {"learning_rate": None},
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
            make(name, **setting).build(N_TIMES, 2, 2)

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
    def test_a_classifier_that_was_not_fitted_says_so(self, name: str, use: Callable[[WindowClassifier], Any]) -> None:
        with pytest.raises(NotFittedError, match="not fitted yet"):
            use(make(name))


def test_an_epoch_whose_validation_loss_is_no_number_is_never_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    likelihoods = iter([0.4, 0.8, np.nan, np.nan, np.nan])
    classifier = CNNGRUClassifier(filters=2, units=2, dense_units=2, epochs=9, patience=3, random_state=0)

    def predict(source: Sized) -> np.ndarray:
        likelihood = next(likelihoods)
        return np.tile([likelihood, 1 - likelihood], (len(source), 1))

    monkeypatch.setattr(classifier, "_predict", predict)
    X, y = np.random.default_rng(0).standard_normal((8, 1, 32)).astype(np.float32), np.arange(8) % 2
    classifier.fit(X, y, validation_data=(X[y == 0], y[y == 0]))
    assert classifier.best_epoch_ == 2
    assert len(classifier.history_["val_loss"]) == 5
