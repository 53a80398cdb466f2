"""The experiment on what is lost without a look ahead: it runs, and its loss is what it says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import causal


def test_it_runs_and_names_protocol_and_leakage(tmp_path: Path) -> None:
    table = causal.run(causal.Causal(smoke=True, n_jobs=1, out=tmp_path / "causal"))
    assert list(zip(table["trained on"], table["tested on"], strict=True)) == list(causal.PAIRS)
    assert table["macro-F1"].between(0, 1).all()
    page = (tmp_path / "causal" / "README.md").read_text(encoding="utf-8")
    for words in ("SMOKE RUN", "SIMULATED recordings of 2 people", "Protocol trial", "No test window shares its trial"):
        assert words in page
    assert (tmp_path / "causal" / "causal.png").stat().st_size < 60_000
    provenance = json.loads((tmp_path / "causal" / "provenance.json").read_text())
    assert provenance["simulated"] is True
    assert provenance["smoke"] is True


def test_the_loss_is_against_zero_phase_data_person_by_person() -> None:
    of_person = {1: (0.8, 0.6, 0.7), 2: (0.5, 0.4, 0.55)}
    rows = [
        {"model": "m", "trained on": trained, "tested on": tested, "subject": person, "macro-F1": score + change}
        for change in (0.01, -0.01)  # two folds
        for person, scores in of_person.items()
        for (trained, tested), score in zip(causal.PAIRS, scores, strict=True)
    ]
    table = causal.summary(pd.DataFrame(rows))
    np.testing.assert_allclose(table["macro-F1"], [0.65, 0.5, 0.625])
    np.testing.assert_allclose(table["loss"], [0, 0.15, 0.025])
    np.testing.assert_allclose(table["least loss of a person"], [0, 0.1, -0.05])
    np.testing.assert_allclose(table["largest"], [0, 0.2, 0.1])
    assert table["sd over people"][0] == pytest.approx(0.3 / np.sqrt(2))
    said = causal.answer(table, np.arange(8.0))
    assert "m scores 0.650 trained and tested on zero-phase data, 0.500 when" in said
    assert "(a person loses 0.200 at most), and 0.625 when" in said
    assert "delay 10 Hz by 3 ms and 5 Hz by 0 ms" in said
