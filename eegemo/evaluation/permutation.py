"""The permutation test that trains anew: what the whole evaluation gives when there is nothing to find."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from eegemo.errors import ConfigError, unknown_name
from eegemo.evaluation.controls import Control, controlled
from eegemo.evaluation.cross_validation import evaluate
from eegemo.evaluation.metrics import METRICS
from eegemo.evaluation.protocols import Splitter
from eegemo.evaluation.results import LEVELS
from eegemo.evaluation.statistics import PermutationTest
from eegemo.labels import LabelScheme
from eegemo.windows import Windows


def permutation_test(
    classifier: BaseEstimator,
    windows: Windows,
    scheme: LabelScheme,
    protocol: str | Splitter,
    *,
    metric: str = "macro_f1",
    level: str = "window",
    n_permutations: int = 99,
    **options: Any,
) -> PermutationTest:
    """Evaluate a classifier with the true labels, and again and again with labels permuted within each person.

    Trials of one ``unit`` take the labels of another unit together, as in
    :func:`eegemo.evaluation.controls.permute_labels`.

    Parameters
    ----------
    classifier, windows, scheme, protocol
        As :func:`eegemo.evaluate` takes them.
    metric : str
        Averaged over the people; of the loss, less is better, and it is not taken.
    level : "window" | "trial"
        Whether windows or whole trials are scored.
    n_permutations : int
        Each costs as much as an evaluation.
    **options
        Of :func:`eegemo.evaluate`: ``n_jobs, progress``. Nothing is kept on disk: runs of permuted labels must not be
        taken for the real task.

    Returns
    -------
    test : PermutationTest

    Raises
    ------
    ConfigError
        If the metric is unknown or the loss, there are no permutations, or a folder is given.

    References
    ----------
    Ojala & Garriga 2010 (JMLR 11:1833-1863), their first test, within people.
    """
    if metric not in METRICS or metric == "loss":
        raise ConfigError(f"metric must be one of {', '.join(m for m in METRICS if m != 'loss')}, got {metric!r}.")
    if n_permutations < 1:
        raise ConfigError(f"n_permutations must be at least 1, got {n_permutations}.")

    if {"folder", "runs"} & set(options):
        raise ConfigError("A permutation test keeps nothing on disk; leave out folder and runs.")
    if level not in LEVELS:
        raise unknown_name("level", level, LEVELS)
    name = protocol if isinstance(protocol, str) else protocol.protocol

    def scored(windows: Windows) -> float:
        result = evaluate(classifier, windows, scheme, protocol, **options)
        return float(result.of_subjects(level)[metric].mean())

    def permuted(seed: int) -> Windows:
        return controlled(Control("permuted-labels", random_state=seed), windows, scheme, protocol=name)[0]

    truth = scored(windows)
    # The splits spread the classes evenly, so they are drawn anew for each permutation, as they were for the truth.
    null = np.array([scored(permuted(seed)) for seed in range(n_permutations)])
    return PermutationTest(truth, null, float((1 + (null >= truth - 1e-12).sum()) / (1 + n_permutations)))
