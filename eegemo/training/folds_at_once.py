"""Many trainings of one network as one computation: on a GPU, where a single one is far too small to fill it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from eegemo._keras import keras
from eegemo.training.batches import ShiftedWindows, WindowSource, place_of_strip
from eegemo.training.compiled import compile_network
from eegemo.training.course import CannotStackError, Course, Drawn, Fit, Fitted
from eegemo.training.layers_for_many import layers_for_many
from eegemo.training.loop import stateful_layers
from eegemo.training.losses import Loss
from eegemo.training.recipe import RECIPE, Recipe

if TYPE_CHECKING:
    from eegemo.training.stacked import Stacked, State

MOST_AT_ONCE = 128  # a GPU is full long before; what has ended waits for the others of its group
PREDICTION_BATCH = 256  # windows of each network, so as many times more in all
_MOST_STEPS = 128  # of one call; their numbers travel to the device together
_SHARE_OF_MEMORY = 0.9  # what is left of a device's memory is not all in one piece


def fit_folds(
    model: keras.Model,
    fits: Sequence[Fit],
    *,
    loss: Loss,
    recipe: Recipe = RECIPE,
    on_epoch_end: Callable[[int], object] | None = None,
) -> Iterator[Fitted]:
    """Train a network many times at once: folds, seeds, or permutations of labels.

    Weights, the optimiser's variables, seeds and the order of batches of all are stacked, and ``jax.vmap`` makes one
    step of theirs. Each is trained on the batches and stopped by the losses that it would have by itself, so its
    weights are those of :func:`eegemo.training.train` but for the rounding of sums.

    Parameters
    ----------
    model : keras.Model
        What all are trained with; its own weights are left alone.
    fits : sequence of Fit
        Of the same ``batch``, over windows of one length in one strip of samples.
    loss : Loss
        What is lowered, and measured beside it.
    recipe : Recipe
        How the learning rate rises and falls, and gradients are clipped.
    on_epoch_end : callable | None
        Told how many epochs are done.

    Yields
    ------
    fitted : Fitted
        In the order of ``fits``, which are trained in groups of as many as the device's memory holds.

    Raises
    ------
    CannotStackError
        If Keras does not compute with JAX, the fits are not alike, the network cannot be stacked, or a single one takes
        more memory than there is.
    """
    if keras.backend.backend() != "jax":
        raise CannotStackError(
            f"Folds are trained at once by JAX, and Keras computes with {keras.backend.backend()}; set "
            "KERAS_BACKEND=jax before Python starts, and install it: pip install 'eegemo[jax]'."
        )
    import jax

    from eegemo.training.stacked import Stacked

    if stateful_layers(model):
        raise CannotStackError(
            f"{model.name} carries its state from batch to batch, which shuffled windows do not have."
        )
    strip, n_times = _refuse_different(fits)
    compile_network(model, loss, fits[0].learning_rate, recipe.clip_norm)
    x = np.zeros((fits[0].batch or 1, n_times, strip.shape[1]), np.float32)
    model._symbolic_build(data_batch=(x, fits[0].target[: len(x)].astype(_kind_on_device(fits[0].target))))
    waiting, n_steps = list(fits), _steps_of_a_call(fits)
    size = math.ceil(len(fits) / math.ceil(len(fits) / MOST_AT_ONCE))  # of all groups, so that one is compiled
    if size > 32:
        size = math.ceil(size / 8) * 8  # and a next call that has a few fits less finds it compiled
    with layers_for_many(model):
        stacked = Stacked(model, loss, jax.device_put(strip), n_times)
        while waiting:
            group = _Group(stacked, waiting[:size], size, n_steps, recipe)
            n_fitting = group.n_fitting()
            if n_fitting == size:
                fitted = group.fit(on_epoch_end)
                if fitted is not None:
                    yield from fitted
                    waiting = waiting[size:]
                    continue
                n_fitting = size // 2
            if n_fitting == 0:
                raise CannotStackError(
                    f"A single training of {model.name} takes more memory than is left on the device; take smaller "
                    "batches, or folds_at_once=False."
                )
            size = n_fitting


def _refuse_different(fits: Sequence[Fit]) -> tuple[np.ndarray, int]:
    """Return the strip and the length of the windows that all fits share."""
    sources = [source for fit in fits for source in _sources(fit)]
    for source in sources:
        if not isinstance(source, WindowSource):
            raise CannotStackError(f"Trainings at once need Windows, got {type(source).__name__}.")
    first = sources[0].windows
    if len({(place_of_strip(one.windows), one.windows.n_times) for one in sources}) > 1:
        raise CannotStackError("Trainings at once need windows of one length over the same samples.")
    if fits[0].batch is None or {fit.batch for fit in fits} != {fits[0].batch}:
        raise CannotStackError(
            f"Trainings at once need batches of one size, got {sorted({str(fit.batch) for fit in fits})}."
        )
    return first.trials.signals, first.n_times


class _Group:
    """Trainings that are done together; places that are left over repeat the first one, and do nothing."""

    def __init__(self, stacked: Stacked, fits: Sequence[Fit], size: int, n_steps: int, recipe: Recipe) -> None:
        self.stacked, self.fits, self.size, self.n_steps, self.recipe = stacked, fits, size, n_steps, recipe
        self.values = [fit.values for fit in fits] + [fits[0].values] * (size - len(fits))
        shuffling = [fit.rng for fit in fits]
        moving = [fit.source.rng for fit in fits if isinstance(fit.source, ShiftedWindows)]
        self.generators = [(one, one.bit_generator.state) for one in (*shuffling, *moving)]

    def n_fitting(self) -> int:
        """Compile everything, and return how many trainings there is memory for, at most as many as these."""
        free = _free_memory()
        try:
            state = self.stacked.begin(self.values)
            batches = self.stacked.training(state, self._of_steps([], slice(0, self.n_steps)))
            most = max(len(source) for fit in self.fits for source in _sources(fit)[1:] or [fit.source])
            places = np.zeros((self.size, _prediction_batch(most)), np.int32)
            computations = [batches, self.stacked.predicting(state, places)]
        except Exception as error:
            if _is_out_of_memory(error):
                return self.size // 2
            raise CannotStackError(
                f"{self.stacked.model.name} cannot be trained many times at once ({type(error).__name__}: "
                f"{str(error).partition(chr(10))[0]}); say folds_at_once=False."
            ) from error
        # The best weights so far are kept beside those in training.
        needed = max(map(self.stacked.bytes_beside, computations)) + sum(one.nbytes for part in state for one in part)
        if free is None or needed <= free:
            return self.size
        return min(int(self.size * free / needed), self.size - 1)

    def fit(self, on_epoch_end: Callable[[int], object] | None) -> list[Fitted] | None:
        """Train; None where memory ran out, with the generators of random numbers as they were."""
        try:
            return self._fit(on_epoch_end)
        except Exception as error:
            if not _is_out_of_memory(error):
                raise
        for generator, state in self.generators:
            generator.bit_generator.state = state
        return None

    def _fit(self, on_epoch_end: Callable[[int], object] | None) -> list[Fitted]:
        from eegemo.training.stacked import choose

        began = time.perf_counter()
        courses = [Course(fit, self.stacked.loss, self.recipe) for fit in self.fits]
        held_out = [None if fit.held_out is None else fit.held_out[0] for fit in self.fits]
        state = self.stacked.begin(self.values)
        best, has_best = None, np.zeros(self.size, bool)
        drawn = [course.draw() for course in courses]
        while not all(course.ended for course in courses):
            figures = []
            n_steps = max(len(rate) for course, (_, _, rate) in zip(courses, drawn, strict=True) if not course.ended)
            there = [None if course.ended else own for course, own in zip(courses, drawn, strict=True)]
            for first in range(0, n_steps, self.n_steps):
                batches = self._of_steps(there, slice(first, first + self.n_steps))
                state, measured = self.stacked.train(state, batches)
                figures.append(measured)
            outputs = self._predict(state, held_out)
            # The device is computing meanwhile; what is drawn for one that ends with this epoch is not used.
            drawn = [own if course.is_last else course.draw() for course, own in zip(courses, drawn, strict=True)]
            loss, beside = (np.concatenate([np.asarray(one[k]) for one in figures]) for k in (0, 1))
            better = np.zeros(self.size, bool)
            for k, (course, own) in enumerate(zip(courses, there, strict=True)):
                if own is not None:
                    n_own = len(own[2])
                    source = held_out[k]
                    answers = None if source is None else _of_one(outputs, k, len(source))
                    better[k] = course.close_epoch((loss[:n_own, k], beside[:n_own, k]), answers)
            if better.any():
                best, has_best = choose(better, state, best or state), has_best | better
            if on_epoch_end is not None:
                on_epoch_end(max(course.epoch for course in courses))
        state = choose(has_best, best or state, state)
        values = self.stacked.values(state)
        n_asked = max(len(fit.predicted) for fit in self.fits)
        asked = [[dict(enumerate(fit.predicted)).get(number) for fit in self.fits] for number in range(n_asked)]
        given = [self._predict(state, sources) for sources in asked]
        answered = [
            [_of_one(outputs, k, len(source)) for outputs, source in zip(given, fit.predicted, strict=False)]
            for k, fit in enumerate(self.fits)
        ]
        seconds = (time.perf_counter() - began) / len(courses)
        return [
            Fitted(course.history, own_values, own_answers, seconds)
            for course, own_values, own_answers in zip(courses, values, answered, strict=False)
        ]

    def _of_steps(self, drawn: Sequence[Drawn | None], steps: slice) -> tuple[np.ndarray, ...]:
        """Put the steps of all trainings side by side, as :meth:`Stacked.train` takes them."""
        target = self.fits[0].target
        axes = self.n_steps, self.size, self.fits[0].batch or 0
        batches = (
            np.zeros(axes, np.int32),
            np.zeros((*axes, *target.shape[1:]), _kind_on_device(target)),
            np.zeros(axes[:2], np.float32),
            np.zeros(axes[:2], bool),
        )
        for k, own in enumerate(drawn):
            if own is not None:
                for array, values in zip(batches, (*own, np.ones(len(own[2]), bool)), strict=True):
                    some = values[steps]
                    array[: len(some), k] = some
        return batches

    def _predict(self, state: State, sources: Sequence[WindowSource | None]) -> list[Any]:
        """Run the networks over windows of their own, and return batches of outputs on the device."""
        most = max((len(source) for source in sources if source is not None), default=0)
        if not most:
            return []
        batch = _prediction_batch(most)
        places = np.zeros((self.size, math.ceil(most / batch) * batch), np.int32)
        for own, source in zip(places, sources, strict=False):
            if source is not None:
                own[:] = np.resize(source.places(np.arange(len(source))), len(own))
        return [
            self.stacked.predict(state, places[:, first : first + batch]) for first in range(0, places.shape[1], batch)
        ]


def _of_one(outputs: Sequence[Any], number: int, n: int) -> np.ndarray:
    """Return what one of the networks answered for its own windows, so many."""
    return np.concatenate([np.asarray(batch)[number] for batch in outputs])[:n]


def _sources(fit: Fit) -> list[WindowSource]:
    """Return what is gathered from: the training windows first."""
    return [fit.source, *([fit.held_out[0]] if fit.held_out else []), *fit.predicted]


def _kind_on_device(target: np.ndarray) -> type[np.generic]:
    return np.int32 if target.dtype.kind in "iu" else np.float32


def _prediction_batch(n: int) -> int:
    return min(PREDICTION_BATCH, 2 ** math.ceil(math.log2(n)))


def _steps_of_a_call(fits: Sequence[Fit]) -> int:
    """Return how many steps are done in one call, so that the calls of an epoch are about alike."""
    n_windows = max(fit.n_windows for fit in fits)
    n_steps = math.ceil(n_windows / (fits[0].batch or 1))
    return math.ceil(n_steps / math.ceil(n_steps / _MOST_STEPS))


def _free_memory() -> float | None:
    """Return how many bytes the device has left; None where it does not say, as of a CPU."""
    import jax

    known = jax.devices()[0].memory_stats() or {}
    if "bytes_limit" not in known:
        return None
    return _SHARE_OF_MEMORY * (known["bytes_limit"] - known["bytes_in_use"])


def _is_out_of_memory(error: Exception) -> bool:
    return "RESOURCE_EXHAUSTED" in str(error)
