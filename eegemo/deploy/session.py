"""A stream that stops, comes back, and may have changed: what happens to it as events, and what comes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from eegemo.deploy.live import LiveClassifier
from eegemo.deploy.live_results import LivePrediction
from eegemo.errors import ConfigError, DataFormatError


@dataclass(frozen=True)
class Connected:
    """A stream was found, or found again.

    Parameters
    ----------
    ch_names, ch_types : tuple of str
        Its channels, and MNE's types of them.
    sfreq : float
        Its rate in Hz.
    """

    ch_names: tuple[str, ...]
    ch_types: tuple[str, ...]
    sfreq: float


@dataclass(frozen=True, eq=False)
class Chunk:
    """Samples came.

    Parameters
    ----------
    samples : array, shape (n_times, n_channels)
        In microvolts.
    timestamps : array, shape (n_times,) | None
        In seconds.
    """

    samples: np.ndarray
    timestamps: np.ndarray | None = None


@dataclass(frozen=True)
class Stopped:
    """Nothing comes, for now or for good.

    Parameters
    ----------
    reason : str
        In words.
    """

    reason: str


Event = Connected | Chunk | Stopped


def classify_events(
    events: Iterable[Event], begin: Callable[[Connected], LiveClassifier]
) -> Iterator[LivePrediction | str]:
    """Classify what a source gives, whatever happens to it.

    Parameters
    ----------
    events : iterable of Connected | Chunk | Stopped
        The source: :func:`lsl_events`, :func:`replay_events`, or one of your own.
    begin : callable
        Makes the classifier for the stream as it is found first. When it comes back, the classifier goes on with what
        it was fitted to; a stream that has another rate, or lacks a channel, is said to and left alone until it comes
        back as it was.

    Yields
    ------
    prediction : LivePrediction | str
        A prediction, or a message to whoever watches.

    Raises
    ------
    ConfigError, DataFormatError
        If the stream as it is found first does not suit the model or the settings.
    """
    live: LiveClassifier | None = None
    usable = False
    for event in events:
        if isinstance(event, Stopped):
            yield event.reason
        elif isinstance(event, Connected):
            if live is None:
                live, usable = begin(event), True
                yield f"Connected: {len(event.ch_names)} channels, {event.sfreq:g} Hz."
                if live.calibrating:
                    yield "Collecting the calibration stretch: sit still, then blink and look around."
                continue
            try:
                live.reconnect(event.ch_names, event.sfreq, event.ch_types)
            except (ConfigError, DataFormatError) as error:
                usable = False
                yield f"The stream came back, but cannot be used: {error}"
            else:
                usable = True
                yield "The stream came back; filters and windows begin anew."
        elif live is not None and usable:
            try:
                yield from live.push(event.samples, event.timestamps)
            except (ConfigError, DataFormatError) as error:
                yield str(error)
            while live.messages:
                yield live.messages.popleft()
