"""Fixtures: small simulated data, a cache folder of each test's own, and the real recordings where they are."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("LOKY_MAX_CPU_COUNT", "1")  # n_jobs=-1: the tests themselves run on all cores
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")  # tests that use Keras before eegemo does would start more

from eegemo import Trials, simulate, write_simulated_raw

# The same examples in each run, so that what fails was broken by the change at hand.
settings.register_profile("reproducible", derandomize=True)
settings.load_profile("reproducible")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's cache."""
    monkeypatch.setenv("EEGEMO_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def two_subjects() -> Trials:
    """Two simulated people, four channels: 80 trials of 3 s + 60 s."""
    return simulate(2, channels=["F3", "F4", "O1", "O2"])


@pytest.fixture(scope="session")
def small_trials() -> Trials:
    """Three people x 8 trials of 0.5 s + 4 s at 32 Hz, two channels of noise; every class in every person."""
    rng = np.random.default_rng(0)
    n_trials, n_times = 24, 144
    trial = np.tile(np.arange(1, 9), 3)
    table = pd.DataFrame(
        {
            "subject": np.repeat([1, 2, 3], 8),
            "trial": trial,
            "stimulus": trial,
            "start": np.arange(n_trials) * n_times,
            "n_times": n_times,
            "n_baseline": 16,
            "valence": np.tile([8.0, 7, 3, 2], 6),
            "arousal": np.tile([8.0, 2, 7, 3], 6),
        }
    )
    signals = rng.standard_normal((n_trials * n_times, 2)).astype(np.float32)
    return Trials(signals, table, ("F3", "F4"), 32.0, dataset="noise", simulated=True)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real recordings, named by ``EEGEMO_REAL_DATA``."""
    folder = os.environ.get("EEGEMO_REAL_DATA")
    if not folder:
        pytest.skip("EEGEMO_REAL_DATA does not name the folder of real recordings")
    return Path(folder)


@pytest.fixture(scope="session")
def raw_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulated people 1 (Twente), 24 (Geneva, trigger without a name) and 29 (49 channels): 4 trials each, as BDF."""
    folder = tmp_path_factory.mktemp("raw")
    write_simulated_raw(folder, [1, 24, 29], n_trials=4)
    return folder
