"""Blocks: the trials whose labels are exchanged together when labels are permuted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from eegemo.errors import ConfigError


@dataclass(frozen=True)
class Blocks:
    """The units of some trials, each with its rows.

    Parameters
    ----------
    subject : array, shape (n_blocks,)
        Whose each is.
    size : array of int, shape (n_blocks,)
        How many trials it has; only blocks of one subject and one size can take each other's labels. Where each block
        has one label, they all can, and all sizes are 1.
    members : array of int, shape (n_blocks, largest number of trials)
        Its rows, ascending, then -1.
    """

    subject: np.ndarray
    size: np.ndarray
    members: np.ndarray

    def taken(self, own: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        """Return from which trial each trial takes its label, where blocks take those of others.

        Parameters
        ----------
        own, drawn : array of int, shape (n_blocks,)
            All blocks, and the one of its subject and size whose labels each takes.

        Returns
        -------
        rows : array of int, shape (n_trials,)
        """
        rows = np.empty((self.members >= 0).sum(), int)
        if (self.size == 1).all():
            n_trials = (self.members[own] >= 0).sum(axis=1)
            rows[self.rows(own)] = np.repeat(self.members[drawn, 0], n_trials)
        else:
            rows[self.rows(own)] = self.rows(drawn)
        return rows

    def rows(self, numbers: np.ndarray) -> np.ndarray:
        """Return the rows of some blocks, one block after another.

        Parameters
        ----------
        numbers : array of int
            Which blocks.

        Returns
        -------
        rows : array of int
        """
        rows = self.members[numbers].ravel()
        return rows[rows >= 0]

    def dealt_alike(self, stimulus: np.ndarray | pd.Series, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """Deal the labels of each subject's blocks anew among those of one size, alike for all subjects, without end.

        Parameters
        ----------
        stimulus : array, shape (n_trials,)
            What was shown: all subjects' labels of one stimulus go to one other stimulus, as far as they saw the same
            ones. Where it is missing, a block is dealt as if nobody else had seen it.
        rng : Generator
            Of the order.

        Yields
        ------
        rows : array of int, shape (n_trials,)
            From which trial each one takes its label.
        """
        codes = pd.factorize(np.asarray(stimulus, dtype=object)[self.members[:, 0]])[0]
        shown = np.where(codes < 0, codes.max(initial=-1) + 1 + np.arange(len(codes)), codes)
        subject = pd.factorize(self.subject)[0]
        own = np.lexsort((shown, self.size, subject))
        while True:
            # Sorting random numbers within each subject and each size of blocks is a permutation within each of them.
            drawn = rng.random(shown.max() + 1)[shown]
            yield self.taken(own, np.lexsort((drawn, self.size, subject)))


def blocks_of(subject: np.ndarray, unit: np.ndarray, labels: np.ndarray | pd.DataFrame) -> Blocks:
    """Collect the trials of each unit.

    Parameters
    ----------
    subject : array, shape (n_trials,)
        Whose each trial is.
    unit : array of int, shape (n_trials,)
        The number of its unit, over all subjects.
    labels : array, shape (n_trials,) | DataFrame, n_trials rows
        What is to be exchanged.

    Returns
    -------
    blocks : Blocks
        In the order in which units first appear; where each trial is a unit, the trials in their order.

    Raises
    ------
    ConfigError
        If there are units of several trials and labels, but no two of one subject and one size, so that nothing can be
        exchanged.
    """
    first, inverse, size = np.unique(unit, return_index=True, return_inverse=True, return_counts=True)[1:]
    rank = np.empty(len(first), int)
    rank[np.argsort(first)] = np.arange(len(first))
    block = rank[inverse]
    members = np.full((len(first), size.max(initial=1)), -1)
    order = np.argsort(block, kind="stable")
    sizes = size[np.argsort(first)]
    within = np.arange(len(unit)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    members[block[order], within] = order
    owners = subject[np.sort(first)]
    n_labels = pd.DataFrame(labels).groupby(block).nunique(dropna=False).to_numpy()
    if n_labels.max(initial=1) == 1:  # then a block of any size can take the label of another
        sizes = np.ones_like(sizes)
    kinds = np.unique(np.column_stack([np.unique(owners, return_inverse=True)[1], sizes]), axis=0)
    if sizes.max(initial=1) > 1 and len(kinds) == len(first):
        raise ConfigError(
            "Labels cannot be permuted: no two units of one subject have as many trials, so none can take the labels "
            "of another."
        )
    return Blocks(owners, sizes, members)
