"""The main job, on simulated people directly and through DEAP's own file formats."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

import paper_tables
from eegemo import ConfigError, EEGClassifier, write_simulated

QUICK = {
    "models": ("cnn-gru",),
    "channels": ("F3", "F4", "O1"),
    "n_splits": 2,
    "epochs": 1,
    "subjects": (2,),
    "seed": 3,
}


@pytest.fixture(scope="module")
def from_simulation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("results") / "paper_tables"
    paper_tables.run(paper_tables.PaperTables(**QUICK, out=out, tables=True), Console(file=io.StringIO()))  # type: ignore[arg-type]
    return out


@pytest.mark.parametrize("format", ["python", "matlab"])
def test_deap_files_give_the_numbers_of_the_same_people_simulated_directly(
    format: str, from_simulation: Path, tmp_path: Path
) -> None:
    write_simulated(tmp_path / "deap", [2], format=format, random_state=3)  # type: ignore[arg-type]
    config = paper_tables.PaperTables(**QUICK, data=tmp_path / "deap", out=tmp_path / "out")  # type: ignore[arg-type]
    paper_tables.run(config, Console(file=io.StringIO()))
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "out" / "folds.csv"), pd.read_csv(from_simulation / "folds.csv")
    )
    provenance = json.loads((tmp_path / "out" / "provenance.json").read_text())
    assert provenance["simulated"], "files that the simulator wrote must not pass for recordings"
    assert str(tmp_path) not in (tmp_path / "out" / "provenance.json").read_text()


def test_every_table_and_page_says_simulated_protocol_and_leakage(from_simulation: Path) -> None:
    names = ("headline", "losses", "intervals", "intervals_of_trials", "scores", "leakage", "per_class")
    tables = [from_simulation / "tables" / f"{name}{suffix}" for name in names for suffix in (".md", ".tex", ".csv")]
    for path in (from_simulation / "README.md", *tables):
        for words in ("SIMULATED", "window-random", "shared samples", "trial"):
            assert words in path.read_text(), (path.name, words)


def test_a_page_says_whose_data_it_is_once_and_leads_with_question_answer_and_a_short_table(
    from_simulation: Path,
) -> None:
    page = (from_simulation / "README.md").read_text()
    assert page.count("nobody was recorded") == 1
    shown, *_ = page.split("<details>")
    assert [words for words in ("**Question.**", "**Answer.**") if words in shown] == ["**Question.**", "**Answer.**"]
    assert sum(line.startswith("|") for line in shown.splitlines()) == 2 + 1 + 4, "head, a model and four baselines"
    assert shown.count("![") == 2
    assert page.count("<details>") == page.count("</details>") > 8


def test_committed_files_are_few_and_tables_come_when_asked_for(from_simulation: Path, tmp_path: Path) -> None:
    shutil.copytree(from_simulation / "runs", tmp_path / "out" / "runs")
    paper_tables.run(paper_tables.PaperTables(**QUICK, out=tmp_path / "out"), Console(file=io.StringIO()))  # type: ignore[arg-type]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "README.md", "confusions.png", "curves.png", "folds.csv", "gap.png", "provenance.json", "runs", "subjects.png",
    ]  # fmt: skip
    page = (tmp_path / "out" / "README.md").read_text()
    assert page == (from_simulation / "README.md").read_text()


def test_the_papers_table_has_published_beside_ours(from_simulation: Path) -> None:
    table = pd.read_csv(from_simulation / "tables" / "headline.csv", comment="#", dtype=str)
    assert list(table.columns) == ["model", "published", "window-random", "trial"]
    assert table.loc[0, "published"] == "0.963 / - / -"
    folds = pd.read_csv(from_simulation / "folds.csv").query("protocol == 'window-random' and model == 'cnn-gru'")
    whole = folds[(folds["subject"] == "all") & (folds["level"] == "window")].set_index("part")["accuracy"]
    expected = " / ".join(f"{whole[part]:.3f}" for part in ("train", "validation", "test"))
    assert str(table.loc[0, "window-random"]).startswith(expected)  # and how often it collapsed, in a quick run
    assert len(table) == 1 + 4, "a model and four baselines"


def test_figures_of_every_model_and_protocol_are_written(from_simulation: Path) -> None:
    for name in ("gap", "subjects", "confusions", "curves"):
        assert (from_simulation / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    for protocol in ("window-random", "trial"):
        assert len(list((from_simulation / "runs").glob(f"{protocol}-cnn-gru-*/fold-000.npz"))) == 1


def test_a_second_run_takes_up_the_finished_folds_and_writes_the_same_tables(
    from_simulation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = tmp_path / "again"
    shutil.copytree(from_simulation, again)
    monkeypatch.setattr(EEGClassifier, "fit", None)  # nothing is left to fit
    paper_tables.run(paper_tables.PaperTables(**QUICK, out=again), Console(file=io.StringIO()))  # type: ignore[arg-type]
    assert (again / "folds.csv").read_bytes() == (from_simulation / "folds.csv").read_bytes()
    assert (again / "provenance.json").read_bytes() == (from_simulation / "provenance.json").read_bytes()


def test_the_summary_tells_what_was_done(tmp_path: Path) -> None:
    printed = io.StringIO()
    config = paper_tables.PaperTables(**{**QUICK, "protocols": ("trial",)}, out=tmp_path / "out")  # type: ignore[arg-type]
    paper_tables.run(config, Console(file=printed, width=160))
    for words in ("cnn-gru", "no EEG: majority of the same stimulus", "SIMULATED", "trial 0%"):
        assert words in printed.getvalue()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"models": ("cnn-grue",)}, "Did you mean 'cnn-gru'"),
        ({"protocols": ("trials",)}, "Did you mean 'trial'"),
        ({"channels": ("F3", "Q3")}, "Unknown channel 'Q3'"),
        ({"window": 61.0, "step": 61.0}, "longer than trial"),
        ({"n_splits": 41}, "more than the 40 trials"),
        ({"data": Path("deap"), "effect": 0.0}, "of simulated people alone"),
    ],
)
def test_a_setting_that_cannot_be_used_says_so(settings: dict[str, object], message: str, tmp_path: Path) -> None:
    config = paper_tables.PaperTables(**{**QUICK, **settings, "out": tmp_path / "out"})  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=message):
        paper_tables.run(config, Console(file=io.StringIO()))
    assert not list(tmp_path.glob("out/*.md")), "no half-written tables"


def test_the_notebooks_70_features_leak_their_samples(tmp_path: Path) -> None:
    config = paper_tables.PaperTables(
        models=("logistic-regression", "cnn-gru"),
        features="bands70",
        subjects=(2,),
        n_splits=2,
        smoke=True,
        out=tmp_path,
    )
    results = paper_tables.run(config, Console(file=io.StringIO()))
    leakage = {(result.protocol, result.model): result.leakage for result in results}
    assert len(results[0].table) == 40 * ((7680 - 256) // 16 + 1)
    for model in ("logistic-regression", "cnn-gru"):
        assert leakage["window-random", model].shared_samples > 0.99, "15/16 of a window lie in each of its neighbours"
        assert leakage["trial", model].shared_samples == 0
    network = results[1].folds[0]
    assert network.history.keys() == {"loss", "accuracy", "val_loss", "val_accuracy"}
    page = (tmp_path / "README.md").read_text()
    assert "70 features of the circulating DEAP notebooks" in page
    assert "--features bands70" in page


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": 2.0}, "--features bands70 has windows of its own; leave out --window and --step"),
        ({"models": ("riemann",)}, "--features bands70 cannot be given to Pipeline"),
    ],
)
def test_what_does_not_go_with_the_notebooks_features_says_so(
    settings: dict[str, object], message: str, tmp_path: Path
) -> None:
    config = paper_tables.PaperTables(**{"subjects": (2,), "features": "bands70", "out": tmp_path, **settings})  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=message):
        paper_tables.run(config, Console(file=io.StringIO()))
