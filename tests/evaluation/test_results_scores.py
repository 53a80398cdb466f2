"""What an evaluation gives: predictions, scores, confusions, and how it is shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, log_loss

from eegemo import ConfigError, MajorityClassifier, Windows, evaluate, make_splitter, quadrants
from eegemo.evaluation.metrics import METRICS
from toy_classifiers import NearestMean
from toy_results import CLASSES, four_folds


def test_predictions_are_those_of_a_classifier_fitted_on_the_training_part(windows: Windows) -> None:
    results = evaluate(NearestMean(), windows, quadrants(), four_folds())
    y = quadrants()(windows)
    table = results.predictions
    assert list(table.columns) == ["subject", "trial", "stimulus", "start", "fold", "y", *(f"p_{c}" for c in CLASSES)]
    assert sorted(table["start"]) == sorted(windows.starts)
    for number, (train, _, test) in enumerate(four_folds().triples(windows, y)):
        own = table[table["fold"] == number]
        np.testing.assert_array_equal(own["start"], windows.starts[test])
        np.testing.assert_array_equal(own["y"], y[test])
        expected = NearestMean().fit(windows[train], y[train]).predict_proba(windows[test])
        np.testing.assert_allclose(own[[f"p_{c}" for c in CLASSES]], expected, rtol=1e-5)


def scores_by_hand(y: np.ndarray, proba: np.ndarray) -> dict[str, float]:
    predicted = proba.argmax(axis=1)
    f1 = {"labels": range(4), "zero_division": 0}
    return {
        "accuracy": accuracy_score(y, predicted),
        "loss": log_loss(y, proba / proba.sum(axis=1, keepdims=True), labels=range(4)),
        "balanced_accuracy": balanced_accuracy_score(y, predicted),
        "macro_f1": f1_score(y, predicted, average="macro", **f1 | {"labels": np.unique(y)}),
        "weighted_f1": f1_score(y, predicted, average="weighted", **f1),
    }


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.parametrize("level", ["window", "trial"])
def test_test_scores_are_those_of_the_predictions(windows: Windows, level: str) -> None:
    results = evaluate(NearestMean(), windows, quadrants(), four_folds(random_state=5), model="nearest")
    scores = results.scores
    assert list(scores.columns) == [
        *("protocol", "model", "control", "seed", "subject", "fold", "level", "part", "collapsed"),
        *METRICS,
    ]
    assert (scores[["protocol", "model", "control", "seed"]] == ["trial", "nearest", "", 5]).all(axis=None)

    predictions = results.predictions
    if level == "trial":
        predictions = predictions.groupby(["fold", "subject", "trial"], as_index=False).mean(numeric_only=True)
    tested = scores[(scores["part"] == "test") & (scores["level"] == level)]
    expected = {}
    for fold, rows in predictions.groupby("fold"):
        for subject, own in [("all", rows), *((str(s), o) for s, o in rows.groupby("subject"))]:
            expected[subject, fold] = scores_by_hand(
                own["y"].to_numpy(int), own[[f"p_{c}" for c in CLASSES]].to_numpy()
            )
    assert len(tested) == len(expected) == 4 * (1 + 3)
    for _, row in tested.iterrows():
        by_hand = expected[row["subject"], row["fold"]]
        assert row[list(by_hand)].to_dict() == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.parametrize("part", ["train", "validation"])
def test_training_and_validation_are_scored_with_the_same_fitted_classifier(windows: Windows, part: str) -> None:
    scores = evaluate(NearestMean(), windows, quadrants(), four_folds()).scores
    rows = scores[scores["part"] == part]
    assert (rows[["subject", "level"]] == ["all", "window"]).all(axis=None)
    y = quadrants()(windows)
    for (train, validation, _), accuracy in zip(four_folds().triples(windows, y), rows["accuracy"], strict=True):
        numbers = train if part == "train" else validation
        assert accuracy == NearestMean().fit(windows[train], y[train]).accuracy(windows[numbers], y[numbers])


def test_confusion_counts_every_window_or_trial_once_in_the_order_of_the_classes(windows: Windows) -> None:
    results = evaluate(NearestMean(), windows, quadrants(), four_folds())
    table = results.predictions
    predicted = table[[f"p_{c}" for c in CLASSES]].to_numpy().argmax(axis=1)
    expected = pd.crosstab(table["y"], predicted).reindex(index=range(4), columns=range(4), fill_value=0)
    np.testing.assert_array_equal(results.confusion(), expected)
    np.testing.assert_array_equal(results.confusion("trial").sum(axis=1), [6, 6, 6, 6])


def test_an_unknown_level_of_confusion_is_refused(windows: Windows) -> None:
    results = evaluate(MajorityClassifier(), windows, quadrants(), four_folds())
    with pytest.raises(ConfigError, match=r"'trials'.*Did you mean 'trial'"):
        results.confusion("trials")


def test_folds_within_a_person_test_that_person_alone(windows: Windows) -> None:
    splitter = make_splitter("trial", n_splits=4, within="subject")
    results = evaluate(NearestMean(), windows, quadrants(), splitter)
    people = results.predictions.groupby("fold")["subject"].unique().map(list)
    assert people.tolist() == [[1]] * 4 + [[2]] * 4 + [[3]] * 4
    assert results.confusion().sum() == len(windows)


def test_leakage_of_the_results_is_the_mean_of_the_folds(windows: Windows) -> None:
    results = evaluate(MajorityClassifier(), windows, quadrants(), four_folds("window-random"))
    shares = [fold.leakage.trial for fold in results.folds]
    assert results.protocol == "window-random"
    assert results.leakage.trial == pytest.approx(sum(shares) / 4)


# What is shown


def test_a_result_says_what_it_is_in_a_few_lines(windows: Windows) -> None:
    result = evaluate(MajorityClassifier(), windows, quadrants(), "trial", model="<mine>")
    lines = repr(result).split("\n")
    assert len(lines) == 3
    assert lines[0].startswith("<Results | <mine> under trial, quadrants>5: SIMULATED data, 5 folds")
    macro_f1 = result.of_subjects()["macro_f1"].mean()
    assert f"macro-F1 {macro_f1:.3f}" in lines[1]
    assert result.verdict in lines[2]
    assert "no folds" in repr(replace(result, folds=()))
    page = result._repr_html_()
    assert "&lt;mine&gt;" in page
    assert "<mine>" not in page


@pytest.mark.parametrize("level", ["window", "trial"])
def test_a_summary_is_the_mean_over_subjects_beside_the_baselines(windows: Windows, level: str) -> None:
    result = evaluate(MajorityClassifier(), windows, quadrants(), "trial", model="mine")
    table = result.summary(level)
    assert table["model"].tolist() == ["mine", *(baseline.model for baseline in result.baselines)]
    scores = result.of_subjects(level)["accuracy"]
    assert table["accuracy"][0] == f"{scores.mean():.3f} ± {scores.std():.3f}"
    assert table["subjects"].tolist() == [3] * len(table)
