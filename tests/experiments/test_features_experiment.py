"""The experiment on features: a small run, its tables, and its map against what was simulated."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from scipy import stats

import features
from eegemo import ConfigError, DifferentialEntropy, Results, quadrants, simulate
from eegemo.datasets.simulated import emotion_topography
from eegemo.evaluation.slopes import rating_slopes
from eegemo.reporting.topography import topography_figure


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Results]]:
    out = tmp_path_factory.mktemp("results") / "features"
    config = features.Features(
        features=("differential-entropy", "rms"),
        classifiers=("logistic-regression",),
        models=("riemann",),
        channels=("F3", "F4", "O1", "O2"),
        n_splits=2,
        smoke=True,
        tables=True,
        out=out,
    )
    return out, features.run(config, Console(file=io.StringIO()))


def test_every_model_stands_under_every_protocol_on_the_same_folds(small: tuple[Path, list[Results]]) -> None:
    _, results = small
    names = ["logistic-regression on differential-entropy", "logistic-regression on rms", "riemann"]
    assert [(r.protocol, r.model) for r in results] == [(p, name) for p in ("trial", "subject") for name in names]
    for protocol in ("trial", "subject"):
        assert len({r.provenance["split_hash"] for r in results if r.protocol == protocol}) == 1


def test_the_page_crosses_features_and_classifiers_with_intervals(small: tuple[Path, list[Results]]) -> None:
    out, results = small
    table: Any = pd.read_csv(out / "tables" / "headline.csv", comment="#", dtype=str).fillna("")
    assert list(table["features"]) == ["differential-entropy", "rms", "(windows) riemann"] * 2
    mean = results[0].of_subjects()["macro_f1"].mean()
    assert table.loc[0, "logistic-regression"].startswith(f"{mean:.3f} [")
    assert table.loc[2, "logistic-regression"] == ""
    page = (out / "README.md").read_text()
    assert "topography.png" in page
    assert "SIMULATED" in page
    assert (out / "topography.png").read_bytes().startswith(b"\x89PNG")


def test_models_on_samples_are_no_classifiers_of_features(tmp_path: Path) -> None:
    config = features.Features(classifiers=("riemann",), smoke=True, out=tmp_path)
    with pytest.raises(ConfigError, match="--classifiers must be models on features"):
        features.run(config, Console(file=io.StringIO()))


def test_slopes_are_those_of_a_regression_in_each_person() -> None:
    """One channel and band by scipy, with arousal taken out by hand (Frisch-Waugh), and the mean over people."""
    trials = quadrants().select(simulate(2, channels=["F3", "F4"]))
    windows = trials.windows(4.0, 4.0)
    slopes: Any = rating_slopes(windows)[0]
    entropy = DifferentialEntropy().fit_transform(windows)[:, 5]  # F4, alpha
    of_trials = pd.Series(entropy).groupby(windows.trial_index).mean().to_numpy()
    found = []
    for subject in (1, 2):
        own = (trials.table["subject"] == subject).to_numpy()
        valence, arousal = (trials.table[name].to_numpy()[own] / 2 for name in ("valence", "arousal"))
        fit = stats.linregress(arousal, valence)
        found.append(stats.linregress(valence - fit.intercept - fit.slope * arousal, of_trials[own]).slope)
    assert slopes.loc[("valence", "alpha"), "F4"] == pytest.approx(np.mean(found))


def test_the_map_finds_what_was_simulated() -> None:
    windows = quadrants().select(simulate(4, effect=1.0)).windows(4.0, 4.0)
    slopes: Any = rating_slopes(windows)[0]
    truth: Any = emotion_topography(1.0)
    left, right = ["AF3", "F3", "F7"], ["AF4", "F4", "F8"]
    alpha = slopes.loc[("valence", "alpha")]
    assert alpha[left].mean() < -0.2 < 0.2 < alpha[right].mean()
    assert slopes.loc[("arousal", "alpha"), ["O1", "O2", "Oz"]].max() < -0.3
    # What is simulated as nothing is measured as less than half, but for theta: slow alpha reaches into it.
    nothing = [row for row in truth.index if (truth.loc[row] == 0).all()]
    assert nothing == [("valence", "theta"), ("valence", "beta"), ("valence", "gamma"), ("arousal", "theta")]
    strong = slopes.abs().max(axis=1)
    assert strong[nothing[1:3]].max() < 0.5 * strong[("valence", "alpha")]
    assert strong[nothing[0]] < strong[("valence", "alpha")]
    assert strong[nothing[3]] < strong[("arousal", "alpha")]


def test_the_truth_is_what_the_simulation_does() -> None:
    """By its docstring: alpha down on the left and up on the right with valence; posterior alpha down with arousal."""
    truth: Any = emotion_topography(0.25)
    assert truth.loc[("valence", "alpha"), ["F3", "F4", "Fz", "P3", "FC5"]].tolist() == [-0.25, 0.25, 0, 0, 0]
    assert truth.loc[("arousal", "alpha"), ["O1", "Pz", "F3"]].tolist() == [-0.25, -0.25, 0]
    assert truth.loc[("arousal", "gamma"), ["T7", "Cz"]].tolist() == [0.25, 0]
    assert (emotion_topography(0.0).to_numpy() == 0).all()


def test_a_map_needs_channels_with_a_place(tmp_path: Path) -> None:
    index = pd.MultiIndex.from_product([["valence"], ["alpha"]], names=["rating", "band"])
    table = pd.DataFrame([[0.0, 1.0]], index=index, columns=["F3", "left ear"])
    with pytest.raises(ConfigError, match="A map needs channels of the 10-05 system, got F3, left ear"):
        topography_figure({"measured": table}, title="", note="", unit="")
    assert not list(tmp_path.iterdir())
