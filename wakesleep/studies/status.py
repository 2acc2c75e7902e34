"""How far a study is, from the stores of its runs alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from wakesleep.errors import InputError
from wakesleep.results.store import attributes
from wakesleep.studies.grid import LoadedStudy


@dataclass(frozen=True)
class Status:
    """How far a study is.

    Attributes
    ----------
    runs
        How many runs it has.
    counts
        Runs that are ``finished``, ``running`` (or were killed), ``stopped``, or ``not begun``.
    stopped
        Why runs were stopped, by name.
    seconds_left
        About how many seconds the others take one after another, if they take as long as those
        that have finished; None if none has.
    """

    runs: int
    counts: dict[str, int]
    stopped: dict[str, str]
    seconds_left: float | None


def status(study: LoadedStudy, folder: Path) -> Status:
    """Return how far a study is; nothing is opened but the attributes of each run.

    Raises
    ------
    InputError
        If there is no such folder.
    """
    if not (folder / "runs").is_dir():
        raise InputError(f"{folder}: holds no study; start it by 'wakesleep study'")
    counts = Counter({"finished": 0, "running": 0, "stopped": 0, "not begun": 0})
    stopped, took = {}, []
    for name in study.jobs:
        made = attributes(folder / "runs" / f"{name}.zarr")
        told = "not begun" if made is None else str(made.get("status"))
        kind, _, why = told.partition(": ")
        counts[kind] += 1
        if kind == "stopped":
            stopped[name] = why
        if kind == "finished" and made is not None:
            took.append(float(made.get("wall_seconds", 0)))
    left = len(study.jobs) - counts["finished"]
    mean = sum(took) / len(took) if took else None
    return Status(len(study.jobs), dict(counts), stopped, None if mean is None else left * mean)
