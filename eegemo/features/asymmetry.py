"""Differences between the hemispheres, and between front and back, in differential entropy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eegemo.errors import ConfigError
from eegemo.features.bands import Bands, DifferentialEntropy
from eegemo.features.sliding import Starts

#: Left and right, as they lie in DEAP's 32 channels.
LEFT_RIGHT = tuple(
    tuple(pair.split("-"))
    for pair in (
        "Fp1-Fp2 AF3-AF4 F3-F4 F7-F8 FC5-FC6 FC1-FC2 C3-C4 T7-T8 CP5-CP6 CP1-CP2 P3-P4 P7-P8 PO3-PO4 O1-O2"
    ).split()
)
#: Front and back: the pairs of Zheng & Lu (2015) that DEAP's 32 channels have; AF3-PO3, AF4-PO4 are not in the source.
FRONT_BACK = tuple(
    tuple(pair.split("-"))
    for pair in ("Fp1-O1 Fp2-O2 AF3-PO3 AF4-PO4 F7-P7 F3-P3 Fz-Pz F4-P4 F8-P8 FC5-CP5 FC1-CP1 FC2-CP2 FC6-CP6").split()
)
_PAIRS = {"dasm": LEFT_RIGHT, "rasm": LEFT_RIGHT, "dcau": FRONT_BACK}
#: RASM divides by no less than this, in nats; not in the source.
SMALLEST_DENOMINATOR = 0.1


class Asymmetry(DifferentialEntropy):
    """Asymmetry of differential entropy: DASM, RASM or DCAU.

    Parameters
    ----------
    kind : "dasm" | "rasm" | "dcau"
        Left minus right (nats), left over right (no unit), or front minus back (nats).
    pairs : sequence of (str, str) | None
        Pairs of channels. By default those of the field that the recording has: :data:`LEFT_RIGHT` or
        :data:`FRONT_BACK`.
    ch_names : sequence of str | None
        Names of an array's channels; Windows bring theirs.
    bands, sfreq, order, filter_over, dtype
        As in :class:`DifferentialEntropy`.

    Notes
    -----
    Entropy crosses 0 at a variance of ``1 / (2 pi e)`` µV², where a ratio means nothing: RASM's denominator is kept at
    0.1 nats from it, with its sign.

    References
    ----------
    Zheng & Lu 2015, doi:10.1109/TAMD.2015.2431497.
    """

    def __init__(
        self,
        *,
        kind: str = "dasm",
        pairs: Sequence[tuple[str, str]] | None = None,
        ch_names: Sequence[str] | None = None,
        bands: Bands | None = None,
        sfreq: float | None = None,
        order: int = 4,
        filter_over: str = "trial",
        dtype: str = "float64",
    ) -> None:
        super().__init__(bands=bands, sfreq=sfreq, order=order, filter_over=filter_over, dtype=dtype)
        self.kind = kind
        self.pairs = pairs
        self.ch_names = ch_names

    def _feature_names(self) -> list[str]:
        return [name.removesuffix("de") + self.kind for name in super()._feature_names()]

    def _places(self, ch_names: tuple[str, ...]) -> list[str]:
        return [f"{one}-{other}" for one, other in self.pairs_]

    def _check_settings(self, pass_band: tuple[float | None, float | None]) -> None:
        super()._check_settings(pass_band)
        if self.kind not in _PAIRS:
            raise ConfigError(f"kind must be 'dasm', 'rasm' or 'dcau', got {self.kind!r}.")
        if self.ch_names is not None:
            if len(self.ch_names) != len(self.ch_names_):
                raise ConfigError(f"ch_names names {len(self.ch_names)} channels, but X has {len(self.ch_names_)}.")
            self.ch_names_ = tuple(self.ch_names)
        if self.pairs is None:
            found = [pair for pair in _PAIRS[self.kind] if set(pair) <= set(self.ch_names_)]
            if not found:
                raise ConfigError(
                    f"None of the pairs for {self.kind!r} is among the channels {', '.join(self.ch_names_)}; name "
                    "pairs, or the channels of an array with ch_names."
                )
        else:
            found = list(self.pairs)
            unknown = sorted({name for pair in found for name in pair} - set(self.ch_names_))
            if unknown or not found:
                raise ConfigError(
                    f"pairs must name channels that X has, got {', '.join(unknown) or 'none'}; it has "
                    f"{', '.join(self.ch_names_)}."
                )
        self.pairs_ = tuple((one, other) for one, other in found)

    def _compute(self, signals: np.ndarray, starts: Starts, n_times: int) -> np.ndarray:
        entropy = super()._compute(signals, starts, n_times)
        one, other = (entropy[:, :, [self.ch_names_.index(pair[side]) for pair in self.pairs_]] for side in (0, 1))
        if self.kind != "rasm":
            return one - other
        return one / np.copysign(np.maximum(np.abs(other), SMALLEST_DENOMINATOR), other)
