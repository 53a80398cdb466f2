"""Permutation tests: of labels alone against all their orders, and trained anew against evaluations of their own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from eegemo import (
    ConfigError,
    LabelScheme,
    MajorityClassifier,
    Windows,
    categories,
    evaluate,
    label_permutation_test,
    make_splitter,
    permutation_test,
)
from eegemo.evaluation.blocks import blocks_of
from eegemo.evaluation.controls import permute_labels
from eegemo.evaluation.splitter import Splitter
from toy_classifiers import NearestMean
from toy_results import evaluate_predicted, probabilities, shown, with_accuracies
from toy_trials import make_trials

# Permuted labels, against the same predictions


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
def test_permuted_labels_score_as_all_their_orders_do(metric: str) -> None:
    y, predicted = np.array([0, 0, 1, 2]), np.array([[0, 0], [0, 1], [1, 2], [2, 0]])
    (result,) = evaluate_predicted(y, [1] * 4, predicted, n_classes=3)

    def by_sklearn(labels: Sequence[int] | np.ndarray) -> float:
        true = np.repeat(labels, 2)
        if metric == "accuracy":
            return float(accuracy_score(true, predicted.ravel()))
        return float(f1_score(true, predicted.ravel(), average="macro"))

    every = np.array([by_sklearn(order) for order in permutations(y)])
    found = label_permutation_test(result, metric)
    assert found.score == pytest.approx(by_sklearn(y))
    values, shares = np.unique(every.round(9), return_counts=True)
    drawn, counts = np.unique(found.null.round(9), return_counts=True)
    np.testing.assert_allclose(drawn, values)
    np.testing.assert_allclose(counts / 9999, shares / 24, atol=4 * 0.005)
    assert found.p == pytest.approx((1 + (found.null > found.score - 1e-9).sum()) / 10_000)
    assert found.p == pytest.approx((every > found.score - 1e-9).mean(), abs=4 * 0.005)


def test_a_trial_whose_class_differs_between_folds_has_the_one_of_most_windows() -> None:
    """So that the score is one of those that it is compared with: 12 of 12 windows are right, where 11 of 12 were."""
    (result,) = evaluate_predicted([0, 1, 0, 1], [1] * 4, np.repeat([[0], [1], [0], [1]], 3, axis=1))
    first, *others = result.folds
    y = first.y.copy()
    y[0] = 1 - y[0]
    found = label_permutation_test(replace(result, folds=(replace(first, y=y), *others)), "accuracy")
    assert found.score == 1
    assert set(found.null) == {0, 0.5, 1}


def test_labels_stay_with_their_person() -> None:
    # Two people of two trials: all four are right in 1 of 4 cases; permuted over both in 1 of 6.
    (result,) = evaluate_predicted([0, 1, 0, 1], ["a", "b", "b", "a"], [[0], [1], [0], [1]])
    found = label_permutation_test(result, "accuracy")
    assert found.score == 1
    assert found.p == pytest.approx(1 / 4, abs=4 * math.sqrt(3 / 16 / 9999))
    assert set(found.null) == {0, 0.5, 1}


def test_what_people_say_of_one_stimulus_is_one_observation() -> None:
    # Ten people rate three stimuli alike, and are predicted right: of the six orders of three stimuli with labels
    # 0, 1, 1 two are right. Person by person such luck would be one case in 3 ** 10.
    y, stimulus = np.tile([0, 1, 1], 10), np.tile([1, 2, 3], 10)
    (result,) = evaluate_predicted(y, np.repeat(np.arange(10), 3), y[:, None])
    alike = label_permutation_test(shown(result, stimulus.tolist(), "trial"), "accuracy")
    assert alike.p == pytest.approx(1 / 3, abs=4 * math.sqrt(2 / 9 / 9999))
    assert set(alike.null.round(6)) == {round(1 / 3, 6), 1}
    own = label_permutation_test(shown(result, list(range(30)), "trial"), "accuracy")
    assert own.p == 1 / 10_000


def test_labels_are_dealt_alike_as_far_as_people_saw_the_same() -> None:
    # The second person lacks stimulus 2, and rates 1 and 3 in the order of all; a trial without a name stands alone.
    subject = np.array([1, 1, 1, 2, 2, 3, 3])
    blocks = blocks_of(subject, np.arange(7), np.arange(7))
    stimulus = np.array([1, 2, 3, 3, 1, None, None], dtype=object)
    orders = {tuple(next(blocks.dealt_alike(stimulus, np.random.default_rng(seed))).tolist()) for seed in range(200)}
    assert len(orders) == 6 * 2
    for rows in orders:
        assert sorted(rows) == list(range(7))
        first = stimulus[list(rows[:3])].tolist()  # what the stimuli 1, 2, 3 of the first person take
        second = stimulus[[rows[4], rows[3]]].tolist()  # what 1 and 3 of the second take
        assert second == [name for name in first if name != 2]


def test_what_a_person_tends_to_rate_is_no_evidence() -> None:
    y, subject = np.array([0, 1, 0, 1, 0, 1, 1, 0]), np.tile([1, 2], 4)
    (result,) = evaluate_predicted(y, subject, np.where(subject == 1, 0, 1)[:, None])
    found = label_permutation_test(result, "accuracy", n_permutations=99)
    assert found.score == 0.75
    assert found.p == 1


def test_good_predictions_have_the_smallest_p_there_is() -> None:
    y = np.tile([0, 1], 20)
    (result,) = evaluate_predicted(y, np.repeat([1, 2], 20), np.tile(y[:, None], 3))
    found = label_permutation_test(result, "kappa", n_permutations=499)
    assert found.score == pytest.approx(1)
    assert found.p == 1 / 500
    assert found.null.shape == (499,)


@pytest.mark.parametrize("level", ["window", "trial"])
def test_predictions_without_knowledge_have_uniform_p_values(level: str) -> None:
    y, subject = np.tile([0, 0, 1], 8), np.repeat([1, 2], 12)
    (result,) = evaluate_predicted(y, subject, np.zeros((24, 9), int))
    rng = np.random.default_rng(0)
    p = []
    for number in range(400):
        tendency = rng.random((24, 1))  # windows of one trial are alike, so that they are no independent evidence
        folds = []
        for fold in result.folds:
            own = tendency[fold.trial, 0]
            folds.append(replace(fold, proba=probabilities((rng.random(len(own)) < own).astype(int), 2)))
        drawn = replace(result, folds=tuple(folds))
        p.append(label_permutation_test(drawn, "macro_f1", level, n_permutations=99, random_state=number).p)
    for share in (0.05, 0.2, 0.5, 0.8):
        margin = 4 * math.sqrt(share * (1 - share) / 400)
        assert np.mean(np.array(p) <= share) < share + margin
        if level == "window":  # whole trials often tie, and ties count against
            assert np.mean(np.array(p) <= share) > share - margin


def test_every_window_twice_does_not_lower_p() -> None:
    y, predicted = np.tile([0, 1], 6), np.random.default_rng(3).integers(0, 2, (12, 4))
    once, many = (evaluate_predicted(y, [1] * 6 + [2] * 6, np.tile(predicted, (1, n)))[0] for n in (1, 10))
    one, other = (label_permutation_test(result, "accuracy", n_permutations=500) for result in (once, many))
    assert one.p == other.p
    np.testing.assert_allclose(one.null, other.null)


def test_the_same_seed_deals_the_same() -> None:
    (result,) = evaluate_predicted([0, 1, 0, 1, 1], [1] * 5, np.array([[0], [1], [1], [0], [1]]))
    first, again, other = (label_permutation_test(result, n_permutations=50, random_state=s).null for s in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_loss_is_not_tested_by_dealing() -> None:
    (result,) = evaluate_predicted([0, 1], [1, 1], [[0], [1]])
    with pytest.raises(ConfigError, match=r"The loss is not counted from predicted classes; take another metric\."):
        label_permutation_test(result, "loss")


@pytest.mark.parametrize("n_permutations", [0, -1])
def test_fewer_than_one_permutation_is_refused(n_permutations: int) -> None:
    (result,) = evaluate_predicted([0, 1], [1, 1], [[0], [1]])
    with pytest.raises(ConfigError, match=r"n_permutations must be at least 1"):
        label_permutation_test(result, n_permutations=n_permutations)


# Trained anew with permuted labels


CLASSES: LabelScheme = categories("class", ("0", "1"))


def make_windows(effect: float, n_people: int = 2, n_trials: int = 12) -> Windows:
    """Make two windows a trial: noise, and the effect on class 1."""
    n = n_people * n_trials
    rng = np.random.default_rng(1)
    y = np.concatenate([rng.permutation(np.arange(n_trials) % 2) for _ in range(n_people)])
    strip = rng.standard_normal((2 * n, 3)) + effect * np.repeat(y, 2)[:, None]
    columns = {"subject": np.repeat(np.arange(n_people), n_trials), "class": y}
    trials = make_trials(columns, strip, n_times=2, ch_names=("F3", "F4", "Cz"))
    return trials.windows(n_times=1, step=1)


def thirds() -> Splitter:
    return make_splitter("trial", n_splits=3, validation_size=0)


@pytest.mark.parametrize("level", ["window", "trial"])
def test_what_is_there_has_the_smallest_p(level: str) -> None:
    windows = make_windows(effect=5)
    found = permutation_test(
        NearestMean(), windows, CLASSES, thirds(), metric="accuracy", level=level, n_permutations=19
    )
    assert found.score == 1
    assert found.p == 1 / 20
    assert found.null.shape == (19,)
    assert 0.3 < found.null.mean() < 0.7


def test_scores_are_those_of_evaluations_with_permuted_labels() -> None:
    windows = make_windows(effect=0)
    found = permutation_test(NearestMean(), windows, CLASSES, thirds(), metric="kappa", n_permutations=5)
    permuted = [permute_labels(windows.trials, CLASSES, random_state=seed, stimuli_alike=True) for seed in range(5)]
    several = [windows, *(Windows(trials, windows.n_times, windows.starts, windows.trial_index) for trials in permuted)]
    scores = [evaluate(NearestMean(), some, CLASSES, thirds()).of_subjects()["kappa"].mean() for some in several]
    assert found.score == pytest.approx(scores[0])
    np.testing.assert_allclose(found.null, scores[1:])
    assert len(set(scores)) > 2
    assert found.p == pytest.approx(np.mean([score >= scores[0] for score in scores]))


class Recogniser(NearestMean):
    """Knows which stimulus it is shown, by the first channel, and answers what most said of it in training."""

    def fit(self, X: Windows, y: np.ndarray) -> Recogniser:
        self.classes_, self.said_ = np.unique(y), {}
        names = X.to_numpy()[:, 0, 0].round().astype(int)
        self.said_ = {name: np.bincount(y[names == name], minlength=2).argmax() for name in set(names.tolist())}
        return self

    def predict_proba(self, X: Windows) -> np.ndarray:
        return np.eye(2)[[int(self.said_.get(int(name), 0)) for name in X.to_numpy()[:, 0, 0].round()]]


def test_a_stimulus_that_is_recognised_scores_as_much_with_labels_dealt_alike() -> None:
    stimulus, y = np.tile(np.arange(8), 4), np.tile([0, 1, 1, 0, 1, 0, 0, 1], 4)
    columns = {"subject": np.repeat(np.arange(4), 8), "stimulus": stimulus, "class": y}
    strip = np.column_stack([stimulus, np.zeros((32, 2))])
    windows = make_trials(columns, strip, n_times=1, ch_names=("F3", "F4", "Cz")).windows(n_times=1, step=1)
    by_person = make_splitter("subject", n_splits=4, validation_size=0)
    found = permutation_test(Recogniser(), windows, CLASSES, by_person, metric="accuracy", n_permutations=9)
    assert found.score == 1
    np.testing.assert_array_equal(found.null, 1)
    assert found.p == 1


def test_noise_has_a_large_p() -> None:
    found = permutation_test(NearestMean(), make_windows(effect=0), CLASSES, thirds(), n_permutations=19)
    assert found.p > 0.1


class Constant(NearestMean):
    """Predicts class 0, whatever it was shown."""

    def predict_proba(self, X: Windows) -> np.ndarray:
        return np.tile([1.0, 0.0], (len(X), 1))


def test_permuted_labels_that_score_as_well_as_the_true_ones_count_against_them() -> None:
    found = permutation_test(Constant(), make_windows(0), CLASSES, thirds(), metric="accuracy", n_permutations=3)
    np.testing.assert_allclose(found.null, 0.5)
    assert (found.score, found.p) == (0.5, 1)


def test_a_classifier_that_sees_no_eeg_is_not_better_than_with_permuted_labels() -> None:
    # Each third holds two trials of each class of each person, however permuted: all classes are equally common.
    found = permutation_test(
        MajorityClassifier(), make_windows(effect=0), CLASSES, thirds(), metric="accuracy", n_permutations=19
    )
    assert found.score == 0.5
    assert found.p == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metric": "loss"}, r"metric must be one of accuracy, balanced_accuracy, .*kappa, got 'loss'\."),
        ({"metric": "f1"}, r"metric must be one of accuracy, .*, got 'f1'\."),
        ({"n_permutations": 0}, r"n_permutations must be at least 1, got 0\."),
        ({"level": "windows"}, r"Unknown level 'windows'\. Did you mean 'window'\?"),
    ],
)
def test_what_cannot_be_tested_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        permutation_test(NearestMean(), make_windows(effect=0), CLASSES, thirds(), **options)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_permutations": "99"}, "n_permutations must be a whole number, got '99'"),
        ({"n_permutations": 9.5}, "n_permutations must be a whole number, got 9.5"),
        ({"random_state": "x"}, "random_state must be a whole number, got 'x'"),
        ({"random_state": -1}, "random_state must be at least 0, got -1"),
    ],
)
def test_numbers_that_cannot_be_carried_out_are_refused(settings: dict[str, Any], message: str) -> None:
    (result,) = with_accuracies([4, 6])
    with pytest.raises(ConfigError, match=message):
        label_permutation_test(result, **settings)
