"""What holds for the project as a whole."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

import eegemo

ROOT = Path(eegemo.__file__).parents[1]
PACKAGE = ROOT / "eegemo"
SUBPACKAGES = sorted(path.parent.name for path in PACKAGE.glob("[!_]*/__init__.py"))
#: The order of the design's sentence; an import may only lead to a layer before, or to its own.
LAYERS = (
    "errors",
    "_numbers",
    "_atomic",
    "_hdf5",
    "_html",
    "_json",
    "_quiet",
    "_keras",
    "_progress",
    "_warnings",
    "_categories",
    "_electrodes",
    "_paths",
    "_text_tables",
    "_origins",
    "_trial_parts",
    "_epochs_record",
    "_mne",
    "_trial_selection",
    "trials",
    "windows",
    "copies",
    "_validation",
    "labels",
    "preprocessing",
    "datasets",
    "features",
    "networks",
    "training",
    "models",
    "evaluation",
    "deploy",
    "reporting",
    "_commands",
    "__main__",
)


def imported(path: Path) -> set[str]:
    """Layers that a module imports when it is imported itself; what functions import later is their own affair."""
    modules = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "eegemo":
            modules |= {node.module} if "." in node.module else {f"eegemo.{alias.name}" for alias in node.names}
    return {module.split(".")[1] for module in modules}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_import_points_back_up(path: Path) -> None:
    layer = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if layer in ("__init__", "__main__"):
        return
    for other in imported(path):
        assert LAYERS.index(other) <= LAYERS.index(layer), f"{path.name} imports {other}"


def everything_imported(path: Path) -> set[str]:
    """Modules that a module imports sometime, within functions too; what type checkers alone read does not count."""
    tree = ast.parse(path.read_text())
    for_checkers = [
        node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    left_out = {id(inner) for node in for_checkers for inner in ast.walk(node)}
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and id(node) not in left_out:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_no_module_imports_one_that_imports_it() -> None:
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}
    imports = {name: everything_imported(path) & set(modules) for name, path in modules.items()}
    circles = {tuple(sorted((name, other))) for name in imports for other in imports[name] if name in imports[other]}
    assert not circles


@pytest.mark.parametrize("room", ["networks", "training", "models", "evaluation", "deploy", "reporting", "_commands"])
def test_a_module_is_read_in_one_go(room: str) -> None:
    for path in (PACKAGE / room).glob("*.py"):
        assert len(path.read_text().splitlines()) <= 350, path.name


def test_every_parameter_has_a_description() -> None:
    lacking = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                _, _, after = (ast.get_docstring(node) or "").partition("Parameters\n----------\n")
                lines = re.split(r"\n\n[A-Z][A-Za-z ]+\n-+\n", after)[0].split("\n")
                lacking += [
                    f"{path.name}, {node.name}: {line}"
                    for line, below in zip(lines, [*lines[1:], ""], strict=True)
                    if line and not line.startswith(" ") and not below.startswith("    ")
                ]
    assert not lacking


def test_every_public_name_is_there() -> None:
    for package in (eegemo, *(getattr(eegemo, name) for name in SUBPACKAGES)):
        for name in package.__all__:
            assert getattr(package, name).__doc__ or name.isupper(), name
        assert set(package.__all__) <= set(dir(package))
        with pytest.raises(AttributeError, match=f"No {package.__name__} attribute nothing"):
            package.nothing  # noqa: B018


def test_requirements_pin_every_dependency_and_name_no_host() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert all(re.match(r"[a-z0-9._-]+==[\w.]+( ; .+)?$", line) for line in lines), "name==version alone"
    pinned = {line.split("==")[0] for line in lines}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["test"]
    assert {re.split(r"[<>=!]", requirement)[0] for requirement in wanted} <= pinned


def test_links_of_the_readme_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text())
    local = [target for target in targets if not target.startswith("https://")]
    assert len(local) >= 5
    for target in local:
        assert (ROOT / target).exists(), target
