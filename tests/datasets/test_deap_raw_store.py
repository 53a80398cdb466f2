"""The store of DEAP's raw recordings: when it is used again, and what an interruption or a full disk leaves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from deap_raw_files import (
    GENEVA,
    NO_STEPS,
    PERIPHERAL,
    first_samples,
    load_as_is,
    n_stores,
    write_sheet,
    write_small,
)
from eegemo import ConfigError, DataFormatError, Trials, load_deap_raw


def test_two_jobs_give_the_same_bytes_and_the_same_errors(raw_release: Path, tmp_path: Path, loaded: Trials) -> None:
    prepared: list[int] = []
    both = load_deap_raw(
        raw_release,
        subjects=[1, 24],
        channels=[*GENEVA, *PERIPHERAL],
        n_jobs=2,
        on_prepared=prepared.append,
    )
    one = loaded.select(loaded.table["subject"] != 29)
    assert both.fingerprint == one.fingerprint
    assert both.provenance["recordings"] == loaded.provenance["recordings"][:2]
    assert prepared == [1, 24]
    for subject in (3, 7):
        write_small(tmp_path, subject, drop=["Pz"] if subject == 7 else ())
    with pytest.raises(DataFormatError, match=r"^s07\.bdf: channels Pz are missing"):
        load_as_is(tmp_path, n_jobs=2, cache=tmp_path / "other")
    assert n_stores(tmp_path / "other") == 0


def test_the_second_opening_reads_the_store_and_warns_again(tmp_path: Path) -> None:
    path = write_small(tmp_path, starts=(4.0, 75.0), videos=(1, 2))
    prepared: list[int] = []
    seen = []
    for _ in range(2):
        with pytest.warns(UserWarning, match=r"s07\.bdf: Left out") as caught:
            trials = load_deap_raw(tmp_path, channels=["Fp1"], preprocessing=NO_STEPS, on_prepared=prepared.append)
        seen.append((trials.fingerprint, trials.provenance, [str(warning.message) for warning in caught]))
        assert [warning.filename for warning in caught] == [__file__]  # the line that loads, not one in the package
    assert seen[0] == seen[1]
    assert prepared == [7]
    path.unlink()
    with pytest.raises(DataFormatError, match=r"holds no s01\.bdf"):
        load_as_is(tmp_path)


def test_other_settings_and_other_sources_are_other_stores(tmp_path: Path) -> None:
    prepared: list[int] = []

    def load(preprocessing: Any = NO_STEPS, **wanted: Any) -> Trials:
        return load_as_is(tmp_path, preprocessing=preprocessing, on_prepared=prepared.append, **wanted)

    write_small(tmp_path)
    load()
    first = load(cache=None).fingerprint
    assert (prepared, n_stores(tmp_path / "cache")) == ([7], 1)
    load(replace(NO_STEPS, baseline=1.0))
    load(channels=["Fp2"])
    assert (len(prepared), n_stores(tmp_path / "cache")) == (3, 3)
    sheet = pd.read_csv(tmp_path / "participant_ratings.csv")
    write_sheet(tmp_path, sheet.assign(Valence=5.0))
    assert load().table["valence"].tolist() == [5.0, 5.0]
    write_sheet(tmp_path, sheet)
    write_small(tmp_path, channels={"Fp1": np.arange(134 * 128) + 5})
    write_sheet(tmp_path, sheet)
    changed = load()
    assert first_samples(changed) == [70 * 128 - 384 + 5, 4 * 128 - 384 + 5]
    assert changed.fingerprint != first
    assert (len(prepared), n_stores(tmp_path / "cache")) == (5, 5)


class Stop(BaseException):
    """What a user's Ctrl-C is."""


def test_an_interrupted_preparation_leaves_nothing_and_can_be_run_again(tmp_path: Path) -> None:
    for subject in (3, 7):
        write_small(tmp_path, subject)

    def stop(subject: int) -> None:
        raise Stop

    with pytest.raises(Stop):
        load_as_is(tmp_path, on_prepared=stop)
    assert n_stores(tmp_path / "cache") == 0
    trials = load_as_is(tmp_path)
    assert trials.table["subject"].tolist() == [3, 3, 7, 7]
    assert n_stores(tmp_path / "cache") == 1


def test_a_full_disk_is_said_and_nothing_half_written_stays(
    tmp_path: Path, disk_that_holds: Callable[..., AbstractContextManager[None]]
) -> None:
    for subject in (3, 7):
        write_small(tmp_path, subject)
    one_person = 2 * 8064 * 4 + 128
    with (
        disk_that_holds(one_person + 1000, "signals.npy"),
        pytest.raises(ConfigError, match=r"disk is full.*cache.*nothing of them was kept.*cache=.*EEGEMO_CACHE"),
    ):
        load_as_is(tmp_path)
    assert n_stores(tmp_path / "cache") == 0
    assert load_as_is(tmp_path).table["subject"].tolist() == [3, 3, 7, 7]
