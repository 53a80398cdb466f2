"""Baselines that never saw an EEG: what the labels give away by themselves."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from eegemo.errors import ConfigError
from eegemo.windows import Windows

_BY = (None, "subject", "stimulus")
_JITTER = 1e-4  # far above the resolution of float32, so that no class is favoured by a tie


class UniformClassifier(ClassifierMixin, BaseEstimator):
    """Guess every class with the same probability.

    Parameters
    ----------
    random_state : int | RandomState | None
        Of the guesses.

    Attributes
    ----------
    classes_ : array, shape (n_classes,)
    """

    def __init__(self, random_state: int | np.random.RandomState | None = None) -> None:
        self.random_state = random_state

    def fit(self, X: Windows | pd.DataFrame, y: np.ndarray) -> Self:
        """Note the classes.

        Parameters
        ----------
        X : Windows | DataFrame
            Not looked at.
        y : array, shape (n_windows,)
            Their classes.

        Returns
        -------
        self : UniformClassifier
        """
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X: Windows | pd.DataFrame) -> np.ndarray:
        """Return probabilities that are equal but for chance in their fourth digit, shape (n_windows, n_classes)."""
        check_is_fitted(self)
        noise = check_random_state(self.random_state).uniform(size=(len(X), len(self.classes_)))
        proba = 1 + _JITTER * noise
        return proba / proba.sum(axis=1, keepdims=True)

    def predict(self, X: Windows | pd.DataFrame) -> np.ndarray:
        """Return the guesses, shape (n_windows,)."""
        guess = self.predict_proba(X).argmax(axis=1)
        return self.classes_[guess]


class MajorityClassifier(ClassifierMixin, BaseEstimator):
    """Predict the most frequent class of the training data: of all, of the same subject or of the same stimulus.

    Parameters
    ----------
    by : None | "subject" | "stimulus"
        Among which training windows to count. A subject or stimulus that training lacks gets the counts of
        all.

    Attributes
    ----------
    classes_ : array, shape (n_classes,)
    shares_ : DataFrame
        Share of each class, a row for each subject or stimulus; counts start at one, so none is 0.
    """

    def __init__(self, by: str | None = None) -> None:
        self.by = by

    def fit(self, X: Windows | pd.DataFrame, y: np.ndarray) -> Self:
        """Count classes.

        Parameters
        ----------
        X : Windows | DataFrame
            Windows, of which only the table is read, or that table.
        y : array, shape (n_windows,)
            Their classes.

        Returns
        -------
        self : MajorityClassifier
        """
        if self.by not in _BY:
            raise ConfigError(f"by must be one of {', '.join(map(repr, _BY))}, got {self.by!r}.")
        self.classes_, overall = np.unique(y, return_counts=True)
        counts = pd.crosstab(self._keys(X), np.asarray(y)).reindex(columns=self.classes_, fill_value=0)
        self.shares_ = _shares(counts)
        self._overall = _shares(pd.DataFrame([overall])).to_numpy()[0]
        return self

    def predict_proba(self, X: Windows | pd.DataFrame) -> np.ndarray:
        """Return the shares of the classes, shape (n_windows, n_classes)."""
        check_is_fitted(self)
        keys = self._keys(X)
        shares = self.shares_.reindex(keys).to_numpy()
        return np.where(np.isnan(shares), self._overall, shares)

    def predict(self, X: Windows | pd.DataFrame) -> np.ndarray:
        """Return the most frequent class, shape (n_windows,); the first one of a tie."""
        most_frequent = self.predict_proba(X).argmax(axis=1)
        return self.classes_[most_frequent]

    def _keys(self, X: Windows | pd.DataFrame) -> np.ndarray:
        if self.by is None:
            return np.zeros(len(X), int)
        table = X.table if isinstance(X, Windows) else X
        return table[self.by].to_numpy()


#: The baselines by name, as rows of the tables.
BASELINES = {
    "uniform guess": UniformClassifier(random_state=0),
    "majority": MajorityClassifier(),
    "majority of the subject": MajorityClassifier(by="subject"),
    "majority of the same stimulus": MajorityClassifier(by="stimulus"),
}


def baselines_for(table: pd.DataFrame, asks: str | None = None) -> dict[str, BaseEstimator]:
    """Return the baselines that can be had.

    Parameters
    ----------
    table : DataFrame
        A row a window.
    asks : "subject" | "stimulus" | None
        The column that is the class, where one is; a baseline that knows it is left out.

    Returns
    -------
    baselines : dict of str -> estimator
        Without those that need what the table does not name.
    """
    found = {}
    for name, classifier in BASELINES.items():
        by = getattr(classifier, "by", None)
        if by is None or (by != asks and not table[by].isna().any()):
            found[name] = classifier
    return found


def _shares(counts: pd.DataFrame) -> pd.DataFrame:
    return (counts + 1).div((counts + 1).sum(axis=1), axis=0)
