"""Rest against mental arithmetic on real people: the three models, windows at random beside people held out.

The recordings are eegmat 1.0.0 of PhysioNet (Zyma et al. 2019): the extract of 12 people that the environment variable
``EEGEMO_REAL_DATA`` leads to, or the folder of EDF files as PhysioNet publishes it (``--data``).

Expected: all models far above chance when windows are split at random; on people who were held out a little above it,
no network better than logistic regression, and the networks' early stopping, which has one person to look at, at odds
with itself from fold to fold. The majority of the same stimulus is right by definition here, where the stimulus is the
task.
Costs about 20 minutes on two CPU cores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from options import Options, main, real_data
from rich.console import Console

from eegemo import Results, categories, load_eegmat, make_splitter
from eegemo.datasets.eegmat import ATTRIBUTION, CONFOUND, TASKS
from eegemo.reporting.experiment_page import write_experiment_page
from eegemo.reporting.page import page_of


@dataclass(frozen=True)
class RealEEG(Options):
    """Run the models on real recordings under a leaking and an honest protocol."""

    data: Path | None = None
    """Folder of eegmat's EDF files, or the extract; by default what EEGEMO_REAL_DATA leads to."""
    models: tuple[str, ...] = ("cnn-gru", "cnn-lstm", "tcn", "eegnet", "logistic-regression", "extra-trees")
    """Models by name; the last two on differential entropy, which is half the log of band power but for a constant."""
    protocols: tuple[str, ...] = ("window-random", "subject")
    """Protocols by name."""
    controls: tuple[str, ...] = ("permuted-labels", "who-is-it", "injected-signal")
    """Controls by name, run with the first model under each protocol where they can be had; none with --controls."""
    window: float = 4.0
    """Length of a window in seconds."""
    step: float = 2.0
    """Seconds between the starts of two windows."""
    n_splits: int = 4
    """Folds of each protocol."""
    epochs: int | None = None
    """At most so many epochs; each model's own where it is not given."""
    out: Path = Path("results/real_eeg")
    """Where the page goes; finished folds are kept in its folder runs/, and taken up again."""


def run(config: RealEEG, console: Console | None = None) -> list[Results]:
    """Run every model, and the controls, under both protocols and write the page."""
    folder = real_data(config.data, "eegmat12", "eegmat 1.0.0 from PhysioNet (Subject00_1.edf, ...)")
    results = config.benchmark(
        config.named(config.models, epochs=config.epochs),
        load_eegmat(folder).windows(config.window, config.step),
        categories("task", TASKS),
        [make_splitter(name, n_splits=config.n_splits, random_state=config.seed) for name in config.protocols],
        config.controls,
        console=console,
    )
    page = page_of(
        run,
        config,
        title="Rest against mental arithmetic, real people",
        question="Can the models tell rest from mental arithmetic in people whom they have never seen?",
        answer=answer([result for result in results if result.control is None]),
        text=f"**The confound.** {CONFOUND}\n\n**The data.** {ATTRIBUTION}",
    )
    write_experiment_page(page, results, console=console)
    return results


def answer(results: Sequence[Results]) -> str:
    """Say how far each network is from logistic regression, in balanced accuracy, mean over people."""
    sentences = []
    for protocol in dict.fromkeys(result.protocol for result in results):
        means = {
            result.model_label: result.of_subjects()["balanced_accuracy"].mean()
            for result in results
            if result.protocol == protocol
        }
        rival = means.get("logistic-regression", float("nan"))
        shown = ", ".join(
            f"{name} {value:.3f}" + ("" if name == "logistic-regression" else f" ({value - rival:+.3f})")
            for name, value in means.items()
        )
        sentences.append(f"Under {protocol}: {shown}.")
    return "Balanced accuracy of windows, chance .5; in brackets the difference to logistic regression. " + " ".join(
        sentences
    )


if __name__ == "__main__":
    main(RealEEG, run)
