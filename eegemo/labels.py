"""Label schemes: how ratings become classes, each with a name that says its rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd

from eegemo._categories import as_text
from eegemo._numbers import finite
from eegemo.errors import ConfigError, DataFormatError, suggest_keywords, unknown_name
from eegemo.trials import Trials
from eegemo.windows import Windows

Ties = Literal["low", "high", "drop"]
#: A threshold of each person's own: the median of the ratings of their training trials.
MEDIAN: Final = "median"
_SIGN = {"low": ">", "high": ">=", "drop": "!="}


@dataclass(frozen=True)
class LabelScheme:
    """A rule that gives every trial a class; call it on Trials or on Windows.

    Parameters
    ----------
    name : str
        Says the rule, for example ``quadrants>5``.
    classes : tuple of str
        The names of classes 0, 1, ...
    columns : tuple of str
        The columns of the trial table that the rule reads.
    threshold : float | "median" | None
        Ratings above it are high; those above the median of the person's training trials, in each fold anew. None where
        the column holds the class itself.
    ties : "low" | "high" | "drop"
        What a rating equal to the threshold is.
    """

    name: str
    classes: tuple[str, ...]
    columns: tuple[str, ...]
    threshold: float | Literal["median"] | None = None
    ties: Ties = "low"

    @property
    def is_fitted(self) -> bool:
        """Whether the threshold is fitted to training trials, in each fold anew."""
        return self.threshold == MEDIAN

    def __call__(self, data: Trials | Windows) -> np.ndarray:
        """Give the class numbers.

        Parameters
        ----------
        data : Trials | Windows
            What to label.

        Returns
        -------
        y : array of int64, shape (n_trials,) or (n_windows,)
            Numbers into ``classes``.

        Raises
        ------
        ConfigError
            If ``data`` is something else, or the threshold is to be fitted (:meth:`fitted`).
        DataFormatError
            If a rating is missing or no number, a class is none of those known, or ties are to be dropped and are still
            there.
        """
        if isinstance(data, Windows):
            return data.expand(self(data.trials))
        if not isinstance(data, Trials):
            raise ConfigError(f"{self.name} labels Trials or Windows, got {type(data).__name__}.")
        if self.is_fitted:
            raise ConfigError(
                f"{self.name} is fitted to training trials; give the rule itself to evaluate, or use "
                "scheme.fitted(windows, train)."
            )
        table = self._complete(data)
        if self.threshold is None:
            return self._category(table[self.columns[0]])
        ratings = self._numbers(table)
        threshold = float(self.threshold)
        tied = (ratings == threshold).any(axis=1)
        if self.ties == "drop" and tied.any():
            raise DataFormatError(
                f"{self.name}: {tied.sum()} trials have a rating of exactly {threshold:g}; "
                "drop them first with scheme.select(trials)."
            )
        return self._above(ratings, threshold)

    def fitted(self, windows: Windows, train: np.ndarray) -> np.ndarray:
        """Give the class numbers, with a threshold that is fitted to training trials, where it is to be.

        Parameters
        ----------
        windows : Windows
            What to label.
        train : array of int
            Numbers of the windows to train on.

        Returns
        -------
        y : array of int64, shape (n_windows,)
            Numbers into ``classes``; -1 for windows of people none of whose trials are trained on.

        Raises
        ------
        DataFormatError
            As when it is called.
        """
        if not self.is_fitted:
            return self(windows)
        ratings = self._numbers(self._complete(windows.trials))
        subject = windows.trials.table["subject"]
        trained = np.unique(windows.trial_index[train])
        medians = pd.DataFrame(ratings[trained]).groupby(subject.iloc[trained].to_numpy()).median()
        own = medians.reindex(subject).to_numpy()
        y = np.where(np.isnan(own[:, 0]), -1, self._above(ratings, own))
        return windows.expand(y)

    def select(self, trials: Trials) -> Trials:
        """Keep the trials that this scheme can label: without its ties, where those are to be dropped.

        Parameters
        ----------
        trials : Trials
            All trials.

        Returns
        -------
        trials : Trials
            Those that are no tie. Trials without a rating stay, and are refused when labelled.
        """
        if not isinstance(trials, Trials):
            raise ConfigError(f"Trials were expected, before they are cut, got {type(trials).__name__}.")
        if self.ties != "drop" or self.threshold in (None, MEDIAN):
            return trials
        return trials.select(~(self._numbers(self._ratings(trials)) == self.threshold).any(axis=1))

    def _above(self, ratings: np.ndarray, threshold: float | np.ndarray) -> np.ndarray:
        high = ratings >= threshold if self.ties == "high" else ratings > threshold
        if len(self.columns) == 1:
            return high[:, 0].astype(np.int64)
        return np.int64(2) * ~high[:, 0] + ~high[:, 1]

    def _complete(self, trials: Trials) -> pd.DataFrame:
        """Return the columns that are read, none of whose values is missing."""
        table = self._ratings(trials)
        missing = table.isna().any(axis=1).to_numpy()
        if missing.any():
            row = trials.table[["trial", "subject"]].astype(object).iloc[int(missing.argmax())]
            raise DataFormatError(
                f"{self.name}: {missing.sum()} trials lack a rating, first trial {row['trial']} of subject "
                f"{row['subject']}; drop them with trials.dropna({list(self.columns)})."
            )
        return table

    def _ratings(self, trials: Trials) -> pd.DataFrame:
        for column in self.columns:
            if column not in trials.table:
                raise unknown_name("column", column, trials.table.columns)
        return trials.table[list(self.columns)]

    def _numbers(self, ratings: pd.DataFrame) -> np.ndarray:
        for column in self.columns:
            if pd.api.types.is_bool_dtype(ratings[column]) or pd.api.types.is_datetime64_any_dtype(ratings[column]):
                raise DataFormatError(
                    f"{self.name}: {column} holds {ratings[column].iloc[0]!r} and the like, and a rating is a number; "
                    f"true and false are classes of categories({column!r}, [False, True])."
                )
            values = pd.to_numeric(ratings[column], errors="coerce").astype(float)
            wrong = (values.isna() & ratings[column].notna() | np.isinf(values)).to_numpy(bool)
            if wrong.any():
                raise DataFormatError(
                    f"{self.name}: {column} is {ratings[column][wrong].iloc[0]!r} in row {int(wrong.argmax())} of the "
                    f"table, and a rating is a number; classes by name are categories({column!r}, [...])."
                )
        return ratings.apply(pd.to_numeric).to_numpy(float)

    def _category(self, column: pd.Series) -> np.ndarray:
        number = pd.Index(self.classes).get_indexer(pd.Index([as_text(value) for value in column]))
        if (number < 0).any():
            raise DataFormatError(
                f"{self.name}: {column[number < 0].iloc[0]!r} is none of the classes {', '.join(self.classes)}."
            )
        return number.astype(np.int64)


@suggest_keywords
def quadrants(threshold: float | Literal["median"] = 5.0, ties: Ties = "low") -> LabelScheme:
    """Label by the quadrants of valence and arousal.

    Parameters
    ----------
    threshold : float | "median"
        Ratings above it are high; the middle of DEAP's scale by default. ``"median"`` is each person's own: of the
        ratings of the trials that are trained on, in each fold anew, so that nothing is known of those tested on.
    ties : "low" | "high" | "drop"
        What a rating equal to the threshold is. On DEAP "low" (high is ``> 5``) gives 439, 269, 298 and
        274 trials a class, "high" (high is ``>= 5``) 458, 266, 296 and 260.

    Returns
    -------
    scheme : LabelScheme
        Classes ``HVHA, HVLA, LVHA, LVLA`` in that order.

    See Also
    --------
    high_low : One rating, high or low.
    categories : Classes as the dataset gives them.

    References
    ----------
    Russell 1980, doi:10.1037/h0077714; Koelstra et al. 2012, doi:10.1109/T-AFFC.2011.15.

    Examples
    --------
    >>> from eegemo import quadrants, simulate
    >>> scheme = quadrants()
    >>> scheme.name, scheme.classes
    ('quadrants>5', ('HVHA', 'HVLA', 'LVHA', 'LVLA'))
    >>> scheme(simulate(subjects=1, channels=["F3"])).shape
    (40,)
    """
    name = f"quadrants{_sign(ties)}{_in_words(threshold, ties)}"
    return LabelScheme(name, ("HVHA", "HVLA", "LVHA", "LVLA"), ("valence", "arousal"), threshold, ties)


@suggest_keywords
def high_low(rating: str, threshold: float | Literal["median"] = 5.0, ties: Ties = "low") -> LabelScheme:
    """Label by one rating being high or low.

    Parameters
    ----------
    rating : str
        ``"valence"``, ``"arousal"``, or any other rating of the trial table.
    threshold, ties
        As in :func:`quadrants`.

    Returns
    -------
    scheme : LabelScheme
        Classes ``low, high``, so that high is the positive class 1.
    """
    _check_column(rating)
    name = f"{rating}{_sign(ties)}{_in_words(threshold, ties)}"
    return LabelScheme(name, ("low", "high"), (rating,), threshold, ties)


@suggest_keywords
def categories(column: str, classes: Iterable[object]) -> LabelScheme:
    """Take the classes as the dataset gives them.

    Parameters
    ----------
    column : str
        Column of the trial table that names each trial's class.
    classes : iterable
        All classes, in the order of their numbers. Numbers, and true and false, are taken as text, as they stand in the
        table: 1 and 1.0 are both ``1``.

    Returns
    -------
    scheme : LabelScheme
        Named after the column.

    Raises
    ------
    ConfigError
        If these are no classes, one is missing, or one comes twice.
    """
    _check_column(column)
    if isinstance(classes, (str, set, frozenset)) or not isinstance(classes, Iterable):
        raise ConfigError(f"All classes were expected, as a list, got {classes!r}.")
    given = list(classes)
    if not given or any(name is None or name is pd.NA or name != name for name in given):
        raise ConfigError(
            f"All classes were expected, as a list, got {given!r}; trials without a class are dropped with "
            f"trials.dropna({column!r})."
        )
    names = tuple(as_text(name) for name in given)
    if len(set(names)) < len(names):
        raise ConfigError(f"A class is named twice: {', '.join(names)}.")
    return LabelScheme(column, names, (column,))


def _check_column(column: str) -> None:
    if not isinstance(column, str):
        raise ConfigError(f"The name of one column of the table of trials was expected, got {column!r}.")


def _in_words(threshold: float | str, ties: Ties) -> str:
    if not isinstance(threshold, str) or threshold != MEDIAN:
        return repr(finite("threshold", threshold)).removesuffix(".0")
    if ties == "drop":
        raise ConfigError(
            "The median is another in each fold, so its ties cannot be dropped; take ties='low' or 'high'."
        )
    return "median of the subject's training trials"


def _sign(ties: Ties) -> str:
    if not isinstance(ties, str) or ties not in _SIGN:
        raise ConfigError(f"ties must be one of {', '.join(map(repr, _SIGN))}, got {ties!r}.")
    return _SIGN[ties]
