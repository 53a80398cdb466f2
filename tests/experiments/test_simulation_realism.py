"""The statistics that simulated and real people are compared by, on signals whose statistics are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import simulation_realism as realism

from eegemo import Trials

N_TIMES = 15 * 128


def trials_of(samples: np.ndarray, n_people: int) -> Trials:
    """Trials of 15 s, from samples (n_trials, n_channels, 1920), as many of each person."""
    n_trials = len(samples)
    table = pd.DataFrame({"subject": np.repeat(np.arange(n_people), n_trials // n_people), "trial": range(n_trials)})
    table = table.assign(stimulus=1, start=np.arange(n_trials) * N_TIMES, n_times=N_TIMES, n_baseline=0)
    names = ["Cz", "O1", "O2", "Pz"][: samples.shape[1]]
    strip = samples.transpose(0, 2, 1).reshape(-1, len(names)).astype(np.float32)
    return Trials(strip, table, names, 128, "made here", simulated=True, provenance={"pass_band": [4, 45]})


def test_gaussian_noise_has_the_quantiles_of_a_gaussian() -> None:
    scale = np.array([1.0, np.e, np.e**2])[:, None]
    found = realism.amplitudes([scale * np.random.default_rng(0).normal(size=(8, 3, N_TIMES))])
    assert found["deviation over SD, 50 %"] == pytest.approx(0.674, abs=0.02)
    assert found["deviation over SD, 99 %"] == pytest.approx(2.576, abs=0.05)
    assert found["kurtosis"] == pytest.approx(0, abs=0.1)
    assert found["uneven channels: SD of the log SD"] == pytest.approx(np.std([0, 1, 2]), abs=0.02)


def test_exponent_and_alpha_peak_are_found_where_they_are() -> None:
    rng, freqs = np.random.default_rng(0), np.fft.rfftfreq(N_TIMES, 1 / 128)
    # A bell of 8 dB whose half, 4 dB, is 2 Hz wide, over a power that falls with f ** -1.5.
    decibels = -15 * np.log10(np.maximum(freqs, 1)) + 8 * 0.5 ** (np.abs(freqs - 10) ** 2)
    white = rng.normal(size=(40, 4, len(freqs))) + 1j * rng.normal(size=(40, 4, len(freqs)))
    found = realism.spectrum([np.fft.irfft(white * 10 ** (decibels / 20), N_TIMES)], ("Cz", "O1", "O2", "Pz"))
    assert found["exponent of the background"] == pytest.approx(1.5, abs=0.1)
    assert found["alpha: height, dB"] == pytest.approx(8, abs=1)
    assert found["alpha: width, Hz"] == pytest.approx(2, abs=0.4)


def test_shares_of_people_trials_and_windows_are_found() -> None:
    rng = np.random.default_rng(0)
    n_people, n_trials = 12, 12
    people, of_trial = rng.normal(0, 0.6, (n_people, 1, 1, 1)), rng.normal(0, 0.4, (n_people, n_trials, 1, 1))
    log_amplitude = np.repeat(people + of_trial + rng.normal(0, 0.5, (n_people, n_trials, 1, 15)), 128, axis=3)
    samples = np.exp(log_amplitude) * rng.normal(size=(n_people, n_trials, 2, N_TIMES))
    found = realism.variances(trials_of(samples.reshape(-1, 2, N_TIMES), n_people))
    # Of the log power, twice the log amplitude; that of noise in a few frequencies varies besides.
    people_to_trials = found["variance of log power: people"] / found["variance of log power: trials of a person"]
    assert people_to_trials == pytest.approx(people.var(ddof=1) / of_trial.var(axis=1, ddof=1).mean(), rel=0.3)
    assert sum(share for name, share in found.items() if name.startswith("variance")) == pytest.approx(1)
    assert found["variance of log power: windows of a trial"] > 0.25 / (0.36 + 0.16 + 0.25)
    assert found["windows: correlation with the next second"] == pytest.approx(-1 / 15, abs=0.03)


def test_people_who_differ_are_told_apart_and_others_are_not() -> None:
    rng = np.random.default_rng(0)
    same = rng.normal(size=(48, 2, N_TIMES))
    loud = same * np.exp(np.arange(12).repeat(4))[:, None, None]
    assert realism.who_is_it(trials_of(same, 12)) < 0.2
    assert realism.who_is_it(trials_of(loud, 12)) > 0.95


def test_the_last_columns_tell_what_lies_among_the_real_sets() -> None:
    columns = pd.DataFrame(
        {
            realism.SIMULATED: [1.0, 5.0, 5.0, 1.0],
            realism.SIMULATED_14: [5.0, 1.0, 5.0, 1.0],
            realism.DASPS: [0.0, 0.0, 0.0, 0.0],
            realism.EEGMAT: [2.0, 2.0, 2.0, np.nan],
        }
    )
    table = realism.compared(columns)
    assert table["within"].tolist() == ["yes", "with 14 channels", "no", ""]
    assert table["highest"].tolist() == [2, 2, 2, 0]


def test_without_real_sets_the_simulation_stands_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EEGEMO_REAL_DATA", raising=False)
    assert list(realism.real_sets(None)) == []
    assert list(realism.real_sets(tmp_path)) == []
