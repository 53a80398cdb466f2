"""The final model: fitted on everything in the way that was evaluated, with a card of the scores that were measured."""

from __future__ import annotations

import inspect
import math
import statistics
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

import eegemo
from eegemo._json import as_json
from eegemo.deploy.carrying import give_card
from eegemo.deploy.rebuilding import as_read, rebuilt_classifier
from eegemo.errors import ConfigError, suggest_keywords
from eegemo.evaluation.fitting import fit_and_validate
from eegemo.evaluation.label_arrays import labels_of_trials
from eegemo.evaluation.metrics import LEADING_METRICS
from eegemo.evaluation.plan import parameters_of, with_seed
from eegemo.evaluation.protocols import units_of_windows
from eegemo.evaluation.provenance import hash_arrays
from eegemo.evaluation.results import Results
from eegemo.models.card import ModelCard
from eegemo.models.estimator import NetworkEstimator
from eegemo.windows import Windows

Stop = Literal["validation", "epochs"]


@suggest_keywords
def fit_final(
    results: Results, windows: Windows, classifier: BaseEstimator | None = None, *, stop: Stop = "validation"
) -> Any:
    """Fit a classifier for use, on all windows, in the way that was evaluated.

    Parameters
    ----------
    results : Results
        What :func:`eegemo.evaluate` gave for it; their scores go onto its card.
    windows : Windows
        The very windows that were evaluated.
    classifier : estimator | None
        What was evaluated; made again from the results where it has a name (:func:`eegemo.make_model`).
    stop : "validation" | "epochs"
        When a network that was evaluated with validation data stops. ``"validation"``: as in the folds, on windows that
        are set aside, those of the first fold: whole units of the protocol, which it is not trained on. ``"epochs"``:
        it is trained on every window, for the median of the epochs whose weights the folds used. Without validation
        data (``validation_size=0``, classical models) both are the same, and every window is trained on.

    Returns
    -------
    classifier : estimator
        Fitted; ``card_`` is its :class:`eegemo.ModelCard`, which :meth:`eegemo.EEGClassifier.save` and
        :func:`eegemo.export` keep, and which counts no more when it is fitted again. It predicts numbers of classes,
        whose names are ``card_.classes``.

    Raises
    ------
    ConfigError
        If the windows or the classifier are others than those evaluated, the results are a control's, or each person
        had a model of their own.

    See Also
    --------
    eegemo.export : Writes it for other runtimes.
    eegemo.predict_recording : Applies it to a new recording.

    Notes
    -----
    The scores are those of models that were fitted on less data. They are the best that is known of this one, under
    their protocol alone: nothing is measured on the windows that it was fitted on.

    Examples
    --------
    >>> from eegemo import evaluate, fit_final, make_model, quadrants, simulate
    >>> windows = simulate(subjects=2, channels=["F3", "F4"]).windows(duration=4.0)
    >>> results = evaluate(make_model("logistic-regression"), windows, quadrants(), "trial")
    >>> model = fit_final(results, windows)
    >>> model.card_.protocol, model.card_.simulated, list(model.card_.scores)[0]
    ('trial', True, 'macro_f1')
    """
    if stop not in ("validation", "epochs"):
        raise ConfigError(f"stop must be 'validation' or 'epochs', got {stop!r}.")
    _check_results(results)
    windows = _evaluated_windows(results, windows)
    final = _evaluated_classifier(results, classifier)
    everything = np.arange(len(windows))
    y = results.scheme.fitted(windows, everything) if results.scheme.is_fitted else results.y
    train, validation, epochs = _parts(results, windows, final, stop)
    if epochs is None:
        fitted = fit_and_validate(final, windows[train], y[train], windows[validation], y[validation])
    else:
        fitted = _fit_epochs(final, windows, y, epochs)
    told = f"fitted on {len(train)} windows of {windows[train].table['subject'].nunique()} subjects"
    if len(validation):
        told += f", stopped on {len(validation)} others, whole by {results.splitter.rule.unit}"
    if hasattr(fitted, "best_epoch_"):
        told += f", epoch {fitted.best_epoch_}"
    give_card(final, _card_of(results, windows, told, getattr(fitted, "collapse_", None)))
    return final


def _check_results(results: Any) -> None:
    if not isinstance(results, Results) or not results.folds:
        raise ConfigError(f"Results with folds were expected, as evaluate(...) gives them, got {results!r:.80}.")
    if results.control is not None:
        raise ConfigError(f"These results are of the control {results.control!r}, not of the task; give those.")
    if results.splitter.within == "subject":
        raise ConfigError(
            "Each subject had a model of their own (within='subject'), so there is no one final model: evaluate the "
            "windows of one subject, and fit that subject's."
        )


def _evaluated_windows(results: Results, windows: Any) -> Windows:
    """Return the windows with their labels, if they are those that were evaluated."""
    if not isinstance(windows, Windows):
        raise ConfigError(f"The windows that were evaluated were expected, got {type(windows).__name__}.")
    columns = results.scheme.columns
    if columns == ("label",) and "label" not in windows.trials.table and len(windows) == len(results.y):
        windows, _ = labels_of_trials(windows, np.array(results.scheme.classes, object)[results.y])
    known, cut = results.provenance, results.provenance["window"]
    differing = [
        what
        for what, theirs, ours in (
            ("windows in number", cut["n_windows"], len(windows)),
            ("samples in a window", cut["n_times"], windows.n_times),
            ("recordings", known["data_fingerprint"], windows.trials.fingerprint),
            ("places of the windows", cut["starts_hash"], hash_arrays(windows.starts)),
        )
        if theirs != ours
    ]
    if differing:
        raise ConfigError(
            f"These are not the windows that were evaluated: other {', other '.join(differing)}. Give those, or "
            "evaluate these; a score says nothing about a model of other data."
        )
    return windows


def _evaluated_classifier(results: Results, classifier: BaseEstimator | None) -> BaseEstimator:
    """Return the classifier that was evaluated, unfitted."""
    kind, expected = results.provenance["classifier"], as_read(results.provenance["parameters"])
    if classifier is None:
        return rebuilt_classifier(kind, results.provenance["parameters"], results.model)
    final = with_seed(classifier, results.splitter.random_state)
    found = as_read(parameters_of(final))
    if type(final).__name__ != kind or found != expected:
        names = sorted(name for name in {*found, *expected} if found.get(name) != expected.get(name))
        raise ConfigError(
            f"This is not the classifier that was evaluated, {kind}: it differs in {', '.join(names) or 'its class'}."
        )
    return final


def _parts(
    results: Results, windows: Windows, final: BaseEstimator, stop: Stop
) -> tuple[np.ndarray, np.ndarray, int | None]:
    """Return numbers of the windows to train and to stop on, or how many epochs to train on all of them."""
    everything, none = np.arange(len(windows)), np.arange(0)
    last = final[-1] if isinstance(final, Pipeline) else final
    takes_validation = "validation_data" in inspect.signature(last.fit).parameters
    validation = results.folds[0].validation
    if not takes_validation or not len(validation):
        return everything, none, None
    if stop == "epochs":
        best = [fold.best_epoch for fold in results.folds if fold.best_epoch]
        if not best or not isinstance(last, NetworkEstimator):
            raise ConfigError("The folds do not say at which epoch they stopped; take stop='validation'.")
        return everything, none, math.ceil(statistics.median(best))
    rule = results.splitter.rule
    if not rule.kept:
        return np.setdiff1d(everything, validation), validation, None
    units = units_of_windows(windows, rule)
    known = np.zeros(len(windows), bool)
    for column in rule.kept:  # of two that are held out at once, neither may be in both parts
        known |= units[column].isin(units[column].iloc[validation]).to_numpy()
    return np.flatnonzero(~known), validation, None


def _fit_epochs(final: BaseEstimator, windows: Windows, y: np.ndarray, epochs: int) -> BaseEstimator:
    from eegemo.training.callbacks import StopAfter

    is_pipeline = isinstance(final, Pipeline)
    name = f"{final.steps[-1][0]}__callbacks" if is_pipeline else "callbacks"
    final.fit(windows, y, **{name: [StopAfter(epochs)]})
    return final[-1] if is_pipeline else final


def _card_of(results: Results, windows: Windows, training: str, collapse: str | None) -> ModelCard:
    trials, measured = windows.trials, results.of_subjects()
    scores = {
        name: {"mean": _number(measured[name].mean()), "sd": _number(measured[name].std())} for name in LEADING_METRICS
    }
    baselines = {
        one.model: {name: float(one.of_subjects()[name].mean()) for name in LEADING_METRICS[:2]}
        for one in results.baselines
    }
    leakage = results.leakage
    record = {name: _number(share) for name, share in leakage.shares.items()}
    used = {"fitted_on_test": as_json(leakage.fitted_on_test), "chosen_by_test": as_json(leakage.chosen_by_test)}
    notes = [*results.notes, *([f"The final model has collapsed: {collapse}."] if collapse else [])]
    return ModelCard(
        model=results.model,
        classes=tuple(results.scheme.classes),
        labels=results.scheme.name,
        dataset=trials.dataset,
        simulated=results.simulated,
        smoke=bool(results.provenance["smoke"]),
        protocol=results.protocol_label,
        leakage={**record, **used},
        verdict=results.verdict,
        scores=scores,
        baselines=baselines,
        n_folds=len(results.folds),
        n_subjects=len(results.subjects),
        n_trials=_count_trials(fold.trial for fold in results.folds),
        n_windows=len(results.table),
        notes=tuple(notes),
        training=training,
        pass_band=list(trials.pass_band),
        preprocessing=trials.provenance.get("preprocessing"),
        fingerprint=results.provenance["fingerprint"],
        eegemo=eegemo.__version__,
    )


def _count_trials(tested: Iterable[np.ndarray]) -> int:
    return len(np.unique(np.concatenate(list(tested))))


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
