"""The two kinds of errors of a command, and helpers for their messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONGEST = 500  # characters of a message


class InputError(ValueError):
    """Something the user gave is wrong; nothing was run or written (exit code 2)."""

    def __init__(self, message: str = "") -> None:
        super().__init__(plain(message))


class RunError(RuntimeError):
    """A run started but could not continue; what it recorded is kept (exit code 1)."""

    def __init__(self, message: str = "") -> None:
        super().__init__(plain(message))


class Interrupted(RunError):
    """A signal stopped a run at a safe point; the run can be continued.

    Attributes
    ----------
    signal
        The number of the signal.
    """

    def __init__(self, message: str, signal: int = 0) -> None:
        super().__init__(message)
        self.signal = signal


def plain(message: str) -> str:
    """Return a message as one printable line of at most :data:`LONGEST` characters.

    A message can contain text from a file. A terminal would execute control characters in it, and
    a value of a thousand lines would hide the message. The middle is left out, because the error
    is at the beginning and the allowed values are at the end.
    """
    shown = "".join(its if its.isprintable() else ascii(its)[1:-1] for its in str(message))
    if len(shown) <= LONGEST:
        return shown
    return f"{shown[: LONGEST * 2 // 3]} ... {shown[-LONGEST // 3 + 5 :]}"


def choices(name: object, allowed: Iterable[str], lead: str = "allowed are") -> str:
    """Return a hint with the allowed names: ``" (did you mean 'b'?); allowed are a, b, c"``.

    Parameters
    ----------
    name
        What the user wrote.
    allowed
        The allowed names.
    lead
        Words before the list.
    """
    known = list(allowed)
    return f"{nearest(name, known)}; {lead} {listed(known) or 'none'}"


def nearest(name: object, allowed: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"``, or nothing where no allowed name is near."""
    # Compared in lower case, so that a wrong capital letter also counts as near.
    known = {candidate.lower(): candidate for candidate in allowed}
    close = difflib.get_close_matches(str(name).lower(), known, n=1, cutoff=0.6)
    return f" (did you mean '{known[close[0]]}'?)" if close else ""


def listed(names: Iterable[str]) -> str:
    """Join names for a sentence: ``a, b, c``."""
    return ", ".join(names)


def one_line(error: BaseException) -> str:
    """Return an error's type and the first line of its message."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}{f': {lines[0]}' if lines else ''}"
