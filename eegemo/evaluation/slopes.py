"""Slopes: by how much a feature rises with a rating, within people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from eegemo.evaluation.comparisons import holm
from eegemo.features.bands import BANDS, DifferentialEntropy
from eegemo.windows import Windows


def rating_slopes(
    windows: Windows, ratings: Sequence[str] = ("valence", "arousal"), *, points: float = 2.0, alpha: float = 0.05
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measure by how much differential entropy rises with each rating, a straight line within each person.

    Parameters
    ----------
    windows : Windows
        Of people who rated.
    ratings : sequence of str
        Columns of the trial table.
    points : float
        The step of a rating that a slope is for.
    alpha : float
        Level of the test.

    Returns
    -------
    slopes : DataFrame
        Mean over people, in nats; a row for each (rating, band), a column for each channel.
    significant : DataFrame
        Of bool: where the mean differs from 0 (Student's t over people, Holm's correction over all of the table).

    References
    ----------
    Holm 1979 (Scand J Stat 6:65-70).
    """
    trials, names = windows.trials.table, list(windows.trials.ch_names)
    entropy = DifferentialEntropy().fit(windows).transform(windows)
    of_trials = pd.DataFrame(entropy).groupby(windows.trial_index).mean()
    rated = trials.loc[of_trials.index, list(ratings)].to_numpy() / points
    slopes = []
    for _, rows in trials.loc[of_trials.index].reset_index(drop=True).groupby("subject"):
        own = rows.index.to_numpy()
        design = np.column_stack([np.ones(len(own)), rated[own]])
        slopes.append(np.linalg.lstsq(design, of_trials.to_numpy()[own], rcond=None)[0][1:])
    index = pd.MultiIndex.from_product([ratings, BANDS], names=["rating", "band"])

    def table(values: np.ndarray) -> pd.DataFrame:
        by_band = values.reshape(len(ratings), len(names), len(BANDS)).swapaxes(1, 2).reshape(-1, len(names))
        return pd.DataFrame(by_band, index=index, columns=names)

    by_subject = np.stack(slopes)
    p = stats.ttest_1samp(by_subject, 0).pvalue if len(by_subject) > 1 else np.ones(by_subject.shape[1:])
    return table(by_subject.mean(axis=0)), table(holm(p.ravel()).reshape(p.shape)) < alpha
