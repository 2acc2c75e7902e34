"""The shipped protocols, models and studies: find, list, show, copy. Imports nothing heavy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from wakesleep.errors import InputError, choices
from wakesleep.files import outputs

SHELVES = {"models": "models", "protocols": "protocols", "studies": "analysis"}
# The first line of a shipped file: a comment with the JSON Schema of its kind, for editors.
SCHEMA = re.compile(rb"^(# yaml-language-server: \$schema=)\S*/(\w+\.json)$", re.MULTILINE)
SINGULAR = {"models": "model", "protocols": "protocol", "studies": "study"}


def root() -> Path:
    """Return the folder that holds the shipped files: in the package, or in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "_library"
    return inside if inside.is_dir() else package.parent


def shipped(shelf: str) -> dict[str, Path]:
    """Return the files on a shelf (``models``, ``protocols`` or ``studies``), by name."""
    folder = root() / SHELVES[shelf]
    return {path.stem: path for path in sorted(folder.rglob("*.yaml"))}


def descriptions(shelf: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the one-line description of every file on a shelf."""
    for name, path in shipped(shelf).items():
        yield name, description_in(path.read_text(encoding="utf-8"))


def description_in(text: str) -> str:
    """Return the description in a file's text, or nothing.

    A shipped file keeps it on one line, so that no YAML parser is needed here.
    """
    found = re.search(r"^description: *(.+)$", text, re.MULTILINE)
    return found.group(1).strip("\"'") if found else ""


def howtos() -> dict[str, Path]:
    """Return the how-to pages, by name."""
    return {path.stem: path for path in sorted((root() / "docs" / "howto").glob("*.md"))}


def find(name: str, shelves: tuple[str, ...] = tuple(SHELVES)) -> Path:
    """Return the file of that name: a path that exists, or a shipped file.

    ``protocols/tasks`` also names the shelf, for a protocol and a study with the same name.

    Raises
    ------
    InputError
        If there is neither, or if there are two.
    """
    path = Path(name)
    shelf, _, short = name.partition("/")
    if shelf in shelves and short in shipped(shelf) and not path.is_file():
        return shipped(shelf)[short]
    # A name with a suffix or a folder in it is a path.
    if path.is_file() or path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        return path
    known = {shelf: shipped(shelf) for shelf in shelves}
    on = [shelf for shelf in shelves if name in known[shelf]]
    if len(on) > 1:
        kinds = " and a ".join(SINGULAR[its] for its in on)
        raise InputError(f"'{name}' is a {kinds}; say {' or '.join(f'{its}/{name}' for its in on)}")
    if not on:
        what = " or ".join(SINGULAR[shelf] for shelf in shelves)
        for other in set(SHELVES) - set(shelves):
            if name in shipped(other):
                raise InputError(f"'{name}' is a {SINGULAR[other]}, not a {what}")
        names = list(dict.fromkeys(its for shelf in shelves for its in known[shelf]))
        raise InputError(
            f"'{name}' is neither a file nor a shipped {what}{choices(name, names, 'shipped are')}"
        )
    return known[on[0]][name]


def copy(name: str, target: Path | None = None, force: bool = False) -> Path:
    """Copy a shipped file, to be edited.

    Parameters
    ----------
    name
        Its name.
    target
        A file or a folder; default a file of the same name in the current folder.
    force
        Overwrite the target if it exists.

    Returns
    -------
    Path
        The new file.

    Raises
    ------
    InputError
        If there is no such file, the target exists, or it cannot be written.
    """
    source = find(name)
    target = target or Path.cwd()
    if target.is_dir():
        target = target / source.name
    if not source.is_file():
        raise InputError(f"{source}: there is no such file")
    if outputs.checked(target, "the copy").exists() and not force:
        raise InputError(f"{target}: exists already; --force overwrites it")
    if target.exists() and target.samefile(source):
        raise InputError(f"{target}: is the file itself")
    try:
        target.write_bytes(SCHEMA.sub(_schema_here, source.read_bytes()))
    except OSError as error:
        raise InputError(f"{target}: cannot be written ({error.strerror})") from None
    return target


def _schema_here(line: re.Match[bytes]) -> bytes:
    """Return the line with a file's schema for editors, with the path of the installed schema."""
    schema = root() / "docs" / "schemas" / line[2].decode()
    if not schema.is_file():  # another program's
        return line[0]
    return line[1] + schema.as_posix().encode()
