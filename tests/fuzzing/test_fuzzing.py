"""A few mutants of every kind of file; ``run.py`` beside this tries as many as are wanted."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fuzzing import run
from fuzzing.kinds import KINDS, Arrays, Kind
from fuzzing.mutations import mutate

N_MUTANTS = 12

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")


@pytest.mark.parametrize("name", KINDS)
def test_a_damaged_file_is_read_right_or_refused_by_one_error_that_names_it(name: str) -> None:
    command = [sys.executable, str(run.__file__), "--n", str(N_MUTANTS), "--kind", name]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    counts = re.findall(r"(\d+) (?:read|refused)", done.stdout)
    assert sum(map(int, counts)) == N_MUTANTS


@pytest.mark.parametrize("is_text", [False, True])
def test_a_seed_makes_the_same_mutant_and_most_mutants_differ(is_text: bool) -> None:
    content = b"file,subject\na.edf,1\nb.edf,2\n"
    mutants = [mutate(content, random.Random(seed), is_text=is_text) for seed in range(100)]
    assert mutants == [mutate(content, random.Random(seed), is_text=is_text) for seed in range(100)]
    assert len(set(mutants)) > 60 and mutants.count(content) < 10


def explode(*_: Any) -> Arrays:
    raise KeyError("x")


def take_memory(*_: Any) -> Arrays:
    return {"x": np.ones(20_000_000)[:3]}


def say_nothing_of_the_file(*_: Any) -> Arrays:
    from eegemo import DataFormatError

    raise DataFormatError("something is wrong")


@pytest.mark.parametrize(
    ("load", "outcome"),
    [
        (explode, "KeyError at "),
        (take_memory, "took 0.2 GB (read)"),
        (say_nothing_of_the_file, "an error that does not name the file"),
        (lambda *_: {"x": np.zeros(3)}, "was read as something else than it was"),
        (lambda *_: {"x": np.ones(3)}, "read"),
    ],
    ids=["another error", "memory", "no name", "another content", "right"],
)
def test_what_is_wrong_is_found(load: Any, outcome: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_MOST_BYTES", 100_000_000)
    kind = Kind(lambda folder: [], load, has_checksum=True)
    found = run._judge(kind, tmp_path / "s01.dat", tmp_path, {"x": np.ones(3)})
    assert found.startswith(outcome)


def dies_of_seed_1(connection: Connection, name: str) -> None:
    connection.send("ready")
    while (seed := connection.recv()) is not None:
        if seed == 1:
            os.kill(os.getpid(), signal.SIGSEGV)
        connection.send((name, "read"))


def test_an_interpreter_that_dies_is_found_and_the_next_mutant_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_work", dies_of_seed_1)
    assert list(run.outcomes("a", range(3))) == [
        (0, "a", "read"),
        (1, "", "the interpreter died (-11)"),
        (2, "a", "read"),
    ]
