"""What the protocol alone is worth: the same models on the same windows under all five protocols, and the controls.

Published on DEAP, four classes: 84 to 99.7 % accuracy where windows are split at random; 36 to 45 % on new trials of
known people and 16 to 31 % on new people (LibEER); 54 % without any EEG, by the majority of the same stimulus.
Expected on the simulated data: the same picture, and a step down from ``window-random`` to ``trial`` that is many times
any difference between models. With the labels permuted over trials ``window-random`` stays high, since there is nothing
to find but the trials themselves, and ``trial`` falls to chance.
Costs about 25 minutes on two CPU cores (``--n-jobs 2``).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console
from rich.progress import Progress

from eegemo import ConfigError, DataFormatError, cluster, evaluate, make_splitter, quadrants
from eegemo.evaluation.results import Results
from eegemo.reporting.experiment_page import Page, command_of, write_experiment_page
from eegemo.reporting.terminal import print_summary
from recordings import Recordings, named_model


@dataclass(frozen=True)
class LeakageGap(Recordings):
    """Run the models under every protocol, and the controls under a leaking and an honest one."""

    models: tuple[str, ...] = ("cnn-gru", "cnn-lstm", "tcn")
    """Models by name."""
    protocols: tuple[str, ...] = ("window-random", "trial", "subject", "stimulus", "subject-stimulus")
    """Protocols by name."""
    controls: tuple[str, ...] = ("permuted-labels", "who-is-it", "which-stimulus", "injected-signal")
    """Controls by name, run with the first model; none with --controls."""
    controlled: tuple[str, ...] = ("window-random", "trial")
    """The protocols that the controls are run under."""
    n_splits: int = 3
    """Folds; under subject-stimulus groups of people, and as many of videos, which make the square of it."""
    out: Path = Path("results/leakage_gap")
    """Where tables and figures go; finished folds are kept in its folder runs/, and taken up again."""


def run(config: LeakageGap, console: Console | None = None) -> list[Results]:
    """Run every model under every protocol, and the controls, and write the tables."""
    console = console or Console()
    scheme = quadrants()
    options = {"epochs": 1} if config.smoke else {}
    tasks: list[tuple[str, str, str | None]] = [
        (protocol, name, None) for protocol in config.protocols for name in config.models
    ]
    tasks += [(protocol, config.models[0], control) for protocol in config.controlled for control in config.controls]
    results = []
    with cluster(config.cluster), Progress(console=console) as progress:
        windows = config.windows(scheme, n_simulated=6, n_smoke=5)
        total = progress.add_task("models x protocols, and controls", total=len(tasks))
        for protocol, name, control in tasks:
            results.append(
                evaluate(
                    named_model(name, config.seed, **options),
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
    page = Page(
        title="What the protocol alone is worth",
        text=(__doc__ or "").strip(),
        command=command_of("experiments/leakage_gap.py", config),
    )
    real = [result for result in results if result.control is None]
    write_experiment_page(config.out, page, real, [result for result in results if result.control is not None])
    print_summary(console, real, config.out)
    return results


if __name__ == "__main__":
    try:
        run(tyro.cli(LeakageGap, description=__doc__))
    except (ConfigError, DataFormatError) as error:
        # A setting or a file that cannot be used: the message says what to do.
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; the folds that were finished are kept, and the same command goes on with the others")
