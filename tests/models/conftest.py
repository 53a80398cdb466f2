"""Fixtures of the models' tests: no tracing, small windows, networks fitted for two steps, what a network was shown."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import pytest

from eegemo import EEGClassifier, Trials, Windows
from eegemo.models.estimator import NetworkEstimator
from eegemo.networks import NETWORKS
from tiny import traced
from toy_windows import Seen, make, toy


@pytest.fixture(scope="module")
def no_tracing() -> Iterator[None]:
    """Most tests fit a tiny network for a few steps: tracing it takes longer than running it."""
    with traced(False):
        yield


@pytest.fixture(scope="session")
def few_windows(small_trials: Trials) -> Windows:
    """48 windows of six trials: two of the classes have two trials, two have one."""
    return small_trials.select(range(6)).windows(duration=0.5, step=0.5)


@pytest.fixture(scope="session")
def fitted() -> dict[str, EEGClassifier]:
    """Every model, trained for two steps on thirty toy windows."""
    with traced(False):
        return {name: make(name).fit(*toy(30, 0)) for name in NETWORKS}


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """Let no network train, but write down what it would have been given."""
    record = Seen()
    monkeypatch.setattr(keras.Sequential, "train_on_batch", lambda model, x, *a, **k: record.train(model, x, *a, **k))
    monkeypatch.setattr(keras.Sequential, "predict_on_batch", lambda model, x: record.predict(model, x))
    # What it has learned of its training data is looked at when training is over.
    monkeypatch.setattr(NetworkEstimator, "_judge", lambda *_: None)
    return record
