"""Small raw recordings as DEAP releases them, with their ratings, and how tests open them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from edfio import Bdf, BdfSignal, Recording

from eegemo import DEAP_PREPROCESSING, Trials, load_deap_raw

# As the dataset's description has them (FACTS.md, 3 and 4), written out here a second time.
GENEVA = (
    "Fp1 AF3 F3 F7 FC5 FC1 C3 T7 CP5 CP1 P3 P7 PO3 O1 Oz Pz Fp2 AF4 Fz F4 F8 FC6 FC2 Cz C4 T8 CP6 CP2 P4 P8 PO4 O2"
).split()
TWENTE = (
    "Fp1 AF3 F7 F3 FC1 FC5 T7 C3 CP1 CP5 P7 P3 Pz PO3 O1 Oz O2 PO4 P4 P8 CP6 CP2 C4 T8 FC6 FC2 F4 F8 AF4 Fp2 Fz Cz"
).split()
OTHERS = "EXG1 EXG2 EXG3 EXG4 EXG5 EXG6 EXG7 EXG8 GSR1 GSR2 Erg1 Erg2 Resp Plet Temp".split()
PERIPHERAL = "hEOG vEOG zEMG tEMG GSR Respiration Plethysmograph Temperature".split()
#: Trials are then the recorded samples themselves.
NO_STEPS = replace(DEAP_PREPROCESSING, high_pass=None, bad_channels=None, eog=None, band=None, reference=None)
DIGITAL, PHYSICAL = 2**23 - 1, 262_143  # 1/32 a step, as BioSemi's, and 0 is 0


def path_of(release: Path, subject: int, folder: str = "data_original") -> Path:
    return release / folder / f"s{subject:02d}.bdf"


def write_bdf(
    path: Path,
    channels: Mapping[str, np.ndarray | float],
    codes: np.ndarray,
    *,
    sfreq: int = 128,
    trigger: Sequence[str] = ("Status",),
    units: Mapping[str, str] | None = None,
) -> Path:
    """A BDF file of these channels in the order given, in microvolts unless another unit is named."""
    signals = [
        BdfSignal.from_digital(
            np.broadcast_to(np.round(np.asarray(values) * (DIGITAL / PHYSICAL)), codes.shape).astype(np.int32),
            sfreq,
            label=label,
            physical_dimension=(units or {}).get(label, "uV"),
            physical_range=(-PHYSICAL, PHYSICAL),
            digital_range=(-DIGITAL, DIGITAL),
        )
        for label, values in channels.items()
    ]
    signals += [
        BdfSignal.from_digital(codes.astype(np.int32), sfreq, label=label, physical_dimension="Boolean")
        for label in trigger
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    Bdf(signals, recording=Recording(startdate=date(2010, 1, 1)), data_record_duration=1).write(path)
    return path


def held(n_times: int, events: Iterable[tuple[int, int]], *, n_held: int = 6) -> np.ndarray:
    """A trigger channel in which each code stands for a few samples."""
    codes = np.zeros(n_times, np.int32)
    for first, code in events:
        codes[first : first + n_held] = code
    return codes


def valence_of(video: int) -> float:
    return round(2 + 0.1 * video, 2)  # with arousal: 9 minus it is a rating, too


def arousal_of(video: int) -> float:
    return round(7 - 0.1 * video, 2)


def dominance_of(video: int) -> float:
    return round(1 + 0.2 * video, 2)


def liking_of(video: int) -> float:
    return round(9 - 0.2 * video, 2)


def sheet_of(subject: int, videos: Sequence[int], seconds: Sequence[float]) -> pd.DataFrame:
    """One person's rows of the ratings: ``videos`` in the order of presentation, and when they started."""
    return pd.DataFrame(
        {
            "Participant_id": subject,
            "Trial": np.arange(1, len(videos) + 1),
            "Experiment_id": videos,
            "Start_time": [round(1e6 * second) for second in seconds],
            "Valence": [valence_of(video) for video in videos],
            "Arousal": [arousal_of(video) for video in videos],
            "Dominance": [dominance_of(video) for video in videos],
            "Liking": [liking_of(video) for video in videos],
            "Familiarity": 3,
        }
    )


def write_sheet(folder: Path, sheet: pd.DataFrame) -> Path:
    path = folder / "participant_ratings.csv"
    folder.mkdir(parents=True, exist_ok=True)
    sheet.to_csv(path, index=False)
    return path


def write_small(
    folder: Path,
    subject: int = 7,
    *,
    videos: Sequence[int] = (2, 1),
    starts: Sequence[float] = (4.0, 70.0),
    seconds: int = 134,
    sfreq: int = 128,
    channels: Mapping[str, np.ndarray | float] | None = None,
    drop: Sequence[str] = (),
    events: Sequence[tuple[int, int]] | None = None,
    trigger: Sequence[str] = ("Status",),
    units: Mapping[str, str] | None = None,
) -> Path:
    """A recording of a trial or two, marked as simulated (so that 40 are not asked for), and its ratings."""
    n_times = seconds * sfreq
    contents: dict[str, np.ndarray | float] = dict.fromkeys([*TWENTE, *OTHERS], 0.0)
    contents["Fp1"] = np.arange(n_times)  # whoever cuts it tells where
    contents |= channels or {}
    if events is None:
        events = [(round(start * sfreq), 4) for start in starts]
    place = folder / "data_original"
    path = write_bdf(
        place / f"s{subject:02d}.bdf",
        {name: values for name, values in contents.items() if name not in drop},
        held(n_times, events),
        sfreq=sfreq,
        trigger=trigger,
        units=units,
    )
    (place / "SIMULATED.txt").write_text("")
    sheets = [sheet_of(subject, videos, starts)]
    if (folder / "participant_ratings.csv").exists():
        sheets.append(pd.read_csv(folder / "participant_ratings.csv"))
    write_sheet(folder, pd.concat(sheets))
    return path


# A whole session of 40 trials, small because they overlap

ORDER = np.random.default_rng(3).permutation(40) + 1
STARTS = 4 + np.concatenate([[0], np.cumsum(np.random.default_rng(4).uniform(8, 20, 39))])  # s
N_TIMES = 128 * int(STARTS[-1] + 65)
#: Subject 25's rows of the ratings.
SHEET = sheet_of(25, ORDER.tolist(), STARTS.tolist())


def write_session(place: Path, *, lost: Sequence[int] = (), extra: Sequence[float] = (), high: bool = False) -> Path:
    """Subject 25's 40 trials without the mark of simulated data; ``lost`` are presentations from 1."""
    events = []
    for number, start in enumerate(STARTS, 1):
        above = (0x58FF00 if number in (5, 17, 40) else 0x18FF00) if high else 0
        at = round(start * 128)
        events += [(at - 64, above | 3), (at + 256, above | 5)]
        if number not in lost:
            events.append((at, above | 4))
    events += [(round(second * 128), 4) for second in extra]
    contents: dict[str, np.ndarray | float] = dict.fromkeys([*GENEVA, *OTHERS], 0.0)
    contents["Fp1"] = np.arange(N_TIMES)
    return write_bdf(place / "s25.bdf", contents, held(N_TIMES, events), trigger=[""])


# Opening them


def load_as_is(folder: Path, **settings: Any) -> Trials:
    """The recorded samples of Fp1, unless told otherwise."""
    return load_deap_raw(folder, **{"channels": ["Fp1"], "preprocessing": NO_STEPS, **settings})


def n_stores(cache: Path) -> int:
    return len([path for path in cache.iterdir() if path.is_dir()])


def first_samples(trials: Trials) -> list[int]:
    """The sample of the recording at which each trial begins, from the channel that counts them."""
    return [round(float(trials.signals[start, 0])) for start in trials.table["start"]]


def correlation(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.corrcoef(x, y)[0, 1])
