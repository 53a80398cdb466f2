"""New people: each person in turn is tested on by models that never saw them, with intervals and tests over people.

Published on DEAP, four classes, people held out: 16 to 31 % accuracy (LibEER), less than the 54 % that the majority of
the same stimulus reaches without any EEG. A person more or less moves such a mean, so every score stands with its
interval over people, and a model is called better only where the people say so.
Expected on the simulated data: about .3 macro-F1, above a uniform guess, and below the majority of the same stimulus.
With ``--zscore-subjects`` every person is z-scored over all of their own trials first; that is transductive, and every
table says so.
Costs about 9 minutes on two CPU cores.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from options import main
from rich.console import Console

from eegemo import Results, make_splitter, zscore_subjects
from eegemo.reporting.experiment_page import write_experiment_page
from eegemo.reporting.page import page_of
from recordings import Recordings


@dataclass(frozen=True)
class SubjectIndependent(Recordings):
    """Leave one person out, for every model."""

    models: tuple[str, ...] = ("cnn-gru", "cnn-lstm", "tcn")
    """Models by name."""
    zscore_subjects: bool = False
    """Z-score every person over all of their trials, test data included (transductive)."""
    out: Path = Path("results/subject_independent")
    """Where the page goes; finished folds are kept in its folder runs/, and taken up again."""


def run(config: SubjectIndependent, console: Console | None = None) -> list[Results]:
    """Run every model, leaving out one person at a time, and write the page."""
    trials = config.scheme.select(config.trials(n_simulated=7, n_smoke=3))
    if config.zscore_subjects:
        trials = zscore_subjects(trials)
    splitter = make_splitter("subject", n_splits="leave-one-out", random_state=config.seed)
    windows = trials.windows(config.window, config.step)
    results = config.benchmark(config.named(config.models), windows, config.scheme, [splitter], console=console)
    page = page_of(
        run,
        config,
        title="New people, one at a time",
        question="What do the models know of somebody whom training never saw?",
    )
    write_experiment_page(page, results, console=console)
    return results


if __name__ == "__main__":
    main(SubjectIndependent, run)
