"""A stream is classified as the recording would be, whatever comes between; no network here."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from eegemo import ConfigError, DataFormatError, Preprocessing, fit_causal
from eegemo.deploy import (
    Chunk,
    Connected,
    LiveClassifier,
    LivePrediction,
    Stopped,
    classify_events,
    replay_events,
)
from eegemo.preprocessing import CausalPreprocessing
from live_streams import EEG, NAMES, SFREQ, STEPS, PowerModel, as_raw, streamed

MODEL = PowerModel()


@pytest.fixture(scope="module")
def fitted() -> CausalPreprocessing:
    return fit_causal(as_raw(streamed(30)), STEPS)


def live(steps: CausalPreprocessing | Preprocessing | None, **settings: object) -> LiveClassifier:
    return LiveClassifier(MODEL, NAMES, SFREQ, preprocessing=steps, **settings)  # type: ignore[arg-type]


def pushed(
    classifier: LiveClassifier, samples: np.ndarray, lengths: list[int], stamps: np.ndarray | None = None
) -> list[LivePrediction]:
    predictions, start = [], 0
    for length in [*lengths, len(samples)]:
        own = slice(start, start + length)
        predictions += classifier.push(samples[own], None if stamps is None else stamps[own])
        start += length
    return predictions


def table(predictions: list[LivePrediction]) -> np.ndarray:
    return np.array([[one.time, *one.probabilities] for one in predictions])


def offline(fitted: CausalPreprocessing, samples: np.ndarray, first: float, step: float) -> np.ndarray:
    """The same windows of the whole recording, cleaned at once: times of their last samples, and probabilities."""
    clean = 1e6 * fitted.apply(as_raw(samples)).get_data(picks=list(MODEL.ch_names_))
    starts = np.arange(round(first * 128), clean.shape[1] - 127, round(step * 128))
    windows = np.stack([clean[:, start : start + 128] for start in starts]).astype(np.float32)
    return np.column_stack([(starts + 127) * 2 / SFREQ, MODEL.predict_proba(windows)])


# As offline


@settings(max_examples=10, deadline=None)
@given(lengths=st.lists(st.integers(0, 900), max_size=12), step=st.sampled_from([0.125, 0.5, 1.0, 1.5]))
def test_predictions_are_those_of_the_recording_in_any_chunks(
    fitted: CausalPreprocessing, lengths: list[int], step: float
) -> None:
    samples = streamed(8, seed=3)
    classifier = live(fitted, step=step)
    settling = np.ceil(classifier._signal.n_settling) / 128
    assert 0.3 < settling < 2
    got = table(pushed(classifier, samples, lengths, 100 + np.arange(len(samples)) / SFREQ))
    expected = offline(fitted, samples, settling, step)
    assert_allclose(got - [100, 0, 0, 0], expected, atol=1e-6)
    assert classifier.counts.predictions == len(expected)
    assert classifier.counts.dropped == classifier.counts.skipped == classifier.counts.late == 0


def test_it_calibrates_on_the_beginning_of_the_stream() -> None:
    samples = streamed(16, seed=5)
    classifier = live(STEPS, calibration=10.0, step=0.5)
    assert classifier.calibrating
    assert pushed(classifier, samples[:2000], [300] * 8) == []
    got = table(pushed(classifier, samples[2000:], [123] * 20))
    assert not classifier.calibrating
    assert "Calibrated on 10 s." in classifier.messages
    expected = offline(fit_causal(as_raw(samples[:2560]), STEPS), samples, 10.0, 0.5)
    assert_allclose(got, expected, atol=1e-6)
    assert classifier.fitted is not None


def test_a_stream_that_is_clean_already_goes_to_the_model_as_it_is() -> None:
    samples = np.random.default_rng(0).normal(0, 10, (512, 4))
    samples[:, 1] = np.nan  # Cz, which the model does not know
    classifier = LiveClassifier(MODEL, ["EEG O1", "EEG Cz", "EEG F3", "EEG F4"], 128)
    got = table(pushed(classifier, samples, [100, 27, 2]))
    windows = samples[:, [3, 2, 0]].reshape(4, 128, 3).transpose(0, 2, 1).astype(np.float32)
    assert_allclose(got[:, 1:], MODEL.predict_proba(windows), atol=1e-12)
    assert_allclose(got[:, 0], np.arange(1, 5) - 1 / 128)


def test_old_and_new_names_of_electrodes_are_one() -> None:
    class Temporal(PowerModel):
        ch_names_ = ("T7", "P8", "O1")

    samples = np.random.default_rng(0).normal(0, 10, (128, 3))
    (one,) = LiveClassifier(Temporal(), ["T3", "T6", "O1"], 128).push(samples)
    assert_allclose(one.probabilities, MODEL.predict_proba(samples.T[None].astype(np.float32))[0], atol=1e-12)


def test_steps_that_need_no_fit_need_no_calibration() -> None:
    steps = Preprocessing(types=(("VEOG", "eog"),), eog=None, bad_channels=None)
    samples = streamed(6)
    classifier = live(steps)
    assert not classifier.calibrating
    got = table(pushed(classifier, samples, [500]))
    settling = classifier._signal.n_settling / 128
    assert_allclose(got, offline(fit_causal(as_raw(samples), steps), samples, settling, 1.0), atol=1e-6)


@pytest.mark.parametrize("way", ["clean", "settings", "fitted"])
def test_a_stream_in_volts_is_warned_of_once(fitted: CausalPreprocessing, way: str) -> None:
    """No calibration shows the unit here; what the filters leave of offsets of millivolts does."""
    no_fit = Preprocessing(types=(("VEOG", "eog"),), eog=None, bad_channels=None)
    ways = {"clean": (128, None), "settings": (SFREQ, no_fit), "fitted": (SFREQ, fitted)}
    sfreq, steps = ways[way]
    with pytest.warns(UserWarning, match=r"as EEG in volts does; microvolts are expected") as caught:
        pushed(LiveClassifier(MODEL, NAMES, sfreq, preprocessing=steps), 1e-6 * streamed(5), [300] * 4)
    assert [one.filename for one in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        classifier = LiveClassifier(MODEL, NAMES, sfreq, preprocessing=steps)
        pushed(classifier, streamed(5), [300] * 4)
    assert classifier.counts.predictions > 2


def test_smoothing_is_a_share_of_the_probabilities_before(fitted: CausalPreprocessing) -> None:
    samples = streamed(8)
    plain = table(pushed(live(fitted, step=0.5), samples, []))[:, 1:]
    smooth = pushed(live(fitted, step=0.5, smoothing=0.75), samples, [])
    expected = [plain[0]]
    for new in plain[1:]:
        expected.append(0.75 * expected[-1] + 0.25 * new)
    assert_allclose(table(smooth)[:, 1:], expected, atol=1e-9)
    assert [one.label for one in smooth] == [MODEL.classes_[number] for number in np.argmax(expected, axis=1)]


# Samples that are missing, late, or no numbers


def test_windows_that_hold_missing_samples_give_no_prediction(fitted: CausalPreprocessing) -> None:
    samples, stamps = streamed(10), np.arange(2560) / SFREQ
    whole = table(pushed(live(fitted, step=0.25), samples, [50] * 50, stamps))
    there = np.r_[0:1000, 1012:2560]  # 0.047 s are missing, from 3.906 s on
    classifier = live(fitted, step=0.25)
    got = table(pushed(classifier, samples[there], [50] * 50, stamps[there]))
    last, first = whole[:, 0], whole[:, 0] - 127 / 128
    holds = (last >= 1000 / SFREQ) & (first <= 1012 / SFREQ)
    assert_allclose(got[:, 0], last[~holds])
    assert_allclose(got[got[:, 0] < 3.9], whole[last < 3.9], atol=1e-6)
    assert classifier.counts.dropped == 12
    assert classifier.counts.skipped == holds.sum() > 3
    assert list(classifier.messages) == ["12 samples are missing; windows that hold them give no prediction."]


def test_after_a_pause_everything_begins_anew(fitted: CausalPreprocessing) -> None:
    samples, stamps = streamed(12), np.arange(3072) / SFREQ
    there = np.r_[0:1000, 1512:3072]  # two seconds
    classifier = live(fitted, step=0.5)
    got = table(pushed(classifier, samples[there], [64] * 40, stamps[there]))
    fresh = table(pushed(live(fitted, step=0.5), samples[1512:], [], stamps[1512:]))
    assert_allclose(got[-len(fresh) :], fresh, atol=1e-6)
    assert (classifier.counts.dropped, classifier.counts.restarts, classifier.counts.skipped) == (512, 1, 0)
    assert "The stream paused: 512 samples (2.0 s) are missing" in classifier.messages[0]


def test_chunks_that_come_late_or_again_are_left_out_and_counted(fitted: CausalPreprocessing) -> None:
    samples, stamps = streamed(8), np.arange(2048) / SFREQ
    pieces = [slice(0, 600), slice(650, 900), slice(600, 650), slice(850, 1000), slice(1000, 2048)]
    classifier = live(fitted, step=0.5)
    got = table([one for own in pieces for one in classifier.push(samples[own], stamps[own])])
    counts = classifier.counts
    assert (counts.dropped, counts.late, counts.duplicate) == (50, 50, 50)
    assert counts.samples == 2048 - 50
    there = np.r_[0:600, 650:2048]
    assert_allclose(got, table(pushed(live(fitted, step=0.5), samples[there], [], stamps[there])), atol=1e-6)
    left_out = "(50 so far); they are left out, and counted."
    assert f"Samples come late, when their place was passed {left_out}" in classifier.messages
    assert f"Samples come again {left_out}" in classifier.messages


def test_what_is_said_of_samples_that_come_again_chunk_by_chunk_is_so_when_it_is_said(
    fitted: CausalPreprocessing,
) -> None:
    """A clock that was set back by 2.5 s: once, though it goes on for 640 samples."""
    samples, classifier = streamed(8), live(fitted)
    classifier.push(samples[:1024], np.arange(1024) / SFREQ)
    pushed(classifier, samples[1024:], [10] * 64, np.arange(384, 1408) / SFREQ)
    assert (classifier.counts.duplicate, classifier.counts.samples) == (640, 2048 - 640)
    assert list(classifier.messages) == ["Samples come again (10 so far); they are left out, and counted."]


def test_stamps_may_stray_by_the_tolerance_and_a_clock_may_drift(fitted: CausalPreprocessing) -> None:
    samples = streamed(20)
    stamps = np.arange(len(samples)) / (SFREQ * 1.0005)  # by a sample in 8 s
    stamps += np.random.default_rng(0).uniform(-0.01, 0.01, len(samples))
    classifier = live(fitted, tolerance=0.02)
    got = table(pushed(classifier, samples, [77] * 60, stamps))
    assert (classifier.counts.dropped, classifier.counts.late, classifier.counts.duplicate) == (0, 0, 0)
    exact = table(pushed(live(fitted), samples, []))
    assert_allclose(got[:, 1:], exact[:, 1:], atol=1e-6)
    assert np.abs(got[:, 0] - exact[:, 0] / 1.0005).max() < 0.015


def test_one_missing_sample_is_counted_where_stamps_are_exact(fitted: CausalPreprocessing) -> None:
    samples, stamps = streamed(3), 1.7e9 + np.arange(768) / SFREQ
    there = np.delete(np.arange(768), [200, 500])
    classifier = live(fitted)
    pushed(classifier, samples[there], [33] * 20, stamps[there])
    assert (classifier.counts.dropped, classifier.counts.samples) == (2, 766)


def test_a_clock_that_is_set_back_is_a_new_beginning(fitted: CausalPreprocessing) -> None:
    samples = streamed(8)
    classifier = live(fitted)
    classifier.push(samples[:1024], 5000 + np.arange(1024) / SFREQ)
    got = table(classifier.push(samples[1024:], np.arange(1024) / SFREQ))
    assert_allclose(got, table(live(fitted).push(samples[1024:], np.arange(1024) / SFREQ)), atol=1e-6)
    assert classifier.counts.restarts == 1
    assert "clock was set back" in classifier.messages[0]


def test_values_that_are_not_finite_never_reach_the_model(fitted: CausalPreprocessing) -> None:
    samples = streamed(10)
    whole = table(pushed(live(fitted, step=0.25), samples, []))
    broken = samples.copy()
    broken[1000:1008, 3] = np.nan  # F4
    broken[1005:1012, 0] = np.inf  # Fp1, on which the reference rests
    classifier = live(fitted, step=0.25)
    got = table(pushed(classifier, broken, [13] * 150))
    holds = (whole[:, 0] >= 1000 / SFREQ) & (whole[:, 0] - 127 / 128 <= 1012 / SFREQ)
    assert_allclose(got[:, 0], whole[~holds, 0])
    assert np.isfinite(got).all()
    assert (classifier.counts.not_finite, classifier.counts.skipped) == (12, holds.sum())
    assert len(classifier.messages) == 1
    assert classifier.messages[0].startswith("F4: values are not finite; windows that hold them")


@pytest.mark.parametrize("lost", [True, False])
def test_behind_what_was_bridged_filters_settle_before_there_is_a_prediction(
    fitted: CausalPreprocessing, lost: bool
) -> None:
    """What a slow drift leaves in the filters behind 0.9 s is gone from all windows that are classified."""
    samples, stamps = streamed(10), np.arange(2560) / SFREQ
    samples[:, :8] += 300 * np.sin(2 * np.pi * 0.2 * stamps)[:, None]
    whole = table(pushed(live(fitted, step=0.125), samples, [], stamps))
    stop = 1230
    there = np.r_[0:1000, stop:2560] if lost else np.arange(2560)
    broken = samples.copy()
    broken[1000:stop, 3] = np.nan
    broken[stop + 80, 3] = np.nan  # a single one while they settle shortens nothing
    classifier = live(fitted, step=0.125)
    got = table(pushed(classifier, broken[there], [13] * 150, stamps[there]))
    first = whole[:, 0] - 127 / 128
    settled = stop / SFREQ + classifier._signal.n_settling / 128
    expected = whole[(whole[:, 0] < 1000 / SFREQ) | (first > settled)]
    assert_allclose(got[:, 0], expected[:, 0])
    assert_allclose(got[:, 1:], expected[:, 1:], atol=0.01)
    assert classifier.counts.skipped == len(whole) - len(expected)
    assert (classifier.counts.dropped, classifier.counts.not_finite) == ((230, 1) if lost else (0, 231))
    assert classifier.counts.restarts == 0


@pytest.mark.parametrize("stop", [2000, 2060])
def test_filters_that_ring_when_the_calibration_ends_settle(stop: int) -> None:
    samples = streamed(14)
    times = table(live(STEPS, calibration=8.0, step=0.125).push(samples))[:, 0]
    assert times[0] == 8.0 + 127 / 128
    samples[1900:stop, 3] = np.nan
    for sizes in ([64] * 60, []):
        broken = live(STEPS, calibration=8.0, step=0.125)
        got = table(pushed(broken, samples, sizes))
        settled = max(8.0, stop / SFREQ) + broken._signal.n_settling / 128
        assert_allclose(got[:, 0], times[times - 127 / 128 >= settled])


@pytest.mark.parametrize("stamped", [True, False])
def test_windows_before_a_value_that_is_not_finite_keep_their_time(fitted: CausalPreprocessing, stamped: bool) -> None:
    samples, stamps = streamed(6), np.arange(1536) / SFREQ if stamped else None
    samples[[900, 1200], 3] = np.nan
    at_once = table(pushed(live(fitted, step=0.25), samples, [], stamps))
    one_by_one = table(pushed(live(fitted, step=0.25), samples, [1] * 1535, stamps))
    assert_allclose(at_once, one_by_one, atol=1e-6)
    assert at_once[0, 0] < 900 / SFREQ < 1200 / SFREQ < at_once[-1, 0]


def test_a_channel_that_nothing_rests_on_may_send_anything(fitted: CausalPreprocessing) -> None:
    samples = streamed(5)
    extra = np.column_stack([samples, np.full(len(samples), np.nan)])
    classifier = LiveClassifier(MODEL, [*NAMES, "Battery"], SFREQ, preprocessing=fitted)
    assert_allclose(table(classifier.push(extra)), table(live(fitted).push(samples)), atol=1e-6)
    assert classifier.counts.not_finite == 0


def test_an_electrode_that_is_lost_for_seconds_rings_in_no_filter(fitted: CausalPreprocessing) -> None:
    samples = streamed(12)
    broken = samples.copy()
    broken[:100, 2] = np.nan  # from the first sample on
    broken[800:1500, 2] = np.nan
    classifier = live(fitted, step=0.5)
    got = table(pushed(classifier, broken, [50] * 60))
    fresh = table(pushed(live(fitted, step=0.5), samples[1500:], []))
    assert_allclose(got[-len(fresh) :, 1:], fresh[:, 1:], atol=1e-6)
    assert_allclose(got[-len(fresh) :, 0], fresh[:, 0] + 1500 / SFREQ)
    assert classifier.counts.restarts >= 1
    assert any("no sample was sound" in message for message in classifier.messages)


# Connections


def test_a_stream_that_comes_back_begins_anew_with_what_was_fitted(fitted: CausalPreprocessing) -> None:
    samples = streamed(9)
    classifier = live(fitted)
    classifier.push(samples[:1000], np.arange(1000) / SFREQ)
    order = np.array([8, 2, 1, 0, 3, 4, 7, 6, 5])
    classifier.reconnect([NAMES[column] for column in order], SFREQ)
    got = table(classifier.push(samples[1000:][:, order], 50 + np.arange(len(samples) - 1000) / SFREQ))
    fresh = table(live(fitted).push(samples[1000:], 50 + np.arange(len(samples) - 1000) / SFREQ))
    assert_allclose(got, fresh, atol=1e-6)
    assert classifier.counts.restarts == 1


def test_a_stream_that_has_changed_is_refused(fitted: CausalPreprocessing) -> None:
    classifier = live(fitted)
    with pytest.raises(DataFormatError, match="came back with 512 samples a second, and had 256"):
        classifier.reconnect(NAMES, 512)
    with pytest.raises(DataFormatError, match="lacks channels F4"):
        classifier.reconnect([name for name in NAMES if name != "F4"], SFREQ)
    assert len(classifier.push(streamed(4))) > 0  # it is as it was


def test_what_does_not_go_together_is_refused_before_anything_is_collected(fitted: CausalPreprocessing) -> None:
    with pytest.raises(DataFormatError, match="lacks channels F4, which the model needs; it has F3, O1"):
        LiveClassifier(MODEL, ["F3", "O1"], 128)
    with pytest.raises(DataFormatError, match="has more than one channel F3, so that"):
        LiveClassifier(MODEL, [*EEG, "F3"], 128)
    with pytest.raises(DataFormatError, match="has more than one channel EEG T3-REF, so that"):
        Prefixed = type("Prefixed", (PowerModel,), {"ch_names_": ("F3", "T7", "O1")})
        LiveClassifier(Prefixed(), ["F3", "EEG T3-REF", "EEG T3-REF", "O1"], 128)
    with pytest.raises(
        DataFormatError, match=r"not taken as EEG here: F4 \(of type misc\).*types=\(\('F4', 'eeg'\),\)"
    ):
        LiveClassifier(MODEL, ["F3", "O1", "F4"], 128, ch_types=["eeg", "eeg", "misc"])
    with pytest.raises(ConfigError, match="fitted at 128 Hz, and the stream comes to it at 256 Hz"):
        LiveClassifier(MODEL, NAMES, 256)
    with pytest.raises(ConfigError, match="There is no EOG to remove by among the channels"):
        LiveClassifier(MODEL, EEG, SFREQ, preprocessing=Preprocessing())
    with pytest.raises(ConfigError, match="fitted to a calibration stretch, got calibration=0 s"):
        live(STEPS, calibration=0.0)
    with pytest.raises(ConfigError, match=r"A calibration of 3 s is too short for these settings, which need 3.3 s"):
        live(STEPS, calibration=3.0)  # MNE's FIR filter: 3.3 over its transition of 1 Hz
    with pytest.raises(ConfigError, match=r"need 1.0 s at least"):
        live(replace(STEPS, high_pass=None, eog=None), calibration=0.5)
    with pytest.raises(ConfigError, match="removed by regression, not by 'ica'"):
        live(replace(STEPS, eog="ica"))
    with pytest.raises(ConfigError, match="eog_h_freq must lie between 0 and 62 Hz"):
        live(replace(STEPS, eog_h_freq=63.0))
    with pytest.raises(ConfigError, match="There is no EOG to remove by among the channels"):
        live(replace(STEPS, eog_channels=("Fp1",)))
    with pytest.raises(ConfigError, match="smoothing must lie between 0 and below 1"):
        live(fitted, smoothing=1.0)
    with pytest.raises(ConfigError, match="windows of 1 s, got duration=2"):
        live(fitted, duration=2.0)
    with pytest.raises(ConfigError, match="a sample at least"):
        live(fitted, step=0.0)
    with pytest.raises(ConfigError, match=r"whole samples, but step=0.1 s at 128 Hz is 12.8 samples"):
        live(fitted, step=0.1)
    nearly = LiveClassifier(MODEL, EEG, 127.999, model_sfreq=127.999, duration=1.0, step=0.25)
    assert len(nearly.push(streamed(2)[:160, :8])) == 2  # of 128 samples, one 32 later: as of a rate of 128
    with pytest.raises(ConfigError, match=r"preprocessing must be Preprocessing\(...\)"):
        live("causal")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="gives no probabilities"):
        LiveClassifier(object(), NAMES, SFREQ)
    with pytest.raises(DataFormatError, match=r"shape \(n_times, 9\), got \(3, 8\)"):
        live(fitted).push(np.zeros((3, 8)))
    with pytest.raises(DataFormatError, match="3 samples, and stamps of the shape"):
        live(fitted).push(np.zeros((3, 9)), np.zeros(2))
    with pytest.raises(DataFormatError, match="stamps must be finite"):
        live(fitted).push(np.zeros((1, 9)), np.array([np.nan]))


def test_a_model_of_arrays_is_told_what_it_was_fitted_on() -> None:
    class OfArrays(PowerModel):
        ch_names_ = None  # type: ignore[assignment]
        sfreq_ = None  # type: ignore[assignment]

    with pytest.raises(ConfigError, match="give model_ch_names and model_sfreq"):
        LiveClassifier(OfArrays(), EEG, 128)
    with pytest.raises(ConfigError, match="fitted on 3 channels, got 2 names"):
        LiveClassifier(OfArrays(), EEG, 128, model_ch_names=["F3", "F4"], model_sfreq=128)
    told = LiveClassifier(OfArrays(), EEG, 128, model_ch_names=["F4", "F3", "O1"], model_sfreq=128)
    samples = streamed(1)[:128, :8]
    (one,), (other,) = told.push(samples), LiveClassifier(MODEL, EEG, 128).push(samples)
    assert_allclose(one.probabilities, other.probabilities)


def test_a_calibration_that_cannot_be_used_is_collected_anew() -> None:
    samples = streamed(20)
    dead = samples.copy()
    dead[:, :6] = 0
    classifier = live(STEPS, calibration=6.0)
    with pytest.raises(DataFormatError, match="6 of 8 EEG channels are bad"):
        classifier.push(dead[: 6 * SFREQ])
    assert classifier.calibrating
    assert len(classifier.push(samples)) == 14  # seconds are behind the stretch
    assert not classifier.calibrating


def test_a_calibration_that_does_not_suit_the_settings_is_a_message() -> None:
    """Without places a bad channel cannot be interpolated; that shows when one is bad."""
    samples = streamed(12)
    dead = samples.copy()
    dead[:, 3] = 0
    names, types = (*NAMES[:8], "VEOG"), ("eeg",) * 8 + ("eog",)

    def begin(connected: Connected) -> LiveClassifier:
        steps = Preprocessing(montage=None)
        return LiveClassifier(MODEL, connected.ch_names, SFREQ, ch_types=types, preprocessing=steps, calibration=6.0)

    events: list[Connected | Chunk] = [Connected(names, types, SFREQ), Chunk(dead[: 6 * SFREQ]), Chunk(samples)]
    given = list(classify_events(events, begin))
    assert sum("Channels F4 have no place" in one or "cannot be interpolated" in one for one in map(str, given)) == 1
    assert sum(isinstance(one, LivePrediction) for one in given) == 6


# Sources


def test_a_recording_is_replayed_as_a_stream(fitted: CausalPreprocessing) -> None:
    raw = as_raw(streamed(6))
    raw.set_channel_types({"VEOG": "eog"})
    events = list(replay_events(raw, speed=np.inf, chunk=0.1))
    assert isinstance(events[0], Connected)
    assert events[-1] == Stopped("The recording has ended.")
    chunks = [event for event in events if isinstance(event, Chunk)]
    assert_allclose(np.concatenate([chunk.samples for chunk in chunks]), streamed(6), atol=1e-9)
    assert_allclose(np.concatenate([chunk.timestamps for chunk in chunks]), raw.times)
    for speed, chunk in ((0, 0.1), (1, -1), ("fast", 0.1)):
        with pytest.raises(ConfigError):
            next(replay_events(raw, speed=speed, chunk=chunk))  # type: ignore[arg-type]


def test_a_replayed_channel_without_a_type_can_be_the_eog() -> None:
    raw = as_raw(streamed(12))
    raw.set_channel_types({"VEOG": "misc"}, on_unit_change="ignore")

    def begin(connected: Connected) -> LiveClassifier:
        types = connected.ch_types
        return LiveClassifier(MODEL, NAMES, SFREQ, ch_types=types, preprocessing=STEPS, calibration=10.0)

    given = list(classify_events(replay_events(raw, speed=np.inf), begin))
    assert given[2:3] == ["Calibrated on 10 s."]
    samples = streamed(12)
    expected = offline(fit_causal(as_raw(samples[:2560]), STEPS), samples, 10.0, 1.0)
    assert_allclose(table([one for one in given if isinstance(one, LivePrediction)]), expected, atol=1e-6)


@pytest.mark.parametrize(("pause", "restarts"), [(30.0, 1), (0.0, 1), (0.5, 0)])
def test_a_pause_of_a_recording_is_one_of_its_replay(fitted: CausalPreprocessing, pause: float, restarts: int) -> None:
    raw = as_raw(streamed(8))
    raw.set_annotations(mne.Annotations([4.1], 0.0, "BAD boundary", extras=[{"pause": pause}]))
    begun = [live(fitted)]
    events = list(replay_events(raw, speed=np.inf, chunk=0.3))
    stamps = np.concatenate([event.timestamps for event in events if isinstance(event, Chunk)])
    n_before = 1050  # samples at 256 Hz that lie before 4.1 s
    assert_allclose(stamps, np.arange(8 * SFREQ) / SFREQ + pause * (np.arange(8 * SFREQ) >= n_before))
    predictions = [one for one in classify_events(events, lambda _: begun[0]) if isinstance(one, LivePrediction)]
    assert begun[0].counts.restarts == restarts
    times = np.array([one.time for one in predictions])
    assert len(times) > 3
    assert not ((times > 4.1) & (times - 1 < 4.1 + pause)).any(), "none of a second that holds the pause"


def test_a_replay_keeps_the_time() -> None:
    import time

    began = time.perf_counter()
    list(replay_events(as_raw(streamed(4)), speed=10, chunk=0.5))
    assert time.perf_counter() - began >= 0.39


def test_whatever_happens_to_a_stream_is_said_and_survived(fitted: CausalPreprocessing) -> None:
    samples = streamed(8)
    stamps = np.arange(len(samples)) / SFREQ
    types = ("eeg",) * 9
    with_nan = samples[:600].copy()
    with_nan[300, 2] = np.nan

    def source() -> Iterator[Connected | Chunk | Stopped]:
        yield Stopped("waiting for it")
        yield Chunk(samples[:10])  # before anything is known of it
        yield Connected(NAMES, types, SFREQ)
        yield Chunk(samples[:1024], stamps[:1024])
        yield Stopped("lost")
        yield Connected(NAMES, types, 500.0)
        yield Chunk(samples[:10])
        yield Connected(NAMES[1:], types[1:], SFREQ)
        yield Chunk(samples[:10, 1:])
        yield Connected(NAMES, types, SFREQ)
        yield Chunk(samples[:600] * 1.0, stamps[:600])
        yield Chunk(with_nan, stamps[600:1200])
        yield Chunk(samples[:3, :4])
        yield Stopped("ended")

    began: list[Connected] = []

    def begin(connected: Connected) -> LiveClassifier:
        began.append(connected)
        return LiveClassifier(MODEL, connected.ch_names, connected.sfreq, preprocessing=fitted, step=0.5)

    given = list(classify_events(source(), begin))
    said = [one for one in given if isinstance(one, str)]
    expected = [
        "waiting for it",
        "Connected: 9 channels, 256 Hz.",
        "lost",
        "cannot be used: The stream came back with 500 samples a second",
        "cannot be used: The stream lacks channels Fp1",
        "The stream came back; filters and windows begin anew.",
        "F3: values are not finite",
        "A chunk has the shape",
        "ended",
    ]
    assert len(said) == len(expected)
    assert all(part in one for part, one in zip(expected, said, strict=True))
    assert len(began) == 1
    assert sum(isinstance(one, LivePrediction) for one in given) > 5


def test_a_stream_that_never_fits_is_an_error_at_once(fitted: CausalPreprocessing) -> None:
    def begin(connected: Connected) -> LiveClassifier:
        return LiveClassifier(MODEL, connected.ch_names, connected.sfreq, preprocessing=fitted)

    with pytest.raises(DataFormatError, match="lacks channels F4"):
        list(classify_events([Connected((*EEG[:3], *EEG[4:], "VEOG"), ("eeg",) * 8, SFREQ)], begin))


def test_memory_does_not_grow(fitted: CausalPreprocessing) -> None:
    import tracemalloc

    samples, classifier = streamed(5), live(fitted, step=0.25, tolerance=0.01)

    def push_minutes(first: int) -> None:
        for number in range(first, first + 12):
            stamps = number * 7.0 + np.arange(len(samples)) / SFREQ  # pauses of two seconds
            for start in range(0, len(samples), 64):
                classifier.push(samples[start : start + 64], stamps[start : start + 64])

    push_minutes(0)
    classifier.messages.clear()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    push_minutes(12)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 100_000  # bytes; what was pushed is 1.1 MB
