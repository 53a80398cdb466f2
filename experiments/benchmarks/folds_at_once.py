"""Leave-one-subject-out on one GPU: all folds as one computation, one after another, and PyTorch one after another.

CNN-GRU, CNN-LSTM and TCN on simulated people, windows of 1 s without overlap. For each network: the seconds of all
folds at once (``eegemo.models.fits_at_once``, by which ``evaluate(..., folds_at_once=True)`` trains), those of one fold
after another as :class:`eegemo.EEGClassifier` trains it on the same card, and those of the same network in plain
PyTorch with all samples on the card; windows a second, the share of the card's float32 peak, memory a fold, and how far
the probabilities of folds trained at once and alone lie apart. Of what is trained one after another some steps are
timed, and the rest is multiplied; so is what the time that is allowed cuts short, and the table says so.

Each part runs in a process of its own. Needs ``KERAS_BACKEND=jax``, and for the peers PyTorch. Costs the minutes it is
allowed on a GPU.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro

#: Products and sums a second in float32, by NVIDIA's data sheet: of H100 (SXM) and H200 alike.
_PEAK = 67e12


@dataclass(frozen=True)
class FoldsAtOnce:
    """Time leave-one-subject-out on one device."""

    out: Path
    """Folder for ``folds_at_once.json`` and ``folds_at_once.txt``."""
    models: tuple[str, ...] = ("cnn-gru", "cnn-lstm", "tcn")
    """Networks by name."""
    subjects: int = 32
    """Simulated people, and so many folds."""
    epochs: int = 20
    """Of each fold."""
    every: int = 1
    """Take every so manieth window: a rehearsal takes few."""
    n_steps: int = 300
    """Steps that are timed of what runs one after another."""
    compared: tuple[int, ...] = (32, 8, 1)
    """Parts of what one call takes: so many folds are trained alone, too, each on such a part, and compared."""
    minutes: float = 8.0
    """All of it; what does not fit is multiplied from what did."""
    part: str = ""
    """For this script's own use: the part that this process does."""
    data: Path | None = None
    """For this script's own use: where the simulated people are."""
    until: float = 0.0
    """For this script's own use: when the part is to be done, in seconds since 1970."""


def say(text: str) -> None:
    """Print at once: who waits sees how far it is."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def run(config: FoldsAtOnce) -> str:
    """Simulate, start a process for each part, and put together what they wrote."""
    began = time.time()
    config.out.mkdir(parents=True, exist_ok=True)
    for path in config.out.glob("part-*.json"):
        path.unlink()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "people.joblib"
        simulate_people(config.subjects, data)
        parts = [*config.models, "torch"]
        for number, part in enumerate(parts):
            left = began + 60 * config.minutes - time.time()
            # The TCN takes about twice as long as the others, PyTorch's few steps about a quarter.
            weights = [{"tcn": 2.0, "torch": 0.25}.get(one, 1.0) for one in parts[number:]]
            share = max(left, 30.0) * weights[0] / sum(weights)
            say(f"{part}: {share:.0f} s")
            do_elsewhere(config, part, data, time.time() + share)
    found = {path.stem.removeprefix("part-"): json.loads(path.read_text()) for path in config.out.glob("part-*.json")}
    text = as_text(config, found)
    written = {"options": asdict(config), **found}
    (config.out / "folds_at_once.json").write_text(json.dumps(written, indent=1, default=str))
    (config.out / "folds_at_once.txt").write_text(text)
    print(text, flush=True)
    say(f"all done in {time.time() - began:.0f} s")
    return text


def do_elsewhere(config: FoldsAtOnce, part: str, data: Path, until: float) -> None:
    """Do a part in a process of its own, so that one that fails takes no other with it, nor the card's memory."""
    numbers = ("subjects", "epochs", "every", "n_steps")
    command = [sys.executable, __file__, "--out", str(config.out), "--part", part, "--data", str(data)]
    command += [word for name in numbers for word in (f"--{name.replace('_', '-')}", str(getattr(config, name)))]
    command += ["--until", str(until), "--compared", *map(str, config.compared), "--models", *config.models]
    try:
        subprocess.run(command, timeout=until + 90 - time.time())
    except subprocess.TimeoutExpired:
        say(f"{part}: not done in its time, ended")


def simulate_people(n_subjects: int, path: Path) -> None:
    """Simulate people side by side, and leave them where the parts find them."""
    import joblib
    import pandas as pd

    from eegemo import Trials, simulate

    started = time.perf_counter()
    people = joblib.Parallel(-1)(joblib.delayed(simulate)([number]) for number in range(1, n_subjects + 1))
    first = people[0]
    n_samples = len(first.signals)
    tables = [one.table.assign(start=one.table["start"] + k * n_samples) for k, one in enumerate(people)]
    signals = np.concatenate([one.signals for one in people])
    table = pd.concat(tables, ignore_index=True)
    joblib.dump(Trials(signals, table, first.ch_names, first.sfreq, dataset="simulated", simulated=True), path)
    say(f"{n_subjects} people simulated in {time.perf_counter() - started:.0f} s")


class OutOfTimeError(Exception):
    """The time that a part has is up."""


def do_network(config: FoldsAtOnce, name: str) -> dict[str, Any]:
    """Measure one network."""
    import jax

    from eegemo.models.fits_at_once import fit_at_once

    device = jax.devices()[0]
    requests = requests_of(config, name, config.epochs)
    batch_size = requests[0].classifier.resolved_params()["batch_size"]
    n_steps = -(-max(len(request.X) for request in requests) // batch_size)
    found: dict[str, Any] = {
        "device": device.device_kind,
        "versions": {module: __import__(module).__version__ for module in ("jax", "keras", "numpy")},
        "folds": len(requests),
        "windows": [len(request.X) for request in requests],
        "batch_size": batch_size,
        "flops_of_a_window": flops_of_a_window(name, requests[0]),
    }
    flops = found["flops_of_a_window"] / 1e6
    say(f"{name} on {device.device_kind}: {len(requests)} folds of {n_steps} steps, {flops:.2f} MFLOP a window")
    # First, since it compiles what all epochs of all folds need.
    found |= compare(config, name, n_steps, batch_size)
    write(config, name, found)

    ticks = [time.perf_counter()]

    def tick(epoch: int) -> None:
        ticks.append(time.perf_counter())
        say(f"{name}: epoch {epoch} after {ticks[-1] - ticks[0]:.1f} s")
        if time.time() + 10 > config.until and 1 < epoch < config.epochs:
            raise OutOfTimeError

    outcomes = dict(fit_at_once(requests, tick))
    ended = time.perf_counter()
    failed = [outcome for outcome in outcomes.values() if isinstance(outcome, Exception)]
    if failed and not isinstance(failed[0], OutOfTimeError):
        raise failed[0]
    strip, peak = requests[0].X.trials.signals.nbytes, (device.memory_stats() or {}).get("peak_bytes_in_use")
    of_epoch = float(np.median(np.diff(ticks)[1:] if len(ticks) > 2 else np.diff(ticks)))
    training = ended - ticks[1] + of_epoch
    return found | {
        "epochs_done": len(ticks) - 1,
        "seconds_of_an_epoch": of_epoch,
        "seconds_all_at_once": None if failed else found["seconds_before_the_first_epoch"] + training,
        "bytes_of_the_strip": strip,
        "peak_bytes": peak,
        "bytes_a_fold": peak and (peak - strip) / len(requests),
    }


def compare(config: FoldsAtOnce, name: str, n_steps: int, batch_size: int) -> dict[str, Any]:
    """Train all folds on what one call of the computation takes, the first ones on parts of it and alone, too."""
    from eegemo.models.fits_at_once import fit_at_once

    of_a_call = -(-n_steps // -(-n_steps // 128))  # as eegemo.training.folds_at_once divides an epoch
    n_epochs = 1 + max(1, -(-config.n_steps // of_a_call))
    compared = [max(1, of_a_call // part) for part in config.compared]
    of_folds = [batch_size * steps for steps in (*compared, *[of_a_call] * (config.subjects - len(compared)))]
    requests, nudged = (requests_of(config, name, n_epochs, of_folds, scale) for scale in (1, 1 + 2**-23))
    ticks = [time.perf_counter()]
    together: dict[int, Any] = dict(fit_at_once(requests, lambda _: ticks.append(time.perf_counter())))
    failed = [outcome for outcome in together.values() if isinstance(outcome, Exception)]
    if failed:
        raise failed[0]
    seconds = np.diff(ticks)
    before = seconds[0] - np.median(seconds[1:])
    say(f"{name}: prepared and compiled in {before:.0f} s")
    found: dict[str, Any] = {"seconds_before_the_first_epoch": float(before), "compared": []}
    try:
        for number, steps in enumerate(compared):
            alone, again, other = (predicted_alone(one) for one in [requests[number]] * 2 + [nudged[number]])
            outputs = together[number].outputs[0]
            differences = {
                "at_once": float(np.abs(outputs - alone).max()),
                "again": float(np.abs(again - alone).max()),
                "last_bit": float(np.abs(other - alone).max()),
            }
            equal = float((outputs.argmax(axis=1) == alone.argmax(axis=1)).mean())
            found["compared"].append({"steps": n_epochs * steps, "equal_decisions": equal, **differences})
            say(f"{name}: {found['compared'][-1]}")
        found["seconds_of_a_step_alone"] = seconds_of_a_step(requests[-1], of_a_call)
        say(f"{name}: {1e3 * found['seconds_of_a_step_alone']:.2f} ms a step alone")
    except Exception:  # all folds at once are measured in any case
        say(f"{name}: a fold alone failed\n{traceback.format_exc()}")
    return found


def predicted_alone(request: Any) -> np.ndarray:
    """Train a fold as it is trained by itself, and return its probabilities."""
    from sklearn.base import clone

    alone = clone(request.classifier).fit(request.X, request.y, validation_data=request.validation_data)
    proba: np.ndarray = alone.predict_proba(request.predicted[0])
    return proba


def seconds_of_a_step(request: Any, n_steps: int) -> float:
    """Train a fold by itself, and return the seconds of a step, without validation and without the first epoch."""
    from sklearn.base import clone

    from eegemo.training import EpochListener

    ticks: list[float] = []
    listener = EpochListener(lambda _: ticks.append(time.perf_counter()))
    clone(request.classifier).fit(request.X, request.y, callbacks=[listener])
    return float(np.median(np.diff(ticks))) / n_steps


def requests_of(
    config: FoldsAtOnce, model: str, epochs: int, n_windows: Sequence[int] | None = None, scale: float = 1
) -> list[Any]:
    """Make what :func:`eegemo.models.fits_at_once.fit_at_once` takes, a fold a person, of so many windows."""
    import joblib

    from eegemo import EEGClassifier, Trials, make_splitter, quadrants
    from eegemo.models.fits_at_once import FitRequest

    trials = joblib.load(config.data, mmap_mode="r")
    if scale != 1:
        signals = trials.signals * np.float32(scale)
        trials = Trials(signals, trials.table, trials.ch_names, trials.sfreq, dataset="simulated", simulated=True)
    windows = trials.windows()[:: config.every]
    y = quadrants()(windows)
    requests: list[Any] = []
    for train, validation, test in make_splitter("subject", n_splits="leave-one-out").triples(windows, y):
        wanted = n_windows[len(requests)] if n_windows else len(train)
        own = train[np.linspace(0, len(train) - 1, min(wanted, len(train))).astype(int)]
        # No fold stops early, so that all have the epochs that they are said to have.
        classifier = EEGClassifier(model, epochs=epochs, patience=epochs, random_state=0)
        held_out = (windows[validation], y[validation])
        requests.append(FitRequest(classifier, windows[own], y[own], held_out, [windows[test]]))
    return requests


def flops_of_a_window(name: str, request: Any) -> float:
    """Count the products and sums of a training step, forward and backward, for one window of its batch."""
    import jax

    from eegemo.networks.function import as_network
    from eegemo.training import CROSS_ENTROPY
    from eegemo.training.compiled import compile_network
    from eegemo.training.layers_for_many import layers_for_many
    from eegemo.training.stacked import Stacked

    batch_size, windows = 64, request.X
    model = as_network(name).build(windows.n_times, len(windows.ch_names), 4)
    compile_network(model, CROSS_ENTROPY, 1e-3, 1.0)
    x = windows[:batch_size].gather()
    model._symbolic_build(data_batch=(x, request.y[:batch_size].astype(np.int32)))
    with layers_for_many(model):
        stacked = Stacked(model, CROSS_ENTROPY, jax.numpy.asarray(x.reshape(-1, x.shape[-1])), windows.n_times)
        state = stacked.begin([[np.asarray(variable.value) for variable in model.variables]])
        one = jax.tree.map(lambda array: array[0], state)
        batch = (np.zeros(batch_size, np.int32), np.zeros(batch_size, np.int32), np.float32(0), np.bool_(True))
        jaxpr = jax.make_jaxpr(stacked.step)(stacked.strip, one, batch)
    return count_flops(jaxpr.jaxpr) / batch_size


def count_flops(jaxpr: Any) -> float:
    """Count the products and sums of the matrix products in a computation; what is done element by element is not."""
    total = 0.0
    for equation in jaxpr.eqns:
        inner = [value for value in equation.params.values() if hasattr(value, "eqns") or hasattr(value, "jaxpr")]
        for value in inner:
            total += equation.params.get("length", 1) * count_flops(getattr(value, "jaxpr", value))
        if equation.primitive.name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            shape = equation.invars[0].aval.shape
            total += 2.0 * equation.outvars[0].aval.size * np.prod([shape[axis] for axis in contracted])
        elif equation.primitive.name == "conv_general_dilated":
            kernel = equation.params["dimension_numbers"].rhs_spec
            shape = equation.invars[1].aval.shape
            total += 2.0 * equation.outvars[0].aval.size * np.prod(shape) / shape[kernel[0]]
    return total


def do_torch(config: FoldsAtOnce) -> dict[str, Any]:
    """Time the same networks in plain PyTorch."""
    import joblib
    import torch
    import torch_peers  # type: ignore[import-not-found]

    from eegemo import quadrants

    windows = joblib.load(config.data).windows()[:: config.every]
    y = quadrants()(windows)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    found: dict[str, Any] = {"device": device, "version": torch.__version__}
    for name in config.models:
        seconds = torch_peers.seconds_of_a_step(
            name,
            np.array(windows.trials.signals),
            windows.starts,
            y.astype(np.int64),
            n_times=windows.n_times,
            batch_size=64,
            n_steps=config.n_steps,
        )
        found[name] = {"seconds_of_a_step": seconds, "n_parameters": torch_peers.n_parameters(name, windows.n_times)}
        say(f"PyTorch, {name}: {1e3 * seconds:.2f} ms a step")
        write(config, "torch", found)
    return found


def write(config: FoldsAtOnce, part: str, found: dict[str, Any]) -> None:
    """Keep what a part has found so far."""
    (config.out / f"part-{part}.json").write_text(json.dumps(found, indent=1))


def as_text(config: FoldsAtOnce, found: dict[str, Any]) -> str:
    """Put the figures of all parts into words."""
    lines = [f"Leave-one-subject-out, {config.subjects} simulated people, {config.epochs} epochs", ""]
    for name in config.models:
        own = found.get(name, {})
        if "seconds_of_an_epoch" not in own:
            lines += [f"{name}: not measured", ""]
            continue
        of_epoch, before = own["seconds_of_an_epoch"], own["seconds_before_the_first_epoch"]
        n_steps = config.epochs * sum(-(-n // own["batch_size"]) for n in own["windows"])
        whole = own["seconds_all_at_once"] or before + of_epoch * config.epochs
        cut = "" if own["seconds_all_at_once"] else f", multiplied from {own['epochs_done']} epochs"
        rate = sum(own["windows"]) / of_epoch
        flops = own["flops_of_a_window"] * rate
        lines += [
            f"{name} on {own['device']}, {own['folds']} folds",
            f"  all at once: {whole:.0f} s{cut}; {before:.0f} s before the first epoch, {of_epoch:.2f} s each",
            f"  {rate:.0f} windows a second, the validation's time included; {flops / 1e12:.2f} TFLOP/s, "
            f"{flops / _PEAK:.1%} of the float32 peak ({_PEAK / 1e12:.0f})",
        ]
        if own["bytes_a_fold"]:
            samples = own["bytes_of_the_strip"] / 1e6
            lines.append(f"  memory: {own['bytes_a_fold'] / 1e6:.0f} MB a fold beside {samples:.0f} MB of samples")
        peers = {"one after another": own.get("seconds_of_a_step_alone")}
        peers["PyTorch one after another"] = found.get("torch", {}).get(name, {}).get("seconds_of_a_step")
        lines += [
            f"  {peer}: {seconds * n_steps:.0f} s, {seconds * n_steps / whole:.1f} x all at once; multiplied from "
            f"{1e3 * seconds:.2f} ms a step, without validation"
            for peer, seconds in peers.items()
            if seconds
        ]
        lines += [
            f"  {one['steps']} steps, probabilities of a fold alone and at once differ by {one['at_once']:.1e} at most "
            f"({one['equal_decisions']:.2%} of decisions are equal); alone twice by {one['again']:.1e}, "
            f"on samples that differ in their last bit by {one['last_bit']:.1e}"
            for one in own["compared"]
        ]
        lines.append("")
    return "\n".join(lines)


def main(config: FoldsAtOnce) -> None:
    """Do everything, or the part that another process asks for."""
    if not config.part:
        run(config)
    else:
        write(config, config.part, do_torch(config) if config.part == "torch" else do_network(config, config.part))


if __name__ == "__main__":
    os.environ.setdefault("KERAS_BACKEND", "jax")
    main(tyro.cli(FoldsAtOnce, description=__doc__))
