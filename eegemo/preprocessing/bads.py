"""Bad channels: found, named with the reason, and interpolated."""

from __future__ import annotations

import warnings

import mne
import numpy as np

from eegemo.errors import ConfigError, DataFormatError
from eegemo.preprocessing.steps import note_step

_FLAT_MICROVOLTS = 0.1
_DEVIATION = 5.0  # robust z-score; the deviation criterion of Bigdely-Shamlo et al. 2015
_RATIO = 3.0  # and so many times the amplitude of the middle channel
_FEWEST = 4  # channels to compare with


def find_bad_channels(raw: mne.io.BaseRaw) -> dict[str, str]:
    """Find EEG channels that are flat, or far noisier than the others.

    The amplitude of a channel is the median over seconds of the standard deviation within a second, of what the EOG
    channels do not explain: neither bursts nor blinks make a channel bad. It is *flat* below 0.1 µV, and *noisy* when
    its logarithm lies more than 5 robust standard deviations above the median of all channels, and itself above 3
    times the median.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        High-passed, so that drifts do not count.

    Returns
    -------
    bads : dict
        From the name to the reason in words; the recording's own ``info["bads"]`` are among them.

    Raises
    ------
    DataFormatError
        If there is no EEG channel, or the recording is shorter than a second.

    References
    ----------
    Bigdely-Shamlo et al. 2015, "The PREP pipeline", doi:10.3389/fninf.2015.00016.
    """
    picks = mne.pick_types(raw.info, meg=False, eeg=True, exclude=())
    n_second = round(raw.info["sfreq"])
    n_seconds = raw.n_times // n_second
    if not len(picks) or not n_seconds:
        raise DataFormatError(
            f"Bad channels need EEG of a second at least, got {len(picks)} channels of {raw.times[-1]:g} s."
        )
    eyes = mne.pick_types(raw.info, meg=False, eog=True)
    eog = raw.get_data(picks=eyes)[:, : n_seconds * n_second] if len(eyes) else np.empty((0, n_seconds * n_second))
    eog -= eog.mean(axis=1, keepdims=True)
    amplitude = np.empty(len(picks))
    for i, pick in enumerate(picks):  # one at a time: no second copy of the recording
        samples = raw.get_data(picks=[pick])[0, : n_seconds * n_second]
        if len(eog):
            samples = samples - np.linalg.lstsq(eog @ eog.T, eog @ samples)[0] @ eog
        amplitude[i] = 1e6 * np.median(samples.reshape(n_seconds, n_second).std(axis=1))
    names = [raw.ch_names[pick] for pick in picks]
    bads = {name: "marked in the file" for name in raw.info["bads"] if name in names}
    alive = (amplitude >= _FLAT_MICROVOLTS) & ~np.isin(names, list(bads))
    for name, value in zip(names, amplitude, strict=True):
        if value < _FLAT_MICROVOLTS:
            bads[name] = f"flat ({value:.2f} µV)"
    if alive.sum() >= _FEWEST:
        from scipy.stats import median_abs_deviation  # half a second, when it is needed

        logs = np.log(amplitude[alive])
        spread = median_abs_deviation(logs, scale="normal")
        middle = np.exp(np.median(logs))
        for name, value in zip(np.array(names)[alive], amplitude[alive], strict=True):
            if np.log(value / middle) > _DEVIATION * spread and value > _RATIO * middle:
                bads[str(name)] = f"noisy ({value:.3g} µV, the median is {middle:.3g} µV)"
    return bads


def interpolate_bad_channels(raw: mne.io.BaseRaw, *, copy: bool = True) -> mne.io.BaseRaw:
    """Find bad channels and replace them by what the others say, with a warning that names them.

    An interpolated channel is a weighted sum of the others: the number of channels stays, and no information is won.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        High-passed, with places (:func:`name_channels` sets them).
    copy : bool
        Whether to leave ``raw`` as it is.

    Returns
    -------
    raw : mne.io.BaseRaw
        In memory; ``info["bads"]`` is empty.

    Raises
    ------
    ConfigError
        If a bad channel has no place on the head.
    DataFormatError
        If more than half of the channels are bad.

    References
    ----------
    Perrin et al. 1989, "Spherical splines for scalp potential and current density mapping",
    doi:10.1016/0013-4694(89)90180-6.
    """
    raw = (raw.copy() if copy else raw).load_data(verbose="error")
    bads = find_bad_channels(raw)
    n_eeg = len(mne.pick_types(raw.info, meg=False, eeg=True, exclude=()))
    listed = ", ".join(f"{name}: {reason}" for name, reason in bads.items())
    if 2 * len(bads) > n_eeg:
        raise DataFormatError(
            f"{len(bads)} of {n_eeg} EEG channels are bad ({listed}); too little is left to interpolate them from. "
            "Look at the recording, and leave channels or the whole recording out."
        )
    if bads:
        placeless = [
            name
            for name in (raw.ch_names[pick] for pick in mne.pick_types(raw.info, meg=False, eeg=True, exclude=()))
            if not np.isfinite(raw.info["chs"][raw.ch_names.index(name)]["loc"][:3]).all()
        ]
        if placeless:
            raise ConfigError(
                f"Channels {', '.join(placeless)} have no place, without which bad channels ({listed}) cannot be "
                "interpolated; set a montage that knows them, or leave them out."
            )
        warnings.warn(f"Bad channels were interpolated: {listed}.", UserWarning, stacklevel=2)
        others = [name for name in raw.info["bads"] if name not in bads]
        raw.info["bads"] = list(bads)
        raw.interpolate_bads(reset_bads=True, verbose="error")
        raw.info["bads"] = others
    note_step(raw, "interpolate_bad_channels", bads=bads)
    return raw
