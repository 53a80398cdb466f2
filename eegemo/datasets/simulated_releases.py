"""Simulated people in the files of any of the published datasets."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from eegemo._atomic import replacing
from eegemo._paths import as_path
from eegemo.datasets._simulated_people import SimulatedPerson
from eegemo.datasets.published import SIMULATED_MARK
from eegemo.datasets.registry import dataset
from eegemo.datasets.simulated import DEFAULT_EFFECT, DEFAULT_SEED, check_settings, subject_numbers
from eegemo.errors import ConfigError, suggest_keywords, unknown_name

#: Makes a person of the dataset from their number, electrodes and rate as the writer says.
MakePerson = Callable[[int], SimulatedPerson]
#: Writes the files of a dataset into a folder, one after another; each path is yielded when its file is complete.
Write = Callable[[Path, list[int], MakePerson], Iterator[Path]]
#: What writes each dataset.
WRITERS: dict[str, str] = {
    "seed": "eegemo.datasets._written_seed:write_seed",
    "seed-iv": "eegemo.datasets._written_seed:write_seed_iv",
    "faced": "eegemo.datasets._written_faced:write",
    "gameemo": "eegemo.datasets._written_gameemo:write",
    "dreamer": "eegemo.datasets._written_dreamer:write",
    "amigos": "eegemo.datasets._written_amigos:write",
}

_FIRST = {"faced": 0}  # number of the first person, where that is not 1


@suggest_keywords
def write_simulated_release(
    folder: str | os.PathLike[str],
    name: str,
    subjects: int | Sequence[int] = 4,
    *,
    effect: float = DEFAULT_EFFECT,
    random_state: int = DEFAULT_SEED,
    on_written: Callable[[Path], object] | None = None,
) -> list[Path]:
    """Write simulated people as a published dataset: its folders, names, variables, shapes, types and versions.

    Parameters
    ----------
    folder : path-like
        Where the files go; made where it does not exist. A ``SIMULATED.txt`` in it lets the loader say what they are.
    name : str
        One of :data:`WRITERS`.
    subjects : int | sequence of int
        How many people, or their numbers, which count from 1, those of FACED from 0.
    effect, random_state
        As in :func:`eegemo.simulate`.
    on_written : callable | None
        Called with the path of each file when it is complete.

    Returns
    -------
    paths : list of Path
        The files written.

    Raises
    ------
    ConfigError
        If a setting cannot be used, or the folder holds files that were not simulated, or others than these.

    See Also
    --------
    eegemo.load : Loads them again.
    eegemo.write_simulated : Writes DEAP's releases.
    """
    if not isinstance(name, str) or name not in WRITERS:
        raise unknown_name("dataset", name, WRITERS)
    numbers = subject_numbers(subjects, _FIRST.get(name, 1))
    check_settings(effect, random_state)
    target = as_path(folder, "folder")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConfigError(f"{str(target)!r} is not empty; name a folder that is, or is not there yet.")
    with replacing(target / SIMULATED_MARK) as partial_file:
        partial_file.write_text("The files in this folder were simulated by eegemo: nobody was recorded.\n")
    record = dataset(name)
    module, function = WRITERS[name].split(":")
    write: Write = getattr(importlib.import_module(module), function)
    person = partial(SimulatedPerson, record.name, ch_names=record.ch_names, sfreq=record.sfreq)
    paths = []
    for path in write(target, numbers, partial(person, effect=effect, seed=random_state)):
        paths.append(path)
        if on_written:
            on_written(path)
    return paths
