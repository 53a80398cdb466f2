"""1D-CNN + GRU and 1D-CNN + LSTM, layers in the order of Zamani & Wulansari (2021)."""

from __future__ import annotations

from abc import abstractmethod

from eegemo._keras import keras
from eegemo.networks.base import Network, TrainingDefaults, check_dropout, check_sizes


class _CNNRNN(Network):
    """The layers that both networks share, around a recurrent layer of their own."""

    # The paper gives none of the sizes; its layers, their order and the normalisation are its own.
    defaults = TrainingDefaults(normalization="zscore-minmax")

    def __init__(
        self,
        *,
        filters: int = 64,
        kernel_size: int = 7,
        pool_size: int = 16,
        units: int = 64,
        dense_units: int = 64,
        dropout: float = 0.3,
    ) -> None:
        self.filters = filters
        self.kernel_size = kernel_size
        self.pool_size = pool_size
        self.units = units
        self.dense_units = dense_units
        self.dropout = dropout

    @abstractmethod
    def _recurrent(self) -> keras.layers.Layer:
        """Return the recurrent layer, with its sequence as output."""

    def layers(self, n_times: int, n_channels: int) -> list[keras.layers.Layer]:
        """Return convolution, pooling, recurrent layer, flattening and dense layer; see :meth:`Network.layers`."""
        check_sizes(
            filters=self.filters,
            kernel_size=self.kernel_size,
            pool_size=self.pool_size,
            units=self.units,
            dense_units=self.dense_units,
        )
        check_dropout(self.dropout)
        last = {"data_format": "channels_last"}
        return [
            keras.layers.Conv1D(
                int(self.filters), int(self.kernel_size), padding="same", activation="relu", name="conv", **last
            ),
            keras.layers.MaxPooling1D(int(self.pool_size), padding="same", name="max_pooling", **last),
            self._recurrent(),
            keras.layers.Flatten(name="flatten", **last),
            keras.layers.Dense(int(self.dense_units), activation="relu", name="dense"),
            keras.layers.Dropout(self.dropout, name="dropout"),
        ]


class CNNGRU(_CNNRNN):
    """1D-CNN + GRU: Conv1D, max-pooling, GRU, Flatten, Dense, and the output.

    Parameters
    ----------
    filters, kernel_size : int
        Of the convolution (ReLU, same padding). *Not in the source.*
    pool_size : int
        Samples in a maximum. *Not in the source.*
    units : int
        Of the recurrent layer. *Not in the source.*
    dense_units : int
        Of the hidden dense layer (ReLU). *Not in the source.*
    dropout : float
        Before the last layer. *Not in the source.*

    See Also
    --------
    eegemo.EEGClassifier : Trains it.

    Notes
    -----
    The paper z-scores, then scales to the minimum and maximum; its number of epochs, batch size, optimiser and learning
    rate are not published, so the defaults are not in the source either.

    References
    ----------
    Zamani & Wulansari 2021, "Emotion Classification using 1D-CNN and RNN based on DEAP Dataset", CS & IT -
    CSCP 11(23).

    Examples
    --------
    >>> from eegemo.networks import CNNGRU
    >>> CNNGRU(units=32).build(n_times=128, n_channels=32, n_outputs=4).output_shape
    (None, 4)
    """

    def _recurrent(self) -> keras.layers.Layer:
        return keras.layers.GRU(int(self.units), return_sequences=True, name="gru")


class CNNLSTM(_CNNRNN):
    """1D-CNN + LSTM: Conv1D, max-pooling, LSTM, Flatten, Dense, and the output.

    Parameters
    ----------
    filters, kernel_size, pool_size, units, dense_units : int
        As in :class:`CNNGRU`; ``units`` are the LSTM's. *Not in the source.*
    dropout : float
        Before the last layer. *Not in the source.*

    See Also
    --------
    eegemo.EEGClassifier : Trains it.

    References
    ----------
    Zamani & Wulansari 2021, "Emotion Classification using 1D-CNN and RNN based on DEAP Dataset", CS & IT -
    CSCP 11(23).
    """

    def _recurrent(self) -> keras.layers.Layer:
        return keras.layers.LSTM(int(self.units), return_sequences=True, name="lstm")
