"""Files that are no saved classifier, are damaged, or were made to do harm: one error that names the file."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from eegemo import DataFormatError, read_classifier
from tiny import tiny

pytestmark = pytest.mark.usefixtures("no_tracing")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two saved classifiers."""
    folder = tmp_path_factory.mktemp("saved")
    X = 20 * np.random.default_rng(0).standard_normal((24, 2, 16)).astype(np.float32)
    for name in ("cnn-gru", "eegnet"):
        tiny(name, epochs=1).fit(X, np.array(["calm", "excited", "sad"] * 8)).save(folder / f"{name}.keras")
    return folder


@pytest.fixture
def good(folder: Path) -> Path:
    return folder / "cnn-gru.keras"


def plain_keras(path: Path, good: Path) -> None:
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save(path)


def text(path: Path, good: Path) -> None:
    path.write_text("not a model")


def cut_off(path: Path, good: Path) -> None:
    path.write_bytes(good.read_bytes()[:-200])


def empty(path: Path, good: Path) -> None:
    path.touch()


def rewritten(path: Path, good: Path, card: Callable[[dict[str, Any]], object]) -> None:
    """Copy a good file with another card of what is not the network's."""
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(path, "w") as new:
        for item in old.namelist():
            content = old.read(item)
            new.writestr(item, json.dumps(card(json.loads(content))) if item == "eegemo.json" else content)


def of_another_version(path: Path, good: Path) -> None:
    rewritten(path, good, lambda card: {**card, "network": {"name": "other-net", "sizes": {}}})


def with_an_unknown_setting(path: Path, good: Path) -> None:
    rewritten(path, good, lambda card: {**card, "parameters": {"wings": 2}})


def without_classes(path: Path, good: Path) -> None:
    rewritten(path, good, lambda card: {key: value for key, value in card.items() if key != "classes"})


def with_a_list_for_a_card(path: Path, good: Path) -> None:
    rewritten(path, good, lambda card: [1, 2])


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (plain_keras, "not a classifier saved by eegemo.*saved by Keras alone"),
        (text, "not a classifier saved by eegemo"),
        (cut_off, "not a classifier saved by eegemo"),
        (empty, "not a classifier saved by eegemo"),
        (of_another_version, "Unknown network 'other-net'"),
        (with_an_unknown_setting, "wings"),
        (without_classes, "classes"),
        (with_a_list_for_a_card, "not a classifier saved by eegemo"),
    ],
)
def test_a_file_that_is_no_saved_classifier_is_refused_by_name(
    folder: Path, tmp_path: Path, write: Callable[[Path, Path], None], message: str
) -> None:
    path = tmp_path / "model.keras"
    write(path, folder / "cnn-gru.keras")

    with pytest.raises(DataFormatError, match=rf"model\.keras: .*{message}"):
        read_classifier(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.keras"):
        read_classifier(tmp_path / "nowhere.keras")


def test_code_in_a_file_is_not_run(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "hostile.keras"
    keras.Sequential([keras.Input((16, 2)), keras.layers.Lambda(lambda x: x)]).save(path)
    with zipfile.ZipFile(folder / "cnn-gru.keras") as good, zipfile.ZipFile(path, "a") as hostile:
        hostile.writestr("eegemo.json", good.read("eegemo.json"))

    with pytest.raises(DataFormatError, match=r"hostile\.keras: holds a layer 'Lambda', which may run code"):
        read_classifier(path)


def test_a_member_that_grows_beyond_all_measure_is_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("eegemo.json", b" " * 100_000_000)

    tracemalloc.start()
    with pytest.raises(DataFormatError, match=r"bomb.keras: .*eegemo.json takes 100000000 bytes, expected"):
        read_classifier(tmp_path / "bomb.keras")

    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def one_bit_of_the_weights(path: Path, good: Path) -> None:
    content = bytearray(good.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def with_another_member(path: Path, good: Path, name: str, change: Callable[[bytes], bytes | None]) -> None:
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(path, "w") as new:
        for item in old.namelist():
            content = change(old.read(item)) if item == name else old.read(item)
            if content is not None:
                new.writestr(item, content)


@pytest.mark.parametrize(
    "damage",
    [
        one_bit_of_the_weights,
        lambda path, good: with_another_member(path, good, "config.json", lambda content: content[:500]),
        lambda path, good: with_another_member(path, good, "config.json", lambda content: None),
        lambda path, good: with_another_member(path, good, "model.weights.h5", lambda content: content[:2000]),
        lambda path, good: with_another_member(path, good, "eegemo.json", lambda content: b"[" * 100_000),
        lambda path, good: rewritten(path, good, lambda card: {**card, "estimator": ["a"]}),
        lambda path, good: rewritten(path, good, lambda card: {**card, "network": {"name": "tcn", "sizes": {"a": 1}}}),
        lambda path, good: rewritten(path, good, lambda card: {**card, "fitted": {}}),
    ],
    ids=["bit", "config cut", "no config", "weights cut", "nested card", "estimator", "sizes", "fitted"],
)
def test_a_damaged_file_is_named(damage: Callable[[Path, Path], None], folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    damage(path, folder / "eegnet.keras")

    with pytest.raises(DataFormatError, match=r"^model\.keras: "):
        read_classifier(path)


# What was made to do harm


def first_layer(config: dict[str, Any]) -> dict[str, Any]:
    """The first layer in the description that has weights of a size that is a number in it."""
    return next(layer for layer in config["config"]["layers"] if layer["class_name"] == "Conv1D")


def described(path: Path, good: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Copy a good file with another description of its layers."""

    def changed(content: bytes) -> bytes:
        config = json.loads(content)
        change(config)
        return json.dumps(config).encode()

    with_another_member(path, good, "config.json", changed)
    return path


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"module": "os", "class_name": "system", "config": {"command": "id"}}, "holds the class 'system'"),
        ({"module": "builtins", "class_name": "exec", "config": {}}, "holds the class 'exec'"),
        ({"module": None, "class_name": "Conv1D", "config": {}}, "holds the class 'Conv1D'"),
        ({"module": "keras.utils", "class_name": "function", "config": "get_file"}, "holds the function 'get_file'"),
        ({"module": "keras", "class_name": "utils.get_file", "config": {}}, "holds the class 'utils.get_file'"),
        ({"module": "keras.src.utils.file_utils", "class_name": "Archive", "config": {}}, "holds the class 'Archive'"),
        ({"module": "kerasx.layers", "class_name": "Dense", "config": {}}, "holds the class 'Dense'"),
        ({"module": "keras.layers", "class_name": "Lambda", "config": {}}, "a layer 'Lambda', which may run code"),
        ({"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "/"}}, "a layer 'TFSMLayer'"),
        ({"module": "keras.layers", "class_name": "StringLookup", "config": {"vocabulary": "/etc/passwd"}}, "a layer"),
        ({"module": "keras.layers", "class_name": "TorchModuleWrapper", "config": {"module": "x"}}, "a layer"),
        ({"class_name": "__lambda__", "config": {"value": "4wA="}}, "holds the class '__lambda__'"),
        ({"module": "keras.layers", "class_name": ["Dense"], "config": {}}, "the name of a layer is no text"),
        ({"module": 3, "class_name": "Dense", "config": {}}, "the name of a layer is no text"),
        ({"module": "keras.layers", "class_name": "Nothing", "config": {}}, "its network cannot be read"),
    ],
    ids=lambda value: value.get("module", "") if isinstance(value, dict) else None,
)
@pytest.mark.parametrize("place", ["layer", "deep inside"])
def test_what_is_no_part_of_a_network_is_not_looked_for(
    part: dict[str, Any], message: str, place: str, good: Path, tmp_path: Path
) -> None:
    def change(config: dict[str, Any]) -> None:
        if place == "layer":
            config["config"]["layers"].insert(1, part)
        else:
            first_layer(config)["config"]["kernel_initializer"] = part

    with pytest.raises(DataFormatError, match=rf"^hostile\.keras: .*{message}"):
        read_classifier(described(tmp_path / "hostile.keras", good, change))


@pytest.mark.parametrize(("name", "size"), [("filters", 10**9), ("filters", 10**6), ("kernel_size", [10**7])])
def test_a_network_that_asks_for_more_weights_than_the_file_has_is_not_made(
    name: str, size: Any, good: Path, tmp_path: Path
) -> None:
    path = described(
        tmp_path / "bomb.keras",
        good,
        lambda config: first_layer(config)["config"].update({name: size, "padding": "same"}),
    )
    with pytest.raises(
        DataFormatError, match=r"^bomb\.keras: its layers ask for more weights than the \d+ that it holds"
    ):
        read_classifier(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda card: {**card, "fitted": {**card["fitted"], "n_channels_": 3}},
        lambda card: {**card, "fitted": {**card["fitted"], "n_times_": 17}},
        lambda card: {**card, "fitted": {**card["fitted"], "_n_outputs": 4}},
        lambda card: {**card, "classes": card["classes"][:2]},
        lambda card: {**card, "ch_names": ["F3"]},
        lambda card: {**card, "normalization": ["minmax", "window"]},
        lambda card: {**card, "normalization": [None, "window"]},
    ],
    ids=["channels", "samples", "outputs", "classes", "names", "normalisation", "no normalisation"],
)
def test_a_card_that_fits_another_network_is_refused(
    change: Callable[[dict[str, Any]], object], good: Path, tmp_path: Path
) -> None:
    rewritten(tmp_path / "altered.keras", good, change)
    with pytest.raises(DataFormatError, match=r"^altered\.keras: its card and its network differ in "):
        read_classifier(tmp_path / "altered.keras")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda card: {**card, "classes_dtype": "U100000"}, "classes of dtype <U100000 are not read"),
        (lambda card: {**card, "classes_dtype": "U1000000000"}, "altered"),
        (lambda card: {**card, "classes_dtype": "(1000000000,)f8"}, "altered"),
        (lambda card: {**card, "classes_dtype": "M8[D]"}, "are not read"),
        (lambda card: {**card, "classes": [[]] * 3, "classes_dtype": "O"}, "its classes are no list"),
        (lambda card: {**card, "parameters": {**card["parameters"], "epochs": -1}}, "Received: epochs=-1"),
        (lambda card: {**card, "parameters": {**card["parameters"], "epochs": "many"}}, "Received: epochs='many'"),
        (lambda card: {**card, "network": {"name": ["tcn"]}}, "altered"),
        (lambda card: {**card, "network": "tcn"}, "altered"),
        (lambda card: {**card, "network_": {"function": "print"}}, "holds the function 'print'"),
    ],
)
def test_a_card_of_other_values_is_refused(
    change: Callable[[dict[str, Any]], object], message: str, good: Path, tmp_path: Path
) -> None:
    rewritten(tmp_path / "altered.keras", good, change)
    with pytest.raises(DataFormatError, match=rf"^altered\.keras: .*({message})"):
        read_classifier(tmp_path / "altered.keras")


def test_a_function_of_ones_own_is_not_called_as_an_estimator(good: Path, tmp_path: Path) -> None:
    rewritten(tmp_path / "altered.keras", good, lambda card: {**card, "estimator": "fail"})
    with pytest.raises(DataFormatError, match=r"'fail' is no estimator"):
        read_classifier(tmp_path / "altered.keras", custom_objects={"fail": pytest.fail})


def members(path: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            yield name, archive.read(name)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("assets/vocabulary.txt", b"x"), r"holds 'assets/vocabulary\.txt', expected eegemo\.json"),
        (("../outside.txt", b"x"), r"holds '\.\./outside\.txt'"),
        (("config.json", b"{}"), r"holds 'config\.json', expected .*each once"),
        (("eegemo.json", b" " * 5_000_000), r"holds 'eegemo\.json'|takes 5000000 bytes"),
    ],
)
def test_an_archive_with_something_else_in_it_is_refused(
    more: tuple[str, bytes], message: str, good: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        for name, content in [*members(good), more]:
            archive.writestr(name, content)
    with pytest.raises(DataFormatError, match=rf"^model\.keras: .*({message})"):
        read_classifier(tmp_path / "model.keras")


@pytest.mark.parametrize("packed", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_packing_that_needs_much_memory_is_refused(packed: int, good: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.keras", "w", packed) as archive:
        for name, content in members(good):
            archive.writestr(name, content)
    with pytest.raises(DataFormatError, match=r"model\.keras: .*packed in a way that Keras does not use"):
        read_classifier(tmp_path / "model.keras")


def test_a_classifier_that_was_zipped_anew_is_read(good: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members(good):
            archive.writestr(name, content)
    X = np.random.default_rng(0).standard_normal((3, 2, 16))
    np.testing.assert_array_equal(
        read_classifier(tmp_path / "model.keras").predict_proba(X), read_classifier(good).predict_proba(X)
    )


def test_weights_that_unpack_to_a_hundred_times_the_file_are_not_unpacked(good: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members(good):
            archive.writestr(name, bytes(100_000_000) if name.endswith(".h5") else content)
    tracemalloc.start()
    with pytest.raises(
        DataFormatError, match=r"bomb\.keras: .*weights\.h5 takes 100000000 bytes, expected at most 10000000"
    ):
        read_classifier(tmp_path / "bomb.keras")
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def with_weights(path: Path, good: Path, change: Callable[[h5py.File, str], None]) -> None:
    """Copy a good file with something else in the place of one array of its weights."""

    def changed(content: bytes) -> bytes:
        held = io.BytesIO(content)
        with h5py.File(held, "r+") as file:
            name = "layers/conv1d/vars/0"
            assert isinstance(file[name], h5py.Dataset)
            del file[name]
            change(file, name)
        return held.getvalue()

    with_another_member(path, good, "model.weights.h5", changed)


def outside(file: h5py.File, name: str) -> None:
    file.create_dataset(name, shape=(3, 2, 8), dtype="f4", external=[("/etc/passwd", 0, 192)])


def virtual(file: h5py.File, name: str) -> None:
    layout = h5py.VirtualLayout(shape=(3, 2, 8), dtype="f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", shape=(3, 2, 8))
    file.create_virtual_dataset(name, layout)


def linked(file: h5py.File, name: str) -> None:
    file[name] = h5py.ExternalLink("other.h5", "/x")


def packed_zeros(file: h5py.File, name: str) -> None:
    file.create_dataset(name, data=np.zeros((10_000, 10_000), "f4"), chunks=(10_000, 10_000), compression="gzip")


def never_written(file: h5py.File, name: str) -> None:
    file.create_dataset(name, shape=(10**6, 10**6), dtype="f4")


def texts(file: h5py.File, name: str) -> None:
    file[name] = np.array([b"a"] * 48, "S1")


@pytest.mark.parametrize("change", [outside, virtual, linked, packed_zeros, never_written, texts])
def test_weights_that_lie_elsewhere_or_nowhere_are_refused(
    change: Callable[[h5py.File, str], None], good: Path, tmp_path: Path
) -> None:
    with_weights(tmp_path / "hostile.keras", good, change)
    with pytest.raises(DataFormatError, match=r"^hostile\.keras: "):
        read_classifier(tmp_path / "hostile.keras")
