"""One file a model family; scikit-learn classifiers around networks that are made anew at each ``fit``."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from eegemo.errors import unknown_name

if TYPE_CHECKING:
    from eegemo.models.base import WindowClassifier

#: The models by name; a new one is tested by standing here.
MODELS = {
    "cnn-gru": "eegemo.models.cnn_rnn:CNNGRUClassifier",
    "cnn-lstm": "eegemo.models.cnn_rnn:CNNLSTMClassifier",
    "tcn": "eegemo.models.tcn:TCNClassifier",
}


def model_class(name: str) -> type[WindowClassifier]:
    """Find a model by its name.

    Parameters
    ----------
    name : str
        A key of ``MODELS``.

    Returns
    -------
    classifier : type
        The classifier, to be called with its hyper-parameters.

    Raises
    ------
    ConfigError
        If there is no such model.
    """
    if name not in MODELS:
        raise unknown_name("model", name, MODELS)
    module, attribute = MODELS[name].split(":")
    return getattr(importlib.import_module(module), attribute)
