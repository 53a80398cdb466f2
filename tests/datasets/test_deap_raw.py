from __future__ import annotations

import builtins
import errno
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.ndimage
import scipy.signal
from edfio import Bdf, BdfSignal, Recording
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from eegemo import DEAP_PREPROCESSING, ConfigError, DataFormatError, Trials, load_deap, load_deap_raw, write_simulated
from eegemo.datasets.deap_raw import deap_recordings, find_onsets, match_onsets, raw_subjects, read_deap_raw
from eegemo.datasets.simulated import DEFAULT_EFFECT, DEFAULT_SEED, SimulatedSubject
from eegemo.datasets.simulated_raw import write_simulated_raw

# As the dataset's description has them (FACTS.md, 3 and 4), written out here a second time.
GENEVA = (
    "Fp1 AF3 F3 F7 FC5 FC1 C3 T7 CP5 CP1 P3 P7 PO3 O1 Oz Pz Fp2 AF4 Fz F4 F8 FC6 FC2 Cz C4 T8 CP6 CP2 P4 P8 PO4 O2"
).split()
TWENTE = (
    "Fp1 AF3 F7 F3 FC1 FC5 T7 C3 CP1 CP5 P7 P3 Pz PO3 O1 Oz O2 PO4 P4 P8 CP6 CP2 C4 T8 FC6 FC2 F4 F8 AF4 Fp2 Fz Cz"
).split()
OTHERS = "EXG1 EXG2 EXG3 EXG4 EXG5 EXG6 EXG7 EXG8 GSR1 GSR2 Erg1 Erg2 Resp Plet Temp".split()
PERIPHERAL = "hEOG vEOG zEMG tEMG GSR Respiration Plethysmograph Temperature".split()
PLAIN = replace(DEAP_PREPROCESSING, high_pass=None, bad_channels=None, eog=None, band=None, reference=None)
UNCORRECTED = replace(DEAP_PREPROCESSING, eog=None)
DIGITAL, PHYSICAL = 2**23 - 1, 262_143  # 1/32 a step, as BioSemi's, and 0 is 0


def write_bdf(
    path: Path,
    channels: Mapping[str, np.ndarray | float],
    codes: np.ndarray,
    *,
    sfreq: int = 128,
    trigger: Sequence[str] = ("Status",),
    units: Mapping[str, str] | None = None,
) -> Path:
    """A BDF file of these channels in the order given, in microvolts unless another unit is named."""
    signals = [
        BdfSignal.from_digital(
            np.broadcast_to(np.round(np.asarray(values) * (DIGITAL / PHYSICAL)), codes.shape).astype(np.int32),
            sfreq,
            label=label,
            physical_dimension=(units or {}).get(label, "uV"),
            physical_range=(-PHYSICAL, PHYSICAL),
            digital_range=(-DIGITAL, DIGITAL),
        )
        for label, values in channels.items()
    ]
    signals += [
        BdfSignal.from_digital(codes.astype(np.int32), sfreq, label=label, physical_dimension="Boolean")
        for label in trigger
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    Bdf(signals, recording=Recording(startdate=date(2010, 1, 1)), data_record_duration=1).write(path)
    return path


def held(n_times: int, events: Iterable[tuple[int, int]], *, n_held: int = 6) -> np.ndarray:
    """A trigger channel in which each code stands for a few samples."""
    codes = np.zeros(n_times, np.int32)
    for first, code in events:
        codes[first : first + n_held] = code
    return codes


def valence_of(video: int) -> float:
    return round(2 + 0.1 * video, 2)  # with arousal: 9 minus it is a rating, too


def arousal_of(video: int) -> float:
    return round(7 - 0.1 * video, 2)


def dominance_of(video: int) -> float:
    return round(1 + 0.2 * video, 2)


def liking_of(video: int) -> float:
    return round(9 - 0.2 * video, 2)


def sheet_of(subject: int, videos: Sequence[int], seconds: Sequence[float]) -> pd.DataFrame:
    """One person's rows of the ratings: ``videos`` in the order of presentation, and when they started."""
    return pd.DataFrame(
        {
            "Participant_id": subject,
            "Trial": np.arange(1, len(videos) + 1),
            "Experiment_id": videos,
            "Start_time": [round(1e6 * second) for second in seconds],
            "Valence": [valence_of(video) for video in videos],
            "Arousal": [arousal_of(video) for video in videos],
            "Dominance": [dominance_of(video) for video in videos],
            "Liking": [liking_of(video) for video in videos],
            "Familiarity": 3,
        }
    )


def write_sheet(folder: Path, sheet: pd.DataFrame) -> Path:
    path = folder / "participant_ratings.csv"
    folder.mkdir(parents=True, exist_ok=True)
    sheet.to_csv(path, index=False)
    return path


def write_small(
    folder: Path,
    subject: int = 7,
    *,
    videos: Sequence[int] = (2, 1),
    starts: Sequence[float] = (4.0, 70.0),
    seconds: int = 134,
    sfreq: int = 128,
    channels: Mapping[str, np.ndarray | float] | None = None,
    drop: Sequence[str] = (),
    events: Sequence[tuple[int, int]] | None = None,
    trigger: Sequence[str] = ("Status",),
    units: Mapping[str, str] | None = None,
) -> Path:
    """A recording of a trial or two, marked as simulated (so that 40 are not asked for), and its ratings."""
    n_times = seconds * sfreq
    contents: dict[str, np.ndarray | float] = dict.fromkeys([*TWENTE, *OTHERS], 0.0)
    contents["Fp1"] = np.arange(n_times)  # whoever cuts it tells where
    contents |= channels or {}
    if events is None:
        events = [(round(start * sfreq), 4) for start in starts]
    place = folder / "data_original"
    path = write_bdf(
        place / f"s{subject:02d}.bdf",
        {name: values for name, values in contents.items() if name not in drop},
        held(n_times, events),
        sfreq=sfreq,
        trigger=trigger,
        units=units,
    )
    (place / "SIMULATED.txt").write_text("")
    sheets = [sheet_of(subject, videos, starts)]
    if (folder / "participant_ratings.csv").exists():
        sheets.append(pd.read_csv(folder / "participant_ratings.csv"))
    write_sheet(folder, pd.concat(sheets))
    return path


# --- a whole session of 40 trials, small because they overlap ---------------------------------------------------------

ORDER = np.random.default_rng(3).permutation(40) + 1
STARTS = 4 + np.concatenate([[0], np.cumsum(np.random.default_rng(4).uniform(8, 20, 39))])  # s
N_TIMES = 128 * int(STARTS[-1] + 65)


def write_session(place: Path, *, lost: Sequence[int] = (), extra: Sequence[float] = (), high: bool = False) -> Path:
    """Subject 25's 40 trials without the mark of simulated data; ``lost`` are presentations from 1."""
    events = []
    for number, start in enumerate(STARTS, 1):
        above = (0x58FF00 if number in (5, 17, 40) else 0x18FF00) if high else 0
        at = round(start * 128)
        events += [(at - 64, above | 3), (at + 256, above | 5)]
        if number not in lost:
            events.append((at, above | 4))
    events += [(round(second * 128), 4) for second in extra]
    contents: dict[str, np.ndarray | float] = dict.fromkeys([*GENEVA, *OTHERS], 0.0)
    contents["Fp1"] = np.arange(N_TIMES)
    return write_bdf(place / "s25.bdf", contents, held(N_TIMES, events), trigger=[""])


@pytest.fixture(scope="module")
def session_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_session(tmp_path_factory.mktemp("session"), high=True)


@pytest.fixture
def session(session_file: Path, tmp_path: Path) -> Path:
    """The folder of subject 25; its sheet may be written anew."""
    place = tmp_path / "deap" / "data_original"
    place.mkdir(parents=True)
    (place / "s25.bdf").symlink_to(session_file)
    write_sheet(tmp_path / "deap", sheet_of(25, ORDER.tolist(), STARTS.tolist()))
    return tmp_path / "deap"


def load_plain(folder: Path, **settings: Any) -> Trials:
    return load_deap_raw(folder, **{"channels": ["Fp1"], "preprocessing": PLAIN, **settings})


def n_stores(cache: Path) -> int:
    return len([path for path in cache.iterdir() if path.is_dir()])


def first_samples(trials: Trials) -> list[int]:
    """The sample of the recording at which each trial begins, from the channel that counts them."""
    return [round(float(trials.signals[start, 0])) for start in trials.table["start"]]


# --- opening a recording ----------------------------------------------------------------------------------------------


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
        load_plain(tmp_path)
    assert n_stores(tmp_path / "cache") == 0


# --- finding the onsets -----------------------------------------------------------------------------------------------


def with_trigger(codes: np.ndarray) -> mne.io.RawArray:
    info = mne.create_info(["Pz", "Status"], 512.0, ["eeg", "stim"])
    return mne.io.RawArray(np.stack([np.zeros(len(codes)), codes]), info, verbose="error")


@pytest.mark.parametrize("high", [0, 0x18FF00, 0x58FF00, 0x10000, 0xFF00])
@pytest.mark.parametrize(
    ("events", "n_held", "onsets"),
    [
        ([(100, 4), (2000, 4)], 26, [100, 2000]),
        ([(100, 4), (2000, 4)], 1, [100, 2000]),  # a code of one sample
        ([(100, 4), (2000, 4)], 1500, [100, 2000]),  # a code held long
        ([(0, 4), (700, 4)], 26, [0, 700]),  # a code at the first sample
        ([(10, 1), (36, 3), (62, 4), (88, 5)], 26, [62]),  # codes that follow without a pause
        ([(10, 3), (100, 3), (200, 3), (300, 4)], 26, [300]),  # extra fixation marks
        ([(10, 1), (50, 2), (90, 3), (130, 5), (170, 7)], 26, []),
        ([(10, 0x14), (50, 0x24), (90, 0x84), (130, 0x0C), (170, 0x40)], 26, []),  # other codes that hold the bit
        ([(2999, 4)], 26, [2999]),  # cut off by the end
    ],
)
def test_onsets_are_rising_edges_of_code_4_in_the_low_byte(
    high: int, events: list[tuple[int, int]], n_held: int, onsets: list[int]
) -> None:
    codes = held(3000, events, n_held=n_held) | high
    assert_allclose(find_onsets(with_trigger(codes)) * 512, onsets)


def test_high_bits_that_change_while_a_code_is_held_make_no_second_onset() -> None:
    codes = np.zeros(1000, np.int64) + 0x18FF00
    codes[100:110], codes[110:120], codes[120:130] = 0x18FF04, 0x58FF04, 0x08FF04
    assert_array_equal(find_onsets(with_trigger(codes)) * 512, [100])


def test_all_40_onsets_are_found_where_one_full_code_is_found_in_37(session_file: Path) -> None:
    recorded = mne.io.read_raw_bdf(session_file, stim_channel=None, verbose="error").get_data(picks=[-1])[0]
    words = np.round(recorded).astype(np.int64)
    starts = (words == 1638148) & (np.r_[0, words[:-1]] != 1638148)  # what circulating code looks for
    assert starts.sum() == 37
    assert_allclose(find_onsets(read_deap_raw(session_file)), np.round(STARTS * 128) / 128)


# --- matching onsets to presentations ---------------------------------------------------------------------------------

HOUR = 30 + np.concatenate([[0], np.cumsum(np.random.default_rng(1).uniform(78, 92, 39))])  # s, by the sheet


def test_onsets_that_are_all_there_belong_to_the_presentations_in_turn() -> None:
    assert match_onsets(HOUR + 12.3, HOUR).tolist() == list(range(40))


@pytest.mark.parametrize("lost", [[0], [39], [17], [0, 1, 2], [37, 38, 39], [0, 20, 39], [9, 10, 25], range(0, 40, 2)])
def test_missing_onsets_are_told_from_the_gaps_whatever_the_clock_says(lost: Sequence[int]) -> None:
    jitter = np.random.default_rng(2).uniform(-1, 1, 40)
    kept = np.setdiff1d(np.arange(40), lost)
    onsets = 1.0005 * HOUR[kept] - 25 + jitter[kept]  # another zero, and 500 parts per million of drift
    assert match_onsets(onsets, HOUR).tolist() == kept.tolist()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), n_lost=st.integers(1, 39), n_trials=st.integers(2, 40))
def test_an_onset_is_given_its_own_presentation_or_none(seed: int, n_lost: int, n_trials: int) -> None:
    rng = np.random.default_rng(seed)
    starts = np.cumsum(rng.uniform(70, 95, n_trials))
    kept = np.sort(rng.choice(n_trials, max(1, n_trials - n_lost), replace=False))
    if len(kept) == n_trials:
        kept = kept[1:]
    onsets = starts[kept] + rng.uniform(-100, 100) + rng.uniform(-0.5, 0.5, len(kept))
    try:
        matched = match_onsets(onsets, starts)
    except DataFormatError:
        return
    assert matched.tolist() == kept.tolist()


@pytest.mark.parametrize(
    ("onsets", "best", "next_best"),
    [
        ([80.0, 160.0], "0.0 s", "0.0 s"),  # the first or the last of three that are 80 s apart
        ([500.0], "0.0 s", "0.0 s"),
        ([0.0, 80.5], "0.5 s", "0.5 s"),
        ([0.0, 86.0], "6.0 s", "6.0 s"),
        ([0.0, 154.0], "6.0 s", "74.0 s"),
    ],
)
def test_gaps_that_fit_in_several_ways_or_in_none_are_refused(onsets: list[float], best: str, next_best: str) -> None:
    words = rf"^{len(onsets)} video starts? .*instead of 3.*off by {best}, .*{next_best}.*subjects=\.\.\."
    with pytest.raises(DataFormatError, match=words):
        match_onsets(np.array(onsets), np.array([0.0, 80.0, 160.0]))


def test_gaps_that_fit_nowhere_are_refused_in_words() -> None:
    with pytest.raises(DataFormatError, match=r"^2 video starts .*instead of 3") as caught:
        match_onsets(np.array([0.0, 3.0]), np.array([0.0, 80.0, 160.0]))
    assert " inf " not in str(caught.value)


def test_of_two_ways_that_fit_the_clearly_better_one_is_taken() -> None:
    starts = np.array([0.0, 80.0, 161.5])  # the gaps differ by 1.5 s
    assert match_onsets(np.array([7.0, 87.1]), starts).tolist() == [0, 1]
    assert match_onsets(np.array([7.0, 88.6]), starts).tolist() == [1, 2]
    with pytest.raises(DataFormatError, match="does not tell which are missing"):
        match_onsets(np.array([7.0, 87.7]), starts)  # off by 0.7 s, or by 0.8 s


def test_a_gap_may_be_off_by_five_seconds_and_no_more() -> None:
    starts = np.array([0.0, 80.0, 250.0])
    assert match_onsets(np.array([10.0, 94.9]), starts).tolist() == [0, 1]
    with pytest.raises(DataFormatError, match=r"off by 5\.1 s"):
        match_onsets(np.array([10.0, 95.1]), starts)


@pytest.mark.parametrize("n_onsets", [0, 4, 41])
def test_more_onsets_than_presentations_and_none_are_refused(n_onsets: int) -> None:
    with pytest.raises(DataFormatError, match=rf"^{n_onsets} video starts \(code 4\).*expected 3, as the ratings have"):
        match_onsets(np.arange(n_onsets, dtype=float), np.array([0.0, 80.0, 165.0]))


def test_no_onsets_at_all_are_refused_by_the_files_name(tmp_path: Path) -> None:
    write_small(tmp_path, events=[(600, 3), (1200, 5)])
    with pytest.raises(
        DataFormatError, match=r"^s07\.bdf: 0 video starts \(code 4\) in the trigger channel, expected 2"
    ):
        load_plain(tmp_path)


def test_an_onset_too_many_is_refused_by_the_files_name(tmp_path: Path) -> None:
    write_small(tmp_path, events=[(512, 4), (5000, 4), (8960, 4)])
    with pytest.raises(DataFormatError, match=r"^s07\.bdf: 3 video starts .*expected 2"):
        load_plain(tmp_path)


def test_lost_onsets_of_simulated_people_are_matched_by_the_gaps(tmp_path: Path) -> None:
    write_simulated_raw(tmp_path, [24], n_trials=3, lost_onsets=[2])
    shown = pd.read_csv(tmp_path / "participant_ratings.csv")["Experiment_id"].tolist()
    with pytest.warns(UserWarning, match=rf"s24\.bdf: 1 of 3 video starts .*missing.*: trials? {shown[1]}\."):
        trials = load_deap_raw(tmp_path, channels=["Pz"])
    assert trials.table["stimulus"].tolist() == sorted([shown[0], shown[2]])
    simulated = SimulatedSubject(24, DEFAULT_EFFECT, DEFAULT_SEED)
    for i, video in enumerate(trials.table["stimulus"]):
        assert (
            correlation(trials.trial_data(i, baseline=True)[0], simulated.record(video - 1)[GENEVA.index("Pz")]) > 0.5
        )


def test_lost_onsets_that_could_be_either_are_refused(tmp_path: Path) -> None:
    write_simulated_raw(tmp_path, [3], n_trials=2, lost_onsets=[1])
    with pytest.raises(DataFormatError, match=r"^s03\.bdf: 1 video starts? .*instead of 2.*Leave this person out"):
        load_plain(tmp_path)


def test_37_onsets_of_40_drop_three_trials_with_a_warning_that_counts_them(session: Path, tmp_path: Path) -> None:
    place = session / "data_original"
    (place / "s25.bdf").unlink()
    write_session(place, lost=[1, 12, 40])
    gone = sorted(ORDER[[0, 11, 39]])
    with pytest.warns(UserWarning, match=rf"s25\.bdf: 3 of 40 .*: trials {gone[0]}, {gone[1]}, {gone[2]}\.") as caught:
        trials = load_plain(session)
    assert len(caught) == 1
    kept = [video for video in range(1, 41) if video not in gone]
    assert trials.table["stimulus"].tolist() == kept
    started = dict(zip(ORDER, np.round(STARTS * 128).astype(int), strict=True))
    assert first_samples(trials) == [started[video] - 384 for video in kept]
    assert trials.table["valence"].tolist() == [valence_of(video) for video in kept]
    assert trials.provenance["recordings"][0]["trials"] == 37


def test_40_onsets_in_gaps_that_the_sheet_does_not_have_are_not_taken_in_silence(session: Path) -> None:
    # One trigger lost and one false, or another person's recording under this name: the labels would be wrong.
    place = session / "data_original"
    (place / "s25.bdf").unlink()
    write_session(place, lost=[3], extra=[STARTS[30] + 4.0])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            load_plain(session)
        except DataFormatError as error:
            assert re.search(r"s25\.bdf.*gaps", str(error))
            return
    assert any("s25.bdf" in str(warning.message) for warning in caught), "40 trials were labelled without a word"


# --- channels by name -------------------------------------------------------------------------------------------------


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
    trials = load_plain(tmp_path, channels=["GSR"])
    assert_allclose(trials.signals, expected, rtol=1e-4)
    assert trials.ch_types == ("gsr",)


def test_gsr_that_was_not_recorded_is_0_and_this_is_said(tmp_path: Path) -> None:
    skin = np.full(64 * 128, 8000.0)
    skin[1000:1010], skin[1010:1020] = 0, -5
    write_small(tmp_path, 22, videos=(1,), starts=(3.0,), seconds=64, channels={"GSR1": skin})
    with pytest.warns(UserWarning, match=r"s22\.bdf: GSR is 0 in 20 samples"):
        trials = load_plain(tmp_path, channels=["GSR"])
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
        load_plain(tmp_path)


def test_a_missing_peripheral_channel_is_no_matter_unless_it_is_wanted(tmp_path: Path) -> None:
    write_small(tmp_path, drop=["Plet", "EXG7", "GSR1"])
    assert load_plain(tmp_path, channels=["Temperature"]).ch_names == ("Temperature",)
    with pytest.raises(DataFormatError, match=r"channels EXG7, Plet are missing"):
        load_plain(tmp_path, channels=["tEMG", "Plethysmograph"])


def test_an_unknown_channel_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Unknown channel 'FP1'.*Did you mean 'Fp1'"):
        load_deap_raw(tmp_path / "nowhere", channels=["FP1"])


# --- trials: which, when, and how they are rated ----------------------------------------------------------------------


def test_each_video_has_the_samples_around_its_own_trigger(session: Path) -> None:
    trials = load_plain(session)
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
    table = load_plain(session).table
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
    assert len(load_plain(session)) == 40


def test_people_come_in_the_order_wanted(tmp_path: Path) -> None:
    for subject in (3, 7, 9):
        write_small(tmp_path, subject)
    assert load_plain(tmp_path).table["subject"].tolist() == [3, 3, 7, 7, 9, 9]
    trials = load_plain(tmp_path / "data_original", subjects=[9, 3])
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
    trials = load_plain(tmp_path, preprocessing=replace(PLAIN, baseline=baseline))
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
        trials = load_plain(tmp_path)
    assert trials.table["stimulus"].tolist() == [kept]
    assert trials.table["valence"].tolist() == [valence_of(kept)]


def test_a_recording_without_one_whole_trial_is_refused(tmp_path: Path) -> None:
    write_small(tmp_path, starts=(4.0,), videos=(1,), seconds=30)
    with (
        pytest.warns(UserWarning, match=r"s07\.bdf: Left out"),
        pytest.raises(DataFormatError, match="No trial is left"),
    ):
        load_plain(tmp_path)


def test_a_rate_below_128_hz_is_refused_with_both_rates(tmp_path: Path) -> None:
    write_small(tmp_path, sfreq=64)
    with pytest.raises(ConfigError, match=r"^s07\.bdf: The recording has 64 samples a second and 128 were asked for"):
        load_plain(tmp_path)


@pytest.mark.parametrize("rate", [None, 64.0])
def test_another_rate_is_that_of_the_trials(tmp_path: Path, rate: float | None) -> None:
    write_small(tmp_path, sfreq=256)
    trials = load_plain(tmp_path, preprocessing=replace(PLAIN, sfreq=rate))
    expected = rate or 256
    assert trials.sfreq == expected
    assert trials.table["n_times"].tolist() == [63 * expected] * 2


def test_recordings_of_two_rates_are_not_mixed_under_one(tmp_path: Path) -> None:
    write_small(tmp_path, 3, sfreq=128)
    write_small(tmp_path, 7, sfreq=256)
    with pytest.raises((ConfigError, DataFormatError), match=r"s07\.bdf.*256.*128|128.*s07\.bdf.*256"):
        load_plain(tmp_path, preprocessing=replace(PLAIN, sfreq=None))


# --- simulated people, against the truth ------------------------------------------------------------------------------


def correlation(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.corrcoef(x, y)[0, 1])


@pytest.fixture(scope="module")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("caches")


@pytest.fixture(scope="module")
def loaded(raw_release: Path, caches: Path) -> Trials:
    """People 1, 24 and 29 as the stage leaves them."""
    return load_deap_raw(raw_release, channels=[*GENEVA, *PERIPHERAL], cache=caches)


@pytest.fixture(scope="module")
def preprocessed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Person 1 as the preprocessed release."""
    folder = tmp_path_factory.mktemp("preprocessed")
    write_simulated(folder, [1])
    return folder


def test_the_table_is_that_of_the_preprocessed_release(loaded: Trials, preprocessed: Path) -> None:
    other = load_deap(preprocessed, channels=[*GENEVA, *PERIPHERAL])
    raw, table = loaded.table, other.table
    assert list(raw.columns) == list(table.columns)
    assert raw.dtypes.to_dict() == table.dtypes.to_dict()
    assert (loaded.ch_names, loaded.ch_types, loaded.sfreq) == (other.ch_names, other.ch_types, other.sfreq)
    assert loaded.signals.dtype == other.signals.dtype == np.float32
    assert set(raw["n_times"]) == set(table["n_times"]) == {8064}
    assert set(raw["n_baseline"]) == set(table["n_baseline"]) == {384}
    assert raw["start"].tolist() == list(range(0, 12 * 8064, 8064))
    assert loaded.signals.shape == (12 * 8064, 40)
    rows = raw[raw["subject"] == 1].drop(columns="start").set_index("stimulus")
    expected = table.drop(columns="start").set_index("stimulus").loc[rows.index]
    pd.testing.assert_frame_equal(rows, expected, check_exact=True)
    assert loaded.simulated
    assert loaded.dataset == "simulated raw DEAP files"


def test_the_order_of_presentation_becomes_that_of_the_videos(loaded: Trials, preprocessed: Path) -> None:
    truth = load_deap(preprocessed, channels=["Pz", "O1"])
    pz, o1 = loaded.ch_names.index("Pz"), loaded.ch_names.index("O1")
    for i in np.flatnonzero(loaded.table["subject"] == 1).tolist():
        samples = loaded.trial_data(i, baseline=True)
        same = [
            min(correlation(samples[pz], theirs[0]), correlation(samples[o1], theirs[1]))
            for theirs in truth.signals.reshape(40, 8064, 2).transpose(0, 2, 1)
        ]
        video = loaded.table["stimulus"][i]
        assert same[video - 1] > 0.5  # both hold artefacts of their own
        assert np.abs(np.delete(same, video - 1)).max() < 0.3


@pytest.mark.parametrize("subject", [24, 29])
def test_the_videos_of_geneva_are_those_of_the_person(loaded: Trials, subject: int) -> None:
    simulated = SimulatedSubject(subject, DEFAULT_EFFECT, DEFAULT_SEED)
    rows = np.flatnonzero(loaded.table["subject"] == subject).tolist()
    videos = loaded.table["stimulus"].iloc[rows].tolist()
    assert videos == sorted(simulated.order[:4] + 1)
    ours = [loaded.trial_data(i, baseline=True)[:32] for i in rows]
    theirs = [simulated.record(video - 1)[:32] for video in videos]
    r = np.array([[np.median([*map(correlation, x, y)]) for y in theirs] for x in ours])
    assert r.diagonal().min() > 0.5  # both hold artefacts of their own
    assert np.abs(r[~np.eye(4, dtype=bool)]).max() < 0.3


def test_every_recording_tells_what_was_done_to_it(loaded: Trials) -> None:
    records = loaded.provenance["recordings"]
    assert [record["file"] for record in records] == ["s01.bdf", "s24.bdf", "s29.bdf"]
    assert [record["subject"] for record in records] == [1, 24, 29]
    assert [record["trials"] for record in records] == [4, 4, 4]
    assert [record["messages"] for record in records] == [[], [], []]
    for record in records:
        (removal,) = [step for step in record["steps"] if step["step"] == "remove_eog"]
        assert removal["eog_channels"] == ["hEOG", "vEOG"]
        fp1 = removal["channels"].index("Fp1")
        assert removal["r_after"][fp1] < removal["r_before"][fp1]


@pytest.fixture(scope="module")
def before_and_after(raw_release: Path, caches: Path, loaded: Trials) -> tuple[Trials, Trials, Trials]:
    """Person 24 with the EOG left in, with the EOG removed, and as they would be without any artefact."""
    channels = [*GENEVA, "vEOG"]
    uncorrected = load_deap_raw(raw_release, subjects=[24], channels=channels, preprocessing=UNCORRECTED, cache=caches)
    twin = load_deap_raw(
        raw_release / "data_original_clean", subjects=[24], channels=channels, preprocessing=UNCORRECTED, cache=caches
    )
    return uncorrected, loaded.select(loaded.table["subject"] == 24), twin


def test_the_stage_brings_the_frontal_channels_nearer_to_the_brain(
    before_and_after: tuple[Trials, Trials, Trials],
) -> None:
    uncorrected, corrected, twin = before_and_after
    for name, gain in (("Fp1", 0.1), ("Fp2", 0.1), ("AF3", 0.0)):
        truth, before, after = (
            np.concatenate([trials.trial_data(i)[trials.ch_names.index(name)] for i in range(4)])
            for trials in (twin, uncorrected, corrected)
        )
        assert correlation(after, truth) > correlation(before, truth) + gain, name
        assert (after - truth).std() < 0.6 * (before - truth).std(), name


def without_blinks(veog: np.ndarray, seconds: float = 4.0) -> Iterator[slice]:
    """Stretches of a trial, in samples, with nothing above 60 microvolts in the vertical EOG within half a second."""
    near = scipy.ndimage.maximum_filter1d((np.abs(veog) > 60).astype(int), 128)
    length = round(seconds * 128)
    for first in range(0, len(veog) - length + 1, length):
        if not near[first : first + length].any():
            yield slice(first, first + length)


def test_alpha_where_nobody_blinks_is_left_as_it_is(before_and_after: tuple[Trials, Trials, Trials]) -> None:
    uncorrected, corrected, _ = before_and_after
    pz, veog = uncorrected.ch_names.index("Pz"), uncorrected.ch_names.index("vEOG")
    power = []
    for i in range(4):
        before, after = uncorrected.trial_data(i), corrected.trial_data(i)
        for stretch in without_blinks(before[veog]):
            freqs, psd = scipy.signal.welch(np.stack([before[pz], after[pz]])[:, stretch], 128, nperseg=256)
            power.append(psd[:, (freqs >= 8) & (freqs <= 12)].sum(axis=1))
    assert len(power) >= 5
    before_all, after_all = np.sum(power, axis=0)
    assert after_all == pytest.approx(before_all, rel=0.05)
    changes = np.diff(np.log(power), axis=1)
    assert np.median(np.abs(changes)) < 0.05


# --- the store --------------------------------------------------------------------------------------------------------


def test_two_jobs_give_the_same_bytes_and_the_same_errors(raw_release: Path, tmp_path: Path, loaded: Trials) -> None:
    prepared: list[int] = []
    both = load_deap_raw(
        raw_release,
        subjects=[1, 24],
        channels=[*GENEVA, *PERIPHERAL],
        n_jobs=2,
        on_prepared=prepared.append,
    )
    one = loaded.select(loaded.table["subject"] != 29)
    assert both.fingerprint == one.fingerprint
    assert both.provenance["recordings"] == loaded.provenance["recordings"][:2]
    assert prepared == [1, 24]
    for subject in (3, 7):
        write_small(tmp_path, subject, drop=["Pz"] if subject == 7 else ())
    with pytest.raises(DataFormatError, match=r"^s07\.bdf: channels Pz are missing"):
        load_plain(tmp_path, n_jobs=2, cache=tmp_path / "other")
    assert n_stores(tmp_path / "other") == 0


def test_the_second_opening_reads_the_store_and_warns_again(tmp_path: Path) -> None:
    path = write_small(tmp_path, starts=(4.0, 75.0), videos=(1, 2))
    prepared: list[int] = []
    seen = []
    for _ in range(2):
        with pytest.warns(UserWarning, match=r"s07\.bdf: Left out") as caught:
            trials = load_plain(tmp_path, on_prepared=prepared.append)
        seen.append((trials.fingerprint, trials.provenance, [str(warning.message) for warning in caught]))
        assert [warning.filename for warning in caught] == [__file__]  # the line that loads, not one in the package
    assert seen[0] == seen[1]
    assert prepared == [7]
    path.unlink()
    with pytest.raises(DataFormatError, match=r"holds no s01\.bdf"):
        load_plain(tmp_path)


def test_other_settings_and_other_sources_are_other_stores(tmp_path: Path) -> None:
    prepared: list[int] = []

    def load(preprocessing: Any = PLAIN, **wanted: Any) -> Trials:
        return load_plain(tmp_path, preprocessing=preprocessing, on_prepared=prepared.append, **wanted)

    write_small(tmp_path)
    load()
    first = load(cache=None).fingerprint
    assert (prepared, n_stores(tmp_path / "cache")) == ([7], 1)
    load(replace(PLAIN, baseline=1.0))
    load(channels=["Fp2"])
    assert (len(prepared), n_stores(tmp_path / "cache")) == (3, 3)
    sheet = pd.read_csv(tmp_path / "participant_ratings.csv")
    write_sheet(tmp_path, sheet.assign(Valence=5.0))
    assert load().table["valence"].tolist() == [5.0, 5.0]
    write_sheet(tmp_path, sheet)
    write_small(tmp_path, channels={"Fp1": np.arange(134 * 128) + 5})
    write_sheet(tmp_path, sheet)
    changed = load()
    assert first_samples(changed) == [70 * 128 - 384 + 5, 4 * 128 - 384 + 5]
    assert changed.fingerprint != first
    assert (len(prepared), n_stores(tmp_path / "cache")) == (5, 5)


class Stop(BaseException):
    """What a user's Ctrl-C is."""


def test_an_interrupted_preparation_leaves_nothing_and_can_be_run_again(tmp_path: Path) -> None:
    for subject in (3, 7):
        write_small(tmp_path, subject)

    def stop(subject: int) -> None:
        raise Stop

    with pytest.raises(Stop):
        load_plain(tmp_path, on_prepared=stop)
    assert n_stores(tmp_path / "cache") == 0
    trials = load_plain(tmp_path)
    assert trials.table["subject"].tolist() == [3, 3, 7, 7]
    assert n_stores(tmp_path / "cache") == 1


@contextmanager
def disk_that_holds(n_bytes: int, monkeypatch: pytest.MonkeyPatch, name: str) -> Iterator[None]:
    """Let writing to files of this name end with "No space left on device"."""

    class Full:
        def __init__(self, file: Any) -> None:
            self.file, self.left = file, n_bytes

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *error: object) -> None:
            self.file.close()

        def __getattr__(self, attribute: str) -> Any:
            return getattr(self.file, attribute)

        def write(self, content: Any) -> int:
            self.left -= len(content) if isinstance(content, str) else memoryview(content).nbytes
            if self.left < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return int(self.file.write(content))

    def opening(real: Callable[..., Any]) -> Callable[..., Any]:
        def opened(path: Any, mode: str = "r", *arguments: Any, **keywords: Any) -> Any:
            file = real(path, mode, *arguments, **keywords)
            return Full(file) if Path(str(path)).name == name and "r" not in mode else file

        return opened

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", opening(Path.open))
        patch.setattr(builtins, "open", opening(open))
        yield


def test_a_full_disk_is_said_and_nothing_half_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for subject in (3, 7):
        write_small(tmp_path, subject)
    one_person = 2 * 8064 * 4 + 128
    with (
        disk_that_holds(one_person + 1000, monkeypatch, "signals.npy"),
        pytest.raises(ConfigError, match=r"disk is full.*cache.*nothing of them was kept.*cache=.*EEGEMO_CACHE"),
    ):
        load_plain(tmp_path)
    assert n_stores(tmp_path / "cache") == 0
    assert load_plain(tmp_path).table["subject"].tolist() == [3, 3, 7, 7]


# --- what is wrong with a folder or its ratings -----------------------------------------------------------------------


def test_a_folder_that_is_not_there_or_holds_no_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataFormatError, match=r"There is no folder '.*nowhere'; give the path of DEAP's data_original"):
        load_plain(tmp_path / "nowhere")
    with pytest.raises(DataFormatError, match=r"holds no s01\.bdf \.\.\. s32\.bdf; are these DEAP's raw recordings"):
        load_plain(tmp_path)
    path = write_small(tmp_path)
    with pytest.raises(DataFormatError, match="There is no folder"):
        load_plain(path)


def test_a_person_who_is_not_there_is_named_beside_those_who_are(tmp_path: Path) -> None:
    for subject in (3, 7):
        write_small(tmp_path, subject)
    with pytest.raises(DataFormatError, match="has no file of subject 5; it holds subjects 3, 7"):
        load_plain(tmp_path, subjects=[3, 5])
    with pytest.raises(DataFormatError, match="none wanted"):
        load_plain(tmp_path, subjects=[])
    with pytest.raises(ConfigError, match=r"subjects must be different numbers, got \[3, 3\]"):
        load_plain(tmp_path, subjects=[3, 3])


@pytest.fixture
def unread(tmp_path: Path) -> Path:
    """A folder whose recording is never opened, since the ratings are looked at before."""
    (tmp_path / "deap" / "data_original").mkdir(parents=True)
    (tmp_path / "deap" / "data_original" / "s25.bdf").write_bytes(b"")
    return tmp_path / "deap"


def test_ratings_that_are_nowhere_are_asked_for(unread: Path) -> None:
    with pytest.raises(
        DataFormatError, match=r"no participant_ratings\.csv beside '.*data_original'.*metadata_csv.*ratings="
    ):
        load_plain(unread)
    with pytest.raises(DataFormatError, match=r"There is no file '.*elsewhere\.csv'; name DEAP's participant_ratings"):
        load_plain(unread, ratings=unread / "elsewhere.csv")
    with pytest.raises(DataFormatError, match="There is no file"):
        load_plain(unread, ratings=unread)


@pytest.mark.parametrize("place", ["", "metadata_csv", "data_original", "data_original/metadata_csv", "given"])
def test_ratings_are_found_beside_the_recordings_and_where_they_are_named(session: Path, place: str) -> None:
    target = session / place / "participant_ratings.csv"
    target.parent.mkdir(exist_ok=True)
    (session / "participant_ratings.csv").rename(target)
    named = {"ratings": target} if place == "given" else {}
    assert load_plain(session, **named).table["valence"].tolist() == [valence_of(video) for video in range(1, 41)]


SHEET = sheet_of(25, ORDER.tolist(), STARTS.tolist())


def with_value(column: str, row: int, value: Any) -> pd.DataFrame:
    sheet = SHEET.astype({column: object})
    sheet.loc[row, column] = value
    return sheet


@pytest.mark.parametrize(
    ("sheet", "message"),
    [
        (SHEET.drop(index=5), r"participant 25 has no row for trial 6; .*fetch"),
        (SHEET.drop(index=[5, 39]), r"participant 25 has no row for trial 6, 40; .*fetch"),
        (SHEET.assign(Participant_id=24), r"participant 25 is not in it; fetch it again"),
        (SHEET.head(0), r"participant 25 is not in it|no rows|empty"),
        (pd.concat([SHEET, SHEET]), r"participant 25 has Trial \d+ twice; is the participant listed twice\?"),
        (with_value("Experiment_id", 3, ORDER[4]), rf"participant 25 has Experiment_id {ORDER[4]} twice"),
        (with_value("Trial", 3, 41), r"participant 25 has no row for trial 4"),
        (with_value("Experiment_id", 3, 41), r"participant 25 has trial or video 41, of 40"),
        (with_value("Experiment_id", 3, 0), r"participant 25 has trial or video 0, of 40"),
        (SHEET.drop(columns="Arousal"), r"columns Arousal are missing; it has Participant_id, Trial"),
        (SHEET.drop(columns=["Start_time", "Liking"]), r"columns Start_time, Liking are missing"),
        (with_value("Valence", 1, "high"), r"Valence is high in line 3, expected a number"),
        (with_value("Arousal", 38, None), r"Arousal is nan in line 40"),
        (with_value("Start_time", 0, "1:05"), r"Start_time is 1:05 in line 2, expected a number"),
        (with_value("Trial", 0, ""), r"Trial is nan in line 2"),
        (with_value("Valence", 7, 0), r"valence of participant 25 is 0 in line 9; .*fetch"),
        (with_value("Valence", 7, 9.5), r"valence of participant 25 is 9\.5 in line 9; expected a rating from 1 to 9"),
        (with_value("Dominance", 39, 0.99), r"dominance of participant 25 is 0\.99 in line 41; expected a rating"),
        (with_value("Liking", 0, -3), r"liking of participant 25 is -3 in line 2; expected a rating from 1 to 9"),
        (with_value("Arousal", 0, float("inf")), r"arousal of participant 25 is inf in line 2"),
    ],
)
def test_wrong_rows_of_the_ratings_are_named(unread: Path, sheet: pd.DataFrame, message: str) -> None:
    write_sheet(unread, sheet)
    with pytest.raises(DataFormatError, match=r"^participant_ratings\.csv: .*" + message):
        load_plain(unread)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read as a table"),
        (b"\xff\xfe\x00\x81garbage\x00", "cannot be read as a table|columns .* are missing"),
        (SHEET.to_csv(index=False, sep=";").encode(), "columns Participant_id, .* are missing"),
    ],
)
def test_ratings_that_are_no_table_are_refused(unread: Path, content: bytes, message: str) -> None:
    (unread / "participant_ratings.csv").write_bytes(content)
    with pytest.raises(DataFormatError, match=r"^participant_ratings\.csv: .*(" + message + ")"):
        load_plain(unread)


def test_turned_ratings_that_leave_the_scale_are_recognised(unread: Path) -> None:
    sheet = with_value("Valence", 0, 9.0)
    sheet["Valence"] = 9 - sheet["Valence"].astype(float)  # 0 in the first row
    write_sheet(unread, sheet)
    with pytest.raises(
        DataFormatError, match=r"valence of participant 25 is 0 in line 2; these are 9 minus the ratings.*DEAP itself"
    ):
        load_plain(unread)


@pytest.fixture(scope="module")
def labels_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The preprocessed release's file of subject 25, empty but for the ratings in the order of the videos."""
    videos = range(1, 41)
    labels = [[valence_of(v), arousal_of(v), dominance_of(v), liking_of(v)] for v in videos]
    path = tmp_path_factory.mktemp("labels") / "s25.mat"
    content = {"data": np.zeros((40, 40, 8064)), "labels": np.array(labels)}
    scipy.io.savemat(path, content, do_compression=True)
    return path


def put_beside(session: Path, labels_file: Path) -> None:
    (session / "data_preprocessed_matlab").mkdir()
    (session / "data_preprocessed_matlab" / "s25.mat").symlink_to(labels_file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda sheet: sheet.assign(Valence=9 - sheet["Valence"], Arousal=9 - sheet["Arousal"]),
            r"valence and arousal in .* are 9 minus those of s25\.mat, while dominance and liking agree: .*DEAP itself",
        ),
        (
            lambda sheet: sheet.assign(Arousal=9 - sheet["Arousal"]),
            r"arousal in .* are 9 minus those of s25\.mat, while dominance and liking agree",
        ),
        (
            lambda sheet: sheet.assign(Valence=sheet["Valence"].to_numpy()[::-1]),
            r"valence in .* differ from those of s25\.mat, while dominance and liking agree",
        ),
        (
            lambda sheet: sheet.assign(Experiment_id=sheet["Experiment_id"].to_numpy()[::-1]),
            r"valence and arousal and dominance and liking in participant_ratings\.csv differ from those of s25\.mat: ",
        ),
    ],
)
def test_ratings_that_the_preprocessed_release_denies_are_refused(
    session: Path, labels_file: Path, change: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    write_sheet(session, change(SHEET).round(2))
    assert len(load_plain(session)) == 40  # nothing tells, where the sheet is alone
    put_beside(session, labels_file)
    with pytest.raises(DataFormatError, match=r"^s25\.bdf: " + message):
        load_plain(session, channels=["Fp2"])  # another store: this one has to be prepared


def test_ratings_that_agree_but_for_rounding_are_taken(session: Path, labels_file: Path) -> None:
    put_beside(session, labels_file)
    write_sheet(session, SHEET.assign(Valence=SHEET["Valence"] + 0.004))
    assert len(load_plain(session)) == 40


def test_altered_ratings_of_simulated_people_are_found_beside_both_releases(
    raw_release: Path, preprocessed: Path, tmp_path: Path
) -> None:
    (tmp_path / "data_preprocessed_python").symlink_to(preprocessed / "data_preprocessed_python")
    (tmp_path / "data_original").symlink_to(raw_release / "data_original")
    sheet = pd.read_csv(raw_release / "participant_ratings.csv")
    write_sheet(tmp_path, sheet)
    assert len(load_plain(tmp_path, subjects=[1])) == 4
    sheet["Valence"] = (9 - sheet["Valence"]).clip(1, 9).round(2)  # clipped: no rating leaves the scale
    write_sheet(tmp_path, sheet)
    with pytest.raises(DataFormatError, match=r"^s01\.bdf: valence in .* s01\.dat, while dominance and liking agree"):
        load_plain(tmp_path, subjects=[1])
