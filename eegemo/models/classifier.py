"""A Keras network as a scikit-learn classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from eegemo._validation import check_windows
from eegemo.errors import ConfigError, suggest_keywords
from eegemo.models.checks import check_weights, validation_pair
from eegemo.models.estimator import NetworkEstimator
from eegemo.windows import Windows

if TYPE_CHECKING:
    import keras

    from eegemo.networks.base import Network
    from eegemo.networks.function import NetworkFunction


class EEGClassifier(ClassifierMixin, NetworkEstimator):
    """A Keras network that tells classes of windows apart, as a scikit-learn classifier.

    A fresh network is made at each ``fit``; its first layer is the normalisation, so it takes microvolts. A network on
    its own computes on all cores (``TF_NUM_INTRAOP_THREADS`` says otherwise), inside :func:`eegemo.evaluate` on one.

    Parameters
    ----------
    network : str | Network | callable
        A name (``"cnn-gru", "cnn-lstm", "tcn", "eegnet", "resnet1d"``; plain recurrent ones are ``"rnn", "gru",
        "lstm"``), a network with sizes of one's own (``CNNGRU(units=32)``; ``network__units`` in a grid search), or a
        function ``(n_times, n_channels, n_outputs) -> keras.Model`` whose model ends in a softmax.
    epochs, batch_size : int | None
        At most so many epochs, of batches of so many windows; the network's own where None: batches of 64, and epochs
        until 4000 batches are done, from 10 to 200.
    learning_rate : float | None
        Of Adam, at its highest; the network's own where None.
    patience : int | None
        Epochs without a better validation loss before training stops; the network's own where None: a quarter of the
        epochs.
    normalization : "auto" | "zscore-minmax" | "zscore" | "minmax" | None
        The first layer, :class:`eegemo.networks.ChannelNormalization`; ``"auto"`` is the network's own.
    normalize_over : "training" | "window"
        Whether it is fitted, on the training data alone, by quantiles that no artefact can set, or each window is
        normalised by itself.
    augment : bool
        Whether each window is cut anew every time it is seen, at any sample of the stretch that the training windows of
        its trial cover without a gap. For Windows; never a sample that they do not hold.
    class_weight : dict | "balanced" | None
        Weight of each class; ``"balanced"`` gives all classes as much. Taken relative to their mean over the training
        windows, and multiplied with the weights of the windows.
    validation_fraction : float | None
        Share of the training data to stop on, where ``fit`` is given no validation data; whole groups.
    random_state : int | RandomState | None
        Seeds weights, dropout and the order of the windows.
    verbose : int
        1 shows a progress bar over the epochs.

    Attributes
    ----------
    classes_ : array, shape (n_classes,)
        In the order of the probabilities.
    model_ : keras.Model
        The trained network: (batch, n_times, n_channels) in microvolts to probabilities.
    network_ : Network
        What was trained, with its sizes.
    history_ : dict of str -> list of float
        ``loss, accuracy`` of the training data, as they were while an epoch ran, and ``val_loss, val_accuracy`` after
        it, one value an epoch.
    best_epoch_ : int
        The epoch, counted from 1, whose weights ``model_`` has, unless a callback set others.
    collapse_ : str | None
        How the network has learned nothing, not even of its training data; None where it has. There is a warning, too.
    n_features_in_ : int
        Channels (of a two-dimensional ``X``: samples).
    n_channels_, n_times_ : int
        Of a window.
    ch_names_, sfreq_ : tuple of str, float | None
        Of the Windows it was fitted on, so that others are refused; None after arrays, which do not say.
    card_ : ModelCard | None
        How it was evaluated, where it is a final model (:func:`eegemo.fit_final`).

    See Also
    --------
    EEGRegressor : Predicts ratings as numbers.
    read_classifier : Reads what ``save`` wrote.
    make_model : Makes any model by its name, classical ones too.

    Examples
    --------
    >>> from eegemo import EEGClassifier, quadrants, simulate
    >>> windows = simulate(subjects=1, channels=["F3", "F4"]).windows(duration=4.0, step=4.0)
    >>> classifier = EEGClassifier("cnn-gru", epochs=10, random_state=0).fit(windows, quadrants()(windows))
    >>> classifier.predict_proba(windows[:3]).shape
    (3, 4)
    """

    _activation = "softmax"

    def __init__(
        self,
        network: str | Network | NetworkFunction = "cnn-gru",
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        patience: int | None = None,
        normalization: str | None = "auto",
        normalize_over: str = "training",
        augment: bool = False,
        class_weight: dict[Any, float] | str | None = None,
        validation_fraction: float | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            network,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            patience=patience,
            normalization=normalization,
            normalize_over=normalize_over,
            augment=augment,
            validation_fraction=validation_fraction,
            random_state=random_state,
            verbose=verbose,
        )
        self.class_weight = class_weight

    @suggest_keywords
    def fit(
        self,
        X: np.ndarray | Windows,
        y: np.ndarray,
        *,
        groups: np.ndarray | None = None,
        sample_weight: np.ndarray | None = None,
        validation_data: tuple[np.ndarray | Windows, np.ndarray] | None = None,
        callbacks: Sequence[keras.callbacks.Callback] | keras.callbacks.Callback | None = None,
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
        sample_weight : array, shape (n,) | None
            How often each window counts: 2 is the same as the window twice, 0 as none, and of a fraction chance decides
            anew each epoch. Where all are below 1, times the weights of classes, they are relative to the largest.
        validation_data : (X, y) | None
            Data to stop on: training ends ``patience`` epochs after the best validation loss and goes back to
            that epoch's weights. Without them, and without ``validation_fraction``, all epochs are run.
        callbacks : sequence of keras.callbacks.Callback | keras.callbacks.Callback | None
            Called during training; see :func:`eegemo.training.train`.

        Returns
        -------
        self : EEGClassifier

        Raises
        ------
        ConfigError
            If a setting cannot be used.
        ValueError
            If ``X`` and ``y`` do not fit, hold one class only, or hold values that are not finite.

        Warns
        -----
        CollapseWarning
            If the network answers one class for all of its training data, or is no better there than guessing.
        UserWarning
            If training diverged, or the windows look like volts.
        """
        self._train(**self._checked_fit(X, y, groups, sample_weight, validation_data), callbacks=callbacks)
        return self

    def _checked_fit(
        self,
        X: Any,
        y: Any,
        groups: np.ndarray | None = None,
        sample_weight: Any = None,
        validation_data: Any = None,
    ) -> dict[str, Any]:
        """Check what ``fit`` was given, learn the classes, and return what training takes."""
        from eegemo.training.losses import CROSS_ENTROPY

        self._forget()
        X = check_windows(self, X, y, reset=True)
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError(f"y holds one class only, {self.classes_.tolist()[0]!r}; a classifier needs at least two.")
        numbers = np.searchsorted(self.classes_, y)
        weight = check_weights(sample_weight, X)
        if self.class_weight is not None:
            of_class = compute_class_weight(self.class_weight, classes=self.classes_, y=y)[numbers]
            if of_class.min() < 0 or not of_class.any():
                raise ConfigError(f"Weights of classes must not be negative, nor all 0, got {self.class_weight!r}.")
            weight = of_class / of_class.mean() * (1.0 if weight is None else weight)
        return {
            "X": X,
            "y": numbers,
            "validation_data": None
            if validation_data is None
            else self._checked_validation(*validation_pair(validation_data)),
            "n_outputs": len(self.classes_),
            "loss": CROSS_ENTROPY,
            "groups": groups,
            "sample_weight": weight,
        }

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
        return self._outputs(X)

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

    def _checked_validation(self, X: Any, y: Any) -> tuple[Windows | np.ndarray, np.ndarray]:
        y = column_or_1d(y, warn=True)
        unknown = set(np.unique(y).tolist()) - set(self.classes_.tolist())
        if unknown:
            raise ValueError(f"The validation data hold classes that the training data lack: {sorted(unknown)}.")
        return check_windows(self, X, reset=False), np.searchsorted(self.classes_, y)
