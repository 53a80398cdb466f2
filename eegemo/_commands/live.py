"""``python -m eegemo live``: classify a stream, or a recording as if it were one, and show it in the terminal."""

from __future__ import annotations

import csv
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import numpy as np
import tyro
from rich.console import Console
from rich.live import Live as Display
from rich.table import Table

from eegemo.errors import ConfigError

if TYPE_CHECKING:
    from eegemo.deploy.live import LiveClassifier
    from eegemo.deploy.live_results import LivePrediction
    from eegemo.deploy.session import Connected, Event
    from eegemo.preprocessing.causal import CausalPreprocessing
    from eegemo.preprocessing.stage import Preprocessing

_BAR = 30  # characters of a probability of 1
_SIMULATED_TRIALS = 2


class StreamSettings(TypedDict, total=False):
    """Those of the settings of Preprocessing that can be carried out on a stream; what is not given is not there."""

    channels: tuple[str, ...] | None
    """EEG channels to keep, in this order, or emotiv14; None for all."""
    rename: tuple[tuple[str, str], ...]
    """Old and new name of channels, before they are given the names of the 10-05 system."""
    types: tuple[tuple[str, str], ...]
    """New name and MNE's type of channels that are no EEG, for example VEOG eog."""
    bipolar: tuple[tuple[str, str, str, str], ...]
    """Name, type, anode and cathode of derivations, for example vEOG eog EXG3 EXG4."""
    montage: str | None
    """One of MNE's montages, for the places of the EEG channels."""
    sfreq: float | None
    """Down-sample to so many Hz: the model's rate, unless it is given."""
    high_pass: float | None
    """Take out what lies below so many Hz, before anything is fitted."""
    bad_channels: Literal["interpolate"] | None
    """Interpolate flat and noisy channels of the calibration; None uses all as they are."""
    eog: Literal["regression"] | None
    """Remove ocular artefacts by regression on the EOG channels; None leaves them in."""
    eog_channels: tuple[str, ...]
    """Channels that show the eyes; those of type eog where none is named."""
    eog_h_freq: float | None
    """Outside eye movements, the regression uses the EOG up to so many Hz, and spares alpha; None: all of it."""
    band: tuple[float, float] | None
    """Pass band in Hz."""
    reference: Literal["average"] | None
    """Subtract the mean of the EEG channels."""


@dataclass(frozen=True)
class Live:
    """Classify a stream while it is recorded: LSL, a recording, or, where neither is named, a simulated one.

    It collects a calibration stretch first (--calibration), on which bad channels and the weights of the EOG are
    fitted. Ctrl-C ends it; what was written is whole.
    """

    model: tyro.conf.Positional[Path]
    """A .keras file, or what export wrote, of a classifier that was fitted on Windows."""
    stream: str | None = None
    """Name of a stream of the Lab Streaming Layer; needs mne-lsl."""
    replay: Path | None = None
    """A recording to replay: BDF, EDF, FIF, SET, GDF or BrainVision."""
    speed: float = 1.0
    """How fast to replay, in times the speed of the recording."""
    out: Path | None = None
    """Also write every prediction as a line of CSV; the file must not be there yet."""
    step: float | None = None
    """Seconds from one prediction to the next; as long as a window by default."""
    smoothing: float = 0.0
    """Share of the previous probabilities in each prediction, below 1."""
    calibration: float = 60.0
    """Seconds of the stream to fit on, with blinks and gaze shifts in them."""
    steps: Path | None = None
    """Steps that were fitted before (--save-steps), instead of a calibration and of settings."""
    save_steps: Path | None = None
    """Where to write what was fitted to the calibration (.json)."""
    tolerance: float = 0.02
    """Seconds by which time stamps may stray before a sample counts as missing or late."""
    wait: float | None = None
    """Seconds without the stream after which to end; by default it is waited for until Ctrl-C."""
    settings: tyro.conf.OmitArgPrefixes[StreamSettings] = field(default_factory=StreamSettings)
    """What the model's recordings went through. Each replaces what the model's card says; where that says nothing, the
    stream is prepared as predict prepares a recording."""

    def run(self, console: Console) -> None:
        """Classify until the source ends, or Ctrl-C."""
        from eegemo.deploy.recordings import read_model

        if self.stream is not None and self.replay is not None:
            raise ConfigError("--stream and --replay were both given; give one of them.")
        if self.out is not None and self.out.exists():
            raise ConfigError(f"{self.out} is there already; name another file, or move it away.")
        if self.save_steps is not None:
            _check_writable(self.save_steps)
        model = read_model(self.model)
        if model.ch_names_ is None:
            raise ConfigError(
                f"{self.model.name} was fitted on arrays and does not say its channels; fit it on Windows."
            )
        with ExitStack() as stack:
            events, prepared = self._source(console, stack)
            self._show(console, stack, model, prepared, events)

    def _steps(
        self, model: Any, prepared: Preprocessing | None, connected: Connected
    ) -> Preprocessing | CausalPreprocessing:
        """Return what is done to a stream: as fitted before, or as its source or the model's card says, and as set."""
        from eegemo.deploy.recordings import settings_of
        from eegemo.preprocessing.causal import read_causal

        if self.steps is not None:
            return read_causal(self.steps)
        if prepared is not None:
            return replace(prepared, **{"sfreq": model.sfreq_, **self.settings})
        import mne

        info = mne.create_info(list(connected.ch_names), connected.sfreq, list(connected.ch_types))
        nothing = np.zeros((len(connected.ch_names), round(2 * connected.sfreq)))
        raw = mne.io.RawArray(nothing, info, verbose="error")
        return settings_of(getattr(model, "card_", None), model.sfreq_, raw, self.settings)

    def _source(self, console: Console, stack: ExitStack) -> tuple[Iterator[Event], Preprocessing | None]:
        """Return what is to be classified, and the settings for it where they are the source's own."""
        from eegemo.deploy.lsl import lsl_events
        from eegemo.deploy.replay import replay_events
        from eegemo.preprocessing.reading import read_recording

        if self.stream is not None:
            return lsl_events(self.stream, wait=self.wait), None
        if self.replay is not None:
            return replay_events(read_recording(self.replay), speed=self.speed), None
        from eegemo.datasets.deap_raw import deap_recordings
        from eegemo.datasets.simulated_raw import write_simulated_raw

        folder = stack.enter_context(tempfile.TemporaryDirectory())
        with console.status("simulating a recording"):
            write_simulated_raw(folder, [1], n_trials=_SIMULATED_TRIALS)
            recording = next(deap_recordings(folder))
        console.print("SIMULATED recording: nobody was recorded, and what is predicted means nothing.")
        return replay_events(recording.raw, speed=self.speed), recording.preprocessing

    def _show(
        self, console: Console, stack: ExitStack, model: Any, prepared: Preprocessing | None, events: Iterator[Event]
    ) -> None:
        from eegemo.deploy.live import LiveClassifier
        from eegemo.deploy.recordings import class_names
        from eegemo.deploy.session import classify_events

        begun: list[LiveClassifier] = []

        def begin(connected: Connected) -> LiveClassifier:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", UserWarning)
                steps = self._steps(model, prepared, connected)
            for message in dict.fromkeys(str(one.message) for one in caught if issubclass(one.category, UserWarning)):
                console.print(message, soft_wrap=True, highlight=False, markup=False)
            begun.append(
                LiveClassifier(
                    model,
                    connected.ch_names,
                    connected.sfreq,
                    ch_types=connected.ch_types,
                    preprocessing=steps,
                    calibration=self.calibration,
                    step=self.step,
                    smoothing=self.smoothing,
                    tolerance=self.tolerance,
                )
            )
            return begun[0]

        write = None
        if self.out is not None:
            self.out.parent.mkdir(parents=True, exist_ok=True)
            # Not written aside and moved: an hour of a person's time is to be there after a crash, too. Each line is
            # written at once when it is complete.
            file = stack.enter_context(self.out.open("x", encoding="utf-8", newline="", buffering=1))
            write = csv.writer(file, lineterminator="\n").writerow
            write(["time", "class", *(f"p_{name}" for name in class_names(model))])
        saved, last = False, None
        try:
            with Display(console=console, refresh_per_second=8, transient=True) as display:
                for given in classify_events(events, begin):
                    if self.save_steps is not None and not saved and begun and begun[0].fitted is not None:
                        begun[0].fitted.save(self.save_steps)
                        saved = True
                        display.console.print(f"Steps: {self.save_steps}", soft_wrap=True, highlight=False)
                    if isinstance(given, str):
                        display.console.print(given, soft_wrap=True, highlight=False, markup=False)
                        continue
                    if write is not None:
                        shares = (f"{share:.6f}" for share in given.probabilities)
                        write([f"{given.time:.4f}", given.label, *shares])
                    last = given
                    if console.is_terminal:
                        display.update(prediction_table(given, begun[0]))
        except KeyboardInterrupt:
            console.print("Ended by Ctrl-C.")
        if self.save_steps is not None and not saved:
            console.print(f"Nothing was fitted, so that {self.save_steps} was not written.", soft_wrap=True)
        if last is not None:
            console.print(prediction_table(last, begun[0]))
        elif begun:
            console.print(f"{counts_in_words(begun[0])}.", soft_wrap=True, highlight=False)
        if self.out is not None:
            console.print(f"Predictions: {self.out}", soft_wrap=True, highlight=False)


def _check_writable(path: Path) -> None:
    """Refuse a path that cannot be written, before somebody has sat through a calibration for it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror}); name another place.") from None
    if path.is_dir():
        raise ConfigError(f"{path}: a folder lies where a file is to be written; name another place.")


def prediction_table(prediction: LivePrediction, live: LiveClassifier) -> Table:
    """Draw the last prediction: a bar for each class, and what came so far below."""
    table = Table(title=f"{prediction.time:.1f} s: {prediction.label}", caption=counts_in_words(live), min_width=60)
    table.add_column("class")
    table.add_column("probability", min_width=_BAR)
    table.add_column("", justify="right")
    for name, share in zip(live.classes, prediction.probabilities, strict=True):
        table.add_row(str(name), "█" * round(_BAR * float(share)), f"{share:.2f}")
    return table


def counts_in_words(live: LiveClassifier) -> str:
    """Sum up what came so far."""
    counts = live.counts
    return (
        f"{counts.predictions} predictions, {counts.skipped} windows skipped; {counts.samples} samples, "
        f"{counts.dropped} missing, {counts.late} late, {counts.duplicate} twice, {counts.not_finite} not finite; "
        f"begun anew {counts.restarts} times"
    )
