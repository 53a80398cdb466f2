"""K-fold cross-validation of the paper's models, which Zamani & Wulansari (2021) name as their future work.

Their single 80:10:10 split of windows has no spread. Here windows are split into five folds, and so are whole
trials: the same models, the same folds, means with standard deviations, and the corrected resampled t-test
(Nadeau & Bengio 2003) for whether one model is better than another.
Expected on the simulated data: about .8 accuracy under ``window-random``, where windows follow each other (above .9
where they overlap, as in ``paper_tables``), with a spread of about .01, as steady as it is meaningless; .35 to .45
under ``trial``. A k-fold of windows makes a leak look exact.
Costs about 9 minutes on two CPU cores.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from options import main
from rich.console import Console

from eegemo import Results, compare_over_folds, make_splitter
from eegemo.reporting.experiment_page import write_experiment_page
from eegemo.reporting.page import page_of
from recordings import Recordings


@dataclass(frozen=True)
class KFold(Recordings):
    """Cross-validate the paper's models, windows and trials."""

    models: tuple[str, ...] = ("cnn-gru", "cnn-lstm", "tcn")
    """Models by name."""
    protocols: tuple[str, ...] = ("window-random", "trial")
    """Protocols by name."""
    n_splits: int = 5
    """Folds."""
    n_repeats: int = 1
    """How often the folds are drawn anew."""
    out: Path = Path("results/kfold")
    """Where the page goes; finished folds are kept in its folder runs/, and taken up again."""


def run(config: KFold, console: Console | None = None) -> list[Results]:
    """Run every model under every protocol and write the page."""
    splitters = [
        make_splitter(protocol, n_splits=config.n_splits, n_repeats=config.n_repeats, random_state=config.seed)
        for protocol in config.protocols
    ]
    results = config.benchmark(
        config.named(config.models), config.windows(config.scheme), config.scheme, splitters, console=console
    )
    how_many = f"{config.n_splits} folds" + (f", {config.n_repeats} times" if config.n_repeats > 1 else "")
    title = (
        f"Is one model better over the {how_many}? Macro-F1 of windows, corrected resampled t-test, Holm's correction "
        "for the pairs of a protocol"
    )
    page = page_of(
        run,
        config,
        title="The paper's models, cross-validated",
        question="Does a k-fold of windows make a score any more believable?",
        tables=[("ttests", title, compare_over_folds(results))],
    )
    write_experiment_page(page, results, console=console)
    return results


if __name__ == "__main__":
    main(KFold, run)
