"""Classical pipelines as ONNX: differential entropy and every classifier of the registry, or a refusal by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import FeatureUnion, make_pipeline

from eegemo import (
    RMS,
    ConfigError,
    DifferentialEntropy,
    LiveClassifier,
    Windows,
    export,
    load_exported,
    make_model,
    quadrants,
)
from eegemo.models import CLASSICAL

pytest.importorskip("skl2onnx")
pytest.importorskip("onnxruntime")

BANDS = {"theta": (4.0, 8.0), "alpha": (8.0, 12.0)}
#: Each window filtered by itself: what is exported sees no trials.
ALONE: dict[str, Any] = {"features__bands": BANDS, "features__filter_over": "window"}
#: Few trees, so that they are written soon.
SMALL = {"random-forest": {"classifier__n_estimators": 5}, "extra-trees": {"classifier__n_estimators": 5}}


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("name", [name for name in CLASSICAL if name != "riemann"])
def test_onnx_runtime_gives_what_scikit_learn_gives(
    name: str, n_classes: int, half_seconds: Windows, tmp_path: Path
) -> None:
    few = half_seconds[::4]
    y = quadrants()(few) % n_classes
    pipeline = make_model(name, random_state=0, **ALONE, **SMALL.get(name, {})).fit(few, y)
    written = export(pipeline, tmp_path / "model.onnx", windows=half_seconds)
    assert written.difference <= 1e-5
    assert written.n_windows == 21 + len(half_seconds)
    loaded, X = load_exported(written.path), half_seconds.to_numpy()
    assert_allclose(loaded.predict_proba(X), pipeline.predict_proba(X), atol=1e-5)
    assert_allclose(loaded.predict_proba(half_seconds), pipeline.predict_proba(half_seconds), atol=1e-5)
    assert (loaded.predict(X) == pipeline.predict(X)).all()
    assert (loaded.ch_names_, loaded.sfreq_, loaded.n_times_) == (("F3", "F4"), 32.0, 16)


def test_a_pipeline_of_one_s_own_fitted_on_arrays(half_seconds: Windows, tmp_path: Path) -> None:
    X, y = half_seconds.to_numpy(), quadrants()(half_seconds)
    pipeline = make_pipeline(DifferentialEntropy(bands=BANDS, sfreq=32.0), LinearDiscriminantAnalysis()).fit(X, y)
    loaded = load_exported(export(pipeline, tmp_path / "model.onnx").path)
    assert_allclose(loaded.predict_proba(X[:3]), pipeline.predict_proba(X[:3]), atol=1e-5)
    assert (loaded.ch_names_, loaded.sfreq_) == (None, 32.0)
    assert loaded.description.model == "DifferentialEntropy, LinearDiscriminantAnalysis"


def test_what_cannot_be_written_is_refused_by_name(half_seconds: Windows, tmp_path: Path) -> None:
    X, y = half_seconds, quadrants()(half_seconds)
    riemann = make_model("riemann", random_state=0).fit(X, y)
    with pytest.raises(ConfigError, match="Covariances, TangentSpace, StandardScaler cannot be written"):
        export(riemann, tmp_path / "model.onnx")
    with pytest.raises(ConfigError, match="A pipeline of RMS cannot be written"):
        export(make_pipeline(RMS(), LinearDiscriminantAnalysis()).fit(X, y), tmp_path / "model.onnx")
    logistic = make_model("logistic-regression", **ALONE).fit(X, y)
    with pytest.raises(ConfigError, match=r"exported to .onnx alone, got 'model.tflite'"):
        export(logistic, tmp_path / "model.tflite")
    assert not list(tmp_path.iterdir())


def test_features_of_trials_that_were_filtered_whole_are_refused(half_seconds: Windows, tmp_path: Path) -> None:
    y = quadrants()(half_seconds)
    pipeline = make_model("logistic-regression", features__bands=BANDS).fit(half_seconds, y)
    message = r"given windows without their trials, .*with DifferentialEntropy\(filter_over='window'\)"
    with pytest.raises(ConfigError, match=f"An exported pipeline is {message}"):
        export(pipeline, tmp_path / "model.onnx")
    with pytest.raises(ConfigError, match=f"A live model is {message}"):
        LiveClassifier(pipeline, ["F3", "F4"], 32.0)
    search = GridSearchCV(make_pipeline(FeatureUnion([("entropy", pipeline[0])]), GaussianNB()), {}, cv=2)
    with pytest.raises(ConfigError, match=f"A live model is {message}"):
        LiveClassifier(search.fit(half_seconds, y), ["F3", "F4"], 32.0, model_ch_names=["F3", "F4"], model_sfreq=32.0)
    vote = VotingClassifier([("only", pipeline)], voting="soft").fit(half_seconds, y)
    with pytest.raises(ConfigError, match=f"A live model is {message}"):
        LiveClassifier(vote, ["F3", "F4"], 32.0, model_ch_names=["F3", "F4"], model_sfreq=32.0)
    # The same settings on arrays, which have no trials, and window by window: one pipeline.
    on_arrays = make_model("logistic-regression", features__bands=BANDS, features__sfreq=32.0)
    on_arrays.fit(half_seconds.to_numpy(), y)
    window_wise = make_model("logistic-regression", **ALONE).fit(half_seconds, y)
    live = LiveClassifier(window_wise, ["F3", "F4"], 32.0)
    (one,) = live.push(half_seconds.to_numpy()[0].T)
    loaded = load_exported(export(on_arrays, tmp_path / "model.onnx").path)
    for found in (one.probabilities, loaded.predict_proba(half_seconds[:1].to_numpy())[0]):
        assert_allclose(found, window_wise.predict_proba(half_seconds[:1])[0], atol=1e-5)


def test_a_flat_window_has_the_entropy_of_the_smallest_variance(half_seconds: Windows, tmp_path: Path) -> None:
    y = quadrants()(half_seconds)
    pipeline = make_model("logistic-regression", **ALONE).fit(half_seconds, y)
    loaded = load_exported(export(pipeline, tmp_path / "model.onnx").path)
    flat = np.full((1, 2, 16), 50.0)
    assert_allclose(loaded.predict_proba(flat), pipeline.predict_proba(flat), atol=1e-5)
