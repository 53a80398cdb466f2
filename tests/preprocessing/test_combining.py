"""Datasets put together: what is made alike, what keeps its name, and what a split between them shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from eegemo import (
    ConfigError,
    DataFormatError,
    LabelScheme,
    Trials,
    categories,
    combine_datasets,
    high_low,
    leakage_record,
    make_splitter,
)

LOW_HIGH = high_low("valence")


def recorded(
    ch_names: Sequence[str] = ("F3", "T7", "Cz"),
    sfreq: float = 128.0,
    *,
    people: int = 2,
    seconds: int = 8,
    band: Sequence[float | None] | None = (4.0, 45.0),
    simulated: bool = True,
    scale: float = 9.0,
    **columns: Any,
) -> Trials:
    """Two trials a person, low and high on a scale that begins with 1; channel i is a 10 Hz sine of i + 1 uV, and 5."""
    t = np.arange(seconds * int(sfreq)) / sfreq
    one = np.stack([(i + 1) * np.sin(2 * np.pi * 10 * t) + 5 for i in range(len(ch_names))], axis=1)
    n = 2 * people
    table = pd.DataFrame(
        {
            "subject": np.repeat(np.arange(people) + 1, 2),
            "trial": [1, 2] * people,
            "stimulus": [1, 2] * people,
            "start": np.arange(n) * len(t),
            "n_times": len(t),
            "n_baseline": int(sfreq),
            "valence": [1.0, scale] * people,
            **columns,
        }
    )
    provenance = {} if band is None else {"pass_band": list(band)}
    return Trials(
        np.tile(one, (n, 1)).astype(np.float32), table, ch_names, sfreq, "r", simulated=simulated, provenance=provenance
    )


def amplitude(trials: Trials, number: int, channel: str, frequency: float = 10.0) -> float:
    """Twice the mean of the signal times a wave of that frequency, over whole seconds away from the ends."""
    signal = trials.trial_data(number)[trials.ch_names.index(channel)][int(trials.sfreq) : -int(trials.sfreq)]
    wave = np.exp(2j * np.pi * frequency * np.arange(len(signal)) / trials.sfreq)
    return float(2 * abs((signal * wave).mean()))


def test_channels_are_those_of_all_by_any_name_in_the_order_of_the_first() -> None:
    one, other = recorded(("Oz", "F3", "T3")), recorded(("T7", "Fz", "F3", "Cz"))
    trials, _ = combine_datasets({"a": (one, LOW_HIGH), "b": (other, LOW_HIGH)}, reference=None)
    assert trials.ch_names == ("F3", "T7")
    np.testing.assert_array_equal(trials.trial_data(0), one.pick(["F3", "T3"]).trial_data(0))
    np.testing.assert_array_equal(trials.trial_data(4), other.pick(["F3", "T7"]).trial_data(0))


def test_people_and_stimuli_keep_their_datasets_name_and_classes_are_by_each_scale() -> None:
    parts = {"a": (recorded(), LOW_HIGH), "b": (recorded(people=1, scale=5.0), high_low("valence", 3))}
    trials, scheme = combine_datasets(parts)
    assert trials.table["subject"].tolist() == ["a 1", "a 1", "a 2", "a 2", "b 1", "b 1"]
    assert trials.table["stimulus"].tolist() == ["a 1", "a 2", "a 1", "a 2", "b 1", "b 2"]
    assert trials.table["dataset"].tolist() == ["a"] * 4 + ["b"] * 2
    assert scheme(trials).tolist() == [0, 1] * 3
    assert (trials.dataset, trials.simulated) == ("a + b", True)


def test_rate_band_and_reference_become_the_same() -> None:
    slow, fast = recorded(sfreq=128.0), recorded(sfreq=200.0, band=(0.5, 75.0))
    trials, _ = combine_datasets({"slow": (slow, LOW_HIGH), "fast": (fast, LOW_HIGH)})
    assert (trials.sfreq, trials.pass_band) == (128.0, (4.0, 45.0))
    assert trials.table["n_times"].tolist() == [8 * 128] * 8
    assert trials.table["n_baseline"].tolist() == [128] * 8
    for number in (0, 4):  # of 1, 2 and 3 uV the mean is 2
        for channel, expected in zip(trials.ch_names, (1, 0, 1), strict=True):
            assert amplitude(trials, number, channel) == pytest.approx(expected, abs=0.01)
    assert abs(trials.trial_data(4).mean()) < 0.01


def test_what_lies_outside_the_common_band_is_taken_out_of_wider_recordings() -> None:
    raw = recorded(band=None)
    hum = np.sin(2 * np.pi * 50 * np.arange(len(raw.signals)) / 128.0)[:, None].astype(np.float32)
    parts = {"narrow": (recorded(), LOW_HIGH), "raw": (raw._replaced(signals=raw.signals + hum), LOW_HIGH)}
    trials, _ = combine_datasets(parts, reference=None)
    assert amplitude(trials, 4, "T7", 50.0) < 0.02
    assert amplitude(trials, 4, "T7") == pytest.approx(2, abs=0.01)
    assert abs(trials.trial_data(4).mean()) < 0.01  # the 5 uV are gone
    np.testing.assert_array_equal(trials.trial_data(0), recorded().trial_data(0))


def test_a_split_between_datasets_shares_neither_people_nor_stimuli() -> None:
    parts = {name: (recorded(people=3), LOW_HIGH) for name in "ab"}
    windows = combine_datasets(parts)[0].windows(1.0)
    splits = list(make_splitter("dataset", n_splits="leave-one-out").triples(windows))
    dataset, subject = windows.table["dataset"].to_numpy(), windows.table["subject"].to_numpy()
    assert sorted(set(dataset[test]).pop() for _, _, test in splits) == ["a", "b"]
    for train, validation, test in splits:
        assert len(set(subject[train])) == 2
        assert len(set(subject[validation])) == 1
        record = leakage_record(windows, np.concatenate([train, validation]), test)
        assert (record.shared_samples, record.trial, record.subject, record.stimulus) == (0, 0, 0, 0)


def test_what_must_not_be_lost_of_a_part_is_not() -> None:
    zscored = recorded()._replaced(provenance={"fitted_on_all": ["z-score"], "pass_band": [4.0, 45.0]})
    overlapping = recorded(people=1, recording="r", first_sample=[0, 256])
    trials, _ = combine_datasets({"z": (zscored, LOW_HIGH), "o": (overlapping, LOW_HIGH)})
    assert trials.provenance["fitted_on_all"] == ["z-score"]
    assert trials.provenance["parts"]["z"]["dataset"] == "r"
    assert trials.origins is not None
    assert trials.origins.overlapping.tolist() == [False] * 4 + [True] * 2


@pytest.mark.parametrize(
    ("parts", "settings", "message"),
    [
        ({"a": (recorded(), LOW_HIGH)}, {}, "Two datasets at least"),
        ({"a": recorded(), "b": recorded()}, {}, r"a: \(trials, scheme\) were expected"),
        (
            {"a": (recorded(), LOW_HIGH), "b": (recorded(mood=["x", "y"] * 2), categories("mood", ["x", "y"]))},
            {},
            r"other classes: a \('low', 'high'\), b \('x', 'y'\)",
        ),
        ({"a": (recorded(), LOW_HIGH), "b": (recorded(simulated=False), LOW_HIGH)}, {}, "simulated and some not"),
        ({"a": (recorded(), LOW_HIGH), "b": (recorded(("F3", "Oz")), LOW_HIGH)}, {}, "1 EEG channels in common"),
        (
            {"a": (recorded(), LOW_HIGH), "b": (recorded(("F3", "Oz")), LOW_HIGH)},
            {"channels": ["F3", "Cz"]},
            "b lacks Cz",
        ),
        ({"a": (recorded(), LOW_HIGH), "b": (recorded(), LOW_HIGH)}, {"sfreq": 256}, "set sfreq to 128 or less"),
        ({"a": (recorded(), LOW_HIGH), "b": (recorded(), LOW_HIGH)}, {"band": (4.0, 80.0)}, "edges must rise"),
    ],
)
def test_what_cannot_be_put_together_is_refused(
    parts: dict[str, tuple[Trials, LabelScheme]], settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        combine_datasets(parts, **settings)


def test_a_trial_shorter_than_the_filter_is_refused() -> None:
    parts = {"a": (recorded(), LOW_HIGH), "b": (recorded(seconds=1, band=None, n_baseline=0), LOW_HIGH)}
    with pytest.raises(DataFormatError, match="filter"):
        combine_datasets(parts)
