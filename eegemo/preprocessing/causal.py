"""The preprocessing stage without a look ahead: fitted to a calibration stretch, applied to what comes after it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import mne
import numpy as np

from eegemo._atomic import replacing
from eegemo._electrodes import found_as
from eegemo._json import as_json, read_json
from eegemo._mne import info_of
from eegemo._numbers import finite
from eegemo._paths import as_path
from eegemo.errors import ConfigError, DataFormatError
from eegemo.preprocessing.causal_chain import CausalChain, named_channels
from eegemo.preprocessing.causal_filters import EyeMovements
from eegemo.preprocessing.eog import check_h_freq, eyes_of
from eegemo.preprocessing.eog_weights import EOGWeights
from eegemo.preprocessing.filters import nominal_rate
from eegemo.preprocessing.stage import Preprocessing, as_settings, before_eog
from eegemo.preprocessing.steps import note_step, steps_done

_KIND = "eegemo causal preprocessing 1"
_SECONDS_AT_A_TIME = 30


@dataclass(frozen=True, eq=False)
class CausalPreprocessing:
    """The steps of :class:`eegemo.Preprocessing` with filters that do not look ahead; made by :func:`fit_causal`.

    Parameters
    ----------
    settings : Preprocessing
        The steps.
    ch_names, eog_names : tuple of str
        EEG channels that come out, and EOG channels that are used.
    notch : tuple of float
        Frequencies in Hz that are taken out besides.
    interpolation : array, shape (n_channels, n_channels) | None
        What each EEG channel becomes of all, where one was bad in the calibration.
    weights : array, shape (n_channels, n_eog)
        Of the EOG in each EEG channel, after the interpolation.
    usual : array, shape (n_eog,)
        Usual size of the fast part of the EOG in microvolts.
    bads : dict
        Bad channels of the calibration, and why.
    """

    settings: Preprocessing
    ch_names: tuple[str, ...]
    eog_names: tuple[str, ...]
    notch: tuple[float, ...]
    interpolation: np.ndarray | None
    weights: np.ndarray
    usual: np.ndarray
    bads: dict[str, str]

    def chain(self, ch_names: Sequence[str], sfreq: float, *, ch_types: Sequence[str] | None = None) -> CausalChain:
        """Begin a stream.

        Parameters
        ----------
        ch_names : sequence of str
            The stream's channels, in its order, by the names that the settings know: they are renamed, and T3 is found
            for T7, as in a recording.
        sfreq : float
            Its rate in Hz; need not be that of the calibration.
        ch_types : sequence of str | None
            MNE's types of the channels; EEG where not given.

        Returns
        -------
        chain : CausalChain

        Raises
        ------
        DataFormatError
            If a channel is missing.
        ConfigError
            If the channels cannot be named as the settings say, or the rate cannot be had.
        """
        names, named = list(ch_names), named_channels(self.settings, ch_names, sfreq, ch_types)
        wanted = [*self.ch_names, *self.eog_names]
        found = found_as(wanted, named.ch_names)
        missing = [name for name in wanted if name not in found]
        if missing:
            raise DataFormatError(
                f"The stream lacks channels {', '.join(missing)}, on which the steps were fitted; it has "
                f"{', '.join(names)}. Rename its channels, or calibrate anew without them."
            )
        rows = np.concatenate([named.get_data(picks=[found[name]]) for name in wanted])
        cathodes = np.where(rows.min(axis=1) < 0, rows.argmin(axis=1), -1)
        return CausalChain(self, rows.argmax(axis=1), cathodes, len(names), float(sfreq))

    def apply(self, raw: mne.io.BaseRaw) -> mne.io.RawArray:
        """Run the steps over a whole recording, as over a stream: what a model is to be trained on that will be live.

        Parameters
        ----------
        raw : mne.io.BaseRaw
            As recorded, in volts; left as it is, and read half a minute at a time.

        Returns
        -------
        raw : mne.io.RawArray
            The EEG channels. What lies within the chain's ``settling`` of the first sample still rings. Of a rate that
            is not nominal, such as 249.87 Hz, every so many samples are kept as of 250 Hz, as in a stream, and seconds
            are those of a clock that counts 250: annotations lie at their samples by it.

        Raises
        ------
        DataFormatError, ConfigError
            As :meth:`chain`, and if a sample is not finite.
        """
        recorded = float(raw.info["sfreq"])
        chain = self.chain(raw.ch_names, recorded, ch_types=raw.get_channel_types())
        block = round(_SECONDS_AT_A_TIME * recorded)
        pieces = [
            chain.process(1e6 * raw.get_data(start=start, stop=min(start + block, raw.n_times)).T)
            for start in range(0, raw.n_times, block)
        ]
        info = info_of(self.ch_names, chain.sfreq, ["eeg"] * len(self.ch_names))
        as_nominal = recorded / nominal_rate(recorded, chain.sfreq)  # seconds of the output in one of the recording
        first = round(raw.first_time * as_nominal * chain.sfreq)
        clean = mne.io.RawArray(1e-6 * np.concatenate(pieces).T, info, first_samp=first, verbose="error")
        clean.set_meas_date(raw.info["meas_date"])
        annotations = raw.annotations
        clean.set_annotations(
            mne.Annotations(  # without a date, onsets count from the first sample
                (annotations.onset - raw.first_time) * as_nominal,
                annotations.duration * as_nominal,
                annotations.description,
                ch_names=annotations.ch_names,
                extras=annotations.extras,
            ),
            verbose="error",
        )
        low, high = self.settings.pass_band
        with clean.info._unlock():  # there is no public setter
            clean.info["highpass"], clean.info["lowpass"] = low or 0.0, high or chain.sfreq / 2
        note_step(clean, "causal", settings=self.settings.as_json, notch=list(self.notch), bads=self.bads)
        return clean

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write what was fitted, and the settings, as JSON; the filters are designed anew from the settings.

        Parameters
        ----------
        path : path-like
            Read by :func:`read_causal`.
        """
        content: dict[str, Any] = {"kind": _KIND, "settings": self.settings.as_json}
        for name in ("ch_names", "eog_names", "notch", "bads"):
            content[name] = as_json(getattr(self, name))
        content["interpolation"] = None if self.interpolation is None else self.interpolation.tolist()
        content |= {"weights": self.weights.tolist(), "usual": self.usual.tolist()}
        with replacing(as_path(path)) as partial:
            partial.write_text(json.dumps(content, indent=1), encoding="utf-8")


def fit_causal(
    raw: mne.io.BaseRaw, config: Preprocessing | None = None, *, notch: Sequence[float] = ()
) -> CausalPreprocessing:
    """Fit the preprocessing stage to a calibration stretch, for filters that do not look ahead.

    Bad channels are found, and the weights of the EOG fitted, as :func:`eegemo.preprocess` does it: they belong to the
    electrodes and the head, not to the filters. What comes after the stretch is cleaned with what it has taught, chunk
    by chunk.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The stretch, as recorded: a minute or more with blinks and gaze shifts in it. ``raw.copy().crop(0, 60)`` of a
        recording.
    config : Preprocessing | None
        The settings of the stage that the model was trained with. ``eog="ica"`` is not had here.
    notch : sequence of float
        Frequencies in Hz to take out besides: the mains, where the band holds it.

    Returns
    -------
    fitted : CausalPreprocessing

    Raises
    ------
    ConfigError, DataFormatError
        As :func:`eegemo.preprocess`, and for ``eog="ica"``.

    Examples
    --------
    >>> import mne
    >>> import numpy as np
    >>> from eegemo import Preprocessing
    >>> from eegemo.preprocessing import fit_causal
    >>> info = mne.create_info(["F3", "F4", "Up"], 256.0, "eeg")
    >>> raw = mne.io.RawArray(1e-5 * np.random.default_rng(0).standard_normal((3, 5120)), info, verbose="error")
    >>> fitted = fit_causal(raw, Preprocessing(types=(("Up", "eog"),)))
    >>> chain = fitted.chain(["Up", "F4", "F3"], 256.0)
    >>> chain.process(np.zeros((256, 3))).shape  # a second in microvolts
    (128, 2)
    >>> chain.delay([10.0]).round()
    array([36.])
    """
    config = as_settings(config)
    if config.eog == "ica":
        raise ConfigError("Without a look ahead the EOG is removed by 'regression', or not at all (None), got 'ica'.")
    notches = tuple(finite("notch", freq) for freq in notch)
    stretch, raw = raw, before_eog(raw, config)
    eeg = [raw.ch_names[pick] for pick in mne.pick_types(raw.info, meg=False, eeg=True, exclude=())]
    bads: dict[str, str] = next(
        (step["bads"] for step in steps_done(raw) if step["step"] == "interpolate_bad_channels"), {}
    )
    weights, usual, eyes = np.empty((len(eeg), 0)), np.empty(0), []
    if config.eog is not None:
        check_h_freq(config.eog_h_freq, raw.info["sfreq"])
        eyes = eyes_of(raw, config.eog, config.eog_channels)
        raw.set_eeg_reference([], verbose="error")
        weights = EOGWeights.fit(raw, eeg, eyes, config.eog_h_freq).weights
        eog = 1e6 * raw.get_data(picks=eyes).T
        usual = np.zeros(len(eyes))
        if config.eog_h_freq is not None:
            usual = EyeMovements.usual_size(eog, config.eog_h_freq, raw.info["sfreq"])
    fitted = CausalPreprocessing(
        config, tuple(eeg), tuple(eyes), notches, _interpolation(raw, eeg, list(bads)), weights, usual, bads
    )
    fitted.chain(stretch.ch_names, stretch.info["sfreq"], ch_types=stretch.get_channel_types())  # its settings work
    return fitted


def without_fit(
    config: Preprocessing, ch_names: Sequence[str], sfreq: float, ch_types: Sequence[str] | None = None
) -> CausalPreprocessing:
    """Take the steps for the channels of a stream, those that would have to be fitted left out.

    Parameters
    ----------
    config : Preprocessing
        The settings.
    ch_names, sfreq, ch_types
        As :meth:`CausalPreprocessing.chain` takes them.

    Returns
    -------
    steps : CausalPreprocessing
        With ``eog`` and ``bad_channels`` None.

    Raises
    ------
    ConfigError, DataFormatError
        If the channels or the rate do not suit the settings.
    """
    config = replace(config, eog=None, bad_channels=None)
    named = named_channels(config, ch_names, sfreq, ch_types)
    eeg = tuple(named.ch_names[pick] for pick in mne.pick_types(named.info, meg=False, eeg=True, exclude=()))
    if not eeg:
        raise ConfigError(f"There is no EEG among the channels {', '.join(ch_names)}; check their names and types.")
    steps = CausalPreprocessing(config, eeg, (), (), None, np.empty((len(eeg), 0)), np.empty(0), {})
    steps.chain(ch_names, sfreq, ch_types=ch_types)
    return steps


def _interpolation(raw: mne.io.BaseRaw, eeg: list[str], bads: list[str]) -> np.ndarray | None:
    """Return what each EEG channel becomes of all, as MNE interpolates; None where none is bad."""
    if not bads:
        return None
    info = mne.pick_info(raw.info, [raw.ch_names.index(name) for name in eeg])
    unit = mne.io.RawArray(np.eye(len(eeg)), info, verbose="error")
    unit.info["bads"] = bads
    return np.asarray(unit.interpolate_bads(reset_bads=True, verbose="error").get_data())


def read_causal(path: str | os.PathLike[str]) -> CausalPreprocessing:
    """Read what :meth:`CausalPreprocessing.save` wrote.

    Parameters
    ----------
    path : path-like
        A file of JSON.

    Returns
    -------
    fitted : CausalPreprocessing

    Raises
    ------
    DataFormatError
        If it is no such file, or damaged.
    """
    path = as_path(path)
    try:
        content = read_json(path)
        if not isinstance(content, dict) or content.get("kind") != _KIND:
            raise DataFormatError(f"{path.name}: is not a causal preprocessing that was saved by this version.")
        matrix = content["interpolation"]
        fitted = CausalPreprocessing(
            settings=_read_settings(content["settings"]),
            ch_names=tuple(map(str, content["ch_names"])),
            eog_names=tuple(map(str, content["eog_names"])),
            notch=tuple(float(freq) for freq in content["notch"]),
            interpolation=None if matrix is None else np.array(matrix, float),
            weights=np.array(content["weights"], float).reshape(len(content["ch_names"]), -1),
            usual=np.array(content["usual"], float).reshape(-1),
            bads={str(name): str(reason) for name, reason in content["bads"].items()},
        )
    except FileNotFoundError:
        raise DataFormatError(f"There is no file {str(path)!r}; fit_causal(...).save(path) writes one.") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, DataFormatError):
            raise
        raise DataFormatError(f"{path.name}: the file is damaged ({error}); calibrate anew.") from error
    n_eeg, n_eog = len(fitted.ch_names), len(fitted.eog_names)
    arrays = [(fitted.weights, (n_eeg, n_eog)), (fitted.usual, (n_eog,))]
    arrays += [] if fitted.interpolation is None else [(fitted.interpolation, (n_eeg, n_eeg))]
    if not all(array.shape == shape and np.isfinite(array).all() for array, shape in arrays):
        raise DataFormatError(
            f"{path.name}: the file is damaged (its numbers do not fit its channels, or are not finite); fit anew."
        )
    return fitted


def _read_settings(given: dict[str, Any]) -> Preprocessing:
    known = {field.name for field in fields(Preprocessing)}
    if set(given) != known:
        raise ValueError(f"its settings are {', '.join(given)}, expected {', '.join(sorted(known))}")
    return Preprocessing.from_json(given)
