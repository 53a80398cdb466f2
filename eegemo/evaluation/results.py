"""Results: the folds of one classifier under one protocol, with everything that says what the numbers are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from eegemo._html import html_table
from eegemo._trial_parts import UNIT, number_units
from eegemo.errors import ConfigError
from eegemo.evaluation.controls import CONTROLS
from eegemo.evaluation.folds import Failure, Fold
from eegemo.evaluation.leakage import Leakage, mean_leakage, verdict
from eegemo.evaluation.metrics import LEADING_METRICS, confusion, metric_name
from eegemo.evaluation.notes import notes_on_folds, notes_on_people, notes_on_recordings, notes_on_training
from eegemo.evaluation.scoring import LEVELS, at_level, rows_of_fold, score_folds
from eegemo.evaluation.splitter import Splitter
from eegemo.labels import LabelScheme

PARTS = ("train", "validation", "test")
#: Where provenance has the scores of refits with permuted labels.
REFITS = "macro_f1_of_refits"


@dataclass(frozen=True, eq=False, repr=False)
class Results:
    """The folds of one classifier under one protocol; made by :func:`eegemo.evaluate` or :func:`eegemo.read_results`.

    Parameters
    ----------
    model : str
        A name for the tables.
    splitter : Splitter
        The protocol.
    scheme : LabelScheme
        The classes.
    table : DataFrame
        One row for each window that was split: ``subject, trial, stimulus, start``, and ``session, unit`` where
        trials have them.
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
    def asks(self) -> str | None:
        """The column that a control asks for in place of the ratings, if it does."""
        return None if self.control is None else CONTROLS[self.control].asks

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
        """What a reader must know: folds that failed or collapsed, classes that are lacking, or one recording."""
        notes = notes_on_folds(self.model, self.folds, self.failures)
        if self.asks is None:
            notes += notes_on_people(self.table["subject"], self.y, self.scheme.classes)
            notes += notes_on_recordings(self.splitter.rule, self.table, self.y)
        return (*notes, *notes_on_training(self.folds, self.y, self.scheme.classes))

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Tidy scores: a row for each (protocol, model, subject, fold, seed, level, part).

        ``subject`` is ``"all"`` for the scores of a whole part; the test part has a row for each of its
        people too. ``level`` is ``window`` or ``trial`` (mean probability over a trial's windows). ``control``
        names the control, and is empty for the real task; ``collapsed`` marks a classifier that learned nothing.
        """
        rows = []
        for fold in self.folds:
            subjects = {level: self.subject_of(at_level(fold, level)[0]) for level in LEVELS}
            rows += rows_of_fold(fold, subjects)
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
        """The classifiers that saw no EEG, as they were evaluated under the very same folds.

        A baseline that knows what is asked for, or what the dataset does not name, is left out.
        """
        names = dict.fromkeys(baseline.name for fold in self.folds for baseline in fold.baselines)
        own = {key: value for key, value in self.provenance.items() if key != REFITS}
        return tuple(
            replace(self, model=name, folds=tuple(fold.of_baseline(name) for fold in self.folds), provenance=own)
            for name in names
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
            trials = np.concatenate([at_level(fold, level)[0] for fold in folds])
            tables.append(score_folds(folds, self.subject_of(trials), level))
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
        return self.table["subject"].to_numpy()[self._rows_of(trial)]

    def stimulus_of(self, trial: np.ndarray) -> np.ndarray:
        """Return what was shown in each tested trial.

        Parameters
        ----------
        trial : array of int, shape (n,)
            Numbers of trials, as folds have them.

        Returns
        -------
        stimulus : array, shape (n,)
            Missing where that is not known.
        """
        return self.table["stimulus"].to_numpy()[self._rows_of(trial)]

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
        return number_units(self.table)[self._rows_of(trial)]

    def _rows_of(self, trial: np.ndarray) -> np.ndarray:
        """Return a row of the table for each tested trial."""
        known, rows = self._tested_trials
        return rows[np.searchsorted(known, trial)]

    @cached_property
    def _tested_trials(self) -> tuple[np.ndarray, np.ndarray]:
        """The tested trials, ascending, and a row of the table for each."""
        tested = np.concatenate([fold.test for fold in self.folds])
        known, first = np.unique(np.concatenate([fold.trial for fold in self.folds]), return_index=True)
        return known, tested[first]


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
