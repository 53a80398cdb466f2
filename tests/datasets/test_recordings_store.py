"""The store of prepared recordings: when it is used again, and what it tells of each file."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from eegemo import (
    DataFormatError,
    Preprocessing,
    prepare_recordings,
)
from recording_files import (
    ALL_STEPS,
    NAMES,
    NO_STEPS,
    SFREQ,
    a_table,
    microvolts,
    prepare_as_is,
    samples,
    write_brainvision,
    write_recording,
)

pytestmark = pytest.mark.filterwarnings("error::UserWarning")


def test_the_second_opening_does_no_work_and_warns_again(laboratory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = a_table(onset=[1.0, 9.0])
    done: list[str] = []
    with pytest.warns(UserWarning, match=r"a_raw\.fif: Left out.*beyond the recording: trials 2") as first:
        trials = prepare_recordings(table, NO_STEPS, folder=laboratory, on_prepared=done.append)
    assert done == ["a_raw.fif"]
    monkeypatch.setattr("eegemo.preprocessing.recording.preprocess", lambda *_: pytest.fail("it was worked on"))
    with pytest.warns(UserWarning) as second:
        again = prepare_recordings(table, NO_STEPS, folder=laboratory, on_prepared=done.append)
    assert done == ["a_raw.fif"]
    assert [str(w.message) for w in second] == [str(w.message) for w in first]
    assert {w.filename for w in second} == {__file__}  # points to the caller, whose recording it is
    assert again.fingerprint == trials.fingerprint
    assert again.provenance == trials.provenance


def test_each_recording_is_reported_once_it_is_prepared(laboratory: Path) -> None:
    done: list[str] = []
    prepare_as_is(a_table(file=["b_raw.fif", "deeper/c_raw.fif"]), laboratory, on_prepared=done.append)
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
    first = prepare_as_is(a_table(valence=[1.0, 2.0]), laboratory)
    assert prepare_as_is(changed, laboratory).fingerprint != first.fingerprint


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
    prepare_as_is(a_table(answer=one, stimulus=one), laboratory)
    table = prepare_as_is(a_table(answer=other, stimulus=other), laboratory).table
    wanted = a_table(answer=other, stimulus=other)
    assert table["answer"].dtype == wanted["answer"].dtype
    assert table["stimulus"].dtype == wanted["stimulus"].dtype


@pytest.mark.parametrize("steps", [replace(NO_STEPS, reference="average"), replace(NO_STEPS, baseline=1.0)])
def test_other_preprocessing_gives_other_trials(steps: Preprocessing, laboratory: Path) -> None:
    first = prepare_as_is(a_table(), laboratory)
    second = prepare_recordings(a_table(), steps, folder=laboratory)
    assert second.fingerprint != first.fingerprint
    assert second.provenance["preprocessing"] == steps.as_json


def test_a_changed_recording_gives_other_trials(tmp_path: Path) -> None:
    for seed in (1, 2):
        write_recording(tmp_path / "a_raw.fif", samples(seed))
        trials = prepare_as_is(a_table(), tmp_path)
        assert_allclose(trials.trial_data(0), microvolts(samples(seed), 1.0, 2.0), rtol=1e-6)


@pytest.mark.parametrize("eeg", ["a.eeg", "as_recorded.eeg"])
def test_changed_samples_beside_an_unchanged_header_give_other_trials(eeg: str, tmp_path: Path) -> None:
    for seed in (1, 2):
        write_brainvision(tmp_path / "a.vhdr", samples(seed), NAMES, SFREQ, eeg)
        trials = prepare_as_is(a_table(file="a.vhdr"), tmp_path)
        assert_allclose(trials.trial_data(0), microvolts(samples(seed), 1.0, 2.0), rtol=1e-5, atol=1e-5)


def test_a_study_that_was_moved_is_not_prepared_again(
    laboratory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepare_as_is(a_table(), laboratory)
    shutil.copytree(laboratory, tmp_path / "elsewhere")
    monkeypatch.setattr("eegemo.preprocessing.recording.preprocess", lambda *_: pytest.fail("it was worked on"))
    assert prepare_as_is(a_table(), tmp_path / "elsewhere").fingerprint == first.fingerprint


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
        prepare_as_is(table, tmp_path, cache=tmp_path / "stores")
    assert [path.name for path in (tmp_path / "stores").iterdir() if path.is_dir()] == []
