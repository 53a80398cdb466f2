"""The ratings of DEAP's raw recordings: where they are found, and how wrong and turned ones are recognised."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.ndimage
import scipy.signal

from deap_raw_files import (
    ORDER,
    SHEET,
    arousal_of,
    dominance_of,
    liking_of,
    load_as_is,
    valence_of,
    write_sheet,
)
from eegemo import DataFormatError


@pytest.fixture
def unread(tmp_path: Path) -> Path:
    """A folder whose recording is never opened, since the ratings are looked at before."""
    (tmp_path / "deap" / "data_original").mkdir(parents=True)
    (tmp_path / "deap" / "data_original" / "s25.bdf").write_bytes(b"")
    return tmp_path / "deap"


def test_ratings_that_are_nowhere_are_asked_for(unread: Path) -> None:
    with pytest.raises(
        DataFormatError, match=r"no participant_ratings\.csv beside '.*data_original'.*metadata_csv.*ratings="
    ):
        load_as_is(unread)
    with pytest.raises(DataFormatError, match=r"There is no file '.*elsewhere\.csv'; name DEAP's participant_ratings"):
        load_as_is(unread, ratings=unread / "elsewhere.csv")
    with pytest.raises(DataFormatError, match="There is no file"):
        load_as_is(unread, ratings=unread)


@pytest.mark.parametrize("place", ["", "metadata_csv", "data_original", "data_original/metadata_csv", "given"])
def test_ratings_are_found_beside_the_recordings_and_where_they_are_named(session: Path, place: str) -> None:
    target = session / place / "participant_ratings.csv"
    target.parent.mkdir(exist_ok=True)
    (session / "participant_ratings.csv").rename(target)
    named = {"ratings": target} if place == "given" else {}
    assert load_as_is(session, **named).table["valence"].tolist() == [valence_of(video) for video in range(1, 41)]


def with_value(column: str, row: int, value: Any) -> pd.DataFrame:
    sheet = SHEET.astype({column: object})
    sheet.loc[row, column] = value
    return sheet


@pytest.mark.parametrize(
    ("sheet", "message"),
    [
        (SHEET.drop(index=5), r"participant 25 has no row for trial 6; .*fetch"),
        (SHEET.drop(index=[5, 39]), r"participant 25 has no row for trial 6, 40; .*fetch"),
        (SHEET.assign(Participant_id=24), r"participant 25 is not in it; fetch it again"),
        (SHEET.head(0), r"participant 25 is not in it|no rows|empty"),
        (pd.concat([SHEET, SHEET]), r"participant 25 has Trial \d+ twice; is the participant listed twice\?"),
        (with_value("Experiment_id", 3, ORDER[4]), rf"participant 25 has Experiment_id {ORDER[4]} twice"),
        (with_value("Trial", 3, 41), r"participant 25 has no row for trial 4"),
        (with_value("Experiment_id", 3, 41), r"participant 25 has trial or video 41, of 40"),
        (with_value("Experiment_id", 3, 0), r"participant 25 has trial or video 0, of 40"),
        (SHEET.drop(columns="Arousal"), r"columns Arousal are missing; it has Participant_id, Trial"),
        (SHEET.drop(columns=["Start_time", "Liking"]), r"columns Start_time, Liking are missing"),
        (with_value("Valence", 1, "high"), r"Valence is high in line 3, expected a number"),
        (with_value("Arousal", 38, None), r"Arousal is nan in line 40"),
        (with_value("Start_time", 0, "1:05"), r"Start_time is 1:05 in line 2, expected a number"),
        (with_value("Trial", 0, ""), r"Trial is nan in line 2"),
        (with_value("Valence", 7, 0), r"valence of participant 25 is 0 in line 9; .*fetch"),
        (with_value("Valence", 7, 9.5), r"valence of participant 25 is 9\.5 in line 9; expected a rating from 1 to 9"),
        (with_value("Dominance", 39, 0.99), r"dominance of participant 25 is 0\.99 in line 41; expected a rating"),
        (with_value("Liking", 0, -3), r"liking of participant 25 is -3 in line 2; expected a rating from 1 to 9"),
        (with_value("Arousal", 0, float("inf")), r"arousal of participant 25 is inf in line 2"),
    ],
)
def test_wrong_rows_of_the_ratings_are_named(unread: Path, sheet: pd.DataFrame, message: str) -> None:
    write_sheet(unread, sheet)
    with pytest.raises(DataFormatError, match=r"^participant_ratings\.csv: .*" + message):
        load_as_is(unread)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read as a table"),
        (b"\xff\xfe\x00\x81garbage\x00", "cannot be read as a table|columns .* are missing"),
        (SHEET.to_csv(index=False, sep=";").encode(), "columns Participant_id, .* are missing"),
    ],
)
def test_ratings_that_are_no_table_are_refused(unread: Path, content: bytes, message: str) -> None:
    (unread / "participant_ratings.csv").write_bytes(content)
    with pytest.raises(DataFormatError, match=r"^participant_ratings\.csv: .*(" + message + ")"):
        load_as_is(unread)


def test_turned_ratings_that_leave_the_scale_are_recognised(unread: Path) -> None:
    sheet = with_value("Valence", 0, 9.0)
    sheet["Valence"] = 9 - sheet["Valence"].astype(float)  # 0 in the first row
    write_sheet(unread, sheet)
    with pytest.raises(
        DataFormatError, match=r"valence of participant 25 is 0 in line 2; these are 9 minus the ratings.*DEAP itself"
    ):
        load_as_is(unread)


@pytest.fixture(scope="module")
def labels_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The preprocessed release's file of subject 25, empty but for the ratings in the order of the videos."""
    videos = range(1, 41)
    labels = [[valence_of(v), arousal_of(v), dominance_of(v), liking_of(v)] for v in videos]
    path = tmp_path_factory.mktemp("labels") / "s25.mat"
    content = {"data": np.zeros((40, 40, 8064)), "labels": np.array(labels)}
    scipy.io.savemat(path, content, do_compression=True)
    return path


def put_beside(session: Path, labels_file: Path) -> None:
    (session / "data_preprocessed_matlab").mkdir()
    (session / "data_preprocessed_matlab" / "s25.mat").symlink_to(labels_file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda sheet: sheet.assign(Valence=9 - sheet["Valence"], Arousal=9 - sheet["Arousal"]),
            r"valence and arousal in .* are 9 minus those of s25\.mat, while dominance and liking agree: .*DEAP itself",
        ),
        (
            lambda sheet: sheet.assign(Arousal=9 - sheet["Arousal"]),
            r"arousal in .* are 9 minus those of s25\.mat, while dominance and liking agree",
        ),
        (
            lambda sheet: sheet.assign(Valence=sheet["Valence"].to_numpy()[::-1]),
            r"valence in .* differ from those of s25\.mat, while dominance and liking agree",
        ),
        (
            lambda sheet: sheet.assign(Experiment_id=sheet["Experiment_id"].to_numpy()[::-1]),
            r"valence and arousal and dominance and liking in participant_ratings\.csv differ from those of s25\.mat: ",
        ),
    ],
)
def test_ratings_that_the_preprocessed_release_denies_are_refused(
    session: Path, labels_file: Path, change: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    write_sheet(session, change(SHEET).round(2))
    assert len(load_as_is(session)) == 40  # nothing tells, where the sheet is alone
    put_beside(session, labels_file)
    with pytest.raises(DataFormatError, match=r"^s25\.bdf: " + message):
        load_as_is(session, channels=["Fp2"])  # another store: this one has to be prepared


def test_ratings_that_agree_but_for_rounding_are_taken(session: Path, labels_file: Path) -> None:
    put_beside(session, labels_file)
    write_sheet(session, SHEET.assign(Valence=SHEET["Valence"] + 0.004))
    assert len(load_as_is(session)) == 40


def test_altered_ratings_of_simulated_people_are_found_beside_both_releases(
    raw_release: Path, preprocessed: Path, tmp_path: Path
) -> None:
    (tmp_path / "data_preprocessed_python").symlink_to(preprocessed / "data_preprocessed_python")
    (tmp_path / "data_original").symlink_to(raw_release / "data_original")
    sheet = pd.read_csv(raw_release / "participant_ratings.csv")
    write_sheet(tmp_path, sheet)
    assert len(load_as_is(tmp_path, subjects=[1])) == 4
    sheet["Valence"] = (9 - sheet["Valence"]).clip(1, 9).round(2)  # clipped: no rating leaves the scale
    write_sheet(tmp_path, sheet)
    with pytest.raises(DataFormatError, match=r"^s01\.bdf: valence in .* s01\.dat, while dominance and liking agree"):
        load_as_is(tmp_path, subjects=[1])
