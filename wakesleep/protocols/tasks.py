"""Tasks: classes that are presented alone in some phases.

A repeat may go through tasks: in its first cycle the network is shown the classes of the first
task, in the second those of the second. How many classes there are only the data say, so tasks are
worked out when these are loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from wakesleep.errors import InputError
from wakesleep.results.schema import equal_parts

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
        return equal_parts(classes, self.of)[self.number]


def part_of(tasks: Tasks, number: int) -> Part:
    """Return the task of a cycle (from 0)."""
    if isinstance(tasks, int):
        return Part(number, tasks)
    return Part(classes=tasks[number])
