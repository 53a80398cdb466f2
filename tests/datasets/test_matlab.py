"""MATLAB 5 files: what SciPy reads is read, and nothing that a file announces is believed."""

from __future__ import annotations

import struct
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from eegemo import DataFormatError
from eegemo.datasets._deap_format import write_mat
from eegemo.datasets._matlab import load_matlab

DATA = np.random.default_rng(0).standard_normal((2, 3, 4))
LABELS = np.arange(1.0, 7).reshape(2, 3)
NAMES = ("data", "labels")


def load(path: Path, most_bytes: int = 1000) -> dict[str, np.ndarray]:
    return load_matlab(path, NAMES, most_bytes)


@pytest.fixture(params=[False, True], ids=["plain", "compressed"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    scipy.io.savemat(tmp_path / "s01.mat", {"data": DATA, "labels": LABELS}, do_compression=request.param)
    return tmp_path / "s01.mat"


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(
        hnp.floating_dtypes(sizes=(32, 64), endianness="=") | hnp.integer_dtypes(endianness="="),
        hnp.array_shapes(min_dims=2, max_dims=4, max_side=5),
    ),
    st.booleans(),
)
def test_what_scipy_wrote_comes_back(
    tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, do_compression: bool
) -> None:
    path = tmp_path_factory.mktemp("matlab") / "s01.mat"
    scipy.io.savemat(path, {"labels": LABELS, "data": array}, do_compression=do_compression)
    arrays = load(path, most_bytes=10_000)
    assert_array_equal(arrays["data"], array)
    assert arrays["data"].dtype == scipy.io.loadmat(path)["data"].dtype
    assert_array_equal(arrays["labels"], LABELS)


@pytest.mark.parametrize("do_compression", [False, True])
def test_other_variables_are_passed_over_whatever_they_are(tmp_path: Path, do_compression: bool) -> None:
    others = {
        "a_struct": {"field": [1, 2]},
        "cells": np.array([1, "two"], dtype=object),
        "text": "some text",
        "z": np.array([[1j]]),
        "long": np.zeros((100, 100)),
        "truth": np.array([[True]]),
        "sparse": scipy.sparse.eye(3).tocsc(),
    }
    scipy.io.savemat(tmp_path / "s01.mat", {**others, "data": DATA, "labels": LABELS}, do_compression=do_compression)
    arrays = load(tmp_path / "s01.mat")
    assert set(arrays) == {"data", "labels"}
    assert_array_equal(arrays["data"], DATA)


def element(order: str, kind: int, content: bytes) -> bytes:
    if 0 < len(content) <= 4:
        return struct.pack(order + "I", len(content) << 16 | kind) + content.ljust(4, b"\0")
    return struct.pack(order + "II", kind, len(content)) + content + b"\0" * (-len(content) % 8)


def variable(
    numbers: bytes,
    *,
    order: str = "<",
    name: bytes = b"data",
    shape: tuple[int, ...] = (2, 2),
    stored_as: int = 2,
    flags: int = 6,
) -> bytes:
    """A matrix of doubles (class 6), stored as bytes (type 2), as "MAT-File Format" describes it."""
    content = (
        element(order, 6, struct.pack(order + "II", flags, 0))
        + element(order, 5, struct.pack(f"{order}{len(shape)}i", *shape))
        + element(order, 1, name)
        + element(order, stored_as, numbers)
    )
    return struct.pack(order + "II", 14, len(content)) + content


def written(path: Path, *variables: bytes, order: str = "<") -> Path:
    end = b"\x00\x01IM" if order == "<" else b"\x01\x00MI"
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + end + b"".join(variables))
    return path


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_file_of_either_byte_order_is_read_column_after_column(tmp_path: Path, order: str) -> None:
    labels = variable(struct.pack(order + "3d", 1, 2.5, 3), order=order, name=b"labels", shape=(1, 3), stored_as=9)
    path = written(tmp_path / "s01.mat", variable(bytes([1, 2, 3, 4]), order=order), labels, order=order)
    arrays = load(path)
    assert arrays["data"].tolist() == [[1, 3], [2, 4]]
    assert arrays["labels"].tolist() == [[1, 2.5, 3]]
    assert_array_equal(scipy.io.loadmat(path)["labels"], arrays["labels"])


OPAQUE = struct.pack("<II", 14, 40) + element("<", 6, struct.pack("<II", 17, 0)) + element("<", 1, b"t" * 10)


def test_an_object_without_a_shape_is_passed_over(tmp_path: Path) -> None:
    assert load(written(tmp_path / "s01.mat", OPAQUE, variable(bytes(4))))["data"].shape == (2, 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(variable(bytes(4), shape=(2, 3)), r"shape \(2, 3\), and 4 numbers follow", id="shape too large"),
        pytest.param(variable(bytes(4), shape=(-2, -2)), r"shape \(-2, -2\), which no array has", id="negative"),
        pytest.param(variable(bytes(4), shape=(4,)), r"shape \(4,\), which no array has", id="one dimension"),
        pytest.param(variable(bytes(4), shape=(1,) * 33), "132 bytes of int32 are announced", id="33 dimensions"),
        pytest.param(variable(b"", shape=(2**31 - 1,) * 32), "and 0 numbers follow", id="huge"),
        pytest.param(variable(bytes(4), stored_as=41), "type 41", id="type beyond SciPy's table"),
        pytest.param(variable(bytes(4), stored_as=14), "type 14", id="matrix for numbers"),
        pytest.param(variable(bytes(4), stored_as=0), "type 0", id="no type"),
        pytest.param(variable(bytes(9), shape=(3, 3), stored_as=9), "9 bytes of float64", id="half a number"),
        pytest.param(
            variable(bytes(2000)), "2000 bytes of uint8 are announced, of at most 1000", id="more than wanted"
        ),
        pytest.param(variable(bytes(4), flags=0x0806), "complex numbers", id="complex"),
        *(
            pytest.param(variable(bytes(4), flags=kind), f"'data' is {what}", id=what)
            for kind, what in [(1, "a cell"), (2, "a struct"), (3, "an object"), (4, "text"), (5, "a sparse")]
        ),
        *(pytest.param(variable(bytes(4), flags=kind), "unknown kind", id=f"kind {kind}") for kind in (0, 16, 18, 255)),
        pytest.param(variable(bytes(4)) * 2, "'data' twice", id="twice"),
        pytest.param(variable(bytes(4))[:-8], "48 bytes is announced where 40 are left", id="cut"),
        pytest.param(struct.pack("<II", 14, 8) + variable(bytes(4))[8:], "longer than its variable", id="short matrix"),
        pytest.param(struct.pack("<II", 3, 0), "a variable of type 3", id="unknown variable"),
        pytest.param(struct.pack("<II", 14, 2**32 - 1), "4294967295 bytes is announced", id="long matrix"),
        pytest.param(variable(bytes(4), name=b"n" * 3000), "3000 bytes of int8", id="long name"),
        pytest.param(struct.pack("<II", 15, 0), "are announced where 0 are left", id="nothing compressed"),
        pytest.param(struct.pack("<II", 15, 5) + b"hello", "incorrect header check", id="not compressed"),
    ],
)
def test_what_does_not_fit_together_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = written(tmp_path / "s01.mat", content)
    with pytest.raises(DataFormatError, match=rf"^s01\.mat: cannot be read as a MATLAB file \(.*{message}"):
        load(path)


def compressed(content: bytes, cut: int | None = None) -> bytes:
    packed = zlib.compress(content)[:cut]
    return struct.pack("<II", 15, len(packed)) + packed


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (compressed(variable(bytes(4)), cut=-1), "does not unpack to the 48 bytes"),
        (compressed(variable(bytes(4)) + b"more"), "does not unpack to the 48 bytes"),
        (compressed(compressed(variable(bytes(4)))), "a compressed variable is of type 15"),
        (compressed(struct.pack("<II", 14, 2**31) + variable(bytes(4))[8:]), "takes 2147483648 bytes"),
    ],
    ids=["without its checksum", "with more behind it", "twice", "announces more"],
)
def test_a_compressed_variable_unpacks_to_what_it_announces(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataFormatError, match=message):
        load(written(tmp_path / "s01.mat", content))


@pytest.mark.parametrize("name", [b"data", b"other"])
def test_a_variable_that_unpacks_to_a_hundred_megabytes_takes_little_memory(tmp_path: Path, name: bytes) -> None:
    path = written(tmp_path / "s01.mat", compressed(variable(bytes(100_000_000), name=name, shape=(10_000, 10_000))))
    tracemalloc.start()
    try:
        if name == b"data":
            with pytest.raises(DataFormatError, match="'data' takes 100000048 bytes"):
                load(path)
        else:
            assert load(path) == {}
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def bits_flipped(content: bytes) -> Iterator[bytes]:
    for number in range(8 * 116, 8 * len(content)):  # before that is a text
        yield content[: number // 8] + bytes([content[number // 8] ^ 1 << number % 8]) + content[number // 8 + 1 :]


def test_no_flipped_bit_ends_otherwise_than_in_arrays_of_the_same_size_or_one_error(file: Path) -> None:
    refused = 0
    for content in bits_flipped(file.read_bytes()):
        file.write_bytes(content)
        try:
            arrays = load(file)
        except DataFormatError as error:
            assert str(error).startswith("s01.mat: ")
            refused += 1
        else:
            assert {name: array.size for name, array in arrays.items()}.items() <= {"data": 24, "labels": 6}.items()
    assert refused > 500


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_a_file_that_ends_early_lacks_arrays_or_is_refused(file: Path, cut: int) -> None:
    file.write_bytes(file.read_bytes()[:cut])
    try:
        assert set(load(file)) < set(NAMES)
    except DataFormatError as error:
        assert str(error).startswith("s01.mat: ")


def test_the_bit_that_killed_the_interpreter_is_one_error(tmp_path: Path) -> None:
    write_mat(tmp_path / "s01.mat", np.zeros((40, 40, 8064)), np.full((40, 4), 5.0))
    with (tmp_path / "s01.mat").open("r+b") as file:
        file.seek(184)  # the type of the samples, 9
        file.write(bytes([41]))
    script = "import sys; from eegemo import load_deap; load_deap(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True)
    assert done.returncode == 1
    assert "DataFormatError: s01.mat: cannot be read as a MATLAB file (numbers of type 41" in done.stderr
