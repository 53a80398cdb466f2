"""A temporal convolutional network, with the layer of keras-tcn."""

from __future__ import annotations

from typing import Any

import numpy as np

from eegemo.errors import ConfigError
from eegemo.models.base import WindowClassifier


def receptive_field(kernel_size: int, nb_stacks: int, dilations: tuple[int, ...]) -> int:
    """Return how many samples back the last output of a TCN sees.

    Parameters
    ----------
    kernel_size, nb_stacks : int
    dilations : tuple of int

    Returns
    -------
    n_times : int
        ``1 + 2 (kernel_size - 1) nb_stacks sum(dilations)``: each residual block has two convolutions.

    References
    ----------
    Bai, Kolter & Koltun 2018, arXiv:1803.01271; README of keras-tcn.
    """
    return 1 + 2 * (kernel_size - 1) * nb_stacks * sum(dilations)


class TCNClassifier(WindowClassifier):
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
    normalization, normalize_over, epochs, batch_size, learning_rate, patience, validation_fraction, random_state, verbose
        As in :class:`CNNGRUClassifier`.

    Notes
    -----
    The paper has no TCN: none of these numbers is in the source. Layer normalisation inside the blocks is
    always on; without any, the first losses are far above chance level.

    References
    ----------
    Bai, Kolter & Koltun 2018, arXiv:1803.01271.
    """  # noqa: E501  numpydoc wants the shared parameters on one line

    _sizes = ("nb_filters", "kernel_size", "nb_stacks")

    def __init__(
        self,
        *,
        nb_filters: int = 24,
        kernel_size: int = 11,
        nb_stacks: int = 1,
        dilations: tuple[int, ...] | None = None,
        short_receptive_field: str = "refuse",
        dropout: float = 0.05,
        normalization: str | None = "zscore-minmax",
        normalize_over: str = "training",
        epochs: int = 16,
        batch_size: int = 128,
        learning_rate: float = 3e-3,
        patience: int = 3,
        validation_fraction: float | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.nb_filters = nb_filters
        self.kernel_size = kernel_size
        self.nb_stacks = nb_stacks
        self.dilations = dilations
        self.short_receptive_field = short_receptive_field
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
        from tcn import TCN

        return [
            TCN(
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
