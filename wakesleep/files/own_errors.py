"""Errors in the user's own code, reported in one line with their file and line."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from wakesleep.errors import InputError, RunError, one_line
from wakesleep.files import references


def loaded() -> frozenset[str]:
    """Return the user's files that were imported in this process."""
    own = (its for its in sys.modules.values() if hasattr(its, "__wakesleep_digest__"))
    return frozenset(str(its.__file__) for its in own)


def files_of(names: Iterable[str]) -> frozenset[str]:
    """Return the files that the code of some references is in."""
    found = (references.source_file(name) for name in names)
    return frozenset(str(Path(path).resolve()) for path in found if path is not None)


def told(error: BaseException, files: Iterable[str]) -> str | None:
    """Return the place of an error in the user's code, and its message; None if it is elsewhere.

    Parameters
    ----------
    error
        The error that was caught.
    files
        The user's files; the innermost line in one of them is named.
    """
    own = set(files)
    place = None
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename in own or str(Path(code.co_filename).resolve()) in own:
            place = f"{Path(code.co_filename).name}:{trace.tb_lineno}: in {code.co_name}"
        trace = trace.tb_next
    if place is None:
        return None
    return f"{place}: {one_line(error)}"


@contextmanager
def in_one_line(names: Iterable[str], kind: type[InputError | RunError]) -> Iterator[None]:
    """Turn errors in the user's code into errors of this package, with the user's file and line.

    Parameters
    ----------
    names
        References to the user's code.
    kind
        The error that is raised instead; the user's own is its cause.
    """
    try:
        yield
    except (InputError, RunError):
        raise
    except Exception as error:
        sentence = told(error, files_of(names))
        if sentence is None:
            raise
        raise kind(sentence) from error
