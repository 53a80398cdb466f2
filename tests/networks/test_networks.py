"""The layers of every registered network, and their sizes."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy as as_numpy

from eegemo import ConfigError, EEGClassifier
from eegemo.networks import NETWORKS, ChannelNormalization, EEGNet, network_class

N_CLASSES, N_CHANNELS, N_TIMES = 4, 32, 128


def noise(n: int = 8) -> tuple[np.ndarray, np.ndarray]:
    return np.random.default_rng(0).standard_normal((n, 2, 16)).astype(np.float32), np.arange(n) % 2


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("setting", [{"normalization": "z"}, {"normalize_over": "test"}])
def test_a_classifier_refuses_an_unknown_normalisation(name: str, setting: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=f"but got '{next(iter(setting.values()))}'"):
        EEGClassifier(name, **setting).fit(*noise())  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NETWORKS)
def test_without_normalisation_the_network_has_no_such_layer(name: str) -> None:
    model = EEGClassifier(name, normalization=None, epochs=1).fit(*noise()).model_

    assert not any(isinstance(layer, ChannelNormalization) for layer in model.layers)


@pytest.fixture(scope="module")
def networks() -> dict[str, Any]:
    """Every registered network with its defaults, for the paper's four classes."""
    return {name: network_class(name)().build(N_TIMES, N_CHANNELS, N_CLASSES) for name in NETWORKS}


def trainable(layer: Any) -> int:
    return sum(int(np.prod(weight.shape)) for weight in layer.trainable_weights)


@pytest.mark.parametrize("name", ["cnn-gru", "cnn-lstm", "tcn"])
def test_a_default_network_has_as_many_parameters_as_the_paper_allows(networks: dict[str, Any], name: str) -> None:
    assert 10_000 <= trainable(networks[name]) <= 999_999


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_takes_microvolts_and_gives_probabilities(networks: dict[str, Any], name: str) -> None:
    microvolts = 30 * np.random.default_rng(0).standard_normal((3, N_TIMES, N_CHANNELS))

    proba = keras.ops.convert_to_numpy(networks[name](microvolts))

    assert proba.dtype == np.float32
    assert proba.shape == (3, N_CLASSES)
    assert (proba >= 0).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(("name", "recurrent"), [("cnn-gru", "GRU"), ("cnn-lstm", "LSTM")])
def test_the_layers_come_in_the_papers_order(networks: dict[str, Any], name: str, recurrent: str) -> None:
    named_by_the_paper = (
        keras.layers.Conv1D,
        keras.layers.MaxPooling1D,
        keras.layers.GRU,
        keras.layers.LSTM,
        keras.layers.Flatten,
        keras.layers.Dense,
    )
    layers = [layer for layer in networks[name].layers if isinstance(layer, named_by_the_paper)]

    kinds = [type(layer).__name__ for layer in layers]
    assert kinds == ["Conv1D", "MaxPooling1D", recurrent, "Flatten", "Dense", "Dense"]
    assert layers[2].return_sequences
    assert layers[-1].units == N_CLASSES
    assert layers[-1].activation is keras.activations.softmax


@pytest.mark.parametrize(("name", "gates", "biases"), [("cnn-gru", 3, 2), ("cnn-lstm", 4, 1)])
def test_the_parameters_of_a_recurrent_network_are_those_of_its_formulas(name: str, gates: int, biases: int) -> None:
    filters, kernel, pool, units, dense = 5, 3, 8, 6, 7
    sizes = {"filters": filters, "kernel_size": kernel, "pool_size": pool, "units": units, "dense_units": dense}

    model = network_class(name)(**sizes).build(N_TIMES, N_CHANNELS, N_CLASSES)

    steps = N_TIMES // pool
    expected = {
        "convolution": kernel * N_CHANNELS * filters + filters,
        "recurrent": gates * (units * (filters + units) + biases * units),
        "hidden": steps * units * dense + dense,
        "softmax": dense * N_CLASSES + N_CLASSES,
    }
    assert trainable(model) == sum(expected.values())


# Worked out by hand for 128 x 32 windows and 4 classes, of the default sizes:
# conv 7*32*64+64 = 14,400; GRU 3*(64*(64+64)+2*64) = 24,960 or LSTM 4*(64*(64+64)+64) = 33,024;
# dense 128/16*64*64+64 = 32,832; softmax 64*4+4 = 260.
# TCN, dilations 1 2 4: the first convolution 11*32*24+24 = 8,472, the shortcut around its block 32*24+24 = 792, five
# more convolutions of 11*24*24+24 = 6,360, six layer normalisations of 2*24 = 48, together 41,352;
# softmax 24*4+4 = 100.
@pytest.mark.parametrize(("name", "count"), [("cnn-gru", 72_452), ("cnn-lstm", 80_516), ("tcn", 41_452)])
def test_a_default_network_has_the_size_worked_out_by_hand(networks: dict[str, Any], name: str, count: int) -> None:
    assert trainable(networks[name]) == count


def test_a_name_that_is_no_network_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match=r"Unknown network 'cnn-gur'. Did you mean 'cnn-gru'\?"):
        network_class("cnn-gur")


# EEGNet


def test_the_parameters_of_eegnet_are_those_of_its_formulas(networks: dict[str, Any]) -> None:
    """Lawhern et al. 2018, table 2: C channels, T samples, filters of 64 and 16 samples, no biases before the last."""
    filters, depth, pointwise = 8, 2, 16
    expected = {
        "temporal": 64 * filters,
        "temporal_norm": 2 * filters,
        "spatial": N_CHANNELS * depth * filters,
        "spatial_norm": 2 * depth * filters,
        "separable": 16 * depth * filters + pointwise * depth * filters,
        "separable_norm": 2 * pointwise,
        "output": pointwise * (N_TIMES // 32) * N_CLASSES + N_CLASSES,
    }
    found = {layer.name: trainable(layer) for layer in networks["eegnet"].layers if trainable(layer)}
    assert found == expected


def test_eegnets_spatial_filters_and_output_keep_their_norms() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((64, 3, 32)), np.arange(64) % 2
    classifier = EEGClassifier(EEGNet(kernel_length=8), learning_rate=0.5, epochs=3, random_state=0)
    network = classifier.fit(X, y).model_
    spatial = as_numpy(network.get_layer("spatial").kernel)  # channels, 1, temporal filters, depth
    norms = np.linalg.norm(spatial, axis=0)
    assert norms.max() <= 1 + 1e-5
    assert np.linalg.norm(as_numpy(network.get_layer("output").kernel), axis=0).max() <= 0.25 + 1e-5
    free = as_numpy(network.get_layer("temporal").kernel)
    assert np.linalg.norm(free.reshape(8, -1), axis=0).max() > 1  # such steps would have led out


def test_eegnet_filters_over_time_then_over_channels(networks: dict[str, Any]) -> None:
    """The first two convolutions by hand, with the weights of the network: filters over time, then over channels."""
    network = networks["eegnet"]
    x = np.random.default_rng(0).standard_normal((2, N_TIMES, N_CHANNELS)).astype(np.float32)
    temporal = as_numpy(network.get_layer("temporal").kernel)[0, :, 0]  # samples, filters
    spatial = as_numpy(network.get_layer("spatial").kernel)[:, 0]  # channels, filters, depth
    padded = np.pad(x, ((0, 0), (31, 32), (0, 0)))  # TensorFlow's "same" of 64 samples
    frames = np.lib.stride_tricks.sliding_window_view(padded, 64, axis=1)
    filtered = np.einsum("btck,kf->bctf", frames, temporal)
    plane = x.transpose(0, 2, 1)[..., None]
    np.testing.assert_allclose(as_numpy(network.get_layer("temporal")(plane)), filtered, atol=1e-4)
    projected = np.einsum("bctf,cfd->btfd", filtered, spatial).reshape(2, 1, N_TIMES, 16)
    np.testing.assert_allclose(as_numpy(network.get_layer("spatial")(filtered)), projected, atol=1e-4)


@pytest.mark.parametrize("name", ["CNNGRU", "TCN"])
def test_importing_a_network_first_is_quiet(name: str) -> None:
    loud = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
    script = f"from eegemo.networks import {name}; print({name}().build(64, 2, 2).output_shape)"

    done = subprocess.run([sys.executable, "-c", script], env=loud, check=True, capture_output=True, text=True)

    assert (done.stdout, done.stderr) == ("(None, 2)\n", "")
