"""Plain recurrent networks: their formulas, an answer at every step, a state that is carried on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras.ops import convert_to_numpy as as_numpy

from eegemo import ConfigError, EEGClassifier, make_model, read_classifier
from eegemo.networks import GRU, LSTM, NETWORKS, RECURRENT, RNN, TCN, EEGNet, Network, network_class, register_network
from tiny import traced


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # Of 3 channels and 4 units: W 3 x 4, U 4 x 4, a bias of 4 for each gate; Keras's GRU has two biases.
        ("rnn", 3 * 4 + 4 * 4 + 4),
        ("gru", 3 * (3 * 4 + 4 * 4 + 2 * 4)),
        ("lstm", 4 * (3 * 4 + 4 * 4 + 4)),
    ],
)
def test_the_parameters_are_those_of_the_formulas(name: str, expected: int) -> None:
    model = network_class(name)(units=4).build(n_times=6, n_channels=3, n_outputs=2)

    assert model.count_params() == expected + 4 * 2 + 2


def test_a_plain_network_steps_as_its_formula_says() -> None:
    model = RNN(units=4, n_layers=2).build_sequence(6, 3, 2, activation="linear")
    x = np.random.default_rng(0).standard_normal((2, 6, 3)).astype(np.float32)

    h = x
    for layer in model.layers[:2]:
        W, U, b = layer.get_weights()
        steps, state = [], np.zeros((2, 4))
        for t in range(6):
            state = np.tanh(h[:, t] @ W + state @ U + b)
            steps.append(state)
        h = np.stack(steps, axis=1)
    kernel, bias = model.layers[-1].get_weights()
    np.testing.assert_allclose(as_numpy(model(x)), h @ kernel + bias, atol=1e-5)


@pytest.mark.parametrize("network", [RNN(units=3), GRU(units=3), LSTM(units=3), TCN(nb_filters=3, kernel_size=2)])
def test_no_answer_depends_on_a_later_step(network: Network) -> None:
    model = network.build_sequence(8, 2, 3)
    x = np.random.default_rng(0).standard_normal((1, 8, 2)).astype(np.float32)
    changed = x.copy()
    changed[0, 5] += 3

    moved = np.abs(as_numpy(model(changed)) - as_numpy(model(x)))[0].max(axis=-1) > 1e-6

    assert model.output_shape == (None, 8, 3)
    assert moved.tolist() == [False] * 5 + [True] * 3


@pytest.mark.parametrize("network", [RNN(units=3), GRU(units=3), LSTM(units=3)])
def test_pieces_give_what_the_whole_gives_where_the_state_is_carried(network: Network) -> None:
    whole = network.build_sequence(12, 2, 1, activation="linear")
    pieces = network.build_sequence(4, 2, 1, activation="linear", batch_size=5)
    x = np.random.default_rng(0).standard_normal((5, 12, 2)).astype(np.float32)
    for own, theirs in zip(pieces.trainable_variables, whole.trainable_variables, strict=True):
        own.assign(theirs)

    outputs = [as_numpy(pieces(x[:, start : start + 4])) for start in (0, 4, 8)]

    np.testing.assert_allclose(np.concatenate(outputs, axis=1), as_numpy(whole(x)), atol=1e-5)


def test_a_network_that_cannot_answer_at_every_step_says_so() -> None:
    with pytest.raises(ConfigError, match="EEGNet has one answer for a window, and none at every step"):
        EEGNet().build_sequence(16, 2, 2)
    with pytest.raises(ConfigError, match="A TCN carries no state"):
        TCN(nb_filters=2, kernel_size=2).build_sequence(16, 2, 2, batch_size=4)


@pytest.mark.parametrize("sizes", [{"units": 0}, {"n_layers": 1.5}, {"dropout": -0.1}])
def test_sizes_that_cannot_be_used_are_refused(sizes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"Received: {next(iter(sizes))}="):
        RNN(**sizes).build(8, 2, 2)


def test_they_are_known_by_name_and_are_no_networks_of_eeg(tmp_path: Path) -> None:
    X, y = np.random.default_rng(0).standard_normal((12, 2, 6)), np.arange(12) % 2
    with traced(False), pytest.warns():  # two steps teach it nothing, which is said
        classifier = make_model("gru", units=3, epochs=2, random_state=0).fit(X, y)
    classifier.save(tmp_path / "gru.keras")

    again = read_classifier(tmp_path / "gru.keras")

    np.testing.assert_allclose(again.predict_proba(X), classifier.predict_proba(X), atol=1e-6)
    assert EEGClassifier(GRU()).network_name == "gru"
    assert not set(NETWORKS) & set(RECURRENT)
    with pytest.raises(ConfigError, match="'lstm' is the name of a network of eegemo's own"):
        register_network("lstm")(RNN)
