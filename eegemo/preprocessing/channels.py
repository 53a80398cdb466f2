"""Names, types, places and references of channels."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence

import mne
import numpy as np

from eegemo._electrodes import found_as, wanted_channels
from eegemo.errors import ConfigError, DataFormatError, unknown_name
from eegemo.preprocessing.steps import note_step

_PREFIX = re.compile(r"^(EEG|POL)[ _.:-]+", re.IGNORECASE)
_UNIT = re.compile(r"\s*[(\[](uV|µV|μV|mV|V)[)\]]$", re.IGNORECASE)
_PAIR = re.compile(r"([^-_/: ]+) *[-_/: ] *([^-_/: ]+)")
#: Against which a channel is recorded, where it stands behind the channel's own electrode.
_REFERENCES = frozenset("REF LE AV AVG AR CAR A1 A2 A1A2 A1+A2 M1 M2 M1M2 M1+M2 CPZ FCZ".split())
_EARS = frozenset("A1 A2 M1 M2".split())
_FEWEST = 3  # channels against one electrode that make it their common reference


def standard_names(ch_names: Sequence[str], montage: str = "colin27_1005") -> dict[str, str]:
    """Find the 10-05 system's names behind names such as ``EEG Fp1``, ``Fc5.``, ``FCZ``, ``F3 (uV)`` or ``T3-REF``.

    A reference behind a channel's name is taken off: an ear or mastoid, ``REF``, ``LE`` and their like, CPz or FCz, or
    any electrode that all pairs of names have in common. Other pairs, such as F3-C3 and C3-P3, are bipolar, and stand
    for no single electrode.

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
    found = _electrodes(ch_names, montage)
    wanted = [found.get(name, name) for name in ch_names]
    return {old: new for old, new in found.items() if old != new and wanted.count(new) == 1}


def _electrodes(ch_names: Sequence[str], montage: str) -> dict[str, str]:
    """Return the electrode of each name that has one."""
    spelling = {name.upper(): name for name in _montage(montage).ch_names}
    bare = {name: _bare(name) for name in ch_names}
    pairs = {name: pair for name in ch_names if (pair := _pair(bare[name], spelling))}
    common = {cathode for _, cathode in pairs.values()} - _REFERENCES
    if len(common) != 1 or sum(cathode in common for _, cathode in pairs.values()) < _FEWEST:
        common = set()
    found = {name: spelling[text.upper()] for name, text in bare.items() if text.upper() in spelling}
    for name, (anode, cathode) in pairs.items():
        if cathode in _REFERENCES | common and not (anode in _EARS and cathode in spelling):
            found[name] = spelling[anode]
    return found


def _bare(name: str) -> str:
    return _UNIT.sub("", _PREFIX.sub("", name.strip())).rstrip(".")


def _pair(bare: str, spelling: dict[str, str]) -> tuple[str, str] | None:
    """Return an electrode and what it is recorded against, in capitals, if a name consists of the two."""
    match = _PAIR.fullmatch(bare)
    anode, cathode = (part.upper() for part in match.groups()) if match else ("", "")
    return (anode, cathode) if anode in spelling and (cathode in spelling or cathode in _REFERENCES) else None


def name_channels(
    raw: mne.io.BaseRaw,
    *,
    rename: Sequence[tuple[str, str]] = (),
    types: Sequence[tuple[str, str]] = (),
    bipolar: Sequence[tuple[str, str, str, str]] = (),
    montage: str | None = "colin27_1005",
    channels: str | Iterable[str] | None = None,
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
    channels : "eeg" | "emotiv14" | iterable of str | None
        EEG channels to keep, in this order; the others are dropped. All by default. Channels of other types stay
        behind them. T7 is found as T3, and the other way round, and so are T8 (T4), P7 (T5) and P8 (T6).
    copy : bool
        Whether to leave ``raw`` as it is.

    Returns
    -------
    raw : mne.io.BaseRaw
        In memory.

    Raises
    ------
    ConfigError
        If a channel or the montage is unknown, a name is given twice, two channels are one electrode by their names, or
        most EEG channels are not in the montage.
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
    renamed, wanted = new_names(raw, rename, [name for name, _ in types], montage), wanted_channels(channels)
    try:
        raw.rename_channels(renamed, verbose="error")
    except ValueError as error:
        raise ConfigError(f"The channels cannot be renamed: {error}") from None
    for name, _ in types:
        _check_channel(raw, name)
    _set_types(raw, dict(types))
    for name, kind, anode, cathode in bipolar:
        raw = _derive(raw, name, kind, anode, cathode)
    if wanted is not None:
        raw = _keep(raw, wanted)
    if montage is not None:
        _place(raw, montage)
    note_step(raw, "name_channels", renamed=renamed, bipolar=[list(pair) for pair in bipolar], montage=montage)
    return raw


def new_names(
    raw: mne.io.BaseRaw, rename: Sequence[tuple[str, str]], typed: Iterable[str], montage: str | None
) -> dict[str, str]:
    """Say what :func:`name_channels` renames.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording.
    rename : sequence of (str, str)
        Old and new name of channels.
    typed : iterable of str
        New names that stand for no electrode, since they are given a type.
    montage : str | None
        Whose spelling is taken.

    Returns
    -------
    renamed : dict
        From the old name to the new one.

    Raises
    ------
    ConfigError
        If two channels are one electrode.
    """
    renamed, others = dict(rename), set(typed)
    if montage is None:
        return renamed
    eeg = [raw.ch_names[i] for i in mne.pick_types(raw.info, meg=False, eeg=True, exclude=())]
    meant = {old: renamed.get(old, old) for old in raw.ch_names if old in eeg or old in renamed}
    meant = {old: new for old, new in meant.items() if new not in others}  # which is what it is to be called
    _refuse_twice(list(meant.values()), montage)
    standard = standard_names(list(meant.values()), montage)
    return renamed | {old: standard[new] for old, new in meant.items() if new in standard}


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


def _refuse_twice(ch_names: Sequence[str], montage: str) -> None:
    found = _electrodes(ch_names, montage)
    for electrode in found.values():
        same = [name for name in dict.fromkeys(ch_names) if found.get(name) == electrode]
        if len(same) > 1:
            raise ConfigError(
                f"Channels {' and '.join(same)} are both {electrode}; rename one of them, for example with "
                f"rename=(({same[-1]!r}, 'other'),), or set its type to misc with types=(({same[-1]!r}, 'misc'),)."
            )


def _keep(raw: mne.io.BaseRaw, channels: Sequence[str]) -> mne.io.BaseRaw:
    found = found_as(channels, raw.ch_names)
    missing = [name for name in channels if name not in found]
    if missing:
        raise DataFormatError(
            f"Channels {', '.join(missing)} are missing; the recording has {', '.join(raw.ch_names)}. Rename its "
            "channels, or choose others."
        )
    kept = list(found.values())
    others = [name for name, kind in zip(raw.ch_names, raw.get_channel_types(), strict=True) if kind != "eeg"]
    raw = raw.pick([*kept, *(name for name in others if name not in kept)], verbose="error")
    raw.rename_channels({own: name for name, own in found.items() if own != name}, verbose="error")
    return raw


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
    spelling = {name.upper(): name for name in places.ch_names}
    pairs = [name for name in unknown if _pair(_bare(name), spelling)]
    bipolar = (
        f" {', '.join(pairs)} are differences of two electrodes (bipolar), which have no one place." if pairs else ""
    )
    if 2 * len(unknown) > len(eeg):  # the A1 and A2 of a BioSemi cap are no ear lobes
        raise ConfigError(
            f"{'None' if len(unknown) == len(eeg) else 'Few'} of the EEG channels {', '.join(eeg)} is in the montage "
            f"{montage!r}; rename them, name the montage of your cap (such as biosemi64), or set montage=None to work "
            f"without places.{bipolar}"
        )
    if unknown:
        raw.set_channel_types(dict.fromkeys(unknown, "misc"), on_unit_change="ignore", verbose="error")
        warnings.warn(
            f"Channels {', '.join(unknown)} are not in the montage {montage!r} and are not taken as EEG. If they are, "
            f"rename them; if not, set their types to say what they are.{bipolar}",
            UserWarning,
            stacklevel=3,
        )
    raw.set_montage(places, on_missing="ignore", verbose="error")
