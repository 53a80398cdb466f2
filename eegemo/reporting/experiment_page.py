"""An experiment's folder in results/: its page, its provenance, and the index of all folders."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import MISSING, Field, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from eegemo._atomic import replacing
from eegemo.evaluation.comparisons import compare_models, compare_with_baselines, significantly_best
from eegemo.evaluation.intervals import FEWEST_SUBJECTS
from eegemo.evaluation.provenance import environment
from eegemo.evaluation.results import Results, concatenate
from eegemo.evaluation.scoring import LEVELS
from eegemo.reporting.figures import confusion_figure, curves_figure, gap_figure, subjects_figure, write_figure
from eegemo.reporting.tables import (
    baselines_of,
    class_table,
    control_table,
    formatted,
    interval_table,
    interval_text,
    leakage_table,
    score_table,
    statement,
    write_table,
)


@dataclass(frozen=True)
class Page:
    """What an experiment says about itself on its page.

    Parameters
    ----------
    title : str
        The heading.
    text : str
        What it is, in Markdown.
    command : str
        What makes it again.
    seconds : float | None
        How long it took; where it is not given, the runs say it, whenever they were made.
    tables : sequence of (str, str, DataFrame)
        Tables of the experiment's own, before the common ones: file name, title, and text.
    drawn : sequence of str | None
        The models that figures show, where there are too many to draw; tables always have all.
    """

    title: str
    text: str
    command: str
    seconds: float | None = None
    tables: Sequence[tuple[str, str, pd.DataFrame]] = ()
    drawn: Sequence[str] | None = None


def write_experiment_page(
    folder: Path, page: Page, results: Sequence[Results], controls: Sequence[Results] = ()
) -> None:
    """Write all tables and figures of an experiment, its page, its provenance, and the index of the folders.

    Parameters
    ----------
    folder : Path
        The experiment's folder, in the folder of all results.
    page : Page
        What it says about itself.
    results : sequence of Results
        Of the models; the classifiers that saw no EEG are put beside them.
    controls : sequence of Results
        Of the same models on tasks whose answer is known.
    """
    folder.mkdir(parents=True, exist_ok=True)
    baselines = baselines_of(results)
    everything = [*results, *baselines]
    note = statement(results)
    sections = [f"# {page.title}\n\n{page.text}\n\n> {note}\n"]
    for name, title, table in page.tables:
        sections.append(write_table(table, table, folder / name, title=title, note=note))
    drawn = [result for result in results if page.drawn is None or result.model in page.drawn]
    write_figure(gap_figure(drawn), folder / "gap.png")
    sections.append(
        f"![scores of {'all' if page.drawn is None else 'some'} models under all protocols; {note}](gap.png)\n"
    )

    best = [(result.protocol_label, result.model_label) for result in significantly_best(results)]
    fewest = min(len(result.subjects) for result in results)
    few = f" With {fewest} people no interval reaches 95 %, and no difference can be significant." * (
        fewest < FEWEST_SUBJECTS
    )
    for level in LEVELS:
        intervals = interval_table(everything, level)
        title = f"Scores of {level}s, mean over the people [95 % interval over people]"
        about = f"p: labels permuted within each person. Bold: macro-F1 significantly above every other model.{few}"
        text = interval_text(intervals, best if level == "window" else ())
        stem = "intervals" if level == "window" else "intervals_of_trials"
        sections.append(write_table(intervals, text, folder / stem, title=f"{title}. {about}", note=note))
    write_figure(subjects_figure(drawn), folder / "subjects.png")
    sections.append(f"![the score of each person; {note}](subjects.png)\n")
    comparisons = compare_models(results)
    if len(comparisons):
        title = (
            "Is one model better? Macro-F1 of windows, Wilcoxon's signed-rank test over people, Holm's correction for "
            "the pairs of a protocol, rank-biserial effect"
        )
        text = comparisons.map(_three_digits)
        sections.append(write_table(comparisons, text, folder / "comparisons", title=title, note=note))
    title = (
        "Is a model better than the best baseline that saw no EEG under the same folds? Macro-F1 of windows, the same "
        "test, corrected for the models of a protocol"
    )
    against = compare_with_baselines(results)
    sections.append(
        write_table(against, against.map(_three_digits), folder / "against_baselines", title=title, note=note)
    )
    if controls:
        table = control_table(controls)
        title = "Controls: tasks whose answer is known, the same windows and folds (macro-F1 of windows)"
        text = table.map(_three_digits)
        sections.append(write_table(table, text, folder / "controls", title=title, note=statement(controls)))

    for name, title, table in (
        ("scores", "Scores, mean ± standard deviation over the folds", score_table(everything)),
        ("leakage", "What the test windows share with training", leakage_table(results)),
        ("per_class", "Each class, over all windows tested on", class_table(everything)),
    ):
        shares = [str(column) for column in table if str(column).startswith(("shared", "test windows"))]
        text = formatted(table, percent=shares)
        sections.append(write_table(table, text, folder / name, title=title, note=note))
    with replacing(folder / "folds.csv") as partial:
        tidy = concatenate([*everything, *controls])
        tidy.to_csv(partial, index=False, float_format="%.6g", lineterminator="\n")

    for result in drawn:
        name = f"{result.protocol}-{result.model}".replace(" ", "_")  # a link in Markdown has no spaces
        write_figure(confusion_figure(result), folder / f"confusion-{name}.png")
        whose = f"{result.model_label} under {result.protocol_label}"
        sections.append(f"![confusion matrix of {whose}](confusion-{name}.png)\n")
        if result.folds[0].history:
            write_figure(curves_figure(result), folder / f"curves-{name}.png")
            sections.append(f"![learning curves of {whose}](curves-{name}.png)\n")
    notes = list(dict.fromkeys(note for result in results for note in result.notes))
    if notes:
        sections.append("**To know**\n\n" + "\n".join(f"* {note}" for note in notes) + "\n")

    seconds = sum(run.provenance["seconds"] for run in (*results, *controls)) if page.seconds is None else page.seconds
    machine = results[0].provenance["machine"]
    sections.append(f"Made by `{page.command}` in {seconds:.0f} s ({machine}); see `provenance.json`.\n")
    runs = [*results, *controls]
    provenance = {
        "title": page.title,
        "command": page.command,
        "seconds": round(seconds, 1),
        "simulated": results[0].simulated,
        "smoke": any(result.provenance["smoke"] for result in results),
        "data": results[0].provenance["data"],
        "runs": [{k: v for k, v in result.provenance.items() if k != "data"} for result in runs],
    }
    _write(folder / "provenance.json", json.dumps(provenance, indent=1) + "\n")
    _write(folder / "README.md", "\n".join(sections))
    write_index(folder.parent)


def write_page(
    folder: Path, page: Page, note: str, figures: Sequence[tuple[str, str, Figure]], provenance: dict[str, Any]
) -> None:
    """Write an experiment whose tables are all its own: its page, tables, figures and provenance, and the index.

    Parameters
    ----------
    folder : Path
        The experiment's folder, in the folder of all results.
    page : Page
        With its tables; numbers are rounded to three digits on the page, and whole in the CSV.
    note : str
        What the numbers are; stands under the title and in every table.
    figures : sequence of (str, str, Figure)
        File name without suffix, what it shows, figure.
    provenance : dict
        JSON-compatible; ``simulated`` must be there.
    """
    sections = [f"# {page.title}\n\n{page.text}\n\n> {note}\n"]
    for name, title, table in page.tables:
        text = table.map(_three_digits)
        sections.append(write_table(table, text, folder / name, title=title, note=note))
    for name, shows, figure in figures:
        write_figure(figure, folder / f"{name}.png")
        sections.append(f"![{shows}; {note}]({name}.png)\n")
    seconds = page.seconds or 0.0
    sections.append(f"Made by `{page.command}` in {seconds:.0f} s; see `provenance.json`.\n")
    head = {"title": page.title, "command": page.command, "seconds": round(seconds, 1)}
    _write(folder / "provenance.json", json.dumps({**head, **provenance, **environment()}, indent=1) + "\n")
    _write(folder / "README.md", "\n".join(sections))
    write_index(folder.parent)


def _three_digits(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return "" if np.isnan(value) else f"{value:.3f}"


def write_index(folder: Path) -> None:
    """Write the README of the folder of all results, from the provenance that each experiment left.

    Parameters
    ----------
    folder : Path
        Holds a folder for each experiment.
    """
    rows = []
    for path in sorted(folder.glob("*/provenance.json")):
        made = json.loads(path.read_text(encoding="utf-8"))
        data = ("simulated" if made["simulated"] else "real") + (", smoke run" if made["smoke"] else "")
        rows.append(
            {
                "folder": f"[{path.parent.name}]({path.parent.name}/README.md)",
                "what it is": made["title"],
                "data": data,
                "made by": f"`{made['command']}`",
                "took": f"{made['seconds']:.0f} s",
            }
        )
    table = pd.DataFrame(rows).to_markdown(index=False)
    _write(
        folder / "README.md",
        "# Results\n\nEvery file here was written by the command in its row. In each folder, `README.md` shows the "
        "tables and figures, `folds.csv` holds the scores of each fold, and `provenance.json` the configuration, split "
        "hashes, data fingerprint, versions and commit. The other `.csv` files begin with a line behind `#` that says "
        "what their numbers are (`pandas.read_csv(path, comment='#')`).\n\n"
        f"{table}\n",
    )


def command_of(script: str, config: Any) -> str:
    """Return the command line that a configuration stands for, without the paths of this machine.

    Parameters
    ----------
    script : str
        For example ``experiments/paper_tables.py``.
    config : dataclass instance
        Fields that differ from their default are named; those that say where to read and write are not
        part of what is computed, and only ``--data`` is shown, by a stand-in.

    Returns
    -------
    command : str
    """
    words = ["python", script]
    for field in fields(config):
        value = getattr(config, field.name)
        flag = "--" + field.name.replace("_", "-")
        if value == _default(field) or field.name in ("out", "cache", "cluster"):
            continue
        if field.name == "data":
            words += [flag, "DATA"]
        elif isinstance(value, bool):
            words += [flag]
        elif isinstance(value, (tuple, list)):
            words += [flag, *map(str, value)]
        else:
            words += [flag, str(value)]
    return " ".join(words)


def _default(field: Field[Any]) -> Any:
    return field.default if field.default is not MISSING else None


def _write(path: Path, content: str) -> None:
    with replacing(path) as partial:
        partial.write_text(content, encoding="utf-8")
