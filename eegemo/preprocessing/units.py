"""Whether the EEG of a recording can be in volts, as MNE has it."""

from __future__ import annotations

import mne
import numpy as np

from eegemo._warnings import warn_caller

_LARGEST, _LEAST = 1e-3, 1e-9  # V; EEG varies by 1 to 100 µV within a second, and what is in microvolts by millions
_FROM_MICROVOLTS = 0.1  # V; below it, and above _LARGEST, lies what is in millivolts
_BLOCKS = 60  # seconds that are looked at, spread over the recording
_FEWEST = 4  # channels of which something can be common to all
_Z_SCORED = 0.1  # from a standard deviation of 1


#: How the warning begins.
UNITS_WARNING = "The EEG varies by"


def warn_of_units(raw: mne.io.BaseRaw) -> None:
    """Warn of EEG that varies as if microvolts or millivolts had been taken for volts, or the other way round.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        A recording in memory.
    """
    message = wrong_unit(raw)
    if message:
        warn_caller(message)


def wrong_unit(raw: mne.io.BaseRaw, *, standardised: bool = False) -> str:
    """Say in what unit the EEG of a recording seems to be, if not in volts.

    What counts is the median over channels and seconds of the standard deviation within a second, without what all
    channels have in common: no electrode's offset, drift or mains makes an alarm, and neither does a recording that was
    standardised, all of whose channels have a standard deviation near 1.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        A recording in memory.
    standardised : bool
        Whether a recording that was standardised is to be told of, too.

    Returns
    -------
    message : str
        Empty where it can be in volts.
    """
    picks = mne.pick_types(raw.info, meg=False, eeg=True)
    n_second = max(2, round(raw.info["sfreq"]))
    if not len(picks) or raw.n_times < n_second:
        return ""
    firsts = np.unique(np.linspace(0, raw.n_times - n_second, _BLOCKS).astype(int))
    seconds = np.stack([raw.get_data(picks=picks, start=first, stop=first + n_second) for first in firsts])
    spread = seconds.transpose(1, 0, 2).reshape(len(picks), -1).std(axis=1)
    if not standardised and np.abs(spread - 1).max() < _Z_SCORED:
        return ""
    if len(picks) >= _FEWEST:
        seconds -= np.median(seconds, axis=1, keepdims=True)
    size = float(np.median(seconds.std(axis=2)))
    if size > _LARGEST:
        unit, factor = ("microvolts", "1e-6") if size > _FROM_MICROVOLTS else ("millivolts", "1e-3")
        taken = f"{unit} that were taken for volts"
    elif 0 < size < _LEAST:
        taken, factor = "volts that were taken for microvolts", "1e6"
    else:
        return ""
    return (
        f"{UNITS_WARNING} {1e6 * size:.3g} µV within a second, as of {taken}; real EEG by 1 to 100 µV. Save it "
        f"in volts - raw.load_data().apply_function(lambda x: x * {factor}) - or mend the physical dimension in the "
        "file's header."
    )
