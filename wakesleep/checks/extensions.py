"""Names that files can use: those of this package and those of installed packages."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from wakesleep.files import references


def names(group: str) -> Iterator[tuple[str, str]]:
    """Yield every name of a list, and the installed package that it comes from (or "").

    Parameters
    ----------
    group
        One of :data:`wakesleep.files.references.GROUPS`.
    """
    for name in shipped(group):
        yield name, ""
    yield from installed(group)


def description(group: str, name: str) -> str:
    """Return a line about a name, from the documentation of its code; "" if there is none.

    The code is read, not imported.
    """
    match group:
        case "quantities":
            from wakesleep.results.schema import QUANTITIES

            if name in QUANTITIES:
                return QUANTITIES[name].long_name
        case "kinds":
            from wakesleep.learners.kinds import KINDS

            if name in KINDS:
                return first_line(KINDS[name].learner)
        case "data":
            from wakesleep.data.names import ABOUT

            if name in ABOUT:
                return ABOUT[name]
        case "negatives":
            from wakesleep.negatives import SOURCES

            if name in SOURCES:
                return first_line(SOURCES[name].module)
    return first_line(references.installed(group).get(name, ""))


def first_line(target: str) -> str:
    """Return the first line of the docstring of ``module:name``, or else of the module; or ""."""
    module, _, name = target.partition(":")
    file = references.source_file(f"{module}:") if module else None
    if file is None:
        return ""
    try:
        tree = ast.parse(file.read_text("utf-8"))
    except (OSError, SyntaxError, ValueError):
        return ""
    kinds = (ast.FunctionDef, ast.ClassDef)
    named = [its for its in tree.body if isinstance(its, kinds) and its.name == name]
    text = (ast.get_docstring(named[0]) if named else None) or ast.get_docstring(tree) or ""
    line = text.partition("\n")[0].removeprefix("Return ").replace("``", "")
    return line[:1].upper() + line[1:]


def installed(group: str) -> Iterator[tuple[str, str]]:
    """Yield the names that installed packages add to a list, each with its package."""
    yield from references.packages(group).items()


def shipped(group: str) -> tuple[str, ...]:
    """Return the names of a list that come with the package."""
    match group:
        case "kinds":
            from wakesleep.learners.kinds import KINDS

            return tuple(KINDS)
        case "data":
            from wakesleep.data.names import DATA_SETS

            return tuple(DATA_SETS)
        case "negatives":
            from wakesleep.negatives import SOURCES

            return tuple(SOURCES)
        case "goodness":
            from wakesleep.learners.forward_forward.common import GOODNESS_NAMES

            return GOODNESS_NAMES
        case "activations":
            from wakesleep.learners.forward_forward.common import ACTIVATION_NAMES

            return ACTIVATION_NAMES
        case "quantities":
            from wakesleep.results.schema import QUANTITIES

            return tuple(QUANTITIES)
        case "statistics":
            from wakesleep.studies.spec import HEEDED

            return tuple(HEEDED)
        case _:
            from wakesleep.plots.wanted import FIGURES

            return FIGURES
