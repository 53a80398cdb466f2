"""Trained estimators in one ``.keras`` file: the network as Keras keeps it, and a card of what is not the network's."""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from eegemo._atomic import replacing
from eegemo._json import as_json
from eegemo.errors import ConfigError, DataFormatError
from eegemo.models.classifier import EEGClassifier
from eegemo.models.estimator import NetworkEstimator
from eegemo.models.regressor import EEGRegressor
from eegemo.networks.registry import name_of, network_class

if TYPE_CHECKING:
    import keras

_CARD = "eegemo.json"  # the member of the .keras file that holds the card
_MOST_EXPANSION = 64  # weights do not compress, so a member much larger than the file is no network
_FITTED = ("n_features_in_", "n_channels_", "n_times_", "sfreq_", "history_", "best_epoch_", "_n_outputs")


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
    target = Path(path)
    if target.suffix != ".keras":
        raise ConfigError(f"The file of a trained estimator must end in .keras, got {target.name!r}.")
    parameters = {key: as_json(value) for key, value in estimator.get_params(deep=False).items() if key != "network"}
    if not isinstance(estimator.random_state, (int, np.integer)):
        parameters["random_state"] = None  # a generator is not saved; it says nothing of the trained network
    if isinstance(parameters.get("class_weight"), dict):
        # JSON's keys are text, and classes need not be.
        parameters["class_weight"] = [[as_json(key), value] for key, value in estimator.class_weight.items()]
    card = {
        "estimator": type(estimator).__name__,
        "parameters": parameters,
        "network": _described(estimator.network),
        "network_": _described(estimator.network_),
        "fitted": {key: getattr(estimator, key) for key in _FITTED},
        "ch_names": estimator.ch_names_,
        "normalization": estimator._normalization,
    }
    if isinstance(estimator, EEGClassifier):
        card |= {"classes": estimator.classes_.tolist(), "classes_dtype": estimator.classes_.dtype.str}
    else:
        card["flat"] = estimator._flat
    with replacing(target) as partial:
        estimator.model_.save(partial)
        _check_readable(estimator.model_, partial)
        with zipfile.ZipFile(partial, "a") as archive:
            archive.writestr(_CARD, json.dumps(card, indent=1))


def read_classifier(
    path: str | os.PathLike[str], *, custom_objects: Mapping[str, Any] | None = None
) -> EEGClassifier | EEGRegressor:
    """Read a classifier, or a regressor, that was saved with :meth:`EEGClassifier.save`.

    Parameters
    ----------
    path : path-like
        A ``.keras`` file; it is read in Keras's safe mode, so nothing in it is run.
    custom_objects : dict of str -> object | None
        What is one's own, by its name: a function that returns a Keras model, a subclass of :class:`Network` or of an
        estimator, a Keras layer. Networks under :func:`register_network`, and layers that Keras has registered, are
        known without.

    Returns
    -------
    classifier : EEGClassifier | EEGRegressor
        Predicts what the saved one predicted, on any backend.

    Raises
    ------
    DataFormatError
        If the file is not such a classifier, is damaged, or holds something that is not known here.
    FileNotFoundError
        If there is no such file.

    See Also
    --------
    EEGClassifier.save : Writes it.

    Examples
    --------
    >>> import tempfile
    >>> from eegemo import EEGClassifier, quadrants, read_classifier, simulate
    >>> windows = simulate(subjects=1, channels=["F3", "F4"]).windows(duration=4.0)
    >>> classifier = EEGClassifier("cnn-gru", epochs=1, random_state=0).fit(windows, quadrants()(windows))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     classifier.save(f"{folder}/model.keras")
    ...     again = read_classifier(f"{folder}/model.keras")
    >>> (again.predict_proba(windows) == classifier.predict_proba(windows)).all()
    np.True_
    """
    own = dict(custom_objects or {})
    name = Path(path).name
    card = _read_card(path)
    try:
        kinds = {"EEGClassifier": EEGClassifier, "EEGRegressor": EEGRegressor, **own}
        kind = _known(card["estimator"], kinds, "estimator")
        if isinstance(card["parameters"].get("class_weight"), list):
            card["parameters"]["class_weight"] = dict(card["parameters"]["class_weight"])
        estimator = kind(_restored(card["network"], own), **card["parameters"])
        estimator.network_ = clone(_as_network(_restored(card["network_"], own)))
        vars(estimator).update({key: card["fitted"][key] for key in _FITTED})
        estimator.ch_names_ = None if card["ch_names"] is None else tuple(card["ch_names"])
        estimator._normalization = tuple(card["normalization"])
        if isinstance(estimator, EEGClassifier):
            estimator.classes_ = np.array(card["classes"], dtype=card["classes_dtype"])
        else:
            estimator._flat = card["flat"]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DataFormatError(
            f"{name}: saved by another version of eegemo, or altered ({_text(error)}); save it again."
            if not isinstance(error, ConfigError)
            else f"{name}: {error}"
        ) from error
    estimator.model_ = _read_network(path, own)
    return estimator


def _described(network: Any) -> dict[str, Any]:
    """Say what a network is, so that it can be found again without running anything."""
    from eegemo.networks.base import FunctionNetwork, Network

    if isinstance(network, str):
        return {"name": network}
    if isinstance(network, Network) and not isinstance(network, FunctionNetwork):
        known = name_of(type(network))
        sizes = network.get_params(deep=False)
        for key, value in sizes.items():
            if not isinstance(value, (type(None), bool, int, float, str, list, tuple, np.generic)):
                raise ConfigError(
                    f"{type(network).__name__} cannot be saved with {key}={value!r}, which JSON cannot hold."
                )
        sizes = {key: as_json(value) for key, value in sizes.items()}
        return {"name" if known else "class": known or type(network).__name__, "sizes": sizes}
    function = network.function if isinstance(network, FunctionNetwork) else network
    name = getattr(function, "__name__", "")
    if not name.isidentifier():
        raise ConfigError(
            f"A function that makes a network needs a name to be found by again, got {function!r}; write it with def."
        )
    return {"function": name}


def _restored(described: dict[str, Any], own: dict[str, Any]) -> Any:
    """Find what :func:`_described` said."""
    if "function" in described:
        return _known(described["function"], own, "function")
    sizes = described.get("sizes")
    kind = network_class(described["name"]) if "name" in described else _known(described["class"], own, "network")
    if sizes is None:
        return described["name"]
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in sizes.items()})


def _as_network(network: Any) -> Any:
    from eegemo.networks.base import as_network

    return as_network(network)


def _known(name: str, known: Mapping[str, Any], what: str) -> Any:
    if name not in known:
        raise ConfigError(_not_known(what, name))
    return known[name]


def _not_known(what: str, name: str) -> str:
    return f"holds the {what} {name!r}, which is not known here; give it as custom_objects={{{name!r}: {name}}}."


def _check_readable(model: keras.Model, path: Path) -> None:
    """Refuse a network that cannot be read again as it is, before it replaces anything."""
    from eegemo import _keras

    own = {type(layer).__name__: type(layer) for layer in model._flatten_layers() if _is_own(layer)}
    windows = np.random.default_rng(0).standard_normal((2, *model.input_shape[1:])).astype(np.float32)
    try:
        with _keras.standard_settings():
            again = _keras.keras.models.load_model(path, custom_objects=own, compile=False, safe_mode=True)
            outputs, expected = (_keras.keras.ops.convert_to_numpy(one(windows)) for one in (again, model))
    except Exception as error:
        raise ConfigError(f"{model.name} cannot be saved so that it can be read again: {_text(error)}") from error
    if not np.allclose(outputs, expected, atol=1e-5):
        layers = f"; look at get_config of {', '.join(own)}" if own else ""
        raise ConfigError(f"{model.name} gives other outputs when it is read again{layers}.")


def _is_own(layer: Any) -> bool:
    return type(layer).__module__.split(".")[0] not in ("keras", "eegemo", "tcn")


def _read_card(path: str | os.PathLike[str]) -> dict[str, Any]:
    name, size = Path(path).name, Path(path).stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > _MOST_EXPANSION * size:
                raise ValueError(f"its members are more than {_MOST_EXPANSION} times as large as the file")
            return dict(json.loads(archive.read(_CARD)))
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, RecursionError, NotImplementedError) as error:
        raise DataFormatError(
            f"{name}: not a classifier saved by eegemo ({_text(error)}); was it saved by Keras alone, or cut short?"
        ) from error


def _read_network(path: str | os.PathLike[str], own: dict[str, Any]) -> keras.Model:
    from eegemo import _keras

    _keras.start()
    try:
        with _keras.standard_settings():
            return _keras.keras.models.load_model(path, custom_objects=own, compile=False, safe_mode=True)
    except Exception as error:  # damaged members end in exceptions of many kinds
        name, missing = Path(path).name, re.search(r"Could not locate (class|function) '(\w+)'", str(error))
        if missing:
            raise DataFormatError(f"{name}: {_not_known(missing[1], missing[2])}") from error
        raise DataFormatError(
            f"{name}: its network cannot be read ({_text(error)}); it is damaged: save it, or fetch it, again."
        ) from error


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".split("Full object config")[0].strip()[:400]
