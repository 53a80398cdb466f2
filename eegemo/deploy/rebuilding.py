"""The classifier of results, made again from what their provenance says of it."""

from __future__ import annotations

import inspect
import json
from typing import Any

from sklearn.base import BaseEstimator

from eegemo.errors import ConfigError
from eegemo.evaluation.plan import parameters_of
from eegemo.models.classifier import EEGClassifier
from eegemo.models.registry import CLASSICAL, make_model
from eegemo.networks.registry import known_networks, network_class


def rebuilt_classifier(kind: str, parameters: dict[str, Any], model: str) -> BaseEstimator:
    """Make a classifier that has given parameters.

    Parameters
    ----------
    kind : str
        The name of its class.
    parameters : dict of str -> object
        As the provenance of results has them.
    model : str
        Its name in the tables, for the message.

    Returns
    -------
    classifier : estimator
        Not fitted; its parameters are the same, every one.

    Raises
    ------
    ConfigError
        If it is none that has a name in eegemo.
    """
    candidates = _networks(parameters) if kind == "EEGClassifier" else _pipelines(parameters)
    for candidate in candidates:
        if type(candidate).__name__ == kind and as_read(parameters_of(candidate)) == as_read(parameters):
            return candidate
    raise ConfigError(
        f"{model!r} cannot be made again from its results: {kind} with parts of one's own. Give it: fit_final(results, "
        "windows, classifier)."
    )


def as_read(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return parameters as they are when they were written and read.

    Parameters
    ----------
    parameters : dict of str -> object
        Of an estimator, as JSON can hold them.

    Returns
    -------
    parameters : dict of str -> object
        Without the steps of a Pipeline, each of which is there under its own name.
    """
    return dict(json.loads(json.dumps({name: value for name, value in parameters.items() if name != "steps"})))


def _networks(parameters: dict[str, Any]) -> list[BaseEstimator]:
    sizes = {
        name.removeprefix("network__"): tuple(value) if isinstance(value, list) else value
        for name, value in parameters.items()
        if name.startswith("network__")
    }
    own = set(inspect.signature(EEGClassifier).parameters) - {"network"}
    settings = {name: value for name, value in parameters.items() if name in own}
    if isinstance(settings.get("class_weight"), dict):  # whose keys JSON has made text
        settings["class_weight"] = {int(number): value for number, value in settings["class_weight"].items()}
    kinds = [network_class(name) for name in known_networks()]
    return [
        EEGClassifier(one(**sizes), **settings)
        for one in kinds
        if f"{one.__module__}.{one.__qualname__}" == parameters.get("network")
    ]


def _pipelines(parameters: dict[str, Any]) -> list[BaseEstimator]:
    candidates = []
    for name in CLASSICAL:
        pipeline = make_model(name)
        current = pipeline.get_params()
        if set(current) != set(parameters):
            continue
        changed = {
            key: _with_tuples(value)
            for key, value in parameters.items()
            if "__" in key and not isinstance(current[key], BaseEstimator) and not callable(current[key])
        }
        candidates.append(pipeline.set_params(**changed))
    return candidates


def _with_tuples(value: Any) -> Any:
    """Return a parameter with tuples where JSON has lists."""
    if isinstance(value, dict):
        return {key: _with_tuples(item) for key, item in value.items()}
    return tuple(_with_tuples(item) for item in value) if isinstance(value, list) else value
