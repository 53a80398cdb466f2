"""EEGNet, the field's usual small network."""

from __future__ import annotations

from eegemo._keras import keras
from eegemo.networks.base import Network, check_dropout, check_sizes

_MOMENTUM = 0.9  # not in the source, where it is Keras's .99: too slow for the epochs until training stops here


class EEGNet(Network):
    """EEGNet: temporal, then spatial, then separable convolutions.

    Parameters
    ----------
    F1, D, F2 : int
        Temporal filters, spatial filters for each of them, and pointwise filters; named as in the source.
    kernel_length : int
        Samples of the temporal filters: half a second at 128 Hz, as in the source.
    dropout : float
        After each pooling: .5 in the source where people are modelled alone, .25 across people.

    See Also
    --------
    eegemo.EEGClassifier : Trains it.

    Notes
    -----
    The layers and their constraints are the source's; the source trains up to 500 epochs of batches of 16 at a learning
    rate of 1e-3 and keeps the best by validation, here it is trained as the other networks are.

    References
    ----------
    Lawhern et al. 2018, doi:10.1088/1741-2552/aace8c.
    """

    def __init__(
        self, *, F1: int = 8, D: int = 2, F2: int = 16, kernel_length: int = 64, dropout: float = 0.25
    ) -> None:
        self.F1 = F1
        self.D = D
        self.F2 = F2
        self.kernel_length = kernel_length
        self.dropout = dropout

    def layers(self, n_times: int, n_channels: int) -> list[keras.layers.Layer]:
        """Return the three convolutions with what follows each; see :meth:`Network.layers`."""
        check_sizes(F1=self.F1, D=self.D, F2=self.F2, kernel_length=self.kernel_length)
        check_dropout(self.dropout)
        layers = keras.layers
        last = {"data_format": "channels_last"}
        return [
            # Channels first, as in the source: convolved the other way round, a step takes five times as long.
            layers.Permute((2, 1), name="channels_first"),
            layers.Reshape((n_channels, n_times, 1), name="plane"),
            layers.Conv2D(
                int(self.F1), (1, int(self.kernel_length)), padding="same", use_bias=False, name="temporal", **last
            ),
            layers.BatchNormalization(momentum=_MOMENTUM, name="temporal_norm"),
            layers.DepthwiseConv2D(
                (n_channels, 1),
                depth_multiplier=int(self.D),
                use_bias=False,
                depthwise_constraint=keras.constraints.MaxNorm(1.0, axis=(0, 1, 2)),
                name="spatial",
                **last,
            ),
            layers.BatchNormalization(momentum=_MOMENTUM, name="spatial_norm"),
            layers.Activation("elu", name="spatial_elu"),
            layers.AveragePooling2D((1, 4), padding="same", name="spatial_pool", **last),
            layers.Dropout(self.dropout, name="spatial_dropout"),
            layers.SeparableConv2D(int(self.F2), (1, 16), padding="same", use_bias=False, name="separable", **last),
            layers.BatchNormalization(momentum=_MOMENTUM, name="separable_norm"),
            layers.Activation("elu", name="separable_elu"),
            layers.AveragePooling2D((1, 8), padding="same", name="separable_pool", **last),
            layers.Dropout(self.dropout, name="separable_dropout"),
            layers.Flatten(name="features", **last),
        ]

    def output(self, n_outputs: int, activation: str) -> keras.layers.Layer:
        """Return the last layer, its weights' norm limited as in the source; see :meth:`Network.output`."""
        norm = keras.constraints.MaxNorm(0.25) if activation == "softmax" else None  # ratings need more than 0.25
        return keras.layers.Dense(
            n_outputs, activation=activation, kernel_constraint=norm, name="output", dtype="float32"
        )
