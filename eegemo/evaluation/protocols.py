"""Protocols: what is kept whole when windows are split, and the splits themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import linear_sum_assignment

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
            If there are no windows, ``y`` does not fit them, or there are fewer units than parts.
        """
        if len(windows) == 0:
            raise ConfigError("There are no windows to split.")
        if y is not None and np.shape(y) != (len(windows),):
            raise ConfigError(f"y must hold one class for each of the {len(windows)} windows, got {np.shape(y)}.")
        rng = np.random.default_rng(self.random_state)
        classes = _numbered(np.zeros(len(windows), int) if y is None else np.asarray(y))
        subjects = _numbered(windows.expand(windows.trials.table["subject"].to_numpy()))
        scopes = [np.arange(len(windows))]
        if self.within == "subject":
            scopes = [np.flatnonzero(subjects == subject) for subject in range(subjects.max() + 1)]
        for numbers in scopes:
            unit, groups, kinds = self._units(windows[numbers], classes[numbers], subjects[numbers])
            for part_of_unit in self._parts(groups, kinds, rng):
                part = part_of_unit[unit]
                yield numbers[part == _TRAIN], numbers[part == _VALIDATION], numbers[part == _TEST]

    def _units(
        self, windows: Windows, classes: np.ndarray, subjects: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the unit of each window, and of each unit the group and the class that are spread over the parts."""
        if self.protocol == "subject":
            unit = _numbered(subjects)
            return unit, np.zeros(unit.max() + 1, int), np.zeros(unit.max() + 1, int)
        if self.protocol == "trial":
            unit = _numbered(windows.trial_index)
            first = np.unique(unit, return_index=True)[1]
            return unit, subjects[first], classes[first]
        return np.arange(len(windows)), np.zeros(len(windows), int), classes

    def _parts(self, groups: np.ndarray, classes: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """Give every unit its part, once a fold."""
        n_units = len(groups)
        n_validation = max(1, round(self.validation_size * n_units)) if self.validation_size else 0
        if self.n_splits is None:
            n_test = max(1, round(self.test_size * n_units))
            tests = [_spread_draw(groups, classes, n_test, rng)] if n_test < n_units else []
        else:
            n_test = -(-n_units // self.n_splits)
            hand = _deal(groups, classes, self.n_splits, rng)
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
            part[rest[_spread_draw(groups[rest], classes[rest], n_validation, rng)]] = _VALIDATION
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
    held_out = (1 / n_splits if n_splits else test_size) + validation_size
    if held_out >= 1:
        raise ConfigError(
            f"n_splits={n_splits}, test_size={test_size:g} and validation_size={validation_size:g} leave nothing to "
            "train on; take more splits or a smaller size."
        )
    return Splitter(protocol, n_splits, within, test_size, validation_size, random_state)


def _numbered(values: np.ndarray) -> np.ndarray:
    """Replace values by numbers 0 .. n-1, in their sorted order."""
    return np.unique(values, return_inverse=True)[1]


def _deal(groups: np.ndarray, classes: np.ndarray, n_hands: int, rng: np.random.Generator) -> np.ndarray:
    """Deal each group's units like cards, class by class, and give every pile to the hand that has least like it.

    Hands differ by one unit at most: in all, in each group, and in each class of a group. Were the piles not
    matched, groups with the same class counts would all give the same hands their odd units, and a class that
    is rare in training would be common in test. scikit-learn's StratifiedKFold refuses, or warns, where a
    class is rarer than there are folds; within one subject that is the rule on DEAP.
    """
    hand = np.empty(len(groups), int)
    dealt = np.zeros((n_hands, classes.max() + 1))
    for group in rng.permutation(np.unique(groups)):
        own = np.flatnonzero(groups == group)
        own = own[np.lexsort((rng.random(len(own)), rng.permutation(dealt.shape[1])[classes[own]]))]
        pile = np.arange(len(own)) % n_hands
        piles = np.zeros_like(dealt)
        np.add.at(piles, (pile, classes[own]), 1)
        size_first = len(groups) ** 2 * np.outer(piles.sum(axis=1), dealt.sum(axis=1))
        likeness = piles @ dealt.T + size_first
        shuffled = rng.permutation(n_hands)
        to = shuffled[linear_sum_assignment(likeness[:, shuffled])[1]]
        dealt[to] += piles
        hand[own] = to[pile]
    return hand


def _spread_draw(groups: np.ndarray, classes: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw n units: of each group its share, and of its classes those that have had least of their share so far."""
    drawn = [np.empty(0, int)]
    share = n / len(groups)
    owed, due, done = np.zeros(classes.max() + 1), rng.random(), 0
    for group in rng.permutation(np.unique(groups)):
        own = rng.permutation(np.flatnonzero(groups == group))
        available = np.bincount(classes[own], minlength=len(owed))
        owed += available * share
        due += len(own) * share
        wanted = np.zeros_like(available)
        while done < min(int(due + 1e-9), n):
            pick = np.where(wanted < available, owed, -np.inf).argmax()
            owed[pick] -= 1
            wanted[pick] += 1
            done += 1
        drawn += [own[classes[own] == number][:count] for number, count in enumerate(wanted)]
    return np.concatenate(drawn)
