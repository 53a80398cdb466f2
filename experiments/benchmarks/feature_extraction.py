"""Differential entropy of every window: ours beside TorchEEG's, and what overlap costs.

Two simulated people of DEAP's size (80 trials of 60 s, 32 channels), four bands, windows of 1 s. TorchEEG filters each
window by itself; ours filters each trial once and takes differences of running sums, so the two are not the same
numbers at a window's edges, and TorchEEG's logarithm is that of base 2.
TorchEEG is no requirement of this project. Give it an environment of its own, and name that one's Python:

    python3 -m venv torcheeg
    torcheeg/bin/pip install torch==2.13.0 numpy scipy pandas joblib tqdm lmdb einops h5py mne networkx xmltodict
    torcheeg/bin/pip install scikit-learn spectrum PyWavelets
    torcheeg/bin/pip install --no-deps torcheeg==1.1.3
    python experiments/benchmarks/feature_extraction.py --torcheeg torcheeg/bin/python

Expected: TorchEEG takes 30 times as long or more; 16 times the windows (an overlap of 15/16) take ours less than
1.5 times as long.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import tyro
from rich.console import Console
from threadpoolctl import threadpool_limits

from eegemo import simulate
from eegemo.features.bands import BANDS, DifferentialEntropy

_THEIRS = """
import json, sys, time
import numpy as np
import torch
from torcheeg.transforms import BandDifferentialEntropy

torch.set_num_threads(1)
X = np.load(sys.argv[1], mmap_mode="r")
transform = BandDifferentialEntropy(sampling_rate=128, order=4, band_dict=json.loads(sys.argv[2]))
n = int(sys.argv[3])
started = time.perf_counter()
for window in X[:n]:
    transform(eeg=np.array(window))
print(json.dumps({"seconds": (time.perf_counter() - started) * len(X) / n}))
"""


@dataclass(frozen=True)
class FeaturesBenchmark:
    """Time differential entropy."""

    torcheeg: Path | None = None
    """The Python of an environment with TorchEEG; without it, only ours is timed."""
    rounds: int = 3
    """Rounds; the two take turns, and ratios are medians over rounds."""
    share: float = 1.0
    """Share of the windows that TorchEEG computes; its seconds are scaled up to all of them."""


def run(config: FeaturesBenchmark) -> pd.DataFrame:
    """Print seconds and ratios."""
    console = Console()
    trials = simulate(2)
    plain, overlapping = trials.windows(n_times=128, step=128), trials.windows(n_times=128, step=8)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "windows.npy"
        np.save(path, plain.to_numpy())
        for _ in range(config.rounds):
            row = {"ours": seconds_of(plain), "ours, 15/16 overlap": seconds_of(overlapping)}
            if config.torcheeg is not None:
                row["TorchEEG"] = seconds_of_torcheeg(config, path, len(plain))
            rows.append(row)
    table = pd.DataFrame(rows)
    console.print(table.round(2).to_string())
    growth = (table["ours, 15/16 overlap"] / table["ours"]).median()
    console.print(f"{len(overlapping) / len(plain):.1f} times the windows: {growth:.2f} times the seconds")
    if config.torcheeg is not None:
        console.print(f"TorchEEG / ours, {len(plain)} windows: {(table['TorchEEG'] / table['ours']).median():.0f}")
    return table


def seconds_of(windows: object) -> float:
    """Time ours on one thread."""
    with threadpool_limits(1):
        started = time.perf_counter()
        DifferentialEntropy().fit_transform(windows)
        return time.perf_counter() - started


def seconds_of_torcheeg(config: FeaturesBenchmark, path: Path, n_windows: int) -> float:
    """Time TorchEEG on one thread, in a process of its own; imports and loading are not counted."""
    bands = json.dumps({name: list(band) for name, band in BANDS.items()})
    n = max(1, round(config.share * n_windows))
    command = [str(config.torcheeg), "-c", _THEIRS, str(path), bands, str(n)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout.strip().splitlines()[-1])["seconds"])


if __name__ == "__main__":
    run(tyro.cli(FeaturesBenchmark, description=__doc__))
