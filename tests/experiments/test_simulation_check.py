"""The summary of the check of the simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import simulation_check


def test_the_interval_is_students_t_over_people() -> None:
    kappa = np.array([0.1, 0.3, 0.2, 0.0])
    rows = {"effect": 0.0, "protocol": "trial", "accuracy": 0.3, "majority of the subject": 0.4, "shared trial": 0.0}
    collapsed = {
        "seed": [0, 0, 1, 1],
        "folds collapsed": [2, 2, 1, 1],
    }  # of a seed's folds, in each of its people's rows
    row = simulation_check.summary(pd.DataFrame({**rows, "kappa": kappa, **collapsed})).iloc[0]
    low, high = stats.ttest_1samp(kappa, 0).confidence_interval(0.95)
    assert (row["kappa low"], row["kappa high"]) == pytest.approx((low, high))
    assert row["folds collapsed"] == 3
