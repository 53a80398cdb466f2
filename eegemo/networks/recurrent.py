"""Plain recurrent networks: recurrent layers, and nothing before them."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from eegemo._keras import keras
from eegemo.networks.base import Network, check_dropout, check_sizes


class _Recurrent(Network):
    """What the three share, around a recurrent layer of their own."""

    def __init__(self, *, units: int = 64, n_layers: int = 1, dropout: float = 0.0) -> None:
        self.units = units
        self.n_layers = n_layers
        self.dropout = dropout

    @abstractmethod
    def _recurrent(self, **options: Any) -> keras.layers.Layer:
        """Return one recurrent layer."""

    def layers(self, n_times: int, n_channels: int) -> list[keras.layers.Layer]:
        """Return the recurrent layers, of the last one its last step; see :meth:`Network.layers`."""
        return self._stack(every_step=False)

    def sequence_layers(self, n_times: int, n_channels: int, *, stateful: bool = False) -> list[keras.layers.Layer]:
        """Return the recurrent layers with all of their steps; see :meth:`Network.sequence_layers`."""
        return self._stack(every_step=True, stateful=stateful)

    def _stack(self, *, every_step: bool, **options: Any) -> list[keras.layers.Layer]:
        check_sizes(units=self.units, n_layers=self.n_layers)
        check_dropout(self.dropout)
        last = int(self.n_layers) - 1
        recurrent = [
            self._recurrent(return_sequences=every_step or number < last, name=f"recurrent{number + 1}", **options)
            for number in range(last + 1)
        ]
        return [*recurrent, keras.layers.Dropout(self.dropout, name="dropout")]


class RNN(_Recurrent):
    """A plain recurrent network (Elman's): ``h[t] = tanh(W x[t] + U h[t-1] + b)``.

    Parameters
    ----------
    units : int
        Of each layer.
    n_layers : int
        Recurrent layers, one over the other.
    dropout : float
        Before the last layer.

    See Also
    --------
    eegemo.networks.CNNGRU : A convolution and pooling before the recurrent layer, for windows of EEG.

    References
    ----------
    Elman 1990, doi:10.1016/0364-0213(90)90002-E.

    Examples
    --------
    >>> from eegemo.networks import RNN
    >>> RNN(units=4).build_sequence(n_times=5, n_channels=4, n_outputs=4).output_shape  # an answer at every step
    (None, 5, 4)
    """

    def _recurrent(self, **options: Any) -> keras.layers.Layer:
        return keras.layers.SimpleRNN(int(self.units), **options)


class GRU(_Recurrent):
    """A network of gated recurrent units.

    Parameters
    ----------
    units, n_layers, dropout
        As in :class:`RNN`.

    See Also
    --------
    eegemo.networks.CNNGRU : A convolution and pooling before the recurrent layer, for windows of EEG.

    References
    ----------
    Cho et al. 2014, arXiv:1406.1078.
    """

    def _recurrent(self, **options: Any) -> keras.layers.Layer:
        return keras.layers.GRU(int(self.units), **options)


class LSTM(_Recurrent):
    """A network of long short-term memory units.

    Parameters
    ----------
    units, n_layers, dropout
        As in :class:`RNN`.

    See Also
    --------
    eegemo.networks.CNNLSTM : A convolution and pooling before the recurrent layer, for windows of EEG.

    References
    ----------
    Hochreiter & Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735.
    """

    def _recurrent(self, **options: Any) -> keras.layers.Layer:
        return keras.layers.LSTM(int(self.units), **options)
