"""Trials that are there twice: found whatever was done to them, and nothing found where there is none."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from eegemo import Trials, audit_split, find_copies, load_dasps, load_eegmat
from eegemo.copies import with_places_of_twins
from eegemo.datasets._store import prepared
from eegemo.evaluation.leakage import shared_raw_samples
from toy_recordings import Recordings
from toy_trials import make_trials

SFREQ, N_CHANNELS = 128.0, 6
SECONDS = np.arange(20 * 128) / SFREQ


def eeg_like(seed: int, seconds: float = 20.0, n_channels: int = N_CHANNELS) -> np.ndarray:
    """Noise whose power falls with frequency, mixed between channels, shape (n_times, n_channels)."""
    rng = np.random.default_rng(seed)
    n_times = round(seconds * SFREQ)
    falling = np.fft.rfft(rng.standard_normal((n_times, n_channels)), axis=0)
    falling /= np.maximum(np.fft.rfftfreq(n_times, 1 / SFREQ), 1)[:, np.newaxis]
    return np.fft.irfft(falling, n_times, axis=0) @ rng.standard_normal((n_channels, n_channels)) * 100


def trials_of(*signals: np.ndarray, n_baseline: int = 0) -> Trials:
    """One trial a person."""
    columns = {"subject": [f"s{n}" for n in range(len(signals))], "trial": 1, "n_times": [len(x) for x in signals]}
    names = [f"E{n}" for n in range(signals[0].shape[1])]
    table = pd.DataFrame(columns).assign(n_baseline=n_baseline)
    return make_trials(table, np.concatenate(signals), ch_names=names, sfreq=SFREQ)


def test_equal_samples_are_found_and_named() -> None:
    trials = trials_of(eeg_like(0), eeg_like(1), eeg_like(0), eeg_like(2), eeg_like(0))
    expected = pd.DataFrame(
        {
            "row": [2, 4],
            "twin": 0,
            "subject": ["s2", "s4"],
            "trial": 1,
            "twin_subject": "s0",
            "twin_trial": 1,
            "kind": "exact",
            "r": 1.0,
            "shift": 0,
        }
    )
    pd.testing.assert_frame_equal(find_copies(trials), expected, check_dtype=False)


NOISE = np.random.default_rng(9).standard_normal((20 * 128, N_CHANNELS))
DONE_TO_A_COPY: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "scaled, with an offset": lambda x: 0.1 * x + 300,
    "each channel scaled": lambda x: x * [1, 2, 1, 0.5, 1, 1.5],
    "with noise of a tenth of its power": lambda x: x + NOISE * x.std() * 0.1**0.5,
    "referenced to a channel": lambda x: x - x[:, [2]],
    "rounded": np.round,
    "cut short": lambda x: x[:-300],
    "one channel silent": lambda x: x * [0, 1, 1, 1, 1, 1],
}


@pytest.mark.parametrize("change", DONE_TO_A_COPY)
def test_near_copies_are_found(change: str) -> None:
    copies = find_copies(trials_of(eeg_like(0), eeg_like(1), DONE_TO_A_COPY[change](eeg_like(0))))
    assert copies[["row", "twin", "kind", "shift"]].to_numpy().tolist() == [[2, 0, "near", 0]]
    assert 0.8 < copies["r"][0] <= 1 + 1e-9


@pytest.mark.parametrize("shift", [-12, -5, 1, 3, 12])
def test_a_copy_that_was_cut_a_little_elsewhere_is_found_with_its_shift(shift: int) -> None:
    """Both are cut from one recording: the copy's first sample is sample 50 + shift, the twin's is sample 50."""
    recording = eeg_like(0, 25)
    copies = find_copies(trials_of(recording[50 : 50 + 2560], recording[50 + shift :][:2560] * 2))
    assert copies["shift"].tolist() == [shift]
    assert copies["r"][0] > 0.99


def test_without_its_shift_taken_off_a_correlation_is_that_of_numpy() -> None:
    """In the band alone, so that what is filtered out beforehand does not count."""
    spectrum = np.fft.rfft(eeg_like(0), axis=0)
    freqs = np.fft.rfftfreq(2560, 1 / SFREQ)
    own = np.fft.irfft(spectrum * ((freqs > 2) & (freqs < 18))[:, np.newaxis], 2560, axis=0)
    other = own + 0.3 * np.random.default_rng(1).permutation(own, axis=1)
    referenced, twin = (x - x.mean(axis=1, keepdims=True) for x in (own, other))
    window = np.hanning(2560)
    r = [np.corrcoef(referenced[:, n] * window, twin[:, n] * window)[0, 1] for n in range(N_CHANNELS)]
    copies = find_copies(trials_of(own, other))
    assert copies["r"][0] == pytest.approx(np.median(r), abs=0.002)


def test_the_baseline_is_not_compared() -> None:
    other_baseline = np.concatenate([eeg_like(5, 1), eeg_like(0)])
    trials = trials_of(np.concatenate([eeg_like(4, 1), eeg_like(0)]), other_baseline, n_baseline=128)
    assert find_copies(trials)["kind"].tolist() == ["exact"]
    same_baseline = [np.concatenate([eeg_like(4, 12), eeg_like(seed)]) for seed in (0, 1)]
    assert find_copies(trials_of(*same_baseline, n_baseline=12 * 128)).empty


def test_of_short_trials_only_equal_samples_count() -> None:
    short = eeg_like(0, 3)
    assert find_copies(trials_of(short, short * 2, short))["row"].tolist() == [2]


def test_equal_short_trials_of_a_rhythm_with_little_noise_count() -> None:
    alpha = [signal[:128] for signal in tones(10, 10)]
    assert find_copies(trials_of(alpha[0], alpha[1], alpha[0]))["row"].tolist() == [2]


def tones(hertz: float, noise: float) -> list[np.ndarray]:
    """Pieces of one sine with the same phase at the beginning, each with noise of its own."""
    sine = np.sin(2 * np.pi * hertz * SECONDS)[:, np.newaxis] * np.arange(1, N_CHANNELS + 1)
    return [sine * 20 + noise * eeg_like(seed) / eeg_like(seed).std() for seed in range(4)]


@pytest.mark.parametrize(
    "signals",
    [
        [eeg_like(seed) for seed in range(20)],
        [np.zeros((2560, N_CHANNELS))] * 3,
        [np.full((2560, N_CHANNELS), 7.0)] * 3,
        [np.outer(eeg_like(seed, n_channels=1), np.ones(N_CHANNELS)) * [1, 0, 0, 0, 0, 0] for seed in range(3)],
        *(tones(hertz, noise) for hertz in (6, 10, 12.3, 15) for noise in (0, 1, 10)),
        [np.eye(N_CHANNELS)[0] * np.sign(np.sin(2 * np.pi * 2 * SECONDS))[:, np.newaxis]] * 3,
    ],
)
def test_other_signals_and_pieces_of_one_that_repeats_itself_are_no_copies(signals: list[np.ndarray]) -> None:
    assert find_copies(trials_of(*signals)).empty


def test_a_strong_rhythm_at_the_same_phase_hides_no_copy() -> None:
    first, second, *_ = tones(10, 20)
    assert find_copies(trials_of(first, second, first * 3))["row"].tolist() == [2]


def test_people_are_no_copies_of_each_other(two_subjects: Trials) -> None:
    assert find_copies(two_subjects).empty


def test_real_people_are_no_copies_of_each_other_but_of_themselves(real_data: Path) -> None:
    for trials in (load_eegmat(real_data / "eegmat12"), load_dasps(real_data / "dasps", subjects=range(1, 7))):
        assert find_copies(trials).empty
        noisy = np.concatenate(
            [trials.signals, trials.signals + np.random.default_rng(0).standard_normal(trials.signals.shape)]
        ).astype(np.float32)
        twice = pd.concat(
            [
                trials.table,
                trials.table.assign(
                    subject=trials.table["subject"] + 100, start=trials.table["start"] + len(trials.signals)
                ),
            ]
        )
        copies = find_copies(Trials(noisy, twice, trials.ch_names, trials.sfreq, "twice", False))
        assert copies["row"].tolist() == list(range(len(trials), 2 * len(trials)))
        assert copies["twin"].tolist() == list(range(len(trials)))


def test_no_trials_have_no_copies() -> None:
    assert find_copies(trials_of(eeg_like(0))[:0]).empty


# Where recordings are prepared


def test_whoever_loads_a_person_twice_is_warned_each_time_and_finds_it_in_the_provenance(tmp_path: Path) -> None:
    def blocks() -> Iterator[tuple[np.ndarray, pd.DataFrame, dict[str, Any]]]:
        for subject, gain in ((1, 1), (2, 3)):
            trials = trials_of(eeg_like(0) * gain, eeg_like(1) * gain)
            yield trials.signals, trials.table.assign(subject=subject, trial=[1, 2]), {}

    description = {"ch_names": [f"E{n}" for n in range(N_CHANNELS)], "ch_types": ["eeg"] * N_CHANNELS, "sfreq": SFREQ}
    description |= {"dataset": "twice", "simulated": True, "provenance": {}}
    said = r"2 of the trials .* subject 2, trial 1 that of subject 1, trial 1 \(r = 1\.00\); subject 2, trial 2 that of"
    for _ in ("prepared", "opened again"):
        with pytest.warns(UserWarning, match=said):
            trials = prepared([], blocks, description=description, cache=tmp_path)
        named = [(copy["row"], copy["twin"], copy["kind"]) for copy in trials.provenance["copies"]]
        assert named == [(2, 0, "near"), (3, 1, "near")]
    assert json.loads(json.dumps(trials.provenance)) == trials.provenance
    windows = trials.windows(1.0)
    seen, test = (np.flatnonzero(windows.table["subject"] == subject) for subject in (1, 2))
    assert shared_raw_samples(windows, seen, test) == 1
    assert audit_split(windows, seen, test).verdict.startswith("LEAKS: test windows share raw samples with training")


def test_an_audit_of_windows_looks_for_copies_itself() -> None:
    windows = trials_of(eeg_like(0), eeg_like(1), eeg_like(0) * 2).windows(1.0)
    audit = audit_split(windows, np.flatnonzero(windows.table["subject"] != "s2"), windows.table["subject"] == "s2")
    assert audit.leakage.shared_samples == 1
    assert audit.verdict.startswith("LEAKS: test windows share raw samples")
    assert "subject s2, trial 1 that of subject s0, trial 1" in audit.verdict


@pytest.mark.parametrize("shift", [-3, 4])
def test_a_copy_counts_as_cut_where_its_twin_was(shift: int) -> None:
    signal = eeg_like(0, 24.0)
    cut = int(20 * SFREQ)
    first, second, other = signal[10 : 10 + cut], signal[10 + shift : 10 + shift + cut], eeg_like(1)[:cut]
    trials = trials_of(first, other, second, n_baseline=8)
    copies = find_copies(trials).to_dict("records")
    placed = with_places_of_twins(trials.table, copies)
    assert (placed["recording"] == "store").all()
    assert placed["first_sample"].tolist() == [0, cut, shift]
    pd.testing.assert_frame_equal(with_places_of_twins(trials.table, []), trials.table)


def test_a_store_without_copies_says_nothing_of_them(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "copies" not in Recordings(tmp_path / "files").open(tmp_path / "stores").provenance
