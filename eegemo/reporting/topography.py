"""Maps of the scalp."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from eegemo.errors import ConfigError


def topography_figure(
    maps: Mapping[str, pd.DataFrame],
    *,
    title: str,
    note: str,
    unit: str,
    significant: pd.DataFrame | None = None,
) -> Figure:
    """Draw maps of the scalp: a row for each table and each of its rows, a column for each band.

    Parameters
    ----------
    maps : mapping of str -> DataFrame, index ``(rating, band)``, columns channels
        Tables by their names, such as what was measured and what was simulated. The rows of a table and a rating have
        one scale of colours.
    title, note, unit : str
        Above, below, and beside the colours.
    significant : DataFrame of bool | None
        Shaped as the first table: the channels to mark in it.

    Returns
    -------
    figure : matplotlib.figure.Figure

    Raises
    ------
    ConfigError
        If a channel has no place in the 10-05 system.
    """
    import mne

    first = next(iter(maps.values()))
    ratings, bands = (list(dict.fromkeys(first.index.get_level_values(level))) for level in ("rating", "band"))
    rows = [(rating, name) for rating in ratings for name in maps]
    figure, axes = plt.subplots(
        len(rows), len(bands), figsize=(2.2 * len(bands) + 2.2, 2.1 * len(rows) + 1.2), squeeze=False
    )
    figure.subplots_adjust(left=0.16, right=0.87, top=1 - 0.8 / (2.1 * len(rows) + 1.2), bottom=0.09, hspace=0.12)
    for (rating, name), row in zip(rows, axes, strict=True):
        table = maps[name]
        info = positions(list(table.columns))
        limit = float(np.abs(table.loc[rating].to_numpy()).max()) or 1.0
        for band, ax in zip(bands, row, strict=True):
            marked = None
            if significant is not None and table is first:
                marked = significant.loc[(rating, band)].to_numpy(bool)
            mne.viz.plot_topomap(
                table.loc[(rating, band)].to_numpy(float),
                info,
                axes=ax,
                show=False,
                cmap="RdBu_r",
                vlim=(-limit, limit),
                contours=0,
                image_interp="linear",  # a smoother one would show more than lies at any electrode
                mask=marked,
                mask_params={"marker": "o", "markerfacecolor": "white", "markeredgecolor": "black", "markersize": 5},
            )
        row[0].text(-0.12, 0.5, f"{rating}\n{name}", transform=row[0].transAxes, ha="right", va="center", fontsize=10)
        box = row[-1].get_position()
        bar = figure.colorbar(row[0].images[0], cax=figure.add_axes((0.89, box.y0 + 0.01, 0.014, box.height - 0.02)))
        bar.set_label(unit, fontsize=8)
        bar.ax.tick_params(labelsize=8)
    for band, ax in zip(bands, axes[0], strict=True):
        ax.set_title(band, fontsize=11)
    figure.suptitle(title, fontsize=12)
    figure.text(0.02, 0.012, note, fontsize=8, ha="left", va="bottom", wrap=True)
    plt.close(figure)  # of pyplot's; it can still be written
    return figure


def positions(ch_names: Sequence[str]) -> object:
    """Return MNE's info of EEG channels at their places on a head of average size.

    Parameters
    ----------
    ch_names : sequence of str
        Of the 10-05 system.

    Returns
    -------
    info : mne.Info

    Raises
    ------
    ConfigError
        If a name is not in the 10-05 system.
    """
    import mne

    info = mne.create_info(list(ch_names), 128.0, "eeg")
    try:
        info.set_montage("colin27_1005")
    except ValueError as error:
        raise ConfigError(f"A map needs channels of the 10-05 system, got {', '.join(ch_names)}.") from error
    return info
