"""SEED-IV: EEG of people who watched films of four emotions on three days, other films on each day."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from eegemo._paths import as_path
from eegemo.datasets._layout import Layout
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

EMOTIONS = ("neutral", "sad", "fear", "happy")
#: Numbers into EMOTIONS of the films of each session, as ReadMe.txt of the release has them.
LABELS = (
    (1, 2, 3, 0, 2, 0, 0, 1, 0, 1, 2, 1, 1, 1, 2, 3, 2, 2, 3, 3, 0, 3, 0, 3),
    (2, 1, 3, 0, 0, 2, 0, 2, 3, 3, 2, 3, 2, 0, 1, 1, 2, 1, 0, 3, 0, 1, 3, 1),
    (1, 2, 2, 1, 3, 3, 3, 1, 1, 2, 1, 0, 2, 3, 3, 0, 2, 3, 0, 0, 2, 0, 1, 0),
)
N_TRIALS = len(LABELS[0])  # of a session
#: The release calls these recordings raw; that its authors' features were band-passed (1-75 Hz) says nothing of them.
PASS_BAND = (None, None)
_SESSIONS = range(1, N_SESSIONS + 1)
_FOLDERS = ("", "eeg_raw_data")
_LAYOUT = Layout("SEED-IV", CH_NAMES, SFREQ, PASS_BAND, {})


@suggest_keywords
def load_seed_iv(
    folder: str | os.PathLike[str],
    *,
    subjects: Iterable[int] | None = None,
    channels: str | Iterable[str] = "eeg",
    cache: str | os.PathLike[str] | None = None,
) -> Trials:
    """Load SEED-IV: 15 people who watched 24 films on each of three days, 62 channels at 200 Hz.

    The first call prepares a store of float32 samples, one session of one person in memory at a time; later calls map
    it.

    Parameters
    ----------
    folder : path-like
        ``eeg_raw_data``, with the folders ``1``, ``2`` and ``3`` of the sessions (``1/1_20160518.mat`` ...), or the
        folder that holds it. The files of features and of eye movements are not read.
    subjects, cache
        As in :func:`eegemo.load`.
    channels : "eeg" | "emotiv14" | iterable of str
        All 62 channels, the 14 of an Emotiv headset, or names. CB1 and CB2 have no place in the 10-05 system.

    Returns
    -------
    trials : Trials
        In the order of people, sessions and films, of 40 to 260 s each. Each session has films of its own: ``trial``
        and ``stimulus`` are both 1 to 24 in the first ``session``, 25 to 48 in the second and 49 to 72 in the third.
        ``emotion`` is what the film was chosen to evoke: ``neutral``, ``sad``, ``fear`` or ``happy``. EEG, taken
        to be in microvolts as that of SEED; how it was filtered is not published, so that no pass band is known.

    Raises
    ------
    DataFormatError
        If a file is missing or is not what SEED-IV holds, or a person has two files of one session or one date; the
        message names the file.
    ConfigError
        If the path, a subject or a channel is none, or the cache folder cannot be written.

    References
    ----------
    Zheng et al. 2019, "EmotionMeter: A Multimodal Framework for Recognizing Human Emotions",
    doi:10.1109/TCYB.2018.2797176.
    """
    given = as_path(folder, "folder")
    place, found = _find_sessions(given)
    files = wanted_files(found, subjects, place)

    def read() -> Iterator[Recorded]:
        for subject, sessions in files.items():
            for session, path in sessions.items():
                films = range(N_TRIALS * (session - 1) + 1, N_TRIALS * session + 1)
                emotions = [EMOTIONS[label] for label in LABELS[session - 1]]
                yield read_session(path, SEED_IV.name, session_table(subject, session, films, films, emotions))

    return load_people(
        _LAYOUT,
        given,
        [path for sessions in files.values() for path in sessions.values()],
        read,
        channels=channels,
        cache=cache,
        provenance={"source": "eeg_raw_data", "subjects": list(files), **credit(SEED_IV)},
    )


def _find_sessions(folder: Path) -> tuple[Path, dict[int, dict[int, Path]]]:
    """Return the folder of the sessions, and the file of each person and session."""
    if not folder.is_dir():
        raise DataFormatError(f"There is no folder {str(folder)!r}; give the folder of SEED-IV, or its eeg_raw_data.")
    for place in (folder / name for name in _FOLDERS):
        found: dict[int, dict[int, Path]] = {}
        for session in _SESSIONS:
            for subject, dated in dated_files(place / str(session)).items():
                own = found.setdefault(subject, {})
                again = [path for path in own.values() if path.stem.partition("_")[2] in dated]
                if again or len(dated) > 1:
                    names = ", ".join(f"{path.parent.name}/{path.name}" for path in (*again, *dated.values()))
                    raise DataFormatError(
                        f"{str(place)!r} holds {names} of subject {subject}; a person has one file a session, each of "
                        "another date - take away what is not of the release."
                    )
                (own[session],) = dated.values()
        if found:
            return place, dict(sorted(found.items()))
    if is_session(folder):
        raise DataFormatError(
            f"{str(folder)!r} holds one session of SEED-IV, whose number is its name; give the folder that it lies in."
        )
    raise DataFormatError(
        f"{str(folder)!r} holds no folders '1', '2' and '3' with 1_20160518.mat ..., nor a folder 'eeg_raw_data' with "
        "them; is this SEED-IV, unpacked?"
    )


SEED_IV = Dataset(
    name="SEED-IV",
    files="the folders 1, 2 and 3 with 1_20160518.mat ..., in 'eeg_raw_data'",
    recognised=lambda folder: (
        is_session(folder)
        or any(holds(folder / name / str(session), FILE) for name in _FOLDERS for session in _SESSIONS)
    ),
    load=load_seed_iv,
    ch_names=CH_NAMES,
    sfreq=SFREQ,
    pass_band=PASS_BAND,
    labels="neutral, sad, fear or happy, of the film that was shown",
    schemes=(categories("emotion", EMOTIONS),),
    licence="on request from BCMI, Shanghai Jiao Tong University; see the agreement of the release",
    source="Zheng et al. 2019, doi:10.1109/TCYB.2018.2797176",
    sessions=N_SESSIONS,
    caution=(
        "Everybody watched the same films in one order, so what knows a film again knows its emotion. Each session of "
        "a person has films of its own, but those that are tested on may have been seen in training from other "
        "people, unless the protocol is stimulus or subject-stimulus."
    ),
)
