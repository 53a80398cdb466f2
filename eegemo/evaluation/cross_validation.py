"""Run a classifier under a protocol: a fresh fit on each fold, and a record of how each number came about."""

from __future__ import annotations

import inspect
import os
import pickle
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from joblib.parallel import get_active_backend
from rich.progress import Progress
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from eegemo._json import as_json
from eegemo.errors import CollapseWarning, ConfigError, suggest_keywords
from eegemo.evaluation.controls import Control, controlled
from eegemo.evaluation.folds import Failure, Fold
from eegemo.evaluation.leakage import leakage_record
from eegemo.evaluation.metrics import score
from eegemo.evaluation.protocols import Split, Splitter, make_splitter
from eegemo.evaluation.provenance import (
    all_params,
    code_hash,
    commit,
    environment,
    hash_arrays,
    hash_json,
    peak_memory_mb,
)
from eegemo.evaluation.results import Results
from eegemo.evaluation.run_folder import RunFolder, open_results, read_card
from eegemo.features.base import WindowFeatures
from eegemo.labels import LabelScheme
from eegemo.models.estimator import NetworkEstimator
from eegemo.windows import Windows

_ONE_AT_A_TIME = threading.RLock()  # folds on threads of one process would share Keras's state
_SECONDS_TO_ANSWER = 10


@dataclass(frozen=True, eq=False)
class _Task:
    """What every fold of a run needs."""

    estimator: BaseEstimator
    X: Windows | np.ndarray
    y: np.ndarray
    windows: Windows
    classes: tuple[str, ...]


@suggest_keywords
def evaluate(
    classifier: BaseEstimator,
    windows: Windows,
    scheme: LabelScheme,
    protocol: str | Splitter,
    *,
    model: str | None = None,
    control: str | Control | None = None,
    n_jobs: int | None = None,
    folder: str | os.PathLike[str] | None = None,
    runs: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    smoke: bool = False,
) -> Results:
    """Fit and test a classifier on every fold of a protocol.

    Parameters
    ----------
    classifier : estimator
        Cloned for each fold. It gets the validation data where its ``fit``, or that of a Pipeline's last step, takes
        ``validation_data``; otherwise they are only scored. One whose ``random_state`` is None gets the splitter's, so
        that a run can be repeated.
    windows : Windows
        What is split, fitted on and tested on.
    scheme : LabelScheme
        Gives the classes.
    protocol : str | Splitter
        A protocol by name, with the settings that :func:`make_splitter` has by default, or what that made.
    model : str | None
        A name for the tables; a network's name, or the classifier's class, by default.
    control : str | Control | None
        A control to run in place of the real task, on the very splits that the real task has; by its name
        (:data:`eegemo.evaluation.controls.CONTROLS`), it has the splitter's seed.
    n_jobs : int | None
        Folds at a time, as in scikit-learn; inside ``joblib.parallel_config(backend="dask")`` they run on a cluster.
        Each fold runs on one thread, wherever it runs, so the numbers are the same.
    folder : path-like | None
        Where each fold is written when it ends. A run that was interrupted goes on with the folds that are missing; a
        run of another configuration is refused.
    runs : path-like | None
        Instead of ``folder``: where a folder for this very configuration is made, or found.
    progress : rich.progress.Progress | None
        Shows bars over folds and epochs.
    smoke : bool
        Marks the provenance of a run that only shows that everything works.

    Returns
    -------
    results : Results
        A fold that failed is in ``results.failures``, with a warning; it is tried again when the run is.

    Raises
    ------
    ConfigError
        If there are too few units for the splits, the folder is another run's, or a fold's predictions are not finite.
    DataFormatError
        If a window holds NaN, or a trial cannot be labelled.

    See Also
    --------
    make_splitter : Makes protocols with other settings.
    eegemo.confidence_interval : How far a mean over people can be trusted.
    eegemo.compare_models : Whether one model is better.

    Notes
    -----
    Where every fold fails, the first one's exception is raised. Features at the beginning of a Pipeline
    (:class:`eegemo.features.base.WindowFeatures`) learn nothing, and are computed once for all folds.

    Examples
    --------
    >>> from eegemo import evaluate, make_model, quadrants, simulate
    >>> windows = simulate(subjects=2, channels=["F3", "F4"]).windows(duration=4.0)
    >>> results = evaluate(make_model("logistic-regression", random_state=0), windows, quadrants(), "trial")
    >>> len(results.folds), results.leakage.trial
    (5, 0.0)
    """
    started = time.perf_counter()
    commit()  # remembered from here on, whatever is edited during the run
    if folder is not None and runs is not None:
        raise ConfigError("Give folder or runs, not both.")
    splitter = make_splitter(protocol) if isinstance(protocol, str) else protocol
    if not isinstance(splitter, Splitter):
        raise ConfigError(f"protocol must be a name, or what make_splitter() made, got {protocol!r}.")
    for name, given, expected, example in (
        ("classifier", classifier, BaseEstimator, "EEGClassifier('cnn-gru'), or make_model(name)"),
        ("windows", windows, Windows, "trials.windows(duration=1.0)"),
        ("scheme", scheme, LabelScheme, "quadrants()"),
    ):
        if not isinstance(given, expected):
            raise ConfigError(f"{name} must be like {example}, got {type(given).__name__}.")
    if not hasattr(classifier, "predict_proba"):
        raise ConfigError(
            f"evaluate needs predict_proba, which {type(classifier).__name__} does not have; wrap a classifier that "
            "only decides in sklearn.calibration.CalibratedClassifierCV or eegemo.models.SoftmaxDecision."
        )
    estimator = clone(classifier)
    unseeded = [k for k, v in estimator.get_params().items() if k.split("__")[-1] == "random_state" and v is None]
    estimator.set_params(**dict.fromkeys(unseeded, splitter.random_state))
    splits = list(splitter.split(windows, scheme(windows)))
    if isinstance(control, str):
        control = Control(control, random_state=splitter.random_state)
    if control is not None:
        if control.name == "who-is-it" and splitter.within == "subject":
            raise ConfigError(
                "Control 'who-is-it' has one answer where each person is modelled alone; pool the people."
            )
        windows, scheme = controlled(control, windows, scheme, protocol=splitter.protocol)
    y = scheme(windows)
    identity = _identity(estimator, windows, scheme, splitter, splits, control)
    name = model or (classifier.network_name if isinstance(classifier, NetworkEstimator) else type(classifier).__name__)
    empty = Results(
        model=name,
        splitter=splitter,
        scheme=scheme,
        table=windows.table,
        y=y,
        folds=(),
        failures=(),
        provenance={
            "model": name,
            **identity,
            "fingerprint": hash_json(identity),
            "data": windows.trials.provenance,
            "simulated": windows.trials.simulated,
            "smoke": smoke,
            "n_folds": len(splits),
            **environment(),
        },
    )
    place = _place(folder, runs, empty)
    with ExitStack() as stack:
        done: dict[int, Fold] = {}
        if place is not None:
            stack.enter_context(place.locked())
            place.begin(identity, empty)
            done = place.sound_folds(len(splits), empty.provenance["fingerprint"])
            if len(done) == len(splits) and read_card(place.path)["finished"]:
                found = open_results(place.path)
                return replace(found, model=name, provenance=found.provenance | {"model": name, "smoke": smoke})
        seconds_before = sum(fold.seconds for fold in done.values())
        missing = {number: split for number, split in enumerate(splits) if number not in done}
        title = f"{name} · {splitter.protocol}" + (f" · {control.name}" if control else "")
        failed: list[_Failed] = []
        once, X = _computed_once(estimator, windows) if missing else (estimator, windows)
        task = _Task(once, X, y, windows, scheme.classes)
        for outcome in _run_folds(task, missing, len(splits), title, n_jobs, progress):
            if isinstance(outcome, _Failed):
                failed.append(outcome)
                continue
            if place is not None:
                outcome.save(place.fold_path(outcome.number), run=empty.provenance["fingerprint"])
            done[outcome.number] = outcome
        failed.sort(key=lambda failure: failure.number)
        if not done:
            raise failed[0].exception
        folds = [done[number] for number in sorted(done)]
        failures = tuple(Failure(one.number, one.text) for one in failed)
        spent = {
            "leakage": [{k: None if v != v else as_json(v) for k, v in asdict(fold.leakage).items()} for fold in folds],
            "seconds": round(time.perf_counter() - started + seconds_before, 2),
            "seconds_per_fold": [round(fold.seconds, 2) for fold in folds],
            "peak_memory_mb": max((fold.peak_memory_mb for fold in folds if fold.peak_memory_mb), default=None),
        }
        results = replace(
            empty, folds=tuple(folds), failures=failures, provenance={**empty.provenance, **spent, **environment()}
        )
        if place is not None:
            place.finish(identity, results)
    for note in results.notes:
        if note.startswith("Fold"):
            warnings.warn(f"{title}: {note}", UserWarning, stacklevel=3)
    return results


@contextmanager
def cluster(address: str | None) -> Iterator[None]:
    """Run the folds of every ``evaluate`` inside on a Dask cluster.

    Parameters
    ----------
    address : str | None
        Of the scheduler, such as ``tcp://host:8786``; None changes nothing. Its workers need this package, and one
        thread each: folds on threads of one worker wait for each other.

    Raises
    ------
    ConfigError
        If Dask is not installed, or the scheduler does not answer.
    """
    if address is None:
        yield
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise ConfigError("A Dask cluster needs the package distributed: pip install 'eegemo[dask]'.") from error

    class ClosedWhereItFails(Client):
        """Otherwise the garbage collector closes it, on any thread, and can wait for a lock of that very thread."""

        def start(self, **options: Any) -> None:
            try:
                super().start(**options)
            except BaseException:
                self.close()
                raise

    try:
        client = ClosedWhereItFails(address, timeout=_SECONDS_TO_ANSWER)
    except (OSError, TimeoutError, ValueError, AssertionError) as error:
        raise ConfigError(f"No Dask scheduler answers at {address!r} ({error}); look whether it runs.") from error
    with client, joblib.parallel_config(backend="dask"):
        yield


@dataclass(frozen=True)
class _Failed:
    number: int
    text: str
    exception: Exception


def _place(
    folder: str | os.PathLike[str] | None, runs: str | os.PathLike[str] | None, run: Results
) -> RunFolder | None:
    if folder is not None:
        return RunFolder(Path(folder))
    if runs is None:
        return None
    parts = [run.protocol, run.model, run.control, run.provenance["fingerprint"][:8]]
    return RunFolder(Path(runs) / "-".join(part.replace(" ", "_").replace("/", "_") for part in parts if part))


def _identity(
    estimator: BaseEstimator,
    windows: Windows,
    scheme: LabelScheme,
    splitter: Splitter,
    splits: list[Split],
    control: Control | None,
) -> dict[str, Any]:
    """Return everything that the numbers depend on, and nothing that they do not."""
    parameters = {
        key: type(value).__qualname__ if isinstance(value, BaseEstimator) else as_json(value)
        for key, value in all_params(estimator).items()
    }
    made_with = environment()
    return {
        "classifier": type(estimator).__name__,
        "parameters": parameters,
        "protocol": asdict(splitter),
        "control": None if control is None else asdict(control),
        "scheme": scheme.name,
        "scheme_rule": {key: as_json(value) for key, value in asdict(scheme).items()},
        "classes": list(scheme.classes),
        "window": {
            "n_times": windows.n_times,
            "sfreq": windows.sfreq,
            "n_windows": len(windows),
            "starts_hash": hash_arrays(windows.starts),
        },
        "ch_names": list(windows.trials.ch_names),
        "dataset": windows.trials.dataset,
        "data_fingerprint": windows.trials.fingerprint,
        "split_hash": hash_arrays(*(part for split in splits for part in split)),
        "made_with": {
            "code": code_hash(estimator),
            "packages": made_with["packages"],
            "backend": os.environ.get("KERAS_BACKEND", "tensorflow"),
        },
    }


def _computed_once(estimator: BaseEstimator, windows: Windows) -> tuple[BaseEstimator, Windows | np.ndarray]:
    """Take features, which learn nothing from other windows, out of the folds; return what is left, and its input."""
    if isinstance(estimator, Pipeline) and len(estimator) > 1 and isinstance(estimator[0], WindowFeatures):
        features = clone(estimator[0]).fit_transform(windows)
        if isinstance(features, np.ndarray):  # and no table, whose columns the next step may ask for
            return (estimator[1] if len(estimator) == 2 else estimator[1:]), features
    return estimator, windows


def _on_one_thread(estimator: BaseEstimator) -> bool:
    """Let the networks in an estimator compute on one thread; return whether they do."""
    if not any(isinstance(one, NetworkEstimator) for one in (estimator, *estimator.get_params().values())):
        return True
    from eegemo._keras import on_one_thread

    return on_one_thread()


def _run_folds(
    task: _Task,
    splits: dict[int, Split],
    n_folds: int,
    title: str,
    n_jobs: int | None,
    progress: Progress | None,
) -> Iterator[Fold | _Failed]:
    """Run folds, and give each one when it ends."""
    if not splits:
        return
    n_workers = min(joblib.effective_n_jobs(n_jobs), len(splits))
    on_cluster = "Dask" in type(get_active_backend()[0]).__name__  # a bar cannot travel
    # In a process whose networks compute on several threads already, a worker process runs the folds, one at a time.
    elsewhere = n_workers == 1 and not on_cluster and not _on_one_thread(task.estimator)
    bar = epoch_bar = None
    if progress is not None:
        bar = progress.add_task(f"{title} · folds", total=n_folds, completed=n_folds - len(splits))
        epochs = task.estimator.resolved_params()["epochs"] if isinstance(task.estimator, NetworkEstimator) else None
        if epochs and n_workers == 1 and not on_cluster and not elsewhere:
            epoch_bar = progress.add_task(f"{title} · epochs", total=epochs)

    def on_epoch_end(done: int) -> None:
        if progress is not None and epoch_bar is not None:
            progress.update(epoch_bar, completed=done)

    listener = on_epoch_end if epoch_bar is not None else None
    jobs = (joblib.delayed(_run_fold)(number, task, split, listener) for number, split in splits.items())
    try:
        with warnings.catch_warnings():
            # TensorFlow keeps some memory of every network; joblib renews a worker that has grown, and says so.
            warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given")
            workers = joblib.Parallel(
                return_as="generator_unordered",
                **({"n_jobs": 2, "pre_dispatch": 1, "backend": "loky"} if elsewhere else {"n_jobs": n_workers}),
            )
            for outcome in workers(jobs):
                yield outcome
                if progress is not None and bar is not None:
                    progress.update(bar, advance=1)
    finally:
        for shown in (bar, epoch_bar):
            if progress is not None and shown is not None:
                progress.update(shown, visible=False)


def _run_fold(
    number: int,
    task: _Task,
    split: Split,
    on_epoch_end: Callable[[int], None] | None,
) -> Fold | _Failed:
    """Fit and test one fold on one thread; a failure is a result too, so that it takes no other fold with it."""
    try:
        _on_one_thread(task.estimator)
        with _ONE_AT_A_TIME, threadpool_limits(1):
            return _fit_and_test(number, task, split, on_epoch_end)
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:  # it could not travel back from another process
            return _Failed(number, text, RuntimeError(text))
        return _Failed(number, text, error)


def _fit_and_test(
    number: int,
    task: _Task,
    split: Split,
    on_epoch_end: Callable[[int], None] | None,
) -> Fold:
    started = time.perf_counter()
    train, validation, test = split
    X, y = task.X, task.y
    classifier = clone(task.estimator)
    # A class that training lacks cannot be predicted, so there is nothing to stop on in its windows.
    usable = validation[np.isin(y[validation], np.unique(y[train]))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)  # the fold says it
        fitted = _fit(classifier, X[train], y[train], X[usable], y[usable], on_epoch_end)

    def predict(numbers: np.ndarray) -> np.ndarray:
        proba = np.zeros((len(numbers), len(task.classes)), np.float32)
        proba[:, classifier.classes_] = classifier.predict_proba(X[numbers])
        if not np.isfinite(proba).all():
            raise ConfigError(
                f"Fold {number}: the predicted probabilities are not finite; training diverged. Lower the "
                "learning rate, or look for extreme values in the recordings."
            )
        return proba

    weights = getattr(getattr(fitted, "model_", None), "trainable_weights", None)
    parts = {"train": train, "validation": validation}
    predicted = {part: predict(numbers) for part, numbers in parts.items() if len(numbers)}
    collapse = getattr(fitted, "collapse_", None)
    answers = np.unique(predicted["train"].argmax(axis=1))
    if collapse is not None and len(answers) == 1:
        collapse = f"it answers {task.classes[answers[0]]} for all of its training data"
    return Fold(
        number=number,
        seen={part: score(y[parts[part]], proba) for part, proba in predicted.items()},
        train=train,
        validation=validation,
        test=test,
        y=y[test],
        trial=task.windows.trial_index[test],
        proba=predict(test),
        history=getattr(fitted, "history_", {}),
        best_epoch=getattr(fitted, "best_epoch_", None),
        leakage=leakage_record(task.windows, np.concatenate([train, validation]), test),
        n_parameters=None if weights is None else int(sum(np.prod(weight.shape) for weight in weights)),
        seconds=time.perf_counter() - started,
        peak_memory_mb=peak_memory_mb(),
        collapse=collapse,
    )


def _fit(
    classifier: BaseEstimator,
    X: Any,
    y: np.ndarray,
    X_validation: Any,
    y_validation: np.ndarray,
    on_epoch_end: Callable[[int], None] | None,
) -> BaseEstimator:
    """Fit a classifier, and return what has its history: itself, or the last step of a Pipeline."""
    last = classifier[-1] if isinstance(classifier, Pipeline) else classifier
    accepted = inspect.signature(last.fit).parameters
    if last is not classifier and "validation_data" in accepted and len(classifier) > 1:
        # A Pipeline hands validation data on as they are; the last step needs them transformed.
        front = classifier[:-1].fit(X, y)
        _fit(
            last,
            front.transform(X),
            y,
            front.transform(X_validation) if len(y_validation) else None,
            y_validation,
            None,
        )
        return last
    options: dict[str, Any] = {}
    if "validation_data" in accepted:
        options["validation_data"] = (X_validation, y_validation) if len(y_validation) else None
    if on_epoch_end is not None and isinstance(last, NetworkEstimator):
        from eegemo.training.callbacks import EpochListener

        options["callbacks"] = [EpochListener(on_epoch_end)]
    classifier.fit(X, y, **({} if last is not classifier else options))
    return last
