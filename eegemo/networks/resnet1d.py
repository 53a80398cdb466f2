"""ResNet1D: residual blocks of two convolutions over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eegemo._keras import keras
from eegemo.errors import ConfigError
from eegemo.networks.base import Network, check_dropout, check_sizes

_MOMENTUM = 0.9  # Keras's .99 is too slow for the epochs until training stops here, as in EEGNet


@keras.saving.register_keras_serializable("eegemo")
class ResidualBlock(keras.layers.Layer):
    """Two convolutions with batch normalisation, and what came in added to what goes out.

    Parameters
    ----------
    filters, kernel_size : int
        Of both convolutions.
    strides : int
        Of the first one.
    **kwargs : object
        Of a Keras layer.

    Notes
    -----
    Input (batch, n_times, n_features), output (batch, ceil(n_times / strides), filters). Where that is another shape,
    what came in passes a convolution of one sample with batch normalisation.

    References
    ----------
    He et al. 2016, doi:10.1109/CVPR.2016.90.
    """

    def __init__(self, filters: int, kernel_size: int, strides: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters, self.kernel_size, self.strides = filters, kernel_size, strides
        self.first, self.second = self._convolution(kernel_size, strides), self._convolution(kernel_size)
        self.first_norm, self.second_norm = self._normalization(), self._normalization()
        self.shortcut: keras.layers.Layer | None = None

    def _convolution(self, kernel_size: int, strides: int = 1) -> keras.layers.Layer:
        return keras.layers.Conv1D(
            self.filters, kernel_size, strides, padding="same", use_bias=False, data_format="channels_last"
        )

    def _normalization(self) -> keras.layers.Layer:
        return keras.layers.BatchNormalization(momentum=_MOMENTUM)

    def build(self, input_shape: Any) -> None:
        """Build both convolutions, and the shortcut's where the shape changes."""
        self.first.build(input_shape)
        shape = self.first.compute_output_shape(input_shape)
        for layer in (self.first_norm, self.second, self.second_norm):
            layer.build(shape)
        if tuple(shape) != tuple(input_shape):
            self.shortcut, self.shortcut_norm = self._convolution(1, self.strides), self._normalization()
            self.shortcut.build(input_shape)
            self.shortcut_norm.build(shape)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Compute the block."""
        x = keras.ops.relu(self.first_norm(self.first(inputs), training=training))
        x = self.second_norm(self.second(x), training=training)
        passed = inputs
        if self.shortcut is not None:
            passed = self.shortcut_norm(self.shortcut(inputs), training=training)
        return keras.ops.relu(x + passed)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the first convolution's output."""
        return self.first.compute_output_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Return what makes the layer again."""
        sizes = {"filters": self.filters, "kernel_size": self.kernel_size, "strides": self.strides}
        return {**super().get_config(), **sizes}


class ResNet1D(Network):
    """ResNet1D: residual blocks of two convolutions over time, then the mean over time.

    Parameters
    ----------
    filters : tuple of int
        Of each block.
    kernel_size : int
        Samples of the convolutions.
    strides : int
        Of each block: how many samples become one.
    dropout : float
        Before the last layer.

    See Also
    --------
    eegemo.EEGClassifier : Trains it.

    Notes
    -----
    The first source has images, and the second, for time series, blocks of three convolutions and no strides; the sizes
    for windows of EEG are in neither.

    References
    ----------
    He et al. 2016, doi:10.1109/CVPR.2016.90; Wang, Yan & Oates 2017, doi:10.1109/IJCNN.2017.7966039.
    """

    def __init__(
        self,
        *,
        filters: tuple[int, ...] = (32, 64, 64),
        kernel_size: int = 7,
        strides: int = 2,
        dropout: float = 0.3,
    ) -> None:
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.dropout = dropout

    def layers(self, n_times: int, n_channels: int) -> list[keras.layers.Layer]:
        """Return the blocks and the pooling; see :meth:`Network.layers`."""
        if not isinstance(self.filters, Sequence) or not len(self.filters):
            raise ConfigError(f"filters must hold a number for each block, got {self.filters!r}.")
        for filters in self.filters:
            check_sizes(filters=filters)
        check_sizes(kernel_size=self.kernel_size, strides=self.strides)
        check_dropout(self.dropout)
        blocks = [
            ResidualBlock(int(filters), int(self.kernel_size), int(self.strides), name=f"block{number}")
            for number, filters in enumerate(self.filters, start=1)
        ]
        return [
            *blocks,
            keras.layers.GlobalAveragePooling1D(data_format="channels_last", name="average"),
            keras.layers.Dropout(self.dropout, name="dropout"),
        ]
