"""Where a number comes from: versions, commit, machine."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import os
import platform
import subprocess
import sys
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
    "_trial_parts.py",
    "trials.py",
    "windows.py",
    "labels.py",
    "features/",
    "networks/",
    "training/",
    "models/",
    "evaluation/controls.py",
    "evaluation/cross_validation.py",
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


def environment() -> dict[str, Any]:
    """Describe what runs: package versions, the commit of the code, the kind of machine.

    Returns
    -------
    environment : dict
        JSON-compatible, without paths or names of people or machines.
    """
    return {
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "backend": sys.modules["keras"].backend.backend() if "keras" in sys.modules else None,
        "commit": commit(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }


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
        Over the package's modules that cut, label, train and score; those that load recordings and draw splits are
        not in it, since samples and splits have fingerprints of their own, nor are those that compare and write.
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
        return inspect.getsource(value if isinstance(value, type) else type(value))
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
    """Return what a function does, without where it stands."""
    constants: list[object] = []
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            constants.append(_instructions(constant))
        elif isinstance(constant, frozenset):  # whose order changes from process to process
            constants.append(sorted(map(repr, constant)))
        else:
            constants.append(constant)
    return code.co_code, code.co_names, tuple(constants)


@cache
def _package_hash() -> str:
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        if name.startswith(_COMPUTING):
            digest.update(name.encode() + path.read_bytes())
    return digest.hexdigest()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
