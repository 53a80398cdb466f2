"""1D-CNN + GRU and 1D-CNN + LSTM, layers in the order of Zamani & Wulansari (2021)."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from eegemo.models.base import WindowClassifier


class _CNNRNNClassifier(WindowClassifier):
    """The layers that both networks share, around a recurrent layer of their own."""

    _sizes = ("filters", "kernel_size", "pool_size", "units", "dense_units")

    # The paper gives none of these numbers; its layers, their order and the normalisation are its own.
    def __init__(
        self,
        *,
        filters: int = 64,
        kernel_size: int = 7,
        pool_size: int = 16,
        units: int = 64,
        dense_units: int = 64,
        dropout: float = 0.3,
        normalization: str | None = "zscore-minmax",
        normalize_over: str = "training",
        epochs: int = 20,
        batch_size: int = 64,
        learning_rate: float = 3e-3,
        patience: int = 4,
        validation_fraction: float | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.filters = filters
        self.kernel_size = kernel_size
        self.pool_size = pool_size
        self.units = units
        self.dense_units = dense_units
        self.dropout = dropout
        self.normalization = normalization
        self.normalize_over = normalize_over
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.verbose = verbose

    @abstractmethod
    def _recurrent(self) -> Any:
        """Return the recurrent layer, with its sequence as output."""

    def _layers(self, n_times: int, n_channels: int) -> list[Any]:
        from keras import layers

        return [
            layers.Conv1D(int(self.filters), int(self.kernel_size), padding="same", activation="relu", name="conv"),
            layers.MaxPooling1D(int(self.pool_size), padding="same", name="max_pooling"),
            self._recurrent(),
            layers.Flatten(name="flatten"),
            layers.Dense(int(self.dense_units), activation="relu", name="dense"),
            layers.Dropout(self.dropout, name="dropout"),
        ]


class CNNGRUClassifier(_CNNRNNClassifier):
    """1D-CNN + GRU: Conv1D, max-pooling, GRU, Flatten, Dense, Dense(softmax).

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
    normalization : "zscore-minmax" | "zscore" | "minmax" | None
        The first layer. The paper z-scores, then scales to the minimum and maximum.
    normalize_over : "training" | "window"
        Whether it is fitted, on the training data alone, or each window is normalised by itself. *Not in the
        source.*
    epochs, batch_size : int
        At most so many epochs, of batches of so many windows. *Not in the source.*
    learning_rate : float
        Of Adam. *Neither is in the source.*
    patience : int
        Epochs without a better validation loss before training stops. *Not in the source.*
    validation_fraction : float | None
        Share of the training data to stop on, where ``fit`` is given no validation data; whole groups.
    random_state : int | RandomState | None
        Seeds weights, dropout and the order of the windows.
    verbose : int
        1 shows a progress bar over the epochs.

    References
    ----------
    Zamani & Wulansari 2021, "Emotion Classification using 1D-CNN and RNN based on DEAP Dataset", CS & IT -
    CSCP 11(23).
    """

    def _recurrent(self) -> Any:
        from keras import layers

        return layers.GRU(int(self.units), return_sequences=True, name="gru")


class CNNLSTMClassifier(_CNNRNNClassifier):
    """1D-CNN + LSTM: Conv1D, max-pooling, LSTM, Flatten, Dense, Dense(softmax).

    Its parameters are those of :class:`CNNGRUClassifier`; ``units`` are the LSTM's. None of their numbers is
    in the source.

    References
    ----------
    Zamani & Wulansari 2021, "Emotion Classification using 1D-CNN and RNN based on DEAP Dataset", CS & IT -
    CSCP 11(23).
    """

    def _recurrent(self) -> Any:
        from keras import layers

        return layers.LSTM(int(self.units), return_sequences=True, name="lstm")
