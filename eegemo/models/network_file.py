"""The file of a saved network: what may stand in it, and the network that it holds.

The file is a ZIP archive: Keras's description of the layers (JSON), their weights (HDF5), and beside them the card of
the estimator. All of it is checked before Keras makes anything of it.
"""

from __future__ import annotations

import io
import json
import math
import re
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eegemo.errors import DataFormatError

if TYPE_CHECKING:
    import keras

#: The member that holds the card.
CARD = "eegemo.json"
_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
#: The most that a member may take, in bytes; weights may take as much as the file allows.
_MOST_BYTES = {CARD: 4_000_000, "metadata.json": 100_000, _CONFIG: 4_000_000}
_LEAST_ROOM = 10_000_000  # bytes for weights, in a file however small
_MOST_EXPANSION = 4  # weights do not compress
#: Where Keras keeps what networks are made of.
_PARTS = re.compile(
    r"keras(\.(layers|initializers|activations|regularizers|constraints|random|ops|models)"
    r"|\.src\.(layers|models|ops)(\.\w+)*)?"
)
#: Layers that run what a file says, or read another file that it names.
_REFUSED = (
    *("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"),
    *("StringLookup", "IntegerLookup", "IndexLookup", "TextVectorization"),
)
_VALUES = ("__keras_tensor__", "__tensor__", "__numpy__", "__tuple__", "__slice__", "__ellipsis__", "__bytes__")


def read_members(content: bytes) -> dict[str, bytes]:
    """Unpack the file, within the bounds of what a saved classifier has need of.

    Parameters
    ----------
    content : bytes
        The whole file.

    Returns
    -------
    members : dict of str -> bytes
        By their names.

    Raises
    ------
    ValueError
        If there is something else in it, or something is larger than it may be.
    zipfile.BadZipFile
        If it is no archive, or a checksum is wrong.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        listed = archive.infolist()
        names = [member.filename for member in listed]
        known = (*_MOST_BYTES, _WEIGHTS)
        for number, member in enumerate(listed):
            if member.filename not in known or member.filename in names[:number]:
                raise ValueError(f"it holds {member.filename[:100]!r}, expected {', '.join(known)}, each once")
            most = _MOST_BYTES.get(member.filename, max(_LEAST_ROOM, _MOST_EXPANSION * len(content)))
            if member.file_size > most:
                raise ValueError(f"{member.filename} takes {member.file_size} bytes, expected at most {most}")
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError(f"{member.filename} is packed in a way that Keras does not use")
        return {member.filename: archive.read(member) for member in listed}


def load_network(path: Path, members: Mapping[str, bytes], own: Mapping[str, Any]) -> keras.Model:
    """Load the network of a file, whose members have been read, in Keras's safe mode.

    Parameters
    ----------
    path : Path
        The file.
    members : dict of str -> bytes
        What :func:`read_members` returned.
    own : dict of str -> object
        Layers and functions of one's own, by their names.

    Returns
    -------
    model : keras.Model
        Not compiled.

    Raises
    ------
    DataFormatError
        If it names something that is not known, or asks for more weights than it holds.
    Exception
        Of many kinds, from Keras, if it is damaged.
    """
    import h5py

    from eegemo import _keras
    from eegemo._hdf5 import count_numbers

    _keras.start()
    _check_config(json.loads(members[_CONFIG]), own)
    with h5py.File(io.BytesIO(members[_WEIGHTS]), "r") as file:
        n_stored = count_numbers(file)
    with _keras.standard_settings(), _no_more_weights_than(n_stored):
        return _keras.keras.models.load_model(path, custom_objects=dict(own), compile=False, safe_mode=True)


def not_known(what: str, name: str) -> str:
    """Say that a file holds something of somebody's own.

    Parameters
    ----------
    what, name : str
        What it is, and its name.

    Returns
    -------
    message : str
    """
    return f"holds the {what} {name!r}, which is not known here; give it as custom_objects={{{name!r}: {name}}}."


def _check_config(config: Any, own: Mapping[str, Any]) -> None:
    """Refuse what is no part of a network, before any of it is made."""
    waiting = [config]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if "class_name" in part:
                _check_part(part, own)
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def _check_part(part: dict[str, Any], own: Mapping[str, Any]) -> None:
    from eegemo._keras import keras

    is_function = part["class_name"] == "function"
    name = part.get("config") if is_function else part["class_name"]
    registered, module = part.get("registered_name") or name, part.get("module")
    if not (isinstance(name, str) and isinstance(registered, str) and isinstance(module, (str, type(None)))):
        raise DataFormatError("the name of a layer is no text")
    if name in _REFUSED:
        raise DataFormatError(
            f"holds a layer {name!r}, which may run code or read other files, and is not made; write a layer of your "
            "own, and give it as custom_objects."
        )
    if keras.saving.get_registered_object(name if is_function else registered, custom_objects=dict(own)) is not None:
        return
    builtin = is_function and module == "builtins"  # an activation, say; Keras looks for it among its own
    from_keras = module is not None and _PARTS.fullmatch(module) is not None and name.isidentifier()
    if not (builtin or from_keras or name in _VALUES):
        raise DataFormatError(not_known("function" if is_function else "class", name[:100]))


@contextmanager
def _no_more_weights_than(n_stored: int) -> Iterator[None]:
    """Let layers ask for as many weights as a file holds: one number in a description can ask for all memory."""
    from eegemo._keras import keras

    left, here, add_weight = n_stored, threading.get_ident(), keras.layers.Layer.add_weight

    def counted(layer: keras.layers.Layer, *arguments: Any, **options: Any) -> Any:
        nonlocal left
        if threading.get_ident() == here:
            left -= math.prod(options.get("shape") or ())
            if left < 0:
                raise DataFormatError(f"its layers ask for more weights than the {n_stored} that it holds")
        return add_weight(layer, *arguments, **options)

    keras.layers.Layer.add_weight = counted
    try:
        yield
    finally:
        keras.layers.Layer.add_weight = add_weight
