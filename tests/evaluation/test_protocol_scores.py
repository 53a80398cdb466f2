"""What the protocols are for: the scores of remembering, of noise, and of a signal."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from eegemo import Results, Windows, categories, evaluate, make_splitter
from toy_classifiers import NearestMean, flattened
from toy_trials import make_trials


def make_windows(labels: np.ndarray, *, offset: np.ndarray | float = 0.0, noise: float = 1.0) -> Windows:
    """Make trials of eight windows of four samples, each with a constant of its own under the noise."""
    n, n_times = len(labels), 32
    strip = noise * np.random.default_rng(0).standard_normal((n, n_times)) + np.broadcast_to(offset, (n,))[:, None]
    columns = {"subject": np.arange(n) % 4, "class": labels}
    return make_trials(columns, strip.reshape(-1, 1), n_times=n_times, sfreq=4.0).windows()


def trial_accuracy(results: Results) -> float:
    matrix = results.confusion("trial")
    return float(np.trace(matrix) / matrix.sum())


def random_labels(n: int) -> np.ndarray:
    """Equally many of four classes, in a random order."""
    return np.random.default_rng(1).permutation(np.arange(n) % 4).astype(str)


NAMES = tuple("0123")


@pytest.mark.parametrize(("protocol", "lowest", "highest"), [("window-random", 0.95, 1.0), ("trial", 0.13, 0.37)])
def test_remembering_trials_pays_only_where_windows_are_split_at_random(
    protocol: str, lowest: float, highest: float
) -> None:
    fingerprint = np.random.default_rng(2).permutation(120)
    windows = make_windows(random_labels(120), offset=fingerprint, noise=0.05)
    nearest = flattened(KNeighborsClassifier(n_neighbors=1))
    splitter = make_splitter(protocol, n_splits=5)
    results = evaluate(nearest, windows, categories("class", NAMES), splitter)
    # Chance is .25, with a standard error of .04 over 120 trials.
    assert lowest <= trial_accuracy(results) <= highest
    assert results.leakage.trial == (protocol == "window-random")


def test_noise_with_permuted_labels_scores_at_chance_on_new_trials() -> None:
    windows = make_windows(random_labels(120))
    results = evaluate(flattened(LogisticRegression()), windows, categories("class", NAMES), make_splitter("trial"))
    assert 0.13 <= trial_accuracy(results) <= 0.37


@pytest.mark.parametrize("protocol", ["window-random", "trial", "subject"])
def test_a_signal_that_is_there_is_found_under_every_protocol(protocol: str) -> None:
    labels = random_labels(120)
    windows = make_windows(labels, offset=3.0 * labels.astype(float))
    splitter = make_splitter(protocol, n_splits=4)
    results = evaluate(NearestMean(), windows, categories("class", NAMES), splitter)
    assert trial_accuracy(results) > 0.95
