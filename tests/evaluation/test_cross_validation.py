"""Running a classifier under a protocol: what it is shown, what comes out, and what is written down."""

from __future__ import annotations

import io
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from rich.progress import Progress
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, log_loss
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from eegemo import (
    ConfigError,
    EEGClassifier,
    EEGRegressor,
    MajorityClassifier,
    Results,
    Trials,
    Windows,
    categories,
    evaluate,
    make_splitter,
    quadrants,
    read_results,
)
from eegemo.evaluation.metrics import METRICS
from eegemo.evaluation.splitter import Split, Splitter
from eegemo.networks import CNNGRU
from tiny import tiny

CLASSES = ("HVHA", "HVLA", "LVHA", "LVLA")


def flat(X: Windows) -> np.ndarray:
    return np.asarray(X).reshape(len(X), -1)


def flattened(classifier: BaseEstimator) -> Pipeline:
    return make_pipeline(FunctionTransformer(flat), classifier)


class NearestMean(ClassifierMixin, BaseEstimator):
    """Predicts from the distances to the means of the classes."""

    def fit(self, X: Windows, y: np.ndarray) -> Self:
        self.classes_ = np.unique(y)
        self.means_ = np.stack([flat(X)[y == number].mean(axis=0) for number in self.classes_])
        return self

    def predict_proba(self, X: Windows) -> np.ndarray:
        distance = np.linalg.norm(flat(X)[:, None] - self.means_, axis=2)
        closeness = np.exp(-distance)
        return closeness / closeness.sum(axis=1, keepdims=True)

    def accuracy(self, X: Windows, y: np.ndarray) -> float:
        return float((self.classes_[self.predict_proba(X).argmax(axis=1)] == y).mean())


class Recorder(NearestMean):
    """Writes down every call; it is shared by all clones."""

    calls: ClassVar[list[dict[str, Any]]] = []

    def fit(self, X: Windows, y: np.ndarray, *, validation_data: tuple[Windows, np.ndarray] | None = None) -> Self:
        self.n_fits_ = getattr(self, "n_fits_", 0) + 1
        self.calls.append({"n_fits": self.n_fits_, "fit": X.starts, "y": y, "validation": validation_data})
        return super().fit(X, y)


class Guesser(ClassifierMixin, BaseEstimator):
    """Predicts at random."""

    def __init__(self, random_state: int | np.random.RandomState | None = None, option: Any = None) -> None:
        self.random_state = random_state
        self.option = option

    def fit(self, X: Windows, y: np.ndarray) -> Self:
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X: Windows) -> np.ndarray:
        rng = np.random.RandomState(self.random_state) if isinstance(self.random_state, int) else np.random
        return rng.dirichlet(np.ones(len(self.classes_)), len(X))


class Wrapped(NearestMean):
    """Keeps what it learned in a model of its own."""

    def fit(self, X: Windows, y: np.ndarray) -> Self:
        self.model_ = NearestMean().fit(X, y)
        return super().fit(X, y)


@dataclass(frozen=True)
class ByTrial(Splitter):
    """One split by hand: which rows of the trial table are validated and tested on."""

    validation: tuple[int, ...] = ()
    test: tuple[int, ...] = ()

    def triples(self, windows: Windows, y: np.ndarray | None = None) -> Iterator[Split]:
        validation, test = (np.isin(windows.trial_index, rows) for rows in (self.validation, self.test))
        yield np.flatnonzero(~validation & ~test), np.flatnonzero(validation), np.flatnonzero(test)


def by_trial(validation: tuple[int, ...], test: tuple[int, ...]) -> ByTrial:
    return ByTrial("trial", None, "pooled", 0.1, 0.1, 0, 1, validation, test)


@pytest.fixture
def windows(small_trials: Trials) -> Windows:
    """Four windows a trial."""
    return small_trials.windows()


@pytest.fixture
def calls() -> Iterator[list[dict[str, Any]]]:
    Recorder.calls.clear()
    yield Recorder.calls
    Recorder.calls.clear()


def four_folds(protocol: str = "trial", random_state: int = 0) -> Splitter:
    return make_splitter(protocol, n_splits=4, random_state=random_state)


def make_trials(
    labels: np.ndarray, *, n_people: int = 4, offset: np.ndarray | float = 0.0, noise: float = 1.0
) -> Trials:
    """Make trials of eight windows of four samples, each with a constant of its own under the noise."""
    n, n_times = len(labels), 32
    table = pd.DataFrame({"subject": np.arange(n) % n_people, "trial": np.arange(n), "class": labels})
    table = table.assign(stimulus=np.arange(n), start=np.arange(n) * n_times, n_times=n_times, n_baseline=0)
    strip = noise * np.random.default_rng(0).standard_normal((n, n_times)) + np.broadcast_to(offset, (n,))[:, None]
    return Trials(strip.reshape(-1, 1).astype(np.float32), table, ("Cz",), 4.0, dataset="made", simulated=True)


def trial_accuracy(results: Results) -> float:
    matrix = results.confusion("trial")
    return float(np.trace(matrix) / matrix.sum())


def strings_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from strings_in(item)


# What the classifier is shown


@pytest.mark.parametrize("protocol", ["window-random", "trial"])
def test_a_fresh_clone_sees_the_training_and_validation_windows_of_its_fold_alone(
    windows: Windows, calls: list[dict[str, Any]], protocol: str
) -> None:
    classifier = Recorder()
    results = evaluate(classifier, windows, quadrants(), four_folds(protocol))
    y = quadrants()(windows)
    splits = list(four_folds(protocol).triples(windows, y))
    assert [call["n_fits"] for call in calls] == [1] * 4
    assert not hasattr(classifier, "n_fits_")
    for call, fold, (train, validation, test) in zip(calls, results.folds, splits, strict=True):
        np.testing.assert_array_equal(call["fit"], windows.starts[train])
        np.testing.assert_array_equal(call["y"], y[train])
        np.testing.assert_array_equal(call["validation"][0].starts, windows.starts[validation])
        np.testing.assert_array_equal(call["validation"][1], y[validation])
        np.testing.assert_array_equal(fold.test, test)
        shown = np.append(call["fit"], call["validation"][0].starts)
        assert not np.isin(windows.starts[fold.test], shown).any()


def test_validation_data_of_a_class_that_training_lacks_are_not_passed_on(
    small_trials: Trials, calls: list[dict[str, Any]]
) -> None:
    windows = small_trials.select(np.arange(8)).windows()
    evaluate(Recorder(), windows, quadrants(), by_trial(validation=(0, 1, 4), test=(2,)))
    (call,) = calls
    assert set(call["y"]) == {1, 2, 3}
    assert set(call["validation"][1]) == {1}
    assert set(call["validation"][0].trial_index) == {1}


def test_without_usable_validation_data_none_are_passed_on(small_trials: Trials, calls: list[dict[str, Any]]) -> None:
    windows = small_trials.select(np.arange(8)).windows()
    evaluate(Recorder(), windows, quadrants(), by_trial(validation=(0, 4), test=(2,)))
    evaluate(Recorder(), windows, quadrants(), by_trial(validation=(), test=(2,)))
    assert [call["validation"] for call in calls] == [None, None]


def test_a_class_that_training_lacks_gets_no_probability(small_trials: Trials) -> None:
    windows = small_trials.select(np.arange(8)).windows()
    with pytest.warns(UserWarning, match=r"Fold 0: HVHA is not in training, so 4 test windows cannot be right\."):
        results = evaluate(NearestMean(), windows, quadrants(), by_trial(validation=(4,), test=(0, 1)))
    (fold,) = results.folds
    assert fold.proba.shape == (8, 4)
    assert not fold.proba[:, 0].any()
    np.testing.assert_allclose(fold.proba.sum(axis=1), 1, rtol=1e-6)
    assert fold.seen["validation"]["loss"] == pytest.approx(-math.log(1e-7))
    assert results.confusion()[0].sum() == 4
    assert results.confusion()[:, 0].sum() == 0


def test_validation_counts_as_seen_in_the_leakage_record(small_trials: Trials) -> None:
    windows = small_trials.select([0, 1, 8, 9, 10, 11]).windows()
    kept_out = evaluate(NearestMean(), windows, quadrants(), by_trial(validation=(), test=(0, 1)))
    stopped_on = evaluate(NearestMean(), windows, quadrants(), by_trial(validation=(0,), test=(1,)))
    assert (kept_out.leakage.subject, stopped_on.leakage.subject) == (0, 1)


@pytest.mark.parametrize(("own", "used"), [(None, 7), (3, 3)])
def test_the_seed_of_the_splitter_is_used_where_the_classifier_has_none(
    windows: Windows, own: int | None, used: int
) -> None:
    classifier = Guesser(random_state=own)
    results = evaluate(classifier, windows, quadrants(), four_folds(random_state=7))
    expected = evaluate(Guesser(random_state=used), windows, quadrants(), four_folds(random_state=7))
    pd.testing.assert_frame_equal(results.predictions, expected.predictions)
    assert results.provenance["parameters"]["random_state"] == used
    assert classifier.random_state == own


def test_the_seed_reaches_a_classifier_inside_a_pipeline(windows: Windows) -> None:
    first, second = (
        evaluate(Pipeline([("guess", Guesser())]), windows, quadrants(), four_folds(random_state=7)).predictions
        for _ in range(2)
    )
    pd.testing.assert_frame_equal(first, second)


def test_two_folds_at_a_time_give_the_same_numbers(windows: Windows) -> None:
    alone, together = (evaluate(NearestMean(), windows, quadrants(), four_folds(), n_jobs=n_jobs) for n_jobs in (1, 2))
    pd.testing.assert_frame_equal(alone.predictions, together.predictions)
    pd.testing.assert_frame_equal(alone.scores, together.scores)
    assert [fold.number for fold in together.folds] == [0, 1, 2, 3]


def test_missing_ratings_are_refused_before_anything_is_fitted(
    small_trials: Trials, calls: list[dict[str, Any]]
) -> None:
    table = small_trials.table.assign(valence=np.nan)
    unrated = Trials(small_trials.signals, table, ("F3", "F4"), 32.0, dataset="noise", simulated=True)
    with pytest.raises(ValueError, match="24 trials lack a rating"):
        evaluate(Recorder(), unrated.windows(), quadrants(), four_folds())
    assert calls == []


# What comes out


def test_predictions_are_those_of_a_classifier_fitted_on_the_training_part(windows: Windows) -> None:
    results = evaluate(NearestMean(), windows, quadrants(), four_folds())
    y = quadrants()(windows)
    table = results.predictions
    assert list(table.columns) == ["subject", "trial", "stimulus", "start", "fold", "y", *(f"p_{c}" for c in CLASSES)]
    assert sorted(table["start"]) == sorted(windows.starts)
    for number, (train, _, test) in enumerate(four_folds().triples(windows, y)):
        own = table[table["fold"] == number]
        np.testing.assert_array_equal(own["start"], windows.starts[test])
        np.testing.assert_array_equal(own["y"], y[test])
        expected = NearestMean().fit(windows[train], y[train]).predict_proba(windows[test])
        np.testing.assert_allclose(own[[f"p_{c}" for c in CLASSES]], expected, rtol=1e-5)


def scores_by_hand(y: np.ndarray, proba: np.ndarray) -> dict[str, float]:
    predicted = proba.argmax(axis=1)
    f1 = {"labels": range(4), "zero_division": 0}
    return {
        "accuracy": accuracy_score(y, predicted),
        "loss": log_loss(y, proba / proba.sum(axis=1, keepdims=True), labels=range(4)),
        "balanced_accuracy": balanced_accuracy_score(y, predicted),
        "macro_f1": f1_score(y, predicted, average="macro", **f1),
        "weighted_f1": f1_score(y, predicted, average="weighted", **f1),
    }


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.parametrize("level", ["window", "trial"])
def test_test_scores_are_those_of_the_predictions(windows: Windows, level: str) -> None:
    results = evaluate(NearestMean(), windows, quadrants(), four_folds(random_state=5), model="nearest")
    scores = results.scores
    assert list(scores.columns) == [
        *("protocol", "model", "control", "seed", "subject", "fold", "level", "part", "collapsed"),
        *METRICS,
    ]
    assert (scores[["protocol", "model", "control", "seed"]] == ["trial", "nearest", "", 5]).all(axis=None)

    predictions = results.predictions
    if level == "trial":
        predictions = predictions.groupby(["fold", "subject", "trial"], as_index=False).mean(numeric_only=True)
    tested = scores[(scores["part"] == "test") & (scores["level"] == level)]
    expected = {}
    for fold, rows in predictions.groupby("fold"):
        for subject, own in [("all", rows), *((str(s), o) for s, o in rows.groupby("subject"))]:
            expected[subject, fold] = scores_by_hand(
                own["y"].to_numpy(int), own[[f"p_{c}" for c in CLASSES]].to_numpy()
            )
    assert len(tested) == len(expected) == 4 * (1 + 3)
    for _, row in tested.iterrows():
        by_hand = expected[row["subject"], row["fold"]]
        assert row[list(by_hand)].to_dict() == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.parametrize("part", ["train", "validation"])
def test_training_and_validation_are_scored_with_the_same_fitted_classifier(windows: Windows, part: str) -> None:
    scores = evaluate(NearestMean(), windows, quadrants(), four_folds()).scores
    rows = scores[scores["part"] == part]
    assert (rows[["subject", "level"]] == ["all", "window"]).all(axis=None)
    y = quadrants()(windows)
    for (train, validation, _), accuracy in zip(four_folds().triples(windows, y), rows["accuracy"], strict=True):
        numbers = train if part == "train" else validation
        assert accuracy == NearestMean().fit(windows[train], y[train]).accuracy(windows[numbers], y[numbers])


def test_confusion_counts_every_window_or_trial_once_in_the_order_of_the_classes(windows: Windows) -> None:
    results = evaluate(NearestMean(), windows, quadrants(), four_folds())
    table = results.predictions
    predicted = table[[f"p_{c}" for c in CLASSES]].to_numpy().argmax(axis=1)
    expected = pd.crosstab(table["y"], predicted).reindex(index=range(4), columns=range(4), fill_value=0)
    np.testing.assert_array_equal(results.confusion(), expected)
    np.testing.assert_array_equal(results.confusion("trial").sum(axis=1), [6, 6, 6, 6])


def test_an_unknown_level_of_confusion_is_refused(windows: Windows) -> None:
    results = evaluate(MajorityClassifier(), windows, quadrants(), four_folds())
    with pytest.raises(ConfigError, match=r"'trials'.*Did you mean 'trial'"):
        results.confusion("trials")


def test_folds_within_a_person_test_that_person_alone(windows: Windows) -> None:
    splitter = make_splitter("trial", n_splits=4, within="subject")
    results = evaluate(NearestMean(), windows, quadrants(), splitter)
    people = results.predictions.groupby("fold")["subject"].unique().map(list)
    assert people.tolist() == [[1]] * 4 + [[2]] * 4 + [[3]] * 4
    assert results.confusion().sum() == len(windows)


def test_leakage_of_the_results_is_the_mean_of_the_folds(windows: Windows) -> None:
    results = evaluate(MajorityClassifier(), windows, quadrants(), four_folds("window-random"))
    shares = [fold.leakage.trial for fold in results.folds]
    assert results.protocol == "window-random"
    assert results.leakage.trial == pytest.approx(sum(shares) / 4)


# Provenance


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
    table = small_trials.table.assign(stimulus=np.nan)
    nameless = Trials(small_trials.signals, table, ("F3", "F4"), 32.0, dataset="noise", simulated=True)
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


# A network


def test_a_network_leaves_its_curves_and_moves_the_bars(windows: Windows) -> None:
    network = EEGClassifier(CNNGRU(filters=4, units=3, dense_units=4), epochs=2)
    progress = Progress(console=Console(file=io.StringIO()))
    splitter = make_splitter("trial", n_splits=None)
    results = evaluate(network, windows, quadrants(), splitter, progress=progress, model="tiny")
    (fold,) = results.folds

    assert fold.history.keys() == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert {len(curve) for curve in fold.history.values()} == {2}
    assert fold.best_epoch == 1 + int(np.argmin(fold.history["val_loss"]))
    assert fold.seen["validation"]["loss"] == pytest.approx(min(fold.history["val_loss"]), rel=1e-4)
    convolution, recurrence = 7 * 2 * 4 + 4, 3 * (4 * 3 + 3 * 3 + 2 * 3)
    dense, output = 2 * 3 * 4 + 4, 4 * 4 + 4
    assert fold.n_parameters == convolution + recurrence + dense + output

    bars = {task.description: (task.completed, task.total, task.visible) for task in progress.tasks}
    assert bars == {"tiny · trial · folds": (1, 1, False), "tiny · trial · epochs": (2, 2, False)}


def test_a_classifier_without_a_network_has_no_curves(windows: Windows) -> None:
    (fold,) = evaluate(MajorityClassifier(), windows, quadrants(), make_splitter("trial", n_splits=None)).folds
    assert (fold.history, fold.best_epoch, fold.n_parameters) == ({}, None, None)


def test_a_classifier_may_keep_a_model_that_is_no_network(windows: Windows) -> None:
    (fold,) = evaluate(Wrapped(), windows, quadrants(), make_splitter("trial", n_splits=None)).folds
    assert fold.n_parameters is None


# What the protocols are for


def random_labels(n: int) -> np.ndarray:
    """Equally many of four classes, in a random order."""
    return np.random.default_rng(1).permutation(np.arange(n) % 4).astype(str)


NAMES = tuple("0123")


@pytest.mark.parametrize(("protocol", "lowest", "highest"), [("window-random", 0.95, 1.0), ("trial", 0.13, 0.37)])
def test_remembering_trials_pays_only_where_windows_are_split_at_random(
    protocol: str, lowest: float, highest: float
) -> None:
    fingerprint = np.random.default_rng(2).permutation(120)
    trials = make_trials(random_labels(120), offset=fingerprint, noise=0.05)
    nearest = flattened(KNeighborsClassifier(n_neighbors=1))
    splitter = make_splitter(protocol, n_splits=5)
    results = evaluate(nearest, trials.windows(), categories("class", NAMES), splitter)
    # Chance is .25, with a standard error of .04 over 120 trials.
    assert lowest <= trial_accuracy(results) <= highest
    assert results.leakage.trial == (protocol == "window-random")


def test_noise_with_permuted_labels_scores_at_chance_on_new_trials() -> None:
    trials = make_trials(random_labels(120))
    results = evaluate(
        flattened(LogisticRegression()), trials.windows(), categories("class", NAMES), make_splitter("trial")
    )
    assert 0.13 <= trial_accuracy(results) <= 0.37


@pytest.mark.parametrize("protocol", ["window-random", "trial", "subject"])
def test_a_signal_that_is_there_is_found_under_every_protocol(protocol: str) -> None:
    labels = random_labels(120)
    trials = make_trials(labels, offset=3.0 * labels.astype(float))
    splitter = make_splitter(protocol, n_splits=4)
    results = evaluate(NearestMean(), trials.windows(), categories("class", NAMES), splitter)
    assert trial_accuracy(results) > 0.95


# What is shown


def test_a_result_says_what_it_is_in_a_few_lines(windows: Windows) -> None:
    result = evaluate(MajorityClassifier(), windows, quadrants(), "trial", model="<mine>")
    lines = repr(result).split("\n")
    assert len(lines) == 3
    assert lines[0].startswith("<Results | <mine> under trial, quadrants>5: SIMULATED data, 5 folds")
    macro_f1 = result.of_subjects()["macro_f1"].mean()
    assert f"macro-F1 {macro_f1:.3f}" in lines[1]
    assert result.verdict in lines[2]
    assert "no folds" in repr(replace(result, folds=()))
    page = result._repr_html_()
    assert "&lt;mine&gt;" in page
    assert "<mine>" not in page


@pytest.mark.parametrize("level", ["window", "trial"])
def test_a_summary_is_the_mean_over_subjects_beside_the_baselines(windows: Windows, level: str) -> None:
    result = evaluate(MajorityClassifier(), windows, quadrants(), "trial", model="mine")
    table = result.summary(level)
    assert table["model"].tolist() == ["mine", *(baseline.model for baseline in result.baselines)]
    scores = result.of_subjects(level)["accuracy"]
    assert table["accuracy"][0] == f"{scores.mean():.3f} ± {scores.std():.3f}"
    assert table["subjects"].tolist() == [3] * len(table)


def test_a_network_gives_the_same_numbers_after_a_fit_on_several_threads(tmp_path: Path) -> None:
    """A fit on its own uses all cores, which changes last digits; folds have one thread each all the same."""
    script = (
        "import sys; import numpy as np\n"
        "from eegemo import EEGClassifier, evaluate, make_splitter, quadrants, simulate\n"
        "windows = simulate(1, channels=['F3', 'F4']).windows(4.0)\n"
        "if sys.argv[1] == 'after':\n"
        "    EEGClassifier('cnn-gru', epochs=1).fit(windows, quadrants()(windows))\n"
        "classifier = EEGClassifier('cnn-gru', epochs=2, random_state=0)\n"
        "result = evaluate(classifier, windows, quadrants(), make_splitter('trial', n_splits=None))\n"
        "np.save(sys.argv[1] + '.npy', result.folds[0].proba)\n"
        "import tensorflow as tf; print(tf.config.threading.get_intra_op_parallelism_threads())\n"
    )
    several = {name: value for name, value in os.environ.items() if name != "TF_NUM_INTRAOP_THREADS"}

    printed = [
        subprocess.run(
            [sys.executable, "-c", script, when], cwd=tmp_path, env=several, check=True, capture_output=True, text=True
        ).stdout
        for when in ("after", "alone")
    ]

    assert printed == ["0\n", "1\n"]  # as many as there are cores, and one
    np.testing.assert_array_equal(np.load(tmp_path / "after.npy"), np.load(tmp_path / "alone.npy"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cnn-gru", None, None), r"classifier must be like EEGClassifier\('cnn-gru'\).* got str"),
        ((MajorityClassifier(), "trials", quadrants()), r"windows must be like trials.windows\(.* got str"),
        ((MajorityClassifier(), None, "quadrants"), r"labels must be a rule such as quadrants\(\), .* got \(\)"),
        ((EEGRegressor(), None, quadrants()), "must be a classifier, got EEGRegressor, which predicts no classes"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_before_anything_is_fitted(
    windows: Windows, arguments: tuple[Any, ...], message: str
) -> None:
    classifier, given, scheme = arguments
    with pytest.raises(ConfigError, match=message):
        evaluate(classifier, windows if given is None else given, scheme or quadrants(), "trial")


def test_a_network_that_has_learned_nothing_is_marked_wherever_it_stands(windows: Windows, tmp_path: Path) -> None:
    network = tiny("cnn-gru", epochs=1, learning_rate=1e-9, random_state=0)

    with pytest.warns(UserWarning, match="Fold 0: net has collapsed: it"):
        result = evaluate(network, windows, quadrants(), four_folds(), model="net", folder=tmp_path / "run")

    assert result.model_label == "net (collapsed in 4 of 4 folds)"
    assert repr(result).startswith("<Results | net (collapsed in 4 of 4 folds) under trial")
    assert result.summary()["model"][0] == result.model_label
    assert sum("has collapsed" in note for note in result.notes) == 4
    assert result.scores["collapsed"].all()
    assert not any(baseline.scores["collapsed"].any() for baseline in result.baselines)  # constant by design
    assert read_results(tmp_path / "run").model_label == result.model_label
    answers = {fold.collapse for fold in result.folds if "answers" in str(fold.collapse)}
    assert answers <= {f"it answers {name} for all of its training data" for name in CLASSES}


def test_a_network_that_learns_is_not_marked(windows: Windows) -> None:
    # The class is written into the samples.
    y = quadrants()(windows.trials)
    table = windows.trials.table
    signals = windows.trials.signals.copy()
    for start, n_times, number in zip(table["start"], table["n_times"], y, strict=True):
        signals[start : start + n_times] += 3 * number
    told = Trials(signals, table, windows.ch_names, windows.sfreq, "told", simulated=True).windows()

    result = evaluate(tiny("cnn-gru", epochs=30, learning_rate=0.02), told, quadrants(), four_folds(), model="net")

    assert result.model_label == "net"
    assert result.of_subjects()["accuracy"].mean() > 0.5
    assert not result.scores["collapsed"].any()
