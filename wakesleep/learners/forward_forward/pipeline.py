"""Layer parallel: each process trains some layers, and passes activity upwards alone.

Layers that learn by their own goodness need nothing from above. So process k can already take step
t + 1 while the next one takes step t. Nothing is approximated: a layer gets the activity that the
layers below had before they learnt from the same cases, as in one process, so all numbers are the
same as in one process. Backpropagation cannot be divided in this way, because its lower layers wait
for the errors of the upper ones.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, distributed

from wakesleep.errors import InputError
from wakesleep.learners.chunks import Chunk
from wakesleep.learners.forward_forward import learning
from wakesleep.learners.forward_forward.layer import begin_chunk
from wakesleep.learners.forward_forward.passes import Feedforward
from wakesleep.runtime.ranks import Ranks

AHEAD = 4  # steps that a process may be ahead of the next one: more would only take memory


def divide(network: Feedforward, ranks: Ranks, batch: int) -> None:
    """Let a network learn in several processes, of which each has consecutive layers.

    Raises
    ------
    InputError
        If there are more processes than layers.
    """
    if ranks.size > len(network.layers):
        raise InputError(
            f"there are {ranks.size} processes and {len(network.layers)} layers; each process "
            "needs a layer"
        )
    network.divided = Pipeline(network, ranks)


def shares(costs: Sequence[float], parts: int) -> list[range]:
    """Return consecutive layers for every process, so that the largest load is minimal.

    Parameters
    ----------
    costs
        Of each layer, from the input upwards.
    parts
        Number of processes, at most that of layers.
    """
    # By number of parts and of layers: what the busiest part has, and where the last one begins.
    layers = len(costs)
    best = {(1, top): (sum(costs[:top]), 0) for top in range(1, layers + 1)}
    for part in range(2, parts + 1):
        for top in range(part, layers + 1):
            best[part, top] = min(
                (max(best[part - 1, cut][0], sum(costs[cut:top])), cut)
                for cut in range(part - 1, top)
            )
    found, top = [], layers
    for part in range(parts, 0, -1):
        cut = best[part, top][1]
        found.append(range(cut, top))
        top = cut
    return found[::-1]


class Pipeline:
    """Takes the steps of the layers that this process has."""

    def __init__(self, network: Feedforward, ranks: Ranks) -> None:
        self.ranks = ranks
        costs = [its.weight.numel() for its in network.layers]
        costs[-1] += network.softmax.weight.numel()
        self.shares = shares(costs, ranks.size)
        self.mine = self.shares[ranks.rank]
        self.below = [depth for depth in network.voting if depth < self.mine.start]
        self.own = [depth for depth in network.voting if depth in self.mine]
        self.last = ranks.rank + 1 == ranks.size
        self.sent: deque[tuple[list[Any], list[Tensor]]] = deque()

    def learn(self, network: Feedforward, chunk: Chunk) -> int | None:
        """Take the chunk's steps; see :class:`wakesleep.learners.capabilities.Learner`.

        At its end every process has all weights again.
        """
        network.pieces = begin_chunk(network.layers, network.pieces, chunk)
        steps = len(chunk.index)
        bad = steps
        coming = self._ask(network, chunk, 0)
        for step, index in enumerate(chunk.index):
            got, coming = coming, []
            for work, _ in got:
                work.wait()
            if step + 1 < steps:
                coming = self._ask(network, chunk, step + 1)
            total = self._step(network, chunk, index, [its for _, its in got], step)
            if bad == steps and not math.isfinite(total):
                bad = step
        while self.sent:
            self._let_go()
        self._share(network)
        bad = self.ranks.first(bad)
        if bad < steps:
            return bad
        return None if network.finite() else steps - 1

    def _reads(self, network: Feedforward, chunk: Chunk) -> bool:
        return "softmax" in network.readouts and chunk.sign != "negative"

    def _rows(self, network: Feedforward, chunk: Chunk, cases: int) -> tuple[int, slice]:
        """Return how many rows learn, and which ones the softmax reads."""
        rows = cases * (2 if chunk.sign == "both" else 1)
        if not network.sees_labels:
            return rows, slice(cases)
        return rows, slice(rows, rows + cases if self._reads(network, chunk) else rows)

    def _ask(self, network: Feedforward, chunk: Chunk, step: int) -> list[tuple[Any, Tensor]]:
        """Start to receive the output of the layers below; the lowest layers get images."""
        if not self.ranks.rank:
            return []
        cases = len(chunk.index[step])
        rows, neutral = self._rows(network, chunk, cases)
        like = network.layers[0].bias
        told = [like.new_empty(max(rows, neutral.stop), network.widths[self.mine.start])]
        if self._reads(network, chunk) and self.below:
            width = sum(network.widths[depth + 1] for depth in self.below)
            told.append(like.new_empty(cases, width))
        return [(distributed.irecv(its, self.ranks.rank - 1), its) for its in told]

    def _send(self, told: list[Tensor]) -> None:
        if len(self.sent) >= AHEAD:
            self._let_go()
        told = [its.contiguous() for its in told]
        self.sent.append(([distributed.isend(its, self.ranks.rank + 1) for its in told], told))

    def _let_go(self) -> None:
        for work in self.sent.popleft()[0]:
            work.wait()

    def _step(
        self, network: Feedforward, chunk: Chunk, index: Tensor, told: list[Tensor], step: int
    ) -> float:
        """Take a step; return a sum that shows any number that is not finite."""
        cases, gain = len(index), chunk.gains[step]
        rows, neutral = self._rows(network, chunk, cases)
        if not self.ranks.rank:
            images, labels = chunk.take(index)
            shown = learning.shown(network, chunk, images, labels)
            done = network.forward(shown.canvas, shown.product, shown.labels, self.mine.stop)
        else:
            labels = chunk.labels[index]
            lowest = network.layers[self.mine.start]
            z = lowest.connection.drive(told[0], lowest.weight, lowest.bias)
            done = network.climb(told[0], z, self.mine)
        voters = [*told[1:]]
        if self._reads(network, chunk):
            voters += [done.normalised[depth - self.mine.start][neutral] for depth in self.own]
        if not self.last:  # before this process learns: the next one can begin
            self._send([done.normalised[-1], *([torch.cat(voters, 1)] if voters else [])])
        goodness, _ = learning.update(network, done, rows, cases, chunk, gain, self.mine.start)
        total = float(goodness)
        network.real_steps += chunk.sign != "negative"
        if self.last and self._reads(network, chunk):
            network.softmax.learn(torch.cat(voters, 1), labels, gain)
            total += float(network.softmax.bias.sum())
        return total

    def _share(self, network: Feedforward) -> None:
        """Give every process the layers of all others, and the softmax of the last one."""
        for rank, depths in enumerate(self.shares):
            for depth in depths:
                layer = network.layers[depth]
                for name, its in self._given(layer.state(), rank).items():
                    setattr(layer, name, its)
        network.softmax.load_state_dict(
            self._given(network.softmax.state_dict(), self.ranks.size - 1)
        )

    def _given(self, state: dict[str, Any], rank: int) -> dict[str, Any]:
        """Return the nested dictionaries of tensors that a process has."""
        if rank == self.ranks.rank:
            shapes = _mapped(state, lambda its: (tuple(its.shape), its.dtype))
        else:
            shapes = None
        told = [shapes]
        distributed.broadcast_object_list(told, rank)
        if rank != self.ranks.rank:
            state = _mapped(told[0], lambda its: torch.empty(its[0], dtype=its[1]))
        for its in _tensors(state):
            distributed.broadcast(its, rank)
        return state


def _mapped(node: Any, function: Any) -> Any:
    if isinstance(node, dict):
        return {name: _mapped(its, function) for name, its in node.items()}
    return function(node)


def _tensors(node: Any) -> list[Tensor]:
    if isinstance(node, dict):
        return [its for value in node.values() for its in _tensors(value)]
    return [node]
