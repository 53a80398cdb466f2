"""Whose recordings the experiments take, what they are labelled by, and how they are cut."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from options import Options

from eegemo import ConfigError, Dataset, LabelScheme, Trials, Windows, load, simulate
from eegemo.datasets import dataset, recognise
from eegemo.datasets.simulated import DEFAULT_EFFECT, DEFAULT_SEED
from eegemo.errors import unknown_name


@dataclass(frozen=True)
class Recordings(Options):
    """The recordings of a published dataset, or simulated people with DEAP's layout."""

    data: Path | None = None
    """Folder of a published dataset, which is recognised by its files; DEAP's raw recordings (s01.bdf ...) are prepared
    by the preprocessing stage with its default settings. Simulated people where it is not given."""
    dataset: str | None = None
    """What --data holds, by its name, where its files do not say."""
    labels: str | None = None
    """One of the dataset's rules, such as valence>5; by default what it is mostly used for, which for DEAP is the
    quadrants of valence and arousal."""
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
    """Where prepared recordings are kept; the platform's cache folder by default."""

    @property
    def record(self) -> Dataset:
        """What is known of the dataset; of DEAP where people are simulated."""
        if self.data is None:
            if self.dataset:
                raise ConfigError(f"--dataset {self.dataset} needs --data, the folder of its recordings.")
            return dataset("deap")
        if self.effect != DEFAULT_EFFECT:
            raise ConfigError(f"--effect {self.effect:g} is of simulated people alone; leave it out with --data.")
        return dataset(self.dataset or recognise(self.data))

    @property
    def scheme(self) -> LabelScheme:
        """The rule that gives trials their classes."""
        schemes = {scheme.name: scheme for scheme in self.record.schemes}
        if self.labels is None:
            return self.record.schemes[0]
        if self.labels not in schemes:
            raise unknown_name(f"rule of {self.record.name}", self.labels, schemes)
        return schemes[self.labels]

    def trials(self, n_simulated: int, n_smoke: int) -> Trials:
        """Load the dataset, or simulate people; a few of them for a smoke run."""
        channels = self.channels[0] if self.channels in (("eeg",), ("emotiv14",)) else self.channels
        if self.data is None:
            subjects = self.subjects or (n_smoke if self.smoke else n_simulated)
            return simulate(subjects, effect=self.effect, channels=channels, random_state=self.seed)
        trials = load(self.data, self.dataset, subjects=self.subjects, channels=channels, cache=self.cache)
        if self.smoke and self.subjects is None:
            trials = trials.select(trials.table["subject"].isin(trials.table["subject"].unique()[:n_smoke]))
        return trials

    def windows(self, scheme: LabelScheme, n_simulated: int = 4, n_smoke: int = 2) -> Windows:
        """Cut the trials that the scheme can label into windows."""
        return scheme.select(self.trials(n_simulated, n_smoke)).windows(self.window, self.step)
