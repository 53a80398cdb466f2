"""Classifying a stream while it is recorded: chunks in, probabilities out; nothing here knows a network."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from eegemo._numbers import finite
from eegemo.deploy.live_model import LiveModel
from eegemo.deploy.live_results import LiveCounts, LivePrediction
from eegemo.deploy.live_signal import LiveSignal
from eegemo.deploy.timeline import Piece, Timeline
from eegemo.deploy.window_buffer import WindowBuffer
from eegemo.errors import ConfigError, DataFormatError
from eegemo.preprocessing.causal import CausalPreprocessing
from eegemo.preprocessing.stage import Preprocessing

_LONGEST_GAP = 1.0  # seconds that are bridged; behind a longer one everything begins anew
_SHORT_GAP = 0.05  # seconds; behind a longer one the filters must settle: what rings is over 1 % of a window of 1 s
_AT_A_TIME = 256  # windows
_KEPT_MESSAGES = 100
_SAME_RATE = 1e-3  # by so much of it rates are taken for the same


class LiveClassifier:
    """Classify a stream: chunks of any length in, a prediction for each window out.

    It first collects a calibration stretch, on which bad channels and the weights of the EOG are fitted, if the
    preprocessing needs one. Its memory does not grow with the stream.

    Parameters
    ----------
    model : classifier
        Fitted; with ``predict_proba`` on windows (n, n_channels, n_times) in microvolts.
    ch_names : sequence of str
        The stream's channels, in its order. They are matched by name: ``EEG T3-REF`` is found for T7.
    sfreq : float
        The stream's rate in Hz.
    ch_types : sequence of str | None
        MNE's types of the channels; EEG where not given.
    preprocessing : Preprocessing | CausalPreprocessing | None
        What the model was trained on, without a look ahead: settings, which are fitted to the first ``calibration``
        seconds, or what :func:`eegemo.fit_causal` has fitted. None for a stream that is clean already.
    calibration : float
        Seconds, with blinks and gaze shifts in them.
    duration, step : float | None
        Seconds in a window, and from one to the next, in whole samples of the model's rate; its own and as much again
        by default.
    smoothing : float
        Share of the previous probabilities in each prediction: 0 for none, below 1.
    tolerance : float
        Seconds by which time stamps may stray from the rate beyond half a sample before a sample counts as missing or
        late; 0.02 suits stamps of devices and networks.
    model_ch_names, model_sfreq : sequence of str, float | None
        Channels and rate that the model was trained on, where it does not say so itself.

    Attributes
    ----------
    classes : list
        In the order of the probabilities.
    counts : LiveCounts
        What came so far.
    messages : deque of str
        What its user should know, the last 100; take them out as you show them.
    calibrating : bool
        Whether it still collects the calibration stretch.
    fitted : CausalPreprocessing | None
        The steps, when they are fitted.

    Raises
    ------
    ConfigError
        If the settings do not go together, or with the model.
    DataFormatError
        If a channel that the model needs is missing.

    See Also
    --------
    eegemo.deploy.classify_events : Drives it by a source that stops and comes back.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    >>> from sklearn.pipeline import make_pipeline
    >>> from eegemo import LiveClassifier, quadrants, simulate
    >>> from eegemo.features import DifferentialEntropy
    >>> windows = simulate(subjects=1, channels=["F3", "F4"]).windows(duration=4.0)
    >>> classifier = make_pipeline(DifferentialEntropy(filter_over="window"), LinearDiscriminantAnalysis())
    >>> classifier = classifier.fit(windows, quadrants()(windows))  # or EEGClassifier("cnn-gru")
    >>> live = LiveClassifier(classifier, ["F4", "Cz", "F3"], 128.0, step=1.0)
    >>> predictions = live.push(np.random.default_rng(0).normal(0, 10, (1000, 3)))  # 7.8 s in microvolts
    >>> [prediction.time for prediction in predictions]
    [3.9921875, 4.9921875, 5.9921875, 6.9921875]
    """

    def __init__(
        self,
        model: Any,
        ch_names: Sequence[str],
        sfreq: float,
        *,
        ch_types: Sequence[str] | None = None,
        preprocessing: Preprocessing | CausalPreprocessing | None = None,
        calibration: float = 60.0,
        duration: float | None = None,
        step: float | None = None,
        smoothing: float = 0.0,
        tolerance: float = 0.0,
        model_ch_names: Sequence[str] | None = None,
        model_sfreq: float | None = None,
    ) -> None:
        self._smoothing, self._tolerance = finite("smoothing", smoothing), finite("tolerance", tolerance)
        if not 0 <= self._smoothing < 1 or self._tolerance < 0:
            raise ConfigError(
                f"smoothing must lie between 0 and below 1, and tolerance not be negative, got {smoothing} and "
                f"{tolerance}."
            )
        self._model = LiveModel(model, model_ch_names, model_sfreq)
        self._signal = LiveSignal(self._model.ch_names, self._model.sfreq, preprocessing, calibration)
        self._signal.connect(ch_names, sfreq, ch_types)
        self._sfreq = float(sfreq)
        n_times, n_step = self._model.window(duration, step)
        self._buffer = WindowBuffer(n_times, n_step, len(self._model.ch_names))
        self.classes = self._model.classes
        self.counts = LiveCounts()
        self.messages: deque[str] = deque(maxlen=_KEPT_MESSAGES)
        self._noted: set[str] = set()
        self._timeline = Timeline(self._sfreq, self._tolerance, _LONGEST_GAP)
        self._begin_anew()

    @property
    def calibrating(self) -> bool:
        """Whether the calibration stretch is still collected."""
        return self._signal.calibrating

    @property
    def fitted(self) -> CausalPreprocessing | None:
        """The steps, when they are fitted."""
        return self._signal.fitted

    def push(self, chunk: np.ndarray, timestamps: np.ndarray | None = None) -> list[LivePrediction]:
        """Take the next samples of the stream.

        Parameters
        ----------
        chunk : array, shape (n_times, n_channels)
            In microvolts, in the order of ``ch_names``; any number of samples.
        timestamps : array, shape (n_times,) | None
            When they were recorded, in seconds. Samples that are missing by them, like values that are not finite, are
            bridged up to a second, and windows that hold them give no prediction, nor, behind more than 0.05 s, those
            that begin before the filters have settled; after more than a second, everything begins anew. Samples that
            come late, or again, are left out. Without stamps every sample follows the one before.

        Returns
        -------
        predictions : list of LivePrediction
            For the windows that these samples complete, in order; most chunks complete none.

        Raises
        ------
        DataFormatError
            If chunk or stamps have another shape, or the calibration stretch cannot be used: it is collected anew.
        ConfigError
            If the calibration stretch does not suit the settings.
        """
        chunk = np.asarray(chunk, float)
        if chunk.ndim != 2 or chunk.shape[1] != self._signal.n_inputs:
            raise DataFormatError(
                f"A chunk has the shape (n_times, {self._signal.n_inputs}), got {chunk.shape}; a stream whose "
                "channels have changed is connected anew (reconnect)."
            )
        predictions: list[LivePrediction] = []
        if timestamps is None:
            self._timeline.advance(len(chunk))
            self._take(chunk, predictions)
            return predictions
        stamps = np.asarray(timestamps, float)
        if stamps.shape != (len(chunk),):
            raise DataFormatError(f"There are {len(chunk)} samples, and stamps of the shape {stamps.shape}.")
        kinds = set()
        for piece in self._timeline.place(stamps):
            kinds.add(piece.kind)
            if piece.kind == "next":
                self._take(chunk[piece.start : piece.stop], predictions)
            elif piece.kind == "gap":
                self._bridge(chunk[piece.start], piece.n_missing, predictions)
            elif piece.kind in ("pause", "clock"):
                self._restart(piece)
            else:
                self._leave_out(piece)
        self._noted &= kinds | {"not_finite"}
        return predictions

    def reconnect(
        self,
        ch_names: Sequence[str] | None = None,
        sfreq: float | None = None,
        ch_types: Sequence[str] | None = None,
    ) -> None:
        """Begin anew with a stream that has come back: filters, windows and smoothing, not what was fitted.

        Parameters
        ----------
        ch_names, sfreq, ch_types
            Of the stream as it is now; as it was where not given. The order of the channels may have changed.

        Raises
        ------
        DataFormatError
            If its rate has changed, or a channel is missing; the classifier then waits for one that fits.
        ConfigError
            If its channels do not suit the settings.
        """
        if sfreq is not None and abs(finite("sfreq", sfreq) / self._sfreq - 1) > _SAME_RATE:
            raise DataFormatError(
                f"The stream came back with {sfreq:g} samples a second, and had {self._sfreq:g}; set the device to the "
                "former rate, or begin with a new classifier."
            )
        self._signal.connect(ch_names, self._sfreq, ch_types)
        self._timeline = Timeline(self._sfreq, self._tolerance, _LONGEST_GAP)
        self.counts.restarts += 1
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._signal.begin_anew()
        self._buffer.begin_anew(self._signal.n_settling)
        self._smoothed: np.ndarray | None = None
        self._last: np.ndarray | None = None
        self._n_bad = 0
        self._rang = False

    def _restart(self, piece: Piece) -> None:
        self.counts.restarts += 1
        if piece.kind == "pause":
            self.counts.dropped += piece.n_missing
            paused = f"The stream paused: {piece.n_missing} samples ({piece.n_missing / self._sfreq:.1f} s) are missing"
            self.messages.append(f"{paused}; filters and windows begin anew.")
        else:
            self.messages.append("The stream's clock was set back; filters and windows begin anew.")
        self._begin_anew()

    def _leave_out(self, piece: Piece) -> None:
        n_samples = piece.stop - piece.start
        if piece.kind == "late":
            self.counts.late += n_samples
        else:
            self.counts.duplicate += n_samples
        come = "late, when their place was passed" if piece.kind == "late" else "again"
        self._note(piece.kind, f"Samples come {come} ({n_samples} so far); they are left out, and counted.")

    def _bridge(self, after: np.ndarray, n_missing: int, predictions: list[LivePrediction]) -> None:
        """Put a straight line where samples are missing, so that the filters go on."""
        self.counts.dropped += n_missing
        self._n_bad += n_missing
        self._note("gap", f"{n_missing} samples are missing; windows that hold them give no prediction.")
        if self._last is not None:
            after = np.where(np.isfinite(after), after, self._last)
            share = (np.arange(n_missing) + 1)[:, None] / (n_missing + 1)
            self._classify(self._last + share * (after - self._last), predictions, valid=False)

    def _take(self, samples: np.ndarray, predictions: list[LivePrediction]) -> None:
        """Take samples that follow the last ones; those that are not finite are filled with what was before."""
        if not len(samples):
            return
        self.counts.samples += len(samples)
        finite_values = np.isfinite(samples)
        if finite_values.all():
            self._n_bad = 0
            self._noted.discard("not_finite")
            self._classify(samples, predictions)
            return
        bad = ~finite_values[:, self._signal.in_use].all(axis=1)
        self.counts.not_finite += int(bad.sum())
        if bad.any():
            unsound = self._signal.in_use[~finite_values[:, self._signal.in_use].all(axis=0)]
            names = ", ".join(self._signal.inputs[channel] for channel in unsound)
            self._note("not_finite", f"{names}: values are not finite; windows that hold them give no prediction.")
        else:
            self._noted.discard("not_finite")
        edges = np.flatnonzero(np.diff(bad)) + 1
        for first, last in zip([0, *edges], [*edges, len(samples)], strict=True):
            if bad[first]:
                self._bridge_unsound(samples[first:last], predictions, n_later=len(samples) - last)
            else:
                self._n_bad = 0
                self._classify(self._filled(samples[first:last]), predictions, n_later=len(samples) - last)

    def _bridge_unsound(self, samples: np.ndarray, predictions: list[LivePrediction], *, n_later: int) -> None:
        self._n_bad += len(samples)
        if self._n_bad > _LONGEST_GAP * self._sfreq and self._last is not None:
            self.counts.restarts += 1
            self.messages.append("For more than a second no sample was sound; filters and windows begin anew.")
            n_bad = self._n_bad
            self._begin_anew()
            self._n_bad = n_bad
        if self._last is not None:  # before the first sound sample there is nothing to go on from
            self._classify(self._filled(samples), predictions, valid=False, n_later=n_later)

    def _filled(self, samples: np.ndarray) -> np.ndarray:
        """Fill values that are not finite with the last one of their channel."""
        known = np.vstack([np.zeros(samples.shape[1]) if self._last is None else self._last, samples])
        rows = np.where(np.isfinite(known), np.arange(len(known))[:, None], 0)
        return known[np.maximum.accumulate(rows, axis=0), np.arange(known.shape[1])][1:]

    def _classify(
        self, samples: np.ndarray, predictions: list[LivePrediction], *, valid: bool = True, n_later: int = 0
    ) -> None:
        """Clean samples and classify the windows that they complete; the timeline is ``n_later`` samples ahead."""
        self._last = samples[-1].copy()
        rings = not valid and self._n_bad > _SHORT_GAP * self._sfreq
        self._rang |= rings
        was_calibrating = self.calibrating
        clean = self._signal.process(samples)
        if was_calibrating and not self.calibrating:
            self.messages.extend(self._signal.messages)
            # The filters have settled on the calibration stretch, unless they ring behind what was bridged in it.
            self._buffer.begin_anew(0, n_ringing=self._signal.n_settling if self._rang else 0)
        n_ringing = self._signal.n_settling if rings else 0
        ready: list[np.ndarray] = []
        times: list[float] = []
        for n_after, window in self._buffer.add(clean, valid=valid, n_ringing=n_ringing):
            if window is None:
                self.counts.skipped += 1
                continue
            ready.append(window.T.copy())
            times.append(self._timeline.time_of(self._signal.inputs_behind(n_after) + n_later))
            if len(ready) == _AT_A_TIME:
                predictions += self._predictions(ready, times)
                ready, times = [], []
        predictions += self._predictions(ready, times) if ready else []

    def _predictions(self, windows: list[np.ndarray], times: list[float]) -> list[LivePrediction]:
        predictions = []
        for time, new in zip(times, self._model.predict_proba(np.stack(windows)), strict=True):
            before = new if self._smoothed is None else self._smoothed
            self._smoothed = self._smoothing * before + (1 - self._smoothing) * new
            predictions.append(LivePrediction(time, self.classes[int(self._smoothed.argmax())], self._smoothed))
        self.counts.predictions += len(predictions)
        return predictions

    def _note(self, kind: str, message: str) -> None:
        """Say something once for as long as it goes on."""
        if kind not in self._noted:
            self.messages.append(message)
        self._noted.add(kind)
