"""An experiment's folder, and the index of all of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from eegemo.reporting.experiment_page import without_repetition
from eegemo.reporting.page import command_of
from eegemo.reporting.results_index import folder_of_all_results, pages_of, write_index


@dataclass(frozen=True)
class Config:
    data: Path | None = None
    models: tuple[str, ...] = ("a", "b")
    n_splits: int = 5
    smoke: bool = False
    out: Path = Path("results")


def test_a_command_names_what_differs_from_the_defaults_and_no_path() -> None:
    config = Config(data=Path("/secret/deap"), models=("b",), n_splits=3, smoke=True, out=Path("/secret/out"))
    assert (
        command_of("experiments/x.py", config) == "python experiments/x.py --data DATA --models b --n-splits 3 --smoke"
    )
    assert command_of("experiments/x.py", Config()) == "python experiments/x.py"


def test_the_index_lists_every_folder_with_its_command_and_time(tmp_path: Path) -> None:
    for name, simulated in (("one", True), ("two", False)):
        made = {
            "title": f"Title {name}",
            "headline": f"Number {name}",
            "command": f"do {name}",
            "seconds": 61.2,
            "simulated": simulated,
            "smoke": False,
        }
        (tmp_path / name).mkdir()
        (tmp_path / name / "provenance.json").write_text(json.dumps(made))
    write_index(tmp_path)
    lines = (tmp_path / "README.md").read_text().splitlines()
    (one,) = (line for line in lines if "Title one" in line)
    (two,) = (line for line in lines if "Title two" in line)
    assert "[Title one](one/README.md)" in one
    assert "Number one" in one
    assert lines.index(two) < lines.index(one), "real people first"
    assert "simulated" in one
    assert "`do one`" in one
    assert "61 s" in one
    assert "real" in two


def test_pages_lie_in_folders_of_folders_and_what_is_kept_of_runs_is_none(tmp_path: Path) -> None:
    for name in ("one", "several/two", "one/runs", "one/runs/fold"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "provenance.json").write_text("{}")
    (tmp_path / "one" / "runs" / "provenance.json").unlink()

    assert pages_of(tmp_path) == [tmp_path / "one", tmp_path / "several" / "two"]


def test_the_folder_of_all_results_is_the_one_of_that_name_or_the_one_above() -> None:
    assert folder_of_all_results(Path("a/results/several/two")) == Path("a/results")
    assert folder_of_all_results(Path("a/results/one")) == Path("a/results")
    assert folder_of_all_results(Path("/tmp/a/one")) == Path("/tmp/a")


def test_pages_about_nobody_come_last(tmp_path: Path) -> None:
    for name, simulated in (("nobody", None), ("made", True), ("real", False)):
        made = {"title": name, "headline": "", "command": "", "seconds": 1, "simulated": simulated, "smoke": False}
        (tmp_path / name).mkdir()
        (tmp_path / name / "provenance.json").write_text(json.dumps(made))

    write_index(tmp_path)

    lines = [line for line in (tmp_path / "README.md").read_text().splitlines() if "/README.md)" in line]
    assert [line.split("]")[0].split("[")[1] for line in lines] == ["real", "made", "nobody"]
    assert "none" in lines[-1]


def test_what_runs_have_in_common_is_written_once_and_put_back() -> None:
    """Two models on three sets of windows, two of them under one protocol."""
    runs = [
        {
            "protocol": {"protocol": protocol, "seed": 0},
            "window": {"n_windows": n_windows},
            "model": model,
            "parameters": {"of": model},
            "leakage": [n_windows / 10] * 2,
            "seconds": float(number + n_windows),
            "commit": "abc",
        }
        for protocol, n_windows in (("subject", 1), ("dataset", 2), ("dataset", 3))
        for number, model in enumerate("ab")
    ]
    written = without_repetition(runs)
    put_back = [
        written["all_runs"] | written["models"][run["model"]] | written["protocols"][run["under"]] | run
        for run in written["runs"]
    ]
    assert [{key: value for key, value in run.items() if key != "under"} for run in put_back] == runs
    assert list(written["protocols"]) == ["subject", "dataset 1", "dataset 2"]
    assert [set(run) for run in written["runs"]] == [{"model", "under", "seconds"}] * 6


def test_provenance_of_something_else_is_no_page(tmp_path: Path) -> None:
    for name, made in (
        ("page", {"title": "ours", "command": "", "seconds": 1, "simulated": True, "smoke": False}),
        ("other/deeper", {"source": "somebody else"}),
    ):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "provenance.json").write_text(json.dumps(made))
    (tmp_path / "cut short").mkdir()
    (tmp_path / "cut short" / "provenance.json").write_text('{"title": ')

    write_index(tmp_path)

    assert "[ours](page/README.md)" in (text := (tmp_path / "README.md").read_text())
    assert "deeper" not in text
