"""A run's folder: taken up where it was left, damaged, chosen, and never written by two runs at once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pytest

from eegemo import ConfigError, DataFormatError, MajorityClassifier, Windows, evaluate, quadrants, read_results
from eegemo.evaluation.run_folder import RunFolder, find_runs
from toy_classifiers import Faulty, NearestMean, failing
from toy_results import N_FOLDS, assert_same_predictions, assert_same_results, contents, four_folds, run, starts_of

# Taken up


def test_folds_are_written_as_they_end(windows: Windows, tmp_path: Path) -> None:
    with failing(2, exception=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        run(windows, Faulty(), folder=tmp_path / "new" / "run")
    there = sorted(path.name for path in (tmp_path / "new" / "run").glob("fold-*"))
    assert there == ["fold-000.npz", "fold-001.npz"]


def test_a_run_that_is_taken_up_fits_the_missing_folds_alone(
    windows: Windows, tmp_path: Path, fitted_on: list[tuple[int, ...]]
) -> None:
    with failing(2, exception=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        run(windows, Faulty(), folder=tmp_path)
    fitted_on.clear()
    results = run(windows, Faulty(), folder=tmp_path)
    assert fitted_on == starts_of(windows, 2, 3)
    assert_same_predictions(results, run(windows, Faulty()))
    assert_same_results(read_results(tmp_path), results)


def test_a_finished_run_is_read_and_not_run_again(
    windows: Windows, tmp_path: Path, fitted_on: list[tuple[int, ...]]
) -> None:
    first = run(windows, folder=tmp_path)
    before = contents(tmp_path)
    fitted_on.clear()
    again = run(windows, folder=tmp_path, model="another name", n_jobs=2)
    assert fitted_on == []
    assert again.model == "another name"
    assert_same_predictions(again, first)
    assert {name: after for name, after in contents(tmp_path).items() if name != "windows.npz"} == {
        name: content for name, content in before.items() if name != "windows.npz"
    }


def test_what_a_killed_run_left_half_written_is_removed(windows: Windows, tmp_path: Path) -> None:
    run(windows, folder=tmp_path)
    (tmp_path / "fold-001.npz").rename(tmp_path / ".fold-001-ab12cd_8.npz")
    mine = ("notes.txt", ".my-notes.txt", ".fold-1.txt", ".pre-commit-config.yaml")
    for name in mine:
        (tmp_path / name).write_text("mine")
    run(windows, folder=tmp_path)
    assert not (tmp_path / ".fold-001-ab12cd_8.npz").exists()
    assert [(tmp_path / name).read_text() for name in mine] == ["mine"] * len(mine)


# Damaged


def flip(folder: Path, _: Path) -> None:
    content = bytearray((folder / "fold-001.npz").read_bytes())
    for position in range(100, len(content), 50):
        content[position] ^= 0xFF
    (folder / "fold-001.npz").write_bytes(content)


def cut_short(folder: Path, _: Path) -> None:
    (folder / "fold-001.npz").write_bytes((folder / "fold-001.npz").read_bytes()[:-100])


def empty(folder: Path, _: Path) -> None:
    (folder / "fold-001.npz").write_bytes(b"")


def another_fold(folder: Path, _: Path) -> None:
    shutil.copy(folder / "fold-002.npz", folder / "fold-001.npz")


def another_run(folder: Path, other: Path) -> None:
    shutil.copy(other / "fold-001.npz", folder / "fold-001.npz")


@pytest.mark.parametrize("damage", [flip, cut_short, empty, another_fold, another_run])
def test_a_damaged_fold_is_noticed_and_done_again(
    windows: Windows, tmp_path: Path, fitted_on: list[tuple[int, ...]], damage: Callable[[Path, Path], None]
) -> None:
    folder, other = tmp_path / "run", tmp_path / "other"
    whole = run(windows, folder=folder)
    run(windows, NearestMean(shrink=0.5), folder=other)
    damage(folder, other)
    with pytest.raises(DataFormatError, match=r"^fold-001\.npz: .*; delete it and run again"):
        read_results(folder)
    fitted_on.clear()
    with pytest.warns(UserWarning, match=r"^fold-001\.npz: .*done again"):
        again = run(windows, folder=folder)
    assert fitted_on == starts_of(windows, 1)
    assert_same_predictions(again, whole)
    assert_same_results(read_results(folder), again)


# Folders


def test_runs_makes_one_folder_a_configuration(
    windows: Windows, tmp_path: Path, fitted_on: list[tuple[int, ...]]
) -> None:
    first = run(windows, runs=tmp_path, model="nearest mean/1")
    run(windows, NearestMean(shrink=0.5), runs=tmp_path, model="nearest mean/1")
    run(windows, runs=tmp_path, model="nearest mean/1", control="permuted-labels")
    fitted_on.clear()
    again = run(windows, runs=tmp_path, model="nearest mean/1")
    assert fitted_on == []
    assert_same_results(again, first)
    folders = find_runs(tmp_path)
    assert len(folders) == len(list(tmp_path.iterdir())) == 3
    fingerprints = [read_results(folder).provenance["fingerprint"][:8] for folder in folders]
    names = [folder.name for folder in folders]
    assert [name[-8:] for name in names] == fingerprints
    kinds = sorted(name[:-9] for name in names)
    assert kinds == ["trial-nearest_mean_1", "trial-nearest_mean_1", "trial-nearest_mean_1-permuted-labels"]


def test_a_folder_and_a_folder_of_runs_cannot_both_be_given(windows: Windows, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^Give folder or runs, not both\.$"):
        run(windows, folder=tmp_path / "a", runs=tmp_path / "b")
    assert list(tmp_path.iterdir()) == []


def test_folds_of_which_nothing_says_what_they_are_stay_and_are_refused(windows: Windows, tmp_path: Path) -> None:
    (tmp_path / "fold-007.npz").write_bytes(b"earlier")
    with pytest.raises(ConfigError, match=r"holds fold-007\.npz but no run\.json"):
        run(windows, folder=tmp_path)
    assert contents(tmp_path) == {"fold-007.npz": b"earlier"}


def test_other_files_in_the_folder_stay(windows: Windows, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    run(windows, folder=tmp_path)
    assert contents(tmp_path).keys() == {
        "notes.txt",
        "run.json",
        "windows.npz",
        *(f"fold-00{number}.npz" for number in range(N_FOLDS)),
    }
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_run_that_cannot_be_split_makes_no_folder(windows: Windows, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"needs more than the 3 subjects"):
        evaluate(NearestMean(), windows, quadrants(), four_folds("subject"), folder=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


class StartsAnother(NearestMean):
    """Starts the very same run in its first fit."""

    folder: ClassVar[Path]
    refused: ClassVar[list[str]] = []

    def fit(self, X: Windows, y: np.ndarray) -> Self:
        if not self.refused:
            self.refused.append("not yet")
            try:
                run(X, NearestMean(), folder=self.folder)
            except ConfigError as error:
                self.refused[0] = str(error)
        return super().fit(X, y)


def test_a_second_run_on_the_same_folder_is_refused_and_the_first_goes_on(windows: Windows, tmp_path: Path) -> None:
    StartsAnother.folder = tmp_path
    StartsAnother.refused.clear()
    results = run(windows, StartsAnother(), folder=tmp_path)
    assert StartsAnother.refused == [
        f"{tmp_path}: another run is writing here; wait for it, or give this one another folder."
    ]
    assert_same_predictions(results, run(windows))


def test_the_lock_falls_with_a_run_that_breaks_off(windows: Windows, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with pytest.raises(RuntimeError, match=r"^broken off$"), folder.locked():
        with pytest.raises(ConfigError, match=r"another run is writing here"):
            run(windows, folder=tmp_path)
        raise RuntimeError("broken off")
    assert len(run(windows, folder=tmp_path).folds) == N_FOLDS


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="a superuser may write anywhere")
def test_a_read_only_folder_is_refused_before_anything_is_fitted(
    windows: Windows, tmp_path: Path, fitted_on: list[tuple[int, ...]]
) -> None:
    (tmp_path / "run").mkdir(mode=0o555)
    with pytest.raises(ConfigError, match=r"run: cannot be written to \(Permission denied\); give another folder"):
        run(windows, folder=tmp_path / "run")
    assert fitted_on == []


@pytest.mark.parametrize("below", ["file", "file/run"])
def test_a_file_in_the_place_of_the_folder_is_refused_before_anything_is_fitted(
    windows: Windows, tmp_path: Path, fitted_on: list[tuple[int, ...]], below: str
) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigError, match=rf"{below}: cannot be written to \(.*\); give another folder"):
        run(windows, folder=tmp_path / below)
    assert fitted_on == []
    assert (tmp_path / "file").read_text() == "mine"


def test_runs_are_found_wherever_they_lie_below(windows: Windows, tmp_path: Path) -> None:
    for name in ("b", "a/c", "a/d"):
        run(windows, MajorityClassifier(), folder=tmp_path / name)
    assert find_runs(tmp_path) == [tmp_path / "a" / "c", tmp_path / "a" / "d", tmp_path / "b"]
    assert find_runs(tmp_path / "b") == [tmp_path / "b"]
    assert find_runs(tmp_path / "missing") == []
