"""The command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def eegemo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "eegemo", *arguments], capture_output=True, text=True, check=False)


def test_simulated_people_can_be_written_and_looked_at(tmp_path: Path) -> None:
    done = eegemo("simulate", str(tmp_path), "--subjects", "1", "--format", "python")
    assert done.returncode == 0, done.stderr
    names = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert names == [
        "data_preprocessed_python/SIMULATED.txt",
        "data_preprocessed_python/s01.dat",
        "participant_ratings.csv",
    ]
    shown = eegemo("info", str(tmp_path))
    assert shown.returncode == 0, shown.stderr
    assert "40 trials, 1 subjects, 32 channels" in shown.stdout
    assert "simulated" in shown.stdout


def test_a_mistake_is_one_line_and_no_traceback(tmp_path: Path) -> None:
    done = eegemo("info", str(tmp_path / "nowhere"))
    assert done.returncode == 1
    assert done.stderr.startswith("error: There is no folder")
    assert "Traceback" not in done.stderr


def test_an_effect_beyond_the_scale_is_refused(tmp_path: Path) -> None:
    done = eegemo("simulate", str(tmp_path / "out"), "--effect", "-1")
    assert done.returncode == 1
    assert "effect must lie between" in done.stderr
    assert not (tmp_path / "out").exists()
