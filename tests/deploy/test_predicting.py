"""A trained model on recordings of any make: channels by name, rate and unit, and what is refused."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import StepPatch
from matplotlib.text import Text
from numpy.testing import assert_allclose, assert_array_equal

from eegemo import (
    ConfigError,
    DataFormatError,
    EEGClassifier,
    LiveClassifier,
    ModelCard,
    Preprocessing,
    Trials,
    make_model,
    predict_recording,
    preprocess,
    quadrants,
)
from eegemo.__main__ import main
from eegemo.deploy import read_model
from eegemo.reporting import probabilities_figure
from recording_files import EEG, NAMES, samples, write_recording

STEPS = Preprocessing(sfreq=32.0, band=(4.0, 12.0), eog=None, bad_channels=None)
BANDS = {"theta": (4.0, 8.0), "alpha": (8.0, 12.0)}
CLASSES = ["calm", "content", "excited", "sad"]
CARD = ModelCard(
    model="mine",
    classes=("calm", "sad"),
    labels="by hand",
    dataset="noise",
    simulated=True,
    smoke=False,
    protocol="trial",
    leakage={"trial": 0.0, "fitted_on_test": [], "chosen_by_test": []},
    verdict="No test window shares its trial with training.",
    scores={"macro_f1": {"mean": 0.5, "sd": None}},
    baselines={},
    n_folds=4,
    n_subjects=3,
    n_trials=24,
    n_windows=96,
    notes=(),
    training="fitted on 96 windows of 3 subjects",
    pass_band=[4.0, 12.0],
    preprocessing=None,
    fingerprint="0",
    eegemo="0.1.0",
)


def recording(
    names: Any = NAMES, sfreq: float = 128.0, kinds: Any = (*["eeg"] * 8, "eog"), scale: float = 1.0
) -> mne.io.RawArray:
    """10 s of noise, 20 µV."""
    data = scale * samples(0, len(names), int(sfreq))
    return mne.io.RawArray(data, mne.create_info(list(names), sfreq, kinds), verbose="error")


@pytest.fixture(scope="module")
def model(trained: dict[str, EEGClassifier]) -> EEGClassifier:
    """Takes half a second of F3 and F4 at 32 Hz."""
    return trained["eegnet"]


def with_card(small_trials: Trials, **entries: Any) -> Any:
    """Fit a classical model of two classes on windows of a second, and give it a card."""
    windows = small_trials.windows()
    pipeline = make_model("logistic-regression", features__bands=BANDS).fit(windows, quadrants()(windows) // 2)
    pipeline.card_ = replace(CARD, **entries)
    return pipeline


def test_each_window_is_what_a_recording_cut_by_hand_gives(model: EEGClassifier) -> None:
    raw = recording()
    table = predict_recording(model, raw, STEPS, step=0.25)
    clean = preprocess(raw, STEPS).get_data(picks=["F3", "F4"]) * 1e6
    starts = range(0, 10 * 32 - 16 + 1, 8)
    proba = model.predict_proba(np.stack([clean[:, start : start + 16] for start in starts]).astype(np.float32))
    assert table["time"].tolist() == [start / 32 for start in starts]
    assert_array_equal(table[[f"p_{name}" for name in CLASSES]].to_numpy(), proba)
    assert table["class"].tolist() == [CLASSES[number] for number in proba.argmax(axis=1)]
    assert not table["bad"].any()
    assert raw.info["sfreq"] == 128, "the recording is left as it is"


def test_channels_are_found_by_name_in_any_order_and_dress(model: EEGClassifier) -> None:
    raw = recording()
    dressed = raw.copy().reorder_channels(NAMES[::-1])
    dressed.rename_channels({name: f"EEG {name.upper()}-REF" for name in EEG})
    expected = predict_recording(model, raw, STEPS)
    pd.testing.assert_frame_equal(predict_recording(model, dressed, STEPS), expected)


def test_an_old_name_of_an_electrode_is_the_electrode(small_trials: Trials) -> None:
    temporal = Trials(small_trials.signals, small_trials.table, ("T7", "F4"), 32.0, "noise", True)
    windows = temporal.windows()
    pipeline = make_model("logistic-regression", features__bands=BANDS).fit(windows, quadrants()(windows))
    names = ["T3", *EEG[1:], "VEOG"]
    old = predict_recording(pipeline, recording(names), STEPS)
    pd.testing.assert_frame_equal(old, predict_recording(pipeline, recording(["T7", *names[1:]]), STEPS))


@pytest.mark.parametrize("suffix", [".bdf", ".vhdr"])
def test_files_give_what_the_recording_gives(suffix: str, model: EEGClassifier, tmp_path: Path) -> None:
    path = write_recording(tmp_path / f"a{suffix}", samples(0))
    settings = replace(STEPS, types=(("VEOG", "eog"),))
    from_file = predict_recording(model, path, settings)
    assert_allclose(from_file["p_calm"], predict_recording(model, recording(), STEPS)["p_calm"], atol=1e-3)


def test_what_the_recording_lacks_is_named(model: EEGClassifier) -> None:
    with pytest.raises(DataFormatError, match=r"Channels F4 are missing, which the model needs; the recording has Fp1"):
        predict_recording(model, recording().drop_channels(["F4"]), STEPS)
    with pytest.raises(DataFormatError, match="20 samples a second, and the model was trained at 32 Hz"):
        predict_recording(model, recording(sfreq=20.0), STEPS)
    with pytest.raises(ConfigError, match="the preprocessing leaves 64 Hz; set sfreq=32"):
        predict_recording(model, recording(), replace(STEPS, sfreq=64.0))
    as_it_is = replace(STEPS, high_pass=None, band=None)
    with pytest.raises(DataFormatError, match=r"lasts 0.2\d* s, less than a window of 0.5 s"):
        predict_recording(model, recording().crop(0, 0.25), as_it_is)
    with pytest.raises(ConfigError, match=r"expected as Preprocessing\(...\)"):
        predict_recording(model, recording(), {"sfreq": 32.0})  # type: ignore[arg-type]
    with pytest.raises(DataFormatError, match="There is no recording"):
        predict_recording(model, "nowhere.bdf", STEPS)


def test_a_channel_of_the_model_that_is_no_eeg_is_refused(small_trials: Trials) -> None:
    windows = Trials(small_trials.signals, small_trials.table, ("F3", "X1"), 32.0, "noise", True).windows()
    pipeline = make_model("logistic-regression", features__bands=BANDS).fit(windows, quadrants()(windows))
    raw = recording([*EEG[:7], "X1", "VEOG"])
    with pytest.raises(DataFormatError, match=r"not taken as EEG here: X1 \(of type misc\).*\(montage=None\)"):
        predict_recording(pipeline, raw, STEPS)
    without = replace(STEPS, montage=None)
    assert predict_recording(pipeline, raw, without)["p_1"].std() > 1e-4
    raw.set_channel_types({"X1": "misc"}, on_unit_change="ignore")
    with pytest.raises(DataFormatError, match=r"types=\(\('X1', 'eeg'\),\)"):
        predict_recording(pipeline, raw, without)
    predict_recording(pipeline, raw, replace(without, types=(("X1", "eeg"),)))


@pytest.mark.parametrize(
    ("scale", "message"),
    [(1e6, "microvolts that were taken for volts"), (1e3, "millivolts"), (1e-6, "volts that were taken for microv")],
)
def test_other_units_than_volts_are_refused(scale: float, message: str, model: EEGClassifier) -> None:
    with pytest.raises(DataFormatError, match=message):
        predict_recording(model, recording(scale=scale), STEPS)


def test_a_standardised_recording_is_refused(model: EEGClassifier) -> None:
    unfiltered = replace(STEPS, high_pass=None, band=None, reference=None)
    with pytest.raises(DataFormatError, match="taken for volts"):
        predict_recording(model, recording(scale=1 / 20e-6), unfiltered)


def test_windows_that_annotations_call_bad_are_marked(model: EEGClassifier) -> None:
    raw = recording().set_annotations(mne.Annotations([2.1, 5.0], [0.3, 0.5], ["BAD movement", "a stimulus"]))
    table = predict_recording(model, raw, STEPS)
    assert table["time"][table["bad"]].tolist() == [2.0], "from 2.1 to 2.4 s lies in the window from 2 to 2.5 s"


def paused(seconds: float) -> mne.io.RawArray:
    """5 s and, after a pause that the recording tells of as an EDF+D that was read does, 5 s more."""
    marks = mne.Annotations([5.0], 0.0, "BAD boundary", extras=[{"pause": seconds}]) + mne.Annotations(
        5.0, 0.0, "EDGE boundary"
    )
    return recording().set_annotations(marks)


def test_windows_across_a_pause_are_bad_and_times_are_by_the_clock(model: EEGClassifier) -> None:
    table = predict_recording(model, paused(100.0), STEPS, step=0.25)
    whole = predict_recording(model, paused(0.0), STEPS, step=0.25)
    # Windows of half a second begin at 0, 0.25, ... 4.5, at 4.75, across the pause, and at 5, 5.25, ... 9.5 of samples.
    before, across = np.arange(19) / 4, 4.75
    assert_allclose(table["time"], [*before, across, *(105 + before)])
    assert table["time"][table["bad"]].tolist() == [across] == whole["time"][whole["bad"]].tolist()
    assert_array_equal(table[[f"p_{name}" for name in CLASSES]], whole[[f"p_{name}" for name in CLASSES]])
    (ax,) = probabilities_figure(table).axes
    values, edges, _ = next(patch for patch in ax.patches if isinstance(patch, StepPatch)).get_data()
    # The last window before it, around its middle, 5 s, and the first behind it, around 105.25 s.
    np.testing.assert_allclose(edges[19:22], [4.875, 5.125, 105.125])
    assert np.flatnonzero(np.isnan(values)).tolist() == [20]


def test_windows_across_the_joint_of_two_recordings_are_bad(model: EEGClassifier) -> None:
    parts = [recording(sfreq=sfreq).crop(0, last) for sfreq, last in ((128.0, 4.9), (128.0, 3.0))]
    table = predict_recording(model, mne.concatenate_raws(parts, verbose="error"), STEPS)
    assert table["time"][table["bad"]].tolist() == [4.5], "they are joined at 4.91 s"


def test_without_settings_it_is_prepared_as_its_card_says(small_trials: Trials) -> None:
    raw = recording()
    # Of the recordings themselves only the pass band is known; there is EOG, which is removed.
    of_band = predict_recording(with_card(small_trials), raw)
    as_known = Preprocessing(sfreq=32.0, band=(4.0, 12.0))
    pd.testing.assert_frame_equal(of_band, predict_recording(with_card(small_trials), raw, as_known))
    assert set(of_band) == {"time", "class", "p_calm", "p_sad", "bad"}
    assert "Measured under trial on 4 folds" in of_band.attrs["model"]
    # All of the steps are known.
    steps = Preprocessing(sfreq=32.0, band=(4.0, 13.0), reference=None, types=(("Status", "stim"),), reject=100.0)
    known = with_card(small_trials, preprocessing=json.loads(json.dumps(steps.as_json)))
    pd.testing.assert_frame_equal(
        predict_recording(known, raw), predict_recording(known, raw, replace(steps, types=(), reject=None))
    )
    with pytest.warns(UserWarning, match="this one has no EOG channel, so they stay"):
        predict_recording(known, raw.copy().drop_channels(["VEOG"]))
    with pytest.raises(ConfigError, match=r"steps that are not known here \(novelty\)"):
        predict_recording(with_card(small_trials, preprocessing={"novelty": 1}), raw)


OF_CARD = Preprocessing(sfreq=32.0, band=(4.0, 12.0), bad_channels=None, eog_h_freq=None)


def blinking() -> mne.io.RawArray:
    """Eight channels that see what is between EXG1 and EXG2, which are of type EEG as in a BioSemi file."""
    raw = recording([*EEG, "EXG1", "EXG2"], kinds="eeg")
    raw.apply_function(lambda data: data + 3 * (raw.get_data(["EXG1"])[0] - raw.get_data(["EXG2"])[0]), picks=EEG)
    return raw


@pytest.mark.parametrize(
    "of_channels",
    [
        {"rename": (("EXG1", "VEOG"),), "types": (("VEOG", "eog"), ("EXG2", "misc"))},
        {"rename": (("EXG1", "up"), ("EXG2", "down")), "bipolar": (("vEOG", "eog", "up", "down"),)},
    ],
)
def test_settings_of_channels_are_found_by_the_names_that_they_get(
    of_channels: dict[str, Any], small_trials: Trials, recwarn: pytest.WarningsRecorder
) -> None:
    steps = replace(OF_CARD, **of_channels)
    known = with_card(small_trials, preprocessing=json.loads(json.dumps(steps.as_json)))
    pd.testing.assert_frame_equal(predict_recording(known, blinking()), predict_recording(known, blinking(), steps))
    assert not [warning for warning in recwarn if "ocular" in str(warning.message)]


def test_without_an_electrode_of_a_bipolar_pair_the_eog_is_left_in(small_trials: Trials) -> None:
    steps = replace(
        OF_CARD, bipolar=(("vEOG", "eog", "EXG1", "EXG2"),), rename=(("EXG3", "LM"),), types=(("EXG1", "misc"),)
    )
    known = with_card(small_trials, preprocessing=json.loads(json.dumps(steps.as_json)))
    raw = blinking().drop_channels(["EXG2"])
    with pytest.warns(UserWarning, match="this one has no EOG channel vEOG, so they stay in it"):
        table = predict_recording(known, raw)
    as_left = replace(OF_CARD, eog=None, types=(("EXG1", "misc"),))
    pd.testing.assert_frame_equal(table, predict_recording(known, raw, as_left))


def test_what_is_not_known_of_its_preparation_is_said(model: EEGClassifier) -> None:
    with pytest.warns(UserWarning, match="not known how the recordings of this model were prepared"):
        table = predict_recording(model, recording().drop_channels(["VEOG"]))
    assert table.attrs["model"] == "not evaluated"


def test_models_that_fit_no_recording_are_refused(small_trials: Trials, tmp_path: Path) -> None:
    X, y = small_trials.windows().to_numpy(), quadrants()(small_trials.windows())
    on_arrays = make_model("logistic-regression", features__bands=BANDS, features__sfreq=32.0)
    with pytest.raises(ConfigError, match="A fitted classifier of windows was expected, got Pipeline"):
        predict_recording(on_arrays, recording())
    leakage = {"trial": 0.0, "fitted_on_test": ["z-score of each subject"], "chosen_by_test": []}
    with pytest.raises(ConfigError, match=r"normalised over a person's recordings \(z-score of each subject\)"):
        predict_recording(with_card(small_trials, leakage=leakage), recording())
    riemann = make_model("riemann").fit(X, y)
    with pytest.raises(ConfigError, match="A fitted classifier of windows was expected"):
        predict_recording(riemann, recording())
    with pytest.raises(DataFormatError, match="There is no model"):
        predict_recording(tmp_path / "nowhere.keras", recording())
    nameless = with_card(small_trials)
    nameless[0].ch_names_ = None
    with pytest.raises(ConfigError, match="Pipeline does not say on which channels"):
        predict_recording(nameless, recording())
    of_numbers = on_arrays.fit(X, y)
    for apply in (predict_recording, lambda model, raw: LiveClassifier(model, raw.ch_names, raw.info["sfreq"])):
        with pytest.raises(ConfigError, match=r"Pipeline does not say on which channels .* fit it on Windows"):
            apply(of_numbers, recording())


def test_the_figure_stacks_the_probabilities_and_says_what_the_model_is(small_trials: Trials) -> None:
    table = predict_recording(with_card(small_trials), recording(), step=0.5)
    figure = probabilities_figure(table)
    (ax,) = figure.axes
    bottom, top = (patch.get_data() for patch in ax.patches if isinstance(patch, StepPatch))
    assert_allclose(top[0], 1, atol=1e-6)
    assert_allclose(bottom[0], table["p_calm"])
    # Windows of a second every half: each is drawn around its middle.
    assert_allclose(top[1][:3], [0.25, 0.75, 1.25])
    texts = [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]
    assert any("SIMULATED" in text and "Measured under trial" in text for text in texts)
    with pytest.raises(ConfigError, match=r"The table of predict_recording\(...\) was expected"):
        probabilities_figure(table.drop(columns="bad"))


def command(monkeypatch: pytest.MonkeyPatch, *words: object) -> None:
    monkeypatch.setattr(sys, "argv", ["eegemo", *map(str, words)])
    main()


def test_a_model_is_exported_and_predicts_from_the_command_line(
    model: EEGClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    saved, exported, file = tmp_path / "model.keras", tmp_path / "model.onnx", tmp_path / "a_raw.fif"
    model.save(saved)
    recording().save(file, verbose="error")
    command(monkeypatch, "export", saved, exported)
    assert "model.onnx (onnx" in capsys.readouterr().out
    tables = []
    for path in (saved, exported):
        out, figure = tmp_path / f"{path.suffix[1:]}.csv", tmp_path / f"{path.suffix[1:]}.png"
        command(monkeypatch, "predict", path, file, "--out", out, "--figure", figure, "--step", "0.25")
        assert figure.read_bytes().startswith(b"\x89PNG")
        tables.append(pd.read_csv(out))
    shown = capsys.readouterr().out
    assert "39 windows of a_raw.fif" in " ".join(shown.split())
    assert "not known how the recordings of this model were prepared" in shown
    assert_allclose(tables[0][f"p_{CLASSES[0]}"], tables[1][f"p_{CLASSES[0]}"], atol=1e-5)
    assert list(tables[0]) == ["time", "class", *(f"p_{name}" for name in CLASSES), "bad"]
    with pytest.raises(SystemExit, match=r"error: A \.keras file is exported"):
        command(monkeypatch, "export", exported, tmp_path / "again.onnx")


def test_the_ending_of_a_figure_is_checked_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit, match=r"must end in \.png, \.svg, \.pdf, got 'f\.foo'"):
        command(monkeypatch, "predict", tmp_path / "no.keras", tmp_path / "no.edf", "--figure", tmp_path / "f.foo")


def test_a_file_of_a_regressor_is_no_model_here(tmp_path: Path) -> None:
    from eegemo import EEGRegressor
    from tiny import traced

    with traced(False):
        EEGRegressor("eegnet", epochs=1).fit(np.eye(16)[:, None].astype(np.float32), np.arange(16.0)).save(
            tmp_path / "r.keras"
        )
    with pytest.raises(DataFormatError, match=r"r\.keras: holds a EEGRegressor"):
        read_model(tmp_path / "r.keras")
