"""New people: each person in turn is tested on by models that never saw them, with intervals and tests over people.

Published on DEAP, four classes, people held out: 16 to 31 % accuracy (LibEER), less than the 54 % that the majority of
the same video reaches without any EEG. A person more or less moves such a mean, so every score stands with its interval
over people, and a model is called better only where the people say so.
Expected on the simulated data: about .3 macro-F1, above a uniform guess, and below the majority of the same stimulus.
With ``--zscore-subjects`` every person is z-scored over all of their own trials first; that is transductive, and every
table says so.
Costs about 35 minutes on two CPU cores (``--n-jobs 2``).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console
from rich.progress import Progress

from eegemo import ConfigError, DataFormatError, cluster, evaluate, make_splitter, quadrants, zscore_subjects
from eegemo.evaluation.results import Results
from eegemo.reporting.experiment_page import Page, command_of, write_experiment_page
from eegemo.reporting.terminal import print_summary
from recordings import Recordings, named_model


@dataclass(frozen=True)
class SubjectIndependent(Recordings):
    """Leave one person out, for every model."""

    models: tuple[str, ...] = ("cnn-gru", "cnn-lstm", "tcn")
    """Models by name."""
    zscore_subjects: bool = False
    """Z-score every person over all of their trials, test data included (transductive)."""
    out: Path = Path("results/subject_independent")
    """Where tables and figures go; finished folds are kept in its folder runs/, and taken up again."""


def run(config: SubjectIndependent, console: Console | None = None) -> list[Results]:
    """Run every model, leaving out one person at a time, and write the tables."""
    console = console or Console()
    scheme = quadrants()
    options = {"epochs": 1} if config.smoke else {}
    splitter = make_splitter("subject", n_splits="leave-one-out", random_state=config.seed)
    results = []
    with cluster(config.cluster), Progress(console=console) as progress:
        trials = scheme.select(config.trials(n_simulated=7, n_smoke=3))
        if config.zscore_subjects:
            trials = zscore_subjects(trials)
        windows = trials.windows(config.window, config.step)
        total = progress.add_task("models", total=len(config.models))
        for name in config.models:
            results.append(
                evaluate(
                    named_model(name, config.seed, **options),
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
    page = Page(
        title="New people, one at a time",
        text=(__doc__ or "").strip(),
        command=command_of("experiments/subject_independent.py", config),
    )
    write_experiment_page(config.out, page, results)
    print_summary(console, results, config.out)
    return results


if __name__ == "__main__":
    try:
        run(tyro.cli(SubjectIndependent, description=__doc__))
    except (ConfigError, DataFormatError) as error:
        # A setting or a file that cannot be used: the message says what to do.
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; the folds that were finished are kept, and the same command goes on with the others")
