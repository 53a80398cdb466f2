"""Protocols: what is kept whole when windows are split, and the splits themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from eegemo.errors import ConfigError, unknown_name
from eegemo.windows import Windows

#: The protocols by name, with the question each one answers.
PROTOCOLS = {
    "window-random": "how well windows are recognised whose neighbours were seen (it leaks; the paper's)",
    "trial": "a known person, new trials",
    "subject": "a new person, known stimuli",
}

#: Window numbers of training, validation and test.
Split = tuple[np.ndarray, np.ndarray, np.ndarray]
_TRAIN, _VALIDATION, _TEST = range(3)


@dataclass(frozen=True)
class Splitter:
    """Splits windows into training, validation and test; made by :func:`make_splitter`.

    A split is drawn over the units that the protocol keeps whole, once, and then expanded to windows.
    """

    protocol: str
    n_splits: int | None
    within: Literal["pooled", "subject"]
    test_size: float
    validation_size: float
    random_state: int

    def split(self, windows: Windows, y: np.ndarray | None = None) -> Iterator[Split]:
        """Draw the splits.

        Parameters
        ----------
        windows : Windows
            What to split.
        y : array, shape (n_windows,) | None
            Their classes, to spread each class evenly over the parts.

        Yields
        ------
        train, validation, test : array of int
            Window numbers, ascending. Over the folds of a k-fold every window is in ``test`` once.

        Raises
        ------
        ConfigError
            If there are fewer units than parts.
        """
        rng = np.random.default_rng(self.random_state)
        classes = _numbered(np.zeros(len(windows), int) if y is None else np.asarray(y))
        subjects = _numbered(windows.expand(windows.trials.table["subject"].to_numpy()))
        scopes = [np.arange(len(windows))]
        if self.within == "subject":
            scopes = [np.flatnonzero(subjects == subject) for subject in range(subjects.max() + 1)]
        for numbers in scopes:
            unit, strata = self._units(windows[numbers], classes[numbers], subjects[numbers])
            for part_of_unit in self._parts(strata, rng):
                part = part_of_unit[unit]
                yield numbers[part == _TRAIN], numbers[part == _VALIDATION], numbers[part == _TEST]

    def _units(self, windows: Windows, classes: np.ndarray, subjects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the unit of each window, and for each unit the stratum that is spread over the parts."""
        if self.protocol == "subject":
            unit = _numbered(subjects)
            return unit, np.zeros(unit.max() + 1, int)
        strata = subjects * (classes.max() + 1) + classes
        if self.protocol == "trial":
            unit = _numbered(windows.trial_index)
            return unit, strata[np.unique(unit, return_index=True)[1]]
        return np.arange(len(windows)), classes

    def _parts(self, strata: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """Give every unit its part, once a fold."""
        n_units = len(strata)
        n_validation = max(1, round(self.validation_size * n_units)) if self.validation_size else 0
        if self.n_splits is None:
            n_test = max(1, round(self.test_size * n_units))
            tests = [_spread_draw(strata, n_test, rng)] if n_test < n_units else []
        else:
            n_test = -(-n_units // self.n_splits)
            hand = _deal(strata, self.n_splits, rng)
            tests = [np.flatnonzero(hand == fold) for fold in range(self.n_splits)]
        if n_units < (self.n_splits or 0) or n_test + n_validation >= n_units:
            what = {"trial": "trials", "subject": "subjects"}.get(self.protocol, "windows")
            raise ConfigError(
                f"Protocol {self.protocol!r} with n_splits={self.n_splits} and validation_size="
                f"{self.validation_size:g} needs more than the {n_units} {what} there are; take fewer splits or "
                f"more {what}."
            )
        for test in tests:
            part = np.full(n_units, _TRAIN)
            part[test] = _TEST
            rest = np.flatnonzero(part == _TRAIN)
            part[rest[_spread_draw(strata[rest], n_validation, rng)]] = _VALIDATION
            yield part


def make_splitter(
    protocol: str,
    *,
    n_splits: int | None = 5,
    within: Literal["pooled", "subject"] = "pooled",
    test_size: float = 0.1,
    validation_size: float = 0.1,
    random_state: int = 0,
) -> Splitter:
    """Make the splitter of a protocol.

    Parameters
    ----------
    protocol : "window-random" | "trial" | "subject"
        What is kept whole: nothing (so that it leaks), trials, or people. Under ``"trial"`` each person's
        trials are spread evenly over the parts.
    n_splits : int | None
        Folds of a k-fold; None for one hold-out split, 80:10:10 with the default sizes.
    within : "pooled" | "subject"
        Whether one model is made for all people, or each person is split, and modelled, alone.
    test_size, validation_size : float
        Shares of all units that a hold-out tests on, and that early stopping looks at; of at least one unit.
        With ``validation_size=0`` no validation data are carved out.
    random_state : int
        The same seed gives the same splits.

    Returns
    -------
    splitter : Splitter
        ``splitter.split(windows, y)`` yields ``(train, validation, test)``.

    Raises
    ------
    ConfigError
        If the protocol is unknown or a setting cannot be used.
    """
    if protocol not in PROTOCOLS:
        raise unknown_name("protocol", protocol, PROTOCOLS)
    if n_splits is not None and n_splits < 2:
        raise ConfigError(f"n_splits must be at least 2, or None for one hold-out split, got {n_splits}.")
    if within not in ("pooled", "subject"):
        raise ConfigError(f"within must be 'pooled' or 'subject', got {within!r}.")
    if within == "subject" and protocol == "subject":
        raise ConfigError("Protocol 'subject' holds out whole people; it cannot be run within a subject.")
    if not 0 < test_size < 1 or not 0 <= validation_size < 1:
        raise ConfigError(
            f"test_size must lie between 0 and 1 and validation_size from 0 to below 1, got {test_size} and "
            f"{validation_size}."
        )
    return Splitter(protocol, n_splits, within, test_size, validation_size, random_state)


def _numbered(values: np.ndarray) -> np.ndarray:
    """Replace values by numbers 0 .. n-1, in their sorted order."""
    return np.unique(values, return_inverse=True)[1]


def _deal(strata: np.ndarray, n_hands: int, rng: np.random.Generator) -> np.ndarray:
    """Deal units like cards, sorted by stratum and shuffled within: sizes differ by one at most, in each stratum too.

    scikit-learn's StratifiedKFold refuses, or warns, where a class is rarer than there are folds; within one
    subject that is the rule on DEAP.
    """
    hand = np.empty(len(strata), int)
    hand[np.lexsort((rng.random(len(strata)), strata))] = np.arange(len(strata)) % n_hands
    return rng.permutation(n_hands)[hand]


def _spread_draw(strata: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw n units at even distances from the same order, so that each stratum has its share."""
    order = np.lexsort((rng.random(len(strata)), strata))
    return order[((np.arange(n) + rng.random()) * len(strata) / max(n, 1)).astype(int)]
