"""The permutation test that trains anew, against evaluations of its own and what must hold by chance."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from eegemo import (
    ConfigError,
    LabelScheme,
    MajorityClassifier,
    Trials,
    Windows,
    categories,
    evaluate,
    make_splitter,
    permutation_test,
)
from eegemo.evaluation.controls import permute_labels
from eegemo.evaluation.splitter import Splitter

CLASSES: LabelScheme = categories("class", ("0", "1"))


class NearestMean(ClassifierMixin, BaseEstimator):
    """Predicts the class whose mean is nearest."""

    def fit(self, X: Windows, y: np.ndarray) -> Self:
        self.classes_ = np.unique(y)
        flat = np.asarray(X).reshape(len(X), -1)
        self.means_ = np.stack([flat[y == number].mean(axis=0) for number in self.classes_])
        return self

    def predict_proba(self, X: Windows) -> np.ndarray:
        distance = np.linalg.norm(np.asarray(X).reshape(len(X), 1, -1) - self.means_, axis=2)
        return np.asarray(np.eye(len(self.classes_))[distance.argmin(axis=1)])


def make_windows(effect: float, n_people: int = 2, n_trials: int = 12) -> Windows:
    """Make two windows a trial: noise, and the effect on class 1."""
    n = n_people * n_trials
    rng = np.random.default_rng(1)
    y = np.concatenate([rng.permutation(np.arange(n_trials) % 2) for _ in range(n_people)])
    table = pd.DataFrame({"subject": np.repeat(np.arange(n_people), n_trials), "trial": np.arange(n), "class": y})
    table = table.assign(stimulus=table["trial"], start=np.arange(n) * 2, n_times=2, n_baseline=0)
    strip = rng.standard_normal((2 * n, 3)) + effect * np.repeat(y, 2)[:, None]
    trials = Trials(strip.astype(np.float32), table, ("F3", "F4", "Cz"), 1.0, dataset="made", simulated=True)
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
    permuted = [permute_labels(windows.trials, CLASSES, random_state=seed) for seed in range(5)]
    several = [windows, *(Windows(trials, windows.n_times, windows.starts, windows.trial_index) for trials in permuted)]
    scores = [evaluate(NearestMean(), some, CLASSES, thirds()).of_subjects()["kappa"].mean() for some in several]
    assert found.score == pytest.approx(scores[0])
    np.testing.assert_allclose(found.null, scores[1:])
    assert len(set(scores)) > 2
    assert found.p == pytest.approx(np.mean([score >= scores[0] for score in scores]))


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
