"""The networks by name; importing it starts no Keras."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from eegemo.errors import ConfigError, unknown_name

if TYPE_CHECKING:
    from eegemo.networks.base import Network

#: The networks by name, as module and class; a new one is tested by standing here.
NETWORKS = {
    "cnn-gru": "eegemo.networks.cnn_rnn:CNNGRU",
    "cnn-lstm": "eegemo.networks.cnn_rnn:CNNLSTM",
    "tcn": "eegemo.networks.tcn:TCN",
    "eegnet": "eegemo.networks.eegnet:EEGNet",
}
#: Those that users registered.
_REGISTERED: dict[str, type[Network]] = {}

NetworkClass = TypeVar("NetworkClass", bound="type[Network]")


def network_class(name: str) -> type[Network]:
    """Find a network by its name.

    Parameters
    ----------
    name : str
        A key of ``NETWORKS``, or a name given to :func:`register_network`.

    Returns
    -------
    network : type
        To be called with its sizes.

    Raises
    ------
    ConfigError
        If there is no such network.
    """
    if name in _REGISTERED:
        return _REGISTERED[name]
    if name not in NETWORKS:
        raise unknown_name("network", name, known_networks())
    module, attribute = NETWORKS[name].split(":")
    return getattr(importlib.import_module(module), attribute)


def known_networks() -> list[str]:
    """Return the names of all networks, eegemo's own and those that were registered."""
    return [*NETWORKS, *_REGISTERED]


def name_of(network: type[Network]) -> str | None:
    """Return the name that a network's class is known by; None where it is not.

    Parameters
    ----------
    network : type
        A subclass of :class:`Network`.

    Returns
    -------
    name : str | None
    """
    place = f"{network.__module__}:{network.__qualname__}"
    own = {known: name for name, known in NETWORKS.items()}
    registered = {known: name for name, known in _REGISTERED.items()}
    return own.get(place) or registered.get(network)


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

    def register(network: NetworkClass) -> NetworkClass:
        from eegemo.networks.base import Network

        if name in NETWORKS:
            raise ConfigError(f"{name!r} is the name of a network of eegemo's own; take another.")
        if not (isinstance(network, type) and issubclass(network, Network)):
            raise ConfigError(f"A subclass of eegemo.networks.Network was expected, got {network!r}.")
        _REGISTERED[name] = network
        return network

    return register
