"""Names that files can use: those of this package and those of installed packages."""

from __future__ import annotations

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
