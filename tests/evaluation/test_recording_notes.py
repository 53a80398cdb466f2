from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier

from eegemo import Results, Trials, categories, evaluate, make_splitter, quadrants
from eegemo.evaluation.notes import notes_on_recordings
from eegemo.evaluation.protocols import PROTOCOLS
from toy_classifiers import flattened
from toy_trials import make_trials

SAYS = "No subject has two trials of one class"
WITHIN = ("window-random", "trial", "session")


def said(protocol: str, classes: Sequence[Sequence[int]], **columns: Any) -> list[str]:
    """What is noted of people with a trial of each of these classes, of two windows each."""
    rows = [(person, trial, y) for person, own in enumerate(classes) for trial, y in enumerate(own)]
    table = pd.DataFrame(rows, columns=["subject", "trial", "class"]).assign(**columns)
    windows = table.loc[table.index.repeat(2)].reset_index(drop=True)
    return notes_on_recordings(PROTOCOLS[protocol], windows.drop(columns="class"), windows["class"].to_numpy())


@pytest.mark.parametrize("protocol", WITHIN)
@pytest.mark.parametrize(
    "classes",
    [[[0, 1, 2, 3]] * 3, [[0, 1]], [[0, 1], [1]], [[1, 0], [2, 0, 1]]],
    ids=["four", "one", "lacking", "mixed"],
)
def test_one_trial_of_each_class_is_noted_where_the_person_is_known(protocol: str, classes: list[list[int]]) -> None:
    (note,) = said(protocol, classes)
    assert note.startswith(f"{SAYS}: within a subject, class and recording cannot be told apart")
    assert note.endswith("The protocol to look at is 'subject'.")
    assert ("may be all recording" in note) == (protocol == "window-random")


@pytest.mark.parametrize("protocol", sorted(set(PROTOCOLS) - set(WITHIN)))
def test_nothing_is_noted_where_people_or_stimuli_are_held_out(protocol: str) -> None:
    assert said(protocol, [[0, 1, 2, 3]] * 3) == []


@pytest.mark.parametrize("protocol", WITHIN)
@pytest.mark.parametrize(
    "classes",
    [[[0, 1, 0, 1]], [[0, 1], [0, 1, 0]], [[0], [1], [0]], []],
    ids=["two", "two of one", "one each", "nobody"],
)
def test_nothing_is_noted_of_two_trials_of_a_class_or_one_class_a_person(
    protocol: str, classes: list[list[int]]
) -> None:
    assert said(protocol, classes) == []


def test_trials_of_one_unit_are_one_recording() -> None:
    assert said("trial", [[0, 0, 1, 1]] * 2) == []
    assert len(said("trial", [[0, 0, 1, 1]] * 2, unit=[1, 1, 2, 2] * 2)) == 1
    assert said("trial", [[0, 0, 1, 1]] * 2, unit=[1, 1, 2, None] * 2) == []


def test_the_order_of_windows_does_not_matter() -> None:
    table = pd.DataFrame({"subject": ["b", "a", "b", "a"], "trial": [1, 2, 2, 1]}, index=[7, 7, 3, 1])
    assert len(notes_on_recordings(PROTOCOLS["trial"], table, np.array([0, 0, 1, 1]))) == 1


def of_games(n_people: int = 3) -> Trials:
    rng = np.random.default_rng(0)
    n = 4 * n_people
    return make_trials(
        {
            "subject": np.repeat(np.arange(n_people), 4),
            "trial": np.tile([1, 2, 3, 4], n_people),
            "emotion": ["LVLA", "HVLA", "LVHA", "HVHA"] * n_people,
        },
        rng.standard_normal((12 * n, 1)),
        n_times=12,
    )


def evaluated(trials: Trials, protocol: str, scheme: Any, **options: Any) -> Results:
    splitter = make_splitter(protocol, n_splits=2, validation_size=0)
    return evaluate(flattened(DummyClassifier()), trials.windows(n_times=4), scheme, splitter, **options)


GAMES = categories("emotion", ("HVHA", "HVLA", "LVHA", "LVLA"))


@pytest.mark.filterwarnings("ignore:.*is not in training")
def test_results_of_one_game_a_class_say_so_by_what_was_split() -> None:
    trials = of_games()
    for protocol, noted in (("window-random", 1), ("trial", 1), ("subject", 0)):
        notes = evaluated(trials, protocol, GAMES).notes
        assert sum(note.startswith(SAYS) for note in notes) == noted, protocol
    first_two = trials.select("trial <= 2")
    binary = categories("emotion", ("LVLA", "HVLA"))
    assert any(note.startswith(SAYS) for note in evaluated(first_two, "window-random", binary).notes)


@pytest.mark.filterwarnings("ignore:.*is not in training")
def test_two_games_of_a_class_are_no_confound() -> None:
    trials = of_games()
    pleasant = trials.table["emotion"].str.startswith("HV").map({True: "high", False: "low"})
    both = trials._replaced(table=trials.table.assign(valence_class=pleasant))
    results = evaluated(both, "window-random", categories("valence_class", ("low", "high")))
    assert not any(note.startswith(SAYS) for note in results.notes)


def test_trials_as_deap_has_them_are_not_noted(small_trials: Trials) -> None:
    for protocol in ("window-random", "trial"):
        splitter = make_splitter(protocol, n_splits=2)
        windows = small_trials.windows(duration=1.0)
        assert evaluate(flattened(DummyClassifier()), windows, quadrants(), splitter).notes == ()


def test_a_control_whose_class_is_the_person_or_the_stimulus_is_not_noted(small_trials: Trials) -> None:
    windows = small_trials.windows(duration=1.0)
    for control in ("who-is-it", "which-stimulus"):  # each stimulus was seen once by each person
        results = evaluate(flattened(DummyClassifier()), windows, quadrants(), "window-random", control=control)
        assert not any(note.startswith(SAYS) for note in results.notes)
