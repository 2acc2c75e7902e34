"""YAML 1.2 text into a plain tree with the place of each value, for use in error messages.

A tree is made of dictionaries, lists and scalars. Every problem found later, by whatever check,
is reported as ``file:line:column: sentence`` through :meth:`Document.error`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wakesleep.errors import InputError
from wakesleep.files import outputs

DEEPEST = 24  # levels of nesting; a readable file has six
LARGEST = 1_000_000  # characters

MOST_BRACKETS = 200  # that are open at once
MOST_VALUES = 100_000  # keys and items, with every alias counted where it is used


Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """A parsed file.

    Attributes
    ----------
    source
        The file's path, or another name for where the text came from.
    text
        The whole text.
    tree
        Its content, as plain dictionaries, lists and scalars.
    places
        (line, column), both from 1, of every key and item, by its path in the tree.
    folder
        The folder that relative names in the file refer to; None if there is none.
    """

    source: str
    text: str
    tree: dict[str, Any]
    places: Mapping[Path_, tuple[int, int]] = field(repr=False)
    folder: Path | None = None

    def where(self, path: Path_) -> str:
        """Return ``file:line:column`` of a path, or of its nearest parent that has a place."""
        if not self.places:  # not a text, but values given one by one
            return self.source
        while path and path not in self.places:
            path = path[:-1]
        line, column = self.places.get(path, (1, 1))
        return f"{self.source}:{line}:{column}"

    def error(self, path: Path_, sentence: str) -> InputError:
        """Return an error, to be raised, that points at a path in the tree."""
        written: Any = self.tree
        for part in path:
            inside = part in written if isinstance(written, Mapping) else isinstance(written, list)
            written = written[part] if inside else None
        # The value may come from an input: name it.
        by = f" (the value of {written})" if isinstance(written, str) and "$" in written else ""
        return InputError(f"{self.where(path)}: {sentence}{by}")


def read(path: Path) -> Document:
    """Read and parse a YAML file.

    Raises
    ------
    InputError
        If the file is missing, unreadable, not text, or anything that :func:`parse` refuses.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise InputError(f"{path}: this is not a regular file")
        if path.is_file() and path.stat().st_size > 4 * LARGEST:
            raise InputError(f"{path}: the file has more than {4 * LARGEST:,} bytes")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise InputError(f"{path}: this is a folder, not a file") from None
    except UnicodeDecodeError:
        hint = f"; {outputs.NO_RESULT}" if path.name.endswith(outputs.CHECKPOINT) else ""
        raise InputError(
            f"{path}: this is not a text file (expected YAML in UTF-8){hint}"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    return parse(text, str(path), path.resolve().parent)


def parse(text: str, source: str, folder: Path | None = None) -> Document:
    """Parse YAML 1.2, in which ``on`` is a word and ``1e-3`` a number.

    Raises
    ------
    InputError
        If the text is empty, is not YAML, holds a key twice, is not a mapping at its top, or is
        nested more than :data:`DEEPEST` levels deep.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if not text.strip():
        raise InputError(f"{source}: the file is empty")
    if len(text) > LARGEST:
        raise InputError(f"{source}: the file has more than {LARGEST:,} characters")
    if _depth(text) > MOST_BRACKETS:  # the parser would take seconds to find that out
        raise InputError(f"{source}:1:1: nested more than {DEEPEST} levels deep")
    try:
        raw = YAML(typ="rt", pure=True).load(io.StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
        problem = (error.problem or error.context or "cannot be parsed").split("\n")[0]
        raise InputError(f"{source}:{at}: this is not YAML: {problem}") from None
    except YAMLError as error:
        first = str(error).splitlines()[0]
        raise InputError(f"{source}:1:1: this is not YAML: {first}") from None
    except RecursionError:
        raise InputError(f"{source}:1:1: nested more than {DEEPEST} levels deep") from None
    except (ValueError, TypeError, KeyError, IndexError) as error:
        # An impossible date, or a tag whose value it does not fit.
        raise InputError(f"{source}:1:1: this is not YAML: {error}") from None
    if not isinstance(raw, Mapping):
        raise InputError(
            f"{source}:1:1: expected keys and values at the top, such as 'protocol: NAME', "
            f"found {kind_of(raw)}"
        )
    places: dict[Path_, tuple[int, int]] = {}
    tree = _plain(raw, (), places, source)
    return Document(source, text, tree, places, folder)


def _depth(text: str) -> int:
    """Return the largest nesting depth of brackets, including those in texts and comments."""
    deepest = depth = 0
    for its in re.findall(r"[\[\]{}]", text):
        depth += 1 if its in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _plain(node: Any, path: Path_, places: dict[Path_, tuple[int, int]], source: str) -> Any:
    """Return a ruamel node as plain Python, and store the place of every value."""
    line, column = places.get(path, (1, 1))
    if len(path) > DEEPEST:
        raise InputError(f"{source}:{line}:{column}: nested more than {DEEPEST} levels deep")
    if len(places) > MOST_VALUES:
        raise InputError(f"{source}:{line}:{column}: more than {MOST_VALUES:,} values")
    if isinstance(node, Mapping):
        result = {}
        for key, value in node.items():
            here = _place(node, key, (line, column))
            if not isinstance(key, str):
                raise InputError(
                    f"{source}:{here[0]}:{here[1]}: a key must be a word, not {kind_of(key)}"
                )
            places[(*path, key)] = here
            result[str(key)] = _plain(value, (*path, str(key)), places, source)
        return result
    if isinstance(node, list):
        items = []
        for number, value in enumerate(node):
            places[(*path, number)] = _place(node, number, (line, column))
            items.append(_plain(value, (*path, number), places, source))
        return items
    # ruamel's scalars are subclasses that remember how they were written.
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node if node is None else str(node)


def _place(node: Any, key: object, around: tuple[int, int]) -> tuple[int, int]:
    """Return (line, column) of a key or item; those of its parent if it was merged in."""
    known = getattr(getattr(node, "lc", None), "data", None) or {}
    line, column = known[key][:2] if key in known else (around[0] - 1, around[1] - 1)
    return line + 1, column + 1


def kind_of(value: object) -> str:
    """Name the kind of a value as a user would: ``a number``, ``a list``."""
    if value is None:
        return "nothing"
    names = (
        (bool, "true/false"),
        (int, "a whole number"),
        (float, "a number"),
        (str, "text"),
        (Mapping, "a mapping"),
        (list, "a list"),
        (tuple, "a list"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), type(value).__name__)


def scalar(text: str) -> Any:
    """Parse a value given on the command line, by the same rules as in a file.

    Raises
    ------
    InputError
        If it is not YAML.
    """
    return parse(f"value: {text}", f"'{text}'").tree["value"] if text.strip() else text
