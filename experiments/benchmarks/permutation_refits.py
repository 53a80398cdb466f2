"""A permutation test that trains a network anew for each permutation, on one GPU: hundreds of trainings in minutes.

Simulated people, windows of 1 s without overlap, some people left out in turn. Two evaluations, both as a user calls
them: :func:`eegemo.evaluate` without permutations, which compiles, and ``evaluate(..., n_permutations=199)``, whose
folds are trained 128 at a time. Prints the seconds of both, the score with its p, and what as many trainings one after
another would take: one fold is trained alone on the same card, and its seconds are multiplied.

Needs ``KERAS_BACKEND=jax``. Costs about 2 minutes on a GPU (estimated).
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
import tyro

from eegemo import evaluate, make_model, make_splitter, quadrants, simulate
from eegemo.evaluation.permutation import refit_test


@dataclass(frozen=True)
class PermutationRefits:
    """Time a permutation test by training anew."""

    model: str = "cnn-gru"
    """Network by name."""
    subjects: int = 6
    """Simulated people."""
    n_splits: int = 3
    """Folds of whole people."""
    epochs: int = 10
    """Of each training; none stops early."""
    n_permutations: int = 199
    """Each trains all folds anew."""
    every: int = 1
    """Take every so manieth window: a rehearsal takes few."""
    folds_at_once: bool = True
    """Whether a fold is one of many that are trained as one computation."""


def run(config: PermutationRefits) -> str:
    """Evaluate without permutations and with them, train one fold alone, and print what it took."""
    import jax

    windows = simulate(config.subjects).windows()[:: config.every]
    labels, splitter = quadrants(), make_splitter("subject", n_splits=config.n_splits)
    model = make_model(config.model, epochs=config.epochs, patience=config.epochs, random_state=0)

    began = time.perf_counter()
    evaluate(model, windows, labels, splitter, folds_at_once=config.folds_at_once)
    plain = time.perf_counter() - began
    print(f"{config.n_splits} folds: {plain:.1f} s", flush=True)

    began = time.perf_counter()
    results = evaluate(
        model, windows, labels, splitter, folds_at_once=config.folds_at_once, n_permutations=config.n_permutations
    )
    permuted = time.perf_counter() - began
    test = refit_test(results)
    assert test is not None

    train, validation, _ = next(splitter.triples(windows, labels(windows)))
    y, alone = labels(windows), []
    for _ in range(2):  # the first one compiles
        began = time.perf_counter()
        model.fit(windows[train], y[train], validation_data=(windows[validation], y[validation]))
        alone.append(time.perf_counter() - began)
    n_trainings = config.n_splits * (1 + config.n_permutations)
    text = (
        f"{config.model} on {jax.devices()[0].device_kind}, {config.subjects} simulated people, "
        f"{config.n_splits} folds of up to {len(train)} windows, {config.epochs} epochs\n"
        f"  {config.n_permutations} permutations: {n_trainings} trainings in {permuted:.0f} s, "
        f"{permuted / n_trainings:.2f} s each, compiling included\n"
        f"  one after another: {alone[1]:.1f} s each, {n_trainings * alone[1]:.0f} s in all (multiplied): "
        f"{n_trainings * alone[1] / permuted:.1f} x\n"
        f"  macro-F1 {test.score:.3f}; of permuted labels {np.mean(test.null):.3f} in the mean, "
        f"{np.max(test.null):.3f} at most; p = {test.p:.3f}"
    )
    print(text, flush=True)
    return text


if __name__ == "__main__":
    run(tyro.cli(PermutationRefits, description=__doc__))
