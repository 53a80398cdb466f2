"""Controls: permuted labels, probes, and a rhythm whose frequency and size are measured by a Fourier transform."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from eegemo import (
    ConfigError,
    Control,
    MajorityClassifier,
    Trials,
    Windows,
    categories,
    evaluate,
    high_low,
    make_splitter,
    quadrants,
)
from eegemo.evaluation.controls import CONTROLS, controlled, inject_signal, permute_labels, permuted_windows
from toy_classifiers import NearestMean, flattened
from toy_trials import make_trials, with_columns


def log_band_powers(X: Windows) -> np.ndarray:
    """Return the logarithm of the power of each channel at each frequency."""
    power = np.abs(np.fft.rfft(np.asarray(X))) ** 2
    return np.log(power + 1e-9).reshape(len(X), -1)


def make_rated(subject: list[Any], **columns: Any) -> Trials:
    """Make trials of two samples whose valence is their row and whose arousal is that plus 100."""
    rows = np.arange(len(subject))
    ratings = {"valence": rows * 1.0, "arousal": rows + 100.0, "liking": rows + 200.0}
    strip = np.random.default_rng(0).standard_normal((2 * len(rows), 1))
    return make_trials({"subject": subject, **ratings, **columns}, strip, n_times=2, sfreq=2.0)


# What controls there are


def test_an_unknown_control_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"Unknown control 'who-is-that'. Did you mean 'who-is-it'\? Known: permuted-"
    ):
        Control("who-is-that")


@pytest.mark.parametrize("strength", [0.0, -1.0, np.inf, np.nan])
def test_a_strength_that_is_none_is_refused(strength: float) -> None:
    with pytest.raises(ConfigError, match=rf"strength must be a positive number, got {strength}\."):
        Control("injected-signal", strength=strength)


# Permuted labels


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=20), st.integers(0, 1000))
def test_labels_are_permuted_within_each_person_and_stay_together(subject: list[str], random_state: int) -> None:
    trials = make_rated(subject)
    permuted = permute_labels(trials, quadrants(), random_state=random_state)
    before, after = trials.table, permuted.table
    source = after["valence"].to_numpy(int)
    assert sorted(source) == list(range(len(subject)))
    np.testing.assert_array_equal(np.array(subject)[source], subject)
    np.testing.assert_array_equal(after["arousal"], source + 100)
    others = before.columns.difference(["valence", "arousal"])
    pd.testing.assert_frame_equal(after[others], before[others])
    assert np.shares_memory(permuted.signals, trials.signals)


def test_trials_without_windows_take_no_part_in_permuting() -> None:
    every = make_rated(["a", "b"] * 5).windows(n_times=1, step=1)
    there = np.array([0, 1, 4, 5, 6, 9])  # of a: 0, 4, 6; of b: 1, 5, 9; each trial has the number of its row
    some = every[np.isin(every.trial_index, there)]
    orders = set()
    for seed in range(40):
        windows = permuted_windows(some, quadrants(), random_state=seed)
        np.testing.assert_array_equal(windows.trial_index, some.trial_index)
        values = windows.trials.table["valence"].to_numpy(int)
        assert sorted(values[[0, 4, 6]]) == [0, 4, 6]
        assert sorted(values[[1, 5, 9]]) == [1, 5, 9]
        np.testing.assert_array_equal(values[[2, 3, 7, 8]], [2, 3, 7, 8])
        orders.add(tuple(values))
        control, _ = controlled(
            Control("permuted-labels", random_state=seed), some, quadrants(), make_splitter("trial")
        )
        np.testing.assert_array_equal(control.trials.table["valence"].to_numpy(int), values)
    assert len(orders) > 20  # of 36


def test_every_order_of_a_person_s_labels_is_equally_likely() -> None:
    trials = make_rated(["a", "b", "a", "b", "a"])
    orders = [
        permute_labels(trials, quadrants(), random_state=seed).table["valence"].to_numpy() for seed in range(1200)
    ]
    of_both = pd.Series([tuple(order) for order in orders]).value_counts()
    assert len(of_both) == 6 * 2
    assert chisquare(of_both).pvalue > 0.01


def test_only_what_the_scheme_reads_is_permuted_and_the_original_is_left_alone() -> None:
    trials = make_rated(["a"] * 10)
    before = trials.table.copy(deep=True)
    permuted = permute_labels(trials, high_low("valence"), random_state=1)
    assert (permuted.table["valence"] != before["valence"]).any()
    pd.testing.assert_frame_equal(permuted.table.drop(columns="valence"), before.drop(columns="valence"))
    pd.testing.assert_frame_equal(trials.table, before)
    again, other = (permute_labels(trials, high_low("valence"), random_state=seed) for seed in (1, 2))
    pd.testing.assert_frame_equal(again.table, permuted.table)
    assert (other.table["valence"] != permuted.table["valence"]).any()


def test_a_category_is_permuted_too() -> None:
    mood = ["joy", "fear", "joy", "calm", "calm", "calm"]
    trials = make_rated(["a", "a", "a", "b", "b", "b"], mood=mood)
    permuted = permute_labels(trials, categories("mood", ("calm", "fear", "joy")), random_state=0).table["mood"]
    assert sorted(permuted[:3]) == ["fear", "joy", "joy"]
    assert permuted[3:].tolist() == ["calm"] * 3


def test_permuted_labels_are_still_known_where_windows_leak_and_not_where_trials_are_kept_whole() -> None:
    # 48 trials, each with a constant of its own, that a nearest neighbour recognises and nothing else does.
    n, n_times = 48, 8
    rng = np.random.default_rng(0)
    strip = np.repeat(rng.permutation(n) * 1.0, n_times)[:, None] + 0.01 * rng.standard_normal((n * n_times, 1))
    columns = {"subject": np.arange(n) % 4, "valence": np.arange(n) // 4 % 2 * 9.0}
    windows = make_trials(columns, strip, n_times=n_times).windows(n_times=1, step=1)
    neighbour = flattened(KNeighborsClassifier(1))
    scores = {
        protocol: evaluate(
            neighbour, windows, high_low("valence"), make_splitter(protocol, n_splits=4), control="permuted-labels"
        ).of_subjects()["accuracy"]
        for protocol in ("window-random", "trial")
    }
    assert scores["window-random"].mean() == 1
    assert 0.3 < scores["trial"].mean() < 0.7


# Probes


def test_the_person_is_the_class(small_trials: Trials) -> None:
    windows = small_trials.windows()
    same, scheme = controlled(Control("who-is-it"), windows, quadrants(), make_splitter("trial"))
    assert same is windows
    assert scheme.classes == ("1", "2", "3")
    np.testing.assert_array_equal(scheme(same), np.repeat([0, 1, 2], 8 * 4))


def test_the_stimulus_is_the_class(small_trials: Trials) -> None:
    windows = small_trials.windows()
    same, scheme = controlled(Control("which-stimulus"), windows, quadrants(), make_splitter("subject"))
    assert same is windows
    assert scheme.classes == tuple("12345678")
    np.testing.assert_array_equal(scheme(same), np.tile(np.repeat(np.arange(8), 4), 3))


def test_people_are_numbered_in_the_order_they_come_in() -> None:
    windows = make_rated(["s2", "s10", "s2"]).windows(n_times=2, step=2)
    _, scheme = controlled(Control("who-is-it"), windows, quadrants(), make_splitter("trial"))
    assert scheme.classes == ("s2", "s10")
    np.testing.assert_array_equal(scheme(windows), [0, 1, 0])


@pytest.mark.parametrize(
    ("name", "protocol"),
    [
        ("who-is-it", "subject"),
        ("who-is-it", "subject-stimulus"),
        ("which-stimulus", "stimulus"),
        ("which-stimulus", "subject-stimulus"),
    ],
)
def test_a_probe_for_what_is_held_out_is_refused(small_trials: Trials, name: str, protocol: str) -> None:
    message = rf"Control '{name}' asks for what protocol '{protocol}' holds out, so training cannot know it; run it und"
    with pytest.raises(ConfigError, match=message):
        controlled(Control(name), small_trials.windows(), quadrants(), make_splitter(protocol))
    with pytest.raises(ConfigError, match=message):
        evaluate(
            MajorityClassifier(),
            small_trials.windows(),
            quadrants(),
            make_splitter(protocol, n_splits=2, validation_size=0),
            control=name,
        )


def test_stimuli_without_a_name_cannot_be_asked_for(small_trials: Trials) -> None:
    stimulus = small_trials.table["stimulus"].where(small_trials.table.index > 4)
    trials = with_columns(small_trials, stimulus=stimulus)
    with pytest.raises(ConfigError, match=r"Control 'which-stimulus' needs the stimulus of every trial; 5 have none\."):
        controlled(Control("which-stimulus"), trials.windows(), quadrants(), make_splitter("trial"))


def test_who_is_it_is_not_asked_of_one_person(small_trials: Trials) -> None:
    splitter = make_splitter("trial", n_splits=4, within="subject")
    with pytest.raises(ConfigError, match="who-is-it"):
        evaluate(MajorityClassifier(), small_trials.windows(), quadrants(), splitter, control="who-is-it")


# A rhythm


def make_noise(n_trials: int = 8, sfreq: float = 128.0, seconds: int = 8) -> Trials:
    """Make trials of noise of 1 and 20 microvolts on two channels, around 5 microvolts; four classes in turn."""
    n_times = int(seconds * sfreq)
    columns = {"subject": 1, "valence": [8.0, 8, 2, 2] * (n_trials // 4), "arousal": [8.0, 2] * (n_trials // 2)}
    strip = 5 + np.random.default_rng(0).standard_normal((n_trials * n_times, 2)) * [1, 20]
    return make_trials(columns, strip, n_times=n_times, ch_names=("F3", "F4"), sfreq=sfreq)


def added(trials: Trials, changed: Trials) -> np.ndarray:
    """Return what was added to each trial, (n_trials, n_times, n_channels)."""
    difference = changed.signals.astype(float) - trials.signals
    return difference.reshape(len(trials), -1, difference.shape[1])


def strongest_frequency(signal: np.ndarray, sfreq: float) -> np.ndarray:
    """Find the highest peak of each row's spectrum, padded with zeros to a hundredth of a hertz."""
    n = int(100 * sfreq)
    spectrum = np.abs(np.fft.rfft(signal * np.hanning(signal.shape[1]), n))
    return np.asarray(np.fft.rfftfreq(n, 1 / sfreq)[spectrum.argmax(axis=1)])


@pytest.mark.parametrize(
    ("sfreq", "frequencies"),
    [
        (128.0, [8, 8 + 22 / 3, 8 + 44 / 3, 30]),
        (50.0, [8, 12, 16, 20]),  # up to 0.4 of the sampling rate
        (32.0, [6.4, 6.4 * 4 / 3, 6.4 * 5 / 3, 12.8]),  # and from half of that, where it is less than 8
    ],
)
def test_the_frequency_tells_the_class(sfreq: float, frequencies: list[float]) -> None:
    trials = make_noise(sfreq=sfreq)
    sine = added(trials, inject_signal(trials, quadrants(), random_state=3))
    for channel in range(2):
        found = strongest_frequency(sine[:, :, channel], sfreq)
        np.testing.assert_allclose(found, frequencies * 2, atol=0.02)


def test_two_classes_have_the_two_ends() -> None:
    trials = make_noise()
    sine = added(trials, inject_signal(trials, high_low("valence")))
    np.testing.assert_allclose(strongest_frequency(sine[:, :, 0], 128.0), [30, 30, 8, 8] * 2, atol=0.02)


@pytest.mark.parametrize("strength", [0.1, 2.0])
def test_the_strength_is_rms_over_standard_deviation(strength: float) -> None:
    trials = make_noise()
    sine = added(trials, inject_signal(trials, quadrants(), strength=strength))
    of_trial = trials.signals.reshape(8, -1, 2).astype(float)
    ratio = np.sqrt((sine**2).mean(axis=1)) / of_trial.std(axis=1)
    np.testing.assert_allclose(ratio, strength, rtol=0.01)
    assert sine.mean(axis=1) == pytest.approx(0, abs=0.02 * strength * 20)


def test_phases_differ_between_trials_and_not_between_channels() -> None:
    trials = make_noise(40)
    sine = added(trials, inject_signal(trials, high_low("valence")))
    low = sine[trials.table["valence"] == 2.0]
    carrier = np.exp(2j * np.pi * 8 * np.arange(low.shape[1]) / 128)
    phase = np.angle(np.einsum("ntc,t->nc", low, carrier.conj()))
    np.testing.assert_allclose(phase[:, 0], phase[:, 1], atol=1e-3)
    assert abs(np.exp(1j * phase[:, 0]).mean()) < 0.5  # 20 equal phases would give 1


def test_the_strip_that_was_given_is_left_alone_and_so_are_trials_that_were_not() -> None:
    trials = make_noise()
    before = trials.signals.copy()
    half = trials.select([1, 3])
    changed = inject_signal(half, quadrants())
    np.testing.assert_array_equal(trials.signals, before)
    assert not np.shares_memory(changed.signals, trials.signals)
    touched = added(trials, changed).any(axis=(1, 2))
    assert touched.tolist() == [False, True, False, True, False, False, False, False]
    assert changed.fingerprint != half.fingerprint
    pd.testing.assert_frame_equal(changed.table, half.table)


def test_a_seed_gives_the_same_phases() -> None:
    trials = make_noise()
    first, again, other = (inject_signal(trials, quadrants(), random_state=seed).signals for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_an_injected_rhythm_is_found_where_the_real_task_has_nothing_to_find(small_trials: Trials) -> None:
    windows = small_trials.windows(2, 2)
    band_powers = make_pipeline(FunctionTransformer(log_band_powers), StandardScaler(), LogisticRegression())
    splitter = make_splitter("trial", n_splits=4)
    real = evaluate(band_powers, windows, quadrants(), splitter)
    found = evaluate(band_powers, windows, quadrants(), splitter, control=Control("injected-signal", strength=1.0))
    assert found.of_subjects("trial")["accuracy"].mean() > 0.9
    assert real.of_subjects("trial")["accuracy"].mean() < 0.5
    assert found.control == "injected-signal"
    assert real.control is None


# The same windows and folds


@pytest.mark.parametrize("control", ["who-is-it", "which-stimulus", "injected-signal"])
@pytest.mark.parametrize("protocol", ["window-random", "trial"])
def test_a_control_has_the_very_splits_of_the_real_task(small_trials: Trials, control: str, protocol: str) -> None:
    windows, splitter = small_trials.windows(1, 0.5), make_splitter(protocol, n_splits=4, random_state=2)
    real, probe = (evaluate(NearestMean(), windows, quadrants(), splitter, control=c) for c in (None, control))
    assert len(real.folds) == len(probe.folds) == 4
    for fold, other in zip(real.folds, probe.folds, strict=True):
        for part, same in zip(fold.split, other.split, strict=True):
            np.testing.assert_array_equal(part, same)
        np.testing.assert_array_equal(fold.trial, other.trial)
    pd.testing.assert_frame_equal(real.table, probe.table)
    assert real.provenance["split_hash"] == probe.provenance["split_hash"]
    assert real.leakage == probe.leakage


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_by_its_name_has_the_seed_of_the_splitter(small_trials: Trials, name: str) -> None:
    splitter = make_splitter("window-random", n_splits=4, random_state=6)
    found, given_, other = (
        evaluate(NearestMean(), small_trials.windows(), quadrants(), splitter, control=control)
        for control in (name, Control(name, random_state=6), Control(name, random_state=7))
    )
    assert found.control == name
    assert found.provenance["control"] == {"name": name, "strength": 0.5, "random_state": 6}
    pd.testing.assert_frame_equal(found.predictions, given_.predictions)
    if name in ("permuted-labels", "injected-signal"):
        assert not found.predictions.equals(other.predictions)
