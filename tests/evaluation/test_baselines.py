"""The baselines against counts made by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chisquare
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from eegemo import (
    ConfigError,
    MajorityClassifier,
    Results,
    Trials,
    UniformClassifier,
    Windows,
    evaluate,
    make_splitter,
    quadrants,
)
from eegemo.evaluation.baselines import BASELINES
from eegemo.evaluation.metrics import score, to_trials
from eegemo.evaluation.splitter import Splitter
from toy_trials import make_trials, with_columns


def make_windows(subject: list[str], stimulus: Any) -> Windows:
    """Make one window a trial."""
    return make_trials({"subject": subject, "stimulus": stimulus}, n_times=2).windows(n_times=2, step=2)


TRAIN = make_windows(["a", "a", "a", "b", "b", "b"], [1, 2, 3, 1, 2, 3])
Y = np.array([0, 0, 2, 2, 2, 1])
NEW = make_windows(["b", "a", "c"], [2, 3, 9])


@pytest.mark.parametrize(
    ("by", "predicted", "counts"),
    [
        (None, [2, 2, 2], [[2, 1, 3], [2, 1, 3], [2, 1, 3]]),
        ("subject", [2, 0, 2], [[0, 1, 2], [2, 0, 1], [2, 1, 3]]),
        ("stimulus", [0, 1, 2], [[1, 0, 1], [0, 1, 1], [2, 1, 3]]),
    ],
)
def test_classes_are_counted_where_the_window_belongs_and_among_all_where_it_is_new(
    by: str | None, predicted: list[int], counts: list[list[int]]
) -> None:
    classifier = MajorityClassifier(by=by).fit(TRAIN, Y)
    np.testing.assert_array_equal(classifier.predict(NEW), predicted)
    plus_one = np.array(counts) + 1
    np.testing.assert_allclose(classifier.predict_proba(NEW), plus_one / plus_one.sum(axis=1, keepdims=True))


def test_the_first_class_of_a_tie_is_predicted() -> None:
    windows = make_windows(["a"] * 4, 1)
    assert MajorityClassifier().fit(windows, np.array([3, 1, 3, 1])).predict(windows[:1]) == [1]


def test_classes_are_those_of_the_training_data() -> None:
    windows = make_windows(["a", "b"], 1)
    classifier = MajorityClassifier(by="subject").fit(windows, np.array([1, 3]))
    np.testing.assert_array_equal(classifier.classes_, [1, 3])
    np.testing.assert_allclose(classifier.predict_proba(windows), [[2 / 3, 1 / 3], [1 / 3, 2 / 3]])


@pytest.mark.parametrize("stimulus", [np.nan, pd.NA, [1.0, np.nan, np.nan, np.nan]], ids=["nan", "NA", "most missing"])
def test_windows_of_nameless_stimuli_get_the_counts_of_all(stimulus: Any) -> None:
    windows = make_windows(["a"] * 4, stimulus)
    classifier = MajorityClassifier(by="stimulus").fit(windows, np.array([0, 1, 1, 1]))
    np.testing.assert_allclose(classifier.predict_proba(windows[1:]), [[2 / 6, 4 / 6]] * 3)


def test_the_accuracy_is_the_share_of_the_majority() -> None:
    assert MajorityClassifier().fit(TRAIN, Y).score(TRAIN, Y) == pytest.approx(3 / 6)


@pytest.mark.parametrize("name", BASELINES)
def test_a_clone_is_unfitted_and_counts_the_same_way(name: str) -> None:
    fitted = clone(BASELINES[name]).fit(TRAIN, Y)
    copy = clone(fitted)
    with pytest.raises(NotFittedError):
        copy.predict(TRAIN)
    np.testing.assert_array_equal(copy.fit(TRAIN, Y).predict(NEW), fitted.predict(NEW))


def test_the_named_baselines_count_among_all_the_person_and_the_video() -> None:
    by = {name: baseline.by for name, baseline in BASELINES.items() if isinstance(baseline, MajorityClassifier)}
    assert by == {"majority": None, "majority of the subject": "subject", "majority of the same stimulus": "stimulus"}
    assert isinstance(BASELINES["uniform guess"], UniformClassifier)


def test_an_unknown_way_to_count_is_refused() -> None:
    with pytest.raises(ConfigError, match="by must be one of None, 'subject', 'stimulus', got 'video'"):
        MajorityClassifier(by="video").fit(TRAIN, Y)


# Guesses


def guesses(n_trials: int, n_classes: int, per_trial: int = 1, random_state: int = 0) -> np.ndarray:
    """Predict a table of windows, as single precision, as the folds keep it."""
    table = pd.DataFrame({"subject": 1, "trial": np.repeat(np.arange(n_trials), per_trial)})
    table = table.assign(stimulus=table["trial"], start=np.arange(len(table)) * 32)
    classifier = UniformClassifier(random_state=random_state).fit(table, np.arange(n_classes))
    return classifier.predict_proba(table).astype(np.float32)


def p_of_uniform(guess: np.ndarray, n_classes: int) -> float:
    return float(chisquare(np.bincount(guess, minlength=n_classes)).pvalue)


@pytest.mark.parametrize("n_classes", [2, 3, 4, 9])
def test_every_class_is_guessed_equally_often_whatever_was_guessed_before(n_classes: int) -> None:
    guess = guesses(9000, n_classes).argmax(axis=1)
    assert p_of_uniform(guess, n_classes) > 0.01
    assert p_of_uniform(guess[1:] * n_classes + guess[:-1], n_classes**2) > 0.01


@pytest.mark.parametrize(("n_classes", "per_trial"), [(2, 2), (4, 4), (4, 60)])
def test_every_class_is_guessed_equally_often_for_whole_trials(n_classes: int, per_trial: int) -> None:
    proba = guesses(2000, n_classes, per_trial)
    trial = np.repeat(np.arange(2000), per_trial)
    _, _, of_trial = to_trials(trial, np.zeros(len(trial), int), proba)
    assert p_of_uniform(of_trial.argmax(axis=1), n_classes) > 0.01


@pytest.mark.parametrize("n_classes", [2, 4])
def test_the_loss_of_guesses_is_the_logarithm_of_the_number_of_classes(n_classes: int) -> None:
    proba = guesses(400, n_classes, per_trial=4)
    y = np.arange(1600) // 4 % n_classes
    _, of_trial, mean = to_trials(np.arange(1600) // 4, y, proba)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-6)
    assert score(y, proba)["loss"] == pytest.approx(math.log(n_classes), abs=1e-4)
    assert score(of_trial, mean)["loss"] == pytest.approx(math.log(n_classes), abs=1e-4)


def test_a_seed_guesses_the_same_again_and_another_seed_something_else() -> None:
    np.testing.assert_array_equal(guesses(50, 4), guesses(50, 4))
    assert (guesses(50, 4).argmax(axis=1) != guesses(50, 4, random_state=1).argmax(axis=1)).any()


def test_the_classes_guessed_are_those_of_the_training_data() -> None:
    classifier = UniformClassifier(random_state=0).fit(TRAIN, np.array([7, 7, 7, 3, 3, 3]))
    many = make_windows(["a"] * 50, 1)
    assert set(classifier.predict(many)) == {3, 7}
    guess = classifier.predict_proba(many).argmax(axis=1)
    np.testing.assert_array_equal(classifier.predict(many), np.array([3, 7])[guess])


# Beside a model


def loso() -> Splitter:
    return make_splitter("subject", n_splits="leave-one-out", validation_size=0)


def of_model(windows: Windows, protocol: str | Splitter, **options: Any) -> Results:
    return evaluate(MajorityClassifier(), windows, quadrants(), protocol, **options)


def named(result: Results, name: str) -> Results:
    (found,) = (baseline for baseline in result.baselines if baseline.model == name)
    return found


@pytest.mark.filterwarnings("ignore:.* is not in training:UserWarning")
@pytest.mark.parametrize("name", [name for name in BASELINES if name != "uniform guess"])  # whose draws are the fold's
@pytest.mark.parametrize("protocol", ["window-random", "trial", "subject", "stimulus"])
def test_baselines_are_what_evaluating_them_gives(small_trials: Trials, name: str, protocol: str) -> None:
    splitter = make_splitter(protocol, n_splits=3, validation_size=0.2, random_state=3)
    windows = small_trials.windows()
    found = named(of_model(windows, splitter), name)
    alone = evaluate(BASELINES[name], windows, quadrants(), splitter, model=name)
    pd.testing.assert_frame_equal(found.predictions, alone.predictions)
    pd.testing.assert_frame_equal(found.scores, alone.scores)
    assert set(found.scores["part"]) == {"train", "validation", "test"}
    assert found.leakage == alone.leakage
    assert found.provenance["split_hash"] == alone.provenance["split_hash"]


def test_baselines_score_what_can_be_counted_in_the_labels(small_trials: Trials) -> None:
    # Each stimulus has the same class for everybody, and each person two trials of each of the four classes.
    windows = small_trials.windows()
    known = of_model(windows, loso())
    new = of_model(windows, make_splitter("stimulus", n_splits="leave-one-out", validation_size=0))
    assert (named(known, "majority of the same stimulus").of_subjects()["accuracy"] == 1).all()
    assert (named(known, "majority").of_subjects()["accuracy"] == 1 / 4).all()
    # A stimulus left out takes its class below the others, so the majority is never right.
    for name in ("majority", "majority of the subject", "majority of the same stimulus"):
        assert (named(new, name).of_subjects()["accuracy"] == 0).all()


def test_folds_do_not_share_their_guesses(small_trials: Trials) -> None:
    guess = [
        fold.proba.argmax(axis=1) for fold in named(of_model(small_trials.windows(), loso()), "uniform guess").folds
    ]
    assert len(guess) == 3
    assert (guess[0] != guess[1]).any()
    assert (guess[1] != guess[2]).any()


def test_where_stimuli_have_no_name_there_is_no_majority_of_a_video(small_trials: Trials) -> None:
    stimulus = small_trials.table["stimulus"].astype(float).where(small_trials.table.index != 5)
    result = of_model(with_columns(small_trials, stimulus=stimulus).windows(), "trial")
    assert [baseline.model for baseline in result.baselines] == ["uniform guess", "majority", "majority of the subject"]


@pytest.mark.parametrize(
    ("control", "left_out"),
    [
        ("who-is-it", "majority of the subject"),
        ("which-stimulus", "majority of the same stimulus"),
        ("permuted-labels", None),
        ("injected-signal", None),
    ],
)
def test_a_baseline_that_knows_the_answer_of_a_probe_is_left_out(
    small_trials: Trials, control: str, left_out: str | None
) -> None:
    result = of_model(small_trials.windows(), make_splitter("window-random", n_splits=4), control=control)
    assert [baseline.model for baseline in result.baselines] == [name for name in BASELINES if name != left_out]
    assert {baseline.control for baseline in result.baselines} == {control}
