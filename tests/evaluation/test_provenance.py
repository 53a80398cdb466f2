"""What is written down about the code, the machine and the splits."""

from __future__ import annotations

import functools
import importlib.util
import json
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from eegemo import MajorityClassifier, Trials, quadrants
from eegemo.evaluation import provenance
from eegemo.evaluation.plan import make_plan
from eegemo.evaluation.provenance import code_hash, commit, environment, hash_arrays, hash_json, peak_memory_mb, syntax


@pytest.fixture(autouse=True)
def forgotten_commit() -> Iterator[None]:
    """Nothing is remembered from one test to another."""
    commit.cache_clear()
    yield
    commit.cache_clear()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one commit, which the module believes to be in."""
    module = tmp_path / "checkout" / "eegemo" / "evaluation" / "provenance.py"
    module.parent.mkdir(parents=True)
    module.write_text("code = 1\n")
    root = tmp_path / "checkout"
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "Code"]):
        git(root, *command)
    monkeypatch.setattr(provenance, "__file__", str(module))
    return root


def git(root: Path, *command: str) -> str:
    who = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *who, *command], cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def test_the_commit_is_that_of_the_checkout(checkout: Path) -> None:
    assert commit() == git(checkout, "rev-parse", "HEAD")


@pytest.mark.parametrize("name", ["eegemo/evaluation/provenance.py", "eegemo/new.py", "experiments/new.py"])
def test_edited_code_is_marked(checkout: Path, name: str) -> None:
    (checkout / name).parent.mkdir(exist_ok=True)
    (checkout / name).write_text("code = 2\n")
    assert commit() == git(checkout, "rev-parse", "HEAD") + "+changes"


def test_results_that_were_written_are_no_edit_of_the_code(checkout: Path) -> None:
    (checkout / "results").mkdir()
    (checkout / "results" / "table.csv").write_text("1\n")
    assert commit() == git(checkout, "rev-parse", "HEAD")


def test_outside_a_checkout_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "eegemo" / "evaluation" / "provenance.py"))
    assert commit() is None


def test_without_git_there_is_no_commit(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(checkout))
    assert commit() is None


def test_the_environment_holds_versions_and_survives_json() -> None:
    described = environment()
    assert json.loads(json.dumps(described, allow_nan=False)) == described
    assert described["python"] == platform.python_version()
    assert described["packages"]["numpy"] == np.__version__
    assert described["packages"]["eegemo"] == metadata.version("eegemo")


def test_the_environment_names_no_machine_and_no_path() -> None:
    text = json.dumps(environment())
    assert platform.node() not in text or len(platform.node()) < 4
    assert str(Path.home()) not in text or str(Path.home()) == "/"
    assert not re.search(r'"(/|[A-Za-z]:\\)', text)


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_the_backend_is_the_one_that_keras_runs_on(monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    keras = SimpleNamespace(backend=SimpleNamespace(backend=lambda: backend))
    monkeypatch.setitem(sys.modules, "keras", keras)
    assert environment()["backend"] == backend


@pytest.mark.parametrize(
    ("variable", "written", "expected"),
    [
        ("jax", None, "jax"),
        (None, '{"backend": "torch"}', "torch"),
        ("jax", '{"backend": "torch"}', "jax"),
        (None, "damaged", "tensorflow"),
        (None, None, "tensorflow"),
    ],
)
def test_before_keras_is_imported_the_backend_is_what_it_will_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str | None, written: str | None, expected: str
) -> None:
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    if variable is not None:
        monkeypatch.setenv("KERAS_BACKEND", variable)
    if written is not None:
        (tmp_path / "keras.json").write_text(written)
    assert provenance.backend_name() == expected


def test_the_version_of_the_backend_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    assert "jax" not in environment()["packages"]
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert {"jax", "jaxlib"} <= set(environment()["packages"])


def test_settings_of_keras_that_are_not_the_usual_ones_are_part_of_a_run(small_trials: Trials) -> None:
    from eegemo._keras import keras

    def fingerprint() -> str:
        return make_plan(MajorityClassifier(), small_trials.windows(), quadrants(), "trial").fingerprint

    usual = fingerprint()
    assert provenance.keras_settings() == {}
    keras.config.set_dtype_policy("mixed_float16")
    try:
        assert provenance.keras_settings() == {"dtype_policy": "mixed_float16"}
        assert fingerprint() != usual
        keras.config.set_dtype_policy("float32")
        provenance.set_keras({"dtype_policy": "mixed_float16"})
        assert keras.config.dtype_policy().name == "mixed_float16"
    finally:
        keras.config.set_dtype_policy("float32")
    assert fingerprint() == usual


def test_without_a_network_there_is_no_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    assert environment()["backend"] is None


def test_the_commit_is_that_of_the_start_of_a_run(checkout: Path) -> None:
    first = commit()
    (checkout / "eegemo" / "new.py").write_text("code = 2\n")
    assert commit() == first


def test_a_package_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "_PACKAGES", ("numpy", "no-such-package"))
    assert environment()["packages"] == {"numpy": np.__version__, "no-such-package": None}


def test_on_linux_peak_memory_is_the_high_water_mark_in_megabytes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    status = tmp_path / "status"
    status.write_text("VmPeak:\t 9 kB\nVmHWM:\t 2000000 kB\nVmRSS:\t 5 kB\n")
    monkeypatch.setattr(provenance, "_STATUS", status)
    assert peak_memory_mb() == 2048.0


@pytest.mark.parametrize(
    ("system", "ru_maxrss", "expected"),
    [("freebsd", 2_000_000, 2048.0), ("darwin", 2_000_000_000, 2000.0)],
    ids=["KiB on BSD", "bytes on macOS"],
)
def test_elsewhere_peak_memory_is_what_the_system_accounts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, system: str, ru_maxrss: int, expected: float
) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(provenance, "_STATUS", tmp_path / "none")
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(resource, "getrusage", lambda _: SimpleNamespace(ru_maxrss=ru_maxrss))
    assert peak_memory_mb() == expected


def test_without_a_way_to_measure_it_peak_memory_is_unknown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(provenance, "_STATUS", tmp_path / "none")
    monkeypatch.setitem(sys.modules, "resource", None)
    assert peak_memory_mb() is None


def test_equal_arrays_have_equal_hashes() -> None:
    grid = np.arange(6).reshape(2, 3)
    assert hash_arrays(grid) == hash_arrays(np.asfortranarray(grid)) == hash_arrays(grid.copy())
    assert re.fullmatch("[0-9a-f]{64}", hash_arrays(grid))


def test_values_shapes_dtypes_order_and_boundaries_change_the_hash() -> None:
    a, b = np.array([1, 2]), np.array([3])
    variants = [
        (a, b),
        (b, a),
        (np.array([1]), np.array([2, 3])),
        (np.array([1, 2, 3]),),
        (np.array([[1, 2, 3]]),),
        (np.array([1, 2, 3], np.int32),),
        (np.array([1, 2, 4]),),
        (np.array([1, 2, 3]), np.array([], int)),
        (),
    ]
    assert len({hash_arrays(*arrays) for arrays in variants}) == len(variants)


def test_equal_values_have_equal_hashes_whatever_the_order_of_their_keys() -> None:
    assert hash_json({"a": 1, "b": [{"c": None, "d": 0.1}]}) == hash_json({"b": [{"d": 0.1, "c": None}], "a": 1})
    assert re.fullmatch("[0-9a-f]{64}", hash_json(None))


def test_values_types_and_order_of_lists_change_the_hash_of_what_json_holds() -> None:
    variants = [
        {"a": 1},
        {"a": "1"},
        {"a": 1.5},
        {"a": True},
        {"a": None},
        {"b": 1},
        {"a": [1, 2]},
        {"a": [2, 1]},
        {},
        [],
    ]
    assert len({hash_json(value) for value in variants}) == len(variants)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of a few modules, which the module believes to be in."""
    for name in ("trials", "models/tcn", "evaluation/metrics", "evaluation/provenance", "datasets/deap", "reporting/t"):
        path = tmp_path / "eegemo" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("code = 1\n")
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "eegemo" / "evaluation" / "provenance.py"))
    provenance._package_hash.cache_clear()
    yield tmp_path / "eegemo"
    provenance._package_hash.cache_clear()


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("trials", True),
        ("models/tcn", True),
        ("evaluation/metrics", True),
        ("features/new", True),
        ("datasets/deap", False),
        ("reporting/t", False),
    ],
)
def test_the_code_that_numbers_come_from_has_a_hash(package: Path, name: str, counts: bool) -> None:
    classifier = MajorityClassifier()
    before = code_hash(classifier)
    (package / f"{name}.py").parent.mkdir(exist_ok=True)
    (package / f"{name}.py").write_text("code = 2\n")
    assert code_hash(classifier) == before  # remembered during a run
    provenance._package_hash.cache_clear()
    assert (code_hash(classifier) != before) == counts


@pytest.mark.parametrize(
    ("written", "counts"),
    [
        ("# a comment\ncode = 1  # another\n", False),
        ('"""What the module is."""\n\ncode = (\n    1\n)\n', False),
        ("code = 1.0\n", True),
        ('code = 1\n"text"\n', True),  # an expression, but no docstring
    ],
)
def test_comments_docstrings_and_layout_are_no_part_of_the_code(package: Path, written: str, counts: bool) -> None:
    before = code_hash(MajorityClassifier())
    (package / "trials.py").write_text(written)
    provenance._package_hash.cache_clear()
    assert (code_hash(MajorityClassifier()) != before) == counts


def test_the_docstrings_of_classes_and_functions_are_no_part_of_the_code() -> None:
    bare = "class A:\n    def f(self):\n        return 1\n"
    told = 'class A:\n    """An A."""\n\n    def f(self):\n        """Return one."""\n        return 1  # one\n'
    assert syntax(told) == syntax(bare)
    assert syntax(told) != syntax(bare.replace("1", "2"))
    assert syntax("    x = 1") == syntax("x = 1")


def test_the_docstring_of_a_function_that_is_a_parameter_does_not_count() -> None:
    def bare(X: Any) -> Any:
        return X

    def told(X: Any) -> Any:
        """Return what is given."""
        return X

    def with_text(X: Any) -> Any:
        return "text", X

    hashes = [code_hash(FunctionTransformer(one)) for one in (bare, told, with_text)]
    assert hashes[0] == hashes[1] != hashes[2]
    assert code_hash(FunctionTransformer(lambda X: "a")) != code_hash(FunctionTransformer(lambda X: "b"))


CODE = """
from sklearn.base import BaseEstimator
class Mine(BaseEstimator):
    factor = {number}
def function(X):
    return {number} * X
"""


@pytest.mark.parametrize(
    "make",
    [
        lambda mine, _: mine(),
        lambda mine, _: Pipeline([("step", mine()), ("last", MajorityClassifier())]),
        lambda _, function: FunctionTransformer(function),
        lambda _, function: make_pipeline(FunctionTransformer(function), MajorityClassifier()),
        lambda _, function: FunctionTransformer(functools.partial(function)),
    ],
    ids=["class", "class of a step", "function", "function of a step", "partial"],
)
def test_the_code_of_a_classifier_and_of_what_it_is_made_of_counts(
    package: Path, tmp_path: Path, make: Callable[[Any, Any], BaseEstimator]
) -> None:
    hashes = []
    for place, number in enumerate((1, 1, 2)):
        (tmp_path / str(place)).mkdir()
        file = tmp_path / str(place) / "mine.py"
        file.write_text(CODE.format(number=number))
        module = vars(load(file))
        hashes.append(code_hash(make(module["Mine"], module["function"])))
    assert hashes[0] == hashes[1] != hashes[2]


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # where inspect looks for the source of a class
    spec.loader.exec_module(module)
    return module


def scaled(factor: float) -> Any:
    def scale(X: np.ndarray) -> np.ndarray:
        return X * factor

    return scale


OFFSET = 1.0


def shifted(X: np.ndarray, by: float = 2.0) -> np.ndarray:
    return X + OFFSET + by


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (scaled(1.0), scaled(2.0)),
        (functools.partial(shifted, by=3.0), functools.partial(shifted, by=4.0)),
        (lambda X, k=1: X * k, lambda X, k=2: X * k),
    ],
    ids=["enclosed", "partial", "default"],
)
def test_the_code_of_a_function_is_what_it_encloses_too(one: Any, other: Any) -> None:
    first, second = (code_hash(FunctionTransformer(function)) for function in (one, other))
    assert first != second
    assert first == code_hash(FunctionTransformer(one))


def test_the_code_of_a_function_is_the_numbers_that_it_names_too(monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_hash(FunctionTransformer(shifted))
    monkeypatch.setitem(globals(), "OFFSET", 5.0)
    assert code_hash(FunctionTransformer(shifted)) != before
