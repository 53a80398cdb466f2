"""The protocols inside scikit-learn: the same folds as without it, and refused where groups do not tell enough."""

from __future__ import annotations

import pickle
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, check_cv, cross_val_predict, cross_val_score, cross_validate
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline

from eegemo import ConfigError, Trials, Windows, make_splitter, quadrants
from eegemo.evaluation.splitter import NSplits, Splitter
from toy_classifiers import flat, flattened
from toy_trials import LEAVE_ONE_OUT

Fold = tuple[list[int], list[int]]
SETTINGS: list[tuple[str, NSplits, Literal["pooled", "subject"], int, float]] = [
    ("window-random", 4, "pooled", 1, 0.1),
    ("window-random", 4, "subject", 2, 0),
    ("trial", None, "pooled", 3, 0.1),
    ("trial", 4, "pooled", 2, 0.1),
    ("trial", None, "subject", 1, 0.1),
    ("trial", LEAVE_ONE_OUT, "subject", 1, 0.1),
    ("subject", None, "pooled", 1, 0.1),
    ("subject", 3, "pooled", 2, 0.1),
    ("subject", LEAVE_ONE_OUT, "pooled", 1, 0),
    ("stimulus", 4, "pooled", 1, 0.1),
    ("stimulus", LEAVE_ONE_OUT, "pooled", 1, 0.1),
    ("stimulus", 4, "subject", 1, 0.1),
    ("subject-stimulus", 3, "pooled", 2, 0.1),
    ("subject-stimulus", None, "pooled", 2, 0.1),
]
SPLITTERS = {
    f"{protocol}, {n_splits}, {within}, {n_repeats}": make_splitter(
        protocol, n_splits=n_splits, within=within, n_repeats=n_repeats, validation_size=size, random_state=5
    )
    for protocol, n_splits, within, n_repeats, size in SETTINGS
}
every_splitter = pytest.mark.parametrize("splitter", SPLITTERS.values(), ids=SPLITTERS)


@pytest.fixture
def y(windows: Windows) -> np.ndarray:
    return quadrants()(windows)


@pytest.fixture
def flat_array(windows: Windows) -> np.ndarray:
    return flat(windows)


def nearest() -> Pipeline:
    return flattened(KNeighborsClassifier(3))


def by_hand(splitter: Splitter, windows: Windows, y: np.ndarray | None) -> list[Fold]:
    return [(sorted([*train, *aside]), test.tolist()) for train, aside, test in splitter.triples(windows, y)]


def by_sklearn(splitter: Splitter, X: Any, y: np.ndarray | None, groups: Any = None) -> list[Fold]:
    return [(train.tolist(), test.tolist()) for train, test in splitter.split(X, y, groups)]


@every_splitter
@pytest.mark.parametrize("with_y", [True, False], ids=["y", "no y"])
def test_the_folds_are_those_of_the_protocol_with_validation_in_training(
    splitter: Splitter, with_y: bool, windows: Windows, y: np.ndarray, flat_array: np.ndarray
) -> None:
    classes = y if with_y else None
    expected = by_hand(splitter, windows, classes)
    assert by_sklearn(splitter, windows, classes) == expected
    assert by_sklearn(splitter, flat_array, classes, windows.table) == expected
    assert by_sklearn(splitter, pd.DataFrame(flat_array), classes, windows.table) == expected
    assert by_sklearn(splitter, flat_array.tolist(), classes, windows.table) == expected


@every_splitter
def test_the_number_of_folds_is_counted_right(splitter: Splitter, windows: Windows, y: np.ndarray) -> None:
    expected = len(list(splitter.triples(windows, y)))
    cv = splitter
    assert cv.get_n_splits(windows, y) == expected
    assert cv.get_n_splits(windows.to_numpy(), y, windows.table) == expected


@pytest.mark.parametrize(
    ("protocol", "n_splits", "n_repeats", "expected"),
    [("trial", 4, 3, 12), ("window-random", 5, 1, 5), ("subject-stimulus", None, 2, 2), ("stimulus", None, 1, 1)],
)
def test_the_number_of_folds_is_known_without_data_where_it_does_not_depend_on_them(
    protocol: str, n_splits: NSplits, n_repeats: int, expected: int
) -> None:
    cv = make_splitter(protocol, n_splits=n_splits, n_repeats=n_repeats)
    assert cv.get_n_splits() == expected


@pytest.mark.parametrize(
    ("protocol", "options"),
    [
        ("subject", {"n_splits": LEAVE_ONE_OUT}),
        ("subject-stimulus", {"n_splits": 3}),
        ("trial", {"within": "subject"}),
        ("trial", {"within": "subject", "n_splits": None}),
    ],
)
def test_the_number_of_folds_is_not_guessed_where_it_depends_on_the_data(
    protocol: str, options: dict[str, Any]
) -> None:
    cv = make_splitter(protocol, **options)
    with pytest.raises(ConfigError, match=r"number of folds of .* depends on the data; give X and groups"):
        cv.get_n_splits()


@pytest.mark.parametrize(("protocol", "column"), [("subject", "subject"), ("stimulus", "stimulus")])
@pytest.mark.parametrize("n_splits", [None, 3, LEAVE_ONE_OUT])
@pytest.mark.parametrize("kind", [np.asarray, list, pd.Series], ids=["array", "list", "Series"])
def test_for_a_protocol_that_keeps_one_thing_an_array_of_it_is_enough(
    protocol: str,
    column: str,
    n_splits: NSplits,
    kind: Any,
    windows: Windows,
    y: np.ndarray,
    flat_array: np.ndarray,
) -> None:
    splitter = make_splitter(protocol, n_splits=n_splits)
    groups = kind(windows.table[column].to_numpy())
    assert by_sklearn(splitter, flat_array, y, groups) == by_hand(splitter, windows, y)


def test_trials_with_numbers_of_their_own_are_kept_whole(
    windows: Windows, y: np.ndarray, flat_array: np.ndarray
) -> None:
    splitter = make_splitter("trial", n_splits=4, random_state=1)
    tested = []
    for train, test in splitter.split(flat_array, y, windows.groups):
        assert not set(windows.groups[train]) & set(windows.groups[test])
        tested += test.tolist()
    assert sorted(tested) == list(range(len(windows)))


def test_equal_trial_numbers_of_two_people_are_two_trials(windows: Windows, flat_array: np.ndarray) -> None:
    """Of 24 trials called 1 to 8, leaving one out makes 24 folds and not 8."""
    cv = make_splitter("trial", n_splits=LEAVE_ONE_OUT)
    assert cv.get_n_splits(flat_array, groups=windows.table) == 24


def test_groups_belong_to_rows_by_position_whatever_their_index(flat_array: np.ndarray, windows: Windows) -> None:
    subject = windows.table["subject"].to_numpy()
    groups: Any = pd.Series(subject, index=np.random.default_rng(0).permutation(len(subject)))
    for train, test in make_splitter("subject", n_splits=3).split(flat_array, None, groups):
        assert not set(subject[train]) & set(subject[test])


@pytest.mark.parametrize("protocol", ["trial", "subject", "stimulus"])
def test_rows_of_a_table_of_groups_belong_to_rows_by_position(
    protocol: str, windows: Windows, y: np.ndarray, flat_array: np.ndarray
) -> None:
    splitter = make_splitter(protocol, n_splits=3)
    odd = windows.table.set_index(np.random.default_rng(0).permutation(len(windows)))
    repeated = windows.table.set_index(np.zeros(len(windows), int))
    expected = by_hand(splitter, windows, y)
    assert by_sklearn(splitter, flat_array, y, odd) == expected
    assert by_sklearn(splitter, flat_array, y, repeated) == expected


def test_groups_that_are_given_beside_windows_are_used(windows: Windows) -> None:
    pretended = windows.trial_index % 4
    for train, test in make_splitter("subject", n_splits=4).split(windows, groups=pretended):
        assert not set(pretended[train]) & set(pretended[test])


@pytest.mark.parametrize("protocol", ["window-random", "trial", "subject", "stimulus", "subject-stimulus"])
def test_cross_val_score_runs_the_protocol_on_windows_and_on_arrays(
    protocol: str, windows: Windows, y: np.ndarray
) -> None:
    splitter = make_splitter(protocol, n_splits=3, random_state=2)
    expected = []
    for train, validation, test in splitter.triples(windows, y):
        seen = np.append(train, validation)
        model = nearest().fit(windows[seen], y[seen])
        expected.append(accuracy_score(y[test], model.predict(windows[test])))
    cv = splitter
    assert cross_val_score(nearest(), windows, y, cv=cv) == pytest.approx(expected)
    scores = cross_val_score(nearest(), windows.to_numpy(), y, cv=cv, groups=windows.table)
    assert scores == pytest.approx(expected)


def test_cross_validate_tells_the_folds_of_the_protocol(windows: Windows, y: np.ndarray) -> None:
    splitter = make_splitter("subject", n_splits=LEAVE_ONE_OUT)
    indices = cross_validate(DummyClassifier(), windows, y, cv=splitter, return_indices=True)["indices"]
    found = [(a.tolist(), b.tolist()) for a, b in zip(indices["train"], indices["test"], strict=True)]
    assert found == by_hand(splitter, windows, y)


def test_cross_val_predict_predicts_each_window_from_the_other_folds(windows: Windows, y: np.ndarray) -> None:
    splitter = make_splitter("stimulus", n_splits=4)
    expected = np.full(len(y), -1)
    for train, validation, test in splitter.triples(windows, y):
        seen = np.append(train, validation)
        expected[test] = nearest().fit(windows[seen], y[seen]).predict(windows[test])
    np.testing.assert_array_equal(cross_val_predict(nearest(), windows, y, cv=splitter), expected)


@pytest.mark.parametrize("protocol", ["trial", "subject", "subject-stimulus"])
def test_grid_search_scores_each_setting_under_the_protocol(protocol: str, windows: Windows, y: np.ndarray) -> None:
    splitter = make_splitter(protocol, n_splits=3)
    neighbours = [1, 5, 9]
    expected = []
    for k in neighbours:
        model = nearest().set_params(kneighborsclassifier__n_neighbors=k)
        expected.append(np.mean(cross_val_score(model, windows, y, cv=by_hand(splitter, windows, y))))
    grid = {"kneighborsclassifier__n_neighbors": neighbours}
    search = GridSearchCV(nearest(), grid, cv=splitter)
    assert search.fit(windows, y).cv_results_["mean_test_score"] == pytest.approx(expected)
    assert search.n_splits_ == len(by_hand(splitter, windows, y))
    search.fit(windows.to_numpy(), y, groups=windows.table)
    assert search.cv_results_["mean_test_score"] == pytest.approx(expected)


def test_a_search_inside_a_fold_splits_the_training_windows_of_that_fold_by_person(
    small_trials: Trials, y: np.ndarray
) -> None:
    windows = small_trials.windows()
    inner = make_splitter("subject", n_splits=LEAVE_ONE_OUT, validation_size=0)
    outer = make_splitter("subject", n_splits=LEAVE_ONE_OUT)
    search = GridSearchCV(nearest(), {"kneighborsclassifier__n_neighbors": [1, 3]}, cv=inner)
    fitted = cross_validate(search, windows, y, cv=outer, return_estimator=True)["estimator"]
    assert [one.n_splits_ for one in fitted] == [2, 2, 2]


def test_the_splitter_can_be_cloned_with_a_search_and_pickled(windows: Windows, y: np.ndarray) -> None:
    splitter = make_splitter("trial", n_splits=3, random_state=4)
    search = clone(GridSearchCV(DummyClassifier(), {}, cv=splitter))
    expected = by_hand(splitter, windows, y)
    for cv in (search.cv, pickle.loads(pickle.dumps(splitter))):
        assert [(train.tolist(), test.tolist()) for train, test in cv.split(windows, y)] == expected


# What is refused


@pytest.mark.parametrize(
    ("protocol", "within", "message"),
    [
        (
            "trial",
            "pooled",
            r"'trial' needs to know the trial of each row: give groups=windows\.table, or Windows as X",
        ),
        ("subject", "pooled", r"'subject' needs to know the subject of each row"),
        ("stimulus", "pooled", r"'stimulus' needs to know the stimulus of each row"),
        ("subject-stimulus", "pooled", r"'subject-stimulus' needs to know the subject and stimulus of each row"),
        ("trial", "subject", r"'trial' needs to know the trial and subject of each row"),
        ("window-random", "subject", r"'window-random' needs to know the subject of each row"),
    ],
)
def test_an_array_without_groups_is_refused(protocol: str, within: Any, message: str, flat_array: np.ndarray) -> None:
    cv = make_splitter(protocol, within=within)
    with pytest.raises(ConfigError, match=message):
        next(cv.split(flat_array))
    with pytest.raises(ConfigError, match=message):
        cross_val_score(KNeighborsClassifier(), flat_array, np.tile([0, 1], 48), cv=cv)


def test_windows_at_random_need_no_groups(windows: Windows, y: np.ndarray, flat_array: np.ndarray) -> None:
    splitter = make_splitter("window-random", n_splits=4)
    assert by_sklearn(splitter, flat_array, y) == by_hand(splitter, windows, y)


@pytest.mark.parametrize(
    ("protocol", "within", "columns"),
    [
        ("subject-stimulus", "pooled", "subject, stimulus"),
        ("trial", "subject", "trial, subject"),
        ("stimulus", "subject", "stimulus, subject"),
    ],
)
def test_an_array_that_would_have_to_hold_two_things_is_refused(
    protocol: str, within: Any, columns: str, flat_array: np.ndarray
) -> None:
    cv = make_splitter(protocol, within=within)
    with pytest.raises(
        ConfigError, match=rf"needs groups with the columns {columns}, such as windows\.table; an array"
    ):
        next(cv.split(flat_array, groups=np.arange(len(flat_array))))


@pytest.mark.parametrize(
    ("protocol", "within", "dropped", "message"),
    [
        ("trial", "pooled", "trial", r"groups lacks the column 'trial'; it has \['subject', 'stimulus', 'start'\]"),
        ("subject", "pooled", "subject", r"groups lacks the column 'subject'; it has \['trial', 'stimulus', 'start'\]"),
        ("stimulus", "pooled", "stimulus", r"groups lacks the column 'stimulus'"),
        ("subject-stimulus", "pooled", "stimulus", r"groups lacks the column 'stimulus'"),
        ("stimulus", "subject", "subject", r"groups lacks the column 'subject'"),
    ],
)
def test_a_table_of_groups_without_what_is_kept_whole_is_refused(
    protocol: str, within: Any, dropped: str, message: str, windows: Windows, flat_array: np.ndarray
) -> None:
    cv = make_splitter(protocol, within=within)
    with pytest.raises(ConfigError, match=message):
        next(cv.split(flat_array, groups=windows.table.drop(columns=dropped)))


@pytest.mark.parametrize("protocol", ["trial", "subject"])
@pytest.mark.parametrize("n_groups", [95, 97])
def test_groups_of_another_length_are_refused(protocol: str, n_groups: int, flat_array: np.ndarray) -> None:
    cv = make_splitter(protocol)
    with pytest.raises(ConfigError, match=f"groups must hold a row for each of the 96 rows of X, got {n_groups}"):
        next(cv.split(flat_array, groups=np.zeros(n_groups)))


def test_a_row_without_a_group_is_refused(flat_array: np.ndarray) -> None:
    groups = np.repeat([1.0, 2.0, np.nan], 32)
    with pytest.raises(ConfigError, match="'subject' needs the subject of every window; 32 of 96 have none"):
        next(make_splitter("subject", n_splits=2).split(flat_array, groups=groups))


def test_fewer_groups_than_folds_are_refused(flat_array: np.ndarray) -> None:
    cv = make_splitter("subject", n_splits=5)
    with pytest.raises(ConfigError, match=r"'subject' with n_splits=5 .* needs more than the 3 subjects"):
        next(cv.split(flat_array, groups=np.repeat([1, 2, 3], 32)))


def test_classes_of_another_length_are_refused(windows: Windows) -> None:
    with pytest.raises(ConfigError, match=r"y must hold one class for each of the 96 windows, got \(95,\)"):
        next(make_splitter("trial").split(windows, np.zeros(95)))


def test_a_splitter_is_a_cross_validator_to_which_groups_are_routed(
    windows: Windows, y: np.ndarray, flat_array: np.ndarray
) -> None:
    cv = make_splitter("subject", n_splits=3, validation_size=0)
    assert check_cv(cv) is cv
    with config_context(enable_metadata_routing=True):
        routed = cross_val_score(nearest(), flat_array, y, cv=cv, params={"groups": windows.table})
    np.testing.assert_array_equal(routed, cross_val_score(nearest(), flat_array, y, cv=cv, groups=windows.table))
