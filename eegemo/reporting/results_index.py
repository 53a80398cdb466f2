"""The page of all results: each experiment's headline number first."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from eegemo._atomic import replacing


def write_index(folder: Path) -> None:
    """Write the README of the folder of all results, from the provenance that each experiment left.

    Parameters
    ----------
    folder : Path
        Holds a folder for each experiment.
    """
    rows = []
    for path in sorted(folder.glob("*/provenance.json")):
        made = json.loads(path.read_text(encoding="utf-8"))
        data = ("simulated" if made["simulated"] else "real") + (", smoke run" if made["smoke"] else "")
        rows.append(
            {
                "experiment": f"[{made['title']}]({path.parent.name}/README.md)",
                "headline": made.get("headline", "*written by an earlier version; run it again*").replace("|", r"\|"),
                "people": data,
                "made by": f"`{made['command']}`",
                "took": f"{made['seconds']:.0f} s",
            }
        )
    rows.sort(key=lambda row: row["people"] != "real")  # real people first
    table = pd.DataFrame(rows).to_markdown(index=False)
    text = (
        "# Results\n\nEvery page here was written by the command in its row. Beside it, `folds.csv` holds the scores "
        "of each fold, and `provenance.json` the configuration, split hashes, data fingerprint, versions and commit. "
        f"With `--tables` the command writes every table as CSV, Markdown and LaTeX too.\n\n{table}\n"
    )
    with replacing(folder / "README.md") as partial:
        partial.write_text(text, encoding="utf-8")
