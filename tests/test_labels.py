from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eegemo import ConfigError, DataFormatError, LabelScheme, Trials, categories, high_low, quadrants


def rated(**columns: list[Any]) -> Trials:
    """One person's trials of 20 samples at 10 Hz, with these ratings."""
    n = len(next(iter(columns.values())))
    number = np.arange(1, n + 1)
    table = pd.DataFrame(
        {
            "subject": 3,
            "trial": number,
            "stimulus": number,
            "start": (number - 1) * 20,
            "n_times": 20,
            "n_baseline": 0,
            **columns,
        }
    )
    return Trials(np.zeros((n * 20, 1), np.float32), table, ("Cz",), 10.0, dataset="rated", simulated=True)


FOUR_CORNERS = {"valence": [8.0, 8.0, 2.0, 2.0], "arousal": [8.0, 2.0, 8.0, 2.0]}
# valence, arousal: tied in both, tied beside high and low, and one that is no tie at all
TIES = {"valence": [5.0, 5.0, 5.0, 9.0, 1.0, 5.01], "arousal": [5.0, 9.0, 1.0, 5.0, 5.0, 4.99]}


def test_the_quadrants_are_numbered_in_the_order_of_their_names() -> None:
    scheme = quadrants()
    assert [scheme.classes[c] for c in scheme(rated(**FOUR_CORNERS))] == ["HVHA", "HVLA", "LVHA", "LVLA"]
    assert scheme(rated(**FOUR_CORNERS)).tolist() == [0, 1, 2, 3]
    assert scheme(rated(**FOUR_CORNERS)).dtype == np.int64


@pytest.mark.parametrize(
    ("ties", "expected"),
    [
        ("low", ["LVLA", "LVHA", "LVLA", "HVLA", "LVLA", "HVLA"]),
        ("high", ["HVHA", "HVHA", "HVLA", "HVHA", "LVHA", "HVLA"]),
    ],
)
def test_a_tie_is_low_or_high_as_the_scheme_says(ties: Any, expected: list[str]) -> None:
    scheme = quadrants(ties=ties)
    assert [scheme.classes[c] for c in scheme(rated(**TIES))] == expected


def test_dropped_ties_have_to_be_dropped_before_labelling() -> None:
    scheme = quadrants(ties="drop")
    trials = rated(**TIES)
    with pytest.raises(DataFormatError, match=r"quadrants!=5: 5 trials have a rating of exactly 5; .*scheme\.select"):
        scheme(trials)
    kept = scheme.select(trials)
    assert kept.table["trial"].tolist() == [6]
    assert scheme(kept).tolist() == [1]


@pytest.mark.parametrize("ties", ["low", "high"])
def test_only_a_scheme_that_drops_ties_drops_trials(ties: Any) -> None:
    assert len(quadrants(ties=ties).select(rated(**TIES))) == 6


def test_the_threshold_can_be_moved() -> None:
    trials = rated(valence=[3.0, 3.1, 3.0], arousal=[4.0, 2.0, 3.0])
    assert quadrants(3)(trials).tolist() == [2, 1, 3]


@pytest.mark.parametrize(
    ("scheme", "name"),
    [
        (quadrants(), "quadrants>5"),
        (quadrants(ties="high"), "quadrants>=5"),
        (quadrants(ties="drop"), "quadrants!=5"),
        (quadrants(4.5), "quadrants>4.5"),
        (high_low("valence"), "valence>5"),
        (high_low("arousal", 3, ties="high"), "arousal>=3"),
        (categories("task", ("rest", "arithmetic")), "task"),
    ],
)
def test_the_name_says_the_rule(scheme: LabelScheme, name: str) -> None:
    assert scheme.name == name


def test_two_rules_never_share_a_name() -> None:
    assert quadrants(5.0000004).name != quadrants(5.0).name


def test_high_is_the_positive_class() -> None:
    scheme = high_low("arousal")
    assert scheme.classes == ("low", "high")
    assert scheme(rated(arousal=[1.0, 5.0, 5.1, 9.0])).tolist() == [0, 0, 1, 1]
    assert high_low("arousal", ties="high")(rated(arousal=[4.9, 5.0])).tolist() == [0, 1]


def test_a_category_is_the_number_of_its_name() -> None:
    scheme = categories("task", ("rest", "arithmetic"))
    assert scheme(rated(task=["arithmetic", "rest", "arithmetic"])).tolist() == [1, 0, 1]


def test_a_category_outside_the_classes_is_refused() -> None:
    with pytest.raises(DataFormatError, match="'sleep' is none of the classes rest, arithmetic"):
        categories("task", ("rest", "arithmetic"))(rated(task=["rest", "sleep"]))


def test_a_class_named_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="rest"):
        categories("task", ("rest", "rest"))(rated(task=["rest", "rest"]))


@pytest.mark.parametrize("scheme", [quadrants(), quadrants(ties="drop"), quadrants(ties="high")])
def test_a_missing_rating_is_an_error_that_says_what_to_drop(scheme: LabelScheme) -> None:
    trials = rated(valence=[8.0, 8.0, np.nan], arousal=[8.0, np.nan, 2.0])
    message = r"2 trials lack a rating, first trial 2 of subject 3; drop them with trials\.dropna\(\['valence', 'arous"
    with pytest.raises(DataFormatError, match=message):
        scheme(trials)
    assert scheme(trials.dropna(["valence", "arousal"])).tolist() == [0]


def test_a_missing_rating_that_is_not_read_is_no_error() -> None:
    assert high_low("valence")(rated(valence=[8.0], arousal=[np.nan])).tolist() == [1]


def test_a_missing_category_is_refused() -> None:
    with pytest.raises(DataFormatError, match="1 trials lack a rating, first trial 2 of subject 3"):
        categories("task", ("rest", "nan"))(rated(task=["rest", None]))


def test_windows_have_the_class_of_their_trial() -> None:
    trials = rated(**FOUR_CORNERS)
    assert quadrants()(trials.windows(1.0)).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert quadrants()(trials.windows(1.0)[[7, 0]]).tolist() == [3, 0]


def test_an_unknown_rating_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"Unknown column 'arousel'\. Did you mean 'arousal'\?"):
        high_low("arousel")(rated(**FOUR_CORNERS))
    with pytest.raises(ConfigError, match="Unknown column 'arousal'"):
        quadrants()(rated(valence=[1.0]))


@pytest.mark.parametrize("make", [quadrants, lambda ties: high_low("valence", ties=ties)])
def test_an_unknown_treatment_of_ties_is_refused(make: Any) -> None:
    with pytest.raises(ConfigError, match="ties must be one of 'low', 'high', 'drop', got 'random'"):
        make(ties="random")


RATING = st.sampled_from([1.0, 4.99, 5.0, 5.01, 9.0]) | st.floats(1, 9)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(RATING, RATING), min_size=1, max_size=8))
def test_a_quadrant_is_two_halves(pairs: list[tuple[float, float]]) -> None:
    trials = rated(valence=[v for v, _ in pairs], arousal=[a for _, a in pairs])
    scheme = quadrants()
    for number, (valence, arousal) in zip(scheme(trials), pairs, strict=True):
        name = ("HV" if valence > 5 else "LV") + ("HA" if arousal > 5 else "LA")
        assert scheme.classes[number] == name
    assert ((scheme(trials) < 2) == high_low("valence")(trials)).all()


def test_categories_may_be_numbers_as_they_stand_in_the_table(small_trials: Trials) -> None:
    numbered = small_trials._replaced(table=small_trials.table.assign(task=np.tile([-1, 0, 1], 8)))
    assert categories("task", (-1, 0, 1))(numbered).tolist() == [0, 1, 2] * 8
    with pytest.raises(ConfigError, match="All classes were expected, as a list, got 'rest'"):
        categories("task", "rest")


@pytest.mark.parametrize(
    ("values", "classes", "expected"),
    [
        ([-1, 0, 1], (-1, 0, 1), [0, 1, 2]),
        ([-1.0, 0.0, 1.0], (-1, 0, 1), [0, 1, 2]),
        ([-1, 0, 1], ("-1", "0", "1"), [0, 1, 2]),
        ([-1, 0, 1], (-1.0, 0.0, 1.0), [0, 1, 2]),
        ([True, False, True], (False, True), [1, 0, 1]),
        (["1", 1, 1.0], (1, 2), [0, 0, 0]),
        ([1.5, 2.0, 1.5], (1.5, 2), [0, 1, 0]),
        ([1, 2, 1], np.array([2, 1]), [1, 0, 1]),
        ([2, 1, 2], range(1, 3), [1, 0, 1]),
    ],
)
def test_a_number_is_one_class_however_the_table_holds_it(values: list[Any], classes: Any, expected: list[int]) -> None:
    trials = rated(valence=[1.0] * 3, arousal=[1.0] * 3)
    trials = trials._replaced(table=trials.table.assign(task=pd.Series(values, dtype=object)))
    assert categories("task", classes)(trials).tolist() == expected


@pytest.mark.parametrize("classes", [2, None, [], [1, None], [1, np.nan], {1, 2}, [1, 1.0], ["1", 1]])
def test_what_is_no_list_of_classes_is_refused(classes: Any) -> None:
    with pytest.raises(ConfigError, match=r"All classes were expected|named twice"):
        categories("task", classes)


@pytest.mark.parametrize(
    "threshold",
    ["mean", "5", None, True, np.nan, np.inf, [5], np.array([4.0, 5.0]), 10**400, 10**5000],
    ids=map(str, range(10)),
)
def test_a_threshold_that_cannot_be_compared_is_refused(threshold: Any) -> None:
    for make in (quadrants, lambda value: high_low("valence", value)):
        with pytest.raises(ConfigError, match="threshold must be a number, got"):
            make(threshold)


@pytest.mark.parametrize("value", ["happy", np.inf])
def test_a_rating_that_is_no_number_is_named(value: Any) -> None:
    trials = rated(valence=[1.0] * 2, arousal=[1.0] * 2)
    trials = trials._replaced(table=trials.table.assign(mood=pd.Series([3.0, value], dtype=object)))
    for label in (high_low("mood"), high_low("mood", ties="drop").select):
        with pytest.raises(DataFormatError, match=r"mood is .* in row 1 of the table.*categories\('mood'"):
            label(trials)


@pytest.mark.parametrize("values", [[True, False], pd.date_range("2026-01-01", periods=2)])
def test_what_is_true_or_a_date_is_no_rating(values: Any) -> None:
    with pytest.raises(DataFormatError, match=r"valence holds .*, and a rating is a number"):
        high_low("valence")(rated(valence=list(values)))


def test_a_table_is_not_labelled() -> None:
    trials = rated(**FOUR_CORNERS)
    with pytest.raises(ConfigError, match=r"quadrants>5 labels Trials or Windows, got DataFrame"):
        quadrants()(trials.table)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"Trials were expected, before they are cut, got Windows"):
        quadrants().select(trials.windows(1.0))  # type: ignore[arg-type]


# A threshold of each person's own


def test_the_median_is_of_training_trials_alone() -> None:
    # Of 1, 2, 3 trained on the median is 2, whatever is tested on; a rating of 2 is a tie, and low.
    trials = rated(valence=[1.0, 2.0, 3.0, 9.0, 2.0], arousal=[1.0, 1.0, 1.0, 5.0, 1.0])
    windows = trials.windows(1.0)  # two a trial
    scheme = high_low("valence", "median")
    assert scheme.name == "valence>median of the subject's training trials"
    assert scheme.fitted(windows, np.arange(6))[::2].tolist() == [0, 0, 1, 1, 0]
    assert high_low("valence", "median", "high").fitted(windows, np.arange(6))[::2].tolist() == [0, 1, 1, 1, 1]
    assert scheme.fitted(windows, np.arange(4, 10))[::2].tolist() == [0, 0, 0, 1, 0]  # the median of 3, 9, 2
    corners = quadrants("median").fitted(windows, np.arange(6))[::2]
    assert [quadrants().classes[corner] for corner in corners] == ["LVLA", "LVLA", "HVLA", "HVHA", "LVLA"]


def test_each_person_has_a_median_and_who_is_not_trained_on_has_none() -> None:
    trials = rated(valence=[1.0, 2.0, 3.0, 7.0, 8.0, 9.0, 5.0])
    trials = trials._replaced(table=trials.table.assign(subject=[1, 1, 1, 2, 2, 2, 3]))
    windows = trials.windows(2.0)
    assert high_low("valence", "median").fitted(windows, np.arange(6)).tolist() == [0, 0, 1, 0, 0, 1, -1]


def test_a_rule_that_is_fitted_labels_nothing_by_itself() -> None:
    with pytest.raises(ConfigError, match=r"valence>median .* is fitted to training trials"):
        high_low("valence", "median")(rated(**FOUR_CORNERS))
    with pytest.raises(ConfigError, match="its ties cannot be dropped"):
        quadrants("median", "drop")
    fixed = rated(**FOUR_CORNERS).windows(1.0)
    np.testing.assert_array_equal(quadrants().fitted(fixed, np.arange(2)), quadrants()(fixed))
