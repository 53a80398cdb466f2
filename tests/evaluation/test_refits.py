"""Refits with permuted labels: side by side as one by one, kept beside results, taken up, and named in tables."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from eegemo import (
    ConfigError,
    DataFormatError,
    EEGClassifier,
    LabelScheme,
    Windows,
    benchmark,
    categories,
    evaluate,
    label_permutation_test,
    make_splitter,
    permutation_test,
    read_results,
)
from eegemo.evaluation import Fold, refits
from eegemo.evaluation.execution import run_folds
from eegemo.evaluation.folds import FailedFold
from eegemo.evaluation.plan import Plan, make_plan
from eegemo.reporting.statements import intervals_statement
from eegemo.reporting.tables import interval_table, interval_text
from toy_classifiers import NearestMean, flattened
from toy_trials import make_trials

CLASSES: LabelScheme = categories("class", ("0", "1"))
THIRDS = make_splitter("trial", n_splits=3, validation_size=0)
BY_PERSON = make_splitter("subject", n_splits="leave-one-out", validation_size=0)


def make_windows(effect: float, seed: int = 1) -> Windows:
    """Make a window of noise for each of 8 trials of 3 people, and shift those of class 1."""
    rng = np.random.default_rng(seed)
    y = np.concatenate([rng.permutation(np.arange(8) % 2) for _ in range(3)])
    columns = {"subject": np.repeat(np.arange(3), 8), "class": y}
    strip = rng.standard_normal((24, 2)) + effect * y[:, None]
    return make_trials(columns, strip, n_times=1, ch_names=("F3", "F4")).windows(n_times=1, step=1)


def test_permutations_side_by_side_score_as_each_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    windows = make_windows(effect=0.5)
    together = permutation_test(NearestMean(), windows, CLASSES, THIRDS, n_permutations=4)
    sizes = []

    def noted(todo: Sequence[tuple[Plan, Collection[int]]], **how: Any) -> Iterator[tuple[Plan, Fold | FailedFold]]:
        sizes.append(len(todo))
        return run_folds(todo, **how)

    monkeypatch.setattr(refits, "FOLDS_IN_HAND", 3 * 3)
    monkeypatch.setattr(refits, "run_folds", noted)

    two_by_two = permutation_test(NearestMean(), windows, CLASSES, THIRDS, n_permutations=4)

    assert sizes == [2, 2]  # three and one would be compiled twice
    np.testing.assert_array_equal(two_by_two.null, together.null)
    assert len(set(together.null)) > 1


def test_p_of_labels_that_carry_nothing_is_spread_and_of_clear_ones_the_smallest() -> None:
    model = flattened(LogisticRegression())
    p = [
        permutation_test(model, make_windows(0, seed), CLASSES, BY_PERSON, metric="accuracy", n_permutations=9).p
        for seed in range(4)
    ]
    assert min(p) > 0.1  # of four that are uniform over .1, .2 ... 1 none is the smallest in two cases of three
    assert min(p) <= 0.5 < max(p)  # and they lie on both sides in seven of eight
    clear = permutation_test(model, make_windows(6), CLASSES, BY_PERSON, n_permutations=9)
    assert (clear.score, clear.p) == (1, 1 / 10)


def test_splits_that_permuting_leaves_alone_are_in_memory_once() -> None:
    for splitter, shared in ((BY_PERSON, True), (THIRDS, False)):
        plan = make_plan(NearestMean(), make_windows(0), CLASSES, splitter)
        (permuted,) = refits.refits(plan, [0])
        assert (permuted.folds[0].train is plan.splits[0][0]) == shared
        assert not permuted.baselines


def test_labels_of_trials_without_windows_are_dealt_to_none() -> None:
    windows = make_windows(0)
    some = windows[windows.trial_index % 8 < 6]
    y = CLASSES(some)
    for labels in (CLASSES, y):  # with an array of labels, the others have none at all
        for result in refits.refits(make_plan(NearestMean(), some, labels, BY_PERSON), range(5)):
            for subject in range(3):
                own = some.table["subject"].to_numpy() == subject
                assert result.y[own].sum() == y[own].sum()


def test_evaluate_keeps_the_scores_of_refits_and_takes_them_up(
    tmp_path: Path, fitted_on: list[tuple[int, ...]]
) -> None:
    windows, folder = make_windows(effect=1), tmp_path / "run"
    plain = evaluate(NearestMean(), windows, CLASSES, THIRDS, folder=folder)
    assert interval_table([plain])["refits"].tolist() == [0]
    fitted_on.clear()

    first = evaluate(NearestMean(), windows, CLASSES, THIRDS, folder=folder, n_permutations=3)
    assert len(fitted_on) == 3 * 3  # the folds of the real task were there
    more = evaluate(NearestMean(), windows, CLASSES, THIRDS, folder=folder, n_permutations=5)
    assert len(fitted_on) == 5 * 3

    for result, n in ((first, 3), (more, 5), (read_results(folder), 5)):
        for level in ("window", "trial"):
            expected = permutation_test(NearestMean(), windows, CLASSES, THIRDS, level=level, n_permutations=n)
            (row,) = interval_table([result], level).to_dict("records")
            assert (row["p"], row["refits"]) == (expected.p, n)
    assert more.provenance["fingerprint"] == plain.provenance["fingerprint"]


def test_tables_say_which_test_gave_p() -> None:
    windows = make_windows(effect=6)
    (result,) = benchmark({"mean": NearestMean()}, windows, CLASSES, [THIRDS], n_permutations=4)
    text = interval_text(interval_table([result, *result.baselines]))["p"]
    assert text[0] == "0.2000 (4 refits)"  # (1 + 0) / (1 + 4)
    kept = [f"{label_permutation_test(one, n_permutations=1999).p:.4f}" for one in result.baselines]
    assert text[1:].tolist() == kept
    assert "trained anew" in intervals_statement([result])
    assert "trained anew" not in intervals_statement(result.baselines)


def test_a_network_is_trained_anew_by_itself_only_on_an_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    network = EEGClassifier("cnn-gru")
    monkeypatch.setattr(refits, "check_at_once", lambda _: False)
    assert refits.number_of_refits("auto", network, "auto") == 0
    monkeypatch.setattr(refits, "check_at_once", lambda _: True)  # as with an accelerator
    assert refits.number_of_refits("auto", network, "auto") == 199
    assert refits.number_of_refits("auto", network, False) == 0
    assert refits.number_of_refits("auto", NearestMean(), "auto") == 0
    assert refits.number_of_refits(7, NearestMean(), False) == 7


@pytest.mark.parametrize(
    ("n", "message"),
    [
        ("many", "n_permutations must be a whole number or 'auto', got 'many'"),
        (-1, "n_permutations must be at least 0, or 'auto', got -1"),
        (1.5, "n_permutations must be a whole number, got 1.5"),
    ],
)
def test_a_number_that_is_none_is_refused_before_anything_is_fitted(
    n: Any, message: str, fitted_on: list[tuple[int, ...]]
) -> None:
    with pytest.raises(ConfigError, match=message):
        evaluate(NearestMean(), make_windows(0), CLASSES, THIRDS, n_permutations=n)
    assert not fitted_on


def test_damaged_scores_of_refits_are_refused(tmp_path: Path) -> None:
    evaluate(NearestMean(), make_windows(0), CLASSES, THIRDS, folder=tmp_path, n_permutations=1)
    card = json.loads((tmp_path / "run.json").read_text())
    for damage in ({"window": [0.5], "trial": []}, {"window": ["0.5"], "trial": [0.5]}, {"window": [0.5]}, [0.5]):
        card["provenance"]["macro_f1_of_refits"] = damage
        (tmp_path / "run.json").write_text(json.dumps(card))
        with pytest.raises(DataFormatError, match=r"run\.json: damaged"):
            read_results(tmp_path)
