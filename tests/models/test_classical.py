"""The classical pipelines: registered, run under every protocol, and what their parts are."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import SVC, LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from eegemo import ConfigError, EEGClassifier, Trials, Windows, evaluate, make_splitter, quadrants, simulate
from eegemo.evaluation.protocols import PROTOCOLS
from eegemo.features.bands import DifferentialEntropy
from eegemo.features.bin_power import BinPower
from eegemo.models import CLASSICAL, MODELS, make_model
from eegemo.models.classical import SoftmaxDecision, samples
from eegemo.networks import CNNGRU, NETWORKS

every_model = pytest.mark.parametrize("name", CLASSICAL)


@pytest.fixture(scope="module")
def windows() -> Windows:
    """Three people whose EEG knows a lot, in windows of 4 s; only 10 s of a trial, to be quick."""
    trials = quadrants().select(simulate(3, effect=1.5, channels=["F3", "F4", "FC5", "P4", "O1", "O2"]))
    beginning = trials.table.assign(n_times=trials.table["n_baseline"] + 10 * 128)
    short = Trials(trials.signals, beginning, trials.ch_names, 128.0, "simulated", simulated=True)
    return short.windows(4.0, 2.0)


@every_model
def test_the_effect_is_found_on_unseen_trials(windows: Windows, name: str) -> None:
    result = evaluate(make_model(name, random_state=0), windows, quadrants(), "trial")
    assert result.of_subjects()["kappa"].mean() > 0.2
    assert result.leakage.trial == 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
@every_model
def test_every_model_runs_under_every_protocol(windows: Windows, name: str, protocol: str) -> None:
    trials = windows.trials
    trials = trials._replaced(
        table=trials.table.assign(session=trials.table["trial"] % 4, dataset=trials.table["subject"])
    )
    few = Windows(trials, windows.n_times, windows.starts, windows.trial_index)[::2]
    model = make_model(name, random_state=0)
    if name == "random-forest":
        model.set_params(classifier__n_estimators=10)
    result = evaluate(model, few, quadrants(), make_splitter(protocol, n_splits=None))
    (fold,) = result.folds
    assert fold.proba.shape == (len(fold.test), 4)
    np.testing.assert_allclose(fold.proba.sum(axis=1), 1, atol=1e-5)


@every_model
def test_models_are_cloned_pickled_and_repeat_themselves(windows: Windows, name: str) -> None:
    few, y = windows[::2], quadrants()(windows[::2])
    model = make_model(name, random_state=3).fit(few, y)
    expected = model.predict_proba(few)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(few), expected)
    np.testing.assert_array_equal(clone(model).fit(few, y).predict_proba(few), expected)


def test_a_model_is_made_by_its_name() -> None:
    assert set(MODELS) == set(NETWORKS) | set(CLASSICAL)
    network = make_model("eegnet", random_state=4, epochs=7, F1=3)
    assert (network.random_state, network.epochs, network.network.F1) == (4, 7, 3)
    assert isinstance(make_model("riemann", random_state=4), Pipeline)
    assert make_model("linear-svm", classifier__estimator__C=7).get_params()["classifier__estimator__C"] == 7
    with pytest.raises(ConfigError, match="Did you mean 'riemann'"):
        make_model("rieman")


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("logistic-regression", {"C": 10}, r"Unknown parameter 'C' of model 'logistic-regression'.*classifier__C"),
        ("logistic-regression", {"epochs": 3}, "Unknown parameter 'epochs' of model 'logistic-regression'"),
        ("cnn-gru", {"unit": 3}, r"Unknown parameter 'unit' of model 'cnn-gru'\. Did you mean 'units'"),
        ("tcn", {"lr": 0.1}, r"Did you mean 'learning_rate'\?"),
        ("tcn", {"units": 3}, "Unknown parameter 'units' of model 'tcn'"),
    ],
)
def test_a_parameter_that_a_model_does_not_have_is_refused(name: str, params: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_model(name, **params)


def test_the_tangent_space_is_that_of_its_definition(windows: Windows) -> None:
    """log(C^-1/2 X C^-1/2) at the mean, off-diagonal elements times root 2: at two matrices, by hand."""
    front = make_model("riemann")[:3].fit(windows)
    mean = front.named_steps["tangent"].reference_
    covariance = front[:2].transform(windows[:2])

    def power(matrix: np.ndarray, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        values, vectors = np.linalg.eigh(matrix)
        return (vectors * function(values)) @ vectors.T

    whiten = power(mean, lambda values: values**-0.5)
    for row, matrix in enumerate(covariance):
        logarithm = power(whiten @ matrix @ whiten, np.log)
        upper = np.triu_indices(6)
        expected = logarithm[upper] * np.where(upper[0] == upper[1], 1, np.sqrt(2))
        np.testing.assert_allclose(front.transform(windows[:2])[row], expected, atol=1e-6)


def test_samples_are_copied_out(windows: Windows) -> None:
    X = samples(windows[:3])
    assert X.dtype == np.float64
    np.testing.assert_array_equal(X, windows[:3].to_numpy())


# Probabilities of machines that decide


@parametrize_with_checks([SoftmaxDecision(LinearDiscriminantAnalysis())])
def test_scikit_learn_accepts_the_wrapper(estimator: BaseEstimator, check: Callable[[BaseEstimator], None]) -> None:
    check(estimator)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("machine", [SVC(), LinearSVC()])
def test_the_most_probable_class_is_the_one_decided_for(machine: BaseEstimator, n_classes: int) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((120, 5)), np.array(list("dbca"))[rng.integers(0, n_classes, 120)]
    X[:, 0] += (y == y[0]) * 2
    wrapped = SoftmaxDecision(machine).fit(X, y)
    np.testing.assert_array_equal(wrapped.predict(X), clone(machine).fit(X, y).predict(X))
    proba = wrapped.predict_proba(X)
    np.testing.assert_array_equal(wrapped.classes_[proba.argmax(axis=1)], wrapped.predict(X))
    decision = clone(machine).fit(X, y).decision_function(X)
    if n_classes == 2:
        np.testing.assert_allclose(proba[:, 1], 1 / (1 + np.exp(-decision)))
    else:
        np.testing.assert_allclose(proba, np.exp(decision) / np.exp(decision).sum(axis=1, keepdims=True))


# A network at the end of a pipeline


class Remembers(EEGClassifier):
    """Keeps the validation data that it was given."""

    given: ClassVar[list[Any]] = []

    def fit(self, X: Any, y: Any, *, validation_data: Any = None, **options: Any) -> Self:
        Remembers.given.append(validation_data)
        return super().fit(X, y, validation_data=validation_data, **options)


def test_a_network_on_features_stops_on_transformed_validation_data(small_trials: Trials) -> None:
    trials = Trials(
        small_trials.signals, small_trials.table, small_trials.ch_names, 128.0, "fast noise", simulated=True
    )
    windows = trials.windows(n_times=64, step=32)
    network = Remembers(CNNGRU(filters=4, units=3, dense_units=4, pool_size=2), epochs=2)
    splitter = make_splitter("trial", n_splits=None)
    result = evaluate(make_pipeline(BinPower(), network), windows, quadrants(), splitter)
    (fold,) = result.folds
    assert list(fold.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert fold.n_parameters is not None
    ((X, y),) = Remembers.given
    np.testing.assert_array_equal(X, BinPower().fit_transform(windows[fold.validation]))
    np.testing.assert_array_equal(y, quadrants()(windows)[fold.validation])


def test_a_pipeline_whose_last_step_takes_none_is_fitted_as_it_is(windows: Windows) -> None:
    pipeline = make_pipeline(BinPower(), LogisticRegression(max_iter=50))
    result = evaluate(pipeline, windows, quadrants(), make_splitter("trial", n_splits=None))
    assert result.folds[0].history == {}


def test_features_are_computed_once_for_all_folds_and_give_the_same_numbers(
    windows: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    few, calls = windows[::2], []
    splitter = make_splitter("trial", n_splits=3)
    transform = DifferentialEntropy.transform

    def counted(self: DifferentialEntropy, X: Any) -> np.ndarray:
        calls.append(len(X))
        return transform(self, X)

    monkeypatch.setattr(DifferentialEntropy, "transform", counted)
    once = evaluate(make_model("logistic-regression", random_state=0), few, quadrants(), splitter)
    assert calls == [len(few)]
    for fold in once.folds:
        again = make_model("logistic-regression", random_state=0).fit(few[fold.train], quadrants()(few)[fold.train])
        np.testing.assert_allclose(again.predict_proba(few[fold.test]), fold.proba, atol=1e-5)


def test_a_table_of_features_is_left_to_the_pipeline(windows: Windows) -> None:
    model = make_model("logistic-regression", random_state=0).set_output(transform="pandas")
    few = windows[::2]
    result = evaluate(model, few, quadrants(), make_splitter("trial", n_splits=None))
    plain = evaluate(make_model("logistic-regression", random_state=0), few, quadrants(), result.splitter)
    np.testing.assert_allclose(result.folds[0].proba, plain.folds[0].proba, atol=1e-6)
