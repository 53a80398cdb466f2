"""Can emotion be read from the EEG of real people? Every model and protocol on DASPS, valence and arousal.

DASPS (Baghdadi et al. 2019): people whom a therapist told frightening situations, six each, 14 channels at 128 Hz;
after each situation they rated valence and arousal from 1 to 9. A situation's two recordings of 15 s share one rating,
so they are kept together. The folder is the one that IEEE DataPort publishes (``--data``), or what ``EEGEMO_REAL_DATA``
leads to. Arousal is high above 5, the middle of the scale. So few situations were rated pleasant (4 of 192 above 5 in
the 16 people at hand) that valence is cut at 2, near the median.

Expected: with windows split at random every model but logistic regression is far above chance, trees and nearest
neighbours as far as the networks; on new situations of known people, on new people and on new stimuli all are at or
near chance, and none is clearly above what the labels give away without any EEG.
Costs about 30 minutes (estimated) on two CPU cores.
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

from eegemo import (
    ConfigError,
    DataFormatError,
    cluster,
    confidence_interval,
    evaluate,
    high_low,
    load_dasps,
    make_splitter,
    quadrants,
)
from eegemo.datasets.dasps import ATTRIBUTION
from eegemo.evaluation.results import Results
from eegemo.networks import NETWORKS
from eegemo.reporting.experiment_page import Page, command_of, write_experiment_page
from eegemo.reporting.terminal import print_summary
from recordings import named_model

#: What can be asked; the ratings and where they are cut.
TASKS = {"valence": high_low("valence", 2.0), "arousal": high_low("arousal"), "quadrants": quadrants()}
#: Folds: one split of 80:10:10, as the paper has it; one person in five, one situation in three.
N_SPLITS = {"window-random": None, "trial": 5, "subject": 5, "stimulus": 3, "subject-stimulus": 2}


@dataclass(frozen=True)
class RealEmotion:
    """Run every model under every protocol on real people's valence and arousal."""

    data: Path | None = None
    """Folder of DASPS; by default what EEGEMO_REAL_DATA leads to."""
    tasks: tuple[str, ...] = ("valence", "arousal")
    """What is asked: valence, arousal, quadrants."""
    models: tuple[str, ...] = (*NETWORKS, "logistic-regression", "extra-trees", "nearest-neighbor")
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
    seed: int = 0
    """Of the splits and the models."""
    n_jobs: int = -1
    """Folds at a time, each on one thread; -1 is as many as there are cores."""
    cluster: str | None = None
    """Address of a Dask scheduler (tcp://host:8786) whose workers run the folds."""
    cache: Path | None = None
    """Where the prepared recordings are kept; the platform's cache folder by default."""
    out: Path = Path("results/real_emotion")
    """Where tables and figures go: a folder for each task, whose name is put behind this one's."""
    smoke: bool = False
    """A quick run of one epoch, to see that everything works; its numbers mean nothing."""


def find_data(config: RealEmotion) -> Path:
    """Return the path given, or the folder of DASPS among the real recordings."""
    if config.data is not None:
        return config.data
    folder = os.environ.get("EEGEMO_REAL_DATA")
    if not folder:
        raise ConfigError(
            "No recordings: give --data the folder of DASPS from IEEE DataPort (doi 10.21227/barx-we60), or set "
            "EEGEMO_REAL_DATA to the folder that holds dasps/."
        )
    return Path(folder) / "dasps"


def run(config: RealEmotion, console: Console | None = None) -> dict[str, list[Results]]:
    """Run every task, and write a page for each."""
    console = console or Console()
    for task in config.tasks:
        if task not in TASKS:
            raise ConfigError(f"Unknown task {task!r}; known: {', '.join(TASKS)}.")
    windows = load_dasps(find_data(config), cache=config.cache).windows(config.window, config.step)
    results = {}
    for task in config.tasks:
        out = config.out.with_name(f"{config.out.name}_{task}")
        runs = [
            (protocol, name, control)
            for protocol in config.protocols
            for name in config.models
            for control in (None, *config.controls)
            if control is None or (name == config.models[0] and protocol in config.controlled)
        ]
        done = []
        with cluster(config.cluster), Progress(console=console) as progress:
            total = progress.add_task(f"{task}: models x protocols, and controls", total=len(runs))
            for protocol, name, control in runs:
                splitter = make_splitter(protocol, n_splits=N_SPLITS[protocol], random_state=config.seed)
                done.append(
                    evaluate(
                        named_model(name, config.seed, epochs=1 if config.smoke else None),
                        windows,
                        TASKS[task],
                        splitter,
                        model=name,
                        control=control,
                        n_jobs=config.n_jobs,
                        runs=out / "runs",
                        progress=progress,
                        smoke=config.smoke,
                    )
                )
                progress.update(total, advance=1)
        real = [result for result in done if result.control is None]
        page = Page(
            title=f"Real people's {task}: every model under every protocol (DASPS)",
            text=f"**The answer.** {answer(real, task)}\n\n{(__doc__ or '').strip()}\n\n**The data.** {ATTRIBUTION}",
            command=command_of("experiments/real_emotion.py", config),
        )
        write_experiment_page(out, page, real, [result for result in done if result.control is not None])
        print_summary(console, real, out)
        console.print(answer(real, task))
        results[task] = real
    return results


def answer(results: Sequence[Results], task: str) -> str:
    """Say in a sentence a protocol how far the best model is from chance; kappa is 0 for every guess."""
    sentences = []
    for protocol in dict.fromkeys(result.protocol_label for result in results):
        own = [result for result in results if result.protocol_label == protocol]
        best = max(own, key=lambda result: result.of_subjects()["kappa"].mean())
        kappa = confidence_interval(best, "kappa")
        what = "is above chance" if kappa.low > 0 else "is not told from chance"
        leaks = ", whose test windows share trials with training," if own[0].leakage.trial else ""
        sentences.append(
            f"Under {protocol}{leaks} the best of {len(own)} models, {best.model_label}, {what}: kappa "
            f"{kappa.estimate:.2f} [{kappa.low:.2f}, {kappa.high:.2f}]."
        )
    return f"Real {task}, mean over people with the 95 % interval over people. " + " ".join(sentences)


if __name__ == "__main__":
    try:
        run(tyro.cli(RealEmotion, description=__doc__))
    except (ConfigError, DataFormatError) as error:
        # A setting or a file that cannot be used: the message says what to do.
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; the folds that were finished are kept, and the same command goes on with the others")
