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
from eegemo.preprocessing.pauses import clock_seconds, stretches

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
        Stamps are seconds from the recording's first sample, by its clock: a pause of an EDF+D is waited for, too.
        Where recordings were joined, it stops and is connected anew.
        Values of EEG, EOG, EMG, ECG and of channels without a type (misc) are microvolts.

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
    connected = Connected(tuple(raw.ch_names), tuple(types), sfreq)
    yield connected
    began, due = time.monotonic(), 0.0
    for first, last in stretches(raw):
        stamps = clock_seconds(raw, raw.times[first:last])
        if first and stamps[0] - due < 1 / sfreq:  # no time passed, so that no stamp would tell
            yield Stopped("Another recording was joined on here.")
            yield connected
        for start in range(first, last, n_chunk):
            stop = min(start + n_chunk, last)
            samples = (raw.get_data(start=start, stop=stop) * scale).T
            due = float(stamps[stop - first - 1]) + 1 / sfreq
            wait = began + due / speed - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            yield Chunk(samples, stamps[start - first : stop - first])
    yield Stopped("The recording has ended.")
