"""The table of features beside their peers, on one trial."""

from __future__ import annotations

import pytest
from rich.console import Console

from benchmarks.feature_extraction import PEERS, STEPS, FeaturesBenchmark, run
from eegemo.features import FEATURES


def test_every_feature_has_a_peer_that_agrees_and_stands_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    table = run(FeaturesBenchmark(trials=1, rounds=1), Console(width=200))
    assert list(table.index) == list(FEATURES) == list(PEERS)
    assert {f"{overlap}: ratio" for overlap in STEPS} <= set(table)
    assert "of 28 slower than their best peer" in capsys.readouterr().out
