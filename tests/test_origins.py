"""Where trials were cut, and what the leakage record finds by it, against counts of raw samples by hand."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from eegemo import (
    DataFormatError,
    Preprocessing,
    Trials,
    audit_split,
    categories,
    evaluate,
    leakage_record,
    make_splitter,
    prepare_recordings,
)
from eegemo.evaluation.leakage import verdict

SFREQ = 100.0
EVEN, ODD = slice(0, None, 2), slice(1, None, 2)


def noise(seconds: float = 60.0, first_samp: int = 0) -> mne.io.RawArray:
    data = np.random.default_rng(0).normal(size=(2, round(seconds * SFREQ))) * 1e-5
    return mne.io.RawArray(data, mne.create_info(["F3", "F4"], SFREQ, "eeg"), first_samp, verbose="error")


def epochs_at(
    onsets: np.ndarray, *, n_times: int, n_baseline: int = 0, first_samp: int = 0, **metadata: Any
) -> mne.Epochs:
    """Epochs whose samples at time 0 are given, each a trial of its own unless the metadata say otherwise."""
    table = pd.DataFrame({"subject": 1, "trial": np.arange(len(onsets)), **metadata}, index=range(len(onsets)))
    return mne.Epochs(
        noise(first_samp=first_samp),
        np.column_stack([onsets, np.zeros(len(onsets), int), np.ones(len(onsets), int)]),
        tmin=-n_baseline / SFREQ,
        tmax=(n_times - 1) / SFREQ,
        baseline=None,
        metadata=table,
        preload=True,
        verbose="error",
    )


def quietly(epochs: mne.BaseEpochs) -> Trials:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*trials have raw samples in common", category=UserWarning)
        return Trials.from_epochs(epochs)


def shared(trials: Trials, **window: int) -> float:
    """The share of the windows of odd trials that those of even trials share raw samples with."""
    windows = trials.windows(**window)
    odd = windows.trial_index % 2 == 1
    return leakage_record(windows, np.flatnonzero(~odd), np.flatnonzero(odd)).shared_samples


@settings(deadline=None, max_examples=60)
@given(
    steps=st.lists(st.integers(2, 50), min_size=3, max_size=7),
    n_baseline=st.integers(0, 30),
    n_times=st.integers(2, 40),
    first_samp=st.integers(0, 500),
)
def test_the_record_of_epochs_is_a_count_of_raw_samples(
    steps: list[int], n_baseline: int, n_times: int, first_samp: int
) -> None:
    """Windows never cover the baseline, and one sample in common is no more than two neighbours have."""
    onsets = first_samp + 40 + np.cumsum(steps)
    epochs = epochs_at(onsets, n_times=n_times, n_baseline=n_baseline, first_samp=first_samp)
    held = [set(range(onset, onset + n_times)) for onset in onsets]
    expected = np.mean([any(len(own & other) > 1 for other in held[EVEN]) for own in held[ODD]])
    assert shared(quietly(epochs), n_times=n_times) == pytest.approx(expected)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_windows_in_trials_that_overlap_are_compared_where_they_came_from(data: st.DataObject) -> None:
    n = data.draw(st.integers(2, 6))
    table = pd.DataFrame({"subject": 1, "trial": np.arange(n), "stimulus": 1, "n_baseline": 2})
    table["n_times"] = data.draw(st.lists(st.integers(8, 20), min_size=n, max_size=n))
    table["start"] = table["n_times"].cumsum() - table["n_times"]
    table["recording"] = data.draw(st.lists(st.sampled_from("ab"), min_size=n, max_size=n))
    table["first_sample"] = data.draw(st.lists(st.integers(-5, 40), min_size=n, max_size=n))
    trials = Trials(np.zeros((int(table["n_times"].sum()), 1), np.float32), table, ("Cz",), SFREQ, "made", True)
    windows = trials.windows(n_times=5, step=data.draw(st.integers(1, 5)))
    numbers = st.lists(st.integers(0, len(windows) - 1), min_size=1)
    seen, test = np.array(data.draw(numbers)), np.array(data.draw(numbers))
    own = table.iloc[windows.trial_index]
    first = windows.starts - own["start"].to_numpy() + own["first_sample"].to_numpy()
    held = [{(r, k) for k in range(f, f + 5)} for r, f in zip(own["recording"], first, strict=True)]

    def have_in_common(one: int, other: int) -> bool:
        return len(held[one] & held[other]) > (windows.trial_index[one] != windows.trial_index[other])

    expected = np.mean([any(have_in_common(t, s) for s in seen) for t in test])
    assert leakage_record(windows, seen, test).shared_samples == pytest.approx(expected)


# Epochs of every kind


def test_recognising_overlapping_noise_is_called_a_leak() -> None:
    """Nine tenths of each epoch are in the next one, and classes last for ten: there is nothing else to recognise."""
    epochs = epochs_at(np.arange(100) * 10, n_times=100, mood=np.tile(np.repeat(["low", "high"], 10), 5))
    with pytest.warns(UserWarning, match=r"100 of 100 trials have raw samples in common .* leave out .*'unit'"):
        trials = Trials.from_epochs(epochs)
    spectra = FunctionTransformer(lambda windows: np.abs(np.fft.rfft(np.asarray(windows))).reshape(len(windows), -1))
    result = evaluate(
        make_pipeline(spectra, KNeighborsClassifier(1)),
        trials.windows(1.0),
        categories("mood", ("low", "high")),
        make_splitter("trial", validation_size=0),
    )
    assert result.of_subjects()["accuracy"].item() > 0.8
    assert result.leakage.trial == 0
    assert result.leakage.shared_samples > 0.9
    assert result.verdict.startswith("LEAKS: test windows share raw samples with training, though their trials are")


@pytest.mark.parametrize("n_times", [100, 101], ids=["without the last sample", "with it, as MNE does"])
def test_epochs_that_follow_each_other_share_nothing(n_times: int) -> None:
    trials = Trials.from_epochs(epochs_at(np.arange(20) * 100, n_times=n_times))
    assert shared(trials, n_times=n_times) == 0


def test_a_baseline_in_the_trial_before_is_no_leak() -> None:
    trials = Trials.from_epochs(epochs_at(100 + np.arange(20) * 100, n_times=100, n_baseline=50))
    assert shared(trials, n_times=100) == 0


@pytest.mark.parametrize("overlap", [0, 50])
@pytest.mark.parametrize("change", ["decimated", "resampled", "cropped", "saved", "shuffled", "dropped"])
def test_what_is_done_to_epochs_does_not_hide_where_they_were_cut(change: str, overlap: int, tmp_path: Path) -> None:
    epochs = epochs_at(np.arange(20) * (100 - overlap), n_times=100)
    if change == "saved":
        epochs.save(tmp_path / "a-epo.fif", verbose="error")
    changed = {
        "decimated": lambda: epochs.decimate(2, verbose="error"),
        "resampled": lambda: epochs.resample(64.0),
        "cropped": lambda: epochs.crop(0.1, None),
        "saved": lambda: mne.read_epochs(tmp_path / "a-epo.fif", verbose="error"),
        "shuffled": lambda: epochs[np.random.default_rng(0).permutation(20)],
        "dropped": lambda: epochs.drop([3], verbose="error"),
    }[change]()
    trials = quietly(changed)
    found = shared(trials, n_times=int(trials.table["n_times"].iloc[0]))
    assert found > 0.4 if overlap else found == 0


def test_decimated_epochs_count_from_the_recording_at_their_own_rate() -> None:
    epochs = epochs_at(np.array([100, 301, 500]), n_times=100, n_baseline=10).decimate(2, verbose="error")
    trials = Trials.from_epochs(epochs)
    # Samples 90, 291 and 490 at 100 Hz.
    assert trials.table["first_sample"].tolist() == [45, 145, 245]
    assert trials.table["recording"].tolist() == ["subject 1"] * 3


def put_together(*columns: dict[str, Any]) -> Trials:
    parts = [epochs_at(np.arange(10) * 100, n_times=100, **of_part) for of_part in columns]
    return quietly(mne.concatenate_epochs(parts, verbose="error").copy())


@pytest.mark.parametrize("name", ["subject", "session", "run", "file"])
def test_recordings_that_are_put_together_do_not_overlap(name: str) -> None:
    trials = put_together({"subject": 1, name: 1}, {"subject": 1, name: 2})
    assert shared(trials, n_times=100) == 0


def test_parts_of_one_recording_that_are_put_together_may_overlap() -> None:
    trials = put_together({"subject": 1}, {"subject": 1}, {"subject": 2})
    assert trials.table["first_sample"].isna().tolist() == [True] * 20 + [False] * 10
    assert np.isnan(shared(trials, n_times=100))
    one = trials.select(trials.table["subject"] == 2)
    assert shared(one, n_times=100) == 0


@pytest.mark.parametrize(("columns", "expected"), [({}, 1), ({"run": [1, 2] * 10}, 0), ({"session": [1, 2] * 10}, 0)])
def test_files_of_one_subject_are_told_apart_by_session_and_run(columns: dict[str, Any], expected: float) -> None:
    epochs = epochs_at(np.repeat(np.arange(10) * 100, 2) + np.tile([0, 5], 10), n_times=100, **columns)
    assert shared(quietly(epochs), n_times=100) == expected


def test_overlapping_windows_of_one_trial_are_welcome() -> None:
    """Of four videos of 4 s, cut every half second; videos follow each other after 2 s."""
    onsets = (np.arange(4)[:, None] * 600 + np.arange(7) * 50).ravel()
    trials = Trials.from_epochs(epochs_at(onsets, n_times=100, trial=np.repeat([1, 2, 3, 4], 7)))
    windows = trials.windows(1.0)
    ((train, _, test),) = make_splitter("trial", n_splits=None, test_size=0.25, validation_size=0).triples(windows)
    record = leakage_record(windows, train, test)
    assert (record.shared_samples, record.trial) == (0, 0)
    ((train, _, test),) = make_splitter("window-random", n_splits=None, validation_size=0).triples(windows)
    assert leakage_record(windows, train, test).shared_samples == 1


# What is not known


@pytest.mark.parametrize("first", [0, 1])
def test_events_that_only_count_do_not_say_where_epochs_were_cut(first: int) -> None:
    data, info = np.zeros((8, 2, 100)), mne.create_info(["F3", "F4"], SFREQ, "eeg")
    events = np.column_stack([first + np.arange(8), np.zeros(8, int), np.ones(8, int)])
    metadata = pd.DataFrame({"subject": [1] * 4 + [2] * 4, "trial": range(8)})
    trials = Trials.from_epochs(mne.EpochsArray(data, info, events, metadata=metadata, verbose="error"))
    assert trials.table["first_sample"].isna().all()
    windows = trials.windows(1.0)
    record = leakage_record(windows, np.array([0, 1, 4]), np.array([2, 3, 5]))
    assert np.isnan(record.shared_samples)
    text = verdict(record)
    assert text.startswith("No test window shares its trial")
    assert "NOT KNOWN: whether test windows hold raw samples that training saw" in text
    assert leakage_record(windows, np.arange(4), np.arange(4, 8)).shared_samples == 0, "another person's recording"
    halves = trials.windows(0.5, overlap=0.25)
    assert leakage_record(halves, np.arange(0, 24, 2), np.arange(1, 24, 2)).shared_samples == 1, "within a trial"


def test_arrays_with_the_samples_of_their_events_are_known() -> None:
    data, info = np.zeros((4, 2, 100)), mne.create_info(["F3", "F4"], SFREQ, "eeg")
    events = np.column_stack([[0, 50, 300, 500], np.zeros(4, int), np.ones(4, int)])
    metadata = pd.DataFrame({"subject": 1, "trial": range(4)})
    trials = quietly(mne.EpochsArray(data, info, events, metadata=metadata, verbose="error"))
    assert shared(trials, n_times=100) == 0.5


def test_an_audit_of_windows_compares_raw_samples_too() -> None:
    windows = quietly(epochs_at(np.arange(20) * 50, n_times=100)).windows(1.0)
    audit = audit_split(windows, np.arange(20)[EVEN], np.arange(20)[ODD])
    assert audit.leakage.shared_samples == 1
    assert audit.closest == "window-random"


@pytest.mark.parametrize(
    "columns",
    [{"recording": ["a", None], "first_sample": [0, 9]}, {"recording": "a", "first_sample": ["0", "9"]}],
    ids=["no recording", "no number"],
)
def test_an_origin_that_cannot_be_is_refused(columns: dict[str, Any]) -> None:
    table = pd.DataFrame({"subject": 1, "trial": [1, 2], "stimulus": 1, "start": [0, 9], "n_times": 9, "n_baseline": 0})
    with pytest.raises(DataFormatError, match="'recording' must name a recording in each row, and 'first_sample' hold"):
        Trials(np.zeros((18, 1), np.float32), table.assign(**columns), ("Cz",), SFREQ, "made", True)


# The fingerprint


def test_where_trials_were_cut_is_in_the_fingerprint_only_where_it_matters() -> None:
    table = pd.DataFrame({"subject": 1, "trial": [1, 2], "stimulus": 1, "start": [0, 9], "n_times": 9, "n_baseline": 0})

    def fingerprint(**columns: Any) -> str:
        strip = np.arange(18, dtype=np.float32)[:, None]
        return Trials(strip, table.assign(**columns), ("Cz",), SFREQ, "made", True).fingerprint

    apart = fingerprint()
    assert fingerprint(recording="a", first_sample=[0, 9]) == apart
    assert fingerprint(recording=["a", "b"], first_sample=[5, 5]) == apart
    others = {fingerprint(recording="a", first_sample=first) for first in ([0, 4], [0, 5], [0, np.nan])}
    assert len(others - {apart}) == 3


# Tables of recordings


def prepared(folder: Path, **columns: Any) -> Trials:
    folder.mkdir(exist_ok=True)
    for name, seconds in (("one", 20.0), ("two", 21.0)):
        (folder / name).mkdir(exist_ok=True)
        noise(seconds).save(folder / name / "a_raw.fif", overwrite=True, verbose="error")
    table = pd.DataFrame({"file": "one/a_raw.fif", "subject": 1, **columns})
    steps = Preprocessing(
        sfreq=None, high_pass=None, bad_channels=None, eog=None, band=None, reference=None, montage=None
    )
    return prepare_recordings(table, steps, folder=folder)


def test_rows_of_a_table_that_overlap_are_found_with_a_word(tmp_path: Path) -> None:
    """A block of 10 s around two of its trials, and one trial behind it."""
    with pytest.warns(UserWarning, match=r"3 of 4 trials have raw samples in common .*trial 1 of subject 1 first"):
        trials = prepared(tmp_path, onset=[1.0, 2.0, 6.0, 12.0], duration=[10.0, 3.0, 3.0, 3.0])
    assert trials.table["first_sample"].tolist() == [100, 200, 600, 1200]
    windows = trials.windows(3.0)
    block, others = np.flatnonzero(windows.trial_index == 0), np.flatnonzero(windows.trial_index > 0)
    assert leakage_record(windows, block, others).shared_samples == pytest.approx(2 / 3)
    assert verdict(leakage_record(windows, block, others)).startswith("LEAKS")


@pytest.mark.filterwarnings("error::UserWarning")
def test_a_block_that_is_one_unit_with_its_trials_needs_no_word(tmp_path: Path) -> None:
    trials = prepared(tmp_path, onset=[1.0, 2.0, 12.0], duration=[10.0, 3.0, 3.0], unit=["block", "block", None])
    assert trials.units.tolist() == [0, 0, 1]


@pytest.mark.filterwarnings("error::UserWarning")
def test_files_of_one_name_in_two_folders_are_two_recordings(tmp_path: Path) -> None:
    trials = prepared(tmp_path, file=["one/a_raw.fif", "two/a_raw.fif"], onset=1.0, duration=5.0)
    alone = [prepared(tmp_path, file=f"{name}/a_raw.fif", onset=[1.0], duration=5.0) for name in ("one", "two")]
    assert trials.table["recording"].tolist() == [one.table["recording"].item() for one in alone]
    assert trials.table["recording"].tolist() == ["one/a_raw.fif", "two/a_raw.fif"]


def test_one_file_under_two_names_is_one_recording(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="subject 1, trial 2 that of subject 1, trial 1"):
        trials = prepared(tmp_path, file=["one/a_raw.fif", "two/../one/a_raw.fif"], onset=1.0, duration=5.0)
    assert trials.table["recording"].tolist() == ["one/a_raw.fif", "one/a_raw.fif"]
    assert trials.origins is not None
    assert trials.origins.overlapping.all()


@pytest.mark.filterwarnings("error::UserWarning")
def test_trials_that_follow_each_other_at_any_time_share_nothing(tmp_path: Path) -> None:
    """Each lasts for 2.005 s, 200.5 samples: where the rounding falls, two have a sample in common."""
    onsets = 0.001 + 2.005 * np.arange(8)
    trials = prepared(tmp_path, onset=onsets, duration=2.005)
    assert shared(trials, n_times=int(trials.table["n_times"].max())) == 0


def test_a_recording_that_was_copied_under_another_name_is_one(tmp_path: Path) -> None:
    noise().save(tmp_path / "a_raw.fif", verbose="error")
    shutil.copy(tmp_path / "a_raw.fif", tmp_path / "copy_raw.fif")
    noise(59.0).save(tmp_path / "b_raw.fif", verbose="error")
    table = {"file": ["a_raw.fif", "copy_raw.fif", "b_raw.fif"], "subject": [1, 2, 3], "onset": [1.0, 3.0, 40.0]}
    steps = Preprocessing(
        sfreq=None, high_pass=None, bad_channels=None, eog=None, band=None, reference=None, montage=None
    )
    with pytest.warns(UserWarning, match="2 of 3 trials have raw samples in common"):
        trials = prepare_recordings(pd.DataFrame(table).assign(duration=4.0), steps, folder=tmp_path)
    assert trials.table["recording"].str.endswith(("a_raw.fif", "b_raw.fif")).all()
    windows = trials.windows(4.0)
    assert leakage_record(windows, np.array([0]), np.array([1])).shared_samples == 1
    assert leakage_record(windows, np.array([0]), np.array([2])).shared_samples == 0
