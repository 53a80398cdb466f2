"""The loop over epochs and batches, on networks of one weight whose steps can be worked out by hand."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from eegemo import ConfigError
from eegemo.training import CROSS_ENTROPY, SQUARED_ERROR, History, Loss, predict, train


class Rows:
    """Inputs that are rows of an array."""

    def __init__(self, X: np.ndarray) -> None:
        self.X = X.astype(np.float32)

    def __len__(self) -> int:
        return len(self.X)

    def gather(self, index: np.ndarray, /) -> np.ndarray:
        return self.X[index]


def line() -> keras.Model:
    """One weight, 0 at first: y = w x."""
    return keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])


def run(model: keras.Model, X: np.ndarray, y: np.ndarray, held_out: Any = None, **settings: Any) -> History:
    given: dict[str, Any] = {"epochs": 3, "batch_size": 100, "learning_rate": 0.1, "patience": 3, **settings}
    return train(model, Rows(X), y, held_out, loss=SQUARED_ERROR, rng=np.random.default_rng(0), **given)


def test_the_first_steps_of_adam_are_the_ones_worked_out_by_hand() -> None:
    X, y = np.ones((4, 1)), np.full((4, 1), 5.0)
    model = line()

    history = run(model, X, y)

    # Adam, Kingma & Ba 2015, algorithm 1, of the gradient 2 (w - 5), which is far longer than 1 and cut to -1; a
    # training of three batches has no rise, and half a cosine from 1 down.
    weight, m, v, losses = 0.0, 0.0, 0.0, []
    for t, pace in ((1, 1.0), (2, 0.75), (3, 0.25)):
        losses.append((weight - 5) ** 2)
        m, v = 0.9 * m + 0.1 * -1.0, 0.999 * v + 0.001 * 1.0
        weight -= 0.1 * pace * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-7)
    assert model.get_weights()[0] == pytest.approx(weight, rel=1e-4)
    assert history.curves["loss"] == pytest.approx(losses, rel=1e-4)
    assert history.curves["mean_absolute_error"] == pytest.approx(np.sqrt(losses), rel=1e-4)
    assert history.best_epoch == 3


def test_a_network_that_was_trained_before_begins_with_a_fresh_optimiser() -> None:
    X, y = np.ones((4, 1)), np.full((4, 1), 5.0)
    once, twice = line(), line()
    run(once, X, y)
    run(twice, X, y, learning_rate=1.0, epochs=7)
    twice.set_weights([np.zeros((1, 1))])

    run(twice, X, y)

    np.testing.assert_array_equal(once.get_weights()[0], twice.get_weights()[0])


def test_an_optimiser_that_somebody_else_set_is_replaced() -> None:
    X, y = np.ones((4, 1)), np.full((4, 1), 5.0)
    once, twice = line(), line()
    run(once, X, y)
    run(twice, X, y)
    twice.compile(keras.optimizers.SGD(0.5, momentum=0.9), "mean_squared_error")
    twice.set_weights([np.zeros((1, 1))])

    run(twice, X, y)

    np.testing.assert_array_equal(once.get_weights()[0], twice.get_weights()[0])


def test_training_goes_back_to_the_epoch_with_the_best_validation_loss() -> None:
    X, y = np.ones((4, 1)), np.full((4, 1), 5.0)
    validation = Rows(np.ones((2, 1))), np.full((2, 1), 0.25)  # best when the weight is .25, which 0.1 a step passes
    model = line()

    history = run(model, X, y, validation, epochs=20, patience=4)

    losses = history.curves["val_loss"]
    assert history.best_epoch == int(np.argmin(losses)) + 1 in (2, 3)
    assert len(losses) == history.best_epoch + 4
    assert (model.get_weights()[0].item() - 0.25) ** 2 == pytest.approx(min(losses), rel=1e-4)


def test_an_epoch_whose_validation_loss_is_no_number_is_never_the_best() -> None:
    losses = iter([0.9, 0.2, np.nan, np.nan, np.nan])
    loss = Loss(
        "mean_squared_error", "mean_absolute_error", lambda outputs, target: (next(losses), 0.0), lambda target: 0.0
    )
    X, y = np.ones((4, 1)), np.full((4, 1), 5.0)

    history = train(
        line(),
        Rows(X),
        y,
        (Rows(X), y),
        loss=loss,
        epochs=9,
        batch_size=4,
        learning_rate=0.1,
        patience=3,
        rng=np.random.default_rng(0),
    )

    assert history.best_epoch == 2
    assert len(history.curves["val_loss"]) == 5


def test_callbacks_are_called_in_keras_order_and_may_stop_the_training() -> None:
    called: list[str] = []

    class Listener(keras.callbacks.Callback):
        def __getattribute__(self, name: str) -> Any:
            if name.startswith("on_"):
                return self.note(name)
            return super().__getattribute__(name)

        def note(self, name: str) -> Callable[..., None]:
            def noted(*args: Any, **kwargs: Any) -> None:
                called.append(name)
                if name == "on_epoch_end" and args[0] == 1:
                    self.model.stop_training = True

            return noted

    history = run(line(), np.ones((4, 1)), np.ones((4, 1)), batch_size=2, epochs=9, callbacks=[Listener()])

    epoch = ["on_epoch_begin", *["on_train_batch_begin", "on_train_batch_end"] * 2, "on_epoch_end"]
    assert called == ["on_train_begin", *epoch, *epoch, "on_train_end"]
    assert len(history.curves["loss"]) == history.best_epoch == 2


def test_early_stopping_of_keras_reads_the_validation_loss() -> None:
    X, y = np.ones((4, 1)), np.full((4, 1), 5.0)
    validation = Rows(np.ones((2, 1))), np.zeros((2, 1))  # worse from the first step on

    stop = keras.callbacks.EarlyStopping("val_loss", patience=1)
    history = run(line(), X, y, validation, epochs=20, patience=20, callbacks=[stop])

    assert len(history.curves["val_loss"]) == 2


def test_a_sequence_is_classified_step_by_step_too() -> None:
    """Class numbers of every step, shape (n, n_steps), as the sequence tasks have them."""
    proba = np.array([[[0.5, 0.5], [0.1, 0.9]], [[0.8, 0.2], [0.3, 0.7]]])
    target = np.array([[0, 1], [0, 0]])

    loss, accuracy = CROSS_ENTROPY.measure(proba, target)

    assert loss == pytest.approx(-np.log([0.5, 0.9, 0.8, 0.3]).mean())
    assert accuracy == 0.75  # of two equal ones the first is taken


def test_a_likelihood_of_nothing_costs_a_bounded_loss() -> None:
    loss, _ = CROSS_ENTROPY.measure(np.array([[1.0, 0.0]]), np.array([1]))

    assert loss == pytest.approx(-np.log(1e-7))


def test_squares_and_distances_are_means_over_all_numbers() -> None:
    assert SQUARED_ERROR.measure(np.array([[1.0, 2.0]]), np.array([[4.0, 2.0]])) == (4.5, 1.5)


@pytest.mark.parametrize("n", [1, 3, 1025])
def test_outputs_come_in_the_order_of_the_inputs(n: int) -> None:
    model = line()
    model.set_weights([np.full((1, 1), 2.0)])
    X = np.arange(n, dtype=float)[:, None]

    np.testing.assert_allclose(predict(model, Rows(X)), 2 * X)


def test_batch_normalisation_keeps_running_means_and_the_best_epochs_come_back() -> None:
    X = np.array([[1.0], [3.0]])  # mean 2, variance 1
    norm = keras.layers.BatchNormalization(momentum=0.5, center=False, scale=False)
    model = keras.Sequential([keras.Input((1,)), norm, keras.layers.Dense(1, kernel_initializer="zeros")])
    losses = iter([0.3, 0.1, 0.2, 0.2])
    loss = Loss("mean_squared_error", "mean_absolute_error", lambda *_: (next(losses), 0.0), lambda _: 0.0)

    history = train(
        model,
        Rows(X),
        np.zeros((2, 1)),
        (Rows(X), np.zeros((2, 1))),
        loss=loss,
        epochs=4,
        batch_size=2,
        learning_rate=0.1,
        patience=4,
        rng=np.random.default_rng(0),
    )

    assert history.best_epoch == 2
    # From 0 and 1, half the way to 2 and 1 twice: 1, 1.5.
    assert keras.ops.convert_to_numpy(norm.moving_mean) == pytest.approx([1.5])
    assert keras.ops.convert_to_numpy(norm.moving_variance) == pytest.approx([1.0])


def counter() -> keras.Model:
    """A plain recurrent unit that adds up what it sees, from batch to batch; its output is the sum times a weight."""
    added_up = keras.layers.SimpleRNN(
        1,
        activation="linear",
        use_bias=False,
        kernel_initializer="ones",
        recurrent_initializer="ones",
        return_sequences=True,
        stateful=True,
        trainable=False,
    )
    return keras.Sequential(
        [keras.Input((2, 1), 1), added_up, keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")]
    )


def test_a_state_is_carried_through_an_epoch_and_through_a_prediction_and_no_further() -> None:
    X = np.arange(1.0, 7.0).reshape(3, 2, 1)  # 1 to 6 in pieces of two
    sums = np.cumsum(X).reshape(X.shape)  # 1, 3, 6, 10, 15, 21
    model = counter()

    history = run(model, X, sums, (Rows(X), sums), batch_size=1, shuffle=False)

    assert history.curves["loss"] == history.curves["val_loss"] == [0.0] * 3
    np.testing.assert_allclose(predict(model, Rows(X)), sums)


def test_a_state_is_not_carried_through_a_shuffle_or_to_other_sequences() -> None:
    X = np.zeros((3, 2, 1))

    with pytest.raises(ConfigError, match="needs its inputs in order: shuffle=False"):
        run(counter(), X, X, batch_size=1)
    with pytest.raises(ConfigError, match="carries the states of 1 sequences, got batch_size=3"):
        run(counter(), X, X, batch_size=3, shuffle=False)


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="dropout draws from PyTorch's own generator there")
def test_how_often_it_is_validated_does_not_change_training() -> None:
    X = np.random.default_rng(0).standard_normal((8, 4, 1))

    def losses(held_out: Any) -> list[float]:
        keras.utils.set_random_seed(0)
        cells = keras.layers.SimpleRNN(3, recurrent_dropout=0.5)
        model = keras.Sequential([keras.Input((4, 1)), cells, keras.layers.Dense(1)])
        return run(model, X, X[:, 0], held_out).curves["loss"]

    assert losses((Rows(X), X[:, 0])) == losses(None)


class ByNumPy(keras.layers.Layer):
    """Doubles its inputs by a function of NumPy, which XLA cannot compile."""

    def call(self, inputs: Any) -> Any:
        """Double the inputs."""
        import tensorflow as tf

        return tf.ensure_shape(tf.numpy_function(lambda x: 2 * x, [inputs], tf.float32), inputs.shape)


@pytest.mark.parametrize(
    "layer",
    [keras.layers.GRU(3), keras.layers.SeparableConv1D(3, 2), ByNumPy()],
    ids=lambda layer: type(layer).__name__,
)
def test_a_single_input_has_the_outputs_that_keras_gives_it(layer: keras.layers.Layer) -> None:
    if isinstance(layer, ByNumPy) and keras.backend.backend() != "tensorflow":
        pytest.skip("a layer of TensorFlow's")
    clone = type(layer).from_config(layer.get_config())
    model = keras.Sequential(
        [keras.Input((6, 2)), clone, keras.layers.Dropout(0.5), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    X = np.random.default_rng(0).standard_normal((1, 6, 2)).astype(np.float32)
    for _ in range(2):
        expected = np.asarray(model.predict_on_batch(X))
        np.testing.assert_allclose(predict(model, Rows(X)), expected, atol=1e-6)
        model.layers[-1].bias.assign([1.0, -1.0])  # weights that change are followed
    known = weakref.ref(model)
    del model, clone
    gc.collect()
    assert known() is None, "what was traced for it must not keep it"
