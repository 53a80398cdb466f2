"""One HTML page about runs: the verdict on each protocol first, then the scores; it opens without network."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import jinja2
import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from eegemo._atomic import replacing
from eegemo.errors import ConfigError
from eegemo.evaluation.comparisons import compare_models, significantly_best
from eegemo.evaluation.controls import CONTROLS
from eegemo.evaluation.intervals import remarks
from eegemo.evaluation.leakage import percent
from eegemo.evaluation.metrics import LEADING_METRICS, metric_name
from eegemo.evaluation.protocols import PROTOCOLS
from eegemo.evaluation.results import Results
from eegemo.evaluation.scoring import LEVELS
from eegemo.evaluation.splitter import LEAVE_ONE_OUT, Splitter
from eegemo.reporting.figures import confusion_figure, curves_figure, gap_figure, subjects_figure
from eegemo.reporting.shown_runs import named_runs, shown_run
from eegemo.reporting.statements import data_statement, intervals_statement
from eegemo.reporting.tables import baselines_of, control_table, interval_table, p_text

# No id in a figure may differ from one writing to the next, and a dollar in a name begins no formula.
_DRAWING: dict[Any, Any] = {"svg.hashsalt": "eegemo", "text.parse_math": False}

T = TypeVar("T")


@dataclass(frozen=True)
class _Group:
    """Models that ran on the same folds of the same windows, each under a name of its own."""

    title: str
    results: list[Results]

    @property
    def most_complete(self) -> Results:
        """The one with the most folds; where none failed, the folds of all are the same."""
        return max(self.results, key=lambda result: len(result.folds))


def write_evaluation_report(results: Sequence[Results], path: Path, *, unfinished: Sequence[str] = ()) -> None:
    """Write one page about runs that needs no other file and no network.

    Parameters
    ----------
    results : sequence of Results
        Of any protocols, models and controls. Models are compared where they ran on the same folds.
    path : Path
        The page; its name ends in ``.html``.
    unfinished : sequence of str
        Runs that the page names as left out, and how far each has come.

    Raises
    ------
    ConfigError
        If there are no results.
    """
    if not results:
        raise ConfigError("There are no results to report; give the results of one run at least.")
    groups = _groups([result for result in results if result.control is None])
    controls = _distinct([result for result in results if result.control is not None])
    runs = [*(result for group in groups for result in group.results), *controls]
    with mpl.rc_context(_DRAWING):
        page = _template().render(
            intervals=intervals_statement(runs),
            title=f"Evaluation report: {', '.join(dict.fromkeys(str(run.provenance['dataset']) for run in runs))}",
            simulated=named_runs([run for run in runs if run.simulated], runs),
            smoke=named_runs([run for run in runs if run.provenance["smoke"]], runs),
            unfinished=list(unfinished),
            data=list(dict.fromkeys(data_statement([run]) for run in [g.most_complete for g in groups] or controls)),
            overview=_overview(groups),
            groups=[_shown_group(group) for group in groups],
            controls=_shown_controls(controls),
            known_controls={name: task.shows for name, task in CONTROLS.items()},
            runs=[shown_run(run) for run in runs],
            versions=list(dict.fromkeys(str(run.provenance["packages"]["eegemo"]) for run in runs)),
        )
    with replacing(path) as partial:
        partial.write_text(page, encoding="utf-8")


def _template() -> jinja2.Template:
    text = resources.files("eegemo.reporting").joinpath("evaluation_report.html.jinja").read_text(encoding="utf-8")
    return jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).from_string(text)


def _groups(results: Sequence[Results]) -> list[_Group]:
    """Put together what may be compared, in the order of the protocols."""
    together: dict[tuple[str, ...], list[Results]] = {}
    for result in sorted(results, key=lambda result: list(PROTOCOLS).index(result.protocol)):
        keys = ("data_fingerprint", "scheme", "window", "split_hash")
        key = (result.protocol_label, *(json.dumps(result.provenance[name], sort_keys=True) for name in keys))
        together.setdefault(key, []).append(result)
    labels = [label for label, *_ in together]
    groups = []
    for number, (label, own) in enumerate(zip(labels, together.values(), strict=True)):
        several = labels.count(label) > 1
        title = f"{label} ({labels[:number].count(label) + 1})" if several else label
        groups.append(_Group(title, _distinct(own)))
    return groups


def _distinct(results: list[Results]) -> list[Results]:
    """Give runs of one name the beginning of their fingerprints to tell them apart."""
    names = [(result.protocol_label, result.control, result.model) for result in results]
    return [
        replace(result, model=f"{result.model} · {result.provenance['fingerprint'][:8]}")
        if names.count(name) > 1
        else result
        for name, result in zip(names, results, strict=True)
    ]


def _shown_group(group: _Group) -> dict[str, Any]:
    results, first = group.results, group.most_complete
    levels = [_shown_level(group, level) for level in LEVELS]
    return {
        "title": group.title,
        "question": first.splitter.rule.answers,
        "settings": _settings(first.splitter),
        "data": data_statement([first]),
        "marks": _marks(first),
        "verdicts": _models_by_text(results, lambda result: [result.verdict]),
        "notes": _models_by_text(results, remarks),
        "levels": levels,
        "alone": _warning_of_one_subject(max(level["n_subjects"] for level in levels)),
        "strip": _image(
            partial(subjects_figure, results),
            f"Macro-F1 of each person under {group.title}: {'; '.join(map(_range_over_subjects, results))}.",
        ),
        "confusions": [
            (
                result.model,
                _image(
                    partial(confusion_figure, result),
                    f"Confusion matrix of {result.model} under {group.title}: {_counts(result)}.",
                ),
            )
            for result in results
        ],
        "curves": [
            (
                result.model,
                _image(
                    partial(curves_figure, result),
                    f"Loss and accuracy of {result.model} under {group.title} by epoch, in training and validation.",
                ),
            )
            for result in results
            if any(fold.history for fold in result.folds)
        ],
        "records": _records(results),
    }


def _models_by_text(results: Sequence[Results], texts_of: Callable[[Results], list[str]]) -> list[tuple[str, str]]:
    """Return each text with the models that it holds for; "" where it is all of them."""
    models: dict[str, list[str]] = {}
    for result in results:
        for text in dict.fromkeys(texts_of(result)):
            models.setdefault(text, []).append(result.model)
    return [("" if len(names) == len(results) else ", ".join(names), text) for text, names in models.items()]


def _marks(result: Results) -> list[str]:
    """Return the verdict in a word or two."""
    leakage, marks = result.leakage, []
    if result.verdict.startswith("LEAKS"):
        marks.append("leaks")
    if leakage.fitted_on_test:
        marks.append("transductive")
    if "NOT KNOWN" in result.verdict or leakage.fitted_on_test is None or leakage.chosen_by_test is None:
        marks.append("not known")
    return marks or ["honest"]


def _settings(splitter: Splitter) -> str:
    unit = {"subject": "person"}.get(splitter.rule.unit, splitter.rule.unit)
    if splitter.n_splits is None:
        words = [f"one split, {splitter.test_size:.0%} tested on"]
    elif splitter.n_splits == LEAVE_ONE_OUT:
        words = [f"one {unit} left out in each fold"]
    elif splitter.rule.crossed:
        words = [f"{splitter.n_splits} groups of people × {splitter.n_splits} groups of stimuli"]
    else:
        words = [f"{splitter.n_splits} folds"]
    words.append("a model for each person" if splitter.within == "subject" else "one model for all people")
    words.append(f"{splitter.validation_size:.0%} held out for validation" if splitter.validation_size else "")
    words.append(f"drawn {splitter.n_repeats} times" if splitter.n_repeats > 1 else "")
    words.append(f"seed {splitter.random_state}")
    return ", ".join(word for word in words if word)


def _shown_level(group: _Group, level: str) -> dict[str, Any]:
    comparisons, uncompared = _or_why(lambda: compare_models(group.results, level=level))
    best: list[Results] = [] if uncompared else significantly_best(group.results, level=level)
    rows = [_score_row(result, level, best=result in best) for result in group.results]
    rows += [_score_row(result, level, no_eeg=True) for result in baselines_of([group.most_complete])]
    known = [row["n_subjects"] for row in rows if row["n_subjects"]]
    return {
        "name": level,
        "metrics": [metric_name(metric) for metric in LEADING_METRICS],
        "rows": rows,
        "reasons": list(dict.fromkeys(row["reason"] for row in rows if row["reason"])),
        "n_subjects": min(known, default=0),
        "comparisons": [] if comparisons is None else comparisons.to_dict(orient="records"),
        "uncompared": uncompared,
        "best": [result.model_label for result in best],
    }


def _warning_of_one_subject(n_subjects: int) -> str:
    """Return what a single subject makes of the intervals; "" where there are several."""
    if n_subjects != 1:
        return ""
    return "One person was tested: the intervals are over that person's trials, and say nothing about other people."


def _score_row(result: Results, level: str, *, best: bool = False, no_eeg: bool = False) -> dict[str, Any]:
    """Return the scores with their intervals, or without, where there is nothing to leave out."""
    table, reason = _or_why(lambda: interval_table([result], level))
    if table is None:
        means = result.of_subjects(level)[list(LEADING_METRICS)].mean()
        cells, n_subjects, p = [(f"{mean:.3f}", "") for mean in means], 0, ""
    else:
        row = table.iloc[0]
        names = [str(column).removesuffix(" low") for column in table if str(column).endswith(" low")]
        cells = [(f"{row[name]:.3f}", f"[{row[f'{name} low']:.3f}, {row[f'{name} high']:.3f}]") for name in names]
        n_subjects, p = int(row["subjects"]), p_text(table)[0]
    return {
        "model": result.model_label,
        "cells": cells,
        "n_subjects": n_subjects,
        "p": p,
        "reason": reason,
        "best": best,
        "no_eeg": no_eeg,
    }


def _records(results: Sequence[Results]) -> list[dict[str, Any]]:
    """Return the leakage record, and that of each fold; once where it is the same for several models."""
    distinct: dict[str, list[Results]] = {}
    for result in results:
        distinct.setdefault(repr([(fold.number, fold.leakage) for fold in result.folds]), []).append(result)
    records = []
    for own in distinct.values():
        first = own[0]
        folds = [
            {
                "number": fold.number,
                "sizes": [len(fold.train), len(fold.validation), len(fold.test)],
                "shares": [percent(share) for share in fold.leakage.shares.values()],
                "use": fold.leakage.use_of_test_data,
            }
            for fold in first.folds
        ]
        shares = [
            (name.removeprefix("shared_"), percent(share), 0.0 if pd.isna(share) else 100 * share)
            for name, share in first.leakage.shares.items()
        ]
        models = "" if len(distinct) == 1 else ", ".join(result.model for result in own)
        records.append({"models": models, "shares": shares, "use": first.leakage.use_of_test_data, "folds": folds})
    return records


def _overview(groups: Sequence[_Group]) -> dict[str, str] | None:
    """Draw all protocols beside each other, where each is there once and the data are the same."""
    results = [result for group in groups for result in group.results]
    labels = {result.protocol_label for result in results}
    data = {result.provenance["data_fingerprint"] + result.scheme.name for result in results}
    if len(groups) < 2 or len(labels) < len(groups) or len(data) > 1:
        return None
    return _image(
        lambda: gap_figure(results),
        "Macro-F1 and accuracy of each model under each protocol, beside the baselines that saw no EEG: the numbers of "
        "the tables below",
    )


def _shown_controls(controls: Sequence[Results]) -> list[dict[str, Any]]:
    shown = []
    for name, task in CONTROLS.items():
        own = [result for result in controls if result.control == name]
        if own:
            rows = [_control_row(result) for result in own]
            notes = [
                (f"{result.model} under {result.protocol_label}", note) for result in own for note in remarks(result)
            ]
            shown.append({"name": name, "shows": task.shows, "rows": rows, "notes": notes})
    return shown


def _control_row(result: Results) -> dict[str, Any]:
    table, reason = _or_why(partial(control_table, [result]))
    scores = {} if table is None else table.iloc[0].to_dict()
    named = {"protocol": result.protocol_label, "model": result.model_label, "marks": _marks(result)}
    return {**named, "scores": scores, "reason": reason}


def _range_over_subjects(result: Results) -> str:
    scores = result.of_subjects()["macro_f1"]
    return f"{result.model} from {scores.min():.3f} to {scores.max():.3f}, mean {scores.mean():.3f}"


def _counts(result: Results) -> str:
    rows = zip(result.scheme.classes, result.confusion().tolist(), strict=True)
    return "; ".join(f"true {name} as {', '.join(map(str, row))}" for name, row in rows)


def _image(draw: Callable[[], Figure], alt: str) -> dict[str, str]:
    """Return a figure as data for ``src``, or why there is none."""
    figure, reason = _or_why(draw)
    if figure is None:
        return {"source": "", "alt": alt, "reason": reason}
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    source = "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
    return {"source": source, "alt": alt, "reason": ""}


def _or_why(make: Callable[[], T]) -> tuple[T | None, str]:
    """Return what is made, or the reason why it cannot be had from these results."""
    try:
        return make(), ""
    except ConfigError as error:
        return None, str(error)
