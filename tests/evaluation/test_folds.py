"""The file of one fold: read back the same, refused when it is damaged, and never there in part."""

from __future__ import annotations

import io
import math
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eegemo import DataFormatError, Leakage
from eegemo.evaluation.folds import Fold, read_fold


def make_fold(**changes: Any) -> Fold:
    """A fold over nine windows, of which the last is in no part."""
    fold = Fold(
        number=3,
        seen={"train": {"accuracy": 0.1 + 0.2}},
        train=np.array([0, 1, 2, 5]),
        validation=np.array([3, 6]),
        test=np.array([4, 7]),
        y=np.array([0, 1]),
        trial=np.array([0, 2], np.int32),
        proba=np.array([[0.1, 0.9], [1 / 3, 2 / 3]], np.float32),
        history={"loss": [1.5, 1 / 3], "val_loss": [math.inf, 0.5]},
        best_epoch=2,
        leakage=Leakage(0.0, 0.0, 1.0, math.nan, ("z-scores",), ()),
        n_parameters=None,
        seconds=0.25,
        peak_memory_mb=None,
    )
    return replace(fold, **changes)


def assert_same_fold(one: Fold, other: Fold) -> None:
    for name, value in vars(one).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(getattr(other, name), value, strict=True)
        else:
            assert repr(getattr(other, name)) == repr(value), name


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "fold-003.npz"
    make_fold().save(path)
    return path


# Written and read


def test_a_fold_with_a_history_and_unknown_stimuli_is_read_back_the_same(file: Path) -> None:
    assert_same_fold(read_fold(file), make_fold())


def test_a_fold_without_validation_data_is_read_back_the_same(tmp_path: Path) -> None:
    fold = make_fold(validation=np.array([], int), history={}, best_epoch=None, n_parameters=7, peak_memory_mb=1.5)
    fold.save(tmp_path / "fold.npz")
    assert_same_fold(read_fold(tmp_path / "fold.npz"), fold)


floats = st.floats(allow_nan=True, allow_infinity=True)


@st.composite
def folds(draw: st.DrawFn) -> Fold:
    part = draw(arrays(np.int8, st.integers(1, 40), elements=st.integers(0, 3)).filter(lambda part: (part == 3).any()))
    train, validation, test = (np.flatnonzero(part == code) for code in (1, 2, 3))
    n = len(test)
    n_classes = draw(st.integers(1, 4))
    numbers = arrays(np.int64, n, elements=st.integers(0, n_classes - 1))
    return make_fold(
        number=draw(st.integers(0, 2000)),
        train=train,
        validation=validation,
        test=test,
        y=draw(numbers),
        trial=draw(numbers).astype(np.int32),
        proba=draw(arrays(np.float32, (n, n_classes), elements=st.floats(0, 1, width=32))),
        history={"loss": draw(st.lists(floats))},
        seen={"train": {"accuracy": draw(floats)}},
        seconds=draw(st.floats(0, 1e9)),
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(folds())
def test_any_fold_is_read_back_the_same(tmp_path: Path, fold: Fold) -> None:
    fold.save(tmp_path / "fold.npz")
    assert_same_fold(read_fold(tmp_path / "fold.npz"), fold)


def test_curves_in_numbers_of_numpy_are_read_back_as_plain_ones(tmp_path: Path) -> None:
    history: dict[str, Any] = {"loss": [np.float32(0.5), np.float64(0.25)], "epochs": np.array([1, 2])}
    make_fold(history=history, best_epoch=np.int64(2)).save(tmp_path / "fold.npz")
    fold = read_fold(tmp_path / "fold.npz")
    assert fold.history == {"loss": [0.5, 0.25], "epochs": [1, 2]}
    assert fold.best_epoch == 2


# Whole or not there


def test_a_fold_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks_off(path: Path, **_: Any) -> None:
        assert [name.name for name in tmp_path.glob("fold-*")] == []
        path.write_bytes(b"half of it")
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez_compressed", breaks_off)
    with pytest.raises(OSError, match=r"No space left on device"):
        make_fold().save(tmp_path / "fold-003.npz")
    assert list(tmp_path.iterdir()) == []


def test_a_fold_that_cannot_be_replaced_stays_as_it_was(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks_off(path: Path, **_: Any) -> None:
        path.write_bytes(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez_compressed", breaks_off)
    with pytest.raises(KeyboardInterrupt):
        make_fold(seconds=9.0).save(file)
    assert_same_fold(read_fold(file), make_fold())
    assert list(file.parent.iterdir()) == [file]


# Damaged


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_flipped_byte_is_noticed_or_changes_nothing(file: Path) -> None:
    whole, refused = file.read_bytes(), 0
    for position, byte in enumerate(whole):
        file.write_bytes(whole[:position] + bytes([byte ^ 0xFF]) + whole[position + 1 :])
        try:
            fold = read_fold(file)
        except DataFormatError as error:
            assert str(error).startswith("fold-003.npz: damaged")
            refused += 1
        else:
            assert_same_fold(fold, make_fold())
    # What is left is the date, the rights and the like of the archive's members.
    assert refused > len(whole) / 2


def test_a_file_cut_short_anywhere_is_refused(file: Path) -> None:
    whole = file.read_bytes()
    for length in range(0, len(whole), 7):
        file.write_bytes(whole[:length])
        with pytest.raises(
            DataFormatError, match=r"^fold-003\.npz: damaged, or not a fold .*; delete it and run again"
        ):
            read_fold(file)


def npz(**stored: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **stored)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 2000,
        b"PK\x03\x04" + b"\0" * 100,
        pickle.dumps({"y": [1]}),
        npz(y=np.arange(3)),
        npz(record=np.array("3"), part=np.zeros(1), y=np.zeros(1), trial=np.zeros(1), proba=np.zeros((1, 1))),
        npz(record=np.array({"a": 1}, dtype=object)),
    ],
    ids=["empty", "zeros", "a head alone", "a pickle", "other arrays", "another record", "an object array"],
)
def test_what_is_no_fold_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(DataFormatError, match=r"^fold-003\.npz: damaged, or not a fold"):
        read_fold(file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataFormatError, match=r"^fold-000\.npz: damaged, or not a fold .*No such file"):
        read_fold(tmp_path / "fold-000.npz")


@pytest.mark.parametrize("name", ["y", "trial", "proba"])
def test_arrays_that_do_not_fit_the_test_windows_are_refused(file: Path, name: str) -> None:
    make_fold(**{name: getattr(make_fold(), name)[:1]}).save(file)
    with pytest.raises(DataFormatError, match=r"^fold-003\.npz: damaged; its arrays are of different lengths"):
        read_fold(file)
