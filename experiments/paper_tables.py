"""Table 1 of Zamani & Wulansari (2021): accuracy and loss of 1DCNN-GRU and 1DCNN-LSTM on DEAP, and what it means.

Published: windows of all people pooled and split 80:10:10 at random; 96.3 % (1DCNN-GRU) and 97.8 % (1DCNN-LSTM)
training accuracy, for the latter a test accuracy that ends in .9 %. Filters, units, windows, channels and training
are not published; ours are marked *not in the source* where they are set.

Expected here on the simulated data: test accuracy above 0.9 under ``window-random`` for all three networks, and
0.35-0.45 under ``trial``, where the same models are tested on trials they have not seen. What the labels give away
without any EEG stands beside it, and is no less.
Costs about 5 minutes on two CPU cores and 2 GB of memory. On DEAP itself (``--data``), with its 32 people, expect
about 10 times that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pandas as pd
from options import main
from rich.console import Console
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from eegemo import ConfigError, LabelScheme, Results, Windows, make_splitter, quadrants
from eegemo.evaluation.results import PARTS
from eegemo.features.bin_power import NOTEBOOK_N_TIMES, NOTEBOOK_STEP, BinPower
from eegemo.reporting.experiment_page import write_experiment_page
from eegemo.reporting.page import page_of
from eegemo.reporting.tables import baselines_of, formatted, score_table
from recordings import Recordings

#: What the paper gives, as far as it can be read; its test accuracy is known to end in .9 %.
PUBLISHED = {
    ("cnn-gru", "train accuracy"): "0.963",
    ("cnn-lstm", "train accuracy"): "0.978",
    ("cnn-lstm", "train loss"): "0.067",
    ("cnn-lstm", "validation accuracy"): "0.999 (inferred)",
    ("cnn-lstm", "validation loss"): "0.001",
    ("cnn-lstm", "test accuracy"): "0.999 (inferred)",
    ("cnn-lstm", "test loss"): "0.001",
}


_ON_FEATURES = """

Here the models got the 70 features of the circulating DEAP notebooks. Neighbouring windows share 15/16 of their
samples, so under ``window-random`` nearly every test window was seen in training but for 16 samples: the leakage
record counts them as *shared samples*. Under ``trial`` the same features and models are tested on trials they have not
seen."""


@dataclass(frozen=True)
class PaperTables(Recordings):
    """Run the paper's models under its own protocol and under an honest one."""

    step: float = 0.5
    """Seconds between the starts of two windows, which share half of their samples (not in the source)."""
    models: tuple[str, ...] = ("cnn-gru", "cnn-lstm", "tcn", "logistic-regression", "extra-trees")
    """Models by name; the last two, on differential entropy, are what the others have to beat."""
    features: Literal["bands70", "bands70-corrected"] | None = None
    """Give every model the 70 features of the circulating DEAP notebooks instead of samples: 14 channels x 5 bands, 256
    samples every 16. Their band power adds up amplitudes; corrected, it is power. Networks get them as a sequence."""
    protocols: tuple[str, ...] = ("window-random", "trial")
    """Protocols by name."""
    threshold: float = 5.0
    """A rating above it is high (not in the source)."""
    ties: Literal["low", "high", "drop"] = "low"
    """What a rating equal to the threshold is (not in the source)."""
    n_splits: int = 3
    """Folds of the honest protocols; window-random is the paper's single 80:10:10 split."""
    within: Literal["pooled", "subject"] = "pooled"
    """Whether one model is made for all people, or one for each, under the protocol trial."""
    epochs: int | None = None
    """At most so many epochs (not in the source); each model's own where it is not given."""
    batch_size: int | None = None
    """Windows in a batch (not in the source); each model's own likewise."""
    patience: int | None = None
    """Epochs without a better validation loss before training stops (not in the source); each model's own likewise."""
    normalization: Literal["zscore-minmax", "zscore", "minmax"] = "zscore-minmax"
    """The first layer; the paper z-scores, then scales to minimum and maximum."""
    normalize_over: Literal["training", "window"] = "training"
    """Over the training data, or over each window (not in the source)."""
    out: Path = Path("results/paper_tables")
    """Where the page goes; finished folds are kept in its folder runs/, and taken up again."""


def run(config: PaperTables, console: Console | None = None) -> list[Results]:
    """Run every model under every protocol and write the page."""
    scheme = scheme_of(config)
    splitters = [
        make_splitter(
            protocol,
            n_splits=None if protocol == "window-random" else config.n_splits,
            within=config.within if protocol == "trial" else "pooled",
            random_state=config.seed,
        )
        for protocol in config.protocols
    ]
    settings = ("normalization", "normalize_over", "epochs", "batch_size", "patience")
    models = config.named(config.models, **{name: getattr(config, name) for name in settings})
    models = {name: on_features(config, model) for name, model in models.items()}
    results = config.benchmark(models, windows_of(config, scheme), scheme, splitters, console=console)
    page = page_of(
        run,
        config,
        title="The paper's table, and the same models on unseen trials"
        + (f", on the notebooks' features {config.features}" if config.features else ""),
        question="Do the paper's models reach its accuracies, and what is left of them on trials that are new?",
        text=_ON_FEATURES if config.features else "",
        lead=("Accuracy of train / validation / test, published and ours", beside_the_paper(results)),
        tables=[("losses", "The same for the loss", beside_the_paper(results, "loss"))],
    )
    write_experiment_page(page, results, console=console)
    return results


def scheme_of(config: PaperTables) -> LabelScheme:
    """Take the quadrants with the threshold and ties that are wanted, or a rule of the dataset."""
    if (config.threshold, config.ties) == (PaperTables.threshold, PaperTables.ties):
        return config.scheme
    if config.labels is not None:
        raise ConfigError(f"--labels {config.labels} has a threshold of its own; leave out --threshold and --ties.")
    return quadrants(config.threshold, config.ties)


def windows_of(config: PaperTables, scheme: LabelScheme) -> Windows:
    """Cut the windows; those of the notebooks where their features are wanted."""
    if config.features is None:
        return config.windows(scheme, n_simulated=3)
    if (config.window, config.step) != (PaperTables.window, PaperTables.step):
        raise ConfigError(f"--features {config.features} has windows of its own; leave out --window and --step.")
    channels = ("emotiv14",) if config.channels == PaperTables.channels else config.channels
    trials = replace(config, channels=channels).trials(n_simulated=4, n_smoke=2)
    return scheme.select(trials).windows(n_times=NOTEBOOK_N_TIMES, step=NOTEBOOK_STEP)


def on_features(config: PaperTables, classifier: BaseEstimator) -> BaseEstimator:
    """Put a model on the notebooks' features, where they are wanted."""
    if config.features is None:
        return classifier
    features = BinPower(corrected=config.features == "bands70-corrected")
    if not isinstance(classifier, Pipeline):
        return Pipeline([("features", features), ("classifier", classifier)])
    if "features" not in classifier.named_steps:
        raise ConfigError(f"--features {config.features} cannot be given to {classifier!r}, which needs samples.")
    return classifier.set_params(features=features)


def beside_the_paper(results: list[Results], score: str = "accuracy") -> pd.DataFrame:
    """Put the published scores beside ours: a row for each model, and for what needs no EEG."""
    rows = []
    for prefix, some in (("", results), ("no EEG: ", baselines_of(results))):
        text = formatted(score_table(some))
        for model in dict.fromkeys(result.model for result in some):
            own = text[[result.model == model for result in some]].to_dict(orient="records")
            published = [PUBLISHED.get((model, f"{part} {score}"), "-") for part in PARTS]
            # What stands behind the name, such as a collapse, is of one protocol, and stands behind its numbers here.
            ours = {
                row["protocol"]: " / ".join(row[f"{part} {score}"] for part in PARTS) + row["model"].removeprefix(model)
                for row in own
            }
            stated = "" if set(published) == {"-"} else " / ".join(published)
            rows.append({"model": prefix + model, "published": stated, **ours})
    return pd.DataFrame(rows)


if __name__ == "__main__":
    main(PaperTables, run)
