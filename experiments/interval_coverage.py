"""Do the intervals and tests hold what they say? Counted in worlds whose true means are known.

A world is features of people who were shown the same 40 stimuli, one trial each: a fingerprint of the person, what the
stimulus does to everybody, and noise; a linear discriminant analysis is trained on them under the package's own
protocols, and its predictions go through the package's own scores, intervals and tests.

* *independent*: labels know nothing but how each person tends to rate;
* *of the stimulus*: people mostly agree on a stimulus, which the features of another stimulus do not tell;
* *of the person*: people rate so differently that some have few trials of a class;
* *planted*: features know the label, of some people and stimuli more than of others.

The true mean is the mean over all worlds of a kind: with new people, and with new stimuli where the protocol tests
these. Where it knows the stimuli, they are taken as fixed, eight sets of them, and each set has its own mean. A false
positive is a pair of equally good models that is called different at 5 %, or predictions without knowledge whose p is
5 % or less (of labels dealt anew; where stimuli are known and rated alike, recognising them is knowledge, and that is
left blank). Beside them stand what the package used before: percentiles of people resampled, and Wilcoxon's test.

Expected: the interval of kappa between 92.5 % and nearly 100 %, but less where there is an effect and four people, of
whom three are trained on, or where people and stimuli are both held out, so that half of each are trained on: how much
training then varies cannot be seen from one training. Accuracy and macro-F1, which follow the class that models lean
to, lower. Percentiles of people resampled hold the mean in as little as 60 % where people agree on new stimuli; the
t-test over folds, which ``kfold`` prints, calls up to a fifth of equal models different.
Costs about 4 minutes on two CPU cores.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from options import Output, main
from rich.console import Console
from rich.progress import Progress
from scipy import stats
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from eegemo.evaluation.blocks import blocks_of
from eegemo.evaluation.comparisons import resampled_ttest
from eegemo.evaluation.jackknife import Jackknife, leave_each_out
from eegemo.evaluation.metrics import LEADING_METRICS, from_confusions, metric_name
from eegemo.evaluation.permutation import dealt_labels
from eegemo.evaluation.protocols import PROTOCOLS
from eegemo.evaluation.splitter import make_splitter
from eegemo.reporting.experiment_page import write_page
from eegemo.reporting.page import page_of

WORLDS = ("independent", "of the stimulus", "of the person", "planted")
N_STIMULI, N_FEATURES, N_SETS = 40, 6, 8
ALPHA = 0.05
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")


@dataclass(frozen=True)
class Coverage(Output):
    """Count how often intervals hold the true mean, and how often tests find what is not there."""

    subjects: tuple[int, ...] = (4, 8, 16, 32)
    """People in a world."""
    protocols: tuple[str, ...] = ("trial", "subject", "stimulus", "subject-stimulus")
    """Protocols by name."""
    n_worlds: int = 320
    """Worlds of each kind, size and protocol; a multiple of eight."""
    n_jobs: int = -1
    """Kinds of worlds at a time; -1 is as many as there are cores."""
    out: Path = Path("results/interval_coverage")
    """Where the page goes."""
    smoke: bool = False
    """A quick run of 16 worlds each, to see that everything works; its numbers mean nothing."""


@dataclass(frozen=True)
class Stimuli:
    """What 40 stimuli do: to ratings, to the features of everybody, and to how much features know of the label."""

    liked: np.ndarray
    features: np.ndarray
    effect: np.ndarray


def draw_stimuli(rng: np.random.Generator) -> Stimuli:
    """Draw what the stimuli do."""
    return Stimuli(rng.normal(size=N_STIMULI), rng.normal(size=(N_STIMULI, N_FEATURES)), rng.normal(size=N_STIMULI))


@dataclass(frozen=True)
class Trials:
    """Whose each trial is, what was shown, and its class."""

    subject: np.ndarray
    stimulus: np.ndarray
    y: np.ndarray

    @property
    def groups(self) -> pd.DataFrame:
        """What the protocols keep whole."""
        return pd.DataFrame({"subject": self.subject, "trial": np.arange(len(self.y)), "stimulus": self.stimulus})


def draw_trials(world: str, n_people: int, stimuli: Stimuli, rng: np.random.Generator) -> Trials:
    """Draw people and what they rate high."""
    subject, stimulus = np.repeat(np.arange(n_people), N_STIMULI), np.tile(np.arange(N_STIMULI), n_people)
    tendency = rng.normal(0, 1.5 if world == "of the person" else 0.5, n_people)
    rating = tendency[subject] + rng.normal(size=len(subject))
    if world == "of the stimulus":
        rating = 0.7 * rating + 1.5 * stimuli.liked[stimulus]
    elif world == "planted":
        rating += 0.7 * stimuli.liked[stimulus]
    return Trials(subject, stimulus, (rating > 0).astype(int))


def draw_features(world: str, trials: Trials, stimuli: Stimuli, rng: np.random.Generator) -> np.ndarray:
    """Draw the features of every trial; two draws are two models' features, equally good."""
    n_people = trials.subject.max() + 1
    features = rng.normal(size=(n_people, N_FEATURES))[trials.subject] + 0.7 * stimuli.features[trials.stimulus]
    features += rng.normal(size=features.shape)
    if world == "planted":
        effect = rng.normal(0.5, 0.25, n_people)[trials.subject] + 0.2 * stimuli.effect[trials.stimulus]
        features[:, 0] += effect * (2 * trials.y - 1)
        features[:, 1] += 0.5 * effect * (2 * trials.y - 1)
    return features


def counted(trials: Trials, features: np.ndarray, splits: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Train and test on every fold; return a confusion matrix for each trial, shape (n_trials, 2, 2)."""
    counts = np.zeros((len(trials.y), 2, 2))
    for train, test in splits:
        y = trials.y[train]
        predicted = np.full(len(test), y[0])
        if len(np.unique(y)) > 1:
            predicted = LinearDiscriminantAnalysis().fit(features[train], y).predict(features[test])
        counts[test, trials.y[test], predicted] = 1
    return counts


def carry_out(world: str, n_people: int, protocol: str, number: int, stimuli: Stimuli | None) -> dict[str, Any]:
    """Evaluate two equal models in one world; return their scores, intervals and tests."""
    rng = np.random.default_rng([number, n_people, WORLDS.index(world), list(PROTOCOLS).index(protocol)])
    new_stimuli = stimuli is None
    stimuli = draw_stimuli(rng) if stimuli is None else stimuli
    trials = draw_trials(world, n_people, stimuli, rng)
    n_splits = 2 if protocol == "subject-stimulus" else 4
    splitter = make_splitter(protocol, n_splits=n_splits, validation_size=0, random_state=number)
    splits = list(splitter.split(trials.y, trials.y, trials.groups))
    models = [counted(trials, draw_features(world, trials, stimuli, rng), splits) for _ in range(2)]
    name, unit = ("stimuli", trials.stimulus) if new_stimuli else ("trials", np.arange(len(trials.y)))
    found: dict[str, Any] = {}
    for metric in LEADING_METRICS:
        one, other = (
            leave_each_out(counts, np.zeros(len(counts)), trials.subject, unit, metric, name=name) for counts in models
        )
        found[metric] = one.estimate, *one.interval(1 - ALPHA)
        found[f"{metric} differs"] = (one - other).p <= ALPHA
        if metric == "kappa":
            scores, others = of_people(one), of_people(other)
            found["resampled"] = one.estimate, *resampled(scores, rng)
            found["wilcoxon"] = np.any(scores != others) and stats.wilcoxon(scores - others).pvalue <= ALPHA
    over_folds = [
        np.subtract(*(from_confusions(counts[test].sum(axis=0), "macro_f1") for counts in models)) for _, test in splits
    ]
    ratio = float(np.mean([len(test) / len(train) for train, test in splits]))
    found["over folds"] = resampled_ttest(np.array(over_folds), ratio).p <= ALPHA
    blocks = blocks_of(trials.subject, np.arange(len(trials.y)), trials.y)
    found["dealt"] = dealt_labels(models[0], blocks, trials.stimulus, "macro_f1", 39, number).p <= ALPHA
    return found


def of_people(jackknife: Jackknife) -> np.ndarray:
    """Return the people's scores, from the mean without each."""
    without = jackknife.without["subjects"]
    return len(without) * jackknife.estimate - (len(without) - 1) * without


def resampled(scores: np.ndarray, rng: np.random.Generator, n_resamples: int = 999) -> tuple[float, float]:
    """Return percentiles of the mean over people resampled, widened for few (Hesterberg 2015)."""
    n = len(scores)
    level = stats.norm.cdf(np.sqrt(n / (n - 1)) * stats.t.ppf(ALPHA / 2, n - 1))
    means = scores[rng.integers(0, n, (n_resamples, n))].mean(axis=1)
    low, high = np.quantile(means, [level, 1 - level])
    return float(low), float(high)


def count(world: str, n_people: int, protocol: str, n_worlds: int) -> dict[str, Any]:
    """Count, over many worlds of one kind, what intervals hold and tests find; return a row of the table."""
    new_stimuli = PROTOCOLS[protocol].holds_out_stimuli
    sets = [None] if new_stimuli else [draw_stimuli(np.random.default_rng([99, n])) for n in range(N_SETS)]
    of_sets = [
        [carry_out(world, n_people, protocol, number * len(sets) + k, own) for number in range(n_worlds // len(sets))]
        for k, own in enumerate(sets)
    ]
    everything = [found for of_set in of_sets for found in of_set]
    row: dict[str, Any] = {"protocol": protocol, "labels": world, "people": n_people}
    row["mean kappa"] = float(np.mean([found["kappa"][0] for found in everything]))
    for metric in (*LEADING_METRICS, "resampled"):
        held = []
        for of_set in of_sets:
            estimates, low, high = np.array([found[metric] for found in of_set]).T
            held += list((low <= estimates.mean()) & (estimates.mean() <= high))
        row[f"{metric_name(metric)} held"] = float(np.mean(held))
    known = world in ("independent", "of the person") or (world == "of the stimulus" and new_stimuli)
    for name in (*(f"{metric} differs" for metric in LEADING_METRICS), "wilcoxon", "over folds"):
        row[name.replace("_f1", "-F1").replace("_", " ")] = float(np.mean([found[name] for found in everything]))
    row["dealt"] = float(np.mean([found["dealt"] for found in everything])) if known else np.nan
    return row


def run(config: Coverage, console: Console | None = None) -> pd.DataFrame:
    """Count everything; return a row for each kind of worlds."""
    console = console or Console()
    n_worlds = 16 if config.smoke else config.n_worlds
    jobs = [
        (world, n_people, protocol, n_worlds)
        for protocol in config.protocols
        for world in WORLDS
        for n_people in config.subjects
    ]
    rows = []
    with Progress(console=console) as progress:
        bar = progress.add_task("kinds of worlds", total=len(jobs))
        for row in joblib.Parallel(n_jobs=config.n_jobs, return_as="generator")(
            joblib.delayed(count)(*job) for job in jobs
        ):
            rows.append(row)
            progress.update(bar, advance=1)
        seconds = progress.tasks[bar].elapsed
    table = pd.DataFrame(rows)
    write(config, table, n_worlds, float(seconds or 0))
    console.print(answer(table))
    return table


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Give the least and the greatest share that any kind of world has, under each protocol."""
    shares = [column for column in table if column not in ("protocol", "labels", "people", "mean kappa")]
    names = {"resampled held": "kappa held by people resampled", "dealt": "p of labels dealt anew below .05"}
    names |= {"wilcoxon": "kappa differs, by Wilcoxon", "over folds": "macro-F1 differs, over folds"}
    rows = []
    for share in shares:
        row = {"share of worlds": names.get(str(share), str(share))}
        for protocol, own in table.groupby("protocol", sort=False):
            row[str(protocol)] = f"{own[share].min():.3f} to {own[share].max():.3f}"
        rows.append(row)
    return pd.DataFrame(rows)


def answer(table: pd.DataFrame) -> str:
    """Say in two sentences what was counted."""
    shares = table.drop(columns=["protocol", "labels", "people"])
    few = table.sort_values("kappa held").iloc[0]
    least, most = ({name: f"{value:.1%}" for name, value in ends.items()} for ends in (shares.min(), shares.max()))
    return (
        f"The 95 % interval of kappa holds the true mean in {least['kappa held']} to {most['kappa held']} of worlds of "
        f"one kind (least under {few['protocol']}, labels {few['labels']}, {few['people']} people), that of macro-F1 "
        f"in {least['macro-F1 held']} to {most['macro-F1 held']}; percentiles of people resampled hold kappa's in "
        f"{least['resampled held']} to {most['resampled held']}. Equal models are called different in kappa in at most "
        f"{most['kappa differs']}, by Wilcoxon's test in up to {most['wilcoxon']}."
    )


def write(config: Coverage, table: pd.DataFrame, n_worlds: int, seconds: float) -> None:
    """Write page, figure and provenance."""
    smoke = "SMOKE RUN: its numbers mean nothing. " * config.smoke
    note = (
        f"{smoke}SIMULATED features of people and stimuli, {n_worlds} worlds of each kind; nobody was recorded, and no "
        "number here is a result about people. A share of .95 has a standard error of "
        f"{(0.95 * 0.05 / n_worlds) ** 0.5:.3f}."
    )
    page = page_of(
        run,
        config,
        title="Do the intervals and tests hold what they say?",
        question="How often does a 95 % interval hold the true mean, and a test find what is not there?",
        answer=answer(table),
        lead=("Share of worlds, least to greatest over kinds of labels and numbers of people", summary(table)),
        seconds=seconds,
        tables=[("folds", "Every kind of world", table)],
        figures=[("coverage", "how often the intervals of kappa hold the true mean", draw(table, note))],
    )
    write_page(page, note, {"simulated": True, "smoke": config.smoke})


def draw(table: pd.DataFrame, note: str) -> Figure:
    """Draw the coverage of kappa over the number of people, a panel a protocol, a colour a kind of labels."""
    protocols = list(dict.fromkeys(table["protocol"]))
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    for ax, protocol in zip(np.atleast_1d(figure.subplots(1, len(protocols), sharey=True)), protocols, strict=True):
        ax.axhspan(0.925, 0.99, color="#EEEEEE", zorder=0)
        ax.axhline(0.95, color="#999999", linewidth=0.8, zorder=1)
        for colour, (world, own) in zip(
            COLOURS, table[table["protocol"] == protocol].groupby("labels", sort=False), strict=True
        ):
            people = own["people"].astype(str)
            ax.plot(people, own["kappa held"], "o-", color=colour, markersize=4, label=f"labels {world}")
            ax.plot(people, own["resampled held"], "x:", color=colour, markersize=4)
        ax.set_title(protocol, fontsize=10)
        ax.set_xlabel("people")
        ax.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("share of worlds whose 95 % interval\nholds the true mean kappa")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False, fontsize=8)
    text = f"Solid: the package's interval. Dotted: percentiles of people resampled. {note}"
    figure.supxlabel("\n".join(textwrap.wrap(text, 150)), fontsize=7)
    return figure


if __name__ == "__main__":
    main(Coverage, run)
