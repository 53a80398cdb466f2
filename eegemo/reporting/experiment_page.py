"""An experiment's page in results/: question, answer, one table, a figure or two; the rest folds away."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from rich.console import Console

from eegemo._atomic import replacing
from eegemo.evaluation.comparisons import compare_models, compare_with_baselines, significantly_best
from eegemo.evaluation.intervals import remarks
from eegemo.evaluation.provenance import environment
from eegemo.evaluation.results import Results, concatenate
from eegemo.reporting.figures import confusion_grid, curves_grid, gap_figure, subjects_figure, write_figure
from eegemo.reporting.headlines import answer_of, headline_of, headline_table
from eegemo.reporting.page import Page
from eegemo.reporting.results_index import folder_of_all_results, write_index
from eegemo.reporting.statements import intervals_statement, statement
from eegemo.reporting.tables import (
    baselines_of,
    class_table,
    control_table,
    formatted,
    interval_table,
    interval_text,
    leakage_table,
    score_table,
    write_table,
)
from eegemo.reporting.terminal import print_summary

_Table = tuple[str, str, pd.DataFrame, pd.DataFrame]  # file name, title, numbers, text
_Figure = tuple[str, str, Figure]  # file name, what it shows, figure
_FOLDED_DPI = 80  # of figures that few unfold


@dataclass(frozen=True)
class _Content:
    """What was found: what stands open on a page, what folds away, and what made it."""

    answer: str
    headline: str
    lead: tuple[str, pd.DataFrame]
    figures: Sequence[_Figure]
    tables: Sequence[_Table]
    seconds: float
    machine: str
    provenance: dict[str, Any]
    folded: Sequence[_Figure] = ()
    notes: Sequence[str] = ()


def write_experiment_page(page: Page, results: Sequence[Results], *, console: Console | None = None) -> None:
    """Write the page of an experiment that evaluated models, its figures, scores and provenance, and the index.

    Parameters
    ----------
    page : Page
        What it says about itself.
    results : sequence of Results
        Of the models, and of controls; the classifiers that saw no EEG are put beside them.
    console : rich.console.Console | None
        Where a summary is printed; the terminal by default.
    """
    real = [result for result in results if result.control is None]
    controls = [result for result in results if result.control is not None]
    drawn = [result for result in real if page.drawn is None or result.model in page.drawn]
    note, everything = statement(real), [*real, *baselines_of(real)]
    models = "all" if page.drawn is None else "some"
    figures = [
        ("gap", f"scores of {models} models under all protocols", gap_figure(drawn)),
        ("subjects", "the score of each person", subjects_figure(drawn)),
    ]
    folded = [("confusions", f"confusion matrices of {models} models", confusion_grid(drawn))]
    if any(fold.history for result in drawn for fold in result.folds):
        folded.append(("curves", "learning curves, a line a fold", curves_grid(drawn)))
    figures, folded = ([one for one in some if one[0] not in page.without] for some in (figures, folded))
    lead = page.lead or ("Macro-F1 of windows, mean over the people [95 % interval]", headline_table(real))
    seconds = sum(run.provenance["seconds"] for run in results) if page.seconds is None else page.seconds
    provenance = {
        "simulated": real[0].simulated,
        "smoke": any(result.provenance["smoke"] for result in real),
        "data": real[0].provenance["data"],
        **without_repetition([{k: v for k, v in run.provenance.items() if k != "data"} for run in results]),
    }
    page.folder.mkdir(parents=True, exist_ok=True)
    with replacing(page.folder / "folds.csv") as partial:
        _write_scores(concatenate([*everything, *controls]), partial)
    notes = [intervals_statement(results), *dict.fromkeys(note for result in real for note in remarks(result))]
    found = _Content(
        answer=page.answer or answer_of(real),
        headline=page.headline or headline_of(real),
        lead=lead,
        figures=[*page.figures, *figures],
        tables=[*_own_tables(page), *_common_tables(real, controls)],
        folded=folded,
        notes=notes,
        seconds=seconds,
        machine=real[0].provenance["machine"],
        provenance=provenance,
    )
    _write(page, note, found)
    print_summary(console or Console(), real, page.folder)


def write_page(page: Page, note: str, provenance: dict[str, Any]) -> None:
    """Write an experiment whose tables are all its own: its page, figures and provenance, and the index.

    Parameters
    ----------
    page : Page
        With its answer, tables and figures; numbers are rounded to three digits. The first table is the one that is
        shown, unless there is a ``lead``; a table of its own named ``folds`` is written as CSV.
    note : str
        What the numbers are; stands under the title.
    provenance : dict
        JSON-compatible; ``simulated`` must be there, and is None where nobody was recorded or simulated.
    """
    tables = _own_tables(page)
    lead = page.lead
    if lead is None:
        (_, title, _, text), *tables = tables
        lead = (title, text)
    page.folder.mkdir(parents=True, exist_ok=True)
    for name, _, numbers, _ in tables:
        if name == "folds":
            with replacing(page.folder / "folds.csv") as partial:
                _write_scores(numbers, partial)
    made = environment()
    found = _Content(
        answer=page.answer or "",
        headline=page.headline or page.answer or "",
        lead=lead,
        figures=page.figures,
        tables=[table for table in tables if table[0] != "folds"],
        seconds=page.seconds or 0.0,
        machine=made["machine"],
        provenance={"smoke": False, **provenance, **made},
    )
    _write(page, note, found)


def _own_tables(page: Page) -> list[_Table]:
    return [(name, title, table, table.map(_three_digits)) for name, title, table in page.tables]


def _common_tables(results: Sequence[Results], controls: Sequence[Results]) -> list[_Table]:
    """Return the tables that every experiment with models has."""
    everything = [*results, *baselines_of(results)]
    best = [(result.protocol_label, result.model_label) for result in significantly_best(results)]
    tables: list[_Table] = []
    for level, name in (("window", "intervals"), ("trial", "intervals_of_trials")):
        numbers = interval_table(everything, level)
        title = f"Scores of {level}s, mean over the people [95 % interval]; bold: macro-F1 above every other model's"
        tables.append((name, title, numbers, interval_text(numbers, best if level == "window" else ())))
    test = "t-test with the intervals' variance, Holm's correction for the {} of a protocol, rank-biserial effect"
    for name, title, numbers in (
        ("comparisons", f"Is one model better? Macro-F1 of windows, {test.format('pairs')}", compare_models(results)),
        (
            "against_baselines",
            "Is a model better than the best baseline that saw no EEG? Macro-F1 of windows, " + test.format("models"),
            compare_with_baselines(results),
        ),
        ("controls", "Controls: tasks whose answer is known, macro-F1 of windows", control_table(controls)),
    ):
        if len(numbers):
            tables.append((name, title, numbers, numbers.map(_three_digits)))
    for name, title, numbers in (
        ("scores", "Scores, mean ± standard deviation over the folds", score_table(everything)),
        ("leakage", "What the test windows share with training", leakage_table(results)),
        ("per_class", "Each class, over all windows tested on", class_table(everything)),
    ):
        shares = [str(column) for column in numbers if str(column).startswith(("shared", "test windows"))]
        tables.append((name, title, numbers, formatted(numbers, percent=shares)))
    return tables


def _write(page: Page, note: str, found: _Content) -> None:
    """Write page, figures, tables, provenance and the index."""
    folder = page.folder
    sections = [
        f"# {page.title}",
        f"> {note}",
        f"**Question.** {page.question}",
        f"**Answer.** {found.answer}" if found.answer else "",
        f"**{found.lead[0]}**",
        _markdown(found.lead[1]),
    ]
    for name, shows, figure in found.figures:
        write_figure(figure, folder / f"{name}.png")
        sections.append(f"![{shows}]({name}.png)")
    sections += [page.text, _folded("How it was done", page.method)]
    sections += [_folded(title, _markdown(text)) for _, title, _, text in found.tables]
    for name, shows, figure in found.folded:
        write_figure(figure, folder / f"{name}.png", dpi=_FOLDED_DPI)
        sections.append(_folded(shows[0].upper() + shows[1:], f"![{shows}]({name}.png)"))
    if found.notes:
        sections.append(_folded("To know", "\n".join(f"* {one}" for one in found.notes)))
    scores = ", the scores of each fold in `folds.csv`" if (folder / "folds.csv").exists() else ""
    sections.append(
        f"Made by `{page.command}` in {found.seconds:.0f} s ({found.machine}); configuration, versions and commit are "
        f"in `provenance.json`{scores}."
    )
    if page.write_tables:
        (folder / "tables").mkdir(exist_ok=True)
        for name, title, numbers, text in (("headline", found.lead[0], found.lead[1], found.lead[1]), *found.tables):
            write_table(numbers, text, folder / "tables" / name, title=title, note=note)
    head = {
        "title": page.title,
        "headline": found.headline,
        "command": page.command,
        "seconds": round(found.seconds, 1),
        "configuration": page.configuration,
    }
    _write_text(folder / "provenance.json", _one_line_each({**head, **found.provenance}))
    _write_text(folder / "README.md", "\n\n".join(section for section in sections if section) + "\n")
    write_index(folder_of_all_results(folder))


def _folded(summary: str, content: str) -> str:
    return f"<details>\n<summary>{summary}</summary>\n\n{content}\n\n</details>" if content else ""


def _markdown(text: pd.DataFrame) -> str:
    """Write a table without the spaces that would align it: pages have many, and are read as they are shown."""
    names, values = [list(map(str, text.columns))], text.astype(str).to_numpy().tolist()
    head, *rows = [[str(cell).replace("|", r"\|") for cell in row] for row in names + values]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, [":--"] * len(head), *rows))


def _write_scores(scores: pd.DataFrame, path: Path) -> None:
    """Write scores of folds with four digits; of one person's few trials in a fold a score would say nothing."""
    if {"subject", "level"} <= set(scores):
        scores = scores[(scores["subject"] == "all") | (scores["level"] == "window")]
    scores.to_csv(path, index=False, float_format="%.4g", lineterminator="\n")


def without_repetition(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Put what all runs have in common in one place, and what those of one model, or under one protocol, have likewise.

    Parameters
    ----------
    runs : sequence of dict
        The provenance of each.

    Returns
    -------
    entries : dict
        A run is ``all_runs | models[run["model"]] | protocols[run["under"]] | run``. A protocol under which several
        sets of windows were evaluated has a number behind its name for each of them.
    """
    left = [{**run, "under": under} for run, under in zip(runs, _evaluated_under(runs), strict=True)]
    common = _taken_out(left, [left])
    written: dict[str, Any] = {"all_runs": common[0]}
    for key in ("model", "under"):
        groups: dict[str, list[dict[str, Any]]] = {}
        for run in left:
            groups.setdefault(run[key], []).append(run)
        shared = _taken_out(left, list(groups.values()))
        written["models" if key == "model" else "protocols"] = dict(zip(groups, shared, strict=True))
    return {**written, "runs": left}


def _evaluated_under(runs: Sequence[dict[str, Any]]) -> list[str]:
    """Name the protocol of each run, and number the sets of windows where it has several."""
    of: dict[str, list[Any]] = {}
    for run in runs:
        windows = of.setdefault(run["protocol"]["protocol"], [])
        windows += [run["window"]] if run["window"] not in windows else []
    return [
        name + (f" {of[name].index(run['window']) + 1}" if len(of[name]) > 1 else "")
        for run in runs
        for name in [run["protocol"]["protocol"]]
    ]


def _taken_out(runs: list[dict[str, Any]], groups: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Take out of the runs what those of each group have in common; nothing where each run is a group of its own."""
    shared = [
        name
        for name in dict.fromkeys(name for run in runs for name in run)
        if name not in ("model", "under")
        and len(groups) < len(runs)
        and all(name in run and run[name] == group[0].get(name) for group in groups for run in group)
    ]
    return [{name: [run.pop(name) for run in group].pop() for name in shared} for group in groups]


def _one_line_each(provenance: dict[str, Any]) -> str:
    """Write JSON with an entry, or a run, a line: what changed is seen, and no number has a line of its own."""
    lines = []
    for key, value in provenance.items():
        if key == "runs":
            runs = ",\n  ".join(json.dumps(run, ensure_ascii=False) for run in value)
            lines.append(f' "runs": [\n  {runs}\n ]')
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _three_digits(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return "" if np.isnan(value) else f"{value:.3f}"


def _write_text(path: Path, content: str) -> None:
    with replacing(path) as partial:
        partial.write_text(content, encoding="utf-8")
