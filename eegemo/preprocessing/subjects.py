"""Normalisation of whole people, which sees test data and says so."""

from __future__ import annotations

import numpy as np

from eegemo.trials import FITTED_ON_ALL, Trials

#: What the provenance and every table call it.
TRANSDUCTIVE = "z-score of each subject over all of its trials"


def zscore_subjects(trials: Trials) -> Trials:
    """Give each channel of each person mean 0 and standard deviation 1 over all of that person's trials.

    Whatever a protocol tests on is among them, so this is *transductive*: no label is used, but a new person must be
    recorded for a while before the first prediction. The leakage record of every result says so.

    Parameters
    ----------
    trials : Trials
        Of any dataset.

    Returns
    -------
    trials : Trials
        With a new strip in RAM, in standard deviations instead of microvolts; baselines do not count, and are scaled
        alike. A channel that never changes becomes 0.
    """
    signals = np.array(trials.signals)
    table = trials.table
    for subject in table["subject"].unique():
        numbers = np.flatnonzero(table["subject"] == subject)
        parts = [trials.trial_data(int(number)) for number in numbers]
        n = sum(part.shape[1] for part in parts)
        mean = sum(part.sum(axis=1, dtype=np.float64) for part in parts) / n
        variance = sum(((part - mean[:, None]) ** 2).sum(axis=1) for part in parts) / n
        scale = np.sqrt(np.where(variance > 0, variance, np.inf))
        for start, n_times in table[["start", "n_times"]].iloc[numbers].to_numpy():
            own = slice(start, start + n_times)
            signals[own] = (trials.signals[own] - mean) / scale
    done = list(dict.fromkeys([*trials.provenance.get(FITTED_ON_ALL, ()), TRANSDUCTIVE]))
    return Trials(
        signals,
        table,
        trials.ch_names,
        trials.sfreq,
        dataset=trials.dataset,
        simulated=trials.simulated,
        ch_types=trials.ch_types,
        provenance={**trials.provenance, FITTED_ON_ALL: done},
    )
