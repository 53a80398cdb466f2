"""What MNE's epochs carry with them of the trials that they were made of, so that it is not forgotten on the way."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mne
import numpy as np
import pandas as pd

from eegemo._json import as_json
from eegemo._trial_parts import FITTED_ON_ALL
from eegemo.errors import ConfigError, DataFormatError

if TYPE_CHECKING:
    from eegemo.trials import Trials

#: The column of the metadata, and the entry of the description in ``epochs.info``, under which it stands.
RECORD = "eegemo"
_PASS_BAND = "pass_band"


@dataclass(frozen=True, eq=False)
class EpochsRecord:
    """What is known of the trials that epochs were made of.

    Parameters
    ----------
    dataset : str
        Its name; those of several, where epochs of several were put together.
    simulated : bool
        Whether nobody was recorded.
    provenance : dict
        Of the trials; where they were several, what must not be lost of each.
    sfreq : array, shape (n_epochs,)
        Sampling rate of the trials in Hz, whatever that of the epochs is now.
    n_baseline : array of int, shape (n_epochs,)
        Samples of the trials before time 0.
    apart : bool
        Whether the trials were known to have no samples in common.
    """

    dataset: str
    simulated: bool
    provenance: dict[str, Any]
    sfreq: np.ndarray
    n_baseline: np.ndarray
    apart: bool


def write_record(trials: Trials, n_baseline: int, info: mne.Info, metadata: pd.DataFrame) -> None:
    """Note in the description and the metadata of epochs what trials they are made of.

    The description holds everything, but of epochs that are put together only the first ones' is kept; the metadata
    hold for each epoch what must not be lost.

    Parameters
    ----------
    trials : Trials
        What they are made of.
    n_baseline : int
        Samples before time 0.
    info, metadata : mne.Info, DataFrame
        Of the epochs; they are changed.
    """
    facts = {
        "dataset": trials.dataset,
        "simulated": trials.simulated,
        "sfreq": trials.sfreq,
        "n_baseline": n_baseline,
        "apart": trials.origins is None or trials.origins.apart,
        _PASS_BAND: trials.pass_band,
        FITTED_ON_ALL: trials.provenance.get(FITTED_ON_ALL, ()),
    }
    info["description"] = json.dumps({RECORD: {"facts": facts, "provenance": as_json(trials.provenance)}})
    metadata[RECORD] = json.dumps(facts)


def read_record(epochs: mne.BaseEpochs) -> EpochsRecord | None:
    """Read what trials epochs were made of.

    Parameters
    ----------
    epochs : mne.BaseEpochs
        With metadata, and without bad epochs.

    Returns
    -------
    record : EpochsRecord | None
        None where they come from elsewhere.

    Raises
    ------
    DataFormatError
        If some of them were made of trials and some not.
    ConfigError
        If some of the trials were simulated and some not.
    """
    described = _described(epochs.info)
    noted = epochs.metadata.get(RECORD)
    if noted is None or noted.isna().all():
        if described is None:
            return None
        noted = pd.Series([json.dumps(described["facts"])] * len(epochs.metadata))
    if noted.isna().any():
        raise DataFormatError(
            f"{noted.isna().sum()} of {len(noted)} epochs were not made by Trials.to_epochs(), and the others were; "
            "take each kind alone."
        )
    try:
        facts = {text: dict(json.loads(text)) for text in noted.unique()}
    except (TypeError, ValueError) as error:
        raise DataFormatError(
            f"The metadata have a column {RECORD!r} that Trials.to_epochs() did not write ({error}); call yours "
            "otherwise."
        ) from error
    known = list(facts.values())
    if len({one["simulated"] for one in known}) == 2:
        raise ConfigError("Some of the epochs were simulated and some not; a table of both has no meaning.")
    if described is not None and all(one == described["facts"] for one in known):
        provenance = described["provenance"]
    else:
        fitted = dict.fromkeys(step for one in known for step in one[FITTED_ON_ALL])
        provenance = {FITTED_ON_ALL: list(fitted)} if fitted else {}
    lows, highs = zip(*(one[_PASS_BAND] for one in known), strict=True)
    widest = (None if None in lows else min(lows), None if None in highs else max(highs))
    return EpochsRecord(
        dataset=" + ".join(dict.fromkeys(one["dataset"] for one in known)),
        simulated=known[0]["simulated"],
        provenance={**provenance, **pass_band_of(epochs.info, widest)},
        sfreq=noted.map({text: one["sfreq"] for text, one in facts.items()}).to_numpy(float),
        n_baseline=noted.map({text: one["n_baseline"] for text, one in facts.items()}).to_numpy(int),
        apart=all(one["apart"] for one in known),
    )


def pass_band_of(
    info: mne.Info, before: tuple[float | None, float | None] = (None, None)
) -> dict[str, list[float | None]]:
    """Return the entry of the provenance that tells the pass band, if there is any limit.

    Parameters
    ----------
    info : mne.Info
        Of the epochs, whose filters MNE has noted.
    before : (float | None, float | None)
        Edges in Hz of what they were made of.

    Returns
    -------
    entry : dict
        Empty where nothing limits it.
    """
    low, high = info["highpass"] or None, info["lowpass"]
    if high is not None and high > info["sfreq"] / 2 - 1e-3:  # the sampling rate is the limit
        high = None
    band = [_chosen(max, before[0], low), _chosen(min, before[1], high)]
    return {} if band == [None, None] else {_PASS_BAND: band}


def _chosen(choose: Any, *edges: float | None) -> float | None:
    known = [float(edge) for edge in edges if edge is not None]
    return choose(known) if known else None


def _described(info: mne.Info) -> dict[str, Any] | None:
    """Return what stands in the description, where it is one that was written here."""
    try:
        return json.loads(info["description"] or "")[RECORD]
    except (ValueError, TypeError, KeyError):
        return None
