from __future__ import annotations

import builtins
import errno
import inspect
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import platformdirs
import pytest
from numpy.testing import assert_array_equal

from eegemo import ConfigError, DataFormatError, Trials
from eegemo.datasets._store import prepared, with_warnings
from eegemo.errors import suggest_keywords

N_TIMES, N_CHANNELS = 50, 3
HEADER = 128  # bytes of a .npy file before its samples


def content_of(path: Path) -> tuple[np.ndarray, pd.DataFrame]:
    """One subject's samples and trials, worked out from the digit in the file."""
    subject = int(path.read_text())
    samples = np.arange(2 * N_TIMES * N_CHANNELS, dtype=np.float32).reshape(-1, N_CHANNELS) + 1000 * subject
    table = pd.DataFrame(
        {
            "subject": subject,
            "trial": [1, 2],
            "stimulus": [1, 2],
            "start": [0, N_TIMES],
            "n_times": N_TIMES,
            "n_baseline": 5,
            "valence": [1 / 3 + subject, 0.1 + 0.2],
        }
    )
    return samples, table


class Recordings:
    """Two source files, and how often they were read."""

    def __init__(self, folder: Path) -> None:
        self.files = [folder / "s01.dat", folder / "s02.dat"]
        for subject, path in enumerate(self.files, 1):
            path.write_text(str(subject))
        self.n_read = 0
        self.fail_after: int | None = None

    def blocks(self) -> Iterator[tuple[np.ndarray, pd.DataFrame, dict[str, Any]]]:
        self.n_read += 1
        for i, path in enumerate(self.files):
            if self.fail_after == i:
                raise RuntimeError("the disk came loose")
            samples, table = content_of(path)
            yield samples, table, {}

    def open(self, cache: Path | None = None, *, dataset: str = "toy") -> Trials:
        return prepared(
            self.files,
            self.blocks,
            description={
                "ch_names": ["F3", "F4", "Cz"],
                "ch_types": ["eeg"] * 3,
                "sfreq": 10.0,
                "dataset": dataset,
                "simulated": True,
                "provenance": {"source": "toy"},
            },
            cache=cache,
        )

    def assert_right(self, trials: Trials) -> None:
        blocks = [content_of(path) for path in self.files]
        assert_array_equal(trials.signals, np.concatenate([samples for samples, _ in blocks]))
        table = pd.concat([rows for _, rows in blocks], ignore_index=True)
        table["start"] = np.arange(4) * N_TIMES
        pd.testing.assert_frame_equal(trials.table, table, check_exact=True)


@pytest.fixture
def recordings(tmp_path: Path) -> Recordings:
    (tmp_path / "source").mkdir()
    return Recordings(tmp_path / "source")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "stores"


def only(cache: Path, name: str) -> Path:
    (path,) = cache.rglob(name)
    return path


def store_folders(cache: Path) -> list[Path]:
    return [path for path in cache.iterdir() if path.is_dir()]


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


@pytest.mark.parametrize("keep", [0, 5, 8, 64, HEADER, HEADER + 1, 1000, -1])
def test_truncated_signals_are_made_again(recordings: Recordings, cache: Path, keep: int) -> None:
    recordings.open(cache)
    path = only(cache, "signals.npy")
    path.write_bytes(path.read_bytes()[:keep])
    recordings.assert_right(recordings.open(cache))
    assert recordings.n_read == 2


@pytest.mark.parametrize("position", [HEADER, HEADER + 1201, -1])
def test_a_flipped_bit_in_the_samples_is_noticed(recordings: Recordings, cache: Path, position: int) -> None:
    recordings.open(cache)
    flip(only(cache, "signals.npy"), position, 1)
    recordings.assert_right(recordings.open(cache))
    assert recordings.n_read == 2


def flip(path: Path, position: int, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= bit
    path.write_bytes(content)


@pytest.mark.parametrize(("name", "positions"), [("signals.npy", range(HEADER)), ("store.json", range(2, 260, 3))])
def test_a_bit_flipped_anywhere_leaves_the_content_right(
    recordings: Recordings, cache: Path, name: str, positions: range
) -> None:
    wrong = []
    for position in positions:
        recordings.open(cache)
        path = only(cache, name)
        if position >= path.stat().st_size:
            break
        flip(path, position, 2)  # the bit that makes > of <
        try:
            recordings.assert_right(recordings.open(cache))
        except (Exception, AssertionError) as error:
            wrong.append((position, repr(error)))
            path.unlink()
    assert not wrong


def test_samples_after_the_end_are_noticed(recordings: Recordings, cache: Path) -> None:
    recordings.open(cache)
    with only(cache, "signals.npy").open("ab") as file:
        file.write(b"more")
    recordings.assert_right(recordings.open(cache))
    assert recordings.n_read == 2


@pytest.mark.parametrize("name", ["signals.npy", "trials.json", "store.json"])
@pytest.mark.parametrize(
    "content", [None, b"", b"garbage", b"\xff\xfe\x00", b"{}", b"[]", b"null", b"5", b'{"trials": 1}']
)
def test_a_deleted_or_garbled_file_is_made_again(
    recordings: Recordings, cache: Path, name: str, content: bytes | None
) -> None:
    recordings.open(cache)
    path = only(cache, name)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    recordings.assert_right(recordings.open(cache))
    assert recordings.n_read == 2
    recordings.open(cache)
    assert recordings.n_read == 2


@pytest.mark.parametrize("content", [b"garbage", b"[]", b"\xff", b"values"])
def test_forgotten_checksums_are_worked_out_again(recordings: Recordings, cache: Path, content: bytes) -> None:
    recordings.open(cache)
    memory = cache / "checksums.json"
    if content == b"values":
        content = json.dumps(dict.fromkeys(json.loads(memory.read_text()), 5)).encode()
    memory.write_bytes(content)
    recordings.assert_right(recordings.open(cache))
    assert recordings.n_read == 1


def test_an_error_halfway_leaves_nothing_behind(recordings: Recordings, cache: Path) -> None:
    recordings.fail_after = 1
    with pytest.raises(RuntimeError, match="the disk came loose"):
        recordings.open(cache)
    assert store_folders(cache) == []
    recordings.fail_after = None
    recordings.assert_right(recordings.open(cache))


def test_an_error_of_permission_in_a_source_is_not_blamed_on_the_cache(recordings: Recordings, cache: Path) -> None:
    def forbidden() -> Iterator[tuple[np.ndarray, pd.DataFrame, dict[str, Any]]]:
        raise PermissionError(13, "Permission denied", str(recordings.files[0]))
        yield

    recordings.blocks = forbidden  # type: ignore[method-assign]
    with pytest.raises(Exception, match=r"s01\.dat") as caught:
        recordings.open(cache)
    assert "Prepared data cannot be written" not in str(caught.value)


@pytest.mark.parametrize("below", ["", "below"])
def test_a_cache_that_is_a_file_is_a_config_error(recordings: Recordings, tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"cannot be written to .*cache=.*EEGEMO_CACHE"):
        recordings.open(tmp_path / "file" / below)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_cache_that_cannot_be_written_is_a_config_error(recordings: Recordings, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(ConfigError, match="cannot be written"):
        recordings.open(closed / "stores")


def test_a_store_is_open_to_the_same_people_as_any_new_folder(recordings: Recordings, cache: Path) -> None:
    recordings.open(cache)
    (store,) = store_folders(cache)
    assert store.stat().st_mode == cache.stat().st_mode


BUILD = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_store import Recordings

class Slow(Recordings):
    def blocks(self):
        with Path({log!r}).open("a") as log:
            log.write("made\\n")
        for i, block in enumerate(super().blocks()):
            yield block
            if i == 0:
                Path({halfway!r}).write_text("")
                time.sleep({pause})

recordings = Slow.__new__(Slow)
recordings.files = [Path(p) for p in {files!r}]
recordings.n_read, recordings.fail_after = 0, None
print("ready", flush=True)
sys.stdin.readline()
recordings.assert_right(recordings.open(Path({cache!r})))
print("right", flush=True)
"""


class Builders:
    """Processes that prepare the store when they are told to."""

    def __init__(self, recordings: Recordings, cache: Path, tmp_path: Path, *, pause: float) -> None:
        self.log, self.halfway = tmp_path / "log", tmp_path / "halfway"
        self.script = BUILD.format(
            tests=str(Path(__file__).parent),
            log=str(self.log),
            halfway=str(self.halfway),
            pause=pause,
            files=[str(path) for path in recordings.files],
            cache=str(cache),
        )

    def start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", self.script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    @staticmethod
    def go(process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


def test_processes_that_start_at_once_make_one_store(recordings: Recordings, cache: Path, tmp_path: Path) -> None:
    builders = Builders(recordings, cache, tmp_path, pause=0.3)
    processes = [builders.start() for _ in range(2)]
    for process in processes:
        builders.go(process)
    assert [process.communicate(timeout=60)[0] for process in processes] == ["right\n", "right\n"]
    assert builders.log.read_text() == "made\n"
    assert len(store_folders(cache)) == 1


def test_a_killed_preparation_leaves_no_store_and_is_cleaned_up(
    recordings: Recordings, cache: Path, tmp_path: Path
) -> None:
    builders = Builders(recordings, cache, tmp_path, pause=60)
    process = builders.start()
    builders.go(process)
    deadline = time.monotonic() + 30
    while not builders.halfway.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.communicate()
    (leftover,) = store_folders(cache)
    assert leftover.name.startswith(".")
    recordings.assert_right(recordings.open(cache))
    (store,) = store_folders(cache)
    assert not store.name.startswith(".")


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


# --- what was done to each recording ----------------------------------------------------------------------------------


class Noted(Recordings):
    """Recordings of which something is to be said; the second is twice as long as the first."""

    lengths: Sequence[int] = (2 * N_TIMES, 4 * N_TIMES)
    messages: Sequence[Sequence[str]] = (["trial 3 is missing", "Pz is flat (0.00 µV)"], [])

    def blocks(self) -> Iterator[tuple[np.ndarray, pd.DataFrame, dict[str, Any]]]:
        self.n_read += 1
        for subject, (path, length, messages) in enumerate(
            zip(self.files, self.lengths, self.messages, strict=True), 1
        ):
            samples = np.arange(length * N_CHANNELS, dtype=np.float32).reshape(-1, N_CHANNELS) - 1000 * subject
            starts = np.arange(0, length, N_TIMES)
            table = content_of(path)[1].iloc[[0] * len(starts)].assign(start=starts, trial=np.arange(len(starts)) + 1)
            yield samples, table, {"file": path.name, "trials": len(starts), "messages": list(messages)}


@pytest.fixture
def noted(tmp_path: Path) -> Noted:
    (tmp_path / "source").mkdir()
    return Noted(tmp_path / "source")


def test_what_was_done_to_each_recording_comes_back_from_every_opening(noted: Noted, cache: Path) -> None:
    records = [
        {"file": "s01.dat", "trials": 2, "messages": ["trial 3 is missing", "Pz is flat (0.00 µV)"]},
        {"file": "s02.dat", "trials": 4, "messages": []},
    ]
    for _ in range(2):
        assert noted.open(cache).provenance == {"source": "toy", "recordings": records}
    assert noted.n_read == 1


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


@pytest.mark.parametrize(
    "content", [None, b"", b"garbage", b"\xff\xfe\x00", b"[]", b"null", b'[{"file": "s01.dat", "messages": []}]']
)
def test_garbled_records_are_made_again(noted: Noted, cache: Path, content: bytes | None) -> None:
    first = noted.open(cache).provenance
    path = only(cache, "recordings.json")
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert noted.open(cache).provenance == first
    assert noted.n_read == 2
    noted.open(cache)
    assert noted.n_read == 2


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


# --- a disk that is full ----------------------------------------------------------------------------------------------


@contextmanager
def disk_that_holds(n_bytes: int, of: str, monkeypatch: pytest.MonkeyPatch, number: int) -> Iterator[None]:
    """Let writing beyond so many bytes to files of this name fail as the operating system does."""

    class Full:
        def __init__(self, file: Any) -> None:
            self.file, self.left = file, n_bytes

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *error: object) -> None:
            self.file.close()

        def __getattr__(self, attribute: str) -> Any:
            return getattr(self.file, attribute)

        def write(self, content: Any) -> int:
            self.left -= len(content) if isinstance(content, str) else memoryview(content).nbytes
            if self.left < 0:
                raise OSError(number, os.strerror(number))
            return int(self.file.write(content))

    def opening(real: Callable[..., Any]) -> Callable[..., Any]:
        def opened(path: Any, mode: str = "r", *arguments: Any, **keywords: Any) -> Any:
            file = real(path, mode, *arguments, **keywords)
            return Full(file) if Path(str(path)).match(of) and "r" not in mode else file

        return opened

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", opening(Path.open))
        patch.setattr(builtins, "open", opening(open))
        yield


@pytest.mark.parametrize(
    ("of", "n_bytes"),
    [
        ("signals.npy", 0),
        ("signals.npy", HEADER + 100),  # in the first recording
        ("signals.npy", HEADER + 2 * N_TIMES * N_CHANNELS * 4),  # in the second
        ("signals.npy", HEADER + 6 * N_TIMES * N_CHANNELS * 4),  # after the last
        ("trials.json", 10),
        ("recordings.json", 10),
        ("store.json", 10),
    ],
)
def test_a_full_disk_is_a_config_error_and_leaves_nothing(
    noted: Noted, cache: Path, monkeypatch: pytest.MonkeyPatch, of: str, n_bytes: int
) -> None:
    with (
        disk_that_holds(n_bytes, of, monkeypatch, errno.ENOSPC),
        pytest.raises(ConfigError, match=r"disk is full: .* did not fit into .*stores.*Free .*cache=.*EEGEMO_CACHE"),
    ):
        noted.open(cache)
    assert store_folders(cache) == []
    assert noted.open(cache).signals.shape == (300, N_CHANNELS)


def test_a_full_disk_leaves_an_older_store_as_it_is(noted: Noted, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noted.open(cache)
    with (
        disk_that_holds(0, "signals.npy", monkeypatch, errno.ENOSPC),
        pytest.raises(ConfigError, match="disk is full"),
    ):
        noted.open(cache, dataset="other")
    assert len(store_folders(cache)) == 1
    assert len(noted.open(cache)) == 6
    assert noted.n_read == 1  # the first bytes did not fit: nothing was read in vain, and nothing is made again


def test_another_error_of_the_disk_is_not_called_a_full_one(
    noted: Noted, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with disk_that_holds(0, "signals.npy", monkeypatch, errno.EIO), pytest.raises(OSError, match="Input/output error"):
        noted.open(cache)
    assert store_folders(cache) == []


def test_checksums_that_find_no_room_cost_time_and_nothing_else(
    noted: Noted, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with disk_that_holds(0, ".checksums-*.json", monkeypatch, errno.ENOSPC):
        assert len(noted.open(cache)) == 6
    assert not list(cache.glob("*checksums*"))
    assert len(noted.open(cache)) == 6
    assert noted.n_read == 1


def test_an_interruption_leaves_nothing_behind(noted: Noted, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = noted.blocks

    def interrupted() -> Iterator[tuple[np.ndarray, pd.DataFrame, dict[str, Any]]]:
        yield next(whole())
        raise KeyboardInterrupt

    monkeypatch.setattr(noted, "blocks", interrupted)
    with pytest.raises(KeyboardInterrupt):
        noted.open(cache)
    assert store_folders(cache) == []
    monkeypatch.setattr(noted, "blocks", whole)
    assert len(noted.open(cache)) == 6
