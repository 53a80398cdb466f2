"""Every feature beside its best peer, without overlap and with 15/16, in one run.

Trials of a simulated person of DEAP's size (60 s, 32 channels), windows of 1 s. Both sides begin with the strip of
float32 samples and end with the same table of float64 features, on one thread; that they are equal is checked first.
Peers are what a careful user would write, trial by trial: antropy, librosa, scipy, PyWavelets and NumPy over views of
the windows, nothing copied. Each peer is timed on both layouts, channel by channel and time by time, and the fastest
one counts. Ours and the peers take turns; seconds are the processor's, and ratios are medians over rounds.
TorchEEG filters each window by itself, and its logarithm is that of base 2, so its differential entropy is another
number, and it is timed apart. It is no requirement of this project. Give it an environment of its own, and name that
one's Python:

    python3 -m venv torcheeg
    torcheeg/bin/pip install torch==2.13.0 numpy scipy pandas joblib tqdm lmdb einops h5py mne networkx xmltodict
    torcheeg/bin/pip install scikit-learn spectrum PyWavelets
    torcheeg/bin/pip install --no-deps torcheeg==1.1.3
    python experiments/benchmarks/feature_extraction.py --torcheeg torcheeg/bin/python

Expected: no ratio below 1; TorchEEG takes 30 times as long or more; 16 times the windows take differential entropy less
than 1.5 times as long. antropy and librosa come with the extra ``test``.
Costs about a minute on one CPU core.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import antropy
import librosa
import numpy as np
import pandas as pd
import pywt
import tyro
from numpy.lib.stride_tricks import sliding_window_view
from rich.console import Console
from scipy import ndimage, signal, stats
from threadpoolctl import threadpool_limits

from eegemo import Trials, Windows, simulate
from eegemo.features import FEATURES, feature_class
from eegemo.features.asymmetry import LEFT_RIGHT
from eegemo.features.bands import BANDS
from eegemo.features.bin_power import NOTEBOOK_BANDS

SFREQ, N_TIMES = 128.0, 128
STEPS = {"no overlap": 128, "15/16": 8}

_TORCHEEG = """
import json, sys, time
import numpy as np
import torch
from torcheeg.transforms import BandDifferentialEntropy

torch.set_num_threads(1)
X = np.load(sys.argv[1], mmap_mode="r")
transform = BandDifferentialEntropy(sampling_rate=128, order=4, band_dict=json.loads(sys.argv[2]))
n = int(sys.argv[3])
started = time.perf_counter()
for window in X[:n]:
    transform(eeg=np.array(window))
print(json.dumps({"seconds": (time.perf_counter() - started) * len(X) / n}))
"""


@dataclass(frozen=True)
class FeaturesBenchmark:
    """Time every feature beside its peers."""

    features: tuple[str, ...] = tuple(FEATURES)
    """By name."""
    trials: int = 32
    """Trials of the simulated person; where windows overlap fewer, so that there are as many windows."""
    rounds: int = 5
    """Rounds; all take turns, and ratios are medians over rounds."""
    torcheeg: Path | None = None
    """The Python of an environment with TorchEEG; without it, it is not timed."""
    share: float = 1.0
    """Share of the windows that TorchEEG computes; its seconds are scaled up to all of them."""


@dataclass(frozen=True)
class Cut:
    """A trial, and its windows as a peer takes them."""

    trial: np.ndarray
    """With its baseline, shape (n_channels, n_times), float64."""
    first: int
    """First sample of the first window."""
    step: int
    """Samples from window to window."""

    def windows(self, values: np.ndarray) -> np.ndarray:
        """Cut something as long as the trial; shape (n_windows, n_channels, n_times)."""
        return sliding_window_view(values, N_TIMES, axis=-1)[:, self.first :: self.step].swapaxes(0, 1)

    @property
    def x(self) -> np.ndarray:
        """The windows of the trial itself."""
        return self.windows(self.trial)

    def frames(self, function: Callable[..., np.ndarray], **settings: object) -> np.ndarray:
        """Call one of librosa's functions, which cuts for itself; shape (n_windows, n_channels)."""
        found = function(y=self.trial[:, self.first :], hop_length=self.step, center=False, **settings)
        return found[:, 0].T


def spectra(cut: Cut, *, taper: bool = True) -> np.ndarray:
    """Return the transforms of the windows, as plain NumPy has them."""
    return np.fft.rfft(cut.x * (signal.get_window("hann", N_TIMES) if taper else 1.0), axis=-1)


def band_power(density: np.ndarray, freqs: np.ndarray) -> np.ndarray:
    """Add up a density with frequencies 1 Hz apart over the bands."""
    limits = [np.searchsorted(freqs, edges) for edges in BANDS.values()]
    return np.stack([density[..., low:high].sum(axis=-1) for low, high in limits], axis=-1)


def band_power_by_numpy(cut: Cut) -> np.ndarray:
    """Compute band power by NumPy."""
    taper = signal.get_window("hann", N_TIMES)
    x = cut.x
    spectrum = np.fft.rfft((x - x.mean(axis=-1, keepdims=True)) * taper, axis=-1)
    density = np.abs(spectrum) ** 2 * (2 / (SFREQ * (taper**2).sum()))  # no band holds 0 Hz or half the sampling rate
    return band_power(density, np.fft.rfftfreq(N_TIMES, 1 / SFREQ))


def band_power_by_scipy(cut: Cut) -> np.ndarray:
    """Compute band power by scipy."""
    freqs, density = signal.welch(cut.x, SFREQ, nperseg=N_TIMES, axis=-1)
    return band_power(density, freqs)


def entropy_by_scipy(cut: Cut) -> np.ndarray:
    """Compute entropy by scipy."""
    bands = []
    for edges in BANDS.values():
        sections = signal.butter(4, edges, "bandpass", fs=SFREQ, output="sos")
        bands.append(cut.windows(signal.sosfiltfilt(sections, cut.trial, axis=-1)).var(axis=-1))
    return 0.5 * np.log(2 * np.pi * np.e * np.stack(bands, axis=-1))


def asymmetry_by_scipy(cut: Cut, ch_names: tuple[str, ...]) -> np.ndarray:
    """Compute asymmetry by scipy."""
    entropy = entropy_by_scipy(cut)
    left, right = ([ch_names.index(pair[side]) for pair in LEFT_RIGHT] for side in (0, 1))
    return entropy[:, left] - entropy[:, right]


def hjorth_by_antropy(cut: Cut) -> np.ndarray:
    """Compute hjorth by antropy."""
    x = cut.x
    return np.stack([x.var(axis=-1), *antropy.hjorth_params(x, axis=-1)], axis=-1)


def hjorth_by_numpy(cut: Cut) -> np.ndarray:
    """Compute hjorth by NumPy."""
    first = np.diff(cut.x, axis=-1)
    variances = [values.var(axis=-1) for values in (cut.x, first, np.diff(first, axis=-1))]
    mobility = np.sqrt(variances[1] / variances[0])
    return np.stack([variances[0], mobility, np.sqrt(variances[2] / variances[1]) / mobility], axis=-1)


def mean_steps(x: np.ndarray) -> list[np.ndarray]:
    """Return the mean absolute first and second differences."""
    first = np.diff(x, axis=-1)
    return [np.abs(values).mean(axis=-1) for values in (first, np.diff(first, axis=-1))]


def statistics_by_scipy(cut: Cut) -> np.ndarray:
    """Compute statistics by scipy."""
    x = cut.x
    moments = [x.mean(axis=-1), x.std(axis=-1), stats.skew(x, axis=-1), stats.kurtosis(x, axis=-1)]
    return np.stack([*moments, *mean_steps(x)], axis=-1)


def statistics_by_numpy(cut: Cut) -> np.ndarray:
    """Compute statistics by NumPy."""
    x = cut.x
    mean = x.mean(axis=-1, keepdims=True)
    centred = x - mean
    square = centred * centred
    variance = square.mean(axis=-1)
    skewness = (square * centred).mean(axis=-1) / variance**1.5
    kurtosis = (square * square).mean(axis=-1) / variance**2 - 3
    return np.stack([mean[..., 0], np.sqrt(variance), skewness, kurtosis, *mean_steps(x)], axis=-1)


def envelope_by_numpy(cut: Cut) -> np.ndarray:
    """Compute envelope by NumPy."""
    return cut.windows(np.abs(cut.trial)).max(axis=-1)


def envelope_by_scipy(cut: Cut) -> np.ndarray:
    """Compute envelope by scipy."""
    largest = ndimage.maximum_filter1d(np.abs(cut.trial), N_TIMES, axis=-1)
    return centres(largest, cut)


def centres(filtered: np.ndarray, cut: Cut) -> np.ndarray:
    """Take what a filter, whose window lies around a sample, gives for the windows; shape (n_windows, n_channels)."""
    n_windows = (cut.trial.shape[-1] - cut.first - N_TIMES) // cut.step + 1
    begin = cut.first + N_TIMES // 2
    return filtered[:, begin : begin + (n_windows - 1) * cut.step + 1 : cut.step].T


def rms_by_numpy(cut: Cut) -> np.ndarray:
    """Compute rms by NumPy."""
    return np.sqrt(np.square(cut.x).mean(axis=-1))


def rms_by_einsum(cut: Cut) -> np.ndarray:
    """Compute rms by NumPy's einsum."""
    return np.sqrt(np.einsum("wct,wct->wc", cut.x, cut.x) / N_TIMES)


def rms_by_scipy(cut: Cut) -> np.ndarray:
    """Compute rms by scipy."""
    return np.sqrt(centres(ndimage.uniform_filter1d(np.square(cut.trial), N_TIMES, axis=-1), cut))


def rms_by_librosa(cut: Cut) -> np.ndarray:
    """Compute rms by librosa."""
    return cut.frames(librosa.feature.rms, frame_length=N_TIMES, dtype=np.float64)


def crossings_by_numpy(cut: Cut) -> np.ndarray:
    """Compute crossings by NumPy."""
    negative = cut.windows(cut.trial < 0)
    return np.count_nonzero(negative[..., 1:] != negative[..., :-1], axis=-1) / N_TIMES


def crossings_by_antropy(cut: Cut) -> np.ndarray:
    """Compute crossings by antropy."""
    return antropy.num_zerocross(cut.x, axis=-1) / N_TIMES


def crossings_by_librosa(cut: Cut) -> np.ndarray:
    """Compute crossings by librosa."""
    return cut.frames(librosa.feature.zero_crossing_rate, frame_length=N_TIMES, pad=False, threshold=0)


def spectral_entropy_by_antropy(cut: Cut) -> np.ndarray:
    """Compute spectral entropy by antropy, in bits over those of a flat spectrum."""
    impulse = np.eye(1, N_TIMES)
    bits, of_flat = (antropy.spectral_entropy(x, SFREQ, method="fft", axis=-1) for x in (cut.x, impulse))
    return bits / of_flat


def spectral_entropy_by_numpy(cut: Cut) -> np.ndarray:
    """Compute spectral entropy by NumPy."""
    power = np.abs(spectra(cut, taper=False)) ** 2
    power[..., 0] = 0  # without the mean
    power[..., 1:-1] *= 2
    share = power / power.sum(axis=-1, keepdims=True)
    share[..., 0] = 1  # whose logarithm is 0
    flat = np.r_[np.full(N_TIMES // 2 - 1, 2.0), 1.0] / (N_TIMES - 1)
    return (share * np.log(share)).sum(axis=-1) / (flat * np.log(flat)).sum()


def centroid_by_numpy(cut: Cut) -> np.ndarray:
    """Compute centroid by NumPy."""
    magnitude = np.abs(spectra(cut))
    return magnitude @ np.fft.rfftfreq(N_TIMES, 1 / SFREQ) / magnitude.sum(axis=-1)


def centroid_by_librosa(cut: Cut) -> np.ndarray:
    """Compute centroid by librosa."""
    return cut.frames(librosa.feature.spectral_centroid, sr=SFREQ, n_fft=N_TIMES)


def bandwidth_by_numpy(cut: Cut) -> np.ndarray:
    """Compute bandwidth by NumPy."""
    magnitude, freqs = np.abs(spectra(cut)), np.fft.rfftfreq(N_TIMES, 1 / SFREQ)
    total = magnitude.sum(axis=-1)
    distance = freqs - (magnitude @ freqs / total)[..., None]
    return np.sqrt((magnitude * distance**2).sum(axis=-1) / total)


def bandwidth_by_librosa(cut: Cut) -> np.ndarray:
    """Compute bandwidth by librosa."""
    return cut.frames(librosa.feature.spectral_bandwidth, sr=SFREQ, n_fft=N_TIMES)


def stft_by_numpy(cut: Cut) -> np.ndarray:
    """Compute stft by NumPy."""
    n_fft = N_TIMES // 2
    taper = signal.get_window("hann", n_fft)
    frames = sliding_window_view(cut.x, n_fft, axis=-1)[:, :, :: n_fft // 2]
    return np.abs(np.fft.rfft(frames * taper, axis=-1)) * one_sided_scale(taper)


def stft_by_librosa(cut: Cut) -> np.ndarray:
    """Transform the frames of all windows at once, and take each window's."""
    n_fft, hop = N_TIMES // 2, np.gcd(N_TIMES // 4, cut.step)
    y = cut.trial[:, cut.first :]
    magnitude = np.abs(librosa.stft(y=y, n_fft=n_fft, hop_length=int(hop), center=False)).swapaxes(1, 2)
    n_windows = (y.shape[-1] - N_TIMES) // cut.step + 1
    frames = (np.arange(n_windows)[:, None] * cut.step + np.arange(3) * (n_fft // 2)) // hop
    scaled = magnitude * one_sided_scale(signal.get_window("hann", n_fft))
    return scaled[:, frames].swapaxes(0, 1)


def one_sided_scale(taper: np.ndarray) -> np.ndarray:
    """Return the factors that give a sine at a frequency its amplitude."""
    scale = np.full(len(taper) // 2 + 1, 2 / taper.sum())
    scale[[0, -1]] /= 2
    return scale


def wavelets_by_pywt(cut: Cut) -> np.ndarray:
    """Compute wavelets by PyWavelets."""
    levels = min(4, pywt.dwt_max_level(N_TIMES, "db4"))
    coefficients = pywt.wavedec(cut.x, "db4", mode="periodization", level=levels, axis=-1)
    return np.stack([np.square(values).sum(axis=-1) for values in reversed(coefficients)], axis=-1)


def bin_power_by_numpy(cut: Cut) -> np.ndarray:
    """Compute bin power by NumPy."""
    amplitude = np.abs(spectra(cut, taper=False))
    limits = [[int(edge / SFREQ * N_TIMES) for edge in band] for band in NOTEBOOK_BANDS.values()]
    return np.stack([amplitude[..., low:high].sum(axis=-1) for low, high in limits], axis=-1)


PEERS: dict[str, dict[str, Callable[..., np.ndarray]]] = {
    "band-power": {"NumPy": band_power_by_numpy, "scipy": band_power_by_scipy},
    "differential-entropy": {"scipy": entropy_by_scipy},
    "asymmetry": {"scipy": asymmetry_by_scipy},
    "hjorth": {"antropy": hjorth_by_antropy, "NumPy": hjorth_by_numpy},
    "statistics": {"scipy": statistics_by_scipy, "NumPy": statistics_by_numpy},
    "amplitude-envelope": {"NumPy": envelope_by_numpy, "scipy": envelope_by_scipy},
    "rms": {"NumPy": rms_by_numpy, "einsum": rms_by_einsum, "scipy": rms_by_scipy, "librosa": rms_by_librosa},
    "zero-crossing-rate": {
        "NumPy": crossings_by_numpy,
        "antropy": crossings_by_antropy,
        "librosa": crossings_by_librosa,
    },
    "spectral-entropy": {"antropy": spectral_entropy_by_antropy, "NumPy": spectral_entropy_by_numpy},
    "spectral-centroid": {"NumPy": centroid_by_numpy, "librosa": centroid_by_librosa},
    "spectral-bandwidth": {"NumPy": bandwidth_by_numpy, "librosa": bandwidth_by_librosa},
    "stft": {"NumPy": stft_by_numpy, "librosa": stft_by_librosa},
    "wavelet-energy": {"PyWavelets": wavelets_by_pywt},
    "bin-power": {"NumPy": bin_power_by_numpy},
}


def by_peer(peer: Callable[[Cut], np.ndarray], trials: Trials, step: int, *, layout: str) -> np.ndarray:
    """Compute a feature of all windows as a peer does; shape (n_windows, n_features)."""
    parts = []
    for start, n_times, n_baseline in trials.table[["start", "n_times", "n_baseline"]].to_numpy():
        trial = trials.signals[start : start + n_times].astype(np.float64).T
        found = peer(Cut(np.ascontiguousarray(trial) if layout == "channels" else trial, n_baseline, step))
        parts.append(found.reshape(len(found), -1))
    return np.concatenate(parts)


def sides(name: str, windows: Windows, step: int) -> dict[str, Callable[[], np.ndarray]]:
    """Return all ways to compute a feature, ours first."""
    trials = windows.trials
    found: dict[str, Callable[[], np.ndarray]] = {"ours": partial(feature_class(name)().fit_transform, windows)}
    for peer_name, peer in PEERS[name].items():
        given = partial(peer, ch_names=trials.ch_names) if name == "asymmetry" else peer
        for layout in ("channels", "times"):
            found[f"{peer_name}, {layout}"] = partial(by_peer, given, trials, step, layout=layout)
    return found


def run(config: FeaturesBenchmark, console: Console | None = None) -> pd.DataFrame:
    """Print a row for each feature."""
    console = console or Console()
    trials = simulate(1)
    rows: dict[str, dict[str, object]] = {name: {} for name in config.features}
    with threadpool_limits(1):
        for overlap, step in STEPS.items():
            n_trials = max(1, config.trials * step // N_TIMES)
            windows = trials.select(range(n_trials)).windows(n_times=N_TIMES, step=step)
            for name in config.features:
                rows[name] |= compare(sides(name, windows, step), overlap, len(windows), config.rounds)
    table = pd.DataFrame.from_dict(rows, orient="index")
    console.print(table.to_string(), soft_wrap=True)
    slower = int((table[[f"{overlap}: ratio" for overlap in STEPS]].to_numpy() < 1).sum())
    console.print(f"{slower} of {2 * len(table)} slower than their best peer")
    if config.torcheeg is not None:
        beside_torcheeg(config, console)
    return table


def compare(ways: dict[str, Callable[[], np.ndarray]], overlap: str, n_windows: int, rounds: int) -> dict[str, object]:
    """Check that all sides agree, let them take turns, and name the best peer."""
    ours = ways["ours"]()
    scale = np.abs(ours).max()
    for name, way in ways.items():
        np.testing.assert_allclose(way(), ours, rtol=1e-5, atol=1e-7 * scale, err_msg=name)
    seconds = pd.DataFrame([{name: seconds_of(way) for name, way in ways.items()} for _ in range(rounds)])
    best = str(seconds.drop(columns="ours").median().idxmin())
    return {
        f"{overlap}: us a window": round(seconds["ours"].median() / n_windows * 1e6, 2),
        f"{overlap}: best peer": best,
        f"{overlap}: ratio": round((seconds[best] / seconds["ours"]).median(), 2),
    }


def seconds_of(way: Callable[[], np.ndarray]) -> float:
    """Time one call, in seconds of the processor: what else runs on the machine does not count."""
    started = time.process_time()
    way()
    return time.process_time() - started


def beside_torcheeg(config: FeaturesBenchmark, console: Console) -> None:
    """Time differential entropy of two people beside TorchEEG's."""
    trials = simulate(2)
    windows = {overlap: trials.windows(n_times=N_TIMES, step=step) for overlap, step in STEPS.items()}
    entropy, rows = feature_class("differential-entropy")(), []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "windows.npy"
        np.save(path, windows["no overlap"].to_numpy())
        for _ in range(config.rounds):
            with threadpool_limits(1):
                row = {name: seconds_of(partial(entropy.fit_transform, some)) for name, some in windows.items()}
            rows.append(row | {"TorchEEG": seconds_of_torcheeg(config, path, len(windows["no overlap"]))})
    table = pd.DataFrame(rows)
    console.print(table.round(2).to_string())
    console.print(f"TorchEEG / ours, no overlap: {(table['TorchEEG'] / table['no overlap']).median():.0f}")
    console.print(f"15/16 overlap / none, ours: {(table['15/16'] / table['no overlap']).median():.2f}")


def seconds_of_torcheeg(config: FeaturesBenchmark, path: Path, n_windows: int) -> float:
    """Time TorchEEG on one thread, in a process of its own; imports and loading are not counted."""
    bands = json.dumps({name: list(band) for name, band in BANDS.items()})
    n = max(1, round(config.share * n_windows))
    command = [str(config.torcheeg), "-c", _TORCHEEG, str(path), bands, str(n)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout.strip().splitlines()[-1])["seconds"])


if __name__ == "__main__":
    run(tyro.cli(FeaturesBenchmark, description=__doc__))
