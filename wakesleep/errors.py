"""The two ways in which a command can fail, and the nearest-name hint they share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Something the user gave is wrong; nothing was run or written (exit code 2)."""


class RunError(RuntimeError):
    """A run started and could not go on; what it recorded is kept (exit code 1)."""


def nearest(name: object, allowed: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"``, or nothing where no allowed name is near.

    Parameters
    ----------
    name
        What the user wrote.
    allowed
        The names that would have been right.
    """
    # Compared in lower case, since a wrong capital is a near miss as well.
    known = {candidate.lower(): candidate for candidate in allowed}
    close = difflib.get_close_matches(str(name).lower(), known, n=1, cutoff=0.6)
    return f"; did you mean '{known[close[0]]}'?" if close else ""


def listed(names: Iterable[str]) -> str:
    """Join names for a sentence: ``a, b, c``."""
    return ", ".join(names)
