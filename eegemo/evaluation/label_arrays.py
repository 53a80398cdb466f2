"""Labels as scikit-learn takes them, as a rule that evaluation can carry."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from eegemo._categories import as_text
from eegemo.errors import ConfigError, DataFormatError
from eegemo.labels import LabelScheme, categories
from eegemo.windows import Windows


def labels_of_trials(
    windows: Windows, labels: Sequence[object] | np.ndarray | pd.Series
) -> tuple[Windows, LabelScheme]:
    """Take labels as scikit-learn does, one for each window or for each trial, where there is no rule for them.

    Parameters
    ----------
    windows : Windows
        What is labelled.
    labels : array-like, shape (n_windows,) | (n_trials,)
        Names or numbers of classes; the same for all windows of a trial.

    Returns
    -------
    windows : Windows
        The same, whose trials have the labels in a column ``label``.
    scheme : LabelScheme
        Reads them; its classes are in sorted order.

    Raises
    ------
    ConfigError
        If there are not as many labels as windows or trials, or windows of one trial have several.
    DataFormatError
        If a label is missing.
    """
    values = np.array(labels, dtype=object)
    trials, n_windows = windows.trials, len(windows)
    if values.shape not in ((n_windows,), (len(trials),)):
        raise ConfigError(
            f"labels must be a rule such as quadrants(), or one class for each of the {n_windows} windows or "
            f"{len(trials)} trials, got {values.shape}."
        )
    missing = pd.isna(values)
    if missing.any():
        raise DataFormatError(f"labels: {missing.sum()} are missing, the first in row {int(missing.argmax())}.")
    try:
        classes = sorted(set(values))
    except TypeError:
        kinds = ", ".join(dict.fromkeys(type(value).__name__ for value in values))
        raise ConfigError(f"labels are of several kinds ({kinds}); make them all text, or all numbers.") from None
    if len(values) == n_windows:
        of_trials = np.full(
            len(trials), classes[0] if classes else "", dtype=object
        )  # none is asked of a trial without
        of_trials[windows.trial_index] = values
        differing = np.flatnonzero(of_trials[windows.trial_index] != values)
        if len(differing):
            row = trials.table[["trial", "subject"]].astype(object).iloc[windows.trial_index[differing[0]]]
            raise ConfigError(
                f"labels: windows of trial {row['trial']} of subject {row['subject']} have several classes; a "
                "trial has one class here. Cut trials where the class changes."
            )
    else:
        of_trials = values
    named = trials._replaced(table=trials.table.assign(label=[as_text(label) for label in of_trials]))
    return Windows(named, windows.n_times, windows.starts, windows.trial_index), categories("label", classes)
