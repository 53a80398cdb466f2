"""What a fitted model carries: the channels that it was fitted on, and a card, which is of that fit alone."""

from __future__ import annotations

import hashlib
import io
import pickle
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from eegemo._warnings import warn_caller
from eegemo.features.base import WindowFeatures
from eegemo.models.card import ModelCard
from eegemo.models.estimator import NetworkEstimator

_OF_VERSION = "_sklearn_version"  # in the state of an estimator
#: Of neighbours: they lie beside the samples that they are made of, and count how often they were searched.
_SEARCH_TREES = ("sklearn.neighbors._kd_tree", "sklearn.neighbors._ball_tree")


def give_card(model: Any, card: ModelCard) -> None:
    """Give a fitted model its card, and let it remember what it was fitted as.

    Parameters
    ----------
    model : estimator
        Fitted.
    card : ModelCard
        Of this fit.
    """
    model.card_ = card
    if not isinstance(model, NetworkEstimator):  # which forgets its card when it is fitted
        model.card_of_ = _hash_fit(model)


def card_of(model: Any) -> ModelCard | None:
    """Return the card of a model, if it was not fitted anew since; scikit-learn's estimators keep whatever they carry.

    Parameters
    ----------
    model : object
        Fitted, or exported.

    Returns
    -------
    card : ModelCard | None
        None where it has none. One of a former fit is taken from the model, with a warning.
    """
    card: ModelCard | None = getattr(model, "card_", None)
    fitted_as = getattr(model, "card_of_", None)
    if card is not None and fitted_as is not None and fitted_as != _hash_fit(model):
        model.card_ = card = None
        warn_caller(
            "The model was fitted anew since its card was made (fit_final), so the card's scores and class names are "
            "not this one's; it goes on without a card."
        )
    return card


def channels_of(model: Any) -> tuple[str, ...] | None:
    """Return the channels that a model was fitted on.

    Parameters
    ----------
    model : object
        Fitted, or exported; a pipeline says what its first step says.

    Returns
    -------
    ch_names : tuple of str | None
        None where it was fitted on an array, whose channels features number: ch0, ch1, ...
    """
    steps = getattr(model, "steps", None)
    if steps:
        return channels_of(steps[0][1])
    names = getattr(model, "ch_names_", None)
    if names is None or (isinstance(model, WindowFeatures) and not model.of_windows_):
        return None
    return tuple(names)


def _hash_fit(model: Any) -> str:
    """Return a hash of what fitting has left in a model; what cannot be pickled does not count."""
    digest = hashlib.sha256()
    for step in [step for _, step in model.steps] if isinstance(model, Pipeline) else [model]:
        if isinstance(step, Pipeline):
            digest.update(_hash_fit(step).encode())
        elif hasattr(step, "get_params"):
            state = step.__getstate__()
            for name in sorted({*state} - {*step.get_params(deep=False), _OF_VERSION, "card_", "card_of_"}):
                try:
                    digest.update(name.encode() + _values_of(state[name]))
                except (pickle.PicklingError, TypeError, AttributeError, ValueError, RecursionError):
                    continue
    return digest.hexdigest()


def _values_of(value: Any) -> bytes:
    buffer = io.BytesIO()
    pickler = _OfValues(buffer, protocol=5)
    pickler.fast = True  # what is one object in memory is two after some ways to a file and back
    pickler.dump(value)
    return buffer.getvalue()


class _OfValues(pickle.Pickler):
    """Writes arrays by their values, however they lie in memory, and estimators without scikit-learn's version."""

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, BaseEstimator):
            state = obj.__getstate__()
            return tuple, (
                [type(obj).__qualname__, *((name, state[name]) for name in sorted({*state} - {_OF_VERSION}))],
            )
        if type(obj).__module__ in _SEARCH_TREES:
            return str, (type(obj).__name__,)
        if isinstance(obj, dict):  # of a kind of its own, such as Bunch, which is written otherwise once it was read
            return tuple, (list(obj.items()),)
        if not isinstance(obj, np.ndarray) or obj.dtype.hasobject:
            return NotImplemented
        digest = hashlib.sha256(repr((obj.shape, obj.dtype.str)).encode())
        for part in [obj[name] for name in obj.dtype.names] if obj.dtype.names else [obj]:  # what is between is noise
            digest.update(np.ascontiguousarray(part).tobytes())
        return str, (digest.hexdigest(),)
