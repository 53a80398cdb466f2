"""Simulated people who are recorded once for all tests that only need some: the same trial is the same samples."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from eegemo.datasets._simulated_subject import SimulatedSubject

_MOST_TRIALS = 320  # of 1.3 MB
_kept: dict[tuple[object, ...], np.ndarray] = {}
_record = SimulatedSubject.record


def _recorded(person: SimulatedSubject, trial: int) -> np.ndarray:
    key = (person.subject, person.effect, person.seed, person.ch_names, trial)
    if key not in _kept:
        samples = _record(person, trial)
        if len(_kept) >= _MOST_TRIALS:
            return samples
        _kept[key] = samples
    return _kept[key].copy()


@contextmanager
def people_recorded_once() -> Iterator[None]:
    """Let simulated people be recorded once, however often they are asked for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SimulatedSubject, "record", _recorded)
        yield
