"""Is a difference real: intervals over people, tests between models, and permuted labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from eegemo._trial_parts import UNIT
from eegemo.errors import ConfigError, suggest_keywords, unknown_name
from eegemo.evaluation.blocks import blocks_of
from eegemo.evaluation.metrics import METRICS, from_confusions, losses
from eegemo.evaluation.results import LEVELS, Results, at_level

#: With fewer people than this, no interval from resampling them can hold the mean in 95 of 100 cases.
FEWEST_SUBJECTS = 6
_DIGITS = 12  # equal differences must tie, though their last bits differ


@dataclass(frozen=True)
class Interval:
    """A score and its confidence interval.

    Parameters
    ----------
    estimate, low, high : float
        The score, and the ends of its interval.
    n : int
        How many people, trials or units were resampled.
    unit : "subjects" | "trials" | "units"
        What was resampled: of a single person, the units where trials have them.
    """

    estimate: float
    low: float
    high: float
    n: int
    unit: str

    def __str__(self) -> str:
        return f"{self.estimate:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class TTest:
    """A corrected resampled t-test.

    Parameters
    ----------
    difference : float
        Mean over the folds.
    t, p : float
        Statistic, and two-sided p-value.
    df : int
        Degrees of freedom.
    """

    difference: float
    t: float
    p: float
    df: int


@dataclass(frozen=True)
class PermutationTest:
    """A score beside those that permuted labels give.

    Parameters
    ----------
    score : float
        With the true labels.
    null : array, shape (n_permutations,)
        With permuted ones.
    p : float
        Share of scores at least as high, the true one among them.
    """

    score: float
    null: np.ndarray
    p: float


@suggest_keywords
def confidence_interval(
    result: Results,
    metric: str = "macro_f1",
    level: str = "window",
    *,
    confidence: float = 0.95,
    n_resamples: int = 9999,
    random_state: int = 0,
) -> Interval:
    """Bootstrap a score over people, or over the trials (or units) of a single person; never over windows.

    Parameters
    ----------
    result : Results
        Of any protocol.
    metric : str
        One of :data:`eegemo.evaluation.metrics.METRICS`.
    level : "window" | "trial"
        Whether windows or whole trials are scored.
    confidence : float
        From 0 to 1.
    n_resamples, random_state : int
        How often people are resampled, and from which seed.

    Returns
    -------
    interval : Interval
        Of the mean of the people's scores, each over all folds. Of a single person, of the score of all trials.

    Raises
    ------
    ConfigError
        If the metric or level is unknown, or there is one trial, or unit, only.

    Notes
    -----
    Percentiles of :func:`scipy.stats.bootstrap`, set as much wider as Student's t and the divisor n - 1 ask for with
    few people (Hesterberg 2015). The folds' models share training data, so the interval is of people, with the models
    as they came out. With fewer than 6 people it is too short: all of them lie on one side of the mean too often.

    References
    ----------
    Hesterberg 2015, doi:10.1080/00031305.2015.1089789.
    """
    _check_metric(metric)
    if not 0 < confidence < 1:
        raise ConfigError(f"confidence must lie between 0 and 1, got {confidence}.")
    scores = result.of_subjects(level)[metric].to_numpy()
    if len(scores) > 1:
        unit, n, estimate = "subjects", len(scores), float(scores.mean())

        def statistic(index: np.ndarray, axis: int = -1) -> np.ndarray:
            return scores[index].mean(axis=axis)
    else:
        counts, loss, trials = _by_trial(result, level)
        unit = "trials"
        if UNIT in result.table:  # trials that share a rating are no independent observations
            unit, numbers = "units", np.unique(result.unit_of(trials), return_inverse=True)[1]
            counts, loss = _summed(counts, numbers), _summed(loss, numbers)
        n = len(counts)
        if n < 2:
            raise ConfigError(f"An interval needs several {unit} to resample, got one.")

        def statistic(index: np.ndarray, axis: int = -1) -> np.ndarray:
            total = counts[index].sum(axis=np.ndim(index) - 1 if axis == -1 else axis)
            if metric == "loss":
                summed = loss[index].sum(axis=axis)
                return summed / total.sum(axis=(-2, -1))
            return from_confusions(total, metric)

        estimate = float(statistic(np.arange(n)))
    widened = stats.norm.cdf(-np.sqrt(n / (n - 1)) * stats.t.ppf(0.5 + confidence / 2, n - 1))
    found = stats.bootstrap(
        (np.arange(n),),
        statistic,
        confidence_level=1 - 2 * widened,
        n_resamples=n_resamples,
        method="percentile",
        vectorized=True,
        batch=1000,
        rng=np.random.default_rng(random_state),
    ).confidence_interval
    return Interval(estimate, float(found.low), float(found.high), n, unit)


@suggest_keywords
def compare_models(
    results: Sequence[Results], metric: str = "macro_f1", level: str = "window", *, alpha: float = 0.05
) -> pd.DataFrame:
    """Test every pair of models under each protocol, person by person.

    Parameters
    ----------
    results : sequence of Results
        Of the same people under each protocol.
    metric, level : str
        As in :func:`confidence_interval`.
    alpha : float
        A difference is called significant where the corrected p is below it.

    Returns
    -------
    table : DataFrame
        ``protocol, model, other, subjects``; ``difference``, the mean of model minus other; ``p`` of Wilcoxon's
        signed-rank test; ``p_holm``, corrected for the pairs of that protocol; ``effect``, the matched-pairs
        rank-biserial correlation, from -1 to 1; ``significant``. Empty where no protocol has two models.

    Raises
    ------
    ConfigError
        If two results under a protocol are not of the same people, or have one name.

    References
    ----------
    Demsar 2006 (JMLR 7:1-30); Holm 1979 (Scand J Stat 6:65-70); Kerby 2014, doi:10.2466/11.IT.3.1.
    """
    if not results:
        raise ConfigError("There are no results to compare.")
    tables = []
    for protocol in dict.fromkeys(result.protocol_label for result in results):
        own = [result for result in results if result.protocol_label == protocol]
        names = [result.model for result in own]
        if len(set(names)) < len(names):
            raise ConfigError(f"Two models under {protocol} have one name, of {', '.join(names)}; give each its own.")
        tables.append(_tested(list(combinations(own, 2)), metric, level, alpha))
    return pd.concat(tables, ignore_index=True)


@suggest_keywords
def compare_with_baselines(
    results: Sequence[Results], metric: str = "macro_f1", level: str = "window", *, alpha: float = 0.05
) -> pd.DataFrame:
    """Test every model against the best baseline that saw no EEG, person by person.

    Parameters
    ----------
    results : sequence of Results
        Of any models and protocols.
    metric, level, alpha
        As in :func:`compare_models`.

    Returns
    -------
    table : DataFrame
        As :func:`compare_models` gives it; ``other`` is the baseline with the highest mean under the same folds (the
        lowest, of the loss), which is in the model's disfavour, and the correction is for the models of a protocol.
    """
    _check_metric(metric)
    if not results:
        raise ConfigError("There are no results to compare.")
    tables = []
    sign = _sign(metric)
    for protocol in dict.fromkeys(result.protocol_label for result in results):
        own = [result for result in results if result.protocol_label == protocol]
        pairs = []
        for result in own:
            best = max(result.baselines, key=lambda baseline: sign * baseline.of_subjects(level)[metric].mean())
            pairs.append((result, best))
        tables.append(_tested(pairs, metric, level, alpha))
    return pd.concat(tables, ignore_index=True)


def _tested(pairs: list[tuple[Results, Results]], metric: str, level: str, alpha: float) -> pd.DataFrame:
    """Test each pair over people, and correct for their number."""
    _check_metric(metric)
    rows = []
    for result, other in pairs:
        scores, others = (one.of_subjects(level)[metric] for one in (result, other))
        if not scores.index.equals(others.index):
            raise ConfigError(
                f"{result.model} and {other.model} under {result.protocol_label} are not of the same people, so they "
                "cannot be compared person by person."
            )
        difference = (scores - others).to_numpy().round(_DIGITS)
        rows.append(
            {
                "protocol": result.protocol_label,
                "model": result.model_label,
                "other": other.model_label,
                "subjects": len(scores),
                "difference": difference.mean(),
                "p": signed_rank_p(difference),
                "effect": rank_biserial(difference),
            }
        )
    table = pd.DataFrame(rows, columns=["protocol", "model", "other", "subjects", "difference", "p", "effect"])
    table.insert(6, "p_holm", holm(table["p"].to_numpy(float)))
    return table.assign(significant=table["p_holm"] < alpha)


def significantly_best(results: Sequence[Results], metric: str = "macro_f1", level: str = "window") -> list[Results]:
    """Return the results that are better than every other model of their protocol, each time significantly.

    Parameters
    ----------
    results : sequence of Results
        Of any models and protocols.
    metric, level : str
        As in :func:`compare_models`.

    Returns
    -------
    best : list of Results
        One a protocol at most.
    """
    table = compare_models(results, metric, level)
    best = []
    for result in results:
        pairs = table[table["protocol"] == result.protocol_label]
        better = _sign(metric) * pairs["difference"]
        won = (pairs["model"] == result.model_label) & (better > 0)
        won |= (pairs["other"] == result.model_label) & (better < 0)
        n_others = sum(other.protocol_label == result.protocol_label for other in results) - 1
        if n_others and (won & pairs["significant"]).sum() == n_others:
            best.append(result)
    return best


def corrected_resampled_ttest(a: Results, b: Results, metric: str = "macro_f1", level: str = "window") -> TTest:
    """Compare two models over the folds of a repeated k-fold, whose training sets overlap.

    Parameters
    ----------
    a, b : Results
        Of the same splits.
    metric, level : str
        As in :func:`confidence_interval`.

    Returns
    -------
    test : TTest
        Of the mean of ``a - b``; its variance is that of the differences times ``1/J + n_test/n_train``, J folds.

    Raises
    ------
    ConfigError
        If the two were not run on the same folds, or on one only.

    References
    ----------
    Nadeau & Bengio 2003, doi:10.1023/A:1024068626366; Bouckaert & Frank 2004, doi:10.1007/978-3-540-24775-3_3.
    """
    _check_metric(metric)
    if level not in LEVELS:
        raise unknown_name("level", level, LEVELS)
    numbers = [fold.number for fold in a.folds]
    if a.provenance["split_hash"] != b.provenance["split_hash"] or numbers != [fold.number for fold in b.folds]:
        raise ConfigError(f"{a.model} and {b.model} were not run on the same folds, so they cannot be paired.")
    if len(numbers) < 2:
        raise ConfigError("The test needs several folds, got one; take n_splits of at least 2.")
    per_fold = []
    for result in (a, b):
        scores = result.scores.query("part == 'test' and subject == 'all'")
        per_fold.append(scores[scores["level"] == level].sort_values("fold")[metric].to_numpy())
    difference = per_fold[0] - per_fold[1]
    ratio = np.mean([len(fold.test) / len(fold.train) for fold in a.folds])
    variance = difference.var(ddof=1) * (1 / len(difference) + ratio)
    mean, df = float(difference.mean()), len(difference) - 1
    if variance == 0:
        return TTest(mean, 0.0 if mean == 0 else float(np.copysign(np.inf, mean)), float(mean == 0), df)
    t = mean / np.sqrt(variance)
    return TTest(mean, float(t), float(2 * stats.t.sf(abs(t), df)), df)


@suggest_keywords
def label_permutation_test(
    result: Results,
    metric: str = "macro_f1",
    level: str = "window",
    *,
    n_permutations: int = 9999,
    random_state: int = 0,
) -> PermutationTest:
    """Test whether predictions know the labels: each person's labels are permuted over that person's trials, or units.

    Parameters
    ----------
    result : Results
        Of any protocol; under one that leaks, what is known may be the trial rather than the emotion.
    metric : str
        Any but the loss.
    level : "window" | "trial"
        Whether windows or whole trials are scored.
    n_permutations, random_state : int
        How often labels are permuted, and from which seed.

    Returns
    -------
    test : PermutationTest
        Of the score over all people together.

    Raises
    ------
    ConfigError
        If the metric or level is unknown, or trials have units and no two units of a person have as many trials.

    Notes
    -----
    The predictions are kept and nothing is trained again, so it takes a second; the trial is what is exchanged, since
    windows of one trial are no independent observations. Neither are trials of one ``unit``: a unit takes all the
    labels of another one of that person with as many trials, in their order, and keeps its own where there is none.
    :func:`eegemo.evaluation.permutation.permutation_test` trains anew for each permutation. Labels that are the same
    for all people's trials of a stimulus are exchanged as if they were not, so under ``subject`` a small p may be the
    stimulus recognised.

    References
    ----------
    Phipson & Smyth 2010, doi:10.2202/1544-6115.1585 (the added one).
    """
    _check_metric(metric)
    if metric == "loss":
        raise ConfigError("The loss is not counted from predicted classes; take another metric.")
    if n_permutations < 1:
        raise ConfigError(f"n_permutations must be at least 1, got {n_permutations}.")
    counts, _, trials = _by_trial(result, level)
    predicted, labels = counts.sum(axis=1), counts.sum(axis=2).argmax(axis=1)
    blocks = blocks_of(result.subject_of(trials), result.unit_of(trials))
    subject = np.unique(blocks.subject, return_inverse=True)[1]
    n_classes = len(result.scheme.classes)
    rng = np.random.default_rng(random_state)

    def scored(labels: np.ndarray) -> float:
        matrix = np.zeros((n_classes, n_classes))
        np.add.at(matrix, labels, predicted)
        return float(from_confusions(matrix, metric))

    own = blocks.rows(np.lexsort((blocks.size, subject)))
    truth, null = scored(labels), np.empty(n_permutations)
    for number in range(n_permutations):
        # Sorting random numbers within each person, and each size of units, is a permutation within each of them.
        shuffled = blocks.rows(np.lexsort((rng.random(len(subject)), blocks.size, subject)))
        permuted = np.empty_like(labels)
        permuted[own] = labels[shuffled]
        null[number] = scored(permuted)
    p = (1 + (null >= truth - 1e-12).sum()) / (1 + n_permutations)
    return PermutationTest(truth, null, float(p))


def signed_rank_p(difference: np.ndarray) -> float:
    """Two-sided p of Wilcoxon's signed-rank test; 1 where nothing differs."""
    return float(stats.wilcoxon(difference).pvalue) if np.any(difference) else 1.0


def rank_biserial(difference: np.ndarray) -> float:
    """Matched-pairs rank-biserial correlation: the ranks in favour less those against, over all ranks."""
    differing = difference[difference != 0]
    ranks = stats.rankdata(np.abs(differing))
    return float(ranks @ np.sign(differing) / ranks.sum()) if len(differing) else 0.0


def holm(p: np.ndarray) -> np.ndarray:
    """Correct p-values for their number, step by step from the smallest, after Holm.

    Parameters
    ----------
    p : array, shape (n,)
        Of tests that belong together.

    Returns
    -------
    corrected : array, shape (n,)
        In the same order, at most 1.
    """
    order = np.argsort(p)
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p)))), 1)
    return corrected


def _sign(metric: str) -> int:
    return -1 if metric == "loss" else 1


def _check_metric(metric: str) -> None:
    if metric not in METRICS:
        raise unknown_name("metric", metric, METRICS)


def _summed(values: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Sum over the first axis what has one number."""
    total = np.zeros((numbers.max() + 1, *values.shape[1:]), values.dtype)
    np.add.at(total, numbers, values)
    return total


def _by_trial(result: Results, level: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the confusion matrix, the summed loss and the number of each trial over all folds."""
    n_classes = len(result.scheme.classes)
    parts = [at_level(fold, level) for fold in result.folds]
    trial, y, proba = (np.concatenate(part) for part in zip(*parts, strict=True))
    trials, index = np.unique(trial, return_inverse=True)
    counts = np.zeros((len(trials), n_classes, n_classes))
    np.add.at(counts, (index, y, proba.argmax(axis=1)), 1)
    return counts, np.bincount(index, losses(y, proba)), trials
