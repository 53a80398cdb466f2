"""Tables from results, as CSV, Markdown and LaTeX; each says its protocol, its leakage and *simulated*."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from eegemo._atomic import replacing
from eegemo.evaluation.cross_validation import PARTS, Results
from eegemo.evaluation.leakage import percent as share_in_percent
from eegemo.evaluation.metrics import METRICS, per_class
from eegemo.evaluation.protocols import PROTOCOLS


def score_table(results: Sequence[Results]) -> pd.DataFrame:
    """Mean scores over the folds, a row for each protocol and model.

    Parameters
    ----------
    results : sequence of Results

    Returns
    -------
    table : DataFrame
        ``protocol, model, parameters, folds``, then for each score its mean over the folds and, in a column
        named ``... sd``, its standard deviation (NaN for a single fold): accuracy and loss of train, validation
        and test, the other scores of test, and accuracy and macro-F1 of whole trials; then the leakage record.
    """
    rows = []
    for result in results:
        scores = result.scores
        scores = scores[scores["subject"] == "all"]
        parameters = result.folds[0].n_parameters
        row: dict[str, object] = {
            "protocol": result.protocol,
            "model": result.model,
            "parameters": parameters,
            "folds": len(result.folds),
        }
        wanted = [(part, "window", metric) for part in PARTS for metric in ("accuracy", "loss")]
        wanted += [("test", "window", metric) for metric in METRICS if metric not in ("accuracy", "loss")]
        wanted += [("test", "trial", metric) for metric in ("accuracy", "macro_f1")]
        for part, level, metric in wanted:
            values = scores.loc[(scores["part"] == part) & (scores["level"] == level), metric]
            name = f"{'trial' if level == 'trial' else part} {_plain(metric)}"
            row[name], row[f"{name} sd"] = values.mean(), values.std()
        row |= {f"shared {name.removeprefix('shared_')}": share for name, share in asdict(result.leakage).items()}
        rows.append(row)
    return pd.DataFrame(rows).astype({"parameters": "Int64"})


def class_table(results: Sequence[Results]) -> pd.DataFrame:
    """Precision, recall and F1 of each class over the windows tested on, all folds together.

    Parameters
    ----------
    results : sequence of Results

    Returns
    -------
    table : DataFrame
        ``protocol, model, class, precision, recall, f1, support``.
    """
    tables = []
    for result in results:
        table = per_class(result.confusion())
        table.insert(0, "class", result.scheme.classes)
        table.insert(0, "model", result.model)
        table.insert(0, "protocol", result.protocol)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def leakage_table(results: Sequence[Results]) -> pd.DataFrame:
    """Return the leakage record of each protocol: shares of test windows, averaged over the folds.

    Parameters
    ----------
    results : sequence of Results

    Returns
    -------
    table : DataFrame
        ``protocol``, what it answers, and the four shares, from 0 to 1.
    """
    records = {result.protocol: asdict(result.leakage) for result in results}
    rows = [
        {
            "protocol": protocol,
            "answers": PROTOCOLS[protocol],
            **{f"test windows that share {name.removeprefix('shared_')}": share for name, share in record.items()},
        }
        for protocol, record in records.items()
    ]
    return pd.DataFrame(rows)


def statement(results: Sequence[Results]) -> str:
    """Say in words what the numbers are: whose data, which protocols, and what leaks.

    Parameters
    ----------
    results : sequence of Results

    Returns
    -------
    text : str
        A few sentences, to stand under a table or a figure.
    """
    first = results[0]
    trials = first.windows.trials
    people = trials.table["subject"].nunique()
    data = f"{trials.dataset}: {people} subjects, {len(trials)} trials, {len(first.windows)} windows"
    if trials.simulated:
        data = f"SIMULATED data ({data}); nobody was recorded, and no number here is a result about people"
    sentences = [f"{data}. Labels {first.scheme.name}."]
    if any(result.provenance["smoke"] for result in results):
        sentences.insert(0, "SMOKE RUN: shows that everything works; its numbers mean nothing.")
    leaks = {result.protocol: str(result.leakage) for result in results}
    sentences += [f"Test windows under {name} share with training: {leak}." for name, leak in leaks.items()]
    return " ".join(sentences)


def formatted(table: pd.DataFrame, *, percent: Sequence[str] = ()) -> pd.DataFrame:
    """Round for reading: ``mean ± sd`` in one column, shares in percent.

    Parameters
    ----------
    table : DataFrame
        With a column ``x sd`` beside ``x`` where there is a spread.
    percent : sequence of str
        Columns of shares.

    Returns
    -------
    text : DataFrame
        Of strings.
    """
    text = pd.DataFrame(index=table.index)
    for column in table.columns.drop([c for c in table.columns if f"{c}".endswith(" sd")]):
        values = table[column]
        if column in percent:
            text[column] = [share_in_percent(value) for value in values]
        elif pd.api.types.is_float_dtype(values):
            spread = table.get(f"{column} sd", pd.Series(float("nan"), index=table.index))
            text[column] = [
                _missing(mean, f"{mean:.3f}" + ("" if pd.isna(sd) else f" ± {sd:.3f}"))
                for mean, sd in zip(values, spread, strict=True)
            ]
        else:
            text[column] = [_missing(value, f"{value}") for value in values]
    return text


def write_table(table: pd.DataFrame, text: pd.DataFrame, stem: Path, *, title: str, note: str) -> str:
    """Write a table as CSV (numbers), Markdown and LaTeX (text).

    Parameters
    ----------
    table, text : DataFrame
        The numbers, and what :func:`formatted` made of them.
    stem : Path
        Path without suffix.
    title, note : str
        What stands above and below the table; the CSV has the note as its first line, behind ``#``.

    Returns
    -------
    markdown : str
        What was written as Markdown.
    """
    markdown = f"**{title}**\n\n{text.to_markdown(index=False, disable_numparse=True)}\n\n{note}\n"
    latex = text.to_latex(index=False, escape=True, caption=_latex(f"{title}. {note}"), label=f"tab:{stem.name}")
    numbers = table.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    contents = {
        ".csv": f"# {title}. {note}\n{numbers}",
        ".md": markdown,
        ".tex": latex.replace("±", r"$\pm$").replace("<", "$<$").replace(">", "$>$"),
    }
    for suffix, content in contents.items():
        with replacing(stem.with_suffix(suffix)) as partial:
            partial.write_text(content, encoding="utf-8")
    return markdown


def _plain(metric: str) -> str:
    return metric.replace("_f1", "-F1").replace("_", " ")


def _missing(value: object, text: str) -> str:
    return "" if pd.isna(value) else text  # type: ignore[call-overload]


def _latex(text: str) -> str:
    for character in "%&_#":
        text = text.replace(character, "\\" + character)
    return text
