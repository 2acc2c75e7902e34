"""What the architecture page promises of the imports."""

from __future__ import annotations

import ast
import graphlib
import importlib.metadata
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name as canonical

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "wakesleep"
LONGEST = 350  # lines of a module

# What each package may import. A name with a dot is one module of a package.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "runtime": {"errors"},
    "files": {"errors"},
    "results": {"errors", "files"},
    "data": {"errors", "files", "runtime"},
    "negatives": {"errors", "files", "learners.capabilities", "runtime.randomness"},
    "learners": {"errors", "files", "runtime", "data"},
    "protocols": {"errors", "files", "data", "negatives", "results", "learners.capabilities"},
    "plots": {"errors", "files", "results", "protocols.kinds"},
    "simulation": {
        *("errors", "runtime", "files", "results", "data", "negatives", "learners", "protocols"),
    },
    "networks": {
        *("errors", "runtime", "files", "results", "data", "negatives", "learners", "protocols"),
        "simulation",
    },
    "studies": {
        *("errors", "runtime", "files", "results", "learners", "protocols", "simulation", "plots"),
    },
    "reports": {
        *("errors", "runtime", "files", "results", "data", "plots", "studies", "networks"),
        "learners.kinds",  # for the defaults of parameters
    },
    "experiments": {"errors", "runtime", "files", "results", "learners"},
    "checks": {
        *("errors", "runtime", "files", "results", "data", "negatives", "learners", "protocols"),
        *("simulation", "studies", "plots"),
    },
}


def modules() -> dict[str, Path]:
    """Return every module of the package, by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


MODULES = modules()


def imported(path: Path, *, types: bool = True) -> set[str]:
    """Return every module that a file imports, wherever in the file.

    With ``types`` also those imported for type checkers alone.
    """
    tree = ast.parse(path.read_text())
    for_types = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    found = set()
    for node in ast.walk(tree):
        if node in for_types and not types:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in MODULES else node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def own(path: Path) -> set[str]:
    """Return the modules of the package that a file imports, without its name in front."""
    return {
        name.removeprefix("wakesleep.") for name in imported(path) if name.startswith("wakesleep.")
    }


def package_files(name: str) -> list[Path]:
    place = PACKAGE / name
    return sorted(place.rglob("*.py")) if place.is_dir() else [PACKAGE / f"{name}.py"]


def test_every_package_has_a_place():
    there = {its.name.removesuffix(".py") for its in PACKAGE.iterdir() if its.suffix in ("", ".py")}
    there -= {"__init__", "__main__", "__pycache__"}
    assert there == {*MAY_IMPORT, "cli", "networks"}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_point_one_way(package):
    allowed = MAY_IMPORT[package]
    for path in package_files(package):
        for name in own(path):
            inside = name.split(".")[0] == package
            assert inside or name.split(".")[0] in allowed or name in allowed, f"{path}: {name}"


def test_no_import_cycle():
    graph = {name: imported(path) & set(MODULES) - {name} for name, path in MODULES.items()}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the cycle


def test_nothing_imports_the_command_line():
    for name, path in MODULES.items():
        if not name.startswith(("wakesleep.cli", "wakesleep.__main__")):
            assert not any(its.startswith("cli") for its in own(path)), name


@pytest.mark.parametrize("package", ["files", "results", "plots", "protocols"])
def test_packages_without_torch(package):
    for path in package_files(package):
        assert "torch" not in imported(path, types=False), path


def test_families_do_not_know_each_other():
    families = {its.name for its in (PACKAGE / "learners").iterdir() if its.is_dir()}
    families -= {"parts", "__pycache__"}
    shared = {("helmholtz", "boltzmann")}  # a Helmholtz machine has the same visible units
    for family in families:
        for path in package_files(f"learners/{family}"):
            met = {its.split(".")[1] for its in own(path) if its.startswith("learners.")}
            met = {its for its in met & families - {family} if (family, its) not in shared}
            assert not met, f"{path}: {met}"


def test_modules_can_be_read_in_one_sitting():
    long = {
        name: count
        for name, path in MODULES.items()
        if (count := len(path.read_text().splitlines())) > LONGEST
    }
    assert not long


def test_every_package_says_what_it_is():
    for path in PACKAGE.rglob("__init__.py"):
        doc = ast.get_docstring(ast.parse(path.read_text())) or ""
        assert doc, path
        if path.parent.parent == PACKAGE:
            doc = " ".join(doc.split())
            assert "ust not import" in doc or "othing imports" in doc, path


def test_tests_mirror_the_packages():
    for package in (*MAY_IMPORT, "cli"):
        if (PACKAGE / package).is_dir():
            assert list((ROOT / "tests" / package).rglob("test_*.py")), package


def test_no_autograd_in_learning():
    """FF never backpropagates, nor do its kin: only ``backprop`` asks torch for a gradient."""
    for path in MODULES.values():
        if path.parent.name == "backprop":
            continue
        names = {
            node.attr
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute)
        }
        assert not names & {"backward", "autograd", "requires_grad", "requires_grad_", "grad"}, path


def test_no_python_among_the_shipped_files():
    for folder in ("models", "protocols", "analysis"):
        assert not list((ROOT / folder).rglob("*.py"))


def test_every_imported_package_is_declared():
    """What the package imports comes with it, or with one of its extras for users."""
    imported = set()
    for path in (ROOT / "wakesleep").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {its.name for its in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(node.module)
    tops = {name.split(".")[0] for name in imported} - {"wakesleep", *sys.stdlib_module_names}
    assert {"torch", "xarray", "brian2"} <= tops
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = {**project["optional-dependencies"], "": project["dependencies"]}
    declared = {
        canonical(Requirement(its).name)
        for extra, all_of_it in extras.items()
        if extra not in ("dev", "docs")
        for its in all_of_it
    }
    # Two are parts of others: each needs the very version of its own.
    declared |= {"pydantic-core", "dask"}
    owners = importlib.metadata.packages_distributions()
    missing = {top for top in tops if not {canonical(its) for its in owners[top]} & declared}
    assert not missing
