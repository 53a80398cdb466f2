"""Fixtures of the experiments' tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulated_once import people_recorded_once


@pytest.fixture(scope="module", autouse=True)
def recorded_once() -> Iterator[None]:
    with people_recorded_once():
        yield
