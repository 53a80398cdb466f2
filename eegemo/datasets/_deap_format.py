"""What DEAP's preprocessed release looks like on disk: names, shapes, and both of its file formats."""

from __future__ import annotations

import math
import pickletools
import struct
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import scipy.io

from eegemo.datasets._layout import Layout
from eegemo.datasets._matlab import load_matlab
from eegemo.datasets._pickles import load_arrays
from eegemo.errors import DataFormatError

SFREQ = 128.0
PASS_BAND = (4.0, 45.0)  # Hz, of the preprocessed release
N_TRIALS = 40
N_BASELINE = 384
N_TIMES = 8064
EEG = tuple(
    "Fp1 AF3 F3 F7 FC5 FC1 C3 T7 CP5 CP1 P3 P7 PO3 O1 Oz Pz "
    "Fp2 AF4 Fz F4 F8 FC6 FC2 Cz C4 T8 CP6 CP2 P4 P8 PO4 O2".split()
)
#: The raw recordings of the first 22 people have their EEG channels in this order; the others in that of ``EEG``.
TWENTE = tuple(
    "Fp1 AF3 F7 F3 FC1 FC5 T7 C3 CP1 CP5 P7 P3 Pz PO3 O1 Oz "
    "O2 PO4 P4 P8 CP6 CP2 C4 T8 FC6 FC2 F4 F8 AF4 Fp2 Fz Cz".split()
)
LAST_IN_TWENTE = 22
PERIPHERAL = {
    "hEOG": "eog",
    "vEOG": "eog",
    "zEMG": "emg",
    "tEMG": "emg",
    "GSR": "gsr",
    "Respiration": "resp",
    "Plethysmograph": "bio",
    "Temperature": "temperature",
}
CH_NAMES = (*EEG, *PERIPHERAL)
LAYOUT = Layout("DEAP", CH_NAMES, SFREQ, PASS_BAND, PERIPHERAL)
RATINGS = ("valence", "arousal", "dominance", "liking")
DATA_SHAPE = (N_TRIALS, len(CH_NAMES), N_TIMES)
LABELS_SHAPE = (N_TRIALS, len(RATINGS))
_MOST_BYTES = 8 * math.prod(DATA_SHAPE)


def trial_table(ratings: pd.DataFrame) -> pd.DataFrame:
    """Complete a table of ratings, 40 rows a subject in video order, to the table of trials.

    Parameters
    ----------
    ratings : DataFrame
        ``subject`` and the four ratings.

    Returns
    -------
    table : DataFrame
        As :class:`eegemo.Trials` wants it, for trials that lie end to end in the strip.
    """
    video = np.tile(np.arange(1, N_TRIALS + 1), len(ratings) // N_TRIALS)
    return pd.DataFrame(
        {
            "subject": ratings["subject"].to_numpy(),
            "trial": video,
            "stimulus": video,
            "start": np.arange(len(ratings), dtype=np.int64) * N_TIMES,
            "n_times": N_TIMES,
            "n_baseline": N_BASELINE,
            **{rating: ratings[rating].to_numpy() for rating in RATINGS},
        }
    )


def read_file(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read one subject's file of either release, and check it.

    Parameters
    ----------
    path : Path
        ``sNN.dat`` or ``sNN.mat``.

    Returns
    -------
    data : array, shape (40, 40, 8064), float64
        Videos x channels x samples. EEG in microvolts; not yet checked for finite values.
    labels : array, shape (40, 4), float64
        Valence, arousal, dominance and liking, between 1 and 9.

    Raises
    ------
    DataFormatError
        If the file is not what DEAP's releases hold.
    """
    python = path.suffix.lower() == ".dat"
    arrays = load_arrays(path) if python else load_matlab(path, ("data", "labels"), _MOST_BYTES)
    for name, shape in (("data", DATA_SHAPE), ("labels", LABELS_SHAPE)):
        if name not in arrays:
            raise DataFormatError(
                f"{path.name}: there is no '{name}', only {sorted(arrays)[:10]}; is this DEAP's file?"
            )
        got = arrays[name]
        if got.shape != shape:
            raise DataFormatError(
                f"{path.name}: '{name}' has shape {got.shape}, expected {shape}; the file may be cut short or of "
                "another release - fetch it again."
            )
        if got.dtype.kind not in "fiu":
            raise DataFormatError(f"{path.name}: '{name}' has dtype {got.dtype}, expected numbers (float64).")
    labels = arrays["labels"].astype(np.float64, copy=False)
    wrong = ~((labels >= 1) & (labels <= 9))
    if wrong.any():
        video, rating = np.argwhere(wrong)[0]
        raise DataFormatError(
            f"{path.name}: {RATINGS[rating]} of video {video + 1} is {labels[video, rating]:g}, "
            "expected a rating from 1 to 9; the file was altered - fetch it again."
        )
    return arrays["data"], labels


def write_mat(path: Path, data: np.ndarray, labels: np.ndarray) -> None:
    """Write one subject in the format of the MATLAB release (version 5, not compressed).

    Parameters
    ----------
    path : Path
        Where to write.
    data : array, shape (40, 40, 8064)
        In microvolts, as the release has it.
    labels : array, shape (40, 4)
        Valence, arousal, dominance, liking.
    """
    scipy.io.savemat(path, {"data": data.astype(np.float64), "labels": labels.astype(np.float64)})
    with path.open("r+b") as file:  # the header holds the time of writing; the same data give the same bytes
        file.write(b"MATLAB 5.0 MAT-file, written by eegemo".ljust(116))


def write_dat(path: Path, data: np.ndarray, labels: np.ndarray) -> None:
    """Write one subject in the format of the Python release, opcode for opcode as Python 2 wrote it.

    Keys and payload are Python 2 *byte strings*, which Python 3 reads only with ``encoding="latin1"`` (or
    ``"bytes"``), and the arrays name the module paths of NumPy 1. Every object that ``pickle`` remembers gets
    its BINPUT; ``cPickle`` left some of those out, which no reader notices.

    Parameters
    ----------
    path : Path
        Where to write.
    data : array, shape (40, 40, 8064)
        In microvolts, as the release has it.
    labels : array, shape (40, 4)
        Valence, arousal, dominance, liking.

    References
    ----------
    Pickle protocol 2 (PEP 307); opcodes as listed by ``pickletools``.
    """
    with path.open("wb") as file:
        pickler = _Python2Pickler(file.write)
        pickler.op("PROTO", b"\x02")
        pickler.op("EMPTY_DICT", put=True)
        pickler.op("MARK")
        for key, array in (("labels", labels), ("data", data)):
            pickler.string(key.encode())
            pickler.array(np.ascontiguousarray(array, "<f8"))
        pickler.op("SETITEMS")
        pickler.op("STOP")


class _Python2Pickler:
    """The few opcodes that Python 2's cPickle writes for a dict of float64 arrays."""

    codes: ClassVar[dict[str, bytes]] = {op.name: op.code.encode("latin1") for op in pickletools.opcodes}

    def __init__(self, write: Callable[[bytes | memoryview], object]) -> None:
        self.write = write
        self.memo: dict[str, int] = {}
        self.n_put = 0

    def op(self, name: str, argument: bytes = b"", *, put: bool = False) -> None:
        self.write(self.codes[name] + argument)
        if put:
            self.n_put += 1
            self.write(self.codes["BINPUT"] + bytes([self.n_put]))

    def string(self, value: bytes) -> None:
        """Write a short string; Python 2 has one object for each string of one letter, so a second is fetched."""
        key = repr(value)
        if key in self.memo:
            self.op("BINGET", bytes([self.memo[key]]))
        else:
            self.op("SHORT_BINSTRING", bytes([len(value)]) + value, put=True)
            self.memo[key] = self.n_put

    def integers(self, *values: int) -> None:
        for value in values:
            if 0 <= value < 256:
                self.op("BININT1", bytes([value]))
            elif 0 <= value < 65536:
                self.op("BININT2", struct.pack("<H", value))
            else:
                self.op("BININT", struct.pack("<i", value))

    def name(self, module: str, name: str) -> None:
        """Name something in a module: written once, then fetched from the memo."""
        key = f"{module}\n{name}\n"
        if key in self.memo:
            self.op("BINGET", bytes([self.memo[key]]))
        else:
            self.op("GLOBAL", key.encode(), put=True)
            self.memo[key] = self.n_put

    def array(self, array: np.ndarray) -> None:
        self.name("numpy.core.multiarray", "_reconstruct")
        self.name("numpy", "ndarray")
        self.integers(0)
        self.op("TUPLE1", put=True)
        self.string(b"b")
        self.op("TUPLE3", put=True)
        self.op("REDUCE", put=True)
        self.op("MARK")
        self.integers(1, *array.shape)
        self.op(f"TUPLE{array.ndim}", put=True)
        self.dtype()
        self.op("NEWFALSE")
        self.op("BINSTRING", struct.pack("<i", array.nbytes))
        self.write(array.data.cast("B"))
        self.n_put += 1
        self.write(self.codes["BINPUT"] + bytes([self.n_put]))
        self.op("TUPLE", put=True)
        self.op("BUILD")

    def dtype(self) -> None:
        key = "float64"
        if key in self.memo:
            self.op("BINGET", bytes([self.memo[key]]))
            return
        self.name("numpy", "dtype")
        self.string(b"f8")
        self.integers(0, 1)
        self.op("TUPLE3", put=True)
        self.op("REDUCE", put=True)
        self.memo[key] = self.n_put
        self.op("MARK")
        self.integers(3)
        self.string(b"<")
        for _ in range(3):
            self.op("NONE")
        self.integers(-1, -1, 0)
        self.op("TUPLE", put=True)
        self.op("BUILD")
