"""ONNX, for ONNX Runtime: written by Keras through tf2onnx; the description lies in the model's own metadata."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eegemo.errors import DataFormatError

if TYPE_CHECKING:
    import keras

_KEY = "eegemo"


def write_network(model: keras.Model, path: Path) -> None:
    """Write a network, with a free number of windows.

    Parameters
    ----------
    model : keras.Model
        Called once before: Keras exports nothing else.
    path : Path
        The file.
    """
    logger = logging.getLogger("tf2onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        model.export(str(path), format="onnx", verbose=False)
    finally:
        logger.setLevel(level)


def write_description(path: Path, text: str) -> None:
    """Put a description into the model's metadata.

    Parameters
    ----------
    path : Path
        The file.
    text : str
        JSON.
    """
    import onnx

    model = onnx.load(path)
    onnx.helper.set_model_props(model, {_KEY: text})
    onnx.save(model, path)


class Session:
    """A model in ONNX Runtime, on one thread: a network of this size gains nothing by more.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    DataFormatError
        If it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its own kinds, none of which has a common base
            if isinstance(error, OSError):
                raise
            raise DataFormatError(f"not an ONNX model, or damaged ({str(error)[:200]})") from error
        self._input = self._session.get_inputs()[0].name

    @property
    def description(self) -> str | None:
        """What stands in its metadata."""
        return self._session.get_modelmeta().custom_metadata_map.get(_KEY)

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
        return np.asarray(self._session.run(None, {self._input: X})[0])
