"""Which repeats of a protocol are days and nights, and how long these last on the clock."""

from __future__ import annotations

from wakesleep.protocols.kinds import PHASES
from wakesleep.protocols.phases import Phase, Repeat, walk

DAY_TOLERANCE = 0.001  # of a day: rounding to whole updates


def no_days(
    items: tuple[Phase | Repeat, ...], steps_per_hour: float, day: float
) -> list[tuple[Repeat, float]]:
    """Return every repeat that should last one day and night but does not, with its hours.

    Repeats within a day, such as naps, are a part of that day.
    """
    found = []
    for repeat in items:
        if not isinstance(repeat, Repeat):
            continue
        once = _hours(repeat.phases, steps_per_hour)
        if once is not None and abs(once - day) <= DAY_TOLERANCE * day:
            continue
        if once is not None and is_cycle(repeat):
            found.append((repeat, once))
        found += no_days(repeat.phases, steps_per_hour, day)
    return found


def is_cycle(repeat: Repeat) -> bool:
    """Say whether a repeat is a cycle of wake and sleep.

    It is not one if it contains repeats that are days, or if it lacks one of the two signs.
    """
    inner = [its for its in repeat.phases if isinstance(its, Repeat)]
    if any(PHASES[its.phase].shows for part in inner for its in walk(part.phases)):
        return False
    outer = [its for its in repeat.phases if isinstance(its, Phase)]
    if not any(PHASES[its.phase].shows for its in outer):
        return False
    every = walk(repeat.phases, unused=False)
    sleeps = any(
        PHASES[its.phase].sign == "negative" or its.phase == "deprivation" for its in every
    )
    signs = {PHASES[its.phase].sign for its in every}
    return sleeps and "positive" in signs


def _hours(items: tuple[Phase | Repeat, ...], steps_per_hour: float) -> float | None:
    """Return how long phases and repeats last, once through; None where that is not fixed."""
    total = 0.0
    for its in items:
        if isinstance(its, Repeat):
            once = _hours(its.phases, steps_per_hour)
            if once is None:
                return None
            total += its.repeat * once
            continue
        if its.steps is not None:
            hours = its.steps / steps_per_hour
        elif its.hours is not None or its.minutes is not None:
            hours = (its.hours or 0.0) + (its.minutes or 0.0) / 60
        else:
            return None
        # In a repeat of some cycles the mean share counts as often as there are cycles.
        total += hours * (1.0 if its.shares is None else sum(its.shares) / len(its.shares))
    return total
