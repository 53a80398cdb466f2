"""The exceptions that bad input meets: one type per cause, both of them ``ValueError``."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

#: Words of MNE, scikit-learn and Keras for what has another name here.
_OTHER_WORDS = {
    "l_freq": ("band", "high_pass"),
    "h_freq": ("band",),
    "lowcut": ("band", "high_pass"),
    "highcut": ("band",),
    "resample": ("sfreq",),
    "fs": ("sfreq",),
    "picks": ("channels", "ch_names"),
    "length": ("duration", "n_times"),
    "window": ("duration",),
    "labels": ("scheme",),
    "cv": ("splitter", "protocol"),
    "seed": ("random_state",),
    "lr": ("learning_rate",),
    "n_epochs": ("epochs",),
    "max_iter": ("epochs",),
    "video": ("stimulus",),
    "people": ("subjects",),
    "ref": ("reference",),
    "n_folds": ("n_splits",),
    "validation_split": ("validation_fraction",),
}

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class CollapseWarning(UserWarning):
    """A network has learned nothing, not even of its own training data."""


class DataFormatError(ValueError):
    """Data that are not what their format promises: a wrong shape, a missing file, a rating of 0."""


class ConfigError(ValueError):
    """A setting that cannot be carried out: an unknown name, a window longer than the trial."""


class UnknownKeywordError(ConfigError, TypeError):
    """A keyword that a function does not have; Python's own ``TypeError`` too."""


def unknown_name(kind: str, name: object, known: Iterable[str]) -> ConfigError:
    """Make the error for a name that is not in a registry, with the nearest known name.

    Parameters
    ----------
    kind : str
        What the name stands for, for example ``"protocol"``.
    name : object
        What was got.
    known : iterable of str
        The names that would have been accepted.

    Returns
    -------
    error : ConfigError
        To be raised by the caller.
    """
    return ConfigError(f"Unknown {kind} {name!r}.{_nearest(name, known)}")


def unknown_keyword(owner: str, name: str, known: Iterable[str]) -> UnknownKeywordError:
    """Make the error for a keyword that is not known, with the nearest known one.

    Parameters
    ----------
    owner : str
        What was called.
    name : str
        The keyword.
    known : iterable of str
        Those that would have been accepted.

    Returns
    -------
    error : UnknownKeywordError
        To be raised by the caller.
    """
    return UnknownKeywordError(f"Unknown parameter {name!r} of {owner}.{_nearest(name, known)}")


def suggest_keywords(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function answer an unknown keyword with the nearest one that it has.

    Parameters
    ----------
    function : callable
        Its keywords are those of its signature.

    Returns
    -------
    function : callable
        With the same signature.
    """
    parameters = inspect.signature(function).parameters
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    known = [name for name in parameters if name not in ("self", "cls")]
    owner = function.__qualname__

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        for name in () if takes_any else kwargs:
            if name not in parameters:
                raise _unknown_argument(function.__name__, owner, args, name, known)
        return function(*args, **kwargs)

    return checked


def _unknown_argument(
    function: str, owner: str, args: tuple[object, ...], name: str, known: list[str]
) -> UnknownKeywordError:
    """Make the error; for a method say where else the keyword belongs."""
    if function == "__init__":
        hint = str(getattr(type(args[0]), "_keyword_hint", ""))
        return UnknownKeywordError(f"{unknown_keyword(type(args[0]).__name__, name, known)}{hint}")
    settings = getattr(args[0], "get_params", None) if args else None
    if settings is not None and name in settings(deep=False):
        kind = type(args[0]).__name__
        return UnknownKeywordError(f"{name!r} is no parameter of {owner}; it is set before: {kind}({name}=...).")
    return unknown_keyword(owner, name, known)


def suggest_settings(cls: type[T]) -> type[T]:
    """Let a class answer an unknown keyword with the nearest one that it has; a decorator, outside of ``dataclass``.

    Parameters
    ----------
    cls : type
        Its keywords are those of its ``__init__``.

    Returns
    -------
    cls : type
        The same.
    """
    cls.__init__ = suggest_keywords(cls.__init__)  # type: ignore[method-assign]
    return cls


def _nearest(name: object, known: Iterable[str]) -> str:
    names = list(known)
    # What other libraries call it is no likeness of letters.
    other = [own for own in _OTHER_WORDS.get(str(name), ()) if own in names]
    small = {own.lower(): own for own in names}
    alike = [small[own] for own in difflib.get_close_matches(str(name).lower(), small, n=1)]
    ends = [own for own in names if own.split("__")[-1] == str(name).split("__")[-1]]
    close = [*other, *ends, *alike][:1]
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"{hint} Known: {', '.join(names)}."


@contextmanager
def naming(file: str) -> Iterator[None]:
    """Put the name of a file before the errors of what was read from it.

    Parameters
    ----------
    file : str
        Its name; an error that has it already stays as it is.
    """
    try:
        yield
    except (ConfigError, DataFormatError) as error:
        if file in str(error):
            raise
        raise type(error)(f"{file}: {error}") from error
