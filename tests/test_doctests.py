"""Examples in docstrings and in the README do what they say."""

from __future__ import annotations

import doctest
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import eegemo
from simulated_once import people_recorded_once

PACKAGE = Path(eegemo.__file__).parent
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    for path in PACKAGE.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.fixture(scope="module", autouse=True)
def recorded_once() -> Iterator[None]:
    with people_recorded_once():
        yield


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name: str) -> None:
    failed, tried = doctest.testmod(importlib.import_module(name), optionflags=_FLAGS)

    assert tried > 0
    assert failed == 0


def test_the_examples_of_the_readme_run() -> None:
    readme = (PACKAGE.parent / "README.md").read_text(encoding="utf-8")
    without_fences = re.sub(r"^```.*$", "", readme, flags=re.MULTILINE)
    test = doctest.DocTestParser().get_doctest(without_fences, {}, "README.md", "README.md", 0)

    failed, tried = doctest.DocTestRunner(optionflags=_FLAGS).run(test)

    assert tried >= 15
    assert failed == 0


def test_names_that_people_call_first_have_an_example() -> None:
    for name in ("simulate", "EEGClassifier", "EEGRegressor", "make_model", "evaluate", "quadrants", "make_splitter"):
        assert ">>> " in getattr(eegemo, name).__doc__, name
