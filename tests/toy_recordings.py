"""Recordings of two subjects, small enough to be worked out by hand, and the stores that are made of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.testing import assert_array_equal

from eegemo import Trials
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

    def blocks(self) -> Iterator[tuple[np.ndarray, pd.DataFrame, dict[str, Any]]]:
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


class Noted(Recordings):
    """Recordings of which something is to be said; the second is twice as long as the first."""

    lengths: Sequence[int] = (2 * N_TIMES, 4 * N_TIMES)
    messages: Sequence[Sequence[str]] = (["trial 3 is missing", "Pz is flat (0.00 µV)"], [])

    def blocks(self) -> Iterator[tuple[np.ndarray, pd.DataFrame, dict[str, Any]]]:
        self.n_read += 1
        for subject, (path, length, messages) in enumerate(
            zip(self.files, self.lengths, self.messages, strict=True), 1
        ):
            samples = np.arange(length * N_CHANNELS, dtype=np.float32).reshape(-1, N_CHANNELS) - 1000 * subject
            starts = np.arange(0, length, N_TIMES)
            table = content_of(path)[1].iloc[[0] * len(starts)].assign(start=starts, trial=np.arange(len(starts)) + 1)
            yield samples, table, {"file": path.name, "trials": len(starts), "messages": list(messages)}


def only(cache: Path, name: str) -> Path:
    (path,) = cache.rglob(name)
    return path


def store_folders(cache: Path) -> list[Path]:
    return [path for path in cache.iterdir() if path.is_dir()]
