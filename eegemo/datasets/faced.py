"""FACED: EEG of 123 people who watched 28 videos, each made for one of nine emotions."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from eegemo._paths import as_path
from eegemo.datasets._layout import Layout
from eegemo.datasets._people import Recorded, load_people
from eegemo.datasets._pickles import load_array
from eegemo.datasets._subjects import subject_files, wanted_files
from eegemo.datasets.published import Dataset, credit, holds
from eegemo.errors import DataFormatError, suggest_keywords
from eegemo.labels import categories
from eegemo.trials import Trials

SFREQ = 250.0
N_TIMES = 7500  # the last 30 s of each video
N_VIDEOS = 28
EEG = tuple(
    "Fp1 Fp2 Fz F3 F4 F7 F8 FC1 FC2 FC5 FC6 Cz C3 C4 T7 T8 CP1 CP2 CP5 CP6 Pz P3 P4 P7 P8 PO3 PO4 Oz O1 O2".split()
)
#: The last two of each file, by the names that the authors' code gives them.
OTHERS = {"A2": "misc", "A1": "misc"}
CH_NAMES = (*EEG, *OTHERS)
PASS_BAND = (0.05, 47.0)
#: The emotions in the order of their videos, how many videos each has, and whether it is pleasant.
EMOTIONS = {
    "anger": (3, "negative"),
    "disgust": (3, "negative"),
    "fear": (3, "negative"),
    "sadness": (3, "negative"),
    "neutral": (4, "neutral"),
    "amusement": (3, "positive"),
    "inspiration": (3, "positive"),
    "joy": (3, "positive"),
    "tenderness": (3, "positive"),
}
CAUTION = (
    "The class is the video's, and everybody saw the same videos: under 'subject', training knows the very videos that "
    "are tested, and a model may read the video in place of the emotion. An emotion has three or four videos, so that "
    "'stimulus' and 'subject-stimulus' can tell."
)
_LAYOUT = Layout("FACED", CH_NAMES, SFREQ, PASS_BAND, OTHERS)
_FILE = re.compile(r"sub(\d+)\.pkl")
_FOLDER = "Processed_data"
_DIGITS = 3
_MOST_BYTES_A_NUMBER = 17  # where bytes are pickled as text; the release takes 8
_LEAST = 0.01  # µV; EEG varies by 1 to 100 µV, and what is in volts by a millionth of that


@suggest_keywords
def load_faced(
    folder: str | os.PathLike[str],
    *,
    subjects: Iterable[int] | None = None,
    channels: str | Iterable[str] = "eeg",
    cache: str | os.PathLike[str] | None = None,
) -> Trials:
    """Load FACED's processed recordings: the last 30 s of 28 videos a person, 30 channels at 250 Hz, nine emotions.

    The first call prepares a store of float32 samples, one person in memory at a time; later calls map it. The pickles
    are read by a restricted reader that runs nothing in them.

    Parameters
    ----------
    folder : path-like
        ``Processed_data`` (``sub000.pkl`` ... ``sub122.pkl``), or the folder that holds it.
    subjects : iterable of int | None
        Which people, by the numbers of their files, which begin with 0; all that are there by default.
    channels : "eeg" | "emotiv14" | iterable of str
        The 30 EEG channels, or names, ``A1`` and ``A2`` too. FACED has no AF3 and AF4, so ``"emotiv14"`` is refused.
    cache
        As in :func:`eegemo.load`.

    Returns
    -------
    trials : Trials
        In the order of people and videos: ``trial`` and ``stimulus`` are both the number of the video, 1 to 28.
        ``emotion`` is what the video is made for, one of :data:`EMOTIONS`, and ``valence_class`` whether that is
        ``negative``, ``neutral`` or ``positive``. EEG in microvolts, 0.05-47 Hz, cleaned of eye movements by ICA and
        average-referenced by FACED's authors, each video for itself.

    Raises
    ------
    DataFormatError
        If a file is missing or is not what FACED's release holds; the message names it.
    ConfigError
        If the path, a subject or a channel is none, or the cache folder cannot be written.

    Notes
    -----
    The class is the video's, and everybody saw the same ones; ``trials.provenance["caution"]`` says what a score under
    each protocol can tell.

    The files are sorted by video; the order in which a person saw them is not in them. Two cohorts (0 to 60, 61 to 122)
    were recorded at different rates and in different units. The authors' code brought both to 250 Hz and to microvolts,
    and put the two last electrodes of the first, A2 and A1, behind the others; in the second cohort they are
    called HEOR and HEOL. They are no EEG here (``"misc"``). What people rated is not read.

    References
    ----------
    Chen et al. 2023, "A Large Finer-grained Affective Computing EEG Dataset", doi:10.1038/s41597-023-02650-w.
    """
    path = as_path(folder, "folder")
    files = wanted_files(_find_files(path), subjects, path)

    def read() -> Iterator[Recorded]:
        for subject, file in files.items():
            # No name for all of it, which would keep one person while the next is read.
            yield Recorded(file.name, [samples.T for samples in _read_samples(file)], _describe(subject))

    return load_people(
        _LAYOUT,
        path,
        list(files.values()),
        read,
        channels=channels,
        cache=cache,
        provenance={"source": "processed, Python pickles", "subjects": list(files), **credit(FACED)},
    )


def _places(path: Path) -> tuple[Path, ...]:
    return path, path / _FOLDER, path / _FOLDER / _FOLDER  # an archive unpacked into a folder of its own name


def _find_files(path: Path) -> dict[int, Path]:
    for place in _places(path):
        if found := subject_files(place, _FILE, digits=_DIGITS):
            return found
    kind = "is no folder" if not path.is_dir() else "holds no sub000.pkl ... sub122.pkl"
    raise DataFormatError(f"{str(path)!r} {kind}; give the folder {_FOLDER!r} of FACED, unpacked.")


def _read_samples(path: Path) -> np.ndarray:
    """Return the samples of one person, shape (28, 32, 7500)."""
    shape = (N_VIDEOS, len(CH_NAMES), N_TIMES)
    most = _MOST_BYTES_A_NUMBER * int(np.prod(shape))
    if path.stat().st_size > most:
        raise DataFormatError(f"{path.name}: takes {path.stat().st_size} bytes, expected at most {most}.")
    videos = load_array(path)
    if videos.shape != shape:
        raise DataFormatError(
            f"{path.name}: holds an array of shape {videos.shape}, expected {shape} (videos, channels, samples); it "
            f"may be of another folder than {_FOLDER!r}."
        )
    if videos.dtype.kind not in "fiu":
        raise DataFormatError(f"{path.name}: holds {videos.dtype}, expected numbers (float64).")
    with np.errstate(all="ignore"):  # what is not finite is refused with its place, later
        size = float(np.median([video[: len(EEG)].std(axis=1) for video in videos]))
    if 0 < size < _LEAST:
        raise DataFormatError(
            f"{path.name}: its EEG varies by {size:.2g}, expected 1 to 100 (microvolts), so it seems to be in volts; "
            "multiply it by 1e6, or fetch it again."
        )
    return videos


def _describe(subject: int) -> pd.DataFrame:
    video = np.arange(1, N_VIDEOS + 1)
    emotion = [name for name, (n, _) in EMOTIONS.items() for _ in range(n)]
    return pd.DataFrame(
        {
            "subject": subject,
            "trial": video,
            "stimulus": video,
            "emotion": emotion,
            "valence_class": [EMOTIONS[name][1] for name in emotion],
        }
    )


FACED = Dataset(
    name="FACED",
    files="sub000.pkl ... sub122.pkl, in 'Processed_data'",
    recognised=lambda folder: any(holds(place, _FILE) for place in _places(folder)),
    load=load_faced,
    ch_names=EEG,
    sfreq=SFREQ,
    pass_band=PASS_BAND,
    labels="the emotion that each of 28 videos is made for, one of nine",
    schemes=(
        categories("emotion", EMOTIONS),
        categories("valence_class", ("negative", "neutral", "positive")),
    ),
    licence="on Synapse (syn50614194); see the agreement of the release",
    source="Chen et al. 2023, doi:10.1038/s41597-023-02650-w",
    caution=CAUTION,
)
