"""Rest against mental arithmetic on real people: the three models, windows at random beside people held out.

The recordings are eegmat 1.0.0 of PhysioNet (Zyma et al. 2019): the extract of 12 people that the environment variable
``EEGEMO_REAL_DATA`` leads to, or the folder of EDF files as PhysioNet publishes it (``--data``).

Expected: all models far above chance when windows are split at random; on people who were held out a little above it,
no network better than logistic regression, and the networks' early stopping, which has one person to look at, at odds
with itself from fold to fold. The majority of the same stimulus is right by definition here, where the stimulus is the
task.
Costs about 20 minutes (estimated) on two CPU cores.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console
from rich.progress import Progress

from eegemo import ConfigError, DataFormatError, categories, cluster, evaluate, load_eegmat, make_splitter
from eegemo.datasets.eegmat import ATTRIBUTION, CONFOUND, TASKS
from eegemo.evaluation.results import Results
from eegemo.reporting.experiment_page import Page, command_of, write_experiment_page
from eegemo.reporting.terminal import print_summary
from recordings import named_model


@dataclass(frozen=True)
class RealEEG:
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
    seed: int = 0
    """Of the splits and the networks."""
    n_jobs: int = -1
    """Folds at a time, each on one thread; -1 is as many as there are cores."""
    cluster: str | None = None
    """Address of a Dask scheduler (tcp://host:8786) whose workers run the folds."""
    out: Path = Path("results/real_eeg")
    """Where tables and figures go."""
    smoke: bool = False
    """A quick run of one epoch, to see that everything works; its numbers mean nothing."""


def find_data(config: RealEEG) -> Path:
    """Return the path given, or the extract in the folder of real recordings."""
    if config.data is not None:
        return config.data
    folder = os.environ.get("EEGEMO_REAL_DATA")
    if not folder:
        raise ConfigError(
            "No recordings: give --data the folder of eegmat 1.0.0 from PhysioNet (Subject00_1.edf, ...), or set "
            "EEGEMO_REAL_DATA to the folder that holds eegmat12/."
        )
    return Path(folder) / "eegmat12"


def run(config: RealEEG, console: Console | None = None) -> list[Results]:
    """Run every model, and the controls, under both protocols and write the tables."""
    console = console or Console()
    scheme = categories("task", TASKS)
    windows = load_eegmat(find_data(config)).windows(config.window, config.step)
    tasks = [
        (protocol, name, control)
        for protocol in config.protocols
        for name in config.models
        for control in (None, *(config.controls if name == config.models[0] else ()))
        if (protocol, control) != ("subject", "who-is-it")  # nobody can be known who was held out
    ]
    results = []
    with cluster(config.cluster), Progress(console=console) as progress:
        total = progress.add_task("models x protocols, and controls", total=len(tasks))
        for protocol, name, control in tasks:
            classifier = named_model(
                name,
                config.seed,
                epochs=1 if config.smoke else config.epochs,
            )
            results.append(
                evaluate(
                    classifier,
                    windows,
                    scheme,
                    make_splitter(protocol, n_splits=config.n_splits, random_state=config.seed),
                    model=name,
                    control=control,
                    n_jobs=config.n_jobs,
                    runs=config.out / "runs",
                    progress=progress,
                    smoke=config.smoke,
                )
            )
            progress.update(total, advance=1)
    real = [result for result in results if result.control is None]
    page = Page(
        title="Rest against mental arithmetic, real people",
        text=f"**The answer.** {answer(real)}\n\n{(__doc__ or '').strip()}\n\n**The confound.** {CONFOUND}\n\n"
        f"**The data.** {ATTRIBUTION}",
        command=command_of("experiments/real_eeg.py", config),
    )
    write_experiment_page(config.out, page, real, [result for result in results if result.control is not None])
    print_summary(console, real, config.out)
    console.print(CONFOUND)
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
    try:
        run(tyro.cli(RealEEG, description=__doc__))
    except (ConfigError, DataFormatError) as error:
        # A setting or a file that cannot be used: the message says what to do.
        sys.exit(f"error: {error}")
