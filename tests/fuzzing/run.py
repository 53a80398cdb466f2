"""Damage files of every kind, and see that each is read right or refused by one error that names it.

    python tests/fuzzing/run.py --n 200
    python tests/fuzzing/run.py --kind mat --first 17 --n 1

A finding is another exception, an error that does not name the file, more than 2 GB, more than 10 s of computing, or an
interpreter that dies. Each has a seed, which makes the same mutant again. 200 of each kind take about ten minutes.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import tyro

from fuzzing.kinds import KINDS, Arrays, Kind, restore
from fuzzing.mutations import mutate

_MOST_BYTES = 2 << 30
_MOST_SECONDS = 10.0
_HANGS = 120.0  # seconds on the clock; other work on the machine must not make a finding


@dataclass(frozen=True)
class Fuzz:
    """How much is tried."""

    n: int = 25
    """Mutants of each kind."""
    kind: tuple[str, ...] = tuple(KINDS)
    """Kinds of files."""
    first: int = 0
    """The first seed."""


def _peak_bytes() -> int:
    """Return the most memory that this process has had since its peak was forgotten."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def _judge(kind: Kind, victim: Path, scratch: Path, expected: Arrays) -> str:
    """Read a mutant; return ``read``, ``refused``, or what is wrong."""
    from eegemo import ConfigError, DataFormatError

    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # forgets the peak
    before, begin = _peak_bytes(), time.process_time()
    try:
        found = kind.load(victim, scratch)
    except (DataFormatError, ConfigError) as error:
        named = any(name in str(error) for name in (victim.name, *kind.names))
        outcome = "refused" if named else f"an error that does not name the file: {str(error)[:200]!r}"
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)
        own = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in where if "eegemo" in frame.filename]
        outcome = f"{type(error).__name__} at {own[-1] if own else '?'}: {str(error)[:200]!r}"
    else:
        outcome = "read"
        if kind.has_checksum and not _same(found, expected):
            outcome = "was read as something else than it was"
    seconds, grown = time.process_time() - begin, _peak_bytes() - before
    if seconds > _MOST_SECONDS:
        return f"took {seconds:.0f} s ({outcome})"
    return f"took {grown / 1e9:.1f} GB ({outcome})" if grown > _MOST_BYTES else outcome


def _same(found: Arrays, expected: Arrays) -> bool:
    return set(found) == set(expected) and all(np.array_equal(found[name], expected[name]) for name in expected)


def _work(connection: Connection, name: str) -> None:
    """Judge one mutant after another, for as long as seeds come."""
    warnings.simplefilter("ignore")
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    kind = KINDS[name]()
    with tempfile.TemporaryDirectory() as place:
        folder, scratch = Path(place) / "files", Path(place) / "scratch"
        folder.mkdir()
        originals = {path: path.read_bytes() for path in kind.write(folder)}
        victims = sorted(originals)
        restore(originals, scratch)
        expected = kind.load(victims[0], scratch)  # also loads what is imported late
        connection.send("ready")
        while (seed := connection.recv()) is not None:
            rng = random.Random(f"{name} {seed}")
            victim = rng.choice(victims)
            restore(originals, scratch)
            victim.write_bytes(mutate(originals[victim], rng, is_text=kind.is_text))
            connection.send((victim.name, _judge(kind, victim, scratch, expected)))


def outcomes(name: str, seeds: Sequence[int]) -> Iterator[tuple[int, str, str]]:
    """Try mutants in a process of their own, which is started again when it dies.

    Parameters
    ----------
    name : str
        The kind of file.
    seeds : sequence of int
        One a mutant.

    Yields
    ------
    seed : int
    file, outcome : str
        What was mutated; ``read``, ``refused``, or what is wrong.
    """
    context = multiprocessing.get_context("spawn")
    waiting = list(seeds)
    while waiting:
        connection, theirs = context.Pipe()
        worker = context.Process(target=_work, args=(theirs, name), daemon=True)
        worker.start()
        theirs.close()
        connection.recv()
        while waiting:
            seed = waiting.pop(0)
            connection.send(seed)
            try:
                alive = connection.poll(_HANGS)
                file, outcome = connection.recv() if alive else ("", "does not end")
            except EOFError:
                worker.join()
                alive, file, outcome = False, "", f"the interpreter died ({worker.exitcode})"
            yield seed, file, outcome
            if not alive:
                break
        worker.kill()
        worker.join()


def fuzz(settings: Fuzz) -> list[str]:
    """Try every kind, and print what comes of it.

    Parameters
    ----------
    settings : Fuzz
        What is tried.

    Returns
    -------
    findings : list of str
        What is wrong, with the seeds.
    """
    findings = []
    for name in settings.kind:
        counts: Counter[str] = Counter()
        for seed, file, outcome in outcomes(name, range(settings.first, settings.first + settings.n)):
            counts[outcome if outcome in ("read", "refused") else "wrong"] += 1
            if outcome not in ("read", "refused"):
                findings.append(f"{name}, seed {seed}: {file} {outcome}")
                print(findings[-1], flush=True)
        print(f"{name}: {', '.join(f'{count} {what}' for what, count in sorted(counts.items()))}", flush=True)
    return findings


if __name__ == "__main__":
    unknown = set((given := tyro.cli(Fuzz, description=__doc__)).kind) - set(KINDS)
    sys.exit(
        f"unknown kinds: {', '.join(sorted(unknown))}; known: {', '.join(KINDS)}" if unknown else bool(fuzz(given))
    )
