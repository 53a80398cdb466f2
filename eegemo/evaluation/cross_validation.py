"""Run a classifier under a protocol: a fresh fit on each fold, and a record of how each number came about."""

from __future__ import annotations

import inspect
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from rich.progress import Progress
from sklearn.base import BaseEstimator, clone

from eegemo._atomic import replacing
from eegemo._json import plain
from eegemo.errors import ConfigError, unknown_name
from eegemo.evaluation.leakage import Leakage, leakage_record, mean_leakage
from eegemo.evaluation.metrics import confusion, score, to_trials
from eegemo.evaluation.protocols import Split, Splitter
from eegemo.evaluation.provenance import commit, environment, hash_arrays, peak_memory_mb
from eegemo.labels import LabelScheme
from eegemo.windows import Windows

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Fold:
    """What one fold gave.

    Parameters
    ----------
    number : int
        Of the fold, from 0.
    seen : dict of str -> dict
        Window-level scores of the fitted classifier on ``train`` and ``validation``.
    test, y, trial : array of int, shape (n_test,)
        Numbers, classes and trials (rows of the trial table) of the windows tested on.
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
        Of fitting and predicting.
    peak_memory_mb : float | None
        Of the process that ran it.
    """

    number: int
    seen: dict[str, dict[str, float]]
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

    def save(self, path: Path) -> None:
        """Write the fold as one ``.npz`` file, whole or not at all.

        Parameters
        ----------
        path : Path
            Its name ends in ``.npz``.
        """
        arrays = {name: getattr(self, name) for name in ("test", "y", "trial", "proba")}
        rest = {k: v for k, v in vars(self).items() if k not in arrays} | {"leakage": asdict(self.leakage)}
        with replacing(path) as partial:
            np.savez_compressed(partial, record=np.array(json.dumps(rest)), **arrays)


def read_fold(path: Path) -> Fold:
    """Read a fold that was written with :meth:`Fold.save`.

    Parameters
    ----------
    path : Path
        The ``.npz`` file.

    Returns
    -------
    fold : Fold
    """
    with np.load(path, allow_pickle=False) as stored:
        rest = json.loads(str(stored["record"]))
        rest["leakage"] = Leakage(**rest["leakage"])
        return Fold(**{name: stored[name] for name in ("test", "y", "trial", "proba")}, **rest)


@dataclass(frozen=True)
class Results:
    """The folds of one classifier under one protocol.

    Parameters
    ----------
    model : str
        A name for the tables.
    splitter : Splitter
        The protocol.
    scheme : LabelScheme
        The classes.
    windows : Windows
        What was split.
    folds : tuple of Fold
    provenance : dict
        Configuration, split hash, data fingerprint, versions, commit, machine, seconds, peak memory,
        ``simulated`` and ``smoke``; JSON-compatible.
    """

    model: str
    splitter: Splitter
    scheme: LabelScheme
    windows: Windows
    folds: tuple[Fold, ...]
    provenance: dict[str, Any]

    @property
    def protocol(self) -> str:
        """The name of the protocol."""
        return self.splitter.protocol

    @property
    def leakage(self) -> Leakage:
        """The mean leakage record of the folds."""
        return mean_leakage(fold.leakage for fold in self.folds)

    @property
    def scores(self) -> pd.DataFrame:
        """Tidy scores: a row for each (protocol, model, subject, fold, seed, level, part).

        ``subject`` is ``"all"`` for the scores of a whole part; the test part has a row for each of its
        people too. ``level`` is ``window`` or ``trial`` (mean probability over a trial's windows).
        """
        rows = []
        for fold in self.folds:
            for part, scores in fold.seen.items():
                rows.append({"subject": "all", "fold": fold.number, "level": "window", "part": part, **scores})
            for level, trial, y, proba in self._levels(fold):
                subject = self.windows.trials.table["subject"].to_numpy()[trial]
                key = {"fold": fold.number, "level": level, "part": "test"}
                rows.append({"subject": "all", **key, **score(y, proba)})
                for person in np.unique(subject):
                    own = subject == person
                    rows.append({"subject": str(person), **key, **score(y[own], proba[own])})
        table = pd.DataFrame(rows)
        run = {"protocol": self.protocol, "model": self.model, "seed": self.splitter.random_state}
        return pd.concat([pd.DataFrame(run, index=table.index), table], axis=1)

    @property
    def predictions(self) -> pd.DataFrame:
        """Out-of-fold predictions: the window table of the test windows with fold, class and probabilities."""
        tables = []
        for fold in self.folds:
            table = self.windows[fold.test].table.assign(fold=fold.number, y=fold.y)
            proba = pd.DataFrame(fold.proba, columns=[f"p_{name}" for name in self.scheme.classes])
            tables.append(pd.concat([table, proba], axis=1))
        return pd.concat(tables, ignore_index=True)

    def confusion(self, level: str = "window") -> np.ndarray:
        """Sum the confusion matrices of the folds.

        Parameters
        ----------
        level : "window" | "trial"

        Returns
        -------
        matrix : array of int, shape (n_classes, n_classes)
            Rows are true classes, in the order of the scheme.
        """
        if level not in ("window", "trial"):
            raise unknown_name("level", level, ("window", "trial"))
        n_classes = len(self.scheme.classes)
        return sum(
            (
                confusion(y, proba.argmax(axis=1), n_classes)
                for fold in self.folds
                for name, _, y, proba in self._levels(fold)
                if name == level
            ),
            start=np.zeros((n_classes, n_classes), int),
        )

    @staticmethod
    def _levels(fold: Fold) -> list[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
        return [
            ("window", fold.trial, fold.y, fold.proba),
            ("trial", *to_trials(fold.trial, fold.y, fold.proba)),
        ]


def evaluate(
    classifier: BaseEstimator,
    windows: Windows,
    scheme: LabelScheme,
    splitter: Splitter,
    *,
    model: str | None = None,
    n_jobs: int | None = None,
    folder: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    smoke: bool = False,
) -> Results:
    """Fit and test a classifier on every fold of a protocol.

    Parameters
    ----------
    classifier : estimator
        Cloned for each fold. It gets the validation data where its ``fit`` takes ``validation_data``, which
        that of a Pipeline does not; then they are only scored. One
        whose ``random_state`` is None gets the splitter's, so that a run can be repeated.
    windows : Windows
    scheme : LabelScheme
        Gives the classes.
    splitter : Splitter
        From :func:`make_splitter`.
    model : str | None
        A name for the tables; the classifier's class by default.
    n_jobs : int | None
        Folds at a time, as in scikit-learn. The splits are the same; a network in a process of its own runs
        on fewer threads, and its sums may differ in their last digits.
    folder : path-like | None
        Where each fold is written when it ends, as ``fold-00.npz``; those of an earlier run are removed.
    progress : rich.progress.Progress | None
        Shows bars over folds and epochs.
    smoke : bool
        Marks the provenance of a run that only shows that everything works.

    Returns
    -------
    results : Results

    Raises
    ------
    ConfigError
        If there are too few units for the splits, or a fold's predictions are not finite.
    DataFormatError
        If a window holds NaN, or a trial cannot be labelled.
    """
    started = time.perf_counter()
    commit()  # remembered from here on, whatever is edited during the run
    y = scheme(windows)
    estimator = clone(classifier)
    unseeded = [k for k, v in estimator.get_params().items() if k.split("__")[-1] == "random_state" and v is None]
    estimator.set_params(**dict.fromkeys(unseeded, splitter.random_state))
    name = model or type(classifier).__name__
    splits = list(splitter.split(windows, y))
    if folder is not None:
        for stale in Path(folder).glob("fold-*.npz"):
            stale.unlink()
    target = None if folder is None else Path(folder)
    folds = _run_folds(estimator, windows, y, len(scheme.classes), splits, name, splitter, n_jobs, target, progress)
    return Results(
        model=name,
        splitter=splitter,
        scheme=scheme,
        windows=windows,
        folds=tuple(folds),
        provenance={
            "model": name,
            "classifier": type(classifier).__name__,
            "parameters": {k: plain(v) for k, v in estimator.get_params().items() if not isinstance(v, BaseEstimator)},
            "protocol": asdict(splitter),
            "labels": scheme.name,
            "classes": list(scheme.classes),
            "window": {
                "length": windows.length,
                "sfreq": windows.trials.sfreq,
                "n_windows": len(windows),
                "starts_hash": hash_arrays(windows.starts),
            },
            "ch_names": list(windows.trials.ch_names),
            "dataset": windows.trials.dataset,
            "data": windows.trials.provenance,
            "data_fingerprint": windows.trials.fingerprint,
            "split_hash": hash_arrays(*(part for split in splits for part in split)),
            "leakage": [{k: None if np.isnan(v) else v for k, v in asdict(fold.leakage).items()} for fold in folds],
            "simulated": windows.trials.simulated,
            "smoke": smoke,
            "seconds": round(time.perf_counter() - started, 2),
            "seconds_per_fold": [round(fold.seconds, 2) for fold in folds],
            "peak_memory_mb": max((fold.peak_memory_mb for fold in folds if fold.peak_memory_mb), default=None),
            **environment(),
        },
    )


def _run_folds(
    estimator: BaseEstimator,
    windows: Windows,
    y: np.ndarray,
    n_classes: int,
    splits: list[Split],
    name: str,
    splitter: Splitter,
    n_jobs: int | None,
    folder: Path | None,
    progress: Progress | None,
) -> list[Fold]:
    n_workers = min(joblib.effective_n_jobs(n_jobs), len(splits))
    title = f"{name} · {splitter.protocol}"
    bar = progress.add_task(f"{title} · folds", total=len(splits)) if progress else None
    epochs = estimator.get_params().get("epochs")
    epoch_bar = progress.add_task(f"{title} · epochs", total=epochs) if progress and epochs and n_workers == 1 else None

    def on_epoch_end(done: int, _: dict[str, list[float]]) -> None:
        if progress is not None and epoch_bar is not None:
            progress.update(epoch_bar, completed=done)

    listener = on_epoch_end if epoch_bar is not None else None
    jobs = (
        joblib.delayed(_run_fold)(number, estimator, windows, y, n_classes, split, n_workers, listener)
        for number, split in enumerate(splits)
    )
    folds = []
    for fold in joblib.Parallel(n_jobs=n_workers, return_as="generator_unordered")(jobs):
        if folder is not None:
            fold.save(folder / f"fold-{fold.number:02d}.npz")
        folds.append(fold)
        if progress is not None and bar is not None:
            progress.update(bar, advance=1)
    if progress is not None:
        for task in (bar, epoch_bar):
            if task is not None:
                progress.update(task, visible=False)
    return sorted(folds, key=lambda fold: fold.number)


def _run_fold(
    number: int,
    estimator: BaseEstimator,
    windows: Windows,
    y: np.ndarray,
    n_classes: int,
    split: Split,
    n_workers: int,
    on_epoch_end: Callable[[int, dict[str, list[float]]], None] | None,
) -> Fold:
    if n_workers > 1:  # read by TensorFlow when it is first imported in a worker process
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, joblib.cpu_count() // n_workers)))
    started = time.perf_counter()
    train, validation, test = split
    classifier = clone(estimator)
    options: dict[str, Any] = {}
    accepted = inspect.signature(classifier.fit).parameters
    if "validation_data" in accepted:
        # A class that training lacks cannot be predicted, so there is nothing to stop on in its windows.
        usable = validation[np.isin(y[validation], np.unique(y[train]))]
        options["validation_data"] = (windows[usable], y[usable]) if len(usable) else None
    if "on_epoch_end" in accepted and on_epoch_end is not None:
        options["on_epoch_end"] = on_epoch_end
    classifier.fit(windows[train], y[train], **options)

    def predict(numbers: np.ndarray) -> np.ndarray:
        proba = np.zeros((len(numbers), n_classes), np.float32)
        proba[:, classifier.classes_] = classifier.predict_proba(windows[numbers])
        if not np.isfinite(proba).all():
            raise ConfigError(
                f"Fold {number}: the predicted probabilities are not finite; training diverged. Lower the "
                "learning rate, or look for extreme values in the recordings."
            )
        return proba

    weights = getattr(getattr(classifier, "model_", None), "trainable_weights", None)
    parts = {"train": train, "validation": validation}
    seen = {part: score(y[numbers], predict(numbers)) for part, numbers in parts.items() if len(numbers)}
    return Fold(
        number=number,
        seen=seen,
        test=test,
        y=y[test],
        trial=windows.trial_index[test],
        proba=predict(test),
        history=getattr(classifier, "history_", {}),
        best_epoch=getattr(classifier, "best_epoch_", None),
        leakage=leakage_record(windows, np.concatenate([train, validation]), test),
        n_parameters=None if weights is None else int(sum(np.prod(weight.shape) for weight in weights)),
        seconds=time.perf_counter() - started,
        peak_memory_mb=peak_memory_mb(),
    )
