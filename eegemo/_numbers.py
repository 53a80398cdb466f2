"""Numbers that people give, checked before anything is done with them."""

from __future__ import annotations

import math
import operator
from typing import Any

from eegemo.errors import ConfigError


def finite(name: str, value: Any, hint: str = "") -> float:
    """Return a number that somebody gave as a float.

    Parameters
    ----------
    name : str
        What it is called.
    value : object
        What was given; text, arrays, and true and false are no numbers.
    hint : str
        Follows the message.

    Returns
    -------
    number : float

    Raises
    ------
    ConfigError
        If it is no finite number.
    """
    number = math.nan
    if not _is_bool(value) and not isinstance(value, (str, bytes)):
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            pass
    if not math.isfinite(number) or getattr(value, "shape", ()) != ():
        raise ConfigError(f"{name} must be a number, got {_short(value)}.{hint}")
    return number


def between(name: str, value: Any, low: float, high: float) -> float:
    """Return a number that lies between two others, both excluded.

    Parameters
    ----------
    name : str
        What it is called.
    value : object
        What was given.
    low, high : float
        The limits.

    Returns
    -------
    number : float

    Raises
    ------
    ConfigError
        If it does not, or is no number.
    """
    number = finite(name, value)
    if not low < number < high:
        raise ConfigError(f"{name} must lie between {low:g} and {high:g}, got {_short(value)}.")
    return number


def whole(name: str, value: Any, least: int = 0, instead: str = "") -> int:
    """Return a whole number that somebody gave as an int.

    Parameters
    ----------
    name : str
        What it is called.
    value : object
        What was given; 2.0 is none, nor are true and false.
    least : int
        The least that is taken.
    instead : str
        What else is, for the message.

    Returns
    -------
    number : int

    Raises
    ------
    ConfigError
        If it is none, or less.
    """
    try:
        number = None if _is_bool(value) else operator.index(value)
    except TypeError:
        number = None
    if number is None:
        raise ConfigError(f"{name} must be a whole number, got {_short(value)}.")
    if number < least:
        raise ConfigError(f"{name} must be at least {least}{instead}, got {_short(value)}.")
    return number


def _is_bool(value: Any) -> bool:
    return type(value).__name__ in ("bool", "bool_")


def _short(value: Any) -> str:
    """Show a value; Python refuses to write whole numbers of thousands of digits."""
    try:
        text = repr(value)
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= 80 else f"{text[:60]}..."
