"""The same network without loops: its recurrent layers step by step."""

from __future__ import annotations

import numpy as np

from eegemo._keras import keras


def unrolled(model: keras.Model) -> keras.Model:
    """Make a twin of a network whose recurrent layers are unrolled.

    Parameters
    ----------
    model : keras.Model
        Left as it is.

    Returns
    -------
    twin : keras.Model
        With the same weights, called once.
    """

    def copied(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if isinstance(layer, (keras.layers.GRU, keras.layers.LSTM, keras.layers.SimpleRNN)):
            config["unroll"] = True
        return type(layer).from_config(config)

    twin = keras.models.clone_model(model, clone_function=copied)
    twin.set_weights(model.get_weights())
    twin(np.zeros((1, *model.input_shape[1:]), np.float32))
    return twin
