from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.dummy import DummyClassifier

from eegemo import ConfigError, DataFormatError, evaluate, load, load_gameemo
from eegemo.datasets import dataset, gameemo, recognise
from eegemo.datasets._simulated_people import SimulatedPerson
from eegemo.datasets.simulated import DEFAULT_EFFECT, DEFAULT_SEED
from eegemo.datasets.simulated_releases import write_simulated_release
from toy_classifiers import flattened

# The order of the header in the release, written out once more.
HEADER = "AF3,AF4,F3,F4,F7,F8,FC5,FC6,O1,O2,P7,P8,T7,T8"
NAMES = HEADER.split(",")
N_TIMES = 20
FOLDER = "Preprocessed EEG Data/.csv format"


@pytest.fixture(autouse=True)
def short_recordings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gameemo, "N_TIMES", N_TIMES)


def samples(subject: int, game: int) -> np.ndarray:
    return np.random.default_rng([subject, game]).normal(0, 20, (N_TIMES, 14)).round(4)


def as_text(values: np.ndarray, header: str = HEADER, end: str = ",") -> str:
    lines = [header + end, *(",".join(f"{value:.4f}" for value in row) + end for row in values)]
    return "\n".join(lines) + "\n"


def place_of(folder: Path, subject: int, game: int) -> Path:
    return folder / f"(S{subject:02d})" / FOLDER / f"S{subject:02d}G{game}AllChannels.csv"


def write_person(folder: Path, subject: int) -> None:
    for game in range(1, 5):
        path = place_of(folder, subject, game)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(as_text(samples(subject, game)))


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """The release with people 1, 2 and 28, among other things that lie there."""
    folder = tmp_path / "GAMEEMO"
    for subject in (1, 2, 28):
        write_person(folder, subject)
    (folder / "Gameplays").mkdir()
    (folder / "(S01)" / "SAM Ratings").mkdir()
    (folder / "(S01)" / "SAM Ratings" / "G1.pdf").write_bytes(b"never read")
    raw = folder / "(S01)" / "Raw EEG Data" / ".csv format" / "S01G1AllRawChannels.csv"
    raw.parent.mkdir(parents=True)
    raw.write_text("never read")
    # A second copy of somebody's files in a folder of their own, as the release has it.
    shutil.copytree(folder / "(S02)", folder / "(S02)" / "(S02)")
    (folder / "(S02)" / FOLDER / "notes.csv").write_text("never read")
    return folder


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """The file of the third game of the only person."""
    write_person(tmp_path / "GAMEEMO", 7)
    return place_of(tmp_path / "GAMEEMO", 7, 3)


def folder_of(file: Path) -> Path:
    return file.parents[3]


def test_each_game_of_each_person_is_where_the_table_says(release: Path) -> None:
    trials = load_gameemo(release)
    assert (trials.ch_names, trials.sfreq, trials.dataset, trials.simulated) == (tuple(NAMES), 128.0, "GAMEEMO", False)
    assert trials.ch_types == ("eeg",) * 14
    assert trials.table["subject"].tolist() == [1] * 4 + [2] * 4 + [28] * 4
    assert trials.table["trial"].tolist() == trials.table["stimulus"].tolist() == [1, 2, 3, 4] * 3
    assert set(trials.table["n_times"]) == {N_TIMES} and set(trials.table["n_baseline"]) == {0}
    for number, (subject, game) in {0: (1, 1), 6: (2, 3), 11: (28, 4)}.items():
        assert_array_equal(trials.trial_data(number), samples(subject, game).T.astype(np.float32))


def test_the_class_is_the_quadrant_that_the_game_is_made_for(release: Path) -> None:
    trials = load_gameemo(release, subjects=[2])
    shown = trials.table[["stimulus", "game", "emotion"]].to_numpy().tolist()
    assert shown == [[1, "boring", "LVLA"], [2, "calm", "HVLA"], [3, "horror", "LVHA"], [4, "funny", "HVHA"]]
    (scheme,) = dataset("gameemo").schemes
    assert scheme.classes == ("HVHA", "HVLA", "LVHA", "LVLA")
    assert scheme(trials).tolist() == [3, 1, 2, 0]


def test_what_the_class_is_confounded_with_stands_wherever_a_reader_may_look(release: Path) -> None:
    trials = load_gameemo(release)
    caution = trials.provenance["caution"]
    assert caution == dataset("gameemo").caution
    assert "class and recording are one" in caution and "No protocol within a person" in caution
    assert "class and recording are one" in str(load_gameemo.__doc__)
    assert "doi:10.1016/j.bspc.2020.101951" in trials.provenance["reference"]
    assert trials.provenance["subjects"] == [1, 2, 28]
    scheme = dataset("gameemo").schemes[0]
    results = evaluate(flattened(DummyClassifier()), trials.windows(n_times=4), scheme, "window-random")
    assert any("class and recording cannot be told apart" in note for note in results.notes)
    assert results.provenance["data"]["caution"] == caution


@pytest.mark.parametrize("given", [".", "GAMEEMO"])
def test_the_folder_or_the_one_that_holds_it_is_recognised(release: Path, given: str) -> None:
    folder = release.parent / given
    assert recognise(folder) == "gameemo"
    assert_array_equal(load(folder, subjects=[28]).trial_data(0), samples(28, 1).T.astype(np.float32))


def test_people_are_read_in_the_order_wanted(release: Path) -> None:
    assert load_gameemo(release, subjects=[28, 1]).table["subject"].tolist() == [28] * 4 + [1] * 4


def test_channels_are_picked_by_name_and_may_have_their_old_names(release: Path) -> None:
    trials = load_gameemo(release, subjects=[1], channels=["O2", "T3"])
    assert trials.ch_names == ("O2", "T3")
    assert_array_equal(trials.trial_data(0), samples(1, 1)[:, [9, 12]].T.astype(np.float32))
    emotiv = load_gameemo(release, subjects=[1], channels="emotiv14")
    assert emotiv.ch_names[:3] == ("AF3", "F3", "F7")
    assert_array_equal(emotiv.trial_data(0)[1], samples(1, 1)[:, 2].astype(np.float32))
    with pytest.raises(ConfigError, match="Cz"):
        load_gameemo(release, channels=["Cz"])


def test_folders_without_brackets_and_names_in_small_letters_are_taken(one: Path) -> None:
    other = one.with_name("s07g3allchannels.csv")
    one.rename(other)
    folder_of(other).joinpath("(S07)").rename(folder_of(other) / "s07")
    assert_array_equal(load_gameemo(folder_of(one)).trial_data(2), samples(7, 3).T.astype(np.float32))


SHUFFLED = [9, 2, 13, 0, 5, 1, 3, 4, 12, 6, 7, 8, 11, 10]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(lambda x: as_text(x), id="as released"),
        pytest.param(lambda x: as_text(x, end=""), id="no comma at the end"),
        pytest.param(lambda x: as_text(x, header=HEADER + ",").replace(",,\n", ",\n"), id="comma in the header alone"),
        pytest.param(lambda x: as_text(x).replace(HEADER + ",", HEADER), id="comma in the rows alone"),
        pytest.param(lambda x: as_text(x).replace("\n", "\r\n"), id="Windows"),
        pytest.param(lambda x: as_text(x).rstrip("\n"), id="no end of the last line"),
        pytest.param(lambda x: as_text(x) + "\n\n", id="empty lines at the end"),
        pytest.param(lambda x: as_text(x[:, SHUFFLED], ",".join(NAMES[i] for i in SHUFFLED)), id="another order"),
        pytest.param(lambda x: as_text(x, HEADER.replace(",", " , ")), id="spaces in the header"),
        pytest.param(lambda x: as_text(x, HEADER.replace(",F3", ',"F3"')), id="quotes in the header"),
    ],
)
def test_a_table_of_the_same_numbers_is_read_however_it_is_written(one: Path, text: Callable[..., str]) -> None:
    one.write_bytes(text(samples(7, 3)).encode())
    assert_array_equal(load_gameemo(folder_of(one)).trial_data(2), samples(7, 3).T.astype(np.float32))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_marks_of_an_encoding_are_no_part_of_a_name(one: Path, encoding: str) -> None:
    one.write_bytes(as_text(samples(7, 3)).encode(encoding))
    assert_array_equal(load_gameemo(folder_of(one)).trial_data(2), samples(7, 3).T.astype(np.float32))


def with_cell(cell: str, *, row: int = 4, channel: int = 5) -> str:
    lines = as_text(samples(7, 3)).split("\n")
    cells = lines[1 + row].split(",")
    cells[channel] = cell
    lines[1 + row] = ",".join(cells)
    return "\n".join(lines)


def rows(n: int) -> np.ndarray:
    return np.zeros((n, 14))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (as_text(rows(19)), "holds 19 rows of 15 columns, expected 20 of 14; it may be cut short"),
        (as_text(rows(21)), "holds 21 rows of 15 columns, expected 20"),
        (as_text(rows(19)) + "0.0,0.0,0.0", "channel F4 is empty in line 21, expected a number"),
        (as_text(rows(10)) + "\n" + as_text(rows(9), header="").lstrip(",\n"), "channel AF3 is empty in line 12"),
        (HEADER + ",\n", r"cannot be read as a table of numbers with commas between them \("),
        ("", "the first line names nothing, expected the 14 channels AF3, "),
        (as_text(np.zeros((20, 13)), HEADER.replace(",T8", "")), "the first line names 'AF3', .*'T7', expected the 14"),
        (as_text(np.zeros((20, 15)), HEADER + ",Gyro"), "the first line names .*'Gyro', expected the 14 channels"),
        (as_text(rows(20), HEADER.replace("AF4", "AF3")), "the first line names 'AF3', 'AF3', 'F3'.*each once"),
        (as_text(rows(20), HEADER.replace("AF4", "Cz")), "the first line names 'AF3', 'Cz'"),
        (as_text(rows(20), HEADER.replace("AF3", "")), "the first line names '', 'AF4'"),
        (as_text(samples(7, 3)).split("\n", 1)[1], r"the first line names '-?\d+\.\d+'"),
        (as_text(rows(20)).replace(",", ";"), "the first line names 'AF3;AF4;.*with commas between them"),
        (as_text(rows(20)).replace("0.0000", "0,0000"), "line 2 holds 0.* in column 15, and 14 channels are named"),
        (as_text(np.zeros((20, 13))), "channel T8 is empty in line 2"),
        (as_text(rows(20)).replace("0.0000,\n", "0.0000,7\n", 1), "line 2 holds 7.* in column 15"),
        (as_text(rows(20)).replace("0.0000,\n", "0.0000,late\n", 1), "line 2 holds 'late' in column 15"),
        (as_text(rows(20)).replace("\n0.0000", "\n0.0000,0,0", 2), "line 2 holds 0.* in column 15"),
        (
            as_text(rows(20)) + "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16",
            r"cannot be read as a table of numbers .*Expected 15",
        ),
        (with_cell(""), "channel F8 is empty in line 6, expected a number; the file is damaged"),
        (with_cell("lost"), "channel F8 is 'lost' in line 6"),
        (with_cell("NaN"), "channel F8 is 'NaN' in line 6"),
        (with_cell("NA"), "channel F8 is 'NA' in line 6"),
        (with_cell("inf"), "channel F8 is inf in line 6"),
        (with_cell("1e999"), "channel F8 is inf in line 6"),
        (with_cell('"3,25"'), "channel F8 is '3,25' in line 6"),
        (with_cell("1+2j"), r"channel F8 is '1\+2j' in line 6"),
        (with_cell("True"), "channel F8 is 'True' in line 6"),
        (with_cell("0x10"), "channel F8 is '0x10' in line 6"),
        (with_cell("1\0" + "2"), r"channel F8 is '1\\x002' in line 6"),
        (with_cell('"'), "cannot be read as a table of numbers .*EOF inside string"),
        ("<html>404</html>", "the first line names '<html>404</html>'"),
    ],
)
def test_what_is_no_table_of_the_14_channels_is_refused_with_its_place(one: Path, text: str, message: str) -> None:
    one.write_text(text)
    with pytest.raises(DataFormatError, match=rf"(?s)^S07G3AllChannels\.csv: .*{message}") as error:
        load_gameemo(folder_of(one))
    assert len(str(error.value)) < 600
    assert not list((folder_of(one).parent / "cache").glob("GAMEEMO*/"))  # no half a store


@pytest.mark.parametrize("column", ["True", "yes"])
def test_a_column_of_anything_but_numbers_is_refused(one: Path, column: str) -> None:
    table = pd.DataFrame(samples(7, 3), columns=NAMES).astype(object)
    table["O1"] = column
    table.to_csv(one, index=False)
    with pytest.raises(DataFormatError, match=rf"channel O1 is '?{column}'? in line 2, expected a number"):
        load_gameemo(folder_of(one))


@pytest.mark.parametrize("content", [b"PK\x03\x04" + bytes(range(256)), b"\xff\xfe\x00", bytes(100)])
def test_what_is_no_text_is_refused(one: Path, content: bytes) -> None:
    one.write_bytes(content)
    with pytest.raises(DataFormatError, match=r"^S07G3AllChannels\.csv: "):
        load_gameemo(folder_of(one))


def test_a_file_that_is_far_too_large_is_not_read(one: Path) -> None:
    with one.open("r+b") as file:
        file.truncate(10**6)
    with pytest.raises(DataFormatError, match=r"S07G3AllChannels\.csv: takes 1000000 bytes, expected at most 17920"):
        load_gameemo(folder_of(one))


def test_a_missing_game_is_named(one: Path) -> None:
    one.unlink()
    with pytest.raises(DataFormatError, match=r"\(S07\) has no file S07G3AllChannels\.csv in 'Preprocessed EEG Data/"):
        load_gameemo(folder_of(one))


def test_a_folder_that_was_left_out_for_its_dot_is_named(one: Path) -> None:
    shown = one.parent.rename(one.parent.with_name("csv format"))
    assert load_gameemo(one.parents[3]).table["subject"].unique().tolist() == [7]
    shown.rename(one.parent.with_name("csv"))
    with pytest.raises(DataFormatError, match=r"\(S07\) holds no folder 'Preprocessed EEG Data/\.csv format', .*a dot"):
        load_gameemo(folder_of(one))


def test_two_files_of_a_game_are_refused(one: Path) -> None:
    shutil.copy(one, one.with_name("S07G3allchannels.csv"))
    with pytest.raises(DataFormatError, match=r"\(S07\) holds two files of game 3, .*take one of them away"):
        load_gameemo(folder_of(one))


def test_two_folders_of_a_person_are_refused(one: Path) -> None:
    shutil.copytree(folder_of(one) / "(S07)", folder_of(one) / "S07")
    with pytest.raises(DataFormatError, match=r"two folders of subject 7, \(S07\) and S07"):
        load_gameemo(folder_of(one))


def test_the_file_of_another_person_is_refused(one: Path) -> None:
    one.rename(one.with_name("S08G3AllChannels.csv"))
    with pytest.raises(DataFormatError, match=r"S08G3AllChannels\.csv lies in the folder \(S07\)"):
        load_gameemo(folder_of(one))


def test_people_who_are_not_there_are_named(release: Path) -> None:
    with pytest.raises(DataFormatError, match=r"has no file of subject 3; it holds subjects 1, 2, 28"):
        load_gameemo(release, subjects=[3])
    with pytest.raises(ConfigError, match="subjects must be different numbers"):
        load_gameemo(release, subjects=[1, 1])


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir(), lambda path: path.write_bytes(b"")])
def test_a_folder_without_people_is_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "somewhere")
    with pytest.raises(DataFormatError, match=r"somewhere' (is no folder|holds no folders \(S01\)).*give the folder"):
        load_gameemo(tmp_path / "somewhere")


def test_the_same_recording_under_two_names_is_found(release: Path) -> None:
    shutil.copy(place_of(release, 1, 2), place_of(release, 28, 2))
    with pytest.warns(UserWarning, match="subject 1.*28|28.*subject 1"):
        trials = load_gameemo(release)
    assert trials.provenance["copies"]


def test_the_files_are_read_once_and_then_their_store(one: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_gameemo(folder_of(one))
    with monkeypatch.context() as patch:
        patch.setattr(gameemo, "_read_samples", None)
        assert load_gameemo(folder_of(one)).fingerprint == first.fingerprint
    one.write_text(as_text(samples(8, 3)))
    assert_array_equal(load_gameemo(folder_of(one)).trial_data(2), samples(8, 3).T.astype(np.float32))


# Simulated files


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gameemo, "N_TIMES", N_TIMES)
        write_simulated_release(folder, "gameemo", [3, 11])
    return folder


def test_simulated_files_lie_as_the_release_does(simulated: Path) -> None:
    path = simulated / "(S11)" / "Preprocessed EEG Data" / ".csv format" / "S11G4AllChannels.csv"
    lines = path.read_bytes().decode("ascii").split("\n")
    assert lines[0] == HEADER + ","
    assert {line.count(",") for line in lines[:-1]} == {14} and all(line.endswith(",") for line in lines[:-1])
    assert len(lines) == N_TIMES + 2 and lines[-1] == ""
    assert len(list(simulated.rglob("*.csv"))) == 8
    table = pd.read_csv(path)
    assert list(table) == [*NAMES, "Unnamed: 14"] and table["Unnamed: 14"].isna().all()


def test_simulated_files_come_back_sample_by_sample(simulated: Path) -> None:
    trials = load(simulated)
    assert trials.simulated and trials.dataset == "simulated GAMEEMO files"
    assert trials.table["subject"].tolist() == [3] * 4 + [11] * 4
    for number, (subject, game) in enumerate((subject, game) for subject in (3, 11) for game in range(1, 5)):
        written = pd.read_csv(place_of(simulated, subject, game))[NAMES].to_numpy()
        assert_array_equal(trials.trial_data(number), written.T.astype(np.float32))
    assert 1 < trials.signals.std() < 100


def test_a_simulated_person_is_recorded_in_the_mood_of_each_game(simulated: Path) -> None:
    person = SimulatedPerson("GAMEEMO", 3, tuple(NAMES), 128.0, DEFAULT_EFFECT, DEFAULT_SEED)
    felt = person.felt(np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]]))
    for game in range(1, 5):
        written = pd.read_csv(place_of(simulated, 3, game))[NAMES].to_numpy()
        assert_allclose(written, person.record(game, N_TIMES, tuple(felt[game - 1])), atol=6e-5)


def test_the_same_seed_writes_the_same_bytes(simulated: Path, tmp_path: Path) -> None:
    write_simulated_release(tmp_path / "again", "gameemo", [11])
    assert place_of(tmp_path / "again", 11, 1).read_bytes() == place_of(simulated, 11, 1).read_bytes()


def test_real_and_simulated_people_are_not_mixed(release: Path) -> None:
    (release / "(S02)" / "SIMULATED.txt").write_text("")
    with pytest.raises(ConfigError, match="were simulated and some not"):
        load_gameemo(release)
    assert load_gameemo(release, subjects=[2]).simulated
