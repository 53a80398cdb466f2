"""A stream with blinks, and a model of its windows that is quick and shows every sample."""

from __future__ import annotations

from typing import Any

import mne
import numpy as np
from scipy.special import softmax

from eegemo import Preprocessing

EEG = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "O1", "O2")
NAMES = (*EEG, "VEOG")
SFREQ = 256
#: What the model was trained on.
STEPS = Preprocessing(types=(("VEOG", "eog"),))


def streamed(seconds: float, seed: int = 0) -> np.ndarray:
    """Eight EEG channels that see the blinks of a ninth, in microvolts, with offsets; shape (n_times, 9)."""
    rng = np.random.default_rng(seed)
    n_times = round(seconds * SFREQ)
    blinks, shape = np.zeros(n_times), 250 * np.hanning(90)
    for start in range(100, n_times - 90, 700):
        blinks[start : start + 90] += shape
    eog = blinks + rng.standard_normal(n_times)
    eeg = 10 * rng.standard_normal((n_times, 8)) + np.outer(eog, np.linspace(0.6, 0, 8)) + rng.normal(0, 3000, 8)
    return np.column_stack([eeg, eog])


def as_raw(samples: np.ndarray, names: tuple[str, ...] = NAMES) -> mne.io.RawArray:
    return mne.io.RawArray(1e-6 * samples.T, mne.create_info(list(names), SFREQ, "eeg"), verbose="error")


class PowerModel:
    """Three classes by weighted sums of a window's samples: any other sample gives other probabilities."""

    classes_ = np.array(["calm", "sad", "happy"])
    ch_names_ = ("F4", "F3", "O1")
    sfreq_ = 128.0
    n_times_ = 128
    n_channels_ = 3

    def __init__(self) -> None:
        self._weights = np.random.default_rng(1).standard_normal((3, 3, 128)) / 300

    def predict_proba(self, windows: Any) -> np.ndarray:
        assert windows.shape[1:] == (3, 128)
        assert windows.dtype == np.float32
        assert np.isfinite(windows).all()
        return np.asarray(softmax(np.einsum("nct,kct->nk", windows.astype(float), self._weights), axis=1))
