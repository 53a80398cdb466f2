"""``python -m eegemo predict``: what a trained model says of a new recording."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console
from rich.table import Table

from eegemo._atomic import replacing
from eegemo._paths import as_path
from eegemo.errors import ConfigError

_DRAWN_AS = (".png", ".svg", ".pdf")


@dataclass(frozen=True)
class Predict:
    """Apply a trained model to a continuous recording, window by window."""

    model: tyro.conf.Positional[Path]
    """A .keras file, or what export wrote."""
    file: tyro.conf.Positional[Path]
    """The recording: BDF, EDF, FIF, SET, GDF or BrainVision (.vhdr)."""
    out: Path | None = None
    """Write the table of all windows, as .csv."""
    figure: Path | None = None
    """Draw the probabilities over time, as .png, .svg or .pdf."""
    step: float | None = None
    """Seconds from one window to the next; the length of a window by default."""

    def run(self, console: Console) -> None:
        """Predict, print how often each class is said, and write what was asked for."""
        from eegemo.deploy import predict_recording

        if self.figure and self.figure.suffix.lower() not in _DRAWN_AS:
            raise ConfigError(f"The figure's name must end in {', '.join(_DRAWN_AS)}, got {self.figure.name!r}.")
        with console.status("predicting"), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            table = predict_recording(as_path(self.model), self.file, step=self.step)
        for message in dict.fromkeys(str(one.message) for one in caught if issubclass(one.category, UserWarning)):
            console.print(f"{self.file.name}: {message}", soft_wrap=True, highlight=False)
        shown = Table("class", "windows", "mean probability", title=f"{len(table)} windows of {self.file.name}")
        for name in (column[2:] for column in map(str, table) if column.startswith("p_")):
            shown.add_row(name, str((table["class"] == name).sum()), f"{table[f'p_{name}'].mean():.3f}")
        console.print(shown)
        if table["bad"].any():
            console.print(f"{table['bad'].sum()} windows hold what annotations call bad, or a pause.")
        console.print(f"The model: {table.attrs['model']}", soft_wrap=True, highlight=False)
        if self.out:
            with replacing(self.out) as partial:
                table.to_csv(partial, index=False)
            console.print(f"Table: {self.out}", soft_wrap=True)
        if self.figure:
            from eegemo.reporting import probabilities_figure

            with replacing(self.figure) as partial:
                probabilities_figure(table).savefig(partial, dpi=150)
            console.print(f"Figure: {self.figure}", soft_wrap=True)
