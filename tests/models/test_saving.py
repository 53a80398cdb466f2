"""A trained classifier in one file: what comes back, in a fresh process too, and what is refused."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.base import clone

from eegemo import ConfigError, DataFormatError, EEGClassifier, read_classifier
from eegemo.networks import NETWORKS, Network, network_class, register_network
from tiny import tiny
from toy_windows import every_model

CLASSES = np.array(["calm", "excited", "sad"])

pytestmark = pytest.mark.usefixtures("no_tracing")


def data() -> tuple[np.ndarray, np.ndarray]:
    X = 20 * np.random.default_rng(0).standard_normal((24, 2, 16)).astype(np.float32)
    return X, CLASSES[np.arange(24) % 3]


def make(name: str, **settings: Any) -> EEGClassifier:
    return tiny(name, **{"epochs": 2, **settings})


@pytest.fixture(scope="module")
def trained() -> dict[str, EEGClassifier]:
    X, y = data()
    return {name: make(name, patience=1).fit(X, y, validation_data=(X[:9], y[:9])) for name in NETWORKS}


@pytest.fixture(scope="module")
def folder(trained: dict[str, EEGClassifier], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one saved file of each model."""
    folder = tmp_path_factory.mktemp("saved")
    for name, classifier in trained.items():
        classifier.save(folder / f"{name}.keras")
    return folder


def test_a_classifier_is_saved_as_one_file(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{name}.keras" for name in NETWORKS)


@every_model
def test_a_loaded_classifier_is_the_saved_one(trained: dict[str, EEGClassifier], folder: Path, name: str) -> None:
    saved, X = trained[name], data()[0]

    loaded = read_classifier(str(folder / f"{name}.keras"))

    assert type(loaded) is type(saved)
    assert loaded.resolved_params() == saved.resolved_params()
    np.testing.assert_array_equal(loaded.predict_proba(X), saved.predict_proba(X))
    np.testing.assert_array_equal(loaded.predict(X), saved.predict(X))
    np.testing.assert_array_equal(loaded.classes_, CLASSES)
    assert loaded.classes_.dtype == saved.classes_.dtype
    assert loaded.history_ == saved.history_
    assert loaded.best_epoch_ == saved.best_epoch_
    assert loaded.n_features_in_ == saved.n_features_in_
    with pytest.raises(ValueError, match="was fitted on 2 x 16"):
        loaded.predict(X[:, :, :10])


@every_model
def test_a_loaded_classifier_may_be_saved_and_fitted_again(
    trained: dict[str, EEGClassifier], folder: Path, name: str, tmp_path: Path
) -> None:
    X, y = data()
    loaded = read_classifier(folder / f"{name}.keras")

    loaded.save(tmp_path / "again.keras")
    twice = read_classifier(tmp_path / "again.keras")
    refitted = read_classifier(folder / f"{name}.keras").fit(X, y, validation_data=(X[:9], y[:9]))

    np.testing.assert_array_equal(twice.predict_proba(X), trained[name].predict_proba(X))
    np.testing.assert_array_equal(refitted.predict_proba(X), trained[name].predict_proba(X))


@pytest.fixture(scope="module")
def fresh(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """What a fresh process predicts from the files, as classifiers and through plain Keras."""
    work = tmp_path_factory.mktemp("fresh")
    np.save(work / "X.npy", data()[0])
    script = (
        "import sys; import numpy as np; from eegemo import read_classifier\n"
        "folder, *names = sys.argv[1:]\n"
        "X, found = np.load('X.npy'), {}\n"
        "for name in names:\n"
        "    loaded = read_classifier(f'{folder}/{name}.keras')\n"
        "    found[name], found[f'class {name}'] = loaded.predict_proba(X), loaded.predict(X)\n"
        "import keras\n"
        "for name in names:\n"
        "    model = keras.models.load_model(f'{folder}/{name}.keras', safe_mode=True)\n"
        "    found[f'keras {name}'] = keras.ops.convert_to_numpy(model(X.transpose(0, 2, 1)))\n"
        "np.savez('found.npz', **found)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(folder), *NETWORKS], cwd=work, check=True)
    with np.load(work / "found.npz") as found:
        return dict(found)


@every_model
def test_a_fresh_process_predicts_the_same(
    trained: dict[str, EEGClassifier], fresh: dict[str, np.ndarray], name: str
) -> None:
    X = data()[0]

    np.testing.assert_allclose(fresh[name], trained[name].predict_proba(X), atol=1e-6)
    np.testing.assert_array_equal(fresh[f"class {name}"], trained[name].predict(X))


@every_model
def test_keras_alone_loads_the_network_in_safe_mode_without_custom_objects(
    trained: dict[str, EEGClassifier], fresh: dict[str, np.ndarray], name: str
) -> None:
    np.testing.assert_allclose(fresh[f"keras {name}"], trained[name].predict_proba(data()[0]), atol=1e-6)


@pytest.mark.parametrize(
    "classes", [[3, 7], [-1.0, 2.0], [False, True], np.array(["no", "yes"], dtype=object)], ids=str
)
def test_classes_of_every_kind_come_back(classes: Any, tmp_path: Path) -> None:
    X, classes = data()[0], np.asarray(classes)
    classifier = make("cnn-gru", epochs=1).fit(X, classes[np.arange(24) % 2])

    classifier.save(tmp_path / "a.keras")

    loaded = read_classifier(tmp_path / "a.keras")
    np.testing.assert_array_equal(loaded.predict(X), classifier.predict(X))
    assert loaded.classes_.dtype == classes.dtype


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("cnn-gru", {"filters": np.int64(5), "learning_rate": np.float64(0.5)}),
        ("cnn-gru", {"units": np.int64(2), "pool_size": np.int64(2)}),
        ("cnn-lstm", {"units": np.int64(2), "epochs": np.int64(1)}),
        ("tcn", {"nb_filters": np.int64(3), "dilations": tuple(2 ** np.arange(3))}),
        ("tcn", {"dilations": [1, 4]}),
    ],
)
def test_settings_that_come_from_numpy_are_kept(name: str, settings: dict[str, Any], tmp_path: Path) -> None:
    classifier = make(name, **{"epochs": 1, **settings}).fit(*data())

    classifier.save(tmp_path / "a.keras")

    parameters = read_classifier(tmp_path / "a.keras").get_params()
    sizes = network_class(name)().get_params()
    for key, value in settings.items():
        np.testing.assert_array_equal(parameters[f"network__{key}" if key in sizes else key], value)


@pytest.mark.parametrize("file", ["model.h5", "model", "model.keras.zip"])
def test_a_file_that_does_not_end_in_keras_is_refused(
    trained: dict[str, EEGClassifier], tmp_path: Path, file: str
) -> None:
    with pytest.raises(ConfigError, match=rf"must end in .keras, got '{file}'"):
        trained["cnn-gru"].save(tmp_path / file)

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, OSError])
def test_an_interrupted_saving_leaves_the_old_file_whole(
    trained: dict[str, EEGClassifier],
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    interruption: type[BaseException],
) -> None:
    path = tmp_path / "model.keras"
    shutil.copy(folder / "cnn-gru.keras", path)
    before = path.read_bytes()

    def half(model: Any, target: Any, *args: Any, **kwargs: Any) -> None:
        Path(target).write_bytes(before[: len(before) // 2])
        raise interruption("the power went off")

    monkeypatch.setattr(keras.Model, "save", half)
    with pytest.raises(interruption, match="the power went off"):
        trained["cnn-lstm"].save(path)

    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["model.keras"]


def test_saving_over_an_old_file_replaces_it(trained: dict[str, EEGClassifier], folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "model.keras"
    trained["cnn-gru"].save(path)

    trained["tcn"].save(path)

    np.testing.assert_array_equal(
        read_classifier(path).predict_proba(data()[0]), trained["tcn"].predict_proba(data()[0])
    )


def test_importing_the_package_and_making_a_classifier_load_no_network_library() -> None:
    script = (
        "import sys; import eegemo; heavy = {'tensorflow', 'keras', 'mne', 'tcn', 'sklearn', 'pandas'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        "[eegemo.EEGClassifier(name) for name in eegemo.networks.NETWORKS]\n"
        "print(sorted({'tensorflow', 'keras', 'mne', 'tcn'} & set(sys.modules)))\n"
    )

    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert printed.split("\n") == ["[]", "[]", ""]


# What is one's own


def own_network(n_times: int, n_channels: int, n_outputs: int) -> keras.Model:
    """Somebody's own network."""
    return keras.Sequential(
        [
            keras.Input((n_times, n_channels)),
            keras.layers.Conv1D(4, 3, activation="relu"),
            keras.layers.GlobalMaxPooling1D(),
            keras.layers.Dense(n_outputs, activation="softmax"),
        ]
    )


class Shallow(Network):
    """A network whose class nobody registered."""

    def __init__(self, *, filters: int = 3) -> None:
        self.filters = filters

    def layers(self, n_times: int, n_channels: int) -> list[Any]:
        return [keras.layers.Conv1D(self.filters, 3, activation="relu"), keras.layers.GlobalMaxPooling1D()]


@register_network("known-shallow")
class KnownShallow(Shallow):
    """The same, registered."""


class Weighted(Shallow):
    """A network with a setting that JSON cannot hold."""

    def __init__(self, *, filters: int = 3, gains: np.ndarray | None = None) -> None:
        super().__init__(filters=filters)
        self.gains = gains


class Mine(EEGClassifier):
    """An estimator of one's own."""


class Doubled(keras.layers.Layer):
    """A layer that Keras does not know, and whose configuration forgets its factor where ``forgets``."""

    def __init__(self, factor: float = 1.0, forgets: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor, self.forgets = factor, forgets

    def call(self, x: Any) -> Any:
        return x * self.factor

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | ({} if self.forgets else {"factor": self.factor})


def with_layer(layer: Callable[[], Any]) -> Callable[[int, int, int], keras.Model]:
    def layered(n_times: int, n_channels: int, n_outputs: int) -> keras.Model:
        model = own_network(n_times, n_channels, n_outputs)
        return keras.Sequential([keras.Input((n_times, n_channels)), layer(), *model.layers])

    return layered


@pytest.mark.parametrize(
    ("classifier", "custom_objects"),
    [
        (EEGClassifier(own_network), {"own_network": own_network}),
        (EEGClassifier(Shallow(filters=5)), {"Shallow": Shallow}),
        (EEGClassifier(KnownShallow(filters=5)), None),
        (EEGClassifier("known-shallow"), None),
        (Mine("cnn-gru"), {"Mine": Mine}),
    ],
    ids=["function", "class", "registered class", "registered name", "estimator"],
)
def test_ones_own_is_read_by_its_name(
    classifier: EEGClassifier, custom_objects: dict[str, Any] | None, tmp_path: Path
) -> None:
    X, y = data()
    classifier.set_params(epochs=1, random_state=0).fit(X, y).save(tmp_path / "own.keras")

    again = read_classifier(tmp_path / "own.keras", custom_objects=custom_objects)

    assert type(again) is type(classifier)
    np.testing.assert_array_equal(again.predict_proba(X), classifier.predict_proba(X))
    assert again.resolved_params() == classifier.resolved_params()
    np.testing.assert_array_equal(clone(again).fit(X, y).predict_proba(X), classifier.predict_proba(X))
    if custom_objects:
        (name,) = custom_objects
        with pytest.raises(DataFormatError, match=rf"own.keras: holds the \w+ '{name}'.*custom_objects=\{{'{name}': "):
            read_classifier(tmp_path / "own.keras")


def test_a_network_may_have_a_normalization_of_keras(tmp_path: Path) -> None:
    X, y = data()
    layered = with_layer(lambda: keras.layers.Normalization(mean=0.0, variance=400.0, name="normalization"))
    classifier = EEGClassifier(layered, epochs=1, random_state=0, normalization=None).fit(X, y)
    classifier.save(tmp_path / "layer.keras")
    again = read_classifier(tmp_path / "layer.keras", custom_objects={"layered": layered})
    np.testing.assert_array_equal(again.predict_proba(X), classifier.predict_proba(X))


def test_a_layer_of_ones_own_is_read_as_a_custom_object(tmp_path: Path) -> None:
    X, y = data()
    layered = with_layer(lambda: Doubled(2.0))
    classifier = EEGClassifier(layered, epochs=1, random_state=0).fit(X, y)
    classifier.save(tmp_path / "layer.keras")

    with pytest.raises(DataFormatError, match=r"layer.keras: holds the class 'Doubled'.*give it as"):
        read_classifier(tmp_path / "layer.keras", custom_objects={"layered": layered})
    again = read_classifier(tmp_path / "layer.keras", custom_objects={"layered": layered, "Doubled": Doubled})

    np.testing.assert_array_equal(again.predict_proba(X), classifier.predict_proba(X))


@pytest.mark.parametrize(
    ("classifier", "message"),
    [
        (EEGClassifier(with_layer(lambda: keras.layers.Lambda(lambda x: 2 * x))), r"cannot be saved so that.*Lambda"),
        (EEGClassifier(with_layer(lambda: Doubled(2.0, forgets=True))), "other outputs .* get_config of Doubled"),
        (EEGClassifier(lambda t, c, n: own_network(t, c, n)), "needs a name to be found by again"),
        (EEGClassifier(Weighted(gains=np.ones(2))), "cannot be saved with gains=array"),
    ],
    ids=["Lambda", "forgetful layer", "lambda", "size"],
)
def test_what_could_not_be_read_again_is_not_saved(classifier: EEGClassifier, message: str, tmp_path: Path) -> None:
    classifier.set_params(epochs=1, random_state=0).fit(*data())

    with pytest.raises(ConfigError, match=message):
        classifier.save(tmp_path / "never.keras")

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("order", ["import eegemo; import keras", "import keras; import eegemo"])
def test_keras_alone_loads_every_network_after_the_package_is_imported(
    trained: dict[str, EEGClassifier], folder: Path, order: str, tmp_path: Path
) -> None:
    X = data()[0]
    np.save(tmp_path / "X.npy", X.transpose(0, 2, 1))
    script = (
        f"import sys; import numpy as np; {order}\n"
        "folder, *names = sys.argv[1:]\n"
        "models = {name: keras.models.load_model(f'{folder}/{name}.keras') for name in names}\n"
        "assert not any(model.compiled for model in models.values())\n"  # each backend compiles in its own way
        "X = np.load('X.npy')\n"
        "np.savez('found.npz', **{k: keras.ops.convert_to_numpy(model(X)) for k, model in models.items()})\n"
    )

    subprocess.run([sys.executable, "-c", script, str(folder), *NETWORKS], cwd=tmp_path, check=True)

    with np.load(tmp_path / "found.npz") as found:
        for name in NETWORKS:
            np.testing.assert_allclose(found[name], trained[name].predict_proba(X), atol=1e-6)


def test_a_class_weight_and_numbers_for_classes_come_back(tmp_path: Path) -> None:
    X, _ = data()
    classifier = make("cnn-gru", epochs=1, class_weight={3: 2.0, 7: 1.0}).fit(X, np.array([3, 7] * 12))

    classifier.save(tmp_path / "a.keras")

    assert read_classifier(tmp_path / "a.keras").get_params()["class_weight"] == {3: 2.0, 7: 1.0}


class Extra(EEGClassifier):
    """An estimator with a parameter that JSON cannot hold."""

    def __init__(self, network: str = "cnn-gru", *, extra: Any = None, epochs: int = 1) -> None:
        super().__init__(network, epochs=epochs)
        self.extra = extra


@pytest.mark.parametrize("extra", [np.ones(2), {1: 2}, print], ids=["array", "dict", "function"])
def test_a_parameter_that_would_come_back_as_something_else_is_refused(extra: Any, tmp_path: Path) -> None:
    classifier = Extra(extra=extra).fit(*data())

    with pytest.raises(ConfigError, match="Extra cannot be saved with extra="):
        classifier.save(tmp_path / "never.keras")

    Extra(extra=[1, 2]).fit(*data()).save(tmp_path / "fine.keras")
    assert read_classifier(tmp_path / "fine.keras", custom_objects={"Extra": Extra}).get_params()["extra"] == [1, 2]


def test_weights_of_numpys_numbers_are_saved(tmp_path: Path) -> None:
    X, _ = data()
    weight = {0: np.int64(2), 1: np.float32(1)}
    make("cnn-gru", epochs=1, class_weight=weight).fit(X, np.array([0, 1] * 12)).save(tmp_path / "a.keras")
    assert read_classifier(tmp_path / "a.keras").get_params()["class_weight"] == weight


def test_classes_that_no_file_can_hold_are_refused(tmp_path: Path) -> None:
    days = np.array(["2026-11-26", "2026-11-27"] * 12, dtype="datetime64[D]")
    with pytest.raises(ConfigError, match=r"Classes of type datetime64\[D\] cannot be saved"):
        make("cnn-gru", epochs=1).fit(data()[0], days).save(tmp_path / "never.keras")


def test_custom_objects_are_a_dict(folder: Path) -> None:
    with pytest.raises(ConfigError, match="custom_objects must be a dict"):
        read_classifier(folder / "tcn.keras", custom_objects=[Mine])  # type: ignore[arg-type]
