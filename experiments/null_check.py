"""Do the intervals tell the truth? A fast model, ten simulations with nothing to find, ten with much, every protocol.

Log band power and extremely randomised trees on eight simulated people. Expected with no effect: the 95 % interval over
people of Cohen's kappa holds 0 in at least nine of ten simulations under every honest protocol, and in none under
``window-random``. With a large effect: every honest protocol finds it, in every simulation.
Where people and stimuli are split at once into two groups each, kappa is pulled below 0: what training has much of, the
test lacks. More groups pull less, and cost the square.
Costs about 5 minutes on two CPU cores.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from options import Output, main
from rich.console import Console
from rich.progress import Progress
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from eegemo import (
    Windows,
    confidence_interval,
    evaluate,
    make_splitter,
    quadrants,
    simulate,
)
from eegemo.reporting.experiment_page import write_page
from eegemo.reporting.page import page_of

BANDS = ((4, 8), (8, 12), (12, 30), (30, 45))


@dataclass(frozen=True)
class NullCheck(Output):
    """Count how often the interval holds chance, with nothing to find and with much."""

    effects: tuple[float, ...] = (0.0, 0.6)
    """Change of a rhythm's log-amplitude with a rating of one standard deviation."""
    protocols: tuple[str, ...] = ("window-random", "trial", "subject", "stimulus", "subject-stimulus")
    """Protocols by name."""
    seeds: tuple[int, ...] = tuple(range(10))
    """Each gives other people, splits and trees."""
    subjects: int = 8
    """Simulated people for each seed."""
    channels: tuple[str, ...] = ("F3", "F4", "T7", "T8", "P3", "P4", "O1", "O2")
    """Channels by name."""
    n_splits: int = 4
    """Folds; 2 x 2 under subject-stimulus."""
    n_jobs: int = -1
    """Folds at a time; -1 is as many as there are cores."""
    out: Path = Path("results/null_check")
    """Where the page goes."""


def log_band_power(windows: Windows) -> np.ndarray:
    """Return the log power of each band and channel, shape (n_windows, n_bands * n_channels)."""
    spectrum = np.abs(np.fft.rfft(windows.to_numpy())) ** 2
    freqs = np.fft.rfftfreq(windows.n_times, 1 / windows.sfreq)
    powers = [spectrum[..., (freqs >= low) & (freqs < high)].mean(axis=-1) for low, high in BANDS]
    return np.log(np.concatenate(powers, axis=1))


def fast_model(seed: int) -> Pipeline:
    """Make the classifier."""
    trees = ExtraTreesClassifier(100, min_samples_leaf=2, random_state=seed)
    return make_pipeline(FunctionTransformer(log_band_power), trees)


def run(config: NullCheck, console: Console | None = None) -> pd.DataFrame:
    """Run everything; return the table."""
    console = console or Console()
    rows, seconds = [], 0.0
    with Progress(console=console) as progress:
        total = progress.add_task(
            "effects x seeds x protocols", total=len(config.effects) * len(config.seeds) * len(config.protocols)
        )
        for effect in config.effects:
            for seed in config.seeds:
                trials = simulate(config.subjects, effect=effect, channels=config.channels, random_state=seed)
                windows = trials.windows(2.0, 2.0)
                for protocol in config.protocols:
                    n_splits = 2 if protocol == "subject-stimulus" else config.n_splits
                    splitter = make_splitter(protocol, n_splits=n_splits, random_state=seed)
                    result = evaluate(
                        fast_model(seed), windows, quadrants(), splitter, n_jobs=config.n_jobs, progress=progress
                    )
                    interval = confidence_interval(result, "kappa")
                    seconds += result.provenance["seconds"]
                    rows.append(
                        {
                            "effect": effect,
                            "protocol": protocol,
                            "seed": seed,
                            "kappa": interval.estimate,
                            "low": interval.low,
                            "high": interval.high,
                            "shared trial": result.leakage.trial,
                        }
                    )
                    progress.update(total, advance=1)
    runs = pd.DataFrame(rows)
    table = summary(runs)
    write(config, table, runs, seconds)
    console.print(table.to_string(index=False))
    return table


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Count, for each effect and protocol, the simulations whose interval holds 0, or lies above it."""
    rows = []
    for (effect, protocol), own in runs.groupby(["effect", "protocol"], sort=False):
        rows.append(
            {
                "effect": effect,
                "protocol": protocol,
                "simulations": len(own),
                "interval holds chance": int(((own["low"] <= 0) & (own["high"] >= 0)).sum()),
                "interval above chance": int((own["low"] > 0).sum()),
                "mean kappa": own["kappa"].mean(),
                "lowest kappa": own["kappa"].min(),
                "highest kappa": own["kappa"].max(),
                "test windows that share a trial": own["shared trial"].mean(),
            }
        )
    return pd.DataFrame(rows)


def write(config: NullCheck, table: pd.DataFrame, runs: pd.DataFrame, seconds: float) -> None:
    """Write the table, the figure, the page and the provenance."""
    title = "Does the interval over people hold chance where there is nothing to find?"
    note = (
        f"SIMULATED data: {config.subjects} people for each of {len(config.seeds)} seeds; nobody was recorded, and no "
        "number here is a result about people. Windows of 2 s, log band power, extremely randomised trees. Kappa is "
        "the mean over people, 0 at chance; 95 % interval."
    )
    page = page_of(
        run,
        config,
        title=title,
        question="Where there is nothing to find, does an honest protocol say so?",
        answer=answer(table),
        seconds=seconds,
        tables=[("null", title, table), ("folds", "Every simulation", runs)],
        figures=[("null", "kappa of every simulation", draw(runs, note))],
    )
    write_page(page, note, {"simulated": True})


def answer(table: pd.DataFrame) -> str:
    """Say how often the interval holds chance with nothing to find, and lies above it with much."""
    counts = []
    for effect, own in table.groupby("effect", sort=False):
        column = "interval above chance" if effect else "interval holds chance"
        shown = ", ".join(f"{row['protocol']} {row[column]} of {row['simulations']}" for _, row in own.iterrows())
        counts.append(f"with an effect of {effect:g} the {column}: {shown}")
    return f"Counting simulations, {'; '.join(counts)}."


def draw(runs: pd.DataFrame, note: str) -> Figure:
    """Draw the interval of every simulation, a panel for each effect."""
    effects = list(dict.fromkeys(runs["effect"]))
    protocols = list(dict.fromkeys(runs["protocol"]))
    figure = Figure(figsize=(10, 4.8), layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, len(effects), sharey=True))
    for ax, effect in zip(axes, effects, strict=True):
        for x, protocol in enumerate(protocols):
            own = runs[(runs["effect"] == effect) & (runs["protocol"] == protocol)]
            positions = x + np.linspace(-0.3, 0.3, len(own))
            reach = [own["kappa"] - own["low"], own["high"] - own["kappa"]]
            colour = "#D55E00" if own["shared trial"].mean() > 0 else "#0072B2"
            ax.errorbar(positions, own["kappa"], yerr=reach, fmt="o", markersize=3.5, capsize=2, color=colour)
        ax.axhline(0, color="#666666", linestyle=":")
        ax.set_xticks(range(len(protocols)), protocols, rotation=20)
        ax.set_title(f"SIMULATED DATA · effect {effect:g}" + (": nothing to find" if effect == 0 else ""), fontsize=11)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("Cohen's kappa, 95 % interval")
    figure.supxlabel(f"A mark a simulation; red leaks. {note}", fontsize=7, color="#444444", wrap=True)
    return figure


if __name__ == "__main__":
    main(NullCheck, run)
