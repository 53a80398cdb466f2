"""DEAP's preprocessed recordings, from its Python or its MATLAB release."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from eegemo._paths import as_path
from eegemo.datasets import _deap_format as deap
from eegemo.datasets._people import Recorded, load_people
from eegemo.datasets._subjects import subject_files, wanted_files
from eegemo.datasets.published import Dataset, holds
from eegemo.errors import DataFormatError, suggest_keywords
from eegemo.labels import high_low, quadrants
from eegemo.trials import Trials

_RELEASES = {
    "python": re.compile(r"s(\d+)\.dat", re.IGNORECASE),
    "matlab": re.compile(r"s(\d+)\.mat", re.IGNORECASE),
}

_ITS_NAMES = re.compile(r"s\d\d\.(dat|mat)|S\d\d\.DAT")  # S01.mat is DASPS's


@suggest_keywords
def load_deap(
    folder: str | os.PathLike[str],
    *,
    subjects: Iterable[int] | None = None,
    channels: str | Iterable[str] = "eeg",
    cache: str | os.PathLike[str] | None = None,
) -> Trials:
    """Load DEAP's preprocessed recordings: 40 trials of 3 s + 60 s a person at 128 Hz.

    The first call prepares a store of float32 samples, one subject in memory at a time; later calls map it.
    DEAP's pickles are read by a restricted reader that runs nothing in them.

    Parameters
    ----------
    folder : path-like
        ``data_preprocessed_python`` (``s01.dat`` ...) or ``data_preprocessed_matlab`` (``s01.mat`` ...), or the
        folder that holds one of them. Of a person who is in both releases, the Python release is read.
    subjects, cache
        As in :func:`eegemo.load`.
    channels : "eeg" | "emotiv14" | iterable of str
        The 32 EEG channels, the 14 of an Emotiv headset, or names - of peripheral channels too. T7, T8, P7 and P8 may
        be called T3, T4, T5 and T6.

    Returns
    -------
    trials : Trials
        In the order of subjects and videos: ``trial`` and ``stimulus`` are both the video's number
        (Experiment_id). EEG in microvolts, 4-45 Hz, EOG-corrected and average-referenced by DEAP's authors.
        The 3 s before each video are kept as the baseline and are never windowed. Trials that are there twice
        (:func:`eegemo.find_copies`) are named in a warning and in ``provenance["copies"]``.

    Raises
    ------
    DataFormatError
        If a file is missing or is not what DEAP's release holds; the message names it.
    ConfigError
        If the path, a subject or a channel is none, or the cache folder cannot be written.

    References
    ----------
    Koelstra et al. 2012, "DEAP: A Database for Emotion Analysis using Physiological Signals",
    doi:10.1109/T-AFFC.2011.15.
    """
    place = as_path(folder, "folder")
    files = _find_files(place, subjects)
    releases = [
        name for name, pattern in _RELEASES.items() if any(pattern.fullmatch(path.name) for path in files.values())
    ]
    return load_people(
        deap.LAYOUT,
        place,
        list(files.values()),
        lambda: (_read(path, subject) for subject, path in files.items()),
        channels=channels,
        cache=cache,
        provenance={
            "source": f"preprocessed, {' and '.join(releases)} release",
            "subjects": list(files),
        },
    )


def _read(path: Path, subject: int) -> Recorded:
    data, labels = deap.read_file(path)
    ratings = pd.DataFrame(labels, columns=list(deap.RATINGS)).assign(subject=subject)
    return Recorded(path.name, [video.T for video in data], deap.trial_table(ratings))


def _find_files(folder: Path, subjects: Iterable[int] | None) -> dict[int, Path]:
    """Find each subject's file, whatever else lies in the folder."""
    if not folder.is_dir():
        kind = ", which is a file" if folder.exists() else ""
        raise DataFormatError(
            f"There is no folder {str(folder)!r}{kind}; give the path of DEAP's data_preprocessed_python or "
            "data_preprocessed_matlab."
        )
    for places in ((folder,), (folder / "data_preprocessed_python", folder / "data_preprocessed_matlab")):
        if found := _files_in(*places):
            return wanted_files(found, subjects, folder)
    inside = [place.name for place in sorted(folder.iterdir()) if _files_in(place)]
    hint = f"; give one of its folders that do: {', '.join(inside)}." if inside else "; are they unpacked?"
    raise DataFormatError(
        f"{str(folder)!r} holds no s01.dat ... s32.dat and no s01.mat ... s32.mat, DEAP's preprocessed recordings{hint}"
    )


def _files_in(*places: Path) -> dict[int, Path]:
    """Return the file of each person in one or several folders; that of the Python release where there are two."""
    found: dict[int, Path] = {}
    for pattern in _RELEASES.values():
        for place in places:
            found = subject_files(place, pattern) | found
    return dict(sorted(found.items()))


def _is_deap(folder: Path) -> bool:
    places = (folder, folder / "data_preprocessed_python", folder / "data_preprocessed_matlab")
    return any(holds(place, _ITS_NAMES) for place in places)


DEAP = Dataset(
    name="DEAP",
    files="s01.dat ... s32.dat, or s01.mat ... s32.mat",
    recognised=_is_deap,
    load=load_deap,
    ch_names=deap.EEG,
    sfreq=deap.SFREQ,
    pass_band=deap.PASS_BAND,
    labels="valence, arousal, dominance and liking of 40 music videos, each from 1 to 9",
    schemes=(quadrants(), high_low("valence"), high_low("arousal")),
    licence="on request, for academic use, by a signed agreement",
    source="Koelstra et al. 2012, doi:10.1109/T-AFFC.2011.15",
)
