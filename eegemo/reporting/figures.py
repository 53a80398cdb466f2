"""Figures from results; each says its protocol, its leakage and *simulated*."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image
from sklearn.metrics import ConfusionMatrixDisplay

from eegemo._atomic import replacing
from eegemo.evaluation.intervals import confidence_interval
from eegemo.evaluation.leakage import percent
from eegemo.evaluation.metrics import metric_name
from eegemo.evaluation.results import Results
from eegemo.reporting.statements import data_statement, statement
from eegemo.reporting.tables import baselines_of

# Okabe & Ito's colours, which colour-blind readers can tell apart.
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D31")
_GREYS = ("#000000", "#666666", "#999999")
# A model may be called anything, a lone dollar sign included.
_NAMES_AS_THEY_ARE = matplotlib.rc_context({"text.parse_math": False})
_LINES = (("#000000", "-"), ("#444444", "--"), ("#000000", ":"), ("#888888", "-."))


@_NAMES_AS_THEY_ARE
def confusion_figure(result: Results) -> Figure:
    """Draw the confusion matrix of the test windows, as counts and as shares of each true class.

    Parameters
    ----------
    result : Results
        Whose windows are counted.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    matrix = result.confusion()
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(9, 4.4), layout="constrained")
    axes = figure.subplots(1, 2)
    for ax, values, style, title in (
        (axes[0], matrix, "d", "windows"),
        (axes[1], shares, ".2f", "share of the true class"),
    ):
        display = ConfusionMatrixDisplay(values, display_labels=result.scheme.classes)
        display.plot(ax=ax, values_format=style, cmap="Blues", colorbar=False)
        ax.set(title=title, xlabel="predicted", ylabel="true" if ax is axes[0] else "")
    _head_and_foot(figure, f"{result.model_label} under {result.protocol_label}", [result])
    return figure


@_NAMES_AS_THEY_ARE
def curves_figure(result: Results) -> Figure:
    """Draw the learning curves of all folds, with the epoch whose weights were kept.

    Parameters
    ----------
    result : Results
        Of a classifier that keeps curves.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    axes = figure.subplots(1, 2)
    for ax, name in zip(axes, ("loss", "accuracy"), strict=True):
        for prefix, colour, label in (("", COLOURS[1], "training"), ("val_", COLOURS[0], "validation")):
            for fold in result.folds:
                curve = fold.history.get(prefix + name, [])
                epochs = np.arange(1, len(curve) + 1)
                ax.plot(epochs, curve, color=colour, alpha=0.8, label=label if fold is result.folds[0] else None)
                if prefix and fold.best_epoch and curve:
                    ax.plot(fold.best_epoch, curve[fold.best_epoch - 1], "o", color=colour, markersize=5)
        chance = np.log(len(result.scheme.classes)) if name == "loss" else 1 / len(result.scheme.classes)
        ax.axhline(chance, color=_GREYS[2], linestyle=":", label="uniform guess")
        ax.set(xlabel="epoch", ylabel=name, ylim=(0, None if name == "loss" else 1.02))
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.spines[["top", "right"]].set_visible(False)
    axes[1].legend(frameon=False, loc="best")
    title = f"{result.model_label} under {result.protocol_label}: a line a fold, a dot at the epoch kept"
    _head_and_foot(figure, title, [result])
    return figure


@_NAMES_AS_THEY_ARE
def confusion_grid(results: Sequence[Results]) -> Figure:
    """Draw the confusion matrices of several models, each as shares of the true class.

    Parameters
    ----------
    results : sequence of Results
        A row of matrices for each protocol, a column for each model.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    n_classes = len(results[0].scheme.classes)
    figure, cells = _grid(results, 2.0 + 0.28 * n_classes)
    for result, ax in cells:
        matrix = result.confusion()
        display = ConfusionMatrixDisplay(
            matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1), display_labels=result.scheme.classes
        )
        display.plot(ax=ax, values_format=".2f", cmap="Blues", colorbar=False, im_kw={"vmin": 0, "vmax": 1})
        for share, text in zip(display.confusion_matrix.flat, display.text_.flat, strict=True):
            text.set(color="white" if share > 0.6 else "black", fontsize=8)  # the colours are not its own range's
        ax.set(xlabel="", ylabel="")
        ax.tick_params(labelsize=7)
    _head_and_foot(figure, "Confusion matrices: a row is a true class, its shares the predicted ones", results)
    return figure


@_NAMES_AS_THEY_ARE
def curves_grid(results: Sequence[Results]) -> Figure:
    """Draw the accuracy of several models by epoch, in training and validation, with the epoch that was kept.

    Parameters
    ----------
    results : sequence of Results
        A row for each protocol, a column for each model; those that keep no curves are left out.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    with_curves = [result for result in results if any(fold.history for fold in result.folds)]
    figure, cells = _grid(with_curves, 2.6)
    for result, ax in cells:
        for prefix, colour, label in (("", COLOURS[1], "training"), ("val_", COLOURS[0], "validation")):
            for fold in result.folds:
                curve = fold.history.get(f"{prefix}accuracy", [])
                ax.plot(np.arange(1, len(curve) + 1), curve, color=colour, alpha=0.7, linewidth=1, label=label)
                if prefix and fold.best_epoch and curve:
                    ax.plot(fold.best_epoch, curve[fold.best_epoch - 1], "o", color=colour, markersize=4)
        ax.axhline(1 / len(result.scheme.classes), color=_GREYS[2], linestyle=":", label="uniform guess")
        ax.set(ylim=(0, 1.02))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.tick_params(labelsize=7)
        ax.spines[["top", "right"]].set_visible(False)
    handles = dict(zip(*reversed(cells[0][1].get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside right center", frameon=False, fontsize=8)
    _head_and_foot(figure, "Accuracy by epoch: a line a fold, a dot at the epoch kept", with_curves)
    return figure


def _grid(results: Sequence[Results], size: float) -> tuple[Figure, list[tuple[Results, Axes]]]:
    """Make axes for each result: a row for each protocol, a column for each model."""
    protocols = list(dict.fromkeys(result.protocol_label for result in results))
    models = list(dict.fromkeys(result.model for result in results))
    # Wide enough for the words below, too.
    figure = Figure(figsize=(max(7.0, 1.2 + size * len(models)), 1.3 + size * len(protocols)), layout="constrained")
    axes = figure.subplots(len(protocols), len(models), squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    cells = []
    for result in results:
        ax = axes[protocols.index(result.protocol_label), models.index(result.model)]
        ax.set_axis_on()
        ax.set_title(f"{result.model_label}\n{result.protocol_label}", fontsize=8)
        cells.append((result, ax))
    return figure, cells


@_NAMES_AS_THEY_ARE
def gap_figure(results: Sequence[Results]) -> Figure:
    """Draw the scores of all models under all protocols, with what leaks under each and what needs no EEG.

    Parameters
    ----------
    results : sequence of Results
        A group of bars for each protocol, a bar for each model: the mean over the people, with its 95 % interval. The
        leakage record stands under the group, and the baselines that saw no EEG are lines across it.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    models = list(dict.fromkeys(result.model for result in results))
    protocols = list(dict.fromkeys(result.protocol_label for result in results))
    baselines = [baseline for baseline in baselines_of(results) if baseline.model != "uniform guess"]
    width = 0.8 / len(models)
    figure = Figure(figsize=(5.4 + max(1.5, 0.42 * len(models)) * len(protocols), 7.4), layout="constrained")
    axes = figure.subplots(2, 1, sharex=True)
    for ax, metric in zip(axes, ("macro_f1", "accuracy"), strict=True):
        for result in results:
            interval = confidence_interval(result, metric)
            number = models.index(result.model)
            x = protocols.index(result.protocol_label) + (number - (len(models) - 1) / 2) * width
            reach = [[interval.estimate - interval.low], [interval.high - interval.estimate]]
            style = {"color": COLOURS[number % len(COLOURS)], "ecolor": "#444444"}
            ax.bar(x, interval.estimate, width * 0.92, yerr=reach, label=result.model, **style)
            text = f"{interval.estimate:.2f}".removeprefix("0")
            collapsed = result.model_label != result.model
            slant = {"rotation": 90, "va": "bottom"} if collapsed else {}
            text += " collapsed" * collapsed
            ax.text(x, 0.02, text, ha="center", fontsize=8, color="white", weight="bold", **slant)
        names = list(dict.fromkeys(baseline.model for baseline in baselines))
        for baseline in baselines:
            x, value = protocols.index(baseline.protocol_label), baseline.of_subjects()[metric].mean()
            line = dict(zip(("color", "linestyle"), _LINES[names.index(baseline.model) % len(_LINES)], strict=True))
            ax.plot([x - 0.46, x + 0.46], [value, value], label=f"no EEG: {baseline.model}", linewidth=1.6, **line)
        ax.set(ylabel=f"{metric_name(metric)}, windows", ylim=(0, 1.02), xlim=(-0.6, len(protocols) - 0.4))
        ax.spines[["top", "right"]].set_visible(False)
    records = {result.protocol_label: result.leakage for result in results}
    shared = ["\n".join((name, *map(percent, records[name].shares.values()))) for name in protocols]
    heads = "\nsamples shared with training\ntrial shared\nsubject shared\nstimulus shared"
    axes[1].set_xticks([-0.58, *range(len(protocols))], [heads, *shared], fontsize=9)
    axes[1].get_xticklabels()[0].set(ha="right", color="#444444")
    axes[1].tick_params(axis="x", length=0)
    handles = dict(zip(*reversed(axes[0].get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside right center", frameon=False, fontsize=9)
    title = "The same models on the same windows: what the protocol alone is worth"
    _head_and_foot(
        figure, title, results, "Bars: mean over the people, with its 95 % interval. " + data_statement(results)
    )
    return figure


@_NAMES_AS_THEY_ARE
def subjects_figure(results: Sequence[Results], metric: str = "macro_f1") -> Figure:
    """Draw each person's score, a dot a person, with the mean, its interval and the baselines that saw no EEG.

    Parameters
    ----------
    results : sequence of Results
        A strip for each model, a panel for each protocol.
    metric : str
        One of :data:`eegemo.evaluation.metrics.METRICS`.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    protocols = list(dict.fromkeys(result.protocol_label for result in results))
    names = list(dict.fromkeys(result.model for result in results))
    slanted = sum(map(len, names)) > 28  # too long to stand side by side
    figure = Figure(
        figsize=(4.5 + max(2.4, 0.62 * len(names)) * len(protocols), 6.2 if slanted else 4.6), layout="constrained"
    )
    axes = np.atleast_1d(figure.subplots(1, len(protocols), sharey=True))
    for ax, protocol in zip(axes, protocols, strict=True):
        own = [result for result in results if result.protocol_label == protocol]
        for x, result in enumerate(own):
            scores = result.of_subjects()[metric].to_numpy()
            spread = np.linspace(-0.18, 0.18, len(scores)) if len(scores) > 1 else np.zeros(1)
            ax.plot(x + spread, scores, "o", color=COLOURS[x % len(COLOURS)], alpha=0.65, markersize=5)
            interval = confidence_interval(result, metric)
            reach = [[interval.estimate - interval.low], [interval.high - interval.estimate]]
            ax.errorbar(x + 0.3, interval.estimate, yerr=reach, fmt="D", color="#222222", capsize=4, markersize=5)
        for i, baseline in enumerate(baselines_of(own)):
            line = dict(zip(("color", "linestyle"), _LINES[i - 1], strict=True))  # the uniform guess has the last one
            ax.axhline(baseline.of_subjects()[metric].mean(), label=f"no EEG: {baseline.model}", linewidth=1.2, **line)
        slant: dict[str, Any] = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"} if slanted else {}
        ax.set_xticks(range(len(own)), [result.model_label for result in own], **slant)
        ax.set(title=protocol, xlim=(-0.5, len(own) - 0.3), ylim=(0, 1.02))
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel(f"{metric_name(metric)}, windows of a person")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False, fontsize=8)
    title = "A dot a person; the diamond is their mean with its 95 % interval"
    _head_and_foot(figure, title, results)
    return figure


def write_figure(figure: Figure, path: Path, *, dpi: int = 110) -> None:
    """Write a figure as PNG, whole or not at all.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What is drawn.
    path : Path
        Its name ends in ``.png``.
    dpi : int
        Pixels in an inch.
    """
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=dpi)
    # A palette holds all that a plot has, in a third of the bytes.
    with Image.open(drawn) as image, replacing(path) as partial:
        image.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(partial, format="png", optimize=True)


def _head_and_foot(figure: Figure, title: str, results: Sequence[Results], foot: str | None = None) -> None:
    simulated = "SIMULATED DATA · " if results[0].simulated else ""
    figure.suptitle(simulated + title, fontsize=11)
    lines = textwrap.wrap(foot or statement(results), width=int(figure.get_figwidth() * 15))
    figure.supxlabel("\n".join(lines), fontsize=7.5, color="#444444", x=0.01, ha="left")
