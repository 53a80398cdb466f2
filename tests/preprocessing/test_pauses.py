"""Recordings that pause: onsets by the clock, annotations, trials across a pause, and recordings that were joined."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import edfio
import mne
import numpy as np
import pytest
from numpy.testing import assert_allclose

from eegemo import DataFormatError, prepare_recordings, trials_from_annotations
from eegemo.preprocessing import cut_trials, read_recording
from recording_files import EEG, NO_STEPS, a_table, write_recording

UNTYPED = replace(NO_STEPS, types=())
SFREQ, SECONDS, AT, PAUSE = 64, 20, 8, 5  # the clock stands at 8 s, and goes on at 13 s


def write_paused(path: Path) -> np.ndarray:
    """Twenty seconds of noise in records of one second, whose clock jumps; returns the samples in microvolts."""
    data = np.random.default_rng(0).normal(0, 20, (len(EEG), SECONDS * SFREQ))
    signal, container = (edfio.BdfSignal, edfio.Bdf) if path.suffix == ".bdf" else (edfio.EdfSignal, edfio.Edf)
    signals = [
        signal(samples, SFREQ, label=name, physical_dimension="uV", physical_range=(-500, 500))
        for name, samples in zip(EEG, data, strict=True)
    ]
    notes = [edfio.EdfAnnotation(*note) for note in ((2, 3, "early"), (15, 2, "late"), (6, 9, "over"))]
    container(signals, annotations=notes, data_record_duration=1).write(path)
    content = path.read_bytes().replace(b"DF+C", b"DF+D", 1)
    for record in reversed(range(AT, SECONDS)):
        old, new = (b"+%d\x14\x14\x00" % second for second in (record, record + PAUSE))
        at = content.find(old)
        content = content[:at] + new.ljust(len(old), b"\0") + content[at + max(len(old), len(new)) :]
    path.write_bytes(content)
    return data


@pytest.mark.parametrize("suffix", [".edf", ".bdf"])
def test_onsets_are_by_the_clock_and_trials_across_the_pause_are_left_out_by_name(suffix: str, tmp_path: Path) -> None:
    data = write_paused(tmp_path / f"a{suffix}")
    onsets = [2.0, 7.5, 9.0, 12.5, 13.0, 14.0, 24.0]
    table = a_table().iloc[[0] * len(onsets)].assign(file=f"a{suffix}", onset=onsets, duration=1.0)
    with pytest.warns(UserWarning) as caught:
        trials = prepare_recordings(table, UNTYPED, folder=tmp_path)
    messages = [str(warning.message) for warning in caught]
    assert any("pauses, for 5 s" in message for message in messages)
    assert any("interrupted in them: trials 2, 3, 4." in message for message in messages)
    assert trials.table["trial"].tolist() == [1, 5, 6, 7]
    for number, second in enumerate([2, 8, 9, 19]):  # of the samples, counted by hand
        expected = data[:, second * SFREQ : (second + 1) * SFREQ]
        assert_allclose(trials.trial_data(number), expected, rtol=0, atol=0.02)


@pytest.mark.filterwarnings("ignore:The recording pauses")
def test_annotations_of_a_recording_that_pauses_lie_at_their_samples_and_give_onsets_by_the_clock(
    tmp_path: Path,
) -> None:
    write_paused(tmp_path / "a.edf")
    notes = read_recording(tmp_path / "a.edf").annotations
    lying = zip(notes.description, notes.onset, notes.onset + notes.duration, strict=True)
    marks = {("BAD boundary", 8, 8), ("EDGE boundary", 8, 8)}
    assert set(lying) == {("early", 2, 5), ("late", 10, 12), ("over", 6, 10), *marks}
    table = trials_from_annotations(tmp_path / "a.edf", subjects=1, descriptions=["early", "late"])
    assert table["onset"].tolist() == [2.0, 15.0]


@pytest.mark.filterwarnings("ignore:The recording pauses")
def test_a_pause_survives_preprocessing_and_a_file(tmp_path: Path) -> None:
    data = write_paused(tmp_path / "a.edf")
    read_recording(tmp_path / "a.edf").save(tmp_path / "a_raw.fif", verbose="error")
    cut = cut_trials(read_recording(tmp_path / "a_raw.fif"), [14.0, 10.0], 1.0)
    assert (cut.kept.tolist(), cut.interrupted.tolist()) == ([0], [1])
    assert_allclose(cut.signals.T, data[:, 9 * SFREQ : 10 * SFREQ], rtol=0, atol=0.02)


def test_records_that_follow_each_other_are_no_pause(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.edf", np.random.default_rng(0).normal(0, 2e-5, (9, 1280)))
    plain = read_recording(path).annotations
    path.write_bytes(path.read_bytes().replace(b"EDF+C", b"EDF+D", 1))
    assert read_recording(path).annotations == plain


def test_records_out_of_order_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.edf"
    write_paused(path)
    path.write_bytes(path.read_bytes().replace(b"+13\x14\x14", b"+03\x14\x14"))
    with pytest.raises(DataFormatError, match=r"a\.edf: data record 9 begins at 3 s, before the end of the one"):
        read_recording(path)


def test_annotations_in_latin1_are_read_with_a_warning_that_quotes_one(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.edf", np.random.default_rng(0).normal(0, 2e-5, (9, 1280)))
    raw = mne.io.read_raw_edf(path, verbose="error").load_data()
    raw.set_annotations(mne.Annotations([1.0], [2.0], ["traurigXX"]))
    mne.export.export_raw(path, raw, overwrite=True, verbose="error")
    path.write_bytes(path.read_bytes().replace(b"traurigXX", "fr\u00f6hlich!".encode("latin1")))
    with pytest.warns(UserWarning, match="not in UTF-8 and were read as Latin-1, for example 'fröhlich!'"):
        assert read_recording(path).annotations.description.tolist() == ["fröhlich!"]
    assert read_recording(path, encoding="cp1252").annotations.description.tolist() == ["fröhlich!"]


def test_a_trial_across_the_joint_of_two_recordings_is_left_out_by_name(tmp_path: Path) -> None:
    parts = [
        mne.io.RawArray(np.random.default_rng(seed).normal(0, 2e-5, (8, 640)), mne.create_info(EEG, 64.0, "eeg"))
        for seed in (0, 1)
    ]
    mne.concatenate_raws(parts, verbose="error").save(tmp_path / "a_raw.fif", verbose="error")
    table = a_table(onset=[9.5, 10.0], duration=1.0)
    with pytest.warns(UserWarning, match=r"interrupted in them: trials 1\."):
        assert prepare_recordings(table, UNTYPED, folder=tmp_path).table["trial"].tolist() == [2]
