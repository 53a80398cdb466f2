"""The preprocessing on recordings of real people, and what its whole chain lets through.

Two tables. *Blinks of a real person*: the largest absolute correlation of frontal to central EEG with the vertical EOG,
in the final band, without EOG removal, with each method, and with a regression on all frequencies of the EOG - which
looks best here and takes alpha away from frontal channels (see ``preprocessing_ablation``, where the truth is known).
What remains is not all artefact: the EOG electrodes record the brain, too. *Response*: sines of 1 to 60 Hz through
every step.

Expected: |r(Fp1, vEOG)| falls from above .95 to below .25 with both methods. 1, 50 and 60 Hz are attenuated by more
than 50 dB; 6-40 Hz pass within 0.1 dB.
Costs a few seconds. ``--data`` (or EEGEMO_REAL_DATA) names the folder with ``eog_biosemi/ica_ocular_128hz.npz``:
BioSemi, 32 electrodes, mastoids and four EOG electrodes, of the CRAN package icaOcularCorrection 1.3.
"""

from __future__ import annotations

import os
import time
import warnings
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from options import Output, main
from rich.console import Console

from eegemo import DataFormatError, Preprocessing, preprocess
from eegemo.reporting.experiment_page import write_page
from eegemo.reporting.page import page_of

BIOSEMI = Preprocessing(
    types=(("LM", "misc"), ("RM", "misc")), bipolar=(("hEOG", "eog", "LC", "RC"), ("vEOG", "eog", "TE", "BE"))
)
METHODS: dict[str, Preprocessing] = {
    "EOG left in": replace(BIOSEMI, eog=None),
    "regression (default)": BIOSEMI,
    "regression on all frequencies": replace(BIOSEMI, eog_h_freq=None),
    "ICA": replace(BIOSEMI, eog="ica"),
}
SHOWN = ("Fp1", "Fp2", "F3", "Fz", "Cz", "Oz")
FREQUENCIES = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 20.0, 30.0, 40.0, 45.0, 47.0, 50.0, 60.0)
RECORDED_HZ = 512
COLOURS = ("#999999", "#0072B2", "#009E73", "#D55E00")


@dataclass(frozen=True)
class RealPreprocessing(Output):
    """Preprocess a real recording with every method, and sines with the default settings."""

    data: Path | None = None
    """Folder of the real recordings; EEGEMO_REAL_DATA by default."""
    out: Path = Path("results/real_preprocessing")
    """Where the page goes."""


def run(config: RealPreprocessing, console: Console | None = None) -> pd.DataFrame:
    """Run everything; return the table of blinks."""
    console = console or Console()
    started = time.perf_counter()
    raw = read_biosemi(config.data or Path(os.environ.get("EEGEMO_REAL_DATA", "")))
    prepared = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of two channels that are not connected
        for name, steps in METHODS.items():
            prepared[name] = preprocess(raw, steps)
    blinks = pd.DataFrame([{"EOG": name, **correlation_with_blinks(clean)} for name, clean in prepared.items()])
    passed = response()
    note = (
        f"Blinks: one REAL person, {raw.times[-1]:.0f} s with a blink in nearly every 1.5 s; 4-45 Hz, average "
        "reference. Gain: sines, no recording. No labels, no training, no test: nothing here is a classification score."
    )
    left_in, *removed = blinks[f"|r({SHOWN[0]}, vEOG)|"]
    page = page_of(
        run,
        config,
        title="The preprocessing on a real person's blinks, and its response",
        question="Does the EOG removal take a real person's blinks away, and what does the chain let through?",
        answer=f"|r({SHOWN[0]}, vEOG)| falls from {left_in:.3f} to {', '.join(f'{r:.3f}' for r in removed)} "
        f"({', '.join(blinks['EOG'][1:])}).",
        seconds=time.perf_counter() - started,
        figures=[("blinks", "six seconds of Fp1 and Oz by method", draw(prepared))],
        tables=[
            ("blinks", "|r| with the vertical EOG, and the standard deviation left at Fp1", blinks),
            ("response", "Gain of the whole chain", passed),
        ],
    )
    write_page(page, note, {"simulated": False, "preprocessing": asdict(BIOSEMI)})
    console.print(blinks.round(3).to_string(index=False))
    console.print(passed.round(3).to_string(index=False))
    return blinks


def read_biosemi(folder: Path) -> mne.io.RawArray:
    """Read the recording as MNE has recordings, in volts."""
    path = folder / "eog_biosemi" / "ica_ocular_128hz.npz"
    if not path.is_file():
        raise DataFormatError(f"There is no {path}; name the folder of the real recordings with --data.")
    with np.load(path, allow_pickle=False) as stored:
        info = mne.create_info([str(name) for name in stored["ch_names"]], float(stored["fs"]), "eeg")
        return mne.io.RawArray(stored["X"] * 1e-6, info, verbose="error")


def correlation_with_blinks(clean: mne.io.BaseRaw) -> dict[str, float]:
    """Return |r| with the vertical EOG of a few channels, and Fp1's standard deviation in microvolts."""
    eog = clean.get_data(picks="vEOG")[0]
    r = {f"|r({name}, vEOG)|": abs(np.corrcoef(clean.get_data(picks=name)[0], eog)[0, 1]) for name in SHOWN}
    return {**r, "Fp1, µV": 1e6 * clean.get_data(picks="Fp1").std()}


def response() -> pd.DataFrame:
    """Send sines through down-sampling, high-pass, band-pass and reference; return their gains in decibels."""
    t = np.arange(60 * RECORDED_HZ) / RECORDED_HZ
    sines = 1e-5 * np.sin(2 * np.pi * np.array(FREQUENCIES)[:, None] * t)
    names = mne.channels.make_standard_montage("colin27_1020").ch_names[: 2 * len(FREQUENCIES)]
    both = np.concatenate([sines, -sines])  # the average reference takes nothing away
    raw = mne.io.RawArray(both, mne.create_info(names, RECORDED_HZ, "eeg"), verbose="error")
    clean = preprocess(raw, Preprocessing(eog=None, bad_channels=None))
    middle = slice(10 * 128, 50 * 128)
    gain = clean.get_data()[: len(sines), middle].std(axis=1) / sines.std(axis=1)
    return pd.DataFrame({"Hz": FREQUENCIES, "gain, dB": 20 * np.log10(gain)})


def draw(prepared: dict[str, mne.io.BaseRaw]) -> Figure:
    """Draw a stretch of Fp1, and of Oz, for each method."""
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    stretch = slice(2 * 128, 8 * 128)
    for ax, name in zip(axes, ("Fp1", "Oz"), strict=True):
        for i, clean in enumerate(prepared.values()):
            trace = 1e6 * clean.get_data(picks=name)[0, stretch] - 80 * i
            ax.plot(clean.times[stretch], trace, color=COLOURS[i], linewidth=0.8)
        ax.set(title=name, xlabel="seconds")
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("80 µV between two lines")
    axes[0].set_yticks([-80 * i for i in range(len(prepared))], list(prepared))
    figure.suptitle("A real person's EEG, 4-45 Hz: EOG left in, and removed", fontsize=11)
    return figure


if __name__ == "__main__":
    main(RealPreprocessing, run)
