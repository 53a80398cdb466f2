"""One fold: what it gave, written as one file when it ends."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from eegemo._atomic import replacing
from eegemo.errors import DataFormatError
from eegemo.evaluation.archives import DAMAGE, read_arrays, save_arrays
from eegemo.evaluation.leakage import Leakage
from eegemo.evaluation.splitter import Split

_ARRAYS = ("y", "trial", "proba")
# Of each array: how many axes it has, and which kinds of numbers.
_FORM = (("part", 1, "u"), ("y", 1, "iu"), ("trial", 1, "iu"), ("proba", 2, "f"))
_FROM_ONE = 0.01  # how far sums of probabilities lie from 1 in half precision


@dataclass(frozen=True)
class Prediction:
    """What a baseline that saw no EEG predicted in a fold.

    Parameters
    ----------
    name : str
        The baseline's, as a row of the tables.
    seen : dict of str -> dict
        Window-level scores on ``train`` and ``validation``.
    proba : array, shape (n_test, n_classes), float32
        What was predicted for the windows tested on.
    """

    name: str
    seen: dict[str, dict[str, float]]
    proba: np.ndarray


@dataclass(frozen=True)
class Fold:
    """What one fold gave.

    Parameters
    ----------
    number : int
        Of the fold, from 0.
    seen : dict of str -> dict
        Window-level scores of the fitted classifier on ``train`` and ``validation``.
    train, validation, test : array of int
        Numbers of the windows fitted on, stopped on and tested on, ascending.
    y, trial : array of int, shape (n_test,)
        Classes and trials (rows of the trial table) of the windows tested on.
    proba : array, shape (n_test, n_classes), float32
        What was predicted for them.
    history : dict of str -> list of float
        Learning curves, where the classifier keeps them.
    best_epoch : int | None
        The epoch whose weights were used.
    leakage : Leakage
        What test shares with training and validation.
    n_parameters : int | None
        Trainable parameters of the network.
    seconds : float
        Of fitting and predicting; its share, where folds were trained at once.
    peak_memory_mb : float | None
        Of the process that ran it.
    collapse : str | None
        How a network has learned nothing, not even of its own training data.
    probabilistic : bool
        Whether ``proba`` holds probabilities; a classifier that only decides has 0 and 1 there, and no loss.
    baselines : tuple of Prediction
        Of the classifiers that saw no EEG, on the very same windows.
    """

    number: int
    seen: dict[str, dict[str, float]]
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    y: np.ndarray
    trial: np.ndarray
    proba: np.ndarray
    history: dict[str, list[float]]
    best_epoch: int | None
    leakage: Leakage
    n_parameters: int | None
    seconds: float
    peak_memory_mb: float | None
    collapse: str | None = None
    probabilistic: bool = True
    baselines: tuple[Prediction, ...] = ()

    @property
    def split(self) -> Split:
        """Window numbers of training, validation and test."""
        return self.train, self.validation, self.test

    def of_baseline(self, name: str) -> Fold:
        """Return the same fold as a baseline did it.

        Parameters
        ----------
        name : str
            One of ``baselines``.

        Returns
        -------
        fold : Fold
        """
        (own,) = (prediction for prediction in self.baselines if prediction.name == name)
        return replace(
            self,
            seen=own.seen,
            proba=own.proba,
            history={},
            best_epoch=None,
            n_parameters=None,
            seconds=0.0,
            peak_memory_mb=None,
            collapse=None,  # a majority is one class by design
            probabilistic=True,
            baselines=(),
        )

    def wrong_probabilities(self, n_classes: int) -> str:
        """Say what is wrong with the predicted probabilities, or with those of a baseline.

        Parameters
        ----------
        n_classes : int
            How many classes there are.

        Returns
        -------
        reason : str
            Empty where nothing is wrong.
        """
        for name, proba in (("", self.proba), *((f" of {one.name}", one.proba) for one in self.baselines)):
            if proba.shape[1] != n_classes:
                return f"probabilities{name} of {proba.shape[1]} classes instead of {n_classes}"
            if not np.isfinite(proba).all():
                return f"probabilities{name} that are not finite"
            sums = proba.sum(axis=1, dtype=float)
            if (proba < 0).any() or (np.abs(sums - 1) > _FROM_ONE).any():
                least, lowest, highest = (f"{value:.3g}" for value in (proba.min(), sums.min(), sums.max()))
                return f"probabilities{name} from {least} on, with sums from {lowest} to {highest}"
        return ""

    def save(self, path: Path, *, run: str = "") -> None:
        """Write the fold as one ``.npz`` file, whole or not at all.

        Parameters
        ----------
        path : Path
            Its name ends in ``.npz``.
        run : str
            The fingerprint of its run, by which :func:`read_fold` tells it from another run's.
        """
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        arrays |= {f"baseline_{number}": one.proba for number, one in enumerate(self.baselines)}
        left_out = {*_ARRAYS, "train", "validation", "test"}
        rest = {k: v for k, v in vars(self).items() if k not in left_out} | {"leakage": asdict(self.leakage)}
        rest |= {"run": run, "baselines": [{"name": one.name, "seen": one.seen} for one in self.baselines]}
        # One byte a window says in which part it is; it compresses to little.
        part = np.zeros(max((numbers.max() + 1 for numbers in self.split if len(numbers)), default=0), np.uint8)
        for code, numbers in enumerate(self.split, start=1):
            part[numbers] = code
        record = np.array(json.dumps(rest, default=lambda numbers: numbers.tolist()))
        with replacing(path) as partial:
            save_arrays(partial, {"record": record, "part": part, **arrays})


@dataclass(frozen=True)
class Failure:
    """A fold that could not be carried out.

    Parameters
    ----------
    number : int
        Of the fold, from 0.
    error : str
        The exception's type and message.
    """

    number: int
    error: str


@dataclass(frozen=True)
class FailedFold:
    """A fold whose fitting or testing raised an exception.

    Parameters
    ----------
    number : int
        Of the fold, from 0.
    text : str
        The exception's type and message.
    exception : Exception
        Itself, or one with its text where it cannot travel between processes.
    """

    number: int
    text: str
    exception: Exception


def read_fold(path: Path, *, number: int | None = None, run: str | None = None, most_rows: int | None = None) -> Fold:
    """Read a fold that was written with :meth:`Fold.save`.

    Parameters
    ----------
    path : Path
        The ``.npz`` file.
    number, run : int, str | None
        Which fold of which run it must be; any by default.
    most_rows : int | None
        How many windows there are, where that is known.

    Returns
    -------
    fold : Fold

    Raises
    ------
    DataFormatError
        If the file is damaged (it carries a checksum, which those of earlier versions lack), or another fold's.
    """
    try:
        stored = read_arrays(path, most_rows=most_rows)
        rest: dict[str, Any] = json.loads(str(stored["record"]))
        if (rest.pop("run") != run and run is not None) or number not in (None, rest["number"]):
            raise ValueError("it is another fold's, or another run's")
        for name in ("fitted_on_test", "chosen_by_test"):
            used = rest["leakage"][name]
            rest["leakage"][name] = None if used is None else tuple(used)
        rest["leakage"] = Leakage(**rest["leakage"])
        if "baselines" not in rest:
            raise ValueError("it was written by an earlier version of eegemo")
        rest["baselines"] = tuple(
            Prediction(**one, proba=stored[f"baseline_{number}"]) for number, one in enumerate(rest["baselines"])
        )
        scores = [score for own in rest["seen"].values() for score in own.values()]
        numbers = [rest["seconds"], *rest["leakage"].shares.values(), *scores]
        if not all(isinstance(one, int | float) for one in numbers):
            raise ValueError("a score, a share or a duration is no number")
        for name, n_axes, kinds in _FORM + tuple((f"baseline_{k}", 2, "f") for k in range(len(rest["baselines"]))):
            if stored[name].ndim != n_axes or stored[name].dtype.kind not in kinds:
                raise ValueError(f"{name} has shape {stored[name].shape} and type {stored[name].dtype}")
        train, validation, test = (np.flatnonzero(stored["part"] == code) for code in (1, 2, 3))
        rest |= {name: stored[name] for name in _ARRAYS}
        fold = Fold(train=train, validation=validation, test=test, **rest)
    except DAMAGE as error:
        raise DataFormatError(f"{path.name}: damaged, or not a fold ({error}); delete it and run again.") from error
    predicted = {len(fold.proba), *(len(one.proba) for one in fold.baselines)}
    if {len(fold.y), len(fold.trial), *predicted} != {len(fold.test)}:
        raise DataFormatError(f"{path.name}: damaged; its arrays are of different lengths. Delete it and run again.")
    return fold
