"""EEGNet, the field's usual small network."""

from __future__ import annotations

from typing import Any

import numpy as np

from eegemo.models._backend import import_keras
from eegemo.models.base import WindowClassifier

_MOMENTUM = 0.9  # not in the source, where it is Keras's .99: too slow for the epochs until training stops here


class EEGNetClassifier(WindowClassifier):
    """EEGNet: temporal, then spatial, then separable convolutions.

    Parameters
    ----------
    F1, D, F2 : int
        Temporal filters, spatial filters for each of them, and pointwise filters; named as in the source.
    kernel_length : int
        Samples of the temporal filters: half a second at 128 Hz, as in the source.
    dropout : float
        After each pooling: .5 in the source where people are modelled alone, .25 across people.
    normalization, normalize_over, epochs, batch_size, learning_rate, patience, validation_fraction, random_state, verbose
        As in :class:`CNNGRUClassifier`.

    Notes
    -----
    The layers, their constraints and ``learning_rate`` are the source's; the source trains up to 500 epochs of batches
    of 16 and keeps the best by validation. The default normalisation is the z-score alone: scaled to minimum and maximum,
    samples vary so little that batch normalisation's small constant drowns them.

    References
    ----------
    Lawhern et al. 2018, doi:10.1088/1741-2552/aace8c.
    """  # noqa: E501  numpydoc wants the shared parameters on one line

    _sizes = ("F1", "D", "F2", "kernel_length")

    def __init__(
        self,
        *,
        F1: int = 8,
        D: int = 2,
        F2: int = 16,
        kernel_length: int = 64,
        dropout: float = 0.25,
        normalization: str | None = "zscore",
        normalize_over: str = "training",
        epochs: int = 30,
        batch_size: int = 64,
        learning_rate: float = 1e-3,
        patience: int = 5,
        validation_fraction: float | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.F1 = F1
        self.D = D
        self.F2 = F2
        self.kernel_length = kernel_length
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

    def _layers(self, n_times: int, n_channels: int) -> list[Any]:
        layers = import_keras().layers
        max_norm = import_keras().constraints.MaxNorm
        return [
            # Channels first, as in the source: convolved the other way round, a step takes five times as long.
            layers.Permute((2, 1), name="channels_first"),
            layers.Reshape((n_channels, n_times, 1), name="plane"),
            layers.Conv2D(int(self.F1), (1, int(self.kernel_length)), padding="same", use_bias=False, name="temporal"),
            layers.BatchNormalization(momentum=_MOMENTUM, name="temporal_norm"),
            layers.DepthwiseConv2D(
                (n_channels, 1),
                depth_multiplier=int(self.D),
                use_bias=False,
                depthwise_constraint=max_norm(1.0, axis=(0, 1, 2)),
                name="spatial",
            ),
            layers.BatchNormalization(momentum=_MOMENTUM, name="spatial_norm"),
            layers.Activation("elu", name="spatial_elu"),
            layers.AveragePooling2D((1, 4), padding="same", name="spatial_pool"),
            layers.Dropout(self.dropout, name="spatial_dropout"),
            layers.SeparableConv2D(int(self.F2), (1, 16), padding="same", use_bias=False, name="separable"),
            layers.BatchNormalization(momentum=_MOMENTUM, name="separable_norm"),
            layers.Activation("elu", name="separable_elu"),
            layers.AveragePooling2D((1, 8), padding="same", name="separable_pool"),
            layers.Dropout(self.dropout, name="separable_dropout"),
            layers.Flatten(name="features"),
        ]

    def _output(self, n_classes: int) -> Any:
        keras = import_keras()
        norm = keras.constraints.MaxNorm(0.25)
        return keras.layers.Dense(n_classes, activation="softmax", kernel_constraint=norm, name="probabilities")
