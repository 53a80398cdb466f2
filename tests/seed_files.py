"""Files of SEED and of SEED-IV, of noise: a MATLAB file a person and session, in which each trial is an array."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

from eegemo import Trials, load_seed, load_seed_iv

# As the release has them, written out once more.
SEED_LABELS = [1, 0, -1, -1, 0, 1, -1, 0, 1, 1, 0, -1, 0, 1, -1]


def samples(seed: int, film: int, n_times: int | None = None) -> np.ndarray:
    """What a file holds of a film; each film is of another length."""
    return np.random.default_rng([seed, film]).normal(0, 20, (62, n_times or 20 + film))


@dataclass(frozen=True)
class Kind:
    """What the files of one of the two look like."""

    name: str
    load: Callable[..., Trials]
    initials: str
    n_trials: int
    file: str
    """Of the first person and session."""
    later: str
    """Of the same person and another session."""
    labels: Any = None
    """What label.mat beside the files holds, where there is one."""

    def contents(
        self, seed: int = 0, initials: str = "", n_times: int | None = None, change: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """The arrays of a session; a change of None takes one away."""
        names = {film: f"{initials or self.initials}_eeg{film}" for film in range(1, self.n_trials + 1)}
        arrays = {name: samples(seed, film, n_times) for film, name in names.items()} | (change or {})
        return {name: array for name, array in arrays.items() if array is not None}

    def write(self, place: Path, name: str = "", arrays: dict[str, Any] | None = None, label: Any = "own") -> Path:
        """A file of the release, and label.mat beside it."""
        path = place / (name or self.file)
        path.parent.mkdir(parents=True, exist_ok=True)
        scipy.io.savemat(path, self.contents() if arrays is None else arrays, do_compression=True)
        label = self.labels if isinstance(label, str) and label == "own" else label
        if label is not None:
            scipy.io.savemat(path.parent / "label.mat", {"label": np.array([label])})
        return path


SEED = Kind("SEED", load_seed, "djc", 15, "1_20131027.mat", "1_20131030.mat", SEED_LABELS)
SEED_IV = Kind("SEED-IV", load_seed_iv, "cz", 24, "1/1_20160518.mat", "2/1_20161125.mat")


class Hummer:
    """A simulated person whose every recording is another hum, and quick to record."""

    felt_as = 0
    """Which part of an emotion lifts the hum: valence, or arousal."""

    def __init__(self, dataset: str, subject: int, ch_names: tuple[str, ...], sfreq: float, **_: Any) -> None:
        assert (dataset[:4], len(ch_names), sfreq) == ("SEED", 62, 200.0)
        self.subject = subject

    def felt(self, meant: np.ndarray) -> np.ndarray:
        return meant

    def record(self, recording: int, n_times: int, emotion: Any) -> np.ndarray:
        hum = np.random.default_rng([self.subject, recording]).normal(0, 9, (n_times, 62))
        return (hum + emotion[self.felt_as]).astype(np.float32)
