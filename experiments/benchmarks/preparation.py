"""Preparing DEAP's files beside a bare ``pickle.load``, the size of the store, and the time of ``import eegemo``.

Writes one simulated subject in DEAP's format into a temporary folder. Prints the median ratio of preparing its store to
a bare ``pickle.load(file, encoding="latin1")`` of the same file, in turn; of opening the store again to the same; the
size of the store over 4 bytes a sample of the chosen channels; how far the memory of a process of its own rises above
what its imports take, for both (what unpickles DEAP's files in the usual way, as TorchEEG does, takes the memory of the
bare call at least); and the ratio of ``import eegemo`` to a bare start of Python.
Costs about 30 seconds.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from eegemo import load_deap, write_simulated

ROUNDS = 9

_MEMORY = """
import pickle, re, sys, warnings
from pathlib import Path
import eegemo.datasets.deap
from eegemo import load_deap

warnings.simplefilter("ignore")
peak = lambda: int(re.search("VmHWM: *([0-9]+)", Path("/proc/self/status").read_text().replace("\\t", " "))[1]) / 1024
before, (path, cache) = peak(), sys.argv[1:]
load_deap(Path(path).parent, cache=cache) if cache else pickle.load(open(path, "rb"), encoding="latin1")
print(peak() - before)
"""


def seconds(action: Callable[[], object]) -> float:
    """Time one call."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def megabytes(path: Path, cache: str) -> float:
    """Measure how far a process's memory rises, on Linux: preparing into a cache, or unpickling without one."""
    command = [sys.executable, "-c", _MEMORY, str(path), cache]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Time everything and print it."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        path = write_simulated(folder / "deap", [1])[0]

        def bare() -> None:
            with path.open("rb") as file, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                pickle.load(file, encoding="latin1")

        rows = []
        for i in range(ROUNDS):
            cache = folder / f"cache{i}"
            rows.append(
                (
                    seconds(bare),
                    seconds(lambda cache=cache: load_deap(path.parent, cache=cache)),  # type: ignore[misc]
                    seconds(lambda cache=cache: load_deap(path.parent, cache=cache)),  # type: ignore[misc]
                )
            )
        load, prepare, reopen = np.median(rows, axis=0)
        ratios = np.median([(p / b, r / b) for b, p, r in rows], axis=0)
        print(f"pickle.load {load:.3f} s; preparing {prepare:.3f} s ({ratios[0]:.2f} x); again {reopen:.3f} s")
        bare_rise, our_rise = (megabytes(path, place) for place in ("", str(folder / "cache for memory")))
        print(f"memory at its peak, above imports: pickle.load {bare_rise:.0f} MB; preparing {our_rise:.0f} MB")
        for channels, n_channels in (("eeg", 32), ("emotiv14", 14)):
            trials = load_deap(path.parent, channels=channels, cache=folder / channels)
            size = sum(file.stat().st_size for file in (folder / channels).rglob("*") if file.is_file())
            samples = trials.signals.shape[0] * n_channels * 4
            print(f"store of {channels}: {size} bytes, {size / samples:.4f} x its samples as float32, for any overlap")
    starts = [
        [
            seconds(lambda code=code: subprocess.run([sys.executable, "-c", code], check=True))  # type: ignore[misc]
            for code in ("pass", "import eegemo")
        ]
        for _ in range(ROUNDS)
    ]
    python, package = np.median(starts, axis=0)
    print(f"starting Python {python:.3f} s; with import eegemo {package:.3f} s: {package - python:.3f} s more")


if __name__ == "__main__":
    main()
