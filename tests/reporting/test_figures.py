"""Figures: what is drawn is what the results hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eegemo import MajorityClassifier, Results, Trials, evaluate, make_splitter, quadrants
from eegemo.reporting.figures import confusion_figure, curves_figure, gap_figure, write_figure
from eegemo.reporting.tables import score_table


@pytest.fixture
def result(small_trials: Trials) -> Results:
    splitter = make_splitter("trial", n_splits=2, random_state=0)
    return evaluate(MajorityClassifier(), small_trials.windows(), quadrants(), splitter, model="majority")


def test_confusion_cells_show_the_counts_and_their_shares(result: Results) -> None:
    figure = confusion_figure(result)
    matrix = result.confusion()
    counts, shares = ([text.get_text() for text in ax.texts] for ax in figure.axes)
    assert counts == [str(count) for count in matrix.ravel()]
    assert shares == [f"{share:.2f}" for share in (matrix / matrix.sum(axis=1, keepdims=True)).ravel()]


def test_bars_are_the_scores_of_the_table(result: Results) -> None:
    figure = gap_figure([result], [result])
    (bars,) = figure.axes[0].containers[1:]
    assert bars[0].get_height() == pytest.approx(score_table([result])["test accuracy"][0])


def test_curves_have_a_line_for_each_fold_and_part(result: Results) -> None:
    history = {"loss": [2.0, 1.0], "val_loss": [2.0, 3.0], "accuracy": [0.2, 0.4], "val_accuracy": [0.3, 0.2]}
    folds = tuple(replace(fold, history=history, best_epoch=1) for fold in result.folds)
    figure = curves_figure(replace(result, folds=folds))
    curves = [line.get_ydata() for line in figure.axes[0].lines]
    assert sum(np.array_equal(curve, [2.0, 1.0]) for curve in curves) == len(folds)
    assert sum(np.array_equal(curve, [2.0, 3.0]) for curve in curves) == len(folds)


def test_every_figure_says_simulated_protocol_and_leakage(result: Results) -> None:
    for figure in (confusion_figure(result), gap_figure([result])):
        words = f"{figure.get_suptitle()} {figure.get_supxlabel()}".replace("\n", " ")
        for word in ("SIMULATED", "under trial", "trial 0%"):
            assert word in words


def test_a_figure_is_a_png(result: Results, tmp_path: Path) -> None:
    write_figure(confusion_figure(result), tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
