"""The plan of an evaluation: everything that its numbers depend on, before anything is fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone, is_classifier

from eegemo._json import as_json
from eegemo.errors import ConfigError
from eegemo.evaluation.baselines import baselines_for
from eegemo.evaluation.controls import Control, controlled
from eegemo.evaluation.label_arrays import labels_of_trials
from eegemo.evaluation.provenance import (
    all_params,
    backend_name,
    code_hash,
    environment,
    hash_arrays,
    hash_json,
    keras_settings,
)
from eegemo.evaluation.splitter import Split, Splitter, make_splitter
from eegemo.labels import LabelScheme
from eegemo.models.estimator import NetworkEstimator
from eegemo.windows import Windows


@dataclass(frozen=True, eq=False)
class Plan:
    """What is to be fitted and tested on what; made by :func:`make_plan`.

    Parameters
    ----------
    model : str
        A name for the tables.
    estimator : estimator
        Unfitted, with its seed.
    windows : Windows
        Of the task, which may be a control's.
    scheme : LabelScheme
        Gives its classes.
    y : array of int, shape (n_windows,)
        The classes; those of the fold in which a window is tested, where a rule is fitted in each fold.
    splitter : Splitter
        The protocol.
    splits : tuple of Split
        Drawn once; a control has those of the real task.
    control : Control | None
        What stands in place of the real task, if anything does.
    smoke : bool
        Whether it only shows that everything works.
    with_baselines : bool
        Whether the classifiers that see no EEG are fitted beside it.
    """

    model: str
    estimator: BaseEstimator
    windows: Windows
    scheme: LabelScheme
    y: np.ndarray
    splitter: Splitter
    splits: tuple[Split, ...]
    control: Control | None
    smoke: bool
    with_baselines: bool = True

    @property
    def title(self) -> str:
        """A few words for progress bars and warnings."""
        return f"{self.model} · {self.splitter.protocol}" + (f" · {self.control.name}" if self.control else "")

    def y_of(self, number: int) -> np.ndarray:
        """Return the classes of all windows in one fold."""
        return self.scheme.fitted(self.windows, self.splits[number][0]) if self.scheme.is_fitted else self.y

    @cached_property
    def baselines(self) -> dict[str, BaseEstimator]:
        """The classifiers that see no EEG and answer the same task."""
        if not self.with_baselines:
            return {}
        return baselines_for(self.windows.table, None if self.control is None else self.control.asks)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Everything that the numbers depend on, and nothing that they do not; JSON-compatible."""
        trials = self.windows.trials
        return {
            "classifier": type(self.estimator).__name__,
            "parameters": parameters_of(self.estimator),
            "protocol": asdict(self.splitter),
            "control": None if self.control is None else asdict(self.control),
            "scheme": self.scheme.name,
            "scheme_rule": {key: as_json(value) for key, value in asdict(self.scheme).items()},
            "classes": list(self.scheme.classes),
            "window": {
                "n_times": self.windows.n_times,
                "sfreq": self.windows.sfreq,
                "n_windows": len(self.windows),
                "starts_hash": hash_arrays(self.windows.starts),
            },
            "ch_names": list(trials.ch_names),
            "dataset": trials.dataset,
            "data_fingerprint": trials.fingerprint,
            "split_hash": hash_arrays(*(part for split in self.splits for part in split)),
            "made_with": {
                "code": code_hash(self.estimator),
                "packages": environment()["packages"],
                "backend": backend_name(),
                "keras": keras_settings(),
            },
        }

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of the identity."""
        return hash_json(self.identity)

    @property
    def provenance(self) -> dict[str, Any]:
        """What is known of the numbers before there are any; JSON-compatible."""
        trials = self.windows.trials
        return {
            "model": self.model,
            **self.identity,
            "fingerprint": self.fingerprint,
            "data": trials.provenance,
            "simulated": trials.simulated,
            "smoke": self.smoke,
            "n_folds": len(self.splits),
            **environment(),
        }


def make_plan(
    classifier: BaseEstimator,
    windows: Windows,
    labels: LabelScheme | np.ndarray | pd.Series | Sequence[object],
    protocol: str | Splitter,
    *,
    model: str | None = None,
    control: str | Control | None = None,
    smoke: bool = False,
) -> Plan:
    """Check what is to be evaluated, draw the splits, and put a control's task in the place of the real one.

    Parameters
    ----------
    classifier, windows, labels, protocol, model, control, smoke
        As :func:`eegemo.evaluate` takes them.

    Returns
    -------
    plan : Plan

    Raises
    ------
    ConfigError
        If something is not what it should be, there are too few units for the splits, or the control cannot be had.
    DataFormatError
        If a trial cannot be labelled.
    """
    splitter = make_splitter(protocol) if isinstance(protocol, str) else protocol
    if not isinstance(splitter, Splitter):
        raise ConfigError(f"protocol must be a name, or what make_splitter() made, got {protocol!r}.")
    for name, given, expected, example in (
        ("classifier", classifier, BaseEstimator, "EEGClassifier('cnn-gru'), or make_model(name)"),
        ("windows", windows, Windows, "trials.windows(duration=1.0)"),
    ):
        if not isinstance(given, expected):
            raise ConfigError(f"{name} must be like {example}, got {type(given).__name__}.")
    if not (hasattr(classifier, "predict_proba") or is_classifier(classifier)):
        raise ConfigError(
            f"classifier must be a classifier, got {type(classifier).__name__}, which predicts no classes; rate it "
            "with scikit-learn's cross_val_score(..., cv=make_splitter(protocol))."
        )
    windows, scheme = (windows, labels) if isinstance(labels, LabelScheme) else labels_of_trials(windows, labels)
    y = _classes_to_spread(scheme, windows, splitter)
    if y is not None and len(y) and (y == y[0]).all():
        raise ConfigError(
            f"All {len(windows)} windows are {scheme.classes[y[0]]} by {scheme.name}, and one class cannot be told "
            "from another; take another threshold, or other labels."
        )
    estimator = with_seed(classifier, splitter.random_state)
    splits = tuple(splitter.triples(windows, y))
    if isinstance(control, str):
        control = Control(control, random_state=splitter.random_state)
    if control is not None:
        windows, scheme = controlled(control, windows, scheme, splitter)
    own_name = classifier.network_name if isinstance(classifier, NetworkEstimator) else type(classifier).__name__
    y = _classes_as_tested(scheme, windows, splits)
    return Plan(model or own_name, estimator, windows, scheme, y, splitter, splits, control, smoke)


def with_seed(classifier: BaseEstimator, seed: int) -> BaseEstimator:
    """Copy a classifier, unfitted, and give it a seed where it has none.

    Parameters
    ----------
    classifier : estimator
        Left as it is.
    seed : int
        For whatever in it has ``random_state=None``.

    Returns
    -------
    estimator : estimator
    """
    estimator = clone(classifier)
    unseeded = [k for k, v in estimator.get_params().items() if k.split("__")[-1] == "random_state" and v is None]
    return estimator.set_params(**dict.fromkeys(unseeded, seed))


def parameters_of(estimator: BaseEstimator) -> dict[str, Any]:
    """Return all parameters that an estimator is fitted with, as JSON holds them.

    Parameters
    ----------
    estimator : estimator
        Of any kind.

    Returns
    -------
    parameters : dict of str -> object
    """
    return {
        key: type(value).__qualname__ if isinstance(value, BaseEstimator) else as_json(value)
        for key, value in all_params(estimator).items()
    }


def _classes_to_spread(scheme: LabelScheme, windows: Windows, splitter: Splitter) -> np.ndarray | None:
    """Return the classes that the parts should have alike; none where the rule is fitted to one of these parts."""
    if not scheme.is_fitted:
        return scheme(windows)
    if splitter.rule.holds_out_people:
        raise ConfigError(
            f"{scheme.name}: under protocol {splitter.protocol!r} no trial of the people tested on is trained on; take "
            "a threshold that is the same for all, or another protocol."
        )
    if splitter.n_repeats > 1:
        raise ConfigError(f"{scheme.name}: a window would have a class for each repetition; take n_repeats=1.")
    return None


def _classes_as_tested(scheme: LabelScheme, windows: Windows, splits: Sequence[Split]) -> np.ndarray:
    """Return the classes of all windows; where the rule is fitted in each fold, those of the fold that tests them."""
    y = scheme.fitted(windows, splits[0][0])
    for train, _, test in splits if scheme.is_fitted else ():
        y[test] = scheme.fitted(windows, train)[test]
    return y
