"""A figure of what a model says over the time of a recording."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from eegemo.errors import ConfigError
from eegemo.reporting.figures import COLOURS

_LINE = 190  # letters in a line below the figure
_UNEVEN = 1e-3  # of a step; seconds are rounded


def probabilities_figure(table: pd.DataFrame) -> Figure:
    """Draw the probabilities of each window over time, stacked; what annotations call bad is hatched.

    Parameters
    ----------
    table : DataFrame
        What :func:`eegemo.predict_recording` gave.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Below it stands what is known of the model: under which protocol it was measured, and its scores.

    Raises
    ------
    ConfigError
        If the table is another one.
    """
    names = [str(name) for name in table if str(name).startswith("p_")]
    if not names or not {"time", "bad"} <= set(table) or "duration" not in table.attrs:
        raise ConfigError("The table of predict_recording(...) was expected, as it was given.")
    time, duration = table["time"].to_numpy(), float(table.attrs["duration"])
    step = float(np.diff(time).min()) if len(time) > 1 else duration
    # A window speaks of its own length; where windows overlap, each is drawn around its middle.
    left = time + (duration - step) / 2
    told = [part for line in str(table.attrs["model"]).split("\n") for part in textwrap.wrap(line, _LINE)]
    figure = Figure(figsize=(10, 3.4 + 0.16 * len(told)), layout="constrained")
    ax = figure.subplots()
    # Windows behind a pause of the recording, in which nothing stands.
    behind = np.flatnonzero(np.diff(left) > step * (1 + _UNEVEN)) + 1
    edges = np.insert(np.append(left, left[-1] + step), behind, left[behind - 1] + step)
    below = np.insert(np.zeros(len(table)), behind, np.nan)
    for number, name in enumerate(names):
        above = below + np.insert(table[name].to_numpy(float), behind, 0)
        ax.stairs(above, edges, baseline=below, fill=True, color=COLOURS[number % len(COLOURS)], label=name[2:])
        below = above
    if table["bad"].any():
        bad = np.insert(table["bad"].to_numpy(float), behind, 0)
        ax.stairs(bad, edges, fill=True, facecolor="none", edgecolor="black", hatch="///", label="bad", lw=0)
    ax.set(xlabel="time (s)", ylabel="probability", xlim=(edges[0], edges[-1]), ylim=(0, 1))
    ax.spines[["top", "right"]].set_visible(False)
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=len(names) + 1, frameon=False)
    figure.supxlabel("\n".join(told), fontsize=7, x=0.01, ha="left", parse_math=False)
    return figure
