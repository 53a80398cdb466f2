"""What an experiment prints when it is done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from eegemo.evaluation.intervals import remarks
from eegemo.evaluation.results import Results
from eegemo.reporting.statements import statement
from eegemo.reporting.tables import baselines_of, formatted, score_table


def print_summary(console: Console, results: Sequence[Results], folder: Path) -> None:
    """Print the scores, what they mean, and where the tables are.

    Parameters
    ----------
    console : rich.console.Console
        Where to print.
    results : sequence of Results
        Of any models and protocols.
    folder : Path
        Of the tables and figures.
    """
    columns = ["test accuracy", "test macro-F1", "trial accuracy", "trial macro-F1"]
    table = Table(Column("protocol", no_wrap=True), "model", *columns, title="Mean ± standard deviation over folds")
    for kind, some in (("", results), ("no EEG: ", baselines_of(results))):
        for row in formatted(score_table(some)).to_dict(orient="records"):
            cells = (row["protocol"], f"{kind}{row['model']}", *(row[column] for column in columns))
            table.add_row(*map(Text, cells))
    console.print(table)
    console.print(statement(results), markup=False)
    for label, result in {result.protocol_label: result for result in results}.items():
        console.print(Text.assemble((label, "bold"), f": {result.verdict}"))
    for note in dict.fromkeys(note for result in results for note in remarks(result)):
        console.print(note, markup=False)
    console.print(f"Tables and figures: {folder / 'README.md'}", markup=False)
