"""What a trained model says of a new recording, window by window."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import mne
import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from eegemo._electrodes import found_as
from eegemo._mne import units_per_mne_unit
from eegemo._paths import as_path
from eegemo._warnings import warn_caller
from eegemo.deploy.carrying import card_of, channels_of
from eegemo.deploy.exported import load_exported
from eegemo.deploy.settings_for_channels import settings_for_channels
from eegemo.errors import ConfigError, DataFormatError, suggest_keywords
from eegemo.models.card import ModelCard
from eegemo.preprocessing.pauses import clock_seconds, interrupted
from eegemo.preprocessing.reading import read_recording
from eegemo.preprocessing.stage import Preprocessing, preprocess
from eegemo.preprocessing.units import UNITS_WARNING, wrong_unit
from eegemo.trials import Trials

_RATE_ROUNDED = 1e-3  # of it; a device may call 128 Hz 127.999
_IN_MICROVOLTS = ("eeg", "eog", "emg")  # a model of trials with such channels may have been trained on all three


@suggest_keywords
def predict_recording(
    model: Any,
    recording: mne.io.BaseRaw | str | os.PathLike[str],
    preprocessing: Preprocessing | None = None,
    *,
    step: float | None = None,
) -> pd.DataFrame:
    """Apply a trained model to a continuous recording.

    Parameters
    ----------
    model : EEGClassifier | ExportedModel | Pipeline | path-like
        Fitted on Windows, which say its channels and rate; or the file of one (``.keras``, or what
        :func:`eegemo.export` wrote).
    recording : mne.io.BaseRaw | path-like
        Any that MNE reads, in volts. Its channels are found by name, as T3 for T7, behind prefixes and references
        (``EEG Fp1-REF``), and put into the model's order.
    preprocessing : Preprocessing | None
        What is done to it. Where None, what was done to the recordings that the model was trained on, as far as its
        card says: all steps, or the pass band and the rate; ocular artefacts are removed where there are EOG channels.
    step : float | None
        Seconds from one window to the next, at most the length of a window; that by default.

    Returns
    -------
    table : DataFrame
        A row a window: ``time`` (seconds from the first sample of the recording to that of the window, pauses of an
        EDF+D included), ``class``, a column ``p_<class>`` for each probability, and ``bad``: whether the recording's
        annotations call a part of the window bad, or it lies across a pause or the joint of two recordings.
        ``table.attrs`` says what the model's scores were, and under which protocol.

    Raises
    ------
    DataFormatError
        If channels that the model needs are missing or not taken as EEG, the recording is slower than the model,
        shorter than a window, or not in volts.
    ConfigError
        If the model does not say its channels, was trained on windows that were normalised over a person's recordings,
        or the preprocessing gives another rate.

    See Also
    --------
    eegemo.fit_final : Makes a model for this.
    eegemo.reporting.probabilities_figure : Draws the table.

    Examples
    --------
    >>> import mne
    >>> import numpy as np
    >>> from eegemo import Preprocessing, make_model, predict_recording, quadrants, simulate
    >>> windows = simulate(subjects=1, channels=["F3", "F4", "O1", "O2"]).windows(duration=4.0)
    >>> model = make_model("logistic-regression").fit(windows, quadrants()(windows))
    >>> info = mne.create_info(["EEG F3-A1", "EEG F4-A1", "EEG O1-A1", "EEG O2-A1"], 256.0, "eeg")
    >>> raw = mne.io.RawArray(1e-5 * np.random.default_rng(0).standard_normal((4, 5120)), info, verbose="error")
    >>> predict_recording(model, raw, Preprocessing(eog=None))["time"].tolist()
    [0.0, 4.0, 8.0, 12.0, 16.0]
    """
    model = model if hasattr(model, "predict_proba") else read_model(model)
    ch_names, sfreq, n_times = _window_of(model)
    if isinstance(recording, mne.io.BaseRaw):
        raw = recording
    else:
        raw = read_recording(recording)
    if raw.info["sfreq"] < sfreq * (1 - _RATE_ROUNDED):
        raise DataFormatError(
            f"The recording has {raw.info['sfreq']:g} samples a second, and the model was trained at {sfreq:g} Hz; "
            "what was not recorded cannot be made up. Train a model at the recording's rate, or below."
        )
    card = card_of(model)
    refuse_normalised(card)
    settings = preprocessing or settings_of(card, sfreq, raw)
    if not isinstance(settings, Preprocessing):
        raise ConfigError(f"The steps were expected as Preprocessing(...), got {preprocessing!r}.")
    _check_channels(raw, settings, ch_names)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", UNITS_WARNING)  # an error here, below
        clean = preprocess(raw, settings)
    unit = wrong_unit(clean, standardised=True)
    if unit:
        raise DataFormatError(unit)
    if abs(clean.info["sfreq"] - sfreq) > 1e-6:
        raise ConfigError(
            f"The model was trained at {sfreq:g} Hz, and the preprocessing leaves {clean.info['sfreq']:g} Hz; set "
            f"sfreq={sfreq:g}."
        )
    if clean.n_times < n_times:
        raise DataFormatError(
            f"The recording lasts {clean.n_times / sfreq:g} s, less than a window of {n_times / sfreq:g} s."
        )
    return _predicted(model, clean, ch_names, n_times, step)


def read_model(path: str | os.PathLike[str]) -> Any:
    """Read a trained model from its file.

    Parameters
    ----------
    path : path-like
        What :meth:`eegemo.EEGClassifier.save` wrote (``.keras``), or :func:`eegemo.export`.

    Returns
    -------
    model : EEGClassifier | ExportedModel

    Raises
    ------
    DataFormatError
        If it cannot be read, or is no classifier.
    """
    path = as_path(path, "model")
    if path.suffix != ".keras":
        return load_exported(path)
    if not path.is_file():
        raise DataFormatError(f"There is no model {str(path)!r}; check its name and its folder.")
    from eegemo.models.reading import read_classifier

    model = read_classifier(path)
    if not hasattr(model, "classes_"):
        raise DataFormatError(f"{path.name}: holds a {type(model).__name__}, and a classifier was expected.")
    return model


def class_names(model: Any) -> list[str]:
    """Return the names of a model's classes, in the order of its probabilities.

    Parameters
    ----------
    model : EEGClassifier | ExportedModel | Pipeline
        Fitted.

    Returns
    -------
    names : list of str
        Those on its card, where it has one.
    """
    card = card_of(model)
    classes = model.classes_.tolist()
    return [str(one) for one in classes] if card is None else [card.classes[number] for number in classes]


def _window_of(model: Any) -> tuple[tuple[str, ...], float, int]:
    """Return channels, rate and samples of the windows that a model was trained on."""
    first = model[0] if isinstance(model, Pipeline) else model
    ch_names, sfreq = channels_of(model), getattr(first, "sfreq_", None)
    if not hasattr(model, "classes_") or not hasattr(first, "n_times_"):
        raise ConfigError(f"A fitted classifier of windows was expected, got {type(model).__name__}.")
    if ch_names is None or sfreq is None:
        raise ConfigError(
            f"{type(model).__name__} does not say on which channels and at which rate it was fitted, being fitted on "
            "arrays; fit it on Windows, or cut the recording yourself and call predict_proba."
        )
    return ch_names, float(sfreq), int(first.n_times_)


def refuse_normalised(card: ModelCard | None) -> None:
    """Refuse a model whose windows were normalised over all recordings of a person.

    Parameters
    ----------
    card : ModelCard | None
        The model's, where it has one.

    Raises
    ------
    ConfigError
        If they were.
    """
    if card is not None and card.leakage.get("fitted_on_test"):
        raise ConfigError(
            f"The model was trained on windows that were normalised over a person's recordings "
            f"({', '.join(card.leakage['fitted_on_test'])}), which one recording does not have; train it without."
        )


def settings_of(
    card: ModelCard | None, sfreq: float, raw: mne.io.BaseRaw, given: Mapping[str, Any] | None = None
) -> Preprocessing:
    """Return the steps that the model's own recordings went through, as far as that is known.

    Parameters
    ----------
    card : ModelCard | None
        The model's, where it has one.
    sfreq : float
        The model's rate in Hz.
    raw : mne.io.BaseRaw
        A recording with the channels that the steps are for.
    given : mapping of str -> object | None
        Settings, by their names, that replace those of the model's recordings.

    Returns
    -------
    settings : Preprocessing

    Raises
    ------
    ConfigError
        If the steps are not known here.
    """
    given = given or {}
    known = {} if card is None or card.preprocessing is None else dict(card.preprocessing)
    names = {field.name for field in fields(Preprocessing)}
    if set(known) - names:
        raise ConfigError(
            f"The model's recordings were prepared by steps that are not known here ({', '.join(set(known) - names)}); "
            "give preprocessing."
        )
    if known:
        settings = replace(Preprocessing.from_json(known), **given)
        settings, lacking = settings_for_channels(settings, raw)
        settings = replace(settings, **{"sfreq": sfreq, "baseline": 0.0, "reject": None, **given})
    else:
        low, high = (None, None) if card is None else card.pass_band
        settings = Preprocessing(**{"sfreq": sfreq, "band": (low, high) if low and high else None, **given})
        lacking = []
        if settings.band is None and "band" not in given:
            warn_caller(
                "It is not known how the recordings of this model were prepared; this one is high-passed at 1 Hz and "
                "referenced to the average. Give preprocessing, as they were."
            )
    if settings.eog is None or "eog" in given:
        return settings
    head = settings.name_channels(raw.copy().crop(0, min(1.0, raw.times[-1])))
    lacking += [name for name in settings.eog_channels if name not in (*head.ch_names, *lacking)]
    if not lacking and (settings.eog_channels or "eog" in head.get_channel_types()):
        return settings
    if known:
        which = f" {', '.join(lacking)}" if lacking else ""
        warn_caller(
            f"The recordings of this model had their ocular artefacts removed; this one has no EOG channel{which}, so "
            "they stay in it."
        )
    return replace(settings, eog=None)


def _check_channels(raw: mne.io.BaseRaw, settings: Preprocessing, ch_names: tuple[str, ...]) -> None:
    """Refuse a recording without the model's channels, before anything long is done to it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # given when all of it is prepared
        head = settings.name_channels(raw.copy().crop(0, min(1.0, raw.times[-1])))
    missing = [name for name in ch_names if name not in found_as(ch_names, head.ch_names)]
    if missing:
        raise DataFormatError(
            f"Channels {', '.join(missing)} are missing, which the model needs; the recording has "
            f"{', '.join(head.ch_names)}. Rename its channels (Preprocessing(rename=...)), or take a model of its "
            "channels."
        )
    refuse_other_types(ch_names, head, _IN_MICROVOLTS)


def refuse_other_types(wanted: Sequence[str], named: mne.io.BaseRaw, types: Sequence[str] = ("eeg",)) -> None:
    """Refuse channels of a model that are there, but would not be prepared as those that it was trained on.

    Parameters
    ----------
    wanted : sequence of str
        The model's channels.
    named : mne.io.BaseRaw
        A recording whose channels have the names and types that the settings give them.
    types : sequence of str
        MNE's types that they may have.

    Raises
    ------
    DataFormatError
        If one has another.
    """
    there = dict(zip(named.ch_names, named.get_channel_types(), strict=True))
    others = {own: there[own] for own in found_as(wanted, there).values() if there[own] not in types}
    if others:
        raise DataFormatError(
            f"The model was trained on channels that are not taken as EEG here: "
            f"{', '.join(f'{name} (of type {kind})' for name, kind in others.items())}. If they are EEG, give them "
            f"that type (Preprocessing(types=(({next(iter(others))!r}, 'eeg'),)), or raw.set_channel_types), and "
            "rename those that are not in the montage, or work without one (Preprocessing(montage=None))."
        )


def _predicted(
    model: Any, clean: mne.io.BaseRaw, ch_names: tuple[str, ...], n_times: int, step: float | None
) -> pd.DataFrame:
    found = found_as(ch_names, clean.ch_names)
    own = [found[name] for name in ch_names]
    scale = units_per_mne_unit(clean.get_channel_types(picks=own))[:, None]
    signals = np.ascontiguousarray((clean.get_data(picks=own) * scale).T, np.float32)
    row = {"subject": 0, "trial": 1, "stimulus": pd.NA, "start": 0, "n_times": len(signals), "n_baseline": 0}
    sfreq = float(clean.info["sfreq"])
    trials = Trials(signals, pd.DataFrame([row]), ch_names, sfreq, dataset="recording", simulated=False)
    windows = trials.windows(duration=n_times / sfreq, step=step)
    proba, names = model.predict_proba(windows), class_names(model)
    marked = np.isnan(clean.get_data(picks=[0], reject_by_annotation="NaN", verbose="error")[0])
    n_marked = np.concatenate([[0], np.cumsum(marked)])
    time = clock_seconds(clean, windows.starts / sfreq)
    torn = interrupted(clean, time, time + n_times / sfreq)
    table = pd.DataFrame({"time": time, "class": np.array(names, object)[proba.argmax(axis=1)]})
    table[[f"p_{name}" for name in names]] = proba
    table["bad"] = torn | (n_marked[windows.starts + n_times] > n_marked[windows.starts])
    card = card_of(model)
    table.attrs = {"model": "not evaluated" if card is None else str(card), "duration": n_times / sfreq}
    return table
