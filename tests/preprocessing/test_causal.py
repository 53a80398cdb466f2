"""Preprocessing without a look ahead: chunk by chunk as at once, fitted on a calibration, its delay as stated."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from eegemo import ConfigError, DataFormatError, Preprocessing
from eegemo.preprocessing import (
    CausalPreprocessing,
    EOGWeights,
    fit_causal,
    preprocess,
    read_causal,
    remove_eog,
    steps_done,
)
from eegemo.preprocessing.causal import without_fit
from eegemo.preprocessing.causal_filters import Decimator, low_pass_sections

NAMES = ["Fp1", "Fp2", "F3", "F4", "T7", "T8", "P3", "P4", "O1", "O2"]
#: Of the EOG in each EEG channel.
WEIGHTS = np.linspace(0.8, 0.0, 10)
BIPOLAR = Preprocessing(bipolar=(("vEOG", "eog", "EXG1", "EXG2"),), eog_h_freq=6.0)


def streamed(seconds: float, sfreq: float = 512, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Ten channels that see blinks, and two electrodes of an EOG, in microvolts and time-major; and the EEG alone."""
    rng = np.random.default_rng(seed)
    n_times = int(seconds * sfreq)
    brain = 10 * rng.standard_normal((n_times, 10))
    blinks = np.zeros(n_times)
    shape = 300 * np.hanning(int(0.35 * sfreq))
    for start in range(int(0.7 * sfreq), n_times - len(shape), int(3.1 * sfreq)):
        blinks[start : start + len(shape)] += shape
    noise = 0.5 * rng.standard_normal((n_times, 2))
    eog = np.stack([0.6 * blinks, -0.4 * blinks], axis=1) + noise
    # The derivation is what the EEG sees, so that its weights are the regression's.
    return np.hstack([brain + np.outer(eog[:, 0] - eog[:, 1], WEIGHTS), eog]), brain


def as_raw(samples: np.ndarray, sfreq: float, names: list[str] | None = None) -> mne.io.RawArray:
    info = mne.create_info(names or [*NAMES, "EXG1", "EXG2"], sfreq, "eeg")
    return mne.io.RawArray(1e-6 * samples.T, info, verbose="error")


@pytest.fixture(scope="module")
def fitted() -> CausalPreprocessing:
    samples, _ = streamed(30)
    return fit_causal(as_raw(samples, 512), BIPOLAR)


def in_chunks(fitted: CausalPreprocessing, samples: np.ndarray, lengths: list[int], sfreq: float) -> np.ndarray:
    chain = fitted.chain([*NAMES, "EXG1", "EXG2"], sfreq)
    pieces, start = [], 0
    for length in [*lengths, len(samples)]:
        pieces.append(chain.process(samples[start : start + length]))
        start += length
    return np.concatenate(pieces)


@settings(max_examples=25, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 700), max_size=25),
    sfreq=st.sampled_from([512, 160, 500, 128, 250]),
    seed=st.integers(0, 3),
)
def test_chunk_by_chunk_is_as_at_once(fitted: CausalPreprocessing, lengths: list[int], sfreq: float, seed: int) -> None:
    samples, _ = streamed(6, sfreq, seed)
    at_once = in_chunks(fitted, samples, [], sfreq)
    assert len(at_once) == -(-len(samples) * 128 // sfreq)
    assert_allclose(in_chunks(fitted, samples, lengths, sfreq), at_once, rtol=0, atol=1e-6)


def test_sample_by_sample_is_as_at_once(fitted: CausalPreprocessing) -> None:
    samples, _ = streamed(3)
    at_once = in_chunks(fitted, samples, [], 512)
    assert_allclose(in_chunks(fitted, samples, [1] * len(samples), 512), at_once, rtol=0, atol=1e-6)


def test_what_comes_later_changes_nothing_before(fitted: CausalPreprocessing) -> None:
    samples, _ = streamed(6)
    changed = samples.copy()
    changed[1024:] += 500 * np.random.default_rng(1).standard_normal(changed[1024:].shape)
    at_once, other = (in_chunks(fitted, one, [], 512) for one in (samples, changed))
    assert_allclose(other[:256], at_once[:256], rtol=0, atol=1e-9)
    assert np.abs(other[256:] - at_once[256:]).max() > 1


# Filters


@pytest.mark.parametrize(("recorded", "wanted"), [(512, 128), (160, 128), (500, 128), (250, 128)])
def test_down_sampling_is_filtering_between_zeros_and_keeping_every_so_many(recorded: int, wanted: int) -> None:
    ratio = Fraction(wanted, recorded)
    x = np.random.default_rng(0).standard_normal((3 * recorded, 2))
    decimator = Decimator(ratio, 2)
    stuffed = np.zeros((len(x) * ratio.numerator, 2))
    stuffed[:: ratio.numerator] = x
    expected = scipy.signal.lfilter(ratio.numerator * decimator.taps, 1, stuffed, axis=0)[:: ratio.denominator]
    assert_allclose(decimator.process(x), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("recorded", [512, 160, 500])
def test_down_sampling_keeps_and_attenuates_as_it_is_stated_for_the_zero_phase_one(recorded: int) -> None:
    t = np.arange(20 * recorded) / recorded
    for frequency, low, high in ((2.0, -0.01, 0.01), (45.0, -0.01, 0.01), (51.0, -0.02, 0.02), (78.0, -300, -77)):
        got = Decimator(Fraction(128, recorded), 1).process(np.sin(2 * np.pi * frequency * t)[:, None])[512:, 0]
        decibels = 20 * np.log10(max(got.std(), 1e-12) * np.sqrt(2))
        assert low < decibels < high, frequency


def test_the_delay_is_that_of_the_phases_of_sines(fitted: CausalPreprocessing) -> None:
    """The group delay is minus the slope of the phase over the frequency, here from two neighbouring sines."""
    alone = replace(
        fitted, settings=replace(BIPOLAR, eog=None, reference=None), eog_names=(), weights=np.empty((10, 0))
    )
    freqs, step = np.array([5.0, 10.0, 20.0, 40.0]), 0.125
    t, at = np.arange(24 * 512) / 512, np.arange(8 * 128, 24 * 128) / 128  # after the filters have settled

    def phase(frequency: float) -> float:
        samples = np.zeros((len(t), 12))
        samples[:, 0] = np.sin(2 * np.pi * frequency * t)
        got = in_chunks(alone, samples, [], 512)[8 * 128 :, 0]
        return float(np.angle(np.sum(got * np.exp(-2j * np.pi * frequency * at))))

    slopes = [(phase(f + step) - phase(f - step)) % (2 * np.pi) for f in freqs]
    slopes = [slope - 2 * np.pi if slope > np.pi else slope for slope in slopes]
    expected = -1000 * np.array(slopes) / (2 * np.pi * 2 * step)
    chain = alone.chain([*NAMES, "EXG1", "EXG2"], 512)
    assert_allclose(chain.delay(freqs), expected, atol=0.3)
    assert 35 < chain.delay(10.0)[0] < 45
    with pytest.raises(ConfigError, match="must lie between 0 and 64 Hz"):
        chain.delay(np.array([0.0, 10.0]))


def test_the_band_is_that_of_the_zero_phase_filters() -> None:
    one_channel = Preprocessing(sfreq=None, bad_channels=None, eog=None, reference=None, montage=None)
    t = np.arange(30 * 128) / 128
    for frequency in (0.5, 1.5, 4.2, 10.0, 44.5, 50.0, 60.0):
        raw = as_raw(np.sin(2 * np.pi * frequency * t)[:, None] * 100, 128, ["Cz"])
        causal = fit_causal(raw, one_channel).apply(raw).get_data()[0, 1280:-1280]
        zero_phase = preprocess(raw, one_channel).get_data()[0, 1280:-1280]
        ours, theirs = (20 * np.log10(one.std() * np.sqrt(2) / 1e-4) for one in (causal, zero_phase))
        if 4 <= frequency <= 45:
            assert abs(ours - theirs) < 1.1, frequency  # half a decibel at either edge of two filters
        else:
            assert ours < -39, frequency


def test_a_notch_takes_the_mains_out_and_nothing_else() -> None:
    wide = Preprocessing(band=(1.0, 60.0), high_pass=None, sfreq=None, eog=None, bad_channels=None, reference=None)
    t = np.arange(20 * 256) / 256
    raw = as_raw(100 * (np.sin(2 * np.pi * 50 * t) + np.sin(2 * np.pi * 40 * t))[:, None], 256, ["Cz"])
    power = {}
    for notch in ((), (50.0,)):
        got = 1e6 * fit_causal(raw, wide, notch=notch).apply(raw).get_data()[0, 2560:]
        power[notch] = np.abs(np.fft.rfft(got))[[400, 500]] * 2 / len(got)  # 40 and 50 Hz, of 10 s
    assert_allclose(power[()], 100, rtol=0.05)
    assert power[(50.0,)][0] > 95
    assert power[(50.0,)][1] < 1
    with pytest.raises(ConfigError, match="notch at 130 Hz is impossible at 256 samples a second"):
        fit_causal(raw, wide, notch=[130])


def test_offsets_of_electrodes_leave_no_trace(fitted: CausalPreprocessing) -> None:
    samples, _ = streamed(4)
    offset = np.random.default_rng(3).normal(0, 8000, 12)
    assert_allclose(in_chunks(fitted, samples + offset, [], 512), in_chunks(fitted, samples, [], 512), atol=1e-6)


def test_when_it_has_settled_a_hundredth_of_a_step_is_left(fitted: CausalPreprocessing) -> None:
    alone = replace(
        fitted, settings=replace(BIPOLAR, eog=None, reference=None), eog_names=(), weights=np.empty((10, 0))
    )
    chain = alone.chain([*NAMES, "EXG1", "EXG2"], 512)
    samples = np.zeros((5 * 512, 12))
    samples[1:, 0] = 100.0
    left = np.abs(chain.process(samples)[:, 0])
    n_settled = round(chain.settling * 128) + 8  # the anti-aliasing filter is as long as that
    assert left[n_settled:].max() < 1.5 < left[: n_settled - 16].max()
    assert 0.3 < chain.settling < 2


def test_the_low_pass_narrows_near_the_nyquist_frequency() -> None:
    gain = np.abs(scipy.signal.freqz_sos(low_pass_sections(62, 128), [60, 63.9], fs=128)[1])
    assert gain[0] > 0.94
    assert gain[1] < 0.01


# What is fitted


def test_the_eog_is_removed_from_what_comes_after_the_calibration(fitted: CausalPreprocessing) -> None:
    assert_allclose(fitted.weights[:, 0], WEIGHTS, atol=0.02)
    samples, brain = streamed(30, seed=7)
    names = [*NAMES, "EXG1", "EXG2"]
    no_eog = replace(fitted, settings=replace(BIPOLAR, eog=None), eog_names=(), weights=np.empty((10, 0)))
    truth, left_in = (
        no_eog.chain(names, 512).process(one)[256:] for one in (np.hstack([brain, np.zeros((len(brain), 2))]), samples)
    )
    got = fitted.chain(names, 512).process(samples)[256:]
    artefact = np.sqrt(((left_in - truth) ** 2).mean())
    assert np.sqrt(((got - truth) ** 2).mean()) < 0.15 * artefact


def test_weights_that_were_fitted_to_one_recording_are_applied_to_another() -> None:
    rng = np.random.default_rng(0)
    info = mne.create_info([*NAMES, "vEOG"], 128, ["eeg"] * 10 + ["eog"])
    parts = []
    for _ in range(2):
        brain, eog = 1e-5 * rng.standard_normal((10, 2560)), 1e-4 * rng.standard_normal((1, 2560))
        raw = mne.io.RawArray(np.vstack([brain + WEIGHTS[:, None] * eog, eog]), info, verbose="error")
        parts.append(raw.set_eeg_reference([], verbose="error"))
    fit, other = EOGWeights.fit(parts[0], NAMES, ["vEOG"], None), parts[1].copy()
    assert_allclose(fit.weights[:, 0], WEIGHTS, atol=0.01)
    data = parts[1].get_data()
    expected = data[:10] - fit.weights @ (data[10:] - data[10:].mean())
    assert_allclose(fit.apply(other).get_data(), np.vstack([expected, data[10:]]), atol=1e-15)
    removed = remove_eog(parts[0], eog_h_freq=None)
    assert_allclose(fit.apply(parts[0].copy()).get_data(), removed.get_data(), rtol=0, atol=0)


def test_a_channel_that_was_bad_in_the_calibration_is_interpolated_as_mne_does() -> None:
    samples, _ = streamed(20)
    samples[:, 5] = 0.0  # T8
    with pytest.warns(UserWarning, match="T8: flat"):
        fitted = fit_causal(as_raw(samples, 512), replace(BIPOLAR, eog=None, reference=None))
    raw = fitted.apply(as_raw(samples, 512))
    assert list(fitted.bads) == ["T8"]
    by_mne = raw.copy()
    by_mne.info["bads"] = ["T8"]
    by_mne.interpolate_bads(verbose="error")  # filters and interpolation commute
    assert_allclose(raw.get_data(), by_mne.get_data(), atol=1e-10)
    assert steps_done(raw)[-1]["step"] == "causal"


def test_the_average_reference_is_over_the_channels_of_the_calibration(fitted: CausalPreprocessing) -> None:
    samples, _ = streamed(3)
    extra = np.hstack([samples, 1000 * np.ones((len(samples), 1))])
    got = fitted.chain([*NAMES, "EXG1", "EXG2", "Cz"], 512).process(extra)
    assert_allclose(got, in_chunks(fitted, samples, [], 512), atol=1e-9)
    assert_allclose(got.sum(axis=1), 0, atol=1e-9)


def test_a_whole_recording_is_as_its_stream(fitted: CausalPreprocessing) -> None:
    samples, _ = streamed(33)  # longer than what is read at a time
    raw = as_raw(samples, 512).set_annotations(mne.Annotations([3.0], [1.0], ["BAD"]))
    got = fitted.apply(raw)
    assert_allclose(1e6 * got.get_data().T, in_chunks(fitted, samples, [], 512), atol=1e-6)
    assert got.ch_names == NAMES
    assert (got.info["sfreq"], got.info["highpass"], got.info["lowpass"]) == (128.0, 4.0, 45.0)
    assert got.annotations.onset.tolist() == [3.0]


@pytest.mark.parametrize("meas_date", [None, 1_500_000_000])
def test_annotations_stay_at_their_samples_where_the_rate_is_not_nominal(meas_date: int | None) -> None:
    samples = np.zeros((10_100, 2))
    at = 10_000  # of 100 Hz by name, and 100.09 Hz by the clock: 4.5 samples at 50 Hz away from it
    samples[at : at + 10] = 50.0
    raw = as_raw(samples, 100.09, ["F3", "F4"])
    raw.set_meas_date(meas_date)
    raw.set_annotations(mne.Annotations([2000 / 100.09, at / 100.09], 10 / 100.09, ["BAD burst", "BAD burst"]))
    raw.crop(5.0, None)
    steps = Preprocessing(sfreq=50.0, high_pass=None, band=None, eog=None, bad_channels=None, reference=None)
    clean = without_fit(steps, raw.ch_names, 100.09).apply(raw)
    start = (clean.annotations.onset[1] - clean.first_time) * 50
    assert start == pytest.approx((at - 500) / 2, abs=1e-6), "without the 500 samples that are nearest to 5 s"
    assert clean.annotations.duration[1] * 50 == pytest.approx(5)
    burst = np.flatnonzero(np.abs(clean.get_data()[0]) > 25e-6)
    assert start < burst[0] <= start + 12, "as late as the filter is"


# Streams


def test_channels_are_found_by_their_names(fitted: CausalPreprocessing) -> None:
    samples, _ = streamed(3)
    order = np.random.default_rng(0).permutation(12)
    names = np.array([*("EEG " + name.replace("T7", "T3").upper() for name in NAMES), "EXG1", "EXG2"])
    got = fitted.chain(names[order].tolist(), 512).process(samples[:, order])
    assert_allclose(got, in_chunks(fitted, samples, [], 512), atol=1e-9)


def test_a_chain_that_is_reset_begins_anew(fitted: CausalPreprocessing) -> None:
    samples, _ = streamed(3)
    chain = fitted.chain([*NAMES, "EXG1", "EXG2"], 512)
    chain.process(samples[:777])
    chain.reset()
    assert_allclose(chain.process(samples), in_chunks(fitted, samples, [], 512), atol=1e-9)


def test_what_cannot_be_streamed_is_refused(fitted: CausalPreprocessing) -> None:
    names = [*NAMES, "EXG1", "EXG2"]
    with pytest.raises(DataFormatError, match="lacks channels F3, on which the steps were fitted"):
        fitted.chain([name for name in names if name != "F3"], 512)
    with pytest.raises(ConfigError, match="EXG2"):
        fitted.chain(names[:-1], 512)
    with pytest.raises(ConfigError, match="128 Hz cannot be had of a stream of 100 Hz"):
        fitted.chain(names, 100)
    with pytest.raises(ConfigError, match="sfreq must be a number"):
        fitted.chain(names, "fast")  # type: ignore[arg-type]
    chain = fitted.chain(names, 512)
    with pytest.raises(DataFormatError, match=r"has the shape \(n_times, 12\), got \(5, 11\)"):
        chain.process(np.zeros((5, 11)))
    with pytest.raises(DataFormatError, match="not finite"):
        chain.process(np.full((5, 12), np.nan))
    with pytest.raises(ConfigError, match="'regression', or not at all"):
        fit_causal(as_raw(streamed(3)[0], 512), replace(BIPOLAR, eog="ica"))


def test_it_is_saved_and_read(fitted: CausalPreprocessing, tmp_path: Path) -> None:
    samples, _ = streamed(3)
    fitted.save(tmp_path / "steps.json")
    again = read_causal(tmp_path / "steps.json")
    assert again.settings == fitted.settings
    assert_allclose(in_chunks(again, samples, [], 512), in_chunks(fitted, samples, [], 512), rtol=0, atol=0)


def _without_settings(content: dict[str, Any]) -> None:
    del content["settings"]["band"]


def _with_other_weights(content: dict[str, Any]) -> None:
    content["weights"].pop()


def _with_nan(content: dict[str, Any]) -> None:
    content["usual"] = [float("nan")]


def _of_another_kind(content: dict[str, Any]) -> None:
    content["kind"] = "recipe"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_without_settings, "damaged"),
        (_with_other_weights, "damaged"),
        (_with_nan, "damaged"),
        (_of_another_kind, "is not a causal preprocessing"),
    ],
)
def test_a_damaged_file_is_refused(fitted: CausalPreprocessing, damage: Any, said: str, tmp_path: Path) -> None:
    path = tmp_path / "steps.json"
    fitted.save(path)
    content = json.loads(path.read_text())
    damage(content)
    path.write_text(json.dumps(content))
    with pytest.raises(DataFormatError, match=rf"steps\.json.*{said}"):
        read_causal(path)
    path.write_text("{")
    with pytest.raises(DataFormatError, match=r"steps\.json: the file is damaged"):
        read_causal(path)
    with pytest.raises(DataFormatError, match="There is no file"):
        read_causal(tmp_path / "none.json")


def test_the_high_pass_alone_is_a_stage_too() -> None:
    only = Preprocessing(band=None, eog=None, bad_channels=None, reference=None, sfreq=None, montage=None)
    raw = as_raw(100 * np.random.default_rng(0).standard_normal((1280, 1)) + 50, 128, ["Cz"])
    got = fit_causal(raw, only).apply(raw).get_data()[0]
    assert abs(got[384:].mean()) < 5e-6
    assert got[384:].std() == pytest.approx(1e-4, rel=0.05)
