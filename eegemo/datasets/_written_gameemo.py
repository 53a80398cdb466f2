"""Simulated people in the files of GAMEEMO."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from eegemo._atomic import replacing
from eegemo.datasets import gameemo
from eegemo.datasets._simulated_people import SimulatedPerson


def write(folder: Path, subjects: list[int], make_person: Callable[[int], SimulatedPerson]) -> Iterator[Path]:
    """Write the four files of each person.

    Parameters
    ----------
    folder : Path
        That is to hold the folders of people.
    subjects : list of int
        Their numbers.
    make_person : callable
        Makes a person from their number.

    Yields
    ------
    path : Path
        Of a file that is complete.
    """
    for subject in subjects:
        person = make_person(subject)
        meant = [[_sign(emotion, "V"), _sign(emotion, "A")] for _, emotion in gameemo.GAMES.values()]
        felt = person.felt(np.array(meant))
        for game, emotion in zip(gameemo.GAMES, felt, strict=True):
            path = folder.joinpath(f"(S{subject:02d})", *gameemo.PLACE, f"S{subject:02d}G{game}AllChannels.csv")
            with replacing(path) as partial:
                _write_table(partial, person.record(game, gameemo.N_TIMES, tuple(emotion)))
            yield path


def _sign(emotion: str, of: str) -> int:
    """Return 1 for high and -1 for low, of valence or arousal in the name of a quadrant."""
    return 1 if emotion[emotion.index(of) - 1] == "H" else -1


def _write_table(path: Path, signals: np.ndarray) -> None:
    """Write samples with a comma at the end of each line, as the release has it."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("".join(f"{name}," for name in gameemo.CH_NAMES) + "\n")
        np.savetxt(file, signals, fmt=",".join(["%.4f"] * signals.shape[1]) + ",")
