"""Feature sets x classifiers on trials and people that training has not seen, and where on the head the emotion is.

Deep models need something to beat: every classical classifier on every set of features, a Riemannian pipeline, EEGNet
and the paper's CNN-GRU, all under the same folds, with intervals over people. No source gives these settings for DEAP's
four classes; LibEER reports macro-F1 of 25.6 % for a support vector machine under ``trial``, and 24.7 % under
``subject``.
Expected on the simulated data: differential entropy and band power, which are what the simulation changes, above all
others and above the networks under ``trial``; under ``subject`` no model above what the same video's ratings say.
The figure shows, at each channel and band, by how much differential entropy rises with a rating (a straight line within
each person, mean over people), beside what the simulation put under that electrode. They are not equal: the skull
spreads each source over many channels, background and muscles dilute it, and the alpha of people who have it slow
reaches into theta.
Costs about 15 minutes on two CPU cores (``--n-jobs 2``), most of it EEGNet.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import tyro
from rich.console import Console
from rich.progress import Progress
from scipy import stats
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from eegemo import ConfigError, DataFormatError, Windows, cluster, evaluate, make_splitter, quadrants
from eegemo.datasets.simulated import emotion_topography
from eegemo.evaluation.comparisons import holm
from eegemo.evaluation.intervals import confidence_interval
from eegemo.evaluation.results import Results
from eegemo.features import feature_class
from eegemo.features.bands import BANDS, DifferentialEntropy
from eegemo.models import make_model
from eegemo.reporting.experiment_page import Page, command_of, write_experiment_page
from eegemo.reporting.terminal import print_summary
from eegemo.reporting.topography import topography_figure
from recordings import Recordings, named_model


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
    """Where tables and figures go; finished folds are kept in its folder runs/, and taken up again."""


def run(config: Features, console: Console | None = None) -> list[Results]:
    """Run everything under every protocol; write the tables and the map."""
    console = console or Console()
    scheme = quadrants()
    models = {
        f"{classifier} on {features}": on(features, make_model(classifier, random_state=config.seed))
        for features in config.features
        for classifier in config.classifiers
    }
    options = {"epochs": 1} if config.smoke else {}
    models |= {name: named_model(name, config.seed, **options) for name in config.models}
    results = []
    with cluster(config.cluster), Progress(console=console) as progress:
        windows = config.windows(scheme, n_simulated=8, n_smoke=4)
        total = progress.add_task("models x protocols", total=len(models) * len(config.protocols))
        for protocol in config.protocols:
            splitter = make_splitter(protocol, n_splits=config.n_splits, random_state=config.seed)
            for name, classifier in models.items():
                results.append(
                    evaluate(
                        classifier,
                        windows,
                        scheme,
                        splitter,
                        model=name,
                        n_jobs=config.n_jobs,
                        runs=config.out / "runs",
                        progress=progress,
                        smoke=config.smoke,
                    )
                )
                progress.update(total, advance=1)
    slopes, significant = topography(windows)
    draw(config, windows, slopes, significant)
    text = (
        __doc__ or ""
    ).strip() + "\n\n![Where on the head, and in which band, differential entropy goes with valence "
    text += "and arousal](topography.png)"
    page = Page(
        title="Features, classical models, and where the emotion is",
        text=text,
        command=command_of("experiments/features.py", config),
        tables=[
            (
                "features",
                "Macro-F1 of windows, mean over people with its 95 % interval: feature sets x classifiers",
                crossed(results),
            ),
            ("topography", "Rise of differential entropy with a rating, nats per 2 points", strongest(slopes)),
        ],
        drawn=[name for name in models if name.endswith((f" on {config.features[0]}", *config.models))],
    )
    write_experiment_page(config.out, page, results)
    print_summary(console, results, config.out)
    return results


def on(features: str, classifier: BaseEstimator) -> Pipeline:
    """Give a pipeline another set of features."""
    if not isinstance(classifier, Pipeline) or "features" not in classifier.named_steps:
        raise ConfigError(f"--classifiers must be models on features, got {classifier!r}; name others with --models.")
    settings = {"log": True} if features == "band-power" else {}
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


def topography(windows: Windows) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measure by how much differential entropy rises with each rating, within people.

    Returns the mean slope over people, a row for each (rating, band), a column for each channel, in nats for 2 points;
    and where it differs from 0 (Student's t over people, Holm's correction over all of the table).
    """
    features = DifferentialEntropy()
    entropy = features.fit(windows).transform(windows)
    trials = windows.trials.table
    of_trials = pd.DataFrame(entropy).groupby(windows.trial_index).mean()
    ratings = trials.loc[of_trials.index, ["valence", "arousal"]].to_numpy() / 2
    slopes = []
    for _, rows in trials.loc[of_trials.index].reset_index(drop=True).groupby("subject"):
        own = rows.index.to_numpy()
        design = np.column_stack([np.ones(len(own)), ratings[own]])
        slopes.append(np.linalg.lstsq(design, of_trials.to_numpy()[own], rcond=None)[0][1:])
    index = pd.MultiIndex.from_product([("valence", "arousal"), BANDS], names=["rating", "band"])

    def table(values: np.ndarray) -> pd.DataFrame:
        n_channels = len(windows.trials.ch_names)
        by_band = values.reshape(2, n_channels, len(BANDS)).swapaxes(1, 2).reshape(-1, n_channels)
        return pd.DataFrame(by_band, index=index, columns=list(windows.trials.ch_names))

    by_subject = np.stack(slopes)
    p = stats.ttest_1samp(by_subject, 0).pvalue if len(by_subject) > 1 else np.ones(by_subject.shape[1:])
    return table(by_subject.mean(axis=0)), table(holm(p.ravel()).reshape(p.shape)) < 0.05


def strongest(slopes: pd.DataFrame, n: int = 3) -> pd.DataFrame:
    """List the channels whose differential entropy changes most with each rating in each band."""
    rows = []
    for rating, band in slopes.index:
        row = slopes.loc[(rating, band)]
        most = row.reindex(row.abs().sort_values(ascending=False).index)[:n]
        channels = ", ".join(f"{name} {value:+.3f}" for name, value in most.items())
        rows.append({"rating": rating, "band": band, "strongest channels": channels})
    return pd.DataFrame(rows)


def draw(config: Features, windows: Windows, slopes: pd.DataFrame, significant: pd.DataFrame) -> None:
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
    topography_figure(
        config.out / "topography.png",
        maps,
        title=f"Where differential entropy goes with emotion ({whose})",
        note=note,
        unit="nats per 2 points",
        significant=significant,
    )


if __name__ == "__main__":
    try:
        run(tyro.cli(Features, description=__doc__))
    except (ConfigError, DataFormatError) as error:
        # A setting or a file that cannot be used: the message says what to do.
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; the folds that were finished are kept, and the same command goes on with the others")
