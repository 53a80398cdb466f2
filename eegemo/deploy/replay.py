"""A recording as a source of events, at the speed at which it was recorded or another."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import mne

from eegemo._mne import units_per_mne_unit
from eegemo._numbers import finite
from eegemo.deploy.session import Chunk, Connected, Event, Stopped
from eegemo.errors import ConfigError

#: Types of channels in volts that the settings may make EOG or EEG: of a stream all that is used is in microvolts.
_MAY_BE_EOG = ("misc", "bio", "ecg")


def replay_events(raw: mne.io.BaseRaw, *, speed: float = 1.0, chunk: float = 0.05) -> Iterator[Event]:
    """Give a recording as if it were recorded now.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Anything that MNE reads, in volts; it need not be in memory.
    speed : float
        1 for that of the recording, 20 for as many times it, infinity for as fast as it is read.
    chunk : float
        Seconds of the recording that come at once.

    Yields
    ------
    event : Connected | Chunk | Stopped
        Stamps are seconds from the recording's first sample; values of EEG, EOG, EMG, ECG and of channels without a
        type (misc) are microvolts.

    Raises
    ------
    ConfigError
        If a setting is not above 0.
    """
    if not (speed == math.inf or finite("speed", speed) > 0) or not finite("chunk", chunk) > 0:
        raise ConfigError(f"speed and chunk must be above 0, got {speed} and {chunk}.")
    sfreq, types = float(raw.info["sfreq"]), raw.get_channel_types()
    scale = units_per_mne_unit(["eog" if kind in _MAY_BE_EOG else kind for kind in types])[:, None]
    n_chunk = max(1, round(chunk * sfreq))
    yield Connected(tuple(raw.ch_names), tuple(types), sfreq)
    began = time.monotonic()
    for start in range(0, raw.n_times, n_chunk):
        stop = min(start + n_chunk, raw.n_times)
        samples = (raw.get_data(start=start, stop=stop) * scale).T
        wait = began + stop / sfreq / speed - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        yield Chunk(samples, raw.times[start:stop])
    yield Stopped("The recording has ended.")
