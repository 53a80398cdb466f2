"""Every loader beside a bare read of the same files: seconds, peak memory, and how long the second opening takes.

Writes a share of each release into a temporary folder, with its files, types and lengths of trials, and noise in place
of EEG: what samples say costs no reader anything. Then the store is prepared, which reads, checks, hashes and looks for
copies; and the same files are read by ``scipy.io.loadmat`` (``h5py`` where a session of SEED lies in MATLAB 7.3,
``pandas.read_csv`` for GAMEEMO, ``pickle.load`` for FACED and DEAP), each forgotten before the next. Both run in turn,
each in a process of its own; after the store was made, it is opened again. Prints the medians and their ratios. Peak
memory is what a process has of its own above its imports (``RssAnon``, which another process reads every 2 ms; Linux
alone has it): pages of a mapped store are the system's, which takes them back. Of AMIGOS the loader takes the short
videos.
Costs an estimated 4 minutes and 0.5 GB of disk; with ``--share 1``, which is every release as a whole, hours and 40 GB.
"""

from __future__ import annotations

import importlib
import itertools
import multiprocessing
import os
import pickle
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import scipy.io
import tyro
from rich.progress import track

import eegemo.copies
import eegemo.preprocessing  # what a loader imports when it is first called is not timed  # noqa: F401
from eegemo.datasets import _deap_format as deap
from eegemo.datasets import dataset
from eegemo.datasets.simulated_releases import WRITERS

#: Of each release: how much of it is written by default, how much of it there is, and of what.
SIZES = {
    "deap": (2, 32, "people"),
    "dreamer": (4, 23, "people"),
    "seed": (1, 45, "files"),
    "seed, 7.3": (1, 45, "files"),
    "seed-iv": (1, 45, "files"),
    "amigos": (1, 40, "people"),
    "gameemo": (4, 28, "people"),
    "faced": (4, 123, "people"),
}
_SESSIONS = 3  # files a person of SEED and SEED-IV


@dataclass(frozen=True)
class LoadersBenchmark:
    """Time every loader beside a bare read."""

    releases: tuple[str, ...] = tuple(SIZES)
    """Which; DREAMER is one file, in which people count."""
    share: float | None = None
    """Of each release that is written; by default what takes few minutes in all."""
    rounds: int = 3
    """How often each is run."""


class Noise:
    """Takes the place of a simulated person, who would take longer to simulate than to read."""

    def __init__(self, subject: int, n_channels: int) -> None:
        self.subject, self.n_channels = subject, n_channels
        self.rng = np.random.default_rng(subject)

    def felt(self, meant: np.ndarray) -> np.ndarray:
        """Return what is meant."""
        return np.asarray(meant, float)

    def record(self, recording: int, n_times: int, _: Any = None) -> np.ndarray:
        """Return noise of 20 microvolts, shape (n_times, n_channels)."""
        rng = np.random.default_rng([self.subject, recording])
        return 20 * rng.standard_normal((n_times, self.n_channels), np.float32)


def write(release: str, folder: Path, n: int) -> int:
    """Write so many people or files of a release; return how many bytes they take."""
    name = release.partition(",")[0]
    if name == "deap":
        folder.mkdir()
        paths = [folder / f"s{number:02d}.dat" for number in range(1, n + 1)]
        for number, path in enumerate(paths, 1):
            videos = Noise(number, len(deap.CH_NAMES)).record(0, deap.N_TRIALS * deap.N_TIMES)
            videos = videos.reshape(deap.N_TRIALS, deap.N_TIMES, -1).transpose(0, 2, 1).astype(float)
            deap.write_dat(path, videos, np.full(deap.LABELS_SHAPE, 5.0))
    else:
        module, function = WRITERS[name].split(":")
        make = partial(Noise, n_channels=len(dataset(name).ch_names))
        files = getattr(importlib.import_module(module), function)
        in_files = SIZES[release][2] == "files"
        n_written = None if not in_files else n + 1 if name == "seed" else n  # SEED's first file is label.mat
        n_people = -(-n // _SESSIONS) if in_files else n
        paths = list(itertools.islice(files(folder, list(range(1, n_people + 1)), make), n_written))
    if release.endswith("7.3"):
        for path in paths:
            pack_as_73(path)
    return sum(path.stat().st_size for path in paths)


def pack_as_73(path: Path) -> None:
    """Write the arrays of a MATLAB 5 file as MATLAB 7.3 has them: in HDF5, columns first, packed."""
    arrays = {name: array for name, array in scipy.io.loadmat(path).items() if not name.startswith("__")}
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array.T, chunks=True, compression=3)
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


def read_bare(path: Path) -> None:
    """Read all of a file by the library that is at hand, and forget it."""
    if path.suffix == ".csv":
        pd.read_csv(path)
    elif path.suffix in (".dat", ".pkl"):
        with path.open("rb") as file:
            pickle.load(file, encoding="latin1")
    elif h5py.is_hdf5(path):
        with h5py.File(path) as stored:
            for variable in stored.values():
                variable[()]
    else:
        scipy.io.loadmat(path)


def measure(release: str, folder: Path, cache: Path | None) -> tuple[float, float, float]:
    """Load a release into a cache, or read its files without one: MiB before, seconds, and seconds once more."""
    warnings.simplefilter("ignore")
    record = dataset(release.partition(",")[0])

    def bare() -> None:
        for path in sorted(folder.rglob("*.*")):
            if path.is_file():
                read_bare(path)

    action = bare if cache is None else partial(record.load, folder, cache=cache)
    before = own_memory(os.getpid())
    first = seconds(action)
    return before, first, 0.0 if cache is None else seconds(action)


def own_memory(process: int) -> float:
    """Return the memory that a process has of its own now, in MiB."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:  # it has ended
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("RssAnon")), 0.0)


def seconds(action: Callable[[], object]) -> float:
    """Time one call."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def alone(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """Call a function in a process of its own; return what it gives, and the most memory that it had, in MiB."""
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(sending, function, arguments))
    process.start()
    sending.close()  # so that a process that fails is an end of file here
    peak = 0.0
    while not receiving.poll(0.002):
        peak = max(peak, own_memory(process.pid or 0))
    result = receiving.recv()
    process.join()
    return result, peak


def _send(sending: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    sending.send(function(*arguments))


def timed(release: str, folder: Path, cache: Path | None) -> list[float]:
    """Measure in a process of its own: seconds, the most memory above that at the start, and seconds once more."""
    (before, first, again), peak = alone(measure, release, folder, cache)
    return [first, peak - before, again]


def run(settings: LoadersBenchmark) -> pd.DataFrame:
    """Measure everything; a row a release."""
    rows = []
    for release in track(settings.releases, "reading"):
        default, whole, what = SIZES[release]
        n = default if settings.share is None else max(1, round(settings.share * whole))
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "release"
            n_bytes, _ = alone(write, release, folder, n)
            pairs = []
            for number in range(settings.rounds):
                bare = timed(release, folder, None)
                ours = timed(release, folder, Path(temporary) / f"cache{number}")
                pairs.append([*bare, *ours, ours[0] / bare[0], ours[1] / bare[1]])
        bare_s, bare_mib, _, ours_s, ours_mib, again, slower, larger = np.median(pairs, axis=0)
        rows.append(
            {
                "release": release,
                "written": f"{n} of {whole} {what}, {n_bytes / 1e6:.0f} MB",
                "bare, s": round(bare_s, 2),
                "loader, s": round(ours_s, 2),
                "x time": round(slower, 2),
                "bare, MiB": round(bare_mib),
                "loader, MiB": round(ours_mib),
                "x memory": round(larger, 2),
                "again, ms": round(1000 * again, 1),
            }
        )
    return pd.DataFrame(rows)


if __name__ == "__main__":
    print(run(tyro.cli(LoadersBenchmark, description=__doc__)).to_string(index=False))
