"""Splitters: the splits of a protocol, as triples with validation data, or as scikit-learn takes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar, Final, Literal

import numpy as np
import pandas as pd
from sklearn.model_selection import BaseCrossValidator

from eegemo._numbers import finite, whole
from eegemo._trial_parts import DATASET, SESSION
from eegemo.errors import ConfigError, suggest_keywords, unknown_name
from eegemo.evaluation.dealing import commonest, deal, numbered, spare_sessions, spread_draw
from eegemo.evaluation.protocols import PROTOCOLS, Protocol, plural, units_of_groups, units_of_windows
from eegemo.windows import Windows

LEAVE_ONE_OUT: Final = "leave-one-out"
#: Folds of a k-fold; one unit a fold; or None for one hold-out split.
NSplits = int | Literal["leave-one-out"] | None
#: Window numbers of training, validation and test.
Split = tuple[np.ndarray, np.ndarray, np.ndarray]
_TRAIN, _VALIDATION, _TEST, _UNUSED = range(4)


@dataclass(frozen=True)
class Splitter(BaseCrossValidator):
    """Splits windows as a protocol asks, and is a scikit-learn cross-validator; made by :func:`make_splitter`.

    A split is drawn over the units that the protocol keeps whole, once, and then expanded to windows. With ``cv=`` a
    Windows object brings what is kept whole; arrays need ``groups=windows.table``.

    Examples
    --------
    >>> from eegemo import make_splitter, quadrants, simulate
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.model_selection import cross_val_score
    >>> windows = simulate(2, channels=["Cz"]).windows()
    >>> cv = make_splitter("trial", n_splits=4)
    >>> len(cross_val_score(DummyClassifier(), windows, quadrants()(windows), cv=cv))
    4
    """

    protocol: str
    n_splits: NSplits
    within: Literal["pooled", "subject"]
    test_size: float
    validation_size: float
    random_state: int
    n_repeats: int = 1

    # What split() takes beside X and y is given to it, where scikit-learn routes metadata.
    __metadata_request__split: ClassVar = {"groups": True}

    @property
    def rule(self) -> Protocol:
        """What the protocol keeps whole, and what it answers."""
        return PROTOCOLS[self.protocol]

    def triples(self, windows: Windows, y: np.ndarray | None = None) -> Iterator[Split]:
        """Draw the splits, with validation data apart.

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
            needs what the windows do not name.
        """
        yield from self._triples(units_of_windows(windows, self.rule), y)

    def split(
        self, X: Any, y: np.ndarray | None = None, groups: np.ndarray | pd.DataFrame | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Draw the same splits as scikit-learn takes them: training and validation are one.

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
            units = units_of_windows(X, self.rule)
        else:
            n = X.shape[0] if hasattr(X, "shape") else len(X)
            units = units_of_groups(groups, n, self.rule, within_subject=self.within == "subject")
        for train, validation, test in self._triples(units, y):
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
        if self.n_splits is None and self.within == "pooled":
            return self.n_repeats
        if isinstance(self.n_splits, int) and self.within == "pooled" and not self.rule.crossed:
            return self.n_splits * self.n_repeats
        if X is None:
            raise ConfigError(f"The number of folds of {self} depends on the data; give X and groups.")
        return sum(1 for _ in self.split(X, y, groups))

    def _triples(self, units: pd.DataFrame, y: np.ndarray | None) -> Iterator[Split]:
        n = len(units)
        if n == 0:
            raise ConfigError("There are no windows to split.")
        if y is not None and np.shape(y) != (n,):
            raise ConfigError(f"y must hold one class for each of the {n} windows, got {np.shape(y)}.")
        rng = np.random.default_rng(self.random_state)
        classes = numbered(np.zeros(n, int) if y is None else np.asarray(y))
        scopes = [np.arange(n)]
        if self.within == "subject":
            subjects = units["subject"].to_numpy()
            scopes = [np.flatnonzero(subjects == subject) for subject in range(subjects.max() + 1)]
        counts = set()
        for _ in range(self.n_repeats):
            n_folds = 0
            for numbers in scopes:
                own = units.iloc[numbers].apply(numbered)
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
        if not self.rule.kept:
            yield from self._parts("window", np.zeros(len(units), int), classes, rng)
            return
        if DATASET in self.rule.kept:
            yield from self._parts_of_datasets(units[DATASET].to_numpy(), units["subject"].to_numpy(), classes, rng)
            return
        axes = []
        for column in self.rule.kept:
            unit = units[column].to_numpy()
            first = np.unique(unit, return_index=True)[1]
            own = self.rule.within_people(column)
            groups = units["subject"].to_numpy()[first] if own else np.zeros(len(first), int)
            parts = self._parts(column, groups, commonest(unit, classes), rng)
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

    def _parts_of_datasets(
        self, dataset: np.ndarray, subject: np.ndarray, classes: np.ndarray, rng: np.random.Generator
    ) -> Iterator[np.ndarray]:
        """Test on whole datasets, and validate on people of the others: there are too few of these to spare one."""
        first = np.unique(subject, return_index=True)[1]
        dataset_of, class_of = dataset[first], commonest(subject, classes)
        n_datasets = dataset.max() + 1
        for part in self._parts(DATASET, np.zeros(n_datasets, int), commonest(dataset, classes), rng, validated=False):
            of_people = part[dataset_of]
            trained = np.flatnonzero(of_people == _TRAIN)
            n = max(1, round(self.validation_size * len(trained))) if self.validation_size else 0
            if n >= len(trained):
                raise ConfigError(
                    f"Protocol {self.protocol!r}: one person is left to train on and to validate on; take "
                    "validation_size=0."
                )
            of_people[trained[spread_draw(dataset_of[trained], class_of[trained], n, rng)]] = _VALIDATION
            yield of_people[subject]

    def _parts(
        self, what: str, groups: np.ndarray, classes: np.ndarray, rng: np.random.Generator, *, validated: bool = True
    ) -> Iterator[np.ndarray]:
        """Give every unit its part, once a fold."""
        n_units = len(groups)
        n_validation = max(1, round(self.validation_size * n_units)) if self.validation_size and validated else 0
        n_splits = n_units if isinstance(self.n_splits, str) else self.n_splits
        if n_splits is None:
            n_test = max(1, round(self.test_size * n_units))
        else:
            n_test = -(-n_units // n_splits)
        if n_units < (n_splits or 0) or n_test + n_validation >= n_units:
            units = plural(what)
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
            tests = [spread_draw(groups, classes, n_test, rng)]
        elif isinstance(self.n_splits, str):
            tests = list(np.arange(n_units)[:, None])
        else:
            hand = deal(groups, classes, n_splits, rng)
            tests = [np.flatnonzero(hand == fold) for fold in range(n_splits)]
        for test in tests:
            part = np.full(n_units, _TRAIN)
            part[test] = _TEST
            rest = np.flatnonzero(part == _TRAIN)
            if what == SESSION:
                rest = spare_sessions(groups, test, rest, n_validation, rng)
            part[rest[spread_draw(groups[rest], classes[rest], n_validation, rng)]] = _VALIDATION
            yield part


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
    protocol : "window-random" | "trial" | "session" | "subject" | "stimulus" | "subject-stimulus" | "dataset"
        What is kept whole: nothing (so that it leaks), trials, sessions, people, stimuli, people and stimuli, or
        datasets that were put together (:func:`eegemo.combine_datasets`), where validation is by people. Under
        ``"trial"`` each person's trials are spread evenly over the parts; trials of one ``unit`` count as one trial.
        Under ``"session"`` so are each person's sessions, one of which is always trained on.
        Under ``"subject-stimulus"`` people and stimuli are both split, every group of people is tested on every group
        of stimuli (``n_splits`` squared folds, Pahikkala et al. 2015), and trials of a known person with a new
        stimulus, or the reverse, are left out.
    n_splits : int | "leave-one-out" | None
        Folds of a k-fold; one trial, session, person or stimulus a fold; or None for one hold-out split, 80:10:10 with
        the default sizes.
    within : "pooled" | "subject"
        Whether one model is made for all people, or each person is split, and modelled, alone.
    test_size, validation_size : float
        Shares of all units that a hold-out tests on, and that early stopping looks at; of at least one unit.
        Under ``"subject-stimulus"`` they are shares of the people and of the stimuli. With ``validation_size=0`` no
        validation data are carved out.
    n_repeats : int
        How often the whole is drawn anew.
    random_state : int
        The same seed gives the same splits.

    Returns
    -------
    splitter : Splitter
        ``splitter.triples(windows, y)`` yields ``(train, validation, test)``; for scikit-learn it is a cross-validator.

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
    >>> [[len(part) for part in split] for split in splitter.triples(windows, quadrants()(windows))][0]
    [390, 60, 150]
    """
    if not isinstance(protocol, str) or protocol not in PROTOCOLS:
        raise unknown_name("protocol", protocol, PROTOCOLS)
    rule = PROTOCOLS[protocol]
    if isinstance(n_splits, str) and n_splits != LEAVE_ONE_OUT:
        raise unknown_name("n_splits", n_splits, (LEAVE_ONE_OUT,))
    if n_splits is not None and not isinstance(n_splits, str):
        n_splits = whole("n_splits", n_splits, 2, instead=", or None for one hold-out split")
    n_repeats, random_state = whole("n_repeats", n_repeats, 1), whole("random_state", random_state)
    test_size, validation_size = finite("test_size", test_size), finite("validation_size", validation_size)
    if n_splits == LEAVE_ONE_OUT and not rule.has_units:
        raise ConfigError(f"Protocol {protocol!r} would have a fold for each window or pair; give n_splits a number.")
    if n_splits == LEAVE_ONE_OUT and n_repeats > 1:
        raise ConfigError("There is one way to leave each one out; repeat it with another seed of the classifier.")
    if within not in ("pooled", "subject"):
        raise ConfigError(f"within must be 'pooled' or 'subject', got {within!r}.")
    if within == "subject" and rule.holds_out_people:
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
    return Splitter(protocol, n_splits, within, test_size, validation_size, random_state, n_repeats)
