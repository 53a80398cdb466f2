"""What each step of the preprocessing is worth: simulated recordings, with every step left out in turn.

Each row prepares the same BDF recordings of simulated people (512 Hz; blinks, gaze, muscle bursts, mains, drifts, one
flat and one noisy channel) with one step changed, and asks three things. Is the EEG what it was without artefacts
(correlation with the clean twin of the recording, in 4-45 Hz and average reference)? Is the ocular artefact gone (|r|
of the EEG with the part of the EOG that is artefact, which only a simulation knows)? And can a model make more of it
(macro-F1 under ``trial``)?

Expected: without the EOG removal the frontal channels follow the eyes; without the high-pass its weights are those of
the drifts, and it removes nothing; without the search for bad channels the average reference spreads the noisy one over
all. ICA and a regression on all frequencies take alpha away with the eyes. The worst channel is the flat one, which can
only be guessed from the others. The network does not care: blinks and drifts are not what it tells emotions by, here.
Costs about 15 minutes on two CPU cores, 3 GB of memory and 3 GB of disk for the recordings, which are removed.
"""

from __future__ import annotations

import tempfile
import textwrap
import time
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.signal
from matplotlib.figure import Figure
from options import Output, main
from rich.console import Console
from rich.progress import Progress

from eegemo import (
    DEAP_PREPROCESSING,
    ConfigError,
    Preprocessing,
    Trials,
    evaluate,
    load_deap_raw,
    make_splitter,
    quadrants,
    write_simulated_raw,
)
from eegemo.datasets import _deap_format as deap
from eegemo.datasets.simulated import DEFAULT_EFFECT, DEFAULT_SEED
from eegemo.models import make_model
from eegemo.reporting.experiment_page import write_page
from eegemo.reporting.page import page_of

EYES = ("hEOG", "vEOG")
FLAT, NOISY = "P8", "FC5"
STILL_MICROVOLTS = 15.0  # of the ocular artefact in a second without blinks and gaze

#: What is changed in the settings, by the name of the row.
VARIANTS: dict[str, dict[str, Any]] = {
    "all steps": {},
    "EOG regression on all frequencies": {"eog_h_freq": None},
    "EOG removed by ICA": {"eog": "ica"},
    "no EOG removal": {"eog": None},
    "no high-pass before the fits": {"high_pass": None},
    "no search for bad channels": {"bad_channels": None},
    "no average reference": {"reference": None},
    "no band-pass": {"band": None},
    "no down-sampling": {"sfreq": None},
}


@dataclass(frozen=True)
class PreprocessingAblation(Output):
    """Prepare the same simulated recordings with every step left out in turn, and score one model on each."""

    subjects: int = 4
    """Simulated people."""
    n_trials: int = 40
    """Trials of each."""
    effect: float = DEFAULT_EFFECT
    """Change of a rhythm's log-amplitude with a rating of one standard deviation."""
    variants: tuple[str, ...] = tuple(VARIANTS)
    """Rows of the table."""
    model: str = "cnn-gru"
    """Model by name."""
    epochs: int = 20
    """At most so many epochs."""
    n_splits: int = 5
    """Folds under trial."""
    seed: int = DEFAULT_SEED
    """Of the people, the splits and the networks."""
    n_jobs: int = -1
    """Recordings prepared, and folds run, at a time; -1 is as many as there are cores."""
    out: Path = Path("results/preprocessing_ablation")
    """Where the page goes."""


def run(config: PreprocessingAblation, console: Console | None = None) -> pd.DataFrame:
    """Run everything; return the table."""
    console = console or Console()
    started = time.perf_counter()
    unknown = [name for name in config.variants if name not in VARIANTS]
    if unknown:
        raise ConfigError(f"Unknown variants {unknown}; known: {', '.join(VARIANTS)}.")
    with tempfile.TemporaryDirectory() as temporary, Progress(console=console) as progress:
        folder = Path(temporary)
        writing = progress.add_task("simulating", total=config.subjects)
        write_simulated_raw(
            folder,
            config.subjects,
            n_trials=config.n_trials,
            effect=config.effect,
            random_state=config.seed,
            flat=[FLAT],
            noisy=[NOISY],
            on_written=lambda _: progress.update(writing, advance=1),
        )
        recorded = prepare(config, folder, "data_original", DEAP_PREPROCESSING)
        clean = prepare(config, folder, "data_original_clean", replace(DEAP_PREPROCESSING, eog=None, bad_channels=None))
        artefact = recorded.pick(EYES).signals - clean.pick(EYES).signals
        rows = []
        total = progress.add_task("variants", total=len(config.variants))
        for name in config.variants:
            trials = prepare(config, folder, "data_original", replace(DEAP_PREPROCESSING, **VARIANTS[name]))
            eeg = trials.pick(deap.EEG)
            scores = model_scores(config, eeg, progress)
            rows.append({"variant": name, **against_the_truth(eeg, clean.pick(deap.EEG), artefact), **scores})
            progress.update(total, advance=1)
        ceiling = model_scores(config, clean.pick(deap.EEG), progress)
        rows.append({"variant": "the clean twin", **against_the_truth(clean.pick(deap.EEG), None, artefact), **ceiling})
    table = pd.DataFrame(rows)
    write(config, table, time.perf_counter() - started)
    console.print(table.round(3).to_string(index=False))
    return table


def prepare(config: PreprocessingAblation, folder: Path, part: str, steps: Preprocessing) -> Trials:
    """Prepare all recordings of one part; bad channels are expected."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return load_deap_raw(
            folder / part,
            channels=[*deap.EEG, *EYES],
            preprocessing=steps,
            cache=folder / "cache",
            n_jobs=config.n_jobs,
        )


def against_the_truth(eeg: Trials, clean: Trials | None, artefact: np.ndarray) -> dict[str, float]:
    """Compare the prepared EEG with the clean twin, and with the ocular artefact.

    Parameters
    ----------
    eeg : Trials
        Prepared recordings, maybe at a higher rate than the others.
    clean : Trials | None
        Their twins; ``None`` for the twins themselves.
    artefact : array, shape (n_samples, 2)
        The EOG less that of the twin.

    Returns
    -------
    numbers : dict
        Over channels: median and worst of the correlation with the twin, of the largest |r| with the artefact,
        and of the alpha power in seconds without eye movements, relative to the twin.
    """
    signals = eeg.signals[:: round(eeg.sfreq / 128)].astype(np.float64)
    ocular = correlations(signals, artefact).max(axis=1)
    numbers = {"|r| with ocular artefact, median": np.median(ocular), "|r| with ocular artefact, worst": ocular.max()}
    if clean is None:
        return {"r with clean twin, median": 1.0, "r with clean twin, worst": 1.0, **numbers}
    truth = clean.signals.astype(np.float64)
    r = np.array([np.corrcoef(signals[:, i], truth[:, i])[0, 1] for i in range(truth.shape[1])])
    still = seconds_without_movement(artefact)
    ratio = alpha_power(signals, still) / alpha_power(truth, still)
    change = np.abs(np.delete(ratio, [eeg.ch_names.index(name) for name in (FLAT, NOISY)]) - 1)
    return {
        "r with clean twin, median": np.median(r),
        "r with clean twin, worst": r.min(),
        **numbers,
        "change of alpha, median": np.median(change),
        "change of alpha, worst": change.max(),
    }


def correlations(signals: np.ndarray, artefact: np.ndarray) -> np.ndarray:
    """Return |r| of every channel with every EOG channel, shape (n_channels, n_eog)."""
    n = signals.shape[1]
    return np.abs(np.corrcoef(signals.T, artefact.T)[:n, n:])


def seconds_without_movement(artefact: np.ndarray) -> np.ndarray:
    """Return which whole seconds have no blink and no gaze shift in them, shape (n_seconds,)."""
    seconds = artefact[: len(artefact) // 128 * 128].reshape(-1, 128, artefact.shape[1])
    return np.asarray((np.ptp(seconds, axis=1) < STILL_MICROVOLTS).all(axis=1))


def alpha_power(signals: np.ndarray, still: np.ndarray) -> np.ndarray:
    """Return the power between 8 and 12 Hz of each channel over the still seconds, shape (n_channels,)."""
    seconds = signals[: len(still) * 128].reshape(len(still), 128, -1)[still]
    f, power = scipy.signal.periodogram(seconds, 128, window="hann", axis=1)
    return np.asarray(power[:, (f >= 8) & (f <= 12)].mean(axis=(0, 1)))


def model_scores(config: PreprocessingAblation, trials: Trials, progress: Progress) -> dict[str, float]:
    """Score the model on unseen trials of known people."""
    scheme = quadrants()
    windows = scheme.select(trials).windows()
    splitter = make_splitter("trial", n_splits=config.n_splits, random_state=config.seed)
    classifier = make_model(config.model, epochs=config.epochs, random_state=config.seed)
    scores = evaluate(classifier, windows, scheme, splitter, n_jobs=config.n_jobs, progress=progress).scores
    folds = scores.query("part == 'test' and subject == 'all' and level == 'window'")
    return {
        "macro-F1, trial": folds["macro_f1"].mean(),
        "its sd over folds": folds["macro_f1"].std(ddof=1),
        "folds collapsed": int(folds["collapsed"].sum()),
    }


def write(config: PreprocessingAblation, table: pd.DataFrame, seconds: float) -> None:
    """Write the table, the figure, the page and the provenance."""
    title = "What each step of the preprocessing is worth"
    note = (
        f"SIMULATED recordings of {config.subjects} people ({config.n_trials} trials each, {FLAT} flat, {NOISY} "
        f"noisy): nobody was recorded. Macro-F1 of {config.model} under trial: {config.n_splits} folds over unseen "
        "trials of known people; no test window shares its trial with training, all share their person and nearly all "
        "their stimulus; its standard deviation over folds is no confidence interval."
    )
    page = page_of(
        run,
        config,
        title=title,
        question="Which step of the preprocessing changes the EEG, and which the score?",
        answer=answer(table),
        seconds=seconds,
        tables=[("steps", title, table)],
        figures=[("steps", "three measures of every variant", draw(table, note))],
    )
    write_page(page, note, {"simulated": True, "preprocessing": DEAP_PREPROCESSING.as_json})


def answer(table: pd.DataFrame) -> str:
    """Say what leaving out a step does to the worst channel and to the score, at most."""
    rows = table.to_dict(orient="records")
    column = "|r| with ocular artefact, worst"
    worst = max(rows[:-1], key=lambda row: row[column])
    scores = [row["macro-F1, trial"] for row in rows[:-1]]
    return (
        f"With {rows[0]['variant']} the worst channel keeps |r| = {rows[0][column]:.3f} with the ocular artefact, with "
        f"{worst['variant']} {worst[column]:.3f}. Macro-F1 lies between {min(scores):.3f} and {max(scores):.3f} "
        f"whatever is left out, and is {rows[-1]['macro-F1, trial']:.3f} for the clean twin."
    )


def draw(table: pd.DataFrame, note: str) -> Figure:
    """Draw a row for each variant: truth, artefact, score."""
    figure = Figure(figsize=(11, 0.42 * len(table) + 2.2), layout="constrained")
    axes = figure.subplots(1, 3, sharey=True)
    y = np.arange(len(table))[::-1]
    for ax, median, worst, title in (
        (axes[0], "r with clean twin, median", "r with clean twin, worst", "r with the clean twin"),
        (
            axes[1],
            "|r| with ocular artefact, median",
            "|r| with ocular artefact, worst",
            "|r| with the ocular artefact",
        ),
    ):
        ax.hlines(y, table[median], table[worst], color="#BBBBBB")
        ax.plot(table[median], y, "o", color="#0072B2", label="median channel")
        ax.plot(table[worst], y, "o", color="#D55E00", label="worst channel")
        ax.set(title=title, xlim=(-0.05, 1.05))
    axes[1].legend(frameon=False, fontsize=8, loc="best")
    axes[2].errorbar(table["macro-F1, trial"], y, xerr=table["its sd over folds"], fmt="o", color="#009E73", capsize=3)
    axes[2].set(title="macro-F1 (trial) ± sd", xlim=(0, None))
    axes[0].set_yticks(y, table["variant"])
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    figure.suptitle("SIMULATED RECORDINGS · every step left out in turn", fontsize=11)
    figure.supxlabel("\n".join(textwrap.wrap(note, 165)), fontsize=7, color="#444444")
    return figure


if __name__ == "__main__":
    main(PreprocessingAblation, run)
