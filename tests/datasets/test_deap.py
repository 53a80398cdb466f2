from __future__ import annotations

import pickle
import shutil
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse
from numpy.testing import assert_array_equal

from eegemo import ConfigError, DataFormatError, load_deap
from eegemo.datasets import _deap_format
from eegemo.datasets._deap_format import write_dat, write_mat

SHAPE = (40, 40, 8064)
# The Geneva order of DEAP's description, written out once more.
GENEVA = (
    "Fp1 AF3 F3 F7 FC5 FC1 C3 T7 CP5 CP1 P3 P7 PO3 O1 Oz Pz Fp2 AF4 Fz F4 F8 FC6 FC2 Cz C4 T8 CP6 CP2 P4 P8 PO4 O2 "
    "hEOG vEOG zEMG tEMG GSR Respiration Plethysmograph Temperature"
).split()


def some_labels(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(1, 9, (40, 4)).round(2)


@pytest.fixture(scope="module")
def person() -> tuple[np.ndarray, np.ndarray]:
    """Samples and ratings of one subject, as DEAP's files hold them."""
    data = np.random.default_rng(1).standard_normal(SHAPE, dtype=np.float32).astype(np.float64)
    return data, some_labels(1)


@pytest.fixture(scope="module")
def release(person: tuple[np.ndarray, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the Python release of subjects 1 and 3, and the MATLAB release of subject 1."""
    folder = tmp_path_factory.mktemp("deap")
    data, labels = person
    for place in ("data_preprocessed_python", "data_preprocessed_matlab"):
        (folder / place).mkdir()
    write_dat(folder / "data_preprocessed_python" / "s01.dat", data, labels)
    write_dat(folder / "data_preprocessed_python" / "s03.dat", data[::-1], labels[::-1])
    write_mat(folder / "data_preprocessed_matlab" / "s01.mat", data, labels)
    return folder


def quick(path: Path, *, data: np.ndarray | None = None, labels: np.ndarray | None = None, **more: Any) -> Path:
    """A subject's file in a few megabytes: a pickle of small integers, which the reader takes as well."""
    samples = np.zeros(SHAPE, np.int8) if data is None else data
    ratings = np.full((40, 4), 5.0) if labels is None else labels
    path.write_bytes(pickle.dumps({"data": samples, "labels": ratings, **more}, 4))
    return path


def test_the_python_release_is_read(release: Path, person: tuple[np.ndarray, np.ndarray]) -> None:
    data, labels = person
    trials = load_deap(release, channels=["F3", "GSR"])
    assert trials.signals.shape == (2 * 40 * 8064, 2)
    for number, samples in ((0, data[0]), (39, data[39]), (40, data[39]), (79, data[0])):
        start = trials.table["start"][number]
        assert_array_equal(trials.signals[start : start + 8064].T, samples[[2, 36]])
    assert_array_equal(
        trials.table[["valence", "arousal", "dominance", "liking"]], np.concatenate([labels, labels[::-1]])
    )
    assert trials.ch_types == ("eeg", "gsr")
    assert (trials.sfreq, trials.dataset, trials.simulated) == (128.0, "DEAP", False)


def test_the_table_numbers_videos_within_subjects(release: Path) -> None:
    table = load_deap(release, channels=["F3"]).table
    assert table["subject"].tolist() == [1] * 40 + [3] * 40
    assert table["trial"].tolist() == table["stimulus"].tolist() == list(range(1, 41)) * 2
    assert table["start"].tolist() == list(range(0, 80 * 8064, 8064))
    assert set(table["n_times"]) == {63 * 128}
    assert set(table["n_baseline"]) == {3 * 128}


def test_both_releases_hold_the_same_trials(release: Path) -> None:
    python = load_deap(release / "data_preprocessed_python", subjects=[1], channels="emotiv14")
    matlab = load_deap(release / "data_preprocessed_matlab", subjects=[1], channels="emotiv14")
    assert python.fingerprint == matlab.fingerprint
    assert python.provenance["source"] == "preprocessed, python release"
    assert matlab.provenance["source"] == "preprocessed, matlab release"


def test_a_file_is_the_same_bytes_whenever_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, labels = np.ones((2, 3, 4)), np.ones((2, 4))
    for write in (write_dat, write_mat):
        write(tmp_path / "a", data, labels)
        monkeypatch.setattr("time.asctime", lambda *_: "another day")
        write(tmp_path / "b", data, labels)
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_compressed_matlab_file_is_read(tmp_path: Path) -> None:
    data = np.zeros(SHAPE, np.int8)
    data[7, 13] = 3
    scipy.io.savemat(tmp_path / "s05.mat", {"data": data, "labels": some_labels(5)}, do_compression=True)
    trials = load_deap(tmp_path, channels=["O1"])
    assert trials.table["subject"].unique().tolist() == [5]
    assert np.flatnonzero(trials.signals[:, 0].reshape(40, 8064).any(axis=1)).tolist() == [7]


def test_the_folder_of_both_releases_gives_the_python_one(release: Path) -> None:
    trials = load_deap(release, subjects=[1], channels=["F3"])
    assert trials.provenance["source"] == "preprocessed, python release"


@pytest.mark.parametrize(("wanted", "n"), [("eeg", 32), ("emotiv14", 14)])
def test_a_set_of_channels_is_picked_by_name(
    release: Path, person: tuple[np.ndarray, np.ndarray], wanted: str, n: int
) -> None:
    trials = load_deap(release, subjects=[1], channels=wanted)
    assert len(trials.ch_names) == n
    positions = [GENEVA.index(name) for name in trials.ch_names]
    assert_array_equal(trials.signals[:8064].T, person[0][0, positions])
    assert set(trials.ch_types or ()) == {"eeg"}


def test_the_emotiv_headset_has_t7_and_no_c3(release: Path) -> None:
    names = load_deap(release, subjects=[1], channels="emotiv14").ch_names
    assert names == tuple("AF3 F3 F7 FC5 T7 P7 O1 AF4 F4 F8 FC6 T8 P8 O2".split())


def test_channels_come_in_the_order_asked_for(release: Path, person: tuple[np.ndarray, np.ndarray]) -> None:
    trials = load_deap(release, subjects=[1], channels=("Temperature", "Fp1", "hEOG"))
    assert_array_equal(trials.signals[:8064].T, person[0][0, [39, 0, 32]])
    assert trials.ch_types == ("temperature", "eeg", "eog")


@pytest.mark.parametrize("subjects", [[3], (3,), np.array([3]), range(3, 4)])
def test_subjects_are_chosen_by_number(release: Path, subjects: Any) -> None:
    trials = load_deap(release, subjects=subjects, channels=["F3"])
    assert trials.table["subject"].unique().tolist() == [3]
    assert len(trials) == 40


def test_subjects_come_in_the_order_asked_for(release: Path) -> None:
    trials = load_deap(release, subjects=[3, 1], channels=["F3"])
    assert trials.table["subject"].tolist() == [3] * 40 + [1] * 40
    assert trials.select(trials.table["subject"] == 1).fingerprint == (
        load_deap(release, subjects=[1], channels=["F3"]).fingerprint
    )


def test_a_minute_of_video_is_sixty_windows_and_the_baseline_none(release: Path) -> None:
    windows = load_deap(release, subjects=[1], channels=["F3"]).windows()
    assert len(windows) == 40 * 60
    assert windows.starts[0] == 384


def test_stray_files_are_ignored(tmp_path: Path) -> None:
    quick(tmp_path / "s02.dat")
    for name in (".DS_Store", "s01 (1).dat", "s1.dat", "s001.dat", "sAB.dat", "._s01.dat", "s01.dat.part", "s03.txt"):
        (tmp_path / name).write_bytes(b"garbage")
    (tmp_path / "s04").mkdir()
    trials = load_deap(tmp_path, channels=["F3"])
    assert trials.table["subject"].unique().tolist() == [2]


def test_a_second_call_does_not_read_the_files(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_deap(release, subjects=[1], channels=["F3"])

    def unreadable(path: Path) -> None:
        raise AssertionError(f"{path} was read again")

    monkeypatch.setattr(_deap_format, "read_file", unreadable)
    assert load_deap(release, subjects=[1], channels=["F3"]).fingerprint == first.fingerprint


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    quick(tmp_path / "s01.dat")
    before = load_deap(tmp_path, channels=["F3"])
    quick(tmp_path / "s01.dat", labels=np.full((40, 4), 6.0))
    after = load_deap(tmp_path, channels=["F3"])
    assert (before.table["valence"][0], after.table["valence"][0]) == (5, 6)


@pytest.mark.parametrize(("channels", "n"), [(["F3"], 1), ("emotiv14", 14)])
def test_the_store_is_the_float32_size_of_the_channels(tmp_path: Path, channels: Any, n: int) -> None:
    quick(tmp_path / "s01.dat")
    load_deap(tmp_path, channels=channels, cache=tmp_path / "stores")
    (signals,) = (tmp_path / "stores").rglob("signals.npy")
    assert signals.stat().st_size == 128 + 40 * 8064 * n * 4


def test_subjects_are_in_memory_one_at_a_time(tmp_path: Path) -> None:
    for subject in range(1, 5):
        quick(tmp_path / f"s{subject:02d}.dat", labels=some_labels(subject))
    peaks = []
    for subjects in ([1], [1, 2, 3, 4]):
        tracemalloc.start()
        load_deap(tmp_path, subjects=subjects, channels=["F3"])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataFormatError, match=r"There is no folder .*nowhere.*data_preprocessed_python"):
        load_deap(tmp_path / "nowhere")


def test_a_folder_without_recordings_is_named(tmp_path: Path) -> None:
    (tmp_path / "s1.dat").write_bytes(b"")
    with pytest.raises(DataFormatError, match=rf"{tmp_path.name}.* holds no s01\.dat \.\.\. s32\.dat"):
        load_deap(tmp_path)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"channels": ["F3", "F33"]}, ConfigError, r"Unknown channel 'F33'\. Did you mean 'F3'\?"),
        ({"channels": ["F3", "F3"]}, ConfigError, "named twice"),
        ({"channels": []}, ConfigError, "A list of channel names was expected"),
        ({"channels": "emotiv"}, ConfigError, r"Unknown channel set 'emotiv'\. Did you mean 'emotiv14'\?"),
        ({"subjects": [1, 7]}, DataFormatError, "has no file of subject 7; it holds subjects 1"),
        ({"subjects": []}, ValueError, "none wanted"),
        ({"subjects": [1, 1]}, ValueError, "twice|different"),
    ],
)
def test_what_is_not_there_is_refused_before_anything_is_read(
    tmp_path: Path, settings: dict[str, Any], error: type[Exception], message: str
) -> None:
    (tmp_path / "s01.dat").write_bytes(b"never read")
    with pytest.raises(error, match=message):
        load_deap(tmp_path, **settings)


def with_value(array: np.ndarray, position: tuple[int, ...], value: float) -> np.ndarray:
    array[position] = value
    return array


def samples(position: tuple[int, ...], value: float) -> np.ndarray:
    return with_value(np.zeros(SHAPE, np.float16), position, value)


def ratings(position: tuple[int, ...], value: float) -> np.ndarray:
    return with_value(np.full((40, 4), 5.0), position, value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"data": np.zeros((40, 40, 4032), np.int8)}, r"'data' has shape \(40, 40, 4032\), expected \(40, 40, 8064\)"),
        ({"data": np.zeros((40, 32, 8064), np.int8)}, r"'data' has shape \(40, 32, 8064\)"),
        ({"labels": np.full((39, 4), 5.0)}, r"'labels' has shape \(39, 4\), expected \(40, 4\)"),
        ({"labels": np.full((40, 4), "5")}, "dtype 'U1' are not read, only numbers"),
        ({"data": samples((4, 2, 100), np.nan)}, "channel F3 of trial 5 is nan at sample 100, expected finite"),
        ({"data": samples((0, 19, 0), np.inf)}, "channel F4 of trial 1 is inf at sample 0"),
        ({"data": samples((39, 19, 8063), -np.inf)}, "channel F4 of trial 40 is -inf at sample 8063"),
        ({"labels": ratings((2, 0), 0.0)}, "valence of video 3 is 0, expected a rating from 1 to 9"),
        ({"labels": ratings((39, 3), 9.5)}, "liking of video 40 is 9.5, expected a rating from 1 to 9"),
        ({"labels": ratings((0, 1), np.nan)}, "arousal of video 1 is nan, expected a rating from 1 to 9"),
        ({"labels": ratings((0, 2), -np.inf)}, "dominance of video 1 is -inf"),
    ],
)
def test_a_bad_file_is_named_and_leaves_nothing(tmp_path: Path, content: dict[str, Any], message: str) -> None:
    quick(tmp_path / "s01.dat")
    quick(tmp_path / "s02.dat", **content)
    stores = tmp_path / "stores"
    with pytest.raises(DataFormatError, match=rf"^s02\.dat: .*{message}"):
        load_deap(tmp_path, channels=["F3", "F4"], cache=stores)
    assert not [path for path in stores.iterdir() if path.is_dir()]
    assert len(load_deap(tmp_path, subjects=[1], channels=["F3", "F4"], cache=stores)) == 40


def test_a_rating_of_one_and_of_nine_are_ratings(tmp_path: Path) -> None:
    quick(tmp_path / "s01.dat", labels=np.tile([1.0, 9.0], (40, 2)))
    table = load_deap(tmp_path, channels=["F3"]).table
    assert (table["valence"][0], table["liking"][39]) == (1, 9)


def test_opposite_infinities_do_not_cancel(tmp_path: Path) -> None:
    data = samples((3, 2, 7), np.inf)
    data[3, 2, 8] = -np.inf
    quick(tmp_path / "s01.dat", data=data)
    with pytest.raises(DataFormatError, match="channel F3 of trial 4 is inf at sample 7"):
        load_deap(tmp_path, channels=["F3"])


@pytest.mark.parametrize("missing", ["data", "labels"])
@pytest.mark.parametrize("suffix", ["dat", "mat"])
def test_a_file_without_its_arrays_is_refused(tmp_path: Path, missing: str, suffix: str) -> None:
    arrays = {"data": np.zeros(SHAPE, np.int8), "labels": np.full((40, 4), 5.0), "other": np.zeros(2)}
    del arrays[missing]
    path = tmp_path / f"s01.{suffix}"
    if suffix == "dat":
        path.write_bytes(pickle.dumps(arrays, 4))
    else:
        scipy.io.savemat(path, arrays)
    with pytest.raises(DataFormatError, match=rf"s01\.{suffix}: there is no '{missing}', only \["):
        load_deap(tmp_path, channels=["F3"])


@pytest.fixture(scope="module")
def small_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("small")
    data = np.random.default_rng(2).integers(-9, 9, SHAPE, dtype=np.int8)
    quick(folder / "s01.dat", data=data)
    scipy.io.savemat(folder / "s01.mat", {"data": data, "labels": np.full((40, 4), 5.0)})
    scipy.io.savemat(folder / "packed.mat", {"data": data, "labels": np.full((40, 4), 5.0)}, do_compression=True)
    return {"dat": folder / "s01.dat", "mat": folder / "s01.mat", "packed mat": folder / "packed.mat"}


@pytest.mark.parametrize("kind", ["dat", "mat", "packed mat"])
@pytest.mark.parametrize("keep", [0, 60, 132, 300, 0.5, 0.9999])
def test_a_file_that_is_cut_short_is_refused(
    small_files: dict[str, Path], tmp_path: Path, kind: str, keep: float
) -> None:
    path = tmp_path / f"s01.{kind[-3:]}"
    shutil.copy(small_files[kind], path)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(int(keep * size) if isinstance(keep, float) else keep)
    with pytest.raises(DataFormatError, match=rf"^{path.name}: .*fetch it again"):
        load_deap(tmp_path, channels=["F3"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>404</html>" * 100, "cannot be read as a MATLAB file"),
        (
            b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + b"\x00" * 500,
            r"cannot be read as a MATLAB file \(it is of version 7\.3",
        ),
    ],
)
def test_what_is_no_matlab_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "s01.mat").write_bytes(content)
    with pytest.raises(DataFormatError, match=rf"s01\.mat: {message}"):
        load_deap(tmp_path)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((40, 40, 4032), np.int8), r"'data' has shape \(40, 40, 4032\)"),
        (
            np.zeros((40, 40, 8064), np.complex64) + 1j,
            "cannot be read .*'data' holds complex numbers, expected real ones",
        ),
        ({"field": 1.0}, "cannot be read .*'data' is a struct, expected numbers"),
        (np.array([1.0, "a"], dtype=object), "cannot be read .*'data' is a cell array"),
        ("text", "cannot be read .*'data' is text"),
        (scipy.sparse.eye(3).tocsc(), "cannot be read .*'data' is a sparse array"),
        (np.ones((40, 40, 8065)), "cannot be read .*103225600 bytes|cannot be read .*103219200"),
    ],
)
def test_a_matlab_file_of_something_else_is_refused(tmp_path: Path, array: Any, message: str) -> None:
    scipy.io.savemat(tmp_path / "s01.mat", {"data": array, "labels": np.full((40, 4), 5.0)})
    with pytest.raises(DataFormatError, match=rf"s01\.mat: {message}"):
        load_deap(tmp_path, channels=["F3"])


def test_a_hostile_pickle_among_the_recordings_is_refused_and_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    quick(tmp_path / "s01.dat")
    (tmp_path / "s02.dat").write_bytes(b"cos\nsystem\n(S'touch " + str(marker).encode() + b"'\ntR.")
    with pytest.raises(DataFormatError, match=r"s02\.dat: asks for os\.system"):
        load_deap(tmp_path, channels=["F3"])
    assert not marker.exists()


def test_a_cache_below_a_file_is_a_config_error(tmp_path: Path) -> None:
    quick(tmp_path / "s01.dat")
    with pytest.raises(ConfigError, match=r"cannot be written to .*EEGEMO_CACHE"):
        load_deap(tmp_path, channels=["F3"], cache=tmp_path / "s01.dat" / "stores")


def test_people_in_both_formats_are_all_loaded_each_once(tmp_path: Path) -> None:
    labels = {1: np.full((40, 4), 1.0), 2: np.full((40, 4), 2.0), 3: np.full((40, 4), 3.0)}
    quick(tmp_path / "s01.dat", labels=labels[1])
    write_mat(tmp_path / "s01.mat", np.zeros((40, 40, 8064)), labels[3])
    write_mat(tmp_path / "S02.MAT", np.zeros((40, 40, 8064)), labels[2])
    trials = load_deap(tmp_path, channels=["F3"])
    assert trials.table["subject"].unique().tolist() == [1, 2]
    assert trials.table.groupby("subject")["valence"].first().tolist() == [1.0, 2.0]
    assert trials.provenance["source"] == "preprocessed, python and matlab release"


def test_two_files_of_a_person_are_refused_and_a_name_of_one_digit_is_warned_of(tmp_path: Path) -> None:
    for name in ("s01.dat", "S01.DAT"):
        (tmp_path / name).touch()
    if len(list(tmp_path.iterdir())) == 2:  # not where capitals are the same name
        with pytest.raises(DataFormatError, match=r"two files of subject 1, S01\.DAT and s01\.dat"):
            load_deap(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "s1.dat").touch()
    with pytest.warns(UserWarning, match=r"s1\.dat is not read; the releases name it s01\.dat"):
        with pytest.raises(DataFormatError, match=r"holds no s01\.dat"):
            load_deap(tmp_path / "other")


def test_a_folder_of_the_folder_that_holds_the_files_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "s01.dat").touch()
    with pytest.raises(DataFormatError, match="give one of its folders that do: mine"):
        load_deap(tmp_path)


@pytest.mark.parametrize("subjects", [1, "s01", ["s01"], [1.0], [True], [None], 1.5])
def test_what_is_no_list_of_numbers_is_refused(subjects: Any, release: Path) -> None:
    with pytest.raises(ConfigError, match=r"subjects must be (a list of people's numbers|whole numbers)"):
        load_deap(release, subjects=subjects)


@pytest.mark.parametrize("folder", [None, "", 5, b"data"])
def test_what_is_no_path_is_refused(folder: Any) -> None:
    with pytest.raises(ConfigError, match="folder must be the path of a file or folder"):
        load_deap(folder)


def test_old_names_of_channels_are_taken(release: Path) -> None:
    old, new = (load_deap(release, subjects=[1], channels=[name, "Cz"]) for name in ("T3", "T7"))
    assert old.ch_names == ("T3", "Cz")
    np.testing.assert_array_equal(old.signals, new.signals)
