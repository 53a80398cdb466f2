"""The loop over epochs and batches that every network is trained by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eegemo._keras import keras
from eegemo.errors import ConfigError
from eegemo.training.batches import Source, draws, even_batches
from eegemo.training.compiled import compile_network, predict_one
from eegemo.training.losses import Loss
from eegemo.training.recipe import RECIPE, Recipe
from eegemo.windows import batch_numbers

PREDICTION_BATCH = 1024


@dataclass(frozen=True)
class History:
    """What training went through.

    Parameters
    ----------
    curves : dict of str -> list of float
        ``loss`` and the figure beside it on the training data, as they were while an epoch ran, and ``val_loss`` and
        ``val_...`` of the validation data after it; one value an epoch.
    best_epoch : int
        The epoch, counted from 1, whose weights the network has, unless a callback set others at the end of training.
    """

    curves: dict[str, list[float]]
    best_epoch: int


def train(
    model: keras.Model,
    source: Source,
    target: np.ndarray,
    held_out: tuple[Source, np.ndarray] | None = None,
    *,
    loss: Loss,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    patience: int,
    rng: np.random.Generator,
    sample_weight: np.ndarray | None = None,
    shuffle: bool = True,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    recipe: Recipe = RECIPE,
) -> History:
    """Train a network with Adam, its gradients clipped and its learning rate rising and falling.

    Parameters
    ----------
    model : keras.Model
        Changed in place; it need not be compiled.
    source : Source
        Training inputs.
    target : array, shape (n, ...)
        What the loss compares with the outputs.
    held_out : (Source, array) | None
        Validation inputs and targets to stop on: training ends ``patience`` epochs after the best validation loss,
        and goes back to that epoch's weights. Without them all epochs are run.
    loss : Loss
        What is lowered, and measured beside it.
    epochs, batch_size : int
        At most so many epochs; inputs in a batch.
    learning_rate : float
        At its highest; see :meth:`Recipe.learning_rate`.
    patience : int
        Epochs without a better validation loss before training stops.
    rng : Generator
        Shuffles the inputs.
    sample_weight : array, shape (n,) | None
        How often each input is seen in an epoch; see :func:`draws`.
    shuffle : bool
        Whether the inputs are shuffled in each epoch. A network that carries its state from batch to batch needs them
        in order: the inputs of a batch go on, place by place, where those of the batch before ended. Its state is
        nothing again at the beginning of each epoch, and of each prediction.
    callbacks : sequence of keras.callbacks.Callback
        Called at the beginning and end of training, of each epoch, with its figures, and of each training batch. One
        that sets ``model.stop_training`` ends the training after that batch; one that sets weights at the end of
        training has the last word; one that sets the learning rate has it from then on.
    recipe : Recipe
        How the learning rate rises and falls, and gradients are clipped.

    Returns
    -------
    history : History

    Raises
    ------
    ConfigError
        If a network carries its state, and the inputs are shuffled or come in batches of another size than its own.
    """
    _check_order(model, batch_size, shuffle)
    compile_network(model, loss, learning_rate, recipe.clip_norm)
    names = ("loss", loss.metric)
    curves: dict[str, list[float]] = {name: [] for name in names}
    if held_out:
        curves |= {f"val_{name}": [] for name in names}
    best_epoch, best_weights = int(epochs), None
    everything = np.arange(len(source))
    n_seen = len(source) if sample_weight is None else float(sample_weight.sum())
    n_steps = math.ceil(n_seen / batch_size)
    listeners = keras.callbacks.CallbackList(list(callbacks), model=model, epochs=int(epochs), steps=n_steps, verbose=0)
    pace = _Pace(model, recipe, n_steps * int(epochs), learning_rate)
    listeners.on_train_begin()
    for epoch in range(1, int(epochs) + 1):
        listeners.on_epoch_begin(epoch - 1)
        _reset_states(model)
        numbers = everything if sample_weight is None else draws(sample_weight, rng)
        steps = []
        # tf.data's autotuning makes each epoch of fit() wait; single steps do not, on any backend.
        for step, batch in enumerate(even_batches(numbers, batch_size, rng, shuffle=shuffle)):
            listeners.on_train_batch_begin(step)
            pace.next()
            steps.append(model.train_on_batch(source.gather(batch), target[batch]))
            listeners.on_train_batch_end(step, dict(zip(names, steps[-1], strict=True)))
            if model.stop_training:
                break
        for name, value in zip(names, np.mean(steps, axis=0), strict=True):
            curves[name].append(float(value))
        if held_out:
            for name, value in zip(names, loss.measure(_validate(model, held_out[0]), held_out[1]), strict=True):
                curves[f"val_{name}"].append(value)
            losses = curves["val_loss"]
            best = losses[best_epoch - 1] if best_weights else np.nan
            if np.isnan(best) or losses[-1] < best:
                best_epoch, best_weights = epoch, model.get_weights()
        listeners.on_epoch_end(epoch - 1, {name: values[-1] for name, values in curves.items()})
        if epoch - best_epoch >= patience or model.stop_training:
            break
    if best_weights is not None:
        model.set_weights(best_weights)
    listeners.on_train_end({name: values[-1] for name, values in curves.items()})
    return History(curves, best_epoch if best_weights is not None else len(curves["loss"]))


def stateful_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Return the layers of a network that carry their state from batch to batch.

    Parameters
    ----------
    model : keras.Model
        Looked through with all that is nested in it.

    Returns
    -------
    layers : list of keras.layers.Layer
    """
    return [layer for layer in model._flatten_layers() if getattr(layer, "stateful", False)]


def _validate(model: keras.Model, source: Source) -> np.ndarray:
    """Predict, and leave the random seeds alone: recurrent layers draw their dropout even where they apply none."""
    seeds = [one for one in model.non_trainable_variables if not keras.backend.is_float_dtype(one.dtype)]
    before = [keras.ops.convert_to_numpy(seed).copy() for seed in seeds]
    outputs = predict(model, source)
    for seed, value in zip(seeds, before, strict=True):
        seed.assign(value)
    return outputs


def _reset_states(model: keras.Model) -> None:
    for layer in stateful_layers(model):
        layer.reset_state()


def _check_order(model: keras.Model, batch_size: int, shuffle: bool) -> None:
    if not stateful_layers(model):
        return
    if shuffle:
        raise ConfigError(
            "A network that carries its state from batch to batch needs its inputs in order: shuffle=False."
        )
    if model.input_shape[0] != batch_size:
        raise ConfigError(
            f"The network carries the states of {model.input_shape[0]} sequences, got batch_size={batch_size}; "
            f"train it with batch_size={model.input_shape[0]}."
        )


class _Pace:
    """Set the learning rate of each batch, until somebody else does."""

    def __init__(self, model: keras.Model, recipe: Recipe, n_updates: int, highest: float) -> None:
        self.optimizer, self.recipe, self.n_updates, self.highest = model.optimizer, recipe, n_updates, highest
        self.update = 0
        self.current: np.float32 | None = np.float32(highest)

    def next(self) -> None:
        if self.current is None:
            return
        if np.float32(self.optimizer.learning_rate) != self.current:
            self.current = None
            return
        self.current = np.float32(self.recipe.learning_rate(self.update, self.n_updates, self.highest))
        self.optimizer.learning_rate = self.current
        self.update += 1


def predict(model: keras.Model, source: Source) -> np.ndarray:
    """Run a network over all inputs, in their order.

    Parameters
    ----------
    model : keras.Model
        It need not be compiled.
    source : Source
        At least one input.

    Returns
    -------
    outputs : array, shape (n, ...)
    """
    n = len(source)
    _reset_states(model)
    if n == 1 and model.input_shape[0] is None:
        return predict_one(model, source.gather(np.arange(1)))
    # Batches of few different sizes, filled up with repetitions: each new size is compiled anew.
    size = model.input_shape[0] or min(PREDICTION_BATCH, 2 ** math.ceil(math.log2(n)))
    outputs = [
        np.asarray(model.predict_on_batch(source.gather(np.resize(batch, size))))[: len(batch)]
        for batch in batch_numbers(n, size)
    ]
    return np.concatenate(outputs)
