from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from numpy.testing import assert_array_equal

import eegemo
from eegemo import ConfigError, DataFormatError, Trials, load_dreamer
from eegemo.datasets import _written_dreamer, dataset, recognise
from eegemo.datasets._simulated_people import SimulatedPerson
from eegemo.datasets.simulated_releases import write_simulated_release
from matlab_files import cells, structs, write_5, write_73

# The documented order, written out once more.
EMOTIV = "AF3 F7 F3 FC5 T7 P7 O1 O2 P8 T8 FC6 F4 F8 AF4".split()
FILMS = range(18)
VALENCE = [3, 3, 5, 2, 3, 3, 5, 1, 1, 2, 4, 4, 4, 2, 2, 4, 2, 3]
AROUSAL = [2, 3, 4, 4, 4, 4, 3, 4, 3, 3, 2, 3, 4, 2, 3, 3, 3, 4]
DOMINANCE = [4, 3, 3, 2, 4, 3, 4, 3, 2, 3, 4, 4, 4, 3, 2, 4, 2, 5]
N_BASELINE = 50


def film(person: int, number: int, n_times: int | None = None) -> np.ndarray:
    """Whole numbers, as every channel and sample of every film has its own; (n_times, 14)."""
    n_times = 300 + 10 * number if n_times is None else n_times
    return 4200.0 + person * 1000 + number * 10 + np.arange(n_times)[:, None] / 8 + np.arange(14) / 64


def baseline(person: int, number: int) -> np.ndarray:
    return -film(person, number, N_BASELINE)


def person(number: int, **changes: Any) -> dict[str, Any]:
    column = lambda scores: np.array(scores, float)[:, None]  # noqa: E731
    return {
        "Age": "22",
        "Gender": "male",
        "EEG": {
            "baseline": cells(*(baseline(number, each) for each in FILMS), shape=(18, 1)),
            "stimuli": cells(*(film(number, each) for each in FILMS), shape=(18, 1)),
        },
        "ECG": {"baseline": cells(np.zeros((100, 2))), "stimuli": cells(np.zeros((600, 2)))},
        "ScoreValence": column(VALENCE),
        "ScoreArousal": column(AROUSAL),
        "ScoreDominance": column(DOMINANCE),
        **changes,
    }


def contents(people: Any = None, **changes: Any) -> dict[str, Any]:
    """The whole file, people first, as it is published."""
    return {
        "DREAMER": {
            "Data": cells(person(1), person(2), person(3)) if people is None else people,
            "EEG_SamplingRate": 128.0,
            "ECG_SamplingRate": 256.0,
            "EEG_Electrodes": cells(*EMOTIV),
            "noOfSubjects": 3.0,
            "noOfVideoSequences": 18.0,
            "Disclaimer": "While every care has been taken ...",
            **changes,
        }
    }


def with_eeg(kind: str, arrays: Mapping[int, Any], number: int = 1) -> dict[str, Any]:
    """A person some of whose films are others."""
    own = person(number)
    for each, array in arrays.items():
        own["EEG"][kind][each, 0] = array
    return own


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("DREAMER")
    write_5(folder / "DREAMER.mat", contents())
    (folder / "readme.pdf").write_bytes(b"never read")
    return folder


@pytest.fixture
def loaded(folder: Path) -> Trials:
    return load_dreamer(folder, seconds=None)


def test_each_film_of_each_person_is_where_the_table_says(loaded: Trials) -> None:
    assert (loaded.ch_names, loaded.sfreq, loaded.dataset, loaded.simulated) == (tuple(EMOTIV), 128.0, "DREAMER", False)
    assert loaded.table["subject"].tolist() == [1] * 18 + [2] * 18 + [3] * 18
    assert loaded.table["trial"].tolist() == loaded.table["stimulus"].tolist() == list(range(1, 19)) * 3
    for row in (0, 17, 18, 47):
        number, each = row // 18 + 1, row % 18
        assert_array_equal(loaded.trial_data(row), film(number, each).T.astype(np.float32))


def test_the_baseline_lies_before_its_film(loaded: Trials) -> None:
    assert set(loaded.table["n_baseline"]) == {N_BASELINE}
    assert loaded.table["n_times"].tolist() == [N_BASELINE + 300 + 10 * each for each in FILMS] * 3
    start = int(loaded.table["start"].iloc[20])
    assert_array_equal(loaded.signals[start : start + N_BASELINE], baseline(2, 2).astype(np.float32))


def test_scores_are_those_of_the_film(loaded: Trials) -> None:
    assert loaded.table["valence"].tolist() == VALENCE * 3
    assert loaded.table["arousal"].tolist() == AROUSAL * 3
    assert loaded.table["dominance"].tolist() == DOMINANCE * 3


def test_scores_above_3_are_high(loaded: Trials) -> None:
    quadrants, *high_low = dataset("dreamer").schemes
    first = loaded.select("subject == 1")
    expected = [2 * (valence <= 3) + (arousal <= 3) for valence, arousal in zip(VALENCE, AROUSAL, strict=True)]
    assert quadrants(first).tolist() == expected
    assert [scheme.name for scheme in high_low] == ["valence>3", "arousal>3", "dominance>3"]
    assert high_low[2](first).tolist() == [int(score > 3) for score in DOMINANCE]


def test_each_target_emotion_is_that_of_two_films(loaded: Trials) -> None:
    by_emotion = loaded.table.query("subject == 2").groupby("target_emotion")["stimulus"].apply(list).to_dict()
    assert by_emotion == {
        "amusement": [3, 12],  # The Hangover, Modern Times
        "anger": [8, 14],  # Crash, Gentleman's Agreement
        "calmness": [1, 11],  # Searching for Bobby Fischer, Pride and Prejudice
        "disgust": [6, 10],  # Van Wilder, The Fly
        "excitement": [5, 16],  # 300, The Bourne Identity
        "fear": [4, 15],  # The Ring, Psycho
        "happiness": [7, 13],  # Wall-E, Remember the Titans
        "sadness": [9, 17],  # My Girl, The Shawshank Redemption
        "surprise": [2, 18],  # D.O.A., The Departed
    }


def test_the_last_seconds_of_each_film_are_kept(folder: Path) -> None:
    trials = load_dreamer(folder, seconds=1.5)
    assert set(trials.table["n_times"]) == {N_BASELINE + 192}
    for row in (0, 23):
        assert_array_equal(trials.trial_data(row), film(row // 18 + 1, row % 18)[-192:].T.astype(np.float32))
    assert trials.provenance["seconds"] == 1.5


def test_by_default_it_is_the_last_minute(tmp_path: Path) -> None:
    own = person(1)
    for each in FILMS:
        own["EEG"]["stimuli"][each, 0] = film(1, each, 7680 + each)
    write_5(tmp_path / "DREAMER.mat", contents(cells(own)))
    trials = load_dreamer(tmp_path)
    assert set(trials.table["n_times"]) == {N_BASELINE + 7680}
    assert_array_equal(trials.trial_data(5)[3], film(1, 5, 7685)[5:, 3].astype(np.float32))


def test_seconds_beyond_a_film_are_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"subject 1: stimuli of film 1 lasts 2\.34375 s; seconds must be at most"):
        load_dreamer(folder, seconds=2.5)


@pytest.mark.parametrize("seconds", [0, -1, "60", np.nan, True, 0.001])
def test_seconds_that_are_none_are_refused(folder: Path, seconds: Any) -> None:
    with pytest.raises(ConfigError, match="seconds must be"):
        load_dreamer(folder, seconds=seconds)


def test_where_the_samples_come_from_is_written_down(loaded: Trials) -> None:
    assert loaded.pass_band == (None, None)
    assert loaded.provenance["source"] == "DREAMER.mat" and loaded.provenance["subjects"] == [1, 2, 3]
    assert "10.1109/JBHI.2017.2688239" in loaded.provenance["reference"]
    assert "4200" in loaded.provenance["caution"]


def test_channels_are_taken_by_name_in_the_order_of_the_file(tmp_path: Path, folder: Path) -> None:
    turned = EMOTIV[::-1]
    own = person(1)
    for kind, make in (("stimuli", film), ("baseline", baseline)):
        for each in FILMS:
            own["EEG"][kind][each, 0] = make(1, each)[:, ::-1]
    write_5(tmp_path / "DREAMER.mat", contents(cells(own), EEG_Electrodes=cells(*turned)))
    expected = load_dreamer(folder, subjects=[1], channels=["T8", "AF3"], seconds=1)
    trials = load_dreamer(tmp_path, channels=["T8", "AF3"], seconds=1)
    assert trials.ch_names == ("T8", "AF3")
    assert_array_equal(trials.signals, expected.signals)
    assert trials.trial_data(3)[1, 0] == np.float32(film(1, 3)[-128, 0])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([*EMOTIV[:-1], "Cz"], "EEG_Electrodes names AF3, .*, Cz, expected AF3"),
        ([*EMOTIV[:-1], "AF3"], "EEG_Electrodes names AF3, .*, AF3, expected AF3"),
        (EMOTIV[:-1], "EEG_Electrodes names AF3"),
        ([np.zeros((0, 0))], "EEG_Electrodes names"),
    ],
)
def test_electrodes_that_are_not_the_headsets_are_refused(tmp_path: Path, names: list[Any], message: str) -> None:
    write_5(tmp_path / "DREAMER.mat", contents(EEG_Electrodes=cells(*names)))
    with pytest.raises(DataFormatError, match=rf"^DREAMER\.mat: {message}"):
        load_dreamer(tmp_path, seconds=1)


def test_people_are_chosen_by_their_place_in_the_file(folder: Path) -> None:
    trials = load_dreamer(folder, subjects=[3, 1], seconds=1)
    assert trials.table["subject"].unique().tolist() == [1, 3]  # in the order of the file
    assert trials.provenance["subjects"] == [1, 3]
    assert_array_equal(trials.trial_data(18), film(3, 0)[-128:].T.astype(np.float32))


@pytest.mark.parametrize("subjects", [[4], [1, 24], [0], [-1]])
def test_people_who_are_not_there_are_named(folder: Path, subjects: list[int]) -> None:
    with pytest.raises(DataFormatError, match=rf"has no subject {subjects[-1]}; it holds subjects 1, 2, 3"):
        load_dreamer(folder, subjects=subjects, seconds=1)
    with pytest.raises(DataFormatError, match=r"has no subject \(none wanted\)"):
        load_dreamer(folder, subjects=[], seconds=1)
    with pytest.raises(ConfigError, match="different numbers"):
        load_dreamer(folder, subjects=[1, 1])


def plain(path: Path, content: dict[str, Any]) -> Path:
    return write_5(path, content, compressed=False)


def packed_73(path: Path, content: dict[str, Any]) -> Path:
    return write_73(path, content, chunks=True, compression="gzip")


@pytest.mark.parametrize("write", [plain, write_73, packed_73])
def test_a_file_of_any_version_gives_the_same(tmp_path: Path, folder: Path, write: Callable[..., Path]) -> None:
    write(tmp_path / "DREAMER.mat", contents())
    assert load_dreamer(tmp_path, seconds=2).fingerprint == load_dreamer(folder, seconds=2).fingerprint


@pytest.mark.parametrize("write", [write_5, write_73])
def test_people_in_a_struct_array_are_taken_as_those_in_cells(
    tmp_path: Path, folder: Path, write: Callable[..., Path]
) -> None:
    write(tmp_path / "DREAMER.mat", contents(structs([person(1), person(2), person(3)], (1, 3))))
    assert load_dreamer(tmp_path, seconds=2).fingerprint == load_dreamer(folder, seconds=2).fingerprint


def test_fields_may_come_in_any_order(tmp_path: Path, folder: Path) -> None:
    people = cells(*(dict(reversed(person(number).items())) for number in (1, 2, 3)))
    content = dict(reversed(contents(people)["DREAMER"].items()))
    write_5(tmp_path / "DREAMER.mat", {"DREAMER": content})
    assert load_dreamer(tmp_path, seconds=2).fingerprint == load_dreamer(folder, seconds=2).fingerprint


def test_samples_may_be_of_any_type_of_number(tmp_path: Path) -> None:
    own = with_eeg("stimuli", {0: film(1, 0).astype(np.float32), 1: np.full((300, 14), 4200, np.int16)})
    write_5(tmp_path / "DREAMER.mat", contents(cells(own)))
    trials = load_dreamer(tmp_path, seconds=1)
    assert_array_equal(trials.trial_data(0), film(1, 0)[-128:].T.astype(np.float32))
    assert set(trials.trial_data(1).ravel()) == {4200.0}


def test_without_any_baseline_there_is_none(tmp_path: Path) -> None:
    own = person(1)
    del own["EEG"]["baseline"]
    write_5(tmp_path / "DREAMER.mat", contents(cells(own)))
    trials = load_dreamer(tmp_path, seconds=1)
    assert set(trials.table["n_baseline"]) == {0} and set(trials.table["n_times"]) == {128}


def test_a_place_where_nobody_is_counts(tmp_path: Path) -> None:
    write_5(tmp_path / "DREAMER.mat", contents(cells(np.zeros((0, 0)), person(2))))
    assert load_dreamer(tmp_path, seconds=1).table["subject"].unique().tolist() == [2]


LESS = {name: value for name, value in person(1).items() if name != "ScoreArousal"}


@pytest.mark.parametrize(
    ("people", "message"),
    [
        (cells(person(1, ScoreValence=np.full((17, 1), 3.0))), r"subject 1 has 17 scores of valence .*expected 18"),
        (cells(person(1), person(2, ScoreDominance="high")), r"subject 2 has 1 scores of dominance \(<U4\)"),
        (cells(person(1, ScoreArousal=np.zeros((0, 0)))), r"subject 1 has 0 scores of arousal"),
        (cells(LESS), r"subject 1 has no scores of arousal"),
        (cells(with_eeg("stimuli", {4: np.ones((300, 13))})), r"stimuli of film 5 has shape \(300, 13\)"),
        (cells(with_eeg("stimuli", {4: np.ones((14, 300))})), r"stimuli of film 5 has shape \(14, 300\)"),
        (cells(with_eeg("stimuli", {4: np.ones((30, 14, 2))})), r"stimuli of film 5 has shape \(30, 14, 2\)"),
        (cells(with_eeg("stimuli", {4: np.zeros((0, 0))})), r"stimuli of film 5 has shape \(0, 0\)"),
        (cells(with_eeg("baseline", {17: np.zeros((0, 14))})), r"baseline of film 18 has shape \(0, 14\)"),
        (cells(with_eeg("stimuli", {0: "text"})), r"stimuli of film 1 has shape \(\)"),
        (cells(person(1, EEG={"stimuli": cells(*map(film, [1] * 17, FILMS))})), r"subject 1: film 18 has no stimuli"),
        (cells(person(1, EEG={"stimuli": cells(*map(film, [1] * 19, range(19)))})), r"stimuli of film 19, expected 18"),
        (
            cells(person(1, EEG={**person(1)["EEG"], "baseline": cells(*map(baseline, [1] * 4, FILMS))})),
            r"subject 1: film 5 has no baseline",
        ),
        (cells(person(1), person(2, EEG={"other": 1.0})), r"subject 2 has no EEG"),
        (cells(person(1), {"EEG": person(2)["EEG"]}), r"subject 2 has no scores of valence"),
        (cells(), r"there is no person in DREAMER\.Data"),
        (np.eye(3), r"there is no person in DREAMER\.Data"),
    ],
)
def test_people_who_are_not_as_dreamers_are_refused(tmp_path: Path, people: Any, message: str) -> None:
    write_5(tmp_path / "DREAMER.mat", contents(people))
    with pytest.raises(DataFormatError, match=rf"^DREAMER\.mat.*{message}"):
        load_dreamer(tmp_path, seconds=1)
    assert not list((tmp_path / "cache").glob("DREAMER*/"))  # no half a store


@pytest.mark.parametrize("value", [0.0, 6.0, 2.5, np.nan, np.inf, -1.0])
@pytest.mark.parametrize(
    ("name", "rating"), [("ScoreValence", "valence"), ("ScoreArousal", "arousal"), ("ScoreDominance", "dominance")]
)
def test_a_score_that_nobody_could_give_is_refused(tmp_path: Path, value: float, name: str, rating: str) -> None:
    scores = np.full((18, 1), 3.0)
    scores[6] = value
    write_5(tmp_path / "DREAMER.mat", contents(cells(person(1, **{name: scores}))))
    with pytest.raises(
        DataFormatError, match=rf"{rating} of film 7 of subject 1 is {value:g}, expected a whole number"
    ):
        load_dreamer(tmp_path, seconds=1)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_samples_that_are_no_numbers_are_placed(tmp_path: Path, value: float) -> None:
    array = film(2, 3)
    array[-100, 5] = value
    write_5(tmp_path / "DREAMER.mat", contents(cells(person(1), with_eeg("stimuli", {3: array}, 2))))
    sample = N_BASELINE + 28
    with pytest.raises(
        DataFormatError, match=rf"^DREAMER\.mat, subject 2: channel P7 of trial 4 is .* sample {sample}"
    ):
        load_dreamer(tmp_path, seconds=1)


def test_another_rate_is_refused(tmp_path: Path) -> None:
    write_5(tmp_path / "DREAMER.mat", contents(EEG_SamplingRate=256.0))
    with pytest.raises(DataFormatError, match=r"EEG_SamplingRate is \[\[256\.0\]\], expected 128"):
        load_dreamer(tmp_path, seconds=1)


def test_a_film_of_hours_is_refused_before_it_is_read(tmp_path: Path) -> None:
    hours = np.zeros((60 * 60 * 128, 14))  # 51 MB
    write_5(tmp_path / "DREAMER.mat", contents(cells(with_eeg("stimuli", {0: hours}))))
    del hours
    tracemalloc.start()
    with pytest.raises(DataFormatError, match=r"51609600 bytes of float64 are announced, of at most 17203200"):
        load_dreamer(tmp_path, seconds=1)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_one_person_is_in_memory_at_a_time(tmp_path: Path) -> None:
    long = {each: film(1, each, 4000) for each in FILMS}  # 8 MB a person, 4 as float32
    write_5(tmp_path / "DREAMER.mat", contents(cells(*(with_eeg("stimuli", long, number) for number in range(1, 5)))))
    long.clear()
    tracemalloc.start()
    load_dreamer(tmp_path, seconds=None)
    assert tracemalloc.get_traced_memory()[1] < 14_000_000  # of 16 for all, once by trials and once as a strip
    tracemalloc.stop()


@pytest.mark.parametrize("keep", [0.001, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("write", [write_5, plain, write_73])
def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, keep: float, write: Callable[..., Path]) -> None:
    content = write(tmp_path / "DREAMER.mat", contents(cells(person(1)))).read_bytes()
    (tmp_path / "DREAMER.mat").write_bytes(content[: int(keep * len(content))])
    with pytest.raises(DataFormatError, match=r"^DREAMER\.mat: .*fetch it again"):
        load_dreamer(tmp_path, seconds=1)
    assert not list((tmp_path / "cache").glob("DREAMER*/"))


@pytest.mark.parametrize("content", [b"", b"<html>404</html>" * 100])
def test_what_is_no_matlab_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "DREAMER.mat").write_bytes(content)
    with pytest.raises(DataFormatError, match=r"^DREAMER\.mat: cannot be read as a MATLAB file"):
        load_dreamer(tmp_path)


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    write_5(tmp_path / "DREAMER.mat", {"data": np.eye(3)})
    with pytest.raises(DataFormatError, match=r"no person in DREAMER\.Data; is this DREAMER's file\?"):
        load_dreamer(tmp_path)


def test_a_folder_without_the_file_is_refused(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(DataFormatError, match=r"should hold one DREAMER\.mat and holds none"):
        load_dreamer(tmp_path)
    with pytest.raises(DataFormatError, match=r"There is no folder .*which is a file; give the folder of DREAMER\.mat"):
        load_dreamer(folder / "DREAMER.mat")
    with pytest.raises(DataFormatError, match=r"There is no folder"):
        load_dreamer(folder / "nowhere")


def test_the_file_is_read_once_and_then_its_store(folder: Path, tmp_path: Path) -> None:
    first = load_dreamer(folder, seconds=1, cache=tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("eegemo.datasets.dreamer.walk_matlab", None)
        again = load_dreamer(folder, seconds=1, cache=tmp_path)
    assert first.fingerprint == again.fingerprint and first.provenance == again.provenance


# Simulated people


def cheap_record(self: SimulatedPerson, recording: int, n_times: int, emotion: Any = (0, 0)) -> np.ndarray:
    rng = np.random.default_rng([*self.key, recording])
    return (5 * rng.standard_normal((n_times, len(self.person.ch_names)))).astype(np.float32)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """People 1 and 3, in films of 2 to 3.7 s."""
    folder = tmp_path_factory.mktemp("release") / "dreamer"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SimulatedPerson, "record", cheap_record)
        patch.setattr(_written_dreamer, "FILM_SECONDS", tuple(2 + each / 10 for each in FILMS))
        patch.setattr(_written_dreamer, "BASELINE_TIMES", 64)
        write_simulated_release(folder, "dreamer", [1, 3])
    return folder


def test_a_simulated_release_is_read_as_it_was_written(release: Path) -> None:
    assert recognise(release) == "dreamer"
    trials = load_dreamer(release, seconds=2)
    assert trials.simulated and trials.dataset == "simulated DREAMER files"
    assert trials.table["subject"].tolist() == [1] * 18 + [3] * 18
    data = scipy.io.loadmat(release / "DREAMER.mat")["DREAMER"][0, 0]["Data"]
    for row, (number, each) in enumerate((number, each) for number in (0, 2) for each in FILMS):
        eeg = data[0, number]["EEG"][0, 0]
        assert_array_equal(trials.trial_data(row), eeg["stimuli"][0, 0][each, 0][-256:].T.astype(np.float32))
        start = trials.table["start"].iloc[row]
        before = eeg["baseline"][0, 0][each, 0]
        assert before.shape == (64, 14)
        assert_array_equal(trials.signals[start : start + 64], before.astype(np.float32))
        for name in ("Valence", "Arousal", "Dominance"):
            score = data[0, number][f"Score{name}"][0, 0][each, 0]
            assert trials.table[name.lower()].iloc[row] == score
    assert set(np.unique(trials.table["valence"])) <= {1, 2, 3, 4, 5}


def test_a_simulated_release_has_what_the_published_one_has(release: Path) -> None:
    dreamer = scipy.io.loadmat(release / "DREAMER.mat")["DREAMER"]
    assert dreamer.shape == (1, 1)
    assert dreamer.dtype.names[:6] == (
        *("Data", "EEG_SamplingRate", "ECG_SamplingRate", "EEG_Electrodes", "noOfSubjects", "noOfVideoSequences"),
    )
    first = dreamer[0, 0]["Data"][0, 0]
    assert first.dtype.names == ("Age", "Gender", "EEG", "ECG", "ScoreValence", "ScoreArousal", "ScoreDominance")
    for device, n_channels, times in (("EEG", 14, 1), ("ECG", 2, 2)):
        stimuli = first[device][0, 0]["stimuli"][0, 0]
        assert stimuli.shape == (18, 1)
        assert stimuli[4, 0].shape == (round(2.4 * 128) * times, n_channels) and stimuli[4, 0].dtype == np.float64
    assert [str(name[0]) for name in dreamer[0, 0]["EEG_Electrodes"][0]] == EMOTIV
    eeg = first["EEG"][0, 0]["stimuli"][0, 0][0, 0]
    assert abs(eeg.mean() - 4200) < 5
    steps = eeg * 1.95  # the headset counts in steps of 0.51 microvolts
    assert_array_equal(np.round(steps), np.round(steps, 6))


def test_the_same_seed_writes_the_same_bytes(release: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SimulatedPerson, "record", cheap_record)
        patch.setattr(_written_dreamer, "FILM_SECONDS", tuple(2 + each / 10 for each in FILMS))
        patch.setattr(_written_dreamer, "BASELINE_TIMES", 64)
        write_simulated_release(tmp_path / "again", "dreamer", [1, 3])
    assert (tmp_path / "again" / "DREAMER.mat").read_bytes() == (release / "DREAMER.mat").read_bytes()


def test_films_are_as_long_as_dreamers() -> None:
    seconds = _written_dreamer.FILM_SECONDS
    assert (len(seconds), min(seconds), max(seconds), np.mean(seconds)) == (18, 65, 393, 199)


def test_any_loader_of_folders_finds_it(folder: Path) -> None:
    write_5(folder.parent / "others" / "DREAMER.mat", contents(cells(*(with_minute(number) for number in (1, 2)))))
    trials = eegemo.load(folder.parent / "others", subjects=[2], channels=["AF3"])
    assert trials.table["subject"].unique().tolist() == [2] and trials.ch_names == ("AF3",)


def with_minute(number: int) -> dict[str, Any]:
    return with_eeg("stimuli", {each: film(number, each, 7680) for each in FILMS}, number)
