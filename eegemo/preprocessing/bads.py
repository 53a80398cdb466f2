"""Bad channels: found, named with the reason, and interpolated."""

from __future__ import annotations

import warnings

import mne
import numpy as np
import scipy.signal

from eegemo.errors import ConfigError, DataFormatError
from eegemo.preprocessing.steps import note_step

_FLAT_MICROVOLTS = 0.1
_DEVIATION = 5.0  # robust z-score; the deviation criterion of Bigdely-Shamlo et al. 2015
_RATIO = 3.0  # and so many times the amplitude of the middle channel
_FEWEST = 4  # channels to compare with
_UPPER_HERTZ, _TRANSITION = 45.0, 4.0
_BLOCKS, _BLOCK_SECONDS = 20, 30


def find_bad_channels(raw: mne.io.BaseRaw) -> dict[str, str]:
    """Find EEG channels that are flat, or far noisier than the others.

    The amplitude of a channel is the median over seconds of the standard deviation within a second. A channel is *flat*
    below 0.1 µV, as recorded. It is *noisy* when its amplitude lies more than 5 robust standard deviations above the
    median of all channels, and above 3 times that median. What does not make a channel noisy is taken out first: what
    the EOG channels explain (blinks), what lies above 45 Hz (mains), and what all electrodes have in common (their
    median). At most 10 minutes, spread over the recording, are looked at.

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
    recorded, weights = np.empty(len(picks)), np.zeros((len(picks), len(eog)))
    for i, pick in enumerate(picks):  # one at a time: no second copy of the recording
        samples = raw.get_data(picks=[pick])[0, : n_seconds * n_second]
        recorded[i] = 1e6 * np.median(samples.reshape(n_seconds, n_second).std(axis=1))
        if len(eog):
            weights[i] = np.linalg.lstsq(eog @ eog.T, eog @ samples)[0]
    amplitude = 1e6 * np.median(_by_second(raw, picks, eog, weights, n_second), axis=1)
    names = [raw.ch_names[pick] for pick in picks]
    bads = {name: "marked in the file" for name in raw.info["bads"] if name in names}
    alive = (recorded >= _FLAT_MICROVOLTS) & ~np.isin(names, list(bads))
    for name, value in zip(names, recorded, strict=True):
        if value < _FLAT_MICROVOLTS:
            bads[name] = f"flat ({value:.2f} µV)"
    if alive.sum() >= _FEWEST:
        from scipy.stats import median_abs_deviation  # half a second, when it is needed

        middle = np.median(amplitude[alive])
        spread = median_abs_deviation(amplitude[alive], scale="normal")
        for name, value in zip(np.array(names)[alive], amplitude[alive], strict=True):
            if value > max(middle + _DEVIATION * spread, _RATIO * middle):
                bads[str(name)] = f"noisy ({value:.3g} µV, the median is {middle:.3g} µV)"
    return bads


def _by_second(
    raw: mne.io.BaseRaw, picks: np.ndarray, eog: np.ndarray, weights: np.ndarray, n_second: int
) -> np.ndarray:
    """Return each channel's standard deviation in each second, without eyes, mains and common part; (n, n_seconds)."""
    sfreq, n_seconds = raw.info["sfreq"], eog.shape[1] // n_second
    taps = np.ones(1)
    if sfreq / 2 > _UPPER_HERTZ + _TRANSITION:
        taps = mne.filter.create_filter(None, sfreq, None, _UPPER_HERTZ, h_trans_bandwidth=_TRANSITION, verbose="error")
    firsts = np.arange(0, n_seconds, _BLOCK_SECONDS)
    if len(firsts) > _BLOCKS:
        firsts = np.linspace(0, n_seconds - _BLOCK_SECONDS, _BLOCKS).astype(int)
    sizes = []
    for first in firsts:
        block = slice(first * n_second, min(first + _BLOCK_SECONDS, n_seconds) * n_second)
        samples = raw.get_data(picks=picks, start=block.start, stop=block.stop) - weights @ eog[:, block]
        samples -= np.median(samples, axis=1, keepdims=True)
        samples = scipy.signal.oaconvolve(samples, taps[None], mode="same", axes=1)
        if len(picks) >= _FEWEST:
            samples -= np.median(samples, axis=0)
        sizes.append(samples.reshape(len(picks), -1, n_second).std(axis=2))
    return np.concatenate(sizes, axis=1)


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
        In memory; no EEG channel is in ``info["bads"]`` any more, others stay there.

    Raises
    ------
    ConfigError
        If a channel is bad and any EEG channel has no place on the head.
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
