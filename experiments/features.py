"""Feature sets x classifiers on trials and people that training has not seen, and where on the head the emotion is.

Deep models need something to beat: every classical classifier on every set of features, a Riemannian pipeline, EEGNet
and the paper's CNN-GRU, all under the same folds, with intervals over people. No source gives these settings for DEAP's
four classes; LibEER reports macro-F1 of 25.6 % for a support vector machine under ``trial``, and 24.7 % under
``subject``.
Expected on the simulated data: differential entropy and band power, which are what the simulation changes, above all
others and above the networks under ``trial``; under ``subject`` no model above what others rated the same stimulus.
The figure shows, at each channel and band, by how much differential entropy rises with a rating (a straight line within
each person, mean over people), beside what the simulation put under that electrode. They are not equal: the skull
spreads each source over many channels, background and muscles dilute it, and the alpha of people who have it slow
reaches into theta.
Costs about 30 minutes on two CPU cores, most of it EEGNet.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from options import main
from rich.console import Console
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from eegemo import ConfigError, Results, Windows, confidence_interval, make_splitter
from eegemo.datasets.simulated import emotion_topography
from eegemo.evaluation.slopes import rating_slopes
from eegemo.features import feature_class
from eegemo.models import make_model
from eegemo.reporting.experiment_page import write_experiment_page
from eegemo.reporting.page import page_of
from eegemo.reporting.topography import topography_figure
from recordings import Recordings


@dataclass(frozen=True)
class Features(Recordings):
    """Compare feature sets and classifiers, and map the effect."""

    features: tuple[str, ...] = (
        "differential-entropy",
        "band-power",
        "asymmetry",
        "hjorth",
        "statistics",
        "wavelet-energy",
    )
    """Transformers by name."""
    classifiers: tuple[str, ...] = ("logistic-regression", "rbf-svm", "random-forest")
    """Classical models by name, each on every set of features."""
    models: tuple[str, ...] = ("riemann", "eegnet", "cnn-gru")
    """Models that take the windows themselves."""
    protocols: tuple[str, ...] = ("trial", "subject")
    """Protocols by name."""
    n_splits: int = 4
    """Folds."""
    window: float = 4.0
    """Length of a window in seconds (not in the source)."""
    step: float = 4.0
    """Seconds between the starts of two windows (not in the source)."""
    out: Path = Path("results/features")
    """Where the page goes; finished folds are kept in its folder runs/, and taken up again."""


def run(config: Features, console: Console | None = None) -> list[Results]:
    """Run everything under every protocol; write the page and the map."""
    models: dict[str, BaseEstimator] = {
        f"{classifier} on {features}": on(features, make_model(classifier, random_state=config.seed))
        for features in config.features
        for classifier in config.classifiers
    }
    windows = config.windows(config.scheme, n_simulated=8, n_smoke=4)
    splitters = [
        make_splitter(protocol, n_splits=config.n_splits, random_state=config.seed) for protocol in config.protocols
    ]
    results = config.benchmark(models | config.named(config.models), windows, config.scheme, splitters, console=console)
    maps: dict[str, Any] = {}
    if {"valence", "arousal"} <= set(windows.trials.table):
        slopes, significant = rating_slopes(windows)
        title = "Rise of differential entropy with a rating, nats per 2 points"
        shown = "where on the head, and in which band, differential entropy goes with valence and arousal"
        maps = {
            "tables": [("topography", title, strongest(slopes))],
            "figures": [("topography", shown, draw(config, windows, slopes, significant))],
        }
    page = page_of(
        run,
        config,
        title="Features, classical models, and where the emotion is",
        question="Which features and classical models read most, and where on the head is it?",
        lead=("Macro-F1 of windows, mean over people [95 % interval]: feature sets x classifiers", crossed(results)),
        drawn=[*(f"{name} on {config.features[0]}" for name in config.classifiers), *config.models],
        **maps,
    )
    write_experiment_page(page, results, console=console)
    return results


def on(features: str, classifier: BaseEstimator) -> Pipeline:
    """Give a pipeline another set of features."""
    if not isinstance(classifier, Pipeline) or "features" not in classifier.named_steps:
        raise ConfigError(f"--classifiers must be models on features, got {classifier!r}; name others with --models.")
    settings: dict[str, Any] = {"log": True} if features == "band-power" else {}
    return classifier.set_params(features=feature_class(features)(**settings))


def crossed(results: list[Results]) -> pd.DataFrame:
    """Cross feature sets and classifiers: a row for each set and protocol, a column for each classifier."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for result in results:
        classifier, _, features = result.model.partition(" on ")
        row = rows.setdefault((result.protocol_label, features or f"(windows) {classifier}"), {})
        interval = confidence_interval(result, "macro_f1")
        column = classifier if features else "the model itself"
        collapsed = result.model_label.removeprefix(result.model)
        row[column] = f"{interval.estimate:.3f} [{interval.low:.3f}, {interval.high:.3f}]{collapsed}"
    table = pd.DataFrame([{"protocol": key[0], "features": key[1], **row} for key, row in rows.items()])
    return table.fillna("")


def strongest(slopes: pd.DataFrame, n: int = 3) -> pd.DataFrame:
    """List the channels whose differential entropy changes most with each rating in each band."""
    rows = []
    for rating, band in slopes.index:
        row = slopes.loc[(rating, band)]
        most = row.reindex(row.abs().sort_values(ascending=False).index)[:n]
        channels = ", ".join(f"{name} {value:+.3f}" for name, value in most.items())
        rows.append({"rating": rating, "band": band, "strongest channels": channels})
    return pd.DataFrame(rows)


def draw(config: Features, windows: Windows, slopes: pd.DataFrame, significant: pd.DataFrame) -> Figure:
    """Draw the maps; of simulated people beside what was simulated."""
    n_subjects = windows.trials.table["subject"].nunique()
    whose = f"{windows.trials.dataset}, {n_subjects} people"
    maps = {"measured": slopes}
    note = (
        f"Slope of differential entropy over ratings within each person, mean over {n_subjects} people. White dots: "
        "differs from 0 (t over people, Holm)."
    )
    if windows.trials.simulated and config.data is None:
        maps["simulated\nsource"] = emotion_topography(config.effect)
        note = f"SIMULATED data; nobody was recorded. {note}\nBelow: what the simulation put under each electrode."
    if config.smoke:
        note = f"Smoke run: the numbers mean nothing. {note}"
    return topography_figure(
        maps,
        title=f"Where differential entropy goes with emotion ({whose})",
        note=note,
        unit="nats per 2 points",
        significant=significant,
    )


if __name__ == "__main__":
    main(Features, run)
