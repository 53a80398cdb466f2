"""What evaluate takes in place of a scheme and of probabilities: label arrays, and classifiers that only decide."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_selection import VarianceThreshold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC
from sklearn.utils.metaestimators import available_if

from eegemo import (
    ConfigError,
    DataFormatError,
    MajorityClassifier,
    Trials,
    compare_models,
    confidence_interval,
    evaluate,
    high_low,
    make_splitter,
    permutation_test,
    quadrants,
    read_results,
)
from eegemo.reporting import score_table
from toy_classifiers import flattened


def nearest() -> Pipeline:
    return flattened(KNeighborsClassifier(1))


def svm() -> Pipeline:
    return flattened(VarianceThreshold(), LinearSVC(random_state=0))


SPLITTER = make_splitter("trial", n_splits=4)


@pytest.mark.parametrize("as_type", [list, np.array, pd.Series])
@pytest.mark.parametrize("of", ["windows", "trials"])
def test_a_class_for_each_window_or_trial_is_as_good_as_a_rule(small_trials: Trials, as_type: Any, of: str) -> None:
    windows = small_trials.windows()
    names = np.array(quadrants().classes)[quadrants()(windows if of == "windows" else small_trials)]
    by_rule = evaluate(nearest(), windows, quadrants(), SPLITTER)
    by_array = evaluate(nearest(), windows, as_type(names), SPLITTER)
    assert by_array.scheme.classes == ("HVHA", "HVLA", "LVHA", "LVLA")
    pd.testing.assert_frame_equal(by_array.scores, by_rule.scores)
    assert by_array.provenance["split_hash"] == by_rule.provenance["split_hash"]


def test_labels_are_part_of_what_a_run_is(small_trials: Trials, tmp_path: Any) -> None:
    windows = small_trials.windows()
    labels = np.tile([0, 1], 12)
    evaluate(MajorityClassifier(), windows, labels, SPLITTER, folder=tmp_path)
    with pytest.raises(ConfigError, match="holds a run of another configuration"):
        evaluate(MajorityClassifier(), windows, 1 - labels, SPLITTER, folder=tmp_path)


def test_given_labels_are_permuted_within_people_as_ratings_are(small_trials: Trials) -> None:
    windows = small_trials.windows()
    labels = quadrants()(small_trials)
    control = evaluate(MajorityClassifier(), windows, labels, SPLITTER, control="permuted-labels")
    by_person = windows.table["subject"].to_numpy()
    assert control.y.tolist() != windows.expand(labels).tolist()
    for person in (1, 2, 3):
        own = by_person == person
        assert sorted(control.y[own]) == sorted(windows.expand(labels)[own])
    by_array = permutation_test(nearest(), windows, labels, SPLITTER, n_permutations=3)
    by_rule = permutation_test(nearest(), windows, quadrants(), SPLITTER, n_permutations=3)
    assert by_array.score == by_rule.score


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (np.zeros(7), ConfigError, r"one class for each of the 96 windows or 24 trials, got \(7,\)"),
        (np.zeros((96, 2)), ConfigError, r"got \(96, 2\)"),
        (np.r_[np.zeros(95), np.nan], DataFormatError, "labels: 1 are missing, the first in row 95"),
        (["a", None] * 12, DataFormatError, "labels: 12 are missing, the first in row 1"),
        (np.tile([0, 1], 48), ConfigError, "windows of trial 1 of subject 1 have several classes"),
    ],
)
def test_labels_that_cannot_be_taken_are_refused(
    small_trials: Trials, labels: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        evaluate(MajorityClassifier(), small_trials.windows(), labels, SPLITTER)


def test_a_classifier_that_only_decides_is_scored_by_its_decisions(small_trials: Trials, tmp_path: Any) -> None:
    windows = small_trials.windows()
    y = quadrants()(windows)
    result = evaluate(svm(), windows, quadrants(), SPLITTER, folder=tmp_path)
    for (train, _, test), fold in zip(SPLITTER.triples(windows, y), result.folds, strict=True):
        decided = svm().fit(windows[train], y[train]).predict(windows[test])
        np.testing.assert_array_equal(fold.proba.argmax(axis=1), decided)
        assert set(np.unique(fold.proba)) == {0, 1}
    assert result.scores["loss"].isna().all()
    assert result.scores["accuracy"].notna().all()
    assert result.of_subjects()["loss"].isna().all()
    assert result.baselines[0].scores["loss"].notna().all()
    again = read_results(tmp_path)
    assert again.scores["loss"].isna().all()
    assert np.isnan(confidence_interval(again, "loss").estimate)
    assert np.isnan(score_table([result])["test loss"][0])


class Answering(ClassifierMixin, BaseEstimator):
    """Answers what it is told to, whatever it was fitted on."""

    def __init__(self, answer: Any = 0, columns: int = 0) -> None:
        self.answer, self.columns = answer, columns

    def fit(self, X: Any, y: np.ndarray) -> Answering:
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> np.ndarray:
        return np.full(len(X), self.answer)

    @available_if(lambda self: self.columns > 0)
    def predict_proba(self, X: Any) -> np.ndarray:
        return np.full((len(X), self.columns), 1 / self.columns)


@pytest.mark.parametrize(
    ("classifier", "message"),
    [
        (Answering(99), r"predict must give a class it was fitted on, 0 to 3, .* 99 first"),
        (Answering(-1), r"-1 first"),
        (Answering(0.5), r"0\.5 first"),
        (Answering("HVHA"), r"'HVHA' first"),
        (Answering(columns=7), r"predict_proba must have .* a column for each of 4 classes; got shape \(\d+, 7\)"),
    ],
)
def test_answers_outside_the_classes_are_refused(small_trials: Trials, classifier: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        evaluate(classifier, small_trials.windows(), quadrants(), SPLITTER)


@pytest.mark.parametrize("labels", [np.zeros(24, int), quadrants(50)])
def test_one_class_is_not_told_from_another(small_trials: Trials, labels: Any) -> None:
    with pytest.raises(ConfigError, match=r"All 96 windows are (0|LVLA) by .*, and one class cannot be told from"):
        evaluate(nearest(), small_trials.windows(), labels, SPLITTER)


def test_trials_are_decided_by_the_majority_of_their_windows(small_trials: Trials) -> None:
    result = evaluate(svm(), small_trials.windows(), quadrants(), SPLITTER)
    expected = []
    for fold in result.folds:
        decided = fold.proba.argmax(axis=1)
        right = [
            np.bincount(decided[fold.trial == trial], minlength=4).argmax() == fold.y[fold.trial == trial][0]
            for trial in np.unique(fold.trial)
        ]
        expected.append(np.mean(right))
    rows = result.scores.query("level == 'trial' and subject == 'all'")
    assert rows["accuracy"].tolist() == pytest.approx(expected)


def test_deciders_are_compared_with_others(small_trials: Trials) -> None:
    windows = small_trials.windows()
    results = [
        evaluate(one, windows, quadrants(), SPLITTER, model=name) for name, one in (("svm", svm()), ("1nn", nearest()))
    ]
    assert compare_models(results)["difference"].notna().all()


# Each person's own median


@pytest.mark.parametrize("within", ["pooled", "subject"])
def test_the_classes_of_a_fold_are_by_the_medians_of_its_training_trials(
    small_trials: Trials, within: Any, tmp_path: Any
) -> None:
    windows = small_trials.windows()
    splitter = make_splitter("trial", n_splits=4, within=within)
    result = evaluate(nearest(), windows, high_low("valence", "median"), splitter, folder=tmp_path)
    table = small_trials.table
    for fold in result.folds:
        trained = table.iloc[np.unique(windows.trial_index[fold.train])]
        median = table["subject"].map(trained.groupby("subject")["valence"].median())
        np.testing.assert_array_equal(fold.y, (table["valence"] > median).to_numpy(int)[fold.trial])
    again = read_results(tmp_path)
    assert again.scheme == high_low("valence", "median")
    pd.testing.assert_frame_equal(again.scores, result.scores)
    assert "median of the subject's training trials" in repr(result)


@pytest.mark.parametrize(
    ("splitter", "message"),
    [
        (make_splitter("subject", n_splits=3), "no trial of the people tested on is trained on"),
        (make_splitter("trial", n_splits=4, n_repeats=2), "a class for each repetition"),
    ],
)
def test_where_there_is_no_such_median_it_is_refused(small_trials: Trials, splitter: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        evaluate(nearest(), small_trials.windows(), high_low("valence", "median"), splitter)
