"""Saving a trained estimator in one ``.keras`` file: the network as Keras keeps it, and a card of what is not its."""

from __future__ import annotations

import json
import os
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eegemo._atomic import replacing
from eegemo._json import as_json
from eegemo._paths import as_path
from eegemo.errors import ConfigError
from eegemo.models.network_file import CARD, load_network, read_members
from eegemo.networks.registry import name_of

if TYPE_CHECKING:
    import keras

    from eegemo.models.estimator import NetworkEstimator

#: What a trained estimator has learned beside the network, each attribute under its own name.
FITTED = ("n_features_in_", "n_channels_", "n_times_", "sfreq_", "history_", "best_epoch_", "collapse_", "_n_outputs")
#: Kinds of dtypes of classes that a file can hold: truth values, numbers, text, and either as objects.
CLASS_KINDS = "biufUO"


def save(estimator: NetworkEstimator, path: str | os.PathLike[str]) -> None:
    """Save a trained estimator; see :meth:`eegemo.EEGClassifier.save`.

    Parameters
    ----------
    estimator : EEGClassifier | EEGRegressor
        Fitted.
    path : path-like
        Its name must end in ``.keras``.

    Raises
    ------
    ConfigError
        If the name ends otherwise, or what was written could not be read again.
    """
    target = as_path(path)
    if target.suffix != ".keras":
        raise ConfigError(f"The file of a trained estimator must end in .keras, got {target.name!r}.")
    parameters = {key: value for key, value in estimator.get_params(deep=False).items() if key != "network"}
    if not isinstance(parameters.get("random_state", 0), (int, np.integer)):
        parameters["random_state"] = None  # a generator is not saved; it says nothing of the trained network
    if isinstance(parameters.get("class_weight"), dict):
        # JSON's keys are text, and classes need not be.
        parameters["class_weight"] = [list(pair) for pair in estimator.class_weight.items()]
    card = {
        "estimator": type(estimator).__name__,
        "parameters": _json_values(type(estimator).__name__, parameters),
        "network": _described(estimator.network),
        "network_": _described(estimator.network_),
        "fitted": {key: getattr(estimator, key) for key in FITTED},
        "ch_names": estimator.ch_names_,
        "normalization": estimator._normalization,
        "card": None if estimator.card_ is None else estimator.card_.as_json,
    }
    if hasattr(estimator, "classes_"):
        if estimator.classes_.dtype.kind not in CLASS_KINDS:
            raise ConfigError(
                f"Classes of type {estimator.classes_.dtype} cannot be saved; name them by numbers or text."
            )
        classes = _json_values("y", {"classes": estimator.classes_.tolist()})["classes"]
        card |= {"classes": classes, "classes_dtype": estimator.classes_.dtype.str}
    else:
        card["flat"] = estimator._flat
    with replacing(target) as partial:
        estimator.model_.save(partial)
        _check_readable(estimator.model_, partial)
        with zipfile.ZipFile(partial, "a") as archive:
            archive.writestr(CARD, json.dumps(card, indent=1))


def _described(network: Any) -> dict[str, Any]:
    """Say what a network is, so that it can be found again without running anything."""
    from eegemo.networks.base import Network
    from eegemo.networks.function import FunctionNetwork

    if isinstance(network, str):
        return {"name": network}
    if isinstance(network, Network) and not isinstance(network, FunctionNetwork):
        known, kind = name_of(type(network)), type(network).__name__
        return {
            "name" if known else "class": known or kind,
            "sizes": _json_values(kind, network.get_params(deep=False)),
        }
    function = network.function if isinstance(network, FunctionNetwork) else network
    name = getattr(function, "__name__", "")
    if not name.isidentifier():
        raise ConfigError(
            f"A function that makes a network needs a name to be found by again, got {function!r}; write it with def."
        )
    return {"function": name}


def _json_values(owner: str, values: dict[str, Any]) -> dict[str, Any]:
    """Refuse what JSON would not give back as it was."""
    for key, value in values.items():
        for item in value if isinstance(value, (list, tuple)) else [value]:
            items = item if isinstance(item, list) else [item]
            if not all(isinstance(one, (type(None), bool, int, float, str, np.generic)) for one in items):
                raise ConfigError(f"{owner} cannot be saved with {key}={value!r}: not a JSON value.")
    return {key: as_json(value) for key, value in values.items()}


def _check_readable(model: keras.Model, path: Path) -> None:
    """Refuse a network that cannot be read again as it is, before it replaces anything."""
    from eegemo import _keras

    own = {type(layer).__name__: type(layer) for layer in model._flatten_layers() if _is_own(layer)}
    windows = np.random.default_rng(0).standard_normal((2, *model.input_shape[1:])).astype(np.float32)
    try:
        again = load_network(path, read_members(path.read_bytes()), own)
        with _keras.standard_settings():
            outputs, expected = (_keras.keras.ops.convert_to_numpy(one(windows)) for one in (again, model))
    except Exception as error:
        raise ConfigError(f"{model.name} cannot be saved so that it can be read again: {short_text(error)}") from error
    if not np.allclose(outputs, expected, atol=1e-5):
        layers = f"; look at get_config of {', '.join(own)}" if own else ""
        raise ConfigError(f"{model.name} gives other outputs when it is read again{layers}.")


def _is_own(layer: Any) -> bool:
    return type(layer).__module__.split(".")[0] not in ("keras", "eegemo", "tcn")


def short_text(error: BaseException) -> str:
    """Return an exception's type and the beginning of its message, without Keras's dump of a configuration.

    Parameters
    ----------
    error : BaseException
        What went wrong.

    Returns
    -------
    text : str
    """
    told = re.split(r"Full object config|\n\nconfig=", str(error))[0]
    return f"{type(error).__name__}: {' '.join(told.split())}"[:400]
