"""One network with the weights of many: their steps and predictions as one computation, by JAX."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from eegemo._keras import keras
from eegemo.training.losses import Loss

#: What is trained: weights, what is not trained (normalisation, moving averages, seeds), and the optimiser's variables.
State = tuple[list[Any], list[Any], list[Any]]
#: By network: its compiled computations, by the shapes that they are for.
_compiled: WeakKeyDictionary[keras.Model, dict[tuple[object, ...], Any]] = WeakKeyDictionary()


class Stacked:
    """The computations of a network over a strip of samples that lies on the device.

    Parameters
    ----------
    model : keras.Model
        Compiled by :func:`eegemo.training.compiled.compile_network`; its optimiser as it begins.
    loss : Loss
        That it was compiled for.
    strip : array, shape (n_samples, n_channels)
        Where windows are gathered from.
    n_times : int
        Samples in a window.
    """

    def __init__(self, model: keras.Model, loss: Loss, strip: jax.Array, n_times: int) -> None:
        self.model, self.loss, self.strip, self.n_times = model, loss, strip, n_times
        self._known = _compiled.setdefault(model, {})
        # Only what is kept with the network must not keep it: its computations hold it weakly.
        self.step, self.outputs = _computations(model, loss, n_times)

    def begin(self, values: Sequence[Sequence[np.ndarray]]) -> State:
        """Stack what networks begin with.

        Parameters
        ----------
        values : sequence of (sequence of array)
            For each network the values of ``model.variables``.

        Returns
        -------
        state : State
            On the device; each array has an axis over the networks before its own.
        """
        number = {id(variable): position for position, variable in enumerate(self.model.variables)}

        def stacked(variables: Sequence[Any]) -> list[Any]:
            return [jnp.asarray(np.stack([own[number[id(one)]] for own in values])) for one in variables]

        beginning = [np.asarray(variable.value) for variable in self.model.optimizer.variables]
        optimizer = [jnp.asarray(np.repeat(value[None], len(values), axis=0)) for value in beginning]
        return stacked(self.model.trainable_variables), stacked(self.model.non_trainable_variables), optimizer

    def values(self, state: State) -> list[list[np.ndarray]]:
        """Return what networks ended with, as :meth:`begin` takes it."""
        trainable, other, _ = state
        known = [*self.model.trainable_variables, *self.model.non_trainable_variables]
        value = {id(one): np.asarray(array) for one, array in zip(known, [*trainable, *other], strict=True)}
        return [[value[id(one)][k] for one in self.model.variables] for k in range(len(trainable[0]))]

    def train(self, state: State, batches: tuple[np.ndarray, ...]) -> tuple[State, tuple[Any, Any]]:
        """Do a number of steps.

        Parameters
        ----------
        state : State
            Used up.
        batches : (places, target, rate, there)
            First samples of the windows, shape (n_steps, n_networks, batch), what they are trained to, the learning
            rate, shape (n_steps, n_networks), and whether a network has such a step at all.

        Returns
        -------
        state : State
        figures : (array, array), shape (n_steps, n_networks)
            The loss, and the figure beside it.
        """
        return self.training(state, batches)(self.strip, state, batches)

    def predict(self, state: State, places: np.ndarray) -> Any:
        """Run the networks over windows, each over its own.

        Parameters
        ----------
        state : State
            Left as it is.
        places : array of int32, shape (n_networks, n)
            First samples of the windows.

        Returns
        -------
        outputs : array, shape (n_networks, n, ...)
        """
        return self.predicting(state, places)(self.strip, state, places)

    def training(self, state: State, batches: tuple[np.ndarray, ...]) -> Any:
        """Return the compiled computation of :meth:`train` for such shapes."""

        def steps(strip: Any, state: State, batches: Any) -> Any:
            many = jax.vmap(self.step, in_axes=(None, 0, 0))
            return lax.scan(lambda state, batch: many(strip, state, batch), state, batches)

        return self._compile("train", jax.jit(steps, donate_argnums=1), state, batches)

    def predicting(self, state: State, places: np.ndarray) -> Any:
        """Return the compiled computation of :meth:`predict` for such shapes."""
        many = jax.vmap(self.outputs, in_axes=(None, 0, 0))
        return self._compile("predict", jax.jit(many), state, places)

    def bytes_beside(self, computation: Any) -> int:
        """Return how much memory a compiled computation takes beside the strip."""
        analysis = computation.memory_analysis()
        given = analysis.argument_size_in_bytes - self.strip.nbytes
        return int(given + analysis.output_size_in_bytes + analysis.temp_size_in_bytes - analysis.alias_size_in_bytes)

    def _compile(self, what: str, function: Any, *arguments: Any) -> Any:
        shapes = jax.tree.map(lambda one: jax.ShapeDtypeStruct(one.shape, one.dtype), (self.strip, *arguments))
        leaves = tuple((one.shape, str(one.dtype)) for one in jax.tree.leaves(shapes))
        key = what, self.loss.name, self.n_times, leaves
        if key not in self._known:
            self._known[key] = function.trace(*shapes).lower().compile()
        return self._known[key]


def _computations(model: keras.Model, loss: Loss, n_times: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return a step of training and a prediction, of one network."""
    reference: Callable[[], Any] = weakref.ref(model)
    rate_at = [id(one) for one in model.optimizer.variables].index(id(model.optimizer._learning_rate))

    def gathered(strip: Any, places: Any) -> Any:
        return jax.vmap(lambda place: lax.dynamic_slice(strip, (place, 0), (n_times, strip.shape[1])))(places)

    def step(strip: Any, state: State, batch: Any) -> Any:
        model = reference()
        trainable, other, optimizer = state
        places, target, rate, there = batch
        paced = [rate if number == rate_at else value for number, value in enumerate(optimizer)]
        figures = [jnp.zeros_like(variable.value) for variable in model.metrics_variables]
        logs, (*new, _) = model.train_step((trainable, other, paced, figures), (gathered(strip, places), target))
        # A network that has fewer steps than others stays as it is meanwhile.
        state = jax.tree.map(lambda after, before: jnp.where(there, after, before), tuple(new), state)
        return state, (logs["loss"], logs[loss.metric])

    def outputs(strip: Any, state: State, places: Any) -> Any:
        trainable, other, _ = state
        return reference().predict_step((trainable, other), (gathered(strip, places),))[0]

    return step, outputs


@jax.jit
def choose(better: Any, new: State, old: State) -> State:
    """Take the states of some networks, and leave those of the others.

    Parameters
    ----------
    better : array of bool, shape (n_networks,)
        Whose is taken from ``new``.
    new, old : State
        Of all networks.

    Returns
    -------
    state : State
    """
    return jax.vmap(lambda better, new, old: jax.tree.map(lambda a, b: jnp.where(better, a, b), new, old))(
        better, new, old
    )
