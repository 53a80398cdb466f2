"""The HTML page of the preprocessing."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from eegemo import DEAP_PREPROCESSING
from eegemo.datasets.deap_raw import deap_recordings
from eegemo.preprocessing.recording import Recording
from eegemo.reporting.preprocessing_report import write_preprocessing_report


def page_of(sessions: list[Recording], path: Path, *, simulated: bool = True) -> str:
    write_preprocessing_report(sessions, path, simulated=simulated)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(raw_release: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    sessions = [next(deap_recordings(raw_release, subjects=[n])) for n in (1, 24)]
    return page_of(sessions, tmp_path_factory.mktemp("report") / "report.html")


def test_the_page_says_that_nobody_was_recorded(page: str) -> None:
    assert "SIMULATED" in page


def test_every_recording_has_its_figures_and_its_steps(page: str) -> None:
    assert page.count('src="data:image/png;base64') >= 10  # five for each of two recordings
    for title in ("Events found", "Power spectral density", "EOG: weights", "A stretch before", "Amplitudes of"):
        assert len(re.findall(f">[^<]*{title}", page)) >= 2, title
    for step in ("downsample", "high_pass", "interpolate_bad_channels", "remove_eog", "band_pass", "average_reference"):
        assert page.count(f"<b>{step}</b>") == 2, step


def test_the_summary_stands_first(page: str) -> None:
    body = page[page.index("<body") :]
    assert body.index("All recordings") < body.index("What was done")
    assert "4 of 4" in page


def test_the_page_fetches_nothing_from_the_network(page: str) -> None:
    fetched = re.findall(r'<(?:script|img|iframe)[^>]+src="(https?:[^"]+)"', page)
    fetched += re.findall(r'<link[^>]+href="(https?:[^"]+)"', page)
    assert fetched == []


def test_without_eog_removal_no_weights_are_shown(raw_release: Path, tmp_path: Path) -> None:
    steps = replace(DEAP_PREPROCESSING, eog=None)
    session = next(deap_recordings(raw_release, subjects=[1], preprocessing=steps))
    page = page_of([session], tmp_path / "report.html")
    assert "not removed" in page
    assert "EOG: weights" not in page


def test_a_trial_left_out_is_named(raw_release: Path, tmp_path: Path) -> None:
    steps = replace(DEAP_PREPROCESSING, reject=1.0)
    session = next(deap_recordings(raw_release, subjects=[1], preprocessing=steps))
    assert "0 of 4" in page_of([session], tmp_path / "report.html")


def test_a_page_that_fails_leaves_no_file(raw_release: Path, tmp_path: Path) -> None:
    def sessions() -> object:
        yield next(deap_recordings(raw_release, subjects=[1]))
        raise RuntimeError("the second recording came loose")

    with pytest.raises(RuntimeError, match="came loose"):
        write_preprocessing_report(sessions(), tmp_path / "report.html", simulated=True)  # type: ignore[arg-type]
    assert list(tmp_path.glob("*.html")) == []
