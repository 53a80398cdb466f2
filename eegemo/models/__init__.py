"""Classifiers of windows, one file a family: networks made anew at each ``fit``, and scikit-learn pipelines."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from eegemo.errors import unknown_name

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

    from eegemo.models.base import WindowClassifier

#: The networks by name; a new one is tested by standing here.
NETWORKS = {
    "cnn-gru": "eegemo.models.cnn_rnn:CNNGRUClassifier",
    "cnn-lstm": "eegemo.models.cnn_rnn:CNNLSTMClassifier",
    "tcn": "eegemo.models.tcn:TCNClassifier",
    "eegnet": "eegemo.models.eegnet:EEGNetClassifier",
}
#: The classical models by name: functions that return a pipeline; a new one is tested by standing here.
CLASSICAL = {
    "logistic-regression": "eegemo.models.classical:logistic_regression",
    "linear-svm": "eegemo.models.classical:linear_svm",
    "rbf-svm": "eegemo.models.classical:rbf_svm",
    "random-forest": "eegemo.models.classical:random_forest",
    "riemann": "eegemo.models.classical:riemann",
}
MODELS = {**NETWORKS, **CLASSICAL}


def make_model(name: str, *, random_state: int | None = None, **of_networks: Any) -> BaseEstimator:
    """Make a classifier of windows by its name.

    Parameters
    ----------
    name : str
        A key of ``MODELS``.
    random_state : int | None
        Of whatever in it is random.
    **of_networks
        Hyper-parameters that all networks have, such as ``epochs``. A classical model is made without them, so that
        one loop can make both.

    Returns
    -------
    classifier : estimator
        Not fitted; takes Windows.

    Raises
    ------
    ConfigError
        If there is no such model.
    """
    if name in NETWORKS:
        return model_class(name)(random_state=random_state, **of_networks)
    if name not in CLASSICAL:
        raise unknown_name("model", name, MODELS)
    return _find(CLASSICAL[name])(random_state=random_state)


def model_class(name: str) -> type[WindowClassifier]:
    """Find a network by its name.

    Parameters
    ----------
    name : str
        A key of ``NETWORKS``.

    Returns
    -------
    classifier : type
        The classifier, to be called with its hyper-parameters.

    Raises
    ------
    ConfigError
        If there is no such network.
    """
    if name not in NETWORKS:
        raise unknown_name("model", name, NETWORKS)
    return _find(NETWORKS[name])


def _find(place: str) -> Any:
    module, attribute = place.split(":")
    return getattr(importlib.import_module(module), attribute)
