"""Keeping out of sight what libraries write past Python."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def silenced() -> Iterator[None]:
    """Keep what is written to the process's standard error, by C++ too, and show it only if the block fails."""
    try:
        terminal = os.dup(2)
    except OSError:  # a program without a standard error, such as one started from an icon
        yield
        return
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(terminal, 2)
            kept.seek(0)
            with open(2, "wb", closefd=False) as shown:
                shutil.copyfileobj(kept, shown)
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
