"""Writing a network under the backend of Keras that its format needs: here, or in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eegemo._quiet import silenced
from eegemo.deploy.formats import FORMATS, Format, not_written

if TYPE_CHECKING:
    import keras


def write_network(model: keras.Model, path: Path, form: Format) -> None:
    """Write a network in some format.

    Parameters
    ----------
    model : keras.Model
        Under any backend.
    path : Path
        The file that is named.
    form : Format
        Which format.

    Raises
    ------
    ConfigError
        If it cannot be written, with what the format's own exporter says.
    """
    from eegemo import _keras

    if _keras.keras.backend.backend() == form.backend:
        try:
            with _keras.standard_settings(), silenced(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what the exporters' own code is written in
                _write_here(model, path, form)
        except Exception as error:  # of any kind, from four exporters
            raise not_written(form, f"{type(error).__name__}: {error}") from error
        return
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "network.keras"
        model.save(saved)
        command = [sys.executable, "-m", "eegemo.deploy.conversion", form.name, str(saved), str(path)]
        environment = os.environ | {"KERAS_BACKEND": form.backend}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise not_written(form, done.stderr.strip().rpartition("\n")[2])


def _write_here(model: keras.Model, path: Path, form: Format) -> None:
    from eegemo._keras import keras

    keras.ops.convert_to_numpy(model(np.zeros((1, *model.input_shape[1:]), np.float32)))
    form.module.write_network(model, path)


def _convert_saved(name: str, saved: str, path: str) -> None:
    """Read a saved network under the backend that the environment names, and write it."""
    from eegemo import _keras

    _keras.start()
    with _keras.standard_settings():
        model = _keras.keras.models.load_model(saved, compile=False)
        _write_here(model, Path(path), FORMATS[name])


if __name__ == "__main__":
    _convert_saved(*sys.argv[1:])
