"""What is known of a published dataset: how its folder is recognised, what it holds, and whose it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eegemo.errors import ConfigError
from eegemo.labels import LabelScheme
from eegemo.trials import Trials

#: Lies in a folder of files that nobody recorded, so that what is read from it is called simulated.
SIMULATED_MARK = "SIMULATED.txt"


@dataclass(frozen=True)
class Dataset:
    """A published dataset, as it lies on disk.

    Parameters
    ----------
    name : str
        As its authors call it.
    files : str
        What a folder of it looks like, in words.
    recognised : callable
        Whether a folder is one of it.
    load : callable
        Its loader, which takes a folder and the keywords ``subjects, cache``, and ``channels`` where it has any.
    ch_names : tuple of str
        The EEG channels, by their names in the 10-05 system where they have one.
    sfreq : float
        In Hz.
    pass_band : (float | None, float | None)
        Of the recordings as they were published, in Hz; None where nothing limits it.
    labels : str
        What people rated, or what their trials are classes of, in words.
    schemes : tuple of LabelScheme
        The rules that make sense for it; the first is what it is mostly used for.
    sessions : int
        Days on which each person was recorded.
    licence, source : str
        Who may have it, and the paper, with its DOI.
    caution : str
        What a reader of any score on it has to know.
    """

    name: str
    files: str
    recognised: Callable[[Path], bool] = field(repr=False)
    load: Callable[..., Trials] = field(repr=False)
    ch_names: tuple[str, ...] = field(repr=False)
    sfreq: float
    pass_band: tuple[float | None, float | None]
    labels: str
    schemes: tuple[LabelScheme, ...] = field(repr=False)
    licence: str
    source: str
    sessions: int = 1
    caution: str = ""


def holds(folder: Path, pattern: re.Pattern[str]) -> bool:
    """Tell whether a folder has a file, or a folder, whose whole name matches.

    Parameters
    ----------
    folder : Path
        What is none holds nothing.
    pattern : re.Pattern
        Of the name.

    Returns
    -------
    holds : bool
    """
    return folder.is_dir() and any(pattern.fullmatch(path.name) for path in folder.iterdir())


def simulated_mark(paths: Iterable[Path], folder: Path) -> bool:
    """Tell whether files were simulated, by the mark that lies beside them, or in a folder above.

    Parameters
    ----------
    paths : iterable of Path
        The files.
    folder : Path
        That was given, for messages; the mark may lie above it, where a folder within a release was given.

    Returns
    -------
    simulated : bool

    Raises
    ------
    ConfigError
        If some were and some were not.
    """
    marked = {any((place / SIMULATED_MARK).exists() for place in path.absolute().parents) for path in paths}
    if len(marked) == 2:
        raise ConfigError(f"Some of the people in {str(folder)!r} were simulated and some not; choose subjects.")
    return marked.pop()


def credit(dataset: Dataset) -> dict[str, Any]:
    """Return the entries of a provenance that say whose recordings these are.

    Parameters
    ----------
    dataset : Dataset
        Whose.

    Returns
    -------
    entries : dict
    """
    return {"reference": dataset.source, "licence": dataset.licence} | (
        {"caution": dataset.caution} if dataset.caution else {}
    )
