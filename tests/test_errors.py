"""An unknown keyword is answered with the nearest one that there is."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from sklearn.base import clone

import eegemo
from eegemo import ConfigError, EEGClassifier, EEGRegressor, Preprocessing, Trials
from eegemo.errors import UnknownKeywordError, suggest_keywords, suggest_settings
from eegemo.features import DifferentialEntropy
from eegemo.networks import CNNGRU, TCN


@pytest.mark.parametrize(
    ("function", "unknown", "message"),
    [
        (Preprocessing, "l_freq", r"Unknown parameter 'l_freq' of Preprocessing\. Did you mean 'band'\?"),
        (Preprocessing, "sfrq", r"Did you mean 'sfreq'\? Known: channels, rename"),
        (eegemo.simulate, "subject", r"of simulate\. Did you mean 'subjects'\?"),
        (eegemo.load_deap, "subject", r"of load_deap\. Did you mean 'subjects'\?"),
        (eegemo.load_deap_raw, "rating", r"Did you mean 'ratings'\?"),
        (eegemo.load_eegmat, "pathh", r"of load_eegmat\. Did you mean 'path'\?"),
        (eegemo.prepare_recordings, "chanels", r"Did you mean 'channels'\?"),
        (eegemo.make_splitter, "n_folds", r"Did you mean 'n_splits'\?"),
        (eegemo.evaluate, "n_job", r"of evaluate\. Did you mean 'n_jobs'\?"),
        (eegemo.quadrants, "treshold", r"Did you mean 'threshold'\?"),
        (eegemo.Control, "strenth", r"of Control\. Did you mean 'strength'\?"),
        (EEGClassifier, "epoch", r"of EEGClassifier\. Did you mean 'epochs'\?"),
        (EEGClassifier, "lr", r"Did you mean 'learning_rate'\?"),
        (EEGRegressor, "batchsize", r"of EEGRegressor\. Did you mean 'batch_size'\?"),
        (CNNGRU, "unit", r"of CNNGRU\. Did you mean 'units'\?"),
        (TCN, "dilation", r"of TCN\. Did you mean 'dilations'\?"),
        (DifferentialEntropy, "band", r"of DifferentialEntropy\. Did you mean 'bands'\?"),
        (Trials.from_epochs, "data_set", r"of Trials\.from_epochs\. Did you mean 'dataset'\?"),
    ],
)
def test_the_nearest_keyword_is_suggested(function: Callable[..., Any], unknown: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        function(**{unknown: None})


def test_it_is_pythons_own_error_too() -> None:
    with pytest.raises(TypeError):
        Preprocessing(nothing=1)  # type: ignore[call-arg]
    assert issubclass(UnknownKeywordError, ValueError)


def test_signatures_and_clones_are_those_of_the_function_itself() -> None:
    assert list(inspect.signature(eegemo.simulate).parameters)[:2] == ["subjects", "effect"]
    assert "units" in clone(CNNGRU(units=3)).get_params()

    @suggest_keywords
    def scale(x: float, *, factor: float = 2.0) -> float:
        """Scale."""
        return x * factor

    @suggest_settings
    class Setting:
        def __init__(self, size: int = 1) -> None:
            self.size = size

    assert (scale(2.0), scale(2.0, factor=5), scale.__doc__, Setting(size=4).size) == (4.0, 10.0, "Scale.", 4)
