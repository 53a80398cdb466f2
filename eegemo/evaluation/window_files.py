"""The file of a run's windows: what was split and what is right for it, against which its folds are read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from eegemo._atomic import replacing
from eegemo._trial_parts import DATASET, SESSION, UNIT
from eegemo.errors import DataFormatError
from eegemo.evaluation.archives import DAMAGE, read_arrays, save_arrays
from eegemo.evaluation.folds import Fold, read_fold

_NAMES = ("subject", "trial", "stimulus")
_OPTIONAL = (SESSION, DATASET, UNIT)


@dataclass(frozen=True, eq=False)
class SplitWindows:
    """The windows that a run splits, and the classes that are right for them.

    Parameters
    ----------
    table : DataFrame
        A row a window: ``subject, trial, stimulus, start``, and ``session, dataset, unit`` where trials have them.
    y : array of int, shape (n_windows,)
        Their classes.
    trial_index : array of int, shape (n_windows,) | None
        The trial of each, as a row of the table of trials; None in files of earlier versions.
    n_classes : int
        How many classes there are.
    """

    table: pd.DataFrame
    y: np.ndarray
    trial_index: np.ndarray | None
    n_classes: int

    def save(self, path: Path) -> None:
        """Write them as one ``.npz`` file, whole or not at all.

        Parameters
        ----------
        path : Path
            Its name ends in ``.npz``.
        """
        arrays = {"y": self.y, "start": self.table["start"].to_numpy()}
        if self.trial_index is not None:
            arrays["trial_index"] = self.trial_index
        for name in (*_NAMES, *_OPTIONAL):
            if name in self.table:
                column = self.table[name]
                arrays |= {name: _as_text(column), f"{name}_dtype": np.array(str(column.dtype))}
        with replacing(path) as partial:
            save_arrays(partial, arrays)

    def read_fold(self, path: Path, *, number: int, run: str) -> Fold:
        """Read a fold of these windows.

        Parameters
        ----------
        path : Path
            Its file.
        number, run : int, str
            Which fold of which run it must be.

        Returns
        -------
        fold : Fold

        Raises
        ------
        DataFormatError
            If the file is damaged, or not what these windows and their classes allow.
        """
        fold = read_fold(path, number=number, run=run, most_rows=len(self.y))
        wrong = self.what_is_wrong_in(fold)
        if wrong:
            raise DataFormatError(
                f"{path.name}: damaged, or not a fold of this run ({wrong}); delete it and run again."
            )
        return fold

    def what_is_wrong_in(self, fold: Fold) -> str:
        """Say why a fold cannot be one of these windows.

        Parameters
        ----------
        fold : Fold
            As it was read, or has just ended.

        Returns
        -------
        reason : str
            Empty where nothing is wrong.
        """
        if not len(fold.test):
            return "it tests nothing"
        if not np.array_equal(fold.y, self.y[fold.test]):
            return "its classes are not those of the windows tested on"
        if self.trial_index is not None and not np.array_equal(fold.trial, self.trial_index[fold.test]):
            return "its trials are not those of the windows tested on"
        return fold.wrong_probabilities(self.n_classes)


def read_windows(path: Path, *, n_windows: int, n_classes: int) -> SplitWindows:
    """Read the windows of a run.

    Parameters
    ----------
    path : Path
        What :meth:`SplitWindows.save` wrote.
    n_windows, n_classes : int
        How many there must be.

    Returns
    -------
    windows : SplitWindows

    Raises
    ------
    DataFormatError
        If the file is damaged, or another run's.
    """
    try:
        stored = read_arrays(path, most_rows=n_windows)
        names = (*_NAMES, *(name for name in _OPTIONAL if name in stored))
        numbers = [name for name in ("start", "y", "trial_index") if name in stored or name != "trial_index"]
        for name in (*names, *numbers):
            form = stored[name].shape, stored[name].dtype
            if form[0] != (n_windows,) or (name in numbers and (form[1].kind not in "iu" or stored[name].min() < 0)):
                raise ValueError(f"{name} of shape {form[0]} and type {form[1]}, of {n_windows} windows")
        columns: dict[str, Any] = {name: _from_text(stored[name], str(stored[f"{name}_dtype"])) for name in names}
        table = pd.DataFrame(columns).assign(start=stored["start"])
        y, trial_index = stored["y"], stored.get("trial_index")
        if (y >= n_classes).any():
            raise ValueError(f"a class {y.max()}, of {n_classes} there are")
    except DAMAGE as error:
        raise DataFormatError(f"{path}: damaged ({error}); delete the folder and run again.") from error
    return SplitWindows(table, y, trial_index, n_classes)


def _as_text(column: pd.Series) -> np.ndarray:
    """Return a column as an array that needs no pickle: JSON, which tells 1 from "1", and a missing value from both."""
    values = column.astype(object).where(column.notna(), None)
    return np.array([json.dumps(value.item() if isinstance(value, np.generic) else value) for value in values])


def _from_text(column: np.ndarray, dtype: str) -> pd.Series:
    names, numbers = np.unique(column, return_inverse=True)
    values = [json.loads(str(name)) for name in names]
    return pd.Series([values[number] for number in numbers], dtype=dtype)
