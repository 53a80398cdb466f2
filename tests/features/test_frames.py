"""Features of frames of 1024 samples, one each 512, beside librosa's on frames that it cuts itself."""

from __future__ import annotations

from collections.abc import Callable

import librosa
import numpy as np
import pandas as pd
import pytest

from eegemo import Trials, Windows
from eegemo.features import (
    RMS,
    AmplitudeEnvelope,
    SpectralBandwidth,
    SpectralCentroid,
    WindowFeatures,
    ZeroCrossingRate,
)

LENGTH, HOP, SFREQ = 1024, 512, 22050.0
CUT = {"hop_length": HOP, "center": False}


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    """A quarter of a second: a note that slides up, and noise."""
    t = np.arange(SFREQ // 4) / SFREQ
    rng = np.random.default_rng(0)
    return (20 * np.sin(2 * np.pi * (200 * t + 2000 * t**2)) + rng.standard_normal(len(t))).astype(np.float32)


@pytest.fixture(scope="module")
def frames(sound: np.ndarray) -> Windows:
    table = pd.DataFrame(
        {"subject": [1], "trial": [1], "stimulus": [1], "start": [0], "n_times": [len(sound)], "n_baseline": [0]}
    )
    trials = Trials(sound[:, None], table, ("Cz",), SFREQ, dataset="sound", simulated=True)
    return trials.windows(n_times=LENGTH, step=HOP)


def test_frame_k_is_x_from_k_hop_on(sound: np.ndarray, frames: Windows) -> None:
    cut = frames.to_numpy()[:, 0]

    np.testing.assert_array_equal(cut, librosa.util.frame(sound, frame_length=LENGTH, hop_length=HOP).T)
    for k in (0, 1, len(cut) - 1):
        np.testing.assert_array_equal(cut[k], sound[k * HOP : k * HOP + LENGTH])


@pytest.mark.parametrize(
    ("feature", "of_librosa"),
    [
        (
            AmplitudeEnvelope(),
            lambda y: np.abs(librosa.util.frame(y, frame_length=LENGTH, hop_length=HOP)).max(axis=0),
        ),
        (RMS(), lambda y: librosa.feature.rms(y=y, frame_length=LENGTH, **CUT)),
        (ZeroCrossingRate(), lambda y: librosa.feature.zero_crossing_rate(y, frame_length=LENGTH, pad=False, **CUT)),
        (SpectralCentroid(), lambda y: librosa.feature.spectral_centroid(y=y, sr=SFREQ, n_fft=LENGTH, **CUT)),
        (SpectralBandwidth(), lambda y: librosa.feature.spectral_bandwidth(y=y, sr=SFREQ, n_fft=LENGTH, **CUT)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, WindowFeatures) else "",
)
def test_a_feature_of_frames_is_librosas(
    feature: WindowFeatures, of_librosa: Callable[[np.ndarray], np.ndarray], sound: np.ndarray, frames: Windows
) -> None:
    found = feature.fit_transform(frames).ravel()

    assert len(found) == (len(sound) - LENGTH) // HOP + 1
    np.testing.assert_allclose(found, of_librosa(sound).ravel(), rtol=1e-5)
