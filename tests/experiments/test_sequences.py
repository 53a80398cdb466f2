"""The sequence tasks: what is asked, what is answered by hand, and a quick run of each."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras.ops import convert_to_numpy as as_numpy

import adding_problem
import copy_memory
import hello_to_ohlol
import passengers
import sequential_mnist
import sine_to_cosine
import timeline
from eegemo import ConfigError, DataFormatError
from sequence_tasks import SteppedRNN
from tiny import traced


@pytest.fixture(scope="module", autouse=True)
def no_tracing() -> Iterator[None]:
    with traced(False):
        yield


# what is asked


def test_two_numbers_are_marked_and_guessing_their_sum_costs_a_sixth() -> None:
    data = adding_problem.sequences(20_000, 5, np.random.default_rng(0))

    assert set(data.X[..., 1].sum(axis=1)) == {2.0}
    np.testing.assert_allclose(data.y[:, 0], [x[x[:, 1] == 1, 0].sum() for x in data.X], rtol=1e-6)
    # The variance of the sum of two numbers from 0 to 1 is 2/12.
    assert np.mean((data.y - 1) ** 2) == pytest.approx(adding_problem.GUESS, rel=0.03)


def test_ten_symbols_are_shown_then_blanks_then_asked_for() -> None:
    data = copy_memory.sequences(50, 7, np.random.default_rng(0))
    shown = data.X.argmax(axis=-1)

    assert data.X.shape == (50, 27, 10)
    assert (data.X.sum(axis=-1) == 1).all()
    assert set(np.unique(shown[:, :10])) == set(range(1, 9))
    assert not shown[:, 10:16].any()
    assert (shown[:, 16:] == 9).all()
    assert not data.y[:, :17].any()
    np.testing.assert_array_equal(data.y[:, 17:], shown[:, :10])


def test_who_guesses_symbols_has_the_loss_that_is_published_of_the_lstm() -> None:
    assert copy_memory.guess(1000) == pytest.approx(10 * math.log(8) / 1020)
    assert f"{copy_memory.guess(1000):.4f}" == "0.0204"


def test_pieces_of_a_wave_go_on_where_the_one_before_ended() -> None:
    data = sine_to_cosine.pieces(6, 40)

    step = np.pi / 40
    np.testing.assert_allclose(np.diff(np.arctan2(data.X, data.y).ravel()) % (2 * np.pi), step, atol=1e-5)
    assert data.X[:, 0] == pytest.approx(0, abs=1e-6)  # each begins where a sine says nothing of its cosine
    np.testing.assert_allclose(data.y[:, 0, 0], [1, -1, 1, -1, 1, -1])


def test_a_digit_is_shown_row_by_row_pixel_by_pixel_or_in_one_random_order() -> None:
    images = np.arange(2 * 12.0).reshape(2, 3, 4)
    digits = sequential_mnist.Digits("two", {"train": (images, np.array([0, 1]))})

    rows, pixels, permuted = (digits.in_order(order, 0)["train"].X for order in sequential_mnist.ORDERS)

    np.testing.assert_array_equal(rows, images)
    np.testing.assert_array_equal(pixels[..., 0], [np.arange(12), np.arange(12, 24)])
    assert sorted(permuted[0, :, 0]) == list(range(12))
    assert permuted[0, :, 0].tolist() != list(range(12))
    np.testing.assert_array_equal(permuted[1], permuted[0] + 12)


def test_digits_are_split_and_no_digit_is_in_two_parts() -> None:
    images = np.arange(100.0)[:, None, None]

    parts = sequential_mnist.split(images, np.arange(100), 0)

    assert {name: len(images) for name, (images, _) in parts.items()} == {"train": 70, "validation": 10, "test": 20}
    assert sorted(np.concatenate([classes for _, classes in parts.values()])) == list(range(100))
    assert all((images[:, 0, 0] == classes).all() for images, classes in parts.values())


def test_mnist_keeps_its_own_test_where_the_file_has_one(tmp_path: Path) -> None:
    train, test = np.full((20, 4, 4), 255, np.uint8), np.full((5, 4, 4), 51, np.uint8)
    np.savez(tmp_path / "mnist.npz", x_train=train, y_train=np.zeros(20), x_test=test, y_test=np.zeros(5))
    config = sequential_mnist.SequentialMNIST(data=tmp_path / "mnist.npz")

    parts = sequential_mnist.load_mnist(config).parts

    assert {name: len(images) for name, (images, _) in parts.items()} == {"train": 18, "validation": 2, "test": 5}
    assert parts["train"][0].max() == 1
    assert parts["test"][0] == pytest.approx(0.2)  # 51 of 255


def test_a_file_that_holds_no_digits_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", x=np.zeros((3, 4)), y=np.zeros(3))

    with pytest.raises(DataFormatError, match=r"other.npz: expected x \(n, height, width\).* got x \(3, 4\), y \(3,\)"):
        sequential_mnist.read_mnist(tmp_path / "other.npz")
    np.savez(tmp_path / "half.npz", x_train=np.zeros((3, 4, 4)), y_train=np.zeros(3))
    with pytest.raises(DataFormatError, match=r"half.npz: expected .* got x_train \(3, 4, 4\), y_train \(3,\)"):
        sequential_mnist.read_mnist(tmp_path / "half.npz")
    with pytest.raises(DataFormatError, match=r"There is no .*nowhere.npz; give --data"):
        sequential_mnist.mnist_file(tmp_path / "nowhere.npz")
    with pytest.raises(ConfigError, match=r"Unknown: columns; known: rows, pixels, permuted"):
        sequential_mnist.run(sequential_mnist.SequentialMNIST(orders=("columns",)))


def test_the_passengers_are_those_of_box_and_jenkins() -> None:
    """Mean 280.2986 and standard deviation 119.9663, as R's documentation shows them for AirPassengers."""
    assert passengers.PASSENGERS.shape == (144,)
    assert passengers.PASSENGERS.mean() == pytest.approx(280.2986, abs=5e-5)
    assert passengers.PASSENGERS.std(ddof=1) == pytest.approx(119.9663, abs=5e-5)


def test_a_window_of_passengers_is_a_year_and_the_month_after_it() -> None:
    X, y = passengers.windows()

    assert X.shape == (132, 2, 12)
    assert X[0].tolist() == [list(range(1, 13)), [112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118]]
    assert X[1, 0].tolist() == [*range(2, 13), 1]
    assert y[:2].tolist() == [115, 126]
    np.testing.assert_array_equal(X[12:, 1, 0], y[:-12])  # the same month a year ago


# what is answered


def test_a_cell_stepped_by_hand_is_its_formula() -> None:
    model = SteppedRNN(units=4).build_sequence(6, 3, 2, activation="linear")
    x = np.random.default_rng(0).standard_normal((2, 6, 3)).astype(np.float32)

    W, U, b = model.get_layer("cell").get_weights()
    state, steps = np.zeros((2, 4)), []
    for t in range(6):
        state = np.tanh(x[:, t] @ W + state @ U + b)
        steps.append(state)
    kernel, bias = model.get_layer("output").get_weights()
    np.testing.assert_allclose(as_numpy(model(x)), np.stack(steps, axis=1) @ kernel + bias, atol=1e-5)


def test_the_state_of_four_units_is_the_letter_that_hello_is_answered_with() -> None:
    (network, *_), _ = hello_to_ohlol.WAYS.values()
    model = network.build_sequence(5, 4, 4)
    state = as_numpy(model.get_layer("cell")(np.eye(4, dtype=np.float32)[hello_to_ohlol.numbers("hello")][None]))

    proba = as_numpy(model(np.eye(4, dtype=np.float32)[hello_to_ohlol.numbers("hello")][None]))

    np.testing.assert_allclose(proba, np.exp(state) / np.exp(state).sum(axis=-1, keepdims=True), atol=1e-6)
    assert hello_to_ohlol.numbers("ohlol").tolist() == [3, 1, 2, 3, 2]


def record(*events: tuple[str, int, int]) -> bytes:
    """A record of the profiler: name, begin and duration in microseconds, on one thread beside Python's."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace()
    plane = space.planes.add(name="/host:CPU")
    plane.lines.add(name="python").events.add(metadata_id=0, duration_ps=10**9)
    line = plane.lines.add(name="tf_Compute/1", timestamp_ns=5000)
    for number, (name, begin, duration) in enumerate(events):
        plane.event_metadata[number].name = name
        line.events.add(metadata_id=number, offset_ps=begin * 10**6, duration_ps=duration * 10**6)
    return space.SerializeToString()


def test_the_time_of_an_operation_is_without_what_it_called() -> None:
    events = timeline.operations(
        record(("Process", 0, 100), ("a/MatMul:MatMul", 10, 30), ("b/MatMul:MatMul", 50, 20), ("c/Add:Add", 120, 5))
    )

    table = timeline.by_kind(events).set_index("operation")

    assert table["ms"].to_dict() == pytest.approx({"Process": 0.05, "MatMul": 0.05, "Add": 0.005})
    assert table["times"].to_dict() == {"Process": 1, "MatMul": 2, "Add": 1}
    assert table["share"].sum() == pytest.approx(1)
    trace = timeline.chrome_trace(events)["traceEvents"]
    assert [(one["ph"], one["name"], one["ts"], one["dur"]) for one in trace] == [
        ("X", "Process", 0, 100),
        ("X", "MatMul", 10, 30),
        ("X", "MatMul", 50, 20),
        ("X", "Add", 120, 5),
    ]


# a quick run of each

RUNS: dict[str, tuple[Any, dict[str, Any]]] = {
    "adding_problem": (adding_problem, {"n_times": 12, "networks": ("tcn", "lstm")}),
    "copy_memory": (copy_memory, {"n_times": 2, "networks": ("tcn",)}),
    "sequential_mnist": (sequential_mnist, {"orders": ("rows",), "networks": ("gru",)}),
    "sine_to_cosine": (sine_to_cosine, {"networks": ("rnn",), "n_pieces": 2}),
    "hello_to_ohlol": (hello_to_ohlol, {"n_beginnings": 1}),
    "passengers": (passengers, {}),
    "timeline": (timeline, {"batch_size": 2, "units": 2}),
}


@pytest.mark.filterwarnings("ignore::eegemo.errors.CollapseWarning")
@pytest.mark.parametrize("name", RUNS)
def test_a_quick_run_writes_its_page_into_the_index_of_all_results(name: str, tmp_path: Path) -> None:
    script, settings = RUNS[name]
    (options,) = (
        one for one in vars(script).values() if getattr(one, "__module__", "") == name and hasattr(one, "out")
    )
    out = tmp_path / "results" / "sequences" / name

    with traced(name == "timeline"):
        script.run(options(out=out, smoke=True, **settings))

    made = json.loads((out / "provenance.json").read_text())
    assert (made["simulated"], made["smoke"]) == (None, True)
    assert made["command"].startswith(f"python experiments/sequences/{name}.py")
    assert sum(path.stat().st_size for path in out.glob("*.png")) < 40_000
    index = (tmp_path / "results" / "README.md").read_text()
    assert f"](sequences/{name}/README.md)" in index
    assert "none, smoke run" in index
