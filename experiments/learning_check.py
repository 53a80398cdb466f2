"""Do the networks learn, as they come, whoever was recorded and however badly? Seeds, normalisations, faults, sizes.

Every network with its defaults, windows of 1 s split at random (80:10:10), accuracy on the third part. The split leaks:
what is measured is whether a network learns what extremely randomised trees on differential entropy learn at once, not
whether it reads emotions (for that: ``real_emotion.py``).

* **Real people**: DASPS (four quadrants) and eegmat (rest or arithmetic), windows every 0.25 s, three seeds.
* **Normalisations**: every one that is offered, on both sets, one seed.
* **Faults**, on DASPS: one channel flat; one channel of noise 50 times louder; a pop of 5 mV in one trial of a hundred;
  an offset of 4200 uV; microvolts given as volts, which the classifier warns of.
* **Sizes**: 1, 8 and 32 simulated people, windows every 0.25 s (every 1 s for 32).

Expected: every network at or above the trees less .02 on both sets; no network that answers one class; a fault costs
less than .05; sizes need no other settings.
Costs 1 to 2 hours on two CPU cores, and 4 GB of memory for 32 people.
"""

from __future__ import annotations

import json
import textwrap
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from options import Output, main, real_sets_folder
from rich.console import Console
from rich.progress import Progress

from eegemo import (
    EEGClassifier,
    LabelScheme,
    Trials,
    categories,
    load_dasps,
    load_eegmat,
    make_model,
    make_splitter,
    quadrants,
    simulate,
)
from eegemo._atomic import replacing
from eegemo.datasets.eegmat import TASKS
from eegemo.evaluation.provenance import code_hash, hash_json, syntax
from eegemo.networks import NETWORKS
from eegemo.reporting.experiment_page import write_page
from eegemo.reporting.page import page_of

TREES = "extra-trees"
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DASPS, EEGMAT = "DASPS", "eegmat"
NORMALIZATIONS: dict[str, dict[str, Any]] = {
    f"{method} over {over}": {"normalization": method, "normalize_over": over}
    for over in ("training", "window")
    for method in ("zscore-minmax", "zscore", "minmax")
} | {"none": {"normalization": None}}


@dataclass(frozen=True)
class LearningCheck(Output):
    """Train the networks as they come on real people, faulty recordings and simulations of several sizes."""

    data: Path | None = None
    """Folder that holds dasps/ and eegmat12/; by default what EEGEMO_REAL_DATA leads to."""
    models: tuple[str, ...] = ("cnn-gru", "cnn-lstm", "tcn")
    """Networks by name."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Of the splits and the networks, on real people; the first is that of everything else."""
    sizes: tuple[int, ...] = (1, 8, 32)
    """Simulated people."""
    n_jobs: int = -1
    """Trainings at a time, each on one thread; -1 is as many as there are cores."""
    out: Path = Path("results/learning_check")
    """Where the page goes; finished trainings are kept in its folder runs/, and taken up again."""
    smoke: bool = False
    """A quick run of one epoch each, to see that everything works; its numbers mean nothing."""


@dataclass(frozen=True)
class Job:
    """One training: whose recordings, what is wrong with them, which model with which settings."""

    part: str
    dataset: str
    label: str
    model: str
    seed: int
    settings: tuple[tuple[str, Any], ...] = ()
    fault: str = "none"
    size: int = 0
    step: float = 0.25


def run(config: LearningCheck, console: Console | None = None) -> pd.DataFrame:
    """Train everything; return a row for each training."""
    console = console or Console()
    folder = real_sets_folder(config.data)
    recordings(folder, Job("", DASPS, "", "", 0))  # prepared once, before several processes ask for them
    jobs = jobs_of(config)
    code = hash_json([syntax(Path(__file__).read_text("utf-8")), code_hash(EEGClassifier)])
    kept = {job: config.out / "runs" / f"{hash_json([code, asdict(job), config.smoke])}.json" for job in jobs}
    missing = [job for job, path in kept.items() if not path.exists()]
    with Progress(console=console) as progress:
        bar = progress.add_task("trainings", total=len(jobs), completed=len(jobs) - len(missing))
        trained = joblib.Parallel(n_jobs=config.n_jobs, return_as="generator")(
            joblib.delayed(carry_out)(job, folder, config.smoke) for job in missing
        )
        for job, row in zip(missing, trained, strict=True):
            with replacing(kept[job]) as partial:
                partial.write_text(json.dumps(row), encoding="utf-8")
            progress.update(bar, advance=1)
    rows = [json.loads(path.read_text("utf-8")) for path in kept.values()]
    table = pd.DataFrame(rows)
    write(config, table, table["seconds"].sum() / joblib.effective_n_jobs(config.n_jobs))
    console.print(answer(table))
    return table


def jobs_of(config: LearningCheck) -> list[Job]:
    """List the trainings, the longest first."""
    seed, models = config.seeds[0], (*config.models, TREES)
    jobs = [
        Job("sizes", "simulated", f"{size} people", model, seed, size=size, step=0.25 if size < 32 else 1.0)
        for size in sorted(config.sizes, reverse=True)
        for model in models
    ]
    jobs += [
        Job("real people", dataset, f"seed {own}", model, own)
        for dataset in (DASPS, EEGMAT)
        for own in config.seeds
        for model in models
    ]
    jobs += [
        Job("normalisations", dataset, name, model, seed, tuple(settings.items()))
        for dataset in (DASPS, EEGMAT)
        for name, settings in NORMALIZATIONS.items()
        for model in config.models
    ]
    return jobs + [Job("faults", DASPS, fault, model, seed, fault=fault) for fault in FAULTS for model in config.models]


def recordings(folder: Path, job: Job) -> tuple[Trials, LabelScheme]:
    """Load, or simulate, whoever a training is about."""
    if job.dataset == DASPS:
        return load_dasps(folder / "dasps"), quadrants()
    if job.dataset == EEGMAT:
        return load_eegmat(folder / "eegmat12"), categories("task", TASKS)
    return quadrants().select(simulate(job.size)), quadrants()


def flat(signals: np.ndarray, trials: Trials) -> np.ndarray:
    """One electrode has no contact."""
    signals[:, 2] = 0
    return signals


def loud(signals: np.ndarray, trials: Trials) -> np.ndarray:
    """One electrode records noise, 50 times louder than EEG."""
    signals[:, 2] = 50 * signals.std() * np.random.default_rng(0).standard_normal(len(signals))
    return signals


def pops(signals: np.ndarray, trials: Trials) -> np.ndarray:
    """In one trial of a hundred the contact of an electrode jumps by 5 mV and settles within a tenth of a second."""
    rng = np.random.default_rng(0)
    for row in rng.choice(len(trials), max(1, round(0.01 * len(trials))), replace=False):
        start, n_times = trials.table.loc[row, ["start", "n_times"]]
        first = int(start) + int(rng.integers(0, n_times - 64))
        signals[first : first + 64, rng.integers(signals.shape[1])] += 5000 * np.exp(-np.arange(64) / 12.8)
    return signals


FAULTS: dict[str, Callable[[np.ndarray, Trials], np.ndarray]] = {
    "one channel flat": flat,
    "one channel of noise, 50 times louder": loud,
    "a pop of 5 mV in 1 % of trials": pops,
    "an offset of 4200 uV": lambda signals, trials: signals + np.float32(4200),
    "microvolts given as volts": lambda signals, trials: signals * np.float32(1e-6),
}


def carry_out(job: Job, folder: Path, smoke: bool) -> dict[str, Any]:
    """Train and test one model."""
    started = time.perf_counter()
    trials, scheme = recordings(folder, job)
    if job.fault != "none":
        signals = FAULTS[job.fault](trials.signals.copy(), trials)
        trials = Trials(
            signals, trials.table, trials.ch_names, trials.sfreq, trials.dataset, trials.simulated, trials.ch_types
        )
    windows = trials.windows(1.0, job.step)
    y = scheme(windows)
    splitter = make_splitter("window-random", n_splits=None, random_state=job.seed)
    train, validation, test = next(splitter.triples(windows, y))
    settings, data = dict(job.settings), {}
    if job.model in NETWORKS:
        from eegemo._keras import on_one_thread

        on_one_thread()
        settings |= {"epochs": 1} if smoke else {}
        data = {"validation_data": (windows[validation], y[validation])}
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        model = make_model(job.model, random_state=job.seed, **settings).fit(windows[train], y[train], **data)
    return {
        "part": job.part,
        "dataset": job.dataset,
        "what": job.label,
        "model": job.model,
        "seed": job.seed,
        "accuracy": model.score(windows[test], y[test]),
        "majority class": (y[test] == np.bincount(y[train]).argmax()).mean(),
        "collapse": getattr(model, "collapse_", None) or "",
        "warned of volts": any("volts" in str(one.message) for one in said),
        "seconds": time.perf_counter() - started,
    }


def side_by_side(table: pd.DataFrame, part: str) -> pd.DataFrame:
    """Put the models of one part side by side: a row for what was tried, a column for each model."""
    own = table[table["part"] == part]
    rows = []
    for (dataset, what), tried in own.groupby(["dataset", "what"], sort=False):
        row: dict[str, Any] = {"recordings": dataset, "what": what, "majority class": tried["majority class"].iloc[0]}
        for _, fit in tried.iterrows():
            row[fit["model"]] = f"{fit['accuracy']:.3f}" + " (collapsed)" * bool(fit["collapse"])
        if tried["warned of volts"].any():
            row["what"] = f"{what} (warned of)"
        rows.append(row)
    return pd.DataFrame(rows).fillna("")


def answer(table: pd.DataFrame) -> str:
    """Say in a few sentences what was found."""
    networks, real = table[table["model"] != TREES], table[table["part"] == "real people"]
    gaps = []
    for dataset, own in real.groupby("dataset", sort=False):
        means = own.groupby("model")["accuracy"].mean()
        gaps.append(
            f"on {dataset} the trees reach {means[TREES]:.3f}, the networks {means.drop(TREES).min():.3f} or more"
        )
    collapsed = int((networks["collapse"] != "").sum())
    reference = real[(real["dataset"] == DASPS) & (real["what"] == f"seed {real['seed'].iloc[0]}")]
    sound = reference.set_index("model")["accuracy"]
    faults = table[(table["part"] == "faults") & ~table["warned of volts"]]
    cost = (sound[faults["model"]].to_numpy() - faults["accuracy"].to_numpy()).max()
    return (
        f"Mean over {real['seed'].nunique()} seeds: {'; '.join(gaps)}. Of {len(networks)} trainings of networks "
        f"{collapsed} collapsed. The worst fault costs {cost:.3f}."
    )


def write(config: LearningCheck, table: pd.DataFrame, seconds: float) -> None:
    """Write tables, page and provenance."""
    smoke = "SMOKE RUN: its numbers mean nothing. " * config.smoke
    note = (
        f"{smoke}Real recordings (DASPS, eegmat), but where SIMULATED is said. Accuracy on the test part of a random "
        "split of windows, which share trials and samples with training: it LEAKS, and says how well windows are "
        "recognised, not emotions."
    )
    titles = {
        "real people": "Real people, three seeds",
        "normalisations": "Every normalisation that is offered",
        "faults": "Faulty recordings (DASPS)",
        "sizes": "SIMULATED people, by their number",
    }
    tables = [(part.replace(" ", "_"), title, side_by_side(table, part)) for part, title in titles.items()]
    page = page_of(
        run,
        config,
        title="Do the networks learn, as they come? Seeds, normalisations, faults, sizes",
        question="Do the networks learn, as they come, whoever was recorded and however badly?",
        answer=answer(table),
        seconds=seconds,
        tables=[*tables, ("folds", "Every training", table)],
        figures=[("accuracies", "accuracy of every training", draw(table, note))],
    )
    write_page(page, note, {"simulated": False, "smoke": config.smoke})


def draw(table: pd.DataFrame, note: str) -> Figure:
    """Draw the accuracy of every training, a panel a part, a mark a model."""
    parts = list(dict.fromkeys(table["part"]))
    rows = {
        part: list(dict.fromkeys(zip(own["dataset"], own["what"], strict=True))) for part, own in table.groupby("part")
    }
    figure = Figure(figsize=(9, 2.2 + 0.24 * sum(map(len, rows.values()))), layout="constrained")
    panels = figure.subplots(len(parts), 1, sharex=True, height_ratios=[len(rows[part]) + 1 for part in parts])
    marks = dict(zip(dict.fromkeys(table["model"]), ("o", "s", "^", "D", "v", "P"), strict=False))
    for ax, part in zip(np.atleast_1d(panels), parts, strict=True):
        own = table[table["part"] == part]
        for number, (model, mark) in enumerate(marks.items()):
            fits = own[own["model"] == model]
            y = [rows[part].index(key) for key in zip(fits["dataset"], fits["what"], strict=True)]
            ax.plot(fits["accuracy"], y, mark, color=COLOURS[number], markersize=5, alpha=0.85, label=model)
        ax.set_yticks(range(len(rows[part])), [f"{dataset}, {what}" for dataset, what in rows[part]], fontsize=7)
        ax.set_ylim(len(rows[part]) - 0.4, -0.6)
        ax.set_title(part, fontsize=9, loc="left")
        ax.grid(axis="x", color="#DDDDDD")
        ax.spines[["top", "right"]].set_visible(False)
    ax.set(xlabel="accuracy of windows", xlim=(None, 1.01))
    handles = dict(zip(*reversed(np.atleast_1d(panels)[0].get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside right upper", frameon=False, fontsize=8)
    figure.suptitle("Accuracy of every training: a mark a seed", fontsize=11)
    figure.supxlabel("\n".join(textwrap.wrap(note, 130)), fontsize=7, color="#444444")
    return figure


if __name__ == "__main__":
    main(LearningCheck, run)
