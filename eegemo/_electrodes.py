"""Electrodes by their names: sets of them, lists that users give, and the two names that four of them have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from eegemo.errors import ConfigError, unknown_name

# By name: the list of indices that circulates for these fourteen takes C3 for T7.
EMOTIV14 = tuple("AF3 F3 F7 FC5 T7 P7 O1 AF4 F4 F8 FC6 T8 P8 O2".split())
#: Names of the 10-20 system, and those that the 10-10 system gave the same places.
OLD_NAMES = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}
_OTHER_NAME = {**OLD_NAMES, **{new: old for old, new in OLD_NAMES.items()}}
#: Sets of channels of any recording that has them; ``"eeg"`` is all of its EEG channels.
CHANNEL_SETS = {"emotiv14": EMOTIV14}
_ALL = "eeg"


def wanted_channels(channels: str | Iterable[str] | None) -> tuple[str, ...] | None:
    """Take the channels that are wanted of a recording.

    Parameters
    ----------
    channels : "eeg" | "emotiv14" | iterable of str | None
        A set, by its name or as the only name of a list (which is how a command line gives it), or names.

    Returns
    -------
    ch_names : tuple of str | None
        None for all EEG channels.

    Raises
    ------
    ConfigError
        As :func:`channel_names`.
    """
    if channels is None:
        return None
    sets = {_ALL: (_ALL,), **CHANNEL_SETS}
    names = channel_names(channels, sets)
    if len(names) == 1:
        names = tuple(sets.get(names[0], names))
    return None if names == (_ALL,) else names


def channel_names(channels: str | Iterable[str], sets: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Take channels as a user gives them: the name of a set, or a list of names.

    Parameters
    ----------
    channels : str | iterable of str
        A set, or names in the order wanted.
    sets : mapping
        The names of the channels of each set.

    Returns
    -------
    ch_names : tuple of str

    Raises
    ------
    ConfigError
        If there is no such set, or these are no names, none, or one of them twice.
    """
    if isinstance(channels, str):
        if channels not in sets:
            error = unknown_name("channel set", channels, sets)
            raise ConfigError(f"{error} A list of channel names was expected otherwise, such as [{channels!r}].")
        return tuple(sets[channels])
    try:
        names = tuple(channels)
    except TypeError:
        names = ()
    if not names or not all(isinstance(name, str) for name in names):
        got = channels if not names else list(names)
        raise ConfigError(
            f"A list of channel names was expected, or one of {', '.join(sets)}, got {got!r} for channels."
        )
    if len(set(names)) < len(names):
        raise ConfigError(f"A channel is named twice: {', '.join(names)}.")
    return tuple(str(name) for name in names)


def found_as(wanted: Iterable[str], available: Iterable[str]) -> dict[str, str]:
    """Find channels by their names, or by the other name of the same place: T3 for T7, T5 for P7, and so on.

    Parameters
    ----------
    wanted, available : iterable of str
        Names of channels.

    Returns
    -------
    found : dict
        From the name that is wanted to the one that is there; a name that is in neither form is left out.
    """
    there, asked = set(available), list(wanted)
    found = {}
    for name in asked:
        other = _OTHER_NAME.get(name)
        if name in there:
            found[name] = name
        elif other in there and other not in asked:
            found[name] = other
    return found


def same_electrodes(one: Sequence[str], other: Sequence[str]) -> bool:
    """Tell whether two lists name the same electrodes in the same order, by whichever name.

    Parameters
    ----------
    one, other : sequence of str
        Names of channels.

    Returns
    -------
    same : bool
    """
    return [OLD_NAMES.get(name, name) for name in one] == [OLD_NAMES.get(name, name) for name in other]
