"""Figures: what is drawn is what the results hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from eegemo import MajorityClassifier, Results, Trials, confidence_interval, evaluate, make_splitter, quadrants
from eegemo.reporting.figures import confusion_figure, curves_figure, gap_figure, subjects_figure, write_figure


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


def test_bars_are_the_mean_over_people_with_their_interval(result: Results) -> None:
    figure = gap_figure([result])
    for ax, metric in zip(figure.axes, ("macro_f1", "accuracy"), strict=True):
        (bar,) = (patch for patch in ax.patches if isinstance(patch, Rectangle))
        assert bar.get_height() == pytest.approx(result.of_subjects()[metric].mean())
        (whisker,) = (path.vertices for path in ax.collections[0].get_paths())
        interval = confidence_interval(result, metric)
        np.testing.assert_allclose(np.asarray(whisker)[:, 1], [interval.low, interval.high], rtol=1e-6)


def test_the_leakage_record_stands_under_the_bars_and_the_baselines_are_lines(result: Results) -> None:
    figure = gap_figure([result])
    heads, record = (label.get_text().split("\n") for label in figure.axes[1].get_xticklabels())
    assert record == ["trial", "0%", "0%", "100%", f"{result.leakage.stimulus:.0%}"]
    assert len(heads) == len(record)
    lines = {line.get_label(): float(np.asarray(line.get_ydata())[0]) for line in figure.axes[1].lines}
    for baseline in result.baselines[1:]:
        assert lines[f"no EEG: {baseline.model}"] == pytest.approx(baseline.of_subjects()["accuracy"].mean())


def test_a_strip_has_a_dot_for_each_person(result: Results) -> None:
    figure = subjects_figure([result], "accuracy")
    dots = next(line for line in figure.axes[0].lines if line.get_marker() == "o")
    np.testing.assert_allclose(np.asarray(dots.get_ydata(), float), result.of_subjects()["accuracy"])


def test_curves_have_a_line_for_each_fold_and_part(result: Results) -> None:
    history = {"loss": [2.0, 1.0], "val_loss": [2.0, 3.0], "accuracy": [0.2, 0.4], "val_accuracy": [0.3, 0.2]}
    folds = tuple(replace(fold, history=history, best_epoch=1) for fold in result.folds)
    figure = curves_figure(replace(result, folds=folds))
    curves = [line.get_ydata() for line in figure.axes[0].lines]
    assert sum(np.array_equal(curve, [2.0, 1.0]) for curve in curves) == len(folds)
    assert sum(np.array_equal(curve, [2.0, 3.0]) for curve in curves) == len(folds)


def test_every_figure_says_simulated_protocol_and_leakage(result: Results) -> None:
    for figure in (confusion_figure(result), subjects_figure([result])):
        words = f"{figure.get_suptitle()} {figure.get_supxlabel()}".replace("\n", " ")
        for word in ("SIMULATED", "under trial", "trial 0%"):
            assert word in words
    assert "SIMULATED" in gap_figure([result]).get_suptitle()


def test_a_figure_is_a_png(result: Results, tmp_path: Path) -> None:
    write_figure(confusion_figure(result), tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
