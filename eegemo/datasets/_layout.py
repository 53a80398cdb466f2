"""What all files of a dataset have in common: channels, rate and band."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from eegemo._electrodes import EMOTIV14, channel_names, found_as
from eegemo.errors import unknown_name


@dataclass(frozen=True)
class Layout:
    """What all files of a dataset have in common.

    Parameters
    ----------
    name : str
        Of the dataset.
    ch_names : tuple of str
        All channels, in the order of the files.
    sfreq : float
        In Hz.
    pass_band : (float | None, float | None)
        In Hz.
    other_types : mapping of str -> str
        MNE's types of the channels that are no EEG.
    """

    name: str
    ch_names: tuple[str, ...]
    sfreq: float
    pass_band: tuple[float | None, float | None]
    other_types: Mapping[str, str]

    @property
    def eeg(self) -> tuple[str, ...]:
        """The EEG channels."""
        return tuple(name for name in self.ch_names if name not in self.other_types)

    def resolve(self, channels: str | Iterable[str]) -> tuple[tuple[str, ...], list[int]]:
        """Take channels as a user gives them.

        Parameters
        ----------
        channels : "eeg" | "emotiv14" | iterable of str
            A set, or names in the order wanted.

        Returns
        -------
        ch_names : tuple of str
            As they are wanted.
        columns : list of int
            Where they stand in the files.

        Raises
        ------
        ConfigError
            If a set or a name is unknown, or a channel is named twice.
        """
        sets = {"eeg": self.eeg, "emotiv14": EMOTIV14}
        names = channel_names(channels, sets)
        if len(names) == 1:  # as the only one of a list, which is how a command line gives it
            names = sets.get(names[0], names)
        found = found_as(names, self.ch_names)
        for name in names:
            if name not in found:
                raise unknown_name("channel", name, self.ch_names)
        return names, [self.ch_names.index(found[name]) for name in names]

    def types_of(self, columns: Iterable[int]) -> list[str]:
        """Return MNE's types of the channels that stand there in the files."""
        return [self.other_types.get(self.ch_names[column], "eeg") for column in columns]
