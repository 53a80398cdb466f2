"""``python -m eegemo live``: classify a stream, or a recording as if it were one, and show it in the terminal."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro
from rich.console import Console
from rich.live import Live as Display
from rich.table import Table

from eegemo.errors import ConfigError
from eegemo.preprocessing.stage import Preprocessing

if TYPE_CHECKING:
    from eegemo.deploy.live import LiveClassifier
    from eegemo.deploy.live_results import LivePrediction
    from eegemo.deploy.session import Connected, Event

_BAR = 30  # characters of a probability of 1
_SIMULATED_TRIALS = 2
_SFREQ = next(setting.default for setting in fields(Preprocessing) if setting.name == "sfreq")


@dataclass(frozen=True)
class Live:
    """Classify a stream while it is recorded: LSL, a recording, or, where neither is named, a simulated one.

    It collects a calibration stretch first (--calibration), on which bad channels and the weights of the EOG are
    fitted. Ctrl-C ends it; what was written is whole.
    """

    model: tyro.conf.Positional[Path]
    """A trained classifier (.keras), fitted on Windows, so that it knows its channels and its rate."""
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
    settings: tyro.conf.OmitArgPrefixes[Preprocessing] = field(default_factory=Preprocessing)
    """What the model was trained on; at its rate, unless sfreq is set."""

    def run(self, console: Console) -> None:
        """Classify until the source ends, or Ctrl-C."""
        from eegemo.models.reading import read_classifier
        from eegemo.preprocessing.causal import read_causal

        if self.stream is not None and self.replay is not None:
            raise ConfigError("--stream and --replay were both given; give one of them.")
        if self.out is not None and self.out.exists():
            raise ConfigError(f"{self.out} is there already; name another file, or move it away.")
        model = read_classifier(self.model)
        if getattr(model, "ch_names_", None) is None:
            raise ConfigError(
                f"{self.model.name} was fitted on arrays and does not say its channels; fit it on Windows."
            )
        steps: Any = read_causal(self.steps) if self.steps is not None else self.settings
        with ExitStack() as stack:
            events, settings = self._source(console, stack)
            if self.steps is None:
                steps = settings if settings.sfreq != _SFREQ else replace(settings, sfreq=model.sfreq_)
            self._show(console, stack, model, steps, events)

    def _source(self, console: Console, stack: ExitStack) -> tuple[Iterator[Event], Preprocessing]:
        """Return what is to be classified, and the settings for it."""
        from eegemo.deploy.lsl import lsl_events
        from eegemo.deploy.replay import replay_events
        from eegemo.preprocessing.reading import read_recording

        if self.stream is not None:
            return lsl_events(self.stream, wait=self.wait), self.settings
        if self.replay is not None:
            return replay_events(read_recording(self.replay), speed=self.speed), self.settings
        import tempfile

        from eegemo.datasets.deap_raw import deap_recordings
        from eegemo.datasets.simulated_raw import write_simulated_raw

        folder = stack.enter_context(tempfile.TemporaryDirectory())
        with console.status("simulating a recording"):
            write_simulated_raw(folder, [1], n_trials=_SIMULATED_TRIALS)
            recording = next(deap_recordings(folder))
        console.print("SIMULATED recording: nobody was recorded, and what is predicted means nothing.")
        return replay_events(recording.raw, speed=self.speed), recording.preprocessing

    def _show(self, console: Console, stack: ExitStack, model: Any, steps: Any, events: Iterator[Event]) -> None:
        from eegemo.deploy.live import LiveClassifier
        from eegemo.deploy.session import classify_events

        begun: list[LiveClassifier] = []

        def begin(connected: Connected) -> LiveClassifier:
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
            write(["time", "class", *(f"p({name})" for name in model.classes_.tolist())])
        saved, last = False, None
        try:
            with Display(console=console, refresh_per_second=8, transient=True) as display:
                for given in classify_events(events, begin):
                    if isinstance(given, str):
                        display.console.print(given, soft_wrap=True, highlight=False, markup=False)
                        continue
                    if self.save_steps is not None and not saved and begun[0].fitted is not None:
                        begun[0].fitted.save(self.save_steps)
                        saved = True
                    if write is not None:
                        shares = (f"{share:.6f}" for share in given.probabilities)
                        write([f"{given.time:.4f}", given.label, *shares])
                    last = given
                    if console.is_terminal:
                        display.update(prediction_table(given, begun[0]))
        except KeyboardInterrupt:
            console.print("Ended by Ctrl-C.")
        if last is not None:
            console.print(prediction_table(last, begun[0]))
        elif begun:
            console.print(f"{counts_in_words(begun[0])}.", soft_wrap=True, highlight=False)
        if self.out is not None:
            console.print(f"Predictions: {self.out}", soft_wrap=True, highlight=False)


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
