from __future__ import annotations

import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import edfio
import numpy as np
import pytest
from numpy.testing import assert_allclose

from eegemo import DataFormatError, Trials, categories, load_eegmat

NAMES = "Fp1 Fp2 F3 F4 F7 F8 T3 T4 C3 C4 T5 T6 P3 P4 O1 O2 Fz Cz Pz".split()
SFREQ = 250


def write_edf(path: Path, *, seconds: int = 62, names: list[str] | None = None) -> None:
    """A recording as PhysioNet's: each channel a 10 Hz sine of as many microvolts as its place in NAMES, plus 10."""
    t = np.arange(seconds * SFREQ) / SFREQ
    signals = [
        edfio.EdfSignal(
            (10 + NAMES.index(name)) * np.sin(2 * np.pi * 10 * t),
            SFREQ,
            label=f"EEG {name}",
            physical_dimension="uV",
            physical_range=(-100, 100),
        )
        for name in (NAMES if names is None else names)
    ]
    heart = edfio.EdfSignal(50 * np.sin(t), SFREQ, label="ECG ECG", physical_dimension="uV", physical_range=(-100, 100))
    edfio.Edf([*signals[:3], heart, *signals[3:]]).write(path)


@pytest.fixture(scope="module")
def edf_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("edf")
    for subject in (0, 4):
        write_edf(folder / f"Subject{subject:02d}_1.edf")
        write_edf(folder / f"Subject{subject:02d}_2.edf", names=NAMES[::-1])
    (folder / "subject-info.csv").write_text("Subject,Age")
    (folder / "RECORDS").write_text("")
    return folder


def test_the_first_minute_of_each_edf_is_read(edf_folder: Path) -> None:
    trials = load_eegmat(edf_folder)
    assert trials.signals.shape == (4 * 7680, 19)
    assert (trials.ch_names, trials.sfreq, trials.simulated) == (tuple(NAMES), 128.0, False)
    table = trials.table
    assert table["subject"].tolist() == [0, 0, 4, 4]
    assert table["task"].tolist() == table["stimulus"].tolist() == ["rest", "arithmetic"] * 2
    assert table["trial"].tolist() == [1, 2, 1, 2]
    assert set(table["n_baseline"]) == {0}
    assert categories("task", ("rest", "arithmetic"))(trials).tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("number", [0, 1])
def test_edf_channels_are_picked_by_name_in_microvolts(edf_folder: Path, number: int) -> None:
    trials = load_eegmat(edf_folder)
    t = np.arange(7680) / 128
    expected = np.arange(10, 29) * np.sin(2 * np.pi * 10 * t)[:, None]
    got = trials.signals[number * 7680 : (number + 1) * 7680]
    assert_allclose(got[128:-128], expected[128:-128], atol=0.05)  # the resampling filter rings at both ends


@pytest.mark.parametrize("gone", [1, 2])
def test_a_missing_partner_is_named(tmp_path: Path, gone: int) -> None:
    (tmp_path / f"Subject07_{3 - gone}.edf").write_bytes(b"never read")
    with pytest.raises(DataFormatError, match=rf"Subject07_{gone}\.edf is missing"):
        load_eegmat(tmp_path)


def test_a_short_recording_is_refused(tmp_path: Path) -> None:
    write_edf(tmp_path / "Subject00_1.edf")
    write_edf(tmp_path / "Subject00_2.edf", seconds=58)
    with pytest.raises(DataFormatError, match=r"Subject00_2\.edf: lasts 58\.0 s, expected at least 60 s"):
        load_eegmat(tmp_path)


def test_a_recording_of_a_minute_exactly_is_enough(tmp_path: Path) -> None:
    for number in (1, 2):
        write_edf(tmp_path / f"Subject00_{number}.edf", seconds=60)
    assert load_eegmat(tmp_path).signals.shape == (2 * 7680, 19)


@pytest.mark.filterwarnings("ignore:Number of records")
def test_an_edf_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    for number in (1, 2):
        write_edf(tmp_path / f"Subject00_{number}.edf")
    path = tmp_path / "Subject00_1.edf"
    for keep in (0.4, 1e-3):
        path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
        with pytest.raises(DataFormatError, match=r"^Subject00_1\.edf: .*fetch it again"):
            load_eegmat(tmp_path)


def test_an_edf_without_a_channel_is_refused(tmp_path: Path) -> None:
    for number in (1, 2):
        write_edf(tmp_path / f"Subject00_{number}.edf", names=[n for n in NAMES if n not in ("T3", "Pz")])
    with pytest.raises(DataFormatError, match=r"Subject00_1\.edf: channels T3, Pz are missing"):
        load_eegmat(tmp_path)


def test_what_is_no_edf_is_refused(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"Subject00_{number}.edf").write_bytes(b"<html>404</html>" * 100)
    with pytest.raises(DataFormatError, match=r"Subject00_1\.edf: cannot be read as EDF"):
        load_eegmat(tmp_path)


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()])
def test_a_folder_without_recordings_is_refused(tmp_path: Path, make: Any) -> None:
    make(tmp_path / "eegmat")
    with pytest.raises(DataFormatError, match=r"is neither an extract .* nor a folder with Subject00_1\.edf"):
        load_eegmat(tmp_path / "eegmat")


def extract(**changes: Any) -> dict[str, Any]:
    X = np.zeros((2, 19, 7680), np.int16)
    X[1, 4, 100] = 30
    arrays = {
        "X": X,
        "task": np.array([0, 1], np.int8),
        "subject": np.array([9, 9], np.int16),
        "ch_names": np.array(NAMES),
        "sfreq": np.float32(128),
        "scale_uV": np.float32(0.05),
    }
    return {**arrays, **changes}


@pytest.mark.parametrize("given", ["file", "folder"])
def test_an_extract_is_scaled_to_microvolts(tmp_path: Path, given: str) -> None:
    path = tmp_path / "eegmat1_128hz_int16.npz"
    np.savez(path, **extract())
    trials = load_eegmat(path if given == "file" else tmp_path)
    assert_allclose(trials.signals[7680 + 100], [0] * 4 + [1.5] + [0] * 14, rtol=1e-6)
    assert np.count_nonzero(trials.signals) == 1
    assert trials.table[["subject", "task", "trial"]].to_numpy().tolist() == [[9, "rest", 1], [9, "arithmetic", 2]]


@pytest.mark.parametrize(
    "changes",
    [
        {"X": np.zeros((2, 19, 7679), np.int16)},
        {"X": np.zeros((2, 18, 7680), np.int16)},
        {"X": np.zeros((3, 19, 7680), np.int16)},
        {"sfreq": np.float32(500)},
        {"task": np.array([0, 2])},
        {"task": np.array([0, -1])},
        {"subject": np.array([9])},
        {"X": np.full((2, 19, 7680), np.nan)},
        {"scale_uV": np.float32(np.nan)},
        {"scale_uV": np.float32(0)},
        {"scale_uV": np.ones(2)},
    ],
)
def test_an_extract_that_does_not_fit_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = tmp_path / "eegmat1_128hz_int16.npz"
    np.savez(path, **extract(**changes))
    with pytest.raises(DataFormatError, match=r"eegmat1_128hz_int16\.npz: .*fetch it again"):
        load_eegmat(path)


@pytest.mark.parametrize("missing", ["X", "task", "subject", "ch_names", "sfreq", "scale_uV"])
def test_an_extract_without_an_array_is_refused(tmp_path: Path, missing: str) -> None:
    path = tmp_path / "eegmat1_128hz_int16.npz"
    arrays = extract()
    del arrays[missing]
    np.savez(path, **arrays)
    with pytest.raises(DataFormatError, match=rf"not an extract of eegmat \(.*{missing}"):
        load_eegmat(path)


def test_an_extract_that_is_a_pickle_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "eegmat1_128hz_int16.npz"
    np.savez(path, **extract(ch_names=np.array(NAMES, dtype=object)))
    with pytest.raises(DataFormatError, match=r"not an extract of eegmat .*pickle"):
        load_eegmat(path)


def test_an_extract_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "eegmat1_128hz_int16.npz"
    np.savez_compressed(path, **extract())
    content = path.read_bytes()
    for kept in (content[:0], content[:100], content[:-30], b"not a zip archive", content[:500] + content[600:]):
        path.write_bytes(kept)
        with pytest.raises(DataFormatError, match="not an extract of eegmat"):
            load_eegmat(path)


@pytest.mark.parametrize("packed", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_an_extract_that_unpacks_to_far_more_takes_little_memory(packed: int, tmp_path: Path) -> None:
    path = tmp_path / "eegmat1_128hz_int16.npz"
    np.savez(path, **extract())
    with zipfile.ZipFile(path, "a", packed) as archive, archive.open("more.npy", "w", force_zip64=True) as member:
        for _ in range(20):
            member.write(bytes(10_000_000))
    tracemalloc.start()
    with pytest.raises(DataFormatError, match=r"not an extract of eegmat \(more\.npy (takes 200000000|is packed)"):
        load_eegmat(path)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


@pytest.fixture(scope="module")
def extracted(real_data: Path) -> Trials:
    return load_eegmat(real_data / "eegmat12")


def test_the_extract_holds_twelve_real_people(extracted: Trials) -> None:
    assert len(extracted) == 24
    assert extracted.table.groupby("subject")["task"].apply(list).map(tuple).unique().tolist() == [
        ("rest", "arithmetic")
    ]
    assert "10.3390/data4010014" in extracted.provenance["licence"]
    per_channel = extracted.signals.std(axis=0)
    assert np.all((per_channel > 2) & (per_channel < 50))  # microvolts of awake people


def test_the_edf_files_and_the_extract_show_the_same_person(extracted: Trials, real_data: Path) -> None:
    published = load_eegmat(real_data / "eegmat_edf")
    assert published.table["subject"].tolist() == [0, 0, 1, 1]
    ours = extracted.pick(published.ch_names)
    for name in ("rest", "arithmetic"):
        pair = []
        for trials in (published, ours):
            wanted = (trials.table["subject"] == 1) & (trials.table["task"] == name)
            (start,) = trials.table["start"][wanted]
            pair.append(trials.signals[start : start + 7680].astype(float))
        first, second = pair
        for channel in range(19):
            assert np.corrcoef(first[:, channel], second[:, channel])[0, 1] > 0.97
        spectra = [np.abs(np.fft.rfft(samples, axis=0)) for samples in pair]
        inside = slice(2 * 60, 45 * 60)  # 2 to 45 Hz, clear of both resampling filters
        ratio = np.sqrt((spectra[0][inside] ** 2).sum(axis=0) / (spectra[1][inside] ** 2).sum(axis=0))
        assert_allclose(ratio, 1, atol=0.05)
