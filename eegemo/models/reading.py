"""Reading what was saved."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import clone

from eegemo._paths import as_path
from eegemo.errors import ConfigError, DataFormatError
from eegemo.models.card import ModelCard
from eegemo.models.checks import check_settings
from eegemo.models.classifier import EEGClassifier
from eegemo.models.network_file import CARD, load_network, not_known, read_members
from eegemo.models.regressor import EEGRegressor
from eegemo.models.saving import CLASS_KINDS, FITTED, short_text
from eegemo.networks.registry import network_class

_LONGEST_CLASS = 4096  # bytes, of a thousand letters


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
    own, path = dict(custom_objects or {}), as_path(path)
    content = path.read_bytes()
    try:
        members = read_members(content)
        card = dict(json.loads(members[CARD]))
    except Exception as error:  # damage ends in exceptions of many kinds, here and below
        raise DataFormatError(
            f"{path.name}: not a classifier saved by eegemo ({short_text(error)}); saved by Keras alone, or cut short?"
        ) from error
    try:
        estimator = _restored_estimator(card, own)
    except (ConfigError, DataFormatError) as error:
        raise DataFormatError(f"{path.name}: {error}") from error
    except Exception as error:
        raise DataFormatError(
            f"{path.name}: saved by another version of eegemo, or altered ({short_text(error)}); save it again."
        ) from error
    try:
        estimator.model_ = load_network(path, members, own)
        _check_agreement(estimator)
    except DataFormatError as error:
        raise DataFormatError(f"{path.name}: {error}") from error
    except Exception as error:
        missing = re.search(r"Could not locate (class|function) '(\w+)'", str(error))
        if missing:
            raise DataFormatError(f"{path.name}: {not_known(missing[1], missing[2])}") from error
        raise DataFormatError(
            f"{path.name}: its network cannot be read ({short_text(error)}); it is damaged - save it, or fetch it, "
            "again."
        ) from error
    return estimator


def _restored_estimator(card: dict[str, Any], own: dict[str, Any]) -> EEGClassifier | EEGRegressor:
    """Make the estimator of a card, without its network."""
    kind = _known(card["estimator"], {"EEGClassifier": EEGClassifier, "EEGRegressor": EEGRegressor, **own}, "estimator")
    if not (isinstance(kind, type) and issubclass(kind, (EEGClassifier, EEGRegressor))):
        raise TypeError(f"{card['estimator']!r} is no estimator of eegemo's")
    if isinstance(card["parameters"].get("class_weight"), list):
        card["parameters"]["class_weight"] = dict(card["parameters"]["class_weight"])
    estimator = kind(_restored(card["network"], own), **card["parameters"])
    estimator.network_ = clone(_as_network(_restored(card["network_"], own)))
    for key in FITTED:
        setattr(estimator, key, card["fitted"][key])
    estimator.ch_names_ = None if card["ch_names"] is None else tuple(card["ch_names"])
    estimator._normalization = tuple(card["normalization"])
    if card.get("card") is not None:
        estimator.card_ = ModelCard.from_json(card["card"])
    if isinstance(estimator, EEGClassifier):
        dtype = np.dtype(card["classes_dtype"])
        if dtype.kind not in CLASS_KINDS or dtype.itemsize > _LONGEST_CLASS:
            raise ValueError(f"classes of dtype {dtype} are not read")
        estimator.classes_ = np.array(card["classes"], dtype=dtype)
        if estimator.classes_.ndim != 1:
            raise ValueError("its classes are no list")
    else:
        estimator._flat = card["flat"]
    check_settings(estimator.resolved_params())
    return estimator


def _check_agreement(estimator: EEGClassifier | EEGRegressor) -> None:
    """Refuse a card that says of the network what it is not."""
    from eegemo.networks.normalization import ChannelNormalization

    model, n_outputs, n_channels = estimator.model_, estimator._n_outputs, estimator.n_channels_
    n_classes = len(estimator.classes_) if isinstance(estimator, EEGClassifier) else n_outputs
    n_named = n_channels if estimator.ch_names_ is None else len(estimator.ch_names_)
    first = [layer for layer in model.layers[:1] if isinstance(layer, ChannelNormalization)]
    normalizations = [(layer.method, layer.over) for layer in first if layer.name == "normalization"]
    method = estimator._normalization[0]
    for what, said, found in (
        ("windows of shape", (None, estimator.n_times_, n_channels), model.input_shape),
        ("outputs of shape", (None, n_outputs), model.output_shape),
        ("normalisation", [] if method is None else [estimator._normalization], normalizations),
        ("number of classes", n_classes, n_outputs),
        ("number of channels", n_named, n_channels),
    ):
        if said != found:
            raise DataFormatError(f"its card and its network differ in {what}: {said} and {found}; save it again.")


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
        raise ConfigError(not_known(what, name))
    return known[name]
