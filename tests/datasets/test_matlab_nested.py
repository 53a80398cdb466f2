"""Cells and structs of MATLAB files: what lies in them is found, and nothing that a file announces is believed."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from eegemo import DataFormatError
from eegemo.datasets import _matlab73
from eegemo.datasets._matlab import walk_matlab
from matlab_files import cells, structs, write_5, write_73

Place = tuple[str | int, ...]
Write = Callable[[Path, Mapping[str, Any]], Path]
WRITERS: dict[str, Write] = {
    "5, plain": partial(write_5, compressed=False),
    "5, compressed": partial(write_5, compressed=True),
    "7.3": write_73,
    "7.3, packed": partial(write_73, chunks=True, compression="gzip", shuffle=True),
}

NUMBERS = np.random.default_rng(0).standard_normal((5, 3))
#: Like DREAMER's.
PERSON = {"Age": "22", "EEG": {"stimuli": cells(NUMBERS, NUMBERS + 1, shape=(2, 1)), "baseline": cells(NUMBERS[:1])}}
CONTENT = {
    "first": np.arange(6.0).reshape(2, 3),
    "top": {
        "Data": cells(PERSON, {**PERSON, "Age": "31"}),
        "names": cells("AF3", "Fz"),
        "rate": np.array([[128.0]]),
        "few": np.array([[1, 2]], np.uint8),
    },
    "grid": cells("a", np.zeros((0, 0)), np.eye(2), cells("deep"), shape=(2, 2)),
    "array": structs([{"x": np.array([[float(number)]]), "y": "t" * number} for number in (1, 2, 3)], (1, 3)),
}


@pytest.fixture(params=list(WRITERS.values()), ids=list(WRITERS))
def write(request: pytest.FixtureRequest) -> Write:
    writer: Write = request.param
    return writer


def walked(path: Path, *patterns: str, most_bytes: int = 1000) -> dict[Place, np.ndarray]:
    return dict(walk_matlab(path, dict.fromkeys(patterns, most_bytes)))


def test_each_array_comes_with_its_place(tmp_path: Path, write: Write) -> None:
    path = write(tmp_path / "a.mat", CONTENT)
    found = walked(path, "top/Data/*/EEG/*/*", "top/names/*", "top/rate", "top/few")
    assert set(found) == {
        *(("top", "Data", person, "EEG", "stimuli", film) for person in (0, 1) for film in (0, 1)),
        *(("top", "Data", person, "EEG", "baseline", 0) for person in (0, 1)),
        *(("top", "names", 0), ("top", "names", 1), ("top", "rate"), ("top", "few")),
    }
    assert_array_equal(found["top", "Data", 1, "EEG", "stimuli", 1], NUMBERS + 1)
    assert [str(found["top", "names", number]) for number in (0, 1)] == ["AF3", "Fz"]
    assert found["top", "few"].dtype == np.uint8 and found["top", "few"].tolist() == [[1, 2]]


def test_people_come_one_after_another(tmp_path: Path, write: Write) -> None:
    path = write(tmp_path / "a.mat", CONTENT)
    places = [place for place, _ in walk_matlab(path, {"top/Data/*/EEG/*/*": 1000, "top/Data/*/Age": 100})]
    assert [place[2] for place in places] == [0] * 4 + [1] * 4


def test_cells_are_counted_column_by_column(tmp_path: Path, write: Write) -> None:
    path = write(tmp_path / "a.mat", CONTENT)  # 'a', [] in the first row and eye(2), {'deep'} in the second
    found = walked(path, "grid/0", "grid/1", "grid/2", "grid/3/*")
    assert str(found["grid", 0]) == "a" and found["grid", 2].size == 0
    assert_array_equal(found["grid", 1], np.eye(2))
    assert str(found["grid", 3, 0]) == "deep"


def test_elements_of_a_struct_array_are_numbered(tmp_path: Path, write: Write) -> None:
    found = walked(write(tmp_path / "a.mat", CONTENT), "array/*/*")
    assert {place: str(text) for place, text in found.items() if place[2] == "y"} == {
        ("array", 0, "y"): "t",
        ("array", 1, "y"): "tt",
        ("array", 2, "y"): "ttt",
    }
    assert [found["array", number, "x"].item() for number in range(3)] == [1, 2, 3]


def test_what_is_wanted_may_be_chosen_by_number(tmp_path: Path, write: Write) -> None:
    found = walked(write(tmp_path / "a.mat", CONTENT), "top/Data/1/EEG/stimuli/*", "top/names/1")
    assert set(found) == {("top", "Data", 1, "EEG", "stimuli", 0), ("top", "Data", 1, "EEG", "stimuli", 1)} | {
        ("top", "names", 1)
    }


# Anything that MATLAB can nest

names = st.sampled_from(["a", "Data", "a_long_name_of_thirty_letters_"])
numbers = hnp.arrays(
    st.sampled_from([np.float64, np.float32, np.int16, np.uint8]), hnp.array_shapes(min_dims=2, max_dims=2, max_side=3)
)
text = st.text(st.characters(min_codepoint=33, max_codepoint=0x24F), min_size=1, max_size=5)
leaves = numbers | text | st.just(np.zeros((0, 3)))
nested = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda items: cells(*items))
        | st.dictionaries(names, inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)


def leaves_of(value: Any, place: Place) -> Iterator[tuple[Place, np.ndarray]]:
    if isinstance(value, dict):
        for name, content in value.items():
            yield from leaves_of(content, (*place, name))
    elif isinstance(value, np.ndarray) and value.dtype == object:
        for number, content in enumerate(value.ravel(order="F")):
            yield from leaves_of(content, (*place, number))
    else:
        yield place, np.asarray(value)


@pytest.mark.parametrize("version", ["5, plain", "5, compressed", "7.3"])
@settings(max_examples=30, deadline=None)
@given(st.dictionaries(names, nested, min_size=1, max_size=3))
def test_what_was_nested_is_found_again(
    tmp_path_factory: pytest.TempPathFactory, version: str, content: dict[str, Any]
) -> None:
    path = WRITERS[version](tmp_path_factory.mktemp("nested") / "a.mat", content)
    expected = dict(leaf for name, value in content.items() for leaf in leaves_of(value, (name,)))
    found = walked(path, *("/".join(map(str, place)) for place in expected))
    assert set(found) == set(expected)
    for place, array in expected.items():
        assert found[place].size == array.size
        if array.size:
            assert_array_equal(found[place], array)
            assert found[place].dtype.kind == array.dtype.kind


def scipy_leaves(value: Any, place: Place) -> Iterator[tuple[Place, np.ndarray]]:
    """What SciPy's reader makes of a file, by the same places."""
    if value.dtype.names:
        numbered = value.size > 1
        for number, element in enumerate(value.ravel(order="F")):
            for name in value.dtype.names:
                yield from scipy_leaves(element[name], (*place, *((number,) if numbered else ()), name))
    elif value.dtype == object:
        for number, element in enumerate(value.ravel(order="F")):
            yield from scipy_leaves(element, (*place, number))
    else:
        yield place, value


@pytest.mark.parametrize("version", ["5, plain", "5, compressed"])
def test_scipy_reads_the_same(tmp_path: Path, version: str) -> None:
    path = WRITERS[version](tmp_path / "a.mat", CONTENT)
    expected = dict(leaf for name in CONTENT for leaf in scipy_leaves(scipy.io.loadmat(path)[name], (name,)))
    found = walked(path, *("/".join(map(str, place)) for place in expected))
    assert list(found) == list(expected)
    for place, array in expected.items():
        if array.dtype.kind == "U":
            assert str(found[place]) == "".join(array.ravel())
        else:
            assert_array_equal(found[place], array)
            assert found[place].shape == array.shape


# What is refused


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("top", "'top' is a struct, expected numbers"),
        ("top/Data", "'top/Data' is a cell array, expected numbers"),
        ("top/Data/*", "'top/Data/0' is a struct, expected numbers"),
        ("top/Data/*/EEG/stimuli", "'top/Data/0/EEG/stimuli' is a cell array, expected numbers"),
    ],
)
def test_a_cell_array_or_struct_is_no_array(tmp_path: Path, write: Write, wanted: str, message: str) -> None:
    with pytest.raises(DataFormatError, match=rf"^a\.mat: cannot be read as a MATLAB file \({message}\)"):
        walked(write(tmp_path / "a.mat", CONTENT), wanted)


def test_an_array_larger_than_allowed_is_refused(tmp_path: Path, write: Write) -> None:
    path = write(tmp_path / "a.mat", CONTENT)  # 5 x 3 doubles
    assert len(walked(path, "top/Data/*/EEG/stimuli/*", most_bytes=120)) == 4
    with pytest.raises(DataFormatError, match=r"^a\.mat: .*120 bytes"):
        walked(path, "top/Data/*/EEG/stimuli/*", most_bytes=119)


def test_large_arrays_that_are_not_wanted_are_passed_over_in_little_memory(tmp_path: Path, write: Write) -> None:
    large = cells(*[np.zeros((500, 1000))] * 3)  # 4 MB each
    path = write(tmp_path / "a.mat", {"s": {"large": large, "small": np.eye(2), "wanted": large}})
    tracemalloc.start()
    try:
        assert_array_equal(walked(path, "s/small")["s", "small"], np.eye(2))
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
        tracemalloc.reset_peak()
        n_found = 0
        for _, array in walk_matlab(path, {"s/wanted/*": 4_000_000}):
            n_found += array.shape == (500, 1000)
            del array
        assert n_found == 3
        assert tracemalloc.get_traced_memory()[1] < 9_500_000  # one of them, and another that is being read
    finally:
        tracemalloc.stop()


def read_all(path: Path) -> None:
    """Walk through everything; nothing but an array or one kind of error may come of it."""
    patterns = ("first", "top/Data/*/EEG/*/*", "top/Data/*/Age", "top/*", "grid/*", "grid/*/*", "array/*/*")
    for _, array in walk_matlab(path, dict.fromkeys(patterns, 1000)):
        assert isinstance(array, np.ndarray) and array.nbytes <= 8000


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9, 0.99])
def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, write: Write, keep: float) -> None:
    content = write(tmp_path / "a.mat", {"top": CONTENT["top"]}).read_bytes()
    (tmp_path / "a.mat").write_bytes(content[: int(keep * len(content))])
    with pytest.raises(DataFormatError, match=r"^a\.mat: cannot be read as a MATLAB file"):
        walked(tmp_path / "a.mat", "top/Data/*/EEG/*/*", "top/rate")


def test_flipped_bits_end_in_arrays_or_in_one_error(tmp_path: Path, write: Write) -> None:
    content = write(tmp_path / "a.mat", CONTENT).read_bytes()
    rng = np.random.default_rng(0)
    n_refused = 0
    for _ in range(60):
        damaged = bytearray(content)
        for place in rng.integers(116, len(content), rng.integers(1, 4)):
            damaged[place] ^= 1 << int(rng.integers(8))
        (tmp_path / "a.mat").write_bytes(damaged)
        try:
            read_all(tmp_path / "a.mat")
        except DataFormatError as error:
            assert str(error).startswith("a.mat: ")
            n_refused += 1
    assert n_refused > 5


# MATLAB 5, byte by byte


def element(kind: int, content: bytes) -> bytes:
    return struct.pack("<II", kind, len(content)) + content + b"\0" * (-len(content) % 8)


def matrix(kind: int, content: bytes, *, shape: tuple[int, ...] = (1, 1), name: bytes = b"") -> bytes:
    """Anything with flags, a shape and a name, as "MAT-File Format" describes it."""
    head = element(6, struct.pack("<II", kind, 0)) + element(5, struct.pack(f"<{len(shape)}i", *shape))
    return element(14, head + element(1, name) + content)


def written(path: Path, *variables: bytes) -> Path:
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + b"".join(variables))
    return path


ONE = matrix(6, element(9, struct.pack("<d", 7)))
FIELDS = element(5, struct.pack("<i", 8)) + element(1, b"one".ljust(8, b"\0") + b"two".ljust(8, b"\0"))


def test_the_parts_are_put_together_as_matlab_does(tmp_path: Path) -> None:
    empty = element(14, b"")  # MATLAB writes [] so
    path = written(tmp_path / "a.mat", matrix(1, ONE + empty + ONE, shape=(1, 3), name=b"v"))
    assert [array.tolist() for array in walked(path, "v/*").values()] == [[[7]], [], [[7]]]
    path = written(tmp_path / "a.mat", matrix(2, FIELDS + ONE + empty, name=b"v"))
    assert [array.tolist() for array in walked(path, "v/*").values()] == [[[7]], []]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(matrix(1, ONE, shape=(1000, 1000), name=b"v"), "1000000 elements, 1 deep", id="many cells"),
        pytest.param(matrix(2, FIELDS, shape=(1000, 1000), name=b"v"), "1000000 elements", id="many elements"),
        pytest.param(matrix(1, ONE, shape=(2**31 - 1,) * 9, name=b"v"), "far too much", id="beyond any integer"),
        pytest.param(matrix(1, ONE, shape=(1, -5), name=b"v"), r"shape \(1, -5\), which no array", id="negative"),
        pytest.param(matrix(1, ONE, shape=(1, 2), name=b"v"), "longer than its variable", id="a cell is missing"),
        pytest.param(matrix(1, element(9, bytes(8)), name=b"v"), "type 9, which no cell", id="numbers for a cell"),
        pytest.param(
            matrix(1, struct.pack("<II", 14, 1 << 20) + ONE, name=b"v"), "longer than what it is in", id="long cell"
        ),
        pytest.param(
            matrix(2, element(5, struct.pack("<i", 0)) + element(1, b"one"), name=b"v"), "no length", id="no length"
        ),
        pytest.param(
            matrix(2, element(5, struct.pack("<i", 8)) + element(1, b"one"), name=b"v"), "no length", id="cut names"
        ),
        pytest.param(
            matrix(2, element(5, struct.pack("<i", 8)) + element(1, bytes(80_000)), name=b"v"),
            "80000 bytes of int8",
            id="many fields",
        ),
        pytest.param(matrix(1, ONE[:-8], name=b"v"), "longer than", id="cut cell"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataFormatError, match=rf"^a\.mat: .*{message}"):
        walked(written(tmp_path / "a.mat", content), "v/*")


def test_cells_in_cells_are_walked_through_no_deeper_than_is_asked_for(tmp_path: Path) -> None:
    content = ONE
    for _ in range(3000):
        content = matrix(1, content)
    path = written(tmp_path / "a.mat", matrix(1, content, name=b"v"), matrix(6, element(9, bytes(8)), name=b"w"))
    assert set(walked(path, "v/*/one", "w")) == {("w",)}
    with pytest.raises(DataFormatError, match="13 deep, which is far too much"):
        walked(path, "/".join(["v", *"*" * 40]))


# MATLAB 7.3, item by item


@pytest.fixture
def hdf5(tmp_path: Path) -> Path:
    return write_73(tmp_path / "a.mat", CONTENT)


def refused(path: Path, message: str, *patterns: str) -> None:
    with pytest.raises(DataFormatError, match=rf"^a\.mat: cannot be read as a MATLAB file \(.*{message}"):
        walked(path, *patterns)


@pytest.mark.parametrize("link", [h5py.ExternalLink("b.mat", "/first"), h5py.SoftLink("/first")])
@pytest.mark.parametrize("place", ["top/rate", "top", "first", "array/x"])
def test_links_lead_nowhere(hdf5: Path, link: Any, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_73(hdf5.with_name("b.mat"), CONTENT)
    with h5py.File(hdf5, "r+") as file:
        del file[place]
        file[place] = link
    get = h5py.Group.__getitem__

    def get_but_that(group: h5py.Group, name: Any) -> Any:
        followed = isinstance(name, str) and isinstance(group.get(name, getlink=True), type(link))
        assert not followed, "the link was followed"
        return get(group, name)

    monkeypatch.setattr(h5py.Group, "__getitem__", lambda group, name: get_but_that(group, name))
    refused(hdf5, "leads to another file", "first", "top/rate", "array/*", "array/*/*")


def test_a_cell_array_that_holds_itself_is_followed_no_further_than_is_asked_for(hdf5: Path) -> None:
    with h5py.File(hdf5, "r+") as file:
        file["grid"][0, 0] = file["grid"].ref
    assert walked(hdf5, "grid/*/*/*/one") == {}
    refused(hdf5, "lies 13 deep, which is far too much", "/".join(["grid", *"0" * 40]))


def test_references_that_lead_to_the_same_again_and_again_are_counted(
    hdf5: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_matlab73, "_MOST_ELEMENTS", 1000)
    with h5py.File(hdf5, "r+") as file:
        inner = file.create_dataset("inner", data=np.full((40, 1), file["first"].ref, h5py.ref_dtype))
        file.create_dataset("v", data=np.full((1, 40), inner.ref, h5py.ref_dtype))  # 1600 times the same array
    refused(hdf5, "far too much", "v/*/*")
    refused(hdf5, "far too much", "v/*/nothing/*")


def test_more_cells_than_any_dataset_has_are_refused(hdf5: Path) -> None:
    with h5py.File(hdf5, "r+") as file:
        file.create_dataset("v", (10**6, 10**6), h5py.ref_dtype, chunks=(100, 100))
    refused(hdf5, "1000000000000 elements, which is far too much", "v/*")


def test_references_to_nothing_or_to_a_part_are_refused(hdf5: Path) -> None:
    with h5py.File(hdf5, "r+") as file:
        file.create_dataset("v", data=np.full((1, 1), h5py.Reference(), h5py.ref_dtype))
        parts = np.full((1, 1), file["first"].regionref[0:1], h5py.regionref_dtype)
        file.create_dataset("w", data=parts)
        gone = file.create_dataset("gone", data=np.eye(2))
        file.create_dataset("x", data=np.full((1, 1), gone.ref, h5py.ref_dtype))
        del file["gone"]
    for name in "vwx":
        refused(hdf5, "", f"{name}/*")


def test_letters_that_are_none_are_refused(hdf5: Path) -> None:
    with h5py.File(hdf5, "r+") as file:
        item = file.create_dataset("v", data=np.array([[0.5]]))
        item.attrs["MATLAB_class"] = np.bytes_("char")
    refused(hdf5, "", "v")


def test_an_array_that_announces_what_is_not_there_is_refused(hdf5: Path) -> None:
    with h5py.File(hdf5, "r+") as file:
        file["top"].create_dataset("lazy", (10, 10), "f8")
        file["top"].create_dataset("huge", (10**6, 10**6), "f8", chunks=(100, 100))
    refused(hdf5, "'/top/lazy' announces 800 bytes and has 0", "top/lazy")
    refused(hdf5, "'top/huge' takes 8000000000000 bytes, expected at most 1000", "top/huge")
