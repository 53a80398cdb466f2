"""The receptive field of the temporal convolutional network: its length, what it refuses, what it chooses."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras.ops import convert_to_numpy as as_numpy
from tcn import TCN as Layer

import eegemo.networks.tcn
from eegemo import ConfigError, EEGClassifier
from eegemo.networks.tcn import TCN, LastStepTCN, receptive_field
from tiny import traced


@pytest.mark.parametrize(
    ("kernel_size", "nb_stacks", "dilations", "expected"),
    [
        (3, 1, (1, 2, 4, 8, 16, 32), 253),  # keras-tcn's defaults
        (2, 1, (1,), 3),
        (2, 3, (1,), 7),
        (7, 1, (1, 2, 4, 8), 181),
        (6, 1, (1, 2, 4, 8, 16, 32, 64, 128, 256), 5111),
    ],
)
def test_the_receptive_field_is_the_one_worked_out_by_hand(
    kernel_size: int, nb_stacks: int, dilations: tuple[int, ...], expected: int
) -> None:
    assert receptive_field(kernel_size, nb_stacks, dilations) == expected


@given(
    kernel_size=st.integers(1, 9),
    nb_stacks=st.integers(1, 3),
    dilations=st.lists(st.integers(1, 64), min_size=1, max_size=6).map(tuple),
)
@settings(max_examples=50, deadline=None)
def test_the_receptive_field_is_the_one_that_keras_tcn_gives(
    kernel_size: int, nb_stacks: int, dilations: tuple[int, ...]
) -> None:
    layer = Layer(nb_filters=1, kernel_size=kernel_size, nb_stacks=nb_stacks, dilations=dilations)

    assert receptive_field(kernel_size, nb_stacks, dilations) == layer.receptive_field


@pytest.mark.parametrize(
    ("kernel_size", "nb_stacks", "dilations", "field"),
    [(2, 1, (1, 2), 7), (3, 1, (1, 2), 13), (2, 2, (1,), 5), (2, 1, (1, 4), 11)],
)
def test_the_output_depends_on_the_samples_of_the_receptive_field_alone(
    kernel_size: int, nb_stacks: int, dilations: tuple[int, ...], field: int
) -> None:
    n_times = field + 5
    random.seed(0)  # Keras draws its seeds from Python's
    model = TCN(
        nb_filters=8,
        kernel_size=kernel_size,
        nb_stacks=nb_stacks,
        dilations=dilations,
        head="last",
        short_receptive_field="allow",
    ).build(n_times, 2, 3)
    x = np.random.default_rng(0).standard_normal((1, n_times, 2)).astype(np.float32)
    changed = np.repeat(x, n_times, axis=0)
    changed[np.arange(n_times), np.arange(n_times)] += 3.0  # row i differs from x in sample i

    moved = np.abs(as_numpy(model(changed)) - as_numpy(model(x))).max(axis=1) > 1e-6

    earliest = n_times - field
    assert not moved[:earliest].any()
    assert moved[earliest]
    assert moved[-1]


@pytest.mark.parametrize("n_times", [128, 512])
@pytest.mark.parametrize("kernel_size", [2, 7])
def test_dilations_that_are_left_out_cover_the_window_and_no_more_than_needed(n_times: int, kernel_size: int) -> None:
    model = TCN(nb_filters=2, kernel_size=kernel_size).build(n_times, 1, 2)

    layer = model.get_layer("tcn")
    dilations = list(layer.dilations)
    assert dilations == [2**i for i in range(len(dilations))]
    assert layer.receptive_field >= n_times
    assert receptive_field(kernel_size, 1, tuple(dilations[:-1])) < n_times


@pytest.mark.parametrize(("dilations", "field"), [((1, 2, 4, 8, 16, 32), 253), ([1, 2], 13)])
def test_a_receptive_field_shorter_than_the_window_is_refused(dilations: tuple[int, ...], field: int) -> None:
    classifier = TCN(nb_filters=2, kernel_size=3, dilations=dilations)

    with pytest.raises(ConfigError, match=rf"receptive field is {field} samples .* shorter than the window of 254"):
        classifier.build(254, 1, 2)


def test_a_receptive_field_that_just_covers_the_window_is_accepted() -> None:
    model = TCN(nb_filters=2, kernel_size=3, dilations=(1, 2, 4)).build(29, 1, 2)

    assert model.get_layer("tcn").receptive_field == 29


@pytest.mark.filterwarnings("ignore:Gradients do not exist:UserWarning")  # of a shortcut that leads nowhere
def test_a_short_receptive_field_trains_where_it_is_allowed() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    X = rng.standard_normal((40, 1, 30))
    X[:, :, -2:] += 6 * y[:, None, None]  # what the last two samples say is seen
    network = TCN(nb_filters=4, kernel_size=2, dilations=(1,), head="last", short_receptive_field="allow", dropout=0.0)
    classifier = EEGClassifier(network, epochs=12, batch_size=20, learning_rate=0.05, random_state=0)
    with traced(False):
        assert classifier.fit(X, y).score(X, y) > 0.9


def test_an_unknown_answer_to_a_short_receptive_field_is_refused() -> None:
    with pytest.raises(ConfigError, match="short_receptive_field must be 'refuse' or 'allow', got 'warn'"):
        TCN(short_receptive_field="warn").build(16, 1, 2)


@pytest.mark.parametrize("setting", [{"kernel_size": 1}, {"kernel_size": 0}, {"nb_stacks": 0}])
def test_a_network_that_no_dilation_can_make_long_enough_is_refused(
    setting: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = iter(range(1000))

    def counted(kernel_size: int, nb_stacks: int, dilations: tuple[int, ...]) -> int:
        assert next(calls, None) is not None, "the search for dilations does not end"
        return receptive_field(kernel_size, nb_stacks, dilations)

    monkeypatch.setattr(eegemo.networks.tcn, "receptive_field", counted)

    with pytest.raises(ConfigError, match=next(iter(setting))):
        TCN(**setting).build(16, 1, 2)


def test_a_window_of_one_sample_needs_no_reach() -> None:
    assert TCN(nb_filters=2, kernel_size=1).build(1, 1, 2).output_shape == (None, 2)


@pytest.mark.filterwarnings("ignore:Gradients do not exist:UserWarning")
@pytest.mark.parametrize(
    ("kernel_size", "nb_stacks", "dilations"),
    [
        (11, 1, (1, 2, 4)),  # the default
        (3, 1, (1, 2, 4, 8, 16, 32)),  # longer than the window
        (2, 1, (1, 2)),  # much shorter
        (3, 2, (1, 2, 4)),  # the second stack asks for every step of the first
        (4, 1, (2, 6, 3)),  # no powers of two, and not in order
        (5, 1, (3, 9, 9)),
        (2, 1, (4,)),
        (1, 1, (1,)),
    ],
)
def test_the_last_step_alone_is_what_keras_tcn_gives_and_so_are_its_gradients(
    kernel_size: int, nb_stacks: int, dilations: tuple[int, ...]
) -> None:
    options = {"nb_filters": 6, "kernel_size": kernel_size, "nb_stacks": nb_stacks, "dilations": dilations}
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5, 70, 3)).astype(np.float32)
    whole, cone = (
        keras.Sequential([keras.Input((70, 3)), layer(**options, use_layer_norm=True), keras.layers.Dense(2)])
        for layer in (Layer, LastStepTCN)
    )
    assert [w.shape for w in whole.get_weights()] == [w.shape for w in cone.get_weights()]
    cone.set_weights([w + 0.2 * rng.standard_normal(w.shape) for w in whole.get_weights()])
    whole.set_weights(cone.get_weights())

    np.testing.assert_allclose(as_numpy(cone(x)), as_numpy(whole(x)), atol=3e-6)

    for model in (whole, cone):
        model.compile(keras.optimizers.SGD(0.1), "mean_squared_error")
        with traced(False):
            model.train_on_batch(x, np.ones((5, 2)))
    for moved, expected in zip(cone.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(moved, expected, atol=1e-5)


def outputs_of(head: str | tuple[int, ...], x: np.ndarray) -> np.ndarray:
    """What the output layer sees, of one network whose weights are the same for every head."""
    random.seed(0)
    layers = TCN(nb_filters=5, kernel_size=3, head=head).layers(x.shape[1], x.shape[2])
    return as_numpy(keras.Sequential([keras.Input(x.shape[1:]), *layers])(x))


def test_the_heads_are_mean_all_last_and_chosen_steps_of_one_sequence() -> None:
    x = np.random.default_rng(0).standard_normal((4, 20, 3)).astype(np.float32)

    steps = outputs_of("flatten", x).reshape(4, 20, 5)

    np.testing.assert_allclose(outputs_of("average", x), steps.mean(axis=1), atol=1e-6)
    np.testing.assert_allclose(outputs_of("last", x), steps[:, -1], atol=1e-6)
    np.testing.assert_allclose(outputs_of((4, -1), x), steps[:, [4, 19]].reshape(4, 10), atol=1e-6)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("mean", "head 'mean'"),
        ((), "head must be 'average', 'flatten', 'last', or steps from -16 to 15"),
        ((16,), "steps from -16 to 15, got \\(16,\\)"),
        ((0.5,), "got \\(0.5,\\)"),
        (None, "got None"),
    ],
)
def test_an_unknown_head_is_refused(head: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TCN(head=head).build(16, 1, 2)


@pytest.mark.parametrize("head", ["average", "flatten", "last", (7, 15)])
def test_plain_keras_reads_every_head(head: str | tuple[int, ...], tmp_path: Path) -> None:
    model = TCN(nb_filters=3, kernel_size=3, head=head).build(16, 2, 2)
    model.save(tmp_path / "model.keras")
    x = np.random.default_rng(0).standard_normal((2, 16, 2)).astype(np.float32)

    again = keras.models.load_model(tmp_path / "model.keras")

    np.testing.assert_allclose(as_numpy(again(x)), as_numpy(model(x)), atol=1e-6)
