"""Removal of ocular artefacts (EOG), with a measure of how much was removed."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Literal

import mne
import numpy as np
from mne.preprocessing import ICA

from eegemo.errors import ConfigError, DataFormatError, unknown_name
from eegemo.preprocessing.eog_weights import TRANSITION, EOGWeights
from eegemo.preprocessing.steps import note_step, steps_done

METHODS = ("regression", "ica")
_FLAT_MICROVOLTS = 0.1
_OCULAR_CORRELATION = 0.5  # |r| with EOG between 1 and 10 Hz, above which a component is ocular
_FIT_HERTZ = 100.0  # the ICA is fitted to every so many samples a second; its components do not need more
_VARIANCE_KEPT = 0.9999  # by the principal components that the ICA rests on: the last ones are rounding


def remove_eog(
    raw: mne.io.BaseRaw,
    method: Literal["regression", "ica"] = "regression",
    *,
    eog_channels: Sequence[str] = (),
    eog_h_freq: float | None = 6.0,
    random_state: int = 0,
    copy: bool = True,
) -> mne.io.BaseRaw:
    """Remove what the eyes add to the EEG.

    * ``"regression"``: each EEG channel less its least-squares fit by the recorded EOG channels. Electrodes around the
      eyes record the brain, too, and a fit to all that they record takes alpha and beta away from frontal channels
      (Gasser et al. 1986). So the EOG enters up to 6 Hz throughout, where most of a gaze shift or a blink lies, and
      above that during eye movements alone: where its fast part is 5 times as large as usual (that blinks and the rest
      are treated apart follows Gratton et al. 1983; both limits are chosen here).
    * ``"ica"``: an independent component analysis, less the components whose correlation with an EOG channel between
      1 and 10 Hz exceeds .5. Where none does, the data stay as they are, and a warning says so.

    Both are fitted to the whole recording of one person, and use no label and no other person.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        High-passed at 1 Hz or above (:func:`high_pass`), bad channels interpolated.
    method : "regression" | "ica"
        How.
    eog_channels : sequence of str
        Channels that show the eyes; those of type ``eog`` by default. For ``"ica"`` frontal EEG channels such as Fp1
        and Fp2 can stand in for EOG that was not recorded.
    eog_h_freq : float | None
        Outside eye movements, the regression uses the EOG up to so many Hz, and nothing from 2 Hz above it. ``None``
        uses all of it throughout, as MNE's own ``EOGRegression`` does.
    random_state : int
        Where the ICA starts.
    copy : bool
        Whether to leave ``raw`` as it is.

    Returns
    -------
    raw : mne.io.BaseRaw
        In memory. Its last step (:func:`steps_done`) holds, for each EEG channel, ``variance_explained`` (the share of
        its variance that is gone, 0 to 1) and the largest |r| with an EOG channel before and after
        (``r_before, r_after``); the regression's weights; or the number of the ICA's components and of those removed.
        The correlations are with the EOG as recorded, whose own share of brain activity keeps them above 0.

    Raises
    ------
    ConfigError
        If a setting cannot be used, there is no EOG channel, the recording says that its EOG was removed already, or
        carries projectors that were not applied.
    DataFormatError
        If every EOG channel is flat, or two of them are the same.

    References
    ----------
    Gratton, Coles & Donchin 1983, doi:10.1016/0013-4694(83)90135-9; Gasser, Sroka & Möcks 1986, Psychophysiology
    23:704-712; Croft & Barry 2000,
    doi:10.1016/S0987-7053(00)00055-1; for ICA: Jung et al. 2000, doi:10.1016/S1388-2457(00)00386-2; Hyvärinen
    1999 (FastICA), doi:10.1109/72.761722.
    """
    check_h_freq(eog_h_freq, raw.info["sfreq"])
    if method not in METHODS:
        raise ConfigError(f"EOG can be removed by 'regression' or 'ica', got {method!r}; None leaves it in.")
    refuse_second_removal(raw)
    eyes = eyes_of(raw, method, eog_channels)
    refuse_pending_projectors(raw)
    raw = (raw.copy() if copy else raw).load_data(verbose="error")
    brain = [raw.ch_names[pick] for pick in mne.pick_types(raw.info, meg=False, eeg=True)]
    eog = raw.get_data(picks=eyes)
    before = _Fit(raw, brain, eyes, eog)
    if method == "ica" and len(brain) < 2:
        raise ConfigError(f"ICA needs two EEG channels at least, got {len(brain)}; use 'regression' or eog None.")
    reference, projectors = raw.info["custom_ref_applied"], list(raw.info["projs"])
    if method == "regression":
        details = _by_regression(raw, brain, eyes, eog_h_freq)
    else:
        details = _by_ica(raw, brain, eyes, random_state)
    with raw.info._unlock():
        raw.info["custom_ref_applied"], raw.info["projs"] = reference, projectors
    after = _Fit(raw, brain, eyes, eog)
    with np.errstate(invalid="ignore", divide="ignore"):
        explained = np.nan_to_num(1 - after.variance / before.variance)
    note_step(
        raw,
        "remove_eog",
        method=method,
        eog_channels=eyes,
        channels=brain,
        variance_explained=_rounded(explained),
        r_before=_rounded(before.r),
        r_after=_rounded(after.r),
        **details,
    )
    return raw


def eog_correlation(raw: mne.io.BaseRaw, eog_channels: Sequence[str] = ()) -> dict[str, float]:
    """Correlate each EEG channel with the EOG.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording, filtered as the question wants it.
    eog_channels : sequence of str
        Those of type ``eog`` by default.

    Returns
    -------
    r : dict
        From the EEG channel's name to its largest absolute Pearson correlation with an EOG channel other than itself;
        empty where there is no EOG.
    """
    eyes = list(eog_channels) or [raw.ch_names[pick] for pick in mne.pick_types(raw.info, meg=False, eog=True)]
    brain = [raw.ch_names[pick] for pick in mne.pick_types(raw.info, meg=False, eeg=True)]
    if not eyes or not brain:
        return {}
    for name in eyes:
        if name not in raw.ch_names:
            raise unknown_name("EOG channel", name, raw.ch_names)
    return dict(zip(brain, _rounded(_Fit(raw, brain, eyes, raw.get_data(picks=eyes)).r), strict=True))


def refuse_second_removal(raw: mne.io.BaseRaw) -> None:
    """Refuse a recording that says that its EOG was removed.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording.

    Raises
    ------
    ConfigError
        If a step of this package removed it, or an EOG projector is active.
    """
    done = [f"by {step['method']}" for step in steps_done(raw) if step["step"] == "remove_eog"]
    done += [f"by the projector {p['desc']}" for p in raw.info["projs"] if p["active"] and "EOG" in p["desc"].upper()]
    if done:
        raise ConfigError(
            f"The EOG of this recording was removed already ({done[0]}); a second removal would take EEG away. Set "
            "eog=None, or start from the original file."
        )


def refuse_pending_projectors(raw: mne.io.BaseRaw) -> None:
    """Refuse a recording that carries projectors that were not applied.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording.

    Raises
    ------
    ConfigError
        If there is one, other than an average reference.
    """
    pending = [p["desc"] for p in raw.info["projs"] if not p["active"] and "Average" not in p["desc"]]
    if pending:
        raise ConfigError(
            f"The recording carries projectors that were not applied ({', '.join(pending)}); apply them with "
            "raw.apply_proj(), or drop them with raw.del_proj()."
        )


class _Fit:
    """Variance of channels, and their largest absolute correlation with the EOG."""

    def __init__(self, raw: mne.io.BaseRaw, channels: list[str], eyes: list[str], eog: np.ndarray) -> None:
        eog = eog - eog.mean(axis=1, keepdims=True)
        size = np.linalg.norm(eog, axis=1)
        self.variance, self.r = np.empty(len(channels)), np.empty(len(channels))
        for i, name in enumerate(channels):  # one at a time: no second copy of the recording
            x = raw.get_data(picks=[name])[0]
            x -= x.mean()
            norm = np.linalg.norm(x)
            self.variance[i] = norm**2 / len(x)
            r = np.abs(eog @ x / np.maximum(size * norm, 1e-300))
            self.r[i] = max((value for eye, value in zip(eyes, r, strict=True) if eye != name), default=0.0)


def check_h_freq(eog_h_freq: float | None, sfreq: float) -> None:
    """Refuse a frequency up to which no EOG can be told from what lies above.

    Parameters
    ----------
    eog_h_freq : float | None
        As :func:`remove_eog` has it.
    sfreq : float
        The rate in Hz at which the EOG is removed.

    Raises
    ------
    ConfigError
        If it is not below half of that, with room for the filter's edge.
    """
    highest = sfreq / 2 - TRANSITION
    if eog_h_freq is not None and not 0 < eog_h_freq < highest:
        raise ConfigError(f"eog_h_freq must lie between 0 and {highest:g} Hz here, or be None, got {eog_h_freq}.")


def eyes_of(raw: mne.io.BaseRaw, method: str, wanted: Sequence[str]) -> list[str]:
    """Choose the EOG channels to remove the EOG by.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording.
    method : "regression" | "ica"
        What they are for.
    wanted : sequence of str
        As a user names them; those of type ``eog`` where it is empty.

    Returns
    -------
    eyes : list of str
        Without those that are flat, of which a warning is given.

    Raises
    ------
    ConfigError
        If there is none, or a regression is to rest on EEG channels.
    DataFormatError
        If all are flat.
    """
    eyes = list(wanted) or [raw.ch_names[pick] for pick in mne.pick_types(raw.info, meg=False, eog=True)]
    missing = [name for name in eyes if name not in raw.ch_names]
    if missing or not eyes:
        had = f"EOG channel {missing[0]!r} is not among" if missing else "None is of type 'eog' among"
        raise ConfigError(
            f"There is no EOG to remove by. {had} the channels {', '.join(raw.ch_names)}. Either say which channels "
            "are EOG (types, or bipolar for two electrodes); or use method 'ica' with frontal channels in their place "
            "(eog_channels Fp1 and Fp2); or leave the EOG in (eog None), and say so where you report results."
        )
    kinds = dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))
    frontal = [name for name in eyes if kinds[name] == "eeg"]
    if frontal and method == "regression":
        raise ConfigError(
            f"{', '.join(frontal)} are EEG channels: a regression on them would remove their own EEG wholly. Use "
            "method 'ica', or set their type to 'eog' if that is what they are."
        )
    alive = [name for name in eyes if raw.get_data(picks=[name]).std() * 1e6 >= _FLAT_MICROVOLTS]
    if not alive:
        raise DataFormatError(f"The EOG channels {', '.join(eyes)} are flat. Name others, or set eog to None.")
    if len(alive) < len(eyes):
        flat = ", ".join(name for name in eyes if name not in alive)
        warnings.warn(f"EOG channels {flat} are flat and were not used.", UserWarning, stacklevel=3)
    return alive


def _by_regression(raw: mne.io.BaseRaw, brain: list[str], eyes: list[str], h_freq: float | None) -> dict[str, Any]:
    # Regression and re-referencing commute (each channel's weights are linear in it), so that MNE's wish for a
    # reference before the fit is met by declaring the present one.
    raw.set_eeg_reference([], verbose="error")
    fitted = EOGWeights.fit(raw, brain, eyes, h_freq)
    fitted.apply(raw)
    return {"eog_h_freq": h_freq, "weights": [_rounded(row) for row in fitted.weights]}


def _by_ica(raw: mne.io.BaseRaw, brain: list[str], eyes: list[str], random_state: int) -> dict[str, Any]:
    every = max(1, round(raw.info["sfreq"] / _FIT_HERTZ))
    ica = ICA(_VARIANCE_KEPT, method="fastica", max_iter=500, random_state=random_state, verbose="error")
    ica.fit(raw, picks=brain, decim=every, verbose="error")
    ocular: set[int] = set()
    for eye in eyes:
        found, _ = ica.find_bads_eog(
            raw, ch_name=eye, measure="correlation", threshold=_OCULAR_CORRELATION, verbose="error"
        )
        ocular.update(found)
    if ocular:
        ica.apply(raw, exclude=sorted(ocular), verbose="error")
    else:
        warnings.warn(
            f"No ocular component was found: none of {ica.n_components_} goes with {', '.join(eyes)} above "
            f"|r| = {_OCULAR_CORRELATION:g}. The data were left as they are.",
            UserWarning,
            stacklevel=3,
        )
    maps = ica.get_components()[:, sorted(ocular)]
    return {
        "n_components": int(ica.n_components_),
        "n_removed": len(ocular),
        "weights": [_rounded(row) for row in maps],
    }


def _rounded(values: np.ndarray) -> list[float]:
    return [float(f"{value:.4g}") for value in values]
