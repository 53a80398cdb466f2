"""Running a classifier under a protocol: what it is shown, fold by fold, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline

from eegemo import ConfigError, EEGRegressor, MajorityClassifier, Trials, Windows, evaluate, quadrants
from toy_classifiers import Guesser, NearestMean
from toy_results import by_trial, four_folds
from toy_trials import with_columns


class Recorder(NearestMean):
    """Writes down every call; it is shared by all clones."""

    calls: ClassVar[list[dict[str, Any]]] = []

    def fit(self, X: Windows, y: np.ndarray, *, validation_data: tuple[Windows, np.ndarray] | None = None) -> Self:
        self.n_fits_ = getattr(self, "n_fits_", 0) + 1
        self.calls.append({"n_fits": self.n_fits_, "fit": X.starts, "y": y, "validation": validation_data})
        return super().fit(X, y)


@pytest.fixture
def calls() -> Iterator[list[dict[str, Any]]]:
    Recorder.calls.clear()
    yield Recorder.calls
    Recorder.calls.clear()


# What the classifier is shown


@pytest.mark.parametrize("protocol", ["window-random", "trial"])
def test_a_fresh_clone_sees_the_training_and_validation_windows_of_its_fold_alone(
    windows: Windows, calls: list[dict[str, Any]], protocol: str
) -> None:
    classifier = Recorder()
    results = evaluate(classifier, windows, quadrants(), four_folds(protocol))
    y = quadrants()(windows)
    splits = list(four_folds(protocol).triples(windows, y))
    assert [call["n_fits"] for call in calls] == [1] * 4
    assert not hasattr(classifier, "n_fits_")
    for call, fold, (train, validation, test) in zip(calls, results.folds, splits, strict=True):
        np.testing.assert_array_equal(call["fit"], windows.starts[train])
        np.testing.assert_array_equal(call["y"], y[train])
        np.testing.assert_array_equal(call["validation"][0].starts, windows.starts[validation])
        np.testing.assert_array_equal(call["validation"][1], y[validation])
        np.testing.assert_array_equal(fold.test, test)
        shown = np.append(call["fit"], call["validation"][0].starts)
        assert not np.isin(windows.starts[fold.test], shown).any()


def test_validation_data_of_a_class_that_training_lacks_are_not_passed_on(
    small_trials: Trials, calls: list[dict[str, Any]]
) -> None:
    windows = small_trials.select(np.arange(8)).windows()
    evaluate(Recorder(), windows, quadrants(), by_trial(validation=(0, 1, 4), test=(2,)))
    (call,) = calls
    assert set(call["y"]) == {1, 2, 3}
    assert set(call["validation"][1]) == {1}
    assert set(call["validation"][0].trial_index) == {1}


def test_without_usable_validation_data_none_are_passed_on(small_trials: Trials, calls: list[dict[str, Any]]) -> None:
    windows = small_trials.select(np.arange(8)).windows()
    evaluate(Recorder(), windows, quadrants(), by_trial(validation=(0, 4), test=(2,)))
    evaluate(Recorder(), windows, quadrants(), by_trial(validation=(), test=(2,)))
    assert [call["validation"] for call in calls] == [None, None]


def test_a_class_that_training_lacks_gets_no_probability(small_trials: Trials) -> None:
    windows = small_trials.select(np.arange(8)).windows()
    with pytest.warns(UserWarning, match=r"Fold 0: HVHA is not in training, so 4 test windows cannot be right\."):
        results = evaluate(NearestMean(), windows, quadrants(), by_trial(validation=(4,), test=(0, 1)))
    (fold,) = results.folds
    assert fold.proba.shape == (8, 4)
    assert not fold.proba[:, 0].any()
    np.testing.assert_allclose(fold.proba.sum(axis=1), 1, rtol=1e-6)
    assert fold.seen["validation"]["loss"] == pytest.approx(-math.log(1e-7))
    assert results.confusion()[0].sum() == 4
    assert results.confusion()[:, 0].sum() == 0


def test_validation_counts_as_seen_in_the_leakage_record(small_trials: Trials) -> None:
    windows = small_trials.select([0, 1, 8, 9, 10, 11]).windows()
    kept_out = evaluate(NearestMean(), windows, quadrants(), by_trial(validation=(), test=(0, 1)))
    stopped_on = evaluate(NearestMean(), windows, quadrants(), by_trial(validation=(0,), test=(1,)))
    assert (kept_out.leakage.subject, stopped_on.leakage.subject) == (0, 1)


@pytest.mark.parametrize(("own", "used"), [(None, 7), (3, 3)])
def test_the_seed_of_the_splitter_is_used_where_the_classifier_has_none(
    windows: Windows, own: int | None, used: int
) -> None:
    classifier = Guesser(random_state=own)
    results = evaluate(classifier, windows, quadrants(), four_folds(random_state=7))
    expected = evaluate(Guesser(random_state=used), windows, quadrants(), four_folds(random_state=7))
    pd.testing.assert_frame_equal(results.predictions, expected.predictions)
    assert results.provenance["parameters"]["random_state"] == used
    assert classifier.random_state == own


def test_the_seed_reaches_a_classifier_inside_a_pipeline(windows: Windows) -> None:
    first, second = (
        evaluate(Pipeline([("guess", Guesser())]), windows, quadrants(), four_folds(random_state=7)).predictions
        for _ in range(2)
    )
    pd.testing.assert_frame_equal(first, second)


def test_two_folds_at_a_time_give_the_same_numbers(windows: Windows) -> None:
    alone, together = (evaluate(NearestMean(), windows, quadrants(), four_folds(), n_jobs=n_jobs) for n_jobs in (1, 2))
    pd.testing.assert_frame_equal(alone.predictions, together.predictions)
    pd.testing.assert_frame_equal(alone.scores, together.scores)
    assert [fold.number for fold in together.folds] == [0, 1, 2, 3]


# What is refused


def test_missing_ratings_are_refused_before_anything_is_fitted(
    small_trials: Trials, calls: list[dict[str, Any]]
) -> None:
    unrated = with_columns(small_trials, valence=np.nan)
    with pytest.raises(ValueError, match="24 trials lack a rating"):
        evaluate(Recorder(), unrated.windows(), quadrants(), four_folds())
    assert calls == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cnn-gru", None, None), r"classifier must be like EEGClassifier\('cnn-gru'\).* got str"),
        ((MajorityClassifier(), "trials", quadrants()), r"windows must be like trials.windows\(.* got str"),
        ((MajorityClassifier(), None, "quadrants"), r"labels must be a rule such as quadrants\(\), .* got \(\)"),
        ((EEGRegressor(), None, quadrants()), "must be a classifier, got EEGRegressor, which predicts no classes"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_before_anything_is_fitted(
    windows: Windows, arguments: tuple[Any, ...], message: str
) -> None:
    classifier, given, scheme = arguments
    with pytest.raises(ConfigError, match=message):
        evaluate(classifier, windows if given is None else given, scheme or quadrants(), "trial")


@pytest.mark.parametrize("protocol", [KFold(3), None, 5], ids=lambda p: type(p).__name__)
def test_what_is_no_protocol_is_refused(windows: Windows, protocol: Any) -> None:
    with pytest.raises(ConfigError, match=r"^protocol must be a name, or what make_splitter\(\) made, got"):
        evaluate(NearestMean(), windows, quadrants(), protocol)
