"""The page of all results: each experiment's headline number first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from eegemo._atomic import replacing

_NEEDED = {"title", "command", "seconds", "simulated", "smoke"}  # of a page's provenance
#: Whose data a page is about, by what its provenance says of ``simulated``; real people come first.
_PEOPLE = {False: "real", True: "simulated", None: "none"}


def folder_of_all_results(page: Path) -> Path:
    """Find the folder whose index a page stands in.

    Parameters
    ----------
    page : Path
        The folder of an experiment.

    Returns
    -------
    folder : Path
        The one named ``results`` that the page lies in, however deep; where there is none, the one above the page.
    """
    return next((folder for folder in page.parents if folder.name == "results"), page.parent)


def pages_of(folder: Path) -> list[Path]:
    """Find the pages in the folder of all results.

    Parameters
    ----------
    folder : Path
        Holds a folder for each experiment, or folders of such folders.

    Returns
    -------
    pages : list of Path
        By name; folds that experiments keep in their folders ``runs`` are no pages.
    """
    found = [path.parent for path in folder.glob("*/provenance.json")]
    found += [path.parent for path in folder.glob("*/*/provenance.json") if path.parent.parent.name != "runs"]
    return sorted(found)


def write_index(folder: Path) -> None:
    """Write the README of the folder of all results, from the provenance that each experiment left.

    Parameters
    ----------
    folder : Path
        Holds a folder for each experiment, or folders of such folders.
    """
    rows = []
    for page in pages_of(folder):
        made = _provenance_of(page)
        if made is None:
            continue
        data = _PEOPLE[made["simulated"]] + (", smoke run" if made["smoke"] else "")
        rows.append(
            {
                "experiment": f"[{made['title']}]({page.relative_to(folder).as_posix()}/README.md)",
                "headline": made.get("headline", "*written by an earlier version; run it again*").replace("|", r"\|"),
                "people": data,
                "made by": f"`{made['command']}`",
                "took": f"{made['seconds']:.0f} s",
            }
        )
    order = list(_PEOPLE.values())
    rows.sort(key=lambda row: order.index(row["people"].split(",")[0]))
    table = pd.DataFrame(rows).to_markdown(index=False)
    text = (
        "# Results\n\nEvery page here was written by the command in its row. Beside it, `folds.csv` holds the scores "
        "of each fold, and `provenance.json` the configuration, split hashes, data fingerprint, versions and commit. "
        f"With `--tables` the command writes every table as CSV, Markdown and LaTeX too.\n\n{table}\n"
    )
    with replacing(folder / "README.md") as partial:
        partial.write_text(text, encoding="utf-8")


def _provenance_of(page: Path) -> dict[str, Any] | None:
    """Read the provenance of a page; None of a file of that name that somebody else left there."""
    try:
        made = json.loads((page / "provenance.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return made if isinstance(made, dict) and set(made) >= _NEEDED and made["simulated"] in _PEOPLE else None
