"""What results say of how they were made: settings, data and splits, as strict JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression

from eegemo import MajorityClassifier, Trials, Windows, evaluate, make_splitter, quadrants
from toy_classifiers import Guesser, flattened
from toy_results import CLASSES, four_folds
from toy_trials import with_columns


def strings_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from strings_in(item)


def test_provenance_says_what_was_run_on_what(windows: Windows) -> None:
    results = evaluate(MajorityClassifier(by="subject"), windows, quadrants(), four_folds(), smoke=True)
    provenance = results.provenance
    assert json.loads(json.dumps(provenance, allow_nan=False)) == provenance
    assert provenance["model"] == provenance["classifier"] == "MajorityClassifier"
    assert provenance["parameters"] == {"by": "subject"}
    assert provenance["protocol"] == {
        "protocol": "trial",
        "n_splits": 4,
        "within": "pooled",
        "test_size": 0.1,
        "validation_size": 0.1,
        "n_repeats": 1,
        "random_state": 0,
    }
    assert (provenance["scheme"], provenance["classes"]) == ("quadrants>5", list(CLASSES))
    assert provenance["window"].items() >= {"n_times": 32, "sfreq": 32.0, "n_windows": 96}.items()
    assert (provenance["dataset"], provenance["ch_names"]) == ("noise", ["F3", "F4"])
    assert provenance["data_fingerprint"] == windows.trials.fingerprint
    assert (provenance["simulated"], provenance["smoke"]) == (True, True)
    assert len(provenance["leakage"]) == len(provenance["seconds_per_fold"]) == 4
    assert provenance["packages"].keys() >= {"eegemo", "numpy", "scikit-learn"}
    assert provenance.keys() >= {"commit", "machine", "seconds", "peak_memory_mb", "python"}


def test_provenance_holds_no_absolute_path(windows: Windows, tmp_path: Path) -> None:
    results = evaluate(MajorityClassifier(), windows, quadrants(), four_folds(), folder=tmp_path)
    assert [text for text in strings_in(results.provenance) if re.match(r"/|[A-Za-z]:\\", text)] == []


@pytest.mark.parametrize(
    "classifier",
    [
        flattened(LogisticRegression()),
        Guesser(option=np.int64(3)),
        Guesser(option=Guesser()),
        Guesser(option=("a", None)),
        Guesser(random_state=np.random.RandomState(0)),
    ],
    ids=["pipeline", "NumPy number", "nested", "tuple", "RandomState"],
)
def test_provenance_is_json_for_every_kind_of_parameter(windows: Windows, classifier: BaseEstimator) -> None:
    provenance = evaluate(classifier, windows, quadrants(), four_folds()).provenance
    json.dumps(provenance, allow_nan=False)


def test_provenance_is_strict_json_where_stimuli_have_no_name(small_trials: Trials) -> None:
    nameless = with_columns(small_trials, stimulus=np.nan)
    provenance = evaluate(MajorityClassifier(), nameless.windows(), quadrants(), four_folds()).provenance
    json.dumps(provenance, allow_nan=False)


def test_windows_of_another_step_are_told_apart_in_the_provenance(small_trials: Trials) -> None:
    half, quarter = (
        evaluate(MajorityClassifier(), small_trials.windows(1.0, step), quadrants(), four_folds()).provenance["window"]
        for step in (0.5, 0.25)
    )
    keys = half.keys() - {"n_windows"}
    assert {key: half[key] for key in keys} != {key: quarter[key] for key in keys}


@pytest.mark.parametrize(
    ("change", "same"),
    [({}, True), ({"random_state": 1}, False), ({"protocol": "window-random"}, False), ({"n_splits": 3}, False)],
)
def test_the_split_hash_is_that_of_the_splits(windows: Windows, change: dict[str, Any], same: bool) -> None:
    options: dict[str, Any] = {"protocol": "trial", "n_splits": 4, "random_state": 0}
    first, second = (
        evaluate(MajorityClassifier(), windows, quadrants(), make_splitter(**o)).provenance["split_hash"]
        for o in (options, options | change)
    )
    assert (first == second) == same
