"""Digits as sequences: row by row, pixel by pixel, and pixel by pixel in a random order.

Le, Jaitly & Hinton 2015, arXiv:1504.00941, as Bai, Kolter & Koltun 2018, arXiv:1803.01271, have it: a digit is shown
pixel by pixel, and named after the last one. Published on MNIST's 60,000 digits and 784 steps, networks of 70,000
parameters: LSTM .872, GRU .962, TCN .990; in a random order .857, .873, .972; README of keras-tcn: .9862. Row by row a
digit is 28 steps of 28 numbers, as tutorials show it to an LSTM.

The digits are scikit-learn's (1797 of 8 x 8 pixels), and with ``--digits 8x8 mnist`` MNIST too: the file given by
``--data`` (Keras's ``mnist.npz``, or any with ``x`` and ``y``), the 10,000 digits that EEGEMO_REAL_DATA leads to, or
what Keras downloads. A set without a test of its own is split 70:10:20; the middle part chooses the epoch.

Expected: above .97 on 8 x 8 digits, above .96 on 10,000 of MNIST row by row.
Costs about 5 minutes on two CPU cores with MNIST row by row, 2 without; ``--digits mnist --orders pixels`` takes the
TCN about half an hour and recurrent networks hours (all estimated from first trials).
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from rich.console import Console
from sklearn.datasets import load_digits

from eegemo import ConfigError, DataFormatError
from eegemo.networks import GRU, LSTM, TCN, Network
from eegemo.training import CROSS_ENTROPY
from sequence_tasks import COLOURS, Fit, Sequences, TaskOptions, fit, main, write_task

NETWORKS: dict[str, Network] = {
    "tcn": TCN(nb_filters=32, kernel_size=4, head="last", dropout=0.1),
    "gru": GRU(units=96, dropout=0.2),
    "lstm": LSTM(units=96, dropout=0.2),
}
ORDERS = ("rows", "pixels", "permuted")
#: Of MNIST's 60,000 digits, by order.
PUBLISHED = {
    "pixels": {"tcn": ".990; keras-tcn .9862", "gru": ".962", "lstm": ".872"},
    "permuted": {"tcn": ".972", "gru": ".873", "lstm": ".857"},
}
SETS = ("8x8", "mnist")
#: Where no orders are asked for: a recurrent network takes hours for MNIST's 784 steps.
DEFAULT_ORDERS = {"8x8": ORDERS, "mnist": ("rows",)}
EPOCHS = {"8x8": 40, "mnist": 15}


@dataclass(frozen=True)
class SequentialMNIST(TaskOptions):
    """Train networks to name digits that they see as sequences."""

    data: Path | None = None
    """File of MNIST; by default the one that EEGEMO_REAL_DATA leads to, or what Keras downloads."""
    digits: tuple[str, ...] = ("8x8",)
    """8x8, mnist."""
    orders: tuple[str, ...] | None = None
    """rows, pixels, permuted; by default all three of 8 x 8 digits, and the rows of MNIST."""
    networks: tuple[str, ...] = tuple(NETWORKS)
    """tcn, gru, lstm."""
    epochs: int | None = None
    """Over the training digits; by default 40 of 8 x 8 digits, 15 of MNIST."""
    batch_size: int = 64
    """Digits in a batch."""
    learning_rate: float = 3e-3
    """Of Adam, at its highest."""
    out: Path = Path("results/sequences/sequential_mnist")
    """Where the page goes."""


@dataclass(frozen=True)
class Digits:
    """Images (n, height, width) from 0 to 1 and their classes: to learn from, to choose the epoch by, to test on."""

    name: str
    parts: dict[str, tuple[np.ndarray, np.ndarray]]

    @property
    def n_pixels(self) -> int:
        """Pixels of an image."""
        return int(np.prod(self.parts["train"][0].shape[1:]))

    def in_order(self, order: str, seed: int) -> dict[str, Sequences]:
        """Return every part as sequences: rows, pixels, or pixels in one random order."""
        moved = np.random.default_rng(seed).permutation(self.n_pixels)
        sequences = {}
        for part, (images, classes) in self.parts.items():
            X = images if order == "rows" else images.reshape(len(images), -1, 1)
            sequences[part] = Sequences(X[:, moved] if order == "permuted" else X, classes)
        return sequences


def run(config: SequentialMNIST, console: Console | None = None) -> pd.DataFrame:
    """Train every network on every set in every order; return the table."""
    console, started = console or Console(), time.perf_counter()
    for known, given in ((SETS, config.digits), (ORDERS, config.orders or ()), (tuple(NETWORKS), config.networks)):
        if unknown := set(given) - set(known):
            raise ConfigError(f"Unknown: {', '.join(sorted(unknown))}; known: {', '.join(known)}.")
    sets = {name: load_8x8(config.seed) if name == "8x8" else load_mnist(config) for name in config.digits}
    fits: dict[tuple[str, str, str], Fit] = {}
    rows = []
    for name, digits in sets.items():
        for order in config.orders or DEFAULT_ORDERS[name]:
            parts = digits.in_order(order, config.seed)
            if config.smoke:
                parts = {part: data[:64] for part, data in parts.items()}
            n_times, n_channels = parts["train"].X.shape[1:]
            for network in config.networks:
                fitted = fits[name, order, network] = fit(
                    f"{network}, {digits.name}, {order}",
                    partial(NETWORKS[network].build, n_times, n_channels, 10),
                    parts["train"],
                    parts["validation"],
                    loss=CROSS_ENTROPY,
                    epochs=1 if config.smoke else config.epochs or EPOCHS[name],
                    batch_size=config.batch_size,
                    learning_rate=config.learning_rate,
                    seed=config.seed,
                )
                rows.append(
                    {
                        "digits": digits.name,
                        "order": order,
                        "steps": f"{n_times} x {n_channels}",
                        "network": network.upper(),
                        "accuracy": f"{fitted.test(parts['test'])[1]:.4f}",
                        "published, 60,000 digits of 28 x 28": PUBLISHED.get(order, {}).get(network, ""),
                        "digits learned from": len(parts["train"]),
                        "tested on": len(parts["test"]),
                        "seconds": round(fitted.seconds),
                    }
                )
    table = pd.DataFrame(rows)
    write(config, sets, fits, table, time.perf_counter() - started)
    console.print(table.to_string(index=False))
    return table


def load_8x8(seed: int) -> Digits:
    """Load scikit-learn's digits, split 70:10:20."""
    loaded = load_digits()
    return Digits("8 x 8", split(loaded.images.astype(np.float32) / 16, loaded.target, seed))


def load_mnist(config: SequentialMNIST) -> Digits:
    """Load MNIST from wherever it is; its own test where it has one."""
    arrays = read_mnist(mnist_file(config.data))
    if "x_train" not in arrays:
        images, classes = scaled(arrays["x"]), arrays["y"].astype(np.int64)
        return Digits(f"MNIST, {len(images):,} digits", split(images, classes, config.seed))
    images, classes = scaled(arrays["x_train"]), arrays["y_train"].astype(np.int64)
    order = np.random.default_rng(config.seed).permutation(len(images))
    few, most = np.split(order, [len(order) // 10])
    test = scaled(arrays["x_test"]), arrays["y_test"].astype(np.int64)
    parts = {"train": (images[most], classes[most]), "validation": (images[few], classes[few]), "test": test}
    return Digits(f"MNIST, {len(images):,} digits", parts)


def mnist_file(given: Path | None) -> Path:
    """Find MNIST's file: the one given, that of the real data, or Keras's, which is downloaded once."""
    folder = os.environ.get("EEGEMO_REAL_DATA")
    if given is None and folder:
        given = Path(folder) / "mnist10k" / "mnist10k.npz"
    if given is None:
        from keras.utils import get_file

        return Path(
            get_file(
                "mnist.npz",
                "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
                file_hash="731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
            )
        )
    if not given.is_file():
        raise DataFormatError(f"There is no {given}; give --data the path of mnist.npz.")
    return given


def read_mnist(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays, and refuse what is no set of digits."""
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    wanted = ([("x", "y")], [("x_train", "y_train"), ("x_test", "y_test")])
    known = [pairs for pairs in wanted if {name for pair in pairs for name in pair} <= set(arrays)]
    if not known or any(arrays[x].ndim != 3 or len(arrays[x]) != len(arrays[y]) for x, y in known[0]):
        raise DataFormatError(
            f"{path.name}: expected x (n, height, width) and y (n,), or x_train, y_train, x_test and y_test, got "
            f"{', '.join(f'{name} {array.shape}' for name, array in arrays.items())}."
        )
    return arrays


def scaled(images: np.ndarray) -> np.ndarray:
    """Scale bytes to 0 to 1."""
    return images.astype(np.float32) / 255


def split(images: np.ndarray, classes: np.ndarray, seed: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Split 70:10:20, at random."""
    order = np.random.default_rng(seed).permutation(len(images))
    parts = np.split(order, [round(0.7 * len(order)), round(0.8 * len(order))])
    return {
        name: (images[part], classes[part]) for name, part in zip(("train", "validation", "test"), parts, strict=True)
    }


def write(
    config: SequentialMNIST,
    sets: dict[str, Digits],
    fits: dict[tuple[str, str, str], Fit],
    table: pd.DataFrame,
    seconds: float,
) -> None:
    """Write the page."""
    best = table.loc[table.groupby(["digits", "order"], sort=False)["accuracy"].idxmax()]
    found = "; ".join(
        f"{row['digits']}, {row['order']}: {row['accuracy']} ({row['network']})" for _, row in best.iterrows()
    )
    write_task(
        run,
        config,
        title="Digits as sequences",
        question="Do the networks name a digit that they see row by row, pixel by pixel, or in a random order?",
        answer=f"Best accuracy on test digits: {found}.",
        text="The published numbers are of 784 steps and 60,000 digits; here a digit pixel by pixel has 64 steps and "
        "about a fiftieth of the digits to learn from, so both the memory asked for and what there is to learn are "
        "less. `--digits mnist --orders pixels permuted` has the source's sequences.",
        note="REAL digits, written by people; no EEG. Digits are split at random, who wrote them is not known.",
        tables=[("accuracies", "Accuracy on test digits", table)],
        figure=("digits", "digits as they are shown, and validation accuracy by epoch", draw(sets, fits)),
        seconds=seconds,
    )


def draw(sets: dict[str, Digits], fits: dict[tuple[str, str, str], Fit]) -> Figure:
    """Draw digits of each set, and the validation accuracy over the epochs of every network and order."""
    tasks = list(dict.fromkeys((name, order) for name, order, _ in fits))
    figure = Figure(figsize=(2.6 * len(tasks) + 1.5, 2.8), layout="constrained")
    digits, *axes = figure.subplots(1, len(tasks) + 1, width_ratios=[0.6] + [1] * len(tasks))
    shown = [sets[name].parts["test"][0][i] for name in sets for i in range(4 // len(sets) * 2)][:8]
    height = max(image.shape[0] for image in shown)
    tiles = [np.kron(image, np.ones((height // image.shape[0],) * 2)) for image in shown]
    tiles = [np.pad(tile, [(0, height - tile.shape[0]), (0, height - tile.shape[1])]) for tile in tiles]
    digits.imshow(np.block([[tiles[2 * i], tiles[2 * i + 1]] for i in range(len(tiles) // 2)]), cmap="gray_r")
    digits.set_axis_off()
    for ax, (name, order) in zip(axes, tasks, strict=True):
        for network in NETWORKS:
            if (name, order, network) in fits:
                curve = fits[name, order, network].curves["val_accuracy"]
                ax.plot(range(1, len(curve) + 1), curve, color=COLOURS[network], label=network.upper(), linewidth=1)
        ax.set(title=f"{name}, {order}", xlabel="epoch", ylim=(0, 1.02))
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("validation accuracy")
    axes[0].legend(frameon=False, fontsize=8)
    return figure


if __name__ == "__main__":
    main(SequentialMNIST, run)
