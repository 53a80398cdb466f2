from __future__ import annotations

import builtins
import os
import pickle
import pickletools
import struct
import time
import tracemalloc
from collections import OrderedDict
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from eegemo import DataFormatError
from eegemo.datasets._deap_format import write_dat
from eegemo.datasets._pickles import load_array, load_arrays

DATA = np.random.default_rng(0).standard_normal((3, 4, 50))
LABELS = np.arange(12.0).reshape(3, 4)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.fixture
def python2(tmp_path: Path) -> Path:
    """The two arrays as Python 2 pickled them."""
    write_dat(tmp_path / "s01.dat", DATA, LABELS)
    return tmp_path / "s01.dat"


def opcodes(path: Path) -> list[tuple[str, Any]]:
    with path.open("rb") as file:
        return [(op.name, argument) for op, argument, _ in pickletools.genops(file)]


def test_python_2_arrays_are_read(python2: Path) -> None:
    arrays = load_arrays(python2)
    assert set(arrays) == {"data", "labels"}
    assert_array_equal(arrays["data"], DATA)
    assert_array_equal(arrays["labels"], LABELS)


def test_the_file_says_what_python_2_said(python2: Path) -> None:
    said = opcodes(python2)
    assert said[:3] == [("PROTO", 2), ("EMPTY_DICT", None), ("BINPUT", 1)]
    assert said[-2:] == [("SETITEMS", None), ("STOP", None)]
    assert [argument for name, argument in said if name == "GLOBAL"] == [
        "numpy.core.multiarray _reconstruct",
        "numpy ndarray",
        "numpy dtype",
    ]
    short = [argument for name, argument in said if name == "SHORT_BINSTRING"]
    assert [text for text in short if len(text) > 2] == ["labels", "data"]
    payloads = [argument.encode("latin1") for name, argument in said if name == "BINSTRING"]
    assert payloads == [LABELS.tobytes(), DATA.tobytes()]
    since_python_3 = {"BINUNICODE", "SHORT_BINUNICODE", "BINBYTES", "SHORT_BINBYTES", "STACK_GLOBAL", "MEMOIZE"}
    assert not since_python_3 & {name for name, _ in said}


def test_a_reader_that_forgot_latin1_fails(python2: Path) -> None:
    with python2.open("rb") as file, pytest.raises(UnicodeDecodeError, match="ascii"):
        pickle.load(file)


@pytest.mark.filterwarnings("ignore:numpy.core:DeprecationWarning")
@pytest.mark.parametrize(("encoding", "key"), [("latin1", "data"), ("bytes", b"data")])
def test_the_usual_way_to_read_deap_works(python2: Path, encoding: str, key: str | bytes) -> None:
    with python2.open("rb") as file:
        loaded = pickle.load(file, encoding=encoding)
    assert_array_equal(loaded[key], DATA)
    assert loaded[key].dtype == np.float64


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "array",
    [DATA, np.asfortranarray(DATA), DATA[:, ::2], DATA.astype(">f8"), DATA.astype("f4"), LABELS.astype("i2")],
    ids=["C", "Fortran", "strided", "big-endian", "float32", "int16"],
)
def test_python_3_arrays_are_read(tmp_path: Path, protocol: int, array: np.ndarray) -> None:
    path = written(tmp_path / "s01.dat", pickle.dumps({"data": array, "labels": LABELS}, protocol))
    arrays = load_arrays(path)
    assert_array_equal(arrays["data"], array)
    assert arrays["data"].dtype == array.dtype
    assert_array_equal(arrays["labels"], LABELS)


@settings(max_examples=50, deadline=None)
@given(
    st.integers(2, 5),
    hnp.arrays(
        hnp.floating_dtypes(sizes=(32, 64)) | hnp.integer_dtypes(),
        hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=5),
    ),
)
def test_any_array_of_numbers_comes_back(
    tmp_path_factory: pytest.TempPathFactory, protocol: int, array: np.ndarray
) -> None:
    path = tmp_path_factory.mktemp("pickle") / "a.dat"
    arrays = load_arrays(written(path, pickle.dumps({"a": array}, protocol)))
    assert_array_equal(arrays["a"], array)
    assert arrays["a"].dtype == array.dtype


def test_what_is_no_array_is_left_out(tmp_path: Path) -> None:
    path = written(tmp_path / "a.dat", pickle.dumps({"data": LABELS, "note": "x", "list": [1, (2.5, None)]}, 2))
    assert set(load_arrays(path)) == {"data"}


class Asks:
    """Pickles as a call of a function."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


def touching(marker: Path) -> str:
    return f"open({str(marker)!r}, 'w').close()"


def runs_a_command(marker: Path) -> Asks:
    return Asks(os.system, f"touch {marker}")


def evaluates(marker: Path) -> Asks:
    return Asks(builtins.eval, touching(marker))


def executes(marker: Path) -> Asks:
    return Asks(builtins.exec, touching(marker))


def opens(marker: Path) -> Asks:
    return Asks(builtins.open, str(marker), "w")


WRAPPED: dict[str, Callable[[Any], Any]] = {
    "bare": lambda hostile: hostile,
    "as an array": lambda hostile: {"data": hostile, "labels": LABELS},
    "beside the arrays": lambda hostile: {"data": DATA, "labels": LABELS, "more": [1, {"deep": (hostile,)}]},
}


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("wrapped", WRAPPED.values(), ids=WRAPPED)
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (runs_a_command, rf"{os.system.__module__}\.system"),
        (evaluates, r"(builtins|__builtin__)\.eval"),
        (executes, r"(builtins|__builtin__)\.exec"),
        (opens, r"(_?io|builtins|__builtin__)\.open"),
    ],
)
def test_a_call_is_refused_by_name_and_not_run(
    tmp_path: Path, make: Callable[[Path], Asks], name: str, wrapped: Callable[[Any], Any], protocol: int
) -> None:
    marker = tmp_path / "marker"
    content = pickle.dumps(wrapped(make(marker)), protocol)
    pickle.loads(content)  # it is hostile: an ordinary reader runs it
    assert marker.exists()
    marker.unlink()
    with pytest.raises(DataFormatError, match=rf"s01\.dat: asks for {name}, .*it was not run - do not trust"):
        load_arrays(written(tmp_path / "s01.dat", content))
    assert not marker.exists()


def text(value: str) -> bytes:
    return b"X" + struct.pack("<i", len(value)) + value.encode()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("nt", "system"),
        ("subprocess", "Popen"),
        ("builtins", "getattr"),
        ("__builtin__", "eval"),
        ("copyreg", "_reconstructor"),
        ("copy_reg", "_reconstructor"),
        ("numpy", "load"),
        ("numpy", "fromfile"),
        ("numpy", "ndarray.tofile"),
        ("numpy.core.multiarray", "fromfile"),
        ("numpy.core.multiarray", "scalar"),
        ("numpy.testing._private.utils", "runstring"),
        ("numpy", "matrix"),
        ("pickle", "loads"),
        ("eegemo.datasets._pickles", "load_arrays"),
    ],
)
def test_every_way_to_name_a_function_is_refused(tmp_path: Path, module: str, name: str) -> None:
    line = f"{module}\n{name}\n".encode()
    argument = text("x")
    for content in (
        b"\x80\x02c" + line + argument + b"\x85R.",  # GLOBAL, REDUCE
        b"\x80\x02c" + line + argument + b"\x85\x81.",  # GLOBAL, NEWOBJ
        b"(" + argument + b"i" + line + b".",  # INST
        b"\x80\x02(c" + line + argument + b"o.",  # OBJ
        b"\x80\x04" + text(module) + text(name) + b"\x93" + argument + b"\x85R.",  # STACK_GLOBAL
    ):
        with pytest.raises(DataFormatError, match=rf"asks for {module}\.{name}, .*not run"):
            load_arrays(written(tmp_path / "s01.dat", content))


class Outside(pickle.Pickler):
    def persistent_id(self, obj: Any) -> str | None:
        return "secret 7" if isinstance(obj, date) else None


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_an_object_outside_the_file_is_refused(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "s01.dat"
    with path.open("wb") as file:
        Outside(file, protocol).dump({"data": date(2021, 1, 1)})
    with pytest.raises(DataFormatError, match="asks for the outside object 'secret 7'; it was not loaded"):
        load_arrays(path)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"data": np.array(["a", "bb"])}, r"dtype 'U2' are not read, only numbers"),
        ({"data": np.array([b"a"])}, r"dtype 'S1' are not read"),
        ({"data": np.array([{}, None], dtype=object)}, "only numbers|not a run of bytes"),
        ({"data": np.array([1 + 2j])}, r"dtype 'c16' are not read"),
        ({"data": np.zeros(2, [("a", "f8")])}, "not read"),
        ([DATA, LABELS], "holds a list, expected a dict of arrays"),
        (DATA, "holds an array, expected a dict of arrays"),
        (None, "holds a NoneType, expected a dict"),
        ({"data": OrderedDict(a=1)}, r"asks for collections\.OrderedDict"),
        ({"data": np.float64(1.0)}, r"asks for numpy\._?core\.multiarray\.scalar"),
    ],
)
def test_what_is_no_dict_of_numbers_is_refused(tmp_path: Path, value: Any, message: str) -> None:
    with pytest.raises(DataFormatError, match=rf"^s01\.dat: .*({message})"):
        load_arrays(written(tmp_path / "s01.dat", pickle.dumps(value)))


RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n"
DTYPE = b"cnumpy\ndtype\n" + text("f8") + b"\x85R"
FROMBUFFER = b"cnumpy.core.numeric\n_frombuffer\n"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(RECONSTRUCT + b")R", id="array without content"),
        pytest.param(RECONSTRUCT + b")RK\x05b", id="content is a number"),
        pytest.param(RECONSTRUCT + b")R(K\x01K\x02\x85" + DTYPE + b"\x89]tb", id="payload is a list"),
        pytest.param(RECONSTRUCT + b")R(K\x01K\x01\x85" + text("f8") + b"\x89U\x08........tb", id="dtype is a text"),
        pytest.param(RECONSTRUCT + b")R(K\x01K\x03\x85" + DTYPE + b"\x89U\x08........tb", id="more items than bytes"),
        pytest.param(FROMBUFFER + b"(K\x10" + DTYPE + b"K\x02\x85" + text("C") + b"tR", id="payload is a number"),
        pytest.param(b"c_codecs\nencode\n" + text("x") + text("rot13") + b"\x86R", id="another codec"),
        pytest.param(RECONSTRUCT + b"N}" + text("__doc__") + text("changed") + b"s\x86b", id="alters the function"),
        pytest.param(b"cnumpy\nndarray\nN}" + text("real") + text("changed") + b"s\x86b", id="alters the class"),
    ],
)
def test_the_allowed_names_cannot_be_abused(tmp_path: Path, value: bytes) -> None:
    content = b"\x80\x02}" + text("data") + value + b"s."
    pickletools.dis(content, out=(tmp_path / "listing").open("w"))  # the pickle itself is well formed
    with pytest.raises(DataFormatError, match=r"^s01\.dat: "):
        load_arrays(written(tmp_path / "s01.dat", content))
    write_dat(tmp_path / "s02.dat", DATA, LABELS)
    assert_array_equal(load_arrays(tmp_path / "s02.dat")["data"], DATA)


@pytest.mark.parametrize("keep", [0, 1, 2, 10, 100, 300, 0.5, -1])
def test_a_file_that_is_cut_short_is_refused(python2: Path, keep: float) -> None:
    content = python2.read_bytes()
    python2.write_bytes(content[: int(keep * len(content)) if keep == 0.5 else int(keep)])
    with pytest.raises(DataFormatError, match=r"s01\.dat: cannot be read as a pickle .* cut short - fetch it again"):
        load_arrays(python2)


@pytest.mark.parametrize("content", [b"<html>not found</html>", b"\x00" * 100, b"PK\x03\x04", b"\xff" * 16])
def test_what_is_no_pickle_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataFormatError, match=r"^s01\.dat: "):
        load_arrays(written(tmp_path / "s01.dat", content))


def long(number: int, code: bytes = b"r") -> bytes:
    return code + struct.pack("<I", number)


def nested(n_times: int) -> bytes:
    """A tuple in a tuple in a tuple."""
    return b")" + b"\x85" * n_times


def doubled(n_times: int, wrap: bytes) -> bytes:
    """A container that holds itself as it was before, twice; there are 2 ** n_times ways down."""
    return b")" + b"".join(b"q\x00h\x00" + wrap for _ in range(n_times))


LIST_OF_TWO = b"\x86q\x01(h\x01l"
MANY = 2**40
HOSTILE = {
    "memo number in text": b"}p" + b"9" * 4000 + b"\n.",
    "unknown memo number": b"\x80\x02}" + long(2**32 - 1, b"j") + b".",
    "long text": b"\x80\x04\x8d" + struct.pack("<Q", MANY) + b".",
    "long bytes": b"\x80\x04\x8e" + struct.pack("<Q", MANY) + b".",
    "long bytearray": b"\x80\x05\x96" + struct.pack("<Q", MANY) + b".",
    "longest bytearray": b"\x80\x05\x96" + struct.pack("<Q", 2**64 - 1) + b".",
    "long byte string": b"\x80\x02T" + struct.pack("<i", 2**31 - 1) + b".",
    "byte string of negative length": b"\x80\x02T" + struct.pack("<i", -1) + b".",
    "long number": b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b".",
    "number of many digits": b"I" + b"9" * 100_000 + b"\n.",
    "long frame": b"\x80\x04\x95" + struct.pack("<Q", MANY) + b".",
    "deep tuple as a name": b"\x80\x02}" + nested(90_000) + b"Ns.",
    "branching tuple as a name": b"\x80\x02}" + doubled(60, b"\x86") + b"Ns.",
    "branching tuple in a set": b"\x80\x04\x8f(" + doubled(60, b"\x86") + b"\x90.",
    "branching tuple in a frozen set": b"\x80\x04(" + doubled(60, b"\x86") + b"\x91.",
    "branching list as a dtype": b"\x80\x02cnumpy\ndtype\n" + doubled(60, LIST_OF_TWO) + b"\x85R.",
    "branching list as an outside object": b"\x80\x02" + doubled(60, LIST_OF_TWO) + b"Q.",
    "branching list as an encoding": b"\x80\x02c_codecs\nencode\n" + text("x") + doubled(60, LIST_OF_TWO) + b"\x86R.",
    "many containers": b"\x80\x02" + b"}" * 5_000_000 + b".",
    "many marks": b"\x80\x02" + b"(" * 5_000_000 + b".",
    "many things to remember": b"\x80\x04}" + b"\x94" * 5_000_000 + b".",
    "many lines": b"I1\n" * 2_000_000 + b".",
    "text encoded again and again": b"\x80\x02("
    + (b"c_codecs\nencode\nq\x00" + text("x" * 1_000_000) + text("latin1") + b"\x86q\x01R")
    + b"h\x00h\x01R" * 10_000
    + b".",
    "registered kind": b"\x80\x02\x82\x01.",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_pickle_that_would_grow_is_refused_at_once_and_in_little_memory(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path / "s01.dat", content)
    begin = time.process_time()
    tracemalloc.start()
    try:
        with pytest.raises(DataFormatError, match=r"^s01\.dat: .{5,500}$"):
            load_arrays(path)
        assert tracemalloc.get_traced_memory()[1] < 60_000_000
    finally:
        tracemalloc.stop()
    assert time.process_time() - begin < 5


def test_a_pickle_that_remembers_under_large_numbers_is_read_in_little_memory(tmp_path: Path) -> None:
    path = written(tmp_path / "s01.dat", b"\x80\x02}" + long(2**32 - 1) + text("a") + long(2**31) + b"Ns.")
    tracemalloc.start()
    assert load_arrays(path) == {}
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("shape", "code", "message"),
    [
        ((10**6, 10**6), "f8", "has 8 bytes, and its shape and dtype ask for 8e\\+12"),
        ((-1,), "f8", "shape is no tuple of numbers"),
        ((True,), "f8", "shape is no tuple of numbers"),
        ([1], "f8", "shape is no tuple of numbers"),
        ((1,) * 33, "f8", "shape is no tuple of numbers"),
        ((1,), "f8,f8", "dtype 'f8,f8' are not read"),
        ((1,), "(1000000000,)f8", "are not read, only numbers"),
        ((1,), "O8", "dtype 'O8' are not read"),
        ((1,), "f" * 10_000, "dtype 'f{100}' are not read"),
        ((1,), "f99", "cannot be read as a pickle"),
    ],
)
def test_an_array_is_as_large_as_its_bytes(tmp_path: Path, shape: Any, code: str, message: str) -> None:
    dims = pickle.dumps(shape, 2)[2:-1]
    dtype = b"cnumpy\ndtype\n" + text(code) + b"\x85R"
    array = RECONSTRUCT + b")R(K\x01" + dims + dtype + b"\x89U\x08........tb"
    with pytest.raises(DataFormatError, match=rf"^s01\.dat: .*{message}"):
        load_arrays(written(tmp_path / "s01.dat", b"\x80\x02}" + text("data") + array + b"s."))


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("array", [DATA, np.asfortranarray(DATA), LABELS.astype(">i2")], ids=["C", "Fortran", "int16"])
def test_an_array_alone_is_read(tmp_path: Path, array: np.ndarray, protocol: int) -> None:
    read = load_array(written(tmp_path / "sub000.pkl", pickle.dumps(array, protocol)))
    assert_array_equal(read, array)
    assert read.dtype == array.dtype and not read.flags.writeable


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"data": DATA}, "holds a dict, expected an array"),
        ((DATA,), "holds a tuple, expected an array"),
        (b"text", "holds a bytes, expected an array"),
        (np.array([{}]), "only numbers|not a run of bytes"),
        (np.float64(1.0), r"asks for numpy\._?core\.multiarray\.scalar"),
    ],
)
def test_what_is_no_array_is_refused(tmp_path: Path, value: Any, message: str) -> None:
    with pytest.raises(DataFormatError, match=rf"^sub000\.pkl: .*({message})"):
        load_array(written(tmp_path / "sub000.pkl", pickle.dumps(value)))


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_pickle_is_no_array(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataFormatError, match=r"^sub000\.pkl: .{5,500}$"):
        load_array(written(tmp_path / "sub000.pkl", content))


def test_a_missing_file_stays_an_error_of_the_file_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_arrays(tmp_path / "s01.dat")
