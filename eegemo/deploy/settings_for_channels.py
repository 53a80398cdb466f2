"""The settings that a model's recordings were prepared with, for a recording that lacks some of their channels."""

from __future__ import annotations

from dataclasses import replace

import mne

from eegemo.preprocessing.channels import new_names
from eegemo.preprocessing.stage import Preprocessing


def settings_for_channels(settings: Preprocessing, raw: mne.io.BaseRaw) -> tuple[Preprocessing, list[str]]:
    """Leave out what settings say of channels that a recording does not have; others had other spare electrodes.

    Parameters
    ----------
    settings : Preprocessing
        As they were for the model's recordings.
    raw : mne.io.BaseRaw
        Another recording.

    Returns
    -------
    settings : Preprocessing
        With ``rename``, ``types`` and ``bipolar`` of the channels that it has, by the names that they get on the way.
    lacking : list of str
        EOG derivations that it neither has nor has both electrodes of.

    Raises
    ------
    ConfigError
        If two channels are one electrode.
    """
    rename = tuple(pair for pair in settings.rename if pair[0] in raw.ch_names)
    renamed = new_names(raw, rename, [name for name, _ in settings.types], settings.montage)
    names = {renamed.get(name, name) for name in raw.ch_names}
    types = tuple(pair for pair in settings.types if pair[0] in names)
    bipolar, lacking = [], []
    for name, kind, anode, cathode in settings.bipolar:
        if {anode, cathode} <= names:
            bipolar.append((name, kind, anode, cathode))
            names = names - {anode, cathode} | {name}
        elif kind == "eog" and name not in names:
            lacking.append(name)
    return replace(settings, rename=rename, types=types, bipolar=tuple(bipolar)), lacking
