"""What a reader takes in first: the answer in words, one table, one number."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from eegemo.evaluation.intervals import confidence_interval
from eegemo.evaluation.results import Results
from eegemo.reporting.tables import baselines_of


def headline_table(results: Sequence[Results]) -> pd.DataFrame:
    """Macro-F1 of windows, a row for each model and for each baseline that saw no EEG, a column for each protocol.

    Parameters
    ----------
    results : sequence of Results
        Of any models and protocols.

    Returns
    -------
    table : DataFrame
        Of text: the mean over people with its 95 % interval, and how often a network collapsed.
    """
    rows: dict[str, dict[str, str]] = {}
    for prefix, some in (("", results), ("no EEG: ", baselines_of(results))):
        for result in some:
            interval = confidence_interval(result, "macro_f1")
            collapsed = result.model_label.removeprefix(result.model)
            rows.setdefault(prefix + result.model, {})[result.protocol_label] = f"{interval}{collapsed}"
    protocols = list(dict.fromkeys(result.protocol_label for result in results))
    table = pd.DataFrame.from_dict(rows, orient="index", columns=None).reindex(columns=protocols)
    return table.fillna("").rename_axis("model").reset_index()


def answer_of(results: Sequence[Results]) -> str:
    """Say what the best model of each protocol reaches, and what needs no EEG.

    Parameters
    ----------
    results : sequence of Results
        Of any models and protocols.

    Returns
    -------
    text : str
        One sentence.
    """
    parts = []
    for best, baseline in _best_of_each_protocol(results):
        leaks = ", which leaks," if best.verdict.startswith("LEAKS") else ""
        parts.append(
            f"under {best.protocol_label}{leaks} the best model, {best.model_label}, reaches "
            f"{confidence_interval(best, 'macro_f1')}, and {baseline.model}, without any EEG, {_macro_f1(baseline):.3f}"
        )
    return f"In macro-F1 of windows: {'; '.join(parts)}."


def headline_of(results: Sequence[Results]) -> str:
    """Say in a few words what the best model of each protocol reaches.

    Parameters
    ----------
    results : sequence of Results
        Of any models and protocols.

    Returns
    -------
    text : str
    """
    best = [
        f"{_macro_f1(one):.2f} under {one.protocol_label}{' (leaks)' * one.verdict.startswith('LEAKS')}, without EEG "
        f"{_macro_f1(baseline):.2f}"
        for one, baseline in _best_of_each_protocol(results)
    ]
    return f"Best macro-F1 {'; '.join(best)}"


def _best_of_each_protocol(results: Sequence[Results]) -> list[tuple[Results, Results]]:
    """Return the best model of each protocol with the best baseline on its folds."""
    found = []
    for protocol in dict.fromkeys(result.protocol_label for result in results):
        best = max((result for result in results if result.protocol_label == protocol), key=_macro_f1)
        found.append((best, max(best.baselines, key=_macro_f1)))
    return found


def _macro_f1(result: Results) -> float:
    return float(result.of_subjects()["macro_f1"].mean())
