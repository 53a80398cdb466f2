"""Streams of the Lab Streaming Layer as a source of events; needs mne-lsl, which brings the library along."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from mne.io import get_channel_type_constants

from eegemo.deploy.session import Chunk, Connected, Event, Stopped
from eegemo.errors import ConfigError

if TYPE_CHECKING:
    from mne_lsl.lsl import StreamInlet

_LOOK_SECONDS = 1.0  # for a stream of the name
_SILENT_SECONDS = 2.0  # without a sample, after which that is said, and another stream of the name is looked for
_BLOCK_SECONDS = 0.2  # that a sample is waited for at a time
_OPEN_SECONDS = 10.0
_BUFFER_SECONDS = 60
_MOST_SAMPLES = 4096  # at once
#: What a value is multiplied by to become microvolts, by the words and the powers of ten that streams have for units.
_TO_MICROVOLTS = {
    **dict.fromkeys(("microvolts", "microvolt", "uv", "µv", "μv", "-6"), 1.0),
    **dict.fromkeys(("millivolts", "millivolt", "mv", "-3"), 1e3),
    **dict.fromkeys(("nanovolts", "nanovolt", "nv", "-9"), 1e-3),
    **dict.fromkeys(("volts", "volt", "v", "0"), 1e6),
}
_IN_VOLTS = ("eeg", "eog", "emg", "ecg")


def lsl_events(name: str, *, wait: float | None = None) -> Iterator[Event]:
    """Give what a stream of the Lab Streaming Layer sends, again when it comes back.

    Parameters
    ----------
    name : str
        The stream's.
    wait : float | None
        Seconds without the stream, or without a sample, after which it ends; None for never.

    Yields
    ------
    event : Connected | Chunk | Stopped
        Values in microvolts by the stream's units; where an EEG channel has none, they are taken for microvolts, and
        that is said. Stamps are its own, without jitter, by the clock of this machine.

    Raises
    ------
    ConfigError
        If mne-lsl is not installed, or the stream is none of samples.
    """
    try:
        from mne_lsl.lsl import StreamInlet, resolve_streams
    except ImportError as error:
        raise ConfigError(
            f"Streams of LSL need mne-lsl ({error}): pip install 'eegemo[lsl]', or pip install mne-lsl."
        ) from None
    last_sign, said = time.monotonic(), False
    while True:
        found = resolve_streams(timeout=_LOOK_SECONDS, name=name)
        if not found:
            if not said:
                yield Stopped(f"There is no stream {name!r}; waiting for it.")
            said = True
            if wait is not None and time.monotonic() - last_sign > wait:
                yield Stopped(f"No stream {name!r} for {wait:g} s; ended.")
                return
            continue
        # One of the name that is new, where there are two: an old one may be dying.
        inlet = StreamInlet(
            max(found, key=lambda one: one.created_at),
            max_buffered=_BUFFER_SECONDS,
            recover=False,
            processing_flags=["clocksync", "dejitter", "monotize"],
        )
        said = False
        try:
            inlet.open_stream(timeout=_OPEN_SECONDS)
            info = inlet.get_sinfo(timeout=_OPEN_SECONDS)
            if info.dtype == "string" or not info.sfreq > 0:
                raise ConfigError(f"The stream {name!r} sends texts, or at no regular rate; name that of the EEG.")
            yield from _connected(info)
            for event in _events(inlet, name, info, wait):
                if isinstance(event, Chunk):
                    last_sign = time.monotonic()
                yield event
        except (RuntimeError, TimeoutError) as error:  # what liblsl says when a stream is lost
            yield Stopped(f"The stream {name!r} is lost ({error}); waiting for it to come back.")
            said = True
        if wait is not None and time.monotonic() - last_sign > wait:
            yield Stopped(f"Nothing of the stream {name!r} for {wait:g} s; ended.")
            return
        del inlet


def _connected(info: Any) -> Iterator[Event]:
    """Say what a stream has, and which of its units are not known."""
    types = _types_of(info)
    names = tuple(info.get_channel_names() or (f"ch{number}" for number in range(info.n_channels)))
    units = info.get_channel_units() or [None] * info.n_channels
    unknown = [
        channel
        for channel, kind, unit in zip(names, types, units, strict=True)
        if kind in _IN_VOLTS and str(unit).lower() not in _TO_MICROVOLTS
    ]
    if unknown:
        yield Stopped(f"The units of {', '.join(unknown)} are not known; they are taken for microvolts.")
    yield Connected(names, types, float(info.sfreq))


def _types_of(info: Any) -> tuple[str, ...]:
    known = get_channel_type_constants()
    given: Sequence[str | None] = info.get_channel_types() or ["eeg"] * info.n_channels
    return tuple(kind.lower() if kind and kind.lower() in known else "misc" for kind in given)


def microvolts_per_unit(ch_types: Sequence[str], units: Sequence[str | None] | None) -> np.ndarray:
    """Return what a stream's values are multiplied by to become microvolts.

    Parameters
    ----------
    ch_types : sequence of str
        MNE's types of its channels.
    units : sequence of str | None
        As the stream has them: words, or powers of ten of the volt.

    Returns
    -------
    scale : array, shape (n_channels,)
        1 for channels that are not in volts, and for units that are not known. A channel of another type, such as an
        EOG that is sent as ``misc``, is in volts where a word says so; a power of ten may be of anything there.
    """
    given = ["none" if unit is None else str(unit).lower() for unit in units or [None] * len(ch_types)]
    return np.array(
        [
            _TO_MICROVOLTS.get(unit, 1.0) if kind in _IN_VOLTS or unit.isalpha() else 1.0
            for kind, unit in zip(ch_types, given, strict=True)
        ]
    )


def _events(inlet: StreamInlet, name: str, info: Any, wait: float | None) -> Iterator[Event]:
    """Give the chunks of one connection, until another stream of the name has taken its place."""
    from mne_lsl.lsl import resolve_streams

    scale = microvolts_per_unit(_types_of(info), info.get_channel_units())
    last_sign, silent = time.monotonic(), False
    while True:
        first, stamp = inlet.pull_sample(timeout=_BLOCK_SECONDS)
        if stamp is not None:
            rows, stamps = [np.array(first, float)[None]], [np.array([stamp])]
            more, at = inlet.pull_chunk(timeout=0.0, max_samples=_MOST_SAMPLES)
            rows.append(np.array(more, float))  # a copy: the inlet reuses its memory
            stamps.append(np.array(at))
            last_sign, silent = time.monotonic(), False
            yield Chunk(np.concatenate(rows) * scale, np.concatenate(stamps))
            continue
        quiet = time.monotonic() - last_sign
        if quiet < _SILENT_SECONDS:
            continue
        if not silent:
            yield Stopped(f"The stream {name!r} has sent nothing for {_SILENT_SECONDS:g} s; waiting for it.")
        silent = True
        if wait is not None and quiet > wait:
            return
        others = resolve_streams(timeout=_LOOK_SECONDS, name=name)
        if any(other.uid != info.uid for other in others):
            return
