"""Published datasets by name: their records, how they are recognised, and one way to load any of them."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eegemo import ConfigError, DataFormatError, load, load_eegmat
from eegemo.datasets import DATASETS, dataset, recognise
from eegemo.datasets.eegmat import CH_NAMES


@pytest.fixture(scope="module")
def eegmat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extract of three people, 0, 1 and 5; samples are noise."""
    folder = tmp_path_factory.mktemp("eegmat")
    np.savez(
        folder / "eegmat3_128hz_int16.npz",
        X=np.random.default_rng(0).integers(-200, 200, (6, 19, 7680), dtype=np.int16),
        task=np.tile([0, 1], 3),
        subject=np.repeat([0, 1, 5], 2),
        ch_names=np.array(CH_NAMES),
        sfreq=128.0,
        scale_uV=0.05,
    )
    return folder


@pytest.mark.parametrize("name", DATASETS)
def test_every_record_says_what_a_reader_needs(name: str) -> None:
    record = dataset(name)
    assert record.sfreq > 0
    assert len(set(record.ch_names)) == len(record.ch_names) >= 14
    assert record.schemes
    assert re.search(r"doi:10\.\d{4}", record.source)
    assert all([record.name, record.files, record.labels, record.licence])
    assert "subjects" in inspect.signature(record.load).parameters or name == "eegmat"


@pytest.mark.parametrize("name", DATASETS)
def test_an_empty_folder_is_no_dataset(name: str, tmp_path: Path) -> None:
    assert not dataset(name).recognised(tmp_path)
    assert not dataset(name).recognised(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["s01.dat"], "deap"),
        (["data_preprocessed_matlab/s32.mat"], "deap"),
        (["data_original/s01.bdf", "data_original/participant_ratings.xls"], "deap-raw"),
        (["Raw data.mat/S01.mat"], "dasps"),
        (["S01.mat"], "dasps"),
        (["Preprocessed data .mat/S01preprocessed.mat"], "dasps"),
        (["Subject00_1.edf"], "eegmat"),
        (["eegmat12_128hz_int16.npz"], "eegmat"),
        (["Preprocessed_EEG/1_20131027.mat", "Preprocessed_EEG/channel-order.xlsx"], "seed"),
        (["1_20131027.mat", "label.mat"], "seed"),
        (["1/1_20160518.mat"], "seed-iv"),
        (["eeg_raw_data/3/15_20150709.mat", "eeg_feature_smooth/3/15_20150709.mat"], "seed-iv"),
    ],
)
def test_a_folder_is_recognised_by_its_files(names: list[str], expected: str, tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    assert recognise(tmp_path) == expected


def test_a_folder_of_something_else_is_told_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DataFormatError, match=r"none of the known datasets\. Looked for: .*s01\.dat .*\(deap\)"):
        load(tmp_path)
    with pytest.raises(DataFormatError, match="There is no folder"):
        load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("SEED/Preprocessed_EEG/1_20131027.mat", r"Its folder 'SEED' holds SEED: give that\. Looked for"),
        ("ExtractedFeatures/1_20131027.mat", r"holds none of the known datasets\. Looked for"),
        ("DREAMER.zip", r"It holds archives \(DREAMER\.zip\): unpack them first\. Looked for"),
        ("data_preprocessed/Data_Preprocessed_P01.zip", r"archives \(Data_Preprocessed_P01\.zip\): unpack them"),
    ],
)
def test_where_a_dataset_lies_near_by_or_packed_it_is_said(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
    (tmp_path / name).touch()
    with pytest.raises(DataFormatError, match=message):
        recognise(tmp_path)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "DREAMER.mat").touch()
    with pytest.raises(DataFormatError, match=r"DREAMER\.mat' is a file; give the folder of the dataset"):
        recognise(tmp_path / "DREAMER.mat")


@pytest.mark.parametrize("names", [["eeg_raw_data/2/7_20150715.mat"], ["2/7_20150715.mat", "1/7_20150701.mat"]])
def test_a_single_session_of_seed_iv_is_not_taken_for_seed(names: list[str], tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    session = tmp_path / Path(names[0]).parent
    assert recognise(session) == "seed-iv"
    with pytest.raises(DataFormatError, match=r"holds one session of SEED-IV, .*give the folder that it lies in"):
        load(session)


def test_a_folder_of_two_datasets_asks_for_one(tmp_path: Path) -> None:
    for name in ("s01.dat", "Subject00_1.edf"):
        (tmp_path / name).touch()
    with pytest.raises(DataFormatError, match="holds files of DEAP and eegmat; give the folder of one"):
        load(tmp_path)


def test_an_unknown_name_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Unknown dataset 'dasp'\. Did you mean 'dasps'\?"):
        load(tmp_path, "dasp")


def test_people_and_channels_are_chosen_whatever_the_loader_takes(eegmat: Path) -> None:
    whole = load_eegmat(eegmat)
    trials = load(eegmat, subjects=[1, 5], channels=["Cz", "T7"])
    assert trials.ch_names == ("Cz", "T7")
    assert trials.table["subject"].tolist() == [1, 1, 5, 5]
    np.testing.assert_array_equal(trials.trial_data(3)[1], whole.trial_data(5)[CH_NAMES.index("T3")])
    assert load(eegmat).fingerprint == whole.fingerprint


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"subjects": [1, 2]}, DataFormatError, "has no subject 2"),
        ({"subjects": []}, DataFormatError, "none wanted"),
        ({"subjects": "1"}, ConfigError, "subjects must be a list"),
        ({"channels": ["F33"]}, ConfigError, "F33"),
        ({"channel": "eeg"}, ConfigError, "Did you mean 'channels'"),
    ],
)
def test_what_is_not_there_is_refused(
    settings: dict[str, Any], error: type[Exception], message: str, eegmat: Path
) -> None:
    with pytest.raises(error, match=message):
        load(eegmat, **settings)
