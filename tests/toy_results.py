"""Evaluations of a few trials: of predictions that are given, under folds that are given, or left in a folder."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

import eegemo
from eegemo import Results, Windows, categories, evaluate, make_splitter, quadrants
from eegemo.evaluation.splitter import Split, Splitter
from toy_classifiers import NearestMean, Reader
from toy_trials import make_trials

CLASSES = ("HVHA", "HVLA", "LVHA", "LVLA")
N_FOLDS = 4


def four_folds(protocol: str = "trial", **options: Any) -> Splitter:
    return make_splitter(protocol, n_splits=N_FOLDS, **options)


# Given folds


@dataclass(frozen=True)
class GivenFolds(Splitter):
    """Folds by hand: the rows of the trial table that each validates and tests on; it is trained on the others."""

    rows: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = ()

    def triples(self, windows: Windows, y: np.ndarray | None = None) -> Iterator[Split]:
        for parts in self.rows:
            validation, test = (np.isin(windows.trial_index, rows) for rows in parts)
            yield np.flatnonzero(~validation & ~test), np.flatnonzero(validation), np.flatnonzero(test)


def by_trial(validation: tuple[int, ...], test: tuple[int, ...]) -> GivenFolds:
    """Split once: which rows of the trial table are validated and tested on."""
    return GivenFolds("trial", None, "pooled", 0.1, 0.1, 0, 1, ((validation, test),))


def make_folds(*of_trial: Sequence[int]) -> GivenFolds:
    """Split by the fold of each trial, given once a repetition."""
    rows = [
        ((), tuple(row for row, own in enumerate(folds) if own == number))
        for folds in of_trial
        for number in range(max(folds) + 1)
    ]
    return GivenFolds("trial", 2, "pooled", 0.1, 0, 0, len(of_trial), tuple(rows))


# Given predictions

RIGHT = 0.8  # probability of the class that is predicted


def probabilities(predicted: np.ndarray, n_classes: int) -> np.ndarray:
    proba = np.full((*predicted.shape, n_classes), (1 - RIGHT) / (n_classes - 1))
    np.put_along_axis(proba, predicted[..., None], RIGHT, axis=-1)
    return proba


def evaluate_predicted(
    y: Sequence[int] | np.ndarray,
    subject: Sequence[Any] | np.ndarray,
    *predicted: Any,
    folds: Splitter | None = None,
    n_classes: int = 2,
) -> list[Results]:
    """Evaluate models, named A, B, ..., that predict these classes, each of shape (n_trials, n_windows)."""
    models = [np.asarray(classes) for classes in predicted]
    n_trials, n_windows = models[0].shape
    strip = np.concatenate([probabilities(classes, n_classes).reshape(-1, n_classes) for classes in models], axis=1)
    names = [f"p{number}" for number in range(strip.shape[1])]
    trials = make_trials({"subject": subject, "class": y}, strip, n_times=n_windows, ch_names=names)
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


def of_accuracy(y: np.ndarray, n_right: Sequence[int], n_windows: int = 10) -> np.ndarray:
    """Predict the class, 0 or 1, for this many windows of each trial, and the other for the others."""
    return y[:, None] ^ (np.arange(n_windows) >= np.array(n_right)[:, None])


def with_accuracies(*per_model: Sequence[int]) -> list[Results]:
    """Evaluate models on people of one trial of ten windows of class 0 or 1 by turns, of which so many are right."""
    y = np.arange(len(per_model[0])) % 2
    return evaluate_predicted(y, range(len(y)), *(of_accuracy(y, n_right) for n_right in per_model))


def shown(result: Results, stimulus: Sequence[int], protocol: str = "stimulus") -> Results:
    """Name what was shown in each trial of predictions that were given, and the protocol that they stand for."""
    table = result.table.assign(stimulus=np.repeat(stimulus, len(result.table) // len(stimulus)))
    return replace(result, table=table, splitter=replace(result.splitter, protocol=protocol))


# Runs in a folder


def run(windows: Windows, classifier: BaseEstimator | None = None, **options: Any) -> Results:
    return evaluate(classifier or NearestMean(), windows, quadrants(), four_folds(), **options)


def starts_of(windows: Windows, *folds: int) -> list[tuple[int, ...]]:
    """What the fits of these folds see."""
    splits = list(four_folds().triples(windows, quadrants()(windows)))
    return [tuple(windows.starts[splits[number][0]]) for number in folds]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


def python(*arguments: str, timeout: float, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the package that is tested here."""
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(eegemo.__file__).parents[1]), **environment},
    )


# Comparisons


def assert_same_predictions(one: Results, other: Results) -> None:
    pd.testing.assert_frame_equal(one.predictions, other.predictions, check_exact=True)
    assert [fold.proba.tobytes() for fold in one.folds] == [fold.proba.tobytes() for fold in other.folds]


def assert_same_results(one: Results, other: Results) -> None:
    """Everything that a reader can ask for."""
    assert_same_predictions(one, other)
    np.testing.assert_array_equal(one.confusion("trial"), other.confusion("trial"))
    pd.testing.assert_frame_equal(one.of_subjects("trial"), other.of_subjects("trial"), check_exact=True)
    pd.testing.assert_frame_equal(one.scores, other.scores, check_exact=True)
    pd.testing.assert_frame_equal(one.table, other.table)
    np.testing.assert_array_equal(one.y, other.y)
    assert [b.model for b in one.baselines] == [b.model for b in other.baselines]
    for mine, theirs in zip(one.baselines, other.baselines, strict=True):
        assert_same_predictions(mine, theirs)
        assert [fold.seen for fold in mine.folds] == [fold.seen for fold in theirs.folds]
    assert (one.notes, one.failures, one.subjects) == (other.notes, other.failures, other.subjects)
    assert repr(one.leakage) == repr(other.leakage)
    assert (one.verdict, one.splitter, one.scheme) == (other.verdict, other.splitter, other.scheme)
    assert (one.control, one.simulated, one.model) == (other.control, other.simulated, other.model)
    assert one.provenance == other.provenance
