"""Experiments from the files of every dataset to the results, on simulated people who are quick to record."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import cross_dataset
import leakage_gap
from eegemo.datasets import _written_amigos, _written_dreamer, _written_seed, dataset, faced, gameemo
from eegemo.datasets.simulated_releases import WRITERS, write_simulated_release

SECONDS = 2  # of a trial


class Repeating:
    """A person whose recordings repeat a second of noise, which packs into little; positive valence is larger."""

    def __init__(self, name: str, subject: int, ch_names: Sequence[str], sfreq: float, **_: object) -> None:
        self.key, self.shape = [len(name), subject], (int(sfreq), len(ch_names))
        self.rng = np.random.default_rng(self.key)

    def felt(self, meant: np.ndarray) -> np.ndarray:
        """Everybody feels what is meant."""
        return np.asarray(meant, float)

    def record(self, recording: int, n_times: int, emotion: Sequence[float] = (0.0, 0.0)) -> np.ndarray:
        second = np.random.default_rng([*self.key, recording]).normal(0, 10 + 5 * emotion[0], self.shape)
        return np.tile(second, (n_times // len(second) + 1, 1))[:n_times].astype(np.float32)


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Three people in the files of each dataset, in short trials."""
    folder = tmp_path_factory.mktemp("releases")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_written_dreamer, "FILM_SECONDS", (60,) * 18)  # of which the last minute is taken
        patch.setattr(_written_dreamer, "BASELINE_TIMES", 128)
        patch.setattr(_written_dreamer, "_ecg", lambda *_: np.zeros((1, 2)))
        patch.setattr(_written_amigos, "VIDEO_SECONDS", (SECONDS,) * 20)
        patch.setattr(_written_seed, "SEED_N_TIMES", (200 * SECONDS,) * 15)
        patch.setattr(_written_seed, "SEED_IV_N_TIMES", ((200 * SECONDS,) * 24,) * 3)
        patch.setattr(faced, "N_TIMES", 250 * SECONDS)
        patch.setattr(gameemo, "N_TIMES", 128 * SECONDS)
        patch.setattr("eegemo.datasets.simulated_releases.SimulatedPerson", Repeating)
        for name in WRITERS:
            write_simulated_release(folder / name, name, 3)
        yield folder


def quiet() -> Console:
    return Console(file=io.StringIO())


QUICK = {"models": ("logistic-regression",), "window": 2.0, "step": 2.0, "n_jobs": 1, "smoke": True}


@pytest.mark.parametrize("name", WRITERS)
def test_from_the_files_of_a_dataset_to_scores(
    name: str, releases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New people, labelled by the dataset's first rule; pages are tried elsewhere."""
    monkeypatch.setattr(leakage_gap, "write_experiment_page", lambda *_, **__: None)
    config = leakage_gap.LeakageGap(
        **QUICK,  # type: ignore[arg-type]
        data=releases / name,
        protocols=("subject",),
        controls=(),
        channels=("F3", "T8"),
        cache=tmp_path / "cache",
        out=tmp_path / "gap",
    )
    (result,) = leakage_gap.run(config, quiet())
    assert result.provenance["dataset"] == f"simulated {dataset(name).name} files"
    assert result.simulated
    assert result.scheme.name == dataset(name).schemes[0].name
    assert len(result.folds) == 3
    assert result.leakage.subject == 0
    assert np.isfinite(result.of_subjects()["macro_f1"]).all()


def test_from_the_files_of_two_datasets_to_scores(
    releases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cross_dataset, "write_page", lambda *_, **__: None)
    config = cross_dataset.CrossDataset(
        **QUICK,  # type: ignore[arg-type]
        data=(f"A={releases / 'amigos'}", f"G={releases / 'gameemo'}"),
        labels=("quadrants", "emotion"),
        cache=tmp_path / "cache",
        out=tmp_path / "cross",
    )
    results = cross_dataset.run(config, quiet())
    assert [(result.protocol, len(result.folds)) for result in results] == [
        ("subject", 3),
        ("subject", 3),
        ("dataset", 2),
    ]
    assert results[2].leakage.subject == results[2].leakage.stimulus == 0
    assert results[2].scheme.classes == ("HVHA", "HVLA", "LVHA", "LVLA")
