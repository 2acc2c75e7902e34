"""The references of a file as BibTeX.

A reference in a file is one line: authors, year, title, then where it was published and the part
that is meant, such as "Dement 1960, The effect of dream deprivation, Science 131, 1705-1707".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from wakesleep import __version__

START = re.compile(r"(?P<authors>.+?) (?P<year>(?:1[89]|20)\d\d), (?P<rest>.+)")
ARXIV = re.compile(r"arXiv:? ?(\d{4}\.\d{4,5})")
JOURNAL = re.compile(
    r"(?:(?P<title>.+), )?(?P<journal>[^,]+?) (?P<volume>\d+)[,:] ?(?P<pages>[\w-]+)"
)
# The part of the work that a file uses is not a part of the reference.
PART = re.compile(r",? (?:and )?(?:sections?|footnotes?|figures?|tables?|eqs?\.) \d.*$")
SPECIAL = {
    "\\": r"\textbackslash ",
    "{": r"\textbraceleft ",  # BibTeX counts braces, escaped ones too
    "}": r"\textbraceright ",
    **{its: f"\\{its}" for its in "&%$#_"},
}
OWN_TITLE = "{wakesleep}: wake and sleep in networks that learn by local rules"


@dataclass(frozen=True)
class Entry:
    """A BibTeX entry.

    Attributes
    ----------
    kind
        ``article`` or ``misc``.
    key
        What it is cited by.
    fields
        Names and values, not yet escaped.
    """

    kind: str
    key: str
    fields: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"  {name} = {{{value}}}" for name, value in self.fields.items()]
        return f"@{self.kind}{{{self.key},\n" + ",\n".join(lines) + "\n}"


def package() -> Entry:
    """Return the entry of this package."""
    told = {
        "author": "{The wakesleep authors}",
        "title": OWN_TITLE,
        "note": f"Version {__version__}",
    }
    return Entry("misc", "wakesleep", told)


def entry(reference: str) -> Entry:
    """Return the entry of a reference.

    A reference that does not begin with authors and a year becomes a ``misc`` entry with the whole
    line as its note.
    """
    found = START.fullmatch(PART.sub("", reference.strip()))
    if found is None:
        words = re.findall(r"[a-z]+", _ascii(reference).lower())
        return Entry("misc", "_".join(words[:3]) or "reference", {"note": _escaped(reference)})
    rest = found["rest"]
    fields = {"author": _authors(found["authors"])}
    arxiv, journal = ARXIV.search(rest), JOURNAL.fullmatch(rest)
    kind, more = "misc", {}
    if arxiv is not None:
        title = rest[: arxiv.start()].rstrip(", ")
        more = {"eprint": arxiv[1], "archiveprefix": "arXiv"}
    elif journal is not None:
        kind, title = "article", journal["title"] or ""
        more = {name: _escaped(journal[name]) for name in ("journal", "volume")}
        more["pages"] = journal["pages"].replace("-", "--")
    else:
        title, _, place = rest.rpartition(", ")
        more = {"howpublished": _escaped(place)} if title else {}
        title = title or rest
    if title:
        fields["title"] = f"{{{_escaped(title)}}}"
    fields["year"] = found["year"]
    surname = re.split(r" et al\.|,| & ", found["authors"])[0]
    key = re.sub(r"[^a-z]+", "_", _ascii(surname).lower()).strip("_")
    return Entry(kind, f"{key}_{found['year']}", {**fields, **more})


def entries(references: Iterable[str]) -> list[Entry]:
    """Return one entry for every work: of two references, the one with more details.

    Two works of one author and year get the keys ``name_year`` and ``name_year_b``.
    """
    kept: list[Entry] = []
    for its in map(entry, references):
        same = [at for at, other in enumerate(kept) if _same(its, other)]
        if not same:
            kept.append(its)
        elif len(its.fields) > len(kept[same[0]].fields):
            kept[same[0]] = its
    taken: dict[str, int] = {}
    found = []
    for its in kept:
        count = taken[its.key] = taken.get(its.key, 0) + 1
        key = its.key if count == 1 else f"{its.key}_{chr(ord('a') + count - 1)}"
        found.append(Entry(its.kind, key, its.fields))
    return found


def _same(one: Entry, other: Entry) -> bool:
    if one.key != other.key:
        return False
    shared = [
        name
        for name in ("eprint", "volume", "pages", "note")
        if name in one.fields and name in other.fields
    ]
    if shared:
        return all(one.fields[name] == other.fields[name] for name in shared)
    return one.fields.get("title") == other.fields.get("title")


def _authors(text: str) -> str:
    others = text.endswith(" et al.")
    names = re.split(r", | & ", text.removesuffix(" et al."))
    return " and ".join([*map(_escaped, names), *(["others"] if others else [])])


def _escaped(text: str) -> str:
    return "".join(SPECIAL.get(its, its) for its in text)


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
