"""The head of simulated people: 32 electrodes, a sphere of four shells, and dipoles under 24 sites."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from eegemo.datasets import _deap_format as deap

if TYPE_CHECKING:
    import mne

#: Electrodes under which a source lies.
SITES = tuple("AF3 AF4 F3 F4 Fz F7 F8 FC5 FC6 C3 C4 Cz T7 T8 CP5 CP6 P3 P4 Pz P7 P8 O1 O2 Oz".split())
_DEPTH = 0.80  # of the scalp's radius


@lru_cache(maxsize=1)
def head_model() -> tuple[mne.Info, mne.bem.ConductorModel]:
    """Return the 32 electrodes at their places, and the sphere fitted to them; both in MNE's head coordinates."""
    import mne

    info = mne.create_info(list(deap.EEG), deap.SFREQ, "eeg")
    info.set_montage("colin27_1020")
    return info, mne.make_sphere_model("auto", "auto", info, verbose="error")


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
    info, sphere = head_model()
    offsets = np.array([info["chs"][deap.EEG.index(site)]["loc"][:3] for site in SITES]) - sphere["r0"]
    return offsets / np.linalg.norm(offsets, axis=1, keepdims=True)


@lru_cache(maxsize=1)
def site_field() -> np.ndarray:
    """Return the field of the sites' dipoles at the 32 electrodes, shape (32, sites, 3)."""
    return dipole_field(head_model()[0], site_positions())
