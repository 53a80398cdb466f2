"""What every network is: its sizes, its layers, and what it is trained with by default."""

from __future__ import annotations

import inspect
import numbers
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator

from eegemo._keras import keras, standard_settings, start
from eegemo.errors import ConfigError, suggest_settings
from eegemo.networks.registry import network_class


@dataclass(frozen=True)
class TrainingDefaults:
    """How a network is trained where its user does not say.

    Parameters
    ----------
    epochs, batch_size : int
        At most so many epochs, of batches of so many windows.
    learning_rate : float
        Of Adam.
    patience : int
        Epochs without a better validation loss before training stops.
    normalization : str | None
        The first layer's method; see :class:`eegemo.networks.ChannelNormalization`.
    """

    epochs: int = 20
    batch_size: int = 64
    learning_rate: float = 1e-3
    patience: int = 4
    normalization: str | None = "zscore"


class Network(BaseEstimator, ABC):
    """Base of the networks: sizes as constructor arguments, layers for the shape of a window.

    A subclass stores its sizes in ``__init__`` (keyword arguments under their own names, as scikit-learn has it) and
    returns its layers from :meth:`layers`.

    See Also
    --------
    eegemo.EEGClassifier : Trains a network to tell classes apart.
    eegemo.EEGRegressor : Trains a network to predict ratings.
    register_network : Makes a network known by a name.
    """

    #: What it is trained with where the estimator does not say.
    defaults: ClassVar[TrainingDefaults] = TrainingDefaults()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__init__" in vars(cls):
            suggest_settings(cls)

    @abstractmethod
    def layers(self, n_times: int, n_channels: int) -> list[keras.layers.Layer]:
        """Return fresh layers between the normalisation and the output.

        Parameters
        ----------
        n_times, n_channels : int
            Samples and channels of a window.

        Returns
        -------
        layers : list of keras.layers.Layer
            From (batch, n_times, n_channels) to (batch, n_features).

        Raises
        ------
        ConfigError
            If a size cannot be used.
        """

    def output(self, n_outputs: int, activation: str) -> keras.layers.Layer:
        """Return the last layer.

        Parameters
        ----------
        n_outputs : int
            Classes, or numbers to predict.
        activation : str
            ``"softmax"`` for classes, ``"linear"`` for numbers.

        Returns
        -------
        layer : keras.layers.Layer
            In single precision.
        """
        return keras.layers.Dense(n_outputs, activation=activation, name="output", dtype="float32")

    def build(
        self,
        n_times: int,
        n_channels: int,
        n_outputs: int,
        *,
        activation: str = "softmax",
        normalization: keras.layers.Layer | None = None,
    ) -> keras.Model:
        """Make a fresh network, not compiled.

        Parameters
        ----------
        n_times, n_channels : int
            Samples and channels of a window.
        n_outputs : int
            Classes, or numbers to predict.
        activation : str
            Of the last layer.
        normalization : keras.layers.Layer | None
            The first layer.

        Returns
        -------
        model : keras.Model
            Input (batch, n_times, n_channels), output (batch, n_outputs).

        Raises
        ------
        ConfigError
            If a size cannot be used.
        """
        start()
        with standard_settings():
            first = [keras.Input((n_times, n_channels), name="microvolts")]
            if normalization is not None:
                first.append(normalization)
            inner = self.layers(n_times, n_channels)
            return keras.Sequential([*first, *inner, self.output(n_outputs, activation)], name=type(self).__name__)


#: Anybody's own network: ``function(n_times, n_channels, n_outputs) -> keras.Model``.
NetworkFunction = Callable[[int, int, int], Any]


class FunctionNetwork(Network):
    """Anybody's own network: a function that returns a Keras model for a shape.

    Parameters
    ----------
    function : callable
        ``function(n_times, n_channels, n_outputs)`` returns a Keras model from (batch, n_times, n_channels) to (batch,
        n_outputs). It is trained by the estimator's optimiser and loss, whether it is compiled or not; for a classifier
        its outputs are probabilities (its last activation a softmax).
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
        model = self.function(n_times, n_channels, n_outputs)
        if not isinstance(model, keras.Model):
            raise ConfigError(f"{self.name} must return a keras.Model, got {type(model).__name__}.")
        windows = np.random.default_rng(0).standard_normal((2, n_times, n_channels)).astype(np.float32)
        try:
            outputs = keras.ops.convert_to_numpy(model(windows, training=False)).astype(np.float64)
        except Exception as error:
            raise ConfigError(
                f"{self.name} returned a model that does not take (batch, {n_times}, {n_channels}): {error}"
            ) from error
        if outputs.shape != (2, n_outputs):
            raise ConfigError(
                f"{self.name} must return a model from (batch, {n_times}, {n_channels}) to (batch, {n_outputs}), "
                f"got outputs of shape (batch, {', '.join(map(str, outputs.shape[1:]))})."
            )
        if activation == "softmax" and not (outputs.min() >= 0 and np.allclose(outputs.sum(axis=1), 1, atol=1e-2)):
            raise ConfigError(
                f"The outputs of {self.name} are no probabilities, they sum to {outputs[0].sum():.3g}; end it in "
                "keras.layers.Dense(n_outputs, activation='softmax')."
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
    if isinstance(network, keras.Model):
        raise ConfigError(
            f"A fresh model is needed at each fit, got one model, {network.name!r}; give a function "
            "(n_times, n_channels, n_outputs) that returns it."
        )
    if callable(network):
        return FunctionNetwork(network)
    raise ConfigError(
        "network must be a name, a Network such as CNNGRU(), or a function (n_times, n_channels, n_outputs) that "
        f"returns a keras.Model, got {network!r}."
    )


def check_sizes(**sizes: Any) -> None:
    """Refuse sizes that are no positive whole numbers, by name.

    Parameters
    ----------
    **sizes : int
        The sizes under their names.

    Raises
    ------
    ConfigError
        If one is none.
    """
    for name, value in sizes.items():
        if not isinstance(value, numbers.Integral) or value < 1:
            raise ConfigError(f"Expected a positive whole number. Received: {name}={value!r}.")


def check_dropout(dropout: Any) -> None:
    """Refuse a dropout that is no share from 0 to below 1.

    Parameters
    ----------
    dropout : float
        Share of values set to zero.

    Raises
    ------
    ConfigError
        If it is none.
    """
    if not isinstance(dropout, numbers.Real) or not 0 <= float(dropout) < 1:
        raise ConfigError(f"Expected a share from 0 to below 1. Received: dropout={dropout!r}.")
