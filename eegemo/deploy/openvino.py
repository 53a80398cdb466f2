"""OpenVINO: converted from ONNX, as .xml and .bin; the description lies in the model's own run-time info."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eegemo.errors import DataFormatError

if TYPE_CHECKING:
    import keras

_KEY = "eegemo"


def write_network(model: keras.Model, path: Path) -> None:
    """Write a network.

    Parameters
    ----------
    model : keras.Model
        It goes by way of ONNX, its recurrent layers unrolled: OpenVINO refuses their loops, and from TensorFlow itself
        recurrent layers do not get through at all.
    path : Path
        The file that ends in ``.xml``.
    """
    import openvino

    from eegemo.deploy import onnx
    from eegemo.deploy.unrolling import unrolled

    middle = path.with_suffix(".onnx")
    onnx.write_network(unrolled(model), middle)
    openvino.save_model(openvino.convert_model(middle), path, compress_to_fp16=False)
    middle.unlink()


def write_description(path: Path, text: str) -> None:
    """Put a description into the model's run-time info.

    Parameters
    ----------
    path : Path
        The file.
    text : str
        JSON.
    """
    import openvino

    model = openvino.Core().read_model(path.read_bytes(), path.with_suffix(".bin").read_bytes())
    model.set_rt_info(text, _KEY)
    openvino.save_model(model, path, compress_to_fp16=False)


class Session:
    """A model in OpenVINO's runtime, on one thread and in full precision.

    Parameters
    ----------
    path : Path
        The file that ends in ``.xml``.

    Raises
    ------
    DataFormatError
        If it, or the ``.bin`` beside it, cannot be read.
    """

    def __init__(self, path: Path) -> None:
        import openvino

        weights = path.with_suffix(".bin")
        if not weights.is_file():
            raise DataFormatError(f"its weights, {weights.name}, do not lie beside it")
        settings: dict[str, Any] = {
            "INFERENCE_NUM_THREADS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
        }
        try:
            core = openvino.Core()
            self._model = core.read_model(path, weights)
            self._request = core.compile_model(self._model, "CPU", settings).create_infer_request()
        except RuntimeError as error:
            raise DataFormatError(f"not an OpenVINO model, or damaged ({str(error)[:200]})") from error

    @property
    def description(self) -> str | None:
        """What stands in its run-time info."""
        return str(self._model.get_rt_info(_KEY).value) if self._model.has_rt_info(_KEY) else None

    def run(self, X: np.ndarray) -> np.ndarray:
        """Compute the outputs of some windows.

        Parameters
        ----------
        X : array, shape (n, n_times, n_channels), float32
            In microvolts.

        Returns
        -------
        outputs : array, shape (n, n_outputs)
        """
        self._request.infer([X])
        return np.array(self._request.get_output_tensor().data)
