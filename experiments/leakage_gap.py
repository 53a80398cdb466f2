"""What the protocol alone is worth: the same models on the same windows under all five protocols, and the controls.

Published on DEAP, four classes: 84 to 99.7 % accuracy where windows are split at random; 36 to 45 % on new trials of
known people and 16 to 31 % on new people (LibEER); 54 % without any EEG, by the majority of the same stimulus.
Expected on the simulated data: the same picture, and a step down from ``window-random`` to ``trial`` that is many times
any difference between models. With the labels permuted over trials ``window-random`` stays high, since there is nothing
to find but the trials themselves, and ``trial`` falls to chance.
Costs about 25 minutes on two CPU cores.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from options import main
from rich.console import Console

from eegemo import Results, make_splitter
from eegemo.reporting.experiment_page import write_experiment_page
from eegemo.reporting.page import page_of
from recordings import Recordings


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
    """Folds; under subject-stimulus groups of people, and as many of stimuli, which make the square of it."""
    out: Path = Path("results/leakage_gap")
    """Where the page goes; finished folds are kept in its folder runs/, and taken up again."""


def run(config: LeakageGap, console: Console | None = None) -> list[Results]:
    """Run every model under every protocol, and the controls, and write the page."""
    splitters = [
        make_splitter(protocol, n_splits=config.n_splits, random_state=config.seed) for protocol in config.protocols
    ]
    results = config.benchmark(
        config.named(config.models),
        config.windows(config.scheme, n_simulated=6, n_smoke=5),
        config.scheme,
        splitters,
        config.controls,
        controlled=config.controlled,
        console=console,
    )
    page = page_of(
        run,
        config,
        title="What the protocol alone is worth",
        question="How much of a published accuracy is the protocol's doing?",
    )
    write_experiment_page(page, results, console=console)
    return results


if __name__ == "__main__":
    main(LeakageGap, run)
