"""Fixtures of the tests of export: tiny networks, and one of them exported."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from eegemo import CollapseWarning, EEGClassifier, Trials, Windows, quadrants
from eegemo.networks import NETWORKS
from tiny import tiny, traced


@pytest.fixture(scope="session")
def half_seconds(small_trials: Trials) -> Windows:
    """192 windows of 16 samples x 2 channels."""
    return small_trials.windows(duration=0.5)


@pytest.fixture(scope="session")
def trained(half_seconds: Windows) -> dict[str, EEGClassifier]:
    """Every network after one step, its outputs enlarged so that they depend on the windows; classes are text."""
    names = ("calm", "content", "excited", "sad")
    few = half_seconds[::8]
    y = np.array(names)[quadrants()(few)]
    with traced(False), warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)
        classifiers = {name: tiny(name, epochs=1).fit(few, y) for name in NETWORKS}
    for classifier in classifiers.values():
        kernel, bias = classifier.model_.layers[-1].get_weights()
        classifier.model_.layers[-1].set_weights([20 * kernel, bias])
    return classifiers


@pytest.fixture(scope="session")
def exported_onnx(trained: dict[str, EEGClassifier], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CNN-LSTM as ONNX."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    from eegemo import export

    return export(trained["cnn-lstm"], tmp_path_factory.mktemp("exported") / "model.onnx").path
