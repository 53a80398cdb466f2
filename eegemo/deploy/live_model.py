"""What a model that is to be live says of itself: channels, rate, window, classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from eegemo._numbers import finite
from eegemo.deploy.carrying import card_of, channels_of
from eegemo.deploy.filtered_trials import refuse_filtered_trials
from eegemo.deploy.recordings import class_names, refuse_normalised
from eegemo.errors import ConfigError
from eegemo.models.checks import warn_of_volts
from eegemo.windows import whole_samples

_RATE_ROUNDED = 1e-5  # of it: a device may call 128 Hz 127.999


class LiveModel:
    """A fitted classifier, with the channels, the rate and the window that it takes.

    Parameters
    ----------
    model : classifier
        With ``predict_proba``; a scikit-learn pipeline says of itself what its first step says.
    ch_names : sequence of str | None
        Its channels, where it does not say them.
    sfreq : float | None
        Its rate in Hz, likewise.

    Raises
    ------
    ConfigError
        If it has no probabilities, what it takes is not known, or its windows were normalised over a person or filtered
        trial by trial.
    """

    def __init__(self, model: Any, ch_names: Sequence[str] | None, sfreq: float | None) -> None:
        kind = type(model).__name__
        if not callable(getattr(model, "predict_proba", None)):
            raise ConfigError(f"{kind} gives no probabilities; a fitted classifier with predict_proba is needed.")
        refuse_filtered_trials(model, "A live model")
        self._model = model
        names = ch_names if ch_names is not None else channels_of(model)
        rate = sfreq if sfreq is not None else _said_by(model, "sfreq_")
        if names is None or rate is None:
            raise ConfigError(
                f"{kind} does not say on which channels and at which rate it was fitted, being fitted on arrays; "
                "give model_ch_names and model_sfreq, or fit it on Windows."
            )
        self.ch_names, self.sfreq = tuple(names), finite("model_sfreq", rate)
        n_channels = _said_by(model, "n_channels_")
        if n_channels is not None and n_channels != len(self.ch_names):
            raise ConfigError(f"{kind} was fitted on {n_channels} channels, got {len(self.ch_names)} names.")
        self._n_times = _said_by(model, "n_times_")
        classes = getattr(model, "classes_", None)
        if classes is None:
            raise ConfigError(f"{kind} has no classes_; fit it first.")
        card = card_of(model)
        refuse_normalised(card)
        self._unit_known = hasattr(model, "model_")  # an EEGClassifier warns by itself
        self.classes: list[Any] = np.asarray(classes).tolist() if card is None else class_names(model)

    def window(self, duration: float | None, step: float | None) -> tuple[int, int]:
        """Return the samples in a window and from one to the next.

        Parameters
        ----------
        duration, step : float | None
            In seconds; the model's, and as much again, where not given.

        Returns
        -------
        n_times, n_step : int

        Raises
        ------
        ConfigError
            If the model takes other windows, or they are no whole number of samples, one at least.
        """
        n_times = self._n_times
        if duration is not None:
            n_times = self._samples("duration", duration)
            if self._n_times is not None and n_times != self._n_times:
                seconds = self._n_times / self.sfreq
                raise ConfigError(f"The model takes windows of {seconds:g} s, got duration={duration:g}; leave it out.")
        if n_times is None:
            raise ConfigError("The model does not say how long its windows are; give duration in seconds.")
        n_step = n_times if step is None else self._samples("step", step)
        if n_times < 1 or n_step < 1:
            raise ConfigError(f"duration and step must be a sample at least, got {duration} and {step}.")
        return int(n_times), n_step

    def _samples(self, name: str, seconds: float) -> int:
        about = round(finite(name, seconds) * self.sfreq)
        nearly = abs(about - seconds * self.sfreq) <= _RATE_ROUNDED * about
        return about if nearly else whole_samples(name, seconds, self.sfreq)

    def predict_proba(self, windows: np.ndarray) -> np.ndarray:
        """Classify windows.

        Parameters
        ----------
        windows : array, shape (n, n_channels, n_times)
            In microvolts.

        Returns
        -------
        proba : array, shape (n, n_classes)
        """
        if not self._unit_known and np.ptp(windows):
            self._unit_known = True
            warn_of_volts(windows, stacklevel=6)  # whoever called push
        return np.asarray(self._model.predict_proba(windows))


def _said_by(model: Any, name: str) -> Any:
    """Return an attribute of a model, or of the first step of a pipeline."""
    found = getattr(model, name, None)
    steps = getattr(model, "steps", None)
    return _said_by(steps[0][1], name) if found is None and steps else found
