"""``python -m eegemo export``: a trained model for another runtime."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console

from eegemo.errors import ConfigError


@dataclass(frozen=True)
class Export:
    """Write a trained model for ONNX Runtime, LiteRT, OpenVINO or ncnn, if it computes the same there."""

    model: tyro.conf.Positional[Path]
    """A .keras file, as EEGClassifier.save wrote it."""
    out: tyro.conf.Positional[Path]
    """Its name says the format: .onnx, .tflite, .xml (OpenVINO) or .param (ncnn)."""

    def run(self, console: Console) -> None:
        """Export, and print how large it is and how near."""
        from eegemo.deploy import export, read_model

        if self.model.suffix != ".keras":
            raise ConfigError(f"A .keras file is exported, as EEGClassifier.save wrote it, got {self.model.name!r}.")
        with console.status("exporting"):
            classifier = read_model(self.model)
            written = export(classifier, self.out)
        console.print(str(written), soft_wrap=True, highlight=False)
        console.print(
            "It was not evaluated: no card." if classifier.card_ is None else str(classifier.card_),
            soft_wrap=True,
            highlight=False,
        )
