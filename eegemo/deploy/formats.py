"""The formats that a classifier can be exported to, by name, and what each of them needs."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from eegemo.errors import ConfigError, unknown_name

if TYPE_CHECKING:
    import numpy as np


class Session(Protocol):
    """An exported network, loaded; the class ``Session`` in a format's module."""

    def __init__(self, path: Path) -> None: ...

    @property
    def description(self) -> str | None:
        """What :func:`write_description` of the format's module wrote; None where it wrote nothing."""

    def run(self, X: np.ndarray) -> np.ndarray:
        """Compute outputs (n, n_outputs) of windows (n, n_times, n_channels), float32 and contiguous."""


@dataclass(frozen=True)
class Format:
    """One format.

    Parameters
    ----------
    name : str
        What :func:`eegemo.export` calls it.
    suffix : str
        Of the file that is named.
    extra : str
        What ``pip install "eegemo[...]"`` brings for it.
    to_write, to_read : tuple of str
        Packages that are needed.
    backend : str
        Of Keras, that the network is exported under.
    weights : str | None
        What the file of the weights ends in, in the place of ``suffix``; no two formats share one. None where the
        weights lie in the file that is named.
    """

    name: str
    suffix: str
    extra: str
    to_write: tuple[str, ...]
    to_read: tuple[str, ...]
    backend: str
    weights: str | None = None

    @property
    def module(self) -> Any:
        """Where ``write_network``, ``write_description`` and ``Session`` are."""
        return importlib.import_module(f"eegemo.deploy.{self.name}")

    def weights_of(self, path: Path) -> Path | None:
        """Return the file that the weights of an exported classifier lie in, where it is not the one that is named."""
        return None if self.weights is None else path.with_suffix(self.weights)

    def files(self, path: Path) -> list[Path]:
        """List the files that may belong to an exported classifier, the one that is named first."""
        weights = self.weights_of(path)
        return [path, *([] if weights is None else [weights]), description_beside(path)]


#: By name; a new format is tested by standing here.
FORMATS: Mapping[str, Format] = {
    one.name: one
    for one in (
        Format("onnx", ".onnx", "onnx", ("onnx", "onnxruntime", "tf2onnx"), ("onnxruntime",), "tensorflow"),
        Format("litert", ".tflite", "litert", ("ai_edge_litert",), ("ai_edge_litert",), "tensorflow"),
        Format("openvino", ".xml", "openvino", ("openvino", "onnx", "tf2onnx"), ("openvino",), "tensorflow", ".bin"),
        Format("ncnn", ".param", "ncnn", ("ncnn", "pnnx", "torch"), ("ncnn",), "torch", ".param.bin"),
    )
}


def format_of(path: Path, name: str | None = None) -> Format:
    """Find a format by its name, or by the suffix of a file.

    Parameters
    ----------
    path : Path
        The file that is named.
    name : str | None
        A key of :data:`FORMATS`.

    Returns
    -------
    format : Format

    Raises
    ------
    ConfigError
        If there is no such format, or the file does not end as its files do.
    """
    known = ", ".join(f"{one.suffix} ({one.name})" for one in FORMATS.values())
    if name is not None and name not in FORMATS:
        raise unknown_name("format", name, FORMATS)
    found = [one for one in FORMATS.values() if path.suffix.lower() == one.suffix]
    if not found:
        raise ConfigError(f"{path.name}: the name of an exported classifier ends in {known}.")
    if name is not None and found[0].name != name:
        raise ConfigError(f"{path.name}: files of {name} end in {FORMATS[name].suffix}; name it so.")
    return found[0]


def require(packages: tuple[str, ...], extra: str, purpose: str) -> None:
    """Refuse what packages that are not installed are needed for.

    Parameters
    ----------
    packages : tuple of str
        By the names they are imported by.
    extra : str
        Of eegemo, that brings them.
    purpose : str
        For the message, as in "Exporting to onnx".

    Raises
    ------
    ConfigError
        If one is missing.
    """
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(f'{purpose} needs {", ".join(missing)}: pip install "eegemo[{extra}]"')


def not_written(form: Format, reason: str) -> ConfigError:
    """Make the error of a network that a format has no place for.

    Parameters
    ----------
    form : Format
        Which format.
    reason : str
        What its exporter or its runtime says.

    Returns
    -------
    error : ConfigError
    """
    return ConfigError(
        f"{form.name} cannot hold this network ({reason[:300]}); take another format: {', '.join(FORMATS)}."
    )


def digest_of(weights: Path | None) -> str | None:
    """Return the SHA-256 of a file of weights; None where there is no such file."""
    return None if weights is None else hashlib.sha256(weights.read_bytes()).hexdigest()


def description_beside(path: Path) -> Path:
    """Return where the description of an exported classifier lies, of formats that have no place for it."""
    return path.with_name(f"{path.name}.json")


def write_beside(path: Path, text: str) -> None:
    """Put a description beside the file of a format that has no place for it.

    Parameters
    ----------
    path : Path
        The file.
    text : str
        JSON.
    """
    description_beside(path).write_text(text + "\n", encoding="utf-8")


def read_beside(path: Path) -> str | None:
    """Return what :func:`write_beside` put beside a file; None where nothing lies there."""
    beside = description_beside(path)
    return beside.read_text(encoding="utf-8") if beside.is_file() else None
