"""Folds at once, beside each fold by itself; run by ``test_folds_at_once.py`` under JAX, without TensorFlow.

Its name is none that pytest looks for: under TensorFlow nothing of it could run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

import jax
import keras
import numpy as np
import pandas as pd
import pytest

import eegemo.training.folds_at_once as at_once
from eegemo import ConfigError, EEGClassifier, Results, Trials, Windows, benchmark, evaluate, make_splitter, quadrants
from eegemo.networks import NETWORKS
from eegemo.training import CROSS_ENTROPY, train
from eegemo.training.batches import WindowSource
from eegemo.training.course import CannotStackError, Fit, Fitted
from eegemo.training.layers_for_many import layers_for_many
from eegemo.training.stacked import Stacked
from tiny import tiny


class NoTensorFlow(MetaPathFinder):
    """Lets nobody import TensorFlow."""

    def find_spec(self, name: str, *_: Any) -> None:
        if name.partition(".")[0] == "tensorflow":
            raise ImportError("no TensorFlow here")


sys.meta_path.insert(0, NoTensorFlow())
jax.config.update("jax_disable_most_optimizations", True)  # compiling takes longer than the few steps

N_TIMES = 16
EPOCHS, BATCH = 4, 6


def people(n_trials: tuple[int, ...], seed: int = 0) -> Windows:
    """Cut noise of two channels into windows, four of a trial; each person has a number of trials of their own."""
    rng = np.random.default_rng(seed)
    trial = np.concatenate([np.arange(1, n + 1) for n in n_trials])
    length = 4 * N_TIMES
    table = pd.DataFrame(
        {
            "subject": np.repeat(np.arange(1, len(n_trials) + 1), n_trials),
            "trial": trial,
            "stimulus": trial,
            "start": np.arange(len(trial)) * length,
            "n_times": length,
            "n_baseline": 0,
            "valence": np.where(trial % 2, 8.0, 2.0),
            "arousal": np.where(trial % 3, 8.0, 2.0),
        }
    )
    signals = 10 * rng.standard_normal((len(trial) * length, 2)).astype(np.float32)
    signals[:, 0] += np.repeat(5.0 * (trial % 2), length)
    return Trials(signals, table, ("F3", "F4"), 32.0, dataset="made", simulated=True).windows(n_times=N_TIMES)


def dense(n_times: int, n_channels: int, n_outputs: int) -> keras.Model:
    """Somebody's own network, of which nothing takes long."""
    layers = keras.layers
    inner = [layers.Flatten(), layers.Dense(6, "tanh"), layers.Dropout(0.3), layers.Dense(n_outputs, "softmax")]
    return keras.Sequential([keras.Input((n_times, n_channels)), *inner])


WINDOWS = people((8, 12, 10))
SPLITTER = make_splitter("subject", n_splits="leave-one-out", validation_size=0.4)


def run(classifier: EEGClassifier, windows: Windows = WINDOWS, **options: Any) -> Results:
    return evaluate(classifier, windows, quadrants(), SPLITTER, **options)


def assert_alike(together: Results, alone: Results, tolerance: float = 1e-4) -> None:
    """Compare folds: the same splits, the same course, and probabilities within rounding."""
    assert together.provenance["fingerprint"] == alone.provenance["fingerprint"]
    assert [fold.number for fold in together.folds] == [fold.number for fold in alone.folds]
    for one, other in zip(together.folds, alone.folds, strict=True):
        for part, same in zip(one.split, other.split, strict=True):
            np.testing.assert_array_equal(part, same)
        np.testing.assert_allclose(one.proba, other.proba, atol=tolerance)
        assert one.history.keys() == other.history.keys()
        for name, curve in other.history.items():
            np.testing.assert_allclose(one.history[name], curve, atol=tolerance)
        assert one.seen["train"]["loss"] == pytest.approx(other.seen["train"]["loss"], abs=tolerance)
        known = [
            (fold.best_epoch, fold.n_parameters, str(fold.leakage), fold.collapse is None) for fold in (one, other)
        ]
        assert known[0] == known[1]
        assert [baseline.seen for baseline in one.baselines] == [baseline.seen for baseline in other.baselines]


@pytest.mark.parametrize("name", NETWORKS)
def test_folds_of_a_network_are_the_same_at_once_and_one_by_one(name: str) -> None:
    # People of different sizes, weights that leave some windows to chance, windows cut anew, dropout, early stopping.
    settings = {"epochs": EPOCHS, "batch_size": BATCH, "patience": 1, "class_weight": "balanced", "augment": True}
    classifier = tiny(name, dropout=0.3, learning_rate=0.004, **settings)

    together, alone = (run(classifier, folds_at_once=wanted) for wanted in (True, False))

    assert_alike(together, alone)
    assert len({len(fold.train) for fold in together.folds}) > 1
    assert "tensorflow" not in sys.modules


@pytest.fixture(scope="module")
def alone() -> Results:
    return run(mine(), folds_at_once=False)


def mine(**settings: Any) -> EEGClassifier:
    given = {"epochs": 6, "batch_size": BATCH, "learning_rate": 0.1, "patience": 1, "random_state": 0}
    return EEGClassifier(dense, **(given | settings))


def test_a_run_is_taken_up_whichever_way_it_was_begun(alone: Results, tmp_path: Path) -> None:
    run(mine(), folds_at_once=False, folder=tmp_path)
    (tmp_path / "fold-001.npz").unlink()
    left = (tmp_path / "fold-000.npz").read_bytes()

    taken_up = run(mine(), folds_at_once=True, folder=tmp_path)

    assert_alike(taken_up, alone)
    assert (tmp_path / "fold-000.npz").read_bytes() == left
    assert_alike(run(mine(), folds_at_once=True), alone)
    assert len({len(fold.history["loss"]) for fold in alone.folds}) > 1  # one stopped before another


def test_folds_go_in_groups_as_memory_allows(alone: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes, taken = [], []
    fit, bytes_beside = at_once._Group._fit, Stacked.bytes_beside

    def noted(group: Any, listener: Callable[[int], object] | None) -> list[Fitted]:
        sizes.append(group.size)
        return fit(group, listener)

    def weighed(stacked: Stacked, computation: Any) -> int:
        taken.append(bytes_beside(stacked, computation))
        return taken[-1]

    monkeypatch.setattr(at_once._Group, "_fit", noted)
    monkeypatch.setattr(Stacked, "bytes_beside", weighed)
    run(mine(), folds_at_once=True)
    assert sizes.pop() == 3
    free = 0.95 * max(taken)
    monkeypatch.setattr(at_once, "_free_memory", lambda: free)

    assert_alike(run(mine(), folds_at_once=True), alone)
    assert sizes == [2, 2]  # the second time with one place left over

    monkeypatch.setattr(at_once, "_free_memory", lambda: 1.0)
    with pytest.raises(ConfigError, match=r"A single training of .* takes more memory than is left on the device"):
        run(mine(), folds_at_once=True)


def test_folds_begin_anew_in_smaller_groups_where_memory_runs_out(
    alone: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = at_once._Group._fit

    def failing(group: Any, listener: Callable[[int], object] | None) -> list[Fitted]:
        fitted = fit(group, listener)  # so that random numbers have been drawn
        if group.size == 3:
            raise RuntimeError("RESOURCE_EXHAUSTED: out of memory")
        return fitted

    monkeypatch.setattr(at_once._Group, "_fit", failing)

    assert_alike(run(mine(), folds_at_once=True), alone)


def test_a_fold_that_cannot_be_fitted_takes_no_other_with_it(alone: Results) -> None:
    signals = np.array(WINDOWS.trials.signals)
    signals[WINDOWS.starts[len(WINDOWS) - 1] + 3] = np.nan  # of the last person, so the other folds train on it
    trials = WINDOWS.trials
    damaged = Trials(signals, trials.table, trials.ch_names, trials.sfreq, dataset="made", simulated=True)
    windows = damaged.windows(n_times=N_TIMES)
    splitter = make_splitter("trial", within="subject", n_splits=None, validation_size=0.0, test_size=0.3)

    with pytest.warns(UserWarning, match="NaN or infinity in trial 10 of subject 3"):
        results = evaluate(mine(), windows, quadrants(), splitter, folds_at_once=True)

    assert [fold.number for fold in results.folds] == [0, 1]
    assert [failure.number for failure in results.failures] == [2]


def test_a_network_that_cannot_be_built_takes_no_other_with_it() -> None:
    numbers = iter(range(10))

    def failing(n_times: int, n_channels: int, n_outputs: int) -> keras.Model:
        if next(numbers) == 1:
            raise RuntimeError("out of luck")
        return dense(n_times, n_channels, n_outputs)

    with pytest.warns(UserWarning, match="Fold 1 failed, .*RuntimeError: out of luck"):
        results = run(EEGClassifier(failing, epochs=1, batch_size=BATCH, random_state=0), folds_at_once=True)

    assert [fold.number for fold in results.folds] == [0, 2]
    assert [failure.number for failure in results.failures] == [1]


def test_models_that_differ_in_their_normalisation_alone_are_trained_apart() -> None:
    models = {method: mine(normalization=method) for method in ("zscore", "minmax")}
    together, alone = (
        benchmark(models, WINDOWS, quadrants(), [SPLITTER], folds_at_once=wanted) for wanted in (True, False)
    )
    for one, other in zip(together, alone, strict=True):
        assert_alike(one, other)
    assert np.abs(alone[0].folds[0].proba - alone[1].folds[0].proba).max() > 0.01


def test_dropout_inside_a_recurrent_layer_is_drawn_as_for_a_fold_by_itself() -> None:
    def recurrent(n_times: int, n_channels: int, n_outputs: int) -> keras.Model:
        layers = [keras.layers.SimpleRNN(4, recurrent_dropout=0.3), keras.layers.Dense(n_outputs, "softmax")]
        return keras.Sequential([keras.Input((n_times, n_channels)), *layers])

    classifier = EEGClassifier(recurrent, epochs=3, batch_size=BATCH, random_state=0)
    together, alone = (run(classifier, folds_at_once=wanted) for wanted in (True, False))
    assert_alike(together, alone)


class Outside(keras.layers.Layer):
    """Leaves JAX for a function that takes one network's windows at a time."""

    def call(self, inputs: Any) -> Any:
        return jax.pure_callback(lambda x: np.asarray(x) / 10, jax.ShapeDtypeStruct(inputs.shape, inputs.dtype), inputs)


def test_a_network_that_cannot_be_stacked_says_why_or_is_trained_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def outside(n_times: int, n_channels: int, n_outputs: int) -> keras.Model:
        return keras.Sequential([keras.Input((n_times, n_channels)), Outside(), dense(n_times, n_channels, n_outputs)])

    classifier = EEGClassifier(outside, epochs=1, batch_size=BATCH, random_state=0)
    with pytest.raises(ConfigError, match=r"cannot be trained many times at once \(.*; say folds_at_once=False"):
        run(classifier, folds_at_once=True)

    monkeypatch.setattr("eegemo.evaluation.execution.check_at_once", lambda _: True)  # as with an accelerator
    with pytest.warns(UserWarning, match="They are trained one after another"):
        results = run(classifier, folds_at_once="auto")
    assert len(results.folds) == 3


def test_weights_that_leave_a_batch_to_chance_are_refused() -> None:
    with pytest.raises(ConfigError, match="chance whether an epoch has as many windows as a batch, 200"):
        run(mine(class_weight="balanced", batch_size=200), folds_at_once=True)


def test_networks_that_are_built_differently_each_time_are_refused() -> None:
    sizes = iter(range(4, 100))

    def growing(n_times: int, n_channels: int, n_outputs: int) -> keras.Model:
        layers = [keras.layers.Flatten(), keras.layers.Dense(next(sizes)), keras.layers.Dense(n_outputs, "softmax")]
        return keras.Sequential([keras.Input((n_times, n_channels)), *layers])

    with pytest.raises(ConfigError, match="built networks of different layers for windows of one shape"):
        run(EEGClassifier(growing, epochs=1, random_state=0), folds_at_once=True)


def test_trainings_that_are_not_alike_are_refused() -> None:
    model = dense(N_TIMES, 2, 2)
    y = np.arange(len(WINDOWS)) % 2
    how: dict[str, Any] = {"epochs": 1, "batch_size": BATCH, "learning_rate": 0.1, "patience": 1}

    def fit(windows: Windows) -> Fit:
        values = [np.asarray(variable.value) for variable in model.variables]
        return Fit(values, WindowSource(windows), y[: len(windows)], None, rng=np.random.default_rng(0), **how)

    with pytest.raises(CannotStackError, match="over the same samples"):
        list(at_once.fit_folds(model, [fit(WINDOWS), fit(people((4, 4)))], loss=CROSS_ENTROPY))
    with pytest.raises(CannotStackError, match=r"batches of one size, got \['5', '6'\]"):
        list(at_once.fit_folds(model, [fit(WINDOWS), fit(WINDOWS[:5])], loss=CROSS_ENTROPY))


@pytest.mark.parametrize("padding", ["same", "valid", "causal"])
@pytest.mark.parametrize(("length", "step", "dilation"), [(4, 1, 1), (5, 3, 1), (3, 1, 4)])
def test_a_convolution_is_the_same_as_a_matrix_product(padding: str, length: int, step: int, dilation: int) -> None:
    layer = keras.layers.Conv1D(
        3, length, strides=step, dilation_rate=dilation, padding=padding, activation="relu", bias_initializer="normal"
    )
    model = keras.Sequential([keras.Input((17, 2)), layer])
    x = np.random.default_rng(0).standard_normal((4, 17, 2)).astype(np.float32)
    expected = np.asarray(model(x))

    with layers_for_many(model):
        assert type(layer) is not keras.layers.Conv1D
        np.testing.assert_allclose(np.asarray(model(x)), expected, atol=1e-6)

    assert type(layer) is keras.layers.Conv1D


def test_recurrent_layers_are_given_back_as_they_were() -> None:
    model = keras.Sequential([keras.Input((8, 2)), keras.layers.LSTM(3, return_sequences=True), keras.layers.GRU(2)])
    x = np.random.default_rng(0).standard_normal((4, 8, 2)).astype(np.float32)
    expected = np.asarray(model(x))

    with layers_for_many(model):
        assert [(layer.unroll, layer.use_cudnn) for layer in model.layers] == [(True, False), (True, "auto")]
        np.testing.assert_allclose(np.asarray(model(x)), expected, atol=1e-6)

    assert [(layer.unroll, layer.use_cudnn) for layer in model.layers] == [(False, "auto")] * 2


def test_a_training_alone_is_what_the_loop_does() -> None:
    """The loop is the other way to compute it, without estimator and protocol."""
    model, y = dense(N_TIMES, 2, 2), np.arange(len(WINDOWS)) % 2
    beginning = [np.asarray(variable.value) for variable in model.variables]
    how: dict[str, Any] = {"epochs": 2, "batch_size": BATCH, "learning_rate": 0.01, "patience": 5}
    fit = Fit(beginning, WindowSource(WINDOWS), y, None, rng=np.random.default_rng(3), **how)
    (fitted,) = at_once.fit_folds(dense(N_TIMES, 2, 2), [fit], loss=CROSS_ENTROPY)

    train(model, WindowSource(WINDOWS), y, loss=CROSS_ENTROPY, rng=np.random.default_rng(3), **how)

    for value, variable in zip(fitted.values, model.variables, strict=True):
        np.testing.assert_allclose(value, np.asarray(variable.value), atol=1e-5)
