"""Each feature against a second source, and what all transformers do alike."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import antropy
import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal, stats
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from eegemo import ConfigError, DataFormatError, Trials, Windows, quadrants, simulate
from eegemo.features import FEATURES, feature_class
from eegemo.features.asymmetry import FRONT_BACK, LEFT_RIGHT, Asymmetry
from eegemo.features.bands import BANDS, BandPower, DifferentialEntropy, band_pass, band_power
from eegemo.features.base import WindowFeatures
from eegemo.features.bin_power import NOTEBOOK_BANDS, BinPower
from eegemo.features.sliding import window_sums
from eegemo.features.spectral import ShortTimeFourier, SpectralBandwidth, SpectralCentroid, SpectralEntropy
from eegemo.features.time import RMS, AmplitudeEnvelope, Hjorth, Statistics, ZeroCrossingRate
from eegemo.features.wavelets import WaveletEnergy

SFREQ = 128.0
#: Features that filter look beyond a window's ends, so windows and arrays differ for them.
FILTERED = ("differential-entropy", "asymmetry")
every_feature = pytest.mark.parametrize("name", FEATURES)


def make(name: str, **settings: Any) -> WindowFeatures:
    needed: dict[str, Any] = {"sfreq": SFREQ} if feature_class(name).needs_sfreq else {}
    return feature_class(name)(**needed, **settings)


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    """12 windows of 3 channels and 256 samples, with a rhythm and an offset."""
    rng = np.random.default_rng(3)
    wave = 4 * np.sin(2 * np.pi * 10 * np.arange(256) / SFREQ + rng.uniform(0, 6, (12, 3, 1)))
    return 5 * rng.standard_normal((12, 3, 256)) + wave + 2


@pytest.fixture(scope="module")
def trials() -> Trials:
    return simulate(1, channels=["F3", "F4", "O1"]).select(range(4))


def sine(frequency: float, amplitude: float = 1.0, n_times: int = 256) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(n_times) / SFREQ + 0.3)[None, None]


def columns(features: WindowFeatures, X: Any) -> dict[str, np.ndarray]:
    values = features.fit(X).transform(X)
    return dict(zip(features.get_feature_names_out(), values.T, strict=True))


# Second sources


def test_hjorth_is_antropys(noise: np.ndarray) -> None:
    found = Hjorth().fit_transform(noise).reshape(12, 3, 3)
    mobility, complexity = antropy.hjorth_params(noise, axis=-1)
    np.testing.assert_allclose(found[..., 0], noise.var(axis=-1), rtol=1e-10)
    np.testing.assert_allclose(found[..., 1], mobility, rtol=1e-9)
    np.testing.assert_allclose(found[..., 2], complexity, rtol=1e-9)


def test_hjorths_mobility_of_a_slow_sine_is_its_frequency() -> None:
    found = columns(Hjorth(), sine(2, 3.0, n_times=640))
    assert found["ch0_activity"] == pytest.approx(4.5, rel=1e-3)
    assert found["ch0_mobility"] * SFREQ == pytest.approx(2 * np.pi * 2, rel=2e-3)
    assert found["ch0_complexity"] == pytest.approx(1, abs=5e-3)


def test_spectral_entropy_is_antropys_over_a_flat_ones(noise: np.ndarray) -> None:
    for X in (noise, noise[..., :255]):
        impulse = np.eye(1, X.shape[-1])
        bits, of_flat = (antropy.spectral_entropy(x, SFREQ, method="fft", axis=-1) for x in (X, impulse))
        np.testing.assert_allclose(SpectralEntropy().fit_transform(X), bits / of_flat, rtol=1e-9)


@pytest.mark.parametrize("n_times", [4, 5, 8, 63, 256])
def test_spectral_entropy_of_an_impulse_is_1(n_times: int) -> None:
    impulse = np.zeros((1, 1, n_times))
    impulse[..., n_times // 3] = 1
    assert SpectralEntropy().fit_transform(impulse) == pytest.approx(1)


def test_spectral_entropy_of_one_frequency_is_0() -> None:
    assert SpectralEntropy().fit_transform(sine(8)) < 1e-3
    for window in ([1.0, 0.0], [5.0, 5.0], [1.0, 0.0, 0.0], [1.0]):
        assert SpectralEntropy().fit_transform([[window]]).tolist() == [[0.0]]


def librosa_frames(function: Callable[..., np.ndarray], X: np.ndarray, **options: Any) -> np.ndarray:
    length = X.shape[-1]
    flat = X.reshape(-1, length)
    found = [function(y=y, sr=SFREQ, n_fft=length, hop_length=length, center=False, **options)[0, 0] for y in flat]
    return np.reshape(found, X.shape[:2])


def test_the_spectral_centroid_is_librosas(noise: np.ndarray) -> None:
    expected = librosa_frames(librosa.feature.spectral_centroid, noise)
    np.testing.assert_allclose(SpectralCentroid(sfreq=SFREQ).fit_transform(noise), expected, rtol=1e-5)


@pytest.mark.parametrize("p", [1, 2, 3.5])
def test_the_spectral_bandwidth_is_librosas(noise: np.ndarray, p: float) -> None:
    expected = librosa_frames(librosa.feature.spectral_bandwidth, noise, p=p)
    np.testing.assert_allclose(SpectralBandwidth(p=p, sfreq=SFREQ).fit_transform(noise), expected, rtol=1e-5)


@pytest.mark.parametrize("frequency", [6, 20, 40])
def test_the_centroid_of_a_sine_is_its_frequency_and_hanns_window_spreads_it(frequency: float) -> None:
    """Hann's window has magnitudes 1/2, 1, 1/2 at neighbouring frequencies: a variance of half a bin squared."""
    X = sine(frequency)
    assert SpectralCentroid(sfreq=SFREQ).fit_transform(X) == pytest.approx(frequency)
    assert SpectralBandwidth(sfreq=SFREQ).fit_transform(X) == pytest.approx(np.sqrt(0.5) * SFREQ / 256)
    assert SpectralBandwidth(sfreq=SFREQ, p=1).fit_transform(X) == pytest.approx(0.5 * SFREQ / 256)


def test_the_zero_crossing_rate_is_librosas_and_twice_a_sines_frequency(noise: np.ndarray) -> None:
    flat = noise.reshape(-1, 256)
    expected = [
        librosa.feature.zero_crossing_rate(y, frame_length=256, hop_length=256, center=False, pad=False) for y in flat
    ]
    np.testing.assert_array_equal(ZeroCrossingRate().fit_transform(noise).ravel(), np.ravel(expected))
    assert ZeroCrossingRate().fit_transform(sine(10)) * SFREQ == pytest.approx(2 * 10, abs=SFREQ / 256)  # one crossing


def test_rms_is_librosas_and_a_sines_amplitude_over_root_2(noise: np.ndarray) -> None:
    expected = [
        librosa.feature.rms(y=y, frame_length=256, hop_length=256, center=False) for y in noise.reshape(-1, 256)
    ]
    np.testing.assert_allclose(RMS().fit_transform(noise).ravel(), np.ravel(expected), rtol=1e-6)
    assert RMS().fit_transform(sine(8, 3)) == pytest.approx(3 / np.sqrt(2))


@pytest.mark.parametrize("length", [1, 2, 5, 128])
def test_the_amplitude_envelope_is_the_largest_absolute_value(trials: Trials, length: int) -> None:
    windows = trials.windows(n_times=length, step=max(1, length // 2))
    windows = windows[:: max(1, len(windows) // 300)]
    found = AmplitudeEnvelope().fit_transform(windows)
    np.testing.assert_array_equal(found, np.abs(windows.to_numpy()).max(axis=-1))


def test_the_statistics_are_scipys(noise: np.ndarray) -> None:
    found = Statistics().fit_transform(noise).reshape(12, 3, 6)
    expected = [
        noise.mean(axis=-1),
        noise.std(axis=-1),
        stats.skew(noise, axis=-1),
        stats.kurtosis(noise, axis=-1),
        np.abs(np.diff(noise)).mean(axis=-1),
        np.abs(np.diff(noise, n=2)).mean(axis=-1),
    ]
    np.testing.assert_allclose(found, np.stack(expected, axis=-1), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("level", [3e4, 1.875e5])
def test_moments_are_scipys_where_a_trials_level_changes(trials: Trials, level: float) -> None:
    """Half of a trial lies at a level, an amplifier's rail even, and its last 2 s are constant there."""
    signals = 5 * np.random.default_rng(0).standard_normal((8064, 3))
    signals[4032:] += level
    signals[-256:] = level
    windows = trials.select([0])._replaced(signals=signals.astype(np.float32)).windows(1.0, 0.25)
    X = windows.to_numpy().astype(float)
    flat = np.ptp(X, axis=-1) == 0
    assert flat.any()
    found = Statistics().fit_transform(windows).reshape(-1, 3, 6)
    moving = X[~flat]
    expected = np.stack([moving.std(axis=-1), stats.skew(moving, axis=-1), stats.kurtosis(moving, axis=-1)], axis=-1)
    np.testing.assert_allclose(found[~flat, 1:4], expected, rtol=1e-9, atol=1e-9)
    assert not found[flat, 1:].any()
    activity = Hjorth().fit_transform(windows).reshape(-1, 3, 3)[..., 0]
    np.testing.assert_allclose(activity, np.where(flat, 0, X.var(axis=-1)), rtol=1e-10)


def test_band_power_over_the_whole_spectrum_is_the_variance(noise: np.ndarray) -> None:
    """Parseval: with Hann's window only on average, so over many windows."""
    rng = np.random.default_rng(0)
    X = 3 * rng.standard_normal((4000, 1, 128))
    bands = {"low": (0.0, 16.0), "middle": (16.0, 32.0), "high": (32.0, 64.0)}
    found = BandPower(bands=bands, sfreq=SFREQ).fit_transform(X).mean(axis=0)
    # White noise has the same power at each of the 64 frequencies; the mean is taken out, which Hann spreads to 1 Hz.
    assert found.sum() == pytest.approx(9, rel=0.03)
    assert found[1] == pytest.approx(9 / 4, rel=0.02)


def test_band_power_of_a_sine_is_half_its_amplitude_squared() -> None:
    found = columns(BandPower(sfreq=SFREQ), sine(10, 6))
    assert found["ch0_alpha_power"] == pytest.approx(18, rel=1e-6)
    assert found["ch0_beta_power"] < 1e-20
    logarithm = columns(BandPower(sfreq=SFREQ, log=True), sine(10, 6))
    assert logarithm["ch0_alpha_log_power"] == pytest.approx(np.log(18), rel=1e-6)


def test_band_power_is_welchs_of_scipy(noise: np.ndarray) -> None:
    freqs, psd = signal.welch(noise, SFREQ, nperseg=64)
    inside = (freqs >= 12) & (freqs < 30)
    found = BandPower(sfreq=SFREQ, segment=0.5).fit_transform(noise).reshape(12, 3, 4)
    np.testing.assert_allclose(found[..., 2], psd[..., inside].sum(axis=-1) * 2.0)
    with pytest.raises(ConfigError, match=r"No frequency lies in the band 8\.1-8\.2 Hz"):
        band_power(psd, freqs, (8.1, 8.2))


@pytest.mark.parametrize(("sfreq", "n_times"), [(200.0, 280), (100.0, 1000), (128.0, 320)])
def test_a_frequency_on_an_edge_is_in_the_upper_band(sfreq: float, n_times: int) -> None:
    """Hann's window gives a sine's power, a half, to three frequencies: 1/6, 2/3 and 1/6 of it."""
    edges = {"below": (12, 30), "above": (30, 45)}
    X = np.sin(2 * np.pi * 30 * np.arange(n_times) / sfreq)[None, None]
    found = BandPower(bands=edges, sfreq=sfreq).fit_transform(X)
    np.testing.assert_allclose(found, [[1 / 12, 5 / 12]])
    freqs, psd = signal.welch(X[0, 0], sfreq, nperseg=n_times)
    np.testing.assert_allclose([band_power(psd, freqs, band) for band in edges.values()], found[0])


def test_edges_that_are_no_binary_fractions_are_met_too() -> None:
    """4.1 Hz times 1000 samples is rounded to less than 4100; 51.2 Hz over 512 samples puts 0.3 Hz at number 3."""
    for sfreq, n_times, edge in ((100.0, 1000, 4.1), (51.2, 512, 0.3), (250.0, 750, 8 + 1 / 3)):
        X = np.sin(2 * np.pi * edge * np.arange(n_times) / sfreq)[None, None]
        found = BandPower(bands={"below": (0, edge), "above": (edge, 12)}, sfreq=sfreq).fit_transform(X)
        np.testing.assert_allclose(found, [[1 / 12, 5 / 12]])


def test_the_differential_entropy_of_white_noise_is_that_of_its_share_of_the_band() -> None:
    """A band of b Hz lets 2 b / sfreq of white noise through, times the filter's own response."""
    rng = np.random.default_rng(1)
    X = 10 * rng.standard_normal((400, 1, 1280))
    found = DifferentialEntropy(sfreq=SFREQ).fit_transform(X).mean(axis=0)
    for number, (low, high) in enumerate(BANDS.values()):
        sos = signal.butter(4, (low, high), "bandpass", fs=SFREQ, output="sos")
        freqs, response = signal.sosfreqz(sos, 20000, fs=SFREQ)
        passed = 100 * np.trapezoid(np.abs(response) ** 4, freqs) / (SFREQ / 2)  # forwards and backwards
        assert passed == pytest.approx(100 * 2 * (high - low) / SFREQ, rel=0.12)
        expected = 0.5 * np.log(2 * np.pi * np.e * passed)
        assert found[number] == pytest.approx(expected, abs=0.03)


def test_the_differential_entropy_rises_by_1_where_the_signal_is_e_times_as_large(noise: np.ndarray) -> None:
    features = DifferentialEntropy(sfreq=SFREQ).fit(noise)
    np.testing.assert_allclose(features.transform(np.e * noise) - features.transform(noise), 1, rtol=1e-6)


@pytest.mark.parametrize("wavelet", ["haar", "db4", "sym5"])
def test_wavelet_energies_add_up_to_the_windows(noise: np.ndarray, wavelet: str) -> None:
    found = WaveletEnergy(wavelet=wavelet, level=4).fit_transform(noise).reshape(12, 3, 5)
    np.testing.assert_allclose(found.sum(axis=-1), np.square(noise).sum(axis=-1))


def test_wavelet_energies_by_hand() -> None:
    """Haar's details are half differences of pairs times root 2, then of their sums."""
    X = np.array([[[1.0, 3.0, 2.0, 6.0]]])
    found = columns(WaveletEnergy(wavelet="haar", level=2), X)
    assert found["ch0_d1_energy"] == pytest.approx((1 - 3) ** 2 / 2 + (2 - 6) ** 2 / 2)
    assert found["ch0_d2_energy"] == pytest.approx((1 + 3 - 2 - 6) ** 2 / 4)
    assert found["ch0_a_energy"] == pytest.approx((1 + 3 + 2 + 6) ** 2 / 4)


def test_wavelet_details_of_a_sine_lie_at_its_level() -> None:
    found = columns(WaveletEnergy(wavelet="db8"), sine(12, n_times=1024))  # level 3 is 8-16 Hz
    assert max(found, key=lambda name: float(found[name][0])) == "ch0_d3_energy"


def test_the_short_time_fourier_transform_is_librosas(noise: np.ndarray) -> None:
    found = ShortTimeFourier(n_fft=64, hop=32, sfreq=SFREQ).fit_transform(noise).reshape(36, 7, 33)
    expected = [np.abs(librosa.stft(y, n_fft=64, hop_length=32, center=False)).T for y in noise.reshape(36, 256)]
    scale = np.r_[1, np.full(31, 2), 1] / 32
    np.testing.assert_allclose(found, np.stack(expected) * scale, rtol=1e-4, atol=1e-5)


def test_the_short_time_fourier_transform_gives_a_sine_its_amplitude() -> None:
    found = columns(ShortTimeFourier(n_fft=64, sfreq=SFREQ), sine(10, 5))
    assert [found[f"ch0_10Hz_stft{frame}"][0] for frame in range(7)] == pytest.approx([5] * 7)
    assert found["ch0_30Hz_stft3"] < 1e-10


# Asymmetry


def test_asymmetry_is_made_of_differential_entropies() -> None:
    windows = simulate(1).select([0, 1]).windows(2.0, 2.0)
    entropy = columns(DifferentialEntropy(), windows)
    dasm, rasm, dcau = (columns(Asymmetry(kind=kind), windows) for kind in ("dasm", "rasm", "dcau"))
    assert len(dasm) == len(rasm) == 14 * 4
    assert len(dcau) == 13 * 4
    for left, right in LEFT_RIGHT:
        for band in BANDS:
            one, other = entropy[f"{left}_{band}_de"], entropy[f"{right}_{band}_de"]
            np.testing.assert_array_equal(dasm[f"{left}-{right}_{band}_dasm"], one - other)
            np.testing.assert_allclose(rasm[f"{left}-{right}_{band}_rasm"], one / other)
    for front, back in FRONT_BACK:
        expected = entropy[f"{front}_beta_de"] - entropy[f"{back}_beta_de"]
        np.testing.assert_array_equal(dcau[f"{front}-{back}_beta_dcau"], expected)


@pytest.mark.parametrize("sign", [1, -1])
def test_rasm_is_guarded_where_the_denominator_nears_0(sign: int) -> None:
    whole = {"all": (0.0, 64.0)}
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1, 2, 256))
    X = (X - X.mean(axis=-1, keepdims=True)) / X.std(axis=-1, keepdims=True)
    X[0, 0] *= np.sqrt(np.exp(2 * 2.0) / (2 * np.pi * np.e))  # 2 nats
    X[0, 1] *= np.sqrt(np.exp(2 * sign * 0.001) / (2 * np.pi * np.e))  # .001 nats from 0
    features = Asymmetry(kind="rasm", ch_names=["F3", "F4"], bands=whole, sfreq=SFREQ)
    assert features.fit_transform(X) == pytest.approx(sign * 2.0 / 0.1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "dsam"}, "kind must be 'dasm', 'rasm' or 'dcau', got 'dsam'"),
        ({}, "None of the pairs for 'dasm' is among the channels ch0, ch1"),
        ({"ch_names": ["F3"]}, "names 1 channels, but X has 2"),
        ({"ch_names": ["F3", "F4"], "pairs": [("F3", "P4")]}, "pairs must name channels that X has, got P4"),
        ({"ch_names": ["F3", "F4"], "pairs": []}, "pairs must name channels that X has, got none"),
    ],
)
def test_asymmetry_that_has_no_pairs_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Asymmetry(sfreq=SFREQ, **settings).fit(np.ones((3, 2, 256)))


# The notebooks' recipe


def notebook_bin_power(X: np.ndarray, edges: list[float], fs: float) -> list[float]:
    """PyEEG's, as its definition reads: the spectrum's magnitudes between two edges, added up."""
    spectrum = np.abs(np.fft.fft(X))
    return [
        float(sum(spectrum[int(np.floor(low / fs * len(X))) : int(np.floor(high / fs * len(X)))]))
        for low, high in pairwise(edges)
    ]


def test_bin_power_is_the_notebooks(noise: np.ndarray) -> None:
    found = BinPower(sfreq=SFREQ).fit_transform(noise)
    edges = [4.0, 8, 12, 16, 25, 45]
    expected = [[notebook_bin_power(x, edges, SFREQ) for x in window] for window in noise]
    np.testing.assert_allclose(found, np.reshape(expected, (12, 15)))


def test_the_recipe_has_70_features() -> None:
    windows = simulate(1, channels="emotiv14").select([0]).windows(n_times=256, step=16)
    features = BinPower().fit(windows)
    assert features.transform(windows[:5]).shape == (5, 70)
    assert list(features.get_feature_names_out()[:2]) == ["AF3_theta_bin_power", "AF3_alpha_bin_power"]


def test_corrected_bin_power_is_power_and_does_not_grow_with_the_window() -> None:
    for n_times in (256, 512):
        found = columns(BinPower(corrected=True, sfreq=SFREQ), sine(10, 6, n_times))
        assert found["ch0_alpha_power"] == pytest.approx(18)
    published = [columns(BinPower(sfreq=SFREQ), sine(10, 6, n))["ch0_alpha_bin_power"][0] for n in (256, 512)]
    assert published[1] == pytest.approx(2 * published[0])


def test_corrected_bin_power_is_that_of_the_bands(noise: np.ndarray) -> None:
    spectrum = np.abs(np.fft.fft(noise)) ** 2 / 256**2  # both sides, whose sum is the mean square
    freqs = np.abs(np.fft.fftfreq(256, 1 / SFREQ))
    found = BinPower(corrected=True, sfreq=SFREQ).fit_transform(noise).reshape(12, 3, 5)
    for number, (low, high) in enumerate(NOTEBOOK_BANDS.values()):
        inside = (freqs >= low) & (freqs < high)
        np.testing.assert_allclose(found[..., number], spectrum[..., inside].sum(axis=-1))


@pytest.mark.parametrize("n_times", [100, 33])
def test_corrected_bin_power_holds_no_mean_where_edges_lie_between_frequencies(n_times: int) -> None:
    X = np.random.default_rng(0).standard_normal((2, 1, n_times)) + 1000
    spectrum, freqs = np.abs(np.fft.fft(X)) ** 2 / n_times**2, np.abs(np.fft.fftfreq(n_times, 1 / SFREQ))
    expected = [spectrum[..., (freqs >= low) & (freqs < high)].sum(axis=-1) for low, high in NOTEBOOK_BANDS.values()]
    found = BinPower(corrected=True, sfreq=SFREQ).fit_transform(X)
    np.testing.assert_allclose(found, np.concatenate(expected, axis=1), rtol=1e-9)


@pytest.mark.parametrize(("n_times", "empty"), [(16, "theta"), (20, "alpha")])  # 8 and 6.4 Hz apart
def test_corrected_bin_power_of_a_window_too_short_for_a_band_is_refused(n_times: int, empty: str) -> None:
    X = np.ones((1, 1, n_times))
    with pytest.raises(ConfigError, match=rf"Band '{empty}' .* holds none of the frequencies.* take a longer window"):
        BinPower(corrected=True, sfreq=SFREQ).fit(X)
    edges = [4.0, 8, 12, 16, 25, 45]
    published = [notebook_bin_power(X[0, 0], edges, SFREQ)]
    np.testing.assert_allclose(BinPower(sfreq=SFREQ).fit_transform(X), published, atol=1e-12)


# Once per sample


@pytest.mark.parametrize("step", [8, 64, 128])
@every_feature
def test_windows_have_the_features_that_they_have_alone(trials: Trials, name: str, step: int) -> None:
    windows = trials.windows(n_times=128, step=step)
    chosen = windows[np.random.default_rng(0).permutation(len(windows))[:200]]
    together = make(name).fit(windows).transform(chosen)
    if name not in FILTERED:
        alone = make(name).fit(windows).transform(windows)[np.flatnonzero(np.isin(windows.starts, chosen.starts))]
        np.testing.assert_allclose(make(name).fit_transform(chosen.to_numpy()), together, rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal(alone, together[np.argsort(chosen.starts)])
        return
    for row in range(0, 200, 40):  # filtered over the whole trial, its baseline included, then cut
        start, trial = chosen.starts[row], chosen.trial_index[row]
        whole = trials.trial_data(trial, baseline=True).astype(float)
        at = start - trials.table["start"].iloc[trial]
        sos = [signal.butter(4, band, "bandpass", fs=SFREQ, output="sos") for band in BANDS.values()]
        cut = np.stack([signal.sosfiltfilt(one, whole)[:, at : at + 128] for one in sos], axis=1)
        entropy = 0.5 * np.log(2 * np.pi * np.e * cut.var(axis=-1))
        expected = entropy if name == "differential-entropy" else entropy[0] - entropy[1]
        np.testing.assert_allclose(together[row], expected.ravel(), rtol=1e-9, atol=1e-9)


def test_nothing_reaches_from_one_trial_into_the_next(trials: Trials) -> None:
    louder = np.array(trials.signals)
    louder[trials.table["start"].iloc[1] :] *= 1000
    other = Trials(louder, trials.table, trials.ch_names, trials.sfreq, "louder", simulated=True)
    for name in FEATURES:
        first = [make(name).fit_transform(each.select([0]).windows(1, 0.5)) for each in (trials, other)]
        both = make(name).fit_transform(other.windows(1, 0.5))
        np.testing.assert_array_equal(first[0], first[1])
        np.testing.assert_array_equal(first[0], both[: len(first[0])])


@given(
    seed=st.integers(0, 1000),
    n_times=st.integers(3, 4000),
    scale=st.sampled_from([1e-3, 1.0, 1e4]),
    artefact=st.sampled_from([1.0, 1e3, 1e6]),
)
@settings(max_examples=60, deadline=None)
def test_sums_err_no_more_than_their_bound(seed: int, n_times: int, scale: float, artefact: float) -> None:
    """Against sums of whole windows, with an artefact elsewhere in the trial; twice what adding one by one may err."""
    rng = np.random.default_rng(seed)
    values = scale * rng.standard_normal((2, n_times))
    values[:, : n_times // 3] *= artefact
    length = int(rng.integers(1, n_times + 1))
    starts = rng.integers(0, n_times - length + 1, 5)
    direct = np.stack([np.sum(values[:, start : start + length], axis=-1) for start in starts], axis=-1)
    sizes = np.stack([np.sum(np.abs(values[:, start : start + length]), axis=-1) for start in starts], axis=-1)
    bound = 2 * length * np.finfo(float).eps * sizes
    assert (np.abs(window_sums(values, starts, length) - direct) <= bound).all()


@pytest.mark.parametrize("step", [8, 128])
def test_windows_that_are_filtered_by_themselves_have_the_numbers_of_arrays(trials: Trials, step: int) -> None:
    windows = trials.windows(n_times=128, step=step)
    pairs: dict[str, Any] = {"pairs": [("F3", "F4")], "sfreq": SFREQ}
    for alone, of_arrays in (
        (DifferentialEntropy(filter_over="window"), DifferentialEntropy(sfreq=SFREQ)),
        (Asymmetry(filter_over="window", **pairs), Asymmetry(ch_names=trials.ch_names, **pairs)),
    ):
        found, expected = alone.fit_transform(windows), of_arrays.fit_transform(windows.to_numpy())
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
        assert alone.stands_alone_
        assert of_arrays.stands_alone_
    filtered = DifferentialEntropy().fit(windows)
    assert not filtered.stands_alone_
    alone = DifferentialEntropy(filter_over="window").fit(windows)
    assert np.abs(filtered.transform(windows) - alone.transform(windows)).max() > 0.1
    assert RMS().fit(windows).stands_alone_


def test_the_error_of_shared_sums_on_eeg_is_far_below_what_matters(trials: Trials) -> None:
    windows = trials.windows(n_times=128, step=8)
    shared = DifferentialEntropy().fit_transform(windows).reshape(len(windows), 3, 4)
    for trial in range(len(trials)):
        whole = trials.trial_data(trial, baseline=True).astype(float)
        own = np.flatnonzero(windows.trial_index == trial)
        starts = windows.starts[own] - trials.table["start"].iloc[trial]
        for number, band in enumerate(BANDS.values()):
            passed = np.lib.stride_tricks.sliding_window_view(band_pass(whole, SFREQ, band, 4), 128, axis=-1)
            direct = 0.5 * np.log(2 * np.pi * np.e * passed[:, starts].var(axis=-1))
            assert np.abs(shared[own, :, number] - direct.T).max() < 1e-10


# What all of them do


CHECKED = [
    BandPower(bands={"all": (0.0, 2.0)}, sfreq=4.0),
    DifferentialEntropy(bands={"some": (0.5, 1.5)}, sfreq=4.0),
    Asymmetry(bands={"some": (0.5, 1.5)}, sfreq=4.0, ch_names=("Fz",), pairs=(("Fz", "Fz"),)),
    Hjorth(),
    Statistics(),
    AmplitudeEnvelope(),
    RMS(),
    ZeroCrossingRate(),
    SpectralEntropy(),
    SpectralCentroid(sfreq=4.0),
    SpectralBandwidth(sfreq=4.0),
    ShortTimeFourier(sfreq=4.0),
    WaveletEnergy(wavelet="haar"),
    BinPower(sfreq=128.0),
]


@parametrize_with_checks(CHECKED)
def test_scikit_learn_accepts_the_transformer(estimator: BaseEstimator, check: Callable[[BaseEstimator], None]) -> None:
    check(estimator)


def test_every_transformer_is_checked() -> None:
    assert {type(features) for features in CHECKED} == {feature_class(name) for name in FEATURES}


@every_feature
def test_names_units_and_shapes(noise: np.ndarray, trials: Trials, name: str) -> None:
    windows = trials.windows(2.0, 2.0)
    features = make(name)
    values = features.fit(windows).transform(windows)
    names = features.get_feature_names_out()
    assert values.shape == (len(windows), len(names))
    assert values.dtype == np.float64
    assert np.isfinite(values).all()
    assert len(set(names)) == len(names)
    assert {each.split("_")[0].split("-")[0] for each in names} <= {"F3", "F4", "O1"}
    assert "µV" in (type(features).__doc__ or "") or any(
        unit in (type(features).__doc__ or "") for unit in ("microvolts", "Hz", "nats", "no unit", "from 0 to 1")
    )


@every_feature
def test_transformers_are_cloned_pickled_and_repeat_themselves(trials: Trials, name: str) -> None:
    windows = trials.windows(1.0, 0.5)
    features = make(name).fit(windows)
    expected = features.transform(windows)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(features)).transform(windows), expected)
    np.testing.assert_array_equal(clone(features).fit_transform(windows), expected)
    order = np.random.default_rng(0).permutation(len(windows))
    np.testing.assert_array_equal(features.transform(windows[order]), expected[order])


@every_feature
def test_single_precision_is_double_precision_rounded_in_half_the_memory(trials: Trials, name: str) -> None:
    windows = trials.windows(1.0, 0.5)
    double, single = (make(name, dtype=dtype).fit_transform(windows) for dtype in ("float64", "float32"))
    assert (double.dtype, single.dtype) == (np.float64, np.float32)
    assert 2 * single.nbytes == double.nbytes
    np.testing.assert_array_equal(single, double.astype(np.float32))


def test_scaled_single_precision_decides_as_double_precision_does(trials: Trials) -> None:
    windows = trials.windows(1.0, 0.25)
    y = np.arange(len(windows)) % 2
    proba = [
        make_pipeline(DifferentialEntropy(dtype=dtype), StandardScaler(), LogisticRegression(tol=1e-8))
        .fit(windows, y)
        .predict_proba(windows)
        for dtype in ("float64", "float32")
    ]
    np.testing.assert_allclose(proba[1], proba[0], atol=1e-3)  # the solver stops where single precision ends


@every_feature
def test_flat_channels_have_finite_features(name: str) -> None:
    X = np.zeros((4, 2, 256))
    X[:, 1] = 7.5
    extra = {"ch_names": ["F3", "F4"]} if name == "asymmetry" else {}
    assert np.isfinite(make(name, **extra).fit_transform(X)).all()


def test_the_names_of_the_issue() -> None:
    windows = simulate(1, channels=["F3", "F4"]).select([0]).windows()
    names = DifferentialEntropy().fit(windows).get_feature_names_out()
    assert list(names[:4]) == ["F3_theta_de", "F3_alpha_de", "F3_beta_de", "F3_gamma_de"]
    array = windows.to_numpy()
    given = DifferentialEntropy(sfreq=SFREQ).fit(array).get_feature_names_out(["left", "right"])
    assert given[5] == "right_alpha_de"


def test_a_table_has_named_columns(trials: Trials) -> None:
    windows = trials.windows()
    table = RMS().set_output(transform="pandas").fit_transform(windows)
    assert list(table.columns) == ["F3_rms", "F4_rms", "O1_rms"]


def test_transformers_stand_in_a_pipeline_and_a_grid_search(trials: Trials) -> None:
    windows = trials.windows()
    y = np.arange(len(windows)) % 2
    pipeline = make_pipeline(DifferentialEntropy(), StandardScaler(), LogisticRegression())
    search = GridSearchCV(pipeline, {"differentialentropy__order": [2, 4]}, cv=2).fit(windows, y)
    assert search.predict(windows).shape == (len(windows),)


# What is refused


@pytest.mark.parametrize("transformer", [BandPower, DifferentialEntropy])
@pytest.mark.parametrize(
    ("band", "message"),
    [
        ((1, 4), r"Band 'it' \(1-4 Hz\) reaches below the recordings' pass band \(4 Hz to 45 Hz\)"),
        ((3, 8), r"reaches below the recordings' pass band"),
        ((40, 60), r"reaches above the recordings' pass band"),
        ((40, 70), r"reaches above 64 Hz, half the sampling rate"),
        ((8, 8), r"Band 'it' must have a lower and a higher edge in Hz, got \(8, 8\)"),
        ((12, 8), "must have a lower and a higher edge"),
        (8, "must have a lower and a higher edge"),
        ((-1, 8), "must have a lower and a higher edge"),
        ((float("nan"), 8), "must have a lower and a higher edge"),
    ],
)
def test_a_band_that_the_recording_does_not_hold_is_refused(
    trials: Trials, transformer: type[BandPower | DifferentialEntropy], band: Any, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        transformer(bands={"it": band}).fit(trials.windows())


@pytest.mark.parametrize("bands", [{}, "alpha", [(8, 12)]])
def test_bands_that_are_no_mapping_are_refused(trials: Trials, bands: Any) -> None:
    with pytest.raises(ConfigError, match="bands must map names to edges"):
        DifferentialEntropy(bands=bands).fit(trials.windows())


def test_a_band_between_two_frequencies_is_refused(trials: Trials) -> None:
    with pytest.raises(ConfigError, match=r"holds none of the frequencies, which are 1 Hz apart; take a longer window"):
        BandPower(bands={"narrow": (8.2, 8.9)}).fit(trials.windows())


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (DifferentialEntropy(), r"needs the sampling rate of an array: DifferentialEntropy\(sfreq=\.\.\.\)"),
        (DifferentialEntropy(sfreq=-1), "sfreq must be a sampling rate in Hz, got -1"),
        (Hjorth(dtype="float16"), "dtype must be 'float64' or 'float32', got 'float16'"),
        (DifferentialEntropy(sfreq=SFREQ, filter_over="run"), "filter_over must be 'trial' or 'window', got 'run'"),
        (DifferentialEntropy(sfreq=SFREQ, order=0), "order must be a positive whole number, got 0"),
        (BandPower(sfreq=SFREQ, segment=0), "segment must be a positive number of seconds, got 0"),
        (SpectralBandwidth(sfreq=SFREQ, p=0), "p must be a positive number, got 0"),
        (ShortTimeFourier(sfreq=SFREQ, n_fft=300), "n_fft=300 samples is longer than the window of 256"),
        (ShortTimeFourier(sfreq=SFREQ, hop=0), "hop must be a positive whole number of samples, got 0"),
        (WaveletEnergy(wavelet="db"), "wavelet must be an orthogonal wavelet of PyWavelets"),
        (WaveletEnergy(wavelet="bior2.2"), "wavelet must be an orthogonal wavelet"),
        (WaveletEnergy(level=9), "level must be a whole number from 1 to 8 for windows of 256 samples, got 9"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(noise: np.ndarray, features: WindowFeatures, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        features.fit(noise)


def test_a_window_too_short_for_differences_has_none() -> None:
    assert Hjorth().fit_transform(np.array([[[1.0, 3.0]]])).tolist() == [[1.0, 0.0, 0.0]]
    assert Statistics().fit_transform(np.array([[[1.0, 3.0]]])).tolist() == [[2.0, 1.0, 0.0, -2.0, 2.0, 0.0]]


def test_other_windows_than_those_it_was_fitted_on_are_refused(trials: Trials) -> None:
    features = RMS().fit(trials.windows())
    for other in (trials.pick(["F3", "F4"]).windows(), trials.windows(2.0)):
        with pytest.raises(ValueError, match="but RMS was fitted on 3 x 128"):
            features.transform(other)
    with pytest.raises(ConfigError, match=r"sfreq=256 Hz was given, but the windows have 128 Hz"):
        DifferentialEntropy(sfreq=256).fit(trials.windows())
    with pytest.raises(ValueError, match="Found no windows"):
        features.transform(trials.windows()[:0])


@every_feature
def test_what_is_no_number_is_refused(trials: Trials, name: str) -> None:
    signals = np.array(trials.signals)
    signals[trials.table["start"].iloc[2] + 1000, 1] = np.nan
    broken = Trials(signals, trials.table, trials.ch_names, trials.sfreq, "broken", simulated=True)
    with pytest.raises(DataFormatError, match="NaN or infinity in trial 3 of subject 1; repair or drop it"):
        make(name).fit_transform(broken.windows())
    assert isinstance(make(name).fit_transform(broken.select([0, 1, 3]).windows()), np.ndarray)


@every_feature
def test_what_is_no_number_outside_the_windows_only_matters_to_filters_of_trials(trials: Trials, name: str) -> None:
    signals = np.array(trials.signals)
    at = trials.table["start"].iloc[2] + 1000
    signals[at], signals[at - 1, 1] = np.nan, np.inf
    broken = Trials(signals, trials.table, trials.ch_names, trials.sfreq, "broken", simulated=True).windows(1.0, 0.5)
    whole = (broken.starts + broken.n_times <= at - 1) | (broken.starts > at)
    assert 0 < (~whole).sum() < 4
    if name in FILTERED:
        with pytest.raises(DataFormatError, match="NaN or infinity in trial 3 of subject 1"):
            make(name).fit_transform(broken[whole])
    alone = make(name, **({"filter_over": "window"} if name in FILTERED else {}))
    expected = alone.fit_transform(trials.windows(1.0, 0.5)[whole])
    np.testing.assert_allclose(alone.fit_transform(broken[whole]), expected, rtol=1e-9, atol=1e-9)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'hjorth'"):
        feature_class("hjort")


def test_windows_of_an_unknown_pass_band_are_taken(small_trials: Trials) -> None:
    windows: Windows = small_trials.windows()
    assert windows.trials.pass_band == (None, None)
    assert BandPower(bands={"slow": (1, 4)}).fit_transform(windows).shape == (len(windows), 2)
    assert quadrants()(windows).shape == (len(windows),)
