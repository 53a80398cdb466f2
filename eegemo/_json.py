"""Parameters as JSON can hold them, and JSON that may be damaged."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import joblib
import numpy as np


def as_json(value: Any) -> Any:
    """Return a parameter as JSON can hold it.

    Parameters
    ----------
    value : object
        A hyper-parameter.

    Returns
    -------
    plain : object
        NumPy's numbers as Python's, NaN and infinity by their names, sequences as lists, numbers and names as they
        are; a function or class by its name, and anything else by its type and a hash of what it holds, so that equal
        ones are equal in another process.
    """
    if isinstance(value, np.generic):
        return as_json(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if callable(value) and hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    return f"{type(value).__qualname__} {_hash(value)}"


def read_json(path: Path) -> Any:
    """Read a file of JSON.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    value : object
        What it holds.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is not JSON, or nested deeper than Python reads.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _hash(value: Any) -> str:
    try:
        return str(joblib.hash(value))
    except Exception:  # what cannot be pickled is told apart by nothing but its type
        return "that cannot be hashed"
