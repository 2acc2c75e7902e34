"""Checking a tree against a pydantic model, with one sentence for what is wrong and where."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wakesleep.errors import choices
from wakesleep.files import outputs, references
from wakesleep.files.documents import Document, Path_, kind_of

Checked = TypeVar("Checked", bound=BaseModel)
BRANCH = re.compile(r"<[A-Z][A-Za-z]+>")  # our tags of a union's branches: <model's name>

MOST_UNITS = 100_000  # in one layer
Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Width = Annotated[int, Field(gt=0, le=MOST_UNITS)]
Widths = Annotated[tuple[Width, ...], Field(min_length=1, strict=False)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]


MOST = 10**12  # any whole number in a file
LONGEST_NAME = outputs.LONGEST_PART - 5  # bytes: the name of a file, with room for its ending
LONGEST_PATH = 4000  # characters
LARGEST = 1e30  # any other number; its square is finite in float64, and itself in float32


class AtKey(ValueError):
    """A problem of several parts of a whole file, told where a key first has some value.

    Attributes
    ----------
    key
        The key.
    value
        Its value; None for any but null.
    """

    def __init__(self, key: str, sentence: str, value: object = None) -> None:
        super().__init__(sentence)
        self.key, self.value = key, value


class Spec(BaseModel):
    """Base of everything read from a file: frozen, no unknown keys, no silent conversion."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def validate(kind: type[Checked], tree: object, document: Document, path: Path_ = ()) -> Checked:
    """Check a tree against a pydantic model.

    Parameters
    ----------
    kind
        The model.
    tree
        The part of the document (its references resolved) that the model describes.
    document
        For the places of errors.
    path
        Path of the tree in the document.

    Raises
    ------
    InputError
        With one sentence: the first problem in the file, what is allowed, the nearest name.
    """
    _check_values(tree, document, path)
    try:
        return kind.model_validate(tree)
    except ValidationError as caught:
        # A list whose items are wrong is also "too short": only the items are reported.
        problems = [
            (_in_tree(tree, error["loc"]), error)
            for error in caught.errors()
            if not (error["type"] == "too_short" and error["input"])
        ]
    # A misspelt key is both unknown and missing: the unknown key is the user's mistake.
    first = min(
        problems,
        key=lambda one: (
            one[1]["type"] == "missing",
            document.places.get((*path, *one[0]), (0, 0)),
        ),
    )
    location, error = first
    problem = error.get("ctx", {}).get("error")
    if isinstance(problem, AtKey) and isinstance(tree, Mapping):
        # Phases come first, since an input may have the same name.
        location = _first_place({"phases": tree.get("phases"), **tree}, problem)
    if sum(place == location for place, _ in problems) > 2:  # a choice of plain types
        error = {**error, "type": "", "msg": "a number, text, or true/false"}
    raise document.error(*_told((*path, *location), error, kind))


def _first_place(node: object, problem: AtKey) -> Path_:
    """Return where in a tree a key first has a value; the tree itself if nowhere."""
    parts = (
        node.items()
        if isinstance(node, Mapping)
        else enumerate(node)
        if isinstance(node, list | tuple)
        else ()
    )
    for name, its in parts:
        if name == problem.key and (its == problem.value if problem.value else its is not None):
            return (str(name),)
        if below := _first_place(its, problem):
            return (name, *below)
    return ()


def _check_values(node: object, document: Document, path: Path_) -> None:
    """Refuse numbers that are too large, and text that cannot be a name."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            _check_values(value, document, (*path, str(key)))
    elif isinstance(node, list | tuple):
        for number, value in enumerate(node):
            _check_values(value, document, (*path, number))
    elif isinstance(node, int | float) and not isinstance(node, bool):
        most = MOST if isinstance(node, int) else LARGEST
        if abs(node) > most and node == node and abs(node) != float("inf"):
            shown = f"{node:.3g}" if isinstance(node, float) else f"{len(str(abs(node)))} digits"
            raise document.error(path, f"{_called(path)} is too large ({shown}); at most {most:g}")
    elif isinstance(node, str):
        _check_text(node, document, path)


def _check_text(text: str, document: Document, path: Path_) -> None:
    """Refuse text that is not Unicode, or too long for a name (descriptions may be long)."""
    if any("\ud800" <= its <= "\udfff" for its in text):
        raise document.error(
            path, f"{_called(path)} holds half of a surrogate pair, which is not text"
        )
    free = (
        path[-1:] in (("description",), ("title",))
        or path == ("source",)
        or (path[:1] == ("published",) and path[-1] == "source")
    )
    longest = max(len(part.encode()) for part in text.split("/"))
    if not free and (longest > LONGEST_NAME or len(text) > LONGEST_PATH):
        raise document.error(
            path,
            f"{_called(path)} is too long ({len(text.encode()):,} bytes); at most {LONGEST_NAME}",
        )


def _called(path: Path_) -> str:
    """Return the name of the value at a place, for errors."""
    name = path[-1] if path else "a value"
    return f"item {name + 1}" if isinstance(name, int) else f"'{name}'"


@dataclass(frozen=True)
class OneOf:
    """Restricts a text field of a spec to some names: ``Annotated[str, OneOf(...)]``.

    Its error lists the allowed names and the nearest one, and its JSON Schema lists the names.

    Attributes
    ----------
    what
        What is named, such as ``data set``.
    names
        The names.
    """

    what: str
    names: tuple[str, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Check the name after pydantic has checked that it is text."""
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(self.checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        """List the names for editors."""
        return {**handler(schema), "enum": list(self.names)}

    def checked(self, name: str) -> str:
        """Return the name.

        Raises
        ------
        ValueError
            If it is not one of the names.
        """
        if name not in self.names:
            raise ValueError(f"{self.what} '{name}' is unknown{choices(name, self.names)}")
        return name


@dataclass(frozen=True)
class NameOrCode:
    """Restricts a text field to some names, installed extensions, or references to code.

    Attributes
    ----------
    what
        What is named, such as ``goodness``.
    names
        The names that come with the package.
    group
        The group of entry points that adds to them.
    """

    what: str
    names: tuple[str, ...]
    group: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Check the name after pydantic has checked that it is text."""
        from pydantic_core import core_schema

        def checked(name: str) -> str:
            return references.check_name(self.what, name, self.names, self.group)

        return core_schema.no_info_after_validator_function(checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        """List the names for editors, and allow references."""
        its = {key: value for key, value in handler(schema).items() if key != "type"}
        return {**its, "anyOf": [{"enum": list(self.names)}, {"type": "string"}]}


class OwnCode(Spec):
    """The user's code, with values for the options that it declares."""

    model_config = ConfigDict(extra="allow")
    use: str = Field(
        min_length=1, description="./file.py:name, package.module:name, or an installed name."
    )

    @property
    def options(self) -> dict[str, Any]:
        """The options that are set."""
        return dict(self.model_extra or {})


def _in_tree(tree: object, location: Sequence[str | int]) -> Path_:
    """Drop the names of union branches that pydantic puts into a location."""
    found: list[str | int] = []
    node = tree
    for part in location:
        if isinstance(node, Mapping) and not BRANCH.fullmatch(str(part)):
            found.append(part)
            node = node.get(part)
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node):
            found.append(part)
            node = node[part]
    return tuple(found)


def _told(path: Path_, error: Any, kind: type[BaseModel]) -> tuple[Path_, str]:
    """Turn pydantic's description of a problem into a place and a sentence."""
    name = path[-1] if path else ""
    context = error.get("ctx", {})
    value = error.get("input")
    what = error["type"]
    if what == "extra_forbidden":
        allowed = _fields_at(kind, error["loc"][:-1])
        within = f" in '{path[-2]}'" if len(path) > 1 and isinstance(path[-2], str) else ""
        sentence = f"unknown key '{name}'{within}{choices(name, allowed)}"
    elif what == "missing":
        sentence = f"the key '{error['loc'][-1]}' is missing"
        path = path[:-1]
    elif what == "literal_error":
        allowed = [str(choice).strip("'") for choice in _choices(context["expected"])]
        sentence = f"'{name}' is '{value}'{choices(value, allowed)}"
    elif what == "value_error":
        sentence = str(context["error"])
    elif what == "too_short":
        sentence = f"{_called(path)} must not be empty"
    elif what == "string_pattern_mismatch":
        sentence = f"'{value}' is not a valid name: a letter, then letters, digits, '-' and '_'"
        path = path[:-1] if error["loc"][-1] == "[key]" else path
    else:
        wanted = error["msg"].removeprefix("Input should be ").removeprefix("a valid ")
        shown = repr(value) if isinstance(value, (str, int, float)) else kind_of(value)
        if name == "tasks" and wanted == "integer":
            wanted = "a whole number or a list"
        sentence = f"{_called(path)} must be {_plainer(wanted)}, not {shown}"
    return path, sentence


def _choices(expected: str) -> list[str]:
    return [part.strip() for part in expected.replace(" or ", ", ").split(",")]


def _plainer(wanted: str) -> str:
    words = {
        "integer": "a whole number",
        "string": "text",
        "boolean": "true or false",
        "list": "a list",
        "tuple": "a list",
        "number": "a number",
    }
    return "a mapping" if wanted.startswith("dictionary") else words.get(wanted, wanted)


def _fields_at(kind: type[BaseModel], location: Iterable[str | int]) -> list[str]:
    """Return the keys allowed at a location, through nested models, lists and unions."""
    from typing import get_args

    def models(annotation: Any) -> list[type[BaseModel]]:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return [annotation]
        return [model for argument in get_args(annotation) for model in models(argument)]

    candidates: list[type[BaseModel]] = [kind]
    for part in location:
        if BRANCH.fullmatch(str(part)):
            named = [model for model in candidates if f"<{model.__name__}>" == part]
            candidates = named or candidates  # some branches hold no keys, such as a list
            continue
        deeper = [
            model
            for candidate in candidates
            if part in candidate.model_fields
            for model in models(candidate.model_fields[str(part)].annotation)
        ]
        candidates = deeper or candidates
    return sorted({name for model in candidates for name in model.model_fields})
