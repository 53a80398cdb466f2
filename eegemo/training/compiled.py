"""Compiled networks: a network is traced once for each shape in a process, and its weights reset for the next fit."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from eegemo._keras import keras
from eegemo.training.losses import Loss

_KEPT = 8  # networks of different shape or sizes; TensorFlow keeps about 18 MB of each
_idle: OrderedDict[Hashable, keras.Model] = OrderedDict()
_BY_CHANNEL = (
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)
#: By network: how one input is predicted.
_of_one_input: WeakKeyDictionary[keras.Model, Callable[[np.ndarray], np.ndarray]] = WeakKeyDictionary()
#: By network: what it was compiled for, its optimiser, and that one's variables before the first step.
_beginnings: WeakKeyDictionary[keras.Model, tuple[object, keras.Optimizer, list[np.ndarray]]] = WeakKeyDictionary()


def predict_one(model: keras.Model, batch: np.ndarray) -> np.ndarray:
    """Run a network over a single input, without what Keras does around each batch.

    Parameters
    ----------
    model : keras.Model
        It need not be compiled.
    batch : array, shape (1, ...)
        The input.

    Returns
    -------
    outputs : array, shape (1, ...)
        Those of ``predict_on_batch``, but for rounding.
    """
    if keras.backend.backend() != "tensorflow":
        return np.asarray(model.predict_on_batch(batch))
    import tensorflow as tf

    if tf.config.functions_run_eagerly():
        return np.asarray(model.predict_on_batch(batch))
    if model not in _of_one_input:
        _of_one_input[model] = _traced_for_one(model)
    return _of_one_input[model](batch)


def _traced_for_one(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    import tensorflow as tf

    known: Callable[[], Any] = weakref.ref(model)  # what is kept for a network is not to keep it

    def call(inputs: tf.Tensor) -> tf.Tensor:
        network: Any = known()
        return network(inputs, training=False)

    def traced(*, by_xla: bool) -> Callable[[np.ndarray], np.ndarray]:
        signature = [tf.TensorSpec((1, *model.input_shape[1:]), tf.float32)]
        function = tf.function(call, signature, autograph=False, jit_compile=by_xla).get_concrete_function()
        return lambda batch: np.asarray(function(tf.constant(batch, tf.float32)))

    # As one computation a network takes a third of the time of its operations one by one; not one whose channels are
    # convolved each by itself, which XLA does slowly.
    if not any(isinstance(layer, _BY_CHANNEL) for layer in model._flatten_layers()):
        try:
            compiled = traced(by_xla=True)
            compiled(np.zeros((1, *model.input_shape[1:]), np.float32))
            return compiled
        except tf.errors.OpError:  # of somebody's own network, or of a device without a compiler
            pass
    return traced(by_xla=False)


def compile_network(model: keras.Model, loss: Loss, learning_rate: float, clip_norm: float | None = None) -> None:
    """Compile a network for Adam and a loss; one that is compiled for it already begins anew, traced as it is.

    Parameters
    ----------
    model : keras.Model
        Changed in place; its weights are left as they are.
    loss : Loss
        What is lowered.
    learning_rate : float
        Of Adam.
    clip_norm : float | None
        Largest norm of a gradient over all weights.
    """
    compiled_for = loss.name, clip_norm
    known, optimizer, beginning = _beginnings.get(model, (None, None, []))
    if known != compiled_for or model.optimizer is not optimizer:  # a callback may have set another one
        model.compile(
            optimizer=keras.optimizers.Adam(learning_rate, global_clipnorm=clip_norm),
            loss=loss.name,
            metrics=[loss.metric],
            # XLA takes long to compile and gains nothing on a CPU; JAX compiles in any case.
            jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
        )
        model.optimizer.build(model.trainable_variables)
        beginning = [keras.ops.convert_to_numpy(variable).copy() for variable in model.optimizer.variables]
        _beginnings[model] = compiled_for, model.optimizer, beginning
    for variable, value in zip(model.optimizer.variables, beginning, strict=True):
        variable.assign(value)
    model.optimizer.learning_rate = learning_rate
    model.stop_training = False


@contextmanager
def traced_twin(fresh: keras.Model, build: Callable[[], keras.Model], key: Hashable) -> Iterator[keras.Model]:
    """Lend a network like a fresh one that an earlier fit may have traced already.

    Parameters
    ----------
    fresh : keras.Model
        Just built. Its weights and random seeds are the twin's at the beginning; the twin's are its own at the end.
    build : callable
        Builds such a network again.
    key : hashable
        The same for networks that ``build`` makes alike: their class, sizes and shape. None where that is not known, or
        where somebody else's code gets hold of the network: then the fresh one is lent itself.

    Yields
    ------
    twin : keras.Model
        To be trained. Nobody else has it meanwhile, so that fits on several threads do not meet; one that fails is not
        lent again.
    """
    if key is None:
        yield fresh
        fresh.compiled = False  # a saved network is not to say how it is compiled where it is read
        return
    twin = _idle.pop(key, None)
    if twin is None:
        twin = build()
    _copy_variables(fresh, twin)
    yield twin
    _copy_variables(twin, fresh)
    _idle[key] = twin
    while len(_idle) > _KEPT:
        _idle.popitem(last=False)


def _copy_variables(source: keras.Model, target: keras.Model) -> None:
    """Copy weights and the states of random seeds."""
    for value, variable in zip(source.variables, target.variables, strict=True):
        variable.assign(value)
