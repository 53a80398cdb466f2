"""The card of a model that is put to use: how it was evaluated before, and what the scores can mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from eegemo.errors import DataFormatError

#: Entries by what JSON has for them.
_KINDS: dict[type, tuple[str, ...]] = {
    str: ("model", "labels", "dataset", "protocol", "verdict", "training", "fingerprint", "eegemo"),
    bool: ("simulated", "smoke"),
    int: ("n_folds", "n_subjects", "n_trials", "n_windows"),
    list: ("classes", "notes", "pass_band"),
    dict: ("leakage", "scores", "baselines", "preprocessing"),
}
_TEXTS = ("classes", "notes")


@dataclass(frozen=True)
class ModelCard:
    """What is known of a model that was fitted on all windows; made by :func:`eegemo.fit_final`.

    Parameters
    ----------
    model : str
        Its name in tables.
    classes : tuple of str
        The names of its classes, by number.
    labels : str
        The rule that gave the classes.
    dataset : str
        Whose recordings it was fitted on.
    simulated, smoke : bool
        Whether nobody was recorded, and whether the evaluation only showed that everything works.
    protocol : str
        Under which the scores were measured, with *transductive* where test data were fitted on.
    leakage : dict of str -> object
        The mean leakage record of the folds: shares by name, None where not known.
    verdict : str
        What the scores can mean, in words.
    scores : dict of str -> dict of str -> float | None
        By metric: ``mean`` and ``sd`` over the people, of windows of the folds' tests.
    baselines : dict of str -> dict of str -> float
        By baseline that saw no EEG, and by metric: the mean over the people.
    n_folds, n_subjects, n_trials, n_windows : int
        Of the evaluation.
    notes : tuple of str
        What a reader of the scores must know.
    training : str
        What the model itself was fitted on, and when it stopped.
    pass_band : list of float | None
        Of the recordings, in Hz.
    preprocessing : dict | None
        The settings that the recordings were prepared with, where they are known.
    fingerprint : str
        Of the evaluation.
    eegemo : str
        The version that fitted it.
    """

    model: str
    classes: tuple[str, ...]
    labels: str
    dataset: str
    simulated: bool
    smoke: bool
    protocol: str
    leakage: dict[str, Any]
    verdict: str
    scores: dict[str, dict[str, float | None]]
    baselines: dict[str, dict[str, float]]
    n_folds: int
    n_subjects: int
    n_trials: int
    n_windows: int
    notes: tuple[str, ...]
    training: str
    pass_band: list[float | None]
    preprocessing: dict[str, Any] | None
    fingerprint: str
    eegemo: str

    def __str__(self) -> str:
        kind = "SIMULATED data, " * self.simulated + "SMOKE run, " * self.smoke
        shown = ", ".join(f"{name} {_in_short(score)}" for name, score in self.scores.items())
        lines = [
            f"{self.model}, {self.labels} on {self.dataset}: {kind}{self.training}",
            f"Measured under {self.protocol} on {self.n_folds} folds of {self.n_subjects} subjects, {self.n_trials} "
            f"trials, {self.n_windows} windows (windows, mean ± sd over subjects): {shown}",
        ]
        for name, score in self.baselines.items():
            means = ", ".join(f"{metric} {mean:.3f}" for metric, mean in score.items())
            lines.append(f"Without EEG, {name}: {means}")
        return "\n".join([*lines, self.verdict, *self.notes])

    @property
    def as_json(self) -> dict[str, Any]:
        """The card as JSON holds it."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, content: Any) -> Self:
        """Take a card as a file has it.

        Parameters
        ----------
        content : object
            What JSON gave.

        Returns
        -------
        card : ModelCard

        Raises
        ------
        DataFormatError
            If it is none.
        """
        known = {name: kind for kind, names in _KINDS.items() for name in names}
        if not isinstance(content, Mapping) or set(content) != set(known):
            raise DataFormatError("the card of its evaluation lacks entries, or has others")
        values: dict[str, Any] = dict(content)
        for name, kind in known.items():
            missing = name == "preprocessing" and values[name] is None
            if type(values[name]) is not kind and not missing:
                raise DataFormatError(f"{name} on the card of its evaluation is {values[name]!r:.60}")
        scores = [*values["scores"].values(), *values["baselines"].values()]
        if not all(_are_numbers(numbers) for numbers in [*scores, dict(enumerate(values["pass_band"]))]):
            raise DataFormatError("scores on the card of its evaluation are no numbers")
        for name in _TEXTS:
            if not all(isinstance(text, str) for text in values[name]):
                raise DataFormatError(f"{name} on the card of its evaluation are no text")
            values[name] = tuple(values[name])
        return cls(**values)


def _are_numbers(numbers: Any) -> bool:
    return isinstance(numbers, dict) and all(one is None or type(one) in (int, float) for one in numbers.values())


def _in_short(score: Mapping[str, float | None]) -> str:
    mean, spread = score.get("mean"), score.get("sd")
    if mean is None:
        return "not known"
    return f"{mean:.3f}" + ("" if spread is None else f" ± {spread:.3f}")
