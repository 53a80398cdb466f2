"""A Keras network as a scikit-learn regressor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import check_array

from eegemo._validation import check_windows
from eegemo.errors import suggest_keywords
from eegemo.models.checks import check_weights, validation_pair
from eegemo.models.estimator import NetworkEstimator
from eegemo.windows import Windows

if TYPE_CHECKING:
    import keras


class EEGRegressor(RegressorMixin, NetworkEstimator):
    """A Keras network that predicts numbers, such as ratings, by mean squared error, as a scikit-learn regressor.

    Parameters
    ----------
    network, epochs, batch_size, learning_rate, patience, normalization, normalize_over, augment, validation_fraction
        As in :class:`EEGClassifier`; a function's model ends in plain numbers, without an activation.
    random_state, verbose
        As in :class:`EEGClassifier`.

    Attributes
    ----------
    model_ : keras.Model
        The trained network: (batch, n_times, n_channels) in microvolts to numbers.
    network_, history_, best_epoch_, collapse_, n_features_in_, n_channels_, n_times_, ch_names_, sfreq_
        As in :class:`EEGClassifier`; the figure beside the loss is ``mean_absolute_error``.

    See Also
    --------
    EEGClassifier : Tells classes apart.

    Notes
    -----
    Numbers are learned in their own unit, for which ratings from 1 to 9 are of the right size; for others put it in
    :class:`sklearn.compose.TransformedTargetRegressor`.

    Examples
    --------
    >>> from eegemo import EEGRegressor, simulate
    >>> windows = simulate(subjects=1, channels=["F3", "F4"]).windows(duration=4.0, step=4.0)
    >>> ratings = windows.expand(windows.trials.table["valence"])
    >>> regressor = EEGRegressor("cnn-gru", epochs=10, random_state=0).fit(windows, ratings)
    >>> regressor.predict(windows[:3]).shape
    (3,)
    """

    _activation = "linear"

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
        y : array, shape (n,) or (n, n_outputs)
            Their numbers.
        groups, sample_weight, validation_data, callbacks
            As in :meth:`EEGClassifier.fit`.

        Returns
        -------
        self : EEGRegressor

        Raises
        ------
        ConfigError
            If a setting cannot be used.
        ValueError
            If ``X`` and ``y`` do not fit, or hold values that are not finite.
        """
        from eegemo.training.losses import SQUARED_ERROR

        self._forget()
        X = check_windows(self, X, y, reset=True, multi_output=True)
        y = _checked_numbers(y)
        self._flat = y.ndim == 1
        self._n_outputs = 1 if self._flat else y.shape[1]
        self._train(
            X,
            y.reshape(len(y), -1),
            None if validation_data is None else self._checked_validation(*validation_pair(validation_data)),
            n_outputs=self._n_outputs,
            loss=SQUARED_ERROR,
            groups=groups,
            sample_weight=check_weights(sample_weight, X),
            callbacks=callbacks,
        )
        return self

    def predict(self, X: np.ndarray | Windows) -> np.ndarray:
        """Predict the numbers of each window.

        Parameters
        ----------
        X : Windows | array, shape (n, n_channels, n_times) or (n, n_times)
            In microvolts.

        Returns
        -------
        y : array, shape (n,) or (n, n_outputs), float64
            As ``y`` was in ``fit``.
        """
        outputs = self._outputs(X).astype(np.float64)
        return outputs[:, 0] if self._flat else outputs

    def _set_out(self, model: keras.Model, target: np.ndarray) -> None:
        # Each step is about as long as the learning rate, so from 0 to a rating of 5 it would take thousands of them.
        output = model.layers[-1]
        if output.name == "output":  # and no network of somebody's own
            output.bias.assign(target.mean(axis=0))

    def _checked_validation(self, X: Any, y: Any) -> tuple[Windows | np.ndarray, np.ndarray]:
        y = _checked_numbers(y)
        X, numbers = check_windows(self, X, reset=False), y.reshape(len(y), -1)
        if numbers.shape[1] != self._n_outputs:
            raise ValueError(
                f"The validation data have {numbers.shape[1]} numbers a window, the training data {self._n_outputs}."
            )
        return X, numbers

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _checked_numbers(y: Any) -> np.ndarray:
    return check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
