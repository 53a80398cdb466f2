"""A run is a folder: what it is, each fold as it ends, and one writer at a time."""

from __future__ import annotations

import json
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pandas as pd

from eegemo._atomic import replacing
from eegemo._trial_parts import UNIT
from eegemo.errors import ConfigError, DataFormatError
from eegemo.evaluation.folds import Failure, Fold, read_fold
from eegemo.evaluation.protocols import Splitter
from eegemo.evaluation.results import Results
from eegemo.labels import LabelScheme

_CARD = "run.json"
_WINDOWS = "windows.npz"
_LOCK = ".lock"
_NAMES = ("subject", "trial", "stimulus")


class RunFolder:
    """The folder of one run.

    Parameters
    ----------
    path : Path
        Made where it is missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs out; the lock falls with the process, however it ends.

        Raises
        ------
        ConfigError
            If another run is writing here, or nothing can be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(self.path / _LOCK, timeout=0)
            lock.acquire()
        except filelock.Timeout:
            raise ConfigError(
                f"{self.path}: another run is writing here; wait for it, or give this one another folder."
            ) from None
        except OSError as error:
            raise ConfigError(f"{self.path}: cannot be written to ({error.strerror}); give another folder.") from error
        try:
            yield
        finally:
            lock.release()

    def begin(self, identity: dict[str, Any], results: Results) -> None:
        """Begin the run, or take it up again.

        Parameters
        ----------
        identity : dict
            Everything that the numbers depend on; JSON-compatible.
        results : Results
            Without folds yet.

        Raises
        ------
        ConfigError
            If the folder holds a run of another configuration.
        """
        if (self.path / _CARD).exists():
            self._refuse_another(identity)
        else:
            self._refuse_strangers()
            self._write_card(identity, results, finished=False)
        for pattern in (".fold-*.npz", ".windows-*.npz", ".run-*.json"):
            for partial in self.path.glob(pattern):  # what a killed run had not finished writing
                partial.unlink()
        windows: dict[str, Any] = {"y": results.y, "start": results.table["start"].to_numpy()}
        for name in (*_NAMES, UNIT):
            if name not in results.table:
                continue
            windows |= {name: _as_text(results.table[name]), f"{name}_dtype": str(results.table[name].dtype)}
        with replacing(self.path / _WINDOWS) as partial:
            np.savez_compressed(partial, **windows)

    def sound_folds(self, n_folds: int, run: str) -> dict[int, Fold]:
        """Return the folds that are there already, sound, and of this run; delete the others, with a warning."""
        done = {}
        for number in range(n_folds):
            path = self.fold_path(number)
            if not path.exists():
                continue
            try:
                done[number] = read_fold(path, number=number, run=run)
            except DataFormatError as error:
                path.unlink()
                warnings.warn(f"{str(error).partition(';')[0]}; deleted, and done again.", UserWarning, stacklevel=2)
        return done

    def fold_path(self, number: int) -> Path:
        """Return where a fold is written."""
        return self.path / f"fold-{number:03d}.npz"

    def finish(self, identity: dict[str, Any], results: Results) -> None:
        """Write down that the run is complete."""
        self._write_card(identity, results, finished=True)

    def _write_card(self, identity: dict[str, Any], results: Results, *, finished: bool) -> None:
        card = {
            "finished": finished,
            "model": results.model,
            "splitter": asdict(results.splitter),
            "scheme": asdict(results.scheme),
            "failures": [asdict(failure) for failure in results.failures],
            "identity": identity,
            "provenance": results.provenance,
        }
        with replacing(self.path / _CARD) as partial:
            partial.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")

    def _refuse_another(self, identity: dict[str, Any]) -> None:
        theirs = read_card(self.path)["identity"]
        if theirs == json.loads(json.dumps(identity)):
            return
        differing = sorted(_differences(theirs, json.loads(json.dumps(identity))))
        raise ConfigError(
            f"{self.path} holds a run of another configuration ({'; '.join(differing[:4])}"
            f"{'; ...' if len(differing) > 4 else ''}); give another folder, or delete that one."
        )

    def _refuse_strangers(self) -> None:
        strangers = sorted(path.name for path in self.path.glob("fold-*.npz"))
        if strangers:
            raise ConfigError(
                f"{self.path} holds {strangers[0]} but no {_CARD} that says what it is; give another folder, or delete "
                "that one."
            )


def read_card(path: Path) -> dict[str, Any]:
    """Read what a run's folder says of itself.

    Parameters
    ----------
    path : Path
        The run's folder.

    Returns
    -------
    card : dict

    Raises
    ------
    ConfigError
        If there is no run.
    DataFormatError
        If the file is damaged.
    """
    try:
        card = json.loads((path / _CARD).read_text(encoding="utf-8"))
        if not {"finished", "model", "splitter", "scheme", "failures", "identity", "provenance"} <= set(card):
            raise ValueError("an entry is missing")
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError(f"{path}: holds no run (no {_CARD}); give the folder that evaluate() wrote.") from None
    except (ValueError, TypeError) as error:
        raise DataFormatError(f"{path / _CARD}: damaged ({error}); delete the folder and run again.") from error
    return dict(card)


def open_results(path: Path) -> Results:
    """Load the results of a run; see :meth:`Results.open`."""
    card = read_card(path)
    folder = RunFolder(path)
    if not card["finished"]:
        n = len(list(path.glob("fold-*.npz")))
        raise ConfigError(
            f"{path}: the run was interrupted, or is still running, after {n} folds; start it again with the same "
            "settings, and it goes on."
        )
    try:
        splitter = Splitter(**card["splitter"])
        rule: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in card["scheme"].items()}
        scheme = LabelScheme(**rule)
        failures = tuple(Failure(**failure) for failure in card["failures"])
        n_folds, run = int(card["provenance"]["n_folds"]), str(card["provenance"]["fingerprint"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataFormatError(f"{path / _CARD}: damaged ({error}); delete the folder and run again.") from error
    # A fold that failed may have succeeded since, in a run that was killed before it wrote so.
    failures = tuple(failure for failure in failures if not folder.fold_path(failure.number).exists())
    numbers = sorted(set(range(n_folds)) - {failure.number for failure in failures})
    missing = [number for number in numbers if not folder.fold_path(number).exists()]
    if missing:
        raise DataFormatError(
            f"{path}: {folder.fold_path(missing[0]).name} is missing; start the run again with the same settings, and "
            "it is done anew."
        )
    table, y = _read_windows(path)
    return Results(
        model=card["model"],
        splitter=splitter,
        scheme=scheme,
        table=table,
        y=y,
        folds=tuple(read_fold(folder.fold_path(number), number=number, run=run) for number in numbers),
        failures=failures,
        provenance=card["provenance"],
    )


def find_runs(path: Path) -> list[Path]:
    """Find the folders of runs: this one, or all below it.

    Parameters
    ----------
    path : Path
        A run's folder, or one that holds several.

    Returns
    -------
    folders : list of Path
        Sorted.
    """
    return sorted(card.parent for card in path.rglob(_CARD))


def _as_text(column: pd.Series) -> np.ndarray:
    """Return a column as an array that needs no pickle: JSON, which tells 1 from "1", and a missing value from both."""
    values = column.astype(object).where(column.notna(), None)
    return np.array([json.dumps(value.item() if isinstance(value, np.generic) else value) for value in values])


def _from_text(column: np.ndarray, dtype: str) -> pd.Series:
    names, numbers = np.unique(column, return_inverse=True)
    values = [json.loads(str(name)) for name in names]
    return pd.Series([values[number] for number in numbers], dtype=dtype)


def _read_windows(path: Path) -> tuple[pd.DataFrame, np.ndarray]:
    try:
        with np.load(path / _WINDOWS, allow_pickle=False) as stored:
            names = (*_NAMES, UNIT) if UNIT in stored else _NAMES
            columns = {name: _from_text(stored[name], str(stored[f"{name}_dtype"])) for name in names}
            table = pd.DataFrame(columns)
            return table.assign(start=stored["start"]), stored["y"]
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise DataFormatError(f"{path / _WINDOWS}: damaged ({error}); delete the folder and run again.") from error


def _differences(theirs: Any, ours: Any, name: str = "") -> Iterator[str]:
    """Name the settings that differ, with both values where they are short."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted({*theirs, *ours}):
            yield from _differences(theirs.get(key), ours.get(key), f"{name}.{key}" if name else key)
    elif theirs != ours:
        values = f"{theirs!r} there, {ours!r} here"
        yield f"{name}: {values}" if len(values) < 70 else name
