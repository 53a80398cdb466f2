"""What all transformers share: windows or arrays in, a table of features out."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from eegemo._validation import check_windows
from eegemo.errors import ConfigError, DataFormatError, suggest_settings
from eegemo.features.sliding import TOGETHER, Starts, as_range
from eegemo.trials import Trials
from eegemo.windows import Windows


class WindowFeatures(TransformerMixin, BaseEstimator, ABC):
    """Base of the transformers: features of every window, channel by channel.

    ``transform`` takes Windows, or an array ``(n, n_channels, n_times)`` in microvolts; a two-dimensional array is
    windows of one channel. Windows are computed trial by trial, the baseline before the stimulus included where a
    filter needs a run-up: nothing reaches from one trial into the next, but a filter of either direction reaches from
    one window into its neighbours unless ``filter_over="window"``. Each window of an array stands alone.

    Parameters
    ----------
    dtype : "float64" | "float32"
        Of the table of features. They are computed in double precision, and rounded to single precision at the end
        where it is asked for, which halves the memory.

    Attributes
    ----------
    n_features_in_ : int
        Channels (of a two-dimensional ``X``: samples).
    ch_names_ : tuple of str
        Of the Windows; ``ch0, ch1, ...`` of an array.
    sfreq_ : float | None
        In Hz: of the Windows, or the parameter ``sfreq``; None where neither says.
    n_channels_, n_times_ : int
        Of a window.
    of_windows_ : bool
        Whether it was fitted on Windows, which name their channels.
    stands_alone_ : bool
        Whether the features of a window, as it was fitted, are of this window alone; False where they reach into its
        neighbours, which is so of Windows that are filtered trial by trial.
    """

    #: Whether the features cannot be computed without a sampling rate.
    needs_sfreq: ClassVar[bool] = False
    #: Whether overlapping windows share nothing, so that a few are computed at a time.
    window_by_window: ClassVar[bool] = False
    #: Whether a window that holds NaN or infinity has such features too, so that looking at these will do.
    shows_non_finite: ClassVar[bool] = False

    dtype: str
    n_channels_: int
    n_times_: int
    ch_names_: tuple[str, ...] | Any
    sfreq_: float | None
    of_windows_: bool
    stands_alone_: bool

    def __init__(self, *, dtype: str = "float64") -> None:
        self.dtype = dtype

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__init__" in vars(cls):
            suggest_settings(cls)

    def fit(self, X: np.ndarray | Windows, y: Any = None) -> Self:
        """Check the settings against the data, and learn the channels; no feature depends on other windows.

        Parameters
        ----------
        X : Windows | array, shape (n, n_channels, n_times) or (n, n_times)
            In microvolts.
        y : None
            Not used.

        Returns
        -------
        self : WindowFeatures

        Raises
        ------
        ConfigError
            If a setting does not suit the data: a band outside the recording's pass band, a window too short.
        ValueError
            If ``X`` has another shape, or values that are not finite.
        """
        self._checked(X, reset=True)
        return self

    def transform(self, X: np.ndarray | Windows) -> np.ndarray:
        """Compute the features.

        Parameters
        ----------
        X : Windows | array, shape (n, n_channels, n_times) or (n, n_times)
            In microvolts; as it was fitted.

        Returns
        -------
        features : array, shape (n, n_features), of ``dtype``
            Channel by channel; :meth:`get_feature_names_out` names the columns.

        Raises
        ------
        DataFormatError
            If a window holds NaN or infinity, or, of features that filter whole trials, any sample of its trial.
        """
        check_is_fitted(self, "ch_names_")
        X = self._checked(X, reset=False)
        parts = _of_windows(self, X) if isinstance(X, Windows) else _of_array(self, X)
        features = np.empty((len(X), self._n_features()), self.dtype)
        for rows, values in parts:
            features[rows] = values.reshape(len(values), -1)
        if self.shows_non_finite and isinstance(X, Windows) and not np.isfinite(features).all():
            row = int(np.isfinite(features).all(axis=1).argmin())
            raise _not_finite(X.trials, int(X.trial_index[row]))
        return features

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Name the features, such as ``F3_alpha_de``.

        Parameters
        ----------
        input_features : sequence of str | None
            Names for the channels of an array.

        Returns
        -------
        names : array of str, shape (n_features,)
        """
        check_is_fitted(self, "ch_names_")
        channels = self.ch_names_
        if input_features is not None:
            given = _check_feature_names_in(self, input_features)
            channels = tuple(given) if len(given) == len(channels) else channels  # otherwise they name samples
        places, kinds = self._places(channels), self._feature_names()
        return np.asarray([f"{place}_{kind}" for place in places for kind in kinds], object)

    def _places(self, ch_names: tuple[str, ...]) -> list[str]:
        """Return what has features: the channels, or pairs of them."""
        return list(ch_names)

    @abstractmethod
    def _feature_names(self) -> list[str]:
        """Return the names of the features that each place has."""

    @abstractmethod
    def _compute(self, signals: np.ndarray, starts: Starts, n_times: int) -> np.ndarray:
        """Compute the features of the windows that begin at ``starts`` in each of several signals.

        Parameters
        ----------
        signals : array, shape (n_signals, n_channels, n_times), float32 or float64
            Samples of one time are neighbours in memory, or those of one channel.
        starts : array of int, shape (n_starts,) | range
            Ascending.
        n_times : int

        Returns
        -------
        features : array, shape (n_signals, n_starts, n_places, n_names)
        """

    def _check_settings(self, pass_band: tuple[float | None, float | None]) -> None:
        """Refuse settings that do not suit ``ch_names_``, ``sfreq_``, ``n_times_`` and the recording's pass band."""

    def _filters_trials(self) -> bool:
        """Say whether a window of Windows has something of its neighbours in its features."""
        return False

    def _n_together(self) -> int:
        """Return how many windows are computed at a time, where that is window by window."""
        return max(1, TOGETHER // (self.n_channels_ * self.n_times_))

    def _n_features(self) -> int:
        return len(self._places(self.ch_names_)) * len(self._feature_names())

    def _checked(self, X: Any, *, reset: bool) -> Any:
        name = type(self).__name__
        given: float | None = getattr(self, "sfreq", None)
        if given is not None and (isinstance(given, str) or not 0 < given < math.inf):
            raise ConfigError(f"sfreq must be a sampling rate in Hz, got {given!r}.")
        if self.dtype not in ("float64", "float32"):
            raise ConfigError(f"dtype must be 'float64' or 'float32', got {self.dtype!r}.")
        X = check_windows(self, X, reset=reset, dtype=np.float64)
        pass_band: tuple[float | None, float | None] = (None, None)
        sfreq = given
        if isinstance(X, Windows):
            sfreq, pass_band = X.sfreq, X.trials.pass_band
            if given is not None and given != sfreq:
                raise ConfigError(f"sfreq={given:g} Hz was given, but the windows have {sfreq:g} Hz; leave it out.")
        if reset:
            if self.needs_sfreq and sfreq is None:
                raise ConfigError(f"{name} needs the sampling rate of an array: {name}(sfreq=...) in Hz.")
            self.sfreq_ = sfreq
            self.of_windows_ = isinstance(X, Windows)
            self.stands_alone_ = not (self.of_windows_ and self._filters_trials())
            if self.ch_names_ is None:
                self.ch_names_ = tuple(f"ch{number}" for number in range(self.n_channels_))
            self._check_settings(pass_band)
        elif (sfreq or self.sfreq_) != self.sfreq_:
            raise ValueError(f"X is sampled at {sfreq} Hz, but {name} was fitted on {self.sfreq_} Hz.")
        return X

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _of_windows(features: WindowFeatures, windows: Windows) -> Iterator[tuple[np.ndarray | slice, np.ndarray]]:
    """Compute trial by trial; give the numbers of a trial's windows, and their features."""
    trials, n_times = windows.trials, windows.n_times
    order = np.lexsort((windows.starts, windows.trial_index))
    in_order = (np.diff(order) == 1).all()
    numbers, first = np.unique(windows.trial_index[order], return_index=True)
    beginnings, lengths = (trials.table[name].to_numpy() for name in ("start", "n_times"))
    batch = features._n_together() if features.window_by_window else len(windows)
    for number, begin, end in zip(numbers, first, [*first[1:], len(windows)], strict=True):
        beginning = beginnings[number]
        samples = np.asarray(trials.signals[beginning : beginning + lengths[number]])
        starts = as_range(windows.starts[order[begin:end]] - beginning)
        if not features.shows_non_finite and not (finite := np.isfinite(samples)).all():
            if features._filters_trials() or _hold_any(~finite.all(axis=1), starts, n_times):
                raise _not_finite(trials, number)
            samples = np.where(finite, samples, 0)  # none of these samples is in a window
        for at in range(begin, end, batch):
            chosen = slice(at, min(at + batch, end))
            values = features._compute(samples.T[None], starts[chosen.start - begin : chosen.stop - begin], n_times)[0]
            yield chosen if in_order else order[chosen], values


def _hold_any(marked: np.ndarray, starts: Starts, n_times: int) -> bool:
    """Return whether any window holds a marked sample."""
    before = np.concatenate([[0], np.cumsum(marked)])
    begin = np.asarray(starts)
    return bool((before[begin + n_times] > before[begin]).any())


def _not_finite(trials: Trials, number: int) -> DataFormatError:
    trial, subject = (trials.table[name].iloc[number] for name in ("trial", "subject"))
    return DataFormatError(f"X contains NaN or infinity in trial {trial} of subject {subject}; repair or drop it.")


def _of_array(features: WindowFeatures, X: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    batch = features._n_together()
    for rows in (slice(at, at + batch) for at in range(0, len(X), batch)):
        yield rows, features._compute(np.ascontiguousarray(X[rows]), range(1), X.shape[2])[:, 0]
