"""What a fit may be given beside windows and targets."""

from __future__ import annotations

import math
import numbers
import warnings
from typing import Any

import numpy as np
from sklearn.utils.validation import _check_sample_weight

from eegemo.errors import ConfigError
from eegemo.windows import Windows

_MOST_DRAWS = 100  # times the windows, in one epoch
_SAMPLES_OF_A_CHANNEL = 2**19  # half a million set a quantile to a thousandth; of 32 channels they take 67 MB
_LEAST_MICROVOLTS = 0.05  # from lowest to highest of a window: no EEG is as quiet, and in volts none is as loud


def check_weights(sample_weight: Any, X: Windows | np.ndarray) -> np.ndarray | None:
    """Check how often each window counts.

    Parameters
    ----------
    sample_weight : array, shape (n,) | None
        Not negative, not all zero.
    X : Windows | array, shape (n, ...)
        The windows.

    Returns
    -------
    weight : array, shape (n,) | None
    """
    return None if sample_weight is None else _check_sample_weight(sample_weight, X, ensure_non_negative=True)


def validation_pair(validation_data: Any) -> tuple[Any, Any]:
    """Check that validation data are two things.

    Parameters
    ----------
    validation_data : (X, y)
        What the user gave.

    Returns
    -------
    X, y : object

    Raises
    ------
    ConfigError
        If they are not.
    """
    if not isinstance(validation_data, (tuple, list)) or len(validation_data) != 2:
        raise ConfigError(
            "validation_data must be (X, y); to set a share of the training data aside, set validation_fraction in the "
            "estimator."
        )
    return validation_data[0], validation_data[1]


def draws_in_an_epoch(weight: np.ndarray) -> np.ndarray:
    """Take weights that are all below 1 relative to the largest, and refuse an epoch of endless repetitions.

    Parameters
    ----------
    weight : array, shape (n,)
        Of the windows that are left for training.

    Returns
    -------
    weight : array, shape (n,)
        The largest is at least 1, so that no epoch is empty.

    Raises
    ------
    ConfigError
        If an epoch would be much longer than the windows.
    """
    if not weight.any():
        raise ValueError("All windows that are left for training have a weight of 0.")
    weight = weight / min(1.0, weight.max())
    if weight.sum() > _MOST_DRAWS * len(weight):
        raise ConfigError(
            f"A weight is how often a window is seen in an epoch; these sum to {weight.sum():.3g} for {len(weight)} "
            "windows. Divide them by their mean."
        )
    return weight


def check_settings(settings: dict[str, Any]) -> None:
    """Refuse settings of training that cannot be carried out, by name.

    Parameters
    ----------
    settings : dict of str -> object
        With ``epochs, batch_size, patience, learning_rate, augment``.

    Raises
    ------
    ConfigError
        If one cannot be used.
    """
    for name in ("epochs", "batch_size", "patience"):
        value = settings[name]
        if value is None and name != "batch_size":  # it goes with the number of windows
            continue
        if not isinstance(value, numbers.Integral) or value < 1:
            raise ConfigError(f"Expected a positive whole number. Received: {name}={value!r}.")
    rate = settings["learning_rate"]
    if not isinstance(rate, numbers.Real) or not 0 < float(rate) < math.inf:
        raise ConfigError(f"Expected a positive number. Received: learning_rate={rate!r}.")
    if not isinstance(settings["augment"], (bool, np.bool_)):
        raise ConfigError(f"Expected True or False. Received: augment={settings['augment']!r}.")


def fair_sample(n_windows: int, n_times: int, sample_weight: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """Choose windows that stand for all: evenly spaced, each as often as its weight says, few enough to hold in memory.

    Parameters
    ----------
    n_windows, n_times : int
        How many there are, and the samples of each.
    sample_weight : array, shape (n_windows,) | None
        How often each is seen in training.
    rng : Generator
        Decides over fractions of weights.

    Returns
    -------
    numbers : array of int
        Ascending.
    """
    from eegemo.training.batches import draws

    numbers = np.arange(n_windows) if sample_weight is None else draws(sample_weight, rng)
    n_wanted = max(1, _SAMPLES_OF_A_CHANNEL // n_times)
    return numbers[:: math.ceil(len(numbers) / n_wanted)]


def warn_of_volts(X: Windows | np.ndarray, *, stacklevel: int) -> None:
    """Warn of windows that vary as EEG in volts does.

    Parameters
    ----------
    X : Windows | array, shape (n, n_channels, n_times)
        Of which a few are looked at.
    stacklevel : int
        Of the warning, for whoever calls this: 1 is the caller.
    """
    few = X if len(X) <= 16 else X[np.linspace(0, len(X) - 1, 16).astype(int)]
    spreads = np.ptp(np.asarray(few), axis=-1)
    if 2 * np.count_nonzero(spreads < _LEAST_MICROVOLTS) < spreads.size:  # the median takes longer
        return
    spread = np.median(spreads)
    if 0 < spread < _LEAST_MICROVOLTS:
        warnings.warn(
            f"The windows vary by {spread:.1g} from lowest to highest, as EEG in volts does; microvolts are expected: "
            "multiply by 1e6.",
            UserWarning,
            stacklevel=stacklevel + 1,
        )


def carve(
    X: Windows | np.ndarray, groups: np.ndarray | None, fraction: Any, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw whole groups for validation.

    Parameters
    ----------
    X : Windows | array, shape (n, ...)
        All training windows.
    groups : array, shape (n,) | None
        What stays together; the trials of Windows, and each row of an array by itself, where not given.
    fraction : float
        Share of the groups that is set aside.
    rng : Generator
        Draws them.

    Returns
    -------
    keep, aside : array of int
        Numbers of the windows to train on, and of those set aside.

    Raises
    ------
    ConfigError
        If the fraction is none, or there are too few groups.
    """
    if not isinstance(fraction, numbers.Real) or not 0 < float(fraction) < 1:
        raise ConfigError(f"validation_fraction must lie between 0 and 1, got {fraction!r}.")
    if groups is None:
        groups = X.groups if isinstance(X, Windows) else np.arange(len(X))
    if np.shape(groups) != (len(X),):
        raise ValueError(f"groups must hold one value for each of the {len(X)} windows, got {np.shape(groups)}.")
    units = np.unique(groups)
    n_aside = max(1, round(float(fraction) * len(units)))
    if n_aside >= len(units):
        raise ConfigError(f"There are {len(units)} groups, too few to set {fraction:g} of them aside for validation.")
    chosen = np.isin(groups, rng.choice(units, n_aside, replace=False))
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)
