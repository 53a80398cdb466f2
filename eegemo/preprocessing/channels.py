"""Names, types, places and references of channels."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence

import mne
import numpy as np

from eegemo.errors import ConfigError, DataFormatError, unknown_name
from eegemo.preprocessing.steps import note_step

_PREFIX = re.compile(r"^EEG[ _-]+", re.IGNORECASE)
_SUFFIX = re.compile(r"(\.+|[-_ ](REF|LE|AVG))$", re.IGNORECASE)


def standard_names(ch_names: Sequence[str], montage: str = "colin27_1005") -> dict[str, str]:
    """Find the 10-05 system's names behind names such as ``EEG Fp1``, ``Fc5.``, ``FCZ`` or ``T3-REF``.

    Parameters
    ----------
    ch_names : sequence of str
        Names as a file has them.
    montage : str
        One of MNE's montages, whose spelling is taken.

    Returns
    -------
    names : dict
        From the old name to the new one, for those that change. A name that is not in the montage stays, and so
        does one that would become the name of another channel.
    """
    spelling = {name.upper(): name for name in _montage(montage).ch_names}
    found = {}
    for name in ch_names:
        bare = _SUFFIX.sub("", _PREFIX.sub("", name.strip()))
        if bare.upper() in spelling:
            found[name] = spelling[bare.upper()]
    wanted = [found.get(name, name) for name in ch_names]
    return {old: new for old, new in found.items() if old != new and wanted.count(new) == 1}


def name_channels(
    raw: mne.io.BaseRaw,
    *,
    rename: Sequence[tuple[str, str]] = (),
    types: Sequence[tuple[str, str]] = (),
    bipolar: Sequence[tuple[str, str, str, str]] = (),
    montage: str | None = "colin27_1005",
    channels: Sequence[str] | None = None,
    copy: bool = True,
) -> mne.io.BaseRaw:
    """Give channels their standard names, types, bipolar derivations, places on the head, and order.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording.
    rename : sequence of (str, str)
        Old and new name, before the names are standardised (see :func:`standard_names`).
    types : sequence of (str, str)
        New name and MNE's type, such as ``("VEOG", "eog")`` or ``("LM", "misc")``.
    bipolar : sequence of (str, str, str, str)
        Name, type, anode and cathode of a derivation: the first electrode minus the second, which it replaces.
    montage : str | None
        One of MNE's standard montages; ``None`` leaves the names and places as they are.
    channels : sequence of str | None
        EEG channels to keep, in this order; the others are dropped. All by default. Channels of other types stay
        behind them.
    copy : bool
        Whether to leave ``raw`` as it is.

    Returns
    -------
    raw : mne.io.BaseRaw
        In memory.

    Raises
    ------
    ConfigError
        If a channel or the montage is unknown, a name is given twice, or most EEG channels are not in the montage.
    DataFormatError
        If an EEG channel that ``channels`` names is missing.
    """
    raw = (raw.copy() if copy else raw).load_data(verbose="error")
    for given in (rename, types):
        names = [pair[0] for pair in given]
        if len(set(names)) < len(names):
            raise ConfigError(f"A channel is named twice: {', '.join(names)}.")
    for old, _ in rename:
        _check_channel(raw, old)
    renamed = dict(rename)
    if montage is not None:
        eeg = [raw.ch_names[i] for i in mne.pick_types(raw.info, meg=False, eeg=True, exclude=())]
        names = [renamed.get(name, name) for name in raw.ch_names]
        standard = standard_names(names, montage)
        renamed |= {
            old: standard[new]
            for old, new in zip(raw.ch_names, names, strict=True)
            if new in standard and (old in eeg or old in renamed)
        }
    try:
        raw.rename_channels(renamed, verbose="error")
    except ValueError as error:
        raise ConfigError(f"The channels cannot be renamed: {error}") from None
    for name, _ in types:
        _check_channel(raw, name)
    _set_types(raw, dict(types))
    for name, kind, anode, cathode in bipolar:
        raw = _derive(raw, name, kind, anode, cathode)
    if channels is not None:
        raw = _keep(raw, channels)
    if montage is not None:
        _place(raw, montage)
    note_step(raw, "name_channels", renamed=renamed, bipolar=[list(pair) for pair in bipolar], montage=montage)
    return raw


def average_reference(raw: mne.io.BaseRaw, *, copy: bool = True) -> mne.io.BaseRaw:
    """Subtract the mean of all EEG channels from each of them; EOG and other channels stay as they are.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording; its bad channels should have been interpolated, since all EEG channels enter the mean.
    copy : bool
        Whether to leave ``raw`` as it is.

    Returns
    -------
    raw : mne.io.BaseRaw
        In memory.

    Raises
    ------
    ConfigError
        If there are fewer than two EEG channels.
    """
    raw = (raw.copy() if copy else raw).load_data(verbose="error")
    picks = mne.pick_types(raw.info, meg=False, eeg=True, exclude=())
    if len(picks) < 2:
        raise ConfigError(f"An average reference needs two EEG channels, got {len(picks)}; set reference=None.")
    bads, raw.info["bads"] = raw.info["bads"], []  # MNE would leave bad channels as they are
    raw.set_eeg_reference([raw.ch_names[pick] for pick in picks], ch_type="eeg", verbose="error")
    raw.info["bads"] = bads
    note_step(raw, "average_reference", n_channels=len(picks))
    return raw


def _check_channel(raw: mne.io.BaseRaw, name: str) -> None:
    if name not in raw.ch_names:
        raise unknown_name("channel", name, raw.ch_names)


def _derive(raw: mne.io.BaseRaw, name: str, kind: str, anode: str, cathode: str) -> mne.io.BaseRaw:
    """Put the difference of two electrodes in the place of the first, and drop the second."""
    for electrode in (anode, cathode):
        _check_channel(raw, electrode)
    if anode == cathode:
        raise ConfigError(f"The derivation {name!r} is of {anode} from itself; name two electrodes.")
    if name in raw.ch_names and name not in (anode, cathode):
        raise ConfigError(f"There is a channel {name!r} already; name the bipolar derivation otherwise.")
    first, second = (raw.ch_names.index(electrode) for electrode in (anode, cathode))

    def minus_second(samples: np.ndarray) -> np.ndarray:
        return samples - raw.get_data(picks=[second])[0]

    raw.apply_function(minus_second, picks=[first], verbose="error")
    raw.drop_channels([cathode])
    if anode != name:
        raw.rename_channels({anode: name}, verbose="error")
    return _set_types(raw, {name: kind})


def _set_types(raw: mne.io.BaseRaw, types: dict[str, str]) -> mne.io.BaseRaw:
    try:
        return raw.set_channel_types(types, on_unit_change="ignore", verbose="error")
    except (ValueError, KeyError) as error:
        raise ConfigError(f"The types of channels cannot be set: {error}") from None


def _keep(raw: mne.io.BaseRaw, channels: Sequence[str]) -> mne.io.BaseRaw:
    missing = [name for name in channels if name not in raw.ch_names]
    if missing:
        raise DataFormatError(
            f"Channels {', '.join(missing)} are missing; the recording has {', '.join(raw.ch_names)}. Rename its "
            "channels, or choose others."
        )
    if not channels or len(set(channels)) < len(channels):
        raise ConfigError(f"No EEG channels are kept, or one is named twice: {', '.join(channels)}.")
    others = [name for name, kind in zip(raw.ch_names, raw.get_channel_types(), strict=True) if kind != "eeg"]
    return raw.pick([*channels, *(name for name in others if name not in channels)], verbose="error")


def _montage(name: str) -> mne.channels.DigMontage:
    known = mne.channels.get_builtin_montages()
    if name not in known:
        raise unknown_name("montage", name, known)
    return mne.channels.make_standard_montage(name)


def _place(raw: mne.io.BaseRaw, montage: str) -> None:
    """Set the places of the EEG channels; what the montage does not know is no EEG channel, and this is said."""
    places = _montage(montage)
    eeg = [raw.ch_names[pick] for pick in mne.pick_types(raw.info, meg=False, eeg=True, exclude=())]
    unknown = [name for name in eeg if name not in places.ch_names]
    if 2 * len(unknown) > len(eeg):  # the A1 and A2 of a BioSemi cap are no ear lobes
        raise ConfigError(
            f"{'None' if len(unknown) == len(eeg) else 'Few'} of the EEG channels {', '.join(eeg)} is in the montage "
            f"{montage!r}; rename them, name the montage of your cap (such as biosemi64), or set montage=None to work "
            "without places."
        )
    if unknown:
        raw.set_channel_types(dict.fromkeys(unknown, "misc"), on_unit_change="ignore", verbose="error")
        warnings.warn(
            f"Channels {', '.join(unknown)} are not in the montage {montage!r} and are not taken as EEG. If they are, "
            "rename them; if not, set their types to say what they are.",
            UserWarning,
            stacklevel=3,
        )
    raw.set_montage(places, on_missing="ignore", verbose="error")
