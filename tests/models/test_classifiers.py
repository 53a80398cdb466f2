"""What every registered classifier does: scikit-learn's tools on 3-D arrays and Windows, learning, and collapse."""

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
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from eegemo import CollapseWarning, EEGClassifier, Windows, quadrants
from eegemo.networks import NETWORKS
from tiny import TINY, traced
from toy_windows import N_TIMES, QUICK, every_model, make, noise, toy

pytestmark = pytest.mark.usefixtures("no_tracing")


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
        assert copied.get_params()["learning_rate"] == QUICK["learning_rate"]
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
        settings = {name: {**TINY.get(name, {}), **QUICK, "epochs": 10} for name in NETWORKS}
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
