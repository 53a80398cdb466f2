"""Results: the folds of one classifier under one protocol, with everything that says what the numbers are."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from eegemo._html import html_table
from eegemo._trial_parts import UNIT, number_units
from eegemo.errors import ConfigError, unknown_name
from eegemo.evaluation.baselines import BASELINES
from eegemo.evaluation.folds import Failure, Fold
from eegemo.evaluation.leakage import Leakage, mean_leakage, verdict
from eegemo.evaluation.metrics import LEADING_METRICS, confusion, metric_name, score, to_trials
from eegemo.evaluation.protocols import Splitter
from eegemo.labels import LabelScheme

PARTS = ("train", "validation", "test")
LEVELS = ("window", "trial")


@dataclass(frozen=True, eq=False, repr=False)
class Results:
    """The folds of one classifier under one protocol; made by :func:`eegemo.evaluate`, or :meth:`open`.

    Parameters
    ----------
    model : str
        A name for the tables.
    splitter : Splitter
        The protocol.
    scheme : LabelScheme
        The classes.
    table : DataFrame
        One row for each window that was split: ``subject, trial, stimulus, start``, and ``unit`` where trials have one.
    y : array of int, shape (n_windows,)
        Their classes.
    folds : tuple of Fold
        Those that succeeded.
    failures : tuple of Failure
        Those that did not; their windows are missing from every score.
    provenance : dict
        Configuration, split hash, data fingerprint, versions, commit, machine, seconds, peak memory,
        ``simulated`` and ``smoke``; JSON-compatible.
    """

    model: str
    splitter: Splitter
    scheme: LabelScheme
    table: pd.DataFrame
    y: np.ndarray
    folds: tuple[Fold, ...]
    failures: tuple[Failure, ...]
    provenance: dict[str, Any]

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Results:
        """Load the results of a run from its folder; the recordings are not needed.

        Parameters
        ----------
        path : path-like
            The folder that :func:`eegemo.evaluate` wrote.

        Returns
        -------
        results : Results

        Raises
        ------
        ConfigError
            If there is no run, or it was interrupted; run it again with the same settings, and it goes on.
        DataFormatError
            If a file is damaged.
        """
        from eegemo.evaluation.run_folder import open_results

        return open_results(Path(path))

    def __repr__(self) -> str:
        if not self.folds:
            return f"<Results | {self.model} under {self.protocol}, {self.scheme.name}: no folds>"
        scores = self.of_subjects().mean()
        shown = ", ".join(f"{metric_name(name)} {scores[name]:.3f}" for name in LEADING_METRICS)
        kind = "SIMULATED data, " * self.simulated + f"control {self.control}, " * (self.control is not None)
        return (
            f"<Results | {self.model_label} under {self.protocol_label}, {self.scheme.name}: {kind}"
            f"{len(self.folds)} folds, {len(self.subjects)} subjects, {len(self.table)} windows\n"
            f"  {shown} (windows, mean over subjects)\n"
            f"  {self.verdict}>"
        )

    def _repr_html_(self) -> str:
        title, *lines = repr(self)[1:-1].split("\n")
        if not lines:
            return html_table(title, {})
        return html_table(title, {"verdict": self.verdict}) + self.summary().to_html(index=False)

    def summary(self, level: str = "window") -> pd.DataFrame:
        """Show the scores beside those of the baselines that saw no EEG.

        Parameters
        ----------
        level : "window" | "trial"
            Whether windows or whole trials are scored.

        Returns
        -------
        table : DataFrame
            A row for the model and for each baseline: ``protocol, model, subjects``, then macro-F1, balanced accuracy,
            accuracy and kappa as mean ± standard deviation over the subjects.

        See Also
        --------
        of_subjects : The scores of each subject.
        eegemo.confidence_interval : How far the mean can be trusted.
        """
        rows = []
        for result in (self, *self.baselines):
            scores = result.of_subjects(level)[list(LEADING_METRICS)]
            mean, spread = scores.mean(), scores.std()
            text = {
                metric_name(name): f"{mean[name]:.3f}" + (f" ± {spread[name]:.3f}" if len(scores) > 1 else "")
                for name in LEADING_METRICS
            }
            rows.append({"protocol": self.protocol_label, "model": result.model_label, "subjects": len(scores), **text})
        return pd.DataFrame(rows)

    @property
    def protocol(self) -> str:
        """The name of the protocol."""
        return self.splitter.protocol

    @property
    def protocol_label(self) -> str:
        """The protocol as it stands in tables: its name, and *transductive* where test data were fitted on."""
        return self.protocol + (", transductive" if self.leakage.fitted_on_test else "")

    @property
    def model_label(self) -> str:
        """The model as it stands in tables: its name, and in how many folds it collapsed, where it did."""
        n_collapsed = sum(fold.collapse is not None for fold in self.folds)
        return self.model + (f" (collapsed in {n_collapsed} of {len(self.folds)} folds)" if n_collapsed else "")

    @property
    def control(self) -> str | None:
        """The control that this is, or None where it is the real task."""
        control = self.provenance.get("control")
        return None if control is None else str(control["name"])

    @property
    def simulated(self) -> bool:
        """Whether nobody was recorded."""
        return bool(self.provenance["simulated"])

    @property
    def subjects(self) -> list[Any]:
        """The people, in sorted order."""
        return sorted(self.table["subject"].unique().tolist())

    @cached_property
    def leakage(self) -> Leakage:
        """The mean leakage record of the folds."""
        return mean_leakage(fold.leakage for fold in self.folds)

    @property
    def verdict(self) -> str:
        """What the scores can mean, in words."""
        return verdict(self.leakage)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know: folds that failed or collapsed, classes that a person or a training set lacks."""
        names = self.scheme.classes
        notes = [
            f"Fold {failure.number} failed, and its windows are in no score: {failure.error}"
            for failure in self.failures
        ]
        notes += [
            f"Fold {fold.number}: {self.model} has collapsed: {fold.collapse}."
            for fold in self.folds
            if fold.collapse is not None
        ]
        if self.control in (None, "permuted-labels", "injected-signal"):
            for subject, own in self.table.groupby("subject"):
                lacking = [name for k, name in enumerate(names) if not (self.y[own.index] == k).any()]
                if lacking:
                    notes.append(f"Subject {subject} has no trial of {', '.join(lacking)}.")
        for fold in self.folds:
            lacking_numbers = np.setdiff1d(fold.y, self.y[fold.train])
            if len(lacking_numbers):
                missing = ", ".join(names[number] for number in lacking_numbers)
                n = int(np.isin(fold.y, lacking_numbers).sum())
                notes.append(f"Fold {fold.number}: {missing} is not in training, so {n} test windows cannot be right.")
        return tuple(notes)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Tidy scores: a row for each (protocol, model, subject, fold, seed, level, part).

        ``subject`` is ``"all"`` for the scores of a whole part; the test part has a row for each of its
        people too. ``level`` is ``window`` or ``trial`` (mean probability over a trial's windows). ``control``
        names the control, and is empty for the real task; ``collapsed`` marks a classifier that learned nothing.
        """
        rows = []
        for fold in self.folds:
            for part, scores in fold.seen.items():
                rows.append({"subject": "all", "fold": fold.number, "level": "window", "part": part, **scores})
            for level in LEVELS:
                trial, y, proba = at_level(fold, level)
                subject = self.subject_of(trial).astype(str)
                key = {"fold": fold.number, "level": level, "part": "test"}
                rows.append({"subject": "all", **key, **score(y, proba)})
                for tested in np.unique(subject):
                    own = subject == tested
                    rows.append({"subject": tested, **key, **score(y[own], proba[own])})
        table = pd.DataFrame(rows)
        collapsed = {fold.number: fold.collapse is not None for fold in self.folds}
        table.insert(list(table).index("part") + 1, "collapsed", table["fold"].map(collapsed))
        run = {
            "protocol": self.protocol_label,
            "model": self.model,
            "control": self.control or "",
            "seed": self.splitter.random_state,
        }
        return pd.concat([pd.DataFrame(run, index=table.index), table], axis=1)

    @property
    def predictions(self) -> pd.DataFrame:
        """Out-of-fold predictions: the window table of the test windows with fold, class and probabilities."""
        tables = []
        for fold in self.folds:
            table = self.table.iloc[fold.test].reset_index(drop=True).assign(fold=fold.number, y=fold.y)
            proba = pd.DataFrame(fold.proba, columns=[f"p_{name}" for name in self.scheme.classes])
            tables.append(pd.concat([table, proba], axis=1))
        return pd.concat(tables, ignore_index=True)

    @cached_property
    def baselines(self) -> tuple[Results, ...]:
        """The classifiers that saw no EEG, under the very same folds.

        A baseline that knows what is asked for, or what the dataset does not name, is left out.
        """
        knows = {"who-is-it": "subject", "which-video": "stimulus"}.get(self.control or "")
        found = []
        for name, classifier in BASELINES.items():
            by = getattr(classifier, "by", None)
            if by is not None and (by == knows or self.table[by].isna().any()):
                continue
            folds = tuple(self._baseline_fold(classifier, fold) for fold in self.folds)
            found.append(replace(self, model=name, folds=folds))
        return tuple(found)

    def _baseline_fold(self, classifier: Any, fold: Fold) -> Fold:
        fresh = clone(classifier)
        if "random_state" in fresh.get_params():
            fresh.set_params(random_state=fold.number)
        fitted = fresh.fit(self.table.iloc[fold.train], self.y[fold.train])

        def predict(numbers: np.ndarray) -> np.ndarray:
            proba = np.zeros((len(numbers), len(self.scheme.classes)), np.float32)
            proba[:, fitted.classes_] = fitted.predict_proba(self.table.iloc[numbers])
            return proba

        parts = {"train": fold.train, "validation": fold.validation}
        seen = {part: score(self.y[numbers], predict(numbers)) for part, numbers in parts.items() if len(numbers)}
        return replace(
            fold,
            seen=seen,
            proba=predict(fold.test),
            history={},
            best_epoch=None,
            n_parameters=None,
            seconds=0.0,
            peak_memory_mb=None,
            collapse=None,  # a majority is one class by design
        )

    def confusion(self, level: str = "window") -> np.ndarray:
        """Sum the confusion matrices of the folds.

        Parameters
        ----------
        level : "window" | "trial"
            Whether windows or whole trials are scored.

        Returns
        -------
        matrix : array of int, shape (n_classes, n_classes)
            Rows are true classes, in the order of the scheme.
        """
        n_classes = len(self.scheme.classes)
        matrices = []
        for fold in self.folds:
            _, y, proba = at_level(fold, level)
            matrices.append(confusion(y, proba.argmax(axis=1), n_classes))
        return np.sum(matrices, axis=0)

    def of_subjects(self, level: str = "window") -> pd.DataFrame:
        """Score each person over all folds together.

        Parameters
        ----------
        level : "window" | "trial"
            Whether windows or whole trials are scored.

        Returns
        -------
        table : DataFrame
            A row for each person tested, its index, in sorted order; a column for each score. With repeated folds,
            the mean over the repetitions.
        """
        if level not in self._of_subjects:
            self._of_subjects[level] = self._scored_subjects(level)
        return self._of_subjects[level].copy()

    @cached_property
    def _of_subjects(self) -> dict[str, pd.DataFrame]:
        return {}

    def _scored_subjects(self, level: str) -> pd.DataFrame:
        tables = []
        for folds in self.repetitions():
            levels = [at_level(fold, level) for fold in folds]
            trial, y, proba = (np.concatenate(parts) for parts in zip(*levels, strict=True))
            subject = self.subject_of(trial)
            tables.append(
                pd.DataFrame(
                    {tested: score(y[subject == tested], proba[subject == tested]) for tested in np.unique(subject)}
                ).T
            )
        return pd.concat(tables).groupby(level=0).mean().rename_axis("subject")

    def repetitions(self) -> list[list[Fold]]:
        """Return the folds of each repetition."""
        n_folds = (len(self.folds) + len(self.failures)) // self.splitter.n_repeats
        repeats = [[fold for fold in self.folds if fold.number // n_folds == r] for r in range(self.splitter.n_repeats)]
        return [folds for folds in repeats if folds]

    def subject_of(self, trial: np.ndarray) -> np.ndarray:
        """Return the person of each tested trial.

        Parameters
        ----------
        trial : array of int, shape (n,)
            Numbers of trials, as folds have them.

        Returns
        -------
        subject : array, shape (n,)
        """
        known, rows = self._rows_of_trials
        return self.table["subject"].to_numpy()[rows[np.searchsorted(known, trial)]]

    def unit_of(self, trial: np.ndarray) -> np.ndarray:
        """Return the unit of each tested trial: what it shares a rating or a presentation with.

        Parameters
        ----------
        trial : array of int, shape (n,)
            Numbers of trials, as folds have them.

        Returns
        -------
        unit : array of int, shape (n,)
            A number of its own for each trial where the table has no column ``unit``.
        """
        if UNIT not in self.table:
            return np.asarray(trial)
        known, rows = self._rows_of_trials
        return number_units(self.table)[rows[np.searchsorted(known, trial)]]

    @cached_property
    def _rows_of_trials(self) -> tuple[np.ndarray, np.ndarray]:
        """The tested trials, ascending, and a row of the table for each."""
        tested = np.concatenate([fold.test for fold in self.folds])
        known, first = np.unique(np.concatenate([fold.trial for fold in self.folds]), return_index=True)
        return known, tested[first]


def at_level(fold: Fold, level: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what was predicted for windows, or for whole trials.

    Parameters
    ----------
    fold : Fold
        With its predictions.
    level : "window" | "trial"
        A trial's probabilities are the mean over its windows.

    Returns
    -------
    trial, y : array of int, shape (n,)
        The trial, and the class, of each window or trial.
    proba : array, shape (n, n_classes)
    """
    if level not in LEVELS:
        raise unknown_name("level", level, LEVELS)
    return to_trials(fold.trial, fold.y, fold.proba) if level == "trial" else (fold.trial, fold.y, fold.proba)


def concatenate(results: Sequence[Results]) -> pd.DataFrame:
    """Put the tidy scores of several results under each other.

    Parameters
    ----------
    results : sequence of Results
        Of any models and protocols.

    Returns
    -------
    scores : DataFrame
        The rows of :attr:`Results.scores`; ``protocol, model, control, seed`` tell them apart.

    Raises
    ------
    ConfigError
        If there are none.
    """
    if not results:
        raise ConfigError("There are no results to put together.")
    return pd.concat([result.scores for result in results], ignore_index=True)
