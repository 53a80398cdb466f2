from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import edfio
import mne
import numpy as np
import pandas as pd
import pytest
import scipy.signal
from numpy.testing import assert_allclose, assert_array_equal

from eegemo import ConfigError, load_deap_raw, write_simulated, write_simulated_raw
from eegemo.datasets._head_model import dipole_field, head_model, site_positions
from eegemo.datasets.deap_raw import find_onsets, read_deap_raw
from eegemo.datasets.simulated import DEFAULT_EFFECT, DEFAULT_SEED, SimulatedSubject
from eegemo.datasets.simulated_raw import _Recording

# As the dataset's description has them (FACTS.md, 3 and 4), written out here a second time.
GENEVA = (
    "Fp1 AF3 F3 F7 FC5 FC1 C3 T7 CP5 CP1 P3 P7 PO3 O1 Oz Pz Fp2 AF4 Fz F4 F8 FC6 FC2 Cz C4 T8 CP6 CP2 P4 P8 PO4 O2"
).split()
TWENTE = (
    "Fp1 AF3 F7 F3 FC1 FC5 T7 C3 CP1 CP5 P7 P3 Pz PO3 O1 Oz O2 PO4 P4 P8 CP6 CP2 C4 T8 FC6 FC2 F4 F8 AF4 Fp2 Fz Cz"
).split()
OTHERS = "EXG1 EXG2 EXG3 EXG4 EXG5 EXG6 EXG7 EXG8 GSR1 GSR2 Erg1 Erg2 Resp Plet Temp".split()
FS = 512


def path_of(release: Path, subject: int, folder: str = "data_original") -> Path:
    return release / folder / f"s{subject:02d}.bdf"


def microvolts(path: Path) -> dict[str, np.ndarray]:
    """Every channel but the trigger, as float32, by its name."""
    raw = mne.io.read_raw_bdf(path, stim_channel=-1, verbose="error")
    names = [*GENEVA, *OTHERS]
    data = raw.get_data(picks=names, units={"eeg": "uV"}).astype(np.float32)
    return dict(zip(names, data, strict=True))


def words_of(path: Path) -> np.ndarray:
    """The last channel of a BDF file, all 24 bits, from its bytes."""
    content = np.fromfile(path, np.uint8)
    n_channels = int(bytes(content[252:256]))
    records = content[256 * (n_channels + 1) :].reshape(-1, n_channels, FS, 3)[:, -1].reshape(-1, 3).astype(np.int64)
    return np.asarray(records @ [1, 1 << 8, 1 << 16])


def correlation(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.corrcoef(x, y)[0, 1])


@pytest.fixture(scope="module")
def recorded(raw_release: Path) -> dict[str, np.ndarray]:
    return microvolts(path_of(raw_release, 1))


@pytest.fixture(scope="module")
def clean(raw_release: Path) -> dict[str, np.ndarray]:
    return microvolts(path_of(raw_release, 1, "data_original_clean"))


@pytest.fixture(scope="module")
def artefacts(recorded: dict[str, np.ndarray], clean: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: recorded[name] - clean[name] for name in recorded}


# --- the files --------------------------------------------------------------------------------------------------------


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
    session = _Recording(simulated, 40, lost_onsets=[3, 40])
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


# --- the clean twin ---------------------------------------------------------------------------------------------------


def in_band(samples: np.ndarray, low: float, high: float, sfreq: float) -> np.ndarray:
    """Take everything else out of the spectrum: no filter of the package."""
    spectrum = np.fft.rfft(samples, axis=-1)
    f = np.fft.rfftfreq(samples.shape[-1], 1 / sfreq)
    spectrum[..., (f < low) | (f > high)] = 0
    return np.asarray(np.fft.irfft(spectrum, samples.shape[-1], axis=-1))


@pytest.mark.parametrize("subject", [1, 24, 29])
def test_the_twins_trials_are_the_brains_of_simulate_but_for_the_sensors_noise(raw_release: Path, subject: int) -> None:
    channels = microvolts(path_of(raw_release, subject, "data_original_clean"))
    eeg = np.stack([channels[name] for name in GENEVA]).astype(float)
    eeg -= eeg.mean(axis=0)
    simulated = SimulatedSubject(subject, DEFAULT_EFFECT, DEFAULT_SEED)
    for number in (0, 3):
        first = 4 * round(simulated.onsets()[number] * 128) - 3 * FS
        ours = in_band(eeg[:, first : first + 63 * FS], 5, 42, FS)[:, ::4]
        theirs = in_band(simulated.brain(int(simulated.order[number])), 5, 42, 128)
        inside = slice(256, -256)  # the ends of a piece that is cut out jump
        for x, y in zip(ours[:, inside], theirs[:, inside], strict=True):
            assert correlation(x, y) > 0.995  # of sensors 0.3 µV up to 256 Hz, so 0.11 µV in this band
            assert x @ y / (y @ y) == pytest.approx(1, abs=0.005)
        assert (
            np.abs(ours - theirs)[:, inside].max() < 1
        )  # 0.3 microvolts of noise in 0 to 256 Hz, a seventh of it here


def test_only_the_electrodes_differ_between_a_recording_and_its_twin(
    recorded: dict[str, np.ndarray], clean: dict[str, np.ndarray]
) -> None:
    same = {name for name in recorded if np.array_equal(recorded[name], clean[name])}
    assert same == set(OTHERS) - {"EXG1", "EXG2", "EXG3", "EXG4"}


def test_artefacts_know_nothing_of_the_brain(clean: dict[str, np.ndarray], artefacts: dict[str, np.ndarray]) -> None:
    assert max(abs(correlation(np.diff(artefacts[name]), np.diff(clean[name]))) for name in GENEVA) < 0.05


# --- artefacts --------------------------------------------------------------------------------------------------------


def slow(samples: np.ndarray) -> np.ndarray:
    """Below 8 Hz: blinks and gaze without mains and muscles."""
    return np.asarray(scipy.signal.sosfiltfilt(scipy.signal.butter(2, 8, fs=FS, output="sos"), samples))


def test_blinks_come_15_times_a_minute_with_100_to_400_microvolts(artefacts: dict[str, np.ndarray]) -> None:
    eye = slow(artefacts["EXG3"] - artefacts["EXG4"])
    peaks, found = scipy.signal.find_peaks(eye, prominence=90, width=(None, FS))
    minutes = len(eye) / FS / 60
    assert 10 < len(peaks) / minutes < 20
    smallest, middle, largest = np.percentile(found["prominences"], [10, 50, 90])
    assert smallest > 90
    assert 180 < middle < 280
    assert largest < 450  # with a move of the gaze below some of them


def test_blinks_are_strongest_on_the_forehead_and_alike_on_both_sides(artefacts: dict[str, np.ndarray]) -> None:
    eye = slow(artefacts["EXG3"] - artefacts["EXG4"])
    peaks, _ = scipy.signal.find_peaks(eye[FS:-FS], prominence=120, width=(None, FS))
    peaks += FS

    def height(name: str) -> float:
        course = slow(artefacts[name])
        return float(np.mean(course[peaks] - (course[peaks - 100] + course[peaks + 180]) / 2))

    heights = {name: height(name) for name in GENEVA}
    assert set(sorted(heights, key=lambda name: -abs(heights[name]))[:2]) == {"Fp1", "Fp2"}
    for left, right in (("Fp1", "Fp2"), ("AF3", "AF4"), ("F3", "F4")):
        assert heights[left] == pytest.approx(heights[right], rel=0.15)
    assert heights["Fp1"] > heights["AF3"] > heights["F3"] > heights["FC1"] > heights["C3"]
    assert heights["Fp1"] > 80
    assert height("EXG3") > 0 > height("EXG4")  # a blink is positive above the eye


def test_gaze_to_one_side_is_the_reverse_of_gaze_to_the_other(artefacts: dict[str, np.ndarray]) -> None:
    def step(samples: np.ndarray) -> np.ndarray:
        low = slow(samples)
        return np.asarray(low[51:] - low[:-51])  # in a tenth of a second

    eye = step(artefacts["EXG1"] - artefacts["EXG2"])
    moves = np.abs(eye) > 40
    assert moves.any()

    def weight(name: str) -> float:
        return float(step(artefacts[name])[moves] @ eye[moves] / (eye[moves] @ eye[moves]))

    assert weight("F7") > 0.2
    for left, right in (("F7", "F8"), ("FC5", "FC6"), ("T7", "T8")):
        assert weight(left) == pytest.approx(-weight(right), abs=0.05)
    assert abs(weight("Cz")) < 0.05


def test_muscles_burst_near_temples_neck_and_forehead(raw_release: Path) -> None:
    band = scipy.signal.butter(4, (57, 93), "bandpass", fs=FS, output="sos")  # between the mains' harmonics
    for subject in (1, 24):
        theirs, twins = (microvolts(path_of(raw_release, subject, f)) for f in ("data_original", "data_original_clean"))
        fast = scipy.signal.sosfiltfilt(band, np.stack([theirs[name] - twins[name] for name in GENEVA]))
        size = fast[:, : fast.shape[1] // 64 * 64].reshape(32, -1, 64).std(axis=2)
        assert size.max() > 5 * np.median(size)
        assert GENEVA[int(size.max(axis=1).argmax())] in {"F7", "F8", "T7", "T8", "Fp1", "Fp2", "O1", "O2"}


def test_a_noisy_channel_has_300_microvolts_and_a_flat_one_none_and_the_stage_says_so(tmp_path: Path) -> None:
    path, _ = write_simulated_raw(tmp_path, [2], n_trials=1, flat=["Pz", "O2"], noisy=["F3"])
    ours, twins = microvolts(path), microvolts(path_of(tmp_path, 2, "data_original_clean"))
    assert ours["Pz"].std() == ours["O2"].std() == 0
    assert np.diff(ours["F3"] - twins["F3"]).std() / np.sqrt(2) == pytest.approx(300, rel=0.05)
    assert np.diff(ours["F4"] - twins["F4"]).std() < 30
    assert min(twins[name].std() for name in ("Pz", "O2", "F3")) > 1
    with pytest.warns(UserWarning, match=r"s02\.bdf: .*interpolated: (?=.*Pz: flat)(?=.*O2: flat)(?=.*F3: noisy)"):
        load_deap_raw(tmp_path, channels=["Fp1"])


# --- the head ---------------------------------------------------------------------------------------------------------


def test_electrodes_lie_on_the_sphere_in_the_order_of_geneva() -> None:
    info, sphere = head_model()
    assert info["ch_names"] == GENEVA
    places = np.array([channel["loc"][:3] for channel in info["chs"]])
    far = np.linalg.norm(places - sphere["r0"], axis=1)
    assert_allclose(far, sphere.radius, rtol=0.12)
    at = dict(zip(GENEVA, places, strict=True))
    assert at["T7"][0] < at["C3"][0] < at["Cz"][0] < at["C4"][0] < at["T8"][0]  # x to the right
    assert at["Oz"][1] < at["Pz"][1] < at["Cz"][1] < at["Fz"][1] < at["Fp1"][1]  # y to the front
    assert (np.linalg.norm(site_positions() - sphere["r0"], axis=1) < sphere["layers"][0]["rad"]).all()


def test_the_field_of_a_dipole_is_that_of_each_electrode_alone_and_linear() -> None:
    info, sphere = head_model()
    positions = sphere["r0"] + np.array([[0.0, 0.03, 0.05], [0.04, 0.0, 0.04]])
    field = dipole_field(info, positions)
    assert field.shape == (32, 2, 3)
    few = mne.pick_info(info, [5, 20])
    assert_allclose(dipole_field(few, positions), field[[5, 20]], rtol=1e-6)  # no reference among the electrodes
    assert_allclose(dipole_field(info, positions[[1]])[:, 0], field[:, 1], rtol=1e-6)
    sites = dipole_field(info, site_positions())
    assert np.linalg.norm(sites, axis=(0, 2)).mean() == pytest.approx(1)


def test_the_field_of_a_dipole_in_the_centre_is_the_cosine_over_the_squared_distance() -> None:
    info, sphere = head_model()
    up = dipole_field(info, sphere["r0"][None] + [[0, 0, 1e-4]])[:, 0, 2]
    offsets = np.array([channel["loc"][:3] for channel in info["chs"]]) - sphere["r0"]
    expected = offsets[:, 2] / np.linalg.norm(offsets, axis=1) ** 3  # layers around the centre only scale it
    assert_allclose(up / up.max(), expected / expected.max(), atol=0.02)


# --- what is refused, and what stays ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"subjects": []}, r"subjects must be a positive count or different numbers from 1, got \[\]"),
        ({"subjects": [2, 2]}, "subjects must be"),
        ({"subjects": [0, 1]}, "subjects must be"),
        ({"subjects": 33}, "subjects 1 to 32, got 33"),
        ({"effect": float("nan")}, "effect must lie between 0"),
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


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_writing_that_is_broken_off_leaves_no_half_of_a_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def broken(self: edfio.Bdf, path: Path) -> None:
        Path(path).write_bytes(b"\xffBIOSEMI")
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(edfio.Bdf, "write", broken)
        with pytest.raises(type(error)):
            write_simulated_raw(tmp_path, [3], n_trials=1)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["SIMULATED.txt"] * 2
    write_simulated_raw(tmp_path, [3], n_trials=1)
    assert len(find_onsets(read_deap_raw(path_of(tmp_path, 3)))) == 1
