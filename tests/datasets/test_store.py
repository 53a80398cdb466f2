"""The store of prepared data: what it holds, when it is used again, where it lies, and the warnings it gives back."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import platformdirs
import pytest
from numpy.testing import assert_array_equal

from eegemo import DataFormatError, Trials
from eegemo.datasets._store import with_warnings
from eegemo.errors import suggest_keywords
from toy_recordings import HEADER, N_CHANNELS, N_TIMES, Noted, Recordings, content_of, only, store_folders

# What it holds


def test_the_store_holds_what_was_read(recordings: Recordings, cache: Path) -> None:
    trials = recordings.open(cache)
    recordings.assert_right(trials)
    assert (trials.ch_names, trials.sfreq, trials.dataset, trials.simulated) == (("F3", "F4", "Cz"), 10.0, "toy", True)
    assert trials.provenance == {"source": "toy"}


def test_the_store_is_the_float32_size_of_its_channels(recordings: Recordings, cache: Path) -> None:
    recordings.open(cache)
    assert only(cache, "signals.npy").stat().st_size == HEADER + 4 * N_TIMES * N_CHANNELS * 4
    assert np.load(only(cache, "signals.npy")).dtype == np.float32


def test_the_signals_are_a_read_only_map_of_the_file(recordings: Recordings, cache: Path) -> None:
    signals = recordings.open(cache).signals
    assert isinstance(signals, np.memmap)
    assert Path(str(signals.filename)) == only(cache, "signals.npy")
    with pytest.raises(ValueError, match="read-only"):
        signals[0, 0] = 1
    with pytest.raises(ValueError, match="WRITEABLE"):
        signals.flags.writeable = True


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([1, 2, 3], dtype="int64"),
        pd.Series([1, 2, 3], dtype="int32"),
        pd.Series([1 / 3, np.nan, 1e-300]),
        pd.Series([1, None, 2**60 + 1], dtype="Int64"),
        pd.Series([True, False, True]),
        pd.Series(["NA", "", 'a,b\n"c" µ']),
        pd.Series(["1", "01", "1.0"]),
        pd.Series(["nan", None, "None"], dtype="str"),
        pd.Series(["nan", None, "None"], dtype="string"),
    ],
    ids=lambda values: f"{values.dtype} {values[0]}",
)
def test_columns_of_every_kind_come_back_as_they_were(
    recordings: Recordings, cache: Path, values: pd.Series[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def one() -> Iterator[tuple[np.ndarray, pd.DataFrame, dict[str, Any]]]:
        samples, table = content_of(recordings.files[0])
        yield np.tile(samples, (2, 1))[: 3 * N_TIMES], extended(table), {}

    def extended(table: pd.DataFrame) -> pd.DataFrame:
        rows = table.iloc[[0, 0, 0]].reset_index(drop=True)
        return rows.assign(trial=[1, 2, 3], start=[0, N_TIMES, 2 * N_TIMES], extra=values)

    monkeypatch.setattr(recordings, "blocks", one)
    for _ in range(2):
        pd.testing.assert_series_equal(recordings.open(cache).table["extra"], values, check_names=False)


def test_blocks_of_any_length_lie_end_to_end(noted: Noted, cache: Path) -> None:
    trials = noted.open(cache)
    assert trials.table["start"].tolist() == [0, 50, 100, 150, 200, 250]
    expected = np.concatenate([np.arange(300) - 1000.0, np.arange(600) - 2000.0]).reshape(-1, 3)
    assert_array_equal(trials.signals, expected)
    on_disk = only(cache, "signals.npy")
    assert_array_equal(np.load(on_disk), expected)
    assert on_disk.stat().st_size == HEADER + expected.size * 4


@pytest.mark.parametrize("lengths", [(0, 200), (100, 0), (0, 0)])
def test_a_recording_of_which_nothing_is_left_takes_no_room(noted: Noted, cache: Path, lengths: Sequence[int]) -> None:
    noted.lengths = lengths
    for _ in range(2):
        trials = noted.open(cache)
        assert trials.signals.shape == (sum(lengths), N_CHANNELS)
        assert len(trials) == sum(lengths) // N_TIMES
        assert len(trials.provenance["recordings"]) == 2
    assert noted.n_read == 1


# When it is used again


def test_the_second_call_reads_no_source(recordings: Recordings, cache: Path) -> None:
    first = recordings.open(cache)
    second = recordings.open(cache)
    assert recordings.n_read == 1
    assert second.fingerprint == first.fingerprint


def test_a_changed_source_is_read_again(recordings: Recordings, cache: Path) -> None:
    before = recordings.open(cache).fingerprint
    recordings.files[1].write_text("7")
    after = recordings.open(cache)
    recordings.assert_right(after)
    assert after.fingerprint != before
    assert recordings.n_read == 2


def test_a_source_of_the_same_content_elsewhere_uses_the_same_store(recordings: Recordings, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    copy = Recordings(tmp_path / "copy")
    recordings.open(tmp_path / "stores")
    copy.assert_right(copy.open(tmp_path / "stores"))
    assert copy.n_read == 0


def test_another_description_is_another_store(recordings: Recordings, cache: Path) -> None:
    recordings.open(cache)
    assert recordings.open(cache, dataset="other").dataset == "other"
    assert len(store_folders(cache)) == 2


# Where it lies


def test_the_store_lies_where_the_environment_says(
    recordings: Recordings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EEGEMO_CACHE", str(tmp_path / "from environment"))
    recordings.open()
    assert only(tmp_path / "from environment", "signals.npy").is_file()
    recordings.open(tmp_path / "from argument")
    assert only(tmp_path / "from argument", "signals.npy").is_file()


def test_the_store_lies_in_the_platforms_cache_folder_by_default(
    recordings: Recordings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EEGEMO_CACHE")
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name: str(tmp_path / "platform" / name))
    recordings.open()
    assert only(tmp_path / "platform" / "eegemo", "signals.npy").is_file()


def test_a_store_is_open_to_the_same_people_as_any_new_folder(recordings: Recordings, cache: Path) -> None:
    recordings.open(cache)
    (store,) = store_folders(cache)
    assert store.stat().st_mode == cache.stat().st_mode


# What was done to each recording


def test_what_was_done_to_each_recording_comes_back_from_every_opening(noted: Noted, cache: Path) -> None:
    records = [
        {"file": "s01.dat", "trials": 2, "messages": ["trial 3 is missing", "Pz is flat (0.00 µV)"]},
        {"file": "s02.dat", "trials": 4, "messages": []},
    ]
    for _ in range(2):
        assert noted.open(cache).provenance == {"source": "toy", "recordings": records}
    assert noted.n_read == 1


@suggest_keywords
def load(recordings: Recordings, cache: Path) -> Trials:
    """What the loaders do."""
    return with_warnings(recordings.open(cache))


def test_messages_are_warnings_of_the_line_that_loads_on_every_opening(noted: Noted, cache: Path) -> None:
    for _ in range(2):
        with pytest.warns(UserWarning, match=r"s01\.dat") as caught:
            trials = load(noted, cache)
        assert [str(warning.message) for warning in caught] == [
            "s01.dat: trial 3 is missing",
            "s01.dat: Pz is flat (0.00 µV)",
        ]
        assert {warning.filename for warning in caught} == {__file__}
        behind_the_loader = inspect.unwrap(load).__code__.co_firstlineno + 3
        assert min(warning.lineno for warning in caught) > behind_the_loader
        assert len(trials) == 6
    assert noted.n_read == 1


def test_without_messages_nothing_is_said(noted: Noted, cache: Path) -> None:
    noted.messages = ([], [])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(noted, cache)


def test_a_dataset_without_one_trial_is_refused_after_the_warnings_on_every_opening(noted: Noted, cache: Path) -> None:
    noted.lengths, noted.messages = (0, 0), (["trial 3 is missing"], [])
    for _ in range(2):
        with (
            pytest.warns(UserWarning, match=r"s01\.dat: trial 3 is missing"),
            pytest.raises(DataFormatError, match="No trial is left"),
        ):
            load(noted, cache)
