"""Pipelines whose features reach into neighbouring windows, which a single window does not bring."""

from __future__ import annotations

from typing import Any

from eegemo.errors import ConfigError


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
    model = getattr(model, "best_estimator_", model)
    steps = model.get_params(deep=True).values() if callable(getattr(model, "get_params", None)) else ()
    for step in (model, *steps):
        if getattr(step, "stands_alone_", True) is False:
            name = type(step).__name__
            raise ConfigError(
                f"{where} is given windows without their trials, but {name} was fitted on Windows and filters them "
                "trial by trial: it would give other probabilities than those that were evaluated. Fit and evaluate "
                f"with {name}(filter_over='window'), or make_model(..., features__filter_over='window')."
            )
