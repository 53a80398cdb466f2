"""EEG that cannot be in volts is warned of, and nothing else is."""

from __future__ import annotations

import re
import warnings

import mne
import numpy as np
import pytest

from eegemo import Preprocessing, preprocess

NAMES = "Fp1 Fp2 F3 F4 C3 C4 P3 P4".split()
TIMES = np.arange(128 * 20) / 128
NOISE = np.random.default_rng(0).normal(size=(8, TIMES.size))
STEPS = Preprocessing(eog=None, bad_channels=None)


def preprocessed(data: np.ndarray) -> list[str]:
    raw = mne.io.RawArray(data.copy(), mne.create_info(NAMES, 128.0, "eeg"), verbose="error")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        preprocess(raw, STEPS)
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize(
    ("volts", "words"),
    [(20, "microvolts that were taken for volts.*x \\* 1e-6"), (0.02, "millivolts.*x \\* 1e-3"), (2e-11, "1e6")],
)
def test_another_unit_is_named_with_what_to_multiply_by(volts: float, words: str) -> None:
    (message,) = preprocessed(volts * NOISE)
    assert re.search(words, message)


walk = np.cumsum(NOISE, axis=1)


@pytest.mark.parametrize(
    "data",
    [
        20e-6 * NOISE,
        20e-6 * NOISE + 0.1 * np.arange(8)[:, None] + 1e-3 * TIMES,
        20e-6 * NOISE + 5e-3 * np.sin(2 * np.pi * 50 * TIMES),
        NOISE,
        (walk - walk.mean(axis=1, keepdims=True)) / walk.std(axis=1, keepdims=True),
        20e-6 * NOISE * np.array([1, 1, 1, 1e3, 1, 1, 1, 1])[:, None],
        0 * NOISE,
    ],
    ids=["volts", "offsets and drifts", "mains", "z-scored noise", "z-scored", "one loud channel", "flat"],
)
def test_what_can_be_in_volts_is_no_alarm(data: np.ndarray) -> None:
    assert preprocessed(data) == []
