"""``python -m eegemo live``: a replay is shown and written, and Ctrl-C leaves a whole file."""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import mne
import numpy as np
import pandas as pd
import pytest
import tyro
from numpy.testing import assert_allclose
from rich.console import Console

from eegemo import ConfigError, EEGClassifier, Preprocessing, Trials, fit_causal
from eegemo.__main__ import main
from eegemo._commands.live import Live, StreamSettings
from eegemo.deploy import Chunk, Connected, LiveClassifier, replay
from eegemo.deploy.recordings import settings_of
from eegemo.deploy.session import Event
from eegemo.models.card import ModelCard
from eegemo.preprocessing import read_causal
from live_streams import STEPS, as_raw, streamed
from tiny import tiny, traced


@pytest.fixture(scope="module")
def classifier() -> EEGClassifier:
    samples = 10 * np.random.default_rng(0).standard_normal((8 * 256, 3)).astype(np.float32)
    table = pd.DataFrame({"subject": 1, "trial": range(8), "stimulus": range(8), "start": np.arange(8) * 256})
    table = table.assign(n_times=256, n_baseline=0)
    windows = Trials(samples, table, ("F3", "F4", "O1"), 128.0, dataset="noise", simulated=True).windows(1.0)
    with traced(False), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # in one step it learns nothing
        return tiny("cnn-gru", epochs=1).fit(windows, np.arange(16) % 4)


@pytest.fixture(scope="module")
def model(classifier: EEGClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.keras"
    classifier.save(path)
    return path


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recording") / "live_raw.fif"
    as_raw(streamed(16)).save(path, verbose="error")
    return path


def printed() -> Console:
    return Console(file=io.StringIO(), width=100, markup=False, emoji=False)


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_recording_is_replayed_shown_and_written(
    model: Path, classifier: EEGClassifier, recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, steps = tmp_path / "deep" / "predictions.csv", tmp_path / "steps.json"
    words = f"eegemo live {model} --replay {recording} --speed 1000 --calibration 8 --step 0.5 --out {out}"
    words += f" --save-steps {steps} --types VEOG eog --band 4 45"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", words.split())
        main()
    shown = " ".join(capsys.readouterr().out.split())
    assert "Connected: 9 channels, 256 Hz." in shown
    assert "Calibrated on 8 s." in shown
    assert "15 predictions, 0 windows skipped; 4096 samples, 0 missing" in shown
    written = pd.read_csv(out)
    assert list(written) == ["time", "class", "p_0", "p_1", "p_2", "p_3"]
    fitted = fit_causal(as_raw(streamed(16)[:2048]), STEPS)
    clean = 1e6 * fitted.apply(as_raw(streamed(16))).get_data(picks=["F3", "F4", "O1"])
    windows = np.stack([clean[:, start : start + 128] for start in range(1024, 1921, 64)]).astype(np.float32)
    assert_allclose(written.iloc[:, 2:], classifier.predict_proba(windows), atol=2e-5)
    assert_allclose(written["time"], 9 + np.arange(15) * 0.5 - 1 / 128, atol=1e-4)
    assert_allclose(read_causal(steps).weights, fitted.weights, atol=1e-5)  # FIF has single precision


def test_ctrl_c_ends_it_and_the_file_is_whole(
    model: Path, recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> Iterator[Event]:
        yield Connected((*STREAM, "VEOG"), ("eeg",) * 8 + ("eog",), 256.0)
        yield Chunk(streamed(6))
        raise KeyboardInterrupt

    STREAM = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "O1", "O2")
    monkeypatch.setattr(replay, "replay_events", interrupted)
    fit_causal(as_raw(streamed(8)), STEPS).save(tmp_path / "steps.json")
    console, out = printed(), tmp_path / "predictions.csv"
    command = Live(model, replay=recording, out=out, steps=tmp_path / "steps.json")
    command.run(console)
    assert "Ended by Ctrl-C." in text_of(console)
    lines = out.read_text().splitlines()
    assert len(lines) == 1 + 5
    assert all(line.count(",") == 5 for line in lines)
    with pytest.raises(ConfigError, match="is there already"):
        command.run(printed())


def test_without_a_source_a_recording_is_simulated(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from eegemo._commands import live as command
    from eegemo.deploy import replay as source

    monkeypatch.setattr(command, "_SIMULATED_TRIALS", 1)
    of_the_recording = source.replay_events

    def its_beginning(raw: object, **settings: float) -> Iterator[Event]:
        for number, event in enumerate(of_the_recording(raw, speed=np.inf, chunk=1.0)):
            if number < 25:
                yield event

    monkeypatch.setattr(source, "replay_events", its_beginning)
    console = printed()
    Live(model, calibration=20.0).run(console)
    assert "SIMULATED recording: nobody was recorded" in text_of(console)
    assert "4 predictions" in text_of(console)


def test_settings_that_do_not_go_together_are_refused(model: Path, recording: Path) -> None:
    with pytest.raises(ConfigError, match="--stream and --replay were both given"):
        Live(model, stream="any", replay=recording).run(printed())
    with pytest.raises(ConfigError, match="There is no EOG to remove by"):
        Live(model, replay=recording, settings={"eog": "regression"}).run(printed())


def test_what_the_card_of_a_model_says_is_done_to_the_stream(classifier: EEGClassifier, recording: Path) -> None:
    """The steps of its own recordings; the EOG is left in, and that is said, where the stream has none."""
    prepared = Preprocessing(types=(("VEOG", "eog"),), band=(8.0, 30.0), baseline=3.0)
    card = SimpleNamespace(preprocessing=prepared.as_json, pass_band=[8, 30], leakage={}, classes=("a", "b", "c", "d"))
    model = copy(classifier)
    model.card_ = cast("ModelCard", card)
    command = Live(Path("model.keras"), replay=recording)
    names = ("F3", "F4", "O1", "VEOG")
    steps = command._steps(model, None, Connected(names, ("eeg",) * 4, 256.0))
    assert steps == replace(prepared, baseline=0.0)
    with pytest.warns(UserWarning, match="has no EOG channel"):
        steps = command._steps(model, None, Connected(names[:3], ("eeg",) * 3, 256.0))
    assert steps == replace(prepared, baseline=0.0, eog=None, types=())
    assert LiveClassifier(model, names[:3], 128).classes == ["a", "b", "c", "d"]
    card.leakage = {"fitted_on_test": ["zscore_subjects"]}
    with pytest.raises(ConfigError, match="normalised over a person's recordings"):
        LiveClassifier(model, names[:3], 128)


def settings_on(command_line: str) -> StreamSettings:
    return tyro.cli(Live, args=["model.keras", *command_line.split()]).settings


@pytest.mark.filterwarnings("error")
def test_what_is_given_replaces_the_settings_of_the_card_one_by_one(classifier: EEGClassifier) -> None:
    """What is as by default, too; what a setting says of channels decides over the EOG."""
    prepared = Preprocessing(types=(("VEOG", "eog"),), band=(8.0, 30.0), high_pass=0.5)
    card = SimpleNamespace(preprocessing=prepared.as_json, pass_band=[8, 30], leakage={}, classes=("a", "b", "c", "d"))
    model = copy(classifier)
    model.card_ = cast("ModelCard", card)
    connected = Connected(("F3", "F4", "O1", "up"), ("eeg",) * 4, 256.0)
    for words, changed in (
        ("--eog None", {"eog": None, "types": ()}),
        ("--band 4 45 --types up eog", {"band": (4.0, 45.0), "types": (("up", "eog"),)}),
        ("--eog regression --eog-channels up", {"eog_channels": ("up",), "types": ()}),
        ("--sfreq 64 --types up eog", {"sfreq": 64.0, "types": (("up", "eog"),)}),
    ):
        command = Live(Path("model.keras"), settings=settings_on(words))
        assert command._steps(model, None, connected) == replace(prepared, **changed)


@pytest.mark.filterwarnings("ignore:Channels VEOG are not in the montage")
def test_without_a_card_a_stream_is_prepared_as_predict_prepares_a_recording(classifier: EEGClassifier) -> None:
    connected = Connected(("F3", "F4", "O1", "VEOG"), ("eeg",) * 4, 256.0)
    raw = mne.io.RawArray(np.zeros((4, 512)), mne.create_info(list(connected.ch_names), 256.0, "eeg"), verbose="error")
    with pytest.warns(UserWarning, match="It is not known how the recordings of this model were prepared"):
        expected = settings_of(None, 128.0, raw)
    with pytest.warns(UserWarning, match="It is not known how the recordings of this model were prepared"):
        assert Live(Path("model.keras"))._steps(classifier, None, connected) == expected
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        command = Live(Path("model.keras"), settings=settings_on("--types VEOG eog --band 8 30"))
        steps = command._steps(classifier, None, connected)
    assert steps == replace(expected, types=(("VEOG", "eog"),), band=(8.0, 30.0), eog="regression")


def test_the_steps_are_saved_as_soon_as_they_are_fitted(model: Path, recording: Path, tmp_path: Path) -> None:
    """Though no window is complete when the recording of 16 s ends."""
    console, path = printed(), tmp_path / "new" / "steps.json"
    settings = settings_on("--types VEOG eog --band None")
    Live(model, replay=recording, speed=1000, calibration=15.5, save_steps=path, settings=settings).run(console)
    assert "0 predictions" in text_of(console)
    assert f"Steps: {path}" in text_of(console).replace("\n", "")
    expected = fit_causal(as_raw(streamed(16)[: round(15.5 * 256)]), replace(STEPS, band=None))
    assert_allclose(read_causal(path).weights, expected.weights, atol=1e-5)
    console, path = printed(), tmp_path / "more.json"
    Live(model, replay=recording, speed=1000, calibration=17, save_steps=path, settings=settings).run(console)
    assert "Nothing was fitted, so that" in text_of(console)
    assert not path.exists()


def test_steps_that_cannot_be_written_are_refused_before_the_stream_is_opened(model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"steps.json cannot be written \((File exists|Not a directory)\)"):
        Live(model, stream="none", save_steps=tmp_path / "file" / "steps.json").run(printed())
    with pytest.raises(ConfigError, match="a folder lies where a file is to be written"):
        Live(model, stream="none", save_steps=tmp_path).run(printed())


def test_a_model_of_arrays_does_not_know_its_channels(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    with traced(False), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        fitted = tiny("cnn-gru", epochs=1).fit(rng.standard_normal((8, 2, 64)).astype(np.float32), np.arange(8) % 2)
    fitted.save(tmp_path / "model.keras")
    with pytest.raises(ConfigError, match=r"model.keras was fitted on arrays and does not say its channels"):
        Live(tmp_path / "model.keras").run(printed())
