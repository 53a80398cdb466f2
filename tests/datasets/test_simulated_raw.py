"""Files of simulated raw recordings: headers, triggers and ratings, what is refused, and what stays beside them."""

from __future__ import annotations

import errno
import hashlib
import itertools
from pathlib import Path
from typing import Any

import edfio
import mne
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from deap_raw_files import GENEVA, OTHERS, TWENTE, path_of
from eegemo import ConfigError, write_simulated, write_simulated_raw
from eegemo.datasets import _deap_format as deap
from eegemo.datasets._simulated_recording import SimulatedRecording
from eegemo.datasets._simulated_subject import SimulatedSubject
from eegemo.datasets.deap_triggers import find_onsets, read_deap_raw
from eegemo.datasets.simulated import DEFAULT_EFFECT, DEFAULT_SEED

FS = 512


def words_of(path: Path) -> np.ndarray:
    """The last channel of a BDF file, all 24 bits, from its bytes."""
    content = np.fromfile(path, np.uint8)
    n_channels = int(bytes(content[252:256]))
    records = content[256 * (n_channels + 1) :].reshape(-1, n_channels, FS, 3)[:, -1].reshape(-1, 3).astype(np.int64)
    return np.asarray(records @ [1, 1 << 8, 1 << 16])


# Headers and triggers


@pytest.mark.parametrize(
    ("subject", "trigger", "n_channels", "high"),
    [(1, "Status", 48, {0}), (24, "", 48, {0x18FF00}), (29, "-1", 49, {0x58FF00})],
)
def test_files_have_the_quirks_of_their_site(
    raw_release: Path, subject: int, trigger: str, n_channels: int, high: set[int]
) -> None:
    path = raw_release / "data_original" / f"s{subject:02d}.bdf"
    raw = mne.io.read_raw_bdf(path, stim_channel=-1, verbose="error")
    assert raw.info["sfreq"] == 512
    assert len(raw.ch_names) == n_channels
    assert raw.ch_names[-1] == trigger
    assert tuple(raw.ch_names[:32]) == (deap.TWENTE if subject == 1 else deap.EEG)
    # MNE keeps 17 bits of a trigger; the file itself has 24.
    record = np.fromfile(path, np.uint8, offset=256 * (n_channels + 1))[-3 * 512 :].reshape(-1, 3).astype(int)
    assert set((record @ [1, 256, 65536]) & 0xFFFF00) == high


@pytest.mark.parametrize(
    ("subject", "order", "trigger"), [(1, TWENTE, ["Status"]), (24, GENEVA, [""]), (29, GENEVA, ["", ""])]
)
@pytest.mark.parametrize("folder", ["data_original", "data_original_clean"])
def test_the_header_is_that_of_a_biosemi_file_of_the_persons_site(
    raw_release: Path, folder: str, subject: int, order: list[str], trigger: list[str]
) -> None:
    path = path_of(raw_release, subject, folder)
    with path.open("rb") as file:
        header = file.read(256 * 50)
    n_channels = 47 + len(trigger)
    assert header[:8] == b"\xffBIOSEMI"
    assert int(header[252:256]) == n_channels
    assert float(header[244:252]) == 1  # seconds a record

    def field(offset: int, width: int) -> list[str]:
        start = 256 + n_channels * offset
        return [header[start + width * i :][:width].decode("ascii").strip() for i in range(n_channels)]

    assert field(0, 16) == [*order, *OTHERS, *trigger]
    assert field(96, 8)[:47] == ["uV"] * 47
    assert field(216, 8) == ["512"] * n_channels
    assert path.stat().st_size == 256 * (n_channels + 1) + int(header[236:244]) * n_channels * 512 * 3
    assert b"simulated" in header[:256]


@pytest.mark.parametrize(("subject", "high"), [(1, 0), (24, 0x18FF00), (29, 0x58FF00)])
def test_codes_are_held_for_50_ms_above_the_high_bits_of_the_site(raw_release: Path, subject: int, high: int) -> None:
    words = words_of(path_of(raw_release, subject))
    assert set(words & 0xFFFF00) == {high}
    codes = words & 0xFF
    for code, n_events in ((2, 4), (3, 4), (4, 4), (5, 4)):
        edges = np.flatnonzero(np.diff((codes == code).astype(int), prepend=0) == 1)
        assert len(edges) == n_events
        assert (codes == code).sum() == n_events * 25
    assert codes[codes > 0][-1] == 7
    assert_array_equal(words, words_of(path_of(raw_release, subject, "data_original_clean")))


def test_a_whole_session_has_40_starts_and_a_few_fixation_marks_too_many() -> None:
    simulated = SimulatedSubject(24, DEFAULT_EFFECT, DEFAULT_SEED)
    session = SimulatedRecording(simulated, 40, lost_onsets=[3, 40])
    codes = session.codes() & 0xFF
    edges = {code: np.flatnonzero((codes == code) & (np.r_[0, codes[:-1]] != code)) for code in range(1, 8)}
    assert {code: len(found) for code, found in edges.items()} == {1: 41, 2: 40, 3: 44, 4: 38, 5: 40, 6: 0, 7: 1}
    starts = np.delete(simulated.onsets(), [2, 39])
    assert_allclose(edges[4] / FS, starts, atol=1 / 256)
    assert_allclose(edges[5] / FS, simulated.onsets() + 60, atol=1 / 256)
    kept = np.isin(np.arange(40), [2, 39], invert=True)
    last_fixation = edges[3][np.searchsorted(edges[3], edges[4]) - 1]
    assert_allclose((edges[4] - last_fixation) / FS, 5, atol=0.01)  # 5 s of fixation before each video
    assert kept.sum() == 38
    assert (edges[1][1:] - edges[5] == 3 * FS).all()


# The sheet of ratings


def test_videos_start_when_the_sheet_says(raw_release: Path) -> None:
    sheet = pd.read_csv(raw_release / "participant_ratings.csv")
    for subject in (1, 24, 29):
        onsets = find_onsets(read_deap_raw(raw_release / "data_original" / f"s{subject:02d}.bdf"))
        assert_allclose(onsets, sheet["Start_time"][sheet["Participant_id"] == subject] / 1e6, atol=1 / 256)
        assert (np.diff(onsets) > 60 + 3 + 8 + 7).all()


def test_the_sheet_tells_when_and_in_which_order_the_videos_were_shown(raw_release: Path) -> None:
    sheet = pd.read_csv(raw_release / "participant_ratings.csv")
    for subject, rows in sheet.groupby("Participant_id"):
        simulated = SimulatedSubject(int(str(subject)), DEFAULT_EFFECT, DEFAULT_SEED)
        assert rows["Trial"].tolist() == [1, 2, 3, 4]
        assert rows["Experiment_id"].tolist() == (simulated.order[:4] + 1).tolist()
        for rating in ("valence", "arousal", "dominance", "liking"):
            expected = simulated.ratings[rating].to_numpy()[rows["Experiment_id"].to_numpy() - 1]
            assert rows[rating.capitalize()].tolist() == expected.tolist()
        found = find_onsets(read_deap_raw(path_of(raw_release, int(str(subject)))))
        assert_allclose(found, rows["Start_time"] / 1e6, atol=1 / 256)
        assert_allclose((found * 128) % 1, 0, atol=1e-9)  # on the grid of the preprocessed release


def test_when_videos_start_does_not_depend_on_the_effect_and_differs_between_people_and_seeds() -> None:
    onsets = SimulatedSubject(5, 0.0, 3).onsets()
    assert onsets.shape == (40,)
    assert onsets[0] == 30
    assert (np.diff(onsets) >= 60 + 3 + 8 + 2 + 5).all()
    assert_array_equal(SimulatedSubject(5, 1.0, 3).onsets(), onsets)
    assert not np.array_equal(SimulatedSubject(6, 0.0, 3).onsets(), onsets)
    assert not np.array_equal(SimulatedSubject(5, 0.0, 4).onsets(), onsets)
    assert_array_equal(SimulatedSubject(5, 0.0, 3).rating_sheet()["Start_time"], np.round(1e6 * onsets))


def test_people_rate_at_their_own_pace() -> None:
    between = [np.diff(SimulatedSubject(subject, 0, 16).onsets()) for subject in (1, 2)]
    assert all(78 <= gap <= 92 for gap in itertools.chain(*between))
    assert len(set(np.round(between[0], 3))) == 39
    assert not np.allclose(between[0], between[1])
    assert_array_equal(between[0], np.diff(SimulatedSubject(1, 0.5, 16).onsets()))


# Seeds and selections


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    def digest(name: str, **settings: object) -> list[str]:
        paths = write_simulated_raw(tmp_path / name, [2], n_trials=1, **settings)  # type: ignore[arg-type]
        return [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]

    once, again, other = digest("a"), digest("b"), digest("c", random_state=1)
    assert once == again
    assert all(a != b for a, b in zip(once, other, strict=True))


def test_people_are_the_same_in_every_selection(raw_release: Path, tmp_path: Path) -> None:
    write_simulated_raw(tmp_path, [24], n_trials=4)
    for folder in ("data_original", "data_original_clean"):
        assert (tmp_path / folder / "s24.bdf").read_bytes() == (raw_release / folder / "s24.bdf").read_bytes()


# What is refused


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"subjects": [33]}, "subjects 1 to 32, got 33"),
        ({"subjects": 0}, "positive count"),
        ({"n_trials": 0}, "n_trials must lie between 1 and 40"),
        ({"n_trials": 41}, "n_trials must lie between 1 and 40"),
        ({"n_trials": 3, "lost_onsets": [4]}, "lost_onsets among them"),
        ({"flat": ["T3"]}, "Unknown EEG channel 'T3'"),
        ({"noisy": ["hEOG"]}, "Unknown EEG channel 'hEOG'"),
        ({"effect": -1.0}, "effect must lie between"),
        ({"random_state": -1}, "random_state must be at least 0, got -1"),
    ],
)
def test_wrong_settings_are_refused_and_write_nothing(tmp_path: Path, settings: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        write_simulated_raw(tmp_path, **settings)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"subjects": []}, r"subjects must be a positive count or different numbers from 1, got \[\]"),
        ({"subjects": [2, 2]}, "subjects must be"),
        ({"subjects": [0, 1]}, "subjects must be"),
        ({"subjects": 33}, "subjects 1 to 32, got 33"),
        ({"effect": float("nan")}, "effect must be a number, got nan"),
        ({"effect": 2.5}, "effect must lie between 0"),
        ({"n_trials": -1}, "n_trials must lie between 1 and 40.* got -1"),
        ({"lost_onsets": [0]}, r"lost_onsets among them, got 40 and \[0\]"),
        ({"lost_onsets": [41]}, "lost_onsets among them"),
        ({"flat": ["FP1"]}, r"Unknown EEG channel 'FP1'\. Did you mean 'Fp1'\?"),
        ({"flat": ["EXG1"]}, "Unknown EEG channel 'EXG1'"),
        ({"noisy": ["Pz", "Cq"]}, "Unknown EEG channel 'Cq'"),
    ],
)
def test_every_setting_that_cannot_be_written_is_refused_before_anything_is(
    tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        write_simulated_raw(tmp_path / "out", **settings)
    assert not (tmp_path / "out").exists()


# What lies beside them


def test_recordings_of_people_are_not_mixed_with_simulated_ones(tmp_path: Path) -> None:
    (tmp_path / "data_original").mkdir()
    (tmp_path / "data_original" / "s01.bdf").write_bytes(b"a person")
    with pytest.raises(ConfigError, match="were not simulated; name another folder"):
        write_simulated_raw(tmp_path, [1], n_trials=1)
    assert (tmp_path / "data_original" / "s01.bdf").read_bytes() == b"a person"


@pytest.mark.parametrize(
    "place",
    [
        "data_original/s32.bdf",
        "data_original/notes.txt",
        "data_original_clean/s01.bdf",
        "data_preprocessed_python/s01.dat",
        "data_preprocessed_matlab/s01.mat",
        "participant_ratings.csv",
    ],
)
def test_nothing_is_written_beside_what_people_left(tmp_path: Path, place: str) -> None:
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"a person")
    with pytest.raises(ConfigError, match="not simulated; name another folder"):
        write_simulated_raw(tmp_path, [1], n_trials=1)
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [path]
    assert path.read_bytes() == b"a person"


def test_other_simulated_people_do_not_stay_beside_the_new_ones(tmp_path: Path) -> None:
    write_simulated_raw(tmp_path, [1], n_trials=1)
    with pytest.raises(ConfigError, match="holds other simulated people"):
        write_simulated_raw(tmp_path, [2], n_trials=1)


def test_both_releases_of_the_same_people_lie_in_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        SimulatedSubject, "record", lambda self, trial: np.zeros((40, 8064), np.float32)
    )  # seconds, else
    write_simulated(tmp_path, [3])
    monkeypatch.undo()
    write_simulated_raw(tmp_path, [3], n_trials=1)
    assert {path.name for path in tmp_path.iterdir()} == {
        "data_original",
        "data_original_clean",
        "data_preprocessed_python",
        "participant_ratings.csv",
    }


# Writing


def test_each_recording_is_told_of_when_it_and_its_twin_are_whole(tmp_path: Path) -> None:
    seen: list[Path] = []

    def note(path: Path) -> None:
        twin = tmp_path / "data_original_clean" / path.name
        assert path.stat().st_size == twin.stat().st_size > 7_000_000
        assert not (tmp_path / "participant_ratings.csv").exists()
        seen.append(path)

    paths = write_simulated_raw(tmp_path, [7], n_trials=1, on_written=note)
    assert seen == [tmp_path / "data_original" / "s07.bdf"]
    assert paths == [*seen, tmp_path / "participant_ratings.csv"]


@pytest.mark.parametrize(
    ("error", "seen"),
    [(OSError(errno.ENOSPC, "No space left on device"), ConfigError), (KeyboardInterrupt(), KeyboardInterrupt)],
)
def test_writing_that_is_broken_off_leaves_no_half_of_a_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, seen: type[BaseException]
) -> None:
    def broken(self: edfio.Bdf, path: Path) -> None:
        Path(path).write_bytes(b"\xffBIOSEMI")
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(edfio.Bdf, "write", broken)
        with pytest.raises(seen):
            write_simulated_raw(tmp_path, [3], n_trials=1)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["SIMULATED.txt"] * 2
    write_simulated_raw(tmp_path, [3], n_trials=1)
    assert len(find_onsets(read_deap_raw(path_of(tmp_path, 3)))) == 1
