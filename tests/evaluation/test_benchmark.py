"""Several models, protocols and controls in one call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.progress import Progress
from scipy import stats

from eegemo import (
    Control,
    MajorityClassifier,
    Trials,
    UniformClassifier,
    benchmark,
    compare_over_folds,
    corrected_resampled_ttest,
    evaluate,
    make_splitter,
    quadrants,
    read_results,
)
from eegemo.evaluation.comparisons import holm
from eegemo.evaluation.intervals import mean_interval

MODELS = {
    "majority": MajorityClassifier(),
    "guess": UniformClassifier(random_state=0),
    "by": MajorityClassifier("subject"),
}
SPLITTERS = [make_splitter("trial", n_splits=3), make_splitter("subject", n_splits=3, validation_size=0)]


def test_every_model_runs_under_every_protocol_as_it_does_alone(small_trials: Trials) -> None:
    windows = small_trials.windows()
    results = benchmark(MODELS, windows, quadrants(), SPLITTERS)
    assert [(result.protocol, result.model) for result in results] == [
        (protocol, model) for protocol in ("trial", "subject") for model in MODELS
    ]
    for result in results:
        splitter = next(one for one in SPLITTERS if one.protocol == result.protocol)
        alone = evaluate(MODELS[result.model], windows, quadrants(), splitter, model=result.model)
        pd.testing.assert_frame_equal(result.scores, alone.scores)


def test_controls_run_with_the_first_model_wherever_they_can_be_had(small_trials: Trials) -> None:
    controls: list[str | Control] = ["permuted-labels", Control("who-is-it", random_state=5)]
    results = benchmark(MODELS, small_trials.windows(), quadrants(), SPLITTERS, controls)
    assert [(result.protocol, result.model, result.control) for result in results if result.control] == [
        ("trial", "majority", "permuted-labels"),
        ("trial", "majority", "who-is-it"),
        ("subject", "majority", "permuted-labels"),  # who is held out cannot be known
    ]


def test_controls_may_be_kept_to_some_protocols(small_trials: Trials) -> None:
    results = benchmark(
        MODELS, small_trials.windows(), quadrants(), SPLITTERS, ["permuted-labels"], controlled=["subject"]
    )
    assert [result.protocol for result in results if result.control] == ["subject"]


def test_protocols_may_be_named_and_runs_are_kept(small_trials: Trials, tmp_path: Path) -> None:
    models = {"majority": MajorityClassifier()}
    with Progress() as progress:
        benchmark(models, small_trials.windows(), quadrants(), ["trial"], runs=tmp_path, progress=progress)
        assert [(task.description, task.completed) for task in progress.tasks] == [("majority · trial · folds", 5)]
    assert [path.name.rpartition("-")[0] for path in tmp_path.iterdir()] == ["trial-majority"]


def test_all_pairs_of_models_are_compared_over_folds_and_corrected(small_trials: Trials) -> None:
    results = benchmark(MODELS, small_trials.windows(), quadrants(), SPLITTERS)
    table = compare_over_folds(results)
    assert list(zip(table["protocol"], table["model"], table["other"], strict=True)) == [
        (protocol, *pair)
        for protocol in ("trial", "subject")
        for pair in (("majority", "guess"), ("majority", "by"), ("guess", "by"))
    ]
    first, second = results[0], results[1]
    assert table.loc[0, "p"] == pytest.approx(corrected_resampled_ttest(first, second).p)
    for _, own in table.groupby("protocol"):
        assert own["p_holm"].tolist() == pytest.approx(holm(own["p"].to_numpy()).tolist())


def test_the_interval_of_a_mean_is_students() -> None:
    values = [0.1, 0.3, 0.2, 0.0, 0.4]
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    interval = mean_interval(values, 0.9)  # type: ignore[arg-type]
    assert (interval.estimate, interval.low, interval.high) == pytest.approx((0.2, low, high))
    assert (interval.n, interval.unit) == (5, "subjects")


def test_what_must_be_known_of_a_fold_is_said_to_whoever_asked_for_it(small_trials: Trials) -> None:
    class Collapsed(MajorityClassifier):
        collapse_ = "it answers one class"

    with pytest.warns(UserWarning, match="Fold 0: flat has collapsed") as found:
        benchmark({"flat": Collapsed()}, small_trials.windows(), quadrants(), SPLITTERS[:1])
    assert {warning.filename for warning in found} == {__file__}


def test_folds_of_several_models_run_side_by_side_and_are_taken_up(small_trials: Trials, tmp_path: Path) -> None:
    windows = small_trials.windows()
    alone = benchmark(MODELS, windows, quadrants(), SPLITTERS, ["permuted-labels"])
    with Progress() as progress:
        together = benchmark(
            MODELS, windows, quadrants(), SPLITTERS, ["permuted-labels"], n_jobs=2, runs=tmp_path, progress=progress
        )
        bars = [(task.description, task.completed, task.total) for task in progress.tasks]
    assert bars == [("6 evaluations · folds", 18, 18), ("2 evaluations · folds", 6, 6)]
    (tmp_path / next(path.name for path in tmp_path.iterdir() if "guess" in path.name) / "fold-001.npz").unlink()
    again = benchmark(MODELS, windows, quadrants(), SPLITTERS, ["permuted-labels"], runs=tmp_path)
    for one, two, three in zip(alone, together, again, strict=True):
        pd.testing.assert_frame_equal(one.scores, two.scores)
        pd.testing.assert_frame_equal(one.scores, three.scores)


def test_a_model_that_fails_everywhere_raises_and_leaves_the_others_done(small_trials: Trials, tmp_path: Path) -> None:
    class Broken(MajorityClassifier):
        def fit(self, X: Any, y: Any) -> Any:
            raise ArithmeticError("no fit")

    models = {"majority": MajorityClassifier(), "broken": Broken()}
    with pytest.raises(ArithmeticError, match="no fit"):
        benchmark(models, small_trials.windows(), quadrants(), SPLITTERS[:1], runs=tmp_path)
    (done,) = tmp_path.glob("trial-majority-*")
    assert len(read_results(done).folds) == 3
