"""The classes that a network has been shown before each phase, and those that it dreams of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wakesleep.errors import InputError
from wakesleep.protocols.kinds import PHASES
from wakesleep.protocols.timetable import Entry


def resolve(
    entries: Sequence[Entry], classes: int, met: frozenset[int] = frozenset()
) -> tuple[Entry, ...]:
    """Return a timetable with the classes that each phase presents and dreams of.

    Parameters
    ----------
    entries
        The timetable.
    classes
        Number of classes of the data.
    met
        Classes that the network was shown before, in another run.

    Raises
    ------
    InputError
        If a phase asks for a class that the data lack, or replays before anything was learnt.
    """
    if all(its.part is None and its.dream_of is None for its in entries):
        return tuple(entries)
    everything = tuple(range(classes))
    found: list[Entry] = []
    known = met
    today: tuple[int, ...] = ()
    for entry in entries:
        shown = None if entry.part is None else entry.part.resolved(classes)
        if PHASES[entry.phase].shows:
            today = shown or everything
            known |= frozenset(today)
        dreamt = None
        if entry.dream_of in ("known", "others"):
            if not known:
                raise InputError(
                    f"phase '{entry.phase}' uses classes that the network has met, and comes "
                    "before it was shown any"
                )
            others = known - frozenset(today)
            # During the first task there are no other classes: then sleep uses today's.
            dreamt = tuple(sorted(others if entry.dream_of == "others" and others else known))
        elif entry.dream_of == "today":
            dreamt = shown or today or everything
        found.append(replace(entry, classes=shown, dreamt=dreamt))
    return tuple(found)
