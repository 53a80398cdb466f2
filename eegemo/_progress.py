"""Progress bars that also work in a notebook."""

from __future__ import annotations

import importlib.util

from rich.console import Console
from rich.progress import Progress


def progress_bar() -> Progress:
    """Make a progress bar that vanishes when the work is done.

    Returns
    -------
    progress : rich.progress.Progress
        In a notebook without ipywidgets it writes to the cell as to a terminal; rich would warn, and show nothing.
    """
    console = Console()
    if console.is_jupyter and importlib.util.find_spec("ipywidgets") is None:
        console = Console(force_jupyter=False, force_terminal=True)
    return Progress(console=console, transient=True)
