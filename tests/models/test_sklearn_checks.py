"""scikit-learn's own checks of an estimator, over every registered model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest
from sklearn.base import BaseEstimator
from sklearn.utils.estimator_checks import parametrize_with_checks

from eegemo import EEGClassifier, EEGRegressor
from eegemo.networks import NETWORKS, network_class

#: Check -> why it cannot hold for a network.
EXPECTED_FAILURES: dict[str, str] = {
    "check_sample_weight_equivalence_on_dense_data": "The check gives the repeated rows in another order and wants "
    "equal results to 1e-7; single precision adds up to 1e-7, and dropout draws anew. The order left alone, a weight "
    "is the same as so many copies bit by bit: test_a_whole_weight_is_the_same_as_so_many_copies.",
}

_TINY: dict[str, dict[str, Any]] = {
    "cnn-gru": {"filters": 16, "kernel_size": 2, "units": 16, "dense_units": 16, "dropout": 0.0},
    "tcn": {"nb_filters": 16, "kernel_size": 8, "dilations": (1,), "short_receptive_field": "allow"},
    "eegnet": {"F1": 2, "D": 2, "F2": 4, "kernel_length": 8, "dropout": 0.0},
    "resnet1d": {"filters": (8,), "kernel_size": 3, "dropout": 0.0},
}
_QUICK: dict[str, Any] = {"epochs": 3, "batch_size": 50, "learning_rate": 0.05}
#: Of the regressor under JAX, whose predictions are given in double precision, as scikit-learn wants them.
_UNDER_JAX = {"check_methods_subset_invariance": "XLA compiles each batch size by itself; sums differ by 2e-7."}


pytestmark = [
    pytest.mark.usefixtures("no_tracing"),  # the checks fit some ninety networks on a few rows each
    # A TCN of one block has a shortcut that leads nowhere.
    pytest.mark.filterwarnings("ignore:Gradients do not exist:UserWarning"),
]


@parametrize_with_checks(
    # CNN-LSTM is the class of CNN-GRU with another layer, and its checks the same over again.
    [EEGClassifier(network_class(name)(**_TINY.get(name, {})), **_QUICK) for name in NETWORKS if name != "cnn-lstm"],
    expected_failed_checks=lambda estimator: EXPECTED_FAILURES,
)
def test_scikit_learn_accepts_the_model_as_a_classifier(
    estimator: BaseEstimator, check: Callable[[BaseEstimator], None]
) -> None:
    check(estimator)


@parametrize_with_checks(
    # The quickest network without tracing: the checks are of the estimator.
    [EEGRegressor(network_class("resnet1d")(**_TINY["resnet1d"]), **_QUICK | {"epochs": 15})],
    expected_failed_checks=lambda estimator: (
        EXPECTED_FAILURES | (_UNDER_JAX if keras.backend.backend() == "jax" else {})
    ),
)
def test_scikit_learn_accepts_the_model_as_a_regressor(
    estimator: BaseEstimator, check: Callable[[BaseEstimator], None]
) -> None:
    check(estimator)
