"""What comes of a stream: predictions, and counts of what became of its samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class LivePrediction:
    """What a window of a stream was taken for.

    Parameters
    ----------
    time : float
        Of the window's last sample, in seconds of the stream's stamps, or from its first sample where there are none.
        What the filters delay is not taken off (:meth:`eegemo.preprocessing.CausalChain.delay`).
    label : object
        The most probable class.
    probabilities : array, shape (n_classes,)
        In the order of the model's classes; smoothed, where that was asked for.
    """

    time: float
    label: Any
    probabilities: np.ndarray


@dataclass
class LiveCounts:
    """What came of a stream so far.

    Parameters
    ----------
    samples : int
        That were taken.
    dropped : int
        Missing by the stamps, those among them too that came late.
    late : int
        That came when their place was passed, and were left out.
    duplicate : int
        That were there already, and were left out.
    not_finite : int
        Among those taken, with a value in a channel in use that is not finite.
    predictions : int
        Windows that were classified.
    skipped : int
        Windows without a prediction, since they hold samples that are missing or not finite, or begin where filters
        still ring behind more than 0.05 s of them.
    restarts : int
        How often everything began anew: after a pause, a clock that was set back, or a connection.
    """

    samples: int = 0
    dropped: int = 0
    late: int = 0
    duplicate: int = 0
    not_finite: int = 0
    predictions: int = 0
    skipped: int = 0
    restarts: int = 0
