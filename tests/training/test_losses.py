"""When a network has learned nothing of its own training data."""

from __future__ import annotations

import numpy as np
import pytest

from eegemo.training import CROSS_ENTROPY, SQUARED_ERROR

TARGET = np.array([0, 0, 0, 1])
ENTROPY = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))  # .5623


def test_the_loss_of_guessing_is_the_entropy_of_the_classes_and_the_variance_of_numbers() -> None:
    assert CROSS_ENTROPY.guess(TARGET) == pytest.approx(ENTROPY)
    assert SQUARED_ERROR.guess(np.array([[1.0, 5.0], [3.0, 5.0]])) == pytest.approx(0.5)  # of 1 and 0


def test_one_answer_for_everything_is_a_collapse_however_low_the_loss() -> None:
    proba = np.array([[0.99, 0.01]] * 3 + [[0.55, 0.45]])

    assert CROSS_ENTROPY.collapse(proba, TARGET) == "it answers one class for all of its training data"


def test_a_loss_that_guessing_has_too_is_a_collapse() -> None:
    proba = np.array([[0.75, 0.25], [0.75, 0.25], [0.4, 0.6], [0.75, 0.25]])

    text = CROSS_ENTROPY.collapse(proba, TARGET)

    assert text is not None
    assert text.endswith("is that of the best constant answer, 0.5623")


def test_a_network_that_has_learned_something_has_not_collapsed() -> None:
    proba = np.array([[0.75, 0.25], [0.75, 0.25], [0.75, 0.25], [0.4, 0.6]])
    numbers = np.array([[1.0], [2.0], [3.0]])

    assert CROSS_ENTROPY.collapse(proba, TARGET) is None
    assert SQUARED_ERROR.collapse(0.5 * numbers + 1, numbers) is None  # an error of .17 beside a variance of .67


def test_a_regressor_that_answers_the_mean_has_collapsed() -> None:
    numbers = np.array([[1.0], [2.0], [3.0]])

    text = SQUARED_ERROR.collapse(np.full((3, 1), 2.0), numbers)

    assert text == "its loss on its training data, 0.6667, is that of the best constant answer, 0.6667"


def test_where_there_is_one_class_or_training_diverged_nothing_is_said() -> None:
    assert CROSS_ENTROPY.collapse(np.array([[0.9, 0.1]] * 4), np.zeros(4, int)) is None
    assert CROSS_ENTROPY.collapse(np.full((4, 2), np.nan), TARGET) is None
