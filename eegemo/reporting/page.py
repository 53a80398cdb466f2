"""What an experiment says about itself: question, answer, method, and the command that makes its page."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, asdict, dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from eegemo._json import as_json

#: Settings that say how an experiment is carried out and where it writes; the others are what is computed.
_EXECUTION = ("out", "cache", "cluster", "n_jobs", "tables")
#: Settings that say what it is computed on, which the runs say for themselves.
_RECORDINGS = ("data", "dataset", "labels")


@dataclass(frozen=True)
class Page:
    """What an experiment says about itself on its page; made by :func:`page_of`.

    Parameters
    ----------
    folder : Path
        Somewhere in the folder of all results.
    title : str
        The heading.
    question : str
        One sentence.
    answer : str | None
        One sentence or two; by default the best model under each protocol.
    method : str
        How it was done, in Markdown; folded away.
    text : str
        What a reader must know beside it, in Markdown.
    command : str
        What makes it again.
    configuration : dict
        What was computed, JSON-compatible.
    lead : (str, DataFrame) | None
        Title and text of the one table that is shown; by default macro-F1 of every model under every protocol.
    tables : sequence of (str, str, DataFrame)
        Tables of the experiment's own: file name, title, numbers; folded away.
    figures : sequence of (str, str, Figure)
        Figures of the experiment's own: file name without suffix, what it shows, figure.
    drawn : sequence of str | None
        The models that figures show, where there are too many to draw; tables always have all.
    without : sequence of str
        Of the figures that every experiment has (``gap``, ``subjects``, ``confusions``, ``curves``), those left out.
    write_tables : bool
        Whether every table is written as CSV, Markdown and LaTeX too.
    headline : str
        The number that the index of all results leads with.
    seconds : float | None
        How long it took; where it is not given, the runs say it, whenever they were made.
    """

    folder: Path
    title: str
    question: str
    answer: str | None
    method: str
    text: str
    command: str
    configuration: dict[str, Any]
    lead: tuple[str, pd.DataFrame] | None = None
    tables: Sequence[tuple[str, str, pd.DataFrame]] = ()
    figures: Sequence[tuple[str, str, Figure]] = ()
    drawn: Sequence[str] | None = None
    without: Sequence[str] = ()
    write_tables: bool = False
    headline: str = ""
    seconds: float | None = None


def page_of(run: Callable[..., Any], config: Any, *, title: str, question: str, **more: Any) -> Page:
    """Begin the page of an experiment with what its script and its configuration say.

    Parameters
    ----------
    run : callable
        The script's function; the docstring of its module is the method.
    config : dataclass instance
        With the fields ``out`` and ``tables``.
    title, question : str
        As :class:`Page` has them.
    **more
        Other fields of :class:`Page`.

    Returns
    -------
    page : Page
    """
    module = inspect.getmodule(run)
    given: dict[str, Any] = {"answer": None, "text": "", **more}
    return Page(
        folder=config.out,
        title=title,
        question=question,
        method=(inspect.getdoc(module) or "").strip(),
        command=command_of(_script_path(run), config),
        configuration=settings_of(config),
        write_tables=config.tables,
        **given,
    )


def _script_path(run: Callable[..., Any]) -> str:
    """Return where a script lies, from the folder of all experiments on; as if it lay there, where it does not."""
    path = Path(inspect.getfile(run))
    above = [folder for folder in path.parents if folder.name == "experiments"]
    return f"experiments/{path.relative_to(above[0]).as_posix() if above else path.name}"


def settings_of(config: Any) -> dict[str, Any]:
    """Return what a configuration says of what is computed, without how that is carried out and where it is written.

    Parameters
    ----------
    config : dataclass instance
        Of an experiment.

    Returns
    -------
    settings : dict
        As JSON gives it back.
    """
    computed = {name: value for name, value in asdict(config).items() if name not in (*_EXECUTION, *_RECORDINGS)}
    return dict(json.loads(json.dumps(as_json(computed))))


def command_of(script: str, config: Any) -> str:
    """Return the command line that a configuration stands for, without the paths of this machine.

    Parameters
    ----------
    script : str
        For example ``experiments/paper_tables.py``.
    config : dataclass instance
        Fields that differ from their default are named, but for those that say where to write and how to work;
        the folder of ``--data`` is shown by a stand-in.

    Returns
    -------
    command : str
    """
    words = ["python", script]
    for field in fields(config):
        value = getattr(config, field.name)
        flag = "--" + field.name.replace("_", "-")
        if value == _default(field) or field.name in _EXECUTION:
            continue
        if field.name == "data":
            words += [flag, "DATA"]
        elif isinstance(value, bool):
            words += [flag]
        elif isinstance(value, (tuple, list)):
            words += [flag, *map(str, value)]
        else:
            words += [flag, str(value)]
    return " ".join(words)


def _default(field: Field[Any]) -> Any:
    return field.default if field.default is not MISSING else None
