"""Tasks: classes that are presented alone in some phases, or images that are changed.

A repeat may go through tasks: in its first cycle the network is shown the classes of the first
task, in the second those of the second. The number of classes depends on the data, so tasks are
resolved when the data are loaded. A task may also have all classes, with images that are rotated
or whose pixels are permuted, or with the images of another data set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from wakesleep.data.source import Source
from wakesleep.data.views import View
from wakesleep.errors import InputError
from wakesleep.files import specs
from wakesleep.results.schema import equal_parts

Class = Annotated[int, Field(ge=0)]
Classes = Annotated[tuple[Class, ...], Field(strict=False, min_length=1)]


class Changed(specs.Spec):
    """A task of all classes, with images that are changed or come from other data."""

    rotate: Annotated[float, Field(ge=-360, le=360)] = Field(
        0.0, description="Counterclockwise rotation of images, in degrees."
    )
    permute: Annotated[int, Field(ge=0, le=10**9)] = Field(
        0, description="Seed of a permutation of the pixels; 0 for none."
    )
    data: Source | None = Field(
        None,
        description=(
            "Another data set, with images of the same shape and as many classes; default the "
            "data of the run."
        ),
    )

    @model_validator(mode="after")
    def _changes_something_or_says_so(self) -> Changed:
        if not self.model_fields_set:
            raise ValueError("a task needs classes, or 'rotate', 'permute' or 'data'")
        return self

    @property
    def view(self) -> View:
        """The way its images are presented."""
        return View(self.rotate, self.permute, self.data or "")


def _which_task(task: object) -> str:
    return "<Changed>" if isinstance(task, Mapping | Changed) else "<Classes>"


Task = Annotated[
    Annotated[Classes, Tag("<Classes>")] | Annotated[Changed, Tag("<Changed>")],
    Discriminator(_which_task),
]
# A number of tasks, between which the classes are divided in order, or the classes of each, or
# how the images of each are changed.
Tasks = Annotated[
    Annotated[int, Field(ge=1), Tag("<Number>")]
    | Annotated[tuple[Task, ...], Field(strict=False), Tag("<Tasks>")],
    Discriminator(lambda given: "<Tasks>" if isinstance(given, list | tuple) else "<Number>"),
]
# The classes that a network dreams of: today's, all that it was shown so far, or all of these
# except today's.
DreamOf = Literal["today", "known", "others"]


@dataclass(frozen=True)
class Part:
    """The classes of a task: one of several equal parts of all classes, named classes, or all.

    Attributes
    ----------
    number, of
        Number of the part (from 0), and number of parts.
    classes
        The classes, where they are named.
    view
        How images are presented, where the task has all classes.
    """

    number: int = 0
    of: int = 1
    classes: tuple[int, ...] = ()
    view: View | None = None

    def resolved(self, classes: int) -> tuple[int, ...] | None:
        """Return the classes, given the number of classes of the data; None for all.

        Raises
        ------
        InputError
            If there are not enough of them.
        """
        if self.view is not None:
            return None
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
    task = tasks[number]
    return Part(view=task.view) if isinstance(task, Changed) else Part(classes=task)


def has_views(tasks: Tasks | None) -> bool:
    """Return whether some of the tasks present changed images."""
    return isinstance(tasks, tuple) and any(isinstance(its, Changed) for its in tasks)
