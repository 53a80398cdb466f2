from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import platformdirs
import pytest
from numpy.testing import assert_array_equal

from eegemo import ConfigError, Trials
from eegemo.datasets._store import prepared

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

    def blocks(self) -> Iterator[tuple[np.ndarray, pd.DataFrame, dict[str, int]]]:
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


@pytest.mark.parametrize("name", ["signals.npy", "trials.csv", "store.json"])
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
    def forbidden() -> Iterator[tuple[np.ndarray, pd.DataFrame, dict[str, int]]]:
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
