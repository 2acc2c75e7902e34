"""Data parallel: each process takes a part of every batch, and gradients are averaged.

All processes hold the whole network. A layer's local gradient is a mean over cases, so the mean of
the processes' gradients is the gradient of the whole batch; the same holds for the running means
of peer normalisation (footnote 9 of Hinton 2022). Sums are taken in another order than in one
process, so numbers agree up to rounding.
"""

from __future__ import annotations

import math
from dataclasses import replace

from torch import Tensor, distributed

from wakesleep.errors import InputError
from wakesleep.learners.chunks import Chunk
from wakesleep.learners.forward_forward.layer import begin_chunk
from wakesleep.learners.forward_forward.passes import Feedforward
from wakesleep.runtime.ranks import Ranks


def divide(network: Feedforward, ranks: Ranks, batch: int) -> None:
    """Let a network learn in several processes, of which each takes a part of every batch.

    Raises
    ------
    InputError
        If the batch cannot be divided into equal parts.
    """
    if batch % ranks.size:
        raise InputError(
            f"parallel 'data': a batch of {batch} cases cannot be divided into {ranks.size} equal "
            "parts; choose another batch or number of processes"
        )
    network.divided = SharedBatches(network, ranks)


class SharedBatches:
    """Takes the steps of this process's part of every batch."""

    def __init__(self, network: Feedforward, ranks: Ranks) -> None:
        self.ranks = ranks
        network.pieces = replace(network.pieces, mean=self._mean)

    def learn(self, network: Feedforward, chunk: Chunk) -> int | None:
        """Take the chunk's steps; see :class:`wakesleep.learners.capabilities.Learner`."""
        network.pieces = begin_chunk(network.layers, network.pieces, chunk)
        steps = len(chunk.index)
        bad = steps
        for step, index in enumerate(chunk.index):
            total = float(self._step(network, chunk, index, step))
            # If this process stopped here, the others would wait for it forever.
            if bad == steps and not math.isfinite(total):
                bad = step
        bad = self.ranks.first(bad)
        if bad < steps:
            return bad
        return None if network.finite() else steps - 1

    def _step(self, network: Feedforward, chunk: Chunk, index: Tensor, step: int) -> Tensor:
        images, labels = chunk.take(index)
        part = len(images) // self.ranks.size
        own = slice(self.ranks.rank * part, (self.ranks.rank + 1) * part)
        if chunk.negatives is not None:
            # Of the whole batch, so that random numbers are those of one process.
            fakes, fake_labels = chunk.negatives(network, images, labels)
            fakes = images[own] if fakes is images else fakes[own]
            made = fakes, fake_labels[own]
            chunk = replace(chunk, negatives=lambda *_: made)
        return network.take_step(chunk, images[own], labels[own], chunk.gains[step])

    def _mean(self, its: Tensor) -> Tensor:
        distributed.all_reduce(its)
        return its.div_(self.ranks.size)
