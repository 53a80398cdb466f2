"""GAMEEMO: EEG of people who played four computer games, each made for one quadrant of valence and arousal."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from eegemo._paths import as_path
from eegemo._text_tables import decoded
from eegemo.datasets._layout import Layout
from eegemo.datasets._people import Recorded, load_people
from eegemo.datasets._subjects import wanted_files
from eegemo.datasets.published import Dataset, credit
from eegemo.errors import DataFormatError, suggest_keywords
from eegemo.labels import categories
from eegemo.trials import Trials

#: In the order of the header of S01G1AllChannels.csv; each file is read by the names in its own.
CH_NAMES = tuple("AF3 AF4 F3 F4 F7 F8 FC5 FC6 O1 O2 P7 P8 T7 T8".split())
SFREQ = 128.0
N_TIMES = 38252  # rows of each file: 298.8 s of the 5 minutes
#: The games by their number, as they are called in the paper, and what each is made for.
GAMES = {1: ("boring", "LVLA"), 2: ("calm", "HVLA"), 3: ("horror", "LVHA"), 4: ("funny", "HVHA")}
#: Of each person's folder, where the files are; the name with a dot is the release's own.
PLACE = ("Preprocessed EEG Data", ".csv format")
CAUTION = (
    "One recording per person and game, and the game is the class: within a person, class and recording are one, and "
    "whatever else differs between a person's recordings, the electrodes' drift and the order of the games included, "
    "goes with the class. No protocol within a person (window-random, trial) can tell the emotion from the recording; "
    "held-out people bound what is left, and cannot tell an emotion from its only game, nor undo an order that was the "
    "same for all."
)
_LAYOUT = Layout("GAMEEMO", CH_NAMES, SFREQ, pass_band=(None, None), other_types={})
_PERSON = re.compile(r"\(S(\d\d)\)|S(\d\d)", re.IGNORECASE)
_FILE = re.compile(r"S(\d\d)G([1-4])AllChannels\.csv", re.IGNORECASE)
_MOST_LETTERS = 64  # of a number


@suggest_keywords
def load_gameemo(
    folder: str | os.PathLike[str],
    *,
    subjects: Iterable[int] | None = None,
    channels: str | Iterable[str] = "eeg",
    cache: str | os.PathLike[str] | None = None,
) -> Trials:
    """Load GAMEEMO's preprocessed recordings: 4 games of 5 minutes a person, 14 channels of an Emotiv EPOC+ at 128 Hz.

    One recording per person and game, and the game is the class: **within a person, class and recording are one**, and
    no protocol within a person can separate them; ``trials.provenance["caution"]`` says what the others can tell.
    The first call prepares a store of float32 samples, one file in memory at a time; later calls map it.

    Parameters
    ----------
    folder : path-like
        ``GAMEEMO``, which holds ``(S01)`` ... ``(S28)``, or the folder that holds it. Of each person, the four files
        ``Preprocessed EEG Data/.csv format/S01G1AllChannels.csv`` ... are read, and nothing else; not the raw
        recordings, nor the ratings, which are scanned forms.
    subjects, cache
        As in :func:`eegemo.load`.
    channels : "eeg" | "emotiv14" | iterable of str
        All 14 in the order of the release, the same in another order, or names.

    Returns
    -------
    trials : Trials
        Four a person: ``trial`` and ``stimulus`` are the number of the game, ``game`` is ``boring``, ``calm``,
        ``horror`` or ``funny``, and ``emotion`` what that is made for, ``LVLA``, ``HVLA``, ``LVHA`` or ``HVHA``. EEG in
        microvolts.

    Raises
    ------
    DataFormatError
        If a file is missing or is not what GAMEEMO holds; the message names it.
    ConfigError
        If the path, a subject or a channel is none, or the cache folder cannot be written.

    Notes
    -----
    How the files were filtered is not published with them. Emotiv states 0.16 to 43 Hz for the EPOC+, and a digital
    sinc filter of order 5 in it, so what little there is above is the slope of a filter.

    References
    ----------
    Alakus et al. 2020, "Database for an emotion recognition system based on EEG signals and various computer games -
    GAMEEMO", doi:10.1016/j.bspc.2020.101951; data doi:10.17632/b3pn4kwpmn.
    """
    path = as_path(folder, "folder")
    found, place = _find_people(path)
    files = {subject: _find_files(person, subject) for subject, person in wanted_files(found, subjects, place).items()}

    def read() -> Iterator[Recorded]:
        for subject, games in files.items():
            for game, file in games.items():
                yield Recorded(file.name, [_read_samples(file)], _describe(subject, game))

    return load_people(
        _LAYOUT,
        path,
        [file for games in files.values() for file in games.values()],
        read,
        channels=channels,
        cache=cache,
        provenance={"source": "preprocessed, CSV files", "subjects": list(files), **credit(GAMEEMO)},
    )


def _find_people(path: Path) -> tuple[dict[int, Path], Path]:
    """Return the folder of each person, and the folder that holds them."""
    for place in (path, path / "GAMEEMO"):
        if people := _people_in(place):
            return people, place
    kind = "is no folder" if not path.is_dir() else "holds no folders (S01) ... (S28)"
    raise DataFormatError(f"{str(path)!r} {kind}; give the folder GAMEEMO of the dataset, unpacked.")


def _people_in(place: Path) -> dict[int, Path]:
    found: dict[int, Path] = {}
    for person in sorted(place.iterdir()) if place.is_dir() else []:
        if (match := _PERSON.fullmatch(person.name)) and person.is_dir():
            subject = int(match[1] or match[2])
            if subject in found:
                raise DataFormatError(
                    f"{str(place)!r} holds two folders of subject {subject}, {found[subject].name} and {person.name}; "
                    "take one of them away."
                )
            found[subject] = person
    return dict(sorted(found.items()))


def _find_files(person: Path, subject: int) -> dict[int, Path]:
    """Return the file of each game."""
    places = [person / PLACE[0] / name for name in (PLACE[1], PLACE[1].removeprefix("."))]
    place = next((place for place in places if place.is_dir()), None)
    if place is None:
        raise DataFormatError(
            f"{person.name} holds no folder {'/'.join(PLACE)!r}, whose name begins with a dot, so that some programs "
            "hide it or leave it out; unpack the dataset again."
        )
    found: dict[int, Path] = {}
    for path in sorted(place.iterdir()):
        if not (match := _FILE.fullmatch(path.name)) or not path.is_file():
            continue
        if int(match[1]) != subject:
            raise DataFormatError(f"{path.name} lies in the folder {person.name}, which is of another person.")
        if int(match[2]) in found:
            raise DataFormatError(
                f"{person.name} holds two files of game {match[2]}, {found[int(match[2])].name} and {path.name}; take "
                "one of them away."
            )
        found[int(match[2])] = path
    for game in GAMES:
        if game not in found:
            raise DataFormatError(
                f"{person.name} has no file S{subject:02d}G{game}AllChannels.csv in {'/'.join(PLACE)!r}; unpack the "
                "dataset again."
            )
    return dict(sorted(found.items()))


def _read_samples(path: Path) -> np.ndarray:
    """Return the samples of one file, shape (38252, 14), its channels in the order of ``CH_NAMES``."""
    most = _MOST_LETTERS * N_TIMES * len(CH_NAMES)
    if path.stat().st_size > most:
        raise DataFormatError(f"{path.name}: takes {path.stat().st_size} bytes, expected at most {most}.")
    try:
        header, _, body = decoded(path).replace("\r\n", "\n").partition("\n")
        names = _read_header(path, header)
        # Lines of no cells are rows that lack, and only an empty cell is no value: "NA" is text like any other.
        table = pd.read_csv(
            io.BytesIO(body.rstrip("\n").encode()),  # a StringIO takes four bytes a letter
            header=None,
            skip_blank_lines=False,
            keep_default_na=False,
            na_values=[""],
            low_memory=False,
        )
    except DataFormatError:
        raise
    except ValueError as error:  # pandas' own and Unicode's are ValueErrors
        what = " ".join(str(error).split())[:200]
        raise DataFormatError(
            f"{path.name}: cannot be read as a table of numbers with commas between them ({what}); fetch it again."
        ) from error
    if len(table) != N_TIMES or table.shape[1] < len(CH_NAMES):
        raise DataFormatError(
            f"{path.name}: holds {len(table)} rows of {table.shape[1]} columns, expected {N_TIMES} of {len(CH_NAMES)}; "
            "it may be cut short - fetch it again."
        )
    for number in range(len(CH_NAMES), table.shape[1]):  # a comma at the end of a line makes an empty column
        held = table[number].notna().to_numpy()
        if held.any():
            row = int(held.argmax())
            raise DataFormatError(
                f"{path.name}: line {row + 2} holds {_as_written(table[number].iloc[row])} in column {number + 1}, and "
                f"{len(CH_NAMES)} channels are named; numbers are to be written with a decimal point."
            )
    return np.stack([_as_numbers(path, name, table[names.index(name)]) for name in CH_NAMES], axis=1)


def _read_header(path: Path, header: str) -> list[str]:
    """Return the names of the columns: the channels, each once, in any order."""
    names = [name.strip().strip('"') for name in header.split(",")]
    while names and not names[-1]:
        names.pop()
    if sorted(names) != sorted(CH_NAMES):
        shown = ", ".join(map(repr, names))[:200] or "nothing"
        raise DataFormatError(
            f"{path.name}: the first line names {shown}, expected the {len(CH_NAMES)} channels {', '.join(CH_NAMES)}, "
            "each once, with commas between them; is this a file of GAMEEMO?"
        )
    return names


def _as_numbers(path: Path, name: str, column: pd.Series) -> np.ndarray:
    """Refuse a column in which something is no finite number."""
    numbers = column if column.dtype.kind in "fiu" else pd.to_numeric(column.astype(str), errors="coerce")
    values = numbers.to_numpy(np.float64)
    wrong = ~np.isfinite(values)
    if wrong.any():
        row = int(wrong.argmax())
        cell = column.iloc[row]
        got = "empty" if pd.isna(cell) else _as_written(cell)
        raise DataFormatError(
            f"{path.name}: channel {name} is {got} in line {row + 2}, expected a number; the file is damaged - fetch "
            "it again."
        )
    return values


def _as_written(cell: object) -> str:
    return repr(cell[:50]) if isinstance(cell, str) else f"{cell}"


def _describe(subject: int, game: int) -> pd.DataFrame:
    name, emotion = GAMES[game]
    return pd.DataFrame(
        {"subject": [subject], "trial": [game], "stimulus": [game], "game": [name], "emotion": [emotion]}
    )


def _is_gameemo(folder: Path) -> bool:
    return any(
        _PERSON.fullmatch(person.name) and (person / PLACE[0]).is_dir()
        for place in (folder, folder / "GAMEEMO")
        if place.is_dir()
        for person in place.iterdir()
    )


GAMEEMO = Dataset(
    name="GAMEEMO",
    files="(S01) ... (S28), each with 'Preprocessed EEG Data'",
    recognised=_is_gameemo,
    load=load_gameemo,
    ch_names=CH_NAMES,
    sfreq=SFREQ,
    pass_band=_LAYOUT.pass_band,
    labels="the game that was played, made for one quadrant of valence and arousal",
    schemes=(categories("emotion", ("HVHA", "HVLA", "LVHA", "LVLA")),),
    licence="on Mendeley Data; see the licence on its page",
    source="Alakus et al. 2020, doi:10.1016/j.bspc.2020.101951; data doi:10.17632/b3pn4kwpmn",
    caution=CAUTION,
)
