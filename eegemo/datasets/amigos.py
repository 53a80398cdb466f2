"""AMIGOS, preprocessed: EEG of a wireless headset while people watch 16 short and 4 long videos, with ratings."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from eegemo._paths import as_path
from eegemo.datasets._layout import Layout
from eegemo.datasets._matlab import walk_matlab
from eegemo.datasets._people import Recorded, load_people
from eegemo.datasets._subjects import subject_files, wanted_files
from eegemo.datasets.published import Dataset, credit, holds
from eegemo.errors import DataFormatError, suggest_keywords, unknown_name
from eegemo.labels import high_low, quadrants
from eegemo.trials import Trials

LAYOUT = Layout(
    name="AMIGOS",
    ch_names=tuple("AF3 F7 F3 FC5 T7 P7 O1 O2 P8 T8 FC6 F4 F8 AF4 ECG_right ECG_left GSR".split()),
    sfreq=128.0,
    pass_band=(4.0, 45.0),
    other_types={"ECG_right": "ecg", "ECG_left": "ecg", "GSR": "gsr"},
)
N_BASELINE = 640  # 5 s
#: Cells of a file, from 0, by the videos that they are of.
CELLS = {"short": range(16), "long": range(16, 20), "all": range(20)}
#: In the order of the files, which is not that of the paper: arousal comes first.
RATINGS = ("arousal", "valence", "dominance", "liking", "familiarity")
EMOTIONS = ("neutral", "disgust", "happiness", "surprise", "anger", "fear", "sadness")
_NEEDED = RATINGS[:2]  # without them a trial has no class
_LOWEST, _HIGHEST = 1, 9
_FILE = re.compile(r"Data_Preprocessed_P(\d+)\.mat", re.IGNORECASE)
_FOLDER = re.compile(r"Data_Preprocessed_P\d+", re.IGNORECASE)
_DATA = "data_preprocessed"
_MOST_BYTES = 60 * 60 * int(LAYOUT.sfreq) * len(LAYOUT.ch_names) * 8  # of a video; the longest lasts 24 minutes
_FEW_BYTES = 1000  # of ratings, or of a name


@suggest_keywords
def load_amigos(
    folder: str | os.PathLike[str],
    *,
    subjects: Iterable[int] | None = None,
    channels: str | Iterable[str] = "eeg",
    videos: Literal["short", "long", "all"] = "short",
    cache: str | os.PathLike[str] | None = None,
) -> Trials:
    """Load AMIGOS's preprocessed recordings: 14 channels of an Emotiv EPOC at 128 Hz, ECG and skin conductance.

    The first call prepares a store of float32 samples, one person in memory at a time; later calls map it.

    Parameters
    ----------
    folder : path-like
        The folder of ``Data_Preprocessed_P01.mat`` ... ``Data_Preprocessed_P40.mat``, or one that holds it as
        ``data_preprocessed``. Each file may lie in a folder of its name.
    subjects, cache
        As in :func:`eegemo.load`.
    channels : "eeg" | "emotiv14" | iterable of str
        The 14 EEG channels, or names - of ``ECG_right``, ``ECG_left`` and ``GSR`` too.
    videos : "short" | "long" | "all"
        The 16 short videos (50 to 150 s), the 4 long ones (14 to 24 minutes), or both. People watched the long ones
        on another day, 17 of them alone and 20 in groups of four.

    Returns
    -------
    trials : Trials
        In the order of people and of the files. ``trial`` counts the cells of a file from 1, ``stimulus`` is the name
        that the file gives the video (``"4"``, ``"138"``, ``"N1"``). ``arousal``, ``valence``, ``dominance``,
        ``liking`` and ``familiarity`` go from 1 to 9; ``neutral``, ``disgust``, ``happiness``, ``surprise``,
        ``anger``, ``fear`` and ``sadness`` are 1 where people felt that. EEG in microvolts, 4-45 Hz, average
        reference. The 5 s before each video are kept as the baseline and are never windowed.

    Raises
    ------
    DataFormatError
        If a file is missing or is not what AMIGOS holds; the message names it. If no trial is left.
    ConfigError
        If the path, a subject, a channel or ``videos`` is none.

    Notes
    -----
    The published files have gaps: subjects 8, 24 and 28 saw no long video, ratings are missing, and of some people
    (9, 12, 21, 22, 23, 24 and 33 among them) samples are NaN. A trial is left out where it has no samples, where one of
    the wanted channels is no number anywhere in it, or where arousal or valence is missing or not from 1 to 9. A
    warning and ``trials.provenance["recordings"]`` name each of them. Another rating that is missing or beyond its
    scale is NaN.

    References
    ----------
    Miranda-Correa et al. 2021, "AMIGOS: A Dataset for Affect, Personality and Mood Research on Individuals and
    Groups", doi:10.1109/TAFFC.2018.2884461.
    """
    if not isinstance(videos, str) or videos not in CELLS:
        raise unknown_name("choice of videos", videos, CELLS)
    place = as_path(folder, "folder")
    files = wanted_files(_find_files(place), subjects, place)
    _, columns = LAYOUT.resolve(channels)
    return load_people(
        LAYOUT,
        place,
        list(files.values()),
        lambda: (_read(path, subject, CELLS[videos], columns) for subject, path in files.items()),
        channels=channels,
        cache=cache,
        provenance={
            "source": "preprocessed MATLAB files",
            "subjects": list(files),
            "videos": videos,
            **credit(AMIGOS),
        },
    )


def _places(folder: Path) -> Iterator[Path]:
    """Yield the folders in which files may lie."""
    for place in (folder, folder / _DATA):
        if place.is_dir():
            yield place
            yield from sorted(inner for inner in place.iterdir() if _FOLDER.fullmatch(inner.name) and inner.is_dir())


def _find_files(folder: Path) -> dict[int, Path]:
    if not folder.is_dir():
        kind = ", which is a file" if folder.exists() else ""
        raise DataFormatError(f"There is no folder {str(folder)!r}{kind}; give that of AMIGOS's data_preprocessed.")
    found: dict[int, Path] = {}
    for place in _places(folder):
        for subject, path in subject_files(place, _FILE).items():
            if subject in found:
                raise DataFormatError(
                    f"{str(folder)!r} holds two files of subject {subject}, {found[subject]} and {path}; take one of "
                    "them away."
                )
            found[subject] = path
    if not found:
        raise DataFormatError(
            f"{str(folder)!r} holds no Data_Preprocessed_P01.mat ... Data_Preprocessed_P40.mat; are they unpacked?"
        )
    return dict(sorted(found.items()))


def _read(path: Path, subject: int, cells: range, columns: list[int]) -> Recorded:
    """Read one person; ``columns`` are the channels in which every sample has to be a number."""
    stimuli, ratings = _read_labels(path)
    why = dict.fromkeys(cells, "no samples")
    signals: dict[int, np.ndarray] = {}
    is_there = False
    # Of the first cell, too, which every file has; the last ones may be missing.
    for place, array in walk_matlab(path, {f"joined_data/{cell}": _MOST_BYTES for cell in {0, *cells}}):
        is_there, cell = True, int(place[1])
        if cell not in why:
            continue
        why[cell] = _why_no_samples(path.name, cell, array, columns) or _why_no_ratings(ratings.get(cell))
        if not why[cell]:
            if cell not in stimuli:
                raise DataFormatError(f"{path.name}: VideoIDs names no video for trial {cell + 1}; fetch it again.")
            with np.errstate(over="ignore"):  # an infinity is refused with its place
                signals[cell] = np.array(array, np.float32)
    if not is_there:
        raise _is_missing(path.name, "joined_data")
    kept = sorted(signals)
    table = pd.DataFrame(
        {
            "subject": np.full(len(kept), subject, np.int64),
            "trial": np.array(kept, np.int64) + 1,
            "stimulus": pd.Series([stimuli[cell] for cell in kept], dtype=object),
            "n_baseline": np.full(len(kept), N_BASELINE, np.int64),
        }
    )
    answers = np.array([ratings[cell] for cell in kept]).reshape(-1, len(RATINGS) + len(EMOTIONS))
    for column, name in enumerate((*RATINGS, *EMOTIONS)):
        lowest, highest = (_LOWEST, _HIGHEST) if name in RATINGS else (0, 1)
        values = answers[:, column]
        table[name] = np.where((values >= lowest) & (values <= highest), values, np.nan)
    left_out = {reason: [cell + 1 for cell in cells if why[cell] == reason] for reason in why.values() if reason}
    return Recorded(path.name, [signals[cell] for cell in kept], table, left_out)


def _read_labels(path: Path) -> tuple[dict[int, str], dict[int, np.ndarray]]:
    """Return the names of the videos and the answers, by their cells."""
    stimuli: dict[int, str] = {}
    ratings: dict[int, np.ndarray] = {}
    for place, array in walk_matlab(path, {"VideoIDs/*": _FEW_BYTES, "labels_selfassessment/*": _FEW_BYTES}):
        variable, cell = str(place[0]), int(place[1])
        if cell not in CELLS["all"]:
            raise DataFormatError(f"{path.name}: {variable!r} has more than {len(CELLS['all'])} cells; is this AMIGOS?")
        if variable == "VideoIDs":
            if array.size:
                stimuli[cell] = str(array).strip() if array.dtype.kind == "U" else f"{array.ravel()[0]:g}"
        elif array.size:
            if array.dtype.kind not in "fiu" or array.size != len(RATINGS) + len(EMOTIONS):
                raise DataFormatError(
                    f"{path.name}: {variable!r} of trial {cell + 1} has shape {array.shape} ({array.dtype}), expected "
                    f"(1, {len(RATINGS) + len(EMOTIONS)}) and numbers; fetch it again."
                )
            ratings[cell] = array.ravel().astype(float)
    for name, found in (("VideoIDs", stimuli), ("labels_selfassessment", ratings)):
        if not found:
            raise _is_missing(path.name, name)
    if len(set(stimuli.values())) < len(stimuli):
        raise DataFormatError(f"{path.name}: VideoIDs names a video twice: {', '.join(stimuli.values())}.")
    return stimuli, ratings


def _is_missing(file: str, variable: str) -> DataFormatError:
    return DataFormatError(f"{file}: there is nothing in {variable!r}; is this AMIGOS's file?")


def _why_no_samples(file: str, cell: int, array: np.ndarray, columns: list[int]) -> str:
    if not array.size:
        return "no samples"
    if array.dtype.kind not in "fiu" or array.ndim != 2 or array.shape[1] != len(LAYOUT.ch_names):
        raise DataFormatError(
            f"{file}: 'joined_data' of trial {cell + 1} has shape {array.shape} ({array.dtype}), expected (n_times, "
            f"{len(LAYOUT.ch_names)}) and numbers; fetch it again."
        )
    if len(array) <= N_BASELINE:
        return f"{len(array)} samples, no more than the baseline"
    if not array.any():
        return "all samples are 0"
    bad = [LAYOUT.ch_names[column] for column in columns if not np.isfinite(array[:, column]).all()]
    return f"samples of {', '.join(bad)} are no numbers" if bad else ""


def _why_no_ratings(answers: np.ndarray | None) -> str:
    if answers is None:
        return "no ratings"
    for name, value in zip(_NEEDED, answers, strict=False):
        if not _LOWEST <= value <= _HIGHEST:
            return f"{name} is {value:g}"
    return ""


AMIGOS = Dataset(
    name="AMIGOS",
    files="Data_Preprocessed_P01.mat ... Data_Preprocessed_P40.mat",
    recognised=lambda folder: any(holds(place, _FILE) for place in _places(folder)),
    load=load_amigos,
    ch_names=LAYOUT.eeg,
    sfreq=LAYOUT.sfreq,
    pass_band=LAYOUT.pass_band,
    labels="arousal, valence, dominance, liking and familiarity of 16 short and 4 long videos, each from 1 to 9",
    schemes=(quadrants(), high_low("valence"), high_low("arousal")),
    licence="on request, by a signed agreement; see that of the release",
    source="Miranda-Correa et al. 2021, doi:10.1109/TAFFC.2018.2884461",
    caution="trials whose samples or ratings are missing are left out, so people have different numbers of trials",
)
