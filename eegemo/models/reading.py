"""Reading what was saved."""

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

from eegemo.errors import ConfigError, DataFormatError
from eegemo.models.classifier import EEGClassifier
from eegemo.models.regressor import EEGRegressor
from eegemo.models.saving import CARD, FITTED, short_text
from eegemo.networks.registry import network_class

if TYPE_CHECKING:
    import keras

_MOST_EXPANSION = 64  # weights do not compress, so a member much larger than the file is no network


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
    >>> classifier = EEGClassifier("cnn-gru", epochs=10, random_state=0).fit(windows, quadrants()(windows))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     classifier.save(f"{folder}/model.keras")
    ...     again = read_classifier(f"{folder}/model.keras")
    >>> (again.predict_proba(windows) == classifier.predict_proba(windows)).all()
    np.True_
    """
    if custom_objects is not None and not isinstance(custom_objects, Mapping):
        raise ConfigError(f"custom_objects must be a dict from names to objects, got {custom_objects!r}.")
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
        vars(estimator).update({key: card["fitted"][key] for key in FITTED})
        estimator.ch_names_ = None if card["ch_names"] is None else tuple(card["ch_names"])
        estimator._normalization = tuple(card["normalization"])
        if isinstance(estimator, EEGClassifier):
            estimator.classes_ = np.array(card["classes"], dtype=card["classes_dtype"])
        else:
            estimator._flat = card["flat"]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DataFormatError(
            f"{name}: saved by another version of eegemo, or altered ({short_text(error)}); save it again."
            if not isinstance(error, ConfigError)
            else f"{name}: {error}"
        ) from error
    estimator.model_ = _read_network(path, own)
    return estimator


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
    from eegemo.networks.function import as_network

    return as_network(network)


def _known(name: str, known: Mapping[str, Any], what: str) -> Any:
    if name not in known:
        raise ConfigError(_not_known(what, name))
    return known[name]


def _not_known(what: str, name: str) -> str:
    return f"holds the {what} {name!r}, which is not known here; give it as custom_objects={{{name!r}: {name}}}."


def _read_card(path: str | os.PathLike[str]) -> dict[str, Any]:
    name, size = Path(path).name, Path(path).stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > _MOST_EXPANSION * size:
                raise ValueError(f"its members are more than {_MOST_EXPANSION} times as large as the file")
            return dict(json.loads(archive.read(CARD)))
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, RecursionError, NotImplementedError) as error:
        raise DataFormatError(
            f"{name}: not a classifier saved by eegemo ({short_text(error)}); saved by Keras alone, or cut short?"
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
            f"{name}: its network cannot be read ({short_text(error)}); it is damaged: save it, or fetch it, again."
        ) from error
