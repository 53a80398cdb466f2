"""DASPS: EEG of people whom a therapist asked to imagine frightening situations, with their ratings."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from eegemo._hdf5 import check_dataset
from eegemo._paths import as_path
from eegemo.datasets._store import prepared
from eegemo.datasets._subjects import wanted_files
from eegemo.datasets.published import Dataset, holds
from eegemo.errors import DataFormatError, suggest_keywords
from eegemo.labels import high_low, quadrants
from eegemo.trials import Trials

SFREQ = 128.0
#: In the order of the EDF files; the MATLAB files do not name theirs.
CH_NAMES = tuple("AF3 F7 F3 FC5 T7 P7 O1 O2 P8 T8 FC6 F4 F8 AF4".split())
#: In Hz. The spectra of the MATLAB files fall by a factor of 30 or more within 2 Hz outside of it.
PASS_BAND = (4.0, 45.0)
PHASES = ("recitation", "recall")
N_SITUATIONS = 6
N_TIMES = 1920  # 15 s
ATTRIBUTION = (
    "Baghdadi A, Aribi Y, Fourati R, Halouani N, Siarry P, Alimi AM (2019). DASPS: A Database for Anxious States based "
    "on a Psychological Stimulation. IEEE DataPort, doi:10.21227/barx-we60; arXiv:1901.02942. From the open-access "
    "section of IEEE DataPort, whose licence is CC BY 4.0; see the page of the dataset."
)
_FILE = re.compile(r"S(\d\d)(preprocessed)?\.mat")
# As published, with a space before the dot; each holds the same samples, so only one is read.
_FOLDERS = ("Raw data.mat", "Preprocessed data .mat", "Preprocessed data.mat")
_SHAPES = {"data": (len(PHASES) * N_SITUATIONS, N_TIMES, len(CH_NAMES)), "labels": (2, len(PHASES) * N_SITUATIONS)}
_MOST_LETTERS = 1000  # of the situation that frightened most, which is a word
_LOWEST, _HIGHEST = 1, 9


@suggest_keywords
def load_dasps(
    path: str | os.PathLike[str],
    *,
    subjects: Iterable[int] | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> Trials:
    """Load DASPS: 12 trials of 15 s a person, 14 channels of an Emotiv EPOC at 128 Hz, with valence and arousal.

    A therapist recites a frightening situation for 15 s, and the person imagines it for 15 s; then the person rates
    it. So the two trials of a situation share one rating: they are one ``unit``, which no protocol tears apart. The
    first call prepares a store of float32 samples, one person in memory at a time; later calls map it.

    Parameters
    ----------
    path : path-like
        The dataset's folder, which holds ``Raw data.mat`` or ``Preprocessed data .mat``, or one of these folders of
        MATLAB 7.3 files (``S01.mat`` ...). Their samples are the same, band-passed by DASPS's authors; where both
        are there, the former is read. The EDF files, which are not band-passed, are not read.
    subjects, cache
        As in :func:`eegemo.load`.

    Returns
    -------
    trials : Trials
        In the order of people and trials. ``trial`` counts from 1 to 12 and ``situation`` from 1 to 6; ``unit`` and
        ``stimulus`` are the number of the situation. ``phase`` is ``recitation`` or ``recall``; ``valence`` and
        ``arousal`` go from 1 to 9. Of each person, ``hamilton_before`` and ``hamilton_after`` are the scores of
        Hamilton's anxiety scale, and ``provoking_situation`` says in French what frightened most. EEG in microvolts,
        4-45 Hz; the channels are taken to be in the order of the EDF files.

    Raises
    ------
    DataFormatError
        If a file is missing or is not what DASPS holds; the message names it.
    ConfigError
        If the path or a subject is none, a subject is named twice, or the cache folder cannot be written.

    Notes
    -----
    That a situation's number means the same for everybody (loss, family, money, deadline, accident, mistreatment) is
    inferred: people's most provoking situations are these six, and ratings depend on the number (Friedman's test over
    16 people, valence p = 0.0001, arousal p = 0.007). Which number is which is not published with the data. As the
    stimulus it lets the leakage record and the majority of the same stimulus show what the number alone gives away;
    how a situation was told may have differed between people.

    References
    ----------
    Baghdadi et al. 2019, arXiv:1901.02942, doi:10.21227/barx-we60.
    """
    found, folder = _find_files(as_path(path))
    files = wanted_files(found, subjects, folder)

    def blocks() -> Iterator[tuple[np.ndarray, pd.DataFrame, dict[str, Any]]]:
        for subject, file in files.items():
            arrays = _read(file)
            strip = np.ascontiguousarray(arrays["data"].reshape(-1, len(CH_NAMES)), np.float32)
            yield strip, _table(subject, arrays), {}

    return prepared(
        list(files.values()),
        blocks,
        description={
            "ch_names": list(CH_NAMES),
            "ch_types": ["eeg"] * len(CH_NAMES),
            "sfreq": SFREQ,
            "dataset": "DASPS",
            "simulated": False,
            "provenance": {
                "source": f"MATLAB 7.3 files of {next(iter(files.values())).parent.name!r}",
                "subjects": list(files),
                "pass_band": list(PASS_BAND),
                "licence": ATTRIBUTION,
            },
        },
        cache=cache,
    )


def _find_files(path: Path) -> tuple[dict[int, Path], Path]:
    """Return the file of each person, and the folder."""
    if not path.is_dir():
        raise DataFormatError(f"There is no folder {str(path)!r}; give the folder of DASPS, or its 'Raw data.mat'.")
    for folder in (path, *(path / name for name in _FOLDERS)):
        found: dict[int, Path] = {}
        for file in sorted(folder.glob("S*.mat")):
            if (match := _FILE.fullmatch(file.name)) and file.is_file():
                found.setdefault(int(match[1]), file)
        if found:
            return found, folder
    edf = next(path.glob("S??.edf"), None) or next(path.glob("*/S??.edf"), None)
    if edf is not None:
        raise DataFormatError(
            f"{str(path)!r} holds EDF files of DASPS alone ({edf.name}), which have neither trials nor ratings; give "
            "the folder 'Raw data.mat' of the dataset, which has both."
        )
    raise DataFormatError(
        f"{str(path)!r} holds no S01.mat ... S23.mat, nor a folder 'Raw data.mat' with them; is this DASPS, unpacked?"
    )


def _read(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of one person, checked."""
    if not h5py.is_hdf5(path):
        raise DataFormatError(
            f"{path.name}: not a MATLAB 7.3 file, as those of DASPS are; fetch it again, as it was published."
        )
    try:
        with h5py.File(path) as file:
            arrays = {name: _array(file, name) for name in ("data", "labels", "hamilton", "situation")}
    except PermissionError:
        raise
    except Exception as error:  # damage ends in exceptions of many kinds
        raise DataFormatError(f"{path.name}: cannot be read ({str(error)[:300]}); fetch it again.") from error
    _check(path.name, arrays)
    return arrays


def _array(file: h5py.File, name: str) -> np.ndarray:
    linked = isinstance(file.get(name, getlink=True), h5py.HardLink)  # others lead to other files
    variable = file[name] if linked else None
    if not isinstance(variable, h5py.Dataset):
        raise ValueError(f"there is no variable {name!r}, only {', '.join(file) or 'nothing'}")
    expected = _SHAPES.get(name)
    if expected is not None and variable.shape != expected:
        raise ValueError(f"{name!r} has shape {variable.shape}, expected {expected}")
    if (variable.size or 0) > _MOST_LETTERS and expected is None:
        raise ValueError(f"{name!r} has shape {variable.shape}, which is far too large")
    if name == "hamilton" and variable.size != 2:
        raise ValueError(f"'hamilton' has shape {variable.shape}, expected a score before and one after")
    if variable.dtype.kind not in ("u" if name == "situation" else "fiu"):
        raise ValueError(f"{name!r} holds {variable.dtype}, expected {'letters' if name == 'situation' else 'numbers'}")
    check_dataset(variable)
    return np.asarray(variable[()])


def _check(name: str, arrays: dict[str, np.ndarray]) -> None:
    data, labels = arrays["data"], arrays["labels"]
    if not np.isfinite(data).all():
        trial, sample, channel = np.argwhere(~np.isfinite(data))[0]
        raise DataFormatError(
            f"{name}: channel {CH_NAMES[channel]} of trial {trial + 1} is {data[trial, sample, channel]} at sample "
            f"{sample}, expected finite values; the file is damaged - fetch it again."
        )
    for rating, values in zip(("valence", "arousal"), labels, strict=True):
        wrong = ~((values >= _LOWEST) & (values <= _HIGHEST))
        if wrong.any():
            trial = int(wrong.argmax())
            raise DataFormatError(
                f"{name}: {rating} of trial {trial + 1} is {values[trial]:g}, expected {_LOWEST} to {_HIGHEST}."
            )
        recitation, recall = values[::2], values[1::2]
        if (recitation != recall).any():
            situation = int((recitation != recall).argmax())
            raise DataFormatError(
                f"{name}: {rating} of situation {situation + 1} is {recitation[situation]:g} for its recitation and "
                f"{recall[situation]:g} for its recall; in DASPS they share one rating."
            )


def _table(subject: int, arrays: dict[str, np.ndarray]) -> pd.DataFrame:
    situation = np.repeat(np.arange(1, N_SITUATIONS + 1), len(PHASES))
    before, after = arrays["hamilton"].ravel().astype(float)
    letters = arrays["situation"].ravel() if arrays["situation"].dtype == np.uint16 else ()  # MATLAB's empty is uint64
    return pd.DataFrame(
        {
            "subject": subject,
            "trial": np.arange(1, len(situation) + 1),
            "stimulus": situation,
            "start": np.arange(len(situation), dtype=np.int64) * N_TIMES,
            "n_times": N_TIMES,
            "n_baseline": 0,
            "valence": arrays["labels"][0].astype(float),
            "arousal": arrays["labels"][1].astype(float),
            "unit": situation,
            "situation": situation,
            "phase": PHASES * N_SITUATIONS,
            "hamilton_before": before,
            "hamilton_after": after,
            "provoking_situation": "".join(map(chr, letters)) or None,
        }
    )


DASPS = Dataset(
    name="DASPS",
    files="S01.mat ... S23.mat, in 'Raw data.mat'",
    recognised=lambda folder: any(holds(place, _FILE) for place in (folder, *(folder / name for name in _FOLDERS))),
    load=load_dasps,
    ch_names=CH_NAMES,
    sfreq=SFREQ,
    pass_band=PASS_BAND,
    labels="valence and arousal of six imagined situations, each from 1 to 9",
    schemes=(quadrants(), high_low("valence", 2.0), high_low("arousal")),  # few say a valence above 2
    licence="open access, CC BY 4.0",
    source="Baghdadi et al. 2019, arXiv:1901.02942, doi:10.21227/barx-we60",
)
