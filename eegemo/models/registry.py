"""All models by name."""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING, Any

from eegemo.errors import unknown_keyword, unknown_name
from eegemo.networks.registry import NETWORKS, known_networks

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

#: The classical models by name: functions that return a pipeline; a new one is tested by standing here.
CLASSICAL = {
    "logistic-regression": "eegemo.models.classical:logistic_regression",
    "linear-svm": "eegemo.models.classical:linear_svm",
    "rbf-svm": "eegemo.models.classical:rbf_svm",
    "random-forest": "eegemo.models.classical:random_forest",
    "extra-trees": "eegemo.models.classical:extra_trees",
    "nearest-neighbor": "eegemo.models.classical:nearest_neighbor",
    "riemann": "eegemo.models.classical:riemann",
}
#: Networks and classical models.
MODELS = {**NETWORKS, **CLASSICAL}


def make_model(name: str, *, random_state: int | None = None, **params: Any) -> BaseEstimator:
    """Make a classifier of windows by its name.

    Parameters
    ----------
    name : str
        A key of ``MODELS``, or a network that was registered.
    random_state : int | None
        Seeds what is random in it.
    **params
        Of a network: its sizes (``units=32``), and the parameters of :class:`EEGClassifier` (``epochs=5``). Of a
        classical model: parameters of the steps of its pipeline (``classifier__C=10``, or
        ``features__filter_over="window"`` where it is to be exported or live).

    Returns
    -------
    classifier : estimator
        Not fitted; takes Windows, or arrays (n, n_channels, n_times) in microvolts.

    Raises
    ------
    ConfigError
        If there is no such model, or it has no such parameter.

    See Also
    --------
    EEGClassifier : Takes any network.

    Examples
    --------
    >>> from eegemo import make_model
    >>> make_model("cnn-gru", units=32, epochs=5)
    EEGClassifier(epochs=5, network=CNNGRU(units=32))
    >>> make_model("logistic-regression", classifier__C=10).named_steps["classifier"].C
    10
    """
    if name not in CLASSICAL:
        if name not in known_networks():
            raise unknown_name("model", name, [*known_networks(), *CLASSICAL])
        return _make_network_model(name, random_state, params)
    module, attribute = CLASSICAL[name].split(":")
    pipeline = getattr(importlib.import_module(module), attribute)(random_state=random_state)
    known = [key for key in pipeline.get_params() if "__" in key]
    _refuse_unknown(name, params, known)
    return pipeline.set_params(**params)


def _make_network_model(name: str, random_state: int | None, params: dict[str, Any]) -> BaseEstimator:
    from eegemo.models.classifier import EEGClassifier

    of_estimator = set(inspect.signature(EEGClassifier).parameters) - {"network", "random_state"}
    sizes = {key: value for key, value in params.items() if key not in of_estimator}
    network: Any = name
    if sizes:
        from eegemo.networks.function import as_network

        network = as_network(name)
        _refuse_unknown(name, sizes, [*network.get_params(), *sorted(of_estimator)])
        network.set_params(**sizes)
    rest = {key: value for key, value in params.items() if key in of_estimator}
    return EEGClassifier(network, random_state=random_state, **rest)


def _refuse_unknown(name: str, params: dict[str, Any], known: list[str]) -> None:
    for key in params:
        if key not in known:
            raise unknown_keyword(f"model {name!r}", key, known)
