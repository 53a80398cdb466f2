"""Trials of a few samples, whose windows can be counted by hand: of people, stimuli and sessions to be kept apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from eegemo import Trials, Windows
from eegemo.evaluation.protocols import PROTOCOLS
from eegemo.evaluation.splitter import NSplits, Split

LEAVE_ONE_OUT: NSplits = "leave-one-out"
PEOPLE_ARE_KEPT = ("subject", "subject-stimulus", "dataset")
NOT_ONE_BY_ONE = ("window-random", "subject-stimulus")
#: Protocol, n_splits and within, as far as they go together.
SETTINGS = [
    (protocol, n_splits, within)
    for protocol, n_splits, within in product(PROTOCOLS, (None, 2, 4, LEAVE_ONE_OUT), ("pooled", "subject"))
    if not (within == "subject" and protocol in PEOPLE_ARE_KEPT)
    and not (n_splits == LEAVE_ONE_OUT and protocol in NOT_ONE_BY_ONE)
]
#: Those with folds.
FOLDS = [setting for setting in SETTINGS if setting[1] is not None]
six_examples = settings(max_examples=6, deadline=None)
#: Nothing saw test data beside what a split shows, as an audit is told.
CLEAN: dict[str, Any] = {"fitted_on_test": (), "chosen_by_test": ()}


def parametrized(cases: list[Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("protocol", "n_splits", "within"), cases)


def make_trials(
    columns: Mapping[str, Any] | pd.DataFrame,
    signals: np.ndarray | None = None,
    *,
    n_times: int = 1,
    ch_names: Sequence[str] = ("Cz",),
    sfreq: float = 1.0,
) -> Trials:
    """Make trials of a table, of which the columns that are lacking are filled in; without signals they are zeros.

    Unless they are given, trials are numbered over all people, have each a stimulus of its own and no baseline, and
    lie one after the other in the strip.
    """
    given = pd.DataFrame(columns)
    table = pd.DataFrame({"trial": np.arange(len(given)), "n_times": n_times, "n_baseline": 0}).assign(**given)
    table = table.assign(stimulus=table["trial"], start=table["n_times"].cumsum() - table["n_times"]).assign(**given)
    if signals is None:
        signals = np.zeros((int((table["start"] + table["n_times"]).max()), len(ch_names)))
    return Trials(signals.astype(np.float32), table, tuple(ch_names), sfreq, dataset="made", simulated=True)


def with_columns(trials: Trials, **columns: Any) -> Trials:
    return trials._replaced(table=trials.table.assign(**columns))


# Windows to be split, and what is asked of their splits


def windows_of_people(
    people: list[list[tuple[int, int]]],
    *,
    step: int = 4,
    stimuli: list[list[int]] | None = None,
    sessions: int | None = None,
) -> tuple[Windows, np.ndarray]:
    """Cut windows of 4 samples; ``people`` holds a (class, n_times) for each trial, by default a session."""
    rows = [(person, trial, *what) for person, trials in enumerate(people) for trial, what in enumerate(trials)]
    table = pd.DataFrame(rows, columns=["subject", "trial", "class", "n_times"])
    table = table.assign(
        subject="s" + table["subject"].astype(str),
        stimulus=table["trial"] if stimuli is None else [f"v{video}" for own in stimuli for video in own],
        session=table["trial"] % sessions if sessions else table["trial"],
        dataset="d" + (table["subject"] % 4).astype(str),
    )
    windows = make_trials(table).windows(n_times=4, step=step)
    return windows, windows.expand(table["class"].to_numpy())


def equal_people(n_people: int, classes: list[int], n_windows: int = 1) -> tuple[Windows, np.ndarray]:
    return windows_of_people([[(number, 4 * n_windows) for number in classes]] * n_people)


def seen_by(stimuli: list[list[int]]) -> Windows:
    """Give each person one window for each of the stimuli they saw."""
    return windows_of_people([[(0, 4)] * len(own) for own in stimuli], stimuli=stimuli)[0]


@st.composite
def windowed_trials(draw: st.DrawFn, protocol: str) -> tuple[Windows, np.ndarray]:
    """Four to six people; classes may be rare, or missing in a person; windows may overlap, in any order.

    Everybody saw every stimulus, in an order of their own, where the protocol needs that. Elsewhere people saw
    different stimuli, and some of them twice.
    """
    n_people, n_stimuli = draw(st.integers(4, 6)), draw(st.integers(4, 6))
    people, stimuli = [], []
    for _ in range(n_people):
        classes = draw(st.sampled_from([(0,), (0, 0, 0, 1), (2, 3), (0, 1, 2, 3)]))
        own = list(draw(st.permutations(range(n_stimuli))))
        if protocol != "subject-stimulus":
            own = own[: draw(st.integers(4, n_stimuli))] + draw(st.lists(st.sampled_from(own), max_size=2))
        trial = st.tuples(st.sampled_from(classes), st.integers(4, 11))
        people.append(draw(st.lists(trial, min_size=len(own), max_size=len(own))))
        stimuli.append(own)
    sessions = 4 if protocol == "session" else None
    windows, y = windows_of_people(people, step=draw(st.sampled_from([1, 2, 4])), stimuli=stimuli, sessions=sessions)
    if draw(st.booleans()):
        order = np.random.default_rng(0).permutation(len(windows))
        windows, y = windows[order], y[order]
    return windows, y


def subjects_of(windows: Windows) -> np.ndarray:
    return windows.table["subject"].to_numpy()


def units_of(protocol: str, windows: Windows) -> list[np.ndarray]:
    """Give each window the units that its protocol promises to keep whole."""
    table = windows.table
    units: dict[str, list[np.ndarray]] = {
        "window-random": [np.arange(len(windows))],
        "trial": [(table["subject"] + "/" + table["trial"].astype(str)).to_numpy()],
        "session": [(table["subject"] + "/" + table["session"].astype(str)).to_numpy()],
        "subject": [table["subject"].to_numpy()],
        "stimulus": [table["stimulus"].to_numpy()],
        "subject-stimulus": [table["subject"].to_numpy(), table["stimulus"].to_numpy()],
        "dataset": [table["dataset"].to_numpy()],
    }
    return units[protocol]


def unit_numbers(splits: list[Split], units: np.ndarray) -> list[list[int]]:
    return [[len(np.unique(units[part])) for part in split] for split in splits]


def as_lists(splits: list[Split]) -> list[list[list[int]]]:
    return [[part.tolist() for part in split] for split in splits]


def assert_each_is_tested_once(splits: list[Split], n_windows: int) -> None:
    np.testing.assert_array_equal(np.sort(np.concatenate([test for _, _, test in splits])), np.arange(n_windows))


# Windows to be audited


def overlapping_windows(*, step: int = 2, n_people: int = 4, n_trials: int = 4) -> Windows:
    """Cut windows of 4 samples out of trials of 12, whose numbers begin with 1 in every person."""
    n = np.arange(n_people * n_trials)
    table = pd.DataFrame({"subject": n // n_trials, "trial": n % n_trials + 1})
    return make_trials(table.assign(stimulus=10 * table["trial"]), n_times=12).windows(n_times=4, step=step)


def where(windows: Windows, **values: Any) -> np.ndarray:
    """Give the numbers of the windows with one of the values in each of the columns."""
    table = windows.table
    chosen = np.all([table[column].isin(np.atleast_1d(value)) for column, value in values.items()], axis=0)
    return np.flatnonzero(chosen)
