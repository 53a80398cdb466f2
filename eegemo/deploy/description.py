"""What stands in an exported file beside the network: classes, channels, rate, window, and the model's card."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from eegemo.errors import DataFormatError
from eegemo.models.card import ModelCard

_FORMAT, _VERSION = "eegemo exported classifier", 1
_KINDS = "biufUO"  # of classes: truth values, numbers, text, and either as objects
_LONGEST_CLASS = 4096  # bytes


@dataclass(frozen=True)
class Description:
    """What an exported classifier is, in everything but its numbers.

    Parameters
    ----------
    model : str
        The name of its network, or the classes of its pipeline's steps.
    classes : tuple
        What it predicts, in the order of the probabilities.
    classes_dtype : str
        NumPy's.
    n_channels, n_times : int
        Of a window.
    ch_names : tuple of str | None
        Channels in their order, where the classifier knew them.
    sfreq : float | None
        In Hz, likewise.
    normalization : tuple of str | None
        Method of the network's first layer, and what it was fitted over; None where there is none.
    eegemo : str
        The version that wrote it.
    card : ModelCard | None
        The evaluation that it came from, where it is a final model.
    weights : str | None
        SHA-256 of the weights, where they lie in a file of their own.
    """

    model: str
    classes: tuple[Any, ...]
    classes_dtype: str
    n_channels: int
    n_times: int
    ch_names: tuple[str, ...] | None
    sfreq: float | None
    normalization: tuple[str, str] | None
    eegemo: str
    card: ModelCard | None
    weights: str | None = None

    def dumps(self) -> str:
        """Write it as JSON."""
        content = {"format": _FORMAT, "version": _VERSION, "unit": "µV", "layout": "batch, n_times, n_channels"}
        content |= vars(self) | {"card": None if self.card is None else self.card.as_json}
        return json.dumps(content, indent=1, ensure_ascii=False)

    @classmethod
    def loads(cls, text: str) -> Self:
        """Read it from JSON.

        Parameters
        ----------
        text : str
            What a file holds.

        Returns
        -------
        description : Description

        Raises
        ------
        DataFormatError
            If it is none, or holds what it may not.
        """
        try:
            content = json.loads(text)
            if content["format"] != _FORMAT or content["version"] != _VERSION:
                raise DataFormatError(f"it is {content['format']!r}, version {content['version']!r}")
            dtype = np.dtype(content["classes_dtype"])
            if dtype.kind not in _KINDS or dtype.itemsize > _LONGEST_CLASS:
                raise DataFormatError(f"classes of type {dtype} are not read")
            rest = {key: content[key] for key in cls.__dataclass_fields__ if key != "weights"}
            rest["weights"] = content.get("weights")
            np.array(rest["classes"], dtype=dtype)
            rest["classes"] = tuple(rest["classes"])
            for name in ("ch_names", "normalization"):
                rest[name] = None if rest[name] is None else tuple(str(one) for one in rest[name])
            rest["sfreq"] = None if rest["sfreq"] is None else float(rest["sfreq"])
            rest["card"] = None if rest["card"] is None else ModelCard.from_json(rest["card"])
            sizes = rest["n_channels"], rest["n_times"]
            if not all(type(size) is int and size > 0 for size in sizes):
                raise DataFormatError(f"windows of {sizes[0]} channels x {sizes[1]} samples")
            if rest["ch_names"] is not None and len(rest["ch_names"]) != sizes[0]:
                raise DataFormatError(f"{len(rest['ch_names'])} names of {sizes[0]} channels")
            return cls(**rest)
        except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
            if isinstance(error, DataFormatError):
                raise
            raise DataFormatError(f"its description is damaged ({type(error).__name__}: {error})") from error
