"""Sources and stores that change behind the store's back, and stores on a disk that can only be read."""

from __future__ import annotations

import errno
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from eegemo import ConfigError, DataFormatError
from eegemo.datasets import _store
from eegemo.datasets._store import _state
from toy_recordings import HEADER, Noted, Recordings, only, store_folders


def rewrite(path: Path, content: bytes) -> None:
    """Change a file as ``cp -p`` does: to content of the same size, under the same time of change."""
    before = path.stat()
    assert len(content) == before.st_size
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


# What changed under the same size and time


def test_a_source_that_changed_under_the_same_size_and_time_is_read_again(recordings: Recordings, cache: Path) -> None:
    recordings.open(cache)
    rewrite(recordings.files[1], b"7")
    recordings.assert_right(recordings.open(cache))
    assert recordings.n_read == 2


def test_a_store_that_was_altered_under_the_same_size_and_time_is_made_again_with_a_word(
    recordings: Recordings, cache: Path
) -> None:
    recordings.open(cache)
    path = only(cache, "signals.npy")
    content = bytearray(path.read_bytes())
    content[HEADER + 5] ^= 1
    rewrite(path, bytes(content))
    with pytest.warns(
        UserWarning, match=r"toy-\w+: was altered or damaged since it was prepared; it is prepared again"
    ):
        trials = recordings.open(cache)
    recordings.assert_right(trials)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        recordings.open(cache)
    assert recordings.n_read == 2


def test_a_store_under_another_ones_name_is_made_again(recordings: Recordings, cache: Path) -> None:
    recordings.open(cache)
    (first,) = store_folders(cache)
    recordings.files[1].write_text("7")
    recordings.open(cache)
    (second,) = set(store_folders(cache)) - {first}
    for file in second.iterdir():
        file.write_bytes((first / file.name).read_bytes())
    with pytest.warns(UserWarning, match="altered or damaged"):
        recordings.assert_right(recordings.open(cache))


@pytest.mark.parametrize("position", [0, 700_000, 1_400_000 - 1])
def test_a_sample_of_the_content_tells_files_apart_where_no_time_does(tmp_path: Path, position: int) -> None:
    # 1.4 MB: eight blocks of 65536 bytes from 0, 190637.7, ..., 1334464 on; the fourth one is 571913 ... 637448.
    path = tmp_path / "source"
    content = bytearray(1_400_000)
    path.write_bytes(content)
    before = _state(path)[-1]
    content[position] = 1
    path.write_bytes(content)
    assert (_state(path)[-1] == before) == (position == 700_000)


def test_a_source_that_changes_while_it_is_read_is_refused_and_leaves_nothing(
    recordings: Recordings, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = recordings.blocks

    def changing() -> Iterator[tuple[np.ndarray, pd.DataFrame, dict[str, Any]]]:
        for number, block in enumerate(whole()):
            yield block
            recordings.files[0].write_text("8" if number else "1")

    monkeypatch.setattr(recordings, "blocks", changing)
    with pytest.raises(DataFormatError, match=r"s01\.dat: changed while it was read"):
        recordings.open(cache)
    assert store_folders(cache) == []
    monkeypatch.setattr(recordings, "blocks", whole)
    recordings.assert_right(recordings.open(cache))


def test_checksums_nested_too_deep_to_be_read_are_worked_out_again(recordings: Recordings, cache: Path) -> None:
    recordings.open(cache)
    (cache / "checksums.json").write_text("[" * 100_000)
    recordings.assert_right(recordings.open(cache))
    assert recordings.n_read == 1


# A disk that can only be read


@pytest.fixture
def read_only(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let nothing be written below the cache, as a read-only file system does."""

    def forbid() -> None:
        def refuse(*_: Any, **options: Any) -> None:
            place = str(options.get("dir") or cache / "file")
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), place)

        monkeypatch.setattr(tempfile, "mkstemp", refuse)
        monkeypatch.setattr(tempfile, "mkdtemp", refuse)
        monkeypatch.setattr(_store, "FileLock", refuse)

    return forbid


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_sound_store_on_a_read_only_disk_opens(
    recordings: Recordings, cache: Path, read_only: Callable[[], None], forgotten: bool
) -> None:
    recordings.open(cache)
    if forgotten:
        (cache / "checksums.json").unlink()
    before = sorted(path.name for path in cache.iterdir())
    read_only()
    recordings.assert_right(recordings.open(cache))
    assert recordings.n_read == 1
    assert sorted(path.name for path in cache.iterdir()) == before


def test_a_store_that_would_have_to_be_made_on_a_read_only_disk_is_a_config_error(
    recordings: Recordings, cache: Path, read_only: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    recordings.open(cache)
    read_only()
    monkeypatch.chdir(cache.parent)
    for place in (cache, Path(cache.name)):  # the operating system names the whole path
        with pytest.raises(ConfigError, match=r"cannot be written to .*\(Read-only file system\); name another folder"):
            recordings.open(place, dataset="other")


# Other ways to have no room


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.EDQUOT, "The quota of the disk is used up"), (errno.EFBIG, "The largest size that a file may have")],
)
def test_a_quota_and_a_limit_of_size_are_named(
    noted: Noted, cache: Path, disk_that_holds: Callable[..., AbstractContextManager[None]], number: int, said: str
) -> None:
    with disk_that_holds(0, "signals.npy", number), pytest.raises(ConfigError, match=f"{said}.*did not fit into"):
        noted.open(cache)
    assert store_folders(cache) == []
