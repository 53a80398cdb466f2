"""Files that are whole or not there, wherever they find no room."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from eegemo import ConfigError
from eegemo._atomic import replacing

resource = pytest.importorskip("resource", reason="needs limits of POSIX")


@pytest.fixture
def hundred_bytes() -> Iterator[None]:
    """No file of this process may grow beyond 100 bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.usefixtures("hundred_bytes")
@pytest.mark.parametrize("name", ["page.html", "arrays.npz"])
def test_what_is_larger_than_a_file_may_be_leaves_the_older_one(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("older")
    with pytest.raises(ConfigError, match=rf"largest size .*: {name} did not fit into .*nothing of it was kept"):
        with replacing(path) as partial:
            if name == "page.html":
                partial.write_text("x" * 1000)
            else:
                np.savez_compressed(partial, noise=np.random.default_rng(0).standard_normal(1000))
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert path.read_text() == "older"


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.ENOSPC, "^The disk is full: page"), (errno.EDQUOT, "^The quota of the disk is used up: page")],
)
def test_a_full_disk_is_a_config_error_even_where_another_error_came_of_it(
    tmp_path: Path, number: int, said: str
) -> None:
    def write() -> None:
        try:
            raise OSError(number, os.strerror(number))
        except OSError:
            raise ValueError("Can't close the ZIP file while there is an open writing handle on it.") from None

    with pytest.raises(ConfigError, match=said), replacing(tmp_path / "page.html"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_another_error_passes_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Input/output error"), replacing(tmp_path / "page.html"):
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_place_of_the_file_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "page.html").mkdir()
    with pytest.raises(ConfigError, match=r"page\.html: a folder lies where a file is to be written"):
        with replacing(tmp_path / "page.html"):
            pytest.fail("it was begun")
