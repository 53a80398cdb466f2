"""The experiments on protocols: small runs of each, what they write, and what their tables say."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import interval_coverage as coverage
import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from scipy import stats

import kfold
import leakage_gap
import null_check
import subject_independent
from eegemo import ConfigError, Results, corrected_resampled_ttest
from eegemo.evaluation.metrics import LEADING_METRICS

SMALL: dict[str, Any] = {
    "models": ("logistic-regression",),
    "channels": ("F3", "O1"),
    "seed": 3,
    "smoke": True,
    "tables": True,
}


def quiet() -> Console:
    return Console(file=io.StringIO())


@pytest.fixture(scope="module")
def gap(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Results]]:
    out = tmp_path_factory.mktemp("results") / "leakage_gap"
    config = leakage_gap.LeakageGap(
        **SMALL, controls=("permuted-labels", "injected-signal"), controlled=("trial",), out=out, window=4.0, step=4.0
    )
    return out, leakage_gap.run(config, quiet())


def test_every_protocol_keeps_whole_what_it_says(gap: tuple[Path, list[Results]]) -> None:
    shares = {r.protocol: r.leakage.shares for r in gap[1] if r.control is None}
    assert {name: share["trial"] for name, share in shares.items()} == {
        "window-random": 1,
        "trial": 0,
        "subject": 0,
        "stimulus": 0,
        "subject-stimulus": 0,
    }
    assert {name for name, share in shares.items() if share["subject"] == 0} == {"subject", "subject-stimulus"}
    assert {name for name, share in shares.items() if share["stimulus"] == 0} == {"stimulus", "subject-stimulus"}


def test_the_gap_has_its_controls_baselines_and_page(gap: tuple[Path, list[Results]]) -> None:
    out, results = gap
    assert [(r.protocol, r.control) for r in results if r.control] == [
        ("trial", "permuted-labels"),
        ("trial", "injected-signal"),
    ]
    controls = pd.read_csv(out / "tables" / "controls.csv", comment="#")
    assert list(controls["control"]) == ["permuted-labels", "injected-signal"]
    intervals = pd.read_csv(out / "tables" / "intervals.csv", comment="#")
    assert set(intervals["protocol"]) == {r.protocol for r in results}
    assert (intervals["model"] == "majority of the same stimulus").sum() == 5
    page = (out / "README.md").read_text()
    for words in ("SIMULATED", "SMOKE RUN", "gap.png", "Controls", "subject-stimulus"):
        assert words in page
    runs = json.loads((out / "provenance.json").read_text())["runs"]
    assert len(runs) == 7
    assert len({run["fingerprint"] for run in runs}) == 7


def test_a_control_has_the_folds_of_the_real_task(gap: tuple[Path, list[Results]]) -> None:
    real = next(r for r in gap[1] if r.protocol == "trial" and r.control is None)
    for control in (r for r in gap[1] if r.control):
        for mine, theirs in zip(control.folds, real.folds, strict=True):
            np.testing.assert_array_equal(mine.test, theirs.test)


def test_people_are_left_out_one_at_a_time(tmp_path: Path) -> None:
    config = subject_independent.SubjectIndependent(**SMALL, zscore_subjects=True, out=tmp_path / "o")
    (result,) = subject_independent.run(config, quiet())
    assert [set(result.table["subject"].iloc[fold.test]) for fold in result.folds] == [{1}, {2}, {3}]
    page = (tmp_path / "o" / "README.md").read_text()
    assert "subject, transductive" in page
    assert "stimuli that training knew are taken as fixed" in page


def test_folds_are_compared_by_the_corrected_test(tmp_path: Path) -> None:
    config = kfold.KFold(
        **{**SMALL, "models": ("logistic-regression", "cnn-gru")},
        protocols=("trial",),
        n_splits=3,
        subjects=(1,),
        window=4.0,
        step=4.0,
        out=tmp_path / "o",
    )
    gru, lstm = kfold.run(config, quiet())
    table = pd.read_csv(tmp_path / "o" / "tables" / "ttests.csv", comment="#")
    assert len(table) == 1
    assert table.loc[0, "p"] == pytest.approx(corrected_resampled_ttest(gru, lstm).p, abs=1e-4)
    assert table.loc[0, "df"] == 2


def test_the_null_check_counts_intervals() -> None:
    runs = pd.DataFrame(
        {
            "effect": 0.0,
            "protocol": ["trial"] * 3 + ["window-random"],
            "seed": [0, 1, 2, 0],
            "kappa": [0.0, 0.1, -0.2, 0.9],
            "low": [-0.1, 0.05, -0.3, 0.8],
            "high": [0.1, 0.15, -0.1, 1.0],
            "shared trial": [0.0, 0.0, 0.0, 1.0],
        }
    )
    table = null_check.summary(runs).set_index("protocol")
    assert table["interval holds chance"].to_dict() == {"trial": 1, "window-random": 0}
    assert table["interval above chance"].to_dict() == {"trial": 1, "window-random": 1}


def test_with_nothing_to_find_a_leaking_protocol_is_far_above_chance_and_an_honest_one_is_not(tmp_path: Path) -> None:
    config = null_check.NullCheck(
        effects=(0.0,),
        protocols=("window-random", "trial"),
        seeds=(0,),
        subjects=4,
        channels=("Fp1", "Fp2", "F3", "F4", "T7", "T8", "C3", "C4", "P3", "P4", "O1", "O2"),
        out=tmp_path / "o",
    )
    kappa = null_check.run(config, quiet()).set_index("protocol")["mean kappa"].astype(float)
    assert kappa["window-random"] > 0.5
    assert abs(kappa["trial"]) < 0.2
    assert "SIMULATED" in (tmp_path / "o" / "README.md").read_text()


def test_the_coverage_of_an_interval_is_the_share_of_worlds_whose_mean_it_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ends = {0: (0.0, 0.2), 1: (0.3, 0.5), 2: (0.0, 0.1), 3: (-0.1, 0.4)}

    def carry_out(world: str, n_people: int, protocol: str, number: int, stimuli: object) -> dict[str, Any]:
        metrics = (*LEADING_METRICS, "resampled")
        tests = (*(f"{metric} differs" for metric in LEADING_METRICS), "wilcoxon", "over folds", "dealt")
        return dict.fromkeys(metrics, (0.1 * number, *ends[number])) | dict.fromkeys(tests, number == 2)

    monkeypatch.setattr(coverage, "carry_out", carry_out)
    row = coverage.count("of the stimulus", 4, "stimulus", 4)
    assert row["mean kappa"] == pytest.approx(0.15)  # of 0, .1, .2, .3; the first and the last interval hold it
    assert row["kappa held"] == row["macro-F1 held"] == row["resampled held"] == 0.5
    assert row["kappa differs"] == row["wilcoxon"] == row["dealt"] == 0.25


def test_a_world_without_effect_is_at_chance_and_one_with_it_above() -> None:
    kappas = {
        world: np.mean([coverage.carry_out(world, 8, "trial", number, None)["kappa"][0] for number in range(6)])
        for world in ("independent", "planted")
    }
    assert abs(kappas["independent"]) < 0.08
    assert kappas["planted"] > 0.15


def test_people_resampled_are_percentiles_of_their_means() -> None:
    scores = np.array([0.1, 0.4, 0.5, 0.9, 0.3, 0.6])
    low, high = coverage.resampled(scores, np.random.default_rng(0), 20_000)
    widened = 1 - 2 * stats.norm.cdf(-math.sqrt(6 / 5) * stats.t.ppf(0.975, 5))
    drawn = stats.bootstrap(
        (scores,), np.mean, confidence_level=widened, method="percentile", n_resamples=20_000, rng=1
    )
    assert (low, high) == pytest.approx(tuple(drawn.confidence_interval), abs=0.02)


def test_a_cluster_that_does_not_answer_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No Dask scheduler answers"):
        kfold.run(kfold.KFold(**SMALL, cluster="tcp://127.0.0.1:9", out=tmp_path / "o"), quiet())
    assert not list(tmp_path.glob("o/*"))
