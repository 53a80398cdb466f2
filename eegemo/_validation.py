"""What every estimator of the package accepts as ``X``: windows, as Windows or as an array."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from eegemo._electrodes import same_electrodes
from eegemo.trials import Trials
from eegemo.windows import Windows

NO_Y = "no_validation"  # scikit-learn's word for it


def check_windows(
    estimator: BaseEstimator,
    X: Any,
    y: Any = NO_Y,
    *,
    reset: bool,
    dtype: type = np.float32,
    multi_output: bool = False,
) -> Windows | np.ndarray:
    """Check windows before an estimator is fitted on them, or against those it was fitted on.

    Parameters
    ----------
    estimator : estimator
        Gets ``n_features_in_, n_channels_, n_times_, ch_names_`` and ``sfreq_`` where ``reset``; has them otherwise.
    X : Windows | array, shape (n, n_channels, n_times) or (n, n_times)
        In microvolts; a two-dimensional array is windows of one channel.
    y : array, shape (n, ...)
        What is to be learned, where something is.
    reset : bool
        Whether the estimator is being fitted.
    dtype : type
        Of an array.
    multi_output : bool
        Whether several numbers may be learned for each window.

    Returns
    -------
    X : Windows | array, shape (n, n_channels, n_times)
        Values of an array are finite; those of Windows are not looked at.

    Raises
    ------
    ValueError
        If it has another shape, no windows, or other channels, samples or sampling rate than it was fitted on.
    TypeError
        If it is something of MNE's, which is in volts, or trials that are not cut.
    """
    name = type(estimator).__name__
    supervised = not (isinstance(y, str) and y == NO_Y)
    refuse_what_is_not_cut(X)
    ch_names: tuple[str, ...] | None = None
    sfreq: float | None = None
    if isinstance(X, Windows):
        if len(X) == 0:
            raise ValueError("Found no windows; X must have at least one.")
        ch_names, sfreq = X.ch_names, X.sfreq
        if reset and supervised and (y is None or np.shape(y)[:1] != (len(X),)):
            raise ValueError(
                f"y must hold one value for each of the {len(X)} windows, got {np.shape(y)}; windows.expand(values) "
                "gives each window the value of its trial."
            )
        if reset:
            estimator.n_features_in_ = len(ch_names)
    elif reset or not _is_checked_quickly(X, dtype, estimator.n_features_in_):
        settings: dict[str, Any] = {"dtype": dtype, "allow_nd": True, "reset": reset}
        if reset and supervised:
            X, _ = validate_data(estimator, X, y, multi_output=multi_output, **settings)
        else:
            X = validate_data(estimator, X, **settings)
        if X.ndim not in (2, 3):
            raise ValueError(f"X must have shape (n, n_channels, n_times), got {X.ndim} dimensions.")
        X = X[:, None, :] if X.ndim == 2 else X
    _, n_channels, n_times = X.shape
    if reset:
        estimator.ch_names_, estimator.sfreq_ = ch_names, sfreq
        estimator.n_channels_, estimator.n_times_ = n_channels, n_times
    elif (n_channels, n_times) != (estimator.n_channels_, estimator.n_times_):
        raise ValueError(
            f"X has windows of {n_channels} channels x {n_times} samples, but {name} was fitted on "
            f"{estimator.n_channels_} x {estimator.n_times_}."
        )
    elif ch_names is not None and estimator.ch_names_ is not None:
        if sfreq != estimator.sfreq_ or not same_electrodes(ch_names, estimator.ch_names_):
            raise ValueError(
                f"X has channels {', '.join(ch_names)} at {sfreq:g} Hz, but {name} was fitted on "
                f"{', '.join(estimator.ch_names_)} at {estimator.sfreq_:g} Hz; pick and resample the trials alike."
            )
    return X


def _is_checked_quickly(X: Any, dtype: type, n_features: int) -> bool:
    """Say whether an array is surely right; of the others scikit-learn takes its time to say what is wrong."""
    alike = type(X) is np.ndarray and X.dtype == dtype and X.ndim == 3 and X.shape[1] == n_features and len(X) > 0
    with np.errstate(all="ignore"):  # a sum may overflow where no value is infinite
        return alike and bool(np.isfinite(X.sum()))


def refuse_what_is_not_cut(X: Any) -> None:
    """Refuse trials, and what is MNE's.

    Parameters
    ----------
    X : Windows | array
        What was given for windows.

    Raises
    ------
    TypeError
        If it is something of MNE's, which is in volts, or trials that are not cut.
    """
    kind = type(X)
    if isinstance(X, Trials):
        raise TypeError("X is Trials; cut them into windows first: trials.windows(duration=1.0, step=1.0).")
    if any(base.__module__.split(".")[0] == "mne" for base in kind.__mro__):
        raise TypeError(
            f"X is {kind.__module__.split('.')[0]}.{kind.__name__}, which holds volts, and microvolts are wanted; give "
            "Trials.from_epochs(epochs).windows(...), or epochs.get_data(units='uV')."
        )
