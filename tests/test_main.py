"""The command line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eegemo import MajorityClassifier, Trials, evaluate, make_splitter, quadrants, write_simulated
from eegemo.__main__ import main
from recording_files import EEG, a_table, samples, write_recording


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


def test_raw_recordings_are_prepared_with_a_report(raw_release: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    done = eegemo(
        "prepare", str(raw_release), "--subjects", "24", "--report", str(page), "--cache", str(tmp_path / "c")
    )
    assert done.returncode == 0, done.stderr
    assert "simulated: 4 trials, 1 subjects, 32 channels, 128 Hz" in " ".join(done.stdout.split())
    assert "s24.bdf" in done.stdout
    assert "SIMULATED" in page.read_text(encoding="utf-8")
    assert list((tmp_path / "c").glob("simulated raw DEAP files-*/signals.npy"))


def test_settings_of_the_stage_are_taken_from_the_command_line(raw_release: Path, tmp_path: Path) -> None:
    words = ("--subjects", "1", "--sfreq", "256", "--eog", "None", "--channels", "F3", "F4", "--cache", str(tmp_path))
    done = eegemo("prepare", str(raw_release), *words)
    assert done.returncode == 0, done.stderr
    assert "4 trials, 1 subjects, 2 channels, 256 Hz" in " ".join(done.stdout.split())
    assert "not removed" in done.stdout


def test_deap_s_own_defaults_can_be_set_to_others(raw_release: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "elsewhere.csv"
    sheet.write_bytes((raw_release / "participant_ratings.csv").read_bytes())
    words = ("--subjects", "1", "--baseline", "0", "--ratings", str(sheet), "--cache", str(tmp_path / "c"))
    done = eegemo("prepare", str(raw_release), *words)
    assert done.returncode == 0, done.stderr
    (store,) = (tmp_path / "c").glob("*/signals.npy")
    assert np.load(store).shape == (4 * 60 * 128, 32)  # without the 3 s before each video


def test_a_table_of_recordings_is_prepared(raw_release: Path, tmp_path: Path) -> None:
    table = tmp_path / "trials.csv"
    file = raw_release / "data_original" / "s01.bdf"
    table.write_text(f"file,subject,onset,duration\n{file},1,30,20\n{file},1,120,20\n")
    done = eegemo("prepare", str(table), "--types", "EXG3", "eog", "EXG4", "eog", "--cache", str(tmp_path / "c"))
    assert done.returncode == 0, done.stderr
    assert "2 trials, 1 subjects, 32 channels" in " ".join(done.stdout.split())


def test_the_preprocessed_release_is_not_preprocessed_again(tmp_path: Path) -> None:
    write_simulated(tmp_path, [1])
    plain = eegemo("prepare", str(tmp_path), "--cache", str(tmp_path / "c"))
    assert plain.returncode == 0, plain.stderr
    refused = eegemo("prepare", str(tmp_path), "--eog", "ica", "--cache", str(tmp_path / "c"))
    assert refused.returncode == 1
    assert "EOG-corrected already" in refused.stderr


def test_nothing_to_prepare_is_said(tmp_path: Path) -> None:
    for source in (tmp_path, tmp_path / "nowhere.csv"):
        done = eegemo("prepare", str(source))
        assert done.returncode == 1
        assert done.stderr.startswith("error: ")
        assert "Traceback" not in done.stderr


def test_a_choice_that_does_not_go_with_the_source_is_refused(raw_release: Path, tmp_path: Path) -> None:
    table = tmp_path / "trials.csv"
    table.write_text("file,subject,onset,duration\na.fif,1,30,20\n")
    for source, words, message in (
        (raw_release, ("--trial-types", "music"), "--trial-types chooses BIDS events"),
        (table, ("--trial-types", "music"), "--trial-types chooses BIDS events"),
        (table, ("--ratings", "ratings.csv"), "--ratings goes with DEAP's raw recordings alone"),
        (table, ("--subjects", "1"), "--subjects chooses people of DEAP"),
    ):
        done = eegemo("prepare", str(source), *words)
        assert done.returncode == 1
        assert message in done.stderr


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Run a command in this process, which is quicker than in one of its own."""

    def run_command(*words: object) -> None:
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(sys, "argv", ["eegemo", *map(str, words)])
        main()

    return run_command


def write_windows(path: Path, **columns: object) -> Path:
    table = pd.DataFrame({"subject": [1, 1, 2, 2], "trial": [1, 1, 1, 2], "start": [0, 64, 0, 0], **columns})
    table.to_csv(path, index=False)
    return path


def test_audit_gives_the_verdict_on_a_split_in_files(
    run: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    windows = write_windows(tmp_path / "windows.csv")
    np.save(tmp_path / "train.npy", np.array([0, 2]))
    (tmp_path / "test.txt").write_text("1\n3\n")
    run("audit", windows, "--train", tmp_path / "train.npy", "--test", tmp_path / "test.txt", "--n-times", "128")
    printed = capsys.readouterr().out
    assert "LEAKS: 50% of the test windows come from a trial that training or validation saw" in printed
    assert "shared samples 50%, trial 50%, subject 100%, stimulus unknown" in printed
    assert "ask for that" in printed


def test_audit_goes_through_the_folds_of_a_table(
    run: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    windows = write_windows(tmp_path / "w.csv", part=["train", "test", "train", "test"], fold=[0, 0, 1, 1])
    run("audit", windows)
    printed = capsys.readouterr().out
    assert "Every fold" in printed
    assert "All folds: LEAKS: 50%" in printed


def test_audit_of_folds_says_what_looks_alike_and_takes_seconds(
    run: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fold 0 is tested on the half second that it was trained on; in fold 1 the person may be the same one."""
    columns = {"subject": ["[a]", "[a]", "s1", "s01"], "start": [0, 0.5, 0, 0], "trial": 1}
    run(
        "audit",
        write_windows(tmp_path / "w.csv", **columns, part=["train", "test"] * 2, fold=[0, 0, 1, 1]),
        "--duration",
        1,
    )
    printed = capsys.readouterr().out
    assert "shared samples 100%, trial 100%, subject 100%" in printed
    assert "All folds: LEAKS in 1 of 2, in others NOT KNOWN" in printed
    assert "LOOK ALIKE: subject 's01', 's1'" in printed


def test_audit_says_what_is_missing(run: Callable[..., None], tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="Say what is train and what is test"):
        run("audit", write_windows(tmp_path / "windows.csv"))
    with pytest.raises(SystemExit, match="No such file"):
        run("audit", tmp_path / "nowhere.csv")


def test_report_writes_one_page_about_the_newest_runs(
    run: Callable[..., None], tmp_path: Path, small_trials: Trials, capsys: pytest.CaptureFixture[str]
) -> None:
    splitter = make_splitter("trial", n_splits=2)
    for by in (None, "subject"):
        evaluate(MajorityClassifier(by), small_trials.windows(), quadrants(), splitter, runs=tmp_path / "runs")
    run("report", tmp_path / "runs")
    printed = capsys.readouterr().out
    assert "Report of 1 runs; 1 older ones" in printed
    page = (tmp_path / "runs" / "report.html").read_text()
    assert "SIMULATED" in page
    assert "MajorityClassifier" in page


def test_report_leaves_out_a_run_that_is_not_finished_and_names_it(
    run: Callable[..., None], tmp_path: Path, small_trials: Trials, capsys: pytest.CaptureFixture[str]
) -> None:
    splitter = make_splitter("trial", n_splits=2)
    for name in ("whole", "broken[off]"):
        evaluate(MajorityClassifier(), small_trials.windows(), quadrants(), splitter, folder=tmp_path / name)
    card = json.loads((tmp_path / "broken[off]" / "run.json").read_text())
    (tmp_path / "broken[off]" / "run.json").write_text(json.dumps({**card, "finished": False}))
    (tmp_path / "broken[off]" / "fold-001.npz").unlink()
    run("report", tmp_path)
    left_out = "broken[off]: the run was interrupted, or is still running, after 1 folds"
    printed = capsys.readouterr().out
    assert "Report of 1 runs: " in printed
    assert f"Not finished, and left out: {left_out}\n" in printed
    page = (tmp_path / "report.html").read_text()
    assert f"NOT FINISHED, AND LEFT OUT: <span>{left_out}." in page
    assert "MajorityClassifier" in page
    with pytest.raises(SystemExit, match="after 1 folds; start it again with the same settings"):
        run("report", tmp_path / "broken[off]")


def test_report_says_where_there_is_no_run(run: Callable[..., None], tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="holds no run"):
        run("report", tmp_path)


def test_brackets_and_home_in_names_of_files_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_recording(tmp_path / "s[a]:x:_raw.fif", samples(1)[:8], EEG)
    a_table(file="s[a]:x:_raw.fif", onset=[1.0, 90.0]).to_csv(tmp_path / "trials.csv", index=False)
    steps = ["--eog", "None", "--bad-channels", "None"]
    monkeypatch.setattr("sys.argv", ["eegemo", "prepare", "~/trials.csv", "--cache", "~/prepared", *steps])
    main()
    shown = capsys.readouterr().out
    assert "s[a]:x:_raw.fif: Left out, since they reach beyond the recording: trials 2." in shown
    assert [line for line in shown.splitlines() if "s[a]:x:_raw.fif" in line and "│" in line]
    assert list((tmp_path / "prepared").glob("recordings-*"))
