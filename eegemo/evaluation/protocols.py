"""Protocols: what is kept whole when windows are split, and the splits themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from numbers import Integral
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from eegemo._trial_parts import UNIT, number_units
from eegemo.errors import ConfigError, suggest_keywords, unknown_name
from eegemo.windows import Windows

#: The protocols by name, with the question each one answers.
PROTOCOLS = {
    "window-random": "how well windows are recognised whose neighbours were seen (it leaks; the paper's)",
    "trial": "a known person, new trials",
    "subject": "a new person, known stimuli",
    "video": "known people, a new stimulus",
    "subject-video": "a new person and a new stimulus",
}

LEAVE_ONE_OUT: Final = "leave-one-out"
#: Folds of a k-fold; one unit a fold; or None for one hold-out split.
NSplits = int | Literal["leave-one-out"] | None
#: Window numbers of training, validation and test.
Split = tuple[np.ndarray, np.ndarray, np.ndarray]
_TRAIN, _VALIDATION, _TEST, _UNUSED = range(4)
# The columns of the trial table whose values each protocol keeps whole; trials of one unit count as one trial.
_KEPT = {
    "window-random": (),
    "trial": ("trial",),
    "subject": ("subject",),
    "video": ("stimulus",),
    "subject-video": ("subject", "stimulus"),
}
_PLURAL = {"trial": "trials", "subject": "subjects", "stimulus": "stimuli"}


@dataclass(frozen=True)
class Splitter:
    """Splits windows into training, validation and test; made by :func:`make_splitter`.

    A split is drawn over the units that the protocol keeps whole, once, and then expanded to windows.
    """

    protocol: str
    n_splits: NSplits
    within: Literal["pooled", "subject"]
    test_size: float
    validation_size: float
    random_state: int
    n_repeats: int = 1

    def split(self, windows: Windows, y: np.ndarray | None = None) -> Iterator[Split]:
        """Draw the splits.

        Parameters
        ----------
        windows : Windows
            What to split.
        y : array, shape (n_windows,) | None
            Their classes, to spread each class evenly over the parts, as far as the units allow it.

        Yields
        ------
        train, validation, test : array of int
            Window numbers, ascending. Over the folds of a k-fold every window is in ``test`` once (in each
            repetition).

        Raises
        ------
        ConfigError
            If there are no windows, ``y`` does not fit them, there are fewer units than parts, or the protocol
            needs stimuli and there are none.
        """
        yield from self._split(_units_of_windows(windows, self.protocol), y)

    def to_sklearn(self) -> SklearnSplitter:
        """Return the same splits as scikit-learn takes them, for ``cv=``: training and validation are one.

        Returns
        -------
        cv : SklearnSplitter
        """
        return SklearnSplitter(self)

    def _split(self, units: pd.DataFrame, y: np.ndarray | None) -> Iterator[Split]:
        n = len(units)
        if n == 0:
            raise ConfigError("There are no windows to split.")
        if y is not None and np.shape(y) != (n,):
            raise ConfigError(f"y must hold one class for each of the {n} windows, got {np.shape(y)}.")
        rng = np.random.default_rng(self.random_state)
        classes = _numbered(np.zeros(n, int) if y is None else np.asarray(y))
        scopes = [np.arange(n)]
        if self.within == "subject":
            subjects = units["subject"].to_numpy()
            scopes = [np.flatnonzero(subjects == subject) for subject in range(subjects.max() + 1)]
        counts = set()
        for _ in range(self.n_repeats):
            n_folds = 0
            for numbers in scopes:
                own = units.iloc[numbers].apply(_numbered)
                for part in self._parts_of_windows(own, classes[numbers], rng):
                    n_folds += 1
                    yield numbers[part == _TRAIN], numbers[part == _VALIDATION], numbers[part == _TEST]
            counts.add(n_folds)
        if len(counts) > 1:  # folds that test nothing were left out, in one repetition more than in another
            raise ConfigError(
                f"Protocol {self.protocol!r}: people saw so different stimuli that the repetitions have "
                f"{' and '.join(map(str, sorted(counts)))} folds; take n_repeats=1, or fewer splits."
            )

    def _parts_of_windows(
        self, units: pd.DataFrame, classes: np.ndarray, rng: np.random.Generator
    ) -> Iterator[np.ndarray]:
        """Give every window its part, once a fold; a window whose units are in different parts is left out."""
        if self.protocol == "window-random":
            yield from self._parts("window", np.zeros(len(units), int), classes, rng)
            return
        axes = []
        for column in _KEPT[self.protocol]:
            unit = units[column].to_numpy()
            first = np.unique(unit, return_index=True)[1]
            groups = units["subject"].to_numpy()[first] if column == "trial" else np.zeros(len(first), int)
            parts = self._parts(column, groups, _commonest(unit, classes), rng)
            axes.append([part_of_unit[unit] for part_of_unit in parts])
        empty = 0
        for fold in product(*axes):
            part = np.where(np.all(np.array(fold) == fold[0], axis=0), fold[0], _UNUSED)
            n_train, n_validation, n_test = np.bincount(part, minlength=3)[:3]
            if n_test == 0:  # these people saw none of these stimuli
                empty += 1
                continue
            if n_train == 0 or (self.validation_size and n_validation == 0):
                raise ConfigError(
                    f"Protocol {self.protocol!r}: in one fold the people to train on, or to validate on, saw none of "
                    "the stimuli left for that; take fewer splits, or validation_size=0."
                )
            yield part
        if empty and empty == len(list(product(*axes))):
            raise ConfigError(
                f"Protocol {self.protocol!r}: the people drawn for the test saw none of the stimuli drawn for it; take "
                "a larger test_size, or n_splits."
            )

    def _parts(
        self, what: str, groups: np.ndarray, classes: np.ndarray, rng: np.random.Generator
    ) -> Iterator[np.ndarray]:
        """Give every unit its part, once a fold."""
        n_units = len(groups)
        n_validation = max(1, round(self.validation_size * n_units)) if self.validation_size else 0
        n_splits = n_units if isinstance(self.n_splits, str) else self.n_splits
        if n_splits is None:
            n_test = max(1, round(self.test_size * n_units))
        else:
            n_test = -(-n_units // n_splits)
        if n_units < (n_splits or 0) or n_test + n_validation >= n_units:
            units = _PLURAL.get(what, "windows")
            count = f"the {n_units} {units} there are" if n_units > 1 else f"one {what}"
            hint = " Trials of one unit count as one." if what == "trial" else ""
            if (what, n_units) == ("subject", 1):
                hint = " With one person, protocol 'trial' is what can be asked."
            raise ConfigError(
                f"Protocol {self.protocol!r} with n_splits={self.n_splits} and validation_size="
                f"{self.validation_size:g} needs more than {count}; take other n_splits, a smaller validation_size (0 "
                f"for none), or more {units}.{hint}"
            )
        if n_splits is None:
            tests = [_spread_draw(groups, classes, n_test, rng)]
        elif isinstance(self.n_splits, str):
            tests = list(np.arange(n_units)[:, None])
        else:
            hand = _deal(groups, classes, n_splits, rng)
            tests = [np.flatnonzero(hand == fold) for fold in range(n_splits)]
        for test in tests:
            part = np.full(n_units, _TRAIN)
            part[test] = _TEST
            rest = np.flatnonzero(part == _TRAIN)
            part[rest[_spread_draw(groups[rest], classes[rest], n_validation, rng)]] = _VALIDATION
            yield part


class SklearnSplitter:
    """A protocol as a scikit-learn splitter: ``cross_val_score(..., cv=splitter.to_sklearn(), groups=...)``.

    Parameters
    ----------
    splitter : Splitter
        Its validation data stay in training, where a classifier may carve out its own.

    Examples
    --------
    >>> from eegemo import make_splitter, quadrants, simulate
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.model_selection import cross_val_score
    >>> windows = simulate(2, channels=["Cz"]).windows()
    >>> cv = make_splitter("trial", n_splits=4).to_sklearn()
    >>> len(cross_val_score(DummyClassifier(), windows, quadrants()(windows), cv=cv))
    4
    """

    def __init__(self, splitter: Splitter) -> None:
        self.splitter = splitter

    def split(
        self, X: Any, y: np.ndarray | None = None, groups: np.ndarray | pd.DataFrame | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Draw the splits.

        Parameters
        ----------
        X : Windows | array-like, shape (n, ...)
            Windows bring what the protocol keeps whole; for anything else ``groups`` must.
        y : array, shape (n,) | None
            Classes.
        groups : DataFrame | array, shape (n,) | None
            ``windows.table``, or any table with the columns ``subject, trial, stimulus`` as far as the protocol
            needs them, and ``unit`` where trials belong together. For a protocol that keeps one thing whole also an
            array of it, such as the subject of each row; a trial must then have a number of its own over all people.

        Yields
        ------
        train, test : array of int
        """
        if groups is None and isinstance(X, Windows):
            units = _units_of_windows(X, self.splitter.protocol)
        else:
            n = X.shape[0] if hasattr(X, "shape") else len(X)
            units = self._units_of_groups(groups, n)
        for train, validation, test in self.splitter._split(units, y):
            yield np.sort(np.concatenate([train, validation])), test

    def get_n_splits(
        self, X: Any = None, y: np.ndarray | None = None, groups: np.ndarray | pd.DataFrame | None = None
    ) -> int:
        """Count the folds.

        Parameters
        ----------
        X, y, groups
            As in :meth:`split`; needed where the number depends on the data.

        Returns
        -------
        n_splits : int
        """
        settings = self.splitter
        if settings.n_splits is None and settings.within == "pooled":
            return settings.n_repeats
        if isinstance(settings.n_splits, int) and settings.within == "pooled" and len(_KEPT[settings.protocol]) < 2:
            return settings.n_splits * settings.n_repeats
        if X is None:
            raise ConfigError(f"The number of folds of {settings} depends on the data; give X and groups.")
        return sum(1 for _ in self.split(X, y, groups))

    def _units_of_groups(self, groups: np.ndarray | pd.DataFrame | None, n: int) -> pd.DataFrame:
        needed = _KEPT[self.splitter.protocol] + (("subject",) if self.splitter.within == "subject" else ())
        if groups is not None and len(groups) != n:
            raise ConfigError(f"groups must hold a row for each of the {n} rows of X, got {len(groups)}.")
        if isinstance(groups, pd.DataFrame):
            missing = [column for column in needed if column not in groups]
            if missing:
                raise ConfigError(f"groups lacks the column {missing[0]!r}; it has {list(groups.columns)}.")
            if {"subject", "trial"} <= set(groups):
                groups, needed = groups.assign(trial=number_units(groups)), ("trial", "subject", *needed)
            return _units(groups, tuple(dict.fromkeys(needed)), self.splitter.protocol)
        if groups is None and needed:
            raise ConfigError(
                f"Protocol {self.splitter.protocol!r} needs to know the {' and '.join(needed)} of each row: give "
                "groups=windows.table, or Windows as X."
            )
        if len(needed) > 1:
            raise ConfigError(
                f"Protocol {self.splitter.protocol!r} needs groups with the columns {', '.join(needed)}, such as "
                "windows.table; an array can hold only one of them."
            )
        return _units(
            pd.DataFrame({needed[0]: np.asarray(groups)} if needed else {}, index=range(n)),
            needed,
            self.splitter.protocol,
        )


@suggest_keywords
def make_splitter(
    protocol: str,
    *,
    n_splits: NSplits = 5,
    within: Literal["pooled", "subject"] = "pooled",
    test_size: float = 0.1,
    validation_size: float = 0.1,
    n_repeats: int = 1,
    random_state: int = 0,
) -> Splitter:
    """Make the splitter of a protocol.

    Parameters
    ----------
    protocol : "window-random" | "trial" | "subject" | "video" | "subject-video"
        What is kept whole: nothing (so that it leaks), trials, people, stimuli, or people and stimuli. Under
        ``"trial"`` each person's trials are spread evenly over the parts; trials of one ``unit`` count as one trial.
        Under ``"subject-video"`` people and stimuli are both split, every group of people is tested on every group of
        stimuli (``n_splits`` squared folds, Pahikkala et al. 2015), and trials of a known person with a new stimulus,
        or the reverse, are left out.
    n_splits : int | "leave-one-out" | None
        Folds of a k-fold; one trial, person or stimulus a fold; or None for one hold-out split, 80:10:10 with the
        default sizes.
    within : "pooled" | "subject"
        Whether one model is made for all people, or each person is split, and modelled, alone.
    test_size, validation_size : float
        Shares of all units that a hold-out tests on, and that early stopping looks at; of at least one unit.
        Under ``"subject-video"`` they are shares of the people and of the stimuli. With ``validation_size=0`` no
        validation data are carved out.
    n_repeats : int
        How often the whole is drawn anew.
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

    See Also
    --------
    eegemo.evaluate : Fits and tests a classifier on every fold.

    References
    ----------
    Pahikkala et al. 2015, doi:10.1093/bib/bbu010 (folds over pairs of new units).

    Examples
    --------
    >>> from eegemo import make_splitter, quadrants, simulate
    >>> windows = simulate(subjects=1, channels=["F3"]).windows(duration=4.0)
    >>> splitter = make_splitter("trial", n_splits=4, random_state=0)
    >>> [[len(part) for part in split] for split in splitter.split(windows, quadrants()(windows))][0]
    [390, 60, 150]
    """
    if protocol not in PROTOCOLS:
        raise unknown_name("protocol", protocol, PROTOCOLS)
    if isinstance(n_splits, str) and n_splits != LEAVE_ONE_OUT:
        raise unknown_name("n_splits", n_splits, (LEAVE_ONE_OUT,))
    for name, number in (("n_splits", n_splits), ("n_repeats", n_repeats)):
        if number is not None and not isinstance(number, (Integral, str)):
            raise ConfigError(f"{name} must be a whole number, got {number!r}.")
    n_splits = int(n_splits) if isinstance(n_splits, Integral) else n_splits
    if isinstance(n_splits, int) and n_splits < 2:
        raise ConfigError(f"n_splits must be at least 2, or None for one hold-out split, got {n_splits}.")
    if n_splits == LEAVE_ONE_OUT and protocol in ("window-random", "subject-video"):
        raise ConfigError(f"Protocol {protocol!r} would have a fold for each window or pair; give n_splits a number.")
    if n_splits == LEAVE_ONE_OUT and n_repeats > 1:
        raise ConfigError("There is one way to leave each one out; repeat it with another seed of the classifier.")
    if n_repeats < 1:
        raise ConfigError(f"n_repeats must be at least 1, got {n_repeats}.")
    if within not in ("pooled", "subject"):
        raise ConfigError(f"within must be 'pooled' or 'subject', got {within!r}.")
    if within == "subject" and "subject" in _KEPT[protocol]:
        raise ConfigError(f"Protocol {protocol!r} holds out whole people; it cannot be run within a subject.")
    if not 0 < test_size < 1 or not 0 <= validation_size < 1:
        raise ConfigError(
            f"test_size must lie between 0 and 1 and validation_size from 0 to below 1, got {test_size} and "
            f"{validation_size}."
        )
    held_out = (1 / n_splits if isinstance(n_splits, int) else test_size) + validation_size
    if held_out >= 1:
        raise ConfigError(
            f"n_splits={n_splits}, test_size={test_size:g} and validation_size={validation_size:g} leave nothing to "
            "train on; take more splits or a smaller size."
        )
    return Splitter(
        protocol, n_splits, within, float(test_size), float(validation_size), int(random_state), int(n_repeats)
    )


def _units_of_windows(windows: Windows, protocol: str) -> pd.DataFrame:
    """Return the numbered unit (as its trial), subject and stimulus of each window."""
    table = windows.table.assign(trial=windows.groups)
    return _units(table, ("trial", "subject", *(c for c in _KEPT[protocol] if c == "stimulus")), protocol)


def _units(table: pd.DataFrame, needed: tuple[str, ...], protocol: str) -> pd.DataFrame:
    for column in needed:
        missing = pd.isna(table[column])
        if missing.any():
            raise ConfigError(
                f"Protocol {protocol!r} needs the {column} of every window; {missing.sum()} of {len(table)} have none. "
                f"Drop those trials with trials.dropna({column!r}), or take a protocol that does without."
            )
    units = pd.DataFrame({column: _numbered(table[column].to_numpy()) for column in needed}, index=range(len(table)))
    if UNIT in table and {"trial", "stimulus"} <= set(units):
        torn = (units.groupby("trial")["stimulus"].transform("nunique") > 1).to_numpy()
        if torn.any():
            row = table.iloc[int(torn.argmax())]
            raise ConfigError(
                f"Protocol {protocol!r} would tear unit {row[UNIT]} of subject {row['subject']} apart, whose trials "
                "have several stimuli; take a protocol that does not split stimuli, such as 'trial' or 'subject'."
            )
    return units if "subject" in units else units.assign(subject=0)


def _commonest(unit: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the most frequent class of each unit's windows."""
    counts = np.zeros((unit.max() + 1, classes.max() + 1), int)
    np.add.at(counts, (unit, classes), 1)
    return counts.argmax(axis=1)


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
