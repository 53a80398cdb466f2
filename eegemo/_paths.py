"""Paths as users give them."""

from __future__ import annotations

import os
from pathlib import Path

from eegemo.errors import ConfigError


def as_path(given: str | os.PathLike[str], name: str = "path") -> Path:
    """Take a path as it was given, with ``~`` for the user's home.

    Parameters
    ----------
    given : path-like
        Of a file or folder, which need not exist.
    name : str
        What it is called in the message.

    Returns
    -------
    path : Path

    Raises
    ------
    ConfigError
        If it is none.
    """
    if not isinstance(given, (str, os.PathLike)) or not os.fspath(given):
        raise ConfigError(f"{name} must be the path of a file or folder, got {given!r}.")
    try:
        return Path(given).expanduser()
    except RuntimeError as error:  # ~nobody/data
        raise ConfigError(f"{name} is {os.fspath(given)!r}: {error}") from None
