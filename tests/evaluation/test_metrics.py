"""Scores against scikit-learn and against a confusion matrix worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    cohen_kappa_score,
    f1_score,
    log_loss,
    precision_recall_fscore_support,
)

from eegemo import ConfigError
from eegemo.evaluation.metrics import METRICS, confusion, from_confusions, per_class, score, to_trials

N_CLASSES = 4


@st.composite
def predictions(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """True classes, of which some may be missing, and probabilities that may favour few of them."""
    n = draw(st.integers(1, 30))
    present = draw(st.lists(st.integers(0, N_CLASSES - 1), min_size=1, max_size=N_CLASSES))
    y = np.array(draw(st.lists(st.sampled_from(present), min_size=n, max_size=n)))
    favoured = draw(st.lists(st.integers(0, N_CLASSES - 1), min_size=1, max_size=N_CLASSES))
    proba = np.random.default_rng(draw(st.integers(0, 1000))).uniform(0.01, 1, (n, N_CLASSES))
    proba[:, favoured] += 1
    return y, proba / proba.sum(axis=1, keepdims=True)


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true", "ignore:A single label was found")
@settings(max_examples=100, deadline=None)
@given(predictions())
def test_scores_are_those_of_scikit_learn(data: tuple[np.ndarray, np.ndarray]) -> None:
    y, proba = data
    predicted = proba.argmax(axis=1)
    labels = np.arange(N_CLASSES)
    f1 = {"labels": labels, "zero_division": 0}
    one_class = len({*y, *predicted}) == 1
    expected = {
        "accuracy": accuracy_score(y, predicted),
        "loss": log_loss(y, proba, labels=labels),
        "balanced_accuracy": balanced_accuracy_score(y, predicted),
        "macro_f1": f1_score(y, predicted, average="macro", **f1 | {"labels": np.unique(y)}),
        "weighted_f1": f1_score(y, predicted, average="weighted", **f1),
        "kappa": 0.0 if one_class else cohen_kappa_score(y, predicted),
    }
    assert score(y, proba) == pytest.approx(expected)


@settings(max_examples=50, deadline=None)
@given(predictions())
def test_classes_are_scored_as_scikit_learn_scores_the_labels(data: tuple[np.ndarray, np.ndarray]) -> None:
    y, proba = data
    predicted = proba.argmax(axis=1)
    expected = precision_recall_fscore_support(y, predicted, labels=np.arange(N_CLASSES), zero_division=0)
    table = per_class(confusion(y, predicted, N_CLASSES))
    np.testing.assert_allclose(table[["precision", "recall", "f1", "support"]].to_numpy().T, np.stack(expected))


def test_a_small_example_is_scored_as_by_hand() -> None:
    y = np.array([0, 0, 0, 1, 1])
    predicted = np.array([0, 0, 1, 1, 2])
    matrix = confusion(y, predicted, 3)
    np.testing.assert_array_equal(matrix, [[2, 1, 0], [0, 1, 1], [0, 0, 0]])

    table = per_class(matrix)
    np.testing.assert_allclose(table["precision"], [1, 1 / 2, 0])
    np.testing.assert_allclose(table["recall"], [2 / 3, 1 / 2, 0])
    np.testing.assert_allclose(table["f1"], [4 / 5, 1 / 2, 0])
    np.testing.assert_array_equal(table["support"], [3, 2, 0])

    proba = np.full((5, 3), 0.25)
    proba[np.arange(5), predicted] = 0.5
    chance_agreement = (3 * 2 + 2 * 2 + 0 * 1) / 25
    assert score(y, proba) == pytest.approx(
        {
            "accuracy": 3 / 5,
            "loss": (3 * math.log(2) + 2 * math.log(4)) / 5,
            "balanced_accuracy": (2 / 3 + 1 / 2) / 2,
            "macro_f1": (4 / 5 + 1 / 2) / 2,
            "weighted_f1": (3 * 4 / 5 + 2 * 1 / 2) / 5,
            "kappa": (3 / 5 - chance_agreement) / (1 - chance_agreement),
        }
    )


@st.composite
def confusions(draw: st.DrawFn) -> np.ndarray:
    """Confusion matrices of 2 to 5 classes, of which some may never occur or never be predicted."""
    n_classes, n = draw(st.integers(2, 5)), draw(st.integers(1, 3))
    cells = st.lists(st.sampled_from([0, 0, 0, 1, 2, 7]), min_size=n_classes**2, max_size=n_classes**2).filter(any)
    return np.array([draw(cells) for _ in range(n)]).reshape(n, n_classes, n_classes)


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true", "ignore:A single label was found")
@settings(max_examples=60, deadline=None)
@given(confusions())
def test_scores_of_many_confusions_are_those_of_their_predictions(matrices: np.ndarray) -> None:
    n_classes = matrices.shape[1]
    true, predicted = np.indices((n_classes, n_classes))
    f1 = {"labels": np.arange(n_classes), "zero_division": 0}
    for matrix, *scores in zip(matrices, *(from_confusions(matrices, m) for m in METRICS if m != "loss"), strict=True):
        y, guess = (np.repeat(axis.ravel(), matrix.ravel()) for axis in (true, predicted))
        expected = {
            "accuracy": accuracy_score(y, guess),
            "balanced_accuracy": balanced_accuracy_score(y, guess),
            "macro_f1": f1_score(y, guess, average="macro", **f1 | {"labels": np.unique(y)}),
            "weighted_f1": f1_score(y, guess, average="weighted", **f1),
            "kappa": 0.0 if len({*y, *guess}) == 1 else cohen_kappa_score(y, guess),
        }
        assert scores == pytest.approx(list(expected.values()))
        own = score(y, np.eye(n_classes)[guess])
        assert {name: own[name] for name in expected} == pytest.approx(expected)


def test_confusions_may_be_stacked_in_any_shape() -> None:
    matrix = np.array([[2, 1], [0, 3]])
    stacked = from_confusions(np.tile(matrix, (3, 2, 1, 1)), "accuracy")
    np.testing.assert_allclose(stacked, np.full((3, 2), 5 / 6))
    assert from_confusions(matrix, "kappa") == pytest.approx((5 / 6 - 18 / 36) / (1 - 18 / 36))


@pytest.mark.parametrize("metric", ["loss", "f1"])
def test_what_a_confusion_does_not_tell_is_refused(metric: str) -> None:
    with pytest.raises(ConfigError, match=rf"Unknown metric '{metric}'.*Known: accuracy, balanced_accuracy, macro_f1"):
        from_confusions(np.eye(2), metric)


def test_scores_come_in_the_order_of_the_tables() -> None:
    assert tuple(score(np.array([0, 1]), np.eye(2))) == METRICS


def test_a_person_with_one_class_is_scored_without_dividing_by_nothing() -> None:
    scores = score(np.array([2, 2]), np.eye(4)[[2, 2]])
    assert scores == pytest.approx(
        {"accuracy": 1, "loss": 0, "balanced_accuracy": 1, "macro_f1": 1, "weighted_f1": 1, "kappa": 0}
    )


def test_the_loss_of_a_class_held_impossible_is_finite() -> None:
    assert score(np.array([0, 1]), np.array([[1.0, 0.0], [1.0, 0.0]]))["loss"] == pytest.approx(-math.log(1e-7) / 2)


def test_probabilities_of_single_precision_lose_nothing() -> None:
    proba = np.array([[0.3, 0.7], [0.6, 0.4]])
    y = np.array([1, 1])
    assert score(y, proba.astype(np.float32)) == pytest.approx(score(y, proba), rel=1e-6)


def test_the_order_of_the_classes_is_fixed() -> None:
    matrix = confusion(np.array([3]), np.array([1]), 4)
    expected = np.zeros((4, 4), int)
    expected[3, 1] = 1
    np.testing.assert_array_equal(matrix, expected)


def test_windows_are_averaged_over_their_trial() -> None:
    trials, y, proba = to_trials(
        np.array([7, 2, 7, 2, 7]),
        np.array([1, 0, 1, 0, 1]),
        np.array([[0.9, 0.1], [1.0, 0.0], [0.3, 0.7], [0.5, 0.5], [0.0, 1.0]], np.float32),
    )
    np.testing.assert_array_equal(trials, [2, 7])
    np.testing.assert_array_equal(y, [0, 1])
    np.testing.assert_allclose(proba, [[0.75, 0.25], [0.4, 0.6]], rtol=1e-6)
