"""Statistics that are computed once for each Results, whoever asks for them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from eegemo.errors import ConfigError
from eegemo.evaluation.results import Results

P = ParamSpec("P")
T = TypeVar("T")


def once_for_each_result(compute: Callable[Concatenate[Results, P], T]) -> Callable[Concatenate[Results, P], T]:
    """Remember what a function of a Results gives, as long as that is there.

    Parameters
    ----------
    compute : callable
        Its first argument is a Results, which never changes; the others can be hashed, and what it returns is not
        changed either.

    Returns
    -------
    compute : callable
        The same; asked again, it gives the very same object.
    """
    known: WeakKeyDictionary[Results, dict[Any, T]] = WeakKeyDictionary()
    signature = inspect.signature(compute)

    @functools.wraps(compute)
    def remembered(result: Results, /, *args: P.args, **kwargs: P.kwargs) -> T:
        if not isinstance(result, Results):
            raise ConfigError(f"A Results was expected, as evaluate() gives it, got {type(result).__name__}.")
        asked = signature.bind(result, *args, **kwargs)
        asked.apply_defaults()
        key = tuple(asked.arguments.values())[1:]
        of_result = known.setdefault(result, {})
        if key not in of_result:
            of_result[key] = compute(result, *args, **kwargs)
        return of_result[key]

    return remembered
