"""ncnn: what pnnx makes of a TorchScript, as .param and .param.bin; the description lies beside the file."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eegemo.deploy.formats import read_beside, write_beside
from eegemo.errors import ConfigError, DataFormatError

if TYPE_CHECKING:
    import keras


def write_network(model: keras.Model, path: Path) -> None:
    """Write a network.

    Parameters
    ----------
    model : keras.Model
        Under PyTorch.
    path : Path
        The file that ends in ``.param``.

    Raises
    ------
    ConfigError
        If pnnx writes nothing.
    """
    import pnnx
    import torch

    class Evaluating(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = model

        def forward(self, windows: torch.Tensor) -> torch.Tensor:
            return self.network(windows, training=False)

    with tempfile.TemporaryDirectory() as folder:
        # Not by ONNX, of which pnnx loses over which axis a mean is taken.
        middle, shape = Path(folder) / "network.pt", (1, *model.input_shape[1:])
        with torch.no_grad():
            torch.jit.trace(Evaluating().eval(), torch.zeros(shape)).save(str(middle))
        command = [pnnx.EXEC_PATH, middle.name, f"inputshape=[{','.join(map(str, shape))}]", "fp16=0"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        written = [Path(folder) / f"network.ncnn.{kind}" for kind in ("param", "bin")]
        if done.returncode or not all(one.is_file() for one in written):
            raise ConfigError(f"pnnx did not write the network ({(done.stderr or done.stdout).strip()[-300:]})")
        for one, target in zip(written, (path, _weights_of(path)), strict=True):
            target.write_bytes(one.read_bytes())


def _weights_of(path: Path) -> Path:
    """Return where its weights lie: not in .bin, as ncnn's tools have it, since OpenVINO's lie there."""
    return path.with_suffix(".param.bin")


write_description = write_beside


class Session:
    """A network in ncnn, on one thread, window by window.

    Parameters
    ----------
    path : Path
        The file that ends in ``.param``.

    Raises
    ------
    DataFormatError
        If it, or the ``.param.bin`` beside it, cannot be read.
    """

    def __init__(self, path: Path) -> None:
        import ncnn

        self._path = path
        weights = _weights_of(path)
        if not weights.is_file():
            raise DataFormatError(f"its weights, {weights.name}, do not lie beside it")
        self._net = ncnn.Net()
        self._net.opt.num_threads = 1
        self._net.opt.use_vulkan_compute = False
        self._net.opt.use_fp16_packed = self._net.opt.use_fp16_storage = self._net.opt.use_fp16_arithmetic = False
        self._net.opt.use_bf16_storage = False
        if self._net.load_param(str(path)) or self._net.load_model(str(weights)):
            raise DataFormatError("not a network of ncnn, or damaged")
        self._in, self._out = self._net.input_names()[0], self._net.output_names()[0]
        self._Mat = ncnn.Mat

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
        return np.stack([self._run_one(window) for window in X])

    def _run_one(self, window: np.ndarray) -> np.ndarray:
        extractor = self._net.create_extractor()
        extractor.input(self._in, self._Mat(window))
        failed, outputs = extractor.extract(self._out)
        if failed:
            raise DataFormatError("ncnn cannot run it; it is damaged")
        return np.array(outputs).reshape(-1)
