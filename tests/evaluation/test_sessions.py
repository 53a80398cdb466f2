"""The protocol of sessions: some visits of each person are trained on, another one is tested."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eegemo import (
    ConfigError,
    MajorityClassifier,
    Trials,
    Windows,
    audit_split,
    evaluate,
    make_splitter,
    quadrants,
    read_results,
)
from eegemo.evaluation.splitter import NSplits
from eegemo.labels import categories
from toy_trials import make_trials, with_columns


def make_windows(sessions: list[list[int]], *, stimuli: list[list[int]] | None = None) -> Windows:
    """Cut two windows from each trial; ``sessions`` holds the session of each trial of each person."""
    rows = [(person, trial, session) for person, own in enumerate(sessions) for trial, session in enumerate(own)]
    table = pd.DataFrame(rows, columns=["subject", "trial", "session"])
    table = table.assign(
        stimulus=table["trial"] if stimuli is None else [one for own in stimuli for one in own],
        kind=np.where(table["trial"] % 2, "odd", "even"),
    )
    signals = np.random.default_rng(0).standard_normal((len(table) * 8, 1))
    return make_trials(table, signals, n_times=8, sfreq=4.0).windows(n_times=4)


THREE_DAYS = [[1, 1, 2, 2, 3, 3]] * 4


def whole(windows: Windows) -> list[tuple[int, int]]:
    table = windows.table
    return list(zip(table["subject"], table["session"], strict=True))


@pytest.mark.parametrize("n_splits", [3, "leave-one-out", None])
def test_a_session_is_on_one_side_and_everybody_tested_is_trained_on(n_splits: NSplits) -> None:
    windows = make_windows(THREE_DAYS)
    of = np.array([f"{person}/{session}" for person, session in whole(windows)])
    people = windows.table["subject"].to_numpy()
    splitter = make_splitter("session", n_splits=n_splits, test_size=0.3)
    tested: list[str] = []
    for train, validation, test in splitter.triples(windows):
        assert not set(of[test]) & set(of[np.append(train, validation)])
        assert not set(of[train]) & set(of[validation])
        assert set(people[train]) == set(range(4))
        tested += sorted(set(of[test]))
    if n_splits is not None:
        assert sorted(tested) == sorted(set(of))


def test_in_three_folds_each_person_is_tested_on_one_day_a_fold() -> None:
    windows = make_windows(THREE_DAYS)
    for _, _, test in make_splitter("session", n_splits=3, validation_size=0).triples(windows):
        days = windows.table.iloc[test].groupby("subject")["session"].agg(lambda own: len(set(own)))
        assert days.tolist() == [1, 1, 1, 1]


def test_equal_session_numbers_of_two_people_are_two_sessions() -> None:
    windows = make_windows([[1, 2, 3], [1, 2, 3]])
    splits = list(make_splitter("session", n_splits="leave-one-out", validation_size=0).triples(windows))
    assert len(splits) == 6
    assert all(len(test) == 2 for _, _, test in splits)


@pytest.mark.parametrize("n_splits", [2, 3])
def test_each_person_alone_is_split_by_their_sessions(n_splits: int) -> None:
    windows = make_windows(THREE_DAYS)
    splitter = make_splitter("session", n_splits=n_splits, within="subject", validation_size=0)
    splits = list(splitter.triples(windows))
    assert len(splits) == 4 * n_splits
    for train, _, test in splits:
        assert len(set(windows.table.iloc[np.append(train, test)]["subject"])) == 1


def test_scikit_learn_gets_the_same_splits_from_the_table() -> None:
    windows = make_windows(THREE_DAYS)
    cv = make_splitter("session", n_splits=3)
    by_windows, by_table = list(cv.split(windows)), list(cv.split(np.zeros(len(windows)), groups=windows.table))
    for (train, test), (same_train, same_test) in zip(by_windows, by_table, strict=True):
        np.testing.assert_array_equal(train, same_train)
        np.testing.assert_array_equal(test, same_test)


def test_a_person_with_one_session_is_refused() -> None:
    with pytest.raises(ConfigError, match="1 of the 3 people have no session left to train on"):
        list(make_splitter("session", n_splits=2, validation_size=0).triples(make_windows([[1, 2], [1, 2], [1, 1]])))


def test_validation_takes_nobodys_last_session() -> None:
    with pytest.raises(ConfigError, match="cannot give 1 sessions to validation and keep one of each person"):
        list(make_splitter("session", n_splits=2).triples(make_windows([[1, 2], [1, 2]])))


def test_recordings_that_name_no_sessions_cannot_be_split_by_them(small_trials: Trials) -> None:
    with pytest.raises(ConfigError, match=r"needs a column 'session', .* Take 'trial'"):
        list(make_splitter("session").triples(small_trials.windows()))


def test_a_trial_without_a_session_is_counted() -> None:
    windows = make_windows(THREE_DAYS)
    session = windows.trials.table["session"].where(lambda own: own.index != 4)
    lacking = with_columns(windows.trials, session=session).windows(n_times=4)
    with pytest.raises(ConfigError, match="needs the session of every window; 2 of 48 have none"):
        list(make_splitter("session", n_splits=3).triples(lacking))


def test_the_record_says_how_many_test_windows_are_of_a_known_session(tmp_path: Path) -> None:
    windows, scheme = make_windows(THREE_DAYS), categories("kind", ["even", "odd"])
    by_session = evaluate(MajorityClassifier(), windows, scheme, make_splitter("session", n_splits=3), folder=tmp_path)
    by_trial = evaluate(MajorityClassifier(), windows, scheme, make_splitter("trial", n_splits=3, validation_size=0))
    assert by_session.leakage.shares == {
        "shared_samples": 0, "trial": 0, "session": 0, "subject": 1, "stimulus": 1,
    }  # fmt: skip
    assert by_trial.leakage.session > 0  # the other trial of that day
    assert "it tests new sessions of people whom training knew" in by_session.verdict
    assert "session 0%" in str(by_session.leakage)
    assert read_results(tmp_path).leakage == by_session.leakage
    assert read_results(tmp_path).table["session"].tolist() == windows.table["session"].tolist()


def test_without_sessions_the_record_does_not_name_them(small_trials: Trials) -> None:
    leakage = evaluate(MajorityClassifier(), small_trials.windows(), quadrants(), "trial").leakage
    assert math.isnan(leakage.session)
    assert "session" not in str(leakage)


def test_a_stimulus_that_was_shown_on_every_day_is_no_new_one() -> None:
    again = [[0, 1, 0, 1, 0, 1]] * 4  # the same two on each of three days, as in SEED
    result = evaluate(
        MajorityClassifier(),
        make_windows(THREE_DAYS, stimuli=again),
        categories("kind", ["even", "odd"]),
        make_splitter("session", n_splits=3),
    )
    assert (result.leakage.session, result.leakage.stimulus) == (0, 1)
    assert "with stimuli that training knew" in result.verdict


def test_an_audit_finds_sessions_kept_whole() -> None:
    windows = make_windows(THREE_DAYS)
    for train, validation, test in make_splitter("session", n_splits=3).triples(windows):
        for data in (windows, windows.table):
            audit = audit_split(data, train, test, validation, n_times=4)
            assert (audit.closest, audit.leakage.session) == ("session", 0)
    (train, _, test), *_ = make_splitter("trial", n_splits=3, validation_size=0).triples(windows)
    assert audit_split(windows, train, test).closest == "trial"
