"""Are simulated people like real ones? The same statistics of both, side by side, in the same band and reference.

Every set is brought to 128 Hz, 4-45 Hz and the average of its own channels, as DEAP's preprocessed release is. A
statistic of the simulation should lie between the lowest and the highest of the real sets; the last columns say so.
Number of people, of channels and of seconds differ between the sets, and some statistics depend on them: the simulation
is there with its 32 channels, and with the 14 that DASPS has.

* *Amplitude*: of each person and channel, over eight pieces of 15 s spread over their recordings; absolute deviation
  from the median over the standard deviation, and excess kurtosis (0 for a Gaussian). The median, and the 90th
  percentile, over people and channels.
* *Spectrum*: Welch's, segments of 2 s. A straight line through log power over log frequency, 5-40 Hz without 7-14 Hz;
  its negative slope is the exponent (median over channels). Alpha is what of the mean of the log power at P, PO and O
  rises above the line there: its height, and its width at half of that. Medians over people.
* *Variance* of the log power (4-8, 8-12, 12-30, 30-45 Hz) of windows of 1 s, in the first 15 s of at most twelve
  trials of each person: components of people, of trials of a person and of windows of a trial (method of moments),
  shares averaged over channels and bands. Two more of the windows of a trial: the correlation of a second with the
  next (-0.07 if nothing lasts, for 15 windows), and the share of the first principal component over channels and bands.
* *Who is it*: which of 12 people, by logistic regression on that log power, on trials that were not trained on (eegmat:
  on the other of two recordings).
* *Classes*: extra trees, nearest neighbour and logistic regression on differential entropy of windows of 1 s, and
  logistic regression on their covariances (in the tangent space), which is where real recordings differ most. The class
  is the quadrant of valence and arousal in DASPS and in the simulation (4 people, as ``simulate()`` has them), and rest
  or arithmetic in eegmat. Kappa corrects for the shares of the classes, which differ. Trials of one rating stay
  together. ``trial`` cannot be asked of eegmat, which has one recording of each class and person.

What the sets are: DASPS as its authors published it, with large artefacts; eegmat cleaned by independent components by
its authors, in an extract of 12 people and as two of them were published; one recording of eegmmidb, with blinks; a
BioSemi recording of 15 s, its blinks taken out by regression, with no alpha peak to speak of (its width is left blank).

Expected: the simulation within the range of the real sets but for two things. With 32 channels it gives away who it is
more often than sets with 14 and 19 do, and with 14 it does not. Accuracies of classes depend on the shares of the
classes (the commonest has .42 here, .70 and .50 there): it is kappa that compares.
Costs about 15 minutes on one CPU core. ``--data`` (or EEGEMO_REAL_DATA) names the folder with the real sets; those that
are missing are left out, and without any the simulation stands alone.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import scipy.signal
import scipy.stats
from matplotlib.figure import Figure
from options import Output, main
from rich.console import Console
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import cohen_kappa_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from eegemo import (
    LabelScheme,
    Preprocessing,
    Trials,
    categories,
    load_dasps,
    load_eegmat,
    make_splitter,
    preprocess,
    quadrants,
    simulate,
)
from eegemo.datasets.eegmat import TASKS
from eegemo.datasets.simulated import DEFAULT_EFFECT, DEFAULT_SEED
from eegemo.features import BandPower, DifferentialEntropy
from eegemo.models import make_model
from eegemo.reporting.experiment_page import write_page
from eegemo.reporting.page import page_of
from real_preprocessing import BIOSEMI, read_biosemi

SIMULATED, SIMULATED_14 = "simulated", "simulated, 14 channels"
DASPS, EEGMAT, EEGMAT_EDF, EEGMMIDB, BIOSEMI_SET = "DASPS", "eegmat", "eegmat, 2 people", "eegmmidb", "BioSemi"
EMOTIV = "AF3 F7 F3 FC5 T7 P7 O1 O2 P8 T8 FC6 F4 F8 AF4".split()
SFREQ, BAND = 128, (4.0, 45.0)
SECONDS, N_PIECES, N_PEOPLE, N_TRIALS = 15, 8, 12, 12
MODELS = {
    "extra trees": "extra-trees",
    "nearest neighbour": "nearest-neighbor",
    "logistic regression": "logistic-regression",
    "logistic regression on covariances": "riemann",
}
MAJORITY = "commonest class of each person"
PROTOCOLS = ("window-random", "trial")
COLOURS = {SIMULATED: "#000000", DASPS: "#D55E00", EEGMAT: "#0072B2", EEGMMIDB: "#009E73", BIOSEMI_SET: "#CC79A7"}


@dataclass(frozen=True)
class SimulationRealism(Output):
    """Compare simulated people with every real set that is there."""

    data: Path | None = None
    """Folder of the real sets; EEGEMO_REAL_DATA by default."""
    subjects: int = N_PEOPLE
    """Simulated people whose amplitudes, spectra and band powers are compared; who is who is asked of 12."""
    classified: int = 4
    """Simulated people whose quadrants are recognised."""
    effect: float = DEFAULT_EFFECT
    """Change of a rhythm's log-amplitude with a rating of one standard deviation."""
    seed: int = DEFAULT_SEED
    """Of the simulation, the splits and the trees."""
    out: Path = Path("results/simulation_realism")
    """Where the page goes."""


def run(config: SimulationRealism, console: Console | None = None) -> pd.DataFrame:
    """Run everything; return the table."""
    console = console or Console()
    started = time.perf_counter()
    folder = config.data or (Path(os.environ["EEGEMO_REAL_DATA"]) if os.environ.get("EEGEMO_REAL_DATA") else None)
    columns, pieces = {}, {}
    for name, trials in (*simulated_sets(config), *real_sets(folder)):
        columns[name] = statistics(trials)
        if name != SIMULATED_14:
            pieces[name] = (trials.ch_names, pieces_of(trials, N_PIECES))
        console.print(f"{name}: {len(trials)} trials, {trials.table['subject'].nunique()} people")
    for name, trials, scheme in labelled_sets(config, folder):
        columns[name] |= scores(trials, scheme, config.seed)
    table = compared(pd.DataFrame(columns))
    write(config, table, pieces, time.perf_counter() - started)
    console.print(table.round(3).to_string(index=False))
    return table


# --- the sets ---------------------------------------------------------------------------------------------------------


def simulated_sets(config: SimulationRealism) -> Iterator[tuple[str, Trials]]:
    """Yield simulated people, 15 s of each trial, with all channels and with DASPS's."""
    people = [
        beginning(simulate([subject], effect=config.effect, random_state=config.seed))
        for subject in range(1, config.subjects + 1)
    ]
    strip = np.concatenate([person.signals for person in people])
    table = pd.concat([person.table for person in people])
    table["start"] = np.arange(len(table)) * SECONDS * SFREQ
    trials = Trials(strip, table, people[0].ch_names, SFREQ, "simulated", simulated=True)
    yield SIMULATED, trials
    yield SIMULATED_14, average_referenced(trials.pick(EMOTIV))


def beginning(trials: Trials) -> Trials:
    """Keep the first 15 s of each trial."""
    n_times = SECONDS * SFREQ
    strip = np.concatenate([trials.trial_data(number)[:, :n_times].T for number in range(len(trials))])
    table = trials.table.assign(start=np.arange(len(trials)) * n_times, n_times=n_times, n_baseline=0)
    return Trials(strip, table, trials.ch_names, SFREQ, trials.dataset, trials.simulated)


def real_sets(folder: Path | None) -> Iterator[tuple[str, Trials]]:
    """Yield the sets of real people that are there, 4-45 Hz, average reference."""
    if folder is None:
        return
    if (folder / "dasps").is_dir():
        yield DASPS, average_referenced(load_dasps(folder / "dasps"))  # 4-45 Hz as published
    for name, place in ((EEGMAT, "eegmat12"), (EEGMAT_EDF, "eegmat_edf")):
        if (folder / place).is_dir():
            yield name, average_referenced(band_passed(load_eegmat(folder / place)))
    if (folder / "eegmmidb" / "S001R03.edf").is_file():
        raw = mne.io.read_raw_edf(folder / "eegmmidb" / "S001R03.edf", preload=True, verbose="error")
        mne.datasets.eegbci.standardize(raw)
        yield EEGMMIDB, one_trial(preprocess(raw, Preprocessing(eog=None, band=BAND)), EEGMMIDB)
    if (folder / "eog_biosemi").is_dir():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of two channels that are not connected
            yield BIOSEMI_SET, one_trial(preprocess(read_biosemi(folder), BIOSEMI), BIOSEMI_SET)


def band_passed(trials: Trials) -> Trials:
    """Filter each trial, without delay."""
    strip = np.empty_like(trials.signals)
    for start, n_times in zip(trials.table["start"], trials.table["n_times"], strict=True):
        samples = trials.signals[start : start + n_times].T.astype(float)
        strip[start : start + n_times] = mne.filter.filter_data(samples, SFREQ, *BAND, verbose="error").T
    return Trials(
        strip,
        trials.table,
        trials.ch_names,
        SFREQ,
        trials.dataset,
        trials.simulated,
        provenance={"pass_band": list(BAND)},
    )


def average_referenced(trials: Trials) -> Trials:
    """Subtract the mean over the channels."""
    strip = trials.signals - trials.signals.mean(axis=1, keepdims=True)
    return Trials(
        strip,
        trials.table,
        trials.ch_names,
        SFREQ,
        trials.dataset,
        trials.simulated,
        provenance={"pass_band": list(BAND)},
    )


def one_trial(raw: mne.io.BaseRaw, name: str) -> Trials:
    """Take the EEG of a whole recording as one trial of one person."""
    samples = (1e6 * raw.get_data(picks="eeg").T).astype(np.float32)
    row = {"subject": 1, "trial": 1, "stimulus": 1, "start": 0, "n_times": len(samples), "n_baseline": 0}
    names = [raw.ch_names[i] for i in mne.pick_types(raw.info, eeg=True, exclude=())]
    return Trials(samples, pd.DataFrame([row]), names, SFREQ, name, simulated=False)


def labelled_sets(config: SimulationRealism, folder: Path | None) -> Iterator[tuple[str, Trials, LabelScheme]]:
    """Yield the sets with classes, whole trials, and their classes."""
    trials = simulate(config.classified, effect=config.effect, random_state=config.seed)
    yield SIMULATED, trials, quadrants()
    yield SIMULATED_14, average_referenced(trials.pick(EMOTIV)), quadrants()
    for name, real in real_sets(folder):
        if name in (DASPS, EEGMAT):
            yield name, real, quadrants() if name == DASPS else categories("task", TASKS)


# --- the statistics ---------------------------------------------------------------------------------------------------


def pieces_of(trials: Trials, n_pieces: int) -> list[np.ndarray]:
    """Return pieces of 15 s spread over each person's trials: arrays (n_pieces, n_channels, 1920)."""
    n_times = SECONDS * SFREQ
    people = []
    for _, rows in trials.table.reset_index().groupby("subject", sort=False)["index"]:
        data = [trials.trial_data(row) for row in rows]
        places = [(x, first) for x in data for first in range(0, x.shape[1] - n_times + 1, n_times)]
        chosen = np.unique(np.linspace(0, len(places) - 1, n_pieces).round().astype(int))
        people.append(np.stack([places[i][0][:, places[i][1] : places[i][1] + n_times] for i in chosen]))
    return people


def statistics(trials: Trials) -> dict[str, float]:
    """Return everything that needs no classes."""
    pieces = pieces_of(trials, N_PIECES)
    found = {**amplitudes(pieces), **spectrum(pieces, trials.ch_names)}
    if trials.table["subject"].nunique() >= N_PEOPLE:
        chosen = people_and_trials(trials)
        found |= {**variances(chosen), "who is it, of 12": who_is_it(chosen)}
    return found


def amplitudes(pieces: list[np.ndarray]) -> dict[str, float]:
    """Quantiles and kurtosis of each person and channel, and how uneven a person's channels are."""
    joined = [person.transpose(1, 0, 2).reshape(person.shape[1], -1) for person in pieces]
    deviations = [np.abs(x - np.median(x, axis=1, keepdims=True)) / x.std(axis=1, keepdims=True) for x in joined]
    shares = {"50 %": 0.5, "99 %": 0.99, "99.9 %": 0.999, "maximum": 1.0}
    quantiles = np.concatenate([np.quantile(d, list(shares.values()), axis=1).T for d in deviations])
    kurtosis = np.concatenate([scipy.stats.kurtosis(x, axis=1) for x in joined])
    within = np.concatenate([scipy.stats.kurtosis(x, axis=2).ravel() for x in pieces])
    found = {f"deviation over SD, {name}": np.median(q) for name, q in zip(shares, quantiles.T, strict=True)}
    found["deviation over SD, maximum, 90th percentile"] = np.quantile(quantiles[:, 3], 0.9)
    found["kurtosis"] = np.median(kurtosis)
    found["kurtosis, 90th percentile"] = np.quantile(kurtosis, 0.9)
    found["kurtosis of 15 s"] = np.median(within)
    found["SD, µV"] = np.median(np.concatenate([x.std(axis=1) for x in joined]))
    found["uneven channels: SD of the log SD"] = np.mean([np.log(x.std(axis=1)).std() for x in joined])
    return found


def spectrum(pieces: list[np.ndarray], ch_names: tuple[str, ...]) -> dict[str, float]:
    """Exponent of the background, and height and width of the posterior alpha peak."""
    posterior = [i for i, name in enumerate(ch_names) if name.rstrip("0123456789zZ") in ("P", "PO", "O")]
    rows = []
    for person in pieces:
        freqs, psd = scipy.signal.welch(person, SFREQ, nperseg=2 * SFREQ)
        log_power = np.log10(psd.mean(axis=0))
        line = (freqs >= 5) & (freqs <= 40) & ~((freqs > 7) & (freqs < 14))
        slopes = np.polyfit(np.log10(freqs[line]), log_power[:, line].T, 1)[0]
        behind = log_power[posterior].mean(axis=0)
        fitted = np.polynomial.Polynomial.fit(np.log10(freqs[line]), behind[line], 1)
        alpha = np.linspace(7, 14, 701)
        peak = np.interp(alpha, freqs[1:], behind[1:] - fitted(np.log10(freqs[1:])))
        low = peak < peak.max() / 2
        below, above = np.flatnonzero(low[: peak.argmax()]), np.flatnonzero(low[peak.argmax() :])
        left = alpha[below[-1]] if len(below) else alpha[0]
        right = alpha[peak.argmax() + above[0]] if len(above) else alpha[-1]
        width = right - left if 10 * peak.max() > 1 else np.nan  # a bump of noise has no width
        rows.append((-np.median(slopes), 10 * peak.max(), width))
    names = ("exponent of the background", "alpha: height, dB", "alpha: width, Hz")
    return dict(zip(names, np.median(rows, axis=0), strict=True))


def people_and_trials(trials: Trials) -> Trials:
    """Keep the first people, at most twelve trials of each and the first 15 s of a trial."""
    order = trials.table.groupby("subject", sort=False)
    chosen = (order.ngroup() < N_PEOPLE) & (order.cumcount() < N_TRIALS)
    return beginning(trials.select(chosen.to_numpy()))


def log_powers(trials: Trials) -> np.ndarray:
    """Log band power, shape (n_people, n_trials, n_windows, n_channels * n_bands)."""
    features = BandPower(log=True).fit_transform(trials.windows())
    return features.reshape(trials.table["subject"].nunique(), -1, SECONDS, features.shape[1])


def variances(trials: Trials) -> dict[str, float]:
    """Shares of people, trials and windows in the variance of log band power, and how windows hang together."""
    power = log_powers(trials)
    _, n_trials, n_windows, _ = power.shape
    windows = power.var(axis=2, ddof=1).mean(axis=(0, 1))
    of_trials = power.mean(axis=2).var(axis=1, ddof=1).mean(axis=0)
    of_people = power.mean(axis=(1, 2)).var(axis=0, ddof=1)
    components = np.stack([of_people - of_trials / n_trials, of_trials - windows / n_windows, windows]).clip(0)
    shares = (components / components.sum(axis=0)).mean(axis=1)
    around = (power - power.mean(axis=2, keepdims=True)).reshape(-1, n_windows, power.shape[-1])
    lasting = (around[:, 1:] * around[:, :-1]).mean(axis=(0, 1)) / (around**2).mean(axis=(0, 1))
    eigenvalues = np.linalg.eigvalsh(np.corrcoef(around.reshape(-1, power.shape[-1]).T))
    names = [f"variance of log power: {part}" for part in ("people", "trials of a person", "windows of a trial")]
    return {
        **dict(zip(names, shares, strict=True)),
        "windows: correlation with the next second": lasting.mean(),
        "windows: share of the first component": eigenvalues[-1] / eigenvalues.sum(),
    }


def who_is_it(trials: Trials) -> float:
    """Recognise people on trials that were not trained on; four folds, or one for each trial where there are fewer."""
    power = log_powers(trials)
    n_people, n_trials = power.shape[:2]
    person = np.broadcast_to(np.arange(n_people)[:, None, None], power.shape[:3])
    right = []
    for fold in range(min(4, n_trials)):
        test = np.arange(n_trials) % min(4, n_trials) == fold
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        model.fit(power[:, ~test].reshape(-1, power.shape[-1]), person[:, ~test].ravel())
        right.append(model.score(power[:, test].reshape(-1, power.shape[-1]), person[:, test].ravel()))
    return float(np.mean(right))


def scores(trials: Trials, scheme: LabelScheme, seed: int) -> dict[str, float]:
    """Accuracy and kappa of each model under both protocols, as far as they can be asked."""
    windows, y = trials.windows(), scheme(trials.windows())
    entropy = DifferentialEntropy().fit_transform(windows)
    subject = windows.table["subject"].to_numpy()
    found = {MAJORITY: np.mean([np.bincount(y[subject == s]).max() / (subject == s).sum() for s in np.unique(subject)])}
    for protocol in PROTOCOLS:
        if protocol == "trial" and trials.table.groupby("subject").size().max() == len(scheme.classes):
            continue  # a class has one trial, which is either trained or tested on
        splits = list(make_splitter(protocol, n_splits=5, validation_size=0.0, random_state=seed).triples(windows, y))
        for shown, name in MODELS.items():
            guess = np.empty_like(y)
            model = make_model(name, random_state=seed)
            # Differential entropy needs no fitting, and is there.
            X, model = (entropy, model[1:]) if isinstance(model[0], DifferentialEntropy) else (windows, model)
            for train, _, test in splits:
                guess[test] = clone(model).fit(X[train], y[train]).predict(X[test])
            found[f"{protocol}, {shown}: accuracy"] = (guess == y).mean()
            own = [cohen_kappa_score(y[subject == s], guess[subject == s]) for s in np.unique(subject)]
            found[f"{protocol}, {shown}: kappa"] = np.nanmean(own)
    return found


def compared(columns: pd.DataFrame) -> pd.DataFrame:
    """Add the range of the real sets, and whether the simulated people lie in it."""
    real = columns.drop(columns=[SIMULATED, SIMULATED_14])
    lowest, highest = real.min(axis=1), real.max(axis=1)
    inside = {name: (columns[name] >= lowest) & (columns[name] <= highest) for name in (SIMULATED, SIMULATED_14)}
    within = np.where(inside[SIMULATED], "yes", np.where(inside[SIMULATED_14], "with 14 channels", "no"))
    within = np.where((lowest < highest) & (columns.index != MAJORITY), within, "")
    table = columns.assign(lowest=lowest, highest=highest, within=within)
    return table.rename_axis("statistic").reset_index()


# --- the page ---------------------------------------------------------------------------------------------------------


def write(
    config: SimulationRealism,
    table: pd.DataFrame,
    pieces: dict[str, tuple[tuple[str, ...], list[np.ndarray]]],
    seconds: float,
) -> None:
    """Write the table, the figures, the page and the provenance."""
    real = [name for name in pieces if name != SIMULATED]
    note = (
        f"SIMULATED people beside REAL ones ({', '.join(real)})."
        if real
        else "SIMULATED people alone: no real set was found; name their folder with --data."
    )
    note += " 128 Hz, 4-45 Hz, average reference. Under window-random windows of a trial are on both sides: it leaks."
    page = page_of(
        run,
        config,
        title="Simulated people beside real ones",
        question="Is the simulated EEG like that of real people?",
        answer=answer(table),
        seconds=seconds,
        tables=[("statistics", "The same statistics of each set; blank where a set cannot tell", table)],
        figures=[
            ("distributions", "how often amplitudes are large, and spectra", draw_distributions(pieces)),
            ("traces", "ten seconds of a simulated and of real people", draw_traces(pieces)),
        ],
    )
    write_page(page, note, {"simulated": True, "real sets": real})


def answer(table: pd.DataFrame) -> str:
    """Count the statistics of the simulation that lie within the range of the real sets, and name the others."""
    compared = table[table["within"] != ""]
    if compared.empty:
        return "There is no real set to compare with."
    outside = compared.loc[compared["within"] == "no", "statistic"]
    return f"Of {len(compared)} statistics, {len(compared) - len(outside)} lie within the range of the real sets" + (
        f"; outside: {'; '.join(outside)}." if len(outside) else "."
    )


def draw_distributions(pieces: dict[str, tuple[tuple[str, ...], list[np.ndarray]]]) -> Figure:
    """Draw the share of samples beyond an amplitude, and the spectrum, of each set."""
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    tails, spectra = figure.subplots(1, 2)
    edges = np.geomspace(0.5, 40, 80)
    for name, (_, people) in pieces.items():
        if name not in COLOURS:
            continue
        style = {"color": COLOURS[name], "label": name, "linewidth": 2.4 if name == SIMULATED else 1.4}
        scaled = [
            np.abs(x - np.median(x, axis=(0, 2), keepdims=True)) / x.std(axis=(0, 2), keepdims=True) for x in people
        ]
        ranked = np.sort(np.concatenate([x.ravel() for x in scaled]))
        beyond = 1 - np.searchsorted(ranked, edges) / len(ranked)
        tails.loglog(edges[beyond > 0], beyond[beyond > 0], **style)
        freqs, psd = scipy.signal.welch(np.concatenate([x / x.std() for x in people]), SFREQ, nperseg=2 * SFREQ)
        shown = (freqs >= 3) & (freqs <= 50)
        spectra.plot(freqs[shown], 10 * np.log10(np.median(psd, axis=(0, 1))[shown]), **style)
    tails.loglog(edges, 2 * scipy.stats.norm.sf(edges), color="#999999", linestyle=":", label="Gaussian")
    tails.set(xlabel="absolute deviation from the median, in SD", ylabel="share of samples beyond", ylim=(1e-6, 1))
    spectra.set(xlabel="Hz", ylabel="power over variance, dB / Hz", xscale="log", ylim=(-45, -5))
    spectra.set_xticks((4, 6, 10, 20, 40), ("4", "6", "10", "20", "40"))
    spectra.minorticks_off()
    for ax in (tails, spectra):
        ax.spines[["top", "right"]].set_visible(False)
    tails.legend(frameon=False)
    figure.suptitle("SIMULATED people (black) beside real ones: 4-45 Hz, average reference", fontsize=11)
    return figure


def draw_traces(pieces: dict[str, tuple[tuple[str, ...], list[np.ndarray]]]) -> Figure:
    """Draw ten seconds of the first person of each set, at a few electrodes."""
    figure = Figure(figsize=(11, 6), layout="constrained")
    shown = [name for name in (SIMULATED, DASPS, EEGMAT, EEGMMIDB) if name in pieces]
    axes = np.atleast_1d(figure.subplots(2, 2, sharex=True).ravel()[: len(shown)])
    sites = ({"Fp1", "AF3"}, {"F7"}, {"T7", "T3"}, {"P3", "P7", "T5"}, {"O1"}, {"O2"})
    for ax, name in zip(axes, shown, strict=True):
        names, people = pieces[name]
        rows = [next(i for i, channel in enumerate(names) if channel in site) for site in sites]
        piece = people[0][len(people[0]) // 2][rows, : 10 * SFREQ]
        step = 6 * people[0].std()
        for i, trace in enumerate(piece):
            ax.plot(np.arange(10 * SFREQ) / SFREQ, trace - i * step, color=COLOURS[name], linewidth=0.6)
        ax.set_yticks([-i * step for i in range(len(rows))], [names[i] for i in rows])
        ax.set_title(f"{name}: {step:.0f} µV between two lines", fontsize=9)
        ax.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("seconds")
    figure.suptitle("One SIMULATED person (black) beside real ones", fontsize=11)
    return figure


if __name__ == "__main__":
    main(SimulationRealism, run)
