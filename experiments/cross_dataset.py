"""Between datasets: models trained on people of one laboratory, tested on those of another.

Each dataset is brought to the channels, rate, band and reference that all of them can have, and labelled by its own
scale. Three questions, the same models: new people of the same dataset (``subject``, five folds); trained on one
dataset and tested on another; trained on all others. Between datasets nothing is shared, neither a person nor a
stimulus nor an amplifier. ``--zscore-subjects`` takes out what is each person's own over all of their trials; no label
is used, but it is transductive, and every table says so.

Between DEAP and SEED it was studied by Lan et al. (2019, doi:10.1109/TCDS.2018.2826840), who adapt one to the other;
the paper that is reproduced here names other datasets as its future work.
Expected on the simulated data: a little above chance within and between datasets, since all of them hold the same small
effect; each person's own rhythms are what stands in the way.
Costs at most 15 minutes on two CPU cores, one and a half of them to simulate.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from options import Options, main
from rich.console import Console

from eegemo import (
    ConfigError,
    LabelScheme,
    Results,
    Trials,
    Windows,
    combine_datasets,
    concatenate,
    confidence_interval,
    load,
    make_splitter,
    simulate,
    write_simulated_release,
    zscore_subjects,
)
from eegemo.datasets import dataset, recognise
from eegemo.datasets.simulated import DEFAULT_EFFECT, DEFAULT_SEED
from eegemo.evaluation import Splitter
from eegemo.reporting.experiment_page import without_repetition, write_page
from eegemo.reporting.page import page_of
from eegemo.reporting.statements import statement

#: What is simulated, beside DEAP, where no recordings are given.
SIMULATED = ("dreamer", "amigos")
OTHERS = "all others"
N_FOLDS = 5
N_SMOKE = 3  # people
VALIDATION = 1  # person of a dataset, in each fold


@dataclass(frozen=True)
class CrossDataset(Options):
    """Train on one dataset and test on another."""

    data: tuple[str, ...] = ()
    """Recordings as NAME=FOLDER, such as DEAP=/data/deap, which are recognised by their files; simulated by default."""
    labels: tuple[str, ...] = ("valence",)
    """What they are labelled by: of each dataset the first of these that it has a rule for. Classes must be the same:
    valence, arousal or quadrants; quadrants emotion with GAMEEMO; valence_class emotion of FACED and SEED."""
    models: tuple[str, ...] = ("logistic-regression", "riemann", "cnn-gru")
    """Models by name."""
    zscore_subjects: bool = False
    """Z-score every person over all of their trials, test data included (transductive)."""
    n_people: int = 5
    """Simulated people of each dataset."""
    effect: float = DEFAULT_EFFECT
    """How much the simulated EEG knows of the ratings."""
    window: float = 4.0
    """Length of a window in seconds."""
    step: float = 4.0
    """Seconds between the starts of two windows."""
    seed: int = DEFAULT_SEED
    """Of the simulated people, the splits and the models."""
    cache: Path | None = None
    """Where prepared recordings are kept; the platform's cache folder by default."""
    out: Path = Path("results/cross_dataset")
    """Where the page goes; finished folds are kept in its folder runs/, and taken up again."""

    @property
    def protocols(self) -> tuple[str, ...]:
        """The protocols of the three questions."""
        return ("subject", "dataset")


def run(config: CrossDataset, console: Console | None = None) -> list[Results]:
    """Run every model within each dataset, between each two of them, and on all others; write the page."""
    trials, scheme = recordings(config)
    if config.zscore_subjects:
        trials = zscore_subjects(trials)
    models = config.named(config.models)
    results: list[Results] = []
    folds: list[pd.DataFrame] = []
    for windows, splitter in tasks(config, trials):
        own = config.benchmark(models, windows, scheme, [splitter], console=console)
        of = " + ".join(dict.fromkeys(windows.trials.table["dataset"]))
        scores = concatenate([*own, *own[0].baselines]).query("part == 'test' and level == 'window'")
        folds.append(scores.assign(datasets=of))
        results += own
    cells = pd.DataFrame([cell for result in results for cell in cells_of(result)])
    answer, headline = answer_of(cells)
    page = page_of(
        run,
        config,
        title="Between datasets",
        question="What is left of a score where the people, the stimuli and the laboratory are new?",
        answer=answer,
        headline=headline,
        tables=[
            ("matrix", "Macro-F1 of windows, mean over the people tested on [95 % interval]", table_of(cells)),
            ("folds", "Scores of the windows that each fold is tested on", pd.concat(folds, ignore_index=True)),
        ],
        figures=[("matrix", "macro-F1 within datasets (on the diagonal) and between them", draw(cells, trials))],
        seconds=sum(result.provenance["seconds"] for result in results),
    )
    runs = [{key: value for key, value in result.provenance.items() if key != "data"} for result in results]
    provenance = {"simulated": trials.simulated, "smoke": config.smoke, "data": trials.provenance}
    # The last ones are of all datasets, so that all of their people are counted.
    write_page(page, statement(results[::-1]), {**provenance, **without_repetition(runs)})
    console = console or Console()
    console.print(f"{answer} Tables and figures: {page.folder / 'README.md'}", markup=False)
    return results


def recordings(config: CrossDataset) -> tuple[Trials, LabelScheme]:
    """Put the datasets together, or three that are simulated where none is given."""
    if config.data:
        if config.effect != DEFAULT_EFFECT:
            raise ConfigError(f"--effect {config.effect:g} is of simulated people alone; leave it out with --data.")
        parts = {}
        for given in config.data:
            name, separator, folder = given.partition("=")
            if not separator or name in parts:
                raise ConfigError(f"--data takes NAME=FOLDER, each name once, such as DEAP=/data/deap; got {given!r}.")
            parts[name] = (load(folder, cache=config.cache), rule_of(recognise(folder), config.labels))
        return combine_datasets(parts)
    rules = {name: rule_of(name, config.labels) for name in ("deap", *SIMULATED)}
    n_people = N_SMOKE if config.smoke else config.n_people
    deap = simulate(n_people, effect=config.effect, random_state=config.seed)
    parts = {"DEAP": (deap, rules["deap"])}
    with tempfile.TemporaryDirectory() as written:
        for name in SIMULATED:
            place = Path(written) / name
            write_simulated_release(place, name, n_people, effect=config.effect, random_state=config.seed)
            parts[dataset(name).name] = (load(place, cache=Path(written) / "cache"), rules[name])
        return combine_datasets(parts)


def rule_of(name: str, wanted: Sequence[str]) -> LabelScheme:
    """Return the first rule of the dataset that is wanted, whatever its threshold."""
    rules = {scheme.name.partition(">")[0]: scheme for scheme in dataset(name).schemes}
    own = [rules[label] for label in wanted if label in rules]
    if not own:
        raise ConfigError(
            f"{dataset(name).name} has no rule for {' or '.join(map(repr, wanted))}, but for {', '.join(rules)}; "
            "choose with --labels."
        )
    return own[0]


def tasks(config: CrossDataset, trials: Trials) -> Iterator[tuple[Windows, Splitter]]:
    """Give windows and splitter of each question: within a dataset, between two, and on all others."""
    of = trials.table["dataset"]
    names = list(dict.fromkeys(of))
    between = make_splitter("dataset", n_splits="leave-one-out", random_state=config.seed)
    for name in names:
        n_people = trials.table["subject"][of == name].nunique()
        within = make_splitter(
            "subject", n_splits=min(N_FOLDS, n_people), validation_size=VALIDATION / n_people, random_state=config.seed
        )
        yield trials.select(of == name).windows(config.window, config.step), within
    for some in dict.fromkeys([*combinations(names, 2), tuple(names)]):
        yield trials.select(of.isin(some)).windows(config.window, config.step), between


def cells_of(result: Results) -> Iterator[dict[str, Any]]:
    """Score each dataset that was tested on, with what was trained on and the best classifier without EEG."""
    dataset_of = result.table["dataset"]
    names = list(dict.fromkeys(dataset_of))
    parts = [result.folds] if len(names) == 1 else [(fold,) for fold in result.folds]
    for folds in parts:
        tested_on = dataset_of.iloc[folds[0].test[0]]
        others = [name for name in names if name != tested_on]
        own = replace(result, folds=tuple(replace(fold, number=number) for number, fold in enumerate(folds)))
        interval = confidence_interval(own, "macro_f1")
        yield {
            "model": result.model,
            "trained on": tested_on if not others else others[0] if len(others) == 1 else OTHERS,
            "tested on": tested_on,
            "macro-F1": interval.estimate,
            "shown": str(interval) + own.model_label.removeprefix(own.model),  # with the folds that collapsed
            "no EEG": max(float(one.of_subjects()["macro_f1"].mean()) for one in own.baselines),
        }


def table_of(cells: pd.DataFrame) -> pd.DataFrame:
    """Lay the cells out: a row for each model and dataset trained on, a column for each tested on."""
    rows = cells.pivot_table(index=["model", "trained on"], columns="tested on", values="shown", aggfunc="first")
    without = cells.pivot_table(index="trained on", columns="tested on", values="no EEG", aggfunc="max")
    shown = without.map(lambda value: "" if np.isnan(value) else f"{value:.3f}")
    shown.index = pd.MultiIndex.from_tuples([("no EEG: the best", name) for name in shown.index])
    return pd.concat([rows, shown]).fillna("").rename_axis(index=["model", "trained on"]).reset_index()


def answer_of(cells: pd.DataFrame) -> tuple[str, str]:
    """Say what is left between datasets, of every model, and in short of the best one."""
    within = cells[cells["trained on"] == cells["tested on"]].groupby("model", sort=False)["macro-F1"].mean()
    others = cells[(cells["trained on"] != cells["tested on"]) & (cells["trained on"] != OTHERS)]
    between = others.groupby("model", sort=False)["macro-F1"].mean()
    without, best = others["no EEG"].mean(), str(between.idxmax())
    parts = [
        f"{model} {within[model]:.3f} on new people of the same dataset and {between[model]:.3f} on another one"
        for model in map(str, within.index)
    ]
    answer = f"Macro-F1, mean over the datasets: {'; '.join(parts)}; the best answer without EEG {without:.3f} there."
    return answer, (
        f"Macro-F1 {within[best]:.2f} on new people of the same dataset, {between[best]:.2f} on another one, and there "
        f"{without:.2f} without EEG"
    )


def draw(cells: pd.DataFrame, trials: Trials) -> Figure:
    """Draw what was trained on against what was tested on, for each model."""
    models, names = list(dict.fromkeys(cells["model"])), list(dict.fromkeys(trials.table["dataset"]))
    rows = [*names, *([OTHERS] if len(names) > 2 else [])]
    figure = Figure(figsize=(3.6 * len(models) + 1.2, 0.8 * len(rows) + 1.8), layout="constrained")
    axes = np.ravel(figure.subplots(1, len(models), sharey=True))
    for ax, model in zip(axes, models, strict=True):
        own = cells[cells["model"] == model].set_index(["trained on", "tested on"])["macro-F1"]
        values = np.array([[own.get((row, name), np.nan) for name in names] for row in rows])
        image = ax.imshow(values, vmin=0, vmax=1, cmap="viridis", aspect="auto")
        for (row, column), value in np.ndenumerate(values):
            if not np.isnan(value):
                colour = "white" if value < 0.6 else "black"
                ax.text(column, row, f"{value:.2f}"[1:], ha="center", va="center", color=colour)
        ax.set(title=model, xlabel="tested on", xticks=range(len(names)), xticklabels=names, yticks=range(len(rows)))
        ax.set_yticklabels(rows)
    axes[0].set_ylabel("trained on")
    figure.colorbar(image, ax=axes, label="macro-F1, windows", shrink=0.8)
    figure.suptitle(f"{'SIMULATED DATA · ' if trials.simulated else ''}Within datasets (diagonal) and between them")
    return figure


if __name__ == "__main__":
    main(CrossDataset, run)
