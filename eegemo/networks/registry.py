"""The networks by name; importing it starts no Keras."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from eegemo.errors import unknown_name

if TYPE_CHECKING:
    from eegemo.networks.base import Network

#: The networks by name, as module and class; a new one is tested by standing here.
NETWORKS = {
    "cnn-gru": "eegemo.networks.cnn_rnn:CNNGRU",
    "cnn-lstm": "eegemo.networks.cnn_rnn:CNNLSTM",
    "tcn": "eegemo.networks.tcn:TCN",
    "eegnet": "eegemo.networks.eegnet:EEGNet",
    "resnet1d": "eegemo.networks.resnet1d:ResNet1D",
}
#: Plain recurrent networks, known by name too; experiments that run every network of EEG do without them.
RECURRENT = {
    "rnn": "eegemo.networks.recurrent:RNN",
    "gru": "eegemo.networks.recurrent:GRU",
    "lstm": "eegemo.networks.recurrent:LSTM",
}
#: All of eegemo's own.
OWN = {**NETWORKS, **RECURRENT}
#: Those that users registered, by :func:`eegemo.networks.register_network`.
REGISTERED: dict[str, type[Network]] = {}


def network_class(name: str) -> type[Network]:
    """Find a network by its name.

    Parameters
    ----------
    name : str
        A key of ``OWN``, or a name given to :func:`register_network`.

    Returns
    -------
    network : type
        To be called with its sizes.

    Raises
    ------
    ConfigError
        If there is no such network.
    """
    if name in REGISTERED:
        return REGISTERED[name]
    if name not in OWN:
        raise unknown_name("network", name, known_networks())
    module, attribute = OWN[name].split(":")
    return getattr(importlib.import_module(module), attribute)


def known_networks() -> list[str]:
    """Return the names of all networks, eegemo's own and those that were registered."""
    return [*OWN, *REGISTERED]


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
    own = {known: name for name, known in OWN.items()}
    registered = {known: name for name, known in REGISTERED.items()}
    return own.get(place) or registered.get(network)
