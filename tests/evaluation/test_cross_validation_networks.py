"""Networks under a protocol: their curves, their threads, and those that have learned nothing."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Self

import numpy as np
import pytest
from rich.console import Console
from rich.progress import Progress

from eegemo import EEGClassifier, MajorityClassifier, Trials, Windows, evaluate, make_splitter, quadrants, read_results
from eegemo.networks import CNNGRU
from tiny import tiny
from toy_classifiers import NearestMean
from toy_results import CLASSES, four_folds


class Wrapped(NearestMean):
    """Keeps what it learned in a model of its own."""

    def fit(self, X: Windows, y: np.ndarray) -> Self:
        self.model_ = NearestMean().fit(X, y)
        return super().fit(X, y)


def test_a_network_leaves_its_curves_and_moves_the_bars(windows: Windows) -> None:
    network = EEGClassifier(CNNGRU(filters=4, units=3, dense_units=4), epochs=2)
    progress = Progress(console=Console(file=io.StringIO()))
    splitter = make_splitter("trial", n_splits=None)
    results = evaluate(network, windows, quadrants(), splitter, progress=progress, model="tiny")
    (fold,) = results.folds

    assert fold.history.keys() == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert {len(curve) for curve in fold.history.values()} == {2}
    assert fold.best_epoch == 1 + int(np.argmin(fold.history["val_loss"]))
    assert fold.seen["validation"]["loss"] == pytest.approx(min(fold.history["val_loss"]), rel=1e-4)
    convolution, recurrence = 7 * 2 * 4 + 4, 3 * (4 * 3 + 3 * 3 + 2 * 3)
    dense, output = 2 * 3 * 4 + 4, 4 * 4 + 4
    assert fold.n_parameters == convolution + recurrence + dense + output

    bars = {task.description: (task.completed, task.total, task.visible) for task in progress.tasks}
    assert bars == {"tiny · trial · folds": (1, 1, False), "tiny · trial · epochs": (2, 2, False)}


def test_a_classifier_without_a_network_has_no_curves(windows: Windows) -> None:
    (fold,) = evaluate(MajorityClassifier(), windows, quadrants(), make_splitter("trial", n_splits=None)).folds
    assert (fold.history, fold.best_epoch, fold.n_parameters) == ({}, None, None)


def test_a_classifier_may_keep_a_model_that_is_no_network(windows: Windows) -> None:
    (fold,) = evaluate(Wrapped(), windows, quadrants(), make_splitter("trial", n_splits=None)).folds
    assert fold.n_parameters is None


def test_a_network_gives_the_same_numbers_after_a_fit_on_several_threads(tmp_path: Path) -> None:
    """A fit on its own uses all cores, which changes last digits; folds have one thread each all the same."""
    script = (
        "import sys; import numpy as np\n"
        "from eegemo import EEGClassifier, evaluate, make_splitter, quadrants, simulate\n"
        "windows = simulate(1, channels=['F3', 'F4']).windows(4.0)\n"
        "if sys.argv[1] == 'after':\n"
        "    EEGClassifier('cnn-gru', epochs=1).fit(windows, quadrants()(windows))\n"
        "classifier = EEGClassifier('cnn-gru', epochs=2, random_state=0)\n"
        "result = evaluate(classifier, windows, quadrants(), make_splitter('trial', n_splits=None))\n"
        "np.save(sys.argv[1] + '.npy', result.folds[0].proba)\n"
        "import tensorflow as tf; print(tf.config.threading.get_intra_op_parallelism_threads())\n"
    )
    several = {name: value for name, value in os.environ.items() if name != "TF_NUM_INTRAOP_THREADS"}

    printed = [
        subprocess.run(
            [sys.executable, "-c", script, when], cwd=tmp_path, env=several, check=True, capture_output=True, text=True
        ).stdout
        for when in ("after", "alone")
    ]

    assert printed == ["0\n", "1\n"]  # as many as there are cores, and one
    np.testing.assert_array_equal(np.load(tmp_path / "after.npy"), np.load(tmp_path / "alone.npy"))


def test_a_network_that_has_learned_nothing_is_marked_wherever_it_stands(windows: Windows, tmp_path: Path) -> None:
    network = tiny("cnn-gru", epochs=1, learning_rate=1e-9, random_state=0)

    with pytest.warns(UserWarning, match="Fold 0: net has collapsed: it"):
        result = evaluate(network, windows, quadrants(), four_folds(), model="net", folder=tmp_path / "run")

    assert result.model_label == "net (collapsed in 4 of 4 folds)"
    assert repr(result).startswith("<Results | net (collapsed in 4 of 4 folds) under trial")
    assert result.summary()["model"][0] == result.model_label
    assert sum("has collapsed" in note for note in result.notes) == 4
    assert result.scores["collapsed"].all()
    assert not any(baseline.scores["collapsed"].any() for baseline in result.baselines)  # constant by design
    assert read_results(tmp_path / "run").model_label == result.model_label
    answers = {fold.collapse for fold in result.folds if "answers" in str(fold.collapse)}
    assert answers <= {f"it answers {name} for all of its training data" for name in CLASSES}


def test_a_network_that_learns_is_not_marked(windows: Windows) -> None:
    # The class is written into the samples.
    y = quadrants()(windows.trials)
    table = windows.trials.table
    signals = windows.trials.signals.copy()
    for start, n_times, number in zip(table["start"], table["n_times"], y, strict=True):
        signals[start : start + n_times] += 3 * number
    told = Trials(signals, table, windows.ch_names, windows.sfreq, "told", simulated=True).windows()

    result = evaluate(tiny("cnn-gru", epochs=30, learning_rate=0.02), told, quadrants(), four_folds(), model="net")

    assert result.model_label == "net"
    assert result.of_subjects()["accuracy"].mean() > 0.5
    assert not result.scores["collapsed"].any()
