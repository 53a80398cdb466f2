"""The transformers by name."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from eegemo.errors import unknown_name

if TYPE_CHECKING:
    from eegemo.features.base import WindowFeatures

#: The transformers by name; a new one is tested by standing here.
FEATURES = {
    "band-power": "eegemo.features.bands:BandPower",
    "differential-entropy": "eegemo.features.bands:DifferentialEntropy",
    "asymmetry": "eegemo.features.asymmetry:Asymmetry",
    "hjorth": "eegemo.features.time:Hjorth",
    "statistics": "eegemo.features.time:Statistics",
    "amplitude-envelope": "eegemo.features.time:AmplitudeEnvelope",
    "rms": "eegemo.features.time:RMS",
    "zero-crossing-rate": "eegemo.features.time:ZeroCrossingRate",
    "spectral-entropy": "eegemo.features.spectral:SpectralEntropy",
    "spectral-centroid": "eegemo.features.spectral:SpectralCentroid",
    "spectral-bandwidth": "eegemo.features.spectral:SpectralBandwidth",
    "stft": "eegemo.features.spectral:ShortTimeFourier",
    "wavelet-energy": "eegemo.features.wavelets:WaveletEnergy",
    "bin-power": "eegemo.features.bin_power:BinPower",
}


def feature_class(name: str) -> type[WindowFeatures]:
    """Find a transformer by its name.

    Parameters
    ----------
    name : str
        A key of ``FEATURES``.

    Returns
    -------
    transformer : type
        To be called with its settings.

    Raises
    ------
    ConfigError
        If there is no such transformer.
    """
    if name not in FEATURES:
        raise unknown_name("features", name, FEATURES)
    module, attribute = FEATURES[name].split(":")
    return getattr(importlib.import_module(module), attribute)
