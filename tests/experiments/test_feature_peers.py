"""The features beside their peers, on a few seconds."""

from __future__ import annotations

import pytest
from rich.console import Console

from benchmarks.feature_extraction import N_TIMES, PEERS, STEPS, FeaturesBenchmark, compare, run, sides
from eegemo import Trials, simulate
from eegemo.features import FEATURES


@pytest.fixture(scope="module")
def few_seconds() -> Trials:
    trials = simulate(1).select([0])
    short = trials.table.assign(n_times=trials.table["n_baseline"] + 5 * N_TIMES)
    return Trials(trials.signals, short, trials.ch_names, trials.sfreq, "a few seconds", simulated=True)


@pytest.mark.parametrize("overlap", STEPS)
def test_every_feature_has_peers_that_agree(few_seconds: Trials, overlap: str) -> None:
    assert list(PEERS) == list(FEATURES)
    windows = few_seconds.windows(n_times=N_TIMES, step=STEPS[overlap])
    for name in FEATURES:
        row = compare(sides(name, windows, STEPS[overlap]), overlap, len(windows), 1)
        assert row[f"{overlap}: ratio"] > 0  # type: ignore[operator]


def test_the_table_says_how_many_are_slower(capsys: pytest.CaptureFixture[str]) -> None:
    table = run(FeaturesBenchmark(features=("rms",), trials=1, rounds=1), Console(width=200))
    assert list(table.index) == ["rms"]
    assert "of 2 slower than their best peer" in capsys.readouterr().out
