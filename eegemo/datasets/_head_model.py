"""The head of simulated people: electrodes, a sphere of four shells, dipoles under 24 sites, and the eyes."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from eegemo.datasets import _deap_format as deap

if TYPE_CHECKING:
    import mne

#: Electrodes under which a source lies.
SITES = tuple("AF3 AF4 F3 F4 Fz F7 F8 FC5 FC6 C3 C4 Cz T7 T8 CP5 CP6 P3 P4 Pz P7 P8 O1 O2 Oz".split())
#: Electrodes that the 10-05 system does not have, and those that lie nearest.
_WITHOUT_PLACE = {"CB1": "PO9", "CB2": "PO10"}
_DEPTH = 0.80  # of the scalp's radius
#: Where the eyes are, in metres in head coordinates; moved inward as far as the model needs.
_EYES = ((-0.030, 0.094, -0.006), (0.030, 0.094, -0.006))
#: Electrodes of the EOG: left and right canthus, above and below the right eye; moved onto the sphere.
EOG_PLACES = {
    "EXG1": (-0.058, 0.085, -0.005),
    "EXG2": (0.058, 0.085, -0.005),
    "EXG3": (0.032, 0.110, 0.022),
    "EXG4": (0.032, 0.095, -0.030),
}


@lru_cache(maxsize=1)
def head_model() -> tuple[mne.Info, mne.bem.ConductorModel]:
    """Return the 32 electrodes at their places, and the sphere fitted to them; both in MNE's head coordinates."""
    import mne

    info = mne.create_info(list(deap.EEG), deap.SFREQ, "eeg")
    info.set_montage("colin27_1020")
    return info, mne.make_sphere_model("auto", "auto", info, verbose="error")


@lru_cache(maxsize=8)
def electrodes(ch_names: tuple[str, ...] = deap.EEG) -> mne.Info:
    """Return electrodes of the 10-05 system at their places on the same head; DEAP's 32 by default."""
    import mne

    if ch_names == deap.EEG:
        return head_model()[0]
    info = mne.create_info([_WITHOUT_PLACE.get(name, name) for name in ch_names], deap.SFREQ, "eeg")
    info.set_montage("colin27_1005")
    return info


@lru_cache(maxsize=512)  # of each site by itself, too: artefacts ask for one at a time, and a montage takes 9 ms
def electrode_places(ch_names: tuple[str, ...] = deap.EEG) -> np.ndarray:
    """Return where electrodes are, shape (n, 3), in metres."""
    return np.array([channel["loc"][:3] for channel in electrodes(ch_names)["chs"]])


def dipole_field(electrodes: mne.Info, positions: np.ndarray) -> np.ndarray:
    """Compute the field of dipoles along x, y and z at electrodes, against an electrode at infinity.

    Parameters
    ----------
    electrodes : mne.Info
        With places, in head coordinates.
    positions : array, shape (n_dipoles, 3)
        In metres, in head coordinates, inside the brain's sphere.

    Returns
    -------
    field : array, shape (n_electrodes, n_dipoles, 3)
        Such that the sites' fields at the 32 electrodes have a mean norm of 1.
    """
    return _field(electrodes, positions) / _unit_field()


def _field(electrodes: mne.Info, positions: np.ndarray) -> np.ndarray:
    import mne

    _, sphere = head_model()
    normals = np.tile([0.0, 0.0, 1.0], (len(positions), 1))
    space = mne.setup_volume_source_space(pos={"rr": positions, "nn": normals}, sphere=sphere, verbose="error")
    forward = mne.make_forward_solution(electrodes, None, space, sphere, meg=False, verbose="error")
    return forward["sol"]["data"].reshape(len(electrodes["chs"]), len(positions), 3)


@lru_cache(maxsize=1)
def _unit_field() -> float:
    """Mean norm, over the sites, of the field at the 32 electrodes."""
    return float(np.linalg.norm(_field(head_model()[0], site_positions()), axis=(0, 2)).mean())


@lru_cache(maxsize=1)
def site_positions() -> np.ndarray:
    """Return where the dipoles lie, under their sites; shape (sites, 3), in metres."""
    _, sphere = head_model()
    return sphere["r0"] + _DEPTH * sphere.radius * radial_directions()


def radial_directions() -> np.ndarray:
    """Return unit vectors from the sphere's centre to the sites, shape (sites, 3)."""
    _, sphere = head_model()
    offsets = electrode_places()[[deap.EEG.index(site) for site in SITES]] - sphere["r0"]
    return offsets / np.linalg.norm(offsets, axis=1, keepdims=True)


@lru_cache(maxsize=8)
def site_field(ch_names: tuple[str, ...] = deap.EEG) -> np.ndarray:
    """Return the field of the sites' dipoles at electrodes, shape (n, sites, 3)."""
    return dipole_field(electrodes(ch_names), site_positions())


@lru_cache(maxsize=1)
def eog_electrodes() -> mne.Info:
    """Return the four electrodes around the eyes, on the sphere."""
    import mne

    _, sphere = head_model()
    info = mne.create_info(list(EOG_PLACES), deap.SFREQ, "eeg")
    for channel, place in zip(info["chs"], EOG_PLACES.values(), strict=True):
        offset = np.array(place) - sphere["r0"]
        channel["loc"][:] = 0
        channel["loc"][:3] = sphere["r0"] + sphere.radius * offset / np.linalg.norm(offset)
    return info


@lru_cache(maxsize=8)
def eye_maps(ch_names: tuple[str, ...] = deap.EEG) -> np.ndarray:
    """Return the maps of blink, horizontal and vertical gaze, shape (n + 4, 3), each 1 in its bipolar EOG."""
    info, (_, sphere) = electrodes(ch_names), head_model()
    offsets = np.array(_EYES) - sphere["r0"]
    inside = 0.97 * sphere["layers"][0]["rad"]
    offsets *= np.minimum(1, inside / np.linalg.norm(offsets, axis=1, keepdims=True))
    eyes = sphere["r0"] + offsets
    field = np.concatenate([dipole_field(info, eyes), dipole_field(eog_electrodes(), eyes)]).sum(axis=1)
    # The lid over the cornea leads its charge to the forehead: a blink points up and forward; a gaze only turns.
    directions = np.array([[0, 0.87, 0.5], [-1, 0, 0], [0, 0, 1]])
    maps = field @ directions.T
    n = len(ch_names)
    horizontal, vertical = maps[n] - maps[n + 1], maps[n + 2] - maps[n + 3]
    return maps / np.array([vertical[0], horizontal[1], vertical[2]])


def blink_map(ch_names: tuple[str, ...] = deap.EEG) -> np.ndarray:
    """Return how much of a blink's vertical EOG electrodes record, shape (n,)."""
    return eye_maps(ch_names)[: len(ch_names), 0]
