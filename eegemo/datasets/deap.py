"""DEAP's preprocessed recordings, from its Python or its MATLAB release."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from eegemo.datasets import _deap_format as deap
from eegemo.datasets._store import prepared
from eegemo.errors import ConfigError, DataFormatError, suggest_keywords
from eegemo.trials import Trials

_FILE = re.compile(r"s(\d\d)\.(dat|mat)")


@suggest_keywords
def load_deap(
    folder: str | os.PathLike[str],
    *,
    subjects: Sequence[int] | None = None,
    channels: str | Sequence[str] = "eeg",
    cache: str | os.PathLike[str] | None = None,
) -> Trials:
    """Load DEAP's preprocessed recordings: 40 trials of 3 s + 60 s a person at 128 Hz.

    The first call prepares a store of float32 samples, one subject in memory at a time; later calls map it.
    DEAP's pickles are read by a restricted reader that runs nothing in them.

    Parameters
    ----------
    folder : path-like
        ``data_preprocessed_python`` (``s01.dat`` ...) or ``data_preprocessed_matlab`` (``s01.mat`` ...), or the
        folder that holds one of them. Where both lie there, the Python release is read.
    subjects : sequence of int | None
        Which people; all that are there by default.
    channels : "eeg" | "emotiv14" | sequence of str
        The 32 EEG channels, the 14 of an Emotiv headset, or names - of peripheral channels too.
    cache : path-like | None
        Where the store lies; the platform's cache folder, or ``EEGEMO_CACHE``, by default.

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
        If a channel is unknown, or the cache folder cannot be written.

    References
    ----------
    Koelstra et al. 2012, "DEAP: A Database for Emotion Analysis using Physiological Signals",
    doi:10.1109/T-AFFC.2011.15.
    """
    names = deap.resolve_channels(channels)
    columns = [deap.CH_NAMES.index(name) for name in names]
    files = _find_files(Path(folder), subjects)

    def blocks() -> Iterator[tuple[np.ndarray, pd.DataFrame, dict[str, Any]]]:
        for subject, path in files.items():
            data, labels = deap.read_file(path)
            ratings = pd.DataFrame(labels, columns=list(deap.RATINGS)).assign(subject=subject)
            strip = _to_strip(path, data, columns)
            del data  # before the next subject is read
            yield strip, deap.trial_table(ratings), {}
            del strip

    first = next(iter(files.values()))
    release = "matlab" if first.suffix == ".mat" else "python"
    simulated = (first.parent / deap.SIMULATED_MARK).exists()
    return prepared(
        list(files.values()),
        blocks,
        description={
            "ch_names": list(names),
            "ch_types": [deap.CH_TYPES[name] for name in names],
            "sfreq": deap.SFREQ,
            "dataset": "simulated DEAP files" if simulated else "DEAP",
            "simulated": simulated,
            "provenance": {
                "source": f"preprocessed, {release} release",
                "subjects": list(files),
                "pass_band": list(deap.PASS_BAND),
            },
        },
        cache=cache,
    )


def _find_files(folder: Path, subjects: Sequence[int] | None) -> dict[int, Path]:
    """Find each subject's file, whatever else lies in the folder."""
    if not folder.is_dir():
        raise DataFormatError(
            f"There is no folder {str(folder)!r}; give the path of DEAP's data_preprocessed_python or "
            "data_preprocessed_matlab."
        )
    for place in (folder, folder / "data_preprocessed_python", folder / "data_preprocessed_matlab"):
        for suffix in ("dat", "mat"):
            matches = [(_FILE.fullmatch(path.name), path) for path in sorted(place.glob(f"s??.{suffix}"))]
            found = {int(match[1]): path for match, path in matches if match}
            if found:
                return wanted_files(found, subjects, place)
    raise DataFormatError(
        f"{str(folder)!r} holds no s01.dat ... s32.dat and no s01.mat ... s32.mat; are these DEAP's preprocessed "
        "recordings, unpacked?"
    )


def wanted_files(found: dict[int, Path], subjects: Sequence[int] | None, place: Path) -> dict[int, Path]:
    """Return the files of the wanted people, in the order wanted; an error names one that is not there."""
    if subjects is None:
        return found
    subjects = [int(subject) for subject in subjects]
    if len(set(subjects)) < len(subjects):
        raise ConfigError(f"subjects must be different numbers, got {subjects}.")
    missing = [subject for subject in subjects if subject not in found]
    if missing or not len(subjects):
        raise DataFormatError(
            f"{str(place)!r} has no file of subject {missing[0] if missing else '(none wanted)'}; it holds subjects "
            f"{', '.join(map(str, found))}."
        )
    return {subject: found[subject] for subject in subjects}


def _to_strip(path: Path, data: np.ndarray, columns: list[int]) -> np.ndarray:
    """Return the wanted channels of one subject, time-major, all videos end to end; shape (40 * 8064, n)."""
    strip = np.empty((len(data), data.shape[2], len(columns)), np.float32)
    for video, samples in enumerate(data):
        strip[video] = samples[columns].T
    # In one go over the sum: a NaN or an infinity anywhere makes it one, and finite microvolts never do.
    with np.errstate(invalid="ignore"):
        total = strip.sum(dtype=np.float64)
    if not np.isfinite(total):
        video, sample, channel = np.argwhere(~np.isfinite(strip))[0]
        raise DataFormatError(
            f"{path.name}: channel {deap.CH_NAMES[columns[channel]]} of video {video + 1} is "
            f"{strip[video, sample, channel]} at sample {sample}, expected finite values; the file is damaged - "
            "fetch it again."
        )
    return strip.reshape(-1, len(columns))
