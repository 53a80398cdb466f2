"""The command line: ``python -m eegemo simulate OUT``, ``python -m eegemo info FOLDER``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from eegemo import ConfigError, DataFormatError, load_deap, quadrants, write_simulated
from eegemo.datasets.simulated import DEFAULT_EFFECT, DEFAULT_SEED


@dataclass(frozen=True)
class Simulate:
    """Write simulated people as DEAP's preprocessed release: about 100 MB each."""

    out: tyro.conf.Positional[Path]
    """Folder to write into."""
    subjects: int = 4
    """How many people."""
    format: Literal["python", "matlab"] = "python"
    """The release: s01.dat as Python 2 pickled it, or s01.mat."""
    effect: float = DEFAULT_EFFECT
    """Change of a rhythm's log-amplitude with a rating; 0 for none."""
    seed: int = DEFAULT_SEED
    """The same seed gives the same bytes."""

    def run(self, console: Console) -> None:
        """Write the files, with a progress bar."""
        with Progress(console=console, transient=True) as progress:
            bar = progress.add_task("simulating", total=self.subjects)
            written = write_simulated(
                self.out,
                self.subjects,
                format=self.format,
                effect=self.effect,
                random_state=self.seed,
                on_written=lambda _: progress.update(bar, advance=1),
            )
        console.print(f"Wrote {self.subjects} simulated people to {written[0].parent}")


@dataclass(frozen=True)
class Info:
    """Read a folder of DEAP's preprocessed recordings and say what is in it."""

    folder: tyro.conf.Positional[Path]
    """data_preprocessed_python or data_preprocessed_matlab."""
    cache: Path | None = None
    """Where the prepared recordings are kept."""

    def run(self, console: Console) -> None:
        """Load the recordings, with every check, and print trials and classes."""
        with console.status("reading"):
            trials = load_deap(self.folder, cache=self.cache)
        console.print(repr(trials))
        table = Table("rule", *quadrants().classes, title="Trials in each quadrant")
        for ties in ("low", "high", "drop"):
            scheme = quadrants(ties=ties)
            y = scheme(scheme.select(trials))
            table.add_row(scheme.name, *(str((y == number).sum()) for number in range(len(scheme.classes))))
        console.print(table)
        if not trials.simulated and trials.table["subject"].nunique() == 32:
            console.print("All 32 people of DEAP give 439, 269, 298 and 274 by the first rule.")


def main() -> None:
    """Run the command that was asked for."""
    commands = (
        Annotated[Simulate, tyro.conf.subcommand("simulate", prefix_name=False)]
        | Annotated[Info, tyro.conf.subcommand("info", prefix_name=False)]
    )
    try:
        tyro.cli(commands, prog="python -m eegemo", description=__doc__).run(Console())
    except (ConfigError, DataFormatError) as error:
        # A setting or a file that cannot be used: the message says what to do.
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
