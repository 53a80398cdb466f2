"""LibEER's honest table beside ours: its tasks, for the datasets and the models that both have.

LibEER (Liu et al. 2024, arXiv:2410.09767) is the benchmark of the field that splits whole trials and whole people, and
chooses the epoch on validation data. Its tasks:

* *Subject-dependent*: for every person, and every session alone, trials are drawn 60:20:20 for training, validation
  and test; a model for each; the mean over them.
* *Cross-subject*: people are drawn 60:20:20, once; of datasets with sessions the first one is taken.

Windows of 1 s that do not overlap; high is above 5. Its numbers are those that stand in its scripts, or in the paper
(DEAP's support vector machine, ACRNN and GCBNet); where its table has none, the cell is empty. Filters, features,
learning rates and the draw of the trials differ: what should agree is the size of a score, not its second digit. A
single draw of people is one of many: ours stands with its interval.
Whoever has the data runs ``--data FOLDER`` (DEAP, SEED or SEED-IV; ``--labels "valence>5"`` for another task of DEAP).
Expected on the simulated data, which stand in for DEAP: both tasks about as far above chance as LibEER's.
Costs about 5 minutes on two CPU cores.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from options import main
from rich.console import Console

from eegemo import Results, Trials, confidence_interval, make_splitter
from eegemo.errors import unknown_name
from eegemo.reporting.experiment_page import write_experiment_page
from eegemo.reporting.page import page_of
from recordings import Recordings

#: The protocol of each task.
TASKS = {"subject-dependent": "trial", "cross-subject": "subject"}
#: Accuracy and macro-F1 by dataset, rule, task and model.
PUBLISHED = {
    ("DEAP", "quadrants>5", "subject-dependent"): {
        "eegnet": (0.3941, 0.2919),
        "rbf-svm": (0.373, 0.256),
        "DGCNN": (0.4186, 0.2912),
        "ACRNN": (0.382, 0.211),
    },
    ("DEAP", "quadrants>5", "cross-subject"): {
        "eegnet": (0.2541, 0.2444),
        "rbf-svm": (0.246, 0.247),
        "GCBNet": (0.309, 0.310),
    },
    ("DEAP", "valence>5", "subject-dependent"): {"eegnet": (0.5150, 0.4785), "DGCNN": (0.5607, 0.4908)},
    ("DEAP", "valence>5", "cross-subject"): {"eegnet": (0.5236, 0.4974)},
    ("DEAP", "arousal>5", "subject-dependent"): {"eegnet": (0.6130, 0.5326), "DGCNN": (0.6268, 0.5394)},
    ("DEAP", "arousal>5", "cross-subject"): {"eegnet": (0.4894, 0.4894)},
    ("SEED", "emotion", "subject-dependent"): {"eegnet": (0.5881, 0.5441), "DGCNN": (0.8255, 0.7989)},
    ("SEED", "emotion", "cross-subject"): {"DGCNN": (0.6087, 0.5722)},
    ("SEED-IV", "emotion", "subject-dependent"): {"eegnet": (0.2989, 0.2659), "DGCNN": (0.5239, 0.4594)},
    ("SEED-IV", "emotion", "cross-subject"): {"eegnet": (0.2819, 0.2835), "DGCNN": (0.4254, 0.4310)},
}


@dataclass(frozen=True)
class LibEER(Recordings):
    """Run LibEER's two tasks."""

    models: tuple[str, ...] = ("rbf-svm", "eegnet", "cnn-gru")
    """Models by name; the first two are LibEER's too."""
    tasks: tuple[str, ...] = tuple(TASKS)
    """Of LibEER."""
    out: Path = Path("results/libeer")
    """Where the page goes; finished folds are kept in its folder runs/, and taken up again."""

    @property
    def protocols(self) -> tuple[str, ...]:
        """The protocols of the tasks."""
        for task in self.tasks:
            if task not in TASKS:
                raise unknown_name("task of LibEER", task, TASKS)
        return tuple(TASKS[task] for task in self.tasks)


def run(config: LibEER, console: Console | None = None) -> list[Results]:
    """Run every model in every task; write the page, with the published numbers beside ours."""
    trials = config.scheme.select(config.trials(n_simulated=6, n_smoke=5))
    results: list[Results] = []
    for task, protocol in zip(config.tasks, config.protocols, strict=True):
        splitter = make_splitter(
            protocol,
            n_splits=None,
            within="subject" if protocol == "trial" else "pooled",
            test_size=0.2,
            validation_size=0.2,
            random_state=config.seed,
        )
        windows = as_in(task, trials).windows(config.window, config.step)
        results += config.benchmark(config.named(config.models), windows, config.scheme, [splitter], console=console)
    page = page_of(
        run,
        config,
        title="LibEER's table beside ours",
        question="Do our models score what the field's honest benchmark scores, where it asks the same?",
        lead=("Accuracy / macro-F1 of windows, published and ours [95 % interval]", beside_libeer(config, results)),
        without=("curves",),
    )
    write_experiment_page(page, results, console=console)
    return results


def as_in(task: str, trials: Trials) -> Trials:
    """Take the sessions that a task takes: each of a person's alone, or the first of everybody."""
    if "session" not in trials.table:
        return trials
    if task == "cross-subject":
        return trials.select(trials.table["session"] == trials.table["session"].min())
    table = trials.table
    each = table["subject"].astype(str) + ", session " + table["session"].astype(str)
    return trials._replaced(table=table.assign(subject=each))


def beside_libeer(config: LibEER, results: list[Results]) -> pd.DataFrame:
    """Put published and own numbers side by side, with what needs no EEG."""
    rows = []
    for task, protocol in zip(config.tasks, config.protocols, strict=True):
        published = PUBLISHED.get((config.record.name.removesuffix(", raw"), config.scheme.name, task), {})
        own = {result.model: result for result in results if result.protocol == protocol}
        baselines = next(iter(own.values())).baselines
        own |= {f"no EEG: {baseline.model}": baseline for baseline in baselines}
        for model in dict.fromkeys([*own, *published]):
            theirs = " / ".join(f"{value:.3f}" for value in published.get(model, ()))
            ours = own.get(model)
            row = {
                "task": task,
                "model": model + (ours.model_label.removeprefix(ours.model) if ours else ""),
                "LibEER": theirs,
            }
            row |= dict.fromkeys(("ours", "macro-F1"), "")
            if ours:
                scores = ours.of_subjects()
                row["ours"] = f"{scores['accuracy'].mean():.3f} / {scores['macro_f1'].mean():.3f}"
                row["macro-F1"] = str(confidence_interval(ours, "macro_f1"))
            rows.append(row)
    return pd.DataFrame(rows).rename(columns={"macro-F1": "ours, macro-F1 [95 %]"})


if __name__ == "__main__":
    main(LibEER, run)
