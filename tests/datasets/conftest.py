"""Fixtures of the datasets' tests: recordings in files, as DEAP's and of any laboratory, and a disk that is full."""

from __future__ import annotations

import builtins
import errno
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from deap_raw_files import GENEVA, PERIPHERAL, SHEET, write_session, write_sheet
from eegemo import Trials, load_deap_raw, write_simulated
from recording_files import samples, write_recording
from toy_recordings import Noted, Recordings

# Recordings with a table of trials


@pytest.fixture(scope="session")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the recordings a_raw.fif, b_raw.fif and deeper/c_raw.fif, of ``samples`` 1, 2 and 3."""
    folder = tmp_path_factory.mktemp("laboratory")
    for seed, name in enumerate(("a_raw.fif", "b_raw.fif", "deeper/c_raw.fif"), 1):
        write_recording(folder / name, samples(seed))
    return folder


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever preprocesses a recording in this test fails it."""

    def fail(*_: Any, **__: Any) -> None:
        pytest.fail("a recording was worked on")

    monkeypatch.setattr("eegemo.preprocessing.recording.preprocess", fail)


# DEAP's raw recordings


@pytest.fixture(scope="session")
def session_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_session(tmp_path_factory.mktemp("session"), high=True)


@pytest.fixture
def session(session_file: Path, tmp_path: Path) -> Path:
    """The folder of subject 25; its sheet may be written anew."""
    place = tmp_path / "deap" / "data_original"
    place.mkdir(parents=True)
    (place / "s25.bdf").symlink_to(session_file)
    write_sheet(tmp_path / "deap", SHEET)
    return tmp_path / "deap"


@pytest.fixture(scope="session")
def raw_stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("raw_stores")


@pytest.fixture(scope="session")
def loaded(raw_release: Path, raw_stores: Path) -> Trials:
    """People 1, 24 and 29 as the stage leaves them."""
    return load_deap_raw(raw_release, channels=[*GENEVA, *PERIPHERAL], cache=raw_stores)


@pytest.fixture(scope="session")
def preprocessed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Person 1 as the preprocessed release."""
    folder = tmp_path_factory.mktemp("preprocessed")
    write_simulated(folder, [1])
    return folder


# The store


@pytest.fixture
def recordings(tmp_path: Path) -> Recordings:
    (tmp_path / "source").mkdir()
    return Recordings(tmp_path / "source")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "stores"


@pytest.fixture
def noted(tmp_path: Path) -> Noted:
    (tmp_path / "source").mkdir()
    return Noted(tmp_path / "source")


@pytest.fixture
def disk_that_holds(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AbstractContextManager[None]]:
    """Let writing beyond so many bytes to files of this name fail as the operating system does."""

    @contextmanager
    def limited(n_bytes: int, of: str, number: int = errno.ENOSPC) -> Iterator[None]:
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

    return limited
