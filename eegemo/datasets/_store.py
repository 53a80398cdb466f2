"""The prepared store: a dataset's strip and table on disk, made once and used as a memory map.

A store is a folder named after the content that it was made from: change a source file, a channel or the
layout, and another store is made. It appears whole, by renaming, or not at all.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import platformdirs
from filelock import FileLock

from eegemo._atomic import replacing, why_no_room
from eegemo._json import as_json, read_json
from eegemo._paths import as_path
from eegemo._warnings import warn_caller
from eegemo.copies import find_copies, in_words, with_places_of_twins
from eegemo.errors import ConfigError, DataFormatError
from eegemo.trials import Trials

_LAYOUT = 3  # to be raised when what is stored, or how it is computed, changes
_CHUNK, _BUFFER = 1 << 22, 1 << 18  # bytes
_SAMPLE, _N_SAMPLES = 1 << 16, 8  # bytes; of a small file, all
_HEADER = 128  # bytes
_SIGNALS, _TABLE, _RECORDINGS, _COPIES = "signals.npy", "trials.json", "recordings.json", "copies.json"
_TEXTS, _CARD = (_TABLE, _RECORDINGS, _COPIES), "store.json"

#: Of a recording, the samples (n, n_channels), float32, in one array or one after another; the rows of the trial table,
#: whose ``start`` counts from the recording's own first sample; and what was done to it, JSON-compatible, or nothing.
Block = tuple[np.ndarray | Iterator[np.ndarray], pd.DataFrame, dict[str, Any]]
#: Yields that of one recording after another.
Blocks = Callable[[], Iterator[Block]]


def prepared(
    sources: Sequence[Path],
    blocks: Blocks,
    *,
    description: dict[str, Any],
    cache: str | os.PathLike[str] | None = None,
) -> Trials:
    """Open the store of a dataset, making it first where it is missing, damaged or stale.

    Parameters
    ----------
    sources : sequence of Path
        The files that the samples come from.
    blocks : callable
        Reads them; only called where the store has to be made.
    description : dict
        The other arguments of :class:`eegemo.Trials`; JSON-compatible. What was done to each recording is added to
        its ``provenance`` as ``recordings``, and trials that are there twice as ``copies``, which a warning names and
        which count as cut from one place.
    cache : path-like | None
        Folder of all stores; ``EEGEMO_CACHE``, or the platform's cache folder, by default.

    Returns
    -------
    trials : Trials
        Over a read-only memory map of the store.

    Raises
    ------
    ConfigError
        If the folder cannot be written, and does not hold the store already.
    DataFormatError
        If a source changes while it is read.
    """
    root = _cache_folder(cache)
    checksums = _Checksums(root / "checksums.json")
    try:
        content = [(source.name, checksums.of(source)) for source in sources]
        key = json.dumps([_LAYOUT, content, description], sort_keys=True)
        folder = root / f"{description['dataset']}-{hashlib.sha256(key.encode()).hexdigest()[:20]}"
        if not _is_sound(folder, checksums):  # a sound one needs no lock, and may lie on a disk that is read alone
            root.mkdir(parents=True, exist_ok=True)
            with FileLock(folder.with_suffix(".lock")):
                if not _is_sound(folder, checksums):
                    if folder.exists():
                        warn_caller(f"{folder}: was altered or damaged since it was prepared; it is prepared again.")
                    _make(folder, blocks, description, checksums, lambda: _refuse_changed(sources, content, checksums))
    except OSError as error:
        reason = why_no_room(error)
        if reason:
            raise ConfigError(
                f"{reason}: prepared data did not fit into {root}, and nothing of them was kept. Free some "
                "space, or name another folder with cache=... or in the environment variable EEGEMO_CACHE."
            ) from error
        forbidden = isinstance(error, PermissionError | FileExistsError | NotADirectoryError)
        if not (forbidden or error.errno == errno.EROFS) or not _lies_in(error, root):
            raise
        raise ConfigError(
            f"Prepared data cannot be written to {root} ({error.strerror}); name another folder with cache=... or in "
            "the environment variable EEGEMO_CACHE."
        ) from error
    provenance, copies = description["provenance"], json.loads((folder / _COPIES).read_text())
    for name, content in (("recordings", json.loads((folder / _RECORDINGS).read_text())), ("copies", copies)):
        provenance = {**provenance, name: content} if content else provenance
    if copies:
        warn_caller(in_words(copies))
    trials = _read(folder, {**description, "provenance": provenance})
    return trials._replaced(table=with_places_of_twins(trials.table, copies)) if copies else trials


def with_warnings(trials: Trials) -> Trials:
    """Give the messages of each recording as warnings, whether it was prepared now or long ago.

    Parameters
    ----------
    trials : Trials
        From a store of recordings.

    Returns
    -------
    trials : Trials
        The same.

    Raises
    ------
    DataFormatError
        If no trial is left.
    """
    for record in trials.provenance["recordings"]:
        for message in record["messages"]:
            warnings.warn(f"{record['file']}: {message}", UserWarning, stacklevel=4)  # whoever called the loader
    if not len(trials):
        raise DataFormatError("No trial is left; the warnings say what happened to each.")
    return trials


def _lies_in(error: OSError, root: Path) -> bool:
    if error.filename is None:
        return False
    path, root = Path(error.filename).absolute(), root.absolute()
    return path.is_relative_to(root) or root.is_relative_to(path)


def _cache_folder(cache: str | os.PathLike[str] | None) -> Path:
    return as_path(cache or os.environ.get("EEGEMO_CACHE") or platformdirs.user_cache_dir("eegemo"), "cache")


def _read(folder: Path, description: dict[str, Any]) -> Trials:
    return Trials(signals=np.load(folder / _SIGNALS, mmap_mode="r"), table=_read_table(folder), **description)


def _refuse_changed(sources: Sequence[Path], content: Sequence[tuple[str, str]], checksums: _Checksums) -> None:
    for source, (_, checksum) in zip(sources, content, strict=True):
        if checksums.of(source) != checksum:
            raise DataFormatError(f"{source}: changed while it was read; wait until it is complete, and load it again.")


def _make(
    folder: Path, blocks: Blocks, description: dict[str, Any], checksums: _Checksums, unchanged: Callable[[], None]
) -> None:
    """Write the store under another name and rename it; the caller holds its lock."""
    n_channels = len(description["ch_names"])
    for leftover in folder.parent.glob(f".{folder.name}-*"):  # of a process that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        tables, recordings, n_samples = [], [], 0
        # Written as a file, not through a memory map: a full disk is an error here and would be a crash there.
        with (partial / _SIGNALS).open("wb") as file:
            file.write(bytes(_HEADER))
            for samples, table, record in blocks():
                tables.append(table.assign(start=table["start"] + n_samples))
                recordings += [record] if record else []
                for piece in (samples,) if isinstance(samples, np.ndarray) else samples:
                    assert piece.shape[1] == n_channels and piece.dtype == np.float32
                    file.write(piece.data)
                    n_samples += len(piece)
                    del piece  # before the next is made
                del samples  # before the next recording is read
            unchanged()
            file.seek(0)
            file.write(_header((n_samples, n_channels)))
        table = pd.concat(tables, ignore_index=True)
        (partial / _TABLE).write_text(table_as_text(table))
        (partial / _RECORDINGS).write_text(json.dumps(recordings))
        with ThreadPoolExecutor(1) as pool:
            hashed = pool.submit(content_hash, partial / _SIGNALS)  # while copies are looked for
            copies = as_json(find_copies(_read(partial, description)).to_dict("records"))
        checksum = hashed.result()
        (partial / _COPIES).write_text(json.dumps(copies))
        card = {
            "store": folder.name,
            "signals": checksum,
            **{name: hashlib.sha256((partial / name).read_bytes()).hexdigest() for name in _TEXTS},
        }
        (partial / _CARD).write_text(json.dumps(card))
        partial.chmod(folder.parent.stat().st_mode)
        partial.rename(folder)
        checksums.remember(folder / _SIGNALS, checksum)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _is_sound(folder: Path, checksums: _Checksums) -> bool:
    """Whether the store is there and is what was written; a file is read as a whole only when it was touched."""
    try:
        card = read_json(folder / _CARD)
        if card.get("store", folder.name) != folder.name:  # earlier versions did not write it
            return False
        if any(hashlib.sha256((folder / name).read_bytes()).hexdigest() != card[name] for name in _TEXTS):
            return False
        return checksums.of(folder / _SIGNALS) == card["signals"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _header(shape: tuple[int, int]) -> bytes:
    """Return the header of a float32 ``.npy``, as long for any shape; how many samples come is known at the end."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
    assert file.tell() == _HEADER
    return file.getvalue()


def table_as_text(table: pd.DataFrame) -> str:
    """Return a table as JSON: a CSV would not tell a missing value from the text ``NA``, nor 1 from ``"1"``."""
    plain_ones = table.astype(object).where(table.notna(), None)
    return json.dumps([[str(name), str(table[name].dtype), as_json(plain_ones[name].tolist())] for name in table])


def _read_table(folder: Path) -> pd.DataFrame:
    columns = json.loads((folder / _TABLE).read_text())
    return pd.DataFrame({name: pd.Series(values, dtype=dtype) for name, dtype, values in columns})


def content_hash(path: Path) -> str:
    """Hash the content of a file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    digest : str
        The SHA-256 over the SHA-256 of its chunks, which are read and hashed on several cores.
    """

    def of_chunk(first: int) -> bytes:
        digest, buffer, left = hashlib.sha256(), memoryview(bytearray(_BUFFER)), _CHUNK
        with path.open("rb", buffering=0) as file:
            file.seek(first)
            while left and (n_bytes := file.readinto(buffer[:left])):
                digest.update(buffer[:n_bytes])
                left -= n_bytes
        return digest.digest()

    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        digests = pool.map(of_chunk, range(0, path.stat().st_size, _CHUNK))
    return hashlib.sha256(b"".join(digests)).hexdigest()


class _Checksums:
    """Checksums of files, remembered for as long as their size, times of change and a sample of them stay the same."""

    def __init__(self, memory: Path) -> None:
        self.memory = memory
        try:
            self.known: dict[str, list[Any]] = dict(read_json(memory))
        except (OSError, ValueError, TypeError):
            self.known = {}

    def of(self, path: Path) -> str:
        """Return the checksum of a file."""
        state = _state(path)
        known = self.known.get(str(path.resolve()))
        if isinstance(known, list) and known[:-1] == state:
            return str(known[-1])
        checksum = content_hash(path)
        self._note(path, [*state, checksum])  # what changed it since is another state
        return checksum

    def remember(self, path: Path, checksum: str) -> None:
        """Note the checksum of a file as it is now."""
        self._note(path, [*_state(path), checksum])

    def _note(self, path: Path, known: list[Any]) -> None:
        self.known[str(path.resolve())] = known
        with suppress(OSError, ConfigError), replacing(self.memory) as partial:  # it saves time, and may be lost
            partial.write_text(json.dumps(self.known))


def _state(path: Path) -> list[Any]:
    """Return what tells a file from what it was: its size, times, and the SHA-256 of blocks spread over it.

    The second time changes with the content and cannot be set back, but there is none on Windows; a copy that keeps
    the first (``cp -p``, ``rsync -t``) may differ in a block.
    """
    status = path.stat()
    last = max(status.st_size - _SAMPLE, 0)
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for number in range(_N_SAMPLES):
            file.seek(last * number // (_N_SAMPLES - 1))
            digest.update(file.read(_SAMPLE))
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, digest.hexdigest()]
