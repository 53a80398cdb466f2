"""One fold: a fresh fit on its training windows, and what it predicts for those that are held out."""

from __future__ import annotations

import inspect
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline

from eegemo.errors import CollapseWarning, ConfigError
from eegemo.evaluation.folds import Fold, Prediction
from eegemo.evaluation.leakage import leakage_record
from eegemo.evaluation.metrics import score
from eegemo.evaluation.provenance import peak_memory_mb
from eegemo.evaluation.splitter import Split
from eegemo.models.estimator import NetworkEstimator
from eegemo.windows import Windows


@dataclass(frozen=True, eq=False)
class FoldTask:
    """What every fold of a plan needs.

    Parameters
    ----------
    estimator : estimator
        Cloned for each fold.
    X : Windows | array, shape (n_windows, n_features)
        What it takes: windows, or features that were computed once for all folds.
    y : array of int, shape (n_windows,)
        Classes.
    windows : Windows
        What was split.
    classes : tuple of str
        Their names.
    baselines : dict of str -> estimator
        Those that see no EEG.
    """

    estimator: BaseEstimator
    X: Windows | np.ndarray
    y: np.ndarray
    windows: Windows
    classes: tuple[str, ...]
    baselines: dict[str, BaseEstimator]


def fit_fold(number: int, task: FoldTask, split: Split, on_epoch_end: Callable[[int], None] | None = None) -> Fold:
    """Fit and test one fold, and the baselines beside it.

    Parameters
    ----------
    number : int
        Of the fold, from 0.
    task : FoldTask
        What is fitted on what.
    split : Split
        Window numbers of training, validation and test.
    on_epoch_end : callable | None
        Is told how many epochs a network has been trained for.

    Returns
    -------
    fold : Fold

    Raises
    ------
    ConfigError
        If the predictions are not finite, or not of the classes or windows that there are.
    """
    started = time.perf_counter()
    train, X, y = split[0], task.X, task.y
    classifier = clone(task.estimator)
    usable = stopped_on(task, split)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)  # the fold says it
        fitted = fit_and_validate(classifier, X[train], y[train], X[usable], y[usable], on_epoch_end)
    probabilistic = hasattr(classifier, "predict_proba")
    n_classes = len(task.classes)

    def predict(numbers: np.ndarray) -> np.ndarray:
        if not probabilistic:
            answers = np.asarray(classifier.predict(X[numbers]))
            if answers.shape != numbers.shape or not np.isin(answers, np.arange(n_classes)).all():
                raise ConfigError(
                    f"Fold {number}: {type(classifier).__name__}.predict must give a class it was fitted on, 0 to "
                    f"{n_classes - 1}, for each of {len(numbers)} windows; got {_in_short(answers)}."
                )
            return np.eye(n_classes, dtype=np.float32)[answers.astype(int)]
        given = np.asarray(classifier.predict_proba(X[numbers]))
        if given.shape != (len(numbers), len(classifier.classes_)):
            raise ConfigError(
                f"Fold {number}: {type(classifier).__name__}.predict_proba must have a row for each of {len(numbers)} "
                f"windows and a column for each of {len(classifier.classes_)} classes; got {_in_short(given)}."
            )
        return over_all_classes(number, given, classifier.classes_, n_classes)

    predicted = {part: predict(numbers) for part, numbers in parts_of(split).items()}
    weights = getattr(getattr(fitted, "model_", None), "trainable_weights", None)
    learned = Learned(
        history=getattr(fitted, "history_", {}),
        best_epoch=getattr(fitted, "best_epoch_", None),
        n_parameters=None if weights is None else int(sum(np.prod(weight.shape) for weight in weights)),
        collapse=getattr(fitted, "collapse_", None),
        probabilistic=probabilistic,
    )
    return record_fold(number, task, split, learned, predicted, time.perf_counter() - started)


@dataclass(frozen=True)
class Learned:
    """What a fold's classifier tells of its fit; see :class:`Fold`, which has it too."""

    history: dict[str, list[float]]
    best_epoch: int | None
    n_parameters: int | None
    collapse: str | None
    probabilistic: bool = True


def parts_of(split: Split) -> dict[str, np.ndarray]:
    """Return the windows that a fold predicts, by part; there need be no validation data."""
    train, validation, test = split
    return {"train": train, **({"validation": validation} if len(validation) else {}), "test": test}


def stopped_on(task: FoldTask, split: Split) -> np.ndarray:
    """Return the validation windows that training is stopped on.

    A class that training lacks cannot be predicted, so there is nothing to stop on in its windows.
    """
    train, validation, _ = split
    return validation[np.isin(task.y[validation], np.unique(task.y[train]))]


def over_all_classes(number: int, given: np.ndarray, classes: np.ndarray, n_classes: int) -> np.ndarray:
    """Put the probabilities of the classes that training had in their places among all classes.

    Parameters
    ----------
    number : int
        Of the fold.
    given : array, shape (n, len(classes))
        What was predicted.
    classes : array of int
        Of the columns.
    n_classes : int
        How many there are.

    Returns
    -------
    proba : array, shape (n, n_classes), float32

    Raises
    ------
    ConfigError
        If they are not finite.
    """
    proba = np.zeros((len(given), n_classes), np.float32)
    proba[:, classes] = given
    if not np.isfinite(proba).all():
        raise ConfigError(
            f"Fold {number}: the predicted probabilities are not finite; training diverged. Lower the "
            "learning rate, or look for extreme values in the recordings."
        )
    return proba


def record_fold(
    number: int, task: FoldTask, split: Split, learned: Learned, predicted: dict[str, np.ndarray], seconds: float
) -> Fold:
    """Score what a fold predicted, and fit and score the baselines beside it.

    Parameters
    ----------
    number, task, split
        As :func:`fit_fold` takes them.
    learned : Learned
        What is known of the fit.
    predicted : dict of str -> array, shape (n, n_classes)
        Of the windows of :func:`parts_of`.
    seconds : float
        Of fitting and predicting.

    Returns
    -------
    fold : Fold

    Raises
    ------
    ConfigError
        If the predictions are no probabilities.
    """
    train, validation, test = split
    y, table, collapse = task.y, task.windows.table, learned.collapse
    seen = {part: numbers for part, numbers in parts_of(split).items() if part != "test"}
    answers = np.unique(predicted["train"].argmax(axis=1))
    if collapse is not None and len(answers) == 1:
        collapse = f"it answers {task.classes[answers[0]]} for all of its training data"
    fold = Fold(
        number=number,
        seen={
            part: score(y[numbers], predicted[part], probabilistic=learned.probabilistic)
            for part, numbers in seen.items()
        },
        train=train,
        validation=validation,
        test=test,
        y=y[test],
        trial=task.windows.trial_index[test],
        proba=predicted["test"],
        leakage=leakage_record(task.windows, np.concatenate([train, validation]), test),
        seconds=seconds,
        peak_memory_mb=peak_memory_mb(),
        baselines=tuple(_baseline(name, one, number, task, table, seen, split) for name, one in task.baselines.items()),
        **(vars(learned) | {"collapse": collapse}),
    )
    wrong = fold.wrong_probabilities(len(task.classes))
    if wrong:
        raise ConfigError(
            f"Fold {number}: predict_proba gave {wrong}; it must give a number for each class, from 0 on and 1 in all."
        )
    return fold


def _in_short(answers: np.ndarray) -> str:
    return f"shape {answers.shape}, {', '.join(repr(answer) for answer in answers.ravel()[:1].tolist())} first"


def _baseline(
    name: str,
    classifier: BaseEstimator,
    number: int,
    task: FoldTask,
    table: pd.DataFrame,
    seen: dict[str, np.ndarray],
    split: Split,
) -> Prediction:
    """Fit a classifier that sees no EEG on the same windows, and predict the same ones."""
    train, _, test = split
    fresh = clone(classifier)
    if "random_state" in fresh.get_params():
        fresh.set_params(random_state=number)  # the guesses of two folds are not the same
    fitted = fresh.fit(table.iloc[train], task.y[train])

    def predict(numbers: np.ndarray) -> np.ndarray:
        proba = np.zeros((len(numbers), len(task.classes)), np.float32)
        proba[:, fitted.classes_] = fitted.predict_proba(table.iloc[numbers])
        return proba

    scores = {part: score(task.y[numbers], predict(numbers)) for part, numbers in seen.items()}
    return Prediction(name, scores, predict(test))


def fit_and_validate(
    classifier: BaseEstimator,
    X: Any,
    y: np.ndarray,
    X_validation: Any,
    y_validation: np.ndarray,
    on_epoch_end: Callable[[int], None] | None = None,
) -> BaseEstimator:
    """Fit a classifier, and give it the validation data where it takes any.

    Parameters
    ----------
    classifier : estimator
        A Pipeline hands its last step validation data that it has transformed.
    X, y : Windows | array, array
        To train on.
    X_validation, y_validation : Windows | array, array
        To stop on; there may be none.
    on_epoch_end : callable | None
        Is told how many epochs a network has been trained for.

    Returns
    -------
    fitted : estimator
        What has the history: itself, or the last step of a Pipeline.
    """
    last = classifier[-1] if isinstance(classifier, Pipeline) else classifier
    accepted = inspect.signature(last.fit).parameters
    if last is not classifier and "validation_data" in accepted and len(classifier) > 1:
        # A Pipeline hands validation data on as they are; the last step needs them transformed.
        front = classifier[:-1].fit(X, y)
        fit_and_validate(
            last,
            front.transform(X),
            y,
            front.transform(X_validation) if len(y_validation) else None,
            y_validation,
        )
        return last
    options: dict[str, Any] = {}
    if "validation_data" in accepted:
        options["validation_data"] = (X_validation, y_validation) if len(y_validation) else None
    if on_epoch_end is not None and isinstance(last, NetworkEstimator):
        from eegemo.training.callbacks import EpochListener

        options["callbacks"] = [EpochListener(on_epoch_end)]
    classifier.fit(X, y, **({} if last is not classifier else options))
    return last
