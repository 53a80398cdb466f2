"""Figures from results; each says its protocol, its leakage and *simulated*."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from sklearn.metrics import ConfusionMatrixDisplay

from eegemo._atomic import replacing
from eegemo.evaluation.cross_validation import Results
from eegemo.reporting.tables import score_table, statement

# Okabe & Ito's colours, which colour-blind readers can tell apart.
_COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7")
_GREYS = ("#000000", "#666666", "#999999")


def confusion_figure(result: Results) -> Figure:
    """Draw the confusion matrix of the test windows, as counts and as shares of each true class.

    Parameters
    ----------
    result : Results

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
    _head_and_foot(figure, f"{result.model} under {result.protocol}", [result])
    return figure


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
        for prefix, colour, label in (("", _COLOURS[1], "training"), ("val_", _COLOURS[0], "validation")):
            for fold in result.folds:
                curve = fold.history.get(prefix + name, [])
                epochs = np.arange(1, len(curve) + 1)
                ax.plot(epochs, curve, color=colour, alpha=0.8, label=label if fold.number == 0 else None)
                if prefix and fold.best_epoch and curve:
                    ax.plot(fold.best_epoch, curve[fold.best_epoch - 1], "o", color=colour, markersize=5)
        chance = np.log(len(result.scheme.classes)) if name == "loss" else 1 / len(result.scheme.classes)
        ax.axhline(chance, color=_GREYS[2], linestyle=":", label="uniform guess")
        ax.set(xlabel="epoch", ylabel=name, ylim=(0, None if name == "loss" else 1.02))
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.spines[["top", "right"]].set_visible(False)
    axes[1].legend(frameon=False, loc="best")
    title = f"{result.model} under {result.protocol}: a line a fold, a dot at the epoch kept"
    _head_and_foot(figure, title, [result])
    return figure


def gap_figure(results: Sequence[Results], baselines: Sequence[Results] = ()) -> Figure:
    """Draw the scores of all models under all protocols side by side.

    Parameters
    ----------
    results : sequence of Results
        Of the models: a group of bars each, a bar for each protocol; the whiskers are the standard deviation
        over folds, and a single hold-out split has none.
    baselines : sequence of Results
        Of classifiers that saw no EEG, under one protocol: lines.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    table = score_table(results)
    models, protocols = (list(dict.fromkeys(table[column])) for column in ("model", "protocol"))
    width = 0.8 / len(protocols)
    figure = Figure(figsize=(10, 4.8), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for ax, metric in zip(axes, ("test accuracy", "test macro-F1"), strict=True):
        for i, protocol in enumerate(protocols):
            rows = table[table["protocol"] == protocol].set_index("model").reindex(models)
            positions = np.arange(len(models)) + (i - (len(protocols) - 1) / 2) * width
            bars = ax.bar(
                positions,
                rows[metric],
                width * 0.94,
                yerr=rows[f"{metric} sd"].fillna(0),
                color=_COLOURS[i % len(_COLOURS)],
                ecolor="#444444",
                label=protocol,
            )
            for text in ax.bar_label(bars, fmt="%.2f", padding=2, fontsize=8):
                text.set_path_effects([withStroke(linewidth=2.5, foreground="white")])
        for i, row in enumerate(score_table(baselines).to_dict("records") if baselines else []):
            style = {"color": _GREYS[i % 3], "linestyle": ("-", "--", ":")[i % 3]}
            ax.axhline(row[metric], linewidth=1.2, label=f"no EEG ({row['protocol']}): {row['model']}", **style)
        ax.set_xticks(np.arange(len(models)), models)
        ax.set(title=f"{metric}, windows", ylim=(0, 1.08))
        ax.spines[["top", "right"]].set_visible(False)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False, fontsize=9)
    _head_and_foot(figure, "The same models on the same windows: what the protocol alone is worth", results)
    return figure


def write_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, whole or not at all.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : Path
        Its name ends in ``.png``.
    """
    with replacing(path) as partial:
        figure.savefig(partial, dpi=110, metadata={"Software": None})


def _head_and_foot(figure: Figure, title: str, results: Sequence[Results]) -> None:
    simulated = "SIMULATED DATA · " if results[0].windows.trials.simulated else ""
    figure.suptitle(simulated + title, fontsize=11)
    lines = textwrap.wrap(statement(results), width=int(figure.get_figwidth() * 15))
    figure.supxlabel("\n".join(lines), fontsize=7.5, color="#444444", x=0.01, ha="left")
