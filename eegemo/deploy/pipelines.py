"""Classical pipelines as ONNX: differential entropy as matrix products, and the rest by skl2onnx.

A filter that runs over a window of a fixed length, forwards and backwards, is a matrix; so is taking the mean off. What
is left of differential entropy is a sum of squares and a logarithm.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC

from eegemo.deploy.filtered_trials import refuse_filtered_trials
from eegemo.errors import ConfigError
from eegemo.features.bands import SMALLEST_VARIANCE, DifferentialEntropy, band_pass, bands_or_default
from eegemo.models.classical import SoftmaxDecision

_FEATURES, _PROBABILITIES = "differential_entropy", "class_probabilities"
_OPSET = {"": 18, "ai.onnx.ml": 3}  # Max and ReduceSumSquare as they are used here
_WITHOUT_ZIPMAP = (LinearSVC,)  # which have no such option


def check_pipeline(pipeline: Pipeline) -> None:
    """Refuse a pipeline whose features are not known as operations of ONNX, or not those of single windows, by name.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted.

    Raises
    ------
    ConfigError
        If it begins with anything but :class:`eegemo.DifferentialEntropy`, or with one that filters trials.
    """
    if not isinstance(pipeline[0], DifferentialEntropy):
        front = ", ".join(type(step).__name__ for step in pipeline[:-1]) or type(pipeline[0]).__name__
        raise ConfigError(
            f"A pipeline of {front} cannot be written as operations of ONNX; one that begins with DifferentialEntropy "
            "can, and so can every EEGClassifier."
        )
    refuse_filtered_trials(pipeline, "An exported pipeline")


def write_pipeline(pipeline: Pipeline, path: Path) -> None:
    """Write a fitted pipeline, with a free number of windows, in double precision as scikit-learn computes.

    Parameters
    ----------
    pipeline : Pipeline
        :class:`eegemo.DifferentialEntropy`, then whatever skl2onnx knows.
    path : Path
        The file.

    Raises
    ------
    ConfigError
        If skl2onnx does not know a step.
    """
    import onnx

    rest = _convert_rest(pipeline)
    front = _entropy_graph(pipeline[0], rest)
    whole = onnx.compose.merge_models(front, rest, io_map=[(_FEATURES, rest.graph.input[0].name)])
    onnx.checker.check_model(whole)
    onnx.save(whole, path)


def _entropy_graph(features: DifferentialEntropy, rest: Any) -> Any:
    """Build the features of windows (n, n_times, n_channels) as ONNX, of the same versions as the rest."""
    from onnx import TensorProto, helper, numpy_helper

    matrices = _band_matrices(features)
    constants = {
        "matrices": matrices.transpose(2, 0, 1).reshape(features.n_times_, -1),  # all bands in one product
        "split": np.array([0, 0, len(matrices), features.n_times_]),
        "last": np.array([3]),
        "least": np.array(SMALLEST_VARIANCE),
        "factor": np.array(2 * math.pi * math.e),
        "half": np.array(0.5),
        "row": np.array([0, -1]),
    }
    nodes = [
        helper.make_node("Transpose", ["microvolts"], ["channels_first"], perm=[0, 2, 1]),
        helper.make_node("Cast", ["channels_first"], ["x"], to=TensorProto.DOUBLE),
        helper.make_node("MatMul", ["x", "matrices"], ["passed"]),
        helper.make_node("Reshape", ["passed", "split"], ["bands"]),
        helper.make_node("ReduceSumSquare", ["bands", "last"], ["variance"], keepdims=0),
        helper.make_node("Max", ["variance", "least"], ["positive"]),
        helper.make_node("Mul", ["positive", "factor"], ["scaled"]),
        helper.make_node("Log", ["scaled"], ["logarithm"]),
        helper.make_node("Mul", ["logarithm", "half"], ["entropy"]),
        helper.make_node("Reshape", ["entropy", "row"], [_FEATURES]),
    ]
    n_features = features.n_channels_ * len(matrices)
    graph = helper.make_graph(
        nodes,
        "differential_entropy",
        [
            helper.make_tensor_value_info(
                "microvolts", TensorProto.FLOAT, [None, features.n_times_, features.n_channels_]
            )
        ],
        [helper.make_tensor_value_info(_FEATURES, TensorProto.DOUBLE, [None, n_features])],
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=rest.opset_import, ir_version=rest.ir_version)


def _band_matrices(features: DifferentialEntropy) -> np.ndarray:
    """Return for each band what turns a window into samples whose squares sum to the band's variance.

    Returns
    -------
    matrices : array, shape (n_bands, n_times, n_times)
    """
    n_times = features.n_times_
    units = np.eye(n_times)
    passed = [
        band_pass(units, float(features.sfreq_ or 1), band, features.order).T
        for band in bands_or_default(features.bands).values()
    ]
    centered = [matrix - matrix.mean(axis=0) for matrix in passed]
    return np.stack(centered) / math.sqrt(n_times)


def _convert_rest(pipeline: Pipeline) -> Any:
    """Convert everything behind the features; its only output are the probabilities."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import DoubleTensorType
    from skl2onnx.helpers.onnx_helper import select_model_inputs_outputs

    steps = pipeline.steps[1:]
    classifier = steps[-1][1]
    inner = classifier.estimator_ if isinstance(classifier, SoftmaxDecision) else classifier
    rest = Pipeline([*steps[:-1], (steps[-1][0], inner)])
    n_features = pipeline[0]._n_features()
    options = {} if isinstance(inner, _WITHOUT_ZIPMAP) else {"zipmap": False}
    if inner is not classifier:
        options["raw_scores"] = True
    inputs = [(f"{_FEATURES}_in", DoubleTensorType([None, n_features]))]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # skl2onnx asks for attributes that go
            model = to_onnx(rest, initial_types=inputs, options={id(inner): options}, target_opset=_OPSET)
    except Exception as error:  # of its many kinds
        names = ", ".join(type(step).__name__ for _, step in steps)
        raise ConfigError(f"skl2onnx cannot write {names} ({type(error).__name__}: {str(error)[:200]}).") from error
    model = select_model_inputs_outputs(model, outputs=[model.graph.output[-1].name])
    _finish(model, len(classifier.classes_), decisions=inner is not classifier)
    return model


def _finish(model: Any, n_classes: int, *, decisions: bool) -> None:
    """Give single precision out; of decisions the probabilities of :class:`SoftmaxDecision`."""
    from onnx import TensorProto, helper, numpy_helper

    last, graph = model.graph.output[0].name, model.graph
    if decisions and n_classes == 2:  # skl2onnx gives -d and d, and the logistic function of d is wanted
        graph.initializer.append(numpy_helper.from_array(np.array(0.5), "half_decision"))
        graph.node.append(helper.make_node("Mul", [last, "half_decision"], ["one_decision"]))
        last = "one_decision"
    if decisions:
        graph.node.append(helper.make_node("Softmax", [last], ["softmax_decision"], axis=1))
        last = "softmax_decision"
    graph.node.append(helper.make_node("Cast", [last], [_PROBABILITIES], to=TensorProto.FLOAT))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(_PROBABILITIES, TensorProto.FLOAT, [None, n_classes]))
