"""The table of trials: its kinds, where its names of files start, its further columns, and tables that are refused."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from eegemo import (
    ConfigError,
    DataFormatError,
    categories,
    quadrants,
)
from eegemo.datasets.recordings import listed_files
from recording_files import (
    a_table,
    microvolts,
    prepare_as_is,
    samples,
    write_recording,
)

pytestmark = pytest.mark.filterwarnings("error::UserWarning")


# Tables


@pytest.mark.parametrize("kind", ["csv", "tsv", "TSV", "DataFrame", "nullable DataFrame"])
def test_tables_of_every_kind_give_the_same(kind: str, laboratory: Path, tmp_path: Path) -> None:
    table = a_table(file=["a_raw.fif", "b_raw.fif"], subject=[7, 8], task=["rest", "music"], valence=[2.5, np.nan])
    given: Any = table
    if kind == "nullable DataFrame":
        given = table.convert_dtypes()
    elif kind != "DataFrame":
        given = tmp_path / f"trials.{kind}"
        table.to_csv(given, index=False, sep="," if kind == "csv" else "\t", na_rep="n/a")
    trials = prepare_as_is(given, laboratory)
    assert_allclose(trials.trial_data(1), microvolts(samples(2), 4.0, 2.0), rtol=1e-6)
    made = ["start", "n_times", "n_baseline", "recording", "first_sample"]
    assert list(trials.table) == ["subject", "trial", "stimulus", *made, "task", "valence"]
    assert trials.table["subject"].tolist() == [7, 8]
    assert trials.table["task"].tolist() == ["rest", "music"]
    assert trials.table["valence"][0] == 2.5
    assert trials.table["valence"].isna().tolist() == [False, True]


def test_names_of_files_start_from_the_folder_of_the_table(
    laboratory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(laboratory / "deeper", tmp_path / "study" / "deeper")
    a_table(file="deeper/c_raw.fif").to_csv(tmp_path / "study" / "trials.csv", index=False)
    monkeypatch.chdir(tmp_path)
    trials = prepare_as_is(Path("study/trials.csv"))
    assert_allclose(trials.trial_data(0), microvolts(samples(3), 1.0, 2.0), rtol=1e-6)
    assert listed_files("study/trials.csv") == [tmp_path / "study" / "deeper" / "c_raw.fif"]


def test_names_of_files_start_from_the_folder_given(laboratory: Path, tmp_path: Path) -> None:
    a_table(file="c_raw.fif").to_csv(tmp_path / "trials.csv", index=False)
    write_recording(tmp_path / "c_raw.fif", samples(99))  # beside the table, and not meant
    trials = prepare_as_is(str(tmp_path / "trials.csv"), laboratory / "deeper")
    assert_allclose(trials.trial_data(0), microvolts(samples(3), 1.0, 2.0), rtol=1e-6)


def test_names_in_a_data_frame_start_from_the_working_folder(laboratory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(laboratory / "deeper")
    assert_allclose(prepare_as_is(a_table(file="c_raw.fif")).trial_data(0), microvolts(samples(3), 1.0, 2.0), rtol=1e-6)


def test_absolute_names_of_files_need_no_folder(laboratory: Path, tmp_path: Path) -> None:
    for file in (laboratory / "b_raw.fif", str(laboratory / "b_raw.fif")):
        trials = prepare_as_is(a_table(file=[file] * 2), tmp_path)
        assert_allclose(trials.trial_data(0), microvolts(samples(2), 1.0, 2.0), rtol=1e-6)


def test_the_callers_table_is_left_as_it_is(laboratory: Path) -> None:
    table = a_table(onset=["4.0", "1"], task=["a", "b"]).set_axis([5, 3])
    before = table.copy(deep=True)
    prepare_as_is(table, laboratory)
    pd.testing.assert_frame_equal(table, before)


# Further columns, through the store


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([7, -3]),
        pd.Series([0.1 + 0.2, 1e-300]),
        pd.Series([5.5, np.nan]),
        pd.Series([np.nan, np.nan]),
        pd.Series(["rest", "music"]),
        pd.Series(["007", "1e5"]),
        pd.Series(["True", "False"]),
        pd.Series(["a", None]),
        pd.Series([True, False]),
        pd.Series([1, None], dtype="Int64"),
        pd.Series([True, None], dtype="boolean"),
        pd.Series(["rest", "music"], dtype="category"),
    ],
    ids=lambda column: f"{column.dtype}: {column.tolist()}",
)
def test_further_columns_keep_their_values_and_types(column: pd.Series, laboratory: Path) -> None:
    for _ in range(2):  # made, and opened again
        kept = prepare_as_is(a_table(extra=column), laboratory).table["extra"]
        assert kept.dtype == column.dtype
        pd.testing.assert_series_equal(kept, column, check_names=False)


def test_times_and_dates_are_kept_or_refused_before_any_work(laboratory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    when = pd.to_datetime(["2024-05-01 10:00", "2024-05-01 10:05"])
    try:
        table = prepare_as_is(a_table(when=when), laboratory).table
    except (ConfigError, DataFormatError) as error:
        assert "when" in str(error)
        monkeypatch.setattr("eegemo.preprocessing.recording.preprocess", lambda *_: pytest.fail("it was worked on"))
        with pytest.raises((ConfigError, DataFormatError), match="when"):
            prepare_as_is(a_table(when=when), laboratory)
    else:
        assert pd.to_datetime(table["when"]).tolist() == when.tolist()


@pytest.mark.parametrize("texts", [["x, y", 'say "hi"'], ["two\nlines", "ä µ 脳"], [" a ", ";\t|"], ["\r", "a\rb"]])
def test_text_of_any_kind_comes_back(texts: list[str], laboratory: Path) -> None:
    assert prepare_as_is(a_table(note=texts), laboratory).table["note"].tolist() == texts


@pytest.mark.parametrize("text", ["NA", "None", "null", "nan", "N/A", ""])
def test_text_that_looks_like_a_missing_value_is_not_one(text: str, laboratory: Path) -> None:
    """NA is short for negative affect, and None the stimulus that was none."""
    trials = prepare_as_is(a_table(affect=["PA", text]), laboratory)
    assert trials.table["affect"].tolist() == ["PA", text]
    assert categories("affect", ("PA", text))(trials).tolist() == [0, 1]


@pytest.mark.parametrize("name", ["a, b", 'the "best"', "two\nlines", "µ 脳", " x ", "Unnamed: 0", "index", "0", ""])
def test_names_of_columns_of_any_kind_come_back(name: str, laboratory: Path) -> None:
    table = prepare_as_is(a_table(**{name: ["p", "q"], "last": [1, 2]}), laboratory).table
    assert list(table)[8:] == [name, "last"]
    assert table[name].tolist() == ["p", "q"]


@pytest.mark.parametrize("twice", ["task", "onset"])
@pytest.mark.usefixtures("no_work")
def test_two_columns_of_one_name_are_refused(twice: str, laboratory: Path) -> None:
    table = a_table(task=["a", "b"])
    table = pd.concat([table, table[[twice]]], axis=1)
    with pytest.raises((ConfigError, DataFormatError), match=f"{twice}.* twice|twice.* {twice}"):
        prepare_as_is(table, laboratory)


def test_a_column_of_truths_with_gaps_keeps_its_truths(laboratory: Path, tmp_path: Path) -> None:
    a_table(moved=["True", ""]).to_csv(tmp_path / "trials.csv", index=False)
    moved = prepare_as_is(tmp_path / "trials.csv", laboratory).table["moved"]
    assert moved.isna().tolist() == [False, True]
    assert moved.dropna().tolist() == [True]  # and not the text 'True'


def test_ratings_and_categories_of_the_table_are_labels(laboratory: Path) -> None:
    table = pd.DataFrame(
        {
            "file": ["a_raw.fif", "a_raw.fif", "b_raw.fif", "b_raw.fif"],
            "subject": [1, 1, 2, 2],
            "onset": [1.0, 5.0, 1.0, 5.0],
            "duration": 2.0,
            "task": ["rest", "music", "music", "rest"],
            "valence": [8, 8, 2, 5],
            "arousal": [7.5, 1, 9, 5],
        }
    )
    trials = prepare_as_is(table, laboratory)
    assert categories("task", ("rest", "music"))(trials).tolist() == [0, 1, 1, 0]
    assert quadrants()(trials).tolist() == [0, 1, 2, 3]  # HVHA, HVLA, LVHA, LVLA; 5 is low
    windows = trials.windows(1.0)
    assert categories("task", ("rest", "music"))(windows).tolist() == [0, 0, 1, 1, 1, 1, 0, 0]


# Bad tables


@pytest.mark.parametrize("missing", ["file", "subject", "onset", "duration"])
@pytest.mark.usefixtures("no_work")
def test_a_table_without_a_column_is_refused(missing: str, laboratory: Path) -> None:
    with pytest.raises(DataFormatError, match=rf"lacks {missing}; it needs file, subject, onset, duration and has"):
        prepare_as_is(a_table().drop(columns=missing), laboratory)


@pytest.mark.usefixtures("no_work")
def test_a_table_with_other_separators_shows_what_was_read(laboratory: Path, tmp_path: Path) -> None:
    a_table().to_csv(tmp_path / "trials.csv", sep=";", index=False)
    with pytest.raises(DataFormatError, match=r"lacks file, subject.* has file;subject;onset;duration"):
        prepare_as_is(tmp_path / "trials.csv", laboratory)


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataFormatError, match=r"no table '.*trials.csv'; it lists a trial a row: file, subject, onset"):
        prepare_as_is(tmp_path / "trials.csv")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "trials.csv: cannot be read as a table"),
        (b"file,subject,onset,duration\n", "The table of trials has no rows"),
        (b"file,subject\na.fif,1\nb.fif,2,3,4,5\n", "trials.csv: cannot be read as a table"),
        (b"PK\x03\x04\xff\xfe\x00\x81", "trials.csv: cannot be read as a table"),
    ],
    ids=["empty", "no rows", "ragged", "binary"],
)
def test_a_file_that_holds_no_table_is_refused(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "trials.csv").write_bytes(content)
    with pytest.raises(DataFormatError, match=words):
        prepare_as_is(tmp_path / "trials.csv")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"onset": [1.0, np.nan]}, "onset is .*nan.* in row 2"),
        ({"onset": ["soon", 1.0]}, "onset is 'soon' in row 1"),
        ({"onset": [1.0, np.inf]}, "onset is .*inf.* in row 2"),
        ({"onset": [-0.5, 1.0]}, r"onset is .*-0\.5.* in row 1"),
        ({"onset": pd.array([1, None], dtype="Int64")}, "onset is .*NA.* in row 2"),
        ({"duration": [1.0, -2.0]}, r"duration is .*-2.* in row 2"),
        ({"duration": [0.0, 2.0]}, r"duration is .*0.* in row 1"),
        ({"duration": ["1 s", "2 s"]}, "duration is '1 s' in row 1"),
        ({"subject": [1, np.nan]}, "subject is .*nan.* in row 2"),
        ({"subject": ["P1", None]}, "subject is .*(None|nan).* in row 2"),
        ({"file": ["a_raw.fif", None]}, "file is .*(None|nan).* in row 2"),
        ({"trial": [1, np.nan]}, "trial is .*nan.* in row 2"),
    ],
)
@pytest.mark.usefixtures("no_work")
def test_a_row_that_says_nothing_is_named(columns: dict[str, Any], words: str, laboratory: Path) -> None:
    with pytest.raises(DataFormatError, match=f"{words} of the table of trials"):
        prepare_as_is(a_table(**columns), laboratory)


@pytest.mark.usefixtures("no_work")
def test_a_value_is_quoted_as_a_reader_of_the_table_would_write_it(laboratory: Path) -> None:
    with pytest.raises(DataFormatError, match=r"onset is '?-2\.5'? in row 1"):
        prepare_as_is(a_table(onset=[-2.5, 1.0]), laboratory)


@pytest.mark.parametrize("name", ["start", "n_times", "n_baseline", "recording", "first_sample"])
@pytest.mark.usefixtures("no_work")
def test_columns_that_the_cutting_makes_are_refused(name: str, laboratory: Path) -> None:
    with pytest.raises(ConfigError, match=f"Columns {name} are made when trials are cut; call yours otherwise"):
        prepare_as_is(a_table(**{name: 0}), laboratory)


@pytest.mark.usefixtures("no_work")
def test_two_trials_of_one_number_are_refused(laboratory: Path) -> None:
    table = a_table(file=["a_raw.fif", "b_raw.fif"], subject="P1", trial=[3, 3])
    with pytest.raises(DataFormatError, match=r"Subject P1 has two trials numbered 3 .*or leave the column out"):
        prepare_as_is(table, laboratory)


def test_people_can_share_trial_numbers(laboratory: Path) -> None:
    table = a_table(file=["a_raw.fif", "b_raw.fif"], subject=[1, 2], trial=[3, 3])
    assert prepare_as_is(table, laboratory).table["trial"].tolist() == [3, 3]


@pytest.mark.parametrize(("encoding", "warned"), [("utf-8-sig", False), ("utf-16", False), ("cp1252", True)])
def test_a_table_in_the_encoding_of_a_spreadsheet_is_read(
    encoding: str, warned: bool, laboratory: Path, tmp_path: Path
) -> None:
    a_table(subject="Zoë").to_csv(tmp_path / "trials.csv", index=False, encoding=encoding)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trials = prepare_as_is(tmp_path / "trials.csv", laboratory)
    assert trials.table["subject"].tolist() == ["Zoë", "Zoë"]
    assert ["read as Windows-1252" in str(warning.message) for warning in caught] == [True] * warned


def test_subjects_of_two_kinds_become_text(laboratory: Path) -> None:
    table = prepare_as_is(a_table(file=["a_raw.fif", "b_raw.fif"], subject=[1, "a"]), laboratory).table
    assert table["subject"].tolist() == ["1", "a"]


def test_names_below_the_users_home_are_found(
    laboratory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    shutil.copy(laboratory / "a_raw.fif", tmp_path / "a_raw.fif")
    a_table(file="~/a_raw.fif").to_csv(tmp_path / "trials.csv", index=False)
    assert len(prepare_as_is("~/trials.csv", cache="~/prepared")) == 2
    assert list((tmp_path / "prepared").glob("recordings-*"))


@pytest.mark.parametrize("table", [None, "", 5, [1]])
def test_what_is_no_table_is_refused_in_words(table: Any) -> None:
    with pytest.raises(ConfigError, match="table must be the path of a file or folder"):
        prepare_as_is(table)
