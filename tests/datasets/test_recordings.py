"""Recordings with a table of trials or BIDS events: ``prepare_recordings`` and ``read_bids_events``."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.signal
from numpy.testing import assert_allclose, assert_array_equal

from eegemo import (
    ConfigError,
    DataFormatError,
    Preprocessing,
    Trials,
    categories,
    prepare_recordings,
    quadrants,
    read_bids_events,
)
from eegemo.datasets.recordings import listed_files, listed_recordings

pytestmark = pytest.mark.filterwarnings("error::UserWarning")

EEG = ["Fp1", "Fp2", "F3", "F4", "C3", "C4", "O1", "O2"]
NAMES = [*EEG, "VEOG"]
SFREQ = 128
SECONDS = 10
TYPED = (("VEOG", "eog"),)
#: Trials are then the recorded samples themselves.
NO_STEPS = Preprocessing(
    types=TYPED, sfreq=None, high_pass=None, bad_channels=None, eog=None, band=None, reference=None
)
ALL_STEPS = Preprocessing(types=TYPED, eog_h_freq=None)


def samples(seed: int, n_channels: int = len(NAMES), sfreq: int = SFREQ) -> np.ndarray:
    """Noise of 20 µV, in volts."""
    return np.random.default_rng(seed).normal(0, 20e-6, (n_channels, SECONDS * sfreq))


def write_recording(
    path: Path, data: np.ndarray, names: Sequence[str] = NAMES, sfreq: float = SFREQ, kinds: Any = "eeg"
) -> Path:
    """BDF, EDF or FIF by MNE, BrainVision or SET by hand."""
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = mne.io.RawArray(data, mne.create_info(list(names), sfreq, kinds), verbose="error")
    if path.suffix in (".bdf", ".edf"):
        mne.export.export_raw(path, raw, overwrite=True, verbose="error")
    elif path.suffix == ".fif":
        raw.save(path, overwrite=True, verbose="error")
    elif path.suffix == ".vhdr":
        write_brainvision(path, data, names, sfreq, path.with_suffix(".eeg").name)
    else:
        scipy.io.savemat(path, {"EEG": eeglab_struct(data, names, sfreq)})
    return path


def write_brainvision(path: Path, data: np.ndarray, names: Sequence[str], sfreq: float, eeg: str) -> None:
    path.with_name(eeg).write_bytes((data * 1e6).T.astype("<f4").tobytes())
    markers = path.with_suffix(".vmrk")
    markers.write_text(
        "Brain Vision Data Exchange Marker File, Version 1.0\n\n[Common Infos]\n"
        f"DataFile={eeg}\n\n[Marker Infos]\nMk1=New Segment,,1,1,0,20200101000000000000\n"
    )
    channels = "\n".join(f"Ch{i}={name},,1,µV" for i, name in enumerate(names, 1))
    path.write_text(
        "Brain Vision Data Exchange Header File Version 1.0\n\n[Common Infos]\nCodepage=UTF-8\n"
        f"DataFile={eeg}\nMarkerFile={markers.name}\nDataFormat=BINARY\nDataOrientation=MULTIPLEXED\n"
        f"NumberOfChannels={len(names)}\nSamplingInterval={1e6 / sfreq}\n\n[Binary Infos]\n"
        f"BinaryFormat=IEEE_FLOAT_32\n\n[Channel Infos]\n{channels}\n",
        encoding="utf-8",
    )


def eeglab_struct(data: np.ndarray, names: Sequence[str], sfreq: float) -> dict[str, Any]:
    return {
        "setname": "test",
        "nbchan": len(names),
        "trials": 1,
        "pnts": data.shape[1],
        "srate": float(sfreq),
        "xmin": 0.0,
        "xmax": (data.shape[1] - 1) / sfreq,
        "data": (data * 1e6).astype(np.float32),
        "chanlocs": np.array([(name,) for name in names], dtype=[("labels", object)]),
        "ref": "common",
        **{name: [] for name in ("event", "epoch", "icawinv", "icasphere", "icaweights")},
    }


def microvolts(data: np.ndarray, onset: float, duration: float, sfreq: float = SFREQ) -> np.ndarray:
    """What a trial of the EEG channels must hold, cut by hand."""
    first = round(onset * sfreq)
    return data[: len(EEG), first : first + round(duration * sfreq)] * 1e6


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the recordings a_raw.fif, b_raw.fif and deeper/c_raw.fif, of ``samples`` 1, 2 and 3."""
    folder = tmp_path_factory.mktemp("laboratory")
    for seed, name in enumerate(("a_raw.fif", "b_raw.fif", "deeper/c_raw.fif"), 1):
        write_recording(folder / name, samples(seed))
    return folder


def a_table(**columns: Any) -> pd.DataFrame:
    """Two trials of a_raw.fif; columns can be added or replaced."""
    return pd.DataFrame({"file": "a_raw.fif", "subject": 1, "onset": [1.0, 4.0], "duration": [2.0, 2.0], **columns})


def plain(table: Any, laboratory: Path | None = None, **more: Any) -> Trials:
    return prepare_recordings(table, NO_STEPS, folder=laboratory, **more)


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever preprocesses a recording in this test fails it."""

    def fail(*_: Any, **__: Any) -> None:
        pytest.fail("a recording was worked on")

    monkeypatch.setattr("eegemo.preprocessing.recording.preprocess", fail)


# Formats


@pytest.mark.parametrize("suffix", [".bdf", ".edf", ".fif", ".vhdr", ".set"])
def test_every_format_gives_the_same_trials(suffix: str, tmp_path: Path) -> None:
    data = samples(1)
    write_recording(tmp_path / f"a_raw{suffix}", data)
    trials = plain(a_table(file=f"a_raw{suffix}", onset=[1.0, 2.5], duration=[2.0, 4.0]), tmp_path)
    assert trials.ch_names == tuple(EEG)
    assert trials.ch_types == ("eeg",) * 8
    assert trials.sfreq == SFREQ
    assert not trials.simulated
    atol = 2e-3 if suffix == ".edf" else 2e-5  # µV; EDF has 16 bits, 160 µV / 65535 a step
    assert_allclose(trials.trial_data(0), microvolts(data, 1.0, 2.0), rtol=0, atol=atol)
    assert_allclose(trials.trial_data(1), microvolts(data, 2.5, 4.0), rtol=0, atol=atol)


def test_every_format_is_preprocessed_alike(tmp_path: Path) -> None:
    data = samples(1)
    signals = []
    for suffix in (".bdf", ".edf", ".fif", ".vhdr", ".set"):
        write_recording(tmp_path / f"a_raw{suffix}", data)
        signals.append(prepare_recordings(a_table(file=f"a_raw{suffix}"), ALL_STEPS, folder=tmp_path).signals)
    for other in signals[1:]:
        assert_allclose(other, signals[0], rtol=0, atol=5e-3)


# Tables


@pytest.mark.parametrize("kind", ["csv", "tsv", "TSV", "DataFrame", "nullable DataFrame"])
def test_tables_of_every_kind_give_the_same(kind: str, laboratory: Path, tmp_path: Path) -> None:
    table = a_table(file=["a_raw.fif", "b_raw.fif"], subject=[7, 8], task=["rest", "music"], valence=[2.5, np.nan])
    given: Any = table
    if kind == "nullable DataFrame":
        given = table.convert_dtypes()
    elif kind != "DataFrame":
        given = tmp_path / f"trials.{kind}"
        table.to_csv(given, index=False, sep="," if kind == "csv" else "\t", na_rep="n/a")
    trials = plain(given, laboratory)
    assert_allclose(trials.trial_data(1), microvolts(samples(2), 4.0, 2.0), rtol=1e-6)
    made = ["start", "n_times", "n_baseline"]
    assert list(trials.table) == ["subject", "trial", "stimulus", *made, "task", "valence"]
    assert trials.table["subject"].tolist() == [7, 8]
    assert trials.table["task"].tolist() == ["rest", "music"]
    assert trials.table["valence"][0] == 2.5
    assert trials.table["valence"].isna().tolist() == [False, True]


def test_names_of_files_start_from_the_folder_of_the_table(
    laboratory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(laboratory / "deeper", tmp_path / "study" / "deeper")
    a_table(file="deeper/c_raw.fif").to_csv(tmp_path / "study" / "trials.csv", index=False)
    monkeypatch.chdir(tmp_path)
    trials = plain(Path("study/trials.csv"))
    assert_allclose(trials.trial_data(0), microvolts(samples(3), 1.0, 2.0), rtol=1e-6)
    assert listed_files("study/trials.csv") == [tmp_path / "study" / "deeper" / "c_raw.fif"]


def test_names_of_files_start_from_the_folder_given(laboratory: Path, tmp_path: Path) -> None:
    a_table(file="c_raw.fif").to_csv(tmp_path / "trials.csv", index=False)
    write_recording(tmp_path / "c_raw.fif", samples(99))  # beside the table, and not meant
    trials = plain(str(tmp_path / "trials.csv"), laboratory / "deeper")
    assert_allclose(trials.trial_data(0), microvolts(samples(3), 1.0, 2.0), rtol=1e-6)


def test_names_in_a_data_frame_start_from_the_working_folder(laboratory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(laboratory / "deeper")
    assert_allclose(plain(a_table(file="c_raw.fif")).trial_data(0), microvolts(samples(3), 1.0, 2.0), rtol=1e-6)


def test_absolute_names_of_files_need_no_folder(laboratory: Path, tmp_path: Path) -> None:
    for file in (laboratory / "b_raw.fif", str(laboratory / "b_raw.fif")):
        trials = plain(a_table(file=[file] * 2), tmp_path)
        assert_allclose(trials.trial_data(0), microvolts(samples(2), 1.0, 2.0), rtol=1e-6)


def test_the_callers_table_is_left_as_it_is(laboratory: Path) -> None:
    table = a_table(onset=["4.0", "1"], task=["a", "b"]).set_axis([5, 3])
    before = table.copy(deep=True)
    plain(table, laboratory)
    pd.testing.assert_frame_equal(table, before)


# Trials


def test_trials_can_differ_in_length(laboratory: Path) -> None:
    trials = plain(a_table(onset=[0.0, 7.25, 3.0], duration=[1.0, 2.75, 0.5]), laboratory)
    assert trials.table["n_times"].tolist() == [128, 352, 64]
    assert trials.table["start"].tolist() == [0, 128, 480]
    for number, (onset, duration) in enumerate([(0.0, 1.0), (7.25, 2.75), (3.0, 0.5)]):
        assert_allclose(trials.trial_data(number), microvolts(samples(1), onset, duration), rtol=1e-6)


def test_the_baseline_lies_before_the_onset(laboratory: Path) -> None:
    trials = prepare_recordings(a_table(), replace(NO_STEPS, baseline=0.5), folder=laboratory)
    assert trials.table["n_baseline"].tolist() == [64, 64]
    assert trials.table["n_times"].tolist() == [320, 320]
    assert_allclose(trials.trial_data(1), microvolts(samples(1), 4.0, 2.0), rtol=1e-6)
    assert_allclose(trials.trial_data(1, baseline=True), microvolts(samples(1), 3.5, 2.5), rtol=1e-6)


def test_trials_come_in_the_order_of_files_and_rows(laboratory: Path) -> None:
    table = pd.DataFrame(
        {
            "file": ["b_raw.fif", "a_raw.fif", "b_raw.fif", "a_raw.fif"],
            "subject": [1, 2, 1, 2],
            "onset": [6.0, 5.0, 2.0, 1.0],
            "duration": 1.0,
            "stimulus": ["b6", "a5", "b2", "a1"],
        }
    )
    trials = plain(table, laboratory)
    assert trials.table["stimulus"].tolist() == ["b6", "b2", "a5", "a1"]
    for number, (seed, onset) in enumerate([(2, 6.0), (2, 2.0), (1, 5.0), (1, 1.0)]):
        assert_allclose(trials.trial_data(number), microvolts(samples(seed), onset, 1.0), rtol=1e-6)
    assert [record["file"] for record in trials.provenance["recordings"]] == ["b_raw.fif", "a_raw.fif"]
    assert [record["trials"] for record in trials.provenance["recordings"]] == [2, 2]
    assert [record["subject"] for record in trials.provenance["recordings"]] == [1, 2]


def test_trials_are_numbered_through_a_subjects_files(laboratory: Path) -> None:
    table = pd.DataFrame(
        {
            "file": ["a_raw.fif", "a_raw.fif", "b_raw.fif", "deeper/c_raw.fif", "deeper/c_raw.fif"],
            "subject": ["P1", "P1", "P2", "P1", "P1"],
            "onset": [1.0, 4.0, 1.0, 5.0, 2.0],
            "duration": 1.0,
        }
    )
    trials = plain(table, laboratory)
    assert trials.table["subject"].tolist() == ["P1", "P1", "P2", "P1", "P1"]
    assert trials.table["trial"].tolist() == [1, 2, 1, 3, 4]


def test_trial_numbers_and_stimuli_of_the_table_are_kept(laboratory: Path) -> None:
    trials = plain(a_table(trial=[40, 7], stimulus=[3, 12]), laboratory)
    assert trials.table["trial"].tolist() == [40, 7]
    assert trials.table["stimulus"].tolist() == [3, 12]


def test_a_table_without_stimuli_has_them_missing(laboratory: Path) -> None:
    assert plain(a_table(), laboratory).table["stimulus"].isna().all()


@pytest.mark.parametrize("subjects", [[3, 12], ["3", "12"], ["01", "1"], ["S01", "S02"], ["Zoë, 2", 'a "b"']])
def test_subjects_keep_their_type_and_spelling(subjects: list[Any], laboratory: Path) -> None:
    table = plain(a_table(file=["a_raw.fif", "b_raw.fif"], subject=subjects), laboratory).table
    assert table["subject"].tolist() == subjects
    assert table["trial"].tolist() == [1, 1]


def test_channels_are_taken_by_name_and_in_order(laboratory: Path) -> None:
    trials = plain(a_table(), laboratory, channels=["VEOG", "O1", "Fp2"])
    assert trials.ch_names == ("VEOG", "O1", "Fp2")
    assert trials.ch_types == ("eog", "eeg", "eeg")
    data = samples(1)
    assert_allclose(trials.trial_data(0), data[[8, 6, 1], SFREQ : 3 * SFREQ] * 1e6, rtol=1e-6)


def test_channels_in_another_order_are_put_into_that_of_the_first_recording(tmp_path: Path) -> None:
    data = samples(1)
    write_recording(tmp_path / "a_raw.fif", data)
    write_recording(tmp_path / "b_raw.fif", data[::-1], NAMES[::-1])
    trials = plain(a_table(file=["a_raw.fif", "b_raw.fif"], onset=2.0), tmp_path)
    assert trials.ch_names == tuple(EEG)
    assert_array_equal(trials.trial_data(0), trials.trial_data(1))


def test_recordings_of_different_rates_meet_at_a_common_one(tmp_path: Path) -> None:
    seconds = np.arange(SECONDS * 256) / 256
    fast = np.outer(np.arange(1, 10), 1e-5 * np.sin(2 * np.pi * 8 * seconds))
    write_recording(tmp_path / "a_raw.fif", fast, sfreq=256)
    write_recording(tmp_path / "b_raw.fif", fast[:, ::2], sfreq=128)
    trials = prepare_recordings(
        a_table(file=["a_raw.fif", "b_raw.fif"], onset=3.0), replace(NO_STEPS, sfreq=64.0), folder=tmp_path
    )
    assert trials.sfreq == 64
    expected = fast[: len(EEG), 3 * 256 : 5 * 256 : 4] * 1e6  # a sine of 8 Hz passes as it is
    for number in (0, 1):
        assert_allclose(trials.trial_data(number), expected, rtol=0, atol=0.02)


# Further columns, through the store


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([7, -3]),
        pd.Series([0.1 + 0.2, 1e-300]),
        pd.Series([5.5, np.nan]),
        pd.Series([np.nan, np.nan]),
        pd.Series(["rest", "music"]),
        pd.Series(["007", "1e5"]),
        pd.Series(["True", "False"]),
        pd.Series(["a", None]),
        pd.Series([True, False]),
        pd.Series([1, None], dtype="Int64"),
        pd.Series([True, None], dtype="boolean"),
        pd.Series(["rest", "music"], dtype="category"),
    ],
    ids=lambda column: f"{column.dtype}: {column.tolist()}",
)
def test_further_columns_keep_their_values_and_types(column: pd.Series, laboratory: Path) -> None:
    for _ in range(2):  # made, and opened again
        kept = plain(a_table(extra=column), laboratory).table["extra"]
        assert kept.dtype == column.dtype
        pd.testing.assert_series_equal(kept, column, check_names=False)


def test_times_and_dates_are_kept_or_refused_before_any_work(laboratory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    when = pd.to_datetime(["2024-05-01 10:00", "2024-05-01 10:05"])
    try:
        table = plain(a_table(when=when), laboratory).table
    except (ConfigError, DataFormatError) as error:
        assert "when" in str(error)
        monkeypatch.setattr("eegemo.preprocessing.recording.preprocess", lambda *_: pytest.fail("it was worked on"))
        with pytest.raises((ConfigError, DataFormatError), match="when"):
            plain(a_table(when=when), laboratory)
    else:
        assert pd.to_datetime(table["when"]).tolist() == when.tolist()


@pytest.mark.parametrize("texts", [["x, y", 'say "hi"'], ["two\nlines", "ä µ 脳"], [" a ", ";\t|"], ["\r", "a\rb"]])
def test_text_of_any_kind_comes_back(texts: list[str], laboratory: Path) -> None:
    assert plain(a_table(note=texts), laboratory).table["note"].tolist() == texts


@pytest.mark.parametrize("text", ["NA", "None", "null", "nan", "N/A", ""])
def test_text_that_looks_like_a_missing_value_is_not_one(text: str, laboratory: Path) -> None:
    """NA is short for negative affect, and None the stimulus that was none."""
    trials = plain(a_table(affect=["PA", text]), laboratory)
    assert trials.table["affect"].tolist() == ["PA", text]
    assert categories("affect", ("PA", text))(trials).tolist() == [0, 1]


@pytest.mark.parametrize("name", ["a, b", 'the "best"', "two\nlines", "µ 脳", " x ", "Unnamed: 0", "index", "0", ""])
def test_names_of_columns_of_any_kind_come_back(name: str, laboratory: Path) -> None:
    table = plain(a_table(**{name: ["p", "q"], "last": [1, 2]}), laboratory).table
    assert list(table)[6:] == [name, "last"]
    assert table[name].tolist() == ["p", "q"]


@pytest.mark.parametrize("twice", ["task", "onset"])
@pytest.mark.usefixtures("no_work")
def test_two_columns_of_one_name_are_refused(twice: str, laboratory: Path) -> None:
    table = a_table(task=["a", "b"])
    table = pd.concat([table, table[[twice]]], axis=1)
    with pytest.raises((ConfigError, DataFormatError), match=f"{twice}.* twice|twice.* {twice}"):
        plain(table, laboratory)


def test_a_column_of_truths_with_gaps_keeps_its_truths(laboratory: Path, tmp_path: Path) -> None:
    a_table(moved=["True", ""]).to_csv(tmp_path / "trials.csv", index=False)
    moved = plain(tmp_path / "trials.csv", laboratory).table["moved"]
    assert moved.isna().tolist() == [False, True]
    assert moved.dropna().tolist() == [True]  # and not the text 'True'


def test_ratings_and_categories_of_the_table_are_labels(laboratory: Path) -> None:
    table = pd.DataFrame(
        {
            "file": ["a_raw.fif", "a_raw.fif", "b_raw.fif", "b_raw.fif"],
            "subject": [1, 1, 2, 2],
            "onset": [1.0, 5.0, 1.0, 5.0],
            "duration": 2.0,
            "task": ["rest", "music", "music", "rest"],
            "valence": [8, 8, 2, 5],
            "arousal": [7.5, 1, 9, 5],
        }
    )
    trials = plain(table, laboratory)
    assert categories("task", ("rest", "music"))(trials).tolist() == [0, 1, 1, 0]
    assert quadrants()(trials).tolist() == [0, 1, 2, 3]  # HVHA, HVLA, LVHA, LVLA; 5 is low
    windows = trials.windows(1.0)
    assert categories("task", ("rest", "music"))(windows).tolist() == [0, 0, 1, 1, 1, 1, 0, 0]


# The store


def test_the_second_opening_does_no_work_and_warns_again(laboratory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = a_table(onset=[1.0, 9.0])
    done: list[str] = []
    with pytest.warns(UserWarning, match=r"a_raw\.fif: Left out.*beyond the recording: trials 2") as first:
        trials = plain(table, laboratory, on_prepared=done.append)
    assert done == ["a_raw.fif"]
    monkeypatch.setattr("eegemo.preprocessing.recording.preprocess", lambda *_: pytest.fail("it was worked on"))
    with pytest.warns(UserWarning) as second:
        again = plain(table, laboratory, on_prepared=done.append)
    assert done == ["a_raw.fif"]
    assert [str(w.message) for w in second] == [str(w.message) for w in first]
    assert {w.filename for w in second} == {__file__}  # points to the caller, whose recording it is
    assert again.fingerprint == trials.fingerprint
    assert again.provenance == trials.provenance


def test_each_recording_is_reported_once_it_is_prepared(laboratory: Path) -> None:
    done: list[str] = []
    plain(a_table(file=["b_raw.fif", "deeper/c_raw.fif"]), laboratory, on_prepared=done.append)
    assert done == ["b_raw.fif", "c_raw.fif"]


@pytest.mark.parametrize(
    "changed",
    [
        a_table(valence=[1.0, 2.5]),
        a_table(valence=[1.0, 2.0], onset=[1.0, 4.5]),
        a_table(valence=[1.0, 2.0], duration=[2.0, 1.5]),
        a_table(valence=[1.0, 2.0], subject=2),
        a_table(valence=[1.0, 2.0], trial=[2, 1]),
        a_table(valence=[1.0, 2.0], file="b_raw.fif"),
        a_table(valence=[1.0, 2.0]).rename(columns={"valence": "arousal"}),
        a_table(valence=[1.0, 2.0])[::-1],
    ],
    ids=["rating", "onset", "duration", "subject", "trial", "file", "name of a column", "order"],
)
def test_a_changed_table_gives_other_trials(changed: pd.DataFrame, laboratory: Path) -> None:
    first = plain(a_table(valence=[1.0, 2.0]), laboratory)
    assert plain(changed, laboratory).fingerprint != first.fingerprint


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([1, 2], ["1", "2"]),
        (["1", "2"], [1, 2]),
        ([1, 2], [1.0, 2.0]),
        ([True, False], ["True", "False"]),
        ([1.0, None], pd.array([1, None], dtype="Int64")),
    ],
)
def test_columns_that_differ_in_type_alone_are_told_apart(one: Any, other: Any, laboratory: Path) -> None:
    """Two tables that look alike as text, prepared one after the other in one cache."""
    plain(a_table(answer=one, stimulus=one), laboratory)
    table = plain(a_table(answer=other, stimulus=other), laboratory).table
    wanted = a_table(answer=other, stimulus=other)
    assert table["answer"].dtype == wanted["answer"].dtype
    assert table["stimulus"].dtype == wanted["stimulus"].dtype


@pytest.mark.parametrize("steps", [replace(NO_STEPS, reference="average"), replace(NO_STEPS, baseline=1.0)])
def test_other_preprocessing_gives_other_trials(steps: Preprocessing, laboratory: Path) -> None:
    first = plain(a_table(), laboratory)
    second = prepare_recordings(a_table(), steps, folder=laboratory)
    assert second.fingerprint != first.fingerprint
    assert second.provenance["preprocessing"] == steps.as_json


def test_a_changed_recording_gives_other_trials(tmp_path: Path) -> None:
    for seed in (1, 2):
        write_recording(tmp_path / "a_raw.fif", samples(seed))
        trials = plain(a_table(), tmp_path)
        assert_allclose(trials.trial_data(0), microvolts(samples(seed), 1.0, 2.0), rtol=1e-6)


@pytest.mark.parametrize("eeg", ["a.eeg", "as_recorded.eeg"])
def test_changed_samples_beside_an_unchanged_header_give_other_trials(eeg: str, tmp_path: Path) -> None:
    for seed in (1, 2):
        write_brainvision(tmp_path / "a.vhdr", samples(seed), NAMES, SFREQ, eeg)
        trials = plain(a_table(file="a.vhdr"), tmp_path)
        assert_allclose(trials.trial_data(0), microvolts(samples(seed), 1.0, 2.0), rtol=1e-5, atol=1e-5)


def test_a_study_that_was_moved_is_not_prepared_again(
    laboratory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = plain(a_table(), laboratory)
    shutil.copytree(laboratory, tmp_path / "elsewhere")
    monkeypatch.setattr("eegemo.preprocessing.recording.preprocess", lambda *_: pytest.fail("it was worked on"))
    assert plain(a_table(), tmp_path / "elsewhere").fingerprint == first.fingerprint


def test_two_processes_give_the_same_as_one(laboratory: Path, tmp_path: Path) -> None:
    table = a_table(file=["a_raw.fif", "b_raw.fif"], subject=["P1", "P2"], onset=[1.0, 9.5], task=["rest", "music"])
    prepared_trials = []
    for n_jobs in (1, 2):
        with pytest.warns(UserWarning, match=r"b_raw\.fif: Left out.*trials 1"):
            prepared_trials.append(
                prepare_recordings(
                    table, ALL_STEPS, folder=laboratory, n_jobs=n_jobs, cache=tmp_path / f"cache{n_jobs}"
                )
            )
    one, two = prepared_trials
    assert_array_equal(one.signals, two.signals)
    pd.testing.assert_frame_equal(one.table, two.table)
    assert one.provenance == two.provenance


def test_the_provenance_tells_what_was_done_to_each_file(laboratory: Path) -> None:
    trials = prepare_recordings(
        a_table(file=["a_raw.fif", "b_raw.fif"], subject=["P1", "P2"]),
        ALL_STEPS,
        folder=laboratory,
        dataset="our study",
    )
    assert trials.dataset == "our study"
    one, two = trials.provenance["recordings"]
    assert (one["subject"], one["file"], one["trials"]) == ("P1", "a_raw.fif", 1)
    assert (two["subject"], two["file"], two["trials"]) == ("P2", "b_raw.fif", 1)
    steps = [step["step"] for step in one["steps"]]
    assert steps == [
        *("downsample", "name_channels", "high_pass", "interpolate_bad_channels", "remove_eog", "band_pass"),
        *("average_reference", "preprocess"),
    ]
    assert trials.provenance["preprocessing"] == ALL_STEPS.as_json


def test_nothing_is_kept_of_a_preparation_that_failed(tmp_path: Path) -> None:
    write_recording(tmp_path / "a_raw.fif", samples(1))
    broken = samples(2)
    broken[2, 700] = np.nan
    write_recording(tmp_path / "b_raw.fif", broken)
    table = a_table(file=["a_raw.fif", "b_raw.fif"])
    with pytest.raises(DataFormatError, match=r"b_raw\.fif: Channel F3 has values that are not finite"):
        plain(table, tmp_path, cache=tmp_path / "stores")
    assert [path.name for path in (tmp_path / "stores").iterdir() if path.is_dir()] == []


def test_sessions_are_opened_one_after_another(laboratory: Path) -> None:
    table = a_table(file=["b_raw.fif", "a_raw.fif"], subject=["P1", "P2"], task=["rest", "music"])
    sessions = list(listed_recordings(table, NO_STEPS, folder=laboratory))
    assert [session.name for session in sessions] == ["b_raw.fif", "a_raw.fif"]
    assert [session.onsets.tolist() for session in sessions] == [[1.0], [4.0]]
    assert list(sessions[1].table) == ["subject", "trial", "stimulus", "task"]
    assert_allclose(sessions[0].raw.get_data(), samples(2), rtol=0, atol=2e-11)


# Bad tables


@pytest.mark.parametrize("missing", ["file", "subject", "onset", "duration"])
@pytest.mark.usefixtures("no_work")
def test_a_table_without_a_column_is_refused(missing: str, laboratory: Path) -> None:
    with pytest.raises(DataFormatError, match=rf"lacks {missing}; it needs file, subject, onset, duration and has"):
        plain(a_table().drop(columns=missing), laboratory)


@pytest.mark.usefixtures("no_work")
def test_a_table_with_other_separators_shows_what_was_read(laboratory: Path, tmp_path: Path) -> None:
    a_table().to_csv(tmp_path / "trials.csv", sep=";", index=False)
    with pytest.raises(DataFormatError, match=r"lacks file, subject.* has file;subject;onset;duration"):
        plain(tmp_path / "trials.csv", laboratory)


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataFormatError, match=r"no table '.*trials.csv'; it lists a trial a row: file, subject, onset"):
        plain(tmp_path / "trials.csv")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "trials.csv: cannot be read as a table"),
        (b"file,subject,onset,duration\n", "The table of trials has no rows"),
        (b"file,subject\na.fif,1\nb.fif,2,3,4,5\n", "trials.csv: cannot be read as a table"),
        (b"PK\x03\x04\xff\xfe\x00\x81", "trials.csv: cannot be read as a table"),
    ],
    ids=["empty", "no rows", "ragged", "binary"],
)
def test_a_file_that_holds_no_table_is_refused(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "trials.csv").write_bytes(content)
    with pytest.raises(DataFormatError, match=words):
        plain(tmp_path / "trials.csv")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"onset": [1.0, np.nan]}, "onset is .*nan.* in row 2"),
        ({"onset": ["soon", 1.0]}, "onset is 'soon' in row 1"),
        ({"onset": [1.0, np.inf]}, "onset is .*inf.* in row 2"),
        ({"onset": [-0.5, 1.0]}, r"onset is .*-0\.5.* in row 1"),
        ({"onset": pd.array([1, None], dtype="Int64")}, "onset is .*NA.* in row 2"),
        ({"duration": [1.0, -2.0]}, r"duration is .*-2.* in row 2"),
        ({"duration": [0.0, 2.0]}, r"duration is .*0.* in row 1"),
        ({"duration": ["1 s", "2 s"]}, "duration is '1 s' in row 1"),
        ({"subject": [1, np.nan]}, "subject is .*nan.* in row 2"),
        ({"subject": ["P1", None]}, "subject is .*(None|nan).* in row 2"),
        ({"file": ["a_raw.fif", None]}, "file is .*(None|nan).* in row 2"),
        ({"trial": [1, np.nan]}, "trial is .*nan.* in row 2"),
    ],
)
@pytest.mark.usefixtures("no_work")
def test_a_row_that_says_nothing_is_named(columns: dict[str, Any], words: str, laboratory: Path) -> None:
    with pytest.raises(DataFormatError, match=f"{words} of the table of trials"):
        plain(a_table(**columns), laboratory)


@pytest.mark.usefixtures("no_work")
def test_a_value_is_quoted_as_a_reader_of_the_table_would_write_it(laboratory: Path) -> None:
    with pytest.raises(DataFormatError, match=r"onset is '?-2\.5'? in row 1"):
        plain(a_table(onset=[-2.5, 1.0]), laboratory)


@pytest.mark.parametrize("name", ["start", "n_times", "n_baseline"])
@pytest.mark.usefixtures("no_work")
def test_columns_that_the_cutting_makes_are_refused(name: str, laboratory: Path) -> None:
    with pytest.raises(ConfigError, match=f"Columns {name} are made when trials are cut; call yours otherwise"):
        plain(a_table(**{name: 0}), laboratory)


@pytest.mark.usefixtures("no_work")
def test_two_trials_of_one_number_are_refused(laboratory: Path) -> None:
    table = a_table(file=["a_raw.fif", "b_raw.fif"], subject="P1", trial=[3, 3])
    with pytest.raises(DataFormatError, match=r"Subject P1 has two trials numbered 3 .*or leave the column out"):
        plain(table, laboratory)


def test_people_can_share_trial_numbers(laboratory: Path) -> None:
    table = a_table(file=["a_raw.fif", "b_raw.fif"], subject=[1, 2], trial=[3, 3])
    assert plain(table, laboratory).table["trial"].tolist() == [3, 3]


# Bad recordings


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("absent.edf", None, r"no recording '.*absent\.edf'; check its name and its folder"),
        ("notes.docx", b"PK", r"notes\.docx: recordings end in \.bdf, .*convert this one with MNE"),
        ("void.edf", b"", r"void\.edf: the file is empty; fetch it again"),
        ("text.edf", b"time,Fp1\n0,1\n" * 99, r"text\.edf: cannot be read as EDF .*it may be damaged"),
    ],
)
@pytest.mark.usefixtures("no_work")
def test_a_recording_that_cannot_be_read_is_refused_before_any_work(
    name: str, content: bytes | None, words: str, laboratory: Path, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataFormatError, match=words):
        plain(a_table(file=[str(laboratory / "a_raw.fif"), str(tmp_path / name)]))


@pytest.mark.usefixtures("no_work")
def test_an_edf_cut_short_is_refused_before_any_work(laboratory: Path, tmp_path: Path) -> None:
    path = write_recording(tmp_path / "short.edf", samples(1))
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(DataFormatError, match=r"short\.edf: the file is cut short .*fetch it again"):
        plain(a_table(file=[str(laboratory / "a_raw.fif"), str(path)]))


@pytest.mark.parametrize(
    ("other", "steps", "channels", "words"),
    [
        (
            {"names": [*EEG[:-1], "Pz", "VEOG"]},
            {},
            None,
            r"b_raw\.fif: its EEG channels differ .*a_raw\.fif in O2, Pz; name",
        ),
        (
            {"sfreq": 100},
            {},
            None,
            r"b_raw\.fif: 100 samples a second, a_raw\.fif has 128; set sfreq in the preprocessing",
        ),
        ({"sfreq": 100}, {"sfreq": 120.0}, None, r"b_raw\.fif: .*120.*(100 or less|100)"),
        ({"names": [*EEG, "EYE"]}, {}, None, r"b_raw\.fif: Unknown channel 'VEOG'"),
        (
            {"names": [*EEG[:-1], "Pz", "VEOG"]},
            {"channels": ("Fp1", "O2")},
            None,
            r"b_raw\.fif: Channels O2 are missing",
        ),
        (
            {"names": [*EEG[:-1], "Pz", "VEOG"]},
            {},
            ["Fp1", "O2"],
            r"b_raw\.fif: channels O2 are missing; .* it has Fp1",
        ),
        ({}, {}, ["Fp1", "F9"], r"a_raw\.fif: channels F9 are missing; after renaming it has Fp1"),
        ({}, {}, ["Fp1", "Fp1"], "(Fp1.*twice|twice.*Fp1|unique.*Fp1)"),
        (
            {},
            {"montage": "GSN-HydroCel-32"},
            None,
            r"a_raw\.fif: None of the EEG channels .*montage 'GSN.*montage=None",
        ),
        ({}, {"montage": "biosemi33"}, None, r"a_raw\.fif: Unknown montage 'biosemi33'. Did you mean 'biosemi32'"),
        ({"names": [f"E{i}" for i in range(8)] + ["VEOG"]}, {}, None, r"b_raw\.fif: None of the EEG channels E0, E1"),
    ],
    ids=[
        *("channels", "rates", "rate below sfreq", "eog name", "kept", "wanted", "unknown", "twice", "no montage"),
        *("unknown montage", "other montage"),
    ],
)
@pytest.mark.usefixtures("no_work")
def test_recordings_that_do_not_fit_are_refused_before_any_work(
    other: dict[str, Any],
    steps: dict[str, Any],
    channels: list[str] | None,
    words: str,
    laboratory: Path,
    tmp_path: Path,
) -> None:
    shutil.copy(laboratory / "a_raw.fif", tmp_path)
    write_recording(tmp_path / "b_raw.fif", samples(2, sfreq=other.get("sfreq", SFREQ)), **other)
    with pytest.raises((ConfigError, DataFormatError), match=words):
        prepare_recordings(
            a_table(file=["a_raw.fif", "b_raw.fif"]), replace(NO_STEPS, **steps), folder=tmp_path, channels=channels
        )


@pytest.mark.usefixtures("no_work")
def test_a_channel_whose_type_differs_between_recordings_is_refused(tmp_path: Path) -> None:
    """As eog it comes in microvolts and as misc in volts: a factor of a million between two people."""
    for name, kind in (("a", "eog"), ("b", "misc")):
        write_recording(tmp_path / f"{name}_raw.fif", samples(1), kinds=["eeg"] * 8 + [kind])
    with pytest.raises((ConfigError, DataFormatError), match=r"b_raw\.fif: .*VEOG.*(eog.*misc|misc.*eog)"):
        prepare_recordings(
            a_table(file=["a_raw.fif", "b_raw.fif"]),
            replace(NO_STEPS, types=()),
            folder=tmp_path,
            channels=["Fp1", "VEOG"],
        )


def test_without_eog_the_default_settings_offer_what_can_be_done(laboratory: Path) -> None:
    with pytest.raises(ConfigError, match="no EOG") as raised:
        prepare_recordings(a_table(), Preprocessing(), folder=laboratory)
    message = str(raised.value)
    assert message.startswith("a_raw.fif: ")
    for offer in ("VEOG", "types", "bipolar", "'ica'", "eog_channels", "eog None"):
        assert offer in message


def test_channels_unknown_to_the_montage_are_named_in_a_warning(laboratory: Path) -> None:
    with pytest.warns(
        UserWarning, match=r"a_raw\.fif: Channels VEOG are not in the montage 'colin27_1005'.*rename them"
    ):
        trials = prepare_recordings(a_table(), replace(NO_STEPS, types=()), folder=laboratory)
    assert trials.ch_names == tuple(EEG)


def test_what_the_reader_of_a_format_warns_of_is_said_once_an_opening_and_named(tmp_path: Path) -> None:
    """Here of a header whose number of records was never filled in."""
    path = write_recording(tmp_path / "a.bdf", samples(1))
    content = bytearray(path.read_bytes())
    content[236:244] = b"-1".ljust(8)
    path.write_bytes(content)
    for _ in range(2):
        with pytest.warns(UserWarning) as given:
            plain(a_table(file="a.bdf"), tmp_path)
        assert len(given) == 1
        assert str(given[0].message).startswith("a.bdf: Number of records")


# Trials that cannot be had


def test_a_trial_beyond_the_end_is_left_out_with_a_warning_that_names_it(laboratory: Path) -> None:
    table = a_table(
        file=["a_raw.fif", "a_raw.fif", "b_raw.fif", "a_raw.fif"], onset=[1.0, 9.0, 1.0, 3.0], duration=2.0, stimulus=9
    )
    table["stimulus"] = [10, 20, 30, 40]
    with pytest.warns(UserWarning, match=r"^a_raw\.fif: Left out, since they reach beyond the recording: trials 2\.$"):
        trials = plain(table, laboratory)
    assert trials.table["stimulus"].tolist() == [10, 40, 30]
    assert trials.table["trial"].tolist() == [1, 4, 3]
    assert trials.table["start"].tolist() == [0, 256, 512]
    assert_allclose(trials.trial_data(1), microvolts(samples(1), 3.0, 2.0), rtol=1e-6)
    assert_allclose(trials.trial_data(2), microvolts(samples(2), 1.0, 2.0), rtol=1e-6)


def test_a_trial_that_ends_with_the_recording_is_kept(laboratory: Path) -> None:
    trials = plain(a_table(onset=[0.0, 8.0]), laboratory)
    assert_allclose(trials.trial_data(1), microvolts(samples(1), 8.0, 2.0), rtol=1e-6)


def test_a_baseline_before_the_recording_leaves_the_trial_out(laboratory: Path) -> None:
    with pytest.warns(UserWarning, match="beyond the recording: trials 1"):
        trials = prepare_recordings(a_table(), replace(NO_STEPS, baseline=1.5), folder=laboratory)
    assert trials.table["trial"].tolist() == [2]


def test_a_recording_none_of_whose_trials_is_left_stays_in_the_provenance(laboratory: Path) -> None:
    table = a_table(file=["a_raw.fif", "b_raw.fif"], onset=[99.0, 4.0], subject=["P1", "P2"])
    with pytest.warns(UserWarning, match=r"a_raw\.fif: .*trials 1"):
        trials = plain(table, laboratory)
    assert trials.table["subject"].tolist() == ["P2"]
    assert_allclose(trials.trial_data(0), microvolts(samples(2), 4.0, 2.0), rtol=1e-6)
    assert [record["trials"] for record in trials.provenance["recordings"]] == [0, 1]


def test_no_trial_left_is_an_error_now_and_later(laboratory: Path) -> None:
    for _ in range(2):
        with (
            pytest.warns(UserWarning, match="beyond the recording: trials 1, 2"),
            pytest.raises(DataFormatError, match="No trial is left; the warnings say what happened"),
        ):
            plain(a_table(onset=[50.0, 60.0]), laboratory)


def test_trials_with_large_amplitudes_are_left_out_and_named(tmp_path: Path) -> None:
    data = samples(1)
    data[3, 5 * SFREQ] += 500e-6
    data[8, 2 * SFREQ] += 900e-6  # of the EOG, which is no reason
    write_recording(tmp_path / "a_raw.fif", data)
    with pytest.warns(UserWarning, match=r"a_raw\.fif: Left out, since an amplitude exceeds 300.* µV: trials 2\."):
        trials = prepare_recordings(a_table(), replace(NO_STEPS, reject=300.0), folder=tmp_path)
    assert trials.table["trial"].tolist() == [1]


def test_a_trial_shorter_than_a_sample_is_named_or_refused(laboratory: Path) -> None:
    try:
        with warnings.catch_warnings(record=True) as given:
            warnings.simplefilter("always")
            trials = plain(a_table(duration=[0.001, 2.0]), laboratory)
    except (ConfigError, DataFormatError) as error:
        assert "sample" in str(error)
    else:
        assert trials.table["trial"].tolist() == [2]
        assert "trials 1" in " ".join(str(warning.message) for warning in given)


# Simulated recordings


def test_simulated_recordings_are_marked_as_such(raw_release: Path, laboratory: Path) -> None:
    table = pd.DataFrame({"file": ["s01.bdf"], "subject": 1, "onset": 3.0, "duration": 2.0})
    steps = replace(NO_STEPS, types=(), channels=("F3", "F4"))
    trials = prepare_recordings(table, steps, folder=raw_release / "data_original")
    assert trials.simulated
    assert trials.ch_names == ("F3", "F4")
    assert not plain(a_table(), laboratory).simulated


@pytest.mark.usefixtures("no_work")
def test_simulated_and_recorded_files_are_not_mixed(laboratory: Path, raw_release: Path) -> None:
    files = [laboratory / "a_raw.fif", raw_release / "data_original" / "s01.bdf"]
    steps = replace(NO_STEPS, types=(), channels=("F3", "F4"), sfreq=128.0)
    with pytest.raises(ConfigError, match="Some of the files were simulated and some not"):
        prepare_recordings(a_table(file=files), steps)


# BIDS

EVENTS = "onset\tduration\ttrial_type\n1.0\t2.0\tmusic\n3.0\t0\tbutton\n4.0\tn/a\tbutton\n5.0\t3.0\trest\n"
CHANNELS = "name\ttype\tunits\tstatus\n" + "".join(f"{name}\tEEG\tuV\tgood\n" for name in EEG)


def write_bids(
    root: Path,
    subject: str = "01",
    *,
    entities: str = "_task-music",
    events: str = EVENTS,
    channels: str | None = None,
    data: np.ndarray | None = None,
) -> Path:
    """One recording, its events and its channels; returns the events file."""
    folder = root / f"sub-{subject}" / "eeg"
    stem = f"sub-{subject}{entities}"
    write_recording(folder / f"{stem}_eeg.bdf", samples(1) if data is None else data)
    if channels is not None:
        (folder / f"{stem}_channels.tsv").write_text(channels)
    path = folder / f"{stem}_events.tsv"
    path.write_text(events)
    return path


def bids(source: Path, **more: Any) -> Trials:
    return prepare_recordings(source, NO_STEPS, **more)


def test_lasting_events_are_trials(tmp_path: Path) -> None:
    for source in (write_bids(tmp_path), tmp_path, tmp_path / "sub-01"):
        trials = bids(source)
        assert trials.table["subject"].tolist() == ["01", "01"]
        assert trials.table["trial"].tolist() == [1, 2]
        assert trials.table["stimulus"].tolist() == ["music", "rest"]
        assert trials.table["trial_type"].tolist() == ["music", "rest"]
        assert_allclose(trials.trial_data(0), microvolts(samples(1), 1.0, 2.0), rtol=0, atol=2e-5)
        assert_allclose(trials.trial_data(1), microvolts(samples(1), 5.0, 3.0), rtol=0, atol=2e-5)
    assert categories("trial_type", ("rest", "music"))(trials).tolist() == [1, 0]


def test_events_can_be_read_as_a_table_and_changed(tmp_path: Path) -> None:
    events = write_bids(tmp_path)
    table = read_bids_events(events)
    assert list(table) == ["file", "subject", "onset", "duration", "trial_type", "stimulus"]
    assert table["file"].tolist() == [str(tmp_path / "sub-01" / "eeg" / "sub-01_task-music_eeg.bdf")] * 2
    assert table["onset"].tolist() == [1.0, 5.0]
    trials = prepare_recordings(table.assign(duration=1.0, valence=[8.0, 2.0]), NO_STEPS)
    assert trials.table["n_times"].tolist() == [128, 128]


def test_the_stimulus_is_the_stimulus_column_or_its_file_or_the_type(tmp_path: Path) -> None:
    head = "onset\tduration\ttrial_type\tstim_file\tstimulus\n"
    rows = "1\t1\tmusic\ta.wav\tthe song\n2\t1\tmusic\tn/a\tn/a\n"
    table = read_bids_events(write_bids(tmp_path, "1", events=head + rows))
    assert table["stimulus"].tolist()[0] == "the song"
    without = head.replace("\tstimulus", "") + "1\t1\tmusic\ta.wav\n2\t1\tmusic\tn/a\n"
    table = read_bids_events(write_bids(tmp_path, "2", events=without))
    assert table["stimulus"][0] == "a.wav"
    assert table["stimulus"].isna().tolist() == [False, True]
    table = read_bids_events(write_bids(tmp_path, "3", events="onset\tduration\n1\t1\n"))
    assert "stimulus" not in table


def test_several_subjects_sessions_and_runs_are_read_from_one_folder(tmp_path: Path) -> None:
    one_event = "onset\tduration\ttrial_type\n{}\t1.0\t{}\n"
    seeds = {}
    for seed, (subject, entities, name) in enumerate(
        [
            ("01", "_task-music_run-1", "01-1"),
            ("01", "_task-music_run-2", "01-2"),
            ("02", "_ses-a_task-music", "02-a"),
            ("02", "_ses-b_task-music", "02-b"),
        ]
    ):
        write_bids(tmp_path, subject, entities=entities, events=one_event.format(seed, name), data=samples(seed))
        seeds[name] = seed
    trials = bids(tmp_path)
    assert trials.table["stimulus"].tolist() == ["01-1", "01-2", "02-a", "02-b"]
    assert trials.table["subject"].tolist() == ["01", "01", "02", "02"]
    assert trials.table["trial"].tolist() == [1, 2, 1, 2]
    for number, seed in enumerate(seeds.values()):
        assert_allclose(trials.trial_data(number), microvolts(samples(seed), seed, 1.0), rtol=0, atol=2e-5)


def test_subjects_with_different_columns_have_the_others_missing(tmp_path: Path) -> None:
    write_bids(tmp_path, "01", events="onset\tduration\tvalence\n1\t1\t7.5\n")
    write_bids(tmp_path, "02", events="onset\tduration\tanswer\n1\t1\tyes\n")
    table = bids(tmp_path).table
    assert table["valence"].isna().tolist() == [False, True]
    assert table["valence"][0] == 7.5
    assert table["answer"].isna().tolist() == [True, False]


@pytest.mark.parametrize("suffix", [".edf", ".bdf", ".fif", ".vhdr", ".set"])
def test_the_recording_beside_the_events_can_be_of_any_format(suffix: str, tmp_path: Path) -> None:
    events = write_bids(tmp_path)
    recording = events.with_name("sub-01_task-music_eeg.bdf")
    recording.unlink()
    write_recording(recording.with_suffix(suffix), samples(4))
    assert_allclose(bids(events).trial_data(0), microvolts(samples(4), 1.0, 2.0), rtol=0, atol=2e-3)


def test_a_longer_name_beside_the_events_is_not_their_recording(tmp_path: Path) -> None:
    events = write_bids(tmp_path)
    folder = events.parent
    write_recording(folder / "sub-01_task-music_eegbackup.bdf", samples(5))
    (folder / "sub-01_task-music_eeg.bdf").unlink()
    write_recording(folder / "sub-01_task-music_eeg.edf", samples(4))
    assert set(read_bids_events(events)["file"]) == {str(folder / "sub-01_task-music_eeg.edf")}


def test_an_eog_channel_typed_by_bids_is_what_the_eog_is_removed_by(tmp_path: Path) -> None:
    """Each EEG channel is noise plus a known share of the EOG, which the regression must find and take out."""
    data = samples(1)
    blinks = np.zeros(data.shape[1])
    blinks[100::256] = 1
    data[8] += 300e-6 * np.convolve(blinks, np.hanning(40), mode="same")
    share = np.array([0.8, 0.7, 0.4, 0.35, 0.2, 0.15, 0.05, 0.0])
    data[:8] = 0.1 * data[:8] + share[:, None] * data[8]
    events = write_bids(tmp_path, channels=CHANNELS + "VEOG\tVEOG\tuV\tgood\n", data=data)
    trials = prepare_recordings(events, Preprocessing(eog_h_freq=None, bad_channels=None, band=None, reference=None))
    assert trials.ch_names == tuple(EEG)
    removal = next(step for step in trials.provenance["recordings"][0]["steps"] if step["step"] == "remove_eog")
    assert removal["eog_channels"] == ["VEOG"]
    assert_allclose(np.ravel(removal["weights"]), share, atol=0.02)
    assert min(removal["r_before"][:4]) > 0.9
    assert max(removal["r_after"]) < 0.05


def test_a_bad_channel_of_bids_is_interpolated(tmp_path: Path) -> None:
    data = samples(1)
    channels = CHANNELS.replace("C4\tEEG\tuV\tgood", "C4\tEEG\tuV\tbad") + "VEOG\tEOG\tuV\tgood\n"
    events = write_bids(tmp_path, channels=channels, data=data)
    steps = replace(NO_STEPS, types=(), bad_channels="interpolate")
    with pytest.warns(UserWarning, match=r"eeg\.bdf: Bad channels were interpolated: C4: marked in the file"):
        trials = prepare_recordings(events, steps)
    by_hand = mne.io.RawArray(data[:8].copy(), mne.create_info(EEG, SFREQ, "eeg"), verbose="error")
    by_hand.set_montage("colin27_1005", verbose="error")
    by_hand.info["bads"] = ["C4"]
    expected = by_hand.interpolate_bads(verbose="error").get_data(start=SFREQ, stop=3 * SFREQ) * 1e6
    assert_allclose(trials.trial_data(0), expected, rtol=0, atol=1e-3)
    assert not np.allclose(trials.trial_data(0)[5], microvolts(data, 1.0, 2.0)[5], atol=1)


def test_a_changed_list_of_channels_gives_other_trials(tmp_path: Path) -> None:
    events = write_bids(tmp_path, channels=CHANNELS)
    steps = replace(NO_STEPS, bad_channels="interpolate")
    first = prepare_recordings(events, steps)
    listed = events.with_name("sub-01_task-music_channels.tsv")
    listed.write_text(CHANNELS.replace("C4\tEEG\tuV\tgood", "C4\tEEG\tuV\tbad"))
    with pytest.warns(UserWarning, match="C4: marked in the file"):
        second = prepare_recordings(events, steps)
    assert second.fingerprint != first.fingerprint
    listed.unlink()
    assert prepare_recordings(events, steps).fingerprint == first.fingerprint


def test_copies_under_derivatives_are_no_further_trials(tmp_path: Path) -> None:
    """A cleaned copy below derivatives/ would give each trial twice, on both sides of a split."""
    write_bids(tmp_path)
    for place in ("derivatives/cleaned", "sourcedata"):
        write_bids(tmp_path / place)
    trials = bids(tmp_path)
    assert trials.table["trial"].tolist() == [1, 2]
    assert {Path(file).parent for file in read_bids_events(tmp_path)["file"]} == {tmp_path / "sub-01" / "eeg"}


def test_events_of_another_modality_are_no_hindrance(tmp_path: Path) -> None:
    events = write_bids(tmp_path)
    (tmp_path / "sub-01" / "func").mkdir()
    shutil.copy(events, tmp_path / "sub-01" / "func" / "sub-01_task-rest_events.tsv")
    assert len(bids(tmp_path)) == 2


def test_trial_numbers_of_a_run_are_kept_beside_those_of_the_subject(tmp_path: Path) -> None:
    for run in (1, 2):
        events = "onset\tduration\ttrial\n1\t1\t1\n3\t1\t2\n"
        write_bids(tmp_path, entities=f"_task-music_run-{run}", events=events)
    table = bids(tmp_path).table
    assert table["trial"].tolist() == [1, 2, 3, 4]
    assert table["trial_in_run"].tolist() == [1, 2, 1, 2]


def test_marks_that_last_a_few_samples_are_no_trials(tmp_path: Path) -> None:
    """Converters write one sample as a mark's duration, and responses of some hundredths of a second occur."""
    write_bids(tmp_path, events="onset\tduration\n1\t0.001\n2\t0.0078125\n3\t0.05\n4\t0.5\n")
    assert read_bids_events(tmp_path)["onset"].tolist() == [4.0]


def test_kinds_of_events_can_be_chosen(tmp_path: Path) -> None:
    events = write_bids(tmp_path)
    assert read_bids_events(events, trial_types=["rest"])["onset"].tolist() == [5.0]
    assert read_bids_events(tmp_path, trial_types=("rest", "music"))["onset"].tolist() == [1.0, 5.0]


def test_a_kind_of_events_that_no_recording_has_is_named_with_those_it_has(tmp_path: Path) -> None:
    with pytest.raises((ConfigError, DataFormatError), match=r"musik.*music"):
        read_bids_events(write_bids(tmp_path), trial_types=["musik"])


def test_one_kind_of_events_given_as_text_is_taken_or_refused_in_words(tmp_path: Path) -> None:
    events = write_bids(tmp_path)
    try:
        table = read_bids_events(events, trial_types="music")
    except (ConfigError, DataFormatError) as error:
        assert "trial_types" in str(error)
    else:
        assert table["onset"].tolist() == [1.0]


def test_events_without_kinds_cannot_be_chosen_by_them(tmp_path: Path) -> None:
    events = write_bids(tmp_path, events="onset\tduration\n1\t1\n")
    with pytest.raises(ConfigError, match=rf"{events.name}: there is no column trial_type to choose music by"):
        read_bids_events(events, trial_types=["music"])


def test_a_folder_without_events_is_refused(tmp_path: Path) -> None:
    write_bids(tmp_path).unlink()
    with pytest.raises(DataFormatError, match=r"holds no BIDS events \(sub-\.\.\._events\.tsv\)"):
        bids(tmp_path)


def test_an_events_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataFormatError, match=r"sub-09_task-music_events\.tsv"):
        bids(tmp_path / "sub-09_task-music_events.tsv")


def test_events_without_a_recording_beside_are_refused(tmp_path: Path) -> None:
    events = write_bids(tmp_path)
    (events.parent / "sub-01_task-music_eeg.bdf").unlink()
    with pytest.raises(DataFormatError, match=rf"{events.name}: there is no recording sub-01_task-music_eeg\.\*"):
        bids(tmp_path)


@pytest.mark.parametrize("head", ["time\tduration", "onset\tlength", "onset,duration"])
def test_events_without_their_columns_are_refused(head: str, tmp_path: Path) -> None:
    events = write_bids(tmp_path, events=f"{head}\n1\t2\n")
    with pytest.raises(DataFormatError, match=rf"{events.name}: .*columns onset and duration must be there; it has"):
        bids(tmp_path)


def test_an_events_file_of_no_subject_is_refused(tmp_path: Path) -> None:
    events = write_bids(tmp_path)
    events = events.rename(events.with_name("task-music_events.tsv"))
    with pytest.raises(DataFormatError, match=r"task-music_events\.tsv: .*the name must begin with sub-"):
        bids(events)


def test_events_that_do_not_last_are_no_trials(tmp_path: Path) -> None:
    write_bids(tmp_path, events="onset\tduration\n1.0\t0\n2.0\tn/a\n")
    with pytest.raises(DataFormatError, match=r"None of the events .* lasts; trials need a duration of 0.1 s"):
        bids(tmp_path)


def test_an_empty_events_file_is_named(tmp_path: Path) -> None:
    events = write_bids(tmp_path, events="")
    with pytest.raises(DataFormatError, match=rf"{events.name}: cannot be read as a table"):
        bids(tmp_path)


@pytest.mark.parametrize("column", ["subject", "file"])
def test_events_with_columns_of_our_names_are_read_or_refused(column: str, tmp_path: Path) -> None:
    events = write_bids(tmp_path, events=f"onset\tduration\t{column}\n1.0\t2.0\tsomething\n")
    try:
        table = read_bids_events(tmp_path)
    except (ConfigError, DataFormatError) as error:
        assert events.name in str(error)
        assert column in str(error)
    else:
        assert table["subject"].tolist() == ["01"]
        assert Path(table["file"][0]).name == "sub-01_task-music_eeg.bdf"


def test_only_what_bids_calls_missing_is_missing(tmp_path: Path) -> None:
    """BIDS writes n/a; NA is a label of its own, here of negative affect."""
    events = "onset\tduration\ttrial_type\n1.0\t2.0\tNA\n4.0\t1.0\tPA\n6.0\t1.0\tn/a\n"
    table = read_bids_events(write_bids(tmp_path, events=events))
    assert table["trial_type"].isna().tolist() == [False, False, True]
    assert table["trial_type"].tolist()[:2] == ["NA", "PA"]


def test_an_onset_that_is_no_number_is_named(tmp_path: Path) -> None:
    write_bids(tmp_path, events="onset\tduration\n1.0\t2.0\nn/a\t2.0\n")
    with pytest.raises(DataFormatError, match=r"onset is .* in row 2"):
        bids(tmp_path)


# Real recordings


def test_a_real_recording_is_preprocessed_as_by_hand(real_data: Path) -> None:
    """Rest and arithmetic of a person at 500 Hz, against SciPy's resampling and MNE's own functions.

    The two anti-aliasing filters differ above 51 Hz alone, which the band-pass takes out: 0.2 % of the amplitude is
    left for it.
    """
    table = pd.DataFrame(
        {
            "file": ["Subject00_1.edf", "Subject00_2.edf"],
            "subject": 0,
            "onset": [100.0, 20.0],
            "duration": [10.0, 12.5],
            "task": ["rest", "arithmetic"],
        }
    )
    steps = Preprocessing(eog=None, bad_channels=None)
    with pytest.warns(UserWarning, match="Channels EEG A2-A1, ECG ECG are not in the montage"):
        trials = prepare_recordings(table, steps, folder=real_data / "eegmat_edf")
    names = "Fp1 Fp2 F3 F4 F7 F8 T3 T4 C3 C4 T5 T6 P3 P4 O1 O2 Fz Cz Pz".split()
    assert trials.ch_names == tuple(names)
    assert categories("task", ("rest", "arithmetic"))(trials).tolist() == [0, 1]
    for number, (file, onset, duration) in enumerate(zip(table["file"], [100, 20], [10.0, 12.5], strict=True)):
        raw = mne.io.read_raw_edf(real_data / "eegmat_edf" / file, verbose="error")
        data = raw.get_data(picks=[f"EEG {name}" for name in names])
        data = scipy.signal.resample_poly(data, 32, 125, axis=1)
        by_hand = mne.io.RawArray(data, mne.create_info(names, 128.0, "eeg"), verbose="error")
        by_hand.filter(1.0, None, verbose="error")
        by_hand.filter(4.0, 45.0, h_trans_bandwidth=4.0, verbose="error")
        by_hand.set_eeg_reference("average", verbose="error")
        expected = by_hand.get_data(start=onset * 128, stop=onset * 128 + int(duration * 128)) * 1e6
        assert trials.trial_data(number).shape == expected.shape
        assert 2 < expected.std() < 50
        assert (trials.trial_data(number) - expected).std() < 0.002 * expected.std()


def test_annotations_of_a_real_recording_become_trials(real_data: Path) -> None:
    """Left and right fist of one person; what is cut at 160 Hz without any step are the file's own samples."""
    file = real_data / "eegmmidb" / "S001R03.edf"
    annotations = mne.read_annotations(file)
    fists = [note for note in annotations if note["description"] in ("T1", "T2")]
    table = pd.DataFrame(
        {
            "file": file,
            "subject": "S001",
            "onset": [note["onset"] for note in fists],
            "duration": [note["duration"] for note in fists],
            "stimulus": [note["description"] for note in fists],
        }
    )
    trials = prepare_recordings(table, replace(NO_STEPS, types=()))
    assert (trials.sfreq, len(trials.ch_names)) == (160.0, 64)
    assert {"Fc5", "C3", "T9", "Iz"} & set(trials.ch_names) == {"C3", "T9", "Iz"}
    assert {"FC5", "FCz", "Fp1"} <= set(trials.ch_names)
    y = categories("stimulus", ("T1", "T2"))(trials)
    assert y.tolist() == [["T1", "T2"].index(note["description"]) for note in fists]
    assert set(y) == {0, 1}
    data = mne.io.read_raw_edf(file, verbose="error").get_data() * 1e6
    for number, note in enumerate(fists):
        first = round(note["onset"] * 160)
        expected = data[:, first : first + round(note["duration"] * 160)]
        assert_allclose(trials.trial_data(number), expected, rtol=1e-6, atol=1e-6)
    at_128 = prepare_recordings(table, replace(NO_STEPS, types=(), sfreq=128.0))
    assert at_128.table["n_times"].tolist() == [round(note["duration"] * 128) for note in fists]
