from __future__ import annotations

import re
import tracemalloc
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pytest
import scipy.io
from numpy.testing import assert_allclose, assert_array_equal

import eegemo
from eegemo import ConfigError, DataFormatError, Trials, leakage_record, load_seed, make_splitter
from eegemo.datasets import _written_seed, dataset, recognise
from eegemo.datasets.simulated_releases import write_simulated_release
from seed_files import SEED, Hummer, samples
from seed_files import SEED_LABELS as LABELS

# As the release has them, written out once more.
EMOTIONS = [
    *("positive", "neutral", "negative", "negative", "neutral"),
    *("positive", "negative", "neutral", "positive", "positive"),
    *("neutral", "negative", "neutral", "positive", "negative"),
]
CHANNELS = (
    "FP1 FPZ FP2 AF3 AF4 F7 F5 F3 F1 FZ F2 F4 F6 F8 FT7 FC5 FC3 FC1 FCZ FC2 FC4 FC6 FT8 T7 C5 C3 C1 CZ C2 C4 C6 T8 "
    "TP7 CP5 CP3 CP1 CPZ CP2 CP4 CP6 TP8 P7 P5 P3 P1 PZ P2 P4 P6 P8 PO7 PO5 PO3 POZ PO4 PO6 PO8 CB1 O1 OZ O2 CB2"
).split()


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people on three days and one on one, among other things that lie there."""
    folder = tmp_path_factory.mktemp("SEED")
    place = folder / "Preprocessed_EEG"
    for name, initials, seed in (
        ("10_20131130.mat", "wsf", 100),
        ("2_20140419.mat", "jl", 22),
        ("2_20140404.mat", "jl", 20),
        ("2_20140413.mat", "jl", 21),
        ("1_20131107.mat", "djc", 12),
        ("1_20131030.mat", "djc", 11),
        ("1_20131027.mat", "djc", 10),
    ):
        SEED.write(place, name, SEED.contents(seed, initials))
    (place / "readme.txt").write_text("never read")
    (place / "1_20131027 (1).mat").write_bytes(b"never read")
    (place / "1_20131108.mat").mkdir()
    SEED.write(folder / "ExtractedFeatures", "1_20131027.mat", {"de_LDS1": np.zeros((62, 235, 5))})
    return folder


@pytest.fixture(scope="module")
def loaded(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Trials:
    return load_seed(release, cache=tmp_path_factory.mktemp("stores"))


def test_each_trial_of_each_person_is_where_the_table_says(loaded: Trials) -> None:
    assert (loaded.sfreq, loaded.dataset, loaded.simulated, loaded.pass_band) == (200.0, "SEED", False, (None, 75.0))
    assert loaded.table["subject"].tolist() == [1] * 45 + [2] * 45 + [10] * 15
    assert loaded.table["n_times"].tolist() == list(range(21, 36)) * 7
    assert set(loaded.table["n_baseline"]) == {0}
    for number, (seed, film) in enumerate((seed, film) for seed in (10, 11, 12, 20, 21, 22, 100) for film in range(15)):
        assert_array_equal(loaded.trial_data(number), samples(seed, film + 1).astype(np.float32))


def test_sessions_are_a_person_s_files_by_their_dates(loaded: Trials) -> None:
    assert loaded.table["session"].tolist() == 2 * ([1] * 15 + [2] * 15 + [3] * 15) + [1] * 15


def test_films_are_the_same_in_all_sessions_and_trials_count_on(loaded: Trials) -> None:
    assert loaded.table["stimulus"].tolist() == list(range(1, 16)) * 7
    assert loaded.table["trial"].tolist() == 2 * list(range(1, 46)) + list(range(1, 16))


def test_emotions_are_those_of_the_films(loaded: Trials) -> None:
    assert loaded.table["emotion"].tolist() == EMOTIONS * 7
    (scheme,) = dataset("seed").schemes
    assert scheme.classes == ("negative", "neutral", "positive")
    assert scheme(loaded)[15:30].tolist() == [label + 1 for label in LABELS]


def test_channels_are_in_the_order_of_the_release_by_their_names_in_the_10_05_system(loaded: Trials) -> None:
    assert [name.upper() for name in loaded.ch_names] == CHANNELS
    assert [name for name in loaded.ch_names if not name.isupper()] == "Fp1 Fpz Fp2 Fz FCz Cz CPz Pz POz Oz".split()


def test_sixty_of_the_channels_have_places_and_none_lies_at_the_origin(tmp_path: Path) -> None:
    SEED.write(tmp_path, arrays=SEED.contents(n_times=30))
    trials = load_seed(tmp_path)
    expected = mne.create_info([name for name in trials.ch_names if not name.startswith("CB")], 200.0, "eeg")
    expected.set_montage("colin27_1005")
    epochs = trials.to_epochs()
    epochs.save(tmp_path / "seed-epo.fif", verbose="error")
    read = mne.read_epochs(tmp_path / "seed-epo.fif", verbose="error")
    for info in (trials.info, epochs.info, read.info):
        places = {channel["ch_name"]: channel["loc"][:3] for channel in info["chs"]}
        assert np.isnan(places.pop("CB1")).all() and np.isnan(places.pop("CB2")).all()
        assert len(places) == 60
        for channel in expected["chs"]:
            assert_allclose(places[channel["ch_name"]], channel["loc"][:3], atol=1e-7)
            assert np.linalg.norm(channel["loc"][:3]) > 0.05  # metres


def test_mne_draws_the_sixty_and_refuses_to_draw_the_others(tmp_path: Path) -> None:
    SEED.write(tmp_path, arrays=SEED.contents(n_times=30))
    evoked = load_seed(tmp_path).to_epochs().average()
    with pytest.raises(ValueError, match=r"CB1.*CB2"):
        evoked.plot_topomap(times=[0.0], show=False)
    evoked.drop_channels(["CB1", "CB2"]).plot_topomap(times=[0.0], show=False)
    assert len(eegemo.Trials.from_epochs(load_seed(tmp_path).to_epochs()).ch_names) == 62


@pytest.mark.parametrize("within", ["", "Preprocessed_EEG", "SEED_EEG/Preprocessed_EEG"])
def test_any_folder_that_leads_to_the_files_is_taken(tmp_path: Path, within: str) -> None:
    SEED.write(tmp_path / within)
    assert recognise(tmp_path) == "seed"
    assert len(eegemo.load(tmp_path, channels=["Cz"])) == 15


def test_where_the_samples_come_from_is_written_down(loaded: Trials) -> None:
    provenance = loaded.provenance
    assert (provenance["source"], provenance["subjects"]) == ("Preprocessed_EEG", [1, 2, 10])
    assert "10.1109/TAMD.2015.2431497" in provenance["reference"] and "BCMI" in provenance["licence"]
    assert "stimulus" in provenance["caution"]


def test_people_and_channels_are_chosen(release: Path) -> None:
    trials = load_seed(release, subjects=[10, 2], channels=["T8", "Fp1"])
    assert trials.table["subject"].tolist() == [10] * 15 + [2] * 45
    assert_array_equal(trials.trial_data(0), samples(100, 1)[[31, 0]].astype(np.float32))
    emotiv = load_seed(release, subjects=[1], channels="emotiv14")
    assert (len(emotiv.ch_names), emotiv.ch_names[:2]) == (14, ("AF3", "F3"))
    with pytest.raises(DataFormatError, match=r"has no file of subject 3; it holds subjects 1, 2, 10"):
        load_seed(release, subjects=[1, 3])
    with pytest.raises(ConfigError, match=r"Unknown channel 'CB3'\. Did you mean 'C3'"):
        load_seed(release, channels=["CB3"])


# Protocols


def test_a_session_is_tested_that_training_did_not_see_with_films_that_it_did(tmp_path: Path) -> None:
    for subject, day in ((subject, day) for subject in (1, 2) for day in (1, 2, 3)):
        SEED.write(tmp_path, f"{subject}_2013110{day}.mat", SEED.contents(10 * subject + day, n_times=50))
    windows = load_seed(tmp_path, channels=["Cz", "Pz"]).windows(duration=0.25)
    folds = list(make_splitter("session", n_splits=3).triples(windows))
    assert len(folds) == 3
    for train, validation, test in folds:
        leakage = leakage_record(windows, np.append(train, validation), test)
        assert (leakage.session, leakage.subject, leakage.stimulus) == (0.0, 1.0, 1.0)
        assert set(windows.table["subject"].iloc[test]) == {1, 2}


# label.mat


def test_without_label_mat_the_published_order_is_taken_with_a_word(tmp_path: Path) -> None:
    SEED.write(tmp_path, label=None)
    with pytest.warns(UserWarning, match=r"holds no label\.mat; the emotions are in the published order"):
        trials = load_seed(tmp_path)
    assert trials.table["emotion"].tolist() == EMOTIONS
    SEED.write(tmp_path)
    assert load_seed(tmp_path).fingerprint == trials.fingerprint


@pytest.mark.parametrize("kind", [np.int16, np.float64, np.int8])
def test_label_mat_may_hold_numbers_of_any_kind_as_a_row_or_a_column(tmp_path: Path, kind: type) -> None:
    SEED.write(tmp_path, label=None)
    for shape in ((1, 15), (15, 1)):
        scipy.io.savemat(tmp_path / "label.mat", {"label": np.array(LABELS, kind).reshape(shape)})
        assert load_seed(tmp_path).table["emotion"].tolist() == EMOTIONS


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ([2, 1, 0, 0, 1, 2, 0, 1, 2, 2, 1, 0, 1, 2, 0], r"film 1 has label 2, and 1 is published"),
        ([1, 0, -1, -1, 0, 1, -1, 0, 1, 1, 0, -1, 0, -1, 1], r"film 14 has label -1, and 1 is published"),
        ([1.0, 0, -1, -1, 0, np.nan, -1, 0, 1, 1, 0, -1, 0, 1, -1], r"film 6 has label nan, and 1 is published"),
        (LABELS[:14], r"'label' has shape \(1, 14\), expected \(1, 15\)"),
        (LABELS * 3, r"'label' has shape \(1, 45\)"),
        (LABELS * 30, r"cannot be read as a MATLAB file \(3600 bytes .* at most 1000"),
        ("positive", r"'label' is text"),
    ],
)
def test_other_labels_than_those_published_are_refused(tmp_path: Path, label: Any, message: str) -> None:
    SEED.write(tmp_path, label=label)
    with pytest.raises(DataFormatError, match=rf"^label\.mat: .*{message}"):
        load_seed(tmp_path)


def test_a_label_mat_of_other_things_is_refused_and_so_is_a_damaged_one(tmp_path: Path) -> None:
    SEED.write(tmp_path)
    scipy.io.savemat(tmp_path / "label.mat", {"labels": np.array([LABELS])})
    with pytest.raises(DataFormatError, match=r"^label\.mat: there is no 'label' in it"):
        load_seed(tmp_path)
    (tmp_path / "label.mat").write_bytes(b"<html>404</html>" * 100)
    with pytest.raises(DataFormatError, match=r"^label\.mat: cannot be read as a MATLAB file"):
        load_seed(tmp_path)


def test_labels_are_compared_though_the_store_is_there(tmp_path: Path) -> None:
    SEED.write(tmp_path)
    load_seed(tmp_path)
    SEED.write(tmp_path, label=[-number for number in LABELS])
    with pytest.raises(DataFormatError, match="film 1 has label -1"):
        load_seed(tmp_path)


# Files that are not those of the release


def test_more_than_three_sessions_of_a_person_are_refused(tmp_path: Path) -> None:
    for day in range(1, 5):
        SEED.write(tmp_path, f"7_2013110{day}.mat")
    with pytest.raises(DataFormatError, match=r"4 files of subject 7, 7_20131101\.mat, .*3 sessions a person; take"):
        load_seed(tmp_path)


def test_one_file_is_in_memory_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eegemo.datasets._store._CHUNK", 1 << 16)  # what is hashed at once
    n_times, size = 700, 15 * 62 * 700 * 4
    for day in (1, 2, 3):
        SEED.write(tmp_path, f"1_2013110{day}.mat", SEED.contents(day, n_times=n_times))
    load_seed(tmp_path, channels=["Cz"])  # what is imported on the way is no part of it
    tracemalloc.start()
    load_seed(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.6 * size  # its trials, and one of them in double precision and as it is packed


# The writer


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(_written_seed, "SEED_N_TIMES", tuple(range(11, 26)))
    monkeypatch.setattr("eegemo.datasets.simulated_releases.SimulatedPerson", Hummer)
    write_simulated_release(tmp_path / "written", "seed", [2, 11])
    return tmp_path / "written"


def test_what_is_written_comes_back(written: Path) -> None:
    trials = eegemo.load(written)
    assert (trials.dataset, trials.simulated) == ("simulated SEED files", True)
    assert trials.table["emotion"].tolist() == EMOTIONS * 6
    for row, (subject, recording) in enumerate((subject, recording) for subject in (2, 11) for recording in range(45)):
        hum = Hummer("SEED", subject, trials.ch_names, 200.0)
        valence = LABELS[recording % 15]
        expected = hum.record(recording, 11 + recording % 15, (float(valence), 0))
        assert_array_equal(trials.trial_data(row), expected.T)


def test_it_is_known_to_be_simulated_from_whichever_folder_it_is_loaded(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_seed(written / "Preprocessed_EEG").simulated
    monkeypatch.chdir(written / "Preprocessed_EEG")
    assert load_seed(".").simulated


def test_files_are_written_as_the_release_has_them(written: Path) -> None:
    names = sorted(path.name for path in (written / "Preprocessed_EEG").iterdir())
    assert len(names) == 7 and "label.mat" in names
    assert all(re.fullmatch(r"(2|11)_\d{8}\.mat", name) for name in names if name != "label.mat")
    assert scipy.io.loadmat(written / "Preprocessed_EEG" / "label.mat")["label"].tolist() == [LABELS]
    for name in names[:3]:
        shapes = scipy.io.whosmat(written / "Preprocessed_EEG" / name)
        initials = shapes[0][0].partition("_")[0]
        assert [(array, kind) for array, _, kind in shapes] == [(f"{initials}_eeg{n}", "double") for n in range(1, 16)]
        assert [shape for _, shape, _ in shapes] == [(62, n_times) for n_times in range(11, 26)]


def test_the_same_people_are_written_in_the_same_bytes(written: Path, tmp_path: Path) -> None:
    again = write_simulated_release(tmp_path / "again", "seed", [2, 11])
    assert len(again) == 7
    for path in again:
        assert path.read_bytes() == (written / path.relative_to(tmp_path / "again")).read_bytes()


def test_trials_are_as_long_as_seed_s() -> None:
    seconds = [235, 233, 206, 238, 185, 195, 237, 216, 265, 237, 235, 233, 235, 238, 206]
    assert [n_times // 200 for n_times in _written_seed.SEED_N_TIMES] == seconds


def test_a_simulated_person_wears_the_cap_of_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_written_seed, "SEED_N_TIMES", (30,) * 15)
    monkeypatch.setattr(_written_seed, "N_SESSIONS", 1)
    write_simulated_release(tmp_path / "seed", "seed", [1])
    trials = load_seed(tmp_path / "seed")
    assert trials.simulated and 1 < trials.signals.std() < 50
    assert (trials.signals.std(axis=0) > 0).all()
