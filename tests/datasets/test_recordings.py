"""Recordings with a table of trials: formats, trials and channels, and recordings that are refused."""

from __future__ import annotations

import shutil
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
import pytest
import scipy.signal
from numpy.testing import assert_allclose, assert_array_equal

from eegemo import (
    ConfigError,
    DataFormatError,
    Preprocessing,
    categories,
    prepare_recordings,
)
from eegemo.datasets.recordings import listed_recordings
from recording_files import (
    ALL_STEPS,
    EEG,
    NAMES,
    NO_STEPS,
    SECONDS,
    SFREQ,
    a_table,
    microvolts,
    prepare_as_is,
    samples,
    write_recording,
)

pytestmark = pytest.mark.filterwarnings("error::UserWarning")


# Formats


@pytest.mark.parametrize("suffix", [".bdf", ".edf", ".fif", ".vhdr", ".set"])
def test_every_format_gives_the_same_trials(suffix: str, tmp_path: Path) -> None:
    data = samples(1)
    write_recording(tmp_path / f"a_raw{suffix}", data)
    trials = prepare_as_is(a_table(file=f"a_raw{suffix}", onset=[1.0, 3.5], duration=[2.0, 4.0]), tmp_path)
    assert trials.ch_names == tuple(EEG)
    assert trials.ch_types == ("eeg",) * 8
    assert trials.sfreq == SFREQ
    assert not trials.simulated
    atol = 2e-3 if suffix == ".edf" else 2e-5  # µV; EDF has 16 bits, 160 µV / 65535 a step
    assert_allclose(trials.trial_data(0), microvolts(data, 1.0, 2.0), rtol=0, atol=atol)
    assert_allclose(trials.trial_data(1), microvolts(data, 3.5, 4.0), rtol=0, atol=atol)


def test_every_format_is_preprocessed_alike(tmp_path: Path) -> None:
    data = samples(1)
    signals = []
    for suffix in (".bdf", ".edf", ".fif", ".vhdr", ".set"):
        write_recording(tmp_path / f"a_raw{suffix}", data)
        signals.append(prepare_recordings(a_table(file=f"a_raw{suffix}"), ALL_STEPS, folder=tmp_path).signals)
    for other in signals[1:]:
        assert_allclose(other, signals[0], rtol=0, atol=5e-3)


# Trials


def test_trials_can_differ_in_length(laboratory: Path) -> None:
    trials = prepare_as_is(a_table(onset=[0.0, 7.25, 3.0], duration=[1.0, 2.75, 0.5]), laboratory)
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
    trials = prepare_as_is(table, laboratory)
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
    trials = prepare_as_is(table, laboratory)
    assert trials.table["subject"].tolist() == ["P1", "P1", "P2", "P1", "P1"]
    assert trials.table["trial"].tolist() == [1, 2, 1, 3, 4]


def test_trial_numbers_and_stimuli_of_the_table_are_kept(laboratory: Path) -> None:
    trials = prepare_as_is(a_table(trial=[40, 7], stimulus=[3, 12]), laboratory)
    assert trials.table["trial"].tolist() == [40, 7]
    assert trials.table["stimulus"].tolist() == [3, 12]


def test_a_table_without_stimuli_has_them_missing(laboratory: Path) -> None:
    assert prepare_as_is(a_table(), laboratory).table["stimulus"].isna().all()


@pytest.mark.parametrize("subjects", [[3, 12], ["3", "12"], ["01", "1"], ["S01", "S02"], ["Zoë, 2", 'a "b"']])
def test_subjects_keep_their_type_and_spelling(subjects: list[Any], laboratory: Path) -> None:
    table = prepare_as_is(a_table(file=["a_raw.fif", "b_raw.fif"], subject=subjects), laboratory).table
    assert table["subject"].tolist() == subjects
    assert table["trial"].tolist() == [1, 1]


def test_channels_are_taken_by_name_and_in_order(laboratory: Path) -> None:
    trials = prepare_as_is(a_table(), laboratory, channels=["VEOG", "O1", "Fp2"])
    assert trials.ch_names == ("VEOG", "O1", "Fp2")
    assert trials.ch_types == ("eog", "eeg", "eeg")
    data = samples(1)
    assert_allclose(trials.trial_data(0), data[[8, 6, 1], SFREQ : 3 * SFREQ] * 1e6, rtol=1e-6)


def test_channels_in_another_order_are_put_into_that_of_the_first_recording(tmp_path: Path) -> None:
    data = samples(1)
    write_recording(tmp_path / "a_raw.fif", data)
    write_recording(tmp_path / "b_raw.fif", data[::-1], NAMES[::-1])
    with pytest.warns(UserWarning, match="subject 1, trial 2 that of subject 1, trial 1"):
        trials = prepare_as_is(a_table(file=["a_raw.fif", "b_raw.fif"], onset=2.0), tmp_path)
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


def test_sessions_are_opened_one_after_another(laboratory: Path) -> None:
    table = a_table(file=["b_raw.fif", "a_raw.fif"], subject=["P1", "P2"], task=["rest", "music"])
    sessions = list(listed_recordings(table, NO_STEPS, folder=laboratory))
    assert [session.name for session in sessions] == ["b_raw.fif", "a_raw.fif"]
    assert [session.onsets.tolist() for session in sessions] == [[1.0], [4.0]]
    assert list(sessions[1].table) == ["subject", "trial", "stimulus", "task"]
    assert_allclose(sessions[0].raw.get_data(), samples(2), rtol=0, atol=2e-11)


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
        prepare_as_is(a_table(file=[str(laboratory / "a_raw.fif"), str(tmp_path / name)]))


@pytest.mark.usefixtures("no_work")
def test_an_edf_cut_short_is_refused_before_any_work(laboratory: Path, tmp_path: Path) -> None:
    path = write_recording(tmp_path / "short.edf", samples(1))
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(DataFormatError, match=r"short\.edf: the file is cut short .*fetch it again"):
        prepare_as_is(a_table(file=[str(laboratory / "a_raw.fif"), str(path)]))


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
            prepare_as_is(a_table(file="a.bdf"), tmp_path)
        assert len(given) == 1
        assert str(given[0].message).startswith("a.bdf: Number of records")


# Trials that cannot be had


def test_a_trial_beyond_the_end_is_left_out_with_a_warning_that_names_it(laboratory: Path) -> None:
    table = a_table(
        file=["a_raw.fif", "a_raw.fif", "b_raw.fif", "a_raw.fif"], onset=[1.0, 9.0, 1.0, 3.0], duration=2.0, stimulus=9
    )
    table["stimulus"] = [10, 20, 30, 40]
    with pytest.warns(UserWarning, match=r"^a_raw\.fif: Left out, since they reach beyond the recording: trials 2\.$"):
        trials = prepare_as_is(table, laboratory)
    assert trials.table["stimulus"].tolist() == [10, 40, 30]
    assert trials.table["trial"].tolist() == [1, 4, 3]
    assert trials.table["start"].tolist() == [0, 256, 512]
    assert_allclose(trials.trial_data(1), microvolts(samples(1), 3.0, 2.0), rtol=1e-6)
    assert_allclose(trials.trial_data(2), microvolts(samples(2), 1.0, 2.0), rtol=1e-6)


def test_a_trial_that_ends_with_the_recording_is_kept(laboratory: Path) -> None:
    trials = prepare_as_is(a_table(onset=[0.0, 8.0]), laboratory)
    assert_allclose(trials.trial_data(1), microvolts(samples(1), 8.0, 2.0), rtol=1e-6)


def test_a_baseline_before_the_recording_leaves_the_trial_out(laboratory: Path) -> None:
    with pytest.warns(UserWarning, match="beyond the recording: trials 1"):
        trials = prepare_recordings(a_table(), replace(NO_STEPS, baseline=1.5), folder=laboratory)
    assert trials.table["trial"].tolist() == [2]


def test_a_recording_none_of_whose_trials_is_left_stays_in_the_provenance(laboratory: Path) -> None:
    table = a_table(file=["a_raw.fif", "b_raw.fif"], onset=[99.0, 4.0], subject=["P1", "P2"])
    with pytest.warns(UserWarning, match=r"a_raw\.fif: .*trials 1"):
        trials = prepare_as_is(table, laboratory)
    assert trials.table["subject"].tolist() == ["P2"]
    assert_allclose(trials.trial_data(0), microvolts(samples(2), 4.0, 2.0), rtol=1e-6)
    assert [record["trials"] for record in trials.provenance["recordings"]] == [0, 1]


def test_no_trial_left_is_an_error_now_and_later(laboratory: Path) -> None:
    for _ in range(2):
        with (
            pytest.warns(UserWarning, match="beyond the recording: trials 1, 2"),
            pytest.raises(DataFormatError, match="No trial is left; the warnings say what happened"),
        ):
            prepare_as_is(a_table(onset=[50.0, 60.0]), laboratory)


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
            trials = prepare_as_is(a_table(duration=[0.001, 2.0]), laboratory)
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
    assert not prepare_as_is(a_table(), laboratory).simulated


@pytest.mark.usefixtures("no_work")
def test_simulated_and_recorded_files_are_not_mixed(laboratory: Path, raw_release: Path) -> None:
    files = [laboratory / "a_raw.fif", raw_release / "data_original" / "s01.bdf"]
    steps = replace(NO_STEPS, types=(), channels=("F3", "F4"), sfreq=128.0)
    with pytest.raises(ConfigError, match="Some of the files were simulated and some not"):
        prepare_recordings(a_table(file=files), steps)


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


def test_recordings_with_old_and_new_names_meet(tmp_path: Path) -> None:
    old, new = [*NAMES[:6], "T3", "T6", "VEOG"], [*NAMES[:6], "T7", "P8", "VEOG"]
    for file, names in (("a_raw.fif", old), ("b_raw.fif", new)):
        write_recording(tmp_path / file, samples(1), names)
    table = a_table(file=["a_raw.fif", "b_raw.fif"], subject=[1, 2], onset=1.0)
    with pytest.warns(UserWarning, match="subject 2, trial 1 that of subject 1, trial 1"):
        trials = prepare_as_is(table, tmp_path)
    assert trials.ch_names == (*EEG[:6], "T3", "T6")
    assert_array_equal(trials.trial_data(0), trials.trial_data(1))
    assert trials.pick(["T7", "P8"]).ch_names == ("T7", "P8")


def test_channels_are_a_set_or_a_list_and_no_single_name(laboratory: Path) -> None:
    assert prepare_as_is(a_table(), laboratory, channels=(name for name in ["O1", "Fp2"])).ch_names == ("O1", "Fp2")
    assert prepare_as_is(a_table(), laboratory, channels="eeg").ch_names == tuple(EEG)
    with pytest.raises(DataFormatError, match="channels AF3, F7, FC5, T7, P7, AF4, F8, FC6, T8, P8 are missing"):
        prepare_as_is(a_table(), laboratory, channels="emotiv14")
    for wrong in ("O1", 5, [], [1], [None]):
        with pytest.raises(ConfigError, match="A list of channel names was expected"):
            prepare_as_is(a_table(), laboratory, channels=wrong)


def test_recordings_whose_rates_were_measured_meet_at_the_nominal_one(tmp_path: Path) -> None:
    for file, rate in (("a_raw.fif", 128.0003), ("b_raw.fif", 127.9996)):
        write_recording(tmp_path / file, samples(1), sfreq=rate)
    table = a_table(file=["a_raw.fif", "b_raw.fif"], subject=[1, 2], onset=1.0)
    with pytest.warns(UserWarning, match="subject 2, trial 1 that of subject 1, trial 1"):
        trials = prepare_recordings(table, replace(NO_STEPS, sfreq=128.0), folder=tmp_path)
    assert trials.sfreq == 128.0
    assert_allclose(trials.trial_data(1), microvolts(samples(1), 1.0, 2.0), rtol=1e-6)
    with pytest.raises(DataFormatError, match=r"127\.9996 samples a second, a_raw\.fif has 128\.0003"):
        prepare_as_is(table, tmp_path)


def test_microvolts_that_were_taken_for_volts_are_warned_of(tmp_path: Path) -> None:
    write_recording(tmp_path / "a_raw.fif", samples(1) * 1e6)
    with pytest.warns(UserWarning, match=r"a_raw\.fif: The EEG varies by .* as of microvolts.*x \* 1e-6"):
        prepare_as_is(a_table(), tmp_path)


def test_steps_that_are_none_are_refused(laboratory: Path) -> None:
    with pytest.raises(ConfigError, match=r"expected as Preprocessing\(\.\.\.\), got 'raw'"):
        prepare_recordings(a_table(), "raw", folder=laboratory)  # type: ignore[arg-type]
