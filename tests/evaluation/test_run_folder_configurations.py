"""A run's folder holds one configuration: what makes another one, and what does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from eegemo import (
    ConfigError,
    Control,
    LabelScheme,
    Results,
    Trials,
    Windows,
    evaluate,
    high_low,
    make_splitter,
    quadrants,
    read_results,
)
from toy_classifiers import NearestMean, flat
from toy_results import assert_same_predictions, contents, four_folds, python, run


class OtherMean(NearestMean):
    """The same under another name."""


# Refused


def other_samples(windows: Windows) -> Windows:
    signals = np.array(windows.trials.signals)
    signals[1000, 0] += 1
    return windows.trials._replaced(signals=signals).windows()


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "parameter": ({"classifier": NearestMean(shrink=0.5)}, r"parameters\.shrink: 0\.0 there, 0\.5 here"),
    "seed of the classifier": ({"classifier": NearestMean(random_state=8)}, r"parameters\.random_state: 0 there, 8"),
    "classifier": ({"classifier": OtherMean()}, r"classifier: 'NearestMean' there, 'OtherMean' here"),
    "seed": ({"protocol": four_folds(random_state=1)}, r"protocol\.random_state: 0 there, 1 here"),
    "folds": ({"protocol": make_splitter("trial", n_splits=3)}, r"protocol\.n_splits: 4 there, 3 here"),
    "protocol": ({"protocol": four_folds("stimulus")}, r"protocol\.protocol: 'trial' there, 'stimulus' here"),
    "validation": ({"protocol": four_folds(validation_size=0.2)}, r"protocol\.validation_size: 0\.1 there, 0\.2 here"),
    "scheme": ({"scheme": high_low("valence")}, r"scheme: 'quadrants>5' there, 'valence>5' here"),
    "control": ({"control": "permuted-labels"}, r"control"),
    "strength": ({"control": Control("injected-signal", strength=2.0)}, r"control"),
    "samples": ({"windows": other_samples}, "data_fingerprint"),
    "step": ({"windows": lambda windows: windows.trials.windows(1.0, 0.5)}, r"window\.n_windows: 96 there, 168 here"),
    "n_times": ({"windows": lambda windows: windows.trials.windows(0.5, 1.0 / 2)}, r"window\.n_times: 32 there, 16"),
    "channels": ({"windows": lambda windows: windows.trials.pick(["F3"]).windows()}, r"ch_names: \['F3', 'F4'\] there"),
}


def changed(windows: Windows, changes: dict[str, Any], **options: Any) -> Results:
    data = changes.get("windows", lambda windows: windows)(windows)
    return evaluate(
        changes.get("classifier", NearestMean()),
        data,
        changes.get("scheme", quadrants()),
        changes.get("protocol", four_folds()),
        control=changes.get("control"),
        **options,
    )


@pytest.mark.parametrize(("changes", "message"), CHANGES.values(), ids=CHANGES)
def test_a_run_of_another_configuration_is_refused_and_nothing_is_lost(
    windows: Windows, tmp_path: Path, fitted_on: list[tuple[int, ...]], changes: dict[str, Any], message: str
) -> None:
    first = run(windows, folder=tmp_path)
    before = contents(tmp_path)
    fitted_on.clear()
    with pytest.raises(ConfigError, match=rf"another configuration \(.*{message}.*give another folder, or delete"):
        changed(windows, changes, folder=tmp_path)
    assert fitted_on == []
    assert contents(tmp_path) == before
    assert changed(windows, changes).provenance["fingerprint"] != first.provenance["fingerprint"]


def test_rules_of_one_name_that_give_other_classes_are_other_runs(windows: Windows, tmp_path: Path) -> None:
    mild, strict = (
        LabelScheme("mine", ("HVHA", "HVLA", "LVHA", "LVLA"), ("valence", "arousal"), threshold)
        for threshold in (5.0, 7.5)
    )
    by_person = make_splitter("subject", n_splits="leave-one-out", validation_size=0)
    evaluate(NearestMean(), windows, mild, by_person, folder=tmp_path)
    with pytest.raises(ConfigError, match=r"another configuration \(.*scheme"):
        evaluate(NearestMean(), windows, strict, by_person, folder=tmp_path)


# Pipelines


def squared(X: Windows) -> np.ndarray:
    return flat(X) ** 2


def pipeline(function: Callable[[Windows], np.ndarray], **options: Any) -> Pipeline:
    return make_pipeline(FunctionTransformer(function), SimpleImputer(), LogisticRegression(**options))


def test_a_pipeline_with_functions_and_missing_values_is_taken_up(windows: Windows, tmp_path: Path) -> None:
    first = run(windows, pipeline(flat), folder=tmp_path)
    (tmp_path / "fold-002.npz").unlink()
    assert_same_predictions(run(windows, pipeline(flat), folder=tmp_path), first)
    assert json.loads((tmp_path / "run.json").read_text(), parse_constant=pytest.fail)


@pytest.mark.parametrize(
    "other",
    [pipeline(squared), pipeline(flat, C=2.0), make_pipeline(FunctionTransformer(flat), LogisticRegression())],
    ids=["function", "parameter of a step", "steps"],
)
def test_a_pipeline_of_another_kind_is_refused(windows: Windows, tmp_path: Path, other: Pipeline) -> None:
    run(windows, pipeline(flat), folder=tmp_path)
    with pytest.raises(ConfigError, match=r"another configuration"):
        run(windows, other, folder=tmp_path)


def test_functions_of_one_name_that_compute_something_else_are_told_apart(windows: Windows, tmp_path: Path) -> None:
    run(windows, pipeline(lambda X: flat(X)), folder=tmp_path)
    with pytest.raises(ConfigError, match=r"another configuration \(made_with\.code"):
        run(windows, pipeline(lambda X: np.abs(flat(X))), folder=tmp_path)


# The same


def test_how_a_run_is_executed_and_called_does_not_change_its_fingerprint(windows: Windows) -> None:
    from rich.progress import Progress

    options: list[dict[str, Any]] = [
        {},
        {"n_jobs": 2},
        {"model": "another"},
        {"smoke": True},
        {"progress": Progress(disable=True)},
    ]
    assert len({run(windows, **option).provenance["fingerprint"] for option in options}) == 1


def test_estimators_and_functions_as_parameters_have_the_same_fingerprint_in_another_process(
    windows: Windows, tmp_path: Path
) -> None:
    script = f"""
import sys
sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parents[1])]!r}
import numpy as np
import test_run_folder_configurations as here
from eegemo import Trials
import pandas as pd
table = pd.read_json({str(tmp_path / "table.json")!r})
trials = Trials(np.load({str(tmp_path / "signals.npy")!r}), table, ("F3", "F4"), 32.0, dataset="noise", simulated=True)
print(here.fingerprint_of_many_parameters(trials.windows()))
"""
    np.save(tmp_path / "signals.npy", windows.trials.signals)
    windows.trials.table.to_json(tmp_path / "table.json")
    table = pd.read_json(tmp_path / "table.json")
    trials = Trials(windows.trials.signals, table, ("F3", "F4"), 32.0, dataset="noise", simulated=True)
    module = __import__(Path(__file__).stem)  # by the name that the other process knows it under
    found = {module.fingerprint_of_many_parameters(trials.windows())}
    for seed in ("1", "2"):
        done = python("-c", script, timeout=180, PYTHONHASHSEED=seed)
        assert done.returncode == 0, done.stderr
        found.add(done.stdout.strip())
    assert len(found) == 1


def fingerprint_of_many_parameters(windows: Windows) -> str:
    option = {
        "set": {"F3", "F4", "O1", "O2"},
        "array": np.arange(3),
        "function": np.log,
        "class": NearestMean,
        "estimator": pipeline(flat),
        "tuple": (1, None, np.int64(2)),
        "splitter": KFold(3),
        "nan": float("nan"),
    }
    steps = [("nothing", FunctionTransformer(same)), ("mean", NearestMean(option=option))]
    return str(run(windows, Pipeline(steps)).provenance["fingerprint"])


def same(X: Windows) -> Windows:
    # The order of a set is another one in every process.
    return X if X.trials.ch_names[0] in {"F3", "F4", "O1", "O2", "T7", "T8"} else X[:0]


@pytest.mark.parametrize(
    "options",
    [
        {"protocol": four_folds(random_state=np.int64(3))},
        {"protocol": four_folds(test_size=np.float32(0.1))},
        {"control": Control("injected-signal", strength=np.float32(0.5))},  # type: ignore[arg-type]
        {"control": Control("permuted-labels", random_state=np.int64(3))},  # type: ignore[arg-type]
    ],
    ids=["seed", "size", "strength", "seed of a control"],
)
def test_settings_may_be_numbers_of_numpy(windows: Windows, tmp_path: Path, options: dict[str, Any]) -> None:
    results = changed(windows, options, folder=tmp_path)
    opened = read_results(tmp_path)
    assert_same_predictions(opened, results)
    assert opened.splitter == results.splitter
    assert opened.provenance == results.provenance
