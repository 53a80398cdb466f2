"""DEAP's raw recordings: what is opened, which channels and trials come of it, and folders that are refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from deap_raw_files import (
    GENEVA,
    NO_STEPS,
    ORDER,
    PERIPHERAL,
    STARTS,
    TWENTE,
    arousal_of,
    dominance_of,
    first_samples,
    liking_of,
    load_as_is,
    n_stores,
    sheet_of,
    valence_of,
    write_sheet,
    write_small,
)
from eegemo import ConfigError, DataFormatError, Trials, load_deap_raw
from eegemo.datasets.deap_raw import deap_recordings, raw_subjects
from eegemo.datasets.deap_triggers import find_onsets, read_deap_raw

# Opening a recording


@pytest.mark.parametrize(("subject", "n_channels", "name"), [(1, 48, "Status"), (24, 48, ""), (29, 49, "-1")])
def test_the_trigger_channel_is_found_whatever_the_file_calls_it(
    raw_release: Path, subject: int, n_channels: int, name: str
) -> None:
    path = raw_release / "data_original" / f"s{subject}.bdf".replace("s1.", "s01.")
    as_mne_has_it = mne.io.read_raw_bdf(path, stim_channel=-1, verbose="error")
    assert (len(as_mne_has_it.ch_names), as_mne_has_it.ch_names[-1]) == (n_channels, name)
    raw = read_deap_raw(path)
    assert (len(raw.ch_names), raw.ch_names[-1], raw.get_channel_types()[-1]) == (n_channels, "Status", "stim")
    assert not raw.preload
    assert len(find_onsets(raw)) == 4


def test_a_recording_whose_last_channel_has_another_name_is_refused(tmp_path: Path) -> None:
    path = write_small(tmp_path, seconds=2, starts=(0.5,), videos=(1,), trigger=())
    with pytest.raises(DataFormatError, match=r"s07\.bdf: there is no trigger channel: the last one is 'Temp'"):
        read_deap_raw(path)


@pytest.fixture(scope="module")
def short_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Three seconds, as bytes: a header of 49 * 256 bytes, then three records of 48 * 128 * 3."""
    path = write_small(tmp_path_factory.mktemp("short"), seconds=3, starts=(1.0,), videos=(1,))
    content = path.read_bytes()
    assert len(content) == 49 * 256 + 3 * 48 * 128 * 3
    return content


DATA_FROM, RECORD = 49 * 256, 48 * 128 * 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda whole: b"", r"the file is empty; fetch it again"),
        (lambda whole: b"Not a recording at all. " * 1000, r"cannot be read as BDF .*fetch it again"),
        (lambda whole: bytes(20_000), r"cannot be read as BDF .*fetch it again"),
        (lambda whole: b"<html>404</html>", r"cannot be read as BDF .*fetch it again"),
        (lambda whole: whole[:100], r"cannot be read as BDF .*fetch it again"),
        (lambda whole: whole[:256], r"cannot be read as BDF .*fetch it again"),
        (lambda whole: whole[:5000], r"cannot be read as BDF .*fetch it again"),
        (lambda whole: whole[:DATA_FROM], r"cut short .*fetch it again"),
        (lambda whole: whole[: DATA_FROM + 1000], r"cut short .*fetch it again"),
        (lambda whole: whole[: DATA_FROM + 2 * RECORD], r"cut short .*fetch it again"),
        (lambda whole: whole[: DATA_FROM + 2 * RECORD + 999], r"cut short .*fetch it again"),
        (lambda whole: whole[:-1], r"cut short .*fetch it again"),
    ],
)
def test_a_file_that_is_no_whole_bdf_is_refused_by_name(
    tmp_path: Path, short_file: bytes, change: Callable[[bytes], bytes], message: str
) -> None:
    (tmp_path / "data_original").mkdir()
    (tmp_path / "data_original" / "s07.bdf").write_bytes(change(short_file))
    (tmp_path / "data_original" / "SIMULATED.txt").write_text("")
    write_sheet(tmp_path, sheet_of(7, [1], [1.0]))
    with pytest.raises(DataFormatError, match=r"^s07\.bdf: .*" + message):
        load_as_is(tmp_path)
    assert n_stores(tmp_path / "cache") == 0


# Channels by name


def amplitude(samples: np.ndarray, hertz: float) -> float:
    """Amplitude of a sine of a whole number of half-hertz in 60 s at 128 Hz."""
    t = np.arange(len(samples)) / 128
    return float(2 * np.abs(samples @ np.exp(-2j * np.pi * hertz * t)) / len(samples))


@pytest.mark.parametrize(
    ("subject", "order"),
    [(7, TWENTE), (23, GENEVA), (30, np.random.default_rng(5).permutation(GENEVA).tolist())],
    ids=["Twente", "Geneva", "any"],
)
def test_every_channel_comes_out_under_its_name_whatever_its_place_in_the_file(
    tmp_path: Path, subject: int, order: list[str]
) -> None:
    hertz = {name: 5.5 + i for i, name in enumerate(sorted(GENEVA))}  # 5.5 to 36.5
    t = np.arange(70 * 512) / 512
    channels: dict[str, np.ndarray | float] = dict.fromkeys(order, 0.0)
    channels |= {name: 30 * np.sin(2 * np.pi * f * t) for name, f in hertz.items()}
    for i, (first, second) in enumerate([(100, 40), (20, -50), (10, 35), (60, 5)]):  # EXG1 and EXG2, and so on
        wave = np.sin(2 * np.pi * (38 + i) * t)
        channels |= {f"EXG{2 * i + 1}": first * wave + 7.0, f"EXG{2 * i + 2}": second * wave}
    channels |= dict.fromkeys(("GSR2", "Erg1", "Erg2"), 12_345.0) | {"GSR1": 8000.0}
    channels |= {"Resp": 800 * np.sin(2 * np.pi * 0.25 * t), "Plet": 500 * np.sin(2 * np.pi * 1.5 * t), "Temp": 30.0}
    write_small(
        tmp_path,
        subject,
        videos=(9,),
        starts=(5.25,),
        seconds=70,
        sfreq=512,
        channels={**{name: channels[name] for name in order}, **channels},
        trigger=["", ""] if subject > 28 else ["Status"],
    )
    labels = (tmp_path / "data_original" / f"s{subject:02d}.bdf").read_bytes()[256:][: 16 * 32].decode()
    written = labels.split()
    assert sorted(written) == sorted(GENEVA)
    trials = load_deap_raw(tmp_path, channels=[*GENEVA, *PERIPHERAL])
    assert trials.ch_types == (*["eeg"] * 32, "eog", "eog", "emg", "emg", "gsr", "resp", "bio", "temperature")
    samples = dict(zip(trials.ch_names, trials.trial_data(0).astype(float), strict=True))
    for name in GENEVA:
        assert amplitude(samples[name], hertz[name]) == pytest.approx(30 * 31 / 32, abs=0.3), name  # average reference
        other = GENEVA[GENEVA.index(name) - 1]
        assert amplitude(samples[name], hertz[other]) == pytest.approx(30 / 32, abs=0.1), name
    during = 5.25 + np.arange(7680) / 128
    for i, (name, difference) in enumerate(zip(PERIPHERAL[:4], [60, 70, -25, 55], strict=True)):
        expected = difference * np.sin(2 * np.pi * (38 + i) * during)  # the first electrode minus the second
        assert_allclose(samples[name] - samples[name].mean(), expected, atol=0.5, err_msg=name)
    assert_allclose(samples["Respiration"], 800 * np.sin(2 * np.pi * 0.25 * during), atol=1)
    assert_allclose(samples["Plethysmograph"], 500 * np.sin(2 * np.pi * 1.5 * during), atol=1)
    assert_allclose(samples["Temperature"], 30, atol=0.03)
    assert_allclose(samples["GSR"], 1e9 / 8000 if subject <= 22 else 8000, rtol=1e-3)


@pytest.mark.parametrize("unit", ["uV", "Ohm", "nS"])
@pytest.mark.parametrize(
    ("subject", "recorded", "expected"), [(22, 8000, 125_000), (23, 125_000, 125_000), (1, 2500, 400_000)]
)
def test_gsr_is_in_the_unit_of_geneva(
    tmp_path: Path, subject: int, recorded: float, expected: float, unit: str
) -> None:
    write_small(
        tmp_path, subject, videos=(1,), starts=(3.0,), seconds=64, channels={"GSR1": recorded}, units={"GSR1": unit}
    )
    trials = load_as_is(tmp_path, channels=["GSR"])
    assert_allclose(trials.signals, expected, rtol=1e-4)
    assert trials.ch_types == ("gsr",)


def test_gsr_that_was_not_recorded_is_0_and_this_is_said(tmp_path: Path) -> None:
    skin = np.full(64 * 128, 8000.0)
    skin[1000:1010], skin[1010:1020] = 0, -5
    write_small(tmp_path, 22, videos=(1,), starts=(3.0,), seconds=64, channels={"GSR1": skin})
    with pytest.warns(UserWarning, match=r"s22\.bdf: GSR is 0 in 20 samples"):
        trials = load_as_is(tmp_path, channels=["GSR"])
    expected = np.full(8064, 125_000.0)
    expected[1000:1020] = 0
    assert_allclose(trials.signals[:, 0], expected, rtol=1e-4)


def test_a_channel_does_not_depend_on_which_others_are_wanted(loaded: Trials, raw_release: Path) -> None:
    few = load_deap_raw(raw_release, subjects=[24], channels=["GSR", "O1", "vEOG", "Fp1"])
    assert few.ch_names == ("GSR", "O1", "vEOG", "Fp1")
    assert few.ch_types == ("gsr", "eeg", "eog", "eeg")
    same = loaded.select(loaded.table["subject"] == 24)
    for column, name in enumerate(few.ch_names):
        for trial in range(len(few)):
            assert_array_equal(
                few.trial_data(trial, baseline=True)[column],
                same.trial_data(trial, baseline=True)[same.ch_names.index(name)],
            )


@pytest.mark.parametrize("missing", ["Pz", "EXG3", "EXG2"])
def test_a_missing_channel_is_named(tmp_path: Path, missing: str) -> None:
    write_small(tmp_path, drop=[missing])
    with pytest.raises(DataFormatError, match=rf"^s07\.bdf: channels {missing} are missing; is this a recording of"):
        load_as_is(tmp_path)


def test_a_missing_peripheral_channel_is_no_matter_unless_it_is_wanted(tmp_path: Path) -> None:
    write_small(tmp_path, drop=["Plet", "EXG7", "GSR1"])
    assert load_as_is(tmp_path, channels=["Temperature"]).ch_names == ("Temperature",)
    with pytest.raises(DataFormatError, match=r"channels EXG7, Plet are missing"):
        load_as_is(tmp_path, channels=["tEMG", "Plethysmograph"])


def test_an_unknown_channel_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Unknown channel 'FP1'.*Did you mean 'Fp1'"):
        load_deap_raw(tmp_path / "nowhere", channels=["FP1"])


# Trials: which, when, and how they are rated


def test_each_video_has_the_samples_around_its_own_trigger(session: Path) -> None:
    trials = load_as_is(session)
    assert (trials.simulated, trials.dataset) == (False, "DEAP, raw")
    assert trials.table["stimulus"].tolist() == trials.table["trial"].tolist() == list(range(1, 41))
    started = dict(zip(ORDER, np.round(STARTS * 128).astype(int), strict=True))
    for i, video in enumerate(range(1, 41)):
        first = started[video] - 384
        assert_allclose(trials.trial_data(i, baseline=True)[0], np.arange(first, first + 8064), atol=0.1)


def test_ratings_are_joined_on_participant_and_video_whatever_the_order_of_the_rows(session: Path) -> None:
    mine = sheet_of(25, ORDER.tolist(), STARTS.tolist())
    other = sheet_of(24, ORDER[::-1].tolist(), STARTS.tolist())
    for rating in ("Valence", "Arousal", "Dominance", "Liking"):
        other[rating] = 1.0
    shuffled = pd.concat([other, mine]).sample(frac=1, random_state=0)
    write_sheet(session, shuffled[shuffled.columns[::-1]])
    table = load_as_is(session).table
    videos = range(1, 41)
    assert table["valence"].tolist() == [valence_of(video) for video in videos]
    assert table["arousal"].tolist() == [arousal_of(video) for video in videos]
    assert table["dominance"].tolist() == [dominance_of(video) for video in videos]
    assert table["liking"].tolist() == [liking_of(video) for video in videos]
    assert set(table["subject"]) == {25}


def test_missing_familiarity_is_no_matter(session: Path) -> None:
    sheet = sheet_of(25, ORDER.tolist(), STARTS.tolist())
    sheet["Familiarity"] = np.nan  # as of participants 2, 15 and 23
    write_sheet(session, sheet)
    assert len(load_as_is(session)) == 40


def test_people_come_in_the_order_wanted(tmp_path: Path) -> None:
    for subject in (3, 7, 9):
        write_small(tmp_path, subject)
    assert load_as_is(tmp_path).table["subject"].tolist() == [3, 3, 7, 7, 9, 9]
    trials = load_as_is(tmp_path / "data_original", subjects=[9, 3])
    assert trials.table["subject"].tolist() == [9, 9, 3, 3]
    assert trials.provenance["subjects"] == [9, 3]
    assert raw_subjects(tmp_path) == raw_subjects(tmp_path / "data_original") == [3, 7, 9]
    assert raw_subjects(tmp_path / "nowhere") == raw_subjects(tmp_path.parent) == []


def test_sessions_are_opened_with_their_trials_in_the_order_of_the_videos(tmp_path: Path) -> None:
    write_small(tmp_path, videos=(2, 1), starts=(4.0, 70.0))
    (opened,) = deap_recordings(tmp_path)
    assert opened.name == "s07.bdf"
    assert opened.onsets.tolist() == [70.0, 4.0]
    assert opened.durations.tolist() == [60.0, 60.0]
    assert opened.table["stimulus"].tolist() == [1, 2]


@pytest.mark.parametrize(("baseline", "n_baseline"), [(0.0, 0), (1.0, 128)])
def test_the_baseline_is_as_long_as_it_is_set(tmp_path: Path, baseline: float, n_baseline: int) -> None:
    write_small(tmp_path)
    trials = load_as_is(tmp_path, preprocessing=replace(NO_STEPS, baseline=baseline))
    assert trials.table["n_baseline"].tolist() == [n_baseline] * 2
    assert trials.table["n_times"].tolist() == [n_baseline + 7680] * 2
    assert first_samples(trials) == [70 * 128 - n_baseline, 4 * 128 - n_baseline]


@pytest.mark.parametrize(
    ("starts", "lost", "kept"),
    [
        ((4.0, 75.0), 2, 1),  # the second video would last longer than the 134 s recorded
        ((2.9, 70.0), 1, 2),  # the first has no whole baseline
    ],
)
def test_a_trial_beyond_the_recording_is_left_out_with_a_warning(
    tmp_path: Path, starts: tuple[float, float], lost: int, kept: int
) -> None:
    write_small(tmp_path, starts=starts, videos=(1, 2))
    with pytest.warns(UserWarning, match=rf"s07\.bdf: Left out.* beyond the recording: trials? {lost}\."):
        trials = load_as_is(tmp_path)
    assert trials.table["stimulus"].tolist() == [kept]
    assert trials.table["valence"].tolist() == [valence_of(kept)]


def test_a_recording_without_one_whole_trial_is_refused(tmp_path: Path) -> None:
    write_small(tmp_path, starts=(4.0,), videos=(1,), seconds=30)
    with (
        pytest.warns(UserWarning, match=r"s07\.bdf: Left out"),
        pytest.raises(DataFormatError, match="No trial is left"),
    ):
        load_as_is(tmp_path)


def test_a_rate_below_128_hz_is_refused_with_both_rates(tmp_path: Path) -> None:
    write_small(tmp_path, sfreq=64)
    with pytest.raises(ConfigError, match=r"^s07\.bdf: The recording has 64 samples a second and 128 were asked for"):
        load_as_is(tmp_path)


@pytest.mark.parametrize("rate", [None, 64.0])
def test_another_rate_is_that_of_the_trials(tmp_path: Path, rate: float | None) -> None:
    write_small(tmp_path, sfreq=256)
    trials = load_as_is(tmp_path, preprocessing=replace(NO_STEPS, sfreq=rate))
    expected = rate or 256
    assert trials.sfreq == expected
    assert trials.table["n_times"].tolist() == [63 * expected] * 2


def test_recordings_of_two_rates_are_not_mixed_under_one(tmp_path: Path) -> None:
    write_small(tmp_path, 3, sfreq=128)
    write_small(tmp_path, 7, sfreq=256)
    with pytest.raises((ConfigError, DataFormatError), match=r"s07\.bdf.*256.*128|128.*s07\.bdf.*256"):
        load_as_is(tmp_path, preprocessing=replace(NO_STEPS, sfreq=None))


# What is wrong with a folder


def test_a_folder_that_is_not_there_or_holds_no_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataFormatError, match=r"There is no folder '.*nowhere'; give the path of DEAP's data_original"):
        load_as_is(tmp_path / "nowhere")
    with pytest.raises(DataFormatError, match=r"holds no s01\.bdf \.\.\. s32\.bdf; are these DEAP's raw recordings"):
        load_as_is(tmp_path)
    path = write_small(tmp_path)
    with pytest.raises(DataFormatError, match="There is no folder"):
        load_as_is(path)


def test_a_person_who_is_not_there_is_named_beside_those_who_are(tmp_path: Path) -> None:
    for subject in (3, 7):
        write_small(tmp_path, subject)
    with pytest.raises(DataFormatError, match="has no file of subject 5; it holds subjects 3, 7"):
        load_as_is(tmp_path, subjects=[3, 5])
    with pytest.raises(DataFormatError, match="none wanted"):
        load_as_is(tmp_path, subjects=[])
    with pytest.raises(ConfigError, match=r"subjects must be different numbers, got \[3, 3\]"):
        load_as_is(tmp_path, subjects=[3, 3])
