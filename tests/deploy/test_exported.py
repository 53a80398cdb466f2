"""An exported classifier is read without TensorFlow, says what it is, and is refused where it is not sound."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pytest
from numpy.testing import assert_allclose

import eegemo
from eegemo import ConfigError, DataFormatError, EEGClassifier, Trials, Windows, load_exported
from eegemo.deploy import FORMATS
from eegemo.deploy.exported import ExportedModel

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

_WITHOUT_TENSORFLOW = """
import sys
import numpy as np
import eegemo
model = eegemo.load_exported(sys.argv[1])
np.save(sys.argv[2], model.predict_proba(np.load(sys.argv[3])))
loaded = {"tensorflow", "keras", "torch", "jax"} & set(sys.modules)
assert not loaded, loaded
"""


def test_neither_tensorflow_nor_keras_is_needed(
    exported_onnx: Path, trained: dict[str, EEGClassifier], half_seconds: Windows, tmp_path: Path
) -> None:
    X = half_seconds.to_numpy()[:6]
    np.save(tmp_path / "x.npy", X)
    words = [str(exported_onnx), str(tmp_path / "proba.npy"), str(tmp_path / "x.npy")]
    done = subprocess.run([sys.executable, "-c", _WITHOUT_TENSORFLOW, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert_allclose(np.load(tmp_path / "proba.npy"), trained["cnn-lstm"].predict_proba(X), atol=1e-5)


def test_it_says_what_it_is(exported_onnx: Path) -> None:
    model = load_exported(exported_onnx)
    assert repr(model) == (
        "<ExportedModel | model.onnx: cnn-lstm, 4 classes, windows of 2 channels x 16 samples at 32 Hz>"
    ).replace("cnn-lstm", model.description.model)
    assert model.classes_.tolist() == ["calm", "content", "excited", "sad"]
    assert (model.ch_names_, model.sfreq_, model.n_channels_, model.n_times_) == (("F3", "F4"), 32.0, 2, 16)
    assert model.description.normalization == ("zscore-minmax", "training")
    assert model.description.eegemo == eegemo.__version__
    assert model.card_ is None
    # Whoever has no eegemo finds it in the model's metadata.
    (entry,) = onnx.load(exported_onnx).metadata_props
    assert (entry.key, json.loads(entry.value)["unit"]) == ("eegemo", "µV")


def test_windows_and_arrays_give_the_same(
    exported_onnx: Path, trained: dict[str, EEGClassifier], half_seconds: Windows
) -> None:
    model, few = load_exported(exported_onnx), half_seconds[:5]
    assert (model.predict_proba(few) == model.predict_proba(few.to_numpy())).all()
    assert (model.predict(few) == trained["cnn-lstm"].predict(few)).all()


def test_one_thread_waits_for_the_other(exported_onnx: Path) -> None:
    class OneAtATime:
        """As OpenVINO: the input is put down, and the output fetched later, whosever it is then."""

        def run(self, X: np.ndarray) -> np.ndarray:
            self.held = X
            time.sleep(0.01)
            return self.held[:, 0]

    model = ExportedModel(OneAtATime(), load_exported(exported_onnx).description, "model.onnx")  # type: ignore[arg-type]
    inputs = [np.full((1, 2, 16), value) for value in range(8)]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(model.predict_proba, inputs))
    assert [outputs[0, 0] for outputs in found] == list(range(8))


def test_windows_that_it_was_not_made_for_are_refused(exported_onnx: Path, small_trials: Trials) -> None:
    model = load_exported(exported_onnx)
    with pytest.raises(ValueError, match=r"shape \(1, 2, 17\), but model.onnx takes windows of 2 channels x 16"):
        model.predict_proba(np.zeros((1, 2, 17)))
    with pytest.raises(ValueError, match=r"shape \(1, 1, 16\)"):
        model.predict_proba(np.zeros((1, 16)))
    with pytest.raises(ValueError, match="at least one"):
        model.predict_proba(np.zeros((0, 2, 16)))
    with pytest.raises(ValueError, match="NaN or infinity"):
        model.predict_proba(np.full((1, 2, 16), np.nan))
    with pytest.raises(ValueError, match=r"F4, F3 at 32 Hz, but model\.onnx takes F3, F4"):
        model.predict_proba(small_trials.pick(["F4", "F3"]).windows(duration=0.5))


def test_volts_and_trials_are_refused(exported_onnx: Path, small_trials: Trials) -> None:
    model = load_exported(exported_onnx)
    epochs = mne.EpochsArray(np.zeros((3, 2, 16)), mne.create_info(["F3", "F4"], 32, "eeg"), verbose="error")
    with pytest.raises(TypeError, match=r"X is mne.EpochsArray, which holds volts.*epochs.get_data\(units='uV'\)"):
        model.predict_proba(epochs)
    with pytest.raises(TypeError, match="X is Trials; cut them into windows first"):
        model.predict(small_trials)  # type: ignore[arg-type]


def altered(**entries: Any) -> Callable[[Path], None]:
    """Change entries of the description."""

    def alter(path: Path) -> None:
        model = onnx.load(path)
        content = json.loads(model.metadata_props[0].value) | entries
        onnx.helper.set_model_props(model, {"eegemo": json.dumps(content)})
        onnx.save(model, path)

    return alter


def without_description(path: Path) -> None:
    model = onnx.load(path)
    del model.metadata_props[:]
    onnx.save(model, path)


def without_softmax(path: Path) -> None:
    model = onnx.load(path)
    (last,) = (node for node in model.graph.node if node.op_type == "Softmax")
    last.op_type = "Identity"
    del last.attribute[:]
    onnx.save(model, path)


DAMAGE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "text": (lambda path: path.write_text("not a model"), "not an ONNX model, or damaged"),
    "empty": (lambda path: path.write_bytes(b""), "not an ONNX model, or damaged"),
    "cut short": (lambda path: path.write_bytes(path.read_bytes()[:3000]), "not an ONNX model, or damaged"),
    "somebody else's": (without_description, "does not say what it is"),
    "another version": (altered(version=2), "version 2"),
    "no classes": (altered(classes=None), "description is damaged"),
    "more classes": (altered(classes=list("abcde")), "5 classes, and its network outputs of shape"),
    "other windows": (altered(n_times=17), "cannot run on windows of 2 channels x 17 samples"),
    "windows of nothing": (altered(n_times=0), "windows of 2 channels x 0 samples"),
    "a name too many": (altered(ch_names=["F3", "F4", "Cz"]), "3 names of 2 channels"),
    "classes as pickles": (altered(classes_dtype="|V8"), "classes of type"),
    "no probabilities": (without_softmax, "gives no probabilities for a window of zeros, but"),
    "other weights": (altered(weights=64 * "0"), "weights beside it are not those that it was exported with"),
    "a card that is none": (altered(card={"model": "x"}), "card of its evaluation lacks entries"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_and_foreign_files_end_in_one_error_that_names_them(
    kind: str, exported_onnx: Path, tmp_path: Path
) -> None:
    damage, message = DAMAGE[kind]
    path = tmp_path / "other.onnx"
    path.write_bytes(exported_onnx.read_bytes())
    damage(path)
    with pytest.raises(DataFormatError, match=rf"other.onnx: .*{message}"):
        load_exported(path)


def test_a_file_that_is_not_there_or_of_no_format_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataFormatError, match="There is no exported classifier"):
        load_exported(tmp_path / "nowhere.onnx")
    with pytest.raises(ConfigError, match=r"ends in \.onnx"):
        load_exported(tmp_path / "model.keras")


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "onnx"])
def test_other_formats_are_refused_when_damaged(name: str, tmp_path: Path) -> None:
    form = FORMATS[name]
    for package in form.to_read:
        pytest.importorskip(package)
    path = tmp_path / f"model{form.suffix}"
    for file in form.files(path):
        file.write_text("not a model")
    with pytest.raises(DataFormatError, match=f"model{form.suffix}: not a"):
        load_exported(path)
