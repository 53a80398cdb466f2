"""Several datasets put together: the channels, rate, band and reference that all of them can have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import mne
import numpy as np
import pandas as pd

from eegemo._electrodes import OLD_NAMES, found_as
from eegemo._numbers import finite
from eegemo._origins import FIRST_SAMPLE, RECORDING
from eegemo._trial_parts import DATASET, SESSION, TRIALS_NOT_KNOWN, UNIT
from eegemo.errors import ConfigError, suggest_keywords
from eegemo.labels import LabelScheme, categories
from eegemo.preprocessing.channels import average_reference
from eegemo.preprocessing.filters import band_pass, downsample
from eegemo.trials import FITTED_ON_ALL, Trials

#: Edges in Hz where no dataset has any: DEAP's.
_BAND = (4.0, 45.0)
_OF_NYQUIST = 0.8  # what down-sampling keeps untouched
LABEL = "label"


@suggest_keywords
def combine_datasets(
    parts: Mapping[str, tuple[Trials, LabelScheme]],
    *,
    channels: Sequence[str] | None = None,
    sfreq: float | None = None,
    band: tuple[float, float] | None = None,
    reference: Literal["average"] | None = "average",
) -> tuple[Trials, LabelScheme]:
    """Put datasets together, such that nothing but their people, stimuli and laboratories differs.

    Parameters
    ----------
    parts : mapping of str -> (Trials, LabelScheme)
        From the name of each dataset to its trials, in microvolts, and the rule that labels them, by its own scale. All
        rules must have the same classes.
    channels : sequence of str | None
        Which; by default all EEG channels that every dataset has, in the order of the first. T3, T4, T5 and T6 are T7,
        T8, P7 and P8.
    sfreq : float | None
        In Hz; the lowest rate by default.
    band : (float, float) | None
        Pass band in Hz. By default what the recordings have in common: the highest of their lower edges, and the lowest
        of their upper ones (4 and 45 Hz where none is known), below 0.8 of the new Nyquist frequency. Trials that were
        recorded in that band are not filtered again.
    reference : "average" | None
        Whether each is referenced to the mean of the common channels: laboratories have references of their own.

    Returns
    -------
    trials : Trials
        In RAM. ``dataset`` names the dataset of each trial; ``subject`` and ``stimulus`` have it before their own
        names, so that no two are taken for one; ``label`` is the class.
    scheme : LabelScheme
        Reads ``label``.

    Raises
    ------
    ConfigError
        If there are fewer than two datasets, they have too few channels in common, their rules have other classes, some
        were simulated and some not, or a rate or band cannot be had.
    DataFormatError
        If a trial cannot be labelled, or is shorter than the filter.

    See Also
    --------
    eegemo.zscore_subjects : Takes out what is each person's own, without labels, and says so.

    Examples
    --------
    >>> from eegemo import combine_datasets, high_low, simulate
    >>> scheme = high_low("valence")
    >>> here, there = simulate([1], channels=["F3", "F4", "Oz"]), simulate([2], channels=["F4", "F3"])
    >>> trials, scheme = combine_datasets({"here": (here, scheme), "there": (there, scheme)})
    >>> trials.ch_names, trials.table["subject"].unique().tolist(), scheme.classes
    (('F3', 'F4'), ['here 1', 'there 2'], ('low', 'high'))
    """
    if not isinstance(parts, Mapping) or len(parts) < 2:
        raise ConfigError("Two datasets at least were expected, as {'name': (trials, scheme), ...}.")
    for name, part in parts.items():
        there = part if isinstance(part, Sequence) and len(part) == 2 else (None, None)
        if not isinstance(there[0], Trials) or not isinstance(there[1], LabelScheme):
            raise ConfigError(f"{name}: (trials, scheme) were expected, such as (load(folder), quadrants()).")
    classes = {name: scheme.classes for name, (_, scheme) in parts.items()}
    if len(set(classes.values())) > 1:
        raise ConfigError(f"The rules have other classes: {', '.join(f'{n} {c}' for n, c in classes.items())}.")
    if len({trials.simulated for trials, _ in parts.values()}) == 2:
        raise ConfigError("Some of the datasets were simulated and some not; a table of both has no meaning.")
    selected = {name: scheme.select(trials) for name, (trials, scheme) in parts.items()}
    names = _common_channels(selected, channels)
    rate = min(trials.sfreq for trials in selected.values()) if sfreq is None else finite("sfreq", sfreq)
    edges = _common_band(list(selected.values()), rate) if band is None else band
    signals, tables = [], []
    n_samples = 0
    for name, trials in selected.items():
        found = found_as(names, trials.ch_names)
        own = trials.pick([found[channel] for channel in names])
        made = [_made_alike(own, number, rate, edges, reference) for number in range(len(own))]
        signals += made
        table = _renamed(own, name, trials.sfreq / rate)
        n_times = np.array([len(samples) for samples in made], np.int64)
        start = n_samples + np.cumsum(n_times) - n_times
        labels = [parts[name][1].classes[number] for number in parts[name][1](trials)]
        tables.append(table.assign(start=start, n_times=n_times, label=labels))
        n_samples += int(n_times.sum())
    everything = list(selected.values())
    fitted = dict.fromkeys(step for trials in everything for step in trials.provenance.get(FITTED_ON_ALL, ()))
    provenance: dict[str, Any] = {
        "source": "eegemo.combine_datasets",
        "pass_band": list(edges),
        "reference": reference,
        "parts": {name: {"dataset": trials.dataset, **trials.provenance} for name, trials in selected.items()},
    }
    provenance |= {FITTED_ON_ALL: list(fitted)} if fitted else {}
    provenance |= {TRIALS_NOT_KNOWN: True} if any(t.provenance.get(TRIALS_NOT_KNOWN) for t in everything) else {}
    together = Trials(
        np.concatenate(signals),
        _placed(pd.concat(tables, ignore_index=True)),
        names,
        rate,
        dataset=" + ".join(parts),
        simulated=everything[0].simulated,
        provenance=provenance,
    )
    return together, categories(LABEL, next(iter(classes.values())))


def _common_channels(parts: Mapping[str, Trials], wanted: Sequence[str] | None) -> tuple[str, ...]:
    eeg = {
        name: [channel for channel, kind in zip(t.ch_names, t.ch_types, strict=True) if kind == "eeg"]
        for name, t in parts.items()
    }
    first = [OLD_NAMES.get(channel, channel) for channel in next(iter(eeg.values()))]
    asked = first if wanted is None else list(wanted)
    lacking = {name: sorted(set(asked) - set(found_as(asked, own))) for name, own in eeg.items()}
    if wanted is not None and any(lacking.values()):
        said = "; ".join(f"{name} lacks {', '.join(names)}" for name, names in lacking.items() if names)
        raise ConfigError(f"Not every dataset has these channels: {said}.")
    common = tuple(channel for channel in asked if not any(channel in names for names in lacking.values()))
    if len(common) < 2:
        raise ConfigError(f"The datasets have {len(common)} EEG channels in common, by name; two at least are needed.")
    return common


def _common_band(parts: Sequence[Trials], sfreq: float) -> tuple[float, float]:
    lows, highs = zip(*(trials.pass_band for trials in parts), strict=True)
    low = max((edge for edge in lows if edge is not None), default=_BAND[0])
    high = min((edge for edge in highs if edge is not None), default=_BAND[1])
    return low, min(high, _OF_NYQUIST * sfreq / 2)


def _made_alike(
    trials: Trials, number: int, sfreq: float, band: tuple[float, float], reference: str | None
) -> np.ndarray:
    """Return one trial, its baseline included, at the rate and in the band wanted; shape (n_times, n_channels)."""
    samples = trials.trial_data(number, baseline=True)
    if trials.sfreq == sfreq and trials.pass_band == tuple(band):
        if reference is not None:
            samples = samples - samples.mean(axis=0)
        return np.ascontiguousarray(samples.T, np.float32)
    info = mne.create_info(list(trials.ch_names), trials.sfreq, "eeg")
    raw: mne.io.BaseRaw = mne.io.RawArray(samples * 1e-6, info, verbose="error")
    if trials.sfreq != sfreq:
        raw = downsample(raw, sfreq)
    if trials.pass_band != tuple(band):
        raw = band_pass(raw, *band, copy=False)
    if reference is not None:
        raw = average_reference(raw, copy=False)
    return np.ascontiguousarray(raw.get_data().T * 1e6, np.float32)


def _renamed(trials: Trials, name: str, slower: float) -> pd.DataFrame:
    """Return the table of trials, with the dataset's name before what is called alike in others."""
    table = trials.table
    kept = [column for column in ("subject", "trial", "stimulus", SESSION, UNIT) if column in table]
    renamed = table[kept].astype(object).reset_index(drop=True)
    for column in ("subject", "stimulus"):
        given = renamed[column].notna()
        renamed.loc[given, column] = f"{name} " + renamed.loc[given, column].astype(str)
    renamed[DATASET] = name
    renamed["n_baseline"] = np.round(table["n_baseline"].to_numpy() / slower).astype(np.int64)
    if trials.origins is not None:
        renamed[RECORDING] = f"{name} " + table[RECORDING].astype(str).to_numpy()
        renamed[FIRST_SAMPLE] = np.floor(table[FIRST_SAMPLE].to_numpy(float) / slower)
    return renamed


def _placed(table: pd.DataFrame) -> pd.DataFrame:
    """Give trials a place of their own where those of another dataset have places in their recordings."""
    if RECORDING not in table:
        return table
    alone = table[RECORDING].isna()
    own = pd.Series([f"trial {row}" for row in range(len(table))], table.index)
    return table.assign(
        recording=table[RECORDING].where(~alone, own), first_sample=table[FIRST_SAMPLE].where(~alone, 0.0)
    )
