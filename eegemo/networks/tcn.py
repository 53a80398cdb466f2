"""A temporal convolutional network, with the layer of keras-tcn."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

from eegemo._keras import keras
from eegemo.errors import ConfigError, unknown_name
from eegemo.networks.base import Network, check_dropout, check_sizes
from eegemo.networks.keras_tcn import TCN as TCNLayer


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


@keras.saving.register_keras_serializable("eegemo")
class LastStepTCN(TCNLayer):
    """keras-tcn's layer where its last step alone is wanted: the same weights and output, for a part of the work.

    The last step sees every second step of a block with dilation 2, every fourth of one with dilation 4: the steps
    between are left out, so that a dilated convolution becomes a dense one over fewer steps, and so are those that lie
    too far back.

    Parameters
    ----------
    **options : object
        Of keras-tcn's ``TCN``, causal and without ``return_sequences``.

    Notes
    -----
    Input (batch, n_times, n_channels), output (batch, nb_filters).
    """

    def build(self, input_shape: Any) -> None:
        """Build keras-tcn's blocks, and count the steps that each of them needs."""
        super().build(input_shape)
        blocks = list(self.dilations) * self.nb_stacks
        # Steps between those that a block and all after it look at: no finer than their dilations have in common.
        self._strides = list(accumulate(reversed(blocks), math.gcd))[::-1]
        self._n_steps = [0] * len(blocks)
        wanted = 1
        for number in reversed(range(len(blocks))):
            stride, dilation = self._strides[number], blocks[number] // self._strides[number]
            self._n_steps[number] = wanted + 2 * (self.kernel_size - 1) * dilation
            before = self._strides[number - 1] if number else 1
            wanted = (self._n_steps[number] - 1) * (stride // before) + 1
            for layer in self.residual_blocks[number].layers:
                if hasattr(layer, "dilation_rate"):
                    layer.dilation_rate = (dilation,)

    def call(self, inputs: Any, training: bool | None = None, **_: Any) -> Any:
        """Compute the last step."""
        x, skips = inputs, []
        for block, step, n_steps in zip(self.residual_blocks, _ratios([1, *self._strides]), self._n_steps, strict=True):
            x = x[:, (x.shape[1] - 1) % step :: step]
            x, skip = block(x[:, -n_steps:], training=training)
            skips.append(skip[:, -1])
        return sum(skips[1:], start=skips[0])


def _ratios(strides: Sequence[int]) -> list[int]:
    return [after // before for before, after in pairwise(strides)]


@keras.saving.register_keras_serializable("eegemo")
class ChosenSteps(keras.layers.Layer):
    """Keep some steps of a sequence.

    Parameters
    ----------
    steps : sequence of int
        Their numbers, from the end where negative.
    **kwargs : object
        Of a Keras layer.

    Notes
    -----
    Input (batch, n_times, n_features), output (batch, len(steps), n_features).
    """

    def __init__(self, steps: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.steps = list(steps)

    def call(self, inputs: Any) -> Any:
        """Take them."""
        return keras.ops.take(inputs, [step % inputs.shape[1] for step in self.steps], axis=1)

    def get_config(self) -> dict[str, Any]:
        """Return what makes the layer again."""
        return {**super().get_config(), "steps": self.steps}


class TCN(Network):
    """Temporal convolutional network: keras-tcn's residual blocks of dilated causal convolutions.

    Parameters
    ----------
    nb_filters, kernel_size, nb_stacks : int
        Of the TCN layer, named as keras-tcn names them.
    dilations : tuple of int | None
        Of the TCN's blocks. None doubles them from 1 until the receptive field covers the window.
    head : "average" | "flatten" | "last" | tuple of int
        What the output layer sees of the sequence: its mean over time, all of its steps, the last one, or steps chosen
        by their number (from the end where negative). With ``"last"`` only what that step sees is computed, in about
        half the time.
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

    def __init__(
        self,
        *,
        nb_filters: int = 24,
        kernel_size: int = 11,
        nb_stacks: int = 1,
        dilations: tuple[int, ...] | None = None,
        head: str | tuple[int, ...] = "average",
        short_receptive_field: str = "refuse",
        dropout: float = 0.05,
    ) -> None:
        self.nb_filters = nb_filters
        self.kernel_size = kernel_size
        self.nb_stacks = nb_stacks
        self.dilations = dilations
        self.head = head
        self.short_receptive_field = short_receptive_field
        self.dropout = dropout

    def layers(self, n_times: int, n_channels: int) -> list[keras.layers.Layer]:
        """Return keras-tcn's layer and the head; see :meth:`Network.layers`."""
        head = self._head(n_times)
        return [self._blocks(TCNLayer if head else LastStepTCN, n_times, return_sequences=bool(head)), *head]

    def sequence_layers(self, n_times: int, n_channels: int, *, stateful: bool = False) -> list[keras.layers.Layer]:
        """Return keras-tcn's layer with all of its steps; see :meth:`Network.sequence_layers`."""
        if stateful:
            raise ConfigError("A TCN carries no state from batch to batch; build it without batch_size.")
        return [self._blocks(TCNLayer, n_times, return_sequences=True)]

    def _blocks(self, layer: Any, n_times: int, *, return_sequences: bool) -> keras.layers.Layer:
        check_sizes(nb_filters=self.nb_filters, kernel_size=self.kernel_size, nb_stacks=self.nb_stacks)
        check_dropout(self.dropout)
        return layer(
            nb_filters=int(self.nb_filters),
            kernel_size=int(self.kernel_size),
            nb_stacks=int(self.nb_stacks),
            dilations=self._dilations(n_times),
            dropout_rate=self.dropout,
            use_layer_norm=True,
            return_sequences=return_sequences,
            name="tcn",
        )

    def _head(self, n_times: int) -> list[keras.layers.Layer]:
        """Return the layers from the sequence to one row of features; none for the last step."""
        last = {"data_format": "channels_last"}
        if isinstance(self.head, str):
            heads = {
                "average": [keras.layers.GlobalAveragePooling1D(name="average", **last)],
                "flatten": [keras.layers.Flatten(name="flatten", **last)],
                "last": [],
            }
            if self.head not in heads:
                raise unknown_name("head", self.head, heads)
            return heads[self.head]
        steps: list[Any] = list(self.head) if isinstance(self.head, Sequence) else []
        if not steps or not all(isinstance(s, numbers.Integral) and -n_times <= int(s) < n_times for s in steps):
            raise ConfigError(
                f"head must be 'average', 'flatten', 'last', or steps from {-n_times} to {n_times - 1}, got "
                f"{self.head!r}."
            )
        return [ChosenSteps([int(step) for step in steps], name="steps"), keras.layers.Flatten(name="flatten", **last)]

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
                "no step would see the whole of it. Add dilations, leave them out to have them chosen, or say "
                "short_receptive_field='allow'."
            )
        return tuple(int(dilation) for dilation in self.dilations)
