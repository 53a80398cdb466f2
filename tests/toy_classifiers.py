"""Classifiers of a few lines, that learn a mean, guess, read out what they are shown, or fail where they are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from eegemo import Windows


def flat(X: Any) -> np.ndarray:
    return np.asarray(X).reshape(len(X), -1)


def flattened(*steps: BaseEstimator) -> Pipeline:
    return make_pipeline(FunctionTransformer(flat), *steps)


class NearestMean(ClassifierMixin, BaseEstimator):
    """Predicts from the distances to the means of the classes; its clones write down what they are fitted on."""

    #: The starts of the windows of every fit in this process.
    fitted_on: ClassVar[list[tuple[int, ...]]] = []

    def __init__(self, shrink: float = 0.0, random_state: int | None = None, option: Any = None) -> None:
        self.shrink = shrink
        self.random_state = random_state
        self.option = option

    def fit(self, X: Windows, y: np.ndarray) -> Self:
        NearestMean.fitted_on.append(tuple(X.starts))
        self.classes_ = np.unique(y)
        self.means_ = (1 - self.shrink) * np.stack([flat(X)[y == k].mean(axis=0) for k in self.classes_])
        return self

    def predict_proba(self, X: Windows) -> np.ndarray:
        closeness = np.exp(-np.linalg.norm(flat(X)[:, None] - self.means_, axis=2))
        return closeness / closeness.sum(axis=1, keepdims=True)

    def accuracy(self, X: Windows, y: np.ndarray) -> float:
        return float((self.classes_[self.predict_proba(X).argmax(axis=1)] == y).mean())


class Faulty(NearestMean):
    """Breaks in the fits that are numbered here, counted over all clones."""

    fails_in: ClassVar[set[int]] = set()
    n_fits: ClassVar[int] = 0
    exception: ClassVar[type[BaseException]] = RuntimeError

    def fit(self, X: Windows, y: np.ndarray) -> Self:
        super().fit(X, y)
        number = Faulty.n_fits
        Faulty.n_fits += 1
        if number in self.fails_in:
            raise self.exception(f"fit {number}")
        return self


@contextmanager
def failing(*fits: int, exception: type[BaseException] = RuntimeError) -> Iterator[None]:
    Faulty.fails_in, Faulty.n_fits, Faulty.exception = set(fits), 0, exception
    try:
        yield
    finally:
        Faulty.fails_in = set()


class Guesser(ClassifierMixin, BaseEstimator):
    """Predicts at random."""

    def __init__(self, random_state: int | np.random.RandomState | None = None, option: Any = None) -> None:
        self.random_state = random_state
        self.option = option

    def fit(self, X: Windows, y: np.ndarray) -> Self:
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X: Windows) -> np.ndarray:
        rng = np.random.RandomState(self.random_state) if isinstance(self.random_state, int) else np.random
        return rng.dirichlet(np.ones(len(self.classes_)), len(X))


class Reader(ClassifierMixin, BaseEstimator):
    """Reads its probabilities off the channels from ``first`` on, one a class."""

    def __init__(self, first: int = 0, n_classes: int = 2) -> None:
        self.first = first
        self.n_classes = n_classes

    def fit(self, X: Windows, y: np.ndarray) -> Self:
        self.classes_ = np.arange(self.n_classes)
        return self

    def predict_proba(self, X: Windows) -> np.ndarray:
        return np.asarray(X)[:, self.first : self.first + self.n_classes, 0]
