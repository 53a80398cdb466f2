"""What every network is: its sizes, its layers, and what it is trained with by default."""

from __future__ import annotations

import numbers
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from sklearn.base import BaseEstimator

from eegemo._keras import keras, standard_settings, start
from eegemo.errors import ConfigError, suggest_settings
from eegemo.networks.registry import OWN, REGISTERED

NetworkClass = TypeVar("NetworkClass", bound="type[Network]")


@dataclass(frozen=True)
class TrainingDefaults:
    """How a network is trained where its user does not say: the recipe that all networks share, unless one says more.

    Parameters
    ----------
    epochs : int | None
        At most so many; None leaves it to the :class:`eegemo.training.Recipe`, which counts batches.
    batch_size : int
        Windows in a batch.
    learning_rate : float
        Of Adam, at its highest.
    patience : int | None
        Epochs without a better validation loss before training stops; None leaves it to the recipe, too.
    normalization : str | None
        The first layer's method; see :class:`eegemo.networks.ChannelNormalization`.

    Notes
    -----
    Chosen by ``experiments/training_recipe.py`` on the training data of recordings of real people.
    """

    epochs: int | None = None
    batch_size: int = 64
    learning_rate: float = 3e-3
    patience: int | None = None
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
        return self._assemble((n_times, n_channels), n_outputs, activation, normalization=normalization)

    def sequence_layers(self, n_times: int, n_channels: int, *, stateful: bool = False) -> list[keras.layers.Layer]:
        """Return fresh layers before the output of a network that answers at every step.

        Parameters
        ----------
        n_times, n_channels : int
            Samples and channels of a window.
        stateful : bool
            Whether the state that a window ends with is that which the window in its place in the next batch begins
            with.

        Returns
        -------
        layers : list of keras.layers.Layer
            From (batch, n_times, n_channels) to (batch, n_times, n_features).

        Raises
        ------
        ConfigError
            If the network has one answer for a window, carries no state, or a size cannot be used.
        """
        raise ConfigError(f"{type(self).__name__} has one answer for a window, and none at every step of it.")

    def build_sequence(
        self,
        n_times: int,
        n_channels: int,
        n_outputs: int,
        *,
        activation: str = "softmax",
        batch_size: int | None = None,
    ) -> keras.Model:
        """Make a fresh network that answers at every step, not compiled.

        Parameters
        ----------
        n_times, n_channels : int
            Steps of a sequence, and numbers at each of them.
        n_outputs : int
            Classes, or numbers to predict, at each step.
        activation : str
            Of the last layer.
        batch_size : int | None
            Sequences in a batch, for a network that carries its state from batch to batch: each sequence goes on where
            the one in its place in the batch before ended. None for one that begins each sequence anew.

        Returns
        -------
        model : keras.Model
            Input (batch, n_times, n_channels), output (batch, n_times, n_outputs).

        Raises
        ------
        ConfigError
            If the network has one answer for a window, carries no state, or a size cannot be used.
        """
        return self._assemble((n_times, n_channels), n_outputs, activation, every_step=True, batch_size=batch_size)

    def _assemble(
        self,
        shape: tuple[int, int],
        n_outputs: int,
        activation: str,
        *,
        normalization: keras.layers.Layer | None = None,
        every_step: bool = False,
        batch_size: int | None = None,
    ) -> keras.Model:
        """Put input, normalisation, layers and output together, and look at the shape that comes out."""
        start()
        with standard_settings():
            first = [keras.Input(shape, batch_size, name="sequence" if every_step else "microvolts")]
            if normalization is not None:
                first.append(normalization)
            inner = self.sequence_layers(*shape, stateful=batch_size is not None) if every_step else self.layers(*shape)
            name, n_times = type(self).__name__, shape[0]
            if not isinstance(inner, (list, tuple)):
                raise ConfigError(f"layers() of {name} must return a list of Keras layers, got {type(inner).__name__}.")
            try:
                model = keras.Sequential([*first, *inner, self.output(n_outputs, activation)], name=name)
            except ValueError as error:
                raise ConfigError(f"{name} cannot be built for windows of {shape[1]} x {n_times}: {error}") from error
            expected: tuple[int | None, ...]
            if every_step:
                expected = (batch_size, n_times, n_outputs)
                end = "a row of features for each step, (batch, n_times, n_features)"
            else:
                expected = (None, n_outputs)
                end = "one row of features a window, (batch, n_features), as Flatten or a pooling over time gives it"
            if tuple(model.output_shape) != expected:
                raise ConfigError(f"The layers of {name} must end in {end}; got outputs of shape {model.output_shape}.")
            return model


def register_network(name: str) -> Callable[[NetworkClass], NetworkClass]:
    """Make a network of one's own known by a name, as a decorator of its class.

    Parameters
    ----------
    name : str
        What ``EEGClassifier(name)`` takes, and a saved classifier is read by.

    Returns
    -------
    decorator : callable
        Gives the class back unchanged.

    Raises
    ------
    ConfigError
        If the name is one of eegemo's own, or the class is no :class:`Network`.

    Examples
    --------
    >>> import keras
    >>> from eegemo.networks import Network, register_network
    >>> @register_network("shallow")
    ... class Shallow(Network):
    ...     def __init__(self, *, filters=8):
    ...         self.filters = filters
    ...
    ...     def layers(self, n_times, n_channels):
    ...         return [keras.layers.Conv1D(self.filters, 9, activation="relu"), keras.layers.GlobalMaxPooling1D()]
    >>> Shallow().build(n_times=128, n_channels=14, n_outputs=4).output_shape
    (None, 4)
    """
    if not isinstance(name, str):
        raise ConfigError("register_network needs a name: @register_network('mine').")

    def register(network: NetworkClass) -> NetworkClass:
        if name in OWN:
            raise ConfigError(f"{name!r} is the name of a network of eegemo's own; take another.")
        if not (isinstance(network, type) and issubclass(network, Network)):
            raise ConfigError(f"A subclass of eegemo.networks.Network was expected, got {network!r}.")
        REGISTERED[name] = network
        return network

    return register


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
