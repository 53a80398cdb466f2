"""Confidence intervals: by hand, and by scikit-learn's scores of what is left without each person or stimulus."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score, log_loss

from eegemo import ConfigError, confidence_interval
from eegemo.evaluation.intervals import Interval, remarks
from eegemo.evaluation.jackknife import Jackknife, jackknife
from toy_results import evaluate_predicted, make_folds, probabilities, shown, with_accuracies


def by_sklearn(metric: str, true: np.ndarray, guess: np.ndarray) -> float:
    if metric == "loss":
        return float(log_loss(true, probabilities(guess, 2), labels=[0, 1]))
    if metric == "kappa":
        return 0.0 if len({*true, *guess}) == 1 else float(cohen_kappa_score(true, guess))
    if metric == "accuracy":
        return float(accuracy_score(true, guess))
    return float(f1_score(true, guess, labels=np.unique(true), average="macro", zero_division=0))


def left_out(mean_score: Callable[[np.ndarray], float], *of_trials: Sequence[Any]) -> tuple[float, float, float]:
    """Score everything, and without each value of some columns; return the score, its variance and the degrees."""
    rows = np.arange(len(of_trials[0]))
    variances = []
    for column in of_trials:
        values = list(dict.fromkeys(column))
        without = [mean_score(rows[[value != left for value in column]]) for left in values]
        variances.append((np.var(without) * (len(values) - 1), len(values) - 1))
    variance = sum(v for v, _ in variances)
    return mean_score(rows), float(variance), float(variance**2 / sum(v**2 / df for v, df in variances))


def test_two_people_of_one_trial_are_worked_out_by_hand() -> None:
    # Scores .4 and .6: without the one the other is left, so each of the two jackknife variances is (.6 - .4)^2 / 4,
    # once over people and once over their trials; the degrees are (.01 + .01)^2 / (.01^2 / 1 + .01^2 / 1) = 2.
    (result,) = with_accuracies([4, 6])
    half = stats.t.ppf(0.75, 2) * math.sqrt(0.01 + 0.01)
    found = confidence_interval(result, "accuracy", confidence=0.5)
    assert (found.estimate, found.low, found.high) == pytest.approx((0.5, 0.5 - half, 0.5 + half))
    assert (found.n, found.unit) == (2, "subjects and trials")


@pytest.mark.filterwarnings("ignore:A single label was found")
@pytest.mark.parametrize("metric", ["macro_f1", "kappa", "loss", "accuracy"])
@pytest.mark.parametrize("protocol", ["trial", "stimulus"])
def test_each_person_and_each_stimulus_or_trial_is_left_out(metric: str, protocol: str) -> None:
    rng = np.random.default_rng(5)
    y, subject = np.array([0, 0, 1, 1, 1, 1, 0, 1, 0, 0, 1, 0, 1, 0, 0]), np.repeat([1, 2, 3], 5)
    predicted = rng.integers(0, 2, (15, 7))
    stimulus = [5, 1, 3, 2, 4] * 3
    result = shown(evaluate_predicted(y, subject, predicted)[0], stimulus, protocol)

    def mean_score(rows: np.ndarray) -> float:
        people = [rows[subject[rows] == person] for person in np.unique(subject[rows])]
        return float(np.mean([by_sklearn(metric, np.repeat(y[own], 7), predicted[own].ravel()) for own in people]))

    mean, variance, df = left_out(mean_score, subject.tolist(), stimulus if protocol == "stimulus" else list(range(15)))
    half = stats.t.ppf(0.65, df) * math.sqrt(variance)
    found = confidence_interval(result, metric, confidence=0.3)
    assert (found.estimate, found.low, found.high) == pytest.approx((mean, mean - half, mean + half), rel=1e-6)
    assert (found.n, found.unit) == (3, f"subjects and {'stimuli' if protocol == 'stimulus' else 'trials'}")


def test_a_class_of_which_somebody_has_one_trial_is_not_left_out() -> None:
    # Without one of its two trials a person would have one class, and macro-F1 be that of this class: 0 or 1.
    y, subject = np.array([0, 1] * 3), np.repeat([1, 2, 3], 2)
    (result,) = evaluate_predicted(y, subject, np.array([[0, 0], [1, 0], [0, 1], [1, 1], [0, 0], [0, 0]]))
    without = jackknife(result, "macro_f1", "window").without
    assert without["trials"] == pytest.approx(result.of_subjects()["macro_f1"].mean())
    assert np.ptp(without["subjects"]) > 0.1
    assert np.ptp(jackknife(result, "accuracy", "window").without["trials"]) > 0.1


@pytest.mark.filterwarnings("ignore:A single label was found")
@pytest.mark.parametrize("metric", ["macro_f1", "kappa", "loss", "accuracy"])
def test_of_a_single_person_the_trials_are_left_out(metric: str) -> None:
    y = np.array([0, 1, 1, 0])
    predicted = np.array([[0, 0, 1], [1, 1, 1], [0, 1, 1], [0, 0, 0]])
    (result,) = evaluate_predicted(y, [7] * 4, predicted)
    mean, variance, df = left_out(
        lambda rows: by_sklearn(metric, np.repeat(y[rows], 3), predicted[rows].ravel()), range(4)
    )
    half = stats.t.ppf(0.55, df) * math.sqrt(variance)
    found = confidence_interval(result, metric, confidence=0.1)
    assert df == pytest.approx(3)
    assert (found.estimate, found.low, found.high) == pytest.approx((mean, mean - half, mean + half), rel=1e-6)
    assert (found.n, found.unit) == (4, "trials")


def test_repetitions_are_averaged_and_add_no_people() -> None:
    y, subject = np.tile([0, 1], 4), np.repeat([1, 2], 4)
    predicted = np.random.default_rng(1).integers(0, 2, (8, 5))
    once, again = (
        evaluate_predicted(y, subject, predicted, folds=make_folds(*([[0, 1] * 4] * times)))[0] for times in (1, 3)
    )
    assert len(again.folds) == 3 * len(once.folds)
    few, most = confidence_interval(once), confidence_interval(again)
    assert (few.n, few.low, few.high) == pytest.approx((most.n, most.low, most.high))


@pytest.mark.parametrize("subject", [[1, 1, 2, 2, 3, 3, 4, 4], [1] * 8], ids=["people", "one person"])
@pytest.mark.parametrize("metric", ["macro_f1", "loss"])
def test_every_window_twice_is_no_more_evidence(subject: list[int], metric: str) -> None:
    y = np.tile([0, 1], 4)
    predicted = np.random.default_rng(0).integers(0, 2, (8, 5))
    once, many = (evaluate_predicted(y, subject, np.tile(predicted, (1, times)))[0] for times in (1, 20))
    few, most = confidence_interval(once, metric), confidence_interval(many, metric)
    assert (few.low, few.high) == pytest.approx((most.low, most.high), rel=1e-6)
    assert few.low < few.estimate < few.high


def test_the_estimate_is_the_mean_of_the_people() -> None:
    y, subject = np.tile([0, 0, 1], 4), np.repeat(["a", "b", "c"], 4)
    (result,) = evaluate_predicted(y, subject, np.random.default_rng(3).integers(0, 2, (12, 4)))
    for level in ("window", "trial"):
        means = result.of_subjects(level).mean()
        for metric in means.index:
            assert jackknife(result, str(metric), level).estimate == pytest.approx(means[metric], rel=1e-6)


def test_people_who_differ_by_what_they_were_shown_leave_the_stimuli_to_vary() -> None:
    # Everybody is right on stimuli 1 and 2 and wrong on 3 and 4: no person differs, but other stimuli might.
    y, subject = np.tile([0, 1], 6), np.repeat([1, 2, 3], 4)
    (known,) = evaluate_predicted(y, subject, np.tile([[0], [1], [1], [0]], (3, 6)))
    new = jackknife(shown(known, [1, 2, 3, 4] * 3), "accuracy", "window")
    assert new.without["subjects"] == pytest.approx(0.5)
    assert new.without["stimuli"] == pytest.approx([1 / 3, 1 / 3, 2 / 3, 2 / 3])
    assert (new.variance, new.df) == pytest.approx((3 / 36, 3))
    assert jackknife(known, "accuracy", "window").variance < new.variance / 2


def test_equal_people_have_an_interval_without_width() -> None:
    (result,) = with_accuracies([7] * 8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = confidence_interval(result, "accuracy")
    assert (found.estimate, found.low, found.high) == pytest.approx((0.7, 0.7, 0.7))


def test_an_interval_is_wider_where_more_confidence_is_asked_for_and_ends_where_the_metric_does() -> None:
    (result,) = with_accuracies([1, 3, 4, 5, 6, 6, 8, 9])
    narrow, wide = (confidence_interval(result, "accuracy", confidence=confidence) for confidence in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.estimate < narrow.high < wide.high
    (all_but_right,) = with_accuracies([10, 10, 7])
    assert confidence_interval(all_but_right, "accuracy").high == 1
    assert confidence_interval(all_but_right, "loss").low == 0


def test_95_of_100_intervals_hold_the_mean_where_people_and_stimuli_vary() -> None:
    # The score of a cell is that of its person, of its stimulus and of its own; the standard error of 2000 is .5 %.
    rng = np.random.default_rng(0)
    held = []
    for _ in range(2000):
        cells = rng.normal(0, 1, (6, 1)) + rng.normal(0, 1, (1, 20)) + rng.normal(0, 1, (6, 20))
        mean = cells.mean()
        people, stimuli = ((mean * n - cells.mean(axis=axis)) / (n - 1) for n, axis in ((6, 1), (20, 0)))
        low, high = Jackknife(mean, {"subjects": people, "stimuli": stimuli}).interval(0.95)
        held.append(low <= 0 <= high)
    assert 0.935 <= np.mean(held) <= 0.97


def test_an_interval_of_one_trial_is_refused() -> None:
    (two,) = evaluate_predicted([0, 1], [1, 1], [[0], [1]])
    one = replace(two, folds=two.folds[:1])
    with pytest.raises(ConfigError, match=r"An interval needs several trials, got one\."):
        confidence_interval(one)


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_a_confidence_that_is_no_share_is_refused(confidence: float) -> None:
    (result,) = with_accuracies([1, 5, 9])
    with pytest.raises(ConfigError, match=r"confidence must lie between 0 and 1"):
        confidence_interval(result, confidence=confidence)


def test_an_interval_is_written_with_three_digits() -> None:
    assert str(Interval(0.25, 0.12345, 0.5, 12, "subjects")) == "0.250 [0.123, 0.500]"


@pytest.mark.parametrize(("turned", "said"), [(True, True), (False, False)])
def test_a_kappa_below_chance_is_remarked_on(turned: bool, said: bool) -> None:
    y = np.array([0, 1, 0, 1])
    (result,) = evaluate_predicted(y, [1, 1, 2, 2], (1 - y if turned else y)[:, None])
    assert any("A under trial: kappa is -1.000, below chance" in remark for remark in remarks(result)) == said


def test_who_has_one_class_alone_or_lacks_one_is_named_with_what_that_means() -> None:
    y, subject = [0, 0, 1, 2, 0, 1], ["all", "one", "all", "all", "two", "two"]
    (result,) = evaluate_predicted(y, subject, np.array(y)[:, None], n_classes=3)
    one, two = (note for note in result.notes if note.startswith("Subject"))
    assert "Subject one has trials of one class alone" in one
    assert "Subject two has no trial of 2: balanced accuracy and macro-F1 are means over the other classes" in two
    assert pd.Series(result.of_subjects()["macro_f1"]).tolist() == [1, 1, 1]  # who is right is told so


def test_what_is_no_result_or_no_number_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"A Results was expected, as evaluate\(\) gives it, got int"):
        confidence_interval(3)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="confidence must be a number, got '95 %'"):
        confidence_interval(with_accuracies([4, 6])[0], confidence="95 %")  # type: ignore[arg-type]
