"""Where a number comes from: versions, commit, machine."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

_STATUS = Path("/proc/self/status")
_PACKAGES = ("eegemo", "tensorflow", "keras", "keras-tcn", "mne", "scikit-learn", "numpy", "scipy", "pandas")


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


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
