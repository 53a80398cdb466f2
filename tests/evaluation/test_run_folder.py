"""A run's folder: taken up where it was left, whatever ended it, and never mixed with another run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

import eegemo
from eegemo import (
    ConfigError,
    Control,
    DataFormatError,
    LabelScheme,
    MajorityClassifier,
    Results,
    Trials,
    Windows,
    evaluate,
    high_low,
    make_splitter,
    quadrants,
    read_results,
)
from eegemo.evaluation.folds import Failure
from eegemo.evaluation.run_folder import RunFolder, find_runs
from eegemo.evaluation.splitter import Splitter

N_FOLDS = 4


def flat(X: Windows) -> np.ndarray:
    return np.asarray(X).reshape(len(X), -1)


def squared(X: Windows) -> np.ndarray:
    return flat(X) ** 2


class NearestMean(ClassifierMixin, BaseEstimator):
    """Predicts from the distances to the means of the classes; its clones write down what they are fitted on."""

    fitted_on: ClassVar[list[tuple[int, ...]]] = []

    def __init__(self, shrink: float = 0.0, random_state: int | None = None, option: Any = None) -> None:
        self.shrink = shrink
        self.random_state = random_state
        self.option = option

    def fit(self, X: Windows, y: np.ndarray) -> Self:
        NearestMean.fitted_on.append(tuple(X.starts))
        self.classes_ = np.unique(y)
        self.means_ = (1 - self.shrink) * np.stack([flat(X)[y == k].mean(axis=0) for k in self.classes_])
        return self

    def predict_proba(self, X: Windows) -> np.ndarray:
        closeness = np.exp(-np.linalg.norm(flat(X)[:, None] - self.means_, axis=2))
        return closeness / closeness.sum(axis=1, keepdims=True)


class OtherMean(NearestMean):
    """The same under another name."""


class Faulty(NearestMean):
    """Breaks in the fits that are numbered here, counted over all clones."""

    fails_in: ClassVar[set[int]] = set()
    n_fits: ClassVar[int] = 0
    exception: ClassVar[type[BaseException]] = RuntimeError

    def fit(self, X: Windows, y: np.ndarray) -> Self:
        super().fit(X, y)
        number = Faulty.n_fits
        Faulty.n_fits += 1
        if number in self.fails_in:
            raise self.exception(f"fit {number}")
        return self


@contextmanager
def failing(*fits: int, exception: type[BaseException] = RuntimeError) -> Iterator[None]:
    Faulty.fails_in, Faulty.n_fits, Faulty.exception = set(fits), 0, exception
    try:
        yield
    finally:
        Faulty.fails_in = set()


@pytest.fixture
def fitted_on() -> Iterator[list[tuple[int, ...]]]:
    """The starts of the windows of every fit in this process."""
    NearestMean.fitted_on.clear()
    yield NearestMean.fitted_on
    NearestMean.fitted_on.clear()


@pytest.fixture
def windows(small_trials: Trials) -> Windows:
    return small_trials.windows()


def splitter(**changes: Any) -> Splitter:
    return make_splitter(**{"protocol": "trial", "n_splits": N_FOLDS, **changes})


def run(windows: Windows, classifier: BaseEstimator | None = None, **options: Any) -> Results:
    return evaluate(classifier or NearestMean(), windows, quadrants(), splitter(), **options)


def starts_of(windows: Windows, *folds: int) -> list[tuple[int, ...]]:
    """What the fits of these folds see."""
    splits = list(splitter().triples(windows, quadrants()(windows)))
    return [tuple(windows.starts[splits[number][0]]) for number in folds]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


def assert_same_predictions(one: Results, other: Results) -> None:
    pd.testing.assert_frame_equal(one.predictions, other.predictions, check_exact=True)
    assert [fold.proba.tobytes() for fold in one.folds] == [fold.proba.tobytes() for fold in other.folds]


def assert_same_results(one: Results, other: Results) -> None:
    """Everything that a reader can ask for."""
    assert_same_predictions(one, other)
    np.testing.assert_array_equal(one.confusion("trial"), other.confusion("trial"))
    pd.testing.assert_frame_equal(one.of_subjects("trial"), other.of_subjects("trial"), check_exact=True)
    pd.testing.assert_frame_equal(one.scores, other.scores, check_exact=True)
    pd.testing.assert_frame_equal(one.table, other.table)
    np.testing.assert_array_equal(one.y, other.y)
    assert [b.model for b in one.baselines] == [b.model for b in other.baselines]
    for mine, theirs in zip(one.baselines, other.baselines, strict=True):
        assert_same_predictions(mine, theirs)
        assert [fold.seen for fold in mine.folds] == [fold.seen for fold in theirs.folds]
    assert (one.notes, one.failures, one.subjects) == (other.notes, other.failures, other.subjects)
    assert repr(one.leakage) == repr(other.leakage)
    assert (one.verdict, one.splitter, one.scheme) == (other.verdict, other.splitter, other.scheme)
    assert (one.control, one.simulated, one.model) == (other.control, other.simulated, other.model)
    assert one.provenance == other.provenance


# Taken up


# Stands in a process of its own, which starts runs and kills them. A line a fit goes to a file before it begins.
KILLED = """
import os, random, signal, sys, time
from pathlib import Path
import numpy as np, pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from eegemo import Trials, evaluate, make_splitter, quadrants

HERE = Path(__file__).parent

class Slow(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        with (HERE / "fits.txt").open("a") as log:
            log.write(",".join(map(str, X.starts)) + "\\n")
        time.sleep(0.05)
        self.classes_ = np.unique(y)
        self.means_ = np.stack([np.asarray(X)[y == k].mean(axis=0).ravel() for k in self.classes_])
        return self

    def predict_proba(self, X):
        far = np.linalg.norm(np.asarray(X).reshape(len(X), 1, -1) - self.means_, axis=2)
        return np.exp(-far) / np.exp(-far).sum(axis=1, keepdims=True)

def windows():
    n, n_times = 24, 128
    table = pd.DataFrame({"subject": np.repeat([1, 2, 3], 8), "trial": np.tile(np.arange(8), 3)})
    table = table.assign(stimulus=table["trial"], start=np.arange(n) * n_times, n_times=n_times, n_baseline=0)
    table = table.assign(valence=np.tile([8.0, 7, 3, 2], 6), arousal=np.tile([8.0, 2, 7, 3], 6))
    strip = np.random.default_rng(0).standard_normal((n * n_times, 2)).astype(np.float32)
    return Trials(strip, table, ("F3", "F4"), 32.0, dataset="noise", simulated=True).windows()

def start(name, n_jobs=1):
    evaluate(Slow(), windows(), quadrants(), make_splitter("trial", n_splits=8), n_jobs=n_jobs, folder=HERE / name)

def folds(name):
    return sorted(int(path.stem[5:]) for path in (HERE / name).glob("fold-*.npz"))

def lines_of_fits():
    file = HERE / "fits.txt"
    return file.read_text().splitlines() if file.exists() else []

def n_begun():
    return len(lines_of_fits())

def fits():
    lines = lines_of_fits()
    (HERE / "fits.txt").unlink(missing_ok=True)
    seen = [tuple(map(int, line.split(","))) for line in lines]
    data = windows()
    splits = make_splitter("trial", n_splits=8).triples(data, quadrants()(data))
    number = {tuple(data.starts[train]): fold for fold, (train, _, _) in enumerate(splits)}
    return [number[starts] for starts in seen]
"""

KILLED_AT_RANDOM = """
if __name__ == "__main__":
    start("whole")
    print([], fits())
    for begun in [*random.sample([0, 1, 2, 2, 3], 5), None]:
        there = folds("killed")
        child = os.fork()
        if child == 0:
            start("killed")
            os._exit(0)
        if begun is not None:
            while n_begun() < begun and n_begun() + len(there) < 8:
                time.sleep(0.001)
            time.sleep(random.uniform(0, 0.08))  # during a fit, between two, or while a file is written
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        print(there, fits())
"""

KILLED_WITH_WORKERS = """
if __name__ == "__main__":
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        start("killed", n_jobs=2)
    while not folds("killed"):
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    start("killed")
    os.killpg(child, signal.SIGKILL)  # the workers, which do not know yet
    start("whole")
"""


def python(*arguments: str, timeout: float, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the package that is tested here."""
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(eegemo.__file__).parents[1]), **environment},
    )


def in_a_process_of_its_own(folder: Path, code: str) -> list[Any]:
    (folder / "killed.py").write_text(KILLED + code)
    done = python(str(folder / "killed.py"), timeout=180)
    assert done.returncode == 0, done.stderr
    return [json.loads(f"[{line.replace('] [', '], [')}]") for line in done.stdout.splitlines()]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_run_killed_at_random_moments_ends_with_the_very_same_predictions(tmp_path: Path) -> None:
    whole, *attempts = in_a_process_of_its_own(tmp_path, KILLED_AT_RANDOM)
    assert whole == [[], list(range(8))]
    for there, fitted in attempts:
        missing = [fold for fold in range(8) if fold not in there]
        assert fitted == missing[: len(fitted)]
    there, fitted = attempts[-1]
    assert sorted([*there, *fitted]) == list(range(8))
    assert any(0 < len(there) < 8 for there, _ in attempts)
    # Each fold that was begun and is not there was the one in hand when the process was killed.
    assert sum(len(fitted) for _, fitted in attempts) <= 8 + 5
    uninterrupted, taken_up = (read_results(tmp_path / name) for name in ("whole", "killed"))
    assert_same_predictions(uninterrupted, taken_up)
    assert [path.name for path in (tmp_path / "killed").glob(".*.npz")] == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_run_killed_with_its_workers_at_work_can_be_taken_up_at_once(tmp_path: Path) -> None:
    in_a_process_of_its_own(tmp_path, KILLED_WITH_WORKERS)
    assert_same_predictions(read_results(tmp_path / "whole"), read_results(tmp_path / "killed"))


def test_folds_are_written_as_they_end(windows: Windows, tmp_path: Path) -> None:
    with failing(2, exception=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        run(windows, Faulty(), folder=tmp_path / "new" / "run")
    there = sorted(path.name for path in (tmp_path / "new" / "run").glob("fold-*"))
    assert there == ["fold-000.npz", "fold-001.npz"]


def test_a_run_that_is_taken_up_fits_the_missing_folds_alone(
    windows: Windows, tmp_path: Path, fitted_on: list[tuple[int, ...]]
) -> None:
    with failing(2, exception=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        run(windows, Faulty(), folder=tmp_path)
    fitted_on.clear()
    results = run(windows, Faulty(), folder=tmp_path)
    assert fitted_on == starts_of(windows, 2, 3)
    assert_same_predictions(results, run(windows, Faulty()))
    assert_same_results(read_results(tmp_path), results)


def test_a_finished_run_is_read_and_not_run_again(
    windows: Windows, tmp_path: Path, fitted_on: list[tuple[int, ...]]
) -> None:
    first = run(windows, folder=tmp_path)
    before = contents(tmp_path)
    fitted_on.clear()
    again = run(windows, folder=tmp_path, model="another name", n_jobs=2)
    assert fitted_on == []
    assert again.model == "another name"
    assert_same_predictions(again, first)
    assert {name: after for name, after in contents(tmp_path).items() if name != "windows.npz"} == {
        name: content for name, content in before.items() if name != "windows.npz"
    }


def test_what_a_killed_run_left_half_written_is_removed(windows: Windows, tmp_path: Path) -> None:
    run(windows, folder=tmp_path)
    (tmp_path / "fold-001.npz").rename(tmp_path / ".fold-001-ab12cd_8.npz")
    mine = ("notes.txt", ".my-notes.txt", ".fold-1.txt", ".pre-commit-config.yaml")
    for name in mine:
        (tmp_path / name).write_text("mine")
    run(windows, folder=tmp_path)
    assert not (tmp_path / ".fold-001-ab12cd_8.npz").exists()
    assert [(tmp_path / name).read_text() for name in mine] == ["mine"] * len(mine)


def flip(folder: Path, _: Path) -> None:
    content = bytearray((folder / "fold-001.npz").read_bytes())
    for position in range(100, len(content), 50):
        content[position] ^= 0xFF
    (folder / "fold-001.npz").write_bytes(content)


def cut_short(folder: Path, _: Path) -> None:
    (folder / "fold-001.npz").write_bytes((folder / "fold-001.npz").read_bytes()[:-100])


def empty(folder: Path, _: Path) -> None:
    (folder / "fold-001.npz").write_bytes(b"")


def another_fold(folder: Path, _: Path) -> None:
    shutil.copy(folder / "fold-002.npz", folder / "fold-001.npz")


def another_run(folder: Path, other: Path) -> None:
    shutil.copy(other / "fold-001.npz", folder / "fold-001.npz")


@pytest.mark.parametrize("damage", [flip, cut_short, empty, another_fold, another_run])
def test_a_damaged_fold_is_noticed_and_done_again(
    windows: Windows, tmp_path: Path, fitted_on: list[tuple[int, ...]], damage: Callable[[Path, Path], None]
) -> None:
    folder, other = tmp_path / "run", tmp_path / "other"
    whole = run(windows, folder=folder)
    run(windows, NearestMean(shrink=0.5), folder=other)
    damage(folder, other)
    with pytest.raises(DataFormatError, match=r"^fold-001\.npz: .*; delete it and run again"):
        read_results(folder)
    fitted_on.clear()
    with pytest.warns(UserWarning, match=r"^fold-001\.npz: .*done again"):
        again = run(windows, folder=folder)
    assert fitted_on == starts_of(windows, 1)
    assert_same_predictions(again, whole)
    assert_same_results(read_results(folder), again)


# Another configuration


def other_samples(windows: Windows) -> Windows:
    signals = np.array(windows.trials.signals)
    signals[1000, 0] += 1
    return windows.trials._replaced(signals=signals).windows()


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "parameter": ({"classifier": NearestMean(shrink=0.5)}, r"parameters\.shrink: 0\.0 there, 0\.5 here"),
    "seed of the classifier": ({"classifier": NearestMean(random_state=8)}, r"parameters\.random_state: 0 there, 8"),
    "classifier": ({"classifier": OtherMean()}, r"classifier: 'NearestMean' there, 'OtherMean' here"),
    "seed": ({"protocol": splitter(random_state=1)}, r"protocol\.random_state: 0 there, 1 here"),
    "folds": ({"protocol": splitter(n_splits=3)}, r"protocol\.n_splits: 4 there, 3 here"),
    "protocol": ({"protocol": splitter(protocol="stimulus")}, r"protocol\.protocol: 'trial' there, 'stimulus' here"),
    "validation": ({"protocol": splitter(validation_size=0.2)}, r"protocol\.validation_size: 0\.1 there, 0\.2 here"),
    "scheme": ({"scheme": high_low("valence")}, r"scheme: 'quadrants>5' there, 'valence>5' here"),
    "control": ({"control": "permuted-labels"}, r"control"),
    "strength": ({"control": Control("injected-signal", strength=2.0)}, r"control"),
    "samples": ({"windows": other_samples}, "data_fingerprint"),
    "step": ({"windows": lambda windows: windows.trials.windows(1.0, 0.5)}, r"window\.n_windows: 96 there, 168 here"),
    "n_times": ({"windows": lambda windows: windows.trials.windows(0.5, 1.0 / 2)}, r"window\.n_times: 32 there, 16"),
    "channels": ({"windows": lambda windows: windows.trials.pick(["F3"]).windows()}, r"ch_names: \['F3', 'F4'\] there"),
}


def changed(windows: Windows, changes: dict[str, Any], **options: Any) -> Results:
    data = changes.get("windows", lambda windows: windows)(windows)
    return evaluate(
        changes.get("classifier", NearestMean()),
        data,
        changes.get("scheme", quadrants()),
        changes.get("protocol", splitter()),
        control=changes.get("control"),
        **options,
    )


@pytest.mark.parametrize(("changes", "message"), CHANGES.values(), ids=CHANGES)
def test_a_run_of_another_configuration_is_refused_and_nothing_is_lost(
    windows: Windows, tmp_path: Path, fitted_on: list[tuple[int, ...]], changes: dict[str, Any], message: str
) -> None:
    first = run(windows, folder=tmp_path)
    before = contents(tmp_path)
    fitted_on.clear()
    with pytest.raises(ConfigError, match=rf"another configuration \(.*{message}.*give another folder, or delete"):
        changed(windows, changes, folder=tmp_path)
    assert fitted_on == []
    assert contents(tmp_path) == before
    assert changed(windows, changes).provenance["fingerprint"] != first.provenance["fingerprint"]


def test_how_a_run_is_executed_and_called_does_not_change_its_fingerprint(windows: Windows) -> None:
    from rich.progress import Progress

    options: list[dict[str, Any]] = [
        {},
        {"n_jobs": 2},
        {"model": "another"},
        {"smoke": True},
        {"progress": Progress(disable=True)},
    ]
    assert len({run(windows, **option).provenance["fingerprint"] for option in options}) == 1


def test_rules_of_one_name_that_give_other_classes_are_other_runs(windows: Windows, tmp_path: Path) -> None:
    mild, strict = (
        LabelScheme("mine", ("HVHA", "HVLA", "LVHA", "LVLA"), ("valence", "arousal"), threshold)
        for threshold in (5.0, 7.5)
    )
    by_person = make_splitter("subject", n_splits="leave-one-out", validation_size=0)
    evaluate(NearestMean(), windows, mild, by_person, folder=tmp_path)
    with pytest.raises(ConfigError, match=r"another configuration \(.*scheme"):
        evaluate(NearestMean(), windows, strict, by_person, folder=tmp_path)


def pipeline(function: Callable[[Windows], np.ndarray], **options: Any) -> Pipeline:
    return make_pipeline(FunctionTransformer(function), SimpleImputer(), LogisticRegression(**options))


def test_a_pipeline_with_functions_and_missing_values_is_taken_up(windows: Windows, tmp_path: Path) -> None:
    first = run(windows, pipeline(flat), folder=tmp_path)
    (tmp_path / "fold-002.npz").unlink()
    assert_same_predictions(run(windows, pipeline(flat), folder=tmp_path), first)
    assert json.loads((tmp_path / "run.json").read_text(), parse_constant=pytest.fail)


@pytest.mark.parametrize(
    "other",
    [pipeline(squared), pipeline(flat, C=2.0), make_pipeline(FunctionTransformer(flat), LogisticRegression())],
    ids=["function", "parameter of a step", "steps"],
)
def test_a_pipeline_of_another_kind_is_refused(windows: Windows, tmp_path: Path, other: Pipeline) -> None:
    run(windows, pipeline(flat), folder=tmp_path)
    with pytest.raises(ConfigError, match=r"another configuration"):
        run(windows, other, folder=tmp_path)


def test_functions_of_one_name_that_compute_something_else_are_told_apart(windows: Windows, tmp_path: Path) -> None:
    run(windows, pipeline(lambda X: flat(X)), folder=tmp_path)
    with pytest.raises(ConfigError, match=r"another configuration \(made_with\.code"):
        run(windows, pipeline(lambda X: np.abs(flat(X))), folder=tmp_path)


def test_estimators_and_functions_as_parameters_have_the_same_fingerprint_in_another_process(
    windows: Windows, tmp_path: Path
) -> None:
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import numpy as np
import test_run_folder as here
from eegemo import Trials
import pandas as pd
table = pd.read_json({str(tmp_path / "table.json")!r})
trials = Trials(np.load({str(tmp_path / "signals.npy")!r}), table, ("F3", "F4"), 32.0, dataset="noise", simulated=True)
print(here.fingerprint_of_many_parameters(trials.windows()))
"""
    np.save(tmp_path / "signals.npy", windows.trials.signals)
    windows.trials.table.to_json(tmp_path / "table.json")
    table = pd.read_json(tmp_path / "table.json")
    trials = Trials(windows.trials.signals, table, ("F3", "F4"), 32.0, dataset="noise", simulated=True)
    module = __import__(Path(__file__).stem)  # by the name that the other process knows it under
    found = {module.fingerprint_of_many_parameters(trials.windows())}
    for seed in ("1", "2"):
        done = python("-c", script, timeout=180, PYTHONHASHSEED=seed)
        assert done.returncode == 0, done.stderr
        found.add(done.stdout.strip())
    assert len(found) == 1


def fingerprint_of_many_parameters(windows: Windows) -> str:
    option = {
        "set": {"F3", "F4", "O1", "O2"},
        "array": np.arange(3),
        "function": np.log,
        "class": NearestMean,
        "estimator": pipeline(flat),
        "tuple": (1, None, np.int64(2)),
        "splitter": KFold(3),
        "nan": float("nan"),
    }
    steps = [("nothing", FunctionTransformer(same)), ("mean", NearestMean(option=option))]
    return str(run(windows, Pipeline(steps)).provenance["fingerprint"])


def same(X: Windows) -> Windows:
    # The order of a set is another one in every process.
    return X if X.trials.ch_names[0] in {"F3", "F4", "O1", "O2", "T7", "T8"} else X[:0]


@pytest.mark.parametrize(
    "options",
    [
        {"protocol": splitter(random_state=np.int64(3))},
        {"protocol": splitter(test_size=np.float32(0.1))},
        {"control": Control("injected-signal", strength=np.float32(0.5))},  # type: ignore[arg-type]
        {"control": Control("permuted-labels", random_state=np.int64(3))},  # type: ignore[arg-type]
    ],
    ids=["seed", "size", "strength", "seed of a control"],
)
def test_settings_may_be_numbers_of_numpy(windows: Windows, tmp_path: Path, options: dict[str, Any]) -> None:
    results = changed(windows, options, folder=tmp_path)
    opened = read_results(tmp_path)
    assert_same_predictions(opened, results)
    assert opened.splitter == results.splitter
    assert opened.provenance == results.provenance


# Folders


def test_runs_makes_one_folder_a_configuration(
    windows: Windows, tmp_path: Path, fitted_on: list[tuple[int, ...]]
) -> None:
    first = run(windows, runs=tmp_path, model="nearest mean/1")
    run(windows, NearestMean(shrink=0.5), runs=tmp_path, model="nearest mean/1")
    run(windows, runs=tmp_path, model="nearest mean/1", control="permuted-labels")
    fitted_on.clear()
    again = run(windows, runs=tmp_path, model="nearest mean/1")
    assert fitted_on == []
    assert_same_results(again, first)
    folders = find_runs(tmp_path)
    assert len(folders) == len(list(tmp_path.iterdir())) == 3
    fingerprints = [read_results(folder).provenance["fingerprint"][:8] for folder in folders]
    names = [folder.name for folder in folders]
    assert [name[-8:] for name in names] == fingerprints
    kinds = sorted(name[:-9] for name in names)
    assert kinds == ["trial-nearest_mean_1", "trial-nearest_mean_1", "trial-nearest_mean_1-permuted-labels"]


def test_a_folder_and_a_folder_of_runs_cannot_both_be_given(windows: Windows, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^Give folder or runs, not both\.$"):
        run(windows, folder=tmp_path / "a", runs=tmp_path / "b")
    assert list(tmp_path.iterdir()) == []


def test_folds_of_which_nothing_says_what_they_are_stay_and_are_refused(windows: Windows, tmp_path: Path) -> None:
    (tmp_path / "fold-007.npz").write_bytes(b"earlier")
    with pytest.raises(ConfigError, match=r"holds fold-007\.npz but no run\.json"):
        run(windows, folder=tmp_path)
    assert contents(tmp_path) == {"fold-007.npz": b"earlier"}


def test_other_files_in_the_folder_stay(windows: Windows, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    run(windows, folder=tmp_path)
    assert contents(tmp_path).keys() == {
        "notes.txt",
        "run.json",
        "windows.npz",
        *(f"fold-00{number}.npz" for number in range(N_FOLDS)),
    }
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_run_that_cannot_be_split_makes_no_folder(windows: Windows, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"needs more than the 3 subjects"):
        evaluate(NearestMean(), windows, quadrants(), splitter(protocol="subject"), folder=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


class StartsAnother(NearestMean):
    """Starts the very same run in its first fit."""

    folder: ClassVar[Path]
    refused: ClassVar[list[str]] = []

    def fit(self, X: Windows, y: np.ndarray) -> Self:
        if not self.refused:
            self.refused.append("not yet")
            try:
                run(X, NearestMean(), folder=self.folder)
            except ConfigError as error:
                self.refused[0] = str(error)
        return super().fit(X, y)


def test_a_second_run_on_the_same_folder_is_refused_and_the_first_goes_on(windows: Windows, tmp_path: Path) -> None:
    StartsAnother.folder = tmp_path
    StartsAnother.refused.clear()
    results = run(windows, StartsAnother(), folder=tmp_path)
    assert StartsAnother.refused == [
        f"{tmp_path}: another run is writing here; wait for it, or give this one another folder."
    ]
    assert_same_predictions(results, run(windows))


def test_the_lock_falls_with_a_run_that_breaks_off(windows: Windows, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with pytest.raises(RuntimeError, match=r"^broken off$"), folder.locked():
        with pytest.raises(ConfigError, match=r"another run is writing here"):
            run(windows, folder=tmp_path)
        raise RuntimeError("broken off")
    assert len(run(windows, folder=tmp_path).folds) == N_FOLDS


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="a superuser may write anywhere")
def test_a_read_only_folder_is_refused_before_anything_is_fitted(
    windows: Windows, tmp_path: Path, fitted_on: list[tuple[int, ...]]
) -> None:
    (tmp_path / "run").mkdir(mode=0o555)
    with pytest.raises(ConfigError, match=r"run: cannot be written to \(Permission denied\); give another folder"):
        run(windows, folder=tmp_path / "run")
    assert fitted_on == []


@pytest.mark.parametrize("below", ["file", "file/run"])
def test_a_file_in_the_place_of_the_folder_is_refused_before_anything_is_fitted(
    windows: Windows, tmp_path: Path, fitted_on: list[tuple[int, ...]], below: str
) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigError, match=rf"{below}: cannot be written to \(.*\); give another folder"):
        run(windows, folder=tmp_path / below)
    assert fitted_on == []
    assert (tmp_path / "file").read_text() == "mine"


# Folds that fail


def test_one_failing_fold_is_reported_and_loses_no_other(windows: Windows, tmp_path: Path) -> None:
    with failing(1), pytest.warns(UserWarning, match=r"^Faulty · trial: Fold 1 failed, .*RuntimeError: fit 1$"):
        results = run(windows, Faulty(), folder=tmp_path)
    assert results.failures == (Failure(1, "RuntimeError: fit 1"),)
    assert [fold.number for fold in results.folds] == [0, 2, 3]
    whole = run(windows, NearestMean()).predictions
    kept = whole[whole["fold"] != 1].reset_index(drop=True)
    pd.testing.assert_frame_equal(results.predictions, kept, check_exact=True)
    assert any("Fold 1 failed, and its windows are in no score: RuntimeError: fit 1" in note for note in results.notes)
    assert_same_results(read_results(tmp_path), results)


def test_failed_folds_alone_are_tried_again(windows: Windows, tmp_path: Path, fitted_on: list[tuple[int, ...]]) -> None:
    with failing(1, 3), pytest.warns(UserWarning, match=r"Fold [13] failed"):
        run(windows, Faulty(), folder=tmp_path)
    fitted_on.clear()
    with failing(0), pytest.warns(UserWarning, match=r"Fold 1 failed"):
        results = run(windows, Faulty(), folder=tmp_path)
    assert fitted_on == starts_of(windows, 1, 3)
    assert [failure.number for failure in results.failures] == [1]
    results = run(windows, Faulty(), folder=tmp_path)
    assert results.failures == ()
    assert_same_predictions(results, run(windows, Faulty()))
    assert_same_results(read_results(tmp_path), results)


def test_a_fold_that_succeeded_in_the_second_run_stays_where_that_was_killed_at_its_end(
    windows: Windows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with failing(1), pytest.warns(UserWarning, match=r"Fold 1 failed"):
        run(windows, Faulty(), folder=tmp_path)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(RunFolder, "finish", killed)
        run(windows, Faulty(), folder=tmp_path)
    results = run(windows, Faulty(), folder=tmp_path)
    assert results.failures == ()
    assert [fold.number for fold in results.folds] == [0, 1, 2, 3]
    assert_same_results(read_results(tmp_path), results)


def test_where_every_fold_fails_the_first_ones_exception_is_raised(windows: Windows, tmp_path: Path) -> None:
    with failing(0, 1, 2, 3), pytest.raises(RuntimeError, match=r"^fit 0$"):
        run(windows, Faulty(), folder=tmp_path)
    with pytest.raises(ConfigError, match=r"interrupted, or is still running, after 0 folds"):
        read_results(tmp_path)
    assert len(run(windows, Faulty(), folder=tmp_path).folds) == N_FOLDS


def test_predictions_that_are_not_finite_fail_their_fold(windows: Windows) -> None:
    class Diverges(Faulty):
        def predict_proba(self, X: Windows) -> np.ndarray:
            return np.where(Faulty.n_fits == 2, np.nan, super().predict_proba(X))

    with failing(), pytest.warns(UserWarning, match=r"Fold 1 failed.*not finite; training diverged"):
        results = run(windows, Diverges())
    assert [failure.number for failure in results.failures] == [1]


NESTED = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from killed import *

class Nested(Slow):
    def fit(self, X, y):
        self.inner_ = evaluate(Slow(), X, quadrants(), make_splitter("trial", n_splits=2))
        return super().fit(X, y)

print(len(evaluate(Nested(), windows(), quadrants(), make_splitter("trial", n_splits=2)).folds))
"""


def test_a_classifier_may_evaluate_others_in_its_fit(tmp_path: Path) -> None:
    (tmp_path / "killed.py").write_text(KILLED)
    try:
        done = python("-c", NESTED, str(tmp_path), timeout=120)
    except subprocess.TimeoutExpired:
        pytest.fail("It waits for itself.")
    assert done.stdout.strip() == "2", done.stderr


# Opening


def with_table(windows: Windows, **columns: Any) -> Windows:
    trials = windows.trials
    return trials._replaced(table=trials.table.assign(**columns)).windows()


PEOPLE: dict[str, list[Any]] = {
    "numbers": [1, 2, 10],
    "names": ["s1", "s10", "s2"],
    "digits": ["1", "2", "10"],
    "negative": [-3, -2, 0],
}
NUMBERS = np.tile(np.arange(1.0, 9.0), 3)
NAMES = pd.Series([f"v{number:g}" for number in NUMBERS])
STIMULI = {
    "numbers": NUMBERS.astype(int),
    "names": NAMES,
    "none": np.full(24, np.nan),
    "some numbers": np.where(NUMBERS == 3, np.nan, NUMBERS),
    "some names": NAMES.where(NUMBERS != 3),
}


@pytest.mark.parametrize(
    ("people", "stimuli"),
    [("numbers", stimuli) for stimuli in STIMULI] + [(people, "none") for people in PEOPLE if people != "numbers"],
)
def test_an_opened_run_is_what_evaluate_returned_without_the_recordings(
    windows: Windows, tmp_path: Path, people: str, stimuli: str
) -> None:
    data = with_table(windows, subject=np.repeat(PEOPLE[people], 8), stimulus=STIMULI[stimuli])
    results = run(data, folder=tmp_path / "run", model="nearest")
    moved = (tmp_path / "run").rename(tmp_path / "elsewhere")
    assert_same_results(read_results(moved), results)
    known = {"majority of the same stimulus"} if stimuli in ("numbers", "names") else set()
    assert {b.model for b in results.baselines} == {"uniform guess", "majority", "majority of the subject"} | known


@pytest.mark.parametrize("control", ["permuted-labels", "who-is-it", "which-stimulus", "injected-signal"])
def test_an_opened_control_is_what_evaluate_returned(windows: Windows, tmp_path: Path, control: str) -> None:
    results = run(windows, folder=tmp_path, control=control)
    opened = read_results(tmp_path)
    assert opened.control == control
    assert_same_results(opened, results)


def test_an_opened_run_has_its_notes(small_trials: Trials, tmp_path: Path) -> None:
    table = small_trials.table
    table.loc[table["subject"] == 2, "valence"] = 8.0
    windows = small_trials._replaced(table=table).windows()
    results = run(windows, folder=tmp_path)
    assert results.notes == ("Subject 2 has no trial of LVHA, LVLA.",)
    assert read_results(tmp_path).notes == results.notes


def test_opening_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("mine")
    for name in ("empty", "missing", "file"):
        with pytest.raises(ConfigError, match=rf"{name}: holds no run \(no run\.json\); give the folder that evaluate"):
            read_results(tmp_path / name)


def test_opening_an_interrupted_run_is_refused(windows: Windows, tmp_path: Path) -> None:
    with failing(2, exception=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        run(windows, Faulty(), folder=tmp_path)
    with pytest.raises(ConfigError, match=r"interrupted, or is still running, after 2 folds; start it again"):
        read_results(tmp_path)


CARDS = {
    "empty": "",
    "cut short": '{"finished": true, "mod',
    "a list": "[]",
    "a number": "3",
    "nothing": "null",
    "no entries": "{}",
    "no text": "\udcff",
}


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
def test_a_damaged_card_is_refused_and_nothing_is_lost(windows: Windows, tmp_path: Path, card: str) -> None:
    run(windows, folder=tmp_path)
    (tmp_path / "run.json").write_text(card, encoding="utf-8", errors="surrogateescape")
    before = contents(tmp_path)
    for again in (lambda: read_results(tmp_path), lambda: run(windows, folder=tmp_path)):
        with pytest.raises(DataFormatError, match=r"run\.json: damaged \(.*\); delete the folder and run again"):
            again()
    assert contents(tmp_path) == before


@pytest.mark.parametrize("value", [None, 3, [1], {}], ids=str)
@pytest.mark.parametrize("key", ["splitter", "scheme", "provenance"])
def test_a_card_whose_entries_were_altered_is_refused(windows: Windows, tmp_path: Path, key: str, value: Any) -> None:
    run(windows, folder=tmp_path)
    card = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**card, key: value}))
    with pytest.raises(DataFormatError, match=r"run\.json: damaged"):
        read_results(tmp_path)


def test_opening_a_run_without_one_of_its_folds_says_which(windows: Windows, tmp_path: Path) -> None:
    whole = run(windows, folder=tmp_path)
    (tmp_path / "fold-002.npz").unlink()
    with pytest.raises(DataFormatError, match=r"fold-002\.npz is missing; start the run again"):
        read_results(tmp_path)
    assert_same_predictions(run(windows, folder=tmp_path), whole)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", None], ids=["empty", "cut short", "missing"])
def test_a_damaged_table_of_windows_is_refused_and_written_again(
    windows: Windows, tmp_path: Path, content: bytes | None
) -> None:
    results = run(windows, folder=tmp_path)
    if content is None:
        (tmp_path / "windows.npz").unlink()
    else:
        (tmp_path / "windows.npz").write_bytes(content)
    with pytest.raises(DataFormatError, match=r"windows\.npz: damaged"):
        read_results(tmp_path)
    assert_same_results(run(windows, folder=tmp_path), results)


def test_runs_are_found_wherever_they_lie_below(windows: Windows, tmp_path: Path) -> None:
    for name in ("b", "a/c", "a/d"):
        run(windows, MajorityClassifier(), folder=tmp_path / name)
    assert find_runs(tmp_path) == [tmp_path / "a" / "c", tmp_path / "a" / "d", tmp_path / "b"]
    assert find_runs(tmp_path / "b") == [tmp_path / "b"]
    assert find_runs(tmp_path / "missing") == []


# What cannot be a protocol


@pytest.mark.parametrize("protocol", [KFold(3), None, 5], ids=lambda p: type(p).__name__)
def test_what_is_no_protocol_is_refused(windows: Windows, protocol: Any) -> None:
    with pytest.raises(ConfigError, match=r"^protocol must be a name, or what make_splitter\(\) made, got"):
        evaluate(NearestMean(), windows, quadrants(), protocol)
