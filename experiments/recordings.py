"""Whose recordings the experiments on DEAP take, and how they are cut."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from options import Options

from eegemo import ConfigError, LabelScheme, Trials, Windows, load_deap, load_deap_raw, simulate
from eegemo.datasets.deap_raw import raw_subjects
from eegemo.datasets.simulated import DEFAULT_EFFECT, DEFAULT_SEED


@dataclass(frozen=True)
class Recordings(Options):
    """DEAP's recordings, or simulated people in their place."""

    data: Path | None = None
    """Folder of DEAP's recordings: preprocessed (python or matlab release), or raw (s01.bdf ...), which are prepared
    by the preprocessing stage with its default settings. Simulated people where it is not given."""
    subjects: tuple[int, ...] | None = None
    """Numbers of the people to take: by default all in the folder, or as many simulated ones as suit the experiment."""
    effect: float = DEFAULT_EFFECT
    """How much the simulated EEG knows of the ratings; refused with --data."""
    channels: tuple[str, ...] = ("eeg",)
    """A set (eeg, emotiv14) or channel names; the paper's selection is not in the source."""
    window: float = 1.0
    """Length of a window in seconds (not in the source)."""
    step: float = 1.0
    """Seconds between the starts of two windows (not in the source)."""
    seed: int = DEFAULT_SEED
    """Of the simulated people, the splits and the models."""
    cache: Path | None = None
    """Where DEAP's prepared recordings are kept; the platform's cache folder by default."""

    def trials(self, n_simulated: int, n_smoke: int) -> Trials:
        """Load DEAP, or simulate people in its place; a few of them for a smoke run."""
        channels = self.channels[0] if self.channels in (("eeg",), ("emotiv14",)) else self.channels
        subjects = self.subjects or (tuple(range(1, n_smoke + 1)) if self.smoke else None)
        if self.data is not None:
            if self.effect != DEFAULT_EFFECT:
                raise ConfigError(f"--effect {self.effect:g} is of simulated people alone; leave it out with --data.")
            load_recordings = load_deap_raw if raw_subjects(self.data) else load_deap
            return load_recordings(self.data, subjects=subjects, channels=channels, cache=self.cache)
        return simulate(subjects or n_simulated, effect=self.effect, channels=channels, random_state=self.seed)

    def windows(self, scheme: LabelScheme, n_simulated: int = 4, n_smoke: int = 2) -> Windows:
        """Cut the trials that the scheme can label into windows."""
        return scheme.select(self.trials(n_simulated, n_smoke)).windows(self.window, self.step)
