"""LibEER's tasks: what is trained on what, and whose numbers stand where."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

import libeer
from eegemo import Results, Trials
from eegemo.datasets import DATASETS, dataset
from toy_trials import make_trials, with_columns


def people(n_trials: int = 10) -> Trials:
    """Five people, ten trials of two seconds of noise each, five in every quadrant but one."""
    n = 5 * n_trials
    rng = np.random.default_rng(0)
    columns = {
        "subject": np.repeat(np.arange(1, 6), n_trials),
        "valence": np.where(np.arange(n) % 2, 8.0, 2.0),
        "arousal": np.where(np.arange(n) % 4 < 2, 8.0, 2.0),
    }
    signals = rng.normal(0, 10, (n * 256, 3)).astype(np.float32)
    return make_trials(columns, signals, n_times=256, ch_names=("F3", "Cz", "O1"), sfreq=128.0)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[libeer.LibEER, list[Results]]:
    config = libeer.LibEER(models=("rbf-svm",), n_jobs=1, out=tmp_path_factory.mktemp("results") / "libeer")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(libeer.LibEER, "trials", lambda *_, **__: people())
        return config, libeer.run(config, Console(file=io.StringIO()))


def test_each_person_has_a_model_of_six_trials_and_people_are_drawn_once(
    done: tuple[libeer.LibEER, list[Results]],
) -> None:
    alone, across = done[1]
    assert len(alone.folds) == 5
    for fold in alone.folds:
        for part, n_trials in ((fold.train, 6), (fold.validation, 2), (fold.test, 2)):
            rows = alone.table.iloc[part]
            assert len(rows["subject"].unique()) == 1
            assert len(rows.drop_duplicates(["subject", "trial"])) == n_trials
    (fold,) = across.folds
    assert [across.table["subject"].iloc[part].nunique() for part in (fold.train, fold.validation, fold.test)] == [
        3,
        1,
        1,
    ]


def test_published_numbers_stand_beside_ours(done: tuple[libeer.LibEER, list[Results]]) -> None:
    config, results = done
    table = libeer.beside_libeer(config, results).set_index(["task", "model"])
    scores = results[0].of_subjects()
    ours = f"{scores['accuracy'].mean():.3f} / {scores['macro_f1'].mean():.3f}"
    assert table["LibEER"]["subject-dependent", "rbf-svm"] == "0.373 / 0.256"
    assert table["ours"]["subject-dependent", "rbf-svm"] == ours
    assert table["LibEER"]["cross-subject", "GCBNet"] == "0.309 / 0.310"
    assert table["ours"]["cross-subject", "GCBNet"] == ""
    assert ("cross-subject", "no EEG: majority") in table.index
    assert "0.373 / 0.256" in (Path(config.out) / "README.md").read_text(encoding="utf-8")


def test_what_is_published_is_of_datasets_and_rules_that_are_there() -> None:
    records = {dataset(name).name: dataset(name) for name in DATASETS}
    for name, rule, task in libeer.PUBLISHED:
        assert rule in {scheme.name for scheme in records[name].schemes}
        assert task in libeer.TASKS


def test_sessions_are_taken_alone_or_the_first_of_them() -> None:
    trials = with_columns(people(), session=np.tile([1, 2], 25))
    assert libeer.as_in("cross-subject", trials).table["session"].tolist() == [1] * 25
    each = libeer.as_in("subject-dependent", trials).table
    assert each["subject"].nunique() == 10
    pd.testing.assert_series_equal(each["trial"], trials.table["trial"])
    assert libeer.as_in("cross-subject", people()).table["subject"].nunique() == 5
