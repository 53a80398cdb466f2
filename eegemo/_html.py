"""Small tables for notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from eegemo.trials import Trials


def html_table(title: str, rows: Mapping[str, object]) -> str:
    """Show what something is as a table of two columns.

    Parameters
    ----------
    title : str
        Over the table.
    rows : dict of str -> object
        Names and values, shown as text.

    Returns
    -------
    html : str
        Everything in it is escaped.
    """
    cells = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th><td style='text-align:left'>{escape(str(value))}</td></tr>"
        for name, value in rows.items()
    )
    return f"<table><caption style='text-align:left'><b>{escape(title)}</b></caption><tbody>{cells}</tbody></table>"


def trials_html(trials: Trials) -> str:
    """Show what trials are: how many, of whom, how long, which channels.

    Parameters
    ----------
    trials : Trials
        Of any dataset.

    Returns
    -------
    html : str
    """
    table = trials.table
    seconds = np.unique((table["n_times"] - table["n_baseline"]) / trials.sfreq)
    low, high = trials.pass_band
    known = f"{low or 0:g} to {high or trials.sfreq / 2:g} Hz"
    names = trials.ch_names
    rows = {
        "trials": f"{len(trials)} of {table['subject'].nunique()} subjects, {table['stimulus'].nunique()} stimuli",
        "length": " to ".join(dict.fromkeys(f"{length:g} s" for length in (*seconds[:1], *seconds[-1:]))),
        "channels": f"{len(names)}: {', '.join(names[:6])}{', ...' * (len(names) > 6)}",
        "sampling rate": f"{trials.sfreq:g} Hz",
        "pass band": "not known" if low is None and high is None else known,
        "columns": ", ".join(map(str, table.columns)),
    }
    return html_table(f"Trials: {trials.dataset}{', simulated' * trials.simulated}", rows)
