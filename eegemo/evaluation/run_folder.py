"""A run is a folder: what it is, each fold as it ends, and one writer at a time."""

from __future__ import annotations

import json
import os
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
from eegemo._trial_parts import SESSION, UNIT
from eegemo.errors import ConfigError, DataFormatError
from eegemo.evaluation.folds import Failure, Fold, read_fold
from eegemo.evaluation.plan import Plan
from eegemo.evaluation.results import Results
from eegemo.evaluation.splitter import Splitter
from eegemo.labels import LabelScheme

_CARD = "run.json"
_WINDOWS = "windows.npz"
_LOCK = ".lock"
_NAMES = ("subject", "trial", "stimulus")
_OPTIONAL = (SESSION, UNIT)


class RunFolder:
    """The folder of one evaluation run.

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

    def begin(self, plan: Plan) -> None:
        """Begin a run, or take it up again.

        Parameters
        ----------
        plan : Plan
            What is to be done.

        Raises
        ------
        ConfigError
            If the folder holds a run of another configuration.
        """
        if (self.path / _CARD).exists():
            self._refuse_another(plan.identity)
        else:
            self._refuse_strangers()
            self._write_card(plan, plan.provenance, (), finished=False)
        for pattern in (".fold-*.npz", ".windows-*.npz", ".run-*.json"):
            for partial in self.path.glob(pattern):  # what a killed run had not finished writing
                partial.unlink()
        table = plan.windows.table
        windows: dict[str, Any] = {"y": plan.y, "start": table["start"].to_numpy()}
        for name in (*_NAMES, *_OPTIONAL):
            if name not in table:
                continue
            windows |= {name: _as_text(table[name]), f"{name}_dtype": str(table[name].dtype)}
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

    def finish(self, plan: Plan, results: Results) -> None:
        """Write down that the run is complete."""
        self._write_card(plan, results.provenance, results.failures, finished=True)

    def _write_card(
        self, plan: Plan, provenance: dict[str, Any], failures: tuple[Failure, ...], *, finished: bool
    ) -> None:
        card = {
            "finished": finished,
            "model": plan.model,
            "splitter": asdict(plan.splitter),
            "scheme": asdict(plan.scheme),
            "failures": [asdict(failure) for failure in failures],
            "identity": plan.identity,
            "provenance": provenance,
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


def run_folder(
    plan: Plan, folder: str | os.PathLike[str] | None, runs: str | os.PathLike[str] | None
) -> RunFolder | None:
    """Return where a run is kept, if anywhere.

    Parameters
    ----------
    plan : Plan
        What is to be done.
    folder : path-like | None
        The run's own folder.
    runs : path-like | None
        A folder of runs, in which this one's has a name that says what it is.

    Returns
    -------
    folder : RunFolder | None

    Raises
    ------
    ConfigError
        If both are given.
    """
    if folder is not None and runs is not None:
        raise ConfigError("Give folder or runs, not both.")
    if folder is not None:
        return RunFolder(Path(folder))
    if runs is None:
        return None
    parts = [plan.splitter.protocol, plan.model, plan.control and plan.control.name, plan.fingerprint[:8]]
    return RunFolder(Path(runs) / "-".join(part.replace(" ", "_").replace("/", "_") for part in parts if part))


def read_results(path: str | os.PathLike[str]) -> Results:
    """Read the results of a run from its folder; the recordings are not needed.

    Parameters
    ----------
    path : path-like
        The folder that :func:`eegemo.evaluate` wrote.

    Returns
    -------
    results : Results

    Raises
    ------
    ConfigError
        If there is no run, or it was interrupted; run it again with the same settings, and it goes on.
    DataFormatError
        If a file is damaged, or was written by an earlier version.
    """
    path = Path(path)
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
            names = (*_NAMES, *(name for name in _OPTIONAL if name in stored))
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
