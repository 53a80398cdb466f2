from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.io
from numpy.testing import assert_array_equal

import eegemo
from eegemo import DataFormatError, Trials, leakage_record, load_seed_iv, make_splitter
from eegemo.datasets import _written_seed, dataset, recognise
from eegemo.datasets.simulated_releases import write_simulated_release
from seed_files import SEED_IV, Hummer, samples

# As ReadMe.txt of the release has them, written out once more: neutral, sad, fear, happy.
SESSION1 = [1, 2, 3, 0, 2, 0, 0, 1, 0, 1, 2, 1, 1, 1, 2, 3, 2, 2, 3, 3, 0, 3, 0, 3]
SESSION2 = [2, 1, 3, 0, 0, 2, 0, 2, 3, 3, 2, 3, 2, 0, 1, 1, 2, 1, 0, 3, 0, 1, 3, 1]
SESSION3 = [1, 2, 2, 1, 3, 3, 3, 1, 1, 2, 1, 0, 2, 3, 3, 0, 2, 3, 0, 0, 2, 0, 1, 0]
NAMES = {0: "neutral", 1: "sad", 2: "fear", 3: "happy"}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person on three days and one on two, among other things that lie there."""
    folder = tmp_path_factory.mktemp("SEED_IV")
    place = folder / "eeg_raw_data"
    for name, initials, seed in (
        ("1/10_20151014.mat", "tyc", 101),
        ("1/2_20150915.mat", "ha", 21),
        ("2/2_20150920.mat", "ha", 22),
        ("3/2_20151012.mat", "ha", 23),
        ("3/10_20151023.mat", "tyc", 103),
    ):
        SEED_IV.write(place, name, SEED_IV.contents(seed, initials))
    SEED_IV.write(place, "4/10_20151024.mat", {"never": "read"})
    (place / "1" / "readme.txt").write_text("never read")
    for name in ("eeg_feature_smooth", "eye_raw_data"):
        SEED_IV.write(folder / name, "1/2_20150915.mat", {"de_LDS1": np.zeros((62, 42, 5))})
    (folder / "ReadMe.txt").write_text("never read")
    return folder


@pytest.fixture(scope="module")
def loaded(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Trials:
    return load_seed_iv(release, cache=tmp_path_factory.mktemp("stores"))


def test_each_trial_of_each_person_is_where_the_table_says(loaded: Trials) -> None:
    assert (loaded.sfreq, loaded.dataset, loaded.simulated) == (200.0, "SEED-IV", False)
    assert loaded.table["subject"].tolist() == [2] * 72 + [10] * 48
    assert loaded.table["n_times"].tolist() == list(range(21, 45)) * 5
    assert set(loaded.table["n_baseline"]) == {0}
    for number, (seed, film) in enumerate((seed, film) for seed in (21, 22, 23, 101, 103) for film in range(1, 25)):
        assert_array_equal(loaded.trial_data(number), samples(seed, film).astype(np.float32))


def test_sessions_are_the_folders_though_a_person_lacks_one(loaded: Trials) -> None:
    assert loaded.table["session"].tolist() == [1] * 24 + [2] * 24 + [3] * 24 + [1] * 24 + [3] * 24


def test_each_session_has_films_of_its_own(loaded: Trials) -> None:
    expected = [*range(1, 73), *range(1, 25), *range(49, 73)]
    assert loaded.table["stimulus"].tolist() == expected
    assert loaded.table["trial"].tolist() == expected


def test_emotions_are_those_of_the_session_s_films(loaded: Trials) -> None:
    labels = [*SESSION1, *SESSION2, *SESSION3, *SESSION1, *SESSION3]
    assert loaded.table["emotion"].tolist() == [NAMES[label] for label in labels]
    (scheme,) = dataset("seed-iv").schemes
    assert scheme.classes == ("neutral", "sad", "fear", "happy")
    assert scheme(loaded).tolist() == labels
    for session in (SESSION1, SESSION2, SESSION3):
        assert [session.count(label) for label in range(4)] == [6, 6, 6, 6]


def test_the_cap_is_that_of_seed_and_no_pass_band_is_known(loaded: Trials) -> None:
    assert loaded.ch_names == dataset("seed").ch_names
    assert loaded.pass_band == (None, None)


@pytest.mark.parametrize("within", ["", "eeg_raw_data"])
@pytest.mark.parametrize("session", [1, 2, 3])
def test_any_folder_that_leads_to_the_files_is_taken(tmp_path: Path, within: str, session: int) -> None:
    SEED_IV.write(tmp_path / within, f"{session}/1_20160518.mat")
    assert recognise(tmp_path) == "seed-iv"
    assert set(eegemo.load(tmp_path, channels=["Cz"]).table["session"]) == {session}


def test_where_the_samples_come_from_is_written_down(loaded: Trials) -> None:
    provenance = loaded.provenance
    assert (provenance["source"], provenance["subjects"]) == ("eeg_raw_data", [2, 10])
    assert "10.1109/TCYB.2018.2797176" in provenance["reference"] and "BCMI" in provenance["licence"]
    assert "stimulus" in provenance["caution"]


def test_people_and_channels_are_chosen(release: Path) -> None:
    trials = load_seed_iv(release, subjects=[10], channels=["CB2", "Fp1"])
    assert trials.table["subject"].tolist() == [10] * 48
    assert_array_equal(trials.trial_data(24), samples(103, 1)[[61, 0]].astype(np.float32))
    with pytest.raises(DataFormatError, match=r"has no file of subject 3; it holds subjects 2, 10"):
        load_seed_iv(release, subjects=[2, 3])


def test_a_session_is_tested_that_training_did_not_see_nor_of_one_person_its_films(tmp_path: Path) -> None:
    for subject, session in ((subject, session) for subject in (1, 2) for session in (1, 2, 3)):
        SEED_IV.write(
            tmp_path, f"{session}/{subject}_2016051{session}.mat", SEED_IV.contents(10 * subject + session, n_times=50)
        )
    trials = load_seed_iv(tmp_path, channels=["Cz", "Pz"])
    for chosen, stimulus in ((trials, None), (trials.select("subject == 1"), 0.0)):
        windows = chosen.windows(duration=0.25)
        folds = list(make_splitter("session", n_splits=3).triples(windows))
        assert len(folds) == 3
        for train, validation, test in folds:
            leakage = leakage_record(windows, np.append(train, validation), test)
            assert (leakage.session, leakage.subject) == (0.0, 1.0)
            assert stimulus is None or leakage.stimulus == stimulus


# Files that are not those of the release


def test_two_files_of_a_session_are_refused(tmp_path: Path) -> None:
    SEED_IV.write(tmp_path, "2/7_20150715.mat")
    SEED_IV.write(tmp_path, "2/7_20150717.mat")
    with pytest.raises(DataFormatError, match=r"holds 2/7_20150715\.mat, 2/7_20150717\.mat of subject 7; .*take away"):
        load_seed_iv(tmp_path)


def test_a_file_that_lies_in_two_sessions_is_refused(tmp_path: Path) -> None:
    SEED_IV.write(tmp_path, "1/7_20150715.mat")
    SEED_IV.write(tmp_path, "3/7_20150715.mat")
    with pytest.raises(DataFormatError, match=r"holds 1/7_20150715\.mat, 3/7_20150715\.mat of subject 7; .*take away"):
        load_seed_iv(tmp_path)


def test_a_file_of_seed_is_refused_and_one_of_seed_iv_is_by_seed(tmp_path: Path) -> None:
    path = SEED_IV.write(
        tmp_path,
        arrays={name: array for name, array in SEED_IV.contents().items() if len(name) < 8 or name < "cz_eeg16"},
    )
    with pytest.raises(DataFormatError, match=r"there is no 'cz_eeg16', and only 15 of the 24 trials"):
        load_seed_iv(tmp_path)
    SEED_IV.write(tmp_path)
    scipy.io.savemat(path.parent / "label.mat", {"label": [[1, 0, -1, -1, 0, 1, -1, 0, 1, 1, 0, -1, 0, 1, -1]]})
    with pytest.raises(DataFormatError, match=r"'cz_eeg16' is none of the 15 trials of a session of SEED; .*another"):
        eegemo.load_seed(path.parent)


# The writer


class ArousedHummer(Hummer):
    felt_as = 1


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(_written_seed, "SEED_IV_N_TIMES", tuple(tuple(range(n, n + 24)) for n in (10, 40, 70)))
    monkeypatch.setattr("eegemo.datasets.simulated_releases.SimulatedPerson", ArousedHummer)
    write_simulated_release(tmp_path / "written", "seed-iv", [2, 11])
    return tmp_path / "written"


def test_what_is_written_comes_back(written: Path) -> None:
    trials = eegemo.load(written)
    assert (trials.dataset, trials.simulated) == ("simulated SEED-IV files", True)
    assert load_seed_iv(written / "eeg_raw_data").simulated
    labels = [*SESSION1, *SESSION2, *SESSION3]
    assert trials.table["emotion"].tolist() == [NAMES[label] for label in labels] * 2
    arousal = {0: -0.5, 1: -0.5, 2: 1.0, 3: 0.5}
    for row, (subject, film) in enumerate((subject, film) for subject in (2, 11) for film in range(72)):
        hum = ArousedHummer("SEED-IV", subject, trials.ch_names, 200.0)
        n_times = (10, 40, 70)[film // 24] + film % 24
        assert_array_equal(trials.trial_data(row), hum.record(film, n_times, (0, arousal[labels[film]])).T)


def test_files_are_written_as_the_release_has_them(written: Path) -> None:
    for session, first in (("1", 10), ("2", 40), ("3", 70)):
        paths = sorted((written / "eeg_raw_data" / session).iterdir())
        assert [path.name.partition("_")[0] for path in paths] == ["11", "2"]
        shapes = scipy.io.whosmat(paths[0])
        initials = shapes[0][0].partition("_")[0]
        assert shapes == [(f"{initials}_eeg{n + 1}", (62, first + n), "double") for n in range(24)]


def test_the_same_people_are_written_in_the_same_bytes(written: Path, tmp_path: Path) -> None:
    again = write_simulated_release(tmp_path / "again", "seed-iv", [2, 11])
    assert len(again) == 6
    for path in again:
        assert path.read_bytes() == (written / path.relative_to(tmp_path / "again")).read_bytes()


def test_sessions_have_as_many_stretches_of_4_s_as_those_of_seed_iv() -> None:
    stretches = [sum(n_times // 800 for n_times in session) for session in _written_seed.SEED_IV_N_TIMES]
    assert stretches == [851, 832, 822]
