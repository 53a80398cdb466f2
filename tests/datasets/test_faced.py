from __future__ import annotations

import os
import pickle
import pickletools
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from eegemo import ConfigError, DataFormatError, load, load_faced
from eegemo.datasets import dataset, faced, recognise
from eegemo.datasets._simulated_people import SimulatedPerson
from eegemo.datasets.simulated import DEFAULT_EFFECT, DEFAULT_SEED
from eegemo.datasets.simulated_releases import write_simulated_release

# As Electrode_Location.xlsx lists them, in the 10-05 system's spelling, written out once more.
NAMES = "Fp1 Fp2 Fz F3 F4 F7 F8 FC1 FC2 FC5 FC6 Cz C3 C4 T7 T8 CP1 CP2 CP5 CP6 Pz P3 P4 P7 P8 PO3 PO4 Oz O1 O2".split()
NAMES += ["A2", "A1"]
N_TIMES = 24
SHAPE = (28, 32, N_TIMES)


@pytest.fixture(autouse=True)
def short_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faced, "N_TIMES", N_TIMES)


def samples(subject: int) -> np.ndarray:
    return np.random.default_rng(subject).normal(0, 10, SHAPE)


def write(path: Path, content: Any, protocol: int = 4) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, protocol))
    return path


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """The release with people 0, 7 and 122, among other things that lie there."""
    folder = tmp_path / "FACED"
    for subject in (0, 7, 122):
        write(folder / "Processed_data" / f"sub{subject:03d}.pkl", samples(subject))
    write(folder / "EEG_Features" / "DE" / "sub000.pkl.pkl", np.zeros((28, 32, 30, 5)))
    (folder / "Processed_data" / "Readme.md").write_text("never read")
    (folder / "Recording_info.csv").write_text("never read")
    return folder


@pytest.fixture
def one(tmp_path: Path) -> Path:
    return write(tmp_path / "Processed_data" / "sub009.pkl", samples(9))


def test_each_video_of_each_person_is_where_the_table_says(release: Path) -> None:
    trials = load_faced(release)
    assert (trials.ch_names, trials.sfreq, trials.dataset) == (tuple(NAMES[:30]), 250.0, "FACED")
    assert set(trials.ch_types) == {"eeg"} and not trials.simulated
    assert trials.table["subject"].tolist() == [0] * 28 + [7] * 28 + [122] * 28
    assert trials.table["trial"].tolist() == trials.table["stimulus"].tolist() == list(range(1, 29)) * 3
    assert set(trials.table["n_times"]) == {N_TIMES} and set(trials.table["n_baseline"]) == {0}
    for number, (subject, video) in {0: (0, 0), 27: (0, 27), 28: (7, 0), 61: (122, 5)}.items():
        assert_array_equal(trials.trial_data(number), samples(subject)[video, :30].astype(np.float32))


def test_the_class_of_a_video_goes_by_its_number(release: Path) -> None:
    trials = load_faced(release, subjects=[7])
    first_of = trials.table.groupby("emotion", sort=False)["stimulus"].agg(["min", "max"])
    assert first_of.reset_index().to_numpy().tolist() == [
        ["anger", 1, 3],
        ["disgust", 4, 6],
        ["fear", 7, 9],
        ["sadness", 10, 12],
        ["neutral", 13, 16],
        ["amusement", 17, 19],
        ["inspiration", 20, 22],
        ["joy", 23, 25],
        ["tenderness", 26, 28],
    ]
    nine, three = dataset("faced").schemes
    assert nine.classes == tuple(first_of.index)
    assert (
        nine(trials).tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3 + [4] * 4 + [5] * 3 + [6] * 3 + [7] * 3 + [8] * 3
    )
    assert three.classes == ("negative", "neutral", "positive")
    assert three(trials).tolist() == [0] * 12 + [1] * 4 + [2] * 12


def test_where_the_samples_come_from_is_written_down(release: Path) -> None:
    trials = load_faced(release, subjects=[122, 0])
    assert trials.table["subject"].tolist() == [122] * 28 + [0] * 28
    assert trials.pass_band == (0.05, 47.0)
    assert trials.provenance["subjects"] == [122, 0]
    assert "doi:10.1038/s41597-023-02650-w" in trials.provenance["reference"]
    assert "may read the video in place of the emotion" in trials.provenance["caution"]


@pytest.mark.parametrize("given", [".", "Processed_data"])
def test_the_folder_or_the_one_that_holds_it_is_recognised(release: Path, given: str) -> None:
    assert recognise(release / given) == "faced"
    assert_array_equal(load(release / given, subjects=[7]).trial_data(3), samples(7)[3, :30].astype(np.float32))


def test_an_archive_that_was_unpacked_into_a_folder_of_its_name_is_found(one: Path) -> None:
    inner = one.parent / "Processed_data"
    inner.mkdir()
    one.rename(inner / one.name)
    assert recognise(one.parents[1]) == "faced"
    assert load_faced(one.parents[1]).table["subject"].unique().tolist() == [9]


def test_the_last_two_channels_are_no_eeg_and_can_be_had_by_name(release: Path) -> None:
    trials = load_faced(release, subjects=[0], channels=["A1", "Pz", "A2"])
    assert trials.ch_names == ("A1", "Pz", "A2") and trials.ch_types == ("misc", "eeg", "misc")
    assert_array_equal(trials.trial_data(4), samples(0)[4, [31, 20, 30]].astype(np.float32))


def test_channels_that_faced_has_not_are_refused(release: Path) -> None:
    for channels, name in (("emotiv14", "AF3"), (["Fp1", "FCz"], "FCz")):
        with pytest.raises(ConfigError, match=name):
            load_faced(release, channels=channels)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "form",
    [np.asarray, np.asfortranarray, lambda x: x.astype("f4"), lambda x: x.astype(">f8"), lambda x: x.astype("i2")],
    ids=["C", "Fortran", "float32", "big-endian", "int16"],
)
def test_an_array_is_read_however_it_was_pickled(one: Path, form: Callable[[Any], np.ndarray], protocol: int) -> None:
    array = form(samples(9))
    write(one, array, protocol)
    assert_array_equal(load_faced(one.parent).trial_data(13), array[13, :30].astype(np.float32))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (np.zeros((28, 32, N_TIMES - 1)), r"holds an array of shape \(28, 32, 23\), expected \(28, 32, 24\)"),
        (np.zeros((27, 32, N_TIMES)), r"of shape \(27, 32, 24\)"),
        (np.zeros((28, 30, N_TIMES)), r"of shape \(28, 30, 24\), .*it may be of another folder than 'Processed_data'"),
        (np.zeros((32, 28, N_TIMES)), r"of shape \(32, 28, 24\)"),
        (np.zeros((28, 32, 8, 5)), r"of shape \(28, 32, 8, 5\), .*it may be of another folder"),
        (np.zeros(0), r"of shape \(0,\)"),
        (np.zeros(SHAPE, bool), "holds bool, expected numbers"),
        (np.zeros(SHAPE, "c16"), "dtype 'c16' are not read, only numbers"),
        (np.zeros(SHAPE, "S1"), "dtype 'S1' are not read"),
        (np.zeros((28, 32, 1), object), "only numbers|not a run of bytes"),
        ({"data": np.zeros(SHAPE)}, "holds a dict, expected an array"),
        ([np.zeros(SHAPE)], "holds a list, expected an array"),
        (None, "holds a NoneType, expected an array"),
        (3.5, "holds a float, expected an array"),
        (b"", "cannot be read as a pickle"),
        (b"<html>404</html>", "cannot be read as a pickle"),
    ],
)
def test_what_is_no_array_of_28_videos_is_refused(one: Path, content: Any, message: str) -> None:
    write(one, content)
    with pytest.raises(DataFormatError, match=rf"^sub009\.pkl: .*({message})"):
        load_faced(one.parent)


class Runs:
    """Pickles as a call of a function."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("wrapped", [lambda call: call, lambda call: [np.zeros(3), call]], ids=["bare", "beside"])
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_what_a_pickle_asks_to_be_run_is_not_run(
    one: Path, tmp_path: Path, wrapped: Callable[[Any], Any], protocol: int
) -> None:
    write(one, wrapped(Runs(tmp_path / "marker")), protocol)
    with pytest.raises(DataFormatError, match=r"^sub009\.pkl: asks for \w+\.system, .*it was not run - do not trust"):
        load_faced(one.parent)
    assert not (tmp_path / "marker").exists()


def test_one_person_is_in_memory_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eegemo.datasets._store._CHUNK", 1 << 16)  # what is hashed at once
    monkeypatch.setattr(faced, "N_TIMES", 1000)
    for subject in range(3):
        write(tmp_path / f"sub{subject:03d}.pkl", np.random.default_rng(subject).normal(0, 10, (28, 32, 1000)))
    size = (tmp_path / "sub000.pkl").stat().st_size
    load_faced(tmp_path, channels=["Cz"])  # what is imported on the way is no part of it
    tracemalloc.start()
    load_faced(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.5 * size


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\x80\x02}r\xff\xff\xff\xff.", id="large memo number"),
        pytest.param(b"}p" + b"9" * 4000 + b"\n.", id="memo number of many digits"),
        pytest.param(b"\x80\x04\x8e" + (2**40).to_bytes(8, "little") + b".", id="bytes that are not there"),
        pytest.param(b"\x80\x02)" + b"q\x00h\x00\x86" * 60 + b".", id="branching tuple"),
        pytest.param(b"\x80\x02" + b"}" * 200_000 + b".", id="many containers"),
    ],
)
def test_a_pickle_that_would_grow_is_refused_in_little_memory(one: Path, content: bytes) -> None:
    one.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(DataFormatError, match=r"^sub009\.pkl: "):
            load_faced(one.parent)
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()


def test_a_file_that_is_far_too_large_is_not_read(one: Path) -> None:
    with one.open("r+b") as file:
        file.truncate(10**6)
    with pytest.raises(DataFormatError, match=r"sub009\.pkl: takes 1000000 bytes, expected at most 365568"):
        load_faced(one.parent)


@pytest.mark.parametrize("keep", [0, 1, 50, 0.5, -1])
def test_a_file_that_is_cut_short_is_refused_and_nothing_is_kept(one: Path, tmp_path: Path, keep: float) -> None:
    content = one.read_bytes()
    one.write_bytes(content[: int(keep * len(content)) if keep == 0.5 else int(keep)])
    write(one.with_name("sub008.pkl"), samples(8))  # sound, and read before it
    with pytest.raises(DataFormatError, match=r"^sub009\.pkl: cannot be read as a pickle .*cut short - fetch it again"):
        load_faced(one.parent)
    assert not list((tmp_path / "cache").glob("FACED*/"))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_placed(one: Path, value: float) -> None:
    array = samples(9)
    array[16, 29, 11] = value
    write(one, array)
    with pytest.raises(DataFormatError, match=rf"sub009\.pkl: channel O2 of trial 17 is {value} at sample 11"):
        load_faced(one.parent)


def test_samples_in_volts_are_refused(one: Path) -> None:
    write(one, 1e-6 * samples(9))
    with pytest.raises(
        DataFormatError, match=r"sub009\.pkl: its EEG varies by 9\.\de-06, expected 1 to 100 \(microvolts\)"
    ):
        load_faced(one.parent)


def test_flat_samples_are_no_volts(one: Path) -> None:
    write(one, np.zeros(SHAPE))
    assert not np.asarray(load_faced(one.parent).signals).any()


def test_a_number_of_two_digits_is_not_read_as_another(one: Path) -> None:
    write(one.with_name("sub10.pkl"), samples(10))
    with pytest.warns(UserWarning, match=r"sub10\.pkl is not read; the releases name it sub010\.pkl"):
        assert load_faced(one.parent).table["subject"].unique().tolist() == [9]


def test_people_who_are_not_there_are_named(release: Path) -> None:
    with pytest.raises(DataFormatError, match=r"has no file of subject 123; it holds subjects 0, 7, 122"):
        load_faced(release, subjects=[0, 123])
    with pytest.raises(ConfigError, match="subjects must be different numbers"):
        load_faced(release, subjects=[0, 0])


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir(), lambda path: path.write_bytes(b"")])
def test_a_folder_without_people_is_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "somewhere")
    with pytest.raises(DataFormatError, match=r"somewhere' (is no folder|holds no sub000\.pkl).*'Processed_data' of"):
        load_faced(tmp_path / "somewhere")


def test_the_files_are_read_once_and_then_their_store(one: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_faced(one.parent)
    with monkeypatch.context() as patch:
        patch.setattr(faced, "load_array", None)
        assert load_faced(one.parent).fingerprint == first.fingerprint
    write(one, samples(10))
    assert_array_equal(load_faced(one.parent).trial_data(0), samples(10)[0, :30].astype(np.float32))


# Simulated files


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(faced, "N_TIMES", N_TIMES)
        write_simulated_release(folder, "faced", [5])
    return folder


def unpickled(path: Path) -> np.ndarray:
    with path.open("rb") as file:
        array = pickle.load(file, encoding="iso-8859-1")  # as the usual loaders do
    assert isinstance(array, np.ndarray)
    return array


def test_simulated_files_lie_as_the_release_does(simulated: Path) -> None:
    path = simulated / "Processed_data" / "sub005.pkl"
    assert {file.name for file in simulated.rglob("*.*")} == {"SIMULATED.txt", "sub005.pkl"}
    array = unpickled(path)
    assert array.shape == SHAPE and array.dtype == np.float64
    with path.open("rb") as file:
        named = [argument for op, argument, _ in pickletools.genops(file) if op.name == "GLOBAL"]
    assert named == ["numpy.core.multiarray _reconstruct", "numpy ndarray", "numpy dtype"]


def test_simulated_files_come_back_sample_by_sample(simulated: Path) -> None:
    trials = load(simulated, channels=NAMES)
    assert trials.simulated and trials.dataset == "simulated FACED files"
    array = unpickled(simulated / "Processed_data" / "sub005.pkl")
    assert trials.table["subject"].tolist() == [5] * 28
    for number in range(28):
        assert_array_equal(trials.trial_data(number), array[number].astype(np.float32))


def test_a_simulated_person_is_recorded_in_the_mood_of_each_video(simulated: Path) -> None:
    array = unpickled(simulated / "Processed_data" / "sub005.pkl")
    person = SimulatedPerson("FACED", 5, tuple(NAMES[:30]), 250.0, DEFAULT_EFFECT, DEFAULT_SEED)
    anger, joy = (-1, 1), (1, 1)
    meant = np.zeros((28, 2))
    meant[:3], meant[22:25] = anger, joy  # noise and bias are drawn first for all, and then added
    felt = person.felt(meant)
    for number in (0, 24):
        assert_array_equal(array[number, :30], person.record(number + 1, N_TIMES, tuple(felt[number])).T)


def test_the_same_seed_writes_the_same_bytes(simulated: Path, tmp_path: Path) -> None:
    write_simulated_release(tmp_path / "again", "faced", [5])
    again = tmp_path / "again" / "Processed_data" / "sub005.pkl"
    assert again.read_bytes() == (simulated / "Processed_data" / "sub005.pkl").read_bytes()
