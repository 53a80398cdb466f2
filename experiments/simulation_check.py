"""Does each protocol tell the truth? One model on simulated people whose EEG knows nothing, little or much of emotion.

Expected: with no effect, ``trial`` holds chance (kappa 0) in its interval while ``window-random`` is still high: it
measures how well trials are recognised. With the default effect both look like what is published for DEAP. With a
large one ``trial`` rises too, so it can find what is there.
Costs about 8 minutes on two CPU cores.
"""

from __future__ import annotations

import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from options import Output, main
from rich.console import Console
from rich.progress import Progress

from eegemo import evaluate, make_splitter, quadrants, simulate
from eegemo.datasets.simulated import DEFAULT_EFFECT, DEFAULT_SEED
from eegemo.evaluation.intervals import mean_interval
from eegemo.evaluation.results import Results
from eegemo.models import make_model
from eegemo.reporting.experiment_page import write_page
from eegemo.reporting.page import page_of

CONFIDENCE = 0.95


@dataclass(frozen=True)
class SimulationCheck(Output):
    """Run one model on simulations of different effects and seeds, under a leaking and an honest protocol."""

    effects: tuple[float, ...] = (0.0, DEFAULT_EFFECT, 0.6)
    """Change of a rhythm's log-amplitude with a rating of one standard deviation."""
    model: str = "cnn-gru"
    """Model by name."""
    protocols: tuple[str, ...] = ("window-random", "trial")
    """Protocols by name."""
    seeds: tuple[int, ...] = (DEFAULT_SEED, 0)
    """Each gives other people, splits and networks."""
    subjects: int = 4
    """Simulated people for each seed."""
    epochs: int = 20
    """At most so many epochs."""
    n_jobs: int = -1
    """Folds at a time, each on one thread; -1 is as many as there are cores."""
    out: Path = Path("results/simulation_check")
    """Where the page goes."""


def run(config: SimulationCheck, console: Console | None = None) -> pd.DataFrame:
    """Run everything; return the table."""
    console = console or Console()
    started = time.perf_counter()
    scheme = quadrants()
    rows_of_subjects = []
    with Progress(console=console) as progress:
        total = progress.add_task(
            "effects x seeds x protocols", total=len(config.effects) * len(config.seeds) * len(config.protocols)
        )
        for effect in config.effects:
            for seed in config.seeds:
                windows = simulate(config.subjects, effect=effect, random_state=seed).windows()
                for protocol in config.protocols:
                    n_splits = None if protocol == "window-random" else 5
                    splitter = make_splitter(protocol, n_splits=n_splits, random_state=seed)
                    classifier = make_model(config.model, epochs=config.epochs, random_state=seed)
                    result = evaluate(classifier, windows, scheme, splitter, n_jobs=config.n_jobs, progress=progress)
                    rows_of_subjects += [{"effect": effect, "seed": seed, **row} for row in scores_of_subjects(result)]
                    progress.update(total, advance=1)
    scores = pd.DataFrame(rows_of_subjects)
    table = summary(scores)
    write(config, table, scores, time.perf_counter() - started)
    console.print(table.to_string(index=False))
    return table


def scores_of_subjects(result: Results) -> list[dict[str, object]]:
    """Score every person's windows of all folds together; kappa is 0 for any guess that is the same for all of them."""
    classes = result.predictions.groupby("subject")["y"]
    return [
        {
            "protocol": result.protocol,
            "subject": subject,
            "accuracy": own["accuracy"],
            "majority of the subject": classes.get_group(subject).value_counts(normalize=True).max(),
            "kappa": own["kappa"],
            "shared trial": result.leakage.trial,
            "folds collapsed": sum(fold.collapse is not None for fold in result.folds),
        }
        for subject, own in result.of_subjects().iterrows()
    ]


def summary(scores: pd.DataFrame) -> pd.DataFrame:
    """Average over people, with the interval of Student's t over people."""
    rows = []
    for (effect, protocol), own in scores.groupby(["effect", "protocol"], sort=False):
        kappa = mean_interval(own["kappa"].to_numpy(), CONFIDENCE)
        rows.append(
            {
                "effect": effect,
                "protocol": protocol,
                "subjects": len(own),
                "test windows that share a trial": own["shared trial"].mean(),
                "accuracy": own["accuracy"].mean(),
                "majority of the subject": own["majority of the subject"].mean(),
                "kappa": kappa.estimate,
                "kappa low": kappa.low,
                "kappa high": kappa.high,
                "folds collapsed": int(own.groupby("seed")["folds collapsed"].first().sum()),
            }
        )
    return pd.DataFrame(rows)


def write(config: SimulationCheck, table: pd.DataFrame, scores: pd.DataFrame, seconds: float) -> None:
    """Write the table, the figure, the page and the provenance."""
    title = f"{config.model} on simulated people, by how much their EEG knows of emotion"
    shared = table.groupby("protocol", sort=False)["test windows that share a trial"].mean()
    leaks = "; ".join(f"{share:.0%} under {protocol}" for protocol, share in shared.items())
    note = (
        f"SIMULATED data: {config.subjects} people for each of {len(config.seeds)} seeds; nobody was recorded, and no "
        "number here is a result about people. Windows of 1 s. Kappa is the mean over people, 0 at chance, with the "
        f"{CONFIDENCE:.0%} interval of Student's t over people, a little narrow since those of a seed share a model. "
        f"Test windows that share their trial with training: {leaks}."
    )
    page = page_of(
        run,
        config,
        title=title,
        question="Does a score follow what the simulated EEG knows of emotion?",
        answer=answer(table),
        seconds=seconds,
        tables=[("effects", title, table), ("folds", "Every person", scores)],
        figures=[("effects", "kappa by effect and protocol", draw(table, note))],
    )
    write_page(page, note, {"simulated": True})


def answer(table: pd.DataFrame) -> str:
    """Say the kappa of each protocol by effect."""
    parts = []
    for protocol, own in table.groupby("protocol", sort=False):
        shown = ", ".join(
            f"{row['kappa']:.2f} [{row['kappa low']:.2f}, {row['kappa high']:.2f}] with an effect of {row['effect']:g}"
            for _, row in own.iterrows()
        )
        parts.append(f"under {protocol} {shown}")
    return f"Kappa is {'; '.join(parts)}."


def draw(table: pd.DataFrame, note: str) -> Figure:
    """Draw kappa with its interval, a group for each effect."""
    protocols = list(dict.fromkeys(table["protocol"]))
    figure = Figure(figsize=(8, 4.6), layout="constrained")
    ax = figure.subplots()
    effects = list(dict.fromkeys(table["effect"]))
    for i, (protocol, colour) in enumerate(zip(protocols, ("#D55E00", "#0072B2", "#009E73"), strict=False)):
        rows = table[table["protocol"] == protocol]
        ax.errorbar(
            np.arange(len(effects)) + (i - (len(protocols) - 1) / 2) * 0.15,
            rows["kappa"],
            yerr=[rows["kappa"] - rows["kappa low"], rows["kappa high"] - rows["kappa"]],
            fmt="o",
            color=colour,
            capsize=4,
            label=protocol,
        )
    ax.axhline(0, color="#666666", linestyle=":", label="chance")
    ax.set_xticks(np.arange(len(effects)), [f"effect {effect:g}" for effect in effects])
    ax.set(ylabel="Cohen's kappa, windows", ylim=(-0.15, 1.02), title="SIMULATED DATA · what each protocol finds")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.supxlabel("\n".join(textwrap.wrap(note, 120)), fontsize=7, color="#444444")
    return figure


if __name__ == "__main__":
    main(SimulationCheck, run)
