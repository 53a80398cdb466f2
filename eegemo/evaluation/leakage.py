"""The leakage record: how much of what is tested on was seen in training, and what that means."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from eegemo._origins import FENCEPOST
from eegemo._trial_parts import FITTED_ON_ALL, SESSION, TRIALS_NOT_KNOWN
from eegemo.windows import Windows

_SHARES = ("shared_samples", "trial", "session", "subject", "stimulus")


@dataclass(frozen=True)
class Leakage:
    """What the test windows of one fold share with its training and validation windows.

    Parameters
    ----------
    shared_samples, trial, subject, stimulus : float
        Share of the test windows, from 0 to 1, that have raw samples, their trial, their subject or their
        stimulus in common with training or validation; NaN where that is not known. Raw samples are those of the
        recording that a trial was cut from, where its trials name it. Trials of one ``unit`` count as one trial: who
        has seen the one has seen the rating of the other.
    session : float
        Share of the test windows of whose person training or validation saw that very visit; NaN where recordings do
        not name their sessions.
    fitted_on_test, chosen_by_test : tuple of str | None
        What was fitted on test data (a transductive normalisation, say), and what was chosen by them (the epoch to
        stop at); empty where nothing was, None where that is not known. What prepared a recording by itself, without
        labels (filters, EOG removal, bad channels), saw all of its trials and is not counted.
    """

    shared_samples: float
    trial: float
    subject: float
    stimulus: float
    fitted_on_test: tuple[str, ...] | None = ()
    chosen_by_test: tuple[str, ...] | None = ()
    session: float = math.nan

    @property
    def shares(self) -> dict[str, float]:
        """The shares by name; that of sessions where recordings name them."""
        shares = {name: getattr(self, name) for name in _SHARES}
        return {name: share for name, share in shares.items() if name != SESSION or not np.isnan(share)}

    @property
    def in_percent(self) -> str:
        """The shares, in words."""
        return ", ".join(f"{name.replace('_', ' ')} {percent(share)}" for name, share in self.shares.items())

    def __str__(self) -> str:
        return f"{self.in_percent}; {self.use_of_test_data}"

    @property
    def use_of_test_data(self) -> str:
        """In words, what was fitted on test data and what was chosen by them."""
        if self.fitted_on_test == () and self.chosen_by_test == ():
            return "nothing fitted on test data or chosen by them"
        words = []
        for what, verb in ((self.fitted_on_test, "fitted on test data"), (self.chosen_by_test, "chosen by test data")):
            if what is None:
                words.append(f"not known what was {verb}")
            elif what:
                words.append(f"{verb}: {', '.join(what)}")
            else:
                words.append(f"nothing {verb}")
        return ", ".join(words)


def percent(share: float) -> str:
    """Write a share in percent, so that neither a small leak nor a small rest is rounded away.

    Parameters
    ----------
    share : float
        From 0 to 1, or NaN.

    Returns
    -------
    text : str
        ``0%``, ``<1%``, ``1%`` ... ``99%``, ``>99%``, ``100%``, or ``unknown``.
    """
    if np.isnan(share):
        return "unknown"
    if 0 < share < 0.01:
        return "<1%"
    return ">99%" if 0.99 < share < 1 else f"{share:.0%}"


def leakage_record(windows: Windows, seen: np.ndarray, test: np.ndarray) -> Leakage:
    """Count what the test windows share with the windows that training saw.

    Parameters
    ----------
    windows : Windows
        All windows. Steps that their trials' provenance says were fitted on all of them are in the record.
    seen : array of int
        Numbers of the windows in training *and* validation: early stopping sees both.
    test : array of int
        Numbers of the windows tested on.

    Returns
    -------
    leakage : Leakage
    """
    table = windows.trials.table
    seen_rows, test_rows = table.iloc[np.unique(windows.trial_index[seen])], table.iloc[windows.trial_index[test]]
    return Leakage(
        shared_samples=shared_raw_samples(windows, seen, test),
        trial=shared_trials(windows, seen, test),
        subject=_shared(seen_rows["subject"], test_rows["subject"]),
        stimulus=_shared(seen_rows["stimulus"], test_rows["stimulus"]),
        session=_shared_session(seen_rows, test_rows),
        fitted_on_test=tuple(windows.trials.provenance.get(FITTED_ON_ALL, ())),
    )


def mean_leakage(records: Iterable[Leakage]) -> Leakage:
    """Average the shares of several folds, and join what was fitted on or chosen by test data in any of them."""
    records = list(records)
    means = pd.DataFrame([record.shares for record in records]).mean(skipna=False)
    return Leakage(
        **{str(name): float(share) for name, share in means.items()},
        fitted_on_test=_joined(record.fitted_on_test for record in records),
        chosen_by_test=_joined(record.chosen_by_test for record in records),
    )


def verdict(leakage: Leakage) -> str:
    """Say in words what a score under such a split can mean.

    Parameters
    ----------
    leakage : Leakage
        Of a fold, or the mean of several.

    Returns
    -------
    text : str
        A few sentences; the first one is the verdict.
    """
    of = {name: percent(share) for name, share in leakage.shares.items()}
    sentences = []
    if leakage.trial > 0:
        sentences.append(f"LEAKS: {of['trial']} of the test windows come from a trial that training or validation saw.")
        if leakage.trial < 0.5:
            sentences.append("On those a model can score by recognising the trial; score without them.")
        else:
            sentences.append(
                "A model can score by recognising trials; the number says little or nothing about emotion in a new one."
            )
    elif leakage.shared_samples > 0:
        others = ", though their trials are called others" if leakage.trial == 0 else ""
        sentences.append(f"LEAKS: test windows share raw samples with training{others}.")
    elif leakage.chosen_by_test:
        sentences.append(
            f"LEAKS: the model was chosen by the data it is tested on ({', '.join(leakage.chosen_by_test)}), so its "
            "score is the best of several."
        )
    elif np.isnan(leakage.trial):
        sentences.append(
            "NOT KNOWN: the split does not say which windows belong to one trial; ask for that, or name it in a column "
            "'trial' (of the metadata, where they are epochs)."
        )
    else:
        sentences.append(f"No test window shares its trial with training: it tests {_whom(leakage)}.")
    if leakage.shared_samples > 0:
        sentences.append(
            f"{of['shared_samples']} of the test windows hold raw samples that training or validation saw."
        )
    if leakage.trial == 0 and np.isnan(leakage.shared_samples):
        sentences.append(
            "NOT KNOWN: whether test windows hold raw samples that training saw, since it is not said where in the "
            "recording they were cut (epochs say it by their events); ask whether trials overlap."
        )
    if leakage.trial == 0 and leakage.stimulus > 0:
        sentences.append(
            f"{of['stimulus']} of the test windows show a stimulus that training knew: a model that recognises the "
            "stimulus can score as much as the majority of the same stimulus, without reading any emotion."
        )
    if leakage.trial == 0 and leakage.subject > 0:
        sentences.append(
            f"{of['subject']} come from a person that training knew: compare with the majority of the subject."
        )
    if leakage.fitted_on_test:
        what = ", ".join(leakage.fitted_on_test)
        sentences.append(
            f"TRANSDUCTIVE: {what} was fitted on test data too; without labels that is allowed, with them it LEAKS."
        )
    if leakage.chosen_by_test and not sentences[0].startswith("LEAKS: the model"):
        sentences.append(f"Chosen by test data: {', '.join(leakage.chosen_by_test)}.")
    if leakage.fitted_on_test is None or leakage.chosen_by_test is None:
        sentences.append(
            "The split alone does not show whether normalisation, feature selection or the choice of the epoch saw "
            "test data; ask for that."
        )
    return " ".join(sentences)


def shared_samples(seen: np.ndarray, test: np.ndarray, length: int) -> float:
    """Share of the test windows that overlap a seen window.

    Parameters
    ----------
    seen, test : array of int
        First samples of windows, on one strip.
    length : int
        Samples in a window.

    Returns
    -------
    share : float
        From 0 to 1.
    """
    return float(_overlapping(seen, test, length).mean())


def shared_raw_samples(windows: Windows, seen: np.ndarray, test: np.ndarray) -> float:
    """Share of the test windows that hold raw samples of a seen window, wherever in the strip they lie.

    Parameters
    ----------
    windows : Windows
        All windows.
    seen, test : array of int
        Numbers of windows.

    Returns
    -------
    share : float
        From 0 to 1; NaN where none is known to, and trials of one recording may overlap in it. One sample that trials
        which follow each other have in common does not count.
    """
    shared = _overlapping(windows.starts[seen], windows.starts[test], windows.n_times)
    origins, rows = windows.trials.origins, windows.trial_index
    if origins is None or origins.apart:
        return float(shared.mean())
    there = windows.starts + (origins.first - windows.trials.table["start"].to_numpy())[rows]
    among = origins.overlapping[rows[test]]
    shared[among] |= _overlapping(
        there[seen[origins.overlapping[rows[seen]]]], there[test[among]], windows.n_times - FENCEPOST
    )
    if not shared.any():
        seen_rows = np.unique(rows[seen])
        lost = np.isin(origins.recording, origins.recording[seen_rows[~origins.known[seen_rows]]])
        lost |= ~origins.known & np.isin(origins.recording, origins.recording[seen_rows])
        if lost[rows[test]].any():
            return math.nan
    return float(shared.mean())


def shared_trials(windows: Windows, seen: np.ndarray, test: np.ndarray) -> float:
    """Share of the test windows whose trial was seen.

    Parameters
    ----------
    windows : Windows
        All windows.
    seen, test : array of int
        Numbers of windows.

    Returns
    -------
    share : float
        From 0 to 1; NaN where none is known to, and a person's trials are not known.
    """
    units = windows.groups
    share = float(np.isin(units[test], units[seen]).mean())
    if share == 0 and windows.trials.provenance.get(TRIALS_NOT_KNOWN):
        subject = windows.trials.table["subject"].to_numpy()
        share = math.nan if np.isin(subject[windows.trial_index[test]], subject[windows.trial_index[seen]]).any() else 0
    return share


def _overlapping(seen: np.ndarray, test: np.ndarray, length: int) -> np.ndarray:
    """Whether each test window overlaps a seen one; of windows of one length the nearest two are enough to look at."""
    seen = np.sort(seen)
    after = np.searchsorted(seen, test)
    following = np.append(seen, np.iinfo(np.int64).max)[after]
    preceding = np.append(np.iinfo(np.int64).min // 2, seen)[after]
    return (following - test < length) | (test - preceding < length)


def _shared(seen: pd.Series, test: pd.Series) -> float:
    """Share of test rows whose value was seen; NaN where any value is missing."""
    return math.nan if seen.isna().any() or test.isna().any() else float(test.isin(seen.unique()).mean())


def _shared_session(seen: pd.DataFrame, test: pd.DataFrame) -> float:
    if SESSION not in seen:
        return math.nan
    keys = ["subject", SESSION]
    if seen[keys].isna().any(axis=None) or test[keys].isna().any(axis=None):
        return math.nan
    return float(pd.MultiIndex.from_frame(test[keys]).isin(pd.MultiIndex.from_frame(seen[keys])).mean())


def _whom(leakage: Leakage) -> str:
    """Say who and what is new in the test."""
    whom = {True: "new people"}.get(leakage.subject == 0, "people whom training knew")
    stimuli = {True: "new stimuli"}.get(leakage.stimulus == 0, "stimuli that training knew")
    if np.isnan(leakage.subject):
        whom = "people of whom it is not known whether training knew them"
    elif 0 < leakage.subject < 1:
        whom = "people some of whom training knew"
    if np.isnan(leakage.stimulus):
        stimuli = "stimuli of which it is not known whether training knew them"
    elif 0 < leakage.stimulus < 1:
        stimuli = "stimuli some of which training knew"
    what = "new sessions" if leakage.session == 0 and leakage.subject > 0 else "new trials"
    return f"{what} of {whom}, with {stimuli}"


def _joined(many: Iterable[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    lists = list(many)
    return None if None in lists else tuple(dict.fromkeys(what for some in lists for what in some or ()))
