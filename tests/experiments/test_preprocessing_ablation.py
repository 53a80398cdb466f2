"""The measures of the ablation, and a small run of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import preprocessing_ablation as ablation
from eegemo import ConfigError


def test_alpha_power_is_that_of_the_still_seconds() -> None:
    t = np.arange(128 * 4) / 128
    alpha = np.sin(2 * np.pi * 10 * t)
    doubled = np.where(t < 2, alpha, 2 * alpha)
    signals = np.stack([alpha, doubled], axis=1)
    first_half = ablation.alpha_power(signals, np.array([True, True, False, False]))
    assert first_half[1] / first_half[0] == pytest.approx(1)
    second_half = ablation.alpha_power(signals, np.array([False, False, True, True]))
    assert second_half[1] / second_half[0] == pytest.approx(4)


def test_alpha_power_takes_no_other_band() -> None:
    t = np.arange(128 * 4) / 128
    signals = np.stack([np.sin(2 * np.pi * 10 * t), np.sin(2 * np.pi * 20 * t)], axis=1)
    alpha, beta = ablation.alpha_power(signals, np.ones(4, bool))
    assert beta < 1e-6 * alpha


def test_a_second_with_a_blink_in_either_eog_is_not_still() -> None:
    artefact = np.zeros((128 * 3, 2))
    artefact[130, 1] = 200
    assert ablation.seconds_without_movement(artefact).tolist() == [True, False, True]


def test_correlations_are_with_the_eog_alone() -> None:
    rng = np.random.default_rng(0)
    eog = rng.standard_normal((1000, 2))
    signals = np.stack([eog[:, 0], -eog[:, 1], rng.standard_normal(1000)], axis=1)
    r = ablation.correlations(signals, eog)
    assert r.shape == (3, 2)
    assert r[0, 0] == pytest.approx(1)
    assert r[1, 1] == pytest.approx(1)
    assert r[2].max() < 0.15


def test_an_unknown_variant_is_refused_before_anything_is_simulated(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no coffee"):
        ablation.run(ablation.PreprocessingAblation(variants=("no coffee",), out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_small_run_finds_that_the_eog_removal_removes_the_eog(tmp_path: Path) -> None:
    config = ablation.PreprocessingAblation(
        subjects=1, n_trials=12, variants=("all steps", "no EOG removal"), epochs=1, n_splits=2, out=tmp_path / "out"
    )
    table = ablation.run(config).set_index("variant")
    left, with_eog = table.loc["all steps"], table.loc["no EOG removal"]
    assert left["|r| with ocular artefact, worst"] < 0.5 * with_eog["|r| with ocular artefact, worst"]
    assert left["change of alpha, worst"] < 0.05
    page = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "SIMULATED recordings" in page
    assert (tmp_path / "out" / "steps.png").stat().st_size > 10_000
    assert "| the clean twin" in page
