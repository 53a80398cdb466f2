"""Comparisons: whether one model is better than another, or than what needs no EEG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from eegemo._numbers import between
from eegemo.errors import ConfigError, suggest_keywords, unknown_name
from eegemo.evaluation.folds import Failure
from eegemo.evaluation.jackknife import jackknife
from eegemo.evaluation.metrics import check_metric
from eegemo.evaluation.results import Results
from eegemo.evaluation.scoring import LEVELS

_DIGITS = 12  # equal differences must tie, though their last bits differ


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


@suggest_keywords
def compare_models(
    results: Sequence[Results], metric: str = "macro_f1", level: str = "window", *, alpha: float = 0.05
) -> pd.DataFrame:
    """Test every pair of models under each protocol, person by person (and stimulus by stimulus where these are new).

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
        ``protocol, model, other, subjects``; ``difference``, the mean of model minus other; ``p`` of Student's t with
        the variance of :class:`eegemo.evaluation.jackknife.Jackknife`, which takes stimuli in where these are new;
        ``p_holm``, corrected for the pairs of that protocol; ``effect``, the matched-pairs rank-biserial correlation
        over people, from -1 to 1; ``significant``. Empty where no protocol has two models.

    Raises
    ------
    ConfigError
        If two results under a protocol are not of the same people, windows and labels, or have one name. Where a fold
        failed, those that both have are compared.

    References
    ----------
    Holm 1979 (Scand J Stat 6:65-70); Kerby 2014, doi:10.2466/11.IT.3.1.
    """
    _check_several(results)
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
    check_metric(metric)
    _check_several(results)
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


def _check_several(results: Sequence[Results]) -> None:
    if not isinstance(results, Sequence) or not all(isinstance(result, Results) for result in results):
        got = ", ".join(dict.fromkeys(type(one).__name__ for one in results)) if isinstance(results, Sequence) else ""
        raise ConfigError(f"A list of Results was expected, got {got or type(results).__name__}.")
    if not results:
        raise ConfigError("There are no results to compare.")


def _tested(pairs: list[tuple[Results, Results]], metric: str, level: str, alpha: float) -> pd.DataFrame:
    """Test each pair over people, and correct for their number."""
    check_metric(metric)
    rows = []
    alpha = between("alpha", alpha, 0, 1)
    for pair in pairs:
        result, other = pair
        if result.of_subjects(level).index.tolist() != other.of_subjects(level).index.tolist():
            raise ConfigError(
                f"{result.model} and {other.model} under {result.protocol_label} are not of the same people, so they "
                "cannot be compared person by person."
            )
        result, other = _on_common_folds(*pair)
        if not _tested_alike(result, other):
            raise ConfigError(
                f"{result.model} and {other.model} under {result.protocol_label} were not tested on the same windows "
                "with the same labels, so they cannot be compared."
            )
        scores, others = (one.of_subjects(level)[metric] for one in (result, other))
        difference = (scores - others).to_numpy().round(_DIGITS)
        tested = jackknife(result, metric, level) - jackknife(other, metric, level)
        rows.append(
            {
                "protocol": result.protocol_label,
                "model": result.model_label,
                "other": other.model_label,
                "subjects": len(scores),
                "difference": difference.mean(),
                "p": tested.p,
                "effect": rank_biserial(difference),
            }
        )
    table = pd.DataFrame(rows, columns=["protocol", "model", "other", "subjects", "difference", "p", "effect"])
    table.insert(6, "p_holm", holm(table["p"].to_numpy(float)))
    return table.assign(significant=table["p_holm"] < alpha)


def _on_common_folds(result: Results, other: Results) -> tuple[Results, Results]:
    """Leave out the folds that failed in one of two results."""
    numbers = [{fold.number for fold in one.folds} for one in (result, other)]
    common = numbers[0] & numbers[1]
    if numbers[0] == numbers[1] or not common:
        return result, other
    first, second = (
        replace(
            one,
            folds=tuple(fold for fold in one.folds if fold.number in common),
            failures=(*one.failures, *(Failure(number, "failed in the other") for number in sorted(own - common))),
        )
        for one, own in zip((result, other), numbers, strict=True)
    )
    return first, second


def _tested_alike(result: Results, other: Results) -> bool:
    """Whether two results are of the same windows, with the same classes."""
    own, others = (np.unique(np.concatenate([fold.test for fold in one.folds])) for one in (result, other))
    return np.array_equal(own, others) and np.array_equal(result.y[own], other.y[others])


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
    check_metric(metric)
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
    return resampled_ttest(difference, float(np.mean([len(fold.test) / len(fold.train) for fold in a.folds])))


def resampled_ttest(difference: np.ndarray, test_per_train: float) -> TTest:
    """Test differences over folds whose training sets overlap; see :func:`corrected_resampled_ttest`.

    Parameters
    ----------
    difference : array, shape (n_folds,)
        Of two models on each fold.
    test_per_train : float
        Windows tested on over windows trained on.

    Returns
    -------
    test : TTest
    """
    variance = difference.var(ddof=1) * (1 / len(difference) + test_per_train)
    mean, df = float(difference.mean()), len(difference) - 1
    if variance == 0:
        return TTest(mean, 0.0 if mean == 0 else float(np.copysign(np.inf, mean)), float(mean == 0), df)
    t = mean / np.sqrt(variance)
    return TTest(mean, float(t), float(2 * stats.t.sf(abs(t), df)), df)


def compare_over_folds(results: Sequence[Results], metric: str = "macro_f1", level: str = "window") -> pd.DataFrame:
    """Test every pair of models under each protocol, fold by fold.

    Parameters
    ----------
    results : sequence of Results
        Of the same splits under each protocol.
    metric, level : str
        As in :func:`eegemo.confidence_interval`.

    Returns
    -------
    table : DataFrame
        ``protocol, model, other``; ``difference, t, df, p`` of :func:`corrected_resampled_ttest`; ``p_holm``,
        corrected for the pairs of that protocol.
    """
    _check_several(results)
    rows: list[dict[str, object]] = []
    for protocol in dict.fromkeys(result.protocol_label for result in results):
        own = [result for result in results if result.protocol_label == protocol]
        pairs = [(a, b, corrected_resampled_ttest(a, b, metric, level)) for a, b in combinations(own, 2)]
        corrected = holm(np.array([test.p for *_, test in pairs], dtype=float))
        rows += [
            {"protocol": protocol, "model": a.model_label, "other": b.model_label, **vars(test), "p_holm": float(p)}
            for (a, b, test), p in zip(pairs, corrected, strict=True)
        ]
    return pd.DataFrame(rows, columns=["protocol", "model", "other", "difference", "t", "df", "p", "p_holm"])


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
