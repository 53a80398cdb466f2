"""Can emotion be read from the EEG of real people? Every model and protocol on DASPS, valence and arousal.

DASPS (Baghdadi et al. 2019): people whom a therapist told frightening situations, six each, 14 channels at 128 Hz;
after each situation they rated valence and arousal from 1 to 9. A situation's two recordings of 15 s share one rating,
so they are kept together. The folder is the one that IEEE DataPort publishes (``--data``), or what ``EEGEMO_REAL_DATA``
leads to. Arousal is high above 5, the middle of the scale. So few situations were rated pleasant (4 of 192 above 5 in
the 16 people at hand) that valence is cut at 2, near the median.

Expected: with windows split at random every model but logistic regression is far above chance, trees and nearest
neighbours as far as the networks; on new situations of known people, on new people and on new stimuli all are at or
near chance, and none is clearly above what the labels give away without any EEG.
Costs about 20 minutes on two CPU cores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from options import Options, main, real_data
from rich.console import Console

from eegemo import ConfigError, Results, confidence_interval, high_low, load_dasps, make_splitter, quadrants
from eegemo.datasets.dasps import ATTRIBUTION
from eegemo.reporting.experiment_page import write_experiment_page
from eegemo.reporting.page import page_of

#: What can be asked; the ratings and where they are cut.
TASKS = {"valence": high_low("valence", 2.0), "arousal": high_low("arousal"), "quadrants": quadrants()}
#: Folds: one split of 80:10:10, as the paper has it; one person in five, one situation in three.
N_SPLITS = {"window-random": None, "trial": 5, "subject": 5, "stimulus": 3, "subject-stimulus": 2}


@dataclass(frozen=True)
class RealEmotion(Options):
    """Run every model under every protocol on real people's valence and arousal."""

    data: Path | None = None
    """Folder of DASPS; by default what EEGEMO_REAL_DATA leads to."""
    tasks: tuple[str, ...] = ("valence", "arousal")
    """What is asked: valence, arousal, quadrants."""
    models: tuple[str, ...] = (
        *("cnn-gru", "cnn-lstm", "tcn", "eegnet"),
        *("logistic-regression", "extra-trees", "nearest-neighbor"),
    )
    """Models by name; the last three on differential entropy."""
    protocols: tuple[str, ...] = tuple(N_SPLITS)
    """Protocols by name."""
    controls: tuple[str, ...] = ("permuted-labels", "injected-signal")
    """Controls by name, run with the first model under the protocols below; none with --controls."""
    controlled: tuple[str, ...] = ("window-random", "subject")
    """The protocols that controls are run under."""
    window: float = 1.0
    """Length of a window in seconds."""
    step: float = 1.0
    """Seconds between the starts of two windows."""
    cache: Path | None = None
    """Where the prepared recordings are kept; the platform's cache folder by default."""
    out: Path = Path("results/real_emotion")
    """Where the pages go: a folder for each task, whose name is put behind this one's."""


def run(config: RealEmotion, console: Console | None = None) -> dict[str, list[Results]]:
    """Run every task, and write a page for each."""
    for task in config.tasks:
        if task not in TASKS:
            raise ConfigError(f"Unknown task {task!r}; known: {', '.join(TASKS)}.")
    folder = real_data(config.data, "dasps", "DASPS from IEEE DataPort (doi 10.21227/barx-we60)")
    windows = load_dasps(folder, cache=config.cache).windows(config.window, config.step)
    splitters = [make_splitter(name, n_splits=N_SPLITS[name], random_state=config.seed) for name in config.protocols]
    found = {}
    for task in config.tasks:
        out = config.out.with_name(f"{config.out.name}_{task}")
        results = config.benchmark(
            config.named(config.models),
            windows,
            TASKS[task],
            splitters,
            config.controls,
            controlled=config.controlled,
            out=out,
            console=console,
        )
        found[task] = [result for result in results if result.control is None]
        page = page_of(
            run,
            config,
            title=f"Real people's {task}: every model under every protocol (DASPS)",
            question=f"Can a person's {task} be read from the EEG of real people?",
            answer=answer(found[task], task),
            text=f"**The data.** {ATTRIBUTION}",
        )
        write_experiment_page(replace(page, folder=out), results, console=console)
    return found


def answer(results: Sequence[Results], task: str) -> str:
    """Say in a sentence a protocol how far the best model is from chance; kappa is 0 for every guess."""
    sentences = []
    for protocol in dict.fromkeys(result.protocol_label for result in results):
        own = [result for result in results if result.protocol_label == protocol]
        best = max(own, key=lambda result: result.of_subjects()["kappa"].mean())
        # Of so many models the best is lucky too: each gets a share of the five percent (Bonferroni).
        kappa = confidence_interval(best, "kappa", confidence=1 - 0.05 / len(own))
        what = "is above chance" if kappa.low > 0 else "is not told from chance"
        leaks = ", whose test windows share trials with training," if own[0].leakage.trial else ""
        sentences.append(
            f"Under {protocol}{leaks} the best of {len(own)} models, {best.model_label}, {what}: kappa "
            f"{kappa.estimate:.2f} [{kappa.low:.2f}, {kappa.high:.2f}]."
        )
    return f"Real {task}, mean over people; the interval is of 95 % for the best of that many models. " + " ".join(
        sentences
    )


if __name__ == "__main__":
    main(RealEmotion, run)
