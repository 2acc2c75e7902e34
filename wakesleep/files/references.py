"""Code that files name: ``./file.py:name``, ``package.module:name``, or an installed extension.

A file names the user's code by a reference. ``./file.py:name`` is a name in a file, relative to the
file that refers to it; ``package.module:name`` is a name in any module that Python can import. An
installed package can add its own names to the lists of the toolkit, by entry points of the
groups ``wakesleep.data``, ``wakesleep.negatives`` and so on (see :data:`GROUPS`).

Nothing is imported until :func:`imported` or :func:`own` is called.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
import json
import re
import sys
from collections.abc import Iterable, Mapping
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from wakesleep.errors import InputError, choices

# A dotted module, or a path that ends in .py; then the name in it.
REFERENCE = re.compile(r"(?:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*|[^:\n]+\.py):[A-Za-z_]\w*")
# A reference to a file in the identity of a run: without its folder, with a hash of the file.
SHORT = re.compile(r"[^:/\n\"]+\.py:\w+@[0-9a-f]{12}")
BLOCK = 2**20  # bytes read at once
LONGEST_PATH = 4096  # characters
GROUPS = (
    "kinds",
    "data",
    "negatives",
    "goodness",
    "activations",
    "quantities",
    "statistics",
    "figures",
)


def is_reference(text: object) -> bool:
    """Say whether a text names code."""
    return isinstance(text, str) and REFERENCE.fullmatch(text) is not None


def is_file(reference: str) -> bool:
    """Say whether a reference names a ``.py`` file, and not a module."""
    return reference.partition(":")[0].endswith(".py")


def imported(target: str) -> Any:
    """Return the object ``module:name`` of this package."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


@functools.cache
def installed(group: str) -> dict[str, str]:
    """Return what installed packages add to a list: name -> ``module:name``. Imports none of it.

    Parameters
    ----------
    group
        One of :data:`GROUPS`.
    """
    return {name: value for name, (value, _) in _entry_points().get(group, {}).items()}


def packages(group: str) -> dict[str, str]:
    """Return which installed package each name of :func:`installed` comes from."""
    return {name: package for name, (_, package) in _entry_points().get(group, {}).items()}


@functools.cache
def _entry_points() -> dict[str, dict[str, tuple[str, str]]]:
    """Return what installed packages add, by list: name -> (``module:name``, package)."""
    from importlib.metadata import entry_points

    everything = entry_points()  # read once: reading them takes milliseconds
    return {
        group: {
            its.name: (its.value, its.dist.name if its.dist else "")
            for its in everything.select(group=f"wakesleep.{group}")
        }
        for group in GROUPS
    }


def is_extension(text: object) -> bool:
    """Return whether a text names the user's code, or a name that an installed package adds."""
    return is_reference(text) or any(text in installed(group) for group in GROUPS)


def check_name(what: str, name: str, known: Iterable[str], group: str, kind: str = "name") -> str:
    """Return a name that is shipped, installed, or a reference.

    Parameters
    ----------
    what
        What is named, for the error.
    name
        The name.
    known
        Names that come with the package.
    group
        The group of :data:`GROUPS` that adds to them.
    kind
        Kind of name in a reference, for the error.

    Raises
    ------
    ValueError
        If it is none of these.
    """
    if name in known or is_reference(name) or name in installed(group):
        return name
    allowed = [*known, *installed(group)]
    raise ValueError(
        f"{what} '{name}' is unknown{choices(name, allowed)}, ./file.py:{kind}, "
        f"package.module:{kind}"
    )


def placed(node: Any, folder: Path) -> Any:
    """Return a tree in which paths, and references to files, are whole paths.

    A text is a path if it begins with ``./`` or ``../``, or has a ``/`` and names an existing file
    or folder.

    Parameters
    ----------
    node
        Dictionaries, lists and scalars.
    folder
        The folder that relative paths refer to.
    """
    if isinstance(node, Mapping):
        return {key: placed(value, folder) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [placed(value, folder) for value in node]
    if is_reference(node) and is_file(node):
        path, _, name = node.rpartition(":")
        return f"{whole_path(path, folder)}:{name}"
    if isinstance(node, str) and (node.startswith(("./", "../")) or _is_there(node, folder)):
        parts = [str((folder / part).resolve()) for part in pair(node, folder)]
        return ",".join(parts)
    return node


def _is_there(text: str, folder: Path) -> bool:
    """Say whether a text with a ``/`` names a file or folder."""
    if "/" not in text or len(text) > LONGEST_PATH or not text.isprintable():
        return False
    try:
        return all((folder / part).exists() for part in pair(text, folder))
    except OSError:  # a part of it is too long for a name
        return False


def pair(text: str, folder: Path) -> list[str]:
    """Return the two paths in ``cases.npy,labels.npy``, or the single path in a text."""
    one, comma, two = text.partition(",")
    both = comma and one.endswith(".npy") and two.endswith(".npy")
    return [one, two] if both and not (folder / text).exists() else [text]


def whole_path(text: str, folder: Path) -> Path:
    """Return the whole path of a path relative to a folder, or to a user's home (~).

    Raises
    ------
    InputError
        If there is no such user.
    """
    try:
        return (folder / Path(text).expanduser()).resolve()
    except RuntimeError:
        raise InputError(f"{text}: there is no such user's folder") from None


def references(node: Any) -> list[str]:
    """Return every reference in a tree, once each, in order."""
    if isinstance(node, Mapping):
        return references(list(node.values()))
    if isinstance(node, list | tuple):
        return list(dict.fromkeys(its for value in node for its in references(value)))
    if is_reference(node):
        return [node]
    target = _installed_target(node)
    return [target] if target else []


def _installed_target(name: object) -> str:
    """Return the reference that an installed name stands for; empty where it is none."""
    if isinstance(name, str):
        for group in GROUPS:
            if name in installed(group):
                return installed(group)[name]
    return ""


def source_file(reference: str) -> Path | None:
    """Return the file that a reference's code is in, without importing it; None if not found."""
    module, _, _ = reference.rpartition(":")
    if module.endswith(".py"):
        return Path(module)
    places: Any = None
    spec = None
    for part in module.split("."):
        spec = PathFinder.find_spec(part, places)
        if spec is None:
            return None
        places = spec.submodule_search_locations
    return Path(spec.origin) if spec is not None and spec.origin else None


def digest(reference: str) -> str:
    """Return the sha256 of the file that a reference's code is in; empty if there is no file."""
    path = source_file(reference)
    if path is None or not path.is_file():
        return ""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def shortened(node: Any) -> Any:
    """Return a tree whose references to files have a hash of the code instead of its folder.

    ``/home/me/rules.py:mine`` becomes ``rules.py:mine@0123456789ab``, with the first digits of
    the file's sha256: so the identity of a run does not change if its files are moved.
    """
    if isinstance(node, Mapping):
        return {key: shortened(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [shortened(value) for value in node]
    if is_reference(node) and is_file(node):
        path, _, name = node.rpartition(":")
        return f"{Path(path).name}:{name}@{digest(node)[:12]}"
    if is_reference(node) or _installed_target(node):  # a module's code counts as a file's does
        code = digest(_installed_target(node) or node)
        return f"{node}@{code[:12]}" if code else node
    if isinstance(node, str) and Path(node).is_absolute() and Path(node).exists():
        return f"{Path(node).name}@{fingerprint(Path(node))[:12]}"
    return node


def fingerprint(*paths: Path) -> str:
    """Return a hash of the content of files and folders, independent of their paths.

    A file is read again only if its size or time has changed.
    """
    found = []
    for root in paths:
        for path in [root] if root.is_file() else sorted(root.rglob("*")):
            if path.is_file():
                its = path.stat()
                name = path.relative_to(root).as_posix()
                found.append((str(path), name, its.st_size, its.st_mtime_ns))
    return _hashed(tuple(found))


@functools.lru_cache(maxsize=16)
def _hashed(files: tuple[tuple[str, str, int, int], ...]) -> str:
    hasher = hashlib.sha256()
    for path, name, _, _ in files:
        hasher.update(name.encode())
        with Path(path).open("rb") as file:
            while block := file.read(BLOCK):
                hasher.update(block)
    return hasher.hexdigest()


def own(reference: str, what: str) -> Any:
    """Import the user's code.

    Parameters
    ----------
    reference
        The reference, with a whole path if it names a file (see :func:`placed`).
    what
        The role of the code, for errors: ``negative data``, ``goodness``.

    Raises
    ------
    InputError
        If there is no such file or name, or the code raises.
    """
    try:
        found = _imported(reference)
    except Exception as error:
        # Any error in the user's own code is reported in one line.
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise InputError(
            f"{what} '{reference}' cannot be imported: {type(error).__name__}{line}: {error}"
        ) from error
    return found


def _imported(reference: str) -> Any:
    module, _, name = reference.rpartition(":")
    if module.endswith(".py"):
        path = Path(module)
        if not path.is_file():
            raise ImportError(f"there is no file {path}")
        # The same file is the same module, unless it has changed since.
        called = f"wakesleep_own_{path.stem}_{hashlib.sha256(module.encode()).hexdigest()[:8]}"
        code = digest(reference)
        loaded = sys.modules.get(called)
        if loaded is None or getattr(loaded, "__wakesleep_digest__", "") != code:
            spec = importlib.util.spec_from_file_location(called, path)
            assert spec is not None
            loaded = importlib.util.module_from_spec(spec)
            sys.modules[called] = loaded  # dataclasses and pickles look a module up by name
            try:
                # Not with its loader, which could use old bytecode of a file edited a moment ago.
                exec(compile(path.read_bytes(), str(path), "exec"), vars(loaded))
            except BaseException:
                del sys.modules[called]
                raise
            loaded.__wakesleep_digest__ = code  # type: ignore[attr-defined]
    else:
        loaded = importlib.import_module(module)
    if not hasattr(loaded, name):
        there = [its for its in vars(loaded) if not its.startswith("_")]
        raise ImportError(f"there is no '{name}' in it{choices(name, there, 'there are')}")
    return getattr(loaded, name)


def table(node: Any) -> str:
    """Return every reference of a tree with its file and sha256, as JSON."""
    found = {}
    for its in references(node):
        path = source_file(its)
        found[its] = {"file": str(path) if path else "", "sha256": digest(its)}
    return json.dumps(found)
