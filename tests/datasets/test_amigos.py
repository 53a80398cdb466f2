from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from numpy.testing import assert_array_equal

import eegemo
from eegemo import ConfigError, DataFormatError, Trials, load_amigos
from eegemo.datasets import _written_amigos, dataset, recognise
from eegemo.datasets._simulated_people import SimulatedPerson
from eegemo.datasets.simulated_releases import write_simulated_release
from matlab_files import cells, write_5, write_73

# The order of the files, written out once more.
EEG = "AF3 F7 F3 FC5 T7 P7 O1 O2 P8 T8 FC6 F4 F8 AF4".split()
VIDEOS = "4 5 9 10 13 18 19 20 23 30 31 34 36 58 80 138 N1 P1 B1 U1".split()
N_BASELINE = 640
EMPTY = np.zeros((0, 0))


def recording(person: int, cell: int) -> np.ndarray:
    """Of a few samples behind the baseline, each with a value of its own; (n_times, 17)."""
    n_times = N_BASELINE + 20 + cell
    return person * 100.0 + cell + np.arange(n_times)[:, None] / 1024 - np.arange(17) / 32


def answers(cell: int, **changes: float) -> np.ndarray:
    """Arousal, valence, dominance, liking, familiarity, and seven emotions that were felt or not."""
    given = {
        "arousal": 1 + cell * 0.4,
        "valence": 9 - cell * 0.4,
        "dominance": 5.25,
        "liking": 2.0 + cell / 4,
        "familiarity": 1.0,
        "emotions": float(cell % 2),
        **changes,
    }
    felt = given.pop("emotions")
    return np.array([[*given.values(), felt, 0, 1, 0, 0, 0, 1 - felt]])


def contents(
    person: int = 1,
    *,
    samples: Mapping[int, Any] | None = None,
    labels: Mapping[int, Any] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """What a published file holds; cells may be others."""
    data = {cell: recording(person, cell) for cell in range(20)} | dict(samples or {})
    given = {cell: answers(cell) for cell in range(20)} | dict(labels or {})
    return {
        "VideoIDs": cells(*VIDEOS),
        "joined_data": cells(*data.values()),
        "labels_ext_annotation": cells(*[np.ones((3, 3))] * 20),
        "labels_selfassessment": cells(*given.values()),
        **changes,
    }


def path_of(folder: Path, person: int = 1) -> Path:
    return folder / f"Data_Preprocessed_P{person:02d}.mat"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data_preprocessed")
    for person in (1, 2, 40):
        write_5(path_of(folder, person), contents(person))
    (folder / "Experiment_Data.xlsx").write_bytes(b"never read")
    return folder


def test_each_short_video_of_each_person_is_where_the_table_says(folder: Path) -> None:
    trials = load_amigos(folder)
    assert (trials.ch_names, trials.sfreq, trials.dataset, trials.simulated) == (tuple(EEG), 128.0, "AMIGOS", False)
    assert trials.table["subject"].tolist() == [1] * 16 + [2] * 16 + [40] * 16
    assert trials.table["trial"].tolist() == list(range(1, 17)) * 3
    assert trials.table["stimulus"].tolist() == VIDEOS[:16] * 3
    assert set(trials.table["n_baseline"]) == {N_BASELINE}
    assert trials.table["n_times"].tolist() == [N_BASELINE + 20 + cell for cell in range(16)] * 3
    for row in (0, 15, 16, 47):
        own = recording((1, 2, 40)[row // 16], row % 16)
        assert_array_equal(trials.trial_data(row), own[N_BASELINE:, :14].T.astype(np.float32))
    start = int(trials.table["start"].iloc[17])
    assert_array_equal(trials.signals[start : start + N_BASELINE], recording(2, 1)[:N_BASELINE, :14].astype(np.float32))


def test_arousal_comes_before_valence(folder: Path) -> None:
    table = load_amigos(folder, subjects=[2]).table
    expected = np.array([answers(cell)[0] for cell in range(16)])
    assert_array_equal(table["arousal"], 1 + 0.4 * np.arange(16))
    assert_array_equal(table["valence"], 9 - 0.4 * np.arange(16))
    assert_array_equal(table[["dominance", "liking", "familiarity"]], expected[:, 2:5])
    assert_array_equal(table[["neutral", "happiness", "sadness"]], expected[:, [5, 7, 11]])
    assert set(table[["disgust", "surprise", "anger", "fear"]].to_numpy().ravel()) == {0.0}


def test_ratings_above_5_are_high(folder: Path) -> None:
    quadrants, valence, arousal = dataset("amigos").schemes
    trials = load_amigos(folder, subjects=[1])
    assert quadrants(trials).tolist() == [1] * 10 + [3] + [2] * 5  # at 5 exactly both are low
    assert valence(trials).tolist() == [1] * 10 + [0] * 6 and arousal(trials).tolist() == [0] * 11 + [1] * 5


@pytest.mark.parametrize(("videos", "expected"), [("short", range(16)), ("long", range(16, 20)), ("all", range(20))])
def test_long_videos_are_read_where_they_are_asked_for(folder: Path, videos: Any, expected: range) -> None:
    trials = load_amigos(folder, subjects=[40], videos=videos)
    assert trials.table["stimulus"].tolist() == [VIDEOS[cell] for cell in expected]
    assert trials.table["trial"].tolist() == [cell + 1 for cell in expected]
    assert_array_equal(trials.trial_data(0), recording(40, expected[0])[N_BASELINE:, :14].T.astype(np.float32))
    assert trials.provenance["videos"] == videos


@pytest.mark.parametrize("videos", ["shorts", None, 16, ["short"]])
def test_another_choice_of_videos_is_refused(folder: Path, videos: Any) -> None:
    with pytest.raises(ConfigError, match=r"Unknown choice of videos .*Known: short, long, all"):
        load_amigos(folder, videos=videos)


def test_the_other_channels_have_their_types(folder: Path) -> None:
    trials = load_amigos(folder, subjects=[1], channels=["GSR", "ECG_left", "ECG_right", "O1"])
    assert trials.ch_types == ("gsr", "ecg", "ecg", "eeg")
    assert_array_equal(trials.trial_data(2), recording(1, 2)[N_BASELINE:, [16, 15, 14, 6]].T.astype(np.float32))
    assert trials.pick("eeg").ch_names == ("O1",)
    with pytest.raises(ConfigError, match="Unknown channel 'ECG'"):
        load_amigos(folder, channels=["ECG"])


def test_where_the_samples_come_from_is_written_down(folder: Path) -> None:
    trials = load_amigos(folder, subjects=[40, 1])
    assert trials.pass_band == (4.0, 45.0)
    assert trials.provenance["subjects"] == [40, 1]
    assert trials.table["subject"].unique().tolist() == [40, 1]
    assert "10.1109/TAFFC.2018.2884461" in trials.provenance["reference"]
    assert "recordings" not in trials.provenance  # nothing was left out


def test_a_video_is_known_by_its_name_and_not_by_its_place(tmp_path: Path) -> None:
    turned = [*VIDEOS[15::-1], *VIDEOS[16:]]
    write_5(path_of(tmp_path), contents(VideoIDs=cells(*turned)))
    assert load_amigos(tmp_path).table["stimulus"].tolist() == VIDEOS[15::-1]
    numbers = [np.array([[float(name)]]) if name.isdigit() else name for name in VIDEOS]
    write_5(path_of(tmp_path), contents(VideoIDs=cells(*numbers)))
    assert load_amigos(tmp_path).table["stimulus"].tolist() == VIDEOS[:16]


# What is missing in the published files


def with_nan(cell: int, *columns: int, at: slice = slice(650, 652)) -> np.ndarray:
    array = recording(1, cell)
    array[at, list(columns)] = np.nan
    return array


def load_with_a_word(folder: Path, message: str, **keywords: Any) -> Trials:
    with pytest.warns(UserWarning, match=message) as warned:
        trials = load_amigos(folder, **keywords)
    assert len(warned) == 1 and warned[0].filename == __file__
    return trials


@pytest.mark.parametrize("write", [write_5, write_73])
def test_trials_without_samples_or_ratings_are_left_out_with_a_word(tmp_path: Path, write: Callable[..., Path]) -> None:
    write(
        path_of(tmp_path, 7),
        contents(
            samples={2: EMPTY, 3: np.zeros((0, 17)), 5: with_nan(5, 0, 3), 9: np.zeros((700, 17))},
            labels={4: np.zeros((1, 0)), 6: answers(6, valence=np.nan), 7: answers(7, arousal=0.0)},
        ),
    )
    word = (
        r"^7 trials are left out\. Data_Preprocessed_P07\.mat: trials 3, 4 \(no samples\); .*trial 5 \(no ratings\); "
        r".*trial 6 \(samples of AF3, FC5 are no numbers\); .*trial 7 \(valence is nan\); "
        r".*trial 8 \(arousal is 0\); .*trial 10 \(all samples are 0\)\.$"
    )
    trials = load_with_a_word(tmp_path, word)
    assert trials.table["trial"].tolist() == [1, 2, 9, 11, 12, 13, 14, 15, 16]
    assert trials.table["stimulus"].tolist() == [VIDEOS[trial - 1] for trial in trials.table["trial"]]
    assert_array_equal(trials.trial_data(3), recording(1, 10)[N_BASELINE:, :14].T.astype(np.float32))
    assert trials.provenance["recordings"] == [
        {
            "file": "Data_Preprocessed_P07.mat",
            "left_out": {
                "no samples": [3, 4],
                "no ratings": [5],
                "samples of AF3, FC5 are no numbers": [6],
                "valence is nan": [7],
                "arousal is 0": [8],
                "all samples are 0": [10],
            },
        }
    ]
    load_with_a_word(tmp_path, word)  # from its store, too


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [slice(0, 1), slice(640, 641), slice(-1, None)])
def test_a_single_sample_that_is_no_number_is_enough(tmp_path: Path, value: float, at: slice) -> None:
    array = recording(1, 0)
    array[at, 13] = value
    write_5(path_of(tmp_path), contents(samples={0: array}))
    trials = load_with_a_word(tmp_path, r"1 trial is left out\. .*trial 1 \(samples of AF4 are no numbers\)")
    assert trials.table["trial"].tolist() == list(range(2, 17))


def test_samples_of_channels_that_are_not_wanted_may_be_missing(tmp_path: Path) -> None:
    write_5(path_of(tmp_path), contents(samples={0: with_nan(0, 14, 15), 1: with_nan(1, 16), 2: with_nan(2, 5)}))
    load_with_a_word(tmp_path, r"1 trial is left out\. .*trial 3 \(samples of P7")
    assert len(load_amigos(tmp_path, channels=["AF3", "O1"])) == 16
    trials = load_with_a_word(tmp_path, r"2 trials are left out", channels=["AF3", "GSR", "P7"])
    assert trials.table["trial"].tolist()[:2] == [1, 4]


def test_another_rating_that_is_missing_is_no_number(tmp_path: Path) -> None:
    write_5(
        path_of(tmp_path),
        contents(labels={0: answers(0, dominance=np.nan, familiarity=0.0), 1: answers(1, liking=9.5)}),
    )
    table = load_amigos(tmp_path).table
    assert table[["dominance", "liking", "familiarity"]].iloc[:3].to_numpy().tolist() == [
        [pytest.approx(np.nan, nan_ok=True), 2.0, pytest.approx(np.nan, nan_ok=True)],
        [5.25, pytest.approx(np.nan, nan_ok=True), 1.0],
        [5.25, 2.5, 1.0],
    ]


@pytest.mark.parametrize("n_cells", [16, 20])
@pytest.mark.parametrize("write", [write_5, write_73])
def test_whoever_saw_no_long_video_has_none(tmp_path: Path, n_cells: int, write: Callable[..., Path]) -> None:
    whole = contents(samples=dict.fromkeys(range(16, 20), EMPTY), labels=dict.fromkeys(range(16, 20), np.zeros((1, 0))))
    write(path_of(tmp_path, 8), {name: variable[:, :n_cells] for name, variable in whole.items()})
    write(path_of(tmp_path, 9), contents(9))
    assert len(load_amigos(tmp_path)) == 32  # without a word
    for videos, n_trials in (("all", 36), ("long", 4)):
        trials = load_with_a_word(
            tmp_path,
            r"^4 trials are left out\. Data_Preprocessed_P08\.mat: trials 17, 18, 19, 20 \(no samples\)\.$",
            videos=videos,
        )
        assert len(trials) == n_trials
    assert trials.table["subject"].unique().tolist() == [9]
    assert trials.table.dtypes["trial"] == np.int64


def test_without_any_trial_there_is_nothing_to_load(tmp_path: Path) -> None:
    write_5(path_of(tmp_path, 8), contents(samples=dict.fromkeys(range(16, 20), EMPTY)))
    with pytest.raises(DataFormatError, match=r"no trial is left\. 4 trials are left out\. Data_Preprocessed_P08\.mat"):
        load_amigos(tmp_path, videos="long")
    assert not list((tmp_path / "cache").glob("AMIGOS*/"))


# Files and folders


@pytest.mark.parametrize("inside", ["", "data_preprocessed"])
@pytest.mark.parametrize("own_folders", [False, True])
def test_files_are_found_in_any_of_the_folders(tmp_path: Path, inside: str, own_folders: bool) -> None:
    for person in (1, 12):
        path = path_of(tmp_path / inside, person)
        write_5(path.parent / path.stem / path.name if own_folders else path, contents(person))
    assert recognise(tmp_path) == "amigos"
    assert eegemo.load(tmp_path).table["subject"].unique().tolist() == [1, 12]


def test_two_files_of_a_person_are_refused(tmp_path: Path) -> None:
    path = path_of(tmp_path)
    write_5(path, contents())
    write_5(tmp_path / path.stem / path.name, contents())
    with pytest.raises(DataFormatError, match=r"holds two files of subject 1, .*take one of them away"):
        load_amigos(tmp_path)


def test_a_name_without_two_digits_is_not_read(tmp_path: Path) -> None:
    write_5(path_of(tmp_path), contents())
    (tmp_path / "Data_Preprocessed_P7.mat").write_bytes(b"never read")
    with pytest.warns(UserWarning, match=r"P7\.mat is not read; the releases name it Data_Preprocessed_P07\.mat"):
        assert load_amigos(tmp_path).table["subject"].unique().tolist() == [1]


def test_people_who_are_not_there_are_named(folder: Path) -> None:
    with pytest.raises(DataFormatError, match=r"has no file of subject 3; it holds subjects 1, 2, 40"):
        load_amigos(folder, subjects=[1, 3])
    with pytest.raises(DataFormatError, match=r"has no file of subject \(none wanted\)"):
        load_amigos(folder, subjects=[])
    with pytest.raises(ConfigError, match="different numbers"):
        load_amigos(folder, subjects=[1, 1])


def test_a_folder_without_files_is_refused(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(DataFormatError, match=r"holds no Data_Preprocessed_P01\.mat .*are they unpacked"):
        load_amigos(tmp_path)
    with pytest.raises(DataFormatError, match=r"There is no folder .*which is a file"):
        load_amigos(path_of(folder))
    with pytest.raises(DataFormatError, match=r"There is no folder"):
        load_amigos(tmp_path / "nowhere")


@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_of_any_version_gives_the_same(tmp_path: Path, folder: Path, compressed: bool) -> None:
    expected = load_amigos(folder, subjects=[2], videos="all").fingerprint
    write_5(path_of(tmp_path, 2), contents(2), compressed=compressed)
    assert load_amigos(tmp_path, videos="all").fingerprint == expected
    write_73(path_of(tmp_path, 2), contents(2), **({"chunks": True, "compression": "gzip"} if compressed else {}))
    assert load_amigos(tmp_path, videos="all").fingerprint == expected


def without(name: str) -> dict[str, Any]:
    return {each: variable for each, variable in contents().items() if each != name}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (without("joined_data"), "there is nothing in 'joined_data'; is this AMIGOS's file"),
        (without("labels_selfassessment"), "there is nothing in 'labels_selfassessment'"),
        (without("VideoIDs"), "there is nothing in 'VideoIDs'"),
        ({"data": np.eye(3)}, "there is nothing in 'VideoIDs'"),
        (contents(joined_data=np.ones((20, 17))), "there is nothing in 'joined_data'"),
        (contents(samples={4: recording(1, 4)[:, :16]}), r"'joined_data' of trial 5 has shape \(664, 16\) \(float64\)"),
        (contents(samples={4: recording(1, 4).T}), r"'joined_data' of trial 5 has shape \(17, 664\)"),
        (contents(samples={4: np.ones((700, 17, 2))}), r"'joined_data' of trial 5 has shape \(700, 17, 2\)"),
        (contents(samples={4: "text"}), r"'joined_data' of trial 5 has shape \(\) \(<U4\)"),
        (contents(labels={3: np.ones((1, 11))}), r"'labels_selfassessment' of trial 4 has shape \(1, 11\) .*\(1, 12\)"),
        (contents(labels={3: "text"}), r"'labels_selfassessment' of trial 4 has shape \(\) \(<U4\)"),
        (contents(VideoIDs=cells(*VIDEOS[:-1], "N1")), "VideoIDs names a video twice: 4, 5, .*, N1"),
        (contents(VideoIDs=cells(*VIDEOS, "extra")), "'VideoIDs' has more than 20 cells"),
        (contents(VideoIDs=cells(*VIDEOS[:15])), "VideoIDs names no video for trial 16"),
        (contents(samples={4: cells(1.0)}), "'joined_data/4' is a cell array, expected numbers"),
    ],
)
@pytest.mark.parametrize("write", [write_5, write_73])
def test_files_that_are_not_amigos_are_refused(
    tmp_path: Path, content: dict[str, Any], message: str, write: Callable[..., Path]
) -> None:
    write(path_of(tmp_path), content)
    with pytest.raises(DataFormatError, match=rf"^Data_Preprocessed_P01\.mat: .*{message}"):
        load_amigos(tmp_path)
    assert not list((tmp_path / "cache").glob("AMIGOS*/"))  # no half a store


def test_a_trial_no_longer_than_its_baseline_is_left_out(tmp_path: Path) -> None:
    write_5(path_of(tmp_path), contents(samples={0: np.ones((640, 17)), 1: np.ones((641, 17))}))
    trials = load_with_a_word(tmp_path, r"trial 1 \(640 samples, no more than the baseline\)")
    assert trials.table["n_times"].iloc[0] == 641


def test_a_video_of_hours_is_refused_before_it_is_read(tmp_path: Path) -> None:
    write_5(path_of(tmp_path), contents(samples={3: np.zeros((61 * 60 * 128, 17))}))  # 64 MB
    tracemalloc.start()
    with pytest.raises(DataFormatError, match=r"of at most 62668800"):
        load_amigos(tmp_path)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("keep", [0.001, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, keep: float, compressed: bool) -> None:
    path = write_5(path_of(tmp_path), contents(), compressed=compressed)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    with pytest.raises(DataFormatError, match=r"^Data_Preprocessed_P01\.mat: .*fetch it again"):
        load_amigos(tmp_path, videos="all")
    assert not list((tmp_path / "cache").glob("AMIGOS*/"))


def test_the_files_are_read_once_and_then_their_store(folder: Path, tmp_path: Path) -> None:
    first = load_amigos(folder, subjects=[1], cache=tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("eegemo.datasets.amigos.walk_matlab", None)
        again = load_amigos(folder, subjects=[1], cache=tmp_path)
    assert first.fingerprint == again.fingerprint


# Simulated people


def cheap_record(self: SimulatedPerson, recording: int, n_times: int, emotion: Any = (0, 0)) -> np.ndarray:
    rng = np.random.default_rng([*self.key, recording])
    return (5 * rng.standard_normal((n_times, len(self.person.ch_names)))).astype(np.float32)


def write_release(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SimulatedPerson, "record", cheap_record)
        patch.setattr(_written_amigos, "VIDEO_SECONDS", tuple(1 + cell / 8 for cell in range(20)))
        write_simulated_release(folder, "amigos", [1, 8])


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release") / "amigos"
    write_release(folder)
    return folder


def test_a_simulated_release_is_read_as_it_was_written(release: Path) -> None:
    assert recognise(release) == "amigos"
    trials = eegemo.load(release)
    assert trials.simulated and trials.dataset == "simulated AMIGOS files"
    assert trials.table["subject"].tolist() == [1] * 16 + [8] * 16
    for person in (1, 8):
        file = scipy.io.loadmat(path_of(release, person))
        own = trials.select(f"subject == {person}")
        for cell in range(16):
            data = file["joined_data"][0, cell]
            assert data.shape == (N_BASELINE + 128 + 16 * cell, 17) and data.dtype == np.float64
            start = own.table["start"].iloc[cell]
            assert_array_equal(own.signals[start : start + len(data)], data[:, :14].astype(np.float32))
            labels = file["labels_selfassessment"][0, cell]
            assert labels.shape == (1, 12)
            assert own.table[["arousal", "valence", "dominance"]].iloc[cell].tolist() == labels[0, :3].tolist()
            assert own.table["stimulus"].iloc[cell] == file["VideoIDs"][0, cell][0]


def test_a_simulated_release_has_what_the_published_one_has(release: Path) -> None:
    names = ["VideoIDs", "joined_data", "labels_ext_annotation", "labels_selfassessment"]
    for person, n_long in ((1, 4), (8, 0)):
        file = scipy.io.loadmat(path_of(release, person))
        assert [name for name in file if not name.startswith("__")] == names
        assert {file[name].shape for name in names} == {(1, 20)}
        assert [str(name[0]) for name in file["VideoIDs"][0]] == VIDEOS
        assert sum(data.size > 0 for data in file["joined_data"][0, 16:]) == n_long
        assert file["labels_ext_annotation"][0, 0].shape[1] == 3
    load_with_a_word(release, r"4 trials are left out\. Data_Preprocessed_P08", videos="all")


def test_the_same_seed_writes_the_same_bytes(release: Path, tmp_path: Path) -> None:
    write_release(tmp_path / "again")
    for person in (1, 8):
        assert path_of(tmp_path / "again", person).read_bytes() == path_of(release, person).read_bytes()


def test_videos_are_as_long_as_those_of_amigos() -> None:
    seconds = _written_amigos.VIDEO_SECONDS
    assert (len(seconds), min(seconds[:16]), max(seconds[:16])) == (20, 50, 150)
    assert 14 * 60 <= min(seconds[16:]) and max(seconds[16:]) <= 24 * 60
