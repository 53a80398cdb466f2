"""K-fold cross-validation of the paper's models, which Zamani & Wulansari (2021) name as their future work.

Their single 80:10:10 split of windows has no spread. Here windows are split into five folds, and so are whole
trials: the same models, the same folds, means with standard deviations, and the corrected resampled t-test
(Nadeau & Bengio 2003) for whether one model is better than another.
Expected on the simulated data: above 0.9 for the CNN-RNN models under ``window-random`` with a spread of about .01, as
steady as it is meaningless; .35 to .45 under ``trial``. A k-fold of windows makes a leak look exact.
Costs about 8 minutes on two CPU cores (``--n-jobs 2``).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pandas as pd
import tyro
from rich.console import Console
from rich.progress import Progress

from eegemo import ConfigError, DataFormatError, cluster, corrected_resampled_ttest, evaluate, make_splitter, quadrants
from eegemo.evaluation.comparisons import holm
from eegemo.evaluation.results import Results
from eegemo.reporting.experiment_page import Page, command_of, write_experiment_page
from eegemo.reporting.terminal import print_summary
from recordings import Recordings, named_model


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
    """Where tables and figures go; finished folds are kept in its folder runs/, and taken up again."""


def run(config: KFold, console: Console | None = None) -> list[Results]:
    """Run every model under every protocol and write the tables."""
    console = console or Console()
    scheme = quadrants()
    options = {"epochs": 1} if config.smoke else {}
    results = []
    with cluster(config.cluster), Progress(console=console) as progress:
        windows = config.windows(scheme)
        total = progress.add_task("models x protocols", total=len(config.models) * len(config.protocols))
        for protocol in config.protocols:
            splitter = make_splitter(
                protocol, n_splits=config.n_splits, n_repeats=config.n_repeats, random_state=config.seed
            )
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
    folds = f"{config.n_splits} folds" + (f", {config.n_repeats} times" if config.n_repeats > 1 else "")
    title = (
        f"Is one model better over the {folds}? Macro-F1 of windows, corrected resampled t-test, Holm's correction for "
        "the pairs of a protocol"
    )
    page = Page(
        title="The paper's models, cross-validated",
        text=(__doc__ or "").strip(),
        command=command_of("experiments/kfold.py", config),
        tables=[("ttests", title, over_folds(results))],
    )
    write_experiment_page(config.out, page, results)
    print_summary(console, results, config.out)
    return results


def over_folds(results: list[Results]) -> pd.DataFrame:
    """Test every pair of models under each protocol, fold by fold."""
    rows = []
    for protocol in dict.fromkeys(result.protocol_label for result in results):
        own = [result for result in results if result.protocol_label == protocol]
        pairs = [(a, b, corrected_resampled_ttest(a, b)) for a, b in combinations(own, 2)]
        corrected = holm(pd.Series([test.p for *_, test in pairs], dtype=float).to_numpy())
        rows += [
            {
                "protocol": protocol,
                "model": a.model_label,
                "other": b.model_label,
                "difference": f"{test.difference:.3f}",
                "t": f"{test.t:.2f}",
                "df": test.df,
                "p": f"{test.p:.4f}",
                "p_holm": f"{p:.4f}",
            }
            for (a, b, test), p in zip(pairs, corrected, strict=True)
        ]
    return pd.DataFrame(rows)


if __name__ == "__main__":
    try:
        run(tyro.cli(KFold, description=__doc__))
    except (ConfigError, DataFormatError) as error:
        # A setting or a file that cannot be used: the message says what to do.
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; the folds that were finished are kept, and the same command goes on with the others")
