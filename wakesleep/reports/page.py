"""The content of a report page, and functions that make its parts."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wakesleep import __version__
from wakesleep.files import documents

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXPLAINED = {
    "error": "cases whose class the read-out gets wrong",
    "hits": "real cases that a layer takes for real",
    "false positives": "negative cases that a layer takes for real",
    "d'": "how well a layer separates real and negative cases; 0 is chance",
    "criterion c": "above 0 a layer says 'negative' too readily, below 0 'real'",
    "goodness": "what a layer raises on real cases and lowers on negative ones",
}


@dataclass
class Table:
    """A table of a page: a caption, headings, and rows of text."""

    caption: str
    headings: list[str]
    rows: list[list[str]]


@dataclass
class Picture:
    """A figure of a page, as vector graphics within the page."""

    title: str
    data: str
    text: str


@dataclass
class Page:
    """What a page shows, from top to bottom."""

    title: str
    sentence: str
    description: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    schedule: Picture | None = None
    tables: list[Table] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    command: str = ""
    citations: list[str] = field(default_factory=list)
    provenance: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    explained: Mapping[str, str] = field(default_factory=lambda: EXPLAINED)
    version: str = __version__


def picture(figure: Figure, title: str, text: str) -> Picture:
    """Return a figure as vector graphics, with a title and an alternative text."""
    import matplotlib as mpl

    file = io.BytesIO()
    # Text stays text; no date, so that the same result gives the same page.
    with mpl.rc_context({"svg.hashsalt": "wakesleep"}):
        figure.savefig(file, format="svg", bbox_inches="tight", metadata={"Date": None})
    return Picture(title, base64.b64encode(file.getvalue()).decode(), text)


def description(text: str) -> str:
    """Return the description in a file."""
    return str(told(text, "description", ""))


def told(text: str, key: str, default: Any) -> Any:
    """Return the value of a key in the text of a file; the default if there is none."""
    return documents.parse(text, "file").tree.get(key, default)


def citations(*texts: str) -> list[str]:
    """Return the references of several files, each once."""
    found: dict[str, None] = {}
    for text in texts:
        found |= dict.fromkeys(told(text, "references", []))
    return [str(its) for its in found]


def versions(made: Mapping[str, Any]) -> str:
    """Return the versions that a result was made with, on one line."""
    return ", ".join(f"{name} {its}" for name, its in json.loads(made["versions"]).items())


def plain(value: object) -> str:
    """Return a value as it is written in a file, with short numbers."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(plain(its) for its in value) + "]"
    return str(value)
