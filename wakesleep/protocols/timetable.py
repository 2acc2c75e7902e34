"""The flat list of phases of a protocol, and the learning-rate factor of every step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

from wakesleep.data.views import View
from wakesleep.errors import InputError
from wakesleep.negatives import Source, stated
from wakesleep.protocols.downscale import Downscale
from wakesleep.protocols.kinds import PHASES
from wakesleep.protocols.negatives import Negatives
from wakesleep.protocols.phases import Condition, Phase, Repeat
from wakesleep.protocols.replay import Replay
from wakesleep.protocols.spec import Protocol
from wakesleep.protocols.spontaneous import Spontaneous
from wakesleep.protocols.tasks import Part, part_of

MOST_PHASES = 1_000_000
MOST_PROBES = 1_000_000


@dataclass(frozen=True)
class Entry:
    """One phase of the timetable.

    Attributes
    ----------
    phase
        Its name.
    block
        Name of the innermost repeat that has one; ``""`` where none has.
    cycle
        Number of the cycle of that repeat (from 0).
    steps
        Its length in steps; the longest possible length if ``until`` can end it.
    probe_every
        Steps between probes; the end of the phase is always one.
    until
        Condition that ends it early.
    sweep
        Steps after which the learning rate may change, where the phase cools.
    cooling
        Whether the learning rate falls in the second half.
    negatives
        Where its negative data come from.
    mode
        What sleep does with the stored baseline.
    stage
        Stage in the hypnogram.
    layers
        Layers that learn (from 1); None for all.
    recorded
        Whether probes are taken in it; one that waits for a condition is always recorded.
    counters
        Number of the cycle of each enclosing named repeat (from 0).
    replay
        For replay: where its cases come from.
    downscale, spontaneous
        For these phases: how weights shrink; how units fire.
    part, classes
        The task whose real cases are shown; its classes, once the data are known. None for all.
    dream_of, dreamt
        Which classes are dreamt of; the classes, once the data are known.
    """

    phase: str
    block: str
    cycle: int
    steps: int
    probe_every: int
    until: Condition | None = None
    sweep: int = 1
    cooling: bool = False
    negatives: Negatives = field(default_factory=Negatives)
    mode: str = "negative"
    stage: str = "UNS"
    layers: tuple[int, ...] | None = None
    recorded: bool = True
    counters: Mapping[str, int] = field(default_factory=dict)
    replay: Replay | None = None
    downscale: Downscale | None = None
    spontaneous: Spontaneous | None = None
    part: Part | None = None
    classes: tuple[int, ...] | None = None
    dream_of: str | None = None
    dreamt: tuple[int, ...] | None = None

    @property
    def view(self) -> View | None:
        """The way the images of its task are presented; None if they are unchanged."""
        return None if self.part is None else self.part.view

    @property
    def probes(self) -> int:
        """Number of probes if the phase is not ended early."""
        return -(-self.steps // self.probe_every) if self.recorded else 0

    def gains(self, first: int, count: int) -> list[float]:
        """Return the factors of the learning rate for steps first, first + 1, ... (from 0).

        With E sweeps in the phase, the factor is 1 in the first E/2 of them, then
        (1 + 2(E - sweep))/E, sweeps counted from 1 (the author's published program).
        """
        if not self.cooling:
            return [1.0] * count
        sweeps = -(-self.steps // self.sweep)
        numbers = (step // self.sweep + 1 for step in range(first, first + count))
        return [
            1.0 if number <= sweeps / 2 else (1 + 2 * (sweeps - number)) / sweeps
            for number in numbers
        ]


def timetable(
    protocol: Protocol, train_cases: int, source: Callable[[str], Source] = stated
) -> tuple[Entry, ...]:
    """Unroll a protocol.

    Parameters
    ----------
    protocol
        With its inputs filled in.
    train_cases
        Size of the training data, which turns sweeps into steps (rounded up).
    source
        Returns the description of a source of negative data; the default imports no user code.

    Raises
    ------
    InputError
        If it has no phase, or more phases or probes than allowed, or if a phase is shorter than
        an update.
    """
    count = _count(protocol.phases)
    if not 0 < count <= MOST_PHASES:
        raise InputError(
            f"protocol '{protocol.protocol}' has {count:,} phases; allowed are 1 to {MOST_PHASES:,}"
        )
    sweep = -(-train_cases // protocol.data.batch_of(train_cases))
    entries = tuple(_Unrolling(protocol, sweep, source).unroll(protocol.phases, _Where()))
    probes = sum(entry.probes for entry in entries)
    if probes > MOST_PROBES:
        raise InputError(
            f"protocol '{protocol.protocol}' has {probes:,} probes; allowed are "
            f"{MOST_PROBES:,}; record less often"
        )
    return entries


def _count(items: tuple[Phase | Repeat, ...]) -> int:
    return sum(
        1 if isinstance(item, Phase) else item.repeat * _count(item.phases) for item in items
    )


def recorded_cycles(repeats: int, most: int | None) -> Collection[int]:
    """Return which cycles (from 0) of a repeat are recorded, at most about ``most``.

    They are spaced evenly in the logarithm of their number, the first and the last among them.
    """
    if most is None or repeats <= most:
        return range(repeats)
    if most == 1:
        return {repeats - 1}
    return {round(repeats ** (place / (most - 1))) - 1 for place in range(most)}


@dataclass(frozen=True)
class _Where:
    """Where in the repeats a phase is."""

    block: str = ""
    cycle: int = 0
    counters: Mapping[str, int] = field(default_factory=dict)
    recorded: bool = True
    part: Part | None = None
    number: int = 0  # the cycle of the innermost repeat, named or not


@dataclass
class _Unrolling:
    """A protocol that is being unrolled.

    Attributes
    ----------
    carried
        The fraction of an update that remains after rounding. It is added to the next phase in
        hours, so that days have the length that the clock states.
    """

    protocol: Protocol
    sweep: int
    source: Callable[[str], Source]
    carried: float = 0.0

    def unroll(self, items: tuple[Phase | Repeat, ...], where: _Where) -> Iterator[Entry]:
        for item in items:
            if isinstance(item, Phase):
                if item.shares is None or item.shares[where.number]:
                    yield self.entry(item, where)
                continue
            most = None if item.tasks is not None else self.protocol.record.cycles
            kept = recorded_cycles(item.repeat, most)  # the end of every task is recorded
            for number in range(item.repeat):
                its = _Where(
                    block=item.block or where.block,
                    cycle=number if item.block or not where.block else where.cycle,
                    counters={**where.counters, item.block: number}
                    if item.block
                    else where.counters,
                    recorded=where.recorded and number in kept,
                    part=where.part if item.tasks is None else part_of(item.tasks, number),
                    number=number,
                )
                yield from self.unroll(item.phases, its)

    def entry(self, phase: Phase, where: _Where) -> Entry:
        """Return one phase of the timetable."""
        steps = self.steps(phase, 1.0 if phase.shares is None else phase.shares[where.number])
        record, negatives = self.protocol.record, self.protocol.negatives_of(phase)
        every = record.every or (record.every_sweeps or 0) * self.sweep or steps
        return Entry(
            phase=phase.phase,
            block=where.block,
            cycle=where.cycle,
            steps=steps,
            probe_every=min(every, steps),
            until=phase.until,
            sweep=self.sweep if phase.sweeps else 1,
            cooling=phase.cooling is not None,
            negatives=negatives,
            mode=phase.mode,
            stage=phase.stage
            or PHASES[phase.phase].stage
            or ("REM" if self.source(negatives.source).dreams else "NREM"),
            layers=phase.layers,
            recorded=where.recorded or phase.until is not None,
            counters=where.counters,
            replay=(phase.replay or Replay()) if phase.phase == "replay" else None,
            downscale=phase.downscale if phase.phase == "downscale" else None,
            spontaneous=(phase.spontaneous or Spontaneous())
            if phase.phase == "spontaneous"
            else None,
            part=where.part if phase.classes is None else Part(classes=phase.classes),
            dream_of=(phase.dream_of if PHASES[phase.phase].asleep else None)
            or ("known" if phase.phase in ("replay", "spontaneous") else None),
        )

    def steps(self, phase: Phase, share: float = 1.0) -> int:
        """Return how many updates a phase, or a part of it, lasts at the longest."""
        if phase.steps or phase.at_most or phase.sweeps:
            whole = phase.steps or phase.at_most or (phase.sweeps or 0) * self.sweep
            return max(1, round(share * whole))
        assert self.protocol.clock is not None  # checked with the file
        hours = (phase.hours or phase.at_most_hours or 0.0) + (phase.minutes or 0.0) / 60
        hours *= share
        exact = hours * self.protocol.clock.steps_per_hour + self.carried
        found = round(exact)
        if found < 1:
            raise InputError(
                f"protocol '{self.protocol.protocol}': a phase '{phase.phase}' of {hours:g} h is "
                f"rounded to no update, with {self.protocol.clock.steps_per_hour:g} steps per "
                "hour; raise steps_per_hour"
            )
        if phase.until is None:
            self.carried = exact - found
        return found
