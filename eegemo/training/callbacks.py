"""Who listens to a training, and what may be given for it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from eegemo._keras import keras
from eegemo._progress import progress_bar
from eegemo.errors import ConfigError


class EpochListener(keras.callbacks.Callback):
    """Tell how many epochs are done; it leaves the network alone.

    Parameters
    ----------
    listener : callable
        Called after each epoch with their number.
    """

    def __init__(self, listener: Callable[[int], object]) -> None:
        super().__init__()
        self.listener = listener

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Tell it."""
        self.listener(epoch + 1)


class StopAfter(EpochListener):
    """End a training after so many epochs, the learning rate falling as if it went on.

    Parameters
    ----------
    epochs : int
        How many.
    """

    def __init__(self, epochs: int) -> None:
        super().__init__(self._stop)
        self.epochs = epochs

    def _stop(self, done: int) -> None:
        if done >= self.epochs:
            self.model.stop_training = True


@contextmanager
def epoch_bar(epochs: int, name: str, *, enabled: bool) -> Iterator[list[keras.callbacks.Callback]]:
    """Show a bar over epochs.

    Parameters
    ----------
    epochs : int
        At most so many.
    name : str
        Stands before the bar.
    enabled : bool
        Whether there is one.

    Yields
    ------
    callbacks : list of keras.callbacks.Callback
        They move it.
    """
    if not enabled:
        yield []
        return
    with progress_bar() as bar:
        task = bar.add_task(name, total=epochs)
        yield [EpochListener(lambda done: bar.update(task, completed=done))]


def as_callbacks(callbacks: Any) -> Sequence[keras.callbacks.Callback]:
    """Take what Keras takes: callbacks, a single one, or None.

    Parameters
    ----------
    callbacks : sequence of keras.callbacks.Callback | keras.callbacks.Callback | None
        What the user gave.

    Returns
    -------
    callbacks : sequence of keras.callbacks.Callback

    Raises
    ------
    ConfigError
        If something else is among them.
    """
    if callbacks is None:
        return []
    several = [callbacks] if isinstance(callbacks, keras.callbacks.Callback) or callable(callbacks) else list(callbacks)
    for one in several:
        if inspect.isclass(one):
            raise ConfigError(f"A callback was expected, got its class: give {one.__name__}().")
        if not isinstance(one, keras.callbacks.Callback):
            raise ConfigError(
                f"Callbacks must be keras.callbacks.Callback, got {one!r}; wrap a function in "
                "keras.callbacks.LambdaCallback(on_epoch_end=...)."
            )
    return several
