"""Files of a run that were altered, or are something else: refused by name, with little memory, and done again."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eegemo import ConfigError, DataFormatError, Windows, evaluate, quadrants, read_results
from eegemo.evaluation.folds import read_fold
from toy_classifiers import NearestMean
from toy_results import N_FOLDS, assert_same_results, four_folds, run, starts_of

Change = Callable[[Any], Any]


@pytest.fixture(scope="module")
def finished(windows: Windows, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished") / "run"
    run(windows, folder=folder)
    return folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run", ignore=shutil.ignore_patterns(".lock")))


def stored(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return dict(file)


def alter(path: Path, name: str, change: Change, *, checksum: bool) -> None:
    """Change one array, as a script would; earlier versions wrote no checksum."""
    arrays = stored(path)
    arrays[name] = np.asarray(change(arrays[name]))
    if not checksum:
        del arrays["checksum"]
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]


def in_record(**entries: Any) -> Change:
    return lambda record: json.dumps(json.loads(str(record)) | entries)


def assert_refused_and_done_again(windows: Windows, folder: Path, finished: Path, fitted: list[Any], said: str) -> None:
    with pytest.raises(DataFormatError, match=rf"^fold-001\.npz: damaged.*{said}"):
        read_results(folder)
    fitted.clear()
    with pytest.warns(UserWarning, match=r"^fold-001\.npz: damaged.*deleted, and done again"):
        run(windows, folder=folder)
    assert fitted == starts_of(windows, 1)
    assert [fold.proba.tolist() for fold in read_results(folder).folds] == [
        fold.proba.tolist() for fold in read_results(finished).folds
    ]


# Folds


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("proba", lambda proba: proba[::-1]),
        ("proba", lambda proba: proba[:, ::-1]),
        ("part", lambda part: np.where(part == 1, 3, np.where(part == 3, 1, part)).astype(np.uint8)),
        ("baseline_0", lambda proba: proba[::-1]),
        ("record", in_record(seen={"train": {"accuracy": 1.0}})),
    ],
    ids=["turned round", "classes turned round", "train for test", "a baseline turned round", "another score"],
)
def test_a_fold_that_was_altered_is_known_by_its_checksum(
    windows: Windows, folder: Path, finished: Path, fitted_on: list[Any], name: str, change: Change
) -> None:
    alter(folder / "fold-001.npz", name, change, checksum=True)
    assert_refused_and_done_again(windows, folder, finished, fitted_on, "not what was written: another checksum")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"proba": lambda proba: proba * np.nan}, "probabilities that are not finite"),
        ({"proba": lambda proba: proba * 2}, "with sums from 2 to 2"),
        ({"proba": lambda proba: proba * 4 - 0.75}, "probabilities from -"),
        ({"proba": lambda proba: np.c_[proba, 0 * proba[:, :1]]}, "probabilities of 5 classes instead of 4"),
        ({"trial": lambda trial: trial + 1000}, "its trials are not those of the windows tested on"),
        ({"y": lambda y: y[::-1]}, "its classes are not those of the windows tested on"),
        ({"test": lambda test: test[:0], "proba": lambda p: p[:0], "y": lambda y: y[:0], "trial": lambda t: t[:0]}, ""),
    ],
    ids=["not finite", "sum of 2", "negative", "five classes", "trials that are not there", "other classes", "nothing"],
)
def test_a_fold_that_cannot_be_one_of_these_windows_is_refused_with_a_right_checksum_too(
    windows: Windows, folder: Path, finished: Path, fitted_on: list[Any], changes: dict[str, Change], said: str
) -> None:
    fold = read_fold(folder / "fold-001.npz")
    fingerprint = read_results(finished).provenance["fingerprint"]
    if "test" in changes:
        changes = changes | {"baselines": lambda baselines: ()}
    altered = replace(fold, **{name: change(getattr(fold, name)) for name, change in changes.items()})
    altered.save(folder / "fold-001.npz", run=fingerprint)
    assert_refused_and_done_again(windows, folder, finished, fitted_on, said)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("proba", lambda proba: proba.astype(str)),
        ("proba", lambda proba: proba.astype(complex)),
        ("proba", np.ravel),
        ("y", lambda y: y.astype(float)),
        ("y", lambda y: y.astype(object)),
        ("part", lambda part: np.zeros(10**7, np.uint8)),
        ("record", lambda record: "[" * 100_000),
        ("record", in_record(seconds="long")),
        ("record", in_record(seen=3)),
    ],
    ids=["text", "complex", "flat", "floats", "objects", "too long", "nested", "no seconds", "no scores"],
)
def test_another_form_is_refused_in_a_fold_without_a_checksum(
    windows: Windows, folder: Path, finished: Path, fitted_on: list[Any], name: str, change: Change
) -> None:
    alter(folder / "fold-001.npz", name, change, checksum=False)
    assert_refused_and_done_again(windows, folder, finished, fitted_on, "")


@pytest.mark.parametrize("shape", [(2 * 10**13,), (10**7, 2 * 10**6), (2**62, 2**62), (-1, 4)], ids=str)
def test_a_header_that_promises_more_than_the_file_holds_takes_no_memory(
    windows: Windows, folder: Path, finished: Path, fitted_on: list[Any], shape: tuple[int, ...]
) -> None:
    arrays = stored(folder / "fold-001.npz")
    with zipfile.ZipFile(folder / "fold-001.npz", "w") as archive:
        for name, array in arrays.items():
            file = io.BytesIO()
            if name == "proba":
                header = {"descr": "<f4", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, header)  # 80 TB
            else:
                np.save(file, array)
            archive.writestr(f"{name}.npy", file.getvalue())
    assert_refused_and_done_again(
        windows, folder, finished, fitted_on, "proba.npy of shape .* does not fit into its file"
    )


def test_a_run_of_an_earlier_version_without_checksums_is_read_and_taken_up(
    windows: Windows, folder: Path, finished: Path, fitted_on: list[Any]
) -> None:
    for path in folder.glob("*.npz"):
        arrays = stored(path)
        kept = {name: array for name, array in arrays.items() if name not in ("checksum", "trial_index")}
        np.savez_compressed(path, **kept)  # type: ignore[arg-type]
    assert_same_results(read_results(folder), read_results(finished))
    fitted_on.clear()
    run(windows, folder=folder)
    assert fitted_on == []


@pytest.mark.parametrize("name", ["fold-001.npz", "run.json", "windows.npz"])
def test_a_folder_in_the_place_of_a_file_is_refused_by_name(windows: Windows, folder: Path, name: str) -> None:
    (folder / name).unlink()
    (folder / name).mkdir()
    with pytest.raises(DataFormatError, match=rf"{name}: damaged.*Is a directory"):
        read_results(folder)
    with pytest.raises((DataFormatError, ConfigError), match=name):
        run(windows, folder=folder)
    assert (folder / name).is_dir()


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(5, "Input/output error")], ids=str)
def test_a_fold_that_cannot_be_read_at_the_moment_is_not_deleted(
    windows: Windows, folder: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    with monkeypatch.context() as patch, pytest.raises(DataFormatError, match=f"fold-000.*{error.strerror}"):
        patch.setattr("eegemo.evaluation.folds.read_arrays", fail)
        run(windows, folder=folder)
    assert len(read_results(folder).folds) == N_FOLDS


# The card, and the windows


@pytest.mark.parametrize(
    "change",
    [
        {"provenance": {"n_folds": 10**10}},
        {"provenance": {"n_folds": 3}},
        {"provenance": {"n_folds": True}},
        {"provenance": {"n_folds": 4.0}},
        {"provenance": {"fingerprint": "0" * 64}},
        {"identity": {"dataset": "another"}},
        {"splitter": {"n_splits": 5}},
        {"finished": "no"},
        {"model": ["a"]},
        {"failures": [{"number": "x", "error": 1}]},
    ],
    ids=str,
)
def test_a_card_that_contradicts_itself_is_refused(windows: Windows, folder: Path, change: dict[str, Any]) -> None:
    card = json.loads((folder / "run.json").read_text())
    for name, value in change.items():
        card[name] = card[name] | value if isinstance(value, dict) else value
    (folder / "run.json").write_text(json.dumps(card))
    for again in (lambda: read_results(folder), lambda: run(windows, folder=folder)):
        with pytest.raises(DataFormatError, match=r"run\.json: damaged"):
            again()
    assert len(list(folder.glob("fold-*.npz"))) == N_FOLDS


def test_a_card_nested_too_deep_is_refused(folder: Path) -> None:
    (folder / "run.json").write_text('{"a":' * 100_000)
    with pytest.raises(DataFormatError, match=r"run\.json: damaged \(nested too deep\)"):
        read_results(folder)


@pytest.mark.parametrize("checksum", [True, False])
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("y", lambda y: y[::-1]),
        ("y", lambda y: y + 4),
        ("start", lambda start: np.c_[start, start]),
        ("subject", lambda subject: subject[:3]),
        ("subject", lambda subject: np.full(len(subject), "[" * 50_000)),
        ("subject_dtype", lambda _: "int8[junk]"),
        ("trial_index", lambda trial: trial[::-1]),
    ],
    ids=["turned round", "no such class", "two columns", "too short", "nested", "no type", "other trials"],
)
def test_altered_windows_are_refused(folder: Path, name: str, change: Change, checksum: bool) -> None:
    alter(folder / "windows.npz", name, change, checksum=checksum)
    # Without its own checksum, classes and trials that are possible contradict those of a fold.
    by = r"fold-000\.npz|windows\.npz" if name in ("y", "trial_index") and not checksum else r"windows\.npz"
    with pytest.raises(DataFormatError, match=rf"({by}): damaged"):
        read_results(folder)


# A classifier that gives no probabilities


class TwiceAsSure(NearestMean):
    def predict_proba(self, X: Windows) -> np.ndarray:
        return 2 * super().predict_proba(X)


def test_probabilities_that_do_not_sum_to_1_fail_their_fold(windows: Windows, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^Fold 0: predict_proba gave .*, with sums from 2 to 2; it must"):
        evaluate(TwiceAsSure(), windows, quadrants(), four_folds(), folder=tmp_path)
    assert list(tmp_path.glob("fold-*")) == []
