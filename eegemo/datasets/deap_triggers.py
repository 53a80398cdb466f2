"""The trigger channel of DEAP's raw recordings: its names, its codes, and which video each of its starts belongs to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from eegemo._paths import as_path
from eegemo.errors import DataFormatError
from eegemo.preprocessing.reading import read_recording

if TYPE_CHECKING:
    import mne

OFF_BY_SECONDS = 5.0  # between a trigger and the time in the sheet; trials lie more than a minute apart
_VIDEO_STARTS = 4  # the trigger's code
_LOW_BYTE = 0xFF  # s24-s32 carry 0x18FF00 or 0x58FF00 above the code
_CLEARLY_SECONDS = 1.0  # by so much the second best match must be worse


def read_deap_raw(path: str | os.PathLike[str]) -> mne.io.BaseRaw:
    """Open one raw recording, with its trigger channel named ``Status`` whatever the file calls it.

    Parameters
    ----------
    path : path-like
        ``sNN.bdf``.

    Returns
    -------
    raw : mne.io.BaseRaw
        Not preloaded; its trigger channel is of type ``stim``.

    Raises
    ------
    DataFormatError
        If it is no BDF file, is cut short, or lacks the trigger channel.
    """
    path = as_path(path)
    raw = read_recording(path, stim_channel=-1)
    name = raw.ch_names[-1]
    # s01-s23 have 48 channels and 'Status'; s24-s28 an empty name; in s29-s32 MNE calls two empty names '-0' and '-1'.
    if name not in ("Status", "", "-1"):
        raise DataFormatError(
            f"{path.name}: there is no trigger channel: the last one is {name!r}, expected 'Status' or one without a "
            "name; is this a recording of DEAP?"
        )
    if name != "Status":
        raw.rename_channels({name: "Status"}, verbose="error")
    return raw


def find_onsets(raw: mne.io.BaseRaw) -> np.ndarray:
    """Find when the videos start: rising edges of code 4 in the trigger's low byte.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        From :func:`read_deap_raw`.

    Returns
    -------
    onsets : array, shape (n_onsets,)
        Seconds from the recording's first sample, ascending.
    """
    codes = raw.get_data(picks=["Status"])[0].astype(np.int64) & _LOW_BYTE
    starts = (codes == _VIDEO_STARTS) & (np.r_[0, codes[:-1]] != _VIDEO_STARTS)
    return np.flatnonzero(starts) / raw.info["sfreq"]


def match_onsets(onsets: np.ndarray, start_times: np.ndarray) -> np.ndarray:
    """Tell which presentation each onset belongs to, from the gaps between them.

    Parameters
    ----------
    onsets : array, shape (n_onsets,)
        Seconds, ascending; at most one each presentation.
    start_times : array, shape (n_trials,)
        When the sheet says that the videos started, in seconds by another clock.

    Returns
    -------
    presentation : array of int, shape (n_onsets,)
        Numbers from 0, ascending.

    Raises
    ------
    DataFormatError
        If there are more onsets than presentations; or fewer, and their gaps fit the sheet in no way or in several.
    """
    n_onsets, n_trials = len(onsets), len(start_times)
    if n_onsets == n_trials:
        return np.arange(n_trials)
    if not 0 < n_onsets < n_trials:
        raise DataFormatError(
            f"{n_onsets} video starts (code {_VIDEO_STARTS}) in the trigger channel, expected {n_trials}, as the "
            "ratings have; is it another person's or another study's recording?"
        )
    fitting = []
    for first in range(n_trials - n_onsets + 1):  # of the presentations, the one that the first onset would belong to
        expected = start_times - start_times[first] + onsets[0]
        nearest = np.abs(onsets[:, None] - expected).argmin(axis=1)
        if (np.diff(nearest) > 0).all():
            fitting.append((float(np.abs(onsets - expected[nearest]).max()), nearest))
    fitting.sort(key=lambda match: match[0])
    off = [*(match[0] for match in fitting), np.inf, np.inf]
    matches = f"the best match is off by {off[0]:.1f} s, the next by {off[1]:.1f} s" if fitting else "nothing matches"
    if off[0] > OFF_BY_SECONDS or off[1] < off[0] + _CLEARLY_SECONDS:
        raise DataFormatError(
            f"{n_onsets} video starts in the trigger channel instead of {n_trials}, and the sheet's Start_time does "
            f"not tell which are missing: {matches}. Leave this person out with subjects=..."
        )
    return fitting[0][1]
