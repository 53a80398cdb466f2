"""What SEED and SEED-IV have in common: a MATLAB file a session, whose arrays are trials."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from eegemo import DataFormatError
from seed_files import SEED, SEED_IV, Kind, samples


@pytest.fixture(params=[SEED, SEED_IV], ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


def assert_all_trials_are_there(kind: Kind, folder: Path, seed: int) -> None:
    trials = kind.load(folder)
    assert len(trials) == kind.n_trials
    for film in range(1, kind.n_trials + 1):
        assert_array_equal(trials.trial_data(film - 1), samples(seed, film).astype(np.float32))


def refuses(kind: Kind, folder: Path, message: str) -> None:
    """The file is named first."""
    with pytest.raises(DataFormatError, match=rf"^{Path(kind.file).name}: .*{message}"):
        kind.load(folder)


def test_the_number_in_the_name_counts_and_not_the_order_in_the_file(kind: Kind, tmp_path: Path) -> None:
    arrays = kind.contents(3)
    order = np.random.default_rng(0).permutation(list(arrays))
    kind.write(tmp_path, arrays={"readme": np.ones(3), **{name: arrays[name] for name in order}, "a_eegs": np.ones(2)})
    assert_all_trials_are_there(kind, tmp_path, 3)


def test_two_files_of_one_date_are_refused(kind: Kind, tmp_path: Path) -> None:
    kind.write(tmp_path)
    kind.write(tmp_path, str(Path(kind.file).with_name(f"0{Path(kind.file).name}")))
    with pytest.raises(DataFormatError, match=r"two files of subject 1 and one date, 01_.*\.mat and 1_.*\.mat; take"):
        kind.load(tmp_path)


@pytest.mark.parametrize("number", [1, 9, 15])
def test_a_missing_trial_is_named(number: int, kind: Kind, tmp_path: Path) -> None:
    name = f"{kind.initials}_eeg{number}"
    kind.write(tmp_path, arrays=kind.contents(change={name: None}))
    refuses(kind, tmp_path, f"there is no '{name}', and only {kind.n_trials - 1} of the {kind.n_trials} trials")


@pytest.mark.parametrize("beyond", [0, 1, 10, 123456789])
def test_a_trial_that_is_none_of_the_session_is_named(beyond: int, kind: Kind, tmp_path: Path) -> None:
    name = f"{kind.initials}_eeg{kind.n_trials + beyond if beyond else 0}"
    kind.write(tmp_path, arrays=kind.contents(change={name: np.zeros((62, 9))}))
    refuses(kind, tmp_path, f"'{name}' is none of the {kind.n_trials} trials of a session of {kind.name}; .*another")


@pytest.mark.parametrize("name", ["jl_eeg3", "{}_eeg03"])
def test_a_trial_that_is_there_twice_is_refused(name: str, kind: Kind, tmp_path: Path) -> None:
    name = name.format(kind.initials)
    kind.write(tmp_path, arrays=kind.contents(change={name: np.zeros((62, 9))}))
    refuses(kind, tmp_path, f"trial 3 is there twice, as '{kind.initials}_eeg3' and '{name}'")


@pytest.mark.parametrize("name", ["de_LDS1", "psd_movingAve24"])
def test_files_of_features_are_refused_with_what_to_do(name: str, kind: Kind, tmp_path: Path) -> None:
    kind.write(tmp_path, arrays={name: np.zeros((62, 42, 5))})
    refuses(kind, tmp_path, f"there is no array of a trial.*give the folder of {kind.name}'s recordings")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((61, 30)), r"has shape \(61, 30\), expected \(62, n_times\)"),
        (np.zeros((30, 62)), r"has shape \(30, 62\)"),
        (np.zeros((62, 0)), r"has shape \(62, 0\)"),
        (np.zeros((62, 5, 3)), r"has shape \(62, 5, 3\)"),
        ("x" * 62, "holds text, expected numbers"),
        (np.zeros((62, 30), complex), r"_eeg4' holds complex numbers"),
        ({"data": np.zeros((62, 30))}, r"_eeg4' is a struct, expected numbers"),
        (np.array(["a", np.zeros((62, 30))], object), r"_eeg4' is a cell array, expected numbers"),
        (np.zeros((62, 120_001), np.float64), r"\(59520496 bytes .* at most 59520000"),
    ],
)
def test_an_array_of_another_kind_is_refused(array: Any, message: str, tmp_path: Path) -> None:
    SEED.write(tmp_path, arrays=SEED.contents(change={"djc_eeg4": array}))
    refuses(SEED, tmp_path, message)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_samples_that_are_no_numbers_are_placed(value: float, kind: Kind, tmp_path: Path) -> None:
    array = samples(0, 5)
    array[57, 12] = value
    kind.write(tmp_path, arrays=kind.contents(change={f"{kind.initials}_eeg5": array}))
    refuses(kind, tmp_path, f"channel CB1 of trial 5 is {'nan' if np.isnan(value) else 'inf'} at sample 12")


@pytest.mark.parametrize("number", [np.float32, np.int16])
def test_samples_are_float32_however_they_were_stored(number: type, tmp_path: Path) -> None:
    stored: np.ndarray = samples(0, 5).astype(number)
    SEED.write(tmp_path, arrays=SEED.contents(change={"djc_eeg5": stored}))
    trials = SEED.load(tmp_path)
    assert trials.signals.dtype == np.float32
    assert_array_equal(trials.trial_data(4), stored.astype(np.float32))


def test_a_file_of_matlab_7_3_is_read_too(kind: Kind, tmp_path: Path) -> None:
    path = kind.write(tmp_path)
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in kind.contents(8).items():
            file.create_dataset(name, data=array.T, compression=3)  # MATLAB counts columns first
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, Platform: PCWIN64".ljust(124) + b"\x00\x02IM")
    assert_all_trials_are_there(kind, tmp_path, 8)


@pytest.mark.parametrize("content", [b"<html>404</html>" * 100, b""])
def test_what_is_no_matlab_file_is_refused(content: bytes, kind: Kind, tmp_path: Path) -> None:
    kind.write(tmp_path).write_bytes(content)
    refuses(kind, tmp_path, "cannot be read as a MATLAB file")


@pytest.mark.parametrize("keep", [0.001, 0.5, 0.999])
def test_a_file_that_is_cut_short_is_refused_and_leaves_nothing_in_the_cache(
    keep: float, kind: Kind, tmp_path: Path
) -> None:
    kind.write(tmp_path)
    path = kind.write(tmp_path, kind.later, kind.contents(1))
    path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
    with pytest.raises(DataFormatError, match=rf"^{path.name}: .*fetch it again"):
        kind.load(tmp_path)
    assert not list((tmp_path / "cache").glob("*/")) and not list((tmp_path / "cache").rglob("*.npy"))


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir(), lambda path: path.write_bytes(b"")])
def test_a_folder_without_recordings_is_refused(make: Callable[[Path], object], kind: Kind, tmp_path: Path) -> None:
    make(tmp_path / "seed")
    due = "Preprocessed_EEG" if kind is SEED else "eeg_raw_data"
    with pytest.raises(
        DataFormatError, match=rf"(There is no folder|holds no 1_20131027\.mat|holds no folders).*{due}"
    ):
        kind.load(tmp_path / "seed")
