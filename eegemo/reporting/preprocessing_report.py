"""What the preprocessing did to each recording: one self-contained HTML page, by ``mne.Report``."""

from __future__ import annotations

import html
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from eegemo._atomic import replacing
from eegemo.preprocessing.channels import average_reference
from eegemo.preprocessing.cutting import Cut
from eegemo.preprocessing.pauses import clock_seconds
from eegemo.preprocessing.recording import Recording
from eegemo.preprocessing.steps import steps_done

_STRETCH_SECONDS = 10.0
_PSD_SECONDS = 300.0  # from the middle of the recording
_SHOWN = ("Fp1", "Fp2", "F7", "F8", "Fz", "Cz", "Pz", "O1")
_BEFORE, _AFTER = "#999999", "#0072B2"


def write_preprocessing_report(
    recordings: Iterable[Recording],
    path: Path,
    *,
    simulated: bool,
    on_recording: Callable[[str], object] | None = None,
) -> None:
    """Run the stage over recordings and write what it did to each, as a page that needs no network.

    Parameters
    ----------
    recordings : iterable of Recording
        One is open at a time.
    path : Path
        The page; its name ends in ``.html``.
    simulated : bool
        Whether nobody was recorded; said in the title.
    on_recording : callable | None
        Called with the name of each recording when its part is done.
    """
    report = mne.Report(title=f"Preprocessing{' of SIMULATED recordings' if simulated else ''}", verbose="error")
    rows = []
    for recording in recordings:
        clean, cut, messages = recording.run()
        steps = {step["step"]: step for step in steps_done(clean)}
        rows.append(_summary(recording, steps, cut, messages))
        _add_recording(report, recording, clean, cut, messages, steps)
        if on_recording:
            on_recording(recording.name)
    table = pd.DataFrame(rows).to_html(index=False, border=0, classes="table table-sm table-striped")
    report.add_html(table, title="All recordings", section="Summary")
    n = len(report)
    report.reorder([n - 1, *range(n - 1)])
    with replacing(path) as partial:
        report.save(partial, overwrite=True, open_browser=False, verbose="error")


def _summary(
    recording: Recording, steps: dict[str, dict[str, Any]], cut: Cut, messages: list[str]
) -> dict[str, object]:
    eog = steps.get("remove_eog", {})
    left = steps["preprocess"]["eog_correlation"]
    return {
        "recording": recording.name,
        "subject": recording.table["subject"].iloc[0],
        "trials": f"{len(cut.kept)} of {len(recording.table)}",
        "bad channels": ", ".join(steps.get("interpolate_bad_channels", {}).get("bads", {})) or "none",
        "EOG removed by": eog.get("method", "not removed"),
        "largest |r| with EOG before": f"{max(eog['r_before']):.2f}" if eog else "",
        "after, in the final band": f"{max(left.values()):.2f}" if left else "",
        "largest share of variance removed": f"{max(eog['variance_explained']):.2f}" if eog else "",
        "messages": len(messages),
    }


def _add_recording(
    report: mne.Report,
    recording: Recording,
    clean: mne.io.BaseRaw,
    cut: Cut,
    messages: list[str],
    steps: dict[str, dict[str, Any]],
) -> None:
    section = recording.name
    before = _as_recorded(recording, clean)
    report.add_html(_what_was_done(steps, messages), title="What was done", section=section)
    for figure, title, caption in (
        (
            _events_figure(recording, cut, clean),
            "Events found",
            "Trials over the recording, in seconds.",
        ),
        (
            _psd_figure(before, clean),
            "Power spectral density",
            "Welch, all EEG channels: median, and the range of all but the outer tenths. Before: as recorded, average "
            "reference alone.",
        ),
        (
            _eog_figure(clean, steps.get("remove_eog")),
            "EOG: weights and correlations",
            "Weights: microvolts of EEG for a microvolt of EOG (regression), or the maps of the components removed "
            "(ICA). |r|: largest absolute correlation with an EOG channel before, after, and in the final band, where "
            "the EOG electrodes' own share of brain activity remains.",
        ),
        (
            _stretch_figure(before, clean),
            "A stretch before and after",
            "Around the largest deflection of the EOG. Before: as recorded, average reference, median of the "
            "stretch taken out.",
        ),
        (
            _amplitude_figure(cut, clean, recording),
            "Amplitudes of the trials",
            "Peak-to-peak amplitude of each EEG channel in each trial; a cross marks a trial that is left out.",
        ),
    ):
        if figure is not None:
            report.add_figure(figure, title=title, caption=caption, section=section, image_format="png")


def _as_recorded(recording: Recording, clean: mne.io.BaseRaw) -> mne.io.BaseRaw:
    """Return the middle of the recording at its own rate, with the names and the reference of the cleaned one."""
    last = recording.raw.times[-1]
    first = max(0.0, last / 2 - _PSD_SECONDS / 2)
    raw = recording.raw.copy().crop(first, min(last, first + _PSD_SECONDS)).load_data(verbose="error")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # given when the recording was run
        raw = recording.preprocessing.name_channels(raw)
    return average_reference(raw, copy=False) if len(mne.pick_types(raw.info, meg=False, eeg=True)) > 1 else raw


def _what_was_done(steps: dict[str, dict[str, Any]], messages: list[str]) -> str:
    def words(details: dict[str, Any]) -> str:
        short = {k: v for k, v in details.items() if k != "step" and not isinstance(v, (list, dict))}
        short |= {k: v for k, v in details.items() if k in ("bads", "eog_channels") and v}
        return html.escape(", ".join(f"{k.replace('_', ' ')}: {v}" for k, v in short.items()))

    items = "".join(f"<li><b>{step}</b> {words(details)}</li>" for step, details in steps.items())
    notes = "".join(f"<li>{html.escape(message)}</li>" for message in messages) or "<li>none</li>"
    return f"<ol>{items}</ol><p>Messages</p><ul>{notes}</ul>"


def _events_figure(recording: Recording, cut: Cut, clean: mne.io.BaseRaw) -> Figure:
    figure = Figure(figsize=(9, 2.0), layout="constrained")
    ax = figure.subplots()
    kept = np.isin(np.arange(len(recording.onsets)), cut.kept)
    for chosen, colour, label in ((kept, _AFTER, "kept"), (~kept, "#D55E00", "left out")):
        if chosen.any():
            ax.broken_barh(
                list(zip(recording.onsets[chosen], recording.durations[chosen], strict=True)),
                (0, 1),
                color=colour,
                label=label,
            )
    for onset, duration, trial in zip(recording.onsets, recording.durations, recording.table["trial"], strict=True):
        ax.text(onset + duration / 2, 0.5, str(trial), ha="center", va="center", fontsize=7, color="white")
    ax.set(
        xlim=(0, clock_seconds(clean, clean.times[-1:])[0]),
        yticks=[],
        xlabel="seconds",
        title="trials, by their number",
    )
    ax.legend(loc="upper right", fontsize=8, ncols=2)
    return figure


def _psd_figure(before: mne.io.BaseRaw, clean: mne.io.BaseRaw) -> Figure:
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    ax = figure.subplots()
    for raw, colour, label in ((before, _BEFORE, "before"), (clean, _AFTER, "after")):
        sfreq = raw.info["sfreq"]
        spectrum = raw.compute_psd(
            picks="eeg", fmax=min(80.0, sfreq / 2), n_fft=min(raw.n_times, int(4 * sfreq)), verbose="error"
        )
        decibel = 10 * np.log10(np.maximum(spectrum.get_data(picks="eeg") * 1e12, 1e-12))
        ax.plot(spectrum.freqs, np.median(decibel, axis=0), color=colour, label=label)
        ax.fill_between(
            spectrum.freqs, *np.quantile(decibel, [0.1, 0.9], axis=0), color=colour, alpha=0.25, linewidth=0
        )
    ax.set(xlabel="Hz", ylabel="dB re 1 µV²/Hz", xlim=(0, 80), ylim=(-50, None))
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    return figure


def _eog_figure(clean: mne.io.BaseRaw, step: dict[str, Any] | None) -> Figure | None:
    """Draw the weights on the head, and the correlations of each channel."""
    if step is None:
        return None
    channels = step["channels"]
    info = mne.pick_info(clean.info, [clean.ch_names.index(name) for name in channels])
    placed = all(np.isfinite(channel["loc"][:3]).all() for channel in info["chs"])
    weights = np.array(step["weights"], float).reshape(len(channels), -1)
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    n_maps = min(weights.shape[1], 2) if placed else 0
    axes = np.atleast_1d(figure.subplots(1, n_maps + 1, width_ratios=[1] * n_maps + [2.2]))
    for i in range(n_maps):
        limit = np.abs(weights[:, i]).max() or 1.0
        image, _ = mne.viz.plot_topomap(weights[:, i], info, axes=axes[i], show=False, vlim=(-limit, limit))
        figure.colorbar(image, ax=axes[i], shrink=0.6)
        axes[i].set_title(
            f"weight of {step['eog_channels'][i]}" if step["method"] == "regression" else f"component {i + 1}"
        )
    positions = np.arange(len(channels))
    axes[-1].plot(positions, step["r_before"], "o", color=_BEFORE, label="before")
    axes[-1].plot(positions, step["r_after"], "o", color=_AFTER, label="after")
    left = [done for done in steps_done(clean) if done["step"] == "preprocess"][-1]["eog_correlation"]
    axes[-1].plot(positions, [left.get(n, np.nan) for n in channels], "x", color="#D55E00", label="after, final band")
    axes[-1].set_xticks(positions, channels, rotation=90, fontsize=7)
    axes[-1].set(ylim=(-0.02, 1.02), title="|r| with EOG")
    axes[-1].legend(frameon=False, fontsize=8)
    return figure


def _stretch_figure(before: mne.io.BaseRaw, clean: mne.io.BaseRaw) -> Figure:
    eyes = [before.ch_names[pick] for pick in mne.pick_types(before.info, meg=False, eog=True)]
    at = before.n_times // 2
    if eyes:
        eog = before.get_data(picks=eyes[-1])[0]
        at = int(np.abs(eog - np.median(eog)).argmax())
    length = min(_STRETCH_SECONDS, before.times[-1])
    first = float(np.clip(before.times[at] - length / 2, 0, before.times[-1] - length))
    offset = (before.first_samp / before.info["sfreq"]) - clean.first_samp / clean.info["sfreq"]
    names = [name for name in _SHOWN if name in clean.ch_names] or clean.ch_names[:8]
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for ax, raw, rows, shift, title in (
        (axes[0], before, [*eyes, *names], 0.0, "before"),
        (axes[1], clean, names, offset, "after"),
    ):
        low, high = (int(t * raw.info["sfreq"]) for t in (first + shift, first + shift + length))
        samples = raw.get_data(picks=rows, start=low, stop=high) * 1e6
        samples -= np.median(samples, axis=1, keepdims=True)
        times = first + offset + np.arange(samples.shape[1]) / raw.info["sfreq"]
        for trace, name in zip(samples, rows, strict=True):
            ax.plot(
                times, trace - 150 * [*eyes, *names].index(name), color=_AFTER if ax is axes[1] else "#444444", lw=0.6
            )
        ax.set(title=title, xlabel="seconds")
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_yticks([-150 * i for i in range(len(eyes) + len(names))], [*eyes, *names])
    axes[0].set_ylabel("150 µV between two lines")
    return figure


def _amplitude_figure(cut: Cut, clean: mne.io.BaseRaw, recording: Recording) -> Figure:
    names = [clean.ch_names[pick] for pick in mne.pick_types(clean.info, meg=False, eeg=True)]
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    ax = figure.subplots()
    image = ax.imshow(cut.peak_to_peak.T, aspect="auto", cmap="viridis", interpolation="nearest")
    for trial in (*cut.outside, *cut.interrupted, *cut.annotated, *cut.rejected):
        ax.plot(trial, -0.9, "x", color="#D55E00", clip_on=False)
    ax.set_yticks(np.arange(len(names)), names, fontsize=6)
    step = max(1, len(recording.table) // 20)
    ax.set_xticks(np.arange(0, len(recording.table), step), recording.table["trial"][::step], fontsize=7)
    ax.set(xlabel="trial")
    figure.colorbar(image, ax=ax, label="µV peak to peak")
    return figure
