"""Values of a category as text: what is one number to a reader is one text."""

from __future__ import annotations

import numbers


def as_text(value: object) -> str:
    """Write a value of a category as text; a whole number alike, however a table happens to hold it.

    Parameters
    ----------
    value : object
        Text, a number, or true or false.

    Returns
    -------
    text : str
        ``1`` for 1 and 1.0: pandas makes the latter of a column in which a value is missing.
    """
    if isinstance(value, numbers.Real) and not isinstance(value, bool) and float(value).is_integer():
        return str(int(float(value)))
    return str(value)
