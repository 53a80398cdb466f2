"""The preprocessing stage: one configuration, one function, one order."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import mne

from eegemo._electrodes import wanted_channels
from eegemo._json import as_json
from eegemo.errors import ConfigError, suggest_settings
from eegemo.preprocessing.bads import interpolate_bad_channels
from eegemo.preprocessing.channels import average_reference, name_channels
from eegemo.preprocessing.eog import (
    METHODS,
    eog_correlation,
    refuse_pending_projectors,
    refuse_second_removal,
    remove_eog,
)
from eegemo.preprocessing.filters import band_pass, downsample, high_pass
from eegemo.preprocessing.steps import note_step
from eegemo.preprocessing.units import warn_of_units


@suggest_settings
@dataclass(frozen=True)
class Preprocessing:
    """What is done to a recording; ``None`` leaves a step out."""

    channels: tuple[str, ...] | None = None
    """EEG channels to keep, in this order, or emotiv14; all by default."""
    rename: tuple[tuple[str, str], ...] = ()
    """Old and new name of channels, before they are given the names of the 10-05 system."""
    types: tuple[tuple[str, str], ...] = ()
    """New name and MNE's type of channels that are no EEG, for example VEOG eog."""
    bipolar: tuple[tuple[str, str, str, str], ...] = ()
    """Name, type, anode and cathode of derivations, for example vEOG eog EXG3 EXG4."""
    montage: str | None = "colin27_1005"
    """One of MNE's montages, for the places of the EEG channels; it replaces those in the file, and None keeps them."""
    sfreq: float | None = 128.0
    """Down-sample to so many Hz."""
    high_pass: float | None = 1.0
    """Take out what lies below so many Hz, before anything is fitted."""
    bad_channels: Literal["interpolate"] | None = "interpolate"
    """Interpolate flat and noisy channels, and those that the file calls bad; None uses all as they are."""
    eog: Literal["regression", "ica"] | None = "regression"
    """Remove ocular artefacts by regression on the EOG channels, or by independent components that go with them."""
    eog_channels: tuple[str, ...] = ()
    """Channels that show the eyes; those of type eog by default."""
    eog_h_freq: float | None = 6.0
    """Outside eye movements, the regression uses the EOG up to so many Hz, and spares alpha; None: all of it."""
    band: tuple[float, float] | None = (4.0, 45.0)
    """Pass band in Hz."""
    reference: Literal["average"] | None = "average"
    """Subtract the mean of the EEG channels."""
    baseline: float = 0.0
    """Seconds kept before each onset."""
    reject: float | None = None
    """Leave out trials in which an EEG channel's peak-to-peak amplitude exceeds so many microvolts."""
    random_state: int = 0
    """Where the independent component analysis starts."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", wanted_channels(self.channels))  # a set by its name, or any list
        for name, value, known in (
            ("eog", self.eog, METHODS),
            ("bad_channels", self.bad_channels, ("interpolate",)),
            ("reference", self.reference, ("average",)),
        ):
            if value is not None and value not in known:
                raise ConfigError(f"{name} must be {', '.join(map(repr, known))} or None, got {value!r}.")
        if not 0 <= self.baseline < math.inf or (self.reject is not None and not self.reject > 0):
            raise ConfigError(
                f"baseline must be 0 s or more and reject above 0 µV, got {self.baseline:g} and {self.reject}."
            )
        if self.eog is not None and self.high_pass is None and self.band is None:
            raise ConfigError("EOG is not removed from data with their offsets; set high_pass (1 Hz) or eog=None.")

    def name_channels(self, raw: mne.io.BaseRaw) -> mne.io.BaseRaw:
        """Name, type, derive, place and order the channels of a recording, in place, as these settings say.

        Parameters
        ----------
        raw : mne.io.BaseRaw
            The recording.

        Returns
        -------
        raw : mne.io.BaseRaw
            The same, in memory.
        """
        return name_channels(
            raw,
            rename=self.rename,
            types=self.types,
            bipolar=self.bipolar,
            montage=self.montage,
            channels=self.channels,
            copy=False,
        )

    @property
    def pass_band(self) -> tuple[float | None, float | None]:
        """Lower and upper edge in Hz of what is left of a recording; None where nothing limits it."""
        return self.band or (self.high_pass, None)

    @property
    def as_json(self) -> dict[str, object]:
        """The settings as JSON holds them, for the provenance and the store's key."""
        return {name: as_json(value) for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        """Take settings as :attr:`as_json` gives them.

        Parameters
        ----------
        given : mapping of str -> object
            By the names of the settings; the default of each that is not there.

        Returns
        -------
        settings : Preprocessing

        Raises
        ------
        ConfigError
            If a setting is unknown, or its value cannot be used.
        """
        return cls(**{name: _as_tuples(value) for name, value in given.items()})


def _as_tuples(value: Any) -> Any:
    return tuple(_as_tuples(item) for item in value) if isinstance(value, list) else value


def as_settings(given: Preprocessing | None) -> Preprocessing:
    """Take settings as a user gives them: the defaults for None, and nothing but settings."""
    if given is not None and not isinstance(given, Preprocessing):
        raise ConfigError(f"The steps were expected as Preprocessing(...), got {given!r}.")
    return given or Preprocessing()


def preprocess(raw: mne.io.BaseRaw, config: Preprocessing | None = None) -> mne.io.BaseRaw:
    """Run every step over a continuous recording, in one order, whose reasons are these.

    1. **Down-sampling** (:func:`downsample`) first: all other steps are linear in the samples and act below the new
       Nyquist frequency, so they give the same on a quarter of the data. Anti-aliasing comes with it.
    2. **Channels** (:func:`name_channels`): names, types, bipolar EOG and EMG, places, order.
    3. **High-pass** (:func:`high_pass`) before anything is fitted.
    4. **Bad channels** (:func:`interpolate_bad_channels`) before the EOG removal, whose ICA a dead channel would upset,
       and before the average reference, which one loud channel would spread over all.
    5. **EOG removal** (:func:`remove_eog`) before the band-pass, since most of a blink lies below 4 Hz. It and the
       average reference commute.
    6. **Band-pass** (:func:`band_pass`).
    7. **Average reference** (:func:`average_reference`) over the EEG channels alone.

    All filters are linear-phase and compensated: no step delays the signal. Trials are cut afterwards
    (:func:`cut_trials`), so that no filter starts at a trial's edge.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        A continuous recording that MNE has read, in volts, and of other units a warning is given; it need not be in
        memory, and is left as it is.
    config : Preprocessing | None
        The settings; DEAP's rate and band, and EOG regression, by default.

    Returns
    -------
    raw : mne.io.BaseRaw
        In memory. :func:`steps_done` tells what was done and what it removed; the last entry holds each EEG channel's
        largest |r| with an EOG channel in the final band.

    Raises
    ------
    ConfigError
        If a step cannot be carried out as it is set; the message says what to change.
    DataFormatError
        If the recording is too short, not finite, or lacks channels.

    Examples
    --------
    >>> import mne
    >>> import numpy as np
    >>> from eegemo import Preprocessing, preprocess
    >>> info = mne.create_info(["F3", "F4", "Up"], 256.0, "eeg")
    >>> raw = mne.io.RawArray(1e-5 * np.random.default_rng(0).standard_normal((3, 5120)), info, verbose="error")
    >>> preprocess(raw, Preprocessing(types=(("Up", "eog"),))).info["sfreq"]
    128.0
    """
    config = as_settings(config)
    raw = before_eog(raw, config)
    if config.eog is not None:
        raw = remove_eog(
            raw,
            config.eog,
            eog_channels=config.eog_channels,
            eog_h_freq=config.eog_h_freq,
            random_state=config.random_state,
            copy=False,
        )
    if config.band is not None:
        raw = band_pass(raw, *config.band, copy=False)
    if config.reference is not None:
        raw = average_reference(raw, copy=False)
    note_step(raw, "preprocess", eog_correlation=eog_correlation(raw, config.eog_channels))
    return raw


def before_eog(raw: mne.io.BaseRaw, config: Preprocessing) -> mne.io.BaseRaw:
    """Run the steps that come before the removal of the EOG: down-sampling, channels, high-pass, bad channels.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        As :func:`preprocess` takes it.
    config : Preprocessing
        The settings.

    Returns
    -------
    raw : mne.io.BaseRaw
        In memory.

    Raises
    ------
    ConfigError, DataFormatError
        As :func:`preprocess`.
    """
    refuse_pending_projectors(raw)
    if config.eog is not None:
        refuse_second_removal(raw)
        if config.high_pass is None:
            warnings.warn("Without a high-pass, drifts weigh on the removal of EOG.", UserWarning, stacklevel=3)
    raw = downsample(raw, config.sfreq if config.sfreq is not None else raw.info["sfreq"])
    raw = config.name_channels(raw)
    if not len(mne.pick_types(raw.info, meg=False, eeg=True, exclude=())):
        raise ConfigError(f"There is no EEG among the channels {', '.join(raw.ch_names)}; check their names and types.")
    warn_of_units(raw)
    if config.high_pass is not None:
        raw = high_pass(raw, config.high_pass, copy=False)
    if config.bad_channels is not None:
        raw = interpolate_bad_channels(raw, copy=False)
    else:
        eeg = [raw.ch_names[pick] for pick in mne.pick_types(raw.info, meg=False, eeg=True, exclude=())]
        raw.info["bads"] = [name for name in raw.info["bads"] if name not in eeg]  # all are to be used as they are
    return raw
