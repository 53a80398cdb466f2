from __future__ import annotations

import shutil
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.signal
import scipy.stats
from numpy.testing import assert_array_equal

from eegemo import ConfigError, DataFormatError, Trials, load_dasps, quadrants

# The order of the EDF files, written out once more.
EMOTIV = "AF3 F7 F3 FC5 T7 P7 O1 O2 P8 T8 FC6 F4 F8 AF4".split()
VALENCE = [1.0, 1, 3, 3, 5, 5, 9, 9, 2, 2, 6, 6]
AROUSAL = [8.0, 8, 7, 7, 1, 1, 4, 4, 9, 9, 5, 5]


def contents(seed: int = 0, topic: str = "proche", **changes: Any) -> dict[str, Any]:
    """What a published file holds, as h5py shows it; a letter is a number, one a row."""
    arrays = {
        "data": np.random.default_rng(seed).standard_normal((12, 1920, 14), np.float32),
        "labels": np.array([VALENCE, AROUSAL]),
        "hamilton": np.array([[25.0], [37.0]]),
        "situation": np.array([[ord(letter)] for letter in topic], np.uint16),
    }
    return {**arrays, **changes}


def write(path: Path, arrays: dict[str, Any], **options: Any) -> Path:
    """A MATLAB 7.3 file: HDF5 behind 512 bytes that say so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, **(options if name == "data" else {}))
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, Platform: PCWIN64".ljust(124) + b"\x00\x02IM")
    return path


def changed(array: np.ndarray, place: Any, value: Any) -> np.ndarray:
    array = np.array(array)
    array[place] = value
    return array


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset's folder with three people, among other things that lie there."""
    folder = tmp_path_factory.mktemp("DASPS_Database")
    for seed, topic in ((1, "proche"), (2, "maltraitance, accident"), (10, "finance")):
        write(folder / "Raw data.mat" / f"S{seed:02d}.mat", contents(seed, topic), chunks=(12, 96, 14), compression=4)
    (folder / "Raw data.mat" / "Segmentation.mat").write_bytes(b"never read")
    (folder / "Raw data .edf").mkdir()
    (folder / "Raw data .edf" / "S02.edf").write_bytes(b"never read")
    (folder / "participant_rating_public.xlsx").write_bytes(b"never read")
    return folder


def test_each_trial_of_each_person_is_where_the_table_says(dataset: Path) -> None:
    trials = load_dasps(dataset)
    assert (trials.ch_names, trials.sfreq, trials.dataset, trials.simulated) == (tuple(EMOTIV), 128.0, "DASPS", False)
    assert trials.table["subject"].tolist() == [1] * 12 + [2] * 12 + [10] * 12
    assert trials.table["trial"].tolist() == list(range(1, 13)) * 3
    assert set(trials.table["n_times"]) == {1920} and set(trials.table["n_baseline"]) == {0}
    for number, seed in ((0, 1), (11, 1), (12, 2), (27, 10)):
        assert_array_equal(trials.trial_data(number), contents(seed)["data"][number % 12].T)


def test_the_two_phases_of_a_situation_are_one_unit(dataset: Path) -> None:
    table = load_dasps(dataset, subjects=[2]).table
    numbers = [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]
    for column in ("unit", "situation", "stimulus"):
        assert table[column].tolist() == numbers
    assert table["phase"].tolist() == ["recitation", "recall"] * 6
    assert table["valence"].tolist() == VALENCE
    assert table["arousal"].tolist() == AROUSAL
    assert table.groupby("unit")[["valence", "arousal"]].nunique().to_numpy().tolist() == [[1, 1]] * 6


def test_what_is_known_of_the_person_stands_in_each_row(dataset: Path) -> None:
    trials = load_dasps(dataset, subjects=[2, 10])
    columns = ["hamilton_before", "hamilton_after", "provoking_situation"]
    assert trials.table[columns].drop_duplicates().to_numpy().tolist() == [
        [25.0, 37.0, "maltraitance, accident"],
        [25.0, 37.0, "finance"],
    ]


def test_where_the_samples_come_from_is_written_down(dataset: Path) -> None:
    trials = load_dasps(dataset, subjects=[10, 1])
    assert trials.pass_band == (4.0, 45.0)
    assert trials.provenance["subjects"] == [10, 1]
    assert trials.provenance["source"] == "MATLAB 7.3 files of 'Raw data.mat'"
    assert "arXiv:1901.02942" in trials.provenance["licence"] and "CC BY 4.0" in trials.provenance["licence"]


def test_a_person_of_one_class_is_loaded_as_any_other(tmp_path: Path) -> None:
    calm = np.array([[5.0] * 12, [1.0] * 12])
    write(tmp_path / "S10.mat", contents(labels=calm))
    trials = load_dasps(tmp_path)
    assert len(set(quadrants()(trials).tolist())) == 1


@pytest.mark.parametrize("empty", [np.zeros(2, np.uint64), np.zeros((0, 0), np.uint16)])
def test_a_person_without_a_provoking_situation_has_none(tmp_path: Path, empty: np.ndarray) -> None:
    write(tmp_path / "S17.mat", contents(situation=empty))  # MATLAB writes '' as its size, two uint64
    assert load_dasps(tmp_path).table["provoking_situation"].isna().all()


@pytest.mark.parametrize("options", [{}, {"chunks": (1, 1920, 14)}, {"dtype": "f8"}, {"dtype": ">f4"}])
def test_samples_are_float32_however_they_were_stored(tmp_path: Path, options: dict[str, Any]) -> None:
    write(tmp_path / "S01.mat", contents(), **options)
    trials = load_dasps(tmp_path)
    assert trials.signals.dtype == np.float32
    assert_array_equal(trials.trial_data(5), contents()["data"][5].T)


@pytest.mark.parametrize("name", ["S01.mat", "S01preprocessed.mat"])
@pytest.mark.parametrize("folder", ["", "Preprocessed data .mat", "Preprocessed data.mat", "Raw data.mat"])
def test_any_folder_of_matlab_files_is_taken(tmp_path: Path, folder: str, name: str) -> None:
    write(tmp_path / folder / name, contents(4))
    assert_array_equal(load_dasps(tmp_path).trial_data(0), contents(4)["data"][0].T)


def test_where_both_folders_are_there_each_person_is_read_once_from_the_raw_one(tmp_path: Path) -> None:
    write(tmp_path / "Raw data.mat" / "S01.mat", contents(1))
    write(tmp_path / "Preprocessed data .mat" / "S01.mat", contents(2))
    write(tmp_path / "Preprocessed data .mat" / "S02.mat", contents(2))
    trials = load_dasps(tmp_path)
    assert trials.table["subject"].tolist() == [1] * 12
    assert_array_equal(trials.trial_data(0), contents(1)["data"][0].T)


def test_the_files_are_read_once_and_then_their_store(dataset: Path, tmp_path: Path) -> None:
    copy = tmp_path / "S01.mat"
    shutil.copy(dataset / "Raw data.mat" / "S01.mat", copy)
    first = load_dasps(tmp_path, cache=tmp_path / "stores")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(h5py, "File", None)
        again = load_dasps(tmp_path, cache=tmp_path / "stores")
    assert first.fingerprint == again.fingerprint
    write(copy, contents(7))
    assert_array_equal(load_dasps(tmp_path, cache=tmp_path / "stores").trial_data(0), contents(7)["data"][0].T)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"data": np.zeros((12, 1919, 14), np.float32)},
            r"'data' has shape \(12, 1919, 14\), expected \(12, 1920, 14\)",
        ),
        ({"data": np.zeros((12, 1920, 5), np.float32)}, r"'data' has shape \(12, 1920, 5\)"),
        ({"data": np.zeros((14, 1920, 12), np.float32)}, r"'data' has shape \(14, 1920, 12\)"),
        ({"data": np.zeros((12, 1920, 14), "S1")}, r"'data' holds \|S1, expected numbers"),
        ({"labels": np.array([VALENCE[:6], AROUSAL[:6]])}, r"'labels' has shape \(2, 6\), expected \(2, 12\)"),
        ({"labels": np.array([VALENCE, AROUSAL]).T}, r"'labels' has shape \(12, 2\)"),
        ({"hamilton": np.array([[25.0]])}, r"'hamilton' has shape \(1, 1\)"),
        ({"situation": np.array([[1.5]])}, r"'situation' holds float64, expected letters"),
    ],
)
def test_an_array_of_another_kind_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    write(tmp_path / "S03.mat", contents(**change))
    with pytest.raises(DataFormatError, match=rf"^S03\.mat: cannot be read \({message}.*fetch it again"):
        load_dasps(tmp_path)


@pytest.mark.parametrize("name", ["data", "labels", "hamilton", "situation"])
def test_a_missing_variable_is_named(tmp_path: Path, name: str) -> None:
    arrays = contents()
    del arrays[name]
    write(tmp_path / "S03.mat", arrays)
    with pytest.raises(DataFormatError, match=rf"^S03\.mat: .*there is no variable '{name}', only [a-z, ]+\)"):
        load_dasps(tmp_path)


def test_a_struct_in_the_place_of_an_array_is_refused(tmp_path: Path) -> None:
    arrays = contents()
    del arrays["data"]
    path = write(tmp_path / "S03.mat", arrays)
    with h5py.File(path, "r+") as file:
        file.create_group("data")
    with pytest.raises(DataFormatError, match=r"^S03\.mat: .*there is no variable 'data'"):
        load_dasps(tmp_path)


def elsewhere(file: h5py.File, name: str, shape: tuple[int, ...]) -> None:
    file.create_dataset(name, shape, "f4", external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])


def virtual(file: h5py.File, name: str, shape: tuple[int, ...]) -> None:
    layout = h5py.VirtualLayout(shape, "f4")
    layout[:] = h5py.VirtualSource("other.mat", "data", shape)
    file.create_virtual_dataset(name, layout)


def linked_outside(file: h5py.File, name: str, shape: tuple[int, ...]) -> None:
    file[name] = h5py.ExternalLink("S02.mat", "/data")


def linked_softly(file: h5py.File, name: str, shape: tuple[int, ...]) -> None:
    file["other"] = np.zeros(shape, np.float32)
    file[name] = h5py.SoftLink("/other")


def never_written(file: h5py.File, name: str, shape: tuple[int, ...]) -> None:
    file.create_dataset(name, shape, "f4")


def written_in_part(file: h5py.File, name: str, shape: tuple[int, ...]) -> None:
    file.create_dataset(name, shape, "f4", chunks=(1, *shape[1:]), compression="gzip")[0] = 1


def packed_as_matlab_does_not(file: h5py.File, name: str, shape: tuple[int, ...]) -> None:
    file.create_dataset(name, data=np.zeros(shape, np.float32), compression="lzf")


def of_a_chunk_that_grows(file: h5py.File, name: str, shape: tuple[int, ...]) -> None:
    dataset = file.create_dataset(name, shape, "f4", chunks=shape, compression="gzip")
    dataset.id.write_direct_chunk((0,) * len(shape), zlib.compress(bytes(200_000_000)))


def of_a_huge_chunk(file: h5py.File, name: str, shape: tuple[int, ...]) -> None:
    file.create_dataset(name, data=np.zeros(shape, "f4"), chunks=(4000, 4000, 14), maxshape=(None,) * 3, compression=9)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (elsewhere, "'/data' takes its samples from another file"),
        (virtual, "'/data' takes its samples from another file"),
        (linked_outside, "there is no variable 'data'"),
        (linked_softly, "there is no variable 'data'"),
        (never_written, "'/data' announces 1290240 bytes and has 0"),
        (written_in_part, "'/data' has 1 chunks of 107520 bytes, and its shape needs 12"),
        (packed_as_matlab_does_not, "packed in a way"),
        (of_a_chunk_that_grows, "a chunk of '/data' (takes|does not unpack)"),
        (of_a_huge_chunk, "'/data' has 1 chunks of 896000000 bytes"),
    ],
)
def test_samples_that_lie_elsewhere_or_nowhere_are_refused(
    make: Callable[[h5py.File, str, tuple[int, ...]], None], message: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "S03.mat", contents())
    with h5py.File(path, "r+") as file:
        del file["data"]
        make(file, "data", (12, 1920, 14))
    tracemalloc.start()
    with pytest.raises(DataFormatError, match=rf"^S03\.mat: cannot be read \(.*{message}"):
        load_dasps(tmp_path)
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("packing", [{}, {"shuffle": True}])
def test_noise_that_does_not_compress_is_read(packing: dict[str, Any], tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 2**31, (12, 1920, 14)).astype(np.float64) / 2**25
    path = write(tmp_path / "S03.mat", contents())
    with h5py.File(path, "r+") as file:
        del file["data"]
        file.create_dataset("data", data=noise, compression="gzip", compression_opts=0, chunks=(1, 16, 14), **packing)
    assert_array_equal(load_dasps(tmp_path).trial_data(3), noise[3].T.astype(np.float32))


@pytest.mark.parametrize("name", ["situation", "hamilton"])
def test_a_variable_that_claims_a_million_million_numbers_is_refused(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / "S03.mat", contents())
    with h5py.File(path, "r+") as file:
        del file[name]
        file.create_dataset(name, (10**6, 10**6), "u2", chunks=(100, 100))
    with pytest.raises(DataFormatError, match=rf"S03\.mat: .*'{name}' has shape \(1000000, 1000000\), .*too large"):
        load_dasps(tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_placed(tmp_path: Path, value: float) -> None:
    write(tmp_path / "S03.mat", contents(data=changed(contents()["data"], (4, 77, 13), value)))
    with pytest.raises(DataFormatError, match=rf"S03\.mat: channel AF4 of trial 5 is {value} at sample 77"):
        load_dasps(tmp_path)


@pytest.mark.parametrize("value", [0.0, 9.5, -1, np.nan, np.inf])
@pytest.mark.parametrize(("row", "rating"), [(0, "valence"), (1, "arousal")])
def test_a_rating_that_nobody_could_give_is_refused(tmp_path: Path, value: float, row: int, rating: str) -> None:
    labels = changed(contents()["labels"], (row, [6, 7]), value)
    write(tmp_path / "S03.mat", contents(labels=labels))
    with pytest.raises(DataFormatError, match=rf"S03\.mat: {rating} of trial 7 is {value:g}, expected 1 to 9"):
        load_dasps(tmp_path)


def test_phases_of_different_ratings_are_refused(tmp_path: Path) -> None:
    labels = changed(contents()["labels"], (1, 9), 2)
    write(tmp_path / "S03.mat", contents(labels=labels))
    with pytest.raises(DataFormatError, match=r"arousal of situation 5 is 9 for its recitation and 2 for its recall"):
        load_dasps(tmp_path)


def of_matlab_5(path: Path) -> None:
    scipy.io.savemat(path, contents())


def a_page(path: Path) -> None:
    path.write_bytes(b"<html>404</html>" * 100)


def nothing(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("make", [of_matlab_5, a_page, nothing])
def test_what_is_no_matlab_7_3_file_is_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "S03.mat")
    with pytest.raises(DataFormatError, match=r"^S03\.mat: not a MATLAB 7\.3 file"):
        load_dasps(tmp_path)


@pytest.mark.parametrize("keep", [0.001, 0.01, 0.5, 0.999])
def test_a_file_that_is_cut_short_is_refused(dataset: Path, tmp_path: Path, keep: float) -> None:
    content = (dataset / "Raw data.mat" / "S01.mat").read_bytes()
    (tmp_path / "S01.mat").write_bytes(content[: int(keep * len(content))])
    with pytest.raises(DataFormatError, match=r"^S01\.mat: .*fetch it again"):
        load_dasps(tmp_path)
    assert not list((tmp_path / "cache").glob("DASPS*/"))  # no half a store


def test_damage_anywhere_in_a_compressed_file_never_gives_another_error(dataset: Path, tmp_path: Path) -> None:
    content = (dataset / "Raw data.mat" / "S01.mat").read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(40):
        first = int(rng.integers(512, len(content) - 64) if refused % 2 else rng.integers(512, 8000))
        (tmp_path / "S01.mat").write_bytes(content[:first] + rng.bytes(64) + content[first + 64 :])
        try:
            load_dasps(tmp_path)
        except DataFormatError:
            refused += 1
    assert refused >= 20  # what is not refused fell where nothing lies


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir(), nothing])
def test_a_folder_without_recordings_is_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "dasps")
    with pytest.raises(
        DataFormatError, match=r"(There is no folder|holds no S01\.mat \.\.\. S23\.mat).*'Raw data\.mat'"
    ):
        load_dasps(tmp_path / "dasps")


def test_the_folder_of_another_dataset_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data_preprocessed_matlab").mkdir()
    (tmp_path / "data_preprocessed_matlab" / "s01.mat").write_bytes(b"")
    for folder in (tmp_path, tmp_path / "data_preprocessed_matlab"):
        with pytest.raises(DataFormatError, match="is this DASPS, unpacked"):
            load_dasps(folder)


@pytest.mark.parametrize("inside", [False, True])
def test_edf_files_alone_are_refused_with_what_to_do(tmp_path: Path, inside: bool) -> None:
    folder = tmp_path / "Raw data .edf"
    folder.mkdir()
    (folder / "S02.edf").write_bytes(b"never read")
    with pytest.raises(
        DataFormatError, match=r"EDF files .*neither trials nor ratings; give the folder 'Raw data\.mat'"
    ):
        load_dasps(folder if inside else tmp_path)


def test_people_who_are_not_there_are_named(dataset: Path) -> None:
    with pytest.raises(DataFormatError, match=r"has no file of subject 3; it holds subjects 1, 2, 10"):
        load_dasps(dataset, subjects=[1, 3])
    with pytest.raises(DataFormatError, match=r"has no file of subject \(none wanted\)"):
        load_dasps(dataset, subjects=[])
    with pytest.raises(ConfigError, match="subjects must be different numbers"):
        load_dasps(dataset, subjects=[1, 1])


@pytest.fixture(scope="module")
def real(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Trials:
    return load_dasps(real_data / "dasps", cache=tmp_path_factory.mktemp("stores"))


def test_the_real_files_are_taken_as_they_lie_there(real: Trials, real_data: Path) -> None:
    assert real.table["subject"].unique().tolist() == list(range(1, 17))
    for subject in (1, 7, 16):
        with h5py.File(real_data / "dasps" / "Raw data.mat" / f"S{subject:02d}.mat") as file:
            data, labels, hamilton = (file[name][()] for name in ("data", "labels", "hamilton"))
            topic = file["situation"][()].astype(np.uint8).tobytes().decode()
        own = real.select(f"subject == {subject}")
        for number in range(12):
            assert_array_equal(own.trial_data(number), data[number].T)
        assert_array_equal(own.table[["valence", "arousal"]].to_numpy().T, labels)
        assert set(own.table["hamilton_before"]) == {hamilton[0, 0]}
        assert set(own.table["hamilton_after"]) == {hamilton[1, 0]}
        assert set(own.table["provoking_situation"]) == {topic}


def test_the_real_samples_are_microvolts_of_4_to_45_hz(real: Trials) -> None:
    assert 5 < real.signals.std() < 15
    freqs, power = scipy.signal.welch(np.asarray(real.signals), real.sfreq, nperseg=512, axis=0)
    power = np.median(power, axis=1)
    for outside, inside in ((2.0, 5.0), (48.0, 43.0)):
        assert power[freqs == outside] < power[freqs == inside] / 30


def test_ratings_of_real_people_depend_on_the_number_of_the_situation(real: Trials) -> None:
    once = real.table.query("phase == 'recall'")
    for rating, p in (("valence", 0.0001), ("arousal", 0.007)):
        by_situation = once.pivot_table(index="subject", columns="situation", values=rating)
        found = scipy.stats.friedmanchisquare(*by_situation.to_numpy().T).pvalue
        assert found == pytest.approx(p, rel=0.5)


def test_subject_10_is_never_anxious(real: Trials) -> None:
    anxious = (real.table["valence"] <= 4) & (real.table["arousal"] >= 6)
    assert anxious.groupby(real.table["subject"]).any().pipe(lambda any_: any_.index[~any_].tolist()) == [10]
