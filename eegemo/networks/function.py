"""Anybody's own network, and whatever else an estimator may be given for one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

import numpy as np

from eegemo._keras import keras, standard_settings, start
from eegemo.errors import ConfigError
from eegemo.networks.base import Network
from eegemo.networks.registry import network_class

#: Anybody's own network: ``function(n_times, n_channels, n_outputs) -> keras.Model``.
NetworkFunction = Callable[[int, int, int], Any]
_returned: WeakSet[keras.layers.Layer] = WeakSet()  # a second time, they would bring what they learned before


class FunctionNetwork(Network):
    """Anybody's own network: a function that returns a Keras model for a shape.

    Parameters
    ----------
    function : callable
        ``function(n_times, n_channels, n_outputs)`` returns a Keras model from (batch, n_times, n_channels) to (batch,
        n_outputs). It is trained by the estimator's optimiser and loss, whether it is compiled or not; for a classifier
        its outputs are probabilities (its last activation a softmax). It is called, and its model trained, under
        Keras's standard settings: single precision and channels last, where its layers do not say otherwise.
    """

    def __init__(self, function: NetworkFunction) -> None:
        self.function = function

    @property
    def name(self) -> str:
        """The function's name."""
        return str(getattr(self.function, "__name__", type(self.function).__name__))

    def layers(self, n_times: int, n_channels: int) -> list[keras.layers.Layer]:
        """Not used: the function returns the whole model."""
        raise TypeError(f"{self.name} returns a whole model, not layers; call build().")

    def build(
        self,
        n_times: int,
        n_channels: int,
        n_outputs: int,
        *,
        activation: str = "softmax",
        normalization: keras.layers.Layer | None = None,
    ) -> keras.Model:
        """Call the function, check what it returned, and put the normalisation before it; see :meth:`Network.build`."""
        start()
        try:
            inspect.signature(self.function).bind(n_times, n_channels, n_outputs)
        except TypeError as error:
            raise ConfigError(f"{self.name} must take (n_times, n_channels, n_outputs): {error}.") from error
        model = self.function(n_times, n_channels, n_outputs)
        if not isinstance(model, keras.Model):
            raise ConfigError(f"{self.name} must return a keras.Model, got {type(model).__name__}.")
        learning = [layer for layer in model._flatten_layers() if layer.trainable_weights]
        if any(layer in _returned for layer in learning):
            raise ConfigError(
                f"{self.name} returned layers that it had returned before, with what they have learned; build new ones "
                "at each call, or freeze them (trainable=False)."
            )
        _returned.update(learning)
        windows = np.random.default_rng(0).standard_normal((2, n_times, n_channels)).astype(np.float32)
        try:
            given = model(windows, training=False)
            if isinstance(given, (list, tuple, dict)):
                raise ConfigError(f"{self.name} must return a model with one output, got {len(given)}.")
            outputs = keras.ops.convert_to_numpy(given).astype(np.float64)
        except ConfigError:
            raise
        except Exception as error:
            raise ConfigError(
                f"{self.name} returned a model that does not take (batch, {n_times}, {n_channels}): {error}"
            ) from error
        if outputs.shape != (2, n_outputs):
            raise ConfigError(
                f"{self.name} must return a model from (batch, {n_times}, {n_channels}) to (batch, {n_outputs}), "
                f"got outputs of shape (batch, {', '.join(map(str, outputs.shape[1:]))})."
            )
        are_probabilities = outputs.min() >= 0 and np.allclose(outputs.sum(axis=1), 1, atol=1e-2)
        if activation == "softmax" and not are_probabilities:
            raise ConfigError(
                f"The outputs of {self.name} are no probabilities, they sum to {outputs[0].sum():.3g}; end it in "
                "keras.layers.Dense(n_outputs, activation='softmax')."
            )
        if activation != "softmax" and are_probabilities:
            raise ConfigError(
                f"The outputs of {self.name} are probabilities, which sum to 1; to predict numbers end it in "
                "keras.layers.Dense(n_outputs)."
            )
        with standard_settings():
            first = [keras.Input((n_times, n_channels), name="microvolts")]
            return keras.Sequential([*first, *([normalization] if normalization is not None else []), model])


def as_network(network: str | Network | NetworkFunction) -> Network:
    """Make a network of what an estimator was given.

    Parameters
    ----------
    network : str | Network | callable
        A name, a network, or a function that returns a Keras model for a shape.

    Returns
    -------
    network : Network

    Raises
    ------
    ConfigError
        If it is none of them.
    """
    if isinstance(network, str):
        return network_class(network)()
    if isinstance(network, Network):
        return network
    if inspect.isclass(network) and issubclass(network, Network):
        raise ConfigError(f"A network was expected, got its class: give {network.__name__}(), with its sizes.")
    if isinstance(network, keras.Model) or (inspect.isclass(network) and issubclass(network, keras.Model)):
        raise ConfigError(
            f"A fresh model is needed at each fit, got {network!r}; give a function (n_times, n_channels, n_outputs) "
            "that builds a new one at each call."
        )
    if callable(network):
        return FunctionNetwork(network)
    raise ConfigError(
        "network must be a name, a Network such as CNNGRU(), or a function (n_times, n_channels, n_outputs) that "
        f"returns a keras.Model, got {network!r}."
    )
