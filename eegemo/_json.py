"""Parameters as JSON can hold them."""

from __future__ import annotations

from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """Return a parameter as JSON can hold it.

    Parameters
    ----------
    value : object
        A hyper-parameter.

    Returns
    -------
    plain : object
        NumPy's numbers as Python's, sequences as lists, numbers and names as they are, and anything else as
        its text.
    """
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else repr(value)
