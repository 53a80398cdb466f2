"""The samples of a stream on their way to the model: found by name, calibrated, cleaned."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import mne
import numpy as np

from eegemo._electrodes import found_as
from eegemo._numbers import finite
from eegemo.deploy.recordings import refuse_other_types
from eegemo.errors import ConfigError, DataFormatError
from eegemo.preprocessing.causal import CausalPreprocessing, fit_causal, without_fit
from eegemo.preprocessing.causal_chain import CausalChain, named_channels
from eegemo.preprocessing.channels import standard_names
from eegemo.preprocessing.eog import check_h_freq
from eegemo.preprocessing.filters import filter_seconds
from eegemo.preprocessing.stage import Preprocessing

_LEAST_CALIBRATION = 1.0  # seconds, in which bad channels are looked for
#: Of a stream that is clean already: its channels by their names, and nothing else.
_NO_STEPS = Preprocessing(sfreq=None, high_pass=None, bad_channels=None, eog=None, band=None, reference=None)


class LiveSignal:
    """Turns the samples of a stream into those that the model takes.

    Parameters
    ----------
    ch_names, sfreq
        Channels and rate that the model takes.
    preprocessing, calibration
        As :class:`eegemo.LiveClassifier` has them.

    Attributes
    ----------
    inputs : tuple of str
        The stream's channels.
    in_use : array of int
        Those that anything rests on.
    calibrating : bool
        Whether the calibration stretch is being collected.
    fitted : CausalPreprocessing | None
        The steps, when they are fitted.
    messages : list of str
        Of the fit.
    """

    def __init__(
        self,
        ch_names: Sequence[str],
        sfreq: float,
        preprocessing: Preprocessing | CausalPreprocessing | None,
        calibration: float,
    ) -> None:
        if preprocessing is not None and not isinstance(preprocessing, (Preprocessing, CausalPreprocessing)):
            raise ConfigError(
                f"preprocessing must be Preprocessing(...), what fit_causal returns, or None, got {preprocessing!r}."
            )
        self._wanted, self._rate = tuple(ch_names), sfreq
        self.fitted = preprocessing if isinstance(preprocessing, CausalPreprocessing) else None
        self._settings = preprocessing if isinstance(preprocessing, Preprocessing) else _NO_STEPS
        self._clean_already = preprocessing is None
        self._seconds = finite("calibration", calibration)
        self._needs_fit = self.fitted is None and bool(self._settings.eog or self._settings.bad_channels)
        if self._needs_fit and not self._seconds > 0:
            raise ConfigError(
                f"EOG and bad channels are fitted to a calibration stretch, got calibration={calibration:g} s; give a "
                "minute, or eog=None and bad_channels=None."
            )
        if self._settings.eog == "ica":
            raise ConfigError(
                "Of a stream the EOG is removed by regression, not by 'ica', which needs the whole recording; set "
                "eog='regression', or eog=None to leave it in."
            )
        self.inputs: tuple[str, ...] = ()
        self._types: list[str] = []
        self.messages: list[str] = []
        self._chain: CausalChain | None = None

    @property
    def n_inputs(self) -> int:
        """Channels of the stream."""
        return len(self.inputs)

    @property
    def calibrating(self) -> bool:
        """Whether the calibration stretch is being collected."""
        return self._chain is None

    def connect(self, ch_names: Sequence[str] | None, sfreq: float, ch_types: Sequence[str] | None) -> None:
        """Take the channels of a stream, or refuse them and stay as it was.

        Parameters
        ----------
        ch_names, ch_types : sequence of str | None
            As they were where not given; of type EEG where never given.
        sfreq : float
            Its rate in Hz.

        Raises
        ------
        DataFormatError
            If a channel is missing, or not taken as EEG.
        ConfigError
            If channels or rate do not suit the settings and the model.
        """
        names = self.inputs if ch_names is None else tuple(ch_names)
        types = self._types if ch_names is None else ["eeg"] * len(names) if ch_types is None else list(ch_types)
        steps = self.fitted
        self._refuse_twice(names)
        if self._clean_already:
            by_name = _NO_STEPS if set(self._wanted) - set(names) else replace(_NO_STEPS, montage=None)
            steps = without_fit(by_name, names, sfreq, types)
        elif steps is None and not self._needs_fit:
            steps = without_fit(self._settings, names, sfreq, types)
        chain = None if steps is None else steps.chain(names, sfreq, ch_types=types)
        if chain is None:
            in_use = self._checked(names, sfreq, types)
        else:
            in_use = np.union1d(chain.anodes, chain.cathodes[chain.cathodes >= 0])
        there = without_fit(self._settings, names, sfreq, types).ch_names if steps is None else steps.ch_names
        found = found_as(self._wanted, there)
        missing = [name for name in self._wanted if name not in found]
        if missing:
            named = named_channels(self._settings if steps is None else steps.settings, names, sfreq, types)
            refuse_other_types(missing, named)
            raise DataFormatError(
                f"The stream lacks channels {', '.join(missing)}, which the model needs; it has "
                f"{', '.join(named.ch_names)}. Rename its channels, or use a model that does without."
            )
        out_rate = (self._settings if steps is None else steps.settings).sfreq or sfreq
        if abs(out_rate / self._rate - 1) > 1e-3:
            raise ConfigError(
                f"The model was fitted at {self._rate:g} Hz, and the stream comes to it at {out_rate:g} Hz; set sfreq "
                f"of the preprocessing to {self._rate:g}."
            )
        self.fitted = steps
        self._columns = [there.index(found[name]) for name in self._wanted]
        if self._clean_already and chain is not None:  # no reference brings the other channels in
            in_use = np.unique(chain.anodes[self._columns])
        self.inputs, self._types, self._sfreq, self._chain, self.in_use = names, types, sfreq, chain, in_use

    def _refuse_twice(self, names: Sequence[str]) -> None:
        """Refuse a stream that has a channel more than once that is needed; others may be called as they like."""
        steps = self.fitted
        needed = [*self._wanted, *(() if steps is None else (*steps.ch_names, *steps.eog_names))]
        twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
        by_place = standard_names(twice) if twice else {}
        twice = [name for name in twice if found_as(needed, [name, by_place.get(name, name)])]
        if twice:
            raise DataFormatError(
                f"The stream has more than one channel {', '.join(twice)}, so that it is not known which is meant; "
                "rename them."
            )

    def _checked(self, names: Sequence[str], sfreq: float, types: Sequence[str]) -> np.ndarray:
        """Check before a minute is collected that it can be fitted to; return the channels that it rests on."""
        rate = self._settings.sfreq or sfreq
        least = _LEAST_CALIBRATION
        if self._settings.high_pass is not None:
            least = max(least, filter_seconds("high_pass", self._settings.high_pass, None, rate))
        if self._seconds < least:
            raise ConfigError(
                f"A calibration of {self._seconds:g} s is too short for these settings, which need {least:.1f} s at "
                "least; give a minute."
            )
        named = named_channels(self._settings, names, sfreq, types)
        used = [named.ch_names[pick] for pick in mne.pick_types(named.info, meg=False, eeg=True, exclude=())]
        if self._settings.eog is not None:
            check_h_freq(self._settings.eog_h_freq, rate)
            eyes = list(self._settings.eog_channels) or [
                named.ch_names[pick] for pick in mne.pick_types(named.info, meg=False, eog=True)
            ]
            if not eyes or set(eyes) - set(named.ch_names) or set(eyes) & set(used):
                raise ConfigError(
                    f"There is no EOG to remove by among the channels {', '.join(named.ch_names)}. Say which channels "
                    "are EOG (types, or bipolar for two electrodes), or leave the EOG in (eog None)."
                )
            used += eyes
        return np.flatnonzero(np.abs(named.get_data(picks=used)).sum(axis=0) > 0)

    @property
    def n_settling(self) -> int:
        """Samples, at the model's rate, after which the filters have settled."""
        return 0 if self._chain is None else int(np.ceil(self._chain.settling * self._rate))

    def begin_anew(self) -> None:
        """Forget what was seen, but not what was fitted."""
        self._collected: list[np.ndarray] = []
        self._n_collected = 0
        if self._chain is not None:
            self._chain.reset()

    def process(self, samples: np.ndarray) -> np.ndarray:
        """Clean the next samples, or collect them for the calibration.

        Parameters
        ----------
        samples : array, shape (n, n_inputs)
            Finite, in microvolts.

        Returns
        -------
        clean : array, shape (n_kept, n_channels)
            As the model takes them; empty while the calibration stretch is collected.

        Raises
        ------
        DataFormatError, ConfigError
            If that cannot be used; it is collected anew.
        """
        if self._chain is None:
            samples = self._collect(samples)
            if self._chain is None:
                return np.empty((0, len(self._columns)))
        return self._chain.process(samples)[:, self._columns]

    def inputs_behind(self, n_after: int) -> int:
        """Return how many samples of the stream came after what the sample ``n_after`` before the last rests on."""
        assert self._chain is not None
        return self._chain.inputs_behind(n_after)

    def _collect(self, samples: np.ndarray) -> np.ndarray:
        """Collect samples until the stretch is complete, and fit; return those behind it."""
        n_wanted = round(self._seconds * self._sfreq)
        own = samples[: n_wanted - self._n_collected]
        self._collected.append(own.copy())
        self._n_collected += len(own)
        if self._n_collected == n_wanted:
            stretch = np.concatenate(self._collected)
            self.begin_anew()
            info = mne.create_info(list(self.inputs), self._sfreq, self._types)
            raw = mne.io.RawArray(1e-6 * stretch.T, info, verbose="error")
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", UserWarning)
                self.fitted = fit_causal(raw, self._settings)
            own_warnings = [warning for warning in caught if issubclass(warning.category, UserWarning)]
            self.messages = [f"Calibrated on {self._seconds:g} s.", *(str(one.message) for one in own_warnings)]
            chain = self.fitted.chain(self.inputs, self._sfreq, ch_types=self._types)
            there = self.fitted.ch_names
            found = found_as(self._wanted, there)
            self._columns = [there.index(found[name]) for name in self._wanted]
            chain.process(stretch)
            self._chain = chain
        return samples[len(own) :]
