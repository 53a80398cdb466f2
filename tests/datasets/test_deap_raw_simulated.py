"""Simulated people's raw recordings, loaded, against the truth: table, order of the videos, EOG and alpha."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.ndimage
import scipy.signal

from deap_raw_files import (
    GENEVA,
    PERIPHERAL,
    correlation,
)
from eegemo import DEAP_PREPROCESSING, Trials, load_deap, load_deap_raw
from eegemo.datasets._simulated_subject import SimulatedSubject
from eegemo.datasets.simulated import DEFAULT_EFFECT, DEFAULT_SEED

UNCORRECTED = replace(DEAP_PREPROCESSING, eog=None)


def test_the_table_is_that_of_the_preprocessed_release(loaded: Trials, preprocessed: Path) -> None:
    other = load_deap(preprocessed, channels=[*GENEVA, *PERIPHERAL])
    raw, table = loaded.table.drop(columns=["recording", "first_sample"]), other.table
    assert list(raw.columns) == list(table.columns)
    assert raw.dtypes.to_dict() == table.dtypes.to_dict()
    assert (loaded.ch_names, loaded.ch_types, loaded.sfreq) == (other.ch_names, other.ch_types, other.sfreq)
    assert loaded.signals.dtype == other.signals.dtype == np.float32
    assert set(raw["n_times"]) == set(table["n_times"]) == {8064}
    assert set(raw["n_baseline"]) == set(table["n_baseline"]) == {384}
    assert raw["start"].tolist() == list(range(0, 12 * 8064, 8064))
    assert loaded.signals.shape == (12 * 8064, 40)
    rows = raw[raw["subject"] == 1].drop(columns="start").set_index("stimulus")
    expected = table.drop(columns="start").set_index("stimulus").loc[rows.index]
    pd.testing.assert_frame_equal(rows, expected, check_exact=True)
    assert loaded.simulated
    assert loaded.dataset == "simulated raw DEAP files"


def test_the_order_of_presentation_becomes_that_of_the_videos(loaded: Trials, preprocessed: Path) -> None:
    truth = load_deap(preprocessed, channels=["Pz", "O1"])
    pz, o1 = loaded.ch_names.index("Pz"), loaded.ch_names.index("O1")
    for i in np.flatnonzero(loaded.table["subject"] == 1).tolist():
        samples = loaded.trial_data(i, baseline=True)
        same = [
            min(correlation(samples[pz], theirs[0]), correlation(samples[o1], theirs[1]))
            for theirs in truth.signals.reshape(40, 8064, 2).transpose(0, 2, 1)
        ]
        video = loaded.table["stimulus"][i]
        assert same[video - 1] > 0.5  # both hold artefacts of their own
        assert np.abs(np.delete(same, video - 1)).max() < 0.3


@pytest.mark.parametrize("subject", [24, 29])
def test_the_videos_of_geneva_are_those_of_the_person(loaded: Trials, subject: int) -> None:
    simulated = SimulatedSubject(subject, DEFAULT_EFFECT, DEFAULT_SEED)
    rows = np.flatnonzero(loaded.table["subject"] == subject).tolist()
    videos = loaded.table["stimulus"].iloc[rows].tolist()
    assert videos == sorted(simulated.order[:4] + 1)
    ours = [loaded.trial_data(i, baseline=True)[:32] for i in rows]
    theirs = [simulated.record(video - 1)[:32] for video in videos]
    r = np.array([[np.median([*map(correlation, x, y)]) for y in theirs] for x in ours])
    assert r.diagonal().min() > 0.5  # both hold artefacts of their own
    assert np.abs(r[~np.eye(4, dtype=bool)]).max() < 0.3


def test_every_recording_tells_what_was_done_to_it(loaded: Trials) -> None:
    records = loaded.provenance["recordings"]
    assert [record["file"] for record in records] == ["s01.bdf", "s24.bdf", "s29.bdf"]
    assert [record["subject"] for record in records] == [1, 24, 29]
    assert [record["trials"] for record in records] == [4, 4, 4]
    assert [record["messages"] for record in records] == [[], [], []]
    for record in records:
        (removal,) = [step for step in record["steps"] if step["step"] == "remove_eog"]
        assert removal["eog_channels"] == ["hEOG", "vEOG"]
        fp1 = removal["channels"].index("Fp1")
        assert removal["r_after"][fp1] < removal["r_before"][fp1]


@pytest.fixture(scope="module")
def before_and_after(raw_release: Path, raw_stores: Path, loaded: Trials) -> tuple[Trials, Trials, Trials]:
    """Person 24 with the EOG left in, with the EOG removed, and as they would be without any artefact."""
    channels = [*GENEVA, "vEOG"]
    uncorrected = load_deap_raw(
        raw_release, subjects=[24], channels=channels, preprocessing=UNCORRECTED, cache=raw_stores
    )
    twin = load_deap_raw(
        raw_release / "data_original_clean",
        subjects=[24],
        channels=channels,
        preprocessing=UNCORRECTED,
        cache=raw_stores,
    )
    return uncorrected, loaded.select(loaded.table["subject"] == 24), twin


def test_the_stage_brings_the_frontal_channels_nearer_to_the_brain(
    before_and_after: tuple[Trials, Trials, Trials],
) -> None:
    uncorrected, corrected, twin = before_and_after
    for name, gain in (("Fp1", 0.1), ("Fp2", 0.1), ("AF3", 0.0)):
        truth, before, after = (
            np.concatenate([trials.trial_data(i)[trials.ch_names.index(name)] for i in range(4)])
            for trials in (twin, uncorrected, corrected)
        )
        assert correlation(after, truth) > correlation(before, truth) + gain, name
        assert (after - truth).std() < 0.6 * (before - truth).std(), name


def without_blinks(veog: np.ndarray, seconds: float = 4.0) -> Iterator[slice]:
    """Stretches of a trial, in samples, with nothing above 60 microvolts in the vertical EOG within half a second."""
    near = scipy.ndimage.maximum_filter1d((np.abs(veog) > 60).astype(int), 128)
    length = round(seconds * 128)
    for first in range(0, len(veog) - length + 1, length):
        if not near[first : first + length].any():
            yield slice(first, first + length)


def test_alpha_where_nobody_blinks_is_left_as_it_is(before_and_after: tuple[Trials, Trials, Trials]) -> None:
    uncorrected, corrected, _ = before_and_after
    pz, veog = uncorrected.ch_names.index("Pz"), uncorrected.ch_names.index("vEOG")
    power = []
    for i in range(4):
        before, after = uncorrected.trial_data(i), corrected.trial_data(i)
        for stretch in without_blinks(before[veog]):
            freqs, psd = scipy.signal.welch(np.stack([before[pz], after[pz]])[:, stretch], 128, nperseg=256)
            power.append(psd[:, (freqs >= 8) & (freqs <= 12)].sum(axis=1))
    assert len(power) >= 5
    before_all, after_all = np.sum(power, axis=0)
    assert after_all == pytest.approx(before_all, rel=0.05)
    changes = np.diff(np.log(power), axis=1)
    assert np.median(np.abs(changes)) < 0.05
