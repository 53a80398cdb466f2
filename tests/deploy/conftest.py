"""Fixtures of the tests of export: tiny networks, and one of them exported."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from eegemo import CollapseWarning, EEGClassifier, Trials, Windows, quadrants
from tiny import tiny, traced


@pytest.fixture(scope="session")
def half_seconds(small_trials: Trials) -> Windows:
    """192 windows of 16 samples x 2 channels."""
    return small_trials.windows(duration=0.5)


class Trained(dict[str, EEGClassifier]):
    """Networks by name, each after one step, its outputs enlarged so that they depend on the windows; text classes."""

    def __init__(self, windows: Windows) -> None:
        self.windows = windows[::8]

    def __missing__(self, name: str) -> EEGClassifier:
        y = np.array(["calm", "content", "excited", "sad"])[quadrants()(self.windows)]
        with traced(False), warnings.catch_warnings():
            warnings.simplefilter("ignore", CollapseWarning)
            self[name] = tiny(name, epochs=1).fit(self.windows, y)
        output = self[name].model_.layers[-1]
        kernel, bias = output.get_weights()
        output.set_weights([20 * kernel, bias])
        return self[name]


@pytest.fixture(scope="session")
def trained(half_seconds: Windows) -> dict[str, EEGClassifier]:
    """Every network, made when it is first asked for."""
    return Trained(half_seconds)


@pytest.fixture(scope="session")
def exported_onnx(trained: dict[str, EEGClassifier], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CNN-LSTM as ONNX."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    from eegemo import export

    return export(trained["cnn-lstm"], tmp_path_factory.mktemp("exported") / "model.onnx").path
