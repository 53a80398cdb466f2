"""Fits of one classifier as one computation: folds, seeds or permutations of labels, each as it would be by itself."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np

from eegemo.models.classifier import EEGClassifier
from eegemo.models.training_data import BegunFit
from eegemo.windows import Windows, batch_numbers

if TYPE_CHECKING:
    import keras

    from eegemo.training.course import Fit
    from eegemo.training.loop import History

_MOST_THREADS = 8  # that sort samples for the normalisation, each with a copy of them


@dataclass(frozen=True, eq=False)
class FitRequest:
    """A classifier, what it is to be fitted on, and what it is to predict.

    Parameters
    ----------
    classifier : EEGClassifier
        Unfitted; it learns its classes.
    X : Windows
        Training windows.
    y : array, shape (n,)
        Their classes.
    validation_data : (Windows, array) | None
        Data to stop on.
    predicted : sequence of Windows
        What its network is run over in the end.
    """

    classifier: EEGClassifier
    X: Windows
    y: np.ndarray
    validation_data: tuple[Windows, np.ndarray] | None
    predicted: Sequence[Windows]


@dataclass(frozen=True)
class FitOutcome:
    """What came of a request.

    Parameters
    ----------
    history : History
        What training went through.
    collapse : str | None
        How the network has learned nothing, not even of its training data.
    n_parameters : int
        Trainable ones.
    outputs : list of array, shape (n, n_classes), float32
        Of the windows that were asked for, in the order of the classifier's ``classes_``.
    seconds : float
        Its share of those that were fitted together.
    """

    history: History
    collapse: str | None
    n_parameters: int
    outputs: list[np.ndarray]
    seconds: float


def fit_at_once(
    requests: Sequence[FitRequest], on_epoch_end: Callable[[int], object] | None = None
) -> Iterator[tuple[int, FitOutcome | Exception]]:
    """Fit classifiers at once; one that cannot be fitted takes no other with it.

    Parameters
    ----------
    requests : sequence of FitRequest
        Over the same samples.
    on_epoch_end : callable | None
        Told how many epochs are done.

    Yields
    ------
    number : int
        Of the request.
    outcome : FitOutcome | Exception
        Or what would have been raised; :class:`eegemo.training.course.CannotStackError` where its network cannot be
        trained many times at once.

    """
    from eegemo.training.batches import non_finite_samples, place_of_strip, refuse_non_finite

    bad: dict[tuple[object, ...], np.ndarray] = {}
    groups: dict[tuple[object, ...], list[tuple[int, FitRequest, BegunFit]]] = {}
    for number, request in enumerate(requests):
        try:
            given = request.classifier._checked_fit(request.X, request.y, validation_data=request.validation_data)
            begun = request.classifier._begin(**given)
            strip = place_of_strip(request.X)
            if strip not in bad:
                bad[strip] = non_finite_samples(request.X.trials.signals)
            for windows in (request.X, *(request.validation_data or ())[:1], *request.predicted):
                refuse_non_finite(windows, bad[strip])
            alike = _alike(request, begun)
        except Exception as error:
            yield number, error
            continue
        groups.setdefault(alike, []).append((number, request, begun))
    for group in groups.values():
        left = [number for number, *_ in group]
        try:
            for number, outcome in _fit_group(group, on_epoch_end):
                left.remove(number)
                yield number, outcome
        except Exception as error:
            yield from ((number, error) for number in left)


def _alike(request: FitRequest, begun: BegunFit) -> tuple[object, ...]:
    """Return what fits have in common that can be computed together."""
    from eegemo.training.batches import place_of_strip
    from eegemo.training.course import CannotStackError, batch_of

    classifier, how = request.classifier, begun.how
    key = classifier._key()
    if key is None:  # somebody's own code; whether it builds alike is seen later
        key = classifier.network, classifier.n_times_, classifier.n_channels_, classifier._n_outputs
        key += (classifier._normalization,)
    batch = batch_of(len(begun.data.source), begun.data.weight, how["batch_size"])
    if batch is None:
        raise CannotStackError(
            f"Weights leave it to chance whether an epoch has as many windows as a batch, {how['batch_size']}, so that "
            "batches differ in size; take smaller batches, or folds_at_once=False."
        )
    return key, batch, place_of_strip(request.X)


def _fit_group(
    group: Sequence[tuple[int, FitRequest, BegunFit]], on_epoch_end: Callable[[int], object] | None
) -> Iterator[tuple[int, FitOutcome | Exception]]:
    from eegemo import _keras
    from eegemo.training.compiled import traced_twin
    from eegemo.training.folds_at_once import fit_folds

    began, first = time.perf_counter(), group[0][1].classifier
    with ExitStack() as stack:
        stack.enter_context(_keras.standard_settings())
        model, beginnings = _beginnings([(request.classifier, begun) for _, request, begun in group])
        yield from ((one[0], own) for one, own in zip(group, beginnings, strict=True) if isinstance(own, Exception))
        built = [(one, own) for one, own in zip(group, beginnings, strict=True) if not isinstance(own, Exception)]
        if model is None:
            return
        group = [one for one, _ in built]
        values = _normalized(
            model, [own for _, own in built], [(request.classifier, begun) for _, request, begun in group]
        )
        stack.enter_context(_keras.seeded(0))
        twin = stack.enter_context(traced_twin(model, first._build, first._key()))
        fits = [_fit(own, request, begun) for own, (_, request, begun) in zip(values, group, strict=True)]
        preparing = (time.perf_counter() - began) / len(group)
        n_parameters = int(sum(np.prod(weight.shape) for weight in model.trainable_weights))
        fitted = fit_folds(twin, fits, loss=group[0][2].loss, on_epoch_end=on_epoch_end)
        for (number, request, begun), one in zip(group, fitted, strict=True):
            of_fair, *outputs = (answers.astype(np.float32, copy=False) for answers in one.outputs)
            try:
                request.classifier._note(one.history, stacklevel=2)
            except Warning as warning:  # where warnings are errors
                yield number, warning
                continue
            collapse = begun.loss.collapse(of_fair, begun.data.target[begun.fair])
            yield number, FitOutcome(one.history, collapse, n_parameters, outputs, preparing + one.seconds)


def _fit(values: Sequence[np.ndarray], request: FitRequest, begun: BegunFit) -> Fit:
    from eegemo.training.batches import WindowSource, take
    from eegemo.training.course import Fit

    data: Any = begun.data  # of Windows, so that its sources are of windows, too
    fair: Any = take(data.source, begun.fair)
    return Fit(
        values,
        data.seen,
        data.target,
        data.held_out,
        rng=begun.rng,
        sample_weight=data.weight,
        predicted=[fair, *map(WindowSource, request.predicted)],
        **begun.how,
    )


def _beginnings(
    fits: Sequence[tuple[EEGClassifier, BegunFit]],
) -> tuple[keras.Model | None, list[list[np.ndarray] | Exception]]:
    """Return a network for all, and the values that the variables of each begin with, or why there is none."""
    from eegemo import _keras
    from eegemo.training.course import CannotStackError

    known: dict[tuple[object, ...], list[np.ndarray]] = {}
    model: keras.Model | None = None
    every: list[list[np.ndarray] | Exception] = []
    for classifier, begun in fits:
        # The same seed makes the same weights, unless somebody's own code makes them.
        key = (begun.seed,) if classifier._key() is not None else (len(every),)
        if key not in known:
            try:
                with _keras.seeded(begun.seed):
                    fresh = classifier._build()
            except Exception as error:  # of somebody's own code
                every.append(error)
                continue
            if model is None:
                model = fresh
            elif _structure(fresh) != _structure(model):
                raise CannotStackError(
                    f"{classifier.network_name} built networks of different layers for windows of one shape, which "
                    "cannot be trained at once; say folds_at_once=False."
                )
            known[key] = [np.asarray(variable.value) for variable in fresh.variables]
        every.append(known[key])
    return model, every


def _structure(model: keras.Model) -> list[tuple[object, ...]]:
    layers = [(type(layer),) for layer in model._flatten_layers()]
    return layers + [(tuple(one.shape), str(one.dtype), one.trainable) for one in model.variables]


def _normalized(
    model: keras.Model, values: Sequence[Sequence[np.ndarray]], fits: Sequence[tuple[EEGClassifier, BegunFit]]
) -> list[list[np.ndarray]]:
    """Fit the normalisation of each."""
    from eegemo.training.loop import PREDICTION_BATCH

    method, over = fits[0][0]._normalization
    if method is None or over != "training":
        return [list(own) for own in values]
    layer = model.get_layer("normalization")
    number = {id(variable): position for position, variable in enumerate(model.variables)}
    at = [number[id(variable)] for variable in (layer.shift, layer.scale)]

    def fitted(begun: BegunFit) -> tuple[np.ndarray, np.ndarray]:
        batches = batch_numbers(len(begun.fair), PREDICTION_BATCH)
        return layer.fitted(begun.data.source.gather(begun.fair[batch]) for batch in batches)

    def fitted_on(begun: BegunFit) -> bytes:
        source: Any = begun.data.source  # of Windows
        return bytes(source.places(begun.fair))

    same = [fitted_on(begun) for _, begun in fits]  # permutations of labels leave a fold its windows
    once = {key: begun for key, (_, begun) in zip(same, fits, strict=True)}
    n_threads = min(_MOST_THREADS, os.cpu_count() or 1)
    parallel = joblib.Parallel(n_threads, prefer="threads")
    known = dict(zip(once, parallel(map(joblib.delayed(fitted), once.values())), strict=True))
    changed = [list(own) for own in values]
    for own, key in zip(changed, same, strict=True):
        for position, value in zip(at, known[key], strict=True):
            own[position] = value.astype(own[position].dtype)
    return changed
