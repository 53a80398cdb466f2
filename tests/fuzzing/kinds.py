"""Every kind of file that comes from elsewhere: how a right one is written, and how a user has it read."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

Arrays = dict[str, np.ndarray]
_DEAP_SHAPE = (2, 40, 50)


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Parameters
    ----------
    write : callable
        Writes right files into a folder and returns those that are to be mutated.
    load : callable
        Reads them, with a folder for what it writes; returns arrays to compare.
    is_text : bool
        Whether fields and lines are edited too.
    has_checksum : bool
        Whether nothing but the original may be read from a mutant.
    names : sequence of str
        One of them must stand in the message of an error, beside the name of the mutated file.
    """

    write: Callable[[Path], list[Path]]
    load: Callable[[Path, Path], Arrays]
    is_text: bool = False
    has_checksum: bool = False
    names: Sequence[str] = ()


def _deap(suffix: str) -> Kind:
    from eegemo.datasets import _deap_format as deap

    def write(folder: Path) -> list[Path]:
        data, labels = np.random.default_rng(0).standard_normal(_DEAP_SHAPE), np.full((_DEAP_SHAPE[0], 4), 5.0)
        (deap.write_dat if suffix == ".dat" else deap.write_mat)(folder / f"s01{suffix}", data, labels)
        return [folder / f"s01{suffix}"]

    def load(path: Path, scratch: Path) -> Arrays:
        # A short recording, so that most bytes say something of the rest.
        deap.DATA_SHAPE, deap.LABELS_SHAPE = _DEAP_SHAPE, (_DEAP_SHAPE[0], 4)
        return dict(zip(("data", "labels"), deap.read_file(path), strict=True))

    return Kind(write, load)


def _packed_mat() -> Kind:
    def write(folder: Path) -> list[Path]:
        import scipy.io

        data = np.random.default_rng(0).standard_normal(_DEAP_SHAPE).round(1)
        arrays = {"labels": np.full((_DEAP_SHAPE[0], 4), 5.0), "note": "text", "data": data}
        scipy.io.savemat(folder / "s01.mat", arrays, do_compression=True)
        return [folder / "s01.mat"]

    return Kind(write, _deap(".mat").load)


def _dasps() -> Kind:
    from eegemo import load_dasps

    def write(folder: Path) -> list[Path]:
        rng = np.random.default_rng(0)
        with h5py.File(folder / "S01.mat", "w", userblock_size=512) as file:
            samples = rng.normal(0, 10, (12, 1920, 14)).round().astype(np.float32)
            file.create_dataset("data", data=samples, chunks=(12, 96, 14), compression="gzip")
            file["labels"] = np.full((2, 12), 5.0)
            file["hamilton"] = np.array([[25.0], [20.0]])
            file["situation"] = np.array([[102], [97]], np.uint16)
        return [folder / "S01.mat"]

    def load(path: Path, scratch: Path) -> Arrays:
        return {"signals": load_dasps(path.parent, cache=scratch).signals}

    return Kind(write, load)


def _recording(suffix: str) -> Kind:
    from recording_files import NO_STEPS, a_table, samples, write_recording

    def write(folder: Path) -> list[Path]:
        return [write_recording(folder / f"a_raw{suffix}", samples(1))]

    def load(path: Path, scratch: Path) -> Arrays:
        from eegemo import prepare_recordings

        table = a_table(file=path.name)
        return {"signals": prepare_recordings(table, NO_STEPS, folder=path.parent, cache=scratch).signals}

    return Kind(write, load, names=(".edf", ".bdf"))


def _trial_table() -> Kind:
    from recording_files import NO_STEPS, a_table, samples, write_recording

    def write(folder: Path) -> list[Path]:
        write_recording(folder / "a_raw.fif", samples(1))
        table = a_table(trial=[1, 2], stimulus=["x", "y"], valence=[3.0, 7.5], task=["rest", "count"])
        table.to_csv(folder / "trials.csv", index=False)
        return [folder / "trials.csv"]

    def load(path: Path, scratch: Path) -> Arrays:
        from eegemo import prepare_recordings

        return {"signals": prepare_recordings(path, NO_STEPS, cache=scratch).signals}

    return Kind(write, load, is_text=True, names=("recording",))


def _ratings() -> Kind:
    from deap_raw_files import SHEET
    from eegemo.datasets._deap_ratings import read_sheet, rows_of

    def write(folder: Path) -> list[Path]:
        SHEET.to_csv(folder / "participant_ratings.csv", index=False)
        return [folder / "participant_ratings.csv"]

    def load(path: Path, scratch: Path) -> Arrays:
        return {"valence": rows_of(read_sheet(path), 25, 40, path)["Valence"].to_numpy()}

    return Kind(write, load, is_text=True)


def _split() -> Kind:
    def write(folder: Path) -> list[Path]:
        number = np.arange(48)
        columns = {"subject": number // 24, "trial": number // 4 % 6, "stimulus": number // 4 % 6}
        windows = pd.DataFrame({**columns, "start": number % 4 * 128 + number // 4 * 1000, "n_times": 128})
        windows["part"] = np.where(number % 6 == 0, "test", "train")
        windows["fold"] = number // 24
        windows.to_csv(folder / "windows.csv", index=False)
        return [folder / "windows.csv"]

    def load(path: Path, scratch: Path) -> Arrays:
        from eegemo import audit_split
        from eegemo.evaluation.split_files import read_split

        said = [str(audit_split(rows, train, test, aside)) for rows, train, test, aside in read_split(path)]
        return {"audit": np.array(said)}

    # audit_split is given tables, and does not know of files.
    return Kind(write, load, is_text=True, names=("start and n_times", "indows"))


def _saved_classifier(folder: Path) -> Path:
    from tiny import tiny, traced

    X = 20 * np.random.default_rng(0).standard_normal((24, 2, 16)).astype(np.float32)
    with traced(False):
        tiny("eegnet", epochs=1).fit(X, np.array(["calm", "excited", "sad"] * 8)).save(folder / "model.keras")
    return folder / "model.keras"


def _what_a_classifier_is(path: Path) -> Arrays:
    from eegemo import read_classifier

    classifier = read_classifier(path)
    weights = {str(number): values for number, values in enumerate(classifier.model_.get_weights())}
    return {**weights, "classes": classifier.classes_}


def _keras() -> Kind:
    def write(folder: Path) -> list[Path]:
        return [_saved_classifier(folder)]

    def load(path: Path, scratch: Path) -> Arrays:
        return _what_a_classifier_is(path)

    return Kind(write, load, has_checksum=True)


def _keras_members() -> Kind:
    """What the checksums of the archive do not see: somebody has packed it anew."""

    def write(folder: Path) -> list[Path]:
        with zipfile.ZipFile(_saved_classifier(folder)) as archive:
            archive.extractall(folder / "members")
        return sorted((folder / "members").iterdir())

    def load(path: Path, scratch: Path) -> Arrays:
        with zipfile.ZipFile(scratch / "model.keras", "w") as archive:
            for member in sorted(path.parent.iterdir()):
                archive.write(member, member.name)
        return _what_a_classifier_is(scratch / "model.keras")

    return Kind(write, load, is_text=True, names=("model.keras",))


def _run() -> Kind:
    def write(folder: Path) -> list[Path]:
        from eegemo import evaluate, high_low, make_model, simulate

        windows = simulate(1, channels=["F3", "F4"]).windows(20, 20)
        evaluate(make_model("logistic-regression"), windows, high_low("valence"), "trial", folder=folder / "run")
        return sorted(path for path in (folder / "run").rglob("*") if path.is_file() and path.stat().st_size)

    def load(path: Path, scratch: Path) -> Arrays:
        from eegemo import read_results

        folder = next(parent for parent in path.parents if parent.name == "run")
        results = read_results(folder)
        return {"proba": np.concatenate([fold.proba for fold in results.folds])}

    return Kind(write, load, is_text=True, names=("run",))


#: Made when they are used: some need Keras, some MNE.
KINDS: dict[str, Callable[[], Kind]] = {
    "dat": lambda: _deap(".dat"),
    "mat": lambda: _deap(".mat"),
    "packed-mat": _packed_mat,
    "mat73": _dasps,
    "edf": lambda: _recording(".edf"),
    "bdf": lambda: _recording(".bdf"),
    "ratings": _ratings,
    "trials": _trial_table,
    "split": _split,
    "keras": _keras,
    "keras-members": _keras_members,
    "run": _run,
}


def restore(originals: dict[Path, bytes], scratch: Path) -> None:
    """Put back the right files, and empty the folder for what is written.

    Parameters
    ----------
    originals : dict of Path -> bytes
        The right files.
    scratch : Path
        The folder.
    """
    for path, content in originals.items():
        path.write_bytes(content)
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
