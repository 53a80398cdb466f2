"""The provenance of runs, as the HTML report shows it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from eegemo.evaluation.results import Results

#: The entries of a run's provenance by heading; what is named nowhere stands under "Other".
_CONFIGURATION = {
    "Classifier": ("classifier", "parameters"),
    "Protocol": ("protocol", "n_folds", "split_hash", "control"),
    "Labels and windows": ("scheme", "classes", "window", "ch_names"),
    "Data": ("dataset", "simulated", "data_fingerprint", "data"),
    "Software and machine": ("fingerprint", "python", "packages", "backend", "commit", "machine", "made_with"),
    "Cost": ("seconds", "seconds_per_fold", "peak_memory_mb"),
}
_SHOWN_ELSEWHERE = {"model", "leakage", "smoke"}


def name_of(run: Results) -> str:
    """Return what a run is called in a sentence.

    Parameters
    ----------
    run : Results
        Any run.

    Returns
    -------
    name : str
    """
    return f"{run.model} under {run.protocol_label}" + (f", {run.control}" if run.control else "")


def named_runs(chosen: Sequence[Results], runs: Sequence[Results]) -> list[str] | None:
    """Name some of the runs of a page.

    Parameters
    ----------
    chosen, runs : sequence of Results
        Those to be named, and all.

    Returns
    -------
    names : list of str | None
        An empty list stands for all of them, None for none.
    """
    if not chosen:
        return None
    return [] if len(chosen) == len(runs) else [name_of(run) for run in chosen]


def shown_run(run: Results) -> dict[str, Any]:
    """Return what the report shows of a run: its cost, and its provenance by headings.

    Parameters
    ----------
    run : Results
        Any run.

    Returns
    -------
    shown : dict
        As the template takes it.
    """
    made = run.provenance
    headed = {heading: {key: made[key] for key in keys if key in made} for heading, keys in _CONFIGURATION.items()}
    named = _SHOWN_ELSEWHERE.union(*_CONFIGURATION.values())
    headed["Other"] = {key: value for key, value in made.items() if key not in named}
    return {
        "name": name_of(run),
        "model": run.model_label,
        "protocol": run.protocol_label,
        "control": run.control or "",
        "folds": f"{len(run.folds)} of {made['n_folds']}",
        "parameters": "" if run.folds[0].n_parameters is None else f"{run.folds[0].n_parameters:,}",
        "seconds": f"{made['seconds']:.1f}",
        "memory": "" if made["peak_memory_mb"] is None else f"{made['peak_memory_mb']:.0f}",
        "commit": made["commit"] or "not known",
        "fingerprint": made["fingerprint"],
        "headed": {heading: _flat(values) for heading, values in headed.items() if values},
    }


def _flat(values: dict[str, Any], above: str = "") -> list[tuple[str, str, bool]]:
    """Return names and values as text, and whether the text is JSON of many lines."""
    rows: list[tuple[str, str, bool]] = []
    for key, value in values.items():
        name = f"{above}{key}"
        if isinstance(value, dict) and value:
            rows += _flat(value, f"{name}.")
        elif isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
            rows.append((name, json.dumps(value, indent=1, ensure_ascii=False), True))
        else:
            several = isinstance(value, list)
            rows.append((name, ", ".join(map(_as_text, value)) if several else _as_text(value), False))
    return rows


def _as_text(value: Any) -> str:
    return {None: "none", True: "yes", False: "no"}[value] if value is None or isinstance(value, bool) else str(value)
