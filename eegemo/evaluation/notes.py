"""Notes: what a reader of scores must know, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from eegemo._trial_parts import SESSION, number_units
from eegemo.evaluation.folds import Failure, Fold
from eegemo.evaluation.protocols import Protocol


def notes_on_folds(model: str, folds: Sequence[Fold], failures: Sequence[Failure]) -> list[str]:
    """Name the folds that failed, and those in which a model learned nothing.

    Parameters
    ----------
    model : str
        Its name.
    folds : sequence of Fold
        Those that succeeded.
    failures : sequence of Failure
        Those that did not.

    Returns
    -------
    notes : list of str
    """
    failed = [f"Fold {one.number} failed, and its windows are in no score: {one.error}" for one in failures]
    collapsed = [
        f"Fold {one.number}: {model} has collapsed: {one.collapse}." for one in folds if one.collapse is not None
    ]
    return failed + collapsed


def notes_on_people(subject: pd.Series, y: np.ndarray, classes: Sequence[str]) -> list[str]:
    """Name the people who lack a class, and say what that makes of their scores.

    Parameters
    ----------
    subject : Series, shape (n_windows,)
        Whose each window is.
    y : array of int, shape (n_windows,)
        Its class.
    classes : sequence of str
        Their names.

    Returns
    -------
    notes : list of str
    """
    notes = []
    for name, own in pd.Series(y).groupby(subject.to_numpy()):
        lacking = [classes[number] for number in np.setdiff1d(np.arange(len(classes)), own)]
        if lacking and len(lacking) == len(classes) - 1:
            notes.append(
                f"Subject {name} has trials of one class alone: there balanced accuracy is accuracy, which has no "
                "chance level of its own, macro-F1 the F1 of that class, and kappa 0."
            )
        elif lacking:
            notes.append(
                f"Subject {name} has no trial of {', '.join(lacking)}: balanced accuracy and macro-F1 are means over "
                "the other classes, so chance is higher."
            )
    return notes


def notes_on_recordings(protocol: Protocol, table: pd.DataFrame, y: np.ndarray) -> list[str]:
    """Say where each class is one recording of a person, under a protocol that trains on the people it tests.

    Parameters
    ----------
    protocol : Protocol
        How the windows were split.
    table : DataFrame
        A row a window: ``subject, trial``, and ``unit`` where trials share something.
    y : array of int, shape (n_windows,)
        The class of each.

    Returns
    -------
    notes : list of str
        Empty where somebody has two trials of a class, which are no one unit, or nobody has two classes.
    """
    if not len(table) or not set(protocol.kept) <= {"trial", SESSION}:
        return []
    of_windows = pd.DataFrame({"subject": table["subject"].to_numpy(), "y": y, "unit": number_units(table)})
    units = of_windows.drop_duplicates()
    if units.duplicated(["subject", "y"]).any() or units.groupby("subject")["y"].nunique().max() < 2:
        return []
    effect = (
        "Training has the tested class from other subjects alone, and other classes of the very subject, which tends "
        "to pull scores below those under 'subject'."
        if protocol.kept
        else "Training has windows of the very trials that are tested, so a score may be all recording and no class."
    )
    return [
        "No subject has two trials of one class: within a subject, class and recording cannot be told apart, and "
        f"whatever else differs between recordings goes with the class. {effect} The protocol to look at is 'subject'."
    ]


def notes_on_training(folds: Sequence[Fold], y: np.ndarray, classes: Sequence[str]) -> list[str]:
    """Name the classes that are tested but not in training.

    Parameters
    ----------
    folds : sequence of Fold
        With their parts.
    y : array of int, shape (n_windows,)
        The class of each window.
    classes : sequence of str
        Their names.

    Returns
    -------
    notes : list of str
    """
    notes = []
    for fold in folds:
        lacking = np.setdiff1d(fold.y, y[fold.train])
        if len(lacking):
            missing, n = ", ".join(classes[number] for number in lacking), int(np.isin(fold.y, lacking).sum())
            notes.append(f"Fold {fold.number}: {missing} is not in training, so {n} test windows cannot be right.")
    return notes
