"""A run's folder opened again: what evaluate returned, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from eegemo import ConfigError, DataFormatError, Trials, Windows, read_results
from toy_classifiers import Faulty, failing
from toy_results import assert_same_predictions, assert_same_results, contents, run
from toy_trials import with_columns

PEOPLE: dict[str, list[Any]] = {
    "numbers": [1, 2, 10],
    "names": ["s1", "s10", "s2"],
    "digits": ["1", "2", "10"],
    "negative": [-3, -2, 0],
}


NUMBERS = np.tile(np.arange(1.0, 9.0), 3)


NAMES = pd.Series([f"v{number:g}" for number in NUMBERS])


STIMULI = {
    "numbers": NUMBERS.astype(int),
    "names": NAMES,
    "none": np.full(24, np.nan),
    "some numbers": np.where(NUMBERS == 3, np.nan, NUMBERS),
    "some names": NAMES.where(NUMBERS != 3),
}


@pytest.mark.parametrize(
    ("people", "stimuli"),
    [("numbers", stimuli) for stimuli in STIMULI] + [(people, "none") for people in PEOPLE if people != "numbers"],
)
def test_an_opened_run_is_what_evaluate_returned_without_the_recordings(
    windows: Windows, tmp_path: Path, people: str, stimuli: str
) -> None:
    data = with_columns(windows.trials, subject=np.repeat(PEOPLE[people], 8), stimulus=STIMULI[stimuli]).windows()
    results = run(data, folder=tmp_path / "run", model="nearest")
    moved = (tmp_path / "run").rename(tmp_path / "elsewhere")
    assert_same_results(read_results(moved), results)
    known = {"majority of the same stimulus"} if stimuli in ("numbers", "names") else set()
    assert {b.model for b in results.baselines} == {"uniform guess", "majority", "majority of the subject"} | known


@pytest.mark.parametrize("control", ["permuted-labels", "who-is-it", "which-stimulus", "injected-signal"])
def test_an_opened_control_is_what_evaluate_returned(windows: Windows, tmp_path: Path, control: str) -> None:
    results = run(windows, folder=tmp_path, control=control)
    opened = read_results(tmp_path)
    assert opened.control == control
    assert_same_results(opened, results)


def test_an_opened_run_has_its_notes(small_trials: Trials, tmp_path: Path) -> None:
    table = small_trials.table
    table.loc[table["subject"] == 2, "valence"] = 8.0
    windows = with_columns(small_trials, valence=table["valence"]).windows()
    results = run(windows, folder=tmp_path)
    (note,) = results.notes
    assert note.startswith("Subject 2 has no trial of LVHA, LVLA: ")
    assert read_results(tmp_path).notes == results.notes


def test_opening_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("mine")
    for name in ("empty", "missing", "file"):
        with pytest.raises(ConfigError, match=rf"{name}: holds no run \(no run\.json\); give the folder that evaluate"):
            read_results(tmp_path / name)


def test_opening_an_interrupted_run_is_refused(windows: Windows, tmp_path: Path) -> None:
    with failing(2, exception=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        run(windows, Faulty(), folder=tmp_path)
    with pytest.raises(ConfigError, match=r"interrupted, or is still running, after 2 folds; start it again"):
        read_results(tmp_path)


CARDS = {
    "empty": "",
    "cut short": '{"finished": true, "mod',
    "a list": "[]",
    "a number": "3",
    "nothing": "null",
    "no entries": "{}",
    "no text": "\udcff",
}


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
def test_a_damaged_card_is_refused_and_nothing_is_lost(windows: Windows, tmp_path: Path, card: str) -> None:
    run(windows, folder=tmp_path)
    (tmp_path / "run.json").write_text(card, encoding="utf-8", errors="surrogateescape")
    before = contents(tmp_path)
    for again in (lambda: read_results(tmp_path), lambda: run(windows, folder=tmp_path)):
        with pytest.raises(DataFormatError, match=r"run\.json: damaged \(.*\); delete the folder and run again"):
            again()
    assert contents(tmp_path) == before


@pytest.mark.parametrize("value", [None, 3, [1], {}], ids=str)
@pytest.mark.parametrize("key", ["splitter", "scheme", "provenance"])
def test_a_card_whose_entries_were_altered_is_refused(windows: Windows, tmp_path: Path, key: str, value: Any) -> None:
    run(windows, folder=tmp_path)
    card = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**card, key: value}))
    with pytest.raises(DataFormatError, match=r"run\.json: damaged"):
        read_results(tmp_path)


def test_opening_a_run_without_one_of_its_folds_says_which(windows: Windows, tmp_path: Path) -> None:
    whole = run(windows, folder=tmp_path)
    (tmp_path / "fold-002.npz").unlink()
    with pytest.raises(DataFormatError, match=r"fold-002\.npz is missing; start the run again"):
        read_results(tmp_path)
    assert_same_predictions(run(windows, folder=tmp_path), whole)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", None], ids=["empty", "cut short", "missing"])
def test_a_damaged_table_of_windows_is_refused_and_written_again(
    windows: Windows, tmp_path: Path, content: bytes | None
) -> None:
    results = run(windows, folder=tmp_path)
    if content is None:
        (tmp_path / "windows.npz").unlink()
    else:
        (tmp_path / "windows.npz").write_bytes(content)
    with pytest.raises(DataFormatError, match=r"windows\.npz: damaged"):
        read_results(tmp_path)
    assert_same_results(run(windows, folder=tmp_path), results)


def test_a_fold_that_an_earlier_version_wrote_is_refused_in_words(windows: Windows, tmp_path: Path) -> None:
    run(windows, folder=tmp_path)
    path = tmp_path / "fold-000.npz"
    with np.load(path) as stored:
        arrays = dict(stored)
    record = json.loads(str(arrays["record"]))
    del record["baselines"], arrays["checksum"]  # which stood in no file before
    np.savez_compressed(path, **(arrays | {"record": np.array(json.dumps(record))}))
    with pytest.raises(DataFormatError, match="written by an earlier version of eegemo"):
        read_results(tmp_path)
    with pytest.warns(UserWarning, match="written by an earlier version of eegemo.*deleted, and done again"):
        again = run(windows, folder=tmp_path)
    assert_same_results(read_results(tmp_path), again)
