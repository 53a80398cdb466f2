"""Where a training step of an LSTM spends its time.

TensorFlow's profiler records three steps on a batch of windows of EEG's size (128 samples x 32 channels). Its record
becomes a Chrome trace, ``runs/timeline.json`` beside the page, for chrome://tracing or https://ui.perfetto.dev; a table
of the ten kinds of operation that take the longest, each without what it called meanwhile; and a picture of the
threads. TensorFlow does not record every operation that it counts as quick: these are in ``Process``, the time of its
executor.

Expected: matrix multiplication leads. In a tutorial of an older TensorFlow the addition of biases came second.
Costs seconds on a CPU.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import Progress

from eegemo import ConfigError
from eegemo._atomic import replacing
from eegemo._keras import keras, seeded, standard_settings
from eegemo.networks import LSTM
from eegemo.training import CROSS_ENTROPY
from eegemo.training.compiled import compile_network
from sequence_tasks import TaskOptions, main, write_task

N_TIMES, N_CHANNELS, N_CLASSES = 128, 32, 4
N_WARM, N_TIMED, N_RECORDED = 3, 5, 3
N_SHOWN = 10
EVERY_OPERATION = 3  # the profiler's level; below it, it leaves out the quick ones


@dataclass(frozen=True)
class Timeline(TaskOptions):
    """Profile training steps of an LSTM."""

    units: int = 64
    """Of the LSTM."""
    batch_size: int = 64
    """Windows in a batch."""
    out: Path = Path("results/sequences/timeline")
    """Where the page goes; the trace goes to its folder runs/."""


def run(config: Timeline, console: Console | None = None) -> pd.DataFrame:
    """Profile; return the table of operations."""
    console, started = console or Console(), time.perf_counter()
    if keras.backend.backend() != "tensorflow":
        raise ConfigError(f"The profiler is TensorFlow's; Keras runs on {keras.backend.backend()}.")
    with Progress(transient=True) as bar:
        task = bar.add_task("steps", total=N_WARM + N_TIMED + N_RECORDED)
        events, seconds = profile(config, lambda: bar.advance(task))
    table = by_kind(events)
    with replacing(config.out / "runs" / "timeline.json") as partial:
        partial.write_text(json.dumps(chrome_trace(events)), encoding="utf-8")
    shown = table.head(N_SHOWN).assign(
        **{
            "ms": lambda t: t["ms"].map("{:.2f}".format),
            "share": lambda t: t["share"].map("{:.0%}".format),
        }
    )
    first, second = table["operation"].head(2)
    write_task(
        run,
        config,
        title="Where a training step of an LSTM spends its time",
        question="Which operations take the time of a training step of an LSTM?",
        answer=f"`{first}` leads with {table['share'][0]:.0%} of the time of all threads, then `{second}` with "
        f"{table['share'][1]:.0%}.",
        text=f"A step of {config.batch_size} windows takes {1000 * seconds:.0f} ms without the profiler (median of "
        f"{N_TIMED}); {N_RECORDED} steps with it have {table['ms'].sum():.0f} ms of work on "
        f"{len({event['thread'] for event in events})} threads. Names are TensorFlow's own; `_Mkl` is oneDNN's.",
        note=f"An LSTM of {config.units} units on noise, {N_TIMES} samples x {N_CHANNELS} channels; nobody was "
        "recorded, nothing is scored. Times are of one machine.",
        tables=[("operations", f"The {N_SHOWN} kinds of operation that take the longest", shown)],
        figure=("timeline", "operations by thread over the steps", draw(events, list(table["operation"].head(4)))),
        seconds=time.perf_counter() - started,
    )
    console.print(shown.to_string(index=False))
    return table


def profile(config: Timeline, advance: Any) -> tuple[list[dict[str, Any]], float]:
    """Record some training steps; return their operations, and the seconds of a step that is not recorded."""
    import tensorflow as tf

    rng = np.random.default_rng(config.seed)
    X = rng.standard_normal((config.batch_size, N_TIMES, N_CHANNELS)).astype(np.float32)
    y = rng.integers(0, N_CLASSES, config.batch_size)
    with standard_settings(), seeded(config.seed), tempfile.TemporaryDirectory() as folder:
        model = LSTM(units=config.units).build(N_TIMES, N_CHANNELS, N_CLASSES)
        compile_network(model, CROSS_ENTROPY, learning_rate=1e-3)
        taken = []
        for _ in range(N_WARM + N_TIMED):
            before = time.perf_counter()
            model.train_on_batch(X, y)
            taken.append(time.perf_counter() - before)
            advance()
        tf.profiler.experimental.start(
            folder, tf.profiler.experimental.ProfilerOptions(host_tracer_level=EVERY_OPERATION)
        )
        for _ in range(N_RECORDED):
            model.train_on_batch(X, y)
            advance()
        tf.profiler.experimental.stop()
        (record,) = Path(folder).rglob("*.xplane.pb")
        return operations(record.read_bytes()), float(np.median(taken[N_WARM:]))


def operations(record: bytes) -> list[dict[str, Any]]:
    """Read what TensorFlow's threads did, in microseconds; ``self`` is the time without what was called meanwhile."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace()
    space.ParseFromString(record)
    (plane,) = [plane for plane in space.planes if plane.name == "/host:CPU"]
    events = []
    for thread, line in enumerate(line for line in plane.lines if line.name != "python"):
        open_events: list[dict[str, Any]] = []
        for event in sorted(line.events, key=lambda event: (event.offset_ps, -event.duration_ps)):
            name, _, kind = plane.event_metadata[event.metadata_id].name.rpartition(":")
            begin, duration = line.timestamp_ns / 1e3 + event.offset_ps / 1e6, event.duration_ps / 1e6
            made = {
                "name": name,
                "kind": kind.strip(),
                "thread": thread,
                "ts": begin,
                "dur": duration,
                "self": duration,
            }
            while open_events and begin >= open_events[-1]["ts"] + open_events[-1]["dur"]:
                open_events.pop()
            if open_events:
                open_events[-1]["self"] -= duration
            open_events.append(made)
            events.append(made)
    first = min(event["ts"] for event in events)
    return [{**event, "ts": event["ts"] - first} for event in events]


def by_kind(events: list[dict[str, Any]]) -> pd.DataFrame:
    """Add up the time of each kind of operation, without what it called, the longest first."""
    kinds = pd.DataFrame(events).groupby("kind")["self"].agg(["sum", "count"]).sort_values("sum", ascending=False)
    return pd.DataFrame(
        {
            "operation": kinds.index,
            "ms": kinds["sum"].to_numpy() / 1000,
            "share": (kinds["sum"] / kinds["sum"].sum()).to_numpy(),
            "times": kinds["count"].to_numpy(),
        }
    )


def chrome_trace(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the events as Chrome's trace viewer reads them: complete events, microseconds."""
    return {
        "displayTimeUnit": "ms",
        "traceEvents": [
            {
                "ph": "X",
                "name": event["kind"],
                "cat": "operation",
                "pid": 0,
                "tid": event["thread"],
                "ts": round(event["ts"], 3),
                "dur": round(event["dur"], 3),
                "args": {"name": event["name"]},
            }
            for event in events
        ],
    }


def draw(events: list[dict[str, Any]], kinds: list[str]) -> Figure:
    """Draw when each thread ran what that called nothing more; the leading kinds in colours of their own."""
    events = [event for event in events if event["self"] == event["dur"]]
    figure = Figure(figsize=(8.4, 2.4), layout="constrained")
    ax = figure.subplots()
    threads = sorted({event["thread"] for event in events})
    colours = dict(zip(kinds, ("#D55E00", "#0072B2", "#009E73", "#CC79A7"), strict=False))
    for kind, colour in [(None, "#BBBBBB"), *colours.items()]:
        for row, thread in enumerate(threads):
            bars = [
                (event["ts"] / 1000, event["dur"] / 1000)
                for event in events
                if event["thread"] == thread
                and (event["kind"] == kind or (kind is None and event["kind"] not in kinds))
            ]
            label = (kind or "others") if row == 0 else None
            ax.broken_barh(bars, (row - 0.4, 0.8), facecolors=colour, label=label)
    ax.set_yticks(range(len(threads)), [f"thread {row + 1}" for row in range(len(threads))])
    ax.set(xlabel="milliseconds")
    ax.legend(frameon=False, fontsize=8, ncols=5, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    ax.spines[["top", "right"]].set_visible(False)
    return figure


if __name__ == "__main__":
    main(Timeline, run)
