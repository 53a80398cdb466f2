"""The published datasets by name, and one way to load a folder of any of them."""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Iterable
from pathlib import Path

from eegemo._electrodes import wanted_channels
from eegemo._paths import as_path
from eegemo.datasets._subjects import whole_numbers
from eegemo.datasets.published import Dataset
from eegemo.errors import DataFormatError, suggest_keywords, unknown_name
from eegemo.trials import Trials

#: Where the record of each dataset stands; a new one is tested by standing here.
DATASETS = {
    "deap": "eegemo.datasets.deap:DEAP",
    "deap-raw": "eegemo.datasets.deap_raw:DEAP_RAW",
    "dasps": "eegemo.datasets.dasps:DASPS",
    "dreamer": "eegemo.datasets.dreamer:DREAMER",
    "amigos": "eegemo.datasets.amigos:AMIGOS",
    "eegmat": "eegemo.datasets.eegmat:EEGMAT",
    "seed": "eegemo.datasets.seed:SEED",
    "seed-iv": "eegemo.datasets.seed_iv:SEED_IV",
    "faced": "eegemo.datasets.faced:FACED",
    "gameemo": "eegemo.datasets.gameemo:GAMEEMO",
}

_PACKED = {".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".xz"}
_MOST_FOLDERS = 50  # that are looked into


def dataset(name: str) -> Dataset:
    """Return the record of a dataset.

    Parameters
    ----------
    name : str
        One of :data:`DATASETS`.

    Returns
    -------
    dataset : Dataset

    Raises
    ------
    ConfigError
        If there is none of that name.

    Examples
    --------
    >>> from eegemo.datasets import dataset
    >>> dataset("dasps").sfreq
    128.0
    """
    if not isinstance(name, str) or name not in DATASETS:
        raise unknown_name("dataset", name, DATASETS)
    module, record = DATASETS[name].split(":")
    found = getattr(importlib.import_module(module), record)
    assert isinstance(found, Dataset)
    return found


def recognise(folder: str | os.PathLike[str]) -> str:
    """Tell by its files which dataset lies in a folder.

    Parameters
    ----------
    folder : path-like
        As it was published, unpacked.

    Returns
    -------
    name : str
        One of :data:`DATASETS`.

    Raises
    ------
    DataFormatError
        If it is none of them, or holds several.
    """
    path = as_path(folder, "folder")
    if not path.exists():
        raise DataFormatError(f"There is no folder {str(path)!r}; check its name.")
    found = [name for name in DATASETS if dataset(name).recognised(path)]
    if len(found) == 1:
        return found[0]
    if found:
        raise DataFormatError(
            f"{str(path)!r} holds files of {' and '.join(dataset(name).name for name in found)}; give the folder of "
            "one of them, or name the dataset."
        )
    if path.is_file():
        raise DataFormatError(f"{str(path)!r} is a file; give the folder of the dataset that it is of, unpacked.")
    looked_for = "; ".join(f"{dataset(name).files} ({name})" for name in DATASETS)
    raise DataFormatError(
        f"{str(path)!r} holds none of the known datasets.{_what_to_do(path)} Looked for: {looked_for}."
    )


def _what_to_do(path: Path) -> str:
    """Say where in a folder a dataset lies, or that it is packed."""
    folders = [place for place in sorted(path.iterdir()) if place.is_dir() and os.access(place, os.R_OK | os.X_OK)]
    # Files of features of SEED and SEED-IV have the names of recordings.
    folders = [place for place in folders if "feature" not in place.name.lower()][:_MOST_FOLDERS]
    held = [
        f"{place.name!r} holds {dataset(name).name}"
        for place in folders
        for name in DATASETS
        if dataset(name).recognised(place)
    ]
    packed = [file.name for place in (path, *folders) for file in sorted(place.iterdir()) if file.suffix in _PACKED]
    said = f" Its folder {', and '.join(held[:3])}: give that." if held else ""
    return said + (f" It holds archives ({', '.join(packed[:3])}): unpack them first." if packed else "")


@suggest_keywords
def load(
    folder: str | os.PathLike[str],
    dataset_name: str | None = None,
    *,
    subjects: Iterable[int] | None = None,
    channels: str | Iterable[str] = "eeg",
    cache: str | os.PathLike[str] | None = None,
) -> Trials:
    """Load a published dataset, whichever it is.

    Parameters
    ----------
    folder : path-like
        As it was published, unpacked.
    dataset_name : str | None
        One of :data:`DATASETS`; recognised by the files by default.
    subjects : iterable of int | None
        Which people; all that are there by default.
    channels : "eeg" | "emotiv14" | iterable of str
        All EEG channels, the 14 of an Emotiv headset, or names.
    cache : path-like | None
        Where the prepared store lies; the platform's cache folder, or ``EEGEMO_CACHE``, by default.

    Returns
    -------
    trials : Trials
        As the dataset's own loader gives them.

    Raises
    ------
    DataFormatError
        If no dataset is recognised, or a file is missing or not what the dataset holds.
    ConfigError
        If there is no such dataset, or a subject or a channel is none.

    See Also
    --------
    eegemo.Dataset : What is known of each: labels, rules that make sense, licence.
    """
    record = dataset(recognise(folder) if dataset_name is None else dataset_name)
    options = {"subjects": subjects, "channels": channels, "cache": cache}
    takes = inspect.signature(record.load).parameters
    trials = record.load(folder, **{name: value for name, value in options.items() if name in takes})
    if subjects is not None and "subjects" not in takes:
        numbers = whole_numbers(subjects)
        missing = sorted(set(numbers) - set(trials.table["subject"]))
        if missing or not numbers:
            raise DataFormatError(f"{str(folder)!r} has no subject {missing[0] if missing else '(none wanted)'}.")
        trials = trials.select(trials.table["subject"].isin(numbers))
    wanted = wanted_channels(channels)
    return trials if wanted is None or "channels" in takes else trials.pick(wanted)
