"""Units dealt to folds and drawn for parts, each group and each class evenly."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from eegemo.errors import ConfigError


def commonest(unit: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the most frequent class of each unit's windows."""
    counts = np.zeros((unit.max() + 1, classes.max() + 1), int)
    np.add.at(counts, (unit, classes), 1)
    return counts.argmax(axis=1)


def numbered(values: np.ndarray) -> np.ndarray:
    """Replace values by numbers 0 .. n-1, in their sorted order."""
    return np.unique(values, return_inverse=True)[1]


def deal(groups: np.ndarray, classes: np.ndarray, n_hands: int, rng: np.random.Generator) -> np.ndarray:
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


def spread_draw(groups: np.ndarray, classes: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
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


def spare_sessions(
    subjects: np.ndarray, test: np.ndarray, rest: np.ndarray, n: int, rng: np.random.Generator
) -> np.ndarray:
    """Return the sessions that validation may take n of, so that one of everybody's is left to train on."""
    unknown = np.setdiff1d(subjects[test], subjects[rest])
    if len(unknown):
        raise ConfigError(
            "Protocol 'session' trains on some sessions of each person and tests on another, but "
            f"{len(unknown)} of the {len(np.unique(subjects))} people have no session left to train on; leave people "
            "with one session out, or take more splits."
        )
    if n == 0:
        return rest
    shuffled = rng.permutation(rest)
    one_of_each = np.unique(subjects[shuffled], return_index=True)[1]
    spare = np.sort(np.delete(shuffled, one_of_each))
    if len(spare) < n:
        raise ConfigError(
            f"Protocol 'session' cannot give {n} sessions to validation and keep one of each person to train on; take "
            "a smaller validation_size (0 for none)."
        )
    return spare
