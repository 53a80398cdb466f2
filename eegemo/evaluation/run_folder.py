"""A run is a folder: what it is, each fold as it ends, and one writer at a time."""

from __future__ import annotations

import errno
import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import filelock

from eegemo._atomic import replacing
from eegemo._json import read_json
from eegemo._paths import as_path
from eegemo.errors import ConfigError, DataFormatError
from eegemo.evaluation.folds import Failure, Fold
from eegemo.evaluation.plan import Plan
from eegemo.evaluation.provenance import hash_json
from eegemo.evaluation.results import REFITS, Results
from eegemo.evaluation.scoring import LEVELS
from eegemo.evaluation.splitter import Splitter
from eegemo.evaluation.window_files import SplitWindows, read_windows
from eegemo.labels import LabelScheme

_CARD = "run.json"
_WINDOWS = "windows.npz"
_LOCK = ".lock"


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
            self._refuse_another(plan)
        else:
            self._refuse_strangers()
            self._write_card(plan, plan.provenance, (), finished=False)
        for pattern in (".fold-*.npz", ".windows-*.npz", ".run-*.json"):
            for partial in self.path.glob(pattern):  # what a killed run had not finished writing
                partial.unlink()
        _windows_of(plan).save(self.path / _WINDOWS)

    def sound_folds(self, plan: Plan) -> dict[int, Fold]:
        """Return the folds that are there already, sound, and of this run; delete the others, with a warning."""
        done, windows = {}, _windows_of(plan)
        for number in range(len(plan.splits)):
            path = self.fold_path(number)
            if not path.exists():
                continue
            try:
                done[number] = windows.read_fold(path, number=number, run=plan.fingerprint)
            except DataFormatError as error:
                if getattr(error.__cause__, "errno", None) not in (None, errno.EINVAL):
                    raise  # a disk that cannot be read now says nothing about the fold
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

    def _refuse_another(self, plan: Plan) -> None:
        card = read_card(self.path)
        theirs, ours = card["identity"], json.loads(json.dumps(plan.identity))
        if theirs == ours:
            if card["provenance"]["n_folds"] != len(plan.splits):
                raise _damaged(self.path, f"{card['provenance']['n_folds']} folds, of {len(plan.splits)} there are")
            return
        differing = sorted(_differences(theirs, ours))
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
        card = read_json(path / _CARD)
        if not {"finished", "model", "splitter", "scheme", "failures", "identity", "provenance"} <= set(card):
            raise ValueError("an entry is missing")
        if (type(card["finished"]), type(card["model"])) != (bool, str):
            raise ValueError(f"finished is {card['finished']!r} and model {card['model']!r}")
        n_folds, n_windows = card["provenance"]["n_folds"], card["identity"]["window"]["n_windows"]
        if type(n_folds) is not int or not 1 <= n_folds <= n_windows * card["splitter"]["n_repeats"]:
            raise ValueError(f"a run of {n_folds!r} folds over {n_windows} windows")
        if hash_json(card["identity"]) != card["provenance"]["fingerprint"]:
            raise ValueError("its fingerprint is another identity's")
        if card["splitter"] != card["identity"]["protocol"]:
            raise ValueError("its splitter is another one than its identity's")
        kept = [card["provenance"].get(REFITS, {level: []})[level] for level in LEVELS]
        if any(type(score) is not float for scores in kept for score in scores) or len(set(map(len, kept))) > 1:
            raise ValueError("scores of refits that are none")
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError(f"{path}: holds no run (no {_CARD}); give the folder that evaluate() wrote.") from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise _damaged(path, error) from error
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
        return RunFolder(as_path(folder, "folder"))
    if runs is None:
        return None
    parts = [plan.splitter.protocol, plan.model, plan.control and plan.control.name, plan.fingerprint[:8]]
    return RunFolder(
        as_path(runs, "runs") / "-".join(part.replace(" ", "_").replace("/", "_") for part in parts if part)
    )


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
    path = as_path(path)
    card = read_card(path)
    folder = RunFolder(path)
    if not card["finished"]:
        raise ConfigError(f"{path}: {how_far(path)}; start it again with the same settings, and it goes on.")
    try:
        splitter = Splitter(**card["splitter"])
        rule: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in card["scheme"].items()}
        scheme = LabelScheme(**rule)
        failures = tuple(Failure(int(failure["number"]), str(failure["error"])) for failure in card["failures"])
        n_folds, run = card["provenance"]["n_folds"], card["provenance"]["fingerprint"]
        n_windows, n_classes = int(card["identity"]["window"]["n_windows"]), len(scheme.classes)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path, error) from error
    # A fold that failed may have succeeded since, in a run that was killed before it wrote so.
    failures = tuple(failure for failure in failures if not folder.fold_path(failure.number).exists())
    if folder.fold_path(n_folds).exists():
        raise _damaged(path, f"{n_folds} folds, though {folder.fold_path(n_folds).name} is there")
    left_out = {failure.number for failure in failures}
    numbers = [number for number in range(n_folds) if number not in left_out]
    missing = [number for number in numbers if not folder.fold_path(number).exists()]
    if missing:
        raise DataFormatError(
            f"{path}: {folder.fold_path(missing[0]).name} is missing; start the run again with the same settings, and "
            "it is done anew."
        )
    windows = read_windows(path / _WINDOWS, n_windows=n_windows, n_classes=n_classes)
    return Results(
        model=card["model"],
        splitter=splitter,
        scheme=scheme,
        table=windows.table,
        y=windows.y,
        folds=tuple(windows.read_fold(folder.fold_path(number), number=number, run=run) for number in numbers),
        failures=failures,
        provenance=card["provenance"],
    )


def how_far(path: Path) -> str:
    """Say how far a run has come that is not finished.

    Parameters
    ----------
    path : Path
        Its folder.

    Returns
    -------
    text : str
    """
    n_folds = len(list(path.glob("fold-*.npz")))
    return f"the run was interrupted, or is still running, after {n_folds} folds"


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


def _damaged(path: Path, reason: object) -> DataFormatError:
    return DataFormatError(f"{path / _CARD}: damaged ({reason}); delete the folder and run again.")


def _windows_of(plan: Plan) -> SplitWindows:
    return SplitWindows(plan.windows.table, plan.y, plan.windows.trial_index, len(plan.scheme.classes))


def _differences(theirs: Any, ours: Any, name: str = "") -> Iterator[str]:
    """Name the settings that differ, with both values where they are short."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted({*theirs, *ours}):
            yield from _differences(theirs.get(key), ours.get(key), f"{name}.{key}" if name else key)
    elif theirs != ours:
        values = f"{theirs!r} there, {ours!r} here"
        yield f"{name}: {values}" if len(values) < 70 else name
