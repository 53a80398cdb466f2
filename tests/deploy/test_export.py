"""Exported networks compute what the classifier computes, or are not kept."""

from __future__ import annotations

import importlib.util
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

from eegemo import ConfigError, DataFormatError, EEGClassifier, EEGRegressor, Trials, Windows, export, load_exported
from eegemo.deploy import FORMATS
from eegemo.deploy.formats import require
from eegemo.deploy.parity import largest_difference, windows_to_compare
from eegemo.networks import NETWORKS

every_format = pytest.mark.parametrize("name", FORMATS)


def needs(name: str) -> Any:
    """Return a format, or skip where what it needs is not installed."""
    form = FORMATS[name]
    for package in {*form.to_write, *form.to_read}:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    return form


pytestmark = pytest.mark.filterwarnings("ignore:.*has collapsed")


@pytest.mark.parametrize("network", NETWORKS)
def test_onnx_runtime_gives_what_keras_gives(
    network: str, trained: dict[str, EEGClassifier], half_seconds: Windows, tmp_path: Path
) -> None:
    needs("onnx")
    import onnxruntime

    written = export(trained[network], tmp_path / "model.onnx", windows=half_seconds[:5])
    assert written.files == (tmp_path / "model.onnx",)
    assert written.n_windows == 21 + 5
    assert written.difference <= 1e-5
    # A second way: the runtime and the network themselves, without any of our code between.
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    batch = half_seconds.gather(np.arange(9))
    (outputs,) = session.run(None, {session.get_inputs()[0].name: batch})
    expected = keras.ops.convert_to_numpy(trained[network].model_(batch))
    assert_allclose(outputs, expected, atol=1e-5)
    assert np.ptp(outputs, axis=0).max() > 0.1, "the probabilities must depend on the windows to mean anything here"


@pytest.mark.parametrize("network", ["cnn-gru", "tcn", "eegnet"])
@pytest.mark.parametrize("name", [name for name in FORMATS if name != "onnx"])
def test_other_runtimes_give_the_same(
    name: str, network: str, trained: dict[str, EEGClassifier], half_seconds: Windows, tmp_path: Path
) -> None:
    form = needs(name)
    path = tmp_path / f"model{form.suffix}"
    if (name, network) == ("ncnn", "eegnet"):  # in so short a window both its poolings are alike
        with pytest.raises(ConfigError, match=r"ncnn cannot hold this network \(not a network of ncnn, or damaged\)"):
            export(trained[network], path)
        assert not list(tmp_path.iterdir())
        return
    written = export(trained[network], path)
    assert written.path == path
    assert sorted(tmp_path.iterdir()) == sorted(written.files)
    loaded = load_exported(path)
    assert_allclose(loaded.predict_proba(half_seconds), trained[network].predict_proba(half_seconds), atol=1e-5)
    assert loaded.classes_.tolist() == ["calm", "content", "excited", "sad"]


def test_no_two_formats_share_a_file(tmp_path: Path) -> None:
    files = [file for form in FORMATS.values() for file in form.files(tmp_path / f"model{form.suffix}")]
    assert len(files) == len(set(files))


def test_every_format_lies_beside_the_others_and_knows_its_weights(
    trained: dict[str, EEGClassifier], half_seconds: Windows, tmp_path: Path
) -> None:
    forms = [needs(name) for name in ("openvino", "ncnn")]
    paths = [export(trained["cnn-gru"], tmp_path / f"model{form.suffix}").path for form in forms]
    expected = trained["cnn-gru"].predict_proba(half_seconds)
    for path in paths:
        assert_allclose(load_exported(path).predict_proba(half_seconds), expected, atol=1e-5)
    for form, path in zip(forms, paths, strict=True):
        weights = bytearray(form.weights_of(path).read_bytes())
        weights[-2] ^= 1  # as those of the same network after another training
        form.weights_of(path).write_bytes(weights)
        with pytest.raises(DataFormatError, match="weights beside it are not those that it was exported with"):
            load_exported(path)


def test_a_function_s_network_is_exported_too(tmp_path: Path) -> None:
    needs("onnx")
    from tiny import traced
    from toy_windows import own, toy

    X, y = toy(30, 0)
    with traced(False):
        classifier = EEGClassifier(own, epochs=1, normalize_over="window", random_state=0).fit(X, y)
    export(classifier, tmp_path / "model.onnx")
    assert_allclose(load_exported(tmp_path / "model.onnx").predict_proba(X), classifier.predict_proba(X), atol=1e-5)


@every_format
def test_threads_that_share_a_model_get_their_own_answers(
    name: str, trained: dict[str, EEGClassifier], half_seconds: Windows, tmp_path: Path
) -> None:
    form = needs(name)
    model = load_exported(export(trained["cnn-gru"], tmp_path / f"model{form.suffix}").path)
    X = half_seconds[:8].to_numpy()
    sizes = [1, 2, 1, 3, 1, 2] * 20
    expected = {size: model.predict_proba(X[:size] * size) for size in sizes}
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda size: model.predict_proba(X[:size] * size), sizes))
    for size, proba in zip(sizes, found, strict=True):
        assert_allclose(proba, expected[size], atol=1e-6)


def test_what_computes_something_else_is_not_kept(
    trained: dict[str, EEGClassifier], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("onnx")
    from eegemo.deploy import onnx

    path, write = tmp_path / "model.onnx", onnx.write_network

    def write_altered(model: Any, path: Path) -> None:
        weights = model.get_weights()
        model.set_weights([*weights[:-1], weights[-1] + [0, 0, 0, 0.01]])
        try:
            write(model, path)
        finally:
            model.set_weights(weights)

    path.write_bytes(b"what was there before")
    monkeypatch.setattr(onnx, "write_network", write_altered)
    with pytest.raises(ConfigError, match=r"model.onnx was not kept: .* differ from the classifier's by up to 0.00\d+"):
        export(trained["eegnet"], path)
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]
    assert path.read_bytes() == b"what was there before"


def test_what_the_exporter_cannot_write_is_said_in_its_words(
    trained: dict[str, EEGClassifier], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("onnx")
    from eegemo.deploy import onnx

    def fail(*_: Any) -> None:
        raise NotImplementedError("no operation FFT")

    monkeypatch.setattr(onnx, "write_network", fail)
    with pytest.raises(ConfigError, match=r"onnx cannot hold this network \(NotImplementedError: no operation FFT\)"):
        export(trained["eegnet"], tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


@every_format
def test_a_package_that_is_missing_is_named_with_its_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    form = FORMATS[name]
    monkeypatch.setattr(importlib.util, "find_spec", lambda package: None if package == form.to_write[0] else object())
    with pytest.raises(ConfigError, match=rf'needs {form.to_write[0]}: pip install "eegemo\[{name}\]"'):
        require(form.to_write, form.extra, f"Exporting to {name}")


def test_names_of_files_and_formats_are_checked(trained: dict[str, EEGClassifier], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ends in .onnx \(onnx\), .tflite \(litert\), .xml \(openvino\), .param"):
        export(trained["eegnet"], tmp_path / "model.h5")
    with pytest.raises(ConfigError, match=r"files of onnx end in \.onnx"):
        export(trained["eegnet"], tmp_path / "model.tflite", format="onnx")
    with pytest.raises(ConfigError, match=r"Unknown format 'onx'\. Did you mean 'onnx'"):
        export(trained["eegnet"], tmp_path / "model.onnx", format="onx")


def test_windows_to_compare_on_that_the_classifier_does_not_take_are_refused_in_its_words(
    trained: dict[str, EEGClassifier], small_trials: Trials, tmp_path: Path
) -> None:
    needs("onnx")
    X = small_trials.windows(duration=0.5)[:3].to_numpy()
    with pytest.raises(ValueError, match="2 channels x 7 samples, but EEGClassifier was fitted on 2 x 16"):
        export(trained["eegnet"], tmp_path / "model.onnx", windows=X[:, :, :7])
    with pytest.raises(ValueError, match="X has 16 features, but EEGClassifier is expecting 2"):
        export(trained["eegnet"], tmp_path / "model.onnx", windows=X[:, 0])
    with pytest.raises(ValueError, match="X has channels F4, F3 at 32 Hz, but EEGClassifier was fitted on F3, F4"):
        export(trained["eegnet"], tmp_path / "model.onnx", windows=small_trials.pick(["F4", "F3"]).windows(0.5))
    with pytest.raises(TypeError, match="X is Trials; cut them"):
        export(trained["eegnet"], tmp_path / "model.onnx", windows=small_trials)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


@every_format
def test_suffixes_may_be_in_capitals(name: str, trained: dict[str, EEGClassifier], tmp_path: Path) -> None:
    form = needs(name)
    written = export(trained["cnn-gru"], tmp_path / f"Model{form.suffix.upper()}")
    assert written.path.name == f"Model{form.suffix.upper()}"
    assert sorted(tmp_path.iterdir()) == sorted(written.files)
    assert load_exported(written.path).n_times_ == 16


def test_a_regressor_is_refused_by_name(tmp_path: Path) -> None:
    from tiny import traced

    with traced(False):
        regressor = EEGRegressor("eegnet", epochs=1).fit(np.eye(16)[:, None].astype(np.float32), np.arange(16.0))
    with pytest.raises(ConfigError, match="got EEGRegressor"):
        export(regressor, tmp_path / "model.onnx")


def test_windows_to_compare_hold_what_no_eeg_does() -> None:
    X = windows_to_compare(3, 64)
    assert X.shape == (21, 3, 64)
    assert np.isfinite(X).all()
    assert (X[14] == 0).all(), "flat"
    assert np.abs(X[16]).max() < 1e-3, "volts"
    assert np.abs(X).max() > 1e5, "far beyond any amplifier"
    like_eeg = np.abs(np.fft.rfft(X[7:14])).mean(axis=(0, 1))
    assert like_eeg[1:4].mean() > 2 * like_eeg[-8:].mean(), "power falls with frequency"


def test_the_largest_difference_is_that_of_the_worst_batch() -> None:
    X = np.arange(10.0).reshape(10, 1, 1)

    def sums(batch: np.ndarray) -> np.ndarray:
        return batch.sum(axis=2)

    assert largest_difference(sums(X), X, sums) == 0
    assert largest_difference(sums(X), X, lambda batch: sums(batch) + 0.25 * (batch[:, :, 0] == 9)) == 0.25
    assert largest_difference(sums(X), X, lambda batch: sums(batch) + 0.5 * (len(batch) == 2)) == 0.5
    assert largest_difference(sums(X), X, lambda batch: sums(batch) * np.nan) == np.inf
    assert largest_difference(sums(X), X, lambda batch: sums(batch)[:1]) == np.inf


def test_the_description_of_litert_lies_beside_it(trained: dict[str, EEGClassifier], tmp_path: Path) -> None:
    needs("litert")
    written = export(trained["eegnet"], tmp_path / "model.tflite")
    assert [file.name for file in written.files] == ["model.tflite", "model.tflite.json"]
    content = json.loads((tmp_path / "model.tflite.json").read_text(encoding="utf-8"))
    assert content["ch_names"] == ["F3", "F4"]
    assert written.n_bytes == sum(file.stat().st_size for file in tmp_path.iterdir())
