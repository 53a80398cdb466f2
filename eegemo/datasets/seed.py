"""SEED: EEG of people who watched the same fifteen films, of three emotions, on three days."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from eegemo._paths import as_path
from eegemo._warnings import warn_caller
from eegemo.datasets._layout import Layout
from eegemo.datasets._matlab import load_matlab
from eegemo.datasets._people import Recorded, load_people
from eegemo.datasets._seed_files import (
    CH_NAMES,
    FILE,
    N_SESSIONS,
    SFREQ,
    dated_files,
    is_session,
    read_session,
    session_table,
)
from eegemo.datasets._subjects import wanted_files
from eegemo.datasets.published import Dataset, credit, holds
from eegemo.errors import DataFormatError, suggest_keywords
from eegemo.labels import categories
from eegemo.trials import Trials

#: In Hz, as the release says: 0 to 75.
PASS_BAND = (None, 75.0)
#: As label.mat has them, in the order of the films, which is the same for everybody and in all sessions.
LABELS = (1, 0, -1, -1, 0, 1, -1, 0, 1, 1, 0, -1, 0, 1, -1)
EMOTIONS = ("negative", "neutral", "positive")
_EMOTION_OF = dict(zip((-1, 0, 1), EMOTIONS, strict=True))
N_TRIALS = len(LABELS)  # of a session
_LABEL_FILE = "label.mat"
_MOST_BYTES_OF_LABELS = 1000
_FOLDERS = ("", "Preprocessed_EEG", "SEED_EEG/Preprocessed_EEG")
_LAYOUT = Layout("SEED", CH_NAMES, SFREQ, PASS_BAND, {})


@suggest_keywords
def load_seed(
    folder: str | os.PathLike[str],
    *,
    subjects: Iterable[int] | None = None,
    channels: str | Iterable[str] = "eeg",
    cache: str | os.PathLike[str] | None = None,
) -> Trials:
    """Load SEED: 15 people who watched the same 15 films of about 4 minutes on three days, 62 channels at 200 Hz.

    The first call prepares a store of float32 samples, one session of one person in memory at a time; later calls map
    it.

    Parameters
    ----------
    folder : path-like
        ``Preprocessed_EEG``, with ``1_20131027.mat`` ... and ``label.mat``, or the folder that holds it (or holds
        ``SEED_EEG``). The files of features are not read.
    subjects, cache
        As in :func:`eegemo.load`.
    channels : "eeg" | "emotiv14" | iterable of str
        All 62 channels, the 14 of an Emotiv headset, or names. CB1 and CB2 have no place in the 10-05 system.

    Returns
    -------
    trials : Trials
        In the order of people, sessions and films, of 185 to 265 s each. ``session`` counts a person's files by their
        dates. ``stimulus`` is the number of the film, 1 to 15, the same in all sessions, and ``trial`` counts on over
        them: 1 to 45. ``emotion`` is what the film was chosen to evoke: ``positive``, ``neutral`` or ``negative``.
        EEG up to 75 Hz, taken to be in microvolts, which its size agrees with.

    Raises
    ------
    DataFormatError
        If a file is missing or is not what SEED holds, a person has more than three sessions or two of one date, or
        ``label.mat`` has other classes than those published; the message names the file.
    ConfigError
        If the path, a subject or a channel is none, or the cache folder cannot be written.

    Warns
    -----
    UserWarning
        If there is no ``label.mat``: the classes are those published.

    Notes
    -----
    Everybody saw the films in one order on each day. So a film's number, and the time since the session began, give
    its emotion away: under the protocols ``trial``, ``session`` and ``subject`` the films that are tested on were seen
    in training, and what knows a film again has its class. ``stimulus`` and ``subject-stimulus`` keep films apart; the
    leakage record counts them under all.

    References
    ----------
    Zheng & Lu 2015, "Investigating Critical Frequency Bands and Channels for EEG-based Emotion Recognition with Deep
    Neural Networks", doi:10.1109/TAMD.2015.2431497. Duan, Zhu & Lu 2013, "Differential Entropy Feature for EEG-based
    Emotion Classification", doi:10.1109/NER.2013.6695876.
    """
    given = as_path(folder, "folder")
    place, found = _find_sessions(given)
    files = wanted_files(found, subjects, place)
    _check_labels(place / _LABEL_FILE)

    def read() -> Iterator[Recorded]:
        for subject, sessions in files.items():
            for session, path in enumerate(sessions, 1):
                before = N_TRIALS * (session - 1)
                films, trials = range(1, N_TRIALS + 1), range(before + 1, before + N_TRIALS + 1)
                emotions = [_EMOTION_OF[label] for label in LABELS]
                yield read_session(path, SEED.name, session_table(subject, session, films, trials, emotions))

    return load_people(
        _LAYOUT,
        given,
        [path for sessions in files.values() for path in sessions],
        read,
        channels=channels,
        cache=cache,
        provenance={"source": "Preprocessed_EEG", "subjects": list(files), **credit(SEED)},
    )


def _find_sessions(folder: Path) -> tuple[Path, dict[int, list[Path]]]:
    """Return the folder of the files, and those of each person, by their dates."""
    if not folder.is_dir():
        raise DataFormatError(f"There is no folder {str(folder)!r}; give the folder of SEED, or its Preprocessed_EEG.")
    for place in (folder / name for name in _FOLDERS):
        found = {subject: list(dated.values()) for subject, dated in dated_files(place).items()}
        for subject, sessions in found.items():
            if len(sessions) > N_SESSIONS:
                raise DataFormatError(
                    f"{str(place)!r} holds {len(sessions)} files of subject {subject}, "
                    f"{', '.join(path.name for path in sessions)}, and SEED has {N_SESSIONS} sessions a person; take "
                    "those away that are not of the release."
                )
        if found:
            return place, found
    raise DataFormatError(
        f"{str(folder)!r} holds no 1_20131027.mat ... 15_20131105.mat, nor a folder 'Preprocessed_EEG' with them; is "
        "this SEED, unpacked?"
    )


def _check_labels(path: Path) -> None:
    """Refuse labels that are not those published.

    Every copy of the release has the same ones, so one of the two is wrong where they differ (classes renumbered from
    0, say, or the order of another release), and no score would show which: neither is believed.
    """
    if not path.is_file():
        warn_caller(
            f"{str(path.parent)!r} holds no {path.name}; the emotions are in the published order of the films. Fetch "
            "it again beside the recordings, so that it is compared."
        )
        return
    label = load_matlab(path, ("label",), _MOST_BYTES_OF_LABELS).get("label")
    if label is None:
        raise DataFormatError(f"{path.name}: there is no 'label' in it; fetch it again.")
    if label.shape not in ((1, N_TRIALS), (N_TRIALS, 1)):
        raise DataFormatError(
            f"{path.name}: 'label' has shape {label.shape}, expected (1, {N_TRIALS}): a number for each film; fetch it "
            "again."
        )
    if (wrong := label.ravel() != np.array(LABELS)).any():
        film = int(wrong.argmax())
        raise DataFormatError(
            f"{path.name}: film {film + 1} has label {label.ravel()[film]:g}, and {LABELS[film]} is published (1 "
            "positive, 0 neutral, -1 negative); it was altered or is of another dataset - fetch it again, or take it "
            "away to use those published."
        )


SEED = Dataset(
    name="SEED",
    files="1_20131027.mat ... 15_20131105.mat and label.mat, in 'Preprocessed_EEG'",
    recognised=lambda folder: any(holds(folder / name, FILE) for name in _FOLDERS) and not is_session(folder),
    load=load_seed,
    ch_names=CH_NAMES,
    sfreq=SFREQ,
    pass_band=PASS_BAND,
    labels="positive, neutral or negative, of the film that was shown",
    schemes=(categories("emotion", EMOTIONS),),
    licence="on request from BCMI, Shanghai Jiao Tong University; see the agreement of the release",
    source=("Zheng & Lu 2015, doi:10.1109/TAMD.2015.2431497; Duan, Zhu & Lu 2013, doi:10.1109/NER.2013.6695876"),
    sessions=N_SESSIONS,
    caution=(
        "Everybody watched the same 15 films, in one order, on all three days, so what knows a film again knows its "
        "emotion. Under the protocols trial, session and subject the films tested on were seen in training; stimulus "
        "and subject-stimulus keep them apart."
    ),
)
