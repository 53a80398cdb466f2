"""Processes that end as they should: workers with their parent, and a run that is asked to end in good order."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache

import psutil

_SECONDS_BETWEEN_LOOKS = 0.5


@cache
def end_with(parent: int) -> None:
    """Let this worker process end when its parent has: a parent that was killed could tell nobody.

    A worker of joblib's looks for its parent when it has been idle for five minutes, and not while it fits.

    Parameters
    ----------
    parent : int
        Process number of who started it, on this machine.
    """
    threading.Thread(target=_end_after, args=(parent,), name="EndsWithParent", daemon=True).start()


def _end_after(parent: int) -> None:
    try:
        process = psutil.Process(parent)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
    except psutil.NoSuchProcess:
        pass
    os._exit(1)  # not sys.exit, which ends a thread


@contextmanager
def stopped_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end what is inside as an interruption does: nothing half-written, the workers and the lock gone.

    Only in the main thread, and where nobody else has said what SIGTERM does.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def stop(number: int, _: object) -> None:
        with suppress(OSError):  # nobody may listen; and whoever was printing when the signal came cannot be disturbed
            os.write(2, b"terminated; folds that had ended are kept where the run has a folder, and it can go on\n")
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
