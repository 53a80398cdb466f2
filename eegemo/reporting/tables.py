"""Tables from results, as CSV, Markdown and LaTeX; each says its protocol, its leakage and *simulated*."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from eegemo._atomic import replacing
from eegemo.evaluation.controls import CONTROLS
from eegemo.evaluation.intervals import confidence_interval
from eegemo.evaluation.leakage import percent as share_in_percent
from eegemo.evaluation.metrics import LEADING_METRICS, METRICS, from_confusions, metric_name, per_class
from eegemo.evaluation.permutation import label_permutation_test, refit_test
from eegemo.evaluation.results import PARTS, Results


def score_table(results: Sequence[Results]) -> pd.DataFrame:
    """Mean scores over the folds, a row for each protocol and model.

    Parameters
    ----------
    results : sequence of Results
        Of any models and protocols.

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
            "protocol": result.protocol_label,
            "model": result.model_label,
            "parameters": parameters,
            "folds": len(result.folds),
        }
        wanted = [(part, "window", metric) for part in PARTS for metric in ("accuracy", "loss")]
        wanted += [("test", "window", metric) for metric in METRICS if metric not in ("accuracy", "loss")]
        wanted += [("test", "trial", metric) for metric in ("accuracy", "macro_f1")]
        for part, level, metric in wanted:
            values = scores.loc[(scores["part"] == part) & (scores["level"] == level), metric]
            name = f"{'trial' if level == 'trial' else part} {metric_name(metric)}"
            row[name], row[f"{name} sd"] = values.mean(), values.std()
        row |= {f"shared {name.removeprefix('shared_')}": share for name, share in result.leakage.shares.items()}
        rows.append(row)
    return pd.DataFrame(rows).astype({"parameters": "Int64"})


def class_table(results: Sequence[Results]) -> pd.DataFrame:
    """Precision, recall and F1 of each class over the windows tested on, all folds together.

    Parameters
    ----------
    results : sequence of Results
        Of any models and protocols.

    Returns
    -------
    table : DataFrame
        ``protocol, model, class, precision, recall, f1, support``.
    """
    tables = []
    for result in results:
        table = per_class(result.confusion())
        table.insert(0, "class", result.scheme.classes)
        table.insert(0, "model", result.model_label)
        table.insert(0, "protocol", result.protocol_label)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def leakage_table(results: Sequence[Results]) -> pd.DataFrame:
    """Return the leakage record of each protocol: shares of test windows, averaged over the folds.

    Parameters
    ----------
    results : sequence of Results
        Of any models and protocols.

    Returns
    -------
    table : DataFrame
        ``protocol``, what it answers, the four shares, from 0 to 1, and what was done with test data.
    """
    first = {result.protocol_label: result for result in reversed(results)}
    rows = [
        {
            "protocol": label,
            "answers": first[label].splitter.rule.answers,
            **{
                f"test windows that share {name.removeprefix('shared_')}": share
                for name, share in first[label].leakage.shares.items()
            },
            "test data": first[label].leakage.use_of_test_data,
        }
        for label in dict.fromkeys(result.protocol_label for result in results)
    ]
    return pd.DataFrame(rows)


def interval_table(results: Sequence[Results], level: str = "window") -> pd.DataFrame:
    """Mean scores over the people, with their intervals.

    Parameters
    ----------
    results : sequence of Results
        Of any models and protocols.
    level : "window" | "trial"
        Whether windows or whole trials are scored.

    Returns
    -------
    table : DataFrame
        ``protocol, model, subjects``; ``over``, what the interval takes to vary; each of macro-F1, balanced accuracy,
        accuracy and kappa with its 95 % interval in columns named ``... low`` and ``... high``; ``p``, of labels
        dealt anew over stimuli, for the macro-F1 of all people together; and ``refits``, how often the model was
        trained anew for that, with p for the mean over people, or 0 where its predictions were kept.
    """
    rows = []
    for result in results:
        row: dict[str, object] = {"protocol": result.protocol_label, "model": result.model_label}
        for metric in LEADING_METRICS:
            interval, name = confidence_interval(result, metric, level), metric_name(metric)
            row |= {"subjects": interval.n if "subjects" in interval.unit else 1, "over": interval.unit}
            row |= {name: interval.estimate, f"{name} low": interval.low, f"{name} high": interval.high}
        trained_anew = refit_test(result, level)
        tested = trained_anew or label_permutation_test(result, level=level, n_permutations=1999)
        row |= {"p": tested.p, "refits": len(trained_anew.null) if trained_anew else 0}
        rows.append(row)
    return pd.DataFrame(rows)


def interval_text(table: pd.DataFrame, bold: Sequence[tuple[str, str]] = ()) -> pd.DataFrame:
    """Round an :func:`interval_table` for reading.

    Parameters
    ----------
    table : DataFrame
        As :func:`interval_table` gives it.
    bold : sequence of (str, str)
        Protocol and model of those whose macro-F1 is significantly better than that of every other model.

    Returns
    -------
    text : DataFrame
        Of strings, ``0.361 [0.300, 0.420]``; Markdown's bold.
    """
    text = table[["protocol", "model", "subjects", "over"]].astype(str)
    for metric in LEADING_METRICS:
        name = metric_name(metric)
        numbers = table[[name, f"{name} low", f"{name} high"]].to_numpy()
        text[name] = [f"{mean:.3f} [{low:.3f}, {high:.3f}]" for mean, low, high in numbers]
    first = metric_name(LEADING_METRICS[0])
    best = [key in bold for key in zip(table["protocol"], table["model"], strict=True)]
    text.loc[best, first] = "**" + text.loc[best, first] + "**"
    text["p"] = p_text(table)
    return text


def p_text(table: pd.DataFrame) -> list[str]:
    """Round the p of an :func:`interval_table`, and say which test gave it.

    Parameters
    ----------
    table : DataFrame
        As :func:`interval_table` gives it.

    Returns
    -------
    text : list of str
        ``0.0050 (199 refits)``; ``0.0105`` where predictions were kept.
    """
    return [f"{p:.4f}" + (f" ({n} refits)" if n else "") for p, n in zip(table["p"], table["refits"], strict=True)]


def control_table(controls: Sequence[Results]) -> pd.DataFrame:
    """Scores of the controls beside what they should show and what needs no EEG.

    Parameters
    ----------
    controls : sequence of Results
        Evaluations of controls.

    Returns
    -------
    table : DataFrame
        ``protocol, model, control``, what it should show; macro-F1 of all windows together, and that of the best
        baseline under the same folds; kappa, the mean over people with its 95 % interval (NaN for who-is-it).
    """
    rows = []
    for result in controls:
        score, interval = _macro_f1_of_all(result), confidence_interval(result, "kappa")
        row = {
            "protocol": result.protocol_label,
            "model": result.model_label,
            "control": result.control,
            "shows": CONTROLS[result.control or ""].shows,
            "classes": len(result.scheme.classes),
            "macro-F1": score,
            "best macro-F1 without EEG": max(_macro_f1_of_all(baseline) for baseline in result.baselines),
        }
        if result.asks != "subject":  # a person's own windows are of one class there
            row |= {"kappa": interval.estimate, "kappa low": interval.low, "kappa high": interval.high}
        rows.append(row)
    return pd.DataFrame(rows)


def baselines_of(results: Sequence[Results]) -> list[Results]:
    """Return the classifiers that saw no EEG, once for each protocol.

    Parameters
    ----------
    results : sequence of Results
        Of any models and protocols.

    Returns
    -------
    baselines : list of Results
        Under the folds of the first result of each protocol.
    """
    first = {result.protocol_label: result for result in reversed(results)}
    return [baseline for label in reversed(first) for baseline in first[label].baselines]


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
        ".tex": re.sub(r"\*\*(.+?)\*\*", r"\\textbf{\1}", latex)
        .replace("±", r"$\pm$")
        .replace("<", "$<$")
        .replace(">", "$>$"),
    }
    for suffix, content in contents.items():
        with replacing(stem.with_suffix(suffix)) as partial:
            partial.write_text(content, encoding="utf-8")
    return markdown


def _macro_f1_of_all(result: Results) -> float:
    return float(from_confusions(result.confusion(), "macro_f1"))


def _missing(value: object, text: str) -> str:
    return "" if pd.isna(value) else text  # type: ignore[call-overload]


def _latex(text: str) -> str:
    for character in "%&_#":
        text = text.replace(character, "\\" + character)
    return text
