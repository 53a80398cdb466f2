"""Fixtures of the evaluation's tests: windows to be evaluated or audited, and what was fitted on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from eegemo import Trials, Windows
from toy_classifiers import NearestMean
from toy_trials import overlapping_windows


@pytest.fixture(scope="session")
def windows(small_trials: Trials) -> Windows:
    """Three people x 8 trials x 4 windows."""
    return small_trials.windows()


@pytest.fixture(scope="session")
def overlapping() -> Windows:
    """4 people x 4 trials x 5 windows that overlap by half."""
    return overlapping_windows()


@pytest.fixture
def fitted_on() -> Iterator[list[tuple[int, ...]]]:
    """The starts of the windows of every fit in this process."""
    NearestMean.fitted_on.clear()
    yield NearestMean.fitted_on
    NearestMean.fitted_on.clear()
