"""Export of a fitted classifier to another runtime, compared with the classifier before it is kept."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

import eegemo
from eegemo._atomic import replacing
from eegemo._paths import as_path
from eegemo._validation import refuse_what_is_not_cut
from eegemo.deploy.carrying import card_of, channels_of
from eegemo.deploy.description import Description
from eegemo.deploy.exported import load_exported
from eegemo.deploy.formats import digest_of, format_of, not_written, require
from eegemo.deploy.parity import TOLERANCE, largest_difference, windows_to_compare
from eegemo.errors import ConfigError, DataFormatError, suggest_keywords
from eegemo.models.classifier import EEGClassifier
from eegemo.windows import Windows


@dataclass(frozen=True)
class Exported:
    """What :func:`export` wrote.

    Parameters
    ----------
    path : Path
        The file to load.
    format : str
        Its format.
    files : tuple of Path
        All files that belong to it, ``path`` first.
    difference : float
        The largest between a probability of the file and of the classifier.
    n_windows : int
        On which they were compared.
    """

    path: Path
    format: str
    files: tuple[Path, ...]
    difference: float
    n_windows: int

    @property
    def n_bytes(self) -> int:
        """What the files take on disk."""
        return sum(file.stat().st_size for file in self.files)

    def __str__(self) -> str:
        names = ", ".join(file.name for file in self.files)
        return (
            f"{names} ({self.format}, {self.n_bytes / 1e3:.0f} kB): probabilities within {self.difference:.1e} of the "
            f"classifier's on {self.n_windows} windows"
        )


@suggest_keywords
def export(
    classifier: EEGClassifier | Pipeline,
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    windows: Windows | np.ndarray | None = None,
) -> Exported:
    """Write a fitted classifier for another runtime, and keep it only if it computes the same.

    Parameters
    ----------
    classifier : EEGClassifier | Pipeline
        Fitted. A classical pipeline goes to ONNX alone, where its features can be written as operations of ONNX and
        are of single windows: ``DifferentialEntropy(filter_over="window")``, or one that was fitted on arrays.
    path : path-like
        Ends in ``.onnx``, ``.tflite``, ``.xml`` (OpenVINO; a ``.bin`` beside it) or ``.param`` (ncnn; a
        ``.param.bin`` beside it).
    format : "onnx" | "litert" | "openvino" | "ncnn" | None
        By the file's name where None.
    windows : Windows | array, shape (n, n_channels, n_times) or (n, n_times) | None
        Windows of one's own to compare on, in microvolts, beside those that are made up: noise, what looks like EEG,
        and what no EEG does. Each is compared in batches of 1, 2 and 7.

    Returns
    -------
    exported : Exported
        The files, and the largest difference between their probabilities and the classifier's, at most 1e-5.

    Raises
    ------
    ConfigError
        If a package is missing, the classifier cannot be written in this format, or what was written computes something
        else, in which case nothing of it is kept.
    ValueError
        If ``windows`` are not such as the classifier takes.
    TypeError
        If ``windows`` are something of MNE's, which is in volts, or trials that are not cut.

    See Also
    --------
    eegemo.load_exported : Loads it, without TensorFlow.
    eegemo.EEGClassifier.save : Keeps the classifier itself.

    Notes
    -----
    Classes, channels, rate, window, normalisation, the version of eegemo and the card of a final model travel along:
    inside the file (ONNX, OpenVINO), or as ``<file>.json`` beside it. Everything is in single precision.
    """
    path = as_path(path)
    form = format_of(path, format)
    pipeline = isinstance(classifier, Pipeline)
    if not pipeline and not isinstance(classifier, EEGClassifier):
        raise ConfigError(
            "EEGClassifier and pipelines of features and a classifier can be exported, got "
            f"{type(classifier).__name__}."
        )
    check_is_fitted(classifier, "classes_")
    if pipeline and form.name != "onnx":
        raise ConfigError(f"Classical pipelines are exported to .onnx alone, got {path.name!r}.")
    if pipeline:
        from eegemo.deploy.pipelines import check_pipeline, write_pipeline

        check_pipeline(classifier)
    to_write = ("onnx", "onnxruntime", "skl2onnx") if pipeline else form.to_write
    require(to_write, form.extra, f"Exporting to {form.name}")
    description = describe(classifier)
    compared: list[Windows | np.ndarray] = [windows_to_compare(description.n_channels, description.n_times)]
    if windows is not None:
        refuse_what_is_not_cut(windows)
        compared.append(windows if isinstance(windows, Windows) else np.asarray(windows, np.float32))
    expected = [classifier.predict_proba(X) for X in compared]
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.stem}-", dir=path.parent) as folder:
        draft = Path(folder) / f"{path.stem}{form.suffix}"  # in small letters, as exporters want it
        if pipeline:
            write_pipeline(classifier, draft)
        else:
            from eegemo.deploy.conversion import write_network

            write_network(classifier.model_, draft, form)
        description = replace(description, weights=digest_of(form.weights_of(draft)))
        form.module.write_description(draft, description.dumps())
        try:
            found = load_exported(draft)
            difference = max(map(largest_difference, expected, compared, repeat(found.predict_proba)))
        except DataFormatError as error:  # some exporters write what their runtime does not know
            raise not_written(form, str(error.__cause__ or error)) from error
        if not difference <= TOLERANCE:
            raise ConfigError(
                f"{path.name} was not kept: its probabilities differ from the classifier's by up to {difference:.2g}, "
                f"and {TOLERANCE:g} is allowed. Take another format."
            )
        written = {to: file for to, file in zip(form.files(path), form.files(draft), strict=True) if file.is_file()}
        for to in reversed(written):  # the one that is named last, when all that it needs is there
            with replacing(to) as partial:
                partial.write_bytes(written[to].read_bytes())
    return Exported(path, form.name, tuple(written), difference, sum(map(len, compared)))


def describe(classifier: Any) -> Description:
    """Describe a fitted classifier of windows.

    Parameters
    ----------
    classifier : EEGClassifier | Pipeline
        Fitted; a pipeline begins with features of windows.

    Returns
    -------
    description : Description
    """
    first = classifier[0] if isinstance(classifier, Pipeline) else classifier
    is_network = isinstance(classifier, EEGClassifier)
    return Description(
        model=classifier.network_name if is_network else ", ".join(type(step).__name__ for step in classifier),
        classes=tuple(classifier.classes_.tolist()),
        classes_dtype=classifier.classes_.dtype.str,
        n_channels=int(first.n_channels_),
        n_times=int(first.n_times_),
        ch_names=channels_of(classifier),
        sfreq=None if first.sfreq_ is None else float(first.sfreq_),
        normalization=classifier._normalization if is_network and classifier._normalization[0] else None,
        eegemo=eegemo.__version__,
        card=card_of(classifier),
    )
