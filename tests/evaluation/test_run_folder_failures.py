"""Folds that fail: reported, tried again, and without harm to the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from eegemo import ConfigError, Windows, read_results
from eegemo.evaluation.folds import Failure
from eegemo.evaluation.run_folder import RunFolder
from toy_classifiers import Faulty, NearestMean, failing
from toy_results import N_FOLDS, assert_same_predictions, assert_same_results, run, starts_of


def test_one_failing_fold_is_reported_and_loses_no_other(windows: Windows, tmp_path: Path) -> None:
    with failing(1), pytest.warns(UserWarning, match=r"^Faulty · trial: Fold 1 failed, .*RuntimeError: fit 1$"):
        results = run(windows, Faulty(), folder=tmp_path)
    assert results.failures == (Failure(1, "RuntimeError: fit 1"),)
    assert [fold.number for fold in results.folds] == [0, 2, 3]
    whole = run(windows, NearestMean()).predictions
    kept = whole[whole["fold"] != 1].reset_index(drop=True)
    pd.testing.assert_frame_equal(results.predictions, kept, check_exact=True)
    assert any("Fold 1 failed, and its windows are in no score: RuntimeError: fit 1" in note for note in results.notes)
    assert_same_results(read_results(tmp_path), results)


def test_failed_folds_alone_are_tried_again(windows: Windows, tmp_path: Path, fitted_on: list[tuple[int, ...]]) -> None:
    with failing(1, 3), pytest.warns(UserWarning, match=r"Fold [13] failed"):
        run(windows, Faulty(), folder=tmp_path)
    fitted_on.clear()
    with failing(0), pytest.warns(UserWarning, match=r"Fold 1 failed"):
        results = run(windows, Faulty(), folder=tmp_path)
    assert fitted_on == starts_of(windows, 1, 3)
    assert [failure.number for failure in results.failures] == [1]
    results = run(windows, Faulty(), folder=tmp_path)
    assert results.failures == ()
    assert_same_predictions(results, run(windows, Faulty()))
    assert_same_results(read_results(tmp_path), results)


def test_a_fold_that_succeeded_in_the_second_run_stays_where_that_was_killed_at_its_end(
    windows: Windows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with failing(1), pytest.warns(UserWarning, match=r"Fold 1 failed"):
        run(windows, Faulty(), folder=tmp_path)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(RunFolder, "finish", killed)
        run(windows, Faulty(), folder=tmp_path)
    results = run(windows, Faulty(), folder=tmp_path)
    assert results.failures == ()
    assert [fold.number for fold in results.folds] == [0, 1, 2, 3]
    assert_same_results(read_results(tmp_path), results)


def test_where_every_fold_fails_the_first_ones_exception_is_raised(windows: Windows, tmp_path: Path) -> None:
    with failing(0, 1, 2, 3), pytest.raises(RuntimeError, match=r"^fit 0$"):
        run(windows, Faulty(), folder=tmp_path)
    with pytest.raises(ConfigError, match=r"interrupted, or is still running, after 0 folds"):
        read_results(tmp_path)
    assert len(run(windows, Faulty(), folder=tmp_path).folds) == N_FOLDS


def test_predictions_that_are_not_finite_fail_their_fold(windows: Windows) -> None:
    class Diverges(Faulty):
        def predict_proba(self, X: Windows) -> np.ndarray:
            return np.where(Faulty.n_fits == 2, np.nan, super().predict_proba(X))

    with failing(), pytest.warns(UserWarning, match=r"Fold 1 failed.*not finite; training diverged"):
        results = run(windows, Diverges())
    assert [failure.number for failure in results.failures] == [1]
