"""The baselines against counts made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from eegemo import ConfigError, MajorityClassifier, Trials, Windows
from eegemo.evaluation.baselines import BASELINES


def make_windows(subject: list[str], stimulus: Any) -> Windows:
    """Make one window a trial."""
    n = len(subject)
    table = pd.DataFrame({"subject": subject, "trial": np.arange(n), "start": np.arange(n) * 2})
    table = table.assign(stimulus=stimulus, n_times=2, n_baseline=0)
    trials = Trials(np.zeros((2 * n, 1), np.float32), table, ("Cz",), 1.0, dataset="zeros", simulated=True)
    return trials.windows(2, 2, unit="samples")


TRAIN = make_windows(["a", "a", "a", "b", "b", "b"], [1, 2, 3, 1, 2, 3])
Y = np.array([0, 0, 2, 2, 2, 1])
NEW = make_windows(["b", "a", "c"], [2, 3, 9])


@pytest.mark.parametrize(
    ("by", "predicted", "counts"),
    [
        (None, [2, 2, 2], [[2, 1, 3], [2, 1, 3], [2, 1, 3]]),
        ("subject", [2, 0, 2], [[0, 1, 2], [2, 0, 1], [2, 1, 3]]),
        ("stimulus", [0, 1, 2], [[1, 0, 1], [0, 1, 1], [2, 1, 3]]),
    ],
)
def test_classes_are_counted_where_the_window_belongs_and_among_all_where_it_is_new(
    by: str | None, predicted: list[int], counts: list[list[int]]
) -> None:
    classifier = MajorityClassifier(by=by).fit(TRAIN, Y)
    np.testing.assert_array_equal(classifier.predict(NEW), predicted)
    plus_one = np.array(counts) + 1
    np.testing.assert_allclose(classifier.predict_proba(NEW), plus_one / plus_one.sum(axis=1, keepdims=True))


def test_the_first_class_of_a_tie_is_predicted() -> None:
    windows = make_windows(["a"] * 4, 1)
    assert MajorityClassifier().fit(windows, np.array([3, 1, 3, 1])).predict(windows[:1]) == [1]


def test_classes_are_those_of_the_training_data() -> None:
    windows = make_windows(["a", "b"], 1)
    classifier = MajorityClassifier(by="subject").fit(windows, np.array([1, 3]))
    np.testing.assert_array_equal(classifier.classes_, [1, 3])
    np.testing.assert_allclose(classifier.predict_proba(windows), [[2 / 3, 1 / 3], [1 / 3, 2 / 3]])


@pytest.mark.parametrize("stimulus", [np.nan, pd.NA, [1.0, np.nan, np.nan, np.nan]], ids=["nan", "NA", "most missing"])
def test_windows_of_nameless_stimuli_get_the_counts_of_all(stimulus: Any) -> None:
    windows = make_windows(["a"] * 4, stimulus)
    classifier = MajorityClassifier(by="stimulus").fit(windows, np.array([0, 1, 1, 1]))
    np.testing.assert_allclose(classifier.predict_proba(windows[1:]), [[2 / 6, 4 / 6]] * 3)


def test_the_accuracy_is_the_share_of_the_majority() -> None:
    assert MajorityClassifier().fit(TRAIN, Y).score(TRAIN, Y) == pytest.approx(3 / 6)


@pytest.mark.parametrize("name", BASELINES)
def test_a_clone_is_unfitted_and_counts_the_same_way(name: str) -> None:
    fitted = clone(BASELINES[name]).fit(TRAIN, Y)
    copy = clone(fitted)
    with pytest.raises(NotFittedError):
        copy.predict(TRAIN)
    np.testing.assert_array_equal(copy.fit(TRAIN, Y).predict(NEW), fitted.predict(NEW))


def test_the_named_baselines_count_among_all_the_person_and_the_video() -> None:
    assert [baseline.by for baseline in BASELINES.values()] == [None, "subject", "stimulus"]


def test_an_unknown_way_to_count_is_refused() -> None:
    with pytest.raises(ConfigError, match="by must be one of None, 'subject', 'stimulus', got 'video'"):
        MajorityClassifier(by="video").fit(TRAIN, Y)
