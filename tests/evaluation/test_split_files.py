"""Splits read from files: in every format, by a column of the table, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from eegemo import ConfigError, DataFormatError, Windows, audit_split
from eegemo.evaluation.audit import Audit
from eegemo.evaluation.split_files import read_split
from toy_trials import CLEAN, where


@pytest.fixture
def table_file(overlapping: Windows, tmp_path: Path) -> Path:
    path = tmp_path / "windows.csv"
    overlapping.table.assign(n_times=4).to_csv(path, index=False)
    return path


def npy(path: Path, rows: np.ndarray, _: pd.DataFrame) -> Path:
    np.save(path.with_suffix(".npy"), rows)
    return path.with_suffix(".npy")


def npy_mask(path: Path, rows: np.ndarray, table: pd.DataFrame) -> Path:
    return npy(path, np.isin(np.arange(len(table)), rows), table)


def txt(path: Path, rows: np.ndarray, _: pd.DataFrame) -> Path:
    np.savetxt(path.with_suffix(".txt"), rows, fmt="%d")
    return path.with_suffix(".txt")


def txt_mask(path: Path, rows: np.ndarray, table: pd.DataFrame) -> Path:
    return txt(path, np.isin(np.arange(len(table)), rows), table)


def csv(path: Path, rows: np.ndarray, table: pd.DataFrame) -> Path:
    table.iloc[rows].to_csv(path.with_suffix(".csv"), index=False)
    return path.with_suffix(".csv")


def tsv(path: Path, rows: np.ndarray, table: pd.DataFrame) -> Path:
    table.iloc[rows].to_csv(path.with_suffix(".tsv"), index=False, sep="\t")
    return path.with_suffix(".tsv")


@pytest.mark.parametrize(
    "write",
    [
        npy,
        npy_mask,
        txt,
        txt_mask,
        csv,
        tsv,
    ],
)
def test_a_split_is_read_from_files(
    write: Callable[[Path, np.ndarray, pd.DataFrame], Path], overlapping: Windows, table_file: Path, tmp_path: Path
) -> None:
    parts: dict[str, Any] = {
        "train": where(overlapping, subject=[0, 1]),
        "test": where(overlapping, subject=3),
        "validation": np.arange(40, 45),
    }
    paths = {name: write(tmp_path / name, rows, overlapping.table) for name, rows in parts.items()}
    ((table, train, test, validation),) = read_split(table_file, **paths)
    assert audit_split(table, train, test, validation, **CLEAN) == audit_split(overlapping, **parts, **CLEAN)
    ((table, train, test, validation),) = read_split(table_file, paths["train"], paths["test"])
    expected = audit_split(overlapping, parts["train"], parts["test"])
    assert audit_split(table, train, test, validation) == expected


def test_a_column_says_the_part_of_each_window(overlapping: Windows, tmp_path: Path) -> None:
    part = np.where(
        overlapping.table["subject"] == 3, "Test", np.where(overlapping.table["subject"] == 2, "val", " train ")
    )
    overlapping.table.assign(part=part, n_times=4).to_csv(tmp_path / "windows.tsv", index=False, sep="\t")
    ((table, train, test, validation),) = read_split(tmp_path / "windows.tsv")
    parts = where(overlapping, subject=[0, 1]), where(overlapping, subject=3), where(overlapping, subject=2)
    assert audit_split(table, train, test, validation) == audit_split(overlapping, *parts)


def test_a_column_of_folds_makes_a_split_of_each(overlapping: Windows, tmp_path: Path) -> None:
    folds = []
    for subject in range(4):
        part = np.where(overlapping.table["subject"] == subject, "test", "train")
        folds.append(overlapping.table.assign(part=part, fold=f"without {subject}", n_times=4))
    pd.concat(folds).sample(frac=1, random_state=0).to_csv(tmp_path / "folds.csv", index=False)
    audits = [audit_split(*split) for split in read_split(tmp_path / "folds.csv")]
    assert [audit.closest for audit in audits] == ["subject"] * 4
    assert [(audit.n_train, audit.n_validation, audit.n_test) for audit in audits] == [(60, 0, 20)] * 4
    assert all(audit.leakage.shared_samples == 0 for audit in audits)


def read_and_audit(*paths: Path) -> list[Audit]:
    return [audit_split(*split) for split in read_split(*paths)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"windows\.csv: not a table \(it is empty\)"),
        ("subject,trial\n1,2\n1,2,3,4\n", r"windows\.csv: not a table \(row 2 has 4 fields, the header 2"),
        ("person,number\n1,2\n", r"windows\.csv: has none of the columns subject, trial, start, only person, number"),
        ("subject,trial,part\n1,2,train\n1,3,tests\n", r"part is 'tests' in row 2; it must be one of train, training"),
        ("subject,trial,part\n1,2,train\n1,3,\n", "the column 'part' has no value in row 2"),
    ],
)
def test_a_broken_table_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "windows.csv"
    path.write_text(text)
    with pytest.raises(DataFormatError, match=message):
        read_and_audit(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("subject,trial\n1,2\n", r"with --train FILE and --test FILE, or with a column 'part' in windows\.csv"),
        ("subject,trial,part\n1,2,train\n1,3,train\n", "There are no windows in test"),
        ("subject,trial,part\n1,2,test\n1,3,validation\n", "There are no windows in train"),
    ],
)
def test_a_table_that_does_not_say_both_sides_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "windows.csv"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_and_audit(path)


@pytest.mark.parametrize(
    "text", ["subject,trial,part\n", "subject,trial,part,fold\n1,2,train,1\n1,3,test,1\n2,3,test,\n"]
)
def test_a_table_without_rows_or_with_a_fold_without_a_name_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "windows.csv"
    path.write_text(text)
    with pytest.raises(DataFormatError, match=r"windows\.csv"):
        read_and_audit(path)


def test_a_number_sign_in_a_name_is_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "windows.csv"
    path.write_text("subject,trial,part\nS#1,2,train\nS#2,3,test\n")
    (audit,) = read_and_audit(path)
    assert audit.leakage.subject == 0


@pytest.mark.parametrize("given", [(True, False, False), (False, True, False), (False, False, True)])
def test_half_a_split_is_refused(given: tuple[bool, ...], table_file: Path, tmp_path: Path) -> None:
    table = pd.read_csv(table_file).assign(part=["train"] * 40 + ["test"] * 40)
    table.to_csv(table_file, index=False)
    rows = txt(tmp_path / "rows", np.arange(3), table)
    with pytest.raises(ConfigError, match="Say what is train and what is test"):
        read_split(table_file, *(rows if one else None for one in given))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.txt", b"0\n1.5\n"),
        ("rows.txt", b"zero\n"),
        ("rows.txt", bytes(range(128, 256))),
        ("rows.npy", b""),
        ("rows.npy", b"\x93NUMPY cut"),
        ("rows.npy", b"\x80\x04\x95garbage"),
        ("rows.csv", b""),
        ("rows.csv", b"subject,trial\n\x00\x01,1\n"),
    ],
)
def test_broken_row_numbers_are_refused(name: str, content: bytes, table_file: Path, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    test = txt(tmp_path / "test", np.arange(3), pd.DataFrame())
    with pytest.raises(DataFormatError, match=f"^{name}: not "):
        read_split(table_file, tmp_path / name, test)


class Hostile:
    """A pickle that would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_a_pickle_among_row_numbers_is_not_opened(table_file: Path, tmp_path: Path) -> None:
    trap = np.array([Hostile(tmp_path / "trapped")], dtype=object)
    np.save(tmp_path / "rows.npy", trap, allow_pickle=True)
    with pytest.raises(DataFormatError, match="Object arrays cannot be loaded"):
        read_split(table_file, tmp_path / "rows.npy", tmp_path / "rows.npy")
    assert not (tmp_path / "trapped").exists()
    np.load(tmp_path / "rows.npy", allow_pickle=True)
    assert (tmp_path / "trapped").exists()


def test_a_file_that_is_not_there_is_named(table_file: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing\.csv"):
        read_split(tmp_path / "missing.csv")
    with pytest.raises(FileNotFoundError, match=r"missing\.txt"):
        read_split(table_file, tmp_path / "missing.txt", tmp_path / "missing.txt")
