"""The exceptions that bad input meets: one type per cause, both of them ``ValueError``."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class DataFormatError(ValueError):
    """Data that are not what their format promises: a wrong shape, a missing file, a rating of 0."""


class ConfigError(ValueError):
    """A setting that cannot be carried out: an unknown name, a window longer than the trial."""


def unknown_name(kind: str, name: object, known: Iterable[str]) -> ConfigError:
    """Make the error for a name that is not in a registry, with the nearest known name.

    Parameters
    ----------
    kind : str
        What the name stands for, for example ``"protocol"``.
    name : object
        What was got.
    known : iterable of str
        The names that would have been accepted.

    Returns
    -------
    error : ConfigError
        To be raised by the caller.
    """
    names = list(known)
    close = difflib.get_close_matches(str(name), names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return ConfigError(f"Unknown {kind} {name!r}.{hint} Known: {', '.join(names)}.")
