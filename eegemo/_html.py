"""Small tables for notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape


def html_table(title: str, rows: Mapping[str, object]) -> str:
    """Show what something is as a table of two columns.

    Parameters
    ----------
    title : str
        Over the table.
    rows : dict of str -> object
        Names and values, shown as text.

    Returns
    -------
    html : str
        Everything in it is escaped.
    """
    cells = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th><td style='text-align:left'>{escape(str(value))}</td></tr>"
        for name, value in rows.items()
    )
    return f"<table><caption style='text-align:left'><b>{escape(title)}</b></caption><tbody>{cells}</tbody></table>"
