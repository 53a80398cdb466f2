"""Intervals, tests between models and permuted labels: by hand, by scipy, and by resampling written out here."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, permutations, product
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score, log_loss

from eegemo import (
    ConfigError,
    Results,
    Trials,
    Windows,
    categories,
    compare_models,
    confidence_interval,
    corrected_resampled_ttest,
    evaluate,
    label_permutation_test,
)
from eegemo.evaluation.comparisons import compare_with_baselines, holm, rank_biserial, signed_rank_p, significantly_best
from eegemo.evaluation.intervals import Interval
from eegemo.evaluation.splitter import Split, Splitter

RIGHT = 0.8  # probability of the class that a model of these tests predicts


class Reader(ClassifierMixin, BaseEstimator):
    """Reads its probabilities off the channels from ``first`` on, one a class."""

    def __init__(self, first: int = 0, n_classes: int = 2) -> None:
        self.first = first
        self.n_classes = n_classes

    def fit(self, X: Windows, y: np.ndarray) -> Self:
        self.classes_ = np.arange(self.n_classes)
        return self

    def predict_proba(self, X: Windows) -> np.ndarray:
        return np.asarray(X)[:, self.first : self.first + self.n_classes, 0]


@dataclass(frozen=True)
class Folds(Splitter):
    """Folds by hand: the fold of each trial, once a repetition."""

    of_trial: tuple[tuple[int, ...], ...] = ()

    def triples(self, windows: Windows, y: np.ndarray | None = None) -> Iterator[Split]:
        for repetition in self.of_trial:
            fold = np.array(repetition)[windows.trial_index]
            for number in range(max(repetition) + 1):
                yield np.flatnonzero(fold != number), np.empty(0, int), np.flatnonzero(fold == number)


def make_folds(*of_trial: Sequence[int], protocol: str = "trial") -> Folds:
    return Folds(protocol, 2, "pooled", 0.1, 0, 0, len(of_trial), tuple(tuple(map(int, fold)) for fold in of_trial))


def probabilities(predicted: np.ndarray, n_classes: int) -> np.ndarray:
    proba = np.full((*predicted.shape, n_classes), (1 - RIGHT) / (n_classes - 1))
    np.put_along_axis(proba, predicted[..., None], RIGHT, axis=-1)
    return proba


def run(
    y: Sequence[int] | np.ndarray,
    subject: Sequence[Any] | np.ndarray,
    *predicted: Any,
    folds: Folds | None = None,
    n_classes: int = 2,
) -> list[Results]:
    """Evaluate models, named A, B, ..., that predict these classes, each of shape (n_trials, n_windows)."""
    models = [np.asarray(classes) for classes in predicted]
    n_trials, n_windows = models[0].shape
    table = pd.DataFrame({"subject": subject, "trial": np.arange(n_trials), "class": y})
    table = table.assign(
        stimulus=table["trial"], start=np.arange(n_trials) * n_windows, n_times=n_windows, n_baseline=0
    )
    strip = np.concatenate([probabilities(classes, n_classes).reshape(-1, n_classes) for classes in models], axis=1)
    names = [f"p{number}" for number in range(strip.shape[1])]
    trials = Trials(strip.astype(np.float32), table, names, 1.0, dataset="made", simulated=True)
    scheme = categories("class", tuple(map(str, range(n_classes))))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".* is not in training")  # the readers learn nothing anyway
        return [
            evaluate(
                Reader(number * n_classes, n_classes),
                trials.windows(n_times=1, step=1),
                scheme,
                folds or make_folds([row % 2 for row in range(n_trials)]),
                model="ABC"[number],
            )
            for number in range(len(models))
        ]


def of_accuracy(n_right: Sequence[int], n_windows: int = 10) -> np.ndarray:
    """Predict class 0 for this many windows of each trial, and class 1 for the others."""
    return (np.arange(n_windows) >= np.array(n_right)[:, None]).astype(int)


def with_accuracies(*per_model: Sequence[int], folds: Folds | None = None) -> list[Results]:
    """Evaluate models on people of one trial of ten windows of class 0, of which so many are right."""
    n_people = len(per_model[0])
    return run(np.zeros(n_people, int), range(n_people), *map(of_accuracy, per_model), folds=folds)


def widened(confidence: float, n: int) -> float:
    """Return the lower level of the percentile interval, expanded so that of n normal scores it is Student's."""
    return float(stats.norm.cdf(math.sqrt(n / (n - 1)) * stats.t.ppf((1 - confidence) / 2, n - 1)))


# Intervals


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
    (result,) = run(y, subject, predicted)
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
    (result,) = run(y, [7] * 4, predicted)

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
    once, many = (run(y, subject, np.tile(predicted, (1, times)))[0] for times in (1, 20))
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
    (two,) = run([0, 1], [1, 1], [[0], [1]])
    one = replace(two, folds=two.folds[:1])
    with pytest.raises(ConfigError, match=r"An interval needs several trials to resample, got one\."):
        confidence_interval(one)


def test_an_unknown_metric_or_level_is_refused_everywhere() -> None:
    a, b = with_accuracies([0, 10], [5, 5])
    for call in (
        lambda metric, level: confidence_interval(a, metric, level),
        lambda metric, level: compare_models([a, b], metric, level),
        lambda metric, level: label_permutation_test(a, metric, level, n_permutations=2),
    ):
        with pytest.raises(ConfigError, match=r"Unknown metric 'f1'"):
            call("f1", "window")
        with pytest.raises(ConfigError, match=r"Unknown level 'windows'. Did you mean 'window'\?"):
            call("accuracy", "windows")
    with pytest.raises(ConfigError, match=r"Unknown metric 'f1'"):
        corrected_resampled_ttest(a, b, "f1")


def test_an_interval_is_written_with_three_digits() -> None:
    assert str(Interval(0.25, 0.12345, 0.5, 12, "subjects")) == "0.250 [0.123, 0.500]"


# Models person by person


def test_pairs_of_models_are_tested_as_scipy_tests_them() -> None:
    right = ([2, 4, 5, 6, 7, 9, 3, 8], [1, 2, 2, 2, 2, 3, 4, 0], [4, 4, 4, 4, 4, 4, 4, 4])
    results = with_accuracies(*right)
    table = compare_models(results, "accuracy")
    assert list(zip(table["model"], table["other"], strict=True)) == [("A", "B"), ("A", "C"), ("B", "C")]
    assert (table["protocol"] == "trial").all()
    assert (table["subjects"] == 8).all()
    # Whole numbers of windows have the same ranks as their tenths, whose ties rounding can break.
    differences = [np.subtract(one, other) for one, other in combinations(right, 2)]
    np.testing.assert_allclose(table["difference"], [d.mean() / 10 for d in differences])
    expected = np.array([stats.wilcoxon(d).pvalue for d in differences])
    np.testing.assert_allclose(table["p"].iloc[0], expected[0])
    p = table["p"].to_numpy(float)
    np.testing.assert_allclose(table["p_holm"], stepped_down(p))
    assert table["significant"].tolist() == (table["p_holm"] < 0.05).tolist()


def stepped_down(p: np.ndarray) -> list[float]:
    """Holm's correction as its definition reads: the largest of the smaller ones' products."""
    return [min(1.0, max(q * (p >= q).sum() for q in p if q <= own)) for own in p]


def test_six_people_better_by_different_amounts_are_one_case_in_thirty_two() -> None:
    a, b = with_accuracies([7, 8, 9, 9, 9, 10], [6, 6, 6, 5, 4, 4])
    (row,) = compare_models([a, b], "accuracy").to_dict("records")
    assert row["p"] == row["p_holm"] == pytest.approx(2 / 2**6)
    assert row["effect"] == pytest.approx(1)
    assert row["significant"]
    assert not compare_models([a, b], "accuracy", alpha=0.03)["significant"].any()


@settings(deadline=None)
@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=7, unique=True), st.randoms(use_true_random=False))
def test_the_p_value_counts_all_signs(sizes: list[int], random: Any) -> None:
    difference = np.array([size * random.choice([-1, 1]) for size in sizes], float)
    ranks = stats.rankdata(np.abs(difference))
    deviations = [abs(np.dot(signs, ranks)) for signs in product([-1, 1], repeat=len(sizes))]
    expected = np.mean(np.array(deviations) >= abs(np.sign(difference) @ ranks))
    assert signed_rank_p(difference) == pytest.approx(expected)


def test_models_that_never_differ_are_not_told_apart() -> None:
    assert signed_rank_p(np.zeros(8)) == 1
    assert rank_biserial(np.zeros(8)) == 0


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        ([3, -1, 2, 4], (9 - 1) / 10),  # ranks 3, 1, 2, 4
        ([3, 0, -1, 2, 0, 4], (9 - 1) / 10),  # zeros are left out
        ([1, -1, 1, 2], (2 + 2 + 4 - 2) / 10),  # the three ones share rank 2
        ([-5, -1], -1),
    ],
)
def test_the_effect_is_ranks_for_less_ranks_against(difference: list[float], expected: float) -> None:
    assert rank_biserial(np.array(difference, float)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),  # 3 x 0.01; 2 x 0.03; 1 x 0.04, but not below the one before
        ([0.5, 0.4], [0.8, 0.8]),
        ([0.9, 0.9, 0.001], [1, 1, 0.003]),
        ([0.2], [0.2]),
        ([], []),
    ],
)
def test_holm_corrects_from_the_smallest(p: list[float], expected: list[float]) -> None:
    np.testing.assert_allclose(holm(np.array(p, float)), expected)


def under(result: Results, protocol: str) -> Results:
    return replace(result, splitter=replace(result.splitter, protocol=protocol))


def test_each_protocol_is_corrected_for_its_own_pairs() -> None:
    a, b, c = with_accuracies([7, 8, 9, 9, 9, 10], [6, 6, 6, 5, 4, 4], [5, 4, 3, 1, 0, 0])
    results = [a, b, c, under(a, "subject"), under(b, "subject")]
    table = compare_models(results, "accuracy")
    assert table["protocol"].tolist() == ["trial"] * 3 + ["subject"]
    np.testing.assert_allclose(table["p"].astype(float), 1 / 32)
    np.testing.assert_allclose(table["p_holm"].astype(float), [3 / 32] * 3 + [1 / 32])
    assert table["significant"].tolist() == [False] * 3 + [True]


def test_a_model_alone_under_its_protocol_is_compared_with_nothing() -> None:
    (a,) = with_accuracies([1, 2])
    table = compare_models([a, under(a, "subject")])
    assert len(table) == 0
    assert list(table.columns) == [
        *("protocol", "model", "other", "subjects", "difference", "p", "p_holm", "effect", "significant")
    ]


def test_models_of_other_people_are_not_compared() -> None:
    (a,) = with_accuracies([1, 2])
    (b,) = with_accuracies([1, 2, 3])
    with pytest.raises(ConfigError, match=r"A and B under trial are not of the same people, so they cannot be"):
        compare_models([a, replace(b, model="B")])


def test_two_models_of_one_name_are_not_compared() -> None:
    a, b = with_accuracies([1, 2], [3, 4])
    with pytest.raises(ConfigError, match=r"Two models under trial have one name, of A, A; give each its own\."):
        compare_models([a, replace(b, model="A")])
    assert len(compare_models([a, under(replace(b, model="A"), "subject")])) == 0


def test_the_best_is_better_than_every_other_model() -> None:
    low, middle, high = [0, 1, 1, 0, 1, 1, 0, 1], [2, 4, 5, 4, 4, 3, 5, 5], [3, 6, 8, 8, 9, 9, 7, 6]
    for order in ([high, middle, low], [low, high, middle], [middle, low, high]):
        results = with_accuracies(*order)
        (best,) = significantly_best(results, "accuracy")
        assert best is results[order.index(high)]


def test_one_rival_that_is_not_clearly_worse_leaves_no_best() -> None:
    low, high, rival = [0, 1, 1, 0, 1, 1, 0, 1], [3, 6, 8, 8, 9, 9, 7, 6], [4, 5, 8, 7, 10, 8, 6, 7]
    assert significantly_best(with_accuracies(low, high, rival), "accuracy") == []
    assert len(significantly_best(with_accuracies(low, high), "accuracy")) == 1


def test_five_people_are_too_few_for_a_best() -> None:
    assert significantly_best(with_accuracies([0] * 5, [6, 7, 8, 9, 10]), "accuracy") == []


def test_the_best_is_looked_for_under_each_protocol() -> None:
    a, b = with_accuracies([7, 8, 9, 9, 9, 10], [6, 6, 6, 5, 4, 4])
    found = significantly_best([a, b, under(a, "subject"), under(b, "stimulus")], "accuracy")
    assert found == [a]


def test_the_best_has_the_lowest_loss() -> None:
    good, bad = with_accuracies([7, 8, 9, 9, 9, 10], [6, 6, 6, 5, 4, 4])
    assert significantly_best([good, bad], "loss") == [good]


def test_differences_that_are_equal_but_for_rounding_are_tied() -> None:
    a, b = with_accuracies([3, 4, 6, 9, 7, 5, 8], [2, 3, 5, 8, 6, 6, 7])  # six times +0.1, once -0.1
    (row,) = compare_models([a, b], "accuracy").to_dict("records")
    assert row["effect"] == pytest.approx(5 / 7)
    assert row["p"] == pytest.approx(2 * (1 + 7) / 2**7)  # as the sign test, since all ranks are one


def test_comparing_nothing_says_so() -> None:
    with pytest.raises(ConfigError, match=r"no results"):
        compare_models([])


@pytest.mark.parametrize("metric", ["accuracy", "loss"])
def test_models_are_compared_with_the_baseline_that_scores_best(metric: str) -> None:
    y, subject = np.tile([0, 0, 1, 0], 8), np.repeat(np.arange(8), 4)
    rng = np.random.default_rng(0)
    by_person = make_folds([number % 2 for number in subject.tolist()])
    results = run(y, subject, np.tile(y[:, None], 5), rng.integers(0, 2, (32, 5)), folds=by_person)

    def of_people(result: Results) -> np.ndarray:
        table = result.predictions
        proba = table[["p_0", "p_1"]].to_numpy()
        if metric == "loss":
            scores = -np.log(np.where(table["y"] == 1, proba[:, 1], proba[:, 0]))
        else:
            scores = proba.argmax(axis=1) == table["y"]
        return np.asarray(pd.Series(scores).groupby(table["subject"]).mean())

    table = compare_with_baselines(results, metric)
    p = []
    for result, row in zip(results, table.to_dict("records"), strict=True):
        means = {baseline.model: of_people(baseline).mean() for baseline in result.baselines}
        best = min(means.values()) if metric == "loss" else max(means.values())
        assert len(means) == 4
        assert means[row["other"]] == pytest.approx(best)
        assert (row["protocol"], row["model"], row["subjects"]) == ("trial", result.model, 8)
        (other,) = (of_people(baseline) for baseline in result.baselines if baseline.model == row["other"])
        difference = (of_people(result) - other).round(6)
        assert row["difference"] == pytest.approx(difference.mean(), abs=1e-6)
        p.append(row["p"])
    np.testing.assert_allclose(table["p_holm"], stepped_down(np.array(p)))
    assert table["significant"].tolist() == (table["p_holm"] < 0.05).tolist()
    assert table["significant"][0]


def test_an_unknown_metric_is_not_compared_with_baselines() -> None:
    with pytest.raises(ConfigError, match=r"Unknown metric 'f1'"):
        compare_with_baselines(with_accuracies([1, 5, 9]), "f1")


# The corrected resampled t-test


def t_test_results(a: Sequence[int] = (9, 5, 6, 7), b: Sequence[int] = (7, 5, 5, 6)) -> tuple[Results, Results]:
    """Four folds, each tested on one trial of ten windows and trained on three."""
    one, other = run([0] * 4, [1, 1, 2, 2], of_accuracy(a), of_accuracy(b), folds=make_folds(range(4)))
    return one, other


def test_the_corrected_t_test_is_the_one_worked_out_by_hand() -> None:
    # Differences 0.2 0 0.1 0.1: mean 0.1, variance (0.01 + 0.01) / 3; times 1/4, of the folds, + 10/30, of the windows.
    t = 0.1 / math.sqrt(0.02 / 3 * (1 / 4 + 1 / 3))
    x = t / math.sqrt(3)  # Student's t of three degrees of freedom has a closed form
    p = 1 - 2 / math.pi * (x / (1 + x**2) + math.atan(x))
    found = corrected_resampled_ttest(*t_test_results(), "accuracy")
    assert (found.difference, found.t, found.p, found.df) == pytest.approx((0.1, t, p, 3))
    uncorrected = stats.ttest_rel([9, 5, 6, 7], [7, 5, 5, 6])
    assert found.t == pytest.approx(uncorrected.statistic * math.sqrt((1 / 4) / (1 / 4 + 1 / 3)))


def test_the_t_test_changes_its_sign_with_the_models() -> None:
    a, b = t_test_results()
    forth, back = corrected_resampled_ttest(a, b, "accuracy"), corrected_resampled_ttest(b, a, "accuracy")
    assert (back.difference, back.t, back.p) == pytest.approx((-forth.difference, -forth.t, forth.p))


def test_repetitions_count_as_folds() -> None:
    folds = make_folds([0, 0, 1, 1], [0, 1, 0, 1])
    a, b = (9, 5, 6, 8), (7, 5, 5, 6)
    one, other = run([0] * 4, [1, 1, 2, 2], of_accuracy(a), of_accuracy(b), folds=folds)
    d = np.subtract(a, b) / 10
    d = np.array([d[:2].mean(), d[2:].mean(), d[[0, 2]].mean(), d[[1, 3]].mean()])
    found = corrected_resampled_ttest(one, other, "accuracy")
    assert found.df == 3
    assert found.t == pytest.approx(d.mean() / math.sqrt(d.var(ddof=1) * (1 / 4 + 1)))


def test_whole_trials_can_be_t_tested() -> None:
    # More than half of the windows right, so the trial is; fold differences 0 0 1 1.
    found = corrected_resampled_ttest(*t_test_results((6, 4, 7, 9), (9, 1, 3, 2)), "accuracy", "trial")
    assert found.difference == 0.5
    assert found.t == pytest.approx(0.5 / math.sqrt(1 / 3 * (1 / 4 + 1 / 3)))


@pytest.mark.parametrize(
    ("other", "expected"),
    [((9, 5, 6, 7), (0, 0, 1)), ((7, 3, 4, 5), (0.2, math.inf, 0))],
    ids=["same", "always better"],
)
def test_differences_without_variance_do_not_divide_by_it(
    other: tuple[int, ...], expected: tuple[float, float, float]
) -> None:
    found = corrected_resampled_ttest(*t_test_results(b=other), "accuracy")
    assert (found.difference, found.p) == pytest.approx((expected[0], expected[2]))
    assert found.t == expected[1] or found.t > 1e6  # tenths do not differ by exactly the same


def test_models_of_other_folds_are_not_paired() -> None:
    a, b = t_test_results()
    (elsewhere,) = run([0] * 4, [1, 1, 2, 2], of_accuracy([9, 5, 6, 7]), folds=make_folds([3, 2, 1, 0]))
    with pytest.raises(ConfigError, match=r"B and A were not run on the same folds, so they cannot be paired"):
        corrected_resampled_ttest(b, elsewhere)
    with pytest.raises(ConfigError, match=r"A and B were not run on the same folds"):
        corrected_resampled_ttest(a, replace(b, folds=b.folds[1:]))


def test_one_fold_is_not_t_tested() -> None:
    a, b = (replace(result, folds=result.folds[:1]) for result in t_test_results())
    with pytest.raises(ConfigError, match=r"The test needs several folds, got one; take n_splits of at least 2\."):
        corrected_resampled_ttest(a, b)


def test_an_unknown_level_is_not_t_tested() -> None:
    with pytest.raises(ConfigError, match=r"Unknown level 'windows'"):
        corrected_resampled_ttest(*t_test_results(), "accuracy", "windows")


# Permuted labels


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
def test_permuted_labels_score_as_all_their_orders_do(metric: str) -> None:
    y, predicted = np.array([0, 0, 1, 2]), np.array([[0, 0], [0, 1], [1, 2], [2, 0]])
    (result,) = run(y, [1] * 4, predicted, n_classes=3)

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


def test_labels_stay_with_their_person() -> None:
    # Two people of two trials: all four are right in 1 of 4 cases; permuted over both in 1 of 6.
    (result,) = run([0, 1, 0, 1], ["a", "b", "b", "a"], [[0], [1], [0], [1]])
    found = label_permutation_test(result, "accuracy")
    assert found.score == 1
    assert found.p == pytest.approx(1 / 4, abs=4 * math.sqrt(3 / 16 / 9999))
    assert set(found.null) == {0, 0.5, 1}


def test_what_a_person_tends_to_rate_is_no_evidence() -> None:
    y, subject = np.array([0, 1, 0, 1, 0, 1, 1, 0]), np.tile([1, 2], 4)
    (result,) = run(y, subject, np.where(subject == 1, 0, 1)[:, None])
    found = label_permutation_test(result, "accuracy", n_permutations=99)
    assert found.score == 0.75
    assert found.p == 1


def test_good_predictions_have_the_smallest_p_there_is() -> None:
    y = np.tile([0, 1], 20)
    (result,) = run(y, np.repeat([1, 2], 20), np.tile(y[:, None], 3))
    found = label_permutation_test(result, "kappa", n_permutations=499)
    assert found.score == pytest.approx(1)
    assert found.p == 1 / 500
    assert found.null.shape == (499,)


@pytest.mark.parametrize("level", ["window", "trial"])
def test_predictions_without_knowledge_have_uniform_p_values(level: str) -> None:
    y, subject = np.tile([0, 0, 1], 8), np.repeat([1, 2], 12)
    (result,) = run(y, subject, np.zeros((24, 9), int))
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
    once, many = (run(y, [1] * 6 + [2] * 6, np.tile(predicted, (1, n)))[0] for n in (1, 10))
    one, other = (label_permutation_test(result, "accuracy", n_permutations=500) for result in (once, many))
    assert one.p == other.p
    np.testing.assert_allclose(one.null, other.null)


def test_the_same_seed_deals_the_same() -> None:
    (result,) = run([0, 1, 0, 1, 1], [1] * 5, np.array([[0], [1], [1], [0], [1]]))
    first, again, other = (label_permutation_test(result, n_permutations=50, random_state=s).null for s in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_loss_is_not_tested_by_dealing() -> None:
    (result,) = run([0, 1], [1, 1], [[0], [1]])
    with pytest.raises(ConfigError, match=r"The loss is not counted from predicted classes; take another metric\."):
        label_permutation_test(result, "loss")


@pytest.mark.parametrize("n_permutations", [0, -1])
def test_fewer_than_one_permutation_is_refused(n_permutations: int) -> None:
    (result,) = run([0, 1], [1, 1], [[0], [1]])
    with pytest.raises(ConfigError, match=r"n_permutations must be at least 1"):
        label_permutation_test(result, n_permutations=n_permutations)


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_a_confidence_that_is_no_share_is_refused(confidence: float) -> None:
    (result,) = with_accuracies([1, 5, 9])
    with pytest.raises(ConfigError, match=r"confidence must lie between 0 and 1"):
        confidence_interval(result, confidence=confidence)
