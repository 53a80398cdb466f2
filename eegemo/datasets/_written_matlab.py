"""MATLAB files of simulated people, whose bytes depend on nothing but their content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

from eegemo._atomic import replacing


def save_matlab(path: Path, variables: Mapping[str, Any]) -> None:
    """Write a compressed MATLAB 5 file, as MATLAB's ``save`` does by default.

    Parameters
    ----------
    path : Path
        Where to write; it is there when it is complete.
    variables : mapping
        Arrays, text, dicts (structs), and arrays of objects (cells).
    """
    with replacing(path) as partial:
        scipy.io.savemat(partial, dict(variables), do_compression=True)
        with partial.open("r+b") as file:  # the header holds the time of writing; the same data give the same bytes
            file.write(b"MATLAB 5.0 MAT-file, written by eegemo".ljust(116))


def cells(content: Iterable[Any], shape: tuple[int, int] | None = None) -> np.ndarray:
    """Return what becomes a cell array.

    Parameters
    ----------
    content : iterable
        What its cells hold.
    shape : (int, int) | None
        Its shape; one row by default.

    Returns
    -------
    cells : array of object
    """
    items = list(content)
    array = np.empty(len(items), object)
    array[:] = items  # one by one, whatever their shapes are
    return array.reshape(shape or (1, -1))
