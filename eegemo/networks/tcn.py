"""A temporal convolutional network, with the layer of keras-tcn."""

from __future__ import annotations

from eegemo._keras import keras
from eegemo.errors import ConfigError
from eegemo.networks.base import Network, TrainingDefaults, check_dropout, check_sizes

import tcn  # isort: skip  # it imports TensorFlow, which eegemo._keras does quietly


def receptive_field(kernel_size: int, nb_stacks: int, dilations: tuple[int, ...]) -> int:
    """Return how many samples back the last output of a TCN sees.

    Parameters
    ----------
    kernel_size, nb_stacks : int
        Samples of a convolution, and how often the blocks are repeated.
    dilations : tuple of int
        Of the blocks.

    Returns
    -------
    n_times : int
        ``1 + 2 (kernel_size - 1) nb_stacks sum(dilations)``: each residual block has two convolutions.

    References
    ----------
    Bai, Kolter & Koltun 2018, arXiv:1803.01271; README of keras-tcn.
    """
    return 1 + 2 * (kernel_size - 1) * nb_stacks * sum(dilations)


class TCN(Network):
    """Temporal convolutional network: keras-tcn's residual blocks of dilated causal convolutions.

    Parameters
    ----------
    nb_filters, kernel_size, nb_stacks : int
        Of the TCN layer, named as keras-tcn names them.
    dilations : tuple of int | None
        Of the TCN's blocks. None doubles them from 1 until the receptive field covers the window.
    short_receptive_field : "refuse" | "allow"
        What to do where the receptive field is shorter than the window, so that its beginning is never seen.
    dropout : float
        Inside the blocks.

    See Also
    --------
    eegemo.EEGClassifier : Trains it.
    receptive_field : How far back it sees.

    Notes
    -----
    The paper has no TCN: none of these numbers is in the source. Layer normalisation inside the blocks is
    always on; without any, the first losses are far above chance level.

    References
    ----------
    Bai, Kolter & Koltun 2018, arXiv:1803.01271.
    """

    defaults = TrainingDefaults(
        epochs=16, batch_size=128, learning_rate=3e-3, patience=3, normalization="zscore-minmax"
    )

    def __init__(
        self,
        *,
        nb_filters: int = 24,
        kernel_size: int = 11,
        nb_stacks: int = 1,
        dilations: tuple[int, ...] | None = None,
        short_receptive_field: str = "refuse",
        dropout: float = 0.05,
    ) -> None:
        self.nb_filters = nb_filters
        self.kernel_size = kernel_size
        self.nb_stacks = nb_stacks
        self.dilations = dilations
        self.short_receptive_field = short_receptive_field
        self.dropout = dropout

    def layers(self, n_times: int, n_channels: int) -> list[keras.layers.Layer]:
        """Return keras-tcn's layer; see :meth:`Network.layers`."""
        check_sizes(nb_filters=self.nb_filters, kernel_size=self.kernel_size, nb_stacks=self.nb_stacks)
        check_dropout(self.dropout)
        return [
            tcn.TCN(
                nb_filters=int(self.nb_filters),
                kernel_size=int(self.kernel_size),
                nb_stacks=int(self.nb_stacks),
                dilations=self._dilations(n_times),
                dropout_rate=self.dropout,
                use_layer_norm=True,
                name="tcn",
            )
        ]

    def _dilations(self, n_times: int) -> tuple[int, ...]:
        if self.short_receptive_field not in ("refuse", "allow"):
            raise ConfigError(f"short_receptive_field must be 'refuse' or 'allow', got {self.short_receptive_field!r}.")
        if self.dilations is None:
            if self.kernel_size == 1 and n_times > 1:
                raise ConfigError("With kernel_size=1 no dilations let the last step see more than one sample.")
            dilations: tuple[int, ...] = (1,)
            while receptive_field(self.kernel_size, self.nb_stacks, dilations) < n_times:
                dilations += (2 * dilations[-1],)
            return dilations
        field = receptive_field(self.kernel_size, self.nb_stacks, self.dilations)
        if field < n_times and self.short_receptive_field == "refuse":
            raise ConfigError(
                f"The receptive field is {field} samples (kernel_size={self.kernel_size}, "
                f"nb_stacks={self.nb_stacks}, dilations={self.dilations}), shorter than the window of {n_times}: "
                "its beginning would never be seen. Add dilations, leave them out to have them chosen, or say "
                "short_receptive_field='allow'."
            )
        return tuple(int(dilation) for dilation in self.dilations)
