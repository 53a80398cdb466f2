"""Normalisation of whole people: scikit-learn's scaler for each person, and a mark wherever its numbers appear."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.preprocessing import StandardScaler

from eegemo import (
    Trials,
    Windows,
    evaluate,
    leakage_record,
    make_splitter,
    quadrants,
    read_results,
    zscore_subjects,
)
from eegemo.evaluation.protocols import PROTOCOLS
from eegemo.preprocessing.subjects import TRANSDUCTIVE

N_BASELINE = 16


class First(ClassifierMixin, BaseEstimator):
    """Predicts the first class it knows."""

    def fit(self, X: Windows, y: np.ndarray) -> Self:
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X: Windows) -> np.ndarray:
        return np.tile(np.eye(len(self.classes_))[0], (len(X), 1))


@pytest.fixture
def uneven() -> Trials:
    """Three people, mixed, whose trials differ in length, baseline, offset and gain; a gap between two trials."""
    rng = np.random.default_rng(0)
    n_times = [20, 35, 12, 50, 27, 40]
    start = np.append(0, np.cumsum(n_times)[:-1]) + np.array([0, 0, 0, 9, 9, 9])
    table = pd.DataFrame(
        {
            "subject": ["b", "a", "b", "c", "a", "c"],
            "trial": [1, 1, 2, 1, 2, 2],
            "stimulus": [1, 2, 3, 4, 5, 6],
            "start": start,
            "n_times": n_times,
            "n_baseline": [5, 0, 3, 10, 2, 0],
        }
    )
    signals = rng.standard_normal((sum(n_times) + 9, 3)) * [1, 30, 1e-3] + [0, 500, -2]
    return Trials(signals.astype(np.float32), table, ("F3", "F4", "O1"), 32.0, dataset="noise", simulated=True)


def replaced(trials: Trials, **changes: Any) -> Trials:
    return Trials(
        **{
            "signals": trials.signals,
            "table": trials.table,
            "ch_names": trials.ch_names,
            "sfreq": trials.sfreq,
            "dataset": trials.dataset,
            "simulated": trials.simulated,
            **changes,
        }
    )


def numbers_of(trials: Trials, subject: Any) -> list[int]:
    return np.flatnonzero(trials.table["subject"] == subject).tolist()


def test_each_person_is_scaled_as_scikit_learn_scales_all_of_their_samples(uneven: Trials) -> None:
    scaled = zscore_subjects(uneven)
    for subject in "abc":
        own = numbers_of(uneven, subject)
        scaler = StandardScaler().fit(np.concatenate([uneven.trial_data(n).T.astype(np.float64) for n in own]))
        for n in own:
            for baseline in (False, True):
                expected = scaler.transform(uneven.trial_data(n, baseline=baseline).T.astype(np.float64)).T
                found = scaled.trial_data(n, baseline=baseline)
                np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_every_channel_of_a_person_has_mean_0_and_standard_deviation_1(small_trials: Trials) -> None:
    scaled = zscore_subjects(small_trials)
    for subject in (1, 2, 3):
        samples = np.concatenate([scaled.trial_data(n) for n in numbers_of(scaled, subject)], axis=1)
        np.testing.assert_allclose(samples.mean(axis=1, dtype=np.float64), 0, atol=1e-6)
        np.testing.assert_allclose(samples.std(axis=1, dtype=np.float64), 1, rtol=1e-5)


def test_baselines_do_not_count(small_trials: Trials) -> None:
    signals = np.array(small_trials.signals)
    for start in small_trials.table["start"]:
        signals[start : start + N_BASELINE] += 1e4
    loud = zscore_subjects(replaced(small_trials, signals=signals))
    expected = zscore_subjects(small_trials)
    for number in range(len(expected)):
        np.testing.assert_array_equal(loud.trial_data(number), expected.trial_data(number))
        before = loud.trial_data(number, baseline=True)[:, :N_BASELINE]
        assert (before > 1e3).all()  # scaled like the rest, not by themselves


def test_nobody_is_scaled_by_another_person(small_trials: Trials) -> None:
    alone = zscore_subjects(small_trials.select(numbers_of(small_trials, 2)))
    together = zscore_subjects(small_trials)
    for number, among_all in enumerate(numbers_of(small_trials, 2)):
        np.testing.assert_array_equal(alone.trial_data(number), together.trial_data(among_all))


def test_only_the_trials_that_are_there_count(small_trials: Trials) -> None:
    fewer = zscore_subjects(small_trials.select([0, 1, 2]))
    samples = np.concatenate([fewer.trial_data(number) for number in range(3)], axis=1)
    np.testing.assert_allclose(samples.mean(axis=1, dtype=np.float64), 0, atol=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, -1234.567, 3e7])
def test_a_channel_that_never_changes_becomes_zero(small_trials: Trials, value: float) -> None:
    signals = np.array(small_trials.signals)
    signals[:, 1] = value
    scaled = zscore_subjects(replaced(small_trials, signals=signals))
    assert not scaled.signals[:, 1].any()
    np.testing.assert_array_equal(scaled.signals[:, 0], zscore_subjects(small_trials).signals[:, 0])


def test_a_small_signal_on_a_large_offset_keeps_its_shape(small_trials: Trials) -> None:
    """A sine of 1 microvolt on an offset of 20000 becomes a sine of height sqrt(2)."""
    signals = np.array(small_trials.signals)
    sine = np.sin(2 * np.pi * np.arange(len(signals)) / 16)
    signals[:, 0] = sine + 20000
    scaled = zscore_subjects(replaced(small_trials, signals=signals))
    np.testing.assert_allclose(scaled.signals[:, 0], np.sqrt(2) * sine, atol=5e-3)


def test_a_sample_that_lies_in_two_trials_is_scaled_once(small_trials: Trials) -> None:
    """The second trial's baseline is the end of the first trial."""
    table = small_trials.table.iloc[:2].assign(start=[0, 128])
    scaled = zscore_subjects(replaced(small_trials, table=table))
    samples = np.concatenate([scaled.trial_data(number) for number in (0, 1)], axis=1)
    np.testing.assert_allclose(samples.mean(axis=1, dtype=np.float64), 0, atol=1e-6)
    np.testing.assert_allclose(samples.std(axis=1, dtype=np.float64), 1, rtol=1e-5)


def test_the_trials_it_was_given_stay_as_they_were(small_trials: Trials) -> None:
    signals, provenance = np.array(small_trials.signals), dict(small_trials.provenance)
    scaled = zscore_subjects(small_trials)
    np.testing.assert_array_equal(small_trials.signals, signals)
    assert small_trials.provenance == provenance
    assert not np.shares_memory(scaled.signals, small_trials.signals)
    pd.testing.assert_frame_equal(scaled.table, small_trials.table)
    assert (scaled.ch_names, scaled.sfreq, scaled.dataset) == (("F3", "F4"), 32.0, "noise")
    assert scaled.signals.dtype == np.float32
    assert scaled.fingerprint != small_trials.fingerprint


def test_a_memory_map_is_not_written_to(small_trials: Trials, tmp_path: Path) -> None:
    np.save(tmp_path / "strip.npy", small_trials.signals)
    before = (tmp_path / "strip.npy").read_bytes()
    mapped = replaced(small_trials, signals=np.load(tmp_path / "strip.npy", mmap_mode="r"))
    np.testing.assert_array_equal(zscore_subjects(mapped).signals, zscore_subjects(small_trials).signals)
    assert (tmp_path / "strip.npy").read_bytes() == before


# The mark


def test_the_mark_follows_the_trials_and_their_windows(small_trials: Trials) -> None:
    scaled = zscore_subjects(small_trials)
    for trials in (scaled, scaled.select([0, 1, 8, 9]), scaled.pick(["F4"]), scaled.dropna("valence")):
        windows = trials.windows()
        assert leakage_record(windows, np.array([0]), np.array([5])).fitted_on_test == (TRANSDUCTIVE,)
        assert leakage_record(windows[3:9], np.array([0]), np.array([5])).fitted_on_test == (TRANSDUCTIVE,)
    assert json.loads(json.dumps(scaled.provenance)) == scaled.provenance


def test_the_mark_stands_beside_what_else_was_fitted_on_all(small_trials: Trials) -> None:
    trials = zscore_subjects(replaced(small_trials, provenance={"source": "here", "fitted_on_all": ["a PCA"]}))
    assert trials.provenance["source"] == "here"
    record = leakage_record(trials.windows(), np.array([0]), np.array([5]))
    assert record.fitted_on_test == ("a PCA", TRANSDUCTIVE)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_under_every_protocol_the_results_are_called_transductive(small_trials: Trials, protocol: str) -> None:
    splitter = make_splitter(protocol, n_splits=3)
    table = small_trials.table
    trials = replaced(small_trials, table=table.assign(session=table["trial"] % 4, dataset=table["subject"]))
    plain = evaluate(First(), trials.windows(), quadrants(), splitter)
    scaled = evaluate(First(), zscore_subjects(trials).windows(), quadrants(), splitter)
    assert [fold.leakage.fitted_on_test for fold in plain.folds] == [()] * len(plain.folds)
    assert [fold.leakage.fitted_on_test for fold in scaled.folds] == [(TRANSDUCTIVE,)] * len(plain.folds)
    assert scaled.leakage.fitted_on_test == (TRANSDUCTIVE,)
    assert scaled.leakage.shares == plain.leakage.shares
    assert f"TRANSDUCTIVE: {TRANSDUCTIVE}" in scaled.verdict
    assert "TRANSDUCTIVE" not in plain.verdict
    assert set(scaled.scores["protocol"]) == {f"{protocol}, transductive"}
    assert set(plain.scores["protocol"]) == {protocol}


def test_results_that_were_saved_are_still_called_transductive(small_trials: Trials, tmp_path: Path) -> None:
    splitter = make_splitter("subject", n_splits=3)
    evaluate(First(), zscore_subjects(small_trials).windows(), quadrants(), splitter, folder=tmp_path / "run")
    opened = read_results(tmp_path / "run")
    assert opened.leakage.fitted_on_test == (TRANSDUCTIVE,)
    assert opened.protocol_label == "subject, transductive"


@pytest.mark.parametrize("control", ["permuted-labels", "who-is-it", "which-stimulus", "injected-signal"])
def test_a_control_of_transductive_trials_is_called_transductive_too(small_trials: Trials, control: str) -> None:
    windows = zscore_subjects(small_trials).windows()
    results = evaluate(First(), windows, quadrants(), make_splitter("trial", n_splits=4), control=control)
    assert results.leakage.fitted_on_test == (TRANSDUCTIVE,)
