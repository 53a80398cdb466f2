"""A store that was damaged on disk is noticed and made again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from toy_recordings import HEADER, Noted, Recordings, only


def flip(path: Path, position: int, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= bit
    path.write_bytes(content)


@pytest.mark.parametrize("keep", [0, 5, 8, 64, HEADER, HEADER + 1, 1000, -1])
def test_truncated_signals_are_made_again(recordings: Recordings, cache: Path, keep: int) -> None:
    recordings.open(cache)
    path = only(cache, "signals.npy")
    path.write_bytes(path.read_bytes()[:keep])
    recordings.assert_right(recordings.open(cache))
    assert recordings.n_read == 2


def test_samples_after_the_end_are_noticed(recordings: Recordings, cache: Path) -> None:
    recordings.open(cache)
    with only(cache, "signals.npy").open("ab") as file:
        file.write(b"more")
    recordings.assert_right(recordings.open(cache))
    assert recordings.n_read == 2


@pytest.mark.parametrize("position", [HEADER, HEADER + 1201, -1])
def test_a_flipped_bit_in_the_samples_is_noticed(recordings: Recordings, cache: Path, position: int) -> None:
    recordings.open(cache)
    flip(only(cache, "signals.npy"), position, 1)
    recordings.assert_right(recordings.open(cache))
    assert recordings.n_read == 2


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


@pytest.mark.parametrize("content", [b"garbage", b"[]", b"\xff", b"values"])
def test_forgotten_checksums_are_worked_out_again(recordings: Recordings, cache: Path, content: bytes) -> None:
    recordings.open(cache)
    memory = cache / "checksums.json"
    if content == b"values":
        content = json.dumps(dict.fromkeys(json.loads(memory.read_text()), 5)).encode()
    memory.write_bytes(content)
    recordings.assert_right(recordings.open(cache))
    assert recordings.n_read == 1
