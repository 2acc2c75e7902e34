"""What the architecture page promises of the imports."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "wakesleep"


def imported(path: Path) -> set[str]:
    """Return every module that a file imports while it runs, with the packages around it."""
    tree = ast.parse(path.read_text())
    for_types = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    found = set()
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = node.module.split(".")
            found |= {".".join(parts[: count + 1]) for count in range(len(parts))}
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize(
    ("who", "never"),
    [
        ("forward_forward", {"wakesleep.protocol", "wakesleep.timetable", "wakesleep.loop"}),
        *(
            (kind, {"wakesleep.protocol", "wakesleep.loop", "wakesleep.forward_forward"})
            for kind in ("boltzmann", "helmholtz", "hopfield", "spiking", "backprop", "ngram")
        ),
        ("negatives", {"wakesleep.protocol", "wakesleep.forward_forward", "wakesleep.loop"}),
        ("data", {"wakesleep.protocol", "wakesleep.model", "wakesleep.loop"}),
        ("plots", {"wakesleep.detection", "wakesleep.loop", "torch"}),
        ("phases.py", {"wakesleep.model", "wakesleep.forward_forward", "torch"}),
        ("protocol.py", {"wakesleep.model", "wakesleep.forward_forward", "torch"}),
        ("timetable.py", {"wakesleep.model", "wakesleep.forward_forward", "torch"}),
        ("statistics.py", {"wakesleep.plots", "wakesleep.loop", "torch"}),
        ("", {"wakesleep.cli"}),
    ],
)
def test_who_never_imports_whom(who, never):
    place = PACKAGE / who
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    assert files
    for path in files:
        if path.name != "__main__.py":
            assert not imported(path) & never, path


def test_no_autograd_in_learning():
    """FF never backpropagates, nor do its kin: only ``backprop`` asks torch for a gradient."""
    for path in sorted(PACKAGE.rglob("*.py")):
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
        assert not list((PACKAGE.parent / folder).rglob("*.py"))
