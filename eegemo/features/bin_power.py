"""The features of the DEAP notebooks: 14 channels x 5 bands, as published and corrected."""

from __future__ import annotations

import numpy as np

from eegemo.features.bands import check_band_limits, check_bands
from eegemo.features.base import WindowFeatures
from eegemo.features.sliding import Starts, window_copies
from eegemo.features.spectral import band_limits, band_members, one_sided

#: The notebooks' bands in Hz.
NOTEBOOK_BANDS = {
    "theta": (4.0, 8.0),
    "alpha": (8.0, 12.0),
    "beta1": (12.0, 16.0),
    "beta2": (16.0, 25.0),
    "gamma": (25.0, 45.0),
}
#: The notebooks' windows, in samples at 128 Hz: 15/16 of each is in the next one.
NOTEBOOK_N_TIMES, NOTEBOOK_STEP = 256, 16


class BinPower(WindowFeatures):
    """The ``bin_power`` of the circulating DEAP notebooks, which took it from PyEEG.

    Parameters
    ----------
    corrected : bool
        As published, a band's "power" is the *sum of the amplitudes* of its Fourier coefficients, which grows with the
        window's length and with the band's width. Corrected, it is power in microvolts squared, by Parseval: the sum
        over bands that cover the spectrum is the window's mean square without its mean. Bands then hold the
        frequencies that :class:`BandPower`'s do, and a window in which one holds none is refused.
    sfreq : float | None
        Sampling rate in Hz of arrays; Windows bring theirs.
    dtype : "float64" | "float32"
        Of the table; see :class:`WindowFeatures`.

    Notes
    -----
    With 14 channels (``channels="emotiv14"``), 5 bands of 4-8-12-16-25-45 Hz and windows of 256 samples every 16
    these are the 70 features that the notebooks give to their CNN-RNN models, as a sequence of 70 steps. Neighbouring
    windows share 15/16 of their samples, so a random split of them tests on what was trained on.

    References
    ----------
    Bao, Liu & Zhang 2011, PyEEG, doi:10.1155/2011/406391.
    """

    needs_sfreq = True
    window_by_window = True

    def __init__(self, *, corrected: bool = False, sfreq: float | None = None, dtype: str = "float64") -> None:
        super().__init__(dtype=dtype)
        self.corrected = corrected
        self.sfreq = sfreq

    def _feature_names(self) -> list[str]:
        return [f"{name}_{'power' if self.corrected else 'bin_power'}" for name in NOTEBOOK_BANDS]

    def _check_settings(self, pass_band: tuple[float | None, float | None]) -> None:
        check_bands(NOTEBOOK_BANDS, self.sfreq_, pass_band)
        if self.corrected:
            check_band_limits(NOTEBOOK_BANDS, float(self.sfreq_ or 1), self.n_times_)

    def _compute(self, signals: np.ndarray, starts: Starts, n_times: int) -> np.ndarray:
        sfreq, bands = float(self.sfreq_ or 1), NOTEBOOK_BANDS.values()
        if self.corrected:
            edges = band_limits(bands, sfreq, n_times)
        else:  # as published: edges are rounded down, in short windows to the mean
            edges = [[int(edge / sfreq * n_times) for edge in band] for band in bands]
        first, last = edges[0][0], edges[-1][1]  # they lie side by side
        amplitude = np.abs(np.fft.rfft(window_copies(signals, starts, n_times))[..., first:last])
        if self.corrected:
            amplitude = np.square(amplitude) * one_sided(n_times)[first:last] / n_times**2
        return amplitude @ band_members(edges, first, last)
