"""Comparisons of models: by hand, by scipy, and by all signs written out here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from eegemo import (
    ConfigError,
    Results,
    compare_models,
    compare_over_folds,
    confidence_interval,
    corrected_resampled_ttest,
    label_permutation_test,
)
from eegemo.evaluation.comparisons import compare_with_baselines, holm, rank_biserial, significantly_best
from eegemo.evaluation.folds import Failure
from toy_results import evaluate_predicted, make_folds, of_accuracy, shown, with_accuracies

BY_TURNS = np.array([0, 1, 0, 1])  # the classes of four trials

# Models person by person


def test_pairs_of_models_are_tested_as_scipy_tests_them() -> None:
    right = ([2, 4, 5, 6, 7, 9, 3, 8], [1, 2, 2, 2, 2, 3, 4, 0], [4, 4, 4, 4, 4, 4, 4, 4])
    results = with_accuracies(*right)
    table = compare_models(results, "accuracy")
    assert list(zip(table["model"], table["other"], strict=True)) == [("A", "B"), ("A", "C"), ("B", "C")]
    assert (table["protocol"] == "trial").all()
    assert (table["subjects"] == 8).all()
    # Of one trial a person, people and trials vary alike: twice the variance, with twice the degrees of freedom.
    differences = [np.subtract(one, other) / 10 for one, other in combinations(right, 2)]
    np.testing.assert_allclose(table["difference"], [d.mean() for d in differences])
    t = [stats.ttest_1samp(d, 0).statistic / math.sqrt(2) for d in differences]
    np.testing.assert_allclose(table["p"].astype(float), 2 * stats.t.sf(np.abs(t), 2 * 7))
    p = table["p"].to_numpy(float)
    np.testing.assert_allclose(table["p_holm"], stepped_down(p))
    assert table["significant"].tolist() == (table["p_holm"] < 0.05).tolist()


def stepped_down(p: np.ndarray) -> list[float]:
    """Holm's correction as its definition reads: the largest of the smaller ones' products."""
    return [min(1.0, max(q * (p >= q).sum() for q in p if q <= own)) for own in p]


def test_of_new_stimuli_a_difference_must_hold_over_them_too() -> None:
    # A is right on the first four stimuli and B on none: for everybody, so no person speaks against it, but half of the
    # stimuli do. Without one of the four the difference is 3/7, without one of the others 4/7: variance 7 (1/14)^2.
    y, subject = np.tile([0, 1], 12), np.repeat([1, 2, 3], 8)
    wrong = np.tile(np.repeat([0, 1], 4), 3)
    a, b = evaluate_predicted(y, subject, np.tile((y ^ wrong)[:, None], 5), np.tile(1 - y[:, None], 5))
    (row,) = compare_models([shown(result, [*range(8)] * 3) for result in (a, b)], "accuracy").to_dict("records")
    assert row["difference"] == pytest.approx(0.5)
    assert row["p"] == pytest.approx(2 * stats.t.sf(0.5 / math.sqrt(7 / 14**2), 7))


def test_models_that_never_differ_are_not_told_apart() -> None:
    a, b = with_accuracies([1, 5, 9], [1, 5, 9])
    (row,) = compare_models([a, b], "accuracy").to_dict("records")
    assert (row["difference"], row["p"], row["effect"], row["significant"]) == (0, 1, 0, False)


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
    p = table["p"].to_numpy(float)
    assert p[3] == p[0]
    np.testing.assert_allclose(table["p_holm"].astype(float), [*stepped_down(p[:3]), p[3]])
    assert table["p_holm"][3] < table["p_holm"][0]


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


def test_models_of_other_labels_are_not_compared() -> None:
    (a,), (b,) = (evaluate_predicted(y, [1, 1, 2, 2], np.zeros((4, 3), int)) for y in ([0, 1, 0, 1], [1, 0, 1, 0]))
    with pytest.raises(ConfigError, match="not tested on the same windows with the same labels"):
        compare_models([a, replace(b, model="B")])


def without_fold(result: Results, number: int) -> Results:
    return replace(
        result,
        folds=tuple(fold for fold in result.folds if fold.number != number),
        failures=(*result.failures, Failure(number, "it broke")),
    )


def test_where_folds_failed_those_that_both_have_are_compared() -> None:
    y, subject = np.tile([0, 1, 0, 1, 1, 0], 2), np.repeat([1, 2, 3, 4], 3)
    folds = make_folds([0, 1, 2] * 4)
    a, b = evaluate_predicted(
        y, subject, of_accuracy(y, [3, 5, 9] * 4), of_accuracy(y, [1, 6, 2, 2, 7, 5] * 2), folds=folds
    )
    (row,) = compare_models([without_fold(a, 0), without_fold(b, 1)], "accuracy").to_dict("records")
    assert row["difference"] == pytest.approx((9 - (2 + 5) / 2) / 10)  # of the third trial of each
    whole = compare_models([without_fold(a, 0), b], "accuracy")
    assert whole["difference"][0] == pytest.approx((14 - (8 + 12) / 2) / 20)
    alone = [without_fold(without_fold(a, 0), 1), without_fold(without_fold(b, 2), 1)]
    with pytest.raises(ConfigError, match="not tested on the same windows"):
        compare_models(alone)


@pytest.mark.parametrize("alpha", [0, 1, 2])
def test_an_alpha_that_is_no_share_is_refused(alpha: Any) -> None:
    with pytest.raises(ConfigError, match="alpha must lie between 0 and 1"):
        compare_models(with_accuracies([1, 2], [3, 4]), alpha=alpha)


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


def test_comparing_nothing_says_so() -> None:
    with pytest.raises(ConfigError, match=r"no results"):
        compare_models([])


@pytest.mark.parametrize("metric", ["accuracy", "loss"])
def test_models_are_compared_with_the_baseline_that_scores_best(metric: str) -> None:
    y, subject = np.tile([0, 0, 1, 0], 8), np.repeat(np.arange(8), 4)
    rng = np.random.default_rng(0)
    by_person = make_folds([number % 2 for number in subject.tolist()])
    results = evaluate_predicted(y, subject, np.tile(y[:, None], 5), rng.integers(0, 2, (32, 5)), folds=by_person)

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


# The corrected resampled t-test


def t_test_results(a: Sequence[int] = (9, 5, 6, 7), b: Sequence[int] = (7, 5, 5, 6)) -> tuple[Results, Results]:
    """Four folds, each tested on one trial of ten windows and trained on three."""
    one, other = evaluate_predicted(
        BY_TURNS, [1, 1, 2, 2], of_accuracy(BY_TURNS, a), of_accuracy(BY_TURNS, b), folds=make_folds(range(4))
    )
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
    one, other = evaluate_predicted(
        BY_TURNS, [1, 1, 2, 2], of_accuracy(BY_TURNS, a), of_accuracy(BY_TURNS, b), folds=folds
    )
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
    (elsewhere,) = evaluate_predicted(
        BY_TURNS, [1, 1, 2, 2], of_accuracy(BY_TURNS, [9, 5, 6, 7]), folds=make_folds([3, 2, 1, 0])
    )
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


@pytest.mark.parametrize("results", [3, [1, 2], "ab", None])
def test_what_is_no_result_is_not_compared(results: Any) -> None:
    for compare in (compare_models, compare_with_baselines, compare_over_folds):
        with pytest.raises(ConfigError, match=r"A list of Results was expected, got (int|str|NoneType)"):
            compare(results)


@pytest.mark.parametrize("alpha", ["x", None, True, [0.05]])
def test_an_alpha_that_is_no_number_is_refused(alpha: Any) -> None:
    with pytest.raises(ConfigError, match="alpha must be a number"):
        compare_models(with_accuracies([4, 6], [5, 7]), alpha=alpha)
