"""``trials_from_annotations``: onsets from a file's first sample, whatever MNE counts from."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pytest
from numpy.testing import assert_allclose

from eegemo import ConfigError, DataFormatError, prepare_recordings, trials_from_annotations
from recording_files import NAMES, NO_STEPS, SFREQ, a_table, microvolts, samples


def write_annotated(path: Path, *, dated: bool = False, first_samp: int = 5000) -> mne.io.RawArray:
    """Music 1 s after the first sample for 2 s, rest at 5 s for 3 s, a mark at 4 s, and a bad stretch."""
    info = mne.create_info(NAMES, SFREQ, "eeg")
    raw = mne.io.RawArray(samples(1), info, first_samp=first_samp, verbose="error")
    if dated:
        raw.set_meas_date(datetime(2020, 1, 1, tzinfo=UTC))
    onsets = np.array([5.0, 1.0, 4.0, 9.0]) + (raw.first_time if dated else 0)
    words = ["rest", "music", "mark", "BAD_moved"]
    raw.set_annotations(mne.Annotations(onsets, [3.0, 2.0, 0.0, 1.0], words, orig_time=raw.info["meas_date"]))
    raw.save(path, overwrite=True, verbose="error")
    return raw


@pytest.mark.parametrize("dated", [True, False])
@pytest.mark.parametrize("first_samp", [0, 5000])
def test_onsets_count_from_the_first_sample(dated: bool, first_samp: int, tmp_path: Path) -> None:
    write_annotated(tmp_path / "a_raw.fif", dated=dated, first_samp=first_samp)
    table = trials_from_annotations(tmp_path / "a_raw.fif", subjects="P1")
    assert list(table) == ["file", "subject", "onset", "duration", "description", "stimulus"]
    assert_allclose(table["onset"], [1.0, 5.0], atol=1e-9)
    assert table["duration"].tolist() == [2.0, 3.0]
    assert table["description"].tolist() == table["stimulus"].tolist() == ["music", "rest"]
    trials = prepare_recordings(table, NO_STEPS)
    assert trials.table["subject"].tolist() == ["P1", "P1"]
    assert_allclose(trials.trial_data(0), microvolts(samples(1), 1.0, 2.0), rtol=1e-5, atol=1e-4)
    assert_allclose(trials.trial_data(1), microvolts(samples(1), 5.0, 3.0), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("dated", [True, False])
def test_a_recording_that_was_cropped_and_annotated_since_it_was_read_gives_onsets_in_its_file(
    dated: bool, tmp_path: Path
) -> None:
    write_annotated(tmp_path / "sub-07_raw.fif", dated=dated)
    raw = mne.io.read_raw(tmp_path / "sub-07_raw.fif", verbose="error").crop(0.5)
    raw.annotations.append(raw.first_time + 2.0, 1.0, "added")
    table = trials_from_annotations([raw], descriptions=["rest", "added"])
    assert table["subject"].tolist() == ["07", "07"]
    assert table["description"].tolist() == ["added", "rest"]
    assert_allclose(table["onset"], [0.5 + 2.0, 5.0], atol=1e-9)


def test_onsets_as_mne_counts_them_are_warned_of(tmp_path: Path) -> None:
    raw = write_annotated(tmp_path / "a_raw.fif", first_samp=2 * SFREQ)
    trap = a_table(onset=raw.annotations.onset[[1, 0]], duration=1.0)
    with pytest.warns(UserWarning, match=r"from the start of the acquisition.*2 s later.*trials_from_annotations"):
        prepare_recordings(trap, NO_STEPS, folder=tmp_path)


def test_events_of_a_stimulus_channel_are_trials_of_the_duration_given(tmp_path: Path) -> None:
    codes = np.zeros((1, samples(1).shape[1]))
    codes[0, 256:266], codes[0, 640:650], codes[0, 900:910] = 3, 4, 9
    info = mne.create_info([*NAMES, "STI 014"], SFREQ, ["eeg"] * 9 + ["stim"])
    raw = mne.io.RawArray(np.vstack([samples(1), codes]), info, first_samp=777, verbose="error")
    raw.save(tmp_path / "a_raw.fif", verbose="error")
    table = trials_from_annotations(tmp_path / "a_raw.fif", subjects=1, event_id={"sad": 4, "happy": 3}, duration=1.5)
    assert table["onset"].tolist() == [2.0, 5.0]  # 256 / 128 and 640 / 128
    assert table["stimulus"].tolist() == ["happy", "sad"]
    assert table["duration"].tolist() == [1.5, 1.5]
    with pytest.raises(ConfigError, match=r"no event has a value of event_id=\{'sad': 5\}; there are 3, 4, 9"):
        trials_from_annotations(tmp_path / "a_raw.fif", subjects=1, event_id={"sad": 5}, duration=1)


def test_marks_become_trials_with_a_duration(tmp_path: Path) -> None:
    write_annotated(tmp_path / "a_raw.fif")
    path = tmp_path / "a_raw.fif"
    table = trials_from_annotations(path, subjects=1, descriptions=["mark"], duration=2.0)
    assert table[["onset", "duration"]].to_numpy().tolist() == [[4.0, 2.0]]
    with pytest.raises(DataFormatError, match=r"No annotation of a_raw\.fif lasts 0\.1 s or more; give the trials'"):
        trials_from_annotations(path, subjects=1, descriptions=["mark"])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "Whose recording is a_raw.fif"),
        ({"subjects": [1, 2]}, "one for each of 1"),
        ({"subjects": 1, "descriptions": "music"}, "must be a list of annotations' descriptions"),
        ({"subjects": 1, "descriptions": ["musik"]}, "Nothing is described as 'musik'; there are music, mark, rest"),
        ({"subjects": 1, "duration": 0}, "duration must be seconds, above 0"),
        ({"subjects": 1, "event_id": {"a": 1}}, "need event_id=.* and a duration"),
        ({"subjects": 1, "event_id": {"a": 1}, "duration": 1.0}, "a_raw.fif: no events can be read"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused(settings: dict[str, Any], words: str, tmp_path: Path) -> None:
    write_annotated(tmp_path / "a_raw.fif")
    with pytest.raises(ConfigError, match=words):
        trials_from_annotations(tmp_path / "a_raw.fif", **settings)


def test_a_recording_without_a_file_and_what_is_no_recording_are_refused(tmp_path: Path) -> None:
    raw = write_annotated(tmp_path / "a_raw.fif")
    made = mne.io.RawArray(raw.get_data(), raw.info, verbose="error")
    with pytest.raises(DataFormatError, match=r"has no file.*save it"):
        trials_from_annotations(made, subjects=1)
    with pytest.raises(ConfigError, match="Recordings, or the names of their files, were expected, got None"):
        trials_from_annotations(None, subjects=1)
