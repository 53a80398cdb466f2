"""What has been done to a recording, noted in the recording itself.

Every step of this package adds an entry to ``raw.info["description"]``, so that the note survives ``raw.save()`` and
whoever reads the file again can tell that, for example, its EOG was removed already.
"""

from __future__ import annotations

import json
from typing import Any

import mne

_MARK = "eegemo steps: "


def steps_done(raw: mne.io.BaseRaw) -> list[dict[str, Any]]:
    """Return what the steps of this package did to a recording.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Any recording.

    Returns
    -------
    steps : list of dict
        In the order in which they were taken: ``step`` is the function's name, beside its settings and what it
        found. Empty for a recording that none of them has touched.
    """
    return _split(raw)[1]


def note_step(raw: mne.io.BaseRaw, step: str, **details: Any) -> None:
    """Add a step to the recording's own description.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Its description is changed in place; what others wrote into it stays.
    step : str
        The function's name.
    **details
        Settings and findings, JSON-compatible.
    """
    text, steps, rest = _split(raw)
    steps.append({"step": step, **details})
    raw.info["description"] = f"{text}{_MARK}{json.dumps(steps)}{rest}"


def _split(raw: mne.io.BaseRaw) -> tuple[str, list[dict[str, Any]], str]:
    """Return what others wrote before the steps, the steps, and what others wrote after them."""
    text, mark, steps = (raw.info["description"] or "").partition(_MARK)
    if not mark:
        return (f"{text}\n" if text else ""), [], ""
    listed, end = json.JSONDecoder().raw_decode(steps)
    return text, listed, steps[end:]
