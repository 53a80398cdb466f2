"""A classifier that was exported: read and run without TensorFlow and without Keras."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np

from eegemo._electrodes import same_electrodes
from eegemo._paths import as_path
from eegemo.deploy.description import Description
from eegemo.deploy.formats import Session, digest_of, format_of, require
from eegemo.errors import DataFormatError
from eegemo.models.card import ModelCard
from eegemo.windows import Windows

_FROM_ONE = 1e-3  # how far the sum of probabilities may lie from 1


class ExportedModel:
    """A classifier in another runtime; made by :func:`load_exported`.

    Parameters
    ----------
    session : Session
        Runs the network.
    description : Description
        What it is.
    name : str
        Of the file.

    Attributes
    ----------
    classes_ : array, shape (n_classes,)
        In the order of the probabilities.
    ch_names_, sfreq_ : tuple of str, float | None
        Channels in their order, and rate in Hz; None where the classifier was fitted on arrays, which do not say.
    n_channels_, n_times_ : int
        Of a window.
    card_ : ModelCard | None
        The evaluation that it came from, where it is a final model.
    description : Description
        All that stands in the file beside the network.

    Notes
    -----
    Threads may share one: they take turns at the network.
    """

    def __init__(self, session: Session, description: Description, name: str) -> None:
        self.description = description
        self.name = name
        self.classes_ = np.array(description.classes, dtype=description.classes_dtype)
        self.ch_names_, self.sfreq_ = description.ch_names, description.sfreq
        self.n_channels_, self.n_times_ = description.n_channels, description.n_times
        self.card_: ModelCard | None = description.card
        self._session = session
        self._in_turn = threading.Lock()  # OpenVINO's and LiteRT's sessions hold one input at a time

    def __repr__(self) -> str:
        rate = "" if self.sfreq_ is None else f" at {self.sfreq_:g} Hz"
        return (
            f"<ExportedModel | {self.name}: {self.description.model}, {len(self.classes_)} classes, windows of "
            f"{self.n_channels_} channels x {self.n_times_} samples{rate}>"
        )

    def predict_proba(self, X: np.ndarray | Windows) -> np.ndarray:
        """Give each window a probability for each class.

        Parameters
        ----------
        X : Windows | array, shape (n, n_channels, n_times) or (n, n_times)
            In microvolts; a two-dimensional array is windows of one channel.

        Returns
        -------
        proba : array, shape (n, n_classes), float32
            In the order of ``classes_``.

        Raises
        ------
        ValueError
            If ``X`` has another shape, other channels or another rate, or values that are not finite.
        TypeError
            If it is something of MNE's, which is in volts, or trials that are not cut.
        """
        batch = self._checked(X)
        with self._in_turn:
            return self._session.run(batch)

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
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def _checked(self, X: Any) -> np.ndarray:
        """Return windows as the network takes them: (n, n_times, n_channels), contiguous."""
        if isinstance(X, Windows):
            ours = self.ch_names_
            if ours is not None and not (same_electrodes(X.ch_names, ours) and X.sfreq == self.sfreq_):
                raise ValueError(
                    f"X has channels {', '.join(X.ch_names)} at {X.sfreq:g} Hz, but {self.name} takes "
                    f"{', '.join(ours)} at {self.sfreq_:g} Hz; pick and resample the trials alike."
                )
            batch, shape = None, X.shape
        else:
            if not isinstance(X, np.ndarray):
                from eegemo._validation import refuse_what_is_not_cut  # which takes a second to import

                refuse_what_is_not_cut(X)
            batch = np.asarray(X, np.float32)
            batch = batch[:, None] if batch.ndim == 2 else batch
            shape = batch.shape
        if len(shape) != 3 or shape[1:] != (self.n_channels_, self.n_times_) or shape[0] == 0:
            raise ValueError(
                f"X has shape {shape}, but {self.name} takes windows of {self.n_channels_} channels x {self.n_times_} "
                "samples: (n, n_channels, n_times), at least one."
            )
        batch = X.gather() if batch is None else np.ascontiguousarray(batch.transpose(0, 2, 1))
        if not np.isfinite(batch).all():
            raise ValueError("X contains NaN or infinity; repair or drop those windows.")
        return batch


def load_exported(path: str | os.PathLike[str]) -> ExportedModel:
    """Load a classifier that :func:`eegemo.export` wrote; neither TensorFlow nor Keras is needed for it.

    Parameters
    ----------
    path : path-like
        The file that was named: ``.onnx``, ``.tflite``, ``.xml`` (OpenVINO) or ``.param`` (ncnn), with what was written
        beside it.

    Returns
    -------
    model : ExportedModel

    Raises
    ------
    DataFormatError
        If there is no such file, it is damaged, was written by something else, or lies beside weights that are not its
        own; likewise if it does not give probabilities for a window of zeros.
    ConfigError
        If it is of no known format, or its runtime is not installed.

    See Also
    --------
    eegemo.export : Writes it.
    """
    path = as_path(path)
    form = format_of(path)
    require(form.to_read, form.extra, f"Reading {path.name}")
    if not path.is_file():
        raise DataFormatError(f"There is no exported classifier {str(path)!r}; check its name and its folder.")
    try:
        return _load(path, form.module.Session(path), digest_of(form.weights_of(path)))
    except (DataFormatError, UnicodeDecodeError) as error:
        raise DataFormatError(f"{path.name}: {error}; export it, or fetch it, again.") from error


def _load(path: Path, session: Any, weights: str | None) -> ExportedModel:
    text = session.description
    if text is None:
        raise DataFormatError("it does not say what it is, as files that eegemo has exported do")
    description = Description.loads(text)
    if weights != description.weights:
        raise DataFormatError("the weights beside it are not those that it was exported with")
    try:
        outputs = session.run(np.zeros((1, description.n_times, description.n_channels), np.float32))
    except Exception as error:  # of any kind, from four runtimes
        shape = f"{description.n_channels} channels x {description.n_times} samples"
        raise DataFormatError(f"it cannot run on windows of {shape}, as it says ({str(error)[:200]})") from error
    if outputs.shape != (1, len(description.classes)):
        raise DataFormatError(
            f"its description has {len(description.classes)} classes, and its network outputs of shape {outputs.shape}"
        )
    if not (outputs >= 0).all() or not abs(outputs.sum() - 1) <= _FROM_ONE:
        raise DataFormatError(f"it gives no probabilities for a window of zeros, but {outputs[0].tolist()}")
    return ExportedModel(session, description, path.name)
