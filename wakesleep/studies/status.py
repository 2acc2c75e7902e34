"""The progress of a study, from its index and the stores of runs that have not ended."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from wakesleep.errors import InputError
from wakesleep.files import documents, library
from wakesleep.files.remote import fetched
from wakesleep.results.store import attributes
from wakesleep.studies import index


@dataclass(frozen=True)
class Status:
    """The progress of a study.

    Attributes
    ----------
    runs
        How many runs it has.
    counts
        Runs that are ``finished``, ``failed``, ``running`` (or were killed), ``stopped``, or
        ``not begun``.
    failed, stopped
        Reasons why runs failed or were stopped, by name.
    seconds_left
        Estimated seconds for the remaining runs, one after another, if each takes as long as a
        finished run; None if no run has finished.
    """

    runs: int
    counts: dict[str, int]
    failed: dict[str, str]
    stopped: dict[str, str]
    seconds_left: float | None


def status(file: str | Path, out: Path | None = None, seeds: int | None = None) -> Status:
    """Return the progress of a study.

    Only the index and the attributes of runs that have not ended are read.

    Parameters
    ----------
    file
        Name of a shipped study, or a path.
    out
        Its folder; default one of the study's name.
    seeds
        Number of seeds, instead of the file's.

    Raises
    ------
    InputError
        If there is no such study, or no such folder.
    """
    path = library.find(str(file), ("studies",))
    out = fetched(out or str(documents.read(path).tree.get("study", "")))
    names = index.planned(out, path, seeds)
    if names is None:
        from wakesleep.studies.grid import load

        names = list(load(file, seeds).jobs)
    if not (out / "runs").is_dir():
        raise InputError(f"{out}: holds no study; start it by 'wakesleep study'")
    counts = Counter({"finished": 0, "failed": 0, "running": 0, "stopped": 0, "not begun": 0})
    failed, stopped = {}, {}
    ended, there = index.look(out, names), index.stores(out)
    for name in names:
        if name in ended:
            counts[ended[name].status] += 1
            if ended[name].status == "failed":
                failed[name] = ended[name].why
            continue
        made = attributes(out / "runs" / f"{name}.zarr") if name in there else None
        told = "not begun" if made is None else str(made.get("status"))
        kind, _, why = told.partition(": ")
        counts[kind] += 1
        if kind == "stopped":
            stopped[name] = why
    left = len(names) - counts["finished"]
    took = [its.seconds for its in ended.values() if its.status == "finished"]
    mean = sum(took) / len(took) if took else None
    seconds = None if mean is None else left * mean
    return Status(len(names), dict(counts), failed, stopped, seconds)
