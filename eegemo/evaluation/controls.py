"""Controls: the same windows and folds with a task whose answer is known, so that the evaluation itself is tested."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eegemo.errors import ConfigError, suggest_settings, unknown_name
from eegemo.evaluation.blocks import blocks_of
from eegemo.evaluation.splitter import Splitter
from eegemo.labels import LabelScheme, categories
from eegemo.trials import Trials
from eegemo.windows import Windows

_LOWEST, _HIGHEST = 8.0, 30.0  # Hz; inside every band that DEAP's preprocessing leaves


@dataclass(frozen=True)
class Task:
    """A task whose answer is known.

    Parameters
    ----------
    shows : str
        What a score on it should show.
    asks : "subject" | "stimulus" | None
        The column that is the class in place of the ratings, if one is.
    """

    shows: str
    asks: str | None = None


#: The controls by name.
CONTROLS: dict[str, Task] = {
    "permuted-labels": Task("labels permuted over the trials of each person: an honest protocol must fall to chance"),
    "who-is-it": Task("the person as the class: how much of who it is the model can read", "subject"),
    "which-stimulus": Task("the stimulus as the class: how much of what was shown the model can read", "stimulus"),
    "injected-signal": Task("a rhythm added whose frequency is the class: must be found"),
}


@suggest_settings
@dataclass(frozen=True)
class Control:
    """A task whose answer is known, in the place of the real one.

    Parameters
    ----------
    name : "permuted-labels" | "who-is-it" | "which-stimulus" | "injected-signal"
        Which control; see :data:`CONTROLS`.
    strength : float
        Of the injected rhythm: its rms over the standard deviation of each channel in each trial.
    random_state : int
        Of permutation and phases.

    Raises
    ------
    ConfigError
        If there is no such control, or the strength is not positive.
    """

    name: str
    strength: float = 0.5
    random_state: int = 0

    def __post_init__(self) -> None:
        if self.name not in CONTROLS:
            raise unknown_name("control", self.name, CONTROLS)
        if not 0 < self.strength < np.inf:
            raise ConfigError(f"strength must be a positive number, got {self.strength}.")
        object.__setattr__(self, "strength", float(self.strength))  # NumPy's numbers are no JSON
        object.__setattr__(self, "random_state", int(self.random_state))

    @property
    def asks(self) -> str | None:
        """The column that is the class in place of the ratings, if one is."""
        return CONTROLS[self.name].asks

    def why_not(self, splitter: Splitter) -> str:
        """Say why the control cannot be had under a protocol.

        Parameters
        ----------
        splitter : Splitter
            The protocol.

        Returns
        -------
        reason : str
            Empty where it can.
        """
        if self.asks in splitter.rule.kept:
            return (
                f"Control {self.name!r} asks for what protocol {splitter.protocol!r} holds out, so training cannot "
                "know it; run it under 'trial'."
            )
        if self.asks == "subject" and splitter.within == "subject":
            return f"Control {self.name!r} has one answer where each person is modelled alone; pool the people."
        return ""


def controlled(
    control: Control, windows: Windows, scheme: LabelScheme, splitter: Splitter
) -> tuple[Windows, LabelScheme]:
    """Put a control's task in the place of the real one.

    Parameters
    ----------
    control : Control
        Which control, and its settings.
    windows : Windows
        Of the real task.
    scheme : LabelScheme
        Of the real task.
    splitter : Splitter
        The protocol that will split them; a probe for what it holds out is refused.

    Returns
    -------
    windows : Windows
        The same windows, over trials with permuted ratings or changed samples.
    scheme : LabelScheme
        Their classes.

    Raises
    ------
    ConfigError
        If the control cannot be had under the protocol.
    """
    reason = control.why_not(splitter)
    if reason:
        raise ConfigError(reason)
    trials, seed = windows.trials, control.random_state
    if control.name == "permuted-labels":
        return permuted_windows(windows, scheme, random_state=seed), scheme
    if control.name == "injected-signal":
        changed = inject_signal(trials, scheme, strength=control.strength, random_state=seed)
        return _on_windows_of(changed, windows), scheme
    column = str(control.asks)
    values = trials.table[column]
    if values.isna().any():
        raise ConfigError(
            f"Control {control.name!r} needs the {column} of every trial; {values.isna().sum()} have none."
        )
    return windows, categories(column, tuple(dict.fromkeys(values.astype(str))))


def permuted_windows(
    windows: Windows, scheme: LabelScheme, *, random_state: int = 0, stimuli_alike: bool = False
) -> Windows:
    """Permute the ratings of the trials that windows are of, by :func:`permute_labels`; no others take part.

    Parameters
    ----------
    windows : Windows
        Of all trials, or of some.
    scheme, random_state, stimuli_alike
        As :func:`permute_labels` takes them.

    Returns
    -------
    windows : Windows
        The same, of trials with permuted ratings.

    Raises
    ------
    ConfigError
        As of :func:`permute_labels`.
    """
    trials, there = windows.trials, np.unique(windows.trial_index)
    permuted = permute_labels(
        trials.select(there), scheme, random_state=random_state, stimuli_alike=stimuli_alike
    ).table
    table = trials.table.copy()
    for name in scheme.columns:
        column = table[name].copy()
        column.iloc[there] = permuted[name].array
        table[name] = column
    return _on_windows_of(trials._replaced(table=table), windows)


def permute_labels(
    trials: Trials, scheme: LabelScheme, *, random_state: int = 0, stimuli_alike: bool = False
) -> Trials:
    """Permute the ratings of each person over that person's trials.

    Parameters
    ----------
    trials : Trials
        With their ratings or category.
    scheme : LabelScheme
        Names the ratings; those that it reads stay together.
    random_state : int
        Seeds the permutation.
    stimuli_alike : bool
        Whether all people's ratings of one stimulus go to one other stimulus, so that a stimulus that is recognised
        still tells the label.

    Returns
    -------
    trials : Trials
        The same strip. Who a trial is of still tells how that person tends to rate, but nothing more.

    Raises
    ------
    ConfigError
        If trials of a unit are rated differently, and no two units of a person have as many trials.

    Notes
    -----
    Trials of one ``unit`` stay together, and take the rating of another unit of that person. Where trials of a unit are
    rated differently, it takes all ratings of another one with as many trials, in their order, and keeps its own where
    there is none.
    """
    table = trials.table
    blocks = blocks_of(table["subject"].to_numpy(), trials.units, table[list(scheme.columns)])
    rng = np.random.default_rng(random_state)
    if stimuli_alike:
        order = next(blocks.dealt_alike(table["stimulus"], rng))
    else:
        drawn = np.arange(len(blocks.size))
        for subject in table["subject"].unique():
            for size in np.unique(blocks.size):
                own = np.flatnonzero((blocks.subject == subject) & (blocks.size == size))
                drawn[own] = rng.permutation(own)
        order = blocks.taken(np.arange(len(drawn)), drawn)
    permuted = {name: table[name].iloc[order].set_axis(table.index) for name in scheme.columns}
    return trials._replaced(table=table.assign(**permuted))


def inject_signal(trials: Trials, scheme: LabelScheme, *, strength: float = 0.5, random_state: int = 0) -> Trials:
    """Add a sine to every trial whose frequency tells the class.

    Parameters
    ----------
    trials : Trials
        What is added to.
    scheme : LabelScheme
        Gives the class of each trial.
    strength : float
        Rms of the sine over the standard deviation of the channel in that trial.
    random_state : int
        Of the phases, one a trial, so that the frequency alone tells the class.

    Returns
    -------
    trials : Trials
        With a new strip in RAM. The classes have frequencies evenly spaced from 8 to 30 Hz (to 0.4 of the sampling
        rate, where that is less), on all channels alike.
    """
    rng = np.random.default_rng(random_state)
    top = min(_HIGHEST, 0.4 * trials.sfreq)
    frequencies = np.linspace(min(_LOWEST, top / 2), top, len(scheme.classes))
    signals = np.array(trials.signals)
    y = scheme(trials)
    phases = rng.uniform(0, 2 * np.pi, len(trials))
    for (start, n_times), number, phase in zip(trials.table[["start", "n_times"]].to_numpy(), y, phases, strict=True):
        strip = signals[start : start + n_times]
        seconds = np.arange(n_times) / trials.sfreq
        sine = np.sqrt(2) * np.sin(2 * np.pi * frequencies[number] * seconds + phase)
        strip += (strength * strip.std(axis=0) * sine[:, None]).astype(np.float32)
    return trials._replaced(signals=signals)


def _on_windows_of(trials: Trials, windows: Windows) -> Windows:
    return Windows(trials, windows.n_times, windows.starts, windows.trial_index)
