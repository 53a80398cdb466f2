"""Layers as one computation over many networks wants them: the same numbers, by operations that a GPU stacks well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from eegemo._keras import keras

_MOST_STEPS = 32  # of a recurrent layer that is written out; longer ones take too long to compile


class ProductConv1D(keras.layers.Conv1D):
    """A convolution over time as one matrix product.

    Stacked over networks, each with a kernel of its own, a convolution becomes one over groups of channels, which GPUs
    and CPUs compute many times slower than the stack of matrix products that this becomes.

    Notes
    -----
    Input (batch, n_times, n_channels), output (batch, n_times, filters), as of the layer whose place it takes.
    """

    def call(self, inputs: Any) -> Any:
        """Convolve."""
        ops, (length,), (dilation,), (step,) = keras.ops, self.kernel_size, self.dilation_rate, self.strides
        reach = dilation * (length - 1)
        before, after = _padding(self.padding, inputs.shape[1], reach, step)
        x = ops.pad(inputs, [[0, 0], [before, after], [0, 0]]) if before + after else inputs
        last = x.shape[1] - reach
        shifted = [x[:, shift : shift + last : step] for shift in range(0, reach + 1, dilation)]
        seen = ops.concatenate(shifted, axis=-1) if length > 1 else shifted[0]
        outputs = ops.matmul(seen, ops.reshape(self.kernel, (-1, self.filters)))
        if self.use_bias:
            outputs = outputs + self.bias
        return outputs if self.activation is None else self.activation(outputs)


def _padding(padding: str, n_times: int, reach: int, step: int) -> tuple[int, int]:
    """Return the zeros before and after a sequence that Keras puts there."""
    if padding == "causal":
        return reach, 0
    if padding == "valid":
        return 0, 0
    n_outputs = -(-n_times // step)
    wanted = max((n_outputs - 1) * step + reach + 1 - n_times, 0)
    return wanted // 2, wanted - wanted // 2


@contextmanager
def layers_for_many(model: keras.Model) -> Iterator[None]:
    """Let a network be traced with layers that stack well, and give it back as it was.

    Convolutions over time become matrix products. Recurrent layers are written out where they are short, and leave
    cuDNN alone, whose computation cannot be stacked.

    Parameters
    ----------
    model : keras.Model
        Whose computations are traced meanwhile.
    """
    with ExitStack() as stack:
        for layer in model._flatten_layers():
            if type(layer) is keras.layers.Conv1D and layer.groups == 1 and layer.data_format == "channels_last":
                stack.callback(setattr, layer, "__class__", keras.layers.Conv1D)
                layer.__class__ = ProductConv1D
            elif isinstance(layer, (keras.layers.GRU, keras.layers.LSTM)):
                # JAX's GRU is no cuDNN's, in spite of the name.
                _change(stack, layer, use_cudnn="auto" if isinstance(layer, keras.layers.GRU) else False)
                if layer.built and _n_steps(layer) <= _MOST_STEPS:
                    _change(stack, layer, unroll=True)
        yield


def _change(stack: ExitStack, layer: keras.layers.Layer, **attributes: Any) -> None:
    for name, value in attributes.items():
        stack.callback(setattr, layer, name, getattr(layer, name))
        setattr(layer, name, value)


def _n_steps(layer: keras.layers.Layer) -> float:
    """Return over how many steps a recurrent layer goes; infinity where that is not known."""
    try:
        n_steps = layer.input.shape[1]
    except (AttributeError, ValueError):  # it was called by another layer, or by several
        return float("inf")
    return float("inf") if n_steps is None else n_steps
