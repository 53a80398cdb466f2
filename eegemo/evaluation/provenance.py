"""Where a number comes from: versions, commit, machine."""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import json
import os
import platform
import subprocess
import sys
import textwrap
from functools import cache
from importlib import metadata
from pathlib import Path
from types import CellType, CodeType, FunctionType
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from eegemo._json import as_json
from eegemo.models.estimator import NetworkEstimator

_STATUS = Path("/proc/self/status")
# What a fold's numbers come from; the splits and the samples have fingerprints of their own.
_COMPUTING = (
    "_keras.py",
    "_validation.py",
    "_origins.py",
    "_trial_parts.py",
    "_trial_selection.py",
    "trials.py",
    "windows.py",
    "labels.py",
    "features/",
    "networks/",
    "training/",
    "models/",
    "evaluation/baselines.py",
    "evaluation/controls.py",
    "evaluation/fitting.py",
    "evaluation/leakage.py",
    "evaluation/metrics.py",
)
_PACKAGES = (
    "eegemo",
    "tensorflow",
    "keras",
    "keras-tcn",
    "mne",
    "scikit-learn",
    "numpy",
    "scipy",
    "pandas",
    "pywavelets",
    "pyriemann",
)
# What Keras computes with where it is not TensorFlow.
_BACKENDS = {"jax": ("jax", "jaxlib"), "torch": ("torch",), "openvino": ("openvino",)}
# What Keras is set to for the whole process, unless somebody changes it.
_KERAS = {"dtype_policy": "float32", "floatx": "float32", "image_data_format": "channels_last"}


def environment() -> dict[str, Any]:
    """Describe what runs: package versions, the commit of the code, the kind of machine.

    Returns
    -------
    environment : dict
        JSON-compatible, without paths or names of people or machines.
    """
    return {
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in (*_PACKAGES, *_BACKENDS.get(backend_name(), ()))},
        "backend": sys.modules["keras"].backend.backend() if "keras" in sys.modules else None,
        "commit": commit(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }


def backend_name() -> str:
    """Return what Keras computes with, or would if it were imported."""
    if "keras" in sys.modules:
        return str(sys.modules["keras"].backend.backend())
    if "KERAS_BACKEND" in os.environ:
        return os.environ["KERAS_BACKEND"]
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        return str(json.loads((home / "keras.json").read_text(encoding="utf-8")).get("backend", "tensorflow"))
    except (OSError, ValueError, AttributeError):
        return "tensorflow"


def keras_settings() -> dict[str, str]:
    """Return what Keras is set to otherwise than it comes: precision and data format of the whole process.

    Networks of this package are made and run with the standard settings, whatever these are; somebody's own estimator
    may not be.

    Returns
    -------
    settings : dict of str -> str
        ``dtype_policy, floatx, image_data_format``, as far as they differ.
    """
    if "keras" not in sys.modules:
        return {}
    config = sys.modules["keras"].config
    found = {
        "dtype_policy": config.dtype_policy().name,
        "floatx": config.floatx(),
        "image_data_format": config.image_data_format(),
    }
    return {name: value for name, value in found.items() if value != _KERAS[name]}


def set_keras(settings: dict[str, str]) -> None:
    """Set Keras as another process has it.

    Parameters
    ----------
    settings : dict of str -> str
        As :func:`keras_settings` gives it.
    """
    if settings and settings != keras_settings():
        from eegemo._keras import keras

        for name, value in settings.items():
            getattr(keras.config, f"set_{name}")(value)


@cache
def commit() -> str | None:
    """Return the commit of the code when first asked, ``+changes`` where it was edited; None outside a checkout."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=True)
        edited = subprocess.run(
            ["git", "status", "--porcelain", "--", "eegemo", "experiments"],
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return head.stdout.strip() + ("+changes" if edited.stdout.strip() else "")


def peak_memory_mb() -> float | None:
    """Return the largest resident memory that this process had so far, in MB; None on Windows."""
    if _STATUS.exists():  # unlike getrusage's, this figure is not inherited from the process that started this one
        kibibytes = next(int(line.split()[1]) for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return round(kibibytes * 1024 / 1e6, 1)
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1e6, 1)


def hash_arrays(*arrays: np.ndarray) -> str:
    """Return the SHA-256 of some arrays, their shapes and dtypes."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(repr((array.shape, array.dtype.str)).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def hash_json(value: Any) -> str:
    """Return the SHA-256 of what JSON can hold, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def code_hash(classifier: BaseEstimator | type) -> str:
    """Return the SHA-256 of the code that a fold's numbers come from.

    Parameters
    ----------
    classifier : estimator | type
        The source of its class counts too, where it can be had, and what is computed by its parameters.

    Returns
    -------
    digest : str
        Over the syntax of the package's modules that cut, label, train and score, blind to comments and docstrings;
        those that load recordings and draw splits are not in it, since samples and splits have fingerprints of their
        own, nor are those that compare and write.
    """
    parameters = {} if isinstance(classifier, type) else all_params(classifier)
    parts = [_package_hash(), _source(classifier), *(_source(parameters[name]) for name in sorted(parameters))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def all_params(estimator: BaseEstimator) -> dict[str, Any]:
    """Return the parameters of an estimator and of what is in it, with the values that networks have in training.

    Parameters
    ----------
    estimator : estimator
        Of any kind; networks in it have sizes and defaults of their own.

    Returns
    -------
    params : dict of str -> object
    """
    params = estimator.get_params()
    for name, one in [("", estimator), *params.items()]:
        if isinstance(one, NetworkEstimator):
            params |= {f"{name}__{key}" if name else key: value for key, value in one.resolved_params().items()}
    return params


def _source(value: object) -> str:
    """Return what a function does, or the source of an estimator's class; nothing for what computes nothing."""
    if isinstance(value, functools.partial):
        return f"{_source(value.func)} {as_json([value.args, value.keywords])}"
    if inspect.isfunction(value):
        return f"{_instructions(value.__code__)} {_bound(value)}"
    if not isinstance(value, (BaseEstimator, type)):
        return ""
    try:
        return syntax(inspect.getsource(value if isinstance(value, type) else type(value)))
    except (OSError, TypeError):
        return ""


def _bound(function: FunctionType) -> list[object]:
    """Return what a function's result depends on beside its instructions: defaults, enclosed and named values."""
    enclosed = [cell.cell_contents for cell in function.__closure__ or () if cell != CellType()]
    named = [function.__globals__.get(name) for name in function.__code__.co_names]
    simple = [value for value in named if isinstance(value, (bool, int, float, str, tuple))]
    # Of an enclosed function, one level: it may enclose itself.
    inner = [_instructions(value.__code__) if inspect.isfunction(value) else as_json(value) for value in enclosed]
    return [as_json(function.__defaults__), as_json(function.__kwdefaults__), inner, as_json(simple)]


def _instructions(code: CodeType) -> tuple[object, ...]:
    """Return what a function does, without where it stands and what its docstring says."""
    constants: list[object] = []
    for constant in code.co_consts[_documented(code) :]:
        if isinstance(constant, CodeType):
            constants.append(_instructions(constant))
        elif isinstance(constant, frozenset):  # whose order changes from process to process
            constants.append(sorted(map(repr, constant)))
        else:
            constants.append(constant)
    return code.co_code, code.co_names, tuple(constants)


def syntax(source: str) -> str:
    """Return the syntax tree of some source as text: comments, docstrings and layout are not in it.

    Parameters
    ----------
    source : str
        Of a module, or of a class or function wherever it stands.

    Returns
    -------
    tree : str
    """
    tree = ast.parse(textwrap.dedent(source))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:]
    return ast.dump(tree)


def _documented(code: CodeType) -> int:
    """Return how many constants are the docstring's: before Python 3.13 the first one of a def, which may be None."""
    if sys.version_info >= (3, 13):
        return int(bool(code.co_flags & inspect.CO_HAS_DOCSTRING))
    return int(code.co_name != "<lambda>" and isinstance(next(iter(code.co_consts), 0), str | None))


@cache
def _package_hash() -> str:
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        if name.startswith(_COMPUTING):
            digest.update(f"{name} {syntax(path.read_text(encoding='utf-8'))}".encode())
    return digest.hexdigest()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
