"""Energies of wavelet coefficients."""

from __future__ import annotations

import numbers
from functools import lru_cache

import numpy as np
import pywt
from scipy.linalg import block_diag

from eegemo.errors import ConfigError
from eegemo.features.base import WindowFeatures
from eegemo.features.sliding import Starts, moved, window_views

_SHORT = 64  # samples; one product with a matrix is faster than the levels that are left


class WaveletEnergy(WindowFeatures):
    """Energy of a window's discrete wavelet coefficients at each level, in microvolts squared (summed, not averaged).

    Parameters
    ----------
    wavelet : str
        An orthogonal wavelet of PyWavelets.
    level : int | None
        Levels; as many as the window and the wavelet allow by default, 4 at most.
    dtype : "float64" | "float32"
        Of the table; see :class:`WindowFeatures`.

    Notes
    -----
    ``d1`` is the upper half of the spectrum, ``d2`` the quarter below it, and so on; ``a`` is what is left. The window
    is continued periodically, so that the energies add up to that of the samples, where 2 to the level divides the
    window's length.

    References
    ----------
    Mallat 1989, doi:10.1109/34.192463; Lee et al. 2019, PyWavelets, doi:10.21105/joss.01237.
    """

    window_by_window = True

    def __init__(self, *, wavelet: str = "db4", level: int | None = None, dtype: str = "float64") -> None:
        super().__init__(dtype=dtype)
        self.wavelet = wavelet
        self.level = level

    def _feature_names(self) -> list[str]:
        return [*(f"d{level}_energy" for level in range(1, self._n_levels() + 1)), "a_energy"]

    def _check_settings(self, pass_band: tuple[float | None, float | None]) -> None:
        try:
            orthogonal = pywt.Wavelet(self.wavelet).orthogonal
        except (ValueError, TypeError, AttributeError):
            orthogonal = False
        if not orthogonal:
            raise ConfigError(
                f"wavelet must be an orthogonal wavelet of PyWavelets, such as 'db4', got {self.wavelet!r}."
            )
        if self.level is not None:
            deepest = int(np.log2(self.n_times_))
            if not isinstance(self.level, numbers.Integral) or not 1 <= self.level <= deepest:
                raise ConfigError(
                    f"level must be a whole number from 1 to {deepest} for windows of {self.n_times_} samples, got "
                    f"{self.level!r}."
                )

    def _n_levels(self) -> int:
        if self.level is not None:
            return int(self.level)
        return min(4, max(1, pywt.dwt_max_level(self.n_times_, self.wavelet)))

    def _compute(self, signals: np.ndarray, starts: Starts, n_times: int) -> np.ndarray:
        begin, end = int(starts[0]), int(starts[-1]) + n_times
        rest = window_views(signals[..., begin:end].astype(np.float64), moved(starts, -begin), n_times)
        energies, n_levels = [], self._n_levels()
        while n_levels and rest.shape[-1] > _SHORT:
            rest, details = pywt.dwt(rest, self.wavelet, mode="periodization", axis=-1)
            energies.append(np.vecdot(details, details))
            n_levels -= 1
        transform, members = _short_transform(self.wavelet, n_levels, rest.shape[-1])
        rest_energies = np.square(rest @ transform) @ members
        return np.concatenate([*(energy[..., None] for energy in energies), rest_energies], axis=-1)


@lru_cache(maxsize=16)
def _short_transform(wavelet: str, n_levels: int, n_times: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the matrix of a transform, and another one that adds up the coefficients of each level, finest first."""
    coefficients = pywt.wavedec(np.eye(n_times), wavelet, mode="periodization", level=n_levels, axis=-1)[::-1]
    members = [np.ones((values.shape[-1], 1)) for values in coefficients]
    return np.concatenate(coefficients, axis=-1), block_diag(*members)
