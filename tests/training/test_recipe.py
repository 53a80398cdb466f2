"""How long and how fast a network is trained."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eegemo.training import RECIPE, SQUARED_ERROR, Recipe, train


@pytest.mark.parametrize(
    ("n_windows", "batch_size", "expected"),
    [
        (1920, 64, 134),  # 30 batches an epoch: one person
        (7680, 64, 34),  # 120 batches: four
        (61_440, 64, 30),  # 960 batches: thirty-two, where 4000 batches would be 5 epochs
        (100, 64, 200),  # 2 batches, where they would be 2000
        (7681, 64, 34),  # 121 batches
    ],
)
def test_epochs_go_with_the_batches_that_they_have(n_windows: int, batch_size: int, expected: int) -> None:
    assert RECIPE.epochs(n_windows, batch_size) == expected


@pytest.mark.parametrize(("epochs", "expected"), [(1, 1), (4, 1), (20, 5), (34, 9), (200, 50)])
def test_patience_is_a_quarter_of_the_epochs(epochs: int, expected: int) -> None:
    assert RECIPE.patience(epochs) == expected


def test_the_learning_rate_rises_over_200_batches_and_falls_by_half_a_cosine() -> None:
    rates = np.array([RECIPE.learning_rate(update, 4000, 0.003) for update in range(4000)])

    assert rates[0] == pytest.approx(0.003 / 200)
    assert rates.argmax() == 199
    assert rates[199] == pytest.approx(0.003 * (1 + np.cos(np.pi * 199 / 4000)) / 2)
    assert rates[2000] == pytest.approx(0.0015)
    assert 0 < rates[-1] < 1e-8


@given(n_updates=st.integers(1, 300), beyond=st.integers(0, 50))
def test_no_learning_rate_is_negative_or_above_the_highest(n_updates: int, beyond: int) -> None:
    rates = [RECIPE.learning_rate(update, n_updates, 1.0) for update in range(n_updates + beyond)]

    assert min(rates) > 0
    assert max(rates) <= 1


def test_without_rise_and_fall_the_learning_rate_stays() -> None:
    assert {Recipe(warm_up=0, falls=False).learning_rate(update, 9, 0.5) for update in range(9)} == {0.5}


def test_a_callback_that_sets_the_learning_rate_has_it_from_then_on() -> None:
    seen: list[float] = []

    class Setter(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
            if epoch == 2:
                self.model.optimizer.learning_rate = 0.25

        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            seen.append(float(self.model.optimizer.learning_rate))

    class Rows:
        def __len__(self) -> int:
            return 4

        def gather(self, index: np.ndarray, /) -> np.ndarray:
            return np.ones((len(index), 1), np.float32)

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    train(
        model,
        Rows(),
        np.ones((4, 1)),
        loss=SQUARED_ERROR,
        epochs=4,
        batch_size=4,
        learning_rate=0.1,
        patience=4,
        rng=np.random.default_rng(0),
        callbacks=[Setter()],
    )

    assert seen == pytest.approx([0.1, 0.1 * (1 + np.cos(np.pi / 4)) / 2, 0.25, 0.25])
