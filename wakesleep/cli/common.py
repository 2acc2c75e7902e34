"""Helpers for several commands: settings from ``-p``, paths of output files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wakesleep.errors import InputError
from wakesleep.files.remote import address_of


@dataclass(frozen=True)
class Settings:
    """Values set by ``-p``: inputs of the protocol, parameters of the model, data options."""

    inputs: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)


def settings_from(pairs: list[str] | None) -> Settings:
    """Sort ``name=value``, ``model.name=value`` and ``data.name=value`` by what they set."""
    from wakesleep.files.documents import scalar

    found = Settings()
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise InputError(f"-p {pair}: expected NAME=VALUE, model.NAME=VALUE or data.NAME=VALUE")
        first, dot, rest = name.partition(".")
        into = {"model": found.parameters, "data": found.data}.get(first) if dot else None
        if into is None:
            into, rest = found.inputs, name
        if rest in into:
            raise InputError(f"-p {name}: is given twice")
        into[rest] = scalar(value)
    return found


def names_of(*shelves: str) -> Callable[[str], list[str]]:
    """Return the shell completion for names of shipped files on some shelves."""

    def offered(incomplete: str) -> list[str]:
        from wakesleep.files import library

        names = {name for shelf in shelves for name in library.shipped(shelf)}
        return sorted(name for name in names if name.startswith(incomplete))

    return offered


DATA_AGAIN = "The data of a run that was given them in Python: a file or folder."


def beside(result: Path, ending: str) -> Path:
    """Return the path next to a result with the same name and another ending.

    For a result at an address it is in the current folder.
    """
    if address_of(result) is not None:
        result = Path(result.name)
    whole = result if result.name else result.resolve()
    return whole.with_name(whole.name.removesuffix(".zarr").removesuffix(".nc") + ending)


def absent(*paths: Path) -> None:
    """Refuse paths that exist, before any work is done."""
    for path in paths:
        if path.exists():
            raise InputError(f"{path}: exists already; nothing was written")
