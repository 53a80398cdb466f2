"""Emotion recognition from EEG: from recordings to tables, every number with its protocol and its leakage.

Recordings become trials; trials become windows; a protocol splits the trials; a classifier is fitted anew on
each fold; predictions become tables. The names below are imported when they are first used, so that
``import eegemo`` is quick and TensorFlow is loaded when a model is first made.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eegemo.datasets.deap import load_deap as load_deap
    from eegemo.datasets.deap_raw import DEAP_PREPROCESSING as DEAP_PREPROCESSING
    from eegemo.datasets.deap_raw import load_deap_raw as load_deap_raw
    from eegemo.datasets.eegmat import load_eegmat as load_eegmat
    from eegemo.datasets.recordings import prepare_recordings as prepare_recordings
    from eegemo.datasets.recordings import read_bids_events as read_bids_events
    from eegemo.datasets.simulated import simulate as simulate
    from eegemo.datasets.simulated import write_simulated as write_simulated
    from eegemo.datasets.simulated_raw import write_simulated_raw as write_simulated_raw
    from eegemo.errors import ConfigError as ConfigError
    from eegemo.errors import DataFormatError as DataFormatError
    from eegemo.evaluation.audit import Audit as Audit
    from eegemo.evaluation.audit import audit_split as audit_split
    from eegemo.evaluation.baselines import MajorityClassifier as MajorityClassifier
    from eegemo.evaluation.baselines import UniformClassifier as UniformClassifier
    from eegemo.evaluation.controls import Control as Control
    from eegemo.evaluation.cross_validation import cluster as cluster
    from eegemo.evaluation.cross_validation import evaluate as evaluate
    from eegemo.evaluation.leakage import Leakage as Leakage
    from eegemo.evaluation.leakage import leakage_record as leakage_record
    from eegemo.evaluation.permutation import permutation_test as permutation_test
    from eegemo.evaluation.protocols import make_splitter as make_splitter
    from eegemo.evaluation.results import Results as Results
    from eegemo.evaluation.results import concatenate as concatenate
    from eegemo.evaluation.statistics import compare_models as compare_models
    from eegemo.evaluation.statistics import compare_with_baselines as compare_with_baselines
    from eegemo.evaluation.statistics import confidence_interval as confidence_interval
    from eegemo.evaluation.statistics import corrected_resampled_ttest as corrected_resampled_ttest
    from eegemo.evaluation.statistics import label_permutation_test as label_permutation_test
    from eegemo.features.asymmetry import Asymmetry as Asymmetry
    from eegemo.features.bands import BandPower as BandPower
    from eegemo.features.bands import DifferentialEntropy as DifferentialEntropy
    from eegemo.features.bin_power import BinPower as BinPower
    from eegemo.features.spectral import ShortTimeFourier as ShortTimeFourier
    from eegemo.features.spectral import SpectralBandwidth as SpectralBandwidth
    from eegemo.features.spectral import SpectralCentroid as SpectralCentroid
    from eegemo.features.spectral import SpectralEntropy as SpectralEntropy
    from eegemo.features.time import RMS as RMS
    from eegemo.features.time import AmplitudeEnvelope as AmplitudeEnvelope
    from eegemo.features.time import Hjorth as Hjorth
    from eegemo.features.time import Statistics as Statistics
    from eegemo.features.time import ZeroCrossingRate as ZeroCrossingRate
    from eegemo.features.wavelets import WaveletEnergy as WaveletEnergy
    from eegemo.labels import LabelScheme as LabelScheme
    from eegemo.labels import categories as categories
    from eegemo.labels import high_low as high_low
    from eegemo.labels import quadrants as quadrants
    from eegemo.models import make_model as make_model
    from eegemo.models.base import load_classifier as load_classifier
    from eegemo.models.cnn_rnn import CNNGRUClassifier as CNNGRUClassifier
    from eegemo.models.cnn_rnn import CNNLSTMClassifier as CNNLSTMClassifier
    from eegemo.models.eegnet import EEGNetClassifier as EEGNetClassifier
    from eegemo.models.tcn import TCNClassifier as TCNClassifier
    from eegemo.preprocessing.stage import Preprocessing as Preprocessing
    from eegemo.preprocessing.stage import preprocess as preprocess
    from eegemo.preprocessing.subjects import zscore_subjects as zscore_subjects
    from eegemo.trials import Trials as Trials
    from eegemo.windows import Windows as Windows

_HOMES = {
    "datasets.deap": ("load_deap",),
    "datasets.deap_raw": ("DEAP_PREPROCESSING", "load_deap_raw"),
    "datasets.eegmat": ("load_eegmat",),
    "datasets.recordings": ("prepare_recordings", "read_bids_events"),
    "datasets.simulated": ("simulate", "write_simulated"),
    "datasets.simulated_raw": ("write_simulated_raw",),
    "errors": ("ConfigError", "DataFormatError"),
    "evaluation.audit": ("Audit", "audit_split"),
    "evaluation.baselines": ("MajorityClassifier", "UniformClassifier"),
    "evaluation.controls": ("Control",),
    "evaluation.cross_validation": ("cluster", "evaluate"),
    "evaluation.leakage": ("Leakage", "leakage_record"),
    "evaluation.permutation": ("permutation_test",),
    "evaluation.protocols": ("make_splitter",),
    "evaluation.results": ("Results", "concatenate"),
    "evaluation.statistics": (
        "compare_models",
        "compare_with_baselines",
        "confidence_interval",
        "corrected_resampled_ttest",
        "label_permutation_test",
    ),
    "features.asymmetry": ("Asymmetry",),
    "features.bands": ("BandPower", "DifferentialEntropy"),
    "features.bin_power": ("BinPower",),
    "features.spectral": ("ShortTimeFourier", "SpectralBandwidth", "SpectralCentroid", "SpectralEntropy"),
    "features.time": ("RMS", "AmplitudeEnvelope", "Hjorth", "Statistics", "ZeroCrossingRate"),
    "features.wavelets": ("WaveletEnergy",),
    "labels": ("LabelScheme", "categories", "high_low", "quadrants"),
    "models": ("make_model",),
    "models.base": ("load_classifier",),
    "models.cnn_rnn": ("CNNGRUClassifier", "CNNLSTMClassifier"),
    "models.eegnet": ("EEGNetClassifier",),
    "models.tcn": ("TCNClassifier",),
    "preprocessing.stage": ("Preprocessing", "preprocess"),
    "preprocessing.subjects": ("zscore_subjects",),
    "trials": ("Trials",),
    "windows": ("Windows",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME)
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'eegemo' has no attribute {name!r}")
    return getattr(importlib.import_module(f"eegemo.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
