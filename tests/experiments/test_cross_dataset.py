"""The experiment between datasets: what is trained and tested on what, and what its page says."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

import cross_dataset
from eegemo import ConfigError, LabelScheme, Results, Trials, combine_datasets, high_low
from eegemo.datasets import _written_amigos

RULE = high_low("valence")


def laboratory(seed: int, ch_names: Sequence[str], sfreq: float) -> Trials:
    """Three people with four trials of 4 s, whose alpha is stronger where they liked what they saw."""
    rng, n_times = np.random.default_rng(seed), int(4 * sfreq)
    alpha = np.sin(2 * np.pi * 10 * np.arange(n_times) / sfreq)
    valence = np.tile([2.0, 8.0], 6)
    strips = [
        rng.normal(0, 5, (n_times, len(ch_names))) + (20 if rating > 5 else 2) * alpha[:, None] for rating in valence
    ]
    table = pd.DataFrame(
        {
            "subject": np.repeat([1, 2, 3], 4),
            "trial": [1, 2, 3, 4] * 3,
            "stimulus": [1, 2, 3, 4] * 3,
            "start": np.arange(12) * n_times,
            "n_times": n_times,
            "n_baseline": 0,
            "valence": valence,
        }
    )
    signals = np.concatenate(strips).astype(np.float32)
    return Trials(signals, table, ch_names, sfreq, "laboratory", simulated=True)


def three_laboratories(_: object) -> tuple[Trials, LabelScheme]:
    parts = {
        "A": (laboratory(0, ("F3", "F4", "Oz"), 128.0), RULE),
        "B": (laboratory(1, ("Oz", "F3", "F4"), 128.0), RULE),
        "C": (laboratory(2, ("F3", "F4", "Oz", "Cz"), 200.0), RULE),
    }
    return combine_datasets(parts, reference=None)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Results]]:
    out = tmp_path_factory.mktemp("results") / "cross_dataset"
    config = cross_dataset.CrossDataset(
        models=("logistic-regression",), tables=True, n_jobs=1, window=1.0, step=1.0, out=out
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cross_dataset, "recordings", three_laboratories)
        return out, cross_dataset.run(config, Console(file=io.StringIO()))


def test_each_dataset_is_tested_by_itself_by_each_other_and_by_all_others(done: tuple[Path, list[Results]]) -> None:
    cells = pd.DataFrame([cell for result in done[1] for cell in cross_dataset.cells_of(result)])
    names = ["A", "B", "C"]
    expected = {(one, other) for one in names for other in names} | {("all others", name) for name in names}
    assert set(zip(cells["trained on"], cells["tested on"], strict=True)) == expected
    assert len(cells) == len(expected)
    assert (cells["macro-F1"] > 0.9).all(), "the alpha of one laboratory is that of another"


def test_between_datasets_nothing_is_shared(done: tuple[Path, list[Results]]) -> None:
    for result in done[1]:
        assert result.leakage.subject == 0
        assert result.leakage.stimulus == (0 if result.protocol == "dataset" else 1)
        assert result.simulated


def test_a_cell_is_the_mean_over_the_people_tested_on(done: tuple[Path, list[Results]]) -> None:
    result = next(result for result in done[1] if result.protocol == "dataset")
    for cell, fold in zip(cross_dataset.cells_of(result), result.folds, strict=True):
        people = result.table["subject"].iloc[fold.test]
        assert {name.split()[0] for name in people} == {cell["tested on"]}
        scores = result.scores.query(f"fold == {fold.number} and part == 'test' and level == 'window'")
        assert cell["macro-F1"] == pytest.approx(scores[scores["subject"] != "all"]["macro_f1"].mean())


def test_the_page_shows_the_table_and_calls_the_data_simulated(done: tuple[Path, list[Results]]) -> None:
    page = (done[0] / "README.md").read_text(encoding="utf-8")
    assert "SIMULATED" in page
    assert "all others" in page
    assert "no EEG: the best" in page
    assert (done[0] / "matrix.png").exists()
    made = json.loads((done[0] / "provenance.json").read_text())
    assert made["simulated"] is True
    assert made["seconds"] > 0
    assert set(made["protocols"]) == {
        f"{name} {n}" for name, many in (("subject", 3), ("dataset", 4)) for n in range(1, many + 1)
    }
    assert "9 subjects" in page, "all people of the three laboratories"
    folds = pd.read_csv(done[0] / "folds.csv")
    assert np.isfinite(folds["accuracy"]).all()
    assert list(dict.fromkeys(folds["datasets"])) == ["A", "B", "C", "A + B", "A + C", "B + C", "A + B + C"]


def test_people_are_simulated_in_the_files_of_other_datasets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cross_dataset, "SIMULATED", ("amigos",))
    monkeypatch.setattr(_written_amigos, "VIDEO_SECONDS", (4,) * 20)
    monkeypatch.setattr(cross_dataset, "simulate", lambda *_, **__: laboratory(0, ("F3", "F4", "Oz"), 128.0))
    trials, scheme = cross_dataset.recordings(cross_dataset.CrossDataset(n_people=1))
    assert trials.simulated
    assert trials.ch_names == ("F3", "F4")  # an Emotiv headset has no Oz
    assert trials.table["dataset"].value_counts().to_dict() == {"AMIGOS": 16, "DEAP": 12}
    assert scheme.classes == ("low", "high")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"data": ("/data/deap",)}, "NAME=FOLDER"),
        ({"data": ("a=x",), "effect": 0.5}, "of simulated people alone"),
        ({"labels": ("emotion",)}, r"DEAP has no rule for 'emotion', but for quadrants, valence, arousal; choose"),
    ],
)
def test_what_cannot_be_compared_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        cross_dataset.recordings(cross_dataset.CrossDataset(**settings))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "names", "rules"),
    [
        (("valence",), ("deap", "dreamer", "amigos"), ["valence>5", "valence>3", "valence>5"]),
        (("quadrants", "emotion"), ("dreamer", "gameemo"), ["quadrants>3", "emotion"]),
        (("valence_class", "emotion"), ("faced", "seed"), ["valence_class", "emotion"]),
    ],
)
def test_each_dataset_has_its_own_rule_and_all_the_same_classes(
    wanted: tuple[str, ...], names: tuple[str, ...], rules: list[str]
) -> None:
    found = [cross_dataset.rule_of(name, wanted) for name in names]
    assert [rule.name for rule in found] == rules
    assert len({rule.classes for rule in found}) == 1


def test_a_collapse_stands_in_its_cell_and_not_in_the_name_of_the_model(done: tuple[Path, list[Results]]) -> None:
    within = done[1][0]
    folds = (replace(within.folds[0], collapse="one class"), *within.folds[1:])
    (cell,) = cross_dataset.cells_of(replace(within, folds=folds))
    assert cell["model"] == "logistic-regression"
    assert cell["shown"].endswith("] (collapsed in 1 of 3 folds)")
