"""The models on recordings of real people."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

import real_eeg
from eegemo import ConfigError


def test_people_held_out_share_no_person_with_training(real_data: Path, tmp_path: Path) -> None:
    config = real_eeg.RealEEG(
        data=real_data / "eegmat12", models=("logistic-regression",), n_splits=2, smoke=True, out=tmp_path / "o"
    )
    results = real_eeg.run(config, Console(file=io.StringIO()))
    random, held_out = (result for result in results if result.control is None)
    assert [(result.protocol, result.control) for result in results if result.control] == [
        ("window-random", "permuted-labels"),
        ("window-random", "who-is-it"),
        ("window-random", "injected-signal"),
        ("subject", "permuted-labels"),
        ("subject", "injected-signal"),
    ]
    assert (random.leakage.trial, random.leakage.subject) == (1, 1)
    assert (held_out.leakage.trial, held_out.leakage.subject) == (0, 0)
    page = (tmp_path / "o" / "README.md").read_text()
    assert "Zyma" in page
    assert "confound" in page
    assert "SIMULATED" not in page
    assert not json.loads((tmp_path / "o" / "provenance.json").read_text())["simulated"]


def test_edf_files_as_published_are_read(real_data: Path, tmp_path: Path) -> None:
    config = real_eeg.RealEEG(
        data=real_data / "eegmat_edf",
        models=("cnn-gru",),
        protocols=("window-random",),
        n_splits=2,
        controls=(),
        smoke=True,
        out=tmp_path,
    )
    (result,) = real_eeg.run(config, Console(file=io.StringIO()))
    assert len(result.table) == 2 * 2 * 29, "two people, two tasks; (60 - 4) / 2 + 1 windows of 4 s in a minute"


def test_without_recordings_it_says_where_to_get_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("EEGEMO_REAL_DATA", raising=False)
    with pytest.raises(ConfigError, match="PhysioNet"):
        real_eeg.run(real_eeg.RealEEG(out=tmp_path / "o"), Console(file=io.StringIO()))
