"""Tables of splits as people save them, and files that are damaged: read right, or refused by name."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from eegemo import ConfigError, DataFormatError, audit_split
from eegemo.evaluation.split_files import read_split

TABLE = pd.DataFrame(
    {
        "subject": ["José", "José", "Zoë", "Zoë"],
        "trial": [1, 1, 2, 2],
        "start": [0, 64, 0, 128],
        "n_times": 128,
        "part": ["train", "test"] * 2,
    }
)
TEXT = TABLE.to_csv(index=False)


def audited(path: Path, *rows: Path) -> list[tuple[float, ...]]:
    """Shares of samples, trials and subjects in each split of a file."""
    leakages = [audit_split(*split).leakage for split in read_split(path, *rows)]
    return [(leakage.shared_samples, leakage.trial, leakage.subject) for leakage in leakages]


WRITTEN: dict[str, tuple[str, bytes]] = {
    "commas": ("w.csv", TEXT.encode()),
    "upper case": ("W.CSV", TEXT.encode()),
    "semicolons": ("w.csv", TEXT.replace(",", ";").encode()),
    "tabs": ("w.tsv", TEXT.replace(",", "\t").encode()),
    "tabs, upper case": ("W.TSV", TEXT.replace(",", "\t").encode()),
    "tabs in a .csv": ("w.csv", TEXT.replace(",", "\t").encode()),
    "commas in a .tsv": ("w.tsv", TEXT.encode()),
    "bars": ("w.csv", TEXT.replace(",", "|").encode()),
    "spaces alone": ("w.txt", TEXT.replace(",", "  ").encode()),
    "spaces behind commas": ("w.csv", TEXT.replace(",", ", ").encode()),
    "spaces around commas": ("w.csv", TEXT.replace(",", " , ").encode()),
    "names in capitals": ("w.csv", TEXT.replace("subject", "Subject").replace("part", "PART").encode()),
    "whole floats": ("w.csv", TABLE.astype({"start": float, "trial": float, "n_times": float}).to_csv().encode()),
    "with an index": ("w.csv", TABLE.to_csv().encode()),
    "quoted": ("w.csv", TABLE.to_csv(index=False, quoting=1).encode()),
    "a byte-order mark": ("w.csv", TEXT.encode("utf-8-sig")),
    "UTF-16": ("w.csv", TEXT.replace(",", "\t").encode("utf-16")),
    "Latin-1": ("w.csv", TEXT.encode("latin-1")),
    "Windows' line ends": ("w.csv", TEXT.replace("\n", "\r\n").encode()),
    "old line ends": ("w.csv", TEXT.replace("\n", "\r").encode()),
    "a comment and empty lines": ("w.csv", b"# windows, made by hand\n\n" + TEXT.replace("\n", "\n\n").encode()),
    "a separator too many": ("w.csv", TEXT.replace("train\n", "train,\n").replace("test\n", "test,,\n").encode()),
    "in seconds": (
        "w.csv",
        TABLE.assign(start=TABLE["start"] / 128, duration=1.0).drop(columns="n_times").to_csv().encode(),
    ),
    "in seconds, of that unit": (
        "w.csv",
        TABLE.assign(start=TABLE["start"] / 128, length=1).drop(columns="n_times").to_csv().encode(),
    ),
    "decimal commas": (
        "w.csv",
        TABLE.assign(start=TABLE["start"] / 128, duration=1.0)
        .drop(columns="n_times")
        .to_csv(sep=";", decimal=",")
        .encode(),
    ),
    "participant_id": ("w.tsv", TEXT.replace("subject", "participant_id").replace(",", "\t").encode()),
    **{
        f"{column} {train} {test}": (
            "w.csv",
            TABLE.assign(part=[train, test] * 2).rename(columns={"part": column}).to_csv(index=False).encode(),
        )
        for column, train, test in (
            ("split", "Training", "Testing"),
            ("set", "tr", "te"),
            ("subset", "train", "eval"),
            ("fold", "train", "test"),
        )
    },
}


@pytest.mark.parametrize("how", WRITTEN)
def test_a_table_is_read_however_it_was_saved(how: str, tmp_path: Path) -> None:
    """Window 2 overlaps window 1 by half, window 4 follows window 3: 1 of 2 shares samples, both their trials."""
    name, content = WRITTEN[how]
    (tmp_path / name).write_bytes(content)
    assert audited(tmp_path / name) == [(0.5, 1, 1)]


@pytest.mark.parametrize("values", [[0, 1], [0.0, 1.0]])
def test_parts_in_zeros_and_ones_are_read_and_it_is_said_how(values: list[float], tmp_path: Path) -> None:
    TABLE.assign(part=values * 2).to_csv(tmp_path / "w.csv", index=False)
    with pytest.warns(UserWarning, match=r"w\.csv: part is 0 or 1; 0 is taken for train, 1 for test"):
        ((_, train, test, _),) = read_split(tmp_path / "w.csv")
    assert train.tolist() == [True, False, True, False]
    assert test.tolist() == [False, True, False, True]


def test_of_validation_and_evaluation_the_latter_is_the_test_unless_there_is_one(tmp_path: Path) -> None:
    for words, expected in ((["train", "valid", "eval"], [1, 1, 1]), (["train", "eval", "test"], [1, 1, 1])):
        TABLE[:3].assign(part=words).to_csv(tmp_path / "w.csv", index=False)
        ((_, *masks),) = read_split(tmp_path / "w.csv")
        assert [mask.sum() for mask in masks] == expected
    assert masks[2].tolist() == [False, True, False]


def test_each_fold_alone_is_tested_on_in_turn(tmp_path: Path) -> None:
    TABLE.drop(columns="part").assign(fold=[1, 1, 2, 3]).to_csv(tmp_path / "w.csv", index=False)
    splits = read_split(tmp_path / "w.csv")
    assert [test.tolist() for _, _, test, _ in splits] == [
        [True, True, False, False],
        [False, False, True, False],
        [False, False, False, True],
    ]
    assert all((train != test).all() and aside is None for _, train, test, aside in splits)
    TABLE.drop(columns="part").assign(fold=1).to_csv(tmp_path / "w.csv", index=False)
    with pytest.raises(DataFormatError, match=r"w\.csv: all windows are of fold 1"):
        read_split(tmp_path / "w.csv")


def saved(array: object, **settings: Any) -> bytes:
    file = io.BytesIO()
    np.savetxt(file, np.asarray(array), **settings)
    return file.getvalue()


def packed(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def plain(array: object, **settings: bool) -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(array), **settings)
    return file.getvalue()


ROWS: dict[str, tuple[str, bytes]] = {
    "savetxt": ("rows.txt", saved([0, 2])),
    "savetxt of a mask": ("rows.txt", saved([True, False, True, False])),
    "savetxt with a header": ("rows.txt", saved([0, 2], fmt="%d", header="rows")),
    "words": ("rows.txt", b"True\nFalse\nTrue\nFalse\n"),
    "one line": ("rows.txt", b"0, 2"),
    "whole floats": ("rows.txt", b"0.0\n2.0\n"),
    "without a header": ("rows.csv", b"2\n0\n"),
    "npz of one": ("rows.npz", packed(arr=[0, 2])),
    "npz of several": ("rows.npz", packed(train=[0, 2], test=[0, 2], y=[1, 2, 3])),
    "npz, called train_idx": ("rows.npz", packed(train_idx=[0, 2], test_idx=[0, 2])),
    "npz called npy": ("rows.npy", packed(arr=[0, 2])),
    "floats": ("rows.npy", plain([0.0, 2.0])),
    "mask in floats": ("rows.NPY", plain([1.0, 0, 1, 0])),
}


@pytest.mark.parametrize("how", ROWS)
def test_row_numbers_are_read_however_they_were_saved(how: str, tmp_path: Path) -> None:
    name, content = ROWS[how]
    (tmp_path / name).write_bytes(content)
    TABLE.drop(columns="part").to_csv(tmp_path / "w.csv", index=False)
    ((table, train, test, _),) = read_split(tmp_path / "w.csv", tmp_path / name, tmp_path / name)
    assert audit_split(table, train, test) == audit_split(table, [0, 2], [0, 2])


HUGE = io.BytesIO()
np.lib.format.write_array_header_1_0(HUGE, {"descr": "<i8", "fortran_order": False, "shape": (10**13,)})
REFUSED: dict[str, tuple[str, bytes, str]] = {
    "decimal commas between commas": ("w.csv", b"subject,trial,start\n1,1,0,5\n1,2,0,5\n", "are these decimal commas"),
    "a row that is cut short": ("w.csv", b"subject,trial,start\n1,1,0\n1,2\n", "row 2 has 2 fields, the header 3"),
    "a quotation mark": ("w.csv", b'subject,trial\n1,"1\n1,2\n1,3\n', "a quotation mark is not closed"),
    "two columns of a name": ("w.csv", b"subject,Subject\n1,1\n", "two columns 'subject'"),
    "a workbook": ("w.xlsx", b"PK\x03\x04", "save the sheet as CSV"),
    "a workbook called CSV": ("w.csv", b"PK\x03\x04\x00\x00", "not a text file"),
    "UTF-16 without a mark": ("w.csv", "subject,trial\n1,1\n".encode("utf-16-le"), "not a text file"),
    "0, 1 and 2": ("w.csv", b"subject,part\n1,0\n2,1\n3,2\n", "part is '0' in row 1; it must be one of train"),
    "a part that is missing": (
        "w.csv",
        b"subject,part\n1,train\n2,\n3,tset\n",
        "the column 'part' has no value in row 2",
    ),
    "zeros in a header": ("r.npy", plain([1])[:20] + b"\0" * 10 + plain([1])[30:], "not row numbers"),
    "a header without its brace": ("r.npy", plain([1]).replace(b"}", b" ", 1), "not row numbers"),
    "a broken archive": ("r.npy", b"PK\x03\x04" + b"x" * 50, "not row numbers"),
    "80 TB": ("r.npy", HUGE.getvalue(), "not row numbers"),
    "an array cut short": ("r.npy", plain(np.arange(99))[:-8], "not row numbers"),
    "words in an array": ("r.npy", plain(["a"]), "it holds <U1"),
    "arrays without a name": ("r.npz", packed(a=[0], b=[1]), "of which none is called train"),
    "an empty list": ("r.txt", b"", "it is empty"),
    "a half": ("r.txt", b"0\n1.5\n", "'1.5' in line 2"),
    "a header that pandas wrote": ("r.csv", b"0\n5\n7\n", "a header that pandas wrote"),
}


@pytest.mark.parametrize("how", REFUSED)
def test_what_cannot_be_read_is_refused_by_its_name_and_cause(how: str, tmp_path: Path) -> None:
    name, content, cause = REFUSED[how]
    (tmp_path / name).write_bytes(content)
    (tmp_path / "table.csv").write_text(TEXT)
    paths = [tmp_path / name] if name.startswith("w") else [tmp_path / "table.csv", *[tmp_path / name] * 2]
    with pytest.raises(DataFormatError) as caught:
        read_split(*paths)
    assert str(caught.value).startswith(f"{name}: ")
    assert cause in str(caught.value)


def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r.npz"
    np.savez_compressed(path, rows=np.zeros(10**6, int))
    assert path.stat().st_size < 10**5
    (tmp_path / "w.csv").write_text(TEXT)
    assert len(read_split(tmp_path / "w.csv", path, path)[0][1]) == 10**6
    monkeypatch.setattr("eegemo.evaluation.split_files._LARGEST", 7 * 10**6)
    with pytest.raises(DataFormatError, match=r"r\.npz: not row numbers \(an array of 8 MB\)"):
        read_split(tmp_path / "w.csv", path, path)


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Change, cut out, put in or double a few bytes, or cut the file short."""
    changed = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        place, length = int(rng.integers(len(changed) or 1)), int(rng.integers(1, 9))
        piece = bytes(rng.integers(0, 256, length, dtype=np.uint8))
        changes: list[Callable[[], bytes]] = [
            lambda: bytes(changed[:place]) + piece + bytes(changed[place + length :]),  # noqa: B023
            lambda: bytes(changed[:place]) + bytes(changed[place + length :]),  # noqa: B023
            lambda: bytes(changed[:place]) + piece + bytes(changed[place:]),  # noqa: B023
            lambda: bytes(changed[:place]) * 2 + bytes(changed[place:]),  # noqa: B023
            lambda: bytes(changed[:place]),  # noqa: B023
        ]
        changed = bytearray(changes[int(rng.integers(len(changes)))]())
    return bytes(changed)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("w.csv", TEXT.encode()),
        ("w.tsv", TEXT.replace(",", "\t").encode("utf-16")),
        ("r.npy", plain(np.arange(3))),
        ("r.npz", packed(train=[0, 2], test=[1, 3])),
        ("r.txt", saved([0, 2])),
        ("r.csv", TABLE[["subject", "trial"]].to_csv(index=False).encode()),
    ],
)
def test_a_damaged_file_is_read_or_refused_by_its_name(name: str, content: bytes, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "table.csv").write_text(TEXT)
    outcomes = []
    for _ in range(200):
        (tmp_path / name).write_bytes(mutated(content, rng))
        paths = [tmp_path / name] if name.startswith("w") else [tmp_path / "table.csv", *[tmp_path / name] * 2]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of NumPy, about headers of Python 2
                splits = read_split(*paths)
        except (DataFormatError, ConfigError) as error:
            assert name in str(error)
            outcomes.append("refused")
            continue
        outcomes.append("read")
        for split in splits:
            try:
                audit_split(*split)
            except ConfigError as error:
                assert str(error)
    assert {"read", "refused"} <= set(outcomes)
