"""The scikit-learn classifier around a Keras network."""

from __future__ import annotations

import json
import math
import numbers
import os
import random
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data

from eegemo._atomic import replacing
from eegemo._json import plain
from eegemo.errors import ConfigError, DataFormatError
from eegemo.models import NETWORKS, model_class
from eegemo.models._backend import import_keras
from eegemo.windows import Windows, batch_numbers

if TYPE_CHECKING:
    import keras

#: Called after each epoch with the number of epochs done and the curves so far.
EpochListener = Callable[[int, dict[str, list[float]]], None]
_PREDICTION_BATCH = 1024
_CARD = "eegemo.json"  # the member of the .keras file that holds what is not the network's


class _Source(Protocol):
    def __len__(self) -> int: ...

    def gather(self, index: np.ndarray, /) -> np.ndarray: ...


class _WindowSource:
    """Windows that refuse to gather what is no number."""

    def __init__(self, windows: Windows) -> None:
        self.windows = windows

    def __len__(self) -> int:
        return len(self.windows)

    def gather(self, index: np.ndarray) -> np.ndarray:
        batch = self.windows.gather(index)
        if not np.isfinite(batch).all():
            number = index[np.flatnonzero(~np.isfinite(batch).all(axis=(1, 2)))[0]]
            row = self.windows.table.iloc[number]
            raise DataFormatError(
                f"X contains NaN or infinity in trial {row['trial']} of subject {row['subject']}; repair or drop it."
            )
        return batch


class _ArraySource:
    """An array ``(n, n_channels, n_times)`` that gathers batches as Windows do."""

    def __init__(self, X: np.ndarray) -> None:
        self.X = X

    def __len__(self) -> int:
        return len(self.X)

    def gather(self, index: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(self.X[index].transpose(0, 2, 1))


class WindowClassifier(ClassifierMixin, BaseEstimator, ABC):
    """Base of the networks: a scikit-learn classifier on windows of EEG.

    A subclass lists its hyper-parameters in ``__init__`` and adds its layers in :meth:`_layers`. A fresh
    network is made at each ``fit``; its first layer is the normalisation, so it takes microvolts.

    Attributes
    ----------
    classes_ : array, shape (n_classes,)
    model_ : keras.Model
        The trained network: (batch, n_times, n_channels) in microvolts to probabilities.
    history_ : dict of str -> list of float
        ``loss, accuracy`` of the training data, as they were while an epoch ran, and ``val_loss,
        val_accuracy`` after it, one value an epoch.
    best_epoch_ : int
        The epoch, counted from 1, whose weights ``model_`` has.
    n_features_in_ : int
        Channels (of a two-dimensional ``X``: samples).
    ch_names_, sfreq_ : tuple of str, float | None
        Of the Windows it was fitted on, so that others are refused; None after arrays, which do not say.
    """

    # Set by every subclass's __init__; scikit-learn reads the parameters off its signature.
    _sizes: ClassVar[tuple[str, ...]]
    dropout: float
    normalization: str | None
    normalize_over: str
    epochs: int
    batch_size: int
    learning_rate: float
    patience: int
    validation_fraction: float | None
    random_state: int | np.random.RandomState | None
    verbose: int

    ch_names_: tuple[str, ...] | None
    sfreq_: float | None

    @abstractmethod
    def _layers(self, n_times: int, n_channels: int) -> list[Any]:
        """Return the layers between the normalisation and the output."""

    def _output(self, n_classes: int) -> Any:
        """Return the last layer."""
        return import_keras().layers.Dense(n_classes, activation="softmax", name="probabilities")

    def build(self, n_times: int, n_channels: int, n_classes: int) -> keras.Model:
        """Make a fresh, compiled network.

        Parameters
        ----------
        n_times, n_channels, n_classes : int
            Samples and channels of a window, and classes.

        Returns
        -------
        model : keras.Model
            Input (batch, n_times, n_channels), output (batch, n_classes).

        Raises
        ------
        ConfigError
            If a hyper-parameter cannot be used.
        """
        keras = import_keras()
        from eegemo.models.layers import ChannelNormalization

        self._check_parameters()
        layers: list[Any] = [keras.Input((n_times, n_channels), name="microvolts")]
        if self.normalization is not None:
            layers.append(ChannelNormalization(self.normalization, self.normalize_over, name="normalization"))
        layers += [*self._layers(n_times, n_channels), self._output(n_classes)]
        model = keras.Sequential(layers, name=type(self).__name__)
        model.compile(
            optimizer=keras.optimizers.Adam(self.learning_rate),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
            # XLA takes long to compile and gains nothing on a CPU; JAX compiles in any case.
            jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
        )
        return model

    def fit(
        self,
        X: np.ndarray | Windows,
        y: np.ndarray,
        *,
        groups: np.ndarray | None = None,
        validation_data: tuple[np.ndarray | Windows, np.ndarray] | None = None,
        on_epoch_end: EpochListener | None = None,
    ) -> Self:
        """Train a fresh network.

        Parameters
        ----------
        X : Windows | array, shape (n, n_channels, n_times) or (n, n_times)
            Training windows in microvolts; a two-dimensional array is windows of one channel.
        y : array, shape (n,)
            Their classes.
        groups : array, shape (n,) | None
            What must stay together when ``validation_fraction`` carves out validation data: the trial of
            each window, say. Windows bring their trials; each row of an array stands alone by default.
        validation_data : (X, y) | None
            Data to stop on: training ends ``patience`` epochs after the best validation loss and goes back to
            that epoch's weights. Without them, and without ``validation_fraction``, all epochs are run.
        on_epoch_end : callable | None
            Called as ``on_epoch_end(epochs_done, history)``.

        Returns
        -------
        self : WindowClassifier

        Raises
        ------
        ValueError
            If ``X`` and ``y`` do not fit, hold one class only, or hold values that are not finite.
        """
        source, shape = self._checked(X, reset=True, y=y)
        target = self._encode(y, fit=True)
        held_out: tuple[_Source, np.ndarray] | None = None
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        rng = np.random.default_rng(seed)
        if validation_data is not None:
            held_out = self._checked(validation_data[0])[0], self._encode(validation_data[1])
            check_consistent_length(*held_out)
        elif self.validation_fraction is not None:
            keep, aside = self._carve(X, groups, len(target), rng)
            held_out = _Subset(source, aside), target[aside]
            source, target = _Subset(source, keep), target[keep]
        import_keras()  # before seeding: what an import draws would be missing where it was imported before
        with _seeded(seed):
            self.model_ = self.build(*shape, len(self.classes_))
        self._adapt(source)
        listeners = [on_epoch_end] if on_epoch_end else []
        with _epoch_bar(self.epochs, type(self).__name__, listeners, enabled=bool(self.verbose)):
            self._train(source, target, held_out, rng, listeners)
        return self

    def predict_proba(self, X: np.ndarray | Windows) -> np.ndarray:
        """Give each window a probability for each class.

        Parameters
        ----------
        X : Windows | array, shape (n, n_channels, n_times) or (n, n_times)
            In microvolts.

        Returns
        -------
        proba : array, shape (n, n_classes), float32
            In the order of ``classes_``.
        """
        check_is_fitted(self, "model_")
        return self._predict(self._checked(X)[0])

    def predict(self, X: np.ndarray | Windows) -> np.ndarray:
        """Give each window its most probable class.

        Parameters
        ----------
        X : Windows | array, shape (n, n_channels, n_times) or (n, n_times)
            In microvolts.

        Returns
        -------
        y : array, shape (n,)
        """
        most_probable = self.predict_proba(X).argmax(axis=1)
        return self.classes_[most_probable]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the trained classifier as one ``.keras`` file.

        Parameters
        ----------
        path : path-like
            Its name must end in ``.keras``. Keras loads the network from it, :func:`load_classifier` the
            whole classifier.

        Raises
        ------
        ConfigError
            If the name ends otherwise.
        """
        check_is_fitted(self, "model_")
        target = Path(path)
        if target.suffix != ".keras":
            raise ConfigError(f"The file of a classifier must end in .keras, got {target.name!r}.")
        parameters = self.get_params(deep=False)
        if not isinstance(parameters["random_state"], (int, np.integer)):
            parameters["random_state"] = None  # a generator is not saved; it says nothing of the trained network
        card = {
            "classifier": type(self).__name__,
            "parameters": {name: plain(value) for name, value in parameters.items()},
            "classes": self.classes_.tolist(),
            "classes_dtype": self.classes_.dtype.str,
            "window_shape": list(self._window_shape),
            "n_features_in": self.n_features_in_,
            "ch_names": self.ch_names_,
            "sfreq": self.sfreq_,
            "history": self.history_,
            "best_epoch": self.best_epoch_,
        }
        with replacing(target) as partial:
            self.model_.save(partial)
            with zipfile.ZipFile(partial, "a") as archive:
                archive.writestr(_CARD, json.dumps(card, indent=1))

    def _check_parameters(self) -> None:
        for name in ("epochs", "batch_size", "patience", *self._sizes):
            value = getattr(self, name)
            if not isinstance(value, numbers.Integral) or value < 1:
                raise ConfigError(f"Expected a positive whole number. Received: {name}={value!r}.")
        if not isinstance(self.learning_rate, numbers.Real) or not 0 < self.learning_rate < math.inf:
            raise ConfigError(f"Expected a positive number. Received: learning_rate={self.learning_rate!r}.")
        if not isinstance(self.dropout, numbers.Real) or not 0 <= self.dropout < 1:
            raise ConfigError(f"Expected a share from 0 to below 1. Received: dropout={self.dropout!r}.")

    def _checked(self, X: Any, *, reset: bool = False, y: Any = None) -> tuple[_Source, tuple[int, int]]:
        """Check X and return it as a source of batches, with the shape (n_times, n_channels) of a window."""
        if isinstance(X, Windows):
            if len(X) == 0:
                raise ValueError("Found no windows; X must have at least one.")
            source: _Source = _WindowSource(X)
            shape = X.length, X.shape[1]
            recorded = X.trials.ch_names, X.trials.sfreq
            if not reset and self.ch_names_ is not None and recorded != (self.ch_names_, self.sfreq_):
                raise ValueError(
                    f"X has channels {', '.join(recorded[0])} at {recorded[1]:g} Hz, but {type(self).__name__} was "
                    f"fitted on {', '.join(self.ch_names_)} at {self.sfreq_:g} Hz; pick and resample the trials alike."
                )
            if reset:
                self.n_features_in_ = X.shape[1]
                self.ch_names_, self.sfreq_ = recorded
                if y is None or np.shape(y) != (len(X),):
                    raise ValueError(f"y must hold one class for each of the {len(X)} windows, got {np.shape(y)}.")
        else:
            checks: dict[str, Any] = {"dtype": np.float32, "allow_nd": True, "reset": reset}
            if reset:
                X, _ = validate_data(self, X, y, **checks)
                self.ch_names_ = self.sfreq_ = None
            else:
                X = validate_data(self, X, **checks)
            X = X[:, None, :] if X.ndim == 2 else X
            if X.ndim != 3:
                raise ValueError(f"X must have shape (n, n_channels, n_times), got {X.ndim} dimensions.")
            source, shape = _ArraySource(X), (X.shape[2], X.shape[1])
        if reset:
            self._window_shape = shape
        elif shape != self._window_shape:
            raise ValueError(
                f"X has windows of {shape[1]} channels x {shape[0]} samples, but {type(self).__name__} was fitted "
                f"on {self._window_shape[1]} x {self._window_shape[0]}."
            )
        return source, shape

    def _encode(self, y: Any, *, fit: bool = False) -> np.ndarray:
        y = column_or_1d(y, warn=True)
        if fit:
            check_classification_targets(y)
            self.classes_ = np.unique(y)
            if len(self.classes_) < 2:
                raise ValueError(
                    f"y holds one class only, {self.classes_.tolist()[0]!r}; a classifier needs at least two."
                )
        unknown = set(np.unique(y).tolist()) - set(self.classes_.tolist())
        if unknown:
            raise ValueError(f"The validation data hold classes that the training data lack: {sorted(unknown)}.")
        return np.searchsorted(self.classes_, y)

    def _carve(
        self, X: Any, groups: np.ndarray | None, n: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw whole groups for validation; return the numbers to train on and those set aside."""
        fraction = self.validation_fraction
        if not isinstance(fraction, numbers.Real) or not 0 < fraction < 1:
            raise ConfigError(f"validation_fraction must lie between 0 and 1, got {fraction!r}.")
        if groups is None:
            groups = X.groups if isinstance(X, Windows) else np.arange(n)
        if np.shape(groups) != (n,):
            raise ValueError(f"groups must hold one value for each of the {n} windows, got {np.shape(groups)}.")
        units = np.unique(groups)
        n_aside = max(1, round(fraction * len(units)))
        if n_aside >= len(units):
            raise ConfigError(
                f"There are {len(units)} groups, too few to set {fraction:g} of them aside for validation."
            )
        chosen = np.isin(groups, rng.choice(units, n_aside, replace=False))
        return np.flatnonzero(~chosen), np.flatnonzero(chosen)

    def _adapt(self, source: _Source) -> None:
        if self.normalization is not None and self.normalize_over == "training":
            batches = (source.gather(batch) for batch in batch_numbers(len(source), _PREDICTION_BATCH))
            self.model_.get_layer("normalization").adapt(batches)

    def _train(
        self,
        source: _Source,
        target: np.ndarray,
        held_out: tuple[_Source, np.ndarray] | None,
        rng: np.random.Generator,
        listeners: list[EpochListener],
    ) -> None:
        names = ("loss", "accuracy") + (("val_loss", "val_accuracy") if held_out else ())
        self.history_: dict[str, list[float]] = {name: [] for name in names}
        self.best_epoch_ = int(self.epochs)
        best_weights = None
        for epoch in range(1, self.epochs + 1):
            # tf.data's autotuning makes each epoch of fit() wait; single steps do not, on any backend.
            steps = [
                self.model_.train_on_batch(source.gather(batch), target[batch])
                for batch in _even_batches(len(source), self.batch_size, rng)
            ]
            loss, accuracy = np.mean(steps, axis=0)
            self.history_["loss"].append(float(loss))
            self.history_["accuracy"].append(float(accuracy))
            if held_out:
                proba = self._predict(held_out[0])
                truth = held_out[1]
                likelihood = proba[np.arange(len(truth)), truth].astype(np.float64)
                losses = self.history_["val_loss"]
                losses.append(float(-np.log(np.maximum(likelihood, 1e-7)).mean()))
                self.history_["val_accuracy"].append(float((proba.argmax(axis=1) == truth).mean()))
                best = losses[self.best_epoch_ - 1] if best_weights else np.nan
                if np.isnan(best) or losses[-1] < best:
                    self.best_epoch_, best_weights = epoch, self.model_.get_weights()
            for listener in listeners:
                listener(epoch, self.history_)
            if epoch - self.best_epoch_ >= self.patience:
                break
        if best_weights is not None:
            self.model_.set_weights(best_weights)

    def _predict(self, source: _Source) -> np.ndarray:
        n = len(source)
        # Batches of few different sizes, filled up with repetitions: each new size is compiled anew.
        size = min(_PREDICTION_BATCH, 2 ** math.ceil(math.log2(n)))
        outputs = [
            np.asarray(self.model_.predict_on_batch(source.gather(np.resize(batch, size))))[: len(batch)]
            for batch in batch_numbers(n, size)
        ]
        return np.concatenate(outputs)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "model_" in state:
            model = state.pop("model_")
            state["_network"] = (model.to_json(), model.get_weights())
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        network = state.pop("_network", None)
        super().__setstate__(state)
        if network is not None:
            self.model_ = import_keras(to_load=True).models.model_from_json(network[0])
            self.model_.set_weights(network[1])


def load_classifier(path: str | os.PathLike[str]) -> WindowClassifier:
    """Load a classifier that was saved with :meth:`WindowClassifier.save`.

    Parameters
    ----------
    path : path-like
        A ``.keras`` file; it is loaded in Keras's safe mode, so nothing in it is run.

    Returns
    -------
    classifier : WindowClassifier
        Predicts what the saved one predicted.

    Raises
    ------
    DataFormatError
        If the file is not such a classifier.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            card = dict(json.loads(archive.read(_CARD)))
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise DataFormatError(
            f"{Path(path).name}: not a classifier saved by eegemo ({error}); was it saved by Keras alone?"
        ) from error
    known = {model_class(name).__name__: model_class(name) for name in NETWORKS}
    if card.get("classifier") not in known:
        raise DataFormatError(
            f"{Path(path).name}: holds a {card.get('classifier')!r}, which this version of eegemo does not know."
        )
    try:
        parameters = {k: tuple(v) if isinstance(v, list) else v for k, v in card["parameters"].items()}
        classifier = known[card["classifier"]](**parameters)
        classifier.classes_ = np.array(card["classes"], dtype=card["classes_dtype"])
        classifier.n_features_in_ = card["n_features_in"]
        classifier.ch_names_ = None if card["ch_names"] is None else tuple(card["ch_names"])
        classifier.sfreq_ = card["sfreq"]
        classifier._window_shape = tuple(card["window_shape"])
        classifier.history_, classifier.best_epoch_ = card["history"], card["best_epoch"]
    except (KeyError, TypeError, AttributeError) as error:
        raise DataFormatError(
            f"{Path(path).name}: saved by another version of eegemo, or altered ({error}); save it again."
        ) from error
    classifier.model_ = import_keras(to_load=True).models.load_model(path, safe_mode=True)
    return classifier


def _even_batches(n: int, batch_size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Go through 0 .. n-1 in random order; the last batch is filled up from the beginning of that order."""
    size = min(n, batch_size)
    order = rng.permutation(n)
    filled = np.resize(order, math.ceil(n / size) * size)
    yield from filled.reshape(-1, size)


class _Subset:
    """Some windows of a source."""

    def __init__(self, source: _Source, chosen: np.ndarray) -> None:
        self.source, self.chosen = source, chosen

    def __len__(self) -> int:
        return len(self.chosen)

    def gather(self, index: np.ndarray) -> np.ndarray:
        return self.source.gather(self.chosen[index])


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Let Keras draw its seeds from ``seed``, and leave Python's random numbers alone.

    Keras draws from Python's shared generator, as other threads may in between: those of a Dask worker do.
    """
    from keras.src.random import seed_generator

    shared = seed_generator.python_random
    seed_generator.python_random = random.Random(seed)
    try:
        yield
    finally:
        seed_generator.python_random = shared


@contextmanager
def _epoch_bar(epochs: int, name: str, listeners: list[EpochListener], *, enabled: bool) -> Iterator[None]:
    if not enabled:
        yield
        return
    from rich.progress import Progress

    with Progress(transient=True) as bar:
        task = bar.add_task(name, total=epochs)
        listeners.append(lambda done, _: bar.update(task, completed=done))
        yield
