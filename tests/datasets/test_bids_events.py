"""BIDS events as trials: ``read_bids_events``, and folders and events files given to ``prepare_recordings``."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pytest
from numpy.testing import assert_allclose

from eegemo import (
    ConfigError,
    DataFormatError,
    Preprocessing,
    Trials,
    categories,
    prepare_recordings,
    read_bids_events,
)
from recording_files import (
    EEG,
    NO_STEPS,
    SFREQ,
    microvolts,
    samples,
    write_recording,
)

pytestmark = pytest.mark.filterwarnings("error::UserWarning")


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


def prepare_bids(source: Path, **more: Any) -> Trials:
    return prepare_recordings(source, NO_STEPS, **more)


# Events that are trials


def test_lasting_events_are_trials(tmp_path: Path) -> None:
    for source in (write_bids(tmp_path), tmp_path, tmp_path / "sub-01"):
        trials = prepare_bids(source)
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


def test_only_what_bids_calls_missing_is_missing(tmp_path: Path) -> None:
    """BIDS writes n/a; NA is a label of its own, here of negative affect."""
    events = "onset\tduration\ttrial_type\n1.0\t2.0\tNA\n4.0\t1.0\tPA\n6.0\t1.0\tn/a\n"
    table = read_bids_events(write_bids(tmp_path, events=events))
    assert table["trial_type"].isna().tolist() == [False, False, True]
    assert table["trial_type"].tolist()[:2] == ["NA", "PA"]


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


# Subjects, sessions and runs


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
    trials = prepare_bids(tmp_path)
    assert trials.table["stimulus"].tolist() == ["01-1", "01-2", "02-a", "02-b"]
    assert trials.table["subject"].tolist() == ["01", "01", "02", "02"]
    assert trials.table["trial"].tolist() == [1, 2, 1, 2]
    for number, seed in enumerate(seeds.values()):
        assert_allclose(trials.trial_data(number), microvolts(samples(seed), seed, 1.0), rtol=0, atol=2e-5)


def test_subjects_with_different_columns_have_the_others_missing(tmp_path: Path) -> None:
    write_bids(tmp_path, "01", events="onset\tduration\tvalence\n1\t1\t7.5\n")
    write_bids(tmp_path, "02", events="onset\tduration\tanswer\n1\t1\tyes\n", data=samples(2))
    table = prepare_bids(tmp_path).table
    assert table["valence"].isna().tolist() == [False, True]
    assert table["valence"][0] == 7.5
    assert table["answer"].isna().tolist() == [True, False]


def test_trial_numbers_of_a_run_are_kept_beside_those_of_the_subject(tmp_path: Path) -> None:
    for run in (1, 2):
        events = "onset\tduration\ttrial\n1\t1\t1\n3\t1\t2\n"
        write_bids(tmp_path, entities=f"_task-music_run-{run}", events=events, data=samples(run))
    table = prepare_bids(tmp_path).table
    assert table["trial"].tolist() == [1, 2, 3, 4]
    assert table["trial_in_run"].tolist() == [1, 2, 1, 2]


def test_copies_under_derivatives_are_no_further_trials(tmp_path: Path) -> None:
    """A cleaned copy below derivatives/ would give each trial twice, on both sides of a split."""
    write_bids(tmp_path)
    for place in ("derivatives/cleaned", "sourcedata"):
        write_bids(tmp_path / place)
    trials = prepare_bids(tmp_path)
    assert trials.table["trial"].tolist() == [1, 2]
    assert {Path(file).parent for file in read_bids_events(tmp_path)["file"]} == {tmp_path / "sub-01" / "eeg"}


def test_events_of_another_modality_are_no_hindrance(tmp_path: Path) -> None:
    events = write_bids(tmp_path)
    (tmp_path / "sub-01" / "func").mkdir()
    shutil.copy(events, tmp_path / "sub-01" / "func" / "sub-01_task-rest_events.tsv")
    assert len(prepare_bids(tmp_path)) == 2


# The recording and the channels beside the events


@pytest.mark.parametrize("suffix", [".edf", ".bdf", ".fif", ".vhdr", ".set"])
def test_the_recording_beside_the_events_can_be_of_any_format(suffix: str, tmp_path: Path) -> None:
    events = write_bids(tmp_path)
    recording = events.with_name("sub-01_task-music_eeg.bdf")
    recording.unlink()
    write_recording(recording.with_suffix(suffix), samples(4))
    assert_allclose(prepare_bids(events).trial_data(0), microvolts(samples(4), 1.0, 2.0), rtol=0, atol=2e-3)


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


# Bad events


def test_a_folder_without_events_is_refused(tmp_path: Path) -> None:
    write_bids(tmp_path).unlink()
    with pytest.raises(DataFormatError, match=r"holds no BIDS events \(sub-\.\.\._events\.tsv\)"):
        prepare_bids(tmp_path)


def test_an_events_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataFormatError, match=r"sub-09_task-music_events\.tsv"):
        prepare_bids(tmp_path / "sub-09_task-music_events.tsv")


def test_events_without_a_recording_beside_are_refused(tmp_path: Path) -> None:
    events = write_bids(tmp_path)
    (events.parent / "sub-01_task-music_eeg.bdf").unlink()
    with pytest.raises(DataFormatError, match=rf"{events.name}: there is no recording sub-01_task-music_eeg\.\*"):
        prepare_bids(tmp_path)


@pytest.mark.parametrize("head", ["time\tduration", "onset\tlength", "onset,duration"])
def test_events_without_their_columns_are_refused(head: str, tmp_path: Path) -> None:
    events = write_bids(tmp_path, events=f"{head}\n1\t2\n")
    with pytest.raises(DataFormatError, match=rf"{events.name}: .*columns onset and duration must be there; it has"):
        prepare_bids(tmp_path)


def test_an_events_file_of_no_subject_is_refused(tmp_path: Path) -> None:
    events = write_bids(tmp_path)
    events = events.rename(events.with_name("task-music_events.tsv"))
    with pytest.raises(DataFormatError, match=r"task-music_events\.tsv: .*the name must begin with sub-"):
        prepare_bids(events)


def test_events_that_do_not_last_are_no_trials(tmp_path: Path) -> None:
    write_bids(tmp_path, events="onset\tduration\n1.0\t0\n2.0\tn/a\n")
    with pytest.raises(DataFormatError, match=r"None of the events .* lasts; trials need a duration of 0.1 s"):
        prepare_bids(tmp_path)


def test_an_empty_events_file_is_named(tmp_path: Path) -> None:
    events = write_bids(tmp_path, events="")
    with pytest.raises(DataFormatError, match=rf"{events.name}: cannot be read as a table"):
        prepare_bids(tmp_path)


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


def test_an_onset_that_is_no_number_is_named(tmp_path: Path) -> None:
    write_bids(tmp_path, events="onset\tduration\n1.0\t2.0\nn/a\t2.0\n")
    with pytest.raises(DataFormatError, match=r"onset is .* in row 2"):
        prepare_bids(tmp_path)


def test_kinds_of_events_that_are_numbers_are_chosen_as_text_or_as_numbers(tmp_path: Path) -> None:
    events = write_bids(tmp_path, events="onset\tduration\ttrial_type\n1\t2\t1\n4\t2\t2\n6\t2\tn/a\n")
    assert read_bids_events(events, trial_types=("1",))["onset"].tolist() == [1]
    assert read_bids_events(events, trial_types=[2, 1.0])["onset"].tolist() == [1, 4]
    with pytest.raises(ConfigError, match=r"No event is of trial_type 3; there are 1, 2\."):
        read_bids_events(events, trial_types=[3])
    with pytest.raises(ConfigError, match="trial_types must be a list of values of trial_type, got 1"):
        read_bids_events(events, trial_types=1)  # type: ignore[arg-type]
