"""Which classes are presented in a phase, which the network has met so far, and which it dreams of.

A repeat may go through tasks: in its first cycle the network is shown the classes of the first
task, in the second those of the second. How many classes there are only the data say, so tasks are
worked out when these are loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from wakesleep.errors import InputError
from wakesleep.protocols.kinds import PHASES

if TYPE_CHECKING:
    from wakesleep.protocols.timetable import Entry

Class = Annotated[int, Field(ge=0)]
Classes = Annotated[tuple[Class, ...], Field(strict=False, min_length=1)]
# A number of tasks, between which the classes are divided in order, or the classes of each.
Tasks = Annotated[int, Field(ge=1)] | Annotated[tuple[Classes, ...], Field(strict=False)]
# Classes of which a network dreams: today's, all it was shown so far, or those of them that are
# not shown today.
DreamOf = Literal["today", "known", "others"]


@dataclass(frozen=True)
class Part:
    """The classes of a task: one of so many equal parts of all classes, or some that are named.

    Attributes
    ----------
    number, of
        Which part (from 0), and of how many.
    classes
        The classes, where they are named.
    """

    number: int = 0
    of: int = 1
    classes: tuple[int, ...] = ()

    def resolved(self, classes: int) -> tuple[int, ...]:
        """Return the classes, of so many that there are.

        Raises
        ------
        InputError
            If there are not enough of them.
        """
        if self.classes:
            if max(self.classes) >= classes:
                raise InputError(
                    f"a phase asks for class {max(self.classes)}, but the data have the classes 0 "
                    f"to {classes - 1}"
                )
            return tuple(sorted(set(self.classes)))
        if self.of > classes:
            raise InputError(f"{self.of} tasks, but the data have {classes} classes")
        edges = [round(place * classes / self.of) for place in (self.number, self.number + 1)]
        return tuple(range(*edges))


def part_of(tasks: Tasks, number: int) -> Part:
    """Return the task of a cycle (from 0)."""
    if isinstance(tasks, int):
        return Part(number, tasks)
    return Part(classes=tasks[number])


def resolve(entries: Sequence[Entry], classes: int) -> tuple[Entry, ...]:
    """Return a timetable with the classes that each phase presents, and of which it dreams.

    Parameters
    ----------
    entries
        The timetable.
    classes
        Number of classes of the data.

    Raises
    ------
    InputError
        If a phase asks for a class that the data lack, or replays before anything was learnt.
    """
    if all(its.part is None and its.dream_of is None for its in entries):
        return tuple(entries)
    everything = tuple(range(classes))
    found: list[Entry] = []
    known: frozenset[int] = frozenset()
    today: tuple[int, ...] = ()
    for entry in entries:
        shown = None if entry.part is None else entry.part.resolved(classes)
        kind = PHASES[entry.phase]
        if kind.shows and not known.issuperset(shown or everything):
            known = known | frozenset(shown or everything)
        if kind.shows:
            today = shown or everything
        dreamt = None
        if entry.dream_of == "known" or entry.dream_of == "others":
            if not known:
                raise InputError(
                    f"phase '{entry.phase}' dreams of classes that the network knows, and comes "
                    "before it was shown any"
                )
            others = known - frozenset(today)
            # On the days of the first task there are no others: then the night is today's.
            dreamt = tuple(sorted(others if entry.dream_of == "others" and others else known))
        elif entry.dream_of == "today":
            dreamt = shown or today or everything
        found.append(replace(entry, classes=shown, dreamt=dreamt))
    return tuple(found)
