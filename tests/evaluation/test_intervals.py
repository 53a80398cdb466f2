"""Confidence intervals: by hand, and by all resamples written out here."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score, log_loss

from eegemo import ConfigError, Results, confidence_interval
from eegemo.evaluation.intervals import Interval
from toy_results import evaluate_predicted, probabilities, with_accuracies


def widened(confidence: float, n: int) -> float:
    """Return the lower level of the percentile interval, expanded so that of n normal scores it is Student's."""
    return float(stats.norm.cdf(math.sqrt(n / (n - 1)) * stats.t.ppf((1 - confidence) / 2, n - 1)))


@pytest.mark.parametrize(("confidence", "expected"), [(0.2, (0.5, 0.5)), (0.33, (0.0, 1.0)), (0.4, (0.0, 1.0))])
def test_two_people_give_the_percentiles_that_can_be_worked_out(
    confidence: float, expected: tuple[float, float]
) -> None:
    # Scores 0 and 1: the mean of two drawn is 0, 1/2, 1 in 1, 2, 1 of 4 cases, so a percentile below 25 % is 0.
    # Student's t of one degree of freedom is tan(pi confidence / 2), and Phi(-sqrt(2) t) falls below 25 % above
    # confidence 0.283; without sqrt(n / (n - 1)) it would above 0.377, and plain percentiles above 0.5.
    (result,) = with_accuracies([0, 10])
    found = confidence_interval(result, "accuracy", confidence=confidence)
    assert found == Interval(0.5, *expected, 2, "subjects")


@pytest.mark.parametrize("level", ["window", "trial"])
def test_people_are_resampled_as_all_their_resamples_written_out_say(level: str) -> None:
    y, subject = np.tile([0, 1, 1], 4), np.repeat([1, 2, 3, 4], 3)
    predicted = np.random.default_rng(5).integers(0, 2, (12, 7))
    (result,) = evaluate_predicted(y, subject, predicted)
    proba = probabilities(predicted, 2)
    scores = []
    for person in (1, 2, 3, 4):
        own = subject == person
        if level == "trial":
            scores.append(f1_score(y[own], proba[own].mean(axis=1).argmax(axis=1), average="macro"))
        else:
            scores.append(f1_score(np.repeat(y[own], 7), predicted[own].ravel(), average="macro"))
    assert len(set(scores)) > 2
    means = [np.mean(drawn) for drawn in product(scores, repeat=4)]
    found = confidence_interval(result, "macro_f1", level, confidence=0.8)
    assert (found.n, found.unit) == (4, "subjects")
    assert found.estimate == pytest.approx(np.mean(scores))
    assert_percentiles(found, means, widened(0.8, 4))


@pytest.mark.filterwarnings("ignore:A single label was found")
@pytest.mark.parametrize("metric", ["macro_f1", "kappa", "loss", "accuracy"])
def test_of_a_single_person_the_trials_are_resampled(metric: str) -> None:
    y = np.array([0, 1, 1, 0])
    predicted = np.array([[0, 0, 1], [1, 1, 1], [0, 1, 1], [0, 0, 0]])
    (result,) = evaluate_predicted(y, [7] * 4, predicted)

    def by_sklearn(drawn: Sequence[int]) -> float:
        true, guess = np.repeat(y[list(drawn)], 3), predicted[list(drawn)].ravel()
        if metric == "loss":
            return float(log_loss(true, probabilities(guess, 2), labels=[0, 1]))
        if metric == "kappa":
            return 0.0 if len({*true, *guess}) == 1 else float(cohen_kappa_score(true, guess))
        if metric == "accuracy":
            return float(accuracy_score(true, guess))
        return float(f1_score(true, guess, labels=[0, 1], average="macro", zero_division=0))

    found = confidence_interval(result, metric, confidence=0.7)
    assert (found.n, found.unit) == (4, "trials")
    assert found.estimate == pytest.approx(by_sklearn(range(4)), rel=1e-6)
    assert_percentiles(found, [by_sklearn(drawn) for drawn in product(range(4), repeat=4)], widened(0.7, 4))


def assert_percentiles(found: Interval, all_resamples: Sequence[float], level: float) -> None:
    """Compare with the percentiles of all resamples, within four standard errors of 9999 drawn ones."""
    margin = 4 * math.sqrt(level * (1 - level) / 9999)
    for bound, at in ((found.low, level), (found.high, 1 - level)):
        below, above = np.quantile(all_resamples, [at - margin, at + margin], method="inverted_cdf")
        assert below - 1e-6 <= bound <= above + 1e-6


@pytest.mark.parametrize("subject", [[1, 1, 2, 2, 3, 3, 4, 4], [1] * 8], ids=["people", "one person"])
@pytest.mark.parametrize("metric", ["macro_f1", "loss"])
def test_every_window_twice_is_no_more_evidence(subject: list[int], metric: str) -> None:
    y = np.tile([0, 1], 4)
    predicted = np.random.default_rng(0).integers(0, 2, (8, 5))
    once, many = (evaluate_predicted(y, subject, np.tile(predicted, (1, times)))[0] for times in (1, 20))
    few, most = confidence_interval(once, metric), confidence_interval(many, metric)
    assert (few.low, few.high) == pytest.approx((most.low, most.high), rel=1e-6)
    assert few.low < few.estimate < few.high


def test_equal_people_have_an_interval_without_width() -> None:
    (result,) = with_accuracies([7] * 8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = confidence_interval(result, "accuracy")
    assert (found.estimate, found.low, found.high) == pytest.approx((0.7, 0.7, 0.7))


def test_an_interval_is_wider_where_more_confidence_is_asked_for_and_the_same_seed_gives_the_same() -> None:
    (result,) = with_accuracies([1, 3, 4, 5, 6, 6, 8, 9])
    narrow, wide = (confidence_interval(result, "accuracy", confidence=confidence) for confidence in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.estimate < narrow.high < wide.high
    assert confidence_interval(result, "accuracy", confidence=0.5) == narrow


def test_95_of_100_intervals_of_twelve_people_hold_the_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    # Plain percentiles hold it in 91 of 100 cases; the standard error of 1000 trials is 0.7 %.
    (result,) = with_accuracies([0, 10])
    rng = np.random.default_rng(0)
    held = []
    for _ in range(1000):
        people = pd.DataFrame({"kappa": rng.normal(0.3, 0.1, 12)})
        monkeypatch.setattr(Results, "of_subjects", lambda _, __, people=people: people)
        found = confidence_interval(replace(result), "kappa", n_resamples=999)
        held.append(found.low <= 0.3 <= found.high)
    assert 0.93 <= np.mean(held) <= 0.97


def test_an_interval_of_one_trial_is_refused() -> None:
    (two,) = evaluate_predicted([0, 1], [1, 1], [[0], [1]])
    one = replace(two, folds=two.folds[:1])
    with pytest.raises(ConfigError, match=r"An interval needs several trials to resample, got one\."):
        confidence_interval(one)


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_a_confidence_that_is_no_share_is_refused(confidence: float) -> None:
    (result,) = with_accuracies([1, 5, 9])
    with pytest.raises(ConfigError, match=r"confidence must lie between 0 and 1"):
        confidence_interval(result, confidence=confidence)


def test_an_interval_is_written_with_three_digits() -> None:
    assert str(Interval(0.25, 0.12345, 0.5, 12, "subjects")) == "0.250 [0.123, 0.500]"
