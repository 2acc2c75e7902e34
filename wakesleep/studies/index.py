"""The index of the runs that have ended: a file that is written as they end and can be rebuilt.

``index.jsonl`` in the study's folder holds one line for every run that has ended. If a run is not
in it, its store is read instead, so a lost or incomplete index only costs time. ``plan.json`` holds
the names of all runs, so that they can be listed without checking the files.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wakesleep import __version__
from wakesleep.results.store import attributes

if TYPE_CHECKING:
    from wakesleep.studies.grid import LoadedStudy

FILE, PLAN = "index.jsonl", "plan.json"


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes
    ----------
    run
        Its name.
    status
        ``finished`` or ``failed``.
    why
        Why it failed.
    seconds
        How long it took.
    """

    run: str
    status: str
    why: str = ""
    seconds: float = 0.0


def read(folder: Path) -> dict[str, Ended]:
    """Return how runs ended, by name; the last line about a run counts.

    A line that was cut when a process was killed is left out.
    """
    found: dict[str, Ended] = {}
    with suppress(FileNotFoundError):
        for line in (folder / FILE).read_text(errors="replace").splitlines():
            try:
                its = Ended(**json.loads(line))
            except (ValueError, TypeError):
                continue
            found[its.run] = its
    return found


def add(folder: Path, ended: Iterable[Ended]) -> None:
    """Add lines to the index in a single write."""
    text = "".join(json.dumps(asdict(its)) + "\n" for its in ended)
    if not text:
        return
    path = folder / FILE
    with path.open("ab+") as stream:
        if stream.tell() and not _ends_with_a_line(stream):
            text = "\n" + text  # a line was cut by a kill; this one must not join it
        stream.write(text.encode())


def _ends_with_a_line(stream: Any) -> bool:
    stream.seek(-1, os.SEEK_END)
    return bool(stream.read(1) == b"\n")


def look(folder: Path, names: Iterable[str]) -> dict[str, Ended]:
    """Return which of some runs have finished or failed, from the index and from their stores.

    What the index did not know is added to it. A run whose store has been removed has not ended.

    Parameters
    ----------
    folder
        The study's folder.
    names
        Names of its runs.
    """
    known = read(folder)
    there = stores(folder)
    found, new = {}, []
    for name in names:
        its = known.get(name)
        if its is not None and its.status == "finished" and name in there:
            found[name] = its
            continue
        if name in there:
            made = attributes(folder / "runs" / f"{name}.zarr")
            if made is not None and made.get("status") == "finished":
                found[name] = Ended(name, "finished", "", float(made.get("wall_seconds", 0)))
                new.append(found[name])
                continue
        if its is not None and its.status == "failed":
            found[name] = its
    with suppress(OSError):  # reading must work without write permission
        add(folder, new)
    return found


def stores(folder: Path) -> set[str]:
    """Return the names of the runs that have a store."""
    try:
        with os.scandir(folder / "runs") as entries:
            return {its.name[: -len(".zarr")] for its in entries if its.name.endswith(".zarr")}
    except FileNotFoundError:
        return set()


def write_plan(folder: Path, study: LoadedStudy, seeds: int | None) -> None:
    """Store the names of all runs, and the files that they come from."""
    plan = {
        "version": __version__,
        "seeds": seeds,
        "files": {str(path): _digest(path) for path in study.files},
        "runs": list(study.jobs),
    }
    partial = folder / f".{PLAN}.{os.getpid()}"
    partial.write_text(json.dumps(plan))
    partial.replace(folder / PLAN)


def planned(folder: Path, study: Path, seeds: int | None) -> list[str] | None:
    """Return the names of all runs, if the plan was made from the files as they are now.

    Parameters
    ----------
    folder
        The study's folder.
    study
        The study's file.
    seeds
        Number of seeds, instead of the file's.
    """
    try:
        plan = json.loads((folder / PLAN).read_text())
        files: Mapping[str, str] = plan["files"]
        same = (
            plan["version"] == __version__
            and plan["seeds"] == seeds
            and str(study.resolve()) in files
            and all(_digest(Path(path)) == its for path, its in files.items())
        )
        return list(plan["runs"]) if same else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
