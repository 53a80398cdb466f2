"""scikit-learn's own checks of an estimator, over every registered model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sklearn.base import BaseEstimator
from sklearn.utils.estimator_checks import parametrize_with_checks

from eegemo.models import NETWORKS, model_class

#: Check -> why it cannot hold for a network. No check has to be here so far.
EXPECTED_FAILURES: dict[str, str] = {}

_TINY: dict[str, dict[str, Any]] = {
    "cnn-gru": {"filters": 16, "kernel_size": 2, "units": 16, "dense_units": 16, "dropout": 0.0},
    "cnn-lstm": {"filters": 16, "kernel_size": 2, "units": 16, "dense_units": 16, "dropout": 0.0},
    "tcn": {"nb_filters": 16, "kernel_size": 8, "dilations": (1,), "short_receptive_field": "allow"},
    "eegnet": {"F1": 2, "D": 2, "F2": 4, "kernel_length": 8, "dropout": 0.0},
}
_QUICK: dict[str, Any] = {"epochs": 2, "batch_size": 50, "learning_rate": 0.05}


# A TCN of one block has a shortcut that leads nowhere.
pytestmark = pytest.mark.filterwarnings("ignore:Gradients do not exist:UserWarning")


@pytest.fixture(scope="module", autouse=True)
def no_tracing() -> Iterator[None]:
    """The checks fit some ninety networks on a few rows each: tracing them takes longer than running them."""
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(before)


@parametrize_with_checks(
    [model_class(name)(**_TINY.get(name, {}), **_QUICK) for name in NETWORKS],
    expected_failed_checks=lambda estimator: EXPECTED_FAILURES,
)
def test_scikit_learn_accepts_the_model_as_a_classifier(
    estimator: BaseEstimator, check: Callable[[BaseEstimator], None]
) -> None:
    check(estimator)
