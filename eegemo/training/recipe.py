"""How long and how fast a network is trained, whichever it is: few numbers, each with its reason."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """How a network is trained beside what its user may set; :data:`RECIPE` is the one that all are trained by.

    Parameters
    ----------
    updates : int
        Batches of a training where nobody says how many epochs. Small sets need many epochs for them, large ones few:
        what a network has learned goes with the steps it took more than with how often it saw a window.
    least_epochs, most_epochs : int
        Whatever the size of the training data. The more people and trials there are to tell apart, the more steps it
        takes: 60,000 windows of 8 simulated people are recognised in .88 of the cases after 10 epochs, in .92 after 30
        (CNN-GRU, windows split at random).
    waiting : float
        Share of the epochs that pass without a better validation loss before training stops, where nobody says. While
        the learning rate is high the validation loss jumps, and a slow start is no end.
    warm_up : int
        Batches over which the learning rate rises; of a short training a tenth. Adam's first steps are as large as its
        learning rate, whatever the gradient, since its averages hold one batch alone: at full size they can leave ReLU
        units that never answer again.
    falls : bool
        Whether the learning rate then falls to nothing, by half a cosine.
    clip_norm : float | None
        Largest norm of a gradient, over all weights. A batch with an artefact in it would otherwise fill Adam's
        averages for hundreds of batches.

    Notes
    -----
    ``experiments/training_recipe.py`` changes each of them in turn, on the training data of recordings of real people,
    and writes what that does.

    References
    ----------
    Goyal et al. 2017, arXiv:1706.02677 (rise); Loshchilov & Hutter 2017, arXiv:1608.03983 (cosine); Pascanu et al.
    2013, arXiv:1211.5063 (clipping).
    """

    updates: int = 4000
    least_epochs: int = 30
    most_epochs: int = 200
    waiting: float = 0.25
    warm_up: int = 200
    falls: bool = True
    clip_norm: float | None = 1.0

    def epochs(self, n_windows: float, batch_size: int) -> int:
        """Return how many epochs a training has where nobody says.

        Parameters
        ----------
        n_windows : float
            In an epoch; on average, where weights leave some to chance.
        batch_size : int
            Windows in a batch.

        Returns
        -------
        epochs : int
        """
        n_batches = math.ceil(n_windows / batch_size)
        return min(max(math.ceil(self.updates / n_batches), self.least_epochs), self.most_epochs)

    def patience(self, epochs: int) -> int:
        """Return how many epochs without a better validation loss end a training where nobody says.

        Parameters
        ----------
        epochs : int
            Of the training.

        Returns
        -------
        patience : int
        """
        return max(1, math.ceil(self.waiting * epochs))

    def learning_rate(self, update: int, n_updates: int, highest: float) -> float:
        """Return the learning rate of a batch.

        Parameters
        ----------
        update : int
            Number of the batch, from 0.
        n_updates : int
            Batches of the whole training, if it is not stopped.
        highest : float
            The learning rate after the rise.

        Returns
        -------
        learning_rate : float
            Positive.
        """
        rise = max(1, min(self.warm_up, n_updates // 10))
        fall = 0.5 * (1 + math.cos(math.pi * min(update, n_updates - 1) / n_updates)) if self.falls else 1.0
        return highest * min((update + 1) / rise, 1.0) * fall


RECIPE = Recipe()
