"""BIDS events as a table of trials."""

from __future__ import annotations

import os
from collections.abc import Iterable

import pandas as pd

from eegemo._categories import as_text
from eegemo._paths import as_path
from eegemo.datasets._trial_table import SHORTEST_SECONDS, read_trial_table
from eegemo.errors import ConfigError, DataFormatError, suggest_keywords
from eegemo.preprocessing.reading import SUFFIXES

_NOT_RAW = {"derivatives", "sourcedata", "code"}  # folders of a BIDS study


@suggest_keywords
def read_bids_events(path: str | os.PathLike[str], *, trial_types: Iterable[object] = ()) -> pd.DataFrame:
    """Read BIDS events as a table of trials.

    Parameters
    ----------
    path : path-like
        ``sub-01_task-music_events.tsv``, or a folder with such files anywhere below it.
    trial_types : iterable of str
        Values of ``trial_type`` that are trials; all by default. Numbers are taken as text, which the column is.

    Returns
    -------
    table : DataFrame
        A row an event that lasts, for :func:`prepare_recordings`: ``file`` is the recording beside the events file,
        ``subject`` the label behind ``sub-``, ``stimulus`` the column ``stim_file`` or else ``trial_type``. The file's
        other columns are kept; one named ``trial`` counts within a run and becomes ``trial_in_run``. Events of less
        than 0.1 s are marks, not trials.

    Raises
    ------
    DataFormatError
        If there is no events file, one cannot be read, none of its events lasts, or no recording lies beside it.
    ConfigError
        If no event is of one of the ``trial_types``.

    References
    ----------
    Pernet et al. 2019, "EEG-BIDS", doi:10.1038/s41597-019-0104-8.
    """
    if isinstance(trial_types, str) or not isinstance(trial_types, Iterable):
        raise ConfigError(f"trial_types must be a list of values of trial_type, got {trial_types!r}.")
    wanted = [as_text(kind) for kind in trial_types]
    given, kinds = as_path(path), set[str]()
    if not given.exists():
        raise DataFormatError(f"There is no file or folder {str(given)!r}; give BIDS events, or a folder of them.")
    found = [given] if given.is_file() else sorted(given.rglob("*_events.tsv"))
    files = [file for file in found if not set(file.relative_to(given).parts) & _NOT_RAW]
    if not files:
        raise DataFormatError(f"{str(given)!r} holds no BIDS events (sub-..._events.tsv).")
    tables = []
    for file in files:
        events = read_trial_table(file, missing="n/a", text=("trial_type", "stim_file"))
        entities = dict(part.split("-", 1) for part in file.stem.split("_") if "-" in part)
        if "sub" not in entities or not {"onset", "duration"} <= set(events):
            raise DataFormatError(
                f"{file.name}: no BIDS events: the name must begin with sub-..., the columns onset and duration must "
                f"be there; it has {', '.join(map(str, events))}."
            )
        clash = [column for column in ("file", "subject") if column in events]
        if clash:
            raise DataFormatError(f"{file.name}: columns {', '.join(clash)} are made here; call yours otherwise.")
        lasting = events[pd.to_numeric(events["duration"], errors="coerce") >= SHORTEST_SECONDS].copy()
        if wanted:
            if "trial_type" not in lasting:
                raise ConfigError(f"{file.name}: there is no column trial_type to choose {', '.join(wanted)} by.")
            kinds |= set(lasting["trial_type"].dropna())
            lasting = lasting[lasting["trial_type"].isin(wanted)]
        lasting = lasting.rename(columns={"trial": "trial_in_run"})
        stem = file.name.removesuffix("_events.tsv")
        beside = [path for suffix in SUFFIXES if (path := file.with_name(f"{stem}_eeg{suffix}")).is_file()]
        if not beside and given.is_dir() and file.parent.name != "eeg":
            continue  # of another modality
        if not beside:
            raise DataFormatError(f"{file.name}: there is no recording {stem}_eeg.* ({', '.join(SUFFIXES)}) beside it.")
        lasting.insert(0, "file", str(beside[0].resolve()))
        lasting.insert(1, "subject", entities["sub"])
        if "stimulus" not in lasting:
            source = next((column for column in ("stim_file", "trial_type") if column in lasting), None)
            if source:
                lasting["stimulus"] = lasting[source]
        tables.append(lasting)
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    unknown = sorted(set(wanted) - kinds)
    if unknown:
        raise ConfigError(f"No event is of trial_type {', '.join(unknown)}; there are {', '.join(sorted(kinds))}.")
    if table.empty:
        raise DataFormatError(f"None of the events in {str(given)!r} lasts; trials need a duration of 0.1 s.")
    return table
