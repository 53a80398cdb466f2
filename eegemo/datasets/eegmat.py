"""EEG during rest and mental arithmetic: PhysioNet's eegmat 1.0.0, or the small extract of it."""

from __future__ import annotations

import math
import os
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from eegemo._paths import as_path
from eegemo.datasets.published import Dataset, holds
from eegemo.errors import DataFormatError, suggest_keywords
from eegemo.labels import categories
from eegemo.trials import Trials

SFREQ = 128.0
SECONDS = 60
CH_NAMES = tuple("Fp1 Fp2 F3 F4 F7 F8 T3 T4 C3 C4 T5 T6 P3 P4 O1 O2 Fz Cz Pz".split())
TASKS = ("rest", "arithmetic")
ATTRIBUTION = (
    "Zyma I, Tukaev S, Seleznov I, Kiyono K, Popov A, Chernykh M, Shpenkov O (2019). Electroencephalograms during "
    "Mental Arithmetic Task Performance. Data 4(1):14, doi:10.3390/data4010014. PhysioNet, eegmat 1.0.0, "
    "doi:10.13026/C2JQ1P, Open Data Commons Attribution License v1.0."
)
CONFOUND = (
    "One recording per person and task, and rest always came first: whatever changed between the two recordings of a "
    "person, the electrodes' drift included, goes with the task. With windows split at random a model can read the "
    "recording instead of the task; held-out people bound what is left, and cannot undo the order."
)
_ARRAYS = ("X", "task", "subject", "ch_names", "sfreq", "scale_uV")
_MOST_BYTES = 1 << 27  # of an array, unpacked; all 36 people take 21 MB
_FILE = re.compile(r"Subject(\d\d)_([12])\.edf")
_EXTRACT = re.compile(r"eegmat.*_128hz_int16\.npz")


@suggest_keywords
def load_eegmat(path: str | os.PathLike[str]) -> Trials:
    """Load rest and mental arithmetic of the same people, a minute of each.

    Parameters
    ----------
    path : path-like
        The folder of EDF files as PhysioNet publishes it (``Subject00_1.edf``, ``Subject00_2.edf``, ...), whose
        first 60 s are read and resampled to 128 Hz; or the extract ``eegmat12_128hz_int16.npz``, or the folder
        that holds it.

    Returns
    -------
    trials : Trials
        Two trials a person: ``task`` and ``stimulus`` are ``rest`` or ``arithmetic``. 19 EEG channels with their
        old 10-20 names, in microvolts. The recordings were filtered and cleaned by ICA by their authors.

    Raises
    ------
    DataFormatError
        If a file is missing or is not what it should be.

    References
    ----------
    Zyma et al. 2019, doi:10.3390/data4010014.
    """
    given = as_path(path)
    extracts = [given] if given.is_file() else sorted(given.glob("eegmat*_128hz_int16.npz"))
    if extracts:
        return _read_extract(extracts[0])
    files = {_FILE.fullmatch(p.name): p for p in sorted(given.glob("Subject??_?.edf"))} if given.is_dir() else {}
    recordings = {(int(match[1]), int(match[2])): p for match, p in files.items() if match}
    if not recordings:
        raise DataFormatError(
            f"{str(given)!r} is neither an extract eegmat*_128hz_int16.npz nor a folder with Subject00_1.edf, "
            "Subject00_2.edf, ...; fetch eegmat 1.0.0 from PhysioNet."
        )
    subjects = sorted({subject for subject, _ in recordings})
    for subject in subjects:
        for number in (1, 2):
            if (subject, number) not in recordings:
                raise DataFormatError(
                    f"Subject{subject:02d}_{number}.edf is missing in {str(given)!r}; fetch it again."
                )
    order = [(subject, number) for subject in subjects for number in (1, 2)]
    signals = np.concatenate([_read_edf(recordings[key]) for key in order])
    return _trials(signals, [s for s, _ in order], [TASKS[n - 1] for _, n in order], CH_NAMES, "EDF, first 60 s")


def _read_extract(path: Path) -> Trials:
    try:
        arrays = _unpack(path)
        X, names = arrays["X"], tuple(str(name) for name in arrays["ch_names"])
        n_times = int(SECONDS * SFREQ)
        if X.shape != (len(arrays["task"]), len(names), n_times) or float(arrays["sfreq"]) != SFREQ:
            raise ValueError(f"X has shape {X.shape}, expected (n_recordings, {len(names)}, {n_times}) at 128 Hz")
        if X.dtype.kind != "i" or not set(arrays["task"].tolist()) <= {0, 1} or len(arrays["subject"]) != len(X):
            raise ValueError("X must be integers, task 0 or 1, and subject of the same length")
        scale = float(arrays["scale_uV"])
        if not 0 < scale < math.inf:
            raise ValueError(f"scale_uV is {scale}, expected microvolts a step")
        signals = X.transpose(0, 2, 1).reshape(-1, len(names)).astype(np.float32) * np.float32(scale)
        subjects, tasks = arrays["subject"].tolist(), [TASKS[t] for t in arrays["task"]]
    except FileNotFoundError:
        raise
    except Exception as error:
        raise DataFormatError(f"{path.name}: not an extract of eegmat ({error}); fetch it again.") from error
    return _trials(signals, subjects, tasks, names, f"extract of {len(set(subjects))} people")


def _unpack(path: Path) -> dict[str, Any]:
    """Return the arrays of an extract, none of which may unpack to more than a person would expect."""
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.file_size > _MOST_BYTES:
                raise ValueError(f"{member.filename} takes {member.file_size} bytes, expected at most {_MOST_BYTES}")
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError(f"{member.filename} is packed in a way that NumPy does not use")
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in _ARRAYS}


def _read_edf(path: Path) -> np.ndarray:
    """Return one recording's first minute, shape (7680, 19), float32, in microvolts."""
    from eegemo.preprocessing.reading import read_recording

    raw = read_recording(path)
    position = {name.removeprefix("EEG ").strip(): name for name in raw.ch_names}
    missing = [name for name in CH_NAMES if name not in position]
    if missing:
        raise DataFormatError(f"{path.name}: channels {', '.join(missing)} are missing; is this a file of eegmat?")
    if raw.n_times < SECONDS * raw.info["sfreq"]:
        raise DataFormatError(
            f"{path.name}: lasts {raw.times[-1]:.1f} s, expected at least {SECONDS} s; fetch it again."
        )
    try:
        picked = raw.pick([position[name] for name in CH_NAMES]).crop(0, SECONDS, include_tmax=False)
        data = picked.load_data(verbose="error").resample(SFREQ, method="polyphase", verbose="error").get_data()
    except Exception as error:  # the header was read; the samples are now
        raise DataFormatError(
            f"{path.name}: cannot be read as EDF ({str(error) or type(error).__name__}); fetch it again."
        ) from error
    return (data.T * 1e6).astype(np.float32)


def _trials(
    signals: np.ndarray, subjects: list[int], tasks: list[str], ch_names: tuple[str, ...], source: str
) -> Trials:
    n_times = int(SECONDS * SFREQ)
    table = pd.DataFrame(
        {
            "subject": subjects,
            "trial": [TASKS.index(name) + 1 for name in tasks],
            "stimulus": tasks,
            "start": np.arange(len(tasks), dtype=np.int64) * n_times,
            "n_times": n_times,
            "n_baseline": 0,
            "task": tasks,
        }
    )
    return Trials(
        signals,
        table,
        ch_names,
        SFREQ,
        "eegmat",
        simulated=False,
        provenance={"source": source, "licence": ATTRIBUTION},
    )


EEGMAT = Dataset(
    name="eegmat",
    files="Subject00_1.edf ... Subject35_2.edf, or eegmat*_128hz_int16.npz",
    recognised=lambda path: holds(path, _FILE) or holds(path, _EXTRACT) or bool(_EXTRACT.fullmatch(path.name)),
    load=load_eegmat,
    ch_names=CH_NAMES,
    sfreq=SFREQ,
    pass_band=(None, None),
    labels="rest or mental arithmetic",
    schemes=(categories("task", TASKS),),
    licence="Open Data Commons Attribution License v1.0",
    source="Zyma et al. 2019, doi:10.3390/data4010014; PhysioNet, doi:10.13026/C2JQ1P",
    caution=CONFOUND,
)
