"""Protocols that cannot be carried out: unknown names, settings that contradict, and too few units."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from eegemo import ConfigError, make_splitter
from eegemo.evaluation.protocols import PROTOCOLS
from eegemo.evaluation.splitter import NSplits
from toy_trials import (
    LEAVE_ONE_OUT,
    NOT_ONE_BY_ONE,
    PEOPLE_ARE_KEPT,
    equal_people,
    seen_by,
    windows_of_people,
    with_columns,
)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "subjects",
            r"Unknown protocol 'subjects'\. Did you mean 'subject'\? "
            r"Known: window-random, trial, session, subject, stimulus, subject-stimulus, dataset\.$",
        ),
        ("stimulis", r"Unknown protocol 'stimulis'\. Did you mean 'stimulus'\?"),
        ("xyz", r"Unknown protocol 'xyz'\. Known: "),
    ],
)
def test_an_unknown_protocol_is_refused_by_name(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_splitter(name)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_splits": 1}, "n_splits must be at least 2, or None .* got 1"),
        ({"n_splits": -3}, "n_splits must be at least 2, or None .* got -3"),
        ({"within": "person"}, "within must be 'pooled' or 'subject', got 'person'"),
        ({"test_size": 0.0}, "test_size .* got 0.0"),
        ({"test_size": 1.0}, "test_size .* got 1.0"),
        ({"test_size": float("nan")}, "test_size .* got nan"),
        ({"validation_size": -0.1}, "validation_size .* -0.1"),
        ({"validation_size": 1.0}, "validation_size .* 1.0"),
        ({"n_splits": None, "test_size": 0.5, "validation_size": 0.5}, "test_size"),
        ({"n_splits": 2, "validation_size": 0.5}, "validation_size"),
        ({"n_repeats": 0}, "n_repeats must be at least 1, got 0"),
        ({"n_splits": "leave-one-in"}, "Unknown n_splits 'leave-one-in'. Did you mean 'leave-one-out'"),
        ({"n_splits": LEAVE_ONE_OUT, "n_repeats": 2}, "There is one way to leave each one out"),
    ],
)
def test_a_setting_that_cannot_be_carried_out_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_splitter("trial", **options)


@pytest.mark.parametrize("protocol", PEOPLE_ARE_KEPT)
def test_people_cannot_be_held_out_within_a_person(protocol: str) -> None:
    with pytest.raises(ConfigError, match=f"'{protocol}' holds out whole people; it cannot be run within a subject"):
        make_splitter(protocol, within="subject")


@pytest.mark.parametrize("protocol", NOT_ONE_BY_ONE)
def test_windows_and_pairs_are_not_left_out_one_by_one(protocol: str) -> None:
    with pytest.raises(ConfigError, match=f"'{protocol}' would have a fold for each window or pair"):
        make_splitter(protocol, n_splits=LEAVE_ONE_OUT)


@pytest.mark.parametrize(
    ("protocol", "n_splits", "n_people", "message"),
    [
        ("window-random", 40, 2, "needs more than the 32 windows"),
        ("trial", 17, 2, "needs more than the 16 trials"),
        ("subject", 4, 3, "needs more than the 3 subjects"),
        ("subject", None, 2, "needs more than the 2 subjects"),
        ("subject", LEAVE_ONE_OUT, 2, "needs more than the 2 subjects"),
        ("stimulus", 9, 2, "needs more than the 8 stimuli"),
        ("subject-stimulus", 9, 9, "needs more than the 8 stimuli"),
        ("subject-stimulus", 8, 7, "needs more than the 7 subjects"),
    ],
)
def test_fewer_units_than_parts_are_refused(protocol: str, n_splits: NSplits, n_people: int, message: str) -> None:
    windows, y = equal_people(n_people, [0, 1, 2, 3] * 2, n_windows=2)
    with pytest.raises(ConfigError, match=f"Protocol '{protocol}' with n_splits={n_splits} .* {message}"):
        list(make_splitter(protocol, n_splits=n_splits).triples(windows, y))


@pytest.mark.parametrize("protocol", ["subject", "subject-stimulus"])
@pytest.mark.parametrize("n_splits", [None, 2])
def test_one_person_alone_cannot_be_held_out_and_is_told_what_can_be_asked(protocol: str, n_splits: NSplits) -> None:
    windows, y = equal_people(1, [0, 1, 2, 3])
    with pytest.raises(ConfigError, match=r"more than one subject; .* With one person, protocol 'trial' is what can"):
        list(make_splitter(protocol, n_splits=n_splits).triples(windows, y))


def test_one_person_alone_cannot_be_left_out() -> None:
    windows, y = equal_people(1, [0, 1, 2, 3])
    with pytest.raises(ConfigError, match="more than one subject"):
        list(make_splitter("subject", n_splits=LEAVE_ONE_OUT, validation_size=0).triples(windows, y))


@pytest.mark.parametrize("protocol", ["stimulus", "subject-stimulus"])
@pytest.mark.parametrize(("missing", "n_missing"), [(slice(None), 40), (slice(2, 5), 6)])
def test_trials_without_a_stimulus_cannot_be_kept_apart_by_it(protocol: str, missing: slice, n_missing: int) -> None:
    windows, y = equal_people(5, [0, 1, 2, 3], n_windows=2)
    stimulus = windows.trials.table["stimulus"].astype(object)
    stimulus.iloc[missing] = np.nan
    trials = with_columns(windows.trials, stimulus=stimulus)
    message = rf"'{protocol}' needs the stimulus of every window; {n_missing} of 40 have none\. .*dropna\('stimulus'\)"
    with pytest.raises(ConfigError, match=message):
        list(make_splitter(protocol, n_splits=2).triples(trials.windows(n_times=4, step=4), y))


def test_a_fold_without_training_data_is_refused() -> None:
    """To be tested on with stimulus 0, the first person would need training on the second with stimulus 1."""
    windows = seen_by([[0, 1], [0]])
    with pytest.raises(ConfigError, match=r"'subject-stimulus': in one fold .* train on, .* saw none of the stimuli"):
        list(make_splitter("subject-stimulus", n_splits=2, validation_size=0).triples(windows))


def test_a_hold_out_of_people_who_saw_none_of_its_stimuli_is_refused() -> None:
    windows = seen_by([[0], [1]])
    refused = 0
    for seed in range(12):
        splitter = make_splitter("subject-stimulus", n_splits=None, test_size=0.5, validation_size=0, random_state=seed)
        try:
            ((train, _, test),) = splitter.triples(windows)
        except ConfigError as error:
            assert "the people drawn for the test saw none of the stimuli drawn for it; take a larger" in str(error)
            refused += 1
        else:
            assert sorted([*train, *test]) == [0, 1]
    assert 0 < refused < 12


def test_a_person_with_too_few_trials_to_be_split_alone_is_refused() -> None:
    windows, y = windows_of_people([[(0, 4)] * 10, [(0, 4)] * 4])
    with pytest.raises(ConfigError, match="needs more than the 4 trials"):
        list(make_splitter("trial", n_splits=5, within="subject").triples(windows, y))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_windows_are_refused(protocol: str) -> None:
    windows, y = equal_people(4, [0, 1, 2, 3])
    none = np.array([], int)
    with pytest.raises(ConfigError, match=r"\b0 |[Nn]o windows"):
        list(make_splitter(protocol).triples(windows[none], y[none]))


@pytest.mark.parametrize("n_windows", [1, 3], ids=["too few", "too many"])
def test_classes_that_are_not_one_for_each_window_are_refused(n_windows: int) -> None:
    windows, _ = equal_people(4, [0, 1, 2, 3], n_windows=2)
    _, y = equal_people(4, [0, 1, 2, 3], n_windows=n_windows)
    with pytest.raises(ValueError, match=f"32 windows.*{len(y)}"):
        list(make_splitter("trial").triples(windows, y))
