"""What the next steps of a phase are, and what a learner is given for them."""

from __future__ import annotations

import functools
import math

from wakesleep.learners.chunks import Chunk
from wakesleep.protocols.kinds import PHASES
from wakesleep.protocols.timetable import Entry
from wakesleep.simulation.prepare import Prepared
from wakesleep.simulation.streams import stream_name


def chunk_of(prepared: Prepared, entry: Entry, done: int, steps: int) -> Chunk:
    """Return the next steps of a phase, of which so many are done, as a learner is given them."""
    its, spec = prepared, prepared.request.protocol.spec
    sign = PHASES[entry.phase].sign
    assert sign is not None  # a rest has no steps to take
    replay = its.replayed(entry)
    (replay or its.source(entry)).context.dream_of = entry.dreamt
    return Chunk(
        sign=sign,
        images=its.presented(entry),
        labels=its.labels,
        index=its.batches[stream_name(entry)].take(steps),
        gains=entry.gains(done, steps),
        negatives=its.negatives(entry),
        separate_states=spec.optimiser_state == "separate",
        fresh_state=spec.optimiser_state == "reset" and done == 0,
        momentum=spec.momentum,
        mode=entry.mode,
        subtract_baseline=spec.subtracts_baseline and replay is None,
        updates_per_batch=spec.data.updates_per_batch,
        layers=entry.layers,
        seen=its.seen,
        replay=None if replay is None else functools.partial(replay, its.learner),
        top_down=entry.replay is None or entry.replay.top_down,
    )


def downscale(prepared: Prepared, entry: Entry, steps: int) -> None:
    """Let weights shrink for so many steps, if that is what the phase does."""
    if entry.downscale is None:
        return
    from wakesleep.learners.parts.downscaling import shrink

    clock = prepared.request.protocol.spec.clock
    kept = entry.downscale.kept(clock.steps_per_hour if clock else math.nan)
    weights = prepared.learner.synapses()
    chosen = entry.layers or range(1, len(weights) + 1)
    shrink([weights[number - 1] for number in chosen], kept, steps, entry.downscale.spare)
