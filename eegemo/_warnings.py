"""Warnings that point at whoever called the package, however deep in it they arise."""

from __future__ import annotations

import sys
import warnings


def warn_caller(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn, and name the line outside the package that led here.

    Parameters
    ----------
    message : str
        What is wrong, what was got, what to do.
    category : type of Warning
        Its kind.
    """
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == "eegemo":
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
