"""An hour of a stream as fast as it goes: milliseconds from a chunk's arrival to its predictions, and memory.

Drives :class:`eegemo.LiveClassifier` by hand with an hour of a simulated raw recording (36 channels at 512 Hz, chunks
of 16 samples with stamps; a CNN-GRU on windows of a second, four a second): the recording of a few minutes again and
again, with a pause in between, a gap of 10 samples in every minute, and a sample that is not finite. Prints how many
times as fast as real time that went; the median and the 95th percentile, over chunks that complete a window, of the
time from the chunk's arrival to the probabilities, and how much of it is the model's; by how much memory grew from the
tenth minute on; and the same times for a minute that is replayed at the speed at which it was recorded.
Costs about 4 minutes on two CPU cores.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from typing import Any

import mne
import numpy as np
import psutil
import tyro
from rich.progress import track

from eegemo import EEGClassifier, LiveClassifier, fit_causal, quadrants, simulate, write_simulated_raw
from eegemo.datasets.deap_raw import deap_recordings
from eegemo.deploy import Chunk, replay_events

MICROVOLTS = 1e6


@dataclass(frozen=True)
class LiveBenchmark:
    """Time an hour of a stream."""

    minutes: float = 60.0
    """Of the stream."""
    model: str = "cnn-gru"
    """Network by name."""
    step: float = 0.25
    """Seconds from one prediction to the next."""
    chunk: int = 16
    """Samples that come at once: 31 ms."""
    replayed: float = 60.0
    """Seconds that are replayed at real time."""


class Timed:
    """A classifier, and how long it took."""

    def __init__(self, model: EEGClassifier) -> None:
        self._model, self.seconds = model, 0.0

    def __getattr__(self, name: str) -> object:
        return getattr(self._model, name)

    def predict_proba(self, windows: np.ndarray) -> np.ndarray:
        """Time the model's own."""
        began = time.perf_counter()
        proba = self._model.predict_proba(windows)
        self.seconds = time.perf_counter() - began
        return proba


def run(config: LiveBenchmark) -> None:
    """Push, and print."""
    windows = simulate(1).pick("eeg").windows(1.0)
    model = Timed(EEGClassifier(config.model, epochs=1, random_state=0).fit(windows, quadrants()(windows)))
    with tempfile.TemporaryDirectory() as folder:
        write_simulated_raw(folder, [1], n_trials=4)
        recording = next(deap_recordings(folder))
        raw = recording.raw.load_data(verbose="error")
        fitted = fit_causal(raw.copy().crop(0, 60), recording.preprocessing)
    sfreq, samples = float(raw.info["sfreq"]), MICROVOLTS * raw.get_data().T
    stream: dict[str, Any] = {"ch_types": raw.get_channel_types(), "preprocessing": fitted, "step": config.step}
    live = LiveClassifier(model, raw.ch_names, sfreq, **stream)
    n_chunks, minute = int(config.minutes * 60 * sfreq / config.chunk), 60 * sfreq / config.chunk
    process, memory = psutil.Process(), []
    total, of_model, others = [], [], []
    clock, began = 0.0, time.perf_counter()
    for number in track(range(n_chunks), "pushing", transient=True):
        first = number * config.chunk % (len(samples) - config.chunk)
        chunk = samples[first : first + config.chunk]
        if first < config.chunk:
            clock += 3.0
        if number % minute < 1:
            chunk = chunk.copy()
            chunk[3, 2] = np.nan
            clock += 10 / sfreq
        stamps = clock + np.arange(len(chunk)) / sfreq
        clock += len(chunk) / sfreq
        arrived = time.perf_counter()
        predictions = live.push(chunk, stamps)
        taken = time.perf_counter() - arrived
        if predictions:
            total.append(1000 * taken)
            of_model.append(1000 * model.seconds)
        else:
            others.append(1000 * taken)
        if number % minute < 1:
            memory.append(process.memory_info().rss / 2**20)
            live.messages.clear()
    seconds = time.perf_counter() - began
    settled = memory[min(10, len(memory) - 1) :]
    own = np.array(total) - np.array(of_model)
    replayed = []
    replayer = LiveClassifier(model, raw.ch_names, sfreq, **stream)
    beginning = mne.io.RawArray(raw.get_data(stop=round(config.replayed * sfreq)), raw.info, verbose="error")
    for event in replay_events(beginning, chunk=config.chunk / sfreq):
        if isinstance(event, Chunk):
            arrived = time.perf_counter()
            if replayer.push(event.samples, event.timestamps):
                replayed.append(1000 * (time.perf_counter() - arrived))
    print(f"{config.minutes:g} minutes in {seconds:.0f} s: {60 * config.minutes / seconds:.0f} x real time")
    for name, values in (
        ("chunk to probabilities", total),
        ("of it the model", of_model),
        ("of it filters, buffer, bookkeeping", own),
        ("a chunk that completes no window", others),
        ("chunk to probabilities, replayed at real time", replayed),
    ):
        print(f"{name}: median {np.median(values):.2f} ms, 95 % below {np.percentile(values, 95):.2f} ms")
    print(f"memory: {settled[0]:.0f} MiB, at most {max(settled) - settled[0]:+.1f} MiB later")
    print(f"delay of the filters at 6, 10 and 20 Hz: {delay(live)} ms")
    print(live.counts)


def delay(live: LiveClassifier) -> str:
    """Return the group delay of the filters in words."""
    assert live.fitted is not None
    names = [*live.fitted.ch_names, "EXG1", "EXG2", "EXG3", "EXG4"]
    chain = live.fitted.chain(names, 512.0)
    return ", ".join(f"{ms:.0f}" for ms in chain.delay(np.array([6.0, 10.0, 20.0])))


if __name__ == "__main__":
    run(tyro.cli(LiveBenchmark, description=__doc__))
