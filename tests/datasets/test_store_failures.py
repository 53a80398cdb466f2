"""A store that could not be made leaves nothing behind, whatever stopped it; processes that meet make one."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import toy_recordings
from eegemo import ConfigError
from toy_recordings import HEADER, N_CHANNELS, N_TIMES, Noted, Recordings, store_folders

# Errors in the source, and an interruption


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


# A cache that cannot be written to


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


# A disk that is full


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
    noted: Noted, cache: Path, disk_that_holds: Callable[..., AbstractContextManager[None]], of: str, n_bytes: int
) -> None:
    with (
        disk_that_holds(n_bytes, of),
        pytest.raises(ConfigError, match=r"disk is full: .* did not fit into .*stores.*Free .*cache=.*EEGEMO_CACHE"),
    ):
        noted.open(cache)
    assert store_folders(cache) == []
    assert noted.open(cache).signals.shape == (300, N_CHANNELS)


def test_a_full_disk_leaves_an_older_store_as_it_is(
    noted: Noted, cache: Path, disk_that_holds: Callable[..., AbstractContextManager[None]]
) -> None:
    noted.open(cache)
    with (
        disk_that_holds(0, "signals.npy"),
        pytest.raises(ConfigError, match="disk is full"),
    ):
        noted.open(cache, dataset="other")
    assert len(store_folders(cache)) == 1
    assert len(noted.open(cache)) == 6
    assert noted.n_read == 1  # the first bytes did not fit: nothing was read in vain, and nothing is made again


def test_another_error_of_the_disk_is_not_called_a_full_one(
    noted: Noted, cache: Path, disk_that_holds: Callable[..., AbstractContextManager[None]]
) -> None:
    with disk_that_holds(0, "signals.npy", errno.EIO), pytest.raises(OSError, match="Input/output error"):
        noted.open(cache)
    assert store_folders(cache) == []


def test_checksums_that_find_no_room_cost_time_and_nothing_else(
    noted: Noted, cache: Path, disk_that_holds: Callable[..., AbstractContextManager[None]]
) -> None:
    with disk_that_holds(0, ".checksums-*.json"):
        assert len(noted.open(cache)) == 6
    assert not list(cache.glob("*checksums*"))
    assert len(noted.open(cache)) == 6
    assert noted.n_read == 1


# Other processes


BUILD = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from toy_recordings import Recordings

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
            tests=str(Path(toy_recordings.__file__).parent),
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
