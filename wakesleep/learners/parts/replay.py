"""Steps of learning on a GPU, captured once as a CUDA graph and then replayed.

A step of a small network is some hundred kernels, each shorter than the time a processor needs to
launch it. A captured step is one launch. It computes the same numbers, bit for bit: random streams
are registered with the graph, and go on from where they are.

A captured step works at fixed addresses. Its key therefore names the address of every tensor that
the step reads or changes; where one has been replaced, the step is captured anew.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from wakesleep.learners.chunks import Chunk
from wakesleep.runtime.randomness import Streams

WARM = 3  # steps of a kind that are taken as usual before one is captured
MOST_GRAPHS = 16  # captured steps that are kept

# A step: given the indices of a batch and the gain, changes the network and returns a number.
Step = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Captured:
    """A captured step with the places of its input and output."""

    graph: Any
    index: Tensor
    gain: Tensor
    total: Tensor

    def __call__(self, index: Tensor, gain: Tensor) -> Tensor:
        """Take the step once more."""
        self.index.copy_(index)
        self.gain.copy_(gain)
        self.graph.replay()
        return self.total.clone()


class Replay:
    """Takes steps, and replays those that have come up a few times.

    Attributes
    ----------
    capture_after
        Steps of a kind that are taken as usual before one is captured.
    replayed
        How many steps were replayed.
    """

    def __init__(self) -> None:
        self.capture_after = WARM
        self._graphs: dict[Hashable, Captured] = {}
        self._taken: dict[Hashable, int] = {}
        self.replayed = 0

    def take(
        self,
        step: Step,
        index: Tensor,
        gain: Tensor,
        key: Hashable,
        generators: Iterable[torch.Generator],
    ) -> tuple[Tensor, bool]:
        """Take one step.

        Parameters
        ----------
        step
            The step; it must not wait for the GPU, or depend on a Python number that changes.
        index, gain
            Its arguments: the batch (cases,) and the factor of the learning rate ().
        key
            Key of everything else that determines the step, including addresses.
        generators
            Random streams that it may draw from.

        Returns
        -------
        total, ran
            What the step returns, and whether its Python code ran (not so where it was replayed).
        """
        captured = self._graphs.get(key)
        if captured is not None:
            self.replayed += 1
            return captured(index, gain), False
        taken = self._taken[key] = self._taken.get(key, 0) + 1
        if taken <= self.capture_after:
            return step(index, gain), True
        if len(self._graphs) >= MOST_GRAPHS:
            self._graphs.pop(next(iter(self._graphs)))
        try:
            self._graphs[key] = captured = capture(step, index, gain, generators)
        except RuntimeError as error:
            warnings.warn(
                f"a step cannot be captured on this GPU ({str(error).splitlines()[0]}); every "
                "kernel is launched on its own, which is slower",
                stacklevel=2,
            )
            self.capture_after = sys.maxsize
            return step(index, gain), True
        return captured(index, gain), True  # its code ran while it was captured


def capture(
    step: Step, index: Tensor, gain: Tensor, generators: Iterable[torch.Generator]
) -> Captured:
    """Capture a step without taking it; see :class:`Replay`."""
    graph = torch.cuda.CUDAGraph()
    for generator in generators:
        graph.register_generator_state(generator)
    index, gain = index.clone(), gain.clone()
    with torch.cuda.graph(graph):
        total = step(index, gain)
    return Captured(graph, index, gain, total)


def generators_of(chunk: Chunk, streams: Streams) -> list[torch.Generator]:
    """Return every random stream that steps of a chunk may draw from."""
    found = streams.in_use()
    for its in (getattr(chunk.negatives, "context", None), chunk.seen):
        generator = getattr(its, "generator", None)
        if generator is not None and all(generator is not other for other in found):
            found.append(generator)
    return found


def gains_of(chunk: Chunk, like: Tensor) -> Tensor:
    """Return the gain of every step (steps,) where a captured step can read it."""
    return torch.tensor(chunk.gains, dtype=like.dtype).to(like.device)


def kept(old: Tensor | None, new: Tensor) -> Tensor:
    """Return ``new``; on a GPU in the memory of ``old``, whose address captured steps use."""
    if new.device.type == "cpu":
        return new
    if old is None or old.shape != new.shape:
        return new.clone()
    return old.copy_(new)


def chunk_key(chunk: Chunk) -> Hashable:
    """Return a key of a chunk's settings, apart from its batches and gains."""
    its = {name: value for name, value in vars(chunk).items() if not isinstance(value, Tensor)}
    its["gains"] = ()
    sources = id(its.pop("negatives")), id(its.pop("seen"))
    return chunk.index.shape[1], sources, tuple(its.items())


def addresses(tree: Any) -> tuple[int, ...]:
    """Return where the tensors of nested dictionaries, lists and tuples lie, in order."""
    if isinstance(tree, Tensor):
        return (tree.data_ptr(),)
    if isinstance(tree, dict):
        return tuple(one for name in sorted(tree) for one in addresses(tree[name]))
    if isinstance(tree, list | tuple):
        return tuple(one for its in tree for one in addresses(its))
    return ()
