"""Steps of a restricted machine on a GPU, captured once and replayed; see ``parts.replay``."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from wakesleep.learners.boltzmann.restricted import Restricted
from wakesleep.learners.chunks import Chunk
from wakesleep.learners.parts.plasticity import Gain
from wakesleep.learners.parts.replay import addresses, chunk_key, gains_of, generators_of

REMEMBER_EVERY = 10  # updates after which the mean goodness is brought up to date


def possible(machine: Any, chunk: Chunk) -> bool:
    """Return whether all steps of a chunk run the same operations and so can be captured."""
    return (
        machine.parameters.sampler in ("persistent", "cd")
        and isinstance(machine.machine, Restricted)
        and chunk.replay is None
        and (chunk.negatives is None or getattr(chunk.negatives, "steady", False))
    )


def learn(machine: Any, chunk: Chunk) -> None:
    """Take a chunk's steps."""
    first = next(iter(machine.theta.values()))
    signs = (chunk.sign != "negative", chunk.sign != "positive")

    def take(index: Tensor, gain: Gain) -> Tensor:
        machine.step(chunk, *chunk.take(index), gain)
        return first.flatten()[0]

    for index, gain in zip(chunk.index, gains_of(chunk, first), strict=True):
        moments = [
            (number == 0, number % REMEMBER_EVERY == 0)
            for number, there in zip(machine.updates, signs, strict=True)
            if there
        ]
        key = (
            chunk_key(chunk),
            tuple(moments),
            addresses([chunk.images, chunk.labels, machine.state_dict()]),
        )
        _, ran = machine.replay.take(take, index, gain, key, generators_of(chunk, machine.streams))
        if not ran:
            machine.updates = [
                number + there for number, there in zip(machine.updates, signs, strict=True)
            ]
