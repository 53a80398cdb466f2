"""LiteRT (TensorFlow Lite): written by Keras, its recurrent layers unrolled; the description lies beside the file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eegemo._quiet import silenced
from eegemo.deploy.formats import read_beside, write_beside
from eegemo.errors import DataFormatError

if TYPE_CHECKING:
    import keras


def write_network(model: keras.Model, path: Path) -> None:
    """Write a network.

    Parameters
    ----------
    model : keras.Model
        Its recurrent layers are unrolled: LiteRT has no lists of tensors that a loop would need.
    path : Path
        The file.
    """
    from eegemo.deploy.unrolling import unrolled

    unrolled(model).export(str(path), format="litert", verbose=False)


write_description = write_beside


class Session:
    """A model in LiteRT's interpreter, on one thread.

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
        from ai_edge_litert.interpreter import Interpreter

        self._path = path
        try:
            with silenced():
                self._interpreter: Any = Interpreter(model_content=path.read_bytes(), num_threads=1)
                self._input = self._interpreter.get_input_details()[0]
                self._output = self._interpreter.get_output_details()[0]["index"]
                self._resize(1)
        except (ValueError, RuntimeError, IndexError) as error:
            raise DataFormatError(f"not a LiteRT model, or damaged ({str(error)[:200]})") from error

    @property
    def description(self) -> str | None:
        """What lies beside the file."""
        return read_beside(self._path)

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
        if len(X) != self._n:
            self._resize(len(X))
        self._interpreter.set_tensor(self._input["index"], X)
        self._interpreter.invoke()
        return np.array(self._interpreter.get_tensor(self._output))

    def _resize(self, n: int) -> None:
        self._interpreter.resize_tensor_input(self._input["index"], (n, *self._input["shape"][1:]))
        self._interpreter.allocate_tensors()
        self._n = n
