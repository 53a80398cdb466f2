"""Folds as one computation: what needs JAX runs in a process of its own, where Keras computes with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

from eegemo import ConfigError, Trials, evaluate, quadrants
from eegemo.training import CROSS_ENTROPY
from eegemo.training.folds_at_once import fit_folds
from tiny import tiny

UNDER_JAX = Path(__file__).with_name("folds_at_once_under_jax.py")
not_jax = pytest.mark.skipif(keras.backend.backend() == "jax", reason="what is refused elsewhere")


def test_folds_at_once_are_the_folds_one_by_one() -> None:
    pytest.importorskip("jax")
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", str(UNDER_JAX)]
    done = subprocess.run(
        command, env=os.environ | {"KERAS_BACKEND": "jax"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@not_jax
def test_another_backend_is_refused_before_anything_is_written(small_trials: Trials, tmp_path: Path) -> None:
    folder, windows = tmp_path / "run", small_trials.windows(duration=2.0)
    with pytest.raises(ConfigError, match=r"set KERAS_BACKEND=jax before Python starts, and install it: .*eegemo\[jax"):
        evaluate(tiny("cnn-gru"), windows, quadrants(), "trial", folder=folder, folds_at_once=True)
    assert not folder.exists() or not list(folder.glob("*.json"))
    with pytest.raises(ConfigError, match="folds_at_once must be 'auto', True or False, got 'always'"):
        evaluate(tiny("cnn-gru"), windows, quadrants(), "trial", folds_at_once="always")


@not_jax
def test_the_computation_itself_refuses_another_backend() -> None:
    with pytest.raises(ConfigError, match="Folds are trained at once by JAX, and Keras computes with"):
        list(fit_folds(keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)]), [], loss=CROSS_ENTROPY))
