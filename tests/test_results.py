"""What is committed in results/ is what its command makes: a stale page is found without running anything."""

from __future__ import annotations

import importlib
import json
import re
import shlex
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import tyro

from eegemo.reporting.page import settings_of
from eegemo.reporting.results_index import pages_of

RESULTS = Path(__file__).resolve().parents[1] / "results"
PAGES = pages_of(RESULTS)
COMMITTED = [path for page in PAGES for path in page.rglob("*") if path.is_file() and path.parent == page]


def read(page: Path) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((page / "provenance.json").read_text(encoding="utf-8"))
    return made


def runs_of(made: dict[str, Any]) -> list[dict[str, Any]]:
    """Put back what a page writes once for all runs of one model, or under one protocol."""
    return [
        made["all_runs"] | made["models"].get(run["model"], {}) | made["protocols"].get(run["under"], {}) | run
        for run in made["runs"]
    ]


def configuration_of(command: str) -> Any:
    """Return the options that a page's command stands for, by the script as it is now."""
    python, script, *words = shlex.split(command)
    assert python == "python"
    options = get_type_hints(importlib.import_module(Path(script).stem).run)["config"]
    return tyro.cli(options, args=words)


def options_that_came_later(made: dict[str, Any]) -> dict[str, Any]:
    """Return the options that evaluations have now, which change nothing on a CPU, where every page was written."""
    return {"n_permutations": "auto"} if "runs" in made else {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_the_configuration_that_its_command_stands_for(page: Path) -> None:
    made = read(page)
    assert settings_of(configuration_of(made["command"])) == {**options_that_came_later(made), **made["configuration"]}
    assert not made["smoke"]
    assert f"Made by `{made['command']}`" in (page / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [page for page in PAGES if "runs" in read(page)], ids=lambda page: page.name)
def test_a_page_has_the_models_protocols_and_folds_of_its_command(page: Path) -> None:
    made = read(page)
    config = configuration_of(made["command"])
    runs = runs_of(made)
    real = [run for run in runs if run["control"] is None]
    assert set(config.models) <= {run["model"] for run in real}
    protocols = {run["protocol"]["protocol"] for run in real}
    assert protocols == set(getattr(config, "protocols", ("subject",)))
    for under in {run["under"] for run in real}:  # a protocol, and a set of windows where there are several
        models = [run["model"] for run in real if run["under"] == under]
        assert sorted(models) == sorted({run["model"] for run in real}), f"{under}: a model is missing, or there twice"
    assert all(len(run["leakage"]) == run["n_folds"] for run in runs), "a fold is missing"
    if hasattr(config, "n_splits"):
        assert config.n_splits in {run["protocol"]["n_splits"] for run in real}
    assert all(run["protocol"]["random_state"] == config.seed for run in real)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_figure_of_a_page_is_there_and_no_other_file(page: Path) -> None:
    shown = set(re.findall(r"\]\((\w+\.png)\)", (page / "README.md").read_text(encoding="utf-8")))
    assert shown
    there = {path.name for path in COMMITTED if path.parent == page}
    assert there - {"folds.csv"} == {"README.md", "provenance.json", *shown}


def test_the_index_leads_to_every_page() -> None:
    index = (RESULTS / "README.md").read_text(encoding="utf-8")
    assert {page.relative_to(RESULTS).as_posix() for page in PAGES} == set(
        re.findall(r"\(([\w/]+)/README\.md\)", index)
    )
    for page in PAGES:
        assert read(page)["headline"].replace("|", r"\|") in index


def test_results_are_few_and_small() -> None:
    assert len(COMMITTED) < 150
    assert sum(path.stat().st_size for path in COMMITTED) < 4_500_000
