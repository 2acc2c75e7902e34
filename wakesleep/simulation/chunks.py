"""The next steps of a phase, and the chunks that learners get for them."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wakesleep.learners.capabilities import Erases, Rests
from wakesleep.learners.chunks import Chunk
from wakesleep.protocols.kinds import PHASES
from wakesleep.protocols.timetable import Entry
from wakesleep.simulation.prepare import Prepared
from wakesleep.simulation.streams import stream_name

if TYPE_CHECKING:
    from torch import Tensor

    from wakesleep.learners.parts.spontaneous import SpontaneousActivity

SEEN_CASES = 1000  # training cases on which the activity of units is measured


def chunk_of(prepared: Prepared, entry: Entry, done: int, steps: int) -> Chunk:
    """Return the next ``steps`` steps of a phase, after ``done`` steps, as a chunk."""
    its, spec = prepared, prepared.request.protocol.spec
    sign = PHASES[entry.phase].sign
    assert sign is not None  # a rest has no steps to take
    replay = its.replayed(entry)
    (replay or its.source(entry)).context.dream_of = entry.dreamt
    return Chunk(
        sign=sign,
        images=its.presented(entry),
        labels=its.presented.labels_of(entry),
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
        classes=entry.classes,
    )


@dataclass
class ByItself:
    """Phases without steps of the learner: rest, downscaling, spontaneous activity, consolidation.

    Attributes
    ----------
    prepared
        The run.
    active
        The spontaneous activity of the current phase, if it has any.
    paces
        How fast the weights into each unit shrink in the current phase, if that differs by unit.
    """

    prepared: Prepared
    active: SpontaneousActivity | None = None
    paces: list[Tensor] | None = None

    def go_on(self, entry: Entry, done: int, steps: int) -> None:
        """Advance a phase by ``steps`` steps, after ``done`` steps."""
        if entry.phase != "downscale":
            self.paces = None
        elif done == 0 or self.paces is None:
            self.paces = self._paces(entry)  # before anything changes in this phase
        if isinstance(self.prepared.learner, Rests):
            self.prepared.learner.rest(steps)
        if entry.phase == "downscale":
            self._downscale(entry, steps)
        elif entry.phase == "spontaneous":
            if done == 0 or self.active is None:
                self.active = self._activity(entry)
            self.active.go_on(steps, self.prepared.streams("spontaneous"))
        elif entry.phase == "consolidate":
            its = self.prepared
            for number, index in enumerate(its.batches[stream_name(entry)].take(steps), 1):
                last = done + number == entry.steps
                cases = its.presented(entry)[index]
                its.learner.consolidate(cases, its.streams("consolidate"), last)

    def _downscale(self, entry: Entry, steps: int) -> None:
        from wakesleep.learners.parts.downscaling import shrink

        assert entry.downscale is not None  # such a phase has it
        clock = self.prepared.request.protocol.spec.clock
        kept = entry.downscale.kept(clock.steps_per_hour if clock else math.nan)
        learner = self.prepared.learner
        weights = learner.synapses()
        chosen = entry.layers or range(1, len(weights) + 1)
        some = [weights[number - 1] for number in chosen]
        pace = None if self.paces is None else [self.paces[number - 1] for number in chosen]
        if isinstance(learner, Erases) and learner.erase(chosen, kept, steps, pace):
            return
        shrink(some, kept, steps, entry.downscale.spare, pace)

    def _paces(self, entry: Entry) -> list[Tensor] | None:
        """Return how fast the weights into each unit shrink; None where all are alike."""
        from wakesleep.learners.parts.downscaling import paces

        assert entry.downscale is not None  # such a phase has it
        if entry.downscale.by is None:
            return None
        its = self.prepared
        images, labels = (
            its.presented(entry)[:SEEN_CASES],
            its.presented.labels_of(entry)[:SEEN_CASES],
        )
        return paces(its.learner.unit_activity(images, labels))

    def _activity(self, entry: Entry) -> SpontaneousActivity:
        """Return the activity of the network as it is now, driven by the mean image it knows."""
        import torch

        from wakesleep.learners.parts.spontaneous import SpontaneousActivity

        its, how = self.prepared, entry.spontaneous
        assert how is not None  # such a phase has it
        weights = its.learner.synapses()
        images = its.presented(entry)
        if entry.dreamt is not None:
            labels = its.presented.labels_of(entry)
            images = images[torch.isin(labels, labels.new_tensor(entry.dreamt))]
        thresholds = how.threshold
        if not isinstance(thresholds, tuple):
            thresholds = (thresholds,) * len(weights)
        return SpontaneousActivity(
            weights, images.mean(0), thresholds, how.gain, how.loss, how.leak, how.rate
        )

    def state_dict(self) -> dict[str, Any] | None:
        """Return what a resumed run needs of the phase at hand."""
        if self.paces is not None:
            return {"paces": self.paces}
        return None if self.active is None else self.active.state_dict()

    def load_state_dict(self, state: dict[str, Any] | None, place: int, done: int) -> None:
        """Continue from what :meth:`state_dict` returned, in the phase of that number.

        A phase without completed steps starts afresh: the state is then that of an earlier phase.
        """
        if state is None or done == 0 or place >= len(self.prepared.entries):
            return
        entry = self.prepared.entries[place]
        if entry.phase == "downscale":
            self.paces = state.get("paces")
        if entry.phase == "spontaneous":
            self.active = self._activity(entry)
            self.active.load_state_dict(state)
