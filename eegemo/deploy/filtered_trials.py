"""Pipelines whose features reach into neighbouring windows, which a single window does not bring."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sklearn.base import BaseEstimator

from eegemo.errors import ConfigError
from eegemo.features.base import WindowFeatures


def refuse_filtered_trials(model: Any, where: str) -> None:
    """Refuse a model that was fitted on features of windows that were filtered trial by trial.

    Parameters
    ----------
    model : classifier
        Fitted.
    where : str
        What gives it windows without their trials, for the message: "An exported pipeline".

    Raises
    ------
    ConfigError
        If a step of it filtered the trials of the Windows that it was fitted on.
    """
    for features in _features_of(model):
        if not getattr(features, "stands_alone_", True):
            name = type(features).__name__
            raise ConfigError(
                f"{where} is given windows without their trials, but {name} was fitted on Windows and filters them "
                "trial by trial: it would give other probabilities than those that were evaluated. Fit and evaluate "
                f"with {name}(filter_over='window'), or make_model(..., features__filter_over='window')."
            )


def _features_of(part: Any) -> Iterator[WindowFeatures]:
    """Find features wherever a model keeps them, its fitted copies too: in a vote, a search, a calibration."""
    if isinstance(part, WindowFeatures):
        yield part
    elif isinstance(part, (list, tuple)):
        for one in part:
            yield from _features_of(one)
    elif isinstance(part, Mapping):
        yield from _features_of(list(part.values()))
    elif isinstance(part, BaseEstimator) or type(part).__module__.startswith("sklearn."):
        yield from _features_of(list(getattr(part, "__dict__", {}).values()))
